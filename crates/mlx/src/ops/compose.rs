//! Functions that are a few others put together: no rows of their own, so derivatives and batching come with the parts.

use crate::array::Array;
use crate::ops::{self, Arg};
use mlx_ir::{DType, Error, Result, desc};

/// Smallest and largest over the axes (all without).
///
/// # Errors
/// As [`ops::min`].
pub fn minmax(a: &Array, axes: Option<&[i64]>, keepdims: bool) -> Result<(Array, Array)> {
    Ok((ops::min(a, axes, keepdims)?, ops::max(a, axes, keepdims)?))
}

/// The middle of the sorted elements over the axes (all without), the mean of the two middle ones where their number is
/// even; integers give f32.
///
/// # Errors
/// `Index` for axes out of range, `Value` for an empty array.
pub fn median(a: &Array, axes: Option<&[i64]>, keepdims: bool) -> Result<Array> {
    let axes: Vec<usize> = match axes {
        Some(x) => x.iter().map(|&i| desc::normalize_axis("median", i, a.ndim())).collect::<Result<_>>()?,
        None => (0..a.ndim()).collect(),
    };
    let kept: Vec<usize> = (0..a.ndim()).filter(|i| !axes.contains(i)).collect();
    let order: Vec<i64> = kept.iter().chain(&axes).map(|&i| i as i64).collect();
    let n: usize = axes.iter().map(|&i| a.shape()[i]).product();
    if n == 0 {
        return Err(Error::value("[median] Median of empty array is not defined."));
    }
    let mut flat: Vec<usize> = kept.iter().map(|&i| a.shape()[i]).collect();
    flat.push(n);
    let x = ops::reshape_to(&ops::transpose(a, Some(&order))?, &flat)?;
    let x = ops::sort(&ops::astype(&x, a.dtype().to_inexact())?, Some(-1))?;
    let at = |i: usize| ops::squeeze(&ops::slice_axis(&x, -1, i as i64, i as i64 + 1)?, Some(&[-1]));
    let m = if n % 2 == 1 { at(n / 2)? } else { ops::multiply(&ops::add(&at(n / 2 - 1)?, &at(n / 2)?)?, 0.5)? };
    if !keepdims {
        return Ok(m);
    }
    let shape: Vec<usize> = (0..a.ndim()).map(|i| if axes.contains(&i) { 1 } else { a.shape()[i] }).collect();
    ops::reshape_to(&m, &shape)
}

/// How many elements are nonzero, over the axes (all without); i32.
///
/// # Errors
/// `Index` for axes out of range.
pub fn count_nonzero(a: &Array, axes: Option<&[i64]>, keepdims: bool) -> Result<Array> {
    ops::sum(&ops::astype(&ops::not_equal(a, ops::Scalar::Int(0))?, DType::I32)?, axes, keepdims)
}

/// Exactly one nonzero.
///
/// # Errors
/// `Value` if the shapes do not broadcast.
pub fn logical_xor(a: impl Arg, b: impl Arg) -> Result<Array> {
    let x = ops::promote(&[&a, &b])?;
    let truth = |x: &Array| ops::astype(x, DType::Bool);
    ops::not_equal(&truth(&x[0])?, &truth(&x[1])?)
}

/// Positions at which `values` would be put into a sorted 1-d sequence: before equals (`left`) or after them (`right`).
///
/// # Errors
/// `Value` for a sequence that is not 1-d or another side.
pub fn searchsorted(sorted: &Array, values: &Array, side: &str) -> Result<Array> {
    if sorted.ndim() != 1 {
        return Err(Error::value(format!(
            "[searchsorted] The sorted sequence must be 1-D but it has {} dimensions.",
            sorted.ndim()
        )));
    }
    let v = ops::expand_dims(values, &[-1])?;
    let below = match side {
        "left" => ops::less(sorted, &v)?,
        "right" => ops::less_equal(sorted, &v)?,
        _ => return Err(Error::value(format!("[searchsorted] side must be 'left' or 'right' but got '{side}'."))),
    };
    ops::sum(&ops::astype(&below, DType::U32)?, Some(&[-1]), false)
}

/// The diagonal of two axes, which are removed; it becomes the last axis.
///
/// # Errors
/// `Index` for axes out of range, `Value` for equal ones or fewer than two dimensions.
pub fn diagonal(a: &Array, offset: i64, axis1: i64, axis2: i64) -> Result<Array> {
    if a.ndim() < 2 {
        return Err(Error::value(format!(
            "[diagonal] Array must have at least two dimensions, but got {} dimensions.",
            a.ndim()
        )));
    }
    let (i, j) =
        (desc::normalize_axis("diagonal", axis1, a.ndim())?, desc::normalize_axis("diagonal", axis2, a.ndim())?);
    if i == j {
        return Err(Error::value("[diagonal] axis1 and axis2 cannot be the same axis"));
    }
    let (n, m) = (a.shape()[i] as i64, a.shape()[j] as i64);
    let (row, col) = if offset < 0 { (-offset, 0) } else { (0, offset) };
    let len = (n - row).min(m - col).max(0);
    let order: Vec<i64> =
        (0..a.ndim()).filter(|&x| x != i && x != j).map(|x| x as i64).chain([i as i64, j as i64]).collect();
    let x = ops::transpose(a, Some(&order))?;
    let lead: Vec<usize> = x.shape()[..x.ndim() - 2].to_vec();
    let mut shape = lead.clone();
    shape.push((n * m) as usize);
    let flat = ops::reshape_to(&x, &shape)?;
    if len == 0 {
        return ops::slice_axis(&flat, -1, 0, 0);
    }
    let first = row * m + col;
    let mut start = vec![0; flat.ndim()];
    let mut stop: Vec<i64> = flat.shape().iter().map(|&s| s as i64).collect();
    let mut step = vec![1; flat.ndim()];
    let last = flat.ndim() - 1;
    (start[last], stop[last], step[last]) = (first, first + (len - 1) * (m + 1) + 1, m + 1);
    ops::slice(&flat, &start, &stop, &step)
}

/// A matrix with a vector on its `k`-th diagonal, or the diagonal of a matrix.
///
/// # Errors
/// `Value` unless it has one or two dimensions.
pub fn diag(a: &Array, k: i64) -> Result<Array> {
    match a.ndim() {
        1 => {
            let n = a.size() + k.unsigned_abs() as usize;
            let on = ops::eye(n, n, k, DType::Bool)?;
            // Each row (for k >= 0) or column (for k < 0) that meets the diagonal sees its element.
            let (low, high) = (0, k.unsigned_abs() as usize);
            let x = ops::pad(a, &[(low, high)], ops::PadMode::Constant, 0)?;
            let x = if k >= 0 { ops::expand_dims(&x, &[1])? } else { ops::expand_dims(&x, &[0])? };
            ops::where_(&on, &x, &ops::zeros(&[], a.dtype())?)
        }
        2 => diagonal(a, k, 0, 1),
        n => Err(Error::value(format!("[diag] array must be 1-D or 2-D, got array with {n} dimensions."))),
    }
}

/// Sum of a diagonal, in `dtype` if given.
///
/// # Errors
/// As [`diagonal`].
pub fn trace(a: &Array, offset: i64, axis1: i64, axis2: i64, dtype: Option<DType>) -> Result<Array> {
    let d = diagonal(a, offset, axis1, axis2)?;
    let s = ops::sum(&ops::astype(&d, dtype.unwrap_or(a.dtype()))?, Some(&[-1]), false)?;
    ops::astype(&s, dtype.unwrap_or(s.dtype()))
}

/// The slices along an axis, which they lose.
///
/// # Errors
/// `Index` for an axis out of range.
pub fn unstack(a: &Array, axis: i64) -> Result<Vec<Array>> {
    let axis = desc::normalize_axis("unstack", axis, a.ndim())? as i64;
    (0..a.dim(axis) as i64).map(|i| ops::squeeze(&ops::slice_axis(a, axis, i, i + 1)?, Some(&[axis]))).collect()
}

/// `n`-th differences of neighbours along an axis; of bool arrays whether they differ.
///
/// # Errors
/// `Value` for a negative n, `Index` for a 0-d array or an axis out of range.
pub fn diff(a: &Array, n: i64, axis: i64) -> Result<Array> {
    if n < 0 {
        return Err(Error::value(format!("[diff] Order must be non-negative but got {n}.")));
    }
    if a.ndim() == 0 {
        return Err(Error::index("[diff] Input must be at least one dimensional."));
    }
    let axis = desc::normalize_axis("diff", axis, a.ndim())? as i64;
    let mut x = a.clone();
    for _ in 0..n {
        let size = x.dim(axis) as i64;
        if size == 0 {
            break;
        }
        let (later, earlier) = (ops::slice_axis(&x, axis, 1, size)?, ops::slice_axis(&x, axis, 0, size - 1)?);
        x = if a.dtype() == DType::Bool { ops::not_equal(&later, &earlier)? } else { ops::subtract(&later, &earlier)? };
    }
    Ok(x)
}

/// The last two axes exchanged.
///
/// # Errors
/// `Value` for fewer than two dimensions.
pub fn matrix_transpose(a: &Array) -> Result<Array> {
    if a.ndim() < 2 {
        return Err(Error::value("[matrix_transpose] Expected array with at least two dimensions."));
    }
    ops::swapaxes(a, -1, -2)
}

/// Sums of `conj(a)·b` along an axis that both have, of equal sizes; the other axes are broadcast.
///
/// # Errors
/// `Value` if one of them lacks the axis, if their sizes along it differ, or if the shapes do not broadcast.
pub fn vecdot(a: &Array, b: &Array, axis: i64) -> Result<Array> {
    let most = a.ndim().max(b.ndim()) as i64;
    let place = usize::try_from(if axis < 0 { axis.saturating_add(most) } else { axis }).ok();
    let sizes = place.and_then(|at| Some((a.shape().get(at)?, b.shape().get(at)?)));
    match sizes {
        None => return Err(Error::value("[vecdot] axis is out of bounds.")),
        Some((x, y)) if x != y => return Err(Error::value("[vecdot] a and b must have the same size along axis.")),
        Some(_) => {}
    }
    let a = if a.dtype().is_complex() { ops::conjugate(a)? } else { a.clone() };
    ops::sum(&ops::multiply(&a, b)?, Some(&[axis]), false)
}

/// Kronecker product.
///
/// # Errors
/// `Value` if an array has no elements.
pub fn kron(a: &Array, b: &Array) -> Result<Array> {
    if a.size() == 0 || b.size() == 0 {
        return Err(Error::value("[kron] Input arrays cannot be empty."));
    }
    let n = a.ndim().max(b.ndim());
    let lift = |x: &Array| {
        let mut shape = vec![1; n - x.ndim()];
        shape.extend_from_slice(x.shape());
        shape
    };
    let (sa, sb) = (lift(a), lift(b));
    let spread = |shape: &[usize], first: bool| -> Vec<usize> {
        shape.iter().flat_map(|&s| if first { [s, 1] } else { [1, s] }).collect()
    };
    let (xa, xb) = (ops::reshape_to(a, &spread(&sa, true))?, ops::reshape_to(b, &spread(&sb, false))?);
    let shape: Vec<usize> = sa.iter().zip(&sb).map(|(x, y)| x * y).collect();
    ops::reshape_to(&ops::multiply(&xa, &xb)?, &shape)
}

/// Arrays over the grid of 1-d coordinates: each varies along its own axis; with `sparse` the others have size one.
/// With `xy` the first two axes are exchanged.
///
/// # Errors
/// `Value` for another indexing.
pub fn meshgrid(arrays: &[Array], sparse: bool, indexing: &str) -> Result<Vec<Array>> {
    let swap = match indexing {
        "xy" => arrays.len() > 1,
        "ij" => false,
        _ => {
            return Err(Error::value(format!(
                "[meshgrid] Invalid indexing value '{indexing}'. Valid values are 'xy' and 'ij'."
            )));
        }
    };
    let place = |i: usize| if swap && i < 2 { 1 - i } else { i };
    let mut out = Vec::with_capacity(arrays.len());
    for (i, a) in arrays.iter().enumerate() {
        let mut shape = vec![1; arrays.len()];
        shape[place(i)] = a.size();
        out.push(ops::reshape_to(a, &shape)?);
    }
    if sparse { Ok(out) } else { ops::broadcast_arrays(&out) }
}

/// `a` with the elements under a bool mask (over its leading axes) replaced: by one value, or by `values` in order.
///
/// # Errors
/// `Value` if the mask does not fit.
pub fn masked_scatter(a: &Array, mask: &Array, values: &Array) -> Result<Array> {
    let n = mask.ndim();
    if mask.dtype() != DType::Bool || n > a.ndim() || mask.shape() != &a.shape()[..n] {
        return Err(Error::value(format!(
            "[masked_scatter] A mask of shape {:?} of {} does not fit an array of shape {:?}.",
            mask.shape(),
            mask.dtype(),
            a.shape()
        )));
    }
    let values = ops::astype(values, a.dtype())?;
    let mut spread = mask.shape().to_vec();
    spread.resize(a.ndim(), 1);
    let wide = ops::reshape_to(mask, &spread)?;
    if values.size() == 1 {
        return ops::where_(&wide, &ops::reshape_to(&values, &[])?, a);
    }
    if values.size() == 0 {
        return Ok(a.clone());
    }
    // The place of each masked element among the masked ones says which value it takes.
    let wide = ops::broadcast_to(&wide, a.shape())?;
    let flat = ops::reshape_to(&wide, &[a.size()])?;
    let place = ops::subtract(&ops::cumsum(&ops::astype(&flat, DType::I32)?, Some(0), false, true)?, 1)?;
    let place = ops::maximum(&place, 0)?;
    let taken = ops::take(&ops::reshape_to(&values, &[values.size()])?, &place, Some(0))?;
    ops::where_(&wide, &ops::reshape_to(&taken, a.shape())?, a)
}

/// `a` with mirrored elements before and after along each axis; the edge itself is repeated with `symmetric`.
///
/// # Errors
/// `Value` if there is not one pair for each axis, or an axis is too short to mirror from.
pub fn pad_mirrored(a: &Array, widths: &[(usize, usize)], symmetric: bool) -> Result<Array> {
    if widths.len() != a.ndim() {
        return Err(Error::value(format!("[pad] {} pairs for {} dimensions.", widths.len(), a.ndim())));
    }
    let mut x = a.clone();
    for (axis, &(low, high)) in widths.iter().enumerate() {
        let n = a.shape()[axis];
        if low == 0 && high == 0 {
            continue;
        }
        let period = if symmetric { 2 * n } else { 2 * n.max(1) - 2 };
        if n == 0 || (period == 0 && low + high > 0 && n != 1) {
            return Err(Error::value(format!("[pad] Cannot mirror axis {axis} of size {n}.")));
        }
        let at: Vec<i32> = (0..low + n + high)
            .map(|i| {
                if period == 0 {
                    return 0;
                }
                let p = (i as i64 - low as i64).rem_euclid(period as i64) as usize;
                (if p < n { p } else { (if symmetric { 2 * n - 1 } else { period }) - p }) as i32
            })
            .collect();
        x = ops::take(&x, &Array::from_slice(&at, &[at.len()])?, Some(axis as i64))?;
    }
    Ok(x)
}

/// What [`unique`] finds.
pub struct Unique {
    /// The distinct elements in ascending order, then the filling.
    pub values: Array,
    /// Position of the first of each in the flattened array; u32.
    pub index: Array,
    /// Place of each element among the distinct ones, in the shape of the array; u32.
    pub inverse: Array,
    /// How often each is there; i32, zeros for the filling.
    pub counts: Array,
}

/// The distinct elements in an array of `size`; what is over is filled with a value, the first element by default.
///
/// # Errors
/// `Value` for an empty array or if the filling is no scalar.
pub fn unique(a: &Array, size: usize, fill: Option<&dyn Arg>) -> Result<Unique> {
    let n = a.size();
    if n == 0 && size > 0 {
        return Err(Error::value("[unique] Cannot find the distinct elements of an empty array."));
    }
    let flat = ops::reshape_to(a, &[n])?;
    let order = ops::argsort(&flat, Some(0))?;
    let sorted = ops::take(&flat, &order, Some(0))?;
    let (later, earlier) = (ops::slice_axis(&sorted, 0, 1, n as i64)?, ops::slice_axis(&sorted, 0, 0, n as i64 - 1)?);
    let fresh = ops::concatenate(&[ops::ones(&[1], DType::Bool)?, ops::not_equal(&later, &earlier)?], 0)?;
    // The number of the distinct element to which each sorted element belongs.
    let number = ops::subtract(&ops::cumsum(&ops::astype(&fresh, DType::I32)?, Some(0), false, true)?, 1)?;
    let slots = ops::zeros(&[size], DType::I32)?;
    let at = std::slice::from_ref(&number);
    let put =
        |base: &Array, values: &Array, mode| ops::scatter(base, at, &ops::reshape_to(values, &[n, 1])?, &[0], mode);
    use mlx_ir::op::UpdateMode::{Min, Sum};
    let counts = put(&slots, &ops::ones(&[n], DType::I32)?, Sum)?;
    // Equal elements keep their order when sorted, so the smallest position of a group is that of its first.
    let none = ops::full(&[size], n as i64, Some(DType::I32))?;
    let first = put(&none, &ops::astype(&order, DType::I32)?, Min)?;
    let there = ops::greater(&counts, 0)?;
    let index = ops::where_(&there, &first, &ops::take(&first, &ops::zeros(&[], DType::I32)?, Some(0))?)?;
    let found = ops::take(&flat, &index, Some(0))?;
    let values = match fill {
        None => found,
        Some(f) => {
            let f = match (f.array(), f.scalar()) {
                (Some(x), _) => x.clone(),
                (None, Some(s)) => s.to_array(s.default_dtype())?,
                (None, None) => return Err(Error::type_("[unique] fill_value is neither an array nor a scalar")),
            };
            if f.size() != 1 {
                return Err(Error::value("[unique] fill_value must be a scalar."));
            }
            ops::where_(&there, &found, &ops::astype(&ops::reshape_to(&f, &[])?, a.dtype())?)?
        }
    };
    let back = ops::argsort(&order, Some(0))?;
    let inverse = ops::reshape_to(&ops::astype(&ops::take(&number, &back, Some(0))?, DType::U32)?, a.shape())?;
    Ok(Unique { values, index: ops::astype(&index, DType::U32)?, inverse, counts })
}

/// Running ln Σ e^x of complex numbers along an axis (of the flattened array without one), by doubling the reach.
///
/// # Errors
/// `Index` for an axis out of range; `Value` for dtypes that are not complex.
pub fn logcumsumexp_complex(a: &Array, axis: Option<i64>, reverse: bool, inclusive: bool) -> Result<Array> {
    if !a.dtype().is_complex() {
        return Err(Error::value(format!("[logcumsumexp] Complex numbers are needed, got {}.", a.dtype())));
    }
    let (mut x, axis) = match axis {
        Some(i) => (a.clone(), mlx_ir::desc::normalize_axis("logcumsumexp", i, a.ndim())? as i64),
        None => (ops::reshape_to(a, &[a.size()])?, 0),
    };
    let n = x.dim(axis) as i64;
    if n == 0 {
        return Ok(x);
    }
    if reverse {
        x = ops::flip(&x, Some(&[axis]))?;
    }
    let mut reach = 1;
    while reach < n {
        let (kept, late) = (ops::slice_axis(&x, axis, 0, reach)?, ops::slice_axis(&x, axis, reach, n)?);
        let sum = ops::logaddexp(&late, &ops::slice_axis(&x, axis, 0, n - reach)?)?;
        x = ops::concatenate(&[kept, sum], axis)?;
        reach *= 2;
    }
    if !inclusive {
        let mut side = x.shape().to_vec();
        side[axis as usize] = 1;
        let none = ops::full(&side, f64::NEG_INFINITY, Some(x.dtype()))?;
        x = ops::concatenate(&[none, ops::slice_axis(&x, axis, 0, n - 1)?], axis)?;
    }
    if reverse { ops::flip(&x, Some(&[axis])) } else { Ok(x) }
}
