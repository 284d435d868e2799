//! The exact meaning of every scalar function, in wide arithmetic.

use crate::reference::{Num, round_to};
use mlx_ir::tape::{Step, Tape};
use mlx_ir::{DType, Element, Error, Func, Kind, Result};
use num_complex::Complex64;

/// Value of a tape at one element.
pub(super) fn tape(t: &Tape, inputs: &[Num]) -> Result<Num> {
    let mut values: Vec<Num> = inputs.to_vec();
    for i in t.instrs() {
        let v = match i.step {
            Step::Const(bits) => constant(bits, i.dtype),
            Step::Call(f, args) => {
                let a: Vec<Num> = args[..f.arity()].iter().map(|&v| values[v as usize]).collect();
                let at = t.value_dtype(args[f.arity() - 1]);
                round_to(scalar(f, &a, at)?, i.dtype)
            }
        };
        values.push(v);
    }
    values.last().copied().ok_or_else(|| Error::runtime("[map] empty tape"))
}

fn constant(bits: u64, dtype: DType) -> Num {
    let b = bits.to_le_bytes();
    let b = &b[..dtype.size()];
    match dtype {
        DType::Bool | DType::U8 => Num::Int(b[0] as i128),
        DType::U16 => Num::Int(u16::read_le(b) as i128),
        DType::U32 => Num::Int(u32::read_le(b) as i128),
        DType::U64 => Num::Int(u64::read_le(b) as i128),
        DType::I8 => Num::Int(i8::read_le(b) as i128),
        DType::I16 => Num::Int(i16::read_le(b) as i128),
        DType::I32 => Num::Int(i32::read_le(b) as i128),
        DType::I64 => Num::Int(i64::read_le(b) as i128),
        DType::F16 => Num::Float(half::f16::read_le(b).to_f64()),
        DType::BF16 => Num::Float(half::bf16::read_le(b).to_f64()),
        DType::F32 => Num::Float(f32::read_le(b) as f64),
        DType::F64 => Num::Float(f64::read_le(b)),
        DType::C64 => {
            let c = mlx_ir::C64::read_le(b);
            Num::Complex(c.re as f64, c.im as f64)
        }
    }
}

/// Value of a scalar function; arguments are values of dtype `at`.
fn scalar(f: Func, a: &[Num], at: DType) -> Result<Num> {
    if f == Func::Convert {
        return Ok(a[0]);
    }
    if f == Func::Select {
        return Ok(if a[0].truth() { a[1] } else { a[2] });
    }
    match f {
        Func::LogicalNot => return Ok(truth(!a[0].truth())),
        Func::LogicalAnd => return Ok(truth(a[0].truth() && a[1].truth())),
        Func::LogicalOr => return Ok(truth(a[0].truth() || a[1].truth())),
        _ => {}
    }
    match at.kind() {
        Kind::Bool | Kind::Unsigned | Kind::Signed => integer(f, a, at),
        Kind::Float => float(f, a, at),
        Kind::Complex => complex(f, a),
    }
}

fn truth(b: bool) -> Num {
    Num::Int(b as i128)
}

fn missing(f: Func, what: &str) -> Error {
    Error::value(format!("[{}] Not defined for {what}.", f.name()))
}

fn integer(f: Func, a: &[Num], at: DType) -> Result<Num> {
    let x = a[0].int();
    let y = a.get(1).map_or(0, |n| n.int());
    let bits = if at == DType::Bool { 1 } else { at.size() as i128 * 8 };
    Ok(match f {
        Func::Abs => Num::Int(x.abs()),
        Func::Negative => Num::Int(-x),
        Func::Sign => Num::Int(x.signum()),
        Func::Floor | Func::Ceil | Func::Trunc | Func::Round | Func::Real | Func::Conjugate => Num::Int(x),
        Func::Imag => Num::Int(0),
        Func::Square => Num::Int(x.wrapping_mul(x)),
        Func::BitwiseInvert => Num::Int(if at == DType::Bool { 1 - x } else { !x }),
        Func::Add => Num::Int(x + y),
        Func::Subtract => Num::Int(x - y),
        Func::Multiply => Num::Int(x.wrapping_mul(y)),
        Func::FloorDivide => {
            Num::Int(if y == 0 { 0 } else { x.div_euclid(y) - i128::from(y < 0 && x.rem_euclid(y) != 0) })
        }
        Func::Remainder => Num::Int(if y == 0 {
            x
        } else {
            let r = x % y;
            if r != 0 && (r < 0) != (y < 0) { r + y } else { r }
        }),
        Func::Power => Num::Int(int_power(x, y, at)),
        Func::Maximum => Num::Int(x.max(y)),
        Func::Minimum => Num::Int(x.min(y)),
        Func::Equal | Func::NanEqual => truth(x == y),
        Func::NotEqual => truth(x != y),
        Func::Less => truth(x < y),
        Func::LessEqual => truth(x <= y),
        Func::Greater => truth(x > y),
        Func::GreaterEqual => truth(x >= y),
        Func::BitwiseAnd => Num::Int(x & y),
        Func::BitwiseOr => Num::Int(x | y),
        Func::BitwiseXor => Num::Int(x ^ y),
        Func::LeftShift => Num::Int(if (0..bits).contains(&y) { x << y } else { 0 }),
        Func::RightShift => Num::Int(if (0..bits).contains(&y) {
            x >> y
        } else if x < 0 {
            -1
        } else {
            0
        }),
        _ => return Err(missing(f, at.name())),
    })
}

/// x^y modulo 2^64 (the caller wraps to the dtype). A negative exponent gives 0.
fn int_power(x: i128, y: i128, at: DType) -> i128 {
    if y < 0 {
        return 0;
    }
    if at == DType::Bool {
        return i128::from(y == 0 || x != 0);
    }
    let (mut base, mut e, mut r) = (x as i64, y as u128, 1i64);
    while e > 0 {
        if e & 1 == 1 {
            r = r.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        e >>= 1;
    }
    if at.is_unsigned() { r as u64 as i128 } else { r as i128 }
}

fn float(f: Func, a: &[Num], at: DType) -> Result<Num> {
    let x = a[0].f64();
    let y = a.get(1).map_or(0.0, |n| n.f64());
    let r = match f {
        Func::Abs => x.abs(),
        Func::Negative => -x,
        Func::Sign => f64::from(x > 0.0) - f64::from(x < 0.0),
        Func::Floor => x.floor(),
        Func::Ceil => x.ceil(),
        Func::Trunc => x.trunc(),
        Func::Round => x.round_ties_even(),
        Func::Square => x * x,
        Func::Sqrt => x.sqrt(),
        Func::Rsqrt => 1.0 / x.sqrt(),
        Func::Exp => x.exp(),
        Func::Expm1 => x.exp_m1(),
        Func::Log => x.ln(),
        Func::Log2 => x.log2(),
        Func::Log10 => x.log10(),
        Func::Log1p => x.ln_1p(),
        Func::Sin => x.sin(),
        Func::Cos => x.cos(),
        Func::Tan => x.tan(),
        Func::Arcsin => x.asin(),
        Func::Arccos => x.acos(),
        Func::Arctan => x.atan(),
        Func::Sinh => x.sinh(),
        Func::Cosh => x.cosh(),
        Func::Tanh => x.tanh(),
        Func::Arcsinh => libm::asinh(x),
        Func::Arccosh => libm::acosh(x),
        Func::Arctanh => x.atanh(),
        Func::Erf => libm::erf(x),
        Func::Erfinv => erfinv(x),
        Func::Sigmoid => {
            if x >= 0.0 {
                1.0 / (1.0 + (-x).exp())
            } else {
                let e = x.exp();
                e / (1.0 + e)
            }
        }
        Func::Real | Func::Conjugate => x,
        Func::Imag => 0.0,
        Func::Add => x + y,
        Func::Subtract => x - y,
        Func::Multiply => x * y,
        Func::Divide => x / y,
        // The quotient is rounded first, as MLX divides in the dtype.
        Func::FloorDivide if at == DType::F64 => (x / y).floor(),
        Func::FloorDivide => ((x / y) as f32 as f64).floor(),
        Func::Remainder => {
            let r = x % y;
            if r != 0.0 && (r < 0.0) != (y < 0.0) { r + y } else { r }
        }
        Func::Power => x.powf(y),
        Func::Maximum => {
            if x.is_nan() || y.is_nan() {
                f64::NAN
            } else {
                x.max(y)
            }
        }
        Func::Minimum => {
            if x.is_nan() || y.is_nan() {
                f64::NAN
            } else {
                x.min(y)
            }
        }
        Func::Arctan2 => x.atan2(y),
        Func::Logaddexp => {
            let (hi, lo) = if x > y { (x, y) } else { (y, x) };
            if x.is_nan() || y.is_nan() {
                f64::NAN
            } else if lo == f64::NEG_INFINITY || hi == f64::INFINITY {
                hi
            } else {
                hi + (lo - hi).exp().ln_1p()
            }
        }
        Func::Equal => return Ok(truth(x == y)),
        Func::NanEqual => return Ok(truth(x == y || (x.is_nan() && y.is_nan()))),
        Func::NotEqual => return Ok(truth(x != y)),
        Func::Less => return Ok(truth(x < y)),
        Func::LessEqual => return Ok(truth(x <= y)),
        Func::Greater => return Ok(truth(x > y)),
        Func::GreaterEqual => return Ok(truth(x >= y)),
        _ => return Err(missing(f, "floats")),
    };
    Ok(Num::Float(r))
}

/// Inverse error function: a rough start, then Newton steps on the true erf.
fn erfinv(y: f64) -> f64 {
    if !(-1.0..=1.0).contains(&y) {
        return f64::NAN;
    }
    if y.abs() == 1.0 {
        return y * f64::INFINITY;
    }
    let l = (-y * y).ln_1p();
    let t = 2.0 / (std::f64::consts::PI * 0.147) + l / 2.0;
    let mut x = ((t * t - l / 0.147).sqrt() - t).sqrt().copysign(y);
    for _ in 0..4 {
        // Near ±1 the complement keeps the digits that erf loses.
        let e = if x > 1.0 {
            (1.0 - y) - libm::erfc(x)
        } else if x < -1.0 {
            libm::erfc(-x) - (1.0 + y)
        } else {
            libm::erf(x) - y
        };
        let d = e * (std::f64::consts::PI.sqrt() / 2.0) * (x * x).exp();
        if !d.is_finite() {
            break;
        }
        x -= d;
    }
    x
}

fn complex(f: Func, a: &[Num]) -> Result<Num> {
    let c = |n: Num| {
        let (r, i) = n.complex();
        Complex64::new(r, i)
    };
    let x = c(a[0]);
    let y = a.get(1).map_or(Complex64::new(0.0, 0.0), |&n| c(n));
    let nan = |z: Complex64| z.re.is_nan() || z.im.is_nan();
    let less = |p: Complex64, q: Complex64| p.re < q.re || (p.re == q.re && p.im < q.im);
    let one = Complex64::new(1.0, 0.0);
    let r = match f {
        Func::Abs => return Ok(Num::Float(x.re.hypot(x.im))),
        Func::Real => return Ok(Num::Float(x.re)),
        Func::Imag => return Ok(Num::Float(x.im)),
        Func::Conjugate => x.conj(),
        Func::Negative => -x,
        Func::Sign => {
            if x.re == 0.0 && x.im == 0.0 {
                x
            } else {
                x / x.norm()
            }
        }
        Func::Round => Complex64::new(x.re.round_ties_even(), x.im.round_ties_even()),
        Func::Square => x * x,
        Func::Sqrt => x.sqrt(),
        Func::Rsqrt => one / x.sqrt(),
        Func::Exp => x.exp(),
        Func::Log => x.ln(),
        Func::Log2 => x.ln() / std::f64::consts::LN_2,
        Func::Log10 => x.ln() / std::f64::consts::LN_10,
        Func::Log1p => (one + x).ln(),
        Func::Sin => x.sin(),
        Func::Cos => x.cos(),
        Func::Tan => x.tan(),
        Func::Arcsin => x.asin(),
        Func::Arccos => x.acos(),
        Func::Arctan => x.atan(),
        Func::Sinh => x.sinh(),
        Func::Cosh => x.cosh(),
        Func::Tanh => x.tanh(),
        Func::Arcsinh => x.asinh(),
        Func::Arccosh => x.acosh(),
        Func::Arctanh => x.atanh(),
        Func::Add => x + y,
        Func::Subtract => x - y,
        Func::Multiply => x * y,
        Func::Divide => x / y,
        Func::Power => {
            if x == Complex64::new(0.0, 0.0) {
                if y == Complex64::new(0.0, 0.0) { one } else { x }
            } else {
                x.powc(y)
            }
        }
        Func::Maximum => {
            if nan(x) || (!nan(y) && !less(x, y)) {
                x
            } else {
                y
            }
        }
        Func::Minimum => {
            if nan(x) || (!nan(y) && less(x, y)) {
                x
            } else {
                y
            }
        }
        Func::Logaddexp => {
            let (hi, lo) = if less(y, x) { (x, y) } else { (y, x) };
            hi + (one + (lo - hi).exp()).ln()
        }
        Func::Equal => return Ok(truth(x == y)),
        Func::NanEqual => return Ok(truth(x == y || (nan(x) && nan(y)))),
        Func::NotEqual => return Ok(truth(x != y)),
        Func::Less => return Ok(truth(less(x, y))),
        Func::LessEqual => return Ok(truth(less(x, y) || x == y)),
        Func::Greater => return Ok(truth(less(y, x))),
        Func::GreaterEqual => return Ok(truth(less(y, x) || x == y)),
        _ => return Err(missing(f, "complex numbers")),
    };
    Ok(Num::Complex(r.re, r.im))
}

#[cfg(test)]
mod tests {
    #[test]
    fn erfinv_inverts_erf() {
        for i in -4000..=4000 {
            let x = i as f64 * 1e-3;
            let y = libm::erf(x);
            if y.abs() < 1.0 {
                let back = super::erfinv(y);
                // Near ±1 neighbouring y are far apart in x.
                let slack = 1e-12 + 4e-16 / (-x * x).exp();
                assert!((back - x).abs() < slack, "{x} {back}");
            }
        }
    }
}
