//! What the self-test computes: a few shapes for each family of kernels, among them one that is no multiple of any
//! tile and one that takes many workgroups.

use crate::ops::{self, FftKind, FftNorm, Mask, PadMode};
use crate::{Array, DType, Result};
use half::{bf16, f16};
use mlx_ir::QuantFormat;
use mlx_ir::op::{Gate, Real, Rope, UpdateMode};

/// A computation whose results on the device are held against the processor's.
pub(super) struct Case {
    /// The family of kernels that it shows.
    pub family: &'static str,
    /// Its name in reports.
    pub name: &'static str,
    /// How far results may differ, by the largest of them; 0 if they are exact.
    pub within: f64,
    /// Records it on the current stream.
    pub make: fn() -> Result<Vec<Array>>,
}

/// Numbers between -1 and 1 that are the same everywhere (a linear congruential generator, Knuth's MMIX).
fn numbers(n: usize, seed: u64) -> impl Iterator<Item = f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..n).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    })
}

fn floats(shape: &[usize], seed: u64) -> Result<Array> {
    Array::from_slice(&numbers(shape.iter().product(), seed).collect::<Vec<f32>>(), shape)
}

fn halves(shape: &[usize], seed: u64) -> Result<Array> {
    let v: Vec<f16> = numbers(shape.iter().product(), seed).map(f16::from_f32).collect();
    Array::from_slice(&v, shape)
}

fn bfloats(shape: &[usize], seed: u64) -> Result<Array> {
    let v: Vec<bf16> = numbers(shape.iter().product(), seed).map(bf16::from_f32).collect();
    Array::from_slice(&v, shape)
}

/// Whole numbers from 0 to `n - 1`.
fn whole(n: i32, shape: &[usize], seed: u64) -> Result<Array> {
    let v: Vec<i32> = numbers(shape.iter().product(), seed).map(|x| ((x + 1.0) * 0.5 * n as f32) as i32 % n).collect();
    Array::from_slice(&v, shape)
}

/// A matrix in blocks.
fn blocks(format: QuantFormat, rows: usize, k: usize, seed: u64) -> Result<Array> {
    let bytes = format.row_bytes(k).unwrap_or(0);
    let mut all = vec![0; rows * bytes];
    let values: Vec<f32> = numbers(rows * k, seed).collect();
    for (row, out) in values.chunks(k).zip(all.chunks_mut(bytes.max(1))) {
        format.encode_row(row, out)?;
    }
    Array::from_slice(&all, &[rows, bytes])
}

fn block_products(format: QuantFormat) -> Result<Vec<Array>> {
    let w = blocks(format, 96, 512, 1)?;
    let rows = [1, 3, 70].into_iter().map(|m| {
        let all = ops::block_matmul(&floats(&[m, 512], 2)?, &[(format, &w)])?;
        Ok(all[0].clone())
    });
    rows.collect()
}

fn affine_products(dtype: DType, bits: u8) -> Result<Vec<Array>> {
    let (w, scales, biases) = packed(dtype, bits)?;
    let mut all = Vec::new();
    for m in [1, 70] {
        let x = of(&[m, 256], dtype, 4)?;
        all.push(ops::quantized_matmul(&x, &w, &scales, &biases, true, 64, bits)?);
    }
    // The same rows as a stack of three matrices.
    let stack = |a: &Array| ops::reshape_to(a, &[3, 32, a.shape()[1]]);
    let (index, w, scales, biases) = (whole(3, &[70], 5)?, stack(&w)?, stack(&scales)?, stack(&biases)?);
    let x = of(&[70, 1, 256], dtype, 4)?;
    for (sorted, index) in [(true, ops::sort(&index, Some(0))?), (false, index)] {
        all.push(ops::gather_qmm(&x, &w, &scales, &biases, None, Some(&index), true, 64, bits, sorted)?);
    }
    Ok(all)
}

/// A matrix of 96 rows of 256 in affine groups of 64: codes, scales, biases.
fn packed(dtype: DType, bits: u8) -> Result<(Array, Array, Array)> {
    let words: Vec<u32> = numbers(96 * 8 * usize::from(bits), 3).map(|x| (x.to_bits() << 9) ^ x.to_bits()).collect();
    let w = Array::from_slice(&words, &[96, 8 * usize::from(bits)])?;
    Ok((w, of(&[96, 4], dtype, 5)?, of(&[96, 4], dtype, 6)?))
}

fn of(shape: &[usize], dtype: DType, seed: u64) -> Result<Array> {
    match dtype {
        DType::F16 => halves(shape, seed),
        DType::BF16 => bfloats(shape, seed),
        _ => floats(shape, seed),
    }
}

/// Products with six matrices of five.
fn chosen(dtype: DType, m: usize) -> Result<Array> {
    let stack = of(&[5, 65, 96], dtype, 6)?;
    ops::gather_mm(&of(&[6, m, 65], dtype, 5)?, &stack, None, Some(&whole(5, &[6], 7)?), false)
}

fn products(dtype: DType) -> Result<Vec<Array>> {
    let one = |m: usize, k: usize, n: usize| ops::matmul(&of(&[m, k], dtype, 1)?, &of(&[k, n], dtype, 2)?);
    let turned = ops::transpose(&of(&[96, 320], dtype, 2)?, None)?;
    Ok(vec![
        one(1, 500, 130)?,
        one(33, 65, 129)?,
        one(256, 128, 192)?,
        ops::matmul(&of(&[3, 70, 320], dtype, 1)?, &turned)?,
        ops::addmm(&of(&[40, 96], dtype, 3)?, &of(&[40, 320], dtype, 4)?, &turned, 1.0, 0.5)?,
        chosen(dtype, 1)?,
        chosen(dtype, 20)?,
    ])
}

/// By tiles, in groups, each channel alone, transposed.
fn convolutions(dtype: DType) -> Result<Vec<Array>> {
    let (x, w) = (of(&[2, 13, 11, 24], dtype, 1)?, of(&[70, 3, 3, 24], dtype, 2)?);
    let (apart, alone) = (of(&[48, 3, 2, 8], dtype, 3)?, of(&[24, 3, 3, 1], dtype, 4)?);
    Ok(vec![
        ops::conv(&x, &w, &[1, 2], &[1, 1], &[1, 1], 1)?,
        ops::conv(&x, &apart, &[1, 1], &[2, 0], &[2, 1], 3)?,
        ops::conv(&x, &alone, &[1, 1], &[1, 1], &[1, 1], 24)?,
        ops::conv_transpose(&x, &w, &[2, 1], &[1, 0], &[1, 1], &[1, 0], 1)?,
    ])
}

fn attention(dtype: DType) -> Result<Vec<Array>> {
    let of = |heads, rows, seed| of(&[1, heads, rows, 64], dtype, seed);
    let one = |rows, mask| {
        ops::scaled_dot_product_attention(&of(4, rows, 1)?, &of(2, 300, 2)?, &of(2, 300, 3)?, 0.125, mask, None)
    };
    Ok(vec![one(1, Mask::None)?, one(5, Mask::Causal)?, one(90, Mask::Causal)?, one(90, Mask::SlidingWindow(40))?])
}

fn rotation(x: &Array, traditional: bool) -> Result<Array> {
    ops::rope(x, 48, traditional, Some(1e4), 1.0, &Array::scalar(7i32)?, None)
}

/// All of them.
pub(super) const CASES: &[Case] = &[
    Case {
        family: "map",
        name: "f32",
        within: 1e-5,
        make: || {
            let (a, b) = (floats(&[300, 97], 1)?, floats(&[97], 2)?);
            let t = ops::transpose(&floats(&[97, 300], 3)?, None)?;
            let chosen = ops::where_(&ops::less(&a, &t)?, ops::multiply(&a, &b)?, ops::exp(&t)?)?;
            Ok(vec![
                chosen,
                ops::tanh(&a)?,
                ops::sin(&ops::multiply(&t, 20.0)?)?,
                ops::divide(&a, ops::add(&ops::abs(&t)?, 0.5)?)?,
            ])
        },
    },
    Case {
        family: "map",
        name: "f16",
        within: 2e-3,
        make: || {
            let (a, t) = (halves(&[300, 97], 1)?, ops::transpose(&halves(&[97, 300], 3)?, None)?);
            Ok(vec![ops::add(&a, &t)?, ops::sigmoid(&a)?, ops::astype(&a, DType::F32)?])
        },
    },
    Case {
        family: "map",
        name: "bf16",
        within: 2e-2,
        make: || {
            let a = bfloats(&[300, 97], 1)?;
            Ok(vec![ops::multiply(&a, &a)?, ops::exp(&a)?, ops::astype(&a, DType::F32)?])
        },
    },
    Case {
        family: "map",
        name: "integers",
        within: 0.0,
        make: || {
            let (a, b) = (whole(1000, &[300, 97], 1)?, whole(30, &[97], 2)?);
            let narrow = ops::astype(&a, DType::U8)?;
            Ok(vec![
                ops::multiply(&a, &b)?,
                ops::left_shift(&a, &b)?,
                ops::floor_divide(&a, ops::add(&b, 1)?)?,
                ops::add(&narrow, &narrow)?,
                ops::astype(&a, DType::I64)?,
                ops::equal(&a, &b)?,
            ])
        },
    },
    Case {
        family: "copy",
        name: "f32",
        within: 0.0,
        make: || {
            let a = floats(&[130, 97], 1)?;
            let t = ops::transpose(&a, None)?;
            let update = floats(&[20, 30], 2)?;
            Ok(vec![
                ops::contiguous(&t)?,
                ops::concatenate(&[a.clone(), ops::contiguous(&a)?], 1)?,
                ops::pad(&a, &[(1, 2), (3, 0)], PadMode::Constant, 0.5)?,
                ops::slice_update(&a, &update, &[5, 7], &[45, 67], &[2, 2], UpdateMode::Assign)?,
            ])
        },
    },
    Case {
        family: "copy",
        name: "bytes",
        within: 0.0,
        make: || {
            let a = ops::contiguous(&ops::transpose(
                &Array::from_slice(&[1u8, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15], &[3, 5])?,
                None,
            )?)?;
            Ok(vec![ops::concatenate(&[a.clone(), a], 1)?])
        },
    },
    Case {
        family: "boxes",
        name: "f32",
        within: 0.0,
        make: || {
            let (a, at) = (floats(&[130, 97], 1)?, Array::from_slice(&[3i32, 11], &[2])?);
            let part = ops::dynamic_slice(&a, &at, &[0, 1], &[40, 50])?;
            Ok(vec![ops::dynamic_slice_update(&a, &floats(&[40, 50], 2)?, &at, &[0, 1])?, part])
        },
    },
    Case {
        family: "create",
        name: "numbers",
        within: 0.0,
        make: || {
            let key = Array::from_slice(&[1u32, 2], &[2])?;
            Ok(vec![ops::arange(3.0, 5000.0, 2.0, DType::I32)?, ops::random::bits(&[3001], 4, Some(&key))?])
        },
    },
    Case {
        family: "reduce",
        name: "f32",
        within: 1e-4,
        make: || {
            let a = floats(&[131, 517], 1)?;
            let sum = |axes| ops::sum(&a, axes, false);
            Ok(vec![
                sum(None)?,
                sum(Some(&[0]))?,
                sum(Some(&[1]))?,
                ops::max(&a, Some(&[1]), false)?,
                ops::prod(&ops::add(&ops::multiply(&a, 0.01)?, 1.0)?, Some(&[0]), false)?,
            ])
        },
    },
    Case {
        family: "reduce",
        name: "exact",
        within: 0.0,
        make: || {
            let (a, i) = (floats(&[131, 517], 1)?, whole(100, &[131, 517], 2)?);
            Ok(vec![
                ops::argmax(&a, Some(1), false)?,
                ops::argmin(&a, None, false)?,
                ops::sum(&i, None, false)?,
                ops::any(&ops::greater(&i, 98)?, Some(&[0]), false)?,
            ])
        },
    },
    Case {
        family: "scan",
        name: "sums",
        within: 1e-4,
        make: || {
            let a = floats(&[7, 3001], 1)?;
            Ok(vec![
                ops::cumsum(&a, Some(1), false, true)?,
                ops::cumsum(&a, Some(0), true, false)?,
                ops::cummax(&a, Some(1), false, true)?,
            ])
        },
    },
    Case {
        family: "sort",
        name: "lines",
        within: 0.0,
        make: || {
            let (a, i) = (floats(&[5, 1300], 1)?, whole(500, &[3000], 2)?);
            Ok(vec![ops::sort(&a, Some(1))?, ops::argsort(&i, None)?, ops::sort(&a, Some(0))?])
        },
    },
    Case {
        family: "gather",
        name: "rows",
        within: 0.0,
        make: || {
            let a = floats(&[200, 97], 1)?;
            Ok(vec![
                ops::take(&a, &whole(200, &[33], 2)?, Some(0))?,
                ops::take_along_axis(&a, &whole(97, &[200, 5], 3)?, Some(1))?,
            ])
        },
    },
    Case {
        family: "scatter",
        name: "sums",
        within: 1e-5,
        make: || {
            let (a, rows) = (floats(&[50, 97], 1)?, whole(50, &[300], 2)?);
            let added =
                ops::scatter(&a, std::slice::from_ref(&rows), &floats(&[300, 1, 97], 3)?, &[0], UpdateMode::Sum)?;
            Ok(vec![
                added,
                ops::put_along_axis(
                    &a,
                    &ops::reshape(&ops::arange(0.0, 50.0, 1.0, DType::I32)?, &[50, 1])?,
                    &floats(&[50, 1], 4)?,
                    Some(1),
                )?,
            ])
        },
    },
    Case { family: "matmul", name: "f32", within: 1e-4, make: || products(DType::F32) },
    Case { family: "matmul", name: "f16", within: 4e-3, make: || products(DType::F16) },
    Case { family: "matmul", name: "bf16", within: 3e-2, make: || products(DType::BF16) },
    Case { family: "conv", name: "f32", within: 1e-4, make: || convolutions(DType::F32) },
    Case { family: "conv", name: "f16", within: 4e-3, make: || convolutions(DType::F16) },
    Case { family: "conv", name: "bf16", within: 3e-2, make: || convolutions(DType::BF16) },
    Case {
        family: "fft",
        name: "lines",
        within: 1e-5,
        make: || {
            let of = |shape: &[usize], seed| ops::view(&floats(shape, seed)?, DType::C64);
            let one = |x: &Array, axis, inverse| {
                ops::fftn(x, None, Some(&[axis]), FftKind::Complex, inverse, FftNorm::Backward)
            };
            let (short, long) = (of(&[70, 64], 1)?, of(&[5, 2 * 2048], 2)?);
            let all = [
                one(&short, 1, false)?,
                one(&short, 1, true)?,
                one(&long, 1, false)?,
                one(&of(&[16, 66], 3)?, 0, true)?,
            ];
            // As parts beside each other, which are compared both.
            all.iter().map(|y| ops::view(y, DType::F32)).collect()
        },
    },
    Case { family: "affine", name: "f32", within: 1e-3, make: || affine_products(DType::F32, 4) },
    Case { family: "affine", name: "f16", within: 1e-2, make: || affine_products(DType::F16, 8) },
    Case {
        family: "affine",
        name: "packing",
        within: 1e-5,
        make: || {
            let (w, s, b) = packed(DType::F32, 4)?;
            Ok(vec![ops::dequantize(&w, &s, &b, 64, 4)?])
        },
    },
    // The processor rounds the other factor to 8 bits.
    Case { family: "blocks", name: "f16", within: 1e-2, make: || block_products(QuantFormat::F16) },
    Case { family: "blocks", name: "q4_0", within: 4e-2, make: || block_products(QuantFormat::Q4_0) },
    Case { family: "blocks", name: "q8_0", within: 4e-2, make: || block_products(QuantFormat::Q8_0) },
    Case { family: "blocks", name: "q4_k", within: 4e-2, make: || block_products(QuantFormat::Q4_K) },
    Case { family: "blocks", name: "q6_k", within: 4e-2, make: || block_products(QuantFormat::Q6_K) },
    Case {
        family: "blocks",
        name: "rows",
        within: 1e-5,
        make: || {
            let w = blocks(QuantFormat::Q4_K, 96, 512, 1)?;
            Ok(vec![
                ops::block_rows(&w, QuantFormat::Q4_K, 512, &whole(96, &[7], 2)?)?,
                ops::block_dequantize(&w, QuantFormat::Q4_K, 512)?,
            ])
        },
    },
    Case {
        family: "rows",
        name: "f32",
        within: 1e-4,
        make: || {
            let (a, w) = (floats(&[37, 1030], 1)?, floats(&[1030], 2)?);
            Ok(vec![
                ops::softmax(&a, Some(&[1]), true)?,
                ops::logsumexp(&a, Some(&[1]), false)?,
                ops::rms_norm(&a, Some(&w), 1e-5)?,
                ops::layer_norm(&a, Some(&w), Some(&w), 1e-5)?,
                ops::cross_entropy(&a, &whole(1030, &[37], 3)?)?,
            ])
        },
    },
    Case {
        family: "rows",
        name: "f16",
        within: 4e-3,
        make: || {
            let (a, w) = (halves(&[37, 1030], 1)?, halves(&[1030], 2)?);
            Ok(vec![ops::softmax(&a, Some(&[1]), true)?, ops::rms_norm(&a, Some(&w), 1e-5)?])
        },
    },
    Case {
        family: "rope",
        name: "f32",
        within: 1e-4,
        make: || {
            let a = floats(&[2, 3, 17, 64], 1)?;
            Ok(vec![rotation(&a, false)?, rotation(&a, true)?])
        },
    },
    Case { family: "attention", name: "f32", within: 1e-3, make: || attention(DType::F32) },
    Case { family: "attention", name: "f16", within: 1e-2, make: || attention(DType::F16) },
    Case {
        family: "attention",
        name: "over a cache",
        within: 5e-3,
        make: || {
            let (k, v) = (halves(&[1, 2, 300, 64], 2)?, halves(&[1, 2, 300, 64], 3)?);
            let one = |rows| ops::cached_attention(&floats(&[1, 4, rows, 64], 1)?, &k, &v, 0.125, Mask::Causal, None);
            Ok(vec![one(1)?, one(70)?])
        },
    },
    Case {
        family: "attention",
        name: "over rows in 8 bits",
        within: 5e-3,
        make: || {
            let rows = |seed| ops::pack_rows(&floats(&[1, 2, 300, 64], seed)?);
            let (k, v) = (rows(2)?, rows(3)?);
            let held = Array::scalar(277i32)?;
            let one = |rows, held| {
                ops::packed_attention(&floats(&[1, 4, rows, 64], 1)?, &k, &v, 0.125, Mask::Causal, None, held)
            };
            Ok(vec![one(1, None)?, one(1, Some(&held))?, one(70, None)?, ops::unpack_rows(&k)?])
        },
    },
    Case {
        family: "layer",
        name: "products",
        within: 4e-2,
        make: || {
            let q = QuantFormat::Q4_0;
            let (w, u) = (blocks(q, 96, 512, 1)?, blocks(q, 96, 512, 2)?);
            let (norm, added) = (floats(&[512], 3)?, floats(&[1, 96], 4)?);
            let x = floats(&[1, 512], 5)?;
            let mut all = ops::block_project(&x, Some((&norm, 1e-5)), &[(q, &w), (q, &u)], None, None)?.into_vec();
            all.extend(ops::block_project(&x, Some((&norm, 1e-5)), &[(q, &w), (q, &u)], Some(Gate::Silu), None)?);
            all.extend(ops::block_project(&x, None, &[(q, &w)], None, Some(&added))?);
            Ok(all)
        },
    },
    Case {
        family: "layer",
        name: "caches",
        within: 1e-3,
        make: || {
            let rope = Rope {
                dims: 64,
                traditional: false,
                base: Some(Real::new(1e4)),
                scale: Real::new(1.0),
                inverse: false,
            };
            let (cache, new) = (halves(&[1, 2, 40, 64], 1)?, floats(&[1, 2, 3, 64], 2)?);
            Ok(vec![
                ops::cache_update(&cache, &new, &[0, 0, 7, 0], None, None)?,
                ops::cache_update(&cache, &new, &[0, 0, 9, 0], None, Some((rope, &[Array::scalar(9i32)?])))?,
            ])
        },
    },
    Case {
        family: "layer",
        name: "caches in 8 bits",
        // A code more or less, since rotations differ in their last bits.
        within: 1e-2,
        make: || {
            let rope =
                Rope { dims: 64, traditional: true, base: Some(Real::new(1e4)), scale: Real::new(1.0), inverse: false };
            let (cache, new) = (ops::pack_rows(&floats(&[1, 2, 40, 64], 1)?)?, floats(&[1, 2, 3, 64], 2)?);
            let at = Array::scalar(9i32)?;
            [
                ops::cache_update(&cache, &new, &[0, 0, 7, 0], None, None)?,
                ops::cache_update(
                    &cache,
                    &new,
                    &[0, 0, 0, 0],
                    Some((2, &at)),
                    Some((rope, std::slice::from_ref(&at))),
                )?,
            ]
            .iter()
            .map(ops::unpack_rows)
            .collect()
        },
    },
];
