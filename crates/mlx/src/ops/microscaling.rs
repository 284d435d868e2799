//! Quantization to small floats with a scale for each group: MXFP4, MXFP8 and NVFP4. Made of other functions, so that
//! gradients and batching are theirs; results are those of MLX's CPU back end, bit for bit.

use super::custom::{CustomRule, custom};
use super::gathered::{chosen, meeting};
use crate::array::Array;
use crate::ops;
use crate::rules::{Batched, BatchedOut, Grads};
use mlx_ir::{DType, Error, Result};
use std::sync::Arc;

/// A format: elements E2M1 (0, 0.5, 1, 1.5, 2, 3, 4, 6 and a sign) or E4M3 (see [`ops::from_fp8`]), the first in the
/// lowest bits of u32 words, and a scale of one byte for each group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmallFloat {
    /// E2M1 in groups of 32 whose scale is a power of two.
    Mxfp4,
    /// E4M3 in groups of 32 whose scale is a power of two.
    Mxfp8,
    /// E2M1 in groups of 16 whose scale is E4M3; with a global scale, which is 448 · 6 where the largest value is it.
    Nvfp4,
}

use SmallFloat::{Mxfp4, Mxfp8, Nvfp4};

/// The values of E2M1 without the sign.
const E2M1: [f32; 8] = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0];
/// The largest product of an element and a scale of NVFP4.
const NV_LARGEST: f64 = 448.0 * 6.0;

impl SmallFloat {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Mxfp4 => "mxfp4",
            Mxfp8 => "mxfp8",
            Nvfp4 => "nvfp4",
        }
    }
    /// Elements that share a scale.
    pub fn group_size(self) -> usize {
        if self == Nvfp4 { 16 } else { 32 }
    }
    /// Bits of an element.
    pub fn bits(self) -> usize {
        if self == Mxfp8 { 8 } else { 4 }
    }
    /// The values of scales, f32.
    fn scales(self, bytes: &Array) -> Result<Array> {
        if self == Nvfp4 {
            return ops::from_fp8(bytes, DType::F32);
        }
        // The exponent's field; for zero the largest subnormal power of two.
        let e = ops::astype(bytes, DType::U32)?;
        let bits = ops::where_(&ops::equal(&e, 0)?, ops::Scalar::Int(1 << 22), &ops::left_shift(&e, 23)?)?;
        ops::view(&bits, DType::F32)
    }
    fn global(self, op: &str, g: Option<&Array>) -> Result<Option<Array>> {
        let Some(g) = g else { return Ok(None) };
        let bad = |what: String| Err(Error::value(format!("[{op}] Global scale {what}")));
        if self != Nvfp4 {
            return bad("is only supported for 'nvfp4' quantization mode.".into());
        }
        if g.dtype() != DType::F32 {
            return bad(format!("must have dtype float32 but got {}.", g.dtype()));
        }
        if g.size() != 1 {
            return bad(format!("must be a scalar but got shape {:?}.", g.shape()));
        }
        Ok(Some(ops::reshape_to(g, &[])?))
    }
}

/// The last axis in groups.
fn grouped(x: &Array, n: usize) -> Result<Array> {
    let (&k, lead) = x.shape().split_last().ok_or_else(|| Error::value("[quantize] a matrix is needed"))?;
    ops::reshape_to(x, &[lead, &[k / n, n]].concat())
}

/// Which of two equally near E2M1 codes is taken.
#[derive(Clone, Copy, PartialEq)]
enum Ties {
    /// The smaller: what MLX's CPU back end does for [`quantize_small`].
    Down,
    /// The even one: what it does for the factors of [`qqmm`].
    Even,
}

/// E2M1 codes nearest to f32 values, u32.
fn to_e2m1(x: &Array, ties: Ties) -> Result<Array> {
    let size = ops::abs(x)?;
    let mut code = ops::zeros(x.shape(), DType::U32)?;
    for (i, pair) in E2M1.windows(2).enumerate() {
        let half = f64::from(pair[0] + pair[1]) / 2.0;
        let up = ties == Ties::Even && i % 2 == 1;
        let past = if up { ops::greater_equal(&size, half)? } else { ops::greater(&size, half)? };
        code = ops::add(&code, &ops::astype(&past, DType::U32)?)?;
    }
    let negative = ops::logical_and(&ops::less(x, 0)?, &ops::greater(&code, 0)?)?;
    ops::bitwise_or(&code, &ops::multiply(&ops::astype(&negative, DType::U32)?, 8)?)
}

/// Codes u32 (…, K·bits/32) and scales u8 (…, K/group) of the last axis of w (…, K).
///
/// # Errors
/// `Value` for dtypes, shapes and global scales that do not fit.
pub fn quantize_small(w: &Array, format: SmallFloat, global: Option<&Array>) -> Result<(Array, Array)> {
    let global = format.global("quantize", global)?;
    check_matrix(w, format)?;
    encode(w, format, global.as_ref(), Ties::Down)
}

fn check_matrix(w: &Array, format: SmallFloat) -> Result<()> {
    let (op, n) = ("quantize", format.group_size());
    if w.ndim() < 2 {
        return Err(Error::value(format!(
            "[{op}] The matrix to be quantized must have at least 2 dimension but it has only {}.",
            w.ndim()
        )));
    }
    if !w.dtype().is_float() {
        return Err(Error::value(format!(
            "[{op}] Only real floating types can be quantized but w has type {}.",
            w.dtype()
        )));
    }
    if !w.dim(-1).is_multiple_of(n.max(32 / format.bits())) || w.dim(-1) == 0 {
        return Err(Error::value(format!(
            "[{op}] The last dimension of the matrix needs to be divisible by the quantization group size {n}. However the provided matrix has shape {:?}.",
            w.shape()
        )));
    }
    Ok(())
}

fn encode(w: &Array, format: SmallFloat, global: Option<&Array>, ties: Ties) -> Result<(Array, Array)> {
    let x = grouped(&ops::astype(w, DType::F32)?, format.group_size())?;
    let top = ops::max(&ops::abs(&x)?, Some(&[-1]), true)?;
    let largest = if format == Mxfp8 { 448.0 } else { 6.0 };
    let goal = ops::divide(&top, largest)?;
    let (scales, x) = if format == Nvfp4 {
        let (goal, x) = match global {
            Some(g) => {
                let up = ops::divide(&ops::full(&[], NV_LARGEST, Some(DType::F32))?, g)?;
                (ops::multiply(&goal, &up)?, ops::multiply(&x, &up)?)
            }
            None => (goal, x),
        };
        (ops::to_fp8(&goal)?, x)
    } else {
        // The smallest power of two that is not below the goal, from its bits.
        let bits = ops::view(&goal, DType::U32)?;
        let rest = ops::greater(&ops::bitwise_and(&bits, (1 << 23) - 1)?, 0)?;
        let e = ops::add(&ops::right_shift(&bits, 23)?, &ops::astype(&rest, DType::U32)?)?;
        let e = ops::where_(&ops::equal(&top, 0.0)?, ops::Scalar::Int(127), &e)?;
        (ops::astype(&e, DType::U8)?, x)
    };
    let by = format.scales(&scales)?;
    let none = ops::equal(&by, 0.0)?;
    let x = ops::divide(&x, &ops::where_(&none, &ops::ones(&[], DType::F32)?, &by)?)?;
    let x = ops::where_(&none, &ops::zeros(&[], DType::F32)?, &x)?;
    let bytes = if format == Mxfp8 {
        ops::to_fp8(&x)?
    } else {
        let pairs = grouped(&to_e2m1(&x, ties)?, 2)?;
        let (low, high) = (ops::slice_axis(&pairs, -1, 0, 1)?, ops::slice_axis(&pairs, -1, 1, 2)?);
        ops::astype(&ops::bitwise_or(&low, &ops::left_shift(&high, 4)?)?, DType::U8)?
    };
    let mut shape = w.shape().to_vec();
    let k = shape.pop().unwrap_or(0);
    let bytes = ops::reshape_to(&bytes, &[&shape[..], &[k * format.bits() / 8]].concat())?;
    let scales = ops::reshape_to(&scales, &[&shape[..], &[k / format.group_size()]].concat())?;
    Ok((ops::view(&bytes, DType::U32)?, scales))
}

fn check(op: &str, w: &Array, scales: &Array, format: SmallFloat) -> Result<()> {
    if scales.dtype() != DType::U8 {
        return Err(Error::value(format!("[{op}] Scale type must be uint8 but received type {}.", scales.dtype())));
    }
    let fits = w.dtype() == DType::U32
        && w.ndim() >= 2
        && scales.ndim() == w.ndim()
        && w.shape()[..w.ndim() - 2] == scales.shape()[..w.ndim() - 2]
        && w.dim(-2) == scales.dim(-2)
        && scales.dim(-1).checked_mul(format.group_size()) == w.dim(-1).checked_mul(32 / format.bits());
    if !fits {
        return Err(Error::value(format!(
            "[{op}] The shape of the weight and scales are incompatible for {}. w.shape() == {:?} of {} and scales.shape() == {:?}",
            format.name(),
            w.shape(),
            w.dtype(),
            scales.shape()
        )));
    }
    Ok(())
}

/// Values f32 (…, K) of codes and scales of shapes that fit.
fn decode(w: &Array, scales: &Array, format: SmallFloat) -> Result<Array> {
    let bytes = ops::view(&ops::contiguous(w)?, DType::U8)?;
    let x = if format == Mxfp8 {
        ops::from_fp8(&bytes, DType::F32)?
    } else {
        let both = ops::stack(&[ops::bitwise_and(&bytes, 15)?, ops::right_shift(&bytes, 4)?], -1)?;
        let signed: Vec<f32> = E2M1.iter().copied().chain(E2M1.iter().map(|x| -x)).collect();
        ops::take(&Array::from_slice(&signed, &[16])?, &both, Some(0))?
    };
    let mut shape = w.shape().to_vec();
    let words = shape.pop().unwrap_or(0);
    let k = words * 32 / format.bits();
    let x = ops::reshape_to(&x, &[&shape[..], &[k / format.group_size(), format.group_size()]].concat())?;
    let x = ops::multiply(&x, &ops::expand_dims(&format.scales(scales)?, &[-1])?)?;
    ops::reshape_to(&x, &[&shape[..], &[k]].concat())
}

/// Values (…, K) of codes and scales, f32.
///
/// # Errors
/// `Value` for arrays that do not fit.
pub fn dequantize_small(w: &Array, scales: &Array, format: SmallFloat, global: Option<&Array>) -> Result<Array> {
    let global = format.global("dequantize", global)?;
    check("dequantize", w, scales, format)?;
    let x = decode(w, scales, format)?;
    match global {
        Some(g) => ops::multiply(&x, &ops::divide(&g, NV_LARGEST)?),
        None => Ok(x),
    }
}

/// x (…, K) times a decoded matrix, in f32, in x's dtype.
fn product(op: &str, x: &Array, w: &Array, transpose: bool) -> Result<Array> {
    if !x.dtype().is_float() {
        return Err(Error::value(format!(
            "[{op}] Only real floating types are supported but x.dtype() == {}.",
            x.dtype()
        )));
    }
    let inner = w.dim(if transpose { -1 } else { -2 });
    if x.ndim() == 0 || x.dim(-1) != inner {
        return Err(Error::value(format!(
            "[{op}] The last dimension of x {:?} does not match the quantized matrix {:?} used with transpose={transpose}.",
            x.shape(),
            w.shape()
        )));
    }
    let w = if transpose { ops::swapaxes(w, -1, -2)? } else { w.clone() };
    ops::astype(&ops::matmul(&ops::astype(x, DType::F32)?, &w)?, x.dtype())
}

/// Product of x (…, K) with a quantized matrix: with `transpose` it is (N, K), otherwise (K, N). Sums are f32; the result
/// has x's dtype.
///
/// # Errors
/// `Value` for arrays that do not fit.
pub fn quantized_matmul_small(
    x: &Array,
    w: &Array,
    scales: &Array,
    transpose: bool,
    format: SmallFloat,
) -> Result<Array> {
    check("quantized_matmul", w, scales, format)?;
    product("quantized_matmul", x, &decode(w, scales, format)?, transpose)
}

/// As [`quantized_matmul_small`] with matrices chosen by positions over the leading axes; see [`ops::gather_mm`]. With
/// NVFP4 each matrix may have a global scale of its own: f32, one for each.
///
/// # Errors
/// As [`ops::gather_mm`] and [`quantized_matmul_small`].
pub fn gather_qmm_small(
    x: &Array,
    w: &Array,
    scales: &Array,
    left: Option<&Array>,
    right: Option<&Array>,
    transpose: bool,
    format: SmallFloat,
    global: Option<&Array>,
) -> Result<Array> {
    let op = "gather_qmm";
    check(op, w, scales, format)?;
    let experts = mlx_ir::desc::size_of_shape(&w.shape()[..w.ndim() - 2]);
    if let Some(g) = global {
        if format != Nvfp4 {
            return Err(Error::value(format!("[{op}] Global scale is only supported for 'nvfp4' quantization mode.")));
        }
        if g.shape() != [experts] || g.dtype() != DType::F32 {
            return Err(Error::value(format!(
                "[{op}] Global scale must have one entry per expert with shape ({experts}) but got {:?} of {}.",
                g.shape(),
                g.dtype()
            )));
        }
    }
    let shape = meeting(op, x, w, left, right)?;
    let mut m = decode(&chosen(op, w, right, &shape)?, &chosen(op, scales, right, &shape)?, format)?;
    if let Some(g) = global {
        let each = chosen(op, &ops::reshape_to(g, &[&w.shape()[..w.ndim() - 2], &[1, 1]].concat())?, right, &shape)?;
        m = ops::multiply(&m, &ops::divide(&each, NV_LARGEST)?)?;
    }
    product(op, &chosen(op, x, left, &shape)?, &m, transpose)
}

/// How both factors of [`qqmm`] are quantized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Both {
    /// Small floats.
    Small(SmallFloat),
    /// Affine: group size and bits.
    Affine(u16, u8),
}

/// Values rounded to a format, which gradients pass as if they were not.
struct Straight(Both);

impl Straight {
    fn rounded(&self, x: &Array, global: Option<&Array>) -> Result<Array> {
        let wide = ops::astype(x, DType::F32)?;
        // A single row is quantized as a matrix of one.
        let matrix = if wide.ndim() == 1 { ops::expand_dims(&wide, &[0])? } else { wide };
        let y = match self.0 {
            Both::Small(format) => {
                check_matrix(&matrix, format)?;
                let (w, s) = encode(&matrix, format, global, Ties::Even)?;
                dequantize_small(&w, &s, format, global)?
            }
            Both::Affine(group, bits) => {
                let (w, s, b) = ops::quantize(&matrix, group, bits)?;
                ops::dequantize(&w, &s, &b, group, bits)?
            }
        };
        ops::reshape_to(&y, x.shape())
    }
}

impl CustomRule for Straight {
    fn vjp(&self, arguments: &[Array], cotangents: &[Array], _: &[Array]) -> Option<Result<Grads>> {
        Some(ops::astype(&cotangents[0], arguments[0].dtype()).map(|g| vec![Some(g)]))
    }
    fn jvp(&self, arguments: &[Array], tangents: &[Option<Array>]) -> Option<Result<Vec<Array>>> {
        let t = tangents[0].clone().map_or_else(|| ops::zeros_like(&arguments[0]), Ok);
        Some(t.and_then(|t| Ok(vec![ops::astype(&t, DType::F32)?])))
    }
    fn vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        let f = || {
            let x = ops::moveaxis(&b.inputs[0], b.axes[0].unwrap_or(0) as i64, 0)?;
            Ok((vec![straight(&x, self.0, None)?], vec![Some(0)]))
        };
        // A global scale belongs to one array: the general way maps it.
        b.axes[0].map(|_| f())
    }
}

fn straight(x: &Array, both: Both, global: Option<&Array>) -> Result<Array> {
    let rule = Straight(both);
    let y = rule.rounded(x, global)?;
    match global {
        // The rule would batch without the scale: gradients stop here.
        Some(_) => Ok(y),
        None => Ok(custom(Arc::new(rule), std::slice::from_ref(x), &[y])?.remove(0)),
    }
}

/// Both factors of a product of quantized values, f32: x rounded, and w (…, N, K) rounded, or decoded with its scales.
fn factors(
    op: &str,
    x: &Array,
    w: &Array,
    scales: Option<&Array>,
    both: Both,
    globals: (Option<&Array>, Option<&Array>),
) -> Result<(Array, Array)> {
    if !x.dtype().is_float() || x.dtype() == DType::F64 {
        return Err(Error::value(format!(
            "[{op}] Only real floating types except float64 are supported but first argument dtype == {}.",
            x.dtype()
        )));
    }
    let format = match both {
        Both::Small(f) => f,
        // Says that there are no global scales.
        Both::Affine(..) => Mxfp4,
    };
    if globals.0.is_some() != globals.1.is_some() && format == Nvfp4 {
        return Err(Error::value(format!(
            "[{op}] For nvfp4 mode, either both global_scale_x and global_scale_w must be provided, or neither."
        )));
    }
    let gx = format.global(op, globals.0)?;
    let gw = match globals.1 {
        // For chosen matrices there may be one for each.
        Some(g) if g.size() != 1 && format == Nvfp4 => Some(g.clone()),
        g => format.global(op, g)?,
    };
    let m = match (scales, both) {
        (None, _) if w.dtype() == DType::U32 => {
            return Err(Error::value(format!("[{op}] Scales must be provided if second argument is quantized.")));
        }
        (None, _) => {
            if !w.dtype().is_float() || w.ndim() < 2 || w.dim(-1) != x.dim(-1) {
                return Err(Error::value(format!(
                    "[{op}] Last dimension of first input with shape {:?} must match last dimension of second input with shape {:?}.",
                    x.shape(),
                    w.shape()
                )));
            }
            match &gw {
                Some(g) if g.size() != 1 => {
                    return Err(Error::unsupported(format!(
                        "[{op}] Global scales for each matrix need a matrix that is quantized already."
                    )));
                }
                g => straight(w, both, g.as_ref())?,
            }
        }
        (Some(s), Both::Small(f)) => {
            check(op, w, s, f)?;
            let m = decode(w, s, f)?;
            match gw {
                Some(g) if g.size() == 1 => ops::multiply(&m, &ops::divide(&g, NV_LARGEST)?)?,
                Some(g) => {
                    let lead = &w.shape()[..w.ndim() - 2];
                    let each = ops::reshape_to(&ops::divide(&g, NV_LARGEST)?, &[lead, &[1, 1]].concat())?;
                    ops::multiply(&m, &each)?
                }
                None => m,
            }
        }
        (Some(_), Both::Affine(..)) => {
            return Err(Error::value(format!(
                "[{op}] The shapes of the weight and scales are incompatible: affine weights have biases, which cannot be given here."
            )));
        }
    };
    Ok((straight(x, both, gx.as_ref())?, m))
}

/// `x @ w.T` of quantized values: x (…, K) is rounded on the fly, w (…, N, K) as well unless it is given as codes with
/// scales. Sums are f32; the result has x's dtype. Gradients pass the rounding.
///
/// # Errors
/// `Value` for arrays that do not fit.
pub fn qqmm(
    x: &Array,
    w: &Array,
    scales: Option<&Array>,
    both: Both,
    globals: (Option<&Array>, Option<&Array>),
) -> Result<Array> {
    let (q, m) = factors("qqmm", x, w, scales, both, globals)?;
    ops::astype(&product("qqmm", &q, &m, true)?, x.dtype())
}

/// As [`qqmm`], with matrices chosen by positions over the leading axes of both; see [`ops::gather_mm`].
///
/// # Errors
/// As [`qqmm`] and [`ops::gather_mm`].
pub fn gather_qqmm(
    x: &Array,
    w: &Array,
    scales: Option<&Array>,
    left: Option<&Array>,
    right: Option<&Array>,
    both: Both,
    globals: (Option<&Array>, Option<&Array>),
    sorted: bool,
) -> Result<Array> {
    let op = "gather_qqmm";
    let (q, m) = factors(op, x, w, scales, both, globals)?;
    ops::astype(&ops::gather_mm(&q, &ops::swapaxes(&m, -1, -2)?, left, right, sorted)?, x.dtype())
}
