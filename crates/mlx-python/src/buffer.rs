//! The buffer protocol, both ways. One of the two places of this crate with unsafe code: Python hands out and takes raw
//! memory here.
#![allow(unsafe_code)]

use crate::array::PyArray;
use crate::error::{Fail, R, runtime};
use mlx::{Array, C64, DType};
use mlx_ir::Buffer;
use pyo3::buffer::PyUntypedBuffer;
use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;
use std::ffi::{CStr, c_int, c_void};
use std::ptr;

/// The dtype of a format character with its element size, or none.
fn dtype_of(format: &str, size: usize) -> Option<DType> {
    let f = format.trim_start_matches(['@', '=', '<']);
    Some(match (f, size) {
        ("?", 1) => DType::Bool,
        ("b", 1) => DType::I8,
        ("B" | "c", 1) => DType::U8,
        ("h" | "i" | "l" | "q" | "n", 2) => DType::I16,
        ("i" | "l" | "q" | "n", 4) => DType::I32,
        ("l" | "q" | "n", 8) => DType::I64,
        ("H" | "I" | "L" | "Q" | "N", 2) => DType::U16,
        ("I" | "L" | "Q" | "N", 4) => DType::U32,
        ("L" | "Q" | "N", 8) => DType::U64,
        ("e", 2) => DType::F16,
        ("f", 4) => DType::F32,
        ("d", 8) => DType::F64,
        ("Zf", 8) => DType::C64,
        ("bfloat16", 2) => DType::BF16,
        _ => return None,
    })
}

/// An array with a copy of what an object shows through the buffer protocol; none if it shows nothing.
pub fn read(o: &Bound<'_, PyAny>) -> R<Option<Array>> {
    let Ok(view) = PyUntypedBuffer::get(o) else {
        return read_scalar(o);
    };
    let (format, size) = (view.format().to_string_lossy(), view.item_size());
    let shape = view.shape().to_vec();
    let wide_complex = format.trim_start_matches(['@', '=', '<']) == "Zd";
    let dtype = dtype_of(&format, size);
    if dtype.is_none() && !wide_complex {
        return Err(runtime(format!("[array] elements of format '{format}' are not supported.")));
    }
    let copied;
    let bytes: &[u8] = if view.is_c_contiguous() && view.len_bytes() > 0 {
        // SAFETY: while `view` lives the exporter keeps `len_bytes` bytes at `buf_ptr` valid, and the interpreter is
        // held, so nobody else writes them through Python meanwhile.
        unsafe { std::slice::from_raw_parts(view.buf_ptr().cast::<u8>(), view.len_bytes()) }
    } else {
        let memory = o.py().get_type::<PyMemoryView>().call1((o,))?;
        copied = memory.call_method0("tobytes")?.extract::<Vec<u8>>()?;
        &copied
    };
    if wide_complex {
        let f = |b: &[u8]| f64::from_le_bytes(b.try_into().unwrap_or_default()) as f32;
        let v: Vec<C64> = bytes.chunks_exact(16).map(|b| C64::new(f(&b[..8]), f(&b[8..]))).collect();
        return Ok(Some(Array::from_slice(&v, &shape)?));
    }
    Ok(Some(Array::from_bytes(bytes, &shape, dtype.unwrap_or(DType::U8))?))
}

/// A view without dimensions, whose shape is no list: numpy's scalars.
fn read_scalar(o: &Bound<'_, PyAny>) -> R<Option<Array>> {
    let Ok(view) = o.py().get_type::<PyMemoryView>().call1((o,)) else {
        return Ok(None);
    };
    let (format, size): (String, usize) = (view.getattr("format")?.extract()?, view.getattr("itemsize")?.extract()?);
    match dtype_of(&format, size) {
        Some(d) if view.getattr("ndim")?.extract::<usize>()? == 0 => {
            let bytes: Vec<u8> = view.call_method0("tobytes")?.extract()?;
            Ok(Some(Array::from_bytes(&bytes, &[], d)?))
        }
        _ => Err(runtime(format!("[array] elements of format '{format}' are not supported."))),
    }
}

fn format_of(d: DType) -> &'static CStr {
    match d {
        DType::Bool => c"?",
        DType::U8 => c"B",
        DType::U16 => c"H",
        DType::U32 => c"I",
        DType::U64 => c"Q",
        DType::I8 => c"b",
        DType::I16 => c"h",
        DType::I32 => c"i",
        DType::I64 => c"q",
        DType::F16 => c"e",
        DType::F32 => c"f",
        DType::F64 => c"d",
        DType::BF16 => c"bfloat16",
        DType::C64 => c"Zf",
    }
}

/// What a view of an array's memory needs for as long as it lives.
struct Exported {
    _memory: Buffer,
    shape: Vec<ffi::Py_ssize_t>,
    strides: Vec<ffi::Py_ssize_t>,
}

#[pymethods]
impl PyArray {
    /// Fills a view of the memory of the computed array.
    ///
    /// # Safety
    /// Called by Python with a view to fill.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if view.is_null() {
            return Err(PyBufferError::new_err("no view to fill"));
        }
        let a = slf.get().computed(slf.py())?;
        let (memory, offset, strides) = a.storage().map_err(Fail::from)?;
        let size = a.dtype().size() as ffi::Py_ssize_t;
        let strides: Vec<ffi::Py_ssize_t> = strides.iter().map(|&s| s as ffi::Py_ssize_t * size).collect();
        // Two handles: the array's and the one taken here. Where there are more, other arrays would change as well.
        let shared = memory.handles() > 2 || !memory.is_writable();
        if shared && flags & ffi::PyBUF_WRITABLE == ffi::PyBUF_WRITABLE {
            return Err(PyBufferError::new_err("the memory of this array is shared with others and cannot be written"));
        }
        let row_major = mlx_ir::desc::row_major(a.shape());
        let contiguous = a
            .shape()
            .iter()
            .zip(&row_major)
            .zip(&strides)
            .all(|((&n, &r), &s)| n <= 1 || r as ffi::Py_ssize_t * size == s);
        if !contiguous && flags & ffi::PyBUF_STRIDES != ffi::PyBUF_STRIDES {
            return Err(PyBufferError::new_err(
                "the elements are not contiguous and a view without strides is asked for",
            ));
        }
        let shape = a.shape().iter().map(|&n| n as ffi::Py_ssize_t).collect();
        let start = memory.ptr().wrapping_add(offset);
        let exported = Box::new(Exported { _memory: memory, shape, strides });
        // SAFETY: `view` is the caller's to fill. Every pointer put into it stays valid until __releasebuffer__: shape
        // and strides belong to the boxed value, the elements to the memory that it holds.
        unsafe {
            (*view).obj = ptr::null_mut();
            (*view).buf = start.cast::<c_void>();
            (*view).len = a.nbytes() as ffi::Py_ssize_t;
            (*view).itemsize = size;
            (*view).readonly = c_int::from(shared);
            (*view).ndim = a.ndim() as c_int;
            let wants = |flag: c_int| flags & flag == flag;
            (*view).format =
                if wants(ffi::PyBUF_FORMAT) { format_of(a.dtype()).as_ptr().cast_mut() } else { ptr::null_mut() };
            let raw = Box::into_raw(exported);
            (*view).shape = if wants(ffi::PyBUF_ND) { (*raw).shape.as_mut_ptr() } else { ptr::null_mut() };
            (*view).strides = if wants(ffi::PyBUF_STRIDES) { (*raw).strides.as_mut_ptr() } else { ptr::null_mut() };
            (*view).suboffsets = ptr::null_mut();
            (*view).internal = raw.cast::<c_void>();
            (*view).obj = slf.into_ptr();
        }
        Ok(())
    }

    /// Lets go of what a view needed.
    ///
    /// # Safety
    /// Called by Python once for each view that `__getbuffer__` filled.
    unsafe fn __releasebuffer__(&self, view: *mut ffi::Py_buffer) {
        // SAFETY: `internal` is the pointer that __getbuffer__ made of a box, and this is its only release.
        drop(unsafe { Box::from_raw((*view).internal.cast::<Exported>()) });
    }
}
