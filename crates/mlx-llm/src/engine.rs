//! The façade of the language-model runtime: load a file, generate from tokens, measure.

use crate::cache::{Cache, KvBits};
use crate::decode::Decoder;
use crate::models::{self, Dims, Model, Positions, token_array};
use crate::place::{self, Place, Rates, Verdict, Verdicts, agree};
use crate::sample::{SampleOptions, Sampler, top_logprobs};
use crate::stop::StopMatcher;
use crate::template::ChatTemplate;
use crate::tokenizer::{Detokenizer, Tokenizer};
use crate::weights::Weights;
use mlx::{Array, Device, Error, Result, Stream};
use mlx_io::gguf::Gguf;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Tokens of a prompt that are processed together: larger chunks use more memory and gain little.
const CHUNK: usize = 512;
/// Tokens of the prompt with which devices are compared, and steps after it.
const TRIAL: usize = 64;
const TRIAL_STEPS: usize = 12;

/// How to load a model.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Threads; none keeps those of the array library.
    pub threads: Option<usize>,
    /// Most positions (prompt and answer together); none = the context that the model was trained for.
    pub max_context: Option<usize>,
    /// Where the model runs.
    pub place: Place,
    /// Activations stay f32 in products with quantized weights, where they are otherwise rounded to 8 bits or f16.
    /// Slower; processor and GPU then agree but for the order of their sums.
    pub exact: bool,
    /// What keys and values are cached as.
    pub kv_bits: KvBits,
}

/// What loading is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadProgress {
    /// Reading the file's directory and vocabulary.
    Opening,
    /// Weights are being brought into memory: bytes so far, of how many.
    Weights(u64, u64),
    /// Processor and GPU are being compared, which is done once for each model.
    Measuring,
    /// Ready.
    Ready,
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// The model ended its turn, or a stop string came.
    Stop,
    /// The wanted number of tokens, or the context, is full.
    Length,
    /// It was cancelled.
    Cancelled,
}

impl FinishReason {
    /// `stop`, `length` or `cancelled`.
    pub fn name(self) -> &'static str {
        match self {
            FinishReason::Stop => "stop",
            FinishReason::Length => "length",
            FinishReason::Cancelled => "cancelled",
        }
    }
}

/// Cancels a generation from another thread.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// A token that is not cancelled.
    pub fn new() -> Self {
        Self::default()
    }
    /// Ends the generation at its next token or chunk of the prompt.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
    /// Whether [`CancelToken::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How to generate.
#[derive(Clone, Debug)]
pub struct GenerateOptions {
    /// Most tokens to generate.
    pub max_tokens: usize,
    /// How each token is chosen.
    pub sampling: SampleOptions,
    /// Texts at which generation ends; they are not part of the output.
    pub stop: Vec<String>,
    /// For each token, the log-probabilities of this many likeliest.
    pub logprobs: usize,
    /// Go on when the model ends its turn.
    pub ignore_eos: bool,
    /// Cancels from elsewhere.
    pub cancel: CancelToken,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        Self {
            max_tokens: 256,
            sampling: SampleOptions::default(),
            stop: Vec::new(),
            logprobs: 0,
            ignore_eos: false,
            cancel: CancelToken::new(),
        }
    }
}

/// One generated token.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its id; none on the last step of a cancelled generation, which only hands out text held back.
    pub token: Option<u32>,
    /// The text that became certain with it: whole code points, nothing that may be part of a stop text.
    pub text: String,
    /// Ids and natural log-probabilities of the likeliest tokens, before sampling.
    pub logprobs: Vec<(u32, f32)>,
    /// Set on the last step.
    pub finish: Option<FinishReason>,
}

/// Counts and times of a generation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Of these, taken from the cache.
    pub cached_tokens: usize,
    /// Time for the rest of the prompt, up to the first token.
    pub prompt_time: Duration,
    /// Tokens generated.
    pub generation_tokens: usize,
    /// Time for the tokens after the first.
    pub generation_time: Duration,
}

fn rate(tokens: usize, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { tokens as f64 / time.as_secs_f64() }
}

impl Stats {
    /// Prompt tokens processed per second.
    pub fn prompt_tps(&self) -> f64 {
        rate(self.prompt_tokens - self.cached_tokens, self.prompt_time)
    }
    /// Tokens generated per second; the first counts with the prompt.
    pub fn generation_tps(&self) -> f64 {
        rate(self.generation_tokens.saturating_sub(1), self.generation_time)
    }
}

/// A loaded model with its tokenizer and template.
pub struct Engine {
    model: Box<dyn Model>,
    tokenizer: Tokenizer,
    template: Option<ChatTemplate>,
    max_context: usize,
    kv_bits: KvBits,
    model_bytes: u64,
    load_time: Duration,
    verdict: Verdict,
    /// Kernels that are made while weights are read; those under way are waited for when the model goes.
    _warming: Option<mlx::Warming>,
}

impl Engine {
    /// Loads a GGUF file. Weights are used where they lie in the mapped file.
    ///
    /// # Errors
    /// `Io` for a file that is damaged or not a model, `Unsupported` for architectures, tokenizers or formats that are
    /// not known and for heads that cannot be cached as wanted, `Value` for bad options, `Device` if the device is not there.
    pub fn load(path: &Path, options: &LoadOptions, progress: &mut dyn FnMut(LoadProgress)) -> Result<Engine> {
        let start = Instant::now();
        progress(LoadProgress::Opening);
        mlx::init()?;
        if let Some(n) = options.threads {
            mlx::set_threads(n)?;
        }
        let verdict = match options.place {
            Place::Cpu | Place::Measured => Verdict::on(Device::Cpu),
            Place::Gpu => Verdict::on(Device::Gpu),
        };
        let stream = Stream::default_of(verdict.prompt)?;
        let warming = if verdict.uses(Device::Gpu) { mlx::warm_gpu().ok() } else { None };
        let gguf = Gguf::open(path)?;
        let weights = Weights::new(&gguf)?.exact(options.exact);
        let model = mlx::on(stream, || models::load(&weights))?;
        let tokenizer = Tokenizer::from_gguf(&gguf)?;
        let dims = model.dims();
        dims.cache_bytes(options.kv_bits)?;
        if tokenizer.vocab_size() > dims.vocab {
            return Err(Error::io(format!(
                "[model] the vocabulary has {} tokens, but the embedding {} rows",
                tokenizer.vocab_size(),
                dims.vocab
            )));
        }
        let text = |id: Option<u32>| id.and_then(|i| tokenizer.token_text(i).ok()).unwrap_or_default().into_owned();
        let template = ChatTemplate::from_gguf(&gguf, &text(tokenizer.bos()), &text(tokenizer.eos()))?;
        let max_context = options.max_context.unwrap_or(dims.context);
        if max_context == 0 {
            return Err(Error::value("[model] the context must hold at least one token"));
        }
        let total = gguf.total_bytes() as u64;
        // Ask for the pages in order, so that the first pass over the weights does not wait for each.
        let mut so_far = 0;
        for t in gguf.tensors() {
            let region = gguf.region(t)?;
            region.willneed();
            so_far += region.len() as u64;
            progress(LoadProgress::Weights(so_far.min(total), total));
        }
        let load_time = start.elapsed();
        let mut engine = Engine {
            model,
            tokenizer,
            template,
            max_context,
            kv_bits: options.kv_bits,
            model_bytes: total,
            load_time,
            verdict,
            _warming: warming,
        };
        if options.place == Place::Measured {
            engine.verdict = engine.place(options.exact, &mut || progress(LoadProgress::Measuring));
            if engine.verdict.uses(Device::Gpu) {
                engine._warming = mlx::warm_gpu().ok();
            }
            if engine.verdict.rates.is_some() && !engine.verdict.uses(Device::Gpu) {
                // The weights' copies on the GPU go with what was mapped.
                let gguf = Gguf::open(path)?;
                engine.model = models::load(&Weights::new(&gguf)?.exact(options.exact))?;
            }
            engine.load_time = start.elapsed();
        }
        progress(LoadProgress::Ready);
        Ok(engine)
    }

    /// Where this model should run, as known or as measured now.
    fn place(&self, exact: bool, measuring: &mut dyn FnMut()) -> Verdict {
        let gpu = match mlx::gpu_identity() {
            Ok(gpu) => gpu,
            Err(e) => return Verdict::refused(e.message),
        };
        let d = self.dims();
        let key = format!(
            "{} {gpu} {}x{} layers {} vocabulary {} cache {} of {} bits bytes {}{}",
            env!("CARGO_PKG_VERSION"),
            mlx::isa(),
            mlx::threads(),
            d.layers,
            d.vocab,
            self.cache_bytes(),
            self.kv_bits.bits(),
            self.model_bytes,
            if exact { " exact" } else { "" }
        );
        let verdicts = Verdicts::of_user();
        if let Some(v) = verdicts.get(&key) {
            return v;
        }
        if !verdicts.try_out(&key) {
            return Verdict::refused("what a trial of the GPU shows cannot be kept on disk");
        }
        measuring();
        match self.compare() {
            Ok(rates) => {
                verdicts.keep(&key, Some(rates));
                Verdict::of(rates)
            }
            Err(e) => {
                verdicts.keep(&key, None);
                Verdict::refused(e.message)
            }
        }
    }

    /// Rates of the processor and the GPU, whose answers are compared first.
    fn compare(&self) -> Result<[Rates; 2]> {
        let tokens = self.random_tokens(TRIAL.min(self.max_context.saturating_sub(TRIAL_STEPS)).max(1));
        let devices = [Device::Cpu, Device::Gpu];
        let [a, b] = devices.map(|d| {
            let mut cache = self.cache();
            self.forward_on(d, &tokens, &mut cache, Positions::Last)?.to_vec::<f32>()
        });
        if !agree(&a?, &b?) {
            return Err(Error::device("[gpu] its answers differ from the processor's"));
        }
        let [cpu, gpu] = devices.map(|device| -> Result<Rates> {
            let prompt = place::median(3, || {
                let (mut cache, start) = (self.cache(), Instant::now());
                mlx::eval(&[self.forward_on(device, &tokens, &mut cache, Positions::Last)?])?;
                Ok(start.elapsed())
            })?;
            let (mut cache, mut decoder) = (self.cache(), Decoder::default());
            let mut next = tokens.iter().cycle();
            let mut step = || {
                let start = Instant::now();
                let token = next.next().copied().unwrap_or_default();
                mlx::eval(&[self.decode_on(device, token, &mut cache, &mut decoder)?])?;
                Ok(start.elapsed())
            };
            // The first steps make room and record.
            (0..2).try_for_each(|_| step().map(|_| ()))?;
            let generation = place::median(TRIAL_STEPS - 3, step)?;
            Ok(Rates { prompt: tokens.len() as f64 / prompt, generation: 1.0 / generation })
        });
        Ok([cpu?, gpu?])
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }
    /// The chat template, if the file has one.
    pub fn chat_template(&self) -> Option<&ChatTemplate> {
        self.template.as_ref()
    }
    /// Sizes of the model.
    pub fn dims(&self) -> Dims {
        self.model.dims()
    }
    /// Most positions of prompt and answer together.
    pub fn max_context(&self) -> usize {
        self.max_context
    }
    /// What keys and values are cached as.
    pub fn kv_bits(&self) -> KvBits {
        self.kv_bits
    }
    /// Bytes of key-value cache for each position.
    pub fn cache_bytes(&self) -> usize {
        // Loading refuses what cannot be stored.
        self.dims().cache_bytes(self.kv_bits).unwrap_or_default()
    }
    fn cache(&self) -> Cache {
        Cache::new(self.dims().layers, self.kv_bits)
    }
    /// Bytes of the model's files.
    pub fn model_bytes(&self) -> u64 {
        self.model_bytes
    }
    /// Time that loading took.
    pub fn load_time(&self) -> Duration {
        self.load_time
    }

    /// Where the model runs.
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    fn forward(&self, tokens: &[u32], cache: &mut Cache, positions: Positions) -> Result<Array> {
        self.forward_on(self.verdict.prompt, tokens, cache, positions)
    }

    fn forward_on(&self, device: Device, tokens: &[u32], cache: &mut Cache, positions: Positions) -> Result<Array> {
        mlx::on(Stream::default_of(device)?, || {
            let offset = cache.offset()?;
            self.model.forward(&token_array(tokens, self.dims().vocab)?, &offset, cache, positions)
        })
    }

    /// Logits after one token, handed to the device where there is one.
    fn decode(&self, token: u32, cache: &mut Cache, decoder: &mut Decoder) -> Result<Array> {
        self.decode_on(self.verdict.generation, token, cache, decoder)
    }

    fn decode_on(&self, device: Device, token: u32, cache: &mut Cache, decoder: &mut Decoder) -> Result<Array> {
        if device == Device::Gpu
            && let Some(logits) = mlx::on(Stream::default_of(device)?, || decoder.step(&*self.model, token, cache))?
        {
            return Ok(logits);
        }
        self.forward_on(device, &[token], cache, Positions::Last)
    }

    /// A conversation: its cache lives on from one generation to the next.
    pub fn session(&self) -> Session<'_> {
        let cache = self.cache();
        Session { engine: self, cache, decoder: Decoder::default(), tokens: Vec::new() }
    }

    /// Generates from a prompt with a cache of its own.
    ///
    /// # Errors
    /// As [`Session::generate`].
    pub fn generate<'a>(&'a self, prompt: &[u32], options: GenerateOptions) -> Result<Generation<'a, 'a>> {
        Generation::start(Held::Own(Box::new(self.session())), prompt, options)
    }

    /// Logits of every position: row-major (tokens, vocabulary).
    ///
    /// # Errors
    /// `Value` for an empty list, more tokens than the context, or ids outside the vocabulary.
    pub fn logits(&self, tokens: &[u32]) -> Result<Vec<f32>> {
        self.check_room(tokens.len())?;
        let mut cache = self.cache();
        let mut out = Vec::new();
        for chunk in tokens.chunks(CHUNK) {
            let y = self.forward(chunk, &mut cache, Positions::All)?;
            out.extend(y.to_vec::<f32>()?);
        }
        Ok(out)
    }

    fn check_room(&self, tokens: usize) -> Result<()> {
        if tokens == 0 {
            return Err(Error::value("[generate] the prompt is empty"));
        }
        if tokens > self.max_context {
            return Err(Error::value(format!(
                "[generate] the prompt has {tokens} tokens, but the context holds {}",
                self.max_context
            )));
        }
        Ok(())
    }

    /// Runs `tokens` random tokens through an empty cache as a prompt, for measurements; returns the time.
    ///
    /// # Errors
    /// `Value` for no tokens, `Memory` if memory is short.
    pub fn bench_prompt(&self, tokens: usize) -> Result<Duration> {
        let mut cache = self.cache();
        let ids = self.random_tokens(tokens);
        let start = Instant::now();
        for chunk in ids.chunks(CHUNK) {
            self.forward(chunk, &mut cache, Positions::Last)?.eval()?;
        }
        Ok(start.elapsed())
    }

    /// Generates `tokens` tokens one by one from an empty cache, for measurements; returns the time.
    ///
    /// # Errors
    /// `Value` for no tokens, `Memory` if memory is short.
    pub fn bench_generation(&self, tokens: usize) -> Result<Duration> {
        let mut cache = self.cache();
        let ids = self.random_tokens(tokens);
        let start = Instant::now();
        let mut decoder = Decoder::default();
        for id in ids {
            mlx::eval(&[self.decode(id, &mut cache, &mut decoder)?])?;
        }
        Ok(start.elapsed())
    }

    /// Pseudo-random token ids, the same in every run.
    fn random_tokens(&self, n: usize) -> Vec<u32> {
        let mut x = 0x2545_F491_4F6C_DD1Du64;
        (0..n)
            .map(|_| {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                ((x >> 33) % self.dims().vocab as u64) as u32
            })
            .collect()
    }
}

/// A conversation with a cache of what was said.
pub struct Session<'a> {
    engine: &'a Engine,
    cache: Cache,
    decoder: Decoder,
    /// Tokens whose keys and values are in the cache.
    tokens: Vec<u32>,
}

impl<'a> Session<'a> {
    /// Generates from the whole conversation so far; what it shares with the cache is not processed again.
    ///
    /// # Errors
    /// `Value` for an empty prompt, one longer than the context, or bad options.
    pub fn generate<'s>(&'s mut self, prompt: &[u32], options: GenerateOptions) -> Result<Generation<'s, 'a>> {
        Generation::start(Held::Borrowed(self), prompt, options)
    }

    /// Positions in the cache.
    pub fn len(&self) -> usize {
        self.cache.len()
    }

    /// True if the cache holds nothing.
    pub fn is_empty(&self) -> bool {
        self.cache.is_empty()
    }
}

enum Held<'s, 'a> {
    Own(Box<Session<'a>>),
    Borrowed(&'s mut Session<'a>),
}

impl<'a> Held<'_, 'a> {
    fn get(&mut self) -> &mut Session<'a> {
        match self {
            Held::Own(s) => s,
            Held::Borrowed(s) => s,
        }
    }
}

/// A generation under way: an iterator of steps. Dropping it ends it; the session keeps what was processed.
pub struct Generation<'s, 'a> {
    session: Held<'s, 'a>,
    engine: &'a Engine,
    options: GenerateOptions,
    sampler: Sampler,
    detokenizer: Detokenizer,
    stop: StopMatcher,
    /// Prompt and generated tokens, for penalties.
    history: Vec<u32>,
    /// Tokens not yet in the cache.
    waiting: Vec<u32>,
    stats: Stats,
    finished: bool,
}

impl<'s, 'a> Generation<'s, 'a> {
    fn start(mut session: Held<'s, 'a>, prompt: &[u32], options: GenerateOptions) -> Result<Self> {
        let s = session.get();
        let engine = s.engine;
        engine.check_room(prompt.len())?;
        let sampler = Sampler::new(&options.sampling)?;
        let stop = StopMatcher::new(&options.stop)?;
        // The last token of the prompt is always processed: its logits start the answer.
        let same = s.tokens.iter().zip(prompt).take_while(|(a, b)| a == b).count().min(prompt.len() - 1);
        s.cache.trim(same);
        s.tokens.truncate(same);
        Ok(Generation {
            engine,
            sampler,
            detokenizer: Detokenizer::new(&engine.tokenizer, true, false),
            stop,
            history: prompt.to_vec(),
            waiting: prompt[same..].to_vec(),
            stats: Stats { prompt_tokens: prompt.len(), cached_tokens: same, ..Stats::default() },
            finished: options.max_tokens == 0,
            session,
            options,
        })
    }

    /// Counts and times so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Processes what waits and returns the logits of its last position; none if cancelled on the way.
    fn process(&mut self) -> Result<Option<Vec<f32>>> {
        let waiting = std::mem::take(&mut self.waiting);
        let session = self.session.get();
        let mut done = 0;
        for chunk in waiting.chunks(CHUNK) {
            if self.options.cancel.is_cancelled() {
                return Ok(None);
            }
            done += chunk.len();
            let last = done == waiting.len();
            let positions = if last { Positions::Last } else { Positions::Nowhere };
            let result = match (chunk, last) {
                (&[token], true) => self.engine.decode(token, &mut session.cache, &mut session.decoder),
                _ => self.engine.forward(chunk, &mut session.cache, positions),
            };
            let result = result.and_then(|y| {
                if last { y.to_vec::<f32>().map(Some) } else { mlx::eval(&session.cache.arrays()).map(|()| None) }
            });
            match result {
                Ok(Some(logits)) => {
                    session.tokens.extend_from_slice(chunk);
                    return Ok(Some(logits));
                }
                Ok(None) => session.tokens.extend_from_slice(chunk),
                Err(e) => {
                    // What was not computed must not be taken for processed.
                    session.cache = self.engine.cache();
                    session.decoder = Decoder::default();
                    session.tokens.clear();
                    return Err(e);
                }
            }
        }
        Err(Error::runtime("[generate] nothing to process"))
    }

    fn step(&mut self) -> Result<Option<Step>> {
        let start = Instant::now();
        let first = self.stats.generation_tokens == 0;
        let Some(mut logits) = self.process()? else {
            self.finished = true;
            return Ok(Some(self.last(FinishReason::Cancelled)));
        };
        let logprobs = if self.options.logprobs > 0 { top_logprobs(&logits, self.options.logprobs)? } else { vec![] };
        let token = self.sampler.sample(&mut logits, &self.history)?;
        self.history.push(token);
        self.stats.generation_tokens += 1;
        if first {
            self.stats.prompt_time = start.elapsed();
        } else {
            self.stats.generation_time += start.elapsed();
        }
        let ended = self.engine.tokenizer.is_eog(token) && !self.options.ignore_eos;
        let mut certain = String::new();
        if !ended {
            self.detokenizer.push(&self.engine.tokenizer, token, &mut certain)?;
        }
        let mut text = String::new();
        let stopped = self.stop.push(&certain, &mut text);
        let full =
            self.stats.generation_tokens >= self.options.max_tokens || self.history.len() >= self.engine.max_context;
        let finish = if ended || stopped {
            Some(FinishReason::Stop)
        } else if full {
            Some(FinishReason::Length)
        } else {
            None
        };
        if finish.is_some() {
            self.finished = true;
            if !stopped {
                self.flush(&mut text);
            }
        } else {
            self.waiting.push(token);
        }
        Ok(Some(Step { token: Some(token), text, logprobs, finish }))
    }

    /// Text still held back.
    fn flush(&mut self, text: &mut String) {
        let mut rest = String::new();
        self.detokenizer.finish(&mut rest);
        if !self.stop.push(&rest, text) {
            self.stop.finish(text);
        }
    }

    /// A step without a token of its own, when cancelled.
    fn last(&mut self, reason: FinishReason) -> Step {
        let mut text = String::new();
        self.flush(&mut text);
        Step { token: None, text, logprobs: vec![], finish: Some(reason) }
    }
}

impl Iterator for Generation<'_, '_> {
    type Item = Result<Step>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let r = self.step();
        if r.is_err() {
            self.finished = true;
        }
        r.transpose()
    }
}
