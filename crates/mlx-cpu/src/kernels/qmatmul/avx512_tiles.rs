//! Tile kernels for AVX-512 with VNNI: 32 rows of activations by 6 weight rows (integers), by 12 (floats).

use super::tiles::{Floats, HEIGHT, Ints, Ops, Store};
use super::unpack;
use mlx_ir::QuantFormat;
use std::arch::x86_64::*;

const LANES: usize = 16;

pub(super) const OPS: Ops = Ops { lanes: LANES, unpack: unpack_row, widen, ints, floats, store };

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
unsafe fn unpack_row(f: QuantFormat, row: &[u8], levels: &mut [u8], scale: &mut [f32], min: &mut [f32]) {
    unpack::row::<false>(f, row, levels, scale, min);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
unsafe fn widen(f: QuantFormat, row: &[u8], out: &mut [f32]) {
    unpack::floats(f, row, out);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
unsafe fn ints(t: &Ints<'_>) {
    // SAFETY: the contract is passed on.
    unsafe {
        match (t.format.sub, t.format.mins) {
            (16, _) => int_sweep::<16, false>(t),
            (_, false) => int_sweep::<32, false>(t),
            (_, true) => int_sweep::<32, true>(t),
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
unsafe fn int_sweep<const SUB: usize, const MINS: bool>(t: &Ints<'_>) {
    for g in t.groups.clone().step_by(2) {
        for r in (0..HEIGHT).step_by(6) {
            // SAFETY: one or two groups from `g` on, and six rows of the tile, are there.
            unsafe {
                if g + 1 < t.groups.end {
                    int_kernel::<SUB, MINS, 2>(t, g, r);
                } else {
                    int_kernel::<SUB, MINS, 1>(t, g, r);
                }
            }
        }
    }
}

/// Groups `g .. g + V` by rows `r .. r + 6`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")]
unsafe fn int_kernel<const SUB: usize, const MINS: bool, const V: usize>(t: &Ints<'_>, g: usize, r: usize) {
    const R: usize = 6;
    let blocks = t.k / 32;
    let subs = t.k / SUB;
    // SAFETY: all offsets stay inside the panel and the tile, whose sizes `Ints` names.
    unsafe {
        let shift = _mm_cvtsi32_si128(t.format.offset.checked_ilog2().unwrap_or(0) as i32);
        let q: [*const i8; V] = std::array::from_fn(|v| t.panel.q.as_ptr().add((g + v) * LANES * t.k));
        let dx: [*const f32; V] = std::array::from_fn(|v| t.panel.scale.as_ptr().add((g + v) * LANES * blocks));
        let sx: [*const i32; V] = std::array::from_fn(|v| t.panel.sum.as_ptr().add((g + v) * LANES * blocks * 2));
        let w = t.levels.as_ptr().add(r * t.pitch);
        let ws = t.scale.as_ptr().add(r * subs);
        let wm = t.min.as_ptr().add(r * blocks);
        let c = t.c.add(r * t.stride + (g - t.groups.start) * LANES);
        let mut sums = [[_mm512_setzero_ps(); R]; V];
        if t.from > 0 {
            for v in 0..V {
                for i in 0..R {
                    sums[v][i] = _mm512_loadu_ps(c.add(i * t.stride + v * LANES));
                }
            }
        }
        for b in t.from..t.to {
            // Loops, not `from_fn`: its body lacks the target features, so nothing would inline.
            let mut d = [_mm512_setzero_ps(); V];
            let mut total = [[_mm512_setzero_si512(); 2]; V];
            for v in 0..V {
                d[v] = _mm512_loadu_ps(dx[v].add(b * LANES));
                total[v][0] = _mm512_loadu_si512(sx[v].add(2 * b * LANES).cast());
                total[v][1] = _mm512_loadu_si512(sx[v].add((2 * b + 1) * LANES).cast());
            }
            for s in 0..32 / SUB {
                let mut dots = [[_mm512_setzero_si512(); R]; V];
                if !MINS {
                    for v in 0..V {
                        let all = if SUB == 32 { _mm512_add_epi32(total[v][0], total[v][1]) } else { total[v][s] };
                        dots[v] = [_mm512_sub_epi32(_mm512_setzero_si512(), _mm512_sll_epi32(all, shift)); R];
                    }
                }
                for f in 0..SUB / 4 {
                    let at = b * 8 + s * (SUB / 4) + f;
                    let mut x = [_mm512_setzero_si512(); V];
                    for v in 0..V {
                        x[v] = _mm512_loadu_si512(q[v].add(at * 4 * LANES).cast());
                    }
                    for i in 0..R {
                        let w = _mm512_set1_epi32(w.add(i * t.pitch + 4 * at).cast::<i32>().read_unaligned());
                        for v in 0..V {
                            dots[v][i] = _mm512_dpbusd_epi32(dots[v][i], w, x[v]);
                        }
                    }
                }
                for i in 0..R {
                    let scale = _mm512_set1_ps(*ws.add(i * subs + b * (32 / SUB) + s));
                    for v in 0..V {
                        let dot = _mm512_mul_ps(_mm512_cvtepi32_ps(dots[v][i]), d[v]);
                        sums[v][i] = _mm512_fmadd_ps(dot, scale, sums[v][i]);
                    }
                }
            }
            if MINS {
                for v in 0..V {
                    let all = _mm512_cvtepi32_ps(_mm512_add_epi32(total[v][0], total[v][1]));
                    let all = _mm512_mul_ps(all, d[v]);
                    for i in 0..R {
                        sums[v][i] = _mm512_fnmadd_ps(_mm512_set1_ps(*wm.add(i * blocks + b)), all, sums[v][i]);
                    }
                }
            }
        }
        for v in 0..V {
            for i in 0..R {
                _mm512_storeu_ps(c.add(i * t.stride + v * LANES), sums[v][i]);
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
unsafe fn floats(t: &Floats<'_>) {
    for g in t.groups.clone().step_by(2) {
        for r in (0..HEIGHT).step_by(12) {
            // SAFETY: one or two groups from `g` on, and twelve rows of the tile, are there.
            unsafe {
                if g + 1 < t.groups.end {
                    float_kernel::<2>(t, g, r);
                } else {
                    float_kernel::<1>(t, g, r);
                }
            }
        }
    }
}

/// Groups `g .. g + V` by rows `r .. r + 12`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
unsafe fn float_kernel<const V: usize>(t: &Floats<'_>, g: usize, r: usize) {
    const R: usize = 12;
    // SAFETY: all offsets stay inside the panel and the tile, whose sizes `Floats` names.
    unsafe {
        let x: [*const f32; V] = std::array::from_fn(|v| t.panel.as_ptr().add((g + v) * LANES * t.k));
        let w = t.weights.as_ptr().add(r * t.pitch);
        let c = t.c.add(r * t.stride + (g - t.groups.start) * LANES);
        let mut sums = [[_mm512_setzero_ps(); R]; V];
        if t.from > 0 {
            for v in 0..V {
                for i in 0..R {
                    sums[v][i] = _mm512_loadu_ps(c.add(i * t.stride + v * LANES));
                }
            }
        }
        for at in t.from..t.to {
            let mut xs = [_mm512_setzero_ps(); V];
            for v in 0..V {
                xs[v] = _mm512_loadu_ps(x[v].add(at * LANES));
            }
            for i in 0..R {
                let w = _mm512_set1_ps(*w.add(i * t.pitch + at));
                for v in 0..V {
                    sums[v][i] = _mm512_fmadd_ps(w, xs[v], sums[v][i]);
                }
            }
        }
        for v in 0..V {
            for i in 0..R {
                _mm512_storeu_ps(c.add(i * t.stride + v * LANES), sums[v][i]);
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
unsafe fn store(t: &Store) {
    // SAFETY: reads stay inside `c` (its rows have room for whole vectors), writes inside the
    // task's part of `out`.
    unsafe {
        let whole = t.cols / 4 * 4;
        for m in (0..t.rows).step_by(LANES) {
            let rows = LANES.min(t.rows - m);
            for n in (0..whole).step_by(4) {
                let at = |i: usize| _mm512_loadu_ps(t.c.add((n + i) * t.stride + m));
                let (a, b, c, d) = (at(0), at(1), at(2), at(3));
                let (ab, cd) = (_mm512_unpacklo_ps(a, b), _mm512_unpacklo_ps(c, d));
                let (ef, gh) = (_mm512_unpackhi_ps(a, b), _mm512_unpackhi_ps(c, d));
                let pd = |a: __m512, b: __m512| (_mm512_castps_pd(a), _mm512_castps_pd(b));
                let ((ab, cd), (ef, gh)) = (pd(ab, cd), pd(ef, gh));
                // Vector i holds rows i, 4+i, 8+i, 12+i of four columns each.
                let v = [
                    _mm512_unpacklo_pd(ab, cd),
                    _mm512_unpackhi_pd(ab, cd),
                    _mm512_unpacklo_pd(ef, gh),
                    _mm512_unpackhi_pd(ef, gh),
                ];
                for (i, v) in v.into_iter().enumerate() {
                    let v = _mm512_castpd_ps(v);
                    let part = [
                        _mm512_castps512_ps128(v),
                        _mm512_extractf32x4_ps::<1>(v),
                        _mm512_extractf32x4_ps::<2>(v),
                        _mm512_extractf32x4_ps::<3>(v),
                    ];
                    for (j, p) in part.into_iter().enumerate() {
                        if 4 * j + i < rows {
                            _mm_storeu_ps(t.out.at(t.row + m + 4 * j + i, t.col + n), p);
                        }
                    }
                }
            }
            for n in whole..t.cols {
                for i in 0..rows {
                    t.out.put(t.row + m + i, t.col + n, *t.c.add(n * t.stride + m + i));
                }
            }
        }
    }
}
