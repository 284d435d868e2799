//! Host access to evaluated operands: reading elements out, filling new buffers.

use mlx_ir::{Backend, Buffer, Element, Operand, Result};

/// The bytes of a buffer.
///
/// The caller holds a handle to an evaluated array, so nobody writes the buffer while the slice lives: kernels write
/// only buffers that nobody else holds.
pub fn bytes(buffer: &Buffer) -> &[u8] {
    if buffer.is_empty() {
        return &[];
    }
    // SAFETY: a `Memory` is valid for `len` bytes while its handle lives, and is not written while shared.
    unsafe { std::slice::from_raw_parts(buffer.ptr(), buffer.len()) }
}

/// A new buffer with a copy of `data`.
///
/// # Errors
/// `Memory` if there is none left.
pub fn alloc_with<T: Element>(backend: &dyn Backend, data: &[T]) -> Result<Buffer> {
    let n = size_of_val(data);
    let buffer = backend.alloc(n)?;
    debug_assert!(buffer.len() >= n);
    // SAFETY: the buffer is new, holds at least `n` bytes, and cannot overlap `data`.
    unsafe { std::ptr::copy_nonoverlapping(data.as_ptr().cast::<u8>(), buffer.ptr(), n) };
    Ok(buffer)
}

/// The elements of a row-major operand whose dtype is `T`, in place; none if they are not row-major.
pub fn as_slice<T: Element>(o: &Operand) -> Option<&[T]> {
    if o.desc.dtype != T::DTYPE || !o.desc.is_contiguous() {
        return None;
    }
    let n = o.desc.size();
    if n == 0 {
        return Some(&[]);
    }
    let p = o.buffer.ptr().wrapping_add(o.offset);
    debug_assert!(p.cast::<T>().is_aligned() && o.offset + n * size_of::<T>() <= o.buffer.len());
    // A bool array may hold bytes other than 0 and 1 (bit casts, files), which a Rust bool must not.
    if T::DTYPE == mlx_ir::DType::Bool {
        return None;
    }
    // SAFETY: the library guarantees that described elements lie inside the buffer, aligned; shared memory is not written.
    Some(unsafe { std::slice::from_raw_parts(p.cast::<T>(), n) })
}

/// Calls `f` with the byte offset of each element in row-major order.
fn walk(o: &Operand, mut f: impl FnMut(usize)) {
    let (shape, size) = (&o.desc.shape, o.desc.dtype.size() as isize);
    if o.desc.size() == 0 {
        return;
    }
    let mut at: Vec<usize> = vec![0; shape.len()];
    let mut pos = o.offset as isize;
    loop {
        f(pos as usize);
        let mut d = shape.len();
        loop {
            if d == 0 {
                return;
            }
            d -= 1;
            at[d] += 1;
            pos += o.desc.strides[d] * size;
            if at[d] < shape[d] {
                break;
            }
            pos -= o.desc.strides[d] * size * shape[d] as isize;
            at[d] = 0;
        }
    }
}

/// The little-endian bytes of the elements in row-major order.
pub fn to_bytes(o: &Operand) -> Vec<u8> {
    let all = bytes(&o.buffer);
    let size = o.desc.dtype.size();
    if o.desc.is_contiguous() {
        return all[o.offset..o.offset + o.desc.size() * size].to_vec();
    }
    let mut out = Vec::with_capacity(o.desc.size() * size);
    walk(o, |p| out.extend_from_slice(&all[p..p + size]));
    out
}

/// The elements in row-major order; `T` must be the operand's dtype.
pub fn to_vec<T: Element>(o: &Operand) -> Vec<T> {
    assert_eq!(o.desc.dtype, T::DTYPE, "elements are read as what they are");
    if let Some(s) = as_slice::<T>(o) {
        return s.to_vec();
    }
    let all = bytes(&o.buffer);
    let mut out = Vec::with_capacity(o.desc.size());
    walk(o, |p| out.push(T::read_le(&all[p..p + size_of::<T>()])));
    out
}
