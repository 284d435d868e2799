//! Llama 2, 3 and 3.x, and what shares their architecture (SmolLM2, …).

use super::{Arch, Dims, Model, Positions, wanted};
use crate::cache::{Cache, Offset};
use crate::layers::{Attention, AttentionOptions, Embedding, Heads, Linear, Mlp, Norm, Rotary};
use crate::weights::Weights;
use mlx::{Array, Error, Result, ops};
use mlx_ir::op::Gate;

pub(super) const ARCH: Arch = Arch { name: "llama", load };

struct Block {
    attention_norm: Norm,
    attention: Attention,
    mlp_norm: Norm,
    mlp: Mlp,
}

struct Llama {
    dims: Dims,
    embedding: Embedding,
    blocks: Vec<Block>,
    norm: Norm,
    output: Linear,
}

/// Rotation: a linear factor of the positions, or Llama 3's wavelength factors, which come as a tensor.
fn rotary(w: &Weights<'_>, heads: &Heads) -> Result<Rotary> {
    let dims = w.opt_dim("rope.dimension_count")?.unwrap_or(heads.key_dim);
    let base = w.opt_positive("rope.freq_base")?.unwrap_or(10_000.0);
    let factor = w.opt_positive("rope.scaling.factor")?;
    let scale = match w.opt_str("rope.scaling.type")? {
        None | Some("none") => 1.0,
        Some("linear") => 1.0 / factor.unwrap_or(1.0),
        Some(other) => {
            return Err(Error::unsupported(format!(
                "[llama] rope scaling '{other}' is not supported; known are none, linear and wavelength factors"
            )));
        }
    };
    let freqs = if w.has("rope_freqs.weight") {
        let factors = w.vector("rope_freqs.weight", dims / 2)?;
        let exponents = ops::multiply(&ops::arange(0.0, (dims / 2) as f64, 1.0, mlx::DType::F32)?, 2.0 / dims as f64)?;
        let wavelengths = ops::multiply(&ops::exp(&ops::multiply(&exponents, base.ln())?)?, &factors)?;
        wavelengths.eval()?;
        Some(wavelengths)
    } else {
        None
    };
    Ok(Rotary { dims, traditional: true, base, scale, freqs })
}

fn load(w: &Weights<'_>) -> Result<Box<dyn Model>> {
    if w.opt_dim("expert_count").is_ok_and(|n| n.is_some()) {
        return Err(Error::unsupported("[llama] mixtures of experts are not supported"));
    }
    let heads = Heads::load(w)?;
    let layers = w.layers()?;
    let hidden = w.dim("feed_forward_length")?;
    let eps = w.opt_positive("attention.layer_norm_rms_epsilon")?.unwrap_or(1e-5);
    let vocab = w.rows("token_embd.weight")?;
    let embedding = w.embedding("token_embd", vocab, heads.dim)?;
    let output = if w.has("output.weight") { w.linear("output", vocab, heads.dim)? } else { embedding.as_linear() };
    let rotary = rotary(w, &heads)?;
    let blocks = (0..layers)
        .map(|i| {
            let b = w.below(&format!("blk.{i}"));
            let options = AttentionOptions {
                rotary: rotary.clone(),
                scale: 1.0 / (heads.key_dim as f64).sqrt(),
                window: None,
                head_norm: None,
            };
            Ok(Block {
                attention_norm: b.norm("attn_norm", heads.dim, eps)?,
                attention: Attention::load(&b, heads, options)?,
                mlp_norm: b.norm("ffn_norm", heads.dim, eps)?,
                mlp: Mlp::load(&b, heads.dim, hidden, Gate::Silu)?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Box::new(Llama {
        dims: Dims { layers, vocab, context: w.opt_dim("context_length")?.unwrap_or(2048), heads },
        embedding,
        blocks,
        norm: w.norm("output_norm", heads.dim, eps)?,
        output,
    }))
}

impl Model for Llama {
    fn dims(&self) -> Dims {
        self.dims
    }

    fn forward(&self, tokens: &Array, offset: &Offset, cache: &mut Cache, positions: Positions) -> Result<Array> {
        let mut x = self.embedding.rows(tokens)?;
        for (i, b) in self.blocks.iter().enumerate() {
            let a = b.attention.apply(&b.attention_norm.apply(&x)?, offset, cache.layer(i))?;
            if i + 1 == self.blocks.len() {
                // From here on only the wanted positions matter.
                let (x, a) = (wanted(&x, positions)?, wanted(&a, positions)?);
                let x = ops::add(&x, &a)?;
                if positions == Positions::Nowhere {
                    return Ok(x);
                }
                let x = ops::add(&x, &b.mlp.apply(&b.mlp_norm.apply(&x)?)?)?;
                return self.output.apply(&self.norm.apply(&x)?);
            }
            x = ops::add(&x, &a)?;
            x = ops::add(&x, &b.mlp.apply(&b.mlp_norm.apply(&x)?)?)?;
        }
        Err(Error::io("[llama] a model without layers"))
    }
}
