//! The functions and array methods that scripts/bindings.py makes from python/api.

mod array;
pub mod core;
pub mod fast;
pub mod fft;
pub mod linalg;
pub mod random;

/// What the made files use.
mod prelude {
    pub(super) use crate::array::{PyArray, bits, divisible, operator};
    pub(super) use crate::conv;
    pub(super) use crate::convert::{
        self, Arr, ArrayOrInt, Arrays, Axes, IntOrSeq, IntSeq, MaskArg, Number, Only, Operand, OrderArg, Padding,
        Returned, Shape, ShapeSeq, Text, as_dtype, small,
    };
    pub(super) use crate::create;
    pub(super) use crate::dtype::Dt;
    pub(super) use crate::error::R;
    pub(super) use crate::fft;
    pub(super) use crate::quantize;
    pub(super) use crate::stream::{self, StreamArg};
    pub(super) use mlx::DType;
    pub(super) use mlx::ops::{self, FftKind, linalg, random};
    pub(super) use pyo3::prelude::*;
}
