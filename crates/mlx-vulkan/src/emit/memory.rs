//! Elements of every dtype in buffers of words.

use super::code::{Code, Halves, Id};
use mlx_ir::DType;
use rspirv::spirv::Op;

/// A value as the shader computes with it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Bool(Id),
    /// An integer of up to 32 bits, extended to 32 as its dtype's sign says.
    Word(Id),
    /// A 64-bit integer.
    Long(Id),
    /// f32; also f16 and bf16.
    Float(Id),
    /// Real and imaginary part.
    Complex(Id, Id),
}

/// Extends the low 8 or 16 bits of a word as the dtype says; other words are left alone.
pub(super) fn wrap(c: &mut Code, dtype: DType, x: Id) -> Id {
    match dtype {
        DType::U8 => c.word_op(Op::BitwiseAnd, x, 0xff),
        DType::U16 => c.word_op(Op::BitwiseAnd, x, 0xffff),
        DType::I8 | DType::I16 => {
            let by = if dtype == DType::I8 { 24 } else { 16 };
            let x = c.word_op(Op::ShiftLeftLogical, x, by);
            c.word_op(Op::ShiftRightArithmetic, x, by)
        }
        _ => x,
    }
}

/// The value of a subnormal f16 without its sign, given as its bits.
fn tiny_half(c: &mut Code, size: Id) -> Id {
    let count = c.op(Op::ConvertUToF, c.f32, &[size]);
    let unit = c.f(2f32.powi(-24));
    let tiny = c.op(Op::FMul, c.f32, &[count, unit]);
    c.bits(tiny)
}

/// The value of an f16 in the low bits of a word, exactly. With conversions by the device other bits may be set.
pub(super) fn half_to_float(c: &mut Code, h: Id) -> Id {
    if c.halves() == Halves::All {
        return c.half_value(h);
    }
    let sign = c.word_op(Op::BitwiseAnd, h, 0x8000);
    let sign = c.word_op(Op::ShiftLeftLogical, sign, 16);
    let size = c.word_op(Op::BitwiseAnd, h, 0x7fff);
    if c.halves() == Halves::Normal {
        let tiny = tiny_half(c, size);
        let tiny = c.op(Op::BitwiseOr, c.u32, &[tiny, sign]);
        let (tiny, least) = (c.as_f32(tiny), c.u(0x400));
        let is_tiny = c.op(Op::ULessThan, c.bool, &[size, least]);
        let normal = c.half_value(h);
        return c.select(c.f32, is_tiny, tiny, normal);
    }
    let up = c.word_op(Op::ShiftLeftLogical, size, 13);
    let normal = c.word_op(Op::IAdd, up, 112 << 23);
    let special = c.word_op(Op::IAdd, up, 224 << 23);
    let tiny = tiny_half(c, size);
    let (least, most) = (c.u(0x400), c.u(0x7c00));
    let is_tiny = c.op(Op::ULessThan, c.bool, &[size, least]);
    let is_special = c.op(Op::UGreaterThanEqual, c.bool, &[size, most]);
    let r = c.select(c.u32, is_tiny, tiny, normal);
    let r = c.select(c.u32, is_special, special, r);
    let r = c.op(Op::BitwiseOr, c.u32, &[r, sign]);
    c.as_f32(r)
}

/// The bits of a subnormal f16 nearest to an f32, given as its bits without the sign.
fn half_of_tiny(c: &mut Code, size: Id) -> Id {
    // A multiple of 2^-24 is what 1/2 leaves room for.
    let (f, half) = (c.as_f32(size), c.f(0.5));
    let t = c.op(Op::FAdd, c.f32, &[f, half]);
    let t = c.bits(t);
    c.word_op(Op::ISub, t, 0.5f32.to_bits())
}

/// Bits of f32 without the sign: the least whose f16 is normal, and infinity.
const LEAST_NORMAL: u32 = 0x3880_0000;
const INFINITY: u32 = 0x7f80_0000;

/// An f32 as f16 in the low bits of a word, to nearest, ties to even.
pub(super) fn float_to_half(c: &mut Code, x: Id) -> Id {
    let u = c.bits(x);
    let size = c.word_op(Op::BitwiseAnd, u, 0x7fff_ffff);
    let sign = c.word_op(Op::ShiftRightLogical, u, 16);
    let sign = c.word_op(Op::BitwiseAnd, sign, 0x8000);
    if c.halves() != Halves::Integers {
        let mut r = c.half_word(x);
        let (quiet, inf) = (c.word_op(Op::BitwiseOr, sign, 0x7e00), c.u(INFINITY));
        let is_nan = c.op(Op::UGreaterThan, c.bool, &[size, inf]);
        if c.halves() == Halves::Normal {
            let tiny = half_of_tiny(c, size);
            let (tiny, least) = (c.op(Op::BitwiseOr, c.u32, &[tiny, sign]), c.u(LEAST_NORMAL));
            let is_tiny = c.op(Op::ULessThan, c.bool, &[size, least]);
            r = c.select(c.u32, is_tiny, tiny, r);
        }
        return c.select(c.u32, is_nan, quiet, r);
    }
    // Normal results: half a unit less one, one more if the result would be odd.
    let low = c.word_op(Op::ShiftRightLogical, size, 13);
    let odd = c.word_op(Op::BitwiseAnd, low, 1);
    let n = c.word_op(Op::ISub, size, 112 << 23);
    let n = c.word_op(Op::IAdd, n, 0xfff);
    let n = c.op(Op::IAdd, c.u32, &[n, odd]);
    let normal = c.word_op(Op::ShiftRightLogical, n, 13);
    let tiny = half_of_tiny(c, size);
    let (least, most, inf) = (c.u(LEAST_NORMAL), c.u(0x477f_f000), c.u(INFINITY));
    let is_tiny = c.op(Op::ULessThan, c.bool, &[size, least]);
    let is_large = c.op(Op::UGreaterThanEqual, c.bool, &[size, most]);
    let is_nan = c.op(Op::UGreaterThan, c.bool, &[size, inf]);
    let r = c.select(c.u32, is_tiny, tiny, normal);
    let (infinite, nan) = (c.u(0x7c00), c.u(0x7e00));
    let r = c.select(c.u32, is_large, infinite, r);
    let r = c.select(c.u32, is_nan, nan, r);
    c.op(Op::BitwiseOr, c.u32, &[r, sign])
}

/// An f32 as bf16 in the low bits of a word, to nearest, ties to even.
pub(super) fn float_to_brain(c: &mut Code, x: Id) -> Id {
    let u = c.bits(x);
    let high = c.word_op(Op::ShiftRightLogical, u, 16);
    let odd = c.word_op(Op::BitwiseAnd, high, 1);
    let r = c.word_op(Op::IAdd, u, 0x7fff);
    let r = c.op(Op::IAdd, c.u32, &[r, odd]);
    let r = c.word_op(Op::ShiftRightLogical, r, 16);
    let size = c.word_op(Op::BitwiseAnd, u, 0x7fff_ffff);
    let inf = c.u(0x7f80_0000);
    let is_nan = c.op(Op::UGreaterThan, c.bool, &[size, inf]);
    let quiet = c.word_op(Op::BitwiseOr, high, 0x40);
    c.select(c.u32, is_nan, quiet, r)
}

/// An f32 rounded to the values of f16 or bf16; f32 is left alone.
pub(super) fn rounded(c: &mut Code, dtype: DType, x: Id) -> Id {
    match dtype {
        DType::F16 => match c.halves() {
            Halves::Integers => {
                let h = float_to_half(c, x);
                half_to_float(c, h)
            }
            Halves::All => c.through_half(x),
            Halves::Normal => {
                let u = c.bits(x);
                let size = c.word_op(Op::BitwiseAnd, u, 0x7fff_ffff);
                let sign = c.word_op(Op::BitwiseAnd, u, 1 << 31);
                let tiny = half_of_tiny(c, size);
                let tiny = tiny_half(c, tiny);
                let tiny = c.op(Op::BitwiseOr, c.u32, &[tiny, sign]);
                let (tiny, least) = (c.as_f32(tiny), c.u(LEAST_NORMAL));
                let is_tiny = c.op(Op::ULessThan, c.bool, &[size, least]);
                let normal = c.through_half(x);
                c.select(c.f32, is_tiny, tiny, normal)
            }
        },
        DType::BF16 => {
            let h = float_to_brain(c, x);
            let h = c.word_op(Op::ShiftLeftLogical, h, 16);
            c.as_f32(h)
        }
        _ => x,
    }
}

/// Element `index` of a buffer.
pub(super) fn load(c: &mut Code, buffer: usize, dtype: DType, index: Id) -> Value {
    let words = match dtype.size() {
        8 => {
            let low = c.word_op(Op::ShiftLeftLogical, index, 1);
            let high = c.word_op(Op::BitwiseOr, low, 1);
            [c.load(buffer, low), c.load(buffer, high)]
        }
        4 => [c.load(buffer, index); 2],
        size => {
            // Elements of a word: 4 or 2.
            let (down, mask, by) = if size == 1 { (2, 3, 3) } else { (1, 1, 4) };
            let at = c.word_op(Op::ShiftRightLogical, index, down);
            let w = c.load(buffer, at);
            let lane = c.word_op(Op::BitwiseAnd, index, mask);
            let shift = c.word_op(Op::ShiftLeftLogical, lane, by);
            [c.op(Op::ShiftRightLogical, c.u32, &[w, shift]); 2]
        }
    };
    value(c, dtype, words)
}

/// The element in these words: in the low bits of the first, or in both.
pub(super) fn value(c: &mut Code, dtype: DType, [low, high]: [Id; 2]) -> Value {
    match dtype {
        DType::Bool => {
            let w = c.word_op(Op::BitwiseAnd, low, 0xff);
            let zero = c.u(0);
            Value::Bool(c.op(Op::INotEqual, c.bool, &[w, zero]))
        }
        DType::U8 | DType::I8 | DType::U16 | DType::I16 => Value::Word(wrap(c, dtype, low)),
        DType::F16 => Value::Float(half_to_float(c, low)),
        DType::BF16 => {
            let w = c.word_op(Op::ShiftLeftLogical, low, 16);
            Value::Float(c.as_f32(w))
        }
        DType::U32 | DType::I32 => Value::Word(low),
        DType::F32 => Value::Float(c.as_f32(low)),
        DType::C64 => Value::Complex(c.as_f32(low), c.as_f32(high)),
        DType::U64 | DType::I64 | DType::F64 => Value::Long(c.join(low, high)),
    }
}

/// The words of a value as it is stored: the low bits of one, or two.
pub(super) fn stored(c: &mut Code, dtype: DType, v: Value) -> [Id; 2] {
    let zero = c.u(0);
    match (v, dtype) {
        (Value::Bool(x), _) => {
            let one = c.u(1);
            [c.select(c.u32, x, one, zero), zero]
        }
        (Value::Word(x), DType::U8 | DType::I8) => [c.word_op(Op::BitwiseAnd, x, 0xff), zero],
        (Value::Word(x), DType::U16 | DType::I16) => [c.word_op(Op::BitwiseAnd, x, 0xffff), zero],
        (Value::Word(x), _) => [x, zero],
        (Value::Long(x), _) => c.split(x),
        (Value::Float(x), DType::F16) => [float_to_half(c, x), zero],
        (Value::Float(x), DType::BF16) => [float_to_brain(c, x), zero],
        (Value::Float(x), _) => [c.bits(x), zero],
        (Value::Complex(re, im), _) => [c.bits(re), c.bits(im)],
    }
}
