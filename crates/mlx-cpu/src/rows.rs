//! Rows along the last axis as f32, for kernels that work row by row on f32, f16 and bf16.

use crate::backend::Cx;
use crate::kernels::scratch::Scratch;
use crate::level::{Level, brain_to_f32, f32_to_brain};
use crate::view::{Ptr, Walk, ptr};
use mlx_ir::{DType, Operand, Shape, Strides};

/// Half types as they lie in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Half {
    No,
    F16,
    Brain,
}

/// How a float dtype lies, or none for what is no f32, f16 or bf16.
pub(crate) fn half_of(d: DType) -> Option<Half> {
    match d {
        DType::F32 => Some(Half::No),
        DType::F16 => Some(Half::F16),
        DType::BF16 => Some(Half::Brain),
        _ => None,
    }
}

/// `n` contiguous elements as f32: in place if they are, else in `buffer`.
///
/// # Safety
/// `n` elements at `p`, room for them at `buffer`; the level's features.
#[inline(always)]
pub(crate) unsafe fn load<L: Level>(p: *const u8, n: usize, half: Half, buffer: *mut f32) -> *const f32 {
    // SAFETY: the caller's promise.
    unsafe {
        match half {
            Half::No => return p.cast(),
            Half::F16 => L::widen(p.cast(), buffer, n),
            Half::Brain => {
                for i in 0..n {
                    *buffer.add(i) = brain_to_f32(*p.cast::<u16>().add(i));
                }
            }
        }
    }
    buffer
}

/// All rows of an operand (whose last axis is contiguous) and of a row-major output.
pub(crate) struct Rows {
    shape: Shape,
    strides: Strides,
    x: Ptr<u8>,
    out: Ptr<u8>,
    /// Elements of an input and of an output row.
    n: usize,
    out_n: usize,
    half: Half,
    overlaps: bool,
}

/// One row, and scratch memory for two.
pub(crate) struct Row<'a> {
    x: *const u8,
    out: *mut u8,
    pub n: usize,
    pub half: Half,
    /// The output may lie over the input.
    pub overlaps: bool,
    scratch: &'a mut Scratch<f32>,
}

impl Rows {
    pub fn new(x: &Operand, o: &Operand) -> Rows {
        let last = x.desc.ndim() - 1;
        Rows {
            shape: x.desc.shape[..last].into(),
            strides: x.desc.strides[..last].into(),
            x: ptr(x),
            out: ptr(o),
            n: x.desc.shape[last],
            out_n: o.desc.shape[last],
            half: half_of(x.desc.dtype).expect("kernels accept floats only"),
            overlaps: x.buffer.same(&o.buffer),
        }
    }

    /// Calls `f` for every row; `cost` is the rough work for an element.
    pub fn each(&self, cx: &Cx<'_>, cost: usize, f: &(dyn Fn(Row<'_>) + Sync)) {
        let rows: usize = self.shape.iter().product();
        let size = if self.half == Half::No { 4 } else { 2 };
        let range = |a: usize, b: usize| {
            let mut scratch = Scratch::new(2 * self.n.max(1));
            let mut w = Walk::new(&self.shape, [&self.strides], a);
            for r in a..b {
                // SAFETY: a row of the operand, and this task's row of the output.
                let (x, out) =
                    unsafe { (self.x.at(w.offsets[0] * size), self.out.at((r * self.out_n) as isize * size)) };
                f(Row { x, out, n: self.n, half: self.half, overlaps: self.overlaps, scratch: &mut scratch });
                w.step();
            }
        };
        let each = (self.n * cost).max(1);
        if rows * each < 64 << 10 {
            range(0, rows)
        } else {
            cx.pool.run_ranges(rows, (32usize << 10).div_ceil(each), &range)
        }
    }
}

impl<'a> Row<'a> {
    /// The input as f32.
    ///
    /// # Safety
    /// The level's features.
    #[inline(always)]
    pub unsafe fn load<L: Level>(&mut self) -> &'a [f32] {
        // SAFETY: the row has `n` elements, the first half of the scratch is used for nothing else.
        unsafe { std::slice::from_raw_parts(load::<L>(self.x, self.n, self.half, self.scratch.ptr()), self.n) }
    }

    /// The output of an f32 row.
    ///
    /// # Safety
    /// Once only, and the output does not lie over the input.
    pub unsafe fn out_f32(&mut self) -> &'a mut [f32] {
        // SAFETY: the output row has `n` elements and is this task's.
        unsafe { std::slice::from_raw_parts_mut(self.out.cast(), self.n) }
    }

    /// A row of scratch memory with undefined contents: number 1 is not used by `load`.
    ///
    /// # Safety
    /// Each number once only.
    pub unsafe fn scratch(&mut self, number: usize) -> &'a mut [f32] {
        // SAFETY: `each` makes room for two rows.
        unsafe { std::slice::from_raw_parts_mut(self.scratch.ptr().add(number * self.n), self.n) }
    }

    /// Writes (and rounds) results to the output row.
    ///
    /// # Safety
    /// The level's features; no more elements than an output row.
    #[inline(always)]
    pub unsafe fn store<L: Level>(&mut self, y: &[f32]) {
        // SAFETY: the output row has room and is this task's.
        unsafe {
            match self.half {
                Half::No => std::ptr::copy_nonoverlapping(y.as_ptr(), self.out.cast(), y.len()),
                Half::F16 => L::narrow(y.as_ptr(), self.out.cast(), y.len()),
                Half::Brain => {
                    for (i, &y) in y.iter().enumerate() {
                        *self.out.cast::<u16>().add(i) = f32_to_brain(y);
                    }
                }
            }
        }
    }
}
