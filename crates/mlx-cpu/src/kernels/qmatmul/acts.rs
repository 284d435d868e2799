//! Activations as the kernels want them.
//!
//! Integer kernels see each run of 32 activations as int8 values with one f32 scale
//! (`x ≈ scale * q`, q in -127..=127, rounded to nearest even). The values and the scales are the
//! same at every level; only their order differs. A block that holds a NaN or an infinity gets a
//! NaN scale and zeros, so its products are NaN.

use crate::isa::Isa;
use crate::kernels::scratch::Scratch;

/// Elements that share a scale.
pub(super) const BLOCK: usize = 32;

/// A zero-filled, 64-byte aligned buffer of plain numbers, from the thread's working memory.
pub(super) struct Aligned<T> {
    memory: Scratch<T>,
    len: usize,
}

/// Types that any bit pattern is valid for.
pub(super) trait Plain: Copy {}
impl Plain for u8 {}
impl Plain for i8 {}
impl Plain for i32 {}
impl Plain for f32 {}

impl<T: Plain> Aligned<T> {
    /// `len` zeros.
    pub fn zeroed(len: usize) -> Aligned<T> {
        let mut memory = Scratch::new(len);
        // SAFETY: there is room for `len`, and zero bytes are a valid T.
        unsafe { std::ptr::write_bytes(memory.ptr(), 0, len) };
        Aligned { memory, len }
    }
    pub fn slice(&mut self) -> &mut [T] {
        // SAFETY: `len` initialised elements that are ours; the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.memory.ptr(), self.len) }
    }
}

/// Quantizes `x` (a multiple of 32 long) to `q`, one scale per 32.
pub(super) fn quantize(isa: Isa, x: &[f32], q: &mut [i8], scale: &mut [f32]) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `isa` is a level of this machine.
        Isa::Avx2 => unsafe { quantize_avx2(x, q, scale) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `isa` is a level of this machine.
        Isa::Avx512 => unsafe { quantize_avx512(x, q, scale) },
        _ => quantize_any(x, q, scale),
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn quantize_avx2(x: &[f32], q: &mut [i8], scale: &mut [f32]) {
    quantize_any(x, q, scale)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl,avx512dq")]
fn quantize_avx512(x: &[f32], q: &mut [i8], scale: &mut [f32]) {
    quantize_any(x, q, scale)
}

#[inline(always)]
fn quantize_any(x: &[f32], q: &mut [i8], scale: &mut [f32]) {
    let blocks = x.chunks_exact(BLOCK).zip(q.chunks_exact_mut(BLOCK));
    for ((x, q), scale) in blocks.zip(scale.iter_mut()) {
        // Magnitudes compare like their bits, and a NaN is larger than all: no order of max matters.
        let peak = x.iter().fold(0u32, |m, v| m.max(v.to_bits() & 0x7FFF_FFFF));
        let peak = f32::from_bits(peak);
        // Below 1e-30 the inverse could overflow; nothing that small matters.
        if !(1e-30..f32::INFINITY).contains(&peak) {
            q.fill(0);
            *scale = if peak < 1.0 { 0.0 } else { f32::NAN };
            continue;
        }
        *scale = peak / 127.0;
        let inverse = 127.0 / peak;
        for (q, v) in q.iter_mut().zip(x) {
            // SAFETY: |v| <= peak, so the product is within ±127 but for rounding.
            *q = unsafe { (v * inverse).round_ties_even().to_int_unchecked::<i32>() } as i8;
        }
    }
}

/// Quantized activations of `m` rows in natural order, padded with zeros to a multiple of 256.
pub(super) struct Quantized {
    /// Padded row length.
    k: usize,
    q: Aligned<i8>,
    scale: Aligned<f32>,
}

/// The rows of [`Quantized`], to share between threads.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    k: usize,
    q: &'a [i8],
    scale: &'a [f32],
}

impl Quantized {
    /// Quantizes the rows of `x`, each `k` long.
    pub fn new(isa: Isa, x: &[f32], k: usize) -> Quantized {
        let (m, padded) = (x.len() / k, k.next_multiple_of(256));
        let (mut q, mut scale) = (Aligned::zeroed(m * padded), Aligned::zeroed(m * padded / BLOCK));
        let rows = q.slice().chunks_exact_mut(padded).zip(scale.slice().chunks_exact_mut(padded / BLOCK));
        for (x, (q, s)) in x.chunks_exact(k).zip(rows) {
            quantize(isa, x, &mut q[..k], &mut s[..k / BLOCK]);
        }
        Quantized { k: padded, q, scale }
    }
    pub fn rows(&mut self) -> Rows<'_> {
        Rows { k: self.k, q: self.q.slice(), scale: self.scale.slice() }
    }
}

impl<'a> Rows<'a> {
    pub fn q(self, row: usize) -> &'a [i8] {
        &self.q[row * self.k..][..self.k]
    }
    pub fn scale(self, row: usize) -> &'a [f32] {
        let blocks = self.k / BLOCK;
        &self.scale[row * blocks..][..blocks]
    }
}
