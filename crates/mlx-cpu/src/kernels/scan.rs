//! Cumulative sums, products, extremes and ln Σ e^x along an axis. Values are added one after another in the result's
//! own precision, as MLX does (half types in f32), so that sums of f32 have the same bits.

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::reduce::extreme;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::dispatch;
use crate::kernels::sums::{Columns, Sums};
use crate::level::{Plain, brain_to_f32, f32_to_brain, f32_to_half, half_to_f32, sel};
use crate::math32;
use crate::stream;
use crate::view::{Walk, ptr, without_axis};
use mlx_ir::op::{Scan, ScanKind};
use mlx_ir::{C64, DType, Desc, Operand, Result};
use std::any::TypeId;

/// Columns that are scanned side by side.
const COLUMNS: usize = 1024;
/// Of these, columns of a line that are made before they are written.
const PIECE: usize = 256;
/// Single lines that are scanned side by side.
const ABREAST: usize = 4;
/// Elements of a line from which on lines are turned in registers.
const LONG: usize = 64;

/// How an element is stored and what it is added as.
trait Stored: Copy + 'static {
    type As: Copy + 'static;
    fn load(self) -> Self::As;
    fn store(v: Self::As) -> Self;
}
macro_rules! stored {
    ($($t:ty),*) => {$(
        impl Stored for $t {
            type As = $t;
            #[inline(always)]
            fn load(self) -> $t {
                self
            }
            #[inline(always)]
            fn store(v: $t) -> $t {
                v
            }
        }
    )*};
}
stored!(u8, u16, u32, u64, i8, i16, i32, i64, f32, f64, C64);

#[derive(Clone, Copy)]
#[repr(transparent)]
struct Bit(u8);
impl Stored for Bit {
    type As = u8;
    #[inline(always)]
    fn load(self) -> u8 {
        (self.0 != 0) as u8
    }
    #[inline(always)]
    fn store(v: u8) -> Bit {
        Bit(v)
    }
}
macro_rules! stored_half {
    ($name:ident, $load:ident, $store:ident) => {
        #[derive(Clone, Copy)]
        #[repr(transparent)]
        struct $name(u16);
        impl Stored for $name {
            type As = f32;
            #[inline(always)]
            fn load(self) -> f32 {
                $load(self.0)
            }
            #[inline(always)]
            fn store(v: f32) -> Self {
                $name($store(v))
            }
        }
    };
}
stored_half!(Half, half_to_f32, f32_to_half);
stored_half!(Brain, brain_to_f32, f32_to_brain);

/// An operation and what precedes the first element.
trait Fold<T>: 'static {
    const START: T;
    fn step(a: T, x: T) -> T;
}
struct Sum;
struct Prod;
struct Min;
struct Max;
struct LogAdd;
macro_rules! folds {
    (int $($t:ty),*) => {$(
        impl Fold<$t> for Sum { const START: $t = 0; #[inline(always)] fn step(a: $t, x: $t) -> $t { a.wrapping_add(x) } }
        impl Fold<$t> for Prod { const START: $t = 1; #[inline(always)] fn step(a: $t, x: $t) -> $t { a.wrapping_mul(x) } }
        impl Fold<$t> for Min { const START: $t = <$t>::MAX; #[inline(always)] fn step(a: $t, x: $t) -> $t { sel(x < a, x, a) } }
        impl Fold<$t> for Max { const START: $t = <$t>::MIN; #[inline(always)] fn step(a: $t, x: $t) -> $t { sel(x > a, x, a) } }
    )*};
    (float $($t:ty),*) => {$(
        impl Fold<$t> for Sum { const START: $t = 0.0; #[inline(always)] fn step(a: $t, x: $t) -> $t { a + x } }
        impl Fold<$t> for Prod { const START: $t = 1.0; #[inline(always)] fn step(a: $t, x: $t) -> $t { a * x } }
        impl Fold<$t> for Min {
            const START: $t = <$t>::INFINITY;
            #[inline(always)]
            fn step(a: $t, x: $t) -> $t { sel((x < a) | x.is_nan(), x, a) }
        }
        impl Fold<$t> for Max {
            const START: $t = <$t>::NEG_INFINITY;
            #[inline(always)]
            fn step(a: $t, x: $t) -> $t { sel((x > a) | x.is_nan(), x, a) }
        }
    )*};
}
folds!(int u8, u16, u32, u64, i8, i16, i32, i64);
folds!(float f32, f64);
impl Fold<C64> for Sum {
    const START: C64 = C64::new(0.0, 0.0);
    #[inline(always)]
    fn step(a: C64, x: C64) -> C64 {
        C64::new(a.re + x.re, a.im + x.im)
    }
}
impl Fold<C64> for Prod {
    const START: C64 = C64::new(1.0, 0.0);
    #[inline(always)]
    fn step(a: C64, x: C64) -> C64 {
        C64::new(a.re * x.re - a.im * x.im, a.re * x.im + a.im * x.re)
    }
}
impl Fold<C64> for Min {
    const START: C64 = C64::new(f32::INFINITY, f32::INFINITY);
    #[inline(always)]
    fn step(a: C64, x: C64) -> C64 {
        extreme(Some(a), Some(x), false).unwrap_or(x)
    }
}
impl Fold<C64> for Max {
    const START: C64 = C64::new(f32::NEG_INFINITY, f32::NEG_INFINITY);
    #[inline(always)]
    fn step(a: C64, x: C64) -> C64 {
        extreme(Some(a), Some(x), true).unwrap_or(x)
    }
}
impl Fold<f32> for LogAdd {
    const START: f32 = f32::NEG_INFINITY;
    #[inline(always)]
    fn step(a: f32, x: f32) -> f32 {
        math32::logaddexp::<Plain>(a, x)
    }
}
impl Fold<f64> for LogAdd {
    const START: f64 = f64::NEG_INFINITY;
    #[inline(always)]
    fn step(a: f64, x: f64) -> f64 {
        let (hi, lo) = if a > x { (a, x) } else { (x, a) };
        if a.is_nan() || x.is_nan() {
            f64::NAN
        } else if lo == f64::NEG_INFINITY || hi == f64::INFINITY {
            hi
        } else {
            hi + (lo - hi).exp().ln_1p()
        }
    }
}

impl Kernel for Scan {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        let d = ins[0].dtype;
        match self.kind {
            ScanKind::Logaddexp => d.is_float() && outs[0].dtype == d,
            // Sums of bool count in i32, and extremes of it are bool.
            _ => outs[0].dtype == d && (d != DType::Bool || matches!(self.kind, ScanKind::Min | ScanKind::Max)),
        }
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let (x, o) = (&ins[0], &outs[0]);
        macro_rules! kinds {
            ($t:ty) => {
                match self.kind {
                    ScanKind::Sum => scan::<$t, Sum>(cx, self, x, o),
                    ScanKind::Prod => scan::<$t, Prod>(cx, self, x, o),
                    ScanKind::Min => scan::<$t, Min>(cx, self, x, o),
                    ScanKind::Max => scan::<$t, Max>(cx, self, x, o),
                    ScanKind::Logaddexp => {}
                }
            };
        }
        if self.kind == ScanKind::Logaddexp {
            match x.desc.dtype {
                DType::F32 => scan::<f32, LogAdd>(cx, self, x, o),
                DType::F64 => scan::<f64, LogAdd>(cx, self, x, o),
                DType::F16 => scan::<Half, LogAdd>(cx, self, x, o),
                DType::BF16 => scan::<Brain, LogAdd>(cx, self, x, o),
                d => unreachable!("supports refuses {d}"),
            }
            return Ok(());
        }
        match x.desc.dtype {
            DType::Bool => match self.kind {
                ScanKind::Min => scan::<Bit, And>(cx, self, x, o),
                _ => scan::<Bit, Or>(cx, self, x, o),
            },
            DType::U8 => kinds!(u8),
            DType::U16 => kinds!(u16),
            DType::U32 => kinds!(u32),
            DType::U64 => kinds!(u64),
            DType::I8 => kinds!(i8),
            DType::I16 => kinds!(i16),
            DType::I32 => kinds!(i32),
            DType::I64 => kinds!(i64),
            DType::F16 => kinds!(Half),
            DType::F32 => kinds!(f32),
            DType::F64 => kinds!(f64),
            DType::BF16 => kinds!(Brain),
            DType::C64 => kinds!(C64),
        }
        Ok(())
    }
}

/// Extremes of bytes 0 and 1.
struct And;
struct Or;
impl Fold<u8> for And {
    const START: u8 = 1;
    #[inline(always)]
    fn step(a: u8, x: u8) -> u8 {
        a & x
    }
}
impl Fold<u8> for Or {
    const START: u8 = 0;
    #[inline(always)]
    fn step(a: u8, x: u8) -> u8 {
        a | x
    }
}

fn scan<T: Stored, F: Fold<T::As>>(cx: &Cx<'_>, op: &Scan, x: &Operand, o: &Operand) {
    if o.desc.size() == 0 {
        return;
    }
    let n = x.desc.shape[op.axis];
    let (step, out_step) = (x.desc.strides[op.axis], o.desc.strides[op.axis]);
    let (shape, strides) = without_axis(&x.desc.shape, &x.desc.strides, op.axis);
    let (_, out_strides) = without_axis(&o.desc.shape, &o.desc.strides, op.axis);
    let (from, to) = (ptr::<T>(x), ptr::<T>(o));
    let large = cfg!(target_arch = "x86_64") && o.desc.size() * size_of::<T>() >= stream::LARGE;
    let line = move |p: *const T, q: *mut T, len: usize, next: isize| {
        // From the end: walk from the last element backwards.
        let last = if op.reverse { n as isize - 1 } else { 0 };
        let sign = if op.reverse { -1 } else { 1 };
        Line::<T, F> {
            p: p.wrapping_offset(last * step),
            q: q.wrapping_offset(last * out_step),
            n,
            step: sign * step,
            out_step: sign * out_step,
            len,
            next,
            inclusive: op.inclusive,
            large,
            of: std::marker::PhantomData,
        }
    };
    let lines: usize = shape.iter().product();
    let row = shape.last().copied().unwrap_or(1);
    // Outputs are row-major: along any but the last axis, neighbours are scanned side by side.
    if op.axis + 1 == x.desc.ndim() || row < 4 {
        cx.pool.run_ranges(lines, (16usize << 10).div_ceil(n), &|a, b| {
            let mut w = Walk::new(&shape, [&strides, &out_strides], a);
            let mut next = || {
                // SAFETY: a line of each operand, this task's in the output.
                let l = unsafe { line(from.at(w.offsets[0]), to.at(w.offsets[1]), 1, 0) };
                w.step();
                l
            };
            let mut left = b - a;
            if TypeId::of::<(T, F)>() == TypeId::of::<(f32, Sum)>() && (step, out_step) == (1, 1) && n >= LONG {
                let last = if op.reverse { n - 1 } else { 0 };
                let next = || {
                    let l = next();
                    (l.p.wrapping_sub(last).cast(), l.q.wrapping_sub(last).cast())
                };
                left = dispatch(cx.isa, Sums { next, rows: left, n, back: op.reverse, inclusive: op.inclusive, large });
                if large {
                    stream::fence();
                }
            }
            for _ in 0..left / ABREAST {
                let l: [Line<T, F>; ABREAST] = std::array::from_fn(|_| next());
                // SAFETY: as above.
                unsafe { abreast(&l) };
            }
            for _ in 0..left % ABREAST {
                // SAFETY: as above.
                unsafe { abreast(&[next()]) };
            }
        });
        return;
    }
    let outer = shape.len() - 1;
    let (next, blocks) = (strides[outer], row.div_ceil(COLUMNS));
    cx.pool.run_ranges(lines / row * blocks, ((32usize << 10) / n / COLUMNS.min(row)).max(1), &|a, b| {
        for i in a..b {
            let w = Walk::new(&shape[..outer], [&strides[..outer], &out_strides[..outer]], i / blocks);
            let c = i % blocks * COLUMNS;
            let len = COLUMNS.min(row - c);
            // SAFETY: lines of each operand, this task's in the output.
            unsafe {
                let p = from.at(w.offsets[0] + c as isize * next);
                let line = line(p, to.at(w.offsets[1] + c as isize), len, next);
                if TypeId::of::<(T, F)>() != TypeId::of::<(f32, Sum)>() || next != 1 {
                    line.run();
                    continue;
                }
                let mut sums = Scratch::<f32>::new(len);
                let Line { step, out_step, inclusive, .. } = line;
                let (from, to, sums) = (line.p.cast(), line.q.cast(), sums.ptr());
                dispatch(cx.isa, Columns { from, to, step, out_step, n, len, inclusive, large, sums });
            }
        }
        if large {
            stream::fence();
        }
    });
}

/// Neighbouring lines: `len` of them, `next` apart in the input and adjacent in the output.
struct Line<T: Stored, F> {
    p: *const T,
    q: *mut T,
    n: usize,
    step: isize,
    out_step: isize,
    len: usize,
    next: isize,
    inclusive: bool,
    /// The output is so large that lines side by side are written past the caches.
    large: bool,
    of: std::marker::PhantomData<F>,
}

/// Scans single lines of equal lengths and steps. Each waits for its own sums only, so several keep the processor busy.
///
/// # Safety
/// The lines' elements are those of operands, and no other task writes them.
unsafe fn abreast<T: Stored, F: Fold<T::As>, const N: usize>(lines: &[Line<T, F>; N]) {
    let Line { n, step, out_step, inclusive, .. } = lines[0];
    let mut acc = [F::START; N];
    let (from, to): ([*const T; N], [*mut T; N]) =
        (std::array::from_fn(|j| lines[j].p), std::array::from_fn(|j| lines[j].q));
    for i in 0..n as isize {
        for j in 0..N {
            // SAFETY: the maker promises `n` elements with the steps.
            unsafe {
                let x = (*from[j].wrapping_offset(i * step)).load();
                let sum = F::step(acc[j], x);
                *to[j].wrapping_offset(i * out_step) = T::store(if inclusive { sum } else { acc[j] });
                acc[j] = sum;
            }
        }
    }
}

impl<T: Stored, F: Fold<T::As>> Line<T, F> {
    /// # Safety
    /// The lines' elements are those of operands, and no other task writes them.
    unsafe fn run(self) {
        let mut acc = Scratch::<T::As>::new(self.len);
        let piece = if self.large { PIECE } else { self.len };
        let mut made = Scratch::<T>::new(if self.large { PIECE } else { 0 });
        let (mut p, mut q) = (self.p, self.q);
        // SAFETY: the maker promises `len` lines of `n` elements; the scratch is written before it is read.
        unsafe {
            let acc = std::slice::from_raw_parts_mut(acc.ptr(), self.len);
            acc.fill(F::START);
            for _ in 0..self.n {
                for (k, acc) in acc.chunks_mut(piece).enumerate() {
                    let (p, q) = (p.wrapping_offset((k * piece) as isize * self.next), q.wrapping_add(k * piece));
                    if self.large && self.next == 1 {
                        // The next elements are far away.
                        stream::ask(p.wrapping_offset(self.step).cast(), acc.len() * size_of::<T>());
                    }
                    let out = std::slice::from_raw_parts_mut(if self.large { made.ptr() } else { q }, acc.len());
                    for i in 0..acc.len() {
                        let sum = F::step(acc[i], (*p.offset(i as isize * self.next)).load());
                        out[i] = T::store(if self.inclusive { sum } else { acc[i] });
                        acc[i] = sum;
                    }
                    if self.large {
                        stream::copy(made.ptr().cast_const().cast(), q.cast(), acc.len() * size_of::<T>(), true);
                    }
                }
                (p, q) = (p.wrapping_offset(self.step), q.wrapping_offset(self.out_step));
            }
        }
    }
}
