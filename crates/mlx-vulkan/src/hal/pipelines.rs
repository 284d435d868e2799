//! Pipelines: made at first use, kept as long as the device, and their code on disk for the next start. Several threads
//! make several at a time. Beside the driver's file lies a list of what was used (shaders and their constants), which is
//! good for any version of the driver: the next start has them made in the background.

use super::cache::{MOST, Store};
use super::device::{Device, Layout, MAX_BINDINGS, failure};
use super::instance::Adapter;
use crate::hash::Quick;
use crate::record::fingerprint;
use ash::vk;
use mlx_ir::Result;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Least time between two writings of the file.
const PAUSE: Duration = Duration::from_millis(250);

/// Words of the list of kernels beyond which it is begun anew.
const LISTED: usize = 1 << 20;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    shader: u64,
    bindings: usize,
    spec: SmallVec<[u32; 16]>,
    make: Make,
}

/// How a pipeline is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Make {
    /// Lanes that subgroups must have, or 0. They are full then, on devices that vary their size.
    pub lanes: u32,
    /// The shader is not ours: its accesses are kept to its buffers, where the device offers that.
    pub foreign: bool,
}

/// One pipeline, or why the driver refused it. Whoever needs it while another thread makes it waits for that one alone.
#[derive(Default)]
struct Made {
    pipeline: OnceLock<std::result::Result<vk::Pipeline, vk::Result>>,
    /// It is in the list.
    listed: AtomicBool,
}

/// A line of the list: how to make a pipeline.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    key: Key,
    code: &'a [u32],
}

impl Line<'_> {
    fn write(&self, out: &mut Vec<u32>) {
        let k = &self.key;
        out.extend([k.shader as u32, (k.shader >> 32) as u32, k.bindings as u32, k.make.lanes]);
        out.extend([k.spec.len() as u32, self.code.len() as u32]);
        out.extend(k.spec.iter().chain(self.code));
    }

    /// The first line, and what follows it; none where the list ends or makes no sense.
    fn read(words: &[u32]) -> Option<(Line<'_>, &[u32])> {
        let (&[low, high, bindings, lanes, specs, code], rest) = words.split_first_chunk::<6>()?;
        let (spec, rest) = rest.split_at_checked(specs as usize)?;
        let (code, rest) = rest.split_at_checked(code as usize)?;
        let shader = u64::from(high) << 32 | u64::from(low);
        // The code is what it was when it was listed.
        let sound = bindings as usize <= MAX_BINDINGS && fingerprint(code) == shader;
        let make = Make { lanes, foreign: false };
        let key = Key { shader, bindings: bindings as usize, spec: spec.into(), make };
        sound.then_some((Line { key, code }, rest))
    }
}

/// What is kept for the next start.
struct List {
    store: Store,
    words: Mutex<Vec<u32>>,
    /// There are lines that the file lacks.
    fresh: AtomicBool,
    /// Lines are added from now on.
    open: AtomicBool,
}

/// All pipelines of a device.
pub(crate) struct Pipelines {
    device: Arc<Device>,
    /// Those that the driver refused too, which is not tried again.
    made: RwLock<HashMap<Key, Arc<Made>, Quick>>,
    /// What the driver keeps of the pipelines made with it. Drivers take several threads at once; locked for writing
    /// while it is replaced.
    cache: RwLock<vk::PipelineCache>,
    store: Option<Store>,
    list: Option<List>,
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
            for &p in made.values().filter_map(|m| m.pipeline.get()).flatten() {
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
        let list = folder.map(|f| List {
            // Shaders do not depend on the driver, only on who wrote them.
            store: Store::new(
                f,
                "kernels",
                &crate::kernels_id().to_le_bytes(),
                &Adapter { driver_version: 0, ..device.adapter.clone() },
                &[0; 16],
            ),
            words: Mutex::default(),
            fresh: AtomicBool::new(false),
            open: AtomicBool::new(false),
        });
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
            list,
            most: MOST,
            fresh: AtomicBool::new(false),
            saved: Mutex::new(Instant::now()),
        })
    }

    /// Writes new pipelines to disk, if there are any and that was not done just before. Where they have become too many
    /// the next ones begin a new file, which replaces that of all before, so that it holds those used last.
    pub fn save(&self) {
        let Some(store) = &self.store else { return };
        let listed = self.list.as_ref().filter(|l| l.fresh.load(Ordering::Relaxed));
        if !self.fresh.load(Ordering::Relaxed) && listed.is_none() {
            return;
        }
        let Ok(mut saved) = self.saved.try_lock() else { return };
        if saved.elapsed() < PAUSE {
            return;
        }
        if let Some(list) = listed {
            list.fresh.store(false, Ordering::Relaxed);
            let words = list.words.lock().unwrap_or_else(|e| e.into_inner());
            let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
            list.store.save(&bytes);
        }
        if !self.fresh.swap(false, Ordering::Relaxed) {
            *saved = Instant::now();
            return;
        }
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
        // Users' kernels are checked before they are made, each time.
        let listing = !make.foreign && self.list.as_ref().is_some_and(|l| l.open.load(Ordering::Relaxed));
        // Nearly always it is there.
        if let Some(m) = self.made.read().unwrap_or_else(|e| e.into_inner()).get(&key)
            && let Some(&p) = m.pipeline.get()
            && (!listing || m.listed.load(Ordering::Relaxed))
        {
            return Ok((p.map_err(refused)?, layout));
        }
        let made = self.made(&key);
        let p = self.make_once(&made, &key, code, layout);
        if listing {
            self.list(&made, &key, code);
        }
        Ok((p.map_err(refused)?, layout))
    }

    /// The place of a pipeline.
    fn made(&self, key: &Key) -> Arc<Made> {
        if let Some(m) = self.made.read().unwrap_or_else(|e| e.into_inner()).get(key) {
            return m.clone();
        }
        self.made.write().unwrap_or_else(|e| e.into_inner()).entry(key.clone()).or_default().clone()
    }

    fn make_once(
        &self,
        made: &Made,
        key: &Key,
        code: &[u32],
        layout: Layout,
    ) -> std::result::Result<vk::Pipeline, vk::Result> {
        let p = *made.pipeline.get_or_init(|| {
            self.fresh.store(true, Ordering::Relaxed);
            self.make(code, &key.spec, layout, key.make)
        });
        // Memory may be there later.
        if matches!(p, Err(vk::Result::ERROR_OUT_OF_DEVICE_MEMORY | vk::Result::ERROR_OUT_OF_HOST_MEMORY)) {
            self.made.write().unwrap_or_else(|e| e.into_inner()).remove(key);
        }
        p
    }

    /// Adds a pipeline in use to the list.
    fn list(&self, made: &Made, key: &Key, code: &[u32]) {
        let Some(list) = &self.list else { return };
        if !matches!(made.pipeline.get(), Some(Ok(_))) || made.listed.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut words = list.words.lock().unwrap_or_else(|e| e.into_inner());
        if words.len() + code.len() > LISTED {
            words.clear();
        }
        Line { key: key.clone(), code }.write(&mut words);
        list.fresh.store(true, Ordering::Relaxed);
    }

    /// What the list of the last start holds. From now on pipelines in use are added to it.
    fn opened(&self) -> Vec<u32> {
        let Some(list) = self.list.as_ref().filter(|l| !l.open.swap(true, Ordering::Relaxed)) else {
            return Vec::new();
        };
        let bytes = list.store.load().unwrap_or_default();
        let words: Vec<u32> = bytes.chunks_exact(4).map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect();
        list.words.lock().unwrap_or_else(|e| e.into_inner()).clone_from(&words);
        words
    }

    /// Makes what was used before, in so many threads of `me`'s; returns at once. Each ends early when `stop` is set.
    pub fn prewarm<T: AsRef<Pipelines> + Send + Sync + 'static>(
        me: &Arc<T>,
        threads: usize,
        stop: &Arc<AtomicBool>,
    ) -> Vec<JoinHandle<()>> {
        let words = Arc::new((**me).as_ref().opened());
        let (next, left) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(threads)));
        let start = |_| {
            let (me, words, next, left, stop) = (me.clone(), words.clone(), next.clone(), left.clone(), stop.clone());
            let work = move || {
                let pipelines = (*me).as_ref();
                let (mut rest, mut at) = (&words[..], 0);
                while let Some((line, behind)) = Line::read(rest) {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    // Each thread takes what no other took.
                    if at == next.load(Ordering::Relaxed)
                        && next.compare_exchange(at, at + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
                    {
                        pipelines.make_listed(&line);
                    }
                    (rest, at) = (behind, at + 1);
                }
                if left.fetch_sub(1, Ordering::AcqRel) == 1
                    && let Some(list) = &pipelines.list
                {
                    list.store.taken_in();
                }
            };
            std::thread::Builder::new().name("mlx-pipelines".into()).spawn(work).ok()
        };
        if words.is_empty() { Vec::new() } else { (0..threads).filter_map(start).collect() }
    }

    fn make_listed(&self, line: &Line<'_>) {
        let made = self.made(&line.key);
        made.listed.store(true, Ordering::Relaxed);
        if let (None, Ok(layout)) = (made.pipeline.get(), self.device.layout(line.key.bindings)) {
            // Why the driver refuses it is told to those who use it.
            let _ = self.make_once(&made, &line.key, line.code, layout);
        }
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
            if !self.device.adapter.pipelines_meanwhile {
                // Compiled beside other work, which takes long, for the cache alone; the one that is used is found there.
                let first = raw.create_compute_pipelines(*cache, &info, None);
                let _turn = self.device.turn();
                first.unwrap_or_else(|(all, _)| all).into_iter().for_each(|p| raw.destroy_pipeline(p, None));
            }
            let _turn = self.device.turn();
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

    struct Alone(Pipelines);
    impl AsRef<Pipelines> for Alone {
        fn as_ref(&self) -> &Pipelines {
            &self.0
        }
    }

    #[test]
    fn lines_are_read_as_they_were_written() {
        let code = [7, 8, 9];
        let key = |n: u32| Key {
            shader: fingerprint(&code),
            bindings: 3,
            spec: [n, 64].as_slice().into(),
            make: Make { lanes: 32, foreign: false },
        };
        let mut words = Vec::new();
        Line { key: key(1), code: &code }.write(&mut words);
        Line { key: key(2), code: &code }.write(&mut words);
        let (first, rest) = Line::read(&words).unwrap();
        assert_eq!((&first.key, first.code), (&key(1), &code[..]));
        assert_eq!(Line::read(rest), Some((Line { key: key(2), code: &code }, &[][..])));
        // Nothing is made of what is cut or changed.
        for n in 0..rest.len() {
            assert_eq!(Line::read(&rest[..n]), None);
        }
        for at in 2..6 {
            let mut bad = rest.to_vec();
            bad[at] = u32::MAX;
            assert!(at == 3 || Line::read(&bad).is_none(), "{at}");
        }
        *words.last_mut().unwrap() += 1;
        assert_eq!(Line::read(&words[words.len() / 2..]), None);
    }

    #[test]
    fn what_was_used_is_made_at_the_next_start() {
        let Some(b) = crate::testing::backend() else { return };
        let dir = tempfile::tempdir().unwrap();
        let open = || Arc::new(Alone(Pipelines::new(b.device_for_test(), Some(dir.path())).unwrap()));
        let s = shaders::any_for_test();
        let bindings = shaders::bindings_for_test(&s.code);
        let groups = [32, 64, 96];
        let stop = Arc::new(AtomicBool::new(false));
        let first = open();
        // What is used before the list is open (by the self-test) is not listed.
        let get = |p: &Pipelines, group| p.get(&s.name, s.id, &s.code, &[group], bindings, Make::default()).map(|_| ());
        get(&first.0, 128).unwrap();
        assert!(Pipelines::prewarm(&first, 2, &stop).is_empty());
        groups.iter().for_each(|&g| get(&first.0, g).unwrap());
        *first.0.saved.lock().unwrap() = Instant::now() - 2 * PAUSE;
        first.0.save();
        drop(first);
        let ready =
            |p: &Pipelines| p.made.read().unwrap().values().filter(|m| matches!(m.pipeline.get(), Some(Ok(_)))).count();
        let second = open();
        assert_eq!(ready(&second.0), 0);
        let threads = Pipelines::prewarm(&second, 2, &stop);
        assert_eq!(threads.len(), 2);
        threads.into_iter().for_each(|t| t.join().unwrap());
        assert_eq!(ready(&second.0), groups.len());
        groups.iter().for_each(|&g| get(&second.0, g).unwrap());
        assert_eq!((ready(&second.0), second.0.list.as_ref().unwrap().fresh.load(Ordering::Relaxed)), (3, false));
        // A thread that is told to stop makes nothing; the list stays.
        stop.store(true, Ordering::Relaxed);
        let third = open();
        Pipelines::prewarm(&third, 1, &stop).into_iter().for_each(|t| t.join().unwrap());
        assert_eq!((ready(&third.0), third.0.list.as_ref().unwrap().store.read().is_some()), (0, true));
    }
}
