//! Forward mode.

use super::walk;
use crate::array::{Array, KeepGraph};
use crate::{ops, rules};
use mlx_ir::{Error, Op, Result};
use std::collections::HashMap;

/// Outputs of `f` at `primals`, and their directional derivatives along `tangents` (one for each primal, of its
/// shape): zeros where an output does not depend on the primals.
///
/// # Errors
/// `Value` if tangents do not match the primals; whatever `f` or a derivative rule reports.
pub fn jvp(
    f: impl FnOnce(&[Array]) -> Result<Vec<Array>>,
    primals: &[Array],
    tangents: &[Array],
) -> Result<(Vec<Array>, Vec<Array>)> {
    if primals.len() != tangents.len() {
        return Err(Error::value(format!(
            "[jvp] Number of inputs {} does not match number of tangents {}.",
            primals.len(),
            tangents.len()
        )));
    }
    for (p, t) in primals.iter().zip(tangents) {
        if p.shape() != t.shape() {
            return Err(Error::value(format!(
                "[jvp] Input shape {:?} does not match tangent shape {:?}.",
                p.shape(),
                t.shape()
            )));
        }
    }
    let (outputs, tracers) = {
        let _keep = KeepGraph::new();
        let tracers = walk::tracers(primals)?;
        (f(&tracers)?, tracers)
    };
    let mut known: HashMap<(usize, u32), Array> =
        tracers.iter().zip(tangents).map(|(t, v)| (t.id(), v.clone())).collect();
    for call in walk::dependents(&outputs, &tracers) {
        if matches!(call.op, Op::StopGradient(_)) {
            continue;
        }
        let outs: Vec<Array> = (0..call.outs.len()).map(|i| Array { call: call.clone(), out: i as u32 }).collect();
        let ins = outs[0].inputs();
        let ts: Vec<Option<Array>> = ins.iter().map(|p| known.get(&p.id()).cloned()).collect();
        if ts.iter().all(Option::is_none) {
            continue;
        }
        for (o, t) in outs.iter().zip(rules::jvp(&call.op, &ins, &outs, &ts)?) {
            if let Some(t) = t {
                if t.shape() != o.shape() {
                    return Err(Error::runtime(format!(
                        "[jvp] {} gave a tangent of shape {:?} for an output of shape {:?}",
                        call.op.name(),
                        t.shape(),
                        o.shape()
                    )));
                }
                let t = if t.dtype() == o.dtype() { t } else { ops::astype(&t, o.dtype())? };
                known.insert(o.id(), t);
            }
        }
    }
    let out_tangents = outputs
        .iter()
        .map(|o| match known.get(&o.id()) {
            Some(t) => Ok(t.clone()),
            None => walk::zeros_like(o),
        })
        .collect::<Result<Vec<_>>>()?;
    Ok((outputs, out_tangents))
}
