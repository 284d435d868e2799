//! Products with matrices that are too large for the device to see at once, against those of the processor.

use super::matmul_tests::{FLOATS, array, turned};
use crate::VulkanBackend;
use crate::testing::{backend, compare, compare_on, cpu, host_array, run, without};
use mlx_ir::op::{AddMM, Affine, BlockMatmul, BlockProject, Gate, Matmul, Quantize, QuantizedMatmul, Real};
use mlx_ir::{Backend, DType, Desc, Op, Operand, QuantFormat};

/// A device that sees 32 KiB at a time.
fn narrow() -> Option<VulkanBackend> {
    backend()?;
    without("storage_range=32768")
}

/// Weights of `n` rows of `k` values.
fn weights(format: QuantFormat, n: usize, k: usize) -> Operand {
    let bytes = format.row_bytes(k).expect("whole blocks");
    let mut all = vec![0u8; n * bytes];
    for (r, row) in all.chunks_mut(bytes).enumerate() {
        let x: Vec<f32> = (0..k).map(|i| ((i * 7 + r * 13) % 41) as f32 / 20.0 - 1.0).collect();
        format.encode_row(&x, row).expect("a row");
    }
    host_array(&[n, bytes], &all)
}

fn given(x: Operand, more: &[&Operand]) -> Vec<Operand> {
    std::iter::once(x).chain(more.iter().map(|&o| o.clone())).collect()
}

/// Sees that the narrow device gives what the whole one does.
fn same(gpu: &VulkanBackend, op: impl Into<Op>, ins: &[Operand], outs: &[Desc]) {
    let op = op.into();
    let read = |b: &dyn Backend| -> Vec<f32> {
        let made = run(b, &op, ins, outs).expect("a kernel");
        made.iter().flat_map(mlx_cpu::host::to_vec::<f32>).collect()
    };
    let (want, got) = (read(backend().expect("a device")), read(gpu));
    assert_eq!(want.len(), got.len());
    assert!(want.iter().zip(&got).all(|(x, y)| (x - y).abs() <= 1e-4 * x.abs().max(1.0)), "{op:?}");
}

#[test]
fn blocks_in_ranges_of_rows() {
    let Some(gpu) = narrow() else { return };
    for format in [QuantFormat::F32, QuantFormat::F16, QuantFormat::Q4_0, QuantFormat::Q8_0, QuantFormat::Q6_K] {
        let n = 515;
        let k = if matches!(format, QuantFormat::F32 | QuantFormat::F16) { 64 } else { 256 };
        let (large, small) = (weights(format, n, k), weights(format, 40, k));
        for m in [1, 3, 10] {
            let x = array(&[m, k], DType::F32, m);
            let outs = [Desc::contiguous(&[m, n], DType::F32), Desc::contiguous(&[m, 40], DType::F32)];
            let op = BlockMatmul { formats: [format, format].into_iter().collect(), exact: false };
            same(&gpu, op, &given(x, &[&large, &small]), &outs);
        }
    }
}

#[test]
fn projections_in_ranges_of_rows() {
    let Some(gpu) = narrow() else { return };
    let (format, n, k) = (QuantFormat::Q4_0, 515, 256);
    let (a, b) = (weights(format, n, k), weights(format, n, k));
    let (x, norm, added) = (array(&[1, k], DType::F32, 1), array(&[k], DType::F32, 2), array(&[1, n], DType::F32, 3));
    let out = [Desc::contiguous(&[1, n], DType::F32)];
    let op = |count: usize, eps: bool, gate, add| BlockProject {
        formats: std::iter::repeat_n(format, count).collect(),
        eps: eps.then(|| Real::new(1e-5)),
        gate,
        add,
        exact: false,
    };
    same(&gpu, op(2, true, Some(Gate::Silu), false), &given(x.clone(), &[&norm, &a, &b]), &out);
    same(&gpu, op(1, false, None, true), &given(x, &[&a, &added]), &out);
    // Of several rows the sum is an op of its own.
    let many = [array(&[2, k], DType::F32, 1), a, array(&[2, n], DType::F32, 2)];
    let descs: Vec<Desc> = many.iter().map(|o| o.desc.clone()).collect();
    assert!(!gpu.supports(&op(1, false, None, true).into(), &descs, &[Desc::contiguous(&[2, n], DType::F32)]));
}

/// What a device of two multiprocessors computes with a few workgroups, each of which has several groups of rows.
#[test]
fn projections_by_few_workgroups() {
    let Some(gpu) = backend().and_then(|_| without("cores=2")) else { return };
    let (k, norm) = (256, array(&[256], DType::F32, 9));
    let op = |format: QuantFormat, count: usize, gate, add| BlockProject {
        formats: std::iter::repeat_n(format, count).collect(),
        eps: Some(Real::new(1e-5)),
        gate,
        add,
        exact: false,
    };
    for (format, m) in [(QuantFormat::Q4_0, 1), (QuantFormat::Q6_K, 3)] {
        let [large, small] = [515, 40].map(|n| weights(format, n, k));
        let x = array(&[m, k], DType::F32, m);
        let outs = [515, 40, 515].map(|n| Desc::contiguous(&[m, n], DType::F32));
        same(&gpu, op(format, 3, None, false), &given(x.clone(), &[&norm, &large, &small, &large]), &outs);
        let gated = given(x.clone(), &[&norm, &large, &large]);
        same(&gpu, op(format, 2, Some(Gate::Silu), false), &gated, &outs[..1]);
        let added = array(&[m, 515], DType::F32, 4);
        same(&gpu, op(format, 1, None, true), &given(x, &[&norm, &large, &added]), &outs[..1]);
    }
}

#[test]
fn encoded_matrices_in_ranges_of_rows() {
    let Some(gpu) = narrow() else { return };
    for d in FLOATS {
        let (affine, n, k) = (Affine { group_size: 64, bits: 4 }, 700, 128);
        let parts = [
            Desc::contiguous(&[n, k / 8], DType::U32),
            Desc::contiguous(&[n, k / 64], d),
            Desc::contiguous(&[n, k / 64], d),
        ];
        let codes = run(cpu(), &Quantize { affine }.into(), &[array(&[n, k], d, 5)], &parts).expect("the processor");
        for m in [1, 5] {
            let ins = given(array(&[m, k], d, 1), &codes.iter().collect::<Vec<_>>());
            let op = QuantizedMatmul { affine, transpose: true };
            compare_on(&gpu, op.clone(), &ins, &[Desc::contiguous(&[m, n], d)], 1e-3);
            compare(op, &ins, &[Desc::contiguous(&[m, n], d)], 1e-3);
        }
        // Across the rows nothing is gained by ranges.
        let ins = given(array(&[1, n], d, 1), &codes.iter().collect::<Vec<_>>());
        let descs: Vec<Desc> = ins.iter().map(|o| o.desc.clone()).collect();
        let straight = QuantizedMatmul { affine, transpose: false };
        assert!(!gpu.supports(&straight.into(), &descs, &[Desc::contiguous(&[1, k], d)]));
    }
}

#[test]
fn floats_in_ranges_of_columns() {
    let Some(gpu) = narrow() else { return };
    for d in FLOATS {
        let (n, k) = (451, 96);
        let w = turned(array(&[n, k], d, 2));
        for m in [1, 7, 12] {
            let (a, c) = (array(&[m, k], d, 1), array(&[m, n], d, 3));
            let out = [Desc::contiguous(&[m, n], d)];
            compare_on(&gpu, Matmul {}, &[a.clone(), w.clone()], &out, 2e-5);
            let op = AddMM { alpha: Real::new(0.5), beta: Real::new(-2.0) };
            compare_on(&gpu, op, &[c, a, w.clone()], &out, 2e-5);
        }
        // Rows along the columns: no range of them is smaller.
        let descs = [Desc::contiguous(&[1, n], d), Desc::contiguous(&[n, k], d)];
        assert!(!gpu.supports(&Matmul {}.into(), &descs, &[Desc::contiguous(&[1, k], d)]));
    }
}
