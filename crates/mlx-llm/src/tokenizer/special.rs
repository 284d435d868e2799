//! Cuts control and user-defined tokens out of a text before the rest is tokenized.

use super::vocab::{TokenKind, TokenTable};
use aho_corasick::{AhoCorasick, MatchKind};
use mlx_ir::{Error, Result};

/// Most bytes that all special tokens may have together; the automaton is several times as large.
const MAX_BYTES: usize = 16 << 20;

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fragment<'a> {
    /// Text to tokenize; never empty.
    Text(&'a str),
    /// A token that stood in the text.
    Token(u32),
}

/// Finds the leftmost, then longest, of a set of tokens.
#[derive(Debug)]
struct Finder {
    automaton: AhoCorasick,
    ids: Vec<u32>,
}

impl Finder {
    fn new(table: &TokenTable, ids: Vec<u32>) -> Result<Option<Self>> {
        if ids.is_empty() {
            return Ok(None);
        }
        let texts = || ids.iter().map(|&id| table.text(id).unwrap_or_default());
        let bytes: usize = texts().map(<[u8]>::len).sum();
        if bytes > MAX_BYTES {
            return Err(Error::value(format!(
                "[tokenizer] {} special tokens of {bytes} bytes together; at most {MAX_BYTES} bytes",
                ids.len()
            )));
        }
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(texts());
        let automaton = automaton.map_err(|e| Error::value(format!("[tokenizer] special tokens: {e}")))?;
        Ok(Some(Self { automaton, ids }))
    }
}

/// Both sets: what is always cut out, and what is when special tokens are asked for.
#[derive(Debug)]
pub(super) struct Specials {
    always: Option<Finder>,
    all: Option<Finder>,
}

impl Specials {
    pub(super) fn new(table: &TokenTable) -> Result<Self> {
        // A token that is not UTF-8 can't stand in a text, and a match of it could split a code point.
        let utf8 = |&id: &u32| table.text(id).is_some_and(|t| std::str::from_utf8(t).is_ok());
        let all: Vec<u32> = table.specials().filter(utf8).collect();
        let user = |&id: &u32| table.kind(id) == Some(TokenKind::UserDefined);
        let always: Vec<u32> = all.iter().copied().filter(user).collect();
        let same = all.len() == always.len();
        Ok(Self { always: Finder::new(table, always)?, all: if same { None } else { Finder::new(table, all)? } })
    }

    /// Calls `emit` for each fragment in order.
    pub(super) fn split<'a>(
        &self,
        text: &'a str,
        parse_special: bool,
        mut emit: impl FnMut(Fragment<'a>) -> Result<()>,
    ) -> Result<()> {
        let finder = if parse_special { self.all.as_ref().or(self.always.as_ref()) } else { self.always.as_ref() };
        let mut done = 0;
        if let Some(finder) = finder {
            for m in finder.automaton.find_iter(text) {
                if m.start() > done {
                    emit(Fragment::Text(&text[done..m.start()]))?;
                }
                emit(Fragment::Token(finder.ids[m.pattern().as_usize()]))?;
                done = m.end();
            }
        }
        if done < text.len() {
            emit(Fragment::Text(&text[done..]))?;
        }
        Ok(())
    }
}
