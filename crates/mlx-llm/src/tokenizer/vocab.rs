//! What a tokenizer is built from, and the checked token table.

use super::arena::TextArena;
use super::{bytes, shown};
use hashbrown::HashTable;
use mlx_ir::{Error, Result};
use std::hash::{BuildHasher, RandomState};

/// Most tokens a vocabulary may have.
pub const MAX_TOKENS: usize = 1 << 24;

/// The kind of a token, as GGUF numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// 1: text made by merging.
    Normal,
    /// 2: stands for what no other token covers.
    Unknown,
    /// 3: a mark of the format, never made from plain text.
    Control,
    /// 4: text that is always cut out whole.
    UserDefined,
    /// 5: a place kept free.
    Unused,
    /// 6: one byte, spelled `<0xXX>`.
    Byte,
}

impl TokenKind {
    fn from_gguf(kind: i32) -> Option<Self> {
        Some(match kind {
            1 => Self::Normal,
            2 => Self::Unknown,
            3 => Self::Control,
            4 => Self::UserDefined,
            5 => Self::Unused,
            6 => Self::Byte,
            _ => return None,
        })
    }
}

/// The kinds of tokenizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Byte-level BPE with ranked merges (`tokenizer.ggml.model = gpt2`).
    Bpe,
    /// SentencePiece-type: merges by the score of the result, byte fallback (`llama`).
    Spm,
    /// No vocabulary (`no_vocab`): tokens are numbers only.
    None,
}

impl Model {
    /// The kind for a value of `tokenizer.ggml.model`. Errors (`Unsupported`) name the known ones.
    pub fn from_name(name: &str) -> Result<Self> {
        match name {
            "gpt2" => Ok(Self::Bpe),
            "llama" => Ok(Self::Spm),
            "no_vocab" => Ok(Self::None),
            _ => Err(Error::unsupported(format!(
                "[tokenizer] unknown kind {:?} (tokenizer.ggml.model); known: gpt2, llama, no_vocab",
                shown(name.as_bytes())
            ))),
        }
    }
}

/// Everything a file says about its tokenizer, unchecked: [`super::Tokenizer::new`] checks it.
#[derive(Clone, Debug)]
pub struct Vocab {
    /// The kind of tokenizer.
    pub model: Model,
    /// Name of the pre-tokenizer (BPE only).
    pub pre: String,
    /// Token texts as spelled in the file, by id.
    pub tokens: TextArena,
    /// Scores by id (SPM only).
    pub scores: Option<Vec<f32>>,
    /// Kinds by id, numbered as in GGUF; all normal when absent.
    pub kinds: Option<Vec<i32>>,
    /// Merges, best first, each `left right` (BPE only).
    pub merges: Option<TextArena>,
    /// Beginning of text.
    pub bos: Option<u32>,
    /// End of text.
    pub eos: Option<u32>,
    /// End of a turn.
    pub eot: Option<u32>,
    /// End of a message that expects a tool's answer.
    pub eom: Option<u32>,
    /// Unknown text.
    pub unk: Option<u32>,
    /// Padding.
    pub pad: Option<u32>,
    /// Whether texts begin with `bos`; by the kind of tokenizer when absent.
    pub add_bos: Option<bool>,
    /// Whether texts end with `eos`; no when absent.
    pub add_eos: Option<bool>,
    /// Whether a space is put before the text (SPM only); yes when absent.
    pub add_space_prefix: Option<bool>,
}

impl Vocab {
    /// A vocabulary with tokens only.
    pub fn new(model: Model, tokens: TextArena) -> Self {
        Self {
            model,
            pre: "default".into(),
            tokens,
            scores: None,
            kinds: None,
            merges: None,
            bos: None,
            eos: None,
            eot: None,
            eom: None,
            unk: None,
            pad: None,
            add_bos: None,
            add_eos: None,
            add_space_prefix: None,
        }
    }
}

/// Tokens by id and ids by text. Texts are the bytes a token stands for, not the file's spelling.
#[derive(Debug)]
pub(super) struct TokenTable {
    texts: TextArena,
    kinds: Vec<TokenKind>,
    /// Tokens that merging may produce.
    plain: HashTable<u32>,
    /// Control, user-defined and unknown tokens.
    special: HashTable<u32>,
    byte_ids: [Option<u32>; 256],
    longest: usize,
    hasher: RandomState,
}

impl TokenTable {
    pub(super) fn new(vocab: &Vocab) -> Result<Self> {
        let count = vocab.tokens.len();
        if (count == 0 && vocab.model != Model::None) || count > MAX_TOKENS {
            return Err(Error::value(format!("[tokenizer] {count} tokens; there must be 1 to {MAX_TOKENS}")));
        }
        if let Some(kinds) = &vocab.kinds
            && kinds.len() != count
        {
            return Err(Error::value(format!("[tokenizer] {} token types for {count} tokens", kinds.len())));
        }
        let mut table = Self {
            texts: TextArena::with_capacity(count, 0),
            kinds: Vec::with_capacity(count),
            plain: HashTable::with_capacity(count),
            special: HashTable::new(),
            byte_ids: [None; 256],
            longest: 0,
            hasher: RandomState::new(),
        };
        let mut text = Vec::new();
        for (id, spelled) in vocab.tokens.iter().enumerate() {
            let kind = match &vocab.kinds {
                None => TokenKind::Normal,
                Some(kinds) => TokenKind::from_gguf(kinds[id]).ok_or_else(|| {
                    Error::value(format!("[tokenizer] token {id} has type {}, not 1 to 6", kinds[id]))
                })?,
            };
            text.clear();
            let mergeable = table.meaning(vocab.model, kind, id, spelled, &mut text)?;
            table.add(id as u32, kind, &text, mergeable)?;
        }
        if vocab.model == Model::Bpe {
            for byte in 0..=255 {
                if table.byte_ids[byte as usize].is_none() {
                    table.byte_ids[byte as usize] = table.plain(&[byte]);
                }
            }
        }
        Ok(table)
    }

    /// Writes the bytes a token stands for; true when merging may produce it.
    fn meaning(&self, model: Model, kind: TokenKind, id: usize, spelled: &[u8], out: &mut Vec<u8>) -> Result<bool> {
        match (kind, model) {
            (TokenKind::Byte, _) => {
                let byte = byte_spelling(spelled).ok_or_else(|| {
                    Error::value(format!("[tokenizer] byte token {id} is spelled {:?}, not <0xXX>", shown(spelled)))
                })?;
                out.push(byte);
                Ok(false)
            }
            (TokenKind::Normal, Model::Bpe) => {
                let known = bytes::decode_into(spelled, out);
                if !known {
                    out.extend_from_slice(spelled);
                }
                Ok(known && !spelled.is_empty())
            }
            (TokenKind::Normal, Model::Spm) => {
                unescape_spaces(spelled, out);
                Ok(!spelled.is_empty())
            }
            _ => {
                out.extend_from_slice(spelled);
                Ok(false)
            }
        }
    }

    fn add(&mut self, id: u32, kind: TokenKind, text: &[u8], mergeable: bool) -> Result<()> {
        self.texts.push(text)?;
        self.kinds.push(kind);
        let table = match kind {
            TokenKind::Byte => {
                let slot = &mut self.byte_ids[text[0] as usize];
                if let Some(first) = *slot {
                    return Err(Error::value(format!(
                        "[tokenizer] tokens {first} and {id} are both the byte 0x{:02X}",
                        text[0]
                    )));
                }
                *slot = Some(id);
                return Ok(());
            }
            TokenKind::Normal if mergeable => &mut self.plain,
            TokenKind::Normal | TokenKind::Unused => return Ok(()),
            TokenKind::Unknown | TokenKind::Control | TokenKind::UserDefined => &mut self.special,
        };
        self.longest = self.longest.max(text.len());
        let (texts, hasher) = (&self.texts, &self.hasher);
        let of = |id: u32| texts.get(id as usize).unwrap_or_default();
        let hash = hasher.hash_one(text);
        if let Some(first) = table.find(hash, |&other| of(other) == text) {
            return Err(Error::value(format!(
                "[tokenizer] tokens {first} and {id} are the same text {:?}",
                shown(text)
            )));
        }
        table.insert_unique(hash, id, |&other| hasher.hash_one(of(other)));
        Ok(())
    }

    fn find(&self, table: &HashTable<u32>, text: &[u8]) -> Option<u32> {
        if text.len() > self.longest {
            return None;
        }
        let hash = self.hasher.hash_one(text);
        table.find(hash, |&id| self.text(id) == Some(text)).copied()
    }

    /// The token that merging may produce for a text.
    pub(super) fn plain(&self, text: &[u8]) -> Option<u32> {
        self.find(&self.plain, text)
    }

    /// The control, user-defined or unknown token with a spelling.
    pub(super) fn special(&self, text: &[u8]) -> Option<u32> {
        self.find(&self.special, text)
    }

    /// All control, user-defined and unknown tokens with a text.
    pub(super) fn specials(&self) -> impl Iterator<Item = u32> {
        self.special.iter().copied().filter(|&id| self.text(id).is_some_and(|t| !t.is_empty()))
    }

    pub(super) fn byte(&self, byte: u8) -> Option<u32> {
        self.byte_ids[byte as usize]
    }

    pub(super) fn text(&self, id: u32) -> Option<&[u8]> {
        self.texts.get(id as usize)
    }

    pub(super) fn kind(&self, id: u32) -> Option<TokenKind> {
        self.kinds.get(id as usize).copied()
    }

    pub(super) fn len(&self) -> usize {
        self.kinds.len()
    }
}

/// The byte of `<0xXX>`.
fn byte_spelling(text: &[u8]) -> Option<u8> {
    let [b'<', b'0', b'x', hi, lo, b'>'] = *text else { return None };
    let digit = |b: u8| char::from(b).to_digit(16);
    Some((digit(hi)? * 16 + digit(lo)?) as u8)
}

/// Copies with U+2581 turned into spaces.
pub(super) fn unescape_spaces(text: &[u8], out: &mut Vec<u8>) {
    const MARK: &[u8] = "\u{2581}".as_bytes();
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        if let Some(tail) = rest.strip_prefix(MARK) {
            out.push(b' ');
            rest = tail;
        } else {
            out.push(first);
            rest = after;
        }
    }
}
