//! Helpers of the kernels' tests: operands from numbers, launches, distances.

use crate::view::ptr;
use crate::{CpuBackend, Isa};
use mlx_ir::{Backend, Desc, Element, Launch, Op, Operand, Shape, Strides};

/// A back end for each level of this machine, with one and with three threads.
pub(crate) fn backends() -> Vec<CpuBackend> {
    Isa::available().into_iter().flat_map(|i| [1, 3].map(|t| CpuBackend::new(t, i).expect("available"))).collect()
}

/// A row-major operand with these elements.
pub(crate) fn operand<T: Element>(b: &CpuBackend, data: &[T], shape: &[usize]) -> Operand {
    assert_eq!(data.len(), shape.iter().product::<usize>());
    let o = empty::<T>(b, shape);
    for (i, &x) in data.iter().enumerate() {
        // SAFETY: the buffer is new and holds the shape.
        unsafe { *ptr::<T>(&o).get().add(i) = x };
    }
    o
}

/// A row-major operand to be written.
pub(crate) fn empty<T: Element>(b: &CpuBackend, shape: &[usize]) -> Operand {
    let desc = Desc::contiguous(shape, T::DTYPE);
    let buffer = b.alloc(desc.size() * T::DTYPE.size()).expect("tests are small");
    Operand { desc, buffer, offset: 0 }
}

/// Another view of an operand; `first` is the element at (0, …, 0).
pub(crate) fn view(o: &Operand, shape: &[usize], strides: &[isize], first: usize) -> Operand {
    let (shape, strides): (Shape, Strides) = (shape.into(), strides.into());
    let dtype = o.desc.dtype;
    Operand { desc: Desc { shape, strides, dtype }, buffer: o.buffer.clone(), offset: o.offset + first * dtype.size() }
}

/// The elements in row-major order.
pub(crate) fn read<T: Element>(o: &Operand) -> Vec<T> {
    crate::host::to_vec(o)
}

/// Launches an op that must be accepted.
pub(crate) fn launch(b: &CpuBackend, op: impl Into<Op>, ins: &[&Operand], outs: &[&Operand]) {
    let op = op.into();
    let ins: Vec<Operand> = ins.iter().map(|&o| o.clone()).collect();
    let outs: Vec<Operand> = outs.iter().map(|&o| o.clone()).collect();
    let descs = |v: &[Operand]| v.iter().map(|o| o.desc.clone()).collect::<Vec<_>>();
    assert!(b.supports(&op, &descs(&ins), &descs(&outs)), "{op:?}");
    assert_eq!(b.launch(&op, &ins, &outs).expect("kernels do not fail"), Launch::Done);
}

/// Distance of `x` to the exact `y` in units of f32's last place at `y`.
pub(crate) fn ulps(x: f32, y: f64) -> f64 {
    let r = y as f32;
    if (x.is_nan() && r.is_nan()) || x == r {
        return 0.0;
    }
    if !x.is_finite() || !r.is_finite() {
        return f64::INFINITY;
    }
    let e = (r.abs().to_bits() >> 23).max(1) as i32 - 127 - 23;
    (x as f64 - y).abs() / (e as f64).exp2()
}

/// A simple generator of test numbers.
pub(crate) struct Numbers(pub u64);
impl Numbers {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 20
    }
    /// Between -1 and 1.
    pub fn unit(&mut self) -> f32 {
        (self.bits() & 0xff_ffff) as f32 / 8_388_608.0 - 1.0
    }
}

/// The view `v` of another base, of any dtype.
pub(crate) fn like(base: &Operand, v: &Operand) -> Operand {
    view(base, &v.desc.shape, &v.desc.strides, v.offset / v.desc.dtype.size())
}
