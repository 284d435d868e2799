//! Vectors of f32 behind one trait, so that a kernel body is written once and compiled for each level.
//!
//! A kernel is a struct with its arguments that implements [`Body`]; [`dispatch`] enters a function compiled with
//! the level's features and inlines the body there. Bodies and trait functions are therefore `inline(always)`.

use crate::Isa;
use crate::level::{self, Level};
use half::{bf16, f16};

#[cfg(target_arch = "aarch64")]
mod arm;
#[cfg(target_arch = "x86_64")]
mod x86;

/// A vector of f32 at one level. The portable one never fuses multiply and add; the others do.
///
/// # Safety
/// Every function needs the level's instructions, and the pointer functions need `N` readable or writable elements
/// (any alignment).
#[allow(clippy::missing_safety_doc, reason = "stated once, for the trait")]
pub(crate) trait Simd: Copy + 'static {
    /// Lanes.
    const N: usize;
    /// Whether `fma` rounds once.
    const FUSED: bool;
    /// Vectors that the processor holds.
    const REGISTERS: usize = 16;
    /// The same level, for plain loops.
    type Level: Level;
    /// The vector.
    type F: Copy;
    unsafe fn splat(x: f32) -> Self::F;
    unsafe fn load(p: *const f32) -> Self::F;
    unsafe fn store(p: *mut f32, x: Self::F);
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn sub(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F;
    /// a·b + c.
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The larger; `b` if either is NaN on x86, NaN elsewhere.
    unsafe fn max(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn load_f16(p: *const f16) -> Self::F;
    unsafe fn load_bf16(p: *const bf16) -> Self::F;
    unsafe fn store_f16(p: *mut f16, x: Self::F);
    unsafe fn store_bf16(p: *mut bf16, x: Self::F);
    /// Bytes 0…255 as f32.
    unsafe fn load_u8(p: *const u8) -> Self::F;
    /// The low and the high half of each byte, 0…15.
    unsafe fn load_nibbles(p: *const u8) -> (Self::F, Self::F);
    /// Bytes -128…127 as f32.
    unsafe fn load_i8(p: *const i8) -> Self::F;
    /// One element in all lanes.
    unsafe fn splat_f16(p: *const f16) -> Self::F;
    /// x·2^n for integral n from -126 to 127.
    unsafe fn scale2(x: Self::F, n: Self::F) -> Self::F;
    /// 2^(k - 127) for the number k, from 1 to 254, in the low bits of a float: of its bits 0 to 8 no other is set.
    unsafe fn lift(k: Self::F) -> Self::F;
    /// Nearest integer.
    unsafe fn round(x: Self::F) -> Self::F;
    /// x where `a >= b`, else 0.
    unsafe fn keep_ge(a: Self::F, b: Self::F, x: Self::F) -> Self::F;
    /// x where `a > b`, else y.
    unsafe fn pick_gt(a: Self::F, b: Self::F, x: Self::F, y: Self::F) -> Self::F;
    /// x where `a >= b`, else y.
    unsafe fn pick_ge(a: Self::F, b: Self::F, x: Self::F, y: Self::F) -> Self::F;
    /// x where `a == b`, else y.
    unsafe fn pick_eq(a: Self::F, b: Self::F, x: Self::F, y: Self::F) -> Self::F;
    unsafe fn div(a: Self::F, b: Self::F) -> Self::F;
    /// `a` where it is larger or NaN, else `b`.
    unsafe fn larger(a: Self::F, b: Self::F) -> Self::F;
    /// `a` where it is smaller or NaN, else `b`.
    unsafe fn smaller(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn abs(x: Self::F) -> Self::F;
    unsafe fn neg(x: Self::F) -> Self::F;
    /// Whole numbers from 0 to 255 as bytes. NaN is written as any byte.
    unsafe fn store_u8(p: *mut u8, x: Self::F);

    /// Writes lane j of the four rows next to each other at `out + j·ld`.
    #[inline(always)]
    unsafe fn transpose4(rows: [Self::F; 4], out: *mut f32, ld: usize) {
        let mut t = [[0f32; 16]; 4];
        // SAFETY: no level has more than 16 lanes; `out` has room for N groups.
        unsafe {
            for i in 0..4 {
                Self::store(t[i].as_mut_ptr(), rows[i]);
            }
            for j in 0..Self::N {
                out.add(j * ld).cast::<[f32; 4]>().write_unaligned([t[0][j], t[1][j], t[2][j], t[3][j]]);
            }
        }
    }
    /// Turns a square: lane j of the i-th of the first N becomes lane i of the j-th.
    #[inline(always)]
    unsafe fn turn(m: &mut [Self::F; 16]) {
        let mut t = [[0f32; 16]; 16];
        // SAFETY: no level has more than 16 lanes.
        unsafe {
            for i in 0..Self::N {
                Self::store(t[i].as_mut_ptr(), m[i]);
            }
            for i in 0..Self::N {
                let mut column = [0f32; 16];
                for j in 0..Self::N {
                    column[j] = t[j][i];
                }
                m[i] = Self::load(column.as_ptr());
            }
        }
    }
    /// Writes past the caches where the level can; `p` is aligned to a vector, and [`crate::stream::fence`] must follow.
    #[inline(always)]
    unsafe fn stream(p: *mut f32, x: Self::F) {
        // SAFETY: as the trait demands.
        unsafe { Self::store(p, x) }
    }
    /// Lanes 1, 0, 3, 2, …
    #[inline(always)]
    unsafe fn swap(x: Self::F) -> Self::F {
        let mut t = [0f32; 16];
        // SAFETY: no level has more than 16 lanes.
        unsafe {
            Self::store(t.as_mut_ptr(), x);
            for i in (0..Self::N).step_by(2) {
                t.swap(i, i + 1);
            }
            Self::load(t.as_ptr())
        }
    }
    /// The first N/2 elements, each twice.
    #[inline(always)]
    unsafe fn twice(p: *const f32) -> Self::F {
        let mut t = [0f32; 16];
        // SAFETY: no level has more than 16 lanes; half as many elements are readable.
        unsafe {
            for i in 0..Self::N {
                t[i] = *p.add(i / 2);
            }
            Self::load(t.as_ptr())
        }
    }
    /// Asks for the line of an address that is soon read and written; any address will do.
    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}
    #[inline(always)]
    unsafe fn zero() -> Self::F {
        // SAFETY: as the trait demands.
        unsafe { Self::splat(0.0) }
    }
    /// Sum of the lanes, in a fixed tree.
    #[inline(always)]
    unsafe fn sum(x: Self::F) -> f32 {
        let mut t = [0f32; 16];
        // SAFETY: no level has more than 16 lanes.
        unsafe { Self::store(t.as_mut_ptr(), x) };
        let mut n = Self::N;
        while n > 1 {
            n /= 2;
            for i in 0..n {
                t[i] += t[i + n];
            }
        }
        t[0]
    }
    /// Largest lane (NaN is not guaranteed to be seen).
    #[inline(always)]
    unsafe fn hmax(x: Self::F) -> f32 {
        let mut t = [0f32; 16];
        // SAFETY: no level has more than 16 lanes.
        unsafe { Self::store(t.as_mut_ptr(), x) };
        t[..Self::N].iter().fold(f32::NEG_INFINITY, |m, &v| if v > m { v } else { m })
    }
    /// e^x for x ≤ 88; below -87.3 it is 0. NaN stays NaN. Within 2 units in the last place.
    #[inline(always)]
    unsafe fn exp(x: Self::F) -> Self::F {
        // SAFETY: arithmetic of the level.
        unsafe {
            let low = Self::splat(-87.33);
            // The operand order keeps NaN on x86.
            let t = Self::max(low, x);
            let n = Self::round(Self::mul(t, Self::splat(std::f32::consts::LOG2_E)));
            let r = Self::fma(n, Self::splat(-0.693_145_75), t);
            let r = Self::fma(n, Self::splat(-1.428_606_8e-6), r);
            let mut p = Self::splat(1.0 / 5040.0);
            for c in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
                p = Self::fma(p, r, Self::splat(c));
            }
            Self::keep_ge(t, Self::splat(-87.32), Self::scale2(p, n))
        }
    }
    /// e^x·2^64 for x ≤ 0, so that no result is subnormal; below -105 it is as at -105. NaN stays NaN. Within 2 units in
    /// the last place.
    #[inline(always)]
    unsafe fn exp_raised(x: Self::F) -> Self::F {
        /// 1.5·2^23, which leaves no fraction bits, and above it the exponent's bias and the 64.
        const MAGIC: f32 = 12_582_912.0 + 191.0;
        // SAFETY: arithmetic of the level.
        unsafe {
            // The operand order keeps NaN on x86.
            let x = Self::max(Self::splat(-105.0), x);
            let k = Self::fma(x, Self::splat(std::f32::consts::LOG2_E), Self::splat(MAGIC));
            let n = Self::sub(k, Self::splat(MAGIC));
            let r = Self::fma(n, Self::splat(-0.693_145_75), x);
            let r = Self::fma(n, Self::splat(-1.428_606_8e-6), r);
            let mut p = Self::splat(1.381_314_2e-3);
            for c in [8.369_419e-3, 0.041_668_456, 0.166_665_15, 0.499_999_94, 1.0, 1.0] {
                p = Self::fma(p, r, Self::splat(c));
            }
            Self::mul(p, Self::lift(k))
        }
    }
    /// The first `n` < N elements, then zeros.
    #[inline(always)]
    unsafe fn load_part(p: *const f32, n: usize) -> Self::F {
        let mut t = [0f32; 16];
        // SAFETY: `n` elements are readable and fit in 16.
        unsafe {
            std::ptr::copy_nonoverlapping(p, t.as_mut_ptr(), n);
            Self::load(t.as_ptr())
        }
    }
    /// The first `n` ≤ N elements, then `none`.
    #[inline(always)]
    unsafe fn load_or(p: *const f32, n: usize, none: f32) -> Self::F {
        // SAFETY: `n` elements are readable and fit in 16.
        unsafe {
            if n == Self::N {
                return Self::load(p);
            }
            let mut t = [none; 16];
            std::ptr::copy_nonoverlapping(p, t.as_mut_ptr(), n);
            Self::load(t.as_ptr())
        }
    }
    /// Writes the first `n` ≤ N lanes.
    #[inline(always)]
    unsafe fn store_first(p: *mut f32, x: Self::F, n: usize) {
        // SAFETY: `n` elements are writable.
        unsafe { if n == Self::N { Self::store(p, x) } else { Self::store_part(p, x, n) } }
    }
    /// Writes the first `n` < N lanes.
    #[inline(always)]
    unsafe fn store_part(p: *mut f32, x: Self::F, n: usize) {
        let mut t = [0f32; 16];
        // SAFETY: `n` elements are writable.
        unsafe {
            Self::store(t.as_mut_ptr(), x);
            std::ptr::copy_nonoverlapping(t.as_ptr(), p, n);
        }
    }
}

/// f32, f16 or bf16 in memory, f32 in registers.
pub(crate) trait Elem: Copy + Send + Sync + 'static {
    /// One element as f32.
    fn get(self) -> f32;
    /// f32 rounded to nearest even.
    fn put(x: f32) -> Self;
    /// `S::N` elements.
    ///
    /// # Safety
    /// As [`Simd`].
    unsafe fn vload<S: Simd>(p: *const Self) -> S::F;
    /// Writes `S::N` elements.
    ///
    /// # Safety
    /// As [`Simd`].
    unsafe fn vstore<S: Simd>(p: *mut Self, x: S::F);
    /// As [`Elem::vstore`], past the caches where there is a way; `p` is aligned to as many f32.
    ///
    /// # Safety
    /// As [`Simd::stream`].
    #[inline(always)]
    unsafe fn vstream<S: Simd>(p: *mut Self, x: S::F) {
        // SAFETY: passed on.
        unsafe { Self::vstore::<S>(p, x) }
    }
    /// The first `n` < N elements, then zeros.
    ///
    /// # Safety
    /// As [`Simd`], `n` readable elements.
    #[inline(always)]
    unsafe fn vload_part<S: Simd>(p: *const Self, n: usize) -> S::F {
        let mut t = [Self::put(0.0); 16];
        // SAFETY: `n` < N ≤ 16 elements are readable.
        unsafe {
            std::ptr::copy_nonoverlapping(p, t.as_mut_ptr(), n);
            Self::vload::<S>(t.as_ptr())
        }
    }
    /// Writes the first `n` < N lanes.
    ///
    /// # Safety
    /// As [`Simd`], `n` writable elements.
    #[inline(always)]
    unsafe fn vstore_part<S: Simd>(p: *mut Self, x: S::F, n: usize) {
        let mut t = [Self::put(0.0); 16];
        // SAFETY: `n` < N ≤ 16 elements are writable.
        unsafe {
            Self::vstore::<S>(t.as_mut_ptr(), x);
            std::ptr::copy_nonoverlapping(t.as_ptr(), p, n);
        }
    }
}

impl Elem for f32 {
    #[inline(always)]
    fn get(self) -> f32 {
        self
    }
    #[inline(always)]
    fn put(x: f32) -> f32 {
        x
    }
    #[inline(always)]
    unsafe fn vload<S: Simd>(p: *const f32) -> S::F {
        // SAFETY: passed on.
        unsafe { S::load(p) }
    }
    #[inline(always)]
    unsafe fn vstore<S: Simd>(p: *mut f32, x: S::F) {
        // SAFETY: passed on.
        unsafe { S::store(p, x) }
    }
    #[inline(always)]
    unsafe fn vstream<S: Simd>(p: *mut f32, x: S::F) {
        // SAFETY: passed on.
        unsafe { S::stream(p, x) }
    }
}

macro_rules! half_elem {
    ($t:ty, $load:ident, $store:ident) => {
        impl Elem for $t {
            #[inline(always)]
            fn get(self) -> f32 {
                self.to_f32()
            }
            #[inline(always)]
            fn put(x: f32) -> Self {
                <$t>::from_f32(x)
            }
            #[inline(always)]
            unsafe fn vload<S: Simd>(p: *const Self) -> S::F {
                // SAFETY: passed on.
                unsafe { S::$load(p) }
            }
            #[inline(always)]
            unsafe fn vstore<S: Simd>(p: *mut Self, x: S::F) {
                // SAFETY: passed on.
                unsafe { S::$store(p, x) }
            }
        }
    };
}
half_elem!(f16, load_f16, store_f16);
half_elem!(bf16, load_bf16, store_bf16);

/// A kernel body that can be compiled for any level.
pub(crate) trait Body {
    /// What it returns.
    type Out;
    /// The body; `inline(always)`.
    ///
    /// # Safety
    /// Only from a function compiled with the level's features.
    unsafe fn run<S: Simd>(self) -> Self::Out;
}

/// Runs a kernel at a level (which must be available on this machine).
#[inline]
pub(crate) fn dispatch<K: Body>(isa: Isa, k: K) -> K::Out {
    // SAFETY: each arm enters code for features that the level has; levels are only made by detection.
    unsafe {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => x86::avx512(k),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => x86::avx2(k),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon | Isa::DotProd | Isa::I8mm | Isa::Sve2 => arm::neon(k),
            _ => k.run::<Portable>(),
        }
    }
}

/// Four lanes of plain code.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

macro_rules! lanes {
    ($f:expr) => {{
        let mut r = [0f32; 4];
        for i in 0..4 {
            r[i] = $f(i);
        }
        r
    }};
}

impl Simd for Portable {
    const N: usize = 4;
    const FUSED: bool = false;
    type Level = level::Plain;
    type F = [f32; 4];
    #[inline(always)]
    unsafe fn splat(x: f32) -> [f32; 4] {
        [x; 4]
    }
    #[inline(always)]
    unsafe fn load(p: *const f32) -> [f32; 4] {
        // SAFETY: four readable elements.
        unsafe { p.cast::<[f32; 4]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, x: [f32; 4]) {
        // SAFETY: four writable elements.
        unsafe { p.cast::<[f32; 4]>().write_unaligned(x) }
    }
    #[inline(always)]
    unsafe fn add(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(|i| a[i] + b[i])
    }
    #[inline(always)]
    unsafe fn sub(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(|i| a[i] - b[i])
    }
    #[inline(always)]
    unsafe fn mul(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(|i| a[i] * b[i])
    }
    #[inline(always)]
    unsafe fn fma(a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        lanes!(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    unsafe fn max(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn load_f16(p: *const f16) -> [f32; 4] {
        // SAFETY: four readable elements.
        unsafe { lanes!(|i| p.add(i).read_unaligned().to_f32()) }
    }
    #[inline(always)]
    unsafe fn load_bf16(p: *const bf16) -> [f32; 4] {
        // SAFETY: four readable elements.
        unsafe { lanes!(|i| p.add(i).read_unaligned().to_f32()) }
    }
    #[inline(always)]
    unsafe fn store_f16(p: *mut f16, x: [f32; 4]) {
        for i in 0..4 {
            // SAFETY: four writable elements.
            unsafe { p.add(i).write_unaligned(f16::from_f32(x[i])) }
        }
    }
    #[inline(always)]
    unsafe fn store_bf16(p: *mut bf16, x: [f32; 4]) {
        for i in 0..4 {
            // SAFETY: four writable elements.
            unsafe { p.add(i).write_unaligned(bf16::from_f32(x[i])) }
        }
    }
    #[inline(always)]
    unsafe fn load_u8(p: *const u8) -> [f32; 4] {
        // SAFETY: four readable bytes.
        unsafe { lanes!(|i| *p.add(i) as f32) }
    }
    #[inline(always)]
    unsafe fn load_nibbles(p: *const u8) -> ([f32; 4], [f32; 4]) {
        // SAFETY: four readable bytes.
        unsafe { (lanes!(|i| (*p.add(i) & 15) as f32), lanes!(|i| (*p.add(i) >> 4) as f32)) }
    }
    #[inline(always)]
    unsafe fn load_i8(p: *const i8) -> [f32; 4] {
        // SAFETY: four readable bytes.
        unsafe { lanes!(|i| *p.add(i) as f32) }
    }
    #[inline(always)]
    unsafe fn splat_f16(p: *const f16) -> [f32; 4] {
        // SAFETY: a readable element.
        [unsafe { p.read_unaligned() }.to_f32(); 4]
    }
    #[inline(always)]
    unsafe fn scale2(x: [f32; 4], n: [f32; 4]) -> [f32; 4] {
        lanes!(|i| x[i] * f32::from_bits(((n[i] as i32).wrapping_add(127) as u32) << 23))
    }
    #[inline(always)]
    unsafe fn lift(k: [f32; 4]) -> [f32; 4] {
        lanes!(|i: usize| f32::from_bits(k[i].to_bits() << 23))
    }
    #[inline(always)]
    unsafe fn round(x: [f32; 4]) -> [f32; 4] {
        // 1.5·2^23: the sum has no fraction bits, so the hardware rounds to an integer.
        const MAGIC: f32 = 12_582_912.0;
        lanes!(|i| (x[i] + MAGIC) - MAGIC)
    }
    #[inline(always)]
    unsafe fn keep_ge(a: [f32; 4], b: [f32; 4], x: [f32; 4]) -> [f32; 4] {
        lanes!(|i| if a[i] < b[i] { 0.0 } else { x[i] })
    }
    #[inline(always)]
    unsafe fn pick_gt(a: [f32; 4], b: [f32; 4], x: [f32; 4], y: [f32; 4]) -> [f32; 4] {
        lanes!(|i: usize| if a[i] > b[i] { x[i] } else { y[i] })
    }
    #[inline(always)]
    unsafe fn pick_ge(a: [f32; 4], b: [f32; 4], x: [f32; 4], y: [f32; 4]) -> [f32; 4] {
        lanes!(|i: usize| if a[i] >= b[i] { x[i] } else { y[i] })
    }
    #[inline(always)]
    unsafe fn pick_eq(a: [f32; 4], b: [f32; 4], x: [f32; 4], y: [f32; 4]) -> [f32; 4] {
        lanes!(|i: usize| if a[i] == b[i] { x[i] } else { y[i] })
    }
    #[inline(always)]
    unsafe fn div(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(|i| a[i] / b[i])
    }
    #[inline(always)]
    unsafe fn larger(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(|i: usize| if (a[i] > b[i]) | a[i].is_nan() { a[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn smaller(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        lanes!(|i: usize| if (a[i] < b[i]) | a[i].is_nan() { a[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn abs(x: [f32; 4]) -> [f32; 4] {
        lanes!(|i| f32::abs(x[i]))
    }
    #[inline(always)]
    unsafe fn neg(x: [f32; 4]) -> [f32; 4] {
        lanes!(|i: usize| -x[i])
    }
    #[inline(always)]
    unsafe fn store_u8(p: *mut u8, x: [f32; 4]) {
        for i in 0..4 {
            // SAFETY: four writable bytes.
            unsafe { *p.add(i) = x[i] as u8 }
        }
    }
}
