//! The back end: memory, and the one place that says which op has which kernel.

use crate::alloc::Allocator;
use crate::kernels::Kernel;
use crate::{Isa, Pool};
use mlx_ir::{Backend, Buffer, Desc, Error, Launch, MemoryInfo, Op, Operand, Result};
use std::sync::{Arc, RwLock};

/// What kernels run with.
pub struct Cx<'a> {
    /// Threads.
    pub pool: &'a Pool,
    /// Instruction-set level.
    pub isa: Isa,
}

/// Arrays and kernels on the processor.
pub struct CpuBackend {
    pool: RwLock<Arc<Pool>>,
    isa: Isa,
    allocator: Allocator,
}

impl CpuBackend {
    /// A back end with this many threads (the caller of an op being one of them) at this instruction-set level.
    ///
    /// # Errors
    /// `Value` for a thread count outside 1 to 1024, `Unsupported` for a level that this machine lacks, `Runtime` if
    /// threads cannot be started.
    pub fn new(threads: usize, isa: Isa) -> Result<Self> {
        // Kernels rely on this check: a level in hand is a level that can run.
        if !isa.is_available() {
            return Err(Error::unsupported(format!("[cpu] this machine lacks the level '{isa}'")));
        }
        Ok(Self { pool: RwLock::new(Arc::new(Pool::new(threads)?)), isa, allocator: Allocator::new() })
    }
    /// The thread pool.
    pub fn pool(&self) -> Arc<Pool> {
        self.pool.read().unwrap_or_else(|e| e.into_inner()).clone()
    }
    /// Replaces the thread pool by one of this many threads; work under way finishes on the old one.
    ///
    /// # Errors
    /// `Value` for a thread count outside 1 to 1024, `Runtime` if threads cannot be started.
    pub fn set_threads(&self, threads: usize) -> Result<()> {
        let new = Arc::new(Pool::new(threads)?);
        let old = std::mem::replace(&mut *self.pool.write().unwrap_or_else(|e| e.into_inner()), new);
        drop(old);
        Ok(())
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
    /// Puts guards around new buffers, for tests; see [`Allocator::set_guard`].
    pub fn set_guard(&self, on: bool) {
        self.allocator.set_guard(on);
    }
    /// Guarded buffers found written outside their bounds.
    pub fn damaged(&self) -> u64 {
        self.allocator.damaged()
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
        Contiguous, Concatenate, Pad, Arange, Map, Reduce, ArgReduce, Scan,
        Softmax, LogSumExp, RmsNorm, LayerNorm, Matmul, AddMM, Conv,
        BlockMatmul, BlockRows, BlockDequantize,
        Sdpa, PackRows, UnpackRows, Rope, Gather, GatherAxis, Scatter, ScatterAxis,
        RandomBits, SliceUpdate, DynamicSlice, DynamicSliceUpdate,
        Quantize, Dequantize, QuantizedMatmul, GatherMM, GatherQMM,
        Sort, ArgSort, Partition, ArgPartition, Fft,
    }
    none {
        Broadcast, Reshape, Transpose, Slice, AsStrided, Bitcast, StopGradient,
        // By its expansion, over the kernels of its parts.
        CrossEntropy, BlockProject, CacheUpdate, ReduceMap, Custom, Depends,
        // Computed in double precision by its exact meaning.
        Linalg,
        // For GPUs only.
        GpuKernel,
    }
}

impl Backend for CpuBackend {
    fn name(&self) -> &'static str {
        "cpu"
    }
    fn is_host(&self) -> bool {
        true
    }
    fn alloc(&self, bytes: usize) -> Result<Buffer> {
        self.allocator.alloc(bytes)
    }
    fn launch(&self, op: &Op, inputs: &[Operand], outputs: &[Operand]) -> Result<Launch> {
        run(&Cx { pool: &self.pool(), isa: self.isa }, op, inputs, outputs)
    }
    fn supports(&self, op: &Op, inputs: &[Desc], outputs: &[Desc]) -> bool {
        supports(op, inputs, outputs)
    }
    fn memory(&self) -> MemoryInfo {
        self.allocator.info()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlx_ir::op::{Arange, Real, StopGradient};
    use mlx_ir::{DType, ErrorKind};

    #[test]
    fn what_has_no_kernel_is_declined_and_what_has_runs() {
        let b = CpuBackend::new(2, Isa::detect()).unwrap();
        let out = Operand { desc: Desc::contiguous(&[5], DType::I16), buffer: b.alloc(10).unwrap(), offset: 0 };
        let view = Op::from(StopGradient {});
        assert_eq!(b.launch(&view, &[], std::slice::from_ref(&out)).unwrap(), Launch::Declined);
        let mut op = Arange { start: Real::new(3.0), step: Real::new(-2.0), len: 5, dtype: DType::I16 };
        assert!(b.supports(&op.clone().into(), &[], std::slice::from_ref(&out.desc)));
        assert_eq!(b.launch(&op.clone().into(), &[], std::slice::from_ref(&out)).unwrap(), Launch::Done);
        // SAFETY: the output is written and nobody writes it any more.
        assert_eq!(unsafe { crate::view::slice::<i16>(&out) }, [3, 1, -1, -3, -5]);
        op.dtype = DType::Bool;
        assert!(!b.supports(&op.into(), &[], std::slice::from_ref(&out.desc)));
        assert_eq!(b.memory().active, 64);
    }

    #[test]
    fn foreign_levels_and_thread_counts_are_refused() {
        let foreign = if cfg!(target_arch = "x86_64") { Isa::Neon } else { Isa::Avx2 };
        assert_eq!(CpuBackend::new(1, foreign).err().unwrap().kind, ErrorKind::Unsupported);
        assert_eq!(CpuBackend::new(0, Isa::Scalar).err().unwrap().kind, ErrorKind::Value);
    }
}
