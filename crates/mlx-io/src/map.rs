//! Read-only memory maps: weights are used where they lie in the file.
//!
//! The one place of this crate with unsafe code. What it promises to the safe code above it:
//! * the bytes of a [`MappedFile`] stay at the same address, readable, until the last clone is dropped;
//! * every [`Region`] lies inside its file (checked when it is made).
//!
//! What no program can promise is that nobody changes the file meanwhile: a file truncated by another process
//! while it is mapped raises SIGBUS on access, as in every program that maps its models. Parsers re-read nothing
//! from the map without checking it again, so changed bytes give wrong values, never an access out of bounds. A device
//! that reads the pages in place is in the same position: what a truncated file does to it is the driver's affair (a
//! signal in drivers that compute on the processor, a lost device in others).
#![allow(unsafe_code)]

use memmap2::{Mmap, MmapMut};
use mlx_ir::{Error, Result};
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A file mapped read-only, or bytes in memory that look like one. Cloning shares the map.
#[derive(Clone)]
pub struct MappedFile(Arc<Inner>);

struct Inner {
    map: Mmap,
    path: PathBuf,
    /// False for bytes in memory, whose pages cannot be fetched again once dropped.
    from_file: bool,
}

impl MappedFile {
    /// Maps a regular file. Errors: `Io`, naming the path.
    pub fn open(path: impl AsRef<Path>) -> Result<MappedFile> {
        let path = path.as_ref();
        let fail = |e: std::io::Error| Error::io(format!("[open] {}: {e}", path.display()));
        // The type is asked before opening: opening a FIFO would wait for a writer.
        let meta = std::fs::metadata(path).map_err(fail)?;
        if !meta.is_file() {
            return Err(Error::io(format!("[open] {}: not a regular file", path.display())));
        }
        let file = File::open(path).map_err(fail)?;
        // SAFETY: the map is private and read-only and its bytes are only given out as `&[u8]` borrowed from
        // the owner. That the file is not changed meanwhile is the module's stated assumption; see above.
        let map = unsafe { Mmap::map(&file) }.map_err(fail)?;
        Ok(MappedFile(Arc::new(Inner { map, path: path.to_path_buf(), from_file: true })))
    }

    /// A copy of bytes in page-aligned memory, under a name for messages. Errors: `Memory`.
    pub fn from_bytes(bytes: &[u8], name: impl Into<PathBuf>) -> Result<MappedFile> {
        let fail = |e: std::io::Error| Error::memory(format!("[open] {} bytes in memory: {e}", bytes.len()));
        let mut map = MmapMut::map_anon(bytes.len()).map_err(fail)?;
        map.copy_from_slice(bytes);
        let map = map.make_read_only().map_err(fail)?;
        Ok(MappedFile(Arc::new(Inner { map, path: name.into(), from_file: false })))
    }

    /// All bytes of the file.
    pub fn bytes(&self) -> &[u8] {
        &self.0.map
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.0.map.len()
    }

    /// Whether the file has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Address of the first byte: page-aligned, stable while any clone lives.
    pub fn ptr(&self) -> *const u8 {
        self.0.map.as_ptr()
    }

    /// Addresses of the map, to the end of its last page. Pages of all systems are multiples of 4096 bytes.
    pub fn pages(&self) -> std::ops::Range<usize> {
        let start = self.ptr().addr();
        start..(start + self.len()).next_multiple_of(4096)
    }

    /// The path it was opened with, or the name given to bytes in memory.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Whether two handles share one map.
    pub fn same_map(&self, other: &MappedFile) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The part `offset .. offset + len`. Errors: `Index` if it is not inside the file.
    pub fn region(&self, offset: usize, len: usize) -> Result<Region> {
        match offset.checked_add(len) {
            Some(end) if end <= self.len() => Ok(Region { file: self.clone(), offset, len }),
            _ => Err(Error::index(format!(
                "[map] {}: {len} bytes at byte {offset} are outside the file of {} bytes",
                self.path().display(),
                self.len()
            ))),
        }
    }

    /// Asks the system to read `offset .. offset + len` ahead. A hint: outside the file, or where the system has
    /// no such call, nothing happens.
    pub fn willneed(&self, offset: usize, len: usize) {
        #[cfg(unix)]
        if let Some(len) = self.clip(offset, len) {
            // A refused hint changes nothing that the caller could act on.
            let _ = self.0.map.advise_range(memmap2::Advice::WillNeed, offset, len);
        }
        #[cfg(not(unix))]
        let _ = (offset, len);
    }

    /// Drops the pages of `offset .. offset + len` from this process's resident memory; the next access fetches
    /// them again from the page cache or the file. Does nothing for bytes in memory.
    pub fn dontneed(&self, offset: usize, len: usize) {
        #[cfg(unix)]
        if let (true, Some(len)) = (self.0.from_file, self.clip(offset, len)) {
            // SAFETY: the map is a read-only map of a file (`from_file`), never written through, so dropped
            // pages come back with the file's bytes: no value that a reader can see changes.
            let _ = unsafe { self.0.map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, offset, len) };
        }
        #[cfg(not(unix))]
        let _ = (offset, len);
    }

    /// `len` cut to the end of the file; `None` if nothing is left.
    #[cfg(unix)]
    fn clip(&self, offset: usize, len: usize) -> Option<usize> {
        let left = self.len().checked_sub(offset)?;
        Some(len.min(left)).filter(|&n| n > 0)
    }
}

impl fmt::Debug for MappedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MappedFile({}, {} bytes)", self.path().display(), self.len())
    }
}

/// A part of a mapped file that keeps the map alive: what an array is built on without a copy.
#[derive(Clone, Debug)]
pub struct Region {
    file: MappedFile,
    offset: usize,
    len: usize,
}

impl Region {
    /// The file it lies in.
    pub fn file(&self) -> &MappedFile {
        &self.file
    }
    /// First byte, counted from the start of the file.
    pub fn offset(&self) -> usize {
        self.offset
    }
    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.len
    }
    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.file.bytes()[self.offset..self.offset + self.len]
    }
    /// Whether its address is a multiple of `align`, so that elements of that alignment can be read in place.
    pub fn is_aligned(&self, align: usize) -> bool {
        align != 0 && self.bytes().as_ptr().addr().is_multiple_of(align)
    }
    /// [`MappedFile::willneed`] of this part.
    pub fn willneed(&self) {
        self.file.willneed(self.offset, self.len);
    }
    /// [`MappedFile::dontneed`] of this part.
    pub fn dontneed(&self) {
        self.file.dontneed(self.offset, self.len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_and_regions() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, b"0123456789").unwrap();
        let m = MappedFile::open(&path).unwrap();
        assert_eq!(m.bytes(), b"0123456789");
        let r = m.region(2, 3).unwrap();
        assert_eq!(r.bytes(), b"234");
        assert_eq!((r.offset(), r.len()), (2, 3));
        assert!(m.region(10, 0).is_ok());
        for (o, n) in [(10, 1), (11, 0), (usize::MAX, 1), (1, usize::MAX)] {
            let e = m.region(o, n).unwrap_err();
            assert!(e.message.contains("outside the file of 10 bytes"), "{e}");
        }
        // Dropped pages come back; hints outside the file are ignored.
        m.dontneed(0, 10);
        m.willneed(0, usize::MAX);
        m.dontneed(5, usize::MAX);
        m.dontneed(100, 1);
        assert_eq!(m.bytes(), b"0123456789");
        drop(m);
        assert_eq!(r.bytes(), b"234", "a region keeps its map");
    }

    #[test]
    fn bytes_in_memory_survive_dontneed() {
        let data: Vec<u8> = (0..20_000u32).map(|i| i as u8).collect();
        let m = MappedFile::from_bytes(&data, "mem").unwrap();
        m.dontneed(0, data.len());
        assert_eq!(m.bytes(), data);
        assert!(m.region(0, 4).unwrap().is_aligned(4096));
        assert!(MappedFile::from_bytes(&[], "mem").unwrap().is_empty());
    }

    #[test]
    fn empty_file_and_folder() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("empty");
        std::fs::write(&path, b"").unwrap();
        assert!(MappedFile::open(&path).unwrap().is_empty());
        assert!(MappedFile::open(dir.path()).unwrap_err().message.contains("not a regular file"));
        assert!(MappedFile::open(dir.path().join("none")).unwrap_err().message.contains("none"));
    }

    #[test]
    fn is_send_and_sync() {
        fn check<T: Send + Sync + 'static>() {}
        check::<MappedFile>();
        check::<Region>();
    }
}
