//! Pages of mapped files that the device reads where they are.
//!
//! Only on devices that share the processor's memory, and only from memory that is coherent. Drivers may refuse (some take
//! no pages of files): then the bytes are copied, as everywhere else. Others take the pages and fail when they are read,
//! so the first import is tried out by a copy; that a trial began is noted on disk before, and what it showed after it, so
//! that a device which it costs is not tried again. Nothing is ever written there.

use super::cache::Store;
use super::device::Device;
use super::instance::{Adapter, Kind};
use super::memory::{Block, Holding, Pool};
use ash::vk;
use mlx_ir::{Pages, Result};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

const HOST: vk::ExternalMemoryHandleTypeFlags = vk::ExternalMemoryHandleTypeFlags::HOST_ALLOCATION_EXT;

/// What imports are used for.
fn usage() -> vk::BufferUsageFlags {
    vk::BufferUsageFlags::STORAGE_BUFFER | vk::BufferUsageFlags::TRANSFER_SRC
}

/// A device's way to use the host's memory.
pub(crate) struct Importer {
    ext: ash::ext::external_memory_host::Device,
    /// Types of memory that are the device's and coherent.
    types: u32,
    /// Most imports at a time.
    most: u32,
    living: AtomicU32,
    /// Bytes imported now.
    bytes: AtomicU64,
    /// The driver refused pages of a file, or read others: it is not asked again.
    refused: AtomicBool,
    /// The first import was read as it should be.
    sound: AtomicBool,
    /// What trials showed; none on drivers that compute on the processor, which are tried at every start.
    store: Option<Store>,
}

/// What is noted of a trial: before it, and when it went well.
const BEGUN: &[u8] = b"no";
const SOUND: &[u8] = b"yes";

impl Importer {
    /// None where the device cannot, or memory is not shared or not coherent.
    pub fn new(
        instance: &ash::Instance,
        physical: vk::PhysicalDevice,
        raw: &ash::Device,
        adapter: &Adapter,
        uuid: &[u8; 16],
    ) -> Option<Importer> {
        let caps = &adapter.caps;
        if !(caps.host_import && caps.coherent && adapter.unified) {
            return None;
        }
        let info = vk::PhysicalDeviceExternalBufferInfo::default().usage(usage()).handle_type(HOST);
        let mut found = vk::ExternalBufferProperties::default();
        // SAFETY: a device of the instance, of Vulkan 1.1.
        let memory = unsafe {
            instance.get_physical_device_external_buffer_properties(physical, &info, &mut found);
            instance.get_physical_device_memory_properties(physical)
        };
        let features = found.external_memory_properties.external_memory_features;
        let own = vk::MemoryPropertyFlags::HOST_COHERENT;
        let listed = memory.memory_types_as_slice().iter().enumerate();
        let types = listed.filter(|(_, t)| t.property_flags.contains(own)).fold(0, |bits, (i, _)| bits | (1 << i));
        features.contains(vk::ExternalMemoryFeatureFlags::IMPORTABLE).then(|| Importer {
            ext: ash::ext::external_memory_host::Device::new(instance, raw),
            types,
            most: caps.allocation_count / 2,
            living: AtomicU32::new(0),
            bytes: AtomicU64::new(0),
            refused: AtomicBool::new(false),
            sound: AtomicBool::new(false),
            store: (adapter.kind != Kind::Cpu).then(|| {
                let folder = mlx_ir::home::folder().unwrap_or_default().join("vulkan");
                Store::new(&folder, "import", b"", adapter, uuid)
            }),
        })
    }

    /// Whether an import may be used, by `trial` if that is not known: it reads it on the device and says whether the bytes
    /// are right.
    pub fn trusts(&self, trial: impl FnOnce() -> Result<bool>) -> Result<bool> {
        if self.sound.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let known = self.store.as_ref().and_then(Store::read);
        let right = match (&self.store, known.as_deref()) {
            (_, Some(SOUND)) => true,
            (_, Some(_)) => false,
            // Without a note the next start would run into the same.
            (Some(store), None) => store.save(BEGUN) && trial()? && store.save(SOUND),
            (None, None) => trial()?,
        };
        (if right { &self.sound } else { &self.refused }).store(true, Ordering::Relaxed);
        Ok(right)
    }

    /// Bytes imported now.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// An import is gone.
    pub fn ended(&self, bytes: u64) {
        self.living.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// The whole units of `alignment` around a range of addresses, if they lie inside the map; and what is before the range.
fn units(range: &Range<usize>, map: &Range<usize>, alignment: usize) -> Option<(Range<usize>, usize)> {
    let start = range.start / alignment * alignment;
    let end = range.end.checked_next_multiple_of(alignment)?;
    (start >= map.start && end <= map.end && start < end).then_some((start..end, range.start - start))
}

impl Pool {
    /// The `bytes` from `first`, which lie in `pages`, as a block that only reads them, and where in it they begin. None
    /// where that cannot be done.
    pub fn import(&self, first: *mut u8, bytes: usize, pages: Arc<dyn Pages>) -> Option<(Arc<Block>, usize)> {
        let device = self.device();
        let importer = device.importer.as_ref()?;
        if importer.refused.load(Ordering::Relaxed) || importer.living.load(Ordering::Relaxed) >= importer.most {
            return None;
        }
        let alignment = usize::try_from(device.caps().import_alignment).ok().filter(|&a| a > 0)?;
        let address = first.addr();
        let (whole, lead) = units(&(address..address.checked_add(bytes)?), &pages.map(), alignment)?;
        if whole.len() as u64 > device.caps().allocation_size {
            return None;
        }
        match make(device, importer, first.wrapping_sub(lead), whole.len() as u64) {
            Ok((raw, memory)) => {
                importer.living.fetch_add(1, Ordering::Relaxed);
                importer.bytes.fetch_add(whole.len() as u64, Ordering::Relaxed);
                let holding = Holding::Imported { memory, _pages: pages };
                Some((Arc::new(self.imported(raw, whole.len() as u64, holding)), lead))
            }
            Err(vk::Result::ERROR_OUT_OF_HOST_MEMORY | vk::Result::ERROR_OUT_OF_DEVICE_MEMORY) => None,
            Err(_) => {
                importer.refused.store(true, Ordering::Relaxed);
                None
            }
        }
    }
}

/// A buffer over the host's memory.
fn make(
    device: &Device,
    importer: &Importer,
    first: *mut u8,
    bytes: u64,
) -> std::result::Result<(vk::Buffer, vk::DeviceMemory), vk::Result> {
    let raw = &device.raw;
    let mut host = vk::MemoryHostPointerPropertiesEXT::default();
    let mut external = vk::ExternalMemoryBufferCreateInfo::default().handle_types(HOST);
    let info = vk::BufferCreateInfo::default()
        .size(bytes)
        .usage(usage())
        .sharing_mode(vk::SharingMode::EXCLUSIVE)
        .push_next(&mut external);
    // SAFETY: the device lives and has the extension; the memory is whole aligned pages of a map that outlives the block;
    // what was made is destroyed if a later step fails.
    unsafe {
        let ask = importer.ext.fp().get_memory_host_pointer_properties_ext;
        ask(raw.handle(), HOST, first.cast(), &mut host).result()?;
        let buffer = raw.create_buffer(&info, None)?;
        let needs = raw.get_buffer_memory_requirements(buffer);
        let types = host.memory_type_bits & needs.memory_type_bits & importer.types;
        let bound = if types == 0 || needs.size > bytes {
            Err(vk::Result::ERROR_INVALID_EXTERNAL_HANDLE)
        } else {
            let mut from = vk::ImportMemoryHostPointerInfoEXT::default().handle_type(HOST).host_pointer(first.cast());
            let info = vk::MemoryAllocateInfo::default()
                .allocation_size(bytes)
                .memory_type_index(types.trailing_zeros())
                .push_next(&mut from);
            raw.allocate_memory(&info, None).and_then(|memory| match raw.bind_buffer_memory(buffer, memory, 0) {
                Ok(()) => Ok(memory),
                Err(e) => {
                    raw.free_memory(memory, None);
                    Err(e)
                }
            })
        };
        match bound {
            Ok(memory) => Ok((buffer, memory)),
            Err(e) => {
                raw.destroy_buffer(buffer, None);
                Err(e)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_units_around_a_range() {
        let map = 0x10000..0x20000;
        assert_eq!(units(&(0x10010..0x10020), &map, 4096), Some((0x10000..0x11000, 0x10)));
        assert_eq!(units(&(0x11fff..0x13001), &map, 4096), Some((0x11000..0x14000, 0xfff)));
        assert_eq!(units(&(0x1fff0..0x20000), &map, 4096), Some((0x1f000..0x20000, 0xff0)));
        // Units larger than pages may reach beyond the map, on either side.
        assert_eq!(units(&(0x10010..0x10020), &(0x11000..0x20000), 0x10000), None);
        assert_eq!(units(&(0x10010..0x10020), &(0x10000..0x1f000), 0x10000), None);
        assert_eq!(units(&(0x1fff0..usize::MAX), &map, 4096), None);
    }

    #[test]
    fn a_trial_that_did_not_end_is_not_begun_again() {
        let dir = tempfile::tempdir().unwrap();
        let Some(b) = crate::testing::without("") else { return };
        let device = b.device_for_test();
        let Some(real) = &device.importer else { return };
        let start = || Importer {
            ext: real.ext.clone(),
            types: 0,
            most: 0,
            living: AtomicU32::new(0),
            bytes: AtomicU64::new(0),
            refused: AtomicBool::new(false),
            sound: AtomicBool::new(false),
            store: Some(Store::new(dir.path(), "import", b"", &device.adapter, &[1; 16])),
        };
        let never = || -> Result<bool> { panic!("it was tried before") };
        // The first start loses its device, the next ones do not try.
        assert!(start().trusts(|| Err(mlx_ir::Error::device("lost"))).is_err());
        assert!(!start().trusts(never).unwrap());
        // One that goes well is tried once, one that reads something else too.
        std::fs::remove_dir_all(dir.path()).unwrap();
        assert!(start().trusts(|| Ok(true)).unwrap() && start().trusts(never).unwrap());
        std::fs::remove_dir_all(dir.path()).unwrap();
        let wrong = start();
        assert!(!wrong.trusts(|| Ok(false)).unwrap() && wrong.refused.load(Ordering::Relaxed));
        assert!(!start().trusts(never).unwrap());
    }
}
