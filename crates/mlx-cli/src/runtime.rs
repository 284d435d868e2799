//! What the commands that run a model share: loading, sampling flags, the prompt.

use std::hash::{BuildHasher, Hasher};
use std::io::IsTerminal;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use mlx_llm::cache::KvBits;
use mlx_llm::engine::{Engine, LoadOptions, LoadProgress};
use mlx_llm::place::Place;
use mlx_llm::sample::SampleOptions;
use mlx_llm::template::Message;

use crate::failure::Failure;
use crate::input::ModelArg;

/// Where a model runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Device {
    /// The processor.
    Cpu,
    /// The graphics processor.
    Gpu,
    /// Where it is faster, prompts and generation each, by a short measurement at the first use of a model.
    Auto,
}

/// How a model is run.
#[derive(clap::Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub model: ModelArg,
    /// Where to run
    #[arg(long, value_enum, default_value = "auto")]
    device: Device,
    /// Most positions of prompt and answer together [default: what the model was trained for]
    #[arg(long, visible_alias = "max-kv-size", value_name = "N", value_parser = parse_count)]
    ctx: Option<usize>,
    /// Keep activations in f32 in products with quantized weights, instead of rounding them to 8 bits or f16: slower
    #[arg(long)]
    pub exact: bool,
    /// Bits of a number in the key-value cache: 16 or 8
    #[arg(long, value_name = "N", default_value = "16", value_parser = parse_kv_bits)]
    kv_bits: KvBits,
}

/// Bits of the cache.
fn parse_kv_bits(text: &str) -> Result<KvBits, String> {
    match text {
        "16" => Ok(KvBits::Sixteen),
        "8" => Ok(KvBits::Eight),
        _ => Err("expected 16 or 8".into()),
    }
}

/// A count of at least 1.
pub fn parse_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("expected a number from 1 up".into()),
        Ok(n) => Ok(n),
    }
}

/// Threads.
pub fn parse_threads(text: &str) -> Result<usize, String> {
    parse_count(text).ok().filter(|&n| n <= 1024).ok_or_else(|| "expected a number from 1 to 1024".into())
}

impl RunArgs {
    /// Where it may run.
    pub fn place(&self) -> Result<Place, Failure> {
        match self.device {
            Device::Cpu => Ok(Place::Cpu),
            Device::Auto => Ok(Place::Measured),
            Device::Gpu => mlx::Device::Gpu
                .check()
                .map(|()| Place::Gpu)
                .map_err(|e| Failure::input(format!("--device gpu: {}; mlx-arm doctor lists the devices", e.message))),
        }
    }

    /// Loads the model; on a terminal a bar shows how far that is.
    pub fn load(&self, threads: Option<usize>) -> Result<Engine, Failure> {
        let place = self.place()?;
        let path = self.model.path()?;
        if path.is_dir() {
            return Err(Failure::input(format!(
                "[model] {} is a folder: this version runs GGUF files only",
                path.display()
            )));
        }
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("loading [{bar:30}] {decimal_bytes}/{decimal_total_bytes}");
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> "))
        });
        let options = LoadOptions { threads, max_context: self.ctx, place, kv_bits: self.kv_bits, exact: self.exact };
        let engine = Engine::load(&path, &options, &mut |p| match (&bar, p) {
            (Some(bar), LoadProgress::Weights(done, total)) => {
                bar.set_length(total);
                bar.set_position(done);
            }
            (Some(bar), LoadProgress::Measuring) => {
                bar.println("comparing processor and GPU, once for this model (--device cpu or gpu does without)");
            }
            _ => {}
        });
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        Ok(engine?)
    }
}

/// How tokens are chosen: names and defaults as mlx_lm has them.
#[derive(clap::Args)]
pub struct SamplingArgs {
    /// Sampling temperature; 0 always takes the likeliest token
    #[arg(long, allow_negative_numbers = true, default_value_t = 0.0)]
    temp: f32,
    /// Keep the likeliest tokens that together have this probability; 1 keeps all
    #[arg(long, allow_negative_numbers = true, default_value_t = 1.0)]
    top_p: f32,
    /// Keep so many of the likeliest tokens; 0 keeps all
    #[arg(long, allow_negative_numbers = true, default_value_t = 0)]
    top_k: usize,
    /// Keep tokens at least this fraction as likely as the likeliest; 0 keeps all
    #[arg(long, allow_negative_numbers = true, default_value_t = 0.0)]
    min_p: f32,
    /// Seed: the same seed gives the same text [default: another one each time]
    #[arg(long, allow_negative_numbers = true)]
    seed: Option<u64>,
    /// Make recent tokens less likely; 1 changes nothing
    #[arg(long, allow_negative_numbers = true, default_value_t = 1.0, value_name = "FACTOR")]
    repetition_penalty: f32,
    /// How many tokens are recent
    #[arg(long, allow_negative_numbers = true, default_value_t = 20, value_name = "N")]
    repetition_context_size: usize,
    /// End the answer where this text would begin; may be given several times
    #[arg(long, value_name = "TEXT")]
    pub stop: Vec<String>,
}

impl SamplingArgs {
    /// The options, with a seed chosen if there is none.
    pub fn options(&self) -> SampleOptions {
        SampleOptions {
            temperature: self.temp,
            top_p: self.top_p,
            min_p: self.min_p,
            top_k: self.top_k,
            repetition_penalty: self.repetition_penalty,
            repetition_context: self.repetition_context_size,
            seed: self.seed.unwrap_or_else(random_seed),
        }
    }
}

/// Differs from run to run: the standard library seeds its hash maps from the system.
fn random_seed() -> u64 {
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

/// The token ids of a chat up to where the answer starts, `prefill` being its given beginning.
pub fn chat_tokens(engine: &Engine, messages: &[Message], prefill: &str) -> Result<Vec<u32>, Failure> {
    let template = engine.chat_template().ok_or_else(|| {
        Failure::input("[chat] the model has no chat template: it continues texts (mlx-arm generate --raw)")
    })?;
    let text = template.render(messages, true)? + prefill;
    // The template spells the special tokens itself, that of the start included.
    Ok(engine.tokenizer().encode(&text, false, true)?)
}
