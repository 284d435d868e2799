//! Elementwise work in one go: a call and the private calls before it, all of the same shape, become one tape. Each
//! instruction rounds as the call that it comes from, so results are the same to the bit.

use super::lower::{Lowered, Source, has_kernel, put, take};
use crate::array::{Array, Call, Inputs};
use mlx_ir::op::Map;
use mlx_ir::tape::{MAX_INPUTS, MAX_VALUES, Tape, TapeBuilder};
use mlx_ir::{DType, Op};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// An input of a member of the group.
enum Slot {
    /// Comes from outside.
    Open(Array),
    /// The result of a part.
    Part(usize),
}

/// The group as it grows: the call, then its parts, each after all that use it.
struct Group<'a> {
    call: &'a Arc<Call>,
    parts: SmallVec<[Arc<Call>; 2]>,
    slots: Vec<SmallVec<[Slot; 4]>>,
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
    fn open(&self) -> impl Iterator<Item = &Array> {
        self.slots.iter().flatten().filter_map(|s| match s {
            Slot::Open(a) => Some(a),
            Slot::Part(_) => None,
        })
    }

    /// Different arrays from outside.
    fn outside(&self) -> Inputs {
        let mut all = Inputs::new();
        for a in self.open() {
            if !all.iter().any(|k| k.is_same(a)) {
                all.push(a.clone());
            }
        }
        all
    }

    /// Whether `a` is elementwise work of the same shape that only the group uses.
    fn takes(&self, a: &Array, number: u64) -> bool {
        let c = &a.call;
        tape(c).is_some_and(|t| self.instrs + t.instrs().len() <= MAX_VALUES - MAX_INPUTS)
            && c.outs[0].shape == self.call.outs[0].shape
            && c.stream == self.call.stream
            && c.state.load(Ordering::Acquire) == number
            // The claim has a handle as well.
            && Arc::strong_count(c) == 1 + self.open().filter(|o| Arc::ptr_eq(&o.call, c)).count()
    }

    /// Makes `part` a member: what was open for it is its result.
    fn absorb(&mut self, part: Arc<Call>) {
        let p = self.parts.len();
        for s in self.slots.iter_mut().flatten() {
            if matches!(s, Slot::Open(a) if Arc::ptr_eq(&a.call, &part)) {
                *s = Slot::Part(p);
            }
        }
        self.instrs += tape(&part).map_or(0, |t| t.instrs().len());
        self.slots.push(take(&part).into_iter().map(Slot::Open).collect());
        self.parts.push(part);
    }

    /// Takes the last part out again.
    fn give_back(&mut self) {
        let (Some(part), Some(own)) = (self.parts.pop(), self.slots.pop()) else { return };
        self.instrs -= tape(&part).map_or(0, |t| t.instrs().len());
        // Nobody comes after it, so it has no parts.
        let own = own.into_iter().filter_map(|s| match s {
            Slot::Open(a) => Some(a),
            Slot::Part(_) => None,
        });
        put(&part, own.collect());
        let p = self.parts.len();
        for s in self.slots.iter_mut().flatten() {
            if matches!(s, Slot::Part(q) if *q == p) {
                *s = Slot::Open(Array { call: part.clone(), out: 0 });
            }
        }
    }

    fn member(&self, i: usize) -> &Arc<Call> {
        if i == 0 { self.call } else { &self.parts[i - 1] }
    }

    /// The tape of all members, and the arrays that it takes.
    fn tape(&self) -> Option<(Tape, Inputs)> {
        let inputs = self.outside();
        let dtypes: SmallVec<[DType; 8]> = inputs.iter().map(Array::dtype).collect();
        let mut b = TapeBuilder::new(&dtypes);
        let mut results: SmallVec<[u8; 16]> = smallvec::smallvec![0; self.parts.len()];
        // Members stand before what they use.
        for i in (0..self.slots.len()).rev() {
            let value = |s: &Slot| match s {
                Slot::Open(a) => inputs.iter().position(|k| k.is_same(a)).map(|v| v as u8),
                Slot::Part(p) => results.get(*p).copied(),
            };
            let args: SmallVec<[u8; 4]> = self.slots[i].iter().map(value).collect::<Option<_>>()?;
            let result = b.inline(tape(self.member(i))?, &args).ok()?;
            match i.checked_sub(1) {
                Some(p) => results[p] = result,
                // The result must come last.
                None => {
                    let t = b.finish();
                    let last = t.inputs().len() + t.instrs().len();
                    return (usize::from(result) + 1 == last).then_some((t, inputs));
                }
            }
        }
        None
    }
}

/// One tape in the place of `call` and what is private to it; its inputs and those of its parts are taken then.
pub(super) fn lowered(call: &Arc<Call>, number: u64) -> Option<Lowered> {
    let own = tape(call)?;
    let elementwise = |a: &Array| tape(&a.call).is_some() && a.call.state.load(Ordering::Acquire) == number;
    if !call.inputs.lock().unwrap_or_else(|e| e.into_inner()).iter().any(elementwise) {
        return None;
    }
    let mut g = Group {
        call,
        parts: SmallVec::new(),
        slots: vec![take(call).into_iter().map(Slot::Open).collect()],
        instrs: own.instrs().len(),
    };
    let mut refused: Vec<*const Call> = Vec::new();
    loop {
        let next = g.open().find(|a| !refused.contains(&Arc::as_ptr(&a.call)) && g.takes(a, number));
        let Some(next) = next.map(|a| a.call.clone()) else { break };
        g.absorb(next.clone());
        if g.outside().len() > MAX_INPUTS {
            g.give_back();
            refused.push(Arc::as_ptr(&next));
        }
    }
    let made = loop {
        if g.parts.is_empty() {
            break None;
        }
        let made = g.tape().map(|(tape, inputs)| (Op::from(Map { tape: Arc::new(tape) }), inputs));
        if let Some((op, inputs)) = made.filter(|(op, inputs)| has_kernel(op, inputs, call)) {
            break Some((op, inputs));
        }
        // Too much for the device.
        g.give_back();
    };
    let Some((op, inputs)) = made else {
        let own = g.slots.pop().into_iter().flatten().filter_map(|s| match s {
            Slot::Open(a) => Some(a),
            Slot::Part(_) => None,
        });
        put(call, own.collect());
        return None;
    };
    let source = |s: &Slot| match s {
        Slot::Open(a) => Source::Input(inputs.iter().position(|k| k.is_same(a)).unwrap_or_default()),
        Slot::Part(p) => Source::Part(*p, 0),
    };
    let lists = g.slots.iter().map(|list| list.iter().map(source).collect()).collect();
    let parts = std::mem::take(&mut g.parts);
    drop(g);
    Some(Lowered { op, inputs, parts, lists })
}
