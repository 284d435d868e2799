//! Row and tile kernels for vectors of one or two 16-byte lanes (NEON, AVX2), written once over
//! the operations of [`Vector`]. The functions here must be inlined into one that enables the
//! level's instructions, and so must use no adapter that takes a closure.

use super::layout::{Quad, Super, Super6, View, run_place};
use super::rows::{PASS, RowTask};
use super::tiles::{Floats, HEIGHT, Ints, Store};
use super::unpack::half_to_f32;
use mlx_ir::QuantFormat;

/// A level's vectors: bytes, i32 and f32, each of `16 * LANES` bytes.
///
/// # Safety
/// All functions need the level's instructions and, where they take a pointer, that many readable bytes.
pub(super) trait Vector {
    /// 16-byte lanes.
    const LANES: usize;
    /// Groups of activations that an integer tile kernel takes at a time.
    const INT_GROUPS: usize;
    /// Weight rows that a float tile kernel takes at a time: 6 or 12.
    const FLOAT_ROWS: usize;
    type B: Copy;
    type I: Copy;
    type F: Copy;

    unsafe fn load(p: *const u8) -> Self::B;
    /// 16 bytes at `p`, `p + step`, ….
    unsafe fn lanes(p: *const u8, step: usize) -> Self::B;
    /// Four bytes, repeated.
    unsafe fn repeat(p: *const u8) -> Self::B;
    unsafe fn low_nibble(b: Self::B) -> Self::B;
    unsafe fn high_nibble(b: Self::B) -> Self::B;
    unsafe fn or(a: Self::B, b: Self::B) -> Self::B;
    /// 16 where the bit of `mask` is set (`mask` has one bit in every byte).
    unsafe fn fifth(b: Self::B, mask: u8) -> Self::B;
    /// Bits `2 * run` and up of each byte, at bits 4 and 5.
    unsafe fn pair_of_bits(b: Self::B, run: usize) -> Self::B;
    /// 16 in byte `i` of lane `l` where bit `i` of the 16 bits at `p + l * step` is set.
    unsafe fn fifth_of_mask(p: *const u8, step: usize) -> Self::B;

    unsafe fn int_zero() -> Self::I;
    unsafe fn int_load(p: *const i32) -> Self::I;
    unsafe fn int_add(a: Self::I, b: Self::I) -> Self::I;
    /// `-a << shift`.
    unsafe fn int_negative(a: Self::I, shift: u32) -> Self::I;
    /// Adds the products of each four bytes; `w` in 0..=63.
    unsafe fn dot(a: Self::I, w: Self::B, x: Self::B) -> Self::I;
    /// Adds the products of each four bytes; `w` signed, `x` in -127..=127.
    unsafe fn dot_signed(a: Self::I, w: Self::B, x: Self::B) -> Self::I;

    unsafe fn float(a: Self::I) -> Self::F;
    unsafe fn zero() -> Self::F;
    unsafe fn splat(v: f32) -> Self::F;
    unsafe fn get(p: *const f32) -> Self::F;
    unsafe fn set(p: *mut f32, v: Self::F);
    /// `p[0]` four times, `p[1]` four times, ….
    unsafe fn spread(p: *const f32) -> Self::F;
    unsafe fn mul(a: Self::F, b: Self::F) -> Self::F;
    /// `a * b + c`, rounded once.
    unsafe fn fma(a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    unsafe fn add(a: Self::F, b: Self::F) -> Self::F;
    unsafe fn sum(a: Self::F) -> f32;
    /// The f16 at `p` four times, the one at `p + step` four times, ….
    unsafe fn spread_f16(p: *const u8, step: usize) -> Self::F;
    unsafe fn from_f16(p: *const u8) -> Self::F;
    unsafe fn from_bf16(p: *const u8) -> Self::F;
    unsafe fn prefetch(p: *const u8);
}

/// How far ahead of the read position weights are fetched.
const AHEAD: usize = 1536;
/// Weight rows that are read at the same time: see [`RowTask::streams`].
const STREAMS: usize = 4;

/// Row kernels: see [`super::rows::kernel`].
#[inline(always)]
pub(super) unsafe fn rows<V: Vector>(t: &RowTask<'_>) {
    let mut i = 0;
    while i < t.m {
        // SAFETY: the contract is passed on; `i + M <= m`.
        unsafe {
            match t.m - i {
                1 => pass::<V, 1>(t, i),
                2 => pass::<V, 2>(t, i),
                3 => pass::<V, 3>(t, i),
                _ => pass::<V, 4>(t, i),
            }
        }
        i += PASS;
    }
}

const Q4_0: u8 = 0;
const Q4_1: u8 = 1;
const Q5_0: u8 = 2;
const Q8_0: u8 = 3;

#[inline(always)]
unsafe fn pass<V: Vector, const M: usize>(t: &RowTask<'_>, i: usize) {
    // SAFETY: the view has the records of all rows, by the contract.
    unsafe {
        match (t.view, t.format) {
            (View::Quads(a), QuantFormat::Q4_0) => quad_rows::<V, Q4_0, M>(t, a, i),
            (View::Quads(a), QuantFormat::Q4_1) => quad_rows::<V, Q4_1, M>(t, a, i),
            (View::Quads(a), QuantFormat::Q5_0) => quad_rows::<V, Q5_0, M>(t, a, i),
            (View::Quads(a), _) => quad_rows::<V, Q8_0, M>(t, a, i),
            (View::Supers(a), QuantFormat::Q4_K) => super_rows::<V, false, M>(t, a, i),
            (View::Supers(a), _) => super_rows::<V, true, M>(t, a, i),
            (View::Supers6(a), _) => super6_rows::<V, M>(t, a, i),
            (View::Plain, f) => float_rows::<V, M>(t, f, i),
        }
    }
}

#[inline(always)]
unsafe fn half(p: *const u8) -> f32 {
    // SAFETY: two bytes can be read.
    half_to_f32(u16::from_le(unsafe { p.cast::<u16>().read_unaligned() }))
}

/// The records of activation rows `i .. i + M`.
#[inline(always)]
fn records<T, const M: usize>(a: &[T], i: usize, per_row: usize) -> [*const T; M] {
    let mut p = [a.as_ptr(); M];
    for (j, p) in p.iter_mut().enumerate() {
        *p = a[(i + j) * per_row..][..per_row].as_ptr();
    }
    p
}

/// All rows of a task. With one row of activations, [`STREAMS`] rows are read at the same time.
#[inline(always)]
unsafe fn quad_rows<V: Vector, const F: u8, const M: usize>(t: &RowTask<'_>, a: &[Quad], i: usize) {
    let a: [*const Quad; M] = records(a, i, t.k.div_ceil(128));
    let (apart, rest) = t.streams(M, STREAMS);
    // SAFETY: the contract is passed on; both loops together take each row once.
    unsafe {
        for r in t.rows.start..t.rows.start + apart {
            quad_streams::<V, F, M, STREAMS>(t, &a, i, r, apart);
        }
        for r in rest {
            quad_streams::<V, F, M, 1>(t, &a, i, r, 0);
        }
    }
}

/// Rows `r`, `r + apart`, … (`R` of them).
#[inline(always)]
unsafe fn quad_streams<V: Vector, const F: u8, const M: usize, const R: usize>(
    t: &RowTask<'_>,
    a: &[*const Quad; M],
    i: usize,
    r: usize,
    apart: usize,
) {
    let bytes = [18, 20, 22, 34][F as usize];
    let blocks = t.k / 32;
    let mut last = [0u8; 80];
    // SAFETY: the rows are inside the weights. An odd block at the end is read from a copy that
    // a zero block follows.
    unsafe {
        let first = t.weights.as_ptr().add(r * t.row_bytes);
        let mut sums = [[V::zero(); M]; R];
        let mut b = 0;
        while b < blocks {
            for n in 0..R {
                let mut p = first.add(n * apart * t.row_bytes + b * bytes);
                V::prefetch(p.wrapping_add(AHEAD));
                if b + V::LANES > blocks {
                    std::ptr::copy_nonoverlapping(p, last.as_mut_ptr(), bytes);
                    p = last.as_ptr();
                }
                quad_step::<V, F, M>(p, bytes, a, b, &mut sums[n]);
            }
            b += V::LANES;
        }
        for (n, sums) in sums.iter().enumerate() {
            for (j, s) in sums.iter().enumerate() {
                t.out.put(i + j, r + n * apart, V::sum(*s));
            }
        }
    }
}

/// The blocks of one vector, from block `b` of the row on.
#[inline(always)]
unsafe fn quad_step<V: Vector, const F: u8, const M: usize>(
    p: *const u8,
    bytes: usize,
    a: &[*const Quad; M],
    b: usize,
    sums: &mut [V::F; M],
) {
    // SAFETY: as many blocks as a vector has lanes can be read at `p`, and their records at `a`.
    unsafe {
        let qs = V::lanes(p.add(bytes - 16), bytes);
        let (low, high) = match F {
            Q8_0 => (V::lanes(p.add(2), bytes), qs),
            Q5_0 => (
                V::or(V::low_nibble(qs), V::fifth_of_mask(p.add(2), bytes)),
                V::or(V::high_nibble(qs), V::fifth_of_mask(p.add(4), bytes)),
            ),
            _ => (V::low_nibble(qs), V::high_nibble(qs)),
        };
        let scale = V::spread_f16(p, bytes);
        let min = if F == Q4_1 { V::spread_f16(p.add(2), bytes) } else { V::zero() };
        let at = b % 4;
        for j in 0..M {
            let x = a[j].add(b / 4);
            let q = (*x).q.as_ptr().cast::<u8>();
            let (x0, x1) = (V::load(q.add(16 * at)), V::load(q.add(64 + 16 * at)));
            let dot = match F {
                Q8_0 => V::dot_signed(V::dot_signed(V::int_zero(), low, x0), high, x1),
                Q4_1 => V::dot(V::dot(V::int_zero(), low, x0), high, x1),
                _ => V::dot(V::dot(V::int_load((*x).start.as_ptr().add(4 * at)), low, x0), high, x1),
            };
            let scale = V::mul(scale, V::get((*x).scale.as_ptr().add(4 * at)));
            sums[j] = V::fma(V::float(dot), scale, sums[j]);
            if F == Q4_1 {
                sums[j] = V::fma(min, V::get((*x).sum.as_ptr().add(4 * at)), sums[j]);
            }
        }
    }
}

/// The eight scales and the eight minima of the super-block at `p`.
#[inline(always)]
unsafe fn k_scales(p: *const u8) -> [f32; 16] {
    // SAFETY: 16 bytes can be read.
    unsafe {
        let word = |at: usize| u32::from_le(p.add(at).cast::<u32>().read_unaligned());
        let (a, b, c) = (word(4), word(8), word(12));
        let levels = [
            a & 0x3F3F_3F3F,
            (c & 0x0F0F_0F0F) | (a >> 2 & 0x3030_3030),
            b & 0x3F3F_3F3F,
            (c >> 4 & 0x0F0F_0F0F) | (b >> 2 & 0x3030_3030),
        ];
        let (d, dmin) = (half(p), half(p.add(2)));
        let mut out = [0.0; 16];
        for (i, o) in out.iter_mut().enumerate() {
            *o = if i < 8 { d } else { dmin } * (levels[i / 4] >> (8 * (i % 4)) & 63) as f32;
        }
        out
    }
}

#[inline(always)]
unsafe fn super_rows<V: Vector, const FIFTH: bool, const M: usize>(t: &RowTask<'_>, a: &[Super], i: usize) {
    let a: [*const Super; M] = records(a, i, t.k / 256);
    let (apart, rest) = t.streams(M, STREAMS);
    let bytes = if FIFTH { 176 } else { 144 };
    // SAFETY: the contract is passed on; both loops together take each row once, and rows are
    // whole numbers of super-blocks.
    unsafe {
        for r in t.rows.start..t.rows.start + apart {
            let mut sums = [[V::zero(); M]; STREAMS];
            for s in 0..t.k / 256 {
                for (n, sums) in sums.iter_mut().enumerate() {
                    let p = t.weights.as_ptr().add((r + n * apart) * t.row_bytes + s * bytes);
                    super_step::<V, FIFTH, M>(p, &a, s, sums);
                }
            }
            put_all::<V, M, STREAMS>(t, i, r, apart, &sums);
        }
        for r in rest {
            let mut sums = [[V::zero(); M]; 1];
            for s in 0..t.k / 256 {
                let p = t.weights.as_ptr().add(r * t.row_bytes + s * bytes);
                super_step::<V, FIFTH, M>(p, &a, s, &mut sums[0]);
            }
            put_all::<V, M, 1>(t, i, r, 0, &sums);
        }
    }
}

/// Writes the sums of rows `r`, `r + apart`, ….
#[inline(always)]
unsafe fn put_all<V: Vector, const M: usize, const R: usize>(
    t: &RowTask<'_>,
    i: usize,
    r: usize,
    apart: usize,
    sums: &[[V::F; M]; R],
) {
    for (n, sums) in sums.iter().enumerate() {
        for (j, s) in sums.iter().enumerate() {
            // SAFETY: rows of the task and of the activations.
            unsafe { t.out.put(i + j, r + n * apart, V::sum(*s)) };
        }
    }
}

#[inline(always)]
unsafe fn super_step<V: Vector, const FIFTH: bool, const M: usize>(
    p: *const u8,
    a: &[*const Super; M],
    s: usize,
    sums: &mut [V::F; M],
) {
    let step = 16 * V::LANES;
    // SAFETY: a super-block can be read at `p`, and its records at `a`.
    unsafe {
        for line in 0..3 {
            V::prefetch(p.wrapping_add(AHEAD + 64 * line));
        }
        let levels = k_scales(p);
        let mut scale = [[0.0f32; 16]; M];
        for j in 0..M {
            let x = (*a[j].add(s)).scale.as_ptr();
            let mut l = 0;
            while l < 16 {
                let v = V::mul(V::get(levels.as_ptr().add(l)), V::get(x.add(l)));
                V::set(scale[j].as_mut_ptr().add(l), v);
                if l >= 8 {
                    sums[j] = V::add(sums[j], v);
                }
                l += 4 * V::LANES;
            }
        }
        let qs = p.add(if FIFTH { 48 } else { 16 });
        for run in 0..4 {
            let mut dots = [[V::int_zero(); 2]; M];
            let mut at = 0;
            while at < 32 {
                let q = V::load(qs.add(32 * run + at));
                let (mut low, mut high) = (V::low_nibble(q), V::high_nibble(q));
                if FIFTH {
                    let h = V::load(p.add(16 + at));
                    low = V::or(low, V::fifth(h, 1 << (2 * run)));
                    high = V::or(high, V::fifth(h, 2 << (2 * run)));
                }
                for j in 0..M {
                    let x = (*a[j].add(s)).q.as_ptr().cast::<u8>();
                    dots[j][0] = V::dot(dots[j][0], low, V::load(x.add(32 * run_place(2 * run) + at)));
                    dots[j][1] = V::dot(dots[j][1], high, V::load(x.add(32 * run_place(2 * run + 1) + at)));
                }
                at += step;
            }
            for j in 0..M {
                for h in 0..2 {
                    sums[j] = V::fma(V::float(dots[j][h]), V::splat(scale[j][2 * run + h]), sums[j]);
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn super6_rows<V: Vector, const M: usize>(t: &RowTask<'_>, a: &[Super6], i: usize) {
    let a: [*const Super6; M] = records(a, i, t.k / 256);
    let (apart, rest) = t.streams(M, STREAMS);
    // SAFETY: as in `super_rows`.
    unsafe {
        for r in t.rows.start..t.rows.start + apart {
            let mut sums = [[V::zero(); M]; STREAMS];
            for s in 0..t.k / 256 {
                for (n, sums) in sums.iter_mut().enumerate() {
                    let p = t.weights.as_ptr().add((r + n * apart) * t.row_bytes + s * 210);
                    super6_step::<V, M>(p, &a, s, sums);
                }
            }
            put_all::<V, M, STREAMS>(t, i, r, apart, &sums);
        }
        for r in rest {
            let mut sums = [[V::zero(); M]; 1];
            for s in 0..t.k / 256 {
                let p = t.weights.as_ptr().add(r * t.row_bytes + s * 210);
                super6_step::<V, M>(p, &a, s, &mut sums[0]);
            }
            put_all::<V, M, 1>(t, i, r, 0, &sums);
        }
    }
}

#[inline(always)]
unsafe fn super6_step<V: Vector, const M: usize>(p: *const u8, a: &[*const Super6; M], s: usize, sums: &mut [V::F; M]) {
    let step = 16 * V::LANES;
    // SAFETY: a super-block can be read at `p`, and its records at `a`.
    unsafe {
        for line in 0..4 {
            V::prefetch(p.wrapping_add(AHEAD + 64 * line));
        }
        let d = half(p.add(208));
        let mut levels = [0.0f32; 16];
        for (l, v) in levels.iter_mut().enumerate() {
            *v = d * *p.add(192 + l).cast::<i8>() as f32;
        }
        let mut scale = [[0.0f32; 16]; M];
        for j in 0..M {
            let x = a[j].add(s);
            let mut l = 0;
            while l < 16 {
                let v = V::get(levels.as_ptr().add(l));
                sums[j] = V::fma(v, V::get((*x).start.as_ptr().add(l)), sums[j]);
                V::set(scale[j].as_mut_ptr().add(l), V::mul(v, V::get((*x).scale.as_ptr().add(l))));
                l += 4 * V::LANES;
            }
        }
        for run in 0..8 {
            // Two halves of four runs; runs 0 and 2 share their low bytes, and 1 and 3.
            let (half, quarter) = (run / 4, run % 4);
            let mut at = 0;
            while at < 32 {
                let q = V::load(p.add(64 * half + 32 * (quarter & 1) + at));
                let q = if quarter < 2 { V::low_nibble(q) } else { V::high_nibble(q) };
                let w = V::or(q, V::pair_of_bits(V::load(p.add(128 + 32 * half + at)), quarter));
                for j in 0..M {
                    let x = (*a[j].add(s)).q.as_ptr().cast::<u8>();
                    let dot = V::dot(V::int_zero(), w, V::load(x.add(32 * run + at)));
                    let scale = V::spread(scale[j].as_ptr().add(2 * run + at / 16));
                    sums[j] = V::fma(V::float(dot), scale, sums[j]);
                }
                at += step;
            }
        }
    }
}

#[inline(always)]
unsafe fn float_rows<V: Vector, const M: usize>(t: &RowTask<'_>, f: QuantFormat, i: usize) {
    // SAFETY: the contract is passed on.
    unsafe {
        match f {
            QuantFormat::F32 => float_rows_of::<V, 0, M>(t, i),
            QuantFormat::F16 => float_rows_of::<V, 1, M>(t, i),
            _ => float_rows_of::<V, 2, M>(t, i),
        }
    }
}

/// Formats: 0 f32, 1 f16, 2 bf16.
#[inline(always)]
unsafe fn float_rows_of<V: Vector, const F: u8, const M: usize>(t: &RowTask<'_>, i: usize) {
    let x: [*const f32; M] = records(t.x, i, t.k);
    let (apart, rest) = t.streams(M, STREAMS);
    // SAFETY: the contract is passed on; both loops together take each row once.
    unsafe {
        for r in t.rows.start..t.rows.start + apart {
            float_streams::<V, F, M, STREAMS>(t, &x, i, r, apart);
        }
        for r in rest {
            float_streams::<V, F, M, 1>(t, &x, i, r, 0);
        }
    }
}

/// Rows `r`, `r + apart`, … (`R` of them).
#[inline(always)]
unsafe fn float_streams<V: Vector, const F: u8, const M: usize, const R: usize>(
    t: &RowTask<'_>,
    x: &[*const f32; M],
    i: usize,
    r: usize,
    apart: usize,
) {
    let (bytes, step) = (if F == 0 { 4 } else { 2 }, 4 * V::LANES);
    let whole = t.k / step * step;
    // SAFETY: the rows are inside the weights; vectors are read up to `whole`, then elements.
    unsafe {
        let first = t.weights.as_ptr().add(r * t.row_bytes);
        let mut sums = [[[V::zero(); 2]; M]; R];
        let mut at = 0;
        while at < whole {
            for n in 0..R {
                V::prefetch(first.wrapping_add(n * apart * t.row_bytes + at * bytes + AHEAD));
            }
            let mut u = 0;
            while u < 4 && at < whole {
                for n in 0..R {
                    let p = first.add(n * apart * t.row_bytes + at * bytes);
                    let w = match F {
                        0 => V::get(p.cast()),
                        1 => V::from_f16(p),
                        _ => V::from_bf16(p),
                    };
                    for j in 0..M {
                        sums[n][j][u % 2] = V::fma(w, V::get(x[j].add(at)), sums[n][j][u % 2]);
                    }
                }
                u += 1;
                at += step;
            }
        }
        for n in 0..R {
            for j in 0..M {
                let mut sum = V::sum(V::add(sums[n][j][0], sums[n][j][1]));
                for at in whole..t.k {
                    let p = first.add(n * apart * t.row_bytes + at * bytes);
                    let w = match F {
                        0 => p.cast::<f32>().read_unaligned(),
                        1 => half(p),
                        _ => f32::from_bits((p.cast::<u16>().read_unaligned() as u32) << 16),
                    };
                    sum += w * *x[j].add(at);
                }
                t.out.put(i + j, r + n * apart, sum);
            }
        }
    }
}

/// Integer tile kernels: see [`Ints`].
#[inline(always)]
pub(super) unsafe fn ints<V: Vector>(t: &Ints<'_>) {
    // SAFETY: the contract is passed on.
    unsafe {
        match (t.format.sub, t.format.mins, t.format.offset) {
            (16, ..) => int_sweep::<V, 16, false, false>(t),
            (_, true, _) => int_sweep::<V, 32, true, false>(t),
            (_, _, 128) => int_sweep::<V, 32, false, true>(t),
            _ => int_sweep::<V, 32, false, false>(t),
        }
    }
}

#[inline(always)]
unsafe fn int_sweep<V: Vector, const SUB: usize, const MINS: bool, const SIGNED: bool>(t: &Ints<'_>) {
    let mut g = t.groups.start;
    while g < t.groups.end {
        let two = V::INT_GROUPS == 2 && g + 1 < t.groups.end;
        let mut r = 0;
        while r < HEIGHT {
            // SAFETY: one or two groups from `g` on, and six rows of the tile, are there.
            unsafe {
                if two {
                    int_kernel::<V, SUB, MINS, SIGNED, 2>(t, g, r);
                } else {
                    int_kernel::<V, SUB, MINS, SIGNED, 1>(t, g, r);
                }
            }
            r += 6;
        }
        g += if two { 2 } else { 1 };
    }
}

/// Groups `g .. g + G` by rows `r .. r + 6`.
#[inline(always)]
unsafe fn int_kernel<V: Vector, const SUB: usize, const MINS: bool, const SIGNED: bool, const G: usize>(
    t: &Ints<'_>,
    g: usize,
    r: usize,
) {
    const R: usize = 6;
    let lanes = 4 * V::LANES;
    let (blocks, subs) = (t.k / 32, t.k / SUB);
    // SAFETY: all offsets stay inside the panel and the tile, whose sizes `Ints` names.
    unsafe {
        let shift = t.format.offset.checked_ilog2().unwrap_or(0);
        let q = t.panel.q.as_ptr().add(g * lanes * t.k).cast::<u8>();
        let dx = t.panel.scale.as_ptr().add(g * lanes * blocks);
        let sx = t.panel.sum.as_ptr().add(g * lanes * blocks * 2);
        let w = t.levels.as_ptr().add(r * t.pitch);
        let ws = t.scale.as_ptr().add(r * subs);
        let wm = t.min.as_ptr().add(r * blocks);
        let c = t.c.add(r * t.stride + (g - t.groups.start) * lanes);
        let mut sums = [[V::zero(); R]; G];
        if t.from > 0 {
            for v in 0..G {
                for i in 0..R {
                    sums[v][i] = V::get(c.add(i * t.stride + v * lanes));
                }
            }
        }
        for b in t.from..t.to {
            for s in 0..32 / SUB {
                let mut dots = [[V::int_zero(); R]; G];
                if !MINS && !SIGNED {
                    for v in 0..G {
                        let sums = sx.add((v * blocks * 2 + 2 * b + s) * lanes);
                        let mut all = V::int_load(sums);
                        if SUB == 32 {
                            all = V::int_add(all, V::int_load(sums.add(lanes)));
                        }
                        dots[v] = [V::int_negative(all, shift); R];
                    }
                }
                for f in 0..SUB / 4 {
                    let at = b * 8 + s * (SUB / 4) + f;
                    let mut x = [V::load(q.add(at * 4 * lanes)); G];
                    if G == 2 {
                        x[G - 1] = V::load(q.add(lanes * t.k + at * 4 * lanes));
                    }
                    for i in 0..R {
                        let w = V::repeat(w.add(i * t.pitch + 4 * at));
                        for v in 0..G {
                            dots[v][i] =
                                if SIGNED { V::dot_signed(dots[v][i], w, x[v]) } else { V::dot(dots[v][i], w, x[v]) };
                        }
                    }
                }
                for v in 0..G {
                    let d = V::get(dx.add((v * blocks + b) * lanes));
                    for i in 0..R {
                        let scale = V::splat(*ws.add(i * subs + b * (32 / SUB) + s));
                        sums[v][i] = V::fma(V::mul(V::float(dots[v][i]), d), scale, sums[v][i]);
                    }
                }
            }
            if MINS {
                for v in 0..G {
                    let sums16 = sx.add((v * blocks * 2 + 2 * b) * lanes);
                    let all = V::float(V::int_add(V::int_load(sums16), V::int_load(sums16.add(lanes))));
                    let all = V::mul(all, V::get(dx.add((v * blocks + b) * lanes)));
                    for i in 0..R {
                        sums[v][i] = V::fma(V::splat(-*wm.add(i * blocks + b)), all, sums[v][i]);
                    }
                }
            }
        }
        for v in 0..G {
            for i in 0..R {
                V::set(c.add(i * t.stride + v * lanes), sums[v][i]);
            }
        }
    }
}

/// Float tile kernels: see [`Floats`].
#[inline(always)]
pub(super) unsafe fn floats<V: Vector>(t: &Floats<'_>) {
    let mut g = t.groups.start;
    while g < t.groups.end {
        let two = g + 1 < t.groups.end;
        let mut r = 0;
        while r < HEIGHT {
            // SAFETY: one or two groups from `g` on, and that many rows of the tile, are there.
            unsafe {
                match (two, V::FLOAT_ROWS) {
                    (true, 12) => float_kernel::<V, 2, 12>(t, g, r),
                    (true, _) => float_kernel::<V, 2, 6>(t, g, r),
                    (false, 12) => float_kernel::<V, 1, 12>(t, g, r),
                    (false, _) => float_kernel::<V, 1, 6>(t, g, r),
                }
            }
            r += if V::FLOAT_ROWS == 12 { 12 } else { 6 };
        }
        g += if two { 2 } else { 1 };
    }
}

/// Groups `g .. g + G` by rows `r .. r + R`.
#[inline(always)]
unsafe fn float_kernel<V: Vector, const G: usize, const R: usize>(t: &Floats<'_>, g: usize, r: usize) {
    let lanes = 4 * V::LANES;
    // SAFETY: all offsets stay inside the panel and the tile, whose sizes `Floats` names.
    unsafe {
        let x = t.panel.as_ptr().add(g * lanes * t.k);
        let w = t.weights.as_ptr().add(r * t.pitch);
        let c = t.c.add(r * t.stride + (g - t.groups.start) * lanes);
        let mut sums = [[V::zero(); R]; G];
        if t.from > 0 {
            for v in 0..G {
                for i in 0..R {
                    sums[v][i] = V::get(c.add(i * t.stride + v * lanes));
                }
            }
        }
        for at in t.from..t.to {
            let mut xs = [V::get(x.add(at * lanes)); G];
            if G == 2 {
                xs[G - 1] = V::get(x.add(lanes * t.k + at * lanes));
            }
            for i in 0..R {
                let w = V::splat(*w.add(i * t.pitch + at));
                for v in 0..G {
                    sums[v][i] = V::fma(w, xs[v], sums[v][i]);
                }
            }
        }
        for v in 0..G {
            for i in 0..R {
                V::set(c.add(i * t.stride + v * lanes), sums[v][i]);
            }
        }
    }
}

/// Writes a tile, four by four.
#[inline(always)]
pub(super) unsafe fn store(t: &Store) {
    let (rows, cols) = (t.rows / 4 * 4, t.cols / 4 * 4);
    // SAFETY: reads stay inside `c`, writes inside the task's part of `out`.
    unsafe {
        for m in (0..rows).step_by(4) {
            for n in (0..cols).step_by(4) {
                let mut block = [[0.0f32; 4]; 4];
                for (i, b) in block.iter_mut().enumerate() {
                    *b = t.c.add((n + i) * t.stride + m).cast::<[f32; 4]>().read_unaligned();
                }
                for i in 0..4 {
                    let row = [block[0][i], block[1][i], block[2][i], block[3][i]];
                    t.out.at(t.row + m + i, t.col + n).cast::<[f32; 4]>().write_unaligned(row);
                }
            }
        }
        for m in 0..t.rows {
            for n in if m < rows { cols } else { 0 }..t.cols {
                t.out.put(t.row + m, t.col + n, *t.c.add(n * t.stride + m));
            }
        }
    }
}
