//! Rates of cases at benchmark shapes, beside what the machine can do.

use crate::case::{Bench, Case};
use crate::data::{Data, Input};
use mlx::ops::{self, random};
use mlx::{Array, DType, Result};
use serde_json::json;
use std::time::{Duration, Instant};

fn median(mut v: Vec<f64>) -> f64 {
    v.sort_by(f64::total_cmp);
    v.get(v.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Seconds of `f`: the median of runs over at least a quarter of a second.
fn time(mut f: impl FnMut() -> Result<()>) -> Result<f64> {
    f()?;
    let start = Instant::now();
    let mut runs = Vec::new();
    while runs.len() < 5 || (start.elapsed() < Duration::from_millis(250) && runs.len() < 1000) {
        let t = Instant::now();
        f()?;
        runs.push(t.elapsed().as_secs_f64());
        if start.elapsed() > Duration::from_secs(10) {
            break;
        }
    }
    Ok(median(runs))
}

/// Bytes read and written by a copy of 64 MiB, for each second, by all threads together.
pub fn copy_ceiling() -> f64 {
    const N: usize = 64 << 20;
    let from = vec![1u8; N];
    let mut to = vec![0u8; N];
    let part = N.div_ceil(mlx::threads());
    let seconds = time(|| {
        std::thread::scope(|s| {
            for (a, b) in from.chunks(part).zip(to.chunks_mut(part)) {
                s.spawn(move || b.copy_from_slice(a));
            }
        });
        Ok(())
    });
    seconds.map_or(f64::NAN, |s| 2.0 * N as f64 / s)
}

/// Multiplications and additions of f32 for each second, by all threads together.
pub fn fma_ceiling() -> f64 {
    const ROUNDS: usize = 2_000_000;
    let isa = mlx::isa();
    let seconds = time(|| {
        std::thread::scope(|s| {
            for _ in 0..mlx::threads() {
                s.spawn(move || std::hint::black_box(mlx_cpu::kernels::peak::multiply_add(isa, ROUNDS)));
            }
        });
        Ok(())
    });
    let work = mlx_cpu::kernels::peak::operations(isa, ROUNDS) * mlx::threads() as f64;
    seconds.map_or(f64::NAN, |s| work / s)
}

fn input(i: &Input, shape: &[usize], dtype: DType) -> Result<Array> {
    let dtype = i.dtype.unwrap_or(dtype);
    let a = match &i.data {
        Data::Bits => random::bits(shape, 4, None)?,
        Data::Whole(lo, hi) => random::randint(*lo as i32, *hi as i32 + 1, shape, dtype, None)?,
        _ => ops::astype(&random::uniform(0.1, 1.0, shape, DType::F32, None)?, dtype)?,
    };
    a.eval()?;
    Ok(a)
}

fn measure(case: &Case, bench: &Bench, dtype: DType) -> Result<(f64, f64, bool)> {
    let xs: Vec<Array> =
        case.inputs.iter().zip(&bench.shapes).map(|(i, s)| input(i, s, dtype)).collect::<Result<_>>()?;
    let mut written = 0;
    let before = mlx::counts();
    let seconds = time(|| {
        let outs = (case.run)(&xs)?;
        written = outs.iter().map(Array::nbytes).sum();
        mlx::eval(&outs)
    })?;
    let did = mlx::counts() - before;
    let bytes: usize = xs.iter().map(Array::nbytes).sum::<usize>() + written;
    Ok((seconds, bytes as f64, did.references == 0))
}

/// Prints a line of text and one of JSON for each benchmark; returns how many could not be run.
pub fn run(cases: &[Case], filter: &str) -> usize {
    let (copy, fma) = (copy_ceiling(), fma_ceiling());
    println!(
        "level {}, {} threads; ceilings: copy {:.2} GB/s, multiply-add {:.2} GFLOP/s",
        mlx::isa(),
        mlx::threads(),
        copy / 1e9,
        fma / 1e9
    );
    let mut failed = 0;
    for case in cases.iter().filter(|c| c.name.contains(filter)) {
        for (bench, dtype) in case.benches.iter().flat_map(|b| case.family.dtypes().into_iter().map(move |d| (b, d))) {
            match measure(case, bench, dtype) {
                Ok((s, bytes, kernel)) => {
                    let (bps, fps) = (bytes / s, bench.flops / s);
                    println!(
                        "{:<32} {dtype:<9} {:<44} {:9.3} ms {:8.2} GB/s ({:3.0} %) {:8.2} GFLOP/s ({:3.0} %){}",
                        case.name,
                        format!("{:?}", bench.shapes),
                        s * 1e3,
                        bps / 1e9,
                        100.0 * bps / copy,
                        fps / 1e9,
                        100.0 * fps / fma,
                        if kernel { "" } else { "  no kernel: exact evaluator" }
                    );
                    println!(
                        "{}",
                        json!({"case": case.name, "dtype": dtype.name(), "shapes": bench.shapes, "isa": mlx::isa().name(),
                            "threads": mlx::threads(), "seconds": s, "bytes_per_s": bps, "flop_per_s": fps,
                            "copy_ceiling": copy, "fma_ceiling": fma, "kernel": kernel})
                    );
                }
                Err(e) => {
                    failed += 1;
                    println!("FAILED {} {dtype}: {e}", case.name);
                }
            }
            mlx::memory::clear_cache();
        }
    }
    failed
}
