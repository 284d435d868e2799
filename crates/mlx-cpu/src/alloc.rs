//! Memory for arrays: aligned blocks, freed ones kept for reuse within limits.
//!
//! Sizes are rounded up to a quantum, and a kept block serves a request when it is less than twice as large and less
//! than two quanta larger (MLX's rule, with its page as the quantum of middling sizes). The oldest kept blocks leave
//! first when the cache is over its limit. Large blocks lie on huge pages where the system offers them: fewer page
//! faults on first use, fewer TLB misses afterwards.

use mlx_ir::{Buffer, Error, Memory, MemoryInfo, Result};
use std::alloc::{Layout, alloc, dealloc};
use std::collections::BTreeMap;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard};

/// Alignment of every block.
pub const ALIGN: usize = 64;
const PAGE: usize = 4096;
/// Blocks from this size on are aligned to it and advised to use huge pages.
const HUGE: usize = 2 << 20;
/// Bounds of the default cache limit, which is 1/32 of the memory in between. MLX's 32 MiB would send every
/// temporary of a few MiB back to the system, and the page faults of a fresh one cost more than computing it.
const CACHE_LIMIT: (usize, usize) = (32 << 20, 512 << 20);

/// A pool of blocks with its limits and figures. Cloned handles share it.
#[derive(Clone)]
pub struct Allocator(Arc<Mutex<State>>);

struct State {
    /// Freed small blocks by size class (64 · 2^class bytes).
    small: [Vec<Block>; SMALL_CLASSES],
    /// Freed larger blocks by size and age.
    large: BTreeMap<(usize, u64), Block>,
    /// The same by age: its size.
    ages: BTreeMap<u64, usize>,
    clock: u64,
    active: usize,
    peak: usize,
    cache: usize,
    limit: usize,
    cache_limit: usize,
    /// Whether new blocks get guards.
    guard: bool,
    /// Blocks freed with a damaged guard.
    damaged: u64,
}

/// Bytes of guard on each side of a guarded allocation.
const GUARD: usize = ALIGN;
/// What guards, and guarded memory nobody has written yet, are filled with.
const FILL: u8 = 0xA5;

/// Classes 64, 128, … 4096 bytes.
const SMALL_CLASSES: usize = 7;

struct Block(NonNull<u8>);

// SAFETY: a block is an exclusively owned piece of memory.
unsafe impl Send for Block {}

fn quantum(bytes: usize) -> usize {
    if bytes < HUGE { PAGE } else { HUGE / 8 }
}

/// The size really allocated for a request, or none when it overflows.
fn block_size(bytes: usize) -> Option<usize> {
    if bytes <= PAGE {
        return Some(bytes.next_power_of_two().max(ALIGN));
    }
    bytes.checked_next_multiple_of(quantum(bytes)).filter(|&b| b <= isize::MAX as usize - HUGE)
}

fn layout(size: usize) -> Layout {
    let align = if size >= HUGE { HUGE } else { ALIGN };
    Layout::from_size_align(size, align).expect("block sizes leave room for their alignment")
}

fn class(size: usize) -> usize {
    (size / ALIGN).trailing_zeros() as usize
}

fn system_alloc(size: usize) -> Option<Block> {
    // SAFETY: the size is not zero.
    let block = Block(NonNull::new(unsafe { alloc(layout(size)) })?);
    #[cfg(target_os = "linux")]
    if size >= HUGE {
        // SAFETY: the block starts on a huge page boundary and is ours; advice changes no contents.
        unsafe { libc::madvise(block.0.as_ptr().cast(), size, libc::MADV_HUGEPAGE) };
    }
    Some(block)
}

fn system_free(block: Block, size: usize) {
    // SAFETY: every block comes from `system_alloc` with the size under which it is kept.
    unsafe { dealloc(block.0.as_ptr(), layout(size)) }
}

impl State {
    /// A kept block that fits, with its size.
    fn take(&mut self, size: usize) -> Option<(Block, usize)> {
        if size <= PAGE {
            let block = self.small[class(size)].pop()?;
            self.cache -= size;
            return Some((block, size));
        }
        let (&(found, age), _) = self.large.range((size, 0)..).next()?;
        if found >= (2 * size).min(size + 2 * quantum(size)) {
            return None;
        }
        let block = self.large.remove(&(found, age))?;
        self.ages.remove(&age);
        self.cache -= found;
        Some((block, found))
    }

    /// Keeps a freed block.
    fn keep(&mut self, block: Block, size: usize) {
        self.cache += size;
        if size <= PAGE {
            self.small[class(size)].push(block);
        } else {
            self.clock += 1;
            self.large.insert((size, self.clock), block);
            self.ages.insert(self.clock, size);
        }
    }

    /// Gives kept blocks back to the system until at most `bytes` are kept, the oldest first.
    fn shrink(&mut self, bytes: usize) {
        while self.cache > bytes {
            let Some((age, size)) = self.ages.pop_first() else { break };
            if let Some(block) = self.large.remove(&(size, age)) {
                system_free(block, size);
                self.cache -= size;
            }
        }
        for c in (0..SMALL_CLASSES).rev() {
            while self.cache > bytes {
                let Some(block) = self.small[c].pop() else { break };
                system_free(block, ALIGN << c);
                self.cache -= ALIGN << c;
            }
        }
    }
}

impl Drop for State {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

/// One allocation; returns to its pool when dropped.
struct Allocation {
    ptr: NonNull<u8>,
    /// What was asked for.
    len: usize,
    /// What the block holds; 0 for an empty allocation, which has no block.
    size: usize,
    /// Bytes of the block before `ptr`: none, or a guard.
    before: usize,
    pool: Allocator,
}

impl Allocation {
    fn block(&self) -> Block {
        // SAFETY: `ptr` lies `before` bytes inside the block.
        Block(unsafe { self.ptr.sub(self.before) })
    }

    /// Whether a guard was written.
    fn is_damaged(&self) -> bool {
        if self.before == 0 {
            return false;
        }
        // SAFETY: the block is ours, `size` bytes long and was filled when it was made.
        let all = unsafe { std::slice::from_raw_parts(self.block().0.as_ptr(), self.size) };
        all[..self.before].iter().chain(&all[self.before + self.len..]).any(|&b| b != FILL)
    }
}

// SAFETY: the memory is owned; who may touch its contents is the promise of `Buffer`.
unsafe impl Send for Allocation {}
// SAFETY: as above.
unsafe impl Sync for Allocation {}

impl Memory for Allocation {
    fn ptr(&self) -> *mut u8 {
        self.ptr.as_ptr()
    }
    fn len(&self) -> usize {
        self.len
    }
    fn writable(&self) -> bool {
        true
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        if self.size == 0 {
            return;
        }
        let damaged = self.is_damaged();
        let mut s = self.pool.lock();
        s.damaged += damaged as u64;
        s.active -= self.size;
        if self.size > s.cache_limit {
            drop(s);
            system_free(self.block(), self.size);
            return;
        }
        s.keep(self.block(), self.size);
        let limit = s.cache_limit;
        s.shrink(limit);
    }
}

impl Allocator {
    /// An empty pool with the default limits: 0.8 of the memory that the process may use, and a cache of 1/32 of it
    /// (32 to 512 MiB).
    pub fn new() -> Self {
        let ram = usable_memory();
        let limit = ram.map_or(isize::MAX as usize, |r| r / 5 * 4);
        let cache_limit = ram.map_or(CACHE_LIMIT.0, |r| (r / 32).clamp(CACHE_LIMIT.0, CACHE_LIMIT.1));
        Allocator(Arc::new(Mutex::new(State {
            small: Default::default(),
            large: BTreeMap::new(),
            ages: BTreeMap::new(),
            clock: 0,
            active: 0,
            peak: 0,
            cache: 0,
            limit,
            cache_limit,
            guard: false,
            damaged: 0,
        })))
    }

    /// With guards, new allocations lie between filled bytes that are looked at when they are freed, and are filled
    /// themselves: writes outside and reads of what was never written show. For tests; it costs time.
    pub fn set_guard(&self, on: bool) {
        self.lock().guard = on;
    }

    /// Guarded allocations that were found damaged when they were freed.
    pub fn damaged(&self) -> u64 {
        self.lock().damaged
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent at every point that can panic.
        self.0.lock().unwrap_or_else(|p| p.into_inner())
    }

    /// Memory for `bytes`, aligned to 64 bytes, contents undefined.
    ///
    /// # Errors
    /// `Memory` when the limit would be passed or the system has none left; nothing else changes then.
    pub fn alloc(&self, bytes: usize) -> Result<Buffer> {
        if bytes == 0 {
            let ptr = NonNull::without_provenance(std::num::NonZero::new(ALIGN).expect("not zero"));
            return Ok(Buffer::new(Allocation { ptr, len: 0, size: 0, before: 0, pool: self.clone() }));
        }
        let fail = |why: String| Error::memory(format!("[alloc] cannot allocate {bytes} bytes: {why}"));
        let mut s = self.lock();
        let before = if s.guard { GUARD } else { 0 };
        let size = bytes.checked_add(2 * before).and_then(block_size);
        let size = size.ok_or_else(|| fail("the size is not addressable".into()))?;
        let (block, size) = match s.take(size) {
            Some(b) => b,
            None => {
                let (active, limit) = (s.active, s.limit);
                let total = active.checked_add(size).filter(|&t| t <= limit);
                let Some(total) = total else {
                    return Err(fail(format!("{active} bytes are in use and the limit is {limit}")));
                };
                // Kept blocks count as well: they give way before the limit is passed.
                s.shrink(limit - total);
                drop(s);
                let mut block = system_alloc(size);
                s = self.lock();
                if block.is_none() && s.cache > 0 {
                    s.shrink(0);
                    block = system_alloc(size);
                }
                let Some(block) = block else {
                    return Err(fail(format!("the system has no memory left, {} bytes are in use", s.active)));
                };
                (block, size)
            }
        };
        s.active += size;
        s.peak = s.peak.max(s.active);
        drop(s);
        if before > 0 {
            // SAFETY: the block is ours and `size` bytes long.
            unsafe { block.0.write_bytes(FILL, size) };
        }
        // SAFETY: a guarded block is longer than its guards.
        let ptr = unsafe { block.0.add(before) };
        Ok(Buffer::new(Allocation { ptr, len: bytes, size, before, pool: self.clone() }))
    }

    /// Bytes in use, most ever in use, kept.
    pub fn info(&self) -> MemoryInfo {
        let s = self.lock();
        MemoryInfo { active: s.active, peak: s.peak, cache: s.cache }
    }

    /// Sets the limit of bytes in use above which allocation fails; returns the previous one.
    pub fn set_limit(&self, bytes: usize) -> usize {
        std::mem::replace(&mut self.lock().limit, bytes)
    }

    /// Sets the limit of bytes kept for reuse; returns the previous one. What is over it goes at once.
    pub fn set_cache_limit(&self, bytes: usize) -> usize {
        let mut s = self.lock();
        s.shrink(bytes);
        std::mem::replace(&mut s.cache_limit, bytes)
    }

    /// The limits of bytes in use and of bytes kept.
    pub fn limits(&self) -> (usize, usize) {
        let s = self.lock();
        (s.limit, s.cache_limit)
    }

    /// Gives all kept blocks back to the system.
    pub fn clear_cache(&self) {
        self.lock().shrink(0);
    }

    /// The peak starts again from what is in use now.
    pub fn reset_peak(&self) {
        let mut s = self.lock();
        s.peak = s.active;
    }
}

impl Default for Allocator {
    fn default() -> Self {
        Self::new()
    }
}

/// Bytes of memory that this process may use: the machine's, or its control group's limit if that is lower.
pub fn usable_memory() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kib: usize = text.lines().find_map(|l| l.strip_prefix("MemTotal:"))?.split_whitespace().next()?.parse().ok()?;
    let total = kib.checked_mul(1024)?;
    let group = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .find_map(|p| std::fs::read_to_string(p).ok()?.trim().parse::<usize>().ok());
    Some(group.map_or(total, |g| g.min(total)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlx_ir::ErrorKind;

    #[test]
    fn blocks_are_aligned_counted_and_reused() {
        let a = Allocator::new();
        for bytes in [1, 63, 64, 65, 4096, 4097, 100_000, HUGE - 1, HUGE, HUGE + 1, 5 * HUGE] {
            let b = a.alloc(bytes).unwrap();
            assert_eq!((b.len(), b.ptr() as usize % ALIGN), (bytes, 0));
            // SAFETY: the block is ours and holds `bytes`.
            unsafe { b.ptr().write_bytes(0xa5, bytes) };
            let p = b.ptr();
            assert!(a.info().active >= bytes && a.info().active <= 2 * bytes.max(64));
            drop(b);
            assert_eq!(a.info().active, 0);
            assert!(a.info().cache >= bytes);
            let again = a.alloc(bytes).unwrap();
            assert_eq!(again.ptr(), p, "a freed block of {bytes} bytes serves the same size");
            drop(again);
            a.clear_cache();
            assert_eq!(a.info().cache, 0);
        }
        assert!(a.info().peak >= 5 * HUGE);
        a.reset_peak();
        assert_eq!(a.info().peak, 0);
        assert!(a.alloc(0).unwrap().is_empty());
    }

    #[test]
    fn reuse_wastes_little() {
        let a = Allocator::new();
        drop(a.alloc(64 * PAGE).unwrap());
        let kept = a.info().cache;
        let b = a.alloc(62 * PAGE).unwrap();
        assert_eq!(a.info().cache, kept, "two pages larger is too large");
        drop(b);
        let c = a.alloc(63 * PAGE).unwrap();
        assert_eq!(a.info().active, 64 * PAGE);
        drop(c);
    }

    #[test]
    fn limits_hold_and_failure_changes_nothing() {
        let a = Allocator::new();
        let before = a.set_limit(1 << 20);
        assert_eq!(a.set_limit(1 << 20), 1 << 20);
        assert!(before > 1 << 20);
        let b = a.alloc(600 << 10).unwrap();
        let info = a.info();
        let e = a.alloc(600 << 10).unwrap_err();
        assert_eq!(e.kind, ErrorKind::Memory);
        assert_eq!(a.info(), info);
        drop(b);
        // The kept block is too small for this one and must leave so that the sum stays within the limit.
        let c = a.alloc(900 << 10).unwrap();
        assert_eq!(a.info().cache, 0);
        drop(c);
        assert_eq!(a.alloc(isize::MAX as usize).unwrap_err().kind, ErrorKind::Memory);
        assert_eq!(a.alloc(usize::MAX).unwrap_err().kind, ErrorKind::Memory);
        a.set_limit(usize::MAX);
        // More than any address space gives: the system's own refusal.
        assert_eq!(a.alloc(1 << 60).unwrap_err().kind, ErrorKind::Memory);
        assert_eq!(a.info().active, 0);
    }

    #[test]
    fn guards_tell_of_writes_outside() {
        let a = Allocator::new();
        a.set_guard(true);
        for n in [1usize, 63, 64, 100, 4096, 70_000] {
            let b = a.alloc(n).unwrap();
            assert_eq!(b.ptr() as usize % ALIGN, 0);
            // SAFETY: inside the block, which nobody else sees.
            unsafe { b.ptr().write_bytes(1, n) };
        }
        assert_eq!(a.damaged(), 0);
        for (wrong, at) in [(1, 100), (2, -1)] {
            let b = a.alloc(100).unwrap();
            // SAFETY: inside the guards of the block.
            unsafe { b.ptr().offset(at).write(1) };
            drop(b);
            assert_eq!(a.damaged(), wrong);
        }
        a.set_guard(false);
        assert_eq!(a.info().active, 0);
    }

    #[test]
    fn the_cache_limit_drops_the_oldest() {
        let a = Allocator::new();
        a.set_cache_limit(3 * 64 * PAGE);
        let blocks: Vec<_> = (0..5).map(|_| a.alloc(64 * PAGE).unwrap()).collect();
        let ptrs: Vec<_> = blocks.iter().map(|b| b.ptr()).collect();
        blocks.into_iter().for_each(drop);
        assert_eq!(a.info().cache, 3 * 64 * PAGE);
        let left: Vec<_> = (0..3).map(|_| a.alloc(64 * PAGE).unwrap().ptr()).collect();
        assert!(left.iter().all(|p| ptrs[2..].contains(p)));
        a.set_cache_limit(0);
        assert_eq!(a.info().cache, 0);
        drop(a.alloc(100).unwrap());
        assert_eq!(a.info().cache, 0);
    }

    #[test]
    fn threads_share_it() {
        let a = Allocator::new();
        std::thread::scope(|s| {
            for t in 1..5usize {
                let a = &a;
                s.spawn(move || {
                    for i in 0..500 {
                        let n = (i * 977 * t) % 300_000 + 1;
                        let b = a.alloc(n).unwrap();
                        // SAFETY: the block is ours alone.
                        unsafe { b.ptr().write_bytes(t as u8, n) };
                        // SAFETY: as above.
                        assert_eq!(unsafe { b.ptr().add(n - 1).read() }, t as u8);
                    }
                });
            }
        });
        assert_eq!(a.info().active, 0);
    }
}
