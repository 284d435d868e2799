//! Files of recorded functions: what `export_function` writes.
//!
//! A file holds a line that names the format, a metadata string, whether sizes may vary, and for each recorded call the
//! names of its keyword arguments and its graph. All numbers are little-endian; see `mlx-ir/src/stored.rs` for what they
//! are. Files of the official package hold the state of its own primitives and are refused by name.

use crate::transforms::Graph;
use mlx_ir::stored::{Reader, Stored, put_text, put_u64};
use mlx_ir::{Error, Result};

const MAGIC: &[u8] = b"MLX-ARM functions 1\n";

/// A recorded call: its inputs are positional arguments, then those by name in the order of their names.
pub struct RecordedCall {
    /// Names of the last inputs, in ascending order.
    pub names: Vec<String>,
    /// What is computed.
    pub graph: Graph,
}

/// What a file of functions holds.
pub struct FunctionFile {
    /// Calls of one function, with other arguments each.
    pub calls: Vec<RecordedCall>,
    /// Whether sizes may differ from the recorded ones.
    pub shapeless: bool,
    /// Whatever was given.
    pub metadata: String,
}

/// The bytes of a file with these calls.
///
/// # Errors
/// As for [`Graph::store`].
pub fn write_functions(calls: &[RecordedCall], shapeless: bool, metadata: &str) -> Result<Vec<u8>> {
    let mut out = MAGIC.to_vec();
    put_text(metadata, &mut out);
    shapeless.store(&mut out)?;
    put_u64(calls.len(), &mut out);
    for c in calls {
        put_u64(c.names.len(), &mut out);
        c.names.iter().for_each(|n| put_text(n, &mut out));
        c.graph.store(&mut out)?;
    }
    Ok(out)
}

/// Reads what [`write_functions`] made. The bytes may come from anywhere.
///
/// # Errors
/// `Value` for bytes that are no such file; what the rules report about a step.
pub fn read_functions(bytes: &[u8]) -> Result<FunctionFile> {
    let bad = |what: &str| Error::value(format!("[import_function] {what}"));
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        // The official package begins with the length of its version and the version.
        let version = bytes.get(8..13).is_some_and(|v| v[0].is_ascii_digit() && v[1..].contains(&b'.'));
        return Err(bad(if version {
            "The file was written by the official package; its graphs are not read here. Export the function with this package."
        } else {
            "The file holds no exported function."
        }));
    };
    let mut r = Reader::new(rest);
    let metadata = r.text()?.to_owned();
    let shapeless = bool::load(&mut r)?;
    let mut calls = Vec::new();
    for _ in 0..r.count(8)? {
        let names: Vec<String> = (0..r.count(8)?).map(|_| Ok(r.text()?.to_owned())).collect::<Result<_>>()?;
        let graph = Graph::load(&mut r)?;
        if names.len() > graph.inputs().len() || names.windows(2).any(|w| w[0] >= w[1]) {
            return Err(bad("The names of keyword arguments do not fit."));
        }
        calls.push(RecordedCall { names, graph });
    }
    if r.left() > 0 {
        return Err(bad("The file goes on after its last function."));
    }
    Ok(FunctionFile { calls, shapeless, metadata })
}
