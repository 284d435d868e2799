//! What a case is.

use crate::data::Input;
use mlx::{Array, DType, Result};
use smallvec::SmallVec;

/// The dtypes that a case is multiplied by.
#[derive(Clone, Copy, Debug)]
pub enum Family {
    /// Every dtype.
    All,
    /// All but bool.
    Numeric,
    /// All but complex.
    Real,
    /// All but bool and complex.
    RealNumeric,
    /// Bool and integers.
    Integral,
    /// Integers.
    Int,
    /// Real floats.
    Float,
    /// Floats and complex.
    Inexact,
    /// The floats that exist on every device: f16, bf16, f32.
    Storable,
    /// Inputs have dtypes of their own: the case runs once.
    Fixed,
}

impl Family {
    /// Its members; for `Fixed` a single one that no input uses.
    pub fn dtypes(self) -> Vec<DType> {
        let all = DType::ALL.into_iter();
        match self {
            Family::All => all.collect(),
            Family::Numeric => all.filter(|&d| d != DType::Bool).collect(),
            Family::Real => all.filter(|d| !d.is_complex()).collect(),
            Family::RealNumeric => all.filter(|d| d.is_integer() || d.is_float()).collect(),
            Family::Integral => all.filter(|d| !d.is_inexact()).collect(),
            Family::Int => all.filter(|d| d.is_integer()).collect(),
            Family::Float => all.filter(|d| d.is_float()).collect(),
            Family::Inexact => all.filter(|d| d.is_inexact()).collect(),
            Family::Storable => vec![DType::F16, DType::BF16, DType::F32],
            Family::Fixed => vec![DType::F32],
        }
    }
}

/// How far a computed value may be from the exact one, in units of the output dtype's precision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tol {
    /// Not at all; the sign of zero counts too.
    Exact,
    /// So many units in the last place of the exact value; integers and bool exactly.
    Ulp(u32),
    /// So many units in the last place of the largest exact value of the output: for sums of terms of either sign.
    Accumulate(u32),
    /// This fraction of the largest exact value of the output: for products that round their operands to 8 bits.
    Within(f64),
}

/// What a case's function may return.
pub trait Outputs {
    /// The arrays.
    fn list(self) -> Vec<Array>;
}
impl Outputs for Array {
    fn list(self) -> Vec<Array> {
        vec![self]
    }
}
impl Outputs for Vec<Array> {
    fn list(self) -> Vec<Array> {
        self
    }
}
impl Outputs for SmallVec<[Array; 1]> {
    fn list(self) -> Vec<Array> {
        self.into_vec()
    }
}
impl Outputs for (Array, Array) {
    fn list(self) -> Vec<Array> {
        vec![self.0, self.1]
    }
}
impl Outputs for (Array, Array, Array) {
    fn list(self) -> Vec<Array> {
        vec![self.0, self.1, self.2]
    }
}

/// What a case calls.
pub type Run = Box<dyn Fn(&[Array]) -> Result<Vec<Array>> + Send + Sync>;

/// A benchmark of a case: other shapes for its inputs, and the arithmetic in it.
#[derive(Clone, Debug)]
pub struct Bench {
    /// Shape of each input.
    pub shapes: Vec<Vec<usize>>,
    /// Floating-point operations, or 0 when only bytes matter.
    pub flops: f64,
}

/// One line of the list.
pub struct Case {
    /// `function` or `function/what is special`.
    pub name: String,
    /// Dtypes of the inputs that have none of their own.
    pub family: Family,
    /// Allowed distance from the exact values.
    pub tol: Tol,
    /// The inputs.
    pub inputs: Vec<Input>,
    /// Inputs with respect to which derivatives are checked.
    pub grad: Vec<usize>,
    /// The call.
    pub run: Run,
    /// The call's source text.
    pub source: &'static str,
    /// The same in Python over `x0`, `x1`, …; empty where the official wheel has nothing like it.
    pub python: String,
    /// Layout copies that evaluation must make, if the case promises a number.
    pub copies: Option<u64>,
    /// Benchmarks.
    pub benches: Vec<Bench>,
}

impl Case {
    /// Promises the number of layout copies, whatever the inputs' layouts.
    pub fn copies(&mut self, n: u64) -> &mut Case {
        self.copies = Some(n);
        self
    }
    /// Adds a benchmark.
    pub fn bench(&mut self, shapes: &[&[usize]], flops: f64) -> &mut Case {
        self.benches.push(Bench { shapes: shapes.iter().map(|s| s.to_vec()).collect(), flops });
        self
    }
    /// The name with the inputs' shapes.
    pub fn title(&self) -> String {
        let shapes: Vec<String> = self.inputs.iter().map(|i| format!("{:?}", i.shape).replace(' ', "")).collect();
        format!("{}{}", self.name, shapes.concat())
    }
}

/// The list under construction.
#[derive(Default)]
pub struct List(pub Vec<Case>);

impl List {
    /// Appends a case and hands it back for further promises.
    pub fn push(&mut self, case: Case) -> &mut Case {
        self.0.push(case);
        let last = self.0.len() - 1;
        &mut self.0[last]
    }
}

/// One case: `case!(list, name, family, tolerance, [inputs], d[differentiable inputs], |x| call, "Python call")`.
#[macro_export]
macro_rules! case {
    ($list:expr, $name:expr, $family:expr, $tol:expr, [$($input:expr),* $(,)?], d[$($grad:expr),*], |$x:ident| $call:expr, $python:expr) => {
        $list.push($crate::case::Case {
            name: ($name).into(),
            family: $family,
            tol: $tol,
            inputs: vec![$($input),*],
            grad: vec![$($grad),*],
            run: Box::new(move |$x: &[::mlx::Array]| Ok($crate::case::Outputs::list(($call)?))),
            source: stringify!($call),
            python: ($python).into(),
            copies: None,
            benches: Vec::new(),
        })
    };
}
