//! safetensors: one file, or shards listed by `model.safetensors.index.json`. Tensor data stays in the map.
//!
//! ```no_run
//! let st = mlx_io::SafeTensors::open("model-folder")?;
//! for t in st.tensors() {
//!     println!("{} {} {:?}", t.name(), t.dtype(), t.shape());
//! }
//! # Ok::<(), mlx_ir::Error>(())
//! ```

mod header;
mod index;
mod write;

pub use write::{Tensor, write, write_to};

use crate::map::{MappedFile, Region};
use mlx_ir::{DType, Error, Result};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;

/// The longest header, and the longest index file, that is read.
pub const MAX_HEADER: usize = 100_000_000;
/// Dimensions a tensor can have.
pub const MAX_DIMS: usize = 32;

macro_rules! stored_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal => $dtype:ident;)*) => {
        /// Element type as the file names it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(non_camel_case_types, reason = "the names of the format")]
        pub enum StoredType { $($(#[$doc])* $variant,)* }

        impl StoredType {
            /// Every type that is read.
            pub const ALL: &'static [StoredType] = &[$(StoredType::$variant),*];

            /// Name in the file.
            pub const fn name(self) -> &'static str {
                match self { $(StoredType::$variant => $name),* }
            }
            /// The array dtype its bytes are handed out as.
            pub const fn dtype(self) -> DType {
                match self { $(StoredType::$variant => DType::$dtype),* }
            }
        }
    };
}

stored_types! {
    /// bool; the file may hold bytes other than 0 and 1, which are not checked.
    BOOL = "BOOL" => Bool;
    /// uint8
    U8 = "U8" => U8;
    /// uint16
    U16 = "U16" => U16;
    /// uint32
    U32 = "U32" => U32;
    /// uint64
    U64 = "U64" => U64;
    /// int8
    I8 = "I8" => I8;
    /// int16
    I16 = "I16" => I16;
    /// int32
    I32 = "I32" => I32;
    /// int64
    I64 = "I64" => I64;
    /// float16
    F16 = "F16" => F16;
    /// bfloat16
    BF16 = "BF16" => BF16;
    /// float32
    F32 = "F32" => F32;
    /// float64
    F64 = "F64" => F64;
    /// complex64
    C64 = "C64" => C64;
    /// 8-bit float of 4 exponent and 3 fraction bits, handed out as uint8.
    F8_E4M3 = "F8_E4M3" => U8;
    /// 8-bit power of two, handed out as uint8.
    F8_E8M0 = "F8_E8M0" => U8;
}

/// Types of the format that have no array dtype.
const REFUSED: [&str; 4] = ["F8_E5M2", "F4", "F6_E2M3", "F6_E3M2"];

impl StoredType {
    /// The type of this name; `Err` says why not.
    fn from_name(name: &str) -> Result<StoredType, String> {
        if let Some(&t) = StoredType::ALL.iter().find(|t| t.name() == name) {
            return Ok(t);
        }
        if REFUSED.contains(&name) {
            return Err(format!("dtype {name} is not supported"));
        }
        Err(format!("unknown dtype {name:?}"))
    }

    /// The type in which an array dtype is stored.
    pub const fn of(dtype: DType) -> StoredType {
        match dtype {
            DType::Bool => StoredType::BOOL,
            DType::U8 => StoredType::U8,
            DType::U16 => StoredType::U16,
            DType::U32 => StoredType::U32,
            DType::U64 => StoredType::U64,
            DType::I8 => StoredType::I8,
            DType::I16 => StoredType::I16,
            DType::I32 => StoredType::I32,
            DType::I64 => StoredType::I64,
            DType::F16 => StoredType::F16,
            DType::F32 => StoredType::F32,
            DType::F64 => StoredType::F64,
            DType::BF16 => StoredType::BF16,
            DType::C64 => StoredType::C64,
        }
    }
}

impl fmt::Display for StoredType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A tensor: what it is and where its bytes lie.
#[derive(Clone, Debug)]
pub struct TensorInfo {
    name: Box<str>,
    stored: StoredType,
    shape: Box<[usize]>,
    offset: usize,
    len: usize,
    part: u32,
}

impl TensorInfo {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// The array dtype of its bytes; uint8 for 8-bit floats.
    pub fn dtype(&self) -> DType {
        self.stored.dtype()
    }
    /// The type that the file names.
    pub fn stored_type(&self) -> StoredType {
        self.stored
    }
    /// Sizes, row-major; a size may be zero.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }
    /// First byte of its data in its file. Not always a multiple of the element size: see [`Region::is_aligned`].
    pub fn offset(&self) -> usize {
        self.offset
    }
    /// Bytes of its data.
    pub fn byte_len(&self) -> usize {
        self.len
    }
    /// Which of the files ([`SafeTensors::files`]) holds it.
    pub fn part(&self) -> usize {
        self.part as usize
    }
}

/// Open safetensors: one file or all shards of a model.
#[derive(Clone, Debug)]
pub struct SafeTensors {
    files: Vec<MappedFile>,
    metadata: BTreeMap<String, String>,
    tensors: Vec<TensorInfo>,
    by_name: HashMap<Box<str>, usize>,
}

impl SafeTensors {
    /// Opens a `.safetensors` file, an index (`….index.json`) with its shards beside it, or a folder: its
    /// `model.safetensors.index.json`, else its `model.safetensors`, else all its `model*.safetensors`.
    ///
    /// Errors: `Io` for what cannot be read or is malformed, naming path, byte offset and field; `Unsupported`
    /// for dtypes without an array dtype, by name.
    pub fn open(path: impl AsRef<Path>) -> Result<SafeTensors> {
        index::open(path.as_ref())
    }

    /// Checks a whole file given as bytes (copied).
    pub fn parse(bytes: &[u8]) -> Result<SafeTensors> {
        SafeTensors::from_files(vec![MappedFile::from_bytes(bytes, "bytes in memory")?], false)
    }

    /// All tensors of the files. With `name_files`, errors name the file.
    fn from_files(files: Vec<MappedFile>, name_files: bool) -> Result<SafeTensors> {
        let mut st = SafeTensors { files: vec![], metadata: BTreeMap::new(), tensors: vec![], by_name: HashMap::new() };
        for (part, file) in files.into_iter().enumerate() {
            let named = |e: Error| match name_files {
                true => at(file.path(), e),
                false => e,
            };
            let header = header::parse(file.bytes()).map_err(named)?;
            // Of a key that several shards have, the first value stays.
            for (k, v) in header.metadata {
                st.metadata.entry(k).or_insert(v);
            }
            for mut t in header.tensors {
                t.part = part as u32;
                if let Some(&other) = st.by_name.get(&t.name) {
                    let other = st.files[st.tensors[other].part()].path().display();
                    return Err(named(Error::io(format!(
                        "[safetensors] duplicate tensor {:?}, also in {other}",
                        t.name
                    ))));
                }
                st.by_name.insert(t.name.clone(), st.tensors.len());
                st.tensors.push(t);
            }
            st.files.push(file);
        }
        Ok(st)
    }

    /// The mapped files: one, or all shards.
    pub fn files(&self) -> &[MappedFile] {
        &self.files
    }

    /// Bytes of all files.
    pub fn total_bytes(&self) -> usize {
        self.files.iter().map(MappedFile::len).sum()
    }

    /// The `__metadata__` of the header (of shards: all keys, the first shard's value where several have one).
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// All tensors, in the order of their data in the files.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// The tensor of a name, if there is one.
    pub fn find(&self, name: &str) -> Option<&TensorInfo> {
        self.by_name.get(name).map(|&i| &self.tensors[i])
    }

    /// The tensor of a name. Errors: `Value`, naming it, if there is none.
    pub fn tensor(&self, name: &str) -> Result<&TensorInfo> {
        self.find(name).ok_or_else(|| Error::value(format!("[safetensors] tensor {name:?} is missing")))
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
            .ok_or_else(|| Error::index(format!("[safetensors] tensor {:?} is of another model", tensor.name())))?;
        file.region(tensor.offset, tensor.len)
    }
}

/// Puts the path into an error.
fn at(path: &Path, e: Error) -> Error {
    let what = e.message.strip_prefix("[safetensors] ").unwrap_or(&e.message);
    Error::new(e.kind, format!("[safetensors] {}: {what}", path.display()))
}
