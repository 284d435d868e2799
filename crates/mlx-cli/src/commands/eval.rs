//! `mlx-arm eval` (hidden, for developers): how well a model predicts a text, and how far it is from another one.
//!
//! The text is cut into windows; as llama-perplexity does, only the second half of each window counts, where
//! there is context enough. Against a reference model (the same weights in f32) the mean Kullback-Leibler
//! divergence and the share of positions with another likeliest token are reported.

use std::path::PathBuf;

use mlx_llm::engine::{Engine, LoadOptions};
use serde_json::json;

use crate::failure::Failure;
use crate::input;
use crate::output::emit_json;
use crate::runtime::{RunArgs, parse_count, parse_threads};

/// Perplexity of a text, and divergence from a reference model, as a JSON object
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Text file, or - for standard input
    #[arg(long)]
    file: String,
    /// Model file to compare with
    #[arg(long)]
    reference: Option<PathBuf>,
    /// Tokens of a window
    #[arg(long, default_value = "512", value_parser = parse_count)]
    window: usize,
    /// Stop after this many counted positions
    #[arg(long, default_value = "2048", value_parser = parse_count)]
    positions: usize,
    /// Threads [default: one for each core]
    #[arg(short, long, value_parser = parse_threads)]
    threads: Option<usize>,
}

/// The longest text file.
const MAX_TEXT: u64 = 64 << 20;

#[derive(Default)]
struct Sums {
    positions: usize,
    nll: f64,
    reference_nll: f64,
    kl: f64,
    max_kl: f64,
    disagree: usize,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    if args.window < 4 {
        return Err(Failure::input("[eval] a window holds at least 4 tokens"));
    }
    let text = read_text(&args.file)?;
    let engine = args.run.load(args.threads)?;
    let reference = match &args.reference {
        Some(path) => {
            let options = LoadOptions { threads: args.threads, exact: args.run.exact, ..LoadOptions::default() };
            let other = Engine::load(path, &options, &mut |_| {})?;
            if other.dims().vocab != engine.dims().vocab {
                return Err(Failure::input("[eval] the two models have vocabularies of different sizes"));
            }
            Some(other)
        }
        None => None,
    };
    let tokens = engine.tokenizer().encode(&text, false, false)?;
    let mut sums = Sums::default();
    let bos = engine.tokenizer().bos().filter(|_| engine.tokenizer().adds_bos());
    let body = args.window - usize::from(bos.is_some());
    for chunk in tokens.chunks_exact(body) {
        if sums.positions >= args.positions {
            break;
        }
        let window: Vec<u32> = bos.into_iter().chain(chunk.iter().copied()).collect();
        let ours = engine.logits(&window)?;
        let theirs = reference.as_ref().map(|r| r.logits(&window)).transpose()?;
        add_window(&mut sums, args.positions, &window, engine.dims().vocab, &ours, theirs.as_deref());
    }
    if sums.positions == 0 {
        return Err(Failure::input(format!(
            "[eval] the text has {} tokens, less than a window of {}",
            tokens.len(),
            args.window
        )));
    }
    let n = sums.positions as f64;
    let mut object = json!({
        "positions": sums.positions,
        "window": args.window,
        "nll": sums.nll / n,
        "perplexity": (sums.nll / n).exp(),
    });
    if reference.is_some() {
        object["reference_perplexity"] = json!((sums.reference_nll / n).exp());
        object["mean_kl"] = json!(sums.kl / n);
        object["max_kl"] = json!(sums.max_kl);
        object["top1_disagreement"] = json!(sums.disagree as f64 / n);
    }
    emit_json(&object)
}

fn read_text(file: &str) -> Result<String, Failure> {
    if file == "-" {
        return input::text(Some("-"));
    }
    let bad = |e: &dyn std::fmt::Display| Failure::input(format!("[eval] {file}: {e}"));
    let size = std::fs::metadata(file).map_err(|e| bad(&e))?.len();
    if size > MAX_TEXT {
        return Err(bad(&format_args!("longer than {} MiB", MAX_TEXT >> 20)));
    }
    std::fs::read_to_string(file).map_err(|e| bad(&e))
}

fn add_window(sums: &mut Sums, most: usize, window: &[u32], vocab: usize, ours: &[f32], theirs: Option<&[f32]>) {
    let first = window.len() / 2;
    for at in first..window.len() - 1 {
        if sums.positions >= most {
            return;
        }
        let row = |logits: &[f32]| log_softmax(&logits[at * vocab..(at + 1) * vocab]);
        let next = window[at + 1] as usize;
        let q = row(ours);
        sums.positions += 1;
        sums.nll -= q[next];
        if let Some(theirs) = theirs {
            let p = row(theirs);
            let kl: f64 = p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum();
            sums.reference_nll -= p[next];
            sums.kl += kl;
            sums.max_kl = sums.max_kl.max(kl);
            sums.disagree += usize::from(likeliest(&p) != likeliest(&q));
        }
    }
}

fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let max = logits.iter().fold(f64::NEG_INFINITY, |m, &x| m.max(x.into()));
    let sum: f64 = logits.iter().map(|&x| (f64::from(x) - max).exp()).sum();
    let norm = max + sum.ln();
    logits.iter().map(|&x| f64::from(x) - norm).collect()
}

/// The first of the likeliest.
fn likeliest(p: &[f64]) -> usize {
    p.iter().enumerate().fold(0, |best, (i, &x)| if x > p[best] { i } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_a_known_case() {
        // Two tokens; ours says 3:1, the reference 1:1 and 1:3.
        let ours: Vec<f32> = [3f32.ln(), 0.0].repeat(4);
        let theirs = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3f32.ln()];
        let mut sums = Sums::default();
        add_window(&mut sums, 10, &[0, 1, 0, 1], 2, &ours, Some(&theirs));
        assert_eq!((sums.positions, sums.disagree), (1, 0));
        assert!((sums.nll - 4f64.ln()).abs() < 1e-6);
        let kl = 0.5 * (0.5f64 / 0.75).ln() + 0.5 * (0.5f64 / 0.25).ln();
        assert!((sums.kl - kl).abs() < 1e-6);
        let mut sums = Sums::default();
        add_window(
            &mut sums,
            10,
            &[0, 1, 0, 0, 1, 0],
            2,
            &[&ours[..], &ours[..4]].concat(),
            Some(&[theirs, theirs].concat()[..12]),
        );
        assert_eq!((sums.positions, sums.disagree), (2, 1));
        add_window(&mut sums, 2, &[0, 1, 0, 1], 2, &ours, None);
        assert_eq!(sums.positions, 2);
    }
}
