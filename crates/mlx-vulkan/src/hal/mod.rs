//! The only place that talks to the driver. Its contract:
//!
//! - What comes in has been checked: handles live, sizes fit, features were reported. Nothing is checked twice.
//! - What the driver reports is not believed where memory safety hangs on it: texts are read up to their terminator
//!   or their end, lists are bounded.
//! - Errors are those a correct caller can meet: no loader, no device, out of memory, device lost, a refused shader.
//!
//! Every object destroys itself when dropped, and holds what it was made from, so that nothing outlives its maker.

pub(crate) mod cache;
pub(crate) mod device;
pub(crate) mod import;
pub(crate) mod instance;
pub(crate) mod memory;
pub(crate) mod pipelines;
mod probe;
pub(crate) mod queue;
pub(crate) mod recording;
pub(crate) mod timeline;
pub(crate) mod times;
