//! Updates of elements that arrays of indices name. Their order is that of the indices: of updates that replace, the last
//! counts, found as a maximum; others are sorted by what they update, and each element meets its own one after another.
//!
//! A cell is what an update goes to: an element, or all elements that a tuple of indices names.

use super::code::{Code, Id};
use super::expr::{X, sel, u};
use super::gather::{from_end, integer};
use super::map::{call, coordinates, scatter, walk};
use super::memory::{Value, load, rounded, stored};
use super::reduce::Held;
use mlx_ir::{DType, Func};
use rspirv::spirv::Op;
use smallvec::SmallVec;

/// What names no cell.
const NONE: u32 = u32::MAX;

/// What a shader that finds cells depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Cells {
    /// Dtypes of the arrays of indices.
    pub indices: SmallVec<[DType; 4]>,
    /// Dimensions of the updates.
    pub dims: usize,
    /// Whether the place of an update among them counts, beside its indices.
    pub based: bool,
    /// For each indexed axis the dimension in which updates extend along it, if any.
    pub extents: SmallVec<[Option<usize>; 4]>,
    /// Whether owners of cells are cleared too.
    pub owned: bool,
}

/// The shader: buffers are the arrays of indices, the cells of the updates, the owners of the cells.
///
/// Push constants: updates; invocations of a row of the grid; the first element of each array of indices; the sizes of
/// the dimensions but the first; the strides of each array of indices; those of the cells if based; for each indexed axis
/// its size and the cells from one place to the next.
pub(crate) fn cells(s: &Cells) -> Option<Vec<u32>> {
    let count = s.indices.len();
    let mut c = Code::new(count + 1 + usize::from(s.owned), 0);
    let [n, row] = std::array::from_fn(|i| c.pushed(i));
    let mut next = 2;
    let mut take = |c: &mut Code, count: usize| -> Vec<Id> {
        next += count;
        (next - count..next).map(|i| c.pushed(i)).collect()
    };
    let starts = take(&mut c, count);
    let shape = take(&mut c, s.dims - 1);
    let strides: Vec<Vec<Id>> = s.indices.iter().map(|_| take(&mut c, s.dims)).collect();
    let based = take(&mut c, if s.based { s.dims } else { 0 });
    let axes = take(&mut c, 2 * count);
    let i = c.number(row);
    let inside = c.op(Op::ULessThan, c.bool, &[i, n]);
    let mut made = true;
    c.when(inside, |c| {
        let at = coordinates(c, i, &shape);
        let zero = c.u(0);
        let mut cell = X::word(walk(c, zero, &at, &based));
        let mut named = X::truth(c.truth(true));
        for (j, axis) in axes.chunks_exact(2).enumerate() {
            let index = walk(c, starts[j], &at, &strides[j]);
            let Some(place) = integer(c, j, s.indices[j], index) else {
                made = false;
                return;
            };
            let (n, stride) = (X::word(axis[0]), X::word(axis[1]));
            let place = from_end(&place, &n);
            let reached = match s.extents[j] {
                // Axes are shorter than 2^30.
                Some(d) => sel(&place.sgt(u(1 << 30)), 1 << 30, &place) + X::word(at[d]),
                None => place.clone(),
            };
            named = named & !reached.slt(0) & reached.slt(&n);
            cell = cell + place * stride;
        }
        let [named, cell] = X::build_all([&named, &sel(&named, cell, NONE)], c);
        c.store(count, i, cell);
        if s.owned {
            c.when(named, |c| c.atomic(Op::AtomicUMin, count + 1, cell, zero));
        }
    });
    made.then(|| c.finish())
}

/// The shader that makes the last update of each cell its owner: an owner is the update's number plus one. Buffers are
/// the cells and the owners, which begin as 0.
///
/// Push constants: updates; invocations of a row of the grid.
pub(crate) fn claim() -> Vec<u32> {
    let mut c = Code::new(2, 0);
    let (n, row) = (c.pushed(0), c.pushed(1));
    let i = c.number(row);
    let inside = c.op(Op::ULessThan, c.bool, &[i, n]);
    c.when(inside, |c| {
        let cell = c.load(0, i);
        let none = c.u(NONE);
        let named = c.op(Op::INotEqual, c.bool, &[cell, none]);
        let owner = c.word_op(Op::IAdd, i, 1);
        c.when(named, |c| c.atomic(Op::AtomicUMax, 1, cell, owner));
    });
    c.finish()
}

/// What a shader of updates depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Updating {
    /// Dtype of the elements, that in which they are carried if they are replaced.
    pub dtype: DType,
    /// How an update meets what is there; none replaces it.
    pub meets: Option<Func>,
    /// Dimensions of the updates, of what each brings, and of the cells.
    pub dims: [usize; 3],
}

/// The shader: an invocation for each element that an update brings. Buffers are the updates, then the cells and their
/// owners (or the sorted pairs of cell and update, if what is there is met), then the target.
///
/// Push constants: elements of all updates; invocations of a row of the grid; the target's first element; that of the
/// updates; elements of one update; updates; for each of the updates, of what one brings and of the cells the sizes of the
/// dimensions but the first, then their strides: in the updates for the first two, in the target for the last two.
pub(crate) fn update(s: &Updating) -> Option<Vec<u32>> {
    if s.dtype == DType::F64 {
        return None;
    }
    let out = if s.meets.is_some() { 2 } else { 3 };
    let mut c = Code::new(out + 1, 0);
    let [n, row, first, source, each, count] = std::array::from_fn(|i| c.pushed(i));
    let mut next = 6;
    let mut take = |c: &mut Code, count: usize| -> Vec<Id> {
        next += count;
        (next - count..next).map(|i| c.pushed(i)).collect()
    };
    let lead_shape = take(&mut c, s.dims[0] - 1);
    let lead = take(&mut c, s.dims[0]);
    let part_shape = take(&mut c, s.dims[1] - 1);
    let part_from = take(&mut c, s.dims[1]);
    let part_to = take(&mut c, s.dims[1]);
    let cell_shape = take(&mut c, s.dims[2] - 1);
    let cell_to = take(&mut c, s.dims[2]);

    let number = c.number(row);
    let inside = c.op(Op::ULessThan, c.bool, &[number, n]);
    let mut made = true;
    c.when(inside, |c| {
        let i = c.op(Op::UDiv, c.u32, &[number, each]);
        let back = c.op(Op::IMul, c.u32, &[i, each]);
        let part = c.op(Op::ISub, c.u32, &[number, back]);
        let read = |c: &mut Code, which: Id| {
            let at = coordinates(c, part, &part_shape);
            let index = walk(c, source, &at, &part_from);
            let at = coordinates(c, which, &lead_shape);
            let index = walk(c, index, &at, &lead);
            load(c, 0, s.dtype, index)
        };
        let target = |c: &mut Code, cell: Id| {
            let at = coordinates(c, part, &part_shape);
            let index = walk(c, first, &at, &part_to);
            let at = coordinates(c, cell, &cell_shape);
            walk(c, index, &at, &cell_to)
        };
        let none = c.u(NONE);
        let Some(meets) = s.meets else {
            let cell = c.load(1, i);
            let named = c.op(Op::INotEqual, c.bool, &[cell, none]);
            c.when(named, |c| {
                let owner = c.load(2, cell);
                let own = c.word_op(Op::IAdd, i, 1);
                let last = c.op(Op::IEqual, c.bool, &[owner, own]);
                c.when(last, |c| {
                    let value = read(c, i);
                    let w = stored(c, s.dtype, value);
                    let to = target(c, cell);
                    scatter(c, out, to, s.dtype, w);
                });
            });
            return;
        };
        let cell_of = |c: &mut Code, pair: Id| {
            let at = c.word_op(Op::ShiftLeftLogical, pair, 1);
            c.load(1, at)
        };
        let cell = cell_of(c, i);
        let before = sel(&X::word(i).eq(0), 0, X::word(i) - u(1)).build(c);
        let before = cell_of(c, before);
        let starts = X::word(cell).ne(X::word(none)) & (X::word(i).eq(0) | X::word(before).ne(X::word(cell)));
        let starts = starts.build(c);
        c.when(starts, |c| {
            let to = target(c, cell);
            let there = load(c, out, s.dtype, to);
            let held = Held::new(c, there);
            let one = c.u(1);
            let same = |c: &mut Code, pair: Id| {
                let last = X::word(count) - u(1);
                let within = sel(&X::word(pair).gt(&last), &last, X::word(pair)).build(c);
                let other = cell_of(c, within);
                (X::word(pair).lt(X::word(count)) & X::word(other).eq(X::word(cell))).build(c)
            };
            // Whether there is another one is read in the body: lanes that have left the loop may come by its head.
            let (kind, goes) = (c.bool, c.variable(c.bool));
            let first = c.truth(true);
            c.set(goes, first);
            let more = |c: &mut Code, _| c.get(kind, goes);
            c.repeat_while(i, one, more, |c, pair| {
                let at = (X::word(pair) * u(2) + u(1)).build(c);
                let which = c.load(1, at);
                let new = read(c, which);
                let so_far = held.get(c);
                match call(c, meets, s.dtype, s.dtype, &[so_far, new]) {
                    // Each step is rounded to the dtype.
                    Some(Value::Float(x)) => {
                        let x = rounded(c, s.dtype, x);
                        held.set(c, Value::Float(x));
                    }
                    Some(v) => held.set(c, v),
                    None => made = false,
                }
                let next = c.word_op(Op::IAdd, pair, 1);
                let more = same(c, next);
                c.set(goes, more);
            });
            let v = held.get(c);
            let w = stored(c, s.dtype, v);
            scatter(c, out, to, s.dtype, w);
        });
    });
    made.then(|| c.finish())
}
