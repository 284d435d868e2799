//! Language models on top of the array library.
//!
//! * [`engine`]: the façade: load, generate, measure.
//! * [`models`]: the architectures, one file each, over shared [`layers`], [`weights`] and [`cache`].
//! * [`tokenizer`]: text to token ids and back.
//! * [`template`]: messages of a chat to the text the model was trained on.
//! * [`sample`], [`stop`]: choosing tokens, ending at texts.
#![forbid(unsafe_code)]

pub mod cache;
mod decode;
pub mod engine;
pub mod layers;
pub mod models;
pub mod place;
pub mod sample;
pub mod stop;
pub mod template;
pub mod tokenizer;
pub mod weights;
