//! `mlx-arm tokenize`: text to token ids and back.

use std::path::Path;

use mlx_io::Gguf;
use mlx_llm::tokenizer::Tokenizer;
use serde_json::json;

use crate::failure::Failure;
use crate::input::{self, ModelArg};
use crate::output::{emit, emit_json};

/// Show how a model splits a text into tokens, or turn token ids into text
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArg,
    /// Text, or - for standard input; with --decode, token ids separated by spaces or commas
    #[arg(value_name = "TEXT", allow_hyphen_values = true)]
    text: Option<String>,
    /// The text, as an option
    #[arg(long, value_name = "TEXT", conflicts_with = "text", allow_hyphen_values = true)]
    prompt: Option<String>,
    /// Ids to text
    #[arg(long)]
    decode: bool,
    /// Leave out the token that the model wants at the start (and at the end, if it wants one)
    #[arg(long)]
    no_bos: bool,
    /// Take the names of special tokens in the text as plain text
    #[arg(long)]
    no_special: bool,
    /// Print nothing but the ids, on one line
    #[arg(long, conflicts_with = "json")]
    ids: bool,
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let path = args.model.path()?;
    let tokenizer = load(&path)?;
    let text = input::text(args.text.as_deref().or(args.prompt.as_deref()))?;
    if args.decode { decode(args, &tokenizer, &text) } else { encode(args, &tokenizer, &text) }
}

fn load(path: &Path) -> Result<Tokenizer, Failure> {
    if path.is_dir() {
        return Err(Failure::input(format!(
            "[tokenize] {} is a folder: tokenizers are read from GGUF files only so far",
            path.display()
        )));
    }
    Ok(Tokenizer::from_gguf(&Gguf::open(path)?)?)
}

fn encode(args: &Args, tokenizer: &Tokenizer, text: &str) -> Result<(), Failure> {
    let ids = tokenizer.encode(text, !args.no_bos, !args.no_special)?;
    if args.ids {
        let ids: Vec<_> = ids.iter().map(u32::to_string).collect();
        return emit(&format!("{}\n", ids.join(" ")));
    }
    let pieces: Result<Vec<_>, _> = ids.iter().map(|&id| tokenizer.token_bytes(id)).collect();
    let pieces: Vec<_> = pieces?.into_iter().map(|b| String::from_utf8_lossy(b).into_owned()).collect();
    if args.json {
        return emit_json(&json!({"count": ids.len(), "ids": ids, "pieces": pieces}));
    }
    let lines: Vec<_> = ids.iter().zip(&pieces).map(|(id, piece)| format!("{id:>8}  {piece:?}\n")).collect();
    emit(&lines.concat())
}

fn decode(args: &Args, tokenizer: &Tokenizer, text: &str) -> Result<(), Failure> {
    let words = text.split([' ', ',', '\n', '\r', '\t', '[', ']']).filter(|w| !w.is_empty());
    let ids: Result<Vec<u32>, Failure> =
        words.map(|w| w.parse().map_err(|_| Failure::input(format!("[tokenize] '{w}' is not a token id")))).collect();
    let text = tokenizer.decode(&ids?, args.no_special)?;
    if args.json { emit_json(&json!({"text": text})) } else { emit(&format!("{text}\n")) }
}
