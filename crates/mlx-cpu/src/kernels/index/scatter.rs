//! Updates at index arrays, in the order of the indices: of duplicates the last wins.

use super::gather::next;
use super::{integers, lead, offset, unflat};
use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::ints::{Ints, wrap};
use crate::stream;
use crate::view::{self, Ptr, Walk};
use half::{bf16, f16};
use mlx_ir::op::UpdateMode;
use mlx_ir::{C64, DType, Desc, Operand, Result, op};

/// Rows whose places are worked out at a time.
const BATCH: usize = 1 << 16;
/// Bytes of a row that are worth going to it.
const WIDTH: usize = 1024;

/// A type that can be updated in place.
trait Update: Copy + Send + Sync {
    fn update(self, mode: UpdateMode, new: Self) -> Self;
}

macro_rules! integers {
    ($($t:ty),*) => {$(
        impl Update for $t {
            #[inline(always)]
            fn update(self, mode: UpdateMode, new: Self) -> Self {
                match mode {
                    UpdateMode::Assign => new,
                    UpdateMode::Sum => self.wrapping_add(new),
                    UpdateMode::Prod => self.wrapping_mul(new),
                    UpdateMode::Min => self.min(new),
                    UpdateMode::Max => self.max(new),
                }
            }
        }
    )*};
}
integers!(u8, u16, u32, u64, i8, i16, i32, i64);

macro_rules! floats {
    ($($t:ty, $wide:ty, $to:expr, $from:expr);*) => {$(
        impl Update for $t {
            #[inline(always)]
            fn update(self, mode: UpdateMode, new: Self) -> Self {
                if matches!(mode, UpdateMode::Assign) {
                    return new;
                }
                let (a, b): ($wide, $wide) = ($to(self), $to(new));
                $from(match mode {
                    UpdateMode::Assign => b,
                    UpdateMode::Sum => a + b,
                    UpdateMode::Prod => a * b,
                    // NaN wins on either side.
                    UpdateMode::Min => if a < b || a.is_nan() { a } else { b },
                    UpdateMode::Max => if a > b || a.is_nan() { a } else { b },
                })
            }
        }
    )*};
}
floats!(f32, f32, |x| x, |x| x; f64, f64, |x| x, |x| x; f16, f32, f16::to_f32, f16::from_f32;
        bf16, f32, bf16::to_f32, bf16::from_f32);

impl Update for bool {
    #[inline(always)]
    fn update(self, mode: UpdateMode, new: Self) -> Self {
        match mode {
            UpdateMode::Assign => new,
            UpdateMode::Sum | UpdateMode::Max => self | new,
            UpdateMode::Prod | UpdateMode::Min => self & new,
        }
    }
}

impl Update for C64 {
    #[inline(always)]
    fn update(self, mode: UpdateMode, new: Self) -> Self {
        let (a, b) = (self, new);
        let nan = |x: C64| x.re.is_nan() || x.im.is_nan();
        let less = |x: C64, y: C64| x.re < y.re || (x.re == y.re && x.im < y.im);
        match mode {
            UpdateMode::Assign => b,
            UpdateMode::Sum => C64::new(a.re + b.re, a.im + b.im),
            UpdateMode::Prod => C64::new(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re),
            UpdateMode::Min => {
                if nan(a) || (!nan(b) && less(a, b)) {
                    a
                } else {
                    b
                }
            }
            UpdateMode::Max => {
                if nan(a) || (!nan(b) && less(b, a)) {
                    a
                } else {
                    b
                }
            }
        }
    }
}

macro_rules! each_dtype {
    ($d:expr, $f:ident($($a:expr),*)) => {
        match $d {
            DType::Bool => $f::<bool>($($a),*),
            DType::U8 => $f::<u8>($($a),*),
            DType::U16 => $f::<u16>($($a),*),
            DType::U32 => $f::<u32>($($a),*),
            DType::U64 => $f::<u64>($($a),*),
            DType::I8 => $f::<i8>($($a),*),
            DType::I16 => $f::<i16>($($a),*),
            DType::I32 => $f::<i32>($($a),*),
            DType::I64 => $f::<i64>($($a),*),
            DType::F16 => $f::<f16>($($a),*),
            DType::F32 => $f::<f32>($($a),*),
            DType::F64 => $f::<f64>($($a),*),
            DType::BF16 => $f::<bf16>($($a),*),
            DType::C64 => $f::<C64>($($a),*),
        }
    };
}

fn updatable(ins: &[Desc], outs: &[Desc]) -> bool {
    let n = ins.len();
    n >= 2 && integers(&ins[1..n - 1]) && ins[n - 1].dtype == ins[0].dtype && outs[0].dtype == ins[0].dtype
}

/// Fills the output with x unless it is x already.
fn start<T: Copy + Send + Sync>(cx: &Cx<'_>, x: &Operand, out: &Operand) {
    if x.buffer.same(&out.buffer) && x.offset == out.offset {
        return;
    }
    let (src, dst, n) = (view::ptr::<T>(x), view::ptr::<T>(out), out.desc.size());
    let plain = x.desc.is_contiguous();
    cx.pool.run_ranges(n, 1 << 14, &|a, z| {
        // SAFETY: elements a..z of arrays of equal shape; the output is not x.
        unsafe {
            if plain {
                return std::ptr::copy_nonoverlapping(src.get().add(a), dst.get().add(a), z - a);
            }
            let mut walk = Walk::new(&x.desc.shape, [&x.desc.strides], a);
            for i in a..z {
                *dst.get().add(i) = *src.at(walk.offsets[0]);
                walk.step();
            }
        }
    });
}

impl Kernel for op::Scatter {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        ins.len() == 2 + self.axes.len() && updatable(ins, outs)
    }
    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        each_dtype!(outs[0].desc.dtype, scatter(cx, self, ins, &outs[0]));
        Ok(())
    }
}

fn scatter<T: Update>(cx: &Cx<'_>, op: &op::Scatter, ins: &[Operand], out: &Operand) {
    start::<T>(cx, &ins[0], out);
    let u = &ins[ins.len() - 1];
    let (nd, shape) = (out.desc.ndim(), &out.desc.shape);
    let n_lead = u.desc.ndim() - nd;
    let tuples = lead(&u.desc.shape, n_lead);
    let sizes = &u.desc.shape[n_lead..];
    let (count, slice): (usize, usize) = (tuples.iter().product(), sizes.iter().product());
    if count * slice == 0 || out.desc.size() == 0 {
        return;
    }
    let indices: Vec<Ints> = ins[1..ins.len() - 1].iter().map(Ints::new).collect();
    let (src, dst): (Ptr<T>, Ptr<T>) = (view::ptr(u), view::ptr(out));
    let (u_lead, u_slice) = u.desc.strides.split_at(n_lead);
    if let Some(last) = nd.checked_sub(1)
        && !op.axes.contains(&last)
        && sizes[last] <= shape[last]
        && sizes[..last].iter().all(|&n| n == 1)
    {
        return rows::<T>(cx, op, &indices, u, out, &tuples);
    }
    // Tasks own columns of the last axis when it is not indexed: each element sees its updates in order.
    let last = if nd > 0 && !op.axes.contains(&(nd - 1)) { sizes[nd - 1] } else { 1 };
    let split = nd > 0 && !op.axes.contains(&(nd - 1));
    let grain = (1usize << 15).div_ceil(count * (slice / last.max(1)));
    let body = |c0: usize, c1: usize| {
        let mut at = unflat(&tuples, 0);
        let (rows, width) = if split { (&sizes[..nd - 1], c1 - c0) } else { (sizes, 1) };
        let pieces: usize = rows.iter().product();
        let (o_step, u_step) = (&out.desc.strides, u_slice);
        for _ in 0..count {
            let mut base: Position = smallvec::smallvec![0; nd];
            for (k, ix) in indices.iter().enumerate() {
                // SAFETY: `at` is a position of the index arrays.
                base[op.axes[k]] = wrap(unsafe { ix.get(offset(&at, &ix.strides)) }, shape[op.axes[k]]);
            }
            let from = offset(&at, u_lead);
            // Whole slices inside need no test of each element.
            let inside = (0..nd).all(|d| base[d] >= 0 && base[d].saturating_add(sizes[d] as i64) <= shape[d] as i64);
            let mut p = unflat(rows, 0);
            for _ in 0..pieces {
                let ok = inside
                    || (0..rows.len()).all(|d| {
                        let q = base[d].saturating_add(p[d] as i64);
                        q >= 0 && q < shape[d] as i64
                    });
                if ok {
                    let to: isize = (0..rows.len()).map(|d| (base[d] as isize + p[d] as isize) * o_step[d]).sum();
                    let from = from + offset(&p, &u_step[..rows.len()]);
                    // SAFETY: each index is inside its dimension; columns c0..c1 of the last axis are this task's.
                    unsafe {
                        if split {
                            let step = u_step[nd - 1];
                            update_row(
                                op.mode,
                                src.at(from + c0 as isize * step),
                                step,
                                dst.at(to + c0 as isize),
                                width,
                            );
                        } else {
                            let d = dst.at(to);
                            *d = (*d).update(op.mode, *src.at(from));
                        }
                    }
                }
                next(&mut p, rows);
            }
            next(&mut at, &tuples);
        }
    };
    if split {
        cx.pool.run_ranges(last, grain.max(16), &body);
    } else {
        body(0, 1);
    }
}

/// Updates of rows along the last axis. Tasks own columns, and where the rows are is worked out once for all of them.
fn rows<T: Update>(cx: &Cx<'_>, op: &op::Scatter, indices: &[Ints], u: &Operand, out: &Operand, tuples: &[usize]) {
    let (shape, n_lead) = (&out.desc.shape, tuples.len());
    let last = shape.len() - 1;
    let (u_lead, width, step) = (&u.desc.strides[..n_lead], u.desc.shape[n_lead + last], u.desc.strides[n_lead + last]);
    let count: usize = tuples.iter().product();
    let (src, dst): (Ptr<T>, Ptr<T>) = (view::ptr(u), view::ptr(out));
    // Offsets of rows of the updates and of the output; rows outside are left out.
    let mut places: Vec<(isize, isize)> = Vec::with_capacity(BATCH.min(count));
    let grain = (1usize << 15).div_ceil(count).max(WIDTH.div_ceil(size_of::<T>())).max(1);
    let mut at = unflat(tuples, 0);
    for first in (0..count).step_by(BATCH) {
        places.clear();
        for _ in first..count.min(first + BATCH) {
            let mut to = Some(0isize);
            for (ix, &a) in indices.iter().zip(&op.axes[..]) {
                // SAFETY: `at` is a position of the index arrays.
                let p = wrap(unsafe { ix.get(offset(&at, &ix.strides)) }, shape[a]);
                let inside = (0..shape[a] as i64).contains(&p);
                to = to.filter(|_| inside).map(|to| to + p as isize * out.desc.strides[a]);
            }
            places.extend(to.map(|to| (offset(&at, u_lead), to)));
            next(&mut at, tuples);
        }
        cx.pool.run_ranges(width, grain, &|c0, c1| {
            for (k, &(from, to)) in places.iter().enumerate() {
                if let Some(&(_, to)) = places.get(k + 2) {
                    stream::ask(dst.get().wrapping_offset(to + c0 as isize).cast::<u8>(), (c1 - c0) * size_of::<T>());
                }
                // SAFETY: rows of both, inside; columns c0..c1 are this task's.
                unsafe {
                    update_row(op.mode, src.at(from + c0 as isize * step), step, dst.at(to + c0 as isize), c1 - c0);
                }
            }
        });
    }
}

type Position = smallvec::SmallVec<[i64; 6]>;

unsafe fn update_row<T: Update>(mode: UpdateMode, src: *const T, step: isize, dst: *mut T, n: usize) {
    macro_rules! row {
        ($($m:ident),*) => {
            match mode {
                // SAFETY: n elements on both sides, in different arrays.
                $(UpdateMode::$m => unsafe {
                    if step == 1 {
                        for j in 0..n {
                            let d = dst.add(j);
                            *d = (*d).update(UpdateMode::$m, *src.add(j));
                        }
                    } else {
                        for j in 0..n {
                            let d = dst.add(j);
                            *d = (*d).update(UpdateMode::$m, *src.offset(j as isize * step));
                        }
                    }
                },)*
            }
        };
    }
    row!(Assign, Sum, Prod, Min, Max)
}

impl Kernel for op::ScatterAxis {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        ins.len() == 3 && updatable(ins, outs)
    }
    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        each_dtype!(outs[0].desc.dtype, along(cx, self, ins, &outs[0]));
        Ok(())
    }
}

fn along<T: Update>(cx: &Cx<'_>, op: &op::ScatterAxis, ins: &[Operand], out: &Operand) {
    start::<T>(cx, &ins[0], out);
    let (ix, u, axis) = (Ints::new(&ins[1]), &ins[2], op.axis);
    let shape = &u.desc.shape;
    if u.desc.size() == 0 || out.desc.size() == 0 {
        return;
    }
    let (n, stride, len) = (out.desc.shape[axis], out.desc.strides[axis], shape[axis]);
    let (src, dst): (Ptr<T>, Ptr<T>) = (view::ptr(u), view::ptr(out));
    let (lines, i_strides) = view::without_axis(shape, &ix.strides, axis);
    let (_, u_strides) = view::without_axis(shape, &u.desc.strides, axis);
    let (_, o_strides) = view::without_axis(shape, &out.desc.strides, axis);
    let (i_step, u_step) = (ix.strides[axis], u.desc.strides[axis]);
    // A task owns whole lines, so that updates of one element keep their order.
    cx.pool.run_ranges(lines.iter().product(), 8192usize.div_ceil(len), &|a, z| {
        let mut walk = Walk::new(&lines, [&i_strides, &u_strides, &o_strides], a);
        for _ in a..z {
            let [i0, u0, o0] = walk.offsets;
            for j in 0..len as isize {
                // SAFETY: position j of the line is inside indices and updates; the index is tested.
                unsafe {
                    let p = wrap(ix.get(i0 + j * i_step), n);
                    if p >= 0 && p < n as i64 {
                        let d = dst.at(o0 + p as isize * stride);
                        *d = (*d).update(op.mode, *src.at(u0 + j * u_step));
                    }
                }
            }
            walk.step();
        }
    });
}
