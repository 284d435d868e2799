//! Files of functions as the official package (version 0.32.4) reads and writes them.
//!
//! All numbers are little-endian; text and lists begin with their length as u64. A file is a version (text), the number of
//! functions (i32), whether sizes may vary (u8) and a metadata string. A function is the names of its last inputs, ids
//! (u64) of its inputs, their shapes and dtypes, ids of its outputs, and a list of entries. An entry has an id and a flag:
//! * set, a step: ids of its inputs, the stream (three i32), the primitive's name, its state, how many further outputs it
//!   has; then shape and dtype, or lists of the ids, shapes and dtypes of all outputs;
//! * clear, a value: a second flag is set for constants, which have shape, dtype and bytes where the file names them first.
//!
//! A shape is a list of i32, a dtype a number (i32) and its size (u8). `primitives.rs` has a row for each primitive.

mod lower;
mod primitives;
mod read;
mod state;
mod varying;
mod write;

pub(crate) use read::read;
pub(crate) use write::write;

/// The version whose files these are. Readers do not look at it.
const VERSION: &str = "0.32.4";

/// Whether bytes begin as such a file does: with the length of a version, and the version.
pub(crate) fn begins(bytes: &[u8]) -> bool {
    let Some((length, text)) = bytes.split_first_chunk() else { return false };
    let version = usize::try_from(u64::from_le_bytes(*length)).ok().filter(|n| *n <= 64).and_then(|n| text.get(..n));
    version.is_some_and(|v| v.first().is_some_and(u8::is_ascii_digit) && v.contains(&b'.') && v.is_ascii())
}
