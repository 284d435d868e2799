//! The back end: arrays on the device, and the one place that says which op has which kernel.

use crate::emit::Halves;
use crate::hal::device::Device;
use crate::hal::memory::{Block, Place, Pool, host_bytes, host_copy, host_equal};
#[cfg(test)]
use crate::hal::pipelines::Make;
use crate::hal::pipelines::Pipelines;
use crate::hal::queue::{INSIDE, Queue};
use crate::hal::recording::Recorded;
use crate::hash::Quick;
use crate::kernels;
use crate::kernels::FAMILIES;
use crate::kernels::map::Key;
use crate::kernels::tune::Tuner;
use crate::record::{Cx, Shader, can_hold, fits};
use crate::{Adapter, Caps, KernelTime, Kind};
use mlx_ir::{Backend, Buffer, Desc, Error, GpuProgram, Launch, Memory, MemoryInfo, Op, Operand, Result};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;

/// Bytes that travel to the device at a time; two pieces are under way, so that the next one is read meanwhile.
const PIECE: usize = 8 << 20;
/// Files' bytes fewer than these are copied: an import costs the driver more.
const IMPORT: usize = 16 << 10;

/// The parts of an open device. They go in this order: the queue waits for its work first.
pub(crate) struct Core {
    pub queue: Queue,
    pub pipelines: Pipelines,
    pub pool: Pool,
    pub device: Arc<Device>,
    pub dispatches: AtomicU64,
    shaders: RwLock<HashMap<Key, Arc<Shader>, Quick>>,
    pub tuner: Tuner,
    /// No more of the device's memory can be had through the processor's window to it.
    window_full: AtomicBool,
    /// For the arrays that are made of it.
    me: std::sync::Weak<Core>,
}

/// Memory of arrays on the device.
pub(crate) struct Arrays {
    pub block: Arc<Block>,
    /// Where in the block they begin: not at its start if it is whole pages of a file.
    pub lead: usize,
    bytes: usize,
    core: Arc<Core>,
    /// Where the processor reads the bytes, on devices with memory of their own.
    host: Mutex<Option<Arc<Block>>>,
}

impl Drop for Arrays {
    fn drop(&mut self) {
        self.forget_host_copy();
        self.core.pool.give(self.block.clone());
    }
}

impl Arrays {
    /// The bytes are about to change.
    pub fn forget_host_copy(&self) {
        if let Some(b) = self.host.lock().unwrap_or_else(|e| e.into_inner()).take() {
            self.core.pool.give(b);
        }
    }
}

impl Memory for Arrays {
    fn ptr(&self) -> *mut u8 {
        // Whoever wants errors asks `to_host` first; after a failure the bytes are undefined but there.
        let _ = self.to_host();
        let host = self.host.lock().unwrap_or_else(|e| e.into_inner());
        let mapped = host.as_ref().map_or(self.block.mapped, |b| b.mapped);
        mapped.map_or(std::ptr::null_mut(), |p| p.as_ptr())
    }
    fn len(&self) -> usize {
        self.bytes
    }
    fn writable(&self) -> bool {
        self.block.place != Place::File
    }
    fn wait(&self) -> Result<()> {
        self.core.queue.wait(self.block.last.load(Ordering::Acquire))?;
        self.core.pipelines.save();
        Ok(())
    }
    fn to_host(&self) -> Result<()> {
        self.core.queue.looked();
        if self.block.mapped.is_some() {
            self.wait()?;
            return self.block.to_read();
        }
        let mut host = self.host.lock().unwrap_or_else(|e| e.into_inner());
        if host.is_some() {
            return Ok(());
        }
        let to = self.core.take(self.bytes, Place::Download)?;
        // A copy of nothing is none: an empty array takes a word along.
        let bytes = (self.bytes as u64).next_multiple_of(4).clamp(4, self.block.bytes);
        let fetched = self
            .core
            .queue
            .copy((&self.block, 0), (&to, 0), bytes)
            .and_then(|()| self.core.queue.wait(to.last.load(Ordering::Acquire)))
            .and_then(|()| to.to_read());
        match fetched {
            Ok(()) => {
                *host = Some(to);
                Ok(())
            }
            Err(e) => {
                self.core.pool.give(to);
                Err(e)
            }
        }
    }
    fn host_wrote(&self) -> Result<()> {
        self.block.written()
    }
    fn on_device(&self) -> bool {
        true
    }
}

impl Core {
    fn new(device: Arc<Device>) -> Result<Arc<Core>> {
        let folder = mlx_ir::home::folder().map(|f| f.join("vulkan"));
        let pipelines = Pipelines::new(device.clone(), folder.as_deref())?;
        let queue = Queue::new(device.clone())?;
        let tuner = Tuner::new(&device, folder.as_deref());
        Ok(Arc::new_cyclic(|me| Core {
            queue,
            pipelines,
            pool: Pool::new(device.clone()),
            device,
            dispatches: AtomicU64::new(0),
            shaders: RwLock::default(),
            tuner,
            window_full: AtomicBool::new(false),
            me: me.clone(),
        }))
    }

    /// The memory, if it is this device's.
    pub fn own<'b>(&self, b: &'b Buffer) -> Option<&'b Arrays> {
        b.downcast::<Arrays>().filter(|m| std::ptr::eq(&*m.core, self))
    }

    /// Memory of the pool. Where none is left it waits for work in flight, whose memory comes back then.
    pub fn take(&self, bytes: usize, place: Place) -> Result<Arc<Block>> {
        // If that fails, so does what is tried next.
        self.pool.take(bytes, place, &|| drop(self.queue.synchronize()))
    }

    fn arrays(&self, block: Arc<Block>, lead: usize, bytes: usize) -> Result<Buffer> {
        match self.me.upgrade() {
            Some(core) => Ok(Buffer::new(Arrays { block, lead, bytes, core, host: Mutex::new(None) })),
            None => Err(Error::device("[gpu] the device is being closed")),
        }
    }

    /// Memory for an array.
    ///
    /// # Errors
    /// `Memory` if there is none.
    pub fn alloc(&self, bytes: usize) -> Result<Buffer> {
        self.arrays(self.take(bytes, Place::Array)?, 0, bytes)
    }

    /// A part of host memory (or of another device's) on this device: the file's own pages where the device can read
    /// them, else a copy.
    pub fn upload(&self, from: &Buffer, part: Range<usize>) -> Result<Buffer> {
        from.to_host()?;
        let source = from.ptr();
        if source.is_null() {
            return Err(Error::runtime("[gpu] the source of a copy cannot be read"));
        }
        let pages = from.pages().filter(|_| part.len() >= IMPORT);
        let first = source.wrapping_add(part.start);
        if let Some(p) = &pages
            && let Some((block, lead)) = self.pool.import(first, part.len(), p.clone())
            && let Some(importer) = &self.device.importer
            && importer.trusts(|| self.reads(&block, first.wrapping_sub(lead), lead + part.len()))?
        {
            return self.arrays(block, lead, part.len());
        }
        if let Some(p) = &pages
            && let Some(there) = self.direct(source, &part)?
        {
            p.not_needed(part);
            return Ok(there);
        }
        let to = self.alloc(part.len())?;
        let Some(m) = self.own(&to) else { return Err(Error::runtime("[gpu] an allocation is not the device's")) };
        let used = m.block.last.load(Ordering::Acquire);
        if part.len() <= INSIDE && (m.block.mapped.is_none() || !self.queue.is_done(used)) {
            // Neither staging memory nor work that still uses the block needs to be waited for.
            let bytes = host_bytes(source, part.start, part.len());
            return self.queue.fill(&m.block, &bytes).map(|()| to);
        }
        if let Some(mapped) = m.block.mapped {
            // Kept blocks may still be read by work in flight.
            self.queue.wait(used)?;
            host_copy(source, part.start, mapped, part.len());
            m.block.written()?;
            if let Some(p) = &pages {
                p.not_needed(part);
            }
            return Ok(to);
        }
        let mut stages: SmallVec<[Arc<Block>; 2]> = SmallVec::new();
        let mut sent = Ok(());
        for (i, at) in (0..part.len()).step_by(PIECE).enumerate() {
            let piece = part.start + at..part.end.min(part.start + at + PIECE);
            sent = self.send(source, piece.clone(), (&m.block, at), &mut stages, i % 2);
            if sent.is_err() {
                break;
            }
            if let Some(p) = &pages {
                p.not_needed(piece);
            }
        }
        stages.into_iter().for_each(|s| self.pool.give(s));
        sent.map(|()| to)
    }

    /// Whether the device finds the same at both ends of imported pages as the processor, which sees them at `first`.
    fn reads(&self, block: &Arc<Block>, first: *const u8, bytes: usize) -> Result<bool> {
        let n = bytes.min(4096) / 4 * 4;
        for at in [0, (bytes - n) / 4 * 4] {
            let back = self.take(n, Place::Download)?;
            let read = self
                .queue
                .copy((block, at as u64), (&back, 0), n as u64)
                .and_then(|()| self.queue.wait(back.last.load(Ordering::Acquire)))
                .and_then(|()| back.to_read());
            let same = back.mapped.is_some_and(|b| host_equal(first.wrapping_add(at), b, n));
            self.pool.give(back);
            read?;
            if !same {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Sends a piece through the staging memory of one of two places, which serve by turns.
    fn send(
        &self,
        source: *const u8,
        piece: Range<usize>,
        to: (&Arc<Block>, usize),
        stages: &mut SmallVec<[Arc<Block>; 2]>,
        turn: usize,
    ) -> Result<()> {
        if stages.len() == turn {
            stages.push(self.take(piece.len().max(1), Place::Upload)?);
        }
        let stage = &stages[turn];
        let Some(mapped) = stage.mapped else {
            return Err(Error::device("[gpu] the driver gave staging memory that cannot be written"));
        };
        self.queue.wait(stage.last.load(Ordering::Acquire))?;
        host_copy(source, piece.start, mapped, piece.len());
        stage.written()?;
        let bytes = (piece.len() as u64).next_multiple_of(4);
        self.queue.copy((stage, 0), (to.0, to.1 as u64), bytes)?;
        self.queue.submit()
    }

    /// The part of a file written straight into the device's own memory. None where there is no window to all of it, or
    /// what can be had of it is used up.
    fn direct(&self, source: *const u8, part: &Range<usize>) -> Result<Option<Buffer>> {
        let a = &self.device.adapter;
        if a.unified || !a.rebar || !a.caps.coherent || self.window_full.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let Ok(block) = self.pool.take(part.len(), Place::Direct, &|| ()) else {
            self.window_full.store(true, Ordering::Relaxed);
            return Ok(None);
        };
        let to = self.arrays(block.clone(), 0, part.len())?;
        let Some(window) = block.window else { return Ok(None) };
        // A kept block may still be read by work in flight.
        self.queue.wait(block.last.load(Ordering::Acquire))?;
        host_copy(source, part.start, window, part.len());
        Ok(Some(to))
    }

    /// The run-time shader known by `key`, made at first use.
    ///
    /// # Errors
    /// `Unsupported` if it cannot be made.
    pub fn emitted(&self, key: Key) -> Result<Arc<Shader>> {
        if let Some(s) = self.shaders.read().unwrap_or_else(|e| e.into_inner()).get(&key) {
            return Ok(s.clone());
        }
        let code = key
            .emit(Halves::of(self.device.caps()))
            .ok_or_else(|| Error::unsupported(format!("[gpu] no shader for {}", key.name())))?;
        let shader = Arc::new(Shader::new(key.name(), code));
        let mut all = self.shaders.write().unwrap_or_else(|e| e.into_inner());
        Ok(all.entry(key).or_insert(shader).clone())
    }
}

impl AsRef<Pipelines> for Core {
    fn as_ref(&self) -> &Pipelines {
        &self.pipelines
    }
}

/// Pipelines being made in the background. When it goes, those under way are waited for and no more are begun.
#[derive(Default)]
pub struct Warming {
    threads: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

impl Warming {
    /// Waits until all are made.
    pub fn finish(mut self) {
        self.join();
    }
    fn join(&mut self) {
        for t in self.threads.drain(..) {
            // A thread that panicked made nothing.
            let _ = t.join();
        }
    }
}

impl Drop for Warming {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.join();
    }
}

/// Work that was recorded once and can be run again over the same memory.
pub struct Recording {
    recorded: Arc<Recorded>,
    core: Arc<Core>,
    /// Number of its last run.
    last: u64,
}

impl Drop for Recording {
    fn drop(&mut self) {
        // Who is given the memory uses it in work that comes after this one's.
        self.core.pool.release(&self.recorded.blocks);
    }
}

impl Recording {
    /// Runs the work again; returns when it is handed over. The outputs' former contents are gone then.
    ///
    /// # Errors
    /// `Device` if the device was lost.
    pub fn run(&mut self, outputs: &[&Buffer]) -> Result<()> {
        self.core.queue.wait(self.last)?;
        outputs.iter().filter_map(|b| self.core.own(b)).for_each(Arrays::forget_host_copy);
        self.last = self.core.queue.again(&self.recorded)?;
        Ok(())
    }
}

/// Arrays and kernels on a Vulkan device.
pub struct VulkanBackend {
    core: Arc<Core>,
    /// A bit for each of [`FAMILIES`] that is not used.
    off: AtomicU32,
}

fn bit(family: &str) -> u32 {
    FAMILIES.iter().position(|&f| f == family).map_or(0, |i| 1 << i)
}

impl VulkanBackend {
    /// Opens a usable device.
    ///
    /// # Errors
    /// `Device` if its driver refuses, or the adapter was found not to be usable.
    pub fn open(adapter: &Adapter) -> Result<VulkanBackend> {
        if let Some(why) = &adapter.refused {
            return Err(Error::device(format!("[gpu] {} cannot be used: {why}", adapter.name)));
        }
        let off = adapter.off.iter().fold(0, |bits, f| bits | bit(f));
        Ok(VulkanBackend { core: Core::new(Device::open(adapter)?)?, off: AtomicU32::new(off) })
    }

    /// The family of kernels that an op belongs to; none if it has no kernel.
    pub fn family(op: &Op) -> Option<&'static str> {
        kernels::family(op)
    }
    /// Uses a family no more: its ops are declined.
    pub fn switch_off(&self, family: &str) {
        self.off.fetch_or(bit(family), Ordering::Relaxed);
    }
    /// Families that are not used.
    pub fn switched_off(&self) -> Vec<&'static str> {
        let off = self.off.load(Ordering::Relaxed);
        FAMILIES.iter().copied().filter(|f| off & bit(f) != 0).collect()
    }

    /// Begins to make the kernels that were used before on this device, in the background; from now on those in use are
    /// noted for the next start. Once a device: later calls do nothing.
    pub fn prewarm(&self) -> Warming {
        let most = std::thread::available_parallelism().map_or(1, |n| n.get() / 2).clamp(1, 4);
        // A driver that computes on the processor has no threads to spare.
        let threads = if self.adapter().kind == Kind::Cpu { 1 } else { most };
        let stop = Arc::default();
        Warming { threads: Pipelines::prewarm(&self.core, threads, &stop), stop }
    }

    /// The device.
    pub fn adapter(&self) -> &Adapter {
        &self.core.device.adapter
    }
    /// What it can do.
    pub fn caps(&self) -> &Caps {
        self.core.device.caps()
    }
    /// Dispatches recorded so far.
    pub fn dispatches(&self) -> u64 {
        self.core.dispatches.load(Ordering::Relaxed)
    }
    /// Barriers placed between dispatches so far.
    pub fn barriers(&self) -> u64 {
        self.core.queue.barriers()
    }
    /// Measures, from now on, how long each kernel takes; costs a little time.
    ///
    /// # Errors
    /// `Unsupported` if the device cannot, `Device` if it was lost.
    pub fn profile(&self) -> Result<()> {
        self.core.queue.profile()
    }
    /// What was measured since [`VulkanBackend::profile`], longest first; measuring ends.
    ///
    /// # Errors
    /// `Device` if the device was lost.
    pub fn profiled(&self) -> Result<Vec<KernelTime>> {
        self.core.queue.profiled()
    }
    /// Does `work`, whose kernels run as always, and keeps what it recorded, to be run again. None if that is not
    /// possible: if it waited for results, brought much data to the device, computed something elsewhere or shared
    /// the device with another thread.
    ///
    /// # Errors
    /// Those of `work`; `Device` if the device was lost.
    pub fn capture(&self, work: impl FnOnce() -> Result<()>) -> Result<Option<Recording>> {
        let core = &self.core;
        core.queue.capture()?;
        let done = work();
        let Some(recorded) = core.queue.captured() else { return done.map(|()| None) };
        let last = recorded.blocks.iter().map(|b| b.last.load(Ordering::Acquire)).max().unwrap_or(0);
        // Gives the memory back when it goes.
        let recording = Recording { recorded: Arc::new(recorded), core: core.clone(), last };
        done?;
        Ok(Some(recording).filter(|r| r.recorded.whole))
    }
    /// Changes the first bytes of an array's memory, at most 4096 and a multiple of four, after the work recorded so
    /// far.
    ///
    /// # Errors
    /// `Value` for memory that is not this device's or other numbers of bytes, `Device` if the device was lost.
    pub fn overwrite(&self, buffer: &Buffer, bytes: &[u8]) -> Result<()> {
        match self.core.own(buffer) {
            Some(m) if bytes.len() <= INSIDE.min(m.len()) && bytes.len().is_multiple_of(4) && !bytes.is_empty() => {
                m.forget_host_copy();
                self.core.queue.fill(&m.block, bytes)
            }
            _ => Err(Error::value(format!("[gpu] {} bytes cannot be written there", bytes.len()))),
        }
    }
    /// Sees that the sizes of a kernel of a user's are within this device's; it need not be compiled yet.
    ///
    /// # Errors
    /// `Value`, in words for the user.
    pub fn check_sizes(&self, program: &GpuProgram) -> Result<()> {
        crate::glsl::check::sizes(self.caps(), program)
    }
    /// Sees that a kernel of a user's is one for this device.
    ///
    /// # Errors
    /// `Value` and `Unsupported`, in words for the user.
    pub fn check_program(&self, program: &GpuProgram) -> Result<()> {
        crate::glsl::check::check(self.caps(), program)
    }
    /// Bytes of files that the device reads in place; they are no memory of its own.
    pub fn imported(&self) -> u64 {
        self.core.device.importer.as_ref().map_or(0, |i| i.bytes())
    }
    /// Sets the limit on memory in use; returns the previous one.
    pub fn set_memory_limit(&self, bytes: usize) -> usize {
        self.core.pool.set_limit(bytes)
    }
    /// Sets how many freed bytes are kept for reuse; returns the previous limit.
    pub fn set_cache_limit(&self, bytes: usize) -> usize {
        self.core.pool.set_keep(bytes)
    }
    /// Gives kept memory back to the driver.
    pub fn clear_cache(&self) {
        self.core.pool.clear();
    }
    #[cfg(test)]
    pub(crate) fn device_for_test(&self) -> Arc<Device> {
        self.core.device.clone()
    }
    #[cfg(test)]
    pub(crate) fn upload_for_test(&self, from: &Buffer) -> Buffer {
        self.core.upload(from, 0..from.len()).expect("room")
    }
    #[cfg(test)]
    pub(crate) fn cx_for_test(&self) -> Cx<'_> {
        Cx::new(&self.core)
    }
    #[cfg(test)]
    pub(crate) fn pipeline_for_test(&self, s: &Shader, spec: &[u32], bindings: usize) -> Result<()> {
        self.core.pipelines.get(&s.name, s.id, &s.code, spec, bindings, Make::default()).map(|_| ())
    }
    /// Forgets the peak.
    pub fn reset_peak_memory(&self) {
        self.core.pool.reset_peak();
    }
}

impl Backend for VulkanBackend {
    fn name(&self) -> &'static str {
        "vulkan"
    }
    fn shares_memory(&self) -> bool {
        self.adapter().unified
    }
    fn alloc(&self, bytes: usize) -> Result<Buffer> {
        self.core.alloc(bytes)
    }
    fn can_hold(&self, bytes: usize) -> bool {
        can_hold(self.caps(), bytes as u64)
    }
    fn launch(&self, op: &Op, inputs: &[Operand], outputs: &[Operand]) -> Result<Launch> {
        if outputs.iter().all(|o| o.desc.size() == 0) {
            return Ok(Launch::Done);
        }
        let mut cx = Cx::new(&self.core);
        match kernels::record(&mut cx, op, inputs, outputs) {
            Err(_) if cx.was_refused() => Ok(Launch::Declined),
            done => done,
        }
    }
    fn supports(&self, op: &Op, inputs: &[Desc], outputs: &[Desc]) -> bool {
        let caps = self.caps();
        let off = self.off.load(Ordering::Relaxed);
        if off != 0 && kernels::family(op).is_some_and(|f| off & bit(f) != 0) {
            return false;
        }
        inputs.iter().enumerate().all(|(i, d)| fits(caps, d) || kernels::split::divides(op, i))
            && outputs.iter().all(|d| fits(caps, d))
            && kernels::supports(caps, op, inputs, outputs)
    }
    fn memory(&self) -> MemoryInfo {
        self.core.pool.info()
    }
    fn submit(&self) -> Result<()> {
        self.core.queue.submit()
    }
    fn synchronize(&self) -> Result<()> {
        self.core.queue.synchronize()?;
        self.core.pipelines.save();
        Ok(())
    }
}
