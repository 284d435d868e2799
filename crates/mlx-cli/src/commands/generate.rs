//! `mlx-arm generate`: one answer to one prompt.

use std::io::IsTerminal;

use mlx_llm::engine::{Engine, GenerateOptions, Stats};
use mlx_llm::template::Message;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output::{bytes, emit, emit_json};
use crate::runtime::{RunArgs, SamplingArgs, chat_tokens, parse_threads};
use crate::{input, machine};

/// Answer a prompt
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Prompt, or - for standard input
    #[arg(short, long, allow_hyphen_values = true)]
    prompt: Option<String>,
    /// Most tokens of the answer
    #[arg(short, long, default_value_t = 256, value_name = "N")]
    max_tokens: usize,
    #[command(flatten)]
    sampling: SamplingArgs,
    /// Instructions ahead of the prompt, for the chat template
    #[arg(long, value_name = "TEXT", conflicts_with = "raw")]
    system_prompt: Option<String>,
    /// Beginning of the answer, which the model continues
    #[arg(long, value_name = "TEXT", conflicts_with = "raw", allow_hyphen_values = true)]
    prefill_response: Option<String>,
    /// Feed the prompt as it is, without the chat template
    #[arg(long, visible_alias = "ignore-chat-template")]
    raw: bool,
    /// Go on when the model ends its answer
    #[arg(long)]
    ignore_eos: bool,
    /// With --json: log-probabilities of the N likeliest tokens at each step
    #[arg(long, value_name = "N", default_value_t = 0, requires = "json")]
    logprobs: usize,
    /// Threads [default: one for each core]
    #[arg(short, long, value_parser = parse_threads)]
    threads: Option<usize>,
    /// Print one JSON object instead of the text
    #[arg(long)]
    json: bool,
    /// Report speed and memory on standard error (done anyway on a terminal)
    #[arg(long)]
    stats: bool,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    args.run.place()?;
    // The model is named first: a missing one is reported before a text is typed in.
    args.run.model.path()?;
    let prompt = input::text(args.prompt.as_deref())?;
    let engine = args.run.load(args.threads)?;
    let tokens = prompt_tokens(args, &engine, &prompt)?;
    let sampling = args.sampling.options();
    let seed = sampling.seed;
    let options = GenerateOptions {
        max_tokens: args.max_tokens,
        sampling,
        stop: args.sampling.stop.clone(),
        logprobs: args.logprobs,
        ignore_eos: args.ignore_eos,
        ..GenerateOptions::default()
    };
    let mut generation = engine.generate(&tokens, options)?;
    let (mut text, mut ids, mut logprobs, mut finish) = (String::new(), Vec::new(), Vec::new(), "length");
    for step in generation.by_ref() {
        let step = step?;
        if !args.json {
            emit(&step.text)?;
        }
        text.push_str(&step.text);
        ids.extend(step.token);
        if args.logprobs > 0 {
            logprobs.push(likeliest(&engine, &step.logprobs));
        }
        if let Some(reason) = step.finish {
            finish = reason.name();
        }
    }
    let stats = generation.stats();
    if args.json {
        let mut object = json!({
            "text": text,
            "tokens": ids,
            "prompt_tokens": stats.prompt_tokens,
            "generation_tokens": stats.generation_tokens,
            "prompt_tps": stats.prompt_tps(),
            "generation_tps": stats.generation_tps(),
            "load_ms": engine.load_time().as_secs_f64() * 1e3,
            "peak_rss_bytes": machine::peak_rss(),
            "device": engine.verdict().to_string(),
            "finish_reason": finish,
            "seed": seed,
        });
        if args.logprobs > 0 {
            object["logprobs"] = Value::Array(logprobs);
        }
        return emit_json(&object);
    }
    emit("\n")?;
    if args.stats || std::io::stderr().is_terminal() {
        report(&engine, &stats);
    }
    Ok(())
}

fn prompt_tokens(args: &Args, engine: &Engine, prompt: &str) -> Result<Vec<u32>, Failure> {
    if args.raw || engine.chat_template().is_none() {
        if args.system_prompt.is_some() || args.prefill_response.is_some() {
            return Err(Failure::input(
                "[generate] the model has no chat template, so --system-prompt and --prefill-response have no place",
            ));
        }
        return Ok(engine.tokenizer().encode(prompt, true, true)?);
    }
    let mut messages = Vec::new();
    messages.extend(args.system_prompt.as_ref().map(|s| Message::new("system", s)));
    messages.push(Message::new("user", prompt));
    chat_tokens(engine, &messages, args.prefill_response.as_deref().unwrap_or(""))
}

fn likeliest(engine: &Engine, tokens: &[(u32, f32)]) -> Value {
    let text = |id| engine.tokenizer().token_text(id).map(|t| t.into_owned()).unwrap_or_default();
    tokens.iter().map(|&(id, p)| json!({"id": id, "token": text(id), "logprob": p})).collect()
}

/// Speed and memory, for people.
fn report(engine: &Engine, stats: &Stats) {
    eprintln!("load: {:.0} ms", engine.load_time().as_secs_f64() * 1e3);
    eprintln!("prompt: {} tokens, {:.1} tokens/s", stats.prompt_tokens, stats.prompt_tps());
    eprintln!("generation: {} tokens, {:.1} tokens/s", stats.generation_tokens, stats.generation_tps());
    if let Some(peak) = machine::peak_rss() {
        eprintln!("peak memory: {}", bytes(peak));
    }
}
