//! Work that is kept and handed over again: the same kernels over the same memory, whose contents may be others.
//!
//! What is recorded meanwhile runs as always. It can be kept if all of it came from one thread, which did not wait for
//! results and sent nothing through staging memory: then nothing in it depends on what the processor did between.

use super::device::failure;
use super::memory::Block;
use super::queue::{Batch, Frame, Queue};
use ash::vk;
use mlx_ir::Result;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::ThreadId;

/// What is kept while it is recorded.
pub(super) struct Capture {
    thread: ThreadId,
    frames: Vec<Arc<Frame>>,
    blocks: Vec<Arc<Block>>,
    seen: HashSet<u64>,
    spoiled: bool,
}

impl Capture {
    /// It cannot run again.
    pub(super) fn spoil(&mut self) {
        self.spoiled = true;
    }

    /// Something is being recorded.
    pub(super) fn joined(&mut self) {
        self.spoiled |= std::thread::current().id() != self.thread;
    }

    /// Somebody waits for results, or looks at some.
    pub(super) fn looked(&mut self) {
        self.spoiled |= std::thread::current().id() == self.thread;
    }

    /// A block is used. From now on nobody else is given it.
    pub(super) fn uses(&mut self, block: &Arc<Block>) {
        if self.seen.insert(block.id) {
            block.keep();
            self.blocks.push(block.clone());
        }
    }

    /// A batch was handed over.
    pub(super) fn handed_over(&mut self, frame: &Arc<Frame>) {
        self.frames.push(frame.clone());
    }
}

/// Command buffers in their order, and all memory that they use, each block once and kept.
pub(crate) struct Recorded {
    frames: Vec<Arc<Frame>>,
    pub(crate) blocks: Vec<Arc<Block>>,
    /// Whether it can run again.
    pub(crate) whole: bool,
}

impl Queue {
    /// From now on what is recorded is kept, until [`Queue::captured`].
    ///
    /// # Errors
    /// `Device` if the device was lost.
    pub fn capture(&self) -> Result<()> {
        self.device.alive()?;
        let mut state = self.state();
        self.hand_over(&mut state)?;
        // What is measured is measured once; who comes second has his work recorded by the first.
        let spoiled = state.profile.is_some() || state.capture.is_some();
        let thread = std::thread::current().id();
        let capture = Capture { thread, frames: Vec::new(), blocks: Vec::new(), seen: HashSet::new(), spoiled };
        // Another thread's, which is spoiled, takes in what follows.
        state.capture.get_or_insert(capture).spoiled |= spoiled;
        Ok(())
    }

    /// The processor reads results.
    pub fn looked(&self) {
        if let Some(c) = &mut self.state().capture {
            c.looked();
        }
    }

    /// What was recorded since [`Queue::capture`], all of it handed over if the device takes it.
    pub fn captured(&self) -> Option<Recorded> {
        let mut state = self.state();
        let handed = self.hand_over(&mut state);
        let c = state.capture.take()?;
        let whole = handed.is_ok() && !c.spoiled && !c.frames.is_empty();
        Some(Recorded { frames: c.frames, blocks: c.blocks, whole })
    }

    /// Hands over again what was kept, after everything recorded so far. It must not be in flight. Returns its number.
    ///
    /// # Errors
    /// `Device` if the device takes none.
    pub fn again(&self, recorded: &Arc<Recorded>) -> Result<u64> {
        self.device.alive()?;
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        let commands: Vec<vk::CommandBuffer> = recorded.frames.iter().map(|f| f.commands).collect();
        let Some(frame) = recorded.frames.first() else { return Ok(0) };
        let ready = match frame.fence == vk::Fence::null() {
            true => Ok(()),
            // SAFETY: the recording is not in flight, so neither is the fence.
            false => unsafe { self.device.raw.reset_fences(&[frame.fence]) },
        };
        // The commands were begun to be handed over more than once; frames and blocks live as long as the recording.
        ready.map_err(|e| self.device.give_up(failure("work recorded before was refused", e)))?;
        self.hand_over_with(&mut state, &commands, frame, number)?;
        for b in &recorded.blocks {
            // The number changes under the queue's lock only.
            b.last.store(number, Ordering::Release);
        }
        state.flight.push_back(Batch::repeated(number, frame.clone(), recorded.clone()));
        self.retire(&mut state);
        Ok(number)
    }
}
