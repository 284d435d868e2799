//! `Dtype`, its categories, `finfo` and `iinfo`.

use crate::array::PyArray;
use crate::error::{R, type_, value};
use mlx::DType;
use pyo3::basic::CompareOp;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyTuple};

/// The type of the elements of an array.
#[pyclass(name = "Dtype", module = "mlx.core", frozen, eq, from_py_object)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PyDtype(pub DType);

#[pymethods]
impl PyDtype {
    /// Bytes of an element.
    #[getter]
    fn size(&self) -> usize {
        self.0.size()
    }
    fn __hash__(&self) -> u64 {
        self.0 as u64
    }
    fn __repr__(&self) -> String {
        format!("mlx.core.{}", self.0)
    }
    /// Pickled by its name in `mlx.core`.
    fn __reduce__(&self) -> String {
        (if self.0 == DType::Bool { "bool_" } else { self.0.name() }).to_owned()
    }
}

/// The object of a dtype: one each, so that `is` works.
pub fn object(py: Python<'_>, d: DType) -> PyResult<&Py<PyDtype>> {
    static ALL: PyOnceLock<Vec<Py<PyDtype>>> = PyOnceLock::new();
    let all =
        ALL.get_or_try_init(py, || DType::ALL.into_iter().map(|d| Py::new(py, PyDtype(d))).collect::<PyResult<_>>())?;
    Ok(&all[d as usize])
}

/// A dtype argument.
#[derive(Clone, Copy)]
pub struct Dt(pub DType);

impl<'a, 'py> FromPyObject<'a, 'py> for Dt {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        match o.cast::<PyDtype>() {
            Ok(d) => Ok(Dt(d.get().0)),
            Err(_) => Err(PyTypeError::new_err(format!("expected a Dtype, got {}", o.get_type().name()?))),
        }
    }
}

/// A class of dtypes.
#[allow(non_camel_case_types)]
#[pyclass(name = "DtypeCategory", module = "mlx.core", frozen, eq, hash, from_py_object)]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Category {
    complexfloating,
    floating,
    inexact,
    signedinteger,
    unsignedinteger,
    integer,
    number,
    generic,
}

impl Category {
    const ALL: [(&'static str, Category); 8] = [
        ("complexfloating", Category::complexfloating),
        ("floating", Category::floating),
        ("inexact", Category::inexact),
        ("signedinteger", Category::signedinteger),
        ("unsignedinteger", Category::unsignedinteger),
        ("integer", Category::integer),
        ("number", Category::number),
        ("generic", Category::generic),
    ];
    fn parent(self) -> Option<Category> {
        match self {
            Category::complexfloating | Category::floating => Some(Category::inexact),
            Category::signedinteger | Category::unsignedinteger => Some(Category::integer),
            Category::inexact | Category::integer => Some(Category::number),
            Category::number => Some(Category::generic),
            Category::generic => None,
        }
    }
    fn of(d: DType) -> Category {
        use mlx_ir::Kind;
        match d.kind() {
            Kind::Bool => Category::generic,
            Kind::Unsigned => Category::unsignedinteger,
            Kind::Signed => Category::signedinteger,
            Kind::Float => Category::floating,
            Kind::Complex => Category::complexfloating,
        }
    }
    fn within(self, other: Category) -> bool {
        let mut at = Some(self);
        while let Some(c) = at {
            if c == other {
                return true;
            }
            at = c.parent();
        }
        false
    }
}

#[pymethods]
impl Category {
    fn __repr__(&self) -> String {
        format!("DtypeCategory.{self:?}")
    }
}

#[derive(FromPyObject)]
enum Class {
    Dtype(Py<PyDtype>),
    Category(Category),
}

/// Whether a dtype or category lies within another.
#[pyfunction]
#[pyo3(signature = (arg1, arg2, /))]
fn issubdtype(arg1: Class, arg2: Class) -> bool {
    match (arg1, arg2) {
        (Class::Dtype(a), Class::Dtype(b)) => a.get() == b.get(),
        (Class::Dtype(a), Class::Category(b)) => Category::of(a.get().0).within(b),
        (Class::Category(a), Class::Category(b)) => a.within(b),
        (Class::Category(_), Class::Dtype(_)) => false,
    }
}

/// Whether a dtype is one, or of a kind: 'bool', 'signed integer', 'unsigned integer', 'integral', 'real floating',
/// 'complex floating', 'numeric', or any of a tuple of these.
#[pyfunction]
fn isdtype(dtype: Dt, kind: &Bound<'_, PyAny>) -> R<bool> {
    if let Ok(d) = kind.cast::<PyDtype>() {
        return Ok(d.get().0 == dtype.0);
    }
    if let Ok(t) = kind.cast::<PyTuple>() {
        for k in t {
            if isdtype(dtype, &k)? {
                return Ok(true);
            }
        }
        return Ok(false);
    }
    let Ok(s) = kind.cast::<PyString>() else {
        return Err(type_("[isdtype] kind must be a Dtype, a string or a tuple of these"));
    };
    let c = Category::of(dtype.0);
    Ok(match s.to_cow()?.as_ref() {
        "bool" => dtype.0 == DType::Bool,
        "signed integer" => c == Category::signedinteger,
        "unsigned integer" => c == Category::unsignedinteger,
        "integral" => c.within(Category::integer),
        "real floating" => c == Category::floating,
        "complex floating" => c == Category::complexfloating,
        "numeric" => c.within(Category::number),
        other => return Err(value(format!("[isdtype] Unknown dtype kind '{other}'."))),
    })
}

#[derive(FromPyObject)]
enum ArrayOrDtype {
    Dtype(Dt),
    Array(Py<PyArray>),
}

impl ArrayOrDtype {
    fn dtype(&self) -> DType {
        match self {
            ArrayOrDtype::Dtype(d) => d.0,
            ArrayOrDtype::Array(a) => a.get().get().dtype(),
        }
    }
}

/// The dtype in which arrays and dtypes meet.
#[pyfunction]
#[pyo3(signature = (*arrays_and_dtypes))]
fn result_type(arrays_and_dtypes: Vec<ArrayOrDtype>) -> R<Dtype> {
    let d = arrays_and_dtypes.iter().map(ArrayOrDtype::dtype).reduce(DType::promote);
    d.map(Dtype).ok_or_else(|| value("[result_type] At least one array or dtype must be provided."))
}

/// Whether a conversion follows promotion.
#[pyfunction]
fn can_cast(from_: ArrayOrDtype, to: Dt) -> bool {
    from_.dtype().promote(to.0) == to.0
}

/// A dtype on its way to Python.
pub struct Dtype(pub DType);

impl<'py> IntoPyObject<'py> for Dtype {
    type Target = PyDtype;
    type Output = Bound<'py, PyDtype>;
    type Error = PyErr;
    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        Ok(object(py, self.0)?.bind(py).clone())
    }
}

/// Limits of a floating dtype.
#[pyclass(name = "finfo", module = "mlx.core", frozen)]
struct Finfo(DType, f64, f64, f64);

#[pymethods]
impl Finfo {
    #[new]
    #[pyo3(signature = (arg, /))]
    fn new(arg: Dt) -> R<Self> {
        // Largest finite, distance from one to the next, smallest normal.
        let (max, eps, tiny) = match arg.0 {
            DType::F16 => (65504.0, 2f64.powi(-10), 2f64.powi(-14)),
            DType::BF16 => (half::bf16::MAX.to_f64(), 2f64.powi(-7), 2f64.powi(-126)),
            DType::F32 | DType::C64 => (f32::MAX as f64, f32::EPSILON as f64, f32::MIN_POSITIVE as f64),
            DType::F64 => (f64::MAX, f64::EPSILON, f64::MIN_POSITIVE),
            d => return Err(value(format!("[finfo] dtype {d} is not inexact."))),
        };
        Ok(Finfo(if arg.0 == DType::C64 { DType::F32 } else { arg.0 }, max, eps, tiny))
    }
    #[getter]
    fn dtype(&self) -> Dtype {
        Dtype(self.0)
    }
    #[getter]
    fn bits(&self) -> usize {
        self.0.size() * 8
    }
    #[getter]
    fn min(&self) -> f64 {
        -self.1
    }
    #[getter]
    fn max(&self) -> f64 {
        self.1
    }
    #[getter]
    fn eps(&self) -> f64 {
        self.2
    }
    #[getter]
    fn smallest_normal(&self) -> f64 {
        self.3
    }
    fn __repr__(&self) -> String {
        let g = |x| crate::print::general(x, 6);
        format!("finfo(min={}, max={}, dtype={})", g(-self.1), g(self.1), self.0)
    }
}

/// Limits of an integer dtype.
#[pyclass(name = "iinfo", module = "mlx.core", frozen)]
struct Iinfo(DType, i128, i128);

#[pymethods]
impl Iinfo {
    #[new]
    #[pyo3(signature = (arg, /))]
    fn new(arg: Dt) -> R<Self> {
        let bits = arg.0.size() * 8;
        let d = arg.0;
        if !d.is_integer() {
            return Err(value(format!("[iinfo] Only integer types supported but {d} was provided")));
        }
        Ok(if d.is_unsigned() {
            Iinfo(d, 0, (1i128 << bits) - 1)
        } else {
            Iinfo(d, -(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
        })
    }
    #[getter]
    fn dtype(&self) -> Dtype {
        Dtype(self.0)
    }
    #[getter]
    fn min(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        integer(py, self.1)
    }
    #[getter]
    fn max(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        integer(py, self.2)
    }
    fn __repr__(&self) -> String {
        format!("iinfo(min={}, max={}, dtype={})", self.1, self.2, self.0)
    }
    fn __richcmp__(&self, other: &Iinfo, op: CompareOp) -> bool {
        match op {
            CompareOp::Eq => self.0 == other.0,
            CompareOp::Ne => self.0 != other.0,
            CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge => false,
        }
    }
}

fn integer(py: Python<'_>, x: i128) -> PyResult<Py<PyAny>> {
    Ok(match i64::try_from(x) {
        Ok(i) => i.into_pyobject(py)?.into_any().unbind(),
        Err(_) => (x as u64).into_pyobject(py)?.into_any().unbind(),
    })
}

/// Adds what is here to `mlx.core`.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyDtype>()?;
    m.add_class::<Category>()?;
    m.add_class::<Finfo>()?;
    m.add_class::<Iinfo>()?;
    for d in DType::ALL {
        let name = if d == DType::Bool { "bool_" } else { d.name() };
        m.add(name, object(m.py(), d)?.clone_ref(m.py()))?;
    }
    for (name, c) in Category::ALL {
        m.add(name, c)?;
    }
    m.add_function(wrap_pyfunction!(issubdtype, m)?)?;
    m.add_function(wrap_pyfunction!(isdtype, m)?)?;
    m.add_function(wrap_pyfunction!(result_type, m)?)?;
    m.add_function(wrap_pyfunction!(can_cast, m)?)
}
