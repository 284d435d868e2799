//! Functions put together of others, and functions with rules of their own.

use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::DType;
use mlx::ops::{self, linalg, random};
use std::sync::Arc;

/// No rule: all is left to the operations inside.
struct Plain;
impl ops::CustomRule for Plain {
    fn vjp(
        &self,
        _: &[mlx::Array],
        _: &[mlx::Array],
        _: &[mlx::Array],
    ) -> Option<mlx::Result<mlx::rules::Grads>> {
        None
    }
    fn jvp(&self, _: &[mlx::Array], _: &[Option<mlx::Array>]) -> Option<mlx::Result<Vec<mlx::Array>>> {
        None
    }
    fn vmap(&self, _: &mlx::rules::Batched<'_>) -> Option<mlx::Result<mlx::rules::BatchedOut>> {
        None
    }
}

pub fn add(c: &mut List) {
    case!(c, "minmax", Real, Exact, [distinct(&[3, 5])], d[0], |x| ops::minmax(&x[0], Some(&[1]), false), "mx.minmax(x0, axis=1)");
    case!(c, "median", Real, Ulp(2), [distinct(&[3, 5])], d[0], |x| ops::median(&x[0], Some(&[1]), true), "mx.median(x0, axis=1, keepdims=True)");
    case!(c, "median/even", Real, Ulp(2), [distinct(&[2, 3, 4])], d[0], |x| ops::median(&x[0], Some(&[0, 2]), false), "mx.median(x0, axis=(0, 2))");
    case!(c, "median/all", Real, Ulp(2), [distinct(&[7])], d[0], |x| ops::median(&x[0], None, false), "mx.median(x0)");
    case!(c, "count_nonzero", All, Exact, [whole(0, 2, &[5, 7])], d[], |x| ops::count_nonzero(&x[0], Some(&[0]), false), "mx.count_nonzero(x0, axis=0)");
    case!(c, "logical_xor", All, Exact, [whole(0, 2, &[5, 7]), whole(0, 2, &[7])], d[], |x| ops::logical_xor(&x[0], &x[1]), "mx.logical_xor(x0, x1)");
    case!(c, "searchsorted", Fixed, Exact, [given(&[-1.0, 0.0, 0.0, 2.0], &[4]).of(DType::F32), whole(-2, 3, &[2, 5]).of(DType::F32)], d[], |x| ops::searchsorted(&x[0], &x[1], "left"), "mx.searchsorted(x0, x1)");
    case!(c, "searchsorted/right", Fixed, Exact, [given(&[-1.0, 0.0, 0.0, 2.0], &[4]).of(DType::F32), whole(-2, 3, &[2, 5]).of(DType::F32)], d[], |x| ops::searchsorted(&x[0], &x[1], "right"), "mx.searchsorted(x0, x1, side='right')");
    case!(c, "diagonal", All, Exact, [normal(&[3, 5, 4])], d[0], |x| ops::diagonal(&x[0], 1, 0, 1), "mx.diagonal(x0, 1)");
    case!(c, "diagonal/below", All, Exact, [normal(&[3, 5, 4])], d[0], |x| ops::diagonal(&x[0], -2, 1, 2), "mx.diagonal(x0, -2, 1, 2)");
    case!(c, "diag", All, Exact, [normal(&[4])], d[0], |x| ops::diag(&x[0], 1), "mx.diag(x0, 1)");
    case!(c, "diag/below", All, Exact, [normal(&[4])], d[0], |x| ops::diag(&x[0], -2), "mx.diag(x0, -2)");
    case!(c, "diag/of", All, Exact, [normal(&[4, 6])], d[0], |x| ops::diag(&x[0], 0), "mx.diag(x0)");
    case!(c, "trace", Numeric, Accumulate(4), [normal(&[3, 5, 4])], d[0], |x| ops::trace(&x[0], 0, 0, 2, None), "mx.trace(x0, 0, 0, 2)");
    case!(c, "unstack", All, Exact, [normal(&[3, 2, 4])], d[0], |x| ops::unstack(&x[0], 1), "mx.unstack(x0, axis=1)");
    case!(c, "diff", All, Ulp(1), [normal(&[3, 6])], d[0], |x| ops::diff(&x[0], 1, -1), "mx.diff(x0)");
    case!(c, "diff/twice", Float, Ulp(4), [normal(&[6, 2])], d[0], |x| ops::diff(&x[0], 2, 0), "mx.diff(x0, 2, 0)");
    case!(c, "matrix_transpose", All, Exact, [normal(&[2, 3, 4])], d[0], |x| ops::matrix_transpose(&x[0]), "mx.matrix_transpose(x0)");
    case!(c, "vecdot", Numeric, Accumulate(8), [normal(&[3, 4]), normal(&[1, 4])], d[0, 1], |x| ops::vecdot(&x[0], &x[1], -1), "mx.vecdot(x0, x1)");
    case!(c, "kron", Numeric, Ulp(4), [normal(&[2, 3]), normal(&[4])], d[0, 1], |x| ops::kron(&x[0], &x[1]), "mx.kron(x0, x1)");
    case!(c, "meshgrid", All, Exact, [normal(&[2]), normal(&[3]), normal(&[4])], d[0, 1, 2], |x| ops::meshgrid(x, false, "xy"), "mx.meshgrid(x0, x1, x2)");
    case!(c, "meshgrid/sparse", All, Exact, [normal(&[2]), normal(&[3])], d[0, 1], |x| ops::meshgrid(x, true, "ij"), "mx.meshgrid(x0, x1, sparse=True, indexing='ij')");
    case!(c, "masked_scatter", All, Exact, [normal(&[3, 4]), bools(&[3, 4]).of(DType::Bool), normal(&[12])], d[0, 2], |x| ops::masked_scatter(&x[0], &x[1], &x[2]), "");
    case!(c, "masked_scatter/one", All, Exact, [normal(&[3, 4]), bools(&[3]).of(DType::Bool), normal(&[1])], d[0, 2], |x| ops::masked_scatter(&x[0], &x[1], &x[2]), "(x0.__setitem__(x1, x2[0]), x0)[1]");
    case!(c, "pad_mirrored", All, Exact, [normal(&[3, 4])], d[0], |x| ops::pad_mirrored(&x[0], &[(2, 1), (0, 3)], false), "mx.pad(x0, ((2, 1), (0, 3)), mode='reflect')");
    case!(c, "pad_mirrored/symmetric", All, Exact, [normal(&[3, 4])], d[0], |x| ops::pad_mirrored(&x[0], &[(2, 1), (0, 3)], true), "mx.pad(x0, ((2, 1), (0, 3)), mode='symmetric')");
    case!(c, "unique", Real, Exact, [whole(0, 4, &[3, 5])], d[], |x| ops::unique(&x[0], 6, None).map(|u| vec![u.values, u.index, u.inverse, u.counts]), "mx.unique(x0, 6, True, True, True)");
    case!(c, "unique/fill", Real, Exact, [whole(0, 3, &[9])], d[], |x| ops::unique(&x[0], 5, Some(&7)).map(|u| u.values), "mx.unique(x0, 5, fill_value=7)");
    case!(c, "einsum", Float, Accumulate(16), [normal(&[3, 4]), normal(&[4, 5])], d[0, 1], |x| ops::einsum("ij,jk->ik", x), "mx.einsum('ij,jk->ik', x0, x1)");
    case!(c, "einsum/chain", Float, Accumulate(64), [normal(&[2, 3]), normal(&[3, 4]), normal(&[4, 5])], d[0, 1, 2], |x| ops::einsum("ij,jk,kl->li", x), "mx.einsum('ij,jk,kl->li', x0, x1, x2)");
    case!(c, "einsum/diagonal", Float, Accumulate(8), [normal(&[4, 4])], d[0], |x| ops::einsum("ii", x), "mx.einsum('ii', x0)");
    case!(c, "einsum/batch", Float, Accumulate(16), [normal(&[2, 3, 4]), normal(&[2, 4])], d[0, 1], |x| ops::einsum("bij,bj->ib", x), "mx.einsum('bij,bj->ib', x0, x1)");
    case!(c, "einsum/ellipsis", Float, Ulp(4), [normal(&[2, 3, 4]), normal(&[4])], d[0, 1], |x| ops::einsum("...i,i->...i", x), "mx.einsum('...i,i->...i', x0, x1)");
    case!(c, "einsum_path", Float, Exact, [whole(0, 9, &[3])], d[], |x| ops::einsum_path("ij,jk->ik", &[&[2, 3], &[3, 4]]).map(|p| if p.steps == [[0, 1]] { x[0].clone() } else { x[1].clone() }), "");
    case!(c, "conv/1d", Float, Accumulate(32), [normal(&[2, 7, 3]), normal(&[4, 3, 3])], d[0, 1], |x| ops::conv(&x[0], &x[1], &[2], &[1], &[1], 1), "mx.conv1d(x0, x1, 2, 1)");
    case!(c, "conv/2d", Float, Accumulate(64), [normal(&[1, 5, 6, 4]), normal(&[6, 3, 2, 2])], d[0, 1], |x| ops::conv(&x[0], &x[1], &[1, 2], &[1, 0], &[1, 2], 2), "mx.conv2d(x0, x1, (1, 2), (1, 0), (1, 2), 2)");
    case!(c, "conv/alone", Float, Accumulate(16), [normal(&[1, 5, 6, 4]), normal(&[8, 3, 2, 1])], d[0, 1], |x| ops::conv(&x[0], &x[1], &[1, 1], &[0, 1], &[1, 1], 4), "");
    case!(c, "conv/alone/wide", Float, Accumulate(16), [normal(&[2, 5, 6, 70]), normal(&[70, 3, 2, 1])], d[], |x| ops::conv(&x[0], &x[1], &[1, 2], &[1, 0], &[1, 1], 70), "mx.conv2d(x0, x1, (1, 2), (1, 0), 1, 70)");
    case!(c, "conv/tiles", Float, Accumulate(256), [normal(&[1, 9, 9, 17]), normal(&[35, 3, 3, 17])], d[], |x| ops::conv(&x[0], &x[1], &[1, 1], &[2, 1], &[1, 1], 1), "mx.conv2d(x0, x1, 1, (2, 1))");
    case!(c, "conv/deep", Float, Accumulate(512), [normal(&[2, 4, 5, 100]), normal(&[5, 2, 2, 100])], d[], |x| ops::conv(&x[0], &x[1], &[1, 1], &[0, 0], &[1, 2], 1), "mx.conv2d(x0, x1, 1, 0, (1, 2))");
    case!(c, "conv/thin", Float, Accumulate(64), [normal(&[1, 12, 11, 1]), normal(&[6, 4, 3, 1])], d[0, 1], |x| ops::conv(&x[0], &x[1], &[2, 1], &[3, 2], &[1, 1], 1), "mx.conv2d(x0, x1, (2, 1), (3, 2))");
    case!(c, "conv/3d", Float, Accumulate(64), [normal(&[1, 3, 4, 3, 2]), normal(&[3, 2, 2, 2, 2])], d[0, 1], |x| ops::conv(&x[0], &x[1], &[1, 1, 1], &[0, 1, 0], &[1, 1, 1], 1), "mx.conv3d(x0, x1, 1, (0, 1, 0))");
    case!(c, "conv_transpose", Float, Accumulate(64), [normal(&[1, 4, 3, 2]), normal(&[3, 3, 2, 2])], d[0, 1], |x| ops::conv_transpose(&x[0], &x[1], &[2, 1], &[1, 0], &[1, 1], &[1, 0], 1), "mx.conv_transpose2d(x0, x1, (2, 1), (1, 0), 1, (1, 0))");
    case!(c, "conv_general", Float, Accumulate(32), [normal(&[1, 5, 2]), normal(&[3, 2, 2])], d[0, 1], |x| ops::conv_general(&x[0], &x[1], mlx_ir::op::ConvSpec { stride: [1][..].into(), low: [2][..].into(), high: [1][..].into(), kernel_dilation: [2][..].into(), input_dilation: [2][..].into(), groups: 1, flip: true }), "mx.conv_general(x0, x1, 1, ([2], [1]), 2, 2, flip=True)");
    case!(c, "convolve", Float, Accumulate(8), [normal(&[7]), normal(&[3])], d[0, 1], |x| ops::convolve(&x[0], &x[1], "full"), "mx.convolve(x0, x1)");
    case!(c, "convolve/same", Float, Accumulate(8), [normal(&[7]), normal(&[4])], d[], |x| ops::convolve(&x[0], &x[1], "same"), "mx.convolve(x0, x1, mode='same')");
    case!(c, "convolve/valid", Float, Accumulate(8), [normal(&[7]), normal(&[3])], d[], |x| ops::convolve(&x[0], &x[1], "valid"), "mx.convolve(x0, x1, mode='valid')");
    case!(c, "fftn", Fixed, Accumulate(64), [normal(&[3, 8]).of(DType::C64)], d[0], |x| ops::fftn(&x[0], None, Some(&[-1]), ops::FftKind::Complex, false, ops::FftNorm::Backward), "mx.fft.fft(x0)");
    case!(c, "fftn/inverse", Fixed, Accumulate(64), [normal(&[3, 7]).of(DType::C64)], d[0], |x| ops::fftn(&x[0], None, None, ops::FftKind::Complex, true, ops::FftNorm::Ortho), "mx.fft.ifft2(x0, norm='ortho')");
    case!(c, "fftn/real", Fixed, Accumulate(64), [normal(&[3, 6]).of(DType::F32)], d[0], |x| ops::fftn(&x[0], Some(&[5, 4]), Some(&[1, 0]), ops::FftKind::Real, false, ops::FftNorm::Forward), "mx.fft.rfftn(x0, (5, 4), (1, 0), norm='forward')");
    case!(c, "fftn/real inverse", Fixed, Accumulate(64), [normal(&[3, 5]).of(DType::C64)], d[0], |x| ops::fftn(&x[0], Some(&[7]), Some(&[1]), ops::FftKind::Real, true, ops::FftNorm::Backward), "mx.fft.irfft(x0, 7)");
    case!(c, "fftshift", All, Exact, [normal(&[3, 5])], d[0], |x| ops::fftshift(&x[0], None, false), "mx.fft.fftshift(x0)");
    case!(c, "fftshift/inverse", All, Exact, [normal(&[3, 5])], d[], |x| ops::fftshift(&x[0], Some(&[1]), true), "mx.fft.ifftshift(x0, 1)");
    case!(c, "fftfreq", Fixed, Exact, [normal(&[1]).of(DType::F32)], d[], |x| ops::fftfreq(5, 0.5, false).and_then(|f| ops::add(&f, &ops::multiply(&x[0], 0)?)), "mx.fft.fftfreq(5, 0.5) + x0 * 0");
    let ascending: Vec<f64> = (0..20).map(|i| f64::from(i / 7)).collect();
    case!(c, "gather_mm", Float, Accumulate(32), [normal(&[2, 1, 3]), normal(&[4, 3, 2]), whole(0, 1, &[5]).of(DType::I32), whole(0, 3, &[5]).of(DType::I32)], d[0, 1], |x| ops::gather_mm(&x[0], &x[1], Some(&x[2]), Some(&x[3]), false), "mx.gather_mm(x0, x1, x2, x3)");
    case!(c, "gather_mm/right", Float, Accumulate(32), [normal(&[2, 1, 3]), normal(&[4, 3, 2]), index(4, &[2])], d[0, 1], |x| ops::gather_mm(&x[0], &x[1], None, Some(&x[2]), false), "mx.gather_mm(x0, x1, rhs_indices=x2)");
    case!(c, "gather_mm/left", Float, Accumulate(32), [normal(&[3, 2, 5]), normal(&[4, 5, 3]), whole(0, 2, &[4]).of(DType::I32)], d[0, 1], |x| ops::gather_mm(&x[0], &x[1], Some(&x[2]), None, false), "mx.gather_mm(x0, x1, lhs_indices=x2)");
    case!(c, "gather_mm/each", Float, Accumulate(32), [normal(&[3, 1, 1, 9]), normal(&[4, 7, 9]), whole(0, 3, &[3, 2]).of(DType::I32)], d[0, 1], |x| ops::gather_mm(&x[0], &ops::swapaxes(&x[1], -1, -2)?, None, Some(&x[2]), false), "mx.gather_mm(x0, mx.swapaxes(x1, -1, -2), rhs_indices=x2)");
    case!(c, "gather_mm/beyond", Float, Accumulate(32), [normal(&[3, 1, 1, 9]), normal(&[4, 7, 9]), index(4, &[3, 2])], d[0, 1], |x| ops::gather_mm(&x[0], &ops::swapaxes(&x[1], -1, -2)?, None, Some(&x[2]), false), "");
    case!(c, "gather_mm/sorted", Float, Accumulate(32), [normal(&[20, 1, 9]), normal(&[3, 9, 6]), given(&ascending, &[20]).of(DType::U32)], d[0], |x| ops::gather_mm(&x[0], &x[1], None, Some(&x[2]), true), "mx.gather_mm(x0, x1, rhs_indices=x2, sorted_indices=True)");
    case!(c, "gather_mm/wide indices", Fixed, Accumulate(32), [normal(&[4, 1, 3]).of(DType::F32), normal(&[2, 3, 2]).of(DType::F32), given(&[-1.0, 0.0, -2.0, 1.0], &[4]).of(DType::I64)], d[0, 1], |x| ops::gather_mm(&x[0], &x[1], None, Some(&x[2]), false), "");
    case!(c, "gather_qmm/each", Storable, Accumulate(64), [normal(&[3, 1, 1, 64]), bits(&[4, 7, 8]), unit(&[4, 7, 2]), normal(&[4, 7, 2]), whole(0, 3, &[3, 2]).of(DType::I32)], d[0], |x| ops::gather_qmm(&x[0], &x[1], &x[2], &x[3], None, Some(&x[4]), true, 32, 4, false), "mx.gather_qmm(x0, x1, x2, x3, rhs_indices=x4, group_size=32, bits=4)");
    case!(c, "gather_qmm/beyond", Storable, Accumulate(64), [normal(&[3, 1, 1, 64]), bits(&[4, 7, 8]), unit(&[4, 7, 2]), normal(&[4, 7, 2]), index(4, &[3, 2])], d[0], |x| ops::gather_qmm(&x[0], &x[1], &x[2], &x[3], None, Some(&x[4]), true, 32, 4, false), "");
    case!(c, "gather_qmm/straight", Storable, Accumulate(64), [normal(&[2, 3, 7]), bits(&[4, 7, 8]), unit(&[4, 7, 1]), normal(&[4, 7, 1]), whole(0, 1, &[5]).of(DType::I32), whole(0, 3, &[5]).of(DType::I32)], d[0], |x| ops::gather_qmm(&x[0], &x[1], &x[2], &x[3], Some(&x[4]), Some(&x[5]), false, 64, 4, false), "mx.gather_qmm(x0, x1, x2, x3, x4, x5, transpose=False, group_size=64, bits=4)");
    case!(c, "gather_qmm/sorted", Storable, Accumulate(64), [normal(&[20, 1, 64]), bits(&[3, 9, 16]), unit(&[3, 9, 1]), normal(&[3, 9, 1]), given(&ascending, &[20]).of(DType::U32)], d[0], |x| ops::gather_qmm(&x[0], &x[1], &x[2], &x[3], None, Some(&x[4]), true, 64, 8, true), "mx.gather_qmm(x0, x1, x2, x3, rhs_indices=x4, group_size=64, bits=8, sorted_indices=True)");
    case!(c, "gather_qmm", Fixed, Accumulate(64), [normal(&[2, 1, 64]).of(DType::F32), normal(&[3, 32, 64]).of(DType::F32), index(3, &[2])], d[0], |x| ops::quantize(&x[1], 32, 4).and_then(|(w, s, b)| ops::gather_qmm(&x[0], &w, &s, &b, None, Some(&x[2]), true, 32, 4, false)), "mx.gather_qmm(x0, *mx.quantize(x1, 32, 4), rhs_indices=x2, group_size=32, bits=4)");
    case!(c, "segmented_mm", Float, Accumulate(32), [normal(&[3, 6]), normal(&[6, 2]), given(&[0.0, 2.0, 2.0, 6.0], &[2, 2]).of(DType::U32)], d[0, 1], |x| ops::segmented_mm(&x[0], &x[1], &x[2]), "mx.segmented_mm(x0, x1, x2)");
    case!(c, "block_masked_mm", Storable, Accumulate(256), [normal(&[40, 33]), normal(&[33, 20]), bools(&[2, 1]).of(DType::Bool), bools(&[2, 2]).of(DType::Bool)], d[0, 1], |x| ops::block_masked_mm(&x[0], &x[1], 32, Some(&x[2]), Some(&x[3]), None), "");
    case!(c, "hadamard_transform", Storable, Accumulate(16), [normal(&[3, 8])], d[0], |x| ops::hadamard_transform(&x[0], None), "mx.hadamard_transform(x0)");
    case!(c, "hadamard_transform/scale", Storable, Accumulate(16), [normal(&[2, 4])], d[], |x| ops::hadamard_transform(&x[0], Some(0.5)), "mx.hadamard_transform(x0, 0.5)");
    for n in [12, 24, 20, 80, 28, 56] {
        case!(c, format!("hadamard_transform/{n}"), Storable, Accumulate(16), [normal(&[3, n])], d[0], |x| ops::hadamard_transform(&x[0], None), "mx.hadamard_transform(x0)");
    }
    case!(c, "hadamard_transform/matrix", Storable, Exact, [given(&(0..144).map(|i| f64::from(i % 13 == 0)).collect::<Vec<_>>(), &[12, 12])], d[], |x| ops::hadamard_transform(&x[0], Some(1.0)), "mx.hadamard_transform(x0, 1.0)");
    case!(c, "hadamard_transform/batch", Fixed, Accumulate(16), [normal(&[2, 1, 3, 40]).of(DType::F64)], d[0], |x| ops::hadamard_transform(&x[0], Some(2.0)), "");
    case!(c, "to_fp8", Storable, Exact, [normal(&[5, 7])], d[], |x| ops::to_fp8(&x[0]), "mx.to_fp8(x0)");
    case!(c, "from_fp8", Fixed, Exact, [whole(0, 256, &[64]).of(DType::U8)], d[], |x| ops::from_fp8(&x[0], DType::F32), "mx.from_fp8(x0, mx.float32)");
    // Factors are unique up to signs: what is compared is their product, or their size.
    let square = || normal(&[2, 4, 4]);
    case!(c, "qr", Fixed, Accumulate(64), [normal(&[2, 4, 3]).of(DType::F32)], d[], |x| linalg::qr(&x[0]), "mx.linalg.qr(x0, stream=mx.cpu)");
    case!(c, "qr/wide", Fixed, Accumulate(64), [normal(&[3, 5]).of(DType::F64)], d[], |x| linalg::qr(&x[0]), "mx.linalg.qr(x0, stream=mx.cpu)");
    case!(c, "svd", Fixed, Accumulate(64), [normal(&[4, 3]).of(DType::F32)], d[], |x| linalg::svd(&x[0]).and_then(|(u, s, v)| ops::matmul(&ops::multiply(&ops::slice_axis(&u, -1, 0, 3)?, &s)?, &v)), "x0 * 1");
    case!(c, "svd/basis", Fixed, Accumulate(64), [normal(&[4, 3]).of(DType::F32)], d[], |x| linalg::svd(&x[0]).and_then(|(u, _, _)| ops::matmul(&u, &ops::swapaxes(&u, 0, 1)?)), "mx.eye(4) + x0[0, 0] * 0");
    case!(c, "singular_values", Fixed, Accumulate(64), [normal(&[2, 3, 5]).of(DType::F32)], d[], |x| linalg::singular_values(&x[0]), "mx.linalg.svd(x0, compute_uv=False, stream=mx.cpu)");
    case!(c, "inv", Fixed, Accumulate(256), [square().of(DType::F32)], d[], |x| linalg::inv(&x[0]), "mx.linalg.inv(x0, stream=mx.cpu)");
    case!(c, "cholesky", Fixed, Accumulate(64), [normal(&[3, 3]).of(DType::F32)], d[], |x| ops::matmul(&x[0], &ops::swapaxes(&x[0], 0, 1)?).and_then(|a| linalg::cholesky(&ops::add(&a, &ops::eye(3, 3, 0, DType::F32)?)?, false)), "mx.linalg.cholesky(x0 @ x0.T + mx.eye(3), stream=mx.cpu)");
    case!(c, "cholesky/upper", Fixed, Accumulate(64), [normal(&[3, 3]).of(DType::F32)], d[], |x| ops::matmul(&x[0], &ops::swapaxes(&x[0], 0, 1)?).and_then(|a| linalg::cholesky(&ops::add(&a, &ops::eye(3, 3, 0, DType::F32)?)?, true)), "mx.linalg.cholesky(x0 @ x0.T + mx.eye(3), upper=True, stream=mx.cpu)");
    case!(c, "tri_inv", Fixed, Accumulate(256), [positive(&[3, 3]).of(DType::F32)], d[], |x| linalg::tri_inv(&ops::tril(&x[0], 0)?, false), "mx.linalg.tri_inv(mx.tril(x0), stream=mx.cpu)");
    case!(c, "cholesky_inv", Fixed, Accumulate(1024), [positive(&[3, 3]).of(DType::F32)], d[], |x| linalg::cholesky_inv(&ops::tril(&x[0], 0)?, false), "mx.linalg.cholesky_inv(mx.tril(x0), stream=mx.cpu)");
    case!(c, "pinv", Fixed, Accumulate(256), [normal(&[4, 2]).of(DType::F32)], d[], |x| linalg::pinv(&x[0]), "mx.linalg.pinv(x0, stream=mx.cpu)");
    case!(c, "lu", Fixed, Accumulate(64), [square().of(DType::F32)], d[], |x| linalg::lu(&x[0]), "mx.linalg.lu(x0, stream=mx.cpu)");
    case!(c, "lu_factor", Fixed, Accumulate(64), [square().of(DType::F32)], d[], |x| linalg::lu_factor(&x[0]), "mx.linalg.lu_factor(x0, stream=mx.cpu)");
    case!(c, "eigh", Fixed, Accumulate(64), [normal(&[4, 4]).of(DType::F32)], d[], |x| linalg::eigh(&x[0], false).map(|(w, _)| w), "mx.linalg.eigvalsh(x0, stream=mx.cpu)");
    case!(c, "eigh/vectors", Fixed, Accumulate(64), [normal(&[4, 4]).of(DType::F32)], d[], |x| linalg::eigh(&x[0], true).and_then(|(_, v)| ops::matmul(&v, &ops::swapaxes(&v, 0, 1)?)), "mx.eye(4) + x0[0, 0] * 0");
    case!(c, "solve", Fixed, Accumulate(256), [square().of(DType::F32), normal(&[4, 2]).of(DType::F32)], d[], |x| linalg::solve(&x[0], &x[1]), "mx.linalg.solve(x0, x1, stream=mx.cpu)");
    case!(c, "solve_triangular", Fixed, Accumulate(256), [positive(&[3, 3]).of(DType::F32), normal(&[3]).of(DType::F32)], d[], |x| linalg::solve_triangular(&x[0], &x[1], true), "mx.linalg.solve_triangular(mx.triu(x0), x1, upper=True, stream=mx.cpu)");
    case!(c, "det", Fixed, Accumulate(64), [normal(&[2, 3, 3]).of(DType::F32)], d[0], |x| linalg::det(&x[0]), "mx.linalg.det(x0)");
    case!(c, "det/large", Fixed, Accumulate(64), [square().of(DType::F32)], d[], |x| linalg::det(&x[0]), "mx.linalg.det(x0, stream=mx.cpu)");
    case!(c, "slogdet", Fixed, Accumulate(64), [square().of(DType::F32)], d[], |x| linalg::slogdet(&x[0]), "mx.linalg.slogdet(x0, stream=mx.cpu)");
    for (what, order) in [("1", linalg::Order::Number(1.0)), ("3", linalg::Order::Number(3.0)), ("float('inf')", linalg::Order::Number(f64::INFINITY))] {
        case!(c, format!("norm/vector {what}"), Float, Accumulate(16), [normal(&[3, 4])], d[0], |x| linalg::norm(&x[0], Some(&order), Some(&[1]), false), format!("mx.linalg.norm(x0, {what}, axis=1)"));
    }
    for (what, order) in [("-1", linalg::Order::Number(-1.0)), ("2", linalg::Order::Number(2.0)), ("'nuc'", linalg::Order::Name("nuc".into()))] {
        case!(c, format!("norm/matrix {what}"), Fixed, Accumulate(16), [normal(&[3, 4]).of(DType::F32)], d[], |x| linalg::norm(&x[0], Some(&order), None, true), format!("mx.linalg.norm(x0, {what}, keepdims=True, stream=mx.cpu)"));
    }
    case!(c, "cross", Numeric, Ulp(4), [normal(&[4, 3]), normal(&[2])], d[0, 1], |x| linalg::cross(&x[0], &x[1], -1), "");
    case!(c, "depends", All, Exact, [normal(&[3]), normal(&[2])], d[0], |x| ops::depends(&x[..1], &x[1..]), "mx.depends([x0], [x1])");
    case!(c, "custom", Float, Ulp(2), [normal(&[3])], d[0], |x| ops::square(&x[0]).and_then(|y| ops::custom(Arc::new(Plain), x, &[y])), "");
    case!(c, "checkpoint", Float, Ulp(4), [normal(&[3]), normal(&[3])], d[0, 1], |x| ops::checkpoint(|v| Ok(vec![ops::multiply(&ops::square(&v[0])?, &v[1])?]))(x), "mx.checkpoint(lambda a, b: a * a * b)(x0, x1)");
    case!(c, "random/state", Fixed, Exact, [whole(0, 9, &[2]).of(DType::U32)], d[], |x| { random::set_state(x[0].clone()); random::state() }, "");
}
