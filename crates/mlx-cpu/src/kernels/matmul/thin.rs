//! Products with few rows: the matrix is read once, in place, and memory bandwidth is the limit.

use super::pack::Strided;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{Body, Elem, Simd, dispatch};
use crate::{Isa, Pool};

/// Most rows for which reading the matrix in place beats packing it.
pub(crate) const ROWS: usize = 8;
/// Columns of one strip when columns are contiguous.
const STRIP: usize = 2048;

/// Receives results: `(row, first column, values)`.
pub(crate) type Sink<'a> = dyn Fn(usize, usize, &[f32]) + Sync + 'a;

/// `sink = a·b` for an m×k `a` of few rows and `n` columns `b`, whose `sk` or `sw` is 1.
///
/// # Safety
/// The operands hold what the sizes say.
pub(crate) unsafe fn thin<E: Elem>(
    pool: &Pool,
    isa: Isa,
    [m, n, k]: [usize; 3],
    a: Strided<E>,
    b: Strided<E>,
    sink: &Sink<'_>,
) {
    let mut rows = Scratch::<f32>::new(m * k);
    let x = rows.ptr();
    for i in 0..m {
        for p in 0..k {
            // SAFETY: (i, p) is inside both.
            unsafe { *x.add(i * k + p) = (*a.at(i, p)).get() };
        }
    }
    // SAFETY: just written, m·k elements.
    let x = unsafe { std::slice::from_raw_parts(x, m * k) };
    // Bytes of the matrix worth a task of its own.
    let least = (16384usize).div_ceil(k.max(1));
    let body = |j0: usize, j1: usize| {
        if b.sk == 1 {
            dispatch(isa, Dots { x, m, k, b, j0, j1, sink });
        } else {
            let strip = if m > 2 { STRIP / 2 } else { STRIP };
            for j in (j0..j1).step_by(strip) {
                dispatch(isa, Columns { x, m, k, b, j0: j, j1: j1.min(j + strip), sink });
            }
        }
    };
    if n * k < super::gemm::SERIAL {
        body(0, n);
    } else {
        pool.run_ranges(n, least.next_multiple_of(if b.sk == 1 { 4 } else { 64 }), &body);
    }
}

/// Results kept before they are handed on.
const BATCH: usize = 64;

struct Dots<'a, E> {
    x: &'a [f32],
    m: usize,
    k: usize,
    b: Strided<E>,
    j0: usize,
    j1: usize,
    sink: &'a Sink<'a>,
}

impl<E: Elem> Body for Dots<'_, E> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let mut out = [[0f32; BATCH]; ROWS];
        for j0 in (self.j0..self.j1).step_by(BATCH) {
            let j1 = self.j1.min(j0 + BATCH);
            let mut j = j0;
            while j < j1 {
                // SAFETY: columns j… below j1 exist.
                unsafe {
                    let r = if j + 4 <= j1 { 4 } else { 1 };
                    for i in (0..self.m).step_by(2) {
                        let at = j - j0;
                        match (r, self.m - i) {
                            (4, 1) => self.dots::<S, 1, 4>(i, j, at, &mut out),
                            (4, _) => self.dots::<S, 2, 4>(i, j, at, &mut out),
                            (_, 1) => self.dots::<S, 1, 1>(i, j, at, &mut out),
                            _ => self.dots::<S, 2, 1>(i, j, at, &mut out),
                        }
                    }
                    j += r;
                }
            }
            for i in 0..self.m {
                (self.sink)(i, j0, &out[i][..j1 - j0]);
            }
        }
    }
}

impl<E: Elem> Dots<'_, E> {
    /// M rows of x with R columns.
    #[inline(always)]
    unsafe fn dots<S: Simd, const M: usize, const R: usize>(
        &self,
        i: usize,
        j: usize,
        at: usize,
        out: &mut [[f32; BATCH]; ROWS],
    ) {
        // SAFETY: M rows and R columns of k elements exist.
        unsafe {
            let mut line = [self.b.ptr; R];
            for r in 0..R {
                line[r] = self.b.at(j + r, 0);
            }
            let sums = dots::<S, E, M, R>(self.x.as_ptr().add(i * self.k), self.k, line, self.k);
            for q in 0..M {
                out[i + q][at..at + R].copy_from_slice(&sums[q]);
            }
        }
    }
}

/// Dot products of M rows (`ldx` apart) with R lines of `k` contiguous elements.
///
/// # Safety
/// As [`Simd`]; rows and lines have `k` elements.
#[inline(always)]
pub(crate) unsafe fn dots<S: Simd, E: Elem, const M: usize, const R: usize>(
    x: *const f32,
    ldx: usize,
    line: [*const E; R],
    k: usize,
) -> [[f32; R]; M] {
    // SAFETY: the caller's promise.
    unsafe {
        let mut acc = [[S::zero(); R]; M];
        let whole = k / S::N * S::N;
        let mut p = 0;
        while p < whole {
            let mut xv = [S::zero(); M];
            for q in 0..M {
                xv[q] = S::load(x.add(q * ldx + p));
            }
            for r in 0..R {
                let bv = E::vload::<S>(line[r].add(p));
                for q in 0..M {
                    acc[q][r] = S::fma(xv[q], bv, acc[q][r]);
                }
            }
            p += S::N;
        }
        let mut out = [[0f32; R]; M];
        for q in 0..M {
            for r in 0..R {
                let mut s = S::sum(acc[q][r]);
                for p in whole..k {
                    s += *x.add(q * ldx + p) * (*line[r].add(p)).get();
                }
                out[q][r] = s;
            }
        }
        out
    }
}

struct Columns<'a, E> {
    x: &'a [f32],
    m: usize,
    k: usize,
    b: Strided<E>,
    j0: usize,
    j1: usize,
    sink: &'a Sink<'a>,
}

impl<E: Elem> Body for Columns<'_, E> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let n = self.j1 - self.j0;
        let ld = n.next_multiple_of(16);
        let mut scratch = Scratch::<f32>::new(self.m * ld);
        let acc = scratch.ptr();
        // SAFETY: rows of `ld` ≥ n elements; k rows of n columns exist.
        unsafe {
            acc.write_bytes(0, self.m * ld);
            let mut p = 0;
            while p < self.k {
                let four = p + 4 <= self.k;
                for i in 0..self.m {
                    let (x, row) = (self.x.as_ptr().add(i * self.k + p), acc.add(i * ld));
                    if four {
                        self.steps::<S, 4>(p, x, row, n);
                    } else {
                        self.steps::<S, 1>(p, x, row, n);
                    }
                }
                p += if four { 4 } else { 1 };
            }
            for i in 0..self.m {
                (self.sink)(i, self.j0, std::slice::from_raw_parts(acc.add(i * ld), n));
            }
        }
    }
}

impl<E: Elem> Columns<'_, E> {
    /// Adds K steps to one row of sums.
    #[inline(always)]
    unsafe fn steps<S: Simd, const K: usize>(&self, p: usize, x: *const f32, acc: *mut f32, n: usize) {
        // SAFETY: K rows of n columns from j0 exist.
        unsafe {
            let mut row = [self.b.ptr; K];
            let mut xv = [S::zero(); K];
            for q in 0..K {
                row[q] = self.b.at(self.j0, p + q);
                xv[q] = S::splat(*x.add(q));
            }
            let mut j = 0;
            while j + S::N <= n {
                let mut s = S::load(acc.add(j));
                for q in 0..K {
                    s = S::fma(xv[q], E::vload::<S>(row[q].add(j)), s);
                }
                S::store(acc.add(j), s);
                j += S::N;
            }
            while j < n {
                let mut s = *acc.add(j);
                for q in 0..K {
                    s += *x.add(q) * (*row[q].add(j)).get();
                }
                *acc.add(j) = s;
                j += 1;
            }
        }
    }
}
