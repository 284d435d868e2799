// Made by scripts/bindings.py from python/api/fast.pyi. Do not edit.

#![allow(unused_imports, non_snake_case)]
use super::prelude::*;

#[doc = "x / rms(x) over the last axis, times weight."]
#[pyfunction]
#[pyo3(name = "rms_norm", signature = (x, weight, eps, *, stream = None), text_signature = "(x, weight, eps, *, stream=None)")]
fn py_rms_norm(x: Arr, weight: Option<Arr>, eps: f64, stream: Option<StreamArg>) -> R<Returned> {
    let x = &x.0;
    let weight = weight.as_ref().map(|x| &x.0);
    stream::on(stream, || Ok(Returned::from(ops::rms_norm(x, weight, eps)?)))
}

#[doc = "Zero mean and unit variance over the last axis, times weight, plus bias."]
#[pyfunction]
#[pyo3(name = "layer_norm", signature = (x, weight, bias, eps, *, stream = None), text_signature = "(x, weight, bias, eps, *, stream=None)")]
fn py_layer_norm(x: Arr, weight: Option<Arr>, bias: Option<Arr>, eps: f64, stream: Option<StreamArg>) -> R<Returned> {
    let x = &x.0;
    let weight = weight.as_ref().map(|x| &x.0);
    let bias = bias.as_ref().map(|x| &x.0);
    stream::on(stream, || Ok(Returned::from(ops::layer_norm(x, weight, bias, eps)?)))
}

#[doc = "Rotary position embedding of the first dims features."]
#[pyfunction]
#[pyo3(name = "rope", signature = (a, dims, *, traditional, base, scale, offset, freqs = None, stream = None), text_signature = "(a, dims, *, traditional, base, scale, offset, freqs=None, stream=None)")]
fn py_rope(
    a: Arr,
    dims: i64,
    traditional: bool,
    base: Option<f64>,
    scale: f64,
    offset: Arr,
    freqs: Option<Arr>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let a = &a.0;
    let offset = &offset.0;
    let freqs = freqs.as_ref().map(|x| &x.0);
    stream::on(stream, || {
        Ok(Returned::from(ops::rope(a, convert::count("rope", dims)?, traditional, base, scale, offset, freqs)?))
    })
}

#[doc = "softmax(scale q k' + mask) v."]
#[pyfunction]
#[pyo3(name = "scaled_dot_product_attention", signature = (q, k, v, *, scale, mask = None, sinks = None, force_fused = false, stream = None), text_signature = "(q, k, v, *, scale, mask=None, sinks=None, force_fused=False, stream=None)")]
fn py_scaled_dot_product_attention(
    q: Arr,
    k: Arr,
    v: Arr,
    scale: f64,
    mask: Option<MaskArg>,
    sinks: Option<Arr>,
    force_fused: bool,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let q = &q.0;
    let k = &k.0;
    let v = &v.0;
    let mask = mask.as_ref();
    let sinks = sinks.as_ref().map(|x| &x.0);
    stream::on(stream, || Ok(Returned::from(convert::attention(q, k, v, scale, mask, sinks, force_fused)?)))
}

#[doc = "logsumexp(logits) - logits[target] over the last axis, float32."]
#[pyfunction]
#[pyo3(name = "cross_entropy", signature = (logits, targets, *, stream = None), text_signature = "(logits, targets, *, stream=None)")]
fn py_cross_entropy(logits: Arr, targets: Arr, stream: Option<StreamArg>) -> R<Returned> {
    let logits = &logits.0;
    let targets = &targets.0;
    stream::on(stream, || Ok(Returned::from(ops::cross_entropy(logits, targets)?)))
}

#[doc = "Outputs and final state of the gated delta rule of linear attention."]
#[pyfunction]
#[pyo3(name = "gated_delta_update", signature = (q, k, v, gamma, beta, initial_state = None, mask = None, stream = None), text_signature = "(q, k, v, gamma, beta, initial_state=None, mask=None, stream=None)")]
fn py_gated_delta_update(
    q: Arr,
    k: Arr,
    v: Arr,
    gamma: Arr,
    beta: Arr,
    initial_state: Option<Arr>,
    mask: Option<Arr>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let q = &q.0;
    let k = &k.0;
    let v = &v.0;
    let gamma = &gamma.0;
    let beta = &beta.0;
    let initial_state = initial_state.as_ref().map(|x| &x.0);
    let mask = mask.as_ref().map(|x| &x.0);
    stream::on(stream, || Ok(Returned::from(ops::gated_delta_update(q, k, v, gamma, beta, initial_state, mask)?)))
}

/// Adds the functions to their module.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(py_rms_norm, m)?)?;
    m.add_function(wrap_pyfunction!(py_layer_norm, m)?)?;
    m.add_function(wrap_pyfunction!(py_rope, m)?)?;
    m.add_function(wrap_pyfunction!(py_scaled_dot_product_attention, m)?)?;
    m.add_function(wrap_pyfunction!(py_cross_entropy, m)?)?;
    m.add_function(wrap_pyfunction!(py_gated_delta_update, m)?)?;
    Ok(())
}
