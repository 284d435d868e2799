//! Root-mean-square norm and layer norm of the last axis, computed in f32 and rounded once.

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{Body, Simd, dispatch};
use crate::level::{Level, Work, at_level};
use crate::rows::{Half, PART, Row, Rows, half_of, load};
use crate::view::ptr;
use mlx_ir::op::{LayerNorm, RmsNorm};
use mlx_ir::{Desc, Operand, Result};

/// Vectors side by side where a row is added up, and vectors that are added in f32.
const ADDED: usize = 4;
const BLOCK: usize = 32 * ADDED;

fn fits(ins: &[Desc], outs: &[Desc]) -> bool {
    let x = &ins[0];
    let n = x.ndim();
    half_of(x.dtype).is_some()
        && outs[0].dtype == x.dtype
        && n > 0
        && (x.shape[n - 1] <= 1 || x.strides[n - 1] == 1)
        && ins[1..].iter().all(|w| w.dtype == x.dtype && w.shape[..] == [x.shape[n - 1]] && w.is_contiguous())
}

impl Kernel for RmsNorm {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        ins.len() <= 2 && fits(ins, outs)
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        norm(cx, &ins[0], ins.get(1), None, &outs[0], self.eps.get(), false);
        Ok(())
    }
}

impl Kernel for LayerNorm {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        ins.len() == 1 + self.weight as usize + self.bias as usize && fits(ins, outs)
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let weight = self.weight.then(|| &ins[1]);
        let bias = self.bias.then(|| &ins[ins.len() - 1]);
        norm(cx, &ins[0], weight, bias, &outs[0], self.eps.get(), true);
        Ok(())
    }
}

/// A vector as f32, converted once for all rows.
struct Widened {
    scratch: Scratch<f32>,
    n: usize,
}

impl Widened {
    fn new(cx: &Cx<'_>, w: Option<&Operand>) -> Option<Widened> {
        let w = w?;
        let n = w.desc.size();
        let mut scratch = Scratch::new(n);
        let half = half_of(w.desc.dtype)?;
        at_level(cx.isa, Copy { from: ptr::<u8>(w).get(), n, half, to: scratch.ptr() });
        Some(Widened { scratch, n })
    }
    fn get(&mut self) -> &[f32] {
        // SAFETY: `new` wrote all `n` elements.
        unsafe { std::slice::from_raw_parts(self.scratch.ptr(), self.n) }
    }
}

struct Copy {
    from: *const u8,
    n: usize,
    half: Half,
    to: *mut f32,
}
impl Work for Copy {
    type Out = ();
    #[inline(always)]
    unsafe fn run<L: Level>(self) {
        // SAFETY: `n` elements at both, which do not overlap.
        unsafe {
            let p = load::<L>(self.from, self.n, self.half, self.to);
            if !std::ptr::eq(p, self.to) {
                std::ptr::copy_nonoverlapping(p, self.to, self.n);
            }
        }
    }
}

fn norm(cx: &Cx<'_>, x: &Operand, w: Option<&Operand>, b: Option<&Operand>, o: &Operand, eps: f64, centre: bool) {
    let (mut w, mut b) = (Widened::new(cx, w), Widened::new(cx, b));
    let (w, b) = (w.as_mut().map(Widened::get), b.as_mut().map(Widened::get));
    Rows::new(x, o).each(cx, 2, &|row| dispatch(cx.isa, NormRow { row, w, b, eps, centre }));
}

/// Σ (x - k) and Σ (x - k)², in vectors for some thousand elements, then in f64.
///
/// # Safety
/// The level's features.
#[inline(always)]
unsafe fn sums<S: Simd>(x: &[f32], k: f32) -> (f64, f64) {
    let mut total = (0f64, 0f64);
    // SAFETY: vectors of the slice.
    unsafe {
        let base = S::splat(k);
        for block in x.chunks(BLOCK * S::N) {
            let (mut a, mut b) = ([S::zero(); ADDED], [S::zero(); ADDED]);
            let mut put = |i: usize, x: S::F| {
                let d = S::sub(x, base);
                a[i] = S::add(a[i], d);
                b[i] = S::fma(d, d, b[i]);
            };
            let mut chunks = block.chunks_exact(ADDED * S::N);
            for c in &mut chunks {
                for i in 0..ADDED {
                    put(i, S::load(c.as_ptr().add(i * S::N)));
                }
            }
            for (i, c) in chunks.remainder().chunks(S::N).enumerate() {
                put(i, S::load_or(c.as_ptr(), c.len(), k));
            }
            let all = |s: [S::F; ADDED]| s.into_iter().reduce(|a, b| S::add(a, b)).map_or(0.0, |s| S::sum(s)) as f64;
            total = (total.0 + all(a), total.1 + all(b));
        }
    }
    total
}

/// Mean and variance. One pass over the row does if a few of its elements tell where about the mean is.
///
/// # Safety
/// The level's features.
#[inline(always)]
unsafe fn moments<S: Simd>(x: &[f32]) -> (f32, f64) {
    let n = x.len() as f64;
    // SAFETY: passed on; a vector of the slice is read only if it has one.
    unsafe {
        let near = if x.len() < S::N { x[0] } else { S::sum(S::load(x.as_ptr())) / S::N as f32 };
        let (s, q) = sums::<S>(x, near);
        let off = s / n;
        let (mean, var) = ((near as f64 + off) as f32, q / n - off * off);
        // Otherwise too little is left of the squares; this also finds NaN.
        if off * off <= var {
            return (mean, var);
        }
        let (s, q) = sums::<S>(x, mean);
        (mean, q / n - (s / n) * (s / n))
    }
}

struct NormRow<'a> {
    row: Row<'a>,
    w: Option<&'a [f32]>,
    b: Option<&'a [f32]>,
    eps: f64,
    centre: bool,
}

impl Body for NormRow<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let mut row = self.row;
        let n = row.n;
        if n == 0 {
            return;
        }
        // SAFETY: compiled for the level; the row's pointers are those of the operands, and the vectors have a row's length.
        unsafe {
            let x = row.load::<S::Level>();
            let (mean, var) = if self.centre { moments::<S>(x) } else { (0.0, sums::<S>(x, 0.0).1 / n as f64) };
            let m = S::splat(mean);
            let r = S::splat((1.0 / (var + self.eps).sqrt()) as f32);
            // The output may be the input's memory: no slice of what is written already may be left.
            let x = x.as_ptr();
            for at in (0..n).step_by(PART) {
                let len = PART.min(n - at);
                let y = |i: usize, k: usize| S::mul(S::sub(S::load_or(x.add(at + i), k, 0.0), m), r);
                let (w, b) = (self.w.map(|w| w[at..].as_ptr()), self.b.map(|b| b[at..].as_ptr()));
                match (w, b) {
                    (Some(w), Some(b)) => row.write::<S>(at, len, true, |i, k| {
                        S::add(S::mul(y(i, k), S::load_or(w.add(i), k, 0.0)), S::load_or(b.add(i), k, 0.0))
                    }),
                    (Some(w), None) => {
                        row.write::<S>(at, len, true, |i, k| S::mul(y(i, k), S::load_or(w.add(i), k, 0.0)))
                    }
                    (None, Some(b)) => {
                        row.write::<S>(at, len, true, |i, k| S::add(y(i, k), S::load_or(b.add(i), k, 0.0)))
                    }
                    (None, None) => row.write::<S>(at, len, true, y),
                }
            }
        }
    }
}
