//! Small made-up vocabularies, hostile ones, and the pre-tokenizers against golden pieces.

use super::*;
use crate::tokenizer::bytes::char_of;
use crate::tokenizer::patterns::split;
use std::time::{Duration, Instant};

/// A generator for property tests: the same numbers everywhere.
struct Rng(u64);

impl Rng {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) % below as u64) as usize
    }

    fn text(&mut self, alphabet: &[char], most: usize) -> String {
        (0..self.next(most + 1)).map(|_| alphabet[self.next(alphabet.len())]).collect()
    }
}

const LETTERS: &[char] = &['a', 'b', 'c', ' ', '\n', 'é', '字', '😀', '\u{2581}', '<', '>', '|', '0', '\u{301}'];

fn spelled(text: &str) -> String {
    text.bytes().map(char_of).collect()
}

/// 256 bytes, a few merges, a user-defined and two control tokens.
fn bpe_vocab() -> Vocab {
    let mut tokens: Vec<String> = (0..=255u8).map(|b| char_of(b).to_string()).collect();
    let merges = ["a b", "b c", "ab c", "Ġ a", "Ġa b", "Ã ©"];
    tokens.extend(merges.iter().map(|m| m.replace(' ', "")));
    tokens.extend(["<|end|>", "<|x|>", "<|", "[PAD]"].map(String::from));
    let mut vocab = Vocab::new(Model::Bpe, TextArena::try_from(&tokens[..]).unwrap());
    let mut kinds = vec![1; tokens.len()];
    kinds[262..].copy_from_slice(&[3, 3, 4, 5]);
    vocab.kinds = Some(kinds);
    vocab.pre = "gpt-2".into();
    vocab.merges = Some(TextArena::try_from(&merges[..]).unwrap());
    (vocab.bos, vocab.eos) = (Some(263), Some(262));
    vocab
}

/// Unknown, begin, end, 256 bytes, then pieces whose score falls with their index.
fn spm_vocab() -> Vocab {
    let mut tokens: Vec<String> = ["<unk>", "<s>", "</s>"].map(String::from).into();
    tokens.extend((0..=255).map(|b| format!("<0x{b:02X}>")));
    tokens.extend(["▁a", "ab", "bc", "▁ab", "abc", "▁", "a", "b", "c", "é", "▁▁", "<T>"].map(String::from));
    let mut vocab = Vocab::new(Model::Spm, TextArena::try_from(&tokens[..]).unwrap());
    let mut kinds = vec![1; tokens.len()];
    kinds[..3].copy_from_slice(&[2, 3, 3]);
    kinds[3..259].fill(6);
    kinds[270] = 4;
    vocab.scores = Some((0..tokens.len()).map(|i| -(i as f32)).collect());
    vocab.kinds = Some(kinds);
    vocab
}

fn bpe() -> Tokenizer {
    Tokenizer::new(bpe_vocab()).unwrap()
}

fn spm() -> Tokenizer {
    Tokenizer::new(spm_vocab()).unwrap()
}

fn texts(t: &Tokenizer, ids: &[u32]) -> Vec<String> {
    ids.iter().map(|&id| t.token_text(id).unwrap().into_owned()).collect()
}

#[test]
fn bpe_merges_by_rank_then_from_the_left() {
    let t = bpe();
    let split = |text: &str| texts(&t, &t.encode(text, false, false).unwrap());
    assert_eq!(split("abc"), ["abc"]);
    assert_eq!(split("bcab abc"), ["bc", "ab", " ", "abc"]);
    assert_eq!(split("é ab"), ["é", " ", "ab"]);
    assert!(split("").is_empty());
}

#[test]
fn special_tokens_are_found_when_asked_for() {
    let t = bpe();
    let (end, x, user) = (262, 263, 264);
    assert_eq!(t.encode("a<|end|><|x|>", false, true).unwrap(), [u32::from(b'a'), end, x]);
    // Longer ones win over "<|", which is user-defined and always cut out.
    let plain = t.encode("<|end|>", false, false).unwrap();
    assert_eq!(plain[0], user);
    assert!(!plain.contains(&end));
    assert_eq!(t.decode(&plain, true).unwrap(), "<|end|>");
    assert_eq!(t.decode(&[97, end, 98], true).unwrap(), "ab");
    assert_eq!(t.decode(&[97, end, 98], false).unwrap(), "a<|end|>b");
}

#[test]
fn begin_and_end_follow_the_flags() {
    let mut vocab = bpe_vocab();
    assert_eq!(bpe().encode("a", true, false).unwrap(), [97]);
    (vocab.add_bos, vocab.add_eos) = (Some(true), Some(true));
    let t = Tokenizer::new(vocab.clone()).unwrap();
    assert!(t.adds_bos() && t.adds_eos());
    assert_eq!(t.encode("a", true, false).unwrap(), [263, 97, 262]);
    assert_eq!(t.encode("a", false, false).unwrap(), [97]);
    vocab.bos = None;
    let e = Tokenizer::new(vocab).unwrap_err();
    assert!(e.message.contains("no bos_token_id"), "{e}");
}

#[test]
fn answers_end_at_known_tokens() {
    let t = bpe();
    // By key and by name; "<|" is no name, and names count for control tokens only.
    assert!(t.is_eog(262) && !t.is_eog(263) && !t.is_eog(264) && !t.is_eog(u32::MAX));
    let mut vocab = bpe_vocab();
    (vocab.eos, vocab.eot) = (None, Some(97));
    assert_eq!(Tokenizer::new(vocab.clone()).unwrap().eog_ids(), [97, 262]);
    vocab.kinds.as_mut().unwrap()[262] = 4;
    assert_eq!(Tokenizer::new(vocab).unwrap().eog_ids(), [97]);
}

#[test]
fn spm_merges_by_score() {
    let t = spm();
    let split = |text: &str| texts(&t, &t.encode(text, false, false).unwrap());
    assert_eq!(split("abc"), [" a", "bc"]);
    assert_eq!(split("xab"), [" ", "x", "ab"]);
    assert_eq!(t.encode("字", false, false).unwrap(), [264, 3 + 0xE5, 3 + 0xAD, 3 + 0x97]);
    // The space prefix follows every special token, as in llama.cpp, and decoding takes it off.
    let ids = t.encode("ab<T>ab", true, false).unwrap();
    assert_eq!(texts(&t, &ids), ["<s>", " ab", "<T>", " ab"]);
    assert_eq!(t.decode(&ids, true).unwrap(), "ab<T>ab");
    // Spelled control and byte tokens stay text.
    let plain = t.encode("<s><0x41>", false, false).unwrap();
    assert!(plain.iter().all(|&id| id > 2));
    assert_eq!(t.decode(&plain, false).unwrap(), "<s><0x41>");
    assert_eq!((t.bos(), t.eos(), t.unk()), (Some(1), Some(2), Some(0)));
}

#[test]
fn texts_come_back_exactly() {
    let mut no_prefix = spm_vocab();
    no_prefix.add_space_prefix = Some(false);
    for t in [bpe(), spm(), Tokenizer::new(no_prefix).unwrap()] {
        let mut rng = Rng(7);
        for _ in 0..2000 {
            let text = rng.text(LETTERS, 24) + ["", "<T>", "<|", " <T> "][rng.next(4)] + &rng.text(LETTERS, 6);
            let ids = t.encode(&text, rng.next(2) == 0, false).unwrap();
            assert_eq!(t.decode(&ids, true).unwrap(), text);
        }
    }
}

#[test]
fn streams_never_split_a_code_point() {
    let t = bpe();
    let mut rng = Rng(11);
    for _ in 0..2000 {
        // Any bytes at all: the stream must equal the lossy decoding of the whole.
        let bytes: Vec<u8> = (0..rng.next(20))
            .map(|_| [0x20, 0x61, 0xC3, 0xA9, 0xE5, 0xAD, 0x97, 0xF0, 0x9F, 0x98, 0x80, 0xFF, 0xED, 0xA0][rng.next(14)])
            .collect();
        let (mut stream, mut joined) = (Detokenizer::new(&t, true, true), String::new());
        for &b in &bytes {
            stream.push(&t, u32::from(b), &mut joined).unwrap();
        }
        stream.finish(&mut joined);
        assert_eq!(joined, String::from_utf8_lossy(&bytes), "{bytes:x?}");
    }
    let (mut stream, mut out) = (Detokenizer::new(&t, true, true), String::new());
    let mut lengths = Vec::new();
    for b in "é😀".bytes() {
        stream.push(&t, u32::from(b), &mut out).unwrap();
        lengths.push(out.len());
    }
    assert_eq!(lengths, [0, 2, 2, 2, 2, 6]);
    assert!(stream.push(&t, 9999, &mut out).is_err());
}

#[test]
fn streams_keep_or_take_the_first_space() {
    let t = spm();
    let ids = t.encode("ab", false, false).unwrap();
    for (at_start, wanted) in [(true, "ab"), (false, " ab")] {
        let (mut stream, mut out) = (Detokenizer::new(&t, true, at_start), String::new());
        ids.iter().for_each(|&id| stream.push(&t, id, &mut out).unwrap());
        assert_eq!(out, wanted);
    }
}

/// Message of the error that a changed vocabulary gives.
fn refused(mut vocab: Vocab, change: impl FnOnce(&mut Vocab)) -> String {
    change(&mut vocab);
    Tokenizer::new(vocab).unwrap_err().message
}

fn push(vocab: &mut Vocab, text: &str, kind: i32) {
    vocab.tokens.push(text.as_bytes()).unwrap();
    vocab.kinds.as_mut().unwrap().push(kind);
    if let Some(scores) = &mut vocab.scores {
        scores.push(0.0);
    }
}

#[test]
fn hostile_vocabularies_are_refused() {
    let merges = |texts: &[&str]| Some(TextArena::try_from(texts).unwrap());
    for (message, wanted) in [
        (refused(bpe_vocab(), |v| v.tokens = TextArena::new()), "0 tokens"),
        (refused(bpe_vocab(), |v| v.kinds = Some(vec![1; 3])), "3 token types for 266 tokens"),
        (refused(bpe_vocab(), |v| v.kinds.as_mut().unwrap()[5] = 9), "token 5 has type 9"),
        (refused(bpe_vocab(), |v| push(v, "abc", 1)), "tokens 258 and 266 are the same text \"abc\""),
        (refused(bpe_vocab(), |v| push(v, "<|x|>", 4)), "tokens 263 and 266 are the same text"),
        (refused(bpe_vocab(), |v| push(v, "<0x4>", 6)), "spelled \"<0x4>\", not <0xXX>"),
        (refused(bpe_vocab(), |v| v.merges = None), "no merges"),
        (refused(bpe_vocab(), |v| v.merges = merges(&["ab"])), "merge 0 \"ab\" is not two texts"),
        (refused(bpe_vocab(), |v| v.merges = merges(&["a b", "a zz"])), "merge 1 \"a zz\" names \"zz\""),
        (refused(bpe_vocab(), |v| v.merges = merges(&["c c"])), "names \"cc\", which is not a token"),
        (refused(bpe_vocab(), |v| v.merges = merges(&[" "])), "merge 0"),
        (refused(bpe_vocab(), |v| v.pre = "gpt-9".into()), "unknown pre-tokenizer \"gpt-9\""),
        (refused(bpe_vocab(), |v| v.eos = Some(266)), "eos_token_id is 266, but there are 266"),
        (refused(bpe_vocab(), |v| v.pad = Some(u32::MAX)), "padding_token_id"),
        (refused(spm_vocab(), |v| v.scores = None), "no scores"),
        (refused(spm_vocab(), |v| v.scores = Some(vec![0.0; 2])), "2 scores for 271 tokens"),
        (refused(spm_vocab(), |v| v.scores.as_mut().unwrap()[7] = f32::NAN), "score of token 7 is NaN"),
        (refused(spm_vocab(), |v| push(v, "<0x41>", 6)), "tokens 68 and 271 are both the byte 0x41"),
        (refused(spm_vocab(), |v| v.kinds.as_mut().unwrap()[68] = 5), "255 of 256 byte tokens; <0x41> is missing"),
        (Model::from_name("t5").unwrap_err().message, "unknown kind \"t5\""),
    ] {
        assert!(message.contains(wanted), "{message:?} lacks {wanted:?}");
    }
}

#[test]
fn a_model_without_vocabulary_takes_no_text() {
    let t = Tokenizer::new(Vocab::new(Model::from_name("no_vocab").unwrap(), TextArena::with_capacity(0, 0))).unwrap();
    assert_eq!(t.vocab_size(), 0);
    assert_eq!(t.encode("", true, true).unwrap(), [0u32; 0]);
    let refused = t.encode("a", true, true).unwrap_err();
    assert!(refused.message.contains("no vocabulary"), "{}", refused.message);
    assert_eq!(t.decode(&[0], true).unwrap_err().kind, mlx_ir::ErrorKind::Index);
}

#[test]
fn bytes_without_tokens() {
    // A byte-level vocabulary without 'q' and U+0001: the first is an error, the second is left out.
    let mut vocab = bpe_vocab();
    let kinds = vocab.kinds.as_mut().unwrap();
    (kinds[usize::from(b'q')], kinds[1]) = (5, 5);
    let t = Tokenizer::new(vocab.clone()).unwrap();
    assert!(t.encode("aqb", false, false).unwrap_err().message.contains("0x71"));
    assert_eq!(t.encode("a\u{1}b", false, false).unwrap(), [97, 98]);
    // With an unknown token, that one; a control token never stands for text.
    vocab.kinds.as_mut().unwrap()[263] = 2;
    (vocab.bos, vocab.unk) = (None, Some(263));
    let t = Tokenizer::new(vocab.clone()).unwrap();
    assert_eq!(t.encode("aqb", false, false).unwrap(), [97, 263, 98]);
    vocab.unk = Some(262);
    assert!(Tokenizer::new(vocab).unwrap().encode("q", false, false).is_err());
}

#[test]
fn spm_without_byte_tokens_uses_unknown() {
    let mut vocab = spm_vocab();
    vocab.kinds.as_mut().unwrap()[3..259].fill(5);
    let t = Tokenizer::new(vocab.clone()).unwrap();
    assert_eq!(t.encode("a字", false, false).unwrap(), [259, 0]);
    vocab.kinds.as_mut().unwrap()[0] = 5;
    assert!(Tokenizer::new(vocab).unwrap().encode("字", false, false).is_err());
}

#[test]
fn ids_outside_are_errors() {
    let t = bpe();
    assert_eq!(t.token_bytes(266).unwrap_err().kind, mlx_ir::ErrorKind::Index);
    assert!(t.decode(&[0, u32::MAX], false).is_err() && t.kind(266).is_err());
    assert_eq!((t.token_id("<|end|>"), t.token_id("abc"), t.token_id("zz")), (Some(262), Some(258), None));
    assert_eq!(t.vocab_size(), 266);
}

#[test]
fn long_texts_take_little_time() {
    // Quadratic work on these would take minutes.
    let start = Instant::now();
    let n = 100_000;
    for t in [bpe(), spm()] {
        for text in
            ["a".repeat(n), "abc".repeat(n / 3), " ".repeat(n), "\n".repeat(n), "é".repeat(n), "<|".repeat(n / 2)]
        {
            let ids = t.encode(&text, false, true).unwrap();
            assert_eq!(t.decode(&ids, false).unwrap().len(), text.len());
        }
    }
    for name in pre::names() {
        let steps = pre::by_name(name).unwrap().steps;
        for unit in
            ["A", "a", "ªA", " ", "\t\n", " \t", "'", "1", "!", "\u{301}", "\u{3000}", "a ", "\u{200d}", "/", "字"]
        {
            let text = unit.repeat(n / unit.len()) + "x";
            let mut total = 0;
            let count: Result<(), ()> = split(steps, &text, &mut |piece: &str| {
                total += piece.len();
                Ok(())
            });
            assert_eq!((count, total), (Ok(()), text.len()), "{name}");
        }
    }
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn pieces_join_to_the_text() {
    let alphabet: Vec<char> = LETTERS.iter().copied().chain("'sStT\r\t\u{a0}\u{3000}AǅÉ½!/$.。-".chars()).collect();
    let mut rng = Rng(3);
    for name in pre::names() {
        for _ in 0..300 {
            let text = rng.text(&alphabet, 30);
            let mut joined = String::new();
            let done: Result<(), ()> = split(pre::by_name(name).unwrap().steps, &text, &mut |piece: &str| {
                assert!(!piece.is_empty());
                joined.push_str(piece);
                Ok(())
            });
            assert_eq!((done, &joined), (Ok(()), &text), "{name}");
        }
    }
}

#[test]
fn pre_tokenizers_agree_with_the_golden_pieces() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/tokenizers");
    let mut rows = std::fs::read_to_string(root.join("pre.jsonl")).unwrap();
    if let Some(dir) = std::env::var_os("MLX_ARM_TEST_GOLDEN") {
        rows += &std::fs::read_to_string(std::path::Path::new(&dir).join("pre.jsonl")).unwrap();
    }
    let (mut count, mut wrong) = (0, Vec::new());
    for row in rows.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()) {
        let (name, text) = (row["n"].as_str().unwrap(), row["t"].as_str().unwrap());
        let wanted: Vec<usize> = row["p"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
        let mut got = Vec::new();
        let done: Result<(), ()> = split(pre::by_name(name).unwrap().steps, text, &mut |piece: &str| {
            got.push(piece.chars().count());
            Ok(())
        });
        count += 1;
        if (done, &got) != (Ok(()), &wanted) {
            wrong.push(format!("{name} {text:?}\n  got  {got:?}\n  want {wanted:?}"));
        }
    }
    assert!(count > 2000, "{count}");
    let few = wrong.iter().take(8).cloned().collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {count} differ:\n{few}", wrong.len());
    assert_eq!(spelled(" é"), "ĠÃ©");
}
