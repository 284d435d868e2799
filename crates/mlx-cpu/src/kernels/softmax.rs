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
pub(super) fn largest(x: &[f32]) -> f32 {
    let mut m = [f32::NEG_INFINITY; LANES];
    let better = |m: f32, x: f32| crate::level::sel((x > m) | x.is_nan(), x, m);
    let mut chunks = x.chunks_exact(LANES);
    for c in &mut chunks {
        for i in 0..LANES {
            m[i] = better(m[i], c[i]);
        }
    }
    for (m, &x) in m.iter_mut().zip(chunks.remainder()) {
        *m = better(*m, x);
    }
    m.into_iter().fold(f32::NEG_INFINITY, better)
}

/// Σ e^(x - shift), in f32 lanes for some thousand elements, then in f64; also stores the terms if asked.
#[inline(always)]
fn sum_exp<L: Level>(row: &Row<'_>, x: &[f32], shift: f32, mut keep: Option<&mut [f32]>) -> f64 {
    let mut total = 0f64;
    let mut at = 0;
    for block in x.chunks(2048) {
        let mut s = [0f32; LANES];
        let mut aside = [0f32; 256];
        for part in block.chunks(256) {
            row.prefetch(at, part.len());
            let y = match keep.as_deref_mut() {
                Some(y) => &mut y[at..at + part.len()],
                None => &mut aside[..part.len()],
            };
            for (y, &x) in y.iter_mut().zip(part) {
                *y = math32::exp::<L>(x - shift);
            }
            add_lanes(&mut s, y);
            at += part.len();
        }
        total += s.iter().map(|&v| v as f64).sum::<f64>();
    }
    total
}

#[inline(always)]
fn add_lanes(s: &mut [f32; LANES], y: &[f32]) {
    let mut chunks = y.chunks_exact(LANES);
    for c in &mut chunks {
        for i in 0..LANES {
            s[i] += c[i];
        }
    }
    for (s, &y) in s.iter_mut().zip(chunks.remainder()) {
        *s += y;
    }
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
