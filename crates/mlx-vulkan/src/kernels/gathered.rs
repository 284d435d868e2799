//! Products of matrices that indices choose: the kernels of products, which then read the number of a matrix. Single rows
//! whose indices ascend are computed in tiles, a run of rows with one matrix at a time.

use super::Kernel;
use super::affine::known;
use super::matmul::{Indices, More, Product, Rules, Sides, Stack, Steps, choose, encoded_rows, record};
use crate::Caps;
use crate::record::Cx;
use mlx_ir::op::{Affine, GatherMM, GatherQMM};
use mlx_ir::{DType, Desc, Operand, Result};

/// Rows from which on, and rows of each matrix from which on, runs of them are worth a tile.
const ROWS: usize = 16;
const EACH: usize = 4;

/// How indices choose the factors of a product.
struct Choice<'a> {
    left: Option<&'a Desc>,
    right: Option<&'a Desc>,
    sorted: bool,
}

impl Choice<'_> {
    fn of(indices: &[Desc], [left, right, sorted]: [bool; 3]) -> Choice<'_> {
        let (left, right) = (indices.first().filter(|_| left), indices.last().filter(|_| right));
        Choice { left, right, sorted }
    }

    /// The product of a with b, whose matrices lie `over` each other and are `b` inside; none for other layouts than the
    /// kernels take.
    fn product(&self, a: &Desc, over: &[isize], count: usize, b: [isize; 2], out: &Desc) -> Option<Product> {
        let lead = out.ndim() - 2;
        let (m, n, k) = (out.shape[lead], out.shape[lead + 1], a.shape[a.ndim() - 1]);
        let [row, step] = [a.ndim() - 2, a.ndim() - 1].map(|i| a.strides[i]);
        let mut shape = out.shape[..lead].to_vec();
        let mut over_a: Steps = self.left.map_or(&a.strides[..lead], |i| &i.strides[..]).iter().copied().collect();
        let mut over_b: Steps = self.right.map_or(over, |i| &i.strides[..]).iter().copied().collect();
        if self.left.is_none() {
            shape.push(m);
            over_a.push(row);
            over_b.push(0);
        }
        let none: Steps = shape.iter().map(|_| 0).collect();
        // Rows of chosen matrices do not go on in those of the next place.
        let p = Product::batched(a.dtype, &shape, [&over_a, &over_b, &none], self.left.is_none())?;
        let stack = |step: isize, count: usize| Stack { count, step };
        let mut p = Product {
            n,
            k,
            m: if self.left.is_some() { m } else { p.m },
            a: [if self.left.is_some() { row } else { p.a[0] }, step],
            b,
            out: [n as isize, 1],
            chosen: [self.left.map(|_| stack(a.strides[0], a.shape[0])), self.right.map(|_| stack(over[0], count))],
            ..p
        };
        let rows = p.batches();
        if self.sorted
            && self.left.is_none()
            && p.m == 1
            && p.batch[..2] == [1, 1]
            && rows >= ROWS
            && rows / count.max(1) >= EACH
            && p.along()[0]
        {
            let steps = [p.over[0][2], p.over[1][2]];
            p = Product {
                m: rows,
                batch: [1; 3],
                over: [[0; 3], [0, 0, steps[1]], [0; 3]],
                a: [steps[0], p.a[1]],
                runs: true,
                ..p
            };
        }
        (p.outputs() < u32::MAX as usize && k < u32::MAX as usize / 2).then_some(p)
    }
}

/// Whether the kernels read these indices, and have something to choose from.
fn readable(indices: &[Desc], counts: &[usize]) -> bool {
    indices.iter().all(|i| matches!(i.dtype, DType::I32 | DType::U32) && i.size() < i32::MAX as usize)
        && counts.iter().all(|&n| n > 0 && n < i32::MAX as usize)
}

/// Records a product of the factors that `ins` begins with; its indices come last.
fn run(
    cx: &mut Cx<'_>,
    p: &Product,
    ins: &[Operand],
    out: &Operand,
    [left, right]: [bool; 2],
    affine: Option<Affine>,
) -> Result<()> {
    let Some(plan) = choose(p, affine.is_some(), cx.caps, &Rules::default()) else { return Ok(()) };
    let (a, b, to) = (cx.input(&ins[0])?, cx.input(&ins[1])?, cx.output(out)?);
    let given = &ins[if affine.is_some() { 4 } else { 2 }..];
    let given = [given.first().filter(|_| left), given.last().filter(|_| right)];
    let signed = given.map(|i| i.is_some_and(|i| i.desc.dtype == DType::I32));
    let bound = [given[0].map(|i| cx.input(i)).transpose()?, given[1].map(|i| cx.input(i)).transpose()?];
    let sides = match affine {
        Some(_) => Some((cx.input(&ins[2])?, cx.input(&ins[3])?)),
        None => None,
    };
    let sides = match (&sides, affine) {
        (Some((scales, biases)), Some(affine)) => Some(Sides { scales, biases, affine }),
        _ => None,
    };
    let indices = Indices { of: [bound[0].as_ref(), bound[1].as_ref()], signed };
    record(cx, p, plan, [&a, &b], More { sides, indices, ..More::default() }, &to)
}

/// The product as the kernels see it; none if they do not take it.
fn plain(op: &GatherMM, caps: &Caps, ins: &[Desc], out: &Desc) -> Option<Product> {
    let (a, b, d) = (&ins[0], &ins[1], out.dtype);
    let floats = matches!(d, DType::F32 | DType::F16 | DType::BF16) && ins[..2].iter().all(|x| x.dtype == d);
    let counts = [(op.left, a.shape[0]), (op.right, b.shape[0])].map(|(chosen, n)| if chosen { n } else { 1 });
    if !floats || !readable(&ins[2..], &counts) || caps.storage_buffers < 6 {
        return None;
    }
    let last = b.ndim() - 2;
    let choice = Choice::of(&ins[2..], [op.left, op.right, op.sorted]);
    choice.product(a, &b.strides[..last], counts[1], [b.strides[last + 1], b.strides[last]], out)
}

impl Kernel for GatherMM {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        plain(self, caps, ins, &outs[0]).is_some_and(|p| choose(&p, false, caps, &Rules::default()).is_some())
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let descs: Vec<Desc> = ins.iter().map(|o| o.desc.clone()).collect();
        let Some(p) = plain(self, cx.caps, &descs, &outs[0].desc) else { return Ok(()) };
        run(cx, &p, ins, &outs[0], [self.left, self.right], None)
    }
}

/// As [`plain`]; steps of b count rows of the encoded matrices.
fn encoded(op: &GatherQMM, caps: &Caps, ins: &[Desc], out: &Desc) -> Option<Product> {
    let (x, w, d) = (&ins[0], &ins[1], out.dtype);
    let typed = known(op.affine, d)
        && [0, 2, 3].iter().all(|&i| ins[i].dtype == d)
        && w.dtype == DType::U32
        && ins.iter().all(|i| i.size() < u32::MAX as usize / 8)
        && caps.storage_buffers >= 7;
    let counts = [(op.left, x.shape[0]), (op.right, w.shape[0])].map(|(chosen, n)| if chosen { n } else { 1 });
    let (n, k) = (out.shape[out.ndim() - 1], x.shape[x.ndim() - 1]);
    let whole = (if op.transpose { k } else { n }).is_multiple_of(op.affine.group_size as usize);
    if !typed || !whole || !readable(&ins[4..], &counts) {
        return None;
    }
    let over = encoded_rows([w, &ins[2], &ins[3]])?;
    let choice = Choice::of(&ins[4..], [op.left, op.right, op.sorted]);
    let b = if op.transpose { [k as isize, 1] } else { [1, n as isize] };
    choice.product(x, &over, counts[1], b, out)
}

impl Kernel for GatherQMM {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        encoded(self, caps, ins, &outs[0]).is_some_and(|p| choose(&p, true, caps, &Rules::default()).is_some())
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let descs: Vec<Desc> = ins.iter().map(|o| o.desc.clone()).collect();
        let Some(p) = encoded(self, cx.caps, &descs, &outs[0].desc) else { return Ok(()) };
        run(cx, &p, ins, &outs[0], [self.left, self.right], Some(self.affine))
    }
}
