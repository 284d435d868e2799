//! Building blocks that the architectures share.

use crate::cache::{KvBits, LayerCache, Offset};
use crate::weights::Weights;
use mlx::{Array, Error, Result, ops};
use mlx_ir::op::Gate;
use mlx_ir::{QuantFormat, Tape};
use std::sync::Arc;

/// A projection `x · Wᵀ + b`.
pub struct Linear {
    format: QuantFormat,
    bytes: Array,
    bias: Option<Array>,
    exact: bool,
}

impl Linear {
    /// A projection by a matrix as it lies in a file.
    pub fn new(format: QuantFormat, bytes: Array, bias: Option<Array>) -> Self {
        Self { format, bytes, bias, exact: false }
    }

    /// With x in f32, or rounded where that is faster.
    pub fn exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }

    /// Applies it to x (…, K).
    ///
    /// # Errors
    /// `Value` if x does not fit.
    pub fn apply(&self, x: &Array) -> Result<Array> {
        Ok(project(x, &[self])?.remove(0))
    }
}

/// Several projections of one x, which is prepared once.
///
/// # Errors
/// `Value` if x does not fit.
pub fn project(x: &Array, linears: &[&Linear]) -> Result<Vec<Array>> {
    let matrices: Vec<(QuantFormat, &Array)> = linears.iter().map(|l| (l.format, &l.bytes)).collect();
    let product = if linears.iter().any(|l| l.exact) { ops::block_matmul_exact } else { ops::block_matmul };
    product(x, &matrices)?
        .into_iter()
        .zip(linears)
        .map(|(y, l)| match &l.bias {
            Some(b) => ops::add(&y, b),
            None => Ok(y),
        })
        .collect()
}

/// The token embedding, which may serve as the output projection too.
pub struct Embedding {
    format: QuantFormat,
    bytes: Array,
    dim: usize,
    exact: bool,
}

impl Embedding {
    /// An embedding by a matrix as it lies in a file.
    pub fn new(format: QuantFormat, bytes: Array, dim: usize) -> Self {
        Self { format, bytes, dim, exact: false }
    }

    /// As [`Linear::exact`], where it serves as the output projection.
    pub fn exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }

    /// Rows of the tokens (T): (T, dim).
    ///
    /// # Errors
    /// `Value` if the tokens are not integers.
    pub fn rows(&self, tokens: &Array) -> Result<Array> {
        ops::block_rows(&self.bytes, self.format, self.dim, tokens)
    }

    /// The same matrix as a projection to logits.
    pub fn as_linear(&self) -> Linear {
        Linear::new(self.format, self.bytes.clone(), None).exact(self.exact)
    }
}

/// Root-mean-square norm.
pub struct Norm {
    weight: Array,
    eps: f64,
}

impl Norm {
    /// A norm with this weight.
    pub fn new(weight: Array, eps: f64) -> Self {
        Self { weight, eps }
    }
    /// Applies it to the last axis.
    ///
    /// # Errors
    /// `Value` if x does not fit.
    pub fn apply(&self, x: &Array) -> Result<Array> {
        ops::rms_norm(x, Some(&self.weight), self.eps)
    }
}

/// Gated feed-forward block: `down(activation(gate(x)) · up(x))`.
pub struct Mlp {
    gate: Linear,
    up: Linear,
    down: Linear,
    gated: Arc<Tape>,
}

impl Mlp {
    /// The block's weights `ffn_gate`, `ffn_up`, `ffn_down`.
    ///
    /// # Errors
    /// As [`Weights::linear`].
    pub fn load(w: &Weights<'_>, dim: usize, hidden: usize, activation: Gate) -> Result<Self> {
        Ok(Self {
            gate: w.linear("ffn_gate", hidden, dim)?,
            up: w.linear("ffn_up", hidden, dim)?,
            down: w.linear("ffn_down", dim, hidden)?,
            gated: Arc::new(activation.tape()?),
        })
    }

    /// Applies it to x (T, dim).
    ///
    /// # Errors
    /// `Value` if x does not fit.
    pub fn apply(&self, x: &Array) -> Result<Array> {
        let y = project(x, &[&self.gate, &self.up])?;
        self.down.apply(&ops::map(self.gated.clone(), &y)?)
    }
}

/// How positions rotate queries and keys.
#[derive(Clone)]
pub struct Rotary {
    /// Rotated features of a head.
    pub dims: usize,
    /// Neighbouring pairs (as GGUF's llama) instead of halves.
    pub traditional: bool,
    /// Angular base, where no wavelengths are given.
    pub base: f64,
    /// Factor of the positions.
    pub scale: f64,
    /// Wavelengths in place of the base.
    pub freqs: Option<Array>,
}

impl Rotary {
    fn apply(&self, x: &Array, offset: &Array) -> Result<Array> {
        let base = if self.freqs.is_some() { None } else { Some(self.base) };
        ops::rope(x, self.dims, self.traditional, base, self.scale, offset, self.freqs.as_ref())
    }
}

/// Sizes of an attention block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Features of the model.
    pub dim: usize,
    /// Query heads.
    pub queries: usize,
    /// Key and value heads.
    pub keys: usize,
    /// Features of a query or key head.
    pub key_dim: usize,
    /// Features of a value head.
    pub value_dim: usize,
}

impl Heads {
    /// Reads the sizes from the metadata, checked against each other.
    ///
    /// # Errors
    /// `Io` for missing or inconsistent sizes.
    pub fn load(w: &Weights<'_>) -> Result<Self> {
        let dim = w.dim("embedding_length")?;
        let queries = w.dim("attention.head_count")?;
        let keys = w.opt_dim("attention.head_count_kv")?.unwrap_or(queries);
        let key_dim = match w.opt_dim("attention.key_length")? {
            Some(k) => k,
            None if dim.is_multiple_of(queries) => dim / queries,
            None => {
                return Err(Error::io(format!("[model] {queries} heads do not divide {dim} features")));
            }
        };
        let value_dim = w.opt_dim("attention.value_length")?.unwrap_or(key_dim);
        if !queries.is_multiple_of(keys) {
            return Err(Error::io(format!("[model] {queries} query heads are not a multiple of {keys} key heads")));
        }
        if queries.max(keys).checked_mul(key_dim.max(value_dim)).is_none_or(|n| n > 1 << 22) {
            return Err(Error::io(format!("[model] {queries} heads of {key_dim} features are too many")));
        }
        Ok(Self { dim, queries, keys, key_dim, value_dim })
    }
}

/// Grouped-query attention with a key-value cache.
pub struct Attention {
    heads: Heads,
    query: Linear,
    key: Linear,
    value: Linear,
    output: Linear,
    query_norm: Option<Norm>,
    key_norm: Option<Norm>,
    rotary: Rotary,
    scale: f64,
    window: Option<usize>,
}

/// What an attention block has beyond its projections.
pub struct AttentionOptions {
    /// Rotation of queries and keys.
    pub rotary: Rotary,
    /// Factor of q·k.
    pub scale: f64,
    /// Each query sees only the last so many keys.
    pub window: Option<usize>,
    /// With this epsilon, queries and keys are normalised for each head.
    pub head_norm: Option<f64>,
}

impl Attention {
    /// The block's weights `attn_q`, `attn_k`, `attn_v`, `attn_output` and, where asked for, `attn_q_norm` and
    /// `attn_k_norm`.
    ///
    /// # Errors
    /// As [`Weights::linear`].
    pub fn load(w: &Weights<'_>, h: Heads, o: AttentionOptions) -> Result<Self> {
        let norm = |name: &str| o.head_norm.map(|eps| w.norm(name, h.key_dim, eps)).transpose();
        if o.rotary.dims > h.key_dim || !o.rotary.dims.is_multiple_of(2) {
            return Err(Error::io(format!("[model] {} rotated features of heads of {}", o.rotary.dims, h.key_dim)));
        }
        Ok(Self {
            heads: h,
            query: w.linear("attn_q", h.queries * h.key_dim, h.dim)?,
            key: w.linear("attn_k", h.keys * h.key_dim, h.dim)?,
            value: w.linear("attn_v", h.keys * h.value_dim, h.dim)?,
            output: w.linear("attn_output", h.dim, h.queries * h.value_dim)?,
            query_norm: norm("attn_q_norm")?,
            key_norm: norm("attn_k_norm")?,
            rotary: o.rotary,
            scale: o.scale,
            window: o.window,
        })
    }

    /// Applies it to x (T, dim) at the positions after what the cache holds, to which keys and values are added.
    /// `offset` says where they are.
    ///
    /// # Errors
    /// `Value` if x does not fit, `Memory` if the cache cannot grow.
    pub fn apply(&self, x: &Array, offset: &Offset, cache: &mut LayerCache) -> Result<Array> {
        let h = &self.heads;
        let t = x.dim(0) as i64;
        let mut y = project(x, &[&self.query, &self.key, &self.value])?;
        let split = |a: &Array, heads: usize, norm: &Option<Norm>| {
            let a = ops::reshape(a, &[1, t, heads as i64, -1])?;
            let a = match norm {
                Some(n) => n.apply(&a)?,
                None => a,
            };
            ops::swapaxes(&a, 1, 2)
        };
        let v = split(&y.remove(2), h.keys, &None)?;
        let k = self.rotary.apply(&split(&y.remove(1), h.keys, &self.key_norm)?, &offset.at)?;
        let q = self.rotary.apply(&split(&y.remove(0), h.queries, &self.query_norm)?, &offset.at)?;
        let (k, v) = cache.append(&k, &v, offset)?;
        let mask = match self.window {
            Some(w) if k.dim(2) > w => ops::Mask::SlidingWindow(w),
            _ if t > 1 => ops::Mask::Causal,
            // A single query is the last position: it sees everything.
            _ => ops::Mask::None,
        };
        let held = offset.held.as_ref();
        let o = match cache.bits() {
            KvBits::Sixteen => ops::cached_attention(&q, &k, &v, self.scale, mask, held)?,
            KvBits::Eight => ops::packed_attention(&q, &k, &v, self.scale, mask, None, held)?,
        };
        let o = ops::reshape(&ops::swapaxes(&o, 1, 2)?, &[t, -1])?;
        self.output.apply(&o)
    }
}
