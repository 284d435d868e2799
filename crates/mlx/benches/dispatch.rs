//! Cost of an operation apart from its arithmetic: a chain of 100 sums of 8 elements, built and evaluated. The chain is
//! computed in a few pieces, as elementwise work is.
//!
//! `cargo bench -p mlx --bench dispatch` prints medians in µs; with `-- --gpu` those of the Vulkan device: one sum from
//! call to result, a sum's share of a chain and of a heap of independent ones, the same recorded once and handed over
//! again, and the processor's part of it (`-- --gpu --record` for that alone, for profilers). `benches/dispatch_vs_mlx.py` runs it by turns with the
//! official wheel: with the argument `--serve` each line read is answered by one measurement.

use mlx::{Array, Device, Result, Stream, ops};
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

/// Medians on the Vulkan device.
fn gpu() -> Result<()> {
    const MANY: usize = 1000;
    let stream = Stream::default_of(Device::Gpu)?;
    let x = Array::from_slice(&[1.0f32; 8], &[8])?;
    let one = Array::from_slice(&[1.0f32; 8], &[8])?;
    let time = |f: &dyn Fn() -> Result<Vec<Array>>, runs: usize| -> Result<f64> {
        let mut times = Vec::new();
        for _ in 0..runs {
            let start = Instant::now();
            mlx::eval(&f()?)?;
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
        Ok(median(times))
    };
    mlx::on(stream, || {
        let single = || Ok(vec![ops::add(&x, &one)?]);
        let chain = || {
            // All are held: each is a dispatch, since nobody computes several in one go.
            let mut all = vec![ops::add(&x, &one)?];
            for i in 1..MANY {
                all.push(ops::add(&all[i - 1], &one)?);
            }
            Ok(all)
        };
        let heap = || (0..MANY).map(|_| ops::add(&x, &one)).collect();
        time(&single, 20)?;
        let each = MANY as f64;
        let all = !std::env::args().any(|a| a == "--record");
        if all {
            for (what, f) in [("chain", &chain as &dyn Fn() -> Result<Vec<Array>>), ("heap", &heap)] {
                let before = mlx::counts();
                mlx::eval(&f()?)?;
                let did = mlx::counts() - before;
                println!("{what} of {MANY}: {} dispatches, {} barriers", did.dispatches, did.barriers);
            }
            let (one_sum, in_chain, in_heap) = (time(&single, 300)?, time(&chain, 20)?, time(&heap, 20)?);
            println!("one sum of 8 elements, from call to result: {one_sum:.1} µs");
            println!(
                "a sum in a chain of {MANY}: {:.2} µs; of {MANY} independent ones: {:.2} µs",
                in_chain / each,
                in_heap / each
            );
            let again = |f: &dyn Fn() -> Result<Vec<Array>>| -> Result<f64> {
                let all = f()?;
                let mut kept = mlx::replay::Replay::capture(&all)?
                    .ok_or_else(|| mlx::Error::device("[bench] this work cannot be recorded"))?;
                let times = (0..50).map(|_| {
                    let start = Instant::now();
                    kept.run()?;
                    mlx::eval(&all)?;
                    Ok(start.elapsed().as_secs_f64() * 1e6)
                });
                Ok(median(times.collect::<Result<Vec<_>>>()?))
            };
            println!(
                "recorded once and run again, a sum of the chain: {:.2} µs; of the heap: {:.2} µs",
                again(&chain)? / each,
                again(&heap)? / each
            );
        }
        // What the processor does for a dispatch: building the graph, then everything up to handing it over.
        let recorded = |f: &dyn Fn() -> Result<Vec<Array>>| -> Result<(f64, f64)> {
            // The least of many: a machine that does other things meanwhile only adds to it.
            let (mut build, mut record) = (f64::MAX, f64::MAX);
            for _ in 0..200 {
                let start = Instant::now();
                let all = f()?;
                let built = start.elapsed();
                let kept = mlx::replay::Replay::capture(&all)?;
                record = record.min((start.elapsed() - built).as_secs_f64() * 1e6);
                build = build.min(built.as_secs_f64() * 1e6);
                mlx::eval(&all)?;
                drop(kept);
            }
            Ok((build / each, record / each))
        };
        for (what, f) in [("chain", &chain as &dyn Fn() -> Result<Vec<Array>>), ("heap", &heap)] {
            let (build, record) = recorded(f)?;
            println!("the processor's time for a sum of the {what}: {build:.2} µs to build, {record:.2} µs to record");
        }
        Ok(())
    })
}

fn main() -> Result<()> {
    if std::env::args().any(|a| a == "--gpu") {
        return gpu();
    }
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
