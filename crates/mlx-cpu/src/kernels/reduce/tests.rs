//! Reductions against a plain fold in f64, over all choices of axes of several layouts.

use crate::testing::*;
use crate::{CpuBackend, Isa};
use half::{bf16, f16};
use mlx_ir::op::{ArgKind, ArgReduce, Reduce, ReduceKind};
use mlx_ir::{C64, Element, Op, Operand};

fn index(shape: &[usize], mut i: usize) -> Vec<usize> {
    let mut at = vec![0; shape.len()];
    for d in (0..shape.len()).rev() {
        at[d] = i % shape[d];
        i /= shape[d];
    }
    at
}

fn flat(shape: &[usize], at: &[usize]) -> usize {
    shape.iter().zip(at).fold(0, |n, (d, a)| n * d + a)
}

/// The exact reduction of numbers in row-major order.
fn exact(kind: ReduceKind, x: &[f64], shape: &[usize], axes: &[usize]) -> Vec<f64> {
    let kept = Op::kept_shape(shape, axes);
    let start = match kind {
        ReduceKind::Sum | ReduceKind::Or => 0.0,
        ReduceKind::Prod | ReduceKind::And => 1.0,
        ReduceKind::Min => f64::INFINITY,
        ReduceKind::Max => f64::NEG_INFINITY,
    };
    let mut out = vec![start; kept.iter().product()];
    for (i, &v) in x.iter().enumerate() {
        let mut at = index(shape, i);
        axes.iter().for_each(|&a| at[a] = 0);
        let o = &mut out[flat(&kept, &at)];
        *o = match kind {
            ReduceKind::Sum => *o + v,
            ReduceKind::Prod => *o * v,
            ReduceKind::Min if o.is_nan() || v.is_nan() => f64::NAN,
            ReduceKind::Max if o.is_nan() || v.is_nan() => f64::NAN,
            ReduceKind::Min => o.min(v),
            ReduceKind::Max => o.max(v),
            ReduceKind::And => (*o != 0.0 && v != 0.0) as u8 as f64,
            ReduceKind::Or => (*o != 0.0 || v != 0.0) as u8 as f64,
        };
    }
    out
}

fn subsets(n: usize) -> Vec<Vec<usize>> {
    (0..1 << n).map(|m: usize| (0..n).filter(|d| m >> d & 1 == 1).collect()).collect()
}

/// Layouts over a base of 9000 elements: shape, strides, first element.
fn layouts() -> Vec<(Vec<usize>, Vec<isize>, usize)> {
    vec![
        (vec![9000], vec![1], 0),
        (vec![3000], vec![-3], 8999),
        (vec![30, 300], vec![300, 1], 0),
        (vec![300, 30], vec![1, 300], 0),
        (vec![2500, 3], vec![3, 1], 0),
        (vec![3, 2500], vec![1, 3], 7),
        (vec![10, 30, 30], vec![900, 30, 1], 0),
        (vec![10, 30, 30], vec![30, 1, 300], 0),
        (vec![7, 5, 9, 11], vec![0, 99, 11, 1], 3),
        (vec![5, 0, 3], vec![3, 3, 1], 0),
        (vec![1, 17, 1], vec![5, 2, 9], 1),
        (vec![], vec![], 4),
    ]
}

fn values<T: Element>(o: &Operand, to: impl Fn(T) -> f64) -> Vec<f64> {
    read::<T>(o).into_iter().map(to).collect()
}

#[test]
fn every_kind_over_every_choice_of_axes() {
    let mut r = Numbers(11);
    let base: Vec<f32> = (0..9000).map(|_| 1.0 + r.unit() * 0.02).collect();
    let kinds = [ReduceKind::Sum, ReduceKind::Prod, ReduceKind::Min, ReduceKind::Max, ReduceKind::And, ReduceKind::Or];
    for b in backends() {
        let f = operand(&b, &base, &[9000]);
        let h = operand(&b, &base.iter().map(|&x| bf16::from_f32(x)).collect::<Vec<_>>(), &[9000]);
        let i = operand(&b, &(0..9000).map(|i: i32| (i % 251 - 125) as i8).collect::<Vec<_>>(), &[9000]);
        let t = operand(&b, &(0..9000).map(|i| i % 5 != 0).collect::<Vec<_>>(), &[9000]);
        for (shape, strides, first) in layouts() {
            for axes in subsets(shape.len()) {
                let empty_axis = axes.iter().any(|&a| shape[a] == 0);
                for kind in kinds {
                    if empty_axis && matches!(kind, ReduceKind::Min | ReduceKind::Max) {
                        continue;
                    }
                    let kept = Op::kept_shape(&shape, &axes);
                    let op = Reduce { kind, axes: axes[..].into() };
                    let logical = matches!(kind, ReduceKind::And | ReduceKind::Or);
                    let adds = matches!(kind, ReduceKind::Sum | ReduceKind::Prod);
                    let case = format!("{kind:?} {shape:?} {strides:?} over {axes:?} {}", b.isa());

                    let x = view(&f, &shape, &strides, first);
                    let want = exact(kind, &values::<f32>(&x, |v| v as f64), &shape, &axes);
                    let near = |got: f64, want: f64, eps: f64| (got - want).abs() <= eps * want.abs() || got == want;
                    if logical {
                        let o = empty::<bool>(&b, &kept);
                        launch(&b, op.clone(), &[&x], &[&o]);
                        assert_eq!(values::<bool>(&o, |v| v as u8 as f64), want, "{case}");
                    } else {
                        let o = empty::<f32>(&b, &kept);
                        launch(&b, op.clone(), &[&x], &[&o]);
                        // A product of 9000 factors has that many roundings; columns are added one after another.
                        let eps = if kind == ReduceKind::Prod { 2e-5 } else { 1e-6 };
                        for (got, want) in values::<f32>(&o, |v| v as f64).into_iter().zip(want) {
                            assert!(near(got, want, eps), "{case}: {got} {want}");
                        }
                    }

                    let x = view(&h, &shape, &strides, first);
                    let want = exact(kind, &values::<bf16>(&x, |v| v.to_f64()), &shape, &axes);
                    if !logical {
                        let o = empty::<bf16>(&b, &kept);
                        launch(&b, op.clone(), &[&x], &[&o]);
                        for (got, want) in values::<bf16>(&o, |v| v.to_f64()).into_iter().zip(want) {
                            assert!(near(got, want, 0.004), "{case}: {got} {want}");
                        }
                    }

                    let x = view(&i, &shape, &strides, first);
                    let want = exact(kind, &values::<i8>(&x, |v| v as f64), &shape, &axes);
                    match (adds, logical) {
                        (true, _) => {
                            let o = empty::<i32>(&b, &kept);
                            launch(&b, op.clone(), &[&x], &[&o]);
                            // Products overflow; sums do not.
                            if kind == ReduceKind::Sum {
                                assert_eq!(values::<i32>(&o, |v| v as f64), want, "{case}");
                            }
                        }
                        (_, true) => {
                            let o = empty::<bool>(&b, &kept);
                            launch(&b, op.clone(), &[&x], &[&o]);
                            assert_eq!(values::<bool>(&o, |v| v as u8 as f64), want, "{case}");
                        }
                        _ => {
                            let o = empty::<i8>(&b, &kept);
                            launch(&b, op.clone(), &[&x], &[&o]);
                            assert_eq!(values::<i8>(&o, |v| v as f64), want, "{case}");
                        }
                    }

                    let x = view(&t, &shape, &strides, first);
                    let want = exact(kind, &values::<bool>(&x, |v| v as u8 as f64), &shape, &axes);
                    if adds {
                        let o = empty::<i32>(&b, &kept);
                        launch(&b, op, &[&x], &[&o]);
                        assert_eq!(values::<i32>(&o, |v| v as f64), want, "{case}");
                    } else {
                        let o = empty::<bool>(&b, &kept);
                        launch(&b, op, &[&x], &[&o]);
                        assert_eq!(values::<bool>(&o, |v| v as u8 as f64), want, "{case}");
                    }
                }
            }
        }
    }
}

#[test]
fn large_sums_are_accurate_and_equal_for_any_thread_count() {
    let n = 1_000_003;
    let mut r = Numbers(2);
    let x: Vec<f32> = (0..n).map(|_| r.unit() + 1.0).collect();
    let want: f64 = x.iter().map(|&v| v as f64).sum();
    for isa in Isa::available() {
        let mut seen = Vec::new();
        for threads in [1, 2, 5] {
            let b = CpuBackend::new(threads, isa).unwrap();
            let o = empty::<f32>(&b, &[1]);
            launch(&b, Reduce { kind: ReduceKind::Sum, axes: [0][..].into() }, &[&operand(&b, &x, &[n])], &[&o]);
            let got = read::<f32>(&o)[0];
            assert!((got as f64 - want).abs() <= 1e-7 * want, "{got} {want}");
            // Columns: 1000 × 1000.
            let o2 = empty::<f32>(&b, &[1, 1000]);
            let m = operand(&b, &x[..1_000_000], &[1000, 1000]);
            launch(&b, Reduce { kind: ReduceKind::Sum, axes: [0][..].into() }, &[&m], &[&o2]);
            let mut bits: Vec<u32> = read::<f32>(&o2).iter().map(|v| v.to_bits()).collect();
            bits.push(got.to_bits());
            seen.push(bits);
        }
        assert!(seen.iter().all(|s| *s == seen[0]));
    }
    // Half types are summed in f32: 100,000 ones are more than f16 can count.
    let b = CpuBackend::new(2, Isa::detect()).unwrap();
    let (x, o) = (operand(&b, &vec![f16::from_f32(0.5); 100_000], &[100_000]), empty::<f16>(&b, &[1]));
    launch(&b, Reduce { kind: ReduceKind::Sum, axes: [0][..].into() }, &[&x], &[&o]);
    assert_eq!(read::<f16>(&o)[0].to_f32(), 50_000.0_f32.min(f16::from_f32(50_000.0).to_f32()));
}

#[test]
fn nan_propagates_and_complex_numbers_have_an_order() {
    for b in backends() {
        for at in [0, 5, 2500, 4999] {
            let mut x = vec![1f32; 5000];
            x[at] = f32::NAN;
            let x = operand(&b, &x, &[5000]);
            for kind in [ReduceKind::Min, ReduceKind::Max] {
                let o = empty::<f32>(&b, &[1]);
                launch(&b, Reduce { kind, axes: [0][..].into() }, &[&x], &[&o]);
                assert!(read::<f32>(&o)[0].is_nan());
            }
            for kind in [ArgKind::Min, ArgKind::Max] {
                let o = empty::<u32>(&b, &[1]);
                launch(&b, ArgReduce { kind, axis: 0 }, &[&x], &[&o]);
                assert_eq!(read::<u32>(&o), [at as u32]);
            }
        }
        let z = operand(&b, &[C64::new(1.0, 2.0), C64::new(1.0, -3.0), C64::new(0.0, 9.0)], &[3]);
        let o = empty::<C64>(&b, &[1]);
        for (kind, want) in [
            (ReduceKind::Max, C64::new(1.0, 2.0)),
            (ReduceKind::Min, C64::new(0.0, 9.0)),
            (ReduceKind::Sum, C64::new(2.0, 8.0)),
            (ReduceKind::Prod, C64::new(9.0, 63.0)),
        ] {
            launch(&b, Reduce { kind, axes: [0][..].into() }, &[&z], &[&o]);
            assert_eq!(read::<C64>(&o), [want], "{kind:?}");
        }
    }
}

#[test]
fn positions_are_those_of_the_first() {
    for b in backends() {
        let base: Vec<i32> = (0..9000).map(|i: i32| i * 7919 % 101).collect();
        let x = operand(&b, &base, &[9000]);
        let h = operand(&b, &base.iter().map(|&v| f16::from_f32(v as f32)).collect::<Vec<_>>(), &[9000]);
        for (shape, strides, first) in layouts() {
            let v = view(&x, &shape, &strides, first);
            let all = read::<i32>(&v);
            for axis in (0..shape.len()).filter(|&a| shape[a] > 0) {
                let kept = Op::kept_shape(&shape, &[axis]);
                for kind in [ArgKind::Min, ArgKind::Max] {
                    let (o, oh) = (empty::<u32>(&b, &kept), empty::<u32>(&b, &kept));
                    launch(&b, ArgReduce { kind, axis }, &[&v], &[&o]);
                    launch(&b, ArgReduce { kind, axis }, &[&like(&h, &v)], &[&oh]);
                    let got = read::<u32>(&o);
                    assert_eq!(got, read::<u32>(&oh));
                    for (i, &g) in got.iter().enumerate() {
                        let mut at = index(&kept, i);
                        let mut best = 0;
                        for k in 0..shape[axis] {
                            let get = |k: usize, at: &mut Vec<usize>| {
                                at[axis] = k;
                                all[flat(&shape, at)]
                            };
                            let (n, m) = (get(k, &mut at), get(best, &mut at));
                            if (kind == ArgKind::Max && n > m) || (kind == ArgKind::Min && n < m) {
                                best = k;
                            }
                        }
                        assert_eq!(g as usize, best, "{kind:?} {shape:?} {strides:?} along {axis}");
                    }
                }
            }
        }
    }
}
