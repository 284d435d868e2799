//! Files of recorded functions: what `export_function` writes.
//!
//! There are two formats. Where every step is, or is made of, primitives of the official package, a file is one of its own
//! (`transforms/official`), so that it can read it. Any other is ours: a line that names
//! the format, a metadata string, whether sizes may vary, and for each recorded call the names of its keyword arguments and
//! its graph. All numbers are little-endian; see `mlx-ir/src/stored.rs` for what they are. Both are read.

use crate::transforms::{Graph, official};
use mlx_ir::stored::{Reader, Stored, put_text, put_u64};
use mlx_ir::{Error, ErrorKind, Result};

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

/// The bytes of a file with these calls: the official package's format if it can be, ours otherwise.
///
/// # Errors
/// As for [`Graph::store`].
pub fn write_functions(calls: &[RecordedCall], shapeless: bool, metadata: &str) -> Result<Vec<u8>> {
    match official::write(calls, shapeless, metadata) {
        Err(e) if e.kind == ErrorKind::Unsupported => {}
        other => return other,
    }
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

/// Reads what [`write_functions`] or the official package made. The bytes may come from anywhere.
///
/// # Errors
/// `Value` for bytes that are no such file; `Unsupported` for steps of the official package that have no counterpart; what
/// the rules report about a step.
pub fn read_functions(bytes: &[u8]) -> Result<FunctionFile> {
    let bad = |what: &str| Error::value(format!("[import_function] {what}"));
    let fits = |names: &[String], graph: &Graph| {
        let known = names.len() <= graph.inputs().len() && names.windows(2).all(|w| w[0] < w[1]);
        if known { Ok(()) } else { Err(bad("The names of keyword arguments do not fit.")) }
    };
    let Some(rest) = bytes.strip_prefix(MAGIC) else {
        if !official::begins(bytes) {
            return Err(bad("The file holds no exported function."));
        }
        let (functions, shapeless, metadata) = official::read(bytes)?;
        let calls = functions.into_iter().map(|(names, graph)| {
            fits(&names, &graph)?;
            Ok(RecordedCall { names, graph })
        });
        return Ok(FunctionFile { calls: calls.collect::<Result<_>>()?, shapeless, metadata });
    };
    let mut r = Reader::new(rest);
    let metadata = r.text()?.to_owned();
    let shapeless = bool::load(&mut r)?;
    let mut calls = Vec::new();
    for _ in 0..r.count(8)? {
        let names: Vec<String> = (0..r.count(8)?).map(|_| Ok(r.text()?.to_owned())).collect::<Result<_>>()?;
        let graph = Graph::load(&mut r)?;
        fits(&names, &graph)?;
        calls.push(RecordedCall { names, graph });
    }
    if r.left() > 0 {
        return Err(bad("The file goes on after its last function."));
    }
    Ok(FunctionFile { calls, shapeless, metadata })
}
