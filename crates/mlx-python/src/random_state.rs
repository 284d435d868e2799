//! `mx.random.key`, `seed` and `state`.

use crate::array::PyArray;
use crate::error::{R, index};
use mlx::ops::random;
use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::PyList;

/// This thread's implicit key, as a list of one.
#[pyclass(name = "_RandomState", module = "mlx.core.random", frozen)]
pub struct RandomState;

#[pymethods]
impl RandomState {
    fn __len__(&self) -> usize {
        1
    }
    fn __getitem__(&self, index: i64) -> R<PyArray> {
        if index != 0 && index != -1 {
            return Err(self::index("random state index out of range"));
        }
        Ok(PyArray::new(random::state()?))
    }
    fn __setitem__(&self, index: i64, value: &Bound<'_, PyArray>) -> R<()> {
        if index != 0 && index != -1 {
            return Err(self::index("random state index out of range"));
        }
        random::set_state(value.get().get());
        Ok(())
    }
    fn __iter__<'py>(&self, py: Python<'py>) -> R<Bound<'py, PyAny>> {
        Ok(PyList::new(py, [PyArray::new(random::state()?)])?.as_any().try_iter()?.into_any())
    }
}

/// A key from a seed.
#[pyfunction]
fn key(seed: &Bound<'_, PyAny>) -> R<PyArray> {
    Ok(PyArray::new(random::key(unsigned(seed)?)?))
}

/// Seeds this thread's implicit key.
#[pyfunction]
fn seed(seed: &Bound<'_, PyAny>) -> R<()> {
    Ok(random::seed(unsigned(seed)?)?)
}

fn unsigned(seed: &Bound<'_, PyAny>) -> R<u64> {
    seed.extract().map_err(|_| crate::error::type_("a seed is an int from 0 to 2**64 - 1"))
}

/// `state` is made when it is asked for, as with the official package.
#[pyfunction]
fn __getattr__(py: Python<'_>, name: &str) -> PyResult<Py<RandomState>> {
    static STATE: pyo3::sync::PyOnceLock<Py<RandomState>> = pyo3::sync::PyOnceLock::new();
    match name {
        "state" => Ok(STATE.get_or_try_init(py, || Py::new(py, RandomState))?.clone_ref(py)),
        _ => Err(PyAttributeError::new_err(format!("module 'mlx.core.random' has no attribute '{name}'"))),
    }
}

/// Adds what is here to `mlx.core.random`.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<RandomState>()?;
    m.add_function(wrap_pyfunction!(key, m)?)?;
    m.add_function(wrap_pyfunction!(seed, m)?)?;
    m.add_function(wrap_pyfunction!(__getattr__, m)?)
}
