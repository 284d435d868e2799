//! The loader, the instance, and a survey of the devices behind them.

use super::probe;
use crate::caps::{Caps, MINIMUM, Overrides};
use crate::quirks::{self, Quirk};
use ash::vk;
use mlx_ir::{Error, Result};
use std::fmt;
use std::sync::{Arc, OnceLock};

/// A live instance.
pub(crate) struct Instance {
    pub raw: ash::Instance,
    /// After the instance: the loader must outlive it.
    pub entry: ash::Entry,
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: whatever was made from it holds it, so it is the last.
        unsafe { self.raw.destroy_instance(None) };
    }
}

impl Instance {
    /// The process's instance, made at the first call; or why there is none.
    pub fn get() -> Result<Arc<Instance>> {
        static INSTANCE: OnceLock<Result<Arc<Instance>>> = OnceLock::new();
        INSTANCE.get_or_init(|| Self::start().map(Arc::new)).clone()
    }

    fn start() -> Result<Instance> {
        // SAFETY: the system's loader, which is Vulkan's by its name; it stays open as long as the instance.
        let entry = unsafe { ash::Entry::load() }
            .map_err(|e| Error::device(format!("[vulkan] no Vulkan loader on this machine: {e}")))?;
        // SAFETY: the loader is open. A 1.0 loader lacks the function.
        let version = unsafe { entry.try_enumerate_instance_version() }.ok().flatten().unwrap_or(vk::API_VERSION_1_0);
        if version < vk::API_VERSION_1_1 {
            return Err(Error::device(format!("[vulkan] the loader is of Vulkan {}; needed: 1.1", Version(version))));
        }
        // SAFETY: the loader is open.
        let extensions = unsafe { entry.enumerate_instance_extension_properties(None) }.unwrap_or_default();
        let portable = extensions
            .iter()
            .any(|e| e.extension_name_as_c_str().is_ok_and(|n| n == ash::khr::portability_enumeration::NAME));
        let names = if portable { vec![ash::khr::portability_enumeration::NAME.as_ptr()] } else { Vec::new() };
        let flags = if portable {
            vk::InstanceCreateFlags::ENUMERATE_PORTABILITY_KHR
        } else {
            vk::InstanceCreateFlags::empty()
        };
        let app = vk::ApplicationInfo::default()
            .application_name(c"mlx-arm")
            .engine_name(c"mlx-arm")
            .api_version(version.min(vk::make_api_version(0, 1, 4, 0)));
        let info =
            vk::InstanceCreateInfo::default().application_info(&app).enabled_extension_names(&names).flags(flags);
        // SAFETY: names and structures live through the call.
        let raw = unsafe { entry.create_instance(&info, None) }
            .map_err(|e| Error::device(format!("[vulkan] the drivers' instance could not be made: {e}")))?;
        Ok(Instance { raw, entry })
    }
}

/// `major.minor.patch` of a packed version.
struct Version(u32);
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v = self.0;
        write!(f, "{}.{}.{}", vk::api_version_major(v), vk::api_version_minor(v), vk::api_version_patch(v))
    }
}

/// Where a device sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Memory of its own.
    Discrete,
    /// Shares the processor's memory: phones, APUs.
    Integrated,
    /// A part of a real one, in a virtual machine.
    Virtual,
    /// A driver that computes on the processor.
    Cpu,
    /// Anything else.
    Other,
}

impl Kind {
    /// `discrete`, `integrated`, …
    pub fn name(self) -> &'static str {
        match self {
            Kind::Discrete => "discrete",
            Kind::Integrated => "integrated",
            Kind::Virtual => "virtual",
            Kind::Cpu => "cpu",
            Kind::Other => "other",
        }
    }
}

/// A memory heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heap {
    /// Bytes.
    pub bytes: u64,
    /// The device's own (or, on integrated devices, shared).
    pub device_local: bool,
    /// The processor can map memory of it.
    pub mappable: bool,
    /// Bytes still to be had, where the driver tells.
    pub free: Option<u64>,
}

/// A type of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryType {
    /// The heap that it is of.
    pub heap: usize,
    /// The device's own.
    pub device_local: bool,
    /// The processor can map it.
    pub host_visible: bool,
    /// Writes of either side are seen by the other without being told.
    pub coherent: bool,
    /// The processor reads it through its caches.
    pub cached: bool,
}

/// A device, whether it can be used or not.
#[derive(Clone, Debug)]
pub struct Adapter {
    /// Number in the driver's list.
    pub index: usize,
    /// What the driver calls it.
    pub name: String,
    /// Where it sits.
    pub kind: Kind,
    /// PCI vendor number, or Khronos's.
    pub vendor: u32,
    /// The vendor's number for the model.
    pub device: u32,
    /// Vulkan version of device and driver.
    pub api: String,
    /// The driver's name, where it tells.
    pub driver: String,
    /// The driver's version in its own words, where it tells.
    pub driver_info: String,
    /// `VkDriverId`, where it tells.
    pub driver_id: Option<i32>,
    /// The driver's version number as it packs it.
    pub driver_version: u32,
    /// Memory.
    pub heaps: Vec<Heap>,
    /// Processor and device share their memory: arrays need no copies.
    pub unified: bool,
    /// The processor can write (nearly) all of the device's own memory, which it should not read.
    pub rebar: bool,
    /// Types of memory.
    pub types: Vec<MemoryType>,
    /// What it can do, less what is known not to work and what `MLX_VULKAN_DISABLE` takes away.
    pub caps: Caps,
    /// What is known of such devices and drivers.
    pub quirks: Vec<&'static Quirk>,
    /// Families of kernels that are not used.
    pub off: Vec<&'static str>,
    /// Whether compiled pipelines are kept on disk.
    pub pipeline_file: bool,
    /// Whether pipelines are made while other threads hand over work.
    pub pipelines_meanwhile: bool,
    /// It is used only if it is named.
    pub by_name_only: bool,
    /// The processor works on copies of mapped memory, so that a missing flush shows.
    pub(crate) shadowed: bool,
    /// Bytes after which the driver is taken to have no memory left, for tests.
    pub(crate) memory_limit: u64,
    /// Number of the batch after which the device is taken to be lost, for tests.
    pub(crate) last_batch: u64,
    /// Why it is not used; none for a device that can be.
    pub refused: Option<String>,
}

#[cfg(test)]
impl Adapter {
    /// A made-up device that can do nothing.
    pub(crate) fn for_test(name: &str, kind: Kind) -> Adapter {
        Adapter {
            index: 0,
            name: name.into(),
            kind,
            vendor: 0,
            device: 0,
            api: "1.3.0".into(),
            driver: String::new(),
            driver_info: String::new(),
            driver_id: None,
            driver_version: 0,
            heaps: Vec::new(),
            unified: kind != Kind::Discrete,
            rebar: false,
            types: Vec::new(),
            caps: Caps::default(),
            quirks: Vec::new(),
            off: Vec::new(),
            pipeline_file: true,
            pipelines_meanwhile: true,
            by_name_only: false,
            shadowed: false,
            memory_limit: u64::MAX,
            last_batch: u64::MAX,
            refused: None,
        }
    }
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Every device, in the drivers' order.
    pub adapters: Vec<Adapter>,
}

/// Looks for devices.
///
/// # Errors
/// `Device` with the reason in words if there is no loader, no instance, no list of devices; `Value` for a bad
/// `MLX_VULKAN_DISABLE`.
pub fn survey() -> Result<Survey> {
    survey_without(&Overrides::from_env()?)
}

/// Looks for devices, and takes `overrides` away from them instead of what `MLX_VULKAN_DISABLE` says.
///
/// # Errors
/// As [`survey`].
pub fn survey_without(overrides: &Overrides) -> Result<Survey> {
    let instance = Instance::get()?;
    // SAFETY: the instance lives.
    let devices = unsafe { instance.raw.enumerate_physical_devices() }
        .map_err(|e| Error::device(format!("[vulkan] the drivers' devices could not be listed: {e}")))?;
    let adapters = devices.into_iter().enumerate().map(|(i, d)| adapter(&instance, d, i, overrides)).collect();
    Ok(Survey { adapters })
}

/// The compute queue family to use: one without graphics where there is one, since drivers schedule it apart.
fn queue_family(families: &[vk::QueueFamilyProperties]) -> Option<usize> {
    let fits = |f: &vk::QueueFamilyProperties| f.queue_count > 0 && f.queue_flags.contains(vk::QueueFlags::COMPUTE);
    families
        .iter()
        .position(|f| fits(f) && !f.queue_flags.contains(vk::QueueFlags::GRAPHICS))
        .or_else(|| families.iter().position(fits))
}

/// The family of [`queue_family`] of a device.
pub(super) fn compute_family(instance: &Instance, device: vk::PhysicalDevice) -> Option<u32> {
    // SAFETY: a device of the instance.
    let families = unsafe { instance.raw.get_physical_device_queue_family_properties(device) };
    queue_family(&families).map(|i| i as u32)
}

/// Device number `index` of the drivers' list.
///
/// # Errors
/// `Device` if the list is no longer what it was.
pub(super) fn raw_device(instance: &Instance, index: usize) -> Result<vk::PhysicalDevice> {
    // SAFETY: the instance lives.
    let devices = unsafe { instance.raw.enumerate_physical_devices() }
        .map_err(|e| Error::device(format!("[vulkan] the drivers' devices could not be listed: {e}")))?;
    devices.get(index).copied().ok_or_else(|| Error::device(format!("[vulkan] device {index} is gone")))
}

fn adapter(instance: &Instance, device: vk::PhysicalDevice, index: usize, overrides: &Overrides) -> Adapter {
    // SAFETY: a device of the instance.
    let (p, families) = unsafe {
        (
            instance.raw.get_physical_device_properties(device),
            instance.raw.get_physical_device_queue_family_properties(device),
        )
    };
    let kind = match p.device_type {
        vk::PhysicalDeviceType::DISCRETE_GPU => Kind::Discrete,
        vk::PhysicalDeviceType::INTEGRATED_GPU => Kind::Integrated,
        vk::PhysicalDeviceType::VIRTUAL_GPU => Kind::Virtual,
        vk::PhysicalDeviceType::CPU => Kind::Cpu,
        _ => Kind::Other,
    };
    let mut a = Adapter {
        index,
        name: probe::text(&p.device_name),
        kind,
        vendor: p.vendor_id,
        device: p.device_id,
        api: Version(p.api_version).to_string(),
        driver: String::new(),
        driver_info: String::new(),
        driver_id: None,
        driver_version: p.driver_version,
        heaps: Vec::new(),
        unified: false,
        rebar: false,
        types: Vec::new(),
        caps: Caps::default(),
        quirks: Vec::new(),
        off: Vec::new(),
        pipeline_file: true,
        pipelines_meanwhile: true,
        by_name_only: false,
        shadowed: false,
        memory_limit: u64::MAX,
        last_batch: u64::MAX,
        refused: None,
    };
    if p.api_version < vk::API_VERSION_1_1 {
        a.refused = Some(format!("it offers Vulkan {}; needed: {MINIMUM}", a.api));
        return a;
    }
    let ext = match probe::Extensions::of(instance, device) {
        Ok(e) => e,
        Err(e) => {
            a.refused = Some(format!("its driver does not list its extensions: {e}"));
            return a;
        }
    };
    if let Some(d) = probe::driver(instance, device, p.api_version, &ext) {
        (a.driver_id, a.driver, a.driver_info) = (Some(d.id), d.name, d.info);
    }
    (a.heaps, a.types, a.unified) = memory(instance, device, ext.has(ash::ext::memory_budget::NAME));
    a.rebar = whole_window(&a.heaps, &a.types);
    let Some(queue) = queue_family(&families) else {
        a.refused = Some(format!("it has no compute queue; needed: {MINIMUM}"));
        return a;
    };
    a.caps = probe::caps(instance, device, p.api_version, &ext, &families[queue]);
    a.caps.coherent = coherent(instance, device);
    quirks::apply(&mut a);
    let range = a.caps.storage_range;
    overrides.apply(&mut a);
    // Tests make ranges so short that small arrays do not fit.
    let lacks = Caps { storage_range: range, ..a.caps.clone() }.lacks();
    if !lacks.is_empty() {
        a.refused = Some(format!("{}; needed: {MINIMUM}", lacks.join(", ")));
    }
    a
}

/// Whether all memory that the processor can map is coherent.
fn coherent(instance: &Instance, device: vk::PhysicalDevice) -> bool {
    use vk::MemoryPropertyFlags as Flags;
    // SAFETY: a device of the instance.
    let m = unsafe { instance.raw.get_physical_device_memory_properties(device) };
    let mut mapped = m.memory_types_as_slice().iter().filter(|t| t.property_flags.contains(Flags::HOST_VISIBLE));
    mapped.all(|t| t.property_flags.contains(Flags::HOST_COHERENT))
}

/// Whether the processor can map coherent memory of the device's largest heap. Those with a small window have a heap for
/// it, or tell of a window that is smaller than the rest.
fn whole_window(heaps: &[Heap], types: &[MemoryType]) -> bool {
    let own = heaps.iter().enumerate().filter(|(_, h)| h.device_local);
    let Some((largest, _)) = own.max_by_key(|(_, h)| h.bytes) else { return false };
    types.iter().any(|t| t.heap == largest && t.device_local && t.host_visible && t.coherent)
}

/// Heaps and types, and whether all memory is shared with the processor.
fn memory(instance: &Instance, device: vk::PhysicalDevice, has_budget: bool) -> (Vec<Heap>, Vec<MemoryType>, bool) {
    let mut budget = vk::PhysicalDeviceMemoryBudgetPropertiesEXT::default();
    let mut m = vk::PhysicalDeviceMemoryProperties2::default();
    if has_budget {
        m = m.push_next(&mut budget);
    }
    // SAFETY: a device of the instance; the structure is passed only where the device has the extension.
    unsafe { instance.raw.get_physical_device_memory_properties2(device, &mut m) };
    let m = m.memory_properties;
    let (heaps, types) = (m.memory_heaps_as_slice(), m.memory_types_as_slice());
    let list: Vec<Heap> = heaps
        .iter()
        .enumerate()
        .map(|(i, h)| Heap {
            bytes: h.size,
            device_local: h.flags.contains(vk::MemoryHeapFlags::DEVICE_LOCAL),
            mappable: types.iter().any(|t| {
                t.heap_index as usize == i && t.property_flags.contains(vk::MemoryPropertyFlags::HOST_VISIBLE)
            }),
            free: has_budget.then(|| budget.heap_budget[i].saturating_sub(budget.heap_usage[i])),
        })
        .collect();
    let unified = !list.is_empty() && list.iter().all(|h| h.device_local && h.mappable);
    use vk::MemoryPropertyFlags as Flags;
    let types = types.iter().map(|t| MemoryType {
        heap: t.heap_index as usize,
        device_local: t.property_flags.contains(Flags::DEVICE_LOCAL),
        host_visible: t.property_flags.contains(Flags::HOST_VISIBLE),
        coherent: t.property_flags.contains(Flags::HOST_COHERENT),
        cached: t.property_flags.contains(Flags::HOST_CACHED),
    });
    (list, types.collect(), unified)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_to_all_memory_is_known_from_a_small_one() {
        let heap = |gib: u64, device_local| Heap { bytes: gib << 30, device_local, mappable: true, free: None };
        let kind = |heap, device_local, host_visible, coherent| MemoryType {
            heap,
            device_local,
            host_visible,
            coherent,
            cached: false,
        };
        let plain = [kind(0, true, false, false), kind(1, false, true, true)];
        let heaps = [heap(16, true), heap(32, false)];
        assert!(!whole_window(&heaps, &plain));
        assert!(whole_window(&heaps, &[plain[0], plain[1], kind(0, true, true, true)]));
        assert!(!whole_window(&heaps, &[plain[0], plain[1], kind(0, true, true, false)]));
        // A heap of its own for the 256 MiB that can be mapped.
        let small = Heap { bytes: 256 << 20, ..heap(0, true) };
        assert!(!whole_window(&[heap(16, true), heap(32, false), small], &[plain[0], kind(2, true, true, true)]));
        assert!(!whole_window(&[], &[]));
    }
}
