//! Functions with derivatives and batching of their author's, and order without data: the rows `Custom` and `Depends`.

use crate::array::{Array, Inputs, Outs};
use crate::rules::{Batched, BatchedOut, Fused, Grads, Vjp};
use mlx_ir::op::{Custom, Depends, Opaque};
use mlx_ir::{Aval, Error, Op, Result};
use std::sync::Arc;

/// What the author of a function says about it. None leaves it to the operations that the function is made of.
pub trait CustomRule: Send + Sync {
    /// Gradients of the arguments, one each (none: no gradient), from cotangents of the results.
    fn vjp(&self, arguments: &[Array], cotangents: &[Array], results: &[Array]) -> Option<Result<Grads>>;
    /// Tangents of the results from those of the arguments (none: zero).
    fn jvp(&self, arguments: &[Array], tangents: &[Option<Array>]) -> Option<Result<Vec<Array>>>;
    /// Results for arguments that carry an extra axis, and their mapped axes.
    fn vmap(&self, batched: &Batched<'_>) -> Option<Result<BatchedOut>>;
}

/// The results of a function of `arguments`, as its own code computed them, with derivatives and batching by `rule`.
///
/// # Errors
/// `Value` if there are no results.
pub fn custom(rule: Arc<dyn CustomRule>, arguments: &[Array], results: &[Array]) -> Result<Vec<Array>> {
    if results.is_empty() {
        return Err(Error::value("[custom_function] A function must return at least one array."));
    }
    let op = Custom { rule: Opaque(Arc::new(rule)), args: arguments.len() };
    Ok(Array::record(op, arguments.iter().chain(results).cloned().collect())?.into_vec())
}

fn rule(op: &Custom) -> Option<&Arc<dyn CustomRule>> {
    op.rule.0.downcast_ref()
}

impl Fused for Custom {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        Ok(inputs[self.args..].iter().map(|&a| a.clone()).collect())
    }
    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        Ok(inputs[self.args..].to_vec())
    }
    fn custom_vjp(&self, v: &Vjp<'_>) -> Option<Result<Grads>> {
        let grads = rule(self)?.vjp(&v.primals[..self.args], v.cotangents, v.outputs)?;
        Some(grads.and_then(|mut g| {
            if g.len() != self.args {
                return Err(Error::value(format!(
                    "[custom_function] The vjp gave {} gradients for {} arguments.",
                    g.len(),
                    self.args
                )));
            }
            // The way through the results is what the rule replaces.
            g.resize(v.primals.len(), None);
            Ok(g)
        }))
    }
    fn custom_vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        rule(self)?.vmap(&Batched { inputs: &b.inputs[..self.args], axes: &b.axes[..self.args], size: b.size })
    }
}

/// The tangents of a call whose author gives them.
pub(crate) fn custom_jvp(
    op: &Op,
    primals: &[Array],
    outputs: &[Array],
    tangents: &[Option<Array>],
) -> Option<Result<Grads>> {
    let Op::Custom(c) = op else { return None };
    let t = rule(c)?.jvp(&primals[..c.args], &tangents[..c.args])?;
    Some(t.and_then(|t| {
        if t.len() != outputs.len() {
            return Err(Error::value(format!(
                "[custom_function] The jvp gave {} tangents for {} results.",
                t.len(),
                outputs.len()
            )));
        }
        Ok(t.into_iter().map(Some).collect())
    }))
}

/// The same arrays, computed only after `dependencies` are.
///
/// # Errors
/// `Value` for no arrays.
pub fn depends(arrays: &[Array], dependencies: &[Array]) -> Result<Vec<Array>> {
    if arrays.is_empty() {
        return Err(Error::value("[depends] At least one array is needed."));
    }
    let inputs: Inputs = arrays.iter().chain(dependencies).cloned().collect();
    Ok(Array::record(Depends { results: arrays.len() }, inputs)?.into_vec())
}

impl Fused for Depends {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        Ok(inputs[..self.results].iter().map(|&a| a.clone()).collect())
    }
    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        Ok(inputs[..self.results].to_vec())
    }
    fn custom_vjp(&self, _: &Vjp<'_>) -> Option<Result<Grads>> {
        None
    }
    fn custom_vmap(&self, _: &Batched<'_>) -> Option<Result<BatchedOut>> {
        None
    }
}

/// The rule of a checkpoint: the function itself, to be run again.
struct Again<F>(Arc<F>);

impl<F: Fn(&[Array]) -> Result<Vec<Array>> + Send + Sync> CustomRule for Again<F> {
    fn vjp(&self, arguments: &[Array], cotangents: &[Array], _: &[Array]) -> Option<Result<Grads>> {
        // Not before the cotangents are there: otherwise all inner values would be computed early and kept.
        let run = || {
            let late = depends(arguments, cotangents)?;
            let (_, grads) = crate::vjp(|x| (self.0)(x), &late, cotangents)?;
            Ok(grads.into_iter().map(Some).collect())
        };
        Some(run())
    }
    fn jvp(&self, _: &[Array], _: &[Option<Array>]) -> Option<Result<Vec<Array>>> {
        None
    }
    fn vmap(&self, _: &Batched<'_>) -> Option<Result<BatchedOut>> {
        None
    }
}

/// `f` such that a gradient computes its inner values again instead of keeping them: less memory, more work. All
/// arrays through which gradients flow must be arguments.
pub fn checkpoint<F>(f: F) -> impl Fn(&[Array]) -> Result<Vec<Array>>
where
    F: Fn(&[Array]) -> Result<Vec<Array>> + Send + Sync + 'static,
{
    let f = Arc::new(f);
    let rule: Arc<dyn CustomRule> = Arc::new(Again(f.clone()));
    move |arguments: &[Array]| custom(rule.clone(), arguments, &f(arguments)?)
}
