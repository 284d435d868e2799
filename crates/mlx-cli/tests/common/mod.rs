//! Runs the program in an empty home.

#![allow(dead_code, reason = "each test file uses its part of this")]

use std::io::Write;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// What a run ended with.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    /// The only thing on standard error is one line that says all of this, and the exit code is `code`.
    #[track_caller]
    pub fn fails(&self, code: i32, parts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        assert!(self.err.starts_with("error: "), "{self:?}");
        for part in parts {
            assert!(self.err.contains(part), "no '{part}' in {self:?}");
        }
        assert!(!self.err.contains("panicked") && !self.err.contains("backtrace"), "{self:?}");
    }

    /// Success; returns standard output.
    #[track_caller]
    pub fn succeeds(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:?}");
        &self.out
    }
}

/// An empty home, and the program in it.
pub struct Home {
    pub dir: TempDir,
    vars: Vec<(String, String)>,
}

impl Home {
    pub fn new() -> Home {
        Home { dir: tempfile::tempdir().unwrap(), vars: Vec::new() }
    }

    /// With a further environment variable.
    pub fn with(mut self, name: &str, value: &str) -> Home {
        self.vars.push((name.into(), value.into()));
        self
    }

    pub fn run(&self, args: &[&str]) -> Run {
        self.run_with_input(args, b"")
    }

    pub fn run_with_input(&self, args: &[&str], input: &[u8]) -> Run {
        let mut child = self.command(args).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // The program may stop reading early; that is its right.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let out = child.wait_with_output().unwrap();
        writer.join().unwrap();
        Run {
            code: out.status.code(),
            out: String::from_utf8_lossy(&out.stdout).into_owned(),
            err: String::from_utf8_lossy(&out.stderr).into_owned(),
        }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        // Where the tests themselves run under an emulator, so must the program: a program that starts it is named.
        let mut command = match std::env::var_os("MLX_ARM_TEST_RUNNER") {
            Some(runner) => {
                let mut c = Command::new(runner);
                c.arg(env!("CARGO_BIN_EXE_mlx-arm"));
                c
            }
            None => Command::new(env!("CARGO_BIN_EXE_mlx-arm")),
        };
        command.args(args).env("MLX_ARM_HOME", self.dir.path());
        for name in ["HF_ENDPOINT", "HF_TOKEN", "MLX_NUM_THREADS", "MLX_CPU_ISA", "RUST_BACKTRACE", "MLX_ARM_PYTHON"] {
            command.env_remove(name);
        }
        command.envs(self.vars.iter().cloned());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Writes a file in the home and returns its path.
    pub fn file(&self, name: &str, contents: &[u8]) -> String {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, contents).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// A GGUF file with a byte-level vocabulary and two small tensors.
pub fn tiny_gguf(architecture: &str) -> Vec<u8> {
    use mlx_io::gguf::{GgufWriter, MetaValue};
    let mut w = GgufWriter::new();
    // The printable stand-ins of the 256 bytes, as byte-level BPE spells them; then one merge and one special token.
    let mut tokens: Vec<String> = Vec::new();
    let mut shifted = 256u32;
    for b in 0..=255u8 {
        let plain = matches!(b, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
        let code = if plain { u32::from(b) } else { shifted };
        shifted += u32::from(!plain);
        tokens.push(char::from_u32(code).unwrap().to_string());
    }
    tokens.push("hi".into());
    tokens.push("<|end|>".into());
    let mut kinds = vec![1i32; 257];
    kinds.push(3);
    let mut set = |k: &str, v: MetaValue| w.set(k, v).unwrap();
    set("general.architecture", MetaValue::Str(architecture.into()));
    set("general.name", MetaValue::Str("tiny\u{1b}[2J".into()));
    for (k, v) in [("block_count", 2u32), ("context_length", 64), ("embedding_length", 32)] {
        set(&format!("{architecture}.{k}"), MetaValue::U32(v));
    }
    set(&format!("{architecture}.attention.head_count"), MetaValue::U32(4));
    set(&format!("{architecture}.attention.head_count_kv"), MetaValue::U32(2));
    set("tokenizer.ggml.model", MetaValue::Str("gpt2".into()));
    set("tokenizer.ggml.pre", MetaValue::Str("gpt-2".into()));
    set("tokenizer.ggml.tokens", tokens.into());
    set("tokenizer.ggml.token_type", kinds.into());
    set("tokenizer.ggml.merges", vec!["h i".to_owned()].into());
    set("tokenizer.ggml.eos_token_id", MetaValue::U32(257));
    w.add_tensor("token_embd.weight", mlx_io::GgmlType::Q8_0, &[32, 258]).unwrap();
    w.add_tensor("output_norm.weight", mlx_io::GgmlType::F32, &[32]).unwrap();
    let mut sink = w.start(Vec::new()).unwrap();
    sink.write(&vec![0; 258 * 34]).unwrap();
    sink.write(&[0; 128]).unwrap();
    sink.finish().unwrap()
}

/// A llama of two layers with random weights, which runs. With `template`, it can chat.
pub fn runnable_gguf(template: Option<&str>) -> Vec<u8> {
    use mlx_io::gguf::{GgufWriter, MetaValue};
    let base = mlx_io::Gguf::parse(&tiny_gguf("llama")).unwrap();
    let mut w = GgufWriter::new();
    for (key, value) in base.metadata().iter() {
        w.set(key, value).unwrap();
    }
    for (key, value) in [("feed_forward_length", 64u32), ("rope.dimension_count", 8)] {
        w.set(&format!("llama.{key}"), value).unwrap();
    }
    w.set("llama.attention.layer_norm_rms_epsilon", 1e-5f32).unwrap();
    if let Some(t) = template {
        w.set("tokenizer.chat_template", MetaValue::Str(t.into())).unwrap();
    }
    let mut shapes: Vec<(String, Vec<usize>)> =
        vec![("token_embd.weight".into(), vec![32, 258]), ("output_norm.weight".into(), vec![32])];
    for layer in 0..2 {
        for (name, dims) in [
            ("attn_norm", vec![32]),
            ("attn_q", vec![32, 32]),
            ("attn_k", vec![32, 16]),
            ("attn_v", vec![32, 16]),
            ("attn_output", vec![32, 32]),
            ("ffn_norm", vec![32]),
            ("ffn_gate", vec![32, 64]),
            ("ffn_up", vec![32, 64]),
            ("ffn_down", vec![64, 32]),
        ] {
            shapes.push((format!("blk.{layer}.{name}.weight"), dims));
        }
    }
    for (name, dims) in &shapes {
        w.add_tensor(name, mlx_io::GgmlType::F32, dims).unwrap();
    }
    let mut sink = w.start(Vec::new()).unwrap();
    let mut state = 1u64;
    for (_, dims) in &shapes {
        let values = (0..dims.iter().product::<usize>()).flat_map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let x = (state >> 40) as f32 / (1u64 << 24) as f32 - 0.5;
            if dims.len() == 1 { 1.0f32 } else { x }.to_le_bytes()
        });
        sink.write(&values.collect::<Vec<u8>>()).unwrap();
    }
    sink.finish().unwrap()
}
