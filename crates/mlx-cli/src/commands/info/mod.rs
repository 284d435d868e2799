//! `mlx-arm info`: what a model file holds and what it will need, before it is loaded.
//!
//! Works for every file that can be parsed, of a known architecture or not: what the file does not say is left out.

mod gguf;
mod mlx;

use std::path::Path;

use mlx_llm::models::ARCHS;
use serde_json::{Value, json};

use crate::failure::{Failure, one_line};
use crate::input::ModelArg;
use crate::machine;
use crate::output::{bytes, emit, emit_json, table};

/// Context for the memory estimate where none is given: no more than this, however much the model can.
const DEFAULT_CONTEXT: u64 = 4096;

/// Show a model's metadata, tensors and memory need, without loading it
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArg,
    /// The model, without --model
    #[arg(value_name = "MODEL", conflicts_with = "model")]
    name: Option<String>,
    /// Estimate the memory for this many positions [default: the model's context, at most 4096]
    #[arg(long, visible_alias = "max-kv-size", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    ctx: Option<u64>,
    /// List every tensor
    #[arg(long)]
    tensors: bool,
    /// List every metadata key
    #[arg(long)]
    metadata: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

/// One tensor as the file has it.
struct TensorRow {
    name: String,
    /// Storage type: `Q4_K`, `F16`, …
    ty: String,
    /// Row-major: the contiguous dimension last.
    shape: Vec<usize>,
    bytes: u64,
    /// Weights of the model that it stands for; 0 for the scales of a packed matrix.
    parameters: u64,
}

/// What is known about a model, whatever its format.
struct Summary {
    format: String,
    architecture: Option<String>,
    name: Option<String>,
    file_bytes: u64,
    tensors: Vec<TensorRow>,
    context: Option<u64>,
    /// Elements of keys and values for each position, over all layers.
    cache_elements: Option<u64>,
    tokenizer: Option<String>,
    vocabulary: Option<u64>,
    chat_template: bool,
    /// Key and shown value.
    metadata: Vec<(String, String)>,
}

/// Bytes of a cached element: the cache holds f16.
const CACHE_ELEMENT: u64 = 2;

struct Need {
    context: u64,
    weights: u64,
    cache: Option<u64>,
}

impl Summary {
    fn parameters(&self) -> u64 {
        self.tensors.iter().fold(0, |n, t| n.saturating_add(t.parameters))
    }

    /// Tensors, bytes and parameters of each storage type, most bytes first.
    fn types(&self) -> Vec<(&str, usize, u64, u64)> {
        let mut types: Vec<(&str, usize, u64, u64)> = Vec::new();
        for t in &self.tensors {
            match types.iter_mut().find(|row| row.0 == t.ty) {
                Some(row) => {
                    *row = (row.0, row.1 + 1, row.2.saturating_add(t.bytes), row.3.saturating_add(t.parameters))
                }
                None => types.push((&t.ty, 1, t.bytes, t.parameters)),
            }
        }
        types.sort_by_key(|row| std::cmp::Reverse(row.2));
        types
    }

    fn need(&self, context: Option<u64>) -> Need {
        let context = context.unwrap_or_else(|| self.context.unwrap_or(DEFAULT_CONTEXT).min(DEFAULT_CONTEXT));
        let weights = self.tensors.iter().fold(0u64, |n, t| n.saturating_add(t.bytes));
        let cache = self.cache_elements.and_then(|e| e.checked_mul(context)?.checked_mul(CACHE_ELEMENT));
        Need { context, weights, cache }
    }

    fn supported(&self) -> bool {
        self.format.starts_with("GGUF") && ARCHS.iter().any(|a| Some(a.name) == self.architecture.as_deref())
    }
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let path = match &args.name {
        Some(n) => ModelArg { model: Some(n.clone()) }.path()?,
        None => args.model.path()?,
    };
    let summary = read(&path)?;
    if args.json { print_json(args, &path, &summary) } else { print_text(args, &path, &summary) }
}

fn read(path: &Path) -> Result<Summary, Failure> {
    let is_safetensors = path.extension().is_some_and(|e| e == "safetensors");
    if path.is_dir() || is_safetensors { mlx::read(path) } else { gguf::read(path) }
}

fn print_text(args: &Args, path: &Path, s: &Summary) -> Result<(), Failure> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |key: &str, value: String| rows.push(vec![key.to_owned(), one_line(&value)]);
    row("model", path.display().to_string());
    row("format", format!("{}, {}", s.format, bytes(s.file_bytes)));
    if let Some(name) = &s.name {
        row("name", name.clone());
    }
    let known = if s.supported() { "" } else { " (cannot be run by this version)" };
    row("architecture", format!("{}{known}", s.architecture.as_deref().unwrap_or("not named")));
    row("parameters", format!("{} in {} tensors", count(s.parameters()), s.tensors.len()));
    for (ty, tensors, size, parameters) in s.types() {
        row("", format!("{ty}: {tensors} tensors, {}, {} parameters", bytes(size), count(parameters)));
    }
    if let Some(context) = s.context {
        row("context", format!("{context} tokens"));
    }
    if let Some(tokenizer) = &s.tokenizer {
        row("tokenizer", format!("{tokenizer}{}", s.vocabulary.map(|n| format!(", {n} tokens")).unwrap_or_default()));
    }
    row("chat template", if s.chat_template { "yes" } else { "no" }.to_owned());
    let need = s.need(args.ctx);
    row("memory", memory_text(&need));
    let mut text = table(&rows);
    if args.metadata {
        text.push_str("\nmetadata\n");
        let rows: Vec<_> = s.metadata.iter().map(|(k, v)| vec![format!("  {}", one_line(k)), one_line(v)]).collect();
        text.push_str(&table(&rows));
    }
    if args.tensors {
        text.push_str("\ntensors\n");
        let line = |t: &TensorRow| {
            vec![format!("  {}", one_line(&t.name)), t.ty.clone(), format!("{:?}", t.shape), bytes(t.bytes)]
        };
        text.push_str(&table(&s.tensors.iter().map(line).collect::<Vec<_>>()));
    }
    emit(&text)
}

fn memory_text(need: &Need) -> String {
    let Some(cache) = need.cache else {
        return format!("{} of weights; the file does not tell the size of the cache", bytes(need.weights));
    };
    let total = need.weights.saturating_add(cache);
    let verdict = match machine::memory().map(|m| m.available) {
        Some(free) if total <= free => format!("; fits into the {} available", bytes(free)),
        Some(free) => format!("; MORE than the {} available", bytes(free)),
        None => String::new(),
    };
    format!(
        "{} = {} of weights + {} of cache for {} tokens{verdict}",
        bytes(total),
        bytes(need.weights),
        bytes(cache),
        need.context
    )
}

fn print_json(args: &Args, path: &Path, s: &Summary) -> Result<(), Failure> {
    let need = s.need(args.ctx);
    let types: serde_json::Map<_, _> = s
        .types()
        .into_iter()
        .map(|(ty, n, bytes, parameters)| {
            (ty.to_owned(), json!({"tensors": n, "bytes": bytes, "parameters": parameters}))
        })
        .collect();
    let mut object = json!({
        "path": path.to_string_lossy(),
        "format": s.format,
        "name": s.name,
        "architecture": s.architecture,
        "supported": s.supported(),
        "file_bytes": s.file_bytes,
        "parameters": s.parameters(),
        "tensor_count": s.tensors.len(),
        "types": types,
        "context_length": s.context,
        "tokenizer": s.tokenizer,
        "vocabulary": s.vocabulary,
        "chat_template": s.chat_template,
        "memory": {
            "context": need.context,
            "weights_bytes": need.weights,
            "kv_cache_bytes": need.cache,
            "total_bytes": need.cache.map(|c| c.saturating_add(need.weights)),
        },
    });
    if args.metadata {
        let map: serde_json::Map<_, _> = s.metadata.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect();
        object["metadata"] = Value::Object(map);
    }
    if args.tensors {
        let row = |t: &TensorRow| json!({"name": t.name, "type": t.ty, "shape": t.shape, "bytes": t.bytes});
        object["tensors"] = s.tensors.iter().map(row).collect();
    }
    emit_json(&object)
}

/// A count for people: `134.5 M`.
fn count(n: u64) -> String {
    match n {
        0..10_000 => n.to_string(),
        10_000..1_000_000 => format!("{:.1} k", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} M", n as f64 / 1e6),
        _ => format!("{:.2} B", n as f64 / 1e9),
    }
}
