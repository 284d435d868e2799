//! MLX-ARM's array library: lazy arrays with MLX's semantics.
//!
//! What is promised:
//! * An operation records a node and checks shapes and dtypes; nothing is computed before [`eval`], [`async_eval`] or
//!   a look at the values. Each node is computed once, in dependency order, without recursion: graphs may be
//!   millions of nodes deep, in evaluation and when freed.
//! * [`Array`] is `Send + Sync`; graphs may be built and evaluated from several threads at once.
//! * Views (transpose, slice, broadcast, …) copy nothing; [`counts`] tells how many copies were made.
//! * The output of elementwise work and updates takes the place of an input that dies there.
//! * A failed evaluation leaves everything that was not computed as it was: it can be asked for again.
//! * Results do not depend on the number of threads.
#![forbid(unsafe_code)]

mod array;
mod functions;
pub mod io;
pub mod ops;
pub mod reference;
pub mod replay;
pub mod rules;
mod runtime;
mod schedule;
#[cfg(feature = "vulkan")]
pub mod selftest;
mod transforms;

pub use array::Array;
pub use functions::{FunctionFile, RecordedCall, read_functions, write_functions};
pub use mlx_ir::{C64, DType, Element, Error, ErrorKind, Result};
pub use runtime::{
    Config, Counts, Device, Place, Stream, VARIABLES, Warming, configure, counts, current_stream, default_device,
    default_stream, enter, gpu_identity, gpu_name, init, isa, leave, memory, on, profile, set_default_device,
    set_default_stream, set_threads, threads, warm_gpu,
};
pub use schedule::{async_eval, eval, synchronize};
pub use transforms::{Graph, ListedStep, Listing, grad, jvp, value_and_grad, vjp, vjp_with, vmap, vmap_of};
