//! Order of the calls between tracers and outputs.

use crate::array::{Array, Call, Inputs};
use crate::ops;
use mlx_ir::Result;
use std::collections::HashMap;
use std::sync::Arc;

/// Fresh nodes with the values of `arrays`, from which a traced function's graph grows.
pub(super) fn tracers(arrays: &[Array]) -> Result<Vec<Array>> {
    arrays
        .iter()
        .map(|a| {
            let shape = a.aval().shape.clone();
            Array::record1(mlx_ir::op::Reshape { shape }, Inputs::from_iter([a.clone()]))
        })
        .collect()
}

/// Calls that depend on a tracer (given by id), each after what it needs; tracers themselves are not listed.
pub(super) fn dependents(outputs: &[Array], tracers: &[Array]) -> Vec<Arc<Call>> {
    // Whether a call leads back to a tracer.
    let mut known: HashMap<usize, bool> = tracers.iter().map(|t| (t.id().0, true)).collect();
    let mut order = Vec::new();
    struct Frame {
        call: Arc<Call>,
        inputs: Vec<Array>,
        next: usize,
        depends: bool,
    }
    let frame = |a: &Array| Frame { call: a.call.clone(), inputs: a.inputs(), next: 0, depends: false };
    let key = |c: &Arc<Call>| Arc::as_ptr(c) as usize;
    for o in outputs {
        if known.contains_key(&o.id().0) {
            continue;
        }
        let mut stack = vec![frame(o)];
        while let Some(top) = stack.last_mut() {
            if let Some(i) = top.inputs.get(top.next) {
                match known.get(&i.id().0) {
                    Some(&d) => {
                        top.depends |= d;
                        top.next += 1;
                    }
                    None => {
                        let f = frame(i);
                        stack.push(f);
                    }
                }
                continue;
            }
            if let Some(done) = stack.pop() {
                known.insert(key(&done.call), done.depends);
                if done.depends {
                    order.push(done.call);
                }
            }
        }
    }
    order
}

/// A zero array like `a`.
pub(super) fn zeros_like(a: &Array) -> Result<Array> {
    ops::zeros(a.shape(), a.dtype())
}
