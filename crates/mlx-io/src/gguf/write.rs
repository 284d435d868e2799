//! Writing GGUF version 3: declare metadata and tensors, then stream the data in the declared order.

use super::read::DEFAULT_ALIGNMENT;
use super::types::GgmlType;
use super::value::{Value, ValueType};
use super::{MAX_ARRAY_DEPTH, MAX_DIMS, MAX_KEYS, MAX_NAME, MAX_TENSORS};
use mlx_ir::{Error, Result};
use std::collections::HashSet;
use std::io::Write;

/// The largest alignment that is written: each tensor can cost that much padding.
const MAX_ALIGNMENT: u32 = 1 << 20;

/// A metadata value that owns its data.
#[derive(Clone, Debug, PartialEq)]
pub enum MetaValue {
    /// uint8
    U8(u8),
    /// int8
    I8(i8),
    /// uint16
    U16(u16),
    /// int16
    I16(i16),
    /// uint32
    U32(u32),
    /// int32
    I32(i32),
    /// float32
    F32(f32),
    /// bool
    Bool(bool),
    /// string
    Str(String),
    /// Element type and elements, which must all be of it.
    Array(ValueType, Vec<MetaValue>),
    /// uint64
    U64(u64),
    /// int64
    I64(i64),
    /// float64
    F64(f64),
}

macro_rules! from_scalar {
    ($($t:ty => $v:ident),*) => {$(
        impl From<$t> for MetaValue {
            fn from(v: $t) -> MetaValue { MetaValue::$v(v) }
        }
        impl From<Vec<$t>> for MetaValue {
            fn from(v: Vec<$t>) -> MetaValue {
                MetaValue::Array(ValueType::$v, v.into_iter().map(MetaValue::from).collect())
            }
        }
    )*};
}
from_scalar!(u8 => U8, i8 => I8, u16 => U16, i16 => I16, u32 => U32, i32 => I32, f32 => F32, bool => Bool,
    String => Str, u64 => U64, i64 => I64, f64 => F64);

impl From<&str> for MetaValue {
    fn from(v: &str) -> MetaValue {
        MetaValue::Str(v.into())
    }
}

impl From<Value<'_>> for MetaValue {
    fn from(v: Value<'_>) -> MetaValue {
        match v {
            Value::U8(v) => MetaValue::U8(v),
            Value::I8(v) => MetaValue::I8(v),
            Value::U16(v) => MetaValue::U16(v),
            Value::I16(v) => MetaValue::I16(v),
            Value::U32(v) => MetaValue::U32(v),
            Value::I32(v) => MetaValue::I32(v),
            Value::F32(v) => MetaValue::F32(v),
            Value::Bool(v) => MetaValue::Bool(v),
            Value::Str(v) => MetaValue::Str(v.into()),
            Value::Array(a) => MetaValue::Array(a.elem_type(), a.iter().map(MetaValue::from).collect()),
            Value::U64(v) => MetaValue::U64(v),
            Value::I64(v) => MetaValue::I64(v),
            Value::F64(v) => MetaValue::F64(v),
        }
    }
}

impl MetaValue {
    /// Its type.
    pub fn value_type(&self) -> ValueType {
        match self {
            MetaValue::U8(_) => ValueType::U8,
            MetaValue::I8(_) => ValueType::I8,
            MetaValue::U16(_) => ValueType::U16,
            MetaValue::I16(_) => ValueType::I16,
            MetaValue::U32(_) => ValueType::U32,
            MetaValue::I32(_) => ValueType::I32,
            MetaValue::F32(_) => ValueType::F32,
            MetaValue::Bool(_) => ValueType::Bool,
            MetaValue::Str(_) => ValueType::Str,
            MetaValue::Array(..) => ValueType::Array,
            MetaValue::U64(_) => ValueType::U64,
            MetaValue::I64(_) => ValueType::I64,
            MetaValue::F64(_) => ValueType::F64,
        }
    }

    /// Appends the bytes; `Err` holds what is wrong.
    fn put(&self, out: &mut Vec<u8>, depth: usize) -> Result<(), String> {
        match self {
            MetaValue::U8(v) => out.push(*v),
            MetaValue::I8(v) => out.extend(v.to_le_bytes()),
            MetaValue::U16(v) => out.extend(v.to_le_bytes()),
            MetaValue::I16(v) => out.extend(v.to_le_bytes()),
            MetaValue::U32(v) => out.extend(v.to_le_bytes()),
            MetaValue::I32(v) => out.extend(v.to_le_bytes()),
            MetaValue::F32(v) => out.extend(v.to_le_bytes()),
            MetaValue::Bool(v) => out.push(u8::from(*v)),
            MetaValue::Str(v) => put_str(out, v),
            MetaValue::U64(v) => out.extend(v.to_le_bytes()),
            MetaValue::I64(v) => out.extend(v.to_le_bytes()),
            MetaValue::F64(v) => out.extend(v.to_le_bytes()),
            MetaValue::Array(elem, items) => {
                if depth >= MAX_ARRAY_DEPTH {
                    return Err(format!("arrays nested more than {MAX_ARRAY_DEPTH} deep"));
                }
                out.extend(elem.id().to_le_bytes());
                out.extend((items.len() as u64).to_le_bytes());
                for item in items {
                    if item.value_type() != *elem {
                        let (is, of) = (item.value_type().name(), elem.name());
                        return Err(format!("a {is} in an array of {of}"));
                    }
                    item.put(out, depth + 1)?;
                }
            }
        }
        Ok(())
    }
}

fn put_str(out: &mut Vec<u8>, s: &str) {
    out.extend((s.len() as u64).to_le_bytes());
    out.extend(s.as_bytes());
}

/// What a file will hold. Declare everything, then [`GgufWriter::start`] and stream the data.
///
/// ```
/// use mlx_io::{GgmlType, Gguf, GgufWriter};
/// let mut w = GgufWriter::new();
/// w.set("general.architecture", "llama")?;
/// w.add_tensor("x", GgmlType::I8, &[3])?;
/// let mut out = w.start(Vec::new())?;
/// out.write(&[1, 2, 3])?;
/// let file = out.finish()?;
/// let back = Gguf::parse(&file)?;
/// assert_eq!(back.data(back.tensor("x")?), [1, 2, 3]);
/// # Ok::<(), mlx_ir::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct GgufWriter {
    metadata: Vec<(String, MetaValue)>,
    tensors: Vec<Declared>,
    keys: HashSet<String>,
    names: HashSet<String>,
}

#[derive(Clone, Debug)]
struct Declared {
    name: String,
    ty: GgmlType,
    dims: Vec<usize>,
    bytes: usize,
}

impl GgufWriter {
    /// Nothing yet.
    pub fn new() -> GgufWriter {
        GgufWriter::default()
    }

    /// Adds a metadata key. `general.alignment` sets the alignment of the data (32 unless set).
    /// Errors: an empty, too long or repeated key, too many keys, a mixed or too deeply nested array.
    pub fn set(&mut self, key: &str, value: impl Into<MetaValue>) -> Result<()> {
        let value = value.into();
        let fail = |what: String| Err(Error::value(format!("[gguf] write metadata {key:?}: {what}")));
        if key.is_empty() || key.len() > MAX_NAME {
            return fail(format!("a key has 1 to {MAX_NAME} bytes, not {}", key.len()));
        }
        if self.metadata.len() == MAX_KEYS {
            return fail(format!("more than {MAX_KEYS} keys"));
        }
        if key == "general.alignment"
            && !matches!(value, MetaValue::U32(a) if a.is_power_of_two() && a <= MAX_ALIGNMENT)
        {
            return fail(format!("{value:?} is not a power of two up to {MAX_ALIGNMENT}, of type uint32"));
        }
        if let Err(what) = value.put(&mut Vec::new(), 0) {
            return fail(what);
        }
        if !self.keys.insert(key.into()) {
            return fail("set twice".into());
        }
        self.metadata.push((key.into(), value));
        Ok(())
    }

    /// Declares a tensor; `dims` in ggml's order (the contiguous dimension first). Returns the bytes its data has.
    /// Errors: an empty, too long or repeated name, too many tensors or dimensions, a zero dimension, rows that
    /// are not whole blocks, a size that overflows.
    pub fn add_tensor(&mut self, name: &str, ty: GgmlType, dims: &[usize]) -> Result<usize> {
        let fail = |what: String| Err(Error::value(format!("[gguf] write tensor {name:?} {ty} {dims:?}: {what}")));
        if name.is_empty() || name.len() > MAX_NAME {
            return fail(format!("a name has 1 to {MAX_NAME} bytes, not {}", name.len()));
        }
        if dims.len() > MAX_DIMS || dims.contains(&0) {
            return fail(format!("a tensor has at most {MAX_DIMS} dimensions, none of them zero"));
        }
        if self.tensors.len() == MAX_TENSORS {
            return fail(format!("more than {MAX_TENSORS} tensors"));
        }
        if !dims.first().copied().unwrap_or(1).is_multiple_of(ty.block_len()) {
            return fail(format!("rows are not a multiple of the block of {}", ty.block_len()));
        }
        let elements = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        let Some(bytes) = elements.and_then(|n| ty.row_bytes(n)) else {
            return fail("the size overflows".into());
        };
        if !self.names.insert(name.into()) {
            return fail("declared twice".into());
        }
        self.tensors.push(Declared { name: name.into(), ty, dims: dims.into(), bytes });
        Ok(bytes)
    }

    fn alignment(&self) -> usize {
        self.metadata
            .iter()
            .find_map(|(k, v)| match v {
                MetaValue::U32(a) if k == "general.alignment" => Some(*a as usize),
                _ => None,
            })
            .unwrap_or(DEFAULT_ALIGNMENT)
    }

    /// Writes the header; the data follows through the sink, tensor by tensor in the declared order.
    /// Errors: `Io` from the writer, sizes that overflow together.
    pub fn start<W: Write>(self, mut writer: W) -> Result<GgufSink<W>> {
        let alignment = self.alignment();
        let overflow = || Error::value("[gguf] write: the file's size overflows");
        let mut head = Vec::new();
        head.extend(b"GGUF");
        head.extend(3u32.to_le_bytes());
        head.extend((self.tensors.len() as u64).to_le_bytes());
        head.extend((self.metadata.len() as u64).to_le_bytes());
        for (key, value) in &self.metadata {
            put_str(&mut head, key);
            head.extend(value.value_type().id().to_le_bytes());
            value.put(&mut head, 0).map_err(|e| Error::value(format!("[gguf] write metadata {key:?}: {e}")))?;
        }
        let mut offset = 0usize;
        for t in &self.tensors {
            put_str(&mut head, &t.name);
            head.extend((t.dims.len() as u32).to_le_bytes());
            for &d in &t.dims {
                head.extend((d as u64).to_le_bytes());
            }
            head.extend(t.ty.id().to_le_bytes());
            head.extend((offset as u64).to_le_bytes());
            let end = offset.checked_add(t.bytes).and_then(|e| e.checked_next_multiple_of(alignment));
            offset = end.ok_or_else(overflow)?;
        }
        let start = head.len().checked_next_multiple_of(alignment).ok_or_else(overflow)?;
        writer.write_all(&head)?;
        let mut sink = GgufSink { writer, tensors: self.tensors, alignment, current: 0, written: 0 };
        sink.pad(start - head.len())?;
        Ok(sink)
    }
}

/// Takes the data of the declared tensors, one after the other.
#[derive(Debug)]
pub struct GgufSink<W> {
    writer: W,
    tensors: Vec<Declared>,
    alignment: usize,
    /// The tensor being written, and how much of it is.
    current: usize,
    written: usize,
}

impl<W: Write> GgufSink<W> {
    fn pad(&mut self, mut n: usize) -> Result<()> {
        let zeros = [0u8; 4096];
        while n > 0 {
            let now = n.min(zeros.len());
            self.writer.write_all(&zeros[..now])?;
            n -= now;
        }
        Ok(())
    }

    /// Appends data; a call may hold part of a tensor, but not cross into the next one.
    /// Errors: `Value` for more data than declared, `Io` from the writer.
    pub fn write(&mut self, data: &[u8]) -> Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        let Some(Declared { name, bytes: size, .. }) = self.tensors.get(self.current) else {
            return Err(Error::value(format!("[gguf] write: {} bytes after the last tensor", data.len())));
        };
        let (size, left) = (*size, *size - self.written);
        if data.len() > left {
            return Err(Error::value(format!(
                "[gguf] write tensor {name:?}: {} bytes given, {left} of {size} expected",
                data.len()
            )));
        }
        self.writer.write_all(data)?;
        self.written += data.len();
        if self.written == size {
            self.pad(size.next_multiple_of(self.alignment) - size)?;
            self.current += 1;
            self.written = 0;
        }
        Ok(())
    }

    /// Flushes and gives the writer back. Errors: `Value` if data is missing, `Io` from the writer.
    pub fn finish(mut self) -> Result<W> {
        if let Some(t) = self.tensors.get(self.current) {
            return Err(Error::value(format!(
                "[gguf] write tensor {:?}: {} of {} bytes given",
                t.name, self.written, t.bytes
            )));
        }
        self.writer.flush()?;
        Ok(self.writer)
    }
}
