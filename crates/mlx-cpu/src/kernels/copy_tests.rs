//! Copies, concatenation, padding, slices and updates against an element-by-element walk.

use crate::testing::*;
use half::f16;
use mlx_ir::op::{Arange, Concatenate, Contiguous, Pad, Real};
use mlx_ir::{C64, DType, Element, Operand};

fn check<T: Element + PartialEq + std::fmt::Debug>(o: &Operand, shape: &[usize], f: impl Fn(&[usize]) -> T) {
    let got = read::<T>(o);
    let mut at = vec![0; shape.len()];
    for g in got {
        assert_eq!(g, f(&at), "{shape:?} at {at:?}");
        for d in (0..shape.len()).rev() {
            at[d] += 1;
            if at[d] < shape[d] {
                break;
            }
            at[d] = 0;
        }
    }
}

fn copies<T: Element + PartialEq + std::fmt::Debug>(b: &crate::CpuBackend, f: impl Fn(usize) -> T) {
    let n = 200_000;
    let base = operand(b, &(0..n).map(f).collect::<Vec<T>>(), &[n]);
    for (shape, strides, first) in [
        (vec![300usize, 400], vec![400isize, 1], 0usize),
        (vec![300, 400], vec![1, 300], 5),
        (vec![129, 67], vec![1, 129], 0),
        (vec![20, 30, 40], vec![1, 20, 600], 0),
        (vec![20, 30, 40], vec![40, 800, 1], 0),
        (vec![4, 16, 9, 100], vec![14400, 1, 1600, 16], 0),
        (vec![64, 64], vec![-1, -64], 4095),
        (vec![64, 64], vec![1, -64], 4032),
        (vec![50, 50], vec![0, 1], 0),
        (vec![50, 50], vec![1, 0], 0),
        (vec![1000], vec![-3], 3000),
        (vec![3, 0], vec![1, 1], 0),
        (vec![], vec![], 7),
        (vec![199_999], vec![1], 1),
        (vec![2, 90_000], vec![90_001, 1], 1),
    ] {
        let v = view(&base, &shape, &strides, first);
        let o = empty::<T>(b, &shape);
        launch(b, Contiguous {}, &[&v], &[&o]);
        assert_eq!(read::<T>(&o), read::<T>(&v), "{shape:?} {strides:?}");
    }
}

#[test]
fn strided_arrays_become_row_major() {
    for b in backends() {
        copies::<u8>(&b, |i| i as u8);
        copies::<i16>(&b, |i| i as i16);
        copies::<f32>(&b, |i| i as f32);
        copies::<C64>(&b, |i| C64::new(i as f32, -(i as f32)));
    }
}

#[test]
fn a_large_transpose_streams() {
    let b = crate::CpuBackend::new(2, crate::Isa::detect()).unwrap();
    for (m, n) in [(2503, 2531), (98_003, 65), (67, 97_001), (2600, 2500)] {
        let x = operand(&b, &(0..m * n).map(|i| i as u32).collect::<Vec<_>>(), &[m, n]);
        let o = empty::<u32>(&b, &[n, m]);
        launch(&b, Contiguous {}, &[&view(&x, &[n, m], &[1, n as isize], 0)], &[&o]);
        assert!(read::<u32>(&o).iter().enumerate().all(|(k, &v)| v as usize == k % m * n + k / m), "{m} {n}");
    }
    let (m, n) = (5003, 5101);
    let x = operand(&b, &(0..m * n).map(|i| i as u8).collect::<Vec<_>>(), &[m, n]);
    let o = empty::<u8>(&b, &[n, m]);
    launch(&b, Contiguous {}, &[&view(&x, &[n, m], &[1, n as isize], 0)], &[&o]);
    assert!(read::<u8>(&o).iter().enumerate().all(|(k, &v)| v == (k % m * n + k / m) as u8));
    let (m, n) = (2600, 2500);
    let x = operand(&b, &(0..m * n).map(|i| i as u32).collect::<Vec<_>>(), &[m, n]);
    let o = empty::<u32>(&b, &[m, n]);
    launch(&b, Contiguous {}, &[&view(&x, &[m, n], &[n as isize, 1], 0)], &[&o]);
    assert_eq!(read::<u32>(&o), read::<u32>(&x));
}

#[test]
fn concatenate_and_pad() {
    for b in backends() {
        let x = operand(&b, &(0..60).map(|i| i as f32).collect::<Vec<_>>(), &[60]);
        let (p, q) = (view(&x, &[3, 4, 5], &[20, 5, 1], 0), view(&x, &[3, 2, 5], &[1, 3, 6], 0));
        let e = view(&x, &[3, 0, 5], &[1, 1, 1], 0);
        let o = empty::<f32>(&b, &[3, 6, 5]);
        launch(&b, Concatenate { axis: 1 }, &[&p, &e, &q], &[&o]);
        check::<f32>(&o, &[3, 6, 5], |a| match a[1] {
            0..4 => (a[0] * 20 + a[1] * 5 + a[2]) as f32,
            k => (a[0] + (k - 4) * 3 + a[2] * 6) as f32,
        });
        let value = operand(&b, &[-1f32], &[]);
        let o = empty::<f32>(&b, &[4, 7, 5]);
        let op = Pad { low: [0usize, 2, 0][..].into(), high: [1usize, 1, 0][..].into() };
        launch(&b, op, &[&p, &value], &[&o]);
        check::<f32>(&o, &[4, 7, 5], |a| {
            if a[0] < 3 && (2..6).contains(&a[1]) { (a[0] * 20 + (a[1] - 2) * 5 + a[2]) as f32 } else { -1.0 }
        });
    }
}

#[test]
fn arange_counts() {
    let b = &backends()[0];
    let o = empty::<f16>(b, &[4]);
    launch(b, Arange { start: Real::new(0.5), step: Real::new(-0.25), len: 4, dtype: DType::F16 }, &[], &[&o]);
    assert_eq!(read::<f16>(&o), [0.5, 0.25, 0.0, -0.25].map(f16::from_f32));
}
