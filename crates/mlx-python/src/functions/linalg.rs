// Made by scripts/bindings.py from python/api/linalg.pyi. Do not edit.

#![allow(unused_imports, non_snake_case)]
use super::prelude::*;

#[doc = "Norms of vectors or matrices."]
#[pyfunction]
#[pyo3(name = "norm", signature = (a, /, ord = None, axis = None, keepdims = false, *, stream = None), text_signature = "(a, /, ord=None, axis=None, keepdims=False, *, stream=None)")]
fn py_norm(
    a: Arr,
    ord: Option<OrderArg>,
    axis: Option<Axes>,
    keepdims: bool,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let a = &a.0;
    let ord = ord.as_ref().map(|x| &x.0);
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(linalg::norm(a, ord, axis, keepdims)?)))
}

#[doc = "Cross products."]
#[pyfunction]
#[pyo3(name = "cross", signature = (a, b, axis = -1, *, stream = None), text_signature = "(a, b, axis=-1, *, stream=None)")]
fn py_cross(a: Arr, b: Arr, axis: i64, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let b = &b.0;
    stream::on(stream, || Ok(Returned::from(linalg::cross(a, b, axis)?)))
}

#[doc = "Orthonormal columns and a triangle."]
#[pyfunction]
#[pyo3(name = "qr", signature = (a, *, stream = None), text_signature = "(a, *, stream=None)")]
fn py_qr(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::pair(linalg::qr(a)?)))
}

#[doc = "U, singular values and V', or the singular values alone."]
#[pyfunction]
#[pyo3(name = "svd", signature = (a, compute_uv = true, *, stream = None), text_signature = "(a, compute_uv=True, *, stream=None)")]
fn py_svd(a: Arr, compute_uv: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(convert::svd(a, compute_uv)?))
}

#[doc = "The inverse."]
#[pyfunction]
#[pyo3(name = "inv", signature = (a, *, stream = None), text_signature = "(a, *, stream=None)")]
fn py_inv(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(linalg::inv(a)?)))
}

#[doc = "The pseudo-inverse."]
#[pyfunction]
#[pyo3(name = "pinv", signature = (a, *, stream = None), text_signature = "(a, *, stream=None)")]
fn py_pinv(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(linalg::pinv(a)?)))
}

#[doc = "The inverse of triangular matrices."]
#[pyfunction]
#[pyo3(name = "tri_inv", signature = (a, upper = false, *, stream = None), text_signature = "(a, upper=False, *, stream=None)")]
fn py_tri_inv(a: Arr, upper: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(linalg::tri_inv(a, upper)?)))
}

#[doc = "The triangular factor of positive definite matrices."]
#[pyfunction]
#[pyo3(name = "cholesky", signature = (a, upper = false, *, stream = None), text_signature = "(a, upper=False, *, stream=None)")]
fn py_cholesky(a: Arr, upper: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(linalg::cholesky(a, upper)?)))
}

#[doc = "The inverse of the matrices with these Cholesky factors."]
#[pyfunction]
#[pyo3(name = "cholesky_inv", signature = (a, upper = false, *, stream = None), text_signature = "(a, upper=False, *, stream=None)")]
fn py_cholesky_inv(a: Arr, upper: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(linalg::cholesky_inv(a, upper)?)))
}

#[doc = "Row order, L and U."]
#[pyfunction]
#[pyo3(name = "lu", signature = (a, *, stream = None), text_signature = "(a, *, stream=None)")]
fn py_lu(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::tuple(linalg::lu(a).map(|(p, l, u)| vec![p, l, u])?)))
}

#[doc = "L and U in one matrix, and the rows exchanged."]
#[pyfunction]
#[pyo3(name = "lu_factor", signature = (a, *, stream = None), text_signature = "(a, *, stream=None)")]
fn py_lu_factor(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::pair(linalg::lu_factor(a)?)))
}

#[doc = "Eigenvalues and eigenvectors of symmetric matrices."]
#[pyfunction]
#[pyo3(name = "eigh", signature = (a, UPLO = Text::from("L"), *, stream = None), text_signature = "(a, UPLO='L', *, stream=None)")]
fn py_eigh(a: Arr, UPLO: Text, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let UPLO = UPLO.0.as_str();
    stream::on(stream, || Ok(Returned::pair(linalg::eigh(a, UPLO == "U")?)))
}

#[doc = "Eigenvalues of symmetric matrices."]
#[pyfunction]
#[pyo3(name = "eigvalsh", signature = (a, UPLO = Text::from("L"), *, stream = None), text_signature = "(a, UPLO='L', *, stream=None)")]
fn py_eigvalsh(a: Arr, UPLO: Text, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let UPLO = UPLO.0.as_str();
    stream::on(stream, || Ok(Returned::from(linalg::eigh(a, UPLO == "U").map(|(w, _)| w)?)))
}

#[doc = "x with a x = b."]
#[pyfunction]
#[pyo3(name = "solve", signature = (a, b, *, stream = None), text_signature = "(a, b, *, stream=None)")]
fn py_solve(a: Arr, b: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let b = &b.0;
    stream::on(stream, || Ok(Returned::from(convert::solve(a, b)?)))
}

#[doc = "x with a x = b for triangular a."]
#[pyfunction]
#[pyo3(name = "solve_triangular", signature = (a, b, *, upper = false, stream = None), text_signature = "(a, b, *, upper=False, stream=None)")]
fn py_solve_triangular(a: Arr, b: Arr, upper: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let b = &b.0;
    stream::on(stream, || Ok(Returned::from(linalg::solve_triangular(a, b, upper)?)))
}

#[doc = "Determinants."]
#[pyfunction]
#[pyo3(name = "det", signature = (a, *, stream = None), text_signature = "(a, *, stream=None)")]
fn py_det(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(linalg::det(a)?)))
}

#[doc = "Sign and logarithm of the size of determinants."]
#[pyfunction]
#[pyo3(name = "slogdet", signature = (a, *, stream = None), text_signature = "(a, *, stream=None)")]
fn py_slogdet(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::pair(linalg::slogdet(a)?)))
}

#[doc = "Eigenvalues and eigenvectors of square matrices, complex."]
#[pyfunction]
#[pyo3(name = "eig", signature = (a, *, stream = None), text_signature = "(a, *, stream=None)")]
fn py_eig(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::pair(linalg::eig(a)?)))
}

#[doc = "Eigenvalues of square matrices, complex."]
#[pyfunction]
#[pyo3(name = "eigvals", signature = (a, *, stream = None), text_signature = "(a, *, stream=None)")]
fn py_eigvals(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(linalg::eig(a).map(|(w, _)| w)?)))
}

/// Adds the functions to their module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(py_norm, m)?)?;
    m.add_function(wrap_pyfunction!(py_cross, m)?)?;
    m.add_function(wrap_pyfunction!(py_qr, m)?)?;
    m.add_function(wrap_pyfunction!(py_svd, m)?)?;
    m.add_function(wrap_pyfunction!(py_inv, m)?)?;
    m.add_function(wrap_pyfunction!(py_pinv, m)?)?;
    m.add_function(wrap_pyfunction!(py_tri_inv, m)?)?;
    m.add_function(wrap_pyfunction!(py_cholesky, m)?)?;
    m.add_function(wrap_pyfunction!(py_cholesky_inv, m)?)?;
    m.add_function(wrap_pyfunction!(py_lu, m)?)?;
    m.add_function(wrap_pyfunction!(py_lu_factor, m)?)?;
    m.add_function(wrap_pyfunction!(py_eigh, m)?)?;
    m.add_function(wrap_pyfunction!(py_eigvalsh, m)?)?;
    m.add_function(wrap_pyfunction!(py_solve, m)?)?;
    m.add_function(wrap_pyfunction!(py_solve_triangular, m)?)?;
    m.add_function(wrap_pyfunction!(py_det, m)?)?;
    m.add_function(wrap_pyfunction!(py_slogdet, m)?)?;
    m.add_function(wrap_pyfunction!(py_eig, m)?)?;
    m.add_function(wrap_pyfunction!(py_eigvals, m)?)?;
    Ok(())
}
