//! Reductions: the rows `Reduce` and `ArgReduce`, and what is composed of them.

use crate::array::{Array, Inputs, Outs, VaryingSizes};
use crate::ops;
use crate::reference::{Num, Tensor, flat, unflat};
use crate::rules::{Batched, BatchedOut, Core, Grads, Rule, Vjp, again};
use mlx_ir::op::{ArgKind, ArgReduce, Op, Reduce, ReduceKind};
use mlx_ir::{Aval, Axes, DType, Error, Result, Shape, desc};
use smallvec::smallvec;

/// Axes of a mapped reduction on an array whose mapped axis is at the front.
fn shifted(axes: &[usize]) -> Axes {
    axes.iter().map(|a| a + 1).collect()
}

fn all_axes(ndim: usize, skip: impl Fn(usize) -> bool) -> Vec<i64> {
    (0..ndim).filter(|&d| !skip(d)).map(|d| d as i64).collect()
}

impl Rule for Reduce {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        if self.axes.iter().any(|&a| a >= x.ndim()) {
            return Err(Error::index(format!("[reduce] axes {:?} of {} dimensions", self.axes, x.ndim())));
        }
        let dtype = match self.kind {
            ReduceKind::Sum | ReduceKind::Prod => x.dtype.accumulate(),
            ReduceKind::And | ReduceKind::Or => DType::Bool,
            ReduceKind::Min | ReduceKind::Max => x.dtype,
        };
        let name = match self.kind {
            ReduceKind::Min => "min",
            _ => "max",
        };
        if matches!(self.kind, ReduceKind::Min | ReduceKind::Max) && self.axes.iter().any(|&a| x.shape[a] == 0) {
            return Err(Error::value(format!("[{name}] Cannot {name} reduce zero size array.")));
        }
        Ok(smallvec![Aval::new(Op::kept_shape(&x.shape, &self.axes), dtype)])
    }

    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let (x, out, ct) = (&v.primals[0], &v.outputs[0], &v.cotangents[0]);
        let wide = |a: &Array| ops::broadcast_to(a, x.shape());
        let g = match self.kind {
            ReduceKind::Sum => wide(ct)?,
            ReduceKind::Prod => {
                // Products of all others, from both sides: exact where elements are zero.
                let axes: Vec<i64> = self.axes.iter().map(|&a| a as i64).collect();
                let rest = all_axes(x.ndim(), |d| self.axes.contains(&d));
                let order: Vec<i64> = rest.iter().chain(&axes).copied().collect();
                let front = ops::transpose(x, Some(&order))?;
                let n: usize = self.axes.iter().map(|&a| x.shape()[a]).product();
                let mut flat_shape: Vec<usize> = rest.iter().map(|&d| x.shape()[d as usize]).collect();
                flat_shape.push(n);
                let rows = ops::reshape_to(&front, &flat_shape)?;
                let before = ops::cumprod(&rows, Some(-1), false, false)?;
                let after = ops::cumprod(&rows, Some(-1), true, false)?;
                let others = ops::reshape_to(&ops::multiply(&before, &after)?, front.shape())?;
                let mut back = vec![0i64; order.len()];
                for (i, &o) in order.iter().enumerate() {
                    back[o as usize] = i as i64;
                }
                ops::multiply(&wide(ct)?, &ops::transpose(&others, Some(&back))?)?
            }
            ReduceKind::Min | ReduceKind::Max => {
                // Equal extremes share the gradient.
                let hit = ops::astype(&ops::equal(x, &wide(out)?)?, ct.dtype())?;
                let axes: Vec<i64> = self.axes.iter().map(|&a| a as i64).collect();
                let count = ops::sum(&hit, Some(&axes), true)?;
                ops::multiply(&hit, &wide(&ops::divide(ct, &count)?)?)?
            }
            ReduceKind::And | ReduceKind::Or => return Ok(vec![None]),
        };
        Ok(vec![Some(g)])
    }

    fn jvp(&self, primals: &[Array], outputs: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        let Some(t) = &tangents[0] else { return Ok(vec![None]) };
        let axes: Vec<i64> = self.axes.iter().map(|&a| a as i64).collect();
        let x = &primals[0];
        Ok(vec![match self.kind {
            ReduceKind::Sum => Some(ops::sum(t, Some(&axes), true)?),
            ReduceKind::And | ReduceKind::Or => None,
            // The gradient with respect to x of each output, times the tangent, summed.
            ReduceKind::Prod | ReduceKind::Min | ReduceKind::Max => {
                let ones = ops::ones(outputs[0].shape(), outputs[0].dtype())?;
                let v = Vjp { primals, outputs, cotangents: &[ones], wanted: &[true] };
                let g = self.vjp(&v)?.remove(0).ok_or_else(|| Error::runtime("[reduce] no gradient"))?;
                Some(ops::sum(&ops::multiply(&g, &ops::astype(t, x.dtype())?)?, Some(&axes), true)?)
            }
        }])
    }

    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let x = ops::all_in_front(b)?;
        Ok((again(Reduce { kind: self.kind, axes: shifted(&self.axes) }, &x)?, vec![Some(0)]))
    }
}

impl Core for Reduce {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let x = inputs[0];
        let n = desc::size_of_shape(&outs[0].shape);
        let mut acc: Vec<Option<Num>> = vec![None; n];
        for i in 0..x.size() {
            let mut at: Shape = unflat(&x.shape, i);
            for &a in &self.axes {
                at[a] = 0;
            }
            let slot = &mut acc[flat(&outs[0].shape, &at)];
            *slot = Some(combine(self.kind, *slot, x.get(i)));
        }
        let start = match self.kind {
            ReduceKind::Sum | ReduceKind::Or => Num::Int(0),
            _ => Num::Int(1),
        };
        Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| acc[i].unwrap_or(start))])
    }
}

pub(super) fn combine(kind: ReduceKind, acc: Option<Num>, x: Num) -> Num {
    match kind {
        ReduceKind::And => return Num::Int((acc.is_none_or(Num::truth) && x.truth()) as i128),
        ReduceKind::Or => return Num::Int((acc.is_some_and(Num::truth) || x.truth()) as i128),
        _ => {}
    }
    let Some(a) = acc else { return x };
    match kind {
        ReduceKind::Sum => match (a, x) {
            (Num::Int(a), Num::Int(b)) => Num::Int(a + b),
            (Num::Complex(r, i), Num::Complex(s, j)) => Num::Complex(r + s, i + j),
            (a, b) => Num::Float(a.f64() + b.f64()),
        },
        ReduceKind::Prod => match (a, x) {
            // Integers wrap modulo 2^64, which any narrower dtype divides.
            (Num::Int(a), Num::Int(b)) => Num::Int((a as i64).wrapping_mul(b as i64) as i128),
            (Num::Complex(r, i), Num::Complex(s, j)) => Num::Complex(r * s - i * j, r * j + i * s),
            (a, b) => Num::Float(a.f64() * b.f64()),
        },
        _ => {
            let first = better(kind == ReduceKind::Max, a, x);
            if first { a } else { x }
        }
    }
}

/// Whether `a` stays the extreme when `x` comes: it is a NaN, or no worse and x is not a NaN.
fn better(max: bool, a: Num, x: Num) -> bool {
    let nan = |n: Num| match n {
        Num::Int(_) => false,
        Num::Float(f) => f.is_nan(),
        Num::Complex(r, i) => r.is_nan() || i.is_nan(),
    };
    if nan(a) || nan(x) {
        return nan(a);
    }
    let less = |p: Num, q: Num| match (p, q) {
        (Num::Int(p), Num::Int(q)) => p < q,
        (Num::Complex(..), _) | (_, Num::Complex(..)) => {
            let (p, q) = (p.complex(), q.complex());
            p.0 < q.0 || (p.0 == q.0 && p.1 < q.1)
        }
        (p, q) => p.f64() < q.f64(),
    };
    if max { !less(a, x) } else { !less(x, a) }
}

impl Rule for ArgReduce {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        if self.axis >= x.ndim() {
            return Err(Error::index(format!("[argreduce] axis {} of {} dimensions", self.axis, x.ndim())));
        }
        if x.shape[self.axis] == 0 {
            return Err(Error::value("[argreduce] Cannot reduce an axis of size zero."));
        }
        Ok(smallvec![Aval::new(Op::kept_shape(&x.shape, &[self.axis]), DType::U32)])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        Ok(vec![None; v.primals.len()])
    }
    fn jvp(&self, _: &[Array], _: &[Array], _: &[Option<Array>]) -> Result<Grads> {
        Ok(vec![None])
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let x = ops::all_in_front(b)?;
        Ok((again(ArgReduce { kind: self.kind, axis: self.axis + 1 }, &x)?, vec![Some(0)]))
    }
}

impl Core for ArgReduce {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let x = inputs[0];
        Ok(vec![Tensor::build(&outs[0].shape, DType::U32, |i| {
            let mut at = unflat(&outs[0].shape, i);
            let mut best = 0;
            for k in 1..x.shape[self.axis] {
                at[self.axis] = best;
                let a = x.at(&at);
                at[self.axis] = k;
                if !better(self.kind == ArgKind::Max, a, x.at(&at)) {
                    best = k;
                }
            }
            Num::Int(best as i128)
        })])
    }
}

// ---- public functions ----

fn reduce(kind: ReduceKind, name: &str, a: &Array, axes: Option<&[i64]>, keepdims: bool) -> Result<Array> {
    let axes: Axes = match axes {
        Some(x) => desc::normalize_axes(name, x, a.ndim())?,
        None => (0..a.ndim()).collect(),
    };
    // Over no axes nothing is accumulated, so the dtype stays as well.
    if axes.is_empty() && !matches!(kind, ReduceKind::And | ReduceKind::Or) {
        return Ok(a.clone());
    }
    let shape: Shape = if keepdims {
        Op::kept_shape(a.shape(), &axes)
    } else {
        (0..a.ndim()).filter(|d| !axes.contains(d)).map(|d| a.shape()[d]).collect()
    };
    let out = Array::record1(Reduce { kind, axes }, Inputs::from_iter([a.clone()]))?;
    ops::reshape_to(&out, &shape)
}

macro_rules! reductions {
    ($($doc:literal $name:ident => $kind:ident;)*) => {$(
        #[doc = $doc]
        ///
        /// Over the given axes (all without), which are removed, or kept with size one with `keepdims`.
        ///
        /// # Errors
        /// `Index` for axes out of range; `Value` for duplicates, and for extremes over nothing.
        pub fn $name(a: &Array, axes: Option<&[i64]>, keepdims: bool) -> Result<Array> {
            reduce(ReduceKind::$kind, stringify!($name), a, axes, keepdims)
        }
    )*};
}

reductions! {
    "Sum; bool and narrow integers in 32 bits (over no axes the array itself)." sum => Sum;
    "Product; bool and narrow integers in 32 bits (over no axes the array itself)." prod => Prod;
    "Smallest; NaN if any is." min => Min;
    "Largest; NaN if any is." max => Max;
    "True if all are nonzero." all => And;
    "True if any is nonzero." any => Or;
}

fn count(a: &Array, axes: Option<&[i64]>) -> Result<usize> {
    Ok(match axes {
        None => a.size(),
        Some(x) => desc::normalize_axes("mean", x, a.ndim())?.iter().map(|&d| a.shape()[d]).product(),
    })
}

/// The number of elements along the axes (all without), i64, which follows the array where sizes may vary.
pub(crate) fn elements(a: &Array, axes: Option<&[i64]>) -> Result<Array> {
    let each = ops::logical_or(&ops::not_equal(a, a)?, true)?;
    let n = sum(&ops::astype(&each, DType::I64)?, axes, false)?;
    // It is the same at all places along the other axes.
    if n.ndim() > 0 { max(&n, None, false) } else { Ok(n) }
}

/// `a` over the number of elements of `x` along the axes less `ddof` (at least 0).
fn over_count(a: &Array, x: &Array, axes: Option<&[i64]>, ddof: i64) -> Result<Array> {
    let n = count(x, axes)?;
    if !VaryingSizes::active() {
        return ops::multiply(a, 1.0 / (n as f64 - ddof as f64).max(0.0));
    }
    let n = ops::maximum(&ops::subtract(&elements(x, axes)?, ddof)?, 0)?;
    let wide = if a.dtype() == DType::F64 { DType::F64 } else { DType::F32 };
    ops::multiply(a, &ops::astype(&ops::reciprocal(&ops::astype(&n, wide)?)?, a.dtype())?)
}

/// Mean; integers give f32.
///
/// # Errors
/// `Index` for axes out of range.
pub fn mean(a: &Array, axes: Option<&[i64]>, keepdims: bool) -> Result<Array> {
    let x = ops::astype(a, a.dtype().to_inexact())?;
    over_count(&sum(&x, axes, keepdims)?, &x, axes, 0)
}

/// Variance with `n − ddof` in the denominator; integers and complex give f32.
///
/// # Errors
/// `Index` for axes out of range.
pub fn var(a: &Array, axes: Option<&[i64]>, keepdims: bool, ddof: i64) -> Result<Array> {
    let x = ops::astype(a, a.dtype().to_inexact())?;
    let centred = ops::subtract(&x, &mean(&x, axes, true)?)?;
    let centred = if centred.dtype().is_complex() { ops::abs(&centred)? } else { centred };
    over_count(&sum(&ops::square(&centred)?, axes, keepdims)?, &x, axes, ddof)
}

/// Standard deviation.
///
/// # Errors
/// `Index` for axes out of range.
pub fn std(a: &Array, axes: Option<&[i64]>, keepdims: bool, ddof: i64) -> Result<Array> {
    ops::sqrt(&var(a, axes, keepdims, ddof)?)
}

fn arg_reduce(kind: ArgKind, name: &str, a: &Array, axis: Option<i64>, keepdims: bool) -> Result<Array> {
    let (x, axis, shape): (Array, usize, Shape) = match axis {
        None => {
            let shape = if keepdims { smallvec![1; a.ndim()] } else { Shape::new() };
            (ops::reshape_to(a, &[a.size()])?, 0, shape)
        }
        Some(i) => {
            let i = desc::normalize_axis(name, i, a.ndim())?;
            let mut shape = Op::kept_shape(a.shape(), &[i]);
            if !keepdims {
                shape.remove(i);
            }
            (a.clone(), i, shape)
        }
    };
    if x.shape()[axis] == 0 {
        return Err(Error::value(format!("[{name}] Cannot {name} reduce zero size array.")));
    }
    let out = Array::record1(ArgReduce { kind, axis }, Inputs::from_iter([x]))?;
    ops::reshape_to(&out, &shape)
}

/// Position of the first smallest (or first NaN) along an axis, or in the flattened array; u32.
///
/// # Errors
/// `Index` for an axis out of range, `Value` for nothing to search.
pub fn argmin(a: &Array, axis: Option<i64>, keepdims: bool) -> Result<Array> {
    arg_reduce(ArgKind::Min, "argmin", a, axis, keepdims)
}

/// Position of the first largest (or first NaN) along an axis, or in the flattened array; u32.
///
/// # Errors
/// `Index` for an axis out of range, `Value` for nothing to search.
pub fn argmax(a: &Array, axis: Option<i64>, keepdims: bool) -> Result<Array> {
    arg_reduce(ArgKind::Max, "argmax", a, axis, keepdims)
}
