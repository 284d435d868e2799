//! Functions of complex64, computed in complex f64 and rounded once.

use crate::level::Loop;
use mlx_ir::{C64, Func};
use num_complex::Complex64;

type C = Complex64;

fn wide(z: C64) -> C {
    C::new(z.re as f64, z.im as f64)
}
/// Results as they are stored.
trait Store {
    type As;
    fn narrow(self) -> Self::As;
}
impl Store for C {
    type As = C64;
    fn narrow(self) -> C64 {
        C64::new(self.re as f32, self.im as f32)
    }
}
impl Store for f64 {
    type As = f32;
    fn narrow(self) -> f32 {
        self as f32
    }
}
impl Store for bool {
    type As = u8;
    fn narrow(self) -> u8 {
        self as u8
    }
}

macro_rules! un {
    ($r:ty, |$x:ident| $e:expr) => {{
        unsafe fn go(a: [*const u8; 3], o: *mut u8, n: usize) {
            for i in 0..n {
                // SAFETY: the caller promises `n` elements at each pointer.
                unsafe {
                    let $x = wide(*a[0].cast::<C64>().add(i));
                    *o.cast::<<$r as Store>::As>().add(i) = <$r as Store>::narrow($e);
                }
            }
        }
        go as Loop
    }};
}
macro_rules! bin {
    ($r:ty, |$x:ident, $y:ident| $e:expr) => {{
        unsafe fn go(a: [*const u8; 3], o: *mut u8, n: usize) {
            for i in 0..n {
                // SAFETY: the caller promises `n` elements at each pointer.
                unsafe {
                    let ($x, $y) = (wide(*a[0].cast::<C64>().add(i)), wide(*a[1].cast::<C64>().add(i)));
                    *o.cast::<<$r as Store>::As>().add(i) = <$r as Store>::narrow($e);
                }
            }
        }
        go as Loop
    }};
}

fn one() -> C {
    C::new(1.0, 0.0)
}
fn zero() -> C {
    C::new(0.0, 0.0)
}
fn nan(z: C) -> bool {
    z.re.is_nan() || z.im.is_nan()
}
/// MLX's order: by real part, then by imaginary part.
fn less(x: C, y: C) -> bool {
    x.re < y.re || (x.re == y.re && x.im < y.im)
}
fn sign(z: C) -> C {
    if z == zero() { z } else { z / z.norm() }
}
fn power(x: C, y: C) -> C {
    match (x == zero(), y == zero()) {
        (_, true) => one(),
        (true, false) => x,
        _ => x.powc(y),
    }
}
fn logaddexp(x: C, y: C) -> C {
    let (hi, lo) = if less(y, x) { (x, y) } else { (y, x) };
    hi + (one() + (lo - hi).exp()).ln()
}

/// The loop of a function, or none where it is not defined for complex numbers.
pub(super) fn function(f: Func) -> Option<Loop> {
    Some(match f {
        Func::Convert | Func::Select => return None,
        Func::BitwiseInvert | Func::BitwiseAnd | Func::BitwiseOr | Func::BitwiseXor => return None,
        Func::LeftShift | Func::RightShift => return None,
        Func::Floor | Func::Ceil | Func::Trunc | Func::Erf | Func::Erfinv | Func::Expm1 | Func::Sigmoid => return None,
        Func::Arctan2 | Func::FloorDivide | Func::Remainder => return None,
        Func::Abs => un!(f64, |x| x.norm()),
        Func::Real => un!(f64, |x| x.re),
        Func::Imag => un!(f64, |x| x.im),
        Func::Conjugate => un!(C, |x| x.conj()),
        Func::Negative => un!(C, |x| -x),
        Func::Sign => un!(C, |x| sign(x)),
        Func::Round => un!(C, |x| C::new(x.re.round_ties_even(), x.im.round_ties_even())),
        Func::Square => un!(C, |x| x * x),
        Func::Sqrt => un!(C, |x| x.sqrt()),
        Func::Rsqrt => un!(C, |x| one() / x.sqrt()),
        Func::Exp => un!(C, |x| x.exp()),
        Func::Log => un!(C, |x| x.ln()),
        Func::Log2 => un!(C, |x| x.ln() / std::f64::consts::LN_2),
        Func::Log10 => un!(C, |x| x.ln() / std::f64::consts::LN_10),
        Func::Log1p => un!(C, |x| (one() + x).ln()),
        Func::Sin => un!(C, |x| x.sin()),
        Func::Cos => un!(C, |x| x.cos()),
        Func::Tan => un!(C, |x| x.tan()),
        Func::Arcsin => un!(C, |x| x.asin()),
        Func::Arccos => un!(C, |x| x.acos()),
        Func::Arctan => un!(C, |x| x.atan()),
        Func::Sinh => un!(C, |x| x.sinh()),
        Func::Cosh => un!(C, |x| x.cosh()),
        Func::Tanh => un!(C, |x| x.tanh()),
        Func::Arcsinh => un!(C, |x| x.asinh()),
        Func::Arccosh => un!(C, |x| x.acosh()),
        Func::Arctanh => un!(C, |x| x.atanh()),
        Func::LogicalNot => un!(bool, |x| x == zero()),
        Func::Add => bin!(C, |x, y| x + y),
        Func::Subtract => bin!(C, |x, y| x - y),
        Func::Multiply => bin!(C, |x, y| x * y),
        Func::Divide => bin!(C, |x, y| x / y),
        Func::Power => bin!(C, |x, y| power(x, y)),
        Func::Maximum => bin!(C, |x, y| if nan(x) || (!nan(y) && !less(x, y)) { x } else { y }),
        Func::Minimum => bin!(C, |x, y| if nan(x) || (!nan(y) && less(x, y)) { x } else { y }),
        Func::Logaddexp => bin!(C, |x, y| logaddexp(x, y)),
        Func::Equal => bin!(bool, |x, y| x == y),
        Func::NanEqual => bin!(bool, |x, y| x == y || (nan(x) && nan(y))),
        Func::NotEqual => bin!(bool, |x, y| x != y),
        Func::Less => bin!(bool, |x, y| less(x, y)),
        Func::LessEqual => bin!(bool, |x, y| less(x, y) || x == y),
        Func::Greater => bin!(bool, |x, y| less(y, x)),
        Func::GreaterEqual => bin!(bool, |x, y| less(y, x) || x == y),
        Func::LogicalAnd => bin!(bool, |x, y| x != zero() && y != zero()),
        Func::LogicalOr => bin!(bool, |x, y| x != zero() || y != zero()),
    })
}
