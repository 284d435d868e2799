//! Tokens to text one at a time, without ever splitting a code point.

use super::{Tokenizer, vocab::TokenKind};
use mlx_ir::Result;

/// Bytes to UTF-8 text as they come. What can't become text any more turns into U+FFFD, exactly as
/// `String::from_utf8_lossy` would on the whole; what may still become text is held back (at most 3 bytes).
#[derive(Clone, Debug, Default)]
pub struct Utf8Stream {
    held: Vec<u8>,
}

impl Utf8Stream {
    /// An empty stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes and appends the text that is now certain.
    pub fn push(&mut self, bytes: &[u8], out: &mut String) {
        self.held.extend_from_slice(bytes);
        let mut done = 0;
        for chunk in self.held.utf8_chunks() {
            out.push_str(chunk.valid());
            done += chunk.valid().len();
            let bad = chunk.invalid();
            if bad.is_empty() {
                continue;
            }
            let last = done + bad.len() == self.held.len();
            if last && std::str::from_utf8(bad).is_err_and(|e| e.error_len().is_none()) {
                break;
            }
            out.push(char::REPLACEMENT_CHARACTER);
            done += bad.len();
        }
        self.held.drain(..done);
    }

    /// Ends the stream: an unfinished code point becomes one U+FFFD.
    pub fn finish(&mut self, out: &mut String) {
        if !self.held.is_empty() {
            out.push(char::REPLACEMENT_CHARACTER);
            self.held.clear();
        }
    }
}

/// Turns generated tokens into text, piece by piece; the pieces joined are what [`Tokenizer::decode`] gives.
#[derive(Clone, Debug)]
pub struct Detokenizer {
    utf8: Utf8Stream,
    skip_special: bool,
    strip_space: bool,
}

impl Detokenizer {
    /// A detokenizer. `skip_special` leaves control tokens out of the text. `at_start` says that the text
    /// begins here, so that the space which SentencePiece-type tokenizers put before a text is taken off;
    /// false when the tokens go on a text.
    pub fn new(tokenizer: &Tokenizer, skip_special: bool, at_start: bool) -> Self {
        Self { utf8: Utf8Stream::new(), skip_special, strip_space: at_start && tokenizer.adds_space_prefix() }
    }

    /// The bytes of one token as they stand in a text that goes on.
    pub(super) fn bytes<'a>(&mut self, tokenizer: &'a Tokenizer, id: u32) -> Result<&'a [u8]> {
        let (kind, mut bytes) = (tokenizer.kind(id)?, tokenizer.token_bytes(id)?);
        match kind {
            TokenKind::Control | TokenKind::Unknown | TokenKind::UserDefined => {
                self.strip_space = tokenizer.adds_space_prefix();
                if kind == TokenKind::Control && self.skip_special {
                    bytes = &[];
                }
            }
            TokenKind::Normal | TokenKind::Unused | TokenKind::Byte => {
                if std::mem::take(&mut self.strip_space) {
                    bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
                }
            }
        }
        Ok(bytes)
    }

    /// Appends to `out` the text that token `id` makes certain; it may be empty.
    /// Errors (`Index`) for an id outside the vocabulary.
    pub fn push(&mut self, tokenizer: &Tokenizer, id: u32, out: &mut String) -> Result<()> {
        let bytes = self.bytes(tokenizer, id)?;
        self.utf8.push(bytes, out);
        Ok(())
    }

    /// Ends the text: an unfinished code point becomes U+FFFD.
    pub fn finish(&mut self, out: &mut String) {
        self.utf8.finish(out);
    }
}
