//! Indexing by arrays: the rows `Gather`, `GatherAxis`, `Scatter`, `ScatterAxis`, and what is composed of them.
//! Negative indices count from the end. Reads out of range see the nearest element, writes out of range are dropped:
//! no memory outside an array is ever touched.

use crate::array::{Array, Inputs, Outs};
use crate::ops;
use crate::reference::{Num, Tensor, flat, unflat};
use crate::rules::{Batched, BatchedOut, Core, Grads, Rule, Vjp, again};
use mlx_ir::op::{Gather, GatherAxis, Scatter, ScatterAxis, UpdateMode};
use mlx_ir::{Aval, Axes, DType, Error, Result, Shape, desc};
use smallvec::smallvec;

/// An index with negatives counted from the end.
fn wrap(i: i128, n: usize) -> i128 {
    if i < 0 { i + n as i128 } else { i }
}

fn check_indices(name: &str, x: &Aval, indices: &[&Aval], axes: &[usize]) -> Result<Shape> {
    if indices.len() != axes.len() {
        return Err(Error::value(format!("[{name}] Got {} indices for {} axes.", indices.len(), axes.len())));
    }
    if axes.iter().any(|&a| a >= x.ndim()) || axes.windows(2).any(|w| w[0] == w[1]) {
        return Err(Error::value(format!("[{name}] Invalid axes {axes:?} for {} dimensions.", x.ndim())));
    }
    let shape = indices.first().map_or(Shape::new(), |i| i.shape.clone());
    for i in indices {
        if i.dtype.is_inexact() || i.dtype == DType::Bool {
            return Err(Error::value(format!(
                "[{name}] Got indices with invalid dtype {}. Indices must be integral.",
                i.dtype
            )));
        }
        if i.shape != shape {
            return Err(Error::value(format!("[{name}] Index shapes {:?} and {:?} differ.", shape, i.shape)));
        }
    }
    Ok(shape)
}

// ---- gather ----

impl Rule for Gather {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        let mut shape = check_indices("gather", x, &inputs[1..], &self.axes)?;
        if self.slice_sizes.len() != x.ndim() || self.slice_sizes.iter().zip(&x.shape).any(|(s, d)| s > d) {
            return Err(Error::value(format!(
                "[gather] Slice sizes {:?} do not fit an array of shape {:?}.",
                self.slice_sizes, x.shape
            )));
        }
        // Not by their number, which the indices' common shape may make too large.
        if !shape.contains(&0) && self.axes.iter().any(|&a| x.shape[a] == 0) {
            return Err(Error::value("[gather] If the input is empty, idx must also be empty."));
        }
        shape.extend_from_slice(&self.slice_sizes);
        Ok(smallvec![Aval { shape, dtype: x.dtype }])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let mut g: Grads = vec![None; v.primals.len()];
        if v.wanted[0] {
            let mut inputs = vec![ops::zeros_like(&v.primals[0])?];
            inputs.extend_from_slice(&v.primals[1..]);
            // Reads out of range were clamped, so their gradient goes where they read.
            for (k, &a) in self.axes.iter().enumerate() {
                let n = v.primals[0].shape()[a] as i64;
                inputs[k + 1] = clamped(&inputs[k + 1], n, self.slice_sizes[a] as i64)?;
            }
            inputs.push(v.cotangents[0].clone());
            g[0] = Some(again(Scatter { axes: self.axes.clone(), mode: UpdateMode::Sum }, &inputs)?.remove(0));
        }
        Ok(g)
    }
    fn jvp(&self, primals: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        let Some(t) = &tangents[0] else { return Ok(vec![None]) };
        let mut inputs = vec![t.clone()];
        inputs.extend_from_slice(&primals[1..]);
        Ok(vec![Some(again(self.clone(), &inputs)?.remove(0))])
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let mapped_indices = b.axes[1..].iter().any(Option::is_some);
        if !mapped_indices {
            // Each index takes the whole mapped axis along.
            let x = ops::moveaxis(&b.inputs[0], b.axes[0].unwrap_or(0) as i64, 0)?;
            let mut inputs = vec![x];
            inputs.extend_from_slice(&b.inputs[1..]);
            let axes: Axes = self.axes.iter().map(|a| a + 1).collect();
            let mut slice_sizes = self.slice_sizes.clone();
            slice_sizes.insert(0, b.size);
            let lead = b.inputs.get(1).map_or(0, Array::ndim);
            return Ok((again(Gather { axes, slice_sizes }, &inputs)?, vec![Some(lead)]));
        }
        let rest = Batched { inputs: &b.inputs[1..], axes: &b.axes[1..], size: b.size };
        let indices = ops::all_in_front(&rest)?;
        if b.axes[0].is_none() {
            let mut inputs = vec![b.inputs[0].clone()];
            inputs.extend(indices);
            return Ok((again(self.clone(), &inputs)?, vec![Some(0)]));
        }
        // Both mapped: the example number is one more index.
        let x = ops::moveaxis(&b.inputs[0], b.axes[0].unwrap_or(0) as i64, 0)?;
        let number = example_numbers(&indices[0])?;
        let mut inputs = vec![x, number];
        inputs.extend(indices);
        let mut axes: Axes = smallvec![0];
        axes.extend(self.axes.iter().map(|a| a + 1));
        let mut slice_sizes = self.slice_sizes.clone();
        slice_sizes.insert(0, 1);
        let out = again(Gather { axes, slice_sizes }, &inputs)?.remove(0);
        let lead = inputs[1].ndim() as i64;
        Ok((vec![ops::squeeze(&out, Some(&[lead]))?], vec![Some(0)]))
    }
}

/// Positions along the first axis, broadcast to the shape of `like`.
fn example_numbers(like: &Array) -> Result<Array> {
    let mut shape = vec![1; like.ndim()];
    shape[0] = like.shape()[0];
    let n = ops::reshape_to(&ops::arange_int(shape[0])?, &shape)?;
    ops::broadcast_to(&ops::astype(&n, DType::I32)?, like.shape())
}

fn clamped(i: &Array, n: i64, slice: i64) -> Result<Array> {
    let wide = ops::astype(i, DType::I64)?;
    let i = ops::where_(&ops::less(&wide, 0)?, &ops::add(&wide, n)?, &wide)?;
    ops::clip(&i, Some(&0), Some(&(n - slice).max(0)))
}

impl Core for Gather {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let x = inputs[0];
        let lead = outs[0].shape.len() - x.shape.len();
        Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| {
            let at = unflat(&outs[0].shape, i);
            let mut src: Shape = at[lead..].into();
            for (k, &a) in self.axes.iter().enumerate() {
                let n = x.shape[a];
                let room = (n - self.slice_sizes[a]) as i128;
                src[a] += wrap(inputs[k + 1].at(&at[..lead]).int(), n).clamp(0, room) as usize;
            }
            x.at(&src)
        })])
    }
}

/// Slices of `slice_sizes` of `a` at index tuples: one integer array for each of `axes`, broadcast together.
/// Result shape: index shape + `slice_sizes`.
///
/// # Errors
/// `Value` for index dtypes that are not integers, shapes that do not fit, or indices into nothing.
pub fn gather(a: &Array, indices: &[Array], axes: &[i64], slice_sizes: &[usize]) -> Result<Array> {
    let axes = axes.iter().map(|&x| desc::normalize_axis("gather", x, a.ndim())).collect::<Result<Axes>>()?;
    let mut inputs = Inputs::from_iter([a.clone()]);
    inputs.extend(ops::broadcast_arrays(indices)?);
    Array::record1(Gather { axes, slice_sizes: slice_sizes.into() }, inputs)
}

/// Elements of `a` at `indices` along an axis, or of the flattened array: the axis is replaced by the shape of
/// `indices`.
///
/// # Errors
/// `Index` for an axis out of range, `Value` for indices that are not integers.
pub fn take(a: &Array, indices: &Array, axis: Option<i64>) -> Result<Array> {
    let (a, axis) = match axis {
        Some(x) => (a.clone(), desc::normalize_axis("take", x, a.ndim())?),
        None => (ops::reshape_to(a, &[a.size()])?, 0),
    };
    if a.size() == 0 && indices.size() != 0 && a.shape()[axis] == 0 {
        return Err(Error::value("[take] Cannot do a non-empty take from an array with zero elements."));
    }
    let mut sizes: Vec<usize> = a.shape().to_vec();
    sizes[axis] = sizes[axis].min(1);
    let out = gather(&a, std::slice::from_ref(indices), &[axis as i64], &sizes)?;
    // The gathered axis (size one) goes, and the index axes move to its place.
    let n = indices.ndim();
    let mut shape: Vec<usize> = out.shape().to_vec();
    shape.remove(n + axis);
    let out = ops::reshape_to(&out, &shape)?;
    let mut order: Vec<i64> = (n..n + axis).map(|d| d as i64).collect();
    order.extend(0..n as i64);
    order.extend((n + axis..shape.len()).map(|d| d as i64));
    ops::transpose(&out, Some(&order))
}

// ---- gather along an axis ----

fn check_axis(name: &str, x: &Aval, indices: &Aval, axis: usize) -> Result<()> {
    let fits = axis < x.ndim()
        && indices.ndim() == x.ndim()
        && (0..x.ndim()).all(|d| d == axis || indices.shape[d] == x.shape[d]);
    if !fits {
        return Err(Error::value(format!(
            "[{name}] Indices of shape {:?} do not match an array of shape {:?} along axis {axis}.",
            indices.shape, x.shape
        )));
    }
    if indices.dtype.is_inexact() || indices.dtype == DType::Bool {
        return Err(Error::value(format!("[{name}] Indices must be integral, got {}.", indices.dtype)));
    }
    Ok(())
}

impl Rule for GatherAxis {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let (x, i) = (inputs[0], inputs[1]);
        check_axis("take_along_axis", x, i, self.axis)?;
        if i.size() > 0 && x.shape[self.axis] == 0 {
            return Err(Error::value("[take_along_axis] Cannot take from an empty axis."));
        }
        Ok(smallvec![Aval { shape: i.shape.clone(), dtype: x.dtype }])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let x = &v.primals[0];
        let i = clamped(&v.primals[1], x.shape()[self.axis] as i64, 1)?;
        Ok(vec![Some(scatter_add_axis(&ops::zeros_like(x)?, &i, &v.cotangents[0], self.axis as i64)?), None])
    }
    fn jvp(&self, primals: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        let Some(t) = &tangents[0] else { return Ok(vec![None]) };
        Ok(vec![Some(again(self.clone(), &[t.clone(), primals[1].clone()])?.remove(0))])
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        Ok((again(GatherAxis { axis: self.axis + 1 }, &ops::all_in_front(b)?)?, vec![Some(0)]))
    }
}

impl Core for GatherAxis {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let (x, idx) = (inputs[0], inputs[1]);
        let n = x.shape[self.axis];
        Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| {
            let mut at = unflat(&outs[0].shape, i);
            at[self.axis] = wrap(idx.get(i).int(), n).clamp(0, n as i128 - 1) as usize;
            x.at(&at)
        })])
    }
}

/// Both with the same shape off the axis, by broadcasting.
fn match_off_axis(name: &str, a: &Array, b: &Array, axis: usize) -> Result<(Array, Array)> {
    if a.ndim() != b.ndim() {
        return Err(Error::value(format!(
            "[{name}] Indices of dimension {} does not match array of dimension {}.",
            b.ndim(),
            a.ndim()
        )));
    }
    let without = |x: &Array| {
        let mut s = x.shape().to_vec();
        s[axis] = 1;
        s
    };
    let shape = desc::broadcast_shapes(&without(a), &without(b)).ok_or_else(|| {
        Error::value(format!("[{name}] Shapes {:?} and {:?} cannot be broadcast.", a.shape(), b.shape()))
    })?;
    let wide = |x: &Array| {
        let mut s = shape.clone();
        s[axis] = x.shape()[axis];
        ops::broadcast_to(x, &s)
    };
    Ok((wide(a)?, wide(b)?))
}

/// Elements of `a` at `indices` along an axis; the other axes broadcast together. Without an axis, of the flattened
/// array.
///
/// # Errors
/// `Index` for an axis out of range, `Value` for shapes that do not fit or indices that are not integers.
pub fn take_along_axis(a: &Array, indices: &Array, axis: Option<i64>) -> Result<Array> {
    let Some(axis) = axis else {
        return take_along_axis(&ops::reshape_to(a, &[a.size()])?, indices, Some(0));
    };
    let axis = desc::normalize_axis("take_along_axis", axis, a.ndim())?;
    let (x, i) = match_off_axis("take_along_axis", a, indices, axis)?;
    Array::record1(GatherAxis { axis }, Inputs::from_iter([x, i]))
}

// ---- scatter ----

impl Rule for Scatter {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        let u = inputs[inputs.len() - 1];
        let index_shape = check_indices("scatter", x, &inputs[1..inputs.len() - 1], &self.axes)?;
        let lead = index_shape.len();
        let fits = u.ndim() == lead + x.ndim()
            && u.shape[..lead] == index_shape[..]
            && u.shape[lead..].iter().zip(&x.shape).all(|(s, d)| s <= d)
            && u.dtype == x.dtype;
        if !fits {
            return Err(Error::value(format!(
                "[scatter] Updates with shape {:?} are incompatible with array shape {:?} and index shape {:?}.",
                u.shape, x.shape, index_shape
            )));
        }
        Ok(smallvec![x.clone()])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let n = v.primals.len();
        let (x, u, ct) = (&v.primals[0], &v.primals[n - 1], &v.cotangents[0]);
        let indices = &v.primals[1..n - 1];
        let slice_sizes: Shape = u.shape()[u.ndim() - x.ndim()..].into();
        let read = |a: &Array| {
            let mut i = vec![a.clone()];
            i.extend_from_slice(indices);
            Ok::<_, Error>(again(Gather { axes: self.axes.clone(), slice_sizes: slice_sizes.clone() }, &i)?.remove(0))
        };
        let write = |a: Array, value: Array, mode| {
            let mut i = vec![a];
            i.extend_from_slice(indices);
            i.push(value);
            Ok::<_, Error>(again(Scatter { axes: self.axes.clone(), mode }, &i)?.remove(0))
        };
        let mut g: Grads = vec![None; n];
        match self.mode {
            UpdateMode::Sum => {
                g[0] = Some(ct.clone());
                g[n - 1] = Some(read(ct)?);
            }
            UpdateMode::Assign => {
                g[0] = Some(write(ct.clone(), ops::zeros_like(u)?, UpdateMode::Assign)?);
                g[n - 1] = Some(read(ct)?);
            }
            UpdateMode::Min | UpdateMode::Max => {
                // Whoever holds the extreme gets the gradient; ties go to the array.
                let out = &v.outputs[0];
                let kept = ops::equal(out, x)?;
                g[0] = Some(ops::where_(&kept, ct, 0.0)?);
                let won = ops::logical_and(
                    &ops::equal(&read(out)?, u)?,
                    &ops::logical_not(&ops::astype(&read(&ops::astype(&kept, x.dtype())?)?, DType::Bool)?)?,
                )?;
                g[n - 1] = Some(ops::where_(&won, &read(ct)?, 0.0)?);
            }
            UpdateMode::Prod => {
                if v.wanted[n - 1] {
                    return Err(Error::value("[Scatter::vjp] Not implemented for the updates of a product."));
                }
                let factors = write(ops::ones_like(x)?, u.clone(), UpdateMode::Prod)?;
                g[0] = Some(ops::multiply(ct, &factors)?);
            }
        }
        Ok(g)
    }
    fn jvp(&self, primals: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        let n = primals.len();
        if !matches!(self.mode, UpdateMode::Sum | UpdateMode::Assign) {
            return Err(Error::value("[Scatter::jvp] Not implemented for products and extremes."));
        }
        let t = |i: usize| tangents[i].clone().map_or_else(|| ops::zeros_like(&primals[i]), Ok);
        let mut inputs = vec![t(0)?];
        inputs.extend_from_slice(&primals[1..n - 1]);
        inputs.push(t(n - 1)?);
        Ok(vec![Some(again(self.clone(), &inputs)?.remove(0))])
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let mut xs = ops::all_in_front(b)?;
        let n = xs.len();
        if n == 2 {
            // No indices: the update covers a box at the origin of each example.
            let u = ops::expand_dims(&xs[1], &[])?;
            let op = Scatter { axes: Axes::new(), mode: self.mode };
            return Ok((again(op, &[xs.remove(0), u])?, vec![Some(0)]));
        }
        let number = example_numbers(&xs[1])?;
        let lead = xs[1].ndim() as i64;
        // The updates' slices get an axis of size one for the example.
        let u = ops::expand_dims(&xs[n - 1], &[lead])?;
        xs[n - 1] = u;
        xs.insert(1, number);
        let mut axes: Axes = smallvec![0];
        axes.extend(self.axes.iter().map(|a| a + 1));
        Ok((again(Scatter { axes, mode: self.mode }, &xs)?, vec![Some(0)]))
    }
}

impl Core for Scatter {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let (x, u) = (inputs[0], inputs[inputs.len() - 1]);
        let lead = u.shape.len() - x.shape.len();
        let mut values: Vec<Num> = (0..x.size()).map(|i| x.get(i)).collect();
        for i in 0..u.size() {
            let at = unflat(&u.shape, i);
            let mut to: Vec<i128> = at[lead..].iter().map(|&p| p as i128).collect();
            for (k, &a) in self.axes.iter().enumerate() {
                to[a] += wrap(inputs[k + 1].at(&at[..lead]).int(), x.shape[a]);
            }
            if to.iter().zip(&x.shape).all(|(&p, &d)| p >= 0 && p < d as i128) {
                let to: Shape = to.iter().map(|&p| p as usize).collect();
                let v = &mut values[flat(&x.shape, &to)];
                *v = ops::exact_update(self.mode, *v, u.get(i));
            }
        }
        Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| values[i])])
    }
}

/// `a` with slices at index tuples updated: one integer array for each of `axes`, broadcast together; `updates` has
/// the index shape followed by the slice shape. Of duplicate indices the last assignment wins.
///
/// # Errors
/// `Value` for shapes that do not fit or indices that are not integers.
pub fn scatter(a: &Array, indices: &[Array], updates: &Array, axes: &[i64], mode: UpdateMode) -> Result<Array> {
    let axes = axes.iter().map(|&x| desc::normalize_axis("scatter", x, a.ndim())).collect::<Result<Axes>>()?;
    let mut inputs = Inputs::from_iter([a.clone()]);
    inputs.extend(ops::broadcast_arrays(indices)?);
    inputs.push(ops::astype(updates, a.dtype())?);
    Array::record1(Scatter { axes, mode }, inputs)
}

// ---- scatter along an axis ----

impl Rule for ScatterAxis {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let (x, i, u) = (inputs[0], inputs[1], inputs[2]);
        check_axis("put_along_axis", x, i, self.axis)?;
        if u.shape != i.shape || u.dtype != x.dtype {
            return Err(Error::value(format!(
                "[put_along_axis] Updates of shape {:?} do not match indices of shape {:?}.",
                u.shape, i.shape
            )));
        }
        Ok(smallvec![x.clone()])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let (i, u, ct) = (&v.primals[1], &v.primals[2], &v.cotangents[0]);
        let there = take_along_axis(ct, i, Some(self.axis as i64))?;
        match self.mode {
            UpdateMode::Sum => Ok(vec![Some(ct.clone()), None, Some(there)]),
            UpdateMode::Assign => Ok(vec![
                Some(again(self.clone(), &[ct.clone(), i.clone(), ops::zeros_like(u)?])?.remove(0)),
                None,
                Some(there),
            ]),
            _ => Err(Error::value("[ScatterAxis::vjp] Not implemented for products and extremes.")),
        }
    }
    fn jvp(&self, primals: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        if !matches!(self.mode, UpdateMode::Sum | UpdateMode::Assign) {
            return Err(Error::value("[ScatterAxis::jvp] Not implemented for products and extremes."));
        }
        let t = |i: usize| tangents[i].clone().map_or_else(|| ops::zeros_like(&primals[i]), Ok);
        Ok(vec![Some(again(self.clone(), &[t(0)?, primals[1].clone(), t(2)?])?.remove(0))])
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let op = ScatterAxis { axis: self.axis + 1, mode: self.mode };
        Ok((again(op, &ops::all_in_front(b)?)?, vec![Some(0)]))
    }
}

impl Core for ScatterAxis {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let (x, idx, u) = (inputs[0], inputs[1], inputs[2]);
        let n = x.shape[self.axis];
        let mut values: Vec<Num> = (0..x.size()).map(|i| x.get(i)).collect();
        for i in 0..u.size() {
            let mut at = unflat(&u.shape, i);
            let p = wrap(idx.get(i).int(), n);
            if (0..n as i128).contains(&p) {
                at[self.axis] = p as usize;
                let v = &mut values[flat(&x.shape, &at)];
                *v = ops::exact_update(self.mode, *v, u.get(i));
            }
        }
        Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| values[i])])
    }
}

fn put(name: &str, a: &Array, indices: &Array, values: &Array, axis: i64, mode: UpdateMode) -> Result<Array> {
    let axis = desc::normalize_axis(name, axis, a.ndim())?;
    let (x, i) = match_off_axis(name, a, indices, axis)?;
    if x.shape() != a.shape() {
        return Err(Error::value(format!(
            "[{name}] Indices of shape {:?} do not match an array of shape {:?}.",
            indices.shape(),
            a.shape()
        )));
    }
    let u = ops::broadcast_to(&ops::astype(values, a.dtype())?, i.shape())?;
    Array::record1(ScatterAxis { axis, mode }, Inputs::from_iter([x, i, u]))
}

/// `a` with the elements at `indices` along an axis replaced by `values` (which broadcast to the indices). Without an
/// axis, of the flattened array.
///
/// # Errors
/// `Index` for an axis out of range, `Value` for shapes that do not fit or indices that are not integers.
pub fn put_along_axis(a: &Array, indices: &Array, values: &Array, axis: Option<i64>) -> Result<Array> {
    match axis {
        Some(x) => put("put_along_axis", a, indices, values, x, UpdateMode::Assign),
        None => {
            let flat_a = ops::reshape_to(a, &[a.size()])?;
            ops::reshape_to(&put("put_along_axis", &flat_a, indices, values, 0, UpdateMode::Assign)?, a.shape())
        }
    }
}

/// `a` with `values` added to the elements at `indices` along an axis; duplicates accumulate.
///
/// # Errors
/// `Index` for an axis out of range, `Value` for shapes that do not fit or indices that are not integers.
pub fn scatter_add_axis(a: &Array, indices: &Array, values: &Array, axis: i64) -> Result<Array> {
    put("scatter_add_axis", a, indices, values, axis, UpdateMode::Sum)
}
