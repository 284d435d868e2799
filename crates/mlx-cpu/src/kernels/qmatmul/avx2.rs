//! AVX2: vectors of two lanes for the kernels of [`super::vector`].

use super::rows::RowTask;
use super::tiles::{Floats, Ints, Ops, Store};
use super::unpack;
use super::vector::{self, Vector};
use mlx_ir::QuantFormat;
use std::arch::x86_64::*;

pub(super) const OPS: Ops = Ops { lanes: 8, unpack: unpack_row, widen, ints, floats, store };

/// # Safety
/// As [`super::rows::kernel`], on a machine with AVX2, FMA and F16C.
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn run(t: &RowTask<'_>) {
    // SAFETY: the contract is passed on.
    unsafe { vector::rows::<Avx2>(t) }
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn unpack_row(f: QuantFormat, row: &[u8], levels: &mut [u8], scale: &mut [f32], min: &mut [f32]) {
    match f {
        QuantFormat::Q8_0 => unpack::row::<true>(f, row, levels, scale, min),
        _ => unpack::row::<false>(f, row, levels, scale, min),
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn widen(f: QuantFormat, row: &[u8], out: &mut [f32]) {
    unpack::floats(f, row, out);
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn ints(t: &Ints<'_>) {
    // SAFETY: the contract is passed on.
    unsafe { vector::ints::<Avx2>(t) }
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn floats(t: &Floats<'_>) {
    // SAFETY: the contract is passed on.
    unsafe { vector::floats::<Avx2>(t) }
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn store(t: &Store) {
    // SAFETY: the contract is passed on.
    unsafe { vector::store(t) }
}

struct Avx2;

// SAFETY of the blocks below: register operations, or loads and stores that the callers allow;
// the level is there by the contract of the trait.
impl Vector for Avx2 {
    const LANES: usize = 2;
    const INT_GROUPS: usize = 1;
    const FLOAT_ROWS: usize = 6;
    type B = __m256i;
    type I = __m256i;
    type F = __m256;

    #[inline(always)]
    unsafe fn load(p: *const u8) -> __m256i {
        // SAFETY: see above.
        unsafe { _mm256_loadu_si256(p.cast()) }
    }
    #[inline(always)]
    unsafe fn lanes(p: *const u8, step: usize) -> __m256i {
        // SAFETY: see above.
        unsafe {
            let low = _mm256_castsi128_si256(_mm_loadu_si128(p.cast()));
            _mm256_inserti128_si256::<1>(low, _mm_loadu_si128(p.add(step).cast()))
        }
    }
    #[inline(always)]
    unsafe fn repeat(p: *const u8) -> __m256i {
        // SAFETY: see above.
        unsafe { _mm256_set1_epi32(p.cast::<i32>().read_unaligned()) }
    }
    #[inline(always)]
    unsafe fn low_nibble(b: __m256i) -> __m256i {
        // SAFETY: see above.
        unsafe { _mm256_and_si256(b, _mm256_set1_epi8(15)) }
    }
    #[inline(always)]
    unsafe fn high_nibble(b: __m256i) -> __m256i {
        // SAFETY: see above.
        unsafe { _mm256_and_si256(_mm256_srli_epi16::<4>(b), _mm256_set1_epi8(15)) }
    }
    #[inline(always)]
    unsafe fn or(a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: see above.
        unsafe { _mm256_or_si256(a, b) }
    }
    #[inline(always)]
    unsafe fn fifth(b: __m256i, mask: u8) -> __m256i {
        // SAFETY: see above.
        unsafe {
            let bit = _mm256_set1_epi8(mask as i8);
            _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(b, bit), bit), _mm256_set1_epi8(16))
        }
    }
    #[inline(always)]
    unsafe fn pair_of_bits(b: __m256i, run: usize) -> __m256i {
        // SAFETY: see above.
        unsafe {
            let v = match run {
                0 => _mm256_slli_epi16::<4>(b),
                1 => _mm256_slli_epi16::<2>(b),
                2 => b,
                _ => _mm256_srli_epi16::<2>(b),
            };
            _mm256_and_si256(v, _mm256_set1_epi8(0x30))
        }
    }
    #[inline(always)]
    unsafe fn fifth_of_mask(p: *const u8, step: usize) -> __m256i {
        // SAFETY: see above.
        unsafe {
            let word = |p: *const u8| p.cast::<i16>().read_unaligned();
            let v = _mm256_set_m128i(_mm_set1_epi16(word(p.add(step))), _mm_set1_epi16(word(p)));
            let order = _mm_set_epi8(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0);
            let v = _mm256_shuffle_epi8(v, _mm256_set_m128i(order, order));
            let bit = _mm256_set1_epi64x(0x8040_2010_0804_0201u64 as i64);
            _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(v, bit), bit), _mm256_set1_epi8(16))
        }
    }
    #[inline(always)]
    unsafe fn int_zero() -> __m256i {
        // SAFETY: see above.
        unsafe { _mm256_setzero_si256() }
    }
    #[inline(always)]
    unsafe fn int_load(p: *const i32) -> __m256i {
        // SAFETY: see above.
        unsafe { _mm256_loadu_si256(p.cast()) }
    }
    #[inline(always)]
    unsafe fn int_add(a: __m256i, b: __m256i) -> __m256i {
        // SAFETY: see above.
        unsafe { _mm256_add_epi32(a, b) }
    }
    #[inline(always)]
    unsafe fn int_negative(a: __m256i, shift: u32) -> __m256i {
        // SAFETY: see above.
        unsafe { _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_sll_epi32(a, _mm_cvtsi32_si128(shift as i32))) }
    }
    #[inline(always)]
    unsafe fn dot(a: __m256i, w: __m256i, x: __m256i) -> __m256i {
        // Pairs reach 2 · 63 · 127 = 16002 at most: no saturation.
        // SAFETY: see above.
        unsafe { _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_maddubs_epi16(w, x), _mm256_set1_epi16(1))) }
    }
    #[inline(always)]
    unsafe fn dot_signed(a: __m256i, w: __m256i, x: __m256i) -> __m256i {
        // |w| as unsigned, its sign on x: 2 · 128 · 127 = 32512 at most.
        // SAFETY: see above.
        unsafe {
            let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(x, w));
            _mm256_add_epi32(a, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
        }
    }
    #[inline(always)]
    unsafe fn float(a: __m256i) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_cvtepi32_ps(a) }
    }
    #[inline(always)]
    unsafe fn zero() -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_setzero_ps() }
    }
    #[inline(always)]
    unsafe fn splat(v: f32) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_set1_ps(v) }
    }
    #[inline(always)]
    unsafe fn get(p: *const f32) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_loadu_ps(p) }
    }
    #[inline(always)]
    unsafe fn set(p: *mut f32, v: __m256) {
        // SAFETY: see above.
        unsafe { _mm256_storeu_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn spread(p: *const f32) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_set_m128(_mm_set1_ps(*p.add(1)), _mm_set1_ps(*p)) }
    }
    #[inline(always)]
    unsafe fn mul(a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn fma(a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn add(a: __m256, b: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sum(a: __m256) -> f32 {
        // SAFETY: see above.
        unsafe {
            let v = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let v = _mm_add_ps(v, _mm_movehl_ps(v, v));
            _mm_cvtss_f32(_mm_add_ss(v, _mm_movehdup_ps(v)))
        }
    }
    #[inline(always)]
    unsafe fn spread_f16(p: *const u8, step: usize) -> __m256 {
        // SAFETY: see above.
        unsafe {
            let half = |p: *const u8| p.cast::<u16>().read_unaligned() as i32;
            let two = _mm_cvtph_ps(_mm_cvtsi32_si128(half(p) | half(p.add(step)) << 16));
            _mm256_permutevar8x32_ps(_mm256_castps128_ps256(two), _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1))
        }
    }
    #[inline(always)]
    unsafe fn from_f16(p: *const u8) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(p.cast())) }
    }
    #[inline(always)]
    unsafe fn from_bf16(p: *const u8) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(_mm_loadu_si128(p.cast())))) }
    }
    #[inline(always)]
    unsafe fn prefetch(p: *const u8) {
        // SAFETY: a prefetch reads nothing, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.cast()) }
    }
}
