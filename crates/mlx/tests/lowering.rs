//! Ops that are run in place of several on a GPU: the same results, fewer launches, and nothing lost where another
//! handle or a failure stands in the way. Needs a device that `MLX_ARM_GPU` names.

use mlx::{Array, DType, Device, ErrorKind, Result, Stream, memory, ops};
use mlx_ir::QuantFormat;
use mlx_ir::op::{Gate, UpdateMode};
use std::sync::{Arc, Mutex};

/// Counts are those of the process.
static ALONE: Mutex<()> = Mutex::new(());

fn gpu() -> Option<Stream> {
    match Stream::default_of(Device::Gpu) {
        Ok(s) => Some(s),
        Err(e) => {
            assert!(std::env::var_os("MLX_VULKAN_REQUIRED").is_none(), "no Vulkan device to test on: {e}");
            eprintln!("not tested: {e}");
            None
        }
    }
}

fn values(shape: &[usize], seed: usize) -> Result<Array> {
    let n: usize = shape.iter().product();
    Array::from_slice(&(0..n).map(|i| ((i * 7919 + seed * 31) % 211) as f32 * 0.01 - 1.0).collect::<Vec<_>>(), shape)
}

/// A matrix of f32 as it lies in a file.
fn matrix(n: usize, k: usize, seed: usize) -> Result<Array> {
    let bytes: Vec<u8> = values(&[n, k], seed)?.to_vec::<f32>()?.iter().flat_map(|x| x.to_le_bytes()).collect();
    Array::from_slice(&bytes, &[n, 4 * k])
}

fn near(a: &Array, b: &Array) -> Result<()> {
    let (a, b) = (ops::astype(a, DType::F32)?.to_vec::<f32>()?, ops::astype(b, DType::F32)?.to_vec::<f32>()?);
    assert_eq!(a.len(), b.len());
    for (i, (x, y)) in a.iter().zip(&b).enumerate() {
        assert!((x - y).abs() <= 1e-3 * y.abs().max(1.0), "element {i}: {x}, by the processor {y}");
    }
    Ok(())
}

/// Evaluates `f` on the processor and on the device, where `lowered` ops must stand for several.
fn same(gpu: Stream, lowered: u64, f: impl Fn() -> Result<Vec<Array>>) -> Result<()> {
    let want = mlx::on(Stream::default_of(Device::Cpu)?, &f)?;
    mlx::eval(&want)?;
    let got = mlx::on(gpu, &f)?;
    let before = mlx::counts();
    mlx::eval(&got)?;
    assert_eq!((mlx::counts() - before).lowered, lowered);
    for (g, w) in got.iter().zip(&want) {
        near(g, w)?;
    }
    Ok(())
}

#[test]
fn projections_take_in_what_stands_around_them() -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    let Some(gpu) = gpu() else { return Ok(()) };
    let (x, weight) = (values(&[3, 64], 1)?, values(&[64], 2)?);
    let (a, b, c) = (matrix(10, 64, 3)?, matrix(10, 64, 4)?, matrix(7, 64, 5)?);
    let f = QuantFormat::F32;
    let norm = || ops::rms_norm(&x, Some(&weight), 1e-5);
    same(gpu, 1, || Ok(ops::block_matmul(&norm()?, &[(f, &a), (f, &b), (f, &c)])?.into_vec()))?;
    for gate in Gate::ALL {
        same(gpu, 1, || {
            let y = ops::block_matmul(&norm()?, &[(f, &a), (f, &b)])?;
            Ok(vec![ops::map(Arc::new(gate.tape()?), &y)?])
        })?;
    }
    let residual = values(&[3, 10], 6)?;
    same(gpu, 1, || Ok(vec![ops::add(&residual, &ops::block_matmul(&x, &[(f, &a)])?[0])?]))?;
    // Many rows have a kernel of another kind, which takes in nothing.
    let long = values(&[40, 64], 7)?;
    same(gpu, 0, || Ok(ops::block_matmul(&ops::rms_norm(&long, Some(&weight), 1e-5)?, &[(f, &a)])?.into_vec()))
}

#[test]
fn caches_are_written_by_one_op() -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    let Some(gpu) = gpu() else { return Ok(()) };
    let k = values(&[1, 2, 1, 8], 1)?;
    let offset = Array::scalar(3i32)?;
    let write = |rotated: bool| {
        let whole = ops::contiguous(&ops::zeros(&[1, 2, 5, 8], DType::F16)?)?;
        let part =
            if rotated { ops::rope(&k, 8, true, Some(1e4), 1.0, &offset, None)? } else { ops::multiply(&k, 2.0)? };
        let part = ops::astype(&part, DType::F16)?;
        let ones = [1, 1, 1, 1];
        Ok(vec![ops::slice_update(&whole, &part, &[0, 0, 3, 0], &[1, 2, 4, 8], &ones, UpdateMode::Assign)?])
    };
    same(gpu, 1, || write(true))?;
    same(gpu, 1, || write(false))
}

#[test]
fn what_others_ask_for_is_not_taken_in() -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    let Some(gpu) = gpu() else { return Ok(()) };
    let (x, weight, a) = (values(&[2, 64], 1)?, values(&[64], 2)?, matrix(10, 64, 3)?);
    same(gpu, 0, || {
        let normed = ops::rms_norm(&x, Some(&weight), 1e-5)?;
        let y = ops::block_matmul(&normed, &[(QuantFormat::F32, &a)])?.remove(0);
        Ok(vec![y, normed])
    })
}

#[test]
fn a_failed_evaluation_can_be_repeated() -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    let Some(gpu) = gpu() else { return Ok(()) };
    let (x, weight, a) = (values(&[2, 64], 1)?, values(&[64], 2)?, matrix(10, 64, 3)?);
    let f = || -> Result<Vec<Array>> {
        let normed = ops::rms_norm(&x, Some(&weight), 1e-5)?;
        Ok(vec![ops::add(&ops::block_matmul(&normed, &[(QuantFormat::F32, &a)])?[0], 1.0)?])
    };
    let y = mlx::on(gpu, f)?;
    let old = memory::set_limit(1);
    memory::clear_cache();
    let e = mlx::eval(&y).expect_err("there is no room");
    assert_eq!(e.kind, ErrorKind::Memory, "{e}");
    memory::set_limit(old);
    near(&y[0], &mlx::on(Stream::default_of(Device::Cpu)?, f)?[0])
}

#[test]
fn reductions_take_in_the_elementwise_work_before_them() -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(|e| e.into_inner());
    let Some(gpu) = gpu() else { return Ok(()) };
    for d in [DType::F32, DType::F16] {
        let (x, y) = (ops::astype(&values(&[37, 501], 1)?, d)?, ops::astype(&values(&[501], 2)?, d)?);
        mlx::eval(&[x.clone(), y.clone()])?;
        type Case<'a> = &'a dyn Fn() -> Result<Array>;
        let elements: [Case<'_>; 3] =
            [&|| ops::multiply(&x, &y), &|| ops::square(&ops::subtract(&x, &ops::abs(&y)?)?), &|| {
                ops::abs(&ops::transpose(&x, None)?)
            }];
        for make in elements {
            for reduce in [ops::sum, ops::max] {
                let joined = || Ok(vec![reduce(&make()?, Some(&[1]), false)?]);
                same(gpu, 1, joined)?;
                // Another handle keeps the elements apart: the same bits.
                let got = mlx::on(gpu, joined)?.remove(0);
                let kept = mlx::on(gpu, make)?;
                let want = mlx::on(gpu, || reduce(&kept, Some(&[1]), false))?;
                let before = mlx::counts();
                mlx::eval(&[kept, want.clone()])?;
                // At most the elements are one op for several.
                assert!((mlx::counts() - before).lowered <= 1);
                assert!(ops::array_equal(&got, &want, false)?.item::<bool>()?);
            }
        }
    }
    Ok(())
}
