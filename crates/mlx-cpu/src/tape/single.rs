//! Functions of f32, which serve f16 and bf16 as well.

use crate::Isa;
use crate::level::{Body, Level, Loop, entry, sel};
use crate::math32 as m;
use mlx_ir::Func;
use std::slice::{from_raw_parts, from_raw_parts_mut};

/// One argument.
macro_rules! un {
    ($isa:expr, $r:ty, |$x:ident, $l:ident| $e:expr) => {{
        struct B;
        impl Body for B {
            #[inline(always)]
            unsafe fn run<$l: Level>(a: [*const u8; 3], o: *mut u8, n: usize) {
                // SAFETY: `Body::run` promises `n` elements of the types at hand, not overlapping.
                let (a, o) = unsafe { (from_raw_parts(a[0].cast::<f32>(), n), from_raw_parts_mut(o.cast::<$r>(), n)) };
                for (o, &$x) in o.iter_mut().zip(a) {
                    *o = $e;
                }
            }
        }
        entry::<B>($isa)
    }};
}
/// Two arguments.
macro_rules! bin {
    ($isa:expr, $r:ty, |$x:ident, $y:ident, $l:ident| $e:expr) => {{
        struct B;
        impl Body for B {
            #[inline(always)]
            unsafe fn run<$l: Level>(a: [*const u8; 3], o: *mut u8, n: usize) {
                // SAFETY: `Body::run` promises `n` elements of the types at hand, not overlapping.
                let (a, b, o) = unsafe {
                    (
                        from_raw_parts(a[0].cast::<f32>(), n),
                        from_raw_parts(a[1].cast::<f32>(), n),
                        from_raw_parts_mut(o.cast::<$r>(), n),
                    )
                };
                for (o, (&$x, &$y)) in o.iter_mut().zip(a.iter().zip(b)) {
                    *o = $e;
                }
            }
        }
        entry::<B>($isa)
    }};
}
/// One argument, with a slow way for arguments outside the fast one's domain.
macro_rules! un_far {
    ($isa:expr, $fast:ident, $slow:ident) => {{
        struct B;
        impl Body for B {
            #[inline(always)]
            unsafe fn run<L: Level>(a: [*const u8; 3], o: *mut u8, n: usize) {
                // SAFETY: `Body::run` promises `n` elements of the types at hand, not overlapping.
                let (a, o) = unsafe { (from_raw_parts(a[0].cast::<f32>(), n), from_raw_parts_mut(o.cast::<f32>(), n)) };
                let mut far = 0u32;
                for (o, &x) in o.iter_mut().zip(a) {
                    *o = m::$fast::<L>(x);
                    far |= m::is_far(x) as u32;
                }
                if far != 0 {
                    for (o, &x) in o.iter_mut().zip(a).filter(|(_, x)| m::is_far(**x)) {
                        *o = (x as f64).$slow() as f32;
                    }
                }
            }
        }
        entry::<B>($isa)
    }};
}

struct Remainder;
impl Body for Remainder {
    #[inline(always)]
    unsafe fn run<L: Level>(a: [*const u8; 3], o: *mut u8, n: usize) {
        // SAFETY: `Body::run` promises `n` elements of the types at hand, not overlapping.
        let (a, b, o) = unsafe {
            (
                from_raw_parts(a[0].cast::<f32>(), n),
                from_raw_parts(a[1].cast::<f32>(), n),
                from_raw_parts_mut(o.cast::<f32>(), n),
            )
        };
        let mut far = 0u32;
        for (o, (&x, &y)) in o.iter_mut().zip(a.iter().zip(b)) {
            *o = m::remainder(x, y);
            far |= m::rem_is_far(x, y) as u32;
        }
        if far != 0 {
            for (o, (&x, &y)) in o.iter_mut().zip(a.iter().zip(b)) {
                if m::rem_is_far(x, y) {
                    *o = m::remainder_any(x, y);
                }
            }
        }
    }
}

/// The loop of a function, or none where it is not defined for floats.
pub(super) fn function(f: Func, isa: Isa) -> Option<Loop> {
    Some(match f {
        Func::Convert | Func::Select => return None,
        Func::BitwiseInvert | Func::BitwiseAnd | Func::BitwiseOr | Func::BitwiseXor => return None,
        Func::LeftShift | Func::RightShift => return None,
        Func::Abs => un!(isa, f32, |x, L| x.abs()),
        Func::Negative => un!(isa, f32, |x, L| -x),
        Func::Sign => un!(isa, f32, |x, L| sel(x > 0.0, 1.0, 0.0) - sel(x < 0.0, 1.0, 0.0)),
        Func::Floor => un!(isa, f32, |x, L| m::floor(x)),
        Func::Ceil => un!(isa, f32, |x, L| m::ceil(x)),
        Func::Trunc => un!(isa, f32, |x, L| m::floor(x.abs()).copysign(x)),
        Func::Round => un!(isa, f32, |x, L| m::round(x)),
        Func::Square => un!(isa, f32, |x, L| x * x),
        Func::Sqrt => un!(isa, f32, |x, L| x.sqrt()),
        Func::Rsqrt => un!(isa, f32, |x, L| 1.0 / x.sqrt()),
        Func::Exp => un!(isa, f32, |x, L| m::exp::<L>(x)),
        Func::Expm1 => un!(isa, f32, |x, L| m::expm1::<L>(x)),
        Func::Log => un!(isa, f32, |x, L| m::log::<L>(x)),
        Func::Log2 => un!(isa, f32, |x, L| m::log2::<L>(x)),
        Func::Log10 => un!(isa, f32, |x, L| m::log10::<L>(x)),
        Func::Log1p => un!(isa, f32, |x, L| m::log1p::<L>(x)),
        Func::Sin => un_far!(isa, sin, sin),
        Func::Cos => un_far!(isa, cos, cos),
        Func::Tan => un_far!(isa, tan, tan),
        Func::Arcsin => un!(isa, f32, |x, L| m::asin::<L>(x)),
        Func::Arccos => un!(isa, f32, |x, L| m::acos::<L>(x)),
        Func::Arctan => un!(isa, f32, |x, L| m::atan::<L>(x)),
        Func::Sinh => un!(isa, f32, |x, L| m::sinh::<L>(x)),
        Func::Cosh => un!(isa, f32, |x, L| m::cosh::<L>(x)),
        Func::Tanh => un!(isa, f32, |x, L| m::tanh::<L>(x)),
        Func::Arcsinh => un!(isa, f32, |x, L| m::asinh::<L>(x)),
        Func::Arccosh => un!(isa, f32, |x, L| m::acosh::<L>(x)),
        Func::Arctanh => un!(isa, f32, |x, L| m::atanh::<L>(x)),
        Func::Erf => un!(isa, f32, |x, L| m::erf::<L>(x)),
        Func::Erfinv => un!(isa, f32, |x, L| m::erfinv(x)),
        Func::Sigmoid => un!(isa, f32, |x, L| m::sigmoid::<L>(x)),
        Func::LogicalNot => un!(isa, u8, |x, L| (x == 0.0) as u8),
        Func::Real | Func::Conjugate => un!(isa, f32, |x, L| x),
        Func::Imag => un!(isa, f32, |_x, L| 0.0),
        Func::Add => bin!(isa, f32, |x, y, L| x + y),
        Func::Subtract => bin!(isa, f32, |x, y, L| x - y),
        Func::Multiply => bin!(isa, f32, |x, y, L| x * y),
        Func::Divide => bin!(isa, f32, |x, y, L| x / y),
        Func::FloorDivide => bin!(isa, f32, |x, y, L| m::floor(x / y)),
        Func::Remainder => entry::<Remainder>(isa),
        Func::Power => bin!(isa, f32, |x, y, L| m::pow::<L>(x, y)),
        Func::Maximum => bin!(isa, f32, |x, y, L| sel((x > y) | x.is_nan(), x, y)),
        Func::Minimum => bin!(isa, f32, |x, y, L| sel((x < y) | x.is_nan(), x, y)),
        Func::Arctan2 => bin!(isa, f32, |x, y, L| m::atan2::<L>(x, y)),
        Func::Logaddexp => bin!(isa, f32, |x, y, L| m::logaddexp::<L>(x, y)),
        Func::Equal => bin!(isa, u8, |x, y, L| (x == y) as u8),
        Func::NanEqual => bin!(isa, u8, |x, y, L| ((x == y) | (x.is_nan() & y.is_nan())) as u8),
        Func::NotEqual => bin!(isa, u8, |x, y, L| (x != y) as u8),
        Func::Less => bin!(isa, u8, |x, y, L| (x < y) as u8),
        Func::LessEqual => bin!(isa, u8, |x, y, L| (x <= y) as u8),
        Func::Greater => bin!(isa, u8, |x, y, L| (x > y) as u8),
        Func::GreaterEqual => bin!(isa, u8, |x, y, L| (x >= y) as u8),
        Func::LogicalAnd => bin!(isa, u8, |x, y, L| ((x != 0.0) & (y != 0.0)) as u8),
        Func::LogicalOr => bin!(isa, u8, |x, y, L| ((x != 0.0) | (y != 0.0)) as u8),
    })
}
