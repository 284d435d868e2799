//! The official package's primitives: what their states are and what they compute in terms of the public functions here
//! (`ROWS`), and which of them an op is (`named`).

use super::state::Kind::{self, Double, Dtype, Flag, Float, Int, Ints, Longs, Size, Text};
use super::state::{Value, bad, narrow};
use crate::array::{Array, Inputs};
use crate::ops::{self, FftKind, FftNorm, Mask, PadMode, linalg};
use mlx_ir::op::{self, ArgKind, ConvSpec, LinalgKind, Real, ReduceKind, ScanKind, UpdateMode};
use mlx_ir::{Aval, Axes, DType, Error, Func, Op, Result, desc};

/// A step that is read.
pub(super) struct Step<'a> {
    pub(super) name: &'a str,
    pub(super) state: Vec<Value>,
    pub(super) inputs: Vec<Array>,
    /// What the file states about the outputs.
    pub(super) outs: &'a [Aval],
    /// Whether sizes may vary when the function is called.
    pub(super) shapeless: bool,
}

/// A primitive without its name.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) state: &'static [Kind],
    pub(super) call: fn(&Step<'_>) -> Result<Vec<Array>>,
}

/// Primitives without a state that are elementwise functions, both ways.
const ELEMENTWISE: &[(&str, Func)] = &[
    ("Add", Func::Add),
    ("ArcCos", Func::Arccos),
    ("ArcCosh", Func::Arccosh),
    ("ArcSin", Func::Arcsin),
    ("ArcSinh", Func::Arcsinh),
    ("ArcTan", Func::Arctan),
    ("ArcTan2", Func::Arctan2),
    ("ArcTanh", Func::Arctanh),
    ("Ceil", Func::Ceil),
    ("Conjugate", Func::Conjugate),
    ("Cos", Func::Cos),
    ("Cosh", Func::Cosh),
    ("Divide", Func::Divide),
    ("Erf", Func::Erf),
    ("ErfInv", Func::Erfinv),
    ("Exp", Func::Exp),
    ("Expm1", Func::Expm1),
    ("Floor", Func::Floor),
    ("FloorDivide", Func::FloorDivide),
    ("Greater", Func::Greater),
    ("GreaterEqual", Func::GreaterEqual),
    ("Imag", Func::Imag),
    ("Less", Func::Less),
    ("LessEqual", Func::LessEqual),
    ("Log1p", Func::Log1p),
    ("LogAddExp", Func::Logaddexp),
    ("LogicalAnd", Func::LogicalAnd),
    ("LogicalNot", Func::LogicalNot),
    ("LogicalOr", Func::LogicalOr),
    ("Maximum", Func::Maximum),
    ("Minimum", Func::Minimum),
    ("Multiply", Func::Multiply),
    ("Negative", Func::Negative),
    ("NotEqual", Func::NotEqual),
    ("Power", Func::Power),
    ("Real", Func::Real),
    ("Remainder", Func::Remainder),
    ("Round", Func::Round),
    ("Select", Func::Select),
    ("Sigmoid", Func::Sigmoid),
    ("Sign", Func::Sign),
    ("Sin", Func::Sin),
    ("Sinh", Func::Sinh),
    ("Square", Func::Square),
    ("Subtract", Func::Subtract),
    ("Tan", Func::Tan),
    ("Tanh", Func::Tanh),
];

/// In the order of their numbers.
const BITWISE: [Func; 5] = [Func::BitwiseAnd, Func::BitwiseOr, Func::BitwiseXor, Func::LeftShift, Func::RightShift];
const LOGARITHMS: [Func; 3] = [Func::Log2, Func::Log10, Func::Log];
const REDUCTIONS: [ReduceKind; 6] =
    [ReduceKind::And, ReduceKind::Or, ReduceKind::Sum, ReduceKind::Prod, ReduceKind::Min, ReduceKind::Max];
const SCANS: [ScanKind; 5] = [ScanKind::Max, ScanKind::Min, ScanKind::Sum, ScanKind::Prod, ScanKind::Logaddexp];
const UPDATES: [UpdateMode; 5] =
    [UpdateMode::Max, UpdateMode::Min, UpdateMode::Sum, UpdateMode::Prod, UpdateMode::Assign];
const AXIS_UPDATES: [UpdateMode; 2] = [UpdateMode::Sum, UpdateMode::Assign];

type Row3 = (&'static str, &'static [Kind], fn(&Step<'_>) -> Result<Vec<Array>>);

/// All others that are read.
const ROWS: &[Row3] = &[
    ("Abs", &[], |s| {
        let size = ops::abs(s.only()?)?;
        // Of complex numbers it is complex at first, and converted by another step.
        one(if s.only()?.dtype().is_complex() { ops::astype(&size, DType::C64) } else { Ok(size) })
    }),
    ("AddMM", &[Float, Float], |s| {
        let [a, b, c] = s.inputs()?;
        one(ops::addmm(c, a, b, s.float(0)?, s.float(1)?))
    }),
    ("Arange", &[Double, Double, Double], |s| {
        let [] = s.inputs()?;
        one(ops::arange(s.double(0)?, s.double(1)?, s.double(2)?, s.out()?.dtype))
    }),
    ("ArgPartition", &[Int, Int], |s| one(ops::argpartition(s.only()?, s.int(0)?, Some(s.int(1)?)))),
    ("ArgReduce", &[Int, Int], |s| match s.of(0, &[ArgKind::Min, ArgKind::Max])? {
        ArgKind::Min => one(ops::argmin(s.only()?, Some(s.int(1)?), true)),
        ArgKind::Max => one(ops::argmax(s.only()?, Some(s.int(1)?), true)),
    }),
    ("ArgSort", &[Int], |s| one(ops::argsort(s.only()?, Some(s.int(0)?)))),
    ("AsStrided", &[Ints, Longs, Size], |s| {
        let strides: Vec<isize> = s.longs(1)?.iter().map(|&i| i as isize).collect();
        one(ops::as_strided(s.only()?, Some(&s.sizes(0)?), Some(&strides), s.size(2)?))
    }),
    ("AsType", &[Dtype], |s| one(ops::astype(s.only()?, s.dtype(0)?))),
    ("BitwiseBinary", &[Int], |s| {
        let [a, b] = s.inputs()?;
        one(ops::apply(s.of(0, &BITWISE)?, &[a, b]))
    }),
    ("BlockMaskedMM", &[Int], |s| {
        let block = s.whole(0)?;
        match &s.inputs[..] {
            [a, b] => one(ops::block_masked_mm(a, b, block, None, None, None)),
            [a, b, out] => one(ops::block_masked_mm(a, b, block, Some(out), None, None)),
            [a, b, l, r] => one(ops::block_masked_mm(a, b, block, None, Some(l), Some(r))),
            [a, b, out, l, r] => one(ops::block_masked_mm(a, b, block, Some(out), Some(l), Some(r))),
            _ => Err(s.count()),
        }
    }),
    ("Broadcast", &[Ints], |s| match &s.inputs[..] {
        [x] => one(ops::broadcast_to(x, &s.sizes(0)?)),
        // The others say which shape it is, should sizes vary.
        [x, ..] => one(ops::broadcast_to(x, &s.out()?.shape)),
        [] => Err(s.count()),
    }),
    ("BroadcastAxes", &[Ints], |s| match &s.inputs[..] {
        [x, ..] => one(ops::broadcast_to(x, &s.out()?.shape)),
        [] => Err(s.count()),
    }),
    ("Cholesky", &[Flag], |s| one(linalg::cholesky(s.only()?, s.flag(0)?))),
    ("Concatenate", &[Int], |s| one(ops::concatenate(&s.inputs, s.int(0)?))),
    ("Convolution", &[Ints, Ints, Ints, Ints, Ints, Int, Flag], |s| {
        let [x, w] = s.inputs()?;
        let axes = |i| Ok::<_, Error>(Axes::from_slice(&s.sizes(i)?));
        let (stride, low, high) = (axes(0)?, axes(1)?, axes(2)?);
        let (kernel_dilation, input_dilation) = (axes(3)?, axes(4)?);
        let spec =
            ConvSpec { stride, low, high, kernel_dilation, input_dilation, groups: s.whole(5)?, flip: s.flag(6)? };
        one(ops::conv_general(x, w, spec))
    }),
    ("Copy", &[], |s| Ok(vec![s.only()?.clone()])),
    ("Depends", &[], |s| {
        let (results, others) = s.inputs.split_at_checked(s.outs.len()).ok_or_else(|| s.count())?;
        ops::depends(results, others)
    }),
    ("DivMod", &[], |s| {
        let [a, b] = s.inputs()?;
        ops::divmod(a, b).map(|(q, r)| vec![q, r])
    }),
    ("DynamicSlice", &[Ints, Ints], |s| {
        let [x, start] = s.inputs()?;
        one(ops::dynamic_slice(x, start, &s.ints(0)?, &s.sizes(1)?))
    }),
    ("DynamicSliceUpdate", &[Ints], |s| {
        let [x, update, start] = s.inputs()?;
        one(ops::dynamic_slice_update(x, update, start, &s.ints(0)?))
    }),
    ("Eig", &[Flag], |s| {
        let (values, vectors) = linalg::eig(s.only()?)?;
        Ok(if s.flag(0)? { vec![values, vectors] } else { vec![values] })
    }),
    ("Eigh", &[Text, Flag], |s| {
        let (values, vectors) = linalg::eigh(s.only()?, s.upper(0)?)?;
        Ok(if s.flag(1)? { vec![values, vectors] } else { vec![values] })
    }),
    ("Equal", &[Flag], |s| {
        let [a, b] = s.inputs()?;
        let nan = s.flag(0)? && a.dtype().is_inexact();
        one(ops::apply(if nan { Func::NanEqual } else { Func::Equal }, &[a, b]))
    }),
    ("ExpandDims", &[Ints], |s| one(ops::expand_dims(s.only()?, &s.ints(0)?))),
    ("FFT", &[Longs, Flag, Flag, Flag], fourier),
    ("Flatten", &[Int, Int], |s| one(ops::flatten(s.only()?, s.int(0)?, s.int(1)?))),
    ("Full", &[], |s| one(ops::broadcast_to(s.only()?, &s.out()?.shape))),
    ("Gather", &[Ints, Ints], |s| {
        let (x, indices) = s.inputs.split_first().ok_or_else(|| s.count())?;
        one(ops::gather(x, indices, &s.ints(0)?, &s.sizes(1)?))
    }),
    ("GatherAxis", &[Int], |s| {
        let [x, indices] = s.inputs()?;
        one(ops::take_along_axis(x, indices, Some(s.int(0)?)))
    }),
    ("GatherMM", &[Flag, Flag], |s| {
        let [a, b, left, right] = s.inputs()?;
        one(ops::gather_mm(a, b, Some(left), Some(right), s.flag(1)?))
    }),
    ("GatherQMM", &[Int, Int, Int, Flag, Flag, Flag], |s| {
        let (transpose, sorted) = (s.flag(3)?, s.flag(5)?);
        if let Some(format) = s.small_float()? {
            let [x, w, scales, left, right] = s.inputs()?;
            return one(ops::gather_qmm_small(x, w, scales, Some(left), Some(right), transpose, format, None));
        }
        let (group, bits) = (s.group(0)?, s.bits(1)?);
        let [x, w, scales, biases, left, right] = s.inputs()?;
        let (left, right) = (Some(left), Some(right));
        one(ops::gather_qmm(x, w, scales, biases, left, right, transpose, group, bits, sorted))
    }),
    ("Hadamard", &[Float], |s| one(ops::hadamard_transform(s.only()?, Some(s.float(0)?)))),
    ("Inverse", &[Flag, Flag], |s| match s.flag(0)? {
        true => one(linalg::tri_inv(s.only()?, s.flag(1)?)),
        false => one(linalg::inv(s.only()?)),
    }),
    // A weight or bias without dimensions stands for none.
    ("LayerNorm", &[Float], |s| {
        let [x, weight, bias] = s.inputs()?;
        let given = |a: &'_ &Array| a.ndim() > 0;
        one(ops::layer_norm(x, Some(weight).filter(given), Some(bias).filter(given), s.float(0)?))
    }),
    ("Log", &[Int], |s| one(ops::apply(s.of(0, &LOGARITHMS)?, &[s.only()?]))),
    ("LogSumExp", &[], |s| one(ops::logsumexp(s.only()?, Some(&[-1]), true))),
    ("MaskedScatter", &[], masked_scatter),
    ("Matmul", &[], |s| {
        let [a, b] = s.inputs()?;
        one(ops::matmul(a, b))
    }),
    ("NumberOfElements", &[Ints, Flag, Dtype], number_of_elements),
    ("Pad", &[Ints, Ints, Ints], |s| {
        let [x, value] = s.inputs()?;
        let (axes, low, high) = (s.ints(0)?, s.sizes(1)?, s.sizes(2)?);
        if axes.len() != low.len() || axes.len() != high.len() || value.ndim() != 0 {
            return Err(bad("Pad has axes, widths and a value that do not fit."));
        }
        let mut widths = vec![(0, 0); x.ndim()];
        for (i, &axis) in axes.iter().enumerate() {
            widths[desc::normalize_axis("pad", axis, x.ndim())?] = (low[i], high[i]);
        }
        one(ops::pad(x, &widths, PadMode::Constant, value))
    }),
    ("Partition", &[Int, Int], |s| one(ops::partition(s.only()?, s.int(0)?, Some(s.int(1)?)))),
    ("QRF", &[], |s| linalg::qr(s.only()?).map(|(q, r)| vec![q, r])),
    ("Quantize", &[Int, Int, Int, Flag], |s| {
        let (group, bits) = (s.group(0)?, s.bits(1)?);
        match (s.small_float()?, s.flag(3)?) {
            (None, false) => ops::quantize(s.only()?, group, bits).map(|(w, scales, biases)| vec![w, scales, biases]),
            (None, true) => {
                let [w, scales, biases] = s.inputs()?;
                one(ops::dequantize(w, scales, biases, group, bits))
            }
            (Some(format), false) => ops::quantize_small(s.only()?, format, None).map(|(w, scales)| vec![w, scales]),
            (Some(format), true) => {
                let [w, scales] = s.inputs()?;
                one(ops::astype(&ops::dequantize_small(w, scales, format, None)?, s.out()?.dtype))
            }
        }
    }),
    ("QuantizedMatmul", &[Int, Int, Int, Flag], |s| {
        let transpose = s.flag(3)?;
        if let Some(format) = s.small_float()? {
            let [x, w, scales] = s.inputs()?;
            return one(ops::quantized_matmul_small(x, w, scales, transpose, format));
        }
        let (group, bits) = (s.group(0)?, s.bits(1)?);
        let [x, w, scales, biases] = s.inputs()?;
        one(ops::quantized_matmul(x, w, scales, biases, transpose, group, bits))
    }),
    ("RMSNorm", &[Float], |s| {
        let [x, weight] = s.inputs()?;
        one(ops::rms_norm(x, Some(weight).filter(|w| w.ndim() > 0), s.float(0)?))
    }),
    ("RandomBits", &[Ints, Int], |s| {
        let key = s.only()?;
        let (shape, width) = (s.sizes(0)?, u8::try_from(s.int(1)?).map_err(|_| bad("RandomBits of an odd width."))?);
        let lead = &key.shape()[..key.ndim().saturating_sub(1)];
        let Some(shape) = shape.strip_prefix(lead) else {
            return Err(bad(format!("RandomBits of shape {shape:?} for keys of shape {:?}.", key.shape())));
        };
        let op = op::RandomBits { shape: shape.into(), width };
        one(Array::record1(op, Inputs::from_iter([key.clone()])))
    }),
    ("Reduce", &[Int, Ints], |s| {
        let (x, axes) = (s.only()?, s.ints(1)?);
        one(match s.of(0, &REDUCTIONS)? {
            ReduceKind::And => ops::all(x, Some(&axes), true),
            ReduceKind::Or => ops::any(x, Some(&axes), true),
            ReduceKind::Sum => ops::sum(x, Some(&axes), true),
            ReduceKind::Prod => ops::prod(x, Some(&axes), true),
            ReduceKind::Min => ops::min(x, Some(&axes), true),
            ReduceKind::Max => ops::max(x, Some(&axes), true),
        })
    }),
    ("Reshape", &[Ints], |s| one(ops::reshape(s.only()?, &s.ints(0)?))),
    ("RoPE", &[Int, Flag, Float, Float, Flag], |s| {
        let freqs = s.inputs.get(2).map(|f| ops::astype(f, DType::F32)).transpose()?;
        let op = op::Rope {
            dims: s.whole(0)?,
            traditional: s.flag(1)?,
            base: if freqs.is_none() { Some(Real::new(s.float(2)?)) } else { None },
            scale: Real::new(s.float(3)?),
            inverse: !s.flag(4)?,
        };
        match &s.inputs[..] {
            [x, offset] | [x, offset, _] => {
                one(Array::record1(op, [x, offset].into_iter().cloned().chain(freqs).collect()))
            }
            _ => Err(s.count()),
        }
    }),
    ("SVD", &[Flag], |s| match s.flag(0)? {
        true => linalg::svd(s.only()?).map(|(u, values, v)| vec![u, values, v]),
        false => one(linalg::singular_values(s.only()?)),
    }),
    ("ScaledDotProductAttention", &[Float, Flag, Flag, Flag, Flag], |s| {
        if s.flag(3)? {
            return Err(Error::unsupported(
                "[import_function] ScaledDotProductAttention that also gives logarithms of sums has no counterpart here. \
                 Export the function without its gradient.",
            ));
        }
        let (inputs, sinks) = match (s.flag(2)?, &s.inputs[..]) {
            (true, [inputs @ .., sinks]) => (inputs, Some(sinks)),
            (_, inputs) => (inputs, None),
        };
        let (q, k, v, mask) = match (s.flag(1)?, inputs) {
            (false, [q, k, v]) => (q, k, v, Mask::None),
            (true, [q, k, v]) => (q, k, v, Mask::Causal),
            (false, [q, k, v, m]) => (q, k, v, Mask::Array(m)),
            _ => return Err(s.count()),
        };
        one(ops::scaled_dot_product_attention(q, k, v, s.float(0)?, mask, sinks))
    }),
    ("Scan", &[Int, Int, Flag, Flag], |s| {
        let (x, axis, reverse, inclusive) = (s.only()?, Some(s.int(1)?), s.flag(2)?, s.flag(3)?);
        one(match s.of(0, &SCANS)? {
            ScanKind::Sum => ops::cumsum(x, axis, reverse, inclusive),
            ScanKind::Prod => ops::cumprod(x, axis, reverse, inclusive),
            ScanKind::Min => ops::cummin(x, axis, reverse, inclusive),
            ScanKind::Max => ops::cummax(x, axis, reverse, inclusive),
            ScanKind::Logaddexp => ops::logcumsumexp(x, axis, reverse, inclusive),
        })
    }),
    ("Scatter", &[Int, Ints], |s| match &s.inputs[..] {
        [x, indices @ .., updates] => one(ops::scatter(x, indices, updates, &s.ints(1)?, s.of(0, &UPDATES)?)),
        _ => Err(s.count()),
    }),
    ("ScatterAxis", &[Int, Int], |s| {
        let [x, indices, values] = s.inputs()?;
        match s.of(0, &AXIS_UPDATES)? {
            UpdateMode::Sum => one(ops::scatter_add_axis(x, indices, values, s.int(1)?)),
            _ => one(ops::put_along_axis(x, indices, values, Some(s.int(1)?))),
        }
    }),
    ("SearchSorted", &[Flag], |s| {
        let [sorted, values] = s.inputs()?;
        one(ops::searchsorted(sorted, values, if s.flag(0)? { "right" } else { "left" }))
    }),
    ("Slice", &[Ints, Ints, Ints], |s| one(ops::slice(s.only()?, &s.ints(0)?, &s.ints(1)?, &s.ints(2)?))),
    ("SliceUpdate", &[Int, Ints, Ints, Ints], |s| {
        let [x, update] = s.inputs()?;
        one(ops::slice_update(x, update, &s.ints(1)?, &s.ints(2)?, &s.ints(3)?, s.of(0, &UPDATES)?))
    }),
    ("Softmax", &[Flag], |s| one(ops::softmax(s.only()?, Some(&[-1]), s.flag(0)?))),
    ("Sort", &[Int], |s| one(ops::sort(s.only()?, Some(s.int(0)?)))),
    ("Split", &[Ints, Int], |s| ops::split_at(s.only()?, &s.ints(0)?, s.int(1)?)),
    ("Sqrt", &[Flag], |s| one(ops::apply(if s.flag(0)? { Func::Rsqrt } else { Func::Sqrt }, &[s.only()?]))),
    ("Squeeze", &[Ints], |s| one(ops::squeeze(s.only()?, Some(&s.ints(0)?)))),
    ("StopGradient", &[], |s| one(ops::stop_gradient(s.only()?))),
    ("Transpose", &[Ints], |s| one(ops::transpose(s.only()?, Some(&s.ints(0)?)))),
    ("Unflatten", &[Int, Ints], |s| one(ops::unflatten(s.only()?, s.int(0)?, &s.ints(1)?))),
    ("View", &[Dtype], |s| one(ops::view(s.only()?, s.dtype(0)?))),
];

/// The primitive of a name.
pub(super) fn find(name: &str) -> Option<Row> {
    if ELEMENTWISE.iter().any(|e| e.0 == name) {
        return Some(Row { state: &[], call: elementwise });
    }
    ROWS.iter().find(|r| r.0 == name).map(|&(_, state, call)| Row { state, call })
}

fn one(a: Result<Array>) -> Result<Vec<Array>> {
    a.map(|a| vec![a])
}

fn elementwise(s: &Step<'_>) -> Result<Vec<Array>> {
    let Some(&(_, f)) = ELEMENTWISE.iter().find(|e| e.0 == s.name) else { return Err(bad("No such function.")) };
    match &s.inputs[..] {
        [c, x, y] if f == Func::Select => one(ops::where_(c, x, y)),
        all if all.len() == f.arity() && f != Func::Select => {
            one(ops::apply(f, &all.iter().map(|a| a as &dyn ops::Arg).collect::<Vec<_>>()))
        }
        _ => Err(s.count()),
    }
}

fn fourier(s: &Step<'_>) -> Result<Vec<Array>> {
    let (x, axes) = (s.only()?, s.longs(0)?);
    let (inverse, kind) = (s.flag(1)?, if s.flag(2)? { FftKind::Real } else { FftKind::Complex });
    let Some(&last) = axes.last() else { return Ok(vec![x.clone()]) };
    let at = |i: i64| desc::normalize_axis("fft", i, x.ndim());
    let mut sizes = axes.iter().map(|&i| Ok(x.shape()[at(i)?])).collect::<Result<Vec<_>>>()?;
    if let (FftKind::Real, true, Some(n)) = (kind, inverse, sizes.last_mut()) {
        // What the real inverse gives along its last axis is said by its output's shape alone.
        *n = s.out()?.shape.get(at(last)?).copied().ok_or_else(|| bad("FFT has outputs of other dimensions."))?;
        if *n / 2 + 1 != x.shape()[at(last)?] {
            return Err(bad(format!("FFT gives {n} elements along an axis of {}.", x.shape()[at(last)?])));
        }
    }
    one(ops::fftn(x, Some(&sizes), Some(&axes), kind, inverse, FftNorm::Backward))
}

/// The first axis holds arrays that are updated apart; the public functions of either package give one.
fn masked_scatter(s: &Step<'_>) -> Result<Vec<Array>> {
    let [x, mask, values] = s.inputs()?;
    if [x, mask, values].iter().any(|a| a.shape().first() != Some(&1)) {
        return Err(Error::unsupported(
            "[import_function] MaskedScatter of several arrays in one step has no counterpart here. Export one for each.",
        ));
    }
    let apart = |a| ops::squeeze(a, Some(&[0]));
    let flat = ops::reshape(values, &[-1])?;
    one(ops::expand_dims(&ops::masked_scatter(&apart(x)?, &apart(mask)?, &flat)?, &[0]))
}

/// A number, unless sizes may vary: then it is counted.
fn number_of_elements(s: &Step<'_>) -> Result<Vec<Array>> {
    let (x, axes, dtype) = (s.only()?, s.ints(0)?, s.dtype(2)?);
    let wide = if dtype == DType::F64 { DType::F64 } else { DType::F32 };
    let n = if s.shapeless {
        ops::astype(&ops::elements(x, Some(&axes))?, wide)?
    } else {
        let axes = desc::normalize_axes("size", &axes, x.ndim())?;
        ops::full(&[], axes.iter().map(|&i| x.shape()[i] as f64).product::<f64>(), Some(wide))?
    };
    one(ops::astype(&if s.flag(1)? { ops::reciprocal(&n)? } else { n }, dtype))
}

impl Step<'_> {
    pub(super) fn count(&self) -> Error {
        bad(format!("{} does not take {} inputs.", self.name, self.inputs.len()))
    }
    fn inputs<const N: usize>(&self) -> Result<&[Array; N]> {
        self.inputs.as_slice().try_into().map_err(|_| self.count())
    }
    fn only(&self) -> Result<&Array> {
        self.inputs::<1>().map(|[x]| x)
    }
    fn out(&self) -> Result<&Aval> {
        self.outs.first().ok_or_else(|| bad(format!("{} has no output.", self.name)))
    }
    /// A part that the row does not have is a fault of the row.
    fn no(&self, part: usize) -> Error {
        Error::runtime(format!("[import_function] {} has no such part {part} of its state", self.name))
    }
    fn int(&self, i: usize) -> Result<i64> {
        if let Some(Value::Int(n)) = self.state.get(i) { Ok(i64::from(*n)) } else { Err(self.no(i)) }
    }
    fn whole(&self, i: usize) -> Result<usize> {
        let n = self.int(i)?;
        usize::try_from(n).map_err(|_| bad(format!("{} has a negative parameter, {n}.", self.name)))
    }
    /// One of several, by its number.
    fn of<T: Copy>(&self, i: usize, all: &[T]) -> Result<T> {
        let n = self.int(i)?;
        let known = usize::try_from(n).ok().and_then(|n| all.get(n));
        known.copied().ok_or_else(|| bad(format!("{} has no variant {n}.", self.name)))
    }
    fn flag(&self, i: usize) -> Result<bool> {
        if let Some(Value::Flag(f)) = self.state.get(i) { Ok(*f) } else { Err(self.no(i)) }
    }
    fn float(&self, i: usize) -> Result<f64> {
        if let Some(Value::Float(x)) = self.state.get(i) { Ok(f64::from(*x)) } else { Err(self.no(i)) }
    }
    fn double(&self, i: usize) -> Result<f64> {
        if let Some(Value::Double(x)) = self.state.get(i) { Ok(*x) } else { Err(self.no(i)) }
    }
    fn size(&self, i: usize) -> Result<usize> {
        let Some(Value::Size(n)) = self.state.get(i) else { return Err(self.no(i)) };
        usize::try_from(*n).map_err(|_| bad("A size is beyond this machine."))
    }
    fn ints(&self, i: usize) -> Result<Vec<i64>> {
        let Some(Value::Ints(all)) = self.state.get(i) else { return Err(self.no(i)) };
        Ok(all.iter().map(|&n| i64::from(n)).collect())
    }
    fn sizes(&self, i: usize) -> Result<Vec<usize>> {
        let size = |n| usize::try_from(n).map_err(|_| bad(format!("{} has a negative size, {n}.", self.name)));
        self.ints(i)?.into_iter().map(size).collect()
    }
    fn longs(&self, i: usize) -> Result<Vec<i64>> {
        if let Some(Value::Longs(all)) = self.state.get(i) { Ok(all.clone()) } else { Err(self.no(i)) }
    }
    fn dtype(&self, i: usize) -> Result<DType> {
        if let Some(Value::Dtype(d)) = self.state.get(i) { Ok(*d) } else { Err(self.no(i)) }
    }
    fn upper(&self, i: usize) -> Result<bool> {
        if let Some(Value::Text(t)) = self.state.get(i) { Ok(*t == "U") } else { Err(self.no(i)) }
    }
    fn group(&self, i: usize) -> Result<u16> {
        u16::try_from(self.int(i)?).map_err(|_| bad("No such size of a group."))
    }
    fn bits(&self, i: usize) -> Result<u8> {
        u8::try_from(self.int(i)?).map_err(|_| bad("No such number of bits."))
    }
    /// The format of quantization, which the first three parts say; none if it is affine.
    fn small_float(&self) -> Result<Option<ops::SmallFloat>> {
        use ops::SmallFloat::{Mxfp4, Mxfp8, Nvfp4};
        let (group, bits) = (self.whole(0)?, self.whole(1)?);
        let format = self.of(2, &[None, Some(Mxfp4), Some(Mxfp8), Some(Nvfp4)])?;
        match format {
            Some(f) if (group, bits) != (f.group_size(), f.bits()) => {
                Err(bad(format!("{} has no groups of {group} in {bits} bits.", f.name())))
            }
            _ => Ok(format),
        }
    }
}

/// An op as a primitive.
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) state: Vec<Value>,
    /// The first input comes last.
    rotated: bool,
    /// What it gives where this is not the op's result, which is then converted.
    pub(super) gives: Option<DType>,
}

impl Named {
    /// The inputs as the primitive takes them.
    pub(super) fn order<T: Clone>(&self, inputs: &[T]) -> Vec<T> {
        let mut all = inputs.to_vec();
        if self.rotated {
            all.rotate_left(1);
        }
        all
    }

    /// That the step would be read as what it is.
    ///
    /// # Errors
    /// `Unsupported` if it would not.
    pub(super) fn check(&self, ins: &[Aval], outs: &[Aval]) -> Result<()> {
        let inputs = self.order(ins).into_iter().map(Array::hole).collect();
        let step = Step { name: self.name, state: self.state.clone(), inputs, outs, shapeless: false };
        let made = find(self.name).map(|row| (row.call)(&step));
        match made {
            Some(Ok(made)) if made.len() == outs.len() && made.iter().zip(outs).all(|(a, o)| a.aval() == o) => Ok(()),
            _ => Err(Error::unsupported(format!(
                "[export_function] {} over {ins:?} is not what it is in the official package.",
                self.name
            ))),
        }
    }
}

/// The primitive that an op is.
///
/// # Errors
/// `Unsupported` if there is none.
pub(super) fn named(op: &Op, ins: &[Aval], outs: &[Aval]) -> Result<Named> {
    use Value::{Double, Flag, Float, Int, Ints, Longs, Size};
    let none = || {
        Err(Error::unsupported(format!("[export_function] {} has no counterpart in the official package.", op.name())))
    };
    let numbers = |a: &[usize]| Ok::<_, Error>(Ints(a.iter().map(|&n| narrow(n)).collect::<Result<_>>()?));
    let steps = |a: &[isize]| {
        let narrow =
            |&n: &isize| i32::try_from(n).map_err(|_| Error::unsupported("[export_function] A step is too long."));
        a.iter().map(narrow).collect::<Result<Vec<i32>>>()
    };
    let index = |n: usize| Ok::<_, Error>(Int(narrow(n)?));
    // The place of a variant among them.
    fn place<T: PartialEq>(all: &[T], x: &T) -> Option<Value> {
        all.iter().position(|y| y == x).map(|n| Int(n as i32))
    }
    let (name, state) = match op {
        Op::Map(m) => match m.tape.as_single() {
            Some(Func::Abs) => ("Abs", vec![]),
            Some(Func::Convert) => ("AsType", vec![Value::Dtype(outs[0].dtype)]),
            Some(Func::Sqrt) => ("Sqrt", vec![Flag(false)]),
            Some(Func::Rsqrt) => ("Sqrt", vec![Flag(true)]),
            Some(Func::Equal) => ("Equal", vec![Flag(false)]),
            Some(Func::NanEqual) => ("Equal", vec![Flag(true)]),
            Some(f) if let Some(n) = place(&LOGARITHMS, &f) => ("Log", vec![n]),
            Some(f) if let Some(n) = place(&BITWISE, &f) => ("BitwiseBinary", vec![n]),
            Some(f)
                if suits(f, ins)
                    && let Some(e) = ELEMENTWISE.iter().find(|e| e.1 == f) =>
            {
                (e.0, vec![])
            }
            _ => return none(),
        },
        Op::Broadcast(b) => ("Broadcast", vec![numbers(&b.shape)?]),
        Op::Reshape(r) => ("Reshape", vec![numbers(&r.shape)?]),
        Op::Transpose(t) => ("Transpose", vec![numbers(&t.axes)?]),
        Op::Slice(s) => {
            let (start, stop) = (numbers(&s.start)?, Ints(stops(&s.start, &s.strides, &s.shape, &ins[0].shape)?));
            ("Slice", vec![start, stop, Ints(steps(&s.strides)?)])
        }
        Op::SliceUpdate(s) => {
            let Some(mode) = place(&UPDATES, &s.mode) else { return none() };
            let (start, stop) = (numbers(&s.start)?, Ints(stops(&s.start, &s.strides, &ins[1].shape, &ins[0].shape)?));
            ("SliceUpdate", vec![mode, start, stop, Ints(steps(&s.strides)?)])
        }
        Op::AsStrided(s) if ins[0].ndim() == 1 => {
            let strides = Longs(s.strides.iter().map(|&n| n as i64).collect());
            ("AsStrided", vec![numbers(&s.shape)?, strides, Size(s.offset as u64)])
        }
        Op::Bitcast(b) => ("View", vec![Value::Dtype(b.dtype)]),
        Op::StopGradient(_) => ("StopGradient", vec![]),
        Op::Arange(a) => {
            let (start, step) = (a.start.get(), a.step.get());
            // So that the number of elements comes out of it whatever is rounded.
            let exact = start + a.len as f64 * step;
            let fits = ((exact - start) / step).ceil() == a.len as f64;
            let stop = if fits { exact } else { start + (a.len as f64 - 0.5) * step };
            ("Arange", vec![Double(start), Double(if a.len == 0 { start } else { stop }), Double(step)])
        }
        Op::Reduce(r) if !r.axes.is_empty() => match place(&REDUCTIONS, &r.kind) {
            Some(kind) => ("Reduce", vec![kind, numbers(&r.axes)?]),
            None => return none(),
        },
        Op::ArgReduce(r) => ("ArgReduce", vec![Int(i32::from(r.kind == ArgKind::Max)), index(r.axis)?]),
        Op::Scan(s) if s.kind != ScanKind::Logaddexp => match place(&SCANS, &s.kind) {
            Some(kind) => ("Scan", vec![kind, index(s.axis)?, Flag(s.reverse), Flag(s.inclusive)]),
            None => return none(),
        },
        Op::Sort(s) => ("Sort", vec![index(s.axis)?]),
        Op::ArgSort(s) => ("ArgSort", vec![index(s.axis)?]),
        Op::Partition(p) => ("Partition", vec![index(p.kth)?, index(p.axis)?]),
        Op::ArgPartition(p) => ("ArgPartition", vec![index(p.kth)?, index(p.axis)?]),
        Op::Gather(g) => ("Gather", vec![numbers(&g.axes)?, numbers(&g.slice_sizes)?]),
        Op::GatherAxis(g) => ("GatherAxis", vec![index(g.axis)?]),
        Op::Scatter(s) => match place(&UPDATES, &s.mode) {
            Some(mode) => ("Scatter", vec![mode, numbers(&s.axes)?]),
            None => return none(),
        },
        Op::ScatterAxis(s) => match place(&AXIS_UPDATES, &s.mode) {
            Some(mode) => ("ScatterAxis", vec![mode, index(s.axis)?]),
            None => return none(),
        },
        Op::DynamicSlice(s) => ("DynamicSlice", vec![numbers(&s.axes)?, numbers(&s.shape)?]),
        Op::DynamicSliceUpdate(s) => ("DynamicSliceUpdate", vec![numbers(&s.axes)?]),
        Op::Concatenate(c) => ("Concatenate", vec![index(c.axis)?]),
        Op::Pad(p) => {
            let axes: Vec<usize> = (0..p.low.len()).collect();
            ("Pad", vec![numbers(&axes)?, numbers(&p.low)?, numbers(&p.high)?])
        }
        Op::Matmul(_) => ("Matmul", vec![]),
        Op::Fft(f) => {
            let last = Longs(vec![ins[0].ndim() as i64 - 1]);
            ("FFT", vec![last, Flag(f.inverse), Flag(false), Flag(false)])
        }
        Op::Linalg(l) => match l.kind {
            LinalgKind::Qr => ("QRF", vec![]),
            LinalgKind::Svd => ("SVD", vec![Flag(true)]),
            LinalgKind::SingularValues => ("SVD", vec![Flag(false)]),
            LinalgKind::Cholesky { upper } => ("Cholesky", vec![Flag(upper)]),
            LinalgKind::Inverse => ("Inverse", vec![Flag(false), Flag(true)]),
            LinalgKind::TriangularInverse { upper } => ("Inverse", vec![Flag(true), Flag(upper)]),
            LinalgKind::Eigh { upper } => ("Eigh", vec![Value::Text(if upper { "U" } else { "L" }), Flag(true)]),
            LinalgKind::Eig => ("Eig", vec![Flag(true)]),
            LinalgKind::Lu
            | LinalgKind::LuFactor
            | LinalgKind::SlogDet
            | LinalgKind::Solve
            | LinalgKind::SolveTriangular { .. } => return none(),
        },
        Op::RandomBits(r) => ("RandomBits", vec![numbers(&outs[0].shape)?, Int(i32::from(r.width))]),
        Op::Quantize(q) => ("Quantize", [affine(q.affine), vec![Flag(false)]].concat()),
        Op::QuantizedMatmul(q) => ("QuantizedMatmul", [affine(q.affine), vec![Flag(q.transpose)]].concat()),
        Op::GatherQMM(g) if g.left && g.right => {
            ("GatherQMM", [affine(g.affine), vec![Flag(g.transpose), Flag(false), Flag(g.sorted)]].concat())
        }
        // On its processor the official package has the others wrong, or not at all.
        Op::GatherMM(g) if g.left && g.right && ins[0].dtype == DType::F32 => {
            ("GatherMM", vec![Flag(false), Flag(g.sorted)])
        }
        Op::AddMM(a) => {
            let state = vec![Float(a.alpha.f32()), Float(a.beta.f32())];
            return Ok(Named { name: "AddMM", state, rotated: true, gives: None });
        }
        Op::Softmax(s) => ("Softmax", vec![Flag(s.precise)]),
        Op::LogSumExp(_) => ("LogSumExp", vec![]),
        Op::Conv(c) => {
            let c = &c.spec;
            let state = vec![
                numbers(&c.stride)?,
                numbers(&c.low)?,
                numbers(&c.high)?,
                numbers(&c.kernel_dilation)?,
                numbers(&c.input_dilation)?,
                index(c.groups)?,
                Flag(c.flip),
            ];
            ("Convolution", state)
        }
        Op::Depends(_) => ("Depends", vec![]),
        _ => return none(),
    };
    let gives = if name == "Abs" && ins[0].dtype.is_complex() { Some(ins[0].dtype) } else { None };
    Ok(Named { name, state, rotated: false, gives })
}

/// Whether the primitive takes these dtypes; the public functions of the official package convert before it.
fn suits(f: Func, ins: &[Aval]) -> bool {
    match f {
        Func::LogicalAnd | Func::LogicalOr | Func::LogicalNot => ins[0].dtype == DType::Bool,
        Func::Real | Func::Imag | Func::Conjugate => ins[0].dtype.is_complex(),
        Func::Floor | Func::Ceil | Func::Round => ins[0].dtype.is_inexact(),
        _ => true,
    }
}

fn affine(a: op::Affine) -> Vec<Value> {
    vec![Value::Int(i32::from(a.group_size)), Value::Int(i32::from(a.bits)), Value::Int(0)]
}

/// Where the elements end: behind the last of them, before the first element counted from the end for negative steps.
fn stops(start: &[usize], strides: &[isize], shape: &[usize], whole: &[usize]) -> Result<Vec<i32>> {
    let stop = |d: usize| {
        let last = (start[d] as i64).checked_add((shape[d] as i64).checked_mul(strides[d] as i64)?)?;
        let size = whole[d] as i64;
        i32::try_from(if last < 0 { -1 - size } else { last.min(size) }).ok()
    };
    (0..start.len())
        .map(|d| stop(d).ok_or_else(|| Error::unsupported("[export_function] A slice is too long.")))
        .collect()
}
