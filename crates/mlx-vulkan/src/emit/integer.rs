//! Functions of integers and bool, as the CPU back end defines them: integers wrap, division by zero gives 0. What
//! the instructions leave undefined (division by zero, shifts by the width) is never asked of them.

use super::expr::{X, sel};
use super::float::Out;
use mlx_ir::{DType, Func};

/// Functions of bool.
pub(super) fn truth(which: Func, a: &[X]) -> Option<X> {
    let x = &a[0];
    let y = a.get(1).unwrap_or(x);
    Some(match which {
        Func::Abs | Func::Sign | Func::Floor | Func::Ceil | Func::Trunc | Func::Round | Func::Square => x.clone(),
        Func::Real | Func::Conjugate => x.clone(),
        Func::Imag => x & !x,
        Func::LogicalNot | Func::BitwiseInvert => !x,
        Func::Add | Func::Maximum | Func::BitwiseOr | Func::LogicalOr => x | y,
        Func::Subtract | Func::BitwiseXor | Func::NotEqual => x ^ y,
        Func::Multiply | Func::Minimum | Func::BitwiseAnd | Func::LogicalAnd | Func::FloorDivide => x & y,
        Func::Remainder | Func::Greater | Func::LeftShift | Func::RightShift => x & !y,
        Func::Power | Func::GreaterEqual => x | !y,
        Func::Equal | Func::NanEqual => !(x ^ y),
        Func::Less => !x & y,
        Func::LessEqual => !x | y,
        Func::Convert | Func::Select | Func::Negative => return None,
        Func::Sqrt | Func::Rsqrt | Func::Exp | Func::Expm1 | Func::Log | Func::Log2 | Func::Log10 => return None,
        Func::Log1p | Func::Sin | Func::Cos | Func::Tan | Func::Arcsin | Func::Arccos | Func::Arctan => return None,
        Func::Sinh | Func::Cosh | Func::Tanh | Func::Arcsinh | Func::Arccosh | Func::Arctanh => return None,
        Func::Erf | Func::Erfinv | Func::Sigmoid | Func::Divide | Func::Arctan2 | Func::Logaddexp => return None,
    })
}

fn is_signed(d: DType) -> bool {
    matches!(d, DType::I8 | DType::I16 | DType::I32 | DType::I64)
}

/// x^y by repeated squaring; negative exponents give 0.
fn power(x: &X, y: &X, bits: u32, signed: bool) -> X {
    let one = x.same(1);
    let (mut base, mut e, mut r) = (x.clone(), y.clone(), one.clone());
    for i in 0..bits {
        r = sel(&(&e & &one).eq(&one), &r * &base, &r);
        if i + 1 < bits {
            base = &base * &base;
            e = e.shr(&one);
        }
    }
    if signed { sel(&y.slt(x.same(0)), x.same(0), r) } else { r }
}

/// The quotient rounded down, 0 for a divisor of 0; and the truncated one times the divisor.
fn divide(x: &X, y: &X, signed: bool) -> (X, X) {
    let (zero, one) = (x.same(0), x.same(1));
    let by_zero = y.eq(&zero);
    if !signed {
        let q = x.udiv(sel(&by_zero, &one, y));
        let q = sel(&by_zero, &zero, q);
        return (q.clone(), q * y);
    }
    let minus = y.eq(x.same(u64::MAX));
    let safe = sel(&(&by_zero | &minus), &one, y);
    let q = sel(&minus, -x, x.sdiv(&safe));
    let q = sel(&by_zero, &zero, q);
    let back = &q * y;
    let down = back.ne(x) & (x.slt(&zero) ^ y.slt(&zero)) & !by_zero;
    (sel(&down, &q - &one, &q), back)
}

/// The value of a function of integers of type `d`, or none where it is not defined. Results of narrow types are still
/// to be cut to their width.
pub(super) fn function(which: Func, d: DType, a: &[X]) -> Option<Out> {
    let x = &a[0];
    let y = a.get(1).unwrap_or(x);
    let (signed, bits) = (is_signed(d), 8 * d.size() as u64);
    let (zero, one) = (x.same(0), x.same(1));
    let less = |x: &X, y: &X| if signed { x.slt(y) } else { x.lt(y) };
    let value = match which {
        Func::Negative => -x,
        Func::Floor | Func::Ceil | Func::Trunc | Func::Round | Func::Real | Func::Conjugate => x.clone(),
        Func::Imag => zero,
        Func::Abs if signed => sel(&x.slt(&zero), -x, x),
        Func::Abs => x.clone(),
        Func::Sign => {
            let positive = sel(&x.eq(&zero), &zero, &one);
            if signed { sel(&x.slt(&zero), x.same(u64::MAX), positive) } else { positive }
        }
        Func::Square => x * x,
        Func::BitwiseInvert => !x,
        Func::Add => x + y,
        Func::Subtract => x - y,
        Func::Multiply => x * y,
        Func::FloorDivide => divide(x, y, signed).0,
        Func::Remainder => {
            // By zero: x, since the quotient is 0.
            let r = x - divide(x, y, signed).1;
            if signed {
                let turn = r.ne(&zero) & (r.slt(&zero) ^ y.slt(&zero)) & y.ne(&zero);
                sel(&turn, &r + y, &r)
            } else {
                r
            }
        }
        Func::Power => power(x, y, bits as u32, signed),
        Func::Maximum => sel(&less(y, x), x, y),
        Func::Minimum => sel(&less(x, y), x, y),
        Func::BitwiseAnd => x & y,
        Func::BitwiseOr => x | y,
        Func::BitwiseXor => x ^ y,
        // A negative or large shift, seen as unsigned, is at least the width.
        Func::LeftShift => sel(&y.lt(x.same(bits)), x.shl(y & x.same(bits - 1)), &zero),
        Func::RightShift if signed => x.sar(sel(&y.lt(x.same(bits - 1)), y, x.same(bits - 1))),
        Func::RightShift => sel(&y.lt(x.same(bits)), x.shr(y & x.same(bits - 1)), &zero),
        Func::LogicalNot => return Some(Out::Truth(x.eq(&zero))),
        Func::Equal | Func::NanEqual => return Some(Out::Truth(x.eq(y))),
        Func::NotEqual => return Some(Out::Truth(x.ne(y))),
        Func::Less => return Some(Out::Truth(less(x, y))),
        Func::LessEqual => return Some(Out::Truth(!less(y, x))),
        Func::Greater => return Some(Out::Truth(less(y, x))),
        Func::GreaterEqual => return Some(Out::Truth(!less(x, y))),
        Func::LogicalAnd => return Some(Out::Truth(x.ne(&zero) & y.ne(&zero))),
        Func::LogicalOr => return Some(Out::Truth(x.ne(&zero) | y.ne(&zero))),
        Func::Convert | Func::Select => return None,
        Func::Sqrt | Func::Rsqrt | Func::Exp | Func::Expm1 | Func::Log | Func::Log2 | Func::Log10 => return None,
        Func::Log1p | Func::Sin | Func::Cos | Func::Tan | Func::Arcsin | Func::Arccos | Func::Arctan => return None,
        Func::Sinh | Func::Cosh | Func::Tanh | Func::Arcsinh | Func::Arccosh | Func::Arctanh => return None,
        Func::Erf | Func::Erfinv | Func::Sigmoid | Func::Divide | Func::Arctan2 | Func::Logaddexp => return None,
    };
    Some(Out::Same(value))
}
