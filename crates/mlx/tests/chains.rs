//! Chains of elementwise work, which are computed in one go: the same bits, fewer launches, and nothing lost where
//! another handle or a failure stands in the way. On the processor, and on a GPU where there is one.

use mlx::{Array, Counts, DType, Device, ErrorKind, Result, Stream, memory, ops};
use std::sync::{Mutex, MutexGuard};

/// Counts and limits are those of the process.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(|e| e.into_inner())
}

fn streams() -> Result<Vec<Stream>> {
    let mut all = vec![Stream::default_of(Device::Cpu)?];
    match Stream::default_of(Device::Gpu) {
        Ok(s) => all.push(s),
        Err(e) => {
            assert!(std::env::var_os("MLX_VULKAN_REQUIRED").is_none(), "no Vulkan device to test on: {e}");
            eprintln!("not tested on a GPU: {e}");
        }
    }
    Ok(all)
}

fn values(shape: &[usize], seed: usize) -> Result<Array> {
    let n: usize = shape.iter().product();
    Array::from_slice(&(0..n).map(|i| ((i * 7919 + seed * 31) % 211) as f32 * 0.01 - 1.0).collect::<Vec<_>>(), shape)
}

fn counted<T>(f: impl FnOnce() -> Result<T>) -> Result<(T, Counts)> {
    let before = mlx::counts();
    let value = f()?;
    Ok((value, mlx::counts() - before))
}

/// A generator of small numbers (Knuth's MMIX constants).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }
}

/// A heap of elementwise work over each other's results, by the same dice the same. With `apart` each is computed before
/// the next is recorded, else only the last ones are asked for.
fn heap(seed: u64, apart: bool) -> Result<Vec<Array>> {
    let mut dice = Dice(seed);
    let mut all = vec![
        values(&[33, 17], 1)?,
        ops::transpose(&values(&[17, 33], 2)?, None)?,
        values(&[17], 3)?,
        ops::astype(&values(&[33, 17], 4)?, DType::F16)?,
        ops::astype(&values(&[33, 1], 5)?, DType::BF16)?,
        ops::astype(&ops::multiply(&values(&[33, 17], 6)?, 50.0)?, DType::I32)?,
        Array::scalar(0.5f32)?,
    ];
    mlx::eval(&all)?;
    for _ in 0..40 {
        let a = all[dice.below(all.len())].clone();
        let b = all[dice.below(all.len())].clone();
        let c = all[dice.below(all.len())].clone();
        let new = match dice.below(12) {
            0 => ops::add(&a, &b)?,
            1 => ops::subtract(&a, &b)?,
            2 => ops::multiply(&a, &b)?,
            3 => ops::maximum(&a, &b)?,
            4 => ops::where_(&ops::less(&a, &b)?, &b, &c)?,
            5 => ops::tanh(&a)?,
            6 => ops::negative(&a)?,
            7 => ops::astype(&a, [DType::F32, DType::F16, DType::BF16, DType::I32][dice.below(4)])?,
            8 => ops::multiply(&a, ops::sigmoid(&a)?)?,
            9 => ops::add(ops::multiply(&a, &b)?, &c)?,
            10 => ops::abs(&a)?,
            // No elementwise work.
            _ => ops::max(&a, Some(&[-1]), true).or_else(|_| ops::square(&a))?,
        };
        if apart {
            new.eval()?;
        }
        all.push(new);
        if dice.below(3) == 0 {
            let gone = dice.below(all.len());
            all.swap_remove(gone);
        }
    }
    let last = all.split_off(all.len() / 2);
    drop(all);
    mlx::eval(&last)?;
    Ok(last)
}

#[test]
fn together_and_apart_give_the_same_bits() -> Result<()> {
    let _alone = alone();
    for stream in streams()? {
        let mut fewer = 0;
        for seed in 0..60 {
            let (together, few) = counted(|| mlx::on(stream, || heap(seed, false)))?;
            let (apart, many) = counted(|| mlx::on(stream, || heap(seed, true)))?;
            assert!(few.launches <= many.launches);
            fewer += many.launches - few.launches;
            assert_eq!(together.len(), apart.len());
            for (i, (t, a)) in together.iter().zip(&apart).enumerate() {
                assert_eq!((t.shape(), t.dtype()), (a.shape(), a.dtype()));
                // Which NaN it is does not matter.
                let bits = |x: &Array| -> Result<Vec<u8>> {
                    if x.dtype().is_inexact() {
                        ops::where_(&ops::isnan(x)?, f32::NAN, x)?.to_bytes()
                    } else {
                        x.to_bytes()
                    }
                };
                assert_eq!(bits(t)?, bits(a)?, "on {}, seed {seed}, result {i}", stream.device);
            }
        }
        assert!(fewer > 500, "on {}: {fewer} launches fewer", stream.device);
    }
    Ok(())
}

#[test]
fn one_launch_for_a_chain() -> Result<()> {
    let _alone = alone();
    for stream in streams()? {
        mlx::on(stream, || -> Result<()> {
            let (x, y) = (values(&[7, 9], 1)?, values(&[9], 2)?);
            let gelu = || -> Result<Array> {
                let cube = ops::multiply(&x, ops::multiply(&x, &x)?)?;
                let inner = ops::multiply(ops::add(&x, ops::multiply(&cube, 0.044715)?)?, 0.797_884_6)?;
                ops::add(ops::multiply(ops::multiply(&x, 0.5)?, ops::add(ops::tanh(&inner)?, 1.0)?)?, &y)
            };
            let result = gelu()?;
            let ((), did) = counted(|| result.eval())?;
            assert_eq!((did.launches, did.lowered, did.copies), (1, 1, 0), "on {}", stream.device);
            // Held by somebody, a result in the middle is computed and kept.
            let middle = ops::exp(&x)?;
            let end = ops::add(ops::multiply(&middle, &middle)?, 1.0)?;
            let ((), did) = counted(|| end.eval())?;
            assert_eq!((did.launches, did.lowered), (2, 1));
            let want: Vec<f32> = middle.to_vec::<f32>()?.iter().map(|m| m * m + 1.0).collect();
            assert_eq!(end.to_vec::<f32>()?, want);
            // Longer than a tape may be.
            let mut long = ops::add(&x, 1.0)?;
            for _ in 0..200 {
                long = ops::add(&long, &y)?;
            }
            let ((), did) = counted(|| long.eval())?;
            assert!((2..=40).contains(&did.launches), "{did:?}");
            // More inputs than a tape may have.
            let mut wide = ops::add(&x, 1.0)?;
            for i in 0..40 {
                wide = ops::add(&wide, values(&[7, 9], i)?)?;
            }
            let ((), did) = counted(|| wide.eval())?;
            assert!((2..=20).contains(&did.launches), "{did:?}");
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn derivatives_see_what_is_in_the_middle() -> Result<()> {
    let _alone = alone();
    for stream in streams()? {
        let (y, dx) = mlx::on(stream, || {
            let f = |x: &[Array]| -> Result<Vec<Array>> {
                let e = ops::exp(&x[0])?;
                e.eval()?;
                Ok(vec![ops::sum(&ops::multiply(ops::tanh(ops::multiply(&e, 0.5)?)?, &e)?, None, false)?])
            };
            let x = values(&[5], 1)?;
            let (y, g) = mlx::vjp(f, &[x], &[Array::scalar(1.0f32)?])?;
            Ok::<_, mlx::Error>((y[0].item::<f32>()?, g[0].to_vec::<f32>()?))
        })?;
        let x = values(&[5], 1)?.to_vec::<f32>()?;
        let f = |v: f64| (v.exp() * 0.5).tanh() * v.exp();
        let want: f64 = x.iter().map(|&v| f(f64::from(v))).sum();
        assert!((f64::from(y) - want).abs() < 1e-4 * want.abs());
        for (v, d) in x.iter().zip(dx) {
            let v = f64::from(*v);
            let slope = (f(v + 1e-4) - f(v - 1e-4)) / 2e-4;
            assert!((f64::from(d) - slope).abs() < 1e-3 * slope.abs());
        }
    }
    Ok(())
}

#[test]
fn a_failed_evaluation_can_be_repeated() -> Result<()> {
    let _alone = alone();
    for stream in streams()? {
        mlx::on(stream, || -> Result<()> {
            let x = values(&[1000], 1)?;
            let y = ops::add(ops::multiply(ops::exp(&x)?, &x)?, 1.0)?;
            let old = memory::set_limit(1);
            memory::clear_cache();
            let e = y.eval().expect_err("there is no room");
            memory::set_limit(old);
            assert_eq!(e.kind, ErrorKind::Memory, "{e}");
            let got = y.to_vec::<f32>()?;
            for (g, x) in got.iter().zip(x.to_vec::<f32>()?) {
                assert!((g - (x.exp() * x + 1.0)).abs() < 1e-5);
            }
            Ok(())
        })?;
    }
    Ok(())
}
