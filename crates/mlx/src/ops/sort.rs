//! Sorting and partitions: the rows `Sort`, `ArgSort`, `Partition`, `ArgPartition`, and `topk`.

use crate::array::{Array, Inputs, Outs};
use crate::ops;
use crate::reference::{Num, Tensor, flat, unflat};
use crate::rules::{Batched, BatchedOut, Core, Grads, Rule, Vjp, again};
use mlx_ir::op::{ArgPartition, ArgSort, Partition, Sort};
use mlx_ir::{Aval, DType, Error, Result, desc};
use smallvec::smallvec;
use std::cmp::Ordering;

/// Ascending, NaN last; complex numbers by real, then imaginary part.
pub(crate) fn order(a: Num, b: Num) -> Ordering {
    let float = |x: f64, y: f64| match (x.is_nan(), y.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        _ => x.partial_cmp(&y).unwrap_or(Ordering::Equal),
    };
    match (a, b) {
        (Num::Int(x), Num::Int(y)) => x.cmp(&y),
        (Num::Complex(r, i), Num::Complex(s, j)) => {
            let nan = |p: f64, q: f64| p.is_nan() || q.is_nan();
            match (nan(r, i), nan(s, j)) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                _ => float(r, s).then(float(i, j)),
            }
        }
        (x, y) => float(x.f64(), y.f64()),
    }
}

/// Stable sorting positions of each line along `axis`, as a flat list in row-major order of the result.
fn sorted(x: &Tensor, axis: usize) -> Vec<usize> {
    let n = x.shape[axis];
    let mut out = vec![0; x.size()];
    for i in 0..x.size() {
        let mut at = unflat(&x.shape, i);
        if at[axis] != 0 {
            continue;
        }
        let line: Vec<Num> = (0..n)
            .map(|k| {
                at[axis] = k;
                x.at(&at)
            })
            .collect();
        let mut p: Vec<usize> = (0..n).collect();
        p.sort_by(|&a, &b| order(line[a], line[b]));
        for (k, &src) in p.iter().enumerate() {
            at[axis] = k;
            out[flat(&x.shape, &at)] = src;
        }
    }
    out
}

fn check(name: &str, x: &Aval, axis: usize, kth: usize) -> Result<()> {
    if axis >= x.ndim() {
        return Err(Error::index(format!("[{name}] axis {axis} of {} dimensions", x.ndim())));
    }
    if kth != 0 && kth >= x.shape[axis] {
        return Err(Error::value(format!(
            "[{name}] Received invalid kth {kth} along axis {axis} for array with shape {:?}",
            x.shape
        )));
    }
    Ok(())
}

/// Gradient of values picked along an axis at `positions`: put back where they came from.
fn put_back(ct: &Array, positions: &Array, like: &Array, axis: usize) -> Result<Array> {
    ops::scatter_add_axis(&ops::zeros_like(like)?, positions, ct, axis as i64)
}

macro_rules! sorting {
    ($row:ident, $arg:ident, $name:literal { $($field:ident),* }, kth: |$s:ident| $kth:expr) => {
        impl Rule for $row {
            fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
                let $s = self;
                check($name, inputs[0], self.axis, $kth)?;
                Ok(smallvec![inputs[0].clone()])
            }
            fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
                let op = $arg { axis: self.axis, $($field: self.$field),* };
                let p = again(op, v.primals)?.remove(0);
                Ok(vec![Some(put_back(&v.cotangents[0], &p, &v.primals[0], self.axis)?)])
            }
            fn jvp(&self, primals: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
                let Some(t) = &tangents[0] else { return Ok(vec![None]) };
                let op = $arg { axis: self.axis, $($field: self.$field),* };
                let p = again(op, primals)?.remove(0);
                Ok(vec![Some(ops::take_along_axis(t, &p, Some(self.axis as i64))?)])
            }
            fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
                let op = $row { axis: self.axis + 1, $($field: self.$field),* };
                Ok((again(op, &ops::all_in_front(b)?)?, vec![Some(0)]))
            }
        }
        impl Core for $row {
            fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
                let x = inputs[0];
                let p = sorted(x, self.axis);
                Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| {
                    let mut at = unflat(&x.shape, i);
                    at[self.axis] = p[i];
                    x.at(&at)
                })])
            }
        }
        impl Rule for $arg {
            fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
                let $s = self;
                check($name, inputs[0], self.axis, $kth)?;
                Ok(smallvec![Aval { shape: inputs[0].shape.clone(), dtype: DType::U32 }])
            }
            fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
                Ok(vec![None; v.primals.len()])
            }
            fn jvp(&self, _: &[Array], _: &[Array], _: &[Option<Array>]) -> Result<Grads> {
                Ok(vec![None])
            }
            fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
                let op = $arg { axis: self.axis + 1, $($field: self.$field),* };
                Ok((again(op, &ops::all_in_front(b)?)?, vec![Some(0)]))
            }
        }
        impl Core for $arg {
            fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
                let p = sorted(inputs[0], self.axis);
                Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| Num::Int(p[i] as i128))])
            }
        }
    };
}

sorting!(Sort, ArgSort, "sort" {}, kth: |_s| 0);
sorting!(Partition, ArgPartition, "partition" { kth }, kth: |s| s.kth);

/// The array and axis to work along: the flattened array without an axis.
fn line(name: &str, a: &Array, axis: Option<i64>) -> Result<(Array, usize)> {
    match axis {
        Some(x) => Ok((a.clone(), desc::normalize_axis(name, x, a.ndim())?)),
        None => Ok((ops::reshape_to(a, &[a.size()])?, 0)),
    }
}

fn rank(name: &str, kth: i64, n: usize) -> Result<usize> {
    let k = if kth < 0 { kth + n as i64 } else { kth };
    if k < 0 || k >= n as i64 {
        return Err(Error::value(format!("[{name}] Received invalid kth {kth} for an axis of size {n}.")));
    }
    Ok(k as usize)
}

/// Ascending along an axis (of the flattened array without), NaN last.
///
/// # Errors
/// `Index` for an axis out of range.
pub fn sort(a: &Array, axis: Option<i64>) -> Result<Array> {
    let (x, axis) = line("sort", a, axis)?;
    Array::record1(Sort { axis }, Inputs::from_iter([x]))
}

/// Stable positions that would sort; u32.
///
/// # Errors
/// `Index` for an axis out of range.
pub fn argsort(a: &Array, axis: Option<i64>) -> Result<Array> {
    let (x, axis) = line("argsort", a, axis)?;
    Array::record1(ArgSort { axis }, Inputs::from_iter([x]))
}

/// The element of rank `kth` in its sorted place, none larger before it, none smaller after.
///
/// # Errors
/// `Index` for an axis out of range, `Value` for a rank out of range.
pub fn partition(a: &Array, kth: i64, axis: Option<i64>) -> Result<Array> {
    let (x, axis) = line("partition", a, axis)?;
    let kth = rank("partition", kth, x.shape()[axis])?;
    Array::record1(Partition { kth, axis }, Inputs::from_iter([x]))
}

/// Positions of a [`partition`]; u32.
///
/// # Errors
/// `Index` for an axis out of range, `Value` for a rank out of range.
pub fn argpartition(a: &Array, kth: i64, axis: Option<i64>) -> Result<Array> {
    let (x, axis) = line("argpartition", a, axis)?;
    let kth = rank("argpartition", kth, x.shape()[axis])?;
    Array::record1(ArgPartition { kth, axis }, Inputs::from_iter([x]))
}

/// The `k` largest along an axis, in no particular order.
///
/// # Errors
/// `Index` for an axis out of range, `Value` if there are not so many.
pub fn topk(a: &Array, k: usize, axis: Option<i64>) -> Result<Array> {
    let (x, axis) = line("topk", a, axis)?;
    let n = x.shape()[axis];
    if k > n {
        return Err(Error::value(format!(
            "[topk] Received invalid k={k} along axis {axis} for array with shape {:?}.",
            x.shape()
        )));
    }
    if k == n {
        return Ok(x);
    }
    let p = if k == 0 { x } else { Array::record1(Partition { kth: n - k, axis }, Inputs::from_iter([x]))? };
    ops::slice_axis(&p, axis as i64, (n - k) as i64, n as i64)
}
