//! Rotary position embedding. Cosines and sines are made once for each position and shared by the heads.

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::ints::Ints;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{Body, Elem, Simd, dispatch};
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
    let mut table = Scratch::<f32>::new(batches * t * op.dims);
    let angles = Ptr::new(table.ptr());
    let scale = op.scale.f32();
    cx.pool.run_ranges(batches * t, 2048usize.div_ceil(half.max(1)), &|a, z| {
        for p in a..z {
            // SAFETY: one offset for each batch; the table has a row for each position.
            unsafe {
                let first = offset.get(if many { (p / t) as isize * offset.strides[0] } else { 0 });
                let position = (first as f32 + (p % t) as f32) * scale;
                let row = angles.get().add(p * op.dims);
                for i in 0..half {
                    let (s, c) = (position * inverse[i]).sin_cos();
                    *row.add(i) = c;
                    *row.add(half + i) = if op.inverse { -s } else { s };
                }
            }
        }
    });
    let (rows, strides) = without_axis(shape, &x.desc.strides, nd - 1);
    let count: usize = rows.iter().product();
    let in_batch = count / shape[0];
    let (src, dst, step) = (view::ptr::<E>(x), view::ptr::<E>(out), x.desc.strides[nd - 1]);
    cx.pool.run_ranges(count, 8192usize.div_ceil(d), &|a, z| {
        let mut walk = Walk::new(&rows, [&strides], a);
        let mut buffer = Scratch::<f32>::new(2 * d);
        for r in a..z {
            let b = if many { r / in_batch } else { 0 };
            // SAFETY: row r of the operands, its position's row of the table, a buffer of two rows.
            unsafe {
                let table = angles.get().add((b * t + r % t) * op.dims).cast_const();
                let (from, to) = (src.at(walk.offsets[0]).cast_const(), dst.get().add(r * d));
                let tmp = buffer.ptr();
                dispatch(cx.isa, Row { from, step, to, d, half, table, tmp, traditional: op.traditional });
            }
            walk.step();
        }
    });
}

struct Row<E> {
    from: *const E,
    step: isize,
    to: *mut E,
    d: usize,
    half: usize,
    table: *const f32,
    tmp: *mut f32,
    traditional: bool,
}

impl<E: Elem> Body for Row<E> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: rows of d elements, a table of 2·half numbers, a buffer of 2·d.
        unsafe {
            let (d, half) = (self.d, self.half);
            let (x, y) = (self.tmp, self.tmp.add(d));
            let mut j = 0;
            if self.step == 1 {
                while j + S::N <= d {
                    S::store(x.add(j), E::vload::<S>(self.from.add(j)));
                    j += S::N;
                }
            }
            for j in j..d {
                *x.add(j) = (*self.from.offset(j as isize * self.step)).get();
            }
            let (cos, sin) = (self.table, self.table.add(half));
            if self.traditional {
                for i in 0..half {
                    let (a, b, c, s) = (*x.add(2 * i), *x.add(2 * i + 1), *cos.add(i), *sin.add(i));
                    *y.add(2 * i) = a * c - b * s;
                    *y.add(2 * i + 1) = a * s + b * c;
                }
            } else {
                for i in 0..half {
                    let (a, b, c, s) = (*x.add(i), *x.add(half + i), *cos.add(i), *sin.add(i));
                    *y.add(i) = a * c - b * s;
                    *y.add(half + i) = a * s + b * c;
                }
            }
            std::ptr::copy_nonoverlapping(x.add(2 * half), y.add(2 * half), d - 2 * half);
            let mut j = 0;
            while j + S::N <= d {
                E::vstore::<S>(self.to.add(j), S::load(y.add(j)));
                j += S::N;
            }
            for j in j..d {
                *self.to.add(j) = E::put(*y.add(j));
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
