//! DLPack, both ways: the other place of this crate with unsafe code. The layout is that of DLPack 0.x capsules
//! ("dltensor"), which every package understands.
#![allow(unsafe_code)]

use crate::array::PyArray;
use crate::error::{R, runtime, type_, value};
use mlx::{Array, DType};
use mlx_ir::Buffer;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use std::ffi::{CStr, c_void};
use std::ptr;

#[repr(C)]
#[derive(Clone, Copy)]
struct DlDevice {
    kind: i32,
    id: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct DlType {
    code: u8,
    bits: u8,
    lanes: u16,
}

#[repr(C)]
struct DlTensor {
    data: *mut c_void,
    device: DlDevice,
    ndim: i32,
    dtype: DlType,
    shape: *mut i64,
    strides: *mut i64,
    byte_offset: u64,
}

#[repr(C)]
struct DlManaged {
    tensor: DlTensor,
    context: *mut c_void,
    deleter: Option<unsafe extern "C" fn(*mut DlManaged)>,
}

const NAME: &CStr = c"dltensor";
const USED: &CStr = c"used_dltensor";
/// The processor's memory.
const CPU: i32 = 1;

fn type_of(d: DType) -> DlType {
    let code = match d {
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => 0,
        DType::U8 | DType::U16 | DType::U32 | DType::U64 => 1,
        DType::F16 | DType::F32 | DType::F64 => 2,
        DType::BF16 => 4,
        DType::C64 => 5,
        DType::Bool => 6,
    };
    DlType { code, bits: d.size() as u8 * 8, lanes: 1 }
}

fn dtype_of(t: DlType) -> Option<DType> {
    DType::ALL.into_iter().find(|&d| {
        let o = type_of(d);
        (o.code, o.bits, o.lanes) == (t.code, t.bits, t.lanes)
    })
}

/// What an exported tensor needs for as long as it lives.
struct Exported {
    managed: DlManaged,
    shape: Vec<i64>,
    strides: Vec<i64>,
    _memory: Buffer,
}

unsafe extern "C" fn free(managed: *mut DlManaged) {
    if managed.is_null() {
        return;
    }
    // SAFETY: `context` is the pointer that `export` made of a box, and the owner of the tensor calls this once.
    drop(unsafe { Box::from_raw((*managed).context.cast::<Exported>()) });
}

unsafe extern "C" fn forget(capsule: *mut ffi::PyObject) {
    // SAFETY: Python calls this with the capsule that is going away. One that nobody consumed still has its first name
    // and owns its tensor.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule, NAME.as_ptr()) == 1 {
            free(ffi::PyCapsule_GetPointer(capsule, NAME.as_ptr()).cast::<DlManaged>());
        }
    }
}

/// A capsule of an array's memory.
fn export<'py>(py: Python<'py>, a: &Array) -> R<Bound<'py, PyAny>> {
    let (memory, offset, strides) = a.storage()?;
    let mut exported = Box::new(Exported {
        managed: DlManaged {
            tensor: DlTensor {
                data: memory.ptr().wrapping_add(offset).cast::<c_void>(),
                device: DlDevice { kind: CPU, id: 0 },
                ndim: a.ndim() as i32,
                dtype: type_of(a.dtype()),
                shape: ptr::null_mut(),
                strides: ptr::null_mut(),
                byte_offset: 0,
            },
            context: ptr::null_mut(),
            deleter: Some(free),
        },
        shape: a.shape().iter().map(|&n| n as i64).collect(),
        strides: strides.iter().map(|&s| s as i64).collect(),
        _memory: memory,
    });
    exported.managed.tensor.shape = exported.shape.as_mut_ptr();
    exported.managed.tensor.strides = exported.strides.as_mut_ptr();
    let raw = Box::into_raw(exported);
    // SAFETY: `raw` is a live box, which `free` takes back, called by the consumer or by `forget`. If Python makes no
    // capsule the box is taken back here.
    unsafe {
        (*raw).managed.context = raw.cast::<c_void>();
        let capsule =
            ffi::PyCapsule_New(ptr::addr_of_mut!((*raw).managed).cast::<c_void>(), NAME.as_ptr(), Some(forget));
        if capsule.is_null() {
            drop(Box::from_raw(raw));
            return Err(PyErr::fetch(py).into());
        }
        Ok(Bound::from_owned_ptr(py, capsule))
    }
}

/// An array with a copy of another package's.
pub fn import(o: &Bound<'_, PyAny>) -> R<Array> {
    let capsule = o.call_method0("__dlpack__")?;
    // SAFETY: a valid capsule of this name holds a managed tensor; it is ours until its deleter is called, once, after
    // the elements were copied. Python is told by the new name that the capsule gave it away.
    unsafe {
        if ffi::PyCapsule_IsValid(capsule.as_ptr(), NAME.as_ptr()) != 1 {
            return Err(type_("[from_dlpack] __dlpack__ gave no 'dltensor' capsule"));
        }
        let managed = ffi::PyCapsule_GetPointer(capsule.as_ptr(), NAME.as_ptr()).cast::<DlManaged>();
        ffi::PyCapsule_SetName(capsule.as_ptr(), USED.as_ptr());
        let copied = copy(&(*managed).tensor);
        if let Some(delete) = (*managed).deleter {
            delete(managed);
        }
        copied
    }
}

/// A copy of the elements of a tensor.
///
/// # Safety
/// The tensor describes memory that can be read.
unsafe fn copy(t: &DlTensor) -> R<Array> {
    if t.device.kind != CPU {
        return Err(runtime("[from_dlpack] only arrays in the processor's memory can be read"));
    }
    let Some(dtype) = dtype_of(t.dtype) else {
        return Err(value("[from_dlpack] elements of this type are not supported"));
    };
    let n = usize::try_from(t.ndim).map_err(|_| value("[from_dlpack] negative number of dimensions"))?;
    // SAFETY: shape and (unless null) strides have one number for each dimension.
    let (shape, strides) = unsafe {
        let of =
            |p: *const i64| if n == 0 || p.is_null() { Vec::new() } else { std::slice::from_raw_parts(p, n).to_vec() };
        (of(t.shape), of(t.strides))
    };
    let shape = shape
        .into_iter()
        .map(|s| usize::try_from(s).map_err(|_| value("[from_dlpack] negative size")))
        .collect::<R<Vec<_>>>()?;
    let size = dtype.size();
    let total = mlx_ir::desc::checked_size("from_dlpack", &shape, dtype)?;
    let strides: Vec<i64> =
        if strides.is_empty() { mlx_ir::desc::row_major(&shape).iter().map(|&s| s as i64).collect() } else { strides };
    let base = t.data.cast::<u8>().wrapping_add(t.byte_offset as usize);
    let mut bytes = Vec::with_capacity(total * size);
    let mut at = vec![0usize; n];
    for _ in 0..total {
        let offset: i64 = at.iter().zip(&strides).map(|(&i, &s)| i as i64 * s).sum();
        // SAFETY: the exporter's description says that this element lies in its memory.
        bytes.extend_from_slice(unsafe {
            std::slice::from_raw_parts(base.wrapping_offset(offset as isize * size as isize), size)
        });
        for d in (0..n).rev() {
            at[d] += 1;
            if at[d] < shape[d] {
                break;
            }
            at[d] = 0;
        }
    }
    Ok(Array::from_bytes(&bytes, &shape, dtype)?)
}

#[pymethods]
impl PyArray {
    #[pyo3(signature = (*, stream = None, max_version = None, dl_device = None, copy = None))]
    fn __dlpack__<'py>(
        &self,
        py: Python<'py>,
        stream: Option<Bound<'py, PyAny>>,
        max_version: Option<Bound<'py, PyAny>>,
        dl_device: Option<(i32, i32)>,
        copy: Option<bool>,
    ) -> R<Bound<'py, PyAny>> {
        // A consumer that understands a newer version understands this one; work is finished, so its stream is free.
        let _ = (stream, max_version);
        if dl_device.is_some_and(|d| d.0 != CPU) {
            return Err(runtime("[dlpack] arrays are handed out in the processor's memory only"));
        }
        let a = self.computed(py)?;
        if copy == Some(true) {
            let own = mlx::ops::contiguous(&a)?;
            py.detach(|| own.eval())?;
            return export(py, &own);
        }
        export(py, &a)
    }
    fn __dlpack_device__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        (CPU, 0).into_pyobject(py)
    }
}
