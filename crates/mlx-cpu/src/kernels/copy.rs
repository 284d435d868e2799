//! Moving elements: strided to row-major.

use crate::backend::Cx;
use crate::kernels::Kernel;
use mlx_ir::op::Contiguous;
use mlx_ir::{Desc, Operand, Result, desc};

impl Kernel for Contiguous {
    fn supports(&self, _: &[Desc], _: &[Desc]) -> bool {
        true
    }

    fn run(&self, _: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let (src, dst) = (&ins[0], &outs[0]);
        if src.desc.size() == 0 {
            return Ok(());
        }
        let size = src.desc.dtype.size();
        let c = desc::collapse(&src.desc.shape, &[&src.desc.strides]);
        let (shape, strides) = (&c.shape, &c.strides[0]);
        let n = shape.len();
        let inner = shape[n - 1];
        let mut at = vec![0usize; n];
        let mut from = src.offset as isize;
        let mut to = dst.offset;
        loop {
            for k in 0..inner as isize {
                // SAFETY: the library guarantees that described elements lie inside the buffers, which do not overlap.
                unsafe {
                    std::ptr::copy_nonoverlapping(
                        src.buffer.ptr().offset(from + k * strides[n - 1] * size as isize),
                        dst.buffer.ptr().add(to),
                        size,
                    );
                }
                to += size;
            }
            let mut d = n - 1;
            loop {
                if d == 0 {
                    return Ok(());
                }
                d -= 1;
                at[d] += 1;
                from += strides[d] * size as isize;
                if at[d] < shape[d] {
                    break;
                }
                from -= strides[d] * size as isize * shape[d] as isize;
                at[d] = 0;
            }
        }
    }
}
