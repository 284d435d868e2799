//! The parser: a byte slice to a checked header. Nothing here touches a file.

use super::types::GgmlType;
use super::value::{Entry, ValueType};
use super::{Dims, MAX_ARRAY_DEPTH, MAX_DIMS, MAX_KEYS, MAX_NAME, MAX_TENSORS, TensorInfo};
use mlx_ir::{Error, ErrorKind, Result};
use std::collections::HashSet;
use std::fmt::Arguments;

/// `general.alignment` of a file that does not say.
pub(super) const DEFAULT_ALIGNMENT: usize = 32;

/// Entries for which room is made at once; beyond, lists grow as entries are really found.
const RESERVE: usize = 1024;

/// A checked header: every range in it lies inside the bytes it was read from.
pub(super) struct Header {
    pub version: u32,
    pub alignment: usize,
    pub entries: Vec<Entry>,
    pub tensors: Vec<TensorInfo>,
}

/// An error at a byte of the file.
pub(super) fn bad(at: usize, field: Arguments<'_>, what: Arguments<'_>) -> Error {
    Error::io(format!("[gguf] byte {at}, {field}: {what}"))
}

/// Reads forward over a slice. Every read is checked; errors name the offset and the field.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    pos: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, pos: 0 }
    }

    pub fn pos(&self) -> usize {
        self.pos
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.pos
    }

    /// The bytes from `start` to here.
    pub fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.pos]
    }

    /// The bytes from here to the end.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.pos..]
    }

    fn take(&mut self, n: usize, field: Arguments<'_>) -> Result<&'a [u8]> {
        if n > self.left() {
            return Err(bad(
                self.pos,
                field,
                format_args!("truncated: {n} bytes needed, {} left in the file", self.left()),
            ));
        }
        let out = &self.bytes[self.pos..self.pos + n];
        self.pos += n;
        Ok(out)
    }

    pub fn array<const N: usize>(&mut self, field: Arguments<'_>) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N, field)?);
        Ok(out)
    }

    fn u32(&mut self, field: Arguments<'_>) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array(field)?))
    }

    fn u64(&mut self, field: Arguments<'_>) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array(field)?))
    }

    /// A count whose items take at least `min_bytes` each, so that it fits the rest of the file, and at most `max`.
    fn count(&mut self, min_bytes: usize, max: usize, field: Arguments<'_>) -> Result<usize> {
        let at = self.pos;
        let n = self.u64(field)?;
        let fits = self.left() / min_bytes.max(1);
        match usize::try_from(n) {
            Ok(n) if n <= fits && n <= max => Ok(n),
            Ok(n) if n <= fits => Err(bad(at, field, format_args!("absurd count {n}, at most {max} are supported"))),
            _ => Err(bad(
                at,
                field,
                format_args!("absurd count {n}: the {} bytes left hold at most {fits}", self.left()),
            )),
        }
    }

    /// A string: length, then UTF-8.
    pub fn string(&mut self, field: Arguments<'_>) -> Result<&'a str> {
        let at = self.pos;
        let n = self.u64(field)?;
        let left = self.left();
        let n = usize::try_from(n)
            .ok()
            .filter(|&n| n <= left)
            .ok_or_else(|| bad(at, field, format_args!("truncated: a string of {n} bytes, {left} left in the file")))?;
        let start = self.pos;
        std::str::from_utf8(self.take(n, field)?)
            .map_err(|e| bad(start + e.valid_up_to(), field, format_args!("invalid UTF-8")))
    }

    /// A name: a string that is not empty nor absurdly long.
    fn name(&mut self, field: Arguments<'_>) -> Result<&'a str> {
        let at = self.pos;
        let s = self.string(field)?;
        if s.is_empty() {
            return Err(bad(at, field, format_args!("empty")));
        }
        if s.len() > MAX_NAME {
            return Err(bad(at, field, format_args!("{} bytes long, at most {MAX_NAME} are allowed", s.len())));
        }
        Ok(s)
    }

    fn value_type(&mut self, field: Arguments<'_>) -> Result<ValueType> {
        let at = self.pos;
        let id = self.u32(field)?;
        ValueType::from_id(id)
            .ok_or_else(|| bad(at, field, format_args!("unknown metadata type {id} (0 to 12 are defined)")))
    }

    /// Element type and checked count of an array.
    pub fn array_head(&mut self, field: Arguments<'_>) -> Result<(ValueType, usize)> {
        let elem = self.value_type(format_args!("{field} element type"))?;
        let len = self.count(elem.min_bytes(), usize::MAX, format_args!("{field} array length"))?;
        Ok((elem, len))
    }

    /// Steps over one value and checks it. `depth`: how many arrays it lies in.
    fn check_value(&mut self, ty: ValueType, depth: usize, field: Arguments<'_>) -> Result<()> {
        match ty {
            ValueType::Array => {
                let at = self.pos;
                if depth >= MAX_ARRAY_DEPTH {
                    return Err(bad(at, field, format_args!("arrays nested more than {MAX_ARRAY_DEPTH} deep")));
                }
                let (elem, len) = self.array_head(field)?;
                self.check_elements(elem, len, depth + 1, field)
            }
            ty => self.check_elements(ty, 1, depth, field),
        }
    }

    /// Steps over `len` values of one type and checks them.
    pub fn check_elements(&mut self, ty: ValueType, len: usize, depth: usize, field: Arguments<'_>) -> Result<()> {
        match ty {
            ValueType::Str => {
                for i in 0..len {
                    if len == 1 {
                        self.string(field)?;
                    } else {
                        self.string(format_args!("{field} element {i}"))?;
                    }
                }
            }
            ValueType::Array => {
                for _ in 0..len {
                    self.check_value(ty, depth, field)?;
                }
            }
            ty => {
                let start = self.pos;
                let size = len
                    .checked_mul(ty.min_bytes())
                    .ok_or_else(|| bad(start, field, format_args!("{len} elements overflow the address space")))?;
                let bytes = self.take(size, field)?;
                if ty == ValueType::Bool
                    && let Some(i) = bytes.iter().position(|&b| b > 1)
                {
                    return Err(bad(start + i, field, format_args!("bool is {}, not 0 or 1", bytes[i])));
                }
            }
        }
        Ok(())
    }
}

/// Parses and checks the header of one file.
pub(super) fn parse_header(bytes: &[u8]) -> Result<Header> {
    let mut c = Cursor::new(bytes);
    check_magic(bytes)?;
    c.take(4, format_args!("magic"))?;
    let version = c.u32(format_args!("version"))?;
    check_version(version)?;
    // A tensor takes at least its name length, a name of a byte, a dimension count, a type and an offset.
    let n_tensors = c.count(25, MAX_TENSORS, format_args!("tensor count"))?;
    // A key takes at least its length, one byte, a type and a value of one byte.
    let n_keys = c.count(14, MAX_KEYS, format_args!("metadata count"))?;

    let mut entries = Vec::with_capacity(n_keys.min(RESERVE));
    let mut keys = HashSet::with_capacity(n_keys.min(RESERVE));
    let mut alignment = DEFAULT_ALIGNMENT;
    for i in 0..n_keys {
        let at = c.pos();
        let key = c.name(format_args!("metadata[{i}] key"))?;
        let key_end = c.pos();
        if !keys.insert(key) {
            return Err(bad(at, format_args!("metadata[{i}] key"), format_args!("duplicate key {key:?}")));
        }
        let ty = c.value_type(format_args!("metadata {key:?} type"))?;
        let start = c.pos();
        c.check_value(ty, 0, format_args!("metadata {key:?}"))?;
        if key == "general.alignment" {
            alignment = check_alignment(c.since(start), ty, start)?;
        }
        entries.push(Entry { key: key_end - key.len()..key_end, ty, value: start..c.pos() });
    }

    let mut tensors = Vec::with_capacity(n_tensors.min(RESERVE));
    let mut names = HashSet::with_capacity(n_tensors.min(RESERVE));
    // Where the offset field of each tensor lies, for messages.
    let mut offset_fields = Vec::with_capacity(n_tensors.min(RESERVE));
    for i in 0..n_tensors {
        let at = c.pos();
        let name = c.name(format_args!("tensor[{i}] name"))?;
        if !names.insert(name) {
            return Err(bad(at, format_args!("tensor[{i}] name"), format_args!("duplicate tensor {name:?}")));
        }
        let (tensor, field) = tensor_info(&mut c, name)?;
        tensors.push(tensor);
        offset_fields.push(field);
    }

    let data_start = c
        .pos()
        .checked_next_multiple_of(alignment)
        .ok_or_else(|| bad(c.pos(), format_args!("general.alignment"), format_args!("data start overflows")))?;
    place_tensors(&mut tensors, &offset_fields, data_start, alignment, bytes.len())?;
    Ok(Header { version, alignment, entries, tensors })
}

fn check_magic(bytes: &[u8]) -> Result<()> {
    let unsupported = |what: &str| Err(Error::unsupported(format!("[gguf] byte 0, magic: {what}")));
    let Some(magic) = bytes.first_chunk::<4>() else {
        return Err(bad(
            0,
            format_args!("magic"),
            format_args!("truncated: 4 bytes needed, {} in the file", bytes.len()),
        ));
    };
    match magic {
        b"GGUF" => Ok(()),
        b"FUGG" => unsupported("byte-swapped (big endian) GGUF is not supported"),
        b"lmgg" | b"ggml" => unsupported("a legacy GGML file, not GGUF; convert it again from the original model"),
        b"fmgg" | b"ggmf" => unsupported("a legacy GGMF file, not GGUF; convert it again from the original model"),
        b"tjgg" | b"ggjt" => unsupported("a legacy GGJT file, not GGUF; convert it again from the original model"),
        b"algg" | b"ggla" => unsupported("a legacy GGLA (LoRA) file, not GGUF; convert it again"),
        b"vers" if bytes.starts_with(b"version https://git-lfs") => {
            unsupported("a git-lfs pointer, not the model; fetch the file itself")
        }
        b"PK\x03\x04" => unsupported("a zip archive (a PyTorch checkpoint?), not GGUF"),
        other => Err(bad(
            0,
            format_args!("magic"),
            format_args!("not a GGUF file (starts with {:?})", other.escape_ascii().to_string()),
        )),
    }
}

fn check_version(version: u32) -> Result<()> {
    let fail = |what: String| Err(Error::unsupported(format!("[gguf] byte 4, version: {what}")));
    match version {
        2 | 3 => Ok(()),
        1 => fail("GGUF version 1 is not supported; convert the model again".into()),
        // Versions are small numbers: a value in the high bytes only is a small number in the other byte order.
        v if v.swap_bytes() <= 0xff && v != 0 => {
            fail(format!("big endian GGUF (version {}) is not supported", v.swap_bytes()))
        }
        v => fail(format!("GGUF version {v} is not supported (2 and 3 are)")),
    }
}

fn check_alignment(value: &[u8], ty: ValueType, at: usize) -> Result<usize> {
    let field = format_args!("metadata \"general.alignment\"");
    let signed = matches!(ty, ValueType::I8 | ValueType::I16 | ValueType::I32 | ValueType::I64);
    let unsigned = matches!(ty, ValueType::U8 | ValueType::U16 | ValueType::U32 | ValueType::U64);
    if !signed && !unsigned {
        return Err(bad(at, field, format_args!("is a {}, expected an integer", ty.name())));
    }
    let mut wide = [0; 8];
    wide[..value.len()].copy_from_slice(value);
    let n = u64::from_le_bytes(wide);
    // The sign bit makes a value that is no power of two, or one that is its lone bit: refused by name either way.
    let negative = signed && value.last().is_some_and(|b| b & 0x80 != 0);
    match usize::try_from(n) {
        Ok(a) if a.is_power_of_two() && !negative => Ok(a),
        Ok(0) => Err(bad(at, field, format_args!("is zero"))),
        _ if negative => Err(bad(at, field, format_args!("is negative"))),
        _ => Err(bad(at, field, format_args!("{n} is not a power of two"))),
    }
}

/// One tensor's entry after its name, its offset still relative to the data, and where the offset field lies.
fn tensor_info(c: &mut Cursor<'_>, name: &str) -> Result<(TensorInfo, usize)> {
    let at = c.pos();
    let n_dims = c.u32(format_args!("tensor {name:?} n_dims"))?;
    if n_dims as usize > MAX_DIMS {
        return Err(bad(
            at,
            format_args!("tensor {name:?} n_dims"),
            format_args!("{n_dims} dimensions, at most {MAX_DIMS} are allowed"),
        ));
    }
    let mut dims = Dims::new();
    let mut elements: usize = 1;
    for d in 0..n_dims {
        let at = c.pos();
        let n = c.u64(format_args!("tensor {name:?} dims[{d}]"))?;
        if n == 0 {
            return Err(bad(at, format_args!("tensor {name:?} dims[{d}]"), format_args!("zero dimension")));
        }
        let size = usize::try_from(n).ok().filter(|&n| i64::try_from(n).is_ok());
        let product = size.and_then(|n| Some((n, elements.checked_mul(n)?)));
        let Some((size, product)) = product.filter(|p| i64::try_from(p.1).is_ok()) else {
            return Err(bad(
                at,
                format_args!("tensor {name:?} dims[{d}]"),
                format_args!("{n}: the number of elements overflows"),
            ));
        };
        elements = product;
        dims.push(size);
    }
    let at = c.pos();
    let id = c.u32(format_args!("tensor {name:?} type"))?;
    let ty = GgmlType::from_id(id).map_err(|e| {
        let what = e.message.trim_start_matches("[gguf] ");
        Error::new(ErrorKind::Unsupported, format!("[gguf] byte {at}, tensor {name:?} type: {what}"))
    })?;
    let row = dims.first().copied().unwrap_or(1);
    if !row.is_multiple_of(ty.block_len()) {
        return Err(bad(
            at,
            format_args!("tensor {name:?} type"),
            format_args!("rows of {row} elements are not a multiple of the {ty} block of {}", ty.block_len()),
        ));
    }
    let Some(len) = ty.row_bytes(elements) else {
        return Err(bad(
            at,
            format_args!("tensor {name:?} type"),
            format_args!("the size of {elements} elements of {ty} overflows"),
        ));
    };
    let at = c.pos();
    let offset = c.u64(format_args!("tensor {name:?} offset"))?;
    let Ok(offset) = usize::try_from(offset) else {
        return Err(bad(at, format_args!("tensor {name:?} offset"), format_args!("{offset} overflows")));
    };
    Ok((TensorInfo { name: name.into(), ty, dims, offset, len, part: 0 }, at))
}

/// Turns relative offsets into absolute ones; refuses tensors outside the file or over each other.
fn place_tensors(
    tensors: &mut [TensorInfo],
    offset_fields: &[usize],
    data_start: usize,
    alignment: usize,
    file_len: usize,
) -> Result<()> {
    for (t, &at) in tensors.iter_mut().zip(offset_fields) {
        let field = format_args!("tensor {:?} offset", t.name);
        if !t.offset.is_multiple_of(alignment) {
            return Err(bad(at, field, format_args!("{} is not a multiple of the alignment {alignment}", t.offset)));
        }
        let start = data_start.checked_add(t.offset);
        let Some((start, end)) = start.and_then(|s| Some((s, s.checked_add(t.len)?))) else {
            return Err(bad(at, field, format_args!("{} + {} bytes of data overflow", t.offset, t.len)));
        };
        if end > file_len {
            return Err(bad(
                at,
                field,
                format_args!("truncated: data at bytes {start} to {end}, the file has {file_len} bytes"),
            ));
        }
        t.offset = start;
    }
    let mut order: Vec<usize> = (0..tensors.len()).collect();
    order.sort_unstable_by_key(|&i| tensors[i].offset);
    for pair in order.windows(2) {
        let (a, b) = (&tensors[pair[0]], &tensors[pair[1]]);
        // Cannot overflow: both ends were checked above.
        if a.offset + a.len > b.offset {
            return Err(bad(
                offset_fields[pair[1]],
                format_args!("tensor {:?} offset", b.name),
                format_args!(
                    "its data at byte {} overlaps tensor {:?}, which ends at byte {}",
                    b.offset,
                    a.name,
                    a.offset + a.len
                ),
            ));
        }
    }
    Ok(())
}
