//! What the crate promises about memory, copies, failure and threads. The counters and limits are those of the whole
//! process, so the tests take turns.

use mlx::ops::*;
use mlx::{Array, DType, ErrorKind, Result, counts, memory};
use std::sync::{Mutex, MutexGuard};

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(|e| e.into_inner())
}

fn fresh(n: usize) -> Result<Array> {
    let a = arange(0.0, n as f64, 1.0, DType::F32)?;
    a.eval()?;
    Ok(a)
}

#[test]
fn a_dying_input_is_written_over() -> Result<()> {
    let _turn = turn();
    let one = Array::scalar(1.0f32)?;
    for together in [false, true] {
        let before = counts();
        let mut x = add(fresh(1000)?, &one)?;
        for _ in 0..9 {
            if !together {
                x.eval()?;
            }
            x = multiply(x, &one)?;
        }
        x.eval()?;
        let did = counts() - before;
        // The first sum's input dies with it, and every intermediate result that there is.
        assert_eq!((did.donations, did.copies), (if together { 1 } else { 10 }, 0));
        assert_eq!(x.to_vec::<f32>()?[999], 1000.0);
    }
    Ok(())
}

#[test]
fn what_is_still_held_is_not_written_over() -> Result<()> {
    let _turn = turn();
    let a = fresh(1000)?;
    let view = slice(&a, &[0], &[1000], &[2])?;
    view.eval()?;
    let before = counts();
    let b = add(&a, 1.0f32)?;
    b.eval()?;
    drop(a);
    // The buffer is also that of a view.
    let c = negative(&view)?;
    c.eval()?;
    assert_eq!((counts() - before).donations, 0);
    assert_eq!(view.to_vec::<f32>()?[499], 998.0);
    assert_eq!((b.to_vec::<f32>()?[1], c.to_vec::<f32>()?[1]), (2.0, -2.0));
    // An array given twice to one op, and one held by two pending ops.
    let a = fresh(100)?;
    let (twice, other) = (add(&a, &a)?, multiply(&a, 3.0f32)?);
    drop(a);
    mlx::eval(&[twice.clone(), other.clone()])?;
    assert_eq!((twice.to_vec::<f32>()?[7], other.to_vec::<f32>()?[7]), (14.0, 21.0));
    Ok(())
}

#[test]
fn views_and_transposed_products_copy_nothing() -> Result<()> {
    let _turn = turn();
    let a = reshape(&fresh(24)?, &[4, 6])?;
    let before = counts();
    let t = transpose(&a, None)?;
    let s = slice(&t, &[5, 0], &[-7, 4], &[-2, 1])?;
    let b = broadcast_to(&expand_dims(&s, &[0])?, &[2, 3, 4])?;
    let p = matmul(&a, &transpose(&a, None)?)?;
    let sum = add(&b, &b)?;
    mlx::eval(&[t, s, b, p, sum])?;
    assert_eq!((counts() - before).copies, 0);
    // What cannot be had by strides is copied once, and counted.
    let before = counts();
    reshape(&transpose(&a, None)?, &[24])?.eval()?;
    assert_eq!((counts() - before).copies, 1);
    Ok(())
}

#[test]
fn memory_returns_to_where_it_was() -> Result<()> {
    let _turn = turn();
    // Workers and thread-locals make what they keep once.
    add(&fresh(10)?, &fresh(10)?)?.eval()?;
    let before = memory::active();
    memory::reset_peak();
    {
        let a = fresh(1 << 20)?;
        let b = sum(&multiply(&add(&a, 1.0f32)?, &a)?, None, false)?;
        b.eval()?;
        assert!(memory::active() >= before + (4 << 20));
        let lazy = add(&a, &a)?;
        drop(lazy);
        let never = add(&zeros(&[4], DType::F32)?, &zeros(&[3, 4], DType::F32)?)?;
        drop(never);
    }
    assert_eq!(memory::active(), before);
    assert!(memory::peak() >= before + (4 << 20));
    memory::clear_cache();
    assert_eq!(memory::cache(), 0);
    Ok(())
}

#[test]
fn out_of_memory_leaves_everything_and_can_be_tried_again() -> Result<()> {
    let _turn = turn();
    let a = fresh(1 << 18)?;
    memory::clear_cache();
    let big = |x: &Array| concatenate(&[x.clone(), x.clone(), x.clone(), x.clone()], 0);
    let small = add(&a, 1.0f32)?;
    let x = big(&small)?;
    let y = sum(&big(&x)?, None, false)?;
    let before = memory::active();
    // Room for the sum and the first concatenation, not for the second.
    let old = memory::set_limit(before + (6 << 20));
    let e = y.eval().unwrap_err();
    assert_eq!(e.kind, ErrorKind::Memory, "{e}");
    // What was there is intact, what was not computed is still asked for.
    assert!(!y.is_evaluated());
    assert_eq!(a.to_vec::<f32>()?[9], 9.0);
    let e = y.eval().unwrap_err();
    assert_eq!(e.kind, ErrorKind::Memory);
    memory::set_limit(old);
    y.eval()?;
    let n = (1u64 << 18) as f64;
    let want = 16.0 * (n * (n - 1.0) / 2.0 + n);
    assert!((y.item::<f32>()? as f64 / want - 1.0).abs() < 1e-4);
    assert_eq!(x.to_vec::<f32>()?[(1 << 18) + 3], 4.0);
    // An array that can't be made is an error, not an abort.
    memory::set_limit(memory::active());
    assert_eq!(Array::from_slice(&[1.0f32; 4096], &[4096]).unwrap_err().kind, ErrorKind::Memory);
    memory::set_limit(old);
    Ok(())
}

#[test]
fn a_failed_async_evaluation_is_told_and_can_be_tried_again() -> Result<()> {
    let _turn = turn();
    let s = mlx::Stream::new(mlx::Device::Cpu)?;
    let a = fresh(1 << 20)?;
    memory::clear_cache();
    let y = mlx::on(s, || concatenate(&[a.clone(), a.clone()], 0))?;
    let old = memory::set_limit(memory::active() + (1 << 20));
    mlx::async_eval(std::slice::from_ref(&y))?;
    assert_eq!(mlx::synchronize(s).unwrap_err().kind, ErrorKind::Memory);
    memory::set_limit(old);
    mlx::synchronize(s)?;
    assert_eq!(y.to_vec::<f32>()?[(1 << 20) + 5], 5.0);
    Ok(())
}

#[test]
fn threads_build_and_evaluate_at_once() -> Result<()> {
    let _turn = turn();
    let shared = fresh(1000)?;
    let results: Vec<f32> = std::thread::scope(|s| {
        let work = |t: usize| {
            let shared = shared.clone();
            move || -> Result<f32> {
                let mut x = shared.clone();
                for i in 0..300 {
                    x = add(&x, &multiply(&shared, if (i + t).is_multiple_of(2) { 1.0 } else { -1.0 })?)?;
                    if i % 50 == t {
                        x.eval()?;
                    }
                }
                sum(&x, None, false)?.item::<f32>()
            }
        };
        let threads: Vec<_> = (0..6).map(|t| s.spawn(work(t))).collect();
        threads.into_iter().map(|t| t.join().unwrap().unwrap()).collect()
    });
    assert!(results.iter().all(|&r| r == 499_500.0), "{results:?}");
    Ok(())
}

#[test]
fn threads_and_streams_share_a_deep_graph() -> Result<()> {
    let _turn = turn();
    let streams: Vec<_> = (0..3).map(|_| mlx::Stream::new(mlx::Device::Cpu)).collect::<Result<_>>()?;
    let mut x = fresh(4)?;
    let mut marks = Vec::new();
    for i in 0..600 {
        x = mlx::on(streams[i % 3], || add(&x, 1.0f32))?;
        if i % 100 == 99 {
            marks.push((i + 1, x.clone()));
        }
    }
    std::thread::scope(|s| {
        for (n, m) in marks.iter().rev() {
            s.spawn(move || assert_eq!(m.to_vec::<f32>().unwrap()[0], *n as f32));
        }
    });
    mlx::async_eval(std::slice::from_ref(&x))?;
    for s in streams {
        mlx::synchronize(s)?;
    }
    assert_eq!(x.to_vec::<f32>()?[3], 603.0);
    Ok(())
}

#[test]
fn a_million_deep_through_views_and_drops() -> Result<()> {
    let _turn = turn();
    let mut x = fresh(3)?;
    for i in 0..1_000_000usize {
        x = if i % 4 == 3 { expand_dims(&squeeze(&x, None)?, &[0])? } else { flip(&x, None)? };
    }
    assert_eq!(x.size(), 3);
    x.eval()?;
    let mut v = x.to_vec::<f32>()?;
    v.sort_by(f32::total_cmp);
    assert_eq!(v, [0.0, 1.0, 2.0]);
    // A derivative walks the graph and builds one as deep.
    let deep = |x: &[Array]| {
        let mut y = x[0].clone();
        for _ in 0..20_000 {
            y = add(&y, 0.5f64)?;
        }
        Ok(y)
    };
    let g = mlx::grad(deep, &[0])(&[Array::scalar(1.0f64)?])?;
    assert_eq!(g[0].item::<f64>()?, 1.0);
    Ok(())
}
