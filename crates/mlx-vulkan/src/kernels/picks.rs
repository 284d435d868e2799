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

fn finisher(d: DType) -> Option<&'static Shader> {
    by_dtype(d, [&shaders::MATMUL_FINISH_F32, &shaders::MATMUL_FINISH_F16, &shaders::MATMUL_FINISH_BF16])
}

/// Records the sum of f32 parts of so many numbers, rounded to a type.
///
/// # Errors
/// As [`Cx::dispatch`].
pub(super) fn sum_of_parts(
    cx: &mut Cx<'_>,
    d: DType,
    count: usize,
    parts: usize,
    sums: &Bound,
    out: &Bound,
) -> Result<()> {
    let Some(shader) = finisher(d) else { return Ok(()) };
    // As a matrix of one row, without an addend.
    let push =
        [count as u32, parts as u32, 1, count as u32, sums.first / 4, 0, 0, 0, out.first / 4, 0, 0, 1, 1, 0, 0, 0];
    let groups = spread(cx.caps, count.div_ceil(4 / d.size()).div_ceil(COLUMNS_GROUP as usize));
    cx.dispatch(&Dispatch { shader, spec: &[COLUMNS_GROUP, 0], bind: &[sums, sums, out], push: &push, groups })
}

/// Records the sum of the f32 parts of a product and its addend, rounded to its type.
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
    let Some(x) = add else { return sum_of_parts(cx, p.dtype, p.outputs(), parts, sums, out) };
    let Some(shader) = finisher(p.dtype) else { return Ok(()) };
    let mut push: SmallVec<[u32; 32]> = smallvec::smallvec![p.outputs() as u32, parts as u32, p.m as u32, p.n as u32];
    push.extend([sums.first / 4, element(x.c, p.dtype), p.c[0] as u32, p.c[1] as u32, out.first / 4]);
    push.extend([x.alpha, x.beta].map(f32::to_bits));
    push.extend([p.batch[1], p.batch[2]].map(|n| n as u32));
    push.extend(p.over[2].map(|s| s as u32));
    let groups = spread(cx.caps, p.outputs().div_ceil(4 / p.dtype.size()).div_ceil(COLUMNS_GROUP as usize));
    cx.dispatch(&Dispatch { shader, spec: &[COLUMNS_GROUP, 1], bind: &[sums, x.c, out], push: &push, groups })
}
