//! Metadata: typed views over the bytes of the file.

use super::read::Cursor;
use crate::map::MappedFile;
use mlx_ir::{Error, Result};
use std::ops::Range;
use std::sync::Arc;

/// Type tag of a metadata value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum ValueType {
    /// Unsigned 8-bit.
    U8 = 0,
    /// Signed 8-bit.
    I8 = 1,
    /// Unsigned 16-bit.
    U16 = 2,
    /// Signed 16-bit.
    I16 = 3,
    /// Unsigned 32-bit.
    U32 = 4,
    /// Signed 32-bit.
    I32 = 5,
    /// 32-bit float.
    F32 = 6,
    /// One byte, 0 or 1.
    Bool = 7,
    /// UTF-8 with a 64-bit length in front.
    Str = 8,
    /// Element type, 64-bit count, elements; may nest.
    Array = 9,
    /// Unsigned 64-bit.
    U64 = 10,
    /// Signed 64-bit.
    I64 = 11,
    /// 64-bit float.
    F64 = 12,
}

impl ValueType {
    const ALL: [ValueType; 13] = [
        ValueType::U8,
        ValueType::I8,
        ValueType::U16,
        ValueType::I16,
        ValueType::U32,
        ValueType::I32,
        ValueType::F32,
        ValueType::Bool,
        ValueType::Str,
        ValueType::Array,
        ValueType::U64,
        ValueType::I64,
        ValueType::F64,
    ];

    /// The type with this tag.
    pub fn from_id(id: u32) -> Option<ValueType> {
        ValueType::ALL.get(id as usize).copied()
    }

    /// Its tag in files.
    pub const fn id(self) -> u32 {
        self as u32
    }

    /// Name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            ValueType::U8 => "uint8",
            ValueType::I8 => "int8",
            ValueType::U16 => "uint16",
            ValueType::I16 => "int16",
            ValueType::U32 => "uint32",
            ValueType::I32 => "int32",
            ValueType::F32 => "float32",
            ValueType::Bool => "bool",
            ValueType::Str => "string",
            ValueType::Array => "array",
            ValueType::U64 => "uint64",
            ValueType::I64 => "int64",
            ValueType::F64 => "float64",
        }
    }

    /// The fewest bytes a value of this type takes in a file.
    pub(super) const fn min_bytes(self) -> usize {
        match self {
            ValueType::U8 | ValueType::I8 | ValueType::Bool => 1,
            ValueType::U16 | ValueType::I16 => 2,
            ValueType::U32 | ValueType::I32 | ValueType::F32 => 4,
            ValueType::U64 | ValueType::I64 | ValueType::F64 | ValueType::Str => 8,
            ValueType::Array => 12,
        }
    }
}

/// A metadata value, borrowed from the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
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
    Str(&'a str),
    /// array
    Array(ArrayView<'a>),
    /// uint64
    U64(u64),
    /// int64
    I64(i64),
    /// float64
    F64(f64),
}

impl<'a> Value<'a> {
    /// Its type.
    pub fn value_type(&self) -> ValueType {
        match self {
            Value::U8(_) => ValueType::U8,
            Value::I8(_) => ValueType::I8,
            Value::U16(_) => ValueType::U16,
            Value::I16(_) => ValueType::I16,
            Value::U32(_) => ValueType::U32,
            Value::I32(_) => ValueType::I32,
            Value::F32(_) => ValueType::F32,
            Value::Bool(_) => ValueType::Bool,
            Value::Str(_) => ValueType::Str,
            Value::Array(_) => ValueType::Array,
            Value::U64(_) => ValueType::U64,
            Value::I64(_) => ValueType::I64,
            Value::F64(_) => ValueType::F64,
        }
    }

    /// Any integer, widened.
    pub fn as_int(&self) -> Option<i128> {
        Some(match *self {
            Value::U8(v) => v.into(),
            Value::I8(v) => v.into(),
            Value::U16(v) => v.into(),
            Value::I16(v) => v.into(),
            Value::U32(v) => v.into(),
            Value::I32(v) => v.into(),
            Value::U64(v) => v.into(),
            Value::I64(v) => v.into(),
            _ => return None,
        })
    }

    /// A float or an integer, as f64.
    pub fn as_float(&self) -> Option<f64> {
        match *self {
            Value::F32(v) => Some(v.into()),
            Value::F64(v) => Some(v),
            _ => self.as_int().map(|v| v as f64),
        }
    }

    /// A string.
    pub fn as_str(&self) -> Option<&'a str> {
        match *self {
            Value::Str(s) => Some(s),
            _ => None,
        }
    }

    /// What it is, for messages: `a string`, `an array of 3 int32`.
    fn describe(&self) -> String {
        match self {
            Value::Array(a) => format!("an array of {} {}", a.len(), a.elem_type().name()),
            Value::Str(_) => "a string".into(),
            v => match v.as_int() {
                Some(i) => format!("{} {i}", v.value_type().name()),
                None => format!("a {}", v.value_type().name()),
            },
        }
    }
}

/// An array in the metadata: elements are decoded as they are visited, nothing is copied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArrayView<'a> {
    elem: ValueType,
    len: usize,
    bytes: &'a [u8],
}

impl<'a> ArrayView<'a> {
    /// Type of every element.
    pub fn elem_type(&self) -> ValueType {
        self.elem
    }
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
    /// The elements in order.
    pub fn iter(&self) -> ArrayIter<'a> {
        ArrayIter { cursor: Cursor::new(self.bytes), elem: self.elem, left: self.len }
    }
}

/// Iterator over the elements of an [`ArrayView`].
#[derive(Clone, Debug)]
pub struct ArrayIter<'a> {
    cursor: Cursor<'a>,
    elem: ValueType,
    left: usize,
}

impl<'a> Iterator for ArrayIter<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.left = self.left.checked_sub(1)?;
        // The array was checked when the file was opened; should the file have changed since, the walk ends.
        let value = decode(&mut self.cursor, self.elem);
        if value.is_none() {
            self.left = 0;
        }
        value
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

/// Decodes one value; `None` if the bytes are not one (only possible if the file changed after the check).
fn decode<'a>(c: &mut Cursor<'a>, ty: ValueType) -> Option<Value<'a>> {
    let f = format_args!("value");
    Some(match ty {
        ValueType::U8 => Value::U8(u8::from_le_bytes(c.array(f).ok()?)),
        ValueType::I8 => Value::I8(i8::from_le_bytes(c.array(f).ok()?)),
        ValueType::U16 => Value::U16(u16::from_le_bytes(c.array(f).ok()?)),
        ValueType::I16 => Value::I16(i16::from_le_bytes(c.array(f).ok()?)),
        ValueType::U32 => Value::U32(u32::from_le_bytes(c.array(f).ok()?)),
        ValueType::I32 => Value::I32(i32::from_le_bytes(c.array(f).ok()?)),
        ValueType::F32 => Value::F32(f32::from_le_bytes(c.array(f).ok()?)),
        ValueType::Bool => Value::Bool(c.array::<1>(f).ok()? == [1]),
        ValueType::Str => Value::Str(c.string(f).ok()?),
        ValueType::U64 => Value::U64(u64::from_le_bytes(c.array(f).ok()?)),
        ValueType::I64 => Value::I64(i64::from_le_bytes(c.array(f).ok()?)),
        ValueType::F64 => Value::F64(f64::from_le_bytes(c.array(f).ok()?)),
        ValueType::Array => {
            let (elem, len) = c.array_head(f).ok()?;
            let start = c.pos();
            c.check_elements(elem, len, 0, f).ok()?;
            Value::Array(ArrayView { elem, len, bytes: c.since(start) })
        }
    })
}

/// Where a key and its value lie in the file.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key: Range<usize>,
    pub ty: ValueType,
    pub value: Range<usize>,
}

/// All metadata of a file, with typed access. Errors of the getters name the key.
#[derive(Clone, Debug)]
pub struct Metadata {
    file: MappedFile,
    entries: Vec<Entry>,
    /// Indices of `entries` in the order of their keys.
    by_key: Vec<u32>,
}

impl Metadata {
    pub(super) fn new(file: MappedFile, entries: Vec<Entry>) -> Metadata {
        let mut by_key: Vec<u32> = (0..entries.len() as u32).collect();
        by_key.sort_unstable_by_key(|&i| &file.bytes()[entries[i as usize].key.clone()]);
        Metadata { file, entries, by_key }
    }

    /// Number of keys.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Keys and values in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.entries.iter().filter_map(|e| Some((self.key(e), self.value(e)?)))
    }

    fn key(&self, e: &Entry) -> &str {
        std::str::from_utf8(&self.file.bytes()[e.key.clone()]).unwrap_or("")
    }

    fn value(&self, e: &Entry) -> Option<Value<'_>> {
        let mut c = Cursor::new(&self.file.bytes()[e.value.clone()]);
        if e.ty == ValueType::Array {
            // Its end is known, so the elements need no walk.
            let (elem, len) = c.array_head(format_args!("value")).ok()?;
            return Some(Value::Array(ArrayView { elem, len, bytes: c.rest() }));
        }
        decode(&mut c, e.ty)
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        let bytes = self.file.bytes();
        let at =
            self.by_key.binary_search_by(|&i| bytes[self.entries[i as usize].key.clone()].cmp(key.as_bytes())).ok()?;
        Some(&self.entries[self.by_key[at] as usize])
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<Value<'_>> {
        self.value(self.entry(key)?)
    }

    /// Whether the key is there.
    pub fn contains(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    fn wrong(&self, key: &str, value: &Value<'_>, expected: &str) -> Error {
        Error::value(format!("[gguf] metadata {key:?} is {}, expected {expected}", value.describe()))
    }

    fn missing(key: &str) -> Error {
        Error::value(format!("[gguf] metadata {key:?} is missing"))
    }

    fn opt<T>(&self, key: &str, expected: &str, convert: impl FnOnce(Value<'_>) -> Option<T>) -> Result<Option<T>> {
        match self.get(key) {
            None => Ok(None),
            Some(v) => convert(v).map(Some).ok_or_else(|| self.wrong(key, &v, expected)),
        }
    }

    /// A string, if the key is there. Errors: another type.
    pub fn opt_str(&self, key: &str) -> Result<Option<&str>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Str(s)) => Ok(Some(s)),
            Some(v) => Err(self.wrong(key, &v, "a string")),
        }
    }

    /// A string. Errors: missing, or another type.
    pub fn get_str(&self, key: &str) -> Result<&str> {
        self.opt_str(key)?.ok_or_else(|| Metadata::missing(key))
    }

    /// An array of any element type, if the key is there. Errors: not an array.
    pub fn opt_array(&self, key: &str) -> Result<Option<ArrayView<'_>>> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::Array(a)) => Ok(Some(a)),
            Some(v) => Err(self.wrong(key, &v, "an array")),
        }
    }

    /// An array of strings, if the key is there. Errors: another type.
    pub fn opt_str_array(&self, key: &str) -> Result<Option<StrArray>> {
        const EXPECTED: &str = "an array of strings";
        let Some(e) = self.entry(key) else {
            return Ok(None);
        };
        let Some(value) = self.value(e) else {
            return Err(Metadata::missing(key));
        };
        let Value::Array(a) = value else {
            return Err(self.wrong(key, &value, EXPECTED));
        };
        if a.elem != ValueType::Str && !a.is_empty() {
            return Err(self.wrong(key, &value, EXPECTED));
        }
        StrArray::new(&self.file, e.value.end - a.bytes.len(), a)
            .map(Some)
            .ok_or_else(|| Error::unsupported(format!("[gguf] metadata {key:?}: strings of 4 GiB or more")))
    }

    /// An array of strings, left in the file; 4 bytes of memory per string. Errors: missing, or another type.
    pub fn get_str_array(&self, key: &str) -> Result<StrArray> {
        self.opt_str_array(key)?.ok_or_else(|| Metadata::missing(key))
    }

    /// A per-layer value: one integer for all layers, or an array with one for each. Missing key: `None`.
    /// Errors: another type, a value that does not fit, an array of another length, `layers` over 65,536.
    pub fn opt_u32_per_layer(&self, key: &str, layers: usize) -> Result<Option<Vec<u32>>> {
        if layers > 1 << 16 {
            return Err(Error::value(format!("[gguf] metadata {key:?}: {layers} layers are absurd")));
        }
        match self.get(key) {
            None => Ok(None),
            Some(Value::Array(_)) => {
                let values = self.get_u32_array(key)?;
                if values.len() != layers {
                    return Err(Error::value(format!(
                        "[gguf] metadata {key:?} has {} elements for {layers} layers",
                        values.len()
                    )));
                }
                Ok(Some(values))
            }
            Some(_) => Ok(Some(vec![self.get_u32(key)?; layers])),
        }
    }
}

fn int<T: TryFrom<i128>>(v: Value<'_>) -> Option<T> {
    v.as_int().and_then(|i| T::try_from(i).ok())
}

fn boolean(v: Value<'_>) -> Option<bool> {
    match v {
        Value::Bool(b) => Some(b),
        _ => None,
    }
}

fn single(v: Value<'_>) -> Option<f32> {
    v.as_float().map(|f| f as f32)
}

macro_rules! getters {
    ($($t:ty, $opt:ident, $get:ident, $get_array:ident, $opt_array:ident, $what:literal, $convert:expr;)*) => {
        impl Metadata {
            $(
                #[doc = concat!("The value as ", $what, ", if the key is there. Errors: another type, or it does not fit.")]
                pub fn $opt(&self, key: &str) -> Result<Option<$t>> {
                    self.opt(key, $what, $convert)
                }
                #[doc = concat!("The value as ", $what, ". Errors: missing, another type, or it does not fit.")]
                pub fn $get(&self, key: &str) -> Result<$t> {
                    self.$opt(key)?.ok_or_else(|| Metadata::missing(key))
                }
                #[doc = concat!("An array with each element as ", $what, ", if the key is there. Errors: another type, or an element does not fit.")]
                pub fn $opt_array(&self, key: &str) -> Result<Option<Vec<$t>>> {
                    self.opt(key, concat!("an array, each element ", $what), |v| match v {
                        Value::Array(a) => a.iter().map($convert).collect(),
                        _ => None,
                    })
                }
                #[doc = concat!("An array with each element as ", $what, ". Errors: missing, another type, or an element does not fit.")]
                pub fn $get_array(&self, key: &str) -> Result<Vec<$t>> {
                    self.$opt_array(key)?.ok_or_else(|| Metadata::missing(key))
                }
            )*
        }
    };
}

getters! {
    u32, opt_u32, get_u32, get_u32_array, opt_u32_array, "an integer that fits uint32", int::<u32>;
    i32, opt_i32, get_i32, get_i32_array, opt_i32_array, "an integer that fits int32", int::<i32>;
    u64, opt_u64, get_u64, get_u64_array, opt_u64_array, "an integer that fits uint64", int::<u64>;
    i64, opt_i64, get_i64, get_i64_array, opt_i64_array, "an integer that fits int64", int::<i64>;
    usize, opt_usize, get_usize, get_usize_array, opt_usize_array, "an integer that fits a size", int::<usize>;
    f32, opt_f32, get_f32, get_f32_array, opt_f32_array, "a number", single;
    f64, opt_f64, get_f64, get_f64_array, opt_f64_array, "a floating number", |v| v.as_float();
    bool, opt_bool, get_bool, get_bool_array, opt_bool_array, "a bool", boolean;
}

/// An array of strings that stay in the file: 4 bytes of memory each. Keeps the file mapped; clones are cheap.
#[derive(Clone, Debug)]
pub struct StrArray {
    file: MappedFile,
    /// First byte of the array's elements in the file.
    base: usize,
    /// Start of each string's length field, counted from `base`.
    starts: Arc<[u32]>,
}

impl StrArray {
    /// Indexes the strings; `None` if they take 4 GiB or more.
    fn new(file: &MappedFile, base: usize, view: ArrayView<'_>) -> Option<StrArray> {
        u32::try_from(view.bytes.len()).ok()?;
        let mut cursor = Cursor::new(view.bytes);
        let mut starts = Vec::with_capacity(view.len);
        for _ in 0..view.len {
            starts.push(cursor.pos() as u32);
            cursor.string(format_args!("string")).ok()?;
        }
        Some(StrArray { file: file.clone(), base, starts: starts.into() })
    }

    /// Number of strings.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// String `index`, or `None` if out of range.
    pub fn get(&self, index: usize) -> Option<&str> {
        let start = self.base.checked_add(*self.starts.get(index)? as usize)?;
        Cursor::new(self.file.bytes().get(start..)?).string(format_args!("string")).ok()
    }

    /// The strings in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        (0..self.len()).map(|i| self.get(i).unwrap_or(""))
    }
}
