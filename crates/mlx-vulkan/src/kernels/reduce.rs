//! Reductions, positions of extremes, and matrix products as sums of products.

use super::Kernel;
use super::map::{GROUP, grid};
use crate::Caps;
use crate::emit::{Fold, Folding, Parts};
use crate::hal::device::MAX_BINDINGS;
use crate::record::{Bound, Cx, Dispatch, PUSH_WORDS};
use mlx_ir::desc::{collapse, row_major};
use mlx_ir::op::{ArgReduce, Reduce, ReduceKind, ReduceMap};
use mlx_ir::tape::TapeBuilder;
use mlx_ir::{DType, Desc, Func, Operand, Result, Tape};
use smallvec::SmallVec;

/// Invocations that keep a large device busy.
const BUSY: usize = 128 << 10;
/// Terms up to which an output is not split, and the fewest of a part.
const SHORT: usize = 64;
const LEAST: usize = 32;
/// Parts of an output whose terms lie beside each other, so that neighbours read neighbouring memory.
const NEIGHBOURS: usize = 32;

type Dims = SmallVec<[usize; 6]>;
type Steps = SmallVec<[SmallVec<[isize; 6]>; 2]>;

/// Dimensions of the output and of the terms, with the inputs' strides over them.
struct Plan {
    pub kept: Dims,
    pub kept_strides: Steps,
    pub folded: Dims,
    pub folded_strides: Steps,
    /// Whether terms lie closer together than outputs, and so neighbours of an output have parts of it.
    close: bool,
    neighbours: bool,
}

fn merged(shape: &[usize], strides: &[SmallVec<[isize; 6]>], row_major_too: bool) -> (Dims, Steps) {
    let own = row_major(shape);
    let mut lists: SmallVec<[&[isize]; 4]> = SmallVec::new();
    if row_major_too {
        lists.push(&own);
    }
    lists.extend(strides.iter().map(|s| &s[..]));
    let walk = collapse(shape, &lists);
    let skip = usize::from(row_major_too);
    (walk.shape.iter().copied().collect(), walk.strides[skip..].iter().map(|s| s.iter().copied().collect()).collect())
}

impl Plan {
    fn new([kept, folded]: [Dims; 2], [kept_strides, folded_strides]: [Steps; 2]) -> Plan {
        let last = |s: &Steps| s.iter().map(|x| x.last().map_or(0, |s| s.unsigned_abs())).max().unwrap_or(0);
        let outputs: usize = kept.iter().product();
        let close = outputs == 1 || last(&folded_strides) <= last(&kept_strides);
        let neighbours = close && kept_strides.len() == 1;
        Plan { kept, kept_strides, folded, folded_strides, close, neighbours }
    }
    fn words(&self) -> usize {
        let n = self.kept_strides.len();
        5 + n + self.kept.len() - 1 + n * self.kept.len() + self.folded.len() - 1 + n * self.folded.len()
    }
    fn outputs(&self) -> usize {
        self.kept.iter().product()
    }
    fn terms(&self) -> usize {
        self.folded.iter().product()
    }
    /// Parts into which an output's terms are split. By shape and layout alone, so that sums are made in the same order
    /// on every device.
    fn parts(&self) -> usize {
        self.parts_of(self.terms())
    }
    /// The same for other terms of the same outputs.
    fn parts_of(&self, terms: usize) -> usize {
        let outputs = self.outputs().max(1);
        let wanted = (BUSY / outputs).max(if self.neighbours { NEIGHBOURS } else { 1 });
        if terms <= SHORT { 1 } else { wanted.min(terms / LEAST).max(1) }
    }
    fn key(&self, tape: Tape, fold: Fold, out: DType, parted: bool) -> Folding {
        let parts = match parted {
            false => Parts::One,
            true if self.close => Parts::Together,
            true => Parts::Apart,
        };
        Folding { tape, fold, out, kept: self.kept.len(), folded: self.folded.len(), parts, among: false }
    }
}

/// The plan of folding `axes` of inputs of one shape.
fn plan_axes(ins: &[&Desc], axes: &[usize]) -> Plan {
    let pick = |folded: bool, with_rows: bool| {
        let of = |d: &usize| axes.contains(d) == folded;
        let shape: Dims = (0..ins[0].shape.len()).filter(of).map(|d| ins[0].shape[d]).collect();
        let steps = |x: &&Desc| (0..x.shape.len()).filter(of).map(|d| x.strides[d]).collect();
        merged(&shape, &ins.iter().map(steps).collect::<Vec<_>>(), with_rows)
    };
    let ((kept, kept_strides), (folded, folded_strides)) = (pick(false, true), pick(true, false));
    Plan::new([kept, folded], [kept_strides, folded_strides])
}

/// Folds the terms of a plan into `out`; in several steps if there are many for each output.
fn record(cx: &mut Cx<'_>, tape: &Tape, fold: Fold, ins: &[Bound], plan: &Plan, out: (&Desc, &Bound)) -> Result<()> {
    if matches!(fold, Fold::Arg(_)) {
        return extremes(cx, tape, fold, ins, plan, out.1);
    }
    let (parts, outputs) = (plan.parts(), plan.outputs());
    if parts == 1 {
        return step(cx, plan.key(tape.clone(), fold, out.0.dtype, false), ins, plan, 1, None, out.1);
    }
    let wide = match out.0.dtype {
        DType::F16 | DType::BF16 => DType::F32,
        d => d,
    };
    let scratch = cx.scratch(outputs * parts * wide.size().max(4))?;
    // Parts of narrow dtypes are words of their own.
    let held = if wide.size() < 4 { DType::U32 } else { wide };
    let key = plan.key(tape.clone(), fold, out.0.dtype, true);
    let (output, part) = if key.parts == Parts::Together { (parts, 1) } else { (1, outputs) };
    step(cx, key, ins, plan, parts, None, &scratch)?;
    let rest = Plan::new(
        [smallvec::smallvec![outputs], smallvec::smallvec![parts]],
        [output, part].map(|step| smallvec::smallvec![smallvec::smallvec![step as isize]]),
    );
    record(cx, &Tape::convert(held, wide), fold, &[scratch], &rest, out)
}

/// Positions of extremes: those of parts, then those among them.
fn extremes(cx: &mut Cx<'_>, tape: &Tape, fold: Fold, ins: &[Bound], plan: &Plan, out: &Bound) -> Result<()> {
    let (outputs, mut terms) = (plan.outputs(), plan.terms());
    let mut best: Option<Numbers> = None;
    loop {
        let parts = if plan.words() + AMONG <= PUSH_WORDS { plan.parts_of(terms) } else { 1 };
        let key = Folding { among: best.is_some(), ..plan.key(tape.clone(), fold, DType::U32, parts > 1) };
        if parts == 1 {
            return step(cx, key, ins, plan, 1, best.as_ref(), out);
        }
        let scratch = cx.scratch(outputs * parts * 4)?;
        let steps = if key.parts == Parts::Together { [parts, 1] } else { [1, outputs] };
        step(cx, key, ins, plan, parts, best.as_ref(), &scratch)?;
        best = Some(Numbers { bound: scratch, count: parts, steps });
        terms = parts;
    }
}

/// Numbers of terms to choose from: so many for each output, with steps over outputs and numbers.
struct Numbers {
    bound: Bound,
    count: usize,
    steps: [usize; 2],
}

/// Words of push constants about them.
const AMONG: usize = 3;

/// Records a step; the terms are those `among` others if they are given.
fn step(
    cx: &mut Cx<'_>,
    key: Folding,
    ins: &[Bound],
    plan: &Plan,
    parts: usize,
    among: Option<&Numbers>,
    out: &Bound,
) -> Result<()> {
    let terms = among.map_or(plan.terms(), |n| n.count);
    let count = plan.outputs() * parts;
    let each = if key.parts != Parts::One { 1 } else { (4 / key.out.size()).max(1) };
    let (across, down) = grid(cx.caps, count.div_ceil(each));
    let mut push: SmallVec<[u32; PUSH_WORDS]> =
        smallvec::smallvec![count as u32, across * GROUP, out.first / 4, parts as u32, terms as u32];
    push.extend(ins.iter().zip(key.tape.inputs()).map(|(b, d)| b.first / d.size() as u32));
    for (shape, strides) in [(&plan.kept, &plan.kept_strides), (&plan.folded, &plan.folded_strides)] {
        push.extend(shape[1..].iter().map(|&d| d as u32));
        push.extend(strides.iter().flatten().map(|&s| s as u32));
    }
    if let Some(n) = among {
        push.extend([n.bound.first / 4, n.steps[0] as u32, n.steps[1] as u32]);
    }
    let shader = cx.emitted(key)?;
    let mut bind: SmallVec<[&Bound; 4]> = ins.iter().collect();
    bind.extend(among.map(|n| &n.bound));
    bind.push(out);
    cx.dispatch(&Dispatch { shader: &shader, spec: &[GROUP], bind: &bind, push: &push, groups: [across, down, 1] })
}

/// Whether the plan fits, and the shaders of both steps can be written.
fn supports(caps: &Caps, tape: &Tape, fold: Fold, plan: &Plan, out: &Desc) -> bool {
    plan.words() <= PUSH_WORDS
        && plan.outputs().max(1).saturating_mul(plan.parts()) < u32::MAX as usize
        && plan.terms() < (u32::MAX / 2) as usize
        && super::map::known(plan.key(tape.clone(), fold, out.dtype, false).into(), caps)
}

/// The dtype of the terms of a reduction of x.
fn term(kind: ReduceKind, x: DType) -> DType {
    match kind {
        ReduceKind::Sum | ReduceKind::Prod => x.accumulate(),
        ReduceKind::And | ReduceKind::Or => DType::Bool,
        ReduceKind::Min | ReduceKind::Max => x,
    }
}

fn reduction(op: &Reduce, x: DType) -> (Tape, Fold) {
    (Tape::convert(x, term(op.kind, x)), Fold::Kind(op.kind))
}

/// The tape of the terms, and the plan: sums are made in the order in which those of an array of the terms would be.
fn joined(op: &ReduceMap, ins: &[Desc]) -> Option<(Tape, Plan)> {
    let mut b = TapeBuilder::new(op.tape.inputs());
    let all: SmallVec<[u8; 8]> = (0..ins.len() as u8).collect();
    let value = b.inline(&op.tape, &all).ok()?;
    let value = b.convert(value, term(op.kind, op.tape.dtype())).ok()?;
    let tape = b.finish();
    // The result must come last.
    if usize::from(value) + 1 != tape.inputs().len() + tape.instrs().len() {
        return None;
    }
    let terms = plan_axes(&[&Desc::contiguous(&ins[0].shape, op.tape.dtype())], &op.axes);
    let plan = plan_axes(&ins.iter().collect::<SmallVec<[&Desc; 4]>>(), &op.axes);
    Some((tape, Plan { close: terms.close, neighbours: terms.neighbours, ..plan }))
}

impl Kernel for ReduceMap {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        ins.len() < caps.storage_buffers.min(MAX_BINDINGS as u32) as usize
            && joined(self, ins).is_some_and(|(tape, plan)| {
                outs[0].dtype == tape.dtype() && supports(caps, &tape, Fold::Kind(self.kind), &plan, &outs[0])
            })
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let descs: SmallVec<[Desc; 4]> = ins.iter().map(|o| o.desc.clone()).collect();
        let Some((tape, plan)) = joined(self, &descs) else { return Ok(()) };
        let bound: SmallVec<[Bound; 4]> = ins.iter().map(|i| cx.input(i)).collect::<Result<_>>()?;
        let out = cx.output(&outs[0])?;
        record(cx, &tape, Fold::Kind(self.kind), &bound, &plan, (&outs[0].desc, &out))
    }
}

impl Kernel for Reduce {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let (tape, fold) = reduction(self, ins[0].dtype);
        outs[0].dtype == tape.dtype() && supports(caps, &tape, fold, &plan_axes(&[&ins[0]], &self.axes), &outs[0])
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let (tape, fold) = reduction(self, ins[0].desc.dtype);
        let plan = plan_axes(&[&ins[0].desc], &self.axes);
        let (x, out) = (cx.input(&ins[0])?, cx.output(&outs[0])?);
        record(cx, &tape, fold, &[x], &plan, (&outs[0].desc, &out))
    }
}

impl Kernel for ArgReduce {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let d = ins[0].dtype;
        let plan = plan_axes(&[&ins[0]], &[self.axis]);
        outs[0].dtype == DType::U32 && supports(caps, &Tape::convert(d, d), Fold::Arg(self.kind), &plan, &outs[0])
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let d = ins[0].desc.dtype;
        let plan = plan_axes(&[&ins[0].desc], &[self.axis]);
        let (x, out) = (cx.input(&ins[0])?, cx.output(&outs[0])?);
        record(cx, &Tape::convert(d, d), Fold::Arg(self.kind), &[x], &plan, (&outs[0].desc, &out))
    }
}

/// The product of two elements in f32.
fn product(a: DType, b: DType) -> Option<Tape> {
    let mut t = TapeBuilder::new(&[a, b]);
    let a = t.convert(0, DType::F32).ok()?;
    let b = t.convert(1, DType::F32).ok()?;
    t.call(Func::Multiply, &[a, b]).ok()?;
    Some(t.finish())
}

/// The plan of a·b: batches, rows and columns are kept, the inner dimension is folded.
fn plan_product(a: &Desc, b: &Desc) -> Plan {
    let n = a.shape.len();
    let mut kept: Dims = a.shape[..n - 1].iter().copied().collect();
    kept.push(b.shape[n - 1]);
    let mut of_a: SmallVec<[isize; 6]> = a.strides[..n - 1].iter().copied().collect();
    of_a.push(0);
    let mut of_b: SmallVec<[isize; 6]> = b.strides[..n - 2].iter().copied().collect();
    of_b.extend([0, b.strides[n - 1]]);
    let (kept, kept_strides) = merged(&kept, &[of_a, of_b], true);
    let inner = [a.shape[n - 1]];
    let strides = [smallvec::smallvec![a.strides[n - 1]], smallvec::smallvec![b.strides[n - 2]]];
    let (folded, folded_strides) = merged(&inner, &strides, false);
    Plan::new([kept, folded], [kept_strides, folded_strides])
}

const SUM: Fold = Fold::Kind(ReduceKind::Sum);

/// Whether a product of these operands has a kernel that takes any layout.
pub(super) fn naive_supports(caps: &Caps, ins: &[Desc], out: &Desc) -> bool {
    let d = ins[0].dtype;
    matches!(d, DType::F32 | DType::F16 | DType::BF16)
        && ins[1].dtype == d
        && product(d, d).is_some_and(|t| supports(caps, &t, SUM, &plan_product(&ins[0], &ins[1]), out))
}

/// Records a product of any layout, as a fold of products of elements.
pub(super) fn naive(cx: &mut Cx<'_>, ins: &[Operand], out: &Operand) -> Result<()> {
    let Some(tape) = product(ins[0].desc.dtype, ins[1].desc.dtype) else {
        return Err(mlx_ir::Error::unsupported("[matmul] no product of this dtype on the gpu"));
    };
    let plan = plan_product(&ins[0].desc, &ins[1].desc);
    let (a, b, to) = (cx.input(&ins[0])?, cx.input(&ins[1])?, cx.output(out)?);
    record(cx, &tape, SUM, &[a, b], &plan, (&out.desc, &to))
}
