//! Running sums of f32 along rows that lie next to each other in memory. Each sum is added one after another, so a row alone
//! waits for its additions; here as many rows as a vector has lanes go side by side, turned in registers.

use crate::kernels::simd::{Body, Simd};
use crate::stream::{self, LINE};

/// Elements ahead that are asked for: the processor guesses little of so many rows.
const AHEAD: usize = 128;

/// Scans whole groups of rows and returns how many are left over.
pub(super) struct Sums<P> {
    /// Where the next row of the input and of the output start.
    pub next: P,
    pub rows: usize,
    /// Elements of a row.
    pub n: usize,
    /// From the end.
    pub back: bool,
    pub inclusive: bool,
    /// The output is written past the caches (then [`stream::fence`] must follow).
    pub large: bool,
}

impl<P: FnMut() -> (*const f32, *mut f32)> Body for Sums<P> {
    type Out = usize;
    #[inline(always)]
    unsafe fn run<S: Simd>(mut self) -> usize {
        for _ in 0..self.rows / S::N {
            let mut rows = [(std::ptr::null(), std::ptr::null_mut()); 16];
            rows[..S::N].fill_with(&mut self.next);
            let rows = Group { rows, n: self.n, large: self.large };
            // SAFETY: the maker promises rows of `n` elements, which nobody else writes.
            unsafe {
                match (self.back, self.inclusive) {
                    (false, true) => rows.scan::<S, false, true>(),
                    (false, false) => rows.scan::<S, false, false>(),
                    (true, true) => rows.scan::<S, true, true>(),
                    (true, false) => rows.scan::<S, true, false>(),
                }
            }
        }
        self.rows % S::N
    }
}

/// As many rows as a vector has lanes.
struct Group {
    rows: [(*const f32, *mut f32); 16],
    n: usize,
    large: bool,
}

impl Group {
    /// # Safety
    /// The level's features; `n` elements at all pointers of the first N rows.
    #[inline(always)]
    unsafe fn scan<S: Simd, const BACK: bool, const INCLUSIVE: bool>(&self) {
        let rows = &self.rows[..S::N];
        let whole = self.n - self.n % S::N;
        let past = self.large && rows.iter().all(|r| (r.1 as usize).is_multiple_of(LINE));
        let mut sums = [0f32; 16];
        let rest = |sums: &mut [f32; 16]| {
            for (&(from, to), sum) in rows.iter().zip(sums) {
                for i in whole..self.n {
                    let i = if BACK { whole + self.n - 1 - i } else { i };
                    // SAFETY: an element of the row.
                    unsafe {
                        let next = *sum + *from.add(i);
                        *to.add(i) = if INCLUSIVE { next } else { *sum };
                        *sum = next;
                    }
                }
            }
        };
        if BACK {
            rest(&mut sums);
        }
        // SAFETY: vectors of the rows; what is streamed begins at whole vectors of a line.
        unsafe {
            let mut sum = S::load(sums.as_ptr());
            for k in (0..whole).step_by(S::N) {
                let k = if BACK { whole - S::N - k } else { k };
                let mut m = [S::zero(); 16];
                for (m, r) in m.iter_mut().zip(rows) {
                    let from = r.0.add(k);
                    stream::ask(from.wrapping_offset(if BACK { -(AHEAD as isize) } else { AHEAD as isize }).cast(), 1);
                    *m = S::load(from);
                }
                S::turn(&mut m);
                for i in 0..S::N {
                    let i = if BACK { S::N - 1 - i } else { i };
                    let next = S::add(sum, m[i]);
                    m[i] = if INCLUSIVE { next } else { sum };
                    sum = next;
                }
                S::turn(&mut m);
                for (&m, r) in m.iter().zip(rows) {
                    if past { S::stream(r.1.add(k), m) } else { S::store(r.1.add(k), m) }
                }
            }
            S::store(sums.as_mut_ptr(), sum);
        }
        if !BACK {
            rest(&mut sums);
        }
    }
}
