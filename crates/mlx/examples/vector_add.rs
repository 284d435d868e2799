//! Adds two vectors on the Vulkan device and checks the sum against the processor's.
//!
//!     cargo run --release -p mlx --example vector_add [ELEMENTS]
//!
//! `MLX_ARM_GPU` names the device; software drivers are used only when named (`MLX_ARM_GPU=llvmpipe`).

use mlx::{Array, Device, Result, Stream, ops};
use std::time::Instant;

fn main() {
    if let Err(e) = run() {
        eprintln!("error: {e}");
        std::process::exit(1);
    }
}

fn run() -> Result<()> {
    let n: usize = match std::env::args().nth(1).map(|a| a.parse()) {
        None => 1 << 20,
        Some(Ok(n)) if n > 0 => n,
        Some(_) => return Err(mlx::Error::value("[vector_add] ELEMENTS is a number from 1 up")),
    };
    let a: Vec<f32> = (0..n).map(|i| i as f32 * 0.5).collect();
    let b: Vec<f32> = (0..n).map(|i| 1.0 - i as f32).collect();
    let (a, b) = (Array::from_slice(&a, &[n])?, Array::from_slice(&b, &[n])?);
    let sum = |device: Device| mlx::on(Stream::default_of(device)?, || ops::add(&a, &b));

    let expected = sum(Device::Cpu)?.to_vec::<f32>()?;
    // The first sum includes the copies to the device and the shader's compilation.
    let began = Instant::now();
    let there = sum(Device::Gpu)?;
    there.eval()?;
    println!("first sum of {n} elements: {:.3} ms", began.elapsed().as_secs_f64() * 1e3);
    let mut times = Vec::new();
    for _ in 0..20 {
        let began = Instant::now();
        sum(Device::Gpu)?.eval()?;
        times.push(began.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    println!("again, from call to result: {:.1} us (median of {})", median * 1e6, times.len());
    println!("{:.1} GB/s", 12.0 * n as f64 / median / 1e9);
    if there.to_vec::<f32>()? != expected {
        return Err(mlx::Error::runtime("[vector_add] the sums differ"));
    }
    println!("equal to the processor's sum");
    Ok(())
}
