//! Conversions between dtypes, as the CPU back end defines them: floats to integers are truncated, and where that does
//! not fit the result is what x86-64 gives.

use super::code::Code;
use super::complex::of_real;
use super::expr::{X, sel, u};
use super::memory::Value;
use mlx_ir::DType;

fn to_i32(x: &X) -> X {
    let fits = x.ge(-2_147_483_648.0) & x.lt(2_147_483_648.0);
    sel(&fits, sel(&fits, x, 0.0).to_signed(), 1 << 31)
}

fn to_u32(x: &X) -> X {
    let high = x.ge(2_147_483_648.0);
    to_i32(&sel(&high, x - 2_147_483_648.0, x)) ^ sel(&high, 1 << 31, 0)
}

const TOP: f32 = 9_223_372_036_854_775_808.0;

fn to_i64(x: &X) -> X {
    let fits = x.ge(-TOP) & x.lt(TOP);
    let v = sel(&fits, x, 0.0).to_signed_long();
    let least = v.same(1 << 63);
    sel(&fits, v, least)
}

fn to_u64(x: &X) -> X {
    let high = x.ge(TOP);
    let v = to_i64(&sel(&high, x - TOP, x));
    let (top, zero) = (v.same(1 << 63), v.same(0));
    v ^ sel(&high, top, zero)
}

fn is_signed(d: DType) -> bool {
    matches!(d, DType::I8 | DType::I16 | DType::I32 | DType::I64)
}

/// A value of dtype `from` as one of dtype `to`.
pub(super) fn convert(c: &mut Code, from: DType, to: DType, v: Value) -> Value {
    use rspirv::spirv::Op;
    let complex_to = |c: &mut Code, re: X| Value::Complex(re.build(c), c.f(0.0));
    match (v, to) {
        (Value::Complex(..), DType::C64) => v,
        (Value::Complex(re, im), DType::Bool) => {
            let (re, im) = (X::float(re), X::float(im));
            Value::Bool((re.ne(0.0) | im.ne(0.0)).build(c))
        }
        (Value::Complex(re, _), _) => convert(c, DType::F32, to, Value::Float(re)),
        (Value::Bool(x), DType::Bool) => Value::Bool(x),
        (Value::Bool(x), _) => {
            let word = sel(&X::truth(x), 1, 0).build(c);
            convert(c, DType::U32, to, Value::Word(word))
        }
        (Value::Float(x), _) => {
            let x = X::float(x);
            match to {
                DType::Bool => Value::Bool(x.ne(0.0).build(c)),
                DType::U32 => Value::Word(to_u32(&x).build(c)),
                DType::U8 | DType::U16 | DType::I8 | DType::I16 | DType::I32 => {
                    let w = to_i32(&x).build(c);
                    Value::Word(super::memory::wrap(c, to, w))
                }
                DType::U64 => Value::Long(to_u64(&x).build(c)),
                DType::I64 => Value::Long(to_i64(&x).build(c)),
                DType::F16 | DType::BF16 | DType::F32 | DType::F64 => Value::Float(x.build(c)),
                DType::C64 => {
                    let [re, im] = of_real(x);
                    Value::Complex(re.build(c), im.build(c))
                }
            }
        }
        (Value::Word(x), _) => {
            let x = X::word(x);
            let float = |x: &X| if is_signed(from) { x.signed_to_float() } else { x.unsigned_to_float() };
            match to {
                DType::Bool => Value::Bool(x.ne(u(0)).build(c)),
                DType::U64 | DType::I64 => Value::Long(x.wide(is_signed(from)).build(c)),
                DType::F16 | DType::BF16 | DType::F32 | DType::F64 => Value::Float(float(&x).build(c)),
                DType::C64 => complex_to(c, float(&x)),
                _ => {
                    let w = x.build(c);
                    Value::Word(super::memory::wrap(c, to, w))
                }
            }
        }
        (Value::Long(x), _) => {
            let wide = X::long(x);
            let float = |c: &mut Code| {
                let op = if is_signed(from) { Op::ConvertSToF } else { Op::ConvertUToF };
                c.op(op, c.f32, &[x])
            };
            match to {
                DType::Bool => Value::Bool(wide.ne(wide.same(0)).build(c)),
                DType::U64 | DType::I64 => v,
                DType::F16 | DType::BF16 | DType::F32 | DType::F64 => Value::Float(float(c)),
                DType::C64 => {
                    let re = X::float(float(c));
                    complex_to(c, re)
                }
                _ => {
                    let w = wide.low().build(c);
                    Value::Word(super::memory::wrap(c, to, w))
                }
            }
        }
    }
}
