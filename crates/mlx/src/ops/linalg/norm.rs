//! Norms and the cross product.

use super::singular_values;
use crate::array::Array;
use crate::ops;
use mlx_ir::{DType, Error, Result, desc};

/// Which norm.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Of vectors a number: Σ|x|^p to the power 1/p, of 0 how many are nonzero, of ±∞ the largest or smallest; of matrices
    /// ±1, ±2 and ±∞: sums of columns, singular values, sums of rows.
    Number(f64),
    /// `fro` (or `f`) and `nuc` of matrices.
    Name(String),
}

/// Norms of vectors (one axis) or matrices (two axes); without axes of the whole array, which has one or two then unless
/// no order is given. Integers give f32.
///
/// # Errors
/// `Index` for axes out of range; `Value` for orders that there are not, or more than two axes with one.
pub fn norm(a: &Array, order: Option<&Order>, axes: Option<&[i64]>, keepdims: bool) -> Result<Array> {
    let x = ops::astype(a, a.dtype().to_inexact())?;
    let Some(order) = order else {
        let squares = ops::square(&ops::abs(&x)?)?;
        return ops::sqrt(&ops::sum(&squares, axes, keepdims)?);
    };
    let all: Vec<i64> = match axes {
        Some(s) => s.iter().map(|&i| Ok(desc::normalize_axis("norm", i, a.ndim())? as i64)).collect::<Result<_>>()?,
        None => (0..a.ndim() as i64).collect(),
    };
    match (all.as_slice(), order) {
        (&[axis], Order::Number(p)) => vector(&x, *p, axis, keepdims),
        (&[_], Order::Name(n)) => Err(Error::value(format!("[linalg::norm] Invalid ord value '{n}' for vector norm."))),
        (&[rows, cols], order) => matrix(&x, order, rows, cols, keepdims),
        _ => Err(Error::value("[linalg::norm] Received too many axes for norm.")),
    }
}

fn vector(x: &Array, p: f64, axis: i64, keepdims: bool) -> Result<Array> {
    let (size, axes) = (ops::abs(x)?, [axis]);
    if p == 0.0 {
        let there = ops::astype(&ops::not_equal(&size, 0.0)?, size.dtype())?;
        return ops::sum(&there, Some(&axes), keepdims);
    }
    if p == 1.0 {
        return ops::sum(&size, Some(&axes), keepdims);
    }
    if p == 2.0 {
        return ops::sqrt(&ops::sum(&ops::square(&size)?, Some(&axes), keepdims)?);
    }
    if p == f64::INFINITY {
        return ops::max(&size, Some(&axes), keepdims);
    }
    if p == f64::NEG_INFINITY {
        return ops::min(&size, Some(&axes), keepdims);
    }
    ops::power(&ops::sum(&ops::power(&size, p)?, Some(&axes), keepdims)?, 1.0 / p)
}

fn matrix(x: &Array, order: &Order, rows: i64, cols: i64, keepdims: bool) -> Result<Array> {
    // Sums along one axis, then an extreme along the other.
    let extreme = |sum: i64, over: i64, largest: bool| -> Result<Array> {
        let s = ops::sum(&ops::abs(x)?, Some(&[sum]), true)?;
        let e = if largest { ops::max(&s, Some(&[over]), true)? } else { ops::min(&s, Some(&[over]), true)? };
        if keepdims { Ok(e) } else { ops::squeeze(&e, Some(&[rows, cols])) }
    };
    let values = |largest: Option<bool>| -> Result<Array> {
        let mut order: Vec<i64> = (0..x.ndim() as i64).filter(|&i| i != rows && i != cols).collect();
        order.extend([rows, cols]);
        let wide = if x.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
        let s = singular_values(&ops::astype(&ops::transpose(x, Some(&order))?, wide)?)?;
        let v = match largest {
            None => ops::sum(&s, Some(&[-1]), false)?,
            Some(true) => ops::max(&s, Some(&[-1]), false)?,
            Some(false) => ops::min(&s, Some(&[-1]), false)?,
        };
        let v = ops::astype(&v, x.dtype())?;
        if keepdims { ops::expand_dims(&v, &[rows, cols]) } else { Ok(v) }
    };
    match order {
        Order::Name(n) if n == "fro" || n == "f" => {
            let squares = ops::square(&ops::abs(x)?)?;
            ops::sqrt(&ops::sum(&squares, Some(&[rows, cols]), keepdims)?)
        }
        Order::Name(n) if n == "nuc" => values(None),
        Order::Name(n) => Err(Error::value(format!("[linalg::norm] Invalid ord value '{n}' for matrix norm."))),
        Order::Number(p) if p.abs() == 1.0 => extreme(rows, cols, *p > 0.0),
        Order::Number(p) if p.abs() == f64::INFINITY => extreme(cols, rows, *p > 0.0),
        Order::Number(p) if p.abs() == 2.0 => values(Some(*p > 0.0)),
        Order::Number(p) => Err(Error::value(format!("[linalg::norm] Invalid ord {p} for matrix norm."))),
    }
}

/// Cross products of vectors of two or three elements along an axis; a third element that is missing is zero.
///
/// # Errors
/// `Index` for an axis out of range, `Value` for other sizes and shapes that do not broadcast.
pub fn cross(a: &Array, b: &Array, axis: i64) -> Result<Array> {
    let (ia, ib) = (desc::normalize_axis("cross", axis, a.ndim())?, desc::normalize_axis("cross", axis, b.ndim())?);
    if [a.shape()[ia], b.shape()[ib]].iter().any(|n| !(2..=3).contains(n)) {
        return Err(Error::value("[linalg::cross] The specified axis must have size 2 or 3."));
    }
    let d = a.dtype().promote(b.dtype());
    let three = |x: &Array, i: usize| -> Result<Array> {
        let mut widths = vec![(0, 0); x.ndim()];
        widths[i].1 = 3 - x.shape()[i];
        ops::moveaxis(&ops::pad(&ops::astype(x, d)?, &widths, ops::PadMode::Constant, 0)?, i as i64, -1)
    };
    let (a, b) = (three(a, ia)?, three(b, ib)?);
    let at = |x: &Array, i: i64| ops::slice_axis(x, -1, i, i + 1);
    let part = |i: i64, j: i64| -> Result<Array> {
        ops::subtract(&ops::multiply(&at(&a, i)?, &at(&b, j)?)?, &ops::multiply(&at(&a, j)?, &at(&b, i)?)?)
    };
    let c = ops::concatenate(&[part(1, 2)?, part(2, 0)?, part(0, 1)?], -1)?;
    ops::moveaxis(&c, -1, axis)
}
