//! Arguments that must be refused, with the kind of error, here and by the official wheel.

use mlx::ops::SmallFloat::Mxfp4;
use mlx::ops::{self, Both, PadMode, linalg};
use mlx::{Array, DType, ErrorKind, Result};

/// One bad call.
pub struct Bad {
    /// `function/what is wrong`.
    pub name: &'static str,
    /// The kind of error.
    pub kind: ErrorKind,
    /// The call.
    pub run: fn() -> Result<Vec<Array>>,
    /// The same in Python; empty where the official wheel differs (crashes, does not check, has no such function).
    pub python: &'static str,
}

fn z(shape: &[usize]) -> Result<Array> {
    ops::zeros(shape, DType::F32)
}
fn i(shape: &[usize]) -> Result<Array> {
    ops::zeros(shape, DType::I32)
}
fn u(shape: &[usize]) -> Result<Array> {
    ops::zeros(shape, DType::U32)
}
fn frames(size: usize, hop: usize) -> ops::Frames {
    ops::Frames { size, hop, window: None, width: size, center: true }
}

macro_rules! bad {
    ($($name:literal, $kind:ident, $call:expr, $python:literal;)*) => {
        vec![$(Bad {
            name: $name,
            kind: ErrorKind::$kind,
            run: || Ok($crate::case::Outputs::list($call?)),
            python: $python,
        }),*]
    };
}

/// The table.
#[rustfmt::skip]
pub fn table() -> Vec<Bad> {
    bad! {
        "vecdot/axis", Value, ops::vecdot(&z(&[3, 4])?, &z(&[4])?, -1), "mx.vecdot(mx.zeros((3, 4)), mx.zeros(4))";
        "vecdot/sizes", Value, ops::vecdot(&z(&[3, 4])?, &z(&[3, 1])?, -1), "mx.vecdot(mx.zeros((3, 4)), mx.zeros((3, 1)))";
        "gather_mm/indices", Value, ops::gather_mm(&z(&[2, 1, 3])?, &z(&[4, 3, 2])?, None, Some(&z(&[2])?), false), "mx.gather_mm(mx.zeros((2, 1, 3)), mx.zeros((4, 3, 2)), rhs_indices=mx.zeros(2))";
        "gather_mm/sizes", Value, ops::gather_mm(&z(&[2, 1, 3])?, &z(&[4, 5, 2])?, None, Some(&i(&[2])?), false), "mx.gather_mm(mx.zeros((2, 1, 3)), mx.zeros((4, 5, 2)), rhs_indices=mx.zeros(2, mx.int32))";
        "gather_mm/nothing to choose", Value, ops::gather_mm(&z(&[2, 1, 3])?, &z(&[0, 3, 2])?, None, Some(&i(&[2])?), false), "";
        "gather_mm/places", Value, ops::gather_mm(&z(&[2, 1, 3])?, &z(&[4, 3, 2])?, None, Some(&i(&[3])?), false), "mx.gather_mm(mx.zeros((2, 1, 3)), mx.zeros((4, 3, 2)), rhs_indices=mx.zeros(3, mx.int32))";
        "gather_qmm/sizes", Value, ops::quantize(&z(&[4, 32, 64])?, 32, 4).and_then(|(w, s, b)| ops::gather_qmm(&z(&[2, 1, 32])?, &w, &s, &b, None, Some(&i(&[2])?), true, 32, 4, false)), "mx.gather_qmm(mx.zeros((2, 1, 32)), *mx.quantize(mx.zeros((4, 32, 64)), 32, 4), rhs_indices=mx.zeros(2, mx.int32), group_size=32, bits=4)";
        "conv/channels", Value, ops::conv(&z(&[1, 5, 3])?, &z(&[2, 3, 4])?, &[1], &[0], &[1], 1), "mx.conv1d(mx.zeros((1, 5, 3)), mx.zeros((2, 3, 4)))";
        "conv/reach", Value, ops::conv(&z(&[1, 2, 3])?, &z(&[2, 3, 3])?, &[1], &[0], &[1], 1), "mx.conv1d(mx.zeros((1, 2, 3)), mx.zeros((2, 3, 3)))";
        "fftn/zero", Value, ops::fftn(&z(&[3])?, Some(&[0]), Some(&[0]), ops::FftKind::Complex, false, ops::FftNorm::Backward), "mx.fft.fft(mx.zeros(3), n=0)";
        "einsum/sizes", Value, ops::einsum("ij,jk->ik", &[z(&[2, 3])?, z(&[4, 5])?]), "mx.einsum('ij,jk->ik', mx.zeros((2, 3)), mx.zeros((4, 5)))";
        "add/shapes", Value, ops::add(z(&[3])?, z(&[4])?), "mx.add(mx.zeros(3), mx.zeros(4))";
        "add/overflow", Value, ops::add(ops::zeros(&[2], DType::U8)?, 300), "mx.zeros(2, mx.uint8) + 300";
        "where/shapes", Value, ops::where_(&z(&[3])?, z(&[4])?, z(&[3])?), "mx.where(mx.zeros(3), mx.zeros(4), mx.zeros(3))";
        "bitwise_and/float", Runtime, ops::bitwise_and(z(&[3])?, z(&[3])?), "mx.bitwise_and(mx.zeros(3), mx.zeros(3))";
        "floor/complex", Value, ops::floor(ops::zeros(&[3], DType::C64)?), "mx.floor(mx.zeros(3, mx.complex64))";
        "negative/bool", Value, ops::negative(ops::zeros(&[3], DType::Bool)?), "mx.negative(mx.zeros(3, mx.bool_))";
        "left_shift/float", Runtime, ops::left_shift(z(&[3])?, z(&[3])?), "mx.left_shift(mx.zeros(3), mx.zeros(3))";
        "bitwise_invert/float", Value, ops::bitwise_invert(z(&[3])?), "mx.bitwise_invert(mx.zeros(3))";
        "expm1/complex", Value, ops::expm1(ops::zeros(&[3], DType::C64)?), "mx.expm1(mx.zeros(3, mx.complex64))";
        "remainder/complex", Value, ops::remainder(ops::zeros(&[3], DType::C64)?, 2), "mx.remainder(mx.zeros(3, mx.complex64), 2)";
        "clip/nothing", Value, ops::clip(&z(&[3])?, None, None), "mx.clip(mx.zeros(3), None, None)";
        "reshape/size", Value, ops::reshape(&z(&[6])?, &[4]), "mx.reshape(mx.zeros(6), (4,))";
        "reshape/two", Value, ops::reshape(&z(&[6])?, &[-1, -1]), "mx.reshape(mx.zeros(6), (-1, -1))";
        "reshape/infer", Value, ops::reshape(&z(&[6])?, &[4, -1]), "mx.reshape(mx.zeros(6), (4, -1))";
        "transpose/axes", Value, ops::transpose(&z(&[2, 3])?, Some(&[0])), "mx.transpose(mx.zeros((2, 3)), (0,))";
        "transpose/twice", Value, ops::transpose(&z(&[2, 3])?, Some(&[0, 0])), "mx.transpose(mx.zeros((2, 3)), (0, 0))";
        "squeeze/size", Value, ops::squeeze(&z(&[2, 3])?, Some(&[0])), "mx.squeeze(mx.zeros((2, 3)), 0)";
        "squeeze/axis", Index, ops::squeeze(&z(&[2, 3])?, Some(&[2])), "mx.squeeze(mx.zeros((2, 3)), 2)";
        "expand_dims/axis", Index, ops::expand_dims(&z(&[2])?, &[3]), "mx.expand_dims(mx.zeros(2), 3)";
        "moveaxis/axis", Index, ops::moveaxis(&z(&[2, 3])?, 0, 2), "mx.moveaxis(mx.zeros((2, 3)), 0, 2)";
        "swapaxes/axis", Index, ops::swapaxes(&z(&[2, 3])?, -3, 0), "mx.swapaxes(mx.zeros((2, 3)), -3, 0)";
        "flatten/axis", Index, ops::flatten(&z(&[2, 3])?, 0, 2), "";
        "flatten/order", Value, ops::flatten(&z(&[2, 3])?, 1, 0), "mx.flatten(mx.zeros((2, 3)), 1, 0)";
        "unflatten/size", Value, ops::unflatten(&z(&[6])?, 0, &[4, -1]), "mx.unflatten(mx.zeros(6), 0, (4, -1))";
        "unflatten/empty", Value, ops::unflatten(&z(&[6])?, 0, &[]), "mx.unflatten(mx.zeros(6), 0, ())";
        "broadcast_to/shape", Value, ops::broadcast_to(&z(&[3])?, &[4]), "mx.broadcast_to(mx.zeros(3), (4,))";
        "broadcast_to/fewer", Value, ops::broadcast_to(&z(&[2, 3])?, &[3]), "mx.broadcast_to(mx.zeros((2, 3)), (3,))";
        "as_strided/outside", Value, ops::as_strided(&z(&[4])?, Some(&[5]), Some(&[1]), 0), "";
        "as_strided/before", Value, ops::as_strided(&z(&[4])?, Some(&[2]), Some(&[-1]), 0), "";
        "view/scalar", Value, ops::view(&z(&[])?, DType::U8), "mx.view(mx.zeros(()), mx.uint8)";
        "view/size", Value, ops::view(&ops::zeros(&[3], DType::U8)?, DType::U16), "mx.view(mx.zeros(3, mx.uint8), mx.uint16)";
        "split/parts", Value, ops::split(&z(&[5])?, 2, 0), "mx.split(mx.zeros(5), 2)";
        "split/axis", Index, ops::split(&z(&[4])?, 2, 1), "mx.split(mx.zeros(4), 2, axis=1)";
        "concatenate/nothing", Value, ops::concatenate(&[], 0), "mx.concatenate([])";
        "concatenate/shapes", Value, ops::concatenate(&[z(&[2, 3])?, z(&[2, 4])?], 0), "mx.concatenate([mx.zeros((2, 3)), mx.zeros((2, 4))])";
        "concatenate/axis", Index, ops::concatenate(&[z(&[2])?, z(&[2])?], 1), "mx.concatenate([mx.zeros(2), mx.zeros(2)], axis=1)";
        "stack/shapes", Value, ops::stack(&[z(&[2])?, z(&[3])?], 0), "mx.stack([mx.zeros(2), mx.zeros(3)])";
        "stack/nothing", Value, ops::stack(&[], 0), "mx.stack([])";
        "pad/widths", Value, ops::pad(&z(&[2, 3])?, &[(1, 1)], PadMode::Constant, 0), "mx.pad(mx.zeros((2, 3, 4)), ((1, 1), (1, 1)))";
        "roll/axis", Index, ops::roll(&z(&[2])?, &[1], Some(&[1])), "mx.roll(mx.zeros(2), 1, axis=1)";
        "repeat/axis", Index, ops::repeat(&z(&[2])?, 2, Some(1)), "mx.repeat(mx.zeros(2), 2, axis=1)";
        "sum/axis", Index, ops::sum(&z(&[2, 3])?, Some(&[2]), false), "mx.sum(mx.zeros((2, 3)), axis=2)";
        "sum/twice", Value, ops::sum(&z(&[2, 3])?, Some(&[0, -2]), false), "mx.sum(mx.zeros((2, 3)), axis=(0, -2))";
        "max/nothing", Value, ops::max(&z(&[0])?, None, false), "mx.max(mx.zeros(0))";
        "argmax/nothing", Value, ops::argmax(&z(&[0])?, None, false), "mx.argmax(mx.zeros(0))";
        "argmin/axis", Index, ops::argmin(&z(&[2])?, Some(1), false), "mx.argmin(mx.zeros(2), axis=1)";
        "cumsum/axis", Index, ops::cumsum(&z(&[2])?, Some(1), false, true), "mx.cumsum(mx.zeros(2), axis=1)";
        "sort/axis", Index, ops::sort(&z(&[2])?, Some(1)), "mx.sort(mx.zeros(2), axis=1)";
        "partition/rank", Value, ops::partition(&z(&[2])?, 2, Some(0)), "mx.partition(mx.zeros(2), 2)";
        "topk/many", Value, ops::topk(&z(&[2])?, 3, Some(0)), "mx.topk(mx.zeros(2), 3)";
        "matmul/scalar", Value, ops::matmul(&z(&[])?, &z(&[2])?), "mx.matmul(mx.zeros(()), mx.zeros(2))";
        "matmul/inner", Value, ops::matmul(&z(&[2, 3])?, &z(&[4, 2])?), "mx.matmul(mx.zeros((2, 3)), mx.zeros((4, 2)))";
        "matmul/integers", Value, ops::matmul(&i(&[2, 2])?, &i(&[2, 2])?), "mx.matmul(mx.zeros((2, 2), mx.int32), mx.zeros((2, 2), mx.int32))";
        "matmul/batch", Value, ops::matmul(&z(&[2, 2, 2])?, &z(&[3, 2, 2])?), "mx.matmul(mx.zeros((2, 2, 2)), mx.zeros((3, 2, 2)))";
        "inner/last", Value, ops::inner(&z(&[2])?, &z(&[3])?), "mx.inner(mx.zeros(2), mx.zeros(3))";
        "tensordot/sizes", Value, ops::tensordot(&z(&[2, 3])?, &z(&[2, 3])?, &[1], &[0]), "mx.tensordot(mx.zeros((2, 3)), mx.zeros((2, 3)), [[1], [0]])";
        "take/float", Value, ops::take(&z(&[3])?, &z(&[2])?, Some(0)), "mx.take(mx.zeros(3), mx.zeros(2), axis=0)";
        "take/empty", Value, ops::take(&z(&[0])?, &i(&[2])?, Some(0)), "mx.take(mx.zeros(0), mx.zeros(2, mx.int32), axis=0)";
        "take/axis", Index, ops::take(&z(&[3])?, &i(&[2])?, Some(1)), "mx.take(mx.zeros(3), mx.zeros(2, mx.int32), axis=1)";
        "take_along_axis/dims", Value, ops::take_along_axis(&z(&[2, 3])?, &i(&[2])?, Some(0)), "mx.take_along_axis(mx.zeros((2, 3)), mx.zeros(2, mx.int32), axis=0)";
        "put_along_axis/dims", Value, ops::put_along_axis(&z(&[2, 3])?, &i(&[2])?, &z(&[2])?, Some(0)), "mx.put_along_axis(mx.zeros((2, 3)), mx.zeros(2, mx.int32), mx.zeros(2), axis=0)";
        "put_along_axis/flat", Value, ops::put_along_axis(&z(&[2, 3])?, &i(&[2, 2])?, &z(&[2, 2])?, None), "mx.put_along_axis(mx.zeros((2, 3)), mx.zeros((2, 2), mx.int32), mx.zeros((2, 2)), axis=None)";
        "slice_update/shape", Value, ops::slice_update(&z(&[4])?, &z(&[3])?, &[0], &[2], &[1], mlx_ir::op::UpdateMode::Assign), "mx.zeros(4).__setitem__(slice(0, 2), mx.zeros(3))";
        "slice/step", Value, ops::slice(&z(&[4])?, &[0], &[2], &[0]), "";
        "dynamic_slice/size", Value, ops::dynamic_slice(&z(&[4])?, &i(&[1])?, &[0], &[5]), "mx.slice(mx.zeros(4), mx.zeros(1, mx.int32), (0,), (5,))";
        "arange/nan", Value, ops::arange(0.0, f64::NAN, 1.0, DType::F32), "mx.arange(0.0, float('nan'), 1.0)";
        "arange/infinite", Value, ops::arange(0.0, f64::INFINITY, 1.0, DType::F32), "mx.arange(0.0, float('inf'), 1.0)";
        "full/overflow", Value, ops::full(&[2], 300, Some(DType::U8)), "";
        "tril/vector", Value, ops::tril(&z(&[3])?, 0), "mx.tril(mx.zeros(3))";
        "softmax/axis", Index, ops::softmax(&z(&[3])?, Some(&[1]), false), "mx.softmax(mx.zeros(3), axis=1)";
        "logsumexp/axis", Index, ops::logsumexp(&z(&[3])?, Some(&[1]), false), "mx.logsumexp(mx.zeros(3), axis=1)";
        "cross_entropy/shape", Value, ops::cross_entropy(&z(&[3, 5])?, &i(&[2])?), "mx.fast.cross_entropy(mx.zeros((3, 5)), mx.zeros(2, mx.int32))";
        "cross_entropy/targets", Value, ops::cross_entropy(&z(&[3, 5])?, &z(&[3])?), "mx.fast.cross_entropy(mx.zeros((3, 5)), mx.zeros(3))";
        "cross_entropy/logits", Value, ops::cross_entropy(&i(&[3, 5])?, &i(&[3])?), "mx.fast.cross_entropy(mx.zeros((3, 5), mx.int32), mx.zeros(3, mx.int32))";
        "cross_entropy/scalar", Value, ops::cross_entropy(&z(&[])?, &i(&[])?), "mx.fast.cross_entropy(mx.zeros(()), mx.zeros((), mx.int32))";
        "cross_entropy/nothing", Value, ops::cross_entropy(&z(&[3, 0])?, &i(&[3])?), "mx.fast.cross_entropy(mx.zeros((3, 0)), mx.zeros(3, mx.int32))";
        "logsumexp/nothing", Value, ops::logsumexp(&z(&[0, 3])?, Some(&[-1]), false), "mx.logsumexp(mx.zeros((0, 3)), axis=-1)";
        "rms_norm/weight", Value, ops::rms_norm(&z(&[2, 3])?, Some(&z(&[4])?), 1e-5), "mx.fast.rms_norm(mx.zeros((2, 3)), mx.zeros(4), 1e-5)";
        "layer_norm/bias", Value, ops::layer_norm(&z(&[2, 3])?, None, Some(&z(&[4])?), 1e-5), "mx.fast.layer_norm(mx.zeros((2, 3)), None, mx.zeros(4), 1e-5)";
        "rope/both", Value, ops::rope(&z(&[1, 2, 4])?, 4, false, Some(1e4), 1.0, &i(&[])?, Some(&z(&[2])?)), "mx.fast.rope(mx.zeros((1, 2, 4)), 4, traditional=False, base=1e4, scale=1.0, offset=0, freqs=mx.zeros(2))";
        "rope/neither", Value, ops::rope(&z(&[1, 2, 4])?, 4, false, None, 1.0, &i(&[])?, None), "mx.fast.rope(mx.zeros((1, 2, 4)), 4, traditional=False, base=None, scale=1.0, offset=0)";
        "rope/dims", Value, ops::rope(&z(&[2, 4])?, 4, false, Some(1e4), 1.0, &i(&[])?, None), "mx.fast.rope(mx.zeros((2, 4)), 4, traditional=False, base=1e4, scale=1.0, offset=0)";
        "sdpa/heads", Value, ops::scaled_dot_product_attention(&z(&[1, 3, 2, 4])?, &z(&[1, 2, 2, 4])?, &z(&[1, 2, 2, 4])?, 1.0, ops::Mask::None, None), "mx.fast.scaled_dot_product_attention(mx.zeros((1, 3, 2, 4)), mx.zeros((1, 2, 2, 4)), mx.zeros((1, 2, 2, 4)), scale=1.0)";
        "pack_rows/fours", Value, ops::pack_rows(&z(&[2, 6])?), "";
        "pack_rows/empty", Value, ops::pack_rows(&z(&[2, 0])?), "";
        "pack_rows/scalar", Value, ops::pack_rows(&z(&[])?), "";
        "pack_rows/integers", Value, ops::pack_rows(&i(&[2, 8])?), "";
        "unpack_rows/words", Value, ops::unpack_rows(&ops::zeros(&[2, 18], DType::U32)?), "";
        "unpack_rows/dtype", Value, ops::unpack_rows(&i(&[2, 17])?), "";
        "packed_attention/features", Value, ops::packed_attention(&z(&[1, 2, 1, 32])?, &ops::zeros(&[1, 2, 5, 17], DType::U32)?, &ops::zeros(&[1, 2, 5, 17], DType::U32)?, 1.0, ops::Mask::None, None, None), "";
        "packed_attention/words", Value, ops::packed_attention(&z(&[1, 2, 1, 64])?, &ops::zeros(&[1, 2, 5, 17], DType::U32)?, &ops::zeros(&[1, 2, 5, 18], DType::U32)?, 1.0, ops::Mask::None, None, None), "";
        "packed_attention/floats", Value, ops::packed_attention(&z(&[1, 2, 1, 64])?, &z(&[1, 2, 5, 64])?, &z(&[1, 2, 5, 64])?, 1.0, ops::Mask::None, None, None), "";
        "sdpa/dims", Value, ops::scaled_dot_product_attention(&z(&[2, 2, 4])?, &z(&[2, 2, 4])?, &z(&[2, 2, 4])?, 1.0, ops::Mask::None, None), "mx.fast.scaled_dot_product_attention(mx.zeros((2, 2, 4)), mx.zeros((2, 2, 4)), mx.zeros((2, 2, 4)), scale=1.0)";
        "quantize/bits", Value, ops::quantize(&z(&[2, 64])?, 64, 7), "mx.quantize(mx.zeros((2, 64)), 64, 7)";
        "quantize/group", Value, ops::quantize(&z(&[2, 64])?, 16, 4), "mx.quantize(mx.zeros((2, 64)), 16, 4)";
        "quantize/row", Value, ops::quantize(&z(&[64])?, 64, 4), "mx.quantize(mx.zeros(64), 64, 4)";
        "quantize/size", Value, ops::quantize(&z(&[2, 65])?, 64, 4), "mx.quantize(mx.zeros((2, 65)), 64, 4)";
        "quantized_matmul/shape", Value, ops::quantized_matmul(&z(&[2, 32])?, &ops::zeros(&[3, 8], DType::U32)?, &z(&[3, 1])?, &z(&[3, 1])?, true, 64, 4), "mx.quantized_matmul(mx.zeros((2, 32)), mx.zeros((3, 8), mx.uint32), mx.zeros((3, 1)), mx.zeros((3, 1)), True, 64, 4)";
        "uniform/integers", Value, ops::random::uniform(0.0, 1.0, &[2], DType::I32, None), "mx.random.uniform(0.0, 1.0, (2,), mx.int32)";
        "randint/floats", Value, ops::random::randint(0, 5, &[2], DType::F32, None), "mx.random.randint(0, 5, (2,), mx.float32)";
        "categorical/both", Value, ops::random::categorical(&z(&[2, 3])?, -1, Some(&[2]), Some(3), None), "mx.random.categorical(mx.zeros((2, 3)), shape=(2,), num_samples=3)";
        "minmax/nothing", Value, ops::minmax(&z(&[0])?, None, false), "mx.minmax(mx.zeros(0))";
        "median/axis", Index, ops::median(&z(&[2, 3])?, Some(&[2]), false), "mx.median(mx.zeros((2, 3)), axis=2)";
        "count_nonzero/axis", Index, ops::count_nonzero(&z(&[2, 3])?, Some(&[2]), false), "mx.count_nonzero(mx.zeros((2, 3)), axis=2)";
        "mean/axis", Index, ops::mean(&z(&[2, 3])?, Some(&[2]), false), "mx.mean(mx.zeros((2, 3)), axis=2)";
        "var/twice", Value, ops::var(&z(&[2, 3])?, Some(&[0, 0]), false, 0), "mx.var(mx.zeros((2, 3)), axis=(0, 0))";
        "std/axis", Index, ops::std(&z(&[2, 3])?, Some(&[2]), false, 0), "mx.std(mx.zeros((2, 3)), axis=2)";
        "searchsorted/side", Value, ops::searchsorted(&z(&[3])?, &z(&[2])?, "middle"), "mx.searchsorted(mx.zeros(3), mx.zeros(2), side='middle')";
        "searchsorted/matrix", Value, ops::searchsorted(&z(&[3, 3])?, &z(&[2])?, "left"), "mx.searchsorted(mx.zeros((3, 3)), mx.zeros(2))";
        "diagonal/axes", Value, ops::diagonal(&z(&[3, 3])?, 0, 1, 1), "mx.diagonal(mx.zeros((3, 3)), 0, 1, 1)";
        "diagonal/vector", Value, ops::diagonal(&z(&[3])?, 0, 0, 1), "mx.diagonal(mx.zeros(3))";
        "diagonal/axis", Index, ops::diagonal(&z(&[3, 3])?, 0, 0, 2), "mx.diagonal(mx.zeros((3, 3)), 0, 0, 2)";
        "diag/cube", Value, ops::diag(&z(&[2, 2, 2])?, 0), "mx.diag(mx.zeros((2, 2, 2)))";
        "trace/vector", Value, ops::trace(&z(&[3])?, 0, 0, 1, None), "mx.trace(mx.zeros(3))";
        "unstack/axis", Index, ops::unstack(&z(&[3])?, 1), "mx.unstack(mx.zeros(3), axis=1)";
        "diff/order", Value, ops::diff(&z(&[3])?, -1, -1), "mx.diff(mx.zeros(3), -1)";
        "diff/scalar", Index, ops::diff(&z(&[])?, 1, -1), "mx.diff(mx.zeros(()))";
        "diff/axis", Index, ops::diff(&z(&[3])?, 1, 1), "mx.diff(mx.zeros(3), axis=1)";
        "matrix_transpose/vector", Value, ops::matrix_transpose(&z(&[3])?), "mx.matrix_transpose(mx.zeros(3))";
        "meshgrid/indexing", Value, ops::meshgrid(&[z(&[2])?, z(&[3])?], false, "yx"), "mx.meshgrid(mx.zeros(2), mx.zeros(3), indexing='yx')";
        "pad_mirrored/empty", Value, ops::pad_mirrored(&z(&[0])?, &[(1, 1)], false), "mx.pad(mx.zeros(0), 1, mode='reflect')";
        "unique/empty", Value, ops::unique(&z(&[0])?, 2, None).map(|u| u.values), "mx.unique(mx.zeros(0), size=2)";
        "logcumsumexp/axis", Index, ops::logcumsumexp_complex(&ops::zeros(&[3], DType::C64)?, Some(1), false, true), "mx.logcumsumexp(mx.zeros(3, mx.complex64), axis=1)";
        "conv_transpose/channels", Value, ops::conv_transpose(&z(&[1, 5, 3])?, &z(&[2, 3, 4])?, &[1], &[0], &[1], &[0], 1), "mx.conv_transpose1d(mx.zeros((1, 5, 3)), mx.zeros((2, 3, 4)))";
        "conv_transpose/groups", Value, ops::conv_transpose(&z(&[1, 5, 3])?, &z(&[2, 3, 3])?, &[1], &[0], &[1], &[0], 2), "mx.conv_transpose1d(mx.zeros((1, 5, 3)), mx.zeros((2, 3, 3)), groups=2)";
        "convolve/mode", Value, ops::convolve(&z(&[3])?, &z(&[2])?, "most"), "mx.convolve(mx.zeros(3), mx.zeros(2), mode='most')";
        "convolve/matrix", Value, ops::convolve(&z(&[3, 3])?, &z(&[2])?, "full"), "mx.convolve(mx.zeros((3, 3)), mx.zeros(2))";
        "convolve/nothing", Value, ops::convolve(&z(&[0])?, &z(&[2])?, "full"), "mx.convolve(mx.zeros(0), mx.zeros(2))";
        "flip/axis", Index, ops::flip(&z(&[3])?, Some(&[1])), "mx.flip(mx.zeros(3), 1)";
        "einsum_path/count", Value, ops::einsum_path("ij,jk", &[&[2, 3]]).map(|_| Vec::<Array>::new()), "mx.einsum_path('ij,jk', mx.zeros((2, 3)))";
        "divmod/complex", Value, ops::divmod(ops::zeros(&[3], DType::C64)?, ops::zeros(&[3], DType::C64)?), "mx.divmod(mx.zeros(3, mx.complex64), mx.zeros(3, mx.complex64))";
        "fftshift/axis", Index, ops::fftshift(&z(&[3])?, Some(&[1]), false), "mx.fft.fftshift(mx.zeros(3), axes=1)";
        "gather_mm/inner", Value, ops::gather_mm(&z(&[2, 3])?, &z(&[4, 2])?, None, None, false), "mx.gather_mm(mx.zeros((2, 3)), mx.zeros((4, 2)))";
        "gather_mm/indices", Value, ops::gather_mm(&z(&[2, 2, 3])?, &z(&[2, 3, 2])?, Some(&z(&[2])?), None, false), "mx.gather_mm(mx.zeros((2, 2, 3)), mx.zeros((2, 3, 2)), mx.zeros(2))";
        "segmented_mm/segments", Value, ops::segmented_mm(&z(&[3, 6])?, &z(&[6, 2])?, &ops::zeros(&[3, 3], DType::U32)?), "mx.segmented_mm(mx.zeros((3, 6)), mx.zeros((6, 2)), mx.zeros((3, 3), mx.uint32))";
        "segmented_mm/floats", Value, ops::segmented_mm(&z(&[3, 6])?, &z(&[6, 2])?, &z(&[3, 2])?), "mx.segmented_mm(mx.zeros((3, 6)), mx.zeros((6, 2)), mx.zeros((3, 2)))";
        "block_masked_mm/mask", Value, ops::block_masked_mm(&z(&[32, 32])?, &z(&[32, 32])?, 32, Some(&ops::zeros(&[2, 2], DType::Bool)?), None, None), "mx.block_masked_mm(mx.zeros((32, 32)), mx.zeros((32, 32)), 32, mx.zeros((2, 2), mx.bool_))";
        "hadamard_transform/size", Value, ops::hadamard_transform(&z(&[2, 11])?, None), "mx.hadamard_transform(mx.zeros((2, 11)))";
        "hadamard_transform/three times twelve", Value, ops::hadamard_transform(&z(&[2, 36])?, None), ""; // The wheel writes past its memory here.
        "to_fp8/integers", Value, ops::to_fp8(&i(&[3])?), "mx.to_fp8(mx.zeros(3, mx.int32))";
        "from_fp8/floats", Value, ops::from_fp8(&z(&[3])?, DType::F32), "mx.from_fp8(mx.zeros(3))";
        "from_fp8/dtype", Value, ops::from_fp8(&ops::zeros(&[3], DType::U8)?, DType::I32), "mx.from_fp8(mx.zeros(3, mx.uint8), mx.int32)";
        "addmm/shape", Value, ops::addmm(&z(&[5])?, &z(&[2, 3])?, &z(&[3, 4])?, 1.0, 1.0), "mx.addmm(mx.zeros(5), mx.zeros((2, 3)), mx.zeros((3, 4)))";
        "addmm/integers", Value, ops::addmm(&i(&[4])?, &i(&[2, 3])?, &i(&[3, 4])?, 1.0, 1.0), "mx.addmm(mx.zeros(4, mx.int32), mx.zeros((2, 3), mx.int32), mx.zeros((3, 4), mx.int32))";
        "gated_delta_update/dims", Index, ops::gated_delta_update(&z(&[3, 4])?, &z(&[3, 4])?, &z(&[3, 4])?, &z(&[3])?, &z(&[3])?, None, None), "mx.fast.gated_delta_update(mx.zeros((3, 4)), mx.zeros((3, 4)), mx.zeros((3, 4)), mx.zeros(3), mx.zeros(3))";
        "gated_delta_update/heads", Value, ops::gated_delta_update(&z(&[1, 3, 2, 4])?, &z(&[1, 3, 2, 4])?, &z(&[1, 3, 3, 3])?, &z(&[1, 3, 3])?, &z(&[1, 3, 3])?, None, None), "mx.fast.gated_delta_update(mx.zeros((1, 3, 2, 4)), mx.zeros((1, 3, 2, 4)), mx.zeros((1, 3, 3, 3)), mx.zeros((1, 3, 3)), mx.zeros((1, 3, 3)))";
        "eig/vector", Value, linalg::eig(&z(&[3])?), "mx.linalg.eig(mx.zeros(3), stream=mx.cpu)";
        "eig/rectangle", Value, linalg::eig(&z(&[2, 3])?), "mx.linalg.eig(mx.zeros((2, 3)), stream=mx.cpu)";
        "eig/half", Value, linalg::eig(&ops::zeros(&[2, 2], DType::F16)?), "mx.linalg.eig(mx.zeros((2, 2), mx.float16), stream=mx.cpu)";
        "qr/vector", Value, linalg::qr(&z(&[3])?), "mx.linalg.qr(mx.zeros(3), stream=mx.cpu)";
        "qr/integers", Value, linalg::qr(&i(&[3, 3])?), "mx.linalg.qr(mx.zeros((3, 3), mx.int32), stream=mx.cpu)";
        "svd/vector", Value, linalg::svd(&z(&[3])?), "mx.linalg.svd(mx.zeros(3), stream=mx.cpu)";
        "singular_values/vector", Value, linalg::singular_values(&z(&[3])?), "mx.linalg.svd(mx.zeros(3), compute_uv=False, stream=mx.cpu)";
        "inv/rectangle", Value, linalg::inv(&z(&[2, 3])?), "mx.linalg.inv(mx.zeros((2, 3)), stream=mx.cpu)";
        "inv/integers", Value, linalg::inv(&i(&[3, 3])?), "mx.linalg.inv(mx.zeros((3, 3), mx.int32), stream=mx.cpu)";
        "tri_inv/rectangle", Value, linalg::tri_inv(&z(&[2, 3])?, false), "mx.linalg.tri_inv(mx.zeros((2, 3)), stream=mx.cpu)";
        "pinv/vector", Value, linalg::pinv(&z(&[3])?), "mx.linalg.pinv(mx.zeros(3), stream=mx.cpu)";
        "cholesky/rectangle", Value, linalg::cholesky(&z(&[2, 3])?, false), "mx.linalg.cholesky(mx.zeros((2, 3)), stream=mx.cpu)";
        "cholesky_inv/rectangle", Value, linalg::cholesky_inv(&z(&[2, 3])?, false), "mx.linalg.cholesky_inv(mx.zeros((2, 3)), stream=mx.cpu)";
        "lu/vector", Value, linalg::lu(&z(&[3])?), "mx.linalg.lu(mx.zeros(3), stream=mx.cpu)";
        "lu_factor/vector", Value, linalg::lu_factor(&z(&[3])?), "mx.linalg.lu_factor(mx.zeros(3), stream=mx.cpu)";
        "eigh/rectangle", Value, linalg::eigh(&z(&[2, 3])?, false), "mx.linalg.eigh(mx.zeros((2, 3)), stream=mx.cpu)";
        "solve/sizes", Value, linalg::solve(&z(&[3, 3])?, &z(&[2])?), "mx.linalg.solve(mx.zeros((3, 3)), mx.zeros(2), stream=mx.cpu)";
        "solve/rectangle", Value, linalg::solve(&z(&[2, 3])?, &z(&[2])?), "mx.linalg.solve(mx.zeros((2, 3)), mx.zeros(2), stream=mx.cpu)";
        "solve_triangular/sizes", Value, linalg::solve_triangular(&z(&[3, 3])?, &z(&[2])?, false), "mx.linalg.solve_triangular(mx.zeros((3, 3)), mx.zeros(2), stream=mx.cpu)";
        "det/rectangle", Value, linalg::det(&z(&[2, 3])?), "mx.linalg.det(mx.zeros((2, 3)))";
        "slogdet/vector", Value, linalg::slogdet(&z(&[3])?), "mx.linalg.slogdet(mx.zeros(3), stream=mx.cpu)";
        "norm/axes", Value, linalg::norm(&z(&[2, 2, 2])?, Some(&linalg::Order::Number(1.0)), Some(&[0, 1, 2]), false), "mx.linalg.norm(mx.zeros((2, 2, 2)), ord=1, axis=[0, 1, 2])";
        "cross/size", Value, linalg::cross(&z(&[4])?, &z(&[4])?, -1), "mx.linalg.cross(mx.zeros(4), mx.zeros(4))";
        "quantize_small/row", Value, ops::quantize_small(&z(&[2, 30])?, Mxfp4, None), "mx.quantize(mx.zeros((2, 30)), mode='mxfp4')";
        "quantize_small/integers", Value, ops::quantize_small(&i(&[2, 32])?, Mxfp4, None), "mx.quantize(mx.zeros((2, 32), mx.int32), mode='mxfp4')";
        "quantize_small/global", Value, ops::quantize_small(&z(&[2, 32])?, Mxfp4, Some(&z(&[])?)), "mx.quantize(mx.zeros((2, 32)), mode='mxfp4', global_scale=mx.array(1.0))";
        "dequantize_small/scales", Value, ops::dequantize_small(&u(&[2, 4])?, &ops::zeros(&[2, 2], DType::U8)?, Mxfp4, None), "mx.dequantize(mx.zeros((2, 4), mx.uint32), mx.zeros((2, 2), mx.uint8), mode='mxfp4')";
        "dequantize/scales", Value, ops::dequantize(&u(&[2, 8])?, &z(&[2, 2])?, &z(&[2, 2])?, 64, 4), "mx.dequantize(mx.zeros((2, 8), mx.uint32), mx.zeros((2, 2)), mx.zeros((2, 2)))";
        "quantized_matmul_small/inner", Value, ops::quantized_matmul_small(&z(&[3, 32])?, &u(&[32, 8])?, &ops::zeros(&[32, 2], DType::U8)?, true, Mxfp4), "mx.quantized_matmul(mx.zeros((3, 32)), mx.zeros((32, 8), mx.uint32), mx.zeros((32, 2), mx.uint8), mode='mxfp4')";
        "gather_qmm_small/inner", Value, ops::gather_qmm_small(&z(&[1, 3, 32])?, &u(&[2, 32, 8])?, &ops::zeros(&[2, 32, 2], DType::U8)?, None, Some(&i(&[1])?), true, Mxfp4, None), "mx.gather_qmm(mx.zeros((1, 3, 32)), mx.zeros((2, 32, 8), mx.uint32), mx.zeros((2, 32, 2), mx.uint8), rhs_indices=mx.zeros(1, mx.int32), mode='mxfp4')";
        "gather_qmm/inner", Value, ops::gather_qmm(&z(&[2, 32])?, &u(&[3, 8])?, &z(&[3, 1])?, &z(&[3, 1])?, None, Some(&i(&[1])?), true, 64, 4, false), "mx.gather_qmm(mx.zeros((2, 32)), mx.zeros((3, 8), mx.uint32), mx.zeros((3, 1)), mx.zeros((3, 1)), rhs_indices=mx.zeros(1, mx.int32))";
        "qqmm/inner", Value, ops::qqmm(&z(&[1, 32])?, &z(&[32, 64])?, None, Both::Affine(64, 4), (None, None)), "mx.qqmm(mx.zeros((1, 32)), mx.zeros((32, 64)))";
        "qqmm/integers", Value, ops::qqmm(&i(&[1, 64])?, &z(&[32, 64])?, None, Both::Affine(64, 4), (None, None)), "mx.qqmm(mx.zeros((1, 64), mx.int32), mx.zeros((32, 64)))";
        "gather_qqmm/inner", Value, ops::gather_qqmm(&z(&[1, 1, 32])?, &z(&[2, 32, 64])?, None, None, Some(&i(&[2])?), Both::Affine(64, 4), (None, None), false), "mx.gather_qqmm(mx.zeros((1, 1, 32)), mx.zeros((2, 32, 64)), rhs_indices=mx.array([1, 0]))";
        "gather_qqmm/indices", Value, ops::gather_qqmm(&z(&[1, 1, 64])?, &z(&[2, 32, 64])?, None, None, Some(&z(&[1])?), Both::Affine(64, 4), (None, None), false), "mx.gather_qqmm(mx.zeros((1, 1, 64)), mx.zeros((2, 32, 64)), rhs_indices=mx.array([1.5]))";
        "normal/integers", Value, ops::random::normal(&[2], DType::I32, None, None, None), "mx.random.normal((2,), mx.int32)";
        "bernoulli/shape", Value, ops::random::bernoulli(&z(&[3])?, Some(&[2]), None), "mx.random.bernoulli(mx.zeros(3), (2,))";
        "truncated_normal/shape", Value, ops::random::truncated_normal(&z(&[3])?, &z(&[3])?, Some(&[2]), DType::F32, None), "mx.random.truncated_normal(mx.zeros(3), mx.ones(3), (2,))";
        "gumbel/integers", Value, ops::random::gumbel(&[2], DType::I32, None), "mx.random.gumbel((2,), mx.int32)";
        "laplace/integers", Value, ops::random::laplace(&[2], DType::I32, 0.0, 1.0, None), "mx.random.laplace((2,), mx.int32)";
        "permutation/axis", Index, ops::random::permutation(&z(&[3])?, 1, None), "mx.random.permutation(mx.zeros(3), axis=1)";
        "split_key/shape", Value, ops::random::split_key(&u(&[3])?, 2), "mx.random.split(mx.zeros(3, mx.uint32))";
        "multivariate_normal/mean", Value, ops::random::multivariate_normal(&z(&[])?, &z(&[2, 2])?, &[], DType::F32, None), "mx.random.multivariate_normal(mx.array(1.0), mx.eye(2), stream=mx.cpu)";
        "multivariate_normal/covariance", Value, ops::random::multivariate_normal(&z(&[2])?, &z(&[2])?, &[], DType::F32, None), "mx.random.multivariate_normal(mx.zeros(2), mx.zeros(2), stream=mx.cpu)";
        "multivariate_normal/sizes", Value, ops::random::multivariate_normal(&z(&[2])?, &z(&[3, 3])?, &[], DType::F32, None), "mx.random.multivariate_normal(mx.zeros(2), mx.eye(3), stream=mx.cpu)";
        "multivariate_normal/half", Value, ops::random::multivariate_normal(&z(&[2])?, &z(&[2, 2])?, &[], DType::F16, None), "mx.random.multivariate_normal(mx.zeros(2), mx.eye(2), dtype=mx.float16, stream=mx.cpu)";
        "argsort/axis", Index, ops::argsort(&z(&[2])?, Some(1)), "mx.argsort(mx.zeros(2), axis=1)";
        "argpartition/rank", Value, ops::argpartition(&z(&[2])?, 2, Some(0)), "mx.argpartition(mx.zeros(2), 2, axis=0)";
        "stft/frame", Value, ops::stft(&z(&[16])?, &frames(0, 1), ops::FramePad::Constant, ops::FftNorm::Backward, None), "mx.fft.stft(mx.zeros(16), 0)";
        "stft/hop", Value, ops::stft(&z(&[16])?, &frames(8, 0), ops::FramePad::Constant, ops::FftNorm::Backward, None), "mx.fft.stft(mx.zeros(16), 8, 0)";
        "stft/short", Value, ops::stft(&z(&[16])?, &ops::Frames { center: false, ..frames(32, 8) }, ops::FramePad::Constant, ops::FftNorm::Backward, None), "mx.fft.stft(mx.zeros(16), 32, center=False)";
        "stft/scalar", Value, ops::stft(&z(&[])?, &frames(8, 2), ops::FramePad::Constant, ops::FftNorm::Backward, None), "mx.fft.stft(mx.zeros(()))";
        "istft/vector", Value, ops::istft(&ops::zeros(&[5], DType::C64)?, &frames(8, 2), ops::FftNorm::Backward, true, None), "mx.fft.istft(mx.zeros(5, mx.complex64), 8)";
        "istft/hop", Value, ops::istft(&ops::zeros(&[3, 5], DType::C64)?, &frames(8, 0), ops::FftNorm::Backward, true, None), "mx.fft.istft(mx.zeros((3, 5), mx.complex64), 8, 0)";
        "split_at/axis", Index, ops::split_at(&z(&[4])?, &[1], 1), "mx.split(mx.zeros(4), [1], axis=1)";
        "broadcast_arrays/shapes", Value, ops::broadcast_arrays(&[z(&[2])?, z(&[3])?]), "mx.broadcast_arrays(mx.zeros(2), mx.zeros(3))";
        "triu/vector", Value, ops::triu(&z(&[3])?, 0), "mx.triu(mx.zeros(3))";
        "block_rows/bytes", Value, ops::block_rows(&ops::zeros(&[2, 17], DType::U8)?, mlx_ir::QuantFormat::Q4_0, 32, &i(&[1])?), "";
    }
}

/// Checks the table here: each call refused with its kind, and a message that names the function in brackets or the
/// value that does not fit.
pub fn run(filter: &str) -> Vec<(&'static str, std::result::Result<(), String>)> {
    table()
        .iter()
        .filter(|b| b.name.contains(filter))
        .map(|b| {
            let result = match (b.run)() {
                Ok(_) => Err("accepted".to_string()),
                Err(e) if e.kind != b.kind => Err(format!("{:?} instead of {:?}: {e}", e.kind, b.kind)),
                Err(e) if e.message.len() < 10 => Err(format!("says only '{e}'")),
                Err(_) => Ok(()),
            };
            (b.name, result)
        })
        .collect()
}
