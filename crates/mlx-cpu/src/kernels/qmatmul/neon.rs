//! NEON: vectors of one lane for the kernels of [`super::vector`], with and without `sdot`.
#![allow(unused_unsafe, reason = "which intrinsics are safe to call differs between compiler versions")]

use super::rows::RowTask;
use super::tiles::{Floats, Ints, Ops, Store};
use super::unpack;
use super::vector::{self, Vector};
use mlx_ir::QuantFormat;
use std::arch::aarch64::*;
use std::arch::asm;

macro_rules! level {
    ($module:ident, $vector:ty, $features:literal) => {
        pub(super) mod $module {
            use super::*;

            pub(in super::super) const OPS: Ops = Ops { lanes: 4, unpack: unpack_row, widen, ints, floats, store };

            /// # Safety
            /// As [`super::super::rows::kernel`], on a machine with the level.
            #[target_feature(enable = $features)]
            pub(in super::super) unsafe fn run(t: &RowTask<'_>) {
                // SAFETY: the contract is passed on.
                unsafe { vector::rows::<$vector>(t) }
            }

            #[target_feature(enable = $features)]
            unsafe fn ints(t: &Ints<'_>) {
                // SAFETY: the contract is passed on.
                unsafe { vector::ints::<$vector>(t) }
            }

            #[target_feature(enable = $features)]
            unsafe fn floats(t: &Floats<'_>) {
                // SAFETY: the contract is passed on.
                unsafe { vector::floats::<$vector>(t) }
            }
        }
    };
}

level!(plain, Neon<false>, "neon");
level!(dotprod, Neon<true>, "neon,dotprod");

unsafe fn unpack_row(f: QuantFormat, row: &[u8], levels: &mut [u8], scale: &mut [f32], min: &mut [f32]) {
    match f {
        QuantFormat::Q8_0 => unpack::row::<true>(f, row, levels, scale, min),
        _ => unpack::row::<false>(f, row, levels, scale, min),
    }
}

unsafe fn widen(f: QuantFormat, row: &[u8], out: &mut [f32]) {
    unpack::floats(f, row, out);
}

unsafe fn store(t: &Store) {
    // SAFETY: the contract is passed on.
    unsafe { vector::store(t) }
}

/// `DOT`: with the dot product instruction.
struct Neon<const DOT: bool>;

// SAFETY of the blocks below: register operations, or loads and stores that the callers allow;
// the level is there by the contract of the trait.
impl<const DOT: bool> Vector for Neon<DOT> {
    const LANES: usize = 1;
    const INT_GROUPS: usize = 2;
    const FLOAT_ROWS: usize = 12;
    type B = uint8x16_t;
    type I = int32x4_t;
    type F = float32x4_t;

    #[inline(always)]
    unsafe fn load(p: *const u8) -> uint8x16_t {
        // SAFETY: see above.
        unsafe { vld1q_u8(p) }
    }
    #[inline(always)]
    unsafe fn lanes(p: *const u8, _: usize) -> uint8x16_t {
        // SAFETY: see above.
        unsafe { vld1q_u8(p) }
    }
    #[inline(always)]
    unsafe fn repeat(p: *const u8) -> uint8x16_t {
        // SAFETY: see above.
        unsafe { vreinterpretq_u8_u32(vdupq_n_u32(p.cast::<u32>().read_unaligned())) }
    }
    #[inline(always)]
    unsafe fn low_nibble(b: uint8x16_t) -> uint8x16_t {
        // SAFETY: see above.
        unsafe { vandq_u8(b, vdupq_n_u8(15)) }
    }
    #[inline(always)]
    unsafe fn high_nibble(b: uint8x16_t) -> uint8x16_t {
        // SAFETY: see above.
        unsafe { vshrq_n_u8::<4>(b) }
    }
    #[inline(always)]
    unsafe fn or(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
        // SAFETY: see above.
        unsafe { vorrq_u8(a, b) }
    }
    #[inline(always)]
    unsafe fn fifth(b: uint8x16_t, mask: u8) -> uint8x16_t {
        // SAFETY: see above.
        unsafe { vandq_u8(vtstq_u8(b, vdupq_n_u8(mask)), vdupq_n_u8(16)) }
    }
    #[inline(always)]
    unsafe fn pair_of_bits(b: uint8x16_t, run: usize) -> uint8x16_t {
        // SAFETY: see above.
        unsafe {
            let v = match run {
                0 => vshlq_n_u8::<4>(b),
                1 => vshlq_n_u8::<2>(b),
                2 => b,
                _ => vshrq_n_u8::<2>(b),
            };
            vandq_u8(v, vdupq_n_u8(0x30))
        }
    }
    #[inline(always)]
    unsafe fn fifth_of_mask(p: *const u8, _: usize) -> uint8x16_t {
        const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
        // SAFETY: see above.
        unsafe {
            let v = vcombine_u8(vdup_n_u8(*p), vdup_n_u8(*p.add(1)));
            vandq_u8(vtstq_u8(v, vld1q_u8(BITS.as_ptr())), vdupq_n_u8(16))
        }
    }
    #[inline(always)]
    unsafe fn int_zero() -> int32x4_t {
        // SAFETY: see above.
        unsafe { vdupq_n_s32(0) }
    }
    #[inline(always)]
    unsafe fn int_load(p: *const i32) -> int32x4_t {
        // SAFETY: see above.
        unsafe { vld1q_s32(p) }
    }
    #[inline(always)]
    unsafe fn int_add(a: int32x4_t, b: int32x4_t) -> int32x4_t {
        // SAFETY: see above.
        unsafe { vaddq_s32(a, b) }
    }
    #[inline(always)]
    unsafe fn int_negative(a: int32x4_t, shift: u32) -> int32x4_t {
        // SAFETY: see above.
        unsafe { vnegq_s32(vshlq_s32(a, vdupq_n_s32(shift as i32))) }
    }
    #[inline(always)]
    unsafe fn dot(a: int32x4_t, w: uint8x16_t, x: uint8x16_t) -> int32x4_t {
        // SAFETY: see above; levels fit i8.
        unsafe { Self::dot_signed(a, w, x) }
    }
    #[inline(always)]
    unsafe fn dot_signed(a: int32x4_t, w: uint8x16_t, x: uint8x16_t) -> int32x4_t {
        // SAFETY: see above; `sdot` is reached with `DOT` only, whose entry enables it.
        unsafe {
            if DOT {
                let mut sum = a;
                asm!(
                    "sdot {0:v}.4s, {1:v}.16b, {2:v}.16b",
                    inout(vreg) sum, in(vreg) w, in(vreg) x,
                    options(pure, nomem, nostack, preserves_flags)
                );
                sum
            } else {
                let (w, x) = (vreinterpretq_s8_u8(w), vreinterpretq_s8_u8(x));
                // A pair of products is 2 · 128 · 127 = 32512 at most: it fits i16.
                let low = vmull_s8(vget_low_s8(w), vget_low_s8(x));
                vpadalq_s16(a, vpaddq_s16(low, vmull_high_s8(w, x)))
            }
        }
    }
    #[inline(always)]
    unsafe fn float(a: int32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vcvtq_f32_s32(a) }
    }
    #[inline(always)]
    unsafe fn zero() -> float32x4_t {
        // SAFETY: see above.
        unsafe { vdupq_n_f32(0.0) }
    }
    #[inline(always)]
    unsafe fn splat(v: f32) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vdupq_n_f32(v) }
    }
    #[inline(always)]
    unsafe fn get(p: *const f32) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vld1q_f32(p) }
    }
    #[inline(always)]
    unsafe fn set(p: *mut f32, v: float32x4_t) {
        // SAFETY: see above.
        unsafe { vst1q_f32(p, v) }
    }
    #[inline(always)]
    unsafe fn spread(p: *const f32) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vdupq_n_f32(*p) }
    }
    #[inline(always)]
    unsafe fn mul(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vmulq_f32(a, b) }
    }
    #[inline(always)]
    unsafe fn fma(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vfmaq_f32(c, a, b) }
    }
    #[inline(always)]
    unsafe fn add(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vaddq_f32(a, b) }
    }
    #[inline(always)]
    unsafe fn sum(a: float32x4_t) -> f32 {
        // SAFETY: see above.
        unsafe { vaddvq_f32(a) }
    }
    #[inline(always)]
    unsafe fn spread_f16(p: *const u8, _: usize) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(p.cast::<u16>().read_unaligned()))) }
    }
    #[inline(always)]
    unsafe fn from_f16(p: *const u8) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p))) }
    }
    #[inline(always)]
    unsafe fn from_bf16(p: *const u8) -> float32x4_t {
        // SAFETY: see above.
        unsafe { vreinterpretq_f32_u32(vshll_n_u16::<16>(vreinterpret_u16_u8(vld1_u8(p)))) }
    }
    #[inline(always)]
    unsafe fn prefetch(p: *const u8) {
        // SAFETY: a prefetch reads nothing, whatever the address.
        unsafe { asm!("prfm pldl1keep, [{0}]", in(reg) p, options(nostack, preserves_flags, readonly)) }
    }
}
