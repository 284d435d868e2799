//! Pipelines: made at first use, kept as long as the device, and their code on disk for the next start.

use super::cache::Store;
use super::device::{Device, Layout, failure};
use crate::hash::Quick;
use ash::vk;
use mlx_ir::Result;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

/// Least time between two writings of the file.
const PAUSE: Duration = Duration::from_millis(250);

#[derive(PartialEq, Eq, Hash)]
struct Key {
    shader: u64,
    bindings: usize,
    spec: SmallVec<[u32; 16]>,
    /// Lanes that subgroups must have, or 0.
    lanes: u32,
}

/// All pipelines of a device.
pub(crate) struct Pipelines {
    device: Arc<Device>,
    made: RwLock<HashMap<Key, vk::Pipeline, Quick>>,
    cache: vk::PipelineCache,
    store: Option<Store>,
    /// There are pipelines that the file lacks.
    fresh: AtomicBool,
    saved: Mutex<Instant>,
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
    /// With what is kept in `folder`, if one is given.
    ///
    /// # Errors
    /// `Memory` if the driver has none left.
    pub fn new(device: Arc<Device>, folder: Option<&Path>) -> Result<Pipelines> {
        let store = folder.map(|f| Store::new(f, "pipelines", b"", &device.adapter, &device.cache_uuid));
        let kept = store.as_ref().and_then(Store::load);
        let make = |data: &[u8]| {
            let info = vk::PipelineCacheCreateInfo::default().initial_data(data);
            // SAFETY: the device lives. The data was written by this driver, which checks it as well.
            unsafe { device.raw.create_pipeline_cache(&info, None) }
        };
        let cache = match &kept {
            Some(data) => make(data).or_else(|_| make(&[])),
            None => make(&[]),
        }
        .map_err(|e| failure("no pipeline cache", e))?;
        if let (Some(store), Some(_)) = (&store, &kept) {
            store.taken_in();
        }
        Ok(Pipelines {
            device,
            made: RwLock::default(),
            cache,
            store,
            fresh: AtomicBool::new(false),
            saved: Mutex::new(Instant::now()),
        })
    }

    /// Writes new pipelines to disk, if there are any and that was not done just before.
    pub fn save(&self) {
        let Some(store) = &self.store else { return };
        if !self.fresh.load(Ordering::Relaxed) {
            return;
        }
        let Ok(mut saved) = self.saved.try_lock() else { return };
        if saved.elapsed() < PAUSE {
            return;
        }
        self.fresh.store(false, Ordering::Relaxed);
        // SAFETY: the device and the cache live.
        if let Ok(data) = unsafe { self.device.raw.get_pipeline_cache_data(self.cache) } {
            store.save(&data);
        }
        *saved = Instant::now();
    }

    /// The pipeline of a shader (SPIR-V `code`, known by `shader`) with specialization constants `spec` (ids from 0).
    /// With `lanes` other than 0 its subgroups are full and have that size, on devices that vary it.
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
        lanes: u32,
    ) -> Result<(vk::Pipeline, Layout)> {
        let layout = self.device.layout(bindings)?;
        let key = Key { shader, bindings, spec: spec.into(), lanes };
        if let Some(&p) = self.made.read().unwrap_or_else(|e| e.into_inner()).get(&key) {
            return Ok((p, layout));
        }
        let mut made = self.made.write().unwrap_or_else(|e| e.into_inner());
        if let Some(&p) = made.get(&key) {
            return Ok((p, layout));
        }
        let p = self
            .make(code, spec, layout, lanes)
            .map_err(|e| failure(&format!("the driver refuses kernel {name}"), e))?;
        made.insert(key, p);
        self.fresh.store(true, Ordering::Relaxed);
        Ok((p, layout))
    }

    fn make(
        &self,
        code: &[u32],
        spec: &[u32],
        layout: Layout,
        lanes: u32,
    ) -> std::result::Result<vk::Pipeline, vk::Result> {
        let raw = &self.device.raw;
        let subgroups = self.device.caps().subgroups;
        let mut size = vk::PipelineShaderStageRequiredSubgroupSizeCreateInfo::default().required_subgroup_size(lanes);
        let entries: SmallVec<[vk::SpecializationMapEntry; 8]> = (0..spec.len() as u32)
            .map(|i| vk::SpecializationMapEntry { constant_id: i, offset: 4 * i, size: 4 })
            .collect();
        let bytes: SmallVec<[u8; 32]> = spec.iter().flat_map(|x| x.to_ne_bytes()).collect();
        let constants = vk::SpecializationInfo::default().map_entries(&entries).data(&bytes);
        // SAFETY: the code is ours; every structure lives through the calls; the module is not needed afterwards.
        unsafe {
            let module = raw.create_shader_module(&vk::ShaderModuleCreateInfo::default().code(code), None)?;
            let mut stage = vk::PipelineShaderStageCreateInfo::default()
                .stage(vk::ShaderStageFlags::COMPUTE)
                .module(module)
                .name(c"main")
                .specialization_info(&constants);
            if lanes > 0 && subgroups.size_control {
                stage = stage.push_next(&mut size);
                if subgroups.full {
                    stage = stage.flags(vk::PipelineShaderStageCreateFlags::REQUIRE_FULL_SUBGROUPS);
                }
            }
            let info = [vk::ComputePipelineCreateInfo::default().stage(stage).layout(layout.pipeline)];
            let made = raw.create_compute_pipelines(self.cache, &info, None);
            raw.destroy_shader_module(module, None);
            made.map(|p| p[0]).map_err(|(_, e)| e)
        }
    }
}
