//! What each place of a result sees: the input under the kernel's elements, in the order of the weights.

use crate::Isa;
use crate::kernels::simd::{Body, Elem, Simd, dispatch};
use crate::view::{self, Ptr};
use mlx_ir::op::ConvSpec;
use mlx_ir::{Axes, Desc, Operand};
use smallvec::{SmallVec, smallvec};

/// Coordinates: the axes of space.
type At = SmallVec<[isize; 4]>;

/// The input and how it is seen.
pub(super) struct Lines<E> {
    x: Ptr<E>,
    /// Sizes of the input's axes of space, and of the result's.
    size: Axes,
    places: Axes,
    /// Channels of the input, and of a group.
    channels: usize,
    pub per_group: usize,
    stride: Axes,
    low: Axes,
    spread: Axes,
    /// Of each tap (or row of taps): its distance along the axes of space.
    pub taps: Vec<At>,
    /// Neighbouring elements of the last axis that a tap stands for.
    run: usize,
}

impl<E: Elem> Lines<E> {
    pub fn new(s: &ConvSpec, x: &Operand, w: &Desc, out: &Desc) -> Self {
        let n = s.stride.len();
        let per_group = w.shape[n + 1];
        // Neighbours along the last axis, with all channels, are one piece of memory.
        let joined = s.groups == 1 && !s.flip && s.kernel_dilation[n - 1] == 1 && s.input_dilation[n - 1] == 1;
        let mut kernel: Axes = w.shape[1..=n].into();
        let run = if joined { std::mem::replace(&mut kernel[n - 1], 1) } else { 1 };
        let count = kernel.iter().product();
        let mut taps = Vec::with_capacity(count);
        let mut at: Axes = smallvec![0; n];
        for _ in 0..count {
            let far = |i: usize| if s.flip { w.shape[i + 1] - 1 - at[i] } else { at[i] };
            taps.push((0..n).map(|i| (far(i) * s.kernel_dilation[i]) as isize).collect());
            for i in (0..n).rev() {
                at[i] += 1;
                if at[i] < kernel[i] {
                    break;
                }
                at[i] = 0;
            }
        }
        Lines {
            x: view::ptr(x),
            size: x.desc.shape[1..=n].into(),
            places: out.shape[1..=n].into(),
            channels: x.desc.shape[n + 1],
            per_group,
            stride: s.stride.clone(),
            low: s.low.clone(),
            spread: s.input_dilation.clone(),
            taps,
            run,
        }
    }

    /// Elements of a line.
    pub fn len(&self) -> usize {
        self.taps.len() * self.run * self.per_group
    }

    /// Calls `f` for places `first..first + count` with what is seen through each tap: where it starts in the input, or
    /// nothing, and the elements `from..to` of the tap that are inside.
    #[inline(always)]
    fn each(&self, first: usize, count: usize, mut f: impl FnMut(usize, usize, isize, usize, usize)) {
        let n = self.size.len();
        let whole = self.run * self.per_group;
        let mut at: Axes = smallvec![0; n];
        let mut rest = first;
        for i in (0..n).rev() {
            at[i] = rest % self.places[i];
            rest /= self.places[i];
        }
        let mut image = rest;
        for r in 0..count {
            for (t, tap) in self.taps.iter().enumerate() {
                let (mut inside, mut pixel) = (true, image);
                let (mut from, mut to) = (0, whole);
                for i in 0..n {
                    let p = (at[i] * self.stride[i]) as isize - self.low[i] as isize + tap[i];
                    let size = self.size[i];
                    let q = if i == n - 1 && self.run > 1 {
                        from = ((-p).max(0) as usize).min(self.run) * self.per_group;
                        to = (size as isize - p).clamp(0, self.run as isize) as usize * self.per_group;
                        inside &= from < to;
                        p
                    } else if self.spread[i] == 1 {
                        inside &= p >= 0 && p < size as isize;
                        p
                    } else {
                        let d = self.spread[i] as isize;
                        inside &= p >= 0 && p % d == 0 && p / d < size as isize;
                        p / d
                    };
                    pixel = pixel.wrapping_mul(size).wrapping_add_signed(q);
                }
                let start = pixel.wrapping_mul(self.channels) as isize;
                if inside { f(r, t, start, from, to) } else { f(r, t, 0, 0, 0) }
            }
            for i in (0..n).rev() {
                at[i] += 1;
                if at[i] < self.places[i] {
                    break;
                }
                at[i] = 0;
                if i == 0 {
                    image += 1;
                }
            }
        }
    }

    /// Writes the lines of `rows` places from `first` on, `room` apart, for a group of channels.
    pub fn fill(&self, isa: Isa, group: usize, first: usize, rows: usize, to: *mut f32, room: usize) {
        dispatch(isa, Fill { lines: self, group, first, rows, to, room })
    }

    /// Pointers to what each of `count` places from `first` on sees through each tap, or to `nothing`.
    pub fn pointers(&self, first: usize, count: usize, nothing: *const E, to: &mut [*const E]) {
        let taps = self.taps.len();
        self.each(first, count, |r, t, start, from, end| {
            // `start` is inside the input where something is seen.
            to[r * taps + t] = if from < end { self.x.get().wrapping_offset(start) } else { nothing };
        });
    }
}

struct Fill<'a, E> {
    lines: &'a Lines<E>,
    group: usize,
    first: usize,
    rows: usize,
    to: *mut f32,
    room: usize,
}

impl<E: Elem> Body for Fill<'_, E> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let l = self.lines;
        let whole = l.run * l.per_group;
        l.each(self.first, self.rows, |r, t, start, from, to| {
            // SAFETY: elements `from..to` of the tap are inside the input; the line has room for all of it.
            unsafe {
                let line = self.to.add(r * self.room + t * whole);
                // Where the tap begins may lie before the input.
                let seen = l.x.get().wrapping_offset(start).wrapping_add(self.group * l.per_group);
                if from > 0 {
                    zeros::<S>(line, from);
                }
                if from < to {
                    copy::<S, E>(seen.wrapping_add(from), line.add(from), to - from);
                }
                if to < whole {
                    zeros::<S>(line.add(to), whole - to);
                }
            }
        });
    }
}

/// # Safety
/// Room for `n` elements.
#[inline(always)]
unsafe fn zeros<S: Simd>(to: *mut f32, n: usize) {
    // SAFETY: within `n`.
    unsafe {
        if n < S::N {
            (0..n).for_each(|i| *to.add(i) = 0.0);
            return;
        }
        let mut i = 0;
        while i + S::N < n {
            S::store(to.add(i), S::zero());
            i += S::N;
        }
        S::store(to.add(n - S::N), S::zero());
    }
}

/// Short runs: a call of `memcpy` would cost more. The last vector lies over the one before it.
///
/// # Safety
/// `n` elements at both, which do not overlap.
#[inline(always)]
unsafe fn copy<S: Simd, E: Elem>(from: *const E, to: *mut f32, n: usize) {
    // SAFETY: within `n`.
    unsafe {
        if n < S::N {
            (0..n).for_each(|i| *to.add(i) = (*from.add(i)).get());
            return;
        }
        let mut i = 0;
        while i + S::N < n {
            S::store(to.add(i), E::vload::<S>(from.add(i)));
            i += S::N;
        }
        S::store(to.add(n - S::N), E::vload::<S>(from.add(n - S::N)));
    }
}
