//! Working memory of kernels: aligned, uninitialised, kept by the thread for the next call.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::RefCell;
use std::marker::PhantomData;

/// Blocks that a thread keeps at most, and the size above which none is kept.
const KEPT: usize = 6;
const KEEP_BYTES: usize = 32 << 20;

/// From here on blocks lie on huge pages where the system has them.
const HUGE: usize = 2 << 20;

struct Block {
    ptr: *mut u8,
    bytes: usize,
}

impl Block {
    fn layout(bytes: usize) -> Layout {
        let align = if bytes >= HUGE { HUGE } else { 64 };
        Layout::from_size_align(bytes, align).unwrap_or(Layout::new::<[u64; 8]>())
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated in `Scratch::new` with this layout.
        unsafe { dealloc(self.ptr, Block::layout(self.bytes)) }
    }
}

thread_local! {
    static FREE: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

/// Room for `len` elements of T with undefined contents, aligned to 64 bytes.
pub(crate) struct Scratch<T> {
    block: Option<Block>,
    of: PhantomData<T>,
}

impl<T: Copy> Scratch<T> {
    /// Takes a kept block that is large enough, or allocates.
    pub fn new(len: usize) -> Self {
        let bytes = len.checked_mul(size_of::<T>()).filter(|b| *b < isize::MAX as usize - 4096);
        let bytes = bytes.expect("scratch is bounded by operands that exist").next_multiple_of(4096).max(4096);
        let bytes = if bytes >= HUGE { bytes.next_multiple_of(HUGE) } else { bytes };
        let kept = FREE.try_with(|f| {
            let mut f = f.borrow_mut();
            let best = (0..f.len()).filter(|&i| f[i].bytes >= bytes).min_by_key(|&i| f[i].bytes)?;
            Some(f.swap_remove(best))
        });
        let block = kept.ok().flatten().unwrap_or_else(|| {
            let layout = Block::layout(bytes);
            // SAFETY: the layout is not empty.
            let ptr = unsafe { alloc(layout) };
            if ptr.is_null() {
                handle_alloc_error(layout);
            }
            if bytes >= HUGE {
                // SAFETY: advice about memory that is ours; refusal is harmless.
                #[cfg(target_os = "linux")]
                unsafe {
                    libc::madvise(ptr.cast(), bytes, libc::MADV_HUGEPAGE);
                }
            }
            Block { ptr, bytes }
        });
        Scratch { block: Some(block), of: PhantomData }
    }

    /// First element.
    pub fn ptr(&mut self) -> *mut T {
        self.block.as_ref().map_or(std::ptr::null_mut(), |b| b.ptr.cast())
    }
}

impl<T> Drop for Scratch<T> {
    fn drop(&mut self) {
        let Some(block) = self.block.take() else { return };
        if block.bytes > KEEP_BYTES {
            return;
        }
        let _ = FREE.try_with(|f| {
            let mut f = f.borrow_mut();
            if f.len() >= KEPT {
                // The smallest is the cheapest to make again.
                if let Some(i) = (0..f.len()).min_by_key(|&i| f[i].bytes) {
                    f.swap_remove(i);
                }
            }
            f.push(block);
        });
    }
}
