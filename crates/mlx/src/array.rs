//! `Array`: a handle to one output of a recorded call, and the call itself.

use crate::runtime::{self, Stream};
use crate::{rules, schedule};
use mlx_ir::{Aval, Buffer, DType, Desc, Element, Error, Op, Operand, Result, Shape, Strides, desc};
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

/// Inputs of a call.
pub(crate) type Inputs = SmallVec<[Array; 3]>;
/// Output descriptions of a call.
pub(crate) type Outs = SmallVec<[Aval; 1]>;

/// Where the elements of a computed array lie.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    pub buffer: Buffer,
    pub strides: Strides,
    /// Bytes before element (0, …, 0).
    pub offset: usize,
}

/// Not asked for yet.
pub(crate) const PENDING: u64 = 0;
/// Its data is there. A higher state is the number of the evaluation that has taken the call on.
pub(crate) const DONE: u64 = 1;

/// One recorded operation: what to do, with what, and later the result.
pub(crate) struct Call {
    pub op: Op,
    pub stream: Stream,
    pub outs: Outs,
    /// Emptied once computed (unless a transform keeps the graph).
    pub inputs: Mutex<Inputs>,
    /// [`PENDING`], [`DONE`], or the number of the evaluation that computes it.
    pub state: AtomicU64,
    pub data: OnceLock<SmallVec<[Data; 1]>>,
    /// Depends on a stand-in, so it can't be computed.
    pub traced: bool,
}

thread_local! {
    /// How many guards of each mode live on this thread.
    static MODES: [Cell<usize>; 2] = const { [Cell::new(0), Cell::new(0)] };
    /// Calls whose last handle went away inside another call's drop: freed by the outermost drop, so that chains of
    /// any length are freed without recursion.
    static GRAVEYARD: RefCell<Option<Vec<Inputs>>> = const { RefCell::new(None) };
}

/// While it lives, evaluation on this thread keeps the graph so that a transform can walk it afterwards.
pub(crate) type KeepGraph = Mode<0>;
/// While it lives, what is recorded on this thread counts elements instead of taking their number as it is: it will be
/// computed for inputs of other sizes too.
pub(crate) type VaryingSizes = Mode<1>;

/// A mode of this thread, on while a guard of it lives.
pub(crate) struct Mode<const M: usize>(());

impl<const M: usize> Mode<M> {
    pub fn new() -> Self {
        MODES.with(|m| m[M].set(m[M].get() + 1));
        Self(())
    }
    pub fn active() -> bool {
        MODES.with(|m| m[M].get() > 0)
    }
}

impl<const M: usize> Drop for Mode<M> {
    fn drop(&mut self) {
        MODES.with(|m| m[M].set(m[M].get() - 1));
    }
}

impl Call {
    fn take_inputs(&mut self) -> Inputs {
        match self.inputs.get_mut() {
            Ok(i) => std::mem::take(i),
            Err(poisoned) => std::mem::take(poisoned.into_inner()),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mine = self.take_inputs();
        if mine.is_empty() {
            return;
        }
        // During thread shutdown the list may be gone already; then plain recursion is all that is left.
        let _ = GRAVEYARD.try_with(|g| {
            if let Some(list) = g.borrow_mut().as_mut() {
                list.push(mine);
                return;
            }
            *g.borrow_mut() = Some(vec![mine]);
            loop {
                let next = g.borrow_mut().as_mut().and_then(Vec::pop);
                match next {
                    Some(inputs) => drop(inputs),
                    None => break,
                }
            }
            *g.borrow_mut() = None;
        });
    }
}

/// An n-dimensional array, lazily computed. Cloning copies the handle, not the data. Arrays can be sent to and shared
/// between threads; graphs may be built in several threads at once.
#[derive(Clone)]
pub struct Array {
    pub(crate) call: Arc<Call>,
    pub(crate) out: u32,
}

impl Array {
    // ---- construction ----

    /// Records `op` over `inputs` on the current stream; checks shapes and dtypes now, computes nothing.
    /// Returns one array for each output of the op.
    pub(crate) fn record(op: impl Into<Op>, inputs: Inputs) -> Result<SmallVec<[Array; 1]>> {
        let op = op.into();
        let outs = {
            let avals: SmallVec<[&Aval; 3]> = inputs.iter().map(Array::aval).collect();
            rules::infer(&op, &avals)?
        };
        for o in &outs {
            desc::checked_size(op.name(), &o.shape, o.dtype)?;
        }
        let n = outs.len();
        let traced = inputs.iter().any(|a| a.call.traced);
        let call = Arc::new(Call {
            op,
            stream: runtime::current_stream(),
            outs,
            inputs: Mutex::new(inputs),
            state: AtomicU64::new(PENDING),
            data: OnceLock::new(),
            traced,
        });
        Ok((0..n).map(|i| Array { call: call.clone(), out: i as u32 }).collect())
    }

    /// Like [`Array::record`] for an op with one output.
    pub(crate) fn record1(op: impl Into<Op>, inputs: Inputs) -> Result<Array> {
        let mut v = Self::record(op, inputs)?;
        Ok(v.remove(0))
    }

    /// An array whose data is known.
    pub(crate) fn leaf(aval: Aval, data: Data) -> Array {
        let cell = OnceLock::new();
        let _ = cell.set(smallvec::smallvec![data]);
        Array {
            call: Arc::new(Call {
                op: Op::Leaf,
                stream: runtime::current_stream(),
                outs: smallvec::smallvec![aval],
                inputs: Mutex::new(Inputs::new()),
                state: AtomicU64::new(DONE),
                data: cell,
                traced: false,
            }),
            out: 0,
        }
    }

    /// A stand-in without a value, for tracing.
    pub(crate) fn hole(aval: Aval) -> Array {
        Array {
            call: Arc::new(Call {
                op: Op::Hole,
                stream: runtime::current_stream(),
                outs: smallvec::smallvec![aval],
                inputs: Mutex::new(Inputs::new()),
                state: AtomicU64::new(PENDING),
                data: OnceLock::new(),
                traced: true,
            }),
            out: 0,
        }
    }

    /// An array of `shape` with the given elements in row-major order.
    ///
    /// # Errors
    /// `Value` if the number of elements is not the product of the shape; `Memory` if none is left.
    pub fn from_slice<T: Element>(data: &[T], shape: &[usize]) -> Result<Array> {
        let n = desc::checked_size("array", shape, T::DTYPE)?;
        if n != data.len() {
            return Err(Error::value(format!("[array] {} elements do not fill shape {shape:?}.", data.len())));
        }
        let buffer = runtime::cpu().alloc_with(data)?;
        Ok(Self::leaf(
            Aval::new(Shape::from_slice(shape), T::DTYPE),
            Data { buffer, strides: desc::row_major(shape), offset: 0 },
        ))
    }

    /// An array from the little-endian bytes of its elements in row-major order.
    ///
    /// # Errors
    /// `Value` if the number of bytes does not fit the shape; `Memory` if none is left.
    pub fn from_bytes(bytes: &[u8], shape: &[usize], dtype: DType) -> Result<Array> {
        let n = desc::checked_size("array", shape, dtype)?;
        if n * dtype.size() != bytes.len() {
            return Err(Error::value(format!("[array] {} bytes do not fill shape {shape:?} of {dtype}.", bytes.len())));
        }
        let buffer = runtime::cpu().alloc_with(bytes)?;
        Ok(Self::leaf(
            Aval::new(Shape::from_slice(shape), dtype),
            Data { buffer, strides: desc::row_major(shape), offset: 0 },
        ))
    }

    /// An array over memory that already holds its elements in row-major order (a mapped file, say), without a copy.
    /// A start that is not aligned for `dtype` is copied instead (and counted as a copy).
    ///
    /// # Errors
    /// `Value` if the elements do not lie inside the buffer.
    pub fn from_buffer(buffer: Buffer, offset: usize, shape: &[usize], dtype: DType) -> Result<Array> {
        let bytes = desc::checked_size("array", shape, dtype)? * dtype.size();
        let end = offset.checked_add(bytes).filter(|&e| e <= buffer.len());
        let Some(end) = end else {
            return Err(Error::value(format!(
                "[array] shape {shape:?} of {dtype} at byte {offset} does not lie inside a buffer of {} bytes.",
                buffer.len()
            )));
        };
        if !(buffer.ptr() as usize).wrapping_add(offset).is_multiple_of(dtype.size()) {
            runtime::counters().copies.fetch_add(1, Ordering::Relaxed);
            return Self::from_bytes(&mlx_cpu::host::bytes(&buffer)[offset..end], shape, dtype);
        }
        Ok(Self::leaf(
            Aval::new(Shape::from_slice(shape), dtype),
            Data { buffer, strides: desc::row_major(shape), offset },
        ))
    }

    /// A 0-d array.
    ///
    /// # Errors
    /// `Memory` if none is left.
    pub fn scalar<T: Element>(x: T) -> Result<Array> {
        Self::from_slice(&[x], &[])
    }

    // ---- description ----

    /// Shape and dtype.
    pub fn aval(&self) -> &Aval {
        &self.call.outs[self.out as usize]
    }
    /// Sizes of the dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.aval().shape
    }
    /// Size of dimension `axis`, counted from the end when negative.
    ///
    /// # Panics
    /// If there is no such axis.
    pub fn dim(&self, axis: i64) -> usize {
        let n = self.ndim() as i64;
        self.shape()[usize::try_from(if axis < 0 { axis + n } else { axis }).expect("axis in range")]
    }
    /// Element type.
    pub fn dtype(&self) -> DType {
        self.aval().dtype
    }
    /// Number of dimensions.
    pub fn ndim(&self) -> usize {
        self.aval().ndim()
    }
    /// Number of elements.
    pub fn size(&self) -> usize {
        self.aval().size()
    }
    /// Bytes of its elements.
    pub fn nbytes(&self) -> usize {
        self.aval().nbytes()
    }
    /// True once its value is computed.
    pub fn is_evaluated(&self) -> bool {
        self.call.state.load(Ordering::Acquire) == DONE
    }
    /// The operation that makes it.
    pub fn op(&self) -> &Op {
        &self.call.op
    }
    /// What it is made from; empty for given data and, outside transforms, for computed arrays.
    pub fn inputs(&self) -> Vec<Array> {
        self.call.inputs.lock().unwrap_or_else(|e| e.into_inner()).to_vec()
    }
    /// All outputs of the call that makes it, itself among them.
    pub fn siblings(&self) -> SmallVec<[Array; 1]> {
        (0..self.call.outs.len()).map(|i| Array { call: self.call.clone(), out: i as u32 }).collect()
    }
    /// Identity of the node: equal for handles to the same output.
    pub fn id(&self) -> (usize, u32) {
        (Arc::as_ptr(&self.call) as usize, self.out)
    }
    /// True if both are handles to the same node.
    pub fn is_same(&self, other: &Array) -> bool {
        self.id() == other.id()
    }

    // ---- values ----

    /// Computes it now.
    ///
    /// # Errors
    /// Whatever its computation meets: `Memory`, `Unsupported`, …; `Value` inside a trace.
    pub fn eval(&self) -> Result<()> {
        if self.is_evaluated() {
            return Ok(());
        }
        schedule::eval(std::slice::from_ref(self))
    }

    /// The computed data (evaluates).
    pub(crate) fn data(&self) -> Result<&Data> {
        self.eval()?;
        match self.call.data.get() {
            Some(d) => Ok(&d[self.out as usize]),
            None => Err(Error::runtime("[eval] array has no data after evaluation")),
        }
    }

    /// A described operand over the computed data, which the processor can read.
    pub(crate) fn operand(&self) -> Result<Operand> {
        let d = self.data()?;
        d.buffer.to_host()?;
        let a = self.aval();
        Ok(Operand {
            desc: Desc { shape: a.shape.clone(), strides: d.strides.clone(), dtype: a.dtype },
            buffer: d.buffer.clone(),
            offset: d.offset,
        })
    }

    /// Where the elements lie, for readers on the processor: the buffer, the byte of element (0, …, 0) in it and the
    /// strides in elements (evaluates).
    ///
    /// # Errors
    /// Whatever evaluation meets.
    pub fn storage(&self) -> Result<(Buffer, usize, Strides)> {
        let o = self.operand()?;
        Ok((o.buffer, o.offset, o.desc.strides))
    }

    /// Strides in elements of the computed data (evaluates).
    pub fn strides(&self) -> Result<Strides> {
        Ok(self.data()?.strides.clone())
    }

    /// The elements in row-major order, converted from nothing: `T` must be the dtype.
    ///
    /// # Errors
    /// `Type` if `T` is not its dtype; whatever evaluation meets.
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        if self.dtype() != T::DTYPE {
            return Err(Error::type_(format!("[to_vec] array is {}, asked for {}.", self.dtype(), T::DTYPE)));
        }
        Ok(mlx_cpu::host::to_vec(&self.operand()?))
    }

    /// The little-endian bytes of the elements in row-major order.
    ///
    /// # Errors
    /// Whatever evaluation meets.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        Ok(mlx_cpu::host::to_bytes(&self.operand()?))
    }

    /// The only element; `T` must be the dtype.
    ///
    /// # Errors
    /// `Value` if there is not exactly one element, `Type` if `T` is not its dtype.
    pub fn item<T: Element>(&self) -> Result<T> {
        if self.size() != 1 {
            return Err(Error::value("[item] item can only be called on arrays of size 1."));
        }
        Ok(self.to_vec::<T>()?[0])
    }

    /// Calls `f` with the elements in row-major order, without a copy where they lie so already.
    ///
    /// # Errors
    /// `Type` if `T` is not its dtype; whatever evaluation meets.
    pub fn with_slice<T: Element, R>(&self, f: impl FnOnce(&[T]) -> R) -> Result<R> {
        if self.dtype() != T::DTYPE {
            return Err(Error::type_(format!("[with_slice] array is {}, asked for {}.", self.dtype(), T::DTYPE)));
        }
        let o = self.operand()?;
        Ok(match mlx_cpu::host::as_slice::<T>(&o) {
            Some(s) => f(s),
            None => f(&mlx_cpu::host::to_vec(&o)),
        })
    }
}

impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_evaluated() { "computed" } else { "lazy" };
        write!(f, "Array({}, {:?}, {}, {state})", self.call.op.name(), self.shape(), self.dtype())
    }
}
