// Made by scripts/bindings.py from python/api/fft.pyi. Do not edit.

#![allow(unused_imports, non_snake_case)]
use super::prelude::*;

#[doc = "Transform of one axis."]
#[pyfunction]
#[pyo3(name = "fft", signature = (a, n = None, axis = -1, norm = Text::from("backward"), stream = None), text_signature = "(a, n=None, axis=-1, norm='backward', stream=None)")]
fn py_fft(a: Arr, n: Option<i64>, axis: i64, norm: Text, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let norm = norm.0.as_str();
    stream::on(stream, || Ok(Returned::from(fft::one(a, n, axis, norm, FftKind::Complex, false)?)))
}

#[doc = "Transform of two axes."]
#[pyfunction]
#[pyo3(name = "fft2", signature = (a, s = None, axes = Some(IntSeq::of(&[-2, -1])), norm = Text::from("backward"), stream = None), text_signature = "(a, s=None, axes=[-2, -1], norm='backward', stream=None)")]
fn py_fft2(a: Arr, s: Option<IntSeq>, axes: Option<IntSeq>, norm: Text, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let s = s.as_ref().map(|x| x.0.as_slice());
    let axes = axes.as_ref().map(|x| x.0.as_slice());
    let norm = norm.0.as_str();
    stream::on(stream, || Ok(Returned::from(fft::several(a, s, axes, norm, FftKind::Complex, false)?)))
}

#[doc = "Transform of several axes."]
#[pyfunction]
#[pyo3(name = "fftn", signature = (a, s = None, axes = None, norm = Text::from("backward"), stream = None), text_signature = "(a, s=None, axes=None, norm='backward', stream=None)")]
fn py_fftn(a: Arr, s: Option<IntSeq>, axes: Option<IntSeq>, norm: Text, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let s = s.as_ref().map(|x| x.0.as_slice());
    let axes = axes.as_ref().map(|x| x.0.as_slice());
    let norm = norm.0.as_str();
    stream::on(stream, || Ok(Returned::from(fft::several(a, s, axes, norm, FftKind::Complex, false)?)))
}

#[doc = "Inverse transform of one axis."]
#[pyfunction]
#[pyo3(name = "ifft", signature = (a, n = None, axis = -1, norm = Text::from("backward"), stream = None), text_signature = "(a, n=None, axis=-1, norm='backward', stream=None)")]
fn py_ifft(a: Arr, n: Option<i64>, axis: i64, norm: Text, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let norm = norm.0.as_str();
    stream::on(stream, || Ok(Returned::from(fft::one(a, n, axis, norm, FftKind::Complex, true)?)))
}

#[doc = "Inverse transform of two axes."]
#[pyfunction]
#[pyo3(name = "ifft2", signature = (a, s = None, axes = Some(IntSeq::of(&[-2, -1])), norm = Text::from("backward"), stream = None), text_signature = "(a, s=None, axes=[-2, -1], norm='backward', stream=None)")]
fn py_ifft2(a: Arr, s: Option<IntSeq>, axes: Option<IntSeq>, norm: Text, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let s = s.as_ref().map(|x| x.0.as_slice());
    let axes = axes.as_ref().map(|x| x.0.as_slice());
    let norm = norm.0.as_str();
    stream::on(stream, || Ok(Returned::from(fft::several(a, s, axes, norm, FftKind::Complex, true)?)))
}

#[doc = "Inverse transform of several axes."]
#[pyfunction]
#[pyo3(name = "ifftn", signature = (a, s = None, axes = None, norm = Text::from("backward"), stream = None), text_signature = "(a, s=None, axes=None, norm='backward', stream=None)")]
fn py_ifftn(a: Arr, s: Option<IntSeq>, axes: Option<IntSeq>, norm: Text, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let s = s.as_ref().map(|x| x.0.as_slice());
    let axes = axes.as_ref().map(|x| x.0.as_slice());
    let norm = norm.0.as_str();
    stream::on(stream, || Ok(Returned::from(fft::several(a, s, axes, norm, FftKind::Complex, true)?)))
}

#[doc = "Transform of one axis of real numbers: the nonnegative frequencies."]
#[pyfunction]
#[pyo3(name = "rfft", signature = (a, n = None, axis = -1, norm = Text::from("backward"), stream = None), text_signature = "(a, n=None, axis=-1, norm='backward', stream=None)")]
fn py_rfft(a: Arr, n: Option<i64>, axis: i64, norm: Text, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let norm = norm.0.as_str();
    stream::on(stream, || Ok(Returned::from(fft::one(a, n, axis, norm, FftKind::Real, false)?)))
}

#[doc = "Transform of two axes of real numbers: the nonnegative frequencies."]
#[pyfunction]
#[pyo3(name = "rfft2", signature = (a, s = None, axes = Some(IntSeq::of(&[-2, -1])), norm = Text::from("backward"), stream = None), text_signature = "(a, s=None, axes=[-2, -1], norm='backward', stream=None)")]
fn py_rfft2(a: Arr, s: Option<IntSeq>, axes: Option<IntSeq>, norm: Text, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let s = s.as_ref().map(|x| x.0.as_slice());
    let axes = axes.as_ref().map(|x| x.0.as_slice());
    let norm = norm.0.as_str();
    stream::on(stream, || Ok(Returned::from(fft::several(a, s, axes, norm, FftKind::Real, false)?)))
}

#[doc = "Transform of several axes of real numbers: the nonnegative frequencies."]
#[pyfunction]
#[pyo3(name = "rfftn", signature = (a, s = None, axes = None, norm = Text::from("backward"), stream = None), text_signature = "(a, s=None, axes=None, norm='backward', stream=None)")]
fn py_rfftn(a: Arr, s: Option<IntSeq>, axes: Option<IntSeq>, norm: Text, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let s = s.as_ref().map(|x| x.0.as_slice());
    let axes = axes.as_ref().map(|x| x.0.as_slice());
    let norm = norm.0.as_str();
    stream::on(stream, || Ok(Returned::from(fft::several(a, s, axes, norm, FftKind::Real, false)?)))
}

#[doc = "Inverse of rfft."]
#[pyfunction]
#[pyo3(name = "irfft", signature = (a, n = None, axis = -1, norm = Text::from("backward"), stream = None), text_signature = "(a, n=None, axis=-1, norm='backward', stream=None)")]
fn py_irfft(a: Arr, n: Option<i64>, axis: i64, norm: Text, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let norm = norm.0.as_str();
    stream::on(stream, || Ok(Returned::from(fft::one(a, n, axis, norm, FftKind::Real, true)?)))
}

#[doc = "Inverse of rfft."]
#[pyfunction]
#[pyo3(name = "irfft2", signature = (a, s = None, axes = Some(IntSeq::of(&[-2, -1])), norm = Text::from("backward"), stream = None), text_signature = "(a, s=None, axes=[-2, -1], norm='backward', stream=None)")]
fn py_irfft2(a: Arr, s: Option<IntSeq>, axes: Option<IntSeq>, norm: Text, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let s = s.as_ref().map(|x| x.0.as_slice());
    let axes = axes.as_ref().map(|x| x.0.as_slice());
    let norm = norm.0.as_str();
    stream::on(stream, || Ok(Returned::from(fft::several(a, s, axes, norm, FftKind::Real, true)?)))
}

#[doc = "Inverse of rfft."]
#[pyfunction]
#[pyo3(name = "irfftn", signature = (a, s = None, axes = None, norm = Text::from("backward"), stream = None), text_signature = "(a, s=None, axes=None, norm='backward', stream=None)")]
fn py_irfftn(a: Arr, s: Option<IntSeq>, axes: Option<IntSeq>, norm: Text, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let s = s.as_ref().map(|x| x.0.as_slice());
    let axes = axes.as_ref().map(|x| x.0.as_slice());
    let norm = norm.0.as_str();
    stream::on(stream, || Ok(Returned::from(fft::several(a, s, axes, norm, FftKind::Real, true)?)))
}

#[doc = "Zero frequency moved to the middle."]
#[pyfunction]
#[pyo3(name = "fftshift", signature = (a, axes = None, stream = None), text_signature = "(a, axes=None, stream=None)")]
fn py_fftshift(a: Arr, axes: Option<Axes>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axes = axes.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::fftshift(a, axes, false)?)))
}

#[doc = "Zero frequency moved to the beginning."]
#[pyfunction]
#[pyo3(name = "ifftshift", signature = (a, axes = None, stream = None), text_signature = "(a, axes=None, stream=None)")]
fn py_ifftshift(a: Arr, axes: Option<Axes>, stream: Option<StreamArg>) -> R<Returned> {
    let a = &a.0;
    let axes = axes.as_ref().map(|x| x.0.as_slice());
    stream::on(stream, || Ok(Returned::from(ops::fftshift(a, axes, true)?)))
}

#[doc = "The frequencies of a transform."]
#[pyfunction]
#[pyo3(name = "fftfreq", signature = (n, d = 1.0, stream = None), text_signature = "(n, d=1.0, stream=None)")]
fn py_fftfreq(n: i64, d: f64, stream: Option<StreamArg>) -> R<Returned> {
    stream::on(stream, || Ok(Returned::from(ops::fftfreq(convert::count("fftfreq", n)?, d, false)?)))
}

#[doc = "The frequencies of a transform of real numbers."]
#[pyfunction]
#[pyo3(name = "rfftfreq", signature = (n, d = 1.0, stream = None), text_signature = "(n, d=1.0, stream=None)")]
fn py_rfftfreq(n: i64, d: f64, stream: Option<StreamArg>) -> R<Returned> {
    stream::on(stream, || Ok(Returned::from(ops::fftfreq(convert::count("rfftfreq", n)?, d, true)?)))
}

#[doc = "Transforms of overlapping frames of the last axis."]
#[pyfunction]
#[pyo3(name = "stft", signature = (x, n_fft = 2048, hop_length = None, win_length = None, window = None, center = true, pad_mode = Text::from("reflect"), norm = Text::from("backward"), onesided = None, stream = None), text_signature = "(x, n_fft=2048, hop_length=None, win_length=None, window=None, center=True, pad_mode='reflect', norm='backward', onesided=None, stream=None)")]
fn py_stft(
    x: Arr,
    n_fft: i64,
    hop_length: Option<i64>,
    win_length: Option<i64>,
    window: Option<Arr>,
    center: bool,
    pad_mode: Text,
    norm: Text,
    onesided: Option<bool>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let x = &x.0;
    let window = window.as_ref().map(|x| &x.0);
    let pad_mode = pad_mode.0.as_str();
    let norm = norm.0.as_str();
    stream::on(stream, || {
        Ok(Returned::from(fft::stft(x, n_fft, hop_length, win_length, window, center, pad_mode, norm, onesided)?))
    })
}

#[doc = "Signals from the transforms of their frames."]
#[pyfunction]
#[pyo3(name = "istft", signature = (stft_matrix, n_fft = None, hop_length = None, win_length = None, window = None, center = true, norm = Text::from("backward"), onesided = None, length = None, stream = None), text_signature = "(stft_matrix, n_fft=None, hop_length=None, win_length=None, window=None, center=True, norm='backward', onesided=None, length=None, stream=None)")]
fn py_istft(
    stft_matrix: Arr,
    n_fft: Option<i64>,
    hop_length: Option<i64>,
    win_length: Option<i64>,
    window: Option<Arr>,
    center: bool,
    norm: Text,
    onesided: Option<bool>,
    length: Option<i64>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let stft_matrix = &stft_matrix.0;
    let window = window.as_ref().map(|x| &x.0);
    let norm = norm.0.as_str();
    stream::on(stream, || {
        Ok(Returned::from(fft::istft(
            stft_matrix,
            n_fft,
            hop_length,
            win_length,
            window,
            center,
            norm,
            onesided,
            length,
        )?))
    })
}

/// Adds the functions to their module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(py_fft, m)?)?;
    m.add_function(wrap_pyfunction!(py_fft2, m)?)?;
    m.add_function(wrap_pyfunction!(py_fftn, m)?)?;
    m.add_function(wrap_pyfunction!(py_ifft, m)?)?;
    m.add_function(wrap_pyfunction!(py_ifft2, m)?)?;
    m.add_function(wrap_pyfunction!(py_ifftn, m)?)?;
    m.add_function(wrap_pyfunction!(py_rfft, m)?)?;
    m.add_function(wrap_pyfunction!(py_rfft2, m)?)?;
    m.add_function(wrap_pyfunction!(py_rfftn, m)?)?;
    m.add_function(wrap_pyfunction!(py_irfft, m)?)?;
    m.add_function(wrap_pyfunction!(py_irfft2, m)?)?;
    m.add_function(wrap_pyfunction!(py_irfftn, m)?)?;
    m.add_function(wrap_pyfunction!(py_fftshift, m)?)?;
    m.add_function(wrap_pyfunction!(py_ifftshift, m)?)?;
    m.add_function(wrap_pyfunction!(py_fftfreq, m)?)?;
    m.add_function(wrap_pyfunction!(py_rfftfreq, m)?)?;
    m.add_function(wrap_pyfunction!(py_stft, m)?)?;
    m.add_function(wrap_pyfunction!(py_istft, m)?)?;
    Ok(())
}
