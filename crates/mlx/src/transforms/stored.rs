//! Recorded functions as bytes. What is read may come from anywhere: every step is recorded anew over stand-ins, so that
//! the rules check it, before anything is computed.

use super::graph::{From, Graph, Step};
use crate::array::{Array, Inputs, KeepGraph};
use crate::ops;
use crate::runtime;
use mlx_ir::desc::{broadcast_shapes, size_of_shape};
use mlx_ir::stored::{Reader, Stored, put_u64};
use mlx_ir::{Aval, DType, Error, Op, Result, Shape};
use smallvec::SmallVec;
use std::collections::HashMap;

fn bad(what: impl Into<String>) -> Error {
    Error::value(format!("[load] {}", what.into()))
}

fn put_aval(a: &Aval, out: &mut Vec<u8>) -> Result<()> {
    a.dtype.store(out)?;
    a.shape.store(out)
}

fn aval(r: &mut Reader<'_>) -> Result<Aval> {
    let dtype = DType::load(r)?;
    let shape = Shape::load(r)?;
    mlx_ir::desc::checked_size("load", &shape, dtype)?;
    Ok(Aval::new(shape, dtype))
}

fn put_from(f: &From, out: &mut Vec<u8>) {
    let (tag, i, o) = match *f {
        From::Input(i) => (0, i, 0),
        From::Step(s, o) => (1, s, o as usize),
        From::Constant(c) => (2, c, 0),
    };
    out.push(tag);
    put_u64(i, out);
    put_u64(o, out);
}

fn from(r: &mut Reader<'_>) -> Result<From> {
    let (tag, i, o) = (r.u8()?, usize::load(r)?, usize::load(r)?);
    match tag {
        0 => Ok(From::Input(i)),
        1 => Ok(From::Step(i, u32::try_from(o).map_err(|_| bad("no such output"))?)),
        2 => Ok(From::Constant(i)),
        _ => Err(bad("an input of an unknown kind")),
    }
}

/// Whether an op may stand in a file, with so many inputs. Rows over the bytes of other files and functions with rules of
/// their own may not.
fn allowed(op: &Op, n: usize) -> Result<()> {
    let increasing = |a: &[usize]| a.windows(2).all(|w| w[0] < w[1]);
    let distinct = |a: &[usize]| (1..a.len()).all(|i| !a[..i].contains(&a[i]));
    let fits = match op {
        Op::Leaf | Op::Hole | Op::Custom(_) | Op::GpuKernel(_) => false,
        Op::BlockDequantize(_) | Op::BlockMatmul(_) | Op::BlockProject(_) | Op::BlockRows(_) | Op::CacheUpdate(_) => {
            false
        }
        Op::Arange(_) => n == 0,
        Op::Reduce(r) => n == 1 && increasing(&r.axes),
        Op::Broadcast(_) | Op::Reshape(_) | Op::Transpose(_) | Op::Slice(_) | Op::AsStrided(_) | Op::Bitcast(_) => {
            n == 1
        }
        Op::StopGradient(_) | Op::Contiguous(_) | Op::ArgReduce(_) | Op::Scan(_) | Op::Sort(_) | Op::ArgSort(_) => {
            n == 1
        }
        Op::Partition(_) | Op::ArgPartition(_) | Op::RandomBits(_) | Op::Quantize(_) | Op::Fft(_) => n == 1,
        Op::Softmax(_) | Op::LogSumExp(_) | Op::PackRows(_) | Op::UnpackRows(_) => n == 1,
        Op::Map(m) => n == m.tape.inputs().len(),
        Op::ReduceMap(r) => n == r.tape.inputs().len() && increasing(&r.axes),
        Op::Gather(g) => n == 1 + g.axes.len() && distinct(&g.axes),
        Op::Scatter(s) => n == 2 + s.axes.len() && distinct(&s.axes),
        Op::DynamicSlice(s) => n == 2 && distinct(&s.axes),
        Op::DynamicSliceUpdate(s) => n == 3 && distinct(&s.axes),
        Op::GatherAxis(_) | Op::SliceUpdate(_) | Op::Pad(_) | Op::Matmul(_) | Op::CrossEntropy(_) | Op::Conv(_) => {
            n == 2
        }
        Op::ScatterAxis(_) | Op::Dequantize(_) | Op::AddMM(_) => n == 3,
        Op::QuantizedMatmul(_) => n == 4,
        Op::GatherMM(g) => n == 2 + usize::from(g.left) + usize::from(g.right),
        Op::GatherQMM(g) => n == 4 + usize::from(g.left) + usize::from(g.right),
        Op::Linalg(l) => {
            use mlx_ir::op::LinalgKind::{Solve, SolveTriangular};
            n == if matches!(l.kind, Solve | SolveTriangular { .. }) { 2 } else { 1 }
        }
        Op::Concatenate(_) | Op::Sdpa(_) | Op::LayerNorm(_) => n >= 1,
        Op::RmsNorm(_) => n == 1 || n == 2,
        Op::Rope(_) => n == 2 || n == 3,
        Op::Depends(d) => d.results >= 1 && d.results <= n,
    };
    if fits { Ok(()) } else { Err(bad(format!("operation {} with {n} inputs cannot stand in a file", op.name()))) }
}

impl Graph {
    /// Shapes and dtypes of the inputs.
    pub fn inputs(&self) -> &[Aval] {
        &self.inputs
    }

    /// The function with constants that are only repeated kept as they were before, each once.
    pub fn with_sources(mut self) -> Graph {
        let mut first: Vec<Step> = Vec::new();
        let mut kept: Vec<Array> = Vec::new();
        let (mut places, mut steps) = (HashMap::new(), HashMap::new());
        // Where each constant is now.
        let mut moved: Vec<From> = Vec::new();
        for c in std::mem::take(&mut self.constants) {
            let source = if matches!(c.op(), Op::Broadcast(_)) { c.inputs().pop() } else { None };
            let repeated = source.is_some();
            let (op, stream) = (c.op().clone(), c.call.stream);
            let a = source.unwrap_or(c);
            let place = *places.entry(a.id()).or_insert_with(|| {
                kept.push(a);
                kept.len() - 1
            });
            moved.push(match repeated {
                false => From::Constant(place),
                true => From::Step(
                    *steps.entry((op.clone(), place)).or_insert_with(|| {
                        first.push(Step { op, stream, inputs: vec![From::Constant(place)] });
                        first.len() - 1
                    }),
                    0,
                ),
            });
        }
        let n = first.len();
        let shifted = |f: &mut From| match *f {
            From::Step(s, o) => *f = From::Step(s + n, o),
            From::Constant(c) => *f = moved[c].clone(),
            From::Input(_) => {}
        };
        self.steps.iter_mut().flat_map(|s| &mut s.inputs).for_each(shifted);
        self.outputs.iter_mut().for_each(shifted);
        first.append(&mut self.steps);
        (self.steps, self.constants) = (first, kept);
        self
    }

    /// Writes the function. Its constants are evaluated.
    ///
    /// # Errors
    /// `Unsupported` for functions with rules of their own, and rows over bytes of model files; what evaluation reports.
    pub fn store(&self, out: &mut Vec<u8>) -> Result<()> {
        put_u64(self.inputs.len(), out);
        self.inputs.iter().try_for_each(|a| put_aval(a, out))?;
        put_u64(self.constants.len(), out);
        for c in &self.constants {
            put_aval(c.aval(), out)?;
            out.extend_from_slice(&c.to_bytes()?);
        }
        put_u64(self.steps.len(), out);
        for s in &self.steps {
            let at = out.len();
            s.op.store(out)?;
            allowed(&s.op, s.inputs.len())
                .map_err(|_| Error::unsupported(format!("[store] {} cannot be stored", s.op.name())))?;
            let again = Op::load(&mut Reader::new(&out[at..]))?;
            if again != s.op {
                return Err(Error::unsupported(format!("[store] {} cannot be stored exactly", s.op.name())));
            }
            put_u64(s.inputs.len(), out);
            s.inputs.iter().for_each(|f| put_from(f, out));
        }
        put_u64(self.outputs.len(), out);
        self.outputs.iter().for_each(|f| put_from(f, out));
        Ok(())
    }

    /// Reads what [`Graph::store`] wrote.
    ///
    /// # Errors
    /// `Value` for bytes that are no function; what the rules report about a step; `Memory` if none is left.
    pub fn load(r: &mut Reader<'_>) -> Result<Graph> {
        let inputs: Vec<Aval> = (0..r.count(9)?).map(|_| aval(r)).collect::<Result<_>>()?;
        let mut constants = Vec::new();
        for _ in 0..r.count(9)? {
            let a = aval(r)?;
            constants.push(Array::from_bytes(r.take(a.size() * a.dtype.size())?, &a.shape, a.dtype)?);
        }
        let mut g = Graph { inputs, constants, steps: Vec::new(), outputs: Vec::new() };
        let _keep = KeepGraph::new();
        let holes: Vec<Array> = g.inputs.iter().map(|a| Array::hole(a.clone())).collect();
        let mut made: Vec<SmallVec<[Array; 1]>> = Vec::new();
        let known = |f: &From, made: &[SmallVec<[Array; 1]>], constants: &[Array]| match *f {
            From::Input(i) => holes.get(i).cloned(),
            From::Step(s, o) => made.get(s).and_then(|m| m.get(o as usize)).cloned(),
            From::Constant(c) => constants.get(c).cloned(),
        };
        let missing = || bad("an input that is not there");
        for _ in 0..r.count(9)? {
            let op = Op::load(r)?;
            let froms: Vec<From> = (0..r.count(17)?).map(|_| from(r)).collect::<Result<_>>()?;
            allowed(&op, froms.len())?;
            let over: Inputs =
                froms.iter().map(|f| known(f, &made, &g.constants).ok_or_else(missing)).collect::<Result<_>>()?;
            made.push(Array::record(op.clone(), over)?);
            g.steps.push(Step { op, stream: runtime::current_stream(), inputs: froms });
        }
        for _ in 0..r.count(17)? {
            let f = from(r)?;
            known(&f, &made, &g.constants).ok_or_else(missing)?;
            g.outputs.push(f);
        }
        Ok(g)
    }

    /// Records the function over inputs of other sizes, of the dtypes and numbers of dimensions that it was recorded
    /// with. Sizes follow the inputs where an axis was taken whole, broadcast for elementwise work, added or removed
    /// with size one, or all axes flattened; other sizes stay as recorded.
    ///
    /// # Errors
    /// `Value` where sizes do not fit.
    pub fn replay_shapeless(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let fits = |a: &Array, e: &Aval| a.ndim() == e.ndim() && a.dtype() == e.dtype;
        if inputs.len() != self.inputs.len() || inputs.iter().zip(&self.inputs).any(|(a, e)| !fits(a, e)) {
            return Err(Error::value("[compile] A recorded function is given inputs of other dimensions or dtypes."));
        }
        let recorded = self.avals()?;
        let mut made: Vec<Result<SmallVec<[Array; 1]>>> = Vec::with_capacity(self.steps.len());
        let find = |f: &From, made: &[Result<SmallVec<[Array; 1]>>]| -> Result<Array> {
            match *f {
                From::Input(i) => Ok(inputs[i].clone()),
                From::Step(s, o) => made[s].as_ref().map(|m| m[o as usize].clone()).map_err(Clone::clone),
                From::Constant(c) => Ok(self.constants[c].clone()),
            }
        };
        let was = |f: &From| match *f {
            From::Input(i) => self.inputs[i].clone(),
            From::Step(s, o) => recorded[s][o as usize].clone(),
            From::Constant(c) => self.constants[c].aval().clone(),
        };
        // Where a value came from before it was broadcast.
        let source = |f: &From| match f {
            From::Step(s, _) if matches!(self.steps[*s].op, Op::Broadcast(_)) => self.steps[*s].inputs[0].clone(),
            other => other.clone(),
        };
        for (i, s) in self.steps.iter().enumerate() {
            let run = || -> Result<SmallVec<[Array; 1]>> {
                let sources: Vec<From> = s.inputs.iter().map(source).collect();
                let meet = |shapes: &[Shape]| {
                    shapes.iter().try_fold(Shape::new(), |a, b| broadcast_shapes(&a, b)).ok_or_else(|| {
                        Error::value(format!("[broadcast_shapes] Shapes {shapes:?} cannot be broadcast."))
                    })
                };
                let over: Inputs = match &s.op {
                    Op::Map(_)
                        if meet(&sources.iter().map(|f| was(f).shape).collect::<Vec<_>>())? == recorded[i][0].shape =>
                    {
                        let given = sources.iter().map(|f| find(f, &made)).collect::<Result<Vec<_>>>()?;
                        let shape = meet(&given.iter().map(|a| a.shape().into()).collect::<Vec<_>>())?;
                        given.iter().map(|a| ops::broadcast_to(a, &shape)).collect::<Result<_>>()?
                    }
                    Op::AddMM(_) => {
                        let (c, a, b) =
                            (find(&sources[0], &made)?, find(&s.inputs[1], &made)?, find(&s.inputs[2], &made)?);
                        let mut shape: Shape = a.shape().into();
                        shape[a.ndim() - 1] = b.dim(-1);
                        Inputs::from_iter([ops::broadcast_to(&c, &shape)?, a, b])
                    }
                    _ => s.inputs.iter().map(|f| find(f, &made)).collect::<Result<_>>()?,
                };
                let op = match over.first() {
                    Some(x) => resized(&s.op, &was(&s.inputs[0]).shape, x.shape()),
                    None => s.op.clone(),
                };
                runtime::on(s.stream, || Array::record(op, over))
            };
            // A broadcast that does not fit may not be needed.
            let out = run();
            made.push(out);
        }
        self.outputs.iter().map(|f| find(f, &made)).collect()
    }

    /// Shapes and dtypes of what the steps give.
    pub(super) fn avals(&self) -> Result<Vec<Vec<Aval>>> {
        let _keep = KeepGraph::new();
        let holes: Vec<Array> = self.inputs.iter().map(|a| Array::hole(a.clone())).collect();
        let mut made: Vec<SmallVec<[Array; 1]>> = Vec::new();
        for s in &self.steps {
            let over: Inputs = s.inputs.iter().map(|f| self.at(f, &holes, &made)).collect();
            made.push(Array::record(s.op.clone(), over)?);
        }
        Ok(made.iter().map(|m| m.iter().map(|a| a.aval().clone()).collect()).collect())
    }

    /// The steps for a reader: name, parameters, and numbers of values. Values are numbered: inputs, constants, then the
    /// outputs of each step in order.
    pub fn listing(&self) -> Result<Listing> {
        let avals = self.avals()?;
        let mut next = self.inputs.len() + self.constants.len();
        let firsts: Vec<usize> = avals
            .iter()
            .map(|a| {
                next += a.len();
                next - a.len()
            })
            .collect();
        let number = |f: &From| match *f {
            From::Input(i) => i,
            From::Constant(c) => self.inputs.len() + c,
            From::Step(s, o) => firsts[s] + o as usize,
        };
        let mut values: Vec<Aval> = self.inputs.clone();
        values.extend(self.constants.iter().map(|c| c.aval().clone()));
        values.extend(avals.iter().flatten().cloned());
        let steps = self.steps.iter().zip(&firsts).zip(&avals).map(|((s, &first), outs)| ListedStep {
            op: s.op.clone(),
            inputs: s.inputs.iter().map(number).collect(),
            outputs: (first..first + outs.len()).collect(),
        });
        Ok(Listing {
            values,
            inputs: self.inputs.len(),
            constants: self.constants.clone(),
            steps: steps.collect(),
            outputs: self.outputs.iter().map(number).collect(),
        })
    }
}

/// A recorded function to be read: see [`Graph::listing`].
pub struct Listing {
    /// Shapes and dtypes of all values.
    pub values: Vec<Aval>,
    /// How many of them are inputs.
    pub inputs: usize,
    /// The constants, whose numbers follow.
    pub constants: Vec<Array>,
    /// The steps in order.
    pub steps: Vec<ListedStep>,
    /// Numbers of the outputs.
    pub outputs: Vec<usize>,
}

/// One step of a [`Listing`].
pub struct ListedStep {
    /// What is done.
    pub op: Op,
    /// With these values.
    pub inputs: Vec<usize>,
    /// Giving these.
    pub outputs: Vec<usize>,
}

/// The op for a first input of another shape.
fn resized(op: &Op, was: &[usize], now: &[usize]) -> Op {
    if was == now || was.len() != now.len() {
        return op.clone();
    }
    let mut op = op.clone();
    match &mut op {
        Op::Broadcast(b) => {
            let lead = b.shape.len() - was.len().min(b.shape.len());
            for (i, d) in b.shape[lead..].iter_mut().enumerate() {
                if *d == was[i] {
                    *d = now[i];
                }
            }
        }
        Op::Slice(s) => {
            for i in 0..was.len() {
                if s.start[i] == 0 && s.strides[i] == 1 && s.shape[i] == was[i] {
                    s.shape[i] = now[i];
                }
            }
        }
        Op::Reshape(r) => {
            let long = |s: &[usize]| s.iter().copied().filter(|&d| d != 1).collect::<Vec<_>>();
            if long(was) == long(&r.shape) {
                let mut kept = was.iter().zip(now).filter(|(w, _)| **w != 1).map(|(_, n)| *n);
                for d in r.shape.iter_mut().filter(|d| **d != 1) {
                    *d = kept.next().unwrap_or(*d);
                }
            } else if r.shape.len() == 1 {
                r.shape[0] = size_of_shape(now);
            }
        }
        _ => {}
    }
    op
}
