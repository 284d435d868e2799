//! The summary of a safetensors file, or of a folder as mlx_lm uses it.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use mlx_io::SafeTensors;
use serde_json::Value;

use super::{Summary, TensorRow};
use crate::failure::Failure;

/// The longest JSON file that is read beside the weights.
const MAX_JSON: u64 = 64 << 20;

pub fn read(path: &Path) -> Result<Summary, Failure> {
    let st = SafeTensors::open(path)?;
    let folder = if path.is_dir() { Some(path) } else { None };
    let config = match folder {
        Some(f) => json_file(&f.join("config.json"))?.unwrap_or(Value::Null),
        None => Value::Null,
    };
    let tokenizer_config = match folder {
        Some(f) => json_file(&f.join("tokenizer_config.json"))?.unwrap_or(Value::Null),
        None => Value::Null,
    };
    let group = config["quantization"]["group_size"].as_u64();
    let tensors = st.tensors().iter().map(|t| TensorRow {
        name: t.name().to_owned(),
        ty: t.stored_type().name().to_owned(),
        shape: t.shape().to_vec(),
        bytes: t.byte_len() as u64,
        parameters: parameters(&st, t.name(), t.shape(), group),
    });
    let files = st.files().len();
    let has = |name: &str| folder.is_some_and(|f| f.join(name).is_file());
    let mut metadata: Vec<_> = st.metadata().iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    if let Value::Object(map) = &config {
        metadata.extend(map.iter().map(|(k, v)| (format!("config.{k}"), v.to_string())));
    }
    Ok(Summary {
        format: if files > 1 { format!("safetensors in {files} files") } else { "safetensors".into() },
        architecture: config["model_type"].as_str().map(str::to_owned),
        name: config["_name_or_path"].as_str().filter(|n| !n.is_empty()).map(str::to_owned),
        file_bytes: st.total_bytes() as u64,
        tensors: tensors.collect(),
        context: text_config(&config, "max_position_embeddings"),
        cache_elements: cache_elements(&config),
        tokenizer: if has("tokenizer.json") {
            Some("tokenizer.json".into())
        } else if has("tokenizer.model") {
            Some("tokenizer.model".into())
        } else {
            None
        },
        vocabulary: text_config(&config, "vocab_size"),
        chat_template: has("chat_template.jinja") || tokenizer_config["chat_template"].as_str().is_some(),
        metadata,
    })
}

/// A JSON file beside the weights; `None` if it is not there.
fn json_file(path: &Path) -> Result<Option<Value>, Failure> {
    let bad = |why: String| Failure::input(format!("[info] {}: {why}", path.display()));
    let file = match File::open(path) {
        Ok(f) => f,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(bad(e.to_string())),
    };
    let mut text = Vec::new();
    file.take(MAX_JSON + 1).read_to_end(&mut text).map_err(|e| bad(e.to_string()))?;
    if text.len() as u64 > MAX_JSON {
        return Err(bad(format!("longer than {} MiB", MAX_JSON >> 20)));
    }
    serde_json::from_slice(&text).map(Some).map_err(|e| bad(e.to_string()))
}

/// A number of the configuration; models that also see or hear keep it one level down.
fn text_config(config: &Value, key: &str) -> Option<u64> {
    config[key].as_u64().or_else(|| config["text_config"][key].as_u64())
}

fn cache_elements(config: &Value) -> Option<u64> {
    let get = |key: &str| text_config(config, key);
    let heads = get("num_attention_heads")?;
    let kv_heads = get("num_key_value_heads").unwrap_or(heads);
    let features = match get("head_dim") {
        Some(d) => d,
        None => get("hidden_size")?.checked_div(heads)?,
    };
    get("num_hidden_layers")?.checked_mul(kv_heads)?.checked_mul(features)?.checked_mul(2)
}

/// Weights that a tensor stands for: a packed matrix counts its elements, its scales and biases count nothing.
fn parameters(st: &SafeTensors, name: &str, shape: &[usize], group: Option<u64>) -> u64 {
    let product = |s: &[usize]| s.iter().fold(1u64, |n, &d| n.saturating_mul(d as u64));
    let Some(group) = group else { return product(shape) };
    let sibling = |from: &str, to: &str| name.strip_suffix(from).and_then(|base| st.find(&format!("{base}{to}")));
    if sibling(".scales", ".weight").is_some() || (sibling(".biases", ".scales").is_some()) {
        return 0;
    }
    match sibling(".weight", ".scales") {
        Some(scales) => product(scales.shape()).saturating_mul(group),
        None => product(shape),
    }
}
