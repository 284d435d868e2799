//! Fourier transforms: the row `Fft` (complex, last axis), and the family made of it.

use crate::array::{Array, Inputs, Outs};
use crate::ops;
use crate::reference::{Num, Tensor};
use crate::rules::{Batched, BatchedOut, Core, Grads, Rule, Vjp, again};
use mlx_ir::op::Fft;
use mlx_ir::{Aval, DType, Error, Result, desc};
use smallvec::smallvec;

impl Rule for Fft {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        if x.dtype != DType::C64 || x.shape.last().is_none_or(|&n| n == 0) {
            return Err(Error::value(format!(
                "[fft] Needs complex64 with elements along the last axis, got {:?} of {}.",
                x.shape, x.dtype
            )));
        }
        Ok(smallvec![x.clone()])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        // The conjugate transpose of the transform: the other direction, with the length on the other side.
        let ct = &v.cotangents[0];
        let n = *v.primals[0].shape().last().unwrap_or(&1) as f64;
        let back = again(Fft { inverse: !self.inverse }, std::slice::from_ref(ct))?.remove(0);
        Ok(vec![Some(ops::multiply(&back, if self.inverse { 1.0 / n } else { n })?)])
    }
    fn jvp(&self, _: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        match &tangents[0] {
            Some(t) => Ok(vec![Some(again(self.clone(), std::slice::from_ref(t))?.remove(0))]),
            None => Ok(vec![None]),
        }
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        Ok((again(self.clone(), &ops::all_in_front(b)?)?, vec![Some(0)]))
    }
}

impl Core for Fft {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let x = inputs[0];
        let n = *x.shape.last().unwrap_or(&1);
        let sign = if self.inverse { 1.0 } else { -1.0 };
        let turn: Vec<(f64, f64)> =
            (0..n).map(|k| (sign * 2.0 * std::f64::consts::PI * k as f64 / n as f64).sin_cos()).collect();
        let scale = if self.inverse { 1.0 / n as f64 } else { 1.0 };
        Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| {
            let (row, k) = (i / n * n, i % n);
            let (mut re, mut im) = (0.0, 0.0);
            for j in 0..n {
                let ((a, b), (s, c)) = (x.get(row + j).complex(), turn[j * k % n]);
                re += a * c - b * s;
                im += a * s + b * c;
            }
            Num::Complex(re * scale, im * scale)
        })])
    }
}

/// How transforms are scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FftNorm {
    /// The inverse by 1 / n.
    Backward,
    /// Both by 1 / √n.
    Ortho,
    /// The forward transform by 1 / n.
    Forward,
}

impl std::str::FromStr for FftNorm {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        match s {
            "backward" => Ok(FftNorm::Backward),
            "ortho" => Ok(FftNorm::Ortho),
            "forward" => Ok(FftNorm::Forward),
            _ => Err(Error::value("[fft] Invalid norm. Expected one of {'backward', 'ortho', 'forward'}.")),
        }
    }
}

/// Which transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FftKind {
    /// Complex to complex.
    Complex,
    /// Real to the nonnegative half of the frequencies, and back.
    Real,
}

/// The axis cut off or filled with zeros to `n` elements.
fn sized(a: &Array, axis: usize, n: usize) -> Result<Array> {
    let have = a.shape()[axis];
    if n <= have {
        return ops::slice_axis(a, axis as i64, 0, n as i64);
    }
    let mut widths = vec![(0, 0); a.ndim()];
    widths[axis] = (0, n - have);
    ops::pad(a, &widths, ops::PadMode::Constant, 0)
}

/// One complex transform along an axis, scaled.
fn along(a: &Array, axis: usize, inverse: bool, norm: FftNorm) -> Result<Array> {
    let n = a.shape()[axis] as f64;
    let last = a.ndim() - 1;
    let x = if axis == last { a.clone() } else { ops::swapaxes(a, axis as i64, last as i64)? };
    let y = Array::record1(Fft { inverse }, Inputs::from_iter([x]))?;
    let scale = match (norm, inverse) {
        (FftNorm::Backward, _) => 1.0,
        (FftNorm::Ortho, false) => 1.0 / n.sqrt(),
        (FftNorm::Ortho, true) => n.sqrt(),
        (FftNorm::Forward, false) => 1.0 / n,
        (FftNorm::Forward, true) => n,
    };
    let y = if scale == 1.0 { y } else { ops::multiply(&y, scale)? };
    if axis == last { Ok(y) } else { ops::swapaxes(&y, axis as i64, last as i64) }
}

/// The transform over `axes` (all without), with `sizes` along them: cut off or filled with zeros. A real transform halves
/// the last of the axes; its inverse gives float32, of 2 (m − 1) elements along that axis unless a size is given.
///
/// # Errors
/// `Index` for axes out of range; `Value` for sizes without axes, of another number, or zero.
pub fn fftn(
    a: &Array,
    sizes: Option<&[usize]>,
    axes: Option<&[i64]>,
    kind: FftKind,
    inverse: bool,
    norm: FftNorm,
) -> Result<Array> {
    if sizes.is_some() && axes.is_none() {
        return Err(Error::value("[fftn] `axes` should not be `None` if `s` is not `None`."));
    }
    let axes: Vec<usize> = match axes {
        Some(x) => x.iter().map(|&i| desc::normalize_axis("fft", i, a.ndim())).collect::<Result<_>>()?,
        None => (0..a.ndim()).collect(),
    };
    if sizes.is_some_and(|s| s.len() != axes.len()) {
        return Err(Error::value("[fftn] Shape and axes have different sizes."));
    }
    let Some(&last) = axes.last() else { return Ok(a.clone()) };
    let half = kind == FftKind::Real && inverse;
    let mut lengths: Vec<usize> = match sizes {
        Some(s) => s.to_vec(),
        None => axes.iter().map(|&x| a.shape()[x]).collect(),
    };
    let out = match (half, sizes) {
        (true, None) => 2 * lengths[lengths.len() - 1].saturating_sub(1),
        _ => lengths[lengths.len() - 1],
    };
    let at = lengths.len() - 1;
    lengths[at] = if half { out / 2 + 1 } else { out };
    if lengths.contains(&0) || out == 0 {
        return Err(Error::value("[fftn] Invalid FFT output size requested (0)"));
    }
    let mut x = match (kind, inverse) {
        // A real transform looks at the real part only.
        (FftKind::Real, false) if a.dtype().is_complex() => ops::real(a)?,
        _ => a.clone(),
    };
    for (&axis, &n) in axes.iter().zip(&lengths) {
        x = sized(&x, axis, n)?;
    }
    x = ops::astype(&x, DType::C64)?;
    if !half {
        x = along(&x, last, inverse, norm)?;
        if kind == FftKind::Real {
            x = ops::slice_axis(&x, last as i64, 0, (out / 2 + 1) as i64)?;
        }
    }
    for &axis in axes[..at].iter().rev() {
        x = along(&x, axis, inverse, norm)?;
    }
    if half {
        // The other half of the frequencies is the conjugate of this one, backwards.
        let rest = ops::slice_axis(&x, last as i64, 1, (out - out / 2) as i64)?;
        let rest = ops::conjugate(&ops::flip(&rest, Some(&[last as i64]))?)?;
        let full = ops::concatenate(&[x, rest], last as i64)?;
        x = ops::real(&along(&full, last, true, norm)?)?;
    }
    Ok(x)
}

/// Zero frequency moved to the middle of the axes (all without), or back with `inverse`.
///
/// # Errors
/// `Index` for axes out of range.
pub fn fftshift(a: &Array, axes: Option<&[i64]>, inverse: bool) -> Result<Array> {
    let axes: Vec<i64> = match axes {
        Some(x) => x.to_vec(),
        None => (0..a.ndim() as i64).collect(),
    };
    let shift = |&ax: &i64| -> Result<i64> {
        let n = a.shape()[desc::normalize_axis("fftshift", ax, a.ndim())?] as i64;
        Ok(if inverse { -(n / 2) } else { n / 2 })
    };
    if axes.is_empty() {
        return Ok(a.clone());
    }
    ops::roll(a, &axes.iter().map(shift).collect::<Result<Vec<_>>>()?, Some(&axes))
}

/// The frequencies of a transform of `n` elements at distance `d`; with `half` the nonnegative ones. f32.
///
/// # Errors
/// `Memory` if none is left.
pub fn fftfreq(n: usize, d: f64, half: bool) -> Result<Array> {
    let all = if half { n / 2 + 1 } else { n };
    let step = 1.0 / (n as f64 * d);
    let f: Vec<f32> = (0..all as i64)
        .map(|i| (if half || i < (n as i64 + 1) / 2 { i } else { i - n as i64 }) as f64 * step)
        .map(|x| x as f32)
        .collect();
    Array::from_slice(&f, &[all])
}
