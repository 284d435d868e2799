//! Rotary position embedding.

use super::Kernel;
use super::map::{GROUP, grid};
use super::rows::{by_dtype, element, per_word};
use crate::Caps;
use crate::record::{Cx, Dispatch, Shader};
use crate::shaders;
use mlx_ir::op::Rope;
use mlx_ir::{DType, Desc, Operand, Result};

fn shader(d: DType) -> Option<&'static Shader> {
    by_dtype(d, [&shaders::ROPE_F32, &shaders::ROPE_F16, &shaders::ROPE_BF16])
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

impl Kernel for Rope {
    fn supports(&self, _: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let (x, offset) = (&ins[0], &ins[1]);
        shader(x.dtype).is_some()
            && x.ndim() >= 3
            && four(x).is_some()
            && x.shape[x.ndim() - 1].is_multiple_of(per_word(x.dtype))
            && outs[0].size() < (u32::MAX / 2) as usize
            // Of wider integers the low word is read.
            && matches!(offset.dtype, DType::I32 | DType::U32 | DType::I64 | DType::U64)
            && offset.ndim() <= 1
            && self.dims.is_multiple_of(2)
            && self.dims / 2 <= MOST_PAIRS
            && ins.get(2).is_none_or(|f| f.dtype == DType::F32)
            && ins.len() == 2 + usize::from(self.base.is_none())
    }

    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let x = &ins[0].desc;
        let d = x.dtype;
        let (Some(shader), Some((shape, strides))) = (shader(d), four(x)) else { return Ok(()) };
        let (from, offset, out) = (cx.input(&ins[0])?, cx.input(&ins[1])?, cx.output(&outs[0])?);
        let freqs = ins.get(2).map(|f| cx.input(f)).transpose()?;
        let offsets = &ins[1].desc;
        let words_of_offset = (offsets.dtype.size() / 4) as isize;
        let step = if offsets.size() > 1 { offsets.strides[0] * words_of_offset } else { 0 };
        let count = outs[0].desc.size() / per_word(d);
        let octaves = self.base.map_or(0.0, |b| b.get().log2() / (self.dims / 2) as f64);
        let [high, low] = halves(octaves);
        let push = [
            count as u32,
            shape[1] as u32,
            shape[2] as u32,
            shape[3] as u32,
            strides[0] as u32,
            strides[1] as u32,
            strides[2] as u32,
            element(&from, d),
            offset.first / 4,
            step as u32,
            freqs.as_ref().map_or(0, |f| f.first / 4),
            ins.get(2).map_or(0, |f| f.desc.strides[0] as u32),
            out.first / 4,
            self.dims as u32,
            high.to_bits(),
            low.to_bits(),
            self.scale.f32().to_bits(),
        ];
        let spec = [GROUP, u32::from(self.traditional), u32::from(self.inverse), u32::from(freqs.is_some())];
        let (across, down) = grid(cx.caps, count);
        let bind = [&from, &offset, freqs.as_ref().unwrap_or(&from), &out];
        cx.dispatch(&Dispatch { shader, spec: &spec, bind: &bind, push: &push, groups: [across, down, 1] })
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
