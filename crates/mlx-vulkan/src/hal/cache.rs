//! What was found out about a device on disk: compiled pipelines, so that the next start need not wait for the driver's
//! compiler, and measurements.
//!
//! One file of each kind for each vendor, device and driver version, replaced as a whole. Whatever is not exactly as it
//! was written for this very driver is ignored. While the driver takes a file in, a note lies beside it: if it is still
//! there at the next start, the driver crashed on the file, which is then thrown away.

use super::instance::Adapter;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"MLXVKPC1";
/// Bytes of pipelines that are kept.
pub(super) const MOST: usize = 16 << 20;

/// The file of a device.
pub(crate) struct Store {
    path: PathBuf,
    /// What must be equal for the file to be used: our version, the device, the driver, what it was found out with.
    stamp: Vec<u8>,
}

/// FNV-1a.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

impl Store {
    /// The file of `what`, which was found out with `of` (any bytes that tell one from another). `uuid` is the driver's
    /// own stamp of its pipeline caches.
    pub fn new(folder: &Path, what: &str, of: &[u8], a: &Adapter, uuid: &[u8; 16]) -> Store {
        let mut stamp = Vec::new();
        stamp.extend_from_slice(MAGIC);
        for n in [a.vendor, a.device, a.driver_version] {
            stamp.extend_from_slice(&n.to_le_bytes());
        }
        stamp.extend_from_slice(uuid);
        for text in [env!("CARGO_PKG_VERSION").as_bytes(), of] {
            stamp.extend_from_slice(&checksum(text).to_le_bytes());
        }
        let name = format!("{what}-{:04x}-{:04x}-{:08x}.bin", a.vendor, a.device, a.driver_version);
        Store { path: folder.join(name), stamp }
    }

    fn note(&self) -> PathBuf {
        self.path.with_extension("trying")
    }

    /// What was kept for the driver, if it can be trusted. The caller says [`Store::taken_in`] once the driver survived
    /// it.
    pub fn load(&self) -> Option<Vec<u8>> {
        if self.note().exists() {
            let _ = fs::remove_file(&self.path);
            let _ = fs::remove_file(self.note());
            return None;
        }
        let data = self.read()?;
        fs::write(self.note(), b"").ok()?;
        Some(data)
    }

    /// What was kept, if it is whole and of this device.
    pub fn read(&self) -> Option<Vec<u8>> {
        if fs::metadata(&self.path).ok()?.len() > (self.stamp.len() + 8 + MOST) as u64 {
            return None;
        }
        let file = fs::read(&self.path).ok()?;
        let rest = file.strip_prefix(self.stamp.as_slice())?;
        let (sum, data) = rest.split_first_chunk::<8>()?;
        if data.is_empty() || u64::from_le_bytes(*sum) != checksum(data) {
            return None;
        }
        Some(data.to_vec())
    }

    /// The driver survived what was loaded.
    pub fn taken_in(&self) {
        let _ = fs::remove_file(self.note());
    }

    /// Keeps `data` instead of what was kept before. Where that is not possible nothing changes, and it says false.
    pub fn save(&self, data: &[u8]) -> bool {
        let Some(folder) = self.path.parent() else { return false };
        let fresh = self.path.with_extension(format!("{}.part", std::process::id()));
        let write = || -> std::io::Result<()> {
            fs::create_dir_all(folder)?;
            let mut f = fs::File::create(&fresh)?;
            f.write_all(&self.stamp)?;
            f.write_all(&checksum(data).to_le_bytes())?;
            f.write_all(data)?;
            f.sync_all()?;
            fs::rename(&fresh, &self.path)
        };
        let kept = write().is_ok();
        if !kept {
            let _ = fs::remove_file(&fresh);
        }
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hal::instance::Kind;

    fn adapter(driver_version: u32) -> Adapter {
        Adapter { vendor: 0x5143, device: 7, driver_version, ..Adapter::for_test("a device", Kind::Integrated) }
    }

    #[test]
    fn only_what_was_written_for_this_driver_is_used() {
        let dir = tempfile::tempdir().unwrap();
        let s = Store::new(dir.path(), "pipelines", b"", &adapter(1), &[3; 16]);
        assert_eq!(s.load(), None);
        s.save(b"compiled");
        assert_eq!(s.load().as_deref(), Some(b"compiled".as_slice()));
        s.taken_in();
        assert_eq!(Store::new(dir.path(), "pipelines", b"", &adapter(2), &[3; 16]).load(), None);
        // Another file name for another driver version; another stamp for another build of the same version.
        let other = Store::new(dir.path(), "pipelines", b"", &adapter(1), &[4; 16]);
        assert_eq!(other.load(), None);
        assert_eq!(Store::new(dir.path(), "pipelines", b"other", &adapter(1), &[3; 16]).read(), None);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn damage_anywhere_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let s = Store::new(dir.path(), "pipelines", b"", &adapter(1), &[3; 16]);
        s.save(b"compiled");
        let good = fs::read(&s.path).unwrap();
        for i in 0..good.len() {
            let mut bad = good.clone();
            bad[i] ^= 0x40;
            fs::write(&s.path, &bad).unwrap();
            assert_eq!(s.load(), None, "byte {i}");
            fs::write(&s.path, &good[..i]).unwrap();
            assert_eq!(s.load(), None, "cut at {i}");
        }
    }

    #[test]
    fn a_file_on_which_the_driver_crashed_is_thrown_away() {
        let dir = tempfile::tempdir().unwrap();
        let s = Store::new(dir.path(), "pipelines", b"", &adapter(1), &[3; 16]);
        s.save(b"compiled");
        assert!(s.load().is_some());
        // No `taken_in`: the process died.
        assert_eq!(s.load(), None);
        assert_eq!(s.load(), None);
        s.save(b"anew");
        assert!(s.load().is_some());
    }
}
