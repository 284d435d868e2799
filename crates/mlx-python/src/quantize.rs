//! Quantization with its modes.

use crate::error::{Fail, R, value};
use mlx::ops::{self, Both, SmallFloat};
use mlx::{Array, DType};

/// A mode with its layout, checked.
fn layout(op: &str, group_size: Option<i64>, bits: Option<i64>, mode: &str) -> R<Both> {
    let format = match mode {
        "affine" => {
            let (g, b) = (group_size.unwrap_or(64), bits.unwrap_or(4));
            let bad = || value(format!("[{op}] Group size {g} with {b} bits is not supported."));
            return Ok(Both::Affine(u16::try_from(g).map_err(|_| bad())?, u8::try_from(b).map_err(|_| bad())?));
        }
        "mxfp4" => SmallFloat::Mxfp4,
        "mxfp8" => SmallFloat::Mxfp8,
        "nvfp4" => SmallFloat::Nvfp4,
        _ => return Err(value(format!("[{op}] Invalid quantization mode '{mode}'."))),
    };
    let (g, b) = (format.group_size() as i64, format.bits() as i64);
    match (group_size, bits) {
        (Some(x), _) if x != g => {
            Err(value(format!("[{op}] {mode} quantization requires group size {g} but got {x}.")))
        }
        (_, Some(x)) if x != b => {
            Err(value(format!("[{op}] {mode} quantization requires bits to be {b} but got {x}.")))
        }
        _ => Ok(Both::Small(format)),
    }
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

fn no_biases(op: &str, biases: Option<&Array>, mode: &str) -> R<()> {
    match biases {
        Some(_) => Err(value(format!("[{op}] Biases must be null for quantization mode '{mode}'."))),
        None => Ok(()),
    }
}

/// See `mx.quantize`.
pub fn quantize(
    w: &Array,
    group_size: Option<i64>,
    bits: Option<i64>,
    mode: &str,
    global_scale: Option<&Array>,
) -> R<Vec<Array>> {
    match layout("quantize", group_size, bits, mode)? {
        Both::Affine(g, b) => {
            no_global("quantize", global_scale)?;
            let (w, s, b) = ops::quantize(w, g, b)?;
            Ok(vec![w, s, b])
        }
        Both::Small(format) => {
            let (w, s) = ops::quantize_small(w, format, global_scale)?;
            Ok(vec![w, s])
        }
    }
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
    let op = "dequantize";
    if let Some(d) = dtype.filter(|d| !d.is_float()) {
        let name = d.name();
        return Err(value(format!("[{op}] Only real floating types are supported but output dtype == {name}.")));
    }
    let x = match layout(op, group_size, bits, mode)? {
        Both::Affine(g, b) => {
            no_global(op, global_scale)?;
            let x = ops::dequantize(w, scales, some_biases(op, biases)?, g, b)?;
            return Ok(ops::astype(&x, dtype.unwrap_or(x.dtype()))?);
        }
        Both::Small(format) => {
            no_biases(op, biases, mode)?;
            ops::dequantize_small(w, scales, format, global_scale)?
        }
    };
    let own = if global_scale.is_some() { DType::F32 } else { DType::BF16 };
    Ok(ops::astype(&x, dtype.unwrap_or(own))?)
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
    let op = "quantized_matmul";
    Ok(match layout(op, group_size, bits, mode)? {
        Both::Affine(g, b) => ops::quantized_matmul(x, w, scales, some_biases(op, biases)?, transpose, g, b)?,
        Both::Small(format) => {
            no_biases(op, biases, mode)?;
            ops::quantized_matmul_small(x, w, scales, transpose, format)?
        }
    })
}

/// See `mx.gather_mm`.
pub fn gather_mm(a: &Array, b: &Array, left: Option<&Array>, right: Option<&Array>, sorted: bool) -> R<Array> {
    Ok(ops::gather_mm(a, b, left, right, sorted)?)
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
    let op = "gather_qmm";
    Ok(match layout(op, group_size, bits, mode)? {
        Both::Affine(g, b) => {
            no_global(op, global_scale)?;
            ops::gather_qmm(x, w, scales, some_biases(op, biases)?, left, right, transpose, g, b, sorted)?
        }
        Both::Small(format) => {
            no_biases(op, biases, mode)?;
            ops::gather_qmm_small(x, w, scales, left, right, transpose, format, global_scale)?
        }
    })
}

/// See `mx.qqmm`.
pub fn qqmm(
    x: &Array,
    w: &Array,
    scales: Option<&Array>,
    group_size: Option<i64>,
    bits: Option<i64>,
    mode: &str,
    globals: (Option<&Array>, Option<&Array>),
) -> R<Array> {
    let both = mixed("qqmm", scales, group_size, bits, mode)?;
    Ok(ops::qqmm(x, w, scales, both, globals)?)
}

/// See `mx.gather_qqmm`.
pub fn gather_qqmm(
    x: &Array,
    w: &Array,
    scales: Option<&Array>,
    left: Option<&Array>,
    right: Option<&Array>,
    group_size: Option<i64>,
    bits: Option<i64>,
    mode: &str,
    globals: (Option<&Array>, Option<&Array>),
    sorted: bool,
) -> R<Array> {
    let both = mixed("gather_qqmm", scales, group_size, bits, mode)?;
    Ok(ops::gather_qqmm(x, w, scales, left, right, both, globals, sorted)?)
}

fn mixed(op: &str, scales: Option<&Array>, group_size: Option<i64>, bits: Option<i64>, mode: &str) -> R<Both> {
    let both = layout(op, group_size, bits, mode)?;
    match both {
        Both::Affine(..) if scales.is_some() => Err(Fail::from(mlx::Error::value(format!(
            "[{op}] The shapes of the weight and scales are incompatible: affine weights have biases, which cannot be given here."
        )))),
        _ => Ok(both),
    }
}
