//! Vectors of f32 behind one trait, so that a kernel body is written once and compiled for each level.
//!
//! A kernel is a struct with its arguments that implements [`Body`]; [`dispatch`] enters a function compiled with
//! the level's features and inlines the body there. Bodies and trait functions are therefore `inline(always)`.

use crate::Isa;
use crate::level::{self, Level};
use half::{bf16, f16};

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

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Body, Simd};
    use crate::level;
    use half::{bf16, f16};
    use std::arch::x86_64::*;

    /// # Safety
    /// The machine has the features of `Isa::Avx512`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
    pub(super) unsafe fn avx512<K: Body>(k: K) -> K::Out {
        // SAFETY: this function is compiled with the level's features.
        unsafe { k.run::<Avx512>() }
    }

    /// # Safety
    /// The machine has the features of [`Isa::Avx2`].
    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) unsafe fn avx2<K: Body>(k: K) -> K::Out {
        // SAFETY: this function is compiled with the level's features.
        unsafe { k.run::<Avx2>() }
    }

    /// Eight lanes.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx2;
    /// Sixteen lanes.
    #[derive(Clone, Copy)]
    pub(crate) struct Avx512;

    macro_rules! f {
        ($name:ident($($a:ident: $t:ty),*) -> $r:ty, $e:expr) => {
            #[inline(always)]
            unsafe fn $name($($a: $t),*) -> $r {
                // SAFETY: the trait's demands: the features are there and pointers reach N elements.
                unsafe { $e }
            }
        };
    }

    impl Simd for Avx2 {
        const N: usize = 8;
        const FUSED: bool = true;
        type Level = level::Avx2;
        type F = __m256;
        f!(splat(x: f32) -> __m256, _mm256_set1_ps(x));
        f!(prefetch(p: *const f32) -> (), _mm_prefetch::<_MM_HINT_T0>(p.cast()));
        f!(load(p: *const f32) -> __m256, _mm256_loadu_ps(p));
        f!(store(p: *mut f32, x: __m256) -> (), _mm256_storeu_ps(p, x));
        f!(stream(p: *mut f32, x: __m256) -> (), _mm256_stream_ps(p, x));
        f!(swap(x: __m256) -> __m256, _mm256_permute_ps::<0b10_11_00_01>(x));
        f!(add(a: __m256, b: __m256) -> __m256, _mm256_add_ps(a, b));
        f!(sub(a: __m256, b: __m256) -> __m256, _mm256_sub_ps(a, b));
        f!(mul(a: __m256, b: __m256) -> __m256, _mm256_mul_ps(a, b));
        f!(fma(a: __m256, b: __m256, c: __m256) -> __m256, _mm256_fmadd_ps(a, b, c));
        f!(max(a: __m256, b: __m256) -> __m256, _mm256_max_ps(a, b));
        f!(load_f16(p: *const f16) -> __m256, _mm256_cvtph_ps(_mm_loadu_si128(p.cast())));
        f!(load_bf16(p: *const bf16) -> __m256, {
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(_mm_loadu_si128(p.cast()))))
        });
        f!(store_f16(p: *mut f16, x: __m256) -> (), _mm_storeu_si128(p.cast(), _mm256_cvtps_ph::<0>(x)));
        f!(store_bf16(p: *mut bf16, x: __m256) -> (), {
            let b = _mm256_castps_si256(x);
            let odd = _mm256_and_si256(_mm256_srli_epi32::<16>(b), _mm256_set1_epi32(1));
            let up = _mm256_add_epi32(b, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
            let nan = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(x, x));
            let quiet = _mm256_or_si256(b, _mm256_set1_epi32(0x40_0000));
            let r = _mm256_srli_epi32::<16>(_mm256_blendv_epi8(up, quiet, nan));
            let r = _mm256_permute4x64_epi64::<0b1000>(_mm256_packus_epi32(r, r));
            _mm_storeu_si128(p.cast(), _mm256_castsi256_si128(r));
        });
        f!(load_u8(p: *const u8) -> __m256, _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(p.cast()))));
        f!(load_i8(p: *const i8) -> __m256, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(p.cast()))));
        f!(splat_f16(p: *const f16) -> __m256, _mm256_cvtph_ps(_mm_set1_epi16(p.cast::<i16>().read_unaligned())));
        f!(scale2(x: __m256, n: __m256) -> __m256, {
            let e = _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)));
            _mm256_mul_ps(x, _mm256_castsi256_ps(e))
        });
        f!(lift(k: __m256) -> __m256, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_castps_si256(k))));
        f!(round(x: __m256) -> __m256, _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x));
        f!(keep_ge(a: __m256, b: __m256, x: __m256) -> __m256, {
            _mm256_andnot_ps(_mm256_cmp_ps::<_CMP_LT_OQ>(a, b), x)
        });
        f!(div(a: __m256, b: __m256) -> __m256, _mm256_div_ps(a, b));
        f!(larger(a: __m256, b: __m256) -> __m256, {
            _mm256_blendv_ps(_mm256_max_ps(a, b), a, _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a))
        });
        f!(smaller(a: __m256, b: __m256) -> __m256, {
            _mm256_blendv_ps(_mm256_min_ps(a, b), a, _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a))
        });
        f!(abs(x: __m256) -> __m256, _mm256_andnot_ps(_mm256_set1_ps(-0.0), x));
        f!(neg(x: __m256) -> __m256, _mm256_xor_ps(_mm256_set1_ps(-0.0), x));
        f!(store_u8(p: *mut u8, x: __m256) -> (), {
            let w = _mm256_cvtps_epi32(x);
            let h = _mm_packs_epi32(_mm256_castsi256_si128(w), _mm256_extracti128_si256::<1>(w));
            _mm_storel_epi64(p.cast(), _mm_packus_epi16(h, h))
        });
        f!(transpose4(r: [__m256; 4], out: *mut f32, ld: usize) -> (), {
            let (a, b) = (_mm256_unpacklo_ps(r[0], r[1]), _mm256_unpackhi_ps(r[0], r[1]));
            let (c, d) = (_mm256_unpacklo_ps(r[2], r[3]), _mm256_unpackhi_ps(r[2], r[3]));
            let (a, b, c, d) =
                (_mm256_castps_pd(a), _mm256_castps_pd(b), _mm256_castps_pd(c), _mm256_castps_pd(d));
            // Lane 4·l + i of the rows is now quarter l of the i-th of these.
            let q = [
                _mm256_unpacklo_pd(a, c),
                _mm256_unpackhi_pd(a, c),
                _mm256_unpacklo_pd(b, d),
                _mm256_unpackhi_pd(b, d),
            ];
            for i in 0..4 {
                let v = _mm256_castpd_ps(q[i]);
                _mm_storeu_ps(out.add(i * ld), _mm256_castps256_ps128(v));
                _mm_storeu_ps(out.add((4 + i) * ld), _mm256_extractf128_ps::<1>(v));
            }
        });
    }

    impl Simd for Avx512 {
        const N: usize = 16;
        const FUSED: bool = true;
        const REGISTERS: usize = 32;
        type Level = level::Avx512;
        type F = __m512;
        f!(splat(x: f32) -> __m512, _mm512_set1_ps(x));
        f!(prefetch(p: *const f32) -> (), _mm_prefetch::<_MM_HINT_T0>(p.cast()));
        f!(load(p: *const f32) -> __m512, _mm512_loadu_ps(p));
        f!(store(p: *mut f32, x: __m512) -> (), _mm512_storeu_ps(p, x));
        f!(stream(p: *mut f32, x: __m512) -> (), _mm512_stream_ps(p, x));
        f!(swap(x: __m512) -> __m512, _mm512_permute_ps::<0b10_11_00_01>(x));
        f!(add(a: __m512, b: __m512) -> __m512, _mm512_add_ps(a, b));
        f!(sub(a: __m512, b: __m512) -> __m512, _mm512_sub_ps(a, b));
        f!(mul(a: __m512, b: __m512) -> __m512, _mm512_mul_ps(a, b));
        f!(fma(a: __m512, b: __m512, c: __m512) -> __m512, _mm512_fmadd_ps(a, b, c));
        f!(max(a: __m512, b: __m512) -> __m512, _mm512_max_ps(a, b));
        f!(load_f16(p: *const f16) -> __m512, _mm512_cvtph_ps(_mm256_loadu_si256(p.cast())));
        f!(load_bf16(p: *const bf16) -> __m512, {
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(_mm256_loadu_si256(p.cast()))))
        });
        f!(store_f16(p: *mut f16, x: __m512) -> (), _mm256_storeu_si256(p.cast(), _mm512_cvtps_ph::<0>(x)));
        f!(store_bf16(p: *mut bf16, x: __m512) -> (), {
            let b = _mm512_castps_si512(x);
            let odd = _mm512_and_si512(_mm512_srli_epi32::<16>(b), _mm512_set1_epi32(1));
            let up = _mm512_add_epi32(b, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
            let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(x, x);
            let r = _mm512_mask_or_epi32(up, nan, b, _mm512_set1_epi32(0x40_0000));
            _mm256_storeu_si256(p.cast(), _mm512_cvtepi32_epi16(_mm512_srli_epi32::<16>(r)));
        });
        f!(load_u8(p: *const u8) -> __m512, _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(p.cast()))));
        f!(load_i8(p: *const i8) -> __m512, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(p.cast()))));
        f!(splat_f16(p: *const f16) -> __m512, _mm512_cvtph_ps(_mm256_set1_epi16(p.cast::<i16>().read_unaligned())));
        f!(scale2(x: __m512, n: __m512) -> __m512, _mm512_scalef_ps(x, n));
        f!(lift(k: __m512) -> __m512, _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(k))));
        f!(round(x: __m512) -> __m512, _mm512_roundscale_ps::<0>(x));
        f!(keep_ge(a: __m512, b: __m512, x: __m512) -> __m512, {
            _mm512_maskz_mov_ps(!_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b), x)
        });
        f!(div(a: __m512, b: __m512) -> __m512, _mm512_div_ps(a, b));
        f!(larger(a: __m512, b: __m512) -> __m512, {
            _mm512_mask_mov_ps(_mm512_max_ps(a, b), _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, a), a)
        });
        f!(smaller(a: __m512, b: __m512) -> __m512, {
            _mm512_mask_mov_ps(_mm512_min_ps(a, b), _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(a, a), a)
        });
        f!(abs(x: __m512) -> __m512, _mm512_abs_ps(x));
        f!(neg(x: __m512) -> __m512, _mm512_xor_ps(_mm512_set1_ps(-0.0), x));
        f!(store_u8(p: *mut u8, x: __m512) -> (), {
            _mm_storeu_si128(p.cast(), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x)))
        });
        f!(transpose4(r: [__m512; 4], out: *mut f32, ld: usize) -> (), {
            let (a, b) = (_mm512_unpacklo_ps(r[0], r[1]), _mm512_unpackhi_ps(r[0], r[1]));
            let (c, d) = (_mm512_unpacklo_ps(r[2], r[3]), _mm512_unpackhi_ps(r[2], r[3]));
            let (a, b, c, d) =
                (_mm512_castps_pd(a), _mm512_castps_pd(b), _mm512_castps_pd(c), _mm512_castps_pd(d));
            // Lane 4·l + i of the rows is now quarter l of the i-th of these.
            let q = [
                _mm512_unpacklo_pd(a, c),
                _mm512_unpackhi_pd(a, c),
                _mm512_unpacklo_pd(b, d),
                _mm512_unpackhi_pd(b, d),
            ];
            for i in 0..4 {
                let v = _mm512_castpd_ps(q[i]);
                _mm_storeu_ps(out.add(i * ld), _mm512_castps512_ps128(v));
                _mm_storeu_ps(out.add((4 + i) * ld), _mm512_extractf32x4_ps::<1>(v));
                _mm_storeu_ps(out.add((8 + i) * ld), _mm512_extractf32x4_ps::<2>(v));
                _mm_storeu_ps(out.add((12 + i) * ld), _mm512_extractf32x4_ps::<3>(v));
            }
        });
        f!(sum(x: __m512) -> f32, _mm512_reduce_add_ps(x));
        f!(load_part(p: *const f32, n: usize) -> __m512, _mm512_maskz_loadu_ps((1u16 << n) - 1, p));
        f!(store_part(p: *mut f32, x: __m512, n: usize) -> (), _mm512_mask_storeu_ps(p, (1u16 << n) - 1, x));
    }
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use super::{Body, Simd};
    use crate::level;
    use half::{bf16, f16};
    use std::arch::aarch64::*;
    use std::arch::asm;

    /// # Safety
    /// The machine has NEON.
    #[target_feature(enable = "neon")]
    pub(super) unsafe fn neon<K: Body>(k: K) -> K::Out {
        // SAFETY: this function is compiled with the level's features.
        unsafe { k.run::<Neon>() }
    }

    /// Four lanes.
    #[derive(Clone, Copy)]
    pub(crate) struct Neon;

    macro_rules! f {
        ($name:ident($($a:ident: $t:ty),*) -> $r:ty, $e:expr) => {
            #[inline(always)]
            unsafe fn $name($($a: $t),*) -> $r {
                // SAFETY: the trait's demands: the features are there and pointers reach N elements.
                unsafe { $e }
            }
        };
    }

    /// # Safety
    /// The machine has NEON.
    #[inline(always)]
    unsafe fn widen(h: uint16x4_t) -> float32x4_t {
        let out: float32x4_t;
        // SAFETY: an instruction of the baseline, on registers alone.
        unsafe {
            asm!("fcvtl {o:v}.4s, {i:v}.4h", o = out(vreg) out, i = in(vreg) h, options(pure, nomem, nostack, preserves_flags));
        }
        out
    }

    impl Simd for Neon {
        const N: usize = 4;
        const FUSED: bool = true;
        const REGISTERS: usize = 32;
        type Level = level::Neon;
        type F = float32x4_t;
        f!(splat(x: f32) -> float32x4_t, vdupq_n_f32(x));
        f!(load(p: *const f32) -> float32x4_t, vld1q_f32(p));
        f!(store(p: *mut f32, x: float32x4_t) -> (), vst1q_f32(p, x));
        f!(swap(x: float32x4_t) -> float32x4_t, vrev64q_f32(x));
        f!(add(a: float32x4_t, b: float32x4_t) -> float32x4_t, vaddq_f32(a, b));
        f!(sub(a: float32x4_t, b: float32x4_t) -> float32x4_t, vsubq_f32(a, b));
        f!(mul(a: float32x4_t, b: float32x4_t) -> float32x4_t, vmulq_f32(a, b));
        f!(fma(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t, vfmaq_f32(c, a, b));
        f!(max(a: float32x4_t, b: float32x4_t) -> float32x4_t, vmaxq_f32(a, b));
        // The f16 conversions of the baseline, written as the instruction: the intrinsics want the f16 type.
        f!(load_f16(p: *const f16) -> float32x4_t, widen(vld1_u16(p.cast())));
        f!(splat_f16(p: *const f16) -> float32x4_t, widen(vld1_dup_u16(p.cast())));
        f!(load_bf16(p: *const bf16) -> float32x4_t, vreinterpretq_f32_u32(vshll_n_u16::<16>(vld1_u16(p.cast()))));
        f!(store_f16(p: *mut f16, x: float32x4_t) -> (), {
            let out: uint16x4_t;
            asm!("fcvtn {o:v}.4h, {i:v}.4s", o = out(vreg) out, i = in(vreg) x, options(pure, nomem, nostack, preserves_flags));
            vst1_u16(p.cast(), out)
        });
        f!(store_bf16(p: *mut bf16, x: float32x4_t) -> (), {
            let b = vreinterpretq_u32_f32(x);
            let odd = vandq_u32(vshrq_n_u32::<16>(b), vdupq_n_u32(1));
            let up = vaddq_u32(b, vaddq_u32(odd, vdupq_n_u32(0x7fff)));
            let quiet = vorrq_u32(b, vdupq_n_u32(0x40_0000));
            vst1_u16(p.cast(), vshrn_n_u32::<16>(vbslq_u32(vceqq_f32(x, x), up, quiet)))
        });
        f!(load_u8(p: *const u8) -> float32x4_t, {
            let w = p.cast::<u32>().read_unaligned();
            vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(w as u64)))))
        });
        f!(load_i8(p: *const i8) -> float32x4_t, {
            let w = p.cast::<u32>().read_unaligned();
            vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vcreate_s8(w as u64)))))
        });
        f!(scale2(x: float32x4_t, n: float32x4_t) -> float32x4_t, {
            let e = vshlq_n_s32::<23>(vaddq_s32(vcvtq_s32_f32(n), vdupq_n_s32(127)));
            vmulq_f32(x, vreinterpretq_f32_s32(e))
        });
        f!(lift(k: float32x4_t) -> float32x4_t, {
            vreinterpretq_f32_s32(vshlq_n_s32::<23>(vreinterpretq_s32_f32(k)))
        });
        f!(round(x: float32x4_t) -> float32x4_t, vrndnq_f32(x));
        f!(keep_ge(a: float32x4_t, b: float32x4_t, x: float32x4_t) -> float32x4_t, {
            vreinterpretq_f32_u32(vbicq_u32(vreinterpretq_u32_f32(x), vcltq_f32(a, b)))
        });
        f!(div(a: float32x4_t, b: float32x4_t) -> float32x4_t, vdivq_f32(a, b));
        f!(larger(a: float32x4_t, b: float32x4_t) -> float32x4_t, {
            vbslq_f32(vorrq_u32(vcgtq_f32(a, b), vmvnq_u32(vceqq_f32(a, a))), a, b)
        });
        f!(smaller(a: float32x4_t, b: float32x4_t) -> float32x4_t, {
            vbslq_f32(vorrq_u32(vcltq_f32(a, b), vmvnq_u32(vceqq_f32(a, a))), a, b)
        });
        f!(abs(x: float32x4_t) -> float32x4_t, vabsq_f32(x));
        f!(neg(x: float32x4_t) -> float32x4_t, vnegq_f32(x));
        f!(store_u8(p: *mut u8, x: float32x4_t) -> (), {
            let h = vmovn_u32(vcvtnq_u32_f32(x));
            let b = vmovn_u16(vcombine_u16(h, h));
            p.cast::<u32>().write_unaligned(vget_lane_u32::<0>(vreinterpret_u32_u8(b)))
        });
        f!(transpose4(r: [float32x4_t; 4], out: *mut f32, ld: usize) -> (), {
            let (a, b) = (vtrn1q_f32(r[0], r[1]), vtrn2q_f32(r[0], r[1]));
            let (c, d) = (vtrn1q_f32(r[2], r[3]), vtrn2q_f32(r[2], r[3]));
            let pair = |x, y| (vreinterpretq_f64_f32(x), vreinterpretq_f64_f32(y));
            let ((a, c), (b, d)) = (pair(a, c), pair(b, d));
            vst1q_f32(out, vreinterpretq_f32_f64(vtrn1q_f64(a, c)));
            vst1q_f32(out.add(ld), vreinterpretq_f32_f64(vtrn1q_f64(b, d)));
            vst1q_f32(out.add(2 * ld), vreinterpretq_f32_f64(vtrn2q_f64(a, c)));
            vst1q_f32(out.add(3 * ld), vreinterpretq_f32_f64(vtrn2q_f64(b, d)));
        });
    }
}
