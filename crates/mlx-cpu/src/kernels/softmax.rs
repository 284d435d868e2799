//! Softmax and ln Σ e^x over the last axis, in f32.

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::level::{Level, Work, at_level};
use crate::math32;
use crate::rows::{PART, Row, Rows, half_of};
use mlx_ir::op::{LogSumExp, Softmax};
use mlx_ir::{Desc, Operand, Result};

/// Values side by side while a row is reduced.
const LANES: usize = 32;

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
        rows.each(cx, 8, &|row| at_level(cx.isa, SoftmaxRow(row)));
        Ok(())
    }
}

impl Kernel for LogSumExp {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        fits(ins, outs)
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let rows = Rows::new(&ins[0], &outs[0]);
        rows.each(cx, 8, &|row| at_level(cx.isa, LogSumExpRow(row)));
        Ok(())
    }
}

/// The largest element; NaN if there is one.
#[inline(always)]
fn largest(x: &[f32]) -> f32 {
    let mut m = [f32::NEG_INFINITY; LANES];
    let better = |m: f32, x: f32| crate::level::sel((x > m) | x.is_nan(), x, m);
    let mut chunks = x.chunks_exact(LANES);
    for c in &mut chunks {
        for i in 0..LANES {
            m[i] = better(m[i], c[i]);
        }
    }
    // A copy, so that those above stay in registers.
    let mut rest = m;
    for (m, &x) in rest.iter_mut().zip(chunks.remainder()) {
        *m = better(*m, x);
    }
    rest.into_iter().fold(f32::NEG_INFINITY, better)
}

/// Σ e^(x - shift), in f32 lanes for some thousand elements, then in f64; also stores the terms if asked.
#[inline(always)]
fn sum_exp<L: Level>(row: &Row<'_>, x: &[f32], shift: f32, mut keep: Option<&mut [f32]>) -> f64 {
    let mut total = 0f64;
    let mut at = 0;
    for block in x.chunks(2048) {
        let mut s = [0f32; LANES];
        let mut rest = [0f32; LANES];
        let mut aside = [0f32; 256];
        for part in block.chunks(256) {
            row.prefetch(at, part.len());
            let y = match keep.as_deref_mut() {
                Some(y) => &mut y[at..at + part.len()],
                None => &mut aside[..part.len()],
            };
            let (whole, odd) = y.split_at_mut(part.len() / LANES * LANES);
            for (y, x) in whole.chunks_exact_mut(LANES).zip(part.chunks_exact(LANES)) {
                for i in 0..LANES {
                    y[i] = math32::exp::<L>(x[i] - shift);
                    s[i] += y[i];
                }
            }
            // Apart, so that those above stay in registers.
            for ((y, s), &x) in odd.iter_mut().zip(&mut rest).zip(&part[whole.len()..]) {
                *y = math32::exp::<L>(x - shift);
                *s += *y;
            }
            at += part.len();
        }
        total += s.iter().zip(&rest).map(|(&s, &r)| s as f64 + r as f64).sum::<f64>();
    }
    total
}

struct SoftmaxRow<'a>(Row<'a>);
impl Work for SoftmaxRow<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<L: Level>(self) {
        let mut row = self.0;
        // SAFETY: compiled for the level; the row's pointers are those of the operands.
        unsafe {
            let x = row.load::<L>();
            let shift = largest(x);
            let terms = row.scratch();
            let total = sum_exp::<L>(&row, x, shift, Some(&mut *terms)) as f32;
            let r = 1.0 / total;
            for (k, terms) in terms.chunks(PART).enumerate() {
                let y = row.room(k * PART, terms.len());
                for (y, &t) in y.iter_mut().zip(terms) {
                    *y = t * r;
                }
                row.put::<L>(k * PART, y);
            }
        }
    }
}

struct LogSumExpRow<'a>(Row<'a>);
impl Work for LogSumExpRow<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<L: Level>(self) {
        let mut row = self.0;
        // SAFETY: compiled for the level; the row's pointers are those of the operands.
        unsafe {
            let x = row.load::<L>();
            let m = largest(x);
            // An infinite maximum would give ∞ - ∞.
            let shift = if m.is_finite() { m } else { 0.0 };
            let y = sum_exp::<L>(&row, x, shift, None).ln() as f32 + shift;
            row.put_one::<L>(y);
        }
    }
}
