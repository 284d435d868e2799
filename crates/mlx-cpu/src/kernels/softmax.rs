//! Softmax and ln Σ e^x over the last axis, in f32.

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::simd::{Body, Simd, dispatch};
use crate::rows::{PART, Row, Rows, half_of};
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
        rows.each(cx, 8, &|row| dispatch(cx.isa, SoftmaxRow(row)));
        Ok(())
    }
}

impl Kernel for LogSumExp {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        fits(ins, outs)
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let rows = Rows::new(&ins[0], &outs[0]);
        rows.each(cx, 8, &|row| dispatch(cx.isa, LogSumExpRow(row)));
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
            // An infinite maximum is the sum, but would give ∞ - ∞.
            let y = if m.is_finite() {
                (sum_exp::<S>(&row, x, m, None) * RAISED).ln() as f32 + m
            } else if x.iter().any(|v| v.is_nan()) {
                f32::NAN
            } else {
                m
            };
            row.put_one::<S::Level>(y);
        }
    }
}
