//! Running sums of f32. Along rows that lie next to each other in memory each sum is added one after another, so a row alone
//! waits for its additions; here as many rows as a vector has lanes go side by side, turned in registers. Columns go side by
//! side as they lie.

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

/// Elements of a line of the caches; no vector has more lanes.
const LANES: usize = LINE / size_of::<f32>();

/// A line of each row.
#[repr(C, align(64))]
struct Lines([[f32; LANES]; LANES]);

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
        let whole = self.n - self.n % LANES;
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
            let ahead = if BACK { -(AHEAD as isize) } else { AHEAD as isize };
            for k in (0..whole).step_by(LANES) {
                let k = if BACK { whole - LANES - k } else { k };
                if S::N == LANES {
                    let mut m = [S::zero(); LANES];
                    for (m, r) in m.iter_mut().zip(rows) {
                        stream::ask(r.0.wrapping_add(k).wrapping_offset(ahead).cast(), 1);
                        *m = S::load(r.0.add(k));
                    }
                    square::<S, BACK, INCLUSIVE>(&mut m, &mut sum);
                    for (&m, r) in m.iter().zip(rows) {
                        if past { S::stream(r.1.add(k), m) } else { S::store(r.1.add(k), m) }
                    }
                    continue;
                }
                // A line of each row at a time: lines that are far apart may push each other out of the nearest cache, and
                // what is written past it should be whole.
                let mut lines = Lines([[0.0; LANES]; LANES]);
                for (line, r) in lines.0.iter_mut().zip(rows) {
                    let from = r.0.add(k);
                    stream::ask(from.wrapping_offset(ahead).cast(), 1);
                    for j in (0..LANES).step_by(S::N) {
                        S::store(line[j..].as_mut_ptr(), S::load(from.add(j)));
                    }
                }
                for j in (0..LANES).step_by(S::N) {
                    let j = if BACK { LANES - S::N - j } else { j };
                    let mut m = [S::zero(); LANES];
                    for (m, line) in m[..S::N].iter_mut().zip(&lines.0) {
                        *m = S::load(line[j..].as_ptr());
                    }
                    square::<S, BACK, INCLUSIVE>(&mut m, &mut sum);
                    for (&m, line) in m[..S::N].iter().zip(&mut lines.0) {
                        S::store(line[j..].as_mut_ptr(), m);
                    }
                }
                for (line, r) in lines.0.iter().zip(rows) {
                    for j in (0..LANES).step_by(S::N) {
                        let (to, m) = (r.1.add(k + j), S::load(line[j..].as_ptr()));
                        if past { S::stream(to, m) } else { S::store(to, m) }
                    }
                }
            }
            S::store(sums.as_mut_ptr(), sum);
        }
        if !BACK {
            rest(&mut sums);
        }
    }
}

/// Makes elements of a square, whose rows go on from `sum`, the sums.
///
/// # Safety
/// The level's features.
#[inline(always)]
unsafe fn square<S: Simd, const BACK: bool, const INCLUSIVE: bool>(m: &mut [S::F; LANES], sum: &mut S::F) {
    // SAFETY: arithmetic of the level.
    unsafe {
        S::turn(m);
        for i in 0..S::N {
            let i = if BACK { S::N - 1 - i } else { i };
            let next = S::add(*sum, m[i]);
            m[i] = if INCLUSIVE { next } else { *sum };
            *sum = next;
        }
        S::turn(m);
    }
}

/// Columns that lie next to each other, scanned row by row.
pub(super) struct Columns {
    /// The first elements of the first row, and from one row to the next.
    pub from: *const f32,
    pub to: *mut f32,
    pub step: isize,
    pub out_step: isize,
    /// Rows and columns.
    pub n: usize,
    pub len: usize,
    pub inclusive: bool,
    /// The output is written past the caches (then [`stream::fence`] must follow).
    pub large: bool,
    /// The sums, [`Columns::len`] of them.
    pub sums: *mut f32,
}

impl Body for Columns {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (mut from, mut to) = (self.from, self.to);
        // SAFETY: the maker promises rows of `len` elements, the output's of this task alone, and room for as many sums.
        unsafe {
            self.sums.write_bytes(0, self.len);
            for _ in 0..self.n {
                let past = self.large && (to as usize).is_multiple_of(LINE);
                match (past, self.inclusive) {
                    (true, true) => self.row::<S, true, true>(from, to),
                    (true, false) => self.row::<S, true, false>(from, to),
                    (false, true) => self.row::<S, false, true>(from, to),
                    (false, false) => self.row::<S, false, false>(from, to),
                }
                (from, to) = (from.wrapping_offset(self.step), to.wrapping_offset(self.out_step));
            }
        }
    }
}

impl Columns {
    /// # Safety
    /// As [`Columns`]; the level's features; with `PAST`, `to` is aligned to a line.
    #[inline(always)]
    unsafe fn row<S: Simd, const PAST: bool, const INCLUSIVE: bool>(&self, from: *const f32, to: *mut f32) {
        let whole = self.len - self.len % S::N;
        // SAFETY: elements of the row; any address may be asked for.
        unsafe {
            for i in (0..whole).step_by(S::N) {
                // The next row is far away.
                S::prefetch(from.wrapping_offset(self.step).wrapping_add(i));
                let sum = S::load(self.sums.add(i));
                let next = S::add(sum, S::load(from.add(i)));
                let made = if INCLUSIVE { next } else { sum };
                if PAST {
                    S::stream(to.add(i), made)
                } else {
                    S::store(to.add(i), made)
                }
                S::store(self.sums.add(i), next);
            }
            for i in whole..self.len {
                let sum = *self.sums.add(i);
                let next = sum + *from.add(i);
                *to.add(i) = if INCLUSIVE { next } else { sum };
                *self.sums.add(i) = next;
            }
        }
    }
}
