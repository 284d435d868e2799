//! Attention without the matrix of scores: tiles of keys with a running softmax, in f32.
//!
//! A masked key counts as a score of the lowest finite number, so a row whose keys are all masked is the plain mean
//! of the values, as upstream.

mod decode;
mod prefill;
mod stored;

#[cfg(test)]
mod tests;

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::packed;
use crate::kernels::simd::{Body, Elem, Simd, dispatch};
use crate::view;
use half::{bf16, f16};
use mlx_ir::{DType, Desc, Operand, Result, op};
use std::ops::Range;
use stored::{Packed, Stored};

/// Rows of queries that share keys up to which keys are read in place.
const DECODE_ROWS: usize = 16;

fn half_or_single(d: DType) -> bool {
    matches!(d, DType::F32 | DType::F16 | DType::BF16)
}

/// A mask is read by its strides, so it must have the full shape (repeats are strides of zero).
fn is_mask(m: &Desc, full: &[usize]) -> bool {
    m.shape[..] == *full && (m.dtype == DType::Bool || half_or_single(m.dtype))
}

impl Kernel for op::Sdpa {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        if self.held
            || ins.len() != 3 + self.mask as usize + self.sinks as usize
            || ins[..3].iter().any(|x| x.ndim() != 4)
        {
            return false;
        }
        let (q, k, v) = (&ins[0], &ins[1], &ins[2]);
        let rows = |x: &Desc| x.strides[3] == 1 || x.shape[3] <= 1;
        let (h, g) = (q.shape[1], k.shape[1]);
        let stored = match self.packed {
            true => k.dtype == DType::U32,
            false => half_or_single(k.dtype) && (q.dtype == k.dtype || q.dtype == DType::F32),
        };
        half_or_single(q.dtype)
            && stored
            && k.dtype == v.dtype
            && outs[0].dtype == q.dtype
            && [q, k, v].into_iter().all(rows)
            && g > 0
            && h.is_multiple_of(g)
            && k.shape[2] > 0
            && (!self.mask || is_mask(&ins[3], &[q.shape[0], h, q.shape[2], k.shape[2]]))
            && (!self.sinks || ins.last().is_some_and(|s| half_or_single(s.dtype) && s.ndim() == 1))
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let shape = |x: &Operand, i: usize| x.desc.shape[i];
        let (q, k, v) = (&ins[0], &ins[1], &ins[2]);
        let job = Job {
            q: Rows::new(q),
            k: Rows::new(k),
            v: Rows::new(v),
            out: Rows::new(&outs[0]),
            mask: self.mask.then(|| Mask::new(&ins[3])),
            sinks: self.sinks.then(|| Rows::flat(&ins[ins.len() - 1])),
            batch: shape(q, 0),
            groups: shape(k, 1),
            rep: shape(q, 1) / shape(k, 1),
            l: shape(q, 2),
            s: shape(k, 2),
            d: shape(q, 3),
            e: shape(&outs[0], 3),
            packed: self.packed,
            scale: self.scale.f32(),
            causal: self.causal,
            window: self.window,
        };
        if outs[0].desc.size() == 0 {
            return Ok(());
        }
        match k.desc.dtype {
            DType::F16 => attend::<f16, f16>(cx, &job),
            DType::BF16 => attend::<bf16, bf16>(cx, &job),
            DType::U32 => attend::<Packed, f32>(cx, &job),
            _ => attend::<f32, f32>(cx, &job),
        }
        Ok(())
    }
}

/// Keys and values are stored as T, and of type E for the products of many queries.
fn attend<T: Stored, E: Elem>(cx: &Cx<'_>, job: &Job) {
    if job.rep * job.l <= DECODE_ROWS {
        decode::run::<T>(cx, job);
    } else {
        prefill::run::<E>(cx, job);
    }
}

/// A 4-d operand whose rows are contiguous.
#[derive(Clone, Copy)]
struct Rows {
    ptr: *const u8,
    dtype: DType,
    strides: [isize; 4],
}

impl Rows {
    fn new(x: &Operand) -> Rows {
        let s = &x.desc.strides;
        Rows { ptr: view::ptr::<u8>(x).get(), dtype: x.desc.dtype, strides: [s[0], s[1], s[2], s[3]] }
    }
    /// A 1-d operand along the second axis.
    fn flat(x: &Operand) -> Rows {
        Rows { ptr: view::ptr::<u8>(x).get(), dtype: x.desc.dtype, strides: [0, x.desc.strides[0], 0, 0] }
    }
    /// Address of row (b, h, i).
    unsafe fn row(&self, b: usize, h: usize, i: usize) -> *const u8 {
        let off = b as isize * self.strides[0] + h as isize * self.strides[1] + i as isize * self.strides[2];
        // SAFETY: the row is inside the operand.
        unsafe { self.ptr.offset(off * self.dtype.size() as isize) }
    }
}

/// A mask of shape (B, H, L, S) with any strides.
#[derive(Clone, Copy)]
struct Mask {
    at: Rows,
}

impl Mask {
    fn new(x: &Operand) -> Mask {
        Mask { at: Rows::new(x) }
    }
    fn additive(&self) -> bool {
        self.at.dtype != DType::Bool
    }
    /// What to add to the scores of row (b, h, i), keys `keys`, `step` elements apart at `out`.
    unsafe fn add(&self, b: usize, h: usize, i: usize, keys: Range<usize>, out: *mut f32, step: usize) {
        // SAFETY: the keys are inside the mask, `out` has an element for each.
        unsafe {
            let p = self.at.row(b, h, i);
            let st = self.at.strides[3];
            match self.at.dtype {
                DType::Bool => each(p, st, keys, out, step, |x: u8, s| if x == 0 { f32::NEG_INFINITY } else { s }),
                DType::F16 => each(p, st, keys, out, step, |x: f16, s| s + x.to_f32()),
                DType::BF16 => each(p, st, keys, out, step, |x: bf16, s| s + x.to_f32()),
                _ => each(p, st, keys, out, step, |x: f32, s| s + x),
            }
        }
    }
}

unsafe fn each<T: Copy>(
    p: *const u8,
    stride: isize,
    keys: Range<usize>,
    out: *mut f32,
    step: usize,
    f: impl Fn(T, f32) -> f32,
) {
    let p = p.cast::<T>();
    for (j, s) in keys.enumerate() {
        // SAFETY: key s is inside the mask's row, j inside the scores.
        unsafe {
            let o = out.add(j * step);
            *o = f(*p.offset(s as isize * stride), *o);
        }
    }
}

/// One call, described.
struct Job {
    q: Rows,
    k: Rows,
    v: Rows,
    out: Rows,
    mask: Option<Mask>,
    sinks: Option<Rows>,
    batch: usize,
    groups: usize,
    rep: usize,
    l: usize,
    s: usize,
    d: usize,
    e: usize,
    scale: f32,
    causal: bool,
    window: Option<usize>,
    /// Keys and values are rows in 8 bits.
    packed: bool,
}

// SAFETY: inputs are only read, tasks write different rows of the output.
unsafe impl Sync for Job {}

impl Job {
    /// Keys that query `i` may see, mask aside.
    fn keys(&self, i: usize) -> Range<usize> {
        let end = (i + self.s + 1).saturating_sub(self.l).min(self.s);
        let hi = if self.causal { end } else { self.s };
        let lo = self.window.map_or(0, |w| (i + self.s + 1).saturating_sub(self.l + w));
        lo.min(hi)..hi
    }

    /// The logit of a head that has no value.
    fn sink(&self, h: usize) -> Option<f32> {
        // SAFETY: one element for each head.
        self.sinks.map(|s| unsafe { get(s.dtype, s.row(0, h, 0)) })
    }

    /// Query row as scaled f32.
    unsafe fn load_q(&self, cx: &Cx<'_>, b: usize, h: usize, i: usize, out: *mut f32) {
        // SAFETY: the row has d elements, `out` room for them.
        unsafe {
            let p = self.q.row(b, h, i);
            let (n, scale) = (self.d, self.scale);
            match self.q.dtype {
                DType::F16 => dispatch(cx.isa, Scaled { from: p.cast::<f16>(), to: out, n, scale }),
                DType::BF16 => dispatch(cx.isa, Scaled { from: p.cast::<bf16>(), to: out, n, scale }),
                _ => dispatch(cx.isa, Scaled { from: p.cast::<f32>(), to: out, n, scale }),
            }
        }
    }

    /// Writes a result row times `scale`.
    unsafe fn store(&self, cx: &Cx<'_>, b: usize, h: usize, i: usize, from: *const f32, scale: f32) {
        // SAFETY: the row has e elements and belongs to the calling task.
        unsafe {
            let p = self.out.row(b, h, i).cast_mut();
            let n = self.e;
            match self.out.dtype {
                DType::F16 => dispatch(cx.isa, Scaled { from, to: p.cast::<f16>(), n, scale }),
                DType::BF16 => dispatch(cx.isa, Scaled { from, to: p.cast::<bf16>(), n, scale }),
                _ => dispatch(cx.isa, Scaled { from, to: p.cast::<f32>(), n, scale }),
            }
        }
    }

    /// Writes a row of which every key was masked away.
    unsafe fn store_masked(&self, cx: &Cx<'_>, b: usize, h: usize, i: usize, tmp: *mut f32) {
        let (size, g) = (self.v.dtype.size(), h / self.rep);
        for j in 0..self.e {
            let mut sum = 0f64;
            for s in 0..self.s {
                // SAFETY: element j of value row s.
                sum += unsafe {
                    let row = self.v.row(b, g, s);
                    if self.packed { packed::number(row, self.e, j) } else { get(self.v.dtype, row.add(j * size)) }
                } as f64;
            }
            // An additive mask that removes every key leaves 0/0.
            let none = self.mask.is_some_and(|m| m.additive());
            // SAFETY: `tmp` has e elements.
            unsafe { *tmp.add(j) = if none { f32::NAN } else { (sum / self.s as f64) as f32 } };
        }
        // SAFETY: as above.
        unsafe { self.store(cx, b, h, i, tmp, 1.0) }
    }
}

unsafe fn get(d: DType, p: *const u8) -> f32 {
    // SAFETY: `p` is an element of dtype `d`.
    unsafe {
        match d {
            DType::F16 => p.cast::<f16>().read().to_f32(),
            DType::BF16 => p.cast::<bf16>().read().to_f32(),
            _ => p.cast::<f32>().read(),
        }
    }
}

struct Scaled<A, B> {
    from: *const A,
    to: *mut B,
    n: usize,
    scale: f32,
}

impl<A: Elem, B: Elem> Body for Scaled<A, B> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: both rows have n elements.
        unsafe {
            let c = S::splat(self.scale);
            let mut j = 0;
            while j + S::N <= self.n {
                B::vstore::<S>(self.to.add(j), S::mul(A::vload::<S>(self.from.add(j)), c));
                j += S::N;
            }
            if j < self.n {
                let x = S::mul(A::vload_part::<S>(self.from.add(j), self.n - j), c);
                B::vstore_part::<S>(self.to.add(j), x, self.n - j);
            }
        }
    }
}
