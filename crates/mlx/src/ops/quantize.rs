//! MLX's affine quantization: the rows `Quantize`, `Dequantize` and `QuantizedMatmul`.
//!
//! A row is a little-endian bit stream of codes, packed into u32; each group of values has a scale and a bias, and a
//! code c stands for `c·scale + bias`. Encoding follows MLX's CPU back end, whose arithmetic is f32.

use crate::array::{Array, Inputs, Outs};
use crate::ops;
use crate::reference::{Num, Tensor, round_to};
use crate::rules::{Batched, BatchedOut, Core, Fused, Grads, Rule, Vjp, again};
use mlx_ir::op::{Affine, Dequantize, Quantize, QuantizedMatmul};
use mlx_ir::{Aval, DType, Error, Result, Shape};
use smallvec::smallvec;

fn check(name: &str, a: Affine) -> Result<()> {
    if ![32, 64, 128].contains(&a.group_size) {
        return Err(Error::value(format!(
            "[{name}] The requested group size {} is not supported. The supported group sizes are 32, 64, and 128.",
            a.group_size
        )));
    }
    if ![1, 2, 3, 4, 5, 6, 8].contains(&a.bits) {
        return Err(Error::value(format!(
            "[{name}] The requested number of bits {} is not supported. The supported bits are 1, 2, 3, 4, 5, 6 and 8.",
            a.bits
        )));
    }
    Ok(())
}

fn with_last(shape: &[usize], last: usize) -> Shape {
    let mut s: Shape = shape.into();
    if let Some(l) = s.last_mut() {
        *l = last;
    }
    s
}

/// Decoded shape of (codes, scales, biases), checked.
pub(super) fn decoded(name: &str, a: Affine, w: &Aval, s: &Aval, b: &Aval) -> Result<Shape> {
    check(name, a)?;
    if w.dtype != DType::U32 || w.ndim() < 2 {
        return Err(Error::value(format!(
            "[{name}] The weight matrix should be uint32 with at least 2 dimensions, got {:?} of {}.",
            w.shape, w.dtype
        )));
    }
    let words = w.shape[w.ndim() - 1];
    let k = words
        .checked_mul(32)
        .filter(|n| n.is_multiple_of(a.bits as usize))
        .map(|n| n / a.bits as usize)
        .filter(|k| k.is_multiple_of(a.group_size as usize));
    let groups = k.map(|k| k / a.group_size as usize);
    let fits = s.shape == b.shape
        && s.dtype == b.dtype
        && s.dtype.is_float()
        && s.ndim() == w.ndim()
        && s.shape[..s.ndim() - 1] == w.shape[..w.ndim() - 1]
        && Some(s.shape[s.ndim() - 1]) == groups;
    match (k, fits) {
        (Some(k), true) => Ok(with_last(&w.shape, k)),
        _ => Err(Error::value(format!(
            "[{name}] The shape of the weight and scales are incompatible based on bits and group_size. w.shape() == {:?} and scales.shape() == {:?} with group_size={} and bits={}",
            w.shape, s.shape, a.group_size, a.bits
        ))),
    }
}

// ---- quantize ----

impl Rule for Quantize {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let w = inputs[0];
        check("quantize", self.affine)?;
        if w.ndim() < 2 || !matches!(w.dtype, DType::F32 | DType::F16 | DType::BF16) {
            return Err(Error::value(format!(
                "[quantize] Only real floating types of at least 2 dimensions can be quantized, got {:?} of {}.",
                w.shape, w.dtype
            )));
        }
        let k = w.shape[w.ndim() - 1];
        let group = self.affine.group_size as usize;
        if !k.is_multiple_of(group) || k == 0 {
            return Err(Error::value(format!(
                "[quantize] The last dimension of the matrix needs to be divisible by the quantization group size {group}. However the provided matrix has shape {:?}.",
                w.shape
            )));
        }
        let side = Aval::new(with_last(&w.shape, k / group), w.dtype);
        let codes = Aval::new(with_last(&w.shape, k * self.affine.bits as usize / 32), DType::U32);
        Ok(smallvec![codes, side.clone(), side])
    }
    fn vjp(&self, _: &Vjp<'_>) -> Result<Grads> {
        Err(Error::value("[Quantize::vjp] Not implemented."))
    }
    fn jvp(&self, _: &[Array], _: &[Array], _: &[Option<Array>]) -> Result<Grads> {
        Err(Error::value("[Quantize::jvp] Not implemented."))
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        Ok((again(self.clone(), &ops::all_in_front(b)?)?, vec![Some(0); 3]))
    }
}

/// Codes, scale and bias of one group.
fn encode_group(group: &[f32], bits: u8) -> (Vec<u32>, f32, f32) {
    let n = ((1u32 << bits) - 1) as f32;
    let lo = group.iter().copied().fold(f32::INFINITY, f32::min);
    let hi = group.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let (scale, bias) = if bits == 1 {
        ((hi - lo).max(1e-7), lo)
    } else {
        let mut scale = ((hi - lo) / n).max(1e-7);
        let low_edge = lo.abs() > hi.abs();
        if !low_edge {
            scale = -scale;
        }
        let edge = if low_edge { lo } else { hi };
        // The code of the edge is a whole number, so that zero has one too.
        let q0 = (edge / scale).round_ties_even();
        if q0 != 0.0 { (edge / q0, edge) } else { (scale, 0.0) }
    };
    let codes = group.iter().map(|w| ((w - bias) / scale).round_ties_even().clamp(0.0, n) as u32).collect();
    (codes, scale, bias)
}

impl Core for Quantize {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let w = inputs[0];
        let (group, bits) = (self.affine.group_size as usize, self.affine.bits as usize);
        let mut words = vec![0u32; outs[0].size()];
        let (mut scales, mut biases) = (Vec::new(), Vec::new());
        for g in 0..w.size() / group {
            let values: Vec<f32> = (0..group).map(|i| w.get(g * group + i).f64() as f32).collect();
            let (codes, s, b) = encode_group(&values, self.affine.bits);
            scales.push(s);
            biases.push(b);
            for (i, &c) in codes.iter().enumerate() {
                // Rows are whole words, so the whole array is one bit stream.
                let at = (g * group + i) * bits;
                words[at / 32] |= c << (at % 32);
                if at % 32 + bits > 32 {
                    words[at / 32 + 1] |= c >> (32 - at % 32);
                }
            }
        }
        Ok(vec![
            Tensor::build(&outs[0].shape, DType::U32, |i| Num::Int(words[i] as i128)),
            Tensor::build(&outs[1].shape, outs[1].dtype, |i| Num::Float(scales[i] as f64)),
            Tensor::build(&outs[2].shape, outs[2].dtype, |i| Num::Float(biases[i] as f64)),
        ])
    }
}

/// Affine quantization of the last axis of w (…, K): codes u32 (…, K·bits/32), scales and biases (…, K/group_size).
///
/// # Errors
/// `Value` for group sizes, bits, dtypes or shapes that MLX does not quantize.
pub fn quantize(w: &Array, group_size: u16, bits: u8) -> Result<(Array, Array, Array)> {
    let mut out = Array::record(Quantize { affine: Affine { group_size, bits } }, Inputs::from_iter([w.clone()]))?;
    match (out.pop(), out.pop(), out.pop()) {
        (Some(b), Some(s), Some(w)) => Ok((w, s, b)),
        _ => Err(Error::runtime("[quantize] three outputs expected")),
    }
}

// ---- dequantize ----

impl Rule for Dequantize {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let shape = decoded("dequantize", self.affine, inputs[0], inputs[1], inputs[2])?;
        Ok(smallvec![Aval::new(shape, inputs[1].dtype)])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let (w, s, b, ct) = (&v.primals[0], &v.primals[1], &v.primals[2], &v.cotangents[0]);
        let groups = |x: &Array| {
            let x = ops::unflatten(x, -1, &[-1, self.affine.group_size as i64])?;
            ops::sum(&x, Some(&[-1]), false)
        };
        let scales = if v.wanted[1] {
            let codes = again(self.clone(), &[w.clone(), ops::ones_like(s)?, ops::zeros_like(b)?])?.remove(0);
            Some(groups(&ops::multiply(ct, &codes)?)?)
        } else {
            None
        };
        Ok(vec![None, scales, if v.wanted[2] { Some(groups(ct)?) } else { None }])
    }
    fn jvp(&self, primals: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        // Linear in scales and biases together.
        let t = |i: usize| tangents[i].clone().map_or_else(|| ops::zeros_like(&primals[i]), Ok);
        Ok(vec![Some(again(self.clone(), &[primals[0].clone(), t(1)?, t(2)?])?.remove(0))])
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        Ok((again(self.clone(), &ops::all_in_front(b)?)?, vec![Some(0)]))
    }
}

impl Core for Dequantize {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let (w, s, b) = (inputs[0], inputs[1], inputs[2]);
        let (group, bits) = (self.affine.group_size as usize, self.affine.bits as usize);
        Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| {
            let at = i * bits;
            let mut code = w.get(at / 32).int() >> (at % 32);
            if at % 32 + bits > 32 {
                code |= w.get(at / 32 + 1).int() << (32 - at % 32);
            }
            code &= (1 << bits) - 1;
            let scaled = round_to(Num::Float(code as f64 * s.get(i / group).f64()), outs[0].dtype);
            Num::Float(scaled.f64() + b.get(i / group).f64())
        })])
    }
}

/// Values of affine codes: (…, K) in the dtype of the scales.
///
/// # Errors
/// `Value` for shapes that do not fit.
pub fn dequantize(w: &Array, scales: &Array, biases: &Array, group_size: u16, bits: u8) -> Result<Array> {
    let op = Dequantize { affine: Affine { group_size, bits } };
    Array::record1(op, Inputs::from_iter([w.clone(), scales.clone(), biases.clone()]))
}

// ---- quantized matmul ----

impl Fused for QuantizedMatmul {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        let w = decoded("quantized_matmul", self.affine, inputs[1], inputs[2], inputs[3])?;
        let n = w.len();
        let (inner, outer) = if self.transpose { (w[n - 1], w[n - 2]) } else { (w[n - 2], w[n - 1]) };
        let batch_fits = n == 2 || (x.ndim() == n && x.shape[..n - 2] == w[..n - 2]);
        if x.ndim() < 1 || x.shape[x.ndim() - 1] != inner || !batch_fits || x.dtype != inputs[2].dtype {
            return Err(Error::value(format!(
                "[quantized_matmul] The last dimension of x {:?} does not match the quantized matrix {w:?} used with transpose={}.",
                x.shape, self.transpose
            )));
        }
        Ok(smallvec![Aval::new(with_last(&x.shape, outer), x.dtype)])
    }
    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        // Half types are decoded to f32, so that the matrix is not rounded before it is used.
        let d = inputs[0].dtype();
        let wide = if d == DType::F64 { d } else { DType::F32 };
        let (s, b) = (ops::astype(&inputs[2], wide)?, ops::astype(&inputs[3], wide)?);
        let w = again(Dequantize { affine: self.affine }, &[inputs[1].clone(), s, b])?.remove(0);
        let w = if self.transpose { ops::swapaxes(&w, -1, -2)? } else { w };
        Ok(vec![ops::astype(&ops::matmul(&ops::astype(&inputs[0], wide)?, &w)?, d)?])
    }
    fn custom_vjp(&self, v: &Vjp<'_>) -> Option<Result<Grads>> {
        if v.wanted[1..].iter().any(|&w| w) {
            return None;
        }
        let f = || {
            let mut inputs = v.primals.to_vec();
            inputs[0] = v.cotangents[0].clone();
            let g = again(QuantizedMatmul { transpose: !self.transpose, affine: self.affine }, &inputs)?.remove(0);
            Ok(vec![Some(g), None, None, None])
        };
        Some(f())
    }
    fn custom_vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        if b.axes[1..].iter().any(Option::is_some) || b.inputs[1].ndim() != 2 {
            return None;
        }
        let axis = b.axes[0]?;
        let f = || {
            let mut xs = b.inputs.to_vec();
            xs[0] = ops::moveaxis(&xs[0], axis as i64, 0)?;
            Ok((again(self.clone(), &xs)?, vec![Some(0)]))
        };
        Some(f())
    }
}

/// Product of x with an affine-quantized matrix: with `transpose` the matrix is (N, K) and x (…, K); otherwise (K, N).
/// Leading axes of the matrix broadcast with those of x. Accumulates in f32.
///
/// # Errors
/// `Value` for shapes that do not fit.
pub fn quantized_matmul(
    x: &Array,
    w: &Array,
    scales: &Array,
    biases: &Array,
    transpose: bool,
    group_size: u16,
    bits: u8,
) -> Result<Array> {
    let d = x.dtype().promote(scales.dtype());
    if !d.is_float() {
        return Err(Error::value("[quantized_matmul] Only real floating types are supported."));
    }
    let mut x = ops::astype(x, d)?;
    let mut parts = [w.clone(), ops::astype(scales, d)?, ops::astype(biases, d)?];
    if w.ndim() > 2 {
        // Both sides get the common batch shape.
        let added = x.ndim() == 1;
        if added {
            x = ops::expand_dims(&x, &[0])?;
        }
        let lead = |a: &Array| Shape::from_slice(&a.shape()[..a.ndim() - 2]);
        let batch = mlx_ir::desc::broadcast_shapes(&lead(&x), &lead(w)).ok_or_else(|| {
            Error::value(format!(
                "[quantized_matmul] Batch shapes of {:?} and {:?} do not broadcast.",
                x.shape(),
                w.shape()
            ))
        })?;
        let wide = |a: &Array| {
            let mut s = batch.clone();
            s.extend_from_slice(&a.shape()[a.ndim() - 2..]);
            ops::broadcast_to(a, &s)
        };
        x = wide(&x)?;
        for p in &mut parts {
            *p = wide(p)?;
        }
    }
    let [w, s, b] = parts;
    let op = QuantizedMatmul { affine: Affine { group_size, bits }, transpose };
    Array::record1(op, Inputs::from_iter([x, w, s, b]))
}
