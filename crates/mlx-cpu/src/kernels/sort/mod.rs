//! Sorting and partitioning along an axis, NaN last, stable.

mod keys;
mod radix;

#[cfg(test)]
mod tests;

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::scratch::Scratch;
use crate::view::{self, Ptr, Walk, without_axis};
use half::{bf16, f16};
use keys::{Item, Key, Sortable};
use mlx_ir::{C64, DType, Desc, Operand, Result, op};

/// What a line becomes.
#[derive(Clone, Copy)]
enum Task {
    Sort,
    ArgSort,
    Partition(usize),
    ArgPartition(usize),
}

macro_rules! rows {
    ($($row:ident, $s:ident => $task:expr, $index:literal);*) => {$(
        impl Kernel for op::$row {
            fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
                let dtype = if $index { DType::U32 } else { ins[0].dtype };
                self.axis < ins[0].ndim() && outs[0].dtype == dtype && ins[0].shape[self.axis] <= u32::MAX as usize
            }
            fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
                let $s = self;
                by_dtype(cx, &ins[0], &outs[0], self.axis, $task);
                Ok(())
            }
        }
    )*};
}
rows!(Sort, _s => Task::Sort, false; ArgSort, _s => Task::ArgSort, true;
      Partition, s => Task::Partition(s.kth), false; ArgPartition, s => Task::ArgPartition(s.kth), true);

fn by_dtype(cx: &Cx<'_>, x: &Operand, out: &Operand, axis: usize, task: Task) {
    match x.desc.dtype {
        DType::Bool | DType::U8 => lines::<u8>(cx, x, out, axis, task),
        DType::U16 => lines::<u16>(cx, x, out, axis, task),
        DType::U32 => lines::<u32>(cx, x, out, axis, task),
        DType::U64 => lines::<u64>(cx, x, out, axis, task),
        DType::I8 => lines::<i8>(cx, x, out, axis, task),
        DType::I16 => lines::<i16>(cx, x, out, axis, task),
        DType::I32 => lines::<i32>(cx, x, out, axis, task),
        DType::I64 => lines::<i64>(cx, x, out, axis, task),
        DType::F16 => lines::<f16>(cx, x, out, axis, task),
        DType::F32 => lines::<f32>(cx, x, out, axis, task),
        DType::F64 => lines::<f64>(cx, x, out, axis, task),
        DType::BF16 => lines::<bf16>(cx, x, out, axis, task),
        DType::C64 => lines::<C64>(cx, x, out, axis, task),
    }
}

fn lines<T: Sortable>(cx: &Cx<'_>, x: &Operand, out: &Operand, axis: usize, task: Task) {
    let n = x.desc.shape[axis];
    if x.desc.size() == 0 {
        return;
    }
    let (shape, from) = without_axis(&x.desc.shape, &x.desc.strides, axis);
    let (_, to) = without_axis(&out.desc.shape, &out.desc.strides, axis);
    let count: usize = shape.iter().product();
    let (x_step, o_step) = (x.desc.strides[axis], out.desc.strides[axis]);
    let (xp, op, ip) = (view::ptr::<T>(x), view::ptr::<T>(out), view::ptr::<u32>(out));
    // One line after another with all threads on each, or a thread for each line.
    let wide = count < cx.pool.threads() * 2;
    let body = |a: usize, z: usize| {
        let mut walk = Walk::new(&shape, [&from, &to], a);
        for _ in a..z {
            let [i, o] = walk.offsets;
            // SAFETY: the line lies in the operands, and the output line belongs to this task.
            let line = unsafe { Line { n, from: xp.at(i), x_step, value: op.at(o), index: ip.at(o), o_step } };
            line.run(if wide { Some(cx) } else { None }, task);
            walk.step();
        }
    };
    if wide {
        body(0, count);
    } else {
        cx.pool.run_ranges(count, 4096usize.div_ceil(n), &body);
    }
}

struct Line<T> {
    n: usize,
    from: *const T,
    x_step: isize,
    value: *mut T,
    index: *mut u32,
    o_step: isize,
}

// SAFETY: tasks over one line write different elements.
unsafe impl<T: Send + Sync> Sync for Line<T> {}

impl<T: Sortable> Line<T> {
    unsafe fn at(&self, i: usize) -> T {
        // SAFETY: i < n.
        unsafe { *self.from.offset(i as isize * self.x_step) }
    }

    /// Calls `f` for parts of 0..n.
    fn each(cx: Option<&Cx<'_>>, n: usize, f: &(dyn Fn(usize, usize) + Sync)) {
        match cx {
            Some(cx) => cx.pool.run_ranges(n, 1 << 15, f),
            None => f(0, n),
        }
    }

    fn run(&self, cx: Option<&Cx<'_>>, task: Task) {
        match task {
            Task::Sort if T::WHOLE => self.values(cx, None),
            Task::Partition(k) if T::WHOLE => self.values(cx, Some(k)),
            Task::Sort => self.positions(cx, None, false),
            Task::Partition(k) => self.positions(cx, Some(k), false),
            Task::ArgSort => self.positions(cx, None, true),
            Task::ArgPartition(k) => self.positions(cx, Some(k), true),
        }
    }

    /// Sorts keys alone.
    fn values(&self, cx: Option<&Cx<'_>>, kth: Option<usize>) {
        let mut scratch = Scratch::<T::K>::new(self.n);
        let keys = Ptr::new(scratch.ptr());
        let write = |p: usize, k: T::K| {
            // SAFETY: p < n.
            unsafe { *self.value.offset(p as isize * self.o_step) = T::value(k) }
        };
        Self::each(cx, self.n, &|a, z| {
            for i in a..z {
                // SAFETY: i < n on both sides.
                unsafe { *keys.get().add(i) = self.at(i).key() };
            }
        });
        // SAFETY: n keys, just written.
        let all = unsafe { std::slice::from_raw_parts_mut(keys.get(), self.n) };
        match kth {
            Some(k) => drop(all.select_nth_unstable(k.min(self.n - 1))),
            None => radix::sort(cx.map(|c| c.pool), all, 0, T::K::BITS),
        }
        Self::each(cx, self.n, &|a, z| {
            for i in a..z {
                // SAFETY: i < n.
                write(i, unsafe { *keys.get().add(i) });
            }
        });
    }

    /// Sorts keys with positions; writes positions, or the elements there.
    fn positions(&self, cx: Option<&Cx<'_>>, kth: Option<usize>, index: bool) {
        let mut scratch = Scratch::<<T::K as Key>::Packed>::new(self.n);
        let items = Ptr::new(scratch.ptr());
        Self::each(cx, self.n, &|a, z| {
            for i in a..z {
                // SAFETY: i < n on both sides.
                unsafe { *items.get().add(i) = self.at(i).key().with(i as u32) };
            }
        });
        // SAFETY: n items, just written.
        let all = unsafe { std::slice::from_raw_parts_mut(items.get(), self.n) };
        match kth {
            Some(k) => drop(all.select_nth_unstable(k.min(self.n - 1))),
            None => radix::sort(cx.map(|c| c.pool), all, 32, 32 + T::K::BITS),
        }
        Self::each(cx, self.n, &|a, z| {
            for i in a..z {
                // SAFETY: i < n, and so is every position.
                unsafe {
                    let p = (*items.get().add(i)).position();
                    let o = i as isize * self.o_step;
                    if index {
                        *self.index.offset(o) = p;
                    } else {
                        *self.value.offset(o) = self.at(p as usize);
                    }
                }
            }
        });
    }
}
