//! Reductions on the device against those of the processor.

use super::matmul_tests::{array, turned};
use crate::testing::{backend, compare, host_array, run};
use half::{bf16, f16};
use mlx_ir::op::{ArgKind, ArgReduce, Map, Reduce, ReduceKind, ReduceMap};
use mlx_ir::{DType, Desc, Element, Func, Operand, TapeBuilder};
use std::sync::Arc;

fn extremes(x: &Operand, axis: usize) {
    let mut to = x.desc.shape.to_vec();
    to[axis] = 1;
    for kind in [ArgKind::Min, ArgKind::Max] {
        let out = Desc::contiguous(&to, DType::U32);
        compare(ArgReduce { kind, axis }, std::slice::from_ref(x), &[out], 0.0);
    }
}

#[test]
fn the_first_of_equal_extremes_in_any_part() {
    fn each<T: Element>(make: impl Fn(usize) -> T) {
        for (shape, axis) in [(vec![300_007], 0), (vec![3, 32_064], 1), (vec![5003, 3], 0), (vec![2, 7001, 2], 1)] {
            let n: usize = shape.iter().product();
            // Every value comes many times; extremes are not at the beginning.
            let x = host_array(&shape, &(0..n).map(|i| make((i * 7919 + 13) % 251)).collect::<Vec<T>>());
            extremes(&x, axis);
        }
    }
    each(|i| i as f32 - 100.0);
    each(|i| f16::from_f32(i as f32 - 100.0));
    each(|i| bf16::from_f32(i as f32 - 100.0));
    each(|i| i as u8);
    each(|i| i as i16 - 100);
    each(|i| i as u32 * 0x0100_0000);
    each(|i| i as i64 - (1 << 40));
    // Zeros of both signs are equal.
    each(|i| if i % 3 == 0 { -0.0f32 } else { 0.0 });
    each(|_| true);
}

#[test]
fn the_first_nan_is_the_extreme_of_a_long_line() {
    for places in [&[70_000usize][..], &[69_999, 5], &[40_000, 40_001, 68_000], &[0, 69_000]] {
        let mut x: Vec<f32> = (0..70_001).map(|i| (i * 7919 % 5003) as f32).collect();
        x[35_000] = f32::INFINITY;
        x[35_001] = f32::NEG_INFINITY;
        places.iter().for_each(|&i| x[i] = f32::NAN);
        extremes(&host_array(&[70_001], &x), 0);
    }
}

#[test]
fn extremes_of_long_strided_lines() {
    let n = 20_011;
    let x: Vec<f32> = (0..3 * n).map(|i| (i * 31 % 977) as f32).collect();
    let mut t = host_array(&[n, 3], &x);
    t.desc.shape.reverse();
    t.desc.strides.reverse();
    extremes(&t, 1);
    let mut back = host_array(&[n], &x[..n]);
    back.offset = (n - 1) * 4;
    back.desc.strides[0] = -1;
    extremes(&back, 0);
}

/// Bits of the first output.
fn bits(o: &Operand) -> Vec<u64> {
    match o.desc.dtype {
        DType::Bool => mlx_cpu::host::to_vec::<bool>(o).into_iter().map(u64::from).collect(),
        DType::F16 => mlx_cpu::host::to_vec::<f16>(o).into_iter().map(|x| x.to_bits().into()).collect(),
        DType::BF16 => mlx_cpu::host::to_vec::<bf16>(o).into_iter().map(|x| x.to_bits().into()).collect(),
        _ => mlx_cpu::host::to_vec::<f32>(o).into_iter().map(|x| x.to_bits().into()).collect(),
    }
}

#[test]
fn reductions_of_what_a_tape_gives_have_the_bits_of_both_steps() {
    let Some(gpu) = backend() else { return };
    let kinds = [ReduceKind::Sum, ReduceKind::Prod, ReduceKind::Max, ReduceKind::Or];
    for d in [DType::F32, DType::F16, DType::BF16] {
        let mut t = TapeBuilder::new(&[d, d]);
        let y = t.call(Func::Multiply, &[0, 1]).expect("a function");
        t.call(Func::Add, &[y, 0]).expect("a function");
        let tape = Arc::new(t.finish());
        for (shape, axes) in
            [(vec![300_001], vec![0]), (vec![7, 3001], vec![1]), (vec![3001, 7], vec![0]), (vec![5, 70, 9], vec![0, 2])]
        {
            let x = array(&shape, d, 1);
            let mut row = array(&shape[shape.len() - 1..], d, 2);
            row.desc = Desc {
                shape: shape[..].into(),
                strides: mlx_ir::desc::broadcast_strides(&row.desc.shape, &row.desc.strides, &shape),
                dtype: d,
            };
            let mut across = shape.clone();
            across.reverse();
            let mut seconds = vec![array(&shape, d, 3), row];
            if shape.len() == 2 {
                seconds.push(turned(array(&across, d, 4)));
            }
            for y in seconds {
                for kind in kinds {
                    let elements = Desc::contiguous(&shape, d);
                    let ins = [x.clone(), y.clone()];
                    let made = run(gpu, &Map { tape: tape.clone() }.into(), &ins, &[elements]).expect("a kernel");
                    let mut to = shape.clone();
                    axes.iter().for_each(|&a: &usize| to[a] = 1);
                    let out = match kind {
                        ReduceKind::Or => DType::Bool,
                        _ => d,
                    };
                    let out = [Desc::contiguous(&to, out)];
                    let axes: mlx_ir::Axes = axes.iter().copied().collect();
                    let want = run(gpu, &Reduce { kind, axes: axes.clone() }.into(), &made, &out).expect("a kernel");
                    let joined = ReduceMap { tape: tape.clone(), kind, axes };
                    let got = run(gpu, &joined.into(), &ins, &out).expect("a kernel");
                    assert_eq!(bits(&got[0]), bits(&want[0]), "{d} {shape:?} {kind:?}");
                }
            }
        }
    }
}
