//! Cumulative operations: the row `Scan`.

use crate::array::{Array, Inputs, Outs};
use crate::ops;
use crate::reference::{Num, Tensor, flat, unflat};
use crate::rules::{Batched, BatchedOut, Core, Grads, Rule, Vjp, again};
use mlx_ir::op::{ReduceKind, Scan, ScanKind};
use mlx_ir::{Aval, DType, Error, Result, desc};
use smallvec::smallvec;

fn scan(x: &Array, kind: ScanKind, axis: usize, reverse: bool, inclusive: bool) -> Result<Array> {
    Array::record1(Scan { kind, axis, reverse, inclusive }, Inputs::from_iter([x.clone()]))
}

impl Rule for Scan {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        if self.axis >= x.ndim() {
            return Err(Error::index(format!("[scan] axis {} of {} dimensions", self.axis, x.ndim())));
        }
        if self.kind == ScanKind::Logaddexp && !x.dtype.is_float() {
            return Err(Error::value(format!("[logcumsumexp] Not supported for {}.", x.dtype)));
        }
        let dtype = match self.kind {
            ScanKind::Sum if x.dtype == DType::Bool => DType::I32,
            _ => x.dtype,
        };
        Ok(smallvec![Aval { shape: x.shape.clone(), dtype }])
    }

    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let (x, out, ct) = (&v.primals[0], &v.outputs[0], &v.cotangents[0]);
        if x.size() == 0 {
            return Ok(vec![Some(ops::zeros_like(x)?)]);
        }
        let back = |c: &Array| scan(c, ScanKind::Sum, self.axis, !self.reverse, self.inclusive);
        Ok(vec![Some(match self.kind {
            ScanKind::Sum => back(ct)?,
            // d out_j / d x_i = e^(x_i − out_j) for every j that sees i.
            ScanKind::Logaddexp => {
                let finite = ops::greater(out, f64::NEG_INFINITY)?;
                let shift = ops::max(out, Some(&[self.axis as i64]), true)?;
                let safe = ops::where_(&ops::greater(&shift, f64::NEG_INFINITY)?, &shift, 0.0)?;
                let w = ops::where_(&finite, &ops::multiply(ct, &ops::exp(&ops::subtract(&safe, out)?)?)?, 0.0)?;
                ops::multiply(&ops::exp(&ops::subtract(x, &safe)?)?, &back(&w)?)?
            }
            ScanKind::Prod => {
                // Row by row of the Jacobian, with products of all others: exact where elements are zero.
                let n = x.shape()[self.axis];
                let wide = expanded(x, self.axis, n)?;
                let others = scan(&wide, ScanKind::Prod, self.axis + 1, self.reverse, self.inclusive)?;
                let seen = seen(self, x)?;
                let c = ops::expand_dims(ct, &[self.axis as i64])?;
                let terms = ops::where_(&seen, &ops::multiply(&others, &c)?, 0.0)?;
                ops::sum(&terms, Some(&[self.axis as i64 + 1]), false)?
            }
            ScanKind::Min | ScanKind::Max => {
                // Each result is the element at the last place so far that equals it.
                let (n, axis) = (x.shape()[self.axis] as i64, self.axis as i64);
                let best = scan(x, self.kind, self.axis, self.reverse, true)?;
                let mut side = vec![1; x.ndim()];
                side[self.axis] = n as usize;
                let at = ops::reshape_to(&ops::arange(0.0, n as f64, 1.0, DType::I32)?, &side)?;
                let none = ops::Scalar::Int(if self.reverse { n - 1 } else { 0 });
                let at = ops::where_(&ops::equal(x, &best)?, &ops::broadcast_to(&at, x.shape())?, none)?;
                let towards = if self.reverse { ScanKind::Min } else { ScanKind::Max };
                let at = scan(&at, towards, self.axis, self.reverse, true)?;
                let ct = if self.inclusive {
                    ct.clone()
                } else {
                    // Without the element itself a result belongs to the place before.
                    let none = ops::zeros_like(&ops::slice_axis(ct, axis, 0, 1)?)?;
                    let parts = if self.reverse {
                        [none, ops::slice_axis(ct, axis, 0, n - 1)?]
                    } else {
                        [ops::slice_axis(ct, axis, 1, n)?, none]
                    };
                    ops::concatenate(&parts, axis)?
                };
                ops::scatter_add_axis(&ops::zeros_like(x)?, &at, &ct, axis)?
            }
        })])
    }

    fn jvp(&self, primals: &[Array], outputs: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        let Some(t) = &tangents[0] else { return Ok(vec![None]) };
        if t.size() == 0 {
            return Ok(vec![None]);
        }
        let along = |c: &Array| scan(c, ScanKind::Sum, self.axis, self.reverse, self.inclusive);
        Ok(vec![Some(match self.kind {
            ScanKind::Sum => along(t)?,
            ScanKind::Logaddexp => {
                let (x, out) = (&primals[0], &outputs[0]);
                let shift = ops::max(out, Some(&[self.axis as i64]), true)?;
                let safe = ops::where_(&ops::greater(&shift, f64::NEG_INFINITY)?, &shift, 0.0)?;
                let s = along(&ops::multiply(t, &ops::exp(&ops::subtract(x, &safe)?)?)?)?;
                let finite = ops::greater(out, f64::NEG_INFINITY)?;
                ops::where_(&finite, &ops::multiply(&s, &ops::exp(&ops::subtract(&safe, out)?)?)?, 0.0)?
            }
            ScanKind::Prod => {
                let x = &primals[0];
                let n = x.shape()[self.axis];
                let others =
                    scan(&expanded(x, self.axis, n)?, ScanKind::Prod, self.axis + 1, self.reverse, self.inclusive)?;
                let t = ops::expand_dims(t, &[self.axis as i64 + 1])?;
                let terms = ops::where_(&seen(self, x)?, &ops::multiply(&others, &t)?, 0.0)?;
                ops::sum(&terms, Some(&[self.axis as i64]), false)?
            }
            ScanKind::Min | ScanKind::Max => {
                return Err(Error::unsupported("[Scan::jvp] Not implemented for cumulative minimum and maximum."));
            }
        })])
    }

    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let x = ops::all_in_front(b)?;
        Ok((again(Scan { axis: self.axis + 1, ..self.clone() }, &x)?, vec![Some(0)]))
    }
}

/// Whether element `i` (along the new axis) takes part in running value `j` (along the axis after it).
fn seen(s: &Scan, x: &Array) -> Result<Array> {
    let n = x.shape()[s.axis];
    let i = ops::reshape_to(&ops::arange_int(n)?, &[n, 1])?;
    let j = ops::reshape_to(&ops::arange_int(n)?, &[1, n])?;
    let seen = match (s.reverse, s.inclusive) {
        (false, true) => ops::less_equal(&i, &j)?,
        (false, false) => ops::less(&i, &j)?,
        (true, true) => ops::greater_equal(&i, &j)?,
        (true, false) => ops::greater(&i, &j)?,
    };
    let mut shape = vec![1; x.ndim() + 1];
    (shape[s.axis], shape[s.axis + 1]) = (n, n);
    ops::reshape_to(&seen, &shape)
}

/// `n` copies of x along a new axis before `axis`, copy `i` with its `i`-th element along the axis set to one.
fn expanded(x: &Array, axis: usize, n: usize) -> Result<Array> {
    let mut shape = vec![1; x.ndim() + 1];
    (shape[axis], shape[axis + 1]) = (n, n);
    let diagonal = ops::reshape_to(&ops::eye(n, n, 0, DType::Bool)?, &shape)?;
    ops::where_(&diagonal, 1.0, &ops::expand_dims(x, &[axis as i64])?)
}

impl Core for Scan {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let x = inputs[0];
        let n = x.shape[self.axis];
        let empty = match self.kind {
            ScanKind::Sum => Num::Int(0),
            ScanKind::Prod => Num::Int(1),
            ScanKind::Min => extreme(x.dtype, true),
            ScanKind::Max => extreme(x.dtype, false),
            ScanKind::Logaddexp => Num::Float(f64::NEG_INFINITY),
        };
        let mut values = vec![empty; x.size()];
        for i in 0..x.size() {
            let mut at = unflat(&x.shape, i);
            if at[self.axis] != 0 {
                continue;
            }
            let mut acc: Option<Num> = None;
            for k in 0..n {
                at[self.axis] = if self.reverse { n - 1 - k } else { k };
                let p = flat(&x.shape, &at);
                if !self.inclusive {
                    values[p] = acc.unwrap_or(empty);
                }
                let e = x.get(p);
                acc = Some(match (self.kind, acc) {
                    (ScanKind::Logaddexp, a) => logaddexp(a.unwrap_or(empty).f64(), e.f64()),
                    (ScanKind::Sum, a) => super::reduce::combine(ReduceKind::Sum, a, e),
                    (ScanKind::Prod, a) => super::reduce::combine(ReduceKind::Prod, a, e),
                    (ScanKind::Min, a) => super::reduce::combine(ReduceKind::Min, a, e),
                    (ScanKind::Max, a) => super::reduce::combine(ReduceKind::Max, a, e),
                });
                if self.inclusive {
                    values[p] = acc.unwrap_or(empty);
                }
            }
        }
        Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| values[i])])
    }
}

fn logaddexp(a: f64, b: f64) -> Num {
    let (hi, lo) = if a > b { (a, b) } else { (b, a) };
    Num::Float(if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if lo == f64::NEG_INFINITY || hi == f64::INFINITY {
        hi
    } else {
        hi + (lo - hi).exp().ln_1p()
    })
}

/// Largest (or smallest) value of a dtype: what an exclusive running minimum (maximum) starts from.
fn extreme(dtype: DType, largest: bool) -> Num {
    let int = |lo: i128, hi: i128| Num::Int(if largest { hi } else { lo });
    match dtype {
        DType::Bool => int(0, 1),
        d if d.is_unsigned() => int(0, (1i128 << (8 * d.size())) - 1),
        d if d.is_integer() => int(-(1i128 << (8 * d.size() - 1)), (1i128 << (8 * d.size() - 1)) - 1),
        DType::C64 => {
            let x = if largest { f64::INFINITY } else { f64::NEG_INFINITY };
            Num::Complex(x, x)
        }
        _ => Num::Float(if largest { f64::INFINITY } else { f64::NEG_INFINITY }),
    }
}

fn cumulative(
    name: &str,
    kind: ScanKind,
    a: &Array,
    axis: Option<i64>,
    reverse: bool,
    inclusive: bool,
) -> Result<Array> {
    let (a, axis) = match axis {
        Some(x) => (a.clone(), desc::normalize_axis(name, x, a.ndim())?),
        None => (ops::reshape_to(a, &[a.size()])?, 0),
    };
    scan(&a, kind, axis, reverse, inclusive)
}

macro_rules! cumulatives {
    ($($doc:literal $name:ident => $kind:ident;)*) => {$(
        #[doc = $doc]
        ///
        /// Along an axis, or of the flattened array without; from the end with `reverse`; without the element itself
        /// unless `inclusive`.
        ///
        /// # Errors
        /// `Index` for an axis out of range; `Value` for dtypes without the operation.
        pub fn $name(a: &Array, axis: Option<i64>, reverse: bool, inclusive: bool) -> Result<Array> {
            cumulative(stringify!($name), ScanKind::$kind, a, axis, reverse, inclusive)
        }
    )*};
}

cumulatives! {
    "Running sum; bool gives i32." cumsum => Sum;
    "Running product." cumprod => Prod;
    "Running minimum." cummin => Min;
    "Running maximum." cummax => Max;
    "Running ln Σ e^x." logcumsumexp => Logaddexp;
}
