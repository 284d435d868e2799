//! Moving elements: any strides to any strides, and the ops that do nothing else.

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::simd::{Body, Simd, dispatch};
use crate::stream::{self, LINE};
use crate::view::{Ptr, Walk, ptr};
use mlx_ir::op::{Concatenate, Contiguous, Pad};
use mlx_ir::{Desc, Operand, Result, desc};
use smallvec::SmallVec;
use std::mem::MaybeUninit;

/// Bytes below which a copy stays on one thread.
pub(crate) const PARALLEL: usize = 256 << 10;
/// Bytes of a row from which on the rows of a large array are written past the caches.
const STREAMED: usize = 512;
/// Bytes between lines from which on the processor guesses nothing of what is read next.
const FAR: usize = 4096;
/// How an array with lines far apart is turned: lines that are written next to each other, lines that are read so (of a
/// large array, and of others, which are to keep all threads busy), and lines of the source in a task. Memory is slow at
/// single lines far apart.
const ABREAST: usize = 2;
const ACROSS: usize = 64;
const ACROSS_FEW: usize = 8;
const ALONG: usize = 8 * LINE;

/// What is to be moved: a box, with the strides (in elements) of both sides.
pub(crate) struct Move<'a> {
    /// Sizes of the box.
    pub shape: &'a [usize],
    /// First element and strides of the source.
    pub from: Ptr<u8>,
    pub from_strides: &'a [isize],
    /// First element and strides of the destination.
    pub to: Ptr<u8>,
    pub to_strides: &'a [isize],
    /// Bytes of an element: 1, 2, 4 or 8.
    pub size: usize,
}

impl Move<'_> {
    /// Moves the elements.
    ///
    /// # Safety
    /// Source and destination are readable and writable at every position of the box, aligned, and do not overlap;
    /// positions of the destination are distinct.
    pub unsafe fn run(&self, cx: &Cx<'_>) {
        // SAFETY: passed on.
        unsafe {
            match self.size {
                1 => self.typed::<u8>(cx),
                2 => self.typed::<u16>(cx),
                4 => self.typed::<u32>(cx),
                _ => self.typed::<u64>(cx),
            }
        }
    }

    /// # Safety
    /// As [`Move::run`], with `T` of the right size.
    unsafe fn typed<T: Copy + Send + Sync>(&self, cx: &Cx<'_>) {
        if self.shape.contains(&0) {
            return;
        }
        let c = desc::collapse(self.shape, &[self.from_strides, self.to_strides]);
        let (shape, fs, ts) = (&c.shape[..], &c.strides[0][..], &c.strides[1][..]);
        let last = shape.len() - 1;
        let (from, to) = (Ptr::new(self.from.get().cast::<T>()), Ptr::new(self.to.get().cast::<T>()));
        let total: usize = shape.iter().product::<usize>() * size_of::<T>();
        // The dimension along which the source is contiguous, if the destination is so along another.
        let near = (0..last).find(|&d| fs[d] == 1 && shape[d] >= 4);
        if let Some(near) = near
            && ts[last] == 1
            && fs[last] != 1
            && shape[last] >= 4
        {
            // SAFETY: passed on.
            return unsafe { transpose(cx, shape, (from, fs), (to, ts), near) };
        }
        let (row, fstep, tstep) = (shape[last], fs[last], ts[last]);
        let rows: usize = shape[..last].iter().product();
        if rows == 1 && fstep == 1 && tstep == 1 {
            let grain = PARALLEL / 2 / size_of::<T>();
            let part = |a: usize, b: usize| {
                // SAFETY: a part of both sides, this task's in the destination.
                unsafe {
                    let (f, t) = (from.at(a as isize).cast::<u8>(), to.at(a as isize).cast::<u8>());
                    stream::copy(f, t, (b - a) * size_of::<T>(), total >= stream::LARGE);
                    stream::fence();
                }
            };
            if total < PARALLEL {
                part(0, row)
            } else {
                cx.pool.run_ranges(row, grain, &part)
            }
            return;
        }
        // Long rows are cut, so that few of them keep all threads busy.
        let past = total >= stream::LARGE && row * size_of::<T>() >= STREAMED;
        let pieces = (row * size_of::<T>()).div_ceil(PARALLEL);
        let piece = row.div_ceil(pieces);
        let range = |a: usize, b: usize| {
            let mut w = Walk::new(&shape[..last], [&fs[..last], &ts[..last]], a / pieces);
            for i in a..b {
                let k = i % pieces * piece;
                let n = piece.min(row - k);
                // SAFETY: positions of the box, this task's in the destination.
                unsafe {
                    let f = from.at(w.offsets[0] + k as isize * fstep);
                    let t = to.at(w.offsets[1] + k as isize * tstep);
                    match (fstep, tstep) {
                        (1, 1) => stream::copy(f.cast(), t.cast(), n * size_of::<T>(), past),
                        (0, 1) => {
                            std::slice::from_raw_parts_mut(t.cast::<MaybeUninit<T>>(), n).fill(MaybeUninit::new(*f))
                        }
                        (_, 1) => (0..n).for_each(|i| *t.add(i) = *f.offset(i as isize * fstep)),
                        _ => (0..n as isize).for_each(|i| *t.offset(i * tstep) = *f.offset(i * fstep)),
                    }
                }
                if (i + 1) % pieces == 0 {
                    w.step();
                }
            }
            if past {
                stream::fence();
            }
        };
        if total < PARALLEL {
            range(0, rows * pieces);
        } else {
            cx.pool.run_ranges(rows * pieces, (PARALLEL / 2 / (piece * size_of::<T>())).max(1), &range);
        }
    }
}

/// Copies where the source is contiguous along `near` and the destination along the last dimension, in squares of a
/// cache line each way: whole lines are read, turned in the first-level cache, and whole lines are written.
///
/// # Safety
/// As [`Move::run`].
unsafe fn transpose<T: Copy + Send + Sync>(
    cx: &Cx<'_>,
    shape: &[usize],
    (from, fs): (Ptr<T>, &[isize]),
    (to, ts): (Ptr<T>, &[isize]),
    near: usize,
) {
    let side = LINE / size_of::<T>();
    let last = shape.len() - 1;
    let (across, along) = (shape[near], shape[last]);
    let others: SmallVec<[usize; 4]> = (0..last).filter(|&d| d != near).collect();
    let pick = |s: &[isize]| -> SmallVec<[isize; 4]> { others.iter().map(|&d| s[d]).collect() };
    let outer: SmallVec<[usize; 4]> = others.iter().map(|&d| shape[d]).collect();
    let (outer_from, outer_to) = (pick(fs), pick(ts));
    let total: usize = shape.iter().product::<usize>() * size_of::<T>();
    let large = total >= stream::LARGE;
    let far = large || fs[last].unsigned_abs() * size_of::<T>() >= FAR;
    let (band, piece) = match (large, far) {
        (true, _) => (ACROSS * side, ALONG),
        (false, true) => (ACROSS_FEW * side, ALONG),
        (false, false) => (side, along),
    };
    let (bands, pieces) = (across.div_ceil(band), along.div_ceil(piece));
    let places: usize = outer.iter().product();
    let (step_from, step_to) = (fs[last], ts[near]);
    let range = |a: usize, b: usize| {
        for i in a..b {
            let w = Walk::new(&outer, [&outer_from, &outer_to], i / pieces / bands);
            let (first, line) = (i / pieces % bands * band, i % pieces * piece);
            let (wide, high) = (band.min(across - first), piece.min(along - line));
            // SAFETY: positions of the box, this task's in the destination.
            unsafe {
                let f = from.at(w.offsets[0]).add(first).offset(line as isize * step_from);
                let t = to.at(w.offsets[1]).offset(first as isize * step_to).add(line);
                dispatch(cx.isa, Squares { f, step_from, t, step_to, wide, high, far, large });
            }
        }
        if large {
            stream::fence();
        }
    };
    if total < PARALLEL {
        range(0, places * bands * pieces);
    } else {
        let grain = (PARALLEL / 2 / (band * piece * size_of::<T>())).max(1);
        cx.pool.run_ranges(places * bands * pieces, grain, &range);
    }
}

/// A band of `wide` by `high` elements: element (i, j) of the source, contiguous in i, becomes (j, i).
struct Squares<T> {
    f: *const T,
    step_from: isize,
    t: *mut T,
    step_to: isize,
    wide: usize,
    high: usize,
    /// Lines of the source are asked for before their turn.
    far: bool,
    /// The destination is written past the caches.
    large: bool,
}

impl<T: Copy> Body for Squares<T> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let side = LINE / size_of::<T>();
        let mut k = 0;
        while k < self.high {
            let squares = if self.far && self.high - k >= ABREAST * side { ABREAST } else { 1 };
            let high = (squares * side).min(self.high - k);
            for i in (0..self.wide).step_by(side) {
                let wide = side.min(self.wide - i);
                // SAFETY: the maker promises the band at both.
                unsafe {
                    let f = self.f.add(i).offset(k as isize * self.step_from);
                    let t = self.t.offset(i as isize * self.step_to).add(k);
                    if wide == side && high == squares * side {
                        let (from, to) = ((f, self.step_from), (t, self.step_to));
                        if squares == 1 {
                            turn::<S, T, 1>(from, to, self.far, self.large);
                        } else {
                            turn::<S, T, ABREAST>(from, to, self.far, self.large);
                        }
                        continue;
                    }
                    for i in 0..wide {
                        for k in 0..high {
                            *t.offset(i as isize * self.step_to).add(k) = *f.offset(k as isize * self.step_from).add(i);
                        }
                    }
                }
            }
            k += high;
        }
    }
}

/// Turns `W` squares, one below the other, which become lines next to each other.
///
/// # Safety
/// The squares at both.
#[inline(always)]
unsafe fn turn<S: Simd, T: Copy, const W: usize>(
    (f, fs): (*const T, isize),
    (t, ts): (*mut T, isize),
    far: bool,
    large: bool,
) {
    /// Bytes give the largest squares, of a line's 64 each way.
    #[repr(C, align(64))]
    struct Turned<const W: usize>(MaybeUninit<[[u8; LINE * LINE]; W]>);
    let side = LINE / size_of::<T>();
    let mut turned = Turned::<W>(MaybeUninit::uninit());
    let b = turned.0.as_mut_ptr().cast::<T>();
    // SAFETY: the caller's promise; all of `b` that is read is written before.
    unsafe {
        for q in 0..W {
            let f = f.offset((q * side) as isize * fs);
            if far {
                for r in 0..side {
                    stream::ask(f.wrapping_offset((W * side + r) as isize * fs).cast(), 1);
                }
            }
            if large {
                square::<S, T>(f, fs, b.add(q * side), (W * side) as isize);
            } else {
                square::<S, T>(f, fs, t.add(q * side), ts);
            }
        }
        if large {
            for j in 0..side {
                stream::copy(b.add(j * W * side).cast(), t.offset(j as isize * ts).cast(), W * LINE, true);
            }
        }
    }
}

/// Turns a square of a line each way, whose lines are `fs` apart, to lines that are `ld` apart.
///
/// # Safety
/// The square at both.
#[inline(always)]
unsafe fn square<S: Simd, T: Copy>(f: *const T, fs: isize, b: *mut T, ld: isize) {
    #[repr(C, align(64))]
    struct Square(MaybeUninit<[u8; LINE * LINE]>);
    let side = LINE / size_of::<T>();
    let mut a = Square(MaybeUninit::uninit());
    let a = a.0.as_mut_ptr().cast::<T>();
    // SAFETY: the caller's promise; `a` holds `side` lines and is written before it is read.
    unsafe {
        if size_of::<T>() == 4 {
            for i in (0..side).step_by(S::N) {
                for j in (0..side).step_by(S::N) {
                    // Bits only pass through registers.
                    let mut m = [S::zero(); 16];
                    for (q, m) in m[..S::N].iter_mut().enumerate() {
                        *m = S::load(f.offset((i + q) as isize * fs).add(j).cast());
                    }
                    S::turn(&mut m);
                    for (q, &m) in m[..S::N].iter().enumerate() {
                        S::store(b.offset((j + q) as isize * ld).add(i).cast(), m);
                    }
                }
            }
        } else {
            for i in 0..side {
                std::ptr::copy_nonoverlapping(f.offset(i as isize * fs), a.add(i * side), side);
            }
            for j in 0..side {
                for i in 0..side {
                    *b.offset(j as isize * ld).add(i) = *a.add(i * side + j);
                }
            }
        }
    }
}

/// Moves all of an operand to a box of the output that starts `first` elements in.
fn place(cx: &Cx<'_>, x: &Operand, out: &Operand, first: isize, strides: &[isize]) {
    let size = x.desc.dtype.size();
    let to = Ptr::new(ptr::<u8>(out).get().wrapping_offset(first * size as isize));
    let shape = &x.desc.shape;
    let m = Move { shape, from: ptr(x), from_strides: &x.desc.strides, to, to_strides: strides, size };
    // SAFETY: the operand is described, and the callers place it inside the output, which shares nothing with it.
    unsafe { m.run(cx) }
}

impl Kernel for Contiguous {
    fn supports(&self, _: &[Desc], _: &[Desc]) -> bool {
        true
    }
    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        place(cx, &ins[0], &outs[0], 0, &outs[0].desc.strides);
        Ok(())
    }
}

impl Kernel for Concatenate {
    fn supports(&self, _: &[Desc], _: &[Desc]) -> bool {
        true
    }
    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let strides = &outs[0].desc.strides;
        let mut first = 0;
        for x in ins {
            place(cx, x, &outs[0], first, strides);
            first += x.desc.shape[self.axis] as isize * strides[self.axis];
        }
        Ok(())
    }
}

impl Kernel for Pad {
    fn supports(&self, ins: &[Desc], _: &[Desc]) -> bool {
        ins.len() == 2 && ins[1].size() == 1
    }
    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let (x, value, out) = (&ins[0], &ins[1], &outs[0]);
        // The value everywhere first: simple, and only the margin is written in vain by much.
        let everywhere = smallvec::smallvec![0isize; out.desc.ndim()];
        let desc = Desc { shape: out.desc.shape.clone(), strides: everywhere, dtype: x.desc.dtype };
        let value = Operand { desc, ..value.clone() };
        place(cx, &value, out, 0, &out.desc.strides);
        let strides = &out.desc.strides;
        let first = self.low.iter().zip(strides).map(|(&l, &s)| l as isize * s).sum();
        place(cx, x, out, first, strides);
        Ok(())
    }
}
