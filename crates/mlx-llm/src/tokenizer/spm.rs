//! SentencePiece-type: of all neighbours whose texts together are a token, the best-scored pair is merged first.

use super::merge::{Merger, NONE};
use super::vocab::{TokenTable, Vocab};
use mlx_ir::{Error, Result};

/// A score with a total order; there are no NaNs and no negative zeros.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Score(f32);

impl Eq for Score {}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Debug)]
pub(super) struct Spm {
    scores: Vec<Score>,
    /// A space is put before each text.
    pub(super) space_prefix: bool,
}

impl Spm {
    pub(super) fn new(vocab: &Vocab, table: &TokenTable) -> Result<Self> {
        let scores = vocab
            .scores
            .as_ref()
            .ok_or_else(|| Error::value("[tokenizer] a llama vocabulary has no scores (tokenizer.ggml.scores)"))?;
        if scores.len() != table.len() {
            return Err(Error::value(format!("[tokenizer] {} scores for {} tokens", scores.len(), table.len())));
        }
        if let Some(id) = scores.iter().position(|s| s.is_nan()) {
            return Err(Error::value(format!("[tokenizer] the score of token {id} is NaN")));
        }
        let bytes = (0..=255).filter(|&b| table.byte(b).is_some()).count();
        if bytes != 0 && bytes != 256 {
            let missing = (0..=255).find(|&b| table.byte(b).is_none()).unwrap_or_default();
            return Err(Error::value(format!("[tokenizer] {bytes} of 256 byte tokens; <0x{missing:02X}> is missing")));
        }
        // Adding zero turns -0.0 into 0.0, so that the two compare equal.
        let scores = scores.iter().map(|s| Score(s + 0.0)).collect();
        Ok(Self { scores, space_prefix: vocab.add_space_prefix.unwrap_or(true) })
    }

    /// Appends the tokens of a text without special tokens.
    pub(super) fn encode(
        &self,
        table: &TokenTable,
        text: &str,
        merger: &mut Merger<Score>,
        byte: impl Fn(u8) -> Result<Option<u32>>,
        unk: Option<u32>,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        let prefixed;
        let text = if self.space_prefix {
            prefixed = format!(" {text}");
            &prefixed
        } else {
            text
        };
        merger.clear();
        let b = text.as_bytes();
        for (i, c) in text.char_indices() {
            let len = c.len_utf8();
            merger.push(len as u32, table.plain(&b[i..i + len]).unwrap_or(NONE));
        }
        merger.run(|l, r| {
            let id = table.plain(&b[l.start as usize..(r.start + r.len) as usize])?;
            Some((self.scores[id as usize], id))
        });
        for symbol in merger.symbols() {
            if symbol.id != NONE {
                out.push(symbol.id);
            } else if let (None, Some(unk)) = (table.byte(0), unk) {
                out.push(unk);
            } else {
                for &x in &b[symbol.start as usize..(symbol.start + symbol.len) as usize] {
                    out.extend(byte(x)?);
                }
            }
        }
        Ok(())
    }
}
