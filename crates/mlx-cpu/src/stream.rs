//! Copies past the caches, for outputs that are too large to stay in them.

/// Outputs from this size on are streamed: they would evict everything else and not stay anyway.
pub(crate) const LARGE: usize = 24 << 20;

/// Copies; with `large`, past the caches where the alignment allows (then [`fence`] must follow).
///
/// # Safety
/// `bytes` at both; they are the same memory or do not overlap, and with `large` they do not overlap.
#[inline(always)]
pub(crate) unsafe fn copy(from: *const u8, to: *mut u8, bytes: usize, large: bool) {
    // SAFETY: the caller's promise.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        if large && (to as usize).is_multiple_of(64) {
            use std::arch::x86_64::*;
            let whole = bytes & !63;
            for i in (0..whole).step_by(64) {
                for j in (0..64).step_by(16) {
                    let x = _mm_loadu_si128(from.add(i + j).cast());
                    _mm_stream_si128(to.add(i + j).cast(), x);
                }
            }
            std::ptr::copy_nonoverlapping(from.add(whole), to.add(whole), bytes - whole);
            return;
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = large;
        std::ptr::copy(from, to, bytes);
    }
}

/// Makes streamed writes visible before a task is reported done.
pub(crate) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: part of every x86-64 processor.
    unsafe {
        std::arch::x86_64::_mm_sfence()
    };
}
