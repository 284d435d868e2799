//! Elementwise work in one go: a call and the private calls before it, all of the same shape, become one tape, and so do
//! those before a reduction, which then reduces what the tape gives. Each instruction rounds as the call that it comes
//! from, so results are the same to the bit.

use super::lower::{Lowered, Source, has_kernel, put, take};
use crate::array::{Array, Call, Inputs};
use mlx_ir::op::{Map, ReduceMap};
use mlx_ir::tape::{MAX_INPUTS, MAX_VALUES, Tape, TapeBuilder};
use mlx_ir::{DType, Op, Shape};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// An output of a call, by address: one that the group holds in another way.
type Id = (*const Call, u32);

fn id(a: &Array) -> Id {
    (Arc::as_ptr(&a.call), a.out)
}

/// The group as it grows: the call, then its parts, each after all that use it.
struct Group<'a> {
    call: &'a Arc<Call>,
    /// Of the elementwise work.
    shape: Shape,
    parts: SmallVec<[Arc<Call>; 2]>,
    /// Inputs of the members.
    lists: SmallVec<[SmallVec<[Id; 4]>; 8]>,
    /// What comes from outside, each once, with the number of its places in `lists`.
    outside: SmallVec<[(Array, usize); 8]>,
    /// Instructions of all members.
    instrs: usize,
}

fn tape(call: &Call) -> Option<&Tape> {
    match &call.op {
        Op::Map(m) if !m.tape.instrs().is_empty() => Some(&m.tape),
        _ => None,
    }
}

impl Group<'_> {
    /// Takes a member's inputs.
    fn enter(&mut self, member: &Call) {
        let list = take(member);
        self.lists.push(list.iter().map(id).collect());
        for a in list {
            match self.outside.iter_mut().find(|(k, _)| k.is_same(&a)) {
                Some((_, places)) => *places += 1,
                None => self.outside.push((a, 1)),
            }
        }
        self.instrs += tape(member).map_or(0, |t| t.instrs().len());
    }

    /// Gives the member that entered last its inputs back.
    fn leave(&mut self, member: &Call) {
        let list = self.lists.pop().unwrap_or_default();
        let mut own = Inputs::new();
        for i in list {
            let Some(at) = self.outside.iter().position(|(k, _)| id(k) == i) else { continue };
            own.push(self.outside[at].0.clone());
            self.outside[at].1 -= 1;
            if self.outside[at].1 == 0 {
                self.outside.swap_remove(at);
            }
        }
        put(member, own);
        self.instrs -= tape(member).map_or(0, |t| t.instrs().len());
    }

    /// Whether `a`, of those from outside, is elementwise work of the same shape that only the group uses.
    fn takes(&self, a: &Array, number: u64) -> bool {
        let c = &a.call;
        tape(c).is_some_and(|t| self.instrs + t.instrs().len() <= MAX_VALUES - MAX_INPUTS)
            && c.outs[0].shape == self.shape
            && c.stream == self.call.stream
            && c.state.load(Ordering::Acquire) == number
            // The claim's handle and this one.
            && Arc::strong_count(c) == 2
    }

    /// Makes an array from outside a part.
    fn absorb(&mut self, at: usize) {
        let (a, _) = self.outside.swap_remove(at);
        self.enter(&a.call);
        self.parts.push(a.call);
    }

    /// Takes the last part out again. Nobody came after it, so all its inputs are from outside.
    fn give_back(&mut self) {
        let Some(part) = self.parts.pop() else { return };
        self.leave(&part);
        let a = Array { call: part, out: 0 };
        let places = self.lists.iter().flatten().filter(|i| **i == id(&a)).count();
        self.outside.push((a, places));
    }

    /// Where an input of a member is found.
    fn source(&self, i: &Id) -> Option<Source> {
        let part = self.parts.iter().position(|p| Arc::as_ptr(p) == i.0).map(|p| Source::Part(p, 0));
        part.or_else(|| self.outside.iter().position(|(a, _)| id(a) == *i).map(Source::Input))
    }

    /// The tape of all members over what comes from outside.
    fn tape(&self) -> Option<Tape> {
        let dtypes: SmallVec<[DType; 8]> = self.outside.iter().map(|(a, _)| a.dtype()).collect();
        let mut b = TapeBuilder::new(&dtypes);
        let mut results: SmallVec<[u8; 48]> = smallvec::smallvec![0; self.parts.len()];
        // Members stand before what they use.
        for (i, list) in self.lists.iter().enumerate().rev() {
            let value = |i: &Id| match self.source(i)? {
                Source::Input(v) => Some(v as u8),
                Source::Part(p, _) => results.get(p).copied(),
            };
            let args: SmallVec<[u8; 4]> = list.iter().map(value).collect::<Option<_>>()?;
            let member = if i == 0 { self.call } else { &self.parts[i - 1] };
            let result = match tape(member) {
                Some(t) => b.inline(t, &args).ok()?,
                // A reduction of what another member gives.
                None => *args.first()?,
            };
            if i > 0 {
                results[i - 1] = result;
                continue;
            }
            let t = b.finish();
            // The result must come last.
            return (usize::from(result) + 1 == t.inputs().len() + t.instrs().len()).then_some(t);
        }
        None
    }
}

/// One tape in the place of `call` and what is private to it; its inputs and those of its parts are taken then.
pub(super) fn lowered(call: &Arc<Call>, number: u64) -> Option<Lowered> {
    tape(call)?;
    grown(call, number, call.outs[0].shape.clone(), &|t| Map { tape: t }.into())
}

/// A reduction with the elementwise work that is private to it.
pub(super) fn reduced(call: &Arc<Call>, number: u64) -> Option<Lowered> {
    let Op::Reduce(r) = &call.op else { return None };
    let shape: Shape = {
        let inputs = call.inputs.lock().unwrap_or_else(|e| e.into_inner());
        inputs.first()?.shape().into()
    };
    grown(call, number, shape, &|tape| ReduceMap { tape, kind: r.kind, axes: r.axes.clone() }.into())
}

/// A call with the elementwise work before it of this shape, as what `make` gives for its tape.
fn grown(call: &Arc<Call>, number: u64, shape: Shape, make: &dyn Fn(Arc<Tape>) -> Op) -> Option<Lowered> {
    {
        let inputs = call.inputs.lock().unwrap_or_else(|e| e.into_inner());
        // The claim's handle and those of this list: what has more is used by others too.
        let private = |a: &Array| Arc::strong_count(&a.call) <= 1 + inputs.len();
        let claimed = |a: &Array| a.call.state.load(Ordering::Acquire) == number;
        if !inputs.iter().any(|a| tape(&a.call).is_some() && private(a) && claimed(a)) {
            return None;
        }
    }
    let mut g =
        Group { call, shape, parts: SmallVec::new(), lists: SmallVec::new(), outside: SmallVec::new(), instrs: 0 };
    g.enter(call);
    let mut refused: Vec<Id> = Vec::new();
    while let Some(at) = g.outside.iter().position(|(a, _)| g.takes(a, number) && !refused.contains(&id(a))) {
        let part = id(&g.outside[at].0);
        g.absorb(at);
        if g.outside.len() > MAX_INPUTS {
            g.give_back();
            refused.push(part);
        }
    }
    let op = loop {
        if g.parts.is_empty() {
            g.leave(call);
            return None;
        }
        let inputs = || g.outside.iter().map(|(a, _)| a);
        let op = g.tape().map(|t| make(Arc::new(t)));
        if let Some(op) = op.filter(|op| has_kernel(op, inputs(), call)) {
            break op;
        }
        // Too much for the device.
        g.give_back();
    };
    let source = |i: &Id| g.source(i).unwrap_or(Source::Input(0));
    let lists = g.lists.iter().map(|list| list.iter().map(source).collect()).collect();
    let inputs = g.outside.into_iter().map(|(a, _)| a).collect();
    Some(Lowered { op, inputs, parts: g.parts, lists })
}
