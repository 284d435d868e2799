//! Evenly spaced values and random bits.

use super::Kernel;
use super::map::{GROUP, Key, grid, known};
use crate::Caps;
use crate::record::{Cx, Dispatch, PUSH_WORDS};
use mlx_ir::desc::collapse;
use mlx_ir::op::{Arange, RandomBits};
use mlx_ir::{DType, Desc, Operand, Result};
use smallvec::SmallVec;

/// Whole numbers a and b and an f32 u with (a + i·b)·u = start + i·step, where the sums are below 2^24 for all `len`
/// values, so that f32 has them exactly. None where there are none.
fn units(start: f64, step: f64, len: usize) -> Option<(i32, i32, f32)> {
    let last = start + (len.max(1) - 1) as f64 * step;
    let largest = start.abs().max(step.abs()).max(last.abs());
    if !largest.is_finite() || start == 0.0 && start.is_sign_negative() {
        return None;
    }
    // The coarsest unit of which both are multiples; as far as results are normal numbers.
    (-100..=100).rev().map(|e| 2f64.powi(e)).find_map(|unit| {
        let (a, b) = (start / unit, step / unit);
        let fits = a.trunc() == a && b.trunc() == b && largest / unit < f64::from(1 << 24);
        fits.then_some((a as i32, b as i32, unit as f32))
    })
}

/// The words that a shader gets: start, step, unit.
fn numbers(op: &Arange) -> Option<[u32; 5]> {
    let (start, step) = (op.start.get(), op.step.get());
    if op.dtype.is_inexact() {
        let (a, b, unit) = units(start, step, op.len)?;
        return Some([a as u32, 0, b as u32, 0, unit.to_bits()]);
    }
    // Starts of u64 may lie above the range of i64.
    let from = if op.dtype == DType::U64 { start as i128 as u64 } else { start as i64 as u64 };
    let by = step as i64 as u64;
    Some([from as u32, (from >> 32) as u32, by as u32, (by >> 32) as u32, 0])
}

impl Kernel for Arange {
    fn supports(&self, caps: &Caps, _: &[Desc], _: &[Desc]) -> bool {
        self.len < u32::MAX as usize && numbers(self).is_some() && known(Key::Arange(self.dtype), caps)
    }

    fn record(&self, cx: &mut Cx<'_>, _: &[Operand], outs: &[Operand]) -> Result<()> {
        let to = cx.output(&outs[0])?;
        let Some([start, start_high, step, step_high, unit]) = numbers(self) else {
            return Err(mlx_ir::Error::unsupported("[arange] values that the gpu has no exact way to"));
        };
        let (across, down) = grid(cx.caps, self.len.div_ceil((4 / self.dtype.size()).max(1)));
        let push = [self.len as u32, across * GROUP, to.first / 4, start, start_high, step, step_high, unit];
        let shader = cx.emitted(Key::Arange(self.dtype))?;
        cx.dispatch(&Dispatch { shader: &shader, spec: &[GROUP], bind: &[&to], push: &push, groups: [across, down, 1] })
    }
}

/// Words of a key, and bytes in the last of them (0: all).
fn words(op: &RandomBits) -> (usize, usize) {
    let bytes = op.shape.iter().product::<usize>() * usize::from(op.width);
    (bytes.div_ceil(4), bytes % 4)
}

/// Sizes and strides of the array of keys, of which each has two words.
fn keys(d: &Desc) -> (SmallVec<[usize; 4]>, SmallVec<[isize; 4]>) {
    let lead = d.ndim() - 1;
    let walk = collapse(&d.shape[..lead], &[&d.strides[..lead]]);
    (walk.shape, walk.strides.into_iter().next().unwrap_or_default())
}

impl Kernel for RandomBits {
    fn supports(&self, _: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let count: usize = outs[0].size().checked_div(self.shape.iter().product()).unwrap_or(0);
        let (words, rest) = words(self);
        let Some(all) = words.checked_mul(count) else { return false };
        ins[0].dtype == DType::U32
            && ins[0].shape.last() == Some(&2)
            && outs[0].dtype.size() == usize::from(self.width)
            && matches!(self.width, 1 | 2 | 4)
            && all < u32::MAX as usize
            // Otherwise keys would share words of the output.
            && (rest == 0 || count <= 1)
            && 6 + 2 * keys(&ins[0]).0.len() <= PUSH_WORDS
    }

    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let d = &ins[0].desc;
        let (shape, strides) = keys(d);
        let count: usize = d.shape[..d.ndim() - 1].iter().product();
        let (words, _) = words(self);
        let half = words.div_ceil(2);
        let (from, to) = (cx.input(&ins[0])?, cx.output(&outs[0])?);
        let n = half * count;
        let (across, down) = grid(cx.caps, n);
        let step = d.strides[d.ndim() - 1];
        let mut push: SmallVec<[u32; PUSH_WORDS]> = smallvec::smallvec![
            n as u32,
            across * GROUP,
            to.first / 4,
            from.first / 4,
            step as u32,
            half as u32,
            words as u32
        ];
        push.extend(shape[1..].iter().map(|&s| s as u32));
        push.extend(strides.iter().map(|&s| s as u32));
        let shader = cx.emitted(Key::Random(shape.len()))?;
        cx.dispatch(&Dispatch {
            shader: &shader,
            spec: &[GROUP],
            bind: &[&from, &to],
            push: &push,
            groups: [across, down, 1],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{backend, compare, host_array};
    use mlx_ir::Backend;
    use mlx_ir::op::Real;

    #[test]
    fn evenly_spaced_values_of_every_dtype() {
        let ways = [(0.0, 1.0, 1001), (-3.0, 2.0, 77), (250.0, -7.0, 130), (0.0, 0.25, 9), (1e6, 3.0, 5)];
        for dtype in DType::ALL {
            if matches!(dtype, DType::Bool | DType::F64) {
                continue;
            }
            for (start, step, len) in ways {
                let op = Arange { start: Real::new(start), step: Real::new(step), len, dtype };
                compare(op, &[], &[Desc::contiguous(&[len], dtype)], 0.0);
            }
        }
        let large = Arange { start: Real::new(1.8e19), step: Real::new(-3.0), len: 9, dtype: DType::U64 };
        compare(large, &[], &[Desc::contiguous(&[9], DType::U64)], 0.0);
    }

    #[test]
    fn values_that_f32_rounds_are_left_to_the_processor() {
        assert_eq!(units(0.0, 1.0, 1 << 24), Some((0, 1, 1.0)));
        assert_eq!(units(0.0, 1.0, (1 << 24) + 1), None);
        assert_eq!(units(0.0, 0.1, 3), None);
        assert_eq!(units(f64::NAN, 1.0, 3), None);
        let Some(gpu) = backend() else { return };
        let op = Arange { start: Real::new(0.0), step: Real::new(0.1), len: 30, dtype: DType::F32 };
        assert!(!gpu.supports(&op.into(), &[], &[Desc::contiguous(&[30], DType::F32)]));
    }

    #[test]
    fn bits_are_those_of_the_processor() {
        for (width, dtype) in [(1u8, DType::U8), (2, DType::U16), (4, DType::U32)] {
            for n in [1usize, 2, 3, 4, 5, 31, 64, 129, 9001] {
                let op = RandomBits { shape: [n].into_iter().collect(), width };
                let one = host_array(&[2], &[7u32, u32::MAX]);
                compare(op.clone(), &[one], &[Desc::contiguous(&[n], dtype)], 0.0);
                if n * usize::from(width) % 4 == 0 {
                    // Keys as columns: a strided operand.
                    let mut keys = host_array(&[2, 3], &[1u32, u32::MAX, 0, 2, 7, 0]);
                    keys.desc.shape.reverse();
                    keys.desc.strides.reverse();
                    compare(op, &[keys], &[Desc::contiguous(&[3, n], dtype)], 0.0);
                }
            }
        }
    }
}
