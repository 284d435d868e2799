//! Rows that move elements: contiguous copies, concatenation, padding, updates of boxes; and what is composed of them.

use crate::array::{Array, Inputs, Outs};
use crate::ops::{self, Arg};
use crate::reference::{Num, Tensor, flat, unflat};
use crate::rules::{Batched, BatchedOut, Core, Grads, Rule, Vjp, again};
use mlx_ir::op::{Concatenate, Contiguous, DynamicSlice, DynamicSliceUpdate, Pad, Slice, SliceUpdate, UpdateMode};
use mlx_ir::{Aval, Axes, Error, Result, Shape, Strides, desc};
use smallvec::smallvec;

// ---- contiguous ----

impl Rule for Contiguous {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        Ok(smallvec![inputs[0].clone()])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        Ok(vec![Some(v.cotangents[0].clone())])
    }
    fn jvp(&self, _: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        Ok(tangents.to_vec())
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        Ok((again(self.clone(), &ops::all_in_front(b)?)?, vec![Some(0)]))
    }
}

impl Core for Contiguous {
    fn exact(&self, inputs: &[&Tensor], _: &[Aval]) -> Result<Vec<Tensor>> {
        Ok(vec![inputs[0].clone()])
    }
}

/// The same elements in a buffer of their own, in row-major order.
///
/// # Errors
/// None but what recording an op can report.
pub fn contiguous(a: &Array) -> Result<Array> {
    Array::record1(Contiguous {}, Inputs::from_iter([a.clone()]))
}

// ---- concatenate ----

impl Rule for Concatenate {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let first = inputs.first().ok_or_else(|| Error::value("[concatenate] No arrays provided."))?;
        if self.axis >= first.ndim() {
            return Err(Error::index(format!("[concatenate] axis {} of {} dimensions", self.axis, first.ndim())));
        }
        let mut shape = first.shape.clone();
        shape[self.axis] = 0;
        for x in inputs {
            let fits = x.ndim() == first.ndim()
                && x.dtype == first.dtype
                && (0..x.ndim()).all(|d| d == self.axis || x.shape[d] == first.shape[d]);
            if !fits {
                return Err(Error::value(format!(
                    "[concatenate] All the input array dimensions must match exactly except for the concatenation axis {}: got {:?} and {:?}.",
                    self.axis, first.shape, x.shape
                )));
            }
            shape[self.axis] = shape[self.axis]
                .checked_add(x.shape[self.axis])
                .ok_or_else(|| Error::value("[concatenate] result is too large to address"))?;
        }
        Ok(smallvec![Aval { shape, dtype: first.dtype }])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let mut from = 0;
        let mut out = Vec::new();
        for (p, w) in v.primals.iter().zip(v.wanted) {
            let to = from + p.shape()[self.axis] as i64;
            out.push(if *w { Some(ops::slice_axis(&v.cotangents[0], self.axis as i64, from, to)?) } else { None });
            from = to;
        }
        Ok(out)
    }
    fn jvp(&self, primals: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        let ts = primals
            .iter()
            .zip(tangents)
            .map(|(p, t)| t.clone().map_or_else(|| ops::zeros_like(p), Ok))
            .collect::<Result<Vec<_>>>()?;
        Ok(again(self.clone(), &ts)?.into_iter().map(Some).collect())
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        Ok((again(Concatenate { axis: self.axis + 1 }, &ops::all_in_front(b)?)?, vec![Some(0)]))
    }
}

impl Core for Concatenate {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| {
            let mut at = unflat(&outs[0].shape, i);
            let mut x = 0;
            while at[self.axis] >= inputs[x].shape[self.axis] {
                at[self.axis] -= inputs[x].shape[self.axis];
                x += 1;
            }
            inputs[x].at(&at)
        })])
    }
}

/// Arrays one after another along an axis; dtypes are promoted.
///
/// # Errors
/// `Value` for no arrays or shapes that differ off the axis; `Index` for an axis out of range.
pub fn concatenate(arrays: &[Array], axis: i64) -> Result<Array> {
    let first = arrays.first().ok_or_else(|| Error::value("[concatenate] No arrays provided for concatenation."))?;
    let axis = desc::normalize_axis("concatenate", axis, first.ndim())?;
    if arrays.len() == 1 {
        return Ok(first.clone());
    }
    let d = arrays.iter().map(Array::dtype).reduce(mlx_ir::DType::promote).unwrap_or(first.dtype());
    let xs = arrays.iter().map(|a| ops::astype(a, d)).collect::<Result<Inputs>>()?;
    Array::record1(Concatenate { axis }, xs)
}

/// Arrays of one shape along a new axis.
///
/// # Errors
/// `Value` for no arrays or shapes that differ; `Index` for an axis out of range.
pub fn stack(arrays: &[Array], axis: i64) -> Result<Array> {
    let first = arrays.first().ok_or_else(|| Error::value("[stack] No arrays provided for stacking."))?;
    if arrays.iter().any(|a| a.shape() != first.shape()) {
        return Err(Error::value("[stack] All arrays must have the same shape."));
    }
    let axis = desc::normalize_axis("stack", axis, first.ndim() + 1)? as i64;
    concatenate(&arrays.iter().map(|a| ops::expand_dims(a, &[axis])).collect::<Result<Vec<_>>>()?, axis)
}

/// Each element `repeats` times along an axis, or of the flattened array.
///
/// # Errors
/// `Index` for an axis out of range.
pub fn repeat(a: &Array, repeats: usize, axis: Option<i64>) -> Result<Array> {
    let (a, axis) = match axis {
        Some(x) => (a.clone(), desc::normalize_axis("repeat", x, a.ndim())?),
        None => (ops::reshape_to(a, &[a.size()])?, 0),
    };
    let wide = ops::expand_dims(&a, &[axis as i64 + 1])?;
    let mut shape: Vec<usize> = wide.shape().to_vec();
    shape[axis + 1] = repeats;
    let mut out: Vec<usize> = a.shape().to_vec();
    out[axis] =
        out[axis].checked_mul(repeats).ok_or_else(|| Error::value("[repeat] result is too large to address"))?;
    desc::checked_size("repeat", &out, a.dtype())?;
    ops::reshape_to(&ops::broadcast_to(&wide, &shape)?, &out)
}

/// The whole array repeated along each axis.
///
/// # Errors
/// `Value` for results too large to address.
pub fn tile(a: &Array, reps: &[usize]) -> Result<Array> {
    let n = a.ndim().max(reps.len());
    let pad = |v: &[usize]| {
        let mut s = vec![1; n - v.len()];
        s.extend(v);
        s
    };
    let (shape, reps) = (pad(a.shape()), pad(reps));
    let mut from = Vec::new();
    let mut to = Vec::new();
    let mut out = Vec::new();
    for (&d, &r) in shape.iter().zip(&reps) {
        from.extend([1, d]);
        to.extend([r, d]);
        out.push(d.checked_mul(r).ok_or_else(|| Error::value("[tile] result is too large to address"))?);
    }
    desc::checked_size("tile", &out, a.dtype())?;
    ops::reshape_to(&ops::broadcast_to(&ops::reshape_to(a, &from)?, &to)?, &out)
}

/// Elements in reverse order along the axes (all without).
///
/// # Errors
/// `Index` for axes out of range.
pub fn flip(a: &Array, axes: Option<&[i64]>) -> Result<Array> {
    let axes: Axes = match axes {
        Some(x) => desc::normalize_axes("flip", x, a.ndim())?,
        None => (0..a.ndim()).collect(),
    };
    let on = |d: usize| axes.contains(&d) && a.shape()[d] > 0;
    let op = Slice {
        start: (0..a.ndim()).map(|d| if on(d) { a.shape()[d] - 1 } else { 0 }).collect(),
        strides: (0..a.ndim()).map(|d| if on(d) { -1 } else { 1 }).collect(),
        shape: a.shape().into(),
    };
    Array::record1(op, Inputs::from_iter([a.clone()]))
}

/// Elements moved by `shift` along the axes, those that leave come back at the other end; without axes, of the
/// flattened array. One shift serves all axes, or one each.
///
/// # Errors
/// `Index` for axes out of range, `Value` if the numbers of shifts and axes do not fit.
pub fn roll(a: &Array, shifts: &[i64], axes: Option<&[i64]>) -> Result<Array> {
    let Some(axes) = axes else {
        let n = a.size();
        let shift = shifts.iter().fold(0i64, |s, &x| s.wrapping_add(x));
        return ops::reshape_to(&roll(&ops::reshape_to(a, &[n])?, &[shift], Some(&[0]))?, a.shape());
    };
    if shifts.len() != axes.len() && shifts.len() != 1 {
        return Err(Error::value("[roll] At least one shift value is required for each axis."));
    }
    let mut x = a.clone();
    for (i, &axis) in axes.iter().enumerate() {
        let d = desc::normalize_axis("roll", axis, a.ndim())?;
        let n = a.shape()[d] as i64;
        if n == 0 {
            continue;
        }
        let s = shifts[if shifts.len() == 1 { 0 } else { i }].rem_euclid(n);
        if s == 0 {
            continue;
        }
        let d = d as i64;
        x = concatenate(&[ops::slice_axis(&x, d, n - s, n)?, ops::slice_axis(&x, d, 0, n - s)?], d)?;
    }
    Ok(x)
}

// ---- pad ----

impl Rule for Pad {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        if self.low.len() != x.ndim() || self.high.len() != x.ndim() {
            return Err(Error::value("[pad] Padding must have one pair for each axis."));
        }
        if inputs[1].ndim() != 0 || inputs[1].dtype != x.dtype {
            return Err(Error::value("[pad] The padding value must be a scalar of the array's dtype."));
        }
        let shape = (0..x.ndim())
            .map(|d| x.shape[d].checked_add(self.low[d])?.checked_add(self.high[d]))
            .collect::<Option<Shape>>()
            .ok_or_else(|| Error::value("[pad] result is too large to address"))?;
        Ok(smallvec![Aval { shape, dtype: x.dtype }])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let (x, ct) = (&v.primals[0], &v.cotangents[0]);
        let op = Slice { start: self.low.clone(), strides: smallvec![1; x.ndim()], shape: x.shape().into() };
        let inside = Array::record1(op, Inputs::from_iter([ct.clone()]))?;
        let value = if v.wanted[1] {
            Some(ops::subtract(&ops::sum(ct, None, false)?, &ops::sum(&inside, None, false)?)?)
        } else {
            None
        };
        Ok(vec![Some(inside), value])
    }
    fn jvp(&self, primals: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        let t = |i: usize| tangents[i].clone().map_or_else(|| ops::zeros_like(&primals[i]), Ok);
        Ok(again(self.clone(), &[t(0)?, t(1)?])?.into_iter().map(Some).collect())
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let (mut low, mut high) = (self.low.clone(), self.high.clone());
        low.insert(0, 0);
        high.insert(0, 0);
        if b.axes[1].is_none() {
            let x = ops::moveaxis(&b.inputs[0], b.axes[0].unwrap_or(0) as i64, 0)?;
            return Ok((again(Pad { low, high }, &[x, b.inputs[1].clone()])?, vec![Some(0)]));
        }
        // A value for each example: pad with zeros, and put the value where a padded mask says so.
        let xs = ops::all_in_front(b)?;
        let zero = ops::zeros(&[], xs[0].dtype())?;
        let mask = ops::zeros(xs[0].shape(), mlx_ir::DType::Bool)?;
        let one = ops::ones(&[], mlx_ir::DType::Bool)?;
        let x = again(Pad { low: low.clone(), high: high.clone() }, &[xs[0].clone(), zero])?.remove(0);
        let mask = again(Pad { low, high }, &[mask, one])?.remove(0);
        let mut shape = vec![1; x.ndim()];
        shape[0] = b.size;
        Ok((vec![ops::where_(&mask, &ops::reshape_to(&xs[1], &shape)?, &x)?], vec![Some(0)]))
    }
}

impl Core for Pad {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let (x, value) = (inputs[0], inputs[1].get(0));
        Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| {
            let at = unflat(&outs[0].shape, i);
            let src: Option<Shape> =
                (0..at.len()).map(|d| at[d].checked_sub(self.low[d]).filter(|&p| p < x.shape[d])).collect();
            src.map_or(value, |s| x.at(&s))
        })])
    }
}

/// How [`pad`] fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PadMode {
    /// With a value.
    Constant,
    /// With the nearest edge element.
    Edge,
}

/// `a` with `low` elements before and `high` after along each axis.
///
/// # Errors
/// `Value` if there is not one pair for each axis or the value is not a scalar.
pub fn pad(a: &Array, widths: &[(usize, usize)], mode: PadMode, value: impl Arg) -> Result<Array> {
    if widths.len() != a.ndim() {
        return Err(Error::value(format!(
            "[pad] Invalid padding size: {} pairs for an array with {} dimensions.",
            widths.len(),
            a.ndim()
        )));
    }
    match mode {
        PadMode::Constant => {
            let v = ops::full(&[], value, Some(a.dtype()))?;
            let (low, high) = (widths.iter().map(|w| w.0).collect(), widths.iter().map(|w| w.1).collect());
            Array::record1(Pad { low, high }, Inputs::from_iter([a.clone(), v]))
        }
        PadMode::Edge => {
            let mut x = a.clone();
            for (d, &(low, high)) in widths.iter().enumerate() {
                let n = x.shape()[d] as i64;
                if n == 0 && low + high > 0 {
                    return Err(Error::value("[pad] Cannot pad an empty axis with its edge."));
                }
                let edge = |from: i64, count: usize| {
                    let e = ops::slice_axis(&x, d as i64, from, from + 1)?;
                    let mut s = e.shape().to_vec();
                    s[d] = count;
                    ops::broadcast_to(&e, &s)
                };
                if low + high > 0 {
                    x = concatenate(&[edge(0, low)?, x.clone(), edge(n - 1, high)?], d as i64)?;
                }
            }
            Ok(x)
        }
    }
}

// ---- slice update ----

/// Value of an update meeting `old`, in wide arithmetic.
pub(crate) fn exact_update(mode: UpdateMode, old: Num, new: Num) -> Num {
    use mlx_ir::op::ReduceKind as R;
    let kind = match mode {
        UpdateMode::Assign => return new,
        UpdateMode::Sum => R::Sum,
        UpdateMode::Prod => R::Prod,
        UpdateMode::Min => R::Min,
        UpdateMode::Max => R::Max,
    };
    super::reduce::combine(kind, Some(old), new)
}

impl SliceUpdateRegion for SliceUpdate {
    fn region(&self, shape: &[usize]) -> Slice {
        Slice { start: self.start.clone(), strides: self.strides.clone(), shape: shape.into() }
    }
}

/// The box that an update fills.
trait SliceUpdateRegion {
    fn region(&self, shape: &[usize]) -> Slice;
}

impl Rule for SliceUpdate {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let (x, u) = (inputs[0], inputs[1]);
        if u.dtype != x.dtype {
            return Err(Error::value("[slice_update] The update must have the array's dtype."));
        }
        self.region(&u.shape).infer(&[x])?;
        Ok(smallvec![x.clone()])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let (x, u, out, ct) = (&v.primals[0], &v.primals[1], &v.outputs[0], &v.cotangents[0]);
        let cut = |a: &Array| Array::record1(self.region(u.shape()), Inputs::from_iter([a.clone()]));
        let put = |a: &Array, b: &Array| update_box(a, b, self.start.clone(), self.strides.clone(), UpdateMode::Assign);
        let there = cut(ct)?;
        Ok(match self.mode {
            UpdateMode::Assign => vec![Some(put(ct, &ops::zeros_like(u)?)?), Some(there)],
            UpdateMode::Sum => vec![Some(ct.clone()), Some(there)],
            UpdateMode::Prod => {
                vec![Some(put(ct, &ops::multiply(&there, u)?)?), Some(ops::multiply(&there, &cut(x)?)?)]
            }
            UpdateMode::Min | UpdateMode::Max => {
                // Ties go to the array, as the update does not change it.
                let kept = ops::equal(&cut(out)?, &cut(x)?)?;
                let zero = ops::zeros_like(u)?;
                vec![Some(put(ct, &ops::where_(&kept, &there, &zero)?)?), Some(ops::where_(&kept, &zero, &there)?)]
            }
        })
    }
    fn jvp(&self, primals: &[Array], outputs: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        let t = |i: usize| tangents[i].clone().map_or_else(|| ops::zeros_like(&primals[i]), Ok);
        let (tx, tu) = (t(0)?, t(1)?);
        let (x, u) = (&primals[0], &primals[1]);
        let cut = |a: &Array| Array::record1(self.region(u.shape()), Inputs::from_iter([a.clone()]));
        let put = |b: &Array, mode| update_box(&tx, b, self.start.clone(), self.strides.clone(), mode);
        Ok(vec![Some(match self.mode {
            UpdateMode::Assign => put(&tu, UpdateMode::Assign)?,
            UpdateMode::Sum => put(&tu, UpdateMode::Sum)?,
            UpdateMode::Prod => {
                put(&ops::add(&ops::multiply(&cut(&tx)?, u)?, &ops::multiply(&cut(x)?, &tu)?)?, UpdateMode::Assign)?
            }
            UpdateMode::Min | UpdateMode::Max => {
                let kept = ops::equal(&cut(&outputs[0])?, &cut(x)?)?;
                put(&ops::where_(&kept, &cut(&tx)?, &tu)?, UpdateMode::Assign)?
            }
        })])
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let xs = ops::all_in_front(b)?;
        let (mut start, mut strides) = (self.start.clone(), self.strides.clone());
        start.insert(0, 0);
        strides.insert(0, 1);
        Ok((again(SliceUpdate { start, strides, mode: self.mode }, &xs)?, vec![Some(0)]))
    }
}

impl Core for SliceUpdate {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let (x, u) = (inputs[0], inputs[1]);
        let mut values: Vec<Num> = (0..x.size()).map(|i| x.get(i)).collect();
        for i in 0..u.size() {
            let at = unflat(&u.shape, i);
            let to: Shape =
                (0..at.len()).map(|d| (self.start[d] as isize + at[d] as isize * self.strides[d]) as usize).collect();
            let v = &mut values[flat(&x.shape, &to)];
            *v = exact_update(self.mode, *v, u.get(i));
        }
        Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| values[i])])
    }
}

/// `x` with the strided box that `update` fills updated.
pub(crate) fn update_box(x: &Array, update: &Array, start: Axes, strides: Strides, mode: UpdateMode) -> Result<Array> {
    Array::record1(SliceUpdate { start, strides, mode }, Inputs::from_iter([x.clone(), update.clone()]))
}

/// `a` with the elements `start..stop` by `strides` replaced by (or combined with) `update`, which broadcasts and is
/// converted to the dtype of `a`. Positions are as in [`ops::slice`].
///
/// # Errors
/// `Value` for wrong lengths, zero strides, or an update that does not broadcast.
pub fn slice_update(
    a: &Array,
    update: &Array,
    start: &[i64],
    stop: &[i64],
    strides: &[i64],
    mode: UpdateMode,
) -> Result<Array> {
    let n = a.ndim();
    if start.len() != n || stop.len() != n || strides.len() != n {
        return Err(Error::value(format!(
            "[slice_update] Invalid number of indices or strides for array with dimension {n}."
        )));
    }
    let (mut first, mut step, mut shape) = (Axes::new(), Strides::new(), Shape::new());
    for d in 0..n {
        if strides[d] == 0 {
            return Err(Error::value("[slice_update] Slice step cannot be zero."));
        }
        let (s, st, c) = ops::python_slice(start[d], stop[d], strides[d], a.shape()[d]);
        first.push(s);
        step.push(st);
        shape.push(c);
    }
    // Leading axes of size one of the update may be dropped, as numpy does.
    let mut u = ops::astype(update, a.dtype())?;
    while u.ndim() > n && u.shape()[0] == 1 {
        u = ops::squeeze(&u, Some(&[0]))?;
    }
    let u = ops::broadcast_to(&u, &shape)?;
    if u.size() == 0 {
        return Ok(a.clone());
    }
    update_box(a, &u, first, step, mode)
}

// ---- dynamic slices ----

/// Start of a box of `shape` inside `within` from a start array, clamped so that it fits.
fn starts(start: &Tensor, axes: &[usize], shape: &[usize], within: &[usize]) -> Shape {
    let mut s: Shape = smallvec![0; shape.len()];
    for (i, &a) in axes.iter().enumerate() {
        let room = within[a] as i128 - shape[a] as i128;
        s[a] = start.get(i).int().clamp(0, room) as usize;
    }
    s
}

fn check_starts(name: &str, start: &Aval, axes: &[usize], x: &Aval, shape: &[usize]) -> Result<()> {
    if start.ndim() > 1 || start.size() != axes.len() || !start.dtype.is_integer() {
        return Err(Error::value(format!(
            "[{name}] start must be {} integers, got {:?} of {}.",
            axes.len(),
            start.shape,
            start.dtype
        )));
    }
    if shape.len() != x.ndim() || shape.iter().zip(&x.shape).any(|(s, d)| s > d) || axes.iter().any(|&a| a >= x.ndim())
    {
        return Err(Error::value(format!(
            "[{name}] a box of shape {shape:?} along axes {axes:?} does not fit an array of shape {:?}.",
            x.shape
        )));
    }
    Ok(())
}

/// Runs a dynamic op for each example and stacks the results: starts that differ have no common box.
fn for_each(b: &Batched<'_>, f: impl Fn(&[Array]) -> Result<Array>) -> Result<BatchedOut> {
    let xs = ops::all_in_front(b)?;
    let mut out = Vec::with_capacity(b.size);
    for i in 0..b.size as i64 {
        let one = xs
            .iter()
            .map(|x| ops::squeeze(&ops::slice_axis(x, 0, i, i + 1)?, Some(&[0])))
            .collect::<Result<Vec<_>>>()?;
        out.push(f(&one)?);
    }
    if out.is_empty() {
        return Err(Error::value("[vmap] nothing to map: the mapped axis is empty"));
    }
    Ok((vec![stack(&out, 0)?], vec![Some(0)]))
}

impl Rule for DynamicSlice {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        check_starts("slice", inputs[1], &self.axes, inputs[0], &self.shape)?;
        Ok(smallvec![Aval::new(self.shape.clone(), inputs[0].dtype)])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let zeros = ops::zeros_like(&v.primals[0])?;
        let op = DynamicSliceUpdate { axes: self.axes.clone() };
        Ok(vec![Some(again(op, &[zeros, v.cotangents[0].clone(), v.primals[1].clone()])?.remove(0)), None])
    }
    fn jvp(&self, primals: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        match &tangents[0] {
            Some(t) => Ok(vec![Some(again(self.clone(), &[t.clone(), primals[1].clone()])?.remove(0))]),
            None => Ok(vec![None]),
        }
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        if let (Some(a), None) = (b.axes[0], b.axes[1]) {
            let x = ops::moveaxis(&b.inputs[0], a as i64, 0)?;
            let mut shape = self.shape.clone();
            shape.insert(0, b.size);
            let op = DynamicSlice { axes: self.axes.iter().map(|a| a + 1).collect(), shape };
            return Ok((again(op, &[x, b.inputs[1].clone()])?, vec![Some(0)]));
        }
        for_each(b, |xs| Ok(again(self.clone(), xs)?.remove(0)))
    }
}

impl Core for DynamicSlice {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let x = inputs[0];
        let s = starts(inputs[1], &self.axes, &self.shape, &x.shape);
        Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| {
            let mut at = unflat(&outs[0].shape, i);
            at.iter_mut().zip(&s).for_each(|(a, s)| *a += s);
            x.at(&at)
        })])
    }
}

/// A box of `shape` whose start along `axes` is an array, clamped so that the box fits.
///
/// # Errors
/// `Value` if the box cannot fit or the start is not one integer for each axis.
pub fn dynamic_slice(a: &Array, start: &Array, axes: &[i64], shape: &[usize]) -> Result<Array> {
    let axes = axes.iter().map(|&x| desc::normalize_axis("slice", x, a.ndim())).collect::<Result<Axes>>()?;
    Array::record1(DynamicSlice { axes, shape: shape.into() }, Inputs::from_iter([a.clone(), start.clone()]))
}

impl Rule for DynamicSliceUpdate {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        check_starts("slice_update", inputs[2], &self.axes, inputs[0], &inputs[1].shape)?;
        if inputs[0].dtype != inputs[1].dtype {
            return Err(Error::value("[slice_update] The update must have the array's dtype."));
        }
        Ok(smallvec![inputs[0].clone()])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let (u, start, ct) = (&v.primals[1], &v.primals[2], &v.cotangents[0]);
        let rest = again(self.clone(), &[ct.clone(), ops::zeros_like(u)?, start.clone()])?.remove(0);
        let op = DynamicSlice { axes: self.axes.clone(), shape: u.shape().into() };
        let there = again(op, &[ct.clone(), start.clone()])?.remove(0);
        Ok(vec![Some(rest), Some(there), None])
    }
    fn jvp(&self, primals: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        let t = |i: usize| tangents[i].clone().map_or_else(|| ops::zeros_like(&primals[i]), Ok);
        Ok(vec![Some(again(self.clone(), &[t(0)?, t(1)?, primals[2].clone()])?.remove(0))])
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        if b.axes[2].is_none() {
            let xs = ops::all_in_front(&Batched { inputs: &b.inputs[..2], axes: &b.axes[..2], size: b.size })?;
            let op = DynamicSliceUpdate { axes: self.axes.iter().map(|a| a + 1).collect() };
            return Ok((again(op, &[xs[0].clone(), xs[1].clone(), b.inputs[2].clone()])?, vec![Some(0)]));
        }
        for_each(b, |xs| Ok(again(self.clone(), xs)?.remove(0)))
    }
}

impl Core for DynamicSliceUpdate {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let (x, u) = (inputs[0], inputs[1]);
        let s = starts(inputs[2], &self.axes, &u.shape, &x.shape);
        Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| {
            let at = unflat(&outs[0].shape, i);
            let inside: Option<Shape> =
                (0..at.len()).map(|d| at[d].checked_sub(s[d]).filter(|&p| p < u.shape[d])).collect();
            inside.map_or_else(|| x.get(i), |p| u.at(&p))
        })])
    }
}

/// `a` with a box, whose start along `axes` is an array (clamped so that the box fits), replaced by `update`.
///
/// # Errors
/// `Value` if the box cannot fit or the start is not one integer for each axis.
pub fn dynamic_slice_update(a: &Array, update: &Array, start: &Array, axes: &[i64]) -> Result<Array> {
    let axes = axes.iter().map(|&x| desc::normalize_axis("slice_update", x, a.ndim())).collect::<Result<Axes>>()?;
    let u = ops::astype(update, a.dtype())?;
    Array::record1(DynamicSliceUpdate { axes }, Inputs::from_iter([a.clone(), u, start.clone()]))
}
