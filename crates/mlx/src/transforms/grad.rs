//! Reverse mode: `vjp`, `grad`, `value_and_grad`.

use super::walk;
use crate::array::{Array, KeepGraph};
use crate::ops;
use crate::rules::{self, Vjp};
use mlx_ir::{Error, Op, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// Outputs of `f` at `primals`, and the product of `cotangents` (one for each output, of its shape) with the Jacobian:
/// one array for each primal, zeros where nothing depends on it.
///
/// # Errors
/// `Value` if cotangents do not match the outputs; whatever `f` or a derivative rule reports.
pub fn vjp(
    f: impl FnOnce(&[Array]) -> Result<Vec<Array>>,
    primals: &[Array],
    cotangents: &[Array],
) -> Result<(Vec<Array>, Vec<Array>)> {
    vjp_with(f, primals, |_| Ok(cotangents.to_vec()))
}

/// As [`vjp`], with cotangents that are made of the outputs.
///
/// # Errors
/// As [`vjp`], and those of `cotangents`.
pub fn vjp_with(
    f: impl FnOnce(&[Array]) -> Result<Vec<Array>>,
    primals: &[Array],
    cotangents: impl FnOnce(&[Array]) -> Result<Vec<Array>>,
) -> Result<(Vec<Array>, Vec<Array>)> {
    let (outputs, tracers) = {
        let _keep = KeepGraph::new();
        let tracers = walk::tracers(primals)?;
        (f(&tracers)?, tracers)
    };
    let cotangents = cotangents(&outputs)?;
    if outputs.len() != cotangents.len() {
        return Err(Error::value(format!(
            "[vjp] Number of outputs {} does not match number of cotangents {}.",
            outputs.len(),
            cotangents.len()
        )));
    }
    for (o, c) in outputs.iter().zip(&cotangents) {
        if o.shape() != c.shape() {
            return Err(Error::value(format!(
                "[vjp] Output shape {:?} does not match cotangent shape {:?}.",
                o.shape(),
                c.shape()
            )));
        }
    }
    let grads = backward(&outputs, &cotangents, &tracers)?;
    Ok((outputs, grads))
}

fn add_to(sum: &mut HashMap<(usize, u32), Array>, at: &Array, g: Array) -> Result<()> {
    let g = if g.dtype() == at.dtype() { g } else { ops::astype(&g, at.dtype())? };
    let total = match sum.remove(&at.id()) {
        Some(s) => ops::add(&s, &g)?,
        None => g,
    };
    sum.insert(at.id(), total);
    Ok(())
}

fn backward(outputs: &[Array], cotangents: &[Array], tracers: &[Array]) -> Result<Vec<Array>> {
    let order = walk::dependents(outputs, tracers);
    let live: std::collections::HashSet<usize> =
        order.iter().map(|c| Arc::as_ptr(c) as usize).chain(tracers.iter().map(|t| t.id().0)).collect();
    let mut sums: HashMap<(usize, u32), Array> = HashMap::new();
    for (o, c) in outputs.iter().zip(cotangents) {
        if live.contains(&o.id().0) {
            add_to(&mut sums, o, c.clone())?;
        }
    }
    for call in order.into_iter().rev() {
        let outs: Vec<Array> = (0..call.outs.len()).map(|i| Array { call: call.clone(), out: i as u32 }).collect();
        if outs.iter().all(|o| !sums.contains_key(&o.id())) {
            continue;
        }
        let cts = outs
            .iter()
            .map(|o| match sums.remove(&o.id()) {
                Some(c) => Ok(c),
                None => walk::zeros_like(o),
            })
            .collect::<Result<Vec<_>>>()?;
        if matches!(call.op, Op::StopGradient(_)) {
            continue;
        }
        let primals = outs[0].inputs();
        let wanted: Vec<bool> = primals.iter().map(|p| live.contains(&p.id().0)).collect();
        let grads =
            rules::vjp(&call.op, &Vjp { primals: &primals, outputs: &outs, cotangents: &cts, wanted: &wanted })?;
        for ((p, g), w) in primals.iter().zip(grads).zip(&wanted) {
            if let (Some(g), true) = (g, *w) {
                if g.shape() != p.shape() {
                    return Err(Error::runtime(format!(
                        "[vjp] {} gave a gradient of shape {:?} for an input of shape {:?}",
                        call.op.name(),
                        g.shape(),
                        p.shape()
                    )));
                }
                add_to(&mut sums, p, g)?;
            }
        }
    }
    tracers
        .iter()
        .map(|t| match sums.remove(&t.id()) {
            Some(g) => Ok(g),
            None => walk::zeros_like(t),
        })
        .collect()
}

fn scalar_loss(values: &[Array]) -> Result<()> {
    match values.first() {
        Some(v) if v.size() == 1 && v.ndim() == 0 => Ok(()),
        Some(v) => Err(Error::value(format!(
            "[grad] Function argument must return a scalar array as its first output, got shape {:?}.",
            v.shape()
        ))),
        None => Err(Error::value("[grad] Function returned nothing.")),
    }
}

/// A function that returns the values of `f` and the gradient of its first output (a 0-d array) with respect to the
/// arguments named by `argnums`.
pub fn value_and_grad<F>(f: F, argnums: &[usize]) -> impl Fn(&[Array]) -> Result<(Vec<Array>, Vec<Array>)>
where
    F: Fn(&[Array]) -> Result<Vec<Array>>,
{
    let argnums = argnums.to_vec();
    move |args: &[Array]| {
        if argnums.is_empty() {
            return Err(Error::value("[grad] Must specify at least one argument."));
        }
        for (i, &n) in argnums.iter().enumerate() {
            if n >= args.len() {
                return Err(Error::value(format!(
                    "[grad] Can't compute the gradient of argument index {n} because the function is called with only {} arguments.",
                    args.len()
                )));
            }
            if argnums[..i].contains(&n) {
                return Err(Error::value(format!("[grad] Repeat argument number {n} not allowed.")));
            }
            if !args[n].dtype().is_inexact() {
                return Err(Error::value(format!(
                    "[grad] Cannot take the gradient of an array of {}.",
                    args[n].dtype()
                )));
            }
        }
        let (values, tracers) = {
            let _keep = KeepGraph::new();
            let at: Vec<Array> = argnums.iter().map(|&n| args[n].clone()).collect();
            let tracers = walk::tracers(&at)?;
            let mut all = args.to_vec();
            for (&n, t) in argnums.iter().zip(&tracers) {
                all[n] = t.clone();
            }
            (f(&all)?, tracers)
        };
        scalar_loss(&values)?;
        let seed = ops::ones(&[], values[0].dtype())?;
        let grads = backward(&values[..1], &[seed], &tracers)?;
        Ok((values, grads))
    }
}

/// A function that returns the gradient of `f` (which returns a 0-d array) with respect to the arguments named by
/// `argnums`.
pub fn grad<F>(f: F, argnums: &[usize]) -> impl Fn(&[Array]) -> Result<Vec<Array>>
where
    F: Fn(&[Array]) -> Result<Array>,
{
    let both = value_and_grad(move |xs: &[Array]| Ok(vec![f(xs)?]), argnums);
    move |args: &[Array]| Ok(both(args)?.1)
}
