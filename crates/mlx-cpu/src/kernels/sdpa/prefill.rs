//! Many queries: both products run on register tiles. Scores are kept transposed (keys × queries): they come out in
//! the order in which the second product reads them, and the softmax needs no sums across lanes.

use super::{Job, Rows};
use crate::backend::Cx;
use crate::kernels::matmul::{Pack, Real, Strided};
use crate::kernels::packed;
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{Body, Elem, Simd, dispatch};
use std::ops::Range;

/// Keys worked on at a time, rounded down to whole panels.
const BLOCK: usize = 192;
/// Panels of queries that share a packed block of keys, about.
const PANELS: usize = 4;

/// Rows in 8 bits are multiplied as f32, which E is for them.
pub(super) fn run<E: Elem>(cx: &Cx<'_>, job: &Job) {
    let nr = <f32 as Real>::micro(cx.isa).nr;
    let tile = (PANELS * nr / job.rep).max(1).next_multiple_of(nr).min(job.l);
    let tiles = job.l.div_ceil(tile);
    let count = job.batch * job.groups;
    cx.pool.run(count * tiles, &|t| {
        // Late rows of a causal mask see most keys: the long tasks go first.
        let (bg, t) = (t % count, tiles - 1 - t / count);
        let rows = t * tile..job.l.min((t + 1) * tile);
        // SAFETY: the rows are inside, and no other task writes them.
        unsafe { one_tile::<E>(cx, job, bg / job.groups, bg % job.groups, rows) };
    });
}

/// All heads of group `g`, queries `rows`.
unsafe fn one_tile<E: Elem>(cx: &Cx<'_>, job: &Job, b: usize, g: usize, rows: Range<usize>) {
    let micro = <f32 as Real>::micro(cx.isa);
    let (mr, nr, d) = (micro.mr, micro.nr, job.d);
    let queries = job.rep * rows.len();
    let panels = queries.div_ceil(nr);
    let at = |c: usize| (g * job.rep + c / rows.len(), rows.start + c % rows.len());
    let block = (BLOCK / mr * mr).min(job.s.next_multiple_of(mr));
    let e_pad = job.e.next_multiple_of(mr);

    let sizes = [
        panels * nr * d,
        panels * nr * d,
        block * d,
        block * e_pad,
        block * nr,
        panels * nr * e_pad,
        panels * nr * 2,
        e_pad.max(nr),
        if job.packed { block * d.max(job.e) } else { 0 },
    ];
    let mut scratch = Scratch::<f32>::new(sizes.iter().sum::<usize>() + 16 * sizes.len());
    let mut next = scratch.ptr();
    // SAFETY: consecutive parts of the block just taken; each is written before it is read. Rows of the operands that
    // are touched exist: heads of group g, queries `rows`, keys below s.
    unsafe {
        let parts = sizes.map(|n| {
            let p = next;
            next = next.add(n.next_multiple_of(16));
            p
        });
        let [plain, packed_q, packed_k, packed_v, scores, sums, stats, line, rows_8] = parts;
        for c in 0..queries {
            let (h, i) = at(c);
            job.load_q(cx, b, h, i, plain.add(c * d));
        }
        let source = Strided { ptr: plain.cast_const(), sw: d as isize, sk: 1 };
        for p in 0..panels {
            source.pack(cx.isa, p * nr, (queries - p * nr).min(nr), nr, 0, d, packed_q.add(p * nr * d));
        }
        sums.write_bytes(0, panels * nr * e_pad);
        for c in 0..panels * nr {
            let sink = if c < queries { job.sink(at(c).0) } else { None };
            *stats.add(c) = sink.unwrap_or(f32::NEG_INFINITY);
            *stats.add(panels * nr + c) = sink.map_or(0.0, |_| 1.0);
        }
        // Keys that a panel's queries see: all of them, and any of them.
        let sight = |p: usize| {
            let all = (p * nr..queries.min((p + 1) * nr)).map(|c| job.keys(at(c).1));
            let first = (job.s, 0, 0, job.s);
            all.fold(first, |(a, b, x, y), k| {
                let (a, b) = if k.is_empty() { (a, b) } else { (a.min(k.start), b.max(k.end)) };
                (a, b, x.max(k.start), y.min(k.end))
            })
        };
        let (mut lo, mut hi) = (job.s, 0);
        for p in 0..panels {
            let (a, b, ..) = sight(p);
            (lo, hi) = (lo.min(a), hi.max(b));
        }
        for s0 in (lo..hi).step_by(block) {
            let keys = s0..hi.min(s0 + block);
            let n = keys.len();
            // Rows in 8 bits are unpacked, a block of keys and then of values at the same place.
            let unpacked = |x: &Rows, n_row: usize| {
                let (from, step) = (x.row(b, g, s0), x.strides[2]);
                if !job.packed {
                    return (from.cast::<E>(), step);
                }
                packed::unpack(cx.isa, from, step * 4, n, n_row, rows_8);
                (rows_8.cast_const().cast::<E>(), n_row as isize)
            };
            let (ptr, sw) = unpacked(&job.k, d);
            let k = Strided { ptr, sw, sk: 1 };
            for j in (0..n).step_by(mr) {
                k.pack(cx.isa, j, (n - j).min(mr), mr, 0, d, packed_k.add(j * d));
            }
            let (from, step) = unpacked(&job.v, job.e);
            dispatch(cx.isa, PackValues { from, step, n, e: job.e, e_pad, mr, line, to: packed_v });
            for p in 0..panels {
                let (a, z, all_from, all_to) = sight(p);
                if keys.end <= a || keys.start >= z {
                    continue;
                }
                let q = packed_q.add(p * nr * d);
                for j in (0..n).step_by(mr) {
                    (micro.run)(d, packed_k.add(j * d), q, scores.add(j * nr), nr, true);
                }
                let cut = keys.start < all_from || keys.end > all_to;
                if cut || job.mask.is_some() {
                    for c in p * nr..queries.min((p + 1) * nr) {
                        let (h, i) = at(c);
                        let (column, sees) = (scores.add(c - p * nr), job.keys(i));
                        if cut {
                            for (j, s) in keys.clone().enumerate() {
                                if !sees.contains(&s) {
                                    *column.add(j * nr) = f32::NEG_INFINITY;
                                }
                            }
                        }
                        if let Some(m) = &job.mask {
                            m.add(b, h, i, keys.clone(), column, nr);
                        }
                    }
                }
                let out = sums.add(p * nr * e_pad);
                let (top, total) = (stats.add(p * nr), stats.add((panels + p) * nr));
                dispatch(cx.isa, Update { scores, n, nr, top, total, sums: out, e: e_pad });
                for j in (0..e_pad).step_by(mr) {
                    (micro.run)(n, packed_v.add(j * n), scores, out.add(j * nr), nr, false);
                }
            }
        }
        for c in 0..queries {
            let (h, i) = at(c);
            let (p, q) = (c / nr, c % nr);
            let total = *stats.add(panels * nr + c);
            let column = sums.add(p * nr * e_pad + q);
            if total == 0.0 {
                job.store_masked(cx, b, h, i, line);
                continue;
            }
            for j in 0..job.e {
                *line.add(j) = *column.add(j * nr);
            }
            job.store(cx, b, h, i, line, 1.0 / total);
        }
    }
}

/// Value rows as panels of mr columns: element (key, column) of panel j at `to + j·mr·n + key·mr`.
struct PackValues<E> {
    from: *const E,
    step: isize,
    n: usize,
    e: usize,
    e_pad: usize,
    mr: usize,
    line: *mut f32,
    to: *mut f32,
}

impl<E: Elem> Body for PackValues<E> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: n rows of e elements; `line` has e_pad, `to` n·e_pad.
        unsafe {
            for j in self.e..self.e_pad {
                *self.line.add(j) = 0.0;
            }
            for s in 0..self.n {
                let row = self.from.offset(s as isize * self.step);
                let mut j = 0;
                while j + S::N <= self.e {
                    S::store(self.line.add(j), E::vload::<S>(row.add(j)));
                    j += S::N;
                }
                while j < self.e {
                    *self.line.add(j) = (*row.add(j)).get();
                    j += 1;
                }
                let mut j = 0;
                while j < self.e_pad {
                    let to = self.to.add(j * self.n + s * self.mr);
                    // Every tile has a multiple of four rows or six.
                    for q in (0..self.mr).step_by(2) {
                        let two = self.line.add(j + q).cast::<[f32; 2]>().read_unaligned();
                        to.add(q).cast::<[f32; 2]>().write_unaligned(two);
                    }
                    j += self.mr;
                }
            }
        }
    }
}

/// Running softmax of one panel: scores become weights, sums so far are rescaled.
struct Update {
    scores: *mut f32,
    n: usize,
    nr: usize,
    top: *mut f32,
    total: *mut f32,
    sums: *mut f32,
    e: usize,
}

impl Body for Update {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: n rows of nr scores, nr maxima and totals, e rows of nr sums; nr is a multiple of N.
        unsafe {
            let mut c = 0;
            while c < self.nr {
                let low = S::splat(f32::MIN);
                let old = S::load(self.top.add(c));
                let mut top = old;
                for s in 0..self.n {
                    top = S::max(top, S::load(self.scores.add(s * self.nr + c)));
                }
                let base = S::max(low, top);
                let mut sum = S::zero();
                for s in 0..self.n {
                    let p = self.scores.add(s * self.nr + c);
                    let w = S::exp(S::sub(S::load(p), base));
                    S::store(p, w);
                    sum = S::add(sum, w);
                }
                let shrink = S::exp(S::sub(S::max(low, old), base));
                S::store(self.top.add(c), top);
                S::store(self.total.add(c), S::fma(S::load(self.total.add(c)), shrink, sum));
                // Most blocks bring no new maximum.
                let mut f = [1f32; 16];
                S::store(f.as_mut_ptr(), shrink);
                if f[..S::N].iter().any(|x| *x != 1.0) {
                    for j in 0..self.e {
                        let p = self.sums.add(j * self.nr + c);
                        S::store(p, S::mul(S::load(p), shrink));
                    }
                }
                c += S::N;
            }
        }
    }
}
