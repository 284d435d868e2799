//! Derivative of every scalar function with respect to each argument.

use crate::array::Array;
use crate::ops::*;
use mlx_ir::{Func, Result};

/// Tangent `v` of argument `i` carried to the result.
pub(super) fn push(f: Func, i: usize, a: &[Array], out: &Array, v: &Array) -> Result<Option<Array>> {
    if a[0].dtype().is_complex() {
        // Real-valued functions of a complex number.
        return Ok(Some(match f {
            Func::Real => real(v)?,
            Func::Imag => imag(v)?,
            Func::Abs => real(&multiply(v, &conjugate(&sign(&a[0])?)?)?)?,
            Func::Conjugate => conjugate(v)?,
            _ => return local(f, i, a, out, v),
        }));
    }
    local(f, i, a, out, v)
}

/// Cotangent `v` of the result carried to argument `i`.
pub(super) fn pull(f: Func, i: usize, a: &[Array], out: &Array, v: &Array) -> Result<Option<Array>> {
    if a[0].dtype().is_complex() {
        return Ok(Some(match f {
            Func::Real => astype(v, a[0].dtype())?,
            Func::Imag => multiply(&astype(v, a[0].dtype())?, mlx_ir::C64::new(0.0, 1.0))?,
            Func::Abs => multiply(&astype(v, a[0].dtype())?, &sign(&a[0])?)?,
            Func::Conjugate => conjugate(v)?,
            _ => return local(f, i, a, out, v),
        }));
    }
    local(f, i, a, out, v)
}

/// `v` times the derivative by argument `i`; none where it is zero or undefined.
fn local(f: Func, i: usize, a: &[Array], out: &Array, v: &Array) -> Result<Option<Array>> {
    use Func::*;
    let x = &a[0];
    let y = a.get(1).unwrap_or(x);
    let times = |d: Array| multiply(v, &d);
    Ok(Some(match f {
        Convert | Real => v.clone(),
        Floor | Ceil | Trunc | Round | Sign | LogicalNot | Imag | Equal | NanEqual | NotEqual | Less | LessEqual
        | Greater | GreaterEqual | LogicalAnd | LogicalOr | BitwiseAnd | BitwiseOr | BitwiseXor | LeftShift
        | RightShift | FloorDivide => return Ok(None),
        BitwiseInvert => return Err(mlx_ir::Error::value("[Map::vjp] Not implemented for bitwise_invert.")),
        Abs => times(sign(x)?)?,
        Negative => negative(v)?,
        Conjugate => v.clone(),
        Square => times(multiply(x, 2.0)?)?,
        Sqrt => divide(v, &multiply(out, 2.0)?)?,
        Rsqrt => multiply(&multiply(v, &divide(out, x)?)?, -0.5)?,
        Exp => times(out.clone())?,
        Expm1 => times(add(out, 1.0)?)?,
        Log => divide(v, x)?,
        Log2 => divide(v, &multiply(x, std::f64::consts::LN_2)?)?,
        Log10 => divide(v, &multiply(x, std::f64::consts::LN_10)?)?,
        Log1p => divide(v, &add(x, 1.0)?)?,
        Sin => times(cos(x)?)?,
        Cos => negative(&times(sin(x)?)?)?,
        Tan => divide(v, &square(&cos(x)?)?)?,
        Arcsin => times(rsqrt(&subtract(1.0, &square(x)?)?)?)?,
        Arccos => negative(&times(rsqrt(&subtract(1.0, &square(x)?)?)?)?)?,
        Arctan => divide(v, &add(&square(x)?, 1.0)?)?,
        Sinh => times(cosh(x)?)?,
        Cosh => times(sinh(x)?)?,
        Tanh => times(subtract(1.0, &square(out)?)?)?,
        Arcsinh => times(rsqrt(&add(&square(x)?, 1.0)?)?)?,
        Arccosh => times(rsqrt(&subtract(&square(x)?, 1.0)?)?)?,
        Arctanh => divide(v, &subtract(1.0, &square(x)?)?)?,
        Erf => times(multiply(&exp(&negative(&square(x)?)?)?, std::f64::consts::FRAC_2_SQRT_PI)?)?,
        Erfinv => times(divide(&exp(&square(out)?)?, std::f64::consts::FRAC_2_SQRT_PI)?)?,
        Sigmoid => times(multiply(out, &subtract(1.0, out)?)?)?,
        Add => v.clone(),
        Subtract => {
            if i == 0 {
                v.clone()
            } else {
                negative(v)?
            }
        }
        Multiply => times(if i == 0 { y.clone() } else { x.clone() })?,
        Divide => {
            if i == 0 {
                divide(v, y)?
            } else {
                negative(&divide(&times(out.clone())?, y)?)?
            }
        }
        Remainder => {
            if i == 0 {
                v.clone()
            } else {
                negative(&times(floor_divide(x, y)?)?)?
            }
        }
        Power => {
            if i == 0 {
                times(multiply(y, &power(x, &subtract(y, 1.0)?)?)?)?
            } else {
                // 0^y is flat in y; ln 0 must not spoil it.
                let z = equal(x, 0.0)?;
                let d = multiply(out, &log(&where_(&z, 1.0, x)?)?)?;
                times(where_(&z, 0.0, &d)?)?
            }
        }
        Maximum => where_(&(if i == 0 { greater(x, y)? } else { less_equal(x, y)? }), v, 0.0)?,
        Minimum => where_(&(if i == 0 { less(x, y)? } else { greater_equal(x, y)? }), v, 0.0)?,
        Arctan2 => {
            let r = add(&square(x)?, &square(y)?)?;
            if i == 0 { divide(&times(y.clone())?, &r)? } else { negative(&divide(&times(x.clone())?, &r)?)? }
        }
        // e^(x − out) is the weight of x in the sum.
        Logaddexp => times(exp(&subtract(if i == 0 { x } else { y }, out)?)?)?,
        Select => match i {
            0 => return Ok(None),
            1 => where_(x, v, 0.0)?,
            _ => where_(x, 0.0, v)?,
        },
    }))
}
