//! Rates of elementwise work, copies, reductions, scans and norms on 16M elements, beside the measured rates of
//! plain reading and copying. The last figure of a row is its share of the rate of a plain copy (or read, where the
//! output is small) of its memory, measured by turns with it. Arguments: threads (default 2), a part of the names to run.
//! With `plain` in its place it answers each line of its input with the rates of a copy and a read, in GB/s.

use mlx_cpu::{CpuBackend, Isa};
use mlx_ir::op::{self, ArgKind, ReduceKind, ScanKind};
use mlx_ir::{Backend, DType, Desc, Element, Func, Launch, Op, Operand, Tape, TapeBuilder};
use std::sync::Arc;
use std::time::Instant;

const N: usize = 4096;

/// Times of a row.
const RUNS: usize = 15;

struct Bench {
    b: CpuBackend,
    filter: String,
}

impl Bench {
    fn empty(&self, shape: &[usize], d: DType) -> Operand {
        let desc = Desc::contiguous(shape, d);
        let buffer = self.b.alloc(desc.size() * d.size()).expect("memory");
        Operand { desc, buffer, offset: 0 }
    }
    fn filled<T: Element>(&self, shape: &[usize], f: impl Fn(usize) -> T) -> Operand {
        let data: Vec<T> = (0..shape.iter().product()).map(f).collect();
        let buffer = mlx_cpu::host::alloc_with(&self.b, &data).expect("memory");
        Operand { desc: Desc::contiguous(shape, T::DTYPE), buffer, offset: 0 }
    }
    fn run(&self, name: &str, bytes: usize, op: impl Into<Op>, ins: &[&Operand], out: &Operand) {
        if !name.contains(&self.filter) {
            return;
        }
        let op = op.into();
        let ins: Vec<Operand> = ins.iter().map(|&i| i.clone()).collect();
        let (mut times, mut shares) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let large = ins.iter().max_by_key(|i| i.buffer.len()).expect("rows have inputs");
            let plain = self.plain(large, out) * bytes as f64;
            let t = Instant::now();
            match self.b.launch(&op, &ins, std::slice::from_ref(out)).expect("kernels do not fail") {
                Launch::Done => {}
                Launch::Declined => {
                    println!("{name:28} no kernel");
                    return;
                }
            }
            let took = t.elapsed().as_secs_f64();
            times.push(took);
            shares.push(plain / took);
        }
        let (t, share) = (median(times), median(shares));
        println!("{name:28} {:8.2} ms {:7.2} GB/s {share:6.2}", t * 1e3, bytes as f64 / t / 1e9);
    }

    /// Seconds for a byte of plain work on the row's own memory, so that both find the same in the caches: a copy, or a
    /// read where the output is small.
    fn plain(&self, x: &Operand, out: &Operand) -> f64 {
        let (n, m) = (x.buffer.len(), out.buffer.len());
        if m < n / 4 { self.read(x, n) / n as f64 } else { self.copy(x, out, n.min(m)) / (2 * n.min(m)) as f64 }
    }

    /// Seconds in which all threads read `bytes`.
    fn read(&self, x: &Operand, bytes: usize) -> f64 {
        let from = x.buffer.ptr() as usize;
        self.timed(|i, tasks| {
            let n = bytes / 8 / tasks;
            // SAFETY: the buffer is that long.
            let s = unsafe { std::slice::from_raw_parts((from as *const u64).add(n * i), n) };
            std::hint::black_box(s.iter().fold(0u64, |a, &v| a.wrapping_add(v)));
        })
    }

    /// Seconds in which all threads copy `bytes`, past the caches if these are many.
    fn copy(&self, x: &Operand, out: &Operand, bytes: usize) -> f64 {
        let (from, to) = (x.buffer.ptr() as usize, out.buffer.ptr() as usize);
        self.timed(|i, tasks| {
            let part = |i: usize| (bytes / tasks * i) & !63;
            let (a, n) = (part(i), part(i + 1) - part(i));
            // SAFETY: both buffers are that long, they are not the same, and tasks have their own parts.
            unsafe { copy_lines((from + a) as *const u8, (to + a) as *mut u8, n, bytes >= 24 << 20) }
        })
    }

    /// Seconds of work that is cut into parts: a few for each thread.
    fn timed(&self, part: impl Fn(usize, usize) + Sync) -> f64 {
        let tasks = 4 * self.b.pool().threads();
        let t = Instant::now();
        self.b.pool().run(tasks, &|i| part(i, tasks));
        t.elapsed().as_secs_f64()
    }
}

/// # Safety
/// `n` bytes at both, `to` aligned to a line.
unsafe fn copy_lines(from: *const u8, to: *mut u8, n: usize, past: bool) {
    // SAFETY: the caller's promise; the features are asked for.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if past && is_x86_feature_detected!("avx") {
            return x86::lines(from, to, n);
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = past;
        std::ptr::copy_nonoverlapping(from, to, n);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    /// # Safety
    /// `n` bytes at both, `to` aligned to a line; AVX.
    #[target_feature(enable = "avx")]
    pub unsafe fn lines(from: *const u8, to: *mut u8, n: usize) {
        for i in (0..n & !63).step_by(64) {
            // SAFETY: within `n`.
            unsafe {
                let (a, b) = (_mm256_loadu_si256(from.add(i).cast()), _mm256_loadu_si256(from.add(i + 32).cast()));
                _mm256_stream_si256(to.add(i).cast(), a);
                _mm256_stream_si256(to.add(i + 32).cast(), b);
            }
        }
        _mm_sfence();
    }
}

fn median(mut v: Vec<f64>) -> f64 {
    v.sort_by(f64::total_cmp);
    v[v.len() / 2]
}

fn map1(f: Func, from: DType, to: DType) -> Op {
    op::Map { tape: Arc::new(Tape::single(f, from, to)) }.into()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let threads = args.first().and_then(|a| a.parse().ok()).unwrap_or(2);
    let isa = std::env::var("MLX_CPU_ISA").ok().map_or(Isa::detect(), |n| Isa::from_name(&n).expect("a level"));
    let b = CpuBackend::new(threads, isa).expect("back end");
    let b = Bench { b, filter: args.get(1).cloned().unwrap_or_default() };
    println!("level {isa}, {threads} threads");
    let n = N * N;
    let x = b.filled(&[N, N], |i| (i % 1000) as f32 * 0.01 - 5.0);
    let y = b.filled(&[N, N], |i| (i % 777) as f32 * 0.01 + 0.1);
    let h = b.filled(&[N, N], |i| half::f16::from_f32((i % 1000) as f32 * 0.01 - 5.0));
    let row = b.filled(&[N], |i| i as f32);
    let c = b.filled(&[N, N], |i| i % 3 == 0);
    let out = b.empty(&[N, N], DType::F32);
    let (f, d) = (4 * n, DType::F32);

    if b.filter == "plain" {
        for line in std::io::stdin().lines() {
            line.expect("a line");
            let rate = |t: Vec<f64>, bytes: usize| bytes as f64 / median(t) / 1e9;
            let copy = rate((0..RUNS).map(|_| b.copy(&x, &out, f)).collect(), 2 * f);
            println!("{copy} {}", rate((0..RUNS).map(|_| b.read(&x, f)).collect(), f));
        }
        return;
    }

    // The plain rates: a read by all threads, and copies by all threads.
    let read = median((0..RUNS).map(|_| b.read(&x, f)).collect());
    println!("{:28} {:8.2} ms {:7.2} GB/s", "(read)", read * 1e3, f as f64 / read / 1e9);
    for bytes in [f, f / 4, f / 8] {
        let t = median((0..RUNS).map(|_| b.copy(&x, &out, bytes)).collect());
        println!(
            "{:28} {:8.2} ms {:7.2} GB/s",
            format!("(copy {} MiB)", bytes >> 20),
            t * 1e3,
            2.0 * bytes as f64 / t / 1e9
        );
    }

    b.run("add", 3 * f, map1(Func::Add, d, d), &[&x, &y], &out);
    b.run("multiply", 3 * f, map1(Func::Multiply, d, d), &[&x, &y], &out);
    let rows = Operand { desc: Desc { strides: [0isize, 1][..].into(), ..x.desc.clone() }, ..row.clone() };
    b.run("add row", 2 * f, map1(Func::Add, d, d), &[&x, &rows], &out);
    let cols = Operand { desc: Desc { strides: [1isize, 0][..].into(), ..x.desc.clone() }, ..row.clone() };
    b.run("add column", 2 * f, map1(Func::Add, d, d), &[&x, &cols], &out);
    let xt = Operand { desc: Desc { strides: [1isize, N as isize][..].into(), ..x.desc.clone() }, ..x.clone() };
    b.run("add transposed", 3 * f, map1(Func::Add, d, d), &[&xt, &y], &out);
    b.run("add in place", 3 * f, map1(Func::Add, d, d), &[&y, &x], &y);
    for func in [
        Func::Exp,
        Func::Log,
        Func::Sin,
        Func::Tanh,
        Func::Erf,
        Func::Sigmoid,
        Func::Sqrt,
        Func::Expm1,
        Func::Arctan,
        Func::Erfinv,
    ] {
        b.run(func.name(), 2 * f, map1(func, d, d), &[&x], &out);
    }
    b.run("power", 3 * f, map1(Func::Power, d, d), &[&y, &x], &out);
    b.run("remainder", 3 * f, map1(Func::Remainder, d, d), &[&x, &y], &out);
    b.run("where", 3 * f + n, map1(Func::Select, d, d), &[&c, &x, &y], &out);
    let mut t = TapeBuilder::new(&[d, d]);
    let larger = t.call(Func::Greater, &[0, 1]).and_then(|c| t.call(Func::Select, &[c, 0, 1]));
    larger.expect("a small tape");
    b.run("where larger", 3 * f, op::Map { tape: Arc::new(t.finish()) }, &[&x, &y], &out);
    let mask = b.empty(&[N, N], DType::Bool);
    b.run("less", 2 * f + n, map1(Func::Less, d, DType::Bool), &[&x, &y], &mask);
    let half = b.empty(&[N, N], DType::F16);
    b.run("f32 to f16", f + f / 2, map1(Func::Convert, d, DType::F16), &[&x], &half);
    b.run("f16 to f32", f + f / 2, map1(Func::Convert, DType::F16, d), &[&h], &out);
    b.run("f16 exp", f, map1(Func::Exp, DType::F16, DType::F16), &[&h], &half);
    let mut t = TapeBuilder::new(&[d]);
    let steps = |t: &mut TapeBuilder| -> mlx_ir::Result<u8> {
        let (a, k, one, hf) =
            (t.constant(0.044715f32)?, t.constant(0.797_884_6f32)?, t.constant(1f32)?, t.constant(0.5f32)?);
        let sq = t.call(Func::Square, &[0])?;
        let cube = t.call(Func::Multiply, &[sq, 0])?;
        let cube = t.call(Func::Multiply, &[cube, a])?;
        let sum = t.call(Func::Add, &[0, cube])?;
        let sum = t.call(Func::Multiply, &[sum, k])?;
        let th = t.call(Func::Tanh, &[sum])?;
        let th = t.call(Func::Add, &[th, one])?;
        let half = t.call(Func::Multiply, &[0, hf])?;
        t.call(Func::Multiply, &[half, th])
    };
    steps(&mut t).expect("a small tape");
    b.run("gelu tape", 2 * f, op::Map { tape: Arc::new(t.finish()) }, &[&x], &out);

    let mut t = TapeBuilder::new(&[d]);
    let steps = |t: &mut TapeBuilder| -> mlx_ir::Result<()> {
        let (k, c) = (t.constant(0.5f32)?, t.constant(1f32)?);
        (0..5).try_fold(0, |v, _| {
            let v = t.call(Func::Multiply, &[v, k])?;
            t.call(Func::Add, &[v, c])
        })?;
        Ok(())
    };
    steps(&mut t).expect("a small tape");
    b.run("chain of ten", 2 * f, op::Map { tape: Arc::new(t.finish()) }, &[&x], &out);

    b.run("copy transposed", 2 * f, op::Contiguous {}, &[&xt], &out);
    let wide = b.empty(&[N, 2 * N], d);
    b.run("concatenate", 4 * f, op::Concatenate { axis: 1 }, &[&x, &y], &wide);

    for kind in [ReduceKind::Sum, ReduceKind::Max, ReduceKind::Prod] {
        for (axes, shape, name) in
            [(&[0usize, 1][..], [1, 1], "all"), (&[0][..], [1, N], "axis 0"), (&[1][..], [N, 1], "axis 1")]
        {
            let o = b.empty(&shape, d);
            b.run(&format!("{kind:?} {name}"), f, op::Reduce { kind, axes: axes.into() }, &[&x], &o);
        }
    }
    let o = b.empty(&[1, 1], d);
    let ht = b.empty(&[1, 1], DType::F16);
    b.run("sum all f16", f / 2, op::Reduce { kind: ReduceKind::Sum, axes: [0, 1][..].into() }, &[&h], &ht);
    b.run("sum all transposed", f, op::Reduce { kind: ReduceKind::Sum, axes: [0, 1][..].into() }, &[&xt], &o);
    let i = b.empty(&[N, 1], DType::U32);
    b.run("argmax axis 1", f, op::ArgReduce { kind: ArgKind::Max, axis: 1 }, &[&x], &i);
    let i = b.empty(&[1, N], DType::U32);
    b.run("argmax axis 0", f, op::ArgReduce { kind: ArgKind::Max, axis: 0 }, &[&x], &i);
    for axis in [0, 1] {
        let scan = op::Scan { kind: ScanKind::Sum, axis, reverse: false, inclusive: true };
        b.run(&format!("cumsum axis {axis}"), 2 * f, scan, &[&x], &out);
    }
    b.run("softmax", 2 * f, op::Softmax { precise: true }, &[&x], &out);
    let o = b.empty(&[N, 1], d);
    b.run("logsumexp", f, op::LogSumExp {}, &[&x], &o);
    b.run("rms norm", 2 * f, op::RmsNorm { eps: op::Real::new(1e-5) }, &[&x, &row], &out);
    let ln = op::LayerNorm { eps: op::Real::new(1e-5), weight: true, bias: true };
    b.run("layer norm", 2 * f, ln, &[&x, &row, &row], &out);

    let heads = b.filled(&[1, 32, 512, 128], |i| (i % 1000) as f32 * 0.01 - 5.0);
    let turned = b.empty(&[1, 32, 512, 128], d);
    let zero = b.filled(&[], |_| 0i32);
    for traditional in [false, true] {
        let rope = op::Rope {
            dims: 128,
            traditional,
            base: Some(op::Real::new(1e4)),
            scale: op::Real::new(1.0),
            inverse: false,
        };
        let name = if traditional { "rope, pairs" } else { "rope" };
        b.run(name, 8 * heads.desc.size(), rope, &[&heads, &zero], &turned);
    }
    let table = b.filled(&[49152, 576], |i| i as f32);
    // Scattered, each row seldom twice.
    let ids = b.filled(&[8192], |i| (i as u32).wrapping_mul(2654435761) % 49152);
    let picked = b.empty(&[8192, 1, 576], d);
    let gather = op::Gather { axes: [0][..].into(), slice_sizes: [1, 576][..].into() };
    b.run("take rows", 8 * 8192 * 576, gather, &[&table, &ids], &picked);
    let flat = Operand { desc: Desc::contiguous(&[4 << 20], d), ..x.clone() };
    let ids = b.filled(&[1 << 20], |i| (i as u32).wrapping_mul(2654435761) % (4 << 20));
    let picked = b.empty(&[1 << 20, 1], d);
    let gather = op::Gather { axes: [0][..].into(), slice_sizes: [1][..].into() };
    b.run("take single", 12 << 20, gather, &[&flat, &ids], &picked);
    let one = b.filled(&[1, N], |i| (i % 1000) as f32 * 0.01 - 5.0);
    let line = b.empty(&[1, N], d);
    for bits in [4u8, 8] {
        let affine = op::Affine { group_size: 64, bits };
        let [codes, scales, biases] =
            [(N * bits as usize / 32, DType::U32), (N / 64, d), (N / 64, d)].map(|(n, t)| b.empty(&[N, n], t));
        let parts = [codes.clone(), scales.clone(), biases.clone()];
        let made = b.b.launch(&op::Quantize { affine }.into(), std::slice::from_ref(&x), &parts);
        assert_eq!(made.expect("kernels do not fail"), Launch::Done);
        let product = op::QuantizedMatmul { affine, transpose: true };
        let bytes = n * bits as usize / 8 + 2 * n / 64 * 4;
        b.run(&format!("matvec of {bits} bits"), bytes, product, &[&one, &codes, &scales, &biases], &line);
    }
    let kept = b.filled(&[8192, 512], |i| i as f32);
    let updates = b.filled(&[4096, 1, 512], |i| i as f32);
    let ids = b.filled(&[4096], |i| (i as u32).wrapping_mul(2654435761) % 8192);
    let scatter = op::Scatter { axes: [0][..].into(), mode: op::UpdateMode::Sum };
    let o = b.empty(&[8192, 512], d);
    b.run("add to rows", 4 * 512 * (2 * 8192 + 3 * 4096), scatter, &[&kept, &ids, &updates], &o);
}
