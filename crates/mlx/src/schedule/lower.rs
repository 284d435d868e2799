//! Puts one op in place of several where the back end has a kernel for it: the norm before a projection, the gate or
//! the sum after it, the rotation and conversion before a cache is written, one tape for a chain of elementwise work, also
//! before a reduction (`chain.rs`). What is absorbed is never stored, so only calls are that nobody else can ask for.

use super::chain;
use super::order::Claim;
use crate::array::{Array, Call, Inputs};
use crate::runtime;
use mlx_ir::op::{BlockMatmul, BlockProject, CacheUpdate, Gate, UpdateMode};
use mlx_ir::{DType, Desc, Func, Op, Tape};
use smallvec::SmallVec;
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

/// A call to be run, by itself or with what it absorbs.
pub(super) struct Step {
    pub call: Arc<Call>,
    pub lowered: Option<Box<Lowered>>,
}

/// What is run in place of a call and its parts.
pub(super) struct Lowered {
    pub op: Op,
    pub inputs: Inputs,
    pub(super) parts: SmallVec<[Arc<Call>; 2]>,
    /// Inputs of the call, then of its parts, so that they can be put back.
    pub(super) lists: SmallVec<[SmallVec<[Source; 4]>; 3]>,
}

/// Where an input of an absorbed call is found.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// Among the inputs of the lowered op.
    Input(usize),
    /// Output of a part.
    Part(usize, u32),
}

pub(super) fn take(call: &Call) -> Inputs {
    std::mem::take(&mut *call.inputs.lock().unwrap_or_else(|e| e.into_inner()))
}

pub(super) fn put(call: &Call, list: Inputs) {
    *call.inputs.lock().unwrap_or_else(|e| e.into_inner()) = list;
}

impl Lowered {
    /// Gives call and parts their inputs back.
    fn restore(&self, call: &Call) {
        let array = |s: &Source| match *s {
            Source::Input(i) => self.inputs[i].clone(),
            Source::Part(p, out) => Array { call: self.parts[p].clone(), out },
        };
        for (i, list) in self.lists.iter().enumerate() {
            let owner = if i == 0 { call } else { &self.parts[i - 1] };
            put(owner, list.iter().map(array).collect());
        }
    }

    /// As if it had not been made, for another evaluation: the parts are pending again.
    pub fn undo(&self, call: &Call, number: u64) {
        self.restore(call);
        for p in &self.parts {
            super::give_up(p, number);
        }
    }
}

/// A pattern being put together.
struct Builder<'a> {
    call: &'a Arc<Call>,
    number: u64,
    inputs: Inputs,
    parts: SmallVec<[Arc<Call>; 2]>,
    lists: SmallVec<[SmallVec<[Source; 4]>; 3]>,
}

impl Builder<'_> {
    /// Whether `a`'s call is claimed with the same stream and referred to by `uses` handles only, besides the claim.
    fn is_private(&self, a: &Array, uses: usize) -> bool {
        a.call.state.load(Ordering::Acquire) == self.number
            && a.call.stream == self.call.stream
            && Arc::strong_count(&a.call) == 1 + uses
    }
    fn input(&mut self, a: Array) -> Source {
        self.inputs.push(a);
        Source::Input(self.inputs.len() - 1)
    }
    fn finish(self, op: impl Into<Op>) -> Lowered {
        Lowered { op: op.into(), inputs: self.inputs, parts: self.parts, lists: self.lists }
    }
}

/// The elementwise programs of gates, by which they are known.
fn gates() -> &'static [(Gate, Tape)] {
    static TAPES: OnceLock<Vec<(Gate, Tape)>> = OnceLock::new();
    TAPES.get_or_init(|| Gate::ALL.into_iter().filter_map(|g| g.tape().ok().map(|t| (g, t))).collect())
}

/// What a call may be the end of.
enum End {
    /// A projection alone: a norm before it is absorbed.
    Project,
    /// The sum of a projection and something else.
    Add,
    Gate(Gate),
    /// An update of a box: conversion and rotation before it are absorbed.
    Cache,
}

fn end(call: &Call) -> Option<End> {
    match &call.op {
        Op::BlockMatmul(_) => Some(End::Project),
        Op::Map(m) if m.tape.as_single() == Some(Func::Add) && m.tape.dtype() == DType::F32 => Some(End::Add),
        Op::Map(m) => gates().iter().find(|(_, t)| *t == *m.tape).map(|(g, _)| End::Gate(*g)),
        Op::SliceUpdate(u) if u.mode == UpdateMode::Assign && u.strides.iter().all(|s| *s == 1) => Some(End::Cache),
        Op::DynamicSliceUpdate(u) if u.axes.len() == 1 => Some(End::Cache),
        _ => None,
    }
}

/// Takes the inputs of a projection's call apart: those of the norm before it, if it can be absorbed, then the
/// matrices. Returns its epsilon, and what the call's own inputs are made of.
fn projection(b: &mut Builder<'_>, list: Inputs) -> (Option<mlx_ir::op::Real>, SmallVec<[Source; 4]>) {
    let mut sources = SmallVec::new();
    let mut eps = None;
    for (i, a) in list.into_iter().enumerate() {
        if i == 0
            && let Op::RmsNorm(norm) = &a.call.op
            && b.is_private(&a, 1)
        {
            let own = take(&a.call);
            if own.len() == 2 {
                eps = Some(norm.eps);
                let own = own.into_iter().map(|x| b.input(x)).collect();
                b.parts.push(a.call.clone());
                b.lists.push(own);
                sources.push(Source::Part(b.parts.len() - 1, 0));
                continue;
            }
            put(&a.call, own);
        }
        let s = b.input(a);
        sources.push(s);
    }
    (eps, sources)
}

fn project(b: &BlockMatmul, eps: Option<mlx_ir::op::Real>, gate: Option<Gate>, add: bool) -> BlockProject {
    BlockProject { formats: b.formats.clone(), eps, gate, add, exact: b.exact }
}

/// What stands in the place of `call` and more; its inputs and those of its parts are taken then.
fn lowered(call: &Arc<Call>, number: u64) -> Option<Lowered> {
    let l = pattern(call, number)?;
    if !l.parts.is_empty() && has_kernel(&l.op, l.inputs.iter(), call) {
        return Some(l);
    }
    l.restore(call);
    None
}

fn pattern(call: &Arc<Call>, number: u64) -> Option<Lowered> {
    let end = end(call)?;
    let mut b = Builder {
        call,
        number,
        inputs: Inputs::new(),
        parts: SmallVec::new(),
        lists: smallvec::smallvec![SmallVec::new()],
    };
    let list = take(call);
    // Parts are reached through this list alone, so counts of handles stay what they are found to be.
    match (&call.op, end) {
        (Op::BlockMatmul(p), End::Project) => {
            let (eps, sources) = projection(&mut b, list);
            b.lists[0] = sources;
            let op = project(p, eps, None, false);
            Some(b.finish(op))
        }
        (_, End::Add) => {
            let at = (0..list.len()).find(|&i| {
                matches!(&list[i].call.op, Op::BlockMatmul(p) if p.formats.len() == 1) && b.is_private(&list[i], 1)
            });
            let Some(at) = at else {
                put(call, list);
                return None;
            };
            absorb(b, list, at, None)
        }
        (_, End::Gate(g)) => {
            let both = list.len() == 2
                && Arc::ptr_eq(&list[0].call, &list[1].call)
                && (list[0].out, list[1].out) == (0, 1)
                && matches!(&list[0].call.op, Op::BlockMatmul(p) if p.formats.len() == 2)
                && b.is_private(&list[0], 2);
            if !both {
                put(call, list);
                return None;
            }
            absorb(b, list, 0, Some(g))
        }
        (op @ (Op::SliceUpdate(_) | Op::DynamicSliceUpdate(_)), End::Cache) => {
            let (start, axis) = match op {
                Op::SliceUpdate(u) => (u.start.clone(), None),
                Op::DynamicSliceUpdate(u) => (call.outs[0].shape.iter().map(|_| 0).collect(), u.axes.first().copied()),
                _ => return None,
            };
            let whole = call.outs[0].dtype;
            let packed = matches!(&list[1].call.op, Op::PackRows(_));
            let converts = |a: &Array, b: &Builder<'_>| {
                let converted = matches!(&a.call.op, Op::Map(m) if m.tape.inputs().len() == 1
                    && *m.tape == Tape::convert(m.tape.inputs()[0], whole) && m.tape.inputs()[0].is_float());
                (packed || converted) && b.is_private(a, 1)
            };
            if !(packed || whole.is_float())
                || !converts(&list[1], &b)
                || list.get(2).is_some_and(|at| at.dtype() != DType::I32 || at.size() != 1)
            {
                put(call, list);
                return None;
            }
            let mut list = list.into_iter();
            let (x, converted, at) = (list.next()?, list.next()?, list.next());
            let x = b.input(x);
            b.parts.push(converted.call.clone());
            b.lists[0] = smallvec::smallvec![x, Source::Part(0, 0)];
            let update = take(&converted.call).pop()?;
            drop(converted);
            let mut rope = None;
            match &update.call.op {
                Op::Rope(r) if b.is_private(&update, 1) => {
                    rope = Some(r.clone());
                    let own = take(&update.call).into_iter().map(|x| b.input(x)).collect();
                    b.parts.push(update.call.clone());
                    b.lists.push(smallvec::smallvec![Source::Part(1, 0)]);
                    b.lists.push(own);
                }
                _ => {
                    let s = b.input(update);
                    b.lists.push(smallvec::smallvec![s]);
                }
            }
            if let Some(at) = at {
                let at = b.input(at);
                b.lists[0].push(at);
            }
            Some(b.finish(CacheUpdate { start, axis, rope, packed }))
        }
        _ => {
            put(call, list);
            None
        }
    }
}

/// A projection (input `at` of the call) with what is done to its result.
fn absorb(mut b: Builder<'_>, list: Inputs, at: usize, gate: Option<Gate>) -> Option<Lowered> {
    let part = list[at].call.clone();
    let Op::BlockMatmul(p) = &part.op else { return None };
    b.parts.push(part.clone());
    b.lists.push(SmallVec::new());
    let (eps, sources) = projection(&mut b, take(&part));
    b.lists[1] = sources;
    let own = list
        .into_iter()
        .enumerate()
        .map(|(i, a)| if i == at || gate.is_some() { Source::Part(0, a.out) } else { b.input(a) })
        .collect();
    b.lists[0] = own;
    let op = project(p, eps, gate, gate.is_none());
    Some(b.finish(op))
}

/// Whether the back end of the call's stream has a kernel that gives the call's results.
pub(super) fn has_kernel<'a>(op: &Op, inputs: impl Iterator<Item = &'a Array>, call: &Call) -> bool {
    let ins: SmallVec<[Desc; 4]> = inputs.map(layout).collect();
    let outs: SmallVec<[Desc; 1]> = call.outs.iter().map(|a| Desc::contiguous(&a.shape, a.dtype)).collect();
    runtime::backend(call.stream.device).is_ok_and(|b| b.supports(op, &ins, &outs))
}

/// How an input will lie, as far as that is known before it is computed.
fn layout(a: &Array) -> Desc {
    let aval = a.aval();
    let mut desc = Desc::contiguous(&aval.shape, aval.dtype);
    if let Some(d) = a.call.data.get() {
        desc.strides = d[a.out as usize].strides.clone();
    } else if let Op::Broadcast(_) = &a.call.op {
        let inputs = a.call.inputs.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(from) = inputs.first() {
            let shape = from.shape();
            // What is spread has strides of zero, as have the axes that are added in front.
            let own = mlx_ir::desc::row_major(shape);
            let added = aval.shape.len() - shape.len();
            for (i, s) in desc.strides.iter_mut().enumerate() {
                let spread = i < added || shape[i - added] == 1;
                *s = if spread { 0 } else { own[i - added] };
            }
        }
    }
    desc
}

/// Looks for what can stand in the place of a call and more, in the evaluation with that number.
type Pattern = fn(&Arc<Call>, u64) -> Option<Lowered>;

/// The steps of a claim. With `keep` every call is run by itself, since a transform will ask for its result.
pub(super) fn steps(claim: Claim, keep: bool) -> Vec<Step> {
    let plain = |call| Step { call, lowered: None };
    let maps = || claim.calls.iter().filter(|c| matches!(c.op, Op::Map(_))).nth(1).is_some();
    let host = || claim.calls.iter().all(|c| c.stream.device == runtime::Device::Cpu);
    if keep || (host() && !maps()) {
        return claim.calls.into_iter().map(plain).collect();
    }
    let mut found: Vec<Option<Box<Lowered>>> = (0..claim.calls.len()).map(|_| None).collect();
    let mut gone: HashSet<*const Call> = HashSet::new();
    // Without products in it there are neither gates nor sums after them.
    let products = claim.calls.iter().any(|c| matches!(c.op, Op::BlockMatmul(_)));
    // From the last: what stands behind absorbs what stands before it.
    for (call, found) in claim.calls.iter().zip(&mut found).rev() {
        if !gone.is_empty() && gone.contains(&Arc::as_ptr(call)) {
            continue;
        }
        let patterns: &[Pattern] = match call.stream.device {
            // The processor's kernels are for single ops.
            runtime::Device::Cpu => &[chain::lowered],
            runtime::Device::Gpu if matches!(call.op, Op::Reduce(_)) => &[chain::reduced],
            runtime::Device::Gpu if !products && matches!(call.op, Op::Map(_)) => &[chain::lowered],
            runtime::Device::Gpu => &[lowered, chain::lowered],
        };
        if let Some(l) = patterns.iter().find_map(|p| p(call, claim.number)) {
            gone.extend(l.parts.iter().map(Arc::as_ptr));
            *found = Some(Box::new(l));
        }
    }
    let steps = claim.calls.into_iter().zip(found).filter(|(c, _)| !gone.contains(&Arc::as_ptr(c)));
    steps.map(|(call, lowered)| Step { call, lowered }).collect()
}
