//! Text to token ids and back: byte-level BPE and SentencePiece-type tokenizers from GGUF vocabularies.
//!
//! Vocabularies are untrusted: lengths, ids, kinds, scores, duplicates and merges are checked when a
//! [`Tokenizer`] is made. Encoding takes O(n log n) time for every text and vocabulary.
//!
//! Two deliberate differences to llama.cpp: control tokens and byte tokens are never made from plain text by
//! merging, and a U+2581 in the text of a SentencePiece-type tokenizer stays one (it goes by bytes), so that
//! decoding gives back exactly the text that was encoded.

mod arena;
mod bpe;
mod bytes;
mod classes;
mod gguf;
mod merge;
mod patterns;
mod pre;
mod special;
mod spm;
mod stream;
#[cfg(test)]
mod tests;
mod vocab;

pub use arena::TextArena;
pub use stream::{Detokenizer, Utf8Stream};
pub use vocab::{MAX_TOKENS, Model, TokenKind, Vocab};

use bpe::Bpe;
use merge::Merger;
use mlx_ir::{Error, Result};
use special::{Fragment, Specials};
use spm::Spm;
use std::borrow::Cow;
use vocab::TokenTable;

/// Control tokens that end an answer whatever the file's keys say.
const END_NAMES: &[&str] = &[
    "<|endoftext|>",
    "<|end_of_text|>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<end_of_turn>",
    "<turn|>",
    "<end_of_utterance>",
    "<|endofturn|>",
    "<|end_of_turn|>",
    "<｜end▁of▁sentence｜>",
    "<|EOT|>",
    "<EOT>",
    "<eos>",
    "</s>",
    "[EOS]",
];

/// Bytes that real byte-level vocabularies lack because their training text did: control characters other than
/// white space, and first bytes of U+40000 and up. Such a byte is left out, as the peers do.
fn droppable(b: u8) -> bool {
    (b < b' ' && !b.is_ascii_whitespace()) || b == 0x7f || (0xf1..=0xf4).contains(&b)
}

/// A file's text as an error message may show it: printable and short.
fn shown(text: &[u8]) -> Cow<'_, str> {
    const MOST: usize = 64;
    if text.len() <= MOST {
        return String::from_utf8_lossy(text);
    }
    format!("{}…", String::from_utf8_lossy(&text[..MOST])).into()
}

#[derive(Debug)]
enum Kind {
    Bpe(Bpe),
    Spm(Spm),
    None,
}

/// A tokenizer. It doesn't change after it is made, and threads may share it.
#[derive(Debug)]
pub struct Tokenizer {
    table: TokenTable,
    specials: Specials,
    kind: Kind,
    bos: Option<u32>,
    eos: Option<u32>,
    unk: Option<u32>,
    pad: Option<u32>,
    add_bos: bool,
    add_eos: bool,
    /// Sorted ids of the tokens that end an answer.
    ends: Vec<u32>,
}

impl Tokenizer {
    /// Checks a vocabulary and makes its tokenizer. Errors (`Value`, `Unsupported`) say which entry is wrong:
    /// arrays of other lengths than the tokens, kinds that don't exist, two tokens of one text, byte tokens
    /// missing from a set, NaN scores, merges of texts that aren't tokens, special ids past the end.
    pub fn new(vocab: Vocab) -> Result<Self> {
        let table = TokenTable::new(&vocab)?;
        let specials = Specials::new(&table)?;
        let kind = match vocab.model {
            Model::Bpe => Kind::Bpe(Bpe::new(&vocab, &table)?),
            Model::Spm => Kind::Spm(Spm::new(&vocab, &table)?),
            Model::None => Kind::None,
        };
        let count = table.len();
        let checked = |name: &str, id: Option<u32>| match id {
            Some(id) if id as usize >= count => Err(Error::value(format!(
                "[tokenizer] tokenizer.ggml.{name}_token_id is {id}, but there are {count} tokens"
            ))),
            _ => Ok(id),
        };
        // SentencePiece's own numbering, where a file names no ids.
        let usual =
            |id: u32, wanted: TokenKind| (vocab.model == Model::Spm && table.kind(id) == Some(wanted)).then_some(id);
        let bos = checked("bos", vocab.bos)?.or_else(|| usual(1, TokenKind::Control));
        let eos = checked("eos", vocab.eos)?.or_else(|| usual(2, TokenKind::Control));
        let unk = checked("unknown", vocab.unk)?.or_else(|| usual(0, TokenKind::Unknown));
        let pad = checked("padding", vocab.pad)?;
        let eot = checked("eot", vocab.eot)?;
        let eom = checked("eom", vocab.eom)?;
        let usually_bos = match &kind {
            Kind::Bpe(bpe) => bpe.adds_bos(),
            Kind::Spm(_) => true,
            Kind::None => false,
        };
        let add_bos = vocab.add_bos.unwrap_or(usually_bos && bos.is_some());
        let add_eos = vocab.add_eos.unwrap_or(false);
        for (name, wanted, id) in [("bos", add_bos, bos), ("eos", add_eos, eos)] {
            if wanted && id.is_none() {
                return Err(Error::value(format!(
                    "[tokenizer] add_{name}_token is set, but there is no {name}_token_id"
                )));
            }
        }
        let named = END_NAMES
            .iter()
            .filter_map(|name| table.special(name.as_bytes()).filter(|&id| table.kind(id) == Some(TokenKind::Control)));
        let mut ends: Vec<u32> = named.chain(eos).chain(eot).chain(eom).collect();
        ends.sort_unstable();
        ends.dedup();
        Ok(Self { table, specials, kind, bos, eos, unk, pad, add_bos, add_eos, ends })
    }

    /// The names of the pre-tokenizers that byte-level BPE files may ask for.
    pub fn pre_tokenizers() -> impl Iterator<Item = &'static str> {
        pre::names()
    }

    /// Token ids of a text. `add_special` puts the beginning- and end-of-text tokens around it that the model
    /// wants; `parse_special` turns control tokens spelled in the text into those tokens (user-defined tokens
    /// always are). Errors (`Value`) when the vocabulary has no token for a byte and no unknown token, unless it is
    /// of a control character or of U+40000 and up: those are left out.
    pub fn encode(&self, text: &str, add_special: bool, parse_special: bool) -> Result<Vec<u32>> {
        // Symbols count in u32, and the prefix adds a byte.
        if text.len() >= u32::MAX as usize {
            return Err(Error::value(format!("[encode] a text of {} bytes is too long", text.len())));
        }
        let mut out = Vec::with_capacity(text.len() / 3 + 2);
        if add_special && self.add_bos {
            out.extend(self.bos);
        }
        let byte = |b: u8| self.byte(b);
        match &self.kind {
            Kind::Bpe(bpe) => {
                let mut merger = Merger::new();
                self.specials.split(text, parse_special, |fragment| match fragment {
                    Fragment::Text(text) => bpe.encode(&self.table, text, &mut merger, byte, &mut out),
                    Fragment::Token(id) => {
                        out.push(id);
                        Ok(())
                    }
                })?;
            }
            Kind::Spm(spm) => {
                let mut merger = Merger::new();
                self.specials.split(text, parse_special, |fragment| match fragment {
                    Fragment::Text(text) => spm.encode(&self.table, text, &mut merger, byte, self.unk, &mut out),
                    Fragment::Token(id) => {
                        out.push(id);
                        Ok(())
                    }
                })?;
            }
            Kind::None if text.is_empty() => {}
            Kind::None => {
                return Err(Error::unsupported(
                    "[encode] the model has no vocabulary (tokenizer.ggml.model = no_vocab), so it takes no text",
                ));
            }
        }
        if add_special && self.add_eos {
            out.extend(self.eos);
        }
        Ok(out)
    }

    /// The token of a byte that no merge took up.
    fn byte(&self, b: u8) -> Result<Option<u32>> {
        let unk = self.unk.filter(|&id| self.table.kind(id) == Some(TokenKind::Unknown));
        match self.table.byte(b).or(unk) {
            None if !droppable(b) => Err(Error::value(format!(
                "[encode] the vocabulary has no token for the byte 0x{b:02X} and no unknown token"
            ))),
            id => Ok(id),
        }
    }

    /// The bytes that tokens stand for. `skip_special` leaves control tokens out. Errors (`Index`) for an id
    /// outside the vocabulary.
    pub fn decode_bytes(&self, ids: &[u32], skip_special: bool) -> Result<Vec<u8>> {
        let mut state = Detokenizer::new(self, skip_special, true);
        let mut out = Vec::new();
        for &id in ids {
            out.extend_from_slice(state.bytes(self, id)?);
        }
        Ok(out)
    }

    /// The text of tokens, with U+FFFD for what isn't UTF-8; as [`Tokenizer::decode_bytes`] otherwise.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> Result<String> {
        let bytes = self.decode_bytes(ids, skip_special)?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
    }

    /// The bytes one token stands for: the spelling of control tokens, the byte of byte tokens, and spaces
    /// where SentencePiece writes U+2581. Errors (`Index`) for an id outside the vocabulary.
    pub fn token_bytes(&self, id: u32) -> Result<&[u8]> {
        self.table.text(id).ok_or_else(|| self.no_token(id))
    }

    /// [`Tokenizer::token_bytes`] as text, with U+FFFD for what isn't UTF-8 alone.
    pub fn token_text(&self, id: u32) -> Result<Cow<'_, str>> {
        Ok(String::from_utf8_lossy(self.token_bytes(id)?))
    }

    /// The kind of a token. Errors (`Index`) for an id outside the vocabulary.
    pub fn kind(&self, id: u32) -> Result<TokenKind> {
        self.table.kind(id).ok_or_else(|| self.no_token(id))
    }

    fn no_token(&self, id: u32) -> Error {
        Error::index(format!("[tokenizer] no token {id}; the vocabulary has {}", self.table.len()))
    }

    /// The id of the token that stands for a text: a special token's spelling or plain text.
    pub fn token_id(&self, text: &str) -> Option<u32> {
        self.table.special(text.as_bytes()).or_else(|| self.table.plain(text.as_bytes()))
    }

    /// Whether a token ends an answer: end of text, of turn or of message by the file's keys, and control
    /// tokens with the usual names of those.
    pub fn is_eog(&self, id: u32) -> bool {
        self.ends.binary_search(&id).is_ok()
    }

    /// The tokens of [`Tokenizer::is_eog`], ascending.
    pub fn eog_ids(&self) -> &[u32] {
        &self.ends
    }

    /// Number of tokens.
    pub fn vocab_size(&self) -> usize {
        self.table.len()
    }

    /// The beginning-of-text token.
    pub fn bos(&self) -> Option<u32> {
        self.bos
    }

    /// The end-of-text token.
    pub fn eos(&self) -> Option<u32> {
        self.eos
    }

    /// The unknown token.
    pub fn unk(&self) -> Option<u32> {
        self.unk
    }

    /// The padding token.
    pub fn pad(&self) -> Option<u32> {
        self.pad
    }

    /// Whether texts of this model begin with [`Tokenizer::bos`].
    pub fn adds_bos(&self) -> bool {
        self.add_bos
    }

    /// Whether texts of this model end with [`Tokenizer::eos`].
    pub fn adds_eos(&self) -> bool {
        self.add_eos
    }

    /// Whether a space is put before each text and taken off again.
    pub fn adds_space_prefix(&self) -> bool {
        matches!(&self.kind, Kind::Spm(spm) if spm.space_prefix)
    }
}
