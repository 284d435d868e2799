//! Every format, level and shape class against two f64 references: the product with the same
//! quantized activations (tight) and the exact product (loose; tight for `qmatmul_exact`).

use mlx_cpu::kernels::qmatmul::{Product, get_rows, qmatmul, qmatmul_exact, qmatmul_multi};
use mlx_cpu::{Isa, Pool};
use mlx_ir::{ErrorKind, QuantFormat};

struct Noise(u32);

impl Noise {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1664525).wrapping_add(1013904223);
        (self.0 >> 8) as f32 / (1 << 23) as f32 - 1.0
    }
    /// Bell-shaped, with a few large values as real activations have.
    fn row(&mut self, n: usize) -> Vec<f32> {
        (0..n)
            .map(|_| {
                let v = self.next() + self.next() + self.next();
                if self.next() > 0.98 { v * 8.0 } else { v }
            })
            .collect()
    }
}

/// Encoded weights at an odd address.
struct Weights {
    bytes: Vec<u8>,
    exact: Vec<f64>,
}

impl Weights {
    fn new(f: QuantFormat, n: usize, k: usize, noise: &mut Noise) -> Weights {
        let size = f.row_bytes(k).unwrap();
        let mut bytes = vec![0; 1 + n * size];
        let mut exact = Vec::new();
        let mut back = vec![0.0; k];
        for row in bytes[1..].chunks_exact_mut(size) {
            f.encode_row(&noise.row(k), row).unwrap();
            f.decode_row(row, &mut back).unwrap();
            exact.extend(back.iter().map(|v| *v as f64));
        }
        Weights { bytes, exact }
    }
    fn bytes(&self) -> &[u8] {
        &self.bytes[1..]
    }
}

fn is_block_format(f: QuantFormat) -> bool {
    f.block_elements() > 1
}

/// What the integer kernels see: int8 with one scale per 32.
fn quantized(x: &[f32]) -> Vec<f64> {
    let mut out = Vec::new();
    for b in x.chunks_exact(32) {
        let peak = b.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let scale = peak / 127.0;
        let inverse = if peak == 0.0 { 0.0 } else { 127.0 / peak };
        out.extend(b.iter().map(|v| (v * inverse).round_ties_even() as f64 * scale as f64));
    }
    out
}

/// (product, sum of magnitudes) in f64.
fn reference(x: &[f64], w: &[f64]) -> (f64, f64) {
    x.iter().zip(w).fold((0.0, 0.0), |(s, a), (x, w)| (s + x * w, a + (x * w).abs()))
}

const SENTINEL: f32 = -12345.5;

fn run(pool: &Pool, isa: Isa, f: QuantFormat, w: &[u8], n: usize, k: usize, x: &[f32], m: usize) -> Vec<f32> {
    let mut out = vec![SENTINEL; m * n + 16];
    qmatmul(pool, isa, f, w, n, k, x, m, &mut out[8..8 + m * n]).unwrap();
    assert!(out[..8].iter().chain(&out[8 + m * n..]).all(|v| *v == SENTINEL), "wrote outside of out");
    out[8..8 + m * n].to_vec()
}

fn check(pool: &Pool, isa: Isa, f: QuantFormat, n: usize, k: usize, m: usize) {
    let mut noise = Noise((n * 31 + k * 7 + m) as u32);
    let w = Weights::new(f, n, k, &mut noise);
    let x = noise.row(m * k);
    let got = run(pool, isa, f, w.bytes(), n, k, &x, m);
    let mut unrounded = vec![SENTINEL; m * n];
    let product = Product { format: f, weights: w.bytes(), n, out: &mut unrounded };
    qmatmul_exact(pool, isa, &mut [product], k, &x, m).unwrap();
    for i in 0..m {
        let row = &x[i * k..][..k];
        let exact: Vec<f64> = row.iter().map(|v| *v as f64).collect();
        let seen = if is_block_format(f) { quantized(row) } else { exact.clone() };
        for r in 0..n {
            let weights = &w.exact[r * k..][..k];
            let (v, what) = (got[i * n + r] as f64, format!("{} {isa} n={n} k={k} m={m} at [{i}][{r}]", f.name()));
            let (tight, size) = reference(&seen, weights);
            assert!((v - tight).abs() <= 3e-6 * size + 1e-30, "{what}: {v}, expected {tight} (size {size})");
            let (loose, size) = reference(&exact, weights);
            let u = unrounded[i * n + r] as f64;
            assert!((u - loose).abs() <= 3e-6 * size + 1e-30, "{what}, exact: {u}, expected {loose} (size {size})");
            let norm = |v: &[f64]| v.iter().map(|v| v * v).sum::<f64>().sqrt();
            assert!((v - loose).abs() <= 0.03 * norm(&exact) * norm(weights), "{what}: {v}, exactly {loose}");
        }
    }
}

#[test]
fn all_formats_levels_and_shapes() {
    let pool = Pool::new(3).unwrap();
    for isa in Isa::available() {
        for f in QuantFormat::ALL {
            let unit = f.block_elements().max(32);
            for (n, k) in [(1, 1), (3, 5), (49, 3), (26, 9), (7, 18)].map(|(n, b)| (n, b * unit)) {
                for m in [1, 2, 3, 4, 5, 8, 17] {
                    check(&pool, isa, f, n, k, m);
                }
            }
            for m in [33, 64, 100] {
                check(&pool, isa, f, 29, 2 * unit, m);
            }
        }
    }
}

#[test]
fn long_rows() {
    let pool = Pool::new(2).unwrap();
    for isa in Isa::available() {
        for f in QuantFormat::ALL {
            for m in [1, 3, 40] {
                check(&pool, isa, f, 5, 4608, m);
            }
        }
    }
}

#[test]
fn plain_formats_take_any_row_length() {
    let pool = Pool::new(1).unwrap();
    for isa in Isa::available() {
        for f in [QuantFormat::F32, QuantFormat::F16, QuantFormat::BF16] {
            for k in [1, 2, 7, 15, 17, 31, 63, 65, 100] {
                for m in [1, 4, 20] {
                    check(&pool, isa, f, 5, k, m);
                }
            }
        }
    }
}

#[test]
fn thread_count_changes_no_bit() {
    let pools = [1, 2, 5].map(|t| Pool::new(t).unwrap());
    for isa in Isa::available() {
        for f in QuantFormat::ALL {
            let (n, k) = (300, 512);
            let mut noise = Noise(9);
            let w = Weights::new(f, n, k, &mut noise);
            for m in [1, 4, 50] {
                let x = noise.row(m * k);
                let [a, b, c] = pools.each_ref().map(|p| run(p, isa, f, w.bytes(), n, k, &x, m));
                assert!(a == b && b == c, "{} {isa} m={m}", f.name());
            }
        }
    }
}

#[test]
fn several_products_equal_single_ones() {
    let pool = Pool::new(3).unwrap();
    let k = 512;
    for isa in Isa::available() {
        for m in [1, 3, 30] {
            let mut noise = Noise(11);
            let x = noise.row(m * k);
            let shapes: Vec<_> = QuantFormat::ALL.into_iter().zip([40, 1, 7, 64, 33, 20, 5, 48, 9, 17]).collect();
            let weights: Vec<_> = shapes.iter().map(|(f, n)| Weights::new(*f, *n, k, &mut noise)).collect();
            let mut outs: Vec<_> = shapes.iter().map(|(_, n)| vec![SENTINEL; m * n]).collect();
            let mut products: Vec<_> = shapes
                .iter()
                .zip(&weights)
                .zip(&mut outs)
                .map(|(((format, n), w), out)| Product { format: *format, weights: w.bytes(), n: *n, out })
                .collect();
            qmatmul_multi(&pool, isa, &mut products, k, &x, m).unwrap();
            for (((f, n), w), out) in shapes.iter().zip(&weights).zip(&outs) {
                assert_eq!(*out, run(&pool, isa, *f, w.bytes(), *n, k, &x, m), "{} {isa} m={m}", f.name());
            }
        }
    }
}

#[test]
fn strange_activations_stay_in_their_row() {
    let pool = Pool::new(2).unwrap();
    let (n, k) = (21, 512);
    for isa in Isa::available() {
        for f in QuantFormat::ALL {
            let mut noise = Noise(4);
            let w = Weights::new(f, n, k, &mut noise);
            for m in [1, 3, 18] {
                for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e-40, 0.0] {
                    let mut x = noise.row(m * k);
                    let clean = run(&pool, isa, f, w.bytes(), n, k, &x, m);
                    x[40] = bad;
                    x[41] = bad;
                    let got = run(&pool, isa, f, w.bytes(), n, k, &x, m);
                    assert_eq!(got[n..], clean[n..], "{} {isa} m={m} {bad}", f.name());
                    let all = |p: fn(&f32) -> bool| got[..n].iter().all(p);
                    match bad {
                        b if b.is_nan() || b.is_infinite() => {
                            assert!(all(|v| !v.is_finite()), "{} {isa} {bad}", f.name())
                        }
                        b if b < 1.0 => assert!(all(|v| v.is_finite()), "{} {isa} {bad}", f.name()),
                        _ => {}
                    }
                }
            }
        }
    }
}

#[test]
fn zero_activations_give_zero() {
    let pool = Pool::new(2).unwrap();
    for isa in Isa::available() {
        for f in QuantFormat::ALL {
            let w = Weights::new(f, 10, 256, &mut Noise(1));
            for m in [1, 20] {
                assert!(run(&pool, isa, f, w.bytes(), 10, 256, &vec![0.0; m * 256], m).iter().all(|v| *v == 0.0));
            }
        }
    }
}

#[test]
fn a_bad_scale_stays_in_its_row() {
    let pool = Pool::new(2).unwrap();
    let (n, k) = (9, 768);
    for isa in Isa::available() {
        for f in QuantFormat::ALL.into_iter().filter(|f| is_block_format(*f)) {
            let mut noise = Noise(2);
            let w = Weights::new(f, n, k, &mut noise);
            let mut bad = w.bytes().to_vec();
            let row = f.row_bytes(k).unwrap();
            let at = if f == QuantFormat::Q6_K { 208 } else { 0 };
            bad[4 * row + at..4 * row + at + 2].copy_from_slice(&[0xFF, 0x7F]);
            for m in [1, 2, 20] {
                let x = noise.row(m * k);
                let (a, b) = (run(&pool, isa, f, w.bytes(), n, k, &x, m), run(&pool, isa, f, &bad, n, k, &x, m));
                for i in 0..m * n {
                    assert!(if i % n == 4 { b[i].is_nan() } else { a[i] == b[i] }, "{} {isa} m={m} {i}", f.name());
                }
            }
        }
    }
}

#[test]
fn rows_are_looked_up_exactly() {
    for f in QuantFormat::ALL {
        let (n, k) = (6, 512);
        let w = Weights::new(f, n, k, &mut Noise(3));
        let mut out = vec![0.0; 3 * k];
        get_rows(f, w.bytes(), k, &[5, 0, 5], &mut out).unwrap();
        let want = [5, 0, 5].map(|r| &w.exact[r * k..][..k]).concat();
        assert!(out.iter().zip(&want).all(|(a, b)| *a as f64 == *b), "{}", f.name());
        assert_eq!(get_rows(f, w.bytes(), k, &[6], &mut out[..k]).unwrap_err().kind, ErrorKind::Index);
        assert_eq!(get_rows(f, w.bytes(), k, &[u32::MAX], &mut out[..k]).unwrap_err().kind, ErrorKind::Index);
        assert_eq!(get_rows(f, w.bytes(), k, &[1], &mut out).unwrap_err().kind, ErrorKind::Value);
    }
}

#[test]
fn wrong_arguments_are_refused() {
    let pool = Pool::new(1).unwrap();
    let isa = Isa::detect();
    let f = QuantFormat::Q4_0;
    let (w, x) = (vec![0; 2 * 18], vec![0.0; 32]);
    let call = |w: &[u8], n, k, x: &[f32], m, out: usize| qmatmul(&pool, isa, f, w, n, k, x, m, &mut vec![0.0; out]);
    assert!(call(&w, 2, 32, &x, 1, 2).is_ok());
    assert!(call(&[], 0, 32, &x, 1, 0).is_ok());
    assert!(call(&w, 2, 32, &[], 0, 0).is_ok());
    assert!(call(&[], 2, 0, &[], 3, 6).is_ok());
    for r in [
        call(&w, 2, 33, &x, 1, 2),
        call(&w, 3, 32, &x, 1, 3),
        call(&w[1..], 2, 32, &x, 1, 2),
        call(&w, 2, 32, &x[1..], 1, 2),
        call(&w, 2, 32, &x, 1, 3),
        call(&w, usize::MAX, 32, &x, 1, 3),
        call(&w, 2, 32, &x, usize::MAX, 3),
    ] {
        assert_eq!(r.unwrap_err().kind, ErrorKind::Value);
    }
    let lacking = Isa::ALL.into_iter().find(|l| !l.is_available()).unwrap();
    let r = qmatmul(&pool, lacking, f, &w, 2, 32, &x, 1, &mut [0.0; 2]);
    assert_eq!(r.unwrap_err().kind, ErrorKind::Unsupported);
}
