//! Functions of f64: rare in practice, so they call the standard library element by element.

use crate::level::Loop;
use mlx_ir::Func;

macro_rules! un {
    ($r:ty, |$x:ident| $e:expr) => {{
        unsafe fn go(a: [*const u8; 3], o: *mut u8, n: usize) {
            for i in 0..n {
                // SAFETY: the caller promises `n` elements at each pointer.
                unsafe {
                    let $x = *a[0].cast::<f64>().add(i);
                    *o.cast::<$r>().add(i) = $e;
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
                    let ($x, $y) = (*a[0].cast::<f64>().add(i), *a[1].cast::<f64>().add(i));
                    *o.cast::<$r>().add(i) = $e;
                }
            }
        }
        go as Loop
    }};
}

fn sigmoid(x: f64) -> f64 {
    let e = (-x.abs()).exp();
    if x < 0.0 { e / (1.0 + e) } else { 1.0 / (1.0 + e) }
}

fn remainder(x: f64, y: f64) -> f64 {
    let r = x % y;
    if r != 0.0 && (r < 0.0) != (y < 0.0) { r + y } else { r }
}

fn logaddexp(x: f64, y: f64) -> f64 {
    let (hi, lo) = if x > y { (x, y) } else { (y, x) };
    if x.is_nan() || y.is_nan() {
        f64::NAN
    } else if lo == f64::NEG_INFINITY || hi == f64::INFINITY {
        hi
    } else {
        hi + (lo - hi).exp().ln_1p()
    }
}

/// The polynomial of f32 as a start, then Newton's steps on erf, or on its complement where that keeps the digits.
fn erfinv(y: f64) -> f64 {
    if y.is_nan() || y.abs() >= 1.0 {
        return if y.abs() == 1.0 { y * f64::INFINITY } else { f64::NAN };
    }
    // Near the ends f32 would round to 1.
    let mut x = crate::math32::erfinv((y as f32).clamp(-0.999_999_94, 0.999_999_94)) as f64;
    for _ in 0..6 {
        let e = if x.abs() > 0.5 { ((1.0 - y.abs()) - libm::erfc(x.abs())) * y.signum() } else { libm::erf(x) - y };
        let step = e * (std::f64::consts::PI.sqrt() / 2.0) * (x * x).exp();
        if !step.is_finite() || step == 0.0 {
            break;
        }
        x -= step;
    }
    x
}

/// The loop of a function, or none where it is not defined for floats.
pub(super) fn function(f: Func) -> Option<Loop> {
    Some(match f {
        Func::Convert | Func::Select => return None,
        Func::BitwiseInvert | Func::BitwiseAnd | Func::BitwiseOr | Func::BitwiseXor => return None,
        Func::LeftShift | Func::RightShift => return None,
        Func::Abs => un!(f64, |x| x.abs()),
        Func::Negative => un!(f64, |x| -x),
        Func::Sign => un!(f64, |x| (x > 0.0) as u8 as f64 - (x < 0.0) as u8 as f64),
        Func::Floor => un!(f64, |x| x.floor()),
        Func::Ceil => un!(f64, |x| x.ceil()),
        Func::Trunc => un!(f64, |x| x.trunc()),
        Func::Round => un!(f64, |x| x.round_ties_even()),
        Func::Square => un!(f64, |x| x * x),
        Func::Sqrt => un!(f64, |x| x.sqrt()),
        Func::Rsqrt => un!(f64, |x| 1.0 / x.sqrt()),
        Func::Exp => un!(f64, |x| x.exp()),
        Func::Expm1 => un!(f64, |x| x.exp_m1()),
        Func::Log => un!(f64, |x| x.ln()),
        Func::Log2 => un!(f64, |x| x.log2()),
        Func::Log10 => un!(f64, |x| x.log10()),
        Func::Log1p => un!(f64, |x| x.ln_1p()),
        Func::Sin => un!(f64, |x| x.sin()),
        Func::Cos => un!(f64, |x| x.cos()),
        Func::Tan => un!(f64, |x| x.tan()),
        Func::Arcsin => un!(f64, |x| x.asin()),
        Func::Arccos => un!(f64, |x| x.acos()),
        Func::Arctan => un!(f64, |x| x.atan()),
        Func::Sinh => un!(f64, |x| x.sinh()),
        Func::Cosh => un!(f64, |x| x.cosh()),
        Func::Tanh => un!(f64, |x| x.tanh()),
        Func::Arcsinh => un!(f64, |x| libm::asinh(x)),
        // The library's function is not NaN everywhere below 1.
        Func::Arccosh => un!(f64, |x| if x < 1.0 { f64::NAN } else { libm::acosh(x) }),
        Func::Arctanh => un!(f64, |x| x.atanh()),
        Func::Erf => un!(f64, |x| libm::erf(x)),
        Func::Erfinv => un!(f64, |x| erfinv(x)),
        Func::Sigmoid => un!(f64, |x| sigmoid(x)),
        Func::LogicalNot => un!(u8, |x| (x == 0.0) as u8),
        Func::Real | Func::Conjugate => un!(f64, |x| x),
        Func::Imag => un!(f64, |_x| 0.0),
        Func::Add => bin!(f64, |x, y| x + y),
        Func::Subtract => bin!(f64, |x, y| x - y),
        Func::Multiply => bin!(f64, |x, y| x * y),
        Func::Divide => bin!(f64, |x, y| x / y),
        Func::FloorDivide => bin!(f64, |x, y| (x / y).floor()),
        Func::Remainder => bin!(f64, |x, y| remainder(x, y)),
        Func::Power => bin!(f64, |x, y| x.powf(y)),
        Func::Maximum => bin!(f64, |x, y| if x > y || x.is_nan() { x } else { y }),
        Func::Minimum => bin!(f64, |x, y| if x < y || x.is_nan() { x } else { y }),
        Func::Arctan2 => bin!(f64, |x, y| x.atan2(y)),
        Func::Logaddexp => bin!(f64, |x, y| logaddexp(x, y)),
        Func::Equal => bin!(u8, |x, y| (x == y) as u8),
        Func::NanEqual => bin!(u8, |x, y| (x == y || (x.is_nan() && y.is_nan())) as u8),
        Func::NotEqual => bin!(u8, |x, y| (x != y) as u8),
        Func::Less => bin!(u8, |x, y| (x < y) as u8),
        Func::LessEqual => bin!(u8, |x, y| (x <= y) as u8),
        Func::Greater => bin!(u8, |x, y| (x > y) as u8),
        Func::GreaterEqual => bin!(u8, |x, y| (x >= y) as u8),
        Func::LogicalAnd => bin!(u8, |x, y| (x != 0.0 && y != 0.0) as u8),
        Func::LogicalOr => bin!(u8, |x, y| (x != 0.0 || y != 0.0) as u8),
    })
}
