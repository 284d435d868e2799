//! Functions of integers and bool. Integers wrap; division and remainder by zero give 0.

use super::Reg;
use crate::Isa;
use crate::level::{Body, Level, Loop, entry_plain, sel};
use mlx_ir::Func;
use std::slice::{from_raw_parts, from_raw_parts_mut};

macro_rules! un {
    ($isa:expr, $t:ty => $r:ty, |$x:ident| $e:expr) => {{
        struct B;
        impl Body for B {
            #[inline(always)]
            unsafe fn run<L: Level>(a: [*const u8; 3], o: *mut u8, n: usize) {
                // SAFETY: `Body::run` promises `n` elements of the types at hand, not overlapping.
                let (a, o) = unsafe { (from_raw_parts(a[0].cast::<$t>(), n), from_raw_parts_mut(o.cast::<$r>(), n)) };
                for (o, &$x) in o.iter_mut().zip(a) {
                    *o = $e;
                }
            }
        }
        entry_plain::<B>($isa)
    }};
}
macro_rules! bin {
    ($isa:expr, $t:ty => $r:ty, |$x:ident, $y:ident| $e:expr) => {{
        struct B;
        impl Body for B {
            #[inline(always)]
            unsafe fn run<L: Level>(a: [*const u8; 3], o: *mut u8, n: usize) {
                // SAFETY: `Body::run` promises `n` elements of the types at hand, not overlapping.
                let (a, b, o) = unsafe {
                    (
                        from_raw_parts(a[0].cast::<$t>(), n),
                        from_raw_parts(a[1].cast::<$t>(), n),
                        from_raw_parts_mut(o.cast::<$r>(), n),
                    )
                };
                for (o, (&$x, &$y)) in o.iter_mut().zip(a.iter().zip(b)) {
                    *o = $e;
                }
            }
        }
        entry_plain::<B>($isa)
    }};
}

/// Chooses by a condition of bytes; values are moved as bits.
pub(super) fn select(size: usize, isa: Isa) -> Loop {
    macro_rules! choose {
        ($t:ty) => {{
            struct B;
            impl Body for B {
                #[inline(always)]
                unsafe fn run<L: Level>(a: [*const u8; 3], o: *mut u8, n: usize) {
                    // SAFETY: `Body::run` promises `n` elements of the types at hand, not overlapping.
                    let (c, x, y, o) = unsafe {
                        (
                            from_raw_parts(a[0], n),
                            from_raw_parts(a[1].cast::<$t>(), n),
                            from_raw_parts(a[2].cast::<$t>(), n),
                            from_raw_parts_mut(o.cast::<$t>(), n),
                        )
                    };
                    for i in 0..n {
                        // By bits: of a choice the compiler makes a jump for each element.
                        let m = (0 as $t).wrapping_sub((c[i] != 0) as $t);
                        o[i] = (x[i] & m) | (y[i] & !m);
                    }
                }
            }
            crate::level::entry::<B>(isa)
        }};
    }
    match size {
        1 => choose!(u8),
        2 => choose!(u16),
        4 => choose!(u32),
        _ => choose!(u64),
    }
}

/// Functions of bool, held as bytes 0 and 1.
pub(super) fn bool_function(f: Func, isa: Isa) -> Option<Loop> {
    Some(match f {
        Func::Abs | Func::Sign | Func::Floor | Func::Ceil | Func::Trunc | Func::Round | Func::Square => {
            un!(isa, u8 => u8, |x| x)
        }
        Func::Real | Func::Conjugate => un!(isa, u8 => u8, |x| x),
        Func::Imag => un!(isa, u8 => u8, |_x| 0),
        Func::LogicalNot | Func::BitwiseInvert => un!(isa, u8 => u8, |x| x ^ 1),
        Func::Add | Func::Maximum | Func::BitwiseOr | Func::LogicalOr => bin!(isa, u8 => u8, |x, y| x | y),
        Func::Subtract | Func::BitwiseXor | Func::NotEqual => bin!(isa, u8 => u8, |x, y| x ^ y),
        Func::Multiply | Func::Minimum | Func::BitwiseAnd | Func::LogicalAnd | Func::FloorDivide => {
            bin!(isa, u8 => u8, |x, y| x & y)
        }
        Func::Remainder => bin!(isa, u8 => u8, |x, y| x & (y ^ 1)),
        Func::Power | Func::GreaterEqual => bin!(isa, u8 => u8, |x, y| x | (y ^ 1)),
        Func::Equal | Func::NanEqual => bin!(isa, u8 => u8, |x, y| x ^ y ^ 1),
        Func::Less => bin!(isa, u8 => u8, |x, y| (x ^ 1) & y),
        Func::LessEqual => bin!(isa, u8 => u8, |x, y| (x ^ 1) | y),
        Func::Greater | Func::LeftShift | Func::RightShift => bin!(isa, u8 => u8, |x, y| x & (y ^ 1)),
        Func::Convert | Func::Select | Func::Negative => return None,
        Func::Sqrt | Func::Rsqrt | Func::Exp | Func::Expm1 | Func::Log | Func::Log2 | Func::Log10 => return None,
        Func::Log1p | Func::Sin | Func::Cos | Func::Tan | Func::Arcsin | Func::Arccos | Func::Arctan => return None,
        Func::Sinh | Func::Cosh | Func::Tanh | Func::Arcsinh | Func::Arccosh | Func::Arctanh => return None,
        Func::Erf | Func::Erfinv | Func::Sigmoid | Func::Divide | Func::Arctan2 | Func::Logaddexp => return None,
    })
}

/// x^y by repeated squaring; negative exponents give 0, except for bases 1 and -1.
macro_rules! power {
    ($t:ty, $x:expr, $y:expr) => {{
        let (mut base, mut e, mut r): ($t, $t, $t) = ($x, $y, 1);
        #[allow(unused_comparisons, reason = "written once for signed and unsigned")]
        if e < 0 {
            r = 0;
        } else {
            while e > 0 {
                if e & 1 == 1 {
                    r = r.wrapping_mul(base);
                }
                base = base.wrapping_mul(base);
                e >>= 1;
            }
        }
        r
    }};
}

/// What does not depend on the sign bit's meaning, for one width.
macro_rules! shared {
    ($name:ident, $t:ty) => {
        fn $name(f: Func, isa: Isa) -> Option<Loop> {
            Some(match f {
                Func::Negative => un!(isa, $t => $t, |x| x.wrapping_neg()),
                Func::Floor | Func::Ceil | Func::Trunc | Func::Round | Func::Real | Func::Conjugate => un!(isa, $t => $t, |x| x),
                Func::Imag => un!(isa, $t => $t, |_x| 0),
                Func::Square => un!(isa, $t => $t, |x| x.wrapping_mul(x)),
                Func::BitwiseInvert => un!(isa, $t => $t, |x| !x),
                Func::LogicalNot => un!(isa, $t => u8, |x| (x == 0) as u8),
                Func::Add => bin!(isa, $t => $t, |x, y| x.wrapping_add(y)),
                Func::Subtract => bin!(isa, $t => $t, |x, y| x.wrapping_sub(y)),
                Func::Multiply => bin!(isa, $t => $t, |x, y| x.wrapping_mul(y)),
                Func::Equal | Func::NanEqual => bin!(isa, $t => u8, |x, y| (x == y) as u8),
                Func::NotEqual => bin!(isa, $t => u8, |x, y| (x != y) as u8),
                Func::BitwiseAnd => bin!(isa, $t => $t, |x, y| x & y),
                Func::BitwiseOr => bin!(isa, $t => $t, |x, y| x | y),
                Func::BitwiseXor => bin!(isa, $t => $t, |x, y| x ^ y),
                // A negative or large shift, seen as unsigned, is at least the width.
                Func::LeftShift => bin!(isa, $t => $t, |x, y| {
                    sel(y < <$t>::BITS as $t, x << (y & (<$t>::BITS as $t - 1)), 0)
                }),
                Func::LogicalAnd => bin!(isa, $t => u8, |x, y| ((x != 0) & (y != 0)) as u8),
                Func::LogicalOr => bin!(isa, $t => u8, |x, y| ((x != 0) | (y != 0)) as u8),
                _ => return None,
            })
        }
    };
}
shared!(shared8, u8);
shared!(shared16, u16);
shared!(shared32, u32);
shared!(shared64, u64);

macro_rules! unsigned {
    ($name:ident, $t:ty) => {
        fn $name(f: Func, isa: Isa) -> Option<Loop> {
            Some(match f {
                Func::Abs => un!(isa, $t => $t, |x| x),
                Func::Sign => un!(isa, $t => $t, |x| (x != 0) as $t),
                Func::RightShift => bin!(isa, $t => $t, |x, y| {
                    sel(y < <$t>::BITS as $t, x >> (y & (<$t>::BITS as $t - 1)), 0)
                }),
                Func::FloorDivide => bin!(isa, $t => $t, |x, y| x.checked_div(y).unwrap_or(0)),
                Func::Remainder => bin!(isa, $t => $t, |x, y| x.checked_rem(y).unwrap_or(x)),
                _ => return ordered!($t, f, isa),
            })
        }
    };
}
macro_rules! signed {
    ($name:ident, $t:ty, $u:ty) => {
        fn $name(f: Func, isa: Isa) -> Option<Loop> {
            Some(match f {
                Func::Abs => un!(isa, $t => $t, |x| x.wrapping_abs()),
                Func::Sign => un!(isa, $t => $t, |x| (x > 0) as $t - (x < 0) as $t),
                Func::RightShift => bin!(isa, $t => $t, |x, y| {
                    const TOP: $u = <$t>::BITS as $u - 1;
                    x >> sel((y as $u) < TOP, y as $u, TOP)
                }),
                Func::FloorDivide => bin!(isa, $t => $t, |x, y| {
                    if y == 0 {
                        0
                    } else {
                        let q = x.wrapping_div(y);
                        let inexact = q.wrapping_mul(y) != x;
                        q - (inexact && (x < 0) != (y < 0)) as $t
                    }
                }),
                Func::Remainder => bin!(isa, $t => $t, |x, y| {
                    if y == 0 {
                        x
                    } else {
                        let r = x.wrapping_rem(y);
                        if r != 0 && (r < 0) != (y < 0) { r + y } else { r }
                    }
                }),
                _ => return ordered!($t, f, isa),
            })
        }
    };
}
/// What is written alike but compiles differently for signed and unsigned.
macro_rules! ordered {
    ($t:ty, $f:expr, $isa:expr) => {
        Some(match $f {
            Func::Power => bin!($isa, $t => $t, |x, y| power!($t, x, y)),
            Func::Maximum => bin!($isa, $t => $t, |x, y| sel(x > y, x, y)),
            Func::Minimum => bin!($isa, $t => $t, |x, y| sel(x < y, x, y)),
            Func::Less => bin!($isa, $t => u8, |x, y| (x < y) as u8),
            Func::LessEqual => bin!($isa, $t => u8, |x, y| (x <= y) as u8),
            Func::Greater => bin!($isa, $t => u8, |x, y| (x > y) as u8),
            Func::GreaterEqual => bin!($isa, $t => u8, |x, y| (x >= y) as u8),
            _ => return None,
        })
    };
}
unsigned!(of_u8, u8);
unsigned!(of_u16, u16);
unsigned!(of_u32, u32);
unsigned!(of_u64, u64);
signed!(of_i8, i8, u8);
signed!(of_i16, i16, u16);
signed!(of_i32, i32, u32);
signed!(of_i64, i64, u64);

/// The loop of a function of integers, or none where it is not defined.
pub(super) fn function(f: Func, r: Reg, isa: Isa) -> Option<Loop> {
    let shared = match r.size() {
        1 => shared8(f, isa),
        2 => shared16(f, isa),
        4 => shared32(f, isa),
        _ => shared64(f, isa),
    };
    shared.or_else(|| match r {
        Reg::U8 => of_u8(f, isa),
        Reg::U16 => of_u16(f, isa),
        Reg::U32 => of_u32(f, isa),
        Reg::U64 => of_u64(f, isa),
        Reg::I8 => of_i8(f, isa),
        Reg::I16 => of_i16(f, isa),
        Reg::I32 => of_i32(f, isa),
        Reg::I64 => of_i64(f, isa),
        Reg::Bool | Reg::F32 | Reg::F64 | Reg::C64 => None,
    })
}
