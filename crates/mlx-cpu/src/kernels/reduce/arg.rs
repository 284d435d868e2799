//! Position of the extreme along an axis: the first of equals, the first NaN if there is one.

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::level::{At, Level, Work, brain_to_f32, half_to_f32, sel};
use crate::view::{Ptr, Walk, ptr, without_axis};
use mlx_ir::op::{ArgKind, ArgReduce};
use mlx_ir::{C64, DType, Desc, Operand, Result};

/// Neighbours that are each compared with those so many places on.
const LANES: usize = 64;
const COLUMNS: usize = 1024;

/// A type with MLX's order.
trait Ranked: Copy + 'static {
    /// What is compared.
    type Key: At;
    fn key(self) -> Self::Key;
    /// Whether `b` takes the place of `a`: better, or the first NaN.
    fn beats(b: Self::Key, a: Self::Key, max: bool) -> bool;
}

macro_rules! ranked {
    ($($t:ty, $k:ty, |$x:ident| $key:expr;)*) => {$(
        impl Ranked for $t {
            type Key = $k;
            #[inline(always)]
            fn key(self) -> $k {
                let $x = self;
                $key
            }
            #[inline(always)]
            #[allow(clippy::eq_op, clippy::neg_cmp_op_on_partial_ord, reason = "NaN differs from itself and is in no order")]
            fn beats(b: $k, a: $k, max: bool) -> bool {
                sel(max, !(b <= a), !(b >= a)) & (a == a)
            }
        }
    )*};
}
/// Bytes that are true unless 0, and half types.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Bit(u8);
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Half(u16);
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Brain(u16);
ranked! {
    u8, u8, |x| x; u16, u16, |x| x; u32, u32, |x| x; u64, u64, |x| x;
    i8, i8, |x| x; i16, i16, |x| x; i32, i32, |x| x; i64, i64, |x| x;
    f32, f32, |x| x; f64, f64, |x| x;
    Bit, u8, |x| (x.0 != 0) as u8;
    Half, f32, |x| half_to_f32(x.0);
    Brain, f32, |x| brain_to_f32(x.0);
}
impl Ranked for C64 {
    type Key = C64;
    fn key(self) -> C64 {
        self
    }
    fn beats(b: C64, a: C64, max: bool) -> bool {
        let nan = |z: C64| z.re.is_nan() | z.im.is_nan();
        let less = |p: C64, q: C64| p.re < q.re || (p.re == q.re && p.im < q.im);
        !nan(a) && (nan(b) || if max { less(a, b) } else { less(b, a) })
    }
}

impl Kernel for ArgReduce {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        outs[0].dtype == DType::U32 && ins[0].shape[self.axis] > 0 && ins[0].shape[self.axis] <= u32::MAX as usize
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let (x, o) = (&ins[0], &outs[0]);
        match x.desc.dtype {
            DType::Bool => arg::<Bit>(cx, self, x, o),
            DType::U8 => arg::<u8>(cx, self, x, o),
            DType::U16 => arg::<u16>(cx, self, x, o),
            DType::U32 => arg::<u32>(cx, self, x, o),
            DType::U64 => arg::<u64>(cx, self, x, o),
            DType::I8 => arg::<i8>(cx, self, x, o),
            DType::I16 => arg::<i16>(cx, self, x, o),
            DType::I32 => arg::<i32>(cx, self, x, o),
            DType::I64 => arg::<i64>(cx, self, x, o),
            DType::F16 => arg::<Half>(cx, self, x, o),
            DType::F32 => arg::<f32>(cx, self, x, o),
            DType::F64 => arg::<f64>(cx, self, x, o),
            DType::BF16 => arg::<Brain>(cx, self, x, o),
            DType::C64 => arg::<C64>(cx, self, x, o),
        }
        Ok(())
    }
}

fn arg<T: Ranked>(cx: &Cx<'_>, op: &ArgReduce, x: &Operand, o: &Operand) {
    let results = o.desc.size();
    if results == 0 {
        return;
    }
    let (n, step) = (x.desc.shape[op.axis], x.desc.strides[op.axis]);
    let (shape, strides) = without_axis(&x.desc.shape, &x.desc.strides, op.axis);
    let (from, to) = (ptr::<T>(x), ptr::<u32>(o));
    let max = op.kind == ArgKind::Max;
    let row = shape.last().copied().unwrap_or(1);
    let next = strides.last().copied().unwrap_or(1);
    if step.unsigned_abs() <= next.unsigned_abs() || row < 16 {
        let range = |a: usize, b: usize| {
            let mut w = Walk::new(&shape, [&strides], a);
            for r in a..b {
                // SAFETY: `n` elements of the operand; the result is this task's.
                unsafe {
                    *to.at(r as isize) =
                        T::Key::at_widest(cx.isa, Along::<T> { p: from.at(w.offsets[0]), n, step, max });
                }
                w.step();
            }
        };
        cx.pool.run_ranges(results, (32usize << 10).div_ceil(n), &range);
        return;
    }
    // Neighbours along the last kept axis are compared side by side.
    let outer = shape.len() - 1;
    let blocks = row.div_ceil(COLUMNS);
    cx.pool.run_ranges(results / row * blocks, ((32 << 10) / (n * COLUMNS.min(row))).max(1), &|a, b| {
        for i in a..b {
            let w = Walk::new(&shape[..outer], [&strides[..outer]], i / blocks);
            let c = i % blocks * COLUMNS;
            let len = COLUMNS.min(row - c);
            // SAFETY: positions of the operand, and this task's part of the output.
            unsafe {
                let p = Ptr::new(from.at(w.offsets[0] + c as isize * next));
                let out = to.at((i / blocks * row + c) as isize);
                T::Key::at(cx.isa, Across::<T> { p: p.get(), n, step, next, len, out, max });
            }
        }
    });
}

/// The best of all lanes and its place, of equals the first. It is a function of its own so that the compiler keeps lanes in
/// vectors in the loop before it.
#[inline(never)]
fn first_best<T: Ranked>(mut bests: [T::Key; LANES], mut places: [u32; LANES], max: bool) -> (T::Key, usize) {
    let mut n = LANES;
    while n > 1 {
        n /= 2;
        for j in 0..n {
            let ((x, p), (y, q)) = ((bests[j], places[j]), (bests[j + n], places[j + n]));
            let other = T::beats(y, x, max) | ((q < p) & !T::beats(x, y, max));
            bests[j] = sel(other, y, x);
            places[j] = sel(other, q, p);
        }
    }
    (bests[0], places[0] as usize)
}

struct Along<T> {
    p: *const T,
    n: usize,
    step: isize,
    max: bool,
}

impl<T: Ranked> Work for Along<T> {
    type Out = u32;
    #[inline(always)]
    unsafe fn run<L: Level>(self) -> u32 {
        // SAFETY: the maker promises `n` elements with the step.
        let get = |i: usize| unsafe { (*self.p.offset(i as isize * self.step)).key() };
        let mut best = get(0);
        let mut at = 0;
        let mut i = 1;
        if self.step == 1 && self.n >= 4 * LANES {
            let whole = self.n / LANES * LANES;
            let mut bests: [T::Key; LANES] = std::array::from_fn(get);
            let mut turns = [0u32; LANES];
            for k in (LANES..whole).step_by(LANES) {
                // SAFETY: within `n`.
                let block = unsafe { &*self.p.add(k).cast::<[T; LANES]>() };
                for j in 0..LANES {
                    let x = block[j].key();
                    let b = T::beats(x, bests[j], self.max);
                    bests[j] = sel(b, x, bests[j]);
                    turns[j] = sel(b, (k / LANES) as u32, turns[j]);
                }
            }
            let place: [u32; LANES] = std::array::from_fn(|j| turns[j] * LANES as u32 + j as u32);
            (best, at) = first_best::<T>(bests, place, self.max);
            i = whole;
        }
        for k in i..self.n {
            if T::beats(get(k), best, self.max) {
                best = get(k);
                at = k;
            }
        }
        at as u32
    }
}

struct Across<T> {
    p: *const T,
    n: usize,
    step: isize,
    next: isize,
    len: usize,
    out: *mut u32,
    max: bool,
}

impl<T: Ranked> Across<T> {
    /// Compares all rows but the first with the best of each column; `get` reads a column of a row.
    #[inline(always)]
    fn rows(&self, best: &mut [T::Key], out: &mut [u32], get: impl Fn(*const T, usize) -> T) {
        for k in 1..self.n {
            let row = self.p.wrapping_offset(k as isize * self.step);
            for (i, (best, out)) in best.iter_mut().zip(out.iter_mut()).enumerate() {
                let x = get(row, i).key();
                let b = T::beats(x, *best, self.max);
                *best = sel(b, x, *best);
                *out = sel(b, k as u32, *out);
            }
        }
    }
}

impl<T: Ranked> Work for Across<T> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<L: Level>(self) {
        // SAFETY: the maker promises `n` rows of `len` elements, and room for `len` results; `best` is written for
        // the columns at hand before it is read.
        unsafe {
            let mut best = std::mem::MaybeUninit::<[T::Key; COLUMNS]>::uninit();
            let best = std::slice::from_raw_parts_mut(best.as_mut_ptr().cast::<T::Key>(), self.len);
            let out = std::slice::from_raw_parts_mut(self.out, self.len);
            for i in 0..self.len {
                best[i] = (*self.p.offset(i as isize * self.next)).key();
                out[i] = 0;
            }
            // Neighbours that lie so are compared many at a time.
            if self.next == 1 {
                self.rows(best, out, |row, i| *row.add(i));
            } else {
                self.rows(best, out, |row, i| *row.offset(i as isize * self.next));
            }
        }
    }
}
