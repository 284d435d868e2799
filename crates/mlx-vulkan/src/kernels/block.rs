//! Weights as they lie in GGUF files: products with them, rows of them.

use super::Kernel;
use super::map::{GROUP, Key, grid, known};
use crate::Caps;
use crate::record::{Bound, Cx, Dispatch};
use crate::shaders;
use mlx_ir::op::{BlockDequantize, BlockMatmul, BlockRows};
use mlx_ir::{DType, Desc, Operand, QuantFormat, Result};
use smallvec::SmallVec;

fn dense(ins: &[Desc]) -> bool {
    ins.iter().all(Desc::is_contiguous)
}

/// Weight rows of a workgroup of the matrix-vector kernel.
const ROWS: u32 = 2;
/// Most rows of activations that it takes.
const FEW: usize = 8;
/// Invocations of a workgroup, and rows and columns of the product that one computes in the matrix-matrix kernel.
const PRODUCT_GROUP: u32 = 128;
const TILE: u32 = 64;

/// The numbers of x·Wᵀ for x (…, K) and W (N, bytes of a row): rows of x, N, K.
fn sizes(x: &Desc, w: &Desc) -> [usize; 3] {
    let (&k, rows) = x.shape.split_last().unwrap_or((&0, &[]));
    [rows.iter().product(), w.shape[0], k]
}

/// How many workgroups compute a product.
fn groups([m, n, _]: [usize; 3]) -> usize {
    if m <= FEW { n.div_ceil(ROWS as usize) } else { n.div_ceil(TILE as usize) * m.div_ceil(TILE as usize) }
}

impl Kernel for BlockMatmul {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let most = caps.workgroup_count;
        dense(ins)
            && ins[0].dtype == DType::F32
            && outs.iter().all(|o| o.dtype == DType::F32 && o.size() < u32::MAX as usize)
            && ins[1..].iter().all(|w| groups(sizes(&ins[0], w)) as u64 <= u64::from(most[0]) * u64::from(most[1]))
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let x = cx.input(&ins[0])?;
        for ((&format, w), out) in self.formats.iter().zip(&ins[1..]).zip(outs) {
            let size = sizes(&ins[0].desc, &w.desc);
            let [m, n, k] = size.map(|s| s as u32);
            let (weights, to) = (cx.input(w)?, cx.output(out)?);
            let push = [weights.first, w.desc.shape[1] as u32, x.first / 4, to.first / 4, k, n, m];
            let few = size[0] <= FEW;
            let spec: &[u32] = if few { &[PRODUCT_GROUP, ROWS, m] } else { &[PRODUCT_GROUP] };
            let across = groups(size).min(cx.caps.workgroup_count[0] as usize);
            let down = groups(size).div_ceil(across.max(1));
            cx.dispatch(&Dispatch {
                shader: shaders::block_product(format, few),
                spec,
                bind: &[&weights, &x, &to],
                push: &push,
                groups: [across as u32, down as u32, 1],
            })?;
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
