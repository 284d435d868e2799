//! Convolutions of f32, f16 and bf16, accumulated in f32 and rounded once. What a place of the result sees is written as
//! one line of numbers, some lines at a time, and multiplied by the packed weights while it is in the near caches; the
//! matrix of all lines never exists. Channels that are convolved each alone have a kernel of their own.

mod alone;
mod lines;

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::matmul::{LineMicro, Pack, Strided};
use crate::kernels::scratch::Scratch;
use crate::kernels::simd::{Body, Elem, Simd, dispatch};
use crate::view::{self, Ptr};
use half::{bf16, f16};
use lines::Lines;
use mlx_ir::op::{Conv, ConvSpec};
use mlx_ir::{DType, Desc, Operand, Result};

/// Steps of a packed panel that are multiplied at a time: they stay in the first-level cache.
const STEPS: usize = 256;
/// Elements of a task's lines: they stay in the second-level cache.
const BLOCK: usize = 256 << 10;
/// Tiles that a panel is used for at most before the next one takes its place.
const TILES: usize = 8;

/// Whether the expansion is a plain product of matrices.
fn is_product(s: &ConvSpec, w: &Desc) -> bool {
    let n = s.stride.len();
    let one = |a: &[usize]| a.iter().all(|&v| v == 1);
    s.groups == 1
        && one(&w.shape[1..=n])
        && one(&s.stride)
        && one(&s.input_dilation)
        && s.low.iter().chain(&s.high).all(|&p| p == 0)
}

impl Kernel for Conv {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        let (d, last) = (outs[0].dtype, outs[0].ndim() - 1);
        let (per_group, features) = (ins[1].shape[last], outs[0].shape[last]);
        matches!(d, DType::F32 | DType::F16 | DType::BF16)
            && ins.iter().all(|x| x.dtype == d && x.is_contiguous() && x.size() > 0)
            && !is_product(&self.spec, &ins[1])
            && match self.spec.groups {
                1 => true,
                groups if per_group == 1 => groups == features,
                // Groups with few features would leave most of a tile empty.
                groups => features / groups >= 8,
            }
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        match outs[0].desc.dtype {
            DType::F16 => convolve::<f16>(cx, &self.spec, &ins[0], &ins[1], &outs[0]),
            DType::BF16 => convolve::<bf16>(cx, &self.spec, &ins[0], &ins[1], &outs[0]),
            _ => convolve::<f32>(cx, &self.spec, &ins[0], &ins[1], &outs[0]),
        }
        Ok(())
    }
}

fn convolve<E: Elem>(cx: &Cx<'_>, s: &ConvSpec, x: &Operand, w: &Operand, out: &Operand) {
    let nd = out.desc.ndim();
    let features = out.desc.shape[nd - 1];
    let places: usize = out.desc.shape[..nd - 1].iter().product();
    if places * features == 0 {
        return;
    }
    let lines = Lines::<E>::new(s, x, &w.desc, &out.desc);
    let k = lines.len();
    if s.groups == features && s.groups > 1 && w.desc.shape[nd - 1] == 1 {
        return alone::alone(cx, s, &lines, w, out);
    }
    let micro = LineMicro::of(cx.isa);
    let (mr, nr) = (micro.mr, micro.nr);
    let each = features / s.groups;
    let panels = each.div_ceil(nr);
    // Panel p of group g is the (g·panels + p)-th.
    let mut packed = Scratch::<f32>::new(s.groups * panels * nr * k);
    let packed = Ptr::new(packed.ptr());
    let weights = view::ptr::<E>(w);
    let pack = |i: usize| {
        let (g, p) = (i / panels, i % panels);
        let (first, valid) = (g * each + p * nr, (each - p * nr).min(nr));
        // SAFETY: rows of the weights, which are row-major with `k` elements; panel i of the scratch.
        unsafe {
            let rows = Strided { ptr: weights.at((first * k) as isize).cast_const(), sw: k as isize, sk: 1 };
            rows.pack(cx.isa, 0, valid, nr, 0, k, packed.at((i * nr * k) as isize));
        }
    };
    cx.pool.run_ranges(s.groups * panels, (32usize << 10).div_ceil(nr * k), &|a, b| (a..b).for_each(pack));

    // Lines start in different lines of the cache, whatever k is.
    let room = k.next_multiple_of(16) + 16;
    let most = (BLOCK / room / mr).clamp(1, TILES) * mr;
    // As many blocks as keep all threads busy alike, and blocks of features where there are few places.
    let threads = cx.pool.threads();
    let blocks = places.div_ceil(most).next_multiple_of(threads).min(places.div_ceil(mr));
    let block = places.div_ceil(blocks).next_multiple_of(mr);
    let blocks = places.div_ceil(block);
    let across = if blocks * s.groups >= threads { 1 } else { threads.min(panels) };
    let wide = panels.div_ceil(across);
    let result = view::ptr::<E>(out);
    cx.pool.run(blocks * s.groups * across, &|t| {
        let (t, part) = (t / across, t % across);
        let (g, first) = (t % s.groups, t / s.groups * block);
        let rows = block.min(places - first);
        let own = (part * wide).min(panels)..((part + 1) * wide).min(panels);
        if own.is_empty() {
            return;
        }
        let mut seen = Scratch::<f32>::new(block * room);
        lines.fill(cx.isa, g, first, rows, seen.ptr(), room);
        let columns = own.start * nr..each.min(own.end * nr);
        // f32 is added up where it belongs.
        let direct = size_of::<E>() == 4;
        let mut sums = Scratch::<f32>::new(if direct { 0 } else { rows * columns.len() });
        // SAFETY: the block's rows and the part's columns of the result are this task's; the sums have room for them.
        unsafe {
            let at = result.at((first * features + g * each + columns.start) as isize);
            let (c, ldc) = if direct { (at.cast::<f32>(), features) } else { (sums.ptr(), columns.len()) };
            let b = packed.at(((g * panels + own.start) * nr * k) as isize).cast_const();
            multiply(&micro, [rows, columns.len(), k], seen.ptr(), room, b, c, ldc);
            if !direct {
                let n = columns.len();
                for r in 0..rows {
                    dispatch(cx.isa, Round { from: sums.ptr().add(r * n), n, to: at.add(r * features) });
                }
            }
        }
    });
}

/// `c = a·b` for lines of k steps, `lda` apart, with whole tiles of them readable, and packed panels.
///
/// # Safety
/// The operands are as said; `c` has the rows and columns and is touched by nobody else.
unsafe fn multiply(
    micro: &LineMicro,
    [rows, columns, k]: [usize; 3],
    a: *const f32,
    lda: usize,
    b: *const f32,
    c: *mut f32,
    ldc: usize,
) {
    let (mr, nr) = (micro.mr, micro.nr);
    let mut edge = [0f32; 512];
    let parts = k.div_ceil(STEPS);
    let steps = k.div_ceil(parts);
    for k0 in (0..k).step_by(steps) {
        let n = steps.min(k - k0);
        for j in (0..columns).step_by(nr) {
            let wide = nr.min(columns - j);
            for i in (0..rows).step_by(mr) {
                let high = mr.min(rows - i);
                // SAFETY: tile (i, j); one that is cut goes through `edge` (mr·nr ≤ 512 at every level).
                unsafe {
                    let (a, b, at) = (a.add(i * lda + k0), b.add(j * k + k0 * nr), c.add(i * ldc + j));
                    if high == mr && wide == nr {
                        (micro.run)(n, a, lda, b, at, ldc, k0 == 0);
                        continue;
                    }
                    (micro.run)(n, a, lda, b, edge.as_mut_ptr(), nr, true);
                    for r in 0..high {
                        for q in 0..wide {
                            let x = at.add(r * ldc + q);
                            *x = if k0 == 0 { edge[r * nr + q] } else { *x + edge[r * nr + q] };
                        }
                    }
                }
            }
        }
    }
}

/// Rounds `n` sums.
struct Round<E> {
    from: *const f32,
    n: usize,
    to: *mut E,
}

impl<E: Elem> Body for Round<E> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: `n` elements at both.
        unsafe {
            let mut i = 0;
            while i + S::N <= self.n {
                E::vstore::<S>(self.to.add(i), S::load(self.from.add(i)));
                i += S::N;
            }
            if i < self.n {
                E::vstore_part::<S>(self.to.add(i), S::load_part(self.from.add(i), self.n - i), self.n - i);
            }
        }
    }
}
