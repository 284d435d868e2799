//! Asks a device what it can do.

use super::instance::Instance;
use crate::caps::{Caps, MatrixShape, Number, Subgroups};
use ash::vk;
use std::ffi::CStr;
use std::os::raw::c_void;

/// Types of extensions that are younger than the bindings. Values and layouts are those of the Vulkan registry.
pub(super) mod newer {
    use super::*;

    pub const BF16: &CStr = c"VK_KHR_shader_bfloat16";
    pub const MATRIX2: &CStr = c"VK_NV_cooperative_matrix2";
    /// `VK_COMPONENT_TYPE_BFLOAT16_KHR`.
    pub const COMPONENT_BF16: i32 = 1_000_141_000;

    /// `VkPhysicalDeviceShaderBfloat16FeaturesKHR`: type, dot product, cooperative matrix.
    #[repr(C)]
    pub struct Bf16 {
        pub s_type: vk::StructureType,
        pub p_next: *mut c_void,
        pub features: [vk::Bool32; 3],
    }
    impl Bf16 {
        pub fn new() -> Self {
            let s_type = vk::StructureType::from_raw(1_000_141_000);
            Self { s_type, p_next: std::ptr::null_mut(), features: [0; 3] }
        }
    }
    // SAFETY: the registry lets it extend VkPhysicalDeviceFeatures2; the layout is the registry's.
    unsafe impl vk::ExtendsPhysicalDeviceFeatures2 for Bf16 {}

    /// `VkPhysicalDeviceCooperativeMatrix2FeaturesNV`: workgroup scope, flexible dimensions, reductions, conversions,
    /// per-element operations, tensor addressing, block loads.
    #[repr(C)]
    pub struct Matrix2 {
        pub s_type: vk::StructureType,
        pub p_next: *mut c_void,
        pub features: [vk::Bool32; 7],
    }
    impl Matrix2 {
        pub fn new() -> Self {
            let s_type = vk::StructureType::from_raw(1_000_593_000);
            Self { s_type, p_next: std::ptr::null_mut(), features: [0; 7] }
        }
    }
    // SAFETY: as above.
    unsafe impl vk::ExtendsPhysicalDeviceFeatures2 for Matrix2 {}
}

/// Extensions of a device by name.
pub(super) struct Extensions(Vec<vk::ExtensionProperties>);

impl Extensions {
    pub fn of(instance: &Instance, device: vk::PhysicalDevice) -> Result<Self, vk::Result> {
        // SAFETY: a device of the instance.
        unsafe { instance.raw.enumerate_device_extension_properties(device) }.map(Self)
    }
    pub fn has(&self, name: &CStr) -> bool {
        self.0.iter().any(|e| e.extension_name_as_c_str().is_ok_and(|n| n == name))
    }
}

/// Texts that drivers write into fixed arrays; without a terminator they end with the array.
pub(super) fn text(chars: &[std::os::raw::c_char]) -> String {
    let bytes: Vec<u8> = chars.iter().take_while(|&&c| c != 0).map(|&c| c as u8).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

pub(super) struct Driver {
    pub id: i32,
    pub name: String,
    pub info: String,
}

/// Which driver, where the device tells.
pub(super) fn driver(instance: &Instance, device: vk::PhysicalDevice, api: u32, ext: &Extensions) -> Option<Driver> {
    if api < vk::API_VERSION_1_2 && !ext.has(ash::khr::driver_properties::NAME) {
        return None;
    }
    let mut d = vk::PhysicalDeviceDriverProperties::default();
    let mut p = vk::PhysicalDeviceProperties2::default().push_next(&mut d);
    // SAFETY: a device of the instance, which knows the structure.
    unsafe { instance.raw.get_physical_device_properties2(device, &mut p) };
    Some(Driver { id: d.driver_id.as_raw(), name: text(&d.driver_name), info: text(&d.driver_info) })
}

/// Capabilities of a device of version `api` (at least 1.1), with timestamps of `queue`.
pub(super) fn caps(
    instance: &Instance,
    device: vk::PhysicalDevice,
    api: u32,
    ext: &Extensions,
    queue: &vk::QueueFamilyProperties,
) -> Caps {
    let (v12, v13) = (api >= vk::API_VERSION_1_2, api >= vk::API_VERSION_1_3);
    let mut fp16_int8 = vk::PhysicalDeviceShaderFloat16Int8Features::default();
    let mut storage8 = vk::PhysicalDevice8BitStorageFeatures::default();
    let mut storage16 = vk::PhysicalDevice16BitStorageFeatures::default();
    let mut timeline = vk::PhysicalDeviceTimelineSemaphoreFeatures::default();
    let mut address = vk::PhysicalDeviceBufferDeviceAddressFeatures::default();
    let mut int_dot = vk::PhysicalDeviceShaderIntegerDotProductFeatures::default();
    let mut size_control = vk::PhysicalDeviceSubgroupSizeControlFeatures::default();
    let mut atomics = vk::PhysicalDeviceShaderAtomicFloatFeaturesEXT::default();
    let mut robust = vk::PhysicalDevicePipelineRobustnessFeaturesEXT::default();
    let mut robust2 = vk::PhysicalDeviceRobustness2FeaturesEXT::default();
    let mut matrix = vk::PhysicalDeviceCooperativeMatrixFeaturesKHR::default();
    let mut model = vk::PhysicalDeviceVulkanMemoryModelFeatures::default();
    let mut bf16 = newer::Bf16::new();
    let mut matrix2 = newer::Matrix2::new();
    let mut maintenance4 = vk::PhysicalDeviceMaintenance4Features::default();

    let has_size_control = v13 || ext.has(ash::ext::subgroup_size_control::NAME);
    let has_int_dot = v13 || ext.has(ash::khr::shader_integer_dot_product::NAME);
    let mut f = vk::PhysicalDeviceFeatures2::default().push_next(&mut storage16);
    if v12 || ext.has(ash::khr::shader_float16_int8::NAME) {
        f = f.push_next(&mut fp16_int8);
    }
    if v12 || ext.has(ash::khr::_8bit_storage::NAME) {
        f = f.push_next(&mut storage8);
    }
    if v12 || ext.has(ash::khr::timeline_semaphore::NAME) {
        f = f.push_next(&mut timeline);
    }
    if v12 || ext.has(ash::khr::buffer_device_address::NAME) {
        f = f.push_next(&mut address);
    }
    if has_int_dot {
        f = f.push_next(&mut int_dot);
    }
    if has_size_control {
        f = f.push_next(&mut size_control);
    }
    if ext.has(ash::ext::shader_atomic_float::NAME) {
        f = f.push_next(&mut atomics);
    }
    if ext.has(ash::ext::pipeline_robustness::NAME) {
        f = f.push_next(&mut robust);
    }
    if ext.has(ash::ext::robustness2::NAME) {
        f = f.push_next(&mut robust2);
    }
    let has_matrix = ext.has(ash::khr::cooperative_matrix::NAME);
    if has_matrix {
        f = f.push_next(&mut matrix);
    }
    if v12 {
        f = f.push_next(&mut model);
    }
    if ext.has(newer::BF16) {
        f = f.push_next(&mut bf16);
    }
    if ext.has(newer::MATRIX2) {
        f = f.push_next(&mut matrix2);
    }
    if v13 {
        f = f.push_next(&mut maintenance4);
    }
    // SAFETY: a device of the instance; structures of extensions are passed only where the device has them.
    unsafe { instance.raw.get_physical_device_features2(device, &mut f) };
    let core = f.features;

    let mut subgroup = vk::PhysicalDeviceSubgroupProperties::default();
    let mut maintenance3 = vk::PhysicalDeviceMaintenance3Properties::default();
    let mut sizes = vk::PhysicalDeviceSubgroupSizeControlProperties::default();
    let mut dots = vk::PhysicalDeviceShaderIntegerDotProductProperties::default();
    let mut host = vk::PhysicalDeviceExternalMemoryHostPropertiesEXT::default();
    let mut controls = vk::PhysicalDeviceFloatControlsProperties::default();
    let mut cores = vk::PhysicalDeviceShaderSMBuiltinsPropertiesNV::default();
    let mut p = vk::PhysicalDeviceProperties2::default().push_next(&mut subgroup).push_next(&mut maintenance3);
    if v12 {
        p = p.push_next(&mut controls);
    }
    if has_size_control {
        p = p.push_next(&mut sizes);
    }
    if has_int_dot {
        p = p.push_next(&mut dots);
    }
    let has_import = ext.has(ash::ext::external_memory_host::NAME);
    if has_import {
        p = p.push_next(&mut host);
    }
    if ext.has(ash::nv::shader_sm_builtins::NAME) {
        p = p.push_next(&mut cores);
    }
    // SAFETY: as above.
    unsafe { instance.raw.get_physical_device_properties2(device, &mut p) };
    let limits = p.properties.limits;

    let in_compute = subgroup.supported_stages.contains(vk::ShaderStageFlags::COMPUTE);
    let ops = |o| in_compute && subgroup.supported_operations.contains(o);
    let sized = size_control.subgroup_size_control == vk::TRUE
        && sizes.required_subgroup_size_stages.contains(vk::ShaderStageFlags::COMPUTE)
        && sizes.min_subgroup_size > 0;
    let size = subgroup.subgroup_size.max(1);
    let subgroups = Subgroups {
        size,
        range: if sized { (sizes.min_subgroup_size, sizes.max_subgroup_size) } else { (size, size) },
        size_control: sized,
        most: if sized { sizes.max_compute_workgroup_subgroups } else { u32::MAX },
        full: size_control.compute_full_subgroups == vk::TRUE,
        vote: ops(vk::SubgroupFeatureFlags::VOTE),
        arithmetic: ops(vk::SubgroupFeatureFlags::ARITHMETIC),
        ballot: ops(vk::SubgroupFeatureFlags::BALLOT),
        shuffle: ops(vk::SubgroupFeatureFlags::SHUFFLE),
        shuffle_relative: ops(vk::SubgroupFeatureFlags::SHUFFLE_RELATIVE),
        clustered: ops(vk::SubgroupFeatureFlags::CLUSTERED),
    };
    let yes = |b: vk::Bool32| b == vk::TRUE;
    // What is asked of f16 must not have to be asked of other numbers too.
    let all = vk::ShaderFloatControlsIndependence::ALL;
    let half = v12 && controls.denorm_behavior_independence == all && controls.rounding_mode_independence == all;
    let half = half && yes(fp16_int8.shader_float16) && yes(controls.shader_signed_zero_inf_nan_preserve_float16);
    // Shaders with matrices want the memory model; with it, atomics of the device's scope are a feature of their own.
    let has_matrix =
        yes(matrix.cooperative_matrix) && yes(model.vulkan_memory_model) && yes(model.vulkan_memory_model_device_scope);
    Caps {
        fp16: yes(fp16_int8.shader_float16),
        half_rounds: half && yes(controls.shader_rounding_mode_rte_float16),
        half_subnormals: half && yes(controls.shader_denorm_preserve_float16),
        int8: yes(fp16_int8.shader_int8),
        int16: yes(core.shader_int16),
        int64: yes(core.shader_int64),
        fp64: yes(core.shader_float64),
        bf16: yes(bf16.features[0]) && yes(bf16.features[2]),
        storage8: yes(storage8.storage_buffer8_bit_access),
        storage16: yes(storage16.storage_buffer16_bit_access),
        int_dot: yes(int_dot.shader_integer_dot_product),
        int_dot_fast: yes(dots.integer_dot_product4x8_bit_packed_signed_accelerated),
        float_atomics: yes(atomics.shader_buffer_float32_atomic_add),
        robust: yes(robust.pipeline_robustness),
        robust2: yes(robust.pipeline_robustness) && yes(robust2.robust_buffer_access2),
        buffer_address: yes(address.buffer_device_address),
        timeline: yes(timeline.timeline_semaphore),
        push_descriptor: ext.has(ash::khr::push_descriptor::NAME),
        // Its shaders are of Vulkan 1.3, where the size of a workgroup is a constant that belongs to maintenance4.
        matrix2: matrix2.features.iter().all(|&b| yes(b)) && yes(maintenance4.maintenance4),
        memory_budget: ext.has(ash::ext::memory_budget::NAME),
        host_import: has_import,
        external_fd: ext.has(ash::khr::external_memory_fd::NAME),
        // The caller knows the memory.
        coherent: false,
        subgroups,
        matrices: if has_matrix { matrices(instance, device) } else { Vec::new() },
        shared_memory: limits.max_compute_shared_memory_size,
        workgroup_invocations: limits.max_compute_work_group_invocations,
        workgroup_size: limits.max_compute_work_group_size,
        workgroup_count: limits.max_compute_work_group_count,
        storage_range: limits.max_storage_buffer_range.into(),
        allocation_size: maintenance3.max_memory_allocation_size,
        allocation_count: limits.max_memory_allocation_count,
        push_constants: limits.max_push_constants_size,
        storage_buffers: limits.max_per_stage_descriptor_storage_buffers,
        storage_alignment: limits.min_storage_buffer_offset_alignment.max(1),
        import_alignment: host.min_imported_host_pointer_alignment,
        batch: super::queue::BATCH as u32,
        cores: cores.shader_sm_count,
        timestamp_ns: if queue.timestamp_valid_bits > 0 { limits.timestamp_period } else { 0.0 },
    }
}

/// Products that subgroups of the device compute; those of other scopes or types are left out.
fn matrices(instance: &Instance, device: vk::PhysicalDevice) -> Vec<MatrixShape> {
    let matrix = ash::khr::cooperative_matrix::Instance::new(&instance.entry, &instance.raw);
    // SAFETY: a device of the instance, with the extension and its feature.
    let Ok(list) = (unsafe { matrix.get_physical_device_cooperative_matrix_properties(device) }) else {
        return Vec::new();
    };
    let number = |t: vk::ComponentTypeKHR| {
        Some(match t {
            vk::ComponentTypeKHR::FLOAT16 => Number::F16,
            vk::ComponentTypeKHR::FLOAT32 => Number::F32,
            vk::ComponentTypeKHR::SINT8 => Number::I8,
            vk::ComponentTypeKHR::UINT8 => Number::U8,
            vk::ComponentTypeKHR::SINT32 => Number::I32,
            vk::ComponentTypeKHR::UINT32 => Number::U32,
            t if t.as_raw() == newer::COMPONENT_BF16 => Number::Bf16,
            _ => return None,
        })
    };
    let mut shapes: Vec<MatrixShape> = Vec::new();
    for p in list {
        let (Some(a), Some(b), Some(c), Some(r)) =
            (number(p.a_type), number(p.b_type), number(p.c_type), number(p.result_type))
        else {
            continue;
        };
        let shape = MatrixShape { m: p.m_size, n: p.n_size, k: p.k_size, factor: a, sum: c };
        let usable = p.scope == vk::ScopeKHR::SUBGROUP && a == b && c == r && p.saturating_accumulation == vk::FALSE;
        if usable && !shapes.contains(&shape) {
            shapes.push(shape);
        }
    }
    shapes
}
