//! Computed values against exact ones.

use crate::case::Case;
use crate::compare;
use crate::data::{Layout, Rng, lay_out};
use crate::report::Report;
use crate::skips::Mode;
use mlx::reference::{self, Num, Tensor};
use mlx::{Array, DType, memory, ops};
use std::sync::OnceLock;

/// Changes the computed values before they are compared: how the tests of the checker make a kernel wrong.
pub type Tamper<'a> = &'a dyn Fn(&mut [Tensor]);

/// Leaves them as they are.
pub fn honest(_: &mut [Tensor]) {}

/// The inputs of a case in a layout, with the values that they show.
///
/// # Errors
/// What laying them out met, as text.
pub fn inputs(case: &Case, dtype: DType, layout: Layout) -> Result<(Vec<Array>, Vec<Tensor>), String> {
    let mut arrays = Vec::new();
    let mut shown = Vec::new();
    for (i, input) in case.inputs.iter().enumerate() {
        let seed = Rng::seed_of(&format!("{} {i} {dtype}", case.title()));
        let t = input.build(dtype, seed);
        let (a, t) = lay_out(&t, layout.of_input(i)).map_err(|e| format!("layout: {e}"))?;
        compare::tensors(&Tensor::read(&a).map_err(|e| e.to_string())?, &t, crate::case::Tol::Exact)
            .map_err(|e| format!("input {i} is not what was laid out: {e}"))?;
        arrays.push(a);
        shown.push(t);
    }
    Ok((arrays, shown))
}

/// Whether the device takes subnormal numbers for 0, as GPUs' drivers may.
fn flushes() -> bool {
    static FLUSHES: OnceLock<bool> = OnceLock::new();
    *FLUSHES.get_or_init(|| {
        let least = Array::from_slice(&[1e-40f32], &[1]).and_then(|x| ops::multiply(&x, 0.5)?.to_vec::<f32>());
        mlx::current_stream().device == mlx::Device::Gpu && least.is_ok_and(|x| x == [0.0])
    })
}

/// What is exact for these inputs if their subnormal numbers are zeros.
fn exact_without_subnormals(case: &Case, shown: &[Tensor]) -> Result<Vec<Tensor>, String> {
    let flushed = |t: &Tensor| {
        let zeros = Tensor::build(&t.shape, t.dtype, |i| {
            if compare::is_subnormal(t.get(i), t.dtype) { Num::Float(0.0) } else { t.get(i) }
        });
        zeros.to_array()
    };
    let arrays = shown.iter().map(flushed).collect::<mlx::Result<Vec<_>>>().map_err(|e| e.to_string())?;
    let outs = (case.run)(&arrays).map_err(|e| format!("refused without subnormal numbers: {e}"))?;
    reference::evaluate(&outs).map_err(|e| format!("exact evaluation without subnormal numbers: {e}"))
}

/// One case with one dtype and layout: right values, inputs untouched, no byte outside a buffer written, no more
/// copies than promised.
///
/// # Errors
/// What did not hold.
pub fn check(case: &Case, dtype: DType, layout: Layout, tamper: Tamper<'_>) -> Result<(), String> {
    let damaged = memory::damaged();
    {
        let (arrays, shown) = inputs(case, dtype, layout)?;
        let outs = (case.run)(&arrays).map_err(|e| format!("refused: {e}"))?;
        let exact = reference::evaluate(&outs).map_err(|e| format!("exact evaluation: {e}"))?;
        let before = mlx::counts();
        mlx::eval(&outs).map_err(|e| format!("evaluation: {e}"))?;
        let did = mlx::counts() - before;
        let mut got = outs.iter().map(Tensor::read).collect::<mlx::Result<Vec<_>>>().map_err(|e| e.to_string())?;
        tamper(&mut got);
        let running = compare::running_size(&shown);
        for (i, (g, e)) in got.iter().zip(&exact).enumerate() {
            let mut result = compare::tensors_from(g, e, case.tol, running);
            if result.is_err() && flushes() {
                let other = exact_without_subnormals(case, &shown)?;
                result = compare::tensors_without_subnormals(g, e, &other[i], case.tol, running);
            }
            result.map_err(|e| format!("output {i}: {e}"))?;
        }
        for (i, (a, t)) in arrays.iter().zip(&shown).enumerate() {
            let now = Tensor::read(a).map_err(|e| e.to_string())?;
            compare::tensors(&now, t, crate::case::Tol::Exact).map_err(|e| format!("input {i} was changed: {e}"))?;
        }
        // The promise is about the processor's kernels.
        if let Some(n) = case.copies
            && did.copies != n
            && mlx::current_stream().device == mlx::Device::Cpu
        {
            return Err(format!("{} layout copies, promised {n}", did.copies));
        }
    }
    match memory::damaged() - damaged {
        0 => Ok(()),
        n => Err(format!("{n} buffers were written outside their bounds")),
    }
}

/// A part of the list: every `of`-th case, from the `number`-th on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// From 1.
    pub number: usize,
    /// Number of parts.
    pub of: usize,
}

impl Part {
    /// The whole list.
    pub const WHOLE: Part = Part { number: 1, of: 1 };
}

impl std::str::FromStr for Part {
    type Err = String;
    fn from_str(s: &str) -> Result<Part, String> {
        let numbers = s.split_once('/').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Part { number, of }),
            _ => Err(format!("'{s}' is not a part: 2/3 is the second of three")),
        }
    }
}

/// Computes a case again and again: every time the same bits.
///
/// # Errors
/// What differed, and when.
pub fn repeat(case: &Case, dtype: DType, layout: Layout, times: usize) -> Result<(), String> {
    let (arrays, _) = inputs(case, dtype, layout)?;
    let mut first: Vec<Vec<u8>> = Vec::new();
    for i in 0..=times {
        let outs = (case.run)(&arrays).map_err(|e| format!("refused: {e}"))?;
        mlx::eval(&outs).map_err(|e| format!("evaluation: {e}"))?;
        let bits = outs.iter().map(Array::to_bytes).collect::<mlx::Result<Vec<_>>>().map_err(|e| e.to_string())?;
        if i == 0 {
            first = bits;
        } else if bits != first {
            return Err(format!("repeat {i} of {times} gave other bits"));
        }
    }
    Ok(())
}

/// The cases of a part whose name contains `filter`, and each again so many times.
pub fn run(cases: &[Case], filter: &str, part: Part, times: usize, report: &mut Report) {
    memory::set_guard(true);
    for case in cases.iter().filter(|c| c.name.contains(filter)).skip(part.number - 1).step_by(part.of) {
        let shapes: Vec<&[usize]> = case.inputs.iter().map(|i| i.shape.as_slice()).collect();
        for dtype in case.family.dtypes() {
            for layout in Layout::ALL.into_iter().filter(|l| l.applies(&shapes)) {
                let mut result = check(case, dtype, layout, &honest);
                if times > 0 {
                    result = result.and_then(|()| repeat(case, dtype, layout, times));
                }
                report.add(Mode::Value, &case.name, dtype, &format!("{} {shapes:?}", layout.name()), result);
            }
        }
    }
    memory::set_guard(false);
    report.close(Mode::Value, filter.is_empty() && part == Part::WHOLE);
}
