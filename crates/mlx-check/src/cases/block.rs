//! Matrices as they lie in GGUF files.

use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::DType;
use mlx::ops;
use mlx_ir::QuantFormat;

pub fn add(c: &mut List) {
    for f in QuantFormat::ALL {
        let (n, k) = (f.name(), 2 * f.block_elements().max(32));
        // Quantized formats are multiplied with x in 8 bits.
        let tol = if f.block_elements() == 1 { Accumulate(64) } else { Within(0.05) };
        case!(c, format!("block_dequantize/{n}"), Fixed, Exact, [blocks(f, 5, k)], d[], |x| ops::block_dequantize(&x[0], f, k), "");
        case!(c, format!("block_rows/{n}"), Fixed, Exact, [blocks(f, 5, k), index(5, &[2, 3])], d[], |x| ops::block_rows(&x[0], f, k, &x[1]), "");
        case!(c, format!("block_matmul/{n}"), Fixed, tol, [normal(&[3, k]).of(DType::F32), blocks(f, 7, k)], d[0], |x| ops::block_matmul(&x[0], &[(f, &x[1])]), "");
        case!(c, format!("block_matmul/vector/{n}"), Fixed, tol, [normal(&[k]).of(DType::F32), blocks(f, 37, k)], d[], |x| ops::block_matmul(&x[0], &[(f, &x[1])]), "");
    }
    let (a, b) = (QuantFormat::ALL[0], QuantFormat::ALL[3]);
    case!(c, "block_matmul/several", Fixed, Within(0.05), [normal(&[2, 3, 256]).of(DType::F32), blocks(a, 7, 256), blocks(b, 5, 256)], d[0], |x| ops::block_matmul(&x[0], &[(a, &x[1]), (b, &x[2])]), "");
}
