//! Planners: from an op with described operands to dispatches. One file for each family.

pub(crate) mod map;
pub(crate) mod tune;

mod affine;
mod attention;
mod block;
mod boxes;
mod conv;
#[cfg(test)]
mod conv_tests;
mod copy;
mod fft;
mod gather;
mod gathered;
#[cfg(test)]
mod gathered_tests;
mod lines;
#[cfg(test)]
mod map_tests;
mod matmul;
#[cfg(test)]
mod matmul_tests;
mod picks;
mod random;
mod reduce;
#[cfg(test)]
mod reduce_tests;
mod rope;
mod rows;
mod scan;
mod scatter;
mod sort;
pub(crate) mod split;
#[cfg(test)]
mod split_tests;
#[cfg(test)]
mod tests;
mod tiles;
mod user;
mod wide;

use crate::Caps;
use crate::record::Cx;
use mlx_ir::{Desc, Launch, Op, Operand, Result};

/// A row's kernel on a device.
pub(crate) trait Kernel {
    /// Whether [`Kernel::record`] accepts operands of these descriptions on a device with these capabilities.
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool;

    /// Records the dispatches. Called only with what `supports` accepts and outputs that are not empty. Outputs are
    /// row-major; the first may lie exactly over a donated input.
    ///
    /// # Errors
    /// `Memory` or `Device`.
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()>;
}

/// One arm for each row, as in the other back ends: a row under `kernels` implements [`Kernel`], one under `none` is
/// computed by the processor (core) or by its expansion (fused). Kernels come in families, which are tested and, where a
/// driver fails them, switched off as a whole; what is not ours to test stands apart.
macro_rules! selection {
    (kernels { $($family:ident { $($row:ident),* $(,)? })* } apart { $($apart:ident),* $(,)? } none { $($no:ident),* $(,)? }) => {
        /// Families of kernels.
        pub const FAMILIES: &[&str] = &[$(stringify!($family)),*];

        /// The family of the row's kernel; none if it has no kernel.
        pub(crate) fn family(op: &Op) -> Option<&'static str> {
            match op {
                $($(Op::$row(_))|* => Some(stringify!($family)),)*
                $(Op::$apart(_))|* | $(Op::$no(_))|* => None,
                Op::Leaf | Op::Hole => None,
            }
        }
        /// Whether the row has a kernel for these operands.
        pub(crate) fn supports(caps: &Caps, op: &Op, ins: &[Desc], outs: &[Desc]) -> bool {
            match op {
                $($(Op::$row(x) => Kernel::supports(x, caps, ins, outs),)*)*
                $(Op::$apart(x) => Kernel::supports(x, caps, ins, outs),)*
                $(Op::$no(_) => false,)*
                Op::Leaf | Op::Hole => false,
            }
        }
        /// Records the row's dispatches.
        pub(crate) fn record(cx: &mut Cx<'_>, op: &Op, ins: &[Operand], outs: &[Operand]) -> Result<Launch> {
            match op {
                $($(Op::$row(x) => {
                    Kernel::record(x, cx, ins, outs)?;
                    Ok(Launch::Done)
                })*)*
                $(Op::$apart(x) => {
                    Kernel::record(x, cx, ins, outs)?;
                    Ok(Launch::Done)
                })*
                $(Op::$no(_) => Ok(Launch::Declined),)*
                Op::Leaf | Op::Hole => Ok(Launch::Declined),
            }
        }
    };
}

selection! {
    kernels {
        map { Map }
        copy { Contiguous, Concatenate, Pad, SliceUpdate }
        boxes { DynamicSlice, DynamicSliceUpdate }
        create { Arange, RandomBits }
        reduce { Reduce, ArgReduce, ReduceMap }
        scan { Scan }
        sort { Sort, ArgSort, Partition, ArgPartition }
        gather { Gather, GatherAxis }
        scatter { Scatter, ScatterAxis }
        matmul { Matmul, AddMM, GatherMM }
        conv { Conv }
        fft { Fft }
        affine { QuantizedMatmul, GatherQMM, Quantize, Dequantize }
        blocks { BlockMatmul, BlockRows, BlockDequantize }
        rows { Softmax, LogSumExp, CrossEntropy, RmsNorm, LayerNorm }
        rope { Rope }
        attention { Sdpa, PackRows, UnpackRows }
        layer { BlockProject, CacheUpdate }
    }
    apart { GpuKernel }
    none {
        Broadcast, Reshape, Transpose, Slice, AsStrided, Bitcast, StopGradient,
        Custom, Depends, Linalg,
    }
}
