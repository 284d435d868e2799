//! `mlx-arm bench`: speed of prompt processing and generation, measured as llama-bench measures.

use std::time::Duration;

use mlx::profile::KernelTime;
use mlx_llm::engine::Engine;
use mlx_llm::place::Place;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::machine;
use crate::output::{bytes, emit, emit_json, table};
use crate::runtime::{RunArgs, parse_count, parse_threads};

/// Measure speed: pp = prompt processing of random tokens, tg = token by token generation from an empty cache
///
/// Each test is run once to warm up, then -r times.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Tokens of the prompt test; 0 leaves it out; several with commas
    #[arg(short = 'p', long, value_delimiter = ',', default_value = "512")]
    n_prompt: Vec<usize>,
    /// Tokens of the generation test; 0 leaves it out; several with commas
    #[arg(short = 'n', long, value_delimiter = ',', default_value = "128")]
    n_gen: Vec<usize>,
    /// Threads; several with commas [default: one for each core]
    #[arg(short, long, value_delimiter = ',', value_parser = parse_threads)]
    threads: Vec<usize>,
    /// Runs of each test
    #[arg(short, long, default_value = "5", value_parser = parse_count)]
    repetitions: usize,
    /// Run each test once more and show how long each kernel of the GPU took (needs a GPU)
    #[arg(long)]
    profile: bool,
    /// Print a JSON array
    #[arg(long)]
    json: bool,
}

/// One measured test.
struct Row {
    test: String,
    threads: usize,
    device: mlx::Device,
    /// Tokens per second, ascending.
    rates: Vec<f64>,
    load: Duration,
    model_bytes: u64,
    /// Bits of a number in the cache, and the bytes of a position.
    kv_bits: usize,
    cache_bytes: usize,
    peak: Option<u64>,
    gpu_memory: Option<GpuBytes>,
    /// Dispatches on the GPU and barriers between them, for each run of the test.
    dispatches: u64,
    barriers: u64,
    /// With `--profile`, the kernels of one run.
    kernels: Option<Vec<KernelTime>>,
}

/// Memory of the GPU during a test.
#[derive(Clone, Copy)]
struct GpuBytes {
    /// Most in use, files that it reads in place among it.
    peak: usize,
    /// The model's file and the cache of the test's positions: what no run can do without.
    least: usize,
}

impl GpuBytes {
    fn of(engine: &Engine, positions: usize) -> Option<GpuBytes> {
        let m = mlx::memory::gpu()?;
        let cache = engine.cache_bytes().saturating_mul(positions);
        Some(GpuBytes { peak: m.peak + m.in_place, least: cache.saturating_add(engine.model_bytes() as usize) })
    }
    fn text(self) -> String {
        let more = 100.0 * (self.peak as f64 / self.least.max(1) as f64 - 1.0);
        format!(", GPU memory {} ({more:+.1} % on model and cache)", bytes(self.peak as u64))
    }
}

impl Row {
    fn median(&self) -> f64 {
        let r = &self.rates;
        (r[(r.len() - 1) / 2] + r[r.len() / 2]) / 2.0
    }

    fn json(&self) -> Value {
        let mut row = json!({
            "test": self.test,
            "threads": self.threads,
            "device": self.device.to_string(),
            "tps_median": self.median(),
            "tps_min": self.rates[0],
            "tps_max": self.rates[self.rates.len() - 1],
            "load_ms": self.load.as_secs_f64() * 1e3,
            "peak_rss_bytes": self.peak,
            "model_bytes": self.model_bytes,
            "kv_bits": self.kv_bits,
            "kv_cache_bytes_per_token": self.cache_bytes,
            "gpu_memory_peak_bytes": self.gpu_memory.map(|m| m.peak),
            "gpu_memory_least_bytes": self.gpu_memory.map(|m| m.least),
            "gpu_dispatches": self.dispatches,
            "gpu_barriers": self.barriers,
        });
        if let Some(kernels) = &self.kernels {
            let one = |k: &KernelTime| json!({"name": k.name, "runs": k.runs, "ms": k.time.as_secs_f64() * 1e3});
            row["gpu_kernels"] = kernels.iter().map(one).collect();
        }
        row
    }

    /// The kernels as a table.
    fn profile(&self) -> Option<String> {
        let kernels = self.kernels.as_ref()?;
        let whole: f64 = kernels.iter().map(|k| k.time.as_secs_f64()).sum();
        let mut text = vec![["KERNEL", "RUNS", "MS", "SHARE", "US EACH"].map(String::from).to_vec()];
        text.extend(kernels.iter().map(|k| {
            let s = k.time.as_secs_f64();
            vec![
                k.name.clone(),
                k.runs.to_string(),
                format!("{:.3}", s * 1e3),
                format!("{:.1} %", 100.0 * s / whole.max(1e-12)),
                format!("{:.2}", s * 1e6 / k.runs.max(1) as f64),
            ]
        }));
        Some(format!("\n{}, one run: {:.3} ms on the GPU\n{}", self.test, whole * 1e3, table(&text)))
    }
}

pub fn run(args: &Args) -> Result<(), Failure> {
    if args.n_prompt.iter().chain(&args.n_gen).all(|&n| n == 0) {
        return Err(Failure::input("[bench] nothing to measure: -p and -n are both 0"));
    }
    let threads = match args.threads.is_empty() {
        true => vec![mlx_cpu::pool::default_threads()?],
        false => args.threads.clone(),
    };
    if args.profile && args.run.place()? != Place::Gpu {
        return Err(Failure::input("[bench] --profile shows kernels of the GPU: it needs --device gpu"));
    }
    let (mut rows, mut device) = (Vec::new(), String::new());
    for &threads in &threads {
        let engine = args.run.load(Some(threads))?;
        let longest = args.n_prompt.iter().chain(&args.n_gen).max().copied().unwrap_or(0);
        if longest > engine.max_context() {
            return Err(Failure::input(format!(
                "[bench] {longest} tokens are more than the context of {}",
                engine.max_context()
            )));
        }
        let verdict = engine.verdict().clone();
        device = verdict.to_string();
        for (name, counts, device, test) in [
            (
                "pp",
                &args.n_prompt,
                verdict.prompt,
                Engine::bench_prompt as fn(&Engine, usize) -> mlx_ir::Result<Duration>,
            ),
            ("tg", &args.n_gen, verdict.generation, Engine::bench_generation),
        ] {
            for &n in counts.iter().filter(|&&n| n > 0) {
                mlx::memory::reset_peak();
                test(&engine, n)?;
                let mut rates = Vec::with_capacity(args.repetitions);
                let before = mlx::counts();
                for _ in 0..args.repetitions {
                    rates.push(n as f64 / test(&engine, n)?.as_secs_f64().max(1e-9));
                }
                let did = mlx::counts() - before;
                let kernels = match args.profile {
                    true => {
                        mlx::profile::start()?;
                        test(&engine, n)?;
                        Some(mlx::profile::stop()?)
                    }
                    false => None,
                };
                rates.sort_by(f64::total_cmp);
                rows.push(Row {
                    test: format!("{name}{n}"),
                    threads,
                    device,
                    rates,
                    load: engine.load_time(),
                    model_bytes: engine.model_bytes(),
                    kv_bits: engine.kv_bits().bits(),
                    cache_bytes: engine.cache_bytes(),
                    peak: machine::peak_rss(),
                    gpu_memory: if device == mlx::Device::Gpu { GpuBytes::of(&engine, n) } else { None },
                    dispatches: did.dispatches / args.repetitions as u64,
                    barriers: did.barriers / args.repetitions as u64,
                    kernels,
                });
            }
        }
    }
    if args.json {
        return emit_json(&rows.iter().map(Row::json).collect());
    }
    let mut text = vec![["TEST", "THREADS", "TOKENS/S", "MIN", "MAX", "LOAD"].map(String::from).to_vec()];
    text.extend(rows.iter().map(|r| {
        vec![
            r.test.clone(),
            r.threads.to_string(),
            format!("{:.2}", r.median()),
            format!("{:.2}", r.rates[0]),
            format!("{:.2}", r.rates[r.rates.len() - 1]),
            format!("{:.0} ms", r.load.as_secs_f64() * 1e3),
        ]
    }));
    let size = rows.first().map_or(0, |r| r.model_bytes);
    let peak = machine::peak_rss().map(|p| format!(", peak memory {}", bytes(p))).unwrap_or_default();
    let largest = rows.iter().filter_map(|r| r.gpu_memory).max_by_key(|m| m.peak);
    let peak = peak + &largest.map(GpuBytes::text).unwrap_or_default();
    let profiles: String = rows.iter().filter_map(Row::profile).collect();
    emit(&format!("{}model {} on {device}{peak}\n{profiles}", table(&text), bytes(size)))
}
