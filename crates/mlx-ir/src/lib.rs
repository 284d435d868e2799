//! The vocabulary of MLX-ARM: plain data and tables, no execution and no unsafe code.
//!
//! * [`dtype`]: the dtypes and MLX's promotion rules.
//! * [`error`]: the one error type.
#![forbid(unsafe_code)]

pub mod dtype;
pub mod error;

pub use dtype::{C64, DType, Element, Kind};
pub use error::{Error, ErrorKind, Result};
