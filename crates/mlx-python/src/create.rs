//! Arrays made from Python objects and numbers.

use crate::array::PyArray;
use crate::buffer;
use crate::convert::{ArrayOrInt, Operand, scalar};
use crate::dlpack;
use crate::error::{Fail, R, runtime, type_, value};
use mlx::ops::{self, Scalar};
use mlx::{Array, C64, DType, Element};
use mlx_ir::dtype::{bf16_of, f16_of};
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

/// The refusal of an object that no array can be made of.
pub fn bad_type(o: &Bound<'_, PyAny>) -> Fail {
    let name = o.get_type().name().map_or_else(|_| "object".to_owned(), |n| n.to_string());
    value(format!("Invalid type {name} received in array initialization."))
}

/// An array of what another package made: through the buffer protocol, `__mlx_array__` or DLPack.
pub fn foreign(o: &Bound<'_, PyAny>) -> R<Option<Array>> {
    if let Some(a) = buffer::read(o)? {
        return Ok(Some(narrow(a)?));
    }
    if let Ok(make) = o.getattr("__mlx_array__") {
        return Ok(Some(make.call0()?.cast::<PyArray>().map_err(PyErr::from)?.get().get()));
    }
    if o.hasattr("__dlpack__")? {
        return Ok(Some(narrow(dlpack::import(o)?)?));
    }
    Ok(None)
}

/// float64 of other packages becomes float32 unless asked for.
fn narrow(a: Array) -> R<Array> {
    Ok(if a.dtype() == DType::F64 { ops::astype(&a, DType::F32)? } else { a })
}

/// Elements of nested lists: all numbers, or arrays to be stacked.
#[derive(Default)]
struct Nested {
    shape: Vec<usize>,
    values: Vec<Scalar>,
}

enum Found {
    Numbers,
    Arrays,
}

const UNEVEN: &str = "Initialization encountered non-uniform length.";

impl Nested {
    fn list(&mut self, items: &mut dyn ExactSizeIterator<Item = Bound<'_, PyAny>>, depth: usize) -> R<Found> {
        let n = items.len();
        if self.shape.len() == depth {
            self.shape.push(n);
        } else if self.shape[depth] != n {
            return Err(value(UNEVEN));
        }
        let mut leaves = false;
        for (i, x) in items.enumerate() {
            let inner = if let Ok(l) = x.cast::<PyList>() {
                Some(self.list(&mut l.iter(), depth + 1)?)
            } else if let Ok(t) = x.cast::<PyTuple>() {
                Some(self.list(&mut t.iter(), depth + 1)?)
            } else if x.cast::<PyArray>().is_ok() {
                return Ok(Found::Arrays);
            } else {
                None
            };
            match inner {
                Some(Found::Arrays) => return Ok(Found::Arrays),
                Some(Found::Numbers) if leaves => return Err(value(UNEVEN)),
                Some(Found::Numbers) => {}
                None => {
                    if (i > 0 && !leaves) || self.shape.len() > depth + 1 {
                        return Err(value(UNEVEN));
                    }
                    leaves = true;
                    self.values.push(scalar(&x)?.ok_or_else(|| bad_type(&x))?);
                }
            }
        }
        Ok(Found::Numbers)
    }

    fn dtype(&self) -> DType {
        let mut d = None;
        for s in &self.values {
            let own = s.default_dtype();
            d = Some(match (d, own) {
                (None, x) => x,
                (Some(DType::C64), _) | (_, DType::C64) => DType::C64,
                (Some(DType::F32), _) | (_, DType::F32) => DType::F32,
                (Some(DType::I64), _) | (_, DType::I64) => DType::I64,
                (Some(DType::I32), _) | (_, DType::I32) => DType::I32,
                (Some(_), x) => x,
            });
        }
        d.unwrap_or(DType::F32)
    }
}

fn real(s: &Scalar) -> f64 {
    match *s {
        Scalar::Bool(b) => f64::from(b),
        Scalar::Int(i) => i as f64,
        Scalar::Float(f) => f,
        Scalar::Complex(c) => f64::from(c.re),
    }
}

fn whole(s: &Scalar) -> i64 {
    match *s {
        Scalar::Bool(b) => i64::from(b),
        Scalar::Int(i) => i,
        Scalar::Float(_) | Scalar::Complex(_) => real(s) as i64,
    }
}

/// Numbers as an array; integers wrap.
fn fill(values: &[Scalar], shape: &[usize], dtype: DType) -> R<Array> {
    fn with<T: Element>(values: &[Scalar], shape: &[usize], f: impl Fn(&Scalar) -> T) -> R<Array> {
        Ok(Array::from_slice(&values.iter().map(f).collect::<Vec<T>>(), shape)?)
    }
    match dtype {
        DType::Bool => with(values, shape, |s| match *s {
            Scalar::Complex(c) => c.re != 0.0 || c.im != 0.0,
            Scalar::Bool(_) | Scalar::Int(_) | Scalar::Float(_) => real(s) != 0.0,
        }),
        DType::U8 => with(values, shape, |s| whole(s) as u8),
        DType::U16 => with(values, shape, |s| whole(s) as u16),
        DType::U32 => with(values, shape, |s| whole(s) as u32),
        DType::U64 => with(values, shape, |s| whole(s) as u64),
        DType::I8 => with(values, shape, |s| whole(s) as i8),
        DType::I16 => with(values, shape, |s| whole(s) as i16),
        DType::I32 => with(values, shape, |s| whole(s) as i32),
        DType::I64 => with(values, shape, whole),
        DType::F16 => with(values, shape, |s| f16_of(real(s))),
        DType::BF16 => with(values, shape, |s| bf16_of(real(s))),
        DType::F32 => with(values, shape, |s| real(s) as f32),
        DType::F64 => with(values, shape, real),
        DType::C64 => with(values, shape, |s| match *s {
            Scalar::Complex(c) => c,
            Scalar::Bool(_) | Scalar::Int(_) | Scalar::Float(_) => C64::new(real(s) as f32, 0.0),
        }),
    }
}

/// The arrays of a nested list that holds arrays, stacked.
fn stacked(items: &mut dyn Iterator<Item = Bound<'_, PyAny>>) -> R<Array> {
    let parts = items.map(|x| array(&x, None)).collect::<R<Vec<_>>>()?;
    let Some(first) = parts.first() else {
        return Ok(ops::zeros(&[0], DType::F32)?);
    };
    if parts.iter().any(|p| p.shape() != first.shape()) {
        return Err(value(UNEVEN));
    }
    let dtype = parts.iter().map(Array::dtype).fold(first.dtype(), DType::promote);
    let parts = parts.iter().map(|p| ops::astype(p, dtype)).collect::<mlx::Result<Vec<_>>>()?;
    Ok(ops::stack(&parts, 0)?)
}

/// `mx.array(o, dtype)`.
pub fn array(o: &Bound<'_, PyAny>, dtype: Option<DType>) -> R<Array> {
    let cast = |a: Array| -> R<Array> { Ok(ops::astype(&a, dtype.unwrap_or(a.dtype()))?) };
    if let Ok(a) = o.cast::<PyArray>() {
        return cast(a.get().get());
    }
    if let Some(s) = scalar(o)? {
        return fill(&[s], &[], dtype.unwrap_or(s.default_dtype()));
    }
    let list = o.cast::<PyList>().ok();
    let tuple = o.cast::<PyTuple>().ok();
    if list.is_some() || tuple.is_some() {
        let mut nested = Nested::default();
        let found = match (list, tuple) {
            (Some(l), _) => nested.list(&mut l.iter(), 0)?,
            (None, Some(t)) => nested.list(&mut t.iter(), 0)?,
            (None, None) => Found::Numbers,
        };
        return match found {
            Found::Numbers => fill(&nested.values, &nested.shape, dtype.unwrap_or_else(|| nested.dtype())),
            Found::Arrays => cast(match (list, tuple) {
                (Some(l), _) => stacked(&mut l.iter())?,
                (None, _) => stacked(&mut tuple.into_iter().flatten())?,
            }),
        };
    }
    if o.is_none() {
        return Err(type_("an array cannot be made of None"));
    }
    if let Some(a) = buffer::read(o)? {
        return match dtype {
            Some(d) => Ok(ops::astype(&a, d)?),
            None => narrow(a),
        };
    }
    match foreign(o)? {
        Some(a) => cast(a),
        None => Err(bad_type(o)),
    }
}

/// See `mx.full`. A number meets the dtype as it would meet an array of it; an array keeps its own.
pub fn full(shape: &[usize], vals: &Operand, dtype: Option<DType>) -> R<Array> {
    let dtype = match vals {
        Operand::Scalar(s) => dtype.map(|d| d.promote_weak(s.default_dtype().kind())),
        Operand::Array(_) | Operand::Foreign(_) => None,
    };
    Ok(ops::full(shape, vals, dtype)?)
}

/// See `mx.full_like`.
pub fn full_like(shape: &[usize], vals: &Operand, dtype: DType) -> R<Array> {
    Ok(ops::full(shape, vals, Some(dtype))?)
}

/// See `mx.arange`.
pub fn arange(start: Option<Scalar>, stop: Option<Scalar>, step: Option<Scalar>, dtype: Option<DType>) -> R<Array> {
    let (start, stop) = match (start, stop) {
        (Some(a), Some(b)) => (a, b),
        (Some(b), None) | (None, Some(b)) => (Scalar::Int(0), b),
        (None, None) => return Err(type_("[arange] stop is required")),
    };
    let step = step.unwrap_or(Scalar::Int(1));
    let own = [start, stop, step].iter().map(|s| s.default_dtype()).fold(DType::I32, DType::promote);
    let (a, b, s) = (real(&start), real(&stop), real(&step));
    if s == 0.0 {
        return Err(value("[arange] step must be nonzero."));
    }
    if !(a.is_finite() && b.is_finite() && !s.is_nan()) {
        return Err(value("[arange] Cannot compute length."));
    }
    Ok(ops::arange(a, b, s, dtype.unwrap_or(own))?)
}

/// See `mx.linspace`.
pub fn linspace(start: Scalar, stop: Scalar, num: i64, endpoint: bool, dtype: DType) -> R<Array> {
    let Ok(n) = usize::try_from(num) else {
        return Err(value(format!("[linspace] number of samples, {num}, must be non-negative.")));
    };
    let (a, mut b) = (real(&start), real(&stop));
    if !endpoint && n > 0 {
        b -= (b - a) / n as f64;
    }
    if n == 0 {
        return Ok(ops::zeros(&[0], dtype)?);
    }
    Ok(ops::linspace(a, b, n, dtype)?)
}

fn square(op: &str, n: i64, m: Option<i64>) -> R<(usize, usize)> {
    match (usize::try_from(n), usize::try_from(m.unwrap_or(n))) {
        (Ok(n), Ok(m)) => Ok((n, m)),
        _ => Err(value(format!("[{op}] N and M must be positive integers."))),
    }
}

/// See `mx.eye`.
pub fn eye(n: i64, m: Option<i64>, k: i64, dtype: DType) -> R<Array> {
    let (n, m) = square("eye", n, m)?;
    Ok(ops::eye(n, m, k, dtype)?)
}

/// See `mx.tri`.
pub fn tri(n: i64, m: Option<i64>, k: i64, dtype: DType) -> R<Array> {
    let (n, m) = square("tri", n, m)?;
    Ok(ops::tri(n, m, k, dtype)?)
}

/// A window function.
#[derive(Clone, Copy)]
pub enum Window {
    /// Raised cosine.
    Hanning,
    /// Raised cosine that does not reach zero.
    Hamming,
    /// Two cosines.
    Blackman,
    /// Triangle.
    Bartlett,
}

/// A window of `n` points, float32.
pub fn window(n: i64, kind: Window) -> R<Array> {
    if n < 1 {
        return Ok(ops::zeros(&[0], DType::F32)?);
    }
    if n == 1 {
        return Ok(ops::ones(&[1], DType::F32)?);
    }
    let turn = 2.0 * std::f64::consts::PI / (n - 1) as f64;
    let point = |i: i64| -> f32 {
        let x = i as f64;
        (match kind {
            Window::Hanning => 0.5 - 0.5 * (turn * x).cos(),
            Window::Hamming => 0.54 - 0.46 * (turn * x).cos(),
            Window::Blackman => 0.42 - 0.5 * (turn * x).cos() + 0.08 * (2.0 * turn * x).cos(),
            Window::Bartlett => 1.0 - (2.0 * x / (n - 1) as f64 - 1.0).abs(),
        }) as f32
    };
    Ok(Array::from_slice(&(0..n).map(point).collect::<Vec<f32>>(), &[n as usize])?)
}

/// See `mx.random.permutation`.
pub fn permutation(x: &ArrayOrInt, axis: i64, key: Option<&Array>) -> R<Array> {
    match x {
        ArrayOrInt::Array(a) => Ok(ops::random::permutation(a, axis, key)?),
        ArrayOrInt::Int(n) => {
            let n = usize::try_from(*n).map_err(|_| value("[permutation] n must not be negative."))?;
            Ok(ops::random::permutation_of(n, key)?)
        }
    }
}

/// See `mx.random.categorical`.
pub fn categorical(
    logits: &Array,
    axis: i64,
    shape: Option<&[usize]>,
    samples: Option<i64>,
    key: Option<&Array>,
) -> R<Array> {
    let samples = samples
        .map(|n| usize::try_from(n).map_err(|_| value("[categorical] num_samples must not be negative.")))
        .transpose()?;
    Ok(ops::random::categorical(logits, axis, shape, samples, key)?)
}

/// `mx.asarray`: without a copy where nothing has to be converted, unless one is asked for.
#[pyfunction]
#[pyo3(signature = (a, dtype = None, *, copy = None))]
fn asarray(a: &Bound<'_, PyAny>, dtype: Option<crate::dtype::Dt>, copy: Option<bool>) -> R<PyArray> {
    let made = array(a, dtype.map(|d| d.0))?;
    let shared = a.cast::<PyArray>().is_ok_and(|x| x.get().get().is_same(&made));
    if copy == Some(false) && !shared {
        return Err(value("[asarray] A copy is needed, but copy=False was given."));
    }
    Ok(PyArray::new(if copy == Some(true) { ops::contiguous(&made)? } else { made }))
}

/// An array of another package's, through DLPack.
#[pyfunction]
#[pyo3(signature = (x, /, *, copy = None))]
fn from_dlpack(x: &Bound<'_, PyAny>, copy: Option<bool>) -> R<PyArray> {
    if copy == Some(false) {
        return Err(runtime("[from_dlpack] arrays of other packages are always copied; copy=False is not possible."));
    }
    if let Ok(a) = x.cast::<PyArray>() {
        return Ok(PyArray::new(a.get().get()));
    }
    Ok(PyArray::new(dlpack::import(x)?))
}

/// Adds what is here to `mlx.core`.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(asarray, m)?)?;
    m.add_function(wrap_pyfunction!(from_dlpack, m)?)
}
