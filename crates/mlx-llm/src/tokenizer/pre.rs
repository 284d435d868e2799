//! Pre-tokenizers by the name a GGUF file gives in `tokenizer.ggml.pre`.
//!
//! Each row says how text is cut before merging and what the family assumes when the file is silent.

use super::classes::{L, P};
use super::patterns::{Step, Tail};
use mlx_ir::{Error, Result};

/// How text is cut before merging.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pre {
    pub(super) steps: &'static [Step],
    /// A piece that is a token as a whole is that token, whatever the merges say.
    pub(super) whole_pieces: bool,
    /// A beginning-of-text token is added when the file doesn't say.
    pub(super) add_bos: bool,
}

const fn words(digits: usize) -> Step {
    Step::Words { contractions: true, digits, marks: false, tail: Tail::Newlines }
}

const ANY: usize = usize::MAX;

const GPT2: &[Step] = &[Step::Gpt2];
const DIGITS_GPT2: &[Step] = &[Step::Digits(1), Step::Gpt2];
const LLAMA3: &[Step] = &[words(3)];
const QWEN2: &[Step] = &[words(1)];
const GPT4O: &[Step] = &[Step::Cased { contractions: true, digits: 3 }];
const DEEPSEEK3: &[Step] = &[Step::Digits(3), Step::Ranges(HAN_KANA), Step::DeepSeek];
const CLAUSES: &[Step] = &[Step::Clauses];

struct Row(&'static [&'static str], Pre);

const fn row(names: &'static [&'static str], steps: &'static [Step]) -> Row {
    Row(names, Pre { steps, whole_pieces: false, add_bos: false })
}

const fn row_whole(names: &'static [&'static str], steps: &'static [Step], add_bos: bool) -> Row {
    Row(names, Pre { steps, whole_pieces: true, add_bos })
}

static ROWS: &[Row] = &[
    row(&["default"], &[Step::Punctuation("$+<=>^~|"), Step::Gpt2, Step::Digits(ANY), Step::DigitTriples]),
    row(&["gpt-2", "phi-2", "gigachat", "a.x-4.0", "mellum", "exaone4"], GPT2),
    row(&["mpt", "olmo", "jais", "trillion", "granite-docling"], GPT2),
    row(&["smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"], DIGITS_GPT2),
    row(&["falcon"], &[Step::Punctuation("$+<=>^~|`"), Step::Gpt2, Step::DigitTriples]),
    row_whole(
        &["llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"],
        LLAMA3,
        true,
    ),
    row_whole(&["glm4", "glm5"], LLAMA3, false),
    row(&["dbrx", "smaug-bpe"], LLAMA3),
    row_whole(&["minicpm5"], &[Step::Digits(3), words(ANY)], false),
    row(&["qwen2", "deepseek-r1-qwen", "kormo", "megrez", "stablelm2"], QWEN2),
    row(&["hunyuan", "solar-open", "grok-2", "bailingmoe", "bailingmoe2", "llada-moe"], QWEN2),
    row(&["qwen35"], &[Step::Words { contractions: true, digits: 1, marks: true, tail: Tail::Newlines }]),
    row(&["ufakzeka"], &[Step::Words { contractions: false, digits: 1, marks: false, tail: Tail::Newlines }]),
    row(&["seed-coder"], &[Step::Words { contractions: true, digits: 1, marks: false, tail: Tail::Nothing }]),
    row(&["gpt-4o", "llama4", "kanana2", "minimax-m2"], GPT4O),
    row_whole(&["tekken"], &[Step::Cased { contractions: false, digits: 1 }], true),
    row(
        &["deepseek-llm"],
        &[
            Step::Newline,
            Step::SpacedRanges(DEEPSEEK_LETTERS),
            Step::SpacedRanges(DEEPSEEK_PUNCTUATION),
            Step::TrailingSpace,
            Step::Ranges(HAN_HANGUL),
            Step::Digits(ANY),
        ],
    ),
    row(
        &["deepseek-coder"],
        &[Step::Newline, Step::SpacedClass(L), Step::SpacedClass(P), Step::Ranges(HAN_HANGUL), Step::Digits(1)],
    ),
    row(&["deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"], DEEPSEEK3),
    row(&["bloom", "gpt3-finnish", "poro-chat"], CLAUSES),
    row(&["viking"], &[Step::Clauses, Step::Digits(1)]),
];

/// The row of a name. Errors (`Unsupported`) name the ones that exist.
pub(super) fn by_name(name: &str) -> Result<Pre> {
    if let Some(Row(_, pre)) = ROWS.iter().find(|row| row.0.contains(&name)) {
        return Ok(*pre);
    }
    let known = names().collect::<Vec<_>>().join(", ");
    Err(Error::unsupported(format!(
        "[tokenizer] unknown pre-tokenizer {:?} (tokenizer.ggml.pre); known: {known}",
        super::shown(name.as_bytes())
    )))
}

/// Every name this crate knows.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    ROWS.iter().flat_map(|row| row.0.iter().copied())
}

const HAN_KANA: &[(char, char)] = &[('\u{3040}', '\u{30ff}'), ('\u{4e00}', '\u{9fa5}')];
const HAN_HANGUL: &[(char, char)] = &[('\u{800}', '\u{9fa5}'), ('\u{ac00}', '\u{d7ff}')];

const DEEPSEEK_PUNCTUATION: &[(char, char)] = &[
    ('!', '/'),
    (':', '~'),
    ('\u{2018}', '\u{201f}'),
    ('\u{3000}', '\u{3002}'),
    ('\u{ff01}', '\u{ff0f}'),
    ('\u{ff1a}', '\u{ff5e}'),
];

/// Cased letters, as that tokenizer lists them.
#[rustfmt::skip]
const DEEPSEEK_LETTERS: &[(char, char)] = &[
    ('A', 'Z'), ('a', 'z'), ('\u{b5}', '\u{b5}'), ('\u{c0}', '\u{d6}'),
    ('\u{d8}', '\u{f6}'), ('\u{f8}', '\u{1ba}'), ('\u{1bc}', '\u{1bf}'), ('\u{1c4}', '\u{293}'),
    ('\u{295}', '\u{2af}'), ('\u{370}', '\u{373}'), ('\u{376}', '\u{376}'), ('\u{377}', '\u{377}'),
    ('\u{37b}', '\u{37d}'), ('\u{37f}', '\u{37f}'), ('\u{386}', '\u{386}'), ('\u{388}', '\u{38a}'),
    ('\u{38c}', '\u{38c}'), ('\u{38e}', '\u{3a1}'), ('\u{3a3}', '\u{3f5}'), ('\u{3f7}', '\u{481}'),
    ('\u{48a}', '\u{52f}'), ('\u{531}', '\u{556}'), ('\u{10a0}', '\u{10c5}'), ('\u{13a0}', '\u{13f5}'),
    ('\u{13f8}', '\u{13fd}'), ('\u{1c90}', '\u{1cba}'), ('\u{1cbd}', '\u{1cbf}'), ('\u{1d00}', '\u{1d2b}'),
    ('\u{1d6b}', '\u{1d77}'), ('\u{1d79}', '\u{1d9a}'), ('\u{1e00}', '\u{1f15}'), ('\u{1f18}', '\u{1f1d}'),
    ('\u{1f20}', '\u{1f45}'), ('\u{1f48}', '\u{1f4d}'), ('\u{1f50}', '\u{1f57}'), ('\u{1f59}', '\u{1f59}'),
    ('\u{1f5b}', '\u{1f5b}'), ('\u{1f5d}', '\u{1f5d}'), ('\u{1f5f}', '\u{1f7d}'), ('\u{1f80}', '\u{1fb4}'),
    ('\u{1fb6}', '\u{1fbc}'), ('\u{1fbe}', '\u{1fbe}'), ('\u{1fc2}', '\u{1fc4}'), ('\u{1fc6}', '\u{1fcc}'),
    ('\u{1fd0}', '\u{1fd3}'), ('\u{1fd6}', '\u{1fdb}'), ('\u{1fe0}', '\u{1fec}'), ('\u{1ff2}', '\u{1ff4}'),
    ('\u{1ff6}', '\u{1ffc}'), ('\u{2102}', '\u{2102}'), ('\u{2107}', '\u{2107}'), ('\u{210a}', '\u{2113}'),
    ('\u{2115}', '\u{2115}'), ('\u{2119}', '\u{211d}'), ('\u{2124}', '\u{2124}'), ('\u{2126}', '\u{2126}'),
    ('\u{2128}', '\u{2128}'), ('\u{212a}', '\u{212d}'), ('\u{212f}', '\u{2134}'), ('\u{2139}', '\u{2139}'),
    ('\u{213c}', '\u{213f}'), ('\u{2145}', '\u{2149}'), ('\u{214e}', '\u{214e}'), ('\u{2183}', '\u{2183}'),
    ('\u{2184}', '\u{2184}'), ('\u{2c00}', '\u{2c7b}'), ('\u{2c7e}', '\u{2ce4}'), ('\u{2ceb}', '\u{2cee}'),
    ('\u{2cf2}', '\u{2cf2}'), ('\u{2cf3}', '\u{2cf3}'), ('\u{a640}', '\u{a66d}'), ('\u{a680}', '\u{a69b}'),
    ('\u{a722}', '\u{a76f}'), ('\u{a771}', '\u{a787}'), ('\u{a78b}', '\u{a78e}'), ('\u{ab70}', '\u{abbf}'),
    ('\u{fb00}', '\u{fb06}'), ('\u{fb13}', '\u{fb17}'), ('\u{ff21}', '\u{ff3a}'), ('\u{ff41}', '\u{ff5a}'),
    ('\u{10400}', '\u{1044f}'), ('\u{104b0}', '\u{104d3}'), ('\u{104d8}', '\u{104fb}'), ('\u{10c80}', '\u{10cb2}'),
    ('\u{10cc0}', '\u{10cf2}'), ('\u{118a0}', '\u{118df}'), ('\u{1e900}', '\u{1e943}'),
];
