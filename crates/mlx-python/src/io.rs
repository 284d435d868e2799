//! `load`, `save` and the formats.

use crate::array::PyArray;
use crate::error::{Fail, R, runtime, value};
use crate::stream::{self, StreamArg};
use crate::tree;
use mlx::{Array, DType, io, ops};
use mlx_io::gguf::{GgmlType, Gguf, GgufWriter, MetaValue, Value, ValueType};
use mlx_io::npy::{self, Npy};
use mlx_io::safetensors::{self, SafeTensors};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file argument: a path, or an object that reads or writes bytes.
enum Place<'py> {
    Path(PathBuf),
    Object(Bound<'py, PyAny>),
}

fn place<'py>(op: &str, file: &Bound<'py, PyAny>, method: &str) -> R<Place<'py>> {
    if file.is_instance_of::<PyString>() || file.hasattr("__fspath__")? {
        return Ok(Place::Path(file.extract()?));
    }
    if file.hasattr(method)? {
        return Ok(Place::Object(file.clone()));
    }
    Err(value(format!("[{op}] file must be a path or a file object, got {}", file.get_type().name()?)))
}

/// The path with the extension, if it has none like it.
fn with_extension(path: &Path, extension: &str) -> PathBuf {
    if path.extension().is_some_and(|e| e == extension) {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

/// Writes a file beside its place and moves it there when it is whole: a file that is being read, perhaps by arrays
/// that are to be written, keeps its contents.
fn replace(op: &str, path: &Path, write: impl FnOnce(BufWriter<File>) -> mlx::Result<()>) -> R<()> {
    let failed = |e: std::io::Error| runtime(format!("[{op}] Failed to write {}: {e}", path.display()));
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(name);
    let file = File::create(&part).map_err(failed)?;
    let done =
        write(BufWriter::new(file)).map_err(Fail::from).and_then(|()| std::fs::rename(&part, path).map_err(failed));
    if done.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    done
}

/// Puts what `write` makes to a path or into a file object.
fn store(
    op: &str,
    py: Python<'_>,
    to: Place<'_>,
    write: impl FnOnce(&mut dyn Write) -> mlx::Result<()> + Send,
) -> R<()> {
    match to {
        Place::Path(p) => py.detach(|| {
            replace(op, &p, |mut w| {
                write(&mut w)?;
                Ok(w.flush()?)
            })
        }),
        Place::Object(o) => {
            let bytes = py.detach(|| -> mlx::Result<Vec<u8>> {
                let mut b = Vec::new();
                write(&mut b)?;
                Ok(b)
            })?;
            o.call_method1("write", (PyBytes::new(py, &bytes),))?;
            Ok(())
        }
    }
}

/// The bytes of a file object.
fn read_all(o: &Bound<'_, PyAny>) -> R<Vec<u8>> {
    Ok(o.call_method0("read")?.extract()?)
}

// ---- npy, npz ----

fn npy_array(n: &Npy) -> R<Array> {
    Ok(match n.region() {
        Some(r) => io::mapped(r.clone(), n.shape(), n.dtype())?,
        None => Array::from_bytes(n.bytes(), n.shape(), n.dtype())?,
    })
}

fn load_npy(from: &Place<'_>) -> R<Array> {
    match from {
        Place::Path(p) => npy_array(&Npy::open(p)?),
        Place::Object(o) => npy_array(&Npy::parse(&read_all(o)?)?),
    }
}

fn npy_bytes(a: &Array) -> mlx::Result<Vec<u8>> {
    let mut out = Vec::new();
    npy::write(&mut out, a.dtype(), a.shape(), &a.to_bytes()?)?;
    Ok(out)
}

/// Saves one array in numpy's format; `.npy` is added to a path without it.
#[pyfunction]
#[pyo3(signature = (file, arr))]
fn save(py: Python<'_>, file: &Bound<'_, PyAny>, arr: &Bound<'_, PyAny>) -> R<()> {
    let a = crate::convert::implicit(arr)?;
    let to = match place("save", file, "write")? {
        Place::Path(p) => Place::Path(with_extension(&p, "npy")),
        o => o,
    };
    store("save", py, to, |w| Ok(w.write_all(&npy_bytes(&a)?)?))
}

fn zip(
    py: Python<'_>,
    file: &Bound<'_, PyAny>,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
    compressed: bool,
) -> R<()> {
    let zipfile = py.import("zipfile")?;
    let to = match place("savez", file, "write")? {
        Place::Path(p) => with_extension(&p, "npz").into_pyobject(py)?.into_any(),
        Place::Object(o) => o,
    };
    let method = zipfile.getattr(if compressed { "ZIP_DEFLATED" } else { "ZIP_STORED" })?;
    let mut items: Vec<(String, Array)> = Vec::new();
    if let Some(k) = kwargs {
        for (name, a) in k.iter() {
            items.push((name.extract()?, crate::convert::implicit(&a)?));
        }
    }
    for (i, a) in args.iter().enumerate() {
        let name = format!("arr_{i}");
        if items.iter().any(|x| x.0 == name) {
            return Err(value(format!("[savez] Cannot use un-named variables and keyword {name}")));
        }
        items.push((name, crate::convert::implicit(&a)?));
    }
    let bytes =
        items.iter().map(|(n, a)| Ok((format!("{n}.npy"), py.detach(|| npy_bytes(a))?))).collect::<R<Vec<_>>>()?;
    let archive = zipfile.getattr("ZipFile")?.call1((to, "w", method))?;
    for (name, b) in bytes {
        archive.call_method1("writestr", (name, PyBytes::new(py, &b)))?;
    }
    archive.call_method0("close")?;
    Ok(())
}

/// Saves arrays in an archive of numpy's format.
#[pyfunction]
#[pyo3(signature = (file, *args, **kwargs))]
fn savez(
    py: Python<'_>,
    file: &Bound<'_, PyAny>,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> R<()> {
    zip(py, file, args, kwargs, false)
}

/// Saves arrays in a compressed archive of numpy's format.
#[pyfunction]
#[pyo3(signature = (file, *args, **kwargs))]
fn savez_compressed(
    py: Python<'_>,
    file: &Bound<'_, PyAny>,
    args: &Bound<'_, PyTuple>,
    kwargs: Option<&Bound<'_, PyDict>>,
) -> R<()> {
    zip(py, file, args, kwargs, true)
}

fn load_npz<'py>(py: Python<'py>, from: &Place<'py>) -> R<Bound<'py, PyDict>> {
    let file = match from {
        Place::Path(p) => p.into_pyobject(py)?.into_any(),
        Place::Object(o) => o.clone(),
    };
    let archive = py.import("zipfile")?.getattr("ZipFile")?.call1((file,))?;
    let out = PyDict::new(py);
    for name in archive.call_method0("namelist")?.try_iter()? {
        let name: String = name?.extract()?;
        let bytes: Vec<u8> = archive.call_method1("read", (&name,))?.extract()?;
        let key = name.strip_suffix(".npy").unwrap_or(&name);
        out.set_item(key, PyArray::new(npy_array(&Npy::parse(&bytes)?)?).into_pyobject(py)?)?;
    }
    archive.call_method0("close")?;
    Ok(out)
}

// ---- safetensors ----

fn load_safetensors<'py>(py: Python<'py>, from: &Place<'py>) -> R<(Bound<'py, PyDict>, Bound<'py, PyDict>)> {
    let st = match from {
        Place::Path(p) => SafeTensors::open(p)?,
        Place::Object(o) => SafeTensors::parse(&read_all(o)?)?,
    };
    let arrays = PyDict::new(py);
    for t in st.tensors() {
        let a = io::mapped(st.region(t)?, t.shape(), t.dtype())?;
        arrays.set_item(t.name(), PyArray::new(a).into_pyobject(py)?)?;
    }
    let metadata = PyDict::new(py);
    for (k, v) in st.metadata() {
        metadata.set_item(k, v)?;
    }
    Ok((arrays, metadata))
}

fn named(op: &str, arrays: &Bound<'_, PyDict>) -> R<Vec<(String, Array)>> {
    arrays
        .iter()
        .map(|(k, v)| {
            let a = v.cast::<PyArray>().map_err(|_| runtime(format!("[{op}] the values must be arrays")))?;
            Ok((k.extract()?, a.get().get()))
        })
        .collect()
}

/// Saves arrays by name, with texts as metadata; `.safetensors` is added to a path without it.
#[pyfunction]
#[pyo3(signature = (file, arrays, metadata = None))]
fn save_safetensors(
    py: Python<'_>,
    file: &Bound<'_, PyAny>,
    arrays: &Bound<'_, PyDict>,
    metadata: Option<BTreeMap<String, String>>,
) -> R<()> {
    let items = named("save_safetensors", arrays)?;
    let to = match place("save_safetensors", file, "write")? {
        Place::Path(p) => Place::Path(with_extension(&p, "safetensors")),
        o => o,
    };
    let metadata = metadata.unwrap_or_default();
    store("save_safetensors", py, to, |w| {
        let list: Vec<Array> = items.iter().map(|x| x.1.clone()).collect();
        mlx::eval(&list)?;
        let bytes = list.iter().map(Array::to_bytes).collect::<mlx::Result<Vec<_>>>()?;
        let tensors: Vec<safetensors::Tensor<'_>> = items
            .iter()
            .zip(&bytes)
            .map(|((name, a), data)| safetensors::Tensor { name, dtype: a.dtype(), shape: a.shape(), data })
            .collect();
        safetensors::write_to(w, &tensors, &metadata)?;
        Ok(())
    })
}

// ---- gguf ----

/// A tensor of 32-element blocks as affine codes: codes, scales, biases.
fn affine(data: &[u8], shape: &[usize], ty: GgmlType) -> R<[Array; 3]> {
    let (bytes, bits) = match ty {
        GgmlType::Q4_0 => (18, 4),
        GgmlType::Q4_1 => (20, 4),
        _ => (34, 8),
    };
    let f = |b: &[u8]| half::f16::from_le_bytes([b[0], b[1]]);
    let mut codes: Vec<u8> = Vec::with_capacity(data.len());
    let (mut scales, mut biases) = (Vec::new(), Vec::new());
    for block in data.chunks_exact(bytes) {
        let d = f(block);
        scales.push(d);
        let times = |x: f32| half::f16::from_f32(x * d.to_f32());
        if bits == 8 {
            biases.push(times(-128.0));
            codes.extend(block[2..].iter().map(|b| b ^ 0x80));
            continue;
        }
        biases.push(if ty == GgmlType::Q4_1 { f(&block[2..]) } else { times(-8.0) });
        // The low nibbles are the first half of the block, the high ones the second.
        let q = &block[bytes - 16..];
        let pack = |nibble: fn(u8) -> u8| q.chunks_exact(2).map(move |p| nibble(p[0]) | nibble(p[1]) << 4);
        codes.extend(pack(|b| b & 15));
        codes.extend(pack(|b| b >> 4));
    }
    let (&k, lead) = shape.split_last().ok_or_else(|| value("[load_gguf] a quantized scalar"))?;
    let with = |n: usize| [lead, &[n]].concat();
    Ok([
        Array::from_bytes(&codes, &with(k * bits / 32), DType::U32)?,
        Array::from_slice(&scales, &with(k / 32))?,
        Array::from_slice(&biases, &with(k / 32))?,
    ])
}

fn load_gguf<'py>(py: Python<'py>, path: &Path) -> R<(Bound<'py, PyDict>, Bound<'py, PyDict>)> {
    let g = Gguf::open(path)?;
    let arrays = PyDict::new(py);
    let put = |name: &str, a: Array| -> R<()> { Ok(arrays.set_item(name, PyArray::new(a).into_pyobject(py)?)?) };
    for t in g.tensors() {
        let (shape, ty) = (t.shape(), t.ggml_type());
        match ty {
            GgmlType::F32 | GgmlType::F16 | GgmlType::I8 | GgmlType::I16 | GgmlType::I32 => {
                let dtype = ty.dtype().ok_or_else(|| runtime("[load_gguf] a type without a dtype"))?;
                put(t.name(), io::mapped(g.region(t)?, &shape, dtype)?)?;
            }
            GgmlType::Q4_0 | GgmlType::Q4_1 | GgmlType::Q8_0 => {
                let [w, s, b] = affine(g.data(t), &shape, ty)?;
                let stem = t.name().strip_suffix("weight").unwrap_or(t.name());
                put(t.name(), w)?;
                put(&format!("{stem}scales"), s)?;
                put(&format!("{stem}biases"), b)?;
            }
            GgmlType::BF16 => put(t.name(), ops::astype(&io::mapped(g.region(t)?, &shape, DType::BF16)?, DType::F16)?)?,
            _ => {
                let format = ty.quant_format().ok_or_else(|| {
                    runtime(format!("[load_gguf] Received tensor with unsupported type {}.", ty.name()))
                })?;
                let (&k, lead) = shape.split_last().ok_or_else(|| value("[load_gguf] a quantized scalar"))?;
                let bytes = [lead, &[k / ty.block_len() * ty.block_bytes()]].concat();
                let w = io::mapped(g.region(t)?, &bytes, DType::U8)?;
                put(t.name(), ops::astype(&ops::block_dequantize(&w, format, k)?, DType::F16)?)?;
            }
        }
    }
    let metadata = PyDict::new(py);
    for (k, v) in g.metadata().iter() {
        metadata.set_item(k, metadata_object(py, &v)?)?;
    }
    Ok((arrays, metadata))
}

fn metadata_object<'py>(py: Python<'py>, v: &Value<'_>) -> R<Bound<'py, PyAny>> {
    let scalar = |a: Array| tree::object(py, a);
    match v {
        Value::U8(x) => scalar(Array::scalar(*x)?),
        Value::I8(x) => scalar(Array::scalar(*x)?),
        Value::U16(x) => scalar(Array::scalar(*x)?),
        Value::I16(x) => scalar(Array::scalar(*x)?),
        Value::U32(x) => scalar(Array::scalar(*x)?),
        Value::I32(x) => scalar(Array::scalar(*x)?),
        Value::F32(x) => scalar(Array::scalar(*x)?),
        Value::Bool(x) => scalar(Array::scalar(*x)?),
        Value::U64(x) => scalar(Array::scalar(*x)?),
        Value::I64(x) => scalar(Array::scalar(*x)?),
        // float64 numbers are float32 arrays, as everywhere else.
        Value::F64(x) => scalar(Array::scalar(*x as f32)?),
        Value::Str(s) => Ok(PyString::new(py, s).into_any()),
        Value::Array(items) => {
            if items.elem_type() == ValueType::Str {
                let texts: Vec<&str> = items.iter().filter_map(|i| i.as_str()).collect();
                return Ok(PyList::new(py, texts)?.into_any());
            }
            if items.elem_type() == ValueType::Array {
                return Err(runtime("[load_gguf] nested arrays of metadata are not supported"));
            }
            let parts = items
                .iter()
                .map(|i| Ok(metadata_object(py, &i)?.cast::<PyArray>().map_err(PyErr::from)?.get().get()))
                .collect::<R<Vec<_>>>()?;
            if parts.is_empty() {
                return scalar(ops::zeros(&[0], DType::F32)?);
            }
            scalar(ops::stack(&parts, 0)?)
        }
    }
}

fn metadata_value(v: &Bound<'_, PyAny>) -> R<MetaValue> {
    if let Ok(s) = v.extract::<String>() {
        return Ok(MetaValue::Str(s));
    }
    if let Ok(a) = v.cast::<PyArray>() {
        let a = a.get().computed(v.py())?;
        if a.ndim() > 1 {
            return Err(value("[save_gguf] arrays of metadata have at most one dimension"));
        }
        macro_rules! values {
            ($t:ty) => {{
                let v = a.to_vec::<$t>()?;
                if a.ndim() == 0 { v[0].into() } else { v.into() }
            }};
        }
        return Ok(match a.dtype() {
            DType::U8 => values!(u8),
            DType::I8 => values!(i8),
            DType::U16 => values!(u16),
            DType::I16 => values!(i16),
            DType::U32 => values!(u32),
            DType::I32 => values!(i32),
            DType::U64 => values!(u64),
            DType::I64 => values!(i64),
            DType::F32 => values!(f32),
            DType::Bool => values!(bool),
            d @ (DType::F16 | DType::BF16 | DType::F64 | DType::C64) => {
                return Err(value(format!("[save_gguf] metadata of {d} is not supported")));
            }
        });
    }
    if let Ok(texts) = v.extract::<Vec<String>>() {
        return Ok(texts.into());
    }
    Err(value("[save_gguf] metadata must be strings, lists of strings, or arrays"))
}

/// Saves arrays by name in GGUF's format, with strings, lists of strings and arrays as metadata.
#[pyfunction]
#[pyo3(signature = (file, arrays, metadata = None))]
fn save_gguf(
    py: Python<'_>,
    file: &Bound<'_, PyAny>,
    arrays: &Bound<'_, PyDict>,
    metadata: Option<&Bound<'_, PyDict>>,
) -> R<()> {
    let items = named("save_gguf", arrays)?;
    let Place::Path(path) = place("save_gguf", file, "write")? else {
        return Err(runtime("[save_gguf] the file must be a path"));
    };
    let mut writer = GgufWriter::new();
    for (k, v) in metadata.into_iter().flatten() {
        writer.set(&k.extract::<String>()?, metadata_value(&v)?)?;
    }
    for (name, a) in &items {
        let ty = match a.dtype() {
            DType::F32 => GgmlType::F32,
            DType::F16 => GgmlType::F16,
            DType::I8 => GgmlType::I8,
            DType::I16 => GgmlType::I16,
            DType::I32 => GgmlType::I32,
            d => return Err(runtime(format!("[save_gguf] array type {d} not supported"))),
        };
        let dims: Vec<usize> = a.shape().iter().rev().copied().collect();
        writer.add_tensor(name, ty, &dims)?;
    }
    py.detach(|| {
        replace("save_gguf", &with_extension(&path, "gguf"), |w| {
            let mut sink = writer.start(w)?;
            for (_, a) in &items {
                sink.write(&a.to_bytes()?)?;
            }
            Ok(sink.finish()?.flush()?)
        })
    })
}

// ---- load ----

/// Loads arrays: one from .npy, a dictionary from .npz, .safetensors and .gguf, with the metadata of the latter two if
/// asked for.
#[pyfunction]
#[pyo3(signature = (file, /, format = None, return_metadata = false, *, stream = None))]
fn load<'py>(
    py: Python<'py>,
    file: &Bound<'py, PyAny>,
    format: Option<&str>,
    return_metadata: bool,
    stream: Option<StreamArg>,
) -> R<Bound<'py, PyAny>> {
    let from = place("load", file, "read")?;
    let format = match (format, &from) {
        (Some(f), _) => f.to_owned(),
        (None, Place::Path(p)) => p.extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default(),
        (None, Place::Object(o)) => {
            let name: String = o.getattr("name").and_then(|n| n.extract()).unwrap_or_default();
            Path::new(&name).extension().map(|e| e.to_string_lossy().into_owned()).unwrap_or_default()
        }
    };
    if return_metadata && (format == "npy" || format == "npz") {
        return Err(value(format!("[load] metadata not supported for format {format}")));
    }
    if let Place::Path(p) = &from
        && matches!(format.as_str(), "npy" | "npz" | "safetensors" | "gguf")
        && !p.is_file()
    {
        return Err(runtime(format!("[load] Failed to open file {}", p.display())));
    }
    stream::on(stream, || {
        let (arrays, metadata) = match format.as_str() {
            "npy" => return tree::object(py, load_npy(&from)?),
            "npz" => return Ok(load_npz(py, &from)?.into_any()),
            "safetensors" => load_safetensors(py, &from)?,
            "gguf" => match &from {
                Place::Path(p) => load_gguf(py, p)?,
                Place::Object(_) => return Err(value("[load_gguf] the file must be a path")),
            },
            other => return Err(value(format!("[load] Unknown file format {other}"))),
        };
        if return_metadata {
            return Ok(PyTuple::new(py, [arrays, metadata])?.into_any());
        }
        Ok(arrays.into_any())
    })
}

/// Adds what is here to `mlx.core`.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_function(wrap_pyfunction!(save, m)?)?;
    m.add_function(wrap_pyfunction!(savez, m)?)?;
    m.add_function(wrap_pyfunction!(savez_compressed, m)?)?;
    m.add_function(wrap_pyfunction!(save_safetensors, m)?)?;
    m.add_function(wrap_pyfunction!(save_gguf, m)?)?;
    m.add_function(wrap_pyfunction!(load, m)?)
}
