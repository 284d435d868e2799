//! Pipelines: made at first use, kept as long as the device, and their code on disk for the next start.

use super::cache::{MOST, Store};
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
    make: Make,
}

/// How a pipeline is made.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Make {
    /// Lanes that subgroups must have, or 0. They are full then, on devices that vary their size.
    pub lanes: u32,
    /// The shader is not ours: its accesses are kept to its buffers, where the device offers that.
    pub foreign: bool,
}

/// All pipelines of a device.
pub(crate) struct Pipelines {
    device: Arc<Device>,
    /// Those that the driver refused too, which is not tried again.
    made: RwLock<HashMap<Key, std::result::Result<vk::Pipeline, vk::Result>, Quick>>,
    /// What the driver keeps of the pipelines made with it. Drivers take several threads at once; locked for writing
    /// while it is replaced.
    cache: RwLock<vk::PipelineCache>,
    store: Option<Store>,
    /// Bytes beyond which a new cache is begun.
    most: usize,
    /// There are pipelines that the file lacks.
    fresh: AtomicBool,
    saved: Mutex<Instant>,
}

impl Drop for Pipelines {
    fn drop(&mut self) {
        let made = self.made.get_mut().unwrap_or_else(|e| e.into_inner());
        // SAFETY: the queue, which uses them, waited for its work and went before.
        unsafe {
            for &p in made.values().flatten() {
                self.device.raw.destroy_pipeline(p, None);
            }
            let cache = *self.cache.get_mut().unwrap_or_else(|e| e.into_inner());
            self.device.raw.destroy_pipeline_cache(cache, None);
        }
    }
}

fn new_cache(device: &Device, data: &[u8]) -> std::result::Result<vk::PipelineCache, vk::Result> {
    let info = vk::PipelineCacheCreateInfo::default().initial_data(data);
    // SAFETY: the device lives. The data was written by this driver, which checks it as well.
    unsafe { device.raw.create_pipeline_cache(&info, None) }
}

impl Pipelines {
    /// With what is kept in `folder`, if one is given.
    ///
    /// # Errors
    /// `Memory` if the driver has none left.
    pub fn new(device: Arc<Device>, folder: Option<&Path>) -> Result<Pipelines> {
        let folder = folder.filter(|_| device.adapter.pipeline_file);
        let store = folder.map(|f| Store::new(f, "pipelines", b"", &device.adapter, &device.cache_uuid));
        let kept = store.as_ref().and_then(Store::load);
        let make = |data: &[u8]| new_cache(&device, data);
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
            cache: RwLock::new(cache),
            store,
            most: MOST,
            fresh: AtomicBool::new(false),
            saved: Mutex::new(Instant::now()),
        })
    }

    /// Writes new pipelines to disk, if there are any and that was not done just before. Where they have become too many
    /// the next ones begin a new file, which replaces that of all before, so that it holds those used last.
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
        let mut cache = self.cache.write().unwrap_or_else(|e| e.into_inner());
        // SAFETY: the device and the cache live.
        match unsafe { self.device.raw.get_pipeline_cache_data(*cache) } {
            Ok(data) if data.len() <= self.most => {
                store.save(&data);
            }
            Ok(_) => {
                if let Ok(young) = new_cache(&self.device, &[]) {
                    let old = std::mem::replace(&mut *cache, young);
                    // SAFETY: it is used under the lock only; pipelines do not need the cache they were made with.
                    unsafe { self.device.raw.destroy_pipeline_cache(old, None) };
                }
            }
            Err(_) => {}
        }
        *saved = Instant::now();
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
        make: Make,
    ) -> Result<(vk::Pipeline, Layout)> {
        let layout = self.device.layout(bindings)?;
        let key = Key { shader, bindings, spec: spec.into(), make };
        let refused = |e| failure(&format!("the driver refuses kernel {name}"), e);
        if let Some(&p) = self.made.read().unwrap_or_else(|e| e.into_inner()).get(&key) {
            return Ok((p.map_err(refused)?, layout));
        }
        let mut made = self.made.write().unwrap_or_else(|e| e.into_inner());
        if let Some(&p) = made.get(&key) {
            return Ok((p.map_err(refused)?, layout));
        }
        let p = self.make(code, spec, layout, make);
        // Memory may be there later.
        if !matches!(p, Err(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY | vk::Result::ERROR_OUT_OF_HOST_MEMORY)) {
            made.insert(key, p);
        }
        self.fresh.store(true, Ordering::Relaxed);
        Ok((p.map_err(refused)?, layout))
    }

    fn make(
        &self,
        code: &[u32],
        spec: &[u32],
        layout: Layout,
        Make { lanes, foreign }: Make,
    ) -> std::result::Result<vk::Pipeline, vk::Result> {
        let raw = &self.device.raw;
        let subgroups = self.device.caps().subgroups;
        let mut size = vk::PipelineShaderStageRequiredSubgroupSizeCreateInfo::default().required_subgroup_size(lanes);
        let bounds = match self.device.caps().robust2 {
            true => vk::PipelineRobustnessBufferBehaviorEXT::ROBUST_BUFFER_ACCESS_2,
            false => vk::PipelineRobustnessBufferBehaviorEXT::ROBUST_BUFFER_ACCESS,
        };
        let mut robust = vk::PipelineRobustnessCreateInfoEXT::default().storage_buffers(bounds);
        let entries: SmallVec<[vk::SpecializationMapEntry; 8]> = (0..spec.len() as u32)
            .map(|i| vk::SpecializationMapEntry { constant_id: i, offset: 4 * i, size: 4 })
            .collect();
        let bytes: SmallVec<[u8; 32]> = spec.iter().flat_map(|x| x.to_ne_bytes()).collect();
        let constants = vk::SpecializationInfo::default().map_entries(&entries).data(&bytes);
        // SAFETY: the code is ours, or was checked by `glsl::check`; every structure lives through the calls; the module is not needed afterwards.
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
            if foreign && self.device.caps().robust {
                stage = stage.push_next(&mut robust);
            }
            let info = [vk::ComputePipelineCreateInfo::default().stage(stage).layout(layout.pipeline)];
            let cache = self.cache.read().unwrap_or_else(|e| e.into_inner());
            let made = raw.create_compute_pipelines(*cache, &info, None);
            raw.destroy_shader_module(module, None);
            match made {
                // Some drivers report success and give nothing.
                Ok(p) if p[0] == vk::Pipeline::null() => Err(vk::Result::ERROR_INITIALIZATION_FAILED),
                Ok(p) => Ok(p[0]),
                Err((_, e)) => Err(e),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shaders;

    #[test]
    fn a_file_that_would_be_too_large_is_begun_anew() {
        let Some(b) = crate::testing::backend() else { return };
        let dir = tempfile::tempdir().unwrap();
        let mut p = Pipelines::new(b.device_for_test(), Some(dir.path())).unwrap();
        let files = || std::fs::read_dir(dir.path()).unwrap().count();
        let make = |p: &Pipelines, group| {
            let s = shaders::any_for_test();
            p.get(&s.name, s.id, &s.code, &[group], shaders::bindings_for_test(&s.code), Make::default()).unwrap();
            *p.saved.lock().unwrap() = Instant::now() - 2 * PAUSE;
            p.save();
        };
        p.most = 0;
        let first = *p.cache.read().unwrap();
        make(&p, 32);
        assert_eq!(files(), 0);
        assert_ne!(*p.cache.read().unwrap(), first);
        p.most = MOST;
        let second = *p.cache.read().unwrap();
        make(&p, 64);
        assert_eq!((files(), *p.cache.read().unwrap()), (1, second));
    }
}
