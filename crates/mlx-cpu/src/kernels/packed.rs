//! Rows in 8 bits ([`mlx_ir::packed`]): made of floats, and read.

use crate::Isa;
use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::simd::{Body, Simd, dispatch};
use crate::level::{Level, Work, at_level};
use crate::rows::{Half, half_of, load};
use crate::view::{Walk, ptr};
use half::f16;
use mlx_ir::op::{PackRows, UnpackRows};
use mlx_ir::packed::{BLOCK, MOST, UNIT};
use mlx_ir::{DType, Desc, Operand, Result};

/// Numbers below which rows are not worth several threads.
const PARALLEL: usize = 1 << 14;

fn dense(x: &Desc) -> bool {
    x.ndim() > 0 && (x.shape[x.ndim() - 1] <= 1 || x.strides[x.ndim() - 1] == 1)
}

/// Calls `f` with the byte offset of every row of x and its number.
fn rows(cx: &Cx<'_>, x: &Desc, n: usize, f: &(dyn Fn(isize, usize) + Sync)) {
    let outer = x.ndim() - 1;
    let (shape, strides) = (&x.shape[..outer], &x.strides[..outer]);
    let count = shape.iter().product();
    cx.pool.run_ranges(count, (PARALLEL / n.max(1)).max(1), &|a, z| {
        let mut w = Walk::new(shape, [strides], a);
        for row in a..z {
            f(w.offsets[0] * x.dtype.size() as isize, row);
            w.step();
        }
    });
}

impl Kernel for PackRows {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        half_of(ins[0].dtype).is_some() && dense(&ins[0]) && outs[0].dtype == DType::U32
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let (x, last) = (&ins[0].desc, ins[0].desc.ndim() - 1);
        let (n, bytes) = (x.shape[last], outs[0].desc.shape[last] * 4);
        let half = half_of(x.dtype).unwrap_or(Half::No);
        let (from, to) = (ptr::<u8>(&ins[0]), ptr::<u8>(&outs[0]));
        rows(cx, x, n, &|at, row| {
            // SAFETY: a row of the operand, and this task's row of the output.
            let (from, to) = unsafe { (from.at(at), to.at((row * bytes) as isize)) };
            at_level(cx.isa, Pack { from, half, n, to });
        });
        Ok(())
    }
}

struct Pack {
    from: *const u8,
    half: Half,
    n: usize,
    to: *mut u8,
}

impl Work for Pack {
    type Out = ();
    #[inline(always)]
    unsafe fn run<L: Level>(self) {
        let mut line = [0f32; BLOCK];
        let size = if self.half == Half::No { 4 } else { 2 };
        let blocks = self.n.div_ceil(BLOCK);
        for b in 0..blocks {
            let (at, n) = (b * BLOCK, (self.n - b * BLOCK).min(BLOCK));
            // SAFETY: n numbers of the row, for which the line has room; the output has a byte for each of them, and
            // behind these two for each block.
            unsafe {
                let x = load::<L>(self.from.add(at * size), n, self.half, line.as_mut_ptr());
                if !std::ptr::eq(x, line.as_ptr()) {
                    std::ptr::copy_nonoverlapping(x, line.as_mut_ptr(), n);
                }
                line[n..].fill(0.0);
                let (codes, scale) = encode(&line);
                std::ptr::copy_nonoverlapping(codes.as_ptr(), self.to.add(at), n);
                self.to.add(self.n + 2 * b).cast::<f16>().write(scale);
            }
        }
        if !blocks.is_multiple_of(2) {
            // SAFETY: the last word of scales has room for two.
            unsafe { self.to.add(self.n + 2 * blocks).cast::<u16>().write(0) };
        }
    }
}

#[inline(always)]
fn encode(x: &[f32; BLOCK]) -> ([u8; BLOCK], f16) {
    // As integers magnitudes have the same order, and what is not a number is above all.
    let most = x.iter().fold(0, |m, v| m.max(v.to_bits() & 0x7fff_ffff));
    let scale = f16::from_f32(f32::from_bits(most));
    let m = scale.to_f32();
    let inverse = if m == 0.0 { 0.0 } else { MOST / m };
    // 1.5·2^23: the sum has no fraction bits, so it is rounded to a whole number, which its low bits are.
    const MAGIC: f32 = 12_582_912.0;
    let mut codes = [0; BLOCK];
    for (c, &v) in codes.iter_mut().zip(x) {
        let y = v * inverse;
        let whole = (y.clamp(-MOST, MOST) + MAGIC).to_bits() as u8;
        *c = if y.is_nan() { 0 } else { whole };
    }
    (codes, scale)
}

impl Kernel for UnpackRows {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        ins[0].dtype == DType::U32 && dense(&ins[0]) && outs[0].dtype == DType::F32
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let n = outs[0].desc.shape[outs[0].desc.ndim() - 1];
        let (from, to) = (ptr::<u8>(&ins[0]), ptr::<f32>(&outs[0]));
        rows(cx, &ins[0].desc, n, &|at, row| {
            // SAFETY: a row of the operand, and this task's row of the output.
            unsafe { unpack(cx.isa, from.at(at), 0, 1, n, to.at((row * n) as isize)) };
        });
        Ok(())
    }
}

/// Rows of `n` numbers, `step` bytes apart, as f32 one after another.
///
/// # Safety
/// The rows exist, and `to` has room for them.
pub(crate) unsafe fn unpack(isa: Isa, from: *const u8, step: isize, rows: usize, n: usize, to: *mut f32) {
    dispatch(isa, Unpack { from, step, rows, n, to });
}

struct Unpack {
    from: *const u8,
    step: isize,
    rows: usize,
    n: usize,
    to: *mut f32,
}

impl Body for Unpack {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let n = self.n;
        // SAFETY: rows of n codes and a scale for each block; vectors do not reach across blocks, since their lanes
        // divide them.
        unsafe {
            let unit = S::splat(UNIT);
            for r in 0..self.rows {
                let (row, to) = (self.from.offset(r as isize * self.step), self.to.add(r * n));
                for b in 0..n.div_ceil(BLOCK) {
                    let scale = S::mul(S::splat_f16(row.add(n + 2 * b).cast()), unit);
                    let end = n.min((b + 1) * BLOCK);
                    let mut j = b * BLOCK;
                    while j + S::N <= end {
                        S::store(to.add(j), S::mul(S::load_i8(row.add(j).cast()), scale));
                        j += S::N;
                    }
                    if j < end {
                        let mut few = [0i8; 16];
                        std::ptr::copy_nonoverlapping(row.add(j).cast(), few.as_mut_ptr(), end - j);
                        S::store_part(to.add(j), S::mul(S::load_i8(few.as_ptr()), scale), end - j);
                    }
                }
            }
        }
    }
}

/// Number `j` of a row of `n`.
///
/// # Safety
/// There is such a row.
pub(crate) unsafe fn number(row: *const u8, n: usize, j: usize) -> f32 {
    // SAFETY: the caller's promise.
    unsafe { *row.add(j).cast::<i8>() as f32 * (row.add(n + j / BLOCK * 2).cast::<f16>().read().to_f32() * UNIT) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Case, pools};

    fn packed(cx: &Cx<'_>, x: &[f32]) -> Vec<u32> {
        let out = Case::output(&[1, mlx_ir::packed::words(x.len()).unwrap()], DType::U32);
        PackRows {}.run(cx, &[Case::of(&[1, x.len()], x).op()], &[out.op()]).unwrap();
        out.check_guards();
        out.read()
    }

    #[test]
    fn codes_scales_and_their_order() {
        for (pool, isa) in pools() {
            let cx = Cx { pool: &pool, isa };
            // Half a code rounds to the even one.
            let mut x = [0f32; 36];
            x[..5].copy_from_slice(&[127.0, -127.0, 0.5, 1.5, -2.5]);
            x[32..].copy_from_slice(&[-2.0, 1.0, 0.0, 0.0]);
            let rows = packed(&cx, &x);
            assert_eq!(rows[..2], [0x0200_817f, 0x0000_00fe], "{isa}");
            assert_eq!(rows[2..8], [0; 6], "{isa}");
            // 64 is at 63.5 · 1, the even one.
            assert_eq!(rows[8], 0x0000_4081, "{isa}");
            assert_eq!(rows[9], u32::from(f16::from_f32(127.0).to_bits()) | 0x4000_0000, "{isa}");
            // What has no scale, and the smallest ones, whose scale may be below them.
            assert_eq!(packed(&cx, &[0.0; 4]), [0, 0], "{isa}");
            assert_eq!(packed(&cx, &[2e-8, 0.0, 0.0, 0.0]), [0, 0], "{isa}");
            assert_eq!(packed(&cx, &[8.9e-8, -8.9e-8, 0.0, 0.0]), [0x817f, 1], "{isa}");
        }
    }

    #[test]
    fn what_is_no_number_stays_none() {
        for (pool, isa) in pools() {
            let cx = Cx { pool: &pool, isa };
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e6] {
                let out = Case::output(&[1, 40], DType::F32);
                let mut x = [1f32; 40];
                x[7] = bad;
                let rows = Case::of(&[1, 11], &packed(&cx, &x));
                UnpackRows {}.run(&cx, &[rows.op()], &[out.op()]).unwrap();
                let y = out.read::<f32>();
                assert!(y[..32].iter().all(|v| v.is_nan()) && y[32..] == [1.0; 8], "{isa} {bad}");
            }
        }
    }
}
