//! Values from nothing but numbers: evenly spaced ones, random bits.

use super::code::{Code, Id};
use super::expr::{X, sel, u};
use super::map::{coordinates, pack, put, walk};
use super::memory::{Value, stored, wrap};
use mlx_ir::DType;
use rspirv::spirv::Op;

/// `start + i·step` as integers that wrap; of float dtypes the sum, exact in 32 bits, times a unit.
///
/// Push constants: elements; invocations of a row of the grid; the output's first word; start and step, each the low
/// and the high word; the unit, an f32.
pub(crate) fn arange(dtype: DType) -> Option<Vec<u32>> {
    if matches!(dtype, DType::Bool | DType::F64) {
        return None;
    }
    let mut c = Code::new(1, 0);
    let [n, row, first, start, start_high, step, step_high, unit] = std::array::from_fn(|i| c.pushed(i));
    let number = c.number(row);
    let each = (4 / dtype.size()).max(1) as u32;
    let begin = c.word_op(Op::IMul, number, each);
    let inside = c.op(Op::ULessThan, c.bool, &[begin, n]);
    c.when(inside, |c| {
        let mut words = None;
        for k in 0..each {
            let i = c.word_op(Op::IAdd, begin, k);
            let value = if matches!(dtype, DType::U64 | DType::I64) {
                let (start, step) = (c.join(start, start_high), c.join(step, step_high));
                let i = X::word(i).wide(false);
                Value::Long((X::long(start) + i * X::long(step)).build(c))
            } else {
                let sum = X::word(start) + X::word(i) * X::word(step);
                let unit = c.as_f32(unit);
                let real = || sum.signed_to_float() * X::float(unit);
                match dtype {
                    DType::F16 | DType::BF16 | DType::F32 => Value::Float(real().build(c)),
                    DType::C64 => Value::Complex(real().build(c), c.f(0.0)),
                    _ => {
                        let w = sum.build(c);
                        Value::Word(wrap(c, dtype, w))
                    }
                }
            };
            let w = stored(c, dtype, value);
            words = Some(pack(c, words, k, dtype, w));
        }
        let at = if dtype.size() == 8 { c.word_op(Op::ShiftLeftLogical, number, 1) } else { number };
        let at = c.op(Op::IAdd, c.u32, &[first, at]);
        if let Some(w) = words {
            put(c, 0, at, dtype, w);
        }
    });
    Some(c.finish())
}

fn rotate(x: &X, by: u32) -> X {
    x.shl(by) | x.shr(32 - by)
}

/// Threefry-2x32 with 20 rounds.
fn threefry(key: [X; 2], counter: [X; 2]) -> [X; 2] {
    let third = &key[0] ^ &key[1] ^ u(0x1bd1_1bda);
    let keys = [&key[0], &key[1], &third];
    let [mut x, mut y] = [&counter[0] + keys[0], &counter[1] + keys[1]];
    for i in 0..5 {
        for by in [[13, 15, 26, 6], [17, 29, 16, 24]][i % 2] {
            x = &x + &y;
            y = rotate(&y, by) ^ &x;
        }
        x = &x + keys[(i + 1) % 3];
        y = &y + keys[(i + 2) % 3] + u(i as u32 + 1);
    }
    [x, y]
}

/// Random words for each of several keys: an invocation makes the two of one counter. Word `i` comes from the pair of
/// counters (i, i + half); of an odd number of words the last of the first half has a counter's second word of 0.
///
/// Push constants: counters of all keys; invocations of a row of the grid; the output's first word; the first key's
/// first element; elements between the words of a key; counters of a key (half its words, rounded up); words of a key;
/// the sizes of the dimensions of keys but the first; their strides.
pub(crate) fn random(dims: usize) -> Vec<u32> {
    let mut c = Code::new(2, 1);
    let [n, row, first, keys, step, half, words] = std::array::from_fn(|i| c.pushed(i));
    let shape: Vec<Id> = (7..6 + dims).map(|i| c.pushed(i)).collect();
    let strides: Vec<Id> = (6 + dims..6 + 2 * dims).map(|i| c.pushed(i)).collect();
    let number = c.number(row);
    let inside = c.op(Op::ULessThan, c.bool, &[number, n]);
    c.when(inside, |c| {
        let k = c.op(Op::UDiv, c.u32, &[number, half]);
        let at = coordinates(c, k, &shape);
        let low = walk(c, keys, &at, &strides);
        let high = c.op(Op::IAdd, c.u32, &[low, step]);
        let key = [c.load(0, low), c.load(0, high)].map(X::word);
        let (half, words) = (X::word(half), X::word(words));
        let i = X::word((X::word(number) - X::word(k) * &half).build(c));
        let partner = X::word((&i + &half).build(c));
        let pair = partner.lt(&words);
        let [x, y] = threefry(key, [i.clone(), sel(&pair, &partner, 0)]);
        let base = X::word(first) + X::word(k) * &words;
        let [x, y] = X::build_all([&x, &y], c);
        let at = (&base + &i).build(c);
        c.store(1, at, x);
        let pair = pair.build(c);
        c.when(pair, |c| {
            let at = (&base + &partner).build(c);
            c.store(1, at, y);
        });
    });
    c.finish()
}
