//! Indexing by arrays.

use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::DType;
use mlx::ops;
use mlx_ir::op::UpdateMode;

pub fn add(c: &mut List) {
    case!(c, "take", All, Exact, [normal(&[7, 5]), index(7, &[4])], d[0], |x| ops::take(&x[0], &x[1], Some(0)), "mx.take(x0, x1, axis=0)");
    case!(c, "take/last", All, Exact, [normal(&[3, 5]), index(5, &[2, 3])], d[0], |x| ops::take(&x[0], &x[1], Some(-1)), "mx.take(x0, x1, axis=-1)");
    case!(c, "take/flat", All, Exact, [normal(&[3, 5]), index(15, &[1037])], d[0], |x| ops::take(&x[0], &x[1], None), "mx.take(x0, x1)");
    case!(c, "take/scalar", All, Exact, [normal(&[3, 5]), index(3, &[])], d[0], |x| ops::take(&x[0], &x[1], Some(0)), "mx.take(x0, x1, axis=0)");
    case!(c, "take/none", All, Exact, [normal(&[3, 5]), index(3, &[0])], d[0], |x| ops::take(&x[0], &x[1], Some(0)), "mx.take(x0, x1, axis=0)");
    case!(c, "take/middle", All, Exact, [normal(&[2, 4, 3]), index(4, &[5])], d[0], |x| ops::take(&x[0], &x[1], Some(1)), "mx.take(x0, x1, axis=1)");
    for d in [DType::U8, DType::U16, DType::U32, DType::U64, DType::I8, DType::I16, DType::I64] {
        case!(c, format!("take/by_{d}"), Fixed, Exact, [normal(&[7, 5]).of(DType::F32), whole(-7, 6, &[9]).of(d)], d[0], |x| ops::take(&x[0], &x[1], Some(0)), "mx.take(x0, x1, axis=0)");
    }
    // Out of range: clamped here; the official wheel reads what lies there.
    case!(c, "take/outside", All, Exact, [normal(&[7, 5]), whole(-20, 20, &[9]).of(DType::I32)], d[0], |x| ops::take(&x[0], &x[1], Some(0)), "");
    case!(c, "gather", All, Exact, [normal(&[4, 5, 3]), index(4, &[6]), index(5, &[2, 1])], d[0], |x| ops::gather(&x[0], &x[1..], &[0, 1], &[1, 1, 3]), "x0[x1, x2][:, :, None, None, :]");
    case!(c, "gather/box", All, Exact, [normal(&[6, 5]), whole(0, 3, &[4]).of(DType::U32)], d[0], |x| ops::gather(&x[0], &x[1..], &[0], &[3, 2]), "mx.stack([x0[i:i+3, :2] for i in x1.tolist()])");
    case!(c, "take_along_axis", All, Exact, [normal(&[3, 5]), index(5, &[3, 7])], d[0], |x| ops::take_along_axis(&x[0], &x[1], Some(1)), "mx.take_along_axis(x0, x1, axis=1)");
    case!(c, "take_along_axis/first", All, Exact, [normal(&[3, 5]), index(3, &[2, 1])], d[0], |x| ops::take_along_axis(&x[0], &x[1], Some(0)), "mx.take_along_axis(x0, x1, axis=0)");
    case!(c, "take_along_axis/flat", All, Exact, [normal(&[3, 5]), index(15, &[4])], d[0], |x| ops::take_along_axis(&x[0], &x[1], None), "mx.take_along_axis(x0, x1, axis=None)");
    case!(c, "put_along_axis", All, Exact, [normal(&[3, 5]), given(&[4.0, 1.0, -5.0], &[3, 3]).of(DType::I32), normal(&[3, 3])], d[0, 2], |x| ops::put_along_axis(&x[0], &x[1], &x[2], Some(1)), "mx.put_along_axis(x0, x1, x2, axis=1)");
    case!(c, "put_along_axis/flat", All, Exact, [normal(&[3, 5]), given(&[14.0, 1.0, 7.0], &[3]).of(DType::I32), normal(&[3])], d[0], |x| ops::put_along_axis(&x[0], &x[1], &x[2], None), "mx.put_along_axis(x0, x1, x2, axis=None)");
    case!(c, "put_along_axis/last_wins", All, Exact, [normal(&[5]), given(&[2.0, 2.0, 2.0], &[3]).of(DType::I32), normal(&[3])], d[], |x| ops::put_along_axis(&x[0], &x[1], &x[2], Some(0)), "mx.put_along_axis(x0, x1, x2, axis=0)");
    case!(c, "scatter_add_axis", Numeric, Accumulate(4), [normal(&[3, 5]), index(5, &[3, 9]), normal(&[3, 9])], d[0, 2], |x| ops::scatter_add_axis(&x[0], &x[1], &x[2], 1), "x0.at[mx.arange(3)[:, None], x1].add(x2)");
    case!(c, "scatter_add_axis/outside", Numeric, Accumulate(4), [normal(&[3, 5]), whole(-20, 20, &[3, 9]).of(DType::I32), normal(&[3, 9])], d[0], |x| ops::scatter_add_axis(&x[0], &x[1], &x[2], 1), "");
    case!(c, "scatter/assign", All, Exact, [normal(&[7, 5]), given(&[6.0, 1.0, -3.0], &[3]).of(DType::I32), normal(&[3, 1, 5])], d[0, 2], |x| ops::scatter(&x[0], &x[1..2], &x[2], &[0], UpdateMode::Assign), "(x0.__setitem__(x1, x2[:, 0]), x0)[1]");
    case!(c, "scatter/sum", Numeric, Accumulate(4), [normal(&[7, 5]), index(7, &[9]), normal(&[9, 1, 5])], d[0, 2], |x| ops::scatter(&x[0], &x[1..2], &x[2], &[0], UpdateMode::Sum), "x0.at[x1].add(x2[:, 0])");
    case!(c, "scatter/prod", Numeric, Accumulate(8), [normal(&[7, 5]), index(7, &[4]), whole(-2, 2, &[4, 1, 5])], d[0], |x| ops::scatter(&x[0], &x[1..2], &x[2], &[0], UpdateMode::Prod), "x0.at[x1].multiply(x2[:, 0])");
    case!(c, "scatter/max", RealNumeric, Exact, [normal(&[7, 5]), index(7, &[9]), normal(&[9, 1, 5])], d[0, 2], |x| ops::scatter(&x[0], &x[1..2], &x[2], &[0], UpdateMode::Max), "x0.at[x1].maximum(x2[:, 0])");
    case!(c, "scatter/min", RealNumeric, Exact, [normal(&[7, 5]), index(7, &[9]), normal(&[9, 1, 5])], d[0, 2], |x| ops::scatter(&x[0], &x[1..2], &x[2], &[0], UpdateMode::Min), "x0.at[x1].minimum(x2[:, 0])");
    case!(c, "scatter/two", All, Exact, [normal(&[4, 5, 3]), given(&[0.0, 3.0], &[2, 1]).of(DType::I32), given(&[1.0, 4.0, 2.0], &[3]).of(DType::I32), normal(&[2, 3, 1, 1, 3])], d[0, 3], |x| ops::scatter(&x[0], &x[1..3], &x[3], &[0, 1], UpdateMode::Assign), "(x0.__setitem__((x1, x2), x3[:, :, 0, 0]), x0)[1]");
    case!(c, "scatter/box", Numeric, Accumulate(4), [normal(&[6, 5]), whole(0, 3, &[4]).of(DType::I32), normal(&[4, 3, 2])], d[0, 2], |x| ops::scatter(&x[0], &x[1..2], &x[2], &[0], UpdateMode::Sum), "");
    case!(c, "scatter/outside", Numeric, Accumulate(4), [normal(&[7, 5]), whole(-20, 20, &[9]).of(DType::I32), normal(&[9, 1, 5])], d[0], |x| ops::scatter(&x[0], &x[1..2], &x[2], &[0], UpdateMode::Sum), "");
    case!(c, "scatter/no_index", Numeric, Ulp(1), [normal(&[3, 5]), normal(&[2, 5])], d[0, 1], |x| ops::scatter(&x[0], &[], &x[1], &[], UpdateMode::Sum), "");
    case!(c, "take/bench", Storable, Exact, [normal(&[9, 8]), whole(0, 7, &[4]).of(DType::U32)], d[], |x| ops::take(&x[0], &x[1], Some(0)), "mx.take(x0, x1, axis=0)").bench(&[&[49152, 576], &[4096]], 0.0);
}
