//! The back end: memory, and the one place that says which op has which kernel.

use crate::alloc::Allocator;
use crate::kernels::Kernel;
use crate::{Isa, Pool};
use mlx_ir::{Backend, Buffer, Desc, Launch, MemoryInfo, Op, Operand, Result};

/// What kernels run with.
pub struct Cx<'a> {
    /// Threads.
    pub pool: &'a Pool,
    /// Instruction-set level.
    pub isa: Isa,
}

/// Arrays and kernels on the processor.
pub struct CpuBackend {
    pool: Pool,
    isa: Isa,
    allocator: Allocator,
}

impl CpuBackend {
    /// A back end with this many threads (the caller of an op being one of them) at this instruction-set level.
    ///
    /// # Errors
    /// `Value` for zero threads, `Runtime` if threads cannot be started.
    pub fn new(threads: usize, isa: Isa) -> Result<Self> {
        Ok(Self { pool: Pool::new(threads)?, isa, allocator: Allocator::new() })
    }
    /// The thread pool.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }
    /// The instruction-set level.
    pub fn isa(&self) -> Isa {
        self.isa
    }
    /// Sets the limit on memory in use; returns the previous one.
    pub fn set_memory_limit(&self, bytes: usize) -> usize {
        self.allocator.set_limit(bytes)
    }
    /// Sets how many freed bytes are kept for reuse; returns the previous limit.
    pub fn set_cache_limit(&self, bytes: usize) -> usize {
        self.allocator.set_cache_limit(bytes)
    }
    /// Gives kept memory back to the system.
    pub fn clear_cache(&self) {
        self.allocator.clear_cache();
    }
    /// Forgets the peak.
    pub fn reset_peak_memory(&self) {
        self.allocator.reset_peak();
    }
}

/// One arm for each row: a row under `kernels` implements [`Kernel`], one under `none` has no kernel yet. Without a wildcard, so that a
/// new row does not compile until it is answered here.
macro_rules! selection {
    (kernels { $($row:ident),* $(,)? } none { $($no:ident),* $(,)? }) => {
        fn supports(op: &Op, ins: &[Desc], outs: &[Desc]) -> bool {
            match op {
                $(Op::$row(x) => Kernel::supports(x, ins, outs),)*
                $(Op::$no(_) => false,)*
                Op::Leaf | Op::Hole => false,
            }
        }
        fn run(cx: &Cx<'_>, op: &Op, ins: &[Operand], outs: &[Operand]) -> Result<Launch> {
            match op {
                $(Op::$row(x) => {
                    Kernel::run(x, cx, ins, outs)?;
                    Ok(Launch::Done)
                })*
                $(Op::$no(_) => Ok(Launch::Declined),)*
                Op::Leaf | Op::Hole => Ok(Launch::Declined),
            }
        }
    };
}

selection! {
    kernels {
        Contiguous,
    }
    none {
        Broadcast, Reshape, Transpose, Slice, AsStrided, Bitcast, StopGradient,
        Map, Arange, Reduce, ArgReduce, Scan, Sort, ArgSort, Partition, ArgPartition,
        Gather, GatherAxis, Scatter, ScatterAxis, SliceUpdate, DynamicSlice, DynamicSliceUpdate,
        Concatenate, Pad, Matmul, RandomBits, Quantize, Dequantize, BlockDequantize,
        AddMM, Softmax, LogSumExp, RmsNorm, LayerNorm, Rope, Sdpa, QuantizedMatmul, BlockMatmul, BlockRows,
    }
}

impl Backend for CpuBackend {
    fn name(&self) -> &'static str {
        "cpu"
    }
    fn alloc(&self, bytes: usize) -> Result<Buffer> {
        self.allocator.alloc(bytes)
    }
    fn launch(&self, op: &Op, inputs: &[Operand], outputs: &[Operand]) -> Result<Launch> {
        run(&Cx { pool: &self.pool, isa: self.isa }, op, inputs, outputs)
    }
    fn supports(&self, op: &Op, inputs: &[Desc], outputs: &[Desc]) -> bool {
        supports(op, inputs, outputs)
    }
    fn memory(&self) -> MemoryInfo {
        self.allocator.info()
    }
}
