//! Copies of a box whose place in a larger array is read on the device.

use super::code::{Code, Id};
use super::expr::{X, sel, u};
use super::gather::{clamped, integer};
use super::map::{coordinates, pack, put, scatter, walk};
use super::memory::{load, stored};
use mlx_ir::DType;
use rspirv::spirv::Op;

/// What a shader of such a copy depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Moving {
    /// Dtype in which elements are carried.
    pub dtype: DType,
    /// Dtype of the starts.
    pub starts: DType,
    /// Axes that have a start.
    pub axes: usize,
    /// Dimensions of the box.
    pub dims: usize,
    /// The box is written into the larger array; otherwise read from it, into a dense one.
    pub write: bool,
}

/// The shader: buffers are the source, the starts, the target.
///
/// Push constants: elements of the box; invocations of a row of the grid; the target's first word (its first element,
/// if the box is written into it); the source's first element; that of the starts; elements between them; the sizes of
/// the dimensions but the first; the strides in the source, then those in the target if the box is written into it; for
/// each axis the largest start and the larger array's stride.
pub(crate) fn moving(m: &Moving) -> Option<Vec<u32>> {
    let mut c = Code::new(3, 0);
    let [n, row, first, source, starts, step] = std::array::from_fn(|i| c.pushed(i));
    let mut next = 6;
    let mut take = |c: &mut Code, count: usize| -> Vec<Id> {
        next += count;
        (next - count..next).map(|i| c.pushed(i)).collect()
    };
    let shape = take(&mut c, m.dims - 1);
    let from = take(&mut c, m.dims);
    let to = take(&mut c, if m.write { m.dims } else { 0 });
    let axes = take(&mut c, 2 * m.axes);
    let number = c.number(row);
    let each = if m.write { 1 } else { (4 / m.dtype.size()).max(1) as u32 };
    let begin = c.word_op(Op::IMul, number, each);
    let inside = c.op(Op::ULessThan, c.bool, &[begin, n]);
    let mut made = true;
    c.when(inside, |c| {
        let mut skip = u(0);
        for (a, pair) in axes.chunks_exact(2).enumerate() {
            let index = (X::word(starts) + X::word(step) * u(a as u32)).build(c);
            let Some(at) = integer(c, 1, m.starts, index) else {
                made = false;
                return;
            };
            skip = skip + clamped(&at, &X::word(pair[0])) * X::word(pair[1]);
        }
        let moved = if m.write { first } else { source };
        let moved = (X::word(moved) + skip).build(c);
        let mut words = None;
        let last = c.word_op(Op::ISub, n, 1);
        for k in 0..each {
            // The last word may hold fewer elements: then its rest repeats the last one.
            let i = X::word(begin) + u(k);
            let i = sel(&i.gt(X::word(last)), X::word(last), &i).build(c);
            let at = coordinates(c, i, &shape);
            let index = walk(c, if m.write { source } else { moved }, &at, &from);
            let value = load(c, 0, m.dtype, index);
            let w = stored(c, m.dtype, value);
            if m.write {
                let target = walk(c, moved, &at, &to);
                scatter(c, 2, target, m.dtype, w);
            }
            words = Some(pack(c, words, k, m.dtype, w));
        }
        if let Some(w) = words.filter(|_| !m.write) {
            let at = if m.dtype.size() == 8 { c.word_op(Op::ShiftLeftLogical, number, 1) } else { number };
            let at = c.op(Op::IAdd, c.u32, &[first, at]);
            put(c, 2, at, m.dtype, w);
        }
    });
    made.then(|| c.finish())
}
