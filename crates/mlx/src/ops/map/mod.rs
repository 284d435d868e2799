//! Elementwise work: the rule of `Map`, and the public elementwise functions in `ops::elementwise`.

mod derivative;
mod exact;

use crate::array::{Array, Inputs, Outs};
use crate::ops;
use crate::reference::{Num, Tensor};
use crate::rules::{Batched, BatchedOut, Core, Grads, Rule, Vjp};
use mlx_ir::op::Map;
use mlx_ir::tape::{Step, Tape};
use mlx_ir::{Aval, Error, Result};
use std::sync::Arc;

/// Applies a tape to arrays, which are broadcast together and must have the tape's input dtypes.
pub fn map(tape: Arc<Tape>, inputs: &[Array]) -> Result<Array> {
    let mut inputs: Inputs = inputs.into();
    if inputs.len() > 1 {
        let shape = ops::common_shape("map", &inputs)?;
        for i in &mut inputs {
            if i.shape() != shape.as_slice() {
                *i = ops::broadcast_to(i, &shape)?;
            }
        }
    }
    Array::record1(Map { tape }, inputs)
}

impl Rule for Map {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let t = &self.tape;
        if inputs.len() != t.inputs().len() || inputs.is_empty() {
            return Err(Error::value(format!("[map] takes {} inputs, got {}.", t.inputs().len(), inputs.len())));
        }
        for (a, &d) in inputs.iter().zip(t.inputs()) {
            if a.dtype != d {
                return Err(Error::type_(format!("[map] input is {}, the tape takes {d}.", a.dtype)));
            }
            if a.shape != inputs[0].shape {
                return Err(Error::value(format!("[map] inputs have shapes {:?} and {:?}.", inputs[0].shape, a.shape)));
            }
        }
        Ok(smallvec::smallvec![Aval { shape: inputs[0].shape.clone(), dtype: t.dtype() }])
    }

    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let t = &self.tape;
        let values = values(t, v.primals, Some(&v.outputs[0]))?;
        let mut cts: Vec<Option<Array>> = vec![None; values.len()];
        let last = values.len() - 1;
        cts[last] = Some(v.cotangents[0].clone());
        let n = v.primals.len();
        for (k, i) in t.instrs().iter().enumerate().rev() {
            let Some(ct) = cts[n + k].take() else { continue };
            let Step::Call(f, args) = i.step else { continue };
            let a: Vec<Array> = args[..f.arity()].iter().map(|&x| values[x as usize].clone()).collect();
            for j in 0..f.arity() {
                let at = args[j] as usize;
                if at < n && !v.wanted[at] {
                    continue;
                }
                if let Some(g) = derivative::pull(f, j, &a, &values[n + k], &ct)? {
                    let g = ops::astype(&g, a[j].dtype())?;
                    cts[at] = Some(match cts[at].take() {
                        Some(s) => ops::add(&s, &g)?,
                        None => g,
                    });
                }
            }
        }
        cts.truncate(n);
        Ok(cts)
    }

    fn jvp(&self, primals: &[Array], outputs: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        let t = &self.tape;
        let values = values(t, primals, Some(&outputs[0]))?;
        let n = primals.len();
        let mut ts: Vec<Option<Array>> = tangents.to_vec();
        for (k, i) in t.instrs().iter().enumerate() {
            let mut sum: Option<Array> = None;
            if let Step::Call(f, args) = i.step {
                let a: Vec<Array> = args[..f.arity()].iter().map(|&x| values[x as usize].clone()).collect();
                for j in 0..f.arity() {
                    let Some(tj) = ts[args[j] as usize].clone() else { continue };
                    if let Some(p) = derivative::push(f, j, &a, &values[n + k], &tj)? {
                        let p = ops::astype(&p, i.dtype)?;
                        sum = Some(match sum {
                            Some(s) => ops::add(&s, &p)?,
                            None => p,
                        });
                    }
                }
            }
            ts.push(sum);
        }
        Ok(vec![ts.pop().flatten()])
    }

    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let (xs, at) = ops::align_mapped(b)?;
        Ok((vec![map(self.tape.clone(), &xs)?], vec![Some(at)]))
    }
}

/// What a tape gives, one map for each of its functions.
pub(crate) fn separate(tape: &Tape, inputs: &[Array]) -> Result<Array> {
    values(tape, inputs, None)?.pop().ok_or_else(|| Error::runtime("[map] a tape without values"))
}

/// All values of a tape as arrays: inputs, then one for each instruction; the last is the given output, if one is.
fn values(t: &Tape, primals: &[Array], output: Option<&Array>) -> Result<Vec<Array>> {
    let mut values = primals.to_vec();
    let last = t.instrs().len() - 1;
    for (k, i) in t.instrs().iter().enumerate() {
        let v = match (output, i.step) {
            (Some(out), _) if k == last => out.clone(),
            (_, Step::Const(bits)) => {
                let c = Array::from_bytes(&bits.to_le_bytes()[..i.dtype.size()], &[], i.dtype)?;
                ops::broadcast_to(&c, primals[0].shape())?
            }
            (_, Step::Call(f, args)) => {
                let a: Vec<Array> = args[..f.arity()].iter().map(|&x| values[x as usize].clone()).collect();
                let arg = a[f.arity() - 1].dtype();
                map(Arc::new(Tape::single(f, arg, i.dtype)), &a)?
            }
        };
        values.push(v);
    }
    Ok(values)
}

impl Core for Map {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let mut failed = None;
        let t = Tensor::build(&outs[0].shape, outs[0].dtype, |i| {
            let a: Vec<Num> = inputs.iter().map(|t| t.get(i)).collect();
            exact::tape(&self.tape, &a).unwrap_or_else(|e| {
                failed = Some(e);
                Num::Int(0)
            })
        });
        match failed {
            Some(e) => Err(e),
            None => Ok(vec![t]),
        }
    }
}
