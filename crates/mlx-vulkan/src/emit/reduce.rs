//! Reductions of what a tape gives: each invocation folds one output, or one part of its terms, in a fixed order.
//! Sums of products are matrix products.
//!
//! Push constants: invocations with work; invocations of a row of the grid; the output's first word; parts of an output;
//! terms of an output; the first element of each input; sizes of the kept dimensions but the first; each input's strides
//! over them; the same for the folded dimensions; among numbers of terms the first of these, and their steps over the
//! outputs and the terms.

use super::code::{Code, Halves, Id};
use super::expr::{X, sel};
use super::map::{call, constant, coordinates, pack, put, run, walk};
use super::memory::{Value, load, rounded, stored};
use mlx_ir::op::{ArgKind, ReduceKind};
use mlx_ir::tape::Tape;
use mlx_ir::{DType, Func};
use rspirv::spirv::Op;

/// How terms are folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fold {
    /// To one value.
    Kind(ReduceKind),
    /// To the number of the extreme one.
    Arg(ArgKind),
}

/// What a reduction's shader depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Folding {
    /// What is folded.
    pub tape: Tape,
    pub fold: Fold,
    /// Dtype of the output; narrow floats are folded in f32.
    pub out: DType,
    /// Dimensions of the output, and those that are folded.
    pub kept: usize,
    pub folded: usize,
    /// Whether an output has several parts, each an output of its own here.
    pub parts: Parts,
    /// The terms are those whose numbers lie in a buffer after the inputs: the best of parts.
    pub among: bool,
}

/// How the parts of outputs lie, and so which invocations are neighbours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Parts {
    /// Each output is one.
    One,
    /// Those of an output beside each other, for terms that lie so.
    Together,
    /// Outputs beside each other, for outputs whose terms lie so.
    Apart,
}

/// Terms that are read before the first of them is folded; of longer tapes one at a time is enough to do.
const AHEAD: u32 = 8;
const LONG: usize = 12;

/// A value in variables.
pub(super) struct Held {
    like: Value,
    vars: Vec<(Id, Id)>,
}

impl Held {
    pub fn new(c: &mut Code, v: Value) -> Held {
        let parts = match v {
            Value::Bool(x) => vec![(c.bool, x)],
            Value::Word(x) => vec![(c.u32, x)],
            Value::Long(x) => vec![(c.u64(), x)],
            Value::Float(x) => vec![(c.f32, x)],
            Value::Complex(x, y) => vec![(c.f32, x), (c.f32, y)],
        };
        let vars = parts
            .into_iter()
            .map(|(kind, x)| {
                let var = c.variable(kind);
                c.set(var, x);
                (kind, var)
            })
            .collect();
        Held { like: v, vars }
    }
    pub fn get(&self, c: &mut Code) -> Value {
        let ids: Vec<Id> = self.vars.iter().map(|&(kind, var)| c.get(kind, var)).collect();
        match self.like {
            Value::Bool(_) => Value::Bool(ids[0]),
            Value::Word(_) => Value::Word(ids[0]),
            Value::Long(_) => Value::Long(ids[0]),
            Value::Float(_) => Value::Float(ids[0]),
            Value::Complex(..) => Value::Complex(ids[0], ids[1]),
        }
    }
    pub fn set(&self, c: &mut Code, v: Value) {
        let ids = match v {
            Value::Bool(x) | Value::Word(x) | Value::Long(x) | Value::Float(x) => [x, x],
            Value::Complex(x, y) => [x, y],
        };
        for (&(_, var), id) in self.vars.iter().zip(ids) {
            c.set(var, id);
        }
    }
}

/// Narrow floats are folded in f32.
fn wide(d: DType) -> DType {
    if matches!(d, DType::F16 | DType::BF16) { DType::F32 } else { d }
}

/// The dtype in which terms of dtype `from` are folded.
fn acc_dtype(fold: Fold, from: DType, out: DType) -> DType {
    match fold {
        Fold::Kind(_) => wide(out),
        Fold::Arg(_) => wide(from),
    }
}

/// The bits of one, as a tape's constant holds them.
fn one(d: DType) -> u64 {
    match d {
        DType::F32 => 1f32.to_bits().into(),
        DType::C64 => 1f32.to_bits().into(),
        _ => 1,
    }
}

fn is_nan(c: &mut Code, v: Value) -> Option<X> {
    match v {
        Value::Float(x) => Some(X::float(x).is_nan()),
        Value::Complex(x, y) => Some(X::float(x).is_nan() | X::float(y).is_nan()),
        _ => {
            let no = c.truth(false);
            Some(X::truth(no))
        }
    }
}

/// The shader, or none if a function that it needs has none here.
pub(crate) fn fold(f: &Folding, halves: Halves) -> Option<Vec<u32>> {
    let inputs = f.tape.inputs();
    let dtypes = inputs.iter().chain(f.tape.instrs().iter().map(|i| &i.dtype)).chain([&f.out]);
    if dtypes.clone().any(|d| *d == DType::F64) {
        return None;
    }
    let acc = acc_dtype(f.fold, f.tape.dtype(), f.out);
    let numbers = inputs.len();
    let buffer = numbers + usize::from(f.among);
    let mut c = Code::new(buffer + 1, 0).convert_halves(halves);
    let [n, row, first, parts, terms] = std::array::from_fn(|i| c.pushed(i));
    let mut next = 5;
    let mut take = |c: &mut Code, count: usize| -> Vec<Id> {
        next += count;
        (next - count..next).map(|i| c.pushed(i)).collect()
    };
    let starts = take(&mut c, inputs.len());
    let kept_shape = take(&mut c, f.kept - 1);
    let kept: Vec<Vec<Id>> = inputs.iter().map(|_| take(&mut c, f.kept)).collect();
    let folded_shape = take(&mut c, f.folded - 1);
    let folded: Vec<Vec<Id>> = inputs.iter().map(|_| take(&mut c, f.folded)).collect();
    let among = if f.among { take(&mut c, 3) } else { Vec::new() };

    let number = c.number(row);
    let parted = f.parts != Parts::One;
    let out = if parted && matches!(f.fold, Fold::Kind(_)) { acc } else { f.out };
    let each = if parted { 1 } else { (4 / f.out.size()).max(1) as u32 };
    let begin = if each == 1 { number } else { c.word_op(Op::IMul, number, each) };
    let inside = c.op(Op::ULessThan, c.bool, &[begin, n]);
    let mut made = true;
    c.when(inside, |c| {
        let last = c.word_op(Op::ISub, n, 1);
        let mut words: Option<[Id; 2]> = None;
        for k in 0..each {
            let i = if k == 0 {
                begin
            } else {
                let i = c.word_op(Op::IAdd, begin, k);
                let over = c.op(Op::UGreaterThan, c.bool, &[i, last]);
                c.select(c.u32, over, last, i)
            };
            let split = |c: &mut Code, by: Id| {
                let whole = c.op(Op::UDiv, c.u32, &[i, by]);
                let back = c.op(Op::IMul, c.u32, &[whole, by]);
                (whole, c.op(Op::ISub, c.u32, &[i, back]))
            };
            let (output, part, step) = match f.parts {
                Parts::Together => {
                    let (output, part) = split(c, parts);
                    (output, part, parts)
                }
                Parts::Apart => {
                    let outputs = c.op(Op::UDiv, c.u32, &[n, parts]);
                    let (part, output) = split(c, outputs);
                    (output, part, parts)
                }
                Parts::One => (i, c.u(0), c.u(1)),
            };
            let at = coordinates(c, output, &kept_shape);
            let bases: Vec<Id> = (0..inputs.len()).map(|j| walk(c, starts[j], &at, &kept[j])).collect();
            let mut term = |c: &mut Code, t: Id| -> Option<Value> {
                let at = coordinates(c, t, &folded_shape);
                let values = (0..inputs.len())
                    .map(|j| {
                        let index = walk(c, bases[j], &at, &folded[j]);
                        load(c, j, inputs[j], index)
                    })
                    .collect();
                // What was an array of its own is rounded to its dtype.
                let v = match run(c, &f.tape, values)? {
                    Value::Float(x) => Value::Float(rounded(c, f.tape.dtype(), x)),
                    v => v,
                };
                // Terms enter in the dtype in which they are folded.
                call(c, Func::Convert, f.tape.dtype(), acc, &[v])
            };
            let number = |c: &mut Code, t: Id| match among[..] {
                [first, outputs, steps] => {
                    let at = walk(c, first, &[output, t], &[outputs, steps]);
                    c.load(numbers, at)
                }
                _ => t,
            };
            let Some(v) = one_output(c, f, acc, [part, terms, step], &mut term, &number) else {
                made = false;
                return;
            };
            let w = stored(c, out, v);
            words = Some(pack(c, words, k, out, w));
        }
        let Some(words) = words else { return };
        let at = if out.size() == 8 { c.word_op(Op::ShiftLeftLogical, number, 1) } else { number };
        let at = c.op(Op::IAdd, c.u32, &[first, at]);
        put(c, buffer, at, out, words);
    });
    made.then(|| c.finish())
}

/// Folds terms `part`, `part + step`, … below `terms`; `number` says which term that is.
fn one_output(
    c: &mut Code,
    f: &Folding,
    acc: DType,
    [part, terms, step]: [Id; 3],
    term: &mut dyn FnMut(&mut Code, Id) -> Option<Value>,
    number: &dyn Fn(&mut Code, Id) -> Id,
) -> Option<Value> {
    let mut made = true;
    match f.fold {
        Fold::Kind(kind) => {
            let (func, from_first) = match kind {
                ReduceKind::Sum => (Func::Add, false),
                ReduceKind::Prod => (Func::Multiply, false),
                ReduceKind::Min => (Func::Minimum, true),
                ReduceKind::Max => (Func::Maximum, true),
                ReduceKind::And => (Func::LogicalAnd, false),
                ReduceKind::Or => (Func::LogicalOr, false),
            };
            let (start, begin) = if from_first {
                (term(c, part)?, c.op(Op::IAdd, c.u32, &[part, step]))
            } else {
                let neutral = if matches!(kind, ReduceKind::Prod | ReduceKind::And) { one(acc) } else { 0 };
                (constant(c, acc, neutral)?, part)
            };
            let held = Held::new(c, start);
            let mut fold = |c: &mut Code, values: Option<Vec<Value>>| {
                let so_far = held.get(c);
                let folded =
                    values.and_then(|v| v.into_iter().try_fold(so_far, |s, x| call(c, func, acc, acc, &[s, x])));
                match folded {
                    Some(v) => held.set(c, v),
                    None => made = false,
                }
            };
            // Matrix products have shaders of their own; one of any layout should rather be short.
            if (f.tape.inputs().len() > 1 && f.kept > 2) || f.tape.instrs().len() > LONG {
                c.repeat(begin, terms, step, |c, t| {
                    let value = term(c, t).map(|v| vec![v]);
                    fold(c, value);
                });
                return made.then(|| held.get(c));
            }
            // Several at a time as long as there are so many, then the rest one by one: the same order.
            let (reach, ahead) = (c.word_op(Op::IMul, step, AHEAD - 1), c.word_op(Op::IMul, step, AHEAD));
            let enough = c.op(Op::UGreaterThan, c.bool, &[terms, reach]);
            let limit = c.op(Op::ISub, c.u32, &[terms, reach]);
            let none = c.u(0);
            let limit = c.select(c.u32, enough, limit, none);
            c.repeat(begin, limit, ahead, |c, t| {
                let values = (0..AHEAD).map(|k| {
                    let far = c.word_op(Op::IMul, step, k);
                    let t = c.op(Op::IAdd, c.u32, &[t, far]);
                    term(c, t)
                });
                let values = values.collect();
                fold(c, values);
            });
            let some = c.op(Op::UGreaterThan, c.bool, &[limit, begin]);
            let length = c.op(Op::ISub, c.u32, &[limit, begin]);
            let length = c.select(c.u32, some, length, none);
            // Whole steps, the last of which may begin just below the limit.
            let before = c.word_op(Op::ISub, ahead, 1);
            let length = c.op(Op::IAdd, c.u32, &[length, before]);
            let times = c.op(Op::UDiv, c.u32, &[length, ahead]);
            let done = c.op(Op::IMul, c.u32, &[times, ahead]);
            let rest = c.op(Op::IAdd, c.u32, &[begin, done]);
            c.repeat(rest, terms, step, |c, t| {
                let value = term(c, t).map(|v| vec![v]);
                fold(c, value);
            });
            made.then(|| held.get(c))
        }
        Fold::Arg(kind) => {
            let first = number(c, part);
            let best = term(c, first)?;
            let best = Held::new(c, best);
            let at = Held::new(c, Value::Word(first));
            let begin = c.op(Op::IAdd, c.u32, &[part, step]);
            let better = if kind == ArgKind::Max { Func::Greater } else { Func::Less };
            c.repeat(begin, terms, step, |c, t| {
                let t = number(c, t);
                let taken = term(c, t).and_then(|x| {
                    let so_far = best.get(c);
                    let Value::Bool(beats) = call(c, better, acc, DType::Bool, &[x, so_far])? else { return None };
                    let (new, old) = (is_nan(c, x)?, is_nan(c, so_far)?);
                    let mut beats = (X::truth(beats) | new.clone()) & !old.clone();
                    if f.among {
                        // Those of parts do not come in order.
                        let Value::Bool(equal) = call(c, Func::Equal, acc, DType::Bool, &[x, so_far])? else {
                            return None;
                        };
                        let Value::Word(before) = at.get(c) else { return None };
                        let before = X::word(before).gt(X::word(t));
                        beats = beats | ((X::truth(equal) | (new & old)) & before);
                    }
                    Some((x, so_far, beats.build(c)))
                });
                let Some((x, so_far, beats)) = taken else {
                    made = false;
                    return;
                };
                let Some(v) = call(c, Func::Select, acc, acc, &[Value::Bool(beats), x, so_far]) else {
                    made = false;
                    return;
                };
                best.set(c, v);
                let Value::Word(old) = at.get(c) else { return };
                let place = sel(&X::truth(beats), X::word(t), X::word(old)).build(c);
                at.set(c, Value::Word(place));
            });
            made.then(|| at.get(c))
        }
    }
}
