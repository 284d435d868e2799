//! Errors on their way to Python, and Python's exceptions on their way through the array library and back.

use mlx::{Error, ErrorKind};
use pyo3::exceptions::{PyIndexError, PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use std::cell::RefCell;

/// A Python exception; made of errors of the array library as well.
pub struct Fail(PyErr);

/// Result with [`Fail`].
pub type R<T> = Result<T, Fail>;

thread_local! {
    /// The exception that a Python function raised inside a transform, while the library passes a stand-in upwards.
    static RAISED: RefCell<Option<PyErr>> = const { RefCell::new(None) };
}

const STAND_IN: &str = "[python] a Python function raised an exception";

/// An error of the library that stands for an exception until it becomes a [`Fail`] again on this thread.
pub fn carry(e: impl Into<PyErr>) -> Error {
    RAISED.with(|r| *r.borrow_mut() = Some(e.into()));
    Error::runtime(STAND_IN)
}

impl From<Error> for Fail {
    fn from(e: Error) -> Self {
        if e.message == STAND_IN
            && let Some(raised) = RAISED.with(|r| r.borrow_mut().take())
        {
            return Fail(raised);
        }
        Fail(match e.kind {
            ErrorKind::Value => PyValueError::new_err(e.message),
            ErrorKind::Type => PyTypeError::new_err(e.message),
            ErrorKind::Index => PyIndexError::new_err(e.message),
            ErrorKind::Runtime | ErrorKind::Memory | ErrorKind::Io | ErrorKind::Device | ErrorKind::Unsupported => {
                PyRuntimeError::new_err(e.message)
            }
        })
    }
}

impl From<PyErr> for Fail {
    fn from(e: PyErr) -> Self {
        Fail(e)
    }
}

impl<'a, 'py> From<pyo3::CastError<'a, 'py>> for Fail {
    fn from(e: pyo3::CastError<'a, 'py>) -> Self {
        Fail(e.into())
    }
}

impl From<Fail> for PyErr {
    fn from(f: Fail) -> Self {
        f.0
    }
}

/// A `ValueError`.
pub fn value(message: impl Into<String>) -> Fail {
    Fail(PyValueError::new_err(message.into()))
}

/// A `TypeError`.
pub fn type_(message: impl Into<String>) -> Fail {
    Fail(PyTypeError::new_err(message.into()))
}

/// An `IndexError`.
pub fn index(message: impl Into<String>) -> Fail {
    Fail(PyIndexError::new_err(message.into()))
}

/// A `RuntimeError`.
pub fn runtime(message: impl Into<String>) -> Fail {
    Fail(PyRuntimeError::new_err(message.into()))
}
