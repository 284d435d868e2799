//! Running ops on the device and on the processor, side by side.

use crate::{Choice, Overrides, VulkanBackend, choose, survey, survey_without};
use mlx_cpu::{CpuBackend, Isa, host};
use mlx_ir::{Backend, DType, Desc, Element, Launch, Op, Operand};
use std::sync::OnceLock;

/// The device that tests run on: the one that programs take, so a software driver only if `MLX_ARM_GPU` names it. None
/// where there is none, unless `MLX_VULKAN_REQUIRED` is set.
pub(crate) fn backend() -> Option<&'static VulkanBackend> {
    static B: OnceLock<Option<VulkanBackend>> = OnceLock::new();
    B.get_or_init(|| {
        let made = survey().and_then(|s| VulkanBackend::open(choose(&s, &Choice::from_env())?));
        match made {
            Ok(b) => Some(b),
            Err(e) => {
                assert!(std::env::var_os("MLX_VULKAN_REQUIRED").is_none(), "no Vulkan device to test on: {e}");
                eprintln!("not tested: {e}");
                None
            }
        }
    })
    .as_ref()
}

/// The same device opened once more, with more taken away from it.
pub(crate) fn without(list: &str) -> Option<VulkanBackend> {
    let index = backend()?.adapter().index;
    let all = format!("{},{list}", std::env::var("MLX_VULKAN_DISABLE").unwrap_or_default());
    let found = survey_without(&Overrides::parse(&all).expect("names")).expect("a survey");
    Some(VulkanBackend::open(&found.adapters[index]).expect("it opened before"))
}

pub(crate) fn cpu() -> &'static CpuBackend {
    static B: OnceLock<CpuBackend> = OnceLock::new();
    B.get_or_init(|| CpuBackend::new(1, Isa::detect()).expect("one thread"))
}

/// A row-major operand in host memory.
pub(crate) fn host_array<T: Element>(shape: &[usize], data: &[T]) -> Operand {
    let buffer = host::alloc_with(cpu(), data).expect("memory");
    Operand { desc: Desc::contiguous(shape, T::DTYPE), buffer, offset: 0 }
}

/// Runs `op` on a back end into new outputs. None if it is declined.
pub(crate) fn run(b: &dyn Backend, op: &Op, ins: &[Operand], outs: &[Desc]) -> Option<Vec<Operand>> {
    let descs: Vec<Desc> = ins.iter().map(|o| o.desc.clone()).collect();
    if !b.supports(op, &descs, outs) {
        return None;
    }
    let made: Vec<Operand> = outs
        .iter()
        .map(|d| {
            let buffer = b.alloc(d.size() * d.dtype.size()).expect("memory");
            Operand { desc: d.clone(), buffer, offset: 0 }
        })
        .collect();
    assert_eq!(b.launch(op, ins, &made).expect("a launch"), Launch::Done, "accepted, then declined");
    for o in &made {
        o.buffer.to_host().expect("results");
    }
    Some(made)
}

/// What the processor makes.
///
/// # Panics
/// If it declines.
pub(crate) fn on_processor(op: impl Into<Op>, ins: &[Operand], outs: &[Desc]) -> Vec<Operand> {
    run(cpu(), &op.into(), ins, outs).expect("the processor has the kernel")
}

/// Elements as f64 (complex ones as two).
fn numbers(o: &Operand) -> Vec<f64> {
    fn of<T: Element>(o: &Operand, f: impl Fn(T) -> f64) -> Vec<f64> {
        host::to_vec::<T>(o).into_iter().map(f).collect()
    }
    match o.desc.dtype {
        DType::Bool => of::<bool>(o, |x| x as u8 as f64),
        DType::U8 => of::<u8>(o, f64::from),
        DType::U16 => of::<u16>(o, f64::from),
        DType::U32 => of::<u32>(o, f64::from),
        DType::U64 => of::<u64>(o, |x| x as f64),
        DType::I8 => of::<i8>(o, f64::from),
        DType::I16 => of::<i16>(o, f64::from),
        DType::I32 => of::<i32>(o, f64::from),
        DType::I64 => of::<i64>(o, |x| x as f64),
        DType::F16 => of::<half::f16>(o, f64::from),
        DType::BF16 => of::<half::bf16>(o, f64::from),
        DType::F32 => of::<f32>(o, f64::from),
        DType::F64 => of::<f64>(o, |x| x),
        DType::C64 => host::to_vec::<mlx_ir::dtype::C64>(o).iter().flat_map(|c| [c.re.into(), c.im.into()]).collect(),
    }
}

/// Runs `op` on the processor and on the device and compares: `tolerance` is relative to the larger of the value and
/// 1, in addition to one unit of the result's dtype; 0 asks for equal values. NaN equals NaN.
///
/// # Panics
/// If they differ, or if either declines (but for 64-bit integers on a device without).
#[track_caller]
pub(crate) fn compare(op: impl Into<Op>, ins: &[Operand], outs: &[Desc], tolerance: f64) {
    if let Some(gpu) = backend() {
        compare_on(gpu, op, ins, outs, tolerance);
    }
}

/// As [`compare`], on a device.
#[track_caller]
pub(crate) fn compare_on(gpu: &VulkanBackend, op: impl Into<Op>, ins: &[Operand], outs: &[Desc], tolerance: f64) {
    let op = op.into();
    let want = run(cpu(), &op, ins, outs).expect("the processor has the kernel");
    let wide = |d: &Desc| matches!(d.dtype, DType::U64 | DType::I64);
    let may_decline = !gpu.caps().int64 && ins.iter().map(|o| &o.desc).chain(outs).any(wide);
    let got = match run(gpu, &op, ins, outs) {
        Some(o) => o,
        None if may_decline => return,
        None => panic!("the device declines {op:?}"),
    };
    for (w, g) in want.iter().zip(&got) {
        let unit = match w.desc.dtype {
            _ if tolerance == 0.0 => 0.0,
            DType::F16 => 1.0 / 1024.0,
            DType::BF16 => 1.0 / 128.0,
            DType::F32 | DType::C64 => f64::from(f32::EPSILON),
            _ => 0.0,
        };
        let (w, g) = (numbers(w), numbers(g));
        assert_eq!(w.len(), g.len());
        let near = |x: f64, y: f64| (x - y).abs() <= tolerance * x.abs().max(1.0) + unit * x.abs();
        let same = |x: f64, y: f64| x == y || near(x, y) || (x.is_nan() && y.is_nan());
        let off: Vec<usize> = (0..w.len()).filter(|&i| !same(w[i], g[i])).collect();
        if let Some(&i) = off.first() {
            let some = &off[..off.len().min(40)];
            panic!("{op:?}: element {i} is {}, the processor's is {}; {} are off: {some:?}", g[i], w[i], off.len());
        }
    }
}

#[test]
fn bytes_go_to_the_device_and_back() {
    let Some(b) = backend() else { return };
    let data: Vec<u8> = (0..100_003u32).map(|i| (i * 7 % 251) as u8).collect();
    let from = host_array(&[data.len()], &data);
    let there = b.upload_for_test(&from.buffer);
    let back = Operand { buffer: there, ..from };
    back.buffer.to_host().expect("the bytes");
    assert_eq!(host::to_vec::<u8>(&back), data);
    assert!(b.memory().active >= data.len());
}
