//! Batching: a function of single examples becomes one of whole batches.

use super::walk;
use crate::array::{Array, KeepGraph};
use crate::ops;
use crate::rules::{self, Batched};
use mlx_ir::{Aval, Error, Result, desc};
use std::collections::HashMap;

/// A function that applies `f` to each slice of its arguments along `in_axes` (none: the argument is shared) at once,
/// and stacks the results along `out_axes` (none: the output must not depend on a mapped argument).
/// One axis in `out_axes` serves all outputs.
pub fn vmap<F>(f: F, in_axes: &[Option<i64>], out_axes: &[Option<i64>]) -> impl Fn(&[Array]) -> Result<Vec<Array>>
where
    F: Fn(&[Array]) -> Result<Vec<Array>>,
{
    let (in_axes, out_axes) = (in_axes.to_vec(), out_axes.to_vec());
    move |args: &[Array]| {
        vmap_of(&f, args, &in_axes, |n| Ok(if out_axes.len() == 1 { vec![out_axes[0]; n] } else { out_axes.clone() }))
    }
}

/// As [`vmap`], applied to `args`, with output axes that are asked for once the number of outputs is known.
///
/// # Errors
/// `Index` for axes out of range, `Value` for numbers and sizes of axes that do not fit; whatever `f` or a rule reports.
pub fn vmap_of(
    f: impl Fn(&[Array]) -> Result<Vec<Array>>,
    args: &[Array],
    in_axes: &[Option<i64>],
    out_axes: impl FnOnce(usize) -> Result<Vec<Option<i64>>>,
) -> Result<Vec<Array>> {
    if args.len() != in_axes.len() {
        return Err(Error::value(format!(
            "[vmap] The number of in axes ({}) must match the number of inputs ({}).",
            in_axes.len(),
            args.len()
        )));
    }
    let mut axes = Vec::with_capacity(args.len());
    let mut size = None;
    for (a, ax) in args.iter().zip(in_axes) {
        let ax = ax.map(|x| desc::normalize_axis("vmap", x, a.ndim())).transpose()?;
        if let Some(x) = ax {
            let n = a.shape()[x];
            if size.is_some_and(|s| s != n) {
                return Err(Error::value("[vmap] Inconsistent axis sizes: mapped axes differ in size."));
            }
            size = Some(n);
        }
        axes.push(ax);
    }
    let Some(size) = size else {
        return Err(Error::value("[vmap] At least one of in_axes must be given."));
    };
    let b = Batched { inputs: args, axes: &axes, size };
    let (outs, at) = trace(&f, &b)?;
    let out_axes = out_axes(outs.len())?;
    if out_axes.len() != outs.len() {
        return Err(Error::value(format!(
            "[vmap] The number of out axes ({}) must match the number of outputs ({}).",
            out_axes.len(),
            outs.len()
        )));
    }
    outs.into_iter()
        .zip(at)
        .zip(out_axes)
        .map(|((o, at), want)| match (want, at) {
            (None, None) => Ok(o),
            (None, Some(_)) => Err(Error::value("[vmap] An output with out axis None depends on a mapped input.")),
            (Some(w), Some(a)) => ops::moveaxis(&o, a as i64, w),
            (Some(w), None) => {
                let o = ops::expand_dims(&o, &[0])?;
                let mut shape = o.shape().to_vec();
                shape[0] = size;
                ops::moveaxis(&ops::broadcast_to(&o, &shape)?, 0, w)
            }
        })
        .collect()
}

/// Batched outputs of `f`, each with its mapped axis moved (or broadcast) to the front.
pub(crate) fn vmap_with(f: impl Fn(&[Array]) -> Result<Vec<Array>>, b: &Batched<'_>) -> Result<Vec<Array>> {
    let (outs, at) = trace(&f, b)?;
    outs.into_iter()
        .zip(at)
        .map(|(o, at)| match at {
            Some(a) => ops::moveaxis(&o, a as i64, 0),
            None => {
                let o = ops::expand_dims(&o, &[0])?;
                let mut shape = o.shape().to_vec();
                shape[0] = b.size;
                ops::broadcast_to(&o, &shape)
            }
        })
        .collect()
}

/// Traces `f` on stand-ins of one slice, then replays the graph on the batched inputs.
fn trace(f: &impl Fn(&[Array]) -> Result<Vec<Array>>, b: &Batched<'_>) -> Result<(Vec<Array>, Vec<Option<usize>>)> {
    let _keep = KeepGraph::new();
    let stand_ins: Vec<Array> = b
        .inputs
        .iter()
        .zip(b.axes)
        .map(|(a, ax)| match ax {
            None => a.clone(),
            Some(x) => {
                let mut shape = a.aval().shape.clone();
                shape.remove(*x);
                Array::hole(Aval { shape, dtype: a.dtype() })
            }
        })
        .collect();
    let outputs = f(&stand_ins)?;
    let mapped: Vec<Array> =
        stand_ins.iter().zip(b.axes).filter(|(_, ax)| ax.is_some()).map(|(s, _)| s.clone()).collect();
    let mut known: HashMap<(usize, u32), (Array, Option<usize>)> = HashMap::new();
    for ((s, a), ax) in stand_ins.iter().zip(b.inputs).zip(b.axes) {
        if ax.is_some() {
            known.insert(s.id(), (a.clone(), *ax));
        }
    }
    for call in walk::dependents(&outputs, &mapped) {
        let outs: Vec<Array> = (0..call.outs.len()).map(|i| Array { call: call.clone(), out: i as u32 }).collect();
        let ins = outs[0].inputs();
        let (xs, axes): (Vec<Array>, Vec<Option<usize>>) =
            ins.iter().map(|i| known.get(&i.id()).cloned().unwrap_or_else(|| (i.clone(), None))).unzip();
        let (ys, at) = rules::vmap(&call.op, &Batched { inputs: &xs, axes: &axes, size: b.size })?;
        if ys.len() != outs.len() || at.len() != outs.len() {
            return Err(Error::runtime(format!("[vmap] {} gave the wrong number of outputs", call.op.name())));
        }
        for (o, (y, a)) in outs.iter().zip(ys.into_iter().zip(at)) {
            let mut expect = y.aval().shape.clone();
            if let Some(a) = a {
                expect.remove(a);
            }
            if expect.as_slice() != o.shape() || y.dtype() != o.dtype() {
                return Err(Error::runtime(format!(
                    "[vmap] {} gave {:?} mapped along {a:?} for an output of shape {:?}",
                    call.op.name(),
                    y.shape(),
                    o.shape()
                )));
            }
            known.insert(o.id(), (y, a));
        }
    }
    Ok(outputs.iter().map(|o| known.get(&o.id()).cloned().unwrap_or_else(|| (o.clone(), None))).unzip())
}
