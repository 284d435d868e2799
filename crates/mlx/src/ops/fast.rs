//! Fused rows of neural networks: softmax, logsumexp, norms, rotary embedding. Each is defined by its expansion; half
//! types are computed in f32 and rounded once.

use crate::array::{Array, Inputs, Outs};
use crate::ops;
use crate::rules::{Batched, BatchedOut, Fused, Grads, Vjp, again};
use mlx_ir::op::{CrossEntropy, LayerNorm, LogSumExp, Op, Real, RmsNorm, Rope, Softmax};
use mlx_ir::{Aval, DType, Error, Result};
use smallvec::smallvec;

/// The dtype in which a fused op computes: f32 for half types.
pub(super) fn wide(d: DType) -> DType {
    match d {
        DType::F16 | DType::BF16 => DType::F32,
        d => d,
    }
}

fn floating(name: &str, x: &Aval) -> Result<()> {
    if !x.dtype.is_float() {
        return Err(Error::value(format!("[{name}] Received unsupported type {}.", x.dtype)));
    }
    if x.ndim() == 0 {
        return Err(Error::value(format!("[{name}] Input must have at least 1 dimension.")));
    }
    Ok(())
}

/// A row whose ops work on the last axis alone: the mapped axis goes to the front.
pub(super) fn in_front(op: impl Into<Op>, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
    if b.axes[1..].iter().any(Option::is_some) {
        return None;
    }
    let f = || {
        let mut xs = vec![ops::moveaxis(&b.inputs[0], b.axes[0].unwrap_or(0) as i64, 0)?];
        xs.extend_from_slice(&b.inputs[1..]);
        Ok((again(op, &xs)?, vec![Some(0)]))
    };
    b.axes[0].map(|_| f())
}

// ---- softmax ----

impl Fused for Softmax {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        floating("softmax", inputs[0])?;
        Ok(smallvec![inputs[0].clone()])
    }
    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let x = ops::astype(&inputs[0], wide(inputs[0].dtype()))?;
        if x.size() == 0 {
            return Ok(vec![inputs[0].clone()]);
        }
        let shift = ops::stop_gradient(&ops::max(&x, Some(&[-1]), true)?)?;
        let e = ops::exp(&ops::subtract(&x, &shift)?)?;
        let y = ops::divide(&e, &ops::sum(&e, Some(&[-1]), true)?)?;
        Ok(vec![ops::astype(&y, inputs[0].dtype())?])
    }
    fn custom_vjp(&self, v: &Vjp<'_>) -> Option<Result<Grads>> {
        let f = || {
            let weighted = ops::multiply(&v.cotangents[0], &v.outputs[0])?;
            let total = ops::sum(&weighted, Some(&[-1]), true)?;
            Ok(vec![Some(ops::subtract(&weighted, &ops::multiply(&v.outputs[0], &total)?)?)])
        };
        Some(f())
    }
    fn custom_vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        in_front(self.clone(), b)
    }
}

/// Softmax over the axes (all without); integers give f32. `precise` is accepted as in MLX: half types are always
/// accumulated in f32 here.
///
/// # Errors
/// `Index` for axes out of range.
pub fn softmax(a: &Array, axes: Option<&[i64]>, precise: bool) -> Result<Array> {
    let axes: Vec<i64> = match axes {
        Some(x) => mlx_ir::desc::normalize_axes("softmax", x, a.ndim())?.iter().map(|&d| d as i64).collect(),
        None => (0..a.ndim() as i64).collect(),
    };
    let x = ops::astype(a, a.dtype().to_inexact())?;
    if axes.as_slice() == [a.ndim() as i64 - 1] && x.dtype().is_float() {
        return Array::record1(Softmax { precise }, Inputs::from_iter([x]));
    }
    if x.size() == 0 || axes.is_empty() && a.ndim() == 0 {
        return if x.size() == 0 { Ok(x) } else { ops::ones_like(&x) };
    }
    let d = x.dtype();
    let x = ops::astype(&x, wide(d))?;
    let shift = ops::stop_gradient(&ops::max(&x, Some(&axes), true)?)?;
    let e = ops::exp(&ops::subtract(&x, &shift)?)?;
    ops::astype(&ops::divide(&e, &ops::sum(&e, Some(&axes), true)?)?, d)
}

// ---- logsumexp ----

impl Fused for LogSumExp {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        floating("logsumexp", x)?;
        Ok(smallvec![Aval::new(Op::kept_shape(&x.shape, &[x.ndim() - 1]), x.dtype)])
    }
    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let x = ops::astype(&inputs[0], wide(inputs[0].dtype()))?;
        Ok(vec![ops::astype(&lse(&x, &[-1])?, inputs[0].dtype())?])
    }
    fn custom_vjp(&self, v: &Vjp<'_>) -> Option<Result<Grads>> {
        let f = || {
            let p = again(Softmax { precise: true }, &v.primals[..1])?.remove(0);
            Ok(vec![Some(ops::multiply(&v.cotangents[0], &p)?)])
        };
        Some(f())
    }
    fn custom_vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        in_front(self.clone(), b)
    }
}

fn lse(x: &Array, axes: &[i64]) -> Result<Array> {
    if x.size() == 0 {
        return ops::log(&ops::sum(x, Some(axes), true)?);
    }
    let m = ops::stop_gradient(&ops::max(x, Some(axes), true)?)?;
    // An infinite maximum would give ∞ − ∞.
    let m = ops::where_(&ops::isfinite(&m)?, &m, 0.0)?;
    let s = ops::sum(&ops::exp(&ops::subtract(x, &m)?)?, Some(axes), true)?;
    ops::add(&ops::log(&s)?, &m)
}

/// ln Σ e^x over the axes (all without), which are removed or kept with size one; integers give f32.
///
/// # Errors
/// `Index` for axes out of range, `Value` for an empty array.
pub fn logsumexp(a: &Array, axes: Option<&[i64]>, keepdims: bool) -> Result<Array> {
    let axes: Vec<i64> = match axes {
        Some(x) => mlx_ir::desc::normalize_axes("logsumexp", x, a.ndim())?.iter().map(|&d| d as i64).collect(),
        None => (0..a.ndim() as i64).collect(),
    };
    if a.size() == 0 {
        return Err(Error::value("[logsumexp] Received empty array."));
    }
    let x = ops::astype(a, a.dtype().to_inexact())?;
    let d = x.dtype();
    let out = if axes.as_slice() == [a.ndim() as i64 - 1] && d.is_float() {
        Array::record1(LogSumExp {}, Inputs::from_iter([x]))?
    } else {
        ops::astype(&lse(&ops::astype(&x, wide(d))?, &axes)?, d)?
    };
    if keepdims { Ok(out) } else { ops::squeeze(&out, Some(&axes)) }
}

// ---- cross entropy ----

impl Fused for CrossEntropy {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let (x, targets) = (inputs[0], inputs[1]);
        if !x.dtype.is_float() {
            return Err(Error::value(format!("[cross_entropy] Received unsupported logits type {}.", x.dtype)));
        }
        if x.ndim() == 0 {
            return Err(Error::value("[cross_entropy] logits must have at least 1 dimension."));
        }
        if targets.dtype == DType::Bool || targets.dtype.is_inexact() {
            return Err(Error::value(format!(
                "[cross_entropy] targets must be integer class indices but got {}.",
                targets.dtype
            )));
        }
        if targets.shape[..] != x.shape[..x.ndim() - 1] {
            return Err(Error::value(format!(
                "[cross_entropy] targets shape {:?} does not match logits shape {:?} with the last axis removed.",
                targets.shape, x.shape
            )));
        }
        if x.shape.contains(&0) {
            return Err(Error::value("[cross_entropy] Received empty array."));
        }
        Ok(smallvec![Aval::new(targets.shape.clone(), DType::F32)])
    }
    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let x = ops::astype(&inputs[0], wide(inputs[0].dtype()))?;
        let at = ops::expand_dims(&inputs[1], &[-1])?;
        let loss = ops::subtract(&logsumexp(&x, Some(&[-1]), true)?, &ops::take_along_axis(&x, &at, Some(-1))?)?;
        Ok(vec![ops::astype(&ops::squeeze(&loss, Some(&[-1]))?, DType::F32)?])
    }
    fn custom_vjp(&self, v: &Vjp<'_>) -> Option<Result<Grads>> {
        let f = || {
            let (x, targets) = (&v.primals[0], ops::astype(&v.primals[1], DType::I64)?);
            let targets = ops::expand_dims(&targets, &[-1])?;
            let p = softmax(&ops::astype(x, wide(x.dtype()))?, Some(&[-1]), true)?;
            let classes = x.shape()[x.ndim() - 1];
            let class = ops::arange(0.0, classes as f64, 1.0, targets.dtype())?;
            // Negative targets count from the end, as where they are taken.
            let wrapped = ops::where_(&ops::less(&targets, 0)?, &ops::add(&targets, classes as i64)?, &targets)?;
            let g = ops::subtract(&p, &ops::astype(&ops::equal(&class, &wrapped)?, p.dtype())?)?;
            let g = ops::multiply(&ops::expand_dims(&v.cotangents[0], &[-1])?, &g)?;
            Ok(vec![Some(ops::astype(&g, x.dtype())?), None])
        };
        Some(f())
    }
    fn custom_vmap(&self, _: &Batched<'_>) -> Option<Result<BatchedOut>> {
        None
    }
}

/// Cross entropy with class indices: ln Σ e^logits − logits\[target\] over the last axis, as f32 of the targets' shape.
/// Half types are computed in f32.
///
/// # Errors
/// `Value` for logits that are no floats or empty, targets that are no integers or not of the shape of the logits
/// without their last axis.
pub fn cross_entropy(logits: &Array, targets: &Array) -> Result<Array> {
    Array::record1(CrossEntropy {}, Inputs::from_iter([logits.clone(), targets.clone()]))
}

// ---- norms ----

fn check_weight(name: &str, what: &str, x: &Aval, w: &Aval) -> Result<()> {
    if w.ndim() != 1 || w.shape[0] != x.shape[x.ndim() - 1] {
        return Err(Error::value(format!(
            "[{name}] {what} must have the size of the last axis of x: got {:?} for {:?}.",
            w.shape, x.shape
        )));
    }
    if w.dtype != x.dtype {
        return Err(Error::value(format!("[{name}] {what} must have the dtype of x.")));
    }
    Ok(())
}

impl Fused for RmsNorm {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        floating("rms_norm", inputs[0])?;
        if let Some(w) = inputs.get(1) {
            check_weight("rms_norm", "weight", inputs[0], w)?;
        }
        Ok(smallvec![inputs[0].clone()])
    }
    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let d = inputs[0].dtype();
        let x = ops::astype(&inputs[0], wide(d))?;
        let r = ops::rsqrt(&ops::add(&ops::mean(&ops::square(&x)?, Some(&[-1]), true)?, self.eps.get())?)?;
        let mut y = ops::multiply(&x, &r)?;
        if let Some(w) = inputs.get(1) {
            y = ops::multiply(&y, &ops::astype(w, wide(d))?)?;
        }
        Ok(vec![ops::astype(&y, d)?])
    }
    fn custom_vjp(&self, _: &Vjp<'_>) -> Option<Result<Grads>> {
        None
    }
    fn custom_vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        in_front(self.clone(), b)
    }
}

/// `x / rms(x) · weight` over the last axis, computed in f32 for half types.
///
/// # Errors
/// `Value` for dtypes that are not floats or a weight that is not of the last axis' size.
pub fn rms_norm(x: &Array, weight: Option<&Array>, eps: f64) -> Result<Array> {
    let d = weight.map_or(x.dtype(), |w| x.dtype().promote(w.dtype()));
    let mut inputs = Inputs::from_iter([ops::astype(x, d)?]);
    if let Some(w) = weight {
        inputs.push(ops::astype(w, d)?);
    }
    Array::record1(RmsNorm { eps: Real::new(eps) }, inputs)
}

impl Fused for LayerNorm {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        floating("layer_norm", inputs[0])?;
        if inputs.len() != 1 + self.weight as usize + self.bias as usize {
            return Err(Error::value("[layer_norm] wrong number of inputs"));
        }
        for w in &inputs[1..] {
            check_weight("layer_norm", "weight and bias", inputs[0], w)?;
        }
        Ok(smallvec![inputs[0].clone()])
    }
    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let d = inputs[0].dtype();
        let x = ops::astype(&inputs[0], wide(d))?;
        let centred = ops::subtract(&x, &ops::mean(&x, Some(&[-1]), true)?)?;
        let variance = ops::mean(&ops::square(&centred)?, Some(&[-1]), true)?;
        let mut y = ops::multiply(&centred, &ops::rsqrt(&ops::add(&variance, self.eps.get())?)?)?;
        if self.weight {
            y = ops::multiply(&y, &ops::astype(&inputs[1], wide(d))?)?;
        }
        if self.bias {
            y = ops::add(&y, &ops::astype(&inputs[inputs.len() - 1], wide(d))?)?;
        }
        Ok(vec![ops::astype(&y, d)?])
    }
    fn custom_vjp(&self, _: &Vjp<'_>) -> Option<Result<Grads>> {
        None
    }
    fn custom_vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        in_front(self.clone(), b)
    }
}

/// Zero mean and unit variance over the last axis, times weight, plus bias; computed in f32 for half types.
///
/// # Errors
/// `Value` for dtypes that are not floats or a weight or bias that is not of the last axis' size.
pub fn layer_norm(x: &Array, weight: Option<&Array>, bias: Option<&Array>, eps: f64) -> Result<Array> {
    let d = [weight, bias].into_iter().flatten().fold(x.dtype(), |d, w| d.promote(w.dtype()));
    let mut inputs = Inputs::from_iter([ops::astype(x, d)?]);
    for w in [weight, bias].into_iter().flatten() {
        inputs.push(ops::astype(w, d)?);
    }
    Array::record1(LayerNorm { eps: Real::new(eps), weight: weight.is_some(), bias: bias.is_some() }, inputs)
}

// ---- rotary embedding ----

impl Fused for Rope {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let (x, offset) = (inputs[0], inputs[1]);
        floating("rope", x)?;
        if x.ndim() < 3 {
            return Err(Error::value(format!("[rope] Input must have at least 3 dimensions, got {}.", x.ndim())));
        }
        if self.dims == 0 || !self.dims.is_multiple_of(2) || self.dims > x.shape[x.ndim() - 1] {
            return Err(Error::value(format!(
                "[rope] dims must be even, positive and at most the last axis {}, got {}.",
                x.shape[x.ndim() - 1],
                self.dims
            )));
        }
        if !offset.dtype.is_integer()
            || offset.ndim() > 1
            || (offset.ndim() == 1 && ![1, x.shape[0]].contains(&offset.shape[0]))
        {
            return Err(Error::value(format!(
                "[rope] offset must be an integer or one for each of the batch of {}, got {:?} of {}.",
                x.shape[0], offset.shape, offset.dtype
            )));
        }
        match (inputs.get(2), self.base) {
            (Some(f), None) => {
                if f.ndim() != 1 || f.shape[0] != self.dims / 2 || f.dtype != DType::F32 {
                    return Err(Error::value(format!(
                        "[rope] freqs must be {} float32 numbers, got {:?} of {}.",
                        self.dims / 2,
                        f.shape,
                        f.dtype
                    )));
                }
            }
            (None, Some(_)) => {}
            _ => return Err(Error::value("[rope] Exactly one of base and freqs must be given.")),
        }
        Ok(smallvec![x.clone()])
    }

    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let x = &inputs[0];
        let d = x.dtype();
        let w = wide(d);
        let (n, t, half) = (x.ndim(), x.dim(-2), self.dims / 2);
        // Positions (B or 1, T), shaped to stand before the features.
        let offset = ops::astype(&ops::reshape_to(&inputs[1], &[inputs[1].size(), 1])?, DType::F32)?;
        let steps = ops::arange(0.0, t as f64, 1.0, DType::F32)?;
        let positions = ops::multiply(&ops::add(&offset, &steps)?, self.scale.get())?;
        let inverse = match self.base {
            Some(b) => {
                let i = ops::arange(0.0, half as f64, 1.0, DType::F32)?;
                ops::exp(&ops::multiply(&i, -b.get().ln() / half as f64)?)?
            }
            None => ops::reciprocal(&inputs[2])?,
        };
        let mut shape = vec![1; n];
        shape[0] = positions.shape()[0];
        shape[n - 2] = t;
        let theta = ops::multiply(&ops::reshape_to(&positions, &shape)?, &inverse)?;
        let cos = ops::astype(&ops::cos(&theta)?, w)?;
        let sin = ops::astype(&ops::sin(&theta)?, w)?;
        let sin = if self.inverse { ops::negative(&sin)? } else { sin };
        let x = ops::astype(x, w)?;
        let part = |from: usize, to: usize| ops::slice_axis(&x, -1, from as i64, to as i64);
        let rotated = if self.traditional {
            let mut pairs = x.shape().to_vec();
            pairs[n - 1] = half;
            pairs.push(2);
            let p = ops::reshape_to(&part(0, self.dims)?, &pairs)?;
            let pick = |i: i64| ops::squeeze(&ops::slice_axis(&p, -1, i, i + 1)?, Some(&[-1]));
            let (a, b) = (pick(0)?, pick(1)?);
            let re = ops::subtract(&ops::multiply(&a, &cos)?, &ops::multiply(&b, &sin)?)?;
            let im = ops::add(&ops::multiply(&a, &sin)?, &ops::multiply(&b, &cos)?)?;
            let both = ops::stack(&[re, im], -1)?;
            let mut flat = x.shape().to_vec();
            flat[n - 1] = self.dims;
            vec![ops::reshape_to(&both, &flat)?]
        } else {
            let (a, b) = (part(0, half)?, part(half, self.dims)?);
            vec![
                ops::subtract(&ops::multiply(&a, &cos)?, &ops::multiply(&b, &sin)?)?,
                ops::add(&ops::multiply(&a, &sin)?, &ops::multiply(&b, &cos)?)?,
            ]
        };
        let mut parts = rotated;
        if self.dims < x.dim(-1) {
            parts.push(part(self.dims, x.dim(-1))?);
        }
        Ok(vec![ops::astype(&ops::concatenate(&parts, -1)?, d)?])
    }

    fn custom_vjp(&self, v: &Vjp<'_>) -> Option<Result<Grads>> {
        if v.wanted[1..].iter().any(|&w| w) {
            return None;
        }
        let f = || {
            let mut inputs = v.primals.to_vec();
            inputs[0] = v.cotangents[0].clone();
            let g = again(Rope { inverse: !self.inverse, ..self.clone() }, &inputs)?.remove(0);
            let mut grads: Grads = vec![None; inputs.len()];
            grads[0] = Some(g);
            Ok(grads)
        };
        Some(f())
    }

    fn custom_vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        // Only with one offset for all can the batch be merged with the axis of examples.
        if b.axes[1..].iter().any(Option::is_some) || b.inputs[1].ndim() != 0 {
            return None;
        }
        let axis = b.axes[0]?;
        let f = || {
            let x = ops::moveaxis(&b.inputs[0], axis as i64, 0)?;
            let merged = ops::flatten(&x, 0, 1)?;
            let mut xs = vec![merged];
            xs.extend_from_slice(&b.inputs[1..]);
            Ok((vec![ops::reshape_to(&again(self.clone(), &xs)?.remove(0), x.shape())?], vec![Some(0)]))
        };
        Some(f())
    }
}

/// Rotary position embedding of the first `dims` features of the last axis of x (B, …, T, D); the rest passes.
/// Positions are `(offset + t)·scale`; the offset is an integer array, 0-d or one for each of the batch. Angles come
/// from `base`, or from `freqs` (wavelengths: angle = position / freq).
///
/// # Errors
/// `Value` unless exactly one of `base` and `freqs` is given and shapes fit.
pub fn rope(
    x: &Array,
    dims: usize,
    traditional: bool,
    base: Option<f64>,
    scale: f64,
    offset: &Array,
    freqs: Option<&Array>,
) -> Result<Array> {
    let mut inputs = Inputs::from_iter([x.clone(), offset.clone()]);
    if let Some(f) = freqs {
        inputs.push(ops::astype(f, DType::F32)?);
    }
    let op = Rope { dims, traditional, base: base.map(Real::new), scale: Real::new(scale), inverse: false };
    Array::record1(op, inputs)
}
