//! Few queries, many keys: keys and values are read once, in place, for all queries that share them. The keys are
//! split into fixed pieces, so the result does not depend on the number of threads.

use super::Job;
use super::stored::Stored;
use crate::backend::Cx;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{Body, Simd, dispatch};
use crate::view::Ptr;
use std::ops::Range;

/// Keys of one piece.
const PIECE: usize = 512;

pub(super) fn run<T: Stored>(cx: &Cx<'_>, job: &Job) {
    let rows = job.rep * job.l;
    let pieces = job.s.div_ceil(PIECE);
    let count = job.batch * job.groups;
    // For each piece and row: maximum, sum, e weighted values.
    let width = job.e + 2;
    let mut parts = Scratch::<f32>::new(count * pieces * rows * width);
    let parts = Ptr::new(parts.ptr());
    cx.pool.run(count * pieces, &|t| {
        let (bg, piece) = (t / pieces, t % pieces);
        let keys = piece * PIECE..job.s.min((piece + 1) * PIECE);
        let mut queries = Scratch::<f32>::new(rows * (job.d + PIECE));
        // SAFETY: the part is this task's own; queries and scores fit their rows.
        unsafe {
            let q = queries.ptr();
            let out = parts.get().add(t * rows * width);
            let (b, g) = (bg / job.groups, bg % job.groups);
            for r in 0..rows {
                job.load_q(cx, b, g * job.rep + r / job.l, r % job.l, q.add(r * job.d));
            }
            let scores = q.add(rows * job.d);
            dispatch(cx.isa, Piece::<T> { job, b, g, keys, q, scores, out, of: std::marker::PhantomData });
        }
    });
    cx.pool.run(count, &|bg| {
        let (b, g) = (bg / job.groups, bg % job.groups);
        let mut sum = Scratch::<f32>::new(job.e);
        let acc = sum.ptr();
        for r in 0..rows {
            let (h, i) = (g * job.rep + r / job.l, r % job.l);
            let sink = job.sink(h);
            // SAFETY: the parts are written; the result row belongs to this task.
            unsafe {
                let part = |p: usize| parts.get().add(((bg * pieces + p) * rows + r) * width);
                let mut top = sink.unwrap_or(f32::NEG_INFINITY);
                for p in 0..pieces {
                    top = top.max(*part(p));
                }
                let top = top.max(f32::MIN);
                let mut total = sink.map_or(0.0, |s| (s - top).exp());
                for j in 0..job.e {
                    *acc.add(j) = 0.0;
                }
                for p in 0..pieces {
                    let part = part(p);
                    if *part == f32::NEG_INFINITY {
                        continue;
                    }
                    let f = (*part - top).exp();
                    total += f * *part.add(1);
                    for j in 0..job.e {
                        *acc.add(j) += f * *part.add(2 + j);
                    }
                }
                if total == 0.0 {
                    job.store_masked(cx, b, h, i, acc);
                } else {
                    job.store(cx, b, h, i, acc, 1.0 / total);
                }
            }
        }
    });
}

struct Piece<'a, T> {
    job: &'a Job,
    b: usize,
    g: usize,
    keys: Range<usize>,
    q: *const f32,
    scores: *mut f32,
    out: *mut f32,
    of: std::marker::PhantomData<T>,
}

impl<T: Stored> Body for Piece<'_, T> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let (job, rows) = (self.job, self.job.rep * self.job.l);
        // Only keys that some query sees are read.
        let seen = (0..job.l).map(|i| job.keys(i)).filter(|k| !k.is_empty());
        let (lo, hi) = seen.fold((usize::MAX, 0), |(a, b), k| (a.min(k.start), b.max(k.end)));
        let keys = self.keys.start.max(lo)..self.keys.end.min(hi);
        let n = keys.len();
        // SAFETY: rows of d (e) elements at every key; scores hold rows×PIECE.
        unsafe {
            if n > 0 {
                let mut r = 0;
                while r < rows {
                    match rows - r {
                        1 => self.logits::<S, 1, 4>(r, &keys),
                        2 | 3 => self.logits::<S, 2, 4>(r, &keys),
                        _ => self.logits::<S, 4, 2>(r, &keys),
                    }
                    r += match rows - r {
                        1 => 1,
                        2 | 3 => 2,
                        _ => 4,
                    };
                }
            }
            for r in 0..rows {
                let (h, i) = (self.g * job.rep + r / job.l, r % job.l);
                let row = self.scores.add(r * PIECE);
                let sees = job.keys(i);
                for (j, s) in keys.clone().enumerate() {
                    if !sees.contains(&s) {
                        *row.add(j) = f32::NEG_INFINITY;
                    }
                }
                if let Some(m) = &job.mask {
                    m.add(self.b, h, i, keys.clone(), row, 1);
                }
                let (top, sum) = weights::<S>(row, n);
                let part = self.out.add(r * (job.e + 2));
                *part = top;
                *part.add(1) = sum;
            }
            let mut r = 0;
            while r < rows {
                let m = if rows - r >= 4 { 4 } else { 1 };
                let mut c = 0;
                while c < job.e {
                    let left = job.e - c;
                    // Sixteen sums fit the registers except where there are only sixteen.
                    let wide = if S::N == 8 { 2 } else { 4 };
                    c += match (m, left >= wide * S::N) {
                        (4, true) if wide == 2 => self.values::<S, 4, 2>(r, c, &keys),
                        (4, true) => self.values::<S, 4, 4>(r, c, &keys),
                        (4, false) if left >= S::N => self.values::<S, 4, 1>(r, c, &keys),
                        (1, true) if wide == 2 => self.values::<S, 1, 2>(r, c, &keys),
                        (1, true) => self.values::<S, 1, 4>(r, c, &keys),
                        (1, false) if left >= S::N => self.values::<S, 1, 1>(r, c, &keys),
                        _ => self.tail(r, m, c, &keys),
                    };
                }
                r += m;
            }
        }
    }
}

impl<T: Stored> Piece<'_, T> {
    /// Scores of M queries from row `r`.
    #[inline(always)]
    unsafe fn logits<S: Simd, const M: usize, const R: usize>(&self, r: usize, keys: &Range<usize>) {
        let job = self.job;
        // SAFETY: the keys exist, each a row of d elements.
        unsafe {
            let x = self.q.add(r * job.d);
            let mut s = keys.start;
            while s < keys.end {
                let at = self.scores.add(r * PIECE + s - keys.start);
                let key = |s: usize| job.k.row(self.b, self.g, s);
                if s + R <= keys.end {
                    let mut line = [key(s); R];
                    for j in 1..R {
                        line[j] = key(s + j);
                    }
                    let v = T::dots::<S, M, R>(x, job.d, line);
                    for q in 0..M {
                        for j in 0..R {
                            *at.add(q * PIECE + j) = v[q][j];
                        }
                    }
                    s += R;
                } else {
                    let v = T::dots::<S, M, 1>(x, job.d, [key(s)]);
                    for q in 0..M {
                        *at.add(q * PIECE) = v[q][0];
                    }
                    s += 1;
                }
            }
        }
    }

    /// Weighted sums of V vectors of columns from `c`, for M queries from row `r`; returns the columns done.
    #[inline(always)]
    unsafe fn values<S: Simd, const M: usize, const V: usize>(&self, r: usize, c: usize, keys: &Range<usize>) -> usize {
        let job = self.job;
        // SAFETY: the columns exist in every value row; scores are written.
        unsafe {
            let mut acc = [[S::zero(); V]; M];
            for (j, s) in keys.clone().enumerate() {
                let x = T::columns::<S, V>(job.v.row(self.b, self.g, s), job.e, c);
                for q in 0..M {
                    let w = S::splat(*self.scores.add((r + q) * PIECE + j));
                    for t in 0..V {
                        acc[q][t] = S::fma(w, x[t], acc[q][t]);
                    }
                }
            }
            for q in 0..M {
                let out = self.out.add((r + q) * (job.e + 2) + 2 + c);
                for t in 0..V {
                    S::store(out.add(t * S::N), S::mul(acc[q][t], S::splat(T::UNIT)));
                }
            }
        }
        V * S::N
    }

    /// The last columns.
    unsafe fn tail(&self, r: usize, m: usize, c: usize, keys: &Range<usize>) -> usize {
        for q in r..r + m {
            for c in c..self.job.e {
                let mut sum = 0f32;
                for (j, s) in keys.clone().enumerate() {
                    // SAFETY: column c of value row s; scores are written.
                    unsafe {
                        let v = T::column(self.job.v.row(self.b, self.g, s), self.job.e, c);
                        sum += *self.scores.add(q * PIECE + j) * v;
                    }
                }
                // SAFETY: the part has e values for each query.
                unsafe { *self.out.add(q * (self.job.e + 2) + 2 + c) = sum };
            }
        }
        self.job.e - c
    }
}

/// Turns scores into e^(score − maximum); returns the maximum and the sum.
#[inline(always)]
unsafe fn weights<S: Simd>(row: *mut f32, n: usize) -> (f32, f32) {
    // SAFETY: n scores.
    unsafe {
        let mut top = f32::NEG_INFINITY;
        let mut t = S::splat(top);
        let mut j = 0;
        while j + S::N <= n {
            t = S::max(t, S::load(row.add(j)));
            j += S::N;
        }
        top = top.max(S::hmax(t));
        while j < n {
            top = top.max(*row.add(j));
            j += 1;
        }
        let base = S::splat(top.max(f32::MIN));
        let mut sum = S::zero();
        let mut j = 0;
        while j + S::N <= n {
            let w = S::exp(S::sub(S::load(row.add(j)), base));
            S::store(row.add(j), w);
            sum = S::add(sum, w);
            j += S::N;
        }
        let mut total = S::sum(sum);
        if j < n {
            let w = S::exp(S::sub(S::load_part(row.add(j), n - j), base));
            S::store_part(row.add(j), w, n - j);
            for q in j..n {
                total += *row.add(q);
            }
        }
        (top, total)
    }
}
