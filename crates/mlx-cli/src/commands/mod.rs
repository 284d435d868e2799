//! One file per command: its arguments and its `run`.

pub mod bench;
pub mod chat;
pub mod completions;
pub mod doctor;
pub mod eval;
pub mod generate;
pub mod gpus;
pub mod info;
pub mod ls;
pub mod pull;
pub mod rm;
pub mod tokenize;
