//! Work of a GPU that runs again over the same memory. Without a GPU the tests say so and check nothing.

use mlx::replay::{self, Replay};
use mlx::{Array, Device, Result, Stream, ops};
use std::sync::{Mutex, MutexGuard};

/// What another thread computes meanwhile cannot be kept apart, so the tests take turns.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(|e| e.into_inner())
}

fn gpu() -> Option<Stream> {
    let stream = Stream::default_of(Device::Gpu);
    if let Err(e) = &stream {
        assert!(std::env::var_os("MLX_VULKAN_REQUIRED").is_none(), "{e}");
        eprintln!("skipped: {e}");
    }
    stream.ok()
}

/// An array in the GPU's memory.
fn held(values: &[f32]) -> Result<Array> {
    let x = ops::contiguous(&Array::from_slice(values, &[values.len()])?)?;
    x.eval()?;
    Ok(x)
}

#[test]
fn a_graph_runs_again_with_other_contents() {
    let (Some(stream), _alone) = (gpu(), alone()) else { return };
    mlx::on(stream, || -> Result<()> {
        let x = held(&[1.0, 2.0, 3.0])?;
        let y = ops::add(&ops::matmul(&ops::reshape(&x, &[1, 3])?, &held(&[1.0, 10.0, 100.0])?)?, 0.5)?;
        let z = ops::exp(&ops::multiply(&ops::sum(&y, None, false)?, -0.01)?)?;
        let mut again = Replay::capture(&[y.clone(), z.clone()])?.expect("all of it has kernels");
        assert_eq!(y.to_vec::<f32>()?, [321.5]);
        for i in 0..4 {
            let v = i as f32;
            // What others make meanwhile gets other memory.
            let others: Vec<Array> = (0..40).map(|j| held(&vec![j as f32; 1 + j % 5])).collect::<Result<_>>()?;
            replay::write(&x, &[v, 0.0, -v])?;
            again.run()?;
            let want = v - 100.0 * v + 0.5;
            assert_eq!(y.to_vec::<f32>()?, [want]);
            let power = (-0.01 * want).exp();
            assert!((z.item::<f32>()? - power).abs() <= 1e-5 * power);
            for (j, o) in others.iter().enumerate() {
                assert_eq!(o.to_vec::<f32>()?, vec![j as f32; 1 + j % 5]);
            }
        }
        // Twice without looking.
        replay::write(&x, &[1.0f32, 1.0, 1.0])?;
        again.run()?;
        again.run()?;
        assert_eq!(y.to_vec::<f32>()?, [111.5]);
        drop(again);
        assert_eq!(y.to_vec::<f32>()?, [111.5]);
        Ok(())
    })
    .unwrap();
}

#[test]
fn what_the_processor_computes_does_not_run_again() {
    let (Some(stream), _alone) = (gpu(), alone()) else { return };
    mlx::on(stream, || -> Result<()> {
        let x = held(&[1.0, 2.0])?;
        let y = ops::add(&ops::astype(&x, mlx::DType::F64)?, 1.0)?;
        assert!(Replay::capture(std::slice::from_ref(&y))?.is_none(), "GPUs have no kernels of float64");
        assert_eq!(y.to_vec::<f64>()?, [2.0, 3.0]);
        Ok(())
    })
    .unwrap();
}

#[test]
fn only_whole_arrays_of_the_device_are_written() {
    let (Some(stream), _alone) = (gpu(), alone()) else { return };
    mlx::on(stream, || -> Result<()> {
        let x = held(&[1.0, 2.0, 3.0, 4.0])?;
        let part = ops::slice_axis(&x, 0, 1, 3)?;
        part.eval()?;
        let host = Array::from_slice(&[1.0f32], &[1])?;
        for e in [
            replay::write(&x, &[1.0f32]),
            replay::write(&x, &[1i32; 4]),
            replay::write(&part, &[1.0f32; 2]),
            replay::write(&host, &[1.0f32]),
            replay::write(&held(&[0.0; 2000])?, &[1.0f32; 2000]),
        ] {
            assert!(e.is_err());
        }
        assert_eq!(x.to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(replay::place(&x).map(|p| p.0), replay::place(&part).map(|p| p.0));
        assert_ne!(replay::place(&x), replay::place(&part));
        Ok(())
    })
    .unwrap();
}
