//! Row kernels for AVX-512 with VNNI.
//!
//! Four blocks of 32 (one 16-byte lane each) or a super-block of 256 at a time; the integer sums
//! of 16 lanes become floats once per step and are scaled lane by lane.

use super::layout::{Quad, Super, Super6, View};
use super::rows::{PASS, RowTask};
use mlx_ir::QuantFormat;
use std::arch::x86_64::*;

/// How far ahead of the read position weights are fetched.
const AHEAD: usize = 1536;
/// Weight rows that are read at the same time: see [`RowTask::streams`].
const STREAMS: usize = 8;

/// # Safety
/// As [`super::rows::kernel`], on a machine with AVX-512 F, BW, VL, DQ and VNNI.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
pub(super) unsafe fn run(t: &RowTask<'_>) {
    for i in (0..t.m).step_by(PASS) {
        // SAFETY: the contract is passed on; rows `i` to `i + 3` are checked against `m`.
        unsafe {
            match t.m - i {
                1 => pass::<1>(t, i),
                2 => pass::<2>(t, i),
                3 => pass::<3>(t, i),
                _ => pass::<4>(t, i),
            }
        }
    }
}

/// Activations `i .. i + M`.
///
/// # Safety
/// As [`run`], and `i + M <= m`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
unsafe fn pass<const M: usize>(t: &RowTask<'_>, i: usize) {
    // SAFETY: the view has the records of all rows, by the contract.
    unsafe {
        match (t.view, t.format) {
            (View::Quads(a), QuantFormat::Q4_0) => quad_rows::<Q40, M>(t, a, i),
            (View::Quads(a), QuantFormat::Q4_1) => quad_rows::<Q41, M>(t, a, i),
            (View::Quads(a), QuantFormat::Q5_0) => quad_rows::<Q50, M>(t, a, i),
            (View::Quads(a), _) => quad_rows::<Q80, M>(t, a, i),
            (View::Supers(a), QuantFormat::Q4_K) => super_rows::<false, M>(t, a, i),
            (View::Supers(a), _) => super_rows::<true, M>(t, a, i),
            (View::Supers6(a), _) => super6_rows::<M>(t, a, i),
            (View::Plain, QuantFormat::F32) => float_rows::<F32, M>(t, i),
            (View::Plain, QuantFormat::F16) => float_rows::<F16, M>(t, i),
            (View::Plain, _) => float_rows::<BF16, M>(t, i),
        }
    }
}

/// Four blocks, unpacked.
struct Unpacked {
    /// Unsigned levels: the first 16 of each block, the last 16 of each.
    low: __m512i,
    high: __m512i,
    /// Scale and minimum of each block, four times; zero where the mask is.
    scale: __m512,
    min: __m512,
}

trait QuadFormat {
    const BYTES: usize;
    const OFFSET: bool;
    /// # Safety
    /// Four blocks can be read at `p`.
    unsafe fn load(p: *const u8, mask: __mmask32) -> Unpacked;
}

/// The 16 bytes at `p + at` of four blocks of `BYTES`.
#[inline(always)]
unsafe fn lanes<const BYTES: usize>(p: *const u8, at: usize) -> __m512i {
    // SAFETY: inside the four blocks, by the caller.
    unsafe {
        let lane = |b: usize| _mm_loadu_si128(p.add(b * BYTES + at).cast());
        let v = _mm512_castsi128_si512(lane(0));
        let v = _mm512_inserti32x4::<1>(v, lane(1));
        let v = _mm512_inserti32x4::<2>(v, lane(2));
        _mm512_inserti32x4::<3>(v, lane(3))
    }
}

/// Word indices `start + step * block`, each four times.
const fn words(start: i16, step: i16) -> [i16; 32] {
    let mut v = [0; 32];
    let mut i = 0;
    while i < 16 {
        v[i] = start + step * (i as i16 / 4);
        i += 1;
    }
    v
}

#[inline(always)]
unsafe fn index(words: &[i16; 32]) -> __m512i {
    // SAFETY: 64 bytes.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

/// The f16 at the given words of `v`, widened; zero where the mask is.
#[inline(always)]
unsafe fn halves(mask: __mmask32, words: &[i16; 32], v: __m512i) -> __m512 {
    // SAFETY: register operations.
    unsafe { _mm512_cvtph_ps(_mm512_castsi512_si256(_mm512_maskz_permutexvar_epi16(mask, index(words), v))) }
}

#[inline(always)]
unsafe fn split(v: __m512i) -> (__m512i, __m512i) {
    // SAFETY: register operations.
    unsafe {
        let nibble = _mm512_set1_epi8(15);
        (_mm512_and_si512(v, nibble), _mm512_and_si512(_mm512_srli_epi16::<4>(v), nibble))
    }
}

struct Q40;
impl QuadFormat for Q40 {
    const BYTES: usize = 18;
    const OFFSET: bool = true;
    #[inline(always)]
    unsafe fn load(p: *const u8, mask: __mmask32) -> Unpacked {
        const SCALES: [i16; 32] = words(0, 9);
        // SAFETY: 72 bytes can be read.
        unsafe {
            let (low, high) = split(lanes::<18>(p, 2));
            let scale = halves(mask, &SCALES, _mm512_loadu_si512(p.cast()));
            Unpacked { low, high, scale, min: _mm512_setzero_ps() }
        }
    }
}

struct Q41;
impl QuadFormat for Q41 {
    const BYTES: usize = 20;
    const OFFSET: bool = false;
    #[inline(always)]
    unsafe fn load(p: *const u8, mask: __mmask32) -> Unpacked {
        const SCALES: [i16; 32] = words(0, 10);
        const MINS: [i16; 32] = words(1, 10);
        // SAFETY: 80 bytes can be read.
        unsafe {
            let (low, high) = split(lanes::<20>(p, 4));
            let raw = _mm512_loadu_si512(p.cast());
            Unpacked { low, high, scale: halves(mask, &SCALES, raw), min: halves(mask, &MINS, raw) }
        }
    }
}

struct Q50;
impl QuadFormat for Q50 {
    const BYTES: usize = 22;
    const OFFSET: bool = true;
    #[inline(always)]
    unsafe fn load(p: *const u8, mask: __mmask32) -> Unpacked {
        const SCALES: [i16; 32] = words(0, 8);
        // SAFETY: 88 bytes can be read.
        unsafe {
            let head = lanes::<22>(p, 0);
            let (low, high) = split(lanes::<22>(p, 6));
            // Bytes 2 and 3 of a lane hold the fifth bits of the first 16, bytes 4 and 5 of the last.
            let spread = |a: i8, b: i8| {
                let at = _mm_set_epi8(b, b, b, b, b, b, b, b, a, a, a, a, a, a, a, a);
                _mm512_shuffle_epi8(head, _mm512_broadcast_i32x4(at))
            };
            let bit = _mm512_set1_epi64(0x8040_2010_0804_0201u64 as i64);
            let (k0, k1) = (_mm512_test_epi8_mask(spread(2, 3), bit), _mm512_test_epi8_mask(spread(4, 5), bit));
            let fifth = _mm512_set1_epi8(16);
            Unpacked {
                low: _mm512_mask_add_epi8(low, k0, low, fifth),
                high: _mm512_mask_add_epi8(high, k1, high, fifth),
                scale: halves(mask, &SCALES, head),
                min: _mm512_setzero_ps(),
            }
        }
    }
}

struct Q80;
impl QuadFormat for Q80 {
    const BYTES: usize = 34;
    const OFFSET: bool = true;
    #[inline(always)]
    unsafe fn load(p: *const u8, mask: __mmask32) -> Unpacked {
        const SCALES: [i16; 32] = words(0, 17);
        // SAFETY: 136 bytes can be read.
        unsafe {
            let flip = _mm512_set1_epi8(-128);
            let (a, b) = (_mm512_loadu_si512(p.cast()), _mm512_loadu_si512(p.add(64).cast()));
            let d = _mm512_maskz_permutex2var_epi16(mask, a, index(&SCALES), b);
            Unpacked {
                low: _mm512_xor_si512(lanes::<34>(p, 2), flip),
                high: _mm512_xor_si512(lanes::<34>(p, 18), flip),
                scale: _mm512_cvtph_ps(_mm512_castsi512_si256(d)),
                min: _mm512_setzero_ps(),
            }
        }
    }
}

/// One step of four blocks.
///
/// # Safety
/// Four blocks can be read at `p`; the records are there.
#[inline(always)]
unsafe fn quad_step<F: QuadFormat, const M: usize>(
    p: *const u8,
    mask: __mmask32,
    a: &[*const Quad; M],
    at: usize,
    sums: &mut [__m512; M],
) {
    // SAFETY: by the contract.
    unsafe {
        let w = F::load(p, mask);
        for i in 0..M {
            let x = a[i].add(at);
            let start = if F::OFFSET { _mm512_load_si512((*x).start.as_ptr().cast()) } else { _mm512_setzero_si512() };
            let dot = _mm512_dpbusd_epi32(start, w.low, _mm512_load_si512((*x).q.as_ptr().cast()));
            let dot = _mm512_dpbusd_epi32(dot, w.high, _mm512_load_si512((*x).q.as_ptr().add(64).cast()));
            let scale = _mm512_mul_ps(w.scale, _mm512_load_ps((*x).scale.as_ptr()));
            sums[i] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(dot), scale, sums[i]);
            if !F::OFFSET {
                sums[i] = _mm512_fmadd_ps(w.min, _mm512_load_ps((*x).sum.as_ptr()), sums[i]);
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
unsafe fn quad_rows<F: QuadFormat, const M: usize>(t: &RowTask<'_>, a: &[Quad], i: usize) {
    let a: [*const Quad; M] = records(a, i, t.k.div_ceil(128));
    let (apart, rest) = t.streams(M, STREAMS);
    // SAFETY: the contract is passed on; both loops together take each row once.
    unsafe {
        for r in t.rows.start..t.rows.start + apart {
            quad_streams::<F, M, STREAMS>(t, &a, i, r, apart);
        }
        for r in rest {
            quad_streams::<F, M, 1>(t, &a, i, r, 0);
        }
    }
}

/// The records of activation rows `i .. i + M`.
fn records<T, const M: usize>(a: &[T], i: usize, per_row: usize) -> [*const T; M] {
    std::array::from_fn(|j| a[(i + j) * per_row..][..per_row].as_ptr())
}

/// Writes the sums of rows `r`, `r + apart`, ….
#[inline(always)]
unsafe fn put_all<const M: usize, const R: usize>(
    t: &RowTask<'_>,
    i: usize,
    r: usize,
    apart: usize,
    sums: &[[__m512; M]; R],
) {
    for (n, sums) in sums.iter().enumerate() {
        for (j, s) in sums.iter().enumerate() {
            // SAFETY: rows of the task and of the activations.
            unsafe { t.out.put(i + j, r + n * apart, _mm512_reduce_add_ps(*s)) };
        }
    }
}

/// Rows `r`, `r + apart`, … (`R` of them).
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
unsafe fn quad_streams<F: QuadFormat, const M: usize, const R: usize>(
    t: &RowTask<'_>,
    a: &[*const Quad; M],
    i: usize,
    r: usize,
    apart: usize,
) {
    let (full, rest) = (t.k / 128, t.k % 128 / 32);
    let end = t.weights.as_ptr_range().end;
    // SAFETY: the rows are inside the weights. The last step reads four blocks where `rest`
    // are the row's: from the following rows if there are enough bytes, else from a copy. The
    // mask zeroes the scales of the others, and their activations are zero.
    unsafe {
        let first = t.weights.as_ptr().add(r * t.row_bytes);
        let mut sums = [[_mm512_setzero_ps(); M]; R];
        for s in 0..full {
            for (n, sums) in sums.iter_mut().enumerate() {
                let p = first.add(n * apart * t.row_bytes + s * 4 * F::BYTES);
                fetch::<192>(p, 4 * F::BYTES);
                quad_step::<F, M>(p, !0, a, s, sums);
            }
        }
        if rest > 0 {
            let mut last = [0u8; 192];
            for (n, sums) in sums.iter_mut().enumerate() {
                let mut p = first.add(n * apart * t.row_bytes + full * 4 * F::BYTES);
                if (end as usize) - (p as usize) < 4 * F::BYTES {
                    std::ptr::copy_nonoverlapping(p, last.as_mut_ptr(), rest * F::BYTES);
                    p = last.as_ptr();
                }
                quad_step::<F, M>(p, (1 << (4 * rest)) - 1, a, full, sums);
            }
        }
        put_all(t, i, r, apart, &sums);
    }
}

/// Fetches the lines of `bytes` at a distance ahead of `p` (at most `MOST` bytes).
#[inline(always)]
unsafe fn fetch<const MOST: usize>(p: *const u8, bytes: usize) {
    let mut at = 0;
    while at < bytes && at < MOST {
        // SAFETY: a prefetch reads nothing, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(p.wrapping_add(AHEAD + at).cast()) };
        at += 64;
    }
}

/// Lane indices `a` eight times, then `b` eight times.
const fn pair(a: i32, b: i32) -> [i32; 16] {
    [a, a, a, a, a, a, a, a, b, b, b, b, b, b, b, b]
}

#[inline(always)]
unsafe fn pick(v: __m512, lanes: &[i32; 16]) -> __m512 {
    // SAFETY: 64 bytes.
    unsafe { _mm512_permutexvar_ps(_mm512_loadu_si512(lanes.as_ptr().cast()), v) }
}

/// Q4_K, and with `FIFTH` Q5_K.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
unsafe fn super_rows<const FIFTH: bool, const M: usize>(t: &RowTask<'_>, a: &[Super], i: usize) {
    let a: [*const Super; M] = records(a, i, t.k / 256);
    let (apart, rest) = t.streams(M, STREAMS);
    let bytes = if FIFTH { 176 } else { 144 };
    // SAFETY: rows are inside the weights and whole numbers of super-blocks; both loops together
    // take each row once.
    unsafe {
        for r in t.rows.start..t.rows.start + apart {
            let mut sums = [[_mm512_setzero_ps(); M]; STREAMS];
            for s in 0..t.k / 256 {
                for (n, sums) in sums.iter_mut().enumerate() {
                    let p = t.weights.as_ptr().add((r + n * apart) * t.row_bytes + s * bytes);
                    super_step::<FIFTH, M>(p, &a, s, sums);
                }
            }
            put_all(t, i, r, apart, &sums);
        }
        for r in rest {
            let mut sums = [[_mm512_setzero_ps(); M]; 1];
            for s in 0..t.k / 256 {
                super_step::<FIFTH, M>(t.weights.as_ptr().add(r * t.row_bytes + s * bytes), &a, s, &mut sums[0]);
            }
            put_all(t, i, r, 0, &sums);
        }
    }
}

/// # Safety
/// A super-block can be read at `p`, and its records at `a`.
#[inline(always)]
unsafe fn super_step<const FIFTH: bool, const M: usize>(
    p: *const u8,
    a: &[*const Super; M],
    s: usize,
    sums: &mut [__m512; M],
) {
    const PICK: [[i32; 16]; 4] = [pair(0, 2), pair(1, 3), pair(4, 6), pair(5, 7)];
    // SAFETY: by the contract.
    unsafe {
        fetch::<192>(p, if FIFTH { 176 } else { 144 });
        let scales = k_scales(p);
        let mut levels = [_mm512_setzero_si512(); 4];
        let qs = p.add(if FIFTH { 48 } else { 16 });
        (levels[0], levels[1]) = split(_mm512_loadu_si512(qs.cast()));
        (levels[2], levels[3]) = split(_mm512_loadu_si512(qs.add(64).cast()));
        if FIFTH {
            let high = _mm512_broadcast_i64x4(_mm256_loadu_si256(p.add(16).cast()));
            let fifth = _mm512_set1_epi8(16);
            for (j, v) in levels.iter_mut().enumerate() {
                let byte = 0x0101_0101_0101_0101u64;
                let (one, two) = ((byte << PICK[j][0]) as i64, (byte << PICK[j][15]) as i64);
                let bits = _mm512_set_epi64(two, two, two, two, one, one, one, one);
                *v = _mm512_mask_add_epi8(*v, _mm512_test_epi8_mask(high, bits), *v, fifth);
            }
        }
        for i in 0..M {
            let x = a[i].add(s);
            let scale = _mm512_mul_ps(scales, _mm512_load_ps((*x).scale.as_ptr()));
            sums[i] = _mm512_mask_add_ps(sums[i], 0xFF00, sums[i], scale);
            for (j, v) in levels.iter().enumerate() {
                let q = _mm512_load_si512((*x).q.as_ptr().add(64 * j).cast());
                let dot = _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(_mm512_setzero_si512(), *v, q));
                sums[i] = _mm512_fmadd_ps(dot, pick(scale, &PICK[j]), sums[i]);
            }
        }
    }
}

/// Scale · 8 and minimum · 8 of the super-block at `p`.
#[inline(always)]
unsafe fn k_scales(p: *const u8) -> __m512 {
    // SAFETY: 16 bytes can be read.
    unsafe {
        let word = |at: usize| p.add(at).cast::<u32>().read_unaligned();
        let (a, b, c) = (word(4), word(8), word(12));
        let low = |v: u32| (v & 0x3F3F_3F3F) as u64;
        let scale = low(a) | (((c & 0x0F0F_0F0F) | (a >> 2 & 0x3030_3030)) as u64) << 32;
        let min = low(b) | (((c >> 4 & 0x0F0F_0F0F) | (b >> 2 & 0x3030_3030)) as u64) << 32;
        let levels = _mm512_cvtepu8_epi32(_mm_set_epi64x(min as i64, scale as i64));
        let d = _mm_cvtph_ps(_mm_cvtsi32_si128(word(0) as i32));
        _mm512_mul_ps(_mm512_cvtepi32_ps(levels), pick(_mm512_castps128_ps512(d), &pair(0, 1)))
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
unsafe fn super6_rows<const M: usize>(t: &RowTask<'_>, a: &[Super6], i: usize) {
    let a: [*const Super6; M] = records(a, i, t.k / 256);
    let (apart, rest) = t.streams(M, STREAMS);
    // SAFETY: as in `super_rows`.
    unsafe {
        for r in t.rows.start..t.rows.start + apart {
            let mut sums = [[_mm512_setzero_ps(); M]; STREAMS];
            for s in 0..t.k / 256 {
                for (n, sums) in sums.iter_mut().enumerate() {
                    let p = t.weights.as_ptr().add((r + n * apart) * t.row_bytes + s * 210);
                    super6_step(p, &a, s, sums);
                }
            }
            put_all(t, i, r, apart, &sums);
        }
        for r in rest {
            let mut sums = [[_mm512_setzero_ps(); M]; 1];
            for s in 0..t.k / 256 {
                super6_step(t.weights.as_ptr().add(r * t.row_bytes + s * 210), &a, s, &mut sums[0]);
            }
            put_all(t, i, r, 0, &sums);
        }
    }
}

/// Lane indices `a`, `a + 1`, `a + 2`, `a + 3`, four times each.
const fn fours(a: i32) -> [i32; 16] {
    let (b, c, d) = (a + 1, a + 2, a + 3);
    [a, a, a, a, b, b, b, b, c, c, c, c, d, d, d, d]
}

/// # Safety
/// A super-block can be read at `p`, and its records at `a`.
#[inline(always)]
unsafe fn super6_step<const M: usize>(p: *const u8, a: &[*const Super6; M], s: usize, sums: &mut [__m512; M]) {
    const PICK: [[i32; 16]; 4] = [fours(0), fours(4), fours(8), fours(12)];
    // SAFETY: by the contract.
    unsafe {
        // Bits 0-1 and 2-3 of a high byte go to bits 4-5 of runs 0 and 1, bits 4-5 and 6-7 of 2 and 3.
        let up = _mm512_inserti64x4::<1>(_mm512_set1_epi16(4), _mm256_set1_epi16(2));
        let down = _mm512_sub_epi16(_mm512_set1_epi16(4), up);
        let two = _mm512_set1_epi8(0x30);
        fetch::<256>(p, 210);
        let d = p.add(208).cast::<u16>().read_unaligned();
        let d = _mm512_broadcastss_ps(_mm_cvtph_ps(_mm_cvtsi32_si128(d as i32)));
        let scales = _mm512_cvtepi8_epi32(_mm_loadu_si128(p.add(192).cast()));
        let scales = _mm512_mul_ps(_mm512_cvtepi32_ps(scales), d);
        let mut levels = [_mm512_setzero_si512(); 4];
        for half in 0..2 {
            let q = _mm512_loadu_si512(p.add(64 * half).cast());
            let h = _mm512_broadcast_i64x4(_mm256_loadu_si256(p.add(128 + 32 * half).cast()));
            let (low, high) = split(q);
            // 0xF8 is a | (b & c).
            levels[2 * half] = _mm512_ternarylogic_epi32::<0xF8>(low, _mm512_sllv_epi16(h, up), two);
            levels[2 * half + 1] = _mm512_ternarylogic_epi32::<0xF8>(high, _mm512_srlv_epi16(h, down), two);
        }
        for i in 0..M {
            let x = a[i].add(s);
            let scale = _mm512_mul_ps(scales, _mm512_load_ps((*x).scale.as_ptr()));
            sums[i] = _mm512_fmadd_ps(scales, _mm512_load_ps((*x).start.as_ptr()), sums[i]);
            for (j, v) in levels.iter().enumerate() {
                let q = _mm512_load_si512((*x).q.as_ptr().add(64 * j).cast());
                let dot = _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(_mm512_setzero_si512(), *v, q));
                sums[i] = _mm512_fmadd_ps(dot, pick(scale, &PICK[j]), sums[i]);
            }
        }
    }
}

trait FloatFormat {
    const BYTES: usize;
    /// # Safety
    /// The masked elements at `p` can be read.
    unsafe fn load(p: *const u8, mask: __mmask16) -> __m512;
}

struct F32;
impl FloatFormat for F32 {
    const BYTES: usize = 4;
    #[inline(always)]
    unsafe fn load(p: *const u8, mask: __mmask16) -> __m512 {
        // SAFETY: by the contract.
        unsafe { _mm512_maskz_loadu_ps(mask, p.cast()) }
    }
}

struct F16;
impl FloatFormat for F16 {
    const BYTES: usize = 2;
    #[inline(always)]
    unsafe fn load(p: *const u8, mask: __mmask16) -> __m512 {
        // SAFETY: by the contract.
        unsafe { _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, p.cast())) }
    }
}

struct BF16;
impl FloatFormat for BF16 {
    const BYTES: usize = 2;
    #[inline(always)]
    unsafe fn load(p: *const u8, mask: __mmask16) -> __m512 {
        // SAFETY: by the contract.
        unsafe {
            let v = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, p.cast()));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(v))
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
unsafe fn float_rows<F: FloatFormat, const M: usize>(t: &RowTask<'_>, i: usize) {
    let x: [*const f32; M] = records(t.x, i, t.k);
    let (apart, rest) = t.streams(M, STREAMS);
    // SAFETY: the contract is passed on; both loops together take each row once.
    unsafe {
        for r in t.rows.start..t.rows.start + apart {
            float_streams::<F, M, STREAMS>(t, &x, i, r, apart);
        }
        for r in rest {
            float_streams::<F, M, 1>(t, &x, i, r, 0);
        }
    }
}

/// Rows `r`, `r + apart`, … (`R` of them).
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
unsafe fn float_streams<F: FloatFormat, const M: usize, const R: usize>(
    t: &RowTask<'_>,
    x: &[*const f32; M],
    i: usize,
    r: usize,
    apart: usize,
) {
    // SAFETY: the rows are inside the weights; the masks keep the last loads inside the rows.
    unsafe {
        let first = t.weights.as_ptr().add(r * t.row_bytes);
        let mut sums = [[[_mm512_setzero_ps(); 2]; M]; R];
        for at in (0..t.k).step_by(32) {
            for (n, sums) in sums.iter_mut().enumerate() {
                let p = first.add(n * apart * t.row_bytes + at * F::BYTES);
                fetch::<128>(p, 32 * F::BYTES);
                for u in 0..2 {
                    let rest = t.k.saturating_sub(at + 16 * u).min(16);
                    let mask = ((1u32 << rest) - 1) as u16;
                    let w = F::load(p.wrapping_add(16 * u * F::BYTES), mask);
                    for j in 0..M {
                        let x = _mm512_maskz_loadu_ps(mask, x[j].wrapping_add(at + 16 * u));
                        sums[j][u] = _mm512_fmadd_ps(w, x, sums[j][u]);
                    }
                }
            }
        }
        let mut flat = [[_mm512_setzero_ps(); M]; R];
        for n in 0..R {
            for j in 0..M {
                flat[n][j] = _mm512_add_ps(sums[n][j][0], sums[n][j][1]);
            }
        }
        put_all(t, i, r, apart, &flat);
    }
}
