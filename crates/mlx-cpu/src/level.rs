//! Levels of instructions as types: a loop body is written once, generic over [`Level`], and compiled for each level
//! by a small function with that level's features, into which the body is inlined. The bodies are plain loops that
//! the compiler turns into vectors of the level's width.

use crate::Isa;

/// A level at compile time.
pub(crate) trait Level: Copy + 'static {
    /// Whether multiply-add is fused (rounded once). The portable level never fuses.
    const FMA: bool;
    /// Widens `n` half-precision numbers.
    ///
    /// # Safety
    /// The level's features; `n` elements at both pointers, which do not overlap.
    #[inline(always)]
    unsafe fn widen(src: *const u16, dst: *mut f32, n: usize) {
        for i in 0..n {
            // SAFETY: within `n`.
            unsafe { *dst.add(i) = half_to_f32(*src.add(i)) };
        }
    }
    /// Rounds `n` numbers to half precision, to nearest even.
    ///
    /// # Safety
    /// As [`Level::widen`].
    #[inline(always)]
    unsafe fn narrow(src: *const f32, dst: *mut u16, n: usize) {
        for i in 0..n {
            // SAFETY: within `n`.
            unsafe { *dst.add(i) = f32_to_half(*src.add(i)) };
        }
    }
}

/// `if c { a } else { b }` for every kind of number: both are computed, so that it becomes a blend.
#[inline(always)]
pub(crate) fn sel<T>(c: bool, a: T, b: T) -> T {
    if c { a } else { b }
}

/// The f32 with the value of half-precision bits. NaNs become quiet.
#[inline(always)]
pub(crate) fn half_to_f32(h: u16) -> f32 {
    const REBIAS: u32 = 112 << 23;
    let v = (h as u32 & 0x7fff) << 13;
    let normal = v.wrapping_add(REBIAS);
    let special = v.wrapping_add(2 * REBIAS) | sel(v > 0x0f80_0000, 0x40_0000, 0);
    // Subnormals: put the bits below an implied one and take the one away again.
    let subnormal = (f32::from_bits(v.wrapping_add(113 << 23)) - f32::from_bits(113 << 23)).to_bits();
    let r = sel(v >= 0x0f80_0000, special, sel(v < 1 << 23, subnormal, normal));
    f32::from_bits(r | (h as u32 & 0x8000) << 16)
}

/// Half-precision bits nearest to x, ties to even.
#[inline(always)]
pub(crate) fn f32_to_half(x: f32) -> u16 {
    let u = x.to_bits() & 0x7fff_ffff;
    let normal = u.wrapping_sub(112 << 23).wrapping_add(0xfff).wrapping_add(u >> 13 & 1) >> 13;
    // Adding 0.5 shifts a subnormal's bits to the end of the mantissa, with the hardware's rounding.
    let subnormal = (f32::from_bits(u) + 0.5).to_bits().wrapping_sub(0.5f32.to_bits());
    let special = 0x7c00 | sel(u > 0x7f80_0000, 0x200 | (u >> 13 & 0x3ff), 0);
    let r = sel(u >= 0x7f80_0000, special, sel(u >= 0x477f_f000, 0x7c00, sel(u < 0x3880_0000, subnormal, normal)));
    (r | x.to_bits() >> 16 & 0x8000) as u16
}

/// The f32 with the value of bfloat16 bits.
#[inline(always)]
pub(crate) fn brain_to_f32(b: u16) -> f32 {
    f32::from_bits((b as u32) << 16)
}

/// bfloat16 bits nearest to x, ties to even. NaNs become quiet.
#[inline(always)]
pub(crate) fn f32_to_brain(x: f32) -> u16 {
    let u = x.to_bits();
    let up = u.wrapping_add(0x7fff).wrapping_add(u >> 16 & 1) >> 16;
    sel(u & 0x7fff_ffff > 0x7f80_0000, u >> 16 | 0x40, up) as u16
}

/// Portable code; on AArch64 the baseline vectors, still without fusing.
#[derive(Clone, Copy)]
pub(crate) struct Plain;
impl Level for Plain {
    const FMA: bool = false;
}

#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct Avx2;
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(crate) struct Avx512;
#[cfg(target_arch = "aarch64")]
#[derive(Clone, Copy)]
pub(crate) struct Neon;

#[cfg(target_arch = "x86_64")]
impl Level for Avx2 {
    const FMA: bool = true;
    #[inline(always)]
    unsafe fn widen(src: *const u16, dst: *mut f32, n: usize) {
        use std::arch::x86_64::*;
        let whole = n & !7;
        for i in (0..whole).step_by(8) {
            // SAFETY: within `n`; the level has F16C.
            unsafe { _mm256_storeu_ps(dst.add(i), _mm256_cvtph_ps(_mm_loadu_si128(src.add(i).cast()))) };
        }
        for i in whole..n {
            // SAFETY: within `n`.
            unsafe { *dst.add(i) = half_to_f32(*src.add(i)) };
        }
    }
    #[inline(always)]
    unsafe fn narrow(src: *const f32, dst: *mut u16, n: usize) {
        use std::arch::x86_64::*;
        let whole = n & !7;
        for i in (0..whole).step_by(8) {
            // SAFETY: within `n`; the level has F16C.
            unsafe { _mm_storeu_si128(dst.add(i).cast(), _mm256_cvtps_ph::<0>(_mm256_loadu_ps(src.add(i)))) };
        }
        for i in whole..n {
            // SAFETY: within `n`.
            unsafe { *dst.add(i) = f32_to_half(*src.add(i)) };
        }
    }
}

#[cfg(target_arch = "x86_64")]
impl Level for Avx512 {
    const FMA: bool = true;
    #[inline(always)]
    unsafe fn widen(src: *const u16, dst: *mut f32, n: usize) {
        // SAFETY: the level includes AVX2's; the rest is passed on.
        unsafe { Avx2::widen(src, dst, n) }
    }
    #[inline(always)]
    unsafe fn narrow(src: *const f32, dst: *mut u16, n: usize) {
        // SAFETY: the level includes AVX2's; the rest is passed on.
        unsafe { Avx2::narrow(src, dst, n) }
    }
}

#[cfg(target_arch = "aarch64")]
impl Level for Neon {
    const FMA: bool = true;
}

/// A loop over arrays: up to three inputs, an output, `n` elements of the types that the body knows.
pub(crate) type Loop = unsafe fn([*const u8; 3], *mut u8, usize);

/// The body of a [`Loop`], written once.
pub(crate) trait Body {
    /// Runs it; `inline(always)`.
    ///
    /// # Safety
    /// Only from code compiled for the level; `n` elements at every pointer that the body uses, and the output
    /// overlaps no input.
    unsafe fn run<L: Level>(a: [*const u8; 3], o: *mut u8, n: usize);
}

/// Any work that is compiled for each level.
pub(crate) trait Work {
    /// What it returns.
    type Out;
    /// Does it; `inline(always)`.
    ///
    /// # Safety
    /// Only from code compiled for the level.
    unsafe fn run<L: Level>(self) -> Self::Out;
}

/// The body compiled for a level that is available here.
pub(crate) fn entry<B: Body>(isa: Isa) -> Loop {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => x86::loop512::<B>,
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => x86::loop2::<B>,
        #[cfg(target_arch = "aarch64")]
        Isa::Neon | Isa::DotProd | Isa::I8mm | Isa::Sve2 => B::run::<Neon>,
        _ => B::run::<Plain>,
    }
}

/// The body compiled for the baseline only: every level compiled costs build time, and rare types don't repay it.
pub(crate) fn entry_plain<B: Body>(_: Isa) -> Loop {
    B::run::<Plain>
}

/// As [`entry`], for bodies that gain nothing from more than AVX2.
pub(crate) fn entry_narrow<B: Body>(isa: Isa) -> Loop {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 | Isa::Avx512 => x86::loop2::<B>,
        _ => B::run::<Plain>,
    }
}

/// At which levels work on a type is compiled. Every level costs build time, which rare types don't repay: they run
/// at the baseline (whose vectors do for sums and comparisons) unless their type says otherwise.
pub(crate) trait At: Copy + 'static {
    /// Whether this is f32, as which half types are computed.
    const FLOAT: bool = false;
    /// Does the work.
    #[inline]
    fn at<W: Work>(_: Isa, w: W) -> W::Out {
        // SAFETY: the baseline is always there.
        unsafe { w.run::<Plain>() }
    }
    /// Does work that gains from the widest vectors.
    #[inline]
    fn at_widest<W: Work>(isa: Isa, w: W) -> W::Out {
        Self::at(isa, w)
    }
}
macro_rules! at_baseline {
    ($($t:ty),*) => { $(impl At for $t {})* };
}
at_baseline!(u8, u16, u32, u64, i8, i16, i32, i64, f64, mlx_ir::C64);
impl At for f32 {
    const FLOAT: bool = true;
    #[inline]
    fn at<W: Work>(isa: Isa, w: W) -> W::Out {
        // SAFETY: a back end is made only for a level that the machine has.
        unsafe {
            match isa {
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 | Isa::Avx512 => x86::work2(w),
                #[cfg(target_arch = "aarch64")]
                Isa::Neon | Isa::DotProd | Isa::I8mm | Isa::Sve2 => w.run::<Neon>(),
                _ => w.run::<Plain>(),
            }
        }
    }
    #[inline]
    fn at_widest<W: Work>(isa: Isa, w: W) -> W::Out {
        at_level(isa, w)
    }
}

/// Does the work at a level that is available here.
#[inline]
pub(crate) fn at_level<W: Work>(isa: Isa, w: W) -> W::Out {
    // SAFETY: a back end is made only for a level that the machine has.
    unsafe {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => x86::work512(w),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => x86::work2(w),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon | Isa::DotProd | Isa::I8mm | Isa::Sve2 => w.run::<Neon>(),
            _ => w.run::<Plain>(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::*;

    /// # Safety
    /// As [`Body::run`], on a machine with the level.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c,bmi1,bmi2")]
    pub(super) unsafe fn loop512<B: Body>(a: [*const u8; 3], o: *mut u8, n: usize) {
        // SAFETY: passed on.
        unsafe { B::run::<Avx512>(a, o, n) }
    }
    /// # Safety
    /// As [`Body::run`], on a machine with the level.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) unsafe fn loop2<B: Body>(a: [*const u8; 3], o: *mut u8, n: usize) {
        // SAFETY: passed on.
        unsafe { B::run::<Avx2>(a, o, n) }
    }
    /// # Safety
    /// The machine has the level.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c,bmi1,bmi2")]
    pub(super) unsafe fn work512<W: Work>(w: W) -> W::Out {
        // SAFETY: this function is compiled for the level.
        unsafe { w.run::<Avx512>() }
    }
    /// # Safety
    /// The machine has the level.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) unsafe fn work2<W: Work>(w: W) -> W::Out {
        // SAFETY: this function is compiled for the level.
        unsafe { w.run::<Avx2>() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::{bf16, f16};

    struct Halves<'a>(&'a [u16], &'a mut [f32], &'a mut [u16]);
    impl Work for Halves<'_> {
        type Out = ();
        #[inline(always)]
        unsafe fn run<L: Level>(self) {
            // SAFETY: the three have the same length.
            unsafe {
                L::widen(self.0.as_ptr(), self.1.as_mut_ptr(), self.0.len());
                L::narrow(self.1.as_ptr(), self.2.as_mut_ptr(), self.0.len());
            }
        }
    }

    #[test]
    fn half_types_convert_exactly_at_every_level() {
        let all: Vec<u16> = (0..=u16::MAX).collect();
        for isa in Isa::available() {
            let (mut wide, mut back) = (vec![0f32; all.len()], vec![0u16; all.len()]);
            at_level(isa, Halves(&all, &mut wide, &mut back));
            for (i, &h) in all.iter().enumerate() {
                let x = f16::from_bits(h);
                if x.is_nan() {
                    assert!(wide[i].is_nan() && f16::from_bits(back[i]).is_nan());
                } else {
                    assert_eq!((wide[i].to_bits(), back[i]), (x.to_f32().to_bits(), h), "{isa} {h:#x}");
                }
            }
        }
        for h in all {
            let b = bf16::from_bits(h);
            assert!(b.is_nan() || f32_to_brain(brain_to_f32(h)) == h);
        }
        // Between neighbours, ties and overflow among them.
        for i in 0..2_000_000u32 {
            let x = f32::from_bits(i.wrapping_mul(2147) ^ (i & 1) << 31);
            if !x.is_nan() {
                assert_eq!(f32_to_half(x), f16::from_f32(x).to_bits(), "{x:e}");
                assert_eq!(f32_to_brain(x), bf16::from_f32(x).to_bits(), "{x:e}");
            }
        }
    }
}
