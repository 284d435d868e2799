//! Real tokenizers against llama.cpp's, by the golden files of `tests/golden/tokenizers`.
//!
//! The model files are not part of the project: `MLX_ARM_TEST_MODELS` names the folder that holds them, and a
//! file that isn't there is skipped with a notice.

use mlx_io::gguf::Gguf;
use mlx_llm::tokenizer::{Detokenizer, TokenKind, Tokenizer};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn test_models_dir() -> Option<PathBuf> {
    std::env::var_os("MLX_ARM_TEST_MODELS").map(PathBuf::from)
}

/// The golden rows of a model: those of the project, and longer ones where `MLX_ARM_TEST_GOLDEN` has them.
fn golden(name: &str) -> Vec<Value> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/tokenizers").join(name);
    let mut text = std::fs::read_to_string(own).unwrap();
    if let Some(dir) = std::env::var_os("MLX_ARM_TEST_GOLDEN") {
        text += &std::fs::read_to_string(Path::new(&dir).join(name)).unwrap();
    }
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn load(file: &str) -> Option<Tokenizer> {
    let path = test_models_dir().map(|dir| dir.join(file));
    match path.filter(|path| path.exists()) {
        Some(path) => Some(Tokenizer::from_gguf(&Gguf::open(path).unwrap()).unwrap()),
        None => {
            eprintln!("skipped: no {file} in the folder that MLX_ARM_TEST_MODELS names");
            None
        }
    }
}

/// Compares every row; `ours` names the texts on which we differ on purpose.
fn compare(tokenizer: &Tokenizer, name: &str, ours: impl Fn(&str, bool) -> bool) {
    let rows = golden(name);
    let (mut compared, mut wrong) = (0, Vec::new());
    for row in &rows {
        let (text, flags) = (row["t"].as_str().unwrap(), row["f"].as_u64().unwrap());
        let wanted: Vec<u32> = row["i"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32).collect();
        let got = tokenizer.encode(text, flags & 1 != 0, flags & 2 != 0).unwrap();
        if ours(text, flags & 2 != 0) {
            continue;
        }
        compared += 1;
        if got != wanted {
            wrong.push(format!("{text:?} ({flags})\n  got  {got:?}\n  want {wanted:?}"));
        }
    }
    println!("{name}: {compared} of {} rows compared", rows.len());
    assert!(compared > 300, "{compared} rows");
    let few = wrong.iter().take(8).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{few}", wrong.len());
}

/// Every text comes back exactly, whole and token by token. `lost` are characters the vocabulary can't spell.
fn round_trips(tokenizer: &Tokenizer, name: &str, lost: &str) {
    for row in golden(name) {
        let text = row["t"].as_str().unwrap().replace(|c| lost.contains(c), "");
        let text = text.as_str();
        for parse_special in [false, true] {
            let ids = tokenizer.encode(text, false, parse_special).unwrap();
            assert_eq!(tokenizer.decode(&ids, false).unwrap(), text);
            assert_eq!(tokenizer.decode_bytes(&ids, false).unwrap(), text.as_bytes());
            let mut stream = Detokenizer::new(tokenizer, false, true);
            let mut pieces = String::new();
            for id in ids {
                stream.push(tokenizer, id, &mut pieces).unwrap();
            }
            stream.finish(&mut pieces);
            assert_eq!(pieces, text);
        }
        let plain = tokenizer.encode(text, false, false).unwrap();
        assert!(plain.iter().all(|&id| tokenizer.kind(id).unwrap() != TokenKind::Control), "{text:?}");
    }
}

#[test]
fn smollm2() {
    let Some(t) = load("SmolLM2-135M-Instruct.Q4_1.gguf") else { return };
    compare(&t, "smollm2.jsonl", |_, _| false);
    round_trips(&t, "smollm2.jsonl", "\u{4}\u{6}\u{13}\u{14}\u{16}\u{1d}");
    assert_eq!((t.vocab_size(), t.bos(), t.eos(), t.adds_bos()), (49152, Some(1), Some(2), false));
    assert_eq!(t.eog_ids(), [0, 2]);
}

#[test]
fn gemma3() {
    let Some(t) = load("gemma-3-270m-q4_k_m.gguf") else { return };
    // A U+2581 in the text stays itself with us and turns into a space in llama.cpp; and the HTML tag </s>, which
    // is user-defined, counts there as a control token by its name.
    let ours = |text: &str, parse: bool| text.contains('\u{2581}') || (text.contains("</s>") && !parse);
    compare(&t, "gemma3.jsonl", ours);
    round_trips(&t, "gemma3.jsonl", "");
    assert_eq!((t.vocab_size(), t.bos(), t.eos(), t.adds_bos()), (262144, Some(2), Some(1), true));
    // <eos> and <end_of_turn>; </s> is an HTML tag here.
    assert_eq!(t.eog_ids(), [1, 106]);
    assert_eq!(t.kind(t.token_id("</s>").unwrap()).unwrap(), TokenKind::UserDefined);
}

#[test]
fn deepseek_r1_qwen() {
    let Some(t) = load("deepseek-r1-distill-qwen.vocab.gguf") else { return };
    compare(&t, "deepseek-r1-qwen.jsonl", |_, _| false);
    round_trips(&t, "deepseek-r1-qwen.jsonl", "");
    assert_eq!((t.vocab_size(), t.bos(), t.eos(), t.adds_bos()), (152064, Some(151646), Some(151643), true));
}
