//! Products on the device against those of the processor.

use super::matmul::{Plan, Product, Variant, record_for_test};
use super::tiles::{COOP_TILES, Coop, TILES, UNROLLED};
use super::wide::{WIDES, Wide};
use crate::testing::{backend, compare, host_array};
use half::{bf16, f16};
use mlx_ir::op::{AddMM, Matmul, Real};
use mlx_ir::{Backend, DType, Desc, Element, Operand};

fn values(n: usize, seed: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.5 - 1.0).collect()
}

pub(super) fn array(shape: &[usize], d: DType, seed: usize) -> Operand {
    let x = values(shape.iter().product(), seed);
    match d {
        DType::F16 => host_array(shape, &x.iter().map(|&v| f16::from_f32(v)).collect::<Vec<_>>()),
        DType::BF16 => host_array(shape, &x.iter().map(|&v| bf16::from_f32(v)).collect::<Vec<_>>()),
        _ => host_array(shape, &x),
    }
}

/// The last two axes exchanged.
pub(super) fn turned(mut o: Operand) -> Operand {
    let n = o.desc.ndim();
    o.desc.shape.swap(n - 1, n - 2);
    o.desc.strides.swap(n - 1, n - 2);
    o
}

/// A matrix (r, c) in one of four layouts: row-major, column-major, every second element of longer rows, a part of
/// longer rows that begins anywhere.
fn matrix(layout: usize, [r, c]: [usize; 2], d: DType, seed: usize) -> Operand {
    match layout {
        0 => array(&[r, c], d, seed),
        1 => turned(array(&[c, r], d, seed)),
        2 => {
            let mut o = array(&[r, 2 * c + 1], d, seed);
            o.desc.shape[1] = c;
            o.desc.strides[1] = 2;
            o
        }
        _ => {
            let mut o = array(&[r, c + 3], d, seed);
            o.desc.shape[1] = c;
            o.offset = 3 * d.size();
            o
        }
    }
}

fn broadcast(o: &Operand, shape: &[usize]) -> Operand {
    let strides = mlx_ir::desc::broadcast_strides(&o.desc.shape, &o.desc.strides, shape);
    Operand { desc: Desc { shape: shape.into(), strides, dtype: o.desc.dtype }, ..o.clone() }
}

pub(super) const FLOATS: [DType; 3] = [DType::F32, DType::F16, DType::BF16];

#[test]
fn products_of_every_size_and_layout() {
    let sizes =
        [(1, 7, 1), (1, 129, 65), (7, 33, 129), (9, 65, 33), (33, 7, 65), (65, 1, 9), (129, 33, 2), (65, 129, 66)];
    for (i, (m, k, n)) in sizes.into_iter().enumerate() {
        for (j, d) in FLOATS.into_iter().enumerate() {
            for l in [0, 2] {
                let (l, r) = ((l + i + j) % 4, (l + i / 2) % 4);
                let (a, b) = (matrix(l, [m, k], d, i), matrix(r, [k, n], d, i + 7));
                compare(Matmul {}, &[a, b], &[Desc::contiguous(&[m, n], d)], 2e-5);
            }
        }
    }
}

#[test]
fn empty_sums_are_zeros() {
    for (m, n) in [(1, 3), (9, 33)] {
        let (a, b, c) = (array(&[m, 0], DType::F32, 1), array(&[0, n], DType::F32, 2), array(&[m, n], DType::F32, 3));
        let out = [Desc::contiguous(&[m, n], DType::F32)];
        compare(Matmul {}, &[a.clone(), b.clone()], &out, 0.0);
        compare(AddMM { alpha: Real::new(3.0), beta: Real::new(2.0) }, &[c, a, b], &out, 1e-6);
    }
    let none = Desc::contiguous(&[0, 5], DType::F16);
    compare(Matmul {}, &[array(&[0, 4], DType::F16, 1), array(&[4, 5], DType::F16, 2)], &[none], 0.0);
}

#[test]
fn aligned_operands_and_long_sums() {
    for d in FLOATS {
        for (m, k, n) in [(1, 4096, 64), (3, 2048, 40), (64, 64, 64), (16, 2048, 24), (136, 40, 8), (130, 1024, 1)] {
            let (a, b) = (array(&[m, k], d, 1), array(&[k, n], d, 2));
            let out = [Desc::contiguous(&[m, n], d)];
            compare(Matmul {}, &[a, b], &out, 1e-4);
            let (a, b) = (array(&[m, k], d, 1), turned(array(&[n, k], d, 2)));
            compare(Matmul {}, &[a, b], &out, 1e-4);
        }
    }
}

#[test]
fn batches_and_operands_that_they_share() {
    for d in FLOATS {
        let out = |m: usize, n: usize| Desc::contiguous(&[2, 3, m, n], d);
        for (m, k, n) in [(1, 16, 9), (5, 33, 12), (20, 9, 17), (33, 16, 8)] {
            let (a, b) = (array(&[2, 3, m, k], d, 1), array(&[2, 3, k, n], d, 2));
            let one_b = broadcast(&array(&[k, n], d, 3), &[2, 3, k, n]);
            let some_b = broadcast(&array(&[2, 1, k, n], d, 4), &[2, 3, k, n]);
            let one_a = broadcast(&array(&[1, 3, m, k], d, 5), &[2, 3, m, k]);
            for (a, b) in [(&a, &b), (&a, &one_b), (&a, &some_b), (&one_a, &b), (&one_a, &one_b)] {
                compare(Matmul {}, &[a.clone(), b.clone()], &[out(m, n)], 2e-5);
                compare(Matmul {}, &[turned(b.clone()), turned(a.clone())], &[out(n, m)], 2e-5);
            }
        }
    }
}

#[test]
fn addends_of_every_kind() {
    for d in FLOATS {
        for (m, k, n) in [(1, 65, 33), (2, 1024, 7), (7, 33, 64), (40, 33, 65), (65, 7, 3), (12, 1024, 10)] {
            let (a, b) = (array(&[2, m, k], d, 1), array(&[2, k, n], d, 2));
            let whole = array(&[2, m, n], d, 3);
            let row = broadcast(&array(&[n], d, 4), &[2, m, n]);
            let column = broadcast(&array(&[m, 1], d, 5), &[2, m, n]);
            let flipped = turned(array(&[2, n, m], d, 6));
            for (i, c) in [whole, row, column, flipped].into_iter().enumerate() {
                let op = AddMM { alpha: Real::new(0.5), beta: Real::new([-2.0, 1.0, 0.0, 0.25][i]) };
                compare(op, &[c, a.clone(), b.clone()], &[Desc::contiguous(&[2, m, n], d)], 1e-4);
            }
        }
    }
}

/// Runs a plan on the device.
fn by_plan(plan: Plan, a: &Operand, b: &Operand) -> Option<Vec<f32>> {
    let gpu = backend()?;
    let p = Product::new(&a.desc, &b.desc, None).expect("a product");
    let shape = [a.desc.shape[0], b.desc.shape[1]];
    let desc = Desc::contiguous(&shape, a.desc.dtype);
    let buffer = gpu.alloc(desc.size() * desc.dtype.size()).expect("memory");
    let out = Operand { desc, buffer, offset: 0 };
    if !record_for_test(&mut gpu.cx_for_test(), &p, plan, [a, b], &out) {
        return None;
    }
    gpu.submit().expect("a device");
    out.buffer.to_host().expect("the result");
    fn of<T: Element>(o: &Operand, f: impl Fn(T) -> f32) -> Vec<f32> {
        mlx_cpu::host::to_vec::<T>(o).into_iter().map(f).collect()
    }
    Some(match out.desc.dtype {
        DType::F16 => of::<f16>(&out, f16::to_f32),
        DType::BF16 => of::<bf16>(&out, bf16::to_f32),
        _ => of::<f32>(&out, |x| x),
    })
}

fn round(v: f32, d: DType) -> f32 {
    match d {
        DType::F16 => f16::from_f32(v).to_f32(),
        DType::BF16 => bf16::from_f32(v).to_f32(),
        _ => v,
    }
}

/// Runs a plan on matrices that are row-major (0) or column-major (1) and compares with exact sums.
fn check(plan: Plan, [m, k, n]: [usize; 3], layouts: [usize; 2], d: DType) {
    let (a, b) = (matrix(layouts[0], [m, k], d, 1), matrix(layouts[1], [k, n], d, 2));
    let Some(got) = by_plan(plan, &a, &b) else { return };
    let (x, y) = (values(m * k, 1), values(k * n, 2));
    let of_a = |i: usize, q: usize| round(x[if layouts[0] == 0 { i * k + q } else { q * m + i }], d);
    let of_b = |q: usize, j: usize| round(y[if layouts[1] == 0 { q * n + j } else { j * k + q }], d);
    let unit = match d {
        DType::F16 => 1e-3,
        DType::BF16 => 8e-3,
        _ => 1e-6,
    };
    for (at, &g) in got.iter().enumerate() {
        let (i, j) = (at / n, at % n);
        let exact: f64 = (0..k).map(|q| f64::from(of_a(i, q)) * f64::from(of_b(q, j))).sum();
        let near = (f64::from(g) - exact).abs() < 1e-4 + unit * exact.abs();
        assert!(near, "{plan:?} {d} {layouts:?}: ({i}, {j}) is {g}, exact {exact}");
    }
}

#[test]
fn cooperative_matrices_give_the_product() {
    let Some(gpu) = backend() else { return };
    for (i, tile) in COOP_TILES.into_iter().enumerate() {
        for d in [DType::F16, DType::BF16] {
            let Some(coop) = Coop::new(tile, d, gpu.caps()) else {
                eprintln!("not tested: {tile:?} {d}");
                continue;
            };
            let variant = Variant::Coop(coop);
            check(Plan { variant, flip: false, parts: 1 }, [140, 96, 136], [0, 0], d);
            check(Plan { variant, flip: false, parts: 1 }, [129, 40, 260], [1, i % 2], d);
            check(Plan { variant, flip: false, parts: 3 }, [70, 300, 65], [0, 1], d);
        }
    }
}

#[test]
fn matrices_of_a_workgroup_give_the_product() {
    let Some(gpu) = backend() else { return };
    for wide in WIDES {
        for d in [DType::F16, DType::BF16] {
            if !Wide::able(gpu.caps(), d) {
                eprintln!("not tested: {wide:?} {d}");
                continue;
            }
            let plan = Plan { variant: Variant::Wide(wide), flip: false, parts: 1 };
            // Whole tiles and steps, then neither.
            check(plan, [256, 512, 256], [0, 0], d);
            check(plan, [256, 512, 256], [0, 1], d);
            check(plan, [140, 96, 136], [0, 0], d);
            check(plan, [129, 344, 72], [0, 1], d);
            // Parts that are whole steps, and parts that are not.
            check(Plan { parts: 2, ..plan }, [256, 1024, 128], [0, 1], d);
            check(Plan { parts: 4, ..plan }, [129, 384, 72], [0, 0], d);
        }
    }
}

#[test]
fn every_plan_gives_the_product() {
    let variants = TILES
        .into_iter()
        .chain(UNROLLED)
        .map(Variant::Tile)
        .chain([32, 64, 128].map(Variant::Rows))
        .chain([Variant::Columns]);
    for variant in variants {
        let few = !matches!(variant, Variant::Tile(_));
        for (i, d) in FLOATS.into_iter().enumerate() {
            if matches!(variant, Variant::Tile(t) if !t.whole(16 / d.size())) {
                continue;
            }
            let ([m, k, n], layouts) = match (few, i) {
                (true, _) => {
                    ([[1, 640, 200], [8, 264, 130], [5, 300, 129]][i], [0, usize::from(variant != Variant::Columns)])
                }
                (false, _) => ([[140, 80, 136], [129, 264, 130], [70, 33, 65]][i], [i % 2, (i + 1) % 2]),
            };
            for parts in [1, 3] {
                check(Plan { variant, flip: false, parts }, [m, k, n], layouts, d);
            }
        }
    }
}

#[test]
fn many_batch_dimensions_are_folded_as_they_lie() {
    // Four that do not merge: no tile kernel takes them.
    let shape = |r: usize, c: usize| [2, 2, 2, 2, r, c];
    let holes = |r: usize, c: usize, seed: usize| {
        let mut o = array(&[2, 3, 2, 3, 2, 3, 2, 3, r, c], DType::F32, seed);
        for at in [7, 5, 3, 1] {
            o.desc.shape.remove(at);
            o.desc.strides.remove(at);
        }
        o
    };
    let (a, b) = (holes(3, 5, 1), holes(5, 4, 2));
    assert!(Product::new(&a.desc, &b.desc, None).is_none());
    compare(Matmul {}, &[a, b], &[Desc::contiguous(&shape(3, 4), DType::F32)], 2e-5);
}
