//! Sorting and partitions. A partition's two sides have no defined order, so they are sorted before they are compared.

use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::{Array, Result, ops};

/// The sorted elements before place `k` of the last axis, the one there, and the sorted ones after it.
fn sides(p: &Array, k: i64) -> Result<Array> {
    let n = p.dim(-1) as i64;
    let side = |from, to| ops::sort(&ops::slice_axis(p, -1, from, to)?, Some(-1));
    ops::concatenate(&[side(0, k)?, side(k, k + 1)?, side(k + 1, n)?], -1)
}

pub fn add(c: &mut List) {
    for (s, a, p) in [(&[7][..], Some(0), "0"), (&[3, 65], Some(1), "1"), (&[65, 3], Some(0), "0"), (&[3, 4, 5], Some(-2), "-2"), (&[4, 9], None, "None"), (&[0], Some(0), "0"), (&[1], Some(0), "0"), (&[1037], Some(0), "0")] {
        case!(c, "sort", All, Exact, [distinct(s)], d[0], |x| ops::sort(&x[0], a), format!("mx.sort(x0, axis={p})"));
        case!(c, "sort/ties", All, Exact, [whole(-2, 2, s)], d[], |x| ops::sort(&x[0], a), format!("mx.sort(x0, axis={p})"));
        case!(c, "argsort", All, Exact, [distinct(s)], d[], |x| ops::argsort(&x[0], a), format!("mx.argsort(x0, axis={p})"));
        case!(c, "argsort/ties", All, Exact, [whole(-2, 2, s)], d[], |x| ops::argsort(&x[0], a), format!("mx.argsort(x0, axis={p})"));
    }
    case!(c, "sort/special", Real, Ulp(0), [special(&[7, 53])], d[], |x| ops::sort(&x[0], Some(1)), "mx.sort(x0, axis=1)");
    case!(c, "argsort/special", Real, Exact, [special(&[7, 53])], d[], |x| ops::argsort(&x[0], Some(1)), "mx.argsort(x0, axis=1)");
    for k in [0, 3, 8] {
        let py = |p: &str| format!("(lambda p: mx.concatenate([mx.sort(p[:, :{k}], axis=-1), p[:, {k}:{k}+1], mx.sort(p[:, {k}+1:], axis=-1)], axis=-1))({p})");
        case!(c, format!("partition/{k}"), All, Exact, [distinct(&[4, 9])], d[0], |x| sides(&ops::partition(&x[0], k, Some(1))?, k), py(&format!("mx.partition(x0, {k}, axis=1)")));
        case!(c, format!("argpartition/{k}"), All, Exact, [distinct(&[4, 9])], d[], |x| sides(&ops::take_along_axis(&x[0], &ops::argpartition(&x[0], k, Some(1))?, Some(1))?, k), py(&format!("mx.take_along_axis(x0, mx.argpartition(x0, {k}, axis=1), axis=1)")));
    }
    case!(c, "partition/ties", All, Exact, [whole(-2, 2, &[3, 137])], d[], |x| sides(&ops::partition(&x[0], 70, Some(-1))?, 70), "");
    case!(c, "partition/first", All, Exact, [distinct(&[9, 4])], d[], |x| sides(&ops::transpose(&ops::partition(&x[0], 2, Some(0))?, None)?, 2), "");
    case!(c, "argpartition/permutes", All, Exact, [whole(-2, 2, &[3, 137])], d[], |x| ops::sort(&ops::argpartition(&x[0], -7, Some(-1))?, Some(-1)), "mx.sort(mx.argpartition(x0, -7, axis=-1), axis=-1)");
    for k in [0, 1, 4, 9] {
        case!(c, format!("topk/{k}"), All, Exact, [distinct(&[4, 9])], d[0], |x| ops::sort(&ops::topk(&x[0], k, Some(-1))?, Some(-1)), if k == 0 { String::new() } else { format!("mx.sort(mx.topk(x0, {k}, axis=-1), axis=-1)") });
    }
    case!(c, "topk/flat", All, Exact, [distinct(&[4, 9])], d[0], |x| ops::sort(&ops::topk(&x[0], 5, None)?, None), "mx.sort(mx.topk(x0, 5, axis=None), axis=None)");
    case!(c, "sort/bench", Storable, Exact, [normal(&[8, 8])], d[], |x| ops::sort(&x[0], Some(1)), "mx.sort(x0)").bench(&[&[256, 16384]], 0.0);
    case!(c, "argsort/bench", Storable, Exact, [normal(&[8, 8])], d[], |x| ops::argsort(&x[0], Some(1)), "mx.argsort(x0)").bench(&[&[256, 16384]], 0.0);
}
