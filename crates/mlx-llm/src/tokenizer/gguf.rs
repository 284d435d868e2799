//! Vocabularies from GGUF metadata.

use super::{Model, TextArena, Tokenizer, Vocab};
use mlx_io::gguf::{Gguf, Metadata, StrArray};
use mlx_ir::Result;

fn arena(texts: &StrArray) -> Result<TextArena> {
    let mut arena = TextArena::with_capacity(texts.len(), 0);
    for text in texts.iter() {
        arena.push(text.as_bytes())?;
    }
    Ok(arena)
}

impl Vocab {
    /// What the `tokenizer.ggml.*` keys say. Errors: a kind of tokenizer that is not supported, no tokens,
    /// keys of the wrong type.
    pub fn from_gguf(meta: &Metadata) -> Result<Self> {
        let key = |name: &str| format!("tokenizer.ggml.{name}");
        let id = |name: &str| meta.opt_u32(&key(&format!("{name}_token_id")));
        let flag = |name: &str| meta.opt_bool(&key(name));
        let model = Model::from_name(meta.get_str(&key("model"))?)?;
        if model == Model::None {
            return Ok(Self::new(model, TextArena::with_capacity(0, 0)));
        }
        let merges = meta.opt_str_array(&key("merges"))?.map(|texts| arena(&texts)).transpose()?;
        Ok(Self {
            pre: meta.opt_str(&key("pre"))?.unwrap_or("default").to_owned(),
            scores: meta.opt_f32_array(&key("scores"))?,
            kinds: meta.opt_i32_array(&key("token_type"))?,
            merges,
            bos: id("bos")?,
            eos: id("eos")?,
            eot: id("eot")?,
            eom: id("eom")?,
            unk: id("unknown")?,
            pad: id("padding")?,
            add_bos: flag("add_bos_token")?,
            add_eos: flag("add_eos_token")?,
            add_space_prefix: flag("add_space_prefix")?,
            ..Self::new(model, arena(&meta.get_str_array(&key("tokens"))?)?)
        })
    }
}

impl Tokenizer {
    /// The tokenizer of a model file. Errors as [`Vocab::from_gguf`] and [`Tokenizer::new`].
    pub fn from_gguf(gguf: &Gguf) -> Result<Self> {
        Self::new(Vocab::from_gguf(gguf.metadata())?)
    }
}
