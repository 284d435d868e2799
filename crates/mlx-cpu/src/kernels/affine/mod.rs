//! MLX's affine quantization: encoding and decoding bit for bit as upstream's CPU back end, and the product with an
//! encoded matrix in float arithmetic.

mod codes;
mod gathered;
mod product;

#[cfg(test)]
mod tests;

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::simd::{Body, Elem, Simd, dispatch};
use crate::view::{self, Ptr, Walk};
use codes::{UNIT, pack, unpack};
use half::{bf16, f16};
use mlx_ir::op::Affine;
use mlx_ir::{DType, Desc, Operand, Result, op};

fn known(a: Affine, d: DType) -> bool {
    [32, 64, 128].contains(&a.group_size)
        && [1, 2, 3, 4, 5, 6, 8].contains(&a.bits)
        && matches!(d, DType::F32 | DType::F16 | DType::BF16)
}

impl Kernel for op::Quantize {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        let w = &ins[0];
        known(self.affine, w.dtype)
            && w.shape.last().is_some_and(|k| k.is_multiple_of(self.affine.group_size as usize))
            && outs[0].dtype == DType::U32
            && outs[1..].iter().all(|o| o.dtype == w.dtype)
    }
    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        match ins[0].desc.dtype {
            DType::F16 => quantize::<f16>(cx, self.affine, &ins[0], outs),
            DType::BF16 => quantize::<bf16>(cx, self.affine, &ins[0], outs),
            _ => quantize::<f32>(cx, self.affine, &ins[0], outs),
        }
        Ok(())
    }
}

fn quantize<E: Elem>(cx: &Cx<'_>, affine: Affine, w: &Operand, outs: &[Operand]) {
    let (group, bits) = (affine.group_size as usize, affine.bits as usize);
    let nd = w.desc.ndim();
    let (rows, k) = (&w.desc.shape[..nd - 1], w.desc.shape[nd - 1]);
    if w.desc.size() == 0 {
        return;
    }
    let (src, step) = (view::ptr::<E>(w), w.desc.strides[nd - 1]);
    let codes = view::ptr::<u32>(&outs[0]);
    let (scales, biases): (Ptr<E>, Ptr<E>) = (view::ptr(&outs[1]), view::ptr(&outs[2]));
    let groups = k / group;
    cx.pool.run_ranges(w.desc.size() / group, 4096 / group, &|a, z| {
        let mut walk = Walk::new(rows, [&w.desc.strides[..nd - 1]], a / groups);
        for g in a..z {
            // SAFETY: group g of the operands, which are row-major but for w.
            unsafe {
                let from = src.at(walk.offsets[0] + (g % groups * group) as isize * step);
                let to = codes.get().add(g * group / 32 * bits);
                let (s, b) = dispatch(cx.isa, Encode { from, step, group, bits, to });
                *scales.get().add(g) = E::put(s);
                *biases.get().add(g) = E::put(b);
            }
            if (g + 1) % groups == 0 {
                walk.step();
            }
        }
    });
}

struct Encode<E> {
    from: *const E,
    step: isize,
    group: usize,
    bits: usize,
    to: *mut u32,
}

impl<E: Elem> Body for Encode<E> {
    type Out = (f32, f32);
    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> (f32, f32) {
        let mut x = [0f32; 128];
        let x = &mut x[..self.group];
        // SAFETY: `group` elements, a multiple of 32.
        unsafe {
            if self.step == 1 {
                for i in (0..self.group).step_by(S::N) {
                    S::store(x.as_mut_ptr().add(i), E::vload::<S>(self.from.add(i)));
                }
            } else {
                for (i, v) in x.iter_mut().enumerate() {
                    *v = (*self.from.offset(i as isize * self.step)).get();
                }
            }
        }
        let (mut lo, mut hi) = ([f32::INFINITY; 16], [f32::NEG_INFINITY; 16]);
        for c in x.chunks_exact(16) {
            for i in 0..16 {
                lo[i] = if c[i] < lo[i] { c[i] } else { lo[i] };
                hi[i] = if c[i] > hi[i] { c[i] } else { hi[i] };
            }
        }
        let lo = lo.iter().fold(f32::INFINITY, |a, b| a.min(*b));
        let hi = hi.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
        let n = ((1u32 << self.bits) - 1) as f32;
        let (scale, bias) = if self.bits == 1 {
            ((hi - lo).max(1e-7), lo)
        } else {
            let low_edge = lo.abs() > hi.abs();
            let scale = ((hi - lo) / n).max(1e-7) * if low_edge { 1.0 } else { -1.0 };
            let edge = if low_edge { lo } else { hi };
            // The code of the edge is a whole number, so that zero has one too.
            let q0 = (edge / scale).round_ties_even();
            if q0 != 0.0 { (edge / q0, edge) } else { (scale, 0.0) }
        };
        for (u, c) in x.chunks_exact(UNIT).enumerate() {
            let mut codes = [0u8; UNIT];
            // SAFETY: a unit is whole vectors; unit u of the group's words.
            unsafe {
                let (bias, scale, most) = (S::splat(bias), S::splat(scale), S::splat(n));
                for i in (0..UNIT).step_by(S::N) {
                    let q = S::round(S::div(S::sub(S::load(c.as_ptr().add(i)), bias), scale));
                    // The larger of NaN and 0 is 0 this way round.
                    let q = S::smaller(S::max(q, S::zero()), most);
                    S::store_u8(codes.as_mut_ptr().add(i), q);
                }
                pack(self.bits, &codes, self.to.add(u * self.bits));
            }
        }
        (scale, bias)
    }
}

/// Codes, scales and biases whose rows are contiguous.
fn rows_contiguous(x: &[Desc]) -> bool {
    x.iter().all(|d| d.ndim() >= 1 && (d.strides[d.ndim() - 1] == 1 || d.shape[d.ndim() - 1] <= 1))
}

impl Kernel for op::Dequantize {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        known(self.affine, outs[0].dtype)
            && ins[0].dtype == DType::U32
            && ins[1..].iter().all(|x| x.dtype == outs[0].dtype)
            && rows_contiguous(ins)
    }
    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        match outs[0].desc.dtype {
            DType::F16 => dequantize::<f16>(cx, self.affine, ins, &outs[0]),
            DType::BF16 => dequantize::<bf16>(cx, self.affine, ins, &outs[0]),
            _ => dequantize::<f32>(cx, self.affine, ins, &outs[0]),
        }
        Ok(())
    }
}

fn dequantize<E: Elem>(cx: &Cx<'_>, affine: Affine, ins: &[Operand], out: &Operand) {
    let (group, bits) = (affine.group_size as usize, affine.bits as usize);
    let nd = out.desc.ndim();
    let (rows, k) = (&out.desc.shape[..nd - 1], out.desc.shape[nd - 1]);
    if out.desc.size() == 0 {
        return;
    }
    let lead = |i: usize| &ins[i].desc.strides[..nd - 1];
    let (w, s, b) = (view::ptr::<u32>(&ins[0]), view::ptr::<E>(&ins[1]), view::ptr::<E>(&ins[2]));
    let to = view::ptr::<E>(out);
    cx.pool.run_ranges(rows.iter().product(), 8192usize.div_ceil(k), &|a, z| {
        let mut walk = Walk::new(rows, [lead(0), lead(1), lead(2)], a);
        for r in a..z {
            // SAFETY: row r of every operand.
            unsafe {
                let [w, s, b] = [w.at(walk.offsets[0]).cast::<E>(), s.at(walk.offsets[1]), b.at(walk.offsets[2])];
                let w = w.cast::<u8>().cast_const();
                dispatch(cx.isa, Decode { w, s, b, k, group, bits, to: to.get().add(r * k) });
            }
            walk.step();
        }
    });
}

/// One row, rounded twice as upstream does: the product, then the sum.
struct Decode<E> {
    w: *const u8,
    s: *const E,
    b: *const E,
    k: usize,
    group: usize,
    bits: usize,
    to: *mut E,
}

impl<E: Elem> Body for Decode<E> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let mut codes = [0u8; UNIT];
        for u in 0..self.k / UNIT {
            // SAFETY: unit u of the row and its group.
            unsafe {
                unpack(self.bits, self.w.add(u * 4 * self.bits), &mut codes);
                let g = u * UNIT / self.group;
                let (s, b) = (S::splat((*self.s.add(g)).get()), S::splat((*self.b.add(g)).get()));
                let mut i = 0;
                while i < UNIT {
                    let to = self.to.add(u * UNIT + i);
                    // Through memory, so that half types round the product.
                    E::vstore::<S>(to, S::mul(S::load_u8(codes.as_ptr().add(i)), s));
                    E::vstore::<S>(to, S::add(E::vload::<S>(to), b));
                    i += S::N;
                }
            }
        }
    }
}
