//! The blocked product: panels of both operands are packed once for each block of the summed dimension, then register
//! tiles are computed in parallel. Sums are made in the same order for any number of threads.

use super::micro::{Micro, Real};
use super::pack::Pack;
use crate::kernels::scratch::Scratch;
use crate::view::Ptr;
use crate::{Isa, Pool};

/// Longest block of the summed dimension: a panel of the right operand then stays in the first-level cache.
const KC: usize = 256;
/// Columns of the result worked on at a time.
const NC: usize = 4096;
/// Rows of the result worked on at a time.
const MC: usize = 2048;
/// Rows of one task: their packed panels stay in the second-level cache.
const TASK_ROWS: usize = 240;
/// Multiply-adds below which a product is not worth waking the pool.
pub(crate) const SERIAL: usize = 32 * 32 * 64;

/// Receives finished tiles: `(row, rows, column, columns, tile, row length of the tile)`.
pub(crate) type Finish<'a, T> = dyn Fn(usize, usize, usize, usize, *mut T, usize) + Sync + 'a;

/// Where the product goes.
pub(crate) enum Target<'a, T> {
    /// Row-major memory with the given row length; then, if given, a pass over each finished tile.
    Memory(*mut T, usize, Option<&'a Finish<'a, T>>),
    /// Nowhere: tiles are accumulated aside and handed on.
    Tiles(&'a Finish<'a, T>),
}

/// Splits `n` into equal parts of at most `max`, each a multiple of `unit` (but for the last).
fn part(n: usize, max: usize, unit: usize) -> usize {
    n.div_ceil(n.div_ceil(max).max(1)).next_multiple_of(unit).max(unit)
}

/// `target = a·b` for an m×k `a` and a k×n `b`.
///
/// # Safety
/// The operands hold m (n) lines of k steps; a memory target holds m rows and is not read or written by others.
pub(crate) unsafe fn gemm<T: Real>(
    pool: &Pool,
    isa: Isa,
    [m, n, k]: [usize; 3],
    a: &dyn Pack<T>,
    b: &dyn Pack<T>,
    target: &Target<'_, T>,
) {
    if m == 0 || n == 0 {
        return;
    }
    let micro = T::micro(isa);
    let (mr, nr) = (micro.mr, micro.nr);
    let serial = m.saturating_mul(n).saturating_mul(k) < SERIAL;
    let run = |tasks: usize, f: &(dyn Fn(usize) + Sync)| {
        if serial { (0..tasks).for_each(f) } else { pool.run(tasks, f) }
    };
    // Whole units of 32, which is what packed codes can be cut into.
    let kc = part(k, KC, 32);
    let (mc, nc) = (part(m, MC, mr), part(n, NC, nr));
    let mut packed_a = Scratch::<T>::new(mc * kc);
    let mut packed_b = Scratch::<T>::new(nc * kc);
    let mut aside = match target {
        Target::Tiles(_) => Scratch::<T>::new(mc * nc),
        Target::Memory(..) => Scratch::<T>::new(0),
    };
    let (pa, pb) = (Ptr::new(packed_a.ptr()), Ptr::new(packed_b.ptr()));

    for j0 in (0..n).step_by(nc) {
        let cols = (n - j0).min(nc);
        for i0 in (0..m).step_by(mc) {
            let rows = (m - i0).min(mc);
            let (a_panels, b_panels) = (rows.div_ceil(mr), cols.div_ceil(nr));
            let (c, ldc, finish) = match *target {
                // SAFETY: (i0, j0) is inside the target.
                Target::Memory(p, ld, f) => (Ptr::new(unsafe { p.add(i0 * ld + j0) }), ld, f),
                Target::Tiles(f) => (Ptr::new(aside.ptr()), nc, Some(f)),
            };
            let grid = Grid::new(pool, &micro, rows, cols);
            // With nothing to sum one empty step writes the zeros.
            for k0 in (0..k.max(1)).step_by(kc) {
                let steps = k.saturating_sub(k0).min(kc);
                let last = k0 + steps >= k;
                // A task packs a few panels, so that small ones are not all overhead.
                let group = 65536usize.div_ceil(steps.max(1) * nr).max(1);
                let tasks_b = b_panels.div_ceil(group);
                let tasks = tasks_b + a_panels.div_ceil(group);
                run(tasks, &|t| {
                    let (panels, first, w, total, off, p): (usize, usize, usize, usize, usize, _) = if t < tasks_b {
                        (b_panels, t * group, nr, cols, j0, pb)
                    } else {
                        (a_panels, (t - tasks_b) * group, mr, rows, i0, pa)
                    };
                    for q in first..panels.min(first + group) {
                        let src = if t < tasks_b { b } else { a };
                        // SAFETY: panel q lies in its own part of the packed buffer; lines q·w… exist in the operand.
                        unsafe {
                            let dst = p.get().add(q * w * steps);
                            src.pack(isa, off + q * w, (total - q * w).min(w), w, k0, steps, dst);
                        }
                    }
                });
                run(grid.tasks(), &|t| {
                    let (ip, jp) = grid.part(t);
                    // SAFETY: tasks own disjoint tiles of the target, the panels are packed.
                    unsafe {
                        tiles(&micro, [rows, cols, steps], &ip, &jp, pa.get(), pb.get(), c.get(), ldc, k0 == 0);
                    }
                    if let (true, Some(f)) = (last, finish) {
                        let (r, q) = (ip.start * mr, jp.start * nr);
                        // SAFETY: the tile starts inside the target.
                        let at = unsafe { c.get().add(r * ldc + q) };
                        f(i0 + r, rows.min(ip.end * mr) - r, j0 + q, cols.min(jp.end * nr) - q, at, ldc);
                    }
                });
            }
        }
    }
}

/// The division of a block of the result into tasks.
struct Grid {
    a_panels: usize,
    b_panels: usize,
    a_step: usize,
    b_step: usize,
}

impl Grid {
    fn new<T>(pool: &Pool, micro: &Micro<T>, rows: usize, cols: usize) -> Grid {
        let (a_panels, b_panels) = (rows.div_ceil(micro.mr), cols.div_ceil(micro.nr));
        let a_step = part(a_panels, (TASK_ROWS / micro.mr).max(1), 1);
        // Several tasks a thread, so that slow cores take fewer.
        let want = if pool.threads() == 1 { 1 } else { pool.threads() * 4 };
        let across = want.div_ceil(a_panels.div_ceil(a_step)).clamp(1, b_panels);
        Grid { a_panels, b_panels, a_step, b_step: b_panels.div_ceil(across) }
    }
    fn tasks(&self) -> usize {
        self.a_panels.div_ceil(self.a_step) * self.b_panels.div_ceil(self.b_step)
    }
    fn part(&self, t: usize) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
        let across = self.b_panels.div_ceil(self.b_step);
        let (i, j) = (t / across * self.a_step, t % across * self.b_step);
        (i..self.a_panels.min(i + self.a_step), j..self.b_panels.min(j + self.b_step))
    }
}

/// Computes a rectangle of register tiles.
unsafe fn tiles<T: Real>(
    micro: &Micro<T>,
    [rows, cols, k]: [usize; 3],
    ip: &std::ops::Range<usize>,
    jp: &std::ops::Range<usize>,
    pa: *const T,
    pb: *const T,
    c: *mut T,
    ldc: usize,
    first: bool,
) {
    let (mr, nr) = (micro.mr, micro.nr);
    let mut edge = [T::default(); 512];
    for j in jp.clone() {
        let nn = (cols - j * nr).min(nr);
        for i in ip.clone() {
            let mm = (rows - i * mr).min(mr);
            // SAFETY: panels i and j are packed; a whole tile lies in the target, a cut one goes through `edge`
            // (mr·nr ≤ 512 at every level).
            unsafe {
                let (a, b) = (pa.add(i * mr * k), pb.add(j * nr * k));
                let at = c.add(i * mr * ldc + j * nr);
                if mm == mr && nn == nr {
                    (micro.run)(k, a, b, at, ldc, first);
                    continue;
                }
                (micro.run)(k, a, b, edge.as_mut_ptr(), nr, true);
                for r in 0..mm {
                    for q in 0..nn {
                        let x = at.add(r * ldc + q);
                        if first {
                            *x = edge[r * nr + q];
                        } else {
                            *x += edge[r * nr + q];
                        }
                    }
                }
            }
        }
    }
}
