//! Activations as the kernels want them.
//!
//! Integer kernels see each run of 32 activations as int8 values with one f32 scale
//! (`x ≈ scale * q`, q in -127..=127, rounded to nearest even). The values and the scales are the
//! same at every level; only their order differs. A block that holds a NaN or an infinity gets a
//! NaN scale and zeros, so its products are NaN.

use crate::isa::Isa;

/// Elements that share a scale.
pub(super) const BLOCK: usize = 32;

/// 64 bytes on a 64-byte boundary.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// A growing, zero-filled, 64-byte aligned buffer of plain numbers.
#[derive(Default)]
pub(super) struct Aligned(Vec<Line>);

/// Number types that any bit pattern is valid for.
pub(super) trait Plain: Copy {}
impl Plain for u8 {}
impl Plain for i8 {}
impl Plain for i32 {}
impl Plain for f32 {}

impl Aligned {
    /// Room for `len` numbers, all zero.
    pub fn zeroed<T: Plain>(len: usize) -> Aligned {
        let mut a = Aligned::default();
        a.reserve::<T>(len);
        a
    }
    /// Grows to at least `len` numbers; keeps nothing in order but stays initialised.
    pub fn reserve<T: Plain>(&mut self, len: usize) {
        let lines = (len * size_of::<T>()).div_ceil(64);
        if self.0.len() < lines {
            self.0.resize(lines, Line([0; 64]));
        }
    }
    pub fn get<T: Plain>(&self) -> &[T] {
        // SAFETY: the bytes are initialised, 64-byte aligned, and any bit pattern is a valid T.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * 64 / size_of::<T>()) }
    }
    pub fn get_mut<T: Plain>(&mut self) -> &mut [T] {
        // SAFETY: as in `get`, and the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * 64 / size_of::<T>()) }
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
    pub k: usize,
    q: Aligned,
    scale: Aligned,
}

impl Quantized {
    /// Room for `m` rows of `k`.
    pub fn new(k: usize, m: usize) -> Quantized {
        let k = k.next_multiple_of(256);
        Quantized { k, q: Aligned::zeroed::<i8>(m * k), scale: Aligned::zeroed::<f32>(m * k / BLOCK) }
    }
    /// Quantizes all rows of `x`.
    pub fn fill(&mut self, isa: Isa, x: &[f32], k: usize) {
        let (kp, blocks) = (self.k, self.k / BLOCK);
        let q = self.q.get_mut::<i8>().chunks_exact_mut(kp);
        let scale = self.scale.get_mut::<f32>().chunks_exact_mut(blocks);
        for ((x, q), s) in x.chunks_exact(k).zip(q).zip(scale) {
            quantize(isa, x, &mut q[..k], &mut s[..k / BLOCK]);
        }
    }
    pub fn q(&self, row: usize) -> &[i8] {
        &self.q.get::<i8>()[row * self.k..][..self.k]
    }
    pub fn scale(&self, row: usize) -> &[f32] {
        let blocks = self.k / BLOCK;
        &self.scale.get::<f32>()[row * blocks..][..blocks]
    }
}
