//! Work that moves elements.

use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::DType;
use mlx::ops::{self, PadMode};
use mlx_ir::op::UpdateMode;

const BIG: &[usize] = &[4096, 4096];

pub fn add(c: &mut List) {
    for s in [&[7][..], &[0], &[], &[1037], &[33, 65], &[2, 3, 1, 5, 2]] {
        case!(c, "contiguous", All, Exact, [normal(s)], d[0], |x| ops::contiguous(&x[0]), "mx.contiguous(x0)");
    }
    case!(c, "contiguous/bench", Storable, Exact, [normal(&[8, 8])], d[], |x| ops::contiguous(&ops::transpose(&x[0], None)?), "mx.contiguous(x0.T)").bench(&[BIG], 0.0);
    case!(c, "concatenate", All, Exact, [normal(&[2, 3]), normal(&[2, 5]), normal(&[2, 1])], d[0, 1, 2], |x| ops::concatenate(x, 1), "mx.concatenate([x0, x1, x2], axis=1)");
    case!(c, "concatenate/first", All, Exact, [normal(&[2, 517]), normal(&[3, 517])], d[0, 1], |x| ops::concatenate(x, 0), "mx.concatenate([x0, x1], axis=0)");
    case!(c, "concatenate/empty", All, Exact, [normal(&[0, 3]), normal(&[2, 3])], d[], |x| ops::concatenate(x, 0), "mx.concatenate([x0, x1], axis=0)");
    case!(c, "concatenate/promoted", All, Exact, [whole(0, 9, &[2, 3]), whole(0, 9, &[2, 3]).of(DType::F32)], d[], |x| ops::concatenate(x, -1), "mx.concatenate([x0, x1], axis=-1)");
    case!(c, "concatenate/bench", Storable, Exact, [normal(&[8, 8]), normal(&[8, 8])], d[], |x| ops::concatenate(x, 1), "mx.concatenate([x0, x1], axis=1)").bench(&[&[4096, 2048], &[4096, 2048]], 0.0);
    case!(c, "stack", All, Exact, [normal(&[2, 3]), normal(&[2, 3])], d[0, 1], |x| ops::stack(x, -1), "mx.stack([x0, x1], axis=-1)");
    case!(c, "stack/first", All, Exact, [normal(&[2, 3]), normal(&[2, 3])], d[0, 1], |x| ops::stack(x, 0), "mx.stack([x0, x1])");
    case!(c, "repeat", All, Exact, [normal(&[2, 3])], d[0], |x| ops::repeat(&x[0], 3, Some(1)), "mx.repeat(x0, 3, axis=1)");
    case!(c, "repeat/flat", All, Exact, [normal(&[2, 3])], d[0], |x| ops::repeat(&x[0], 2, None), "mx.repeat(x0, 2)");
    case!(c, "repeat/none", All, Exact, [normal(&[2, 3])], d[], |x| ops::repeat(&x[0], 0, Some(0)), "mx.repeat(x0, 0, axis=0)");
    case!(c, "tile", All, Exact, [normal(&[2, 3])], d[0], |x| ops::tile(&x[0], &[2, 1, 3]), "mx.tile(x0, (2, 1, 3))");
    case!(c, "tile/short", All, Exact, [normal(&[2, 3])], d[0], |x| ops::tile(&x[0], &[2]), "mx.tile(x0, (2,))");
    case!(c, "flip", All, Exact, [normal(&[2, 3, 4])], d[0], |x| ops::flip(&x[0], Some(&[0, -1])), "x0[::-1, :, ::-1]").copies(0);
    case!(c, "flip/all", All, Exact, [normal(&[3, 4])], d[0], |x| ops::flip(&x[0], None), "x0[::-1, ::-1]").copies(0);
    case!(c, "roll", All, Exact, [normal(&[4, 5])], d[0], |x| ops::roll(&x[0], &[2, -1], Some(&[0, 1])), "mx.roll(x0, (2, -1), axis=(0, 1))");
    case!(c, "roll/flat", All, Exact, [normal(&[4, 5])], d[0], |x| ops::roll(&x[0], &[-7], None), "mx.roll(x0, -7)");
    case!(c, "pad", All, Exact, [normal(&[3, 5])], d[0], |x| ops::pad(&x[0], &[(1, 2), (0, 3)], PadMode::Constant, 2), "mx.pad(x0, ((1, 2), (0, 3)), constant_values=2)");
    case!(c, "pad/value", All, Exact, [normal(&[3, 5]), normal(&[])], d[0, 1], |x| ops::pad(&x[0], &[(1, 0), (0, 1)], PadMode::Constant, &x[1]), "mx.pad(x0, ((1, 0), (0, 1)), constant_values=x1)");
    case!(c, "pad/edge", All, Exact, [normal(&[3, 5])], d[0], |x| ops::pad(&x[0], &[(1, 2), (2, 0)], PadMode::Edge, 0), "mx.pad(x0, ((1, 2), (2, 0)), mode='edge')");
    case!(c, "pad/empty", All, Exact, [normal(&[0, 5])], d[], |x| ops::pad(&x[0], &[(1, 1), (0, 0)], PadMode::Constant, 1), "mx.pad(x0, ((1, 1), (0, 0)), constant_values=1)");
    case!(c, "slice_update", All, Exact, [normal(&[5, 9]), normal(&[3, 4])], d[0, 1], |x| ops::slice_update(&x[0], &x[1], &[1, 1], &[4, 9], &[1, 2], UpdateMode::Assign), "(x0.__setitem__((slice(1, 4), slice(1, 9, 2)), x1), x0)[1]");
    case!(c, "slice_update/back", All, Exact, [normal(&[5, 9]), normal(&[4])], d[0, 1], |x| ops::slice_update(&x[0], &x[1], &[4, -2], &[-100, 0], &[-1, -2], UpdateMode::Assign), "(x0.__setitem__((slice(None, None, -1), slice(-2, 0, -2)), x1), x0)[1]");
    case!(c, "slice_update/sum", Numeric, Ulp(1), [normal(&[5, 9]), normal(&[9])], d[0, 1], |x| ops::slice_update(&x[0], &x[1], &[1, 0], &[4, 9], &[2, 1], UpdateMode::Sum), "x0.at[1:4:2].add(x1)");
    case!(c, "slice_update/prod", Numeric, Ulp(4), [normal(&[5, 9]), normal(&[9])], d[0, 1], |x| ops::slice_update(&x[0], &x[1], &[1, 0], &[4, 9], &[2, 1], UpdateMode::Prod), "x0.at[1:4:2].multiply(x1)");
    case!(c, "slice_update/max", RealNumeric, Exact, [normal(&[5, 9]), normal(&[9])], d[0, 1], |x| ops::slice_update(&x[0], &x[1], &[1, 0], &[4, 9], &[2, 1], UpdateMode::Max), "x0.at[1:4:2].maximum(x1)");
    case!(c, "slice_update/min", RealNumeric, Exact, [normal(&[5, 9]), normal(&[9])], d[0, 1], |x| ops::slice_update(&x[0], &x[1], &[1, 0], &[4, 9], &[2, 1], UpdateMode::Min), "x0.at[1:4:2].minimum(x1)");
    case!(c, "dynamic_slice", All, Exact, [normal(&[5, 9]), whole(0, 3, &[2]).of(DType::I32)], d[0], |x| ops::dynamic_slice(&x[0], &x[1], &[0, 1], &[2, 6]), "mx.slice(x0, x1, (0, 1), (2, 6))");
    case!(c, "dynamic_slice/one", All, Exact, [normal(&[5, 9]), whole(0, 3, &[1]).of(DType::U32)], d[0], |x| ops::dynamic_slice(&x[0], &x[1], &[1], &[5, 6]), "mx.slice(x0, x1, (1,), (5, 6))");
    case!(c, "dynamic_slice/clamped", All, Exact, [normal(&[5, 9]), given(&[7.0, -3.0], &[2]).of(DType::I32)], d[0], |x| ops::dynamic_slice(&x[0], &x[1], &[0, 1], &[2, 6]), "");
    case!(c, "dynamic_slice_update", All, Exact, [normal(&[5, 9]), normal(&[2, 6]), whole(0, 3, &[2]).of(DType::I32)], d[0, 1], |x| ops::dynamic_slice_update(&x[0], &x[1], &x[2], &[0, 1]), "mx.slice_update(x0, x1, x2, (0, 1))");
}
