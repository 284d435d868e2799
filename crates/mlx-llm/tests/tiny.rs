//! The tiny random models that scripts/make_tiny_model.py writes, in every weight format, for which
//! `MLX_ARM_TINY_MODELS` names the folder; without it the tests say so and check nothing.

use mlx_llm::cache::KvBits;
use mlx_llm::engine::{Engine, GenerateOptions, LoadOptions};
use mlx_llm::sample::SampleOptions;
use std::path::PathBuf;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("MLX_ARM_TINY_MODELS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: MLX_ARM_TINY_MODELS is not set (scripts/make_tiny_model.py makes the models)");
    }
    folder
}

fn load(folder: &std::path::Path, name: &str) -> Engine {
    load_with(folder, name, KvBits::Sixteen)
}

fn load_with(folder: &std::path::Path, name: &str, kv_bits: KvBits) -> Engine {
    let options = LoadOptions { kv_bits, ..LoadOptions::default() };
    Engine::load(&folder.join(format!("{name}.gguf")), &options, &mut |_| {}).unwrap()
}

fn greedy(engine: &Engine, prompt: &[u32], n: usize) -> Vec<u32> {
    let sampling = SampleOptions { temperature: 0.0, ..SampleOptions::default() };
    let options = GenerateOptions { max_tokens: n, sampling, ignore_eos: true, ..GenerateOptions::default() };
    engine.generate(prompt, options).unwrap().filter_map(|s| s.unwrap().token).collect()
}

const PROMPT: &str = "The quick brown fox";

/// What llama.cpp (of llama-cpp-python 0.3.36) answers greedily on the F32 files: its text is that of these tokens.
const GREEDY: [(&str, [u32; 12]); 3] = [
    ("tiny-llama-F32", [188, 272, 141, 112, 347, 239, 23, 288, 329, 325, 238, 129]),
    ("tiny-llama-spm-F32", [70, 301, 285, 133, 245, 137, 93, 127, 344, 306, 117, 142]),
    ("tiny-gemma3-F32", [216, 154, 387, 9, 186, 200, 166, 166, 107, 108, 300, 107]),
];

#[test]
fn greedy_answers_are_those_of_llama_cpp() {
    let Some(folder) = folder() else { return };
    for (name, want) in GREEDY {
        let engine = load(&folder, name);
        let prompt = engine.tokenizer().encode(PROMPT, true, false).unwrap();
        assert_eq!(greedy(&engine, &prompt, want.len()), want, "{name}");
    }
}

#[test]
fn a_prompt_in_parts_gives_the_same_answer() {
    let Some(folder) = folder() else { return };
    for (name, want) in GREEDY {
        let engine = load(&folder, name);
        let mut tokens = engine.tokenizer().encode(PROMPT, true, false).unwrap();
        // One token at a time through the cache, against all at once.
        let mut session = engine.session();
        let sampling = SampleOptions { temperature: 0.0, ..SampleOptions::default() };
        for (i, &token) in want.iter().enumerate() {
            let options = GenerateOptions {
                max_tokens: 1,
                sampling: sampling.clone(),
                ignore_eos: true,
                ..GenerateOptions::default()
            };
            let got: Vec<u32> = session.generate(&tokens, options).unwrap().filter_map(|s| s.unwrap().token).collect();
            assert_eq!(got, [token], "{name} at {i}");
            assert!(session.len() >= tokens.len(), "{name}: what was said is in the cache");
            assert_eq!(greedy(&engine, &tokens, 1), [token], "{name} at {i}, all at once");
            tokens.push(token);
        }
    }
}

#[test]
fn every_weight_format_gives_nearly_the_logits_of_f32() {
    let Some(folder) = folder() else { return };
    for family in ["tiny-llama", "tiny-llama-spm", "tiny-gemma3"] {
        let exact = load(&folder, &format!("{family}-F32"));
        let prompt = exact.tokenizer().encode(PROMPT, true, false).unwrap();
        let want = exact.logits(&prompt).unwrap();
        for (format, least) in [
            ("F16", 0.9999),
            ("BF16", 0.999),
            ("Q8_0", 0.998),
            ("Q6_K", 0.99),
            ("Q5_K", 0.96),
            ("Q5_0", 0.96),
            ("Q4_K", 0.87),
            ("Q4_1", 0.87),
            ("Q4_0", 0.87),
        ] {
            let got = load(&folder, &format!("{family}-{format}")).logits(&prompt).unwrap();
            assert_eq!(got.len(), want.len());
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>();
            let cosine = dot(&got, &want) / (dot(&got, &got) * dot(&want, &want)).sqrt();
            println!("{family}-{format}: cosine {cosine:.5}");
            assert!(cosine > least, "{family}-{format}: cosine {cosine}, least {least}");
        }
    }
}

#[test]
fn a_cache_in_8_bits_gives_nearly_the_logits_of_f16() {
    let Some(folder) = folder() else { return };
    for (name, _) in GREEDY {
        let (exact, packed) = (load(&folder, name), load_with(&folder, name, KvBits::Eight));
        assert!(packed.cache_bytes() * 10 < exact.cache_bytes() * 7, "{name}");
        let prompt = exact.tokenizer().encode(PROMPT, true, false).unwrap();
        let prompt: Vec<u32> = prompt.into_iter().cycle().take(300).collect();
        let (want, got) = (exact.logits(&prompt).unwrap(), packed.logits(&prompt).unwrap());
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>();
        let cosine = dot(&got, &want) / (dot(&got, &got) * dot(&want, &want)).sqrt();
        println!("{name}: cosine {cosine:.6}");
        assert!(cosine > 0.9995, "{name}: cosine {cosine}");
        // One token at a time as all at once: the same cache, read by other kernels.
        let vocab = packed.dims().vocab;
        let mut session = packed.session();
        for n in [40, 41, 300] {
            let options = GenerateOptions {
                max_tokens: 1,
                sampling: SampleOptions { temperature: 0.0, ..SampleOptions::default() },
                logprobs: 1,
                ignore_eos: true,
                ..GenerateOptions::default()
            };
            let step = session.generate(&prompt[..n], options).unwrap().next().unwrap().unwrap();
            let row = &got[(n - 1) * vocab..n * vocab];
            let (top, sum) = (row.iter().fold(f32::MIN, |m, &x| m.max(x)), row.iter().map(|x| x.exp()).sum::<f32>());
            assert!((step.logprobs[0].1 - (top - sum.ln())).abs() < 0.01, "{name} at {n}");
        }
    }
}
