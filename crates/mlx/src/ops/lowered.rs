//! Ops that stand for several: the scheduler puts them in place of what a graph says where a back end has a kernel for
//! them (`schedule/lower.rs`). They mean exactly what they replace.

use crate::array::{Array, Inputs, Outs};
use crate::ops;
use crate::rules::{Batched, BatchedOut, Fused, Grads, Rule, Vjp, again};
use mlx_ir::op::{
    BlockMatmul, BlockProject, CacheUpdate, Gate, Map, PackRows, Real, Reduce, ReduceKind, ReduceMap, Rope,
    SliceUpdate, UpdateMode,
};
use mlx_ir::{Aval, DType, Error, QuantFormat, Result, Tape};
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;

/// The inputs of a [`BlockProject`] by their parts.
struct Parts<'a, T> {
    norm: Option<&'a T>,
    matrices: &'a [T],
    added: Option<&'a T>,
}

fn parts<'a, T>(op: &BlockProject, inputs: &'a [T]) -> Result<Parts<'a, T>> {
    let first = 1 + usize::from(op.eps.is_some());
    let end = first + op.formats.len();
    if inputs.len() != end + usize::from(op.add) {
        return Err(Error::value(format!("[block_project] got {} inputs", inputs.len())));
    }
    let norm = op.eps.map(|_| &inputs[1]);
    Ok(Parts { norm, matrices: &inputs[first..end], added: inputs.get(end) })
}

impl Fused for BlockProject {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let p = parts(self, inputs)?;
        let (x, f32s) = (inputs[0], |a: &Aval| a.dtype == DType::F32);
        if let Some(w) = p.norm
            && !(f32s(w) && w.ndim() == 1 && x.ndim() > 0 && w.shape[0] == x.shape[x.ndim() - 1])
        {
            return Err(Error::value(format!("[block_project] the norm's weight {:?} does not fit {x:?}", w.shape)));
        }
        let all: SmallVec<[&Aval; 4]> = std::iter::once(x).chain(p.matrices.iter().copied()).collect();
        let mut outs = BlockMatmul { formats: self.formats.clone(), exact: self.exact }.infer(&all)?;
        if self.gate.is_some() {
            if outs.len() != 2 || outs[0] != outs[1] {
                return Err(Error::value("[block_project] a gate is made of two matrices of one size"));
            }
            outs.truncate(1);
        }
        match p.added {
            Some(a) if outs.len() != 1 || *a != &outs[0] => {
                Err(Error::value(format!("[block_project] cannot add {:?} to the result", a.shape)))
            }
            _ => Ok(outs),
        }
    }

    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let p = parts(self, inputs)?;
        let x = match (p.norm, self.eps) {
            (Some(w), Some(eps)) => ops::rms_norm(&inputs[0], Some(w), eps.get())?,
            _ => inputs[0].clone(),
        };
        let all: Vec<Array> = std::iter::once(x).chain(p.matrices.iter().cloned()).collect();
        let mut y = again(BlockMatmul { formats: self.formats.clone(), exact: self.exact }, &all)?;
        if let Some(g) = self.gate {
            y = vec![ops::map(Arc::new(g.tape()?), &y)?];
        }
        match p.added {
            Some(a) => Ok(vec![ops::add(&y[0], a)?]),
            None => Ok(y),
        }
    }

    fn custom_vjp(&self, _: &Vjp<'_>) -> Option<Result<Grads>> {
        None
    }
    fn custom_vmap(&self, _: &Batched<'_>) -> Option<Result<BatchedOut>> {
        None
    }
}

/// [`ops::block_matmul`] of x, normalised by its RMS with a weight and an epsilon if given; of two matrices the result
/// is `gate(first) · second` if a gate is given; `add` is added to a single result.
///
/// # Errors
/// `Value` for shapes that do not fit or x that is not f32.
pub fn block_project(
    x: &Array,
    norm: Option<(&Array, f64)>,
    matrices: &[(QuantFormat, &Array)],
    gate: Option<Gate>,
    add: Option<&Array>,
) -> Result<SmallVec<[Array; 1]>> {
    let mut inputs = Inputs::from_iter([x.clone()]);
    inputs.extend(norm.map(|(w, _)| w.clone()));
    inputs.extend(matrices.iter().map(|(_, w)| (*w).clone()));
    inputs.extend(add.cloned());
    let formats = matrices.iter().map(|(f, _)| *f).collect();
    let eps = norm.map(|(_, e)| Real::new(e));
    Array::record(BlockProject { formats, eps, gate, add: add.is_some(), exact: false }, inputs)
}

impl Fused for CacheUpdate {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let (inputs, at) = self.split(inputs)?;
        let [x, update, rest @ ..] = inputs else {
            return Err(Error::value("[cache_update] takes an array and an update"));
        };
        if let (Some(at), Some(axis)) = (at, self.axis)
            && (at.dtype != DType::I32 || at.size() != 1 || at.ndim() > 1 || self.start.get(axis) != Some(&0))
        {
            return Err(Error::value(format!("[cache_update] {:?} of {} cannot be a start", at.shape, at.dtype)));
        }
        match &self.rope {
            Some(r) => {
                let rotated: SmallVec<[&Aval; 3]> = inputs[1..].iter().copied().collect();
                r.infer(&rotated)?;
            }
            None if !rest.is_empty() => return Err(Error::value("[cache_update] got more than an update")),
            None => {}
        }
        let written = if self.packed { PackRows {}.infer(&[update])?.remove(0) } else { (*update).clone() };
        let fits = self.start.len() == x.ndim()
            && update.ndim() == x.ndim()
            && (0..x.ndim()).all(|i| self.start[i].checked_add(written.shape[i]).is_some_and(|e| e <= x.shape[i]));
        let stored = if self.packed { x.dtype == DType::U32 } else { x.dtype.is_float() };
        if !fits || !stored || !update.dtype.is_float() {
            return Err(Error::value(format!(
                "[cache_update] an update {:?} of {} does not fit at {:?} in {:?} of {}",
                update.shape, update.dtype, self.start, x.shape, x.dtype
            )));
        }
        Ok(smallvec![(*x).clone()])
    }

    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let (inputs, at) = self.split(inputs)?;
        let update = match &self.rope {
            Some(r) => again(r.clone(), &inputs[1..])?.remove(0),
            None => inputs[1].clone(),
        };
        let update = if self.packed { ops::pack_rows(&update)? } else { ops::astype(&update, inputs[0].dtype())? };
        if let (Some(at), Some(axis)) = (at, self.axis) {
            // The box that ends where x does along the axis; along the others where it is to lie.
            let from = self.start.iter().map(|&s| s as i64).collect::<Vec<_>>();
            let to: Vec<i64> = (0..from.len())
                .map(|i| if i == axis { inputs[0].dim(i as i64) as i64 } else { from[i] + update.dim(i as i64) as i64 })
                .collect();
            let steps = vec![1; from.len()];
            let part = ops::slice(&inputs[0], &from, &to, &steps)?;
            let at = ops::reshape_to(at, &[1])?;
            let part = ops::dynamic_slice_update(&part, &update, &at, &[axis as i64])?;
            return Ok(vec![ops::slice_update(&inputs[0], &part, &from, &to, &steps, UpdateMode::Assign)?]);
        }
        let strides = self.start.iter().map(|_| 1).collect();
        let op = SliceUpdate { start: self.start.clone(), strides, mode: UpdateMode::Assign };
        again(op, &[inputs[0].clone(), update])
    }

    fn custom_vjp(&self, _: &Vjp<'_>) -> Option<Result<Grads>> {
        None
    }
    fn custom_vmap(&self, _: &Batched<'_>) -> Option<Result<BatchedOut>> {
        None
    }
}

/// Splits off the start along an axis, if there is one.
trait Split {
    fn split<'a, T>(&self, inputs: &'a [T]) -> Result<(&'a [T], Option<&'a T>)>;
}

impl Split for CacheUpdate {
    fn split<'a, T>(&self, inputs: &'a [T]) -> Result<(&'a [T], Option<&'a T>)> {
        match (self.axis, inputs.split_last()) {
            (None, _) => Ok((inputs, None)),
            (Some(_), Some((at, rest))) => Ok((rest, Some(at))),
            (Some(_), None) => Err(Error::value("[cache_update] got no inputs")),
        }
    }
}

/// x with the box of the update's shape at `start` replaced by the update, converted to x's dtype; rotated before if a
/// rotation is given with its inputs (an offset, and wavelengths where it has no base). With `at`, an axis and one i32,
/// the box begins there along that axis (clamped so that it fits), where `start` must be 0. An x of u32 is rows of
/// [`ops::pack_rows`], and so becomes the update.
///
/// # Errors
/// `Value` for shapes that do not fit and dtypes that are not floats.
pub fn cache_update(
    x: &Array,
    update: &Array,
    start: &[usize],
    at: Option<(usize, &Array)>,
    rope: Option<(Rope, &[Array])>,
) -> Result<Array> {
    let mut inputs = Inputs::from_iter([x.clone(), update.clone()]);
    let (rope, more) = rope.map_or((None, &[][..]), |(r, more)| (Some(r), more));
    inputs.extend(more.iter().cloned());
    inputs.extend(at.map(|(_, a)| a.clone()));
    let (start, axis, packed) = (start.iter().copied().collect(), at.map(|(i, _)| i), x.dtype() == DType::U32);
    Array::record1(CacheUpdate { start, axis, rope, packed }, inputs)
}

impl Fused for ReduceMap {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let elements = Map { tape: self.tape.clone() }.infer(inputs)?;
        Reduce { kind: self.kind, axes: self.axes.clone() }.infer(&[&elements[0]])
    }
    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let elements = again(Map { tape: self.tape.clone() }, inputs)?;
        again(Reduce { kind: self.kind, axes: self.axes.clone() }, &elements)
    }
    fn custom_vjp(&self, _: &Vjp<'_>) -> Option<Result<Grads>> {
        None
    }
    fn custom_vmap(&self, _: &Batched<'_>) -> Option<Result<BatchedOut>> {
        None
    }
}

/// Reduction over `axes`, in ascending order, which stay with size one, of what an elementwise program gives for inputs
/// of one shape.
///
/// # Errors
/// `Type` and `Value` for inputs that do not fit the program, `Index` for axes out of range.
pub fn reduce_map(tape: Arc<Tape>, inputs: &[Array], kind: ReduceKind, axes: &[usize]) -> Result<Array> {
    let axes = axes.iter().copied().collect();
    Array::record1(ReduceMap { tape, kind, axes }, Inputs::from(inputs))
}
