//! Arrays made from numbers: the row `Arange` and the creation functions.

use crate::array::{Array, Inputs, Outs};
use crate::ops::{self, Arg};
use crate::reference::{Num, Tensor};
use crate::rules::{Batched, BatchedOut, Core, Grads, Rule, Vjp};
use mlx_ir::op::{Arange, Real};
use mlx_ir::{Aval, DType, Error, Result};
use smallvec::smallvec;

impl Rule for Arange {
    fn infer(&self, _: &[&Aval]) -> Result<Outs> {
        if matches!(self.dtype, DType::Bool | DType::C64) {
            return Err(Error::value(format!("[arange] {} not supported.", self.dtype)));
        }
        Ok(smallvec![Aval::new(smallvec::smallvec![self.len] as mlx_ir::Shape, self.dtype)])
    }
    fn vjp(&self, _: &Vjp<'_>) -> Result<Grads> {
        Ok(vec![])
    }
    fn jvp(&self, _: &[Array], _: &[Array], _: &[Option<Array>]) -> Result<Grads> {
        Ok(vec![None])
    }
    fn vmap(&self, _: &Batched<'_>) -> Result<BatchedOut> {
        Err(Error::runtime("[vmap] arange has no inputs to map"))
    }
}

impl Core for Arange {
    fn exact(&self, _: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        // Start and step are first values of the dtype, as in MLX.
        let r = |x: f64| crate::reference::round_to(Num::Float(x), self.dtype);
        let (start, step) = (r(self.start.get()), r(self.step.get()));
        let at = |i: usize| match (start, step) {
            (Num::Int(s), Num::Int(d)) => Num::Int(s + d * i as i128),
            (s, d) => Num::Float(s.f64() + d.f64() * i as f64),
        };
        Ok(vec![Tensor::build(&outs[0].shape, self.dtype, at)])
    }
}

/// `start, start + step, …` up to but not including `stop`.
///
/// # Errors
/// `Value` for NaN, a zero step, bool or complex dtypes, or more elements than a 32-bit count.
pub fn arange(start: f64, stop: f64, step: f64, dtype: DType) -> Result<Array> {
    if start.is_nan() || stop.is_nan() || step.is_nan() {
        return Err(Error::value("[arange] Cannot compute length: start, stop and step must not be NaN."));
    }
    if stop.is_infinite() || start.is_infinite() {
        return Err(Error::value("[arange] Cannot compute length: start and stop must be finite."));
    }
    let len = ((stop - start) / step).ceil().max(0.0);
    if len > i32::MAX as f64 || len.is_nan() {
        return Err(Error::value("[arange] Maximum size exceeded."));
    }
    let (start, step) = (Real::new(start), Real::new(step));
    Array::record1(Arange { start, step, len: len as usize, dtype }, Inputs::new())
}

/// `0, 1, …, n − 1` as i32.
pub(crate) fn arange_int(n: usize) -> Result<Array> {
    arange(0.0, n as f64, 1.0, if n > i32::MAX as usize { DType::I64 } else { DType::I32 })
}

/// `n` numbers from `start` to `stop`, both included.
///
/// # Errors
/// `Value` for dtypes without a range.
pub fn linspace(start: f64, stop: f64, n: usize, dtype: DType) -> Result<Array> {
    if n == 1 {
        return ops::astype(&reshape1(ops::Scalar::Float(start).to_array(DType::F32)?)?, dtype);
    }
    // A blend of both ends keeps them exact.
    let wide = if dtype == DType::F64 { dtype } else { DType::F32 };
    let t = ops::divide(&arange(0.0, n as f64, 1.0, wide)?, (n.max(2) - 1) as f64)?;
    let x = ops::add(&ops::multiply(&ops::subtract(1.0, &t)?, start)?, &ops::multiply(&t, stop)?)?;
    ops::astype(&x, dtype)
}

fn reshape1(a: Array) -> Result<Array> {
    ops::reshape_to(&a, &[1])
}

/// An array of `shape` filled with a value (a 0-d array or scalar, or one that broadcasts); `dtype` by default that of
/// the value. No memory is used for the repeats.
///
/// # Errors
/// `Value` if the value does not broadcast or fit.
pub fn full(shape: &[usize], value: impl Arg, dtype: Option<DType>) -> Result<Array> {
    let v = match (value.array(), value.scalar()) {
        (Some(a), _) => ops::astype(a, dtype.unwrap_or(a.dtype()))?,
        (None, Some(s)) => {
            let own = s.default_dtype();
            let d = dtype.unwrap_or(own);
            if d.is_integer() && !own.is_integer() { ops::astype(&s.to_array(own)?, d)? } else { s.to_array(d)? }
        }
        (None, None) => return Err(Error::type_("[full] neither an array nor a scalar")),
    };
    mlx_ir::desc::checked_size("full", shape, v.dtype())?;
    ops::broadcast_to(&v, shape)
}

/// Zeros.
///
/// # Errors
/// `Value` for shapes too large to address.
pub fn zeros(shape: &[usize], dtype: DType) -> Result<Array> {
    full(shape, 0, Some(dtype))
}

/// Ones.
///
/// # Errors
/// `Value` for shapes too large to address.
pub fn ones(shape: &[usize], dtype: DType) -> Result<Array> {
    full(shape, 1, Some(dtype))
}

/// Zeros of the shape and dtype of `a`.
///
/// # Errors
/// None but what recording an op can report.
pub fn zeros_like(a: &Array) -> Result<Array> {
    zeros(a.shape(), a.dtype())
}

/// Ones of the shape and dtype of `a`.
///
/// # Errors
/// None but what recording an op can report.
pub fn ones_like(a: &Array) -> Result<Array> {
    ones(a.shape(), a.dtype())
}

/// `n × m` with ones on the `k`-th diagonal.
///
/// # Errors
/// None but what recording an op can report.
pub fn eye(n: usize, m: usize, k: i64, dtype: DType) -> Result<Array> {
    let rows = ops::reshape_to(&arange_int(n)?, &[n, 1])?;
    let cols = ops::reshape_to(&arange_int(m)?, &[1, m])?;
    ops::astype(&ops::equal(&ops::astype(&cols, DType::I64)?, &ops::add(&ops::astype(&rows, DType::I64)?, k)?)?, dtype)
}

/// The identity matrix.
///
/// # Errors
/// None but what recording an op can report.
pub fn identity(n: usize, dtype: DType) -> Result<Array> {
    eye(n, n, 0, dtype)
}

/// `n × m` with ones at and below the `k`-th diagonal.
///
/// # Errors
/// None but what recording an op can report.
pub fn tri(n: usize, m: usize, k: i64, dtype: DType) -> Result<Array> {
    let rows = ops::reshape_to(&arange_int(n)?, &[n, 1])?;
    let cols = ops::reshape_to(&arange_int(m)?, &[1, m])?;
    let mask = ops::less_equal(&ops::astype(&cols, DType::I64)?, &ops::add(&ops::astype(&rows, DType::I64)?, k)?)?;
    ops::astype(&mask, dtype)
}

fn two_dims(name: &str, a: &Array) -> Result<(usize, usize)> {
    if a.ndim() < 2 {
        return Err(Error::value(format!("[{name}] array must be at least 2-D")));
    }
    Ok((a.dim(-2), a.dim(-1)))
}

/// Zeros above the `k`-th diagonal.
///
/// # Errors
/// `Value` for fewer than two dimensions.
pub fn tril(a: &Array, k: i64) -> Result<Array> {
    let (n, m) = two_dims("tril", a)?;
    ops::where_(&tri(n, m, k, DType::Bool)?, a, &zeros(&[], a.dtype())?)
}

/// Zeros below the `k`-th diagonal.
///
/// # Errors
/// `Value` for fewer than two dimensions.
pub fn triu(a: &Array, k: i64) -> Result<Array> {
    let (n, m) = two_dims("triu", a)?;
    ops::where_(&tri(n, m, k - 1, DType::Bool)?, &zeros(&[], a.dtype())?, a)
}
