//! Many rows of activations: a tile of weight rows is unpacked to scratch once and multiplied
//! with all of them. Activations lie in panels whose vector lanes are rows of activations, so
//! weights are broadcast and need no reordering.

use super::acts::{Aligned, BLOCK, quantize};
use super::unpack::Levels;
use super::{Job, Out};
use crate::isa::Isa;
use crate::kernels::scratch::Scratch;
use crate::pool::Pool;
use mlx_ir::QuantFormat;

#[cfg(target_arch = "aarch64")]
use super::neon;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512_tiles};

/// Weight rows of a tile: a multiple of every micro-kernel's height.
pub(super) const HEIGHT: usize = 24;
/// Elements of a row that one sweep over the activations takes: 32 rows of them stay in L1.
const DEPTH: usize = 1024;

/// Format, row, levels, scales, minima: see [`super::unpack::row`].
type Unpack = unsafe fn(QuantFormat, &[u8], &mut [u8], &mut [f32], &mut [f32]);

/// What a level brings for tiles.
#[derive(Clone, Copy)]
pub(super) struct Ops {
    /// Rows of activations in one vector.
    pub lanes: usize,
    /// Unpacks one row of levels (unsigned, or less the offset, as `ints` wants them).
    pub unpack: Unpack,
    /// Widens one row of floats.
    pub widen: unsafe fn(QuantFormat, &[u8], &mut [f32]),
    pub ints: unsafe fn(&Ints<'_>),
    pub floats: unsafe fn(&Floats<'_>),
    /// Writes `c` (rows of weights) to `out` (rows of activations).
    pub store: unsafe fn(&Store),
}

/// An integer sweep: all groups of a panel against a tile, blocks `from..to` of each row.
pub(super) struct Ints<'a> {
    pub format: Levels,
    /// `HEIGHT` rows of `pitch` bytes.
    pub levels: &'a [u8],
    pub pitch: usize,
    /// `HEIGHT` rows of `k / sub` scales.
    pub scale: &'a [f32],
    /// `HEIGHT` rows of `k / 32` minima.
    pub min: &'a [f32],
    pub k: usize,
    pub panel: IntPanel<'a>,
    pub groups: std::ops::Range<usize>,
    pub from: usize,
    pub to: usize,
    /// `HEIGHT` rows of `stride` sums, one for each row of activations from the first group on.
    pub c: *mut f32,
    pub stride: usize,
}

/// Groups of `lanes` rows of quantized activations.
#[derive(Clone, Copy)]
pub(super) struct IntPanel<'a> {
    /// By group, four elements, lane: four bytes.
    pub q: &'a [i8],
    /// By group, block, lane.
    pub scale: &'a [f32],
    /// Sums of 16 elements by group, 16 elements, lane.
    pub sum: &'a [i32],
}

/// A float sweep, elements `from..to` of each row.
pub(super) struct Floats<'a> {
    /// `HEIGHT` rows of `pitch`.
    pub weights: &'a [f32],
    pub pitch: usize,
    pub k: usize,
    /// By group, element, lane.
    pub panel: &'a [f32],
    pub groups: std::ops::Range<usize>,
    pub from: usize,
    pub to: usize,
    pub c: *mut f32,
    pub stride: usize,
}

/// Sums of a tile and where they go.
pub(super) struct Store {
    pub c: *const f32,
    pub stride: usize,
    /// First row of activations, and how many.
    pub row: usize,
    pub rows: usize,
    /// First weight row, and how many.
    pub col: usize,
    pub cols: usize,
    pub out: Out,
}

/// The tile kernels of a level.
pub(super) fn ops(isa: Isa) -> Option<Ops> {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => Some(avx2::OPS),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => Some(avx512_tiles::OPS),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => Some(neon::plain::OPS),
        #[cfg(target_arch = "aarch64")]
        Isa::DotProd | Isa::I8mm | Isa::Sve2 => Some(neon::dotprod::OPS),
        _ => None,
    }
}

struct Ready {
    q: Aligned<i8>,
    scale: Aligned<f32>,
    sum: Aligned<i32>,
}

/// A pointer that tasks write disjoint parts of.
#[derive(Clone, Copy)]
struct Part<T>(*mut T);
// SAFETY: each task writes its own group only.
unsafe impl<T> Sync for Part<T> {}

impl<T> Part<T> {
    /// # Safety
    /// The part `at .. at + len` exists and belongs to the caller alone.
    unsafe fn slice<'a>(self, at: usize, len: usize) -> &'a mut [T] {
        // SAFETY: by the contract.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(at), len) }
    }
}

fn pack_ints(pool: &Pool, isa: Isa, lanes: usize, x: &[f32], k: usize, m: usize, padded: usize) -> Ready {
    let (groups, blocks) = (m.div_ceil(lanes), padded / BLOCK);
    let mut q = Aligned::<i8>::zeroed(groups * lanes * padded);
    let mut scale = Aligned::<f32>::zeroed(groups * lanes * blocks);
    let mut sum = Aligned::<i32>::zeroed(groups * lanes * blocks * 2);
    let (qp, sp, tp) = (Part(q.slice().as_mut_ptr()), Part(scale.slice().as_mut_ptr()), Part(sum.slice().as_mut_ptr()));
    let (qp, sp, tp) = (&qp, &sp, &tp);
    pool.run(groups, &|g| {
        // SAFETY: group `g` belongs to this task.
        let (q, scale, sum) = unsafe {
            (
                qp.slice(g * lanes * padded, lanes * padded),
                sp.slice(g * lanes * blocks, lanes * blocks),
                tp.slice(g * lanes * blocks * 2, lanes * blocks * 2),
            )
        };
        let (mut row, mut d) = (Aligned::<i8>::zeroed(padded), Aligned::<f32>::zeroed(blocks));
        let (row, d) = (row.slice(), d.slice());
        for lane in 0..lanes.min(m - g * lanes) {
            quantize(isa, &x[(g * lanes + lane) * k..][..k], &mut row[..k], &mut d[..k / BLOCK]);
            for (o, four) in q.chunks_exact_mut(4 * lanes).zip(row.chunks_exact(4)) {
                o[4 * lane..][..4].copy_from_slice(four);
            }
            for (o, d) in scale.chunks_exact_mut(lanes).zip(&*d) {
                o[lane] = *d;
            }
            for (o, run) in sum.chunks_exact_mut(lanes).zip(row.chunks_exact(16)) {
                o[lane] = run.iter().map(|v| *v as i32).sum();
            }
        }
    });
    Ready { q, scale, sum }
}

fn pack_floats(pool: &Pool, lanes: usize, x: &[f32], k: usize, m: usize) -> Aligned<f32> {
    let groups = m.div_ceil(lanes);
    let mut panel = Aligned::<f32>::zeroed(groups * lanes * k);
    let part = &Part(panel.slice().as_mut_ptr());
    pool.run(groups, &|g| {
        // SAFETY: group `g` belongs to this task.
        let panel = unsafe { part.slice(g * lanes * k, lanes * k) };
        for lane in 0..lanes.min(m - g * lanes) {
            let row = &x[(g * lanes + lane) * k..][..k];
            for (o, v) in panel.chunks_exact_mut(lanes).zip(row) {
                o[lane] = *v;
            }
        }
    });
    panel
}

/// A tile of one job against a range of groups.
struct Task {
    job: usize,
    col: usize,
    groups: std::ops::Range<usize>,
}

/// All jobs, tile by tile.
pub(super) fn run(pool: &Pool, isa: Isa, ops: &Ops, jobs: &[Job<'_>], k: usize, x: &[f32], m: usize) {
    let lanes = ops.lanes;
    let padded = k.next_multiple_of(BLOCK);
    let is_int = |j: &Job<'_>| Levels::of(j.format).is_some();
    let mut ints = jobs.iter().any(is_int).then(|| pack_ints(pool, isa, lanes, x, k, m, padded));
    let mut floats = jobs.iter().any(|j| !is_int(j)).then(|| pack_floats(pool, lanes, x, k, m));
    let ints = ints.as_mut().map(|r| IntPanel { q: r.q.slice(), scale: r.scale.slice(), sum: r.sum.slice() });
    let floats = floats.as_mut().map(Aligned::slice).map(|s| &*s);
    let tasks = tasks(jobs, m.div_ceil(lanes), pool.threads());
    pool.run(tasks.len(), &|i| {
        let t = &tasks[i];
        let j = &jobs[t.job];
        let cols = HEIGHT.min(j.n - t.col);
        // An odd number of lines a row, so that a column does not fall into one cache set.
        let pitch = k.next_multiple_of(64) + 64;
        let stride = (t.groups.len() * lanes).next_multiple_of(16) + 16;
        let mut c = Aligned::<f32>::zeroed(HEIGHT * stride);
        let c = c.slice().as_mut_ptr();
        // SAFETY: the level is the machine's; slices have the sizes that the kernels name; the
        // columns of `out` belong to this task.
        unsafe {
            if let (Some(format), Some(panel)) = (Levels::of(j.format), ints) {
                let (mut levels, mut scale, mut min) = (
                    Scratch::<u8>::new(HEIGHT * pitch),
                    Aligned::zeroed(HEIGHT * k / format.sub),
                    Aligned::zeroed(HEIGHT * k / BLOCK),
                );
                // Rows beyond the last are left zero.
                std::ptr::write_bytes(levels.ptr(), 0, HEIGHT * pitch);
                let levels = std::slice::from_raw_parts_mut(levels.ptr(), HEIGHT * pitch);
                let (scale, min) = (scale.slice(), min.slice());
                for r in 0..cols {
                    let s = &mut scale[r * (k / format.sub)..][..k / format.sub];
                    let m = &mut min[r * (k / BLOCK)..][..k / BLOCK];
                    (ops.unpack)(j.format, j.row(t.col + r), &mut levels[r * pitch..][..k], s, m);
                }
                for from in (0..k).step_by(DEPTH) {
                    let (from, to) = (from / BLOCK, k.min(from + DEPTH) / BLOCK);
                    let groups = t.groups.clone();
                    (ops.ints)(&Ints { format, levels, pitch, scale, min, k, panel, groups, from, to, c, stride });
                }
            } else if let Some(panel) = floats {
                let mut weights = Aligned::<f32>::zeroed(HEIGHT * pitch);
                let weights = weights.slice();
                for (r, o) in weights.chunks_exact_mut(pitch).enumerate().take(cols) {
                    (ops.widen)(j.format, j.row(t.col + r), &mut o[..k]);
                }
                for from in (0..k).step_by(DEPTH / 4) {
                    let to = k.min(from + DEPTH / 4);
                    let groups = t.groups.clone();
                    (ops.floats)(&Floats { weights, pitch, k, panel, groups, from, to, c, stride });
                }
            }
            let row = t.groups.start * lanes;
            let rows = (t.groups.end * lanes).min(m) - row;
            (ops.store)(&Store { c, stride, row, rows, col: t.col, cols, out: j.out });
        }
    });
}

/// One task a tile; tiles are split along the activations when there are too few for the threads.
fn tasks(jobs: &[Job<'_>], groups: usize, threads: usize) -> Vec<Task> {
    let tiles: usize = jobs.iter().map(|j| j.n.div_ceil(HEIGHT)).sum();
    let parts = if threads == 1 { 1 } else { (3 * threads).div_ceil(tiles.max(1)).min(groups.div_ceil(2)) };
    // Even counts: micro-kernels take two groups at a time.
    let step = groups.div_ceil(parts.max(1)).next_multiple_of(2);
    let mut list = Vec::new();
    for (job, j) in jobs.iter().enumerate() {
        for col in (0..j.n).step_by(HEIGHT) {
            list.extend((0..groups).step_by(step).map(|g| Task { job, col, groups: g..groups.min(g + step) }));
        }
    }
    list
}
