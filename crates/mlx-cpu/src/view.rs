//! Operands as raw pointers with types and strides. Kernels get their memory here and nowhere else.

use mlx_ir::desc::{Collapsed, collapse};
use mlx_ir::{Operand, Strides};
use smallvec::SmallVec;

/// A pointer that tasks of a parallel region share; each task writes only elements of its own.
pub struct Ptr<T>(*mut T);

impl<T> Clone for Ptr<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Ptr<T> {}
// SAFETY: dereferencing is unsafe anyway; whoever does it keeps the tasks apart.
unsafe impl<T> Send for Ptr<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Ptr<T> {}

impl<T> Ptr<T> {
    /// Wraps a pointer.
    pub fn new(p: *mut T) -> Self {
        Ptr(p)
    }
    /// The pointer.
    pub fn get(self) -> *mut T {
        self.0
    }
    /// The pointer `n` elements on.
    ///
    /// # Safety
    /// As the pointer's `offset`.
    pub unsafe fn at(self, n: isize) -> *mut T {
        // SAFETY: the caller keeps within the operand.
        unsafe { self.0.offset(n) }
    }
}

/// Element (0, …, 0) of an operand, as `T`. Reading or writing elements that the operand describes is sound as far as
/// the library's promise goes: inside the buffer, aligned, and written only when it is an output.
pub fn ptr<T>(o: &Operand) -> Ptr<T> {
    let p = o.buffer.ptr().wrapping_add(o.offset).cast::<T>();
    debug_assert!(o.desc.size() == 0 || p.is_aligned());
    Ptr(p)
}

/// The elements of a row-major operand.
///
/// # Safety
/// `T` fits the dtype (u8 for bool), the operand is row-major, and nobody writes it while the slice lives.
pub unsafe fn slice<T>(o: &Operand) -> &[T] {
    let n = o.desc.size();
    if n == 0 {
        return &[];
    }
    debug_assert!(o.desc.is_contiguous() && o.offset + n * size_of::<T>() <= o.buffer.len());
    // SAFETY: described elements lie inside the buffer, aligned.
    unsafe { std::slice::from_raw_parts(ptr::<T>(o).get(), n) }
}

/// The elements of a row-major output.
///
/// # Safety
/// As [`slice()`]; moreover nobody else may touch the elements, so the output must not share its buffer with an input.
#[allow(clippy::mut_from_ref, reason = "an operand is a description; the promise is about the memory behind it")]
pub unsafe fn slice_mut<T>(o: &Operand) -> &mut [T] {
    let n = o.desc.size();
    if n == 0 {
        return &mut [];
    }
    debug_assert!(o.desc.is_contiguous() && o.offset + n * size_of::<T>() <= o.buffer.len());
    // SAFETY: described elements lie inside the buffer, aligned.
    unsafe { std::slice::from_raw_parts_mut(ptr::<T>(o).get(), n) }
}

/// Operands of equal shape walked together, adjacent dimensions merged.
pub fn collapse_all(operands: &[&Operand]) -> Collapsed {
    let strides: SmallVec<[&[isize]; 8]> = operands.iter().map(|o| &o.desc.strides[..]).collect();
    collapse(&operands[0].desc.shape, &strides)
}

/// Walks all positions of a shape in row-major order, with one offset for each list of strides.
pub struct Walk<'a, const N: usize> {
    shape: &'a [usize],
    strides: [&'a [isize]; N],
    at: SmallVec<[usize; 6]>,
    /// Offsets of the current position, in the strides' unit.
    pub offsets: [isize; N],
}

impl<'a, const N: usize> Walk<'a, N> {
    /// A walk that starts at the `start`-th position (row-major count).
    pub fn new(shape: &'a [usize], strides: [&'a [isize]; N], start: usize) -> Self {
        let mut at: SmallVec<[usize; 6]> = smallvec::smallvec![0; shape.len()];
        let mut offsets = [0isize; N];
        let mut rest = start;
        for d in (0..shape.len()).rev() {
            let n = shape[d].max(1);
            at[d] = rest % n;
            rest /= n;
            for k in 0..N {
                offsets[k] += strides[k][d] * at[d] as isize;
            }
        }
        Self { shape, strides, at, offsets }
    }

    /// Goes to the next position (after the last, back to the first).
    pub fn step(&mut self) {
        for d in (0..self.shape.len()).rev() {
            self.at[d] += 1;
            for k in 0..N {
                self.offsets[k] += self.strides[k][d];
            }
            if self.at[d] < self.shape[d] {
                return;
            }
            for k in 0..N {
                self.offsets[k] -= self.strides[k][d] * self.shape[d] as isize;
            }
            self.at[d] = 0;
        }
    }
}

/// Shape and strides without one axis.
pub fn without_axis(shape: &[usize], strides: &[isize], axis: usize) -> (mlx_ir::Shape, Strides) {
    let keep = |d: &usize| *d != axis;
    (
        (0..shape.len()).filter(keep).map(|d| shape[d]).collect(),
        (0..shape.len()).filter(keep).map(|d| strides[d]).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn walk_visits_in_row_major_order() {
        let (shape, strides) = ([2, 3], [[10isize, -1], [0, 1]]);
        let expect: Vec<[isize; 2]> = (0..2).flat_map(|i| (0..3).map(move |j| [10 * i - j, j])).collect();
        for start in 0..6 {
            let mut w = Walk::new(&shape, [&strides[0], &strides[1]], start);
            for i in 0..6 {
                assert_eq!(w.offsets, expect[(start + i) % 6]);
                w.step();
            }
        }
        let mut w: Walk<'_, 1> = Walk::new(&[], [&[]], 0);
        w.step();
        assert_eq!(w.offsets, [0]);
    }
}
