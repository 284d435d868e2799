//! Softmax and ln Σ e^x over the last axis, in f32.

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::simd::{Body, Simd, dispatch};
use crate::rows::{PART, Place, Row, Rows, Run, half_of};
use crate::stream;
use mlx_ir::op::{LogSumExp, Softmax};
use mlx_ir::{Desc, Operand, Result};

/// What takes the 2^64 of [`Simd::exp_raised`] away.
const RAISED: f64 = 1.0 / 18_446_744_073_709_551_616.0;

/// Rows are walked with any strides, but the last axis must be contiguous.
fn fits(ins: &[Desc], outs: &[Desc]) -> bool {
    let x = &ins[0];
    half_of(x.dtype).is_some()
        && outs[0].dtype == x.dtype
        && x.ndim() > 0
        && (x.shape[x.ndim() - 1] <= 1 || x.strides[x.ndim() - 1] == 1)
}

impl Kernel for Softmax {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        fits(ins, outs)
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let rows = Rows::new(&ins[0], &outs[0]);
        if rows.plain() {
            rows.runs(cx, 8, &|run| dispatch(cx.isa, SoftmaxRun(run)));
        } else {
            rows.each(cx, 8, &|row| dispatch(cx.isa, SoftmaxRow(row)));
        }
        Ok(())
    }
}

impl Kernel for LogSumExp {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        fits(ins, outs)
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let rows = Rows::new(&ins[0], &outs[0]);
        if rows.plain() {
            rows.runs(cx, 8, &|run| dispatch(cx.isa, LogSumExpRun(run)));
        } else {
            rows.each(cx, 8, &|row| dispatch(cx.isa, LogSumExpRow(row)));
        }
        Ok(())
    }
}

/// Vectors side by side where a row's largest element is looked for, and where exponentials are added.
const SEEN: usize = 8;
const ADDED: usize = 4;
/// Vectors whose exponentials are added in f32.
const BLOCK: usize = 32 * ADDED;

/// The largest element; of one that is NaN nothing is seen.
///
/// # Safety
/// The level's features.
#[inline(always)]
unsafe fn largest<S: Simd>(x: &[f32]) -> f32 {
    // SAFETY: vectors of the slice.
    unsafe {
        let mut m = [S::splat(f32::NEG_INFINITY); SEEN];
        let mut chunks = x.chunks_exact(SEEN * S::N);
        for c in &mut chunks {
            for i in 0..SEEN {
                // The operand order loses NaN on x86.
                m[i] = S::max(S::load(c.as_ptr().add(i * S::N)), m[i]);
            }
        }
        for (c, m) in chunks.remainder().chunks(S::N).zip(&mut m) {
            *m = S::max(S::load_or(c.as_ptr(), c.len(), f32::NEG_INFINITY), *m);
        }
        m.into_iter().reduce(|a, b| S::max(a, b)).map_or(f32::NEG_INFINITY, |m| S::hmax(m))
    }
}

/// 2^64·Σ e^(x - shift) of a shift that is no smaller than any x, in f32 for some thousand elements, then in f64; also
/// writes the terms, times 2^64, if asked.
///
/// # Safety
/// The level's features; room for all terms and a vector more.
#[inline(always)]
unsafe fn sum_exp<S: Simd>(row: &Row<'_>, x: &[f32], shift: f32, keep: Option<*mut f32>) -> f64 {
    let mut total = 0f64;
    let mut at = 0;
    // SAFETY: vectors of the slice, and of the terms.
    unsafe {
        let away = S::splat(shift);
        for block in x.chunks(BLOCK * S::N) {
            let mut s = [S::zero(); ADDED];
            let mut chunks = block.chunks_exact(ADDED * S::N);
            for c in &mut chunks {
                row.prefetch(at, ADDED * S::N);
                for i in 0..ADDED {
                    let y = S::exp_raised(S::sub(S::load(c.as_ptr().add(i * S::N)), away));
                    if let Some(keep) = keep {
                        S::store(keep.add(at + i * S::N), y);
                    }
                    s[i] = S::add(s[i], y);
                }
                at += ADDED * S::N;
            }
            let rest = chunks.remainder();
            row.prefetch(at, rest.len());
            for (c, s) in rest.chunks(S::N).zip(&mut s) {
                // What is not there adds nothing that could be seen beside the largest element's term.
                let y = S::exp_raised(S::sub(S::load_or(c.as_ptr(), c.len(), f32::NEG_INFINITY), away));
                *s = S::add(*s, y);
                if let Some(keep) = keep {
                    // Behind the terms is room for some more.
                    S::store(keep.add(at), y);
                }
                at += c.len();
            }
            total += s.into_iter().reduce(|a, b| S::add(a, b)).map_or(0.0, |s| S::sum(s)) as f64;
        }
    }
    total
}

struct SoftmaxRow<'a>(Row<'a>);
impl Body for SoftmaxRow<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let mut row = self.0;
        // SAFETY: compiled for the level; the row's pointers are those of the operands. Beyond the terms there is room for
        // a part, of which what is read is not used.
        unsafe {
            let x = row.load::<S::Level>();
            let shift = largest::<S>(x);
            let terms = row.scratch().as_mut_ptr();
            // A NaN, an infinite maximum and a row of -∞ all give NaN here.
            let total = sum_exp::<S>(&row, x, shift, Some(terms));
            let r = S::splat((1.0 / total) as f32);
            for at in (0..row.n).step_by(PART) {
                row.write::<S>(at, PART.min(row.n - at), false, |i, _| S::mul(S::load(terms.add(at + i)), r));
            }
        }
    }
}

/// What is done to a row at once with the exponentials of another: they are kept, where the terms of the row before were;
/// these are written times a factor; the largest element of the row that comes next is found.
#[derive(Clone, Copy)]
struct Beside {
    terms: *mut f32,
    /// Where to, times what, past the caches or not.
    before: Option<(*mut f32, f32, bool)>,
    next: Option<*const f32>,
    /// What is asked for: the row after the next, or anything.
    after: *const f32,
}

/// As [`sum_exp`] of a row of `n` elements, and what is done beside it, of which the largest element is returned too. With
/// KEEP terms are kept, with PUT there is a row before, with SEE one that comes next.
///
/// # Safety
/// The level's features; rows of `n` elements, and terms of a vector more.
#[inline(always)]
unsafe fn step<S: Simd, const KEEP: bool, const PUT: bool, const SEE: bool>(
    n: usize,
    x: *const f32,
    shift: f32,
    beside: Beside,
) -> (f64, f32) {
    let Beside { terms, before, next, after } = beside;
    let (out, factor, past) = before.unwrap_or((std::ptr::null_mut(), 0.0, false));
    let next = next.unwrap_or(x);
    let (mut total, mut at) = (0f64, 0);
    // SAFETY: vectors of the rows.
    unsafe {
        let (away, factor) = (S::splat(shift), S::splat(factor));
        let mut m = [S::splat(f32::NEG_INFINITY); ADDED];
        while at < n {
            let end = n.min(at + BLOCK * S::N);
            let mut s = [S::zero(); ADDED];
            while at + ADDED * S::N <= end {
                stream::ask(after.wrapping_add(at).cast(), 4 * ADDED * S::N);
                for i in 0..ADDED {
                    let j = at + i * S::N;
                    if PUT {
                        let y = S::mul(S::load(terms.add(j)), factor);
                        if past { S::stream(out.add(j), y) } else { S::store(out.add(j), y) }
                    }
                    let y = S::exp_raised(S::sub(S::load(x.add(j)), away));
                    if KEEP {
                        S::store(terms.add(j), y);
                    }
                    s[i] = S::add(s[i], y);
                    if SEE {
                        // The operand order loses NaN on x86.
                        m[i] = S::max(S::load(next.add(j)), m[i]);
                    }
                }
                at += ADDED * S::N;
            }
            for (s, m) in s.iter_mut().zip(&mut m) {
                let k = S::N.min(end - at);
                if k == 0 {
                    break;
                }
                if PUT {
                    S::store_first(out.add(at), S::mul(S::load(terms.add(at)), factor), k);
                }
                // What is not there adds nothing that could be seen beside the largest element's term.
                let y = S::exp_raised(S::sub(S::load_or(x.add(at), k, f32::NEG_INFINITY), away));
                if KEEP {
                    // Behind the terms is room for some more.
                    S::store(terms.add(at), y);
                }
                *s = S::add(*s, y);
                if SEE {
                    *m = S::max(S::load_or(next.add(at), k, f32::NEG_INFINITY), *m);
                }
                at += k;
            }
            total += s.into_iter().reduce(|a, b| S::add(a, b)).map_or(0.0, |s| S::sum(s)) as f64;
        }
        (total, m.into_iter().reduce(|a, b| S::max(a, b)).map_or(f32::NEG_INFINITY, |m| S::hmax(m)))
    }
}

/// Calls [`step`] for each row of a run, and `done` with the row, its largest element and its sum; that returns what its
/// terms are to be written times, with KEEP.
///
/// # Safety
/// The level's features.
#[inline(always)]
unsafe fn steps<S: Simd, const KEEP: bool>(mut run: Run<'_>, done: impl Fn(Place, &[f32], f32, f64) -> f32) {
    let n = run.n();
    let terms = run.scratch();
    let Some(mut row) = run.next() else { return };
    let mut next = run.next();
    let mut before = None;
    // SAFETY: rows of the run; behind the terms there is room for a part, of which what is read is not used.
    unsafe {
        let mut shift = largest::<S>(std::slice::from_raw_parts(row.x, n));
        loop {
            let after = run.next();
            // The first row and the last have no neighbour: nothing is asked for in vain.
            let beside = Beside { terms, before, next: next.map(|r| r.x), after: after.map_or(row.x, |r| r.x) };
            let (total, most) = match (before.is_some(), next.is_some()) {
                (false, false) => step::<S, KEEP, false, false>(n, row.x, shift, beside),
                (false, true) => step::<S, KEEP, false, true>(n, row.x, shift, beside),
                (true, false) => step::<S, KEEP, true, false>(n, row.x, shift, beside),
                (true, true) => step::<S, KEEP, true, true>(n, row.x, shift, beside),
            };
            let factor = done(row, std::slice::from_raw_parts(row.x, n), shift, total);
            if KEEP {
                before = Some((row.out, factor, run.past(row)));
            }
            let Some(following) = next else { break };
            (row, next, shift) = (following, after, most);
        }
        if let Some((out, factor, past)) = before {
            let factor = S::splat(factor);
            for at in (0..n).step_by(S::N) {
                let (y, k) = (S::mul(S::load(terms.add(at)), factor), S::N.min(n - at));
                if past && k == S::N {
                    S::stream(out.add(at), y);
                } else {
                    S::store_first(out.add(at), y, k);
                }
            }
        }
    }
}

struct SoftmaxRun<'a>(Run<'a>);
impl Body for SoftmaxRun<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // A NaN, an infinite maximum and a row of -∞ all give NaN here.
        // SAFETY: compiled for the level.
        unsafe { steps::<S, true>(self.0, |_, _, _, total| (1.0 / total) as f32) }
    }
}

struct LogSumExpRun<'a>(Run<'a>);
impl Body for LogSumExpRun<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: compiled for the level; an output row is one element.
        unsafe {
            steps::<S, false>(self.0, |row, x, m, total| {
                *row.out = log_sum(x, m, total);
                0.0
            });
        }
    }
}

/// ln of a sum of [`sum_exp`], of a row with the largest element `m`.
fn log_sum(x: &[f32], m: f32, total: f64) -> f32 {
    // An infinite maximum is the sum, but would give ∞ - ∞.
    if m.is_finite() {
        (total * RAISED).ln() as f32 + m
    } else if x.iter().any(|v| v.is_nan()) {
        f32::NAN
    } else {
        m
    }
}

struct LogSumExpRow<'a>(Row<'a>);
impl Body for LogSumExpRow<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let mut row = self.0;
        // SAFETY: compiled for the level; the row's pointers are those of the operands.
        unsafe {
            let x = row.load::<S::Level>();
            let m = largest::<S>(x);
            let y = log_sum(x, m, sum_exp::<S>(&row, x, m, None));
            row.put_one::<S::Level>(y);
        }
    }
}
