//! Reads at index arrays.

use super::{integers, lead, offset, run_length, unflat};
use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::ints::{Ints, wrap};
use crate::stream;
use crate::view::{self, Ptr, Walk};
use mlx_ir::{Desc, Operand, Result, op};

/// Bytes below which a piece of a result is not worth a task.
const GRAIN: usize = 1 << 15;
/// Bytes of a slice that are asked for while the one before it is copied.
const ASK: usize = 4096;
/// Indices that are worked out at a time.
const BATCH: usize = 64;

impl Kernel for op::Gather {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        ins.len() == 1 + self.axes.len()
            && integers(&ins[1..])
            && outs[0].dtype == ins[0].dtype
            && self.slice_sizes.iter().zip(&ins[0].shape).all(|(s, n)| s <= n)
    }
    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        match ins[0].desc.dtype.size() {
            1 => gather::<u8>(cx, self, ins, &outs[0]),
            2 => gather::<u16>(cx, self, ins, &outs[0]),
            4 => gather::<u32>(cx, self, ins, &outs[0]),
            _ => gather::<u64>(cx, self, ins, &outs[0]),
        }
        Ok(())
    }
}

fn gather<T: Copy>(cx: &Cx<'_>, op: &op::Gather, ins: &[Operand], out: &Operand) {
    let x = &ins[0].desc;
    let n_lead = out.desc.ndim() - x.ndim();
    let tuples = lead(&out.desc.shape, n_lead);
    let (count, slice): (usize, usize) = (tuples.iter().product(), op.slice_sizes.iter().product());
    if count * slice == 0 {
        return;
    }
    let indices: Vec<Ints> = ins[1..].iter().map(Ints::new).collect();
    let (src, dst) = (view::ptr::<T>(&ins[0]), view::ptr::<T>(out));
    if let ([a], [ix], 1) = (&op.axes[..], &indices[..], slice)
        && ins[1].desc.is_contiguous()
    {
        let (n, stride) = (x.shape[*a], x.strides[*a]);
        cx.pool.run_ranges(count, GRAIN / size_of::<T>(), &|a, z| {
            let mut at = [[0i64; BATCH]; 2];
            let batch = |i: usize, at: &mut [i64; BATCH]| {
                let len = BATCH.min(z - i);
                // SAFETY: positions of the index array, which is contiguous.
                unsafe { work_out(ix, i as isize, n, &mut at[..len]) };
                for &p in &at[..len] {
                    stream::ask(src.get().wrapping_offset(p as isize * stride).cast(), 1);
                }
            };
            batch(a, &mut at[0]);
            for i in (a..z).step_by(BATCH) {
                let [now, then] = &mut at;
                // What is read next is on its way while this is read: nobody can guess it.
                if i + BATCH < z {
                    batch(i + BATCH, then);
                }
                for (k, &p) in now[..BATCH.min(z - i)].iter().enumerate() {
                    // SAFETY: the index is clamped, and the position of the result is this task's.
                    unsafe { *dst.get().add(i + k) = *src.at(p as isize * stride) };
                }
                at.swap(0, 1);
            }
        });
        return;
    }
    // The inner part of a slice that is one run of memory.
    let (run, outer) = run_length(&op.slice_sizes, &x.shape, &x.strides);
    let (rows, steps) = (&op.slice_sizes[..outer], &x.strides[..outer]);
    let pieces = slice / run;
    let fixed: Vec<(usize, usize, isize)> =
        op.axes.iter().map(|&a| (x.shape[a], x.shape[a] - op.slice_sizes[a], x.strides[a])).collect();
    let large = count * slice * size_of::<T>() >= stream::LARGE;
    cx.pool.run_ranges(count, GRAIN.div_ceil(slice * size_of::<T>()), &|a, z| {
        let mut at = unflat(&tuples, a);
        // Where the next slice starts; its lines are asked for while this one is copied, since nobody can guess them.
        let mut first = || {
            let mut from = 0isize;
            for (k, ix) in indices.iter().enumerate() {
                let (n, room, stride) = fixed[k];
                // SAFETY: `at` is a position of the index arrays.
                let p = wrap(unsafe { ix.get(offset(&at, &ix.strides)) }, n).clamp(0, room as i64);
                from += p as isize * stride;
            }
            next(&mut at, &tuples);
            from
        };
        let mut following = first();
        for i in a..z {
            let from = following;
            if i + 1 < z {
                following = first();
                stream::ask(src.get().wrapping_offset(following).cast::<u8>(), (run * size_of::<T>()).min(ASK));
            }
            // SAFETY: the slice starts where all of it is inside x; slice i of the result is this task's.
            unsafe {
                let to = dst.get().add(i * slice);
                if pieces == 1 && large && run > 1 {
                    stream::copy(src.at(from).cast::<u8>(), to.cast::<u8>(), run * size_of::<T>(), true);
                } else if pieces == 1 {
                    copy_run(src.at(from), to, run);
                } else {
                    let mut walk = Walk::new(rows, [steps], 0);
                    for j in 0..pieces {
                        copy_run(src.at(from + walk.offsets[0]), to.add(j * run), run);
                        walk.step();
                    }
                }
            }
        }
        if large {
            stream::fence();
        }
    });
}

/// The indices from position `i` on, for an axis of `n`.
///
/// # Safety
/// The positions are inside the index array, which is contiguous.
#[inline(always)]
unsafe fn work_out(ix: &Ints, i: isize, n: usize, at: &mut [i64]) {
    // SAFETY: passed on.
    unsafe { ix.read(i, at) };
    for p in at {
        *p = wrap(*p, n).clamp(0, n as i64 - 1);
    }
}

/// Calls `f` with `len` indices from position `i` on, for an axis of `n`, and their number. All are worked out before the
/// first is used, so that reads which miss the caches wait together.
///
/// # Safety
/// The positions are inside the index array, which is contiguous; `len` is no more than [`BATCH`].
#[inline(always)]
unsafe fn singles(ix: &Ints, i: isize, len: usize, n: usize, mut f: impl FnMut(usize, usize)) {
    let mut at = [0i64; BATCH];
    // SAFETY: passed on.
    unsafe { work_out(ix, i, n, &mut at[..len]) };
    for (k, &p) in at[..len].iter().enumerate() {
        f(p as usize, k);
    }
}

#[inline(always)]
unsafe fn copy_run<T: Copy>(from: *const T, to: *mut T, n: usize) {
    // SAFETY: n elements on both sides, in different arrays.
    unsafe {
        if n == 1 {
            *to = *from;
        } else {
            std::ptr::copy_nonoverlapping(from, to, n);
        }
    }
}

/// The next position in row-major order.
pub(super) fn next(at: &mut [usize], shape: &[usize]) {
    for d in (0..shape.len()).rev() {
        at[d] += 1;
        if at[d] < shape[d] {
            return;
        }
        at[d] = 0;
    }
}

impl Kernel for op::GatherAxis {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        let possible = ins[0].shape[self.axis] > 0 || outs[0].size() == 0;
        ins.len() == 2 && integers(&ins[1..]) && outs[0].dtype == ins[0].dtype && possible
    }
    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        match ins[0].desc.dtype.size() {
            1 => along::<u8>(cx, self.axis, ins, &outs[0]),
            2 => along::<u16>(cx, self.axis, ins, &outs[0]),
            4 => along::<u32>(cx, self.axis, ins, &outs[0]),
            _ => along::<u64>(cx, self.axis, ins, &outs[0]),
        }
        Ok(())
    }
}

fn along<T: Copy>(cx: &Cx<'_>, axis: usize, ins: &[Operand], out: &Operand) {
    let (x, shape, count) = (&ins[0].desc, &out.desc.shape, out.desc.size());
    if count == 0 {
        return;
    }
    let ix = Ints::new(&ins[1]);
    let (src, dst): (Ptr<T>, Ptr<T>) = (view::ptr(&ins[0]), view::ptr(out));
    let mut off_axis = x.strides.clone();
    off_axis[axis] = 0;
    let (n, stride) = (x.shape[axis], x.strides[axis]);
    // Rows of the result along its last axis, where the indices are contiguous.
    let last = shape.len() - 1;
    let row = shape[last];
    if row >= 16 && ix.strides[last] == 1 {
        let step = off_axis[last];
        let pieces = row.div_ceil(BATCH);
        cx.pool.run_ranges(count / row * pieces, 4096 / BATCH, &|a, z| {
            let mut walk = Walk::new(&shape[..last], [&ix.strides[..last], &off_axis[..last]], a / pieces);
            for i in a..z {
                let k = i % pieces * BATCH;
                // SAFETY: the walk stays inside the indices and, off the axis, inside x; the index is clamped.
                unsafe {
                    let first = walk.offsets[0] + k as isize;
                    let (from, to) = (src.at(walk.offsets[1]), dst.get().add(i / pieces * row));
                    singles(&ix, first, BATCH.min(row - k), n, |p, j| {
                        *to.add(k + j) = *from.offset(p as isize * stride + (k + j) as isize * step);
                    });
                }
                if (i + 1) % pieces == 0 {
                    walk.step();
                }
            }
        });
        return;
    }
    cx.pool.run_ranges(count, 4096, &|a, z| {
        let mut walk = Walk::new(shape, [&ix.strides, &off_axis], a);
        for i in a..z {
            // SAFETY: the walk stays inside the indices and, off the axis, inside x; the index is clamped.
            unsafe {
                let p = wrap(ix.get(walk.offsets[0]), n).clamp(0, n as i64 - 1);
                *dst.get().add(i) = *src.at(walk.offsets[1] + p as isize * stride);
            }
            walk.step();
        }
    });
}
