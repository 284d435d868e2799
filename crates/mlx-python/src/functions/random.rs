// Made by scripts/bindings.py from python/api/random.pyi. Do not edit.

#![allow(unused_imports, non_snake_case)]
use super::prelude::*;

#[doc = "Uniform in [low, high)."]
#[pyfunction]
#[pyo3(name = "uniform", signature = (low = Operand::int(0), high = Operand::int(1), shape = ShapeSeq::default(), dtype = None, key = None, stream = None), text_signature = "(low=0, high=1, shape=[], dtype=None, key=None, stream=None)")]
fn py_uniform(
    mut low: Operand,
    mut high: Operand,
    shape: ShapeSeq,
    dtype: Option<Dt>,
    key: Option<Arr>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    convert::settle([Some(&mut low), Some(&mut high)])?;
    let low = &low;
    let high = &high;
    let shape = shape.0.as_slice();
    let dtype = dtype.map(|x| x.0).unwrap_or(DType::F32);
    let key = key.as_ref().map(|x| &x.0);
    stream::on(stream, || Ok(Returned::from(random::uniform(low, high, shape, dtype, key)?)))
}

#[doc = "Normal with mean loc and standard deviation scale."]
#[pyfunction]
#[pyo3(name = "normal", signature = (shape = ShapeSeq::default(), dtype = None, loc = None, scale = None, key = None, stream = None), text_signature = "(shape=[], dtype=None, loc=None, scale=None, key=None, stream=None)")]
fn py_normal(
    shape: ShapeSeq,
    dtype: Option<Dt>,
    loc: Option<Arr>,
    scale: Option<Arr>,
    key: Option<Arr>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let shape = shape.0.as_slice();
    let dtype = dtype.map(|x| x.0).unwrap_or(DType::F32);
    let loc = loc.as_ref().map(|x| &x.0);
    let scale = scale.as_ref().map(|x| &x.0);
    let key = key.as_ref().map(|x| &x.0);
    stream::on(stream, || Ok(Returned::from(random::normal(shape, dtype, loc, scale, key)?)))
}

#[doc = "Integers in [low, high)."]
#[pyfunction]
#[pyo3(name = "randint", signature = (low, high, shape = ShapeSeq::default(), dtype = None, key = None, stream = None), text_signature = "(low, high, shape=[], dtype=None, key=None, stream=None)")]
fn py_randint(
    mut low: Operand,
    mut high: Operand,
    shape: ShapeSeq,
    dtype: Option<Dt>,
    key: Option<Arr>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    convert::settle([Some(&mut low), Some(&mut high)])?;
    let low = &low;
    let high = &high;
    let shape = shape.0.as_slice();
    let dtype = dtype.map(|x| x.0).unwrap_or(DType::I32);
    let key = key.as_ref().map(|x| &x.0);
    stream::on(stream, || Ok(Returned::from(random::randint(low, high, shape, dtype, key)?)))
}

#[doc = "True with probability p."]
#[pyfunction]
#[pyo3(name = "bernoulli", signature = (p = Arr::number(0.5), shape = None, key = None, stream = None), text_signature = "(p=0.5, shape=None, key=None, stream=None)")]
fn py_bernoulli(p: Arr, shape: Option<ShapeSeq>, key: Option<Arr>, stream: Option<StreamArg>) -> R<Returned> {
    let p = &p.0;
    let shape = shape.as_ref().map(|x| x.0.as_slice());
    let key = key.as_ref().map(|x| &x.0);
    stream::on(stream, || Ok(Returned::from(random::bernoulli(p, shape, key)?)))
}

#[doc = "Normal between bounds."]
#[pyfunction]
#[pyo3(name = "truncated_normal", signature = (lower, upper, shape = None, dtype = None, key = None, stream = None), text_signature = "(lower, upper, shape=None, dtype=None, key=None, stream=None)")]
fn py_truncated_normal(
    lower: Arr,
    upper: Arr,
    shape: Option<ShapeSeq>,
    dtype: Option<Dt>,
    key: Option<Arr>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let lower = &lower.0;
    let upper = &upper.0;
    let shape = shape.as_ref().map(|x| x.0.as_slice());
    let dtype = dtype.map(|x| x.0).unwrap_or(DType::F32);
    let key = key.as_ref().map(|x| &x.0);
    stream::on(stream, || Ok(Returned::from(random::truncated_normal(lower, upper, shape, dtype, key)?)))
}

#[doc = "Standard Gumbel."]
#[pyfunction]
#[pyo3(name = "gumbel", signature = (shape = ShapeSeq::default(), dtype = None, key = None, stream = None), text_signature = "(shape=[], dtype=None, key=None, stream=None)")]
fn py_gumbel(shape: ShapeSeq, dtype: Option<Dt>, key: Option<Arr>, stream: Option<StreamArg>) -> R<Returned> {
    let shape = shape.0.as_slice();
    let dtype = dtype.map(|x| x.0).unwrap_or(DType::F32);
    let key = key.as_ref().map(|x| &x.0);
    stream::on(stream, || Ok(Returned::from(random::gumbel(shape, dtype, key)?)))
}

#[doc = "Laplace."]
#[pyfunction]
#[pyo3(name = "laplace", signature = (shape = ShapeSeq::default(), dtype = None, loc = 0.0, scale = 1.0, key = None, stream = None), text_signature = "(shape=[], dtype=None, loc=0.0, scale=1.0, key=None, stream=None)")]
fn py_laplace(
    shape: ShapeSeq,
    dtype: Option<Dt>,
    loc: f64,
    scale: f64,
    key: Option<Arr>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let shape = shape.0.as_slice();
    let dtype = dtype.map(|x| x.0).unwrap_or(DType::F32);
    let key = key.as_ref().map(|x| &x.0);
    stream::on(stream, || Ok(Returned::from(random::laplace(shape, dtype, loc, scale, key)?)))
}

#[doc = "Positions drawn with probability softmax(logits)."]
#[pyfunction]
#[pyo3(name = "categorical", signature = (logits, axis = -1, shape = None, num_samples = None, key = None, stream = None), text_signature = "(logits, axis=-1, shape=None, num_samples=None, key=None, stream=None)")]
fn py_categorical(
    logits: Arr,
    axis: i64,
    shape: Option<ShapeSeq>,
    num_samples: Option<i64>,
    key: Option<Arr>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let logits = &logits.0;
    let shape = shape.as_ref().map(|x| x.0.as_slice());
    let key = key.as_ref().map(|x| &x.0);
    stream::on(stream, || Ok(Returned::from(create::categorical(logits, axis, shape, num_samples, key)?)))
}

#[doc = "Slices of an array, or 0 ... x - 1, in random order."]
#[pyfunction]
#[pyo3(name = "permutation", signature = (x, axis = 0, key = None, stream = None), text_signature = "(x, axis=0, key=None, stream=None)")]
fn py_permutation(x: ArrayOrInt, axis: i64, key: Option<Arr>, stream: Option<StreamArg>) -> R<Returned> {
    let x = &x;
    let key = key.as_ref().map(|x| &x.0);
    stream::on(stream, || Ok(Returned::from(create::permutation(x, axis, key)?)))
}

#[doc = "Keys from one."]
#[pyfunction]
#[pyo3(name = "split", signature = (key, num = 2, stream = None), text_signature = "(key, num=2, stream=None)")]
fn py_split(key: Arr, num: i64, stream: Option<StreamArg>) -> R<Returned> {
    let key = &key.0;
    stream::on(stream, || Ok(Returned::from(random::split_key(key, convert::count("split", num)?)?)))
}

#[doc = "Jointly normal vectors."]
#[pyfunction]
#[pyo3(name = "multivariate_normal", signature = (mean, cov, shape = ShapeSeq::default(), dtype = None, key = None, stream = None), text_signature = "(mean, cov, shape=[], dtype=None, key=None, stream=None)")]
fn py_multivariate_normal(
    mean: Arr,
    cov: Arr,
    shape: ShapeSeq,
    dtype: Option<Dt>,
    key: Option<Arr>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let mean = &mean.0;
    let cov = &cov.0;
    let shape = shape.0.as_slice();
    let dtype = dtype.map(|x| x.0).unwrap_or(DType::F32);
    let key = key.as_ref().map(|x| &x.0);
    stream::on(stream, || Ok(Returned::from(random::multivariate_normal(mean, cov, shape, dtype, key)?)))
}

/// Adds the functions to their module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(py_uniform, m)?)?;
    m.add_function(wrap_pyfunction!(py_normal, m)?)?;
    m.add_function(wrap_pyfunction!(py_randint, m)?)?;
    m.add_function(wrap_pyfunction!(py_bernoulli, m)?)?;
    m.add_function(wrap_pyfunction!(py_truncated_normal, m)?)?;
    m.add_function(wrap_pyfunction!(py_gumbel, m)?)?;
    m.add_function(wrap_pyfunction!(py_laplace, m)?)?;
    m.add_function(wrap_pyfunction!(py_categorical, m)?)?;
    m.add_function(wrap_pyfunction!(py_permutation, m)?)?;
    m.add_function(wrap_pyfunction!(py_split, m)?)?;
    m.add_function(wrap_pyfunction!(py_multivariate_normal, m)?)?;
    Ok(())
}
