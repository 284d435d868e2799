//! How keys and values lie in memory, for kernels that read them in place.

use crate::kernels::matmul::dots;
use crate::kernels::packed;
use crate::kernels::simd::{Elem, Simd};
use mlx_ir::packed::{BLOCK, UNIT};

/// Rows of numbers.
///
/// # Safety
/// Every function needs the level's instructions, rows of n (d) numbers, and of these the columns from c on that it reads.
#[allow(clippy::missing_safety_doc, reason = "stated once, for the trait")]
pub(super) trait Stored: Copy + Send + Sync + 'static {
    /// A factor of what `columns` gives, left to whoever adds it up.
    const UNIT: f32;
    /// Dot products of M queries (d apart) with R rows.
    unsafe fn dots<S: Simd, const M: usize, const R: usize>(
        x: *const f32,
        d: usize,
        line: [*const u8; R],
    ) -> [[f32; R]; M];
    /// V vectors of columns of a row.
    unsafe fn columns<S: Simd, const V: usize>(row: *const u8, n: usize, c: usize) -> [S::F; V];
    /// One number.
    unsafe fn column(row: *const u8, n: usize, c: usize) -> f32;
}

impl<E: Elem> Stored for E {
    const UNIT: f32 = 1.0;
    #[inline(always)]
    unsafe fn dots<S: Simd, const M: usize, const R: usize>(
        x: *const f32,
        d: usize,
        line: [*const u8; R],
    ) -> [[f32; R]; M] {
        // SAFETY: passed on.
        unsafe { dots::<S, E, M, R>(x, d, line.map(|p| p.cast()), d) }
    }
    #[inline(always)]
    unsafe fn columns<S: Simd, const V: usize>(row: *const u8, _: usize, c: usize) -> [S::F; V] {
        // SAFETY: the columns exist.
        unsafe {
            let mut x = [S::zero(); V];
            for t in 0..V {
                x[t] = E::vload::<S>(row.cast::<E>().add(c + t * S::N));
            }
            x
        }
    }
    #[inline(always)]
    unsafe fn column(row: *const u8, _: usize, c: usize) -> f32 {
        // SAFETY: the column exists.
        unsafe { (*row.cast::<E>().add(c)).get() }
    }
}

/// Rows in 8 bits ([`mlx_ir::packed`]).
#[derive(Clone, Copy)]
pub(super) struct Packed;

impl Stored for Packed {
    const UNIT: f32 = UNIT;
    #[inline(always)]
    unsafe fn dots<S: Simd, const M: usize, const R: usize>(
        x: *const f32,
        d: usize,
        line: [*const u8; R],
    ) -> [[f32; R]; M] {
        // SAFETY: queries and rows have d numbers, rows a scale for each block.
        unsafe {
            let mut acc = [[S::zero(); R]; M];
            let whole = d / S::N * S::N;
            let mut p = 0;
            while p < whole {
                let mut scale = [S::zero(); R];
                for r in 0..R {
                    scale[r] = S::splat_f16(line[r].add(d + p / BLOCK * 2).cast());
                }
                let end = whole.min(p + BLOCK);
                while p < end {
                    let mut xv = [S::zero(); M];
                    for q in 0..M {
                        xv[q] = S::load(x.add(q * d + p));
                    }
                    for r in 0..R {
                        let k = S::mul(S::load_i8(line[r].add(p).cast()), scale[r]);
                        for q in 0..M {
                            acc[q][r] = S::fma(xv[q], k, acc[q][r]);
                        }
                    }
                    p += S::N;
                }
            }
            let mut out = [[0f32; R]; M];
            for q in 0..M {
                for r in 0..R {
                    let mut s = S::sum(acc[q][r]) * UNIT;
                    for p in whole..d {
                        s += *x.add(q * d + p) * packed::number(line[r], d, p);
                    }
                    out[q][r] = s;
                }
            }
            out
        }
    }
    #[inline(always)]
    unsafe fn columns<S: Simd, const V: usize>(row: *const u8, n: usize, c: usize) -> [S::F; V] {
        // SAFETY: the columns exist, and a scale for each block of them.
        unsafe {
            let mut x = [S::zero(); V];
            let mut scale = S::zero();
            for t in 0..V {
                let at = c + t * S::N;
                // c is a multiple of the V vectors, so that all between here are of one block.
                if t % (BLOCK / S::N) == 0 {
                    scale = S::splat_f16(row.add(n + at / BLOCK * 2).cast());
                }
                x[t] = S::mul(S::load_i8(row.add(at).cast()), scale);
            }
            x
        }
    }
    #[inline(always)]
    unsafe fn column(row: *const u8, n: usize, c: usize) -> f32 {
        // SAFETY: the column exists.
        unsafe { packed::number(row, n, c) }
    }
}
