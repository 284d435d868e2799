//! Convolutions on the device against exact sums.

use super::conv::{NARROW, Way, Windows, record_for_test};
use super::matmul::{Plan, Variant};
use super::matmul_tests::{FLOATS, array};
use super::tiles::{COOP_TILES, Coop, TILES};
use crate::testing::{backend, run, without};
use crate::{Caps, VulkanBackend};
use half::{bf16, f16};
use mlx_ir::op::{Conv, ConvSpec};
use mlx_ir::{Backend, DType, Desc, Element, Op, Operand};
use std::sync::Arc;

/// A convolution and the shapes of its operands.
#[derive(Clone, Debug)]
struct Case {
    spec: ConvSpec,
    x: Vec<usize>,
    w: Vec<usize>,
}

impl Case {
    /// Without padding, strides, dilation and groups.
    fn new(x: &[usize], w: &[usize]) -> Case {
        let all = |v: usize| std::iter::repeat_n(v, x.len() - 2).collect();
        let spec = ConvSpec {
            stride: all(1),
            low: all(0),
            high: all(0),
            kernel_dilation: all(1),
            input_dilation: all(1),
            groups: 1,
            flip: false,
        };
        Case { spec, x: x.to_vec(), w: w.to_vec() }
    }
    fn stride(mut self, v: &[usize]) -> Case {
        self.spec.stride = v.into();
        self
    }
    fn pad(mut self, low: &[usize], high: &[usize]) -> Case {
        (self.spec.low, self.spec.high) = (low.into(), high.into());
        self
    }
    fn dilation(mut self, kernel: &[usize], input: &[usize]) -> Case {
        (self.spec.kernel_dilation, self.spec.input_dilation) = (kernel.into(), input.into());
        self
    }
    fn groups(mut self, groups: usize) -> Case {
        self.spec.groups = groups;
        self
    }
    fn flip(mut self) -> Case {
        self.spec.flip = true;
        self
    }

    fn out(&self) -> Vec<usize> {
        let (s, n) = (&self.spec, self.x.len() - 2);
        let mut out = vec![self.x[0]];
        for i in 0..n {
            let size = self.x[i + 1];
            let padded = size.saturating_sub(1) * s.input_dilation[i] + size.min(1) + s.low[i] + s.high[i];
            out.push((padded - (self.w[i + 1] - 1) * s.kernel_dilation[i] - 1) / s.stride[i] + 1);
        }
        out.push(self.w[0]);
        out
    }

    /// Exact sums, by what a convolution is.
    fn exact(&self, x: &[f64], w: &[f64]) -> Vec<f64> {
        let (s, n, out) = (&self.spec, self.x.len() - 2, self.out());
        let channels = self.w[n + 1];
        let each = self.w[0] / s.groups;
        let taps: usize = self.w[1..=n].iter().product();
        (0..out.iter().product())
            .map(|at: usize| {
                let feature = at % out[n + 1];
                let place = unfold(at / out[n + 1], &out[..=n]);
                let mut sum = 0.0;
                for tap in 0..taps {
                    let element = unfold(tap, &self.w[1..=n]);
                    let mut line = Some(place[0]);
                    for i in 0..n {
                        let e = if s.flip { self.w[i + 1] - 1 - element[i] } else { element[i] };
                        let seen = (place[i + 1] * s.stride[i] + e * s.kernel_dilation[i]).checked_sub(s.low[i]);
                        let whole = seen.filter(|v| v % s.input_dilation[i] == 0).map(|v| v / s.input_dilation[i]);
                        let size = self.x[i + 1];
                        line = line.zip(whole.filter(|&v| v < size)).map(|(l, v)| l * size + v);
                    }
                    let Some(line) = line else { continue };
                    for c in 0..channels {
                        let from = line * self.x[n + 1] + feature / each * channels + c;
                        sum += x[from] * w[(feature * taps + tap) * channels + c];
                    }
                }
                sum
            })
            .collect()
    }

    fn operands(&self, d: DType) -> [Operand; 2] {
        [array(&self.x, d, 1), array(&self.w, d, 2)]
    }
    fn op(&self) -> Op {
        Conv { spec: Arc::new(self.spec.clone()) }.into()
    }

    /// Holds a result against exact sums of the operands as they are rounded.
    #[track_caller]
    fn check(&self, ins: &[Operand; 2], out: &Operand, how: &str) {
        let (got, exact) = (numbers(out), self.exact(&numbers(&ins[0]), &numbers(&ins[1])));
        assert_eq!(got.len(), exact.len());
        let unit = match out.desc.dtype {
            DType::F16 => 1e-3,
            DType::BF16 => 8e-3,
            _ => 1e-6,
        };
        // Sums of f32 lose more the longer they are.
        let lost = 2e-7 * self.w[1..].iter().product::<usize>().max(100) as f64;
        for (i, (g, e)) in got.iter().zip(&exact).enumerate() {
            let near = (g - e).abs() < lost + unit * e.abs();
            assert!(near, "{how} {} {self:?}: {i} is {g}, exact {e}", out.desc.dtype);
        }
    }
}

/// Numbers of a place in an array of this shape.
fn unfold(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut place = vec![0; shape.len()];
    for (p, &n) in place.iter_mut().zip(shape).rev() {
        *p = at % n;
        at /= n;
    }
    place
}

fn numbers(o: &Operand) -> Vec<f64> {
    fn of<T: Element>(o: &Operand, f: impl Fn(T) -> f64) -> Vec<f64> {
        mlx_cpu::host::to_vec::<T>(o).into_iter().map(f).collect()
    }
    match o.desc.dtype {
        DType::F16 => of(o, f16::to_f64),
        DType::BF16 => of(o, bf16::to_f64),
        _ => of(o, |x: f32| x.into()),
    }
}

fn on(gpu: &VulkanBackend, case: &Case, d: DType) {
    let ins = case.operands(d);
    let out = Desc::contiguous(&case.out(), d);
    let made = run(gpu, &case.op(), &ins, &[out]).unwrap_or_else(|| panic!("declined: {d} {case:?}"));
    case.check(&ins, &made[0], "chosen");
}

/// One of each kind, and what is at their edges.
fn cases() -> Vec<Case> {
    let mut all = vec![
        Case::new(&[2, 9, 3], &[12, 3, 3]).pad(&[2], &[1]),
        Case::new(&[1, 9, 9, 17], &[35, 3, 3, 17]).pad(&[2, 1], &[0, 3]),
        // Whole chunks of every type.
        Case::new(&[2, 8, 7, 16], &[40, 3, 3, 16]).pad(&[1, 1], &[1, 1]),
        Case::new(&[1, 11, 10, 24], &[9, 2, 3, 8]).stride(&[2, 3]).pad(&[0, 2], &[1, 2]).groups(3),
        Case::new(&[1, 12, 9, 8], &[16, 3, 2, 8]).dilation(&[2, 3], &[1, 1]).pad(&[1, 0], &[3, 2]),
        Case::new(&[1, 5, 4, 8], &[10, 3, 2, 8]).dilation(&[1, 1], &[2, 3]).pad(&[1, 2], &[2, 0]),
        Case::new(&[1, 6, 5, 3], &[10, 3, 4, 3]).dilation(&[3, 2], &[2, 3]).stride(&[2, 1]).pad(&[5, 6], &[4, 3]),
        Case::new(&[1, 3, 4, 3, 5], &[8, 2, 2, 3, 5]).stride(&[1, 2, 1]).pad(&[1, 0, 2], &[1, 2, 1]),
        Case::new(&[2, 3, 4, 3, 8], &[33, 3, 1, 2, 8]).dilation(&[1, 1, 2], &[2, 1, 3]).pad(&[2, 1, 0], &[0, 1, 2]),
        // Channels alone, one feature or several for each; an odd number of them.
        Case::new(&[1, 7, 6, 70], &[70, 3, 2, 1]).stride(&[1, 2]).pad(&[1, 0], &[1, 1]).groups(70),
        Case::new(&[2, 7, 6, 5], &[15, 3, 3, 1]).pad(&[1, 1], &[1, 1]).groups(5),
        Case::new(&[1, 13, 32], &[32, 4, 4]).dilation(&[2], &[1]).groups(8),
        // One feature of many terms, as of signals; one place.
        Case::new(&[1, 300, 1], &[1, 41, 1]).pad(&[40], &[40]),
        Case::new(&[1, 3, 3, 40], &[21, 3, 3, 40]),
        Case::new(&[1, 3, 3, 40], &[5, 3, 3, 40]),
        // A kernel of one element over every second place.
        Case::new(&[2, 7, 5, 12], &[20, 1, 1, 12]).stride(&[2, 2]),
        // Nothing to see but zeros.
        Case::new(&[1, 0, 3], &[9, 2, 3]).pad(&[2], &[1]),
        // Long sums in few places, which are split.
        Case::new(&[1, 4, 4, 300], &[16, 3, 3, 300]).pad(&[1, 1], &[1, 1]),
        // Distances that mean nothing.
        Case::new(&[1, 1, 4], &[9, 1, 4]).stride(&[1 << 40]).dilation(&[1 << 40], &[1 << 40]).pad(&[1], &[1]),
    ];
    let flipped: Vec<Case> = all.iter().map(|c| c.clone().flip()).collect();
    all.extend(flipped);
    all
}

#[test]
fn every_kind_gives_exact_sums() {
    let Some(gpu) = backend() else { return };
    for (i, case) in cases().iter().enumerate() {
        // Read backwards it differs by numbers alone.
        let dtypes = if case.spec.flip { &FLOATS[i % 3..=i % 3] } else { &FLOATS[..] };
        dtypes.iter().for_each(|&d| on(gpu, case, d));
    }
}

/// Runs a case by a way; false if a device with these capabilities cannot.
fn by_way(gpu: &VulkanBackend, caps: &Caps, case: &Case, way: Way, d: DType) -> bool {
    let ins = case.operands(d);
    let descs = [ins[0].desc.clone(), ins[1].desc.clone()];
    let desc = Desc::contiguous(&case.out(), d);
    let windows = Windows::new(&case.spec, &descs, &desc).expect("a convolution");
    let buffer = gpu.alloc(desc.size() * d.size()).expect("memory");
    let out = Operand { desc, buffer, offset: 0 };
    let mut cx = gpu.cx_for_test();
    cx.caps = caps;
    if !record_for_test(&mut cx, &windows, way, [&ins[0], &ins[1]], &out) {
        return false;
    }
    gpu.submit().expect("a device");
    out.buffer.to_host().expect("the result");
    case.check(&ins, &out, &format!("{way:?}"));
    true
}

fn ways(caps: &Caps, d: DType) -> Vec<Way> {
    let tiles = TILES.into_iter().chain([NARROW]).map(Variant::Tile);
    let plans = tiles.flat_map(|variant| [1, 3].map(|parts| Plan { variant, flip: false, parts }));
    // Software takes long for these.
    let coop = COOP_TILES.into_iter().filter_map(|t| Coop::new(t, d, caps)).enumerate();
    let coop = coop.map(|(i, c)| Plan { variant: Variant::Coop(c), flip: false, parts: 1 + i % 2 * 2 });
    plans.chain(coop).map(Way::Tiles).chain([Way::Each]).collect()
}

#[test]
fn every_way_gives_exact_sums() {
    let Some(gpu) = backend() else { return };
    let cases = [
        // More than a tile of the largest each way, odd; whole chunks; groups with zeros between their elements.
        Case::new(&[1, 13, 12, 7], &[133, 3, 3, 7]).pad(&[1, 1], &[1, 1]),
        Case::new(&[2, 9, 9, 16], &[68, 3, 3, 16]).stride(&[1, 2]).pad(&[1, 1], &[1, 1]).flip(),
        Case::new(&[1, 5, 7, 48], &[40, 2, 3, 24]).dilation(&[1, 2], &[2, 3]).pad(&[1, 3], &[2, 0]).groups(2),
    ];
    let mut tried = 0;
    for (i, case) in cases.iter().enumerate() {
        for (j, d) in FLOATS.into_iter().enumerate() {
            for (k, way) in ways(gpu.caps(), d).into_iter().enumerate() {
                let coop = matches!(way, Way::Tiles(Plan { variant: Variant::Coop(_), .. }));
                if coop && (i + j + k) % 2 == 1 {
                    continue;
                }
                tried += usize::from(by_way(gpu, gpu.caps(), case, way, d));
            }
        }
    }
    // Those that any device can.
    assert!(tried >= 3 * (3 * 5), "{tried}");
}

#[test]
fn weak_devices_find_a_way() {
    // The least that Vulkan asks for.
    let Some(gpu) = without("shared_memory=16384,workgroup_invocations=128,fp16,matrices") else { return };
    for (i, case) in cases().into_iter().enumerate() {
        on(&gpu, &case, FLOATS[i % 3]);
    }
}

#[test]
fn operands_begin_anywhere() {
    let Some(gpu) = backend() else { return };
    for d in FLOATS {
        for case in [
            Case::new(&[1, 6, 6, 16], &[24, 3, 3, 16]).pad(&[1, 1], &[1, 1]),
            Case::new(&[1, 6, 6, 16], &[16, 3, 3, 1]).groups(16),
        ] {
            // A part of a longer row.
            let inside = |shape: &[usize], seed| {
                let size: usize = shape.iter().product();
                let mut o = array(&[size + 3], d, seed);
                o.offset = 3 * d.size();
                Operand { desc: Desc::contiguous(shape, d), ..o }
            };
            let ins = [inside(&case.x, 3), inside(&case.w, 4)];
            let out = Desc::contiguous(&case.out(), d);
            let made = run(gpu, &case.op(), &ins, &[out]).expect("a kernel");
            case.check(&ins, &made[0], "inside");
        }
    }
}

#[test]
fn what_has_no_kernel_is_declined() {
    let Some(gpu) = backend() else { return };
    let taken = |case: &Case, d: DType| {
        let ins = [Desc::contiguous(&case.x, d), Desc::contiguous(&case.w, d)];
        gpu.supports(&case.op(), &ins, &[Desc::contiguous(&case.out(), d)])
    };
    let plain = Case::new(&[1, 5, 5, 4], &[8, 3, 3, 4]);
    assert!(taken(&plain, DType::F32));
    assert!(!taken(&plain, DType::F64));
    // More axes of space, no channels, a plain product.
    assert!(!taken(&Case::new(&[1, 3, 3, 3, 3, 4], &[8, 2, 2, 2, 2, 4]), DType::F32));
    assert!(!taken(&Case::new(&[1, 5, 5, 0], &[8, 3, 3, 0]), DType::F32));
    assert!(!taken(&Case::new(&[1, 5, 5, 4], &[8, 1, 1, 4]), DType::F32));
    // A padding that a shader cannot count.
    assert!(!taken(&Case::new(&[1, 5, 4], &[8, 2, 4]).stride(&[1 << 30]).pad(&[1 << 33], &[0]), DType::F32));
    // Columns one after another: made row-major first.
    let mut x = Desc::contiguous(&[1, 5, 5, 4], DType::F32);
    x.strides.swap(1, 2);
    let w = Desc::contiguous(&plain.w, DType::F32);
    assert!(!gpu.supports(&plain.op(), &[x, w], &[Desc::contiguous(&plain.out(), DType::F32)]));
    // More than a shader of the device sees.
    let Some(short) = without("storage_range=65536") else { return };
    let large = Case::new(&[1, 70, 70, 4], &[8, 3, 3, 4]);
    let ins = [Desc::contiguous(&large.x, DType::F32), Desc::contiguous(&large.w, DType::F32)];
    assert!(!short.supports(&large.op(), &ins, &[Desc::contiguous(&large.out(), DType::F32)]));
}

#[test]
fn more_workgroups_than_one_side_holds() {
    let Some(gpu) = backend() else { return };
    let caps = Caps { workgroup_count: [3, 65_535, 65_535], ..gpu.caps().clone() };
    let tiles = Way::Tiles(Plan { variant: Variant::Tile(NARROW), flip: false, parts: 1 });
    for d in FLOATS {
        // The last row of workgroups is not full.
        let case = Case::new(&[1, 21, 20, 8], &[72, 3, 3, 8]);
        assert!(by_way(gpu, &caps, &case, tiles, d));
        assert!(by_way(gpu, &caps, &Case::new(&[2, 11, 20, 65], &[65, 3, 3, 1]).groups(65), Way::Each, d));
    }
}

#[test]
fn nothing_is_computed_of_nothing() {
    let Some(gpu) = backend() else { return };
    on(gpu, &Case::new(&[0, 5, 5, 4], &[8, 3, 3, 4]), DType::F32);
    on(gpu, &Case::new(&[1, 5, 5, 4], &[0, 3, 3, 4]), DType::F16);
}
