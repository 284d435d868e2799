//! Runs claimed calls: views by arithmetic, kernels by the back end, fused ops without a kernel by their expansion,
//! core ops without one by the exact evaluator.

use super::lower;
use super::order::Claim;
use crate::array::{Array, Call, DONE, Data, Inputs, PENDING};
use crate::rules::{self, Row};
use crate::runtime::{Device, Stream};
use crate::{reference, runtime};
use mlx_ir::{Aval, Backend, DType, Desc, Error, Launch, Op, Operand, Result, desc};
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::Ordering;

type Datas = SmallVec<[Data; 1]>;

/// Why a call was not computed.
pub(super) enum Failure {
    /// The computation met this.
    Error(Error),
    /// Another evaluation, which had taken on something needed here, gave it up: claim again.
    GivenUp,
}

impl From<Error> for Failure {
    fn from(e: Error) -> Self {
        Self::Error(e)
    }
}

/// Claimed calls still to be run. Those left when it goes, by a failure or a panic, are pending again.
struct Rest {
    number: u64,
    steps: std::iter::Peekable<std::vec::IntoIter<lower::Step>>,
}

impl Drop for Rest {
    fn drop(&mut self) {
        for s in &mut self.steps {
            if let Some(l) = &s.lowered {
                l.undo(&s.call, self.number);
            }
            super::give_up(&s.call, self.number);
        }
        super::announce();
    }
}

/// Sets all calls of a claim back to pending.
pub(super) fn refuse(claim: Claim) {
    drop(Rest { number: claim.number, steps: lower::steps(claim, true).into_iter().peekable() });
}

/// Runs the calls in order. On failure everything not computed is pending again.
pub(super) fn batch(claim: Claim, keep: bool) -> Result<(), Failure> {
    let number = claim.number;
    let mut rest = Rest { number, steps: lower::steps(claim, keep).into_iter().peekable() };
    while let Some(step) = rest.steps.peek_mut() {
        match &mut step.lowered {
            Some(l) => several(&step.call, l, number)?,
            None => single(&step.call, number, keep)?,
        }
        rest.steps.next();
    }
    Ok(())
}

/// Waits for an input that another stream or an earlier evaluation computes.
fn ready(call: &Call, number: u64) -> Result<(), Failure> {
    loop {
        match call.state.load(Ordering::Acquire) {
            DONE => return Ok(()),
            PENDING => return Err(Failure::GivenUp),
            // Waiting for a later evaluation could go round in a circle: it may be queued behind this one.
            later if later > number => return Err(Failure::GivenUp),
            claimed => super::wait_while(call, claimed),
        }
    }
}

/// Runs a lowered op, whose result is that of `call`.
fn several(call: &Call, lowered: &mut lower::Lowered, number: u64) -> Result<(), Failure> {
    lowered.inputs.iter().try_for_each(|i| ready(&i.call, number))?;
    let job = Job { op: &lowered.op, outs: &call.outs, stream: call.stream };
    let datas = execute(&job, &mut lowered.inputs)?;
    runtime::counters().lowered.fetch_add(1, Ordering::Relaxed);
    let _ = call.data.set(datas);
    super::finish(call);
    Ok(())
}

/// What is computed and where.
struct Job<'a> {
    op: &'a Op,
    outs: &'a [Aval],
    stream: Stream,
}

fn single(call: &Call, number: u64, keep: bool) -> Result<(), Failure> {
    if call.op == Op::Hole {
        return Err(Error::value("[eval] a traced array has no value").into());
    }
    let mut inputs: Inputs = {
        let mut held = call.inputs.lock().unwrap_or_else(|e| e.into_inner());
        if keep { held.clone() } else { std::mem::take(&mut *held) }
    };
    let done = inputs.iter().try_for_each(|i| ready(&i.call, number));
    let job = Job { op: &call.op, outs: &call.outs, stream: call.stream };
    match done.and_then(|()| Ok(execute(&job, &mut inputs)?)) {
        Ok(datas) => {
            let _ = call.data.set(datas);
            super::finish(call);
            Ok(())
        }
        Err(e) => {
            if !keep {
                *call.inputs.lock().unwrap_or_else(|e| e.into_inner()) = inputs;
            }
            Err(e)
        }
    }
}

fn data_of(a: &Array) -> Result<Data> {
    match a.call.data.get() {
        Some(d) => {
            let d = &d[a.out as usize];
            Ok(Data { buffer: d.buffer.clone(), strides: SmallVec::from_slice(&d.strides), offset: d.offset })
        }
        None => Err(Error::runtime("[eval] an input has no data")),
    }
}

/// A copy of a description. The lists' own way to be copied takes them for lists of anything, and several times as long.
fn copy(shape: &[usize], strides: &[isize], dtype: DType) -> Desc {
    Desc { shape: SmallVec::from_slice(shape), strides: SmallVec::from_slice(strides), dtype }
}

fn operand(aval: &Aval, data: &Data) -> Operand {
    Operand { desc: copy(&aval.shape, &data.strides, aval.dtype), buffer: data.buffer.clone(), offset: data.offset }
}

fn execute(job: &Job<'_>, inputs: &mut Inputs) -> Result<Datas> {
    let device = job.stream.device;
    let own = runtime::backend(device)?;
    match rules::row(job.op) {
        Row::View(view) => {
            let aval = inputs[0].aval().clone();
            let d = data_of(&inputs[0])?;
            if let Some((strides, offset)) = view.layout(&aval, &d.strides, d.offset) {
                return Ok(smallvec::smallvec![Data { buffer: d.buffer, strides, offset }]);
            }
            let d = contiguous(own, &aval, &d)?;
            match view.layout(&aval, &d.strides, d.offset) {
                Some((strides, offset)) => Ok(smallvec::smallvec![Data { buffer: d.buffer, strides, offset }]),
                None => Err(Error::runtime(format!("[{}] no view of a contiguous array", job.op.name()))),
            }
        }
        Row::Core(core) => {
            if let Some(d) = kernel(own, own, job, inputs)? {
                return Ok(d);
            }
            if device != Device::Cpu {
                runtime::counters().fallbacks.fetch_add(1, Ordering::Relaxed);
                let cpu = runtime::backend(Device::Cpu)?;
                if let Some(d) = kernel(cpu, if own.shares_memory() { own } else { cpu }, job, inputs)? {
                    return Ok(d);
                }
            }
            runtime::counters().references.fetch_add(1, Ordering::Relaxed);
            let tensors = inputs.iter().map(reference::Tensor::read).collect::<Result<Vec<_>>>()?;
            let out = core.exact(&tensors.iter().collect::<Vec<_>>(), job.outs)?;
            out.iter().map(|t| t.to_data()).collect()
        }
        Row::Fused(fused) => {
            if let Some(d) = kernel(own, own, job, inputs)? {
                return Ok(d);
            }
            runtime::counters().expansions.fetch_add(1, Ordering::Relaxed);
            let out = runtime::on(job.stream, || fused.expand(inputs))?;
            super::compute(&out)?;
            out.iter().map(data_of).collect()
        }
        Row::Source => Err(Error::runtime("[eval] sources are never pending")),
    }
}

/// The same elements in row-major order in a new buffer; counted as a copy. What the device cannot copy the processor
/// can.
fn contiguous(own: &dyn Backend, aval: &Aval, d: &Data) -> Result<Data> {
    runtime::counters().copies.fetch_add(1, Ordering::Relaxed);
    let op = Op::Contiguous(mlx_ir::op::Contiguous {});
    let src = operand(aval, d);
    let desc = Desc::contiguous(&aval.shape, aval.dtype);
    for backend in [own, runtime::backend(Device::Cpu)?] {
        if !backend.supports(&op, std::slice::from_ref(&src.desc), std::slice::from_ref(&desc)) {
            continue;
        }
        for_processor(backend, std::slice::from_ref(&src))?;
        let out = Operand { desc: desc.clone(), buffer: backend.alloc(aval.nbytes())?, offset: 0 };
        if backend.launch(&op, std::slice::from_ref(&src), std::slice::from_ref(&out))? == Launch::Done {
            return Ok(Data { buffer: out.buffer, strides: out.desc.strides, offset: 0 });
        }
    }
    Err(Error::runtime("[contiguous] no back end has a copy kernel"))
}

/// Makes operands readable for the processor, if it is the one that computes.
fn for_processor(backend: &dyn Backend, operands: &[Operand]) -> Result<()> {
    if backend.is_host() { operands.iter().try_for_each(|o| o.buffer.to_host()) } else { Ok(()) }
}

/// Runs the op's kernel, or returns none (nothing changed) if there is none, not even for contiguous operands. New
/// outputs lie in memory of `home`.
fn kernel(backend: &dyn Backend, home: &dyn Backend, job: &Job<'_>, inputs: &mut Inputs) -> Result<Option<Datas>> {
    let mut ins: SmallVec<[Operand; 4]> = SmallVec::new();
    let mut descs: SmallVec<[Desc; 4]> = SmallVec::new();
    for a in inputs.iter() {
        let o = operand(a.aval(), &data_of(a)?);
        descs.push(copy(&o.desc.shape, &o.desc.strides, o.desc.dtype));
        ins.push(o);
    }
    let outs: SmallVec<[Desc; 1]> = job.outs.iter().map(|a| Desc::contiguous(&a.shape, a.dtype)).collect();
    let mut copied = false;
    if !backend.supports(job.op, &descs, &outs) {
        let dense: SmallVec<[Desc; 4]> = ins.iter().map(|o| Desc::contiguous(&o.desc.shape, o.desc.dtype)).collect();
        if ins.iter().all(|o| o.desc.is_contiguous()) || !backend.supports(job.op, &dense, &outs) {
            return Ok(None);
        }
        for (o, a) in ins.iter_mut().zip(inputs.iter()) {
            if !o.desc.is_contiguous() {
                *o = operand(a.aval(), &contiguous(backend, a.aval(), &data_of(a)?)?);
            }
        }
        copied = true;
    }
    let donated = if copied { None } else { donate(backend, job, inputs, &mut ins, &outs[0]) };
    for_processor(backend, &ins)?;
    let mut operands: SmallVec<[Operand; 1]> = SmallVec::new();
    for (i, desc) in outs.into_iter().enumerate() {
        let (buffer, offset) = match donated {
            Some(d) if i == 0 => (ins[d].buffer.clone(), ins[d].offset),
            _ => {
                let bytes = desc.size() * desc.dtype.size();
                let home = if home.can_hold(bytes) { home } else { runtime::backend(Device::Cpu)? };
                (home.alloc(bytes)?, 0)
            }
        };
        operands.push(Operand { desc, buffer, offset });
    }
    // What used a kept block before must be done with it.
    for_processor(backend, &operands)?;
    match backend.launch(job.op, &ins, &operands)? {
        // The driver refused the kernel.
        Launch::Declined => Ok(None),
        Launch::Done => {
            if backend.is_host() {
                operands.iter().try_for_each(|o| o.buffer.host_wrote())?;
            }
            runtime::counters().launches.fetch_add(1, Ordering::Relaxed);
            Ok(Some(
                operands
                    .into_iter()
                    .map(|o| Data { buffer: o.buffer, strides: o.desc.strides, offset: o.offset })
                    .collect(),
            ))
        }
    }
}

/// An input whose buffer dies here and can hold the first output in place. Its array is given up.
fn donate(backend: &dyn Backend, job: &Job<'_>, inputs: &mut Inputs, ins: &mut [Operand], out: &Desc) -> Option<usize> {
    for i in 0..inputs.len() {
        let d = &ins[i].desc;
        let fits = job.op.may_overwrite(i)
            && d.dtype.size() == out.dtype.size()
            && d.shape == out.shape
            && d.size() > 0
            && desc::is_row_major(&d.shape, &d.strides);
        // The call's list (taken from the graph) must hold the last handle, and no view may share the buffer.
        if !fits || Arc::get_mut(&mut inputs[i].call).is_none() {
            continue;
        }
        let buffer = &ins[i].buffer;
        // One handle in the operand, one in the input's own data.
        if buffer.handles() == 2
            && buffer.is_writable()
            // Memory of the back end's own kind, of which nobody keeps a copy.
            && buffer.on_device() != backend.is_host()
            && !buffer.has_twins()
            && !ins.iter().enumerate().any(|(j, o)| j != i && o.buffer.same(buffer))
        {
            runtime::counters().donations.fetch_add(1, Ordering::Relaxed);
            return Some(i);
        }
    }
    None
}
