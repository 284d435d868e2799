use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::testing::{Case, Rng, pools};
use crate::testing::{backends, empty, launch, operand, read, view};
use mlx_ir::op::{Gather, GatherAxis, Scatter, ScatterAxis, UpdateMode};
use mlx_ir::{DType, Operand};

const MODES: [UpdateMode; 5] =
    [UpdateMode::Assign, UpdateMode::Sum, UpdateMode::Prod, UpdateMode::Min, UpdateMode::Max];
const INTS: [DType; 8] = [DType::U8, DType::I8, DType::U16, DType::I16, DType::U32, DType::I32, DType::U64, DType::I64];

fn wrapped(i: f64, n: usize) -> i64 {
    if i < 0.0 { i as i64 + n as i64 } else { i as i64 }
}

/// Indices among which some are negative or out of range.
fn wild(rng: &mut Rng, shape: &[usize], dtype: DType, n: usize, layout: usize) -> Case {
    let count = shape.iter().product::<usize>();
    let low = if dtype.is_unsigned() { 0 } else { n + 2 };
    let v: Vec<f64> = (0..count).map(|_| rng.below(low + n + 3) as f64 - low as f64).collect();
    Case::layout(shape, dtype, &v, layout)
}

fn size(d: DType) -> usize {
    if d.is_complex() { 2 } else { 1 }
}

#[test]
fn gathers_of_every_dtype_and_layout() {
    let mut rng = Rng::new(11);
    let (pool, isa) = pools().remove(0);
    let cx = Cx { pool: &pool, isa };
    for (t, d) in DType::ALL.into_iter().enumerate() {
        for layout in 0..3 {
            let (x, c) = (Case::random(&mut rng, &[7, 5, 6], d, layout), size(d));
            let xv = x.values();
            // Rows; elements; boxes of two indexed axes; an inner axis.
            let cases: [(&[usize], [usize; 3]); 4] =
                [(&[0], [1, 5, 6]), (&[0, 1, 2], [1, 1, 1]), (&[0, 2], [2, 5, 3]), (&[1], [7, 2, 6])];
            for (axes, sizes) in cases {
                let idx: Vec<Case> =
                    axes.iter().map(|&a| wild(&mut rng, &[4, 3], INTS[t % 8], [7, 5, 6][a], layout)).collect();
                let out = Case::output(&[4, 3, sizes[0], sizes[1], sizes[2]], d);
                let mut ins = vec![x.op()];
                ins.extend(idx.iter().map(Case::op));
                let op = Gather { axes: axes.into(), slice_sizes: sizes[..].into() };
                op.run(&cx, &ins, &[out.op()]).unwrap();
                out.check_guards();
                let ov = out.values();
                let slice: usize = sizes.iter().product();
                for i in 0..12 {
                    let mut base = [0usize; 3];
                    for (k, &a) in axes.iter().enumerate() {
                        let n = [7, 5, 6][a];
                        base[a] = wrapped(idx[k].values()[i], n).clamp(0, (n - sizes[a]) as i64) as usize;
                    }
                    for j in 0..slice {
                        let p = [j / (sizes[1] * sizes[2]), j / sizes[2] % sizes[1], j % sizes[2]];
                        let at = ((base[0] + p[0]) * 5 + base[1] + p[1]) * 6 + base[2] + p[2];
                        for q in 0..c {
                            assert_eq!(ov[(i * slice + j) * c + q], xv[at * c + q], "{d} {axes:?} {layout}");
                        }
                    }
                }
            }
            for axis in 0..3 {
                let mut shape = [7, 5, 6];
                let n = shape[axis];
                shape[axis] = 9;
                let idx = wild(&mut rng, &shape, INTS[t % 8], n, layout);
                let out = Case::output(&shape, d);
                GatherAxis { axis }.run(&cx, &[x.op(), idx.op()], &[out.op()]).unwrap();
                let (ov, iv) = (out.values(), idx.values());
                for i in 0..iv.len() {
                    let mut p = [i / (shape[1] * shape[2]), i / shape[2] % shape[1], i % shape[2]];
                    p[axis] = wrapped(iv[i], n).clamp(0, n as i64 - 1) as usize;
                    for q in 0..c {
                        assert_eq!(ov[i * c + q], xv[((p[0] * 5 + p[1]) * 6 + p[2]) * c + q]);
                    }
                }
            }
        }
    }
}

fn combine(mode: UpdateMode, d: DType, old: &mut [f64], new: &[f64]) {
    if d.is_complex() {
        let (a, b) = ([old[0], old[1]], [new[0], new[1]]);
        let r = match mode {
            UpdateMode::Assign => b,
            UpdateMode::Sum => [a[0] + b[0], a[1] + b[1]],
            UpdateMode::Prod => [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]],
            UpdateMode::Min => {
                if a < b {
                    a
                } else {
                    b
                }
            }
            UpdateMode::Max => {
                if a > b {
                    a
                } else {
                    b
                }
            }
        };
        return old.copy_from_slice(&r);
    }
    let (a, b) = (old[0], new[0]);
    let r = match mode {
        UpdateMode::Assign => b,
        UpdateMode::Sum => a + b,
        UpdateMode::Prod => a * b,
        UpdateMode::Min => a.min(b),
        UpdateMode::Max => a.max(b),
    };
    let bits = d.size() as u32 * 8;
    old[0] = match d {
        DType::Bool => (r != 0.0) as u8 as f64,
        d if d.is_unsigned() => (r as i128).rem_euclid(1 << bits) as f64,
        d if d.is_integer() => {
            let m = (r as i128).rem_euclid(1 << bits);
            (if m >= 1 << (bits - 1) { m - (1 << bits) } else { m }) as f64
        }
        _ => r,
    };
}

fn close(d: DType, a: &[f64], b: &[f64], what: &str) {
    let tol = match d {
        DType::F16 => 1e-2,
        DType::BF16 => 8e-2,
        DType::F32 | DType::C64 => 1e-5,
        _ => 0.0,
    };
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= tol * (1.0 + y.abs()), "{what} {d}: {x} {y}");
    }
}

#[test]
fn scatters_of_every_mode_and_dtype() {
    let mut rng = Rng::new(12);
    let (pool, isa) = pools().remove(0);
    let cx = Cx { pool: &pool, isa };
    for (t, d) in DType::ALL.into_iter().enumerate() {
        let c = size(d);
        for (m, mode) in MODES.into_iter().enumerate() {
            for donated in [false, true] {
                let layout = if donated { 0 } else { m % 3 };
                let cases: [(&[usize], [usize; 3]); 4] =
                    [(&[0], [1, 5, 6]), (&[0, 1, 2], [1, 1, 1]), (&[0, 2], [2, 5, 3]), (&[1], [7, 2, 40])];
                for (axes, sizes) in cases {
                    let shape = [7, 5, if sizes[2] == 40 { 40 } else { 6 }];
                    let x = Case::random(&mut rng, &shape, d, layout);
                    let idx: Vec<Case> =
                        axes.iter().map(|&a| wild(&mut rng, &[3, 4], INTS[t % 8], shape[a], layout)).collect();
                    let u = Case::random(&mut rng, &[3, 4, sizes[0], sizes[1], sizes[2]], d, layout);
                    let (mut want, uv) = (x.values(), u.values());
                    let slice: usize = sizes.iter().product();
                    for i in 0..12 {
                        let mut base = [0i64; 3];
                        for (k, &a) in axes.iter().enumerate() {
                            base[a] = wrapped(idx[k].values()[i], shape[a]);
                        }
                        for j in 0..slice {
                            let p = [j / (sizes[1] * sizes[2]), j / sizes[2] % sizes[1], j % sizes[2]];
                            let p: Vec<i64> = (0..3).map(|a| base[a] + p[a] as i64).collect();
                            if (0..3).all(|a| p[a] >= 0 && p[a] < shape[a] as i64) {
                                let at = (p[0] as usize * shape[1] + p[1] as usize) * shape[2] + p[2] as usize;
                                let new = &uv[(i * slice + j) * c..][..c];
                                combine(mode, d, &mut want[at * c..][..c], new);
                            }
                        }
                    }
                    let out = if donated { None } else { Some(Case::output(&shape, d)) };
                    let target = out.as_ref().unwrap_or(&x);
                    let mut ins: Vec<Operand> = vec![x.op()];
                    ins.extend(idx.iter().map(Case::op));
                    ins.push(u.op());
                    Scatter { axes: axes.into(), mode }.run(&cx, &ins, &[target.op()]).unwrap();
                    target.check_guards();
                    close(d, &target.values(), &want, &format!("{mode:?} {axes:?}"));
                }
                for axis in 0..3 {
                    let x = Case::random(&mut rng, &[7, 5, 6], d, layout);
                    let mut shape = [7, 5, 6];
                    let n = shape[axis];
                    shape[axis] = 4;
                    let idx = wild(&mut rng, &shape, INTS[t % 8], n, layout);
                    let u = Case::random(&mut rng, &shape, d, layout);
                    let (mut want, uv, iv) = (x.values(), u.values(), idx.values());
                    for i in 0..iv.len() {
                        let mut p = [i / (shape[1] * shape[2]), i / shape[2] % shape[1], i % shape[2]];
                        let q = wrapped(iv[i], n);
                        if q >= 0 && q < n as i64 {
                            p[axis] = q as usize;
                            let at = (p[0] * 5 + p[1]) * 6 + p[2];
                            combine(mode, d, &mut want[at * c..][..c], &uv[i * c..][..c]);
                        }
                    }
                    let out = if donated { None } else { Some(Case::output(&[7, 5, 6], d)) };
                    let target = out.as_ref().unwrap_or(&x);
                    ScatterAxis { axis, mode }.run(&cx, &[x.op(), idx.op(), u.op()], &[target.op()]).unwrap();
                    target.check_guards();
                    close(d, &target.values(), &want, &format!("{mode:?} axis {axis}"));
                }
            }
        }
    }
}

#[test]
fn extreme_indices_and_empty_arrays_touch_nothing() {
    let (pool, isa) = pools().remove(0);
    let cx = Cx { pool: &pool, isa };
    let x = Case::of(&[3, 2], &[1i32, 2, 3, 4, 5, 6]);
    let idx = Case::of(&[4], &[i64::MIN, i64::MAX, -4, 3]);
    let out = Case::output(&[4, 1, 2], DType::I32);
    let op = Gather { axes: [0][..].into(), slice_sizes: [1, 2][..].into() };
    op.run(&cx, &[x.op(), idx.op()], &[out.op()]).unwrap();
    assert_eq!(out.read::<i32>(), [1, 2, 5, 6, 1, 2, 5, 6]);
    let big = Case::of(&[1], &[u64::MAX]);
    let one = Case::output(&[1, 1, 2], DType::I32);
    op.run(&cx, &[x.op(), big.op()], &[one.op()]).unwrap();
    assert_eq!(one.read::<i32>(), [5, 6]);
    let u = Case::of(&[4, 1, 2], &[9i32; 8]);
    let same = Case::output(&[3, 2], DType::I32);
    let op = Scatter { axes: [0][..].into(), mode: UpdateMode::Assign };
    op.run(&cx, &[x.op(), idx.op(), u.op()], &[same.op()]).unwrap();
    assert_eq!(same.read::<i32>(), [1, 2, 3, 4, 5, 6]);
    same.check_guards();
    let none = Case::output(&[0], DType::I32);
    let empty = Case::output(&[0, 1, 2], DType::I32);
    op.run(&cx, &[x.op(), none.op(), empty.op()], &[same.op()]).unwrap();
    let op = Gather { axes: [0][..].into(), slice_sizes: [1, 2][..].into() };
    op.run(&cx, &[x.op(), none.op()], &[empty.op()]).unwrap();
    // Assignments keep their order.
    let dup = Case::of(&[3], &[1u8, 1, 1]);
    let v = Case::of(&[3, 1, 2], &[1i32, 1, 2, 2, 3, 3]);
    let op = Scatter { axes: [0][..].into(), mode: UpdateMode::Assign };
    op.run(&cx, &[x.op(), dup.op(), v.op()], &[same.op()]).unwrap();
    assert_eq!(same.read::<i32>(), [1, 2, 3, 3, 5, 6]);
}

#[test]
fn single_elements_in_many_batches() {
    for b in backends() {
        let x = operand(&b, &(0..2000).map(|i| i as f32).collect::<Vec<_>>(), &[2000]);
        // Every other element, from the end.
        let back = view(&x, &[1000], &[-2], 1999);
        for count in [1usize, 63, 64, 65, 128, 1000, 40_003] {
            let ids: Vec<i32> = (0..count as i32).map(|i| i.wrapping_mul(7919) % 1200).collect();
            let o = empty::<f32>(&b, &[count, 1]);
            let op = Gather { axes: [0][..].into(), slice_sizes: [1][..].into() };
            launch(&b, op, &[&back, &operand(&b, &ids, &[count])], &[&o]);
            for (y, &i) in read::<f32>(&o).iter().zip(&ids) {
                let i = if i < 0 { i + 1000 } else { i }.clamp(0, 999);
                assert_eq!(*y, (1999 - 2 * i) as f32, "{count}");
            }
        }
    }
}
