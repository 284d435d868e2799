//! Operations: one file a family, each with the public functions and the rules of its rows.

mod copy;
mod create;
mod elementwise;
mod index;
mod map;
mod matmul;
mod reduce;
mod scan;
mod sort;
mod view;

pub use copy::*;
pub use create::*;
pub use elementwise::*;
pub use index::*;
pub use map::map;
pub use matmul::*;
pub use reduce::*;
pub use scan::*;
pub use sort::*;
pub use view::*;
