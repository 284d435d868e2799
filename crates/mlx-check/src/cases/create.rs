//! Arrays made from numbers.

use super::elementwise::python_name;
use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::DType;
use mlx::ops;

pub fn add(c: &mut List) {
    for d in DType::ALL {
        let p = python_name(d);
        case!(c, format!("zeros/{d}"), Fixed, Exact, [], d[], |_x| ops::zeros(&[3, 5], d), format!("mx.zeros((3, 5), mx.{p})"));
        case!(c, format!("ones/{d}"), Fixed, Exact, [], d[], |_x| ops::ones(&[0, 5], d), format!("mx.ones((0, 5), mx.{p})"));
        case!(c, format!("full/{d}"), Fixed, Exact, [], d[], |_x| ops::full(&[2, 3], 3, Some(d)), format!("mx.full((2, 3), 3, mx.{p})"));
        case!(c, format!("eye/{d}"), Fixed, Exact, [], d[], |_x| ops::eye(4, 7, 2, d), format!("mx.eye(4, 7, 2, mx.{p})"));
        case!(c, format!("tri/{d}"), Fixed, Exact, [], d[], |_x| ops::tri(5, 3, -1, d), format!("mx.tri(5, 3, -1, mx.{p})"));
        case!(c, format!("identity/{d}"), Fixed, Exact, [], d[], |_x| ops::identity(5, d), format!("mx.identity(5, mx.{p})"));
        if !matches!(d, DType::Bool | DType::C64) {
            case!(c, format!("arange/{d}"), Fixed, Exact, [], d[], |_x| ops::arange(0.0, 100.0, 1.0, d), format!("mx.arange(0, 100, 1, mx.{p})"));
            case!(c, format!("arange/step/{d}"), Fixed, Exact, [], d[], |_x| ops::arange(2.0, 50.0, 3.0, d), format!("mx.arange(2, 50, 3, mx.{p})"));
        }
        if d.is_float() {
            case!(c, format!("arange/fraction/{d}"), Fixed, Ulp(2), [], d[], |_x| ops::arange(-1.0, 2.0, 0.25, d), format!("mx.arange(-1.0, 2.0, 0.25, mx.{p})"));
            case!(c, format!("linspace/{d}"), Fixed, Ulp(2), [], d[], |_x| ops::linspace(-1.0, 3.0, 37, d), format!("mx.linspace(-1.0, 3.0, num=37, dtype=mx.{p})"));
        }
    }
    case!(c, "arange/back", Fixed, Exact, [], d[], |_x| ops::arange(10.0, 0.0, -3.0, DType::I32), "mx.arange(10, 0, -3, mx.int32)");
    case!(c, "arange/empty", Fixed, Exact, [], d[], |_x| ops::arange(5.0, 2.0, 1.0, DType::I32), "mx.arange(5, 2, 1, mx.int32)");
    case!(c, "arange/tiles", Fixed, Exact, [], d[], |_x| ops::arange(0.0, 70_001.0, 1.0, DType::I32), "mx.arange(0, 70001, 1, mx.int32)");
    case!(c, "linspace/one", Fixed, Exact, [], d[], |_x| ops::linspace(2.5, 3.0, 1, DType::F32), "mx.linspace(2.5, 3.0, 1)");
    case!(c, "linspace/none", Fixed, Exact, [], d[], |_x| ops::linspace(2.5, 3.0, 0, DType::F32), "mx.linspace(2.5, 3.0, 0)");
    case!(c, "full/array", All, Exact, [normal(&[3, 1])], d[0], |x| ops::full(&[2, 3, 4], &x[0], None), "mx.full((2, 3, 4), x0)").copies(0);
    case!(c, "zeros_like", All, Exact, [normal(&[3, 5])], d[], |x| ops::zeros_like(&x[0]), "mx.zeros_like(x0)");
    case!(c, "ones_like", All, Exact, [normal(&[3, 5])], d[], |x| ops::ones_like(&x[0]), "mx.ones_like(x0)");
    case!(c, "tril", All, Exact, [normal(&[2, 5, 7])], d[0], |x| ops::tril(&x[0], 1), "mx.tril(x0, 1)");
    case!(c, "triu", All, Exact, [normal(&[2, 5, 7])], d[0], |x| ops::triu(&x[0], -1), "mx.triu(x0, -1)");
    case!(c, "tril/empty", All, Exact, [normal(&[0, 7])], d[], |x| ops::tril(&x[0], 0), "mx.tril(x0)");
}
