//! Convolutions: the row `Conv`. Its expansion lays the inputs of each place side by side and multiplies matrices; channels
//! that are convolved each alone are multiplied and added.

use crate::array::{Array, Inputs, Outs};
use crate::ops;
use crate::rules::{Batched, BatchedOut, Fused, Grads, Vjp};
use mlx_ir::op::{Conv, ConvSpec};
use mlx_ir::{Aval, Axes, DType, Error, Result, Shape};
use smallvec::smallvec;
use std::sync::Arc;

impl Fused for Conv {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let (x, w, s) = (inputs[0], inputs[1], &*self.spec);
        let bad = |what: String| Error::value(format!("[conv] {what}"));
        let n = s.stride.len();
        if x.ndim() != n + 2 || w.ndim() != n + 2 {
            return Err(bad(format!(
                "Input of shape {:?} and weight of shape {:?} do not have {n} axes of space.",
                x.shape, w.shape
            )));
        }
        if !x.dtype.is_float() || w.dtype != x.dtype {
            return Err(bad(format!("Floats of one dtype are needed, got {} and {}.", x.dtype, w.dtype)));
        }
        let (channels, out) = (x.shape[n + 1], w.shape[0]);
        if s.groups == 0 || channels != w.shape[n + 1] * s.groups || out % s.groups != 0 {
            return Err(bad(format!(
                "Input of shape {:?} and weight of shape {:?} do not fit {} groups.",
                x.shape, w.shape, s.groups
            )));
        }
        let per_axis = [&s.low, &s.high, &s.kernel_dilation, &s.input_dilation];
        if per_axis.iter().any(|a| a.len() != n) {
            return Err(bad(format!("Settings must be given for {n} axes of space.")));
        }
        if [&s.stride, &s.kernel_dilation, &s.input_dilation].iter().any(|a| a.contains(&0)) {
            return Err(bad("Strides and dilations must be positive.".into()));
        }
        let mut shape: Shape = smallvec![x.shape[0]];
        for i in 0..n {
            let (size, kernel) = (x.shape[i + 1], w.shape[i + 1]);
            let overflow = || bad(format!("Axis {i} of space is too large."));
            let spread = size.saturating_sub(1).checked_mul(s.input_dilation[i]).ok_or_else(overflow)?;
            let padded = [size.min(1), s.low[i], s.high[i]]
                .into_iter()
                .try_fold(spread, usize::checked_add)
                .ok_or_else(overflow)?;
            let reach = kernel
                .saturating_sub(1)
                .checked_mul(s.kernel_dilation[i])
                .and_then(|r| r.checked_add(1))
                .ok_or_else(overflow)?;
            if kernel == 0 || padded < reach {
                return Err(bad(format!(
                    "The kernel spans {reach} elements of axis {i} of space, which has {padded} with its padding."
                )));
            }
            shape.push((padded - reach) / s.stride[i] + 1);
        }
        shape.push(out);
        Ok(smallvec![Aval { shape, dtype: x.dtype }])
    }

    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let s = &*self.spec;
        let out = self.infer(&[inputs[0].aval(), inputs[1].aval()])?.remove(0);
        Ok(vec![convolved(&inputs[0], &inputs[1], s, &out.shape)?])
    }
    fn custom_vjp(&self, _: &Vjp<'_>) -> Option<Result<Grads>> {
        None
    }
    fn custom_vmap(&self, _: &Batched<'_>) -> Option<Result<BatchedOut>> {
        None
    }
}

/// Zeros between the elements and around them.
fn padded(x: &Array, s: &ConvSpec) -> Result<Array> {
    let n = s.stride.len();
    let mut x = x.clone();
    if s.input_dilation.iter().any(|&d| d > 1) {
        let mut shape = x.shape().to_vec();
        let mut step = vec![1i64; n + 2];
        for i in 0..n {
            shape[i + 1] = shape[i + 1].saturating_sub(1) * s.input_dilation[i] + shape[i + 1].min(1);
            step[i + 1] = s.input_dilation[i] as i64;
        }
        let stop: Vec<i64> = shape.iter().map(|&v| v as i64).collect();
        let zeros = ops::zeros(&shape, x.dtype())?;
        x = ops::slice_update(&zeros, &x, &vec![0; n + 2], &stop, &step, mlx_ir::op::UpdateMode::Assign)?;
    }
    if s.low.iter().chain(&s.high).any(|&p| p > 0) {
        let mut widths = vec![(0, 0)];
        widths.extend(s.low.iter().zip(&s.high).map(|(&l, &h)| (l, h)));
        widths.push((0, 0));
        x = ops::pad(&x, &widths, ops::PadMode::Constant, 0)?;
    }
    Ok(x)
}

fn convolved(x: &Array, w: &Array, s: &ConvSpec, out: &[usize]) -> Result<Array> {
    let n = s.stride.len();
    let space: Vec<i64> = (1..=n as i64).collect();
    let x = padded(x, s)?;
    let w = if s.flip { ops::flip(w, Some(&space))? } else { w.clone() };
    let kernel = w.shape()[1..=n].to_vec();
    let taps: usize = kernel.iter().product();
    let (channels, features) = (x.shape()[n + 1], w.shape()[0]);
    let (per_group, places) = (channels / s.groups, out[..=n].iter().product::<usize>());
    // What each place sees through each element of the kernel: a strided box of the input.
    let seen = |tap: usize| -> Result<Array> {
        let (mut start, mut stop, mut step) = (vec![0i64; n + 2], vec![0i64; n + 2], vec![1i64; n + 2]);
        (stop[0], stop[n + 1]) = (x.shape()[0] as i64, channels as i64);
        let mut rest = tap;
        for i in (0..n).rev() {
            let first = rest % kernel[i] * s.kernel_dilation[i];
            rest /= kernel[i];
            start[i + 1] = first as i64;
            step[i + 1] = s.stride[i] as i64;
            stop[i + 1] = (first + (out[i + 1] - 1) * s.stride[i] + 1) as i64;
        }
        ops::slice(&x, &start, &stop, &step)
    };
    if per_group == 1 {
        // Each channel alone, with `many` features of its own.
        let many = features / s.groups;
        let wide = if x.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
        let w = ops::astype(&ops::reshape_to(&w, &[channels, many, taps])?, wide)?;
        let mut sum: Option<Array> = None;
        for tap in 0..taps {
            let row = ops::squeeze(&ops::slice_axis(&w, 2, tap as i64, tap as i64 + 1)?, Some(&[2]))?;
            let part = ops::multiply(&ops::expand_dims(&ops::astype(&seen(tap)?, wide)?, &[-1])?, &row)?;
            sum = Some(match sum {
                Some(t) => ops::add(&t, &part)?,
                None => part,
            });
        }
        let sum = sum.ok_or_else(|| Error::value("[conv] a kernel without elements"))?;
        return ops::reshape_to(&ops::astype(&sum, x.dtype())?, out);
    }
    let parts =
        (0..taps).map(|t| ops::reshape_to(&seen(t)?, &[places, s.groups, 1, per_group])).collect::<Result<Vec<_>>>()?;
    let all = if taps == 1 { parts[0].clone() } else { ops::concatenate(&parts, 2)? };
    let all = ops::reshape_to(&all, &[places, s.groups, taps * per_group])?;
    let w = ops::reshape_to(&w, &[s.groups, features / s.groups, taps * per_group])?;
    if s.groups == 1 {
        let (all, w) = (ops::squeeze(&all, Some(&[1]))?, ops::squeeze(&w, Some(&[0]))?);
        return ops::reshape_to(&ops::matmul(&all, &ops::swapaxes(&w, 0, 1)?)?, out);
    }
    let y = ops::matmul(&ops::swapaxes(&all, 0, 1)?, &ops::swapaxes(&w, 1, 2)?)?;
    ops::reshape_to(&ops::swapaxes(&y, 0, 1)?, out)
}

/// Convolution of x (N, space…, C) with weights (O, kernel…, C / groups), as the settings say; dtypes are promoted.
///
/// # Errors
/// `Value` for shapes and settings that do not fit, and dtypes that are not floats.
pub fn conv_general(x: &Array, weight: &Array, spec: ConvSpec) -> Result<Array> {
    let d = x.dtype().promote(weight.dtype());
    let inputs: Inputs = smallvec![ops::astype(x, d)?, ops::astype(weight, d)?];
    Array::record1(Conv { spec: Arc::new(spec) }, inputs)
}

/// Convolution with as many axes of space as there are strides, padded by zeros at both ends.
///
/// # Errors
/// As [`conv_general`].
pub fn conv(
    x: &Array,
    weight: &Array,
    stride: &[usize],
    padding: &[usize],
    dilation: &[usize],
    groups: usize,
) -> Result<Array> {
    let spec = ConvSpec {
        stride: stride.into(),
        low: padding.into(),
        high: padding.into(),
        kernel_dilation: dilation.into(),
        input_dilation: smallvec![1; stride.len()],
        groups,
        flip: false,
    };
    conv_general(x, weight, spec)
}

/// Transposed convolution: what [`conv`] with these settings does to gradients of its input. Weights are
/// (O, kernel…, C / groups) here as well.
///
/// # Errors
/// As [`conv_general`], and `Value` for padding beyond the kernel's reach.
pub fn conv_transpose(
    x: &Array,
    weight: &Array,
    stride: &[usize],
    padding: &[usize],
    dilation: &[usize],
    output_padding: &[usize],
    groups: usize,
) -> Result<Array> {
    let n = stride.len();
    if [padding, dilation, output_padding].iter().any(|a| a.len() != n) || weight.ndim() != n + 2 {
        return Err(Error::value(format!("[conv_transpose] Settings and weight must have {n} axes of space.")));
    }
    let (mut low, mut high) = (Axes::new(), Axes::new());
    for i in 0..n {
        let reach = weight.shape()[i + 1].saturating_sub(1) * dilation[i];
        let Some(l) = reach.checked_sub(padding[i]) else {
            return Err(Error::value(format!(
                "[conv_transpose] Padding {} is more than the kernel reaches ({reach}).",
                padding[i]
            )));
        };
        low.push(l);
        high.push(l + output_padding[i]);
    }
    let spec = ConvSpec {
        stride: smallvec![1; n],
        low,
        high,
        kernel_dilation: dilation.into(),
        input_dilation: stride.into(),
        groups,
        flip: true,
    };
    conv_general(x, weight, spec)
}

/// Convolution of two 1-d arrays as in signal processing: the second is read backwards. `mode` is `full`, `same` (the
/// length of the longer) or `valid` (where both overlap whole).
///
/// # Errors
/// `Value` for arrays that are not 1-d or are empty or no floats, or another mode.
pub fn convolve(a: &Array, v: &Array, mode: &str) -> Result<Array> {
    if a.ndim() != 1 || v.ndim() != 1 {
        return Err(Error::value("[convolve] Inputs must be 1D."));
    }
    if a.size() == 0 || v.size() == 0 {
        return Err(Error::value("[convolve] Inputs cannot be empty."));
    }
    let (long, short) = if a.size() < v.size() { (v, a) } else { (a, v) };
    let k = short.size();
    let (low, high) = match mode {
        "full" => (k - 1, k - 1),
        "same" => (k / 2, k - 1 - k / 2),
        "valid" => (0, 0),
        _ => return Err(Error::value(format!("[convolve] Invalid mode '{mode}'."))),
    };
    let d = a.dtype().promote(v.dtype());
    let lift = |x: &Array| ops::reshape_to(&ops::astype(x, d)?, &[1, x.size(), 1]);
    let spec = ConvSpec {
        stride: smallvec![1],
        low: smallvec![low],
        high: smallvec![high],
        kernel_dilation: smallvec![1],
        input_dilation: smallvec![1],
        groups: 1,
        flip: true,
    };
    let y = conv_general(&lift(long)?, &lift(short)?, spec)?;
    ops::reshape_to(&y, &[y.size()])
}
