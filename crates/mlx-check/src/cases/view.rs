//! Other descriptions of the same elements. None of them copies, unless the strides cannot be had otherwise.

use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::DType;
use mlx::ops;

pub fn add(c: &mut List) {
    case!(c, "broadcast_to", All, Exact, [normal(&[3, 1, 5])], d[0], |x| ops::broadcast_to(&x[0], &[2, 3, 4, 5]), "mx.broadcast_to(x0, (2, 3, 4, 5))").copies(0);
    case!(c, "broadcast_to/scalar", All, Exact, [normal(&[])], d[0], |x| ops::broadcast_to(&x[0], &[2, 0, 3]), "mx.broadcast_to(x0, (2, 0, 3))").copies(0);
    case!(c, "broadcast_arrays", All, Exact, [normal(&[3, 1]), normal(&[1, 5]), normal(&[])], d[0, 1, 2], |x| ops::broadcast_arrays(x), "mx.broadcast_arrays(x0, x1, x2)").copies(0);
    case!(c, "reshape", All, Exact, [normal(&[4, 6])], d[0], |x| ops::reshape(&x[0], &[3, -1, 2]), "mx.reshape(x0, (3, -1, 2))");
    case!(c, "reshape/split", All, Exact, [normal(&[4, 6])], d[0], |x| ops::reshape(&x[0], &[2, 2, 3, 2]), "mx.reshape(x0, (2, 2, 3, 2))").copies(0);
    case!(c, "reshape/empty", All, Exact, [normal(&[0, 6])], d[], |x| ops::reshape(&x[0], &[3, 0]), "mx.reshape(x0, (3, 0))");
    case!(c, "reshape/scalar", All, Exact, [normal(&[1, 1])], d[0], |x| ops::reshape(&x[0], &[]), "mx.reshape(x0, ())").copies(0);
    case!(c, "flatten", All, Exact, [normal(&[2, 3, 4])], d[0], |x| ops::flatten(&x[0], 1, -1), "mx.flatten(x0, 1, -1)");
    case!(c, "flatten/scalar", All, Exact, [normal(&[])], d[0], |x| ops::flatten(&x[0], 0, -1), "mx.flatten(x0)");
    case!(c, "unflatten", All, Exact, [normal(&[2, 12])], d[0], |x| ops::unflatten(&x[0], 1, &[3, -1]), "mx.unflatten(x0, 1, (3, -1))").copies(0);
    case!(c, "expand_dims", All, Exact, [normal(&[3, 5])], d[0], |x| ops::expand_dims(&x[0], &[0, -1]), "mx.expand_dims(x0, (0, -1))").copies(0);
    case!(c, "squeeze", All, Exact, [normal(&[1, 3, 1, 5])], d[0], |x| ops::squeeze(&x[0], None), "mx.squeeze(x0)").copies(0);
    case!(c, "squeeze/axis", All, Exact, [normal(&[1, 3, 1, 5])], d[0], |x| ops::squeeze(&x[0], Some(&[-2])), "mx.squeeze(x0, -2)").copies(0);
    case!(c, "atleast_1d", All, Exact, [normal(&[])], d[0], |x| ops::atleast_1d(&x[0]), "mx.atleast_1d(x0)").copies(0);
    case!(c, "atleast_2d", All, Exact, [normal(&[5])], d[0], |x| ops::atleast_2d(&x[0]), "mx.atleast_2d(x0)").copies(0);
    case!(c, "atleast_3d", All, Exact, [normal(&[3, 5])], d[0], |x| ops::atleast_3d(&x[0]), "mx.atleast_3d(x0)").copies(0);
    case!(c, "atleast_3d/one", All, Exact, [normal(&[5])], d[0], |x| ops::atleast_3d(&x[0]), "mx.atleast_3d(x0)").copies(0);
    case!(c, "transpose", All, Exact, [normal(&[2, 3, 1, 4, 2])], d[0], |x| ops::transpose(&x[0], None), "mx.transpose(x0)").copies(0);
    case!(c, "transpose/axes", All, Exact, [normal(&[2, 3, 4])], d[0], |x| ops::transpose(&x[0], Some(&[1, -1, 0])), "mx.transpose(x0, (1, -1, 0))").copies(0);
    case!(c, "moveaxis", All, Exact, [normal(&[2, 3, 4])], d[0], |x| ops::moveaxis(&x[0], 0, -1), "mx.moveaxis(x0, 0, -1)").copies(0);
    case!(c, "swapaxes", All, Exact, [normal(&[2, 3, 4])], d[0], |x| ops::swapaxes(&x[0], 0, 2), "mx.swapaxes(x0, 0, 2)").copies(0);
    case!(c, "slice", All, Exact, [normal(&[5, 9])], d[0], |x| ops::slice(&x[0], &[1, 0], &[4, 9], &[1, 2]), "x0[1:4, 0:9:2]").copies(0);
    case!(c, "slice/back", All, Exact, [normal(&[5, 9])], d[0], |x| ops::slice(&x[0], &[4, -1], &[0, -100], &[-2, -3]), "x0[4:0:-2, ::-3]").copies(0);
    case!(c, "slice/empty", All, Exact, [normal(&[5, 9])], d[0], |x| ops::slice(&x[0], &[3, 0], &[1, 9], &[1, 1]), "x0[3:1]").copies(0);
    case!(c, "slice/clipped", All, Exact, [normal(&[5, 9])], d[0], |x| ops::slice(&x[0], &[-3, -100], &[100, 100], &[1, 4]), "x0[-3:100, -100:100:4]").copies(0);
    case!(c, "slice_axis", All, Exact, [normal(&[5, 9])], d[0], |x| ops::slice_axis(&x[0], -1, 2, -1), "x0[:, 2:-1]").copies(0);
    case!(c, "split", All, Exact, [normal(&[4, 6])], d[0], |x| ops::split(&x[0], 3, 1), "mx.split(x0, 3, axis=1)").copies(0);
    case!(c, "split_at", All, Exact, [normal(&[4, 6])], d[0], |x| ops::split_at(&x[0], &[1, 4], 1), "mx.split(x0, [1, 4], axis=1)").copies(0);
    case!(c, "as_strided", All, Exact, [normal(&[4, 6])], d[0], |x| ops::as_strided(&x[0], Some(&[3, 2, 4]), Some(&[6, 2, 1]), 3), "mx.as_strided(x0, (3, 2, 4), (6, 2, 1), 3)");
    case!(c, "as_strided/back", All, Exact, [normal(&[12])], d[0], |x| ops::as_strided(&x[0], Some(&[5]), Some(&[-2]), 9), "mx.as_strided(x0, (5,), (-2,), 9)");
    case!(c, "stop_gradient", All, Exact, [normal(&[3, 5])], d[], |x| ops::stop_gradient(&x[0]), "mx.stop_gradient(x0)").copies(0);
    case!(c, "view/u8", All, Exact, [normal(&[3, 8])], d[], |x| ops::view(&x[0], DType::U8), "mx.view(x0, mx.uint8)");
    case!(c, "view/i16", Numeric, Exact, [whole(-4, 100, &[3, 8])], d[], |x| ops::view(&ops::astype(&x[0], DType::F32)?, DType::I16), "mx.view(x0.astype(mx.float32), mx.int16)");
    case!(c, "view/u32", Fixed, Exact, [whole(0, 255, &[3, 8]).of(DType::U8)], d[], |x| ops::view(&x[0], DType::U32), "mx.view(x0, mx.uint32)");
    case!(c, "view/same_size", Fixed, Exact, [special(&[3, 8]).of(DType::F32)], d[], |x| ops::view(&x[0], DType::I32), "mx.view(x0, mx.int32)").copies(0);
}
