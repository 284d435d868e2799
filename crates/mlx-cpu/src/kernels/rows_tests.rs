//! Softmax, ln Σ e^x, norms and scans against f64.

use crate::testing::*;
use half::{bf16, f16};
use mlx_ir::op::{LayerNorm, LogSumExp, Real, RmsNorm, Scan, ScanKind, Softmax};
use mlx_ir::{C64, Operand};

fn rows(x: &[f64], n: usize, f: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    if n == 0 { Vec::new() } else { x.chunks(n).flat_map(f).collect() }
}

fn near(got: &[f64], want: &[f64], eps: f64) {
    assert_eq!(got.len(), want.len());
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        let same = g == w || (g.is_nan() && w.is_nan());
        assert!(same || (g - w).abs() <= eps * w.abs().max(1e-3), "{i}: {g} {w}");
    }
}

fn softmax(x: &[f64]) -> Vec<f64> {
    let m = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let s: f64 = x.iter().map(|v| (v - m).exp()).sum();
    x.iter().map(|v| (v - m).exp() / s).collect()
}

fn logsumexp(x: &[f64]) -> Vec<f64> {
    let m = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let m = if m.is_finite() { m } else { 0.0 };
    vec![x.iter().map(|v| (v - m).exp()).sum::<f64>().ln() + m]
}

fn norm(x: &[f64], w: Option<&[f64]>, b: Option<&[f64]>, eps: f64, centre: bool) -> Vec<f64> {
    let n = x.len() as f64;
    let mean = if centre { x.iter().sum::<f64>() / n } else { 0.0 };
    let var = x.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
    let r = 1.0 / (var + eps).sqrt();
    let at = |v: Option<&[f64]>, i: usize, none: f64| v.map_or(none, |v| v[i]);
    x.iter().enumerate().map(|(i, v)| (v - mean) * r * at(w, i, 1.0) + at(b, i, 0.0)).collect()
}

fn wide(o: &Operand) -> Vec<f64> {
    match o.desc.dtype {
        mlx_ir::DType::F32 => read::<f32>(o).iter().map(|&v| v as f64).collect(),
        mlx_ir::DType::F16 => read::<f16>(o).iter().map(|v| v.to_f64()).collect(),
        _ => read::<bf16>(o).iter().map(|v| v.to_f64()).collect(),
    }
}

#[test]
fn rows_agree_with_f64() {
    let mut r = Numbers(21);
    let base: Vec<f32> = (0..30_000).map(|_| r.unit() * 8.0).collect();
    for b in backends() {
        let f = operand(&b, &base, &[30_000]);
        let h = operand(&b, &base.iter().map(|&v| f16::from_f32(v)).collect::<Vec<_>>(), &[30_000]);
        let g = operand(&b, &base.iter().map(|&v| bf16::from_f32(v)).collect::<Vec<_>>(), &[30_000]);
        for (shape, strides) in [
            (vec![3usize, 1000], vec![1000isize, 1]),
            (vec![7, 33], vec![40, 1]),
            (vec![2, 5, 64], vec![64, 128, 1]),
            (vec![4, 7000], vec![0, 1]),
            (vec![5, 1], vec![3, 9]),
            (vec![0, 8], vec![8, 1]),
            (vec![17], vec![1]),
        ] {
            let n = *shape.last().unwrap();
            let mut kept = shape.clone();
            *kept.last_mut().unwrap() = 1;
            for (base, eps) in [(&f, 2e-6), (&h, 1.2e-3), (&g, 9e-3)] {
                let x = view(base, &shape, &strides, 11);
                let xs = wide(&x);
                let out = |s: &[usize]| match base.desc.dtype {
                    mlx_ir::DType::F32 => empty::<f32>(&b, s),
                    mlx_ir::DType::F16 => empty::<f16>(&b, s),
                    _ => empty::<bf16>(&b, s),
                };
                let o = out(&shape);
                launch(&b, Softmax { precise: true }, &[&x], &[&o]);
                near(&wide(&o), &rows(&xs, n, softmax), eps);
                let o = out(&kept);
                launch(&b, LogSumExp {}, &[&x], &[&o]);
                near(&wide(&o), &rows(&xs, n, logsumexp), eps);
                let (w, v) = (view(base, &[n], &[1], 3), view(base, &[n], &[1], 5000));
                let (ws, vs) = (wide(&w), wide(&v));
                let eps_op = Real::new(1e-5);
                // Differences of near numbers lose digits, so the bounds are wider.
                let o = out(&shape);
                launch(&b, RmsNorm { eps: eps_op }, &[&x, &w], &[&o]);
                near(&wide(&o), &rows(&xs, n, |x| norm(x, Some(&ws), None, 1e-5, false)), 4.0 * eps);
                launch(&b, RmsNorm { eps: eps_op }, &[&x], &[&o]);
                near(&wide(&o), &rows(&xs, n, |x| norm(x, None, None, 1e-5, false)), 4.0 * eps);
                for (weight, bias) in [(true, true), (true, false), (false, true), (false, false)] {
                    let op = LayerNorm { eps: eps_op, weight, bias };
                    let mut ins = vec![&x];
                    ins.extend(weight.then_some(&w));
                    ins.extend(bias.then_some(&v));
                    launch(&b, op, &ins, &[&o]);
                    let (ws, vs) = (weight.then_some(&ws[..]), bias.then_some(&vs[..]));
                    let want = rows(&xs, n, |x| norm(x, ws, vs, 1e-5, true));
                    let got = wide(&o);
                    for (g, w) in got.iter().zip(&want) {
                        assert!((g - w).abs() <= 20.0 * eps * w.abs().max(1.0), "{shape:?} {g} {w}");
                    }
                }
            }
        }
    }
}

#[test]
fn moments_of_rows_whose_beginning_says_little() {
    let mut r = Numbers(5);
    for b in backends() {
        for n in [1usize, 5, 16, 40, 1000, 7013] {
            // Far away at the beginning, far away everywhere, all the same.
            let mut rows = [vec![0f32; n], vec![0f32; n], vec![0.3f32; n]];
            for i in 0..n {
                rows[0][i] = r.unit() + if i < 20 { 300.0 } else { 0.0 };
                rows[1][i] = r.unit() + 100.0;
            }
            let o = empty::<f32>(&b, &[3, n]);
            let op = LayerNorm { eps: Real::new(1e-5), weight: false, bias: false };
            launch(&b, op.clone(), &[&operand(&b, &rows.concat(), &[3, n])], &[&o]);
            for (x, y) in rows.iter().zip(read::<f32>(&o).chunks(n)) {
                let x: Vec<f64> = x.iter().map(|&v| v as f64).collect();
                for (y, want) in y.iter().zip(norm(&x, None, None, 1e-5, true)) {
                    assert!((*y as f64 - want).abs() <= 5e-5 * want.abs().max(1.0), "{} {n}: {y} {want}", b.isa());
                }
            }
            // One NaN makes all of a row NaN.
            rows[1][n - 1] = f32::NAN;
            launch(&b, op, &[&operand(&b, &rows.concat(), &[3, n])], &[&o]);
            let y = read::<f32>(&o);
            assert!(y[n..2 * n].iter().all(|v| v.is_nan()) && y[..n].iter().chain(&y[2 * n..]).all(|v| v.is_finite()));
        }
    }
}

#[test]
fn infinities_and_nan_in_rows() {
    let inf = f32::INFINITY;
    for b in backends() {
        let x = operand(&b, &[-inf, -inf, 0.0, -inf, inf, 1.0, f32::NAN, 1.0], &[4, 2]);
        let o = empty::<f32>(&b, &[4, 2]);
        launch(&b, Softmax { precise: false }, &[&x], &[&o]);
        let y = read::<f32>(&o);
        assert!(y[0].is_nan() && y[1].is_nan() && y[6].is_nan() && y[7].is_nan());
        assert_eq!(y[2..4], [1.0, 0.0]);
        let o = empty::<f32>(&b, &[4, 1]);
        launch(&b, LogSumExp {}, &[&x], &[&o]);
        let y = read::<f32>(&o);
        assert_eq!(y[..3], [-inf, 0.0, inf]);
        assert!(y[3].is_nan());
    }
}

#[test]
fn special_values_at_any_place_of_a_row() {
    let inf = f32::INFINITY;
    for b in backends() {
        for n in [1usize, 7, 16, 33, 64, 130, 519, 2065] {
            for at in [0, n / 2, n - 1] {
                let row = |special: f32, others: f32| {
                    let mut x = vec![others; n];
                    x[at] = special;
                    x
                };
                let rows = [row(f32::NAN, 1.0), row(inf, 1.0), row(-inf, -inf), row(2.0, -inf), row(f32::NAN, inf)];
                let x = operand(&b, &rows.concat(), &[rows.len(), n]);
                let (o, l) = (empty::<f32>(&b, &[rows.len(), n]), empty::<f32>(&b, &[rows.len(), 1]));
                launch(&b, Softmax { precise: false }, &[&x], &[&o]);
                launch(&b, LogSumExp {}, &[&x], &[&l]);
                let (y, l) = (read::<f32>(&o), read::<f32>(&l));
                for (k, y) in y.chunks(n).enumerate() {
                    if k == 3 {
                        assert!(y.iter().enumerate().all(|(i, &v)| v == if i == at { 1.0 } else { 0.0 }), "{n} {at}");
                    } else {
                        assert!(y.iter().all(|v| v.is_nan()), "{} {n} {at} row {k}: {y:?}", b.isa());
                    }
                }
                assert_eq!(l[1..4], [inf, -inf, 2.0]);
                assert!(l[0].is_nan() && l[4].is_nan(), "{} {n} {at}", b.isa());
            }
        }
    }
}

#[test]
fn small_terms_are_exact_to_the_last_subnormal_number() {
    let far: Vec<f32> = (0..4000).map(|i| i as f32 * -0.0275).collect();
    for b in backends() {
        for top in [0f32, 50.0, -1e4] {
            // Two equal maxima, so that the terms are divided.
            let x: Vec<f32> = far.iter().flat_map(|v| [top, top + v, top]).collect();
            let exact: Vec<f64> = x.chunks(3).map(|x| (x[1] as f64 - x[0] as f64).exp()).collect();
            let x = operand(&b, &x, &[far.len(), 3]);
            let (o, l) = (empty::<f32>(&b, &[far.len(), 3]), empty::<f32>(&b, &[far.len(), 1]));
            launch(&b, Softmax { precise: true }, &[&x], &[&o]);
            launch(&b, LogSumExp {}, &[&x], &[&l]);
            for ((y, l), e) in read::<f32>(&o).chunks(3).zip(read::<f32>(&l)).zip(exact) {
                assert!(ulps(y[1], e / (2.0 + e)) <= 2.5, "{} {e:e}: {:e}", b.isa(), y[1]);
                assert!(ulps(y[0], 1.0 / (2.0 + e)) <= 1.5, "{} {e:e}: {:e}", b.isa(), y[0]);
                assert!(ulps(l, (2.0 + e).ln() + top as f64) <= 1.5, "{} {e:e}: {l}", b.isa());
            }
        }
    }
}

#[test]
fn scans_follow_the_definition() {
    for b in backends() {
        let base: Vec<i32> = (0..5000).map(|i: i32| i * 7919 % 13 - 6).collect();
        let x = operand(&b, &base, &[5000]);
        let f = operand(&b, &base.iter().map(|&v| v as f32).collect::<Vec<_>>(), &[5000]);
        let h = operand(&b, &base.iter().map(|&v| bf16::from_f32(v as f32)).collect::<Vec<_>>(), &[5000]);
        for (shape, strides) in [
            (vec![5000usize], vec![1isize]),
            (vec![20, 250], vec![250, 1]),
            (vec![20, 250], vec![1, 20]),
            (vec![39, 71], vec![101, 1]),
            (vec![3, 10, 40], vec![400, -40, 1]),
            (vec![10, 3], vec![0, 1]),
            (vec![2, 0, 3], vec![3, 3, 1]),
        ] {
            let first = if strides.iter().any(|&s| s < 0) { 400 } else { 0 };
            let v = view(&x, &shape, &strides, first);
            let data = read::<i32>(&v);
            for axis in 0..shape.len() {
                let inner: usize = shape[axis + 1..].iter().product();
                let n = shape[axis];
                for kind in [ScanKind::Sum, ScanKind::Prod, ScanKind::Min, ScanKind::Max] {
                    for (reverse, inclusive) in [(false, true), (true, true), (false, false), (true, false)] {
                        let mut want = vec![0i32; data.len()];
                        for line in 0..data.len().checked_div(n).unwrap_or(0) {
                            let start = line / inner * inner * n + line % inner;
                            let mut acc = match kind {
                                ScanKind::Sum | ScanKind::Logaddexp => 0,
                                ScanKind::Prod => 1,
                                ScanKind::Min => i32::MAX,
                                ScanKind::Max => i32::MIN,
                            };
                            for k in 0..n {
                                let p = start + inner * if reverse { n - 1 - k } else { k };
                                let next = match kind {
                                    ScanKind::Sum | ScanKind::Logaddexp => acc.wrapping_add(data[p]),
                                    ScanKind::Prod => acc.wrapping_mul(data[p]),
                                    ScanKind::Min => acc.min(data[p]),
                                    ScanKind::Max => acc.max(data[p]),
                                };
                                want[p] = if inclusive { next } else { acc };
                                acc = next;
                            }
                        }
                        let op = Scan { kind, axis, reverse, inclusive };
                        let o = empty::<i32>(&b, &shape);
                        launch(&b, op.clone(), &[&v], &[&o]);
                        assert_eq!(read::<i32>(&o), want, "{op:?} {shape:?} {strides:?}");
                        if kind == ScanKind::Sum {
                            let o = empty::<f32>(&b, &shape);
                            launch(&b, op.clone(), &[&like(&f, &v)], &[&o]);
                            assert!(read::<f32>(&o).iter().zip(&want).all(|(a, b)| *a == *b as f32));
                            let o = empty::<bf16>(&b, &shape);
                            launch(&b, op, &[&like(&h, &v)], &[&o]);
                            assert!(read::<bf16>(&o).iter().zip(&want).all(|(a, b)| *a == bf16::from_f32(*b as f32)));
                        }
                    }
                }
            }
        }
        let o = empty::<f32>(&b, &[3]);
        let scan = |kind| Scan { kind, axis: 0, reverse: false, inclusive: true };
        launch(&b, scan(ScanKind::Logaddexp), &[&operand(&b, &[0f32, 0.0, 1.0], &[3])], &[&o]);
        near(&wide(&o), &[0.0, 2f64.ln(), (2.0 + 1f64.exp()).ln()], 1e-6);
        launch(&b, scan(ScanKind::Max), &[&operand(&b, &[0f32, f32::NAN, 1.0], &[3])], &[&o]);
        assert!(read::<f32>(&o)[2].is_nan());
        let o = empty::<bool>(&b, &[3]);
        launch(&b, scan(ScanKind::Min), &[&operand(&b, &[true, false, true], &[3])], &[&o]);
        assert_eq!(read::<bool>(&o), [true, false, false]);
        let o = empty::<C64>(&b, &[2]);
        launch(&b, scan(ScanKind::Prod), &[&operand(&b, &[C64::new(0.0, 1.0); 2], &[2])], &[&o]);
        assert_eq!(read::<C64>(&o)[1], C64::new(-1.0, 0.0));
    }
}
