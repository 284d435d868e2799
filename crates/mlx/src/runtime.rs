//! The one global: devices, streams, configuration, counters.

use mlx_cpu::{CpuBackend, Isa};
use mlx_ir::{Backend, Buffer, Element, Error, MemoryInfo, Result};
use std::cell::Cell;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

/// A kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Device {
    /// The processor.
    Cpu,
    /// A Vulkan device.
    Gpu,
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Device::Cpu => "cpu",
            Device::Gpu => "gpu",
        })
    }
}

impl std::str::FromStr for Device {
    type Err = Error;
    fn from_str(s: &str) -> Result<Self> {
        match s {
            "cpu" => Ok(Device::Cpu),
            "gpu" => Ok(Device::Gpu),
            _ => Err(Error::value(format!("[device] unknown device '{s}'; known are cpu and gpu"))),
        }
    }
}

impl Device {
    /// Whether this build and machine have it.
    pub fn is_available(self) -> bool {
        self.check().is_ok()
    }
    /// Opens it, if that was not done before.
    ///
    /// # Errors
    /// `Device` with the reason if it is not there.
    pub fn check(self) -> Result<()> {
        backend(self).map(|_| ())
    }
}

/// An ordered queue of work on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    /// Where it runs.
    pub device: Device,
    /// Number among the device's streams; 0 is the default.
    pub index: u32,
}

impl Stream {
    /// The default stream of a device.
    ///
    /// # Errors
    /// `Device` if the device is not there.
    pub fn default_of(device: Device) -> Result<Stream> {
        device.check()?;
        Ok(Stream { device, index: 0 })
    }
    /// A new stream.
    ///
    /// # Errors
    /// `Device` if the device is not there.
    pub fn new(device: Device) -> Result<Stream> {
        device.check()?;
        Ok(Stream { device, index: NEXT_STREAM.fetch_add(1, Ordering::Relaxed) })
    }
}

static NEXT_STREAM: AtomicU32 = AtomicU32::new(1);

/// A thread's places to record: the device that a scope chose, if one did, and the stream of each device.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    device: Option<Device>,
    streams: [u32; 2],
}

thread_local! {
    static CURRENT: Cell<Place> = const { Cell::new(Place { device: None, streams: [0; 2] }) };
}

/// The device where work goes unless a scope says otherwise: 1 for the GPU.
static DEFAULT_DEVICE: AtomicU32 = AtomicU32::new(0);

/// The device on which this thread records: that of the innermost scope, else that of the process.
pub fn default_device() -> Device {
    let of_process = || if DEFAULT_DEVICE.load(Ordering::Relaxed) == 1 { Device::Gpu } else { Device::Cpu };
    CURRENT.with(Cell::get).device.unwrap_or_else(of_process)
}

/// Sets the device of the process; within a scope, that of the scope as well.
///
/// # Errors
/// `Device` if the device is not there.
pub fn set_default_device(device: Device) -> Result<()> {
    device.check()?;
    DEFAULT_DEVICE.store(device as u32, Ordering::Relaxed);
    CURRENT.with(|c| {
        let here = c.get();
        c.set(Place { device: here.device.map(|_| device), ..here });
    });
    Ok(())
}

/// This thread's stream of a device.
pub fn default_stream(device: Device) -> Stream {
    Stream { device, index: CURRENT.with(Cell::get).streams[device as usize] }
}

/// Sets this thread's stream of a device.
pub fn set_default_stream(stream: Stream) {
    CURRENT.with(|c| {
        let mut here = c.get();
        here.streams[stream.device as usize] = stream.index;
        c.set(here);
    });
}

/// The stream on which this thread records.
pub fn current_stream() -> Stream {
    default_stream(default_device())
}

/// Makes `stream` this thread's current stream; returns what [`leave`] brings back.
pub fn enter(stream: Stream) -> Place {
    CURRENT.with(|c| {
        let before = c.get();
        let mut here = Place { device: Some(stream.device), ..before };
        here.streams[stream.device as usize] = stream.index;
        c.set(here);
        before
    })
}

/// Ends what [`enter`] began on this thread.
pub fn leave(before: Place) {
    CURRENT.with(|c| c.set(before));
}

/// Runs `f` with `stream` as this thread's current stream.
pub fn on<R>(stream: Stream, f: impl FnOnce() -> R) -> R {
    struct Back(Place);
    impl Drop for Back {
        fn drop(&mut self) {
            leave(self.0);
        }
    }
    let _back = Back(enter(stream));
    f()
}

/// Settings of the process, fixed at first use of an array.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Threads of the CPU back end; none = `MLX_NUM_THREADS`, else one for each physical core.
    pub threads: Option<usize>,
    /// Highest instruction-set level to use; none = `MLX_CPU_ISA`, else the best the machine has.
    pub isa: Option<Isa>,
}

/// Environment variables that the library reads, with their meaning; read once, here only.
pub const VARIABLES: &[(&str, &str)] = &[
    ("MLX_NUM_THREADS", "threads of the CPU back end"),
    ("MLX_CPU_ISA", "instruction-set level of the CPU kernels (scalar, neon, dotprod, avx2, avx512, …)"),
    ("MLX_ARM_GPU", "the Vulkan device: its number or a part of its name"),
    ("MLX_VULKAN_DISABLE", "capabilities taken away from Vulkan devices, for tests"),
    (
        "MLX_VULKAN_SELFTEST",
        "0: kernels are used without having been tested on the device and its driver; another number: they are tested now, \
         each case so many times",
    ),
    ("MLX_VULKAN_TUNE", "whether ways to compute a product are measured: 0 nowhere, 1 also on software drivers"),
];

static CONFIG: Mutex<Option<Config>> = Mutex::new(None);
static CPU: OnceLock<Result<Cpu>> = OnceLock::new();

/// Fixes the settings before the first array is made.
///
/// # Errors
/// `Runtime` if the back end is running already.
pub fn configure(config: Config) -> Result<()> {
    if CPU.get().is_some() {
        return Err(Error::runtime("[configure] settings can only be changed before the first use of an array"));
    }
    *CONFIG.lock().unwrap_or_else(|e| e.into_inner()) = Some(config);
    Ok(())
}

fn start() -> Result<Cpu> {
    let config = CONFIG.lock().unwrap_or_else(|e| e.into_inner()).take().unwrap_or_default();
    let threads = match config.threads {
        Some(0) => return Err(Error::value("[configure] at least one thread is needed")),
        Some(n) => n,
        None => mlx_cpu::pool::default_threads()?,
    };
    let isa = match (config.isa, std::env::var("MLX_CPU_ISA")) {
        (Some(i), _) => i,
        (None, Ok(name)) if !name.is_empty() => Isa::from_name(&name)?,
        _ => Isa::detect(),
    };
    Ok(Cpu(CpuBackend::new(threads, isa)?))
}

/// The CPU back end as the library uses it.
pub(crate) struct Cpu(CpuBackend);

impl Cpu {
    pub fn alloc_with<T: Element>(&self, data: &[T]) -> Result<Buffer> {
        mlx_cpu::host::alloc_with(&self.0, data)
    }
    pub fn backend(&self) -> &CpuBackend {
        &self.0
    }
}

#[cfg(feature = "vulkan")]
mod gpu {
    use super::*;
    use mlx_vulkan::{Choice, VulkanBackend, choose, survey};

    static GPU: OnceLock<Result<VulkanBackend>> = OnceLock::new();

    /// The Vulkan back end, opened and tested at the first call.
    pub fn get() -> Result<&'static VulkanBackend> {
        let open = || VulkanBackend::open(choose(&survey()?, &Choice::from_env())?);
        let gpu = GPU.get_or_init(open).as_ref().map_err(Clone::clone)?;
        crate::selftest::trust(gpu)?;
        Ok(gpu)
    }

    /// The Vulkan back end, if it is open.
    pub fn opened() -> Option<&'static VulkanBackend> {
        GPU.get()?.as_ref().ok()
    }
}

/// The Vulkan back end, opened at the first call.
///
/// # Errors
/// `Device` if there is none.
#[cfg(feature = "vulkan")]
pub(crate) fn vulkan() -> Result<&'static mlx_vulkan::VulkanBackend> {
    gpu::get()
}

/// Kernels of the GPU being made in the background, until this goes.
#[derive(Default)]
pub struct Warming {
    #[cfg(feature = "vulkan")]
    _pipelines: mlx_vulkan::Warming,
}

/// Opens the GPU and begins to make, in the background, the kernels that programs used there before. Those that this one
/// uses are noted for the next. For programs that have something else to do meanwhile, such as reading a model.
///
/// # Errors
/// `Device` if there is no GPU.
pub fn warm_gpu() -> Result<Warming> {
    #[cfg(feature = "vulkan")]
    return Ok(Warming { _pipelines: gpu::get()?.prewarm() });
    #[cfg(not(feature = "vulkan"))]
    Err(Error::device("[device] gpu is not available: this build has no Vulkan back end"))
}

/// The GPU's back end if it is in use.
fn gpu_in_use() -> Option<&'static dyn Backend> {
    #[cfg(feature = "vulkan")]
    return gpu::opened().map(|g| g as &dyn Backend);
    #[cfg(not(feature = "vulkan"))]
    None
}

/// The back end of a device.
///
/// # Errors
/// `Device` if the device is not there.
pub(crate) fn backend(device: Device) -> Result<&'static dyn Backend> {
    match device {
        Device::Cpu => Ok(cpu().backend()),
        #[cfg(feature = "vulkan")]
        Device::Gpu => Ok(gpu::get()?),
        #[cfg(not(feature = "vulkan"))]
        Device::Gpu => Err(Error::device("[device] gpu is not available: this build has no Vulkan back end")),
    }
}

/// Starts the CPU back end with the settings made so far, if it does not run yet.
///
/// # Errors
/// `Value` for a bad thread count or instruction-set level in the settings or the environment.
pub fn init() -> Result<()> {
    match CPU.get_or_init(start) {
        Ok(_) => Ok(()),
        Err(e) => Err(e.clone()),
    }
}

/// The back end; falls back to one scalar thread if the settings were refused, which [`init`] reports.
pub(crate) fn cpu() -> &'static Cpu {
    static FALLBACK: OnceLock<Cpu> = OnceLock::new();
    match CPU.get_or_init(start) {
        Ok(c) => c,
        Err(_) => {
            FALLBACK.get_or_init(|| Cpu(CpuBackend::new(1, Isa::Scalar).expect("one scalar thread is always possible")))
        }
    }
}

/// What tells the Vulkan device and its driver from others, opening it if need be.
///
/// # Errors
/// `Device` if there is none.
pub fn gpu_identity() -> Result<String> {
    #[cfg(feature = "vulkan")]
    return gpu::get().map(|g| {
        let a = g.adapter();
        format!("{:04x}:{:04x} {} driver {:08x}", a.vendor, a.device, a.name, a.driver_version)
    });
    #[cfg(not(feature = "vulkan"))]
    Err(Error::device("[device] gpu is not available: this build has no Vulkan back end"))
}

/// The name of the Vulkan device, if it is in use.
pub fn gpu_name() -> Option<String> {
    #[cfg(feature = "vulkan")]
    return gpu::opened().map(|g| g.adapter().name.clone());
    #[cfg(not(feature = "vulkan"))]
    None
}

/// The instruction-set level in use.
pub fn isa() -> Isa {
    cpu().backend().isa()
}

/// Threads of the CPU back end.
pub fn threads() -> usize {
    cpu().backend().pool().threads()
}

/// Changes the number of threads of the CPU back end.
///
/// # Errors
/// `Value` for a thread count outside 1 to 1024, `Runtime` if threads cannot be started.
pub fn set_threads(threads: usize) -> Result<()> {
    cpu().backend().set_threads(threads)
}

/// What evaluations did so far, process-wide.
#[derive(Debug, Default)]
pub struct Counters {
    /// Kernels run.
    pub launches: AtomicU64,
    /// Arrays copied only to change their layout.
    pub copies: AtomicU64,
    /// Fused ops computed through their expansion.
    pub expansions: AtomicU64,
    /// Core ops computed by the exact evaluator for lack of a kernel.
    pub references: AtomicU64,
    /// Core ops of another device computed by the processor for lack of a kernel there.
    pub fallbacks: AtomicU64,
    /// Outputs written over a dying input.
    pub donations: AtomicU64,
    /// Ops run in place of several.
    pub lowered: AtomicU64,
}

/// A reading of the counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Kernels run.
    pub launches: u64,
    /// Arrays copied only to change their layout.
    pub copies: u64,
    /// Fused ops computed through their expansion.
    pub expansions: u64,
    /// Core ops computed by the exact evaluator for lack of a kernel.
    pub references: u64,
    /// Core ops of another device computed by the processor for lack of a kernel there.
    pub fallbacks: u64,
    /// Outputs written over a dying input.
    pub donations: u64,
    /// Ops run in place of several.
    pub lowered: u64,
    /// Dispatches on the GPU.
    pub dispatches: u64,
    /// Barriers between them.
    pub barriers: u64,
}

impl std::ops::Sub for Counts {
    type Output = Counts;
    fn sub(self, o: Counts) -> Counts {
        Counts {
            launches: self.launches - o.launches,
            copies: self.copies - o.copies,
            expansions: self.expansions - o.expansions,
            references: self.references - o.references,
            fallbacks: self.fallbacks - o.fallbacks,
            donations: self.donations - o.donations,
            lowered: self.lowered - o.lowered,
            dispatches: self.dispatches - o.dispatches,
            barriers: self.barriers - o.barriers,
        }
    }
}

pub(crate) fn counters() -> &'static Counters {
    static C: Counters = Counters {
        launches: AtomicU64::new(0),
        copies: AtomicU64::new(0),
        expansions: AtomicU64::new(0),
        references: AtomicU64::new(0),
        fallbacks: AtomicU64::new(0),
        donations: AtomicU64::new(0),
        lowered: AtomicU64::new(0),
    };
    &C
}

/// Reads the counters; subtract two readings to see what an evaluation did.
pub fn counts() -> Counts {
    let c = counters();
    #[cfg(feature = "vulkan")]
    let (dispatches, barriers) = gpu::opened().map_or((0, 0), |g| (g.dispatches(), g.barriers()));
    #[cfg(not(feature = "vulkan"))]
    let (dispatches, barriers) = (0, 0);
    Counts {
        dispatches,
        barriers,
        launches: c.launches.load(Ordering::Relaxed),
        copies: c.copies.load(Ordering::Relaxed),
        expansions: c.expansions.load(Ordering::Relaxed),
        references: c.references.load(Ordering::Relaxed),
        fallbacks: c.fallbacks.load(Ordering::Relaxed),
        donations: c.donations.load(Ordering::Relaxed),
        lowered: c.lowered.load(Ordering::Relaxed),
    }
}

/// How long the GPU's kernels take.
pub mod profile {
    use super::*;
    use std::time::Duration;

    /// What a kernel took in all its runs.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KernelTime {
        /// The kernel's name; `copy` for copies, `(no work)` for the time in which the GPU had none.
        pub name: String,
        /// Dispatches.
        pub runs: u64,
        /// From the end of the work before it to its own end, so that all of them add up to the whole time.
        pub time: Duration,
    }

    /// Measures, from now on, every kernel of the GPU in use; this costs a little time.
    ///
    /// # Errors
    /// `Device` if no GPU is in use or it was lost, `Unsupported` if it cannot tell the time.
    pub fn start() -> Result<()> {
        #[cfg(feature = "vulkan")]
        if let Some(g) = gpu::opened() {
            return g.profile();
        }
        Err(Error::device("[profile] no GPU is in use"))
    }

    /// What was measured since [`start`], longest first; measuring ends.
    ///
    /// # Errors
    /// `Device` if no GPU is in use or it was lost.
    pub fn stop() -> Result<Vec<KernelTime>> {
        #[cfg(feature = "vulkan")]
        if let Some(g) = gpu::opened() {
            let own = |t: mlx_vulkan::KernelTime| KernelTime { name: t.name, runs: t.runs, time: t.time };
            return Ok(g.profiled()?.into_iter().map(own).collect());
        }
        Err(Error::device("[profile] no GPU is in use"))
    }
}

/// Memory figures of all devices in use together, as MLX's memory functions.
pub mod memory {
    use super::*;

    /// Bytes in use by arrays.
    pub fn active() -> usize {
        sum(|i| i.active)
    }
    /// Most bytes ever in use since the start or the last [`reset_peak`]; those of the devices added.
    pub fn peak() -> usize {
        sum(|i| i.peak)
    }
    /// Bytes kept for reuse.
    pub fn cache() -> usize {
        sum(|i| i.cache)
    }
    /// What the GPU in use holds; none without.
    pub fn gpu() -> Option<GpuMemory> {
        #[cfg(feature = "vulkan")]
        if let Some(g) = gpu::opened() {
            return Some(GpuMemory { peak: g.memory().peak, in_place: g.imported() as usize });
        }
        None
    }
    /// Memory of a GPU, in bytes.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct GpuMemory {
        /// Most in use by arrays since the start or the last [`reset_peak`].
        pub peak: usize,
        /// Of files that the device reads where the processor mapped them; not among the others.
        pub in_place: usize,
    }
    fn sum(part: impl Fn(MemoryInfo) -> usize) -> usize {
        part(cpu().backend().memory()) + gpu_in_use().map_or(0, |g| part(g.memory()))
    }
    /// Forgets the peak.
    pub fn reset_peak() {
        cpu().backend().reset_peak_memory();
        #[cfg(feature = "vulkan")]
        if let Some(g) = gpu::opened() {
            g.reset_peak_memory();
        }
    }
    /// Puts guards around new buffers, so that [`damaged`] can tell of writes outside their bounds. For tests.
    pub fn set_guard(on: bool) {
        cpu().backend().set_guard(on);
    }
    /// Guarded buffers that were found damaged when they were freed.
    pub fn damaged() -> u64 {
        cpu().backend().damaged()
    }
    /// Sets the limit, for each device, above which allocation fails with a `Memory` error; returns the processor's
    /// previous one.
    pub fn set_limit(bytes: usize) -> usize {
        #[cfg(feature = "vulkan")]
        if let Some(g) = gpu::opened() {
            g.set_memory_limit(bytes);
        }
        cpu().backend().set_memory_limit(bytes)
    }
    /// The limit above which the processor's allocation fails.
    pub fn limit() -> usize {
        let b = cpu().backend();
        let now = b.set_memory_limit(usize::MAX);
        b.set_memory_limit(now);
        now
    }
    /// Sets how many freed bytes each device keeps for reuse; returns the processor's previous limit.
    pub fn set_cache_limit(bytes: usize) -> usize {
        #[cfg(feature = "vulkan")]
        if let Some(g) = gpu::opened() {
            g.set_cache_limit(bytes);
        }
        cpu().backend().set_cache_limit(bytes)
    }
    /// Gives the kept bytes back to the system.
    pub fn clear_cache() {
        #[cfg(feature = "vulkan")]
        if let Some(g) = gpu::opened() {
            g.clear_cache();
        }
        cpu().backend().clear_cache();
    }
}
