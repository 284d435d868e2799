//! The commands that run a model, with a tiny one of random weights.

mod common;

use common::{Home, Run, runnable_gguf};
use serde_json::Value;

const TEMPLATE: &str = "{% for m in messages %}{{ m.role }}:{{ m.content }}\n{% endfor %}assistant:";

fn json(run: &Run) -> Value {
    serde_json::from_str(run.succeeds().lines().last().unwrap()).unwrap()
}

/// A home with a base model and a chat model.
fn home() -> (Home, String, String) {
    let home = Home::new();
    let base = home.file("base.gguf", &runnable_gguf(None));
    let chat = home.file("chat.gguf", &runnable_gguf(Some(TEMPLATE)));
    (home, base, chat)
}

#[test]
fn generate_prints_text_or_json() {
    let (home, base, chat) = home();
    let run = |args: &[&str]| home.run(&[&["generate", "--model", &base, "--ignore-eos", "-m", "9"], args].concat());
    let text = run(&["--prompt", "hi there"]);
    let v = json(&run(&["--prompt", "hi there", "--json", "--logprobs", "3"]));
    assert_eq!(text.succeeds(), format!("{}\n", v["text"].as_str().unwrap()));
    assert!(text.err.is_empty());
    assert_eq!(
        (&v["generation_tokens"], &v["finish_reason"], &v["device"]),
        (&9.into(), &"length".into(), &"cpu".into())
    );
    assert_eq!(v["tokens"].as_array().unwrap().len(), 9);
    assert_eq!(v["logprobs"].as_array().unwrap().len(), 9);
    for (step, token) in v["logprobs"].as_array().unwrap().iter().zip(v["tokens"].as_array().unwrap()) {
        let step = step.as_array().unwrap();
        assert_eq!(step.len(), 3);
        assert_eq!(&step[0]["id"], token, "greedy takes the likeliest");
        assert!(step[0]["logprob"].as_f64().unwrap() <= 0.0);
        assert!(step[0]["logprob"].as_f64() >= step[1]["logprob"].as_f64());
    }
    for key in ["prompt_tps", "generation_tps", "load_ms"] {
        assert!(v[key].as_f64().unwrap() > 0.0, "{key}");
    }
    if cfg!(target_os = "linux") {
        assert!(v["peak_rss_bytes"].as_u64().unwrap() > 1 << 20);
    }
    // "hi" is one token, " there" six.
    assert_eq!(v["prompt_tokens"], 7);
    let piped = home.run_with_input(
        &["generate", "--model", &base, "--ignore-eos", "-m", "9", "--prompt", "-", "--json"],
        b"hi there",
    );
    assert_eq!(json(&piped)["tokens"], v["tokens"]);
    assert!(home.run(&["generate", "--model", &base, "-p", "x", "-m", "1", "--stats"]).err.contains("tokens/s"));

    // The template makes the prompt longer, --raw does without it.
    let of = |args: &[&str]| {
        let all = [&["generate", "--model", &chat, "--json", "-m", "1", "-p", "hi"], args].concat();
        json(&home.run(&all))["prompt_tokens"].as_u64().unwrap()
    };
    assert_eq!(of(&["--raw"]), 1);
    let plain = of(&[]);
    assert!(plain > 10);
    assert_eq!(of(&["--prefill-response", "abc"]), plain + 3);
    assert!(of(&["--system-prompt", "abc"]) > plain + 3);
}

#[test]
fn sampling_obeys_its_seed_and_its_flags() {
    let (home, base, _) = home();
    let tokens = |args: &[&str]| {
        let all = ["generate", "--model", &base, "-p", "hi", "--json", "-m", "12", "--ignore-eos"];
        json(&home.run(&[&all, args].concat()))["tokens"].clone()
    };
    let hot = ["--temp", "5", "--seed"];
    assert_eq!(tokens(&[&hot[..], &["7"]].concat()), tokens(&[&hot[..], &["7"]].concat()));
    assert_ne!(tokens(&[&hot[..], &["7"]].concat()), tokens(&[&hot[..], &["8"]].concat()));
    assert_ne!(tokens(&["--temp", "5"]), tokens(&["--temp", "5"]));
    let greedy = tokens(&[]);
    for flags in [["--top-k", "1"], ["--top-p", "0.0001"], ["--min-p", "1"]] {
        assert_eq!(tokens(&[&["--temp", "5", "--seed", "7"][..], &flags].concat()), greedy, "{flags:?}");
    }
    assert_eq!(tokens(&["-t", "1"]), tokens(&["-t", "2"]));
    let punished = tokens(&["--repetition-penalty", "1000", "--repetition-context-size", "64"]);
    let mut different: Vec<_> = punished.as_array().unwrap().iter().map(|t| t.as_u64().unwrap()).collect();
    different.sort_unstable();
    different.dedup();
    assert_eq!(different.len(), 12, "nothing is said twice: {punished}");
}

#[test]
fn stop_texts_end_the_answer_before_them() {
    let (home, base, _) = home();
    let run = |args: &[&str]| {
        let all = ["generate", "--model", &base, "-p", "hello", "--json", "-m", "24", "--ignore-eos"];
        json(&home.run(&[&all, args].concat()))
    };
    let whole = run(&[]);
    let text = whole["text"].as_str().unwrap();
    let stop: String = text.chars().skip(3).take(2).collect();
    let v = run(&["--stop", "\u{1}never\u{1}", "--stop", &stop]);
    assert_eq!(v["text"], text[..text.find(&stop).unwrap()]);
    assert_eq!(v["finish_reason"], "stop");
}

#[test]
fn bad_flags_and_models_end_in_one_line() {
    let (home, base, _) = home();
    let home = home.with("MLX_ARM_GPU", "no device is called like this");
    let run = |args: &[&str]| home.run(&[&["generate", "--model", &base, "-p", "hi"], args].concat());
    run(&["--device", "gpu"]).fails(2, &["--device gpu", "doctor"]);
    run(&["--device", "tpu"]).fails(2, &["tpu"]);
    run(&["--temp", "-1"]).fails(2, &["temperature"]);
    run(&["--temp", "nan"]).fails(2, &["temperature"]);
    run(&["--top-p", "2"]).fails(2, &["top-p"]);
    run(&["--min-p", "-0.5"]).fails(2, &["min-p"]);
    run(&["--repetition-penalty", "0"]).fails(2, &["repetition"]);
    run(&["--seed", "-1"]).fails(2, &["--seed"]);
    run(&["--threads", "0"]).fails(2, &["--threads"]);
    run(&["--threads", "9999"]).fails(2, &["--threads"]);
    run(&["--ctx", "0"]).fails(2, &["--ctx"]);
    run(&["--ctx", "1", "--prompt", "hello"]).fails(2, &["--prompt"]);
    run(&["--stop", ""]).fails(2, &["stop"]);
    run(&["--logprobs", "2"]).fails(2, &["--json"]);
    run(&["--raw", "--system-prompt", "x"]).fails(2, &["--system-prompt"]);
    run(&["--system-prompt", "x"]).fails(2, &["no chat template"]);
    home.run(&["generate", "--model", &base, "-p", "hello hello", "--ctx", "3"]).fails(2, &["context"]);
    home.run(&["generate", "--model", &base, "-p", ""]).fails(2, &["prompt is empty"]);
    home.run(&["generate", "-p", "hi"]).fails(2, &["mlx-arm pull smollm2"]);
    home.run(&["chat", "--model", &base]).fails(2, &["no chat template"]);
    let strange = home.file("strange.gguf", &common::tiny_gguf("strange"));
    let dir = home.dir.path().to_str().unwrap();
    for command in ["generate", "bench", "chat"] {
        let with = |model: &str| match command {
            "generate" => home.run(&[command, "--model", model, "-p", "x"]),
            _ => home.run(&[command, "--model", model]),
        };
        with(&strange).fails(2, &["strange", "llama"]);
        with(dir).fails(2, &["folder"]);
        with(&home.file("garbage.gguf", &[7; 999])).fails(2, &["[gguf]"]);
        with(&home.file("cut.gguf", &runnable_gguf(None)[..20_000])).fails(2, &["[gguf]"]);
        with("nonsense").fails(2, &["smollm2"]);
    }
    home.run(&["bench", "--model", &base, "-p", "65"]).fails(2, &["context of 64"]);
    home.run(&["bench", "--model", &base, "-r", "0"]).fails(2, &["-r"]);
    home.run(&["bench", "--model", &base, "-p", "0", "-n", "0"]).fails(2, &["nothing to measure"]);
}

#[test]
fn chat_answers_every_line() {
    let (home, _, chat) = home();
    let say = |input: &str| home.run_with_input(&["chat", "--model", &chat, "-m", "3"], input.as_bytes());
    let run = say("a\n\n/help\n/nonsense\nb\n/exit\nnever\n");
    assert!(run.succeeds().contains("/reset"));
    assert!(run.err.contains("/nonsense"));
    // Forgetting makes the second answer like a first one.
    let (once, twice) = (say("a\n"), say("a\n/reset\na\n"));
    let answer = once.succeeds();
    assert_eq!(twice.succeeds(), format!("{answer}The conversation is forgotten.\n{answer}"));
    // What does not fit is refused; the conversation goes on after a reset.
    let run = say(&format!("{}\n/reset\na\n", "x".repeat(100)));
    assert_eq!(run.succeeds(), format!("The conversation is forgotten.\n{answer}"));
    assert!(run.err.contains("context") && run.err.contains("/reset"), "{run:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn ctrl_c_stops_the_answer_and_not_the_chat() {
    use std::io::{BufRead, BufReader, Read, Write};
    let (home, _, chat) = home();
    // Without an end of its own the answer would last until the context is full.
    let mut child = home.command(&["chat", "--model", &chat, "-m", "1000000", "--ctx", "1000000"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut byte = [0];
    stdin.write_all(b"a\n").unwrap();
    out.read_exact(&mut byte).unwrap();
    let killed = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    stdin.write_all(b"/help\n/exit\n").unwrap();
    let mut rest = String::new();
    let mut bytes = Vec::new();
    out.read_until(b'/', &mut bytes).unwrap();
    out.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("Ctrl-C stops an answer"), "{rest}");
    assert!(child.wait().unwrap().success());
}

#[test]
fn bench_measures_each_test_for_each_thread_count() {
    let (home, base, _) = home();
    let run = home.run(&["bench", "--model", &base, "-p", "8,16", "-n", "4", "-t", "1,2", "-r", "3", "--json"]);
    let rows = json(&run);
    let names: Vec<_> =
        rows.as_array().unwrap().iter().map(|r| format!("{}/{}", r["test"].as_str().unwrap(), r["threads"])).collect();
    assert_eq!(names, ["pp8/1", "pp16/1", "tg4/1", "pp8/2", "pp16/2", "tg4/2"]);
    let size = std::fs::metadata(&base).unwrap().len();
    for r in rows.as_array().unwrap() {
        let of = |k: &str| r[k].as_f64().unwrap();
        assert!(0.0 < of("tps_min") && of("tps_min") <= of("tps_median") && of("tps_median") <= of("tps_max"));
        assert!(of("load_ms") > 0.0);
        assert_eq!((&r["model_bytes"], &r["device"]), (&size.into(), &"cpu".into()));
        assert!(r["gpu_memory_peak_bytes"].is_null() && r["gpu_memory_least_bytes"].is_null());
    }
    let only = json(&home.run(&["bench", "--model", &base, "-p", "0", "-n", "2", "-r", "1", "--json"]));
    assert_eq!(only.as_array().unwrap().len(), 1);
    assert!(home.run(&["bench", "--model", &base, "-p", "2", "-n", "2", "-r", "1"]).succeeds().contains("pp2"));
}

#[test]
fn bench_on_a_gpu_says_how_much_memory_it_took() {
    let (home, base, _) = home();
    let home = home.with("MLX_VULKAN_SELFTEST", "0");
    let found: Value = serde_json::from_str(home.run(&["gpus"]).succeeds()).unwrap();
    if found["chosen"].is_null() {
        assert!(std::env::var_os("MLX_VULKAN_REQUIRED").is_none(), "{found}");
        return eprintln!("skipped: {}", found["reason"]);
    }
    let args = ["bench", "--model", &base, "--device", "gpu", "-p", "16", "-n", "4", "-r", "1"];
    let rows = json(&home.run(&[&args[..], &["--json"]].concat()));
    for (r, tokens) in rows.as_array().unwrap().iter().zip([16, 4]) {
        let of = |k: &str| r[k].as_u64().unwrap();
        assert_eq!(of("gpu_memory_least_bytes"), of("model_bytes") + tokens * of("kv_cache_bytes_per_token"));
        // The weights lie there; the model is so small that work takes more than they.
        assert!((of("model_bytes") / 2..64 << 20).contains(&of("gpu_memory_peak_bytes")), "{r}");
    }
    assert!(home.run(&args).succeeds().contains("on model and cache"));
}

#[test]
fn eval_compares_with_a_reference() {
    let (home, base, _) = home();
    let text = home.file("text.txt", "some words hi and others ".repeat(20).as_bytes());
    let run =
        |args: &[&str]| home.run(&[&["eval", "--model", &base, "--file", &text, "--window", "32"], args].concat());
    let v = json(&run(&["--positions", "40", "--reference", &base]));
    assert_eq!((&v["positions"], &v["top1_disagreement"]), (&40.into(), &0.0.into()));
    assert!(v["mean_kl"].as_f64().unwrap().abs() < 1e-9);
    assert_eq!(v["perplexity"], v["reference_perplexity"]);
    assert!(v["perplexity"].as_f64().unwrap() > 1.0);
    home.run(&["eval", "--model", &base, "--file", &text, "--window", "62000"]).fails(2, &["less than a window"]);
    home.run(&["eval", "--model", &base, "--file", "/nonexistent"]).fails(2, &["/nonexistent"]);
}
