//! Byte-level BPE: pieces of the pre-tokenizer, merged by the rank of the pair.

use super::merge::{Merger, NONE};
use super::patterns;
use super::pre::{self, Pre};
use super::vocab::{TokenTable, Vocab};
use super::{bytes, shown};
use hashbrown::HashTable;
use mlx_ir::{Error, Result};
use std::cmp::Reverse;
use std::hash::{BuildHasher, RandomState};

/// A pair of tokens and what it becomes; its index is its rank.
#[derive(Clone, Copy, Debug)]
struct Merge {
    pair: (u32, u32),
    result: u32,
}

#[derive(Debug)]
pub(super) struct Bpe {
    pre: Pre,
    merges: Vec<Merge>,
    ranks: HashTable<u32>,
    /// Secret of this process: a file can't choose colliding pairs.
    seed: (u64, u64),
}

fn hash(seed: (u64, u64), (left, right): (u32, u32)) -> u64 {
    let x = (u64::from(left) << 32 | u64::from(right)) ^ seed.0;
    let wide = u128::from(x) * u128::from(seed.1);
    (wide >> 64) as u64 ^ wide as u64
}

impl Bpe {
    pub(super) fn new(vocab: &Vocab, table: &TokenTable) -> Result<Self> {
        let pre = pre::by_name(&vocab.pre)?;
        let texts = vocab
            .merges
            .as_ref()
            .ok_or_else(|| Error::value("[tokenizer] a gpt2 vocabulary has no merges (tokenizer.ggml.merges)"))?;
        if texts.len() >= NONE as usize {
            return Err(Error::value(format!("[tokenizer] {} merges are too many", texts.len())));
        }
        let random = RandomState::new();
        let seed = (random.hash_one(0u8), random.hash_one(1u8) | 1);
        let mut merges: Vec<Merge> = Vec::with_capacity(texts.len());
        let mut ranks: HashTable<u32> = HashTable::with_capacity(texts.len());
        let (mut left, mut both) = (Vec::new(), Vec::new());
        for (rank, text) in texts.iter().enumerate() {
            // The separator is the first space that isn't the first byte.
            let space = text.iter().skip(1).position(|&b| b == b' ').map(|p| p + 1);
            let Some((a, b)) = space.map(|p| (&text[..p], &text[p + 1..])) else {
                return Err(Error::value(format!(
                    "[tokenizer] merge {rank} {:?} is not two texts with a space between",
                    shown(text)
                )));
            };
            let find = |spelled: &[u8], out: &mut Vec<u8>| {
                out.clear();
                let found = if bytes::decode_into(spelled, out) { table.plain(out) } else { None };
                found.or_else(|| {
                    out.clear();
                    out.extend_from_slice(spelled);
                    table.special(spelled)
                })
            };
            let unknown = |part: &[u8]| {
                Error::value(format!(
                    "[tokenizer] merge {rank} {:?} names {:?}, which is not a token",
                    shown(text),
                    shown(part)
                ))
            };
            let first = find(a, &mut left).ok_or_else(|| unknown(a))?;
            let second = find(b, &mut both).ok_or_else(|| unknown(b))?;
            left.extend_from_slice(&both);
            let result = table.plain(&left).or_else(|| table.special(&left)).ok_or_else(|| unknown(&left))?;
            let pair = (first, second);
            let h = hash(seed, pair);
            let known = ranks.find(h, |&r| merges.get(r as usize).is_some_and(|m| m.pair == pair)).is_some();
            if !known {
                ranks.insert_unique(h, rank as u32, |&r| hash(seed, merges[r as usize].pair));
            }
            merges.push(Merge { pair, result });
        }
        Ok(Self { pre, merges, ranks, seed })
    }

    /// Whether a text begins with `bos` when the file doesn't say.
    pub(super) fn adds_bos(&self) -> bool {
        self.pre.add_bos
    }

    fn rank(&self, pair: (u32, u32)) -> Option<(u32, u32)> {
        let rank = *self.ranks.find(hash(self.seed, pair), |&r| self.merges[r as usize].pair == pair)?;
        Some((rank, self.merges[rank as usize].result))
    }

    /// Appends the tokens of a text without special tokens.
    pub(super) fn encode(
        &self,
        table: &TokenTable,
        text: &str,
        merger: &mut Merger<Reverse<u32>>,
        byte: impl Fn(u8) -> Result<Option<u32>>,
        out: &mut Vec<u32>,
    ) -> Result<()> {
        patterns::split(self.pre.steps, text, &mut |piece: &str| {
            if self.pre.whole_pieces
                && let Some(id) = table.plain(piece.as_bytes())
            {
                out.push(id);
                return Ok(());
            }
            merger.clear();
            for b in piece.bytes() {
                merger.push(1, table.byte(b).unwrap_or(NONE));
            }
            merger.run(|l, r| self.rank((l.id, r.id)).map(|(rank, id)| (Reverse(rank), id)));
            for symbol in merger.symbols() {
                match symbol.id {
                    NONE => out.extend(byte(piece.as_bytes()[symbol.start as usize])?),
                    id => out.push(id),
                }
            }
            Ok(())
        })
    }
}
