//! The CPU back end: instruction-set levels, the thread pool and the kernels.
//!
//! `unsafe` is used here only, and each block says why it is sound.

pub mod alloc;
pub mod backend;
pub mod host;
pub mod isa;
pub mod kernels;
mod level;
mod math32;
pub mod pool;
mod rows;
mod stream;
mod tape;
#[cfg(test)]
mod testing;
pub mod view;

pub use backend::{CpuBackend, Cx};
pub use isa::Isa;
pub use pool::Pool;
