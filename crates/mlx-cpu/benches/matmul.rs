//! Speed of matrix products and attention. Without arguments prints a table; with `--serve` it answers lines
//! `KIND DTYPE THREADS SIZES…` on standard input with the median seconds of a few runs, so that another program can
//! alternate with it. `KIND` is `mm`, `mmt` (right operand transposed), both with sizes M K N, or `sdpa` with sizes
//! heads, key heads, L, S, D, or `qmm`, `qmmt` (affine codes, groups of 64) with sizes M K N bits,
//! or `sort`, `argsort` with sizes rows, length.

use mlx_cpu::{CpuBackend, Isa};
use mlx_ir::op::{Affine, Real};
use mlx_ir::{Backend, DType, Desc, Launch, Op, Operand, op};
use std::io::{BufRead, Write};
use std::time::Instant;

fn tensor(cpu: &CpuBackend, shape: &[usize], dtype: DType) -> Operand {
    let desc = Desc::contiguous(shape, dtype);
    let buffer = cpu.alloc(desc.size() * dtype.size()).expect("memory");
    // A half-type pattern near 1, or an f32 near 0.01: no overflow, no denormals.
    let word = match dtype {
        DType::F16 => 0x3401_3402_b403_3404u64,
        DType::BF16 => 0x3e81_3e82_be83_3e84,
        _ => 0x3c23_d70a_bc23_d70b,
    };
    for i in 0..buffer.len() / 8 {
        // SAFETY: inside the buffer, which is at least 64-byte aligned and not shared yet.
        unsafe { buffer.ptr().cast::<u64>().add(i).write(word) };
    }
    Operand { desc, buffer, offset: 0 }
}

fn median(f: &mut dyn FnMut()) -> f64 {
    let (mut times, start) = (Vec::new(), Instant::now());
    f();
    while times.len() < 3 || (start.elapsed().as_secs_f64() < 0.3 && times.len() < 200) {
        let t = Instant::now();
        f();
        times.push(t.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Seconds and floating-point operations of one case.
fn time(kind: &str, dtype: DType, threads: usize, s: &[usize]) -> (f64, f64) {
    let cpu = CpuBackend::new(threads, Isa::detect()).expect("a back end");
    match (kind, s) {
        ("mm" | "mmt", [m, k, n]) => {
            let a = tensor(&cpu, &[*m, *k], dtype);
            let mut b = tensor(&cpu, &[*k, *n], dtype);
            if kind == "mmt" {
                b.desc.strides = [1, *k as isize].into_iter().collect();
            }
            let out = tensor(&cpu, &[*m, *n], dtype);
            let (op, ins, outs) = (Op::from(op::Matmul {}), [a, b], [out]);
            let t = median(&mut || assert_eq!(cpu.launch(&op, &ins, &outs), Ok(Launch::Done)));
            (t, 2.0 * (m * n * k) as f64)
        }
        ("sdpa", [h, g, l, s, d]) => {
            let ins = [(h, l), (g, s), (g, s)].map(|(h, n)| tensor(&cpu, &[1, *h, *n, *d], dtype));
            let outs = [tensor(&cpu, &[1, *h, *l, *d], dtype)];
            let op = op::Sdpa {
                scale: Real::new(0.1),
                causal: false,
                window: None,
                mask: false,
                sinks: false,
                held: false,
                packed: false,
            };
            let op = Op::from(op);
            let t = median(&mut || assert_eq!(cpu.launch(&op, &ins, &outs), Ok(Launch::Done)));
            (t, 4.0 * (h * l * s * d) as f64)
        }
        ("qmm" | "qmmt", [m, k, n, bits]) => {
            let (rows, cols) = if kind == "qmmt" { (*n, *k) } else { (*k, *n) };
            let affine = Affine { group_size: 64, bits: *bits as u8 };
            let x = tensor(&cpu, &[*m, *k], dtype);
            let w = tensor(&cpu, &[rows, cols * bits / 32], DType::U32);
            let side = [(); 2].map(|_| tensor(&cpu, &[rows, cols / 64], dtype));
            let outs = [tensor(&cpu, &[*m, *n], dtype)];
            let op = Op::from(op::QuantizedMatmul { affine, transpose: kind == "qmmt" });
            let [s, b] = side;
            let ins = [x, w, s, b];
            let t = median(&mut || assert_eq!(cpu.launch(&op, &ins, &outs), Ok(Launch::Done)));
            (t, 2.0 * (m * n * k) as f64)
        }
        ("sort" | "argsort", [rows, n]) => {
            let x = tensor(&cpu, &[*rows, *n], DType::F32);
            let mut seed = 1u32;
            for i in 0..rows * n {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // SAFETY: element i of a tensor that nobody else holds.
                unsafe { x.buffer.ptr().cast::<f32>().add(i).write(seed as f32 / 4e9 - 0.5) };
            }
            let (op, d) = match kind {
                "sort" => (Op::from(op::Sort { axis: 1 }), DType::F32),
                _ => (Op::from(op::ArgSort { axis: 1 }), DType::U32),
            };
            let (ins, outs) = ([x], [tensor(&cpu, &[*rows, *n], d)]);
            (median(&mut || assert_eq!(cpu.launch(&op, &ins, &outs), Ok(Launch::Done))), (rows * n) as f64)
        }
        _ => panic!("unknown case {kind} {s:?}"),
    }
}

fn dtype(name: &str) -> DType {
    match name {
        "f16" => DType::F16,
        "bf16" => DType::BF16,
        "f64" => DType::F64,
        _ => DType::F32,
    }
}

fn main() {
    if std::env::args().any(|a| a == "--serve") {
        for line in std::io::stdin().lock().lines() {
            let line = line.expect("a line");
            let w: Vec<&str> = line.split_whitespace().collect();
            let sizes: Vec<usize> = w[3..].iter().map(|x| x.parse().expect("a size")).collect();
            println!("{}", time(w[0], dtype(w[1]), w[2].parse().expect("threads"), &sizes).0);
            std::io::stdout().flush().expect("standard output");
        }
        return;
    }
    for threads in [1, 2] {
        for (kind, rows, n) in [("sort", 1, 1 << 20), ("argsort", 1, 1 << 20), ("sort", 1024, 1024)] {
            let (t, count) = time(kind, DType::F32, threads, &[rows, n]);
            println!("{kind:7} f32 {threads} threads {rows}x{n}: {:8.3} ms {:6.1} M/s", t * 1e3, count / t / 1e6);
        }
        for d in ["f32", "f16", "bf16"] {
            for n in [256, 1024, 2048] {
                for kind in ["mm", "mmt"] {
                    let (t, ops) = time(kind, dtype(d), threads, &[n, n, n]);
                    println!(
                        "{kind:5} {d:5} {threads} threads {n}^3: {:8.3} ms {:7.1} GFLOP/s",
                        t * 1e3,
                        ops / t / 1e9
                    );
                }
            }
            let (t, ops) = time("sdpa", dtype(d), threads, &[32, 32, 512, 512, 128]);
            println!("sdpa  {d:5} {threads} threads 1x32x512x128: {:8.3} ms {:7.1} GFLOP/s", t * 1e3, ops / t / 1e9);
            let (t, _) = time("sdpa", dtype(d), threads, &[32, 8, 1, 2048, 128]);
            let bytes = (2 * 8 * 2048 * 128 * dtype(d).size()) as f64;
            println!(
                "sdpa  {d:5} {threads} threads 32/8 heads L1 S2048: {:8.3} ms {:7.1} GB/s",
                t * 1e3,
                bytes / t / 1e9
            );
            for (m, bits) in [(1, 4), (1, 8), (128, 4)] {
                for kind in ["qmm", "qmmt"] {
                    let (t, ops) = time(kind, dtype(d), threads, &[m, 4096, 4096, bits]);
                    let (bytes, ms) = ((4096 * 4096 * bits / 8) as f64, t * 1e3);
                    let (speed, rate) = (bytes / t / 1e9, ops / t / 1e9);
                    println!(
                        "{kind:5} {d:5} {threads} threads {m}x4096x4096, {bits} bits: {ms:8.3} ms {speed:7.1} GB/s {rate:7.1} GFLOP/s"
                    );
                }
            }
            for m in [1, 4, 8, 16] {
                for kind in ["mm", "mmt"] {
                    let (t, ops) = time(kind, dtype(d), threads, &[m, 4096, 4096]);
                    let bytes = (4096 * 4096 * dtype(d).size()) as f64;
                    println!(
                        "{kind:5} {d:5} {threads} threads {m}x4096x4096: {:8.3} ms {:7.1} GB/s {:7.1} GFLOP/s",
                        t * 1e3,
                        bytes / t / 1e9,
                        ops / t / 1e9
                    );
                }
            }
        }
    }
}
