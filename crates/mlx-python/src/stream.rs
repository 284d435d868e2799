//! Devices and streams.

use crate::error::{R, value};
use mlx::{Device, Place, Stream};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Mutex;

/// A kind of device.
#[allow(non_camel_case_types)]
#[pyclass(name = "DeviceType", module = "mlx.core", frozen)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PyDeviceType {
    cpu,
    gpu,
}

impl PyDeviceType {
    fn device(self) -> Device {
        match self {
            PyDeviceType::cpu => Device::Cpu,
            PyDeviceType::gpu => Device::Gpu,
        }
    }
    fn of(d: Device) -> Self {
        match d {
            Device::Cpu => PyDeviceType::cpu,
            Device::Gpu => PyDeviceType::gpu,
        }
    }
}

#[pymethods]
impl PyDeviceType {
    fn __repr__(&self) -> String {
        format!("DeviceType.{self:?}")
    }
    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        if let Ok(d) = other.cast::<PyDevice>() {
            return d.get().kind == *self && d.get().index == 0;
        }
        other.cast::<PyDeviceType>().is_ok_and(|d| d.get() == self)
    }
    // A device of index 0 equals its type, so they have one hash.
    fn __hash__(&self) -> i64 {
        *self as i64
    }
}

/// A device.
#[pyclass(name = "Device", module = "mlx.core", frozen)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PyDevice {
    kind: PyDeviceType,
    index: i64,
}

#[pymethods]
impl PyDevice {
    #[new]
    #[pyo3(signature = (r#type, index = 0))]
    fn new(r#type: &Bound<'_, PyDeviceType>, index: i64) -> Self {
        PyDevice { kind: *r#type.get(), index }
    }
    /// cpu or gpu.
    #[getter]
    fn r#type(&self) -> PyDeviceType {
        self.kind
    }
    fn __repr__(&self) -> String {
        format!("Device({:?}, {})", self.kind, self.index)
    }
    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        if let Ok(d) = other.cast::<PyDeviceType>() {
            return self.kind == *d.get() && self.index == 0;
        }
        other.cast::<PyDevice>().is_ok_and(|d| d.get() == self)
    }
    fn __hash__(&self) -> i64 {
        self.kind as i64 + 2 * self.index
    }
}

/// An ordered queue of work on a device.
#[pyclass(name = "Stream", module = "mlx.core", frozen, hash, eq)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PyStream(pub Stream);

#[pymethods]
impl PyStream {
    #[getter]
    fn device(&self) -> PyDevice {
        PyDevice { kind: PyDeviceType::of(self.0.device), index: 0 }
    }
    fn __repr__(&self) -> String {
        format!("Stream(Device({}, 0), {})", self.0.device, self.0.index)
    }
}

/// A stream of each thread's own, made when the thread first uses it.
#[pyclass(name = "ThreadLocalStream", module = "mlx.core", frozen, hash, eq)]
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PyThreadLocalStream {
    device: Device,
    number: u64,
}

thread_local! {
    static OWN: RefCell<HashMap<u64, Stream>> = RefCell::default();
}

impl PyThreadLocalStream {
    fn stream(&self) -> R<Stream> {
        if let Some(s) = OWN.with(|o| o.borrow().get(&self.number).copied()) {
            return Ok(s);
        }
        let s = Stream::new(self.device)?;
        OWN.with(|o| o.borrow_mut().insert(self.number, s));
        Ok(s)
    }
}

#[pymethods]
impl PyThreadLocalStream {
    #[getter]
    fn device(&self) -> PyDevice {
        PyDevice { kind: PyDeviceType::of(self.device), index: 0 }
    }
    fn __repr__(&self) -> String {
        format!("ThreadLocalStream(Device({}, 0), {})", self.device, self.number)
    }
}

/// The `stream=` argument.
#[derive(Clone, Copy)]
pub struct StreamArg(Stream);

fn gpu_or(device: Device, op: &str, what: &str) -> R<()> {
    if device == Device::Gpu && !device.is_available() {
        return Err(value(format!("[{op}] Cannot {what} without gpu backend.")));
    }
    Ok(())
}

impl<'a, 'py> FromPyObject<'a, 'py> for StreamArg {
    type Error = PyErr;
    fn extract(o: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(s) = o.cast::<PyStream>() {
            return Ok(StreamArg(s.get().0));
        }
        if let Ok(s) = o.cast::<PyThreadLocalStream>() {
            return Ok(StreamArg(s.get().stream()?));
        }
        let device = device(&o)?;
        gpu_or(device, "default_stream", "get gpu stream")?;
        Ok(StreamArg(mlx::default_stream(device)))
    }
}

/// The device of a `Device` or `DeviceType`.
fn device(o: &Bound<'_, PyAny>) -> PyResult<Device> {
    if let Ok(d) = o.cast::<PyDeviceType>() {
        return Ok(d.get().device());
    }
    if let Ok(d) = o.cast::<PyDevice>() {
        return Ok(d.get().kind.device());
    }
    Err(PyTypeError::new_err(format!("expected a stream or device, got {}", o.get_type().name()?)))
}

/// Runs `f` with the given stream as current, if one is given.
pub fn on<T>(stream: Option<StreamArg>, f: impl FnOnce() -> R<T>) -> R<T> {
    match stream {
        None => f(),
        Some(StreamArg(s)) => mlx::on(s, f),
    }
}

/// Within it, work goes to a stream or device.
#[pyclass(name = "StreamContext", module = "mlx.core", frozen)]
struct StreamContext {
    what: Py<PyAny>,
    before: Mutex<Vec<Place>>,
}

#[pymethods]
impl StreamContext {
    #[new]
    fn new(s: Bound<'_, PyAny>) -> PyResult<Self> {
        s.extract::<StreamArg>()?;
        Ok(StreamContext { what: s.unbind(), before: Mutex::default() })
    }
    fn __enter__(&self, py: Python<'_>) -> PyResult<()> {
        let s = self.what.bind(py).extract::<StreamArg>()?;
        let before = mlx::enter(s.0);
        self.before.lock().unwrap_or_else(|e| e.into_inner()).push(before);
        Ok(())
    }
    #[pyo3(signature = (exc_type = None, exc_value = None, traceback = None))]
    fn __exit__(&self, exc_type: Option<Py<PyAny>>, exc_value: Option<Py<PyAny>>, traceback: Option<Py<PyAny>>) {
        let _ = (exc_type, exc_value, traceback);
        if let Some(p) = self.before.lock().unwrap_or_else(|e| e.into_inner()).pop() {
            mlx::leave(p);
        }
    }
}

/// A context in which work goes to a stream or device.
#[pyfunction]
fn stream(s: Bound<'_, PyAny>) -> PyResult<StreamContext> {
    StreamContext::new(s)
}

/// The device where work goes.
#[pyfunction]
fn default_device() -> PyDevice {
    PyDevice { kind: PyDeviceType::of(mlx::default_device()), index: 0 }
}

/// Sets the device where work goes.
#[pyfunction]
fn set_default_device(device: &Bound<'_, PyAny>) -> R<()> {
    let d = self::device(device)?;
    gpu_or(d, "set_default_device", "set gpu device")?;
    Ok(mlx::set_default_device(d)?)
}

/// This thread's stream of a device.
#[pyfunction]
fn default_stream(device: &Bound<'_, PyAny>) -> R<PyStream> {
    let d = self::device(device)?;
    gpu_or(d, "default_stream", "get gpu stream")?;
    Ok(PyStream(mlx::default_stream(d)))
}

/// Sets this thread's stream of its device.
#[pyfunction]
fn set_default_stream(stream: &Bound<'_, PyStream>) {
    mlx::set_default_stream(stream.get().0);
}

/// A new stream. It may be used from any thread.
#[pyfunction]
fn new_stream(device: &Bound<'_, PyAny>) -> R<PyStream> {
    let d = self::device(device)?;
    gpu_or(d, "new_stream", "make gpu stream")?;
    Ok(PyStream(Stream::new(d)?))
}

/// A stream of each thread's own.
#[pyfunction]
fn new_thread_local_stream(device: &Bound<'_, PyAny>) -> R<PyThreadLocalStream> {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let d = self::device(device)?;
    gpu_or(d, "new_thread_local_stream", "make gpu stream")?;
    Ok(PyThreadLocalStream { device: d, number: NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed) })
}

/// Waits for the work of a stream (by default the current one).
#[pyfunction]
#[pyo3(signature = (stream = None))]
fn synchronize(py: Python<'_>, stream: Option<StreamArg>) -> R<()> {
    let s = stream.map_or_else(mlx::current_stream, |s| s.0);
    Ok(py.detach(|| mlx::synchronize(s))?)
}

/// Forgets this thread's streams.
#[pyfunction]
fn clear_streams() {
    OWN.with(|o| o.borrow_mut().clear());
    for d in [Device::Cpu, Device::Gpu] {
        mlx::set_default_stream(Stream { device: d, index: 0 });
    }
}

/// Whether a device is there.
#[pyfunction]
fn is_available(device: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(self::device(device)?.is_available())
}

/// How many devices of a kind there are.
#[pyfunction]
fn device_count(device_type: &Bound<'_, PyDeviceType>) -> usize {
    usize::from(device_type.get().device().is_available())
}

/// The processor's name as the system gives it, or its architecture.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|l| l.strip_prefix("model name")?.split_once(':'));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, n)| n.trim().to_owned())
}

/// What is known of a device (the default one).
#[pyfunction]
#[pyo3(signature = (d = None))]
fn device_info<'py>(py: Python<'py>, d: Option<Bound<'py, PyAny>>) -> R<Bound<'py, PyDict>> {
    let device = match d {
        Some(d) => self::device(&d)?,
        None => mlx::default_device(),
    };
    let info = PyDict::new(py);
    match device {
        Device::Cpu => {
            info.set_item("architecture", std::env::consts::ARCH)?;
            info.set_item("device_name", processor())?;
        }
        Device::Gpu if device.is_available() => {
            info.set_item("architecture", "vulkan")?;
            info.set_item("device_name", mlx::gpu_name().unwrap_or_default())?;
        }
        Device::Gpu => {}
    }
    Ok(info)
}

/// Adds what is here to `mlx.core`.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyDeviceType>()?;
    m.add_class::<PyDevice>()?;
    m.add_class::<PyStream>()?;
    m.add_class::<PyThreadLocalStream>()?;
    m.add_class::<StreamContext>()?;
    m.add("cpu", PyDeviceType::cpu)?;
    m.add("gpu", PyDeviceType::gpu)?;
    m.add_function(wrap_pyfunction!(stream, m)?)?;
    m.add_function(wrap_pyfunction!(default_device, m)?)?;
    m.add_function(wrap_pyfunction!(set_default_device, m)?)?;
    m.add_function(wrap_pyfunction!(default_stream, m)?)?;
    m.add_function(wrap_pyfunction!(set_default_stream, m)?)?;
    m.add_function(wrap_pyfunction!(new_stream, m)?)?;
    m.add("new_thread_unsafe_stream", m.getattr("new_stream")?)?;
    m.add_function(wrap_pyfunction!(new_thread_local_stream, m)?)?;
    m.add_function(wrap_pyfunction!(synchronize, m)?)?;
    m.add_function(wrap_pyfunction!(clear_streams, m)?)?;
    m.add_function(wrap_pyfunction!(is_available, m)?)?;
    m.add_function(wrap_pyfunction!(device_count, m)?)?;
    m.add_function(wrap_pyfunction!(device_info, m)?)
}
