//! Many short byte strings in one allocation: a vocabulary of 262,144 tokens is two vectors, not 262,144.

use mlx_ir::{Error, Result};

/// A list of byte strings stored end to end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextArena {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl TextArena {
    /// An empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty list with room for `count` strings of `bytes` bytes together.
    pub fn with_capacity(count: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ends: Vec::with_capacity(count) }
    }

    /// Appends a string. Errors (`Memory`) when the list would pass 4 GiB.
    pub fn push(&mut self, text: &[u8]) -> Result<()> {
        let end = self.bytes.len().checked_add(text.len()).and_then(|n| u32::try_from(n).ok());
        let end = end.ok_or_else(|| {
            Error::memory(format!("[tokenizer] the texts of the vocabulary pass 4 GiB at entry {}", self.len()))
        })?;
        self.bytes.extend_from_slice(text);
        self.ends.push(end);
        Ok(())
    }

    /// Number of strings.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when there is no string.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The string at `index`, or `None` past the end.
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        let end = *self.ends.get(index)? as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] as usize };
        Some(&self.bytes[start..end])
    }

    /// All strings in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|i| self.get(i).unwrap_or_default())
    }
}

impl<T: AsRef<[u8]>> TryFrom<&[T]> for TextArena {
    type Error = Error;
    fn try_from(texts: &[T]) -> Result<Self> {
        let mut arena = Self::with_capacity(texts.len(), 0);
        for text in texts {
            arena.push(text.as_ref())?;
        }
        Ok(arena)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_come_back_in_order() {
        let arena = TextArena::try_from(&["a", "", "ccc"][..]).unwrap();
        assert_eq!(arena.iter().collect::<Vec<_>>(), [&b"a"[..], b"", b"ccc"]);
        assert_eq!((arena.len(), arena.get(3)), (3, None));
        assert!(!arena.is_empty() && TextArena::new().is_empty());
    }
}
