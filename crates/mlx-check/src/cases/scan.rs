//! Cumulative operations.

use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::ops;

pub fn add(c: &mut List) {
    for (s, a, p) in [(&[7][..], Some(0), "0"), (&[3, 65], Some(1), "1"), (&[65, 3], Some(0), "0"), (&[3, 4, 5], Some(-2), "-2"), (&[4, 9], None, "None"), (&[0], Some(0), "0"), (&[1], Some(0), "0")] {
        for (r, i) in [(false, true), (true, true), (false, false), (true, false)] {
            let py = |f: &str| format!("mx.{f}(x0, axis={p}, reverse={}, inclusive={})", if r { "True" } else { "False" }, if i { "True" } else { "False" });
            case!(c, "cumsum", All, Accumulate(16), [normal(s)], d[0], |x| ops::cumsum(&x[0], a, r, i), py("cumsum"));
            case!(c, "cumprod", All, Accumulate(32), [given(&[1.0, -1.0, 0.5, 2.0, 1.0, 1.5], s)], d[0], |x| ops::cumprod(&x[0], a, r, i), py("cumprod"));
            case!(c, "cummin", Real, Exact, [normal(s)], d[], |x| ops::cummin(&x[0], a, r, i), py("cummin"));
            case!(c, "cummax", Real, Exact, [normal(s)], d[], |x| ops::cummax(&x[0], a, r, i), py("cummax"));
            case!(c, "logcumsumexp", Float, Accumulate(16), [normal(s)], d[0], |x| ops::logcumsumexp(&x[0], a, r, i), py("logcumsumexp"));
        }
    }
    case!(c, "cumsum/long", All, Accumulate(64), [normal(&[2, 1037])], d[], |x| ops::cumsum(&x[0], Some(1), false, true), "mx.cumsum(x0, axis=1)");
    case!(c, "cummax/special", Float, Ulp(0), [special(&[7, 53])], d[], |x| ops::cummax(&x[0], Some(0), false, true), "");
    case!(c, "cumprod/zeros", Inexact, Accumulate(16), [given(&[2.0, 0.0, 3.0, -1.5, 0.5, 0.0, 4.0], &[3, 4])], d[0], |x| ops::cumprod(&x[0], Some(1), false, true), "mx.cumprod(x0, axis=1)");
    case!(c, "cumsum/bench", Storable, Accumulate(64), [normal(&[8, 8])], d[], |x| ops::cumsum(&x[0], Some(1), false, true), "mx.cumsum(x0, axis=1)").bench(&[&[4096, 4096]], 0.0);
}
