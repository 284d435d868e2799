//! Cost of an operation apart from its arithmetic: a chain of 100 sums of 8 elements, built and evaluated.
//!
//! `cargo bench -p mlx --bench dispatch` prints medians in µs. `benches/dispatch_vs_mlx.py` runs it by turns with the
//! official wheel: with the argument `--serve` each line read is answered by one measurement.

use mlx::{Array, Result, ops};
use std::io::BufRead;
use std::time::Instant;

const CHAIN: usize = 100;

/// Microseconds to build and to evaluate one chain.
fn chain(x: &Array, one: &Array) -> Result<(f64, f64)> {
    let start = Instant::now();
    let mut y = ops::add(x, one)?;
    for _ in 1..CHAIN {
        y = ops::add(&y, one)?;
    }
    let built = start.elapsed();
    y.eval()?;
    Ok((built.as_secs_f64() * 1e6, (start.elapsed() - built).as_secs_f64() * 1e6))
}

fn median(mut v: Vec<f64>) -> f64 {
    v.sort_by(f64::total_cmp);
    v[v.len() / 2]
}

fn measure(x: &Array, one: &Array, runs: usize) -> Result<(f64, f64)> {
    let times = (0..runs).map(|_| chain(x, one)).collect::<Result<Vec<_>>>()?;
    Ok((median(times.iter().map(|t| t.0).collect()), median(times.iter().map(|t| t.1).collect())))
}

fn main() -> Result<()> {
    let x = Array::from_slice(&[1.0f32; 8], &[8])?;
    let one = Array::from_slice(&[1.0f32; 8], &[8])?;
    measure(&x, &one, 20)?;
    if std::env::args().any(|a| a == "--serve") {
        for line in std::io::stdin().lock().lines() {
            line?;
            let (build, eval) = measure(&x, &one, 30)?;
            println!("{}", build + eval);
        }
        return Ok(());
    }
    let (build, eval) = measure(&x, &one, 300)?;
    println!(
        "chain of {CHAIN} sums of 8 elements: build {build:.1} µs, evaluate {eval:.1} µs, {:.2} µs an op",
        (build + eval) / CHAIN as f64
    );
    let did = {
        let before = mlx::counts();
        chain(&x, &one)?;
        mlx::counts() - before
    };
    println!("{did:?}");
    Ok(())
}
