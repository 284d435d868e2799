//! Arrays over mapped files: weights are used where they lie.

use crate::array::Array;
use mlx_io::map::Region;
use mlx_ir::{Buffer, DType, Memory, Pages, Result};
use std::ops::Range;
use std::sync::Arc;

/// A region of a mapped file as read-only memory of arrays.
struct Mapped(Region);

/// The same region for devices, which keep it as long as they read it.
struct Kept(Region);

impl Pages for Kept {
    fn map(&self) -> Range<usize> {
        self.0.file().pages()
    }
    fn not_needed(&self, part: Range<usize>) {
        let end = part.end.min(self.0.len());
        if part.start < end {
            self.0.file().dontneed(self.0.offset() + part.start, end - part.start);
        }
    }
}

impl Memory for Mapped {
    fn ptr(&self) -> *mut u8 {
        self.0.bytes().as_ptr().cast_mut()
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn writable(&self) -> bool {
        false
    }
    fn pages(&self) -> Option<Arc<dyn Pages>> {
        Some(Arc::new(Kept(self.0.clone())))
    }
}

/// An array over a region of a mapped file that holds its elements in row-major order, little endian. Copied (and
/// counted as a copy) only if the region does not start aligned for `dtype`.
///
/// # Errors
/// `Value` if the region is too short for the shape.
pub fn mapped(region: Region, shape: &[usize], dtype: DType) -> Result<Array> {
    Array::from_buffer(Buffer::new(Mapped(region)), 0, shape, dtype)
}
