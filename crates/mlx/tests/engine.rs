//! Promises of the engine: laziness, order, depth, donation, copies, failure, threads, transforms.

use mlx::ops::{self, *};
use mlx::{Array, DType, ErrorKind, Result};

fn v(x: &[f32]) -> Array {
    Array::from_slice(x, &[x.len()]).unwrap()
}

#[test]
fn computes_once_and_lazily() -> Result<()> {
    let a = v(&[1.0, 2.0, 3.0]);
    let b = add(&a, &a)?;
    assert!(!b.is_evaluated());
    let c = multiply(&b, 2.0)?;
    assert_eq!(c.to_vec::<f32>()?, [4.0, 8.0, 12.0]);
    assert!(b.is_evaluated());
    assert!(b.inputs().is_empty(), "a computed array lets go of what it was made from");
    Ok(())
}

#[test]
fn a_million_deep() -> Result<()> {
    let one = v(&[1.0]);
    let mut x = v(&[0.0]);
    for _ in 0..1_000_000 {
        x = add(&x, &one)?;
    }
    assert_eq!(x.to_vec::<f32>()?, [1e6]);
    let mut y = v(&[0.0]);
    for _ in 0..1_000_000 {
        y = add(&y, &one)?;
    }
    drop(y);
    Ok(())
}

#[test]
fn views_copy_nothing() -> Result<()> {
    let a = reshape(&arange(0.0, 24.0, 1.0, DType::F32)?, &[2, 3, 4])?;
    a.eval()?;
    let t = transpose(&a, None)?;
    let s = slice(&t, &[3, 0, 0], &[-5, 3, 2], &[-2, 1, 1])?;
    let e = expand_dims(&s, &[0])?;
    let b = broadcast_to(&e, &[5, 2, 3, 2])?;
    b.eval()?;
    assert_eq!(s.to_vec::<f32>()?, [3.0, 15.0, 7.0, 19.0, 11.0, 23.0, 1.0, 13.0, 5.0, 17.0, 9.0, 21.0]);
    assert_eq!(b.strides()?.as_slice(), &[0, -2, 4, 12]);
    Ok(())
}

#[test]
fn gradients_of_gradients() -> Result<()> {
    // d²/dx² exp(x²) = (2 + 4x²)·exp(x²)
    let f = |x: &[Array]| ops::exp(&square(&x[0])?);
    let g = mlx::grad(move |x: &[Array]| sum(&mlx::grad(f, &[0])(x)?[0], None, false), &[0]);
    let x = Array::scalar(0.5f64)?;
    let got = g(&[x])?[0].item::<f64>()?;
    let want = (2.0 + 4.0 * 0.25) * 0.25f64.exp();
    assert!((got - want).abs() < 1e-12, "{got} {want}");
    Ok(())
}

#[test]
fn vmap_of_grad_is_a_loop() -> Result<()> {
    let f = |x: &[Array]| sum(&multiply(&ops::sin(&x[0])?, &x[1])?, None, false);
    let g = mlx::vmap(mlx::grad(f, &[0]), &[Some(0), None], &[Some(0)]);
    let x = reshape(&arange(0.0, 6.0, 1.0, DType::F64)?, &[2, 3])?;
    let w = arange(1.0, 4.0, 1.0, DType::F64)?;
    let got = g(&[x, w])?[0].to_vec::<f64>()?;
    for (i, g) in got.iter().enumerate() {
        assert!((g - (i as f64).cos() * (i % 3 + 1) as f64).abs() < 1e-12);
    }
    Ok(())
}

#[test]
fn traced_arrays_have_no_value() {
    let f = |x: &[Array]| {
        x[0].eval()?;
        Ok(vec![x[0].clone()])
    };
    let e = mlx::vmap(f, &[Some(0)], &[Some(0)])(&[v(&[1.0, 2.0])]).unwrap_err();
    assert_eq!(e.kind, ErrorKind::Value);
}

#[test]
fn threads_share_a_graph() -> Result<()> {
    let mut x = v(&[0.0; 100]);
    for i in 0..2000 {
        x = add(&x, if i % 2 == 0 { 1.0 } else { 0.5 })?;
    }
    std::thread::scope(|s| {
        for _ in 0..8 {
            let x = x.clone();
            s.spawn(move || assert_eq!(x.to_vec::<f32>().unwrap(), [1500.0; 100]));
        }
    });
    Ok(())
}

#[test]
fn streams_and_async() -> Result<()> {
    let other = mlx::Stream::new(mlx::Device::Cpu)?;
    let a = v(&[1.0, 2.0]);
    let b = mlx::on(other, || multiply(&a, 3.0))?;
    let c = add(&b, &a)?;
    mlx::async_eval(std::slice::from_ref(&c))?;
    mlx::synchronize(other)?;
    mlx::synchronize(mlx::current_stream())?;
    assert!(c.is_evaluated());
    assert_eq!(c.to_vec::<f32>()?, [4.0, 8.0]);
    // Where there is a GPU it has streams.
    if let Err(e) = mlx::Stream::new(mlx::Device::Gpu) {
        assert_eq!(e.kind, ErrorKind::Device);
    }
    Ok(())
}
