//! Rotary position embedding, rows in 8 bits ([`packed`]), and writing to a key-value cache.

use super::map::{self, GROUP, grid};
use super::rows::{by_dtype, element, per_word};
use super::{Kernel, copy};
use crate::Caps;
use crate::record::{Bound, Cx, Dispatch, Shader};
use crate::shaders;
use mlx_ir::op::{CacheUpdate, PackRows, Real, Rope, UnpackRows};
use mlx_ir::{DType, Desc, Operand, Result, Tape, packed};
use smallvec::SmallVec;

fn shader(x: DType, out: DType) -> Option<&'static Shader> {
    match (x, out) {
        (DType::F32, DType::F16) => Some(&shaders::ROPE_F32_F16),
        (DType::F32, DType::BF16) => Some(&shaders::ROPE_F32_BF16),
        (_, DType::U32) => by_dtype(x, [&shaders::PACK_ROWS_F32, &shaders::PACK_ROWS_F16, &shaders::PACK_ROWS_BF16]),
        _ if x == out => by_dtype(x, [&shaders::ROPE_F32, &shaders::ROPE_F16, &shaders::ROPE_BF16]),
        _ => None,
    }
}

/// Numbers of a row in 8 bits whose scales are one word, and the invocations that make it.
const PAIR: usize = 2 * packed::BLOCK;
const PAIR_LANES: usize = PAIR / 4;
/// Bits of the high part of an exponent: products with the index of a pair are exact.
const HIGH_BITS: u32 = 12;
/// Most pairs that leave these products exact.
const MOST_PAIRS: usize = 1 << (24 - HIGH_BITS);

/// The number's first [`HIGH_BITS`] bits, and the rest.
fn halves(x: f64) -> [f32; 2] {
    let high = f32::from_bits((x as f32).to_bits() & !((1 << (24 - HIGH_BITS)) - 1));
    [high, (x - f64::from(high)) as f32]
}

/// x as (batch, middle, t, d) with the strides of all but the last; none if the middle axes are not evenly spaced or
/// the last is not dense.
fn four(x: &Desc) -> Option<([usize; 4], [isize; 3])> {
    let n = x.ndim();
    let dense = x.shape[n - 1] <= 1 || x.strides[n - 1] == 1;
    let middle = 1..n - 2;
    let mut step = 0;
    let mut size = 1usize;
    for i in middle.rev() {
        if x.shape[i] == 1 {
            continue;
        }
        if size == 1 {
            step = x.strides[i];
        } else if x.strides[i] != step * size as isize {
            return None;
        }
        size *= x.shape[i];
    }
    dense.then(|| ([x.shape[0], size, x.shape[n - 2], x.shape[n - 1]], [x.strides[0], step, x.strides[n - 2]]))
}

/// Whether x can be written to places described by `out`, in whole words. An `out` of u32 is of rows in 8 bits.
fn writes(x: &Desc, out: &Desc) -> bool {
    let words = if out.dtype == DType::U32 { 4 } else { per_word(out.dtype) };
    let even = |d: &Desc| four(d).is_some_and(|(_, steps)| steps.iter().all(|s| s % per_word(d.dtype) as isize == 0));
    shader(x.dtype, out.dtype).is_some()
        && x.ndim() >= 3
        && four(x).is_some()
        && even(out)
        && x.shape[x.ndim() - 1].is_multiple_of(words)
        && x.size().max(out.size()) < (u32::MAX / 8) as usize
}

/// As [`writes`], for x rotated.
fn supports(op: &Rope, ins: &[Desc], out: &Desc) -> bool {
    let (x, offset) = (&ins[0], &ins[1]);
    writes(x, out)
        // Of wider integers the low word is read.
        && matches!(offset.dtype, DType::I32 | DType::U32 | DType::I64 | DType::U64)
        && offset.ndim() <= 1
        && op.dims.is_multiple_of(2)
        && op.dims / 2 <= MOST_PAIRS
        && ins.get(2).is_none_or(|f| f.dtype == DType::F32)
        && ins.len() == 2 + usize::from(op.base.is_none())
}

/// A start that is read on the device: itself, the largest one, and elements of the output from one to the next.
struct At<'a> {
    start: &'a Operand,
    most: usize,
    stride: usize,
}

/// Rotates x into `out`, `skip` elements after its first, or where a start says. Without an offset there is nothing to
/// rotate.
fn record(
    cx: &mut Cx<'_>,
    op: &Rope,
    ins: &[Operand],
    out: (&Desc, &Bound),
    skip: usize,
    at: Option<At<'_>>,
) -> Result<()> {
    let x = &ins[0].desc;
    let (d, words) = (x.dtype, per_word(out.0.dtype));
    let rows = x.size() / x.shape[x.ndim() - 1].max(1);
    let (Some(shader), Some((shape, steps)), Some((_, out_steps))) = (shader(d, out.0.dtype), four(x), four(out.0))
    else {
        return Ok(());
    };
    let from = cx.input(&ins[0])?;
    let offset = ins.get(1).map(|o| cx.input(o)).transpose()?;
    let freqs = ins.get(2).map(|f| cx.input(f)).transpose()?;
    let start = at.as_ref().map(|a| cx.input(a.start)).transpose()?;
    let step = ins.get(1).map(|o| &o.desc).filter(|o| o.size() > 1);
    let step = step.map_or(0, |o| o.strides[0] * (o.dtype.size() / 4) as isize);
    let (count, invocations) = match out.0.dtype {
        DType::U32 => (rows, rows * x.shape[x.ndim() - 1].div_ceil(PAIR) * PAIR_LANES),
        _ => (x.size() / words, x.size() / words),
    };
    let octaves = op.base.map_or(0.0, |b| b.get().log2() / (op.dims / 2) as f64);
    let [high, low] = halves(octaves);
    let to = out_steps.map(|s| (s / words as isize) as u32);
    let push = [
        count as u32,
        shape[1] as u32,
        shape[2] as u32,
        shape[3] as u32,
        steps[0] as u32,
        steps[1] as u32,
        steps[2] as u32,
        element(&from, d),
        offset.as_ref().unwrap_or(&from).first / 4,
        step as u32,
        freqs.as_ref().map_or(0, |f| f.first / 4),
        ins.get(2).map_or(0, |f| f.desc.strides[0] as u32),
        out.1.first / 4 + (skip / words) as u32,
        op.dims as u32,
        high.to_bits(),
        low.to_bits(),
        op.scale.f32().to_bits(),
        to[0],
        to[1],
        to[2],
        start.as_ref().map_or(0, |b| b.first / 4),
        at.as_ref().map_or(0, |a| a.most as u32),
        at.as_ref().map_or(0, |a| (a.stride / words) as u32),
    ];
    let flags = [op.traditional, op.inverse, freqs.is_some(), at.is_some()].map(u32::from);
    let spec = [GROUP, flags[0], flags[1], flags[2], flags[3]];
    let (across, down) = grid(cx.caps, invocations);
    let bind = [
        &from,
        offset.as_ref().unwrap_or(&from),
        freqs.as_ref().unwrap_or(&from),
        out.1,
        start.as_ref().unwrap_or(&from),
    ];
    cx.dispatch(&Dispatch { shader, spec: &spec, bind: &bind, push: &push, groups: [across, down, 1] })
}

impl Kernel for Rope {
    fn supports(&self, _: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        supports(self, ins, &outs[0])
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let out = cx.output(&outs[0])?;
        record(cx, self, ins, (&outs[0].desc, &out), 0, None)
    }
}

/// With leading axes of one, as many as rows are read by.
fn lifted(x: &Desc) -> Desc {
    let mut x = x.clone();
    while x.ndim() < 3 {
        x.shape.insert(0, 1);
        x.strides.insert(0, 0);
    }
    x
}

impl Kernel for PackRows {
    fn supports(&self, _: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        writes(&lifted(&ins[0]), &lifted(&outs[0]))
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let out = cx.output(&outs[0])?;
        let x = Operand { desc: lifted(&ins[0].desc), ..ins[0].clone() };
        record(cx, &unrotated(), &[x], (&lifted(&outs[0].desc), &out), 0, None)
    }
}

/// Rows in 8 bits as numbers one after another.
pub(super) fn unpack(cx: &mut Cx<'_>, rows: (&Desc, &Bound), out: (DType, &Bound)) -> Result<()> {
    let x = lifted(rows.0);
    let words = x.shape[x.ndim() - 1];
    let (Some((shape, steps)), Some(n)) = (four(&x), packed::numbers(words)) else { return Ok(()) };
    let shader = if out.0 == DType::F16 { &shaders::UNPACK_ROWS_F16 } else { &shaders::UNPACK_ROWS_F32 };
    let count = x.size() / words * (n / 4);
    let steps = steps.map(|s| s as u32);
    let push = [
        count as u32,
        (n / 4) as u32,
        shape[1] as u32,
        shape[2] as u32,
        rows.1.first / 4,
        steps[0],
        steps[1],
        steps[2],
        out.1.first / 4,
    ];
    let (across, down) = grid(cx.caps, count);
    let bind = [rows.1, out.1];
    cx.dispatch(&Dispatch { shader, spec: &[GROUP], bind: &bind, push: &push, groups: [across, down, 1] })
}

impl Kernel for UnpackRows {
    fn supports(&self, _: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        four(&lifted(&ins[0])).is_some() && outs[0].size() < (u32::MAX / 8) as usize
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let (rows, out) = (cx.input(&ins[0])?, cx.output(&outs[0])?);
        unpack(cx, (&ins[0].desc, &rows), (DType::F32, &out))
    }
}

/// The box of `whole` that an update fills, and its first element; none for an update that is no rows of numbers.
fn filled(op: &CacheUpdate, whole: &Desc, update: &Desc) -> Option<(Desc, usize)> {
    let mut shape = update.shape.clone();
    if let (true, Some(last)) = (op.packed, shape.last_mut()) {
        *last = packed::words(*last)?;
    }
    let steps: SmallVec<[isize; 6]> = shape.iter().map(|_| 1).collect();
    let first = op.start.iter().zip(&whole.strides).map(|(&a, &s)| a * s as usize).sum();
    Some((copy::part(whole, &shape, &steps), first))
}

/// A rotation of nothing, which only converts.
fn unrotated() -> Rope {
    Rope { dims: 0, traditional: false, base: Some(Real::new(2.0)), scale: Real::new(1.0), inverse: false }
}

impl Kernel for CacheUpdate {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let Some((there, first)) = filled(self, &outs[0], &ins[1]) else { return false };
        let words = per_word(there.dtype);
        if let (Some(axis), [_, update, rest @ .., at]) = (self.axis, ins) {
            let rotated: SmallVec<[Desc; 4]> = std::iter::once(update).chain(rest).cloned().collect();
            return copy::can(caps, &ins[0], &outs[0], false)
                && first.is_multiple_of(words)
                && at.dtype == DType::I32
                && at.size() == 1
                && outs[0].strides[axis] % words as isize == 0
                && outs[0].size() < (i32::MAX / 2) as usize
                && match &self.rope {
                    Some(r) => supports(r, &rotated, &there),
                    None => writes(update, &there),
                };
        }
        copy::can(caps, &ins[0], &outs[0], false)
            && match &self.rope {
                Some(r) => first.is_multiple_of(words) && supports(r, &ins[1..], &there),
                None if self.packed => writes(&ins[1], &there),
                None => {
                    let tape = Tape::convert(ins[1].dtype, there.dtype);
                    map::supports(&tape, caps, &[&ins[1]], &there, true)
                }
            }
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let update = &ins[1].desc;
        let Some((there, first)) = filled(self, &outs[0].desc, update) else { return Ok(()) };
        let to = cx.output(&outs[0])?;
        copy::start_from(cx, &ins[0], &outs[0], &to)?;
        if let (Some(axis), [_, update, rest @ .., start]) = (self.axis, ins) {
            let whole = &outs[0].desc;
            let most = whole.shape[axis] - there.shape[axis];
            let at = Some(At { start, most, stride: whole.strides[axis] as usize });
            return match &self.rope {
                Some(r) => {
                    let rotated: SmallVec<[Operand; 4]> = std::iter::once(update).chain(rest).cloned().collect();
                    record(cx, r, &rotated, (&there, &to), first, at)
                }
                None => record(cx, &unrotated(), std::slice::from_ref(update), (&there, &to), first, at),
            };
        }
        match &self.rope {
            Some(r) => return record(cx, r, &ins[1..], (&there, &to), first, None),
            None if self.packed => return record(cx, &unrotated(), &ins[1..], (&there, &to), first, None),
            None => {}
        }
        let from = cx.input(&ins[1])?;
        let target = to.skip(first * there.dtype.size());
        map::record(cx, &Tape::convert(update.dtype, there.dtype), &[(update, from)], (&there, target), true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{compare, host_array};
    use half::f16;
    use mlx_ir::op::Real;

    #[test]
    fn positions_rotate_pairs_and_halves() {
        let (b, h, t, d) = (2usize, 3usize, 5usize, 20usize);
        let x: Vec<f32> = (0..b * h * t * d).map(|i| (i * 37 % 101) as f32 * 0.02 - 1.0).collect();
        let narrow: Vec<f16> = x.iter().map(|&v| f16::from_f32(v)).collect();
        // As attention has it: heads and positions exchanged.
        let swap = |mut o: Operand| {
            o.desc.shape.swap(1, 2);
            o.desc.strides.swap(1, 2);
            o
        };
        let one = host_array(&[], &[8000i32]);
        let each = host_array(&[b], &[3i64, 70_000]);
        let lengths: Vec<f32> = (0..8).map(|i| 1.5f32.powi(i)).collect();
        let freqs = host_array(&[8], &lengths);
        for x in [host_array(&[b, t, h, d], &x), host_array(&[b, t, h, d], &narrow)].map(swap) {
            let out = [Desc::contiguous(&[b, h, t, d], x.desc.dtype)];
            for traditional in [false, true] {
                for inverse in [false, true] {
                    let op =
                        Rope { dims: 16, traditional, base: Some(Real::new(5e5)), scale: Real::new(0.25), inverse };
                    // At the far position an ulp of the angle is 2e-3.
                    compare(op.clone(), &[x.clone(), one.clone()], &out, 1e-3);
                    compare(op.clone(), &[x.clone(), each.clone()], &out, 8e-3);
                    let op = Rope { base: None, ..op };
                    compare(op, &[x.clone(), one.clone(), freqs.clone()], &out, 1e-3);
                }
            }
        }
    }
    #[test]
    fn rows_in_8_bits() {
        for shape in [&[64][..], &[3, 36], &[2, 3, 5, 128], &[2, 3, 1, 96], &[1, 5, 4]] {
            let n: usize = shape.iter().product();
            // No two that are half a code apart from another, whatever the scale.
            let x: Vec<f32> = (0..n).map(|i| (i * 37 % 101) as f32 * 0.0193 - 1.0).collect();
            let last = shape.len() - 1;
            let mut packed_shape = shape.to_vec();
            packed_shape[last] = packed::words(shape[last]).unwrap();
            let narrow: Vec<f16> = x.iter().map(|&v| f16::from_f32(v)).collect();
            for x in [host_array(shape, &x), host_array(shape, &narrow)] {
                compare(PackRows {}, &[x], &[Desc::contiguous(&packed_shape, DType::U32)], 0.0);
            }
        }
        // Scales 1 and 0.5 behind codes of any value, rows of a cache.
        let rows: Vec<u32> = (0..2 * 3 * 7 * 17)
            .map(|i| if i % 17 == 16 { 0x3800_3c00 } else { (i as u32).wrapping_mul(0x9e37_79b9) })
            .collect();
        let mut rows = host_array(&[2, 3, 7, 17], &rows);
        rows.desc.shape[2] = 5;
        compare(UnpackRows {}, &[rows], &[Desc::contiguous(&[2, 3, 5, 64], DType::F32)], 1e-6);
    }
}
