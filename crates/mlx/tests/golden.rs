//! Random numbers and quantization against vectors taken from the official wheel (tests/golden/mlx/take.py).

use mlx::ops::{self, random};
use mlx::{Array, DType, Result};
use std::collections::HashMap;

const VECTORS: &str = include_str!("../../../tests/golden/mlx/vectors.tsv");

fn vectors() -> HashMap<&'static str, Array> {
    let array = |line: &'static str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let shape: Vec<usize> = cells[2].split(',').filter(|s| !s.is_empty()).map(|s| s.parse().unwrap()).collect();
        let byte = |i: usize| u8::from_str_radix(&cells[3][2 * i..2 * i + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..cells[3].len() / 2).map(byte).collect();
        (cells[0], Array::from_bytes(&bytes, &shape, DType::from_name(cells[1]).unwrap()).unwrap())
    };
    VECTORS.lines().map(array).collect()
}

/// Equal but for so many units in the last place of one, for results of a difference of numbers near one.
fn near(what: &str, got: &Array, want: &Array, ulps: f32) -> Result<()> {
    assert_eq!((got.shape(), got.dtype()), (want.shape(), want.dtype()), "{what}");
    for (i, (g, w)) in got.to_vec::<f32>()?.into_iter().zip(want.to_vec::<f32>()?).enumerate() {
        assert!((g - w).abs() <= ulps * f32::EPSILON, "{what} at {i}: {g} {w}");
    }
    Ok(())
}

/// Equal but for so many units in the last place.
fn same(what: &str, got: &Array, want: &Array, ulps: i64) {
    assert_eq!((got.shape(), got.dtype()), (want.shape(), want.dtype()), "{what}");
    let (g, w) = (got.to_bytes().unwrap(), want.to_bytes().unwrap());
    let width = match got.dtype() {
        DType::F16 | DType::BF16 => 2,
        DType::F32 | DType::C64 => 4,
        _ => {
            assert_eq!(g, w, "{what}");
            return;
        }
    };
    let number = |b: &[u8]| {
        let bits = b.iter().rev().fold(0i64, |n, &x| n << 8 | x as i64);
        let sign = 1i64 << (8 * width - 1);
        if bits & sign == 0 { bits } else { sign - bits }
    };
    for (i, (g, w)) in g.chunks(width).zip(w.chunks(width)).enumerate() {
        let off = (number(g) - number(w)).abs();
        assert!(off <= ulps, "{what} at {i}: {off} units in the last place, {g:?} {w:?}");
    }
}

fn draw(what: &str, key: &Array, logits: &Array) -> Result<Option<(Array, i64)>> {
    let k = Some(key);
    let f32 = DType::F32;
    let uniform = |n: usize, d| random::uniform(0.0, 1.0, &[n], d, k);
    let first = || ops::slice_axis(logits, 0, 0, 1);
    Ok(Some(match what {
        "key" => (key.clone(), 0),
        "split_2" => (random::split_key(key, 2)?, 0),
        "split_3" => (random::split_key(key, 3)?, 0),
        "uniform_5" => (uniform(5, f32)?, 0),
        "uniform_8" => (uniform(8, f32)?, 0),
        "uniform_float16" => (uniform(8, DType::F16)?, 0),
        "uniform_bfloat16" => (uniform(8, DType::BF16)?, 0),
        "uniform_range" => (random::uniform(-3.0, 5.0, &[8], f32, k)?, 0),
        "normal" => (random::normal(&[33], f32, None, None, k)?, 2),
        "normal_float16" => (random::normal(&[33], DType::F16, None, None, k)?, 1),
        "normal_bfloat16" => (random::normal(&[33], DType::BF16, None, None, k)?, 1),
        "normal_complex64" => (random::normal(&[9], DType::C64, None, None, k)?, 2),
        "randint" => (random::randint(-10, 10, &[33], DType::I32, k)?, 0),
        "bernoulli" => (random::bernoulli(&Array::scalar(0.3f32)?, Some(&[33]), k)?, 0),
        "gumbel" => (random::gumbel(&[33], f32, k)?, 8),
        "laplace" => (random::laplace(&[33], f32, 0.0, 1.0, k)?, 2),
        "truncated_normal" => {
            let (lo, hi) = (Array::scalar(-1.0f32)?, Array::scalar(2.0f32)?);
            (random::truncated_normal(&lo, &hi, Some(&[33]), f32, k)?, 8)
        }
        "permutation" => (random::permutation_of(33, k)?, 0),
        "categorical_scalar" => (random::categorical(&ops::squeeze(&first()?, None)?, -1, None, None, k)?, 0),
        "categorical_one" => (random::categorical(&first()?, -1, None, Some(8), k)?, 0),
        "categorical_rows" => (random::categorical(logits, -1, None, None, k)?, 0),
        "categorical_samples" => (random::categorical(logits, -1, None, Some(5), k)?, 0),
        _ => return Ok(None),
    }))
}

#[test]
fn equal_keys_give_equal_numbers() -> Result<()> {
    let v = vectors();
    let mut checked = 0;
    for (name, want) in &v {
        let parts: Vec<&str> = name.split('/').collect();
        let ["random", seed, what] = parts[..] else { continue };
        let key = random::key(seed.parse().unwrap())?;
        // Where a logarithm or the error function takes part the last digits are the library's own.
        let Some((got, ulps)) = draw(what, &key, &v["logits"])? else { continue };
        match what {
            "gumbel" | "truncated_normal" => near(name, &got, want, ulps as f32)?,
            _ => same(name, &got, want, ulps),
        }
        checked += 1;
    }
    assert_eq!(checked, 3 * 22);
    Ok(())
}

#[test]
fn a_seeded_state_gives_the_same_sequence() -> Result<()> {
    let v = vectors();
    for seed in [0u64, 42, (1 << 40) + 7] {
        random::seed(seed)?;
        for i in 0..3 {
            let name = format!("random/{seed}/sequence_{i}");
            same(&name, &random::uniform(0.0, 1.0, &[4], DType::F32, None)?, &v[name.as_str()], 0);
        }
    }
    Ok(())
}

#[test]
fn quantized_bits_are_the_wheels() -> Result<()> {
    let v = vectors();
    let mut checked = 0;
    for dtype in [DType::F32, DType::F16, DType::BF16] {
        let w = ops::astype(&v["quantize/input"], dtype)?;
        for bits in [1, 2, 3, 4, 5, 6, 8] {
            for group in [32, 64, 128] {
                let want = |part: &str| &v[format!("quantize/{dtype}/{bits}/{group}/{part}").as_str()];
                let (codes, scales, biases) = ops::quantize(&w, group, bits)?;
                same("codes", &codes, want("codes"), 0);
                same("scales", &scales, want("scales"), 0);
                same("biases", &biases, want("biases"), 0);
                same("back", &ops::dequantize(&codes, &scales, &biases, group, bits)?, want("back"), 0);
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 63);
    Ok(())
}
