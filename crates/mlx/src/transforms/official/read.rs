//! Reading: every step is recorded anew by the public functions, whose rules check it, and must give the shapes and dtypes
//! that the file states.

use super::primitives::{self, Step};
use super::state::{self, Value, bad};
use crate::array::Array;
use crate::transforms::Graph;
use mlx_ir::stored::Reader;
use mlx_ir::{Aval, Error, Result};
use std::collections::HashMap;

/// A function: names of its last inputs, and its graph.
type Function = (Vec<String>, Graph);

/// The functions of a file, whether sizes may vary, and its metadata. The bytes may come from anywhere.
///
/// # Errors
/// `Value` for bytes that are no such file; `Unsupported` for primitives without a counterpart; what the rules report
/// about a step.
pub(crate) fn read(bytes: &[u8]) -> Result<(Vec<Function>, bool, String)> {
    let mut r = Reader::new(bytes);
    r.text()?;
    let functions = state::int(&mut r)?;
    let shapeless = state::flag(&mut r)?;
    let metadata = r.text()?.to_owned();
    let mut constants = HashMap::new();
    let mut out = Vec::new();
    for _ in 0..functions {
        out.push(function(&mut r, shapeless, &mut constants)?);
    }
    if r.left() > 0 {
        return Err(bad("The file goes on after its last function."));
    }
    Ok((out, shapeless, metadata))
}

/// Constants are written once for all functions of a file.
type Constants = HashMap<u64, Array>;

fn function(r: &mut Reader<'_>, shapeless: bool, constants: &mut Constants) -> Result<Function> {
    let names = state::list(r, 8, |r| Ok(r.text()?.to_owned()))?;
    let inputs = state::list(r, 8, Reader::u64)?;
    let avals = state::list(r, 13, state::aval)?;
    if inputs.len() != avals.len() {
        return Err(bad("The inputs' ids and shapes are of other numbers."));
    }
    let graph = Graph::record(&avals, |holes| {
        let outputs = state::list(r, 8, Reader::u64)?;
        let mut known = Known { values: HashMap::new(), constants };
        for (id, hole) in inputs.iter().zip(holes) {
            known.define(*id, hole)?;
        }
        for _ in 0..r.count(10)? {
            let id = r.u64()?;
            if state::flag(r)? {
                step(r, id, shapeless, &mut known)?;
            } else if state::flag(r)? {
                known.constant(r, id)?;
            } else {
                known.get(id)?;
            }
        }
        outputs.into_iter().map(|id| known.get(id)).collect()
    })?;
    Ok((names, graph.with_sources()))
}

/// The values so far by id. Ids are used after their definition only, so that there are no circles.
struct Known<'a> {
    values: HashMap<u64, Array>,
    constants: &'a mut Constants,
}

impl Known<'_> {
    fn get(&self, id: u64) -> Result<Array> {
        self.values.get(&id).cloned().ok_or_else(|| bad("A value is used before it is defined."))
    }
    fn define(&mut self, id: u64, a: &Array) -> Result<()> {
        match self.values.insert(id, a.clone()) {
            None => Ok(()),
            Some(_) => Err(bad("A value is defined twice.")),
        }
    }
    fn constant(&mut self, r: &mut Reader<'_>, id: u64) -> Result<()> {
        let a = match self.constants.get(&id) {
            Some(a) => a.clone(),
            None => {
                let aval = state::aval(r)?;
                let a = Array::from_bytes(r.take(aval.nbytes())?, &aval.shape, aval.dtype)?;
                self.constants.insert(id, a.clone());
                a
            }
        };
        self.define(id, &a)
    }
}

fn step(r: &mut Reader<'_>, id: u64, shapeless: bool, known: &mut Known<'_>) -> Result<()> {
    let inputs = state::list(r, 8, |r| known.get(r.u64()?))?;
    // The stream: steps run where the importing thread computes.
    r.take(12)?;
    let name = r.text()?;
    let Some(row) = primitives::find(name) else {
        return Err(Error::unsupported(format!(
            "[import_function] The file has a step {name:?} of the official package, which has no counterpart here. Export \
             the function without it."
        )));
    };
    let values: Vec<Value> = row.state.iter().map(|k| Value::read(*k, r)).collect::<Result<_>>()?;
    let (ids, outs) = match r.u64()? {
        0 => (vec![id], vec![state::aval(r)?]),
        siblings => {
            let ids = state::list(r, 8, Reader::u64)?;
            let shapes = state::list(r, 8, state::shape)?;
            let dtypes = state::list(r, 5, state::dtype)?;
            let n = ids.len();
            if n as u64 != siblings.saturating_add(1) || shapes.len() != n || dtypes.len() != n || !ids.contains(&id) {
                return Err(bad(format!("The outputs of {name} are of other numbers.")));
            }
            (ids, shapes.into_iter().zip(dtypes).map(|(s, d)| Aval::new(s, d)).collect())
        }
    };
    let made = (row.call)(&Step { name, state: values, inputs, outs: &outs, shapeless })?;
    let fits = made.len() == outs.len() && made.iter().zip(&outs).all(|(a, e)| a.aval() == e);
    if !fits {
        let shown = |a: &Aval| format!("{:?} {}", a.shape, a.dtype);
        return Err(bad(format!(
            "{name} gives {}, but the file states {}.",
            made.iter().map(|a| shown(a.aval())).collect::<Vec<_>>().join(", "),
            outs.iter().map(shown).collect::<Vec<_>>().join(", ")
        )));
    }
    ids.iter().zip(&made).try_for_each(|(id, a)| known.define(*id, a))
}
