//! Integer operands of any dtype, read one element at a time.

use crate::view;
use mlx_ir::{DType, Operand, Strides};

/// An integer operand.
#[derive(Clone)]
pub(crate) struct Ints {
    ptr: *const u8,
    dtype: DType,
    /// Strides in elements.
    pub strides: Strides,
}

// SAFETY: only read, while the launch keeps the memory.
unsafe impl Sync for Ints {}

impl Ints {
    /// Views an operand of integers.
    pub fn new(x: &Operand) -> Ints {
        Ints { ptr: view::ptr::<u8>(x).get(), dtype: x.desc.dtype, strides: x.desc.strides.clone() }
    }

    /// The element `at` elements from the first; values above i64 saturate (no array is that long).
    ///
    /// # Safety
    /// The element is inside the operand.
    #[inline]
    pub unsafe fn get(&self, at: isize) -> i64 {
        // SAFETY: the caller's promise.
        unsafe {
            let p = self.ptr.offset(at * self.dtype.size() as isize);
            match self.dtype {
                DType::U8 | DType::Bool => p.read() as i64,
                DType::U16 => p.cast::<u16>().read() as i64,
                DType::U32 => p.cast::<u32>().read() as i64,
                DType::U64 => i64::try_from(p.cast::<u64>().read()).unwrap_or(i64::MAX),
                DType::I8 => p.cast::<i8>().read() as i64,
                DType::I16 => p.cast::<i16>().read() as i64,
                DType::I32 => p.cast::<i32>().read() as i64,
                _ => p.cast::<i64>().read(),
            }
        }
    }

    /// The elements from `at` on, one after another in memory, as [`Ints::get`] reads them.
    ///
    /// # Safety
    /// The elements are inside the operand.
    #[inline]
    pub unsafe fn read(&self, at: isize, to: &mut [i64]) {
        macro_rules! all {
            ($t:ty, |$v:ident| $e:expr) => {{
                // SAFETY: the caller's promise.
                let from = unsafe { std::slice::from_raw_parts(self.ptr.cast::<$t>().offset(at), to.len()) };
                to.iter_mut().zip(from).for_each(|(t, &$v)| *t = $e);
            }};
        }
        match self.dtype {
            DType::U8 | DType::Bool => all!(u8, |v| v as i64),
            DType::U16 => all!(u16, |v| v as i64),
            DType::U32 => all!(u32, |v| v as i64),
            DType::U64 => all!(u64, |v| i64::try_from(v).unwrap_or(i64::MAX)),
            DType::I8 => all!(i8, |v| v as i64),
            DType::I16 => all!(i16, |v| v as i64),
            DType::I32 => all!(i32, |v| v as i64),
            _ => all!(i64, |v| v),
        }
    }
}

/// A negative index counted from the end.
#[inline]
pub(crate) fn wrap(i: i64, n: usize) -> i64 {
    if i < 0 { i.saturating_add(n as i64) } else { i }
}
