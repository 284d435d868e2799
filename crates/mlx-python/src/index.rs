//! `a[key]`, `a[key] = value` and `a.at[key]`: numpy's rules, without bool masks where the official package has none.
//! Python ints out of range raise; array elements out of range read the nearest element, and are dropped when written.

use crate::array::PyArray;
use crate::convert::{Operand, position};
use crate::create;
use crate::error::{R, type_, value};
use mlx::ops;
use mlx::{Array, DType};
use mlx_ir::op::UpdateMode;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyEllipsis, PyInt, PyList, PySlice, PyTuple};

/// One part of a key, once the ellipsis is spelled out. Each but `New` consumes an axis.
enum Part {
    /// One position.
    At(i64),
    /// A range: start, number of elements, step.
    Range { start: i64, len: usize, step: i64 },
    /// Positions from an array.
    Take(Array),
    /// A new axis.
    New,
}

fn wrong_type() -> crate::error::Fail {
    value("Cannot index mlx array using the given type.")
}

/// The integer of an index that is one: not a bool, not an array.
fn int(o: &Bound<'_, PyAny>) -> R<Option<i64>> {
    if o.is_instance_of::<PyInt>() {
        return Ok(if o.is_instance_of::<PyBool>() { None } else { Some(o.extract()?) });
    }
    // Integers of numpy say so by __index__; its arrays have it as well, but also a length.
    if !o.hasattr("__index__")? || o.hasattr("__len__")? && o.len().is_ok() {
        return Ok(None);
    }
    match o.getattr("dtype").and_then(|d| d.getattr("kind")).and_then(|k| k.extract::<String>()) {
        Ok(kind) if kind == "i" || kind == "u" => Ok(Some(o.extract()?)),
        _ => Ok(None),
    }
}

fn positions(a: Array) -> R<Array> {
    if a.dtype() == DType::Bool {
        return Err(value("boolean indices are not yet supported"));
    }
    if !a.dtype().is_integer() {
        return Err(value("Cannot index mlx array using the given type."));
    }
    Ok(a)
}

/// The range of a slice over an axis of `n` elements.
fn range(s: &Bound<'_, PySlice>, n: usize) -> R<Part> {
    for part in ["start", "stop", "step"] {
        let p = s.getattr(part)?;
        if !p.is_none() && (!p.is_instance_of::<PyInt>() && int(&p)?.is_none()) {
            return Err(value("Slice indices must be integers or None."));
        }
    }
    let i = s.indices(n as isize)?;
    Ok(Part::Range { start: i.start as i64, len: i.slicelength, step: i.step as i64 })
}

fn is_full(p: &Part, n: usize) -> bool {
    matches!(p, Part::Range { start: 0, step: 1, len } if *len == n)
}

/// The parts of a key: one for each axis of `a`, and the new axes between them.
fn parts(a: &Array, key: &Bound<'_, PyAny>) -> R<Vec<Part>> {
    let items: Vec<Bound<'_, PyAny>> = match key.cast::<PyTuple>() {
        Ok(t) => t.iter().collect(),
        Err(_) => vec![key.clone()],
    };
    let ellipses = items.iter().filter(|i| i.is_instance_of::<PyEllipsis>()).count();
    if ellipses > 1 {
        return Err(value("An index can only have a single ellipsis (...)"));
    }
    let consumed = items.iter().filter(|i| !i.is_none() && !i.is_instance_of::<PyEllipsis>()).count();
    if consumed > a.ndim() {
        return Err(value(format!("Too many indices for array with {} dimensions.", a.ndim())));
    }
    let whole = |n: usize| Part::Range { start: 0, len: n, step: 1 };
    let mut out = Vec::with_capacity(items.len() + a.ndim());
    let mut axis = 0;
    for item in &items {
        if item.is_none() {
            out.push(Part::New);
            continue;
        }
        if item.is_instance_of::<PyEllipsis>() {
            for _ in 0..a.ndim() - consumed {
                out.push(whole(a.shape()[axis]));
                axis += 1;
            }
            continue;
        }
        let n = a.shape()[axis];
        axis += 1;
        if let Ok(s) = item.cast::<PySlice>() {
            out.push(range(s, n)?);
        } else if let Ok(x) = item.cast::<PyArray>() {
            out.push(Part::Take(positions(x.get().get())?));
        } else if let Ok(l) = item.cast::<PyList>() {
            out.push(Part::Take(positions(create::array(l, None)?)?));
        } else if let Some(i) = int(item)? {
            out.push(Part::At(position(i, n)?));
        } else {
            return Err(wrong_type());
        }
    }
    for &n in &a.shape()[axis..] {
        out.push(whole(n));
    }
    Ok(out)
}

/// The box of the ranges; positions count as ranges of one, arrays as whole axes.
fn bounds(a: &Array, parts: &[Part]) -> (Vec<i64>, Vec<i64>, Vec<i64>) {
    let (mut start, mut stop, mut step) = (vec![], vec![], vec![]);
    let axes = parts.iter().filter(|p| !matches!(p, Part::New));
    for (p, &n) in axes.zip(a.shape()) {
        let (b, e, s) = match *p {
            Part::At(i) => (i, i + 1, 1),
            Part::Range { len: 0, .. } => (0, 0, 1),
            Part::Range { start, len, step } => {
                let last = start + (len as i64 - 1) * step;
                // A stop before the first element is written so that it does not count from the end.
                let end = if step > 0 {
                    last + 1
                } else if last == 0 {
                    -(n as i64) - 1
                } else {
                    last - 1
                };
                (start, end, step)
            }
            Part::Take(_) | Part::New => (0, n as i64, 1),
        };
        start.push(b);
        stop.push(e);
        step.push(s);
    }
    (start, stop, step)
}

fn boxed(a: &Array, parts: &[Part]) -> R<Array> {
    let axes = parts.iter().filter(|p| !matches!(p, Part::New));
    if axes.zip(a.shape()).all(|(p, &n)| matches!(p, Part::Take(_)) || is_full(p, n)) {
        return Ok(a.clone());
    }
    let (start, stop, step) = bounds(a, parts);
    Ok(ops::slice(a, &start, &stop, &step)?)
}

/// Where the dimensions of index arrays stand among the others.
struct Advanced {
    /// All arrays and positions, broadcast together, with the axes that they index.
    indices: Vec<Array>,
    axes: Vec<i64>,
    /// Shape to which they broadcast.
    shape: Vec<usize>,
    /// Whether they come first, or (adjacent ones) where they stand.
    front: bool,
}

fn advanced(parts: &[Part]) -> R<Option<Advanced>> {
    if !parts.iter().any(|p| matches!(p, Part::Take(_))) {
        return Ok(None);
    }
    let (mut indices, mut axes, mut places) = (vec![], vec![], vec![]);
    let mut axis = 0;
    for (place, p) in parts.iter().enumerate() {
        match p {
            Part::New => continue,
            Part::Take(i) => {
                indices.push(i.clone());
                axes.push(axis);
                places.push(place);
            }
            Part::At(i) => {
                indices.push(ops::Scalar::Int(*i).to_array(DType::I64)?);
                axes.push(axis);
                places.push(place);
            }
            Part::Range { .. } => {}
        }
        axis += 1;
    }
    let indices = ops::broadcast_arrays(&indices)?;
    // New axes between them part them as well.
    let front = places.windows(2).any(|w: &[usize]| w[1] != w[0] + 1);
    let shape = indices[0].shape().to_vec();
    Ok(Some(Advanced { indices, axes, shape, front }))
}

/// The shape of the result, given the index dimensions if there are index arrays.
fn shape(parts: &[Part], adv: Option<&Advanced>) -> Vec<usize> {
    let mut out = vec![];
    let mut placed = false;
    if let Some(a) = adv.filter(|a| a.front) {
        out.extend_from_slice(&a.shape);
        placed = true;
    }
    for p in parts {
        match p {
            Part::New => out.push(1),
            Part::Range { len, .. } => out.push(*len),
            Part::At(_) | Part::Take(_) => {
                if let Some(a) = adv.filter(|_| !placed) {
                    out.extend_from_slice(&a.shape);
                    placed = true;
                }
            }
        }
    }
    out
}

fn to_shape(a: &Array, shape: &[usize]) -> R<Array> {
    if a.shape() == shape {
        return Ok(a.clone());
    }
    let s: Vec<i64> = shape.iter().map(|&x| x as i64).collect();
    Ok(ops::reshape(a, &s)?)
}

/// `a[key]`.
pub fn get(a: &Array, key: &Bound<'_, PyAny>) -> R<Array> {
    // The two commonest keys, without the detour.
    if let Ok(i) = key.cast::<PyArray>() {
        let i = positions(i.get().get())?;
        if a.ndim() == 0 {
            return Err(value("Too many indices for array with 0 dimensions."));
        }
        return Ok(ops::take(a, &i, Some(0))?);
    }
    if key.is_instance_of::<PyInt>() && !key.is_instance_of::<PyBool>() {
        let Some(&n) = a.shape().first() else {
            return Err(value("Too many indices for array with 0 dimensions."));
        };
        let i = position(key.extract()?, n)?;
        return Ok(ops::squeeze(&ops::slice_axis(a, 0, i, i + 1)?, Some(&[0]))?);
    }
    let parts = parts(a, key)?;
    let adv = advanced(&parts)?;
    let Some(adv) = adv else {
        return to_shape(&boxed(a, &parts)?, &shape(&parts, None));
    };
    // Ranges first; then the arrays pick from what is left, whole along the other axes. Positions were made ranges of
    // one by `boxed`, so the picking sees them whole.
    let ranged: Vec<Part> = parts
        .iter()
        .filter(|p| !matches!(p, Part::New))
        .zip(a.shape())
        .map(|(p, &n)| match *p {
            Part::Range { start, len, step } => Part::Range { start, len, step },
            Part::At(_) | Part::Take(_) | Part::New => Part::Range { start: 0, len: n, step: 1 },
        })
        .collect();
    let x = boxed(a, &ranged)?;
    let mut sizes = x.shape().to_vec();
    for &ax in &adv.axes {
        sizes[ax as usize] = 1;
    }
    let g = ops::gather(&x, &adv.indices, &adv.axes, &sizes)?;
    // Index dimensions, then those of x with ones at the picked axes.
    let picked: Vec<i64> = adv.axes.iter().map(|&ax| ax + adv.shape.len() as i64).collect();
    let g = ops::squeeze(&g, Some(&picked))?;
    let g = if adv.front {
        g
    } else {
        // The index dimensions move behind the axes that stand before the first picked one.
        let (k, before) = (adv.shape.len() as i64, adv.axes[0]);
        let order: Vec<i64> = (k..k + before).chain(0..k).chain(k + before..g.ndim() as i64).collect();
        if before == 0 { g } else { ops::transpose(&g, Some(&order))? }
    };
    to_shape(&g, &shape(&parts, Some(&adv)))
}

/// A value as an array of the dtype of `a`.
fn update_of(a: &Array, val: &Bound<'_, PyAny>) -> R<Array> {
    match Operand::of(val)? {
        // An int that does not fit is refused, a float is cut off.
        Some(Operand::Scalar(s)) => {
            let own = s.default_dtype();
            let d = if a.dtype().is_integer() && own.is_inexact() { own } else { a.dtype() };
            Ok(ops::astype(&s.to_array(d)?, a.dtype())?)
        }
        Some(Operand::Array(x) | Operand::Foreign(x)) => Ok(ops::astype(&x, a.dtype())?),
        None => {
            Err(if val.is_none() { type_("None is not a value for array elements") } else { create::bad_type(val) })
        }
    }
}

/// The value in the shape of the result of the key; leading axes of size one may be left out or be too many.
fn fit(u: &Array, shape: &[usize]) -> R<Array> {
    let extra = u.ndim().saturating_sub(shape.len());
    if u.shape()[..extra].iter().all(|&s| s == 1) && extra > 0 {
        let s: Vec<i64> = u.shape()[extra..].iter().map(|&x| x as i64).collect();
        return Ok(ops::broadcast_to(&ops::reshape(u, &s)?, shape)?);
    }
    Ok(ops::broadcast_to(u, shape)?)
}

/// The bool mask of a key that is one.
fn mask(key: &Bound<'_, PyAny>) -> R<Option<Array>> {
    if let Ok(a) = key.cast::<PyArray>() {
        let a = a.get().get();
        return Ok((a.dtype() == DType::Bool).then_some(a));
    }
    if let Ok(b) = key.cast::<PyBool>() {
        return Ok(Some(ops::Scalar::Bool(b.is_true()).to_array(DType::Bool)?));
    }
    if let Ok(l) = key.cast::<PyList>() {
        let a = create::array(l, None)?;
        return Ok((a.dtype() == DType::Bool).then_some(a));
    }
    if key.is_none()
        || key.is_instance_of::<PyTuple>()
        || key.is_instance_of::<PySlice>()
        || key.is_instance_of::<PyInt>()
        || key.is_instance_of::<PyEllipsis>()
    {
        return Ok(None);
    }
    Ok(create::foreign(key)?.filter(|a| a.dtype() == DType::Bool))
}

/// `a` after `a[key] = value`.
pub fn set(a: &Array, key: &Bound<'_, PyAny>, val: &Bound<'_, PyAny>) -> R<Array> {
    if let Some(m) = mask(key)? {
        let u = update_of(a, val)?;
        return Ok(ops::masked_scatter(a, &m, &u)?);
    }
    update(a, key, update_of(a, val)?, UpdateMode::Assign)
}

/// `a` with the elements at the key updated.
fn update(a: &Array, key: &Bound<'_, PyAny>, u: Array, mode: UpdateMode) -> R<Array> {
    let parts = parts(a, key)?;
    let Some(adv) = advanced(&parts)? else {
        let u = fit(&u, &shape(&parts, None))?;
        // The box keeps the axes that positions dropped and has none of the new ones.
        let axes = parts.iter().filter(|p| !matches!(p, Part::New));
        let boxed: Vec<usize> = axes.map(|p| if let Part::Range { len, .. } = p { *len } else { 1 }).collect();
        let (start, stop, step) = bounds(a, &parts);
        return Ok(ops::slice_update(a, &to_shape(&u, &boxed)?, &start, &stop, &step, mode)?);
    };
    let result = shape(&parts, Some(&adv));
    let u = fit(&u, &result)?;
    // Without new axes: index dimensions and one for each range, in the order of the result.
    let flat: Vec<Part> = parts.into_iter().filter(|p| !matches!(p, Part::New)).collect();
    let u = to_shape(&u, &shape(&flat, Some(&adv)))?;
    let k = adv.shape.len();
    let before = if adv.front { 0 } else { flat[..adv.axes[0] as usize].len() };
    // Index dimensions to the front.
    let order: Vec<i64> = (before..before + k).chain(0..before).chain(before + k..u.ndim()).map(|x| x as i64).collect();
    let u = ops::transpose(&u, Some(&order))?;
    // Ranges that are not whole axes become index arrays with a dimension of their own behind the index dimensions.
    let partial: Vec<usize> = (0..flat.len())
        .filter(|&ax| matches!(flat[ax], Part::Range { .. }) && !is_full(&flat[ax], a.shape()[ax]))
        .collect();
    let ranges: Vec<usize> = (0..flat.len()).filter(|ax| matches!(flat[*ax], Part::Range { .. })).collect();
    let whole: Vec<usize> = ranges.iter().copied().filter(|ax| !partial.contains(ax)).collect();
    let at = |ax: &usize| k + ranges.iter().position(|r| r == ax).unwrap_or(0);
    let order: Vec<i64> = (0..k).chain(partial.iter().map(at)).chain(whole.iter().map(at)).map(|x| x as i64).collect();
    let u = ops::transpose(&u, Some(&order))?;
    let mut indices: Vec<(i64, Array)> = Vec::new();
    for (i, &ax) in adv.indices.iter().zip(&adv.axes) {
        let mut s = i.shape().to_vec();
        s.resize(k + partial.len(), 1);
        indices.push((ax, to_shape(i, &s)?));
    }
    for (n, &ax) in partial.iter().enumerate() {
        if let Part::Range { start, len, step } = flat[ax] {
            let p: Vec<i64> = (0..len as i64).map(|i| start + i * step).collect();
            let mut s = vec![1; k + partial.len()];
            s[k + n] = len;
            indices.push((ax as i64, Array::from_slice(&p, &s)?));
        }
    }
    indices.sort_by_key(|x| x.0);
    let (axes, indices): (Vec<i64>, Vec<Array>) = indices.into_iter().unzip();
    // The updates: index dimensions, then one for each axis, of size one where it is indexed.
    let mut s = u.shape()[..k + partial.len()].to_vec();
    s.extend((0..flat.len()).map(|ax| if whole.contains(&ax) { a.shape()[ax] } else { 1 }));
    let dtype = indices.iter().map(Array::dtype).reduce(DType::promote).unwrap_or(DType::I64);
    let dtype = if dtype.is_integer() { dtype } else { DType::I64 };
    let indices = indices.iter().map(|i| ops::astype(i, dtype)).collect::<mlx::Result<Vec<_>>>()?;
    Ok(ops::scatter(a, &indices, &to_shape(&u, &s)?, &axes, mode)?)
}

/// `array.at`, and with a key `array.at[key]`.
#[pyclass(name = "ArrayAt", module = "mlx.core", frozen)]
pub struct ArrayAt {
    array: Array,
    key: Option<Py<PyAny>>,
}

impl ArrayAt {
    /// Of an array, without a key yet.
    pub fn new(array: Array) -> Self {
        ArrayAt { array, key: None }
    }
    fn apply(
        &self,
        py: Python<'_>,
        val: &Bound<'_, PyAny>,
        mode: UpdateMode,
        f: fn(&Array) -> mlx::Result<Array>,
    ) -> R<PyArray> {
        let Some(key) = &self.key else {
            return Err(value("Must give indices to array.at (e.g. `x.at[0].add(4)`)."));
        };
        let key = key.bind(py);
        if mask(key)?.is_some() {
            return Err(value("[at] bool masks are not supported here, use mx.where."));
        }
        let u = f(&update_of(&self.array, val)?)?;
        let u = ops::astype(&u, self.array.dtype())?;
        Ok(PyArray::new(update(&self.array, key, u, mode)?))
    }
}

#[pymethods]
impl ArrayAt {
    fn __getitem__(&self, indices: Py<PyAny>) -> ArrayAt {
        ArrayAt { array: self.array.clone(), key: Some(indices) }
    }
    /// Adds to the elements.
    fn add(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> R<PyArray> {
        self.apply(py, value, UpdateMode::Sum, |u| Ok(u.clone()))
    }
    /// Subtracts from the elements.
    fn subtract(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> R<PyArray> {
        self.apply(py, value, UpdateMode::Sum, |u| ops::negative(u))
    }
    /// Multiplies the elements.
    fn multiply(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> R<PyArray> {
        self.apply(py, value, UpdateMode::Prod, |u| Ok(u.clone()))
    }
    /// Multiplies the elements by the reciprocal, which is 0 or ±1 for integers.
    fn divide(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> R<PyArray> {
        self.apply(py, value, UpdateMode::Prod, ops::reciprocal)
    }
    /// Keeps the larger.
    fn maximum(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> R<PyArray> {
        self.apply(py, value, UpdateMode::Max, |u| Ok(u.clone()))
    }
    /// Keeps the smaller.
    fn minimum(&self, py: Python<'_>, value: &Bound<'_, PyAny>) -> R<PyArray> {
        self.apply(py, value, UpdateMode::Min, |u| Ok(u.clone()))
    }
}
