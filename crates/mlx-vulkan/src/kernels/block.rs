//! Weights as they lie in GGUF files: products with them, rows of them.

use super::Kernel;
use super::map::{GROUP, Key, grid, known};
use super::reduce::{Plan, SUM, product, record, supports};
use crate::Caps;
use crate::record::{Bound, Cx, Dispatch};
use mlx_ir::op::{BlockDequantize, BlockMatmul, BlockRows};
use mlx_ir::{DType, Desc, Operand, QuantFormat, Result};
use smallvec::SmallVec;

fn dense(ins: &[Desc]) -> bool {
    ins.iter().all(Desc::is_contiguous)
}

/// The plan of x·Wᵀ for x (…, K) and W (N, bytes of a row).
fn plan(x: &Desc, w: &Desc, format: QuantFormat) -> Plan {
    let k = x.shape[x.ndim() - 1];
    let m: usize = x.shape[..x.ndim() - 1].iter().product();
    let (n, bytes) = (w.shape[0], w.shape[1]);
    Plan {
        kept: smallvec::smallvec![m, n],
        kept_strides: smallvec::smallvec![smallvec::smallvec![0, bytes as isize], smallvec::smallvec![k as isize, 0]],
        folded: smallvec::smallvec![k],
        folded_strides: smallvec::smallvec![smallvec::smallvec![1], smallvec::smallvec![1]],
        weights: Some(format),
    }
}

impl Kernel for BlockMatmul {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let Some(tape) = product(DType::F32, DType::F32) else { return false };
        dense(ins)
            && ins[0].dtype == DType::F32
            && self
                .formats
                .iter()
                .zip(&ins[1..])
                .zip(outs)
                .all(|((&f, w), out)| supports(caps, &tape, SUM, &plan(&ins[0], w, f), out))
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let Some(tape) = product(DType::F32, DType::F32) else {
            return Err(mlx_ir::Error::unsupported("[block_matmul] no product on the gpu"));
        };
        let x = cx.input(&ins[0])?;
        for ((&format, w), out) in self.formats.iter().zip(&ins[1..]).zip(outs) {
            let plan = plan(&ins[0].desc, &w.desc, format);
            let (weights, to) = (cx.input(w)?, cx.output(out)?);
            record(cx, &tape, SUM, &[weights, x.clone()], &plan, (&out.desc, &to))?;
        }
        Ok(())
    }
}

/// Records the unpacking of rows of `w`: those that `indices` name, or all.
fn rows(
    cx: &mut Cx<'_>,
    format: QuantFormat,
    k: usize,
    w: &Operand,
    indices: Option<&Operand>,
    out: &Operand,
) -> Result<()> {
    let n = out.desc.size();
    let (matrix, to) = (cx.input(w)?, cx.output(out)?);
    let index: Option<Bound> = indices.map(|i| cx.input(i)).transpose()?;
    let (across, down) = grid(cx.caps, n);
    let first_index = match (indices, &index) {
        (Some(i), Some(b)) => b.first / i.desc.dtype.size() as u32,
        _ => 0,
    };
    let (count, bytes) = (w.desc.shape[0] as u32, w.desc.shape[1] as u32);
    let push = [n as u32, across * GROUP, to.first / 4, matrix.first, k as u32, bytes, count, first_index];
    let shader = cx.emitted(Key::Rows(format, indices.map(|i| i.desc.dtype)))?;
    let mut bind: SmallVec<[&Bound; 3]> = smallvec::smallvec![&matrix];
    bind.extend(&index);
    bind.push(&to);
    cx.dispatch(&Dispatch { shader: &shader, spec: &[GROUP], bind: &bind, push: &push, groups: [across, down, 1] })
}

impl Kernel for BlockRows {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let d = ins[1].dtype;
        let narrow = d.is_integer() && d.size() <= 4 && d != DType::Bool;
        dense(ins)
            && narrow
            && outs[0].size() < u32::MAX as usize
            && ins[0].shape[0] > 0
            && known(Key::Rows(self.format, Some(d)), caps)
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        rows(cx, self.format, self.k, &ins[0], Some(&ins[1]), &outs[0])
    }
}

impl Kernel for BlockDequantize {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        dense(ins) && outs[0].size() < u32::MAX as usize && known(Key::Rows(self.format, None), caps)
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        rows(cx, self.format, self.k, &ins[0], None, &outs[0])
    }
}
