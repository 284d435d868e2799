//! The CPU back end: instruction-set levels, the thread pool and the kernels.
//!
//! `unsafe` is used here only, and each block says why it is sound.

pub mod isa;
pub mod pool;

pub use isa::Isa;
pub use pool::Pool;
