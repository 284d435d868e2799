//! Elements of GGUF blocks, read where they lie: the meaning of each format as in `mlx_ir::quant`.

use super::code::{Code, Id};
use super::expr::{X, sel, u};
use super::map::{pack, put};
use super::memory::{Value, half_to_float, load, stored};
use mlx_ir::{DType, QuantFormat};
use rspirv::spirv::Op;

/// Reads bytes of a buffer.
struct Bytes<'a> {
    c: &'a mut Code,
    buffer: usize,
    /// First byte of the block.
    base: X,
}

impl Bytes<'_> {
    /// Byte `at` of the block, as a word.
    fn byte(&mut self, at: impl Into<X>) -> X {
        let at = (&self.base + at.into()).build(self.c);
        let word = X::word(at).shr(2).build(self.c);
        let w = self.c.load(self.buffer, word);
        X::word(w).shr((X::word(at) & u(3)).shl(3)) & u(255)
    }
    /// A byte with its sign.
    fn signed(&mut self, at: impl Into<X>) -> X {
        self.byte(at).shl(24).sar(24)
    }
    /// The 16 bits at byte `at`; they may lie in two words.
    fn short(&mut self, at: u32) -> X {
        self.byte(at) | self.byte(at + 1).shl(8)
    }
    /// The f16 at byte `at`.
    fn half(&mut self, at: u32) -> X {
        let bits = self.short(at).build(self.c);
        X::float(half_to_float(self.c, bits))
    }
    /// Four bits of byte `at`: the high ones if `high`.
    fn nibble(&mut self, at: X, high: &X) -> X {
        self.byte(at).shr(sel(high, 4, 0)) & u(15)
    }
}

/// Element `k` of the row of blocks that begins at byte `row`, as f32.
fn element(c: &mut Code, buffer: usize, format: QuantFormat, row: Id, k: Id) -> Id {
    let (each, size) = (format.block_elements() as u32, format.block_bytes() as u32);
    let (row, k) = (X::word(row), X::word(k));
    // Blocks hold 1, 32 or 256 elements.
    let block = k.shr(each.trailing_zeros());
    let i = &k & u(each - 1);
    let base = (row + block * size).build(c);
    let i = X::word(i.build(c));
    let mut b = Bytes { c, buffer, base: X::word(base) };
    let value = match format {
        QuantFormat::F32 => (b.short(0) | b.short(2).shl(16)).as_float(),
        QuantFormat::F16 => b.half(0),
        QuantFormat::BF16 => b.short(0).shl(16).as_float(),
        QuantFormat::Q4_0 => {
            let d = b.half(0);
            let q = b.nibble((&i & u(15)) + 2, &i.ge(16));
            d * (q.signed_to_float() - 8.0)
        }
        QuantFormat::Q4_1 => {
            let (d, m) = (b.half(0), b.half(2));
            let q = b.nibble((&i & u(15)) + 4, &i.ge(16));
            d * q.signed_to_float() + m
        }
        QuantFormat::Q5_0 => {
            let d = b.half(0);
            let q = b.nibble((&i & u(15)) + 6, &i.ge(16));
            let fifth = (b.byte(i.shr(3) + 2).shr(&i & u(7)) & u(1)).shl(4);
            d * ((q | fifth).signed_to_float() - 16.0)
        }
        QuantFormat::Q8_0 => b.signed(&i + 2).signed_to_float() * b.half(0),
        QuantFormat::Q4_K => k_element(&mut b, &i, 16, None),
        QuantFormat::Q5_K => k_element(&mut b, &i, 48, Some(16)),
        QuantFormat::Q6_K => {
            let d = b.half(208);
            let (half, run, l) = (i.shr(7), i.shr(5) & u(3), &i & u(31));
            let low = b.nibble(half.shl(6) + (&run & u(1)).shl(5) + &l, &run.ge(2));
            let high = b.byte(half.shl(5) + &l + 128).shr(run.shl(1)) & u(3);
            let scale = b.signed(i.shr(4) + 192).signed_to_float();
            d * scale * ((low | high.shl(4)).signed_to_float() - 32.0)
        }
    };
    value.build(c)
}

/// Q4_K and Q5_K: `qs` is where four bits of each element lie, `high` where the fifth.
fn k_element(b: &mut Bytes<'_>, i: &X, qs: u32, high: Option<u32>) -> X {
    let (d, dmin) = (b.half(0), b.half(2));
    let (j, l) = (i.shr(5), i & u(31));
    // Scale and minimum of run j: six bits each, those of the last four runs in pieces.
    let early = j.lt(4);
    let (first, second) = (b.byte(&j + 4), b.byte(&j + 8));
    let third = b.byte(sel(&early, 4, &j));
    let scale = sel(&early, &first & u(63), (&second & u(15)) | third.shr(6).shl(4));
    let min = sel(&early, &second & u(63), second.shr(4) | first.shr(6).shl(4));
    let low = b.nibble(j.shr(1).shl(5) + &l + qs, &(&j & u(1)).eq(1));
    let q = match high {
        Some(at) => low | (b.byte(l + at).shr(&j) & u(1)).shl(4),
        None => low,
    };
    d * scale.signed_to_float() * q.signed_to_float() - dmin * min.signed_to_float()
}

/// Rows of a matrix of blocks as f32: all of them, or those that an array of this dtype names (negative ones from the
/// end, others clamped).
///
/// Push constants: elements of the output; invocations of a row of the grid; the output's first word; the first byte
/// of the matrix; elements of a row; bytes of a row; rows; the first element of the indices.
pub(crate) fn rows(format: QuantFormat, indices: Option<DType>) -> Option<Vec<u32>> {
    let out_buffer = 1 + usize::from(indices.is_some());
    let mut c = Code::new(out_buffer + 1, 0);
    let [n, row, first, matrix, k, bytes, count, first_index] = std::array::from_fn(|i| c.pushed(i));
    let i = c.number(row);
    let inside = c.op(Op::ULessThan, c.bool, &[i, n]);
    let mut made = true;
    c.when(inside, |c| {
        let line = c.op(Op::UDiv, c.u32, &[i, k]);
        let back = c.op(Op::IMul, c.u32, &[line, k]);
        let column = c.op(Op::ISub, c.u32, &[i, back]);
        let line = match indices {
            None => line,
            Some(d) => {
                let at = c.op(Op::IAdd, c.u32, &[first_index, line]);
                let Value::Word(x) = load(c, 1, d, at) else {
                    made = false;
                    return;
                };
                let (x, count) = (X::word(x), X::word(count));
                let signed = matches!(d, DType::I8 | DType::I16 | DType::I32);
                let x = if signed { sel(&x.slt(u(0)), &x + &count, &x) } else { x };
                let x = if signed { sel(&x.slt(u(0)), 0, &x) } else { x };
                sel(&x.lt(&count), &x, &count - 1).build(c)
            }
        };
        let start = c.op(Op::IMul, c.u32, &[line, bytes]);
        let start = c.op(Op::IAdd, c.u32, &[matrix, start]);
        let x = element(c, 0, format, start, column);
        let w = stored(c, DType::F32, Value::Float(x));
        let at = c.op(Op::IAdd, c.u32, &[first, i]);
        let w = pack(c, None, 0, DType::F32, w);
        put(c, out_buffer, at, DType::F32, w);
    });
    made.then(|| c.finish())
}
