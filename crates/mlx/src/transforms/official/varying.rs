//! Which functions the official package computes for other sizes than those recorded, as we do.

use super::state::{Value, narrow};
use crate::transforms::graph::{From, Graph};
use mlx_ir::desc::broadcast_shapes;
use mlx_ir::{Error, Op, Result, Shape};

fn fixed(op: &Op) -> Error {
    Error::unsupported(format!(
        "[export_function] {} has a size of its own in the official package's format, where sizes may vary.",
        op.name()
    ))
}

/// Where a value came from before it was broadcast.
pub(super) fn source(graph: &Graph, f: &From) -> From {
    match f {
        From::Step(s, _) if matches!(graph.steps[*s].op, Op::Broadcast(_)) => graph.steps[*s].inputs[0].clone(),
        other => other.clone(),
    }
}

/// Whether sizes follow the inputs in all steps.
///
/// # Errors
/// `Unsupported` with the first that has sizes of its own.
pub(super) fn check(graph: &Graph) -> Result<()> {
    let avals = graph.avals()?;
    let shape = |f: &From| -> Shape {
        match *f {
            From::Input(i) => graph.inputs[i].shape.clone(),
            From::Constant(c) => graph.constants[c].aval().shape.clone(),
            From::Step(s, o) => avals[s][o as usize].shape.clone(),
        }
    };
    let broadcast = |f: &From| source(graph, f) != *f;
    for (s, outs) in graph.steps.iter().zip(&avals) {
        let follows = match &s.op {
            // Elementwise work that is broadcast to the shape of its own inputs.
            Op::Map(_) => {
                let sources = s.inputs.iter().map(|f| shape(&source(graph, f)));
                let met = sources.map(Some).reduce(|a, b| broadcast_shapes(&a?, &b?)).flatten();
                met.is_some_and(|m| m == outs[0].shape)
            }
            // Written where it is used, by the above.
            Op::Broadcast(_) => !broadcast(&s.inputs[0]),
            Op::Reshape(_) => !broadcast(&s.inputs[0]) && reshaped(&shape(&s.inputs[0]), &outs[0].shape).is_ok(),
            Op::Reduce(_)
            | Op::ArgReduce(_)
            | Op::Scan(_)
            | Op::Sort(_)
            | Op::ArgSort(_)
            | Op::Transpose(_)
            | Op::Matmul(_)
            | Op::Softmax(_)
            | Op::LogSumExp(_)
            | Op::Concatenate(_)
            | Op::StopGradient(_)
            | Op::QuantizedMatmul(_) => !s.inputs.iter().any(broadcast),
            _ => false,
        };
        if !follows {
            return Err(fixed(&s.op));
        }
    }
    match graph.outputs.iter().find(|f| broadcast(f)) {
        Some(From::Step(s, _)) => Err(fixed(&graph.steps[*s].op)),
        _ => Ok(()),
    }
}

/// One part of a reshape: name, state, and the shape that it gives.
type Part = (&'static str, Vec<Value>, Shape);

/// Axes of size one removed and added, or all axes flattened.
///
/// # Errors
/// `Unsupported` for others.
pub(super) fn reshaped(was: &[usize], now: &[usize]) -> Result<Vec<Part>> {
    let long: Shape = was.iter().copied().filter(|&d| d != 1).collect();
    let ones =
        |shape: &[usize]| -> Result<Vec<i32>> { (0..shape.len()).filter(|&i| shape[i] == 1).map(narrow).collect() };
    if long[..] == *now.iter().copied().filter(|&d| d != 1).collect::<Shape>() {
        let (gone, new) = (ones(was)?, ones(now)?);
        let mut parts: Vec<Part> = Vec::new();
        if !gone.is_empty() {
            parts.push(("Squeeze", vec![Value::Ints(gone)], long));
        }
        if !new.is_empty() {
            parts.push(("ExpandDims", vec![Value::Ints(new)], now.into()));
        }
        // The same shape, which nothing records, is no reason for a step.
        return if parts.is_empty() { Ok(vec![("Copy", vec![], now.into())]) } else { Ok(parts) };
    }
    match (was.len(), now.len()) {
        (n @ 1.., 1) => Ok(vec![("Flatten", vec![Value::Int(0), Value::Int(narrow(n - 1)?)], now.into())]),
        _ => Err(Error::unsupported(format!(
            "[export_function] A reshape of {was:?} to {now:?} has sizes of its own, where sizes may vary."
        ))),
    }
}
