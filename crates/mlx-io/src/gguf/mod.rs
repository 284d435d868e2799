//! GGUF versions 2 and 3, little endian: metadata and tensors of a model, possibly split over several files.
//!
//! ```no_run
//! let gguf = mlx_io::Gguf::open("model.gguf")?;
//! println!("{}", gguf.metadata().get_str("general.architecture")?);
//! for t in gguf.tensors() {
//!     println!("{} {} {:?}", t.name(), t.ggml_type(), t.shape());
//! }
//! # Ok::<(), mlx_ir::Error>(())
//! ```

mod read;
mod split;
mod types;
mod value;
mod write;

pub use types::GgmlType;
pub use value::{ArrayIter, ArrayView, Metadata, StrArray, Value, ValueType};
pub use write::{GgufSink, GgufWriter, MetaValue};

use crate::map::{MappedFile, Region};
use mlx_ir::{Error, Result};
use std::collections::HashMap;
use std::path::Path;

/// Dimensions a tensor can have.
pub const MAX_DIMS: usize = 4;
/// How deep metadata arrays may nest.
pub const MAX_ARRAY_DEPTH: usize = 4;
/// Bytes of a key or a tensor name.
pub const MAX_NAME: usize = 65_535;
/// Metadata keys of a file; real models have about fifty.
pub const MAX_KEYS: usize = 1 << 16;
/// Tensors of a file; the largest models have some thousands.
pub const MAX_TENSORS: usize = 1 << 18;

/// Up to [`MAX_DIMS`] sizes, without an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dims {
    sizes: [usize; MAX_DIMS],
    len: u8,
}

impl Dims {
    fn new() -> Dims {
        Dims { sizes: [1; MAX_DIMS], len: 0 }
    }
    /// Callers add at most [`MAX_DIMS`].
    fn push(&mut self, size: usize) {
        self.sizes[self.len as usize] = size;
        self.len += 1;
    }
    fn first(&self) -> Option<&usize> {
        self.as_slice().first()
    }
    fn as_slice(&self) -> &[usize] {
        &self.sizes[..self.len as usize]
    }
}

/// A tensor of the file: what it is and where its bytes lie.
#[derive(Clone, Debug)]
pub struct TensorInfo {
    name: Box<str>,
    ty: GgmlType,
    dims: Dims,
    offset: usize,
    len: usize,
    part: u16,
}

impl TensorInfo {
    /// Its name, such as `blk.0.attn_q.weight`.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Its type.
    pub fn ggml_type(&self) -> GgmlType {
        self.ty
    }
    /// Sizes in ggml's order: the contiguous dimension first. Empty for a scalar.
    pub fn dims(&self) -> &[usize] {
        self.dims.as_slice()
    }
    /// Sizes in row-major order: the contiguous dimension last.
    pub fn shape(&self) -> Vec<usize> {
        self.dims().iter().rev().copied().collect()
    }
    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.dims().iter().product()
    }
    /// First byte of its data in its file.
    pub fn offset(&self) -> usize {
        self.offset
    }
    /// Bytes of its data.
    pub fn byte_len(&self) -> usize {
        self.len
    }
    /// Which of the files ([`Gguf::files`]) holds it.
    pub fn part(&self) -> usize {
        self.part as usize
    }
}

/// An open GGUF model: one file, or all files of a split one. Tensor data stays in the memory map.
#[derive(Clone, Debug)]
pub struct Gguf {
    files: Vec<MappedFile>,
    version: u32,
    alignment: usize,
    metadata: Metadata,
    tensors: Vec<TensorInfo>,
    by_name: HashMap<Box<str>, usize>,
}

impl Gguf {
    /// Maps and checks a file; any file of a split model (`…-00001-of-00003.gguf`) opens all of them.
    ///
    /// Errors: `Io` for a file that cannot be read or is malformed, naming path, byte offset and field;
    /// `Unsupported` for big endian, version 1, legacy GGML files and tensor types that are unknown.
    pub fn open(path: impl AsRef<Path>) -> Result<Gguf> {
        split::open(path.as_ref())
    }

    /// Checks a whole file given as bytes (copied); split files are refused since the others are not there.
    pub fn parse(bytes: &[u8]) -> Result<Gguf> {
        let gguf = Gguf::from_file(MappedFile::from_bytes(bytes, "bytes in memory")?)?;
        match split::split_count(&gguf.metadata)? {
            Some(n) if n > 1 => {
                Err(Error::unsupported(format!("[gguf] a part of a model split in {n} files, open it by path")))
            }
            _ => Ok(gguf),
        }
    }

    /// One file, not looking at whether it is a part.
    fn from_file(file: MappedFile) -> Result<Gguf> {
        let header = read::parse_header(file.bytes())?;
        Ok(Gguf {
            version: header.version,
            alignment: header.alignment,
            by_name: header.tensors.iter().enumerate().map(|(i, t)| (t.name.clone(), i)).collect(),
            tensors: header.tensors,
            metadata: Metadata::new(file.clone(), header.entries),
            files: vec![file],
        })
    }

    /// Version of the format, 2 or 3.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Alignment of tensor data in the (first) file.
    pub fn alignment(&self) -> usize {
        self.alignment
    }

    /// The mapped files: one, or all parts in order.
    pub fn files(&self) -> &[MappedFile] {
        &self.files
    }

    /// Bytes of all files.
    pub fn total_bytes(&self) -> usize {
        self.files.iter().map(MappedFile::len).sum()
    }

    /// The metadata (of the first part of a split model, which holds it all).
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// All tensors in the order of the files.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// The tensor of a name, if there is one.
    pub fn find(&self, name: &str) -> Option<&TensorInfo> {
        self.by_name.get(name).map(|&i| &self.tensors[i])
    }

    /// The tensor of a name. Errors: `Value`, naming it, if there is none.
    pub fn tensor(&self, name: &str) -> Result<&TensorInfo> {
        self.find(name).ok_or_else(|| {
            Error::value(format!("[gguf] {}: tensor {name:?} is missing", self.files[0].path().display()))
        })
    }

    /// The bytes of one of this model's tensors (of another's: some other bytes, or none).
    pub fn data(&self, tensor: &TensorInfo) -> &[u8] {
        let file = self.files.get(tensor.part()).map_or(&[][..], MappedFile::bytes);
        file.get(tensor.offset..tensor.offset + tensor.len).unwrap_or(&[])
    }

    /// File, offset and length of one of this model's tensors: an array can be built on it without a copy.
    /// Errors: `Index` for a tensor that is not of this model and lies outside.
    pub fn region(&self, tensor: &TensorInfo) -> Result<Region> {
        let file = self
            .files
            .get(tensor.part())
            .ok_or_else(|| Error::index(format!("[gguf] tensor {:?} is of another model", tensor.name())))?;
        file.region(tensor.offset, tensor.len)
    }
}
