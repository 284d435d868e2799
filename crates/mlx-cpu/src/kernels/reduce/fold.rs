//! What reductions compute: a step for vectors of partial results, and a wider total in which those meet.

use crate::level::{At, sel};
use mlx_ir::C64;
use std::marker::PhantomData;

/// Partial results kept side by side, so that additions do not wait for each other.
pub(super) const LANES: usize = 32;

/// A reduction of elements of one type.
pub(super) trait Fold: 'static {
    /// Elements; f32 for half types.
    type In: At;
    /// A partial result of few elements.
    type Lane: Copy + Send + Sync + 'static;
    /// The result of many.
    type Total: Copy + Send + Sync + 'static;
    /// What is stored; f32 for half types.
    type Out: Copy + 'static;
    const START: Self::Lane;
    const NONE: Self::Total;
    fn step(l: Self::Lane, x: Self::In) -> Self::Lane;
    fn pair(a: Self::Lane, b: Self::Lane) -> Self::Lane;
    fn absorb(t: Self::Total, l: Self::Lane) -> Self::Total;
    fn merge(a: Self::Total, b: Self::Total) -> Self::Total;
    fn out(t: Self::Total) -> Self::Out;
}

pub(super) struct Sum<T>(PhantomData<T>);
pub(super) struct Prod<T>(PhantomData<T>);
pub(super) struct Max<T>(PhantomData<T>);
pub(super) struct Min<T>(PhantomData<T>);
/// Whether all are nonzero.
pub(super) struct And<T>(PhantomData<T>);
/// Whether any is nonzero.
pub(super) struct Or<T>(PhantomData<T>);

macro_rules! fold {
    ($op:ident, $in:ty, $lane:ty, $total:ty, $out:ty, $start:expr, $none:expr, |$l:ident, $x:ident| $step:expr,
     |$a:ident, $b:ident| $pair:expr, |$c:ident, $d:ident| $merge:expr) => {
        impl Fold for $op<$in> {
            type In = $in;
            type Lane = $lane;
            type Total = $total;
            type Out = $out;
            const START: $lane = $start;
            const NONE: $total = $none;
            #[inline(always)]
            fn step($l: $lane, $x: $in) -> $lane {
                $step
            }
            #[inline(always)]
            fn pair($a: $lane, $b: $lane) -> $lane {
                $pair
            }
            #[inline(always)]
            fn absorb($c: $total, l: $lane) -> $total {
                let $d = l as $total;
                $merge
            }
            #[inline(always)]
            fn merge($c: $total, $d: $total) -> $total {
                $merge
            }
            #[inline(always)]
            fn out(t: $total) -> $out {
                t as $out
            }
        }
    };
}

// Sums and products of f32 meet in f64.
fold!(Sum, f32, f32, f64, f32, 0.0, 0.0, |l, x| l + x, |a, b| a + b, |c, d| c + d);
fold!(Prod, f32, f32, f64, f32, 1.0, 1.0, |l, x| l * x, |a, b| a * b, |c, d| c * d);
fold!(Sum, f64, f64, f64, f64, 0.0, 0.0, |l, x| l + x, |a, b| a + b, |c, d| c + d);
fold!(Prod, f64, f64, f64, f64, 1.0, 1.0, |l, x| l * x, |a, b| a * b, |c, d| c * d);

macro_rules! extremes {
    (float $($t:ty),*) => {$(
        fold!(Max, $t, $t, $t, $t, <$t>::NEG_INFINITY, <$t>::NEG_INFINITY,
            |l, x| sel((x > l) | x.is_nan(), x, l), |a, b| sel((b > a) | b.is_nan(), b, a),
            |c, d| sel((d > c) | d.is_nan(), d, c));
        fold!(Min, $t, $t, $t, $t, <$t>::INFINITY, <$t>::INFINITY,
            |l, x| sel((x < l) | x.is_nan(), x, l), |a, b| sel((b < a) | b.is_nan(), b, a),
            |c, d| sel((d < c) | d.is_nan(), d, c));
        fold!(And, $t, u8, u8, u8, 1, 1, |l, x| l & (x != 0.0) as u8, |a, b| a & b, |c, d| c & d);
        fold!(Or, $t, u8, u8, u8, 0, 0, |l, x| l | (x != 0.0) as u8, |a, b| a | b, |c, d| c | d);
    )*};
    (int $($t:ty => $s:ty),*) => {$(
        fold!(Max, $t, $t, $t, $t, <$t>::MIN, <$t>::MIN, |l, x| sel(x > l, x, l), |a, b| sel(b > a, b, a),
            |c, d| sel(d > c, d, c));
        fold!(Min, $t, $t, $t, $t, <$t>::MAX, <$t>::MAX, |l, x| sel(x < l, x, l), |a, b| sel(b < a, b, a),
            |c, d| sel(d < c, d, c));
        fold!(And, $t, u8, u8, u8, 1, 1, |l, x| l & (x != 0) as u8, |a, b| a & b, |c, d| c & d);
        fold!(Or, $t, u8, u8, u8, 0, 0, |l, x| l | (x != 0) as u8, |a, b| a | b, |c, d| c | d);
        fold!(Sum, $t, $s, $s, $s, 0, 0, |l, x| l.wrapping_add(x as $s), |a, b| a.wrapping_add(b),
            |c, d| c.wrapping_add(d));
        fold!(Prod, $t, $s, $s, $s, 1, 1, |l, x| l.wrapping_mul(x as $s), |a, b| a.wrapping_mul(b),
            |c, d| c.wrapping_mul(d));
    )*};
}
extremes!(float f32, f64);
extremes!(int u8 => u32, u16 => u32, u32 => u32, u64 => u64, i8 => i32, i16 => i32, i32 => i32, i64 => i64);

/// A byte that is true unless 0.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Bit(u8);
impl At for Bit {}
impl Bit {
    #[inline(always)]
    fn get(self) -> u8 {
        (self.0 != 0) as u8
    }
}
fold!(Sum, Bit, i32, i32, i32, 0, 0, |l, x| l.wrapping_add(x.get() as i32), |a, b| a.wrapping_add(b), |c, d| c
    .wrapping_add(d));
fold!(Prod, Bit, i32, i32, i32, 1, 1, |l, x| l & x.get() as i32, |a, b| a & b, |c, d| c & d);
fold!(Max, Bit, u8, u8, u8, 0, 0, |l, x| l | x.get(), |a, b| a | b, |c, d| c | d);
fold!(Min, Bit, u8, u8, u8, 1, 1, |l, x| l & x.get(), |a, b| a & b, |c, d| c & d);
fold!(Or, Bit, u8, u8, u8, 0, 0, |l, x| l | x.get(), |a, b| a | b, |c, d| c | d);
fold!(And, Bit, u8, u8, u8, 1, 1, |l, x| l & x.get(), |a, b| a & b, |c, d| c & d);

/// Complex numbers; sums and products in f64 throughout.
macro_rules! complex {
    ($op:ident, $t:ty, $out:ty, $start:expr, |$l:ident, $x:ident| $step:expr, |$r:ident| $end:expr) => {
        impl Fold for $op<C64> {
            type In = C64;
            type Lane = $t;
            type Total = $t;
            type Out = $out;
            const START: $t = $start;
            const NONE: $t = $start;
            #[inline(always)]
            fn step($l: $t, x: C64) -> $t {
                let $x: $t = x.into_total();
                $step
            }
            #[inline(always)]
            fn pair($l: $t, $x: $t) -> $t {
                $step
            }
            #[inline(always)]
            fn absorb($l: $t, $x: $t) -> $t {
                $step
            }
            #[inline(always)]
            fn merge($l: $t, $x: $t) -> $t {
                $step
            }
            #[inline(always)]
            fn out($r: $t) -> $out {
                $end
            }
        }
    };
}
trait IntoTotal<T> {
    fn into_total(self) -> T;
}
type Wide = (f64, f64);
impl IntoTotal<Wide> for C64 {
    #[inline(always)]
    fn into_total(self) -> Wide {
        (self.re as f64, self.im as f64)
    }
}
impl IntoTotal<u8> for C64 {
    #[inline(always)]
    fn into_total(self) -> u8 {
        ((self.re != 0.0) | (self.im != 0.0)) as u8
    }
}
impl IntoTotal<Option<C64>> for C64 {
    #[inline(always)]
    fn into_total(self) -> Option<C64> {
        Some(self)
    }
}
fn narrow(t: Wide) -> C64 {
    C64::new(t.0 as f32, t.1 as f32)
}
/// The one that stays when `b` comes to `a`: a NaN, or the extreme by real, then imaginary part.
pub(crate) fn extreme(a: Option<C64>, b: Option<C64>, max: bool) -> Option<C64> {
    let (Some(x), Some(y)) = (a, b) else { return a.or(b) };
    let nan = |z: C64| z.re.is_nan() | z.im.is_nan();
    let less = |p: C64, q: C64| p.re < q.re || (p.re == q.re && p.im < q.im);
    let better = if max { less(x, y) } else { less(y, x) };
    if !nan(x) && (nan(y) || better) { b } else { a }
}
complex!(Sum, Wide, C64, (0.0, 0.0), |l, x| (l.0 + x.0, l.1 + x.1), |t| narrow(t));
complex!(Prod, Wide, C64, (1.0, 0.0), |l, x| (l.0 * x.0 - l.1 * x.1, l.0 * x.1 + l.1 * x.0), |t| narrow(t));
complex!(And, u8, u8, 1, |l, x| l & x, |t| t);
complex!(Or, u8, u8, 0, |l, x| l | x, |t| t);
complex!(Max, Option<C64>, C64, None, |l, x| extreme(l, x, true), |t| t.unwrap_or_default());
complex!(Min, Option<C64>, C64, None, |l, x| extreme(l, x, false), |t| t.unwrap_or_default());
