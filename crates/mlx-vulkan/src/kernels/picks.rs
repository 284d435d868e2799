//! Shaders of products.

use super::matmul::Variant;
use super::rows::by_dtype;
use crate::record::Shader;
use crate::shaders;
use mlx_ir::DType;

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

/// The kernel that adds up parts of a product.
pub(super) fn finisher(d: DType) -> Option<&'static Shader> {
    by_dtype(d, [&shaders::MATMUL_FINISH_F32, &shaders::MATMUL_FINISH_F16, &shaders::MATMUL_FINISH_BF16])
}
