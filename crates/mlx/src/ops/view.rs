//! Rows and functions that only describe the same elements anew: broadcast, reshape, transpose, slice, as_strided,
//! bit casts, and what is composed of them.

use crate::array::{Array, Inputs, Outs};
use crate::ops;
use crate::rules::{Batched, BatchedOut, Grads, Rule, View, Vjp, again};
use mlx_ir::op::{AsStrided, Bitcast, Broadcast, Reshape, Slice, StopGradient, Transpose};
use mlx_ir::{Aval, Axes, DType, Error, Result, Shape, Strides, desc};
use smallvec::smallvec;

fn one(shape: impl Into<Shape>, dtype: DType) -> Result<Outs> {
    Ok(smallvec![Aval::new(shape, dtype)])
}

/// The single input of a batched view with its axis, which the scheduler guarantees to be mapped.
fn mapped<'a>(b: &'a Batched<'_>) -> Result<(&'a Array, usize)> {
    match b.axes[0] {
        Some(a) => Ok((&b.inputs[0], a)),
        None => Err(Error::runtime("[vmap] a view without a mapped input")),
    }
}

/// The single input with its mapped axis at the front.
fn front(b: &Batched<'_>) -> Result<Array> {
    let (x, a) = mapped(b)?;
    moveaxis(x, a as i64, 0)
}

/// Applies a linear view to the tangent.
fn along(op: impl Into<mlx_ir::Op>, tangents: &[Option<Array>]) -> Result<Grads> {
    match &tangents[0] {
        Some(t) => Ok(again(op, std::slice::from_ref(t))?.into_iter().map(Some).collect()),
        None => Ok(vec![None]),
    }
}

// ---- broadcast ----

impl Rule for Broadcast {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        match desc::broadcast_shapes(&x.shape, &self.shape) {
            Some(s) if s == self.shape => one(self.shape.clone(), x.dtype),
            _ => Err(Error::value(format!(
                "[broadcast_to] Cannot broadcast array of shape {:?} to shape {:?}.",
                x.shape, self.shape
            ))),
        }
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let (x, ct) = (&v.primals[0], &v.cotangents[0]);
        let lead = ct.ndim() - x.ndim();
        let axes: Vec<i64> = (0..ct.ndim())
            .filter(|&d| d < lead || (x.shape()[d - lead] == 1 && ct.shape()[d] != 1))
            .map(|d| d as i64)
            .collect();
        let g = if axes.is_empty() { ct.clone() } else { ops::sum(ct, Some(&axes), true)? };
        Ok(vec![Some(reshape_to(&g, x.shape())?)])
    }
    fn jvp(&self, _: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        along(self.clone(), tangents)
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let x = front(b)?;
        // The mapped axis stays in front of any axes that broadcasting adds.
        let mut shape: Vec<usize> = vec![x.shape()[0]];
        shape.resize(1 + self.shape.len() - (x.ndim() - 1), 1);
        shape.extend(&x.shape()[1..]);
        let x = reshape_to(&x, &shape)?;
        let mut to: Vec<usize> = vec![x.shape()[0]];
        to.extend(&self.shape);
        Ok((vec![broadcast_to(&x, &to)?], vec![Some(0)]))
    }
}

impl View for Broadcast {
    fn layout(&self, input: &Aval, strides: &[isize], offset: usize) -> Option<(Strides, usize)> {
        Some((desc::broadcast_strides(&input.shape, strides, &self.shape), offset))
    }
}

/// `a` repeated along dimensions of size one (and new leading ones) to `shape`, without a copy.
///
/// # Errors
/// `Value` if it does not broadcast to `shape`.
pub fn broadcast_to(a: &Array, shape: &[usize]) -> Result<Array> {
    if a.shape() == shape {
        return Ok(a.clone());
    }
    Array::record1(Broadcast { shape: shape.into() }, Inputs::from_iter([a.clone()]))
}

/// All arrays broadcast to their common shape.
///
/// # Errors
/// `Value` if they do not broadcast together.
pub fn broadcast_arrays(arrays: &[Array]) -> Result<Vec<Array>> {
    if arrays.is_empty() {
        return Ok(vec![]);
    }
    let shape = ops::common_shape("broadcast_arrays", arrays)?;
    arrays.iter().map(|a| broadcast_to(a, &shape)).collect()
}

// ---- reshape ----

impl Rule for Reshape {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        if x.size() != desc::checked_size("reshape", &self.shape, x.dtype)? {
            return Err(Error::value(format!(
                "[reshape] Cannot reshape array of size {} into shape {:?}.",
                x.size(),
                self.shape
            )));
        }
        one(self.shape.clone(), x.dtype)
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        Ok(vec![Some(reshape_to(&v.cotangents[0], v.primals[0].shape())?)])
    }
    fn jvp(&self, _: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        along(self.clone(), tangents)
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let x = front(b)?;
        let mut shape: Shape = smallvec![b.size];
        shape.extend_from_slice(&self.shape);
        Ok((vec![reshape_to(&x, &shape)?], vec![Some(0)]))
    }
}

impl View for Reshape {
    fn layout(&self, input: &Aval, strides: &[isize], offset: usize) -> Option<(Strides, usize)> {
        Some((desc::reshape_strides(&input.shape, strides, &self.shape)?, offset))
    }
}

/// The same elements under a known shape.
pub(crate) fn reshape_to(a: &Array, shape: &[usize]) -> Result<Array> {
    if a.shape() == shape {
        return Ok(a.clone());
    }
    Array::record1(Reshape { shape: shape.into() }, Inputs::from_iter([a.clone()]))
}

/// The same elements in row-major order under another shape; one size may be −1 and is then inferred.
///
/// # Errors
/// `Value` if the sizes do not fit.
pub fn reshape(a: &Array, shape: &[i64]) -> Result<Array> {
    let bad = || Error::value(format!("[reshape] Cannot reshape array of size {} into shape {shape:?}.", a.size()));
    let mut out: Shape = Shape::new();
    let mut infer = None;
    let mut known = 1usize;
    for (i, &d) in shape.iter().enumerate() {
        if d == -1 {
            if infer.replace(i).is_some() {
                return Err(Error::value("[reshape] Can only infer one dimension."));
            }
            out.push(1);
        } else {
            let d = usize::try_from(d).map_err(|_| bad())?;
            known = known.checked_mul(d).ok_or_else(bad)?;
            out.push(d);
        }
    }
    if let Some(i) = infer {
        if known == 0 || !a.size().is_multiple_of(known) {
            return Err(bad());
        }
        out[i] = a.size() / known;
    }
    reshape_to(a, &out)
}

/// Axes `start..=end` merged into one.
///
/// # Errors
/// `Index` for axes out of range, `Value` if `start` is after `end`.
pub fn flatten(a: &Array, start: i64, end: i64) -> Result<Array> {
    if a.ndim() == 0 {
        return reshape_to(a, &[1]);
    }
    let s = desc::normalize_axis("flatten", start, a.ndim())?;
    let e = desc::normalize_axis("flatten", end, a.ndim())?;
    if s > e {
        return Err(Error::value("[flatten] start_axis must be less than or equal to end_axis."));
    }
    let mut shape: Vec<usize> = a.shape()[..s].to_vec();
    shape.push(a.shape()[s..=e].iter().product());
    shape.extend(&a.shape()[e + 1..]);
    reshape_to(a, &shape)
}

/// Axis `axis` split into `shape`, one of whose sizes may be −1.
///
/// # Errors
/// `Index` for an axis out of range, `Value` if the sizes do not fit.
pub fn unflatten(a: &Array, axis: i64, shape: &[i64]) -> Result<Array> {
    if shape.is_empty() {
        return Err(Error::value("[unflatten] Shape to unflatten to cannot be empty."));
    }
    let x = desc::normalize_axis("unflatten", axis, a.ndim())?;
    let size = a.shape()[x];
    let known: usize = shape.iter().filter(|&&d| d >= 0).map(|&d| d as usize).product();
    let mut parts = Vec::new();
    for &d in shape {
        parts.push(if d >= 0 {
            d as usize
        } else if known > 0 && size.is_multiple_of(known) {
            size / known
        } else {
            0
        });
    }
    if parts.iter().product::<usize>() != size || shape.iter().filter(|&&d| d < 0).count() > 1 {
        return Err(Error::value(format!("[unflatten] Cannot unflatten axis {axis} of size {size} to {shape:?}.")));
    }
    let mut out = a.shape()[..x].to_vec();
    out.extend(parts);
    out.extend(&a.shape()[x + 1..]);
    reshape_to(a, &out)
}

/// New axes of size one at the given places of the result.
///
/// # Errors
/// `Index` for axes out of range, `Value` for duplicates.
pub fn expand_dims(a: &Array, axes: &[i64]) -> Result<Array> {
    let axes = desc::normalize_axes("expand_dims", axes, a.ndim() + axes.len())?;
    let mut shape: Shape = a.shape().into();
    for &x in &axes {
        shape.insert(x, 1);
    }
    reshape_to(a, &shape)
}

/// Axes of size one removed: the given ones, or all.
///
/// # Errors
/// `Index` for axes out of range, `Value` for an axis whose size is not one.
pub fn squeeze(a: &Array, axes: Option<&[i64]>) -> Result<Array> {
    let axes: Axes = match axes {
        Some(x) => desc::normalize_axes("squeeze", x, a.ndim())?,
        None => (0..a.ndim()).filter(|&d| a.shape()[d] == 1).collect(),
    };
    if let Some(&x) = axes.iter().find(|&&x| a.shape()[x] != 1) {
        return Err(Error::value(format!("[squeeze] Cannot squeeze axis {x} with size {}.", a.shape()[x])));
    }
    let shape: Shape = (0..a.ndim()).filter(|d| !axes.contains(d)).map(|d| a.shape()[d]).collect();
    reshape_to(a, &shape)
}

/// At least one dimension.
///
/// # Errors
/// None but what recording an op can report.
pub fn atleast_1d(a: &Array) -> Result<Array> {
    if a.ndim() == 0 { reshape_to(a, &[1]) } else { Ok(a.clone()) }
}

/// At least two dimensions.
///
/// # Errors
/// None but what recording an op can report.
pub fn atleast_2d(a: &Array) -> Result<Array> {
    match a.ndim() {
        0 => reshape_to(a, &[1, 1]),
        1 => reshape_to(a, &[1, a.size()]),
        _ => Ok(a.clone()),
    }
}

/// At least three dimensions, new ones where numpy puts them.
///
/// # Errors
/// None but what recording an op can report.
pub fn atleast_3d(a: &Array) -> Result<Array> {
    match a.ndim() {
        0 => reshape_to(a, &[1, 1, 1]),
        1 => reshape_to(a, &[1, a.size(), 1]),
        2 => reshape_to(a, &[a.shape()[0], a.shape()[1], 1]),
        _ => Ok(a.clone()),
    }
}

// ---- transpose ----

impl Rule for Transpose {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        let mut seen: Axes = self.axes.clone();
        seen.sort_unstable();
        if seen.len() != x.ndim() || seen.iter().enumerate().any(|(i, &a)| i != a) {
            return Err(Error::value(format!(
                "[transpose] Axes {:?} are not a permutation of an array with {} dimensions.",
                self.axes,
                x.ndim()
            )));
        }
        one(self.axes.iter().map(|&a| x.shape[a]).collect::<Shape>(), x.dtype)
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let mut back: Axes = smallvec![0; self.axes.len()];
        for (i, &a) in self.axes.iter().enumerate() {
            back[a] = i;
        }
        Ok(vec![Some(permute(&v.cotangents[0], back)?)])
    }
    fn jvp(&self, _: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        along(self.clone(), tangents)
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let x = front(b)?;
        let mut axes: Axes = smallvec![0];
        axes.extend(self.axes.iter().map(|a| a + 1));
        Ok((vec![permute(&x, axes)?], vec![Some(0)]))
    }
}

impl View for Transpose {
    fn layout(&self, _: &Aval, strides: &[isize], offset: usize) -> Option<(Strides, usize)> {
        Some((self.axes.iter().map(|&a| strides[a]).collect(), offset))
    }
}

fn permute(a: &Array, axes: Axes) -> Result<Array> {
    if axes.iter().enumerate().all(|(i, &x)| i == x) {
        return Ok(a.clone());
    }
    Array::record1(Transpose { axes }, Inputs::from_iter([a.clone()]))
}

/// Axes permuted: axis `i` of the result is axis `axes[i]`; without axes, reversed.
///
/// # Errors
/// `Index` for axes out of range, `Value` if they are not a permutation.
pub fn transpose(a: &Array, axes: Option<&[i64]>) -> Result<Array> {
    match axes {
        None => permute(a, (0..a.ndim()).rev().collect()),
        Some(x) => {
            if x.len() != a.ndim() {
                return Err(Error::value(format!(
                    "[transpose] Recived {} axes for array with {} dimensions.",
                    x.len(),
                    a.ndim()
                )));
            }
            let axes = x.iter().map(|&x| desc::normalize_axis("transpose", x, a.ndim())).collect::<Result<Axes>>()?;
            Array::record1(Transpose { axes }, Inputs::from_iter([a.clone()]))
        }
    }
}

/// Axis `source` moved to place `destination`.
///
/// # Errors
/// `Index` for axes out of range.
pub fn moveaxis(a: &Array, source: i64, destination: i64) -> Result<Array> {
    let s = desc::normalize_axis("moveaxis", source, a.ndim())?;
    let d = desc::normalize_axis("moveaxis", destination, a.ndim())?;
    let mut axes: Axes = (0..a.ndim()).filter(|&x| x != s).collect();
    axes.insert(d, s);
    permute(a, axes)
}

/// Two axes exchanged.
///
/// # Errors
/// `Index` for axes out of range.
pub fn swapaxes(a: &Array, axis1: i64, axis2: i64) -> Result<Array> {
    let x = desc::normalize_axis("swapaxes", axis1, a.ndim())?;
    let y = desc::normalize_axis("swapaxes", axis2, a.ndim())?;
    let mut axes: Axes = (0..a.ndim()).collect();
    axes.swap(x, y);
    permute(a, axes)
}

// ---- slice ----

impl Rule for Slice {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        let n = x.ndim();
        if self.start.len() != n || self.strides.len() != n || self.shape.len() != n {
            return Err(Error::value(format!("[slice] Invalid number of indices or strides for {n} dimensions.")));
        }
        for d in 0..n {
            if self.shape[d] == 0 {
                continue;
            }
            let last = self.strides[d]
                .checked_mul(self.shape[d] as isize - 1)
                .and_then(|s| s.checked_add_unsigned(self.start[d]));
            if self.start[d] >= x.shape[d] || last.is_none_or(|l| l < 0 || l as usize >= x.shape[d]) {
                return Err(Error::value(format!(
                    "[slice] {} elements from {} by {} do not lie inside axis {d} of size {}.",
                    self.shape[d], self.start[d], self.strides[d], x.shape[d]
                )));
            }
        }
        one(self.shape.clone(), x.dtype)
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let x = &v.primals[0];
        let zeros = ops::zeros(x.shape(), x.dtype())?;
        Ok(vec![Some(ops::update_box(
            &zeros,
            &v.cotangents[0],
            self.start.clone(),
            self.strides.clone(),
            mlx_ir::op::UpdateMode::Assign,
        )?)])
    }
    fn jvp(&self, _: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        along(self.clone(), tangents)
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let x = front(b)?;
        let mut s = self.clone();
        s.start.insert(0, 0);
        s.strides.insert(0, 1);
        s.shape.insert(0, b.size);
        Ok((again(s, &[x])?, vec![Some(0)]))
    }
}

impl View for Slice {
    fn layout(&self, input: &Aval, strides: &[isize], offset: usize) -> Option<(Strides, usize)> {
        let mut first = 0isize;
        if desc::size_of_shape(&self.shape) != 0 {
            for d in 0..strides.len() {
                first += self.start[d] as isize * strides[d];
            }
        }
        let offset = offset.checked_add_signed(first * input.dtype.size() as isize)?;
        Some((strides.iter().zip(&self.strides).map(|(a, b)| a * b).collect(), offset))
    }
}

/// First index, step and count of a Python slice over an axis of `size`.
pub(crate) fn python_slice(start: i64, stop: i64, step: i64, size: usize) -> (usize, isize, usize) {
    let n = size as i64;
    let wrap = |i: i64| if i < 0 { i.saturating_add(n) } else { i };
    if step > 0 {
        let s = wrap(start).clamp(0, n);
        let e = wrap(stop).clamp(s, n);
        let count = (e - s + step - 1).div_euclid(step);
        (if count == 0 { 0 } else { s as usize }, step as isize, count as usize)
    } else {
        let s = wrap(start).clamp(-1, n - 1);
        let e = wrap(stop).clamp(-1, s);
        let count = ((s - e) as u64).div_ceil(step.unsigned_abs());
        (if count == 0 { 0 } else { s as usize }, step as isize, count as usize)
    }
}

/// Elements `start..stop` by `strides` along each axis, as a view. Negative positions count from the end; positions
/// out of range are clipped. With a negative stride a `stop` of at most `-size-1` means "to the beginning".
///
/// # Errors
/// `Value` if the lengths are not the number of dimensions or a stride is zero.
pub fn slice(a: &Array, start: &[i64], stop: &[i64], strides: &[i64]) -> Result<Array> {
    let n = a.ndim();
    if start.len() != n || stop.len() != n || strides.len() != n {
        return Err(Error::value(format!(
            "[slice] Invalid number of indices or strides for array with dimension {n}."
        )));
    }
    let mut op = Slice { start: Axes::new(), strides: Strides::new(), shape: Shape::new() };
    for d in 0..n {
        if strides[d] == 0 {
            return Err(Error::value("[slice] Slice step cannot be zero."));
        }
        let (s, st, c) = python_slice(start[d], stop[d], strides[d], a.shape()[d]);
        op.start.push(s);
        op.strides.push(st);
        op.shape.push(c);
    }
    if op.shape.as_slice() == a.shape() && op.strides.iter().all(|&s| s == 1) {
        return Ok(a.clone());
    }
    Array::record1(op, Inputs::from_iter([a.clone()]))
}

/// Elements `start..stop` along one axis, as a view.
///
/// # Errors
/// `Index` for an axis out of range.
pub fn slice_axis(a: &Array, axis: i64, start: i64, stop: i64) -> Result<Array> {
    let x = desc::normalize_axis("slice", axis, a.ndim())?;
    let mut lo = vec![0; a.ndim()];
    let mut hi: Vec<i64> = a.shape().iter().map(|&d| d as i64).collect();
    (lo[x], hi[x]) = (start, stop);
    slice(a, &lo, &hi, &vec![1; a.ndim()])
}

/// The parts between the given indices along an axis.
///
/// # Errors
/// `Index` for an axis out of range.
pub fn split_at(a: &Array, indices: &[i64], axis: i64) -> Result<Vec<Array>> {
    let x = desc::normalize_axis("split", axis, a.ndim())?;
    let n = a.shape()[x] as i64;
    let mut out = Vec::new();
    let mut from = 0;
    for &i in indices.iter().chain([&n]) {
        let to = if i < 0 { i.saturating_add(n) } else { i };
        out.push(slice_axis(a, axis, from, to.max(0))?);
        from = to.max(0);
    }
    Ok(out)
}

/// Equal parts along an axis.
///
/// # Errors
/// `Index` for an axis out of range, `Value` if the size is not divisible.
pub fn split(a: &Array, parts: usize, axis: i64) -> Result<Vec<Array>> {
    let x = desc::normalize_axis("split", axis, a.ndim())?;
    let n = a.shape()[x];
    if parts == 0 || !n.is_multiple_of(parts) {
        return Err(Error::value(format!(
            "[split] Array split does not result in sub arrays with equal size: attempting {parts} splits along axis {x} for shape {:?}.",
            a.shape()
        )));
    }
    let at: Vec<i64> = (1..parts).map(|i| (i * (n / parts)) as i64).collect();
    split_at(a, &at, axis)
}

// ---- as_strided ----

impl Rule for AsStrided {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        if self.shape.len() != self.strides.len() {
            return Err(Error::value("[as_strided] Shape and strides must have the same length."));
        }
        desc::checked_size("as_strided", &self.shape, x.dtype)?;
        if desc::size_of_shape(&self.shape) > 0 {
            let (mut lo, mut hi) = (self.offset as i128, self.offset as i128);
            for (&d, &s) in self.shape.iter().zip(&self.strides) {
                let reach = (d as i128 - 1) * s as i128;
                if reach < 0 {
                    lo += reach;
                } else {
                    hi += reach;
                }
            }
            if lo < 0 || hi >= x.size() as i128 {
                return Err(Error::value(format!(
                    "[as_strided] Shape {:?} with strides {:?} from {} reaches outside an array of {} elements.",
                    self.shape,
                    self.strides,
                    self.offset,
                    x.size()
                )));
            }
        }
        one(self.shape.clone(), x.dtype)
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        // Each element of the view adds to the element that it shows.
        let x = &v.primals[0];
        let n = desc::size_of_shape(&self.shape);
        let positions = reshape_to(&again(self.clone(), &[ops::arange_int(x.size())?])?[0], &[n])?;
        let zeros = ops::zeros(&[x.size()], x.dtype())?;
        let g = ops::scatter_add_axis(&zeros, &positions, &reshape_to(&v.cotangents[0], &[n])?, 0)?;
        Ok(vec![Some(reshape_to(&g, x.shape())?)])
    }
    fn jvp(&self, _: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        along(self.clone(), tangents)
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let x = front(b)?;
        let mut s = self.clone();
        s.shape.insert(0, b.size);
        s.strides.insert(0, (x.size() / b.size.max(1)) as isize);
        Ok((again(s, &[x])?, vec![Some(0)]))
    }
}

impl View for AsStrided {
    fn layout(&self, input: &Aval, strides: &[isize], offset: usize) -> Option<(Strides, usize)> {
        if !desc::is_row_major(&input.shape, strides) {
            return None;
        }
        Some((self.strides.clone(), offset + self.offset * input.dtype.size()))
    }
}

/// Arbitrary strides (in elements) over the row-major elements of `a`. Default: its own shape, row-major, from 0.
///
/// # Errors
/// `Value` if any element would lie outside the array.
pub fn as_strided(a: &Array, shape: Option<&[usize]>, strides: Option<&[isize]>, offset: usize) -> Result<Array> {
    let shape: Shape = shape.unwrap_or(a.shape()).into();
    let strides: Strides = strides.map_or_else(|| desc::row_major(&shape), Strides::from_slice);
    Array::record1(AsStrided { shape, strides, offset }, Inputs::from_iter([a.clone()]))
}

// ---- bit cast ----

impl Rule for Bitcast {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        let (from, to) = (x.dtype.size(), self.dtype.size());
        let mut shape = x.shape.clone();
        if from != to {
            let Some(last) = shape.last_mut() else {
                return Err(Error::value("[view] Changing the type of a scalar is only allowed for equal sizes."));
            };
            if !(*last * from).is_multiple_of(to) {
                return Err(Error::value(
                    "[view] When viewing as a larger dtype, the size in bytes of the last axis must be a multiple of the requested type size.",
                ));
            }
            *last = *last * from / to;
        }
        one(shape, self.dtype)
    }
    fn vjp(&self, _: &Vjp<'_>) -> Result<Grads> {
        Err(Error::value("[View::vjp] Not implemented."))
    }
    fn jvp(&self, _: &[Array], _: &[Array], _: &[Option<Array>]) -> Result<Grads> {
        Err(Error::value("[View::jvp] Not implemented."))
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        Ok((again(self.clone(), &[front(b)?])?, vec![Some(0)]))
    }
}

impl View for Bitcast {
    fn layout(&self, input: &Aval, strides: &[isize], offset: usize) -> Option<(Strides, usize)> {
        let (from, to) = (input.dtype.size(), self.dtype.size());
        if from == to {
            return Some((strides.into(), offset));
        }
        // Elements are split or joined along the last axis, so that its neighbours must touch.
        let n = strides.len();
        if (strides[n - 1] != 1 && input.shape[n - 1] != 1) || !offset.is_multiple_of(to) {
            return None;
        }
        let mut out: Strides = Strides::new();
        for &s in &strides[..n - 1] {
            let bytes = s * from as isize;
            if bytes % to as isize != 0 {
                return None;
            }
            out.push(bytes / to as isize);
        }
        out.push(1);
        Some((out, offset))
    }
}

/// The same bytes read as another dtype; the last axis scales by the ratio of sizes.
///
/// # Errors
/// `Value` if the last axis does not divide.
pub fn view(a: &Array, dtype: DType) -> Result<Array> {
    if a.dtype() == dtype {
        return Ok(a.clone());
    }
    Array::record1(Bitcast { dtype }, Inputs::from_iter([a.clone()]))
}

// ---- stop_gradient ----

impl Rule for StopGradient {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        Ok(smallvec![inputs[0].clone()])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        Ok(vec![None; v.primals.len()])
    }
    fn jvp(&self, _: &[Array], _: &[Array], _: &[Option<Array>]) -> Result<Grads> {
        Ok(vec![None])
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let (x, a) = mapped(b)?;
        Ok((again(self.clone(), std::slice::from_ref(x))?, vec![Some(a)]))
    }
}

impl View for StopGradient {
    fn layout(&self, _: &Aval, strides: &[isize], offset: usize) -> Option<(Strides, usize)> {
        Some((strides.into(), offset))
    }
}

/// The same value, through which no gradient flows.
///
/// # Errors
/// None but what recording an op can report.
pub fn stop_gradient(a: &Array) -> Result<Array> {
    Array::record1(StopGradient {}, Inputs::from_iter([a.clone()]))
}

// ---- batching helper ----

/// Inputs of an op whose operands share a shape, brought to one mapped axis: kept where all mapped inputs agree, moved
/// to the front otherwise; unmapped inputs get an axis there, broadcast. Returns the arrays and the axis.
pub(crate) fn align_mapped(b: &Batched<'_>) -> Result<(Vec<Array>, usize)> {
    let mut at = b.axes.iter().flatten();
    let first = at.next().copied().unwrap_or(0);
    let axis = if at.all(|&a| a == first) { first } else { 0 };
    let xs = b
        .inputs
        .iter()
        .zip(b.axes)
        .map(|(x, a)| match a {
            Some(a) => moveaxis(x, *a as i64, axis as i64),
            None => {
                let x = expand_dims(x, &[axis as i64])?;
                let mut shape = x.shape().to_vec();
                shape[axis] = b.size;
                broadcast_to(&x, &shape)
            }
        })
        .collect::<Result<Vec<_>>>()?;
    Ok((xs, axis))
}

/// All inputs with their mapped axis at the front; unmapped ones broadcast there.
pub(crate) fn all_in_front(b: &Batched<'_>) -> Result<Vec<Array>> {
    b.inputs
        .iter()
        .zip(b.axes)
        .map(|(x, a)| match a {
            Some(a) => moveaxis(x, *a as i64, 0),
            None => {
                let x = expand_dims(x, &[0])?;
                let mut shape = x.shape().to_vec();
                shape[0] = b.size;
                broadcast_to(&x, &shape)
            }
        })
        .collect()
}
