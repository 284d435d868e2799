//! Root-mean-square norm and layer norm of the last axis, computed in f32 and rounded once.

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::scratch::Scratch;
use crate::level::{Level, Work, at_level};
use crate::rows::{Half, PART, Row, Rows, half_of, load};
use crate::view::ptr;
use mlx_ir::op::{LayerNorm, RmsNorm};
use mlx_ir::{Desc, Operand, Result};

const LANES: usize = 32;

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
    Rows::new(x, o).each(cx, 2, &|row| at_level(cx.isa, NormRow { row, w, b, eps, centre }));
}

/// Σ f(x), in lanes for some thousand elements, then in f64.
#[inline(always)]
fn sum(x: &[f32], f: impl Fn(f32) -> f32) -> f64 {
    let mut total = 0f64;
    for block in x.chunks(2048) {
        let mut s = [0f32; LANES];
        let mut chunks = block.chunks_exact(LANES);
        for c in &mut chunks {
            for i in 0..LANES {
                s[i] += f(c[i]);
            }
        }
        for (s, &x) in s.iter_mut().zip(chunks.remainder()) {
            *s += f(x);
        }
        total += s.iter().map(|&v| v as f64).sum::<f64>();
    }
    total
}

struct NormRow<'a> {
    row: Row<'a>,
    w: Option<&'a [f32]>,
    b: Option<&'a [f32]>,
    eps: f64,
    centre: bool,
}

impl Work for NormRow<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<L: Level>(self) {
        let mut row = self.row;
        let n = row.n as f64;
        // SAFETY: compiled for the level; the row's pointers are those of the operands.
        unsafe {
            let x = row.load::<L>();
            let mean = if self.centre { (sum(x, |v| v) / n) as f32 } else { 0.0 };
            let var = sum(x, |v| (v - mean) * (v - mean)) / n;
            let r = (1.0 / (var + self.eps).sqrt()) as f32;
            // The output may be the input's memory: no slice of what is written already may be left.
            let (x, n) = (x.as_ptr(), x.len());
            for at in (0..n).step_by(PART) {
                let end = n.min(at + PART);
                row.prefetch(at, end - at);
                let (x, y) = (std::slice::from_raw_parts(x.add(at), end - at), row.room(at, end - at));
                let (w, b) = (self.w.map(|w| &w[at..end]), self.b.map(|b| &b[at..end]));
                match (w, b) {
                    (Some(w), Some(b)) => {
                        for (((y, &x), &w), &b) in y.iter_mut().zip(x).zip(w).zip(b) {
                            *y = (x - mean) * r * w + b;
                        }
                    }
                    (Some(w), None) => {
                        for ((y, &x), &w) in y.iter_mut().zip(x).zip(w) {
                            *y = (x - mean) * r * w;
                        }
                    }
                    (None, Some(b)) => {
                        for ((y, &x), &b) in y.iter_mut().zip(x).zip(b) {
                            *y = (x - mean) * r + b;
                        }
                    }
                    (None, None) => {
                        for (y, &x) in y.iter_mut().zip(x) {
                            *y = (x - mean) * r;
                        }
                    }
                }
                row.put::<L>(at, y);
            }
        }
    }
}
