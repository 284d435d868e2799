//! GGUF-block matrices as they lie in the file: products, rows, decoding. The work is done in [`super::qmatmul`].

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::qmatmul::{Product, get_rows, qmatmul_exact, qmatmul_multi};
use crate::view::{slice, slice_mut};
use mlx_ir::op::{BlockDequantize, BlockMatmul, BlockRows};
use mlx_ir::{DType, Desc, Operand, Result};

fn dense(ds: &[Desc]) -> bool {
    ds.iter().all(Desc::is_contiguous)
}

impl Kernel for BlockMatmul {
    fn supports(&self, ins: &[Desc], _: &[Desc]) -> bool {
        dense(ins)
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let k = ins[0].desc.shape[ins[0].desc.ndim() - 1];
        // SAFETY: all operands are row-major of these dtypes, and outputs have buffers of their own.
        let x = unsafe { slice::<f32>(&ins[0]) };
        let m = ins[0].desc.shape[..ins[0].desc.ndim() - 1].iter().product();
        let mut products: smallvec::SmallVec<[Product<'_>; 3]> = self
            .formats
            .iter()
            .zip(&ins[1..])
            .zip(outs)
            .map(|((&format, w), out)| Product {
                format,
                // SAFETY: as above.
                weights: unsafe { slice::<u8>(w) },
                n: w.desc.shape[0],
                // SAFETY: as above.
                out: unsafe { slice_mut::<f32>(out) },
            })
            .collect();
        let product = if self.exact { qmatmul_exact } else { qmatmul_multi };
        product(cx.pool, cx.isa, &mut products, k, x, m)
    }
}

/// Row numbers with negatives counted from the end and what is out of range clamped.
fn row_numbers(i: &Operand, rows: usize) -> Vec<u32> {
    macro_rules! read {
        ($t:ty) => {{
            // SAFETY: the operand is row-major of this dtype.
            let s = unsafe { slice::<$t>(i) };
            let last = rows as i128 - 1;
            s.iter()
                .map(|&x| {
                    let x = x as i128;
                    (if x < 0 { x + rows as i128 } else { x }).clamp(0, last) as u32
                })
                .collect()
        }};
    }
    match i.desc.dtype {
        DType::U8 | DType::Bool => read!(u8),
        DType::U16 => read!(u16),
        DType::U32 => read!(u32),
        DType::U64 => read!(u64),
        DType::I8 => read!(i8),
        DType::I16 => read!(i16),
        DType::I32 => read!(i32),
        DType::I64 => read!(i64),
        DType::F16 | DType::BF16 | DType::F32 | DType::F64 | DType::C64 => Vec::new(),
    }
}

impl Kernel for BlockRows {
    fn supports(&self, ins: &[Desc], _: &[Desc]) -> bool {
        dense(ins) && ins[1].dtype.is_integer() && u32::try_from(ins[0].shape[0]).is_ok()
    }

    fn run(&self, _: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let rows = row_numbers(&ins[1], ins[0].desc.shape[0]);
        // SAFETY: all operands are row-major of these dtypes, and the output has a buffer of its own.
        let (w, out) = unsafe { (slice::<u8>(&ins[0]), slice_mut::<f32>(&outs[0])) };
        get_rows(self.format, w, self.k, &rows, out)
    }
}

impl Kernel for BlockDequantize {
    fn supports(&self, ins: &[Desc], _: &[Desc]) -> bool {
        dense(ins)
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let n = ins[0].desc.shape[0];
        let bytes = ins[0].desc.shape[1];
        if n == 0 || self.k == 0 {
            return Ok(());
        }
        // SAFETY: both operands are row-major of these dtypes, and the output has a buffer of its own.
        let (w, out) = unsafe { (slice::<u8>(&ins[0]), crate::view::ptr::<f32>(&outs[0])) };
        let (block, each) = (self.format.block_bytes(), self.format.block_elements());
        cx.pool.run_ranges(n, 16, &|from, to| {
            for r in from..to {
                // SAFETY: each row of the output is written by one task only.
                let row = unsafe { std::slice::from_raw_parts_mut(out.get().add(r * self.k), self.k) };
                for (b, o) in w[r * bytes..(r + 1) * bytes].chunks_exact(block).zip(row.chunks_exact_mut(each)) {
                    self.format.decode_block(b, o);
                }
            }
        });
        Ok(())
    }
}
