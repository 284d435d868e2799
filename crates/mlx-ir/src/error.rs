//! The one error type of every crate.

use std::fmt;

/// What went wrong, in the terms the front ends translate
/// (Python: `Value` → `ValueError`, `Type` → `TypeError`, `Index` → `IndexError`, the rest → `RuntimeError`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// A shape, dtype or argument value that the operation does not accept.
    Value,
    /// An argument of the wrong type.
    Type,
    /// An axis or index out of range.
    Index,
    /// A failure while running.
    Runtime,
    /// Out of memory, or over the memory limit.
    Memory,
    /// A file could not be read, written or understood.
    Io,
    /// A device is absent, lost or refuses.
    Device,
    /// Known, but not supported here; the message names it.
    Unsupported,
}

/// An error with a message that says what was wrong and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The class of the failure.
    pub kind: ErrorKind,
    /// `[op] what is wrong`, with the shapes, offsets or names involved.
    pub message: String,
}

/// Result with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A new error of any kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
    /// Bad shape, dtype or value.
    pub fn value(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Value, message)
    }
    /// Wrong argument type.
    pub fn type_(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Type, message)
    }
    /// Axis or index out of range.
    pub fn index(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Index, message)
    }
    /// Failure while running.
    pub fn runtime(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Runtime, message)
    }
    /// Out of memory.
    pub fn memory(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Memory, message)
    }
    /// Bad or unreadable file.
    pub fn io(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Io, message)
    }
    /// Device absent or lost.
    pub fn device(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Device, message)
    }
    /// Not supported, by name.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        Self::io(e.to_string())
    }
}
