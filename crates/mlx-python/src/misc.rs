//! Constants, memory, print options, functions of any number of arrays, and what only other devices have.

use crate::array::PyArray;
use crate::convert::{Operand, Returned, ShapeSeq, implicit};
use crate::dtype::Dtype;
use crate::error::{R, runtime, value};
use crate::stream::{self, StreamArg};
use crate::{print, tree};
use mlx::ops;
use mlx::{Array, DType, memory};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use std::sync::Mutex;

// ---- functions of any number of arrays ----

fn all(args: &Bound<'_, PyTuple>) -> R<Vec<Array>> {
    args.iter().map(|x| implicit(&x)).collect()
}

/// One array for one, a list for several.
fn each(args: &Bound<'_, PyTuple>, stream: Option<StreamArg>, f: fn(&Array) -> mlx::Result<Array>) -> R<Returned> {
    let arrays = all(args)?;
    let mut out = stream::on(stream, || Ok(arrays.iter().map(f).collect::<mlx::Result<Vec<_>>>()?))?;
    Ok(if out.len() == 1 { Returned::One(out.remove(0)) } else { Returned::List(out) })
}

/// At least one dimension.
#[pyfunction]
#[pyo3(signature = (*arys, stream = None))]
fn atleast_1d(arys: &Bound<'_, PyTuple>, stream: Option<StreamArg>) -> R<Returned> {
    each(arys, stream, ops::atleast_1d)
}

/// At least two dimensions.
#[pyfunction]
#[pyo3(signature = (*arys, stream = None))]
fn atleast_2d(arys: &Bound<'_, PyTuple>, stream: Option<StreamArg>) -> R<Returned> {
    each(arys, stream, ops::atleast_2d)
}

/// At least three dimensions.
#[pyfunction]
#[pyo3(signature = (*arys, stream = None))]
fn atleast_3d(arys: &Bound<'_, PyTuple>, stream: Option<StreamArg>) -> R<Returned> {
    each(arys, stream, ops::atleast_3d)
}

/// Arrays broadcast to their common shape.
#[pyfunction]
#[pyo3(signature = (*arrays, stream = None))]
fn broadcast_arrays(arrays: &Bound<'_, PyTuple>, stream: Option<StreamArg>) -> R<Returned> {
    let arrays = all(arrays)?;
    stream::on(stream, || Ok(Returned::List(ops::broadcast_arrays(&arrays)?)))
}

/// The shape to which shapes broadcast.
#[pyfunction]
#[pyo3(signature = (*shapes))]
fn broadcast_shapes<'py>(py: Python<'py>, shapes: &Bound<'py, PyTuple>) -> R<Bound<'py, PyTuple>> {
    let mut common: Option<mlx_ir::Shape> = None;
    for s in shapes.iter() {
        let s = s.extract::<ShapeSeq>()?.0;
        common = Some(match common {
            None => s.as_slice().into(),
            Some(c) => mlx_ir::desc::broadcast_shapes(&c, &s)
                .ok_or_else(|| value(format!("[broadcast_shapes] Shapes {c:?} and {s:?} cannot be broadcast.")))?,
        });
    }
    let common = common.ok_or_else(|| value("[broadcast_shapes] Must provide at least one shape."))?;
    Ok(PyTuple::new(py, common.iter())?)
}

/// Arrays over the grid of coordinates.
#[pyfunction]
#[pyo3(signature = (*arrays, sparse = false, indexing = "xy", stream = None))]
fn meshgrid(
    arrays: &Bound<'_, PyTuple>,
    sparse: Option<bool>,
    indexing: Option<&str>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let arrays = all(arrays)?;
    let (sparse, indexing) = (sparse.unwrap_or(false), indexing.unwrap_or("xy"));
    stream::on(stream, || Ok(Returned::Tuple(ops::meshgrid(&arrays, sparse, indexing)?)))
}

/// Sums of products by Einstein's notation.
#[pyfunction]
#[pyo3(signature = (subscripts, *operands, stream = None))]
fn einsum(subscripts: &str, operands: &Bound<'_, PyTuple>, stream: Option<StreamArg>) -> R<PyArray> {
    let operands = all(operands)?;
    stream::on(stream, || Ok(PyArray::new(ops::einsum(subscripts, &operands)?)))
}

/// The order in which `einsum` multiplies: positions in the list of operands, each product being appended; and a text
/// about its cost.
#[pyfunction]
#[pyo3(signature = (subscripts, *operands))]
fn einsum_path<'py>(
    py: Python<'py>,
    subscripts: &str,
    operands: &Bound<'py, PyTuple>,
) -> R<(Bound<'py, PyList>, String)> {
    let operands = all(operands)?;
    let shapes: Vec<&[usize]> = operands.iter().map(Array::shape).collect();
    let p = ops::einsum_path(subscripts, &shapes)?;
    let steps = p.steps.iter().map(|s| PyTuple::new(py, s)).collect::<PyResult<Vec<_>>>()?;
    Ok((PyList::new(py, steps)?, p.to_string()))
}

/// The distinct elements in ascending order, in an array of `size`; what is over is filled with `fill_value` (the first
/// element without). Positions of their first places, places of all elements among them, and how often they are there
/// are returned as asked for.
#[pyfunction]
#[pyo3(signature = (a, /, size, return_index = false, return_inverse = false, return_counts = false, fill_value = None, *, stream = None))]
fn unique(
    a: &Bound<'_, PyAny>,
    size: usize,
    return_index: bool,
    return_inverse: bool,
    return_counts: bool,
    fill_value: Option<Operand>,
    stream: Option<StreamArg>,
) -> R<Returned> {
    let a = implicit(a)?;
    stream::on(stream, || {
        let u = ops::unique(&a, size, fill_value.as_ref().map(|f| f as &dyn ops::Arg))?;
        let mut out = vec![u.values];
        let wanted = [(return_index, u.index), (return_inverse, u.inverse), (return_counts, u.counts)];
        out.extend(wanted.into_iter().filter(|w| w.0).map(|w| w.1));
        Ok(if out.len() == 1 { Returned::One(out.remove(0)) } else { Returned::Tuple(out) })
    })
}

// ---- memory ----

/// Bytes in use by arrays.
#[pyfunction]
fn get_active_memory() -> usize {
    memory::active()
}

/// Most bytes in use since the start or the last reset.
#[pyfunction]
fn get_peak_memory() -> usize {
    memory::peak()
}

/// Forgets the peak.
#[pyfunction]
fn reset_peak_memory() {
    memory::reset_peak();
}

/// Bytes kept for reuse.
#[pyfunction]
fn get_cache_memory() -> usize {
    memory::cache()
}

/// The limit above which making arrays fails.
#[pyfunction]
fn get_memory_limit() -> usize {
    memory::limit()
}

/// Sets the limit above which making arrays fails; returns the previous one.
#[pyfunction]
fn set_memory_limit(limit: usize) -> usize {
    memory::set_limit(limit)
}

/// Sets how many bytes are kept for reuse; returns the previous limit.
#[pyfunction]
fn set_cache_limit(limit: usize) -> usize {
    memory::set_cache_limit(limit)
}

/// Gives the kept bytes back to the system.
#[pyfunction]
fn clear_cache() {
    memory::clear_cache();
}

/// Memory is never kept resident here: nothing is set, and the previous limit was 0, as with the official package
/// without Metal.
#[pyfunction]
fn set_wired_limit(limit: usize) -> usize {
    let _ = limit;
    0
}

/// Bytes of the buffers of the arrays in trees, each buffer counted once.
#[pyfunction]
#[pyo3(signature = (*args))]
fn get_array_buffer_size(py: Python<'_>, args: &Bound<'_, PyTuple>) -> R<usize> {
    let mut arrays = Vec::new();
    tree::arrays_in(args.as_any(), &mut arrays)?;
    py.detach(|| mlx::eval(&arrays))?;
    let mut seen: Vec<mlx_ir::Buffer> = Vec::new();
    let mut total = 0;
    for a in &arrays {
        let (b, _, _) = a.storage()?;
        if !seen.iter().any(|s| s.same(&b)) {
            // Blocks are rounded up; what the elements need is meant.
            total += a.nbytes().min(b.len());
            seen.push(b);
        }
    }
    Ok(total)
}

// ---- print options ----

/// How arrays are printed.
#[pyclass(name = "PrintOptions", module = "mlx.core", frozen)]
struct PrintOptions {
    /// Decimals of floats; negative: six significant digits.
    #[pyo3(get)]
    precision: i64,
}

const DEFAULT_PRECISION: i64 = -1;

fn apply(precision: i64) {
    print::set_precision(precision.clamp(-1, 40) as i32);
}

static OPTIONS: Mutex<i64> = Mutex::new(DEFAULT_PRECISION);

fn set_options(precision: i64) -> i64 {
    apply(precision);
    std::mem::replace(&mut *OPTIONS.lock().unwrap_or_else(|e| e.into_inner()), precision)
}

#[pymethods]
impl PrintOptions {
    #[new]
    #[pyo3(signature = (precision = DEFAULT_PRECISION))]
    fn new(precision: i64) -> Self {
        PrintOptions { precision }
    }
}

/// How arrays are printed now.
#[pyfunction]
fn get_printoptions() -> PrintOptions {
    PrintOptions { precision: *OPTIONS.lock().unwrap_or_else(|e| e.into_inner()) }
}

/// Sets how arrays are printed.
#[pyfunction]
#[pyo3(signature = (precision = DEFAULT_PRECISION))]
fn set_printoptions(precision: i64) {
    set_options(precision);
}

/// Within it arrays are printed differently.
#[pyclass(name = "_PrintOptionsContext", module = "mlx.core", frozen)]
struct PrintOptionsContext {
    precision: i64,
    before: Mutex<Vec<i64>>,
}

#[pymethods]
impl PrintOptionsContext {
    fn __enter__(&self) -> PrintOptions {
        let before = set_options(self.precision);
        self.before.lock().unwrap_or_else(|e| e.into_inner()).push(before);
        PrintOptions { precision: self.precision }
    }
    #[pyo3(signature = (*_exc))]
    fn __exit__(&self, _exc: &Bound<'_, PyTuple>) {
        if let Some(p) = self.before.lock().unwrap_or_else(|e| e.into_inner()).pop() {
            set_options(p);
        }
    }
}

/// A context in which arrays are printed differently.
#[pyfunction]
#[pyo3(signature = (precision = DEFAULT_PRECISION))]
fn printoptions(precision: i64) -> PrintOptionsContext {
    PrintOptionsContext { precision, before: Mutex::default() }
}

// ---- one process of one ----

/// The processes that compute together: here always this one alone.
#[pyclass(name = "Group", module = "mlx.core.distributed", frozen)]
struct Group;

#[pymethods]
impl Group {
    /// This process's number.
    fn rank(&self) -> usize {
        0
    }
    /// How many there are.
    fn size(&self) -> usize {
        1
    }
    #[pyo3(signature = (color, key = -1))]
    fn split(&self, color: i64, key: i64) -> R<Group> {
        let _ = (color, key);
        Err(runtime("Cannot split the distributed group further."))
    }
}

/// Whether processes can compute together.
#[pyfunction]
#[pyo3(name = "is_available", signature = (backend = "any"))]
fn distributed_available(backend: &str) -> bool {
    backend == "any"
}

/// The group of all processes: this one.
#[pyfunction]
#[pyo3(name = "init", signature = (strict = false, backend = "any", *, all_gather_factory = None))]
fn distributed_init(strict: bool, backend: &str, all_gather_factory: Option<Bound<'_, PyAny>>) -> R<Group> {
    if strict || all_gather_factory.is_some() || backend != "any" {
        return Err(runtime("[distributed] Couldn't initialize any backend"));
    }
    Ok(Group)
}

/// Over one process: the array itself.
#[pyfunction]
#[pyo3(signature = (x, *, group = None, stream = None))]
fn alone(x: &Bound<'_, PyAny>, group: Option<Bound<'_, Group>>, stream: Option<StreamArg>) -> R<PyArray> {
    let _ = (group, stream);
    Ok(PyArray::new(implicit(x)?))
}

/// There is nobody to send to.
#[pyfunction]
#[pyo3(signature = (*_args, **_kwargs), text_signature = "(x, dst, *, group=None, stream=None)")]
fn send(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> R<()> {
    Err(value("Cannot send to a singleton group"))
}

/// There is nobody to receive from.
#[pyfunction]
#[pyo3(signature = (*_args, **_kwargs), text_signature = "(shape, dtype, src, *, group=None, stream=None)")]
fn recv(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> R<()> {
    Err(value("Cannot recv from a singleton group"))
}

/// There is nobody to receive from.
#[pyfunction]
#[pyo3(signature = (*args, **kwargs), text_signature = "(x, src, *, group=None, stream=None)")]
fn recv_like(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> R<()> {
    recv(args, kwargs)
}

/// Adds `mlx.core.distributed`.
pub fn distributed(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<Group>()?;
    m.add_function(wrap_pyfunction!(distributed_available, m)?)?;
    m.add_function(wrap_pyfunction!(distributed_init, m)?)?;
    let alone = wrap_pyfunction!(alone, m)?;
    for name in ["all_sum", "all_max", "all_min", "all_gather", "sum_scatter"] {
        m.add(name, &alone)?;
    }
    m.add_function(wrap_pyfunction!(send, m)?)?;
    m.add_function(wrap_pyfunction!(recv, m)?)?;
    m.add_function(wrap_pyfunction!(recv_like, m)?)
}

// ---- other devices ----

/// Never: the GPU here is a Vulkan device.
#[pyfunction]
#[pyo3(name = "is_available")]
fn never() -> bool {
    false
}

/// Nothing: there is no such device.
#[pyfunction]
#[pyo3(name = "device_info")]
fn nothing(py: Python<'_>) -> Bound<'_, PyDict> {
    PyDict::new(py)
}

/// Does nothing without a Metal device, as with the official package.
#[pyfunction]
fn start_capture(path: &str) {
    let _ = path;
}

/// Does nothing without a Metal device, as with the official package.
#[pyfunction]
fn stop_capture() {}

/// Adds `mlx.core.metal`.
pub fn metal(core: &Bound<'_, PyModule>, m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(never, m)?)?;
    m.add_function(wrap_pyfunction!(nothing, m)?)?;
    m.add_function(wrap_pyfunction!(start_capture, m)?)?;
    m.add_function(wrap_pyfunction!(stop_capture, m)?)?;
    for name in [
        "clear_cache",
        "get_active_memory",
        "get_cache_memory",
        "get_peak_memory",
        "reset_peak_memory",
        "set_cache_limit",
        "set_memory_limit",
        "set_wired_limit",
    ] {
        m.add(name, core.getattr(name)?)?;
    }
    Ok(())
}

/// Adds `mlx.core.cuda`.
pub fn cuda(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(never, m)?)
}

/// A kernel for a device that is not there: it can be made, not called.
#[pyclass(module = "mlx.core.fast", frozen)]
struct MetalKernel;

#[pymethods]
impl MetalKernel {
    #[pyo3(signature = (*_args, **_kwargs))]
    fn __call__(&self, _args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> R<()> {
        Err(runtime("[metal_kernel] No Metal back-end."))
    }
}

/// A Metal kernel, which cannot be called here.
#[pyfunction]
#[pyo3(signature = (name, input_names, output_names, source, header = "", ensure_row_contiguous = true, atomic_outputs = false, compile_options = None))]
fn metal_kernel(
    name: &str,
    input_names: Vec<String>,
    output_names: Vec<String>,
    source: &str,
    header: &str,
    ensure_row_contiguous: bool,
    atomic_outputs: bool,
    compile_options: Option<Bound<'_, PyAny>>,
) -> MetalKernel {
    let _ = (name, input_names, output_names, source, header, ensure_row_contiguous, atomic_outputs, compile_options);
    MetalKernel
}

/// There is no CUDA device.
#[pyfunction]
#[pyo3(
    signature = (*_args, **_kwargs),
    text_signature = "(name, input_names, output_names, source, header='', ensure_row_contiguous=True, shared_memory=0)"
)]
fn cuda_kernel(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> R<()> {
    Err(runtime("[cuda_kernel] No CUDA back-end."))
}

/// There is no CUDA device.
#[pyfunction]
#[pyo3(
    signature = (*args, **kwargs),
    text_signature = "(*, name, compiled_source, inputs, output_shapes, output_dtypes, scalars, grid, threadgroup, shared_memory=0, init_value=None, ensure_row_contiguous=False, stream=None)"
)]
fn precompiled_cuda_kernel(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> R<()> {
    cuda_kernel(args, kwargs)
}

/// Adds the kernels of other devices to `mlx.core.fast`.
pub fn kernels(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(metal_kernel, m)?)?;
    m.add_function(wrap_pyfunction!(cuda_kernel, m)?)?;
    m.add_function(wrap_pyfunction!(precompiled_cuda_kernel, m)?)
}

// ---- the rest ----

/// What has `__mlx_array__`: functions take it where they take arrays.
#[pyclass(name = "ArrayLike", module = "mlx.core", frozen)]
struct ArrayLike(Py<PyAny>);

#[pymethods]
impl ArrayLike {
    #[new]
    #[pyo3(signature = (arg, /))]
    fn new(arg: Bound<'_, PyAny>) -> R<Self> {
        // As in the official package, what the object can do is asked when an array is made of it.
        Ok(ArrayLike(arg.unbind()))
    }
    fn __mlx_array__(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.0.call_method0(py, "__mlx_array__")
    }
}

/// What the array API standard asks of a namespace about itself.
#[pyclass(name = "ArrayNamespaceInfo", module = "mlx.core", frozen)]
struct NamespaceInfo;

#[pymethods]
impl NamespaceInfo {
    /// What arrays can do.
    fn capabilities<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let d = PyDict::new(py);
        d.set_item("boolean indexing", false)?;
        d.set_item("data-dependent shapes", false)?;
        // Shapes have no fixed limit; the official package's is kept for programs that ask.
        d.set_item("max dimensions", 10)?;
        Ok(d)
    }
    /// The device where work goes.
    fn default_device<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("mlx.core")?.call_method0("default_device")
    }
    /// The devices that are there.
    fn devices<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let core = py.import("mlx.core")?;
        let device = core.getattr("Device")?;
        let kinds = ["cpu", "gpu"].into_iter().filter(|k| *k == "cpu" || mlx::Device::Gpu.is_available());
        let all = kinds.map(|k| device.call1((core.getattr(k)?,))).collect::<PyResult<Vec<_>>>()?;
        PyTuple::new(py, all)
    }
    /// Dtypes of results where none is given.
    #[pyo3(signature = (*, device = None))]
    fn default_dtypes<'py>(&self, py: Python<'py>, device: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyDict>> {
        let _ = device;
        let d = PyDict::new(py);
        for (k, dtype) in [
            ("real floating", DType::F32),
            ("complex floating", DType::C64),
            ("integral", DType::I32),
            ("indexing", DType::I32),
        ] {
            d.set_item(k, Dtype(dtype))?;
        }
        Ok(d)
    }
    /// The dtypes of the standard that are there.
    #[pyo3(signature = (*, device = None, kind = None))]
    fn dtypes<'py>(
        &self,
        py: Python<'py>,
        device: Option<Bound<'py, PyAny>>,
        kind: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let _ = device;
        let isdtype = py.import("mlx.core")?.getattr("isdtype")?;
        let d = PyDict::new(py);
        for dtype in DType::ALL {
            if matches!(dtype, DType::F16 | DType::BF16) {
                continue;
            }
            let wanted = match &kind {
                Some(k) => isdtype.call1((Dtype(dtype), k))?.is_truthy()?,
                None => true,
            };
            if wanted {
                d.set_item(dtype.name(), Dtype(dtype))?;
            }
        }
        Ok(d)
    }
}

/// What the array API standard asks of a namespace about itself.
#[pyfunction]
fn __array_namespace_info__() -> NamespaceInfo {
    NamespaceInfo
}

/// Adds what is here to `mlx.core`.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add("__version__", "0.32.4")?;
    m.add("pi", std::f64::consts::PI)?;
    m.add("e", std::f64::consts::E)?;
    m.add("euler_gamma", 0.577_215_664_901_532_9)?;
    m.add("inf", f64::INFINITY)?;
    m.add("nan", f64::NAN)?;
    m.add("newaxis", m.py().None())?;
    m.add_class::<PrintOptions>()?;
    m.add_class::<ArrayLike>()?;
    for f in [
        wrap_pyfunction!(atleast_1d, m)?,
        wrap_pyfunction!(atleast_2d, m)?,
        wrap_pyfunction!(atleast_3d, m)?,
        wrap_pyfunction!(broadcast_arrays, m)?,
        wrap_pyfunction!(broadcast_shapes, m)?,
        wrap_pyfunction!(meshgrid, m)?,
        wrap_pyfunction!(einsum, m)?,
        wrap_pyfunction!(einsum_path, m)?,
        wrap_pyfunction!(unique, m)?,
        wrap_pyfunction!(get_active_memory, m)?,
        wrap_pyfunction!(get_peak_memory, m)?,
        wrap_pyfunction!(reset_peak_memory, m)?,
        wrap_pyfunction!(get_cache_memory, m)?,
        wrap_pyfunction!(get_memory_limit, m)?,
        wrap_pyfunction!(set_memory_limit, m)?,
        wrap_pyfunction!(set_cache_limit, m)?,
        wrap_pyfunction!(set_wired_limit, m)?,
        wrap_pyfunction!(clear_cache, m)?,
        wrap_pyfunction!(get_array_buffer_size, m)?,
        wrap_pyfunction!(get_printoptions, m)?,
        wrap_pyfunction!(set_printoptions, m)?,
        wrap_pyfunction!(printoptions, m)?,
        wrap_pyfunction!(__array_namespace_info__, m)?,
    ] {
        m.add_function(f)?;
    }
    Ok(())
}
