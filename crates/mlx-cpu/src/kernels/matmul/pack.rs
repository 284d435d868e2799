//! Packing: panels of a matrix in the order in which a register tile reads them, converted to the accumulation type.

use super::micro::Real;
use crate::Isa;
use crate::kernels::simd::{Body, Elem, Simd, dispatch};

/// A matrix that can be packed. `wide` counts rows of a left or columns of a right operand.
pub(crate) trait Pack<T: Real>: Sync {
    /// Writes the panel of `width` starting at `w0` (`valid` of them exist, the rest become zero), steps
    /// `k0..k0 + k`, as k×width at `dst`.
    ///
    /// # Safety
    /// The ranges lie inside the matrix and `dst` has room for `k * width` elements.
    unsafe fn pack(&self, isa: Isa, w0: usize, valid: usize, width: usize, k0: usize, k: usize, dst: *mut T);
}

/// A matrix in memory: element (w, k) at `ptr + w·sw + k·sk`.
#[derive(Clone, Copy)]
pub(crate) struct Strided<E> {
    /// Element (0, 0).
    pub ptr: *const E,
    /// Step between rows of a left or columns of a right operand.
    pub sw: isize,
    /// Step along the summed dimension.
    pub sk: isize,
}

// SAFETY: it is only read through, while the memory is kept alive and unwritten by the launch that made it.
unsafe impl<E: Sync> Sync for Strided<E> {}
// SAFETY: as above.
unsafe impl<E: Sync> Send for Strided<E> {}

impl<E: Copy> Strided<E> {
    /// The matrix that starts `by` elements further on.
    ///
    /// # Safety
    /// That element is in the same memory.
    #[inline(always)]
    pub unsafe fn moved(&self, by: isize) -> Self {
        // SAFETY: passed on.
        Strided { ptr: unsafe { self.ptr.offset(by) }, ..*self }
    }

    /// Address of element (w, k).
    ///
    /// # Safety
    /// The element is inside the matrix.
    #[inline(always)]
    pub unsafe fn at(&self, w: usize, k: usize) -> *const E {
        // SAFETY: passed on.
        unsafe { self.ptr.offset(w as isize * self.sw + k as isize * self.sk) }
    }
}

impl<E: Elem> Pack<f32> for Strided<E> {
    unsafe fn pack(&self, isa: Isa, w0: usize, valid: usize, width: usize, k0: usize, k: usize, dst: *mut f32) {
        // SAFETY: the element is inside, or nothing is read.
        let src = Strided { ptr: unsafe { self.at(w0, k0) }, ..*self };
        dispatch(isa, Panel { src, valid, width, k, dst })
    }
}

impl Pack<f64> for Strided<f64> {
    unsafe fn pack(&self, _: Isa, w0: usize, valid: usize, width: usize, k0: usize, k: usize, dst: *mut f64) {
        for p in 0..k {
            for w in 0..width {
                // SAFETY: inside the matrix by the caller's promise; `dst` has k·width elements.
                unsafe { *dst.add(p * width + w) = if w < valid { *self.at(w0 + w, k0 + p) } else { 0.0 } }
            }
        }
    }
}

/// One panel.
struct Panel<E> {
    src: Strided<E>,
    valid: usize,
    width: usize,
    k: usize,
    dst: *mut f32,
}

impl<E: Elem> Body for Panel<E> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the caller of `Pack::pack` vouches for the ranges.
        unsafe {
            if self.src.sk == 1 {
                self.along_k::<S>()
            } else if self.src.sw == 1 && self.valid == self.width {
                self.along_w::<S>()
            } else {
                self.any(0, self.width, 0)
            }
        }
    }
}

impl<E: Elem> Panel<E> {
    /// Rows of `width` contiguous elements.
    #[inline(always)]
    unsafe fn along_w<S: Simd>(&self) {
        // SAFETY: rows of `width` elements, as checked by the caller.
        unsafe {
            for p in 0..self.k {
                let (row, out) = (self.src.at(0, p), self.dst.add(p * self.width));
                let mut w = 0;
                while w + S::N <= self.width {
                    S::store(out.add(w), E::vload::<S>(row.add(w)));
                    w += S::N;
                }
                while w < self.width {
                    *out.add(w) = (*row.add(w)).get();
                    w += 1;
                }
            }
        }
    }

    /// Four lines at a time, transposed in registers.
    #[inline(always)]
    unsafe fn along_k<S: Simd>(&self) {
        // SAFETY: lines of `k` elements; reads stay below `valid` lines.
        unsafe {
            let mut w = 0;
            while w + 4 <= self.width {
                let have = self.valid.saturating_sub(w).min(4);
                let mut p = 0;
                while p + S::N <= self.k {
                    let mut rows = [S::zero(); 4];
                    for i in 0..have {
                        rows[i] = E::vload::<S>(self.src.at(w + i, p));
                    }
                    S::transpose4(rows, self.dst.add(p * self.width + w), self.width);
                    p += S::N;
                }
                self.any(w, w + 4, p);
                w += 4;
            }
            self.any(w, self.width, 0);
        }
    }

    /// Lines `w0..w1` from step `p0`, one element at a time.
    #[inline(always)]
    unsafe fn any(&self, w0: usize, w1: usize, p0: usize) {
        for p in p0..self.k {
            for w in w0..w1 {
                // SAFETY: (w, p) is inside when w < valid.
                unsafe {
                    *self.dst.add(p * self.width + w) = if w < self.valid { (*self.src.at(w, p)).get() } else { 0.0 };
                }
            }
        }
    }
}
