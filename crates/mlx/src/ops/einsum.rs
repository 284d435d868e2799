//! Einstein summation: parsing, the order of the products, and each product as a batched matrix product.

use crate::array::Array;
use crate::ops;
use mlx_ir::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Subscripts, one list of labels for each operand and the result.
struct Subscripts {
    inputs: Vec<Vec<char>>,
    output: Vec<char>,
}

/// Labels that stand for the dimensions of an ellipsis, the last dimension first.
fn hidden(n: usize) -> char {
    char::from_u32(0xE000 + n as u32).unwrap_or('\u{E000}')
}

fn bad(what: impl fmt::Display) -> Error {
    Error::value(format!("[einsum] {what}"))
}

fn parse(text: &str, dims: &[usize]) -> Result<Subscripts> {
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (left, right) = match text.split_once("->") {
        Some((l, r)) => (l, Some(r)),
        None => (text.as_str(), None),
    };
    let parts: Vec<&str> = left.split(',').collect();
    if parts.len() != dims.len() {
        return Err(bad(format!("{} operands are described, {} given.", parts.len(), dims.len())));
    }
    let mut widest = 0;
    let labels = |part: &str, ellipsis: usize| -> Result<Vec<char>> {
        let mut out = Vec::new();
        let mut rest = part;
        let mut seen = false;
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("...") {
                if std::mem::replace(&mut seen, true) {
                    return Err(bad(format!("more than one ellipsis in '{part}'.")));
                }
                out.extend((0..ellipsis).rev().map(hidden));
                rest = after;
            } else if c.is_ascii_alphabetic() {
                out.push(c);
                rest = &rest[1..];
            } else {
                return Err(bad(format!("'{c}' is not a valid subscript in '{part}'.")));
            }
        }
        Ok(out)
    };
    let mut inputs = Vec::new();
    for (part, &n) in parts.iter().zip(dims) {
        let named = part.chars().filter(char::is_ascii_alphabetic).count();
        let ellipsis = if part.contains("...") { n.checked_sub(named) } else { Some(0) };
        let l = match ellipsis {
            Some(e) => {
                widest = widest.max(e);
                labels(part, e)?
            }
            None => return Err(bad(format!("'{part}' has more subscripts than the operand has dimensions ({n})."))),
        };
        if l.len() != n {
            return Err(bad(format!("'{part}' has {} subscripts for an operand of {n} dimensions.", l.len())));
        }
        inputs.push(l);
    }
    let output = match right {
        Some(r) => labels(r, widest)?,
        None => {
            let mut count: BTreeMap<char, usize> = BTreeMap::new();
            inputs.iter().flatten().for_each(|&c| *count.entry(c).or_default() += 1);
            let once = count.iter().filter(|(c, n)| **n == 1 && c.is_ascii_alphabetic()).map(|(&c, _)| c);
            (0..widest).rev().map(hidden).chain(once).collect()
        }
    };
    let known: BTreeSet<char> = inputs.iter().flatten().copied().collect();
    let mut seen = BTreeSet::new();
    for &c in &output {
        if !known.contains(&c) {
            return Err(bad(format!("the result's subscript '{c}' is not among those of the operands.")));
        }
        if !seen.insert(c) {
            return Err(bad(format!("the result's subscript '{c}' is there twice.")));
        }
    }
    Ok(Subscripts { inputs, output })
}

fn sizes(s: &Subscripts, shapes: &[&[usize]]) -> Result<BTreeMap<char, usize>> {
    let mut out: BTreeMap<char, usize> = BTreeMap::new();
    for (labels, shape) in s.inputs.iter().zip(shapes) {
        for (&c, &n) in labels.iter().zip(*shape) {
            let known = out.entry(c).or_insert(n);
            if *known == 1 {
                *known = n;
            } else if n != 1 && n != *known {
                return Err(bad(format!("subscript '{c}' stands for sizes {known} and {n}.")));
            }
        }
    }
    Ok(out)
}

/// The order of the products of an [`einsum`].
pub struct EinsumPath {
    /// Positions of the operands of each product; they leave the list and the product is appended to it.
    pub steps: Vec<Vec<usize>>,
    subscripts: String,
    naive: (usize, f64),
    chosen: (usize, f64),
}

impl fmt::Display for EinsumPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  Complete contraction:  {}", self.subscripts)?;
        writeln!(f, "         Naive scaling:  {}", self.naive.0)?;
        writeln!(f, "     Optimized scaling:  {}", self.chosen.0)?;
        writeln!(f, "      Naive FLOP count:  {}", self.naive.1)?;
        writeln!(f, "  Optimized FLOP count:  {}", self.chosen.1)
    }
}

fn volume(labels: &BTreeSet<char>, sizes: &BTreeMap<char, usize>) -> f64 {
    labels.iter().map(|c| sizes[c] as f64).product()
}

/// Multiplications and, where something is summed, additions.
fn cost(all: &BTreeSet<char>, kept: &BTreeSet<char>, operands: usize, sizes: &BTreeMap<char, usize>) -> f64 {
    let each = operands.saturating_sub(1).max(1) + usize::from(all != kept);
    volume(all, sizes) * each as f64
}

fn plan(s: &Subscripts, sizes: &BTreeMap<char, usize>) -> (Vec<Vec<usize>>, usize, f64) {
    let mut left: Vec<BTreeSet<char>> = s.inputs.iter().map(|l| l.iter().copied().collect()).collect();
    let output: BTreeSet<char> = s.output.iter().copied().collect();
    let (mut steps, mut scaling, mut total) = (Vec::new(), 0, 0.0);
    let kept = |left: &[BTreeSet<char>], i: usize, j: usize| {
        let mut outside = output.clone();
        left.iter().enumerate().filter(|(k, _)| *k != i && *k != j).for_each(|(_, l)| outside.extend(l));
        let all: BTreeSet<char> = left[i].union(&left[j]).copied().collect();
        let kept: BTreeSet<char> = all.intersection(&outside).copied().collect();
        (all, kept)
    };
    while left.len() > 2 {
        // The pair that frees most (or adds least) memory, then the cheapest.
        let mut best: Option<((f64, f64), usize, usize)> = None;
        for i in 0..left.len() {
            for j in i + 1..left.len() {
                let (all, keep) = kept(&left, i, j);
                let grown = volume(&keep, sizes) - volume(&left[i], sizes) - volume(&left[j], sizes);
                let key = (grown, cost(&all, &keep, 2, sizes));
                if best.as_ref().is_none_or(|b| key < b.0) {
                    best = Some((key, i, j));
                }
            }
        }
        let Some((_, i, j)) = best else { break };
        let (all, keep) = kept(&left, i, j);
        scaling = scaling.max(all.len());
        total += cost(&all, &keep, 2, sizes);
        steps.push(vec![i, j]);
        left.remove(j);
        left.remove(i);
        left.push(keep);
    }
    let all: BTreeSet<char> = left.iter().flatten().copied().collect();
    scaling = scaling.max(all.len());
    total += cost(&all, &output, left.len(), sizes);
    steps.push((0..left.len()).collect());
    (steps, scaling, total)
}

/// The order in which [`einsum`] multiplies operands of these shapes.
///
/// # Errors
/// `Value` for subscripts that do not fit.
pub fn einsum_path(subscripts: &str, shapes: &[&[usize]]) -> Result<EinsumPath> {
    let dims: Vec<usize> = shapes.iter().map(|s| s.len()).collect();
    let s = parse(subscripts, &dims)?;
    let sizes = sizes(&s, shapes)?;
    let all: BTreeSet<char> = sizes.keys().copied().collect();
    let kept: BTreeSet<char> = s.output.iter().copied().collect();
    let (steps, scaling, total) = plan(&s, &sizes);
    let naive = (all.len(), cost(&all, &kept, shapes.len(), &sizes));
    Ok(EinsumPath { steps, subscripts: subscripts.to_owned(), naive, chosen: (scaling, total) })
}

/// One operand with labels: repeated ones become diagonals, those that nobody else needs are summed.
fn reduced(a: &Array, labels: &[char], needed: &BTreeSet<char>) -> Result<(Array, Vec<char>)> {
    let (mut a, mut labels) = (a.clone(), labels.to_vec());
    while let Some((i, j)) = (0..labels.len())
        .flat_map(|i| (i + 1..labels.len()).map(move |j| (i, j)))
        .find(|&(i, j)| labels[i] == labels[j])
    {
        a = ops::diagonal(&a, 0, i as i64, j as i64)?;
        let c = labels[i];
        labels.remove(j);
        labels.remove(i);
        labels.push(c);
    }
    let sum: Vec<i64> = (0..labels.len()).filter(|&i| !needed.contains(&labels[i])).map(|i| i as i64).collect();
    if !sum.is_empty() {
        let d = a.dtype();
        a = ops::astype(&ops::sum(&a, Some(&sum), false)?, d)?;
        labels.retain(|c| needed.contains(c));
    }
    Ok((a, labels))
}

/// The array with its axes in the order of `wanted`.
fn arranged(a: &Array, labels: &[char], wanted: &[char]) -> Result<Array> {
    let order: Vec<i64> = wanted.iter().filter_map(|c| labels.iter().position(|l| l == c)).map(|p| p as i64).collect();
    if order.iter().enumerate().all(|(i, &o)| i as i64 == o) { Ok(a.clone()) } else { ops::transpose(a, Some(&order)) }
}

/// The product of two operands with the labels of `keep` left.
fn product(x: (Array, Vec<char>), y: (Array, Vec<char>), keep: &BTreeSet<char>) -> Result<(Array, Vec<char>)> {
    let other = |l: &[char]| -> BTreeSet<char> { keep.iter().chain(l).copied().collect() };
    let (a, la) = reduced(&x.0, &x.1, &other(&y.1))?;
    let (b, lb) = reduced(&y.0, &y.1, &other(&x.1))?;
    let d = a.dtype().promote(b.dtype());
    let (a, b) = (ops::astype(&a, d)?, ops::astype(&b, d)?);
    let shared: Vec<char> = la.iter().copied().filter(|c| lb.contains(c)).collect();
    let batch: Vec<char> = shared.iter().copied().filter(|c| keep.contains(c)).collect();
    let summed: Vec<char> = shared.iter().copied().filter(|c| !keep.contains(c)).collect();
    let rows: Vec<char> = la.iter().copied().filter(|c| !shared.contains(c)).collect();
    let cols: Vec<char> = lb.iter().copied().filter(|c| !shared.contains(c)).collect();
    let result: Vec<char> = batch.iter().chain(&rows).chain(&cols).copied().collect();
    let size_of = |c: &char| {
        let of = |a: &Array, l: &[char]| l.iter().position(|x| x == c).map_or(1, |p| a.shape()[p]);
        of(&a, &la).max(of(&b, &lb))
    };
    let count = |l: &[char]| l.iter().map(size_of).product::<usize>();
    if !d.is_inexact() || summed.is_empty() {
        // Without sums it is elementwise; integers have no matrix product.
        let all: Vec<char> = result.iter().chain(&summed).copied().collect();
        let spread = |a: &Array, l: &[char]| -> Result<Array> {
            let own: Vec<char> = all.iter().copied().filter(|c| l.contains(c)).collect();
            let a = arranged(a, l, &own)?;
            let shape: Vec<usize> =
                all.iter().map(|c| own.iter().position(|x| x == c).map_or(1, |p| a.shape()[p])).collect();
            ops::reshape_to(&a, &shape)
        };
        let p = ops::multiply(&spread(&a, &la)?, &spread(&b, &lb)?)?;
        if summed.is_empty() {
            return Ok((p, result));
        }
        let axes: Vec<i64> = (result.len()..all.len()).map(|x| x as i64).collect();
        return Ok((ops::astype(&ops::sum(&p, Some(&axes), false)?, d)?, result));
    }
    // As one batched matrix product: (batch, rows, summed) @ (batch, summed, columns).
    let lay = |a: &Array, l: &[char], groups: [&[char]; 3]| -> Result<Array> {
        let order: Vec<char> = groups.concat();
        let a = arranged(a, l, &order)?;
        let full: Vec<usize> = order.iter().map(size_of).collect();
        let a = ops::broadcast_to(&a, &full)?;
        ops::reshape_to(&a, &groups.map(count))
    };
    let p = ops::matmul(&lay(&a, &la, [&batch, &rows, &summed])?, &lay(&b, &lb, [&batch, &summed, &cols])?)?;
    let shape: Vec<usize> = result.iter().map(size_of).collect();
    Ok((ops::reshape_to(&p, &shape)?, result))
}

/// Sums of products of the operands by Einstein's notation: `"ij,jk->ik"` is a matrix product. Ellipses and an implied
/// result are understood; sizes of one broadcast.
///
/// # Errors
/// `Value` for subscripts that do not fit.
pub fn einsum(subscripts: &str, operands: &[Array]) -> Result<Array> {
    if operands.is_empty() {
        return Err(bad("at least one operand is needed."));
    }
    let dims: Vec<usize> = operands.iter().map(Array::ndim).collect();
    let s = parse(subscripts, &dims)?;
    let shapes: Vec<&[usize]> = operands.iter().map(Array::shape).collect();
    let sizes = sizes(&s, &shapes)?;
    let output: BTreeSet<char> = s.output.iter().copied().collect();
    let mut left: Vec<(Array, Vec<char>)> = operands.iter().cloned().zip(s.inputs.iter().cloned()).collect();
    for step in plan(&s, &sizes).0 {
        let mut taken: Vec<(Array, Vec<char>)> = Vec::new();
        for &i in step.iter().rev() {
            taken.insert(0, left.remove(i));
        }
        let mut keep = output.clone();
        left.iter().for_each(|(_, l)| keep.extend(l));
        let mut items = taken.into_iter();
        let Some(first) = items.next() else { continue };
        let made = match items.next() {
            Some(second) => product(first, second, &keep)?,
            None => reduced(&first.0, &first.1, &keep)?,
        };
        left.push(made);
    }
    let (a, labels) = left.remove(0);
    arranged(&a, &labels, &s.output)
}
