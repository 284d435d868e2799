//! Rotary position embedding, and writing to a key-value cache.

use super::map::{self, GROUP, grid};
use super::rows::{by_dtype, element, per_word};
use super::{Kernel, copy};
use crate::Caps;
use crate::record::{Bound, Cx, Dispatch, Shader};
use crate::shaders;
use mlx_ir::op::{CacheUpdate, Real, Rope};
use mlx_ir::{DType, Desc, Operand, Result, Tape};
use smallvec::SmallVec;

fn shader(x: DType, out: DType) -> Option<&'static Shader> {
    match (x, out) {
        (DType::F32, DType::F16) => Some(&shaders::ROPE_F32_F16),
        (DType::F32, DType::BF16) => Some(&shaders::ROPE_F32_BF16),
        _ if x == out => by_dtype(x, [&shaders::ROPE_F32, &shaders::ROPE_F16, &shaders::ROPE_BF16]),
        _ => None,
    }
}

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

/// Whether x rotated can be written to places described by `out`, in whole words.
fn supports(op: &Rope, ins: &[Desc], out: &Desc) -> bool {
    let (x, offset) = (&ins[0], &ins[1]);
    let words = per_word(out.dtype);
    let even = |d: &Desc| four(d).is_some_and(|(_, steps)| steps.iter().all(|s| s % words as isize == 0));
    shader(x.dtype, out.dtype).is_some()
        && x.ndim() >= 3
        && four(x).is_some()
        && even(out)
        && x.shape[x.ndim() - 1].is_multiple_of(words)
        && out.size() < (u32::MAX / 2) as usize
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

/// Rotates x into `out`, `skip` elements after its first, or where a start says.
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
    let (Some(shader), Some((shape, steps)), Some((_, out_steps))) = (shader(d, out.0.dtype), four(x), four(out.0))
    else {
        return Ok(());
    };
    let (from, offset) = (cx.input(&ins[0])?, cx.input(&ins[1])?);
    let freqs = ins.get(2).map(|f| cx.input(f)).transpose()?;
    let start = at.as_ref().map(|a| cx.input(a.start)).transpose()?;
    let offsets = &ins[1].desc;
    let words_of_offset = (offsets.dtype.size() / 4) as isize;
    let step = if offsets.size() > 1 { offsets.strides[0] * words_of_offset } else { 0 };
    let count = x.size() / words;
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
        offset.first / 4,
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
    let (across, down) = grid(cx.caps, count);
    let bind = [&from, &offset, freqs.as_ref().unwrap_or(&from), out.1, start.as_ref().unwrap_or(&from)];
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

/// The box of `whole` that an update of `shape` fills, and its first element.
fn filled(op: &CacheUpdate, whole: &Desc, shape: &[usize]) -> (Desc, usize) {
    let steps: SmallVec<[isize; 6]> = shape.iter().map(|_| 1).collect();
    let first = op.start.iter().zip(&whole.strides).map(|(&a, &s)| a * s as usize).sum();
    (copy::part(whole, shape, &steps), first)
}

/// A rotation of nothing, which only converts.
fn unrotated() -> Rope {
    Rope { dims: 0, traditional: false, base: Some(Real::new(2.0)), scale: Real::new(1.0), inverse: false }
}

impl Kernel for CacheUpdate {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let (there, first) = filled(self, &outs[0], &ins[1].shape);
        let words = per_word(there.dtype);
        if let (Some(axis), [_, update, rest @ .., at]) = (self.axis, ins) {
            let (plain, offset) = (unrotated(), [update.clone(), at.clone()]);
            let rotated: SmallVec<[Desc; 4]> = std::iter::once(update).chain(rest).cloned().collect();
            return copy::can(caps, &ins[0], &outs[0], false)
                && first.is_multiple_of(words)
                && at.dtype == DType::I32
                && at.size() == 1
                && outs[0].strides[axis] % words as isize == 0
                && outs[0].size() < (i32::MAX / 2) as usize
                && match &self.rope {
                    Some(r) => supports(r, &rotated, &there),
                    None => supports(&plain, &offset, &there),
                };
        }
        copy::can(caps, &ins[0], &outs[0], false)
            && match &self.rope {
                Some(r) => first.is_multiple_of(per_word(there.dtype)) && supports(r, &ins[1..], &there),
                None => {
                    let tape = Tape::convert(ins[1].dtype, there.dtype);
                    map::supports(&tape, caps, &[&ins[1]], &there, true)
                }
            }
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let to = cx.output(&outs[0])?;
        copy::start_from(cx, &ins[0], &outs[0], &to)?;
        let update = &ins[1].desc;
        let (there, first) = filled(self, &outs[0].desc, &update.shape);
        if let (Some(axis), [_, update, rest @ .., start]) = (self.axis, ins) {
            let whole = &outs[0].desc;
            let most = whole.shape[axis] - update.desc.shape[axis];
            let at = Some(At { start, most, stride: whole.strides[axis] as usize });
            return match &self.rope {
                Some(r) => {
                    let rotated: SmallVec<[Operand; 4]> = std::iter::once(update).chain(rest).cloned().collect();
                    record(cx, r, &rotated, (&there, &to), first, at)
                }
                None => record(cx, &unrotated(), &[update.clone(), start.clone()], (&there, &to), first, at),
            };
        }
        if let Some(r) = &self.rope {
            return record(cx, r, &ins[1..], (&there, &to), first, None);
        }
        let from = cx.input(&ins[1])?;
        let mut target = to;
        target.first += (first * there.dtype.size()) as u32;
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
}
