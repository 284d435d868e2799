//! Matrix products of floats: any strides, batches with broadcasting, fused `beta·c + alpha·(a @ b)`.
//! Half types are accumulated in f32 and rounded once.

mod gathered;
mod gemm;
mod micro;
mod pack;
mod thin;

#[cfg(test)]
mod tests;

pub(crate) use gemm::{Finish, SERIAL, Target, gemm};
pub(crate) use micro::{LineMicro, Real};
pub(crate) use pack::{Pack, Strided};
pub(crate) use thin::dots;

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::simd::{Body, Elem, Simd, dispatch};
use crate::view;
use half::{bf16, f16};
use mlx_ir::{C64, DType, Desc, Operand, Result, op};
use smallvec::SmallVec;

impl Kernel for op::Matmul {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        ins.len() == 2 && floats(ins, outs)
    }
    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        product(cx, &ins[0], &ins[1], None, &outs[0]);
        Ok(())
    }
}

impl Kernel for op::AddMM {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        ins.len() == 3 && floats(ins, outs)
    }
    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let scale = (self.alpha.get(), self.beta.get());
        product(cx, &ins[1], &ins[2], Some((&ins[0], scale)), &outs[0]);
        Ok(())
    }
}

/// Equal dtypes among f16, bf16, f32, f64 and complex64.
fn floats(ins: &[Desc], outs: &[Desc]) -> bool {
    let d = outs[0].dtype;
    d.is_inexact() && ins.iter().all(|x| x.dtype == d && x.ndim() >= 2)
}

/// The addend of a product and the factors.
#[derive(Clone, Copy)]
struct Addend<E> {
    alpha: f64,
    beta: f64,
    c: Strided<E>,
}

/// One dimension of the batch: size, steps of a, b, c and the result.
type Dim = (usize, [isize; 4]);

fn product(cx: &Cx<'_>, a: &Operand, b: &Operand, add: Option<(&Operand, (f64, f64))>, out: &Operand) {
    match out.desc.dtype {
        DType::F32 => batches::<f32>(cx, a, b, add, out, one_float::<f32>),
        DType::F16 => batches::<f16>(cx, a, b, add, out, one_float::<f16>),
        DType::BF16 => batches::<bf16>(cx, a, b, add, out, one_float::<bf16>),
        DType::F64 => batches::<f64>(cx, a, b, add, out, one_f64),
        DType::C64 => batches::<C64>(cx, a, b, add, out, one_complex),
        _ => unreachable!("declined by supports"),
    }
}

type One<E> = fn(&Cx<'_>, [usize; 3], Strided<E>, Strided<E>, Option<Addend<E>>, *mut E);

fn batches<E: Copy + Send + Sync>(
    cx: &Cx<'_>,
    a: &Operand,
    b: &Operand,
    add: Option<(&Operand, (f64, f64))>,
    out: &Operand,
    one: One<E>,
) {
    let nd = out.desc.ndim();
    let (mut m, n, k) = (out.desc.shape[nd - 2], out.desc.shape[nd - 1], a.desc.shape[nd - 1]);
    let strides = |x: &Operand, i: usize| x.desc.strides[i];
    let mut dims: SmallVec<[Dim; 4]> = SmallVec::new();
    let mut fold = true;
    let mut step = (m * n) as isize;
    let (a_row, c_row) = (strides(a, nd - 2), add.map_or(0, |(c, _)| strides(c, nd - 2)));
    for i in (0..nd - 2).rev() {
        let d = out.desc.shape[i];
        let s = [strides(a, i), strides(b, i), add.map_or(0, |(c, _)| strides(c, i)), step];
        step *= d as isize;
        if d == 1 {
            continue;
        }
        // A matrix that is the same for the whole batch sees the batch as more rows.
        fold &= s[1] == 0 && s[0] == a_row * m as isize && (add.is_none() || s[2] == c_row * m as isize);
        if fold {
            m *= d;
        } else {
            dims.push((d, s));
        }
    }
    let count: usize = dims.iter().map(|d| d.0).product();
    if m == 0 || n == 0 || count == 0 {
        return;
    }
    let left = Strided { ptr: view::ptr::<E>(a).get().cast_const(), sw: a_row, sk: strides(a, nd - 1) };
    let right = Strided { ptr: view::ptr::<E>(b).get().cast_const(), sw: strides(b, nd - 1), sk: strides(b, nd - 2) };
    let addend = add.map(|(c, (alpha, beta))| Addend {
        alpha,
        beta,
        c: Strided { ptr: view::ptr::<E>(c).get().cast_const(), sw: c_row, sk: strides(c, nd - 1) },
    });
    let target = Strided { ptr: view::ptr::<E>(out).get().cast_const(), sw: 0, sk: 0 };
    let at = |i: usize| {
        let (mut i, mut off) = (i, [0isize; 4]);
        for (d, s) in &dims {
            for q in 0..4 {
                off[q] += (i % d) as isize * s[q];
            }
            i /= d;
        }
        // SAFETY: the offsets are those of a batch element, inside the operands.
        unsafe {
            let add = addend.map(|x| Addend { c: x.c.moved(off[2]), ..x });
            let result = target.moved(off[3]).ptr.cast_mut();
            one(cx, [m, n, k], left.moved(off[0]), right.moved(off[1]), add, result);
        }
    };
    // Many products keep the threads busy by themselves; the nested regions then run inline.
    let small = m.saturating_mul(n).saturating_mul(k) < 1 << 24;
    if count > 1 && (count >= cx.pool.threads() * 4 || small) && count.saturating_mul(m * n * k) >= gemm::SERIAL {
        cx.pool.run(count, &at);
    } else {
        (0..count).for_each(at);
    }
}

fn one_float<E: Elem>(
    cx: &Cx<'_>,
    [m, n, k]: [usize; 3],
    a: Strided<E>,
    b: Strided<E>,
    add: Option<Addend<E>>,
    out: *mut E,
) {
    let out = Strided { ptr: out.cast_const(), sw: n as isize, sk: 1 };
    let in_place = |x: &Strided<E>| x.sk == 1 || x.sw == 1;
    // SAFETY: the operands are m×k and k×n, the result m×n; tasks write disjoint parts of it.
    unsafe {
        if m <= thin::ROWS && in_place(&b) && (m <= n || n > thin::ROWS) {
            let sink = |i: usize, j: usize, v: &[f32]| {
                finish_row(cx, v.as_ptr(), v.len(), add.map(|x| shift(x, i, j)), out.at(i, j).cast_mut(), 1)
            };
            thin::thin(cx.pool, cx.isa, [m, n, k], a, b, &sink);
        } else if n <= thin::ROWS && in_place(&a) {
            // The transposed product: the columns of the result are its rows.
            let flip = |x: Addend<E>| Addend { c: Strided { sw: x.c.sk, sk: x.c.sw, ..x.c }, ..x };
            let sink = |j: usize, i: usize, v: &[f32]| {
                let add = add.map(|x| shift(flip(x), j, i));
                finish_row(cx, v.as_ptr(), v.len(), add, out.at(i, j).cast_mut(), n)
            };
            thin::thin(cx.pool, cx.isa, [n, m, k], b, a, &sink);
        } else {
            let finish = |i: usize, rows: usize, j: usize, cols: usize, tile: *mut f32, ld: usize| {
                for r in 0..rows {
                    let add = add.map(|x| shift(x, i + r, j));
                    finish_row(cx, tile.add(r * ld), cols, add, out.at(i + r, j).cast_mut(), 1);
                }
            };
            let target = if size_of::<E>() == 4 {
                let last: Option<&Finish<f32>> = if add.is_some() { Some(&finish) } else { None };
                Target::Memory(out.ptr.cast_mut().cast::<f32>(), n, last)
            } else {
                Target::Tiles(&finish)
            };
            gemm(cx.pool, cx.isa, [m, n, k], &a, &b, &target);
        }
    }
}

/// The addend as seen from element (i, j).
///
/// # Safety
/// (i, j) is inside it.
unsafe fn shift<E: Copy>(x: Addend<E>, i: usize, j: usize) -> Addend<E> {
    // SAFETY: passed on.
    Addend { c: Strided { ptr: unsafe { x.c.at(i, j) }, ..x.c }, ..x }
}

/// Writes a row of sums: `alpha·v + beta·c`, rounded. `v` may be the output itself.
unsafe fn finish_row<E: Elem>(cx: &Cx<'_>, v: *const f32, n: usize, add: Option<Addend<E>>, out: *mut E, step: usize) {
    if step == 1 && add.as_ref().is_none_or(|x| x.c.sk == 1) {
        return dispatch(cx.isa, Row { v, n, add, out });
    }
    for j in 0..n {
        // SAFETY: the caller's row has n elements of step `step`.
        unsafe {
            let mut x = *v.add(j);
            if let Some(a) = add {
                x = a.alpha as f32 * x + a.beta as f32 * (*a.c.at(0, j)).get();
            }
            *out.add(j * step) = E::put(x);
        }
    }
}

struct Row<E> {
    v: *const f32,
    n: usize,
    add: Option<Addend<E>>,
    out: *mut E,
}

impl<E: Elem> Body for Row<E> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: rows of n elements, unit steps.
        unsafe {
            let mut j = 0;
            while j < self.n {
                let part = (self.n - j).min(S::N);
                let whole = part == S::N;
                let mut x = if whole { S::load(self.v.add(j)) } else { S::load_part(self.v.add(j), part) };
                if let Some(a) = &self.add {
                    let c = a.c.ptr.add(j);
                    let c = if whole { E::vload::<S>(c) } else { E::vload_part::<S>(c, part) };
                    x = S::fma(S::splat(a.beta as f32), c, S::mul(S::splat(a.alpha as f32), x));
                }
                if whole {
                    E::vstore::<S>(self.out.add(j), x);
                } else {
                    E::vstore_part::<S>(self.out.add(j), x, part);
                }
                j += S::N;
            }
        }
    }
}

fn one_f64(
    cx: &Cx<'_>,
    [m, n, k]: [usize; 3],
    a: Strided<f64>,
    b: Strided<f64>,
    add: Option<Addend<f64>>,
    out: *mut f64,
) {
    let finish = |i: usize, rows: usize, j: usize, cols: usize, tile: *mut f64, ld: usize| {
        let Some(x) = add else { return };
        for r in 0..rows {
            for q in 0..cols {
                // SAFETY: the tile has these rows and columns, the addend the whole result's.
                unsafe {
                    let p = tile.add(r * ld + q);
                    *p = x.alpha * *p + x.beta * *x.c.at(i + r, j + q);
                }
            }
        }
    };
    // SAFETY: the operands are m×k and k×n, the result m×n.
    unsafe { gemm(cx.pool, cx.isa, [m, n, k], &a, &b, &Target::Memory(out, n, Some(&finish))) }
}

/// Four real products of the planes.
fn one_complex(
    cx: &Cx<'_>,
    [m, n, k]: [usize; 3],
    a: Strided<C64>,
    b: Strided<C64>,
    add: Option<Addend<C64>>,
    out: *mut C64,
) {
    let plane = |x: &Strided<C64>, part: usize| Strided {
        // SAFETY: a complex number is two f32.
        ptr: unsafe { x.ptr.cast::<f32>().add(part) },
        sw: x.sw * 2,
        sk: x.sk * 2,
    };
    let out = Strided { ptr: out.cast_const(), sw: n as isize, sk: 1 };
    for (pa, pb) in [(0, 0), (1, 1), (0, 1), (1, 0)] {
        let finish = |i: usize, rows: usize, j: usize, cols: usize, tile: *mut f32, ld: usize| {
            for r in 0..rows {
                for q in 0..cols {
                    // SAFETY: the tile has these rows and columns, the result and the addend m×n.
                    unsafe {
                        let (x, t) = (&mut *out.at(i + r, j + q).cast_mut(), *tile.add(r * ld + q));
                        match (pa, pb) {
                            (0, 0) => x.re = t,
                            (1, 1) => x.re -= t,
                            (0, 1) => x.im = t,
                            _ => x.im += t,
                        }
                        if let ((1, 0), Some(d)) = ((pa, pb), add) {
                            let c = *d.c.at(i + r, j + q);
                            x.re = d.alpha as f32 * x.re + d.beta as f32 * c.re;
                            x.im = d.alpha as f32 * x.im + d.beta as f32 * c.im;
                        }
                    }
                }
            }
        };
        // SAFETY: planes of m×k and k×n operands.
        unsafe { gemm(cx.pool, cx.isa, [m, n, k], &plane(&a, pa), &plane(&b, pb), &Target::<f32>::Tiles(&finish)) }
    }
}
