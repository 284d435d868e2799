//! Products by index on the device against those of the processor.

use super::matmul_tests::{FLOATS, array, turned};
use crate::testing::{backend, compare, cpu, host_array, run};
use mlx_ir::op::{Affine, GatherMM, GatherQMM, Quantize};
use mlx_ir::{Backend, DType, Desc, Operand};

/// Places among four matrices: in any order, from the end, out of range.
fn places(n: usize) -> Vec<i32> {
    (0..n).map(|i| [2, 2, -1, 0, 9, -7, 1, 3, 3][i * 7 % 9]).collect()
}

/// Ascending places among `of` matrices, the last ones out of range.
fn ascending(n: usize, of: usize) -> Vec<i32> {
    (0..n).map(|i| (i * (of + 2) / n) as i32).collect()
}

fn out(lead: &[usize], [m, n]: [usize; 2], d: DType) -> Desc {
    Desc::contiguous(&[lead, &[m, n]].concat(), d)
}

const RIGHT: GatherMM = GatherMM { left: false, right: true, sorted: false };

#[test]
fn matrices_of_the_second_factor() {
    for (i, d) in FLOATS.into_iter().enumerate() {
        for (m, k, n) in [(1, 64, 33), (1, 7, 66), (3, 129, 5), (12, 40, 64), (70, 33, 20)] {
            let a = array(&[2, 3, m, k], d, i);
            let index = host_array(&[2, 3], &places(6));
            for b in [array(&[4, k, n], d, 9), turned(array(&[4, n, k], d, 9))] {
                compare(RIGHT, &[a.clone(), b, index.clone()], &[out(&[2, 3], [m, n], d)], 2e-5);
            }
        }
    }
}

#[test]
fn matrices_of_both_factors() {
    for d in FLOATS {
        for (m, k, n) in [(1, 40, 9), (5, 33, 64), (20, 16, 10)] {
            let a = array(&[5, m, k], d, 1);
            let b = array(&[4, k, n], d, 2);
            let left = host_array(&[6], &[4u32, 4, 0, 7, u32::MAX, 1]);
            let right = host_array(&[6], &places(6));
            let ins = [a.clone(), b.clone(), left.clone(), right];
            let both = GatherMM { left: true, right: true, sorted: false };
            compare(both, &ins, &[out(&[6], [m, n], d)], 2e-5);
            let each = array(&[6, k, n], d, 3);
            let one = GatherMM { left: true, right: false, sorted: false };
            compare(one, &[a, each, left], &[out(&[6], [m, n], d)], 2e-5);
        }
    }
}

/// As a router chooses: x (tokens, 1, 1, D) for several matrices each, without a copy of x.
#[test]
fn a_row_for_several_matrices() {
    for d in FLOATS {
        let (tokens, chosen, k, n) = (5, 2, 48, 31);
        let mut x = array(&[tokens, 1, 1, k], d, 1);
        x.desc.shape[1] = chosen;
        x.desc.strides[1] = 0;
        let b = turned(array(&[4, n, k], d, 2));
        let index = host_array(&[tokens, chosen], &places(tokens * chosen));
        compare(RIGHT, &[x, b, index], &[out(&[tokens, chosen], [1, n], d)], 2e-5);
    }
}

#[test]
fn runs_of_rows() {
    for d in FLOATS {
        for (rows, k, n) in [(16, 64, 40), (67, 33, 70), (300, 96, 128)] {
            let a = array(&[rows, 1, k], d, 1);
            for b in [array(&[4, k, n], d, 2), turned(array(&[4, n, k], d, 2))] {
                for sorted in [true, false] {
                    // Indices that do not ascend, in spite of the promise, give the same.
                    let index = if sorted { ascending(rows, 4) } else { places(rows) };
                    let ins = [a.clone(), b.clone(), host_array(&[rows], &index)];
                    let op = GatherMM { sorted: true, ..RIGHT };
                    compare(op, &ins, &[out(&[rows], [1, n], d)], 2e-5);
                }
            }
        }
    }
}

/// Four encoded matrices in one stack.
fn encoded(rows: usize, k: usize, affine: Affine, d: DType) -> Vec<Operand> {
    let descs = [
        Desc::contiguous(&[4, rows, k * affine.bits as usize / 32], DType::U32),
        Desc::contiguous(&[4, rows, k / affine.group_size as usize], d),
        Desc::contiguous(&[4, rows, k / affine.group_size as usize], d),
    ];
    run(cpu(), &Quantize { affine }.into(), &[array(&[4, rows, k], d, 5)], &descs).expect("the processor has it")
}

#[test]
fn encoded_matrices() {
    for (i, d) in FLOATS.into_iter().enumerate() {
        let kinds = [(4, 64, true), (3, 32, false), (8, 128, true), (4, 32, false), (6, 64, true), (2, 64, false)];
        for &(bits, group_size, transpose) in &kinds[2 * i..2 * i + 2] {
            let affine = Affine { group_size, bits };
            let (rows, cols) = (66, 128);
            let (k, n) = if transpose { (cols, rows) } else { (rows, cols) };
            let parts = encoded(rows, cols, affine, d);
            let op = |sorted| GatherQMM { affine, transpose, left: false, right: true, sorted };
            // Cooperative matrices, which take the weights rounded to the type of x, compute many rows, and few by columns.
            let near = |many: bool| if many || !transpose { [3e-4, 4e-3, 3e-2][i] } else { 3e-4 };
            let check = |lead: &[usize], m: usize, index: &[i32], sorted: bool| {
                let mut ins = vec![array(&[lead, &[m, k]].concat(), d, i)];
                ins.extend(parts.iter().cloned());
                ins.push(host_array(lead, index));
                let near = near(m > 8 || sorted);
                compare(op(sorted), &ins, &[out(lead, [m, n], d)], near);
            };
            check(&[3, 2], 1, &places(6), false);
            check(&[7], 5, &places(7), false);
            check(&[3], 40, &places(3), false);
            check(&[75], 1, &ascending(75, 4), true);
            let mut ins = vec![array(&[3, 2, k], d, i)];
            ins.extend(parts.iter().cloned());
            ins.extend([host_array(&[5], &places(5)), host_array(&[5], &[3i32, 1, 1, -2, 0])]);
            let both = GatherQMM { affine, transpose, left: true, right: true, sorted: false };
            compare(both, &ins, &[out(&[5], [2, n], d)], near(false));
        }
    }
}

#[test]
fn what_the_kernels_do_not_take_is_declined() {
    let Some(gpu) = backend() else { return };
    let takes = |gpu: &dyn Backend, index: Desc, d: DType| {
        let ins = [Desc::contiguous(&[6, 1, 8], d), Desc::contiguous(&[4, 8, 5], d), index];
        gpu.supports(&RIGHT.into(), &ins, &[out(&[6], [1, 5], d)])
    };
    let index = |d| Desc::contiguous(&[6], d);
    assert!(takes(gpu, index(DType::I32), DType::F16));
    assert!(!takes(gpu, index(DType::I64), DType::F16));
    assert!(!takes(gpu, index(DType::I32), DType::F64));
}
