//! Root-mean-square norm and layer norm of the last axis, computed in f32 and rounded once.

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{Body, Simd, dispatch};
use crate::level::{Level, Work, at_level};
use crate::rows::{Half, PART, Place, Row, Rows, Run, half_of, load};
use crate::stream;
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
    let rows = Rows::new(x, o);
    let how = How { w, b, eps, centre };
    if rows.plain() {
        rows.runs(cx, 2, &|run| dispatch(cx.isa, NormRun { run, how }));
    } else {
        rows.each(cx, 2, &|row| dispatch(cx.isa, NormRow { row, how }));
    }
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

/// About where the mean is: that of a few elements of a row that has some.
///
/// # Safety
/// The level's features.
#[inline(always)]
unsafe fn about<S: Simd>(x: &[f32]) -> f32 {
    // SAFETY: a vector of the slice is read only if it has one.
    unsafe { if x.len() < S::N { x[0] } else { S::sum(S::load(x.as_ptr())) / S::N as f32 } }
}

/// How rows are normed.
#[derive(Clone, Copy)]
struct How<'a> {
    w: Option<&'a [f32]>,
    b: Option<&'a [f32]>,
    eps: f64,
    /// By mean and variance, else by the mean of squares.
    centre: bool,
}

/// What is taken from the elements of a row, and what they are multiplied with then.
#[derive(Clone, Copy)]
struct Scale {
    mean: f32,
    factor: f32,
}

impl How<'_> {
    /// What [`sums`] are made around: about the mean, so that one pass over the row does.
    ///
    /// # Safety
    /// The level's features.
    #[inline(always)]
    unsafe fn base<S: Simd>(&self, x: &[f32]) -> f32 {
        // SAFETY: passed on.
        unsafe { if self.centre { about::<S>(x) } else { 0.0 } }
    }

    /// The scale of a row with these [`sums`] around `base`.
    ///
    /// # Safety
    /// The level's features.
    #[inline(always)]
    unsafe fn scale<S: Simd>(&self, x: &[f32], base: f32, (s, q): (f64, f64)) -> Scale {
        let n = x.len() as f64;
        let scale = |mean: f32, var: f64| Scale { mean, factor: (1.0 / (var + self.eps).sqrt()) as f32 };
        if !self.centre {
            return scale(0.0, q / n);
        }
        let off = s / n;
        let (mean, var) = ((f64::from(base) + off) as f32, q / n - off * off);
        // Otherwise too little is left of the squares; this also finds NaN.
        if off * off <= var {
            return scale(mean, var);
        }
        // SAFETY: passed on.
        let (s, q) = unsafe { sums::<S>(x, mean) };
        scale(mean, q / n - (s / n) * (s / n))
    }
}

/// Writes a row, and makes the [`sums`] of another at the same time.
#[derive(Clone, Copy)]
struct Beside {
    row: Place,
    scale: Scale,
    past: bool,
    /// The row that comes next, and what its sums are made around.
    next: *const f32,
    base: f32,
    /// What is asked for: the row after the next, or anything.
    after: *const f32,
}

impl Beside {
    /// With W there are weights, with B biases, with SEE a next row.
    ///
    /// # Safety
    /// The level's features; rows of `n` elements, and so many weights and biases.
    #[inline(always)]
    unsafe fn run<S: Simd, const W: bool, const B: bool, const SEE: bool>(
        self,
        n: usize,
        w: *const f32,
        b: *const f32,
    ) -> (f64, f64) {
        let (mut total, mut at) = ((0f64, 0f64), 0);
        // SAFETY: vectors of the rows.
        unsafe {
            let (mean, factor, base) = (S::splat(self.scale.mean), S::splat(self.scale.factor), S::splat(self.base));
            let made = |x: S::F, w: S::F, b: S::F| {
                let y = S::mul(S::sub(x, mean), factor);
                let y = if W { S::mul(y, w) } else { y };
                if B { S::add(y, b) } else { y }
            };
            while at < n {
                let end = n.min(at + BLOCK * S::N);
                let (mut s, mut q) = ([S::zero(); ADDED], [S::zero(); ADDED]);
                let mut see = |i: usize, x: S::F| {
                    let d = S::sub(x, base);
                    s[i] = S::add(s[i], d);
                    q[i] = S::fma(d, d, q[i]);
                };
                while at + ADDED * S::N <= end {
                    stream::ask(self.after.wrapping_add(at).cast(), 4 * ADDED * S::N);
                    for i in 0..ADDED {
                        let j = at + i * S::N;
                        let of = |p: *const f32, there: bool| if there { S::load(p.add(j)) } else { S::zero() };
                        let y = made(S::load(self.row.x.add(j)), of(w, W), of(b, B));
                        let to = self.row.out.add(j);
                        if self.past {
                            S::stream(to, y)
                        } else {
                            S::store(to, y)
                        }
                        if SEE {
                            see(i, S::load(self.next.add(j)));
                        }
                    }
                    at += ADDED * S::N;
                }
                for i in 0..ADDED {
                    let k = S::N.min(end - at);
                    if k == 0 {
                        break;
                    }
                    let of = |p: *const f32, there: bool| if there { S::load_or(p.add(at), k, 0.0) } else { S::zero() };
                    let y = made(S::load_or(self.row.x.add(at), k, 0.0), of(w, W), of(b, B));
                    S::store_first(self.row.out.add(at), y, k);
                    if SEE {
                        see(i, S::load_or(self.next.add(at), k, self.base));
                    }
                    at += k;
                }
                let all =
                    |s: [S::F; ADDED]| s.into_iter().reduce(|a, b| S::add(a, b)).map_or(0.0, |s| S::sum(s)) as f64;
                total = (total.0 + all(s), total.1 + all(q));
            }
        }
        total
    }
}

struct NormRun<'a> {
    run: Run<'a>,
    how: How<'a>,
}

impl Body for NormRun<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let NormRun { mut run, how } = self;
        let n = run.n();
        let Some(mut row) = run.next().filter(|_| n > 0) else { return };
        let mut next = run.next();
        let [w, b] = [how.w, how.b].map(|v| v.map_or(std::ptr::null(), <[f32]>::as_ptr));
        // SAFETY: compiled for the level; rows of the run, whose slices are not used any more when they are written, and
        // vectors with a row's length.
        unsafe {
            let slice = |r: Place| std::slice::from_raw_parts(r.x, n);
            let base = how.base::<S>(slice(row));
            let mut scale = how.scale::<S>(slice(row), base, sums::<S>(slice(row), base));
            loop {
                let after = run.next();
                let base = next.map_or(0.0, |r| how.base::<S>(slice(r)));
                // Nothing is asked for in vain.
                let [next_x, after_x] = [next, after].map(|r| r.map_or(row.x, |r| r.x));
                let beside = Beside { row, scale, past: run.past(row), next: next_x, base, after: after_x };
                let sums = match (how.w.is_some(), how.b.is_some(), next.is_some()) {
                    (false, false, false) => beside.run::<S, false, false, false>(n, w, b),
                    (false, false, true) => beside.run::<S, false, false, true>(n, w, b),
                    (false, true, false) => beside.run::<S, false, true, false>(n, w, b),
                    (false, true, true) => beside.run::<S, false, true, true>(n, w, b),
                    (true, false, false) => beside.run::<S, true, false, false>(n, w, b),
                    (true, false, true) => beside.run::<S, true, false, true>(n, w, b),
                    (true, true, false) => beside.run::<S, true, true, false>(n, w, b),
                    (true, true, true) => beside.run::<S, true, true, true>(n, w, b),
                };
                let Some(following) = next else { break };
                scale = how.scale::<S>(slice(following), base, sums);
                (row, next) = (following, after);
            }
        }
    }
}

/// A row of a half type.
struct NormRow<'a> {
    row: Row<'a>,
    how: How<'a>,
}

impl Body for NormRow<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let NormRow { mut row, how } = self;
        let n = row.n;
        if n == 0 {
            return;
        }
        // SAFETY: compiled for the level; the row's pointers are those of the operands, and the vectors have a row's length.
        unsafe {
            let x = row.load::<S::Level>();
            let base = how.base::<S>(x);
            let scale = how.scale::<S>(x, base, sums::<S>(x, base));
            let (m, r) = (S::splat(scale.mean), S::splat(scale.factor));
            // The output may be the input's memory: no slice of what is written already may be left.
            let x = x.as_ptr();
            for at in (0..n).step_by(PART) {
                let len = PART.min(n - at);
                let y = |i: usize, k: usize| S::mul(S::sub(S::load_or(x.add(at + i), k, 0.0), m), r);
                let (w, b) = (how.w.map(|w| w[at..].as_ptr()), how.b.map(|b| b[at..].as_ptr()));
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
