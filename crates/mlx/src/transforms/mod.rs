//! Function transforms: reverse and forward derivatives, batching. Each is a walk over a recorded graph.

mod grad;
mod graph;
mod jvp;
pub(crate) mod official;
mod stored;
mod vmap;
mod walk;

pub use grad::{grad, value_and_grad, vjp, vjp_with};
pub use graph::Graph;
pub use jvp::jvp;
pub use stored::{ListedStep, Listing};
pub(crate) use vmap::vmap_with;
pub use vmap::{vmap, vmap_of};
