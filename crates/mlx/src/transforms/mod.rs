//! Function transforms: reverse and forward derivatives, batching. Each is a walk over a recorded graph.

mod grad;
mod jvp;
mod vmap;
mod walk;

pub use grad::{grad, value_and_grad, vjp};
pub use jvp::jvp;
pub use vmap::vmap;
pub(crate) use vmap::vmap_with;
