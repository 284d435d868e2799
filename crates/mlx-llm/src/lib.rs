//! Language models on top of the array library: text in and out.
//!
//! * [`tokenizer`]: text to token ids and back.
#![forbid(unsafe_code)]

pub mod cache;
pub mod layers;
pub mod models;
pub mod sample;
pub mod stop;
pub mod tokenizer;
pub mod weights;
