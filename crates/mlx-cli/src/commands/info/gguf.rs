//! The summary of a GGUF file.

use std::path::Path;

use mlx_io::Gguf;
use mlx_io::gguf::{Metadata, Value};

use super::{Summary, TensorRow};
use crate::failure::Failure;

/// Elements of an array, and characters of a string, that are shown.
const SHOWN_ELEMENTS: usize = 6;
const SHOWN_CHARS: usize = 120;
/// More layers than any model has: a file that claims more does not get a cache estimate.
const MAX_LAYERS: usize = 4096;

pub fn read(path: &Path) -> Result<Summary, Failure> {
    let gguf = Gguf::open(path)?;
    let meta = gguf.metadata();
    let architecture = meta.opt_str("general.architecture").ok().flatten().map(str::to_owned);
    let key = |name: &str| format!("{}.{name}", architecture.as_deref().unwrap_or(""));
    let parts = gguf.files().len();
    let split = if parts > 1 { format!(" in {parts} files") } else { String::new() };
    let tensors = gguf.tensors().iter().map(|t| TensorRow {
        name: t.name().to_owned(),
        ty: t.ggml_type().name().to_owned(),
        shape: t.shape(),
        bytes: t.byte_len() as u64,
        parameters: t.elements() as u64,
    });
    Ok(Summary {
        format: format!("GGUF version {}{split}", gguf.version()),
        name: meta.opt_str("general.name").ok().flatten().map(str::to_owned),
        file_bytes: gguf.total_bytes() as u64,
        tensors: tensors.collect(),
        context: int(meta, &key("context_length")),
        cache_elements: cache_elements(meta, &key),
        tokenizer: meta.opt_str("tokenizer.ggml.model").ok().flatten().map(|model| {
            match meta.opt_str("tokenizer.ggml.pre").ok().flatten() {
                Some(pre) => format!("{model} ({pre})"),
                None => model.to_owned(),
            }
        }),
        vocabulary: meta.opt_array("tokenizer.ggml.tokens").ok().flatten().map(|a| a.len() as u64),
        chat_template: meta.opt_str("tokenizer.chat_template").ok().flatten().is_some_and(|t| !t.is_empty()),
        metadata: meta.iter().map(|(k, v)| (k.to_owned(), show(&v))).collect(),
        architecture,
    })
}

fn int(meta: &Metadata, key: &str) -> Option<u64> {
    meta.get(key)?.as_int()?.try_into().ok()
}

/// Keys and values of a position over all layers, if the file tells the sizes.
fn cache_elements(meta: &Metadata, key: &dyn Fn(&str) -> String) -> Option<u64> {
    let layers = usize::try_from(int(meta, &key("block_count"))?).ok().filter(|&n| n <= MAX_LAYERS)?;
    let per_layer = |name: &str| -> Option<Vec<u32>> { meta.opt_u32_per_layer(&key(name), layers).ok().flatten() };
    let heads = per_layer("attention.head_count");
    let kv_heads = per_layer("attention.head_count_kv").or_else(|| heads.clone())?;
    let width = |name: &str| -> Option<u64> {
        int(meta, &key(name)).or_else(|| {
            let heads = u64::from(*heads.as_ref()?.iter().max()?);
            int(meta, &key("embedding_length"))?.checked_div(heads)
        })
    };
    let features = width("attention.key_length")?.checked_add(width("attention.value_length")?)?;
    kv_heads.iter().try_fold(0u64, |n, &h| n.checked_add(features.checked_mul(h.into())?))
}

/// A metadata value, shortened.
fn show(value: &Value<'_>) -> String {
    match value {
        Value::Str(s) => shorten(s),
        Value::Array(a) => {
            let shown: Vec<_> = a.iter().take(SHOWN_ELEMENTS).map(|v| show(&v)).collect();
            let more = if a.len() > SHOWN_ELEMENTS { ", …" } else { "" };
            format!("[{}{more}] ({} elements)", shown.join(", "), a.len())
        }
        Value::Bool(b) => b.to_string(),
        Value::F32(f) => f.to_string(),
        Value::F64(f) => f.to_string(),
        other => other.as_int().map_or_else(|| "?".to_owned(), |i| i.to_string()),
    }
}

fn shorten(text: &str) -> String {
    let mut chars = text.chars();
    let short: String = chars.by_ref().take(SHOWN_CHARS).collect();
    if chars.next().is_some() { format!("{short}… ({} bytes)", text.len()) } else { short }
}
