//! Evenly spaced values.

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::view::slice_mut;
use mlx_ir::dtype::{bf16_of, f16_of};
use mlx_ir::op::Arange;
use mlx_ir::{C64, DType, Desc, Operand, Result};

impl Kernel for Arange {
    fn supports(&self, _: &[Desc], _: &[Desc]) -> bool {
        self.dtype != DType::Bool
    }

    /// Writes `start + i·step`, computed in f64 (for integers in 64 bits) and rounded once.
    fn run(&self, _: &Cx<'_>, _: &[Operand], outs: &[Operand]) -> Result<()> {
        let (start, step) = (self.start.get(), self.step.get());
        let out = &outs[0];
        fn fill<T>(out: &Operand, f: impl Fn(usize) -> T) {
            // SAFETY: the output is row-major, of this dtype, and shares nothing.
            let out = unsafe { slice_mut::<T>(out) };
            for (i, o) in out.iter_mut().enumerate() {
                *o = f(i);
            }
        }
        let f = |i: usize| start + i as f64 * step;
        let n = |i: usize| (start as i64).wrapping_add((i as i64).wrapping_mul(step as i64));
        match self.dtype {
            DType::Bool => {}
            DType::U8 => fill(out, |i| n(i) as u8),
            DType::U16 => fill(out, |i| n(i) as u16),
            DType::U32 => fill(out, |i| n(i) as u32),
            // u64 starts above the range of i64 still count upwards from themselves.
            DType::U64 => {
                fill(out, |i| (start as i128 as u64).wrapping_add((i as u64).wrapping_mul(step as i64 as u64)))
            }
            DType::I8 => fill(out, |i| n(i) as i8),
            DType::I16 => fill(out, |i| n(i) as i16),
            DType::I32 => fill(out, |i| n(i) as i32),
            DType::I64 => fill(out, n),
            DType::F16 => fill(out, |i| f16_of(f(i))),
            DType::BF16 => fill(out, |i| bf16_of(f(i))),
            DType::F32 => fill(out, |i| f(i) as f32),
            DType::F64 => fill(out, f),
            DType::C64 => fill(out, |i| C64::new(f(i) as f32, 0.0)),
        }
        Ok(())
    }
}
