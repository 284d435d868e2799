//! The vectors of x86-64: AVX2 and AVX-512.

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
    f!(twice(p: *const f32) -> __m256, {
        let x = _mm256_castps128_ps256(_mm_loadu_ps(p));
        _mm256_permutevar8x32_ps(x, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3))
    });
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
    f!(load_nibbles(p: *const u8) -> (__m256, __m256), {
        let b = _mm256_cvtepu8_epi32(_mm_loadl_epi64(p.cast()));
        let low = _mm256_and_si256(b, _mm256_set1_epi32(15));
        (_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(_mm256_srli_epi32::<4>(b)))
    });
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
    f!(pick_gt(a: __m256, b: __m256, x: __m256, y: __m256) -> __m256, {
        _mm256_blendv_ps(y, x, _mm256_cmp_ps::<_CMP_GT_OQ>(a, b))
    });
    f!(pick_ge(a: __m256, b: __m256, x: __m256, y: __m256) -> __m256, {
        _mm256_blendv_ps(y, x, _mm256_cmp_ps::<_CMP_GE_OQ>(a, b))
    });
    f!(pick_eq(a: __m256, b: __m256, x: __m256, y: __m256) -> __m256, {
        _mm256_blendv_ps(y, x, _mm256_cmp_ps::<_CMP_EQ_OQ>(a, b))
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
    f!(turn(m: &mut [__m256; 16]) -> (), {
        let pair = |a, b| (_mm256_castps_pd(_mm256_unpacklo_ps(a, b)), _mm256_castps_pd(_mm256_unpackhi_ps(a, b)));
        let mut q = *m;
        for g in (0..8).step_by(4) {
            let ((a, b), (c, d)) = (pair(m[g], m[g + 1]), pair(m[g + 2], m[g + 3]));
            q[g] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, c));
            q[g + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, c));
            q[g + 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(b, d));
            q[g + 3] = _mm256_castpd_ps(_mm256_unpackhi_pd(b, d));
        }
        for i in 0..4 {
            m[i] = _mm256_permute2f128_ps::<0x20>(q[i], q[4 + i]);
            m[4 + i] = _mm256_permute2f128_ps::<0x31>(q[i], q[4 + i]);
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
    f!(twice(p: *const f32) -> __m512, {
        let x = _mm512_castps256_ps512(_mm256_loadu_ps(p));
        _mm512_permutexvar_ps(_mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7), x)
    });
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
    f!(load_nibbles(p: *const u8) -> (__m512, __m512), {
        let b = _mm512_cvtepu8_epi32(_mm_loadu_si128(p.cast()));
        let low = _mm512_and_si512(b, _mm512_set1_epi32(15));
        (_mm512_cvtepi32_ps(low), _mm512_cvtepi32_ps(_mm512_srli_epi32::<4>(b)))
    });
    f!(load_i8(p: *const i8) -> __m512, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(p.cast()))));
    f!(splat_f16(p: *const f16) -> __m512, _mm512_cvtph_ps(_mm256_set1_epi16(p.cast::<i16>().read_unaligned())));
    f!(scale2(x: __m512, n: __m512) -> __m512, _mm512_scalef_ps(x, n));
    f!(lift(k: __m512) -> __m512, _mm512_castsi512_ps(_mm512_slli_epi32::<23>(_mm512_castps_si512(k))));
    f!(round(x: __m512) -> __m512, _mm512_roundscale_ps::<0>(x));
    f!(keep_ge(a: __m512, b: __m512, x: __m512) -> __m512, {
        _mm512_maskz_mov_ps(!_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b), x)
    });
    f!(pick_gt(a: __m512, b: __m512, x: __m512, y: __m512) -> __m512, {
        _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), x)
    });
    f!(pick_ge(a: __m512, b: __m512, x: __m512, y: __m512) -> __m512, {
        _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask::<_CMP_GE_OQ>(a, b), x)
    });
    f!(pick_eq(a: __m512, b: __m512, x: __m512, y: __m512) -> __m512, {
        _mm512_mask_mov_ps(y, _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b), x)
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
    f!(turn(m: &mut [__m512; 16]) -> (), {
        let pair = |a, b| (_mm512_castps_pd(_mm512_unpacklo_ps(a, b)), _mm512_castps_pd(_mm512_unpackhi_ps(a, b)));
        let mut q = *m;
        for g in (0..16).step_by(4) {
            let ((a, b), (c, d)) = (pair(m[g], m[g + 1]), pair(m[g + 2], m[g + 3]));
            q[g] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
            q[g + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
            q[g + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
            q[g + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
        }
        // Lane 4·l + i of rows g to g + 3 is now quarter l of q[g + i].
        for i in 0..4 {
            let even = |a, b| _mm512_shuffle_f32x4::<0x88>(a, b);
            let odd = |a, b| _mm512_shuffle_f32x4::<0xdd>(a, b);
            let (a, b) = (even(q[i], q[4 + i]), even(q[8 + i], q[12 + i]));
            let (c, d) = (odd(q[i], q[4 + i]), odd(q[8 + i], q[12 + i]));
            (m[i], m[8 + i]) = (even(a, b), odd(a, b));
            (m[4 + i], m[12 + i]) = (even(c, d), odd(c, d));
        }
    });
    f!(sum(x: __m512) -> f32, _mm512_reduce_add_ps(x));
    f!(load_or(p: *const f32, n: usize, none: f32) -> __m512, {
        _mm512_mask_loadu_ps(_mm512_set1_ps(none), ((1u32 << n) - 1) as u16, p)
    });
    f!(load_part(p: *const f32, n: usize) -> __m512, _mm512_maskz_loadu_ps((1u16 << n) - 1, p));
    f!(store_part(p: *mut f32, x: __m512, n: usize) -> (), _mm512_mask_storeu_ps(p, (1u16 << n) - 1, x));
}
