//! Results that are too large for the caches, and updates in many parts: their own ways of writing, at odd sizes.

use crate::testing::*;
use crate::{CpuBackend, Isa};
use mlx_ir::op::{Concatenate, Gather, LayerNorm, Map, Real, Rope, Scan, ScanKind, Scatter, Softmax, UpdateMode};
use mlx_ir::{DType, Func, Op, Tape, TapeBuilder};
use std::sync::Arc;

/// Results here have more bytes than [`crate::stream::LARGE`].
const N: usize = crate::stream::LARGE / 4 + 8_551;

fn levels() -> Vec<CpuBackend> {
    Isa::available().into_iter().map(|i| CpuBackend::new(3, i).expect("available")).collect()
}

#[test]
fn chains_stream_whole_vectors_and_the_rest() {
    let mut tape = TapeBuilder::new(&[DType::F32]);
    let half = tape.constant(0.5f32).unwrap();
    let y = tape.call(Func::Multiply, &[0, half]).unwrap();
    let y = tape.call(Func::Add, &[y, 0]).unwrap();
    tape.call(Func::Multiply, &[y, 0]).unwrap();
    let op = Map { tape: Arc::new(tape.finish()) };
    let data: Vec<f32> = (0..N + 3).map(|i| (i % 10_007) as f32 * 0.37 - 900.0).collect();
    for b in levels() {
        // Neither the input's address nor the length is a multiple of anything.
        let x = view(&operand(&b, &data, &[N + 3]), &[N], &[1], 3);
        let o = empty::<f32>(&b, &[N]);
        launch(&b, op.clone(), &[&x], &[&o]);
        let same = read::<f32>(&o).iter().zip(&data[3..]).all(|(y, &x)| *y == (x * 0.5 + x) * x);
        assert!(same, "{}", b.isa());
    }
}

#[test]
fn a_column_for_all_of_whole_lines_and_of_odd_lengths() {
    let subtract = Map { tape: Arc::new(Tape::single(Func::Subtract, DType::F32, DType::F32)) };
    // A function that is no part of a chain reads what is the same for a row as any other input.
    let mut tape = TapeBuilder::new(&[DType::F32; 2]);
    let y = tape.call(Func::Sqrt, &[1]).unwrap();
    tape.call(Func::Subtract, &[0, y]).unwrap();
    let mixed = Map { tape: Arc::new(tape.finish()) };
    for width in [1003usize, 1040] {
        let count = N.div_ceil(width);
        let x: Vec<f32> = (0..count * width).map(|i| (i % 8191) as f32).collect();
        let column: Vec<f32> = (0..count).map(|i| (i % 127 * (i % 127)) as f32).collect();
        for b in levels() {
            let (xs, o) = (operand(&b, &x, &[count, width]), empty::<f32>(&b, &[count, width]));
            let c = view(&operand(&b, &column, &[count]), &[count, width], &[1, 0], 0);
            for (op, root) in [(&subtract, false), (&mixed, true)] {
                launch(&b, op.clone(), &[&xs, &c], &[&o]);
                let y = read::<f32>(&o);
                let right = (0..count * width).all(|i| {
                    let c = column[i / width];
                    y[i] == x[i] - if root { c.sqrt() } else { c }
                });
                assert!(right, "{} {width} {root}", b.isa());
            }
        }
    }
}

#[test]
fn large_rows_beside_each_other() {
    for widths in [[1003usize, 777], [1040, 512]] {
        let count = N.div_ceil(widths[0]);
        let row = widths[0] + widths[1];
        let b = &levels().remove(0);
        let parts =
            widths.map(|w| operand(b, &(0..count * w).map(|i| (i + w) as f32).collect::<Vec<_>>(), &[count, w]));
        let o = empty::<f32>(b, &[count, row]);
        launch(b, Concatenate { axis: 1 }, &[&parts[0], &parts[1]], &[&o]);
        for (r, y) in read::<f32>(&o).chunks(row).enumerate() {
            for (i, &y) in y.iter().enumerate() {
                let (w, at) = if i < widths[0] { (widths[0], i) } else { (widths[1], i - widths[0]) };
                assert_eq!(y, (r * w + at + w) as f32, "{widths:?} row {r}, {i}");
            }
        }
    }
}

#[test]
fn rotations_of_far_positions_and_odd_features() {
    for (dims, d) in [(128, 128), (120, 122)] {
        let (t, half) = (N.div_ceil(d), dims / 2);
        let x: Vec<f32> = (0..t * d).map(|i| (i % 1009) as f32 * 0.01 - 5.0).collect();
        for b in levels() {
            let (xs, offset) = (operand(&b, &x, &[1, 1, t, d]), operand(&b, &[5i32], &[]));
            for traditional in [false, true] {
                let o = empty::<f32>(&b, &[1, 1, t, d]);
                let (base, scale) = (Some(Real::new(1e4)), Real::new(1.0));
                launch(&b, Rope { dims, traditional, base, scale, inverse: false }, &[&xs, &offset], &[&o]);
                let y = read::<f32>(&o);
                for p in (0..t).step_by(997).chain([8186, 8187, 8188, t - 1]) {
                    let (x, y) = (&x[p * d..][..d], &y[p * d..][..d]);
                    for i in 0..half {
                        let (j, k) = if traditional { (2 * i, 2 * i + 1) } else { (i, half + i) };
                        let inverse = (-(i as f64) * (1e4f64.ln() / half as f64)).exp() as f32;
                        let (s, c) = (((p + 5) as f32 * inverse) as f64).sin_cos();
                        let (m, n) = (x[j] as f64, x[k] as f64);
                        let off = (y[j] as f64 - (m * c - n * s)).abs() + (y[k] as f64 - (m * s + n * c)).abs();
                        assert!(off < 1e-5, "{} {traditional} {dims} position {p} pair {i}: {off}", b.isa());
                    }
                    assert_eq!(x[dims..], y[dims..]);
                }
            }
        }
    }
}

/// What is taken from a row's elements, by what they or their exponentials are multiplied, and how far off they may be.
type Measure<'a> = &'a dyn Fn(&[f32]) -> (f64, f64, f64);

#[test]
fn large_rows_of_whole_lines_and_of_odd_lengths() {
    for width in [1003usize, 1040] {
        let count = N.div_ceil(width);
        let x: Vec<f32> = (0..count * width).map(|i| (i % 8191) as f32 * 0.002 - 7.0).collect();
        for b in levels() {
            let (xs, o) = (operand(&b, &x, &[count, width]), empty::<f32>(&b, &[count, width]));
            let check = |op: Op, f: Measure<'_>, exp: bool| {
                launch(&b, op.clone(), &[&xs], &[&o]);
                let y = read::<f32>(&o);
                for r in (0..count).step_by(61).chain([count - 1]) {
                    let (x, y) = (&x[r * width..][..width], &y[r * width..][..width]);
                    let (away, scale, eps) = f(x);
                    for (x, y) in x.iter().zip(y) {
                        let x = *x as f64 - away;
                        let want = if exp { x.exp() } else { x } * scale;
                        assert!((*y as f64 - want).abs() <= eps, "{} {op:?} {width} row {r}: {y} {want}", b.isa());
                    }
                }
            };
            let terms = |x: &[f32]| {
                let m = x.iter().fold(f32::MIN, |m, &v| m.max(v)) as f64;
                let r = 1.0 / x.iter().map(|&v| (v as f64 - m).exp()).sum::<f64>();
                (m, r, 1e-6 * r)
            };
            check(Softmax { precise: true }.into(), &terms, true);
            let moments = |x: &[f32]| {
                let n = width as f64;
                let mean = x.iter().map(|&v| v as f64).sum::<f64>() / n;
                let var = x.iter().map(|&v| (v as f64 - mean).powi(2)).sum::<f64>() / n;
                (mean, 1.0 / (var + 1e-5).sqrt(), 2e-5)
            };
            check(LayerNorm { eps: Real::new(1e-5), weight: false, bias: false }.into(), &moments, false);
        }
    }
}

#[test]
fn large_gathers_of_rows() {
    let (rows, width) = (301, 1003);
    let table: Vec<f32> = (0..rows * width).map(|i| i as f32).collect();
    let count = N.div_ceil(width);
    let ids: Vec<i32> = (0..count as i32).map(|i| i * 7919 % 400 - 50).collect();
    let b = &levels().remove(0);
    let o = empty::<f32>(b, &[count, 1, width]);
    let op = Gather { axes: [0][..].into(), slice_sizes: [1, width][..].into() };
    launch(b, op, &[&operand(b, &table, &[rows, width]), &operand(b, &ids, &[count])], &[&o]);
    for (row, &i) in read::<f32>(&o).chunks(width).zip(&ids) {
        let i = if i < 0 { i + rows as i32 } else { i }.clamp(0, rows as i32 - 1) as usize;
        assert_eq!(row, &table[i * width..][..width]);
    }
}

#[test]
fn large_scans_of_lines_side_by_side() {
    let (n, row) = (3, N.div_ceil(3));
    let data: Vec<f32> = (0..n * row).map(|i| (i % 251) as f32).collect();
    let b = &levels().remove(0);
    let x = operand(b, &data, &[n, row]);
    for (reverse, inclusive) in [(false, true), (true, false)] {
        let o = empty::<f32>(b, &[n, row]);
        launch(b, Scan { kind: ScanKind::Sum, axis: 0, reverse, inclusive }, &[&x], &[&o]);
        let y = read::<f32>(&o);
        for c in 0..row {
            let mut sum = 0.0;
            for k in 0..n {
                let p = if reverse { n - 1 - k } else { k } * row + c;
                let next = sum + data[p];
                assert_eq!(y[p], if inclusive { next } else { sum }, "{reverse} {inclusive} {c}");
                sum = next;
            }
        }
    }
}

#[test]
fn large_scans_of_rows_add_one_after_another() {
    for width in [1003usize, 1040] {
        let count = N.div_ceil(width);
        let mut r = Numbers(3);
        let data: Vec<f32> = (0..count * width).map(|_| r.unit()).collect();
        for b in levels() {
            let (x, o) = (operand(&b, &data, &[count, width]), empty::<f32>(&b, &[count, width]));
            for (reverse, inclusive) in [(false, true), (true, true), (false, false), (true, false)] {
                launch(&b, Scan { kind: ScanKind::Sum, axis: 1, reverse, inclusive }, &[&x], &[&o]);
                for (x, y) in data.chunks(width).zip(read::<f32>(&o).chunks(width)) {
                    let mut sum = 0f32;
                    for k in 0..width {
                        let p = if reverse { width - 1 - k } else { k };
                        let next = sum + x[p];
                        let want = if inclusive { next } else { sum };
                        assert_eq!(y[p].to_bits(), want.to_bits(), "{} {width} {reverse} {inclusive}", b.isa());
                        sum = next;
                    }
                }
            }
        }
    }
}

#[test]
fn more_updates_of_rows_than_are_worked_out_at_a_time() {
    let (count, shape, width) = (70_001usize, [4usize, 5, 300], 257);
    let ids = |n: i32| (0..count as i32).map(|i| i.wrapping_mul(7919).rem_euclid(n + 3) - 2).collect::<Vec<i32>>();
    let (first, second) = (ids(4), ids(5));
    for b in levels() {
        let x = operand(&b, &vec![1i32; 4 * 5 * 300], &shape);
        // Every row of the updates is the same memory.
        let u = view(
            &operand(&b, &(0..width as i32).collect::<Vec<_>>(), &[width]),
            &[count, 1, 1, width],
            &[0, 0, 0, 1],
            0,
        );
        let o = empty::<i32>(&b, &shape);
        let op = Scatter { axes: [0, 1][..].into(), mode: UpdateMode::Sum };
        launch(&b, op, &[&x, &operand(&b, &first, &[count]), &operand(&b, &second, &[count]), &u], &[&o]);
        let mut times = [[0i32; 5]; 4];
        for (&i, &j) in first.iter().zip(&second) {
            let (i, j) = (if i < 0 { i + 4 } else { i } as usize, if j < 0 { j + 5 } else { j } as usize);
            if i < 4 && j < 5 {
                times[i][j] += 1;
            }
        }
        for (k, y) in read::<i32>(&o).into_iter().enumerate() {
            let (i, j, c) = (k / 1500, k / 300 % 5, k % 300);
            assert_eq!(y, 1 + if c < width { times[i][j] * c as i32 } else { 0 }, "{i} {j} {c}");
        }
    }
}
