//! Architectures: one file each, listed in [`ARCHS`].

mod gemma3;
mod llama;

use crate::cache::{Cache, KvBits, Offset};
use crate::layers::Heads;
use crate::weights::Weights;
use mlx::{Array, Error, Result};

/// Which positions' logits a forward pass returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Positions {
    /// Only the last: (1, vocabulary).
    Last,
    /// All: (T, vocabulary).
    All,
    /// None are computed, only the cache is filled: (1, features).
    Nowhere,
}

/// Sizes that users and caches need to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dims {
    /// Layers.
    pub layers: usize,
    /// Rows of the embedding.
    pub vocab: usize,
    /// Context that the model was trained for.
    pub context: usize,
    /// Sizes of its attention blocks.
    pub heads: Heads,
}

impl Dims {
    /// Bytes of key-value cache for each position.
    ///
    /// # Errors
    /// `Unsupported` if heads of so many features are not stored so.
    pub fn cache_bytes(&self, bits: KvBits) -> Result<usize> {
        let row = |features: usize| {
            bits.row_bytes(features).ok_or_else(|| {
                Error::unsupported(format!(
                    "[cache] heads of {features} features cannot be stored in {} bits: they must be a multiple of 4",
                    bits.bits()
                ))
            })
        };
        let both = row(self.heads.key_dim)?.saturating_add(row(self.heads.value_dim)?);
        Ok(both.saturating_mul(self.layers.saturating_mul(self.heads.keys)))
    }
}

/// A loaded language model.
pub trait Model: Send + Sync {
    /// Its sizes.
    fn dims(&self) -> Dims;

    /// Logits (f32) of the tokens (T), ids inside the vocabulary, that follow what the cache holds, at `offset`; the
    /// cache then holds them too.
    ///
    /// # Errors
    /// `Value` for arrays that do not fit, `Memory` if memory is short.
    fn forward(&self, tokens: &Array, offset: &Offset, cache: &mut Cache, positions: Positions) -> Result<Array>;
}

/// An architecture.
pub struct Arch {
    /// `general.architecture` of its files.
    pub name: &'static str,
    /// Loads a model of it.
    pub load: fn(&Weights<'_>) -> Result<Box<dyn Model>>,
}

/// Every architecture.
pub const ARCHS: &[Arch] = &[llama::ARCH, gemma3::ARCH];

/// Loads the model that the weights are of.
///
/// # Errors
/// `Unsupported` for an unknown architecture, with the list of the known; `Io` for missing or wrong tensors.
pub fn load(w: &Weights<'_>) -> Result<Box<dyn Model>> {
    match ARCHS.iter().find(|a| a.name == w.arch()) {
        Some(a) => (a.load)(w),
        None => Err(Error::unsupported(format!(
            "[model] architecture '{}' is not supported; known are {}",
            w.arch(),
            ARCHS.iter().map(|a| a.name).collect::<Vec<_>>().join(", ")
        ))),
    }
}

/// The token ids as an array, checked against the vocabulary.
pub(crate) fn token_array(tokens: &[u32], vocab: usize) -> Result<Array> {
    if tokens.is_empty() {
        return Err(Error::value("[model] no tokens to process"));
    }
    if let Some(t) = tokens.iter().find(|&&t| t as usize >= vocab) {
        return Err(Error::value(format!("[model] token {t} is outside the vocabulary of {vocab}")));
    }
    Array::from_slice(tokens, &[tokens.len()])
}

/// The rows of x (T, dim) whose logits are wanted.
pub(crate) fn wanted(x: &Array, positions: Positions) -> Result<Array> {
    match positions {
        Positions::All => Ok(x.clone()),
        Positions::Last | Positions::Nowhere => mlx::ops::slice_axis(x, 0, x.dim(0) as i64 - 1, x.dim(0) as i64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlx::ErrorKind;

    #[test]
    fn heads_that_8_bits_do_not_take_are_refused_by_name() {
        let dims = |key_dim, value_dim| {
            let heads = Heads { dim: 576, queries: 9, keys: 3, key_dim, value_dim };
            Dims { layers: 30, vocab: 1, context: 1, heads }
        };
        assert_eq!(dims(64, 64).cache_bytes(KvBits::Sixteen).unwrap(), 30 * 3 * 256);
        assert_eq!(dims(64, 64).cache_bytes(KvBits::Eight).unwrap(), 30 * 3 * 136);
        for (key, value) in [(66, 64), (64, 66)] {
            let e = dims(key, value).cache_bytes(KvBits::Eight).unwrap_err();
            assert_eq!(e.kind, ErrorKind::Unsupported);
            assert!(e.message.contains("heads of 66 features cannot be stored in 8 bits"), "{}", e.message);
            assert!(dims(key, value).cache_bytes(KvBits::Sixteen).is_ok());
        }
    }
}
