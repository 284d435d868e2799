//! Reductions.

use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::{DType, Result, ops};
use mlx_ir::op::ReduceKind;
use mlx_ir::{Func, Tape, TapeBuilder};
use std::sync::Arc;

const BIG: &[usize] = &[4096, 4096];

/// Shapes with the axes to reduce over (none: all).
#[allow(clippy::type_complexity, reason = "a table")]
const SHAPES: [(&[usize], Option<&[i64]>, &str); 11] = [(&[7], None, "None"), (&[], None, "None"), (&[1], Some(&[0]), "(0,)"), (&[1037], Some(&[-1]), "(-1,)"), (&[3, 65], Some(&[1]), "(1,)"), (&[65, 3], Some(&[0]), "(0,)"), (&[33, 34], None, "None"), (&[3, 4, 5], Some(&[0, 2]), "(0, 2)"), (&[3, 4, 5], Some(&[1]), "(1,)"), (&[2, 3, 1, 5, 2], Some(&[1, -1]), "(1, -1)"), (&[3, 4], Some(&[]), "()")];

/// x·y + x.
fn tape(d: DType) -> Result<Arc<Tape>> {
    let mut t = TapeBuilder::new(&[d, d]);
    let y = t.call(Func::Multiply, &[0, 1])?;
    t.call(Func::Add, &[y, 0])?;
    Ok(Arc::new(t.finish()))
}

pub fn add(c: &mut List) {
    case!(c, "reduce_map", Float, Accumulate(16), [normal(&[3, 67, 2]), normal(&[3, 67, 2])], d[0, 1], |x| ops::reduce_map(tape(x[0].dtype())?, x, ReduceKind::Sum, &[0, 1]), "");
    case!(c, "reduce_map/largest", Float, Exact, [normal(&[5, 300]), normal(&[5, 300])], d[], |x| ops::reduce_map(tape(x[0].dtype())?, x, ReduceKind::Max, &[1]), "");
    for (s, a, p) in SHAPES {
        for k in [false, true] {
            let py = |f: &str| format!("mx.{f}(x0, axis={p}, keepdims={})", if k { "True" } else { "False" });
            case!(c, "sum", All, Accumulate(8), [normal(s)], d[0], |x| ops::sum(&x[0], a, k), py("sum"));
            case!(c, "prod", All, Accumulate(32), [if s.contains(&1037) || s.contains(&33) || s.contains(&65) { given(&[1.0, -1.0, 1.0, 1.0, 1.0078125, -1.0], s) } else { normal(s) }], d[0], |x| ops::prod(&x[0], a, k), py("prod"));
            case!(c, "min", All, Exact, [distinct(s)], d[0], |x| ops::min(&x[0], a, k), py("min"));
            case!(c, "max", All, Exact, [distinct(s)], d[0], |x| ops::max(&x[0], a, k), py("max"));
            case!(c, "all", All, Exact, [whole(0, 30, s)], d[], |x| ops::all(&x[0], a, k), py("all"));
            case!(c, "any", All, Exact, [whole(0, 1, s)], d[], |x| ops::any(&x[0], a, k), py("any"));
            case!(c, "mean", All, Accumulate(8), [normal(s)], d[0], |x| ops::mean(&x[0], a, k), py("mean"));
            case!(c, "var", All, Accumulate(16), [normal(s)], d[0], |x| ops::var(&x[0], a, k, 0), py("var"));
        }
    }
    case!(c, "std", Real, Accumulate(16), [normal(&[5, 67])], d[0], |x| ops::std(&x[0], Some(&[1]), false, 1), "mx.std(x0, axis=1, ddof=1)");
    case!(c, "var/ddof", Real, Accumulate(16), [normal(&[5, 67])], d[0], |x| ops::var(&x[0], None, true, 2), "mx.var(x0, keepdims=True, ddof=2)");
    for (f, n) in [(0, "empty"), (1, "rows")] {
        let s: &[usize] = if f == 0 { &[0, 3] } else { &[3, 0] };
        case!(c, format!("sum/{n}"), All, Exact, [normal(s)], d[], |x| ops::sum(&x[0], Some(&[0]), false), "mx.sum(x0, axis=0)");
        case!(c, format!("prod/{n}"), All, Exact, [normal(s)], d[], |x| ops::prod(&x[0], Some(&[0]), false), "mx.prod(x0, axis=0)");
        case!(c, format!("all/{n}"), All, Exact, [normal(s)], d[], |x| ops::all(&x[0], Some(&[0]), false), "mx.all(x0, axis=0)");
        case!(c, format!("any/{n}"), All, Exact, [normal(s)], d[], |x| ops::any(&x[0], Some(&[0]), false), "mx.any(x0, axis=0)");
    }
    case!(c, "max/empty_rows", All, Exact, [normal(&[3, 0])], d[], |x| ops::max(&x[0], Some(&[0]), false), "mx.max(x0, axis=0)");
    case!(c, "max/special", Real, Ulp(0), [special(&[37, 53])], d[], |x| ops::max(&x[0], Some(&[0]), false), "mx.max(x0, axis=0)");
    case!(c, "min/special", Real, Ulp(0), [special(&[211, 5])], d[], |x| ops::min(&x[0], Some(&[1]), false), "mx.min(x0, axis=1)");
    case!(c, "all/special", All, Exact, [special(&[211, 5])], d[], |x| ops::all(&x[0], Some(&[1]), false), "mx.all(x0, axis=1)");
    case!(c, "any/special", All, Exact, [special(&[211, 2])], d[], |x| ops::any(&x[0], Some(&[1]), false), "mx.any(x0, axis=1)");
    // Ties share the gradient, so that it is no derivative; forward and reverse mode must still agree.
    case!(c, "max/ties", All, Exact, [whole(0, 3, &[9, 67])], d[], |x| ops::max(&x[0], Some(&[1]), false), "mx.max(x0, axis=1)");
    case!(c, "prod/zeros", Inexact, Accumulate(8), [given(&[2.0, 0.0, 3.0, -1.5, 0.5, 0.0, 4.0], &[3, 4])], d[0], |x| ops::prod(&x[0], Some(&[1]), false), "mx.prod(x0, axis=1)");
    for (s, a, p) in [(&[7][..], Some(0), "0"), (&[3, 65], Some(1), "1"), (&[65, 3], Some(0), "0"), (&[3, 4, 5], Some(-2), "-2"), (&[33, 34], None, "None"), (&[1037], Some(0), "0"), (&[1], None, "None")] {
        case!(c, "argmin", All, Exact, [normal(s)], d[], |x| ops::argmin(&x[0], a, false), format!("mx.argmin(x0, axis={p})"));
        case!(c, "argmax", All, Exact, [normal(s)], d[], |x| ops::argmax(&x[0], a, true), format!("mx.argmax(x0, axis={p}, keepdims=True)"));
        case!(c, "argmax/ties", All, Exact, [whole(0, 2, s)], d[], |x| ops::argmax(&x[0], a, false), format!("mx.argmax(x0, axis={p})"));
        case!(c, "argmin/ties", All, Exact, [whole(0, 2, s)], d[], |x| ops::argmin(&x[0], a, true), format!("mx.argmin(x0, axis={p}, keepdims=True)"));
    }
    case!(c, "argmax/special", Float, Exact, [special(&[53, 7])], d[], |x| ops::argmax(&x[0], Some(1), false), "");
    case!(c, "argmin/special", Float, Exact, [special(&[7, 53])], d[], |x| ops::argmin(&x[0], Some(0), false), "");
    case!(c, "sum/bench", Storable, Accumulate(8), [normal(&[8])], d[], |x| ops::sum(&x[0], None, false), "mx.sum(x0)").bench(&[BIG], 0.0);
    case!(c, "sum/rows/bench", Storable, Accumulate(8), [normal(&[8, 8])], d[], |x| ops::sum(&x[0], Some(&[1]), false), "mx.sum(x0, axis=1)").bench(&[BIG], 0.0);
    case!(c, "sum/columns/bench", Storable, Accumulate(8), [normal(&[8, 8])], d[], |x| ops::sum(&x[0], Some(&[0]), false), "mx.sum(x0, axis=0)").bench(&[BIG], 0.0);
    case!(c, "max/bench", Storable, Exact, [normal(&[8])], d[], |x| ops::max(&x[0], None, false), "mx.max(x0)").bench(&[BIG], 0.0);
    case!(c, "argmax/bench", Storable, Exact, [normal(&[8, 8])], d[], |x| ops::argmax(&x[0], Some(1), false), "mx.argmax(x0, axis=1)").bench(&[&[64, 262_144]], 0.0);
}
