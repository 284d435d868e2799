//! A graph whose steps are all primitives of the official package: others are replaced by what they are made of.

use super::primitives;
use crate::array::{Array, Inputs};
use crate::ops;
use crate::rules::{self, Row};
use crate::runtime;
use crate::transforms::Graph;
use mlx_ir::op::{Affine, GatherMM, GatherQMM};
use mlx_ir::{Aval, DType, Error, Func, Op, Result, desc};

/// How often parts may be made of parts.
const DEPTH: usize = 16;

/// The graph with other steps replaced; none if there are none. Where sizes may vary, only by what follows them.
///
/// # Errors
/// `Unsupported` for what is made of nothing else; what recording reports.
pub(super) fn lowered(graph: &Graph, shapeless: bool) -> Result<Option<Graph>> {
    let mut lower: Option<Graph> = None;
    for _ in 0..DEPTH {
        let graph = lower.as_ref().unwrap_or(graph);
        let mut replaced = false;
        let next = Graph::record(&graph.inputs, |holes| {
            let mut made: Vec<smallvec::SmallVec<[Array; 1]>> = Vec::with_capacity(graph.steps.len());
            for s in &graph.steps {
                let over: Inputs = s.inputs.iter().map(|f| graph.at(f, holes, &made)).collect();
                made.push(runtime::on(s.stream, || match parts(&s.op, &over, shapeless)? {
                    Some(parts) => {
                        replaced = true;
                        Ok(parts.into())
                    }
                    None => Array::record(s.op.clone(), over),
                })?);
            }
            Ok(graph.outputs.iter().map(|f| graph.at(f, holes, &made)).collect())
        })?;
        if !replaced {
            return Ok(lower);
        }
        lower = Some(next.with_sources());
    }
    Err(Error::unsupported("[export_function] Steps are made of others without an end."))
}

/// What a step is made of; none if it is a primitive.
fn parts(op: &Op, x: &[Array], shapeless: bool) -> Result<Option<Vec<Array>>> {
    let avals: Vec<Aval> = x.iter().map(|a| a.aval().clone()).collect();
    let outs = rules::infer(op, &avals.iter().collect::<Vec<_>>())?;
    let named = primitives::named(op, &avals, &outs);
    let one = |a: Result<Array>| Ok(Some(vec![a?]));
    let none = match (op, named) {
        // Its summand is broadcast to a shape, which elementwise work is not.
        (Op::AddMM(m), _) if shapeless => {
            let scaled = |a: &Array, by: f64| if by == 1.0 { Ok(a.clone()) } else { ops::multiply(a, by) };
            let product = scaled(&ops::matmul(&x[1], &x[2])?, m.alpha.get())?;
            return one(ops::add(&scaled(&x[0], m.beta.get())?, &product));
        }
        (_, Ok(_)) => return Ok(None),
        (_, Err(e)) => e,
    };
    match op {
        Op::Map(m) => match m.tape.as_single() {
            Some(f) => one(function(f, x)?.ok_or(none)),
            None => one(ops::separate(&m.tape, x)),
        },
        Op::Contiguous(_) => Ok(Some(x.to_vec())),
        _ if shapeless => Err(none),
        Op::AsStrided(_) => {
            let flat = ops::reshape_to(&x[0], &[x[0].size()])?;
            Ok(Some(Array::record(op.clone(), Inputs::from_iter([flat]))?.into_vec()))
        }
        // Over no axes nothing is accumulated.
        Op::Reduce(_) => one(ops::astype(&x[0], outs[0].dtype)),
        Op::Dequantize(d) => one(dequantize(d.affine, &x[0], &x[1], &x[2])),
        Op::GatherMM(g) if x[0].dtype() == DType::F32 => {
            let (left, right) = (g.left, g.right);
            let op = GatherMM { left: true, right: true, sorted: g.sorted && right };
            Ok(Some(rules::again(op, &all_chosen(x, 1, left, right)?)?))
        }
        Op::GatherQMM(g) => {
            let (left, right) = (g.left, g.right);
            let op = GatherQMM { left: true, right: true, sorted: g.sorted && right, ..g.clone() };
            Ok(Some(rules::again(op, &all_chosen(x, 3, left, right)?)?))
        }
        _ => match rules::row(op) {
            Row::Fused(f) => Ok(Some(f.expand(x)?)),
            Row::View(_) | Row::Core(_) | Row::Source => Err(none),
        },
    }
}

/// Functions that the official package's public functions put together, and those that leave a dtype alone.
fn function(f: Func, x: &[Array]) -> Result<Option<Array>> {
    let a = &x[0];
    let zero = |d| ops::zeros(&[], d);
    Ok(Some(match f {
        Func::LogicalNot => ops::logical_not(&ops::astype(a, DType::Bool)?)?,
        Func::LogicalAnd => ops::logical_and(&ops::astype(a, DType::Bool)?, &ops::astype(&x[1], DType::Bool)?)?,
        Func::LogicalOr => ops::logical_or(&ops::astype(a, DType::Bool)?, &ops::astype(&x[1], DType::Bool)?)?,
        Func::Real | Func::Conjugate => a.clone(),
        Func::Imag => ops::broadcast_to(&zero(a.dtype())?, a.shape())?,
        Func::Floor | Func::Ceil | Func::Round => a.clone(),
        Func::Trunc if !a.dtype().is_inexact() => a.clone(),
        Func::Trunc => ops::where_(&ops::less(a, &zero(a.dtype())?)?, &ops::ceil(a)?, &ops::floor(a)?)?,
        Func::BitwiseInvert if a.dtype() == DType::Bool => ops::logical_not(a)?,
        Func::BitwiseInvert => {
            let ones = Array::from_bytes(&[0xff; 8][..a.dtype().size()], &[], a.dtype())?;
            ops::bitwise_xor(a, &ones)?
        }
        _ => return Ok(None),
    }))
}

/// The inputs of a product by indices with both factors chosen: one that is there for each place is chosen in order.
fn all_chosen(x: &[Array], parts: usize, left: bool, right: bool) -> Result<Vec<Array>> {
    let mut indices = x[1 + parts..].iter();
    let (l, r) = (left.then(|| indices.next()).flatten(), right.then(|| indices.next()).flatten());
    let Some(given) = l.or(r) else { return Err(Error::runtime("[export_function] a product by no indices")) };
    let n = given.size();
    let order =
        ops::reshape_to(&ops::astype(&ops::arange(0.0, n as f64, 1.0, DType::U32)?, given.dtype())?, given.shape())?;
    let stack = |a: &Array| {
        let last = &a.shape()[a.ndim() - 2..];
        ops::reshape_to(a, &[&[desc::size_of_shape(&a.shape()[..a.ndim() - 2])], last].concat())
    };
    let mut all: Vec<Array> = x[..=parts].iter().map(stack).collect::<Result<_>>()?;
    all.push(l.unwrap_or(&order).clone());
    all.push(r.unwrap_or(&order).clone());
    Ok(all)
}

/// Codes are taken out of the words by shifts; those that lie in two are put together.
fn dequantize(a: Affine, codes: &Array, scales: &Array, biases: &Array) -> Result<Array> {
    let (bits, group) = (u32::from(a.bits), usize::from(a.group_size));
    let words = codes.dim(-1);
    let k = words * 32 / bits as usize;
    let at =
        |f: &dyn Fn(u32) -> u32| Array::from_slice(&(0..k as u32).map(|i| f(i * bits)).collect::<Vec<u32>>(), &[k]);
    let low = ops::right_shift(&ops::take(codes, &at(&|p| p / 32)?, Some(-1))?, &at(&|p| p % 32)?)?;
    let all = if 32 % bits == 0 {
        low
    } else {
        let word = at(&|p| (p / 32 + 1).min(words as u32 - 1))?;
        let up = at(&|p| if p % 32 + bits > 32 { 32 - p % 32 } else { 31 })?;
        let high = ops::left_shift(&ops::take(codes, &word, Some(-1))?, &up)?;
        ops::where_(&at(&|p| u32::from(p % 32 + bits > 32))?, &ops::bitwise_or(&low, &high)?, &low)?
    };
    let mask = Array::scalar((1u32 << bits) - 1)?;
    let x = ops::astype(&ops::bitwise_and(&all, &mask)?, scales.dtype())?;
    let shape = [&x.shape()[..x.ndim() - 1], &[k / group, group]].concat();
    let grouped = ops::multiply(&ops::reshape_to(&x, &shape)?, &ops::expand_dims(scales, &[-1])?)?;
    ops::reshape_to(&ops::add(&grouped, &ops::expand_dims(biases, &[-1])?)?, x.shape())
}
