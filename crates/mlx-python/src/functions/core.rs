// Made by scripts/bindings.py from python/api/core.pyi. Do not edit.

#![allow(unused_imports, non_snake_case)]
use super::prelude::*;

#[doc = "Absolute value; the modulus of complex numbers."]
#[pyfunction]
#[pyo3(name = "abs", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_abs(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::abs(a)?)))
}

#[doc = "-a."]
#[pyfunction]
#[pyo3(name = "negative", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_negative(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::negative(a)?)))
}

#[doc = "The array itself."]
#[pyfunction]
#[pyo3(name = "positive", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_positive(a: Only, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(convert::same(a)?)))
}

#[doc = "-1, 0 or 1 by the sign."]
#[pyfunction]
#[pyo3(name = "sign", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_sign(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::sign(a)?)))
}

#[doc = "Largest integer not above."]
#[pyfunction]
#[pyo3(name = "floor", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_floor(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::floor(a)?)))
}

#[doc = "Smallest integer not below."]
#[pyfunction]
#[pyo3(name = "ceil", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_ceil(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::ceil(a)?)))
}

#[doc = "Nearest integer towards zero."]
#[pyfunction]
#[pyo3(name = "trunc", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_trunc(a: Only, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(convert::truncated(a)?)))
}

#[doc = "a * a."]
#[pyfunction]
#[pyo3(name = "square", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_square(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::square(a)?)))
}

#[doc = "Square root."]
#[pyfunction]
#[pyo3(name = "sqrt", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_sqrt(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::sqrt(a)?)))
}

#[doc = "1 / sqrt(a)."]
#[pyfunction]
#[pyo3(name = "rsqrt", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_rsqrt(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::rsqrt(a)?)))
}

#[doc = "1 / a."]
#[pyfunction]
#[pyo3(name = "reciprocal", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_reciprocal(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::reciprocal(a)?)))
}

#[doc = "e to the power a."]
#[pyfunction]
#[pyo3(name = "exp", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_exp(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::exp(a)?)))
}

#[doc = "exp(a) - 1, exact near zero."]
#[pyfunction]
#[pyo3(name = "expm1", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_expm1(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::expm1(a)?)))
}

#[doc = "Natural logarithm."]
#[pyfunction]
#[pyo3(name = "log", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_log(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::log(a)?)))
}

#[doc = "Logarithm to base 2."]
#[pyfunction]
#[pyo3(name = "log2", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_log2(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::log2(a)?)))
}

#[doc = "Logarithm to base 10."]
#[pyfunction]
#[pyo3(name = "log10", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_log10(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::log10(a)?)))
}

#[doc = "log(1 + a), exact near zero."]
#[pyfunction]
#[pyo3(name = "log1p", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_log1p(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::log1p(a)?)))
}

#[doc = "Sine."]
#[pyfunction]
#[pyo3(name = "sin", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_sin(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::sin(a)?)))
}

#[doc = "Cosine."]
#[pyfunction]
#[pyo3(name = "cos", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_cos(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::cos(a)?)))
}

#[doc = "Tangent."]
#[pyfunction]
#[pyo3(name = "tan", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_tan(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::tan(a)?)))
}

#[doc = "Inverse sine."]
#[pyfunction]
#[pyo3(name = "arcsin", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_arcsin(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::arcsin(a)?)))
}

#[doc = "Inverse cosine."]
#[pyfunction]
#[pyo3(name = "arccos", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_arccos(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::arccos(a)?)))
}

#[doc = "Inverse tangent."]
#[pyfunction]
#[pyo3(name = "arctan", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_arctan(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::arctan(a)?)))
}

#[doc = "Hyperbolic sine."]
#[pyfunction]
#[pyo3(name = "sinh", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_sinh(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::sinh(a)?)))
}

#[doc = "Hyperbolic cosine."]
#[pyfunction]
#[pyo3(name = "cosh", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_cosh(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::cosh(a)?)))
}

#[doc = "Hyperbolic tangent."]
#[pyfunction]
#[pyo3(name = "tanh", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_tanh(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::tanh(a)?)))
}

#[doc = "Inverse hyperbolic sine."]
#[pyfunction]
#[pyo3(name = "arcsinh", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_arcsinh(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::arcsinh(a)?)))
}

#[doc = "Inverse hyperbolic cosine."]
#[pyfunction]
#[pyo3(name = "arccosh", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_arccosh(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::arccosh(a)?)))
}

#[doc = "Inverse hyperbolic tangent."]
#[pyfunction]
#[pyo3(name = "arctanh", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_arctanh(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::arctanh(a)?)))
}

#[doc = "Error function."]
#[pyfunction]
#[pyo3(name = "erf", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_erf(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::erf(a)?)))
}

#[doc = "Inverse error function."]
#[pyfunction]
#[pyo3(name = "erfinv", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_erfinv(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::erfinv(a)?)))
}

#[doc = "1 / (1 + exp(-a))."]
#[pyfunction]
#[pyo3(name = "sigmoid", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_sigmoid(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::sigmoid(a)?)))
}

#[doc = "Radians to degrees."]
#[pyfunction]
#[pyo3(name = "degrees", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_degrees(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::degrees(a)?)))
}

#[doc = "Degrees to radians."]
#[pyfunction]
#[pyo3(name = "radians", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_radians(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::radians(a)?)))
}

#[doc = "Real part."]
#[pyfunction]
#[pyo3(name = "real", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_real(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::real(a)?)))
}

#[doc = "Imaginary part."]
#[pyfunction]
#[pyo3(name = "imag", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_imag(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::imag(a)?)))
}

#[doc = "Complex conjugate."]
#[pyfunction]
#[pyo3(name = "conjugate", signature = (a, *, stream = None), text_signature = "(a, *, stream=None)")]
fn py_conjugate(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::conjugate(a)?)))
}

#[doc = "True where zero."]
#[pyfunction]
#[pyo3(name = "logical_not", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_logical_not(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::logical_not(a)?)))
}

#[doc = "Complement of the bits."]
#[pyfunction]
#[pyo3(name = "bitwise_invert", signature = (a, stream = None), text_signature = "(a, stream=None)")]
fn py_bitwise_invert(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::bitwise_invert(a)?)))
}

#[doc = "True where NaN."]
#[pyfunction]
#[pyo3(name = "isnan", signature = (a, stream = None), text_signature = "(a, stream=None)")]
fn py_isnan(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::isnan(a)?)))
}

#[doc = "True where infinite."]
#[pyfunction]
#[pyo3(name = "isinf", signature = (a, stream = None), text_signature = "(a, stream=None)")]
fn py_isinf(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::isinf(a)?)))
}

#[doc = "True where +infinity."]
#[pyfunction]
#[pyo3(name = "isposinf", signature = (a, stream = None), text_signature = "(a, stream=None)")]
fn py_isposinf(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::isposinf(a)?)))
}

#[doc = "True where -infinity."]
#[pyfunction]
#[pyo3(name = "isneginf", signature = (a, stream = None), text_signature = "(a, stream=None)")]
fn py_isneginf(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::isneginf(a)?)))
}

#[doc = "True where neither infinite nor NaN."]
#[pyfunction]
#[pyo3(name = "isfinite", signature = (a, stream = None), text_signature = "(a, stream=None)")]
fn py_isfinite(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::isfinite(a)?)))
}

#[doc = "Rounded to so many decimals, halves to even."]
#[pyfunction]
#[pyo3(name = "round", signature = (a, /, decimals = 0, stream = None), text_signature = "(a, /, decimals=0, stream=None)")]
fn py_round(a: Arr, decimals: i64, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::round(a, small("round", decimals)?)?)))
}

#[doc = "NaN and infinities replaced; infinities by the dtype's extremes unless given."]
#[pyfunction]
#[pyo3(name = "nan_to_num", signature = (a, nan = 0.0, posinf = None, neginf = None, *, stream = None), text_signature = "(a, nan=0, posinf=None, neginf=None, *, stream=None)")]
fn py_nan_to_num(a: Arr, nan: f64, posinf: Option<f64>, neginf: Option<f64>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || {
        Ok(Returned::from(ops::nan_to_num(convert::no_complex("nan_to_num", a)?, nan, posinf, neginf)?))
    })
}

#[doc = "The same value, through which no gradient flows."]
#[pyfunction]
#[pyo3(name = "stop_gradient", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_stop_gradient(a: Only, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::stop_gradient(a)?)))
}

#[doc = "a + b."]
#[pyfunction]
#[pyo3(name = "add", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_add(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::add(a, b)?)))
}

#[doc = "a - b."]
#[pyfunction]
#[pyo3(name = "subtract", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_subtract(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::subtract(a, b)?)))
}

#[doc = "a * b."]
#[pyfunction]
#[pyo3(name = "multiply", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_multiply(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::multiply(a, b)?)))
}

#[doc = "a / b; of integers as float32."]
#[pyfunction]
#[pyo3(name = "divide", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_divide(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::divide(a, b)?)))
}

#[doc = "Quotient rounded down."]
#[pyfunction]
#[pyo3(name = "floor_divide", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_floor_divide(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::floor_divide(a, b)?)))
}

#[doc = "Remainder with the sign of b."]
#[pyfunction]
#[pyo3(name = "remainder", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_remainder(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::remainder(a, b)?)))
}

#[doc = "Quotient rounded down, and remainder."]
#[pyfunction]
#[pyo3(name = "divmod", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_divmod(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::divmod(a, b).map(|(q, r)| vec![q, r])?)))
}

#[doc = "a to the power b."]
#[pyfunction]
#[pyo3(name = "power", signature = (a, b, /, *, stream = None), text_signature = "(a, b, /, *, stream=None)")]
fn py_power(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::power(a, b)?)))
}

#[doc = "The larger of the two; NaN if either is."]
#[pyfunction]
#[pyo3(name = "maximum", signature = (a, b, /, *, stream = None), text_signature = "(a, b, /, *, stream=None)")]
fn py_maximum(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::maximum(a, b)?)))
}

#[doc = "The smaller of the two; NaN if either is."]
#[pyfunction]
#[pyo3(name = "minimum", signature = (a, b, /, *, stream = None), text_signature = "(a, b, /, *, stream=None)")]
fn py_minimum(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::minimum(a, b)?)))
}

#[doc = "Angle of the point (b, a)."]
#[pyfunction]
#[pyo3(name = "arctan2", signature = (a, b, /, *, stream = None), text_signature = "(a, b, /, *, stream=None)")]
fn py_arctan2(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::arctan2(a, b)?)))
}

#[doc = "log(exp(a) + exp(b))."]
#[pyfunction]
#[pyo3(name = "logaddexp", signature = (a, b, /, *, stream = None), text_signature = "(a, b, /, *, stream=None)")]
fn py_logaddexp(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::logaddexp(a, b)?)))
}

#[doc = "a == b."]
#[pyfunction]
#[pyo3(name = "equal", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_equal(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::equal(a, b)?)))
}

#[doc = "a != b."]
#[pyfunction]
#[pyo3(name = "not_equal", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_not_equal(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::not_equal(a, b)?)))
}

#[doc = "a < b."]
#[pyfunction]
#[pyo3(name = "less", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_less(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::less(a, b)?)))
}

#[doc = "a <= b."]
#[pyfunction]
#[pyo3(name = "less_equal", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_less_equal(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::less_equal(a, b)?)))
}

#[doc = "a > b."]
#[pyfunction]
#[pyo3(name = "greater", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_greater(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::greater(a, b)?)))
}

#[doc = "a >= b."]
#[pyfunction]
#[pyo3(name = "greater_equal", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_greater_equal(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::greater_equal(a, b)?)))
}

#[doc = "Both nonzero."]
#[pyfunction]
#[pyo3(name = "logical_and", signature = (a, b, /, *, stream = None), text_signature = "(a, b, /, *, stream=None)")]
fn py_logical_and(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::logical_and(a, b)?)))
}

#[doc = "Either nonzero."]
#[pyfunction]
#[pyo3(name = "logical_or", signature = (a, b, /, *, stream = None), text_signature = "(a, b, /, *, stream=None)")]
fn py_logical_or(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::logical_or(a, b)?)))
}

#[doc = "Exactly one nonzero."]
#[pyfunction]
#[pyo3(name = "logical_xor", signature = (a, b, /, *, stream = None), text_signature = "(a, b, /, *, stream=None)")]
fn py_logical_xor(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::logical_xor(a, b)?)))
}

#[doc = "Bits of both."]
#[pyfunction]
#[pyo3(name = "bitwise_and", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_bitwise_and(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::bitwise_and(a, b)?)))
}

#[doc = "Bits of either."]
#[pyfunction]
#[pyo3(name = "bitwise_or", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_bitwise_or(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::bitwise_or(a, b)?)))
}

#[doc = "Bits of exactly one."]
#[pyfunction]
#[pyo3(name = "bitwise_xor", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_bitwise_xor(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::bitwise_xor(a, b)?)))
}

#[doc = "a shifted left by b bits."]
#[pyfunction]
#[pyo3(name = "left_shift", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_left_shift(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::left_shift(a, b)?)))
}

#[doc = "a shifted right by b bits."]
#[pyfunction]
#[pyo3(name = "right_shift", signature = (a, b, stream = None), text_signature = "(a, b, stream=None)")]
fn py_right_shift(mut a: Operand, mut b: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut a), Some(&mut b)])?;
    let a = &a;
    let b = &b;
    stream::on(stream, || Ok(Returned::from(ops::right_shift(a, b)?)))
}

#[doc = "Same shape and all elements equal."]
#[pyfunction]
#[pyo3(name = "array_equal", signature = (a, b, equal_nan = false, stream = None), text_signature = "(a, b, equal_nan=False, stream=None)")]
fn py_array_equal(a: Arr, b: Arr, equal_nan: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let b = &b.0;
    stream::on(stream, || Ok(Returned::from(ops::array_equal(a, b, equal_nan)?)))
}

#[doc = "|a - b| <= atol + rtol |b|."]
#[pyfunction]
#[pyo3(name = "isclose", signature = (a, b, /, rtol = 1e-05, atol = 1e-08, *, equal_nan = false, stream = None), text_signature = "(a, b, /, rtol=1e-05, atol=1e-08, *, equal_nan=False, stream=None)")]
fn py_isclose(a: Arr, b: Arr, rtol: f64, atol: f64, equal_nan: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let b = &b.0;
    stream::on(stream, || Ok(Returned::from(ops::isclose(a, b, rtol, atol, equal_nan)?)))
}

#[doc = "All elements close."]
#[pyfunction]
#[pyo3(name = "allclose", signature = (a, b, /, rtol = 1e-05, atol = 1e-08, *, equal_nan = false, stream = None), text_signature = "(a, b, /, rtol=1e-05, atol=1e-08, *, equal_nan=False, stream=None)")]
fn py_allclose(a: Arr, b: Arr, rtol: f64, atol: f64, equal_nan: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let b = &b.0;
    stream::on(stream, || Ok(Returned::from(ops::allclose(a, b, rtol, atol, equal_nan)?)))
}

#[doc = "Held between a_min and a_max, either of which may be None."]
#[pyfunction]
#[pyo3(name = "clip", signature = (a, /, a_min = None, a_max = None, *, stream = None), text_signature = "(a, /, a_min=None, a_max=None, *, stream=None)")]
fn py_clip(a: Arr, mut a_min: Option<Operand>, mut a_max: Option<Operand>, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([a_min.as_mut(), a_max.as_mut()])?;
    let a = &a.0;
    let a_min = a_min.as_ref();
    let a_max = a_max.as_ref();
    stream::on(stream, || Ok(Returned::from(convert::clip(a, a_min, a_max)?)))
}

#[doc = "x where the condition holds, else y."]
#[pyfunction]
#[pyo3(name = "where", signature = (condition, x, y, /, *, stream = None), text_signature = "(condition, x, y, /, *, stream=None)")]
fn py_where(condition: Arr, mut x: Operand, mut y: Operand, stream: Option<StreamArg>) -> R<Returned> {
    convert::settle([Some(&mut x), Some(&mut y)])?;
    let condition = &condition.0;
    let x = &x;
    let y = &y;
    stream::on(stream, || Ok(Returned::from(ops::where_(condition, x, y)?)))
}

#[doc = "True where all are nonzero."]
#[pyfunction]
#[pyo3(name = "all", signature = (a, /, axis = None, keepdims = false, *, stream = None), text_signature = "(a, /, axis=None, keepdims=False, *, stream=None)")]
fn py_all(a: Arr, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::all(a, axis, keepdims)?)))
}

#[doc = "True where any is nonzero."]
#[pyfunction]
#[pyo3(name = "any", signature = (a, /, axis = None, keepdims = false, *, stream = None), text_signature = "(a, /, axis=None, keepdims=False, *, stream=None)")]
fn py_any(a: Arr, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::any(a, axis, keepdims)?)))
}

#[doc = "Sum."]
#[pyfunction]
#[pyo3(name = "sum", signature = (a, /, axis = None, keepdims = false, *, stream = None), text_signature = "(a, /, axis=None, keepdims=False, *, stream=None)")]
fn py_sum(a: Arr, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::sum(a, axis, keepdims)?)))
}

#[doc = "Product."]
#[pyfunction]
#[pyo3(name = "prod", signature = (a, /, axis = None, keepdims = false, *, stream = None), text_signature = "(a, /, axis=None, keepdims=False, *, stream=None)")]
fn py_prod(a: Arr, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::prod(a, axis, keepdims)?)))
}

#[doc = "Smallest; NaN if any is."]
#[pyfunction]
#[pyo3(name = "min", signature = (a, /, axis = None, keepdims = false, *, stream = None), text_signature = "(a, /, axis=None, keepdims=False, *, stream=None)")]
fn py_min(a: Arr, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::min(a, axis, keepdims)?)))
}

#[doc = "Largest; NaN if any is."]
#[pyfunction]
#[pyo3(name = "max", signature = (a, /, axis = None, keepdims = false, *, stream = None), text_signature = "(a, /, axis=None, keepdims=False, *, stream=None)")]
fn py_max(a: Arr, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::max(a, axis, keepdims)?)))
}

#[doc = "Smallest and largest."]
#[pyfunction]
#[pyo3(name = "minmax", signature = (a, /, axis = None, keepdims = false, *, stream = None), text_signature = "(a, /, axis=None, keepdims=False, *, stream=None)")]
fn py_minmax(a: Arr, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::pair(ops::minmax(a, axis, keepdims)?)))
}

#[doc = "Mean."]
#[pyfunction]
#[pyo3(name = "mean", signature = (a, /, axis = None, keepdims = false, *, stream = None), text_signature = "(a, /, axis=None, keepdims=False, *, stream=None)")]
fn py_mean(a: Arr, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::mean(a, axis, keepdims)?)))
}

#[doc = "Median."]
#[pyfunction]
#[pyo3(name = "median", signature = (a, /, axis = None, keepdims = false, *, stream = None), text_signature = "(a, /, axis=None, keepdims=False, *, stream=None)")]
fn py_median(a: Arr, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::median(a, axis, keepdims)?)))
}

#[doc = "Variance, n - ddof in the denominator. correction is another name of ddof."]
#[pyfunction]
#[pyo3(name = "var", signature = (a, /, axis = None, keepdims = false, ddof = 0, *, correction = None, stream = None), text_signature = "(a, /, axis=None, keepdims=False, ddof=0, *, correction=None, stream=None)")]
fn py_var(
    a: Arr,
    axis: Option<Axes>,
    keepdims: bool,
    ddof: i64,
    correction: Option<i64>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let a = &a.0;
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::var(a, axis, keepdims, correction.unwrap_or(ddof))?)))
}

#[doc = "Standard deviation. correction is another name of ddof."]
#[pyfunction]
#[pyo3(name = "std", signature = (a, /, axis = None, keepdims = false, ddof = 0, *, correction = None, stream = None), text_signature = "(a, /, axis=None, keepdims=False, ddof=0, *, correction=None, stream=None)")]
fn py_std(
    a: Arr,
    axis: Option<Axes>,
    keepdims: bool,
    ddof: i64,
    correction: Option<i64>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let a = &a.0;
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::std(a, axis, keepdims, correction.unwrap_or(ddof))?)))
}

#[doc = "log(sum(exp(a)))."]
#[pyfunction]
#[pyo3(name = "logsumexp", signature = (a, /, axis = None, keepdims = false, *, stream = None), text_signature = "(a, /, axis=None, keepdims=False, *, stream=None)")]
fn py_logsumexp(a: Arr, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::logsumexp(a, axis, keepdims)?)))
}

#[doc = "How many are nonzero."]
#[pyfunction]
#[pyo3(name = "count_nonzero", signature = (a, /, *, axis = None, keepdims = false, stream = None), text_signature = "(a, /, *, axis=None, keepdims=False, stream=None)")]
fn py_count_nonzero(a: Arr, axis: Option<Axes>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::count_nonzero(a, axis, keepdims)?)))
}

#[doc = "Position of the first smallest."]
#[pyfunction]
#[pyo3(name = "argmin", signature = (a, /, axis = None, keepdims = false, *, stream = None), text_signature = "(a, /, axis=None, keepdims=False, *, stream=None)")]
fn py_argmin(a: Arr, axis: Option<i64>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::argmin(convert::nonempty("argmin", a)?, axis, keepdims)?)))
}

#[doc = "Position of the first largest."]
#[pyfunction]
#[pyo3(name = "argmax", signature = (a, /, axis = None, keepdims = false, *, stream = None), text_signature = "(a, /, axis=None, keepdims=False, *, stream=None)")]
fn py_argmax(a: Arr, axis: Option<i64>, keepdims: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::argmax(convert::nonempty("argmax", a)?, axis, keepdims)?)))
}

#[doc = "exp(a) / sum(exp(a))."]
#[pyfunction]
#[pyo3(name = "softmax", signature = (a, /, axis = None, *, precise = false, stream = None), text_signature = "(a, /, axis=None, *, precise=False, stream=None)")]
fn py_softmax(a: Arr, axis: Option<Axes>, precise: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::softmax(a, axis, precise)?)))
}

#[doc = "Running sum."]
#[pyfunction]
#[pyo3(name = "cumsum", signature = (a, /, axis = None, *, reverse = false, inclusive = true, dtype = None, stream = None), text_signature = "(a, /, axis=None, *, reverse=False, inclusive=True, dtype=None, stream=None)")]
fn py_cumsum(
    a: Arr,
    axis: Option<i64>,
    reverse: bool,
    inclusive: bool,
    dtype: Option<Dt>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let a = &a.0;
    let dtype = dtype.map(|x| x.0);
    stream::on(stream, || Ok(Returned::from(ops::cumsum(&as_dtype(a, dtype)?, axis, reverse, inclusive)?)))
}

#[doc = "Running product."]
#[pyfunction]
#[pyo3(name = "cumprod", signature = (a, /, axis = None, *, reverse = false, inclusive = true, dtype = None, stream = None), text_signature = "(a, /, axis=None, *, reverse=False, inclusive=True, dtype=None, stream=None)")]
fn py_cumprod(
    a: Arr,
    axis: Option<i64>,
    reverse: bool,
    inclusive: bool,
    dtype: Option<Dt>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let a = &a.0;
    let dtype = dtype.map(|x| x.0);
    stream::on(stream, || Ok(Returned::from(ops::cumprod(&as_dtype(a, dtype)?, axis, reverse, inclusive)?)))
}

#[doc = "Running maximum."]
#[pyfunction]
#[pyo3(name = "cummax", signature = (a, /, axis = None, *, reverse = false, inclusive = true, stream = None), text_signature = "(a, /, axis=None, *, reverse=False, inclusive=True, stream=None)")]
fn py_cummax(a: Arr, axis: Option<i64>, reverse: bool, inclusive: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::cummax(a, axis, reverse, inclusive)?)))
}

#[doc = "Running minimum."]
#[pyfunction]
#[pyo3(name = "cummin", signature = (a, /, axis = None, *, reverse = false, inclusive = true, stream = None), text_signature = "(a, /, axis=None, *, reverse=False, inclusive=True, stream=None)")]
fn py_cummin(a: Arr, axis: Option<i64>, reverse: bool, inclusive: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::cummin(a, axis, reverse, inclusive)?)))
}

#[doc = "Running log(sum(exp(a)))."]
#[pyfunction]
#[pyo3(name = "logcumsumexp", signature = (a, /, axis = None, *, reverse = false, inclusive = true, stream = None), text_signature = "(a, /, axis=None, *, reverse=False, inclusive=True, stream=None)")]
fn py_logcumsumexp(
    a: Arr,
    axis: Option<i64>,
    reverse: bool,
    inclusive: bool,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(convert::logcumsumexp(a, axis, reverse, inclusive)?)))
}

#[doc = "In ascending order, NaN last."]
#[pyfunction]
#[pyo3(name = "sort", signature = (a, /, axis = Some(-1), *, stream = None), text_signature = "(a, /, axis=-1, *, stream=None)")]
fn py_sort(a: Arr, axis: Option<i64>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::sort(a, axis)?)))
}

#[doc = "Positions that sort; equals keep their order."]
#[pyfunction]
#[pyo3(name = "argsort", signature = (a, /, axis = Some(-1), *, stream = None), text_signature = "(a, /, axis=-1, *, stream=None)")]
fn py_argsort(a: Arr, axis: Option<i64>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::argsort(a, axis)?)))
}

#[doc = "The kth element in its sorted place, none larger before it."]
#[pyfunction]
#[pyo3(name = "partition", signature = (a, /, kth, axis = Some(-1), *, stream = None), text_signature = "(a, /, kth, axis=-1, *, stream=None)")]
fn py_partition(a: Arr, kth: i64, axis: Option<i64>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::partition(a, kth, axis)?)))
}

#[doc = "Positions that partition."]
#[pyfunction]
#[pyo3(name = "argpartition", signature = (a, /, kth, axis = Some(-1), *, stream = None), text_signature = "(a, /, kth, axis=-1, *, stream=None)")]
fn py_argpartition(a: Arr, kth: i64, axis: Option<i64>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::argpartition(a, kth, axis)?)))
}

#[doc = "The k largest, in no particular order."]
#[pyfunction]
#[pyo3(name = "topk", signature = (a, /, k, axis = Some(-1), *, stream = None), text_signature = "(a, /, k, axis=-1, *, stream=None)")]
fn py_topk(a: Arr, k: i64, axis: Option<i64>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::topk(a, convert::count("topk", k)?, axis)?)))
}

#[doc = "Where values would be put into a sorted sequence."]
#[pyfunction]
#[pyo3(name = "searchsorted", signature = (sorted_sequence, values, /, side = Text::from("left"), *, stream = None), text_signature = "(sorted_sequence, values, /, side='left', *, stream=None)")]
fn py_searchsorted(sorted_sequence: Arr, values: Arr, side: Text, stream: Option<StreamArg>) -> R<Returned> {
    let sorted_sequence = &sorted_sequence.0;
    let values = &values.0;
    let side = side.0.as_str();
    stream::on(stream, || Ok(Returned::from(ops::searchsorted(sorted_sequence, values, side)?)))
}

#[doc = "Evenly spaced numbers from start (0) to stop, excluding it."]
#[pyfunction]
#[pyo3(name = "arange", signature = (start = None, stop = None, step = None, dtype = None, *, stream = None), text_signature = "(start=None, stop=None, step=None, dtype=None, *, stream=None)")]
fn py_arange(
    start: Option<Number>,
    stop: Option<Number>,
    step: Option<Number>,
    dtype: Option<Dt>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let start = start.map(|x| x.0);
    let stop = stop.map(|x| x.0);
    let step = step.map(|x| x.0);
    let dtype = dtype.map(|x| x.0);
    stream::on(stream, || Ok(Returned::from(create::arange(start, stop, step, dtype)?)))
}

#[doc = "So many evenly spaced numbers from start to stop."]
#[pyfunction]
#[pyo3(name = "linspace", signature = (start, stop, num = Some(50), endpoint = true, dtype = None, stream = None), text_signature = "(start, stop, num=50, endpoint=True, dtype=None, stream=None)")]
fn py_linspace(
    start: Number,
    stop: Number,
    num: Option<i64>,
    endpoint: bool,
    dtype: Option<Dt>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let start = start.0;
    let stop = stop.0;
    let dtype = dtype.map(|x| x.0).unwrap_or(DType::F32);
    stream::on(stream, || Ok(Returned::from(create::linspace(start, stop, num.unwrap_or(50), endpoint, dtype)?)))
}

#[doc = "Filled with a value."]
#[pyfunction]
#[pyo3(name = "full", signature = (shape, vals, dtype = None, *, stream = None), text_signature = "(shape, vals, dtype=None, *, stream=None)")]
fn py_full(shape: Shape, vals: Operand, dtype: Option<Dt>, stream: Option<StreamArg>) -> R<Returned> {
    let shape = shape.0.as_slice();
    let vals = &vals;
    let dtype = dtype.map(|x| x.0);
    stream::on(stream, || Ok(Returned::from(create::full(shape, vals, dtype)?)))
}

#[doc = "As another array, filled with a value."]
#[pyfunction]
#[pyo3(name = "full_like", signature = (a, vals, dtype = None, *, stream = None), text_signature = "(a, vals, dtype=None, *, stream=None)")]
fn py_full_like(a: Arr, vals: Operand, dtype: Option<Dt>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let vals = &vals;
    let dtype = dtype.map(|x| x.0);
    stream::on(stream, || Ok(Returned::from(create::full_like(a.shape(), vals, dtype.unwrap_or(a.dtype()))?)))
}

#[doc = "Zeros."]
#[pyfunction]
#[pyo3(name = "zeros", signature = (shape, dtype = None, *, stream = None), text_signature = "(shape, dtype=None, *, stream=None)")]
fn py_zeros(shape: Shape, dtype: Option<Dt>, stream: Option<StreamArg>) -> R<Returned> {
    let shape = shape.0.as_slice();
    let dtype = dtype.map(|x| x.0).unwrap_or(DType::F32);
    stream::on(stream, || Ok(Returned::from(ops::zeros(shape, dtype)?)))
}

#[doc = "Ones."]
#[pyfunction]
#[pyo3(name = "ones", signature = (shape, dtype = None, *, stream = None), text_signature = "(shape, dtype=None, *, stream=None)")]
fn py_ones(shape: Shape, dtype: Option<Dt>, stream: Option<StreamArg>) -> R<Returned> {
    let shape = shape.0.as_slice();
    let dtype = dtype.map(|x| x.0).unwrap_or(DType::F32);
    stream::on(stream, || Ok(Returned::from(ops::ones(shape, dtype)?)))
}

#[doc = "Zeros of the shape of another array."]
#[pyfunction]
#[pyo3(name = "zeros_like", signature = (a, /, dtype = None, *, stream = None), text_signature = "(a, /, dtype=None, *, stream=None)")]
fn py_zeros_like(a: Arr, dtype: Option<Dt>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let dtype = dtype.map(|x| x.0);
    stream::on(stream, || Ok(Returned::from(ops::zeros(a.shape(), dtype.unwrap_or(a.dtype()))?)))
}

#[doc = "Ones of the shape of another array."]
#[pyfunction]
#[pyo3(name = "ones_like", signature = (a, /, dtype = None, *, stream = None), text_signature = "(a, /, dtype=None, *, stream=None)")]
fn py_ones_like(a: Arr, dtype: Option<Dt>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let dtype = dtype.map(|x| x.0);
    stream::on(stream, || Ok(Returned::from(ops::ones(a.shape(), dtype.unwrap_or(a.dtype()))?)))
}

#[doc = "Ones on the k-th diagonal."]
#[pyfunction]
#[pyo3(name = "eye", signature = (n, m = None, k = 0, dtype = None, *, stream = None), text_signature = "(n, m=None, k=0, dtype=None, *, stream=None)")]
fn py_eye(n: i64, m: Option<i64>, k: i64, dtype: Option<Dt>, stream: Option<StreamArg>) -> R<Returned> {
    let dtype = dtype.map(|x| x.0).unwrap_or(DType::F32);
    stream::on(stream, || Ok(Returned::from(create::eye(n, m, k, dtype)?)))
}

#[doc = "Identity matrix."]
#[pyfunction]
#[pyo3(name = "identity", signature = (n, dtype = None, *, stream = None), text_signature = "(n, dtype=None, *, stream=None)")]
fn py_identity(n: i64, dtype: Option<Dt>, stream: Option<StreamArg>) -> R<Returned> {
    let dtype = dtype.map(|x| x.0).unwrap_or(DType::F32);
    stream::on(stream, || Ok(Returned::from(create::eye(n, None, 0, dtype)?)))
}

#[doc = "Ones at and below the k-th diagonal."]
#[pyfunction]
#[pyo3(name = "tri", signature = (n, m = None, k = 0, dtype = None, *, stream = None), text_signature = "(n, m=None, k=0, dtype=None, *, stream=None)")]
fn py_tri(n: i64, m: Option<i64>, k: i64, dtype: Option<Dt>, stream: Option<StreamArg>) -> R<Returned> {
    let dtype = dtype.map(|x| x.0).unwrap_or(DType::F32);
    stream::on(stream, || Ok(Returned::from(create::tri(n, m, k, dtype)?)))
}

#[doc = "Zeros above the k-th diagonal."]
#[pyfunction]
#[pyo3(name = "tril", signature = (x, k = 0, *, stream = None), text_signature = "(x, k=0, *, stream=None)")]
fn py_tril(x: Arr, k: i64, stream: Option<StreamArg>) -> R<Returned> {
    let x = &x.0;
    stream::on(stream, || Ok(Returned::from(ops::tril(x, k)?)))
}

#[doc = "Zeros below the k-th diagonal."]
#[pyfunction]
#[pyo3(name = "triu", signature = (x, k = 0, *, stream = None), text_signature = "(x, k=0, *, stream=None)")]
fn py_triu(x: Arr, k: i64, stream: Option<StreamArg>) -> R<Returned> {
    let x = &x.0;
    stream::on(stream, || Ok(Returned::from(ops::triu(x, k)?)))
}

#[doc = "The k-th diagonal of a matrix, or a matrix with it."]
#[pyfunction]
#[pyo3(name = "diag", signature = (a, /, k = 0, *, stream = None), text_signature = "(a, /, k=0, *, stream=None)")]
fn py_diag(a: Arr, k: i64, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::diag(a, k)?)))
}

#[doc = "A diagonal of two axes."]
#[pyfunction]
#[pyo3(name = "diagonal", signature = (a, offset = 0, axis1 = 0, axis2 = 1, stream = None), text_signature = "(a, offset=0, axis1=0, axis2=1, stream=None)")]
fn py_diagonal(a: Arr, offset: i64, axis1: i64, axis2: i64, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::diagonal(a, offset, axis1, axis2)?)))
}

#[doc = "Sum of a diagonal."]
#[pyfunction]
#[pyo3(name = "trace", signature = (a, /, offset = 0, axis1 = 0, axis2 = 1, dtype = None, *, stream = None), text_signature = "(a, /, offset=0, axis1=0, axis2=1, dtype=None, *, stream=None)")]
fn py_trace(a: Arr, offset: i64, axis1: i64, axis2: i64, dtype: Option<Dt>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let dtype = dtype.map(|x| x.0);
    stream::on(stream, || Ok(Returned::from(ops::trace(a, offset, axis1, axis2, dtype)?)))
}

#[doc = "Hann window."]
#[pyfunction]
#[pyo3(name = "hanning", signature = (M, *, stream = None), text_signature = "(M, *, stream=None)")]
fn py_hanning(M: i64, stream: Option<StreamArg>) -> R<Returned> {
    stream::on(stream, || Ok(Returned::from(create::window(M, create::Window::Hanning)?)))
}

#[doc = "Hamming window."]
#[pyfunction]
#[pyo3(name = "hamming", signature = (M, *, stream = None), text_signature = "(M, *, stream=None)")]
fn py_hamming(M: i64, stream: Option<StreamArg>) -> R<Returned> {
    stream::on(stream, || Ok(Returned::from(create::window(M, create::Window::Hamming)?)))
}

#[doc = "Blackman window."]
#[pyfunction]
#[pyo3(name = "blackman", signature = (M, *, stream = None), text_signature = "(M, *, stream=None)")]
fn py_blackman(M: i64, stream: Option<StreamArg>) -> R<Returned> {
    stream::on(stream, || Ok(Returned::from(create::window(M, create::Window::Blackman)?)))
}

#[doc = "Bartlett window."]
#[pyfunction]
#[pyo3(name = "bartlett", signature = (M, *, stream = None), text_signature = "(M, *, stream=None)")]
fn py_bartlett(M: i64, stream: Option<StreamArg>) -> R<Returned> {
    stream::on(stream, || Ok(Returned::from(create::window(M, create::Window::Bartlett)?)))
}

#[doc = "Converted to another dtype."]
#[pyfunction]
#[pyo3(name = "astype", signature = (a, dtype, /, *, stream = None), text_signature = "(a, dtype, /, *, stream=None)")]
fn py_astype(a: Arr, dtype: Dt, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let dtype = dtype.0;
    stream::on(stream, || Ok(Returned::from(ops::astype(a, dtype)?)))
}

#[doc = "The same bytes read as another dtype."]
#[pyfunction]
#[pyo3(name = "view", signature = (a, dtype, stream = None), text_signature = "(a, dtype, stream=None)")]
fn py_view(a: Arr, dtype: Dt, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let dtype = dtype.0;
    stream::on(stream, || Ok(Returned::from(ops::view(a, dtype)?)))
}

#[doc = "The same elements in another shape; one size may be -1."]
#[pyfunction]
#[pyo3(name = "reshape", signature = (a, /, shape, *, stream = None), text_signature = "(a, /, shape, *, stream=None)")]
fn py_reshape(a: Arr, shape: IntSeq, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let shape = shape.0.as_slice();
    stream::on(stream, || Ok(Returned::from(ops::reshape(a, shape)?)))
}

#[doc = "Axes merged into one."]
#[pyfunction]
#[pyo3(name = "flatten", signature = (a, /, start_axis = 0, end_axis = -1, *, stream = None), text_signature = "(a, /, start_axis=0, end_axis=-1, *, stream=None)")]
fn py_flatten(a: Arr, start_axis: i64, end_axis: i64, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::flatten(a, start_axis, end_axis)?)))
}

#[doc = "One axis split into several."]
#[pyfunction]
#[pyo3(name = "unflatten", signature = (a, /, axis, shape, *, stream = None), text_signature = "(a, /, axis, shape, *, stream=None)")]
fn py_unflatten(a: Arr, axis: i64, shape: IntSeq, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let shape = shape.0.as_slice();
    stream::on(stream, || Ok(Returned::from(ops::unflatten(a, axis, shape)?)))
}

#[doc = "Axes of size one removed."]
#[pyfunction]
#[pyo3(name = "squeeze", signature = (a, /, axis = None, *, stream = None), text_signature = "(a, /, axis=None, *, stream=None)")]
fn py_squeeze(a: Arr, axis: Option<Axes>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::squeeze(a, axis)?)))
}

#[doc = "New axes of size one."]
#[pyfunction]
#[pyo3(name = "expand_dims", signature = (a, /, axis, *, stream = None), text_signature = "(a, /, axis, *, stream=None)")]
fn py_expand_dims(a: Arr, axis: Axes, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axis = axis.0.as_slice();
    stream::on(stream, || Ok(Returned::from(ops::expand_dims(a, axis)?)))
}

#[doc = "Axes permuted; reversed by default."]
#[pyfunction]
#[pyo3(name = "transpose", signature = (a, /, axes = None, *, stream = None), text_signature = "(a, /, axes=None, *, stream=None)")]
fn py_transpose(a: Arr, axes: Option<IntSeq>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axes = axes.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::transpose(a, axes)?)))
}

#[doc = "The last two axes exchanged."]
#[pyfunction]
#[pyo3(name = "matrix_transpose", signature = (a, /, *, stream = None), text_signature = "(a, /, *, stream=None)")]
fn py_matrix_transpose(a: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::matrix_transpose(a)?)))
}

#[doc = "Two axes exchanged."]
#[pyfunction]
#[pyo3(name = "swapaxes", signature = (a, /, axis1, axis2, *, stream = None), text_signature = "(a, /, axis1, axis2, *, stream=None)")]
fn py_swapaxes(a: Arr, axis1: i64, axis2: i64, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::swapaxes(a, axis1, axis2)?)))
}

#[doc = "One axis moved."]
#[pyfunction]
#[pyo3(name = "moveaxis", signature = (a, /, source, destination, *, stream = None), text_signature = "(a, /, source, destination, *, stream=None)")]
fn py_moveaxis(a: Arr, source: i64, destination: i64, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::moveaxis(a, source, destination)?)))
}

#[doc = "Repeated to a shape, without a copy."]
#[pyfunction]
#[pyo3(name = "broadcast_to", signature = (a, /, shape, *, stream = None), text_signature = "(a, /, shape, *, stream=None)")]
fn py_broadcast_to(a: Arr, shape: Shape, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let shape = shape.0.as_slice();
    stream::on(stream, || Ok(Returned::from(ops::broadcast_to(a, shape)?)))
}

#[doc = "In row-major order (a computed column-major array passes with allow_col_major)."]
#[pyfunction]
#[pyo3(name = "contiguous", signature = (a, /, allow_col_major = false, *, stream = None), text_signature = "(a, /, allow_col_major=False, *, stream=None)")]
fn py_contiguous(a: Arr, allow_col_major: bool, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(convert::contiguous(a, allow_col_major)?)))
}

#[doc = "Any strides over the elements; every element must lie inside the array."]
#[pyfunction]
#[pyo3(name = "as_strided", signature = (a, /, shape = None, strides = None, offset = 0, *, stream = None), text_signature = "(a, /, shape=None, strides=None, offset=0, *, stream=None)")]
fn py_as_strided(
    a: Arr,
    shape: Option<IntSeq>,
    strides: Option<IntSeq>,
    offset: i64,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let a = &a.0;
    let shape = shape.as_ref().map(|x| x.0.as_slice());
    let strides = strides.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(convert::as_strided(a, shape, strides, offset)?)))
}

#[doc = "One after another along an axis; flattened first with axis=None."]
#[pyfunction]
#[pyo3(name = "concatenate", signature = (arrays, axis = Some(0), *, stream = None), text_signature = "(arrays, axis=0, *, stream=None)")]
fn py_concatenate(arrays: Arrays, axis: Option<i64>, stream: Option<StreamArg>) -> R<Returned> {
    let arrays = arrays.0.as_slice();
    stream::on(stream, || Ok(Returned::from(convert::concatenate(arrays, axis)?)))
}

#[doc = "Along a new axis."]
#[pyfunction]
#[pyo3(name = "stack", signature = (arrays, axis = Some(0), *, stream = None), text_signature = "(arrays, axis=0, *, stream=None)")]
fn py_stack(arrays: Arrays, axis: Option<i64>, stream: Option<StreamArg>) -> R<Returned> {
    let arrays = arrays.0.as_slice();
    stream::on(stream, || Ok(Returned::from(ops::stack(arrays, axis.unwrap_or(0))?)))
}

#[doc = "Equal parts, or the parts between indices."]
#[pyfunction]
#[pyo3(name = "split", signature = (a, /, indices_or_sections, axis = 0, *, stream = None), text_signature = "(a, /, indices_or_sections, axis=0, *, stream=None)")]
fn py_split(a: Arr, indices_or_sections: IntOrSeq, axis: i64, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let indices_or_sections = &indices_or_sections;
    stream::on(stream, || Ok(Returned::from(convert::split(a, indices_or_sections, axis)?)))
}

#[doc = "The slices along an axis."]
#[pyfunction]
#[pyo3(name = "unstack", signature = (x, /, *, axis = 0, stream = None), text_signature = "(x, /, *, axis=0, stream=None)")]
fn py_unstack(x: Arr, axis: i64, stream: Option<StreamArg>) -> R<Returned> {
    let x = &x.0;
    stream::on(stream, || Ok(Returned::tuple(ops::unstack(x, axis)?)))
}

#[doc = "Each element so many times."]
#[pyfunction]
#[pyo3(name = "repeat", signature = (array, repeats, axis = None, *, stream = None), text_signature = "(array, repeats, axis=None, *, stream=None)")]
fn py_repeat(array: Arr, repeats: i64, axis: Option<i64>, stream: Option<StreamArg>) -> R<Returned> {
    let array = &array.0;
    stream::on(stream, || Ok(Returned::from(ops::repeat(array, convert::count("repeat", repeats)?, axis)?)))
}

#[doc = "The whole array so many times along each axis."]
#[pyfunction]
#[pyo3(name = "tile", signature = (a, reps, /, *, stream = None), text_signature = "(a, reps, /, *, stream=None)")]
fn py_tile(a: Arr, reps: Shape, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let reps = reps.0.as_slice();
    stream::on(stream, || Ok(Returned::from(ops::tile(a, reps)?)))
}

#[doc = "In reverse order."]
#[pyfunction]
#[pyo3(name = "flip", signature = (a, /, axis = None, *, stream = None), text_signature = "(a, /, axis=None, *, stream=None)")]
fn py_flip(a: Arr, axis: Option<Axes>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::flip(a, axis)?)))
}

#[doc = "Moved by shift; what leaves comes back at the other end."]
#[pyfunction]
#[pyo3(name = "roll", signature = (a, shift, axis = None, *, stream = None), text_signature = "(a, shift, axis=None, *, stream=None)")]
fn py_roll(a: Arr, shift: Axes, axis: Option<Axes>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let shift = shift.0.as_slice();
    let axis = axis.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::roll(a, shift, axis)?)))
}

#[doc = "Elements added before and after along each axis."]
#[pyfunction]
#[pyo3(name = "pad", signature = (a, pad_width, mode = Text::from("constant"), constant_values = Operand::int(0), *, stream = None), text_signature = "(a, pad_width, mode='constant', constant_values=0, *, stream=None)")]
fn py_pad<'py>(
    a: Arr,
    pad_width: Bound<'py, PyAny>,
    mode: Text,
    constant_values: Operand,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let a = &a.0;
    let pad_width = &pad_width;
    let mode = mode.0.as_str();
    let constant_values = &constant_values;
    stream::on(stream, || Ok(Returned::from(convert::pad(a, pad_width, mode, constant_values)?)))
}

#[doc = "n-th differences of neighbours."]
#[pyfunction]
#[pyo3(name = "diff", signature = (a, /, n = 1, axis = -1, *, stream = None), text_signature = "(a, /, n=1, axis=-1, *, stream=None)")]
fn py_diff(a: Arr, n: i64, axis: i64, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::diff(a, n, axis)?)))
}

#[doc = "Elements at indices along an axis."]
#[pyfunction]
#[pyo3(name = "take", signature = (a, /, indices, axis = None, *, stream = None), text_signature = "(a, /, indices, axis=None, *, stream=None)")]
fn py_take(a: Arr, indices: Arr, axis: Option<i64>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let indices = &indices.0;
    stream::on(stream, || Ok(Returned::from(ops::take(a, indices, axis)?)))
}

#[doc = "Elements at indices, matched along the other axes."]
#[pyfunction]
#[pyo3(name = "take_along_axis", signature = (a, /, indices, axis = Some(-1), *, stream = None), text_signature = "(a, /, indices, axis=-1, *, stream=None)")]
fn py_take_along_axis(a: Arr, indices: Arr, axis: Option<i64>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let indices = &indices.0;
    stream::on(stream, || Ok(Returned::from(ops::take_along_axis(a, indices, axis)?)))
}

#[doc = "Elements at indices replaced."]
#[pyfunction]
#[pyo3(name = "put_along_axis", signature = (a, /, indices, values, axis = None, *, stream = None), text_signature = "(a, /, indices, values, axis=None, *, stream=None)")]
fn py_put_along_axis(a: Arr, indices: Arr, values: Arr, axis: Option<i64>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let indices = &indices.0;
    let values = &values.0;
    stream::on(stream, || Ok(Returned::from(ops::put_along_axis(a, indices, values, axis)?)))
}

#[doc = "A box whose start is an array."]
#[pyfunction]
#[pyo3(name = "slice", signature = (a, start_indices, axes, slice_size, *, stream = None), text_signature = "(a, start_indices, axes, slice_size, *, stream=None)")]
fn py_slice(a: Arr, start_indices: Arr, axes: IntSeq, slice_size: ShapeSeq, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let start_indices = &start_indices.0;
    let axes = axes.0.as_slice();
    let slice_size = slice_size.0.as_slice();
    stream::on(stream, || Ok(Returned::from(ops::dynamic_slice(a, start_indices, axes, slice_size)?)))
}

#[doc = "A box, whose start is an array, replaced."]
#[pyfunction]
#[pyo3(name = "slice_update", signature = (a, update, start_indices, axes, *, stream = None), text_signature = "(a, update, start_indices, axes, *, stream=None)")]
fn py_slice_update(a: Arr, update: Arr, start_indices: Arr, axes: IntSeq, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let update = &update.0;
    let start_indices = &start_indices.0;
    let axes = axes.0.as_slice();
    stream::on(stream, || Ok(Returned::from(ops::dynamic_slice_update(a, update, start_indices, axes)?)))
}

#[doc = "Matrix product."]
#[pyfunction]
#[pyo3(name = "matmul", signature = (a, b, /, *, stream = None), text_signature = "(a, b, /, *, stream=None)")]
fn py_matmul(a: Arr, b: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let b = &b.0;
    stream::on(stream, || Ok(Returned::from(ops::matmul(a, b)?)))
}

#[doc = "beta c + alpha (a @ b)."]
#[pyfunction]
#[pyo3(name = "addmm", signature = (c, a, b, /, alpha = 1.0, beta = 1.0, *, stream = None), text_signature = "(c, a, b, /, alpha=1.0, beta=1.0, *, stream=None)")]
fn py_addmm(c: Arr, a: Arr, b: Arr, alpha: f64, beta: f64, stream: Option<StreamArg>) -> R<Returned> {
    let c = &c.0;
    let a = &a.0;
    let b = &b.0;
    stream::on(stream, || Ok(Returned::from(ops::addmm(c, a, b, alpha, beta)?)))
}

#[doc = "Sums of products over the last axes."]
#[pyfunction]
#[pyo3(name = "inner", signature = (a, b, /, *, stream = None), text_signature = "(a, b, /, *, stream=None)")]
fn py_inner(a: Arr, b: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let b = &b.0;
    stream::on(stream, || Ok(Returned::from(ops::inner(a, b)?)))
}

#[doc = "All products of two elements."]
#[pyfunction]
#[pyo3(name = "outer", signature = (a, b, /, *, stream = None), text_signature = "(a, b, /, *, stream=None)")]
fn py_outer(a: Arr, b: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let b = &b.0;
    stream::on(stream, || Ok(Returned::from(ops::outer(a, b)?)))
}

#[doc = "Sums of conj(a) b along an axis."]
#[pyfunction]
#[pyo3(name = "vecdot", signature = (a, b, /, *, axis = -1, stream = None), text_signature = "(a, b, /, *, axis=-1, stream=None)")]
fn py_vecdot(a: Arr, b: Arr, axis: i64, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let b = &b.0;
    stream::on(stream, || Ok(Returned::from(ops::vecdot(a, b, axis)?)))
}

#[doc = "Kronecker product."]
#[pyfunction]
#[pyo3(name = "kron", signature = (a, b, *, stream = None), text_signature = "(a, b, *, stream=None)")]
fn py_kron(a: Arr, b: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let b = &b.0;
    stream::on(stream, || Ok(Returned::from(ops::kron(a, b)?)))
}

#[doc = "Sums of products over paired axes."]
#[pyfunction]
#[pyo3(name = "tensordot", signature = (a, b, /, axes, *, stream = None), text_signature = "(a, b, /, axes=2, *, stream=None)")]
fn py_tensordot<'py>(a: Arr, b: Arr, axes: Bound<'py, PyAny>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let b = &b.0;
    let axes = &axes;
    stream::on(stream, || Ok(Returned::from(convert::tensordot(a, b, axes)?)))
}

#[doc = "Codes, scales and biases of the last axis."]
#[pyfunction]
#[pyo3(name = "quantize", signature = (w, /, group_size = None, bits = None, mode = Text::from("affine"), *, global_scale = None, stream = None), text_signature = "(w, /, group_size=None, bits=None, mode='affine', *, global_scale=None, stream=None)")]
fn py_quantize(
    w: Arr,
    group_size: Option<i64>,
    bits: Option<i64>,
    mode: Text,
    global_scale: Option<Arr>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let w = &w.0;
    let mode = mode.0.as_str();
    let global_scale = global_scale.as_ref().map(|x| &x.0);
    stream::on(stream, || Ok(Returned::from(quantize::quantize(w, group_size, bits, mode, global_scale)?)))
}

#[doc = "Values of codes."]
#[pyfunction]
#[pyo3(name = "dequantize", signature = (w, /, scales, biases = None, group_size = None, bits = None, mode = Text::from("affine"), global_scale = None, dtype = None, *, stream = None), text_signature = "(w, /, scales, biases=None, group_size=None, bits=None, mode='affine', global_scale=None, dtype=None, *, stream=None)")]
fn py_dequantize(
    w: Arr,
    scales: Arr,
    biases: Option<Arr>,
    group_size: Option<i64>,
    bits: Option<i64>,
    mode: Text,
    global_scale: Option<Arr>,
    dtype: Option<Dt>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let w = &w.0;
    let scales = &scales.0;
    let biases = biases.as_ref().map(|x| &x.0);
    let mode = mode.0.as_str();
    let global_scale = global_scale.as_ref().map(|x| &x.0);
    let dtype = dtype.map(|x| x.0);
    stream::on(stream, || {
        Ok(Returned::from(quantize::dequantize(w, scales, biases, group_size, bits, mode, global_scale, dtype)?))
    })
}

#[doc = "Product with a quantized matrix."]
#[pyfunction]
#[pyo3(name = "quantized_matmul", signature = (x, w, /, scales, biases = None, transpose = true, group_size = None, bits = None, mode = Text::from("affine"), *, stream = None), text_signature = "(x, w, /, scales, biases=None, transpose=True, group_size=None, bits=None, mode='affine', *, stream=None)")]
fn py_quantized_matmul(
    x: Arr,
    w: Arr,
    scales: Arr,
    biases: Option<Arr>,
    transpose: bool,
    group_size: Option<i64>,
    bits: Option<i64>,
    mode: Text,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let x = &x.0;
    let w = &w.0;
    let scales = &scales.0;
    let biases = biases.as_ref().map(|x| &x.0);
    let mode = mode.0.as_str();
    stream::on(stream, || {
        Ok(Returned::from(quantize::quantized_matmul(x, w, scales, biases, transpose, group_size, bits, mode)?))
    })
}

#[doc = "Convolution over (N, L, C) with weights (O, k, C / groups)."]
#[pyfunction]
#[pyo3(name = "conv1d", signature = (input, weight, /, stride = Axes::one(1), padding = Axes::one(0), dilation = Axes::one(1), groups = 1, *, stream = None), text_signature = "(input, weight, /, stride=1, padding=0, dilation=1, groups=1, *, stream=None)")]
fn py_conv1d(
    input: Arr,
    weight: Arr,
    stride: Axes,
    padding: Axes,
    dilation: Axes,
    groups: i64,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let input = &input.0;
    let weight = &weight.0;
    let stride = stride.0.as_slice();
    let padding = padding.0.as_slice();
    let dilation = dilation.0.as_slice();
    stream::on(stream, || Ok(Returned::from(conv::plain(1, input, weight, stride, padding, dilation, groups)?)))
}

#[doc = "Convolution over (N, H, W, C) with weights (O, h, w, C / groups)."]
#[pyfunction]
#[pyo3(name = "conv2d", signature = (input, weight, /, stride = Axes::one(1), padding = Axes::one(0), dilation = Axes::one(1), groups = 1, *, stream = None), text_signature = "(input, weight, /, stride=1, padding=0, dilation=1, groups=1, *, stream=None)")]
fn py_conv2d(
    input: Arr,
    weight: Arr,
    stride: Axes,
    padding: Axes,
    dilation: Axes,
    groups: i64,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let input = &input.0;
    let weight = &weight.0;
    let stride = stride.0.as_slice();
    let padding = padding.0.as_slice();
    let dilation = dilation.0.as_slice();
    stream::on(stream, || Ok(Returned::from(conv::plain(2, input, weight, stride, padding, dilation, groups)?)))
}

#[doc = "Convolution over (N, D, H, W, C) with weights (O, d, h, w, C / groups)."]
#[pyfunction]
#[pyo3(name = "conv3d", signature = (input, weight, /, stride = Axes::one(1), padding = Axes::one(0), dilation = Axes::one(1), groups = 1, *, stream = None), text_signature = "(input, weight, /, stride=1, padding=0, dilation=1, groups=1, *, stream=None)")]
fn py_conv3d(
    input: Arr,
    weight: Arr,
    stride: Axes,
    padding: Axes,
    dilation: Axes,
    groups: i64,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let input = &input.0;
    let weight = &weight.0;
    let stride = stride.0.as_slice();
    let padding = padding.0.as_slice();
    let dilation = dilation.0.as_slice();
    stream::on(stream, || Ok(Returned::from(conv::plain(3, input, weight, stride, padding, dilation, groups)?)))
}

#[doc = "Transposed convolution over (N, L, C)."]
#[pyfunction]
#[pyo3(name = "conv_transpose1d", signature = (input, weight, /, stride = Axes::one(1), padding = Axes::one(0), dilation = Axes::one(1), output_padding = Axes::one(0), groups = 1, *, stream = None), text_signature = "(input, weight, /, stride=1, padding=0, dilation=1, output_padding=0, groups=1, *, stream=None)")]
fn py_conv_transpose1d(
    input: Arr,
    weight: Arr,
    stride: Axes,
    padding: Axes,
    dilation: Axes,
    output_padding: Axes,
    groups: i64,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let input = &input.0;
    let weight = &weight.0;
    let stride = stride.0.as_slice();
    let padding = padding.0.as_slice();
    let dilation = dilation.0.as_slice();
    let output_padding = output_padding.0.as_slice();
    stream::on(stream, || {
        Ok(Returned::from(conv::transposed(1, input, weight, stride, padding, dilation, output_padding, groups)?))
    })
}

#[doc = "Transposed convolution over (N, H, W, C)."]
#[pyfunction]
#[pyo3(name = "conv_transpose2d", signature = (input, weight, /, stride = Axes::one(1), padding = Axes::one(0), dilation = Axes::one(1), output_padding = Axes::one(0), groups = 1, *, stream = None), text_signature = "(input, weight, /, stride=1, padding=0, dilation=1, output_padding=0, groups=1, *, stream=None)")]
fn py_conv_transpose2d(
    input: Arr,
    weight: Arr,
    stride: Axes,
    padding: Axes,
    dilation: Axes,
    output_padding: Axes,
    groups: i64,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let input = &input.0;
    let weight = &weight.0;
    let stride = stride.0.as_slice();
    let padding = padding.0.as_slice();
    let dilation = dilation.0.as_slice();
    let output_padding = output_padding.0.as_slice();
    stream::on(stream, || {
        Ok(Returned::from(conv::transposed(2, input, weight, stride, padding, dilation, output_padding, groups)?))
    })
}

#[doc = "Transposed convolution over (N, D, H, W, C)."]
#[pyfunction]
#[pyo3(name = "conv_transpose3d", signature = (input, weight, /, stride = Axes::one(1), padding = Axes::one(0), dilation = Axes::one(1), output_padding = Axes::one(0), groups = 1, *, stream = None), text_signature = "(input, weight, /, stride=1, padding=0, dilation=1, output_padding=0, groups=1, *, stream=None)")]
fn py_conv_transpose3d(
    input: Arr,
    weight: Arr,
    stride: Axes,
    padding: Axes,
    dilation: Axes,
    output_padding: Axes,
    groups: i64,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let input = &input.0;
    let weight = &weight.0;
    let stride = stride.0.as_slice();
    let padding = padding.0.as_slice();
    let dilation = dilation.0.as_slice();
    let output_padding = output_padding.0.as_slice();
    stream::on(stream, || {
        Ok(Returned::from(conv::transposed(3, input, weight, stride, padding, dilation, output_padding, groups)?))
    })
}

#[doc = "Convolution with all its settings; padding is of both ends, or a pair of those before and after."]
#[pyfunction]
#[pyo3(name = "conv_general", signature = (input, weight, /, stride = Axes::one(1), padding = Padding::one(0), kernel_dilation = Axes::one(1), input_dilation = Axes::one(1), groups = 1, flip = false, *, stream = None), text_signature = "(input, weight, /, stride=1, padding=0, kernel_dilation=1, input_dilation=1, groups=1, flip=False, *, stream=None)")]
fn py_conv_general(
    input: Arr,
    weight: Arr,
    stride: Axes,
    padding: Padding,
    kernel_dilation: Axes,
    input_dilation: Axes,
    groups: i64,
    flip: bool,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let input = &input.0;
    let weight = &weight.0;
    let stride = stride.0.as_slice();
    let padding = &padding;
    let kernel_dilation = kernel_dilation.0.as_slice();
    let input_dilation = input_dilation.0.as_slice();
    stream::on(stream, || {
        Ok(Returned::from(conv::general(
            input,
            weight,
            stride,
            padding,
            kernel_dilation,
            input_dilation,
            groups,
            flip,
        )?))
    })
}

#[doc = "Convolution of two 1-d arrays: full, same or valid."]
#[pyfunction]
#[pyo3(name = "convolve", signature = (a, v, /, mode = Text::from("full"), *, stream = None), text_signature = "(a, v, /, mode='full', *, stream=None)")]
fn py_convolve(a: Arr, v: Arr, mode: Text, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let v = &v.0;
    let mode = mode.0.as_str();
    stream::on(stream, || Ok(Returned::from(ops::convolve(a, v, mode)?)))
}

#[doc = "Products of matrices chosen by positions over the leading axes."]
#[pyfunction]
#[pyo3(name = "gather_mm", signature = (a, b, /, lhs_indices = None, rhs_indices = None, *, sorted_indices = false, stream = None), text_signature = "(a, b, /, lhs_indices=None, rhs_indices=None, *, sorted_indices=False, stream=None)")]
fn py_gather_mm(
    a: Arr,
    b: Arr,
    lhs_indices: Option<Arr>,
    rhs_indices: Option<Arr>,
    sorted_indices: bool,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let a = &a.0;
    let b = &b.0;
    let lhs_indices = lhs_indices.as_ref().map(|x| &x.0);
    let rhs_indices = rhs_indices.as_ref().map(|x| &x.0);
    stream::on(stream, || Ok(Returned::from(quantize::gather_mm(a, b, lhs_indices, rhs_indices, sorted_indices)?)))
}

#[doc = "Products with quantized matrices chosen by positions over the leading axes."]
#[pyfunction]
#[pyo3(name = "gather_qmm", signature = (x, w, /, scales, biases = None, lhs_indices = None, rhs_indices = None, transpose = true, group_size = None, bits = None, mode = Text::from("affine"), global_scale = None, *, sorted_indices = false, stream = None), text_signature = "(x, w, /, scales, biases=None, lhs_indices=None, rhs_indices=None, transpose=True, group_size=None, bits=None, mode='affine', global_scale=None, *, sorted_indices=False, stream=None)")]
fn py_gather_qmm(
    x: Arr,
    w: Arr,
    scales: Arr,
    biases: Option<Arr>,
    lhs_indices: Option<Arr>,
    rhs_indices: Option<Arr>,
    transpose: bool,
    group_size: Option<i64>,
    bits: Option<i64>,
    mode: Text,
    global_scale: Option<Arr>,
    sorted_indices: bool,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let x = &x.0;
    let w = &w.0;
    let scales = &scales.0;
    let biases = biases.as_ref().map(|x| &x.0);
    let lhs_indices = lhs_indices.as_ref().map(|x| &x.0);
    let rhs_indices = rhs_indices.as_ref().map(|x| &x.0);
    let mode = mode.0.as_str();
    let global_scale = global_scale.as_ref().map(|x| &x.0);
    stream::on(stream, || {
        Ok(Returned::from(quantize::gather_qmm(
            x,
            w,
            scales,
            biases,
            lhs_indices,
            rhs_indices,
            transpose,
            group_size,
            bits,
            mode,
            global_scale,
            sorted_indices,
        )?))
    })
}

#[doc = "Product of values quantized on the fly with a matrix that is, or will be, quantized."]
#[pyfunction]
#[pyo3(name = "qqmm", signature = (x, w, scales = None, group_size = None, bits = None, mode = Text::from("nvfp4"), global_scale_x = None, global_scale_w = None, *, stream = None), text_signature = "(x, w, scales=None, group_size=None, bits=None, mode='nvfp4', global_scale_x=None, global_scale_w=None, *, stream=None)")]
fn py_qqmm(
    x: Arr,
    w: Arr,
    scales: Option<Arr>,
    group_size: Option<i64>,
    bits: Option<i64>,
    mode: Text,
    global_scale_x: Option<Arr>,
    global_scale_w: Option<Arr>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let x = &x.0;
    let w = &w.0;
    let scales = scales.as_ref().map(|x| &x.0);
    let mode = mode.0.as_str();
    let global_scale_x = global_scale_x.as_ref().map(|x| &x.0);
    let global_scale_w = global_scale_w.as_ref().map(|x| &x.0);
    stream::on(stream, || {
        Ok(Returned::from(quantize::qqmm(x, w, scales, group_size, bits, mode, (global_scale_x, global_scale_w))?))
    })
}

#[doc = "As qqmm, with matrices chosen by positions over the leading axes."]
#[pyfunction]
#[pyo3(name = "gather_qqmm", signature = (x, w, /, scales = None, lhs_indices = None, rhs_indices = None, group_size = None, bits = None, mode = Text::from("nvfp4"), global_scale_x = None, global_scale_w = None, *, sorted_indices = false, stream = None), text_signature = "(x, w, /, scales=None, lhs_indices=None, rhs_indices=None, group_size=None, bits=None, mode='nvfp4', global_scale_x=None, global_scale_w=None, *, sorted_indices=False, stream=None)")]
fn py_gather_qqmm(
    x: Arr,
    w: Arr,
    scales: Option<Arr>,
    lhs_indices: Option<Arr>,
    rhs_indices: Option<Arr>,
    group_size: Option<i64>,
    bits: Option<i64>,
    mode: Text,
    global_scale_x: Option<Arr>,
    global_scale_w: Option<Arr>,
    sorted_indices: bool,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let x = &x.0;
    let w = &w.0;
    let scales = scales.as_ref().map(|x| &x.0);
    let lhs_indices = lhs_indices.as_ref().map(|x| &x.0);
    let rhs_indices = rhs_indices.as_ref().map(|x| &x.0);
    let mode = mode.0.as_str();
    let global_scale_x = global_scale_x.as_ref().map(|x| &x.0);
    let global_scale_w = global_scale_w.as_ref().map(|x| &x.0);
    stream::on(stream, || {
        Ok(Returned::from(quantize::gather_qqmm(
            x,
            w,
            scales,
            lhs_indices,
            rhs_indices,
            group_size,
            bits,
            mode,
            (global_scale_x, global_scale_w),
            sorted_indices,
        )?))
    })
}

#[doc = "Products over parts of the inner axis."]
#[pyfunction]
#[pyo3(name = "segmented_mm", signature = (a, b, /, segments, *, stream = None), text_signature = "(a, b, /, segments, *, stream=None)")]
fn py_segmented_mm(a: Arr, b: Arr, segments: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let b = &b.0;
    let segments = &segments.0;
    stream::on(stream, || Ok(Returned::from(ops::segmented_mm(a, b, segments)?)))
}

#[doc = "Product of matrices whose blocks are masked."]
#[pyfunction]
#[pyo3(name = "block_masked_mm", signature = (a, b, /, block_size = 64, mask_out = None, mask_lhs = None, mask_rhs = None, *, stream = None), text_signature = "(a, b, /, block_size=64, mask_out=None, mask_lhs=None, mask_rhs=None, *, stream=None)")]
fn py_block_masked_mm(
    a: Arr,
    b: Arr,
    block_size: i64,
    mask_out: Option<Arr>,
    mask_lhs: Option<Arr>,
    mask_rhs: Option<Arr>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let a = &a.0;
    let b = &b.0;
    let mask_out = mask_out.as_ref().map(|x| &x.0);
    let mask_lhs = mask_lhs.as_ref().map(|x| &x.0);
    let mask_rhs = mask_rhs.as_ref().map(|x| &x.0);
    stream::on(stream, || {
        Ok(Returned::from(ops::block_masked_mm(
            a,
            b,
            convert::count("block_masked_mm", block_size)?,
            mask_out,
            mask_lhs,
            mask_rhs,
        )?))
    })
}

#[doc = "Hadamard transform of the last axis."]
#[pyfunction]
#[pyo3(name = "hadamard_transform", signature = (a, scale = None, stream = None), text_signature = "(a, scale=None, stream=None)")]
fn py_hadamard_transform(a: Arr, scale: Option<f64>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    stream::on(stream, || Ok(Returned::from(ops::hadamard_transform(a, scale)?)))
}

#[doc = "Nearest 8-bit floats (E4M3) as bytes."]
#[pyfunction]
#[pyo3(name = "to_fp8", signature = (x, *, stream = None), text_signature = "(x, *, stream=None)")]
fn py_to_fp8(x: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let x = &x.0;
    stream::on(stream, || Ok(Returned::from(ops::to_fp8(x)?)))
}

#[doc = "Values of 8-bit floats (E4M3)."]
#[pyfunction]
#[pyo3(name = "from_fp8", signature = (x, dtype = None, *, stream = None), text_signature = "(x, dtype=None, *, stream=None)")]
fn py_from_fp8(x: Arr, dtype: Option<Dt>, stream: Option<StreamArg>) -> R<Returned> {
    let x = &x.0;
    let dtype = dtype.map(|x| x.0).unwrap_or(DType::BF16);
    stream::on(stream, || Ok(Returned::from(ops::from_fp8(x, dtype)?)))
}

/// Adds the functions to their module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(py_abs, m)?)?;
    m.add_function(wrap_pyfunction!(py_negative, m)?)?;
    m.add_function(wrap_pyfunction!(py_positive, m)?)?;
    m.add_function(wrap_pyfunction!(py_sign, m)?)?;
    m.add_function(wrap_pyfunction!(py_floor, m)?)?;
    m.add_function(wrap_pyfunction!(py_ceil, m)?)?;
    m.add_function(wrap_pyfunction!(py_trunc, m)?)?;
    m.add_function(wrap_pyfunction!(py_square, m)?)?;
    m.add_function(wrap_pyfunction!(py_sqrt, m)?)?;
    m.add_function(wrap_pyfunction!(py_rsqrt, m)?)?;
    m.add_function(wrap_pyfunction!(py_reciprocal, m)?)?;
    m.add_function(wrap_pyfunction!(py_exp, m)?)?;
    m.add_function(wrap_pyfunction!(py_expm1, m)?)?;
    m.add_function(wrap_pyfunction!(py_log, m)?)?;
    m.add_function(wrap_pyfunction!(py_log2, m)?)?;
    m.add_function(wrap_pyfunction!(py_log10, m)?)?;
    m.add_function(wrap_pyfunction!(py_log1p, m)?)?;
    m.add_function(wrap_pyfunction!(py_sin, m)?)?;
    m.add_function(wrap_pyfunction!(py_cos, m)?)?;
    m.add_function(wrap_pyfunction!(py_tan, m)?)?;
    m.add_function(wrap_pyfunction!(py_arcsin, m)?)?;
    m.add_function(wrap_pyfunction!(py_arccos, m)?)?;
    m.add_function(wrap_pyfunction!(py_arctan, m)?)?;
    m.add_function(wrap_pyfunction!(py_sinh, m)?)?;
    m.add_function(wrap_pyfunction!(py_cosh, m)?)?;
    m.add_function(wrap_pyfunction!(py_tanh, m)?)?;
    m.add_function(wrap_pyfunction!(py_arcsinh, m)?)?;
    m.add_function(wrap_pyfunction!(py_arccosh, m)?)?;
    m.add_function(wrap_pyfunction!(py_arctanh, m)?)?;
    m.add_function(wrap_pyfunction!(py_erf, m)?)?;
    m.add_function(wrap_pyfunction!(py_erfinv, m)?)?;
    m.add_function(wrap_pyfunction!(py_sigmoid, m)?)?;
    m.add_function(wrap_pyfunction!(py_degrees, m)?)?;
    m.add_function(wrap_pyfunction!(py_radians, m)?)?;
    m.add_function(wrap_pyfunction!(py_real, m)?)?;
    m.add_function(wrap_pyfunction!(py_imag, m)?)?;
    m.add_function(wrap_pyfunction!(py_conjugate, m)?)?;
    m.add_function(wrap_pyfunction!(py_logical_not, m)?)?;
    m.add_function(wrap_pyfunction!(py_bitwise_invert, m)?)?;
    m.add_function(wrap_pyfunction!(py_isnan, m)?)?;
    m.add_function(wrap_pyfunction!(py_isinf, m)?)?;
    m.add_function(wrap_pyfunction!(py_isposinf, m)?)?;
    m.add_function(wrap_pyfunction!(py_isneginf, m)?)?;
    m.add_function(wrap_pyfunction!(py_isfinite, m)?)?;
    m.add_function(wrap_pyfunction!(py_round, m)?)?;
    m.add_function(wrap_pyfunction!(py_nan_to_num, m)?)?;
    m.add_function(wrap_pyfunction!(py_stop_gradient, m)?)?;
    m.add_function(wrap_pyfunction!(py_add, m)?)?;
    m.add_function(wrap_pyfunction!(py_subtract, m)?)?;
    m.add_function(wrap_pyfunction!(py_multiply, m)?)?;
    m.add_function(wrap_pyfunction!(py_divide, m)?)?;
    m.add_function(wrap_pyfunction!(py_floor_divide, m)?)?;
    m.add_function(wrap_pyfunction!(py_remainder, m)?)?;
    m.add_function(wrap_pyfunction!(py_divmod, m)?)?;
    m.add_function(wrap_pyfunction!(py_power, m)?)?;
    m.add_function(wrap_pyfunction!(py_maximum, m)?)?;
    m.add_function(wrap_pyfunction!(py_minimum, m)?)?;
    m.add_function(wrap_pyfunction!(py_arctan2, m)?)?;
    m.add_function(wrap_pyfunction!(py_logaddexp, m)?)?;
    m.add_function(wrap_pyfunction!(py_equal, m)?)?;
    m.add_function(wrap_pyfunction!(py_not_equal, m)?)?;
    m.add_function(wrap_pyfunction!(py_less, m)?)?;
    m.add_function(wrap_pyfunction!(py_less_equal, m)?)?;
    m.add_function(wrap_pyfunction!(py_greater, m)?)?;
    m.add_function(wrap_pyfunction!(py_greater_equal, m)?)?;
    m.add_function(wrap_pyfunction!(py_logical_and, m)?)?;
    m.add_function(wrap_pyfunction!(py_logical_or, m)?)?;
    m.add_function(wrap_pyfunction!(py_logical_xor, m)?)?;
    m.add_function(wrap_pyfunction!(py_bitwise_and, m)?)?;
    m.add_function(wrap_pyfunction!(py_bitwise_or, m)?)?;
    m.add_function(wrap_pyfunction!(py_bitwise_xor, m)?)?;
    m.add_function(wrap_pyfunction!(py_left_shift, m)?)?;
    m.add_function(wrap_pyfunction!(py_right_shift, m)?)?;
    m.add_function(wrap_pyfunction!(py_array_equal, m)?)?;
    m.add_function(wrap_pyfunction!(py_isclose, m)?)?;
    m.add_function(wrap_pyfunction!(py_allclose, m)?)?;
    m.add_function(wrap_pyfunction!(py_clip, m)?)?;
    m.add_function(wrap_pyfunction!(py_where, m)?)?;
    m.add_function(wrap_pyfunction!(py_all, m)?)?;
    m.add_function(wrap_pyfunction!(py_any, m)?)?;
    m.add_function(wrap_pyfunction!(py_sum, m)?)?;
    m.add_function(wrap_pyfunction!(py_prod, m)?)?;
    m.add_function(wrap_pyfunction!(py_min, m)?)?;
    m.add_function(wrap_pyfunction!(py_max, m)?)?;
    m.add_function(wrap_pyfunction!(py_minmax, m)?)?;
    m.add_function(wrap_pyfunction!(py_mean, m)?)?;
    m.add_function(wrap_pyfunction!(py_median, m)?)?;
    m.add_function(wrap_pyfunction!(py_var, m)?)?;
    m.add_function(wrap_pyfunction!(py_std, m)?)?;
    m.add_function(wrap_pyfunction!(py_logsumexp, m)?)?;
    m.add_function(wrap_pyfunction!(py_count_nonzero, m)?)?;
    m.add_function(wrap_pyfunction!(py_argmin, m)?)?;
    m.add_function(wrap_pyfunction!(py_argmax, m)?)?;
    m.add_function(wrap_pyfunction!(py_softmax, m)?)?;
    m.add_function(wrap_pyfunction!(py_cumsum, m)?)?;
    m.add_function(wrap_pyfunction!(py_cumprod, m)?)?;
    m.add_function(wrap_pyfunction!(py_cummax, m)?)?;
    m.add_function(wrap_pyfunction!(py_cummin, m)?)?;
    m.add_function(wrap_pyfunction!(py_logcumsumexp, m)?)?;
    m.add_function(wrap_pyfunction!(py_sort, m)?)?;
    m.add_function(wrap_pyfunction!(py_argsort, m)?)?;
    m.add_function(wrap_pyfunction!(py_partition, m)?)?;
    m.add_function(wrap_pyfunction!(py_argpartition, m)?)?;
    m.add_function(wrap_pyfunction!(py_topk, m)?)?;
    m.add_function(wrap_pyfunction!(py_searchsorted, m)?)?;
    m.add_function(wrap_pyfunction!(py_arange, m)?)?;
    m.add_function(wrap_pyfunction!(py_linspace, m)?)?;
    m.add_function(wrap_pyfunction!(py_full, m)?)?;
    m.add_function(wrap_pyfunction!(py_full_like, m)?)?;
    m.add_function(wrap_pyfunction!(py_zeros, m)?)?;
    m.add_function(wrap_pyfunction!(py_ones, m)?)?;
    m.add_function(wrap_pyfunction!(py_zeros_like, m)?)?;
    m.add_function(wrap_pyfunction!(py_ones_like, m)?)?;
    m.add_function(wrap_pyfunction!(py_eye, m)?)?;
    m.add_function(wrap_pyfunction!(py_identity, m)?)?;
    m.add_function(wrap_pyfunction!(py_tri, m)?)?;
    m.add_function(wrap_pyfunction!(py_tril, m)?)?;
    m.add_function(wrap_pyfunction!(py_triu, m)?)?;
    m.add_function(wrap_pyfunction!(py_diag, m)?)?;
    m.add_function(wrap_pyfunction!(py_diagonal, m)?)?;
    m.add_function(wrap_pyfunction!(py_trace, m)?)?;
    m.add_function(wrap_pyfunction!(py_hanning, m)?)?;
    m.add_function(wrap_pyfunction!(py_hamming, m)?)?;
    m.add_function(wrap_pyfunction!(py_blackman, m)?)?;
    m.add_function(wrap_pyfunction!(py_bartlett, m)?)?;
    m.add_function(wrap_pyfunction!(py_astype, m)?)?;
    m.add_function(wrap_pyfunction!(py_view, m)?)?;
    m.add_function(wrap_pyfunction!(py_reshape, m)?)?;
    m.add_function(wrap_pyfunction!(py_flatten, m)?)?;
    m.add_function(wrap_pyfunction!(py_unflatten, m)?)?;
    m.add_function(wrap_pyfunction!(py_squeeze, m)?)?;
    m.add_function(wrap_pyfunction!(py_expand_dims, m)?)?;
    m.add_function(wrap_pyfunction!(py_transpose, m)?)?;
    m.add_function(wrap_pyfunction!(py_matrix_transpose, m)?)?;
    m.add_function(wrap_pyfunction!(py_swapaxes, m)?)?;
    m.add_function(wrap_pyfunction!(py_moveaxis, m)?)?;
    m.add_function(wrap_pyfunction!(py_broadcast_to, m)?)?;
    m.add_function(wrap_pyfunction!(py_contiguous, m)?)?;
    m.add_function(wrap_pyfunction!(py_as_strided, m)?)?;
    m.add_function(wrap_pyfunction!(py_concatenate, m)?)?;
    m.add_function(wrap_pyfunction!(py_stack, m)?)?;
    m.add_function(wrap_pyfunction!(py_split, m)?)?;
    m.add_function(wrap_pyfunction!(py_unstack, m)?)?;
    m.add_function(wrap_pyfunction!(py_repeat, m)?)?;
    m.add_function(wrap_pyfunction!(py_tile, m)?)?;
    m.add_function(wrap_pyfunction!(py_flip, m)?)?;
    m.add_function(wrap_pyfunction!(py_roll, m)?)?;
    m.add_function(wrap_pyfunction!(py_pad, m)?)?;
    m.add_function(wrap_pyfunction!(py_diff, m)?)?;
    m.add_function(wrap_pyfunction!(py_take, m)?)?;
    m.add_function(wrap_pyfunction!(py_take_along_axis, m)?)?;
    m.add_function(wrap_pyfunction!(py_put_along_axis, m)?)?;
    m.add_function(wrap_pyfunction!(py_slice, m)?)?;
    m.add_function(wrap_pyfunction!(py_slice_update, m)?)?;
    m.add_function(wrap_pyfunction!(py_matmul, m)?)?;
    m.add_function(wrap_pyfunction!(py_addmm, m)?)?;
    m.add_function(wrap_pyfunction!(py_inner, m)?)?;
    m.add_function(wrap_pyfunction!(py_outer, m)?)?;
    m.add_function(wrap_pyfunction!(py_vecdot, m)?)?;
    m.add_function(wrap_pyfunction!(py_kron, m)?)?;
    m.add_function(wrap_pyfunction!(py_tensordot, m)?)?;
    m.add_function(wrap_pyfunction!(py_quantize, m)?)?;
    m.add_function(wrap_pyfunction!(py_dequantize, m)?)?;
    m.add_function(wrap_pyfunction!(py_quantized_matmul, m)?)?;
    m.add_function(wrap_pyfunction!(py_conv1d, m)?)?;
    m.add_function(wrap_pyfunction!(py_conv2d, m)?)?;
    m.add_function(wrap_pyfunction!(py_conv3d, m)?)?;
    m.add_function(wrap_pyfunction!(py_conv_transpose1d, m)?)?;
    m.add_function(wrap_pyfunction!(py_conv_transpose2d, m)?)?;
    m.add_function(wrap_pyfunction!(py_conv_transpose3d, m)?)?;
    m.add_function(wrap_pyfunction!(py_conv_general, m)?)?;
    m.add_function(wrap_pyfunction!(py_convolve, m)?)?;
    m.add_function(wrap_pyfunction!(py_gather_mm, m)?)?;
    m.add_function(wrap_pyfunction!(py_gather_qmm, m)?)?;
    m.add_function(wrap_pyfunction!(py_qqmm, m)?)?;
    m.add_function(wrap_pyfunction!(py_gather_qqmm, m)?)?;
    m.add_function(wrap_pyfunction!(py_segmented_mm, m)?)?;
    m.add_function(wrap_pyfunction!(py_block_masked_mm, m)?)?;
    m.add_function(wrap_pyfunction!(py_hadamard_transform, m)?)?;
    m.add_function(wrap_pyfunction!(py_to_fp8, m)?)?;
    m.add_function(wrap_pyfunction!(py_from_fp8, m)?)?;
    m.add("acos", m.getattr("arccos")?)?;
    m.add("asin", m.getattr("arcsin")?)?;
    m.add("atan", m.getattr("arctan")?)?;
    m.add("acosh", m.getattr("arccosh")?)?;
    m.add("asinh", m.getattr("arcsinh")?)?;
    m.add("atanh", m.getattr("arctanh")?)?;
    m.add("conj", m.getattr("conjugate")?)?;
    m.add("atan2", m.getattr("arctan2")?)?;
    m.add("pow", m.getattr("power")?)?;
    m.add("bitwise_left_shift", m.getattr("left_shift")?)?;
    m.add("bitwise_right_shift", m.getattr("right_shift")?)?;
    m.add("cumulative_sum", m.getattr("cumsum")?)?;
    m.add("cumulative_prod", m.getattr("cumprod")?)?;
    m.add("empty", m.getattr("zeros")?)?;
    m.add("empty_like", m.getattr("zeros_like")?)?;
    m.add("concat", m.getattr("concatenate")?)?;
    m.add("permute_dims", m.getattr("transpose")?)?;
    Ok(())
}
