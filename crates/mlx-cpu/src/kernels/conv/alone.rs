//! Channels that are convolved each alone: neighbours of the result are neighbours of the input, so vectors run along the
//! channels.

use super::lines::Lines;
use crate::backend::Cx;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{Body, Elem, Simd, dispatch};
use crate::view;
use mlx_ir::Operand;
use mlx_ir::op::ConvSpec;

/// Places whose pointers are worked out at a time.
const PLACES: usize = 16;

/// One feature for each channel.
pub(super) fn alone<E: Elem>(cx: &Cx<'_>, s: &ConvSpec, lines: &Lines<E>, w: &Operand, out: &Operand) {
    let (channels, taps) = (s.groups, lines.taps.len());
    let places = out.desc.size() / channels;
    // The weights of a tap side by side, and nothing to see.
    let mut weights = Scratch::<f32>::new(taps * channels);
    let mut nothing = Scratch::<E>::new(channels);
    let from = view::ptr::<E>(w);
    for c in 0..channels {
        for t in 0..taps {
            // SAFETY: the weights are row-major with `taps` for each channel; the scratch has room.
            unsafe { *weights.ptr().add(t * channels + c) = (*from.at((c * taps + t) as isize)).get() };
        }
        // SAFETY: room for the channels.
        unsafe { *nothing.ptr().add(c) = E::put(0.0) };
    }
    let (weights, nothing) = (view::Ptr::new(weights.ptr()), view::Ptr::new(nothing.ptr()));
    let to = view::ptr::<E>(out);
    let grain = (32usize << 10).div_ceil(taps * channels).next_multiple_of(PLACES);
    cx.pool.run_ranges(places.div_ceil(grain), 1, &|a, b| {
        let mut seen = vec![nothing.get().cast_const(); PLACES * taps];
        let end = places.min(b * grain);
        for first in (a * grain..end).step_by(PLACES) {
            let count = PLACES.min(end - first);
            lines.pointers(first, count, nothing.get(), &mut seen);
            for (r, seen) in seen.chunks_exact(taps).take(count).enumerate() {
                // SAFETY: a place of the result, this task's.
                let out = unsafe { to.at(((first + r) * channels) as isize) };
                dispatch(cx.isa, Place { seen, weights: weights.get(), channels, out });
            }
        }
    });
}

/// One place: pointers to all channels under each tap.
struct Place<'a, E> {
    seen: &'a [*const E],
    weights: *const f32,
    channels: usize,
    out: *mut E,
}

impl<E: Elem> Body for Place<'_, E> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let mut c = 0;
        // SAFETY: all channels at each pointer and of each tap's weights.
        unsafe {
            while c + 4 * S::N <= self.channels {
                let mut sum = [S::zero(); 4];
                for (t, seen) in self.seen.iter().enumerate() {
                    for j in 0..4 {
                        let w = S::load(self.weights.add(t * self.channels + c + j * S::N));
                        sum[j] = S::fma(E::vload::<S>(seen.add(c + j * S::N)), w, sum[j]);
                    }
                }
                for j in 0..4 {
                    E::vstore::<S>(self.out.add(c + j * S::N), sum[j]);
                }
                c += 4 * S::N;
            }
            while c < self.channels {
                let n = S::N.min(self.channels - c);
                let mut sum = S::zero();
                for (t, seen) in self.seen.iter().enumerate() {
                    let w = self.weights.add(t * self.channels + c);
                    let (x, w) = if n == S::N {
                        (E::vload::<S>(seen.add(c)), S::load(w))
                    } else {
                        (E::vload_part::<S>(seen.add(c), n), S::load_part(w, n))
                    };
                    sum = S::fma(x, w, sum);
                }
                if n == S::N {
                    E::vstore::<S>(self.out.add(c), sum);
                } else {
                    E::vstore_part::<S>(self.out.add(c), sum, n);
                }
                c += n;
            }
        }
    }
}
