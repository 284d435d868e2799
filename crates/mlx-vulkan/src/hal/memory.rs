//! Device memory: blocks, and a pool that keeps freed ones, since drivers take milliseconds for new ones.

use super::device::{Device, failure};
use super::queue::Seen;
use ash::vk;
use mlx_ir::{Error, MemoryInfo, Pages, Result};
use smallvec::SmallVec;
use std::alloc::Layout;
use std::collections::{BTreeMap, HashSet};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use vk_mem::Alloc;

/// Where a block should lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// Where the device computes; on devices that share the processor's memory it is mapped too.
    Array,
    /// The device's own memory, which the processor writes through a window and never reads.
    Direct,
    /// Pages of a file, which the device reads in place.
    File,
    /// Mapped memory that the processor writes and the device copies from.
    Upload,
    /// Mapped memory that the device copies to and the processor reads.
    Download,
}

/// A buffer with memory of its own.
pub(crate) struct Block {
    pub raw: vk::Buffer,
    pub bytes: u64,
    pub place: Place,
    /// First byte, where the processor can read and write it.
    pub mapped: Option<NonNull<u8>>,
    /// First byte of memory that the processor can only write: reading it is a thousand times slower than anything else.
    pub window: Option<NonNull<u8>>,
    /// Tells blocks apart, for hazards.
    pub id: u64,
    /// Number of the last batch of work that uses it.
    pub last: AtomicU64,
    /// What work since the last barrier does with it.
    pub(super) seen: Seen,
    /// Recordings that use it whenever they run: nobody else is given it meanwhile.
    kept: AtomicU32,
    /// Where the processor works instead of in the mapped memory, to see that nothing relies on its being coherent.
    shadow: Option<Shadow>,
    holding: Holding,
    device: Arc<Device>,
}

/// What a block's bytes lie in.
pub(super) enum Holding {
    /// Memory of the device's allocator.
    Own(vk_mem::Allocation),
    /// Pages of the host, which stay where they are meanwhile.
    Imported { memory: vk::DeviceMemory, _pages: Arc<dyn Pages> },
}

/// Memory of the processor's own beside a mapped block.
struct Shadow {
    copy: NonNull<u8>,
    mapped: NonNull<u8>,
    layout: Layout,
}

impl Shadow {
    /// None if there is no memory for it.
    fn of(mapped: NonNull<u8>, bytes: u64) -> Option<Shadow> {
        let layout = Layout::from_size_align(bytes as usize, 64).ok()?;
        // SAFETY: blocks are not empty.
        let copy = NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) })?;
        Some(Shadow { copy, mapped, layout })
    }
}

impl Drop for Shadow {
    fn drop(&mut self) {
        // SAFETY: made with this layout.
        unsafe { std::alloc::dealloc(self.copy.as_ptr(), self.layout) };
    }
}

// SAFETY: the pointer is to memory that lives as long as the block; who may touch it when is the back end's affair.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: batches in flight hold their blocks, so the device is done with it.
        unsafe {
            match &mut self.holding {
                Holding::Own(a) => {
                    self.device.allocator.destroy_buffer(self.raw, a);
                    self.device.allocated.fetch_sub(self.bytes, Ordering::Relaxed);
                }
                Holding::Imported { memory, .. } => {
                    self.device.raw.destroy_buffer(self.raw, None);
                    self.device.raw.free_memory(*memory, None);
                    if let Some(i) = &self.device.importer {
                        i.ended(self.bytes);
                    }
                }
            }
        }
    }
}

impl Block {
    /// A recording uses it from now on whenever it runs, until [`Pool::release`].
    pub fn keep(&self) {
        self.kept.fetch_add(1, Ordering::Relaxed);
    }
    /// Makes what the processor wrote visible to the device.
    pub fn written(&self) -> Result<()> {
        if let Some(s) = &self.shadow {
            host_copy(s.copy.as_ptr(), 0, s.mapped, s.layout.size());
        }
        // Pages that are read in place are coherent.
        let Holding::Own(allocation) = &self.holding else { return Ok(()) };
        let done = self.device.allocator.flush_allocation(allocation, 0, vk::WHOLE_SIZE);
        done.map_err(|e| failure("memory could not be flushed", e))
    }
    /// Makes what the device wrote visible to the processor.
    pub fn to_read(&self) -> Result<()> {
        let Holding::Own(allocation) = &self.holding else { return Ok(()) };
        let done = self.device.allocator.invalidate_allocation(allocation, 0, vk::WHOLE_SIZE);
        if let Some(s) = &self.shadow {
            host_copy(s.mapped.as_ptr(), 0, s.copy, s.layout.size());
        }
        done.map_err(|e| failure("memory could not be invalidated", e))
    }
}

/// Copies `bytes` from `offset` after `from`, which the processor can read, to the start of a mapped block that holds
/// them and that nothing uses.
pub(crate) fn host_copy(from: *const u8, offset: usize, to: NonNull<u8>, bytes: usize) {
    // SAFETY: the caller's checks; the two are different memory.
    unsafe { std::ptr::copy_nonoverlapping(from.add(offset), to.as_ptr(), bytes) }
}

/// The `bytes` from `offset` after `from`, which the processor can read, and zeros up to whole words (at least one).
pub(crate) fn host_bytes(from: *const u8, offset: usize, bytes: usize) -> SmallVec<[u8; 64]> {
    let mut out: SmallVec<[u8; 64]> = smallvec::smallvec![0; bytes.next_multiple_of(4).max(4)];
    // SAFETY: the caller's checks; the new list is other memory and no shorter.
    unsafe { std::ptr::copy_nonoverlapping(from.add(offset), out.as_mut_ptr(), bytes) };
    out
}

/// Whether two ranges of memory that the processor can read hold the same.
pub(crate) fn host_equal(a: *const u8, b: NonNull<u8>, bytes: usize) -> bool {
    // SAFETY: the caller's checks; neither is written meanwhile.
    unsafe { std::slice::from_raw_parts(a, bytes) == std::slice::from_raw_parts(b.as_ptr(), bytes) }
}

/// Freed blocks by place and size.
#[derive(Default)]
struct Free {
    blocks: BTreeMap<(Place, u64), Vec<Arc<Block>>>,
    bytes: u64,
    /// Blocks that recordings alone still use.
    orphans: HashSet<u64>,
}

/// All blocks of a device.
pub(crate) struct Pool {
    device: Arc<Device>,
    free: Mutex<Free>,
    active: AtomicU64,
    peak: AtomicU64,
    next: AtomicU64,
    /// Most bytes kept for reuse.
    keep: AtomicU64,
    /// Most bytes in use and kept together.
    limit: AtomicU64,
}

/// Bytes that were counted and are not, unless it is forgotten.
struct Room<'a> {
    device: &'a Device,
    size: u64,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.device.allocated.fetch_sub(self.size, Ordering::Relaxed);
    }
}

/// Sizes are rounded up, so that arrays of nearly the same size share blocks.
pub(crate) fn rounded(bytes: u64) -> u64 {
    let b = bytes.max(16);
    b.next_multiple_of(if b < 64 << 10 { 256 } else { 16 << 10 })
}

impl Pool {
    pub fn new(device: Arc<Device>) -> Pool {
        let total: u64 = device.adapter.heaps.iter().filter(|h| h.device_local).map(|h| h.bytes).sum();
        Pool {
            device,
            free: Mutex::new(Free::default()),
            active: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            next: AtomicU64::new(1),
            keep: AtomicU64::new(total / 4),
            limit: AtomicU64::new(u64::MAX),
        }
    }

    fn free(&self) -> MutexGuard<'_, Free> {
        // Counters and lists are changed together without anything between that panics.
        self.free.lock().unwrap_or_else(|e| e.into_inner())
    }

    pub(super) fn device(&self) -> &Device {
        &self.device
    }

    /// A block of at least `bytes`, its contents undefined. A kept one may still be in use by work in flight. When the
    /// driver has no memory left, or is over its budget, what is kept is given back and `settle` is called, which waits
    /// for work in flight, since that holds memory too.
    ///
    /// # Errors
    /// `Memory` if there is none even then.
    pub fn take(&self, bytes: usize, place: Place, settle: &dyn Fn()) -> Result<Arc<Block>> {
        let size = rounded(bytes as u64);
        if size > self.device.caps().allocation_size {
            return Err(Error::memory(format!(
                "[gpu] {bytes} bytes are more than the {} of one allocation on this device",
                self.device.caps().allocation_size
            )));
        }
        let kept = {
            let mut free = self.free();
            let block = free.blocks.get_mut(&(place, size)).and_then(Vec::pop).or_else(|| {
                // No more than twice as large, or two pages.
                let sizes = (place, size)..=(place, (2 * size).max(size + 8192));
                free.blocks.range_mut(sizes).find_map(|(_, v)| v.pop())
            });
            if let Some(b) = &block {
                free.bytes -= b.bytes;
            }
            block
        };
        let block = match kept {
            Some(b) => b,
            None => Arc::new(self.make(size, place, settle)?),
        };
        let active = self.active.fetch_add(block.bytes, Ordering::Relaxed) + block.bytes;
        self.peak.fetch_max(active, Ordering::Relaxed);
        Ok(block)
    }

    fn make(&self, size: u64, place: Place, settle: &dyn Fn()) -> Result<Block> {
        let over = |kept: u64| {
            self.active.load(Ordering::Relaxed).saturating_add(kept).saturating_add(size)
                > self.limit.load(Ordering::Relaxed)
        };
        if over(self.free().bytes) {
            self.clear();
            if over(0) {
                return Err(Error::memory(format!(
                    "[gpu] {size} bytes more would pass the memory limit of {} bytes",
                    self.limit.load(Ordering::Relaxed)
                )));
            }
        }
        match self.create(size, place) {
            Err(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY | vk::Result::ERROR_OUT_OF_HOST_MEMORY) => {
                self.clear();
                settle();
                self.create(size, place)
            }
            r => r,
        }
        .map_err(|e| failure(&format!("{size} bytes could not be allocated"), e))
    }

    fn create(&self, size: u64, place: Place) -> std::result::Result<Block, vk::Result> {
        use vk::{BufferUsageFlags as Usage, MemoryPropertyFlags as Flags};
        use vk_mem::AllocationCreateFlags as How;
        // Tests have memory end early.
        let after = self.device.allocated.fetch_add(size, Ordering::Relaxed) + size;
        let room = Room { device: &self.device, size };
        if after > self.device.adapter.memory_limit {
            return Err(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY);
        }
        let info = vk::BufferCreateInfo::default()
            .size(size)
            .usage(Usage::STORAGE_BUFFER | Usage::TRANSFER_SRC | Usage::TRANSFER_DST)
            .sharing_mode(vk::SharingMode::EXCLUSIVE);
        let unified = self.device.adapter.unified;
        let (required, preferred, flags) = match place {
            Place::Array if unified => {
                (Flags::HOST_VISIBLE, Flags::DEVICE_LOCAL | Flags::HOST_CACHED, How::HOST_ACCESS_RANDOM | How::MAPPED)
            }
            Place::Array | Place::File => (Flags::empty(), Flags::DEVICE_LOCAL, How::empty()),
            Place::Direct => (
                Flags::DEVICE_LOCAL | Flags::HOST_VISIBLE | Flags::HOST_COHERENT,
                Flags::empty(),
                How::HOST_ACCESS_SEQUENTIAL_WRITE | How::MAPPED,
            ),
            Place::Upload => {
                (Flags::HOST_VISIBLE, Flags::HOST_COHERENT, How::HOST_ACCESS_SEQUENTIAL_WRITE | How::MAPPED)
            }
            Place::Download => (Flags::HOST_VISIBLE, Flags::HOST_CACHED, How::HOST_ACCESS_RANDOM | How::MAPPED),
        };
        // Beyond its budget a driver moves memory to and fro, which takes longer than anything that is computed there.
        let within = if self.device.caps().memory_budget { How::WITHIN_BUDGET } else { How::empty() };
        let how = vk_mem::AllocationCreateInfo {
            flags: flags | within,
            usage: if matches!(place, Place::Array | Place::Direct) {
                vk_mem::MemoryUsage::Unknown
            } else {
                vk_mem::MemoryUsage::AutoPreferHost
            },
            required_flags: required,
            preferred_flags: preferred,
            ..Default::default()
        };
        // SAFETY: the device lives; the size is within its limits.
        let (raw, allocation) = unsafe { self.device.allocator.create_buffer(&info, &how) }?;
        std::mem::forget(room);
        let seen = NonNull::new(self.device.allocator.get_allocation_info(&allocation).mapped_data.cast::<u8>());
        let (mapped, window) = if place == Place::Direct { (None, seen) } else { (seen, None) };
        let shadow = mapped.filter(|_| self.device.adapter.shadowed).and_then(|m| Shadow::of(m, size));
        Ok(Block {
            raw,
            bytes: size,
            place,
            mapped: shadow.as_ref().map_or(mapped, |s| Some(s.copy)),
            window,
            shadow,
            id: self.next.fetch_add(1, Ordering::Relaxed),
            last: AtomicU64::new(0),
            seen: Seen::default(),
            kept: AtomicU32::new(0),
            holding: Holding::Own(allocation),
            device: self.device.clone(),
        })
    }

    /// A block over pages of the host. It counts as no memory of the device, and is never kept for reuse.
    pub(super) fn imported(&self, raw: vk::Buffer, bytes: u64, holding: Holding) -> Block {
        Block {
            raw,
            bytes,
            place: Place::File,
            mapped: None,
            window: None,
            shadow: None,
            id: self.next.fetch_add(1, Ordering::Relaxed),
            last: AtomicU64::new(0),
            seen: Seen::default(),
            kept: AtomicU32::new(0),
            holding,
            device: self.device.clone(),
        }
    }

    /// Takes a block back, to be used again or freed.
    pub fn give(&self, block: Arc<Block>) {
        if block.place == Place::File {
            return;
        }
        let mut free = self.free();
        if block.kept.load(Ordering::Relaxed) > 0 {
            // It counts as in use until the recording gives it back.
            free.orphans.insert(block.id);
            return;
        }
        self.active.fetch_sub(block.bytes, Ordering::Relaxed);
        if free.bytes + block.bytes <= self.keep.load(Ordering::Relaxed) {
            free.bytes += block.bytes;
            free.blocks.entry((block.place, block.bytes)).or_default().push(block);
        }
    }

    /// Ends what [`Block::keep`] began; blocks that nobody else has are given back.
    pub fn release(&self, blocks: &[Arc<Block>]) {
        for b in blocks {
            let orphan = {
                let mut free = self.free();
                b.kept.fetch_sub(1, Ordering::Relaxed) == 1 && free.orphans.remove(&b.id)
            };
            if orphan {
                self.give(b.clone());
            }
        }
    }

    /// Frees what is kept; blocks in flight go when their work is done.
    pub fn clear(&self) {
        let old = {
            let mut free = self.free();
            free.bytes = 0;
            std::mem::take(&mut free.blocks)
        };
        drop(old);
    }

    /// Figures in bytes.
    pub fn info(&self) -> MemoryInfo {
        MemoryInfo {
            active: self.active.load(Ordering::Relaxed) as usize,
            peak: self.peak.load(Ordering::Relaxed) as usize,
            cache: self.free().bytes as usize,
        }
    }

    /// Sets the most bytes in use and kept together; returns the previous limit.
    pub fn set_limit(&self, bytes: usize) -> usize {
        self.limit.swap(bytes as u64, Ordering::Relaxed) as usize
    }

    /// Sets the most bytes kept for reuse; returns the previous limit.
    pub fn set_keep(&self, bytes: usize) -> usize {
        let old = self.keep.swap(bytes as u64, Ordering::Relaxed) as usize;
        if self.free().bytes > bytes as u64 {
            self.clear();
        }
        old
    }

    /// Forgets the peak.
    pub fn reset_peak(&self) {
        self.peak.store(self.active.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}
