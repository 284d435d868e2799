//! Products with an encoded matrix. Codes are decoded on the way into the arithmetic; sums are f32.

use super::codes::{UNIT, unpack};
use super::{known, rows_contiguous};
use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::matmul::{Pack, Strided, Target, gemm};
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{Body, Elem, Simd, dispatch};
use crate::view::{self, Ptr, Walk};
use crate::{Isa, Pool};
use half::{bf16, f16};
use mlx_ir::{DType, Desc, Operand, Result, op};

/// Most rows of x for which the codes are read in place: along the codes, and across them.
const ROWS: usize = 16;
const ROWS_ACROSS: usize = 8;

impl Kernel for op::QuantizedMatmul {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        let d = outs[0].dtype;
        known(self.affine, d)
            && ins[0].dtype == d
            && ins[0].ndim() >= 1
            && ins[1].dtype == DType::U32
            && ins[1].ndim() >= 2
            && ins[2..].iter().all(|x| x.dtype == d)
            && rows_contiguous(&ins[1..])
    }
    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        match outs[0].desc.dtype {
            DType::F16 => batches::<f16>(cx, self, ins, &outs[0]),
            DType::BF16 => batches::<bf16>(cx, self, ins, &outs[0]),
            _ => batches::<f32>(cx, self, ins, &outs[0]),
        }
        Ok(())
    }
}

fn batches<E: Elem>(cx: &Cx<'_>, op: &op::QuantizedMatmul, ins: &[Operand], out: &Operand) {
    let (x, w, s, b) = (&ins[0].desc, &ins[1].desc, &ins[2].desc, &ins[3].desc);
    let (xd, wd) = (x.ndim(), w.ndim());
    let (k, n) = (x.shape[xd - 1], out.desc.shape[xd - 1]);
    if out.desc.size() == 0 {
        return;
    }
    // With one matrix every leading axis of x counts rows; otherwise only the last but one does.
    let lead = if wd == 2 { 0 } else { xd - 2 };
    let m: usize = x.shape[lead..xd - 1].iter().product();
    let count: usize = x.shape[..lead].iter().product();
    let rows = &x.shape[lead..xd - 1];
    let row_steps = &x.strides[lead..xd - 1];
    let merged = mlx_ir::desc::collapse(rows, &[row_steps]);
    let (xp, out_p) = (view::ptr::<E>(&ins[0]), view::ptr::<E>(out));
    let (wp, sp, bp) = (view::ptr::<u32>(&ins[1]), view::ptr::<E>(&ins[2]), view::ptr::<E>(&ins[3]));
    let one = |i: usize| {
        let walk = Walk::new(
            &x.shape[..lead],
            [&x.strides[..lead], &w.strides[..lead], &s.strides[..lead], &b.strides[..lead]],
            i,
        );
        let mut copy = Scratch::<E>::new(if merged.shape.len() > 1 { m * k } else { 0 });
        // SAFETY: matrix i of the operands; the copy holds m rows of k.
        unsafe {
            let mut a = Strided {
                ptr: xp.at(walk.offsets[0]).cast_const(),
                sw: merged.strides[0].last().copied().unwrap_or(0),
                sk: x.strides[xd - 1],
            };
            if merged.shape.len() > 1 {
                let mut each = Walk::new(rows, [row_steps], 0);
                for r in 0..m {
                    for p in 0..k {
                        *copy.ptr().add(r * k + p) = *a.ptr.offset(each.offsets[0] + p as isize * a.sk);
                    }
                    each.step();
                }
                a = Strided { ptr: copy.ptr().cast_const(), sw: k as isize, sk: 1 };
            }
            let codes = Codes {
                w: wp.at(walk.offsets[1]).cast::<u8>().cast_const(),
                s: sp.at(walk.offsets[2]).cast_const(),
                b: bp.at(walk.offsets[3]).cast_const(),
                steps: [w.strides[wd - 2] * 4, s.strides[wd - 2], b.strides[wd - 2]],
                group: op.affine.group_size as usize,
                bits: op.affine.bits as usize,
                transpose: op.transpose,
            };
            multiply(cx.pool, cx.isa, [m, n, k], a, &codes, Ptr::new(out_p.get().add(i * m * n)));
        }
    };
    if count >= cx.pool.threads() * 2 {
        cx.pool.run(count, &one);
    } else {
        (0..count).for_each(one);
    }
}

/// `out = a·w` for row-major `out`.
///
/// # Safety
/// Operands of these sizes.
pub(super) unsafe fn multiply<E: Elem>(
    pool: &Pool,
    isa: Isa,
    [m, n, k]: [usize; 3],
    a: Strided<E>,
    codes: &Codes<E>,
    out: Ptr<E>,
) {
    if m > if codes.transpose { ROWS } else { ROWS_ACROSS } {
        let finish = |i: usize, rows: usize, j: usize, cols: usize, tile: *mut f32, ld: usize| {
            for r in 0..rows {
                // SAFETY: the tile has these rows and columns, the result m×n.
                let (from, to) = unsafe { (tile.add(r * ld), out.get().add((i + r) * n + j)) };
                dispatch(isa, Round { from, to, n: cols });
            }
        };
        // SAFETY: a has m rows, the codes n columns of k.
        return unsafe { gemm(pool, isa, [m, n, k], &a, codes, &Target::Tiles(&finish)) };
    }
    let group = codes.group;
    let sums_of = if codes.transpose { k / group } else { 0 };
    let mut scratch = Scratch::<f32>::new(m * (k + sums_of));
    let x = scratch.ptr();
    // SAFETY: m rows of k, then their sums over groups.
    unsafe {
        let sums = x.add(m * k);
        for i in 0..m {
            for p in 0..k {
                *x.add(i * k + p) = (*a.at(i, p)).get();
            }
            for g in 0..sums_of {
                let mut s = 0f32;
                for p in g * group..(g + 1) * group {
                    s += *x.add(i * k + p);
                }
                *sums.add(i * sums_of + g) = s;
            }
        }
        if codes.transpose && codes.bits == 4 {
            (0..m * k / UNIT).for_each(|u| part(&mut *x.add(u * UNIT).cast::<[f32; UNIT]>()));
        }
        let (x, sums) = (Ptr::new(x), Ptr::new(sums));
        if codes.transpose {
            let body = |j0: usize, j1: usize| {
                let (x, sums) = (x.get().cast_const(), sums.get().cast_const());
                dispatch(isa, Lines { x, sums, m, n, k, codes, j0, j1, out: out.get() })
            };
            pool.run_ranges(n, 16384usize.div_ceil(k), &body);
        } else {
            let body = |g0: usize, g1: usize| {
                let x = x.get().cast_const();
                dispatch(isa, Strips { x, m, n, k, codes, g0, g1, out: out.get() })
            };
            pool.run_ranges(n / group, 16384usize.div_ceil(k * group), &body);
        }
    }
}

/// Puts elements of even places before those of odd ones, as codes of 4 bits lie in the halves of bytes.
fn part(unit: &mut [f32; UNIT]) {
    let given = *unit;
    for i in 0..UNIT / 2 {
        unit[i] = given[2 * i];
        unit[UNIT / 2 + i] = given[2 * i + 1];
    }
}

/// An encoded matrix; steps between rows of codes (bytes), scales and biases (elements).
pub(super) struct Codes<E> {
    pub w: *const u8,
    pub s: *const E,
    pub b: *const E,
    pub steps: [isize; 3],
    pub group: usize,
    pub bits: usize,
    pub transpose: bool,
}

// SAFETY: only read.
unsafe impl<E: Sync> Sync for Codes<E> {}

impl<E: Elem> Codes<E> {
    /// Scale and bias of group `g` of row `r`.
    #[inline(always)]
    unsafe fn side(&self, r: usize, g: usize) -> (f32, f32) {
        // SAFETY: the group exists.
        unsafe {
            let s = self.s.offset(r as isize * self.steps[1]).add(g);
            let b = self.b.offset(r as isize * self.steps[2]).add(g);
            ((*s).get(), (*b).get())
        }
    }

    /// Unit `u` of row `r`.
    #[inline(always)]
    unsafe fn unit(&self, r: usize, u: usize, out: &mut [u8; UNIT]) {
        // SAFETY: the unit exists.
        unsafe { unpack(self.bits, self.w.offset(r as isize * self.steps[0]).add(u * 4 * self.bits), out) }
    }

    /// Unit `u` of row `r` as numbers.
    #[inline(always)]
    unsafe fn decode<S: Simd>(&self, r: usize, u: usize, out: *mut f32) {
        // SAFETY: the unit exists, `out` has room for it.
        unsafe {
            let mut c = [0u8; UNIT];
            self.unit(r, u, &mut c);
            let (s, b) = self.side(r, u * UNIT / self.group);
            let (s, b) = (S::splat(s), S::splat(b));
            let mut i = 0;
            while i < UNIT {
                S::store(out.add(i), S::fma(S::load_u8(c.as_ptr().add(i)), s, b));
                i += S::N;
            }
        }
    }
}

impl<E: Elem> Pack<f32> for Codes<E> {
    unsafe fn pack(&self, isa: Isa, w0: usize, valid: usize, width: usize, k0: usize, k: usize, dst: *mut f32) {
        dispatch(isa, Panel { codes: self, w0, valid, width, k0, k, dst })
    }
}

struct Panel<'a, E> {
    codes: &'a Codes<E>,
    w0: usize,
    valid: usize,
    width: usize,
    k0: usize,
    k: usize,
    dst: *mut f32,
}

impl<E: Elem> Body for Panel<'_, E> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Panel { codes, w0, valid, width, k0, k, dst } = self;
        // SAFETY: the caller of `pack` vouches for the ranges. Blocks of the summed dimension are whole units.
        unsafe {
            if codes.transpose {
                let mut t = [0f32; 4 * UNIT];
                let t = t.as_mut_ptr();
                for w in (0..width).step_by(4) {
                    let have = valid.saturating_sub(w).min(4);
                    if have < 4 {
                        t.write_bytes(0, 4 * UNIT);
                    }
                    for p in (0..k).step_by(UNIT) {
                        for i in 0..have {
                            codes.decode::<S>(w0 + w + i, (k0 + p) / UNIT, t.add(i * UNIT));
                        }
                        let mut q = 0;
                        while q < UNIT {
                            let rows = [0, 1, 2, 3].map(|i| S::load(t.add(i * UNIT + q)));
                            if w + 4 <= width {
                                S::transpose4(rows, dst.add((p + q) * width + w), width);
                            } else {
                                for j in q..q + S::N {
                                    for i in 0..width - w {
                                        *dst.add((p + j) * width + w + i) = *t.add(i * UNIT + j);
                                    }
                                }
                            }
                            q += S::N;
                        }
                    }
                }
                return;
            }
            let mut t = [0f32; UNIT];
            for p in 0..k {
                let row = dst.add(p * width);
                let mut w = 0;
                while w < valid {
                    // Panels need not start at a unit.
                    let (u, skip) = ((w0 + w) / UNIT, (w0 + w) % UNIT);
                    codes.decode::<S>(k0 + p, u, t.as_mut_ptr());
                    let n = (UNIT - skip).min(valid - w);
                    std::ptr::copy_nonoverlapping(t.as_ptr().add(skip), row.add(w), n);
                    w += n;
                }
                for w in valid..width {
                    *row.add(w) = 0.0;
                }
            }
        }
    }
}

struct Round<E> {
    from: *const f32,
    to: *mut E,
    n: usize,
}

impl<E: Elem> Body for Round<E> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let mut j = 0;
        // SAFETY: n elements on both sides.
        unsafe {
            while j + S::N <= self.n {
                E::vstore::<S>(self.to.add(j), S::load(self.from.add(j)));
                j += S::N;
            }
            for j in j..self.n {
                *self.to.add(j) = E::put(*self.from.add(j));
            }
        }
    }
}

/// Few rows times a matrix (N, K): dot products along the codes. Units of x are [parted](part) for codes of 4 bits.
struct Lines<'a, E> {
    x: *const f32,
    sums: *const f32,
    m: usize,
    n: usize,
    k: usize,
    codes: &'a Codes<E>,
    j0: usize,
    j1: usize,
    out: *mut E,
}

impl<E: Elem> Body for Lines<'_, E> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: passed on.
        unsafe {
            match self.codes.bits {
                4 => self.lines::<S, 4>(),
                8 => self.lines::<S, 8>(),
                _ => self.lines::<S, 0>(),
            }
        }
    }
}

/// Groups whose scales and biases are read together.
const SIDES: usize = 16;

impl<E: Elem> Lines<'_, E> {
    /// All lines, of codes of `BITS` bits, or of any number where that is 0.
    ///
    /// # Safety
    /// The level's features; the operands.
    #[inline(always)]
    unsafe fn lines<S: Simd, const BITS: usize>(&self) {
        for j in self.j0..self.j1 {
            let mut i = 0;
            while i < self.m {
                // SAFETY: rows i… of x and line j exist.
                unsafe {
                    i += match self.m - i {
                        1 => self.line::<S, BITS, 1>(i, j),
                        2 | 3 => self.line::<S, BITS, 2>(i, j),
                        _ => self.line::<S, BITS, 4>(i, j),
                    };
                }
            }
        }
    }

    /// The products of line `j` with `M` rows from `i` on; returns `M`.
    ///
    /// # Safety
    /// As [`Lines::lines`]; the rows and the line exist.
    #[inline(always)]
    unsafe fn line<S: Simd, const BITS: usize, const M: usize>(&self, i: usize, j: usize) -> usize {
        let (codes, groups) = (self.codes, self.k / self.codes.group);
        // SAFETY: M rows of x from i with their sums, line j of the codes, its results.
        unsafe {
            let (x, sums) = (self.x.add(i * self.k), self.sums.add(i * groups));
            let scales = codes.s.offset(j as isize * codes.steps[1]);
            let biases = codes.b.offset(j as isize * codes.steps[2]);
            let (mut acc, mut shift, mut rest) = ([S::zero(); M], [S::zero(); M], [0f32; M]);
            let mut first = 0;
            while first < groups {
                let count = SIDES.min(groups - first);
                let mut side = [0f32; SIDES];
                if count == SIDES {
                    for g in (0..SIDES).step_by(S::N) {
                        S::store(side.as_mut_ptr().add(g), E::vload::<S>(scales.add(first + g)));
                        let b = E::vload::<S>(biases.add(first + g));
                        for r in 0..M {
                            shift[r] = S::fma(b, S::load(sums.add(r * groups + first + g)), shift[r]);
                        }
                    }
                } else {
                    for g in 0..count {
                        side[g] = (*scales.add(first + g)).get();
                        let b = (*biases.add(first + g)).get();
                        for r in 0..M {
                            rest[r] += b * *sums.add(r * groups + first + g);
                        }
                    }
                }
                for g in 0..count {
                    let part = self.group::<S, BITS, M>(x, j, first + g);
                    for r in 0..M {
                        acc[r] = S::fma(S::splat(side[g]), part[r], acc[r]);
                    }
                }
                first += count;
            }
            for r in 0..M {
                let y = S::sum(acc[r]) + (S::sum(shift[r]) + rest[r]);
                *self.out.add((i + r) * self.n + j) = E::put(y);
            }
        }
        M
    }

    /// The sums of codes times x of group `g` of line `j`, for `M` rows at `x`.
    ///
    /// # Safety
    /// As [`Lines::line`].
    #[inline(always)]
    unsafe fn group<S: Simd, const BITS: usize, const M: usize>(&self, x: *const f32, j: usize, g: usize) -> [S::F; M] {
        let codes = self.codes;
        let mut c = [0u8; UNIT];
        // SAFETY: units of the group, and as many elements of each row.
        unsafe {
            let mut part = [S::zero(); M];
            let line = codes.w.offset(j as isize * codes.steps[0]);
            for u in g * codes.group / UNIT..(g + 1) * codes.group / UNIT {
                let x = x.add(u * UNIT);
                if BITS == 4 {
                    for q in (0..UNIT / 2).step_by(S::N) {
                        let (low, high) = S::load_nibbles(line.add(u * UNIT / 2 + q));
                        for r in 0..M {
                            let x = x.add(r * self.k + q);
                            part[r] = S::fma(low, S::load(x), part[r]);
                            part[r] = S::fma(high, S::load(x.add(UNIT / 2)), part[r]);
                        }
                    }
                    continue;
                }
                let bytes = if BITS == 8 {
                    line.add(u * UNIT)
                } else {
                    codes.unit(j, u, &mut c);
                    c.as_ptr()
                };
                for q in (0..UNIT).step_by(S::N) {
                    let code = S::load_u8(bytes.add(q));
                    for r in 0..M {
                        part[r] = S::fma(code, S::load(x.add(r * self.k + q)), part[r]);
                    }
                }
            }
            part
        }
    }
}

/// Few rows times a matrix (K, N): rows of the matrix are added up, group after group of columns.
struct Strips<'a, E> {
    x: *const f32,
    m: usize,
    n: usize,
    k: usize,
    codes: &'a Codes<E>,
    g0: usize,
    g1: usize,
    out: *mut E,
}

impl<E: Elem> Body for Strips<'_, E> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let group = self.codes.group;
        // Four groups at a time: a row of codes is then read in long enough pieces.
        let width = 4 * group;
        let mut scratch = Scratch::<f32>::new(self.m * width);
        let acc = scratch.ptr();
        let mut g = self.g0;
        while g < self.g1 {
            let gs = (self.g1 - g).min(4);
            let mut shift = [[0f32; 4]; ROWS_ACROSS];
            // SAFETY: groups g… of every row exist; sums for m rows.
            unsafe {
                acc.write_bytes(0, self.m * width);
                let mut c = [0u8; UNIT];
                for p in 0..self.k {
                    for t in 0..gs {
                        let (s, b) = self.codes.side(p, g + t);
                        let mut scaled = [0f32; ROWS_ACROSS];
                        for i in 0..self.m {
                            let x = *self.x.add(i * self.k + p);
                            scaled[i] = x * s;
                            shift[i][t] += x * b;
                        }
                        for u in 0..group / UNIT {
                            self.codes.unit(p, ((g + t) * group) / UNIT + u, &mut c);
                            for i in 0..self.m {
                                let row = acc.add(i * width + t * group + u * UNIT);
                                let f = S::splat(scaled[i]);
                                let mut q = 0;
                                while q < UNIT {
                                    let cv = S::load_u8(c.as_ptr().add(q));
                                    S::store(row.add(q), S::fma(cv, f, S::load(row.add(q))));
                                    q += S::N;
                                }
                            }
                        }
                    }
                }
                for i in 0..self.m {
                    for t in 0..gs {
                        for q in 0..group {
                            let v = *acc.add(i * width + t * group + q) + shift[i][t];
                            *self.out.add(i * self.n + (g + t) * group + q) = E::put(v);
                        }
                    }
                }
            }
            g += gs;
        }
    }
}
