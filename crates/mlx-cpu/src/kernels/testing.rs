//! Operands for kernel tests: random values in several layouts, sentinels around outputs.

use crate::{Isa, Pool};
use half::{bf16, f16};
use mlx_ir::dtype::{bf16_of, f16_of};
use mlx_ir::{Buffer, C64, DType, Desc, Element, Memory, Operand, Shape, Strides};

/// Bytes of sentinel on each side.
const GUARD: usize = 64;
const SENTINEL: u8 = 0xA5;

/// A pool of two threads at each level of this machine.
pub fn pools() -> Vec<(Pool, Isa)> {
    Isa::available().into_iter().map(|isa| (Pool::new(2).unwrap(), isa)).collect()
}

/// Small deterministic generator (xorshift).
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Rng(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 11) as usize % n
    }
    /// Uniform in [-1, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

struct Bytes {
    ptr: *mut u8,
    words: usize,
}
// SAFETY: tests write it through one kernel at a time.
unsafe impl Send for Bytes {}
// SAFETY: as above.
unsafe impl Sync for Bytes {}
impl Memory for Bytes {
    fn ptr(&self) -> *mut u8 {
        self.ptr
    }
    fn len(&self) -> usize {
        self.words * 64
    }
    fn writable(&self) -> bool {
        true
    }
}
#[repr(align(64))]
#[derive(Clone, Copy)]
struct Line(#[allow(dead_code, reason = "only its size and alignment count")] [u8; 64]);
impl Drop for Bytes {
    fn drop(&mut self) {
        // SAFETY: made from a boxed slice of this length.
        drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(self.ptr.cast::<Line>(), self.words)) });
    }
}

/// An operand with its memory.
pub struct Case {
    operand: Operand,
    bytes: usize,
}

impl Case {
    /// Uninitialised-looking contiguous memory between sentinels.
    pub fn output(shape: &[usize], dtype: DType) -> Case {
        let desc = Desc::contiguous(shape, dtype);
        let bytes = desc.size() * dtype.size();
        Case::with(desc, bytes, 0)
    }

    fn with(desc: Desc, bytes: usize, at: usize) -> Case {
        let words = (bytes + 2 * GUARD).div_ceil(64);
        let lines = vec![Line([SENTINEL; 64]); words].into_boxed_slice();
        let ptr = Box::into_raw(lines).cast::<u8>();
        let buffer = Buffer::new(Bytes { ptr, words });
        Case { operand: Operand { desc, buffer, offset: GUARD + at }, bytes }
    }

    /// Random floats in [-1, 1) or integers in the dtype's range (bool: 0 or 1).
    /// Layout 0: contiguous; 1: last two axes transposed; 2: every third element, rows reversed.
    pub fn random(rng: &mut Rng, shape: &[usize], dtype: DType, layout: usize) -> Case {
        let n: usize = shape.iter().product();
        let count = if dtype.is_complex() { 2 * n } else { n };
        let values: Vec<f64> = (0..count)
            .map(|_| match dtype {
                DType::Bool => (rng.next() & 1) as f64,
                d if d.is_inexact() => rng.unit(),
                d if d.is_unsigned() => rng.below(200) as f64,
                _ => rng.below(200) as f64 - 100.0,
            })
            .collect();
        Case::layout(shape, dtype, &values, layout)
    }

    /// Given values (pairs for complex) in a layout.
    pub fn layout(shape: &[usize], dtype: DType, values: &[f64], layout: usize) -> Case {
        let nd = shape.len();
        let mut strides: Strides = mlx_ir::desc::row_major(shape);
        let mut first = 0usize;
        let mut room = shape.iter().product::<usize>();
        if layout == 1 && nd >= 2 {
            let mut t: Shape = shape.into();
            t.swap(nd - 1, nd - 2);
            strides = mlx_ir::desc::row_major(&t);
            strides.swap(nd - 1, nd - 2);
        } else if layout == 2 && nd >= 1 {
            room *= 3;
            for s in &mut strides {
                *s *= 3;
            }
            if nd >= 2 && shape[nd - 2] > 0 {
                first = (shape[nd - 2] - 1) * strides[nd - 2] as usize;
                strides[nd - 2] = -strides[nd - 2];
            }
        }
        let desc = Desc { shape: shape.into(), strides, dtype };
        let case = Case::with(desc, room * dtype.size(), first * dtype.size());
        let mut q = 0;
        case.each(|p| {
            // SAFETY: an element of this case.
            unsafe { store(p, dtype, &values[q..]) };
            q += if dtype.is_complex() { 2 } else { 1 };
        });
        case
    }

    pub fn f32(shape: &[usize], values: &[f32]) -> Case {
        let v: Vec<f64> = values.iter().map(|x| *x as f64).collect();
        Case::layout(shape, DType::F32, &v, 0)
    }

    /// Contiguous elements of any type.
    pub fn of<T: Element>(shape: &[usize], values: &[T]) -> Case {
        let case = Case::output(shape, T::DTYPE);
        assert_eq!(case.operand.desc.size(), values.len());
        // SAFETY: the case has room for them.
        unsafe {
            let p = case.operand.buffer.ptr().add(GUARD);
            std::ptr::copy_nonoverlapping(values.as_ptr().cast::<u8>(), p, size_of_val(values));
        }
        case
    }

    /// The same memory with two axes exchanged.
    pub fn swapped(mut self, a: usize, b: usize) -> Case {
        self.operand.desc.shape.swap(a, b);
        self.operand.desc.strides.swap(a, b);
        self
    }

    pub fn op(&self) -> Operand {
        self.operand.clone()
    }

    fn each(&self, mut f: impl FnMut(*mut u8)) {
        let d = &self.operand.desc;
        let base = self.operand.buffer.ptr().wrapping_add(self.operand.offset);
        for i in 0..d.size() {
            let (mut i, mut off) = (i, 0isize);
            for a in (0..d.ndim()).rev() {
                off += (i % d.shape[a]) as isize * d.strides[a];
                i /= d.shape[a];
            }
            f(base.wrapping_offset(off * d.dtype.size() as isize));
        }
    }

    /// Elements in row-major order (pairs for complex).
    pub fn values(&self) -> Vec<f64> {
        let mut out = Vec::new();
        // SAFETY: elements of this case.
        self.each(|p| unsafe { fetch(p, self.operand.desc.dtype, &mut out) });
        out
    }

    /// Elements of a contiguous case.
    pub fn read<T: Element>(&self) -> Vec<T> {
        assert!(self.operand.desc.is_contiguous() && self.operand.desc.dtype == T::DTYPE);
        let mut out = Vec::new();
        // SAFETY: elements of this type.
        self.each(|p| out.push(unsafe { p.cast::<T>().read() }));
        out
    }

    /// Panics if anything around the memory was written.
    pub fn check_guards(&self) {
        let b = &self.operand.buffer;
        // SAFETY: the whole block is initialised.
        let all = unsafe { std::slice::from_raw_parts(b.ptr(), b.len()) };
        assert!(all[..GUARD].iter().chain(&all[GUARD + self.bytes..]).all(|x| *x == SENTINEL), "written outside");
    }
}

unsafe fn store(p: *mut u8, d: DType, v: &[f64]) {
    let x = v[0];
    // SAFETY: `p` is an element of dtype `d`.
    unsafe {
        match d {
            DType::Bool => p.write((x != 0.0) as u8),
            DType::U8 => p.write(x as u8),
            DType::I8 => p.cast::<i8>().write(x as i8),
            DType::U16 => p.cast::<u16>().write(x as u16),
            DType::I16 => p.cast::<i16>().write(x as i16),
            DType::U32 => p.cast::<u32>().write(x as u32),
            DType::I32 => p.cast::<i32>().write(x as i32),
            DType::U64 => p.cast::<u64>().write(x as u64),
            DType::I64 => p.cast::<i64>().write(x as i64),
            DType::F16 => p.cast::<f16>().write(f16_of(x)),
            DType::BF16 => p.cast::<bf16>().write(bf16_of(x)),
            DType::F32 => p.cast::<f32>().write(x as f32),
            DType::F64 => p.cast::<f64>().write(x),
            DType::C64 => p.cast::<C64>().write(C64::new(x as f32, v[1] as f32)),
        }
    }
}

unsafe fn fetch(p: *const u8, d: DType, out: &mut Vec<f64>) {
    // SAFETY: `p` is an element of dtype `d`.
    unsafe {
        let last = match d {
            DType::Bool | DType::U8 => p.read() as f64,
            DType::I8 => p.cast::<i8>().read() as f64,
            DType::U16 => p.cast::<u16>().read() as f64,
            DType::I16 => p.cast::<i16>().read() as f64,
            DType::U32 => p.cast::<u32>().read() as f64,
            DType::I32 => p.cast::<i32>().read() as f64,
            DType::U64 => p.cast::<u64>().read() as f64,
            DType::I64 => p.cast::<i64>().read() as f64,
            DType::F16 => p.cast::<f16>().read().to_f64(),
            DType::BF16 => p.cast::<bf16>().read().to_f64(),
            DType::F32 => p.cast::<f32>().read() as f64,
            DType::F64 => p.cast::<f64>().read(),
            DType::C64 => {
                let c = p.cast::<C64>().read();
                out.push(c.re as f64);
                c.im as f64
            }
        };
        out.push(last);
    }
}
