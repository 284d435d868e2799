//! The vectors of AArch64: NEON.

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
    f!(twice(p: *const f32) -> float32x4_t, {
        let x = vld1_f32(p);
        vcombine_f32(vzip1_f32(x, x), vzip2_f32(x, x))
    });
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
    f!(load_nibbles(p: *const u8) -> (float32x4_t, float32x4_t), {
        let w = p.cast::<u32>().read_unaligned();
        let b = vmovl_u16(vget_low_u16(vmovl_u8(vcreate_u8(w as u64))));
        (vcvtq_f32_u32(vandq_u32(b, vdupq_n_u32(15))), vcvtq_f32_u32(vshrq_n_u32::<4>(b)))
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
    f!(pick_gt(a: float32x4_t, b: float32x4_t, x: float32x4_t, y: float32x4_t) -> float32x4_t, {
        vbslq_f32(vcgtq_f32(a, b), x, y)
    });
    f!(pick_ge(a: float32x4_t, b: float32x4_t, x: float32x4_t, y: float32x4_t) -> float32x4_t, {
        vbslq_f32(vcgeq_f32(a, b), x, y)
    });
    f!(pick_eq(a: float32x4_t, b: float32x4_t, x: float32x4_t, y: float32x4_t) -> float32x4_t, {
        vbslq_f32(vceqq_f32(a, b), x, y)
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
    f!(turn(m: &mut [float32x4_t; 16]) -> (), {
        let pair = |x, y| (vreinterpretq_f64_f32(vtrn1q_f32(x, y)), vreinterpretq_f64_f32(vtrn2q_f32(x, y)));
        let ((a, b), (c, d)) = (pair(m[0], m[1]), pair(m[2], m[3]));
        m[0] = vreinterpretq_f32_f64(vtrn1q_f64(a, c));
        m[1] = vreinterpretq_f32_f64(vtrn1q_f64(b, d));
        m[2] = vreinterpretq_f32_f64(vtrn2q_f64(a, c));
        m[3] = vreinterpretq_f32_f64(vtrn2q_f64(b, d));
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
