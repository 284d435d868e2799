//! Operations: one file a family, each with the public functions and the rules of its rows.

mod block;
mod compose;
mod copy;
mod create;
mod custom;
mod einsum;
mod elementwise;
mod fast;
mod index;
mod lowered;
mod map;
mod matmul;
mod quantize;
pub mod random;
mod reduce;
mod scan;
mod sort;
mod view;

pub use block::*;
pub use compose::*;
pub use copy::*;
pub use create::*;
pub use custom::*;
pub use einsum::*;
pub use elementwise::*;
pub use fast::*;
pub use index::*;
pub use lowered::*;
pub use map::map;
pub use matmul::*;
pub use quantize::*;
pub use reduce::*;
pub use scan::*;
pub use sort::*;
pub use view::*;
