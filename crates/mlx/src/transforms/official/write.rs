//! Writing: the graph is lowered to steps that are primitives, which are then named one by one.

use super::VERSION;
use super::lower::lowered;
use super::primitives;
use super::state::{self, Value, narrow};
use crate::functions::RecordedCall;
use crate::transforms::graph::From;
use mlx_ir::stored::{put_text, put_u64};
use mlx_ir::{Aval, Result};

/// The bytes of a file with these calls, whose sizes are those recorded.
///
/// # Errors
/// `Unsupported` for steps that no primitives compute; what evaluation of constants reports.
pub(crate) fn write(calls: &[RecordedCall], metadata: &str) -> Result<Vec<u8>> {
    let mut w = Writer { out: Vec::new(), next: 1 };
    put_text(VERSION, &mut w.out);
    w.int(narrow(calls.len())?);
    w.flag(false);
    put_text(metadata, &mut w.out);
    calls.iter().try_for_each(|c| w.function(c))?;
    Ok(w.out)
}

struct Writer {
    out: Vec<u8>,
    /// Ids are given once in a file.
    next: usize,
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

    fn function(&mut self, call: &RecordedCall) -> Result<()> {
        let lower = lowered(&call.graph)?;
        let graph = lower.as_ref().unwrap_or(&call.graph);
        let avals = graph.avals()?;
        let inputs = self.fresh(graph.inputs.len());
        let constants = self.fresh(graph.constants.len());
        let steps: Vec<Vec<usize>> = avals.iter().map(|outs| self.fresh(outs.len())).collect();
        let id = |f: &From| match *f {
            From::Input(i) => inputs[i],
            From::Constant(c) => constants[c],
            From::Step(s, o) => steps[s][o as usize],
        };
        let aval = |f: &From| match *f {
            From::Input(i) => graph.inputs[i].clone(),
            From::Constant(c) => graph.constants[c].aval().clone(),
            From::Step(s, o) => avals[s][o as usize].clone(),
        };
        let mut named = Vec::new();
        for (step, outs) in graph.steps.iter().zip(&avals) {
            let given: Vec<Aval> = step.inputs.iter().map(aval).collect();
            named.push(primitives::named(&step.op, &given, outs)?);
        }
        let converted = named.iter().filter(|n| n.gives.is_some()).count();
        put_u64(call.names.len(), &mut self.out);
        call.names.iter().for_each(|n| put_text(n, &mut self.out));
        self.ids(&inputs);
        put_u64(inputs.len(), &mut self.out);
        graph.inputs.iter().try_for_each(|a| state::put_aval(a, &mut self.out))?;
        self.ids(&graph.outputs.iter().map(id).collect::<Vec<_>>());
        put_u64(inputs.len() + constants.len() + steps.len() + converted, &mut self.out);
        for &i in &inputs {
            put_u64(i, &mut self.out);
            self.flag(false);
            self.flag(false);
        }
        for (c, &i) in graph.constants.iter().zip(&constants) {
            put_u64(i, &mut self.out);
            self.flag(false);
            self.flag(true);
            state::put_aval(c.aval(), &mut self.out)?;
            self.out.extend_from_slice(&c.to_bytes()?);
        }
        for (((step, named), outs), ids) in graph.steps.iter().zip(&named).zip(&avals).zip(&steps) {
            let over = named.order(&step.inputs.iter().map(id).collect::<Vec<_>>());
            let Some(dtype) = named.gives else {
                self.step(named.name, &named.state, &over, ids, outs)?;
                continue;
            };
            let first = self.fresh(1);
            self.step(named.name, &named.state, &over, &first, &[Aval::new(outs[0].shape.clone(), dtype)])?;
            self.step("AsType", &[Value::Dtype(outs[0].dtype)], &first, ids, outs)?;
        }
        Ok(())
    }

    fn step(&mut self, name: &str, state: &[Value], inputs: &[usize], ids: &[usize], outs: &[Aval]) -> Result<()> {
        put_u64(ids[0], &mut self.out);
        self.flag(true);
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
