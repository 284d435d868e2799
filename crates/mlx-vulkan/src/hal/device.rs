//! A device that has been opened: its queue, its memory allocator, its layouts.

use super::import::Importer;
use super::instance::{Adapter, Instance, compute_family, raw_device};
use super::probe::newer;
use super::timeline::Calls;
use crate::caps::Caps;
use ash::vk;
use mlx_ir::{Error, Result};
use std::ffi::CStr;
use std::mem::ManuallyDrop;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// Most storage buffers of a dispatch.
pub(crate) const MAX_BINDINGS: usize = 24;
/// Bytes of push constants, which every device has.
pub(crate) const PUSH_BYTES: usize = 128;

/// How the bindings of a number of buffers are laid out.
#[derive(Clone, Copy)]
pub(crate) struct Layout {
    pub set: vk::DescriptorSetLayout,
    pub pipeline: vk::PipelineLayout,
}

/// An open device.
pub(crate) struct Device {
    pub raw: ash::Device,
    pub queue: vk::Queue,
    pub family: u32,
    /// Bits of the queue's timestamps; 0 if it has none.
    pub timestamp_bits: u32,
    pub adapter: Adapter,
    /// The driver's stamp of its pipeline caches.
    pub cache_uuid: [u8; 16],
    /// Writes descriptors into command buffers, where the device can.
    pub push: Option<ash::khr::push_descriptor::Device>,
    /// How to wait for work by timeline semaphores, where the device has them.
    pub timeline: Option<Calls>,
    pub allocator: ManuallyDrop<vk_mem::Allocator>,
    /// Bytes of living blocks.
    pub allocated: AtomicU64,
    /// Where the device can read pages of files in place.
    pub importer: Option<Importer>,
    layouts: [OnceLock<Layout>; MAX_BINDINGS + 1],
    /// Held while work is handed over, and while a pipeline is made: see [`Device::turn`].
    turns: Mutex<()>,
    /// The first error after which the device takes no work.
    lost: OnceLock<Error>,
    _instance: Arc<Instance>,
}

impl Drop for Device {
    fn drop(&mut self) {
        // SAFETY: everything made from the device holds it, so nothing else is left; the allocator goes before it.
        unsafe {
            let _ = self.raw.device_wait_idle();
            for l in self.layouts.iter().filter_map(OnceLock::get) {
                self.raw.destroy_pipeline_layout(l.pipeline, None);
                self.raw.destroy_descriptor_set_layout(l.set, None);
            }
            ManuallyDrop::drop(&mut self.allocator);
            self.raw.destroy_device(None);
        }
    }
}

/// A driver's answer in words.
pub(crate) fn failure(what: &str, e: vk::Result) -> Error {
    match e {
        vk::Result::ERROR_OUT_OF_DEVICE_MEMORY | vk::Result::ERROR_OUT_OF_HOST_MEMORY => {
            Error::memory(format!("[gpu] out of memory: {what}"))
        }
        e => Error::device(format!("[gpu] {what}: {e}")),
    }
}

impl Device {
    /// Opens a usable device.
    ///
    /// # Errors
    /// `Device` if its driver refuses.
    pub fn open(adapter: &Adapter) -> Result<Arc<Device>> {
        let instance = Instance::get()?;
        let physical = raw_device(&instance, adapter.index)?;
        let family = compute_family(&instance, physical)
            .ok_or_else(|| Error::device(format!("[gpu] {} has no compute queue", adapter.name)))?;
        let raw = Self::create(&instance, physical, family, &adapter.caps)
            .map_err(|e| failure(&format!("{} could not be opened", adapter.name), e))?;
        // SAFETY: the family has a queue, and one was asked for; the physical device is of the instance.
        let (queue, properties, families) = unsafe {
            (
                raw.get_device_queue(family, 0),
                instance.raw.get_physical_device_properties(physical),
                instance.raw.get_physical_device_queue_family_properties(physical),
            )
        };
        let mut info = vk_mem::AllocatorCreateInfo::new(&instance.raw, &raw, physical);
        info.vulkan_api_version = vk::API_VERSION_1_1;
        // Small buffers share allocations of this size.
        info.preferred_large_heap_block_size = adapter.caps.allocation_size.min(256 << 20);
        if adapter.caps.memory_budget {
            info.flags |= vk_mem::AllocatorCreateFlags::EXT_MEMORY_BUDGET;
        }
        // SAFETY: instance and device outlive the allocator (see drop).
        let allocator = match unsafe { vk_mem::Allocator::new(info) } {
            Ok(a) => a,
            Err(e) => {
                // SAFETY: nothing was made from it.
                unsafe { raw.destroy_device(None) };
                return Err(failure("no memory allocator", e));
            }
        };
        let push = adapter.caps.push_descriptor.then(|| ash::khr::push_descriptor::Device::new(&instance.raw, &raw));
        let timeline = adapter.caps.timeline.then(|| match properties.api_version >= vk::API_VERSION_1_2 {
            true => Calls::Core,
            false => Calls::Extension(ash::khr::timeline_semaphore::Device::new(&instance.raw, &raw)),
        });
        Ok(Arc::new(Device {
            queue,
            timeline,
            family,
            timestamp_bits: families.get(family as usize).map_or(0, |f| f.timestamp_valid_bits),
            adapter: adapter.clone(),
            cache_uuid: properties.pipeline_cache_uuid,
            push,
            allocated: AtomicU64::new(0),
            importer: Importer::new(&instance.raw, physical, &raw, adapter, &properties.pipeline_cache_uuid),
            allocator: ManuallyDrop::new(allocator),
            layouts: [const { OnceLock::new() }; MAX_BINDINGS + 1],
            turns: Mutex::new(()),
            lost: OnceLock::new(),
            raw,
            _instance: instance,
        }))
    }

    /// To be held while work is handed over and while a pipeline is made that will be used; none on drivers that do both
    /// at once as they should.
    pub fn turn(&self) -> Option<MutexGuard<'_, ()>> {
        (!self.adapter.pipelines_meanwhile).then(|| self.turns.lock().unwrap_or_else(|e| e.into_inner()))
    }

    /// A logical device with every feature that the capabilities name and kernels may use.
    fn create(
        instance: &Instance,
        physical: vk::PhysicalDevice,
        family: u32,
        caps: &Caps,
    ) -> std::result::Result<ash::Device, vk::Result> {
        // SAFETY: a device of the instance.
        let (api, listed) = unsafe {
            (
                instance.raw.get_physical_device_properties(physical).api_version,
                instance.raw.enumerate_device_extension_properties(physical)?,
            )
        };
        let has = |name: &CStr| listed.iter().any(|e| e.extension_name_as_c_str().is_ok_and(|n| n == name));
        let (v12, v13) = (api >= vk::API_VERSION_1_2, api >= vk::API_VERSION_1_3);
        let mut names: Vec<&CStr> = Vec::new();
        let bit = |b: bool| if b { vk::TRUE } else { vk::FALSE };
        let core = vk::PhysicalDeviceFeatures {
            shader_int16: bit(caps.int16),
            shader_int64: bit(caps.int64),
            ..Default::default()
        };
        let mut storage16 =
            vk::PhysicalDevice16BitStorageFeatures::default().storage_buffer16_bit_access(caps.storage16);
        let mut storage8 = vk::PhysicalDevice8BitStorageFeatures::default().storage_buffer8_bit_access(caps.storage8);
        let mut small =
            vk::PhysicalDeviceShaderFloat16Int8Features::default().shader_float16(caps.fp16).shader_int8(caps.int8);
        let mut dot =
            vk::PhysicalDeviceShaderIntegerDotProductFeatures::default().shader_integer_dot_product(caps.int_dot);
        let mut sizes = vk::PhysicalDeviceSubgroupSizeControlFeatures::default()
            .subgroup_size_control(caps.subgroups.size_control)
            .compute_full_subgroups(caps.subgroups.full);
        let mut atomics =
            vk::PhysicalDeviceShaderAtomicFloatFeaturesEXT::default().shader_buffer_float32_atomic_add(true);
        let mut robust = vk::PhysicalDevicePipelineRobustnessFeaturesEXT::default().pipeline_robustness(true);
        let mut timeline = vk::PhysicalDeviceTimelineSemaphoreFeatures::default().timeline_semaphore(true);
        let mut brains = newer::Bf16::new();
        let mut matrix = vk::PhysicalDeviceCooperativeMatrixFeaturesKHR::default().cooperative_matrix(true);
        let mut matrix2 = newer::Matrix2::new();
        let mut maintenance4 = vk::PhysicalDeviceMaintenance4Features::default().maintenance4(true);
        let mut memory_model = vk::PhysicalDeviceVulkanMemoryModelFeatures::default()
            .vulkan_memory_model(true)
            .vulkan_memory_model_device_scope(true);

        let mut features = vk::PhysicalDeviceFeatures2::default().features(core).push_next(&mut storage16);
        if caps.storage8 {
            features = features.push_next(&mut storage8);
            names.extend((!v12).then_some(ash::khr::_8bit_storage::NAME));
        }
        if caps.fp16 || caps.int8 {
            features = features.push_next(&mut small);
            names.extend((!v12).then_some(ash::khr::shader_float16_int8::NAME));
        }
        if caps.int_dot {
            features = features.push_next(&mut dot);
            names.extend((!v13).then_some(ash::khr::shader_integer_dot_product::NAME));
        }
        if caps.timeline {
            features = features.push_next(&mut timeline);
            names.extend((!v12).then_some(ash::khr::timeline_semaphore::NAME));
        }
        if caps.subgroups.size_control || caps.subgroups.full {
            features = features.push_next(&mut sizes);
            names.extend((!v13).then_some(ash::ext::subgroup_size_control::NAME));
        }
        if caps.float_atomics {
            features = features.push_next(&mut atomics);
            names.push(ash::ext::shader_atomic_float::NAME);
        }
        if caps.robust {
            features = features.push_next(&mut robust);
            names.push(ash::ext::pipeline_robustness::NAME);
        }
        if !caps.matrices.is_empty() && v12 {
            features = features.push_next(&mut matrix).push_next(&mut memory_model);
            names.push(ash::khr::cooperative_matrix::NAME);
            if caps.matrix2 {
                matrix2.features = [vk::TRUE; 7];
                features = features.push_next(&mut matrix2).push_next(&mut maintenance4);
                names.push(newer::MATRIX2);
            }
            if caps.bf16 {
                // The type and its matrices; dot products are another matter.
                brains.features = [vk::TRUE, vk::FALSE, vk::TRUE];
                features = features.push_next(&mut brains);
                names.push(newer::BF16);
            }
        }
        names.extend(caps.push_descriptor.then_some(ash::khr::push_descriptor::NAME));
        names.extend(caps.memory_budget.then_some(ash::ext::memory_budget::NAME));
        names.extend(caps.host_import.then_some(ash::ext::external_memory_host::NAME));
        // A device that has it wants it enabled.
        let portable = ash::khr::portability_subset::NAME;
        names.extend(has(portable).then_some(portable));

        let pointers: Vec<_> = names.iter().map(|n| n.as_ptr()).collect();
        let queues = [vk::DeviceQueueCreateInfo::default().queue_family_index(family).queue_priorities(&[1.0])];
        let info = vk::DeviceCreateInfo::default()
            .queue_create_infos(&queues)
            .enabled_extension_names(&pointers)
            .push_next(&mut features);
        // SAFETY: features and extensions are among those that the device reported; all structures live.
        unsafe { instance.raw.create_device(physical, &info, None) }
    }

    /// What the device can do.
    pub fn caps(&self) -> &Caps {
        &self.adapter.caps
    }

    /// The layout of dispatches with this many buffers.
    ///
    /// # Errors
    /// `Memory` or `Device` if the driver refuses.
    pub fn layout(&self, bindings: usize) -> Result<Layout> {
        if let Some(l) = self.layouts[bindings].get() {
            return Ok(*l);
        }
        let list: Vec<_> = (0..bindings as u32)
            .map(|i| {
                vk::DescriptorSetLayoutBinding::default()
                    .binding(i)
                    .descriptor_type(vk::DescriptorType::STORAGE_BUFFER)
                    .descriptor_count(1)
                    .stage_flags(vk::ShaderStageFlags::COMPUTE)
            })
            .collect();
        let flags = match self.push {
            Some(_) => vk::DescriptorSetLayoutCreateFlags::PUSH_DESCRIPTOR_KHR,
            None => vk::DescriptorSetLayoutCreateFlags::empty(),
        };
        let info = vk::DescriptorSetLayoutCreateInfo::default().bindings(&list).flags(flags);
        // SAFETY: the device lives, the structures live through the calls; the set layout is destroyed if no pipeline
        // layout comes of it.
        let made = unsafe {
            self.raw.create_descriptor_set_layout(&info, None).and_then(|set| {
                let sets = [set];
                let push = [vk::PushConstantRange {
                    stage_flags: vk::ShaderStageFlags::COMPUTE,
                    offset: 0,
                    size: PUSH_BYTES as u32,
                }];
                let info = vk::PipelineLayoutCreateInfo::default().set_layouts(&sets).push_constant_ranges(&push);
                match self.raw.create_pipeline_layout(&info, None) {
                    Ok(pipeline) => Ok(Layout { set, pipeline }),
                    Err(e) => {
                        self.raw.destroy_descriptor_set_layout(set, None);
                        Err(e)
                    }
                }
            })
        };
        let made = made.map_err(|e| failure("no pipeline layout", e))?;
        let kept = *self.layouts[bindings].get_or_init(|| made);
        if kept.set != made.set {
            // SAFETY: another thread was first; nobody has seen this one.
            unsafe {
                self.raw.destroy_pipeline_layout(made.pipeline, None);
                self.raw.destroy_descriptor_set_layout(made.set, None);
            }
        }
        Ok(kept)
    }

    /// Notes an error after which nothing can be expected of the device.
    pub fn give_up(&self, e: Error) -> Error {
        self.lost.get_or_init(|| e).clone()
    }

    /// An error if the device was given up.
    ///
    /// # Errors
    /// The first one noted.
    pub fn alive(&self) -> Result<()> {
        match self.lost.get() {
            Some(e) => Err(e.clone()),
            None => Ok(()),
        }
    }
}
