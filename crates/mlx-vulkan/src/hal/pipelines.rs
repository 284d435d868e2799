//! Pipelines: made at first use, kept as long as the device.

use super::device::{Device, Layout, failure};
use ash::vk;
use mlx_ir::Result;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::sync::{Arc, RwLock};

#[derive(PartialEq, Eq, Hash)]
struct Key {
    shader: u64,
    bindings: usize,
    spec: SmallVec<[u32; 8]>,
}

/// All pipelines of a device.
pub(crate) struct Pipelines {
    device: Arc<Device>,
    made: RwLock<HashMap<Key, vk::Pipeline>>,
    cache: vk::PipelineCache,
}

impl Drop for Pipelines {
    fn drop(&mut self) {
        let made = self.made.get_mut().unwrap_or_else(|e| e.into_inner());
        // SAFETY: the queue, which uses them, waited for its work and went before.
        unsafe {
            for &p in made.values() {
                self.device.raw.destroy_pipeline(p, None);
            }
            self.device.raw.destroy_pipeline_cache(self.cache, None);
        }
    }
}

impl Pipelines {
    /// # Errors
    /// `Memory` if the driver has none left.
    pub fn new(device: Arc<Device>) -> Result<Pipelines> {
        // SAFETY: the device lives.
        let cache = unsafe { device.raw.create_pipeline_cache(&vk::PipelineCacheCreateInfo::default(), None) }
            .map_err(|e| failure("no pipeline cache", e))?;
        Ok(Pipelines { device, made: RwLock::new(HashMap::new()), cache })
    }

    /// The pipeline of a shader (SPIR-V `code`, known by `shader`) with specialization constants `spec` (ids from 0).
    ///
    /// # Errors
    /// `Device` if the driver refuses the shader.
    pub fn get(
        &self,
        name: &str,
        shader: u64,
        code: &[u32],
        spec: &[u32],
        bindings: usize,
    ) -> Result<(vk::Pipeline, Layout)> {
        let layout = self.device.layout(bindings)?;
        let key = Key { shader, bindings, spec: spec.into() };
        if let Some(&p) = self.made.read().unwrap_or_else(|e| e.into_inner()).get(&key) {
            return Ok((p, layout));
        }
        let mut made = self.made.write().unwrap_or_else(|e| e.into_inner());
        if let Some(&p) = made.get(&key) {
            return Ok((p, layout));
        }
        let p = self.make(code, spec, layout).map_err(|e| failure(&format!("the driver refuses kernel {name}"), e))?;
        made.insert(key, p);
        Ok((p, layout))
    }

    fn make(&self, code: &[u32], spec: &[u32], layout: Layout) -> std::result::Result<vk::Pipeline, vk::Result> {
        let raw = &self.device.raw;
        let entries: SmallVec<[vk::SpecializationMapEntry; 8]> = (0..spec.len() as u32)
            .map(|i| vk::SpecializationMapEntry { constant_id: i, offset: 4 * i, size: 4 })
            .collect();
        let bytes: SmallVec<[u8; 32]> = spec.iter().flat_map(|x| x.to_ne_bytes()).collect();
        let constants = vk::SpecializationInfo::default().map_entries(&entries).data(&bytes);
        // SAFETY: the code is ours; every structure lives through the calls; the module is not needed afterwards.
        unsafe {
            let module = raw.create_shader_module(&vk::ShaderModuleCreateInfo::default().code(code), None)?;
            let stage = vk::PipelineShaderStageCreateInfo::default()
                .stage(vk::ShaderStageFlags::COMPUTE)
                .module(module)
                .name(c"main")
                .specialization_info(&constants);
            let info = [vk::ComputePipelineCreateInfo::default().stage(stage).layout(layout.pipeline)];
            let made = raw.create_compute_pipelines(self.cache, &info, None);
            raw.destroy_shader_module(module, None);
            made.map(|p| p[0]).map_err(|(_, e)| e)
        }
    }
}
