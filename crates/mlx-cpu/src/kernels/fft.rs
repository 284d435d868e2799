//! Fourier transforms of rows, by rustfft.

use crate::backend::Cx;
use crate::kernels::Kernel;
use mlx_ir::op::Fft;
use mlx_ir::{C64, DType, Desc, Operand, Result};
use rustfft::{FftDirection, FftPlanner, num_complex::Complex};
use std::sync::{Mutex, PoisonError};

/// Rows below this many elements are given to one thread together.
const GRAIN: usize = 1 << 14;

/// Plans are kept: making one costs as much as many transforms.
static PLANNER: Mutex<Option<FftPlanner<f32>>> = Mutex::new(None);

impl Kernel for Fft {
    fn supports(&self, ins: &[Desc], _: &[Desc]) -> bool {
        ins[0].dtype == DType::C64 && ins[0].is_contiguous() && ins[0].shape.last().is_some_and(|&n| n > 0)
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let n = ins[0].desc.shape.last().copied().unwrap_or(1);
        let rows = ins[0].desc.size() / n;
        let direction = if self.inverse { FftDirection::Inverse } else { FftDirection::Forward };
        let plan = PLANNER
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(FftPlanner::new)
            .plan_fft(n, direction);
        let scale = if self.inverse { 1.0 / n as f32 } else { 1.0 };
        // Addresses, so that the tasks can share them.
        let from = ins[0].buffer.ptr().wrapping_add(ins[0].offset) as usize;
        let to = outs[0].buffer.ptr().wrapping_add(outs[0].offset) as usize;
        cx.pool.run_ranges(rows, GRAIN.div_ceil(n), &|begin, end| {
            let mut scratch = vec![Complex::new(0.0f32, 0.0); plan.get_inplace_scratch_len()];
            for row in begin..end {
                let at = row * n * size_of::<C64>();
                // SAFETY: both operands are row-major with `rows` rows of `n` elements, of which this task alone has
                // this one; the output overlaps no input. A C64 is two f32, as a Complex is.
                let line = unsafe {
                    std::ptr::copy_nonoverlapping((from + at) as *const C64, (to + at) as *mut C64, n);
                    std::slice::from_raw_parts_mut((to + at) as *mut Complex<f32>, n)
                };
                plan.process_with_scratch(line, &mut scratch);
                if scale != 1.0 {
                    line.iter_mut().for_each(|z| *z *= scale);
                }
            }
        });
        Ok(())
    }
}
