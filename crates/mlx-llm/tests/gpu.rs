//! Decoding on a GPU: a step is recorded once and runs again. A file of its own, since it counts launches.
//! `MLX_ARM_TINY_MODELS` names the folder of scripts/make_tiny_model.py's models.

use mlx::Device;
use mlx_llm::cache::KvBits;
use mlx_llm::engine::{Engine, GenerateOptions, LoadOptions};
use mlx_llm::place::Place;
use mlx_llm::sample::SampleOptions;
use std::path::PathBuf;

#[test]
fn a_step_is_recorded_once() {
    let Some(folder) = std::env::var_os("MLX_ARM_TINY_MODELS").map(PathBuf::from) else {
        eprintln!("skipped: MLX_ARM_TINY_MODELS is not set (scripts/make_tiny_model.py makes the models)");
        return;
    };
    if let Err(e) = Device::Gpu.check() {
        assert!(std::env::var_os("MLX_VULKAN_REQUIRED").is_none(), "{e}");
        eprintln!("skipped: {e}");
        return;
    }
    let names = ["tiny-llama-F32", "tiny-gemma3-F32"];
    for (name, kv_bits) in names.into_iter().flat_map(|n| [(n, KvBits::Sixteen), (n, KvBits::Eight)]) {
        let load = |place| {
            let options = LoadOptions { place, kv_bits, ..LoadOptions::default() };
            Engine::load(&folder.join(format!("{name}.gguf")), &options, &mut |_| {}).unwrap()
        };
        let (cpu, gpu) = (load(Place::Cpu), load(Place::Gpu));
        let words = cpu.tokenizer().encode("The quick brown fox", true, false).unwrap();
        let prompt: Vec<u32> = words.into_iter().cycle().take(248).collect();
        let options = |max_tokens| GenerateOptions {
            max_tokens,
            sampling: SampleOptions { temperature: 0.0, ..SampleOptions::default() },
            ignore_eos: true,
            ..GenerateOptions::default()
        };
        // The cache grows at 256 positions: then the step is recorded anew.
        let tokens = 20;
        let want: Vec<u32> = cpu.generate(&prompt, options(tokens)).unwrap().filter_map(|s| s.unwrap().token).collect();
        let mut got = Vec::new();
        let mut recorded = 0;
        let mut before = mlx::counts().launches;
        for step in gpu.generate(&prompt, options(tokens)).unwrap() {
            got.extend(step.unwrap().token);
            let now = mlx::counts().launches;
            recorded += usize::from(now == before);
            before = now;
        }
        assert_eq!(got, want, "{name} {kv_bits:?}");
        // All but the prompt's, the growth's, and the first after each.
        assert_eq!(recorded, tokens - 4, "{name} {kv_bits:?}");
    }
}
