//! What the array library asks of a back end: memory, and running one op over described operands.

use crate::{Desc, Op, Result};
use std::fmt;
use std::sync::Arc;

/// A block of host-addressable memory. Implementations give the bytes back when dropped.
pub trait Memory: Send + Sync {
    /// First byte; aligned to 64 bytes for allocated memory, to the page or the file's own alignment for mapped.
    fn ptr(&self) -> *mut u8;
    /// Bytes.
    fn len(&self) -> usize;
    /// True if it holds no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// False for mapped files: such memory is never written or donated.
    fn writable(&self) -> bool;
}

/// A shared handle to memory. Written only by the kernel that fills it, before anybody else can see it, or by a
/// kernel to which it was donated because nobody else holds it.
#[derive(Clone)]
pub struct Buffer(Arc<dyn Memory>);

impl Buffer {
    /// Wraps memory.
    pub fn new(memory: impl Memory + 'static) -> Self {
        Self(Arc::new(memory))
    }
    /// First byte.
    pub fn ptr(&self) -> *mut u8 {
        self.0.ptr()
    }
    /// Bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// True if it holds no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.len() == 0
    }
    /// Number of handles to the memory, this one among them.
    pub fn handles(&self) -> usize {
        Arc::strong_count(&self.0)
    }
    /// False for mapped files.
    pub fn is_writable(&self) -> bool {
        self.0.writable()
    }
    /// True when both are the same memory.
    pub fn same(&self, other: &Buffer) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
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
}
