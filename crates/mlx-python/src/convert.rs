//! Python objects as arguments of functions, and what functions need beyond the array library to take them.

use crate::array::PyArray;
use crate::create;
use crate::error::{Fail, R, index, runtime, type_, value};
use mlx::ops::linalg::Order;
use mlx::ops::{self, Arg, Scalar};
use mlx::{Array, C64, DType, Result};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyComplex, PyFloat, PyInt, PyList, PySequence, PyString, PyTuple};
use smallvec::SmallVec;

/// A Python number, as a weakly typed scalar.
pub fn scalar(o: &Bound<'_, PyAny>) -> R<Option<Scalar>> {
    if let Ok(f) = o.cast::<PyFloat>() {
        return Ok(Some(Scalar::Float(f.value())));
    }
    if let Ok(b) = o.cast::<PyBool>() {
        return Ok(Some(Scalar::Bool(b.is_true())));
    }
    if o.is_instance_of::<PyInt>() {
        return match o.extract::<i64>() {
            Ok(i) => Ok(Some(Scalar::Int(i))),
            Err(_) => Err(runtime("an int beyond 64 bits does not fit an array")),
        };
    }
    if let Ok(c) = o.cast::<PyComplex>() {
        return Ok(Some(Scalar::Complex(C64::new(c.real() as f32, c.imag() as f32))));
    }
    Ok(None)
}

/// An array argument: an array, or what an array can be made of but lists.
pub struct Arr(pub Array);

impl Arr {
    /// A 0-d float, for defaults.
    pub fn number(x: f64) -> Arr {
        Arr(Scalar::Float(x).to_array(DType::F32).expect("a float fits float32"))
    }
}

/// The array of an object that is one or is implicitly converted: numbers, buffers, DLPack, `__mlx_array__`.
pub fn implicit(o: &Bound<'_, PyAny>) -> R<Array> {
    if let Ok(a) = o.cast::<PyArray>() {
        return Ok(a.get().get());
    }
    if let Some(s) = scalar(o)? {
        return Ok(s.to_array(s.default_dtype())?);
    }
    if o.is_none() {
        return Err(type_("expected an array, got None"));
    }
    match create::foreign(o)? {
        Some(a) => Ok(a),
        None => Err(create::bad_type(o)),
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Arr {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(Arr(implicit(&o)?))
    }
}

/// See `mx.logcumsumexp`.
pub fn logcumsumexp(a: &Array, axis: Option<i64>, reverse: bool, inclusive: bool) -> R<Array> {
    let a = inexact(a)?;
    if a.dtype().is_complex() {
        return Ok(ops::logcumsumexp_complex(&a, axis, reverse, inclusive)?);
    }
    Ok(ops::logcumsumexp(&a, axis, reverse, inclusive)?)
}

/// See `mx.linalg.solve`: a right side has as many dimensions as the matrices, or is a vector for one matrix.
pub fn solve(a: &Array, b: &Array) -> R<Array> {
    if b.ndim() != a.ndim() && !(b.ndim() == 1 && a.ndim() == 2) {
        return Err(value(format!("[linalg::solve] Shapes {:?} and {:?} do not fit.", a.shape(), b.shape())));
    }
    Ok(ops::linalg::solve(a, b)?)
}

/// See `mx.trunc`. Integers are as they are, for gradients too.
pub fn truncated(a: &Array) -> R<Array> {
    if a.dtype().is_inexact() { Ok(ops::trunc(a)?) } else { Ok(a.clone()) }
}

/// An array argument that nothing else can stand for.
pub struct Only(pub Array);

impl<'a, 'py> FromPyObject<'a, 'py> for Only {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match o.cast::<PyArray>() {
            Ok(a) => Ok(Only(a.get().get())),
            Err(_) => Err(type_(format!("an array is needed, got {}", o.get_type().name()?)).into()),
        }
    }
}

/// An array or scalar argument. Numbers, and arrays of other packages, adapt to the dtype of the array they meet.
pub enum Operand {
    /// An array.
    Array(Array),
    /// A number.
    Scalar(Scalar),
    /// An array of another package.
    Foreign(Array),
}

impl Operand {
    /// An int, for defaults.
    pub fn int(i: i64) -> Operand {
        Operand::Scalar(Scalar::Int(i))
    }

    /// What an object is, if it can be an operand.
    pub fn of(o: &Bound<'_, PyAny>) -> R<Option<Operand>> {
        if let Ok(a) = o.cast::<PyArray>() {
            return Ok(Some(Operand::Array(a.get().get())));
        }
        if let Some(s) = scalar(o)? {
            return Ok(Some(Operand::Scalar(s)));
        }
        if o.is_none()
            || o.is_instance_of::<PyString>()
            || o.is_instance_of::<PyList>()
            || o.is_instance_of::<PyTuple>()
        {
            return Ok(None);
        }
        Ok(create::foreign(o)?.map(Operand::Foreign))
    }
}

impl Arg for Operand {
    fn array(&self) -> Option<&Array> {
        match self {
            Operand::Array(a) | Operand::Foreign(a) => Some(a),
            Operand::Scalar(_) => None,
        }
    }
    fn scalar(&self) -> Option<Scalar> {
        match self {
            Operand::Scalar(s) => Some(*s),
            Operand::Array(_) | Operand::Foreign(_) => None,
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Operand {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match Operand::of(&o)? {
            Some(x) => Ok(x),
            None if o.is_none() => Err(PyTypeError::new_err("expected an array or a number, got None")),
            None => Err(create::bad_type(&o).into()),
        }
    }
}

/// Arrays of other packages take the dtype of the arrays they meet.
pub fn settle<const N: usize>(operands: [Option<&mut Operand>; N]) -> R<()> {
    let strong = operands.iter().flatten().filter_map(|o| match o {
        Operand::Array(a) => Some(a.dtype()),
        Operand::Scalar(_) | Operand::Foreign(_) => None,
    });
    if let Some(dtype) = strong.reduce(DType::promote) {
        for o in operands.into_iter().flatten() {
            if let Operand::Foreign(a) = o {
                *o = Operand::Array(ops::astype(a, dtype)?);
            }
        }
    }
    Ok(())
}

/// A Python int or float.
#[derive(Clone, Copy)]
pub struct Number(pub Scalar);

impl<'a, 'py> FromPyObject<'a, 'py> for Number {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match scalar(&o)? {
            Some(Scalar::Bool(_)) => Err(value("bool is not supported here, an int or float is expected").into()),
            Some(s @ (Scalar::Int(_) | Scalar::Float(_))) => Ok(Number(s)),
            _ if o.hasattr("__index__")? => Ok(Number(Scalar::Int(o.extract()?))),
            _ => Ok(Number(Scalar::Float(o.extract()?))),
        }
    }
}

/// A string.
pub struct Text(pub String);

impl From<&str> for Text {
    fn from(s: &str) -> Self {
        Text(s.to_owned())
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Text {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(Text(o.extract()?))
    }
}

type Ints = SmallVec<[i64; 4]>;

fn sequence(o: &Bound<'_, PyAny>) -> PyResult<Ints> {
    if let Ok(t) = o.cast::<PyTuple>() {
        return t.iter().map(|x| x.extract::<i64>()).collect();
    }
    if let Ok(t) = o.cast::<PyList>() {
        return t.iter().map(|x| x.extract::<i64>()).collect();
    }
    if o.is_instance_of::<PyString>() {
        return Err(PyTypeError::new_err("expected a sequence of ints, got a string"));
    }
    let s = o.cast::<PySequence>().map_err(|_| PyTypeError::new_err("expected a sequence of ints"))?;
    s.try_iter()?.map(|x| x?.extract::<i64>()).collect()
}

/// A sequence of ints.
pub struct IntSeq(pub Ints);

impl<'a, 'py> FromPyObject<'a, 'py> for IntSeq {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(IntSeq(sequence(&o)?))
    }
}

/// An int or a sequence of ints.
pub struct Axes(pub Ints);

impl<'a, 'py> FromPyObject<'a, 'py> for Axes {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if o.is_instance_of::<PyInt>() {
            return Ok(Axes(smallvec::smallvec![o.extract()?]));
        }
        Ok(Axes(sequence(&o)?))
    }
}

impl Axes {
    /// A single int, for defaults.
    pub fn one(i: i64) -> Axes {
        Axes(smallvec::smallvec![i])
    }
}

impl IntSeq {
    /// These ints, for defaults.
    pub fn of(ints: &[i64]) -> IntSeq {
        IntSeq(ints.into())
    }
}

/// The padding of a convolution: of both ends, or of the ends apart.
pub enum Padding {
    /// Of both ends.
    Both(Axes),
    /// Before and after.
    Ends(IntSeq, IntSeq),
}

impl Padding {
    /// A single int, for defaults.
    pub fn one(i: i64) -> Padding {
        Padding::Both(Axes::one(i))
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for Padding {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match o.extract::<(IntSeq, IntSeq)>() {
            Ok((low, high)) => Ok(Padding::Ends(low, high)),
            Err(_) => Ok(Padding::Both(o.extract()?)),
        }
    }
}

/// An int, or a sequence of ints.
pub enum IntOrSeq {
    /// An int.
    One(i64),
    /// A sequence.
    Many(Ints),
}

impl<'a, 'py> FromPyObject<'a, 'py> for IntOrSeq {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if o.is_instance_of::<PyInt>() {
            return Ok(IntOrSeq::One(o.extract()?));
        }
        Ok(IntOrSeq::Many(sequence(&o)?))
    }
}

fn sizes(ints: &[i64]) -> R<SmallVec<[usize; 4]>> {
    let size = |&i: &i64| usize::try_from(i).map_err(|_| value("[full] Negative dimensions not allowed."));
    ints.iter().map(size).collect()
}

/// A shape: an int or a sequence of ints, none negative.
pub struct Shape(pub SmallVec<[usize; 4]>);

impl<'a, 'py> FromPyObject<'a, 'py> for Shape {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(Shape(sizes(&o.extract::<Axes>()?.0)?))
    }
}

/// A shape given as a sequence.
#[derive(Default)]
pub struct ShapeSeq(pub SmallVec<[usize; 4]>);

impl<'a, 'py> FromPyObject<'a, 'py> for ShapeSeq {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(ShapeSeq(sizes(&sequence(&o)?)?))
    }
}

/// A sequence of arrays.
pub struct Arrays(pub Vec<Array>);

impl<'a, 'py> FromPyObject<'a, 'py> for Arrays {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(a) = o.cast::<PyArray>() {
            return Ok(Arrays(ops::unstack(&a.get().get(), 0).map_err(Fail::from)?));
        }
        let s = o.cast::<PySequence>().map_err(|_| PyTypeError::new_err("expected a sequence of arrays"))?;
        let each = |x: PyResult<Bound<'_, PyAny>>| Ok::<_, PyErr>(implicit(&x?)?);
        Ok(Arrays(s.try_iter()?.map(each).collect::<PyResult<_>>()?))
    }
}

/// An array, or an int.
pub enum ArrayOrInt {
    /// An array.
    Array(Array),
    /// An int.
    Int(i64),
}

impl<'a, 'py> FromPyObject<'a, 'py> for ArrayOrInt {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if o.is_instance_of::<PyInt>() {
            return Ok(ArrayOrInt::Int(o.extract()?));
        }
        Ok(ArrayOrInt::Array(implicit(&o)?))
    }
}

/// The order of a norm: a number or a name.
pub struct OrderArg(pub Order);

impl<'a, 'py> FromPyObject<'a, 'py> for OrderArg {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        Ok(OrderArg(match o.extract::<String>() {
            Ok(s) => Order::Name(s),
            Err(_) => Order::Number(o.extract()?),
        }))
    }
}

/// The mask of an attention: a name or an array.
pub enum MaskArg {
    /// A name.
    Name(String),
    /// An array.
    Array(Array),
}

impl<'a, 'py> FromPyObject<'a, 'py> for MaskArg {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match o.extract::<String>() {
            Ok(s) => Ok(MaskArg::Name(s)),
            Err(_) => Ok(MaskArg::Array(implicit(&o)?)),
        }
    }
}

/// What a function gives back.
pub enum Returned {
    /// An array.
    One(Array),
    /// A list of arrays.
    List(Vec<Array>),
    /// A tuple of arrays.
    Tuple(Vec<Array>),
}

impl From<Array> for Returned {
    fn from(a: Array) -> Self {
        Returned::One(a)
    }
}

impl From<Vec<Array>> for Returned {
    fn from(v: Vec<Array>) -> Self {
        Returned::List(v)
    }
}

impl Returned {
    /// A tuple.
    pub fn tuple(v: Vec<Array>) -> Self {
        Returned::Tuple(v)
    }
    /// A tuple of two.
    pub fn pair((a, b): (Array, Array)) -> Self {
        Returned::Tuple(vec![a, b])
    }
}

impl<'py> IntoPyObject<'py> for Returned {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;
    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        match self {
            Returned::One(a) => Ok(Bound::new(py, PyArray::new(a))?.into_any()),
            Returned::List(v) => Ok(PyList::new(py, v.into_iter().map(PyArray::new))?.into_any()),
            Returned::Tuple(v) => Ok(PyTuple::new(py, v.into_iter().map(PyArray::new))?.into_any()),
        }
    }
}

// ---- what single functions need ----

/// An int that must not be negative.
pub fn count(op: &str, n: i64) -> R<usize> {
    usize::try_from(n).map_err(|_| value(format!("[{op}] {n} must not be negative.")))
}

/// An int of 32 bits.
pub fn small(op: &str, n: i64) -> R<i32> {
    i32::try_from(n).map_err(|_| value(format!("[{op}] {n} is out of range.")))
}

/// The array in a dtype, if one is given.
pub fn as_dtype(a: &Array, dtype: Option<DType>) -> Result<Array> {
    ops::astype(a, dtype.unwrap_or(a.dtype()))
}

/// The array itself.
pub fn same(a: &Array) -> Result<Array> {
    Ok(a.clone())
}

/// The array, which must have elements.
pub fn nonempty<'a>(op: &str, a: &'a Array) -> R<&'a Array> {
    if a.size() == 0 {
        return Err(value(format!("[{op}] Cannot {op} reduce zero size array.")));
    }
    Ok(a)
}

/// The array, which must not be complex.
pub fn no_complex<'a>(op: &str, a: &'a Array) -> R<&'a Array> {
    if a.dtype().is_complex() {
        return Err(value(format!("[{op}] Does not yet support given type: {}.", a.dtype())));
    }
    Ok(a)
}

/// The array as floats, if it holds integers.
pub fn inexact(a: &Array) -> Result<Array> {
    ops::astype(a, a.dtype().to_inexact())
}

/// See `mx.linalg.svd`.
pub fn svd(a: &Array, compute_uv: bool) -> Result<Returned> {
    if !compute_uv {
        return Ok(Returned::One(ops::linalg::singular_values(a)?));
    }
    let (u, s, vt) = ops::linalg::svd(a)?;
    Ok(Returned::Tuple(vec![u, s, vt]))
}

/// See `mx.clip`.
pub fn clip(a: &Array, min: Option<&Operand>, max: Option<&Operand>) -> Result<Array> {
    let low = min.map(|x| x as &dyn Arg);
    let high = max.map(|x| x as &dyn Arg);
    ops::clip(a, low, high)
}

/// See `mx.contiguous`.
pub fn contiguous(a: &Array, allow_col_major: bool) -> Result<Array> {
    if allow_col_major && a.is_evaluated() {
        let strides = a.strides()?;
        let mut expected = 1isize;
        let columns = a.shape().iter().zip(&strides).all(|(&n, &s)| {
            let ok = n == 1 || s == expected;
            expected *= n as isize;
            ok
        });
        if columns {
            return Ok(a.clone());
        }
    }
    ops::contiguous(a)
}

/// See `mx.as_strided`.
pub fn as_strided(a: &Array, shape: Option<&[i64]>, strides: Option<&[i64]>, offset: i64) -> R<Array> {
    let shape = shape.map(sizes).transpose()?;
    let strides: Option<Vec<isize>> = strides.map(|s| s.iter().map(|&x| x as isize).collect());
    Ok(ops::as_strided(a, shape.as_deref(), strides.as_deref(), count("as_strided", offset)?)?)
}

/// See `mx.concatenate`.
pub fn concatenate(arrays: &[Array], axis: Option<i64>) -> Result<Array> {
    match axis {
        Some(axis) => ops::concatenate(arrays, axis),
        None => {
            let flat = arrays.iter().map(|a| ops::flatten(a, 0, -1)).collect::<Result<Vec<_>>>()?;
            ops::concatenate(&flat, 0)
        }
    }
}

/// See `mx.split`.
pub fn split(a: &Array, parts: &IntOrSeq, axis: i64) -> R<Vec<Array>> {
    Ok(match parts {
        IntOrSeq::One(n) => ops::split(a, count("split", *n)?, axis)?,
        IntOrSeq::Many(at) => ops::split_at(a, at, axis)?,
    })
}

/// See `mx.pad`.
pub fn pad(a: &Array, widths: &Bound<'_, PyAny>, mode: &str, fill: &Operand) -> R<Array> {
    let pair = |o: &Bound<'_, PyAny>| -> R<(usize, usize)> {
        let w = o.extract::<Axes>()?.0;
        match w.as_slice() {
            [n] => Ok((count("pad", *n)?, count("pad", *n)?)),
            [l, h] => Ok((count("pad", *l)?, count("pad", *h)?)),
            _ => Err(value("[pad] Padding of an axis must be one or two numbers.")),
        }
    };
    let nested = widths
        .cast::<PySequence>()
        .ok()
        .and_then(|s| s.get_item(0).ok())
        .is_some_and(|first| first.cast::<PySequence>().is_ok());
    let widths = if nested {
        let w = widths.try_iter()?.map(|x| pair(&x?)).collect::<R<Vec<_>>>()?;
        if w.len() == 1 { vec![w[0]; a.ndim()] } else { w }
    } else {
        vec![pair(widths)?; a.ndim()]
    };
    match mode {
        "constant" => Ok(ops::pad(a, &widths, ops::PadMode::Constant, fill)?),
        "edge" => Ok(ops::pad(a, &widths, ops::PadMode::Edge, fill)?),
        "reflect" => Ok(ops::pad_mirrored(a, &widths, false)?),
        "symmetric" => Ok(ops::pad_mirrored(a, &widths, true)?),
        _ => Err(value(format!("[pad] Invalid padding mode {mode}."))),
    }
}

/// See `mx.tensordot`.
pub fn tensordot(a: &Array, b: &Array, axes: &Bound<'_, PyAny>) -> R<Array> {
    if axes.is_instance_of::<PyInt>() {
        let n: i64 = axes.extract()?;
        if n < 0 || n as usize > a.ndim().min(b.ndim()) {
            return Err(value(format!(
                "[tensordot] axes must be between 0 and the smaller number of dimensions, got {n}."
            )));
        }
        let first: Vec<i64> = (a.ndim() as i64 - n..a.ndim() as i64).collect();
        let second: Vec<i64> = (0..n).collect();
        return Ok(ops::tensordot(a, b, &first, &second)?);
    }
    let pairs = axes.try_iter()?.map(|x| Ok(x?.extract::<IntSeq>()?.0)).collect::<R<Vec<_>>>()?;
    match pairs.as_slice() {
        [x, y] => Ok(ops::tensordot(a, b, x, y)?),
        _ => Err(value("[tensordot] axes must be a list of two lists.")),
    }
}

/// See `mx.fast.scaled_dot_product_attention`.
pub fn attention(
    q: &Array,
    k: &Array,
    v: &Array,
    scale: f64,
    mask: Option<&MaskArg>,
    sinks: Option<&Array>,
    _force_fused: bool,
) -> R<Array> {
    let mask = match mask {
        None => ops::Mask::None,
        Some(MaskArg::Array(m)) => ops::Mask::Array(m),
        Some(MaskArg::Name(n)) if n == "causal" => ops::Mask::Causal,
        Some(MaskArg::Name(n)) if n.is_empty() => ops::Mask::None,
        Some(MaskArg::Name(n)) => {
            return Err(value(format!(
                "[scaled_dot_product_attention] Invalid mask type {n}. mask type must be 'causal'."
            )));
        }
    };
    Ok(ops::scaled_dot_product_attention(q, k, v, scale, mask, sinks)?)
}

/// A position in `0..n`, counted from the end when negative.
pub fn position(i: i64, n: usize) -> R<i64> {
    let at = if i < 0 { i + n as i64 } else { i };
    if at < 0 || at >= n as i64 {
        return Err(index(format!("[index] {i} is out of range for an axis of {n} elements.")));
    }
    Ok(at)
}
