//! Writing safetensors.

use super::{MAX_DIMS, MAX_HEADER, StoredType};
use mlx_ir::{DType, Error, Result};
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// A tensor to write: little-endian, row-major bytes.
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a> {
    /// Its name; `__metadata__` is taken by the format.
    pub name: &'a str,
    /// Element type.
    pub dtype: DType,
    /// Sizes, row-major.
    pub shape: &'a [usize],
    /// Its bytes.
    pub data: &'a [u8],
}

/// Writes a file: names sorted in the header, data by falling element size so that every tensor is aligned.
/// Errors: as [`write_to`]; messages name the path.
pub fn write(path: impl AsRef<Path>, tensors: &[Tensor<'_>], metadata: &BTreeMap<String, String>) -> Result<()> {
    let path = path.as_ref();
    let file = File::create(path).map_err(|e| Error::io(format!("[safetensors] {}: {e}", path.display())))?;
    write_to(BufWriter::new(file), tensors, metadata).map_err(|e| super::at(path, e)).map(|_| ())
}

/// Writes to any writer, which is flushed and given back. The `__metadata__` is left out when empty.
/// Errors: `Value` for a repeated or reserved name, a length that does not fit dtype and shape, a header over
/// the format's limit; `Io` from the writer.
pub fn write_to<W: Write>(mut w: W, tensors: &[Tensor<'_>], metadata: &BTreeMap<String, String>) -> Result<W> {
    let mut names = HashSet::new();
    for t in tensors {
        let fail = |what: String| Err(Error::value(format!("[safetensors] write tensor {:?}: {what}", t.name)));
        if t.name == "__metadata__" {
            return fail("the name is reserved".into());
        }
        if !names.insert(t.name) {
            return fail("given twice".into());
        }
        if t.shape.len() > MAX_DIMS {
            return fail(format!("{} dimensions, at most {MAX_DIMS} are allowed", t.shape.len()));
        }
        let bytes = t.shape.iter().try_fold(t.dtype.size(), |p, &n| p.checked_mul(n));
        if bytes != Some(t.data.len()) {
            return fail(format!("{} bytes given for {} {:?}", t.data.len(), t.dtype, t.shape));
        }
    }
    let mut order: Vec<&Tensor<'_>> = tensors.iter().collect();
    order.sort_by(|a, b| b.dtype.size().cmp(&a.dtype.size()).then(a.name.cmp(b.name)));

    // BTreeMap: the keys of every object come out sorted.
    let mut header: BTreeMap<&str, serde_json::Value> = BTreeMap::new();
    if !metadata.is_empty() {
        header.insert("__metadata__", serde_json::json!(metadata));
    }
    let mut offset = 0usize;
    for t in &order {
        // Cannot overflow: all data is in memory.
        let end = offset + t.data.len();
        let entry = serde_json::json!({
            "dtype": StoredType::of(t.dtype).name(), "shape": t.shape, "data_offsets": [offset, end],
        });
        header.insert(t.name, entry);
        offset = end;
    }
    let mut text = serde_json::to_vec(&header).map_err(|e| Error::value(format!("[safetensors] write header: {e}")))?;
    text.resize(text.len().next_multiple_of(8), b' ');
    if text.len() > MAX_HEADER {
        let n = text.len();
        return Err(Error::value(format!("[safetensors] write header: {n} bytes, at most {MAX_HEADER} are allowed")));
    }
    w.write_all(&(text.len() as u64).to_le_bytes())?;
    w.write_all(&text)?;
    for t in &order {
        w.write_all(t.data)?;
    }
    w.flush()?;
    Ok(w)
}
