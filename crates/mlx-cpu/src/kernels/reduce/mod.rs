//! Reductions over any axes of any layout.
//!
//! The order of the reduced axes is free, so they are sorted by stride and merged. Then either the closest elements
//! are reduced together (runs are folded to one value), or they belong to different results (rows are folded into a
//! row). Work is cut into units by the shape alone and their totals are merged in order, so a result does not depend
//! on the number of threads.

mod arg;
mod fold;
#[cfg(test)]
mod tests;

use crate::Isa;
use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::scratch::Scratch;
use crate::level::{At, Level, Work, brain_to_f32, f32_to_brain, f32_to_half, half_to_f32};
use crate::rows::Half;
use crate::view::{Ptr, ptr};
pub(crate) use fold::extreme;
use fold::*;
use mlx_ir::op::{Reduce, ReduceKind};
use mlx_ir::{C64, DType, Desc, Operand, Result};
use smallvec::SmallVec;

/// Elements of a unit of work.
const UNIT: usize = 64 << 10;
/// Elements folded in lanes before they meet in the total.
const BLOCK: usize = 2048;
/// Columns folded together.
const COLUMNS: usize = 2048;
/// Rows folded in lanes before they meet in the totals.
const ROWS: usize = 32;

/// One dimension: size, stride in the input, stride in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dim {
    n: usize,
    from: isize,
    to: isize,
}
type Dims = SmallVec<[Dim; 4]>;

impl Kernel for Reduce {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        let want = match self.kind {
            ReduceKind::Sum | ReduceKind::Prod => ins[0].dtype.accumulate(),
            ReduceKind::And | ReduceKind::Or => DType::Bool,
            ReduceKind::Min | ReduceKind::Max => ins[0].dtype,
        };
        outs[0].dtype == want
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let (x, o) = (&ins[0], &outs[0]);
        macro_rules! kinds {
            ($t:ty, $half:expr) => {
                match self.kind {
                    ReduceKind::Sum => reduce::<Sum<$t>>(cx, &self.axes, x, o, $half),
                    ReduceKind::Prod => reduce::<Prod<$t>>(cx, &self.axes, x, o, $half),
                    ReduceKind::Min => reduce::<Min<$t>>(cx, &self.axes, x, o, $half),
                    ReduceKind::Max => reduce::<Max<$t>>(cx, &self.axes, x, o, $half),
                    ReduceKind::And => reduce::<And<$t>>(cx, &self.axes, x, o, $half),
                    ReduceKind::Or => reduce::<Or<$t>>(cx, &self.axes, x, o, $half),
                }
            };
        }
        match x.desc.dtype {
            DType::Bool => kinds!(Bit, Half::No),
            DType::U8 => kinds!(u8, Half::No),
            DType::U16 => kinds!(u16, Half::No),
            DType::U32 => kinds!(u32, Half::No),
            DType::U64 => kinds!(u64, Half::No),
            DType::I8 => kinds!(i8, Half::No),
            DType::I16 => kinds!(i16, Half::No),
            DType::I32 => kinds!(i32, Half::No),
            DType::I64 => kinds!(i64, Half::No),
            DType::F16 => kinds!(f32, Half::F16),
            DType::F32 => kinds!(f32, Half::No),
            DType::F64 => kinds!(f64, Half::No),
            DType::BF16 => kinds!(f32, Half::Brain),
            DType::C64 => kinds!(C64, Half::No),
        }
        Ok(())
    }
}

/// Sorts dimensions by the input's stride, largest first, and merges those that step evenly.
fn arrange(mut dims: Dims) -> Dims {
    dims.sort_by_key(|d| std::cmp::Reverse(d.from.unsigned_abs()));
    let mut out = Dims::new();
    for d in dims.into_iter().filter(|d| d.n != 1) {
        match out.last_mut() {
            Some(l) if l.from == d.from * d.n as isize && l.to == d.to * d.n as isize => {
                *l = Dim { n: l.n * d.n, ..d };
            }
            _ => out.push(d),
        }
    }
    out
}

fn count(dims: &[Dim]) -> usize {
    dims.iter().map(|d| d.n).product()
}

/// Offsets of the `i`-th position in input and output.
fn locate(dims: &[Dim], mut i: usize) -> (isize, isize) {
    let (mut from, mut to) = (0, 0);
    for d in dims.iter().rev() {
        let k = (i % d.n) as isize;
        i /= d.n;
        from += k * d.from;
        to += k * d.to;
    }
    (from, to)
}

struct Job {
    /// Results, without the columns when rows are folded.
    kept: Dims,
    /// Reduced dimensions, without the run when runs are folded.
    outer: Dims,
    /// The run, or the columns.
    inner: Dim,
    x: Ptr<u8>,
    out: Ptr<u8>,
    half: Half,
    isa: Isa,
}

fn reduce<F: Fold>(cx: &Cx<'_>, axes: &[usize], x: &Operand, o: &Operand, half: Half) {
    if o.desc.size() == 0 {
        return;
    }
    let dims = |reduced: bool| -> Dims {
        let pick = (0..x.desc.ndim()).filter(|d| axes.contains(d) == reduced);
        let all = pick.map(|d| Dim {
            n: x.desc.shape[d],
            from: x.desc.strides[d],
            to: if reduced { 0 } else { o.desc.strides[d] },
        });
        arrange(all.collect())
    };
    let (mut kept, mut outer) = (dims(false), dims(true));
    let (x, out) = (ptr::<u8>(x), ptr::<u8>(o));
    let job = |kept, outer, inner| Job { kept, outer, inner, x, out, half, isa: cx.isa };
    if count(&outer) == 0 {
        let job = job(kept, outer, Dim { n: 0, from: 0, to: 0 });
        (0..count(&job.kept)).for_each(|i| job.store::<F>(locate(&job.kept, i).1, F::NONE));
        return;
    }
    let close = |d: &Dims| d.last().map_or(usize::MAX, |d| d.from.unsigned_abs().max(1));
    // A row of few results is folded badly in columns; a run that is longer is better even if it is not contiguous.
    let columns = kept.last().is_some_and(|k| close(&kept) < close(&outer) && (k.n >= 8 || count(&outer) < 8));
    if columns {
        let inner = kept.pop().expect("it has a last one");
        job(kept, outer, inner).columns::<F>(cx);
    } else {
        let inner = outer.pop().unwrap_or(Dim { n: 1, from: 1, to: 0 });
        job(kept, outer, inner).runs::<F>(cx);
    }
}

impl Job {
    fn size<F: Fold>(&self) -> isize {
        if self.half == Half::No { size_of::<F::In>() as isize } else { 2 }
    }

    fn store<F: Fold>(&self, to: isize, t: F::Total) {
        let y = F::out(t);
        // SAFETY: the position lies in the output and belongs to this task; half types have f32 as `Out`, except for
        // And and Or, whose output is bytes.
        unsafe {
            if self.half == Half::No || size_of::<F::Out>() == 1 {
                *self.out.get().cast::<F::Out>().offset(to) = y;
            } else {
                let y = *(&raw const y).cast::<f32>();
                *self.out.get().cast::<u16>().offset(to) =
                    if self.half == Half::F16 { f32_to_half(y) } else { f32_to_brain(y) };
            }
        }
    }

    /// Folds runs to single values.
    fn runs<F: Fold>(&self, cx: &Cx<'_>) {
        let results = count(&self.kept);
        // A unit is a piece of a long run or several short ones.
        let pieces = self.inner.n.div_ceil(UNIT);
        let group = if pieces == 1 { (UNIT / self.inner.n).max(1) } else { 1 };
        let rows = count(&self.outer);
        let units = if pieces == 1 { rows.div_ceil(group) } else { rows * pieces };
        let unit = |r: usize, u: usize| {
            let (from, _) = locate(&self.kept, r);
            let (first, last, a, b) = if pieces == 1 {
                (u * group, rows.min((u + 1) * group), 0, self.inner.n)
            } else {
                let a = u % pieces * UNIT;
                (u / pieces, u / pieces + 1, a, self.inner.n.min(a + UNIT))
            };
            F::In::at(
                self.isa,
                Runs::<F> { job: self, from, rows: (first, last), part: (a, b), of: PhantomFold::new() },
            )
        };
        let work = results * rows * self.inner.n;
        if units > 1 && results < 4 * cx.pool.threads() && work > UNIT {
            let mut totals = vec![F::NONE; results * units];
            let t = Ptr::new(totals.as_mut_ptr());
            cx.pool.run(results * units, &|i| {
                // SAFETY: each task writes its own element.
                unsafe { *t.at(i as isize) = unit(i / units, i % units) };
            });
            for r in 0..results {
                let total = totals[r * units..(r + 1) * units].iter().fold(F::NONE, |a, &b| F::merge(a, b));
                self.store::<F>(locate(&self.kept, r).1, total);
            }
            return;
        }
        let each = rows * self.inner.n;
        let range = |a: usize, b: usize| {
            for r in a..b {
                let total = (0..units).fold(F::NONE, |t, u| F::merge(t, unit(r, u)));
                self.store::<F>(locate(&self.kept, r).1, total);
            }
        };
        if work <= UNIT { range(0, results) } else { cx.pool.run_ranges(results, (UNIT / 2 / each).max(1), &range) }
    }

    /// Folds rows into a row of results.
    fn columns<F: Fold>(&self, cx: &Cx<'_>) {
        let blocks = self.inner.n.div_ceil(COLUMNS);
        let width = self.inner.n.min(COLUMNS);
        let rows = count(&self.outer);
        let group = (4 * UNIT / width).max(1);
        let units = rows.div_ceil(group);
        let places = count(&self.kept) * blocks;
        let unit = |p: usize, u: usize, totals: *mut F::Total| {
            let (from, _) = locate(&self.kept, p / blocks);
            let a = p % blocks * COLUMNS;
            let b = self.inner.n.min(a + COLUMNS);
            let rows = (u * group, rows.min((u + 1) * group));
            F::In::at(self.isa, Columns::<F> { job: self, from, rows, part: (a, b), totals });
        };
        let store = |p: usize, totals: &[F::Total]| {
            let (_, to) = locate(&self.kept, p / blocks);
            let a = p % blocks * COLUMNS;
            for (k, &t) in totals.iter().enumerate().take(self.inner.n.min(a + COLUMNS) - a) {
                self.store::<F>(to + (a + k) as isize * self.inner.to, t);
            }
        };
        let work = places * rows * width;
        let spread = units > 1 && places < 2 * cx.pool.threads() && work > UNIT;
        if spread {
            let mut totals = vec![F::NONE; places * units * width];
            let t = Ptr::new(totals.as_mut_ptr());
            cx.pool.run(places * units, &|i| {
                // SAFETY: each task has its own piece of `totals`.
                unit(i / units, i % units, unsafe { t.at((i * width) as isize) });
            });
            for p in 0..places {
                let (first, rest) = totals[p * units * width..(p + 1) * units * width].split_at_mut(width);
                for u in rest.chunks(width) {
                    first.iter_mut().zip(u).for_each(|(a, &b)| *a = F::merge(*a, b));
                }
                store(p, first);
            }
            return;
        }
        let range = |a: usize, b: usize| {
            let (mut total, mut part) = (vec![F::NONE; width], vec![F::NONE; width]);
            for p in a..b {
                unit(p, 0, total.as_mut_ptr());
                for u in 1..units {
                    unit(p, u, part.as_mut_ptr());
                    total.iter_mut().zip(&part).for_each(|(a, &b)| *a = F::merge(*a, b));
                }
                store(p, &total);
            }
        };
        if work <= UNIT {
            range(0, places);
        } else {
            cx.pool.run_ranges(places, (UNIT / 2 / (rows * width)).max(1), &range);
        }
    }
}

/// Elements one after another: in place when they lie so, else brought to `buffer`.
///
/// # Safety
/// `n` elements from `p` with the stride; the buffer has room for them.
#[inline(always)]
unsafe fn fetch<L: Level, T: At>(p: *const u8, stride: isize, n: usize, half: Half, buffer: *mut T) -> *const T {
    let half = if const { T::FLOAT } { half } else { Half::No };
    // SAFETY: the caller's promise; for half types `T` is f32.
    unsafe {
        match (half, stride) {
            (Half::No, 1) => return p.cast(),
            (Half::No, _) => {
                for i in 0..n {
                    *buffer.add(i) = *p.cast::<T>().offset(i as isize * stride);
                }
            }
            (Half::F16, 1) => L::widen(p.cast(), buffer.cast(), n),
            (Half::F16, _) => {
                for i in 0..n {
                    *buffer.cast::<f32>().add(i) = half_to_f32(*p.cast::<u16>().offset(i as isize * stride));
                }
            }
            (Half::Brain, 1) => {
                for i in 0..n {
                    *buffer.cast::<f32>().add(i) = brain_to_f32(*p.cast::<u16>().add(i));
                }
            }
            (Half::Brain, _) => {
                for i in 0..n {
                    *buffer.cast::<f32>().add(i) = brain_to_f32(*p.cast::<u16>().offset(i as isize * stride));
                }
            }
        }
    }
    buffer
}

/// Ties a work to its fold.
struct PhantomFold<F>(std::marker::PhantomData<F>);
impl<F> PhantomFold<F> {
    fn new() -> Self {
        Self(std::marker::PhantomData)
    }
}

struct Runs<'a, F: Fold> {
    job: &'a Job,
    from: isize,
    rows: (usize, usize),
    part: (usize, usize),
    of: PhantomFold<F>,
}

impl<F: Fold> Work for Runs<'_, F> {
    type Out = F::Total;
    #[inline(always)]
    unsafe fn run<L: Level>(self) -> F::Total {
        let PhantomFold(_) = self.of;
        let (j, (a, b)) = (self.job, self.part);
        let mut buffer = std::mem::MaybeUninit::<[F::In; BLOCK]>::uninit();
        let mut total = F::NONE;
        for row in self.rows.0..self.rows.1 {
            let at = self.from + locate(&j.outer, row).0;
            let mut k = a;
            while k < b {
                let n = BLOCK.min(b - k);
                // SAFETY: positions of the operand; the buffer holds a block.
                let block = unsafe {
                    let p = j.x.get().offset((at + k as isize * j.inner.from) * j.size::<F>());
                    std::slice::from_raw_parts(
                        fetch::<L, F::In>(p, j.inner.from, n, j.half, buffer.as_mut_ptr().cast()),
                        n,
                    )
                };
                total = F::absorb(total, fold_block::<F>(block));
                k += n;
            }
        }
        total
    }
}

/// Folds a block in lanes, then the lanes in pairs.
#[inline(always)]
fn fold_block<F: Fold>(x: &[F::In]) -> F::Lane {
    let mut lanes = [F::START; LANES];
    let mut chunks = x.chunks_exact(LANES);
    for c in &mut chunks {
        for i in 0..LANES {
            lanes[i] = F::step(lanes[i], c[i]);
        }
    }
    fold_lanes::<F>(lanes, chunks.remainder())
}

/// Folds the last elements of a block, fewer than there are lanes, and the lanes. It is a function of its own so that the
/// compiler keeps lanes in vectors in the loop before it, not one by one as this needs them.
#[inline(never)]
fn fold_lanes<F: Fold>(mut lanes: [F::Lane; LANES], rest: &[F::In]) -> F::Lane {
    for (l, &x) in lanes.iter_mut().zip(rest) {
        *l = F::step(*l, x);
    }
    let mut n = LANES;
    while n > 1 {
        n /= 2;
        for i in 0..n {
            lanes[i] = F::pair(lanes[i], lanes[i + n]);
        }
    }
    lanes[0]
}

struct Columns<'a, F: Fold> {
    job: &'a Job,
    from: isize,
    rows: (usize, usize),
    part: (usize, usize),
    totals: *mut F::Total,
}

impl<F: Fold> Work for Columns<'_, F> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<L: Level>(self) {
        let (j, (a, b)) = (self.job, self.part);
        let n = b - a;
        let (mut lanes, mut buffer) = (Scratch::<F::Lane>::new(n), Scratch::<F::In>::new(n));
        // SAFETY: `totals` has room for the columns; the scratch blocks are ours.
        let (totals, lanes) = unsafe {
            for i in 0..n {
                *self.totals.add(i) = F::NONE;
                *lanes.ptr().add(i) = F::START;
            }
            (std::slice::from_raw_parts_mut(self.totals, n), std::slice::from_raw_parts_mut(lanes.ptr(), n))
        };
        let mut since = 0;
        for row in self.rows.0..self.rows.1 {
            let at = self.from + locate(&j.outer, row).0;
            // SAFETY: positions of the operand; the buffer holds a row.
            let x = unsafe {
                let p = j.x.get().offset((at + a as isize * j.inner.from) * j.size::<F>());
                std::slice::from_raw_parts(fetch::<L, F::In>(p, j.inner.from, n, j.half, buffer.ptr()), n)
            };
            for (l, &x) in lanes.iter_mut().zip(x) {
                *l = F::step(*l, x);
            }
            since += 1;
            if since == ROWS || row + 1 == self.rows.1 {
                since = 0;
                for (t, l) in totals.iter_mut().zip(lanes.iter_mut()) {
                    *t = F::absorb(*t, *l);
                    *l = F::START;
                }
            }
        }
    }
}
