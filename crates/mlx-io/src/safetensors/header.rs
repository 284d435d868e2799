//! The header: an 8-byte length, a JSON object, then the data that the object describes without gap or overlap.

use super::{MAX_DIMS, MAX_HEADER, StoredType, TensorInfo};
use mlx_ir::{Error, ErrorKind, Result};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// A checked header.
pub(super) struct Header {
    pub metadata: BTreeMap<String, String>,
    pub tensors: Vec<TensorInfo>,
}

/// The header's JSON, not yet checked against the data.
struct Json {
    metadata: BTreeMap<String, String>,
    tensors: Vec<(Box<str>, Entry)>,
}

struct Entry {
    dtype: Box<str>,
    shape: Numbers,
    data_offsets: Numbers,
}

/// A short list of numbers.
struct Numbers(Vec<u64>);

fn bad(at: usize, field: &str, what: fmt::Arguments<'_>) -> Error {
    Error::io(format!("[safetensors] byte {at}, {field}: {what}"))
}

/// Byte of `text` at a 1-based line and column of `serde_json`, which counts lines at `\n`.
pub(super) fn byte_of(text: &[u8], line: usize, column: usize) -> usize {
    let mut start = 0;
    for _ in 1..line {
        match text[start..].iter().position(|&b| b == b'\n') {
            Some(n) => start += n + 1,
            None => break,
        }
    }
    (start + column.saturating_sub(1)).min(text.len())
}

/// What serde_json says, without its line and column: the byte is named instead.
pub(super) fn json_message(e: &serde_json::Error) -> String {
    let text = e.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_string(),
        None => text,
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<Header> {
    let Some(len) = bytes.first_chunk::<8>() else {
        let n = bytes.len();
        return Err(bad(0, "header length", format_args!("truncated: 8 bytes needed, {n} in the file")));
    };
    let len = u64::from_le_bytes(*len);
    if len > MAX_HEADER as u64 {
        return Err(bad(0, "header length", format_args!("{len} bytes, at most {MAX_HEADER} are allowed")));
    }
    // At most `MAX_HEADER`, so it fits a usize.
    let data_start = 8 + len as usize;
    let Some(text) = bytes.get(8..data_start) else {
        let left = bytes.len() - 8;
        return Err(bad(
            0,
            "header length",
            format_args!("truncated: a header of {len} bytes, {left} left in the file"),
        ));
    };
    if text.first() != Some(&b'{') {
        return Err(bad(8, "header", format_args!("not a JSON object: it has to start with '{{'")));
    }
    let json: Json = serde_json::from_slice(text).map_err(|e| {
        let at = 8 + byte_of(text, e.line(), e.column());
        bad(at, "header", format_args!("{}", json_message(&e)))
    })?;

    let data_len = bytes.len() - data_start;
    let mut tensors = Vec::new();
    for (name, entry) in json.tensors {
        tensors.push(check_entry(text, name, &entry, data_start, data_len)?);
    }
    // An empty tensor may lie anywhere between others; by length second it comes before the one it starts with.
    tensors.sort_by_key(|t| (t.offset, t.len));
    let mut end = data_start;
    for t in &tensors {
        let field = format!("tensor {:?} data_offsets", t.name);
        let (at, start) = (t.offset, t.offset - data_start);
        match t.offset.cmp(&end) {
            std::cmp::Ordering::Less => {
                let end = end - data_start;
                return Err(bad(
                    at,
                    &field,
                    format_args!("data at {start} overlaps the tensor before, which ends at {end}"),
                ));
            }
            std::cmp::Ordering::Greater => {
                let end = end - data_start;
                return Err(bad(at, &field, format_args!("data at {start} leaves a gap after {end}")));
            }
            std::cmp::Ordering::Equal => end = t.offset + t.len,
        }
    }
    if end != bytes.len() {
        let n = bytes.len() - end;
        return Err(bad(end, "data", format_args!("{n} bytes belong to no tensor")));
    }
    Ok(Header { metadata: json.metadata, tensors })
}

/// Shape and offsets against the dtype and the file.
fn check_entry(text: &[u8], name: Box<str>, e: &Entry, data_start: usize, data_len: usize) -> Result<TensorInfo> {
    // Only asked for when something is wrong, so the header is searched then.
    let at = || 8 + key_position(text, &name);
    let field = |f: &str| format!("tensor {name:?} {f}");
    let stored = StoredType::from_name(&e.dtype).map_err(|what| {
        Error::new(ErrorKind::Unsupported, format!("[safetensors] byte {}, {}: {what}", at(), field("dtype")))
    })?;
    let [start, end] = e.data_offsets.0[..] else {
        let n = e.data_offsets.0.len();
        return Err(bad(at(), &field("data_offsets"), format_args!("{n} numbers, expected 2")));
    };
    if start > end {
        return Err(bad(at(), &field("data_offsets"), format_args!("{start} is after {end}")));
    }
    let (Ok(start), Ok(end)) = (usize::try_from(start), usize::try_from(end)) else {
        return Err(bad(at(), &field("data_offsets"), format_args!("{start} to {end} overflows")));
    };
    if end > data_len {
        let what = format_args!("truncated: {start} to {end}, the file has {data_len} bytes of data");
        return Err(bad(at(), &field("data_offsets"), what));
    }
    let sizes: Option<Vec<usize>> = e.shape.0.iter().map(|&n| usize::try_from(n).ok()).collect();
    // A zero elsewhere must not hide that the other sizes overflow together.
    let extent = sizes.as_ref().and_then(|s| s.iter().filter(|&&n| n != 0).try_fold(1usize, |p, &n| p.checked_mul(n)));
    let bytes = extent.and_then(|p| p.checked_mul(stored.dtype().size()));
    let (Some(shape), Some(bytes)) = (sizes, bytes) else {
        return Err(bad(at(), &field("shape"), format_args!("the size of {:?} overflows", e.shape.0)));
    };
    let bytes = if shape.contains(&0) { 0 } else { bytes };
    if end - start != bytes {
        let what = format_args!("{} bytes, but {stored} {shape:?} has {bytes}", end - start);
        return Err(bad(at(), &field("data_offsets"), what));
    }
    Ok(TensorInfo { name, stored, shape: shape.into(), offset: data_start + start, len: bytes, part: 0 })
}

/// Where a name stands in the header; its start if it is written in another way than usual.
fn key_position(text: &[u8], name: &str) -> usize {
    let quoted = serde_json::Value::from(name).to_string();
    std::str::from_utf8(text).ok().and_then(|t| t.find(&quoted)).unwrap_or(0)
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Json, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Json;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut json = Json { metadata: BTreeMap::new(), tensors: vec![] };
                let mut names = HashSet::new();
                while let Some(name) = map.next_key::<String>()? {
                    if !names.insert(name.clone()) {
                        return Err(A::Error::custom(format_args!("duplicate key {name:?}")));
                    }
                    if name == "__metadata__" {
                        // MLX writes null when there is none.
                        json.metadata = map.next_value::<Option<Metadata>>()?.map_or_else(BTreeMap::new, |m| m.0);
                    } else {
                        json.tensors.push((name.into(), map.next_value()?));
                    }
                }
                Ok(json)
            }
        }
        d.deserialize_map(V)
    }
}

struct Metadata(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Metadata, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Metadata;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("__metadata__: an object of strings")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
                let mut out = BTreeMap::new();
                while let Some((k, v)) = map.next_entry::<String, String>()? {
                    if let Some(_first) = out.insert(k, v) {
                        return Err(A::Error::custom("duplicate key in __metadata__"));
                    }
                }
                Ok(Metadata(out))
            }
        }
        d.deserialize_map(V)
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Entry, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Entry;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a tensor: an object of dtype, shape and data_offsets")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
                let (mut dtype, mut shape, mut data_offsets) = (None, None, None);
                while let Some(key) = map.next_key::<String>()? {
                    let twice = match key.as_str() {
                        "dtype" => dtype.replace(map.next_value::<String>()?.into()).is_some(),
                        "shape" => shape.replace(map.next_value()?).is_some(),
                        "data_offsets" => data_offsets.replace(map.next_value()?).is_some(),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            false
                        }
                    };
                    if twice {
                        return Err(A::Error::custom(format_args!("duplicate field {key}")));
                    }
                }
                let missing = A::Error::missing_field;
                Ok(Entry {
                    dtype: dtype.ok_or_else(|| missing("dtype"))?,
                    shape: shape.ok_or_else(|| missing("shape"))?,
                    data_offsets: data_offsets.ok_or_else(|| missing("data_offsets"))?,
                })
            }
        }
        d.deserialize_map(V)
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Numbers, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Numbers;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of numbers from 0")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Numbers, A::Error> {
                let mut out = Vec::new();
                while let Some(n) = seq.next_element()? {
                    if out.len() == MAX_DIMS {
                        return Err(A::Error::custom(format_args!("a list of more than {MAX_DIMS} numbers")));
                    }
                    out.push(n);
                }
                Ok(Numbers(out))
            }
        }
        d.deserialize_seq(V)
    }
}
