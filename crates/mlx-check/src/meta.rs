//! No op, scalar function or public function without a case.

use crate::case::Case;
use crate::data::Layout;
use crate::value;
use mlx::Array;
use mlx_ir::tape::Step;
use mlx_ir::{Func, Op};
use std::collections::HashSet;

/// Every node from which an array is made, itself among them.
pub fn nodes(outputs: &[Array]) -> Vec<Array> {
    let mut seen: Vec<Array> = Vec::new();
    let mut stack: Vec<Array> = outputs.to_vec();
    while let Some(a) = stack.pop() {
        if seen.iter().any(|s| s.is_same(&a)) {
            continue;
        }
        stack.extend(a.inputs());
        seen.push(a);
    }
    seen
}

/// Ops (by name) and scalar functions that no case records.
pub fn rows_without_case(cases: &[Case]) -> Vec<String> {
    let mut rows: HashSet<&'static str> = HashSet::new();
    let mut functions: HashSet<Func> = HashSet::new();
    for case in cases {
        let dtype = case.family.dtypes()[0];
        let Ok((inputs, _)) = value::inputs(case, dtype, Layout::Contiguous) else { continue };
        let Ok(outs) = (case.run)(&inputs) else { continue };
        for a in nodes(&outs) {
            rows.insert(a.op().name());
            if let Op::Map(m) = a.op() {
                functions.extend(m.tape.instrs().iter().filter_map(|i| match i.step {
                    Step::Call(f, _) => Some(f),
                    Step::Const(_) => None,
                }));
            }
        }
    }
    // Only a GPU runs kernels of users: `mlx/tests/vulkan_kernel.rs`.
    rows.insert("GpuKernel");
    let rows = mlx::rules::FAMILIES.iter().flat_map(|f| f.iter()).filter(|r| !rows.contains(*r)).map(|r| r.to_string());
    let functions = Func::ALL.iter().filter(|f| !functions.contains(f)).map(|f| format!("{f:?}"));
    rows.chain(functions).collect()
}

/// Names of public functions in a source file: `pub fn name`, and the rows `name => Kind;` of the tables that make
/// them. Tests are not read.
pub fn public_functions(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap_or(source);
    let word = |s: &str| s.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = Vec::new();
    for line in source.lines() {
        if let Some(rest) = line.strip_prefix("pub fn ") {
            names.push(word(rest));
        } else if let Some((left, right)) = line.split_once(" => ")
            && line.starts_with("    ")
            && right.ends_with(';')
            && right.trim_end_matches(';').chars().all(char::is_alphanumeric)
            && right.starts_with(|c: char| c.is_ascii_uppercase())
        {
            // A description in quotes may stand before the name.
            let name = left.rsplit('"').next().unwrap_or(left).trim();
            if !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
                names.push(name.to_string());
            }
        }
    }
    names.retain(|n| !n.is_empty());
    names
}

/// Of these public functions, those that no case calls.
pub fn functions_without_case(functions: &[String], cases: &[Case]) -> Vec<String> {
    let sources: String = cases.iter().flat_map(|c| [c.source, "\n"]).collect::<String>().replace(' ', "");
    let called = |name: &str| {
        ["ops::", "random::", "linalg::"].iter().any(|module| {
            let call = format!("{module}{name}(");
            sources.contains(&call)
        })
    };
    functions.iter().filter(|f| !called(f)).cloned().collect()
}
