//! Language models on top of the array library: text in and out.
//!
//! * [`tokenizer`]: text to token ids and back.
#![forbid(unsafe_code)]

pub mod tokenizer;
