//! Rotary position embedding. Cosines and sines are made once for each position and shared by the heads.

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::ints::Ints;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{Body, Elem, Simd, dispatch};
use crate::level::{Level, Work, at_level};
use crate::math32;
use crate::stream::{self, LINE};
use crate::view::{self, Ptr, Walk, without_axis};
use half::{bf16, f16};
use mlx_ir::{DType, Desc, Operand, Result, op};

impl Kernel for op::Rope {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        let x = &ins[0];
        matches!(x.dtype, DType::F32 | DType::F16 | DType::BF16)
            && outs[0].dtype == x.dtype
            && x.ndim() >= 3
            && self.dims.is_multiple_of(2)
            && x.shape.last().is_some_and(|d| self.dims <= *d)
            && ins[1].dtype.is_integer()
            && ins[1].ndim() <= 1
            && ins.get(2).is_none_or(|f| f.dtype == DType::F32)
            && ins.len() == 2 + self.base.is_none() as usize
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        match ins[0].desc.dtype {
            DType::F16 => rotate::<f16>(cx, self, ins, &outs[0]),
            DType::BF16 => rotate::<bf16>(cx, self, ins, &outs[0]),
            _ => rotate::<f32>(cx, self, ins, &outs[0]),
        }
        Ok(())
    }
}

fn rotate<E: Elem>(cx: &Cx<'_>, op: &op::Rope, ins: &[Operand], out: &Operand) {
    let (x, offset) = (&ins[0], Ints::new(&ins[1]));
    let (nd, shape) = (x.desc.ndim(), &x.desc.shape);
    let (t, d, half) = (shape[nd - 2], shape[nd - 1], op.dims / 2);
    if x.desc.size() == 0 {
        return;
    }
    let many = ins[1].desc.size() > 1;
    let batches = if many { shape[0] } else { 1 };
    let inverse: Vec<f32> = (0..half)
        .map(|i| match op.base {
            Some(b) => (-(i as f64) * (b.get().ln() / half as f64)).exp() as f32,
            // SAFETY: dims/2 numbers.
            None => 1.0 / unsafe { *view::ptr::<f32>(&ins[2]).at(i as isize * ins[2].desc.strides[0]) },
        })
        .collect();
    // For each position: cosines, then sines.
    let width = op.dims;
    let mut table = Scratch::<f32>::new(batches * t * width);
    let angles = Ptr::new(table.ptr());
    let scale = op.scale.f32();
    cx.pool.run_ranges(batches * t, 2048usize.div_ceil(half.max(1)), &|a, z| {
        for p in a..z {
            // SAFETY: one offset for each batch; the table has a row for each position.
            unsafe {
                let first = offset.get(if many { (p / t) as isize * offset.strides[0] } else { 0 });
                let position = (first as f32 + (p % t) as f32) * scale;
                let row = std::slice::from_raw_parts_mut(angles.get().add(p * width), width);
                let (cos, sin) = row.split_at_mut(half);
                at_level(cx.isa, Angles { position, inverse: &inverse, cos, sin, back: op.inverse });
            }
        }
    });
    let (rows, strides) = without_axis(shape, &x.desc.strides, nd - 1);
    let count: usize = rows.iter().product();
    let in_batch = count / shape[0];
    let (src, dst, step) = (view::ptr::<E>(x), view::ptr::<E>(out), x.desc.strides[nd - 1]);
    let past = count * d * size_of::<E>() >= stream::LARGE;
    cx.pool.run_ranges(count, 8192usize.div_ceil(d), &|a, z| {
        let walk = Walk::new(&rows, [&strides], a);
        let place = |r: usize| {
            let b = if many { r / in_batch } else { 0 };
            // SAFETY: the row of the table of row r's position.
            unsafe { angles.get().add((b * t + r % t) * width).cast_const() }
        };
        dispatch(
            cx.isa,
            Turn { src, walk, step, dst, range: (a, z), d, half, table: place, traditional: op.traditional, past },
        );
        if past {
            stream::fence();
        }
    });
}

/// Cosines and sines of a position's angles.
struct Angles<'a> {
    position: f32,
    inverse: &'a [f32],
    cos: &'a mut [f32],
    sin: &'a mut [f32],
    /// Negative sines.
    back: bool,
}

impl Work for Angles<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<L: Level>(self) {
        let sign = if self.back { -1.0 } else { 1.0 };
        let mut far = false;
        for ((c, s), &inverse) in self.cos.iter_mut().zip(self.sin.iter_mut()).zip(self.inverse) {
            let angle = self.position * inverse;
            (*c, *s) = (math32::cos::<L>(angle), sign * math32::sin::<L>(angle));
            far |= math32::is_far(angle);
        }
        if far {
            for ((c, s), &inverse) in self.cos.iter_mut().zip(self.sin.iter_mut()).zip(self.inverse) {
                let angle = self.position * inverse;
                if math32::is_far(angle) {
                    let (sin, cos) = angle.sin_cos();
                    (*c, *s) = (cos, sign * sin);
                }
            }
        }
    }
}

/// Of the sines of a pair, by which it is multiplied swapped.
const SIGNS: [f32; 16] = {
    let mut signs = [1.0; 16];
    let mut i = 0;
    while i < 16 {
        signs[i] = -1.0;
        i += 2;
    }
    signs
};

/// Turns rows of the output, each by its row of the table.
struct Turn<'a, E, P> {
    src: Ptr<E>,
    /// Where the rows of the input start, from the first of the range on.
    walk: Walk<'a, 1>,
    step: isize,
    dst: Ptr<E>,
    range: (usize, usize),
    d: usize,
    half: usize,
    table: P,
    traditional: bool,
    /// The output is written past the caches.
    past: bool,
}

impl<E: Elem, P: Fn(usize) -> *const f32> Body for Turn<'_, E, P> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) {
        let (d, half) = (self.d, self.half);
        for r in self.range.0..self.range.1 {
            // SAFETY: rows of d elements and, at the table, of the turned ones' numbers.
            unsafe {
                let (from, to) = (self.src.at(self.walk.offsets[0]).cast_const(), self.dst.get().add(r * d));
                self.walk.step();
                let table = (self.table)(r);
                // Halves begin at whole vectors of an aligned row.
                let past =
                    self.past && (to as usize).is_multiple_of(LINE) && (half * size_of::<E>()).is_multiple_of(LINE);
                let put = |j: usize, x: S::F| {
                    if past { E::vstream::<S>(to.add(j), x) } else { E::vstore::<S>(to.add(j), x) }
                };
                let near = if self.step == 1 { if self.traditional { 2 * half } else { half } } else { 0 };
                let mut j = 0;
                let (cos, sin) = (table, table.add(half));
                if self.traditional {
                    // A pair is turned by its products with a cosine, and swapped with a sine, of which one is negative.
                    let signs = S::load(SIGNS.as_ptr());
                    while j + S::N <= near {
                        let x = E::vload::<S>(from.add(j));
                        let (c, s) = (S::twice(cos.add(j / 2)), S::mul(S::twice(sin.add(j / 2)), signs));
                        put(j, S::add(S::mul(x, c), S::mul(S::swap(x), s)));
                        j += S::N;
                    }
                } else {
                    while j + S::N <= near {
                        let (a, b) = (E::vload::<S>(from.add(j)), E::vload::<S>(from.add(half + j)));
                        let (c, s) = (S::load(cos.add(j)), S::load(sin.add(j)));
                        put(j, S::sub(S::mul(a, c), S::mul(b, s)));
                        put(half + j, S::add(S::mul(a, s), S::mul(b, c)));
                        j += S::N;
                    }
                }
                let get = |j: usize| (*from.offset(j as isize * self.step)).get();
                let first = if self.traditional { j / 2 } else { j };
                for i in first..half {
                    let (p, q) = if self.traditional { (2 * i, 2 * i + 1) } else { (i, half + i) };
                    let (c, s) = (*cos.add(i), *sin.add(i));
                    let (a, b) = (get(p), get(q));
                    *to.add(p) = E::put(a * c - b * s);
                    *to.add(q) = E::put(a * s + b * c);
                }
                for j in 2 * half..d {
                    *to.add(j) = *from.offset(j as isize * self.step);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Case, Rng, pools};
    use mlx_ir::op::Real;

    #[test]
    fn all_forms_follow_the_definition() {
        let mut rng = Rng::new(9);
        for (pool, isa) in pools() {
            let cx = Cx { pool: &pool, isa };
            for (shape, dims) in [([2, 3, 5, 16], 16), ([1, 2, 1, 10], 6), ([3, 1, 40, 66], 66)] {
                for dtype in [DType::F32, DType::F16, DType::BF16] {
                    for form in 0..16 {
                        let [traditional, freqs, many, inverse] =
                            [form & 1, form & 2, form & 4, form & 8].map(|b| b != 0);
                        let x = Case::random(&mut rng, &shape, dtype, form % 3);
                        let offset = if many {
                            Case::random(&mut rng, &[shape[0]], DType::I32, 0)
                        } else {
                            Case::layout(&[], DType::I64, &[7.0], 0)
                        };
                        let f: Vec<f32> = (0..dims / 2).map(|i| 1.5 + i as f32).collect();
                        let fc = Case::f32(&[dims / 2], &f);
                        let op = op::Rope {
                            dims,
                            traditional,
                            base: (!freqs).then_some(Real::new(100.0)),
                            scale: Real::new(0.5),
                            inverse,
                        };
                        let out = Case::output(&shape, dtype);
                        let mut ins = vec![x.op(), offset.op()];
                        if freqs {
                            ins.push(fc.op());
                        }
                        op.run(&cx, &ins, &[out.op()]).unwrap();
                        out.check_guards();
                        let (xv, ov, offs) = (x.values(), out.values(), offset.values());
                        let d = shape[3];
                        for r in 0..xv.len() / d {
                            let b = r / (shape[1] * shape[2]);
                            let pos = (offs[if many { b } else { 0 }] + (r % shape[2]) as f64) * 0.5;
                            for i in 0..d {
                                let row = &xv[r * d..];
                                let want = if i >= dims {
                                    row[i]
                                } else {
                                    let half = dims / 2;
                                    let (p, first) =
                                        if traditional { (i / 2, i % 2 == 0) } else { (i % half, i < half) };
                                    let inv =
                                        if freqs { 1.0 / f[p] as f64 } else { 100f64.powf(-(p as f64) / half as f64) };
                                    let (a, c) = if traditional {
                                        (row[2 * p], row[2 * p + 1])
                                    } else {
                                        (row[p], row[p + half])
                                    };
                                    let (s, co) = (pos * inv).sin_cos();
                                    let s = if inverse { -s } else { s };
                                    if first { a * co - c * s } else { a * s + c * co }
                                };
                                let tol = match dtype {
                                    DType::F16 => 1e-3,
                                    DType::BF16 => 1e-2,
                                    _ => 1e-4,
                                };
                                assert!(
                                    (ov[r * d + i] - want).abs() < tol,
                                    "{isa} {dtype} {form} {} {want}",
                                    ov[r * d + i]
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}
