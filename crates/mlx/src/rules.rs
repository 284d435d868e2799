//! What every row of the op table says about itself, and the router from an op to its rule.

use crate::array::{Array, Inputs, Outs};
use crate::reference::Tensor;
use crate::transforms;
use mlx_ir::{Aval, Error, Op, Result, Strides};

/// What a derivative rule works with.
pub struct Vjp<'a> {
    /// Inputs of the op.
    pub primals: &'a [Array],
    /// Outputs of the op.
    pub outputs: &'a [Array],
    /// One cotangent for each output, of its shape and dtype.
    pub cotangents: &'a [Array],
    /// For which inputs a gradient is wanted.
    pub wanted: &'a [bool],
}

/// One gradient for each input; none where not wanted or none flows.
pub type Grads = Vec<Option<Array>>;

/// Inputs of a batched call: each array with the axis that is mapped, if any.
pub struct Batched<'a> {
    /// Inputs, with the mapped axis in place.
    pub inputs: &'a [Array],
    /// Mapped axis of each.
    pub axes: &'a [Option<usize>],
    /// Size of the mapped axis.
    pub size: usize,
}

/// Outputs of a batched call with their mapped axes.
pub type BatchedOut = (Vec<Array>, Vec<Option<usize>>);

/// Rules common to *view* and *core* rows. There are no default bodies: forgetting one does not compile.
pub trait Rule {
    /// Shapes and dtypes of the outputs; the one place where arguments are checked.
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs>;
    /// Reverse-mode derivative.
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads>;
    /// Forward-mode derivative: tangents of the outputs (none = zero) from tangents of the inputs.
    fn jvp(&self, primals: &[Array], outputs: &[Array], tangents: &[Option<Array>]) -> Result<Grads>;
    /// The op on inputs that carry an extra axis.
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut>;
}

/// A row that only describes the same elements anew.
pub trait View: Rule {
    /// Strides and byte offset of the view, or none when the elements must be copied into row-major order first.
    fn layout(&self, input: &Aval, strides: &[isize], offset: usize) -> Option<(Strides, usize)>;
}

/// A row with a meaning of its own.
pub trait Core: Rule {
    /// The exact meaning, in wide arithmetic, rounded to the output dtypes: the oracle.
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>>;
}

/// A row that is a promise backed by an expansion.
pub trait Fused {
    /// Shapes and dtypes of the outputs.
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs>;
    /// The meaning, in other ops.
    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>>;
    /// A derivative better than the expansion's; an explicit none is fine.
    fn custom_vjp(&self, v: &Vjp<'_>) -> Option<Result<Grads>>;
    /// Batching better than the expansion's; an explicit none is fine.
    fn custom_vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>>;
}

/// An op's rule by family.
pub enum Row<'a> {
    /// A view row.
    View(&'a dyn View),
    /// A core row.
    Core(&'a dyn Core),
    /// A fused row.
    Fused(&'a dyn Fused),
    /// Given data or a stand-in: nothing to compute.
    Source,
}

macro_rules! router {
    (view { $($v:ident),* $(,)? } core { $($c:ident),* $(,)? } fused { $($f:ident),* $(,)? }) => {
        /// The rule of an op.
        pub fn row(op: &Op) -> Row<'_> {
            match op {
                Op::Leaf | Op::Hole => Row::Source,
                $(Op::$v(x) => Row::View(x),)*
                $(Op::$c(x) => Row::Core(x),)*
                $(Op::$f(x) => Row::Fused(x),)*
            }
        }
        /// Names of the rows of each family: view, core, fused.
        pub const FAMILIES: [&[&str]; 3] = [&[$(stringify!($v)),*], &[$(stringify!($c)),*], &[$(stringify!($f)),*]];
    };
}
mlx_ir::op_table!(router);

pub(crate) fn infer(op: &Op, inputs: &[&Aval]) -> Result<Outs> {
    match row(op) {
        Row::View(r) => r.infer(inputs),
        Row::Core(r) => r.infer(inputs),
        Row::Fused(r) => r.infer(inputs),
        Row::Source => Err(Error::runtime("[record] sources are not recorded")),
    }
}

pub(crate) fn vjp(op: &Op, v: &Vjp<'_>) -> Result<Grads> {
    match row(op) {
        Row::View(r) => r.vjp(v),
        Row::Core(r) => r.vjp(v),
        Row::Fused(r) => match r.custom_vjp(v) {
            Some(g) => g,
            None => {
                let wanted: Vec<usize> = (0..v.primals.len()).filter(|&i| v.wanted[i]).collect();
                let f = |xs: &[Array]| {
                    let mut all: Vec<Array> = v.primals.to_vec();
                    for (&i, x) in wanted.iter().zip(xs) {
                        all[i] = x.clone();
                    }
                    r.expand(&all)
                };
                let at: Vec<Array> = wanted.iter().map(|&i| v.primals[i].clone()).collect();
                let (_, g) = transforms::vjp(f, &at, v.cotangents)?;
                let mut out: Grads = vec![None; v.primals.len()];
                for (i, g) in wanted.into_iter().zip(g) {
                    out[i] = Some(g);
                }
                Ok(out)
            }
        },
        Row::Source => Ok(vec![]),
    }
}

pub(crate) fn jvp(op: &Op, primals: &[Array], outputs: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
    match row(op) {
        Row::View(r) => r.jvp(primals, outputs, tangents),
        Row::Core(r) => r.jvp(primals, outputs, tangents),
        Row::Fused(_) if let Some(g) = crate::ops::custom_jvp(op, primals, outputs, tangents) => g,
        Row::Fused(r) => {
            let moving: Vec<usize> = (0..primals.len()).filter(|&i| tangents[i].is_some()).collect();
            let f = |xs: &[Array]| {
                let mut all: Vec<Array> = primals.to_vec();
                for (&i, x) in moving.iter().zip(xs) {
                    all[i] = x.clone();
                }
                r.expand(&all)
            };
            let at: Vec<Array> = moving.iter().map(|&i| primals[i].clone()).collect();
            let t: Vec<Array> = tangents.iter().flatten().cloned().collect();
            let (_, t) = transforms::jvp(f, &at, &t)?;
            Ok(t.into_iter().map(Some).collect())
        }
        Row::Source => Ok(vec![]),
    }
}

pub(crate) fn vmap(op: &Op, b: &Batched<'_>) -> Result<BatchedOut> {
    match row(op) {
        Row::View(r) => r.vmap(b),
        Row::Core(r) => r.vmap(b),
        Row::Fused(r) => match r.custom_vmap(b) {
            Some(x) => x,
            None => {
                let expanded = transforms::vmap_with(|xs| r.expand(xs), b)?;
                let n = expanded.len();
                Ok((expanded, vec![Some(0); n]))
            }
        },
        Row::Source => Err(Error::runtime("[vmap] sources are not batched")),
    }
}

/// Records `op` over `inputs`, for rules that apply themselves again.
pub(crate) fn again(op: impl Into<Op>, inputs: &[Array]) -> Result<Vec<Array>> {
    Ok(Array::record(op, Inputs::from(inputs))?.into_vec())
}
