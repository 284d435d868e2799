use super::*;
use crate::backend::Cx;
use crate::kernels::testing::{Case, Rng, pools};
use mlx_ir::op::Real;

/// Reference in f64 over the logical elements.
fn reference(a: &[f64], b: &[f64], [m, n, k]: [usize; 3]) -> (Vec<f64>, Vec<f64>) {
    let (mut c, mut mag) = (vec![0.0; m * n], vec![0.0; m * n]);
    for i in 0..m {
        for p in 0..k {
            for j in 0..n {
                c[i * n + j] += a[i * k + p] * b[p * n + j];
                mag[i * n + j] += (a[i * k + p] * b[p * n + j]).abs();
            }
        }
    }
    (c, mag)
}

fn eps(d: DType) -> f64 {
    match d {
        DType::F16 => 1e-3,
        DType::BF16 => 8e-3,
        DType::F64 => 1e-14,
        _ => 1e-6,
    }
}

#[test]
fn products_of_all_shapes_layouts_and_levels() {
    let mut rng = Rng::new(1);
    let sizes = [
        [1, 1, 1],
        [1, 70, 33],
        [3, 129, 65],
        [8, 40, 17],
        [9, 9, 9],
        [70, 1, 33],
        [65, 3, 31],
        [13, 33, 17],
        [25, 67, 330],
        [40, 31, 700],
        [100, 130, 64],
    ];
    for (pool, isa) in pools() {
        let cx = Cx { pool: &pool, isa };
        for d in [DType::F32, DType::F16, DType::BF16, DType::F64] {
            for [m, n, k] in sizes {
                for layout in 0..9 {
                    let a = Case::random(&mut rng, &[m, k], d, layout % 3);
                    let b = Case::random(&mut rng, &[k, n], d, layout / 3);
                    let c = Case::random(&mut rng, &[m, n], d, layout % 3);
                    let out = Case::output(&[m, n], d);
                    op::Matmul {}.run(&cx, &[a.op(), b.op()], &[out.op()]).unwrap();
                    let (want, mag) = reference(&a.values(), &b.values(), [m, n, k]);
                    for (q, (x, y)) in out.values().iter().zip(&want).enumerate() {
                        assert!((x - y).abs() <= eps(d) * (mag[q] + 1e-6), "{isa} {d} {m}x{n}x{k} {layout}: {x} {y}");
                    }
                    let op = op::AddMM { alpha: Real::new(0.5), beta: Real::new(-2.0) };
                    op.run(&cx, &[c.op(), a.op(), b.op()], &[out.op()]).unwrap();
                    let cv = c.values();
                    for (q, x) in out.values().iter().enumerate() {
                        let y = 0.5 * want[q] - 2.0 * cv[q];
                        assert!((x - y).abs() <= eps(d) * (mag[q] + 2.0 * cv[q].abs() + 1e-6), "{isa} {d} addmm");
                    }
                    out.check_guards();
                }
            }
        }
    }
}

#[test]
fn batches_broadcast_and_empty_sums() {
    let mut rng = Rng::new(2);
    for (pool, isa) in pools() {
        let cx = Cx { pool: &pool, isa };
        let (m, n, k) = (5, 37, 19);
        let a = Case::random(&mut rng, &[3, 2, m, k], DType::F32, 0);
        // One matrix for all; one for each of the inner batch.
        for shared in [[0isize, 0], [0, (n * k) as isize], [(2 * n * k) as isize, (n * k) as isize]] {
            let b = Case::random(&mut rng, &[3, 2, k, n], DType::F32, 0);
            let mut bo = b.op();
            bo.desc.strides[0] = shared[0];
            bo.desc.strides[1] = shared[1];
            let out = Case::output(&[3, 2, m, n], DType::F32);
            op::Matmul {}.run(&cx, &[a.op(), bo], &[out.op()]).unwrap();
            let (av, bv, ov) = (a.values(), b.values(), out.values());
            for i in 0..6 {
                let off = (i / 2) * shared[0] as usize + (i % 2) * shared[1] as usize;
                let (want, _) = reference(&av[i * m * k..(i + 1) * m * k], &bv[off..off + n * k], [m, n, k]);
                for q in 0..m * n {
                    assert!((ov[i * m * n + q] - want[q]).abs() < 1e-5);
                }
            }
        }
        for d in [DType::F32, DType::BF16, DType::F64, DType::C64] {
            for m in [1, 20] {
                let (a, b) = (Case::random(&mut rng, &[m, 0], d, 0), Case::random(&mut rng, &[0, 33], d, 0));
                let out = Case::output(&[m, 33], d);
                op::Matmul {}.run(&cx, &[a.op(), b.op()], &[out.op()]).unwrap();
                assert!(out.values().iter().all(|x| *x == 0.0));
            }
        }
    }
}

#[test]
fn complex_products() {
    let mut rng = Rng::new(3);
    for (pool, isa) in pools() {
        let cx = Cx { pool: &pool, isa };
        let [m, n, k] = [14, 35, 40];
        let (a, b) = (Case::random(&mut rng, &[m, k], DType::C64, 1), Case::random(&mut rng, &[k, n], DType::C64, 2));
        let out = Case::output(&[m, n], DType::C64);
        op::Matmul {}.run(&cx, &[a.op(), b.op()], &[out.op()]).unwrap();
        let (a, b, o) = (a.values(), b.values(), out.values());
        for i in 0..m {
            for j in 0..n {
                let (mut re, mut im) = (0.0, 0.0);
                for p in 0..k {
                    let (x, y) = (&a[(i * k + p) * 2..], &b[(p * n + j) * 2..]);
                    re += x[0] * y[0] - x[1] * y[1];
                    im += x[0] * y[1] + x[1] * y[0];
                }
                assert!((o[(i * n + j) * 2] - re).abs() < 1e-4 && (o[(i * n + j) * 2 + 1] - im).abs() < 1e-4);
            }
        }
    }
}

#[test]
fn nan_and_infinity_stay() {
    for (pool, isa) in pools() {
        let cx = Cx { pool: &pool, isa };
        for m in [2, 12] {
            let a = Case::f32(&[m, 3], &vec![1.0; m * 3]);
            let mut b = vec![0.0; 3 * 40];
            (b[0], b[1], b[2]) = (f32::NAN, f32::INFINITY, -1.0);
            let out = Case::output(&[m, 40], DType::F32);
            op::Matmul {}.run(&cx, &[a.op(), Case::f32(&[3, 40], &b).op()], &[out.op()]).unwrap();
            let v = out.values();
            assert!(v[0].is_nan() && v[1] == f64::INFINITY && v[2] == -1.0 && v[3] == 0.0);
        }
    }
}

#[test]
fn chosen_matrices_are_those_at_the_indices() {
    let mut rng = Rng::new(4);
    for (pool, isa) in pools() {
        let cx = Cx { pool: &pool, isa };
        for d in [DType::F32, DType::F16, DType::BF16, DType::F64] {
            for (m, layout) in [(1, 0), (1, 1), (3, 2), (20, 1)] {
                let (n, k) = (37, 19);
                // Runs, negative places and places beyond the end.
                let right = [0.0, 0.0, 3.0, 3.0, 3.0, -1.0, -9.0, 77.0];
                let left = [1.0, 1.0, 0.0, -1.0, 1.0, 5.0, -7.0, 0.0];
                let place = |i: f64, n: i64| {
                    let i = i as i64;
                    (if i < 0 { i + n } else { i }).clamp(0, n - 1) as usize
                };
                let b = Case::random(&mut rng, &[4, k, n], d, layout);
                let r = Case::layout(&[2, 4], DType::I32, &right, 0);
                for chosen in [false, true] {
                    let stack = if chosen { vec![2, m, k] } else { vec![2, 4, m, k] };
                    let a = Case::random(&mut rng, &stack, d, layout);
                    let l = Case::layout(&[2, 4], DType::I64, &left, 0);
                    let out = Case::output(&[2, 4, m, n], d);
                    let op = op::GatherMM { left: chosen, right: true, sorted: false };
                    let mut ins = vec![a.op(), b.op()];
                    ins.extend(chosen.then(|| l.op()));
                    ins.push(r.op());
                    op.run(&cx, &ins, &[out.op()]).unwrap();
                    out.check_guards();
                    let (av, bv, ov) = (a.values(), b.values(), out.values());
                    for i in 0..8 {
                        let from = if chosen { place(left[i], 2) } else { i } * m * k;
                        let to = place(right[i], 4) * k * n;
                        let (want, mag) = reference(&av[from..from + m * k], &bv[to..to + k * n], [m, n, k]);
                        for (q, (x, y)) in ov[i * m * n..(i + 1) * m * n].iter().zip(&want).enumerate() {
                            assert!((x - y).abs() <= eps(d) * (mag[q] + 1e-6), "{isa} {d} {m} {layout} {i}: {x} {y}");
                        }
                    }
                }
            }
        }
    }
}
