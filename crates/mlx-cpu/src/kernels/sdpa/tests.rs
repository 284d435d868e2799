use super::*;
use crate::kernels::testing::{Case, Rng, pools};
use mlx_ir::op::Real;

struct Shape {
    b: usize,
    h: usize,
    g: usize,
    l: usize,
    s: usize,
    d: usize,
    e: usize,
}

/// The meaning in f64: masked scores are the lowest finite number.
fn reference(
    x: &Shape,
    op: &op::Sdpa,
    q: &[f64],
    k: &[f64],
    v: &[f64],
    mask: Option<(&[f64], bool)>,
    sinks: &[f64],
) -> Vec<f64> {
    let mut out = vec![0.0; x.b * x.h * x.l * x.e];
    for b in 0..x.b {
        for h in 0..x.h {
            let g = h / (x.h / x.g);
            for i in 0..x.l {
                let mut w = vec![0.0; x.s];
                for s in 0..x.s {
                    let (qr, kr) = (((b * x.h + h) * x.l + i) * x.d, ((b * x.g + g) * x.s + s) * x.d);
                    w[s] = op.scale.get() * (0..x.d).map(|t| q[qr + t] * k[kr + t]).sum::<f64>();
                    let at = i as isize + x.s as isize - x.l as isize;
                    let mut keep = !op.causal || s as isize <= at;
                    keep &= op.window.is_none_or(|n| s as isize > at - n as isize);
                    if let Some((m, additive)) = mask {
                        let m = m[((b * x.h + h) * x.l + i) * x.s + s];
                        if additive {
                            w[s] += m;
                        } else {
                            keep &= m != 0.0;
                        }
                    }
                    if !keep {
                        w[s] = f32::MIN as f64;
                    }
                }
                let sink = if sinks.is_empty() { f64::NEG_INFINITY } else { sinks[h] };
                let top = w.iter().fold(sink, |a, b| a.max(*b));
                let total: f64 = w.iter().map(|x| (x - top).exp()).sum::<f64>() + (sink - top).exp();
                for t in 0..x.e {
                    let sum: f64 = (0..x.s).map(|s| (w[s] - top).exp() * v[((b * x.g + g) * x.s + s) * x.e + t]).sum();
                    out[((b * x.h + h) * x.l + i) * x.e + t] = sum / total;
                }
            }
        }
    }
    out
}

#[test]
fn all_masks_shapes_and_dtypes() {
    let mut rng = Rng::new(5);
    let shapes = [
        Shape { b: 1, h: 4, g: 2, l: 1, s: 1, d: 16, e: 16 },
        Shape { b: 2, h: 6, g: 2, l: 1, s: 700, d: 24, e: 20 },
        Shape { b: 1, h: 4, g: 1, l: 3, s: 515, d: 64, e: 64 },
        Shape { b: 1, h: 5, g: 5, l: 3, s: 40, d: 7, e: 9 },
        Shape { b: 2, h: 4, g: 2, l: 35, s: 50, d: 40, e: 24 },
        Shape { b: 1, h: 2, g: 2, l: 140, s: 420, d: 16, e: 16 },
        Shape { b: 1, h: 3, g: 1, l: 30, s: 10, d: 33, e: 5 },
        Shape { b: 1, h: 2, g: 2, l: 6, s: 3, d: 8, e: 8 },
    ];
    for (pool, isa) in pools() {
        let cx = Cx { pool: &pool, isa };
        for x in &shapes {
            for (dq, dk) in [
                (DType::F32, DType::F32),
                (DType::F16, DType::F16),
                (DType::BF16, DType::BF16),
                (DType::F32, DType::F16),
            ] {
                for mode in 0..8 {
                    let q = Case::random(&mut rng, &[x.b, x.h, x.l, x.d], dq, 0);
                    // Token-major keys and values seen as head-major.
                    let mut k = Case::random(&mut rng, &[x.b, x.s, x.g, x.d], dk, 0).swapped(1, 2);
                    let v = Case::random(&mut rng, &[x.b, x.s, x.g, x.e], dk, 0).swapped(1, 2);
                    if mode == 0 {
                        k = Case::random(&mut rng, &[x.b, x.g, x.s, x.d], dk, 0);
                    }
                    let additive = mode == 4 || mode == 5;
                    let dm = if additive { if mode == 5 { dk } else { DType::F32 } } else { DType::Bool };
                    let mask = Case::random(&mut rng, &[x.b, x.h, x.l, x.s], dm, mode % 2);
                    let sinks = Case::random(&mut rng, &[x.h], dq, 0);
                    let op = op::Sdpa {
                        scale: Real::new(0.7),
                        causal: matches!(mode, 1 | 2 | 5),
                        window: (mode == 2 || mode == 6).then_some(9),
                        mask: (3..=5).contains(&mode),
                        sinks: mode >= 5,
                        held: false,
                        packed: false,
                    };
                    let out = Case::output(&[x.b, x.h, x.l, x.e], dq);
                    let mut ins = vec![q.op(), k.op(), v.op()];
                    if op.mask {
                        ins.push(mask.op());
                    }
                    if op.sinks {
                        ins.push(sinks.op());
                    }
                    let descs: Vec<Desc> = ins.iter().map(|o| o.desc.clone()).collect();
                    assert!(op.supports(&descs, &[out.op().desc]));
                    op.run(&cx, &ins, &[out.op()]).unwrap();
                    out.check_guards();
                    let (mv, sv) = (mask.values(), if op.sinks { sinks.values() } else { Vec::new() });
                    let m = op.mask.then_some((&mv[..], additive));
                    let want = reference(x, &op, &q.values(), &k.values(), &v.values(), m, &sv);
                    let tol = match dq {
                        DType::F16 => 2e-3,
                        DType::BF16 => 1e-2,
                        _ => 3e-6,
                    };
                    for (a, b) in out.values().iter().zip(&want) {
                        assert!((a - b).abs() < tol, "{isa} {dq} {dk} l{} s{} mode {mode}: {a} {b}", x.l, x.s);
                    }
                }
            }
        }
    }
}

#[test]
fn rows_without_keys() {
    let mut rng = Rng::new(6);
    for (pool, isa) in pools() {
        let cx = Cx { pool: &pool, isa };
        for l in [2, 20] {
            let (s, d) = (700, 16);
            let q = Case::random(&mut rng, &[1, 1, l, d], DType::F32, 0);
            let k = Case::random(&mut rng, &[1, 1, s, d], DType::F32, 0);
            let v = Case::random(&mut rng, &[1, 1, s, d], DType::F32, 0);
            let op = op::Sdpa {
                scale: Real::new(1.0),
                causal: false,
                window: None,
                mask: true,
                sinks: false,
                held: false,
                packed: false,
            };
            let mean: Vec<f64> = (0..d).map(|t| v.values().iter().skip(t).step_by(d).sum::<f64>() / s as f64).collect();
            // A bool mask of zeros and an additive one of the lowest number give the mean, minus infinity gives NaN.
            for (dtype, value, nan) in
                [(DType::Bool, 0.0, false), (DType::F32, f32::MIN as f64, false), (DType::F32, f64::NEG_INFINITY, true)]
            {
                let mask = Case::layout(&[1, 1, l, s], dtype, &vec![value; l * s], 0);
                let out = Case::output(&[1, 1, l, d], DType::F32);
                op.run(&cx, &[q.op(), k.op(), v.op(), mask.op()], &[out.op()]).unwrap();
                for (c, x) in out.values().iter().enumerate() {
                    assert!(if nan { x.is_nan() } else { (x - mean[c % d]).abs() < 1e-5 }, "{isa} {l} {dtype} {x}");
                }
            }
        }
    }
}

#[test]
fn threads_do_not_change_the_result() {
    let mut rng = Rng::new(7);
    for l in [1, 64] {
        let q = Case::random(&mut rng, &[1, 4, l, 64], DType::F32, 0);
        let k = Case::random(&mut rng, &[1, 2, 3000, 64], DType::F32, 0);
        let v = Case::random(&mut rng, &[1, 2, 3000, 64], DType::F32, 0);
        let op = op::Sdpa {
            scale: Real::new(0.125),
            causal: true,
            window: None,
            mask: false,
            sinks: false,
            held: false,
            packed: false,
        };
        let results: Vec<Vec<f64>> = [1, 2, 5]
            .iter()
            .map(|&n| {
                let pool = crate::Pool::new(n).unwrap();
                let out = Case::output(&[1, 4, l, 64], DType::F32);
                let cx = Cx { pool: &pool, isa: crate::Isa::detect() };
                op.run(&cx, &[q.op(), k.op(), v.op()], &[out.op()]).unwrap();
                out.values()
            })
            .collect();
        assert!(results[0] == results[1] && results[0] == results[2]);
    }
}

#[test]
fn rows_in_8_bits() {
    let mut rng = Rng::new(8);
    let shapes = [
        Shape { b: 1, h: 4, g: 2, l: 1, s: 1, d: 16, e: 16 },
        Shape { b: 2, h: 6, g: 2, l: 1, s: 700, d: 96, e: 80 },
        Shape { b: 1, h: 4, g: 1, l: 3, s: 515, d: 64, e: 64 },
        Shape { b: 1, h: 5, g: 5, l: 3, s: 40, d: 12, e: 20 },
        Shape { b: 2, h: 4, g: 2, l: 35, s: 50, d: 40, e: 24 },
        Shape { b: 1, h: 2, g: 2, l: 140, s: 420, d: 128, e: 256 },
        Shape { b: 1, h: 3, g: 1, l: 30, s: 10, d: 36, e: 4 },
    ];
    let words = |n: usize| mlx_ir::packed::words(n).unwrap();
    for (pool, isa) in pools() {
        let cx = Cx { pool: &pool, isa };
        for x in &shapes {
            for mode in 0..5 {
                let dq = [DType::F32, DType::F16][mode % 2];
                let q = Case::random(&mut rng, &[x.b, x.h, x.l, x.d], dq, 0);
                let mut rows = |n: usize| {
                    let plain = Case::random(&mut rng, &[x.b, x.s, x.g, n], DType::F32, 0);
                    let packed = Case::output(&[x.b, x.s, x.g, words(n)], DType::U32);
                    op::PackRows {}.run(&cx, &[plain.op()], &[packed.op()]).unwrap();
                    packed.check_guards();
                    let back = Case::output(&[x.b, x.s, x.g, n], DType::F32);
                    op::UnpackRows {}.run(&cx, &[packed.op()], &[back.op()]).unwrap();
                    back.check_guards();
                    for (a, b) in back.values().iter().zip(plain.values()) {
                        assert!((a - b).abs() < 0.5 / 127.0 + 5e-4, "{isa} {a} {b}");
                    }
                    (packed.swapped(1, 2), back.swapped(1, 2).values())
                };
                let ((k, kv), (v, vv)) = (rows(x.d), rows(x.e));
                let sinks = Case::random(&mut rng, &[x.h], dq, 0);
                let mask = Case::random(&mut rng, &[x.b, x.h, x.l, x.s], DType::Bool, 0);
                let op = op::Sdpa {
                    scale: Real::new(0.7),
                    causal: matches!(mode, 1 | 2),
                    window: (mode == 2).then_some(9),
                    mask: mode == 3,
                    sinks: mode == 4,
                    held: false,
                    packed: true,
                };
                let out = Case::output(&[x.b, x.h, x.l, x.e], dq);
                let mut ins = vec![q.op(), k.op(), v.op()];
                ins.extend(op.mask.then(|| mask.op()));
                ins.extend(op.sinks.then(|| sinks.op()));
                let descs: Vec<Desc> = ins.iter().map(|o| o.desc.clone()).collect();
                assert!(op.supports(&descs, &[out.op().desc]));
                op.run(&cx, &ins, &[out.op()]).unwrap();
                out.check_guards();
                let (mv, sv) = (mask.values(), if op.sinks { sinks.values() } else { Vec::new() });
                let want = reference(x, &op, &q.values(), &kv, &vv, op.mask.then_some((&mv[..], false)), &sv);
                let tol = if dq == DType::F16 { 2e-3 } else { 3e-6 };
                for (a, b) in out.values().iter().zip(&want) {
                    assert!((a - b).abs() < tol, "{isa} d{} e{} l{} s{} mode {mode}: {a} {b}", x.d, x.e, x.l, x.s);
                }
            }
        }
    }
}
