//! Gemma 3 (text): sliding-window layers with their own rotation between global ones, norms before and after each
//! block, normalised queries and keys, scaled embeddings.

use super::{Arch, Dims, Model, Positions, wanted};
use crate::cache::{Cache, Offset};
use crate::layers::{Attention, AttentionOptions, Embedding, Heads, Linear, Mlp, Norm, Rotary};
use crate::weights::Weights;
use mlx::{Array, Error, Result, ops};
use mlx_ir::op::Gate;

pub(super) const ARCH: Arch = Arch { name: "gemma3", load };

/// Every so many layers one is global.
const PATTERN: usize = 6;
/// Angular base of the sliding-window layers.
const LOCAL_BASE: f64 = 10_000.0;
/// Layers of the 27B model, whose attention is scaled by the features of a head without the key length.
const LAYERS_27B: usize = 62;

struct Block {
    attention_norm: Norm,
    attention: Attention,
    after_attention: Norm,
    mlp_norm: Norm,
    mlp: Mlp,
    after_mlp: Norm,
}

struct Gemma3 {
    dims: Dims,
    scale: f64,
    embedding: Embedding,
    blocks: Vec<Block>,
    norm: Norm,
    output: Linear,
}

fn load(w: &Weights<'_>) -> Result<Box<dyn Model>> {
    let heads = Heads::load(w)?;
    let layers = w.layers()?;
    let hidden = w.dim("feed_forward_length")?;
    let eps = w.opt_positive("attention.layer_norm_rms_epsilon")?.unwrap_or(1e-6);
    let window = w.opt_dim("attention.sliding_window")?;
    let base = w.opt_positive("rope.freq_base")?.unwrap_or(1_000_000.0);
    let local_base = w.opt_positive("rope.freq_base_swa")?.unwrap_or(LOCAL_BASE);
    let scale = match w.opt_str("rope.scaling.type")? {
        None | Some("none") => 1.0,
        Some("linear") => 1.0 / w.opt_positive("rope.scaling.factor")?.unwrap_or(1.0),
        Some(other) => {
            return Err(Error::unsupported(format!(
                "[gemma3] rope scaling '{other}' is not supported; known are none and linear"
            )));
        }
    };
    for key in ["final_logit_softcapping", "attn_logit_softcapping"] {
        if w.opt_positive(key)?.is_some() {
            return Err(Error::unsupported(format!("[gemma3] '{key}' is not supported")));
        }
    }
    let vocab = w.rows("token_embd.weight")?;
    let embedding = w.embedding("token_embd", vocab, heads.dim)?;
    let output = if w.has("output.weight") { w.linear("output", vocab, heads.dim)? } else { embedding.as_linear() };
    let attention_scale = if layers == LAYERS_27B {
        1.0 / (heads.dim as f64 / heads.queries as f64).sqrt()
    } else {
        1.0 / (heads.key_dim as f64).sqrt()
    };
    let blocks = (0..layers)
        .map(|i| {
            let b = w.below(&format!("blk.{i}"));
            let local = window.is_some() && !(i + 1).is_multiple_of(PATTERN);
            let options = AttentionOptions {
                rotary: Rotary {
                    dims: heads.key_dim,
                    traditional: false,
                    base: if local { local_base } else { base },
                    scale: if local { 1.0 } else { scale },
                    freqs: None,
                },
                scale: attention_scale,
                window: if local { window } else { None },
                head_norm: Some(eps),
            };
            Ok(Block {
                attention_norm: b.norm("attn_norm", heads.dim, eps)?,
                attention: Attention::load(&b, heads, options)?,
                after_attention: b.norm("post_attention_norm", heads.dim, eps)?,
                mlp_norm: b.norm("ffn_norm", heads.dim, eps)?,
                mlp: Mlp::load(&b, heads.dim, hidden, Gate::GeluTanh)?,
                after_mlp: b.norm("post_ffw_norm", heads.dim, eps)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Box::new(Gemma3 {
        dims: Dims { layers, vocab, context: w.opt_dim("context_length")?.unwrap_or(8192), heads },
        scale: (heads.dim as f64).sqrt(),
        embedding,
        blocks,
        norm: w.norm("output_norm", heads.dim, eps)?,
        output,
    }))
}

impl Model for Gemma3 {
    fn dims(&self) -> Dims {
        self.dims
    }

    fn forward(&self, tokens: &Array, offset: &Offset, cache: &mut Cache, positions: Positions) -> Result<Array> {
        let mut x = ops::multiply(&self.embedding.rows(tokens)?, self.scale)?;
        for (i, b) in self.blocks.iter().enumerate() {
            let last = i + 1 == self.blocks.len();
            let mut a = b.attention.apply(&b.attention_norm.apply(&x)?, offset, cache.layer(i))?;
            if last {
                // From here on only the wanted positions matter.
                (x, a) = (wanted(&x, positions)?, wanted(&a, positions)?);
            }
            x = ops::add(&x, &b.after_attention.apply(&a)?)?;
            if last && positions == Positions::Nowhere {
                return Ok(x);
            }
            x = ops::add(&x, &b.after_mlp.apply(&b.mlp.apply(&b.mlp_norm.apply(&x)?)?)?)?;
        }
        self.output.apply(&self.norm.apply(&x)?)
    }
}
