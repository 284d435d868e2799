//! What planners record with: operands made resident, scratch memory, dispatches.

use crate::Caps;
use crate::backend::Core;
use crate::hal::device::MAX_BINDINGS;
use crate::hal::memory::{Block, Place, rounded};
use crate::hal::pipelines::Make;
use crate::hal::queue::{Ready, Use};
use crate::kernels::map::Key;
use crate::kernels::tune::Tuner;
use mlx_ir::{Desc, Error, ErrorKind, Operand, Result};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Words of push constants.
pub(crate) const PUSH_WORDS: usize = crate::hal::device::PUSH_BYTES / 4;

/// A compute shader: SPIR-V for Vulkan 1.1 with the entry point `main`.
pub(crate) struct Shader {
    /// For messages.
    pub name: Cow<'static, str>,
    pub code: Cow<'static, [u32]>,
    /// Tells shaders apart.
    pub id: u64,
}

impl Shader {
    /// A shader made at run time.
    pub fn new(name: String, code: Vec<u32>) -> Shader {
        Shader { name: Cow::Owned(name), id: fingerprint(&code), code: Cow::Owned(code) }
    }
}

/// Tells shaders apart by their code (FNV-1a over words).
pub(crate) const fn fingerprint(code: &[u32]) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325_u64;
    let mut i = 0;
    while i < code.len() {
        h = (h ^ code[i] as u64).wrapping_mul(0x100_0000_01b3);
        i += 1;
    }
    h
}

/// A range of device memory, as one binding of a dispatch.
#[derive(Clone)]
pub(crate) struct Bound {
    /// Bytes from the start of the binding to element (0, …, 0) of the operand.
    pub first: u32,
    block: Arc<Block>,
    range: Range<u64>,
    writes: bool,
}

impl Bound {
    /// From so many bytes further on.
    pub fn skip(self, bytes: usize) -> Bound {
        Bound { first: self.first + bytes as u32, ..self }
    }
    /// The same range, only read.
    pub fn for_reading(self) -> Bound {
        Bound { writes: false, ..self }
    }
}

/// One dispatch.
pub(crate) struct Dispatch<'a> {
    pub shader: &'a Shader,
    /// Specialization constants with ids from 0; the first is the size of a workgroup.
    pub spec: &'a [u32],
    /// Bindings from 0 of set 0.
    pub bind: &'a [&'a Bound],
    /// Push constants, at most [`PUSH_WORDS`].
    pub push: &'a [u32],
    pub groups: [u32; 3],
}

/// Bytes that a described operand spans below and above its first element.
pub(crate) fn span(desc: &Desc) -> Range<isize> {
    let (mut low, mut high) = (0isize, 0isize);
    if desc.size() == 0 {
        return 0..0;
    }
    for (&n, &s) in desc.shape.iter().zip(&desc.strides) {
        let reach = (n as isize - 1) * s;
        low += reach.min(0);
        high += reach.max(0);
    }
    let size = desc.dtype.size() as isize;
    low * size..(high + 1) * size
}

/// Records for one op.
pub(crate) struct Cx<'a> {
    pub caps: &'a Caps,
    core: &'a Core,
    scratch: SmallVec<[Arc<Block>; 2]>,
    /// Dispatches recorded for the op.
    recorded: u32,
    /// The driver refused a kernel.
    refused: bool,
}

impl Drop for Cx<'_> {
    fn drop(&mut self) {
        // Later work that reuses them comes after this one's in the queue, with a barrier between.
        for b in self.scratch.drain(..) {
            self.core.pool.give(b);
        }
    }
}

impl<'a> Cx<'a> {
    pub fn new(core: &'a Core) -> Self {
        Self { caps: core.device.caps(), core, scratch: SmallVec::new(), recorded: 0, refused: false }
    }

    fn bound(&self, block: &Arc<Block>, first: usize, bytes: Range<usize>, writes: bool) -> Result<Bound> {
        let step = self.caps.storage_alignment.max(16);
        // An empty operand may begin at the end of its block; a binding is never empty.
        // Alignments are powers of two.
        let start = (bytes.start as u64).min(block.bytes - 4) & !(step - 1);
        let end = (bytes.end as u64).next_multiple_of(4).max(start + 4).min(block.bytes);
        if end - start > self.caps.storage_range {
            return Err(Error::device(format!(
                "[gpu] an operand of {} bytes is more than the {} that a shader of this device can see",
                end - start,
                self.caps.storage_range
            )));
        }
        let first = u32::try_from(first as u64 - start).map_err(|_| Error::device("[gpu] an operand is too large"))?;
        Ok(Bound { first, block: block.clone(), range: start..end, writes })
    }

    fn bytes(o: &Operand) -> Range<usize> {
        let s = span(&o.desc);
        o.offset.wrapping_add_signed(s.start)..o.offset.wrapping_add_signed(s.end)
    }

    /// The operand for reading, brought to the device if it is not there.
    ///
    /// # Errors
    /// `Memory` or `Device`.
    pub fn input(&mut self, o: &Operand) -> Result<Bound> {
        let bytes = Self::bytes(o);
        if let Some(m) = self.core.own(&o.buffer) {
            return self.bound(&m.block, o.offset, bytes, false);
        }
        // Whole words around it; reading host memory is the same for every operand that shares them.
        let part = bytes.start / 64 * 64..bytes.end.next_multiple_of(64).min(o.buffer.len());
        // A copy holds its device, so the address is no other's meanwhile.
        let device = std::ptr::from_ref(self.core).addr();
        let copy = o.buffer.twin(device, part.clone(), || self.core.upload(&o.buffer, part.clone()))?;
        match self.core.own(&copy) {
            Some(m) => {
                let at = |byte: usize| byte - part.start + m.lead;
                self.bound(&m.block, at(o.offset), at(bytes.start)..at(bytes.end), false)
            }
            None => Err(Error::runtime("[gpu] a copy is not on the device")),
        }
    }

    /// The operand for writing.
    ///
    /// # Errors
    /// `Device` if it is not the device's memory.
    pub fn output(&mut self, o: &Operand) -> Result<Bound> {
        match self.core.own(&o.buffer) {
            Some(m) => {
                m.forget_host_copy();
                self.bound(&m.block, o.offset, Self::bytes(o), true)
            }
            None => Err(Error::runtime("[gpu] an output is not in the device's memory")),
        }
    }

    /// Memory for results between dispatches of this op; contents undefined.
    ///
    /// # Errors
    /// `Memory` if there is none.
    pub fn scratch(&mut self, bytes: usize) -> Result<Bound> {
        let block = self.core.take(bytes, Place::Array)?;
        self.scratch.push(block.clone());
        self.bound(&block, 0, 0..bytes.next_multiple_of(4), true)
    }

    /// As [`Cx::scratch`], as an operand of another op's kernel.
    ///
    /// # Errors
    /// `Memory` if there is none.
    pub fn temporary(&mut self, desc: &Desc) -> Result<Operand> {
        let buffer = self.core.alloc(desc.size() * desc.dtype.size())?;
        Ok(Operand { desc: desc.clone(), buffer, offset: 0 })
    }

    /// Numbers for a kernel to read, at most 1024.
    ///
    /// # Errors
    /// `Memory` or `Device`.
    pub fn words(&mut self, words: &[u32]) -> Result<Bound> {
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        let block = self.core.take(bytes.len(), Place::Array)?;
        self.scratch.push(block.clone());
        self.core.queue.fill(&block, &bytes)?;
        self.bound(&block, 0, 0..bytes.len(), false)
    }

    /// Whether the driver refused the op's first kernel, so that nothing was written.
    pub fn was_refused(&self) -> bool {
        self.refused && self.recorded == 0
    }

    /// The run-time shader known by `key`, made at first use.
    ///
    /// # Errors
    /// `Unsupported` if it cannot be made.
    pub fn emitted(&mut self, key: impl Into<Key>) -> Result<Arc<Shader>> {
        self.core.emitted(key.into())
    }

    /// What was measured on this device.
    pub fn tuner(&self) -> &'a Tuner {
        &self.core.tuner
    }

    /// An error if the device was lost.
    ///
    /// # Errors
    /// The one with which it was.
    pub fn alive(&self) -> Result<()> {
        self.core.device.alive()
    }

    /// How long it takes to do what `work` records, so many times in a row, with nothing else before it.
    ///
    /// # Errors
    /// Those of `work`, and `Device` if the device was lost.
    pub fn time(&mut self, repeats: u32, work: &mut dyn FnMut(&mut Cx<'_>) -> Result<()>) -> Result<Duration> {
        self.core.queue.synchronize()?;
        let began = Instant::now();
        for _ in 0..repeats {
            // Scratch memory of one repeat serves the next.
            work(&mut Cx::new(self.core))?;
        }
        self.core.queue.synchronize()?;
        Ok(began.elapsed())
    }

    /// Records a dispatch.
    ///
    /// # Errors
    /// `Device` if the driver refuses the shader or was lost.
    pub fn dispatch(&mut self, d: &Dispatch<'_>) -> Result<()> {
        self.dispatch_as(d, 0, false)
    }

    /// Records a dispatch of a shader that users wrote: the device keeps it to its buffers where it can.
    ///
    /// # Errors
    /// As [`Cx::dispatch`].
    pub fn dispatch_foreign(&mut self, d: &Dispatch<'_>) -> Result<()> {
        self.dispatch_as(d, 0, true)
    }

    /// Records a dispatch whose subgroups must have so many lanes (0: any number).
    ///
    /// # Errors
    /// As [`Cx::dispatch`].
    pub fn dispatch_by(&mut self, d: &Dispatch<'_>, lanes: u32) -> Result<()> {
        self.dispatch_as(d, lanes, false)
    }

    fn dispatch_as(&mut self, d: &Dispatch<'_>, lanes: u32, foreign: bool) -> Result<()> {
        if d.groups.contains(&0) {
            return Ok(());
        }
        if d.groups.iter().zip(self.caps.workgroup_count).any(|(&g, most)| g > most) {
            return Err(Error::device(format!("[gpu] {}: {:?} workgroups are too many", d.shader.name, d.groups)));
        }
        let (s, how) = (d.shader, Make { lanes, foreign });
        let found = self.core.pipelines.get(&s.name, s.id, &s.code, d.spec, d.bind.len(), how);
        self.refused |= found.as_ref().is_err_and(|e| e.kind == ErrorKind::Device);
        let (pipeline, layout) = found?;
        self.recorded += 1;
        let uses: SmallVec<[Use<'_>; MAX_BINDINGS]> =
            d.bind.iter().map(|b| Use { block: &b.block, range: b.range.clone(), writes: b.writes }).collect();
        self.core.dispatches.fetch_add(1, Ordering::Relaxed);
        self.core.queue.dispatch(&Ready {
            name: &d.shader.name,
            pipeline,
            layout,
            uses: &uses,
            push: d.push,
            groups: d.groups,
        })
    }
}

/// Whether the device can hold the whole operand and a shader can see it, however it is placed.
pub(crate) fn fits(caps: &Caps, desc: &Desc) -> bool {
    let s = span(desc);
    let bytes = ((s.end - s.start) as u64).saturating_add(2 * caps.storage_alignment.max(64));
    bytes <= caps.storage_range && can_hold(caps, bytes)
}

/// Whether the device can hold an array of so many bytes.
pub(crate) fn can_hold(caps: &Caps, bytes: u64) -> bool {
    rounded(bytes) <= caps.allocation_size
}
