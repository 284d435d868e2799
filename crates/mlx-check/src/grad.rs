//! Derivatives against central differences, forward against reverse mode, batching against a loop. All on exact
//! arithmetic, so that a kernel's rounding never hides or feigns an error of a rule.

use crate::case::{Case, Tol};
use crate::compare;
use crate::data::Rng;
use crate::report::Report;
use crate::skips::Mode;
use mlx::reference::{self, Num, Tensor, flat, unflat};
use mlx::{Array, DType, Result};
use mlx_ir::Error;
use std::collections::BTreeMap;

/// How a derivative is measured in a dtype: step, allowed error of differences, allowed error of the identity.
fn precision(dtype: DType) -> (f64, f64, f64) {
    match dtype {
        DType::F64 => (1e-5, 1e-6, 1e-10),
        _ => (1.0 / 128.0, 4e-3, 1e-4),
    }
}

/// The dtype in which a case's derivatives are checked: the most precise it has.
fn dtype_of(case: &Case) -> Option<DType> {
    let d = case.family.dtypes();
    [DType::F64, DType::F32].into_iter().find(|x| d.contains(x))
}

fn random_like(t: &Tensor, rng: &mut Rng) -> Tensor {
    Tensor::build(&t.shape, t.dtype, |_| Num::Complex(rng.normal(), rng.normal()))
}

/// `x + h·t`.
fn moved(x: &Tensor, t: &Tensor, h: f64) -> Tensor {
    Tensor::build(&x.shape, x.dtype, |i| {
        let (a, b) = (x.get(i).complex(), t.get(i).complex());
        Num::Complex(a.0 + h * b.0, a.1 + h * b.1)
    })
}

fn arrays(ts: &[Tensor]) -> Result<Vec<Array>> {
    ts.iter().map(Tensor::to_array).collect()
}

fn dot(a: &[Tensor], b: &[Tensor]) -> (f64, f64) {
    let mut sum = (0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        for i in 0..x.size() {
            let p = x.get(i).f64() * y.get(i).f64();
            sum = (sum.0 + p, sum.1 + p.abs());
        }
    }
    sum
}

fn close(what: &str, a: (f64, f64), b: (f64, f64), tol: f64) -> std::result::Result<(), String> {
    let room = tol * (a.1 + b.1) + tol;
    if (a.0 - b.0).abs() <= room { Ok(()) } else { Err(format!("{what}: {} and {} differ", a.0, b.0)) }
}

/// `(up − down) / 2h`, in f64 (or complex) whatever the function's dtype; nothing between equal infinities.
fn difference(up: &Tensor, down: &Tensor, h: f64) -> Tensor {
    let dtype = if up.dtype.is_complex() { up.dtype } else { DType::F64 };
    let part = |a: f64, b: f64| if a == b { 0.0 } else { (a - b) / (2.0 * h) };
    Tensor::build(&up.shape, dtype, |i| {
        let (a, b) = (up.get(i).complex(), down.get(i).complex());
        Num::Complex(part(a.0, b.0), part(a.1, b.1))
    })
}

/// What was found out about a case's derivatives.
pub struct Found {
    /// Forward mode against differences.
    pub jvp: std::result::Result<(), String>,
    /// Reverse mode against differences and, where there is a forward mode, against that.
    pub vjp: std::result::Result<(), String>,
    /// Elements of outputs of which the forward derivative could be measured.
    pub known: usize,
}

/// Derivatives of a case in a dtype with respect to its differentiable inputs, along random directions.
///
/// # Errors
/// When the function itself cannot be evaluated.
pub fn derivatives(case: &Case, dtype: DType) -> Result<Found> {
    let mut rng = Rng::new(Rng::seed_of(&case.title()));
    let point: Vec<Tensor> = case.inputs.iter().map(|i| i.build(dtype, rng.next())).collect();
    let whole = arrays(&point)?;
    let at: Vec<Array> = case.grad.iter().map(|&i| whole[i].clone()).collect();
    let f = |xs: &[Array]| {
        let mut all = whole.clone();
        for (&i, x) in case.grad.iter().zip(xs) {
            all[i] = x.clone();
        }
        let outs = (case.run)(&all)?;
        Ok(outs.into_iter().filter(|o| o.dtype().is_inexact()).collect::<Vec<_>>())
    };
    let outs = reference::evaluate(&f(&at)?)?;
    // The measure of a function in half precision is that precision's.
    let coarse = outs.iter().map(|o| o.dtype).chain(at.iter().map(Array::dtype)).any(|d| d != DType::F64);
    let (h, tol, tight) = precision(if coarse { DType::F32 } else { DType::F64 });
    let tangents: Vec<Tensor> = case.grad.iter().map(|&i| random_like(&point[i], &mut rng)).collect();
    let shifted = |h: f64| -> Result<Vec<Tensor>> {
        let xs: Vec<Tensor> = case.grad.iter().zip(&tangents).map(|(&i, t)| moved(&point[i], t, h)).collect();
        reference::evaluate(&f(&arrays(&xs)?)?)
    };
    let slopes = |h: f64| -> Result<Vec<Tensor>> {
        let (up, down) = (shifted(h)?, shifted(-h)?);
        Ok(up.iter().zip(&down).map(|(u, d)| difference(u, d, h)).collect())
    };
    let slope = slopes(h)?;
    // f32 is too coarse to measure close to kinks, cuts and poles of complex functions: where a smaller step tells
    // otherwise, nothing is known.
    let complex = outs.iter().map(|o| o.dtype).chain(at.iter().map(Array::dtype)).any(DType::is_complex);
    let finer = if complex { slopes(h / 2.0)? } else { slope.clone() };
    let forward = mlx::jvp(f, &at, &arrays(&tangents)?).and_then(|(_, t)| reference::evaluate(&t));
    let mut known = 0;
    let jvp = match &forward {
        Err(e) => Err(e.to_string()),
        Ok(t) => t.iter().zip(&slope).enumerate().try_for_each(|(o, (t, s))| {
            let size = (0..s.size()).map(|i| s.get(i).complex()).fold(1.0, |m: f64, c| m.max(c.0.hypot(c.1)));
            let mut unknown = 0;
            (0..s.size()).try_for_each(|i| {
                let (a, b, c) = (t.get(i).complex(), s.get(i).complex(), finer[o].get(i).complex());
                if (b.0 - c.0).hypot(b.1 - c.1) > tol / 8.0 * size.min(1.0 + b.0.hypot(b.1)) {
                    unknown += 1;
                    return Ok(());
                }
                let off = (a.0 - b.0).hypot(a.1 - b.1);
                // NaN must not pass.
                if off <= tol * size {
                    Ok(())
                } else {
                    Err(format!("output {o} at {i}: derivative {a:?}, difference {b:?}"))
                }
            })?;
            known += if s.size() == 0 { 1 } else { s.size() - unknown };
            Ok(())
        }),
    };
    // Complex cotangents have no one convention: their reverse mode is compared with the official wheel instead.
    if complex {
        return Ok(Found { jvp, vjp: Ok(()), known });
    }
    let cotangents: Vec<Tensor> = outs.iter().map(|o| random_like(o, &mut rng)).collect();
    let reverse = mlx::vjp(f, &at, &arrays(&cotangents)?).and_then(|(_, g)| reference::evaluate(&g));
    let vjp = match &reverse {
        Err(e) => Err(e.to_string()),
        Ok(g) => {
            let mine = dot(g, &tangents);
            close("reverse mode and differences", mine, dot(&cotangents, &slope), tol).and_then(|()| match &forward {
                Ok(t) => close("reverse and forward mode", mine, dot(&cotangents, t), tight),
                Err(_) => Ok(()),
            })
        }
    };
    Ok(Found { jvp, vjp, known })
}

/// Examples of an input along a new axis.
fn stacked(parts: &[Tensor], axis: usize) -> Tensor {
    let mut shape = parts[0].shape.to_vec();
    shape.insert(axis, parts.len());
    Tensor::build(&shape, parts[0].dtype, |i| {
        let mut at = unflat(&shape, i);
        let k = at.remove(axis);
        parts[k].get(flat(&parts[k].shape, &at))
    })
}

/// A batched call of a case against one call for each example. `axes` says where each input's examples lie.
fn batched(case: &Case, dtype: DType, axes: &[Option<usize>]) -> std::result::Result<(), String> {
    const SIZE: usize = 3;
    let mut rng = Rng::new(Rng::seed_of(&case.title()));
    let text = |e: Error| e.to_string();
    let mut whole = Vec::new();
    let mut examples: Vec<Vec<Array>> = vec![Vec::new(); SIZE];
    for (input, axis) in case.inputs.iter().zip(axes) {
        let parts: Vec<Tensor> = (0..SIZE).map(|_| input.build(dtype, rng.next())).collect();
        for (k, e) in examples.iter_mut().enumerate() {
            e.push(parts[if axis.is_some() { k } else { 0 }].to_array().map_err(text)?);
        }
        let t = match axis {
            Some(a) => stacked(&parts, *a),
            None => parts[0].clone(),
        };
        whole.push(t.to_array().map_err(text)?);
    }
    let in_axes: Vec<Option<i64>> = axes.iter().map(|a| a.map(|a| a as i64)).collect();
    let outs = mlx::vmap(|x: &[Array]| (case.run)(x), &in_axes, &[Some(0)])(&whole).map_err(text)?;
    let got = reference::evaluate(&outs).map_err(text)?;
    let loops = examples.iter().map(|e| reference::evaluate(&(case.run)(e)?)).collect::<Result<Vec<_>>>();
    let loops = loops.map_err(text)?;
    for (o, g) in got.iter().enumerate() {
        let parts: Vec<Tensor> = loops.iter().map(|l| l[o].clone()).collect();
        compare::tensors(g, &stacked(&parts, 0), Tol::Accumulate(64)).map_err(|e| format!("axes {axes:?}: {e}"))?;
    }
    Ok(())
}

/// Batching of a case over each input alone, its first and last axis, and over all inputs at once.
///
/// # Errors
/// What did not hold.
pub fn batching(case: &Case, dtype: DType) -> std::result::Result<(), String> {
    let n = case.inputs.len();
    let last = |i: usize| case.inputs[i].shape.len();
    for i in 0..n {
        for axis in [0, last(i)] {
            let mut axes = vec![None; n];
            axes[i] = Some(axis);
            batched(case, dtype, &axes)?;
        }
    }
    if n > 1 {
        batched(case, dtype, &vec![Some(0); n])?;
        batched(case, dtype, &(0..n).map(|i| Some(if i % 2 == 0 { last(i) } else { 0 })).collect::<Vec<_>>())?;
    }
    Ok(())
}

/// All cases whose name contains `filter`.
pub fn run(cases: &[Case], filter: &str, report: &mut Report) {
    // Of complex functions some shapes may tell nothing, but not all of a case's shapes.
    let mut known: BTreeMap<(&str, bool), usize> = BTreeMap::new();
    for case in cases.iter().filter(|c| c.name.contains(filter)) {
        let shapes: Vec<&[usize]> = case.inputs.iter().map(|i| i.shape.as_slice()).collect();
        let shapes = format!("{shapes:?}");
        if !case.grad.is_empty() {
            let complex = case.family.dtypes().contains(&DType::C64).then_some(DType::C64);
            for dtype in dtype_of(case).into_iter().chain(complex) {
                match derivatives(case, dtype) {
                    Ok(found) => {
                        let ok = found.jvp.is_ok();
                        *known.entry((&case.name, dtype.is_complex())).or_default() += if ok { found.known } else { 1 };
                        report.add(Mode::Jvp, &case.name, dtype, &format!("jvp {shapes}"), found.jvp);
                        report.add(Mode::Vjp, &case.name, dtype, &format!("vjp {shapes}"), found.vjp);
                    }
                    Err(e) => report.add(Mode::Vjp, &case.name, dtype, &shapes, Err(e.to_string())),
                }
            }
        }
        // Batching moves axes, whatever the elements are: one dtype tells.
        let dtypes = case.family.dtypes();
        let dtype = if dtypes.contains(&DType::F32) { DType::F32 } else { dtypes[0] };
        if !case.inputs.is_empty() {
            report.add(Mode::Vmap, &case.name, dtype, &format!("vmap {shapes}"), batching(case, dtype));
        }
    }
    for ((name, complex), n) in known {
        let result = if n > 0 { Ok(()) } else { Err("no difference could be measured".into()) };
        report.add(Mode::Vjp, name, if complex { DType::C64 } else { DType::F64 }, "measured", result);
    }
    for mode in [Mode::Jvp, Mode::Vjp, Mode::Vmap] {
        report.close(mode, filter.is_empty());
    }
}
