//! Functions put together of others, and functions with rules of their own.

use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::DType;
use mlx::ops::{self, random};
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
    case!(c, "depends", All, Exact, [normal(&[3]), normal(&[2])], d[0], |x| ops::depends(&x[..1], &x[1..]), "mx.depends([x0], [x1])");
    case!(c, "custom", Float, Ulp(2), [normal(&[3])], d[0], |x| ops::square(&x[0]).and_then(|y| ops::custom(Arc::new(Plain), x, &[y])), "");
    case!(c, "checkpoint", Float, Ulp(4), [normal(&[3]), normal(&[3])], d[0, 1], |x| ops::checkpoint(|v| Ok(vec![ops::multiply(&ops::square(&v[0])?, &v[1])?]))(x), "mx.checkpoint(lambda a, b: a * a * b)(x0, x1)");
    case!(c, "random/state", Fixed, Exact, [whole(0, 9, &[2]).of(DType::U32)], d[], |x| { random::set_state(x[0].clone()); random::state() }, "");
}
