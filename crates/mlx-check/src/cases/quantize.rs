//! MLX's affine quantization: every width and group size.

use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::DType;
use mlx::ops;

pub fn add(c: &mut List) {
    for b in [1u8, 2, 3, 4, 5, 6, 8] {
        for g in [32u16, 64, 128] {
            let (k, words) = (2 * g as usize, 2 * g as usize * b as usize / 32);
            case!(c, format!("quantize/{b}/{g}"), Storable, Exact, [normal(&[3, k])], d[], |x| ops::quantize(&x[0], g, b), format!("mx.quantize(x0, {g}, {b})"));
            case!(c, format!("dequantize/{b}/{g}"), Storable, Exact, [bits(&[3, words]), normal(&[3, 2]), normal(&[3, 2])], d[1, 2], |x| ops::dequantize(&x[0], &x[1], &x[2], g, b), format!("mx.dequantize(x0, x1, x2, {g}, {b})"));
            case!(c, format!("quantized_matmul/{b}/{g}"), Storable, Accumulate(32), [normal(&[3, k]), bits(&[7, words]), unit(&[7, 2]), normal(&[7, 2])], d[0], |x| ops::quantized_matmul(&x[0], &x[1], &x[2], &x[3], true, g, b), format!("mx.quantized_matmul(x0, x1, x2, x3, True, {g}, {b})"));
            case!(c, format!("quantized_matmul/straight/{b}/{g}"), Storable, Accumulate(32), [normal(&[1, 5]), bits(&[5, words]), unit(&[5, 2]), normal(&[5, 2])], d[0], |x| ops::quantized_matmul(&x[0], &x[1], &x[2], &x[3], false, g, b), format!("mx.quantized_matmul(x0, x1, x2, x3, False, {g}, {b})"));
        }
    }
    case!(c, "quantize/batch", Storable, Exact, [normal(&[2, 3, 64])], d[], |x| ops::quantize(&x[0], 32, 4), "mx.quantize(x0, 32, 4)");
    case!(c, "quantize/flat", Storable, Exact, [given(&[0.0], &[2, 64])], d[], |x| ops::quantize(&x[0], 64, 4), "mx.quantize(x0, 64, 4)");
    case!(c, "quantize/positive", Storable, Exact, [positive(&[5, 64])], d[], |x| ops::quantize(&x[0], 64, 3), "mx.quantize(x0, 64, 3)");
    case!(c, "quantize/rows", Storable, Exact, [normal(&[37, 256])], d[], |x| ops::quantize(&x[0], 64, 8), "mx.quantize(x0, 64, 8)");
    case!(c, "dequantize/f64", Fixed, Exact, [bits(&[3, 8]), normal(&[3, 1]).of(DType::F64), normal(&[3, 1]).of(DType::F64)], d[1, 2], |x| ops::dequantize(&x[0], &x[1], &x[2], 64, 4), "");
    case!(c, "quantized_matmul/scales", Fixed, Accumulate(32), [normal(&[3, 64]).of(DType::F64), bits(&[7, 8]), unit(&[7, 1]).of(DType::F64), normal(&[7, 1]).of(DType::F64)], d[0, 2, 3], |x| ops::quantized_matmul(&x[0], &x[1], &x[2], &x[3], true, 64, 4), "");
    case!(c, "quantized_matmul/row", Storable, Accumulate(32), [normal(&[64]), bits(&[7, 8]), unit(&[7, 1]), normal(&[7, 1])], d[0], |x| ops::quantized_matmul(&x[0], &x[1], &x[2], &x[3], true, 64, 4), "mx.quantized_matmul(x0, x1, x2, x3, True, 64, 4)");
    case!(c, "quantized_matmul/batch", Storable, Accumulate(32), [normal(&[2, 1, 3, 64]), bits(&[4, 7, 8]), unit(&[4, 7, 1]), normal(&[4, 7, 1])], d[0], |x| ops::quantized_matmul(&x[0], &x[1], &x[2], &x[3], true, 64, 4), "mx.quantized_matmul(x0, x1, x2, x3, True, 64, 4)");
    case!(c, "quantized_matmul/rows", Storable, Accumulate(64), [normal(&[33, 320]), bits(&[67, 40]), unit(&[67, 5]), normal(&[67, 5])], d[], |x| ops::quantized_matmul(&x[0], &x[1], &x[2], &x[3], true, 64, 4), "mx.quantized_matmul(x0, x1, x2, x3, True, 64, 4)");
    case!(c, "quantized_matmul/bench", Storable, Accumulate(64), [normal(&[1, 64]), bits(&[8, 8]), unit(&[8, 1]), normal(&[8, 1])], d[], |x| ops::quantized_matmul(&x[0], &x[1], &x[2], &x[3], true, 64, 4), "").bench(&[&[1, 4096], &[4096, 512], &[4096, 64], &[4096, 64]], 2.0 * 4096.0 * 4096.0).bench(&[&[128, 4096], &[4096, 512], &[4096, 64], &[4096, 64]], 256.0 * 4096.0 * 4096.0);
}
