//! A tape as a compute shader: each invocation computes the elements of one word of the output (two words of a wide
//! dtype).
//!
//! Push constants: elements of the output; invocations of a row of the grid; the output's first word (its first element,
//! if it is strided); the first element of each input; the sizes of the dimensions but the first, if anything is
//! strided; the strides of each such input, then of such an output.

use super::code::{Code, Halves, Id};
use super::expr::X;
use super::memory::{Value, load, rounded, stored, wrap};
use super::{complex, convert, float, integer};
use crate::kernels::map::GROUP;
use mlx_ir::tape::{Step, Tape};
use mlx_ir::{DType, Func};
use rspirv::spirv::Op;

/// How an input lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Place {
    /// One element for all.
    Scalar,
    /// As the output.
    Flat,
    /// By strides.
    Strided,
}

/// The shader, or none if a function of the tape has none here. With a strided output each invocation computes one
/// element; what lies between them is left alone.
///
/// With `times` above 1 an invocation computes so many words: those of its workgroup, [`GROUP`] apart, so that neighbours
/// read neighbouring memory. All are read before one is written, so that the reads are under way together. The output is
/// not strided then.
///
/// [`GROUP`]: crate::kernels::map::GROUP
pub(crate) fn map(
    tape: &Tape,
    places: &[Place],
    out_place: Place,
    dims: usize,
    times: u32,
    halves: Halves,
) -> Option<Vec<u32>> {
    let inputs = tape.inputs();
    let out = tape.dtype();
    // f64 needs arithmetic that few devices have.
    if inputs.iter().chain(tape.instrs().iter().map(|i| &i.dtype)).any(|&d| d == DType::F64) {
        return None;
    }
    let mut c = Code::new(inputs.len() + 1, 0).convert_halves(halves);
    let (n, row, first) = (c.pushed(0), c.pushed(1), c.pushed(2));
    let starts: Vec<Id> = (0..inputs.len()).map(|i| c.pushed(3 + i)).collect();
    let mut next = 3 + inputs.len();
    let mut take = |c: &mut Code, count: usize| -> Vec<Id> {
        next += count;
        (next - count..next).map(|i| c.pushed(i)).collect()
    };
    let scattered = out_place == Place::Strided;
    let strided = scattered || places.contains(&Place::Strided);
    let shape = if strided { take(&mut c, dims - 1) } else { Vec::new() };
    let mut strides_of = |p: Place| if p == Place::Strided { take(&mut c, dims) } else { Vec::new() };
    let strides: Vec<Vec<Id>> = places.iter().map(|&p| strides_of(p)).collect();
    let out_strides = strides_of(out_place);

    let first_number = c.number(row);
    let each = if scattered { 1 } else { (4 / out.size()).max(1) as u32 };
    // The values of the inputs for element `i` of the output, and its coordinates if anything is strided.
    let gather = |c: &mut Code, i: Id| -> (Vec<Value>, Vec<Id>) {
        let at = if strided { coordinates(c, i, &shape) } else { Vec::new() };
        let values = (0..inputs.len()).map(|j| {
            let index = match places[j] {
                Place::Scalar => starts[j],
                Place::Flat => c.op(Op::IAdd, c.u32, &[starts[j], i]),
                Place::Strided => walk(c, starts[j], &at, &strides[j]),
            };
            load(c, j, inputs[j], index)
        });
        (values.collect(), at)
    };
    // The word (two of a wide dtype) of the elements with these values.
    let join = |c: &mut Code, elements: Vec<Vec<Value>>| -> Option<[Id; 2]> {
        let mut words: Option<[Id; 2]> = None;
        for (k, values) in elements.into_iter().enumerate() {
            let result = run(c, tape, values)?;
            let w = stored(c, out, result);
            words = Some(pack(c, words, k as u32, out, w));
        }
        words
    };
    let store = |c: &mut Code, number: Id, words: [Id; 2]| {
        let at = if out.size() == 8 { c.word_op(Op::ShiftLeftLogical, number, 1) } else { number };
        let at = c.op(Op::IAdd, c.u32, &[first, at]);
        put(c, inputs.len(), at, out, words);
    };
    let begin = |c: &mut Code, number: Id| if each == 1 { number } else { c.word_op(Op::IMul, number, each) };
    let mut made = true;
    // One word, if it is there.
    let mut single = |c: &mut Code, number: Id| {
        let from = begin(c, number);
        let inside = c.op(Op::ULessThan, c.bool, &[from, n]);
        c.when(inside, |c| {
            let last = c.word_op(Op::ISub, n, 1);
            let mut at = Vec::new();
            let elements = (0..each).map(|k| {
                // The last word may hold fewer elements: then its rest repeats the last one.
                let i = if k == 0 {
                    from
                } else {
                    let i = c.word_op(Op::IAdd, from, k);
                    let over = c.op(Op::UGreaterThan, c.bool, &[i, last]);
                    c.select(c.u32, over, last, i)
                };
                let values;
                (values, at) = gather(c, i);
                values
            });
            let elements = elements.collect();
            match join(c, elements) {
                None => made = false,
                Some(words) if scattered => {
                    let target = walk(c, first, &at, &out_strides);
                    scatter(c, inputs.len(), target, out, words);
                }
                Some(words) => store(c, number, words),
            }
        });
    };
    if times == 1 {
        single(&mut c, first_number);
    } else {
        let (base, mine) = of_group(&mut c, first_number, times);
        // Most workgroups have all their words, and read them before they write any.
        let whole = if each == 1 { n } else { c.word_op(Op::UDiv, n, each) };
        let all = c.u(times * GROUP);
        let enough = c.op(Op::UGreaterThanEqual, c.bool, &[whole, all]);
        let limit = c.op(Op::ISub, c.u32, &[whole, all]);
        let fits = c.op(Op::ULessThanEqual, c.bool, &[base, limit]);
        let together = c.op(Op::LogicalAnd, c.bool, &[enough, fits]);
        c.when(together, |c| {
            let read: Vec<Vec<Vec<Value>>> = mine
                .iter()
                .map(|&number| {
                    let from = begin(c, number);
                    let mut of = |k| if k == 0 { from } else { c.word_op(Op::IAdd, from, k) };
                    let at: Vec<Id> = (0..each).map(&mut of).collect();
                    at.into_iter().map(|i| gather(c, i).0).collect()
                })
                .collect();
            for (&number, elements) in mine.iter().zip(read) {
                if let Some(words) = join(c, elements) {
                    store(c, number, words);
                }
            }
        });
        let apart = c.op(Op::LogicalNot, c.bool, &[together]);
        c.when(apart, |c| mine.iter().for_each(|&number| single(c, number)));
    }
    made.then(|| c.finish())
}

/// The numbers of what an invocation computes, `times` of those of its workgroup and [`GROUP`] apart, so that neighbours read
/// neighbouring memory; before them the workgroup's first.
pub(super) fn of_group(c: &mut Code, number: Id, times: u32) -> (Id, Vec<Id>) {
    let lane = c.word_op(Op::BitwiseAnd, number, GROUP - 1);
    let base = c.op(Op::ISub, c.u32, &[number, lane]);
    let base = c.word_op(Op::IMul, base, times);
    let mine = (0..times).map(|time| {
        let lane = c.word_op(Op::IAdd, lane, time * GROUP);
        c.op(Op::IAdd, c.u32, &[base, lane])
    });
    let mine = mine.collect();
    (base, mine)
}

/// Stores element `target`, whose words these are; what lies around it is left alone.
pub(super) fn scatter(c: &mut Code, buffer: usize, target: Id, dtype: DType, words: [Id; 2]) {
    if dtype.size() >= 4 {
        let at = if dtype.size() == 8 { c.word_op(Op::ShiftLeftLogical, target, 1) } else { target };
        return put(c, buffer, at, dtype, words);
    }
    // A word holds several elements.
    let (down, lane, by, mask) = if dtype.size() == 1 { (2, 3, 3, 0xff) } else { (1, 1, 4, 0xffff) };
    let word = c.word_op(Op::ShiftRightLogical, target, down);
    let shift = c.word_op(Op::BitwiseAnd, target, lane);
    let shift = c.word_op(Op::ShiftLeftLogical, shift, by);
    let mask = c.u(mask);
    let mask = c.op(Op::ShiftLeftLogical, c.u32, &[mask, shift]);
    let bits = c.op(Op::ShiftLeftLogical, c.u32, &[words[0], shift]);
    c.store_bits(buffer, word, mask, bits);
}

/// Stores one word, or the two of a wide dtype.
pub(super) fn put(c: &mut Code, buffer: usize, at: Id, dtype: DType, words: [Id; 2]) {
    c.store(buffer, at, words[0]);
    if dtype.size() == 8 {
        let at = c.word_op(Op::IAdd, at, 1);
        c.store(buffer, at, words[1]);
    }
}

/// Joins the words of the elements of one output word; `k` counts them.
pub(super) fn pack(c: &mut Code, words: Option<[Id; 2]>, k: u32, dtype: DType, w: [Id; 2]) -> [Id; 2] {
    match words {
        None => w,
        Some([low, high]) => {
            let w = c.word_op(Op::ShiftLeftLogical, w[0], 8 * k * dtype.size() as u32);
            [c.op(Op::BitwiseOr, c.u32, &[low, w]), high]
        }
    }
}

/// The element at these coordinates.
pub(super) fn walk(c: &mut Code, start: Id, at: &[Id], strides: &[Id]) -> Id {
    at.iter().zip(strides).fold(start, |sum, (&x, &s)| {
        let step = c.op(Op::IMul, c.u32, &[x, s]);
        c.op(Op::IAdd, c.u32, &[sum, step])
    })
}

/// The coordinates of position `i`; `shape` lacks the first dimension.
pub(super) fn coordinates(c: &mut Code, i: Id, shape: &[Id]) -> Vec<Id> {
    let mut rest = i;
    let mut at: Vec<Id> = Vec::with_capacity(shape.len() + 1);
    for &d in shape.iter().rev() {
        let q = c.op(Op::UDiv, c.u32, &[rest, d]);
        let back = c.op(Op::IMul, c.u32, &[q, d]);
        at.push(c.op(Op::ISub, c.u32, &[rest, back]));
        rest = q;
    }
    at.push(rest);
    at.reverse();
    at
}

/// Writes the tape's instructions over the inputs' values; none if one cannot be written.
pub(super) fn run(c: &mut Code, tape: &Tape, inputs: Vec<Value>) -> Option<Value> {
    let mut values = inputs;
    for (k, instr) in tape.instrs().iter().enumerate() {
        let v = match instr.step {
            Step::Const(bits) => constant(c, instr.dtype, bits)?,
            Step::Call(f, args) => {
                let args = &args[..f.arity()];
                let given: Vec<Value> = args.iter().map(|&a| values[a as usize]).collect();
                let from = tape.value_dtype(args[args.len() - 1]);
                if let Some(v) = in_half(c, f, instr.dtype, &given) {
                    values.push(v);
                    continue;
                }
                let v = call(c, f, from, instr.dtype, &given)?;
                match v {
                    // The last one is rounded when it is stored.
                    Value::Float(x) if k + 1 < tape.instrs().len() => Value::Float(rounded(c, instr.dtype, x)),
                    v => v,
                }
            }
        };
        values.push(v);
    }
    values.pop()
}

/// A function that needs no rounding after it, where the device can be trusted with f16.
fn in_half(c: &mut Code, f: Func, dtype: DType, args: &[Value]) -> Option<Value> {
    let op = match f {
        Func::Add => Op::FAdd,
        Func::Subtract => Op::FSub,
        Func::Multiply => Op::FMul,
        _ => return None,
    };
    match args {
        &[Value::Float(x), Value::Float(y)] if dtype == DType::F16 && c.halves() == Halves::All => {
            Some(Value::Float(c.in_half(op, x, y)))
        }
        _ => None,
    }
}

pub(super) fn constant(c: &mut Code, dtype: DType, bits: u64) -> Option<Value> {
    let low = bits as u32;
    Some(match dtype {
        DType::Bool => Value::Bool(c.truth(low & 0xff != 0)),
        DType::U8 => Value::Word(c.u(low & 0xff)),
        DType::U16 => Value::Word(c.u(low & 0xffff)),
        DType::I8 => Value::Word(c.u(low as i8 as u32)),
        DType::I16 => Value::Word(c.u(low as i16 as u32)),
        DType::U32 | DType::I32 => Value::Word(c.u(low)),
        DType::U64 | DType::I64 => Value::Long(c.long(bits)),
        DType::F16 => Value::Float(c.f(half::f16::from_bits(low as u16).to_f32())),
        DType::BF16 => Value::Float(c.f(half::bf16::from_bits(low as u16).to_f32())),
        DType::F32 => Value::Float(c.f(f32::from_bits(low))),
        DType::C64 => Value::Complex(c.f(f32::from_bits(low)), c.f(f32::from_bits((bits >> 32) as u32))),
        DType::F64 => return None,
    })
}

/// One function; `from` is the dtype of its (data) arguments.
pub(super) fn call(c: &mut Code, f: Func, from: DType, to: DType, a: &[Value]) -> Option<Value> {
    if f == Func::Convert {
        return Some(convert::convert(c, from, to, a[0]));
    }
    if f == Func::Select {
        let Value::Bool(condition) = a[0] else { return None };
        return Some(match (a[1], a[2]) {
            (Value::Bool(x), Value::Bool(y)) => Value::Bool(c.select(c.bool, condition, x, y)),
            (Value::Word(x), Value::Word(y)) => Value::Word(c.select(c.u32, condition, x, y)),
            (Value::Float(x), Value::Float(y)) => Value::Float(c.select(c.f32, condition, x, y)),
            (Value::Complex(x, xi), Value::Complex(y, yi)) => {
                let kind = c.f32;
                Value::Complex(c.select(kind, condition, x, y), c.select(kind, condition, xi, yi))
            }
            (Value::Long(x), Value::Long(y)) => {
                let kind = c.u64();
                Value::Long(c.select(kind, condition, x, y))
            }
            _ => return None,
        });
    }
    match a[0] {
        Value::Bool(_) => {
            let xs: Option<Vec<X>> =
                a.iter().map(|v| if let Value::Bool(x) = v { Some(X::truth(*x)) } else { None }).collect();
            Some(Value::Bool(integer::truth(f, &xs?)?.build(c)))
        }
        Value::Word(_) | Value::Long(_) => {
            let xs: Option<Vec<X>> = a
                .iter()
                .map(|v| match v {
                    Value::Word(x) => Some(X::word(*x)),
                    Value::Long(x) => Some(X::long(*x)),
                    _ => None,
                })
                .collect();
            Some(match integer::function(f, from, &xs?)? {
                float::Out::Truth(x) => Value::Bool(x.build(c)),
                float::Out::Same(x) if from.size() == 8 => Value::Long(x.build(c)),
                float::Out::Same(x) => {
                    let w = x.build(c);
                    Value::Word(wrap(c, from, w))
                }
            })
        }
        Value::Float(_) => {
            let xs: Option<Vec<X>> =
                a.iter().map(|v| if let Value::Float(x) = v { Some(X::float(*x)) } else { None }).collect();
            Some(match float::function(f, &xs?)? {
                float::Out::Truth(x) => Value::Bool(x.build(c)),
                float::Out::Same(x) => Value::Float(x.build(c)),
            })
        }
        Value::Complex(..) => {
            let xs: Option<Vec<[X; 2]>> = a
                .iter()
                .map(|v| if let Value::Complex(r, i) = v { Some([X::float(*r), X::float(*i)]) } else { None })
                .collect();
            Some(match complex::function(f, &xs?)? {
                complex::Out::Truth(x) => Value::Bool(x.build(c)),
                complex::Out::Float(x) => Value::Float(x.build(c)),
                complex::Out::Complex(r, i) => {
                    let r = r.build(c);
                    Value::Complex(r, i.build(c))
                }
            })
        }
    }
}
