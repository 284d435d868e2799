//! Trees of lists, tuples and dictionaries with arrays at their leaves.

use crate::array::PyArray;
use crate::error::{Fail, R, value};
use mlx::Array;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

/// Calls `f` with each leaf, in order.
pub fn visit(o: &Bound<'_, PyAny>, f: &mut dyn FnMut(&Bound<'_, PyAny>) -> R<()>) -> R<()> {
    if o.cast::<PyArray>().is_ok() {
        return f(o);
    }
    if let Ok(l) = o.cast::<PyList>() {
        return l.iter().try_for_each(|x| visit(&x, f));
    }
    if let Ok(t) = o.cast::<PyTuple>() {
        return t.iter().try_for_each(|x| visit(&x, f));
    }
    if let Ok(d) = o.cast::<PyDict>() {
        return d.iter().try_for_each(|(_, x)| visit(&x, f));
    }
    f(o)
}

/// The tree with each leaf replaced by what `f` gives for it.
pub fn map<'py>(
    o: &Bound<'py, PyAny>,
    f: &mut dyn FnMut(&Bound<'py, PyAny>) -> R<Bound<'py, PyAny>>,
) -> R<Bound<'py, PyAny>> {
    let py = o.py();
    if o.cast::<PyArray>().is_ok() {
        return f(o);
    }
    if let Ok(l) = o.cast::<PyList>() {
        let items = l.iter().map(|x| map(&x, f)).collect::<R<Vec<_>>>()?;
        return Ok(PyList::new(py, items)?.into_any());
    }
    if let Ok(t) = o.cast::<PyTuple>() {
        let items = t.iter().map(|x| map(&x, f)).collect::<R<Vec<_>>>()?;
        return Ok(PyTuple::new(py, items)?.into_any());
    }
    if let Ok(d) = o.cast::<PyDict>() {
        let out = PyDict::new(py);
        for (k, x) in d.iter() {
            out.set_item(k, map(&x, f)?)?;
        }
        return Ok(out.into_any());
    }
    f(o)
}

fn only_arrays() -> Fail {
    value("[tree_flatten] The argument should contain only arrays")
}

/// The arrays of a tree that must hold nothing else.
pub fn arrays(o: &Bound<'_, PyAny>) -> R<Vec<Array>> {
    let mut out = Vec::new();
    visit(o, &mut |x| {
        out.push(x.cast::<PyArray>().map_err(|_| only_arrays())?.get().get());
        Ok(())
    })?;
    Ok(out)
}

/// The arrays of a tree; other leaves are passed over.
pub fn arrays_in(o: &Bound<'_, PyAny>, out: &mut Vec<Array>) -> R<()> {
    visit(o, &mut |x| {
        if let Ok(a) = x.cast::<PyArray>() {
            out.push(a.get().get());
        }
        Ok(())
    })
}

/// An array as a Python object.
pub fn object(py: Python<'_>, a: Array) -> R<Bound<'_, PyAny>> {
    Ok(Bound::new(py, PyArray::new(a))?.into_any())
}

/// The tree with its arrays replaced in order; other leaves stay.
pub fn with<'py>(o: &Bound<'py, PyAny>, arrays: &mut dyn Iterator<Item = Array>) -> R<Bound<'py, PyAny>> {
    map(o, &mut |x| {
        if x.cast::<PyArray>().is_err() {
            return Ok(x.clone());
        }
        match arrays.next() {
            Some(a) => object(x.py(), a),
            None => Err(value("[tree] fewer arrays than leaves")),
        }
    })
}

/// The results of a function that returns an array, or a list or tuple of arrays.
pub fn results(o: &Bound<'_, PyAny>) -> R<Vec<Array>> {
    if let Ok(a) = o.cast::<PyArray>() {
        return Ok(vec![a.get().get()]);
    }
    if o.cast::<PyList>().is_err() && o.cast::<PyTuple>().is_err() {
        return Err(crate::error::runtime("the function must return an array, or a list or tuple of arrays"));
    }
    let mut out = Vec::new();
    for x in o.try_iter()? {
        let x = x?;
        match x.cast::<PyArray>() {
            Ok(a) => out.push(a.get().get()),
            Err(_) => return Err(crate::error::runtime("the function must return nothing but arrays")),
        }
    }
    Ok(out)
}
