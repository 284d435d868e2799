use super::*;
use crate::kernels::testing::{Case, Rng, pools};

fn affine(group_size: u16, bits: u8) -> Affine {
    Affine { group_size, bits }
}

fn unhex(s: &str) -> Vec<u8> {
    (0..s.len() / 2).map(|i| u8::from_str_radix(&s[2 * i..2 * i + 2], 16).unwrap()).collect()
}

/// Raw bytes of a contiguous case.
fn raw(c: &Case) -> Vec<u8> {
    let o = c.op();
    let n = o.desc.size() * o.desc.dtype.size();
    // SAFETY: the operand's own bytes.
    unsafe { std::slice::from_raw_parts(view::ptr::<u8>(&o).get(), n) }.to_vec()
}

#[test]
fn encodes_and_decodes_as_upstream() {
    // Recorded from mlx 0.32.4 on a CPU: one line of f32 input, then a line for each (bits, dtype) with group size 32:
    // codes, scales, biases, decoded, as bytes.
    let mut lines = include_str!("golden.txt").lines();
    let input: Vec<f32> =
        unhex(lines.next().unwrap()).chunks(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    let mut count = 0;
    for line in lines {
        let f: Vec<&str> = line.split(' ').collect();
        let (bits, dtype) = (f[0].parse::<u8>().unwrap(), DType::from_name(f[1]).unwrap());
        let values: Vec<f64> = input.iter().map(|x| *x as f64).collect();
        for (pool, isa) in pools() {
            let cx = Cx { pool: &pool, isa };
            // f32 → dtype rounds to nearest even, as upstream's cast of the input.
            let w = Case::layout(&[2, 128], dtype, &values, 0);
            let codes = Case::output(&[2, 4 * bits as usize], DType::U32);
            let (s, b) = (Case::output(&[2, 4], dtype), Case::output(&[2, 4], dtype));
            let op = op::Quantize { affine: affine(32, bits) };
            op.run(&cx, &[w.op()], &[codes.op(), s.op(), b.op()]).unwrap();
            for (got, want) in [(&codes, f[2]), (&s, f[3]), (&b, f[4])] {
                assert_eq!(raw(got), unhex(want), "{isa} {bits} {dtype}");
                got.check_guards();
            }
            let out = Case::output(&[2, 128], dtype);
            let op = op::Dequantize { affine: affine(32, bits) };
            op.run(&cx, &[codes.op(), s.op(), b.op()], &[out.op()]).unwrap();
            assert_eq!(raw(&out), unhex(f[5]), "{isa} {bits} {dtype}");
            count += 1;
        }
    }
    assert_eq!(count, 21 * pools().len());
}

#[test]
fn strided_rows_and_odd_groups() {
    let mut rng = Rng::new(21);
    for (pool, isa) in pools() {
        let cx = Cx { pool: &pool, isa };
        for (group, bits) in [(64, 4), (128, 3), (32, 8)] {
            let shape = [3, 5, 2 * group as usize];
            let parts = |w: &Case| {
                let codes = Case::output(&[3, 5, 2 * group as usize * bits as usize / 32], DType::U32);
                let (s, b) = (Case::output(&[3, 5, 2], DType::F32), Case::output(&[3, 5, 2], DType::F32));
                let op = op::Quantize { affine: affine(group, bits) };
                op.run(&cx, &[w.op()], &[codes.op(), s.op(), b.op()]).unwrap();
                (codes, s, b)
            };
            let strided = Case::random(&mut rng, &shape, DType::F32, 1);
            let plain = Case::layout(&shape, DType::F32, &strided.values(), 0);
            let ((a, ..), (b, ..)) = (parts(&strided), parts(&plain));
            assert_eq!(raw(&a), raw(&b), "{isa}");
            let (c, s, b) = parts(&plain);
            let out = Case::output(&shape, DType::F32);
            op::Dequantize { affine: affine(group, bits) }.run(&cx, &[c.op(), s.op(), b.op()], &[out.op()]).unwrap();
            let step = 2.0 / ((1 << bits) - 1) as f64;
            for (x, y) in out.values().iter().zip(plain.values()) {
                assert!((x - y).abs() <= step, "{isa} {group} {bits}: {x} {y}");
            }
        }
    }
}

#[test]
fn products_of_both_orientations() {
    let mut rng = Rng::new(22);
    for (pool, isa) in pools() {
        let cx = Cx { pool: &pool, isa };
        for bits in [1u8, 2, 3, 4, 5, 6, 8] {
            for (group, m, n, k) in
                [(32, 1, 64, 96), (64, 3, 192, 128), (64, 8, 64, 64), (128, 21, 384, 256), (32, 13, 32, 32)]
            {
                for dtype in [DType::F32, DType::F16, DType::BF16] {
                    for transpose in [true, false] {
                        let (rows, cols) = if transpose { (n, k) } else { (k, n) };
                        let words = cols * bits as usize / 32;
                        let groups = cols / group as usize;
                        let x = Case::random(&mut rng, &[m, k], dtype, m % 3);
                        let codes: Vec<u32> = (0..rows * words).map(|_| rng.next() as u32).collect();
                        let w = Case::of(&[rows, words], &codes);
                        let s = Case::random(&mut rng, &[rows, groups], dtype, 0);
                        let b = Case::random(&mut rng, &[rows, groups], dtype, 0);
                        let out = Case::output(&[m, n], dtype);
                        let op = op::QuantizedMatmul { affine: affine(group, bits), transpose };
                        let ins = [x.op(), w.op(), s.op(), b.op()];
                        let descs: Vec<Desc> = ins.iter().map(|o| o.desc.clone()).collect();
                        assert!(op.supports(&descs, &[out.op().desc]));
                        op.run(&cx, &ins, &[out.op()]).unwrap();
                        out.check_guards();
                        let (sv, bv, xv, ov) = (s.values(), b.values(), x.values(), out.values());
                        let value = |r: usize, c: usize| {
                            let bit = c * bits as usize;
                            let at = r * words + bit / 32;
                            let wide = codes[at] as u64 | (codes.get(at + 1).copied().unwrap_or(0) as u64) << 32;
                            let code = (wide >> (bit % 32)) & ((1 << bits) - 1);
                            let g = r * groups + c / group as usize;
                            code as f64 * sv[g] + bv[g]
                        };
                        for i in 0..m {
                            for j in 0..n {
                                let (mut want, mut mag) = (0.0, 1e-3);
                                for p in 0..k {
                                    let v = if transpose { value(j, p) } else { value(p, j) };
                                    want += xv[i * k + p] * v;
                                    mag += (xv[i * k + p] * v).abs();
                                }
                                let eps = match dtype {
                                    DType::F16 => 1e-3,
                                    DType::BF16 => 8e-3,
                                    _ => 1e-6,
                                };
                                let got = ov[i * n + j];
                                assert!(
                                    (got - want).abs() <= eps * mag || got.is_infinite() && want.abs() > 6e4,
                                    "{isa} {bits} {group} {m} {transpose} {dtype}: {got} {want}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn batches_of_matrices() {
    let mut rng = Rng::new(23);
    let (pool, isa) = pools().pop().unwrap();
    let cx = Cx { pool: &pool, isa };
    let (m, n, k) = (2, 64, 64);
    // Heads share a matrix: strides of the batch are zero along the second axis.
    let x = Case::random(&mut rng, &[2, 3, m, k], DType::F32, 0);
    let codes: Vec<u32> = (0..2 * n * 8).map(|_| rng.next() as u32).collect();
    let w = Case::of(&[2, 1, n, 8], &codes);
    let s = Case::random(&mut rng, &[2, 1, n, 1], DType::F32, 0);
    let b = Case::random(&mut rng, &[2, 1, n, 1], DType::F32, 0);
    let wide = |c: &Case| {
        let mut o = c.op();
        o.desc.shape[1] = 3;
        o.desc.strides[1] = 0;
        o
    };
    let op = op::QuantizedMatmul { affine: affine(64, 4), transpose: true };
    let out = Case::output(&[2, 3, m, n], DType::F32);
    op.run(&cx, &[x.op(), wide(&w), wide(&s), wide(&b)], &[out.op()]).unwrap();
    let ov = out.values();
    for h in 0..6 {
        let one = Case::layout(&[m, k], DType::F32, &x.values()[h * m * k..(h + 1) * m * k], 0);
        let g = h / 3;
        let w1 = Case::of(&[n, 8], &codes[g * n * 8..(g + 1) * n * 8]);
        let s1 = Case::layout(&[n, 1], DType::F32, &s.values()[g * n..(g + 1) * n], 0);
        let b1 = Case::layout(&[n, 1], DType::F32, &b.values()[g * n..(g + 1) * n], 0);
        let o1 = Case::output(&[m, n], DType::F32);
        op.run(&cx, &[one.op(), w1.op(), s1.op(), b1.op()], &[o1.op()]).unwrap();
        assert_eq!(o1.values(), ov[h * m * n..(h + 1) * m * n]);
    }
    // Rows of x that do not merge into one step.
    let t = Case::random(&mut rng, &[3, 2, 5, k], DType::F32, 0).swapped(0, 1);
    let t_plain = Case::layout(&[2, 3, 5, k], DType::F32, &t.values(), 0);
    let w1 = Case::of(&[n, 8], &codes[..n * 8]);
    let s1 = Case::layout(&[n, 1], DType::F32, &s.values()[..n], 0);
    let (o1, o2) = (Case::output(&[2, 3, 5, n], DType::F32), Case::output(&[2, 3, 5, n], DType::F32));
    op.run(&cx, &[t.op(), w1.op(), s1.op(), s1.op()], &[o1.op()]).unwrap();
    op.run(&cx, &[t_plain.op(), w1.op(), s1.op(), s1.op()], &[o2.op()]).unwrap();
    assert_eq!(o1.values(), o2.values());
}

#[test]
fn chosen_matrices_are_those_at_the_indices() {
    let mut rng = Rng::new(24);
    for (pool, isa) in pools() {
        let cx = Cx { pool: &pool, isa };
        for (dtype, m, transpose) in [(DType::F32, 1, true), (DType::F16, 3, false), (DType::BF16, 20, true)] {
            let (rows, cols) = (64, 128);
            let (n, k) = if transpose { (rows, cols) } else { (cols, rows) };
            let x = Case::random(&mut rng, &[6, m, k], dtype, m % 3);
            let codes: Vec<u32> = (0..3 * rows * cols / 8).map(|_| rng.next() as u32).collect();
            let w = Case::of(&[3, rows, cols / 8], &codes);
            let s = Case::random(&mut rng, &[3, rows, cols / 64], dtype, 0);
            let b = Case::random(&mut rng, &[3, rows, cols / 64], dtype, 0);
            let places = [2usize, 2, 2, 0, 1, 2];
            let given = Case::layout(&[6], DType::I32, &[2.0, -1.0, 8.0, -5.0, 1.0, 2.0], 0);
            let out = Case::output(&[6, m, n], dtype);
            let a = affine(64, 4);
            let op = op::GatherQMM { affine: a, transpose, left: false, right: true, sorted: true };
            op.run(&cx, &[x.op(), w.op(), s.op(), b.op(), given.op()], &[out.op()]).unwrap();
            out.check_guards();
            let ov = out.values();
            for (i, e) in places.into_iter().enumerate() {
                let one = Case::layout(&[m, k], dtype, &x.values()[i * m * k..(i + 1) * m * k], 0);
                let w1 = Case::of(&[rows, cols / 8], &codes[e * rows * cols / 8..(e + 1) * rows * cols / 8]);
                let side = |c: &Case| {
                    let v = c.values();
                    Case::layout(&[rows, cols / 64], dtype, &v[e * rows * cols / 64..(e + 1) * rows * cols / 64], 0)
                };
                let o1 = Case::output(&[m, n], dtype);
                let op = op::QuantizedMatmul { affine: a, transpose };
                op.run(&cx, &[one.op(), w1.op(), side(&s).op(), side(&b).op()], &[o1.op()]).unwrap();
                for (x, y) in o1.values().iter().zip(&ov[i * m * n..]) {
                    assert!((x - y).abs() <= 1e-2 * x.abs().max(16.0), "{isa} {dtype} {m} {i}: {x} {y}");
                }
            }
        }
    }
}
