//! The pooled allocator: 64-byte aligned blocks, freed ones kept for reuse, figures and limits as MLX has them.

use mlx_ir::{Buffer, Error, Memory, MemoryInfo, Result};
use std::alloc::Layout;
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// Alignment of every block: a cache line, and the widest vector register.
const ALIGN: usize = 64;
/// Blocks of at least this size are rounded to pages and reused within two of them.
const PAGE: usize = 4096;
/// Blocks of at least this size are aligned to and advised for huge pages.
const HUGE: usize = 2 << 20;

/// Allocates blocks and takes them back.
pub struct Allocator {
    shared: Arc<Shared>,
}

struct Shared {
    cache: Mutex<Cache>,
    active: AtomicUsize,
    peak: AtomicUsize,
    limit: AtomicUsize,
    cache_limit: AtomicUsize,
}

#[derive(Default)]
struct Cache {
    /// Free blocks by size.
    free: BTreeMap<usize, Vec<Raw>>,
    bytes: usize,
}

/// A block nobody uses.
struct Raw(NonNull<u8>);
// SAFETY: a free block is plain memory that belongs to whoever holds the value.
unsafe impl Send for Raw {}

/// A block in use.
struct Block {
    ptr: NonNull<u8>,
    size: usize,
    home: Arc<Shared>,
}
// SAFETY: a block is plain memory; who may read and write it is decided by `Buffer`'s rules.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Memory for Block {
    fn ptr(&self) -> *mut u8 {
        self.ptr.as_ptr()
    }
    fn len(&self) -> usize {
        self.size
    }
    fn writable(&self) -> bool {
        true
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.home.active.fetch_sub(self.size, Ordering::Relaxed);
        self.home.take_back(Raw(self.ptr), self.size);
    }
}

fn rounded(bytes: usize) -> Option<usize> {
    let to = if bytes < PAGE { ALIGN } else { PAGE };
    bytes.max(1).checked_next_multiple_of(to).filter(|&n| n <= isize::MAX as usize - HUGE)
}

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size, if size >= HUGE { HUGE } else { ALIGN }).ok()
}

fn release(raw: Raw, size: usize) {
    if let Some(l) = layout(size) {
        // SAFETY: the block was allocated with this very layout and nobody uses it.
        unsafe { std::alloc::dealloc(raw.0.as_ptr(), l) };
    }
}

impl Shared {
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn take_back(&self, raw: Raw, size: usize) {
        if size > self.cache_limit.load(Ordering::Relaxed) {
            release(raw, size);
            return;
        }
        let mut c = self.cache();
        c.free.entry(size).or_default().push(raw);
        c.bytes += size;
        let limit = self.cache_limit.load(Ordering::Relaxed);
        c.shrink(limit);
    }
}

impl Cache {
    /// A free block of at least `size` that is not wastefully larger: under twice the size, or within two pages.
    fn find(&mut self, size: usize) -> Option<(Raw, usize)> {
        let most = (2 * size - 1).max(if size >= PAGE { size + 2 * PAGE } else { size });
        let (&found, list) = self.free.range_mut(size..=most).next()?;
        let raw = list.pop()?;
        if list.is_empty() {
            self.free.remove(&found);
        }
        self.bytes -= found;
        Some((raw, found))
    }

    /// Gives blocks back to the system, the largest first, until at most `limit` bytes are kept.
    fn shrink(&mut self, limit: usize) {
        while self.bytes > limit {
            let Some((&size, list)) = self.free.iter_mut().next_back() else { break };
            if let Some(raw) = list.pop() {
                release(raw, size);
                self.bytes -= size;
            }
            if list.is_empty() {
                self.free.remove(&size);
            }
        }
    }
}

/// Total memory of the machine in bytes, where the system tells.
pub fn system_memory() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|l| l.starts_with("MemTotal:"))?;
    line.split_whitespace().nth(1)?.parse::<usize>().ok()?.checked_mul(1024)
}

impl Default for Allocator {
    fn default() -> Self {
        Self::new()
    }
}

impl Allocator {
    /// An allocator with MLX's default limit, 0.8 of the machine's memory. The cache keeps up to a quarter of the
    /// limit (MLX's CPU build: 32 MiB): fresh large blocks cost a page fault for every page on first use.
    pub fn new() -> Self {
        let limit = system_memory().map_or(usize::MAX / 2, |n| n / 10 * 8);
        Self {
            shared: Arc::new(Shared {
                cache: Mutex::default(),
                active: AtomicUsize::new(0),
                peak: AtomicUsize::new(0),
                limit: AtomicUsize::new(limit),
                cache_limit: AtomicUsize::new((limit / 4).min(1 << 30)),
            }),
        }
    }

    /// At least `bytes` of memory, 64-byte aligned, contents undefined.
    ///
    /// # Errors
    /// `Memory` over the limit or when the system has none left.
    pub fn alloc(&self, bytes: usize) -> Result<Buffer> {
        let s = &self.shared;
        let refuse = |why: &str| {
            Error::memory(format!(
                "[malloc] Unable to allocate {bytes} bytes: {why} (in use {}, limit {}).",
                s.active.load(Ordering::Relaxed),
                s.limit.load(Ordering::Relaxed)
            ))
        };
        let size = rounded(bytes).ok_or_else(|| refuse("too large to address"))?;
        let limit = s.limit.load(Ordering::Relaxed);
        if s.active.load(Ordering::Relaxed).saturating_add(size) > limit {
            return Err(refuse("over the memory limit"));
        }
        let found = s.cache().find(size);
        let (raw, size) = match found {
            Some(f) => f,
            None => {
                // Memory kept for reuse counts against the limit too.
                let room = limit.saturating_sub(s.active.load(Ordering::Relaxed)).saturating_sub(size);
                s.cache().shrink(room);
                let fresh = || {
                    let l = layout(size)?;
                    // SAFETY: the size is not zero.
                    NonNull::new(unsafe { std::alloc::alloc(l) })
                };
                let ptr = match fresh() {
                    Some(p) => p,
                    None => {
                        self.clear_cache();
                        fresh().ok_or_else(|| refuse("the system has no memory left"))?
                    }
                };
                advise_huge(ptr, size);
                (Raw(ptr), size)
            }
        };
        let active = s.active.fetch_add(size, Ordering::Relaxed) + size;
        s.peak.fetch_max(active, Ordering::Relaxed);
        Ok(Buffer::new(Block { ptr: raw.0, size, home: s.clone() }))
    }

    /// Figures in bytes.
    pub fn info(&self) -> MemoryInfo {
        MemoryInfo {
            active: self.shared.active.load(Ordering::Relaxed),
            peak: self.shared.peak.load(Ordering::Relaxed),
            cache: self.shared.cache().bytes,
        }
    }
    /// Forgets the peak: it starts again from what is in use.
    pub fn reset_peak(&self) {
        self.shared.peak.store(self.shared.active.load(Ordering::Relaxed), Ordering::Relaxed);
    }
    /// Sets the limit on memory in use; returns the previous one.
    pub fn set_limit(&self, bytes: usize) -> usize {
        self.shared.limit.swap(bytes, Ordering::Relaxed)
    }
    /// Sets how many freed bytes are kept; returns the previous limit.
    pub fn set_cache_limit(&self, bytes: usize) -> usize {
        let old = self.shared.cache_limit.swap(bytes, Ordering::Relaxed);
        self.shared.cache().shrink(bytes);
        old
    }
    /// Gives all kept blocks back to the system.
    pub fn clear_cache(&self) {
        self.shared.cache().shrink(0);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.cache().shrink(0);
    }
}

#[cfg(target_os = "linux")]
fn advise_huge(ptr: NonNull<u8>, size: usize) {
    if size >= HUGE {
        // SAFETY: the range is ours; the advice changes no contents, and its failure costs only speed.
        unsafe { libc::madvise(ptr.as_ptr().cast(), size / HUGE * HUGE, libc::MADV_HUGEPAGE) };
    }
}

#[cfg(not(target_os = "linux"))]
fn advise_huge(_: NonNull<u8>, _: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_limits_and_reuse() {
        let a = Allocator::new();
        let x = a.alloc(1000).unwrap();
        assert_eq!(x.ptr() as usize % 64, 0);
        assert_eq!(a.info().active, 1024);
        let p = x.ptr();
        drop(x);
        assert_eq!((a.info().active, a.info().cache, a.info().peak), (0, 1024, 1024));
        let y = a.alloc(900).unwrap();
        assert_eq!(y.ptr(), p, "a block under twice the size is reused");
        assert_ne!(a.alloc(100).unwrap().ptr(), p);
        a.clear_cache();
        assert_eq!(a.info().cache, 0);
        let old = a.set_limit(10_000);
        let e = a.alloc(100_000).unwrap_err();
        assert_eq!(e.kind, mlx_ir::ErrorKind::Memory);
        assert_eq!(a.info().active, y.len(), "a refusal changes nothing");
        assert_eq!(a.set_limit(old), 10_000);
        assert!(a.alloc(usize::MAX).is_err());
        a.reset_peak();
        assert_eq!(a.info().peak, y.len());
        a.set_cache_limit(0);
        drop(y);
        assert_eq!(a.info(), MemoryInfo { active: 0, peak: 1024, cache: 0 });
        assert_eq!(a.alloc(4 << 20).unwrap().ptr() as usize % HUGE, 0);
    }
}
