//! A tape: a short straight-line program of scalar functions, applied to every element. All elementwise work, a
//! single `add` or a fused chain, is one tape, so that each back end has one way to run it.

use crate::dtype::Element;
use crate::{DType, Func};
use smallvec::SmallVec;

/// Most values (inputs, constants and results together) of one tape.
pub const MAX_VALUES: usize = 64;
/// Most inputs of one tape.
pub const MAX_INPUTS: usize = 16;

/// What produces a value of a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A constant: the little-endian bits of one element of the instruction's dtype.
    Const(u64),
    /// A function of earlier values; unused argument places are 0.
    Call(Func, [u8; 3]),
}

/// One instruction: its result's dtype and how it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instr {
    /// What to do.
    pub step: Step,
    /// Dtype of the result.
    pub dtype: DType,
}

/// A program in SSA form. Values are numbered: first the inputs, then one for each instruction; the last
/// instruction is the result. Immutable once built.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tape {
    inputs: SmallVec<[DType; 3]>,
    instrs: SmallVec<[Instr; 1]>,
}

impl Tape {
    /// A tape of one function whose arguments all enter as `arg` (a `Select`'s condition as bool).
    pub fn single(func: Func, arg: DType, result: DType) -> Self {
        let mut inputs: SmallVec<[DType; 3]> = smallvec::smallvec![arg; func.arity()];
        if func == Func::Select {
            inputs[0] = DType::Bool;
        }
        let mut args = [0; 3];
        for i in 0..func.arity() {
            args[i] = i as u8;
        }
        let instr = Instr { step: Step::Call(func, args), dtype: result };
        Self { inputs, instrs: smallvec::smallvec![instr] }
    }

    /// A conversion from one dtype to another.
    pub fn convert(from: DType, to: DType) -> Self {
        Self::single(Func::Convert, from, to)
    }

    /// Dtypes of the inputs.
    pub fn inputs(&self) -> &[DType] {
        &self.inputs
    }
    /// The instructions in order.
    pub fn instrs(&self) -> &[Instr] {
        &self.instrs
    }
    /// Dtype of the result.
    pub fn dtype(&self) -> DType {
        self.instrs.last().map_or_else(|| self.inputs[0], |i| i.dtype)
    }
    /// Dtype of value `v`.
    pub fn value_dtype(&self, v: u8) -> DType {
        let v = v as usize;
        if v < self.inputs.len() { self.inputs[v] } else { self.instrs[v - self.inputs.len()].dtype }
    }
    /// The function, when the tape is just one.
    pub fn as_single(&self) -> Option<Func> {
        match self.instrs.as_slice() {
            [Instr { step: Step::Call(f, args), .. }]
                if (0..f.arity()).all(|i| args[i] as usize == i) && f.arity() == self.inputs.len() =>
            {
                Some(*f)
            }
            _ => None,
        }
    }
}

/// Builds a [`Tape`], inserting conversions by MLX's promotion rules.
///
/// ```
/// use mlx_ir::{DType, Func, tape::TapeBuilder};
/// let mut b = TapeBuilder::new(&[DType::F32, DType::F32]);
/// let s = b.call(Func::Sigmoid, &[0]).unwrap();
/// let y = b.call(Func::Multiply, &[0, s]).unwrap();
/// b.call(Func::Multiply, &[y, 1]).unwrap();
/// assert_eq!(b.finish().dtype(), DType::F32);
/// ```
#[derive(Clone, Debug)]
pub struct TapeBuilder {
    inputs: SmallVec<[DType; 3]>,
    instrs: SmallVec<[Instr; 1]>,
}

impl TapeBuilder {
    /// A tape over inputs of these dtypes (values `0..inputs.len()`), at most [`MAX_INPUTS`].
    pub fn new(inputs: &[DType]) -> Self {
        assert!(inputs.len() <= MAX_INPUTS, "a tape has at most {MAX_INPUTS} inputs");
        Self { inputs: inputs.into(), instrs: SmallVec::new() }
    }

    fn push(&mut self, step: Step, dtype: DType) -> crate::Result<u8> {
        let v = self.inputs.len() + self.instrs.len();
        if v >= MAX_VALUES {
            return Err(crate::Error::value(format!("[tape] more than {MAX_VALUES} values")));
        }
        self.instrs.push(Instr { step, dtype });
        Ok(v as u8)
    }

    pub(crate) fn dtype_of(&self, v: u8) -> DType {
        let v = v as usize;
        if v < self.inputs.len() { self.inputs[v] } else { self.instrs[v - self.inputs.len()].dtype }
    }

    /// A constant.
    pub fn constant<T: Element>(&mut self, x: T) -> crate::Result<u8> {
        let mut bytes = Vec::with_capacity(8);
        x.put_le(&mut bytes);
        bytes.resize(8, 0);
        let bits = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        self.push(Step::Const(bits), T::DTYPE)
    }

    /// A constant of this dtype, from the little-endian bits of one element.
    pub(crate) fn constant_bits(&mut self, bits: u64, dtype: DType) -> crate::Result<u8> {
        self.push(Step::Const(bits), dtype)
    }

    /// Value `v` as `dtype` (itself when it has it already).
    pub fn convert(&mut self, v: u8, dtype: DType) -> crate::Result<u8> {
        if self.dtype_of(v) == dtype {
            return Ok(v);
        }
        self.push(Step::Call(Func::Convert, [v, 0, 0]), dtype)
    }

    /// A function of earlier values; arguments are promoted to their common dtype.
    pub fn call(&mut self, func: Func, args: &[u8]) -> crate::Result<u8> {
        if args.len() != func.arity() {
            return Err(crate::Error::value(format!(
                "[{}] takes {} arguments, got {}",
                func.name(),
                func.arity(),
                args.len()
            )));
        }
        let data = if func == Func::Select { &args[1..] } else { args };
        let common = data.iter().map(|&a| self.dtype_of(a)).reduce(DType::promote).expect("arity is at least one");
        let (enter, result) = func.types(common)?;
        let mut a = [0u8; 3];
        for (i, &v) in args.iter().enumerate() {
            a[i] = self.convert(v, if func == Func::Select && i == 0 { DType::Bool } else { enter })?;
        }
        self.push(Step::Call(func, a), result)
    }

    /// The instructions of a whole tape over values of this one, which have the dtypes of its inputs; what is computed
    /// already is not computed again. Returns its result.
    ///
    /// # Errors
    /// `Value` if there would be more than [`MAX_VALUES`].
    pub fn inline(&mut self, tape: &Tape, args: &[u8]) -> crate::Result<u8> {
        debug_assert!(tape.inputs.iter().zip(args).all(|(d, &a)| *d == self.dtype_of(a)), "dtypes of arguments");
        let mut values: SmallVec<[u8; 8]> = args.into();
        for i in &tape.instrs {
            let step = match i.step {
                Step::Const(bits) => Step::Const(bits),
                Step::Call(f, args) => {
                    let mut own = [0; 3];
                    for (to, from) in own.iter_mut().zip(args).take(f.arity()) {
                        *to = values[from as usize];
                    }
                    Step::Call(f, own)
                }
            };
            let known = self.instrs.iter().position(|k| k.step == step && k.dtype == i.dtype);
            values.push(match known {
                Some(at) => (self.inputs.len() + at) as u8,
                None => self.push(step, i.dtype)?,
            });
        }
        values.last().copied().ok_or_else(|| crate::Error::value("[tape] a tape without values"))
    }

    /// The finished tape; its result is the last instruction.
    pub fn finish(self) -> Tape {
        Tape { inputs: self.inputs, instrs: self.instrs }
    }
}
