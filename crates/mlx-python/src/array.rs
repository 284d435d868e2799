//! The class `array`: what it is made of and its protocols. Operators, and methods that are functions of arrays, are in
//! `functions/array.rs`.

use crate::convert::{Axes, IntSeq, Operand, Returned, settle};
use crate::dtype::{Dt, Dtype};
use crate::error::{R, type_, value};
use crate::stream::{self, StreamArg};
use crate::{create, index, print};
use half::{bf16, f16};
use mlx::ops::{self, Arg, Scalar};
use mlx::{Array, C64, DType};
use pyo3::IntoPyObjectExt;
use pyo3::basic::CompareOp;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyComplex, PyDict, PyList, PyString, PyTuple};
use std::sync::Mutex;

/// An N-dimensional array, computed when its values are needed.
// Item assignment and in-place operators give the object another array, so it is a cell; nothing is called while it is
// locked.
#[pyclass(name = "array", module = "mlx.core", frozen, subclass, weakref)]
pub struct PyArray(Mutex<Array>);

impl PyArray {
    /// An object of an array.
    pub fn new(a: Array) -> Self {
        PyArray(Mutex::new(a))
    }
    /// The array it stands for now.
    pub fn get(&self) -> Array {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).clone()
    }
    /// Lets the object stand for another array.
    pub fn set(&self, a: Array) {
        let old = std::mem::replace(&mut *self.0.lock().unwrap_or_else(|e| e.into_inner()), a);
        drop(old);
    }
    /// The array, computed; the interpreter is free meanwhile.
    pub fn computed(&self, py: Python<'_>) -> R<Array> {
        let a = self.get();
        if !a.is_evaluated() {
            py.detach(|| a.eval())?;
        }
        Ok(a)
    }
    fn single(&self, py: Python<'_>) -> R<Array> {
        let a = self.get();
        if a.size() != 1 {
            return Err(value("[convert] Only length-1 arrays can be converted to Python scalars."));
        }
        self.computed(py)
    }
}

/// The Python number of the only element.
fn number<'py>(py: Python<'py>, a: &Array) -> R<Bound<'py, PyAny>> {
    Ok(match a.dtype() {
        DType::Bool => a.item::<bool>()?.into_bound_py_any(py)?,
        DType::U8 => a.item::<u8>()?.into_bound_py_any(py)?,
        DType::U16 => a.item::<u16>()?.into_bound_py_any(py)?,
        DType::U32 => a.item::<u32>()?.into_bound_py_any(py)?,
        DType::U64 => a.item::<u64>()?.into_bound_py_any(py)?,
        DType::I8 => a.item::<i8>()?.into_bound_py_any(py)?,
        DType::I16 => a.item::<i16>()?.into_bound_py_any(py)?,
        DType::I32 => a.item::<i32>()?.into_bound_py_any(py)?,
        DType::I64 => a.item::<i64>()?.into_bound_py_any(py)?,
        DType::F16 => a.item::<f16>()?.to_f64().into_bound_py_any(py)?,
        DType::BF16 => a.item::<bf16>()?.to_f64().into_bound_py_any(py)?,
        DType::F32 => f64::from(a.item::<f32>()?).into_bound_py_any(py)?,
        DType::F64 => a.item::<f64>()?.into_bound_py_any(py)?,
        DType::C64 => complex(py, a.item::<C64>()?).into_any(),
    })
}

fn complex(py: Python<'_>, c: C64) -> Bound<'_, PyComplex> {
    PyComplex::from_doubles(py, f64::from(c.re), f64::from(c.im))
}

/// Elements as nested lists.
fn nested<'py, T: Copy>(
    py: Python<'py>,
    values: &[T],
    shape: &[usize],
    one: &impl Fn(T) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    match shape {
        [] => one(values[0]),
        [_] => {
            let items = values.iter().map(|&v| one(v)).collect::<PyResult<Vec<_>>>()?;
            Ok(PyList::new(py, items)?.into_any())
        }
        [n, rest @ ..] => {
            let each = values.len().checked_div(*n).unwrap_or(0);
            let items = (0..*n)
                .map(|i| nested(py, &values[i * each..(i + 1) * each], rest, one))
                .collect::<PyResult<Vec<_>>>()?;
            Ok(PyList::new(py, items)?.into_any())
        }
    }
}

fn list<'py>(py: Python<'py>, a: &Array) -> R<Bound<'py, PyAny>> {
    macro_rules! of {
        ($t:ty, $f:expr) => {{
            let f = $f;
            nested(py, &a.to_vec::<$t>()?, a.shape(), &|v| f(v).into_bound_py_any(py))?
        }};
    }
    Ok(match a.dtype() {
        DType::Bool => of!(bool, |v: bool| v),
        DType::U8 => of!(u8, |v: u8| v),
        DType::U16 => of!(u16, |v: u16| v),
        DType::U32 => of!(u32, |v: u32| v),
        DType::U64 => of!(u64, |v: u64| v),
        DType::I8 => of!(i8, |v: i8| v),
        DType::I16 => of!(i16, |v: i16| v),
        DType::I32 => of!(i32, |v: i32| v),
        DType::I64 => of!(i64, |v: i64| v),
        DType::F16 => of!(f16, f16::to_f64),
        DType::BF16 => of!(bf16, bf16::to_f64),
        DType::F32 => of!(f32, f64::from),
        DType::F64 => of!(f64, |v: f64| v),
        DType::C64 => nested(py, &a.to_vec::<C64>()?, a.shape(), &|v| Ok(complex(py, v).into_any()))?,
    })
}

/// A function of two operands.
pub type Binary = fn(Operand, Operand) -> mlx::Result<Array>;

/// The operator `/=` keeps the dtype's kind: integers cannot be divided in place.
pub fn divisible(a: &PyArray) -> R<()> {
    if a.get().dtype().is_inexact() {
        return Ok(());
    }
    Err(value("In place division cannot cast to non-floating point type."))
}

/// Operators on bits take no floats.
pub fn bits(f: Binary) -> impl Fn(Operand, Operand) -> mlx::Result<Array> {
    move |a, b| {
        let inexact = |o: &Operand| match (o.array(), o.scalar()) {
            (Some(x), _) => x.dtype().is_inexact(),
            (None, s) => matches!(s, Some(Scalar::Float(_) | Scalar::Complex(_))),
        };
        if inexact(&a) || inexact(&b) {
            return Err(mlx::Error::value("Floating point types not allowed with bitwise operators."));
        }
        f(a, b)
    }
}

/// An operator with another object, in exchanged places with `swap`.
pub fn operator(
    a: &PyArray,
    other: &Bound<'_, PyAny>,
    what: &str,
    swap: bool,
    f: impl Fn(Operand, Operand) -> mlx::Result<Array>,
) -> R<Array> {
    let Some(mut b) = Operand::of(other)? else {
        if other.is_none() {
            return Err(type_(format!("Cannot perform {what} on an mlx.core.array and None")));
        }
        return Err(value(format!("Cannot perform {what} on an mlx.core.array and {}", other.get_type().name()?)));
    };
    let mut a = Operand::Array(a.get());
    if let Operand::Foreign(_) = b {
        settle([Some(&mut a), Some(&mut b)])?;
    }
    Ok(if swap { f(b, a)? } else { f(a, b)? })
}

fn matmul(a: &PyArray, other: &Bound<'_, PyAny>) -> R<Array> {
    let Ok(b) = other.cast::<PyArray>() else {
        return Err(type_(format!("@ takes two arrays, got {}", other.get_type().name()?)));
    };
    Ok(ops::matmul(&a.get(), &b.get().get())?)
}

fn equality(a: &PyArray, py: Python<'_>, other: &Bound<'_, PyAny>, unequal: bool) -> R<Py<PyAny>> {
    if !other.is_none() && Operand::of(other)?.is_none() {
        return Ok(unequal.into_py_any(py)?);
    }
    let f: Binary = if unequal { |a, b| ops::not_equal(a, b) } else { |a, b| ops::equal(a, b) };
    Ok(Py::new(py, PyArray::new(operator(a, other, "equality", false, f)?))?.into_any())
}

#[pymethods]
impl PyArray {
    #[new]
    #[pyo3(signature = (val, dtype = None))]
    fn py_new(val: &Bound<'_, PyAny>, dtype: Option<Dt>) -> R<Self> {
        Ok(PyArray::new(create::array(val, dtype.map(|d| d.0))?))
    }

    // ---- description ----

    /// Sizes of the dimensions.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.get().shape())
    }
    /// Type of the elements.
    #[getter]
    fn dtype(&self) -> Dtype {
        Dtype(self.get().dtype())
    }
    /// Number of elements.
    #[getter]
    fn size(&self) -> usize {
        self.get().size()
    }
    /// Number of dimensions.
    #[getter]
    fn ndim(&self) -> usize {
        self.get().ndim()
    }
    /// Bytes of an element.
    #[getter]
    fn itemsize(&self) -> usize {
        self.get().dtype().size()
    }
    /// Bytes of all elements.
    #[getter]
    fn nbytes(&self) -> usize {
        self.get().nbytes()
    }
    /// Transposed.
    #[getter(T)]
    fn transposed(&self) -> R<PyArray> {
        Ok(PyArray::new(ops::transpose(&self.get(), None)?))
    }
    /// The last two axes exchanged.
    #[getter(mT)]
    fn matrix_transposed(&self) -> R<PyArray> {
        Ok(PyArray::new(ops::matrix_transpose(&self.get())?))
    }
    /// Real part.
    #[getter]
    fn real(&self) -> R<PyArray> {
        Ok(PyArray::new(ops::real(self.get())?))
    }
    /// Imaginary part.
    #[getter]
    fn imag(&self) -> R<PyArray> {
        Ok(PyArray::new(ops::imag(self.get())?))
    }
    /// Updates at indices: `a.at[indices].add(values)`, where repeated indices accumulate.
    #[getter]
    fn at(&self) -> index::ArrayAt {
        index::ArrayAt::new(self.get())
    }

    // ---- shapes as separate arguments ----

    /// The same elements in another shape.
    #[pyo3(signature = (*shape, stream = None))]
    fn reshape(&self, shape: &Bound<'_, PyTuple>, stream: Option<StreamArg>) -> R<PyArray> {
        let shape = several(shape)?;
        stream::on(stream, || Ok(PyArray::new(ops::reshape(&self.get(), &shape.0)?)))
    }
    /// Axes permuted; reversed by default.
    #[pyo3(signature = (*axes, stream = None))]
    fn transpose(&self, axes: &Bound<'_, PyTuple>, stream: Option<StreamArg>) -> R<PyArray> {
        let axes = match axes.len() {
            0 => None,
            1 if axes.get_item(0)?.is_none() => None,
            _ => Some(several(axes)?),
        };
        stream::on(stream, || Ok(PyArray::new(ops::transpose(&self.get(), axes.as_ref().map(|a| &a.0[..]))?)))
    }

    // ---- operators ----

    fn __pow__(&self, other: &Bound<'_, PyAny>, modulo: &Bound<'_, PyAny>) -> R<PyArray> {
        no_modulo(modulo)?;
        Ok(PyArray::new(operator(self, other, "power", false, ops::power)?))
    }
    fn __rpow__(&self, other: &Bound<'_, PyAny>, modulo: &Bound<'_, PyAny>) -> R<PyArray> {
        no_modulo(modulo)?;
        Ok(PyArray::new(operator(self, other, "power", true, ops::power)?))
    }
    fn __ipow__(&self, other: &Bound<'_, PyAny>, modulo: &Bound<'_, PyAny>) -> R<()> {
        no_modulo(modulo)?;
        self.set(operator(self, other, "power", false, ops::power)?);
        Ok(())
    }
    fn __div__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "division", false, ops::divide)?))
    }
    fn __rdiv__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(operator(self, other, "division", true, ops::divide)?))
    }
    fn __matmul__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(matmul(self, other)?))
    }
    fn __imatmul__(&self, other: &Bound<'_, PyAny>) -> R<()> {
        self.set(matmul(self, other)?);
        Ok(())
    }
    fn __richcmp__(&self, py: Python<'_>, other: &Bound<'_, PyAny>, op: CompareOp) -> R<Py<PyAny>> {
        let (what, f): (_, Binary) = match op {
            CompareOp::Eq => return equality(self, py, other, false),
            CompareOp::Ne => return equality(self, py, other, true),
            CompareOp::Lt => ("less than", |a, b| ops::less(a, b)),
            CompareOp::Le => ("less than or equal", |a, b| ops::less_equal(a, b)),
            CompareOp::Gt => ("greater than", |a, b| ops::greater(a, b)),
            CompareOp::Ge => ("greater than or equal", |a, b| ops::greater_equal(a, b)),
        };
        Ok(Py::new(py, PyArray::new(operator(self, other, what, false, f)?))?.into_any())
    }
    fn __hash__(slf: &Bound<'_, Self>) -> isize {
        slf.as_ptr() as isize >> 4
    }
    fn __neg__(&self) -> R<PyArray> {
        Ok(PyArray::new(ops::negative(self.get())?))
    }
    fn __pos__(&self) -> PyArray {
        PyArray::new(self.get())
    }
    fn __abs__(&self) -> R<PyArray> {
        Ok(PyArray::new(ops::abs(self.get())?))
    }
    fn __invert__(&self) -> R<PyArray> {
        Ok(PyArray::new(ops::bitwise_invert(self.get())?))
    }

    // ---- values ----

    /// The only element as a Python number.
    fn item<'py>(&self, py: Python<'py>) -> R<Bound<'py, PyAny>> {
        number(py, &self.single(py)?)
    }
    /// The elements as nested lists, or the number of a 0-d array.
    fn tolist<'py>(&self, py: Python<'py>) -> R<Bound<'py, PyAny>> {
        list(py, &self.computed(py)?)
    }
    fn __bool__(&self, py: Python<'_>) -> R<bool> {
        Ok(number(py, &self.single(py)?)?.is_truthy()?)
    }
    fn __int__<'py>(&self, py: Python<'py>) -> R<Bound<'py, PyAny>> {
        Ok(number(py, &self.single(py)?)?.call_method0("__int__")?)
    }
    fn __float__(&self, py: Python<'_>) -> R<f64> {
        Ok(number(py, &self.single(py)?)?.extract()?)
    }
    fn __complex__<'py>(&self, py: Python<'py>) -> R<Bound<'py, PyAny>> {
        let x = number(py, &self.single(py)?)?;
        Ok(py.get_type::<PyComplex>().call1((x,))?)
    }
    fn __index__<'py>(&self, py: Python<'py>) -> R<Bound<'py, PyAny>> {
        let a = self.get();
        if a.ndim() != 0 || !a.dtype().is_integer() {
            return Err(type_("Only 0-dimensional integer arrays can be converted to an index."));
        }
        number(py, &self.computed(py)?)
    }
    fn __bytes__<'py>(&self, py: Python<'py>) -> R<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &self.computed(py)?.to_bytes()?))
    }
    fn __repr__(&self, py: Python<'_>) -> R<String> {
        print::array(&self.computed(py)?)
    }
    fn __format__(&self, py: Python<'_>, spec: &Bound<'_, PyString>) -> R<String> {
        if self.get().ndim() == 0 {
            let x = number(py, &self.computed(py)?)?;
            return Ok(py.import("builtins")?.call_method1("format", (x, spec))?.extract()?);
        }
        if spec.len()? == 0 {
            return self.__repr__(py);
        }
        Err(type_("unsupported format string passed to mx.array.__format__"))
    }

    // ---- elements ----

    fn __len__(&self) -> R<usize> {
        self.get().shape().first().copied().ok_or_else(|| type_("len() 0-dimensional array."))
    }
    fn __iter__(&self) -> R<ArrayIterator> {
        let a = self.get();
        if a.ndim() == 0 {
            return Err(type_("iter() 0-dimensional array."));
        }
        Ok(ArrayIterator { array: a, next: Mutex::new(0) })
    }
    fn __getitem__(&self, key: &Bound<'_, PyAny>) -> R<PyArray> {
        Ok(PyArray::new(index::get(&self.get(), key)?))
    }
    fn __setitem__(&self, key: &Bound<'_, PyAny>, val: &Bound<'_, PyAny>) -> R<()> {
        self.set(index::set(&self.get(), key, val)?);
        Ok(())
    }

    // ---- protocols ----

    #[pyo3(signature = (dtype = None, copy = None))]
    fn __array__<'py>(
        slf: &Bound<'py, Self>,
        dtype: Option<Bound<'py, PyAny>>,
        copy: Option<Bound<'py, PyAny>>,
    ) -> R<Bound<'py, PyAny>> {
        let py = slf.py();
        slf.get().computed(py)?;
        let numpy = py.import("numpy")?;
        let view = py.get_type::<pyo3::types::PyMemoryView>().call1((slf,))?;
        let keywords = PyDict::new(py);
        if let Some(d) = dtype {
            keywords.set_item("dtype", d)?;
        }
        if copy.as_ref().map(|c| c.is_truthy()).transpose()?.unwrap_or(false) {
            return Ok(numpy.call_method("array", (view,), Some(&keywords))?);
        }
        Ok(numpy.call_method("asarray", (view,), Some(&keywords))?)
    }
    #[pyo3(signature = (api_version = None))]
    fn __array_namespace__<'py>(&self, py: Python<'py>, api_version: Option<&str>) -> R<Bound<'py, PyModule>> {
        match api_version {
            None | Some("2024.12" | "2023.12" | "2022.12" | "2021.12") => Ok(py.import("mlx.core")?),
            Some(v) => Err(value(format!("[__array_namespace__] Version {v} of the array API is not supported."))),
        }
    }
    fn __copy__(&self) -> PyArray {
        PyArray::new(self.get())
    }
    fn __deepcopy__(&self, memo: &Bound<'_, PyAny>) -> R<PyArray> {
        let _ = memo;
        Ok(PyArray::new(ops::contiguous(&self.get())?))
    }
    fn __getnewargs__(&self) -> (i32,) {
        (0,)
    }
    fn __getstate__<'py>(&self, py: Python<'py>) -> R<(Bound<'py, PyBytes>, Bound<'py, PyTuple>, u8)> {
        let a = self.computed(py)?;
        Ok((PyBytes::new(py, &a.to_bytes()?), PyTuple::new(py, a.shape())?, a.dtype() as u8))
    }
    fn __setstate__(&self, state: (Bound<'_, PyBytes>, Vec<usize>, usize)) -> R<()> {
        let dtype = DType::ALL.get(state.2).ok_or_else(|| value("[array] Unknown dtype in a pickled array."))?;
        self.set(Array::from_bytes(state.0.as_bytes(), &state.1, *dtype)?);
        Ok(())
    }
}

fn no_modulo(modulo: &Bound<'_, PyAny>) -> R<()> {
    if modulo.is_none() { Ok(()) } else { Err(type_("pow() of arrays takes no modulo")) }
}

/// Ints given one by one, or as one sequence.
fn several(args: &Bound<'_, PyTuple>) -> R<Axes> {
    if args.len() == 1 {
        return Ok(args.get_item(0)?.extract::<Axes>()?);
    }
    Ok(Axes(args.extract::<IntSeq>()?.0))
}

/// The slices of an array along its first axis.
#[pyclass(name = "ArrayIterator", module = "mlx.core", frozen)]
pub struct ArrayIterator {
    array: Array,
    next: Mutex<usize>,
}

#[pymethods]
impl ArrayIterator {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }
    fn __next__(&self) -> R<Option<Returned>> {
        let i = {
            let mut next = self.next.lock().unwrap_or_else(|e| e.into_inner());
            *next += 1;
            *next - 1
        };
        if i >= self.array.shape()[0] {
            return Ok(None);
        }
        let row = ops::slice_axis(&self.array, 0, i as i64, i as i64 + 1)?;
        Ok(Some(Returned::from(ops::squeeze(&row, Some(&[0]))?)))
    }
}

/// Adds what is here to `mlx.core`.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyArray>()?;
    m.add_class::<ArrayIterator>()?;
    m.add_class::<index::ArrayAt>()
}
