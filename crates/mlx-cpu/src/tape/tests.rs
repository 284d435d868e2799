//! Every function at every level against f64; layouts, aliasing, tapes.

use crate::kernels::simd::Elem;
use crate::testing::*;
use crate::{CpuBackend, Isa};
use half::{bf16, f16};
use mlx_ir::op::Map;
use mlx_ir::{C64, DType, Element, Func, Operand, Tape, TapeBuilder};
use std::sync::Arc;

fn single(f: Func, at: DType, to: DType) -> Map {
    Map { tape: Arc::new(Tape::single(f, at, to)) }
}

fn unary(b: &CpuBackend, f: Func, x: &[f32]) -> Vec<f32> {
    let (i, o) = (operand(b, x, &[x.len()]), empty::<f32>(b, &[x.len()]));
    launch(b, single(f, DType::F32, DType::F32), &[&i], &[&o]);
    read(&o)
}

fn binary(b: &CpuBackend, f: Func, x: &[f32], y: &[f32]) -> Vec<f32> {
    let (i, j, o) = (operand(b, x, &[x.len()]), operand(b, y, &[y.len()]), empty::<f32>(b, &[x.len()]));
    launch(b, single(f, DType::F32, DType::F32), &[&i, &j], &[&o]);
    read(&o)
}

const SPECIAL: [f32; 26] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    2.0,
    -2.0,
    3.0,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
    f32::MAX,
    f32::MIN,
    f32::MIN_POSITIVE,
    -f32::MIN_POSITIVE,
    1e-45,
    -1e-45,
    88.722_83,
    88.722_85,
    -103.97,
    -87.4,
    8192.0,
    8192.001,
    1e10,
    -3e38,
];

/// Numbers of every magnitude, and many ordinary ones.
fn samples() -> Vec<f32> {
    let mut v = SPECIAL.to_vec();
    let mut r = Numbers(1);
    for i in 0..40_000u32 {
        v.push(f32::from_bits((r.bits() as u32) ^ (i << 31)));
        v.push(r.unit());
        v.push(r.unit() * 20.0);
        v.push(1.0 + r.unit() * 0.1);
        v.push(r.unit() * 300.0);
    }
    v.truncate(199_999);
    v
}

#[test]
fn functions_of_one_float_are_accurate() {
    type Exact = fn(f64) -> f64;
    let table: &[(Func, Exact, f64)] = &[
        (Func::Abs, |x| x.abs(), 0.0),
        (Func::Negative, |x| -x, 0.0),
        (
            Func::Sign,
            |x| {
                if x == 0.0 || x.is_nan() { 0.0 } else { x.signum() }
            },
            0.0,
        ),
        (Func::Floor, |x| x.floor(), 0.0),
        (Func::Trunc, |x| x.trunc(), 0.0),
        (Func::Ceil, |x| x.ceil(), 0.0),
        (Func::Round, |x| x.round_ties_even(), 0.0),
        (Func::Square, |x| x * x, 0.5),
        (Func::Sqrt, |x| x.sqrt(), 0.5),
        (Func::Rsqrt, |x| 1.0 / x.sqrt(), 1.5),
        (Func::Exp, |x| x.exp(), 1.2),
        (Func::Expm1, |x| x.exp_m1(), 2.0),
        (Func::Log, |x| x.ln(), 1.2),
        (Func::Log2, |x| x.log2(), 2.0),
        (Func::Log10, |x| x.log10(), 2.0),
        (Func::Log1p, |x| x.ln_1p(), 2.0),
        (Func::Sin, |x| x.sin(), 1.5),
        (Func::Cos, |x| x.cos(), 1.5),
        (Func::Tan, |x| x.tan(), 3.5),
        (Func::Arcsin, |x| x.asin(), 2.5),
        (Func::Arccos, |x| x.acos(), 2.5),
        (Func::Arctan, |x| x.atan(), 2.0),
        (Func::Sinh, |x| x.sinh(), 2.5),
        (Func::Cosh, |x| x.cosh(), 2.0),
        (Func::Tanh, |x| x.tanh(), 2.0),
        (Func::Arcsinh, libm::asinh, 3.0),
        (Func::Arccosh, |x| if x < 1.0 { f64::NAN } else { libm::acosh(x) }, 3.0),
        (Func::Arctanh, |x| x.atanh(), 3.5),
        (Func::Erf, libm::erf, 2.0),
        (Func::Sigmoid, |x| 1.0 / (1.0 + (-x).exp()), 2.5),
        (Func::Conjugate, |x| x, 0.0),
        (Func::Imag, |_| 0.0, 0.0),
    ];
    let x = samples();
    for isa in Isa::available() {
        let b = CpuBackend::new(2, isa).unwrap();
        for &(f, exact, bound) in table {
            let y = unary(&b, f, &x);
            let mut worst = (0.0, 0.0);
            for (&x, &y) in x.iter().zip(&y) {
                let want = exact(x as f64);
                let d = ulps(y, want);
                if d > worst.0 {
                    worst = (d, x);
                }
                let zero = y == 0.0 && want as f32 == 0.0;
                assert!(!zero || y.to_bits() == (want as f32).to_bits(), "{} {isa}: sign of {y} at {x:e}", f.name());
            }
            assert!(worst.0 <= bound, "{} {isa}: {:.2} ulp at {:e}", f.name(), worst.0, worst.1);
        }
    }
}

#[test]
fn functions_of_two_floats_are_accurate() {
    type Exact = fn(f64, f64) -> f64;
    let rem = |x: f64, y: f64| {
        let r = x % y;
        if r != 0.0 && (r < 0.0) != (y < 0.0) { r + y } else { r }
    };
    let lae = |x: f64, y: f64| {
        let (hi, lo) = (x.max(y), x.min(y));
        match () {
            () if x.is_nan() || y.is_nan() => f64::NAN,
            () if lo == f64::NEG_INFINITY || hi == f64::INFINITY => hi,
            () => hi + (lo - hi).exp().ln_1p(),
        }
    };
    let table: &[(Func, Exact, f64)] = &[
        (Func::Add, |x, y| x + y, 0.5),
        (Func::Subtract, |x, y| x - y, 0.5),
        (Func::Multiply, |x, y| x * y, 0.5),
        (Func::Divide, |x, y| x / y, 0.5),
        (Func::FloorDivide, |x, y| ((x as f32 / y as f32) as f64).floor(), 0.0),
        (Func::Remainder, rem, 0.5),
        (Func::Power, |x, y| x.powf(y), 1.0),
        (Func::Maximum, |x, y| if x.is_nan() || y.is_nan() { f64::NAN } else { x.max(y) }, 0.0),
        (Func::Minimum, |x, y| if x.is_nan() || y.is_nan() { f64::NAN } else { x.min(y) }, 0.0),
        (Func::Arctan2, |x, y| x.atan2(y), 2.5),
        (Func::Logaddexp, lae, 0.0),
    ];
    let s = samples();
    let mut x: Vec<f32> = s.iter().step_by(2).copied().collect();
    let mut y: Vec<f32> = s.iter().skip(1).step_by(2).copied().collect();
    x.truncate(y.len());
    for a in SPECIAL {
        for b in SPECIAL {
            x.push(a);
            y.push(b);
        }
    }
    for isa in Isa::available() {
        let b = CpuBackend::new(2, isa).unwrap();
        for &(f, exact, bound) in table {
            let z = binary(&b, f, &x, &y);
            for ((&x, &y), &z) in x.iter().zip(&y).zip(&z) {
                let want = exact(x as f64, y as f64);
                if f == Func::Logaddexp {
                    // Where the two terms cancel only the larger one's scale is promised.
                    let near = (z as f64 - want).abs() <= 2e-7 * x.abs().max(y.abs()).max(1.0) as f64;
                    assert!(near || ulps(z, want) == 0.0, "{isa} logaddexp({x:e}, {y:e}) = {z:e}, not {want:e}");
                    continue;
                }
                let d = ulps(z, want);
                assert!(d <= bound, "{} {isa}: {d:.2} ulp at {x:e}, {y:e}: {z:e}, not {want:e}", f.name());
            }
        }
    }
}

#[test]
fn erfinv_gives_the_bits_of_the_official_build() {
    // uniform(-1, 1) bits and the normals that mlx.core.random.normal(key(0), [8]) makes of them.
    let golden: &[(u32, u32)] = &ERFINV;
    for isa in Isa::available() {
        let b = CpuBackend::new(1, isa).unwrap();
        let x: Vec<f32> = golden.iter().map(|g| f32::from_bits(g.0)).collect();
        let y = unary(&b, Func::Erfinv, &x);
        for (g, y) in golden.iter().zip(y) {
            assert_eq!(g.1, y.to_bits(), "{isa} erfinv({})", f32::from_bits(g.0));
        }
        let y = unary(&b, Func::Erfinv, &[1.0, -1.0, 1.5, f32::NAN, 0.0]);
        assert!(y[0] == f32::INFINITY && y[1] == f32::NEG_INFINITY && y[2].is_nan() && y[3].is_nan() && y[4] == 0.0);
    }
}

include!("golden_erfinv.rs");

#[test]
fn strides_broadcasts_and_offsets_agree_with_a_plain_walk() {
    let mut r = Numbers(7);
    for b in backends() {
        let base: Vec<f32> = (0..6000).map(|_| r.unit()).collect();
        let o = operand(&b, &base, &[6000]);
        type Case = (Vec<usize>, Vec<isize>, usize);
        let cases: Vec<[Case; 2]> = vec![
            [(vec![5, 7], vec![7, 1], 0), (vec![5, 7], vec![1, 5], 3)],
            [(vec![5, 7], vec![0, 1], 0), (vec![5, 7], vec![1, 0], 3)],
            [(vec![3, 200], vec![-200, 1], 1000), (vec![3, 200], vec![1, -3], 900)],
            [(vec![2, 3, 4, 5], vec![60, 20, 5, 1], 0), (vec![2, 3, 4, 5], vec![0, 1, 0, 3], 1)],
            [(vec![1, 2999], vec![0, 2], 1), (vec![1, 2999], vec![5, 1], 0)],
            [(vec![4, 1000], vec![1000, 1], 0), (vec![4, 1000], vec![0, 0], 17)],
            [(vec![7, 201], vec![201, 1], 2), (vec![7, 201], vec![3, 0], 40)],
            [(vec![3, 2, 111], vec![5, -1, 0], 9), (vec![3, 2, 111], vec![222, 111, 1], 1)],
            [(vec![], vec![], 5), (vec![], vec![], 9)],
            [(vec![3, 0], vec![1, 1], 0), (vec![3, 0], vec![0, 0], 0)],
            [(vec![50, 40, 3], vec![1, 50, 2000], 0), (vec![50, 40, 3], vec![120, 3, 1], 0)],
        ];
        for [x, y] in cases {
            let (x, y) = (view(&o, &x.0, &x.1, x.2), view(&o, &y.0, &y.1, y.2));
            let out = empty::<f32>(&b, &x.desc.shape);
            launch(&b, single(Func::Subtract, DType::F32, DType::F32), &[&x, &y], &[&out]);
            let want: Vec<f32> = read::<f32>(&x).iter().zip(read::<f32>(&y)).map(|(a, b)| a - b).collect();
            assert_eq!(read::<f32>(&out), want, "{:?}", x.desc);
            // The same in a half type and as a comparison.
            let half: Vec<f16> = base.iter().map(|&x| f16::from_f32(x)).collect();
            let h = operand(&b, &half, &[6000]);
            let (p, q) = (like(&h, &x), like(&h, &y));
            let out = empty::<f16>(&b, &x.desc.shape);
            launch(&b, single(Func::Subtract, DType::F16, DType::F16), &[&p, &q], &[&out]);
            let want: Vec<f16> = read::<f16>(&p)
                .iter()
                .zip(read::<f16>(&q))
                .map(|(a, b)| f16::from_f32(a.to_f32() - b.to_f32()))
                .collect();
            assert_eq!(read::<f16>(&out), want);
            let out = empty::<bool>(&b, &x.desc.shape);
            launch(&b, single(Func::Less, DType::F16, DType::Bool), &[&p, &q], &[&out]);
            let want: Vec<bool> = read::<f16>(&p).iter().zip(read::<f16>(&q)).map(|(a, b)| *a < b).collect();
            assert_eq!(read::<bool>(&out), want);
        }
    }
}

#[test]
fn transposed_inputs_are_turned_in_parts() {
    for b in backends() {
        let (m, n) = (700, 1100);
        let x = operand(&b, &(0..m * n).map(|i| i as f32).collect::<Vec<_>>(), &[m, n]);
        let h = operand(&b, &(0..m * n).map(|i| f16::from_f32((i % 1999) as f32)).collect::<Vec<_>>(), &[m * n]);
        let t = view(&x, &[n, m], &[1, n as isize], 0);
        let flat = view(&x, &[n, m], &[m as isize, 1], 0);
        let out = empty::<f32>(&b, &[n, m]);
        launch(&b, single(Func::Subtract, DType::F32, DType::F32), &[&t, &flat], &[&out]);
        let got = read::<f32>(&out);
        assert!(got.iter().enumerate().all(|(i, &v)| v == (i % m * n + i / m) as f32 - i as f32));
        let (p, q) = (view(&h, &[n, m], &[1, n as isize], 0), view(&h, &[n, m], &[0, n as isize], 5));
        let out = empty::<f16>(&b, &[n, m]);
        launch(&b, single(Func::Maximum, DType::F16, DType::F16), &[&p, &q], &[&out]);
        let want: Vec<f16> = read::<f16>(&p).into_iter().zip(read::<f16>(&q)).map(|(a, b)| a.max(b)).collect();
        assert_eq!(read::<f16>(&out), want);
        // Three dimensions, of which inputs are turned along different ones; short rows; a row and a column for all.
        for (shape, turns) in [
            (vec![33, 17, 500], [vec![1, 33, 561], vec![17, 1, 561]]),
            (vec![9, 700, 40], [vec![1, 360, 9], vec![28_000, 1, 700]]),
            (vec![6000, 20], [vec![1, 6000], vec![0, 1]]),
            (vec![300, 900], [vec![1, 300], vec![1, 0]]),
        ] {
            let [p, q] = turns.map(|strides: Vec<isize>| view(&x, &shape, &strides, 3));
            let out = empty::<f32>(&b, &shape);
            launch(&b, single(Func::Subtract, DType::F32, DType::F32), &[&p, &q], &[&out]);
            let want: Vec<f32> = read::<f32>(&p).into_iter().zip(read::<f32>(&q)).map(|(a, b)| a - b).collect();
            assert_eq!(read::<f32>(&out), want, "{shape:?}");
        }
    }
}

#[test]
fn a_result_may_lie_over_an_input() {
    for b in backends() {
        let n = 100_003;
        let mut r = Numbers(3);
        let x: Vec<f32> = (0..n).map(|_| r.unit()).collect();
        let o = operand(&b, &x, &[n]);
        launch(&b, single(Func::Add, DType::F32, DType::F32), &[&o, &operand(&b, &x, &[n])], &[&o]);
        assert!(read::<f32>(&o).iter().zip(&x).all(|(a, x)| *a == x + x));
        // Another dtype of the same size.
        let out = mlx_ir::Operand { desc: mlx_ir::Desc::contiguous(&[n], DType::I32), ..o.clone() };
        launch(&b, single(Func::Convert, DType::F32, DType::I32), &[&o], &[&out]);
        assert!(read::<i32>(&out).iter().zip(&x).all(|(a, x)| *a == (x + x) as i32));
        let h: Vec<bf16> = x.iter().map(|&x| bf16::from_f32(x)).collect();
        let o = operand(&b, &h, &[n]);
        launch(&b, single(Func::Square, DType::BF16, DType::BF16), &[&o], &[&o]);
        assert!(read::<bf16>(&o).iter().zip(&h).all(|(a, x)| *a == bf16::from_f32(x.to_f32() * x.to_f32())));
    }
}

#[test]
fn half_types_round_after_each_instruction() {
    let mut t = TapeBuilder::new(&[DType::F16, DType::Bool, DType::F16]);
    let c = t.constant(f16::from_f32(0.1)).unwrap();
    let p = t.call(Func::Multiply, &[0, c]).unwrap();
    let e = t.call(Func::Exp, &[p]).unwrap();
    let s = t.call(Func::Select, &[1, e, 2]).unwrap();
    let w = t.convert(s, DType::F32).unwrap();
    let q = t.call(Func::Add, &[w, w]).unwrap();
    t.convert(q, DType::BF16).unwrap();
    let tape = Map { tape: Arc::new(t.finish()) };
    for b in backends() {
        let n = 5001;
        let mut r = Numbers(5);
        let x: Vec<f16> = (0..n).map(|_| f16::from_f32(r.unit() * 30.0)).collect();
        let c: Vec<bool> = (0..n).map(|_| r.unit() > 0.0).collect();
        let y: Vec<f16> = (0..n).map(|_| f16::from_f32(r.unit())).collect();
        let out = empty::<bf16>(&b, &[n]);
        launch(&b, tape.clone(), &[&operand(&b, &x, &[n]), &operand(&b, &c, &[n]), &operand(&b, &y, &[n])], &[&out]);
        for (i, got) in read::<bf16>(&out).into_iter().enumerate() {
            let p = f16::from_f32(x[i].to_f32() * f16::from_f32(0.1).to_f32());
            let e = f16::from_f64((p.to_f32() as f64).exp());
            let s = if c[i] { e } else { y[i] };
            let want = bf16::from_f32(s.to_f32() * 2.0);
            let near = (got.to_f32() - want.to_f32()).abs() <= want.to_f32().abs() * 0.01;
            // exp in f32 may round a tie of f16 the other way.
            assert!(near, "{got} {want}");
            assert!(c[i] || got == want);
        }
    }
}

#[test]
fn long_tapes_reuse_registers() {
    // A chain, and values kept for long: 1 + x + x² + … with every power alive until the end.
    let mut t = TapeBuilder::new(&[DType::F64]);
    let mut powers = vec![0u8];
    for _ in 0..20 {
        powers.push(t.call(Func::Multiply, &[*powers.last().unwrap(), 0]).unwrap());
    }
    let mut sum = t.constant(1f64).unwrap();
    for p in powers {
        sum = t.call(Func::Add, &[sum, p]).unwrap();
    }
    let tape = Map { tape: Arc::new(t.finish()) };
    for b in backends() {
        let x: Vec<f64> = (0..3000).map(|i| i as f64 / 4000.0).collect();
        let out = empty::<f64>(&b, &[3000]);
        launch(&b, tape.clone(), &[&operand(&b, &x, &[3000])], &[&out]);
        for (x, y) in x.iter().zip(read::<f64>(&out)) {
            let want = (1.0 - x.powi(22)) / (1.0 - x);
            assert!((y - want).abs() < 1e-12 * want, "{x} {y} {want}");
        }
    }
}

#[test]
fn a_tape_may_end_in_a_constant_or_an_input() {
    let b = CpuBackend::new(1, Isa::detect()).unwrap();
    let x = operand(&b, &[1i32, 2, 3], &[3]);
    let mut t = TapeBuilder::new(&[DType::I32]);
    t.constant(bf16::from_f32(2.5)).unwrap();
    let out = empty::<bf16>(&b, &[3]);
    launch(&b, Map { tape: Arc::new(t.finish()) }, &[&x], &[&out]);
    assert_eq!(read::<bf16>(&out), [bf16::from_f32(2.5); 3]);
    let out = empty::<i32>(&b, &[3]);
    launch(&b, single(Func::Convert, DType::I32, DType::I32), &[&x], &[&out]);
    assert_eq!(read::<i32>(&out), [1, 2, 3]);
}

#[test]
fn integers_wrap_and_never_trap() {
    for b in backends() {
        let two = |f: Func, x: &[i32], y: &[i32]| {
            let out = empty::<i32>(&b, &[x.len()]);
            let (x, y) = (operand(&b, x, &[x.len()]), operand(&b, y, &[y.len()]));
            launch(&b, single(f, DType::I32, DType::I32), &[&x, &y], &[&out]);
            read::<i32>(&out)
        };
        let (x, y) = ([7, -7, 7, -7, 5, i32::MIN, -1, 0], [2, 2, -2, -2, 0, -1, 3, 0]);
        assert_eq!(two(Func::FloorDivide, &x, &y), [3, -4, -4, 3, 0, i32::MIN, -1, 0]);
        assert_eq!(two(Func::Remainder, &x, &y), [1, 1, -1, -1, 5, 0, 2, 0]);
        assert_eq!(two(Func::Power, &[3, 2, -1, -1, 5, 1, 0], &[4, 40, -3, -2, -1, -9, 0]), [81, 0, 0, 0, 0, 0, 1]);
        assert_eq!(two(Func::LeftShift, &[1, 1, 1, 3], &[31, 32, -1, 1]), [i32::MIN, 0, 0, 6]);
        assert_eq!(two(Func::RightShift, &[-8, -8, 8, -8, 8], &[1, 32, 33, -1, -1]), [-4, -1, 0, -1, 0]);
        assert_eq!(two(Func::Multiply, &[i32::MAX], &[2]), [-2]);
        let out = empty::<u8>(&b, &[2]);
        let x = operand(&b, &[200u8, 3], &[2]);
        launch(&b, single(Func::Square, DType::U8, DType::U8), &[&x], &[&out]);
        assert_eq!(read::<u8>(&out), [64, 9]);
        let x = operand(&b, &[i8::MIN, -3], &[2]);
        let out = empty::<i8>(&b, &[2]);
        launch(&b, single(Func::Abs, DType::I8, DType::I8), &[&x], &[&out]);
        assert_eq!(read::<i8>(&out), [i8::MIN, 3]);
    }
}

#[test]
fn floats_become_integers_as_in_the_official_build() {
    let x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3e9, -3e9, 1e19, -1e19, 300.7, -1.5, 2.5, 7e4, -129.0, 1.8e19];
    for b in backends() {
        let i = operand(&b, &x, &[x.len()]);
        let to = |d: DType, out: &mlx_ir::Operand| launch(&b, single(Func::Convert, DType::F32, d), &[&i], &[out]);
        let o = empty::<u8>(&b, &[x.len()]);
        to(DType::U8, &o);
        assert_eq!(read::<u8>(&o), [0, 0, 0, 0, 0, 0, 0, 44, 255, 2, 112, 127, 0]);
        let o = empty::<i32>(&b, &[x.len()]);
        to(DType::I32, &o);
        let m = i32::MIN;
        assert_eq!(read::<i32>(&o), [m, m, m, m, m, m, m, 300, -1, 2, 70000, -129, m]);
        let o = empty::<u32>(&b, &[x.len()]);
        to(DType::U32, &o);
        let h = 1 << 31;
        assert_eq!(read::<u32>(&o), [h, 0, h, 3_000_000_000, h, 0, h, 300, u32::MAX, 2, 70000, 4_294_967_167, 0]);
        let o = empty::<i64>(&b, &[x.len()]);
        to(DType::I64, &o);
        let m = i64::MIN;
        assert_eq!(read::<i64>(&o), [m, m, m, 3_000_000_000, -3_000_000_000, m, m, 300, -1, 2, 70000, -129, m]);
        let o = empty::<u64>(&b, &[x.len()]);
        to(DType::U64, &o);
        let want = [1 << 63, 0, 1 << 63, 3_000_000_000, (-3_000_000_000i64) as u64, 9_999_999_980_506_447_872, 1 << 63];
        assert_eq!(read::<u64>(&o)[..7], want);
        let o = empty::<bool>(&b, &[x.len()]);
        to(DType::Bool, &o);
        assert!(read::<bool>(&o).iter().all(|&t| t));
    }
}

#[test]
fn bytes_other_than_one_are_true() {
    let b = CpuBackend::new(1, Isa::detect()).unwrap();
    let raw = operand(&b, &[0u8, 1, 2, 255], &[4]);
    let x = mlx_ir::Operand { desc: mlx_ir::Desc::contiguous(&[4], DType::Bool), ..raw };
    let out = empty::<i32>(&b, &[4]);
    launch(&b, single(Func::Convert, DType::Bool, DType::I32), &[&x], &[&out]);
    assert_eq!(read::<i32>(&out), [0, 1, 1, 1]);
}

#[test]
fn complex_numbers_have_their_functions() {
    let b = CpuBackend::new(1, Isa::detect()).unwrap();
    let z = operand(&b, &[C64::new(3.0, -4.0), C64::new(0.0, 0.0)], &[2]);
    let out = empty::<f32>(&b, &[2]);
    launch(&b, single(Func::Abs, DType::C64, DType::F32), &[&z], &[&out]);
    assert_eq!(read::<f32>(&out), [5.0, 0.0]);
    let out = empty::<C64>(&b, &[2]);
    launch(&b, single(Func::Sqrt, DType::C64, DType::C64), &[&z], &[&out]);
    assert_eq!(read::<C64>(&out), [C64::new(2.0, -1.0), C64::new(0.0, 0.0)]);
    launch(&b, single(Func::Multiply, DType::C64, DType::C64), &[&z, &z], &[&out]);
    assert_eq!(read::<C64>(&out)[0], C64::new(-7.0, -24.0));
}

#[test]
fn every_function_that_has_types_has_a_loop() {
    for &f in Func::ALL {
        for d in DType::ALL {
            if f == Func::Convert || f == Func::Select {
                continue;
            }
            if let Ok((enter, result)) = f.types(d) {
                let tape = Tape::single(f, enter, result);
                assert!(super::plan::is_known(&tape), "{} of {enter}", f.name());
            }
        }
    }
    assert!(!super::plan::is_known(&Tape::single(Func::Erf, DType::C64, DType::C64)));
}

/// Mostly one of the newest values, as in chains.
fn newest(r: &mut Numbers, values: &[(u8, Operand)]) -> (u8, Operand) {
    values[values.len() - 1 - (r.bits() % 4 * (r.bits() % 2)) as usize % values.len()].clone()
}

/// A random tape of cheap functions, some others among them, and what each of its values is when every function runs alone.
fn random_tape<T: Element + Elem>(b: &CpuBackend, r: &mut Numbers, ins: &[Operand]) -> (Tape, Operand) {
    let n = ins[0].desc.size();
    let mut t = TapeBuilder::new(&vec![T::DTYPE; ins.len()]);
    let mut values: Vec<(u8, Operand)> = ins.iter().enumerate().map(|(k, x)| (k as u8, x.clone())).collect();
    let one = T::put(1.5);
    values.push((t.constant(one).unwrap(), operand(b, &vec![one; n], &[n])));
    for _ in 0..6 + r.bits() % 12 {
        use Func::*;
        let all = [Add, Subtract, Multiply, Divide, Maximum, Minimum, Abs, Negative, Square, Sigmoid];
        let f = all[r.bits() as usize % all.len()];
        let args: Vec<(u8, Operand)> = (0..f.arity()).map(|_| newest(r, &values)).collect();
        let numbers = |args: &[(u8, Operand)]| args.iter().map(|a| a.0).collect::<Vec<_>>();
        let out = empty::<T>(b, &[n]);
        if args.len() == 2 && r.bits().is_multiple_of(3) {
            let compare = [Greater, GreaterEqual, Less, LessEqual, Equal, NotEqual, NanEqual][r.bits() as usize % 7];
            let (picked, mask) = ([newest(r, &values), newest(r, &values)], empty::<bool>(b, &[n]));
            let c = t.call(compare, &numbers(&args)).unwrap();
            // A mask of its own, and one that is asked for later once more.
            let v = t.call(Select, &[c, picked[0].0, picked[1].0]).unwrap();
            launch(b, single(compare, T::DTYPE, DType::Bool), &[&args[0].1, &args[1].1], &[&mask]);
            launch(b, single(Select, T::DTYPE, T::DTYPE), &[&mask, &picked[0].1, &picked[1].1], &[&out]);
            values.push((v, out));
            if r.bits().is_multiple_of(4) {
                let out = empty::<T>(b, &[n]);
                let v = t.call(Select, &[c, v, picked[0].0]).unwrap();
                launch(
                    b,
                    single(Select, T::DTYPE, T::DTYPE),
                    &[&mask, &values.last().unwrap().1, &picked[0].1],
                    &[&out],
                );
                values.push((v, out));
            }
            continue;
        }
        let v = t.call(f, &numbers(&args)).unwrap();
        launch(b, single(f, T::DTYPE, T::DTYPE), &args.iter().map(|a| &a.1).collect::<Vec<_>>(), &[&out]);
        values.push((v, out));
    }
    (t.finish(), values.pop().unwrap().1)
}

fn chains_agree<T: Element + Elem + PartialEq + std::fmt::Debug>() {
    for b in backends() {
        let mut r = Numbers(77);
        for turn in 0..60 {
            let n = [1, 7, 130, 1021, 4099][turn % 5];
            let ins: Vec<Operand> = (0..2)
                .map(|_| {
                    let x: Vec<T> =
                        (0..n).map(|i| T::put(if i % 9 == 4 { f32::NAN } else { r.unit() * 3.0 })).collect();
                    operand(&b, &x, &[n])
                })
                .collect();
            let (tape, want) = random_tape::<T>(&b, &mut r, &ins);
            let map = Map { tape: Arc::new(tape) };
            let out = empty::<T>(&b, &[n]);
            launch(&b, map.clone(), &[&ins[0], &ins[1]], &[&out]);
            // Over an input as well.
            let over = operand(&b, &read::<T>(&ins[1]), &[n]);
            launch(&b, map, &[&ins[0], &over], &[&over]);
            for (i, want) in read::<T>(&want).into_iter().enumerate() {
                for got in [read::<T>(&out)[i], read::<T>(&over)[i]] {
                    let same = got == want || got.get().is_nan() && want.get().is_nan();
                    assert!(same, "{turn} {i}: {got:?} {want:?}");
                }
            }
        }
    }
}

#[test]
fn chained_functions_agree_with_single_ones() {
    chains_agree::<f32>();
    chains_agree::<f16>();
    chains_agree::<bf16>();
}
