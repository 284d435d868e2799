//! Recording work and handing it to the device: batches of dispatches and copies, run in order.
//!
//! Barriers are placed where the recorded ranges say so: before work that reads what earlier work of the batch wrote,
//! or that writes what earlier work reads or wrote. Batches begin with a barrier after everything before them.

use super::device::{Device, Layout, MAX_BINDINGS, PUSH_BYTES, failure};
use super::memory::{Block, Place};
use super::recording::{Capture, Recorded};
use super::timeline::Timeline;
use super::times::{KernelTime, Profile, Stamps};
use crate::Kind;
use ash::vk;
use mlx_ir::{Error, Result};
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// Pieces of work after which a batch is handed over without being asked: few in the first after the device was asked
/// for results, so that it starts early, and half as many again in each that follows, up to the most.
const FIRST: usize = 8;
pub(super) const BATCH: usize = 64;
/// Most bytes that travel inside a batch instead of by a copy from staging memory; the driver allows 64 KiB.
pub(crate) const INSIDE: usize = 4096;
/// Descriptor sets of a pool.
const SETS: u32 = 256;
/// How long a waiter looks at the fence again and again before it sleeps: a sleep costs more than short work takes.
const SPIN: Duration = Duration::from_micros(50);
/// As much before the time that the last wait took, and after it, he looks again: who steps through a loop waits as long
/// each time, and being woken takes long too.
const NEAR: Duration = Duration::from_micros(100);
/// How long a batch may take before the device is taken for hung: drivers that compute on the processor are as slow as what
/// else it does, and compile a kernel when it runs.
fn patience(kind: Kind) -> Duration {
    Duration::from_secs(if kind == Kind::Cpu { 1800 } else { 120 })
}

/// What happens to a range of a block.
pub(crate) struct Use<'a> {
    pub block: &'a Arc<Block>,
    pub range: Range<u64>,
    pub writes: bool,
}

/// A command buffer with what it needs.
pub(super) struct Frame {
    device: Arc<Device>,
    pool: vk::CommandPool,
    pub(super) commands: vk::CommandBuffer,
    /// Null where the queue has a timeline.
    pub(super) fence: vk::Fence,
    descriptors: Vec<vk::DescriptorPool>,
    /// Sets taken from the descriptor pools.
    sets: u32,
}

// SAFETY: the handles are used by the holder of the queue's lock only, but for the fence, which any thread may wait on.
unsafe impl Send for Frame {}
// SAFETY: as above.
unsafe impl Sync for Frame {}

impl Drop for Frame {
    fn drop(&mut self) {
        // SAFETY: a frame in flight is held by the queue, which waits before it goes.
        unsafe {
            for &d in &self.descriptors {
                self.device.raw.destroy_descriptor_pool(d, None);
            }
            self.device.raw.destroy_fence(self.fence, None);
            self.device.raw.destroy_command_pool(self.pool, None);
        }
    }
}

impl Frame {
    fn new(device: &Arc<Device>) -> std::result::Result<Frame, vk::Result> {
        let info = vk::CommandPoolCreateInfo::default()
            .queue_family_index(device.family)
            .flags(vk::CommandPoolCreateFlags::TRANSIENT);
        // SAFETY: the device lives; on failure the frame destroys what there is (null handles are allowed).
        unsafe {
            let mut frame = Frame {
                device: device.clone(),
                pool: device.raw.create_command_pool(&info, None)?,
                commands: vk::CommandBuffer::null(),
                fence: vk::Fence::null(),
                descriptors: Vec::new(),
                sets: 0,
            };
            let info = vk::CommandBufferAllocateInfo::default().command_pool(frame.pool).command_buffer_count(1);
            frame.commands = device.raw.allocate_command_buffers(&info)?[0];
            if device.timeline.is_none() {
                frame.fence = device.raw.create_fence(&vk::FenceCreateInfo::default(), None)?;
            }
            Ok(frame)
        }
    }

    /// Begins to record; `again` if the commands may be handed over more than once.
    fn begin(&mut self, again: bool) -> std::result::Result<(), vk::Result> {
        let raw = &self.device.raw;
        let once = vk::CommandBufferUsageFlags::ONE_TIME_SUBMIT;
        let flags = if again { vk::CommandBufferUsageFlags::empty() } else { once };
        let info = vk::CommandBufferBeginInfo::default().flags(flags);
        // SAFETY: the frame is not in flight.
        unsafe {
            if self.fence != vk::Fence::null() {
                raw.reset_fences(&[self.fence])?;
            }
            raw.reset_command_pool(self.pool, vk::CommandPoolResetFlags::empty())?;
            for &d in &self.descriptors {
                raw.reset_descriptor_pool(d, vk::DescriptorPoolResetFlags::empty())?;
            }
            self.sets = 0;
            raw.begin_command_buffer(self.commands, &info)
        }
    }

    /// A descriptor set that nothing uses.
    fn set(&mut self, layout: &Layout) -> std::result::Result<vk::DescriptorSet, vk::Result> {
        let at = (self.sets / SETS) as usize;
        if at == self.descriptors.len() {
            let sizes = [vk::DescriptorPoolSize {
                ty: vk::DescriptorType::STORAGE_BUFFER,
                descriptor_count: SETS * MAX_BINDINGS as u32,
            }];
            let info = vk::DescriptorPoolCreateInfo::default().max_sets(SETS).pool_sizes(&sizes);
            // SAFETY: the device lives.
            self.descriptors.push(unsafe { self.device.raw.create_descriptor_pool(&info, None) }?);
        }
        let layouts = [layout.set];
        let info = vk::DescriptorSetAllocateInfo::default().descriptor_pool(self.descriptors[at]).set_layouts(&layouts);
        // SAFETY: the pool has room: it is made for `SETS` sets of the most bindings.
        let set = unsafe { self.device.raw.allocate_descriptor_sets(&info) }?[0];
        self.sets += 1;
        Ok(set)
    }
}

/// Work recorded or in flight.
pub(super) struct Batch {
    number: u64,
    frame: Arc<Frame>,
    /// What it uses, kept until it is done; each block once.
    blocks: Vec<Arc<Block>>,
    /// Where it is a recording that runs again.
    again: Option<Arc<Recorded>>,
    pieces: usize,
    /// Pieces after which it is handed over.
    most: usize,
    /// The pipeline that the command buffer has bound.
    bound: vk::Pipeline,
    /// While times are measured.
    stamps: Option<Stamps>,
    /// Name of the last piece, for messages.
    last: String,
}

impl Batch {
    fn new(number: u64, frame: Arc<Frame>, most: usize, stamps: Option<Stamps>) -> Batch {
        Batch {
            number,
            frame,
            blocks: Vec::new(),
            again: None,
            pieces: 0,
            most,
            bound: vk::Pipeline::null(),
            stamps,
            last: String::new(),
        }
    }

    /// A recording that was handed over again.
    pub(super) fn repeated(number: u64, frame: Arc<Frame>, recorded: Arc<Recorded>) -> Batch {
        let last = "work recorded before".into();
        Batch { again: Some(recorded), last, ..Batch::new(number, frame, 0, None) }
    }
}

/// A range of bytes that the holder of the queue's lock reads and changes; empty if its end is 0.
#[derive(Default)]
struct Span {
    start: AtomicU64,
    end: AtomicU64,
}

impl Span {
    fn meets(&self, b: &Range<u64>) -> bool {
        self.start.load(Ordering::Relaxed) < b.end && b.start < self.end.load(Ordering::Relaxed)
    }
    fn widen(&self, b: &Range<u64>) {
        let (start, end) = (self.start.load(Ordering::Relaxed), self.end.load(Ordering::Relaxed));
        self.set(if end == 0 { b.clone() } else { start.min(b.start)..end.max(b.end) });
    }
    fn set(&self, r: Range<u64>) {
        self.start.store(r.start, Ordering::Relaxed);
        self.end.store(r.end, Ordering::Relaxed);
    }
}

/// What was read and written of a block since a barrier, noted in the block itself: work is recorded too often for a table.
#[derive(Default)]
pub(super) struct Seen {
    /// The barrier since which this is so; what was noted before another one does not matter any more.
    barrier: AtomicU64,
    read: Span,
    written: Span,
}

impl Seen {
    /// Whether work must wait for what was noted since `barrier`.
    fn conflicts(&self, barrier: u64, range: &Range<u64>, writes: bool) -> bool {
        self.barrier.load(Ordering::Relaxed) == barrier
            && (self.written.meets(range) || (writes && self.read.meets(range)))
    }
    fn note(&self, barrier: u64, range: &Range<u64>, writes: bool) {
        if self.barrier.swap(barrier, Ordering::Relaxed) != barrier {
            self.read.set(0..0);
            self.written.set(0..0);
        }
        (if writes { &self.written } else { &self.read }).widen(range);
    }
}

/// Whether `MLX_VULKAN_TEST_DROP_BARRIER` takes the barriers between dispatches away: so scripts/test-vulkan.sh sees
/// that the validation layer would tell of a missing one. In tests only.
fn barriers_are_dropped() -> bool {
    cfg!(test) && std::env::var_os("MLX_VULKAN_TEST_DROP_BARRIER").is_some()
}

pub(super) struct State {
    /// Being recorded.
    open: Option<Batch>,
    pub(super) flight: VecDeque<Batch>,
    idle: Vec<Arc<Frame>>,
    /// Number of the next batch; all below `done` are finished.
    pub(super) next: u64,
    done: u64,
    /// Pieces of the next batch.
    most: usize,
    barriers: u64,
    /// Number of the barrier after which work is being recorded, those at the beginning of batches among them.
    latest: u64,
    /// While times are measured.
    pub(super) profile: Option<Profile>,
    /// While work is kept to be run again.
    pub(super) capture: Option<Capture>,
}

/// The device's queue. All its work runs in the order in which it was recorded.
pub(crate) struct Queue {
    pub(super) device: Arc<Device>,
    /// Tells how far the work is; without it the fences of the frames do.
    timeline: Option<Timeline>,
    /// Nanoseconds that the last wait took of those that were not short.
    usual: AtomicU64,
    state: Mutex<State>,
}

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: the device lives; frames go after this.
        let _ = unsafe { self.device.raw.device_wait_idle() };
    }
}

/// One dispatch with everything looked up.
pub(crate) struct Ready<'a> {
    pub name: &'a str,
    pub pipeline: vk::Pipeline,
    pub layout: Layout,
    pub uses: &'a [Use<'a>],
    pub push: &'a [u32],
    pub groups: [u32; 3],
}

impl Queue {
    /// # Errors
    /// `Memory` or `Device` if the driver refuses.
    pub fn new(device: Arc<Device>) -> Result<Queue> {
        let state = State {
            open: None,
            flight: VecDeque::new(),
            idle: Vec::new(),
            next: 1,
            done: 1,
            most: FIRST,
            barriers: 0,
            latest: 1,
            profile: None,
            capture: None,
        };
        Ok(Queue { timeline: Timeline::new(&device)?, device, usual: AtomicU64::new(0), state: Mutex::new(state) })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Barriers placed between pieces of work so far.
    pub fn barriers(&self) -> u64 {
        self.state().barriers
    }

    /// Measures, from now on, how long each kernel takes.
    ///
    /// # Errors
    /// `Device` if work that waits cannot be finished, `Unsupported` if the queue has no timestamps.
    pub fn profile(&self) -> Result<()> {
        if self.device.timestamp_bits == 0 {
            return Err(Error::unsupported("[gpu] this device's queue cannot tell the time"));
        }
        self.synchronize()?;
        self.state().profile = Some(Profile::default());
        Ok(())
    }

    /// What was measured since [`Queue::profile`], longest first; measuring ends.
    ///
    /// # Errors
    /// As [`Queue::wait`].
    pub fn profiled(&self) -> Result<Vec<KernelTime>> {
        self.synchronize()?;
        let profile = self.state().profile.take();
        Ok(profile.map(|mut p| p.report(self.device.caps().timestamp_ns)).unwrap_or_default())
    }

    /// Records a dispatch.
    ///
    /// # Errors
    /// `Device` if the device was lost, `Memory` if the driver has none left.
    pub fn dispatch(&self, d: &Ready<'_>) -> Result<()> {
        debug_assert!(d.push.len() * 4 <= PUSH_BYTES && d.uses.len() <= MAX_BINDINGS);
        self.device.alive()?;
        let mut state = self.state();
        let raw = &self.device.raw;
        let frame = self.prepare(&mut state, d.uses)?;
        let infos: SmallVec<[vk::DescriptorBufferInfo; 8]> = d
            .uses
            .iter()
            .map(|u| vk::DescriptorBufferInfo {
                buffer: u.block.raw,
                offset: u.range.start,
                range: u.range.end - u.range.start,
            })
            .collect();
        // One write fills consecutive bindings, which are all alike.
        let write = |set: vk::DescriptorSet| {
            [vk::WriteDescriptorSet::default()
                .dst_set(set)
                .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
                .buffer_info(&infos)]
        };
        // SAFETY: the command buffer is being recorded under the lock; pipeline, layout and blocks live until the batch
        // is done (pipelines as long as the device); ranges lie inside their blocks, sizes inside the limits.
        unsafe {
            match &self.device.push {
                Some(push) => push.cmd_push_descriptor_set(
                    frame.0,
                    vk::PipelineBindPoint::COMPUTE,
                    d.layout.pipeline,
                    0,
                    &write(vk::DescriptorSet::null()),
                ),
                None => {
                    let set = self.set(&mut state, &d.layout)?;
                    raw.update_descriptor_sets(&write(set), &[]);
                    let sets = [set];
                    raw.cmd_bind_descriptor_sets(
                        frame.0,
                        vk::PipelineBindPoint::COMPUTE,
                        d.layout.pipeline,
                        0,
                        &sets,
                        &[],
                    );
                }
            }
            if let Some(open) = state.open.as_mut()
                && open.bound != d.pipeline
            {
                raw.cmd_bind_pipeline(frame.0, vk::PipelineBindPoint::COMPUTE, d.pipeline);
                open.bound = d.pipeline;
            }
            if !d.push.is_empty() {
                let bytes = std::slice::from_raw_parts(d.push.as_ptr().cast::<u8>(), d.push.len() * 4);
                raw.cmd_push_constants(frame.0, d.layout.pipeline, vk::ShaderStageFlags::COMPUTE, 0, bytes);
            }
            raw.cmd_dispatch(frame.0, d.groups[0], d.groups[1], d.groups[2]);
        }
        self.recorded(&mut state, d.name)
    }

    /// Records a copy of `bytes` between blocks.
    ///
    /// # Errors
    /// As [`Queue::dispatch`].
    pub fn copy(&self, from: (&Arc<Block>, u64), to: (&Arc<Block>, u64), bytes: u64) -> Result<()> {
        self.device.alive()?;
        let mut state = self.state();
        let uses = [
            Use { block: from.0, range: from.1..from.1 + bytes, writes: false },
            Use { block: to.0, range: to.1..to.1 + bytes, writes: true },
        ];
        if let (Place::Upload, Some(c)) = (from.0.place, &mut state.capture) {
            // What lies there now is gone when the work runs again.
            c.spoil();
        }
        let frame = self.prepare(&mut state, &uses)?;
        let region = [vk::BufferCopy { src_offset: from.1, dst_offset: to.1, size: bytes }];
        // SAFETY: as in `dispatch`.
        unsafe { self.device.raw.cmd_copy_buffer(frame.0, from.0.raw, to.0.raw, &region) };
        self.recorded(&mut state, "copy")
    }

    /// Records that the block's first bytes become these, at most [`INSIDE`] and a multiple of four.
    ///
    /// # Errors
    /// As [`Queue::dispatch`].
    pub fn fill(&self, to: &Arc<Block>, bytes: &[u8]) -> Result<()> {
        debug_assert!(bytes.len() <= INSIDE && bytes.len().is_multiple_of(4) && bytes.len() as u64 <= to.bytes);
        self.device.alive()?;
        let mut state = self.state();
        let frame = self.prepare(&mut state, &[Use { block: to, range: 0..bytes.len() as u64, writes: true }])?;
        // SAFETY: as in `dispatch`; the bytes are copied into the command buffer.
        unsafe { self.device.raw.cmd_update_buffer(frame.0, to.raw, 0, bytes) };
        self.recorded(&mut state, "copy")
    }

    fn set(&self, state: &mut State, layout: &Layout) -> Result<vk::DescriptorSet> {
        let refused = |e| failure("no descriptor set", e);
        let open = state.open.as_mut().ok_or_else(|| Error::device("[gpu] no batch is open"))?;
        // An open batch's frame is held by it alone: waiters hold frames of batches that are in flight.
        let frame = Arc::get_mut(&mut open.frame).ok_or_else(|| Error::device("[gpu] an open batch is shared"))?;
        frame.set(layout).map_err(refused)
    }

    /// Opens a batch if none is open, and places the barrier that `uses` need.
    fn prepare(&self, state: &mut State, uses: &[Use<'_>]) -> Result<Commands> {
        if let Some(c) = &mut state.capture {
            c.joined();
        }
        if state.open.is_none() {
            let kept = state.capture.is_some();
            let refused = |e| self.device.give_up(failure("no command buffer", e));
            let mut frame = match state.idle.pop() {
                Some(f) => f,
                None => Arc::new(Frame::new(&self.device).map_err(refused)?),
            };
            Arc::get_mut(&mut frame)
                .ok_or_else(|| Error::device("[gpu] an idle command buffer is shared"))?
                .begin(kept)
                .map_err(refused)?;
            self.barrier(frame.commands);
            let stamps = match &state.profile {
                Some(_) => Some(Stamps::begin(&self.device, frame.commands, BATCH)?),
                None => None,
            };
            let limit = self.device.caps().batch as usize;
            // What is kept has no reason to start early, but drivers with a limit need it then too.
            let most = match kept {
                true if limit == BATCH => usize::MAX,
                true => limit,
                false => state.most.min(limit),
            };
            state.open = Some(Batch::new(state.next, frame, most, stamps));
            state.next += 1;
            state.latest += 1;
            state.most = (state.most * 3 / 2).min(BATCH);
        }
        let open = state.open.as_mut().ok_or_else(|| Error::device("[gpu] no batch is open"))?;
        if uses.iter().any(|u| u.block.seen.conflicts(state.latest, &u.range, u.writes)) {
            if !barriers_are_dropped() {
                self.barrier(open.frame.commands);
            }
            state.latest += 1;
            state.barriers += 1;
        }
        for u in uses {
            u.block.seen.note(state.latest, &u.range, u.writes);
            // The number changes under this lock only.
            if u.block.last.load(Ordering::Relaxed) != open.number {
                u.block.last.store(open.number, Ordering::Release);
                open.blocks.push(u.block.clone());
                if let Some(c) = &mut state.capture {
                    c.uses(u.block);
                }
            }
        }
        Ok(Commands(open.frame.commands))
    }

    /// Everything before is done, and visible to everything after.
    fn barrier(&self, commands: vk::CommandBuffer) {
        let stages = vk::PipelineStageFlags::COMPUTE_SHADER | vk::PipelineStageFlags::TRANSFER;
        let all = vk::AccessFlags::SHADER_READ
            | vk::AccessFlags::SHADER_WRITE
            | vk::AccessFlags::TRANSFER_READ
            | vk::AccessFlags::TRANSFER_WRITE;
        let barrier = [vk::MemoryBarrier::default().src_access_mask(all).dst_access_mask(all)];
        // SAFETY: the command buffer is being recorded under the lock.
        unsafe {
            self.device.raw.cmd_pipeline_barrier(
                commands,
                stages,
                stages,
                vk::DependencyFlags::empty(),
                &barrier,
                &[],
                &[],
            );
        }
    }

    fn recorded(&self, state: &mut State, name: &str) -> Result<()> {
        let Some(open) = state.open.as_mut() else { return Ok(()) };
        open.pieces += 1;
        open.last.clear();
        open.last.push_str(name);
        if let Some(stamps) = &mut open.stamps {
            stamps.piece(&self.device, open.frame.commands, name);
        }
        if open.pieces >= open.most { self.hand_over(state) } else { Ok(()) }
    }

    pub(super) fn hand_over(&self, state: &mut State) -> Result<()> {
        let Some(batch) = state.open.take() else { return Ok(()) };
        self.close(&batch)
            .and_then(|()| self.give_to_driver(&[batch.frame.commands], &batch.frame, batch.number))
            .map_err(|e| self.refused(&batch, e))?;
        if let Some(c) = &mut state.capture {
            c.handed_over(&batch.frame);
        }
        state.flight.push_back(batch);
        self.retire(state);
        Ok(())
    }

    fn refused(&self, batch: &Batch, e: vk::Result) -> Error {
        let what = format!("work was refused whose last kernel is {}", batch.last);
        self.device.give_up(failure(&what, e))
    }

    /// Hands over what is recorded and these commands, as batch `number`, together if the queue can tell how far that is.
    pub(super) fn hand_over_with(
        &self,
        state: &mut State,
        commands: &[vk::CommandBuffer],
        frame: &Frame,
        number: u64,
    ) -> Result<()> {
        if self.timeline.is_none() || state.capture.is_some() {
            self.hand_over(state)?;
        }
        let open = state.open.take();
        let all: SmallVec<[vk::CommandBuffer; 2]> =
            open.iter().map(|b| b.frame.commands).chain(commands.iter().copied()).collect();
        open.as_ref()
            .map_or(Ok(()), |b| self.close(b))
            .and_then(|()| self.give_to_driver(&all, frame, number))
            .map_err(|e| match &open {
                Some(b) => self.refused(b, e),
                None => self.device.give_up(failure("work recorded before was refused", e)),
            })?;
        state.flight.extend(open);
        Ok(())
    }

    /// Ends a batch's commands.
    fn close(&self, batch: &Batch) -> std::result::Result<(), vk::Result> {
        let raw = &self.device.raw;
        let host = [vk::MemoryBarrier::default()
            .src_access_mask(vk::AccessFlags::SHADER_WRITE | vk::AccessFlags::TRANSFER_WRITE)
            .dst_access_mask(vk::AccessFlags::HOST_READ)];
        // SAFETY: the batch is complete; its commands are used under the queue's lock only.
        unsafe {
            raw.cmd_pipeline_barrier(
                batch.frame.commands,
                vk::PipelineStageFlags::COMPUTE_SHADER | vk::PipelineStageFlags::TRANSFER,
                vk::PipelineStageFlags::HOST,
                vk::DependencyFlags::empty(),
                &host,
                &[],
                &[],
            );
            raw.end_command_buffer(batch.frame.commands)
        }
    }

    /// Command buffers in their order, as batch `number`. The caller has the lock; `frame` is one that is not in flight.
    pub(super) fn give_to_driver(
        &self,
        commands: &[vk::CommandBuffer],
        frame: &Frame,
        number: u64,
    ) -> std::result::Result<(), vk::Result> {
        let (signals, values) = (self.timeline.as_ref().map(|t| [t.raw()]), [number]);
        let mut at_end = vk::TimelineSemaphoreSubmitInfo::default().signal_semaphore_values(&values);
        // One each: drivers with a limit to a submission have it met in every command buffer.
        let mut info: SmallVec<[vk::SubmitInfo<'_>; 1]> =
            commands.chunks(1).map(|c| vk::SubmitInfo::default().command_buffers(c)).collect();
        if let (Some(signals), Some(last)) = (&signals, info.last_mut()) {
            *last = last.signal_semaphores(signals).push_next(&mut at_end);
        }
        let _turn = self.device.turn();
        // SAFETY: the commands are complete and not in flight, nor is the frame's fence; the queue is used under the lock
        // only; numbers grow.
        unsafe { self.device.raw.queue_submit(self.device.queue, &info, frame.fence) }
    }

    /// Forgets batches that are done; their command buffers are used again.
    pub(super) fn retire(&self, state: &mut State) {
        if state.flight.is_empty() {
            return;
        }
        let reached = match &self.timeline {
            // Whoever waits for it learns what is wrong.
            Some(t) => t.reached().unwrap_or(0),
            None => u64::MAX,
        };
        while let Some(first) = state.flight.front() {
            if first.number > reached.min(self.device.adapter.last_batch) {
                return;
            }
            // SAFETY: the fence is that of a batch in flight.
            let done = || unsafe { self.device.raw.get_fence_status(first.frame.fence) };
            if self.timeline.is_none() && !matches!(done(), Ok(true)) {
                return;
            }
            let Some(batch) = state.flight.pop_front() else { return };
            state.done = batch.number + 1;
            if let Some(stamps) = batch.stamps {
                let device = &self.device;
                state.profile.get_or_insert_default().take_in(device, stamps, device.timestamp_bits);
            }
            // A waiter may still hold it; then it goes when the waiter is done. A recording keeps its own.
            if batch.again.is_none() && Arc::strong_count(&batch.frame) == 1 {
                state.idle.push(batch.frame);
            }
        }
    }

    /// Hands over what is recorded.
    ///
    /// # Errors
    /// `Device` if the device takes none.
    pub fn submit(&self) -> Result<()> {
        self.device.alive()?;
        let mut state = self.state();
        state.most = FIRST;
        self.hand_over(&mut state)
    }

    /// Whether batch `number` and all before it are done.
    pub fn is_done(&self, number: u64) -> bool {
        let mut state = self.state();
        if number >= state.done {
            self.retire(&mut state);
        }
        number < state.done
    }

    /// Returns when batch `number` and all before it are done (0: at once).
    ///
    /// # Errors
    /// `Device` if the device was lost or hangs.
    pub fn wait(&self, number: u64) -> Result<()> {
        loop {
            let (last, frame) = {
                let mut state = self.state();
                self.retire(&mut state);
                if number < state.done {
                    return Ok(());
                }
                if let Some(c) = &mut state.capture {
                    c.looked();
                }
                self.device.alive()?;
                if state.open.as_ref().is_some_and(|b| b.number <= number) {
                    state.most = FIRST;
                    self.hand_over(&mut state)?;
                }
                match state.flight.iter().rev().find(|b| b.number <= number) {
                    Some(b) => (b.number, self.timeline.is_none().then(|| b.frame.clone())),
                    None => return Ok(()),
                }
            };
            self.wait_for(last, frame.as_deref())?;
        }
    }

    /// Waits for batch `number`, whose frame is given where the queue has no timeline.
    fn wait_for(&self, number: u64, frame: Option<&Frame>) -> Result<()> {
        let raw = &self.device.raw;
        let fence = frame.map_or(vk::Fence::null(), |f| f.fence);
        let done = || match &self.timeline {
            Some(t) => t.reached().map(|n| n >= number),
            // SAFETY: the frame is held, so its fence lives; looking at it needs no lock.
            None => unsafe { raw.get_fence_status(fence) },
        };
        let sleep = |most: Duration| {
            let most = most.as_nanos() as u64;
            match &self.timeline {
                Some(t) => t.wait(number, most),
                // SAFETY: as above.
                None => unsafe { raw.wait_for_fences(&[fence], true, most) },
            }
        };
        let patience = patience(self.device.adapter.kind);
        let began = Instant::now();
        let look_until = |end: Duration| loop {
            match done() {
                Ok(false) if began.elapsed() < end => std::hint::spin_loop(),
                Ok(false) => break Err(vk::Result::TIMEOUT),
                Ok(true) => break Ok(()),
                Err(e) => break Err(e),
            }
        };
        let usual = Duration::from_nanos(self.usual.load(Ordering::Relaxed));
        let mut answer = look_until(SPIN);
        if answer == Err(vk::Result::TIMEOUT) && usual > SPIN {
            answer = sleep(usual.saturating_sub(NEAR + began.elapsed()));
            if answer == Err(vk::Result::TIMEOUT) {
                answer = look_until(usual + NEAR);
            }
        }
        if answer == Err(vk::Result::TIMEOUT) {
            answer = sleep(patience);
        }
        let took = began.elapsed();
        if took > SPIN {
            self.usual.store(took.as_nanos() as u64, Ordering::Relaxed);
        }
        let lost = number > self.device.adapter.last_batch;
        let e = match answer {
            Ok(()) if lost => vk::Result::ERROR_DEVICE_LOST,
            Ok(()) => return Ok(()),
            Err(e) => e,
        };
        // What was recorded tells where to look.
        let last = self.state().flight.iter().find(|b| b.number == number).map(|b| b.last.clone()).unwrap_or_default();
        let name = &self.device.adapter.name;
        Err(self.device.give_up(match e {
            vk::Result::TIMEOUT => Error::device(format!(
                "[gpu] {name} did not finish its work within {} s; its last kernel is {last}",
                patience.as_secs()
            )),
            e => failure(&format!("{name} was lost at work whose last kernel is {last}"), e),
        }))
    }

    /// Returns when everything recorded so far is done.
    ///
    /// # Errors
    /// As [`Queue::wait`].
    pub fn synchronize(&self) -> Result<()> {
        let last = self.state().next - 1;
        self.wait(last)
    }
}

/// The command buffer that is being recorded.
struct Commands(vk::CommandBuffer);
