//! Conversions between the ways values are held, and between those and memory.
//!
//! Floats to integers are truncated. Where that does not fit, the result is what the official x86-64 build gives, on
//! every machine: 8- and 16-bit types take the low bits of the conversion to i32, which is i32::MIN out of range or
//! for NaN; i64 likewise gives i64::MIN; u32 and u64 convert x, or from 2^31 (2^63) on x - 2^31 with the top bit
//! turned, as signed.

#![allow(clippy::manual_range_contains, reason = "two comparisons without a branch between them become a blend")]

use super::Reg;
use crate::Isa;
use crate::level::{Body, Level, Loop, brain_to_f32, entry, entry_narrow, entry_plain, f32_to_brain, sel};
use mlx_ir::C64;
use std::slice::{from_raw_parts, from_raw_parts_mut};

/// A byte that is 0 or 1.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Bit(u8);

#[inline(always)]
fn to_i32(x: f32) -> i32 {
    let fits = (x >= -2_147_483_648.0) & (x < 2_147_483_648.0);
    let y = sel(fits, x, 0.0);
    // SAFETY: `y` is in range.
    sel(fits, unsafe { y.to_int_unchecked::<i32>() }, i32::MIN)
}
#[inline(always)]
fn to_u32(x: f32) -> u32 {
    let high = x >= 2_147_483_648.0;
    to_i32(sel(high, x - 2_147_483_648.0, x)) as u32 ^ sel(high, 1 << 31, 0)
}
#[inline(always)]
fn to_i64(x: f64) -> i64 {
    const TOP: f64 = 9_223_372_036_854_775_808.0;
    sel((x >= -TOP) & (x < TOP), x as i64, i64::MIN)
}
#[inline(always)]
fn to_u64(x: f64) -> u64 {
    const TOP: f64 = 9_223_372_036_854_775_808.0;
    let high = x >= TOP;
    to_i64(sel(high, x - TOP, x)) as u64 ^ sel(high, 1 << 63, 0)
}
#[inline(always)]
fn wide_to_i32(x: f64) -> i32 {
    sel((x > -2_147_483_649.0) & (x < 2_147_483_648.0), x as i32, i32::MIN)
}
#[inline(always)]
fn wide_to_u32(x: f64) -> u32 {
    let high = x >= 2_147_483_648.0;
    wide_to_i32(sel(high, x - 2_147_483_648.0, x)) as u32 ^ sel(high, 1 << 31, 0)
}

/// A value of one kind as another.
trait To<T> {
    fn to(self) -> T;
}
macro_rules! to {
    ($a:ty => $($b:ty: |$x:ident| $e:expr;)*) => {
        $(impl To<$b> for $a {
            #[inline(always)]
            fn to(self) -> $b {
                let $x = self;
                $e
            }
        })*
    };
}
macro_rules! from_int {
    ($($a:ty),*) => {$(
        to! { $a =>
            Bit: |x| Bit((x != 0) as u8);
            u8: |x| x as u8; u16: |x| x as u16; u32: |x| x as u32; u64: |x| x as u64;
            i8: |x| x as i8; i16: |x| x as i16; i32: |x| x as i32; i64: |x| x as i64;
            f32: |x| x as f32; f64: |x| x as f64; C64: |x| C64::new(x as f32, 0.0);
        }
    )*};
}
from_int!(u8, u16, u32, u64, i8, i16, i32, i64);
to! { Bit =>
    Bit: |x| Bit((x.0 != 0) as u8);
    u8: |x| x.0; u16: |x| x.0 as u16; u32: |x| x.0 as u32; u64: |x| x.0 as u64;
    i8: |x| x.0 as i8; i16: |x| x.0 as i16; i32: |x| x.0 as i32; i64: |x| x.0 as i64;
    f32: |x| x.0 as f32; f64: |x| x.0 as f64; C64: |x| C64::new(x.0 as f32, 0.0);
}
to! { f32 =>
    Bit: |x| Bit((x != 0.0) as u8);
    u8: |x| to_i32(x) as u8; u16: |x| to_i32(x) as u16; u32: |x| to_u32(x); u64: |x| to_u64(x as f64);
    i8: |x| to_i32(x) as i8; i16: |x| to_i32(x) as i16; i32: |x| to_i32(x); i64: |x| to_i64(x as f64);
    f32: |x| x; f64: |x| x as f64; C64: |x| C64::new(x, 0.0);
}
to! { f64 =>
    Bit: |x| Bit((x != 0.0) as u8);
    u8: |x| wide_to_i32(x) as u8; u16: |x| wide_to_i32(x) as u16; u32: |x| wide_to_u32(x); u64: |x| to_u64(x);
    i8: |x| wide_to_i32(x) as i8; i16: |x| wide_to_i32(x) as i16; i32: |x| wide_to_i32(x); i64: |x| to_i64(x);
    f32: |x| x as f32; f64: |x| x; C64: |x| C64::new(x as f32, 0.0);
}
macro_rules! from_complex {
    ($($b:ty),*) => {$(
        impl To<$b> for C64 {
            #[inline(always)]
            fn to(self) -> $b {
                self.re.to()
            }
        }
    )*};
}
from_complex!(u8, u16, u32, u64, i8, i16, i32, i64, f32, f64);
to! { C64 =>
    Bit: |x| Bit(((x.re != 0.0) | (x.im != 0.0)) as u8);
    C64: |x| x;
}

struct Cast<A, B>(std::marker::PhantomData<(A, B)>);
impl<A: To<B> + Copy, B> Body for Cast<A, B> {
    #[inline(always)]
    unsafe fn run<L: Level>(a: [*const u8; 3], o: *mut u8, n: usize) {
        // SAFETY: `Body::run` promises `n` elements of the types at hand, not overlapping.
        let (a, o) = unsafe { (from_raw_parts(a[0].cast::<A>(), n), from_raw_parts_mut(o.cast::<B>(), n)) };
        for (o, &x) in o.iter_mut().zip(a) {
            *o = x.to();
        }
    }
}

/// The loop that converts between two ways of holding.
pub(super) fn convert(from: Reg, to: Reg, isa: Isa) -> Loop {
    macro_rules! from {
        ($a:ty, $entry:ident) => {
            match to {
                Reg::Bool => $entry::<Cast<$a, Bit>>(isa),
                Reg::U8 => $entry::<Cast<$a, u8>>(isa),
                Reg::U16 => $entry::<Cast<$a, u16>>(isa),
                Reg::U32 => $entry::<Cast<$a, u32>>(isa),
                Reg::U64 => $entry::<Cast<$a, u64>>(isa),
                Reg::I8 => $entry::<Cast<$a, i8>>(isa),
                Reg::I16 => $entry::<Cast<$a, i16>>(isa),
                Reg::I32 => $entry::<Cast<$a, i32>>(isa),
                Reg::I64 => $entry::<Cast<$a, i64>>(isa),
                Reg::F32 => entry_narrow::<Cast<$a, f32>>(isa),
                Reg::F64 => $entry::<Cast<$a, f64>>(isa),
                Reg::C64 => $entry::<Cast<$a, C64>>(isa),
            }
        };
    }
    match from {
        Reg::Bool => from!(Bit, entry_plain),
        Reg::U8 => from!(u8, entry_plain),
        Reg::U16 => from!(u16, entry_plain),
        Reg::U32 => from!(u32, entry_plain),
        Reg::U64 => from!(u64, entry_plain),
        Reg::I8 => from!(i8, entry_plain),
        Reg::I16 => from!(i16, entry_plain),
        Reg::I32 => from!(i32, entry_plain),
        Reg::I64 => from!(i64, entry_plain),
        Reg::F32 => from!(f32, entry_narrow),
        Reg::F64 => from!(f64, entry_plain),
        Reg::C64 => from!(C64, entry_plain),
    }
}

macro_rules! body {
    ($name:ident, |$l:ident, $a:ident, $o:ident, $n:ident| $e:expr) => {
        struct $name;
        impl Body for $name {
            #[inline(always)]
            unsafe fn run<$l: Level>(a: [*const u8; 3], $o: *mut u8, $n: usize) {
                let $a = a[0];
                // SAFETY: `Body::run` promises `n` elements at both pointers, not overlapping.
                unsafe { $e }
            }
        }
    };
}
body!(WidenHalf, |L, a, o, n| L::widen(a.cast(), o.cast(), n));
body!(NarrowHalf, |L, a, o, n| L::narrow(a.cast(), o.cast(), n));
body!(WidenBrain, |L, a, o, n| {
    for i in 0..n {
        *o.cast::<f32>().add(i) = brain_to_f32(*a.cast::<u16>().add(i));
    }
});
body!(NarrowBrain, |L, a, o, n| {
    for i in 0..n {
        *o.cast::<u16>().add(i) = f32_to_brain(*a.cast::<f32>().add(i));
    }
});
body!(RoundHalf, |L, a, o, n| {
    let mut half = [0u16; 64];
    for i in (0..n).step_by(64) {
        let m = (n - i).min(64);
        L::narrow(a.cast::<f32>().add(i), half.as_mut_ptr(), m);
        L::widen(half.as_ptr(), o.cast::<f32>().add(i), m);
    }
});
body!(RoundBrain, |L, a, o, n| {
    let mut brain = [0u16; 64];
    for i in (0..n).step_by(64) {
        let m = (n - i).min(64);
        for j in 0..m {
            brain[j] = f32_to_brain(*a.cast::<f32>().add(i + j));
        }
        for j in 0..m {
            *o.cast::<f32>().add(i + j) = brain_to_f32(brain[j]);
        }
    }
});

/// f16 or bf16 in memory to f32.
pub(super) fn widen(brain: bool, isa: Isa) -> Loop {
    if brain { entry::<WidenBrain>(isa) } else { entry::<WidenHalf>(isa) }
}
/// f32 to f16 or bf16 in memory.
pub(super) fn narrow(brain: bool, isa: Isa) -> Loop {
    if brain { entry::<NarrowBrain>(isa) } else { entry::<NarrowHalf>(isa) }
}
/// f32 rounded to the values of f16 or bf16.
pub(super) fn round(brain: bool, isa: Isa) -> Loop {
    if brain { entry::<RoundBrain>(isa) } else { entry::<RoundHalf>(isa) }
}
/// Bytes to 0 and 1.
pub(super) fn normalize_bool(isa: Isa) -> Loop {
    entry_plain::<Cast<Bit, Bit>>(isa)
}
