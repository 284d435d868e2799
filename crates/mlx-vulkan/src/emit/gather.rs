//! Elements read at places that arrays of indices name.

use super::code::{Code, Id};
use super::expr::{X, sel, u};
use super::map::{coordinates, pack, put, walk};
use super::memory::{Value, load, stored};
use mlx_ir::DType;
use rspirv::spirv::Op;
use smallvec::SmallVec;

/// What a shader of such a copy depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Gathering {
    /// Dtype in which elements are carried.
    pub dtype: DType,
    /// Dtypes of the arrays of indices.
    pub indices: SmallVec<[DType; 4]>,
    /// Dimensions of the result.
    pub dims: usize,
}

/// An element of an array of integers as a signed word; what is beyond its range becomes its end.
pub(super) fn integer(c: &mut Code, buffer: usize, dtype: DType, index: Id) -> Option<X> {
    let most = 0x7fff_ffff;
    Some(match dtype {
        DType::U64 | DType::I64 => {
            let low = c.word_op(Op::ShiftLeftLogical, index, 1);
            let high = c.word_op(Op::IAdd, low, 1);
            let (low, high) = (X::word(c.load(buffer, low)), X::word(c.load(buffer, high)));
            let plain = high.eq(0) & !low.slt(0);
            if dtype == DType::U64 {
                sel(&plain, low, most)
            } else {
                let beyond = sel(&high.slt(0), 1 << 31, most);
                sel(&(plain | (high.eq(u32::MAX) & low.slt(0))), low, beyond)
            }
        }
        _ => match load(c, buffer, dtype, index) {
            Value::Word(x) if dtype == DType::U32 => {
                let x = X::word(x);
                sel(&x.slt(0), most, x)
            }
            Value::Word(x) => X::word(x),
            _ => return None,
        },
    })
}

/// A signed word brought into 0..=limit.
pub(super) fn clamped(x: &X, limit: &X) -> X {
    sel(&x.slt(0), 0, sel(&x.sgt(limit), limit, x))
}

/// The place on an axis of `n` elements that a signed word names: negative ones count from the end.
pub(super) fn from_end(x: &X, n: &X) -> X {
    sel(&x.slt(0), x + n, x)
}

/// The shader: buffers are the source, the arrays of indices, the target.
///
/// Push constants: elements of the result; invocations of a row of the grid; the target's first word; the source's first
/// element; those of the indices; the sizes of the dimensions but the first; the strides of the source, then of each
/// array of indices; for each of these the axis' size, its last place and the source's stride.
pub(crate) fn gather(g: &Gathering) -> Option<Vec<u32>> {
    let count = g.indices.len();
    let mut c = Code::new(count + 2, 0);
    let [n, row, first, source] = std::array::from_fn(|i| c.pushed(i));
    let mut next = 4;
    let mut take = |c: &mut Code, count: usize| -> Vec<Id> {
        next += count;
        (next - count..next).map(|i| c.pushed(i)).collect()
    };
    let starts = take(&mut c, count);
    let shape = take(&mut c, g.dims - 1);
    let from = take(&mut c, g.dims);
    let strides: Vec<Vec<Id>> = g.indices.iter().map(|_| take(&mut c, g.dims)).collect();
    let axes = take(&mut c, 3 * count);
    let number = c.number(row);
    let each = (4 / g.dtype.size()).max(1) as u32;
    let begin = c.word_op(Op::IMul, number, each);
    let inside = c.op(Op::ULessThan, c.bool, &[begin, n]);
    let mut made = true;
    c.when(inside, |c| {
        let mut words = None;
        let last = c.word_op(Op::ISub, n, 1);
        for k in 0..each {
            // The last word may hold fewer elements: then its rest repeats the last one.
            let i = X::word(begin) + u(k);
            let i = sel(&i.gt(X::word(last)), X::word(last), &i).build(c);
            let at = coordinates(c, i, &shape);
            let mut index = X::word(walk(c, source, &at, &from));
            for (j, axis) in axes.chunks_exact(3).enumerate() {
                let place = walk(c, starts[j], &at, &strides[j]);
                let Some(place) = integer(c, 1 + j, g.indices[j], place) else {
                    made = false;
                    return;
                };
                let [n, last, stride] = [0, 1, 2].map(|t| X::word(axis[t]));
                index = index + clamped(&from_end(&place, &n), &last) * stride;
            }
            let index = index.build(c);
            let value = load(c, 0, g.dtype, index);
            let w = stored(c, g.dtype, value);
            words = Some(pack(c, words, k, g.dtype, w));
        }
        let Some(w) = words else { return };
        let at = if g.dtype.size() == 8 { c.word_op(Op::ShiftLeftLogical, number, 1) } else { number };
        let at = c.op(Op::IAdd, c.u32, &[first, at]);
        put(c, count + 1, at, g.dtype, w);
    });
    made.then(|| c.finish())
}
