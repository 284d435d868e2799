//! Fourier transforms of lines whose length is a power of two, in shared memory.

use super::Kernel;
use super::lines::{Lines, folded};
use crate::Caps;
use crate::record::{Cx, Dispatch};
use crate::shaders;
use mlx_ir::op::Fft;
use mlx_ir::{DType, Desc, Operand, Result};
use std::f64::consts::TAU;

/// The longest line: turns are counted in so many parts.
const MOST: usize = 4096;
/// Turns are products of a coarse and a fine one, so many of each.
const COARSE: usize = 64;

/// Invocations of a workgroup and the lines that it transforms, each invocation at least four elements.
fn shape(caps: &Caps, n: usize) -> (usize, usize) {
    let most = 1 << caps.workgroup_invocations.clamp(1, 256).ilog2();
    let group = (n / 4).clamp(64.min(most), most);
    (group, (4 * group / n).max(1))
}

/// The coarse turns, then the fine ones, rounded once from f64.
fn turns() -> Vec<u32> {
    let turn = |j: usize| {
        let (s, c) = (-TAU * j as f64 / MOST as f64).sin_cos();
        [c, s].map(|v| (v as f32).to_bits())
    };
    (0..COARSE).map(|i| i * COARSE).chain(0..COARSE).flat_map(turn).collect()
}

impl Kernel for Fft {
    fn supports(&self, caps: &Caps, ins: &[Desc], _: &[Desc]) -> bool {
        let x = &ins[0];
        let Some(&n) = x.shape.last() else { return false };
        if x.dtype != DType::C64 || !n.is_power_of_two() || n > MOST {
            return false;
        }
        let (_, lines) = shape(caps, n);
        let groups = (x.size() / n).div_ceil(lines) as u64;
        Lines::new(x, x.ndim() - 1).fit()
            && (lines * n * x.dtype.size()) as u64 <= u64::from(caps.shared_memory)
            && groups <= u64::from(caps.workgroup_count[0].min(65535)) * u64::from(caps.workgroup_count[1])
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let (desc, size) = (&ins[0].desc, ins[0].desc.dtype.size());
        let lines = Lines::new(desc, desc.ndim() - 1);
        let (group, together) = shape(cx.caps, lines.n);
        let (x, out, turns) = (cx.input(&ins[0])?, cx.output(&outs[0])?, cx.words(&turns())?);
        let scale = if self.inverse { 1.0 / lines.n as f32 } else { 1.0 };
        let spec = [group as u32, lines.n.ilog2(), together as u32, self.inverse.into()];
        let mut push = vec![lines.count as u32, out.first / 4, turns.first / 4, scale.to_bits()];
        push.extend(lines.push(&x, size));
        let groups = folded(cx.caps, lines.count.div_ceil(together));
        cx.dispatch(&Dispatch { shader: &shaders::FFT, spec: &spec, bind: &[&x, &turns, &out], push: &push, groups })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VulkanBackend;
    use crate::testing::{backend, host_array, run, without};
    use mlx_ir::{Backend, C64};

    fn values(n: usize) -> Vec<C64> {
        let one = |i: usize| ((i * 7919 + 11) % 2003) as f32 / 1001.5 - 1.0;
        (0..n).map(|i| C64 { re: one(2 * i), im: one(2 * i * i + 5) }).collect()
    }

    /// Transforms lines and holds the result against exact sums.
    #[track_caller]
    fn check(gpu: &VulkanBackend, x: &Operand, inverse: bool) {
        let shape = &x.desc.shape;
        let n = shape[shape.len() - 1];
        let made = run(gpu, &Fft { inverse }.into(), std::slice::from_ref(x), &[Desc::contiguous(shape, DType::C64)]);
        let got = mlx_cpu::host::to_vec::<C64>(&made.unwrap_or_else(|| panic!("declined: {shape:?}"))[0]);
        let sign = if inverse { TAU } else { -TAU };
        let turn: Vec<(f64, f64)> = (0..n).map(|j| (sign * j as f64 / n as f64).sin_cos()).collect();
        let x = mlx_cpu::host::to_vec::<C64>(x);
        assert_eq!(got.len(), x.len());
        // Some frequencies of the longest lines.
        let (every, scale) = ((n / 256).max(1), if inverse { n as f64 } else { 1.0 });
        for (line, got) in x.chunks(n).zip(got.chunks(n)) {
            let size = line.iter().map(|z| f64::from(z.re).powi(2) + f64::from(z.im).powi(2)).sum::<f64>().sqrt();
            for k in (0..n).step_by(every).chain([n / 2, n - 1]) {
                let (mut re, mut im) = (0.0, 0.0);
                for (j, z) in line.iter().enumerate() {
                    let ((s, c), a, b) = (turn[j * k % n], f64::from(z.re), f64::from(z.im));
                    re += a * c - b * s;
                    im += a * s + b * c;
                }
                let far = (re / scale - f64::from(got[k].re)).hypot(im / scale - f64::from(got[k].im));
                assert!(far <= 5e-7 * size / scale, "{shape:?} {inverse}: {k} is {:?}, exact {re} {im}", got[k]);
            }
        }
    }

    #[test]
    fn every_length_gives_exact_sums() {
        let Some(gpu) = backend() else { return };
        let most = MOST.min(1 << (gpu.caps().shared_memory / 8).ilog2());
        for n in (0..13).map(|log| 1 << log).filter(|&n| n <= most) {
            // Fewer lines than a workgroup takes, and not a multiple of them.
            for count in [1, 300_usize.div_ceil(n) + 2] {
                let x = host_array(&[count, n], &values(count * n));
                check(gpu, &x, false);
                check(gpu, &x, true);
            }
        }
    }

    #[test]
    fn lines_lie_anywhere() {
        let Some(gpu) = backend() else { return };
        // Columns of each matrix, backwards.
        let mut x = host_array(&[3, 64, 5], &values(960));
        (x.desc.shape, x.desc.strides) = ([3, 5, 64][..].into(), [320, 1, -5][..].into());
        x.offset = 63 * 5 * 8;
        check(gpu, &x, false);
        // One line for all.
        let mut x = host_array(&[33], &values(33));
        (x.desc.shape, x.desc.strides, x.offset) = ([2, 4, 32][..].into(), [0, 0, 1][..].into(), 8);
        check(gpu, &x, true);
    }

    #[test]
    fn weak_devices_take_shorter_lines() {
        let Some(gpu) = without("shared_memory=16384,workgroup_invocations=128") else { return };
        for n in [2, 128, 2048] {
            check(&gpu, &host_array(&[3, n], &values(3 * n)), false);
        }
        let takes = |n: usize, dtype: DType| {
            let x = Desc::contiguous(&[3, n], dtype);
            gpu.supports(&Fft { inverse: false }.into(), std::slice::from_ref(&x), std::slice::from_ref(&x))
        };
        assert!(takes(2048, DType::C64));
        assert!(!takes(4096, DType::C64) && !takes(8192, DType::C64) && !takes(96, DType::C64));
        assert!(!takes(64, DType::F32));
    }
}
