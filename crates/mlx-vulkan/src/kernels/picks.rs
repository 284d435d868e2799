//! Shaders of products, and the sum of their parts.

use super::matmul::{Addend, COLUMNS_GROUP, Product, Variant, spread};
use super::rows::{by_dtype, element};
use crate::record::{Bound, Cx, Dispatch, Shader};
use crate::shaders;
use mlx_ir::{DType, Result};
use smallvec::SmallVec;

/// The shader of a kernel for a dtype, for plain factors and for quantized ones, for those that indices choose; none
/// where there is none.
pub(super) fn pick(variant: Variant, d: DType, quantized: bool, chosen: bool) -> Option<&'static Shader> {
    use shaders::*;
    if chosen {
        return match (variant, quantized) {
            (Variant::Tile(_), false) => by_dtype(d, [&GATHER_TILE_F32, &GATHER_TILE_F16, &GATHER_TILE_BF16]),
            (Variant::Rows(_), false) => by_dtype(d, [&GATHER_ROWS_F32, &GATHER_ROWS_F16, &GATHER_ROWS_BF16]),
            (Variant::Columns, false) => by_dtype(d, [&GATHER_COLUMNS_F32, &GATHER_COLUMNS_F16, &GATHER_COLUMNS_BF16]),
            (Variant::Tile(_), true) => {
                by_dtype(d, [&GATHER_AFFINE_TILE_F32, &GATHER_AFFINE_TILE_F16, &GATHER_AFFINE_TILE_BF16])
            }
            (Variant::Rows(_), true) => {
                by_dtype(d, [&GATHER_AFFINE_ROWS_F32, &GATHER_AFFINE_ROWS_F16, &GATHER_AFFINE_ROWS_BF16])
            }
            (Variant::Coop(_), _) => match (d, quantized) {
                (DType::F16, false) => Some(&GATHER_COOP_F16),
                (DType::BF16, false) => Some(&GATHER_COOP_BF16),
                (DType::F16, true) => Some(&GATHER_AFFINE_COOP_F16),
                (DType::BF16, true) => Some(&GATHER_AFFINE_COOP_BF16),
                _ => None,
            },
            (Variant::Columns, true) | (Variant::Wide(_), _) => None,
        };
    }
    match (variant, quantized) {
        (Variant::Tile(_), false) => by_dtype(d, [&MATMUL_TILE_F32, &MATMUL_TILE_F16, &MATMUL_TILE_BF16]),
        (Variant::Rows(_), false) => by_dtype(d, [&MATMUL_ROWS_F32, &MATMUL_ROWS_F16, &MATMUL_ROWS_BF16]),
        (Variant::Columns, false) => by_dtype(d, [&MATMUL_COLUMNS_F32, &MATMUL_COLUMNS_F16, &MATMUL_COLUMNS_BF16]),
        (Variant::Coop(_), false) => match d {
            DType::F16 => Some(&MATMUL_COOP_F16),
            DType::BF16 => Some(&MATMUL_COOP_BF16),
            _ => None,
        },
        (Variant::Tile(_), true) => by_dtype(d, [&AFFINE_TILE_F32, &AFFINE_TILE_F16, &AFFINE_TILE_BF16]),
        (Variant::Rows(_), true) => by_dtype(d, [&AFFINE_ROWS_F32, &AFFINE_ROWS_F16, &AFFINE_ROWS_BF16]),
        (Variant::Columns, true) => None,
        // Which has shaders of its own.
        (Variant::Wide(_), _) => None,
        (Variant::Coop(_), true) => match d {
            DType::F16 => Some(&AFFINE_COOP_F16),
            DType::BF16 => Some(&AFFINE_COOP_BF16),
            _ => None,
        },
    }
}

/// Records the sum of parts of so many f32 numbers.
///
/// # Errors
/// As [`Cx::dispatch`].
pub(super) fn sum_of_parts(cx: &mut Cx<'_>, count: usize, parts: usize, sums: &Bound, out: &Bound) -> Result<()> {
    // As a matrix of one row, without an addend.
    let push =
        [count as u32, parts as u32, 1, count as u32, sums.first / 4, 0, 0, 0, out.first / 4, 0, 0, 1, 1, 0, 0, 0];
    let groups = spread(cx.caps, count.div_ceil(COLUMNS_GROUP as usize));
    let (shader, spec) = (&shaders::MATMUL_FINISH_F32, &[COLUMNS_GROUP, 0]);
    cx.dispatch(&Dispatch { shader, spec, bind: &[sums, sums, out], push: &push, groups })
}

/// Records the sum of the f32 parts of a product, rounded to its type.
///
/// # Errors
/// As [`Cx::dispatch`].
pub(super) fn add_up(
    cx: &mut Cx<'_>,
    p: &Product,
    parts: usize,
    sums: &Bound,
    add: Option<Addend<'_>>,
    out: &Bound,
) -> Result<()> {
    let finishers = [&shaders::MATMUL_FINISH_F32, &shaders::MATMUL_FINISH_F16, &shaders::MATMUL_FINISH_BF16];
    let Some(shader) = by_dtype(p.dtype, finishers) else { return Ok(()) };
    let each = 4 / p.dtype.size();
    let factors = add.map_or([1.0, 0.0], |x| [x.alpha, x.beta]).map(f32::to_bits);
    let first_c = add.map_or(0, |x| element(x.c, p.dtype));
    let mut push: SmallVec<[u32; 32]> = smallvec::smallvec![p.outputs() as u32, parts as u32, p.m as u32, p.n as u32];
    push.extend([sums.first / 4, first_c, p.c[0] as u32, p.c[1] as u32, out.first / 4]);
    push.extend(factors);
    push.extend([p.batch[1], p.batch[2]].map(|n| n as u32));
    push.extend(p.over[2].map(|s| s as u32));
    let c = add.map_or(sums, |x| x.c);
    let spec = [COLUMNS_GROUP, add.is_some().into()];
    let groups = spread(cx.caps, p.outputs().div_ceil(each).div_ceil(COLUMNS_GROUP as usize));
    cx.dispatch(&Dispatch { shader, spec: &spec, bind: &[sums, c, out], push: &push, groups })
}
