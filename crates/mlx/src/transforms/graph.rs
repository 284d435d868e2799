//! A function recorded once, to be recorded again over other inputs without running it: what `compile` keeps.

use super::walk;
use crate::array::{Array, Inputs, KeepGraph, VaryingSizes};
use crate::runtime::{self, Stream};
use mlx_ir::{Aval, Error, Op, Result};
use std::collections::HashMap;

/// Where a step finds an input.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum From {
    /// An input of the function.
    Input(usize),
    /// An output of an earlier step.
    Step(usize, u32),
    /// An array that does not depend on the inputs.
    Constant(usize),
}

pub(super) struct Step {
    pub(super) op: Op,
    pub(super) stream: Stream,
    pub(super) inputs: Vec<From>,
}

/// A recorded function. Equal steps over equal inputs are one, and steps that no output needs are not there.
pub struct Graph {
    pub(super) inputs: Vec<Aval>,
    pub(super) constants: Vec<Array>,
    pub(super) steps: Vec<Step>,
    pub(super) outputs: Vec<From>,
}

impl Graph {
    /// Runs `f` on stand-ins of these shapes and dtypes and keeps what it records.
    ///
    /// # Errors
    /// Whatever `f` reports; `Value` if it asks for the value of a stand-in.
    pub fn record(inputs: &[Aval], f: impl FnOnce(&[Array]) -> Result<Vec<Array>>) -> Result<Graph> {
        let _keep = KeepGraph::new();
        let holes: Vec<Array> = inputs.iter().map(|a| Array::hole(a.clone())).collect();
        let outputs = f(&holes)?;
        let mut found: HashMap<(usize, u32), From> =
            holes.iter().enumerate().map(|(i, h)| (h.id(), From::Input(i))).collect();
        let mut graph =
            Graph { inputs: inputs.to_vec(), constants: Vec::new(), steps: Vec::new(), outputs: Vec::new() };
        let mut same: HashMap<(Op, Stream, Vec<From>), usize> = HashMap::new();
        for call in walk::dependents(&outputs, &holes) {
            let first = Array { call: call.clone(), out: 0 };
            let mut from = Vec::new();
            for i in first.inputs() {
                from.push(graph.find(&mut found, &i)?);
            }
            let key = (call.op.clone(), call.stream, from.clone());
            let step = *same.entry(key).or_insert_with(|| {
                graph.steps.push(Step { op: call.op.clone(), stream: call.stream, inputs: from });
                graph.steps.len() - 1
            });
            for out in 0..call.outs.len() as u32 {
                found.insert((first.id().0, out), From::Step(step, out));
            }
        }
        for o in &outputs {
            let from = graph.find(&mut found, o)?;
            graph.outputs.push(from);
        }
        Ok(graph)
    }

    /// As [`Graph::record`], for inputs of other sizes too (see [`Graph::replay_shapeless`]): means and variances count
    /// their elements anew.
    ///
    /// # Errors
    /// As for [`Graph::record`].
    pub fn record_shapeless(inputs: &[Aval], f: impl FnOnce(&[Array]) -> Result<Vec<Array>>) -> Result<Graph> {
        let _varying = VaryingSizes::new();
        Graph::record(inputs, f)
    }

    fn find(&mut self, found: &mut HashMap<(usize, u32), From>, a: &Array) -> Result<From> {
        if let Some(f) = found.get(&a.id()) {
            return Ok(f.clone());
        }
        if a.call.traced {
            return Err(Error::value(
                "[compile] A function uses an array of another trace, which is not among its inputs.",
            ));
        }
        let f = From::Constant(self.constants.len());
        self.constants.push(a.clone());
        found.insert(a.id(), f.clone());
        Ok(f)
    }

    /// Records the function over inputs of the shapes and dtypes that it was recorded with.
    ///
    /// # Errors
    /// `Value` if the inputs are others; whatever recording an op can report.
    pub fn replay(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        if inputs.len() != self.inputs.len() || inputs.iter().zip(&self.inputs).any(|(a, e)| a.aval() != e) {
            return Err(Error::value("[compile] A recorded function is given inputs of other shapes or dtypes."));
        }
        let mut made: Vec<smallvec::SmallVec<[Array; 1]>> = Vec::with_capacity(self.steps.len());
        for s in &self.steps {
            let over: Inputs = s.inputs.iter().map(|f| self.at(f, inputs, &made)).collect();
            made.push(runtime::on(s.stream, || Array::record(s.op.clone(), over))?);
        }
        Ok(self.outputs.iter().map(|f| self.at(f, inputs, &made)).collect())
    }

    pub(super) fn at(&self, f: &From, inputs: &[Array], made: &[smallvec::SmallVec<[Array; 1]>]) -> Array {
        match *f {
            From::Input(i) => inputs[i].clone(),
            From::Step(s, o) => made[s][o as usize].clone(),
            From::Constant(c) => self.constants[c].clone(),
        }
    }
}
