//! Inputs and exact outputs of every case, for the comparison with the official wheel.

use crate::case::{Case, Tol};
use crate::data::Layout;
use crate::{errors, value};
use mlx::{Error, Result, reference};
use mlx_io::safetensors;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Writes `DIR/cases.safetensors` (inputs `N/x0`, outputs `N/y0`, gradients …) and `DIR/cases.json`; returns the
/// number of cases.
///
/// # Errors
/// `Io` if a file cannot be written; whatever an exact evaluation meets.
pub fn write(cases: &[Case], filter: &str, dir: &Path) -> Result<usize> {
    std::fs::create_dir_all(dir)?;
    let mut tensors: Vec<(String, reference::Tensor)> = Vec::new();
    let mut index: Vec<Value> = Vec::new();
    for case in cases.iter().filter(|c| c.name.contains(filter) && !c.python.is_empty()) {
        for dtype in case.family.dtypes() {
            let id = index.len();
            let (inputs, shown) = value::inputs(case, dtype, Layout::Contiguous).map_err(Error::runtime)?;
            let outs = reference::evaluate(&(case.run)(&inputs)?)?;
            let counts = (shown.len(), outs.len());
            for (i, t) in shown.into_iter().enumerate() {
                tensors.push((format!("{id}/x{i}"), t));
            }
            for (i, t) in outs.into_iter().enumerate() {
                tensors.push((format!("{id}/y{i}"), t));
            }
            let (class, amount) = match case.tol {
                Tol::Exact => ("exact", 0.0),
                Tol::Ulp(n) => ("ulp", n as f64),
                Tol::Accumulate(n) => ("accumulate", n as f64),
                Tol::Within(f) => ("within", f),
            };
            index.push(json!({
                "name": case.name, "dtype": dtype.name(), "python": case.python, "inputs": counts.0,
                "outputs": counts.1, "class": class, "amount": amount,
            }));
        }
    }
    let n = index.len();
    let bad: Vec<Value> = errors::table()
        .iter()
        .map(|e| json!({"name": e.name, "python": e.python, "kind": format!("{:?}", e.kind)}))
        .collect();
    let text = serde_json::to_string(&json!({"cases": index, "errors": bad}))
        .map_err(|e| Error::runtime(format!("[export] {e}")))?;
    std::fs::write(dir.join("cases.json"), text)?;
    let bytes: Vec<Vec<u8>> = tensors.iter().map(|(_, t)| t.to_bytes()).collect();
    let list: Vec<safetensors::Tensor<'_>> = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, t), data)| safetensors::Tensor { name, dtype: t.dtype, shape: &t.shape, data })
        .collect();
    safetensors::write(dir.join("cases.safetensors"), &list, &BTreeMap::new())?;
    Ok(n)
}
