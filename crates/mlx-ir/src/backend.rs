//! What the array library asks of a back end: memory, and running one op over described operands.

use crate::{Desc, Op, Result};
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

/// A part of a mapped file, for those who use its bytes when the buffer over it is gone: they stay at their address as
/// long as this lives.
pub trait Pages: Send + Sync {
    /// First address of the whole map and the one after its last page, which has at least 4096 bytes.
    fn map(&self) -> Range<usize>;
    /// The system may take the memory of these bytes of the part, and read the file again when they are used.
    fn not_needed(&self, part: Range<usize>);
}

/// A block of memory. Implementations give the bytes back when dropped.
pub trait Memory: Send + Sync + Any {
    /// First byte as the processor sees it; aligned to 64 bytes for allocated memory, to the page or the file's own
    /// alignment for mapped. Memory of a device shows its bytes there only after [`Memory::to_host`].
    fn ptr(&self) -> *mut u8;
    /// Bytes.
    fn len(&self) -> usize;
    /// True if it holds no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// False for mapped files: such memory is never written or donated.
    fn writable(&self) -> bool;
    /// Waits for the work that fills it, and brings the bytes to where [`Memory::ptr`] points.
    ///
    /// # Errors
    /// `Device` if that work failed, `Memory` if there is no room for the bytes.
    fn to_host(&self) -> Result<()> {
        Ok(())
    }
    /// Waits for the work that fills it.
    ///
    /// # Errors
    /// `Device` if that work failed.
    fn wait(&self) -> Result<()> {
        Ok(())
    }
    /// The processor wrote the bytes.
    ///
    /// # Errors
    /// `Device` if the device cannot be told.
    fn host_wrote(&self) -> Result<()> {
        Ok(())
    }
    /// Whether it is a device's own, so that kernels of the processor do not write it.
    fn on_device(&self) -> bool {
        false
    }
    /// The pages that it lies in, if it is a part of a mapped file.
    fn pages(&self) -> Option<Arc<dyn Pages>> {
        None
    }
}

/// Parts of a buffer (device, first byte, end) as devices hold them: a file's are many.
type Twins = BTreeMap<(usize, usize, usize), Buffer>;

struct Held<M: ?Sized> {
    twins: Mutex<Twins>,
    memory: M,
}

impl<M: ?Sized> Held<M> {
    fn twins(&self) -> MutexGuard<'_, Twins> {
        // A map is added to or read, so a poisoned one is still whole.
        self.twins.lock().unwrap_or_else(|e| e.into_inner())
    }
}

/// A shared handle to memory. Written only by the kernel that fills it, before anybody else can see it, or by a
/// kernel to which it was donated because nobody else holds it.
#[derive(Clone)]
pub struct Buffer(Arc<Held<dyn Memory>>);

impl Buffer {
    /// Wraps memory.
    pub fn new(memory: impl Memory) -> Self {
        Self(Arc::new(Held { twins: Mutex::new(Twins::new()), memory }))
    }
    /// First byte; see [`Memory::ptr`].
    pub fn ptr(&self) -> *mut u8 {
        self.0.memory.ptr()
    }
    /// Bytes.
    pub fn len(&self) -> usize {
        self.0.memory.len()
    }
    /// True if it holds no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Number of handles to the memory, this one among them.
    pub fn handles(&self) -> usize {
        Arc::strong_count(&self.0)
    }
    /// False for mapped files.
    pub fn is_writable(&self) -> bool {
        self.0.memory.writable()
    }
    /// True when both are the same memory.
    pub fn same(&self, other: &Buffer) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
    /// Tells memories apart while they live.
    pub fn id(&self) -> usize {
        Arc::as_ptr(&self.0).cast::<()>() as usize
    }
    /// See [`Memory::to_host`].
    ///
    /// # Errors
    /// As there.
    pub fn to_host(&self) -> Result<()> {
        self.0.memory.to_host()
    }
    /// See [`Memory::wait`].
    ///
    /// # Errors
    /// As there.
    pub fn wait(&self) -> Result<()> {
        self.0.memory.wait()
    }
    /// See [`Memory::host_wrote`].
    ///
    /// # Errors
    /// As there.
    pub fn host_wrote(&self) -> Result<()> {
        self.0.memory.host_wrote()
    }
    /// See [`Memory::on_device`].
    pub fn on_device(&self) -> bool {
        self.0.memory.on_device()
    }
    /// See [`Memory::pages`].
    pub fn pages(&self) -> Option<Arc<dyn Pages>> {
        self.0.memory.pages()
    }
    /// The memory as the type of the back end that made it.
    pub fn downcast<M: Memory>(&self) -> Option<&M> {
        let memory: &dyn Any = &self.0.memory;
        memory.downcast_ref()
    }

    /// The copy of these bytes that a device keeps: the one noted before, or else what `make` gives. `device` tells
    /// devices apart for as long as one has copies. Whoever writes the buffer afterwards must not do so while it has
    /// copies ([`Buffer::has_twins`]).
    ///
    /// # Errors
    /// Those of `make`.
    pub fn twin(&self, device: usize, part: Range<usize>, make: impl FnOnce() -> Result<Buffer>) -> Result<Buffer> {
        let mut twins = self.0.twins();
        let key = (device, part.start, part.end);
        if let Some(t) = twins.get(&key) {
            return Ok(t.clone());
        }
        let copy = make()?;
        twins.insert(key, copy.clone());
        Ok(copy)
    }
    /// Whether a device keeps copies of parts of it.
    pub fn has_twins(&self) -> bool {
        !self.0.twins().is_empty()
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.len())
    }
}

/// One operand of a kernel: a description and where its first element lies.
/// The library guarantees that every element it describes lies inside the buffer and that the first element is
/// aligned for the dtype.
#[derive(Clone, Debug)]
pub struct Operand {
    /// Shape, strides, dtype.
    pub desc: Desc,
    /// Memory.
    pub buffer: Buffer,
    /// Byte offset of element (0, …, 0).
    pub offset: usize,
}

/// What became of a request to run an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Launch {
    /// The outputs are written (or will be, in the stream's order).
    Done,
    /// There is no kernel for this op with these operands; nothing was written.
    Declined,
}

/// Memory figures in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryInfo {
    /// In use by arrays.
    pub active: usize,
    /// Most ever in use since the last reset.
    pub peak: usize,
    /// Kept for reuse.
    pub cache: usize,
}

/// A device's way to hold and compute arrays.
pub trait Backend: Send + Sync {
    /// `cpu`, `vulkan`, …
    fn name(&self) -> &'static str;

    /// Whether its kernels run on the processor, over memory that [`Buffer::ptr`] points to.
    fn is_host(&self) -> bool {
        false
    }

    /// Whether the processor can compute in its memory as well as in its own: kernels that run on the processor for
    /// lack of one here then write their results where this back end needs them.
    fn shares_memory(&self) -> bool {
        false
    }

    /// Whether one array may have so many bytes, however much memory is left.
    fn can_hold(&self, _bytes: usize) -> bool {
        true
    }

    /// Memory for at least `bytes`, 64-byte aligned, contents undefined; a `Memory` error when there is none left or
    /// the limit is reached.
    fn alloc(&self, bytes: usize) -> Result<Buffer>;

    /// Runs `op`. Outputs are row-major; the first output shares its buffer, offset and shape with an input exactly
    /// when that input was donated (see [`Op::may_overwrite`]), otherwise operands do not overlap outputs.
    /// An op without a kernel for these operands is declined before anything is written.
    fn launch(&self, op: &Op, inputs: &[Operand], outputs: &[Operand]) -> Result<Launch>;

    /// Whether [`Backend::launch`] would accept operands of these descriptions.
    fn supports(&self, op: &Op, inputs: &[Desc], outputs: &[Desc]) -> bool;

    /// Memory figures.
    fn memory(&self) -> MemoryInfo;

    /// Hands all work launched so far to the device, without waiting for it.
    ///
    /// # Errors
    /// `Device` if the device takes none.
    fn submit(&self) -> Result<()> {
        Ok(())
    }

    /// Waits until all work launched so far is done.
    ///
    /// # Errors
    /// `Device` if work failed.
    fn synchronize(&self) -> Result<()> {
        Ok(())
    }
}
