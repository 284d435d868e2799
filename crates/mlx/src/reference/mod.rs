//! The oracle: plain row-major tensors of wide numbers on which every core op has its exact meaning, and an evaluator
//! that runs whole graphs on them. Written to be read, not to be fast.

use crate::array::{Array, Data};
use crate::rules::{self, Row};
use crate::runtime;
use half::{bf16, f16};
use mlx_ir::dtype::{bf16_of, f16_of};
use mlx_ir::{Aval, C64, DType, Element, Error, Kind, Op, Result, Shape, desc};
use std::collections::HashMap;

/// Wide numbers of one class.
#[derive(Clone, Debug, PartialEq)]
pub enum Wide {
    /// bool and all integers.
    Int(Vec<i128>),
    /// All real floats.
    Float(Vec<f64>),
    /// Complex, as (real, imaginary).
    Complex(Vec<(f64, f64)>),
}

/// One wide number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Num {
    /// bool or integer.
    Int(i128),
    /// Real float.
    Float(f64),
    /// Complex.
    Complex(f64, f64),
}

impl Num {
    /// As a real number (the real part of a complex).
    pub fn f64(self) -> f64 {
        match self {
            Num::Int(i) => i as f64,
            Num::Float(f) => f,
            Num::Complex(r, _) => r,
        }
    }
    /// As a complex number.
    pub fn complex(self) -> (f64, f64) {
        match self {
            Num::Complex(r, i) => (r, i),
            n => (n.f64(), 0.0),
        }
    }
    /// As an integer; floats are truncated, NaN is 0, out of range saturates.
    pub fn int(self) -> i128 {
        match self {
            Num::Int(i) => i,
            n => n.f64() as i128,
        }
    }
    /// Nonzero (NaN is nonzero).
    pub fn truth(self) -> bool {
        match self {
            Num::Int(i) => i != 0,
            Num::Float(f) => f != 0.0,
            Num::Complex(r, i) => r != 0.0 || i != 0.0,
        }
    }
}

/// A row-major tensor of wide numbers that remembers its dtype.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Sizes of the dimensions.
    pub shape: Shape,
    /// The dtype whose values the numbers are.
    pub dtype: DType,
    /// The numbers.
    pub data: Wide,
}

/// 2^63.
const TWO_63: f64 = 9_223_372_036_854_775_808.0;

/// Rounds a wide number to the nearest value of `dtype`; integers wrap; floats become integers by truncation, those
/// out of an i64's range (and NaN) give the smallest i64 before wrapping, as x86 does.
pub fn round_to(n: Num, dtype: DType) -> Num {
    let int = |n: Num| -> i128 {
        match n {
            Num::Int(i) => i,
            n => {
                let f = n.f64();
                if !(-TWO_63..TWO_63).contains(&f) { i64::MIN as i128 } else { f as i128 }
            }
        }
    };
    match dtype {
        DType::Bool => Num::Int(n.truth() as i128),
        DType::U8 => Num::Int(int(n) as u8 as i128),
        DType::U16 => Num::Int(int(n) as u16 as i128),
        DType::U32 => Num::Int(int(n) as u32 as i128),
        DType::U64 => Num::Int(match n {
            Num::Int(i) => i as u64 as i128,
            n => {
                let f = n.f64();
                if (TWO_63..2.0 * TWO_63).contains(&f) { f as i128 } else { int(n) as u64 as i128 }
            }
        }),
        DType::I8 => Num::Int(int(n) as i8 as i128),
        DType::I16 => Num::Int(int(n) as i16 as i128),
        DType::I32 => Num::Int(int(n) as i32 as i128),
        DType::I64 => Num::Int(int(n) as i64 as i128),
        DType::F16 => Num::Float(f16_of(n.f64()).to_f64()),
        DType::BF16 => Num::Float(bf16_of(n.f64()).to_f64()),
        DType::F32 => Num::Float(n.f64() as f32 as f64),
        DType::F64 => Num::Float(n.f64()),
        DType::C64 => {
            let (r, i) = n.complex();
            Num::Complex(r as f32 as f64, i as f32 as f64)
        }
    }
}

impl Tensor {
    /// A tensor from a function of the flat index; numbers are rounded to `dtype`.
    pub fn build(shape: &[usize], dtype: DType, mut f: impl FnMut(usize) -> Num) -> Tensor {
        let n = desc::size_of_shape(shape);
        let data = match dtype.kind() {
            Kind::Float => Wide::Float((0..n).map(|i| round_to(f(i), dtype).f64()).collect()),
            Kind::Complex => Wide::Complex((0..n).map(|i| round_to(f(i), dtype).complex()).collect()),
            _ => Wide::Int((0..n).map(|i| round_to(f(i), dtype).int()).collect()),
        };
        Tensor { shape: shape.into(), dtype, data }
    }

    /// Number of elements.
    pub fn size(&self) -> usize {
        desc::size_of_shape(&self.shape)
    }

    /// Element at a flat row-major index.
    pub fn get(&self, i: usize) -> Num {
        match &self.data {
            Wide::Int(v) => Num::Int(v[i]),
            Wide::Float(v) => Num::Float(v[i]),
            Wide::Complex(v) => Num::Complex(v[i].0, v[i].1),
        }
    }

    /// Element at an index tuple.
    pub fn at(&self, index: &[usize]) -> Num {
        self.get(flat(&self.shape, index))
    }

    /// The computed value of an array.
    pub fn read(a: &Array) -> Result<Tensor> {
        macro_rules! wide {
            ($t:ty, $w:ident, $f:expr) => {
                Wide::$w(a.to_vec::<$t>()?.into_iter().map($f).collect())
            };
        }
        let data = match a.dtype() {
            DType::Bool => wide!(bool, Int, |x| x as i128),
            DType::U8 => wide!(u8, Int, |x| x as i128),
            DType::U16 => wide!(u16, Int, |x| x as i128),
            DType::U32 => wide!(u32, Int, |x| x as i128),
            DType::U64 => wide!(u64, Int, |x| x as i128),
            DType::I8 => wide!(i8, Int, |x| x as i128),
            DType::I16 => wide!(i16, Int, |x| x as i128),
            DType::I32 => wide!(i32, Int, |x| x as i128),
            DType::I64 => wide!(i64, Int, |x| x as i128),
            DType::F16 => wide!(f16, Float, |x| x.to_f64()),
            DType::BF16 => wide!(bf16, Float, |x| x.to_f64()),
            DType::F32 => wide!(f32, Float, |x| x as f64),
            DType::F64 => wide!(f64, Float, |x| x),
            DType::C64 => wide!(C64, Complex, |x: C64| (x.re as f64, x.im as f64)),
        };
        Ok(Tensor { shape: a.shape().into(), dtype: a.dtype(), data })
    }

    /// The little-endian bytes of the elements.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.size() * self.dtype.size());
        for i in 0..self.size() {
            let n = self.get(i);
            match self.dtype {
                DType::Bool => n.truth().put_le(&mut out),
                DType::U8 => (n.int() as u8).put_le(&mut out),
                DType::U16 => (n.int() as u16).put_le(&mut out),
                DType::U32 => (n.int() as u32).put_le(&mut out),
                DType::U64 => (n.int() as u64).put_le(&mut out),
                DType::I8 => (n.int() as i8).put_le(&mut out),
                DType::I16 => (n.int() as i16).put_le(&mut out),
                DType::I32 => (n.int() as i32).put_le(&mut out),
                DType::I64 => (n.int() as i64).put_le(&mut out),
                DType::F16 => f16_of(n.f64()).put_le(&mut out),
                DType::BF16 => bf16_of(n.f64()).put_le(&mut out),
                DType::F32 => (n.f64() as f32).put_le(&mut out),
                DType::F64 => n.f64().put_le(&mut out),
                DType::C64 => {
                    let (r, i) = n.complex();
                    C64::new(r as f32, i as f32).put_le(&mut out);
                }
            }
        }
        out
    }

    pub(crate) fn to_data(&self) -> Result<Data> {
        let buffer = runtime::cpu().alloc_with(&self.to_bytes())?;
        Ok(Data { buffer, strides: desc::row_major(&self.shape), offset: 0 })
    }

    /// As an array.
    ///
    /// # Errors
    /// `Memory` if there is none left.
    pub fn to_array(&self) -> Result<Array> {
        Array::from_bytes(&self.to_bytes(), &self.shape, self.dtype)
    }
}

/// Flat row-major index of an index tuple.
pub fn flat(shape: &[usize], index: &[usize]) -> usize {
    shape.iter().zip(index).fold(0, |n, (d, i)| n * d + i)
}

/// Index tuple of a flat row-major index.
pub fn unflat(shape: &[usize], mut i: usize) -> Shape {
    let mut out: Shape = smallvec::smallvec![0; shape.len()];
    for d in (0..shape.len()).rev() {
        out[d] = i % shape[d];
        i /= shape[d];
    }
    out
}

/// The exact values of `arrays`, by running their graphs on wide numbers: every core op through its exact meaning,
/// every fused op through its expansion. Recorded data stays as it is; nothing is marked as computed.
///
/// # Errors
/// Whatever an exact meaning refuses; `Value` for stand-ins.
pub fn evaluate(arrays: &[Array]) -> Result<Vec<Tensor>> {
    let mut known: HashMap<(usize, u32), Tensor> = HashMap::new();
    // Arrays are kept alive so that ids stay unique while expansions come and go.
    let mut alive: Vec<Array> = Vec::new();
    for a in arrays {
        evaluate_into(a, &mut known, &mut alive)?;
    }
    Ok(arrays.iter().map(|a| known[&a.id()].clone()).collect())
}

fn evaluate_into(a: &Array, known: &mut HashMap<(usize, u32), Tensor>, alive: &mut Vec<Array>) -> Result<()> {
    let mut stack = vec![a.clone()];
    while let Some(top) = stack.last().cloned() {
        if known.contains_key(&top.id()) {
            stack.pop();
            continue;
        }
        if top.is_evaluated() {
            known.insert(top.id(), Tensor::read(&top)?);
            alive.push(top);
            continue;
        }
        let inputs = top.inputs();
        let missing: Vec<Array> = inputs.iter().filter(|i| !known.contains_key(&i.id())).cloned().collect();
        if !missing.is_empty() {
            stack.extend(missing);
            continue;
        }
        let siblings = top.siblings();
        let outs: Vec<Tensor> = match rules::row(top.op()) {
            Row::Source => return Err(Error::value("[reference] a traced array has no value")),
            Row::View(_) => vec![view(top.op(), top.aval(), &known[&inputs[0].id()])?],
            Row::Core(core) => {
                let ins: Vec<&Tensor> = inputs.iter().map(|i| &known[&i.id()]).collect();
                core.exact(&ins, &top.call.outs)?
            }
            Row::Fused(f) => {
                let expanded = f.expand(&inputs)?;
                for e in &expanded {
                    evaluate_into(e, known, alive)?;
                }
                expanded.iter().map(|e| known[&e.id()].clone()).collect()
            }
        };
        for (s, t) in siblings.into_iter().zip(outs) {
            known.insert(s.id(), t);
            alive.push(s);
        }
    }
    Ok(())
}

/// The exact meaning of a view, by index arithmetic of its own (not by strides, so that it checks them).
fn view(op: &Op, out: &Aval, x: &Tensor) -> Result<Tensor> {
    let pick =
        |f: &dyn Fn(&[usize]) -> usize| Tensor::build(&out.shape, out.dtype, |i| x.get(f(&unflat(&out.shape, i))));
    Ok(match op {
        Op::Broadcast(_) => pick(&|at| {
            let lead = at.len() - x.shape.len();
            let src: Shape = (0..x.shape.len()).map(|d| if x.shape[d] == 1 { 0 } else { at[lead + d] }).collect();
            flat(&x.shape, &src)
        }),
        Op::Reshape(_) | Op::StopGradient(_) => Tensor { shape: out.shape.clone(), ..x.clone() },
        Op::Transpose(t) => pick(&|at| {
            let mut src: Shape = smallvec::smallvec![0; at.len()];
            for (d, &a) in t.axes.iter().enumerate() {
                src[a] = at[d];
            }
            flat(&x.shape, &src)
        }),
        Op::Slice(s) => pick(&|at| {
            let src: Shape =
                (0..at.len()).map(|d| (s.start[d] as isize + at[d] as isize * s.strides[d]) as usize).collect();
            flat(&x.shape, &src)
        }),
        Op::AsStrided(s) => pick(&|at| {
            let p: isize = at.iter().zip(&s.strides).map(|(&i, &s)| i as isize * s).sum();
            (p + s.offset as isize) as usize
        }),
        Op::Bitcast(_) => {
            let bytes = x.to_bytes();
            return Tensor::read(&Array::from_bytes(&bytes, &out.shape, out.dtype)?);
        }
        other => return Err(Error::runtime(format!("[reference] {} is not a view", other.name()))),
    })
}
