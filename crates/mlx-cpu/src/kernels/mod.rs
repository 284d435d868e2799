//! Kernels, one file (or folder) a family.

use crate::backend::Cx;
use mlx_ir::{Desc, Operand, Result};

pub mod affine;
pub mod arange;
pub mod block;
pub mod conv;
pub mod copy;
pub mod fft;
pub mod index;
pub mod matmul;
pub mod norm;
pub mod packed;
pub mod peak;
pub mod qmatmul;
pub mod random;
pub mod reduce;
pub mod rope;
pub mod scan;
pub mod sdpa;
pub mod softmax;
pub mod sort;
pub mod update;

#[cfg(test)]
mod copy_tests;
pub(crate) mod ints;
#[cfg(test)]
mod large_tests;
pub(crate) mod pairs;
#[cfg(test)]
mod rows_tests;
pub(crate) mod scratch;
pub(crate) mod simd;
mod sums;
#[cfg(test)]
pub(crate) mod testing;

/// What a row's kernel says and does. `run` is called only with operands that `supports` accepted.
pub trait Kernel {
    /// Whether there is a kernel for operands of these descriptions.
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool;
    /// Writes the outputs.
    ///
    /// # Errors
    /// `Memory` if scratch memory is short; nothing else can go wrong in a kernel.
    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()>;
}
