//! Quantization with its modes.

use crate::error::{R, runtime, value};
use mlx::ops;
use mlx::{Array, DType};

/// Group size and bits of a mode, checked.
fn layout(op: &str, group_size: Option<i64>, bits: Option<i64>, mode: &str) -> R<(u16, u8)> {
    match mode {
        "affine" => {}
        "mxfp4" | "mxfp8" | "nvfp4" => {
            return Err(runtime(format!("[{op}] Quantization mode '{mode}' is not implemented yet; 'affine' is.")));
        }
        _ => return Err(value(format!("[{op}] Invalid quantization mode '{mode}'."))),
    }
    let (g, b) = (group_size.unwrap_or(64), bits.unwrap_or(4));
    let bad = || value(format!("[{op}] Group size {g} with {b} bits is not supported."));
    Ok((u16::try_from(g).map_err(|_| bad())?, u8::try_from(b).map_err(|_| bad())?))
}

fn no_global(op: &str, global_scale: Option<&Array>) -> R<()> {
    match global_scale {
        Some(_) => Err(value(format!("[{op}] Global scale is only supported for 'nvfp4' quantization mode."))),
        None => Ok(()),
    }
}

fn some_biases<'a>(op: &str, biases: Option<&'a Array>) -> R<&'a Array> {
    biases.ok_or_else(|| value(format!("[{op}] Biases must be provided for affine quantization.")))
}

/// See `mx.quantize`.
pub fn quantize(
    w: &Array,
    group_size: Option<i64>,
    bits: Option<i64>,
    mode: &str,
    global_scale: Option<&Array>,
) -> R<Vec<Array>> {
    let (g, b) = layout("quantize", group_size, bits, mode)?;
    no_global("quantize", global_scale)?;
    let (w, s, b) = ops::quantize(w, g, b)?;
    Ok(vec![w, s, b])
}

/// See `mx.dequantize`.
pub fn dequantize(
    w: &Array,
    scales: &Array,
    biases: Option<&Array>,
    group_size: Option<i64>,
    bits: Option<i64>,
    mode: &str,
    global_scale: Option<&Array>,
    dtype: Option<DType>,
) -> R<Array> {
    let (g, b) = layout("dequantize", group_size, bits, mode)?;
    no_global("dequantize", global_scale)?;
    let x = ops::dequantize(w, scales, some_biases("dequantize", biases)?, g, b)?;
    Ok(ops::astype(&x, dtype.unwrap_or(x.dtype()))?)
}

/// See `mx.quantized_matmul`.
pub fn quantized_matmul(
    x: &Array,
    w: &Array,
    scales: &Array,
    biases: Option<&Array>,
    transpose: bool,
    group_size: Option<i64>,
    bits: Option<i64>,
    mode: &str,
) -> R<Array> {
    let (g, b) = layout("quantized_matmul", group_size, bits, mode)?;
    Ok(ops::quantized_matmul(x, w, scales, some_biases("quantized_matmul", biases)?, transpose, g, b)?)
}

/// See `mx.gather_mm`. Whether indices are sorted changes nothing but speed there, and nothing here.
pub fn gather_mm(a: &Array, b: &Array, left: Option<&Array>, right: Option<&Array>, sorted: bool) -> R<Array> {
    let _ = sorted;
    Ok(ops::gather_mm(a, b, left, right)?)
}

/// See `mx.gather_qmm`.
pub fn gather_qmm(
    x: &Array,
    w: &Array,
    scales: &Array,
    biases: Option<&Array>,
    left: Option<&Array>,
    right: Option<&Array>,
    transpose: bool,
    group_size: Option<i64>,
    bits: Option<i64>,
    mode: &str,
    global_scale: Option<&Array>,
    sorted: bool,
) -> R<Array> {
    let _ = sorted;
    let (g, b) = layout("gather_qmm", group_size, bits, mode)?;
    no_global("gather_qmm", global_scale)?;
    Ok(ops::gather_qmm(x, w, scales, some_biases("gather_qmm", biases)?, left, right, transpose, g, b)?)
}
