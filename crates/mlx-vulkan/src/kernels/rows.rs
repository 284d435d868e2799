//! What is computed over the last axis, a workgroup for each row: softmax, ln Σ e^x, cross entropy, norms.

use super::Kernel;
use crate::Caps;
use crate::record::{Bound, Cx, Dispatch, Shader};
use crate::shaders;
use mlx_ir::op::{CrossEntropy, LayerNorm, LogSumExp, RmsNorm, Softmax};
use mlx_ir::{DType, Desc, Operand, Result};

/// Chooses among the variants of a shader by dtype; none for dtypes that have none.
pub(super) fn by_dtype(d: DType, of: [&'static Shader; 3]) -> Option<&'static Shader> {
    match d {
        DType::F32 => Some(of[0]),
        DType::F16 => Some(of[1]),
        DType::BF16 => Some(of[2]),
        _ => None,
    }
}

fn softmax(d: DType) -> Option<&'static Shader> {
    by_dtype(d, [&shaders::SOFTMAX_F32, &shaders::SOFTMAX_F16, &shaders::SOFTMAX_BF16])
}

fn norm(d: DType) -> Option<&'static Shader> {
    by_dtype(d, [&shaders::NORM_F32, &shaders::NORM_F16, &shaders::NORM_BF16])
}

/// Elements in a word.
pub(super) fn per_word(d: DType) -> usize {
    (4 / d.size()).max(1)
}

/// Rows and their length.
fn rows(x: &Desc) -> (usize, usize) {
    let n = x.shape.last().copied().unwrap_or(1);
    (x.size() / n.max(1), n)
}

/// Whether rows of x are read one after another and written in whole words.
fn fits(caps: &Caps, ins: &[Desc], words: bool) -> bool {
    let (rows, n) = rows(&ins[0]);
    let d = ins[0].dtype;
    ins.iter().all(|i| i.is_contiguous() && i.dtype == d)
        && ins[0].ndim() > 0
        && (!words || n.is_multiple_of(per_word(d)))
        && ins[0].size() < (u32::MAX / 2) as usize
        && rows as u64 <= u64::from(caps.workgroup_count[0]) * u64::from(caps.workgroup_count[1])
}

/// Invocations for rows of n elements: a power of two.
fn group(caps: &Caps, n: usize) -> u32 {
    let most = caps.workgroup_invocations.min(256);
    (n.div_ceil(4).next_power_of_two() as u32).clamp(32, 1 << most.ilog2())
}

/// Workgroups for rows.
fn groups(caps: &Caps, rows: usize) -> [u32; 3] {
    let across = rows.min(caps.workgroup_count[0] as usize);
    [across as u32, rows.div_ceil(across.max(1)) as u32, 1]
}

/// The place of an operand's first element, in elements.
pub(super) fn element(b: &Bound, d: DType) -> u32 {
    b.first / d.size() as u32
}

fn record_softmax(cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand], log: bool) -> Result<()> {
    let d = ins[0].desc.dtype;
    let Some(shader) = softmax(d) else { return Ok(()) };
    let (count, n) = rows(&ins[0].desc);
    let (x, out) = (cx.input(&ins[0])?, cx.output(&outs[0])?);
    let push = [count as u32, n as u32, element(&x, d), out.first / 4];
    let spec = [group(cx.caps, n), u32::from(log)];
    let groups = groups(cx.caps, count);
    cx.dispatch(&Dispatch { shader, spec: &spec, bind: &[&x, &out], push: &push, groups })
}

impl Kernel for Softmax {
    fn supports(&self, caps: &Caps, ins: &[Desc], _: &[Desc]) -> bool {
        softmax(ins[0].dtype).is_some() && fits(caps, ins, true)
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        record_softmax(cx, ins, outs, false)
    }
}

impl Kernel for LogSumExp {
    fn supports(&self, caps: &Caps, ins: &[Desc], _: &[Desc]) -> bool {
        // A result of two bytes shares its word with another row's.
        ins[0].dtype == DType::F32 && ins[0].size() > 0 && fits(caps, ins, false)
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        record_softmax(cx, ins, outs, true)
    }
}

fn cross_entropy(d: DType) -> Option<&'static Shader> {
    by_dtype(d, [&shaders::CROSS_ENTROPY_F32, &shaders::CROSS_ENTROPY_F16, &shaders::CROSS_ENTROPY_BF16])
}

impl Kernel for CrossEntropy {
    fn supports(&self, caps: &Caps, ins: &[Desc], _: &[Desc]) -> bool {
        let (x, targets) = (&ins[0], &ins[1]);
        let bytes = targets.size().checked_mul(targets.dtype.size());
        cross_entropy(x.dtype).is_some()
            && x.size() > 0
            && fits(caps, &ins[..1], false)
            && targets.dtype.is_integer()
            && targets.dtype != DType::Bool
            && targets.is_contiguous()
            && bytes.is_some_and(|n| n < (u32::MAX / 2) as usize)
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let (d, of) = (ins[0].desc.dtype, ins[1].desc.dtype);
        let Some(shader) = cross_entropy(d) else { return Ok(()) };
        let (count, n) = rows(&ins[0].desc);
        let (x, targets, out) = (cx.input(&ins[0])?, cx.input(&ins[1])?, cx.output(&outs[0])?);
        let push = [count as u32, n as u32, element(&x, d), out.first / 4, targets.first];
        let spec = [group(cx.caps, n), of.size() as u32, (!of.is_unsigned()).into()];
        let groups = groups(cx.caps, count);
        cx.dispatch(&Dispatch { shader, spec: &spec, bind: &[&x, &targets, &out], push: &push, groups })
    }
}

fn record_norm(
    cx: &mut Cx<'_>,
    x: &Operand,
    weight: Option<&Operand>,
    bias: Option<&Operand>,
    out: &Operand,
    eps: f32,
    centred: bool,
) -> Result<()> {
    let d = x.desc.dtype;
    let Some(shader) = norm(d) else { return Ok(()) };
    let (count, n) = rows(&x.desc);
    let (x, out) = (cx.input(x)?, cx.output(out)?);
    let mut vector = |v: Option<&Operand>| v.map_or(Ok(x.clone()), |v| cx.input(v));
    let (w, b) = (vector(weight)?, vector(bias)?);
    let push = [count as u32, n as u32, element(&x, d), element(&w, d), element(&b, d), out.first / 4, eps.to_bits()];
    let spec = [group(cx.caps, n), u32::from(centred), u32::from(weight.is_some()), u32::from(bias.is_some())];
    let groups = groups(cx.caps, count);
    cx.dispatch(&Dispatch { shader, spec: &spec, bind: &[&x, &w, &b, &out], push: &push, groups })
}

impl Kernel for RmsNorm {
    fn supports(&self, caps: &Caps, ins: &[Desc], _: &[Desc]) -> bool {
        ins.len() <= 2 && norm(ins[0].dtype).is_some() && fits(caps, ins, true)
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        record_norm(cx, &ins[0], ins.get(1), None, &outs[0], self.eps.f32(), false)
    }
}

impl Kernel for LayerNorm {
    fn supports(&self, caps: &Caps, ins: &[Desc], _: &[Desc]) -> bool {
        let inputs = 1 + usize::from(self.weight) + usize::from(self.bias);
        ins.len() == inputs && norm(ins[0].dtype).is_some() && fits(caps, ins, true)
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let weight = self.weight.then(|| &ins[1]);
        let bias = self.bias.then(|| &ins[ins.len() - 1]);
        record_norm(cx, &ins[0], weight, bias, &outs[0], self.eps.f32(), true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{backend, compare, host_array, run};
    use half::{bf16, f16};
    use mlx_ir::op::Real;

    fn values(n: usize, spread: f32) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919 % 2003) as f32 / 1001.5 - 1.0) * spread).collect()
    }

    /// The same numbers in every dtype that has a kernel.
    fn every(shape: &[usize], x: &[f32]) -> [Operand; 3] {
        let halves: Vec<f16> = x.iter().map(|&v| f16::from_f32(v)).collect();
        let brains: Vec<bf16> = x.iter().map(|&v| bf16::from_f32(v)).collect();
        [host_array(shape, x), host_array(shape, &halves), host_array(shape, &brains)]
    }

    #[test]
    fn softmax_and_its_denominator() {
        for (rows, n) in [(1, 1), (3, 7), (5, 130), (2, 1029)] {
            let mut x = values(rows * n, 30.0);
            if n > 100 {
                x[n + 3] = f32::NEG_INFINITY;
            }
            for o in every(&[rows, n], &x) {
                let d = o.desc.clone();
                if n.is_multiple_of(per_word(d.dtype)) {
                    compare(Softmax { precise: true }, std::slice::from_ref(&o), std::slice::from_ref(&d), 1e-6);
                }
                if d.dtype == DType::F32 {
                    let out = Desc::contiguous(&[rows, 1], d.dtype);
                    compare(LogSumExp {}, &[o], &[out], 2e-6);
                }
            }
        }
        for special in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let x = host_array(&[2, 3], &[1.0, special, 2.0, special, special, special]);
            let out = Desc::contiguous(&[2, 1], DType::F32);
            compare(LogSumExp {}, std::slice::from_ref(&x), &[out], 1e-6);
            let d = x.desc.clone();
            compare(Softmax { precise: false }, &[x], &[d], 1e-6);
        }
    }

    #[test]
    fn cross_entropy_with_targets_of_every_integer() {
        let Some(gpu) = backend() else { return };
        let (count, n) = (6, 45);
        let mut x = values(count * n, 9.0);
        x[n..2 * n].fill(f32::NEG_INFINITY);
        x[2 * n + 3] = f32::NAN;
        x[3 * n + 4] = f32::INFINITY;
        fn of<T: mlx_ir::Element, S: Copy>(x: [S; 6], f: impl Fn(S) -> T) -> (Operand, Vec<i128>)
        where
            i128: From<T>,
        {
            let x = x.map(f);
            (host_array(&[6], &x), x.map(i128::from).into())
        }
        let all = [0i64, 44, -1, -45, -46, 45];
        let far = [i64::MIN, i64::MAX, 1 << 32, -(1 << 32), -(1 << 32) + 5, 7];
        let unsigned = [0u64, 44, 45, u64::MAX, 1 << 32, 7];
        let targets = [
            of(all, |v| v as i8),
            of(all, |v| v as i16),
            of(all, |v| v as i32),
            of(all, |v| v),
            of(far, |v| v),
            of(unsigned, |v| v as u8),
            of(unsigned, |v| v as u16),
            of(unsigned, |v| v as u32),
            of(unsigned, |v| v),
        ];
        for (t, places) in targets {
            for o in every(&[count, n], &x) {
                let round = |v: f32| match o.desc.dtype {
                    DType::F16 => f64::from(f16::from_f32(v)),
                    DType::BF16 => f64::from(bf16::from_f32(v)),
                    _ => f64::from(v),
                };
                let exact = places.iter().enumerate().map(|(i, &at)| {
                    let row: Vec<f64> = x[i * n..(i + 1) * n].iter().map(|&v| round(v)).collect();
                    let at = if at < 0 { at + n as i128 } else { at }.clamp(0, n as i128 - 1);
                    row.iter().map(|v| v.exp()).sum::<f64>().ln() - row[at as usize]
                });
                let out = [Desc::contiguous(&[count], DType::F32)];
                let made = run(gpu, &CrossEntropy {}.into(), &[o.clone(), t.clone()], &out).expect("a kernel");
                let got = mlx_cpu::host::to_vec::<f32>(&made[0]);
                for (i, (g, e)) in got.into_iter().map(f64::from).zip(exact).enumerate() {
                    let near = (g - e).abs() <= 4e-6 * e.abs().max(1.0);
                    assert!(near || g == e || (g.is_nan() && e.is_nan()), "{} {t:?} {i}: {g}, exact {e}", o.desc.dtype);
                }
            }
        }
    }

    #[test]
    fn norms_with_and_without_weights() {
        let eps = Real::new(1e-5);
        for (rows, n) in [(1, 2), (3, 64), (2, 130), (70_000, 4)] {
            let (x, w, b) = (every(&[rows, n], &values(rows * n, 3.0)), values(n, 2.0), values(n, 1.0));
            for ((x, w), b) in x.into_iter().zip(every(&[n], &w)).zip(every(&[n], &b)) {
                let out = [x.desc.clone()];
                compare(RmsNorm { eps }, std::slice::from_ref(&x), &out, 3e-6);
                if rows > 65_535 {
                    // More workgroups than fit along one side; once, since software drivers take long for so many.
                    break;
                }
                compare(RmsNorm { eps }, &[x.clone(), w.clone()], &out, 3e-6);
                compare(LayerNorm { eps, weight: false, bias: false }, std::slice::from_ref(&x), &out, 2e-5);
                compare(LayerNorm { eps, weight: false, bias: true }, &[x.clone(), b.clone()], &out, 2e-5);
                compare(LayerNorm { eps, weight: true, bias: true }, &[x, w, b], &out, 2e-5);
            }
        }
    }
}
