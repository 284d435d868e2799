//! Functions of f32, which serve f16 and bf16 as well. The formulas are those of the CPU back end without fused
//! multiply-add; the GPU's own elementary functions are too coarse (sines to 2^-11).

#![allow(clippy::excessive_precision, reason = "coefficients are written as they were fitted")]

use super::expr::{X, f, sel, u};
use mlx_ir::Func;
use std::f32::consts::{FRAC_2_PI, FRAC_PI_2, LN_2, LOG2_E, LOG10_E, PI};

/// 1.5·2^23: adding it leaves no fraction bits, so the addition rounds to an integer, which lies in the low bits.
const MAGIC: f32 = 12_582_912.0;
const LN2_HI: f32 = 0.693_145_75;
const LN2_LO: f32 = 1.428_606_8e-6;
/// Beyond this argument the reduction by parts of π/2 is not exact any more.
const FAR: f32 = 8192.0;

fn fma(a: impl Into<X>, b: impl Into<X>, c: impl Into<X>) -> X {
    a.into() * b.into() + c.into()
}

/// c[0] + c[1]·x + …
fn poly<const N: usize>(x: &X, c: [f32; N]) -> X {
    let mut r = f(c[N - 1]);
    for i in (0..N - 1).rev() {
        r = fma(r, x, c[i]);
    }
    r
}

/// Nearest integer of a number below 2^22, as float and as word.
fn nearest(x: &X) -> (X, X) {
    let t = x + MAGIC;
    (&t - MAGIC, t.bits() - u(MAGIC.to_bits()))
}

/// 2^n for n from -126 to 127.
fn pow2(n: &X) -> X {
    (n + 127).shl(23).as_float()
}

/// x·2^n in two steps, so that results may be subnormal or overflow.
fn scale(x: X, n: &X) -> X {
    let half = n.sar(1);
    x * pow2(&half) * pow2(&(n - &half))
}

/// Drivers may make this a minimum and a maximum that lose NaN, so whoever needs NaN kept uses [`keep_nan`].
fn clamp(x: &X, lo: f32, hi: f32) -> X {
    let y = sel(&x.lt(lo), lo, x);
    sel(&y.gt(hi), hi, &y)
}

/// `y`, or NaN where `x` is NaN: tested by the bits.
fn keep_nan(x: &X, y: X) -> X {
    sel(&x.is_nan(), f32::NAN, y)
}

/// (n, r) with x = n·ln 2 + r.
fn reduce_exp(x: &X) -> (X, X) {
    let (nf, n) = nearest(&(x * LOG2_E));
    let r = fma(&nf, -LN2_HI, x);
    (n, fma(&nf, -LN2_LO, r))
}

/// e^x·2^k.
fn exp_scaled(x: &X, k: i32) -> X {
    let (n, r) = reduce_exp(&clamp(x, -105.0, 91.0));
    let q = poly(&r, [0.499_999_94, 0.166_665_15, 0.041_668_456, 8.369_419e-3, 1.381_314_2e-3]);
    keep_nan(x, scale(fma(&r * &r, q, &r) + 1.0, &(n + k as u32)))
}

pub(super) fn exp(x: &X) -> X {
    exp_scaled(x, 0)
}

fn expm1(x: &X) -> X {
    let (n, r) = reduce_exp(&clamp(x, -18.0, 91.0));
    let q = poly(&r, [0.5, 0.166_666_66, 0.041_666_348, 8.333_392e-3, 1.394_165_3e-3, 1.984_595_7e-4]);
    let p = fma(&r * &r, q, &r);
    // (2^n·(1 + p)) - 1, with the 1 brought to the scale of p.
    let y = scale(p + (f(1.0) - pow2(&sel(&n.sgt(126), -126i32 as u32, -&n))), &n);
    keep_nan(x, sel(&x.eq(0.0), x, y))
}

/// ln(1 + f) for 1 + f between sqrt(1/2) and sqrt(2), as `f - d`: returns d with `extra` subtracted early.
fn log_tail(x: &X, extra: impl Into<X>) -> X {
    let s = x / (f(2.0) + x);
    let z = &s * &s;
    let r = &z * poly(&z, [0.666_667_8, 0.399_770_8, 0.298_851_9]);
    let h = f(0.5) * x * x;
    &h - fma(s, &h + r, extra)
}

/// (e, f) with x = 2^e·(1 + f), for positive finite x.
fn split(x: &X) -> (X, X) {
    let tiny = x.lt(f32::MIN_POSITIVE);
    let y = sel(&tiny, x * 8_388_608.0, x);
    let i = y.bits() - u(0x3f35_04f3);
    let e = i.sar(23) - sel(&tiny, 23, 0);
    let m = ((i & u(0x7f_ffff)) + u(0x3f35_04f3)).as_float();
    (e.signed_to_float(), m - 1.0)
}

/// Puts in what a logarithm is outside the positive finite numbers.
fn log_domain(x: &X, y: X) -> X {
    let special = sel(&x.eq(0.0), f32::NEG_INFINITY, sel(&x.gt(0.0), f32::INFINITY, f32::NAN));
    sel(&(x.gt(0.0) & x.lt(f32::INFINITY)), y, special)
}

pub(super) fn log(x: &X) -> X {
    let (e, t) = split(x);
    log_domain(x, fma(&e, LN2_HI, &t - log_tail(&t, &e * LN2_LO)))
}

fn log2(x: &X) -> X {
    let (e, t) = split(x);
    let l = &t - log_tail(&t, 0.0);
    // log2(e) with its head.
    log_domain(x, e + fma(&l, 1.442_382_8, &l * 3.122_284e-4))
}

fn log10(x: &X) -> X {
    let (e, t) = split(x);
    let l = &t - log_tail(&t, 0.0);
    log_domain(x, fma(&e, 0.301_025_4, fma(l, LOG10_E, &e * 4.605_039e-6)))
}

pub(super) fn log1p(x: &X) -> X {
    let w = f(1.0) + x;
    // What the rounding of 1 + x lost.
    let lost = sel(&w.gt(16_777_216.0), 0.0, (x - (&w - 1.0)) / &w);
    let (e, t) = split(&w);
    let y = fma(&e, LN2_HI, &t - log_tail(&t, fma(&e, LN2_LO, lost)));
    sel(&x.eq(0.0), x, log_domain(&w, y))
}

/// The high word of a product of words.
fn mul_high(a: &X, b: &X) -> X {
    let (al, ah, bl, bh) = (a & u(0xffff), a.shr(16), b & u(0xffff), b.shr(16));
    let low = (&al * &bl).shr(16);
    let (x, y) = (&ah * &bl, &al * &bh);
    let mid = (&x & u(0xffff)) + (&y & u(0xffff)) + low;
    ah * bh + x.shr(16) + y.shr(16) + mid.shr(16)
}

/// The bits of 2/π after the point, after a word of zeros.
const TWO_OVER_PI: [u32; 7] = [0, 0xa2f9_836e, 0x4e44_1529, 0xfc27_57d1, 0xf534_ddc0, 0xdb62_9599, 0x3c43_9041];

/// (quadrant, rest) of |x| > [`FAR`]: the product with 2/π in integers, of which only the bits below 4 are computed.
fn reduce_far(ax: &X) -> (X, X) {
    let bits = ax.bits();
    let a = (&bits | u(0x80_0000)).shl(8);
    // The window begins where a bit of 2/π times the lowest bit of x is worth 2: exponent - 33, and the word of zeros.
    let start = bits.shr(23) - u(127 + 33 - 32);
    let (at, by) = (start.shr(5), &start & u(31));
    let word = |k: usize| {
        let mut w = u(TWO_OVER_PI[k]);
        for i in 1..4 {
            w = sel(&at.eq(i as u32), *TWO_OVER_PI.get(k + i).unwrap_or(&0), w);
        }
        w
    };
    let part = |k: usize| word(k).shl(&by) | word(k + 1).shr(1).shr(u(31) - &by);
    let (high, mid, low) = (part(0), part(1), part(2));
    let q1 = &a * &mid + mul_high(&a, &low);
    let carry = sel(&q1.lt(&(&a * &mid)), 1, 0);
    let q0 = &a * &high + mul_high(&a, &mid) + carry;
    // Two bits of quadrant, then the fraction of a quadrant, taken to the nearer one.
    let (h, l) = (q0.shl(2) | q1.shr(30), q1.shl(2));
    let over = h.ge(1 << 31);
    let n = q0.shr(30) + sel(&over, 1, 0);
    let (nl, nh) = (-&l, !&h + sel(&l.eq(0), 1, 0));
    let (h, l) = (sel(&over, nh, &h), sel(&over, nl, &l));
    let r = h.unsigned_to_float() * 2f32.powi(-32) + l.unsigned_to_float() * 2f32.powi(-64);
    let r = r * FRAC_PI_2;
    (n, sel(&over, -&r, &r))
}

/// (quadrant, rest) of |x|: x = quadrant·π/2 + rest. NaN for NaN and infinity.
fn reduce_pi(ax: &X) -> (X, X) {
    let (nf, n) = nearest(&(ax * FRAC_2_PI));
    // π/2 in parts whose product with a quadrant is exact.
    let r = fma(&nf, -1.570_312_5, ax);
    let r = fma(&nf, -4.837_513e-4, r);
    let r = fma(&nf, -7.549_533_6e-8, r);
    let r = fma(&nf, -2.563_344e-12, r);
    let (far_n, far_r) = reduce_far(ax);
    let far = ax.bits().gt(FAR.to_bits());
    let r = sel(&far, far_r, r);
    (sel(&far, far_n, n), sel(&ax.bits().ge(0x7f80_0000), f32::NAN, r))
}

fn sin_poly(r: &X) -> X {
    let z = r * r;
    fma(r * &z, poly(&z, [-0.166_666_67, 8.333_329e-3, -1.983_925_6e-4, 2.717_564_5e-6]), r)
}

fn cos_poly(r: &X) -> X {
    let z = r * r;
    let h = f(0.5) * &z;
    let w = f(1.0) - &h;
    // The second term gives back what 1 - z/2 lost.
    &w + fma(&z * &z, poly(&z, [0.041_666_646, -1.388_730_6e-3, 2.443_120_3e-5]), (f(1.0) - &w) - h)
}

fn sin(x: &X) -> X {
    let (n, r) = reduce_pi(&x.abs());
    let y = sel(&(&n & u(1)).eq(0), sin_poly(&r), cos_poly(&r));
    (y.bits() ^ (&n & u(2)).shl(30) ^ (x.bits() & u(1 << 31))).as_float()
}

fn cos(x: &X) -> X {
    let (n, r) = reduce_pi(&x.abs());
    let y = sel(&(&n & u(1)).eq(0), cos_poly(&r), sin_poly(&r));
    (y.bits() ^ ((n + 1) & u(2)).shl(30)).as_float()
}

fn tan(x: &X) -> X {
    let (n, r) = reduce_pi(&x.abs());
    let (s, c) = (sin_poly(&r), cos_poly(&r));
    let even = (n & u(1)).eq(0);
    let y = sel(&even, &s, -&c) / sel(&even, &c, &s);
    (y.bits() ^ (x.bits() & u(1 << 31))).as_float()
}

/// x + x·z·poly(z) for z = x².
fn odd<const N: usize>(x: &X, z: &X, c: [f32; N]) -> X {
    fma(x * z, poly(z, c), x)
}

/// (big, p): p is asin|x| when |x| ≤ 0.5, else half of acos|x|.
fn asin_core(ax: &X) -> (X, X) {
    let big = ax.gt(0.5);
    let z = sel(&big, f(0.5) - f(0.5) * ax, ax * ax);
    let c = [0.166_666_6, 0.075_005_107, 0.044_515_72, 0.031_817_608, 0.014_402_615, 0.037_565_187];
    let t = sel(&big, z.sqrt(), ax);
    (big, odd(&t, &z, c))
}

fn asin(x: &X) -> X {
    let (big, p) = asin_core(&x.abs());
    // The small constant is what f32 loses of π/2.
    sel(&big, (f(FRAC_PI_2) - f(2.0) * &p) - 4.371_139e-8, &p).copysign(x)
}

fn acos(x: &X) -> X {
    let (big, p) = asin_core(&x.abs());
    let outer = sel(&x.gt(0.0), f(2.0) * &p, (f(PI) - f(2.0) * &p) - 8.742_278e-8);
    sel(&big, outer, f(FRAC_PI_2) - (p.copysign(x) + 4.371_139e-8))
}

/// atan of 0 ≤ t ≤ 1.
fn atan_unit(t: &X) -> X {
    let c = [
        -0.333_333_02,
        0.199_986_38,
        -0.142_652_45,
        0.109_575_72,
        -0.084_194_46,
        0.058_234_32,
        -0.031_455_468,
        0.011_064_315,
        -1.827_184_7e-3,
    ];
    odd(t, &(t * t), c)
}

fn atan(x: &X) -> X {
    let ax = x.abs();
    let inv = ax.gt(1.0);
    let p = atan_unit(&sel(&inv, f(1.0) / &ax, &ax));
    sel(&inv, (f(FRAC_PI_2) - &p) - 4.371_139e-8, &p).copysign(x)
}

fn atan2(y: &X, x: &X) -> X {
    let (ax, ay) = (x.abs(), y.abs());
    let steep = ay.gt(&ax);
    let (num, den) = (sel(&steep, &ax, &ay), sel(&steep, &ay, &ax));
    let t = sel(&den.eq(0.0), 0.0, sel(&num.eq(f32::INFINITY), 1.0, &num / &den));
    let p = atan_unit(&t);
    let p = sel(&steep, (f(FRAC_PI_2) - &p) - 4.371_139e-8, &p);
    let left = x.bits().ge(1 << 31);
    let p = sel(&left, (f(PI) - &p) - 8.742_278e-8, &p).copysign(y);
    sel(&(x.is_nan() | y.is_nan()), f32::NAN, p)
}

fn sinh(x: &X) -> X {
    let ax = x.abs();
    let small = odd(&ax, &(&ax * &ax), [0.166_666_67, 8.333_351e-3, 1.983_606_6e-4, 2.817_439_7e-6]);
    let e = exp_scaled(&ax, -1);
    sel(&ax.lt(1.0), small, &e - f(0.25) / &e).copysign(x)
}

fn cosh(x: &X) -> X {
    let e = exp_scaled(&x.abs(), -1);
    &e + f(0.25) / &e
}

fn tanh(x: &X) -> X {
    let ax = x.abs();
    let c = [-0.333_332_84, 0.133_314_91, -0.053_743_497, 0.020_650_579, -5.717_037e-3];
    let small = odd(&ax, &(&ax * &ax), c);
    let big = f(1.0) - f(2.0) / (exp(&(f(2.0) * &ax)) + 1.0);
    sel(&ax.lt(0.625), small, big).copysign(x)
}

fn asinh(x: &X) -> X {
    let ax = x.abs();
    let z = &ax * &ax;
    let mid = log1p(&(&ax + &z / (f(1.0) + (&z + 1.0).sqrt())));
    sel(&ax.gt(4096.0), log(&ax) + LN_2, mid).copysign(x)
}

fn acosh(x: &X) -> X {
    let t = x - 1.0;
    let mid = log1p(&(&t + (&t * (&t + 2.0)).sqrt()));
    let y = sel(&x.gt(4096.0), log(x) + LN_2, mid);
    sel(&x.lt(1.0), f32::NAN, y)
}

fn atanh(x: &X) -> X {
    let ax = x.abs();
    (f(0.5) * log1p(&(f(2.0) * &ax / (f(1.0) - &ax)))).copysign(x)
}

fn erf(x: &X) -> X {
    let ax = clamp(&x.abs(), 0.0, 4.0);
    let c = [0.128_379_17, -0.376_126_26, 0.112_836_003, -0.026_854_444, 5.189_535e-3, -8.020_841e-4, 7.889_119e-5];
    let small = fma(&ax, poly(&(&ax * &ax), c), &ax);
    // -ln(1 - erf)
    let g = [
        -1.834_446_6e-4,
        1.129_556_8,
        0.633_262_63,
        0.108_372_49,
        -0.025_178_973,
        4.193_613e-3,
        -4.391_067e-4,
        2.149_614_6e-5,
    ];
    let big = f(1.0) - exp(&-poly(&ax, g));
    keep_nan(x, sel(&ax.lt(1.0), small, big).copysign(x))
}

fn sigmoid(x: &X) -> X {
    let e = exp(&-x.abs());
    sel(&x.lt(0.0), &e, 1.0) / (f(1.0) + &e)
}

fn logaddexp(x: &X, y: &X) -> X {
    let larger = x.gt(y);
    let (hi, lo) = (sel(&larger, x, y), sel(&larger, y, x));
    let r = &hi + log1p(&exp(&(&lo - &hi)));
    let r = sel(&(lo.eq(f32::NEG_INFINITY) | hi.eq(f32::INFINITY)), &hi, r);
    sel(&(x.is_nan() | y.is_nan()), f32::NAN, r)
}

/// Nearest integer, halves to even: the sum with 2^23 has it in its low bits. Taking 2^23 off again as a float would be
/// shorter, but compilers make a rounding instruction of that, and Mesa 26.1's gives the fraction on processors with
/// AVX-512.
pub(super) fn round(x: &X) -> X {
    const WHOLE: f32 = 8_388_608.0;
    let ax = x.abs();
    let r = ((&ax + WHOLE).bits() - u(WHOLE.to_bits())).unsigned_to_float();
    sel(&ax.lt(WHOLE), r.copysign(x), x)
}

pub(super) fn floor(x: &X) -> X {
    let r = round(x);
    sel(&r.gt(x), &r - 1.0, &r)
}

fn ceil(x: &X) -> X {
    let r = round(x);
    sel(&r.lt(x), &r + 1.0, &r).copysign(x)
}

/// The product of two floats as a sum of two, exactly (but for underflow).
fn two_product(a: &X, b: &X) -> (X, X) {
    let head = |x: &X| (x.bits() & u(0xffff_f000)).as_float();
    let (ah, bh) = (head(a), head(b));
    let (al, bl) = (a - &ah, b - &bh);
    let p = a * b;
    let e = ((&ah * &bh - &p) + &ah * &bl + &al * &bh) + &al * &bl;
    (p, e)
}

/// The sum of two floats as a sum of two, exactly.
fn two_sum(a: &X, b: &X) -> (X, X) {
    let s = a + b;
    let v = &s - a;
    let e = (a - (&s - &v)) + (b - &v);
    (s, e)
}

/// x/y. Devices are not bound to divide by numbers beyond 2^126, whose reciprocals are subnormal, so both are made smaller
/// there.
fn divide(x: &X, y: &X) -> X {
    let k = sel(&y.abs().gt(2f32.powi(125)), 2f32.powi(-30), f(1.0));
    (x * &k) / (y * &k)
}

/// The rounded quotient: devices may be off by two units, which counts where it is rounded down afterwards.
fn quotient(x: &X, y: &X) -> X {
    let q = divide(x, y);
    let (p, e) = two_product(&q, y);
    let better = &q + ((x - p) - e) / y;
    sel(&better.abs().lt(f32::INFINITY), &better, &q)
}

/// Remainder with the divisor's sign: long division, 11 bits of the quotient at a time, each step exact.
fn remainder(x: &X, y: &X) -> X {
    let (ax, ay) = (x.abs(), y.abs());
    // Parts so small that they would be lost are worked on 2^64 times as large; what is large then has no quotient
    // that the steps below do not reach.
    let tiny = ax.lt(2f32.powi(-60)) & ay.lt(2f32.powi(-60));
    let (mut r, base) = (sel(&tiny, &ax * 2f32.powi(64), &ax), sel(&tiny, &ay * 2f32.powi(64), &ay));
    for k in (0..=23).rev() {
        let d = if k == 0 { base.clone() } else { scale(base.clone(), &u(11 * k)) };
        let usable = d.lt(f32::INFINITY) & r.ge(&d);
        let q = floor(&(&r / &d));
        let (p, e) = two_product(&q, &d);
        let t = (&r - p) - e;
        let t = sel(&t.lt(0.0), &t + &d, &t);
        let t = sel(&t.ge(&d), &t - &d, &t);
        r = sel(&usable, t, &r);
    }
    let r = sel(&tiny, &r * 2f32.powi(-64), &r).copysign(x);
    let opposite = (x.bits() ^ y.bits()).ge(1 << 31);
    let r = sel(&(r.ne(0.0) & opposite), &r + y, &r);
    let bad = x.is_nan() | y.is_nan() | ax.eq(f32::INFINITY) | y.eq(0.0);
    sel(&bad, f32::NAN, r)
}

/// x^y: the logarithm and its product with y as sums of two floats.
fn pow(x: &X, y: &X) -> X {
    let ax = x.abs();
    let (e, t) = split(&ax);
    // s = t / (2 + t) with its error.
    let (d, dl) = two_sum(&f(2.0), &t);
    let s = &t / &d;
    let (p, pe) = two_product(&s, &d);
    let sl = (((&t - p) - pe) - &s * dl) / &d;
    let z = &s * &s;
    // log2(1 + t) = C·s + s·z·(…), C = 2/ln 2 in two parts.
    let (c, ce) = two_product(&s, &f(2.885_39));
    let tail = poly(&z, [0.961_796_7, 0.577_078, 0.412_198_4, 0.320_616_87, 0.261_428_45, 0.243_108_76]);
    let small = ce + &s * 3.851_926e-8 + sl * 2.885_39 + &s * &z * tail;
    let (h, hl) = two_sum(&e, &c);
    let (h, l) = two_sum(&h, &(hl + small));
    // The product, kept where an exponent can be.
    let (t, te) = two_product(y, &h);
    let te = te + y * l;
    let wild = !(t.abs().lt(200.0));
    let t = sel(&wild, sel(&t.gt(0.0), 200.0, -200.0), t);
    let te = sel(&wild, 0.0, te);
    let (nf, n) = nearest(&t);
    let r = (t - nf) + te;
    let q = [1.0, LN_2, 0.240_226_5, 0.055_504_1, 9.618_023e-3, 1.333_393_7e-3, 1.547_060_6e-4, 1.520_09e-5];
    let r = scale(poly(&r, q), &n);
    // Zero and infinity as base.
    let out = sel(&y.gt(0.0), &ax, f(1.0) / &ax);
    let r = sel(&(ax.eq(0.0) | ax.eq(f32::INFINITY)), out, r);
    let whole = round(y);
    let integral = whole.eq(y);
    let odd = &integral & (round(&(f(0.5) * &whole)) * 2.0).ne(&whole);
    let r = sel(&(x.lt(0.0) & !&integral & ax.lt(f32::INFINITY)), f32::NAN, r);
    let r = sel(&odd, r.copysign(x), r);
    let r = sel(&(x.is_nan() | y.is_nan()), f32::NAN, r);
    // 1^y, x^0, and (-1)^±inf.
    sel(&(x.eq(1.0) | y.eq(0.0) | (ax.eq(1.0) & y.abs().eq(f32::INFINITY))), 1.0, r)
}

/// MLX's polynomial.
fn erfinv(a: &X) -> X {
    const FAR: [f32; 9] = [
        3.036_975_7e-10,
        2.932_431_e-8,
        1.221_503_3e-6,
        2.841_089_5e-5,
        3.935_529_7e-4,
        3.026_988_1e-3,
        4.831_858e-3,
        -2.646_461_4e-1,
        8.400_165e-1,
    ];
    const NEAR: [f32; 10] = [
        5.438_778_3e-9,
        1.432_854_5e-7,
        1.227_747_9e-6,
        1.129_636_26e-7,
        -5.615_307_6e-5,
        -1.476_976_3e-4,
        2.314_686_8e-3,
        1.153_925_8e-2,
        -2.320_154_8e-1,
        8.862_269e-1,
    ];
    // 1 - a², with what the rounding of a² lost.
    let (p, e) = two_product(a, a);
    let t = log(&((f(1.0) - p) - e));
    let eval = |c: &[f32]| c[1..].iter().fold(f(c[0]), |p, &k| fma(p, &t, k));
    a * sel(&t.abs().gt(6.125), eval(&FAR), eval(&NEAR))
}

/// What a function gives: a value of its arguments' kind, or a truth value.
pub(super) enum Out {
    Same(X),
    Truth(X),
}

/// The value of a function of floats, or none where it is not defined.
pub(super) fn function(which: Func, a: &[X]) -> Option<Out> {
    let x = &a[0];
    let y = a.get(1).unwrap_or(x);
    let value = match which {
        Func::Convert | Func::Select => return None,
        Func::BitwiseInvert | Func::BitwiseAnd | Func::BitwiseOr | Func::BitwiseXor => return None,
        Func::LeftShift | Func::RightShift => return None,
        Func::Abs => x.abs(),
        Func::Negative => -x,
        Func::Sign => sel(&x.gt(0.0), 1.0, sel(&x.lt(0.0), -1.0, 0.0)),
        Func::Floor => floor(x),
        Func::Ceil => ceil(x),
        Func::Trunc => floor(&x.abs()).copysign(x),
        Func::Round => round(x),
        Func::Square => x * x,
        Func::Sqrt => x.sqrt(),
        Func::Rsqrt => f(1.0) / x.sqrt(),
        Func::Exp => exp(x),
        Func::Expm1 => expm1(x),
        Func::Log => log(x),
        Func::Log2 => log2(x),
        Func::Log10 => log10(x),
        Func::Log1p => log1p(x),
        Func::Sin => sin(x),
        Func::Cos => cos(x),
        Func::Tan => tan(x),
        Func::Arcsin => asin(x),
        Func::Arccos => acos(x),
        Func::Arctan => atan(x),
        Func::Sinh => sinh(x),
        Func::Cosh => cosh(x),
        Func::Tanh => tanh(x),
        Func::Arcsinh => asinh(x),
        Func::Arccosh => acosh(x),
        Func::Arctanh => atanh(x),
        Func::Erf => erf(x),
        Func::Erfinv => erfinv(x),
        Func::Sigmoid => sigmoid(x),
        Func::Real | Func::Conjugate => x.clone(),
        Func::Imag => f(0.0),
        Func::Add => x + y,
        Func::Subtract => x - y,
        Func::Multiply => x * y,
        Func::Divide => divide(x, y),
        Func::FloorDivide => floor(&quotient(x, y)),
        Func::Remainder => remainder(x, y),
        Func::Power => pow(x, y),
        Func::Maximum => sel(&(x.gt(y) | x.is_nan()), x, y),
        Func::Minimum => sel(&(x.lt(y) | x.is_nan()), x, y),
        Func::Arctan2 => atan2(x, y),
        Func::Logaddexp => logaddexp(x, y),
        Func::LogicalNot => return Some(Out::Truth(x.eq(0.0))),
        Func::Equal => return Some(Out::Truth(x.eq(y))),
        Func::NanEqual => return Some(Out::Truth(x.eq(y) | (x.is_nan() & y.is_nan()))),
        Func::NotEqual => return Some(Out::Truth(x.ne(y))),
        Func::Less => return Some(Out::Truth(x.lt(y))),
        Func::LessEqual => return Some(Out::Truth(x.le(y))),
        Func::Greater => return Some(Out::Truth(x.gt(y))),
        Func::GreaterEqual => return Some(Out::Truth(x.ge(y))),
        Func::LogicalAnd => return Some(Out::Truth(x.ne(0.0) & y.ne(0.0))),
        Func::LogicalOr => return Some(Out::Truth(x.ne(0.0) | y.ne(0.0))),
    };
    Some(Out::Same(value))
}
