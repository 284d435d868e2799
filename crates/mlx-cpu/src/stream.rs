//! Copies past the caches, for outputs that are too large to stay in them.

/// Outputs from this size on are streamed: they would evict everything else and not stay anyway.
pub(crate) const LARGE: usize = 24 << 20;
/// Bytes of a line of the caches.
pub(crate) const LINE: usize = 64;

/// Bytes from which on a copy that begins within a line is worth cutting at it.
#[cfg(target_arch = "x86_64")]
const SEVERAL: usize = 4 * LINE;

/// Copies; with `large`, whole lines past the caches (then [`fence`] must follow).
///
/// # Safety
/// `bytes` at both; they are the same memory or do not overlap, and with `large` they do not overlap.
#[inline(always)]
pub(crate) unsafe fn copy(from: *const u8, to: *mut u8, bytes: usize, large: bool) {
    // SAFETY: the caller's promise; each way of streaming runs only where the machine has it.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        let head = (to as usize).wrapping_neg() % LINE;
        #[cfg(target_arch = "x86_64")]
        if large && (head == 0 || bytes >= SEVERAL) {
            // To the first whole line.
            std::ptr::copy_nonoverlapping(from, to, head);
            let (from, to, bytes) = (from.add(head), to.add(head), bytes - head);
            let whole = bytes & !(LINE - 1);
            // Whole lines at once leave the write buffers for the loads.
            if is_x86_feature_detected!("avx512f") {
                x86::lines512(from, to, whole);
            } else if is_x86_feature_detected!("avx") {
                x86::lines256(from, to, whole);
            } else {
                x86::lines128(from, to, whole);
            }
            if whole < bytes {
                std::ptr::copy_nonoverlapping(from.add(whole), to.add(whole), bytes - whole);
            }
            return;
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = large;
        std::ptr::copy(from, to, bytes);
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    macro_rules! lines {
        ($name:ident, $feature:literal, $width:literal, $load:ident, $store:ident) => {
            /// # Safety
            /// `bytes`, a multiple of 64, at both, `to` aligned to 64; the feature.
            #[target_feature(enable = $feature)]
            pub(super) unsafe fn $name(from: *const u8, to: *mut u8, bytes: usize) {
                for i in (0..bytes).step_by($width) {
                    // SAFETY: within `bytes`.
                    unsafe { $store(to.add(i).cast(), $load(from.add(i).cast())) };
                }
            }
        };
    }
    lines!(lines512, "avx512f", 64, _mm512_loadu_si512, _mm512_stream_si512);
    lines!(lines256, "avx", 32, _mm256_loadu_si256, _mm256_stream_si256);
    lines!(lines128, "sse2", 16, _mm_loadu_si128, _mm_stream_si128);
}

/// Asks for the lines of `bytes` that are soon read, whatever the address; they come no nearer than the second cache.
#[inline(always)]
pub(crate) fn ask(p: *const u8, bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    for at in (0..bytes).step_by(LINE) {
        // SAFETY: part of every x86-64 processor, for any address.
        unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(p.wrapping_add(at).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (p, bytes);
}

/// Makes streamed writes visible before a task is reported done.
pub(crate) fn fence() {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: part of every x86-64 processor.
    unsafe {
        std::arch::x86_64::_mm_sfence()
    };
}
