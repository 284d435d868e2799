//! Rates of elementwise work, copies, reductions, scans and norms on 16M elements, beside the measured rates of
//! plain reading and copying. Arguments: threads (default 2), a part of the names to run.

use mlx_cpu::{CpuBackend, Isa};
use mlx_ir::op::{self, ArgKind, ReduceKind, ScanKind};
use mlx_ir::{Backend, DType, Desc, Element, Func, Launch, Op, Operand, Tape, TapeBuilder};
use std::sync::Arc;
use std::time::Instant;

const N: usize = 4096;

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
        let mut times = Vec::new();
        for _ in 0..7 {
            let t = Instant::now();
            match self.b.launch(&op, &ins, std::slice::from_ref(out)).expect("kernels do not fail") {
                Launch::Done => {}
                Launch::Declined => {
                    println!("{name:28} no kernel");
                    return;
                }
            }
            times.push(t.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        let t = times[3];
        println!("{name:28} {:8.2} ms {:7.2} GB/s", t * 1e3, bytes as f64 / t / 1e9);
    }
}

fn map1(f: Func, from: DType, to: DType) -> Op {
    op::Map { tape: Arc::new(Tape::single(f, from, to)) }.into()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let threads = args.first().and_then(|a| a.parse().ok()).unwrap_or(2);
    let isa = std::env::var("MLX_CPU_ISA").ok().map_or(Isa::detect(), |n| Isa::from_name(&n).expect("a level"));
    let b =
        Bench { b: CpuBackend::new(threads, isa).expect("back end"), filter: args.get(1).cloned().unwrap_or_default() };
    println!("level {isa}, {threads} threads");
    let n = N * N;
    let x = b.filled(&[N, N], |i| (i % 1000) as f32 * 0.01 - 5.0);
    let y = b.filled(&[N, N], |i| (i % 777) as f32 * 0.01 + 0.1);
    let h = b.filled(&[N, N], |i| half::f16::from_f32((i % 1000) as f32 * 0.01 - 5.0));
    let row = b.filled(&[N], |i| i as f32);
    let c = b.filled(&[N, N], |i| i % 3 == 0);
    let out = b.empty(&[N, N], DType::F32);
    let (f, d) = (4 * n, DType::F32);

    // The plain rates: a read by all threads, and memcpy by all threads.
    let src = x.buffer.ptr() as usize;
    let dst = out.buffer.ptr() as usize;
    for (name, copy) in [("(read)", false), ("(copy)", true)] {
        let mut times = Vec::new();
        for _ in 0..7 {
            let t = Instant::now();
            b.b.pool().run(threads, &|i| {
                let (from, to) = (n / threads * i, n / threads * (i + 1));
                // SAFETY: both buffers hold n elements and tasks have their own parts.
                unsafe {
                    let s = std::slice::from_raw_parts((src as *const u64).add(from / 2), (to - from) / 2);
                    if copy {
                        std::ptr::copy_nonoverlapping(s.as_ptr(), (dst as *mut u64).add(from / 2), s.len());
                    } else {
                        std::hint::black_box(s.iter().fold(0u64, |a, &v| a.wrapping_add(v)));
                    }
                }
            });
            times.push(t.elapsed().as_secs_f64());
        }
        times.sort_by(f64::total_cmp);
        let bytes = if copy { 2 * f } else { f };
        println!("{name:28} {:8.2} ms {:7.2} GB/s", times[3] * 1e3, bytes as f64 / times[3] / 1e9);
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
}
