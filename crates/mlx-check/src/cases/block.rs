//! Matrices as they lie in GGUF files.

use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::DType;
use mlx::ops;
use mlx_ir::QuantFormat;
use mlx_ir::op::{Gate, Real, Rope};

pub fn add(c: &mut List) {
    for f in QuantFormat::ALL {
        let (n, k) = (f.name(), 2 * f.block_elements().max(32));
        // Quantized formats are multiplied with x in 8 bits.
        let tol = if f.block_elements() == 1 { Accumulate(64) } else { Within(0.05) };
        case!(c, format!("block_dequantize/{n}"), Fixed, Exact, [blocks(f, 5, k)], d[], |x| ops::block_dequantize(&x[0], f, k), "");
        case!(c, format!("block_rows/{n}"), Fixed, Exact, [blocks(f, 5, k), index(5, &[2, 3])], d[], |x| ops::block_rows(&x[0], f, k, &x[1]), "");
        case!(c, format!("block_matmul/{n}"), Fixed, tol, [normal(&[3, k]).of(DType::F32), blocks(f, 7, k)], d[0], |x| ops::block_matmul(&x[0], &[(f, &x[1])]), "");
        case!(c, format!("block_matmul/vector/{n}"), Fixed, tol, [normal(&[k]).of(DType::F32), blocks(f, 37, k)], d[], |x| ops::block_matmul(&x[0], &[(f, &x[1])]), "");
        for m in [1, 3, 40] {
            case!(c, format!("block_matmul_exact/{m}/{n}"), Fixed, Accumulate(512), [normal(&[m, k]).of(DType::F32), blocks(f, 7, k)], d[0], |x| ops::block_matmul_exact(&x[0], &[(f, &x[1])]), "");
        }
    }
    let (a, b) = (QuantFormat::ALL[0], QuantFormat::ALL[3]);
    case!(c, "block_matmul/several", Fixed, Within(0.05), [normal(&[2, 3, 256]).of(DType::F32), blocks(a, 7, 256), blocks(b, 5, 256)], d[0], |x| ops::block_matmul(&x[0], &[(a, &x[1]), (b, &x[2])]), "");
    for (n, k, m) in [(37, 256, 1), (12, 512, 3), (9, 256, 11)] {
        for (name, f) in [("f32", QuantFormat::F32), ("q4_0", QuantFormat::Q4_0), ("q4_k", QuantFormat::Q4_K), ("q6_k", QuantFormat::Q6_K)] {
            let x = normal(&[m, k]).of(DType::F32);
            let tol = if f == QuantFormat::F32 { Accumulate(256) } else { Within(0.1) };
            case!(c, format!("block_project/norm/{name}"), Fixed, tol, [x.clone(), normal(&[k]).of(DType::F32), blocks(f, n, k), blocks(f, 3, k), blocks(f, n, k)], d[], |x| ops::block_project(&x[0], Some((&x[1], 1e-5)), &[(f, &x[2]), (f, &x[3]), (f, &x[4])], None, None), "");
            for (act, gate) in [("silu", Gate::Silu), ("gelu", Gate::GeluTanh)] {
                case!(c, format!("block_project/{act}/{name}"), Fixed, tol, [x.clone(), normal(&[k]).of(DType::F32), blocks(f, n, k), blocks(f, n, k)], d[], |x| ops::block_project(&x[0], Some((&x[1], 1e-5)), &[(f, &x[2]), (f, &x[3])], Some(gate), None), "");
            }
            case!(c, format!("block_project/add/{name}"), Fixed, tol, [x, blocks(f, n, k), normal(&[m, n]).of(DType::F32)], d[], |x| ops::block_project(&x[0], None, &[(f, &x[1])], None, Some(&x[2])), "");
        }
    }
    let cache = || normal(&[1, 2, 9, 8]);
    let start = [0, 0, 3, 0];
    let rotation = |traditional| Rope { dims: 6, traditional, base: Some(Real::new(1e4)), scale: Real::new(1.0), inverse: false };
    for d in [DType::F32, DType::F16, DType::BF16] {
        case!(c, format!("cache_update/{d}"), Fixed, Exact, [cache().of(d), normal(&[1, 2, 4, 8]).of(DType::F32)], d[], |x| ops::cache_update(&x[0], &x[1], &start, None, None), "");
        for place in [2.0, -3.0, 9.0] {
            case!(c, format!("cache_update/at {place}/{d}"), Fixed, Exact, [cache().of(d), normal(&[1, 2, 4, 8]).of(DType::F32), given(&[place], &[1]).of(DType::I32)], d[], |x| ops::cache_update(&x[0], &x[1], &[0; 4], Some((2, &x[2])), None), "");
        }
        for traditional in [false, true] {
            case!(c, format!("cache_update/rope at/{traditional}/{d}"), Fixed, Accumulate(8), [cache().of(d), normal(&[1, 1, 1, 8]).of(DType::F32), given(&[3.0], &[]).of(DType::I32), given(&[5.0], &[]).of(DType::I32)], d[], |x| ops::cache_update(&x[0], &x[1], &[0, 1, 0, 0], Some((2, &x[3])), Some((rotation(traditional), &x[2..3]))), "");
            case!(c, format!("cache_update/rope/{traditional}/{d}"), Fixed, Accumulate(8), [cache().of(d), normal(&[1, 2, 4, 8]).of(DType::F32), given(&[3.0], &[]).of(DType::I32)], d[], |x| ops::cache_update(&x[0], &x[1], &start, None, Some((rotation(traditional), &x[2..]))), "");
        }
    }
    let new = || normal(&[1, 2, 4, 8]).of(DType::F32);
    case!(c, "cache_update/packed", Fixed, Exact, [cache().of(DType::F32), new()], d[], |x| ops::cache_update(&ops::pack_rows(&x[0])?, &x[1], &start, None, None), "");
    for place in [2.0, -3.0, 9.0] {
        case!(c, format!("cache_update/packed at {place}"), Fixed, Exact, [cache().of(DType::F32), new(), given(&[place], &[]).of(DType::I32)], d[], |x| ops::cache_update(&ops::pack_rows(&x[0])?, &x[1], &[0; 4], Some((2, &x[2])), None), "");
        // A code more or less, since rotations differ in their last bits.
        case!(c, format!("cache_update/packed rope at {place}"), Fixed, Within(0.01), [cache().of(DType::F32), new(), given(&[place], &[]).of(DType::I32)], d[], |x| ops::unpack_rows(&ops::cache_update(&ops::pack_rows(&x[0])?, &x[1], &[0; 4], Some((2, &x[2])), Some((rotation(true), &x[2..3])))?), "");
        case!(c, format!("cache_update/packed rope {place}"), Fixed, Within(0.01), [cache().of(DType::F32), new(), given(&[place], &[]).of(DType::I32)], d[], |x| ops::unpack_rows(&ops::cache_update(&ops::pack_rows(&x[0])?, &x[1], &start, None, Some((rotation(false), &x[2..3])))?), "");
    }
}
