//! Model files: [`gguf`], [`safetensors`] and [`npy`], read in place from a memory map, and written.
//!
//! Files come from strangers. The parsers are safe code over a byte slice: arithmetic is checked, nothing is
//! allocated by a count in the file before that count is known to fit the bytes that are there, and whatever is
//! wrong ends as an [`Error`](mlx_ir::Error) that names the byte offset and the field. The only unsafe code of
//! the crate is the memory map in [`map`].
#![deny(unsafe_code)]

pub mod gguf;
pub mod map;
pub mod npy;
pub mod safetensors;

pub use gguf::{GgmlType, Gguf, GgufWriter};
pub use map::{MappedFile, Region};
pub use npy::Npy;
pub use safetensors::SafeTensors;
