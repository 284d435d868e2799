//! Boxes of an array: `SliceUpdate` in all modes, `DynamicSlice`, `DynamicSliceUpdate`. When the array that is updated
//! was donated it is updated in place, otherwise it is copied first.

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::ints::Ints;
use half::{bf16, f16};
use mlx_ir::op::{Contiguous, DynamicSlice, DynamicSliceUpdate, SliceUpdate, UpdateMode};
use mlx_ir::{C64, DType, Desc, Operand, Result, Shape, Strides, desc};

/// Elements below which a box is not worth several threads.
const PARALLEL: usize = 1 << 16;

/// How a value meets the one that is there, for every element type.
trait Meet: Copy {
    fn sum(self, x: Self) -> Self;
    fn prod(self, x: Self) -> Self;
    /// The smaller; NaN if either is.
    fn least(self, x: Self) -> Self;
    /// The larger; NaN if either is.
    fn most(self, x: Self) -> Self;
}

macro_rules! meet_ints {
    ($($t:ty),*) => {$(
        impl Meet for $t {
            fn sum(self, x: Self) -> Self { self.wrapping_add(x) }
            fn prod(self, x: Self) -> Self { self.wrapping_mul(x) }
            fn least(self, x: Self) -> Self { self.min(x) }
            fn most(self, x: Self) -> Self { self.max(x) }
        }
    )*};
}
meet_ints!(u8, u16, u32, u64, i8, i16, i32, i64);

macro_rules! meet_floats {
    ($($t:ty),*) => {$(
        impl Meet for $t {
            fn sum(self, x: Self) -> Self { self + x }
            fn prod(self, x: Self) -> Self { self * x }
            fn least(self, x: Self) -> Self { if self.is_nan() || self <= x { self } else { x } }
            fn most(self, x: Self) -> Self { if self.is_nan() || self >= x { self } else { x } }
        }
    )*};
}
meet_floats!(f16, bf16, f32, f64);

/// A bool byte.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Truth(u8);

impl Meet for Truth {
    fn sum(self, x: Self) -> Self {
        Truth((self.0 != 0 || x.0 != 0) as u8)
    }
    fn prod(self, x: Self) -> Self {
        Truth((self.0 != 0 && x.0 != 0) as u8)
    }
    fn least(self, x: Self) -> Self {
        self.prod(x)
    }
    fn most(self, x: Self) -> Self {
        self.sum(x)
    }
}

impl Meet for C64 {
    fn sum(self, x: Self) -> Self {
        C64::new(self.re + x.re, self.im + x.im)
    }
    fn prod(self, x: Self) -> Self {
        C64::new(self.re * x.re - self.im * x.im, self.re * x.im + self.im * x.re)
    }
    fn least(self, x: Self) -> Self {
        if nan(self) || (!nan(x) && !before(x, self)) { self } else { x }
    }
    fn most(self, x: Self) -> Self {
        if nan(self) || (!nan(x) && !before(self, x)) { self } else { x }
    }
}

fn nan(z: C64) -> bool {
    z.re.is_nan() || z.im.is_nan()
}

/// By real, then imaginary part.
fn before(a: C64, b: C64) -> bool {
    a.re < b.re || (a.re == b.re && a.im < b.im)
}

/// Two strided boxes of one shape walked together: byte offsets and element strides of both.
struct Boxes {
    shape: Shape,
    to: Strides,
    from: Strides,
    to_start: usize,
    from_start: usize,
    size: usize,
}

impl Boxes {
    fn new(shape: &[usize], to: (&[isize], usize), from: (&[isize], usize), size: usize) -> Self {
        let c = desc::collapse(shape, &[to.0, from.0]);
        let mut strides = c.strides.into_iter();
        let (a, b) = (strides.next().unwrap_or_default(), strides.next().unwrap_or_default());
        Self { shape: c.shape, to: a, from: b, to_start: to.1, from_start: from.1, size }
    }

    /// Calls `f(to, from, n)` with the byte offsets of each innermost line, in parallel where it pays.
    fn lines(&self, cx: &Cx<'_>, f: &(dyn Fn(isize, isize) + Sync)) {
        let outer = self.shape.len() - 1;
        let lines: usize = self.shape[..outer].iter().product();
        let n = self.shape[outer];
        if n == 0 {
            return;
        }
        let grain = (PARALLEL / n).max(1);
        cx.pool.run_ranges(lines, grain, &|a, z| {
            for line in a..z {
                let (mut i, mut to, mut from) = (line, 0isize, 0isize);
                for d in (0..outer).rev() {
                    let at = (i % self.shape[d]) as isize;
                    i /= self.shape[d];
                    to += at * self.to[d];
                    from += at * self.from[d];
                }
                let size = self.size as isize;
                f(self.to_start as isize + to * size, self.from_start as isize + from * size);
            }
        });
    }
}

/// Base pointers that the tasks of a walk share.
#[derive(Clone, Copy)]
struct Bases(*mut u8, *const u8);
// SAFETY: each line of a box is written by one task only.
unsafe impl Send for Bases {}
// SAFETY: as above.
unsafe impl Sync for Bases {}

impl Bases {
    fn at(self, to: isize, from: isize) -> (*mut u8, *const u8) {
        (self.0.wrapping_offset(to), self.1.wrapping_offset(from))
    }
}

/// Copies a box of elements of `b.size` bytes.
fn copy(cx: &Cx<'_>, b: &Boxes, bases: Bases) {
    let last = b.shape.len() - 1;
    let (n, ts, fs) = (b.shape[last], b.to[last] * b.size as isize, b.from[last] * b.size as isize);
    b.lines(cx, &|to, from| {
        let (to, from) = bases.at(to, from);
        // SAFETY: the library guarantees that described elements lie inside their buffers; the buffers differ.
        unsafe {
            if ts == b.size as isize && fs == ts {
                std::ptr::copy_nonoverlapping(from, to, n * b.size);
                return;
            }
            for k in 0..n as isize {
                std::ptr::copy_nonoverlapping(from.offset(k * fs), to.offset(k * ts), b.size);
            }
        }
    });
}

fn meet<T: Meet>(cx: &Cx<'_>, b: &Boxes, bases: Bases, f: fn(T, T) -> T) {
    let last = b.shape.len() - 1;
    let (n, ts, fs) = (b.shape[last], b.to[last], b.from[last]);
    b.lines(cx, &|to, from| {
        let (to, from) = bases.at(to, from);
        let (to, from) = (to.cast::<T>(), from.cast::<T>());
        for k in 0..n as isize {
            // SAFETY: as in `copy`; elements are aligned for their dtype.
            unsafe { *to.offset(k * ts) = f(*to.offset(k * ts), *from.offset(k * fs)) };
        }
    });
}

fn meet_all<T: Meet>(cx: &Cx<'_>, mode: UpdateMode, b: &Boxes, bases: Bases) {
    match mode {
        UpdateMode::Assign => copy(cx, b, bases),
        UpdateMode::Sum => meet::<T>(cx, b, bases, T::sum),
        UpdateMode::Prod => meet::<T>(cx, b, bases, T::prod),
        UpdateMode::Min => meet::<T>(cx, b, bases, T::least),
        UpdateMode::Max => meet::<T>(cx, b, bases, T::most),
    }
}

/// Sees that the output holds what the first input holds: in place if it was donated.
fn start_from(cx: &Cx<'_>, x: &Operand, out: &Operand) -> Result<()> {
    if x.buffer.same(&out.buffer) {
        Ok(())
    } else {
        Contiguous {}.run(cx, std::slice::from_ref(x), std::slice::from_ref(out))
    }
}

/// Updates the box of `out` that starts at `start` with steps `strides` and has the shape of `u`.
fn update(cx: &Cx<'_>, out: &Operand, u: &Operand, start: &[usize], steps: &[isize], mode: UpdateMode) {
    if u.desc.size() == 0 {
        return;
    }
    let size = out.desc.dtype.size();
    let first: isize = start.iter().zip(&out.desc.strides).map(|(&s, &d)| s as isize * d).sum();
    let to: Strides = steps.iter().zip(&out.desc.strides).map(|(s, d)| s * d).collect();
    let b = Boxes::new(
        &u.desc.shape,
        (&to, out.offset.wrapping_add_signed(first * size as isize)),
        (&u.desc.strides, u.offset),
        size,
    );
    let bases = Bases(out.buffer.ptr(), u.buffer.ptr());
    match out.desc.dtype {
        DType::Bool => meet_all::<Truth>(cx, mode, &b, bases),
        DType::U8 => meet_all::<u8>(cx, mode, &b, bases),
        DType::U16 => meet_all::<u16>(cx, mode, &b, bases),
        DType::U32 => meet_all::<u32>(cx, mode, &b, bases),
        DType::U64 => meet_all::<u64>(cx, mode, &b, bases),
        DType::I8 => meet_all::<i8>(cx, mode, &b, bases),
        DType::I16 => meet_all::<i16>(cx, mode, &b, bases),
        DType::I32 => meet_all::<i32>(cx, mode, &b, bases),
        DType::I64 => meet_all::<i64>(cx, mode, &b, bases),
        DType::F16 => meet_all::<f16>(cx, mode, &b, bases),
        DType::BF16 => meet_all::<bf16>(cx, mode, &b, bases),
        DType::F32 => meet_all::<f32>(cx, mode, &b, bases),
        DType::F64 => meet_all::<f64>(cx, mode, &b, bases),
        DType::C64 => meet_all::<C64>(cx, mode, &b, bases),
    }
}

impl Kernel for SliceUpdate {
    fn supports(&self, _: &[Desc], _: &[Desc]) -> bool {
        true
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        start_from(cx, &ins[0], &outs[0])?;
        update(cx, &outs[0], &ins[1], &self.start, &self.strides, self.mode);
        Ok(())
    }
}

/// Start of a box of `shape` along each axis, clamped so that it fits.
fn starts(start: &Operand, axes: &[usize], shape: &[usize], within: &[usize]) -> Shape {
    let ints = Ints::new(start);
    let step = start.desc.strides.first().copied().unwrap_or(0);
    let mut s: Shape = smallvec::smallvec![0; shape.len()];
    for (i, &a) in axes.iter().enumerate() {
        // SAFETY: there is one number for each of the axes.
        let at = unsafe { ints.get(i as isize * step) };
        s[a] = at.clamp(0, (within[a] - shape[a]) as i64) as usize;
    }
    s
}

impl Kernel for DynamicSlice {
    fn supports(&self, ins: &[Desc], _: &[Desc]) -> bool {
        ins[1].dtype.is_integer()
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let (x, out) = (&ins[0], &outs[0]);
        if out.desc.size() == 0 {
            return Ok(());
        }
        let s = starts(&ins[1], &self.axes, &self.shape, &x.desc.shape);
        let size = x.desc.dtype.size();
        let first: isize = s.iter().zip(&x.desc.strides).map(|(&s, &d)| s as isize * d).sum();
        let from = x.offset.wrapping_add_signed(first * size as isize);
        let b = Boxes::new(&self.shape, (&out.desc.strides, out.offset), (&x.desc.strides, from), size);
        copy(cx, &b, Bases(out.buffer.ptr(), x.buffer.ptr()));
        Ok(())
    }
}

impl Kernel for DynamicSliceUpdate {
    fn supports(&self, ins: &[Desc], _: &[Desc]) -> bool {
        ins[2].dtype.is_integer()
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let s = starts(&ins[2], &self.axes, &ins[1].desc.shape, &ins[0].desc.shape);
        start_from(cx, &ins[0], &outs[0])?;
        let steps: Strides = smallvec::smallvec![1; s.len()];
        update(cx, &outs[0], &ins[1], &s, &steps, UpdateMode::Assign);
        Ok(())
    }
}
