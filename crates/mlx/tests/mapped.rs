//! Arrays over mapped files on a GPU: read in place where it shares the processor's memory, not held twice elsewhere; and
//! what is left of a program when its GPU is lost. Without a GPU the tests say so and check nothing.

use mlx::{Array, DType, Device, ErrorKind, Result, Stream, ops};
use mlx_io::map::MappedFile;
use std::process::Command;

fn gpu() -> Option<Stream> {
    let stream = Stream::default_of(Device::Gpu);
    if let Err(e) = &stream {
        assert!(std::env::var_os("MLX_VULKAN_REQUIRED").is_none(), "{e}");
        eprintln!("skipped: {e}");
    }
    stream.ok()
}

/// Runs a test of this file that is ignored otherwise in a process of its own, with more capabilities taken away.
fn apart(test: &str, disable: &str) {
    let all = format!("{},{disable}", std::env::var("MLX_VULKAN_DISABLE").unwrap_or_default());
    let out = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env("MLX_VULKAN_DISABLE", all)
        .env("MLX_VULKAN_SELFTEST", "0")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && text.contains("1 passed"), "{disable}: {text}");
}

const ROWS: usize = 1500;
const COLUMNS: usize = 1024;

/// A matrix of f32 in a file, after some bytes of something else.
fn matrix(dir: &std::path::Path) -> Result<Array> {
    let path = dir.join("weights");
    let mut bytes = vec![1; 68];
    bytes.extend((0..ROWS * COLUMNS).flat_map(|i| ((i % 97) as f32).to_le_bytes()));
    std::fs::write(&path, bytes).unwrap();
    let file = MappedFile::open(&path)?;
    mlx::io::mapped(file.region(68, ROWS * COLUMNS * 4)?, &[ROWS, COLUMNS], DType::F32)
}

/// Its sums of columns on the GPU, which hold at most `most` bytes there meanwhile.
fn sums(weights: &Array, gpu: Stream, most: usize) -> Result<()> {
    mlx::memory::reset_peak();
    let before = mlx::memory::active();
    let sums = mlx::on(gpu, || ops::sum(weights, Some(&[0]), false))?;
    let got = sums.to_vec::<f32>()?;
    let held = mlx::memory::peak() - before;
    for (c, &x) in got.iter().enumerate() {
        assert_eq!(x, (0..ROWS).map(|r| ((r * COLUMNS + c) % 97) as f32).sum::<f32>(), "column {c}");
    }
    assert!(held <= most, "{held} bytes were held, at most {most} should be");
    Ok(())
}

/// Room for results and what a kernel needs besides.
const LITTLE: usize = 256 << 10;

#[test]
#[ignore = "run by others in a process of its own"]
fn in_place() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let Some(gpu) = gpu() else { return Ok(()) };
    sums(&matrix(dir.path())?, gpu, LITTLE)
}

#[test]
#[ignore = "run by others in a process of its own"]
fn copied_once() -> Result<()> {
    let dir = tempfile::tempdir().unwrap();
    let Some(gpu) = gpu() else { return Ok(()) };
    // Two pieces of staging memory are under way at most.
    sums(&matrix(dir.path())?, gpu, LITTLE + ROWS * COLUMNS * 4 + (16 << 20))
}

#[test]
fn weights_are_not_held_twice() {
    if gpu().is_none() {
        return;
    }
    let taken = std::env::var("MLX_VULKAN_DISABLE").unwrap_or_default();
    let lavapipe = mlx::gpu_name().is_some_and(|n| n.contains("llvmpipe"));
    if lavapipe && !["unified", "host_import", "coherent"].iter().any(|t| taken.contains(t)) {
        apart("in_place", "");
    }
    for list in ["host_import", "unified", "unified,rebar"] {
        apart("copied_once", list);
    }
}

#[test]
#[ignore = "run by another in a process of its own"]
fn lost() -> Result<()> {
    let Some(gpu) = gpu() else { return Ok(()) };
    let x = Array::from_slice(&[1.0f32, 2.0, 3.0], &[3])?;
    let twice = || ops::add(&x, &x);
    let mut done = Vec::new();
    let e = loop {
        assert!(done.len() < 100, "the device should be lost by now");
        let y = mlx::on(gpu, twice)?;
        match y.eval() {
            Ok(()) => done.push(y),
            Err(e) => break e,
        }
    };
    assert_eq!(e.kind, ErrorKind::Device);
    assert!(e.message.contains("was lost") && e.message.contains("map add"), "{e}");
    // So it is with everything there from now on, also in other threads; the processor's work goes on.
    std::thread::scope(|s| {
        let there = s.spawn(|| mlx::on(gpu, twice)?.eval());
        assert_eq!(there.join().unwrap().unwrap_err().kind, ErrorKind::Device);
    });
    assert_eq!(mlx::synchronize(gpu).unwrap_err().kind, ErrorKind::Device);
    assert_eq!(twice()?.to_vec::<f32>()?, [2.0, 4.0, 6.0]);
    // Nor do what the GPU held and its failed work stand in the way when they go.
    drop(done);
    mlx::memory::clear_cache();
    assert_eq!(ops::sum(&x, Some(&[0]), false)?.item::<f32>()?, 6.0);
    Ok(())
}

#[test]
fn the_processor_goes_on_when_the_gpu_is_lost() {
    if gpu().is_none() {
        return;
    }
    for list in ["batches=2", "batches=2,timeline", "batches=3,unified"] {
        apart("lost", list);
    }
}

#[test]
#[ignore = "run by another in a process of its own"]
fn full() -> Result<()> {
    let Some(gpu) = gpu() else { return Ok(()) };
    let millions = |n: usize| mlx::on(gpu, || ops::add(&ops::zeros(&[n << 20], DType::F32)?, &Array::scalar(1.0f32)?));
    let held = millions(8)?;
    held.eval()?;
    // No more than a shader can see, or else the processor would compute it.
    let too_much = millions(24)?;
    assert_eq!(too_much.eval().unwrap_err().kind, ErrorKind::Memory);
    // The failed work is pending and can be asked for again when there is room; so can other work before.
    assert_eq!(ops::sum(&millions(1)?, Some(&[0]), false)?.item::<f32>()?, (1 << 20) as f32);
    assert_eq!(too_much.eval().unwrap_err().kind, ErrorKind::Memory);
    drop(held);
    let fits = millions(10)?;
    assert_eq!(ops::max(&fits, Some(&[0]), false)?.item::<f32>()?, 1.0);
    Ok(())
}

#[test]
fn a_program_lives_when_its_gpus_memory_ends() {
    if gpu().is_none() {
        return;
    }
    for list in ["memory=100000000", "memory=100000000,unified", "memory=100000000,unified,rebar"] {
        apart("full", list);
    }
}
