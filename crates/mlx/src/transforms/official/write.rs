//! Writing: the graph is lowered to steps that are primitives, which are then named one by one.

use super::VERSION;
use super::lower::lowered;
use super::primitives;
use super::state::{self, Value, narrow};
use super::varying;
use crate::functions::RecordedCall;
use crate::transforms::graph::{From, Graph, Step};
use mlx_ir::op::Broadcast;
use mlx_ir::stored::{put_text, put_u64};
use mlx_ir::{Aval, Op, Result};

/// The bytes of a file with these calls.
///
/// # Errors
/// `Unsupported` for steps that no primitives compute, or not for other sizes where these may vary; what evaluation of
/// constants reports.
pub(crate) fn write(calls: &[RecordedCall], shapeless: bool, metadata: &str) -> Result<Vec<u8>> {
    let mut w = Writer { out: Vec::new(), next: 1, entries: 0 };
    put_text(VERSION, &mut w.out);
    w.int(narrow(calls.len())?);
    w.flag(shapeless);
    put_text(metadata, &mut w.out);
    calls.iter().try_for_each(|c| w.function(c, shapeless))?;
    Ok(w.out)
}

struct Writer {
    out: Vec<u8>,
    /// Ids are given once in a file.
    next: usize,
    /// Of the present function.
    entries: usize,
}

/// The values of a graph: their ids, shapes and dtypes.
struct Values<'a> {
    graph: &'a Graph,
    avals: Vec<Vec<Aval>>,
    inputs: Vec<usize>,
    constants: Vec<usize>,
    steps: Vec<Vec<usize>>,
}

impl Values<'_> {
    fn id(&self, f: &From) -> usize {
        match *f {
            From::Input(i) => self.inputs[i],
            From::Constant(c) => self.constants[c],
            From::Step(s, o) => self.steps[s][o as usize],
        }
    }
    fn aval(&self, f: &From) -> Aval {
        match *f {
            From::Input(i) => self.graph.inputs[i].clone(),
            From::Constant(c) => self.graph.constants[c].aval().clone(),
            From::Step(s, o) => self.avals[s][o as usize].clone(),
        }
    }
}

impl Writer {
    fn int(&mut self, i: i32) {
        self.out.extend_from_slice(&i.to_le_bytes());
    }
    fn flag(&mut self, f: bool) {
        self.out.push(u8::from(f));
    }
    fn ids(&mut self, ids: &[usize]) {
        put_u64(ids.len(), &mut self.out);
        ids.iter().for_each(|&i| put_u64(i, &mut self.out));
    }
    fn fresh(&mut self, n: usize) -> Vec<usize> {
        self.next += n;
        (self.next - n..self.next).collect()
    }
    fn entry(&mut self, id: usize, step: bool) {
        self.entries += 1;
        put_u64(id, &mut self.out);
        self.flag(step);
    }

    fn function(&mut self, call: &RecordedCall, shapeless: bool) -> Result<()> {
        let lower = lowered(&call.graph, shapeless)?;
        let graph = lower.as_ref().unwrap_or(&call.graph);
        if shapeless {
            varying::check(graph)?;
        }
        let avals = graph.avals()?;
        let values = Values {
            graph,
            inputs: self.fresh(graph.inputs.len()),
            constants: self.fresh(graph.constants.len()),
            steps: avals.iter().map(|outs| self.fresh(outs.len())).collect(),
            avals,
        };
        put_u64(call.names.len(), &mut self.out);
        call.names.iter().for_each(|n| put_text(n, &mut self.out));
        self.ids(&values.inputs);
        put_u64(graph.inputs.len(), &mut self.out);
        graph.inputs.iter().try_for_each(|a| state::put_aval(a, &mut self.out))?;
        self.ids(&graph.outputs.iter().map(|f| values.id(f)).collect::<Vec<_>>());
        // The number of entries is known at the end.
        let count = self.out.len();
        put_u64(0, &mut self.out);
        self.entries = 0;
        for &i in &values.inputs {
            self.entry(i, false);
            self.flag(false);
        }
        for (c, &i) in graph.constants.iter().zip(&values.constants) {
            self.entry(i, false);
            self.flag(true);
            state::put_aval(c.aval(), &mut self.out)?;
            self.out.extend_from_slice(&c.to_bytes()?);
        }
        for (i, step) in graph.steps.iter().enumerate() {
            let (ids, outs) = (&values.steps[i], &values.avals[i]);
            if shapeless {
                self.varying(step, ids, outs, &values)?;
            } else {
                let over: Vec<usize> = step.inputs.iter().map(|f| values.id(f)).collect();
                self.op(step, &over, ids, outs, &values)?;
            }
        }
        let entries = (self.entries as u64).to_le_bytes();
        self.out[count..count + entries.len()].copy_from_slice(&entries);
        Ok(())
    }

    /// A step over these inputs, of the shapes and dtypes of its own.
    fn op(&mut self, step: &Step, over: &[usize], ids: &[usize], outs: &[Aval], values: &Values<'_>) -> Result<()> {
        let given: Vec<Aval> = step.inputs.iter().map(|f| values.aval(f)).collect();
        let named = primitives::named(&step.op, &given, outs)?;
        let over = named.order(over);
        let Some(dtype) = named.gives else {
            named.check(&given, outs)?;
            return self.step(named.name, &named.state, &over, ids, outs);
        };
        let first = [Aval::new(outs[0].shape.clone(), dtype)];
        named.check(&given, &first)?;
        let between = self.fresh(1);
        self.step(named.name, &named.state, &over, &between, &first)?;
        self.step("AsType", &[Value::Dtype(outs[0].dtype)], &between, ids, outs)
    }

    /// A step whose sizes may vary: elementwise work is broadcast to the shape of all its inputs, not to one that was
    /// recorded.
    fn varying(&mut self, step: &Step, ids: &[usize], outs: &[Aval], values: &Values<'_>) -> Result<()> {
        let over: Vec<usize> = step.inputs.iter().map(|f| values.id(f)).collect();
        match &step.op {
            Op::Broadcast(_) => Ok(()),
            Op::Reshape(_) => {
                let was = &values.aval(&step.inputs[0]);
                let parts = varying::reshaped(&was.shape, &outs[0].shape)?;
                let mut from = over;
                for (i, (name, state, shape)) in parts.iter().enumerate() {
                    let to = if i + 1 < parts.len() { self.fresh(1) } else { ids.to_vec() };
                    self.step(name, state, &from, &to, &[Aval::new(shape.clone(), was.dtype)])?;
                    from = to;
                }
                Ok(())
            }
            Op::Map(_) => {
                let sources: Vec<From> = step.inputs.iter().map(|f| varying::source(values.graph, f)).collect();
                let mut all: Vec<usize> = sources.iter().map(|f| values.id(f)).collect();
                if all.iter().any(|&i| i != all[0]) {
                    let shape = outs[0].shape.clone();
                    let broadcast: Op = Broadcast { shape: shape.clone() }.into();
                    let first = all.clone();
                    for (i, f) in sources.iter().enumerate() {
                        // Itself, and the others.
                        let mut meeting = first.clone();
                        meeting[..=i].rotate_right(1);
                        let a = values.aval(f);
                        let to = self.fresh(1);
                        let out = [Aval::new(shape.clone(), a.dtype)];
                        let named = primitives::named(&broadcast, &[a], &out)?;
                        self.step(named.name, &named.state, &meeting, &to, &out)?;
                        all[i] = to[0];
                    }
                }
                self.op(step, &all, ids, outs, values)
            }
            _ => self.op(step, &over, ids, outs, values),
        }
    }

    fn step(&mut self, name: &str, state: &[Value], inputs: &[usize], ids: &[usize], outs: &[Aval]) -> Result<()> {
        self.entry(ids[0], true);
        self.ids(inputs);
        // The default stream of the processor, on which all primitives run.
        [0, 0, 0].into_iter().for_each(|i| self.int(i));
        put_text(name, &mut self.out);
        state.iter().for_each(|v| v.write(&mut self.out));
        put_u64(ids.len() - 1, &mut self.out);
        if let [only] = outs {
            return state::put_aval(only, &mut self.out);
        }
        self.ids(ids);
        put_u64(outs.len(), &mut self.out);
        outs.iter().try_for_each(|a| state::put_shape(&a.shape, &mut self.out))?;
        put_u64(outs.len(), &mut self.out);
        outs.iter().for_each(|a| state::put_dtype(a.dtype, &mut self.out));
        Ok(())
    }
}
