//! Arithmetic and bandwidth on a device: square matrix products in TFLOP/s, elementwise work and sums in GB/s.
//!
//! `cargo bench -p mlx --bench throughput` measures the processor, with `-- --gpu` the Vulkan device; `--quick` takes
//! small sizes, `--side N` one size and nothing else. Each figure is the median of several evaluations of a few results at a time, after a while of work
//! that brings the clocks up; every result is waited for.

use mlx::{Array, DType, Device, Result, Stream, ops};
use std::time::{Duration, Instant};

/// Work before each figure.
const HEAT: Duration = Duration::from_millis(300);

/// Median seconds of one of `each` results of `f`, which are evaluated together.
fn seconds(runs: usize, each: usize, f: &dyn Fn() -> Result<Array>) -> Result<f64> {
    let once = || -> Result<f64> {
        let start = Instant::now();
        let all = (0..each).map(|_| f()).collect::<Result<Vec<_>>>()?;
        mlx::eval(&all)?;
        Ok(start.elapsed().as_secs_f64() / each as f64)
    };
    // The first may measure how the product is best computed.
    once()?;
    let start = Instant::now();
    while start.elapsed() < HEAT {
        once()?;
    }
    let mut times = (0..runs).map(|_| once()).collect::<Result<Vec<_>>>()?;
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

fn values(shape: &[usize], dtype: DType, seed: u64) -> Result<Array> {
    let key = ops::random::key(seed)?;
    let x = ops::astype(&ops::random::uniform(-1.0, 1.0, shape, DType::F32, Some(&key))?, dtype)?;
    x.eval()?;
    Ok(x)
}

fn main() -> Result<()> {
    let flag = |name: &str| std::env::args().any(|a| a == name);
    let (gpu, quick) = (flag("--gpu"), flag("--quick"));
    let device = if gpu { Device::Gpu } else { Device::Cpu };
    let only = std::env::args().skip_while(|a| a != "--side").nth(1);
    let only: Option<usize> = only.map(|n| n.parse().expect("--side needs a number"));
    let sides = match (only, quick, gpu) {
        (Some(n), _, _) => vec![n],
        (None, true, _) => vec![256],
        (None, false, true) => vec![1024, 4096, 8192],
        (None, false, false) => vec![1024],
    };
    mlx::on(Stream::default_of(device)?, || {
        for n in sides {
            for dtype in [DType::F32, DType::F16, DType::BF16] {
                let (a, b) = (values(&[n, n], dtype, 1)?, values(&[n, n], dtype, 2)?);
                let each = if n <= 1024 { 20 } else { 4 };
                for (name, t) in [("", false), (", b transposed", true)] {
                    let b = if t { ops::transpose(&b, None)? } else { b.clone() };
                    let s = seconds(10, each, &|| ops::matmul(&a, &b))?;
                    println!("matmul {n}x{n} {dtype}{name}: {:.2} TFLOP/s", 2.0 * (n as f64).powi(3) / s * 1e-12);
                }
            }
        }
        if only.is_some() {
            return Ok(());
        }
        // Prompts of 512 tokens by the matrices of an 8B model, whose rows run along the summed dimension.
        for [n, k] in [[4096, 4096], [14336, 4096], [4096, 14336]] {
            let m = if quick { 32 } else { 512 };
            let (a, b) = (values(&[m, k], DType::F16, 1)?, values(&[n, k], DType::F16, 2)?);
            let b = ops::transpose(&b, None)?;
            let s = seconds(10, 4, &|| ops::matmul(&a, &b))?;
            println!(
                "matmul {m}x{k} by {k}x{n} f16, b transposed: {:.2} TFLOP/s",
                2.0 * (m * n * k) as f64 / s * 1e-12
            );
        }
        let n = if quick { 1 << 20 } else { 1 << 26 };
        for dtype in [DType::F32, DType::F16] {
            let (a, b) = (values(&[n], dtype, 3)?, values(&[n], dtype, 4)?);
            let bytes = (n * dtype.size()) as f64;
            let rate = |moved: f64, f: &dyn Fn() -> Result<Array>| -> Result<f64> {
                Ok(moved * bytes / seconds(10, 4, f)? * 1e-9)
            };
            println!("a + b, {n} of {dtype}: {:.0} GB/s", rate(3.0, &|| ops::add(&a, &b))?);
            println!("-a, {n} of {dtype}: {:.0} GB/s", rate(2.0, &|| ops::negative(&a))?);
            // Ten calls, read and written once if they are computed in one go.
            let chain = || (0..5).try_fold(a.clone(), |x, _| ops::add(ops::multiply(&x, 0.5)?, 1.0));
            println!("x·½ + 1 five times over, {n} of {dtype}: {:.0} GB/s", rate(2.0, &chain)?);
            println!("sum, {n} of {dtype}: {:.0} GB/s", rate(1.0, &|| ops::sum(&a, None, false))?);
        }
        Ok(())
    })
}
