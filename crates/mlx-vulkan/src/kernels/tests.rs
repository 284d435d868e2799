//! Kernels on the device against those of the processor.

use crate::testing::{self, compare, host_array};
use half::f16;
use mlx_ir::op::{
    ArgKind, ArgReduce, BlockDequantize, BlockMatmul, BlockRows, Concatenate, Contiguous, Map, Matmul, Pad, Reduce,
    ReduceKind, SliceUpdate, UpdateMode,
};
use mlx_ir::{Backend, DType, Desc, Func, Launch, Operand, QuantFormat, Tape, TapeBuilder};
use std::sync::Arc;

fn floats(n: usize) -> Vec<f32> {
    (0..n).map(|i| (i as f32 * 0.37 - 40.0) * if i % 7 == 0 { 100.0 } else { 1.0 }).collect()
}

fn transposed(o: &Operand) -> Operand {
    let mut t = o.clone();
    t.desc.shape.reverse();
    t.desc.strides.reverse();
    t
}

fn single(f: Func, d: DType) -> Map {
    let (enter, out) = f.types(d).expect("a defined function");
    Map { tape: Arc::new(Tape::single(f, enter, out)) }
}

#[test]
fn sines_of_any_size() {
    // Beyond 8192 the reduction is done in integers; also at multiples of pi, where digits cancel.
    let mut x: Vec<f32> = (0..400).map(|i| 1.37f32.powi(i % 280) * if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    x.extend([8192.0, 8192.001, 16367.0, 31415.926, 3.0e9, 1.0e20, 3.0e38, f32::INFINITY, f32::NAN, 0.0, -0.0]);
    let a = host_array(&[x.len()], &x);
    for f in [Func::Sin, Func::Cos] {
        compare(single(f, DType::F32), std::slice::from_ref(&a), std::slice::from_ref(&a.desc), 3e-7);
    }
}

#[test]
fn powers_and_remainders_over_the_whole_range() {
    let v = [0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, 1e-30, -1e30, 7.25, 1e38, 1.0000001, 0.99999994, 88.7, -126.0];
    let v: Vec<f32> = v.into_iter().chain([f32::INFINITY, f32::NEG_INFINITY, f32::NAN]).collect();
    let n = v.len();
    let x: Vec<f32> = (0..n * n).map(|i| v[i / n]).collect();
    let y: Vec<f32> = (0..n * n).map(|i| v[i % n]).collect();
    let ins = [host_array(&[n * n], &x), host_array(&[n * n], &y)];
    for f in [Func::Power, Func::Remainder] {
        compare(single(f, DType::F32), &ins, &[Desc::contiguous(&[n * n], DType::F32)], 3e-7);
    }
}

#[test]
fn narrow_elements_of_odd_counts() {
    for n in [1usize, 2, 3, 5, 127, 1025] {
        let x: Vec<f16> = floats(n).into_iter().map(f16::from_f32).collect();
        let b: Vec<u8> = (0..n).map(|i| (i * 37) as u8).collect();
        let (x, b) = (host_array(&[n], &x), host_array(&[n], &b));
        compare(single(Func::Square, DType::F16), std::slice::from_ref(&x), std::slice::from_ref(&x.desc), 0.0);
        compare(single(Func::Power, DType::U8), &[b.clone(), b.clone()], std::slice::from_ref(&b.desc), 0.0);
        let to = Desc::contiguous(&[n], DType::I8);
        compare(Map { tape: Arc::new(Tape::convert(DType::F16, DType::I8)) }, &[x], &[to], 0.0);
    }
}

#[test]
fn fused_tapes_over_strided_and_broadcast_inputs() {
    let (m, n) = (13, 37);
    let a = host_array(&[m, n], &floats(m * n));
    let mut row = host_array(&[n], &floats(n));
    row.desc = Desc { shape: [m, n].into_iter().collect(), strides: [0, 1].into_iter().collect(), dtype: DType::F32 };
    let b = transposed(&host_array(&[n, m], &floats(m * n)));
    let mut t = TapeBuilder::new(&[DType::F32; 3]);
    let s = t.call(Func::Sigmoid, &[0]).expect("a function");
    let y = t.call(Func::Multiply, &[s, 1]).expect("a function");
    t.call(Func::Add, &[y, 2]).expect("a function");
    let op = Map { tape: Arc::new(t.finish()) };
    compare(op, &[a, row, b], &[Desc::contiguous(&[m, n], DType::F32)], 1e-6);
}

#[test]
fn copies_of_every_width() {
    fn each<T: mlx_ir::Element>(make: impl Fn(usize) -> T) {
        let (m, n) = (5, 7);
        let data: Vec<T> = (0..m * n).map(&make).collect();
        let a = host_array(&[m, n], &data);
        let out = Desc::contiguous(&[n, m], T::DTYPE);
        compare(Contiguous {}, &[transposed(&a)], std::slice::from_ref(&out), 0.0);
        let wide = Desc::contiguous(&[m, 3 * n], T::DTYPE);
        compare(Concatenate { axis: 1 }, &[a.clone(), a.clone(), a.clone()], &[wide], 0.0);
        let padded = Desc::contiguous(&[m + 2, n + 3], T::DTYPE);
        let value = host_array(&[], &[make(99)]);
        let op = Pad { low: [1, 2].into_iter().collect(), high: [1, 1].into_iter().collect() };
        compare(op, &[a.clone(), value], &[padded], 0.0);
        let update = host_array(&[2, 3], &(0..6).map(|i| make(i + 50)).collect::<Vec<T>>());
        let op = SliceUpdate {
            start: [1, 0].into_iter().collect(),
            strides: [2, 3].into_iter().collect(),
            mode: UpdateMode::Assign,
        };
        let same = a.desc.clone();
        compare(op, &[a, update], &[same], 0.0);
    }
    each(|i| i as u8);
    each(|i| i as i16);
    each(|i| i as f32);
    each(|i| i as i64);
    each(|i| i % 3 == 0);
}

#[test]
fn reductions_in_one_and_two_steps() {
    let kinds = [ReduceKind::Sum, ReduceKind::Prod, ReduceKind::Min, ReduceKind::Max, ReduceKind::And, ReduceKind::Or];
    fn each<T: mlx_ir::Element>(kinds: &[ReduceKind], make: impl Fn(usize) -> T) {
        for (shape, axes) in
            [([3, 5, 7], vec![1]), ([2, 3, 4001], vec![2]), ([1, 5003, 3], vec![0, 1]), ([4, 9, 300], vec![0, 1, 2])]
        {
            let n = shape.iter().product();
            let x = host_array(&shape, &(0..n).map(&make).collect::<Vec<T>>());
            let mut to = shape.to_vec();
            axes.iter().for_each(|&a: &usize| to[a] = 1);
            for &kind in kinds {
                let d = match kind {
                    ReduceKind::Sum | ReduceKind::Prod => T::DTYPE.accumulate(),
                    ReduceKind::And | ReduceKind::Or => DType::Bool,
                    _ => T::DTYPE,
                };
                let op = Reduce { kind, axes: axes.iter().copied().collect() };
                compare(op, std::slice::from_ref(&x), &[Desc::contiguous(&to, d)], 1e-5);
            }
        }
        let x = host_array(&[3, 401], &(0..1203).map(&make).collect::<Vec<T>>());
        for kind in [ArgKind::Min, ArgKind::Max] {
            let out = Desc::contiguous(&[3, 1], DType::U32);
            compare(ArgReduce { kind, axis: 1 }, std::slice::from_ref(&x), &[out], 0.0);
        }
    }
    each(&kinds, |i| 1.0 + ((i * 37 % 101) as f32 - 50.0) * 1e-4);
    each(&kinds[2..], |i| if i == 77 { f32::NAN } else { i as f32 });
    each(&kinds, |i| (i * 37 % 101) as u8);
    each(&kinds, |i| (i * 37 % 101) as i16 - 50);
    each(&kinds, |i| (i * 37 % 101) as i64 - 50);
    each(&kinds, |i| i % 5 != 0);
    each(&kinds[..1], |i| f16::from_f32(((i * 37 % 101) as f32 - 20.0) * 0.01));
}

#[test]
fn products_of_any_layout() {
    for (m, k, n) in [(1, 1, 1), (3, 5, 7), (17, 300, 9), (1, 4099, 2)] {
        let (x, y) = (floats(m * k), floats(k * n));
        let x: Vec<f32> = x.iter().map(|v| v * 1e-2).collect();
        let (a, b) = (host_array(&[m, k], &x), host_array(&[k, n], &y));
        let out = Desc::contiguous(&[m, n], DType::F32);
        compare(Matmul {}, &[a, b], std::slice::from_ref(&out), 2e-5);
        let (a, b) = (transposed(&host_array(&[k, m], &x)), transposed(&host_array(&[n, k], &y)));
        compare(Matmul {}, &[a, b], &[out], 2e-5);
    }
}

/// What the kernels in integers make of activations that share a scale.
fn round_to_8_bits(run: &mut [f32]) {
    let most = run.iter().fold(0.0f32, |m, x| m.max(x.abs()));
    for x in run {
        *x = (*x * (127.0 / most)).round_ties_even() * (most / 127.0);
    }
}

#[test]
fn weights_in_every_block_format() {
    // Rows of whole units of the kernels; and plain elements, whose rows may end anywhere.
    let ragged = [QuantFormat::F32, QuantFormat::F16, QuantFormat::BF16].map(|f| (f, 37));
    for (format, k) in QuantFormat::ALL.into_iter().map(|f| (f, 512)).chain(ragged) {
        let n = 67;
        let bytes = format.row_bytes(k).expect("whole blocks");
        let mut data = vec![0u8; n * bytes];
        let values: Vec<f32> = (0..n * k).map(|i| ((i * 7919 % 2003) as f32 - 1000.0) * 1e-3).collect();
        for (row, out) in values.chunks(k).zip(data.chunks_mut(bytes)) {
            format.encode_row(row, out).expect("finite values");
        }
        let w = host_array(&[n, bytes], &data);
        // The same rows in another order.
        data.rotate_left(bytes);
        let turned = host_array(&[n, bytes], &data);
        let all = Desc::contiguous(&[n, k], DType::F32);
        compare(BlockDequantize { format, k }, std::slice::from_ref(&w), &[all], 1e-6);
        let indices = host_array(&[2, 3], &[0i32, -1, 66, 5, -100, 100]);
        let picked = Desc::contiguous(&[2, 3, k], DType::F32);
        compare(BlockRows { format, k }, &[w.clone(), indices], &[picked], 1e-6);
        // The processor rounds activations to 8 bits: the exact product is that with the unpacked rows.
        let unpacked = testing::run(
            testing::cpu(),
            &BlockDequantize { format, k }.into(),
            std::slice::from_ref(&w),
            &[Desc::contiguous(&[n, k], DType::F32)],
        )
        .expect("the processor has it")
        .remove(0);
        let weights: Vec<f32> = mlx_cpu::host::to_vec(&unpacked);
        // The matrix-vector kernel (up to 8 rows) and the tiled one, with edges of its tiles.
        // Its widest form once: each count of rows is a pipeline of its own. So with weights that are unpacked first.
        let wide = if format == QuantFormat::Q4_0 { &[8usize, 130][..] } else { &[] };
        for &m in [1usize, 3, 9, 65].iter().chain(wide) {
            let mut x: Vec<f32> = (0..m * k).map(|i| (i * 31 % 97) as f32 * 0.01 - 0.4).collect();
            let x_there = host_array(&[m, k], &x);
            let Some(gpu) = testing::backend() else { return };
            if gpu.caps().int_dot && format.block_elements() > 1 && m <= 8 {
                x.chunks_mut(32).for_each(round_to_8_bits);
            }
            let formats = [format, format].into_iter().collect();
            let out = Desc::contiguous(&[m, n], DType::F32);
            let got = testing::run(
                gpu,
                &BlockMatmul { formats, exact: false }.into(),
                &[x_there, w.clone(), turned.clone()],
                &[out.clone(), out],
            )
            .expect("a kernel");
            for (by, o) in got.iter().enumerate() {
                for (i, y) in mlx_cpu::host::to_vec::<f32>(o).into_iter().enumerate() {
                    let (row, column) = (&x[i / n * k..][..k], &weights[(i + by) % n * k..][..k]);
                    let exact: f64 = row.iter().zip(column).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
                    // Cooperative matrices round both factors to f16.
                    let halves = m > 8 && format != QuantFormat::F32 && !gpu.caps().matrices.is_empty();
                    let room = if halves { 2e-2 } else { 1e-4 };
                    assert!((f64::from(y) - exact).abs() < room, "{}: {i}: {y}, exact {exact}", format.name());
                }
            }
        }
    }
}

#[test]
fn small_uploads_while_work_is_under_way() {
    // Memory of what was uploaded is used again before the work that reads it has begun.
    let Some(b) = testing::backend() else { return };
    fn each<T: mlx_ir::Element + PartialEq + std::fmt::Debug>(
        b: &crate::VulkanBackend,
        n: usize,
        make: impl Fn(usize) -> T,
    ) {
        let op = single(Func::Abs, T::DTYPE).into();
        let runs: Vec<Operand> = (0..300)
            .map(|i| {
                let x = host_array(&[n], &(0..n).map(|j| make(i + j)).collect::<Vec<T>>());
                let out = Operand { buffer: b.alloc(n * size_of::<T>()).expect("memory"), ..x.clone() };
                assert_eq!(b.launch(&op, &[x], std::slice::from_ref(&out)).expect("a launch"), Launch::Done);
                out
            })
            .collect();
        for (i, out) in runs.iter().enumerate() {
            out.buffer.to_host().expect("results");
            assert_eq!(mlx_cpu::host::to_vec::<T>(out), (0..n).map(|j| make(i + j)).collect::<Vec<T>>(), "{i}");
        }
    }
    each(b, 1, |i| i as i32);
    each(b, 3, |i| i as u8);
    each(b, 1023, |i| i as f32);
    // The most that travels in a batch, and a word more.
    each(b, 1024, |i| i as f32);
    each(b, 1025, |i| i as f32);
}
