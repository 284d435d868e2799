//! Rows along the last axis as f32, for kernels that work row by row on f32, f16 and bf16.

use crate::backend::Cx;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::Simd;
use crate::level::{Level, brain_to_f32, f32_to_brain};
use crate::stream::{self, LINE};
use crate::view::{Ptr, Walk, ptr};
use mlx_ir::{DType, Operand, Shape, Strides};

/// Elements that are written at a time.
pub(crate) const PART: usize = 512;

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

/// Elements of scratch memory for a row: whole lines, so that the next begins with one.
fn room(n: usize) -> usize {
    n.next_multiple_of(LINE / size_of::<f32>())
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
    /// The output is written past the caches.
    stream: bool,
}

/// One row of a half type, and scratch memory for two.
pub(crate) struct Row<'a> {
    x: *const u8,
    out: *mut u8,
    pub n: usize,
    half: Half,
    stream: bool,
    /// The input of the row that is next, if it is.
    next: *const u8,
    scratch: &'a mut Scratch<f32>,
}

impl Rows {
    pub fn new(x: &Operand, o: &Operand) -> Rows {
        let last = x.desc.ndim() - 1;
        let overlaps = x.buffer.same(&o.buffer);
        let bytes = o.desc.size() * o.desc.dtype.size();
        Rows {
            shape: x.desc.shape[..last].into(),
            strides: x.desc.strides[..last].into(),
            x: ptr(x),
            out: ptr(o),
            n: x.desc.shape[last],
            out_n: o.desc.shape[last],
            half: half_of(x.desc.dtype).expect("kernels accept floats only"),
            stream: cfg!(target_arch = "x86_64") && !overlaps && bytes >= stream::LARGE,
        }
    }

    /// Calls `f` for every row, which are not [`Rows::plain`]; `cost` is the rough work for an element.
    pub fn each(&self, cx: &Cx<'_>, cost: usize, f: &(dyn Fn(Row<'_>) + Sync)) {
        self.ranges(cx, cost, &|a, b| {
            let mut scratch = Scratch::new(2 * room(self.n) + PART);
            let mut w = Walk::new(&self.shape, [&self.strides], a);
            for r in a..b {
                // SAFETY: a row of the operand, and this task's row of the output.
                let (x, out) = unsafe { (self.x.at(w.offsets[0] * 2), self.out.at((r * self.out_n) as isize * 2)) };
                w.step();
                let next =
                    if r + 1 < b { self.x.get().wrapping_offset(w.offsets[0] * 2) } else { std::ptr::null_mut() };
                let (half, stream) = (self.half, self.stream);
                f(Row { x, out, n: self.n, half, stream, next, scratch: &mut scratch });
            }
        });
    }
}

/// Rows of f32 one after another, for kernels that work on the next ones while they write one: memory is read and written
/// at the same time then, and the arithmetic hidden behind both.
pub(crate) struct Run<'a> {
    rows: &'a Rows,
    walk: Walk<'a, 1>,
    at: usize,
    end: usize,
    scratch: Scratch<f32>,
}

/// Where a row of f32 lies, and that of its output.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub x: *const f32,
    pub out: *mut f32,
}

impl Rows {
    /// Whether rows are f32, as [`Rows::runs`] wants them.
    pub fn plain(&self) -> bool {
        self.half == Half::No
    }

    /// Calls `f` for ranges of rows; `cost` is the rough work for an element.
    pub fn runs(&self, cx: &Cx<'_>, cost: usize, f: &(dyn Fn(Run<'_>) + Sync)) {
        self.ranges(cx, cost, &|a, b| {
            let walk = Walk::new(&self.shape, [&self.strides], a);
            f(Run { rows: self, walk, at: a, end: b, scratch: Scratch::new(room(self.n) + PART) });
        });
    }

    /// Calls `range` for ranges of rows, a few for each thread if there is enough to do.
    fn ranges(&self, cx: &Cx<'_>, cost: usize, range: &(dyn Fn(usize, usize) + Sync)) {
        let rows: usize = self.shape.iter().product();
        let each = (self.n * cost).max(1);
        let fenced = |a: usize, b: usize| {
            range(a, b);
            if self.stream {
                stream::fence();
            }
        };
        if rows * each < 64 << 10 {
            fenced(0, rows)
        } else {
            cx.pool.run_ranges(rows, (32usize << 10).div_ceil(each), &fenced)
        }
    }
}

impl Run<'_> {
    /// Elements of a row.
    pub fn n(&self) -> usize {
        self.rows.n
    }

    /// The next row, if there is one.
    pub fn next(&mut self) -> Option<Place> {
        if self.at == self.end {
            return None;
        }
        // SAFETY: a row of the operand, and this task's row of the output.
        let (x, out) = unsafe {
            let x = self.rows.x.at(self.walk.offsets[0] * 4);
            (x, self.rows.out.at((self.at * self.rows.out_n) as isize * 4))
        };
        (self.at, _) = (self.at + 1, self.walk.step());
        Some(Place { x: x.cast_const().cast(), out: out.cast() })
    }

    /// A row of scratch memory, and some elements more, with undefined contents.
    pub fn scratch(&mut self) -> *mut f32 {
        self.scratch.ptr()
    }

    /// Whether the output row is to be written past the caches, which is possible where it begins at a line.
    pub fn past(&self, place: Place) -> bool {
        self.rows.stream && (place.out as usize).is_multiple_of(LINE)
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

    /// A row of scratch memory with undefined contents, which `load` does not use.
    ///
    /// # Safety
    /// Once only.
    pub unsafe fn scratch(&mut self) -> &'a mut [f32] {
        // SAFETY: `each` makes room for two rows, of which `load` uses the first.
        unsafe { std::slice::from_raw_parts_mut(self.scratch.ptr().add(room(self.n)), self.n) }
    }

    /// Makes, rounds and writes elements `at..at + n` of the output row, no more than [`PART`], and asks for those of the
    /// next row's input if told to. `f` makes the vector of so many elements, no more than its lanes, from one of these on.
    /// An output that lies over the input lies over it element by element, so what [`Row::load`] returned is still good.
    ///
    /// # Safety
    /// The level's features; the elements are in the output row, and `at` is a multiple of [`PART`].
    #[inline(always)]
    pub unsafe fn write<S: Simd>(&mut self, at: usize, n: usize, ask: bool, f: impl Fn(usize, usize) -> S::F) {
        let whole = n - n % S::N;
        // SAFETY: the output row has these elements and is this task's; `each` makes room for a part after two rows.
        unsafe {
            let made = self.scratch.ptr().add(2 * room(self.n));
            for i in (0..whole).step_by(S::N) {
                if ask {
                    self.prefetch(at + i, S::N);
                }
                S::store(made.add(i), f(i, S::N));
            }
            if whole < n {
                S::store_part(made.add(whole), f(whole, n - whole), n - whole);
            }
            let (made, out) = (std::slice::from_raw_parts(made, n), self.out.add(2 * at));
            if !self.stream {
                return narrow::<S::Level>(made, self.half, out.cast());
            }
            let mut raw = [0u16; PART];
            narrow::<S::Level>(made, self.half, raw.as_mut_ptr());
            stream::copy(raw.as_ptr().cast(), out, 2 * n, true);
        }
    }

    /// Asks for elements `from..from + n` of the next row while this one is worked on.
    #[inline(always)]
    pub fn prefetch(&self, from: usize, n: usize) {
        if !self.next.is_null() {
            stream::ask(self.next.wrapping_add(from * 2), n * 2);
        }
    }

    /// Writes (and rounds) the only element of an output row.
    ///
    /// # Safety
    /// The level's features.
    #[inline(always)]
    pub unsafe fn put_one<L: Level>(&mut self, y: f32) {
        // SAFETY: the output row has an element and is this task's.
        unsafe { narrow::<L>(&[y], self.half, self.out.cast()) }
    }
}

/// Rounds to a half type.
///
/// # Safety
/// The level's features; room for all of `y`.
#[inline(always)]
unsafe fn narrow<L: Level>(y: &[f32], half: Half, to: *mut u16) {
    // SAFETY: the caller's promise.
    unsafe {
        if half == Half::F16 {
            return L::narrow(y.as_ptr(), to, y.len());
        }
        for (i, &y) in y.iter().enumerate() {
            *to.add(i) = f32_to_brain(y);
        }
    }
}
