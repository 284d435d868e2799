//! Products with weights in their file format: `out[m][n] = Σ_k x[m][k] · W[n][k]`.
//!
//! Weights are read where they lie, at any alignment, and no repacked copy outlives a call. Block
//! formats are multiplied as integers against int8 activations (see `acts.rs`); F32, F16 and BF16
//! weights as f32. Few rows of activations: each weight row is read once and multiplied at once
//! (`rows`). Many: tiles of weight rows are unpacked to scratch and reused (`tiles`).
//! Results do not depend on the number of threads.

mod acts;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_tiles;
mod layout;
#[cfg(target_arch = "aarch64")]
mod neon;
mod rows;
mod scalar;
mod tiles;
mod unpack;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod vector;

use crate::isa::Isa;
use crate::pool::Pool;
use acts::Quantized;
use layout::{Kind, Layout};
use mlx_ir::{Error, QuantFormat, Result};
use std::cell::RefCell;
use unpack::Levels;

/// One weight matrix and where its product goes.
pub struct Product<'a> {
    /// Format of the weights.
    pub format: QuantFormat,
    /// `n` rows of `k` elements, as they lie in the file.
    pub weights: &'a [u8],
    /// Number of weight rows: columns of the result.
    pub n: usize,
    /// The result, `m` rows of `n`.
    pub out: &'a mut [f32],
}

/// `out[m][n] = Σ_k x[m][k] · W[n][k]` with `w` in format `fmt`.
///
/// # Errors
/// `Value` when `k` is not a whole number of blocks or a slice has the wrong length.
pub fn qmatmul(
    pool: &Pool,
    isa: Isa,
    fmt: QuantFormat,
    w: &[u8],
    n: usize,
    k: usize,
    x: &[f32],
    m: usize,
    out: &mut [f32],
) -> Result<()> {
    qmatmul_multi(pool, isa, &mut [Product { format: fmt, weights: w, n, out }], k, x, m)
}

/// Several products with the same activations in one parallel region; the activations are
/// quantized once. The weights may differ in format and in `n`.
///
/// # Errors
/// `Value` when `k` is not a whole number of blocks of a format or a slice has the wrong length;
/// `Unsupported` for a level that this machine lacks.
pub fn qmatmul_multi(pool: &Pool, isa: Isa, products: &mut [Product<'_>], k: usize, x: &[f32], m: usize) -> Result<()> {
    let jobs = checked(isa, products, k, x, m)?;
    if k == 0 {
        products.iter_mut().for_each(|p| p.out.fill(0.0));
    } else if m > 0 {
        compute(pool, isa, &jobs, k, x, m);
    }
    Ok(())
}

/// Bytes of decoded weights that are used at a time.
const DECODED: usize = 4 << 20;

/// [`qmatmul_multi`] with activations in f32 for all formats: weights are decoded, a part at a time.
///
/// # Errors
/// As [`qmatmul_multi`].
pub fn qmatmul_exact(pool: &Pool, isa: Isa, products: &mut [Product<'_>], k: usize, x: &[f32], m: usize) -> Result<()> {
    let jobs = checked(isa, products, k, x, m)?;
    if k == 0 {
        products.iter_mut().for_each(|p| p.out.fill(0.0));
        return Ok(());
    }
    if m == 0 {
        return Ok(());
    }
    let row_bytes = row_bytes(QuantFormat::F32, k)?;
    for j in &jobs {
        if Levels::of(j.format).is_none() {
            compute(pool, isa, std::slice::from_ref(j), k, x, m);
            continue;
        }
        let part = (DECODED / row_bytes).max(1).min(j.n);
        let mut decoded = vec![0f32; part * k];
        for first in (0..j.n).step_by(part.max(1)) {
            let rows = part.min(j.n - first);
            let to = Out { at: decoded.as_mut_ptr(), n: k };
            pool.run_ranges(rows, 8, &|from, to_row| {
                for r in from..to_row {
                    // SAFETY: each row of the scratch is written by one task only.
                    let row = unsafe { std::slice::from_raw_parts_mut(to.at(r, 0), k) };
                    j.format.decode_row(j.row(first + r), row).expect("rows of checked jobs are whole");
                }
            });
            // SAFETY: initialised floats, seen as bytes until they are written again.
            let weights = unsafe { std::slice::from_raw_parts(decoded.as_ptr().cast::<u8>(), rows * row_bytes) };
            // SAFETY: column `first` exists.
            let out = Out { at: unsafe { j.out.at(0, first) }, n: j.out.n };
            let plain = Job { format: QuantFormat::F32, weights, row_bytes, n: rows, out };
            compute(pool, isa, std::slice::from_ref(&plain), k, x, m);
        }
    }
    Ok(())
}

fn checked<'a>(isa: Isa, products: &'a mut [Product<'_>], k: usize, x: &[f32], m: usize) -> Result<Vec<Job<'a>>> {
    if !isa.is_available() {
        return Err(Error::unsupported(format!("[qmatmul] this machine lacks '{isa}'")));
    }
    if m.checked_mul(k) != Some(x.len()) {
        return Err(Error::value(format!("[qmatmul] x has {} elements, expected {m}x{k}", x.len())));
    }
    products.iter_mut().map(|p| Job::check(p, k, m)).collect()
}

/// The products of checked jobs, with at least one row and one term.
fn compute(pool: &Pool, isa: Isa, jobs: &[Job<'_>], k: usize, x: &[f32], m: usize) {
    if let Some(ops) = tiles::ops(isa).filter(|o| m > rows::PASS.max(o.lanes * 2 / 3)) {
        // With so many rows of activations, unpacking tiles pays.
        tiles::run(pool, isa, &ops, jobs, k, x, m);
    } else if let Some(kernel) = rows::kernel(isa) {
        by_rows(pool, isa, kernel, jobs, k, x, m);
    } else {
        portable(pool, isa, jobs, k, x, m);
    }
}

/// Rows `rows` of a matrix in format `fmt` with rows of `k`, as f32 (the embedding lookup).
///
/// # Errors
/// `Value` when `k` is not a whole number of blocks or a slice has the wrong length, `Index` for
/// a row that the matrix does not have.
pub fn get_rows(fmt: QuantFormat, w: &[u8], k: usize, rows: &[u32], out: &mut [f32]) -> Result<()> {
    let size = row_bytes(fmt, k)?;
    if rows.len().checked_mul(k) != Some(out.len()) {
        return Err(Error::value(format!("[get_rows] out has {} elements, expected {}x{k}", out.len(), rows.len())));
    }
    if k == 0 {
        return Ok(());
    }
    for (&r, o) in rows.iter().zip(out.chunks_exact_mut(k)) {
        let row = (r as usize).checked_mul(size).and_then(|at| w.get(at..at.checked_add(size)?));
        let row = row.ok_or_else(|| {
            Error::index(format!("[get_rows] row {r} is out of range: the matrix has {} rows", w.len() / size))
        })?;
        fmt.decode_row(row, o)?;
    }
    Ok(())
}

fn row_bytes(fmt: QuantFormat, k: usize) -> Result<usize> {
    fmt.row_bytes(k).ok_or_else(|| {
        let per_block = fmt.block_elements();
        Error::value(format!("[qmatmul] {}: rows of {k} are not whole blocks of {per_block}", fmt.name()))
    })
}

/// A checked product.
struct Job<'a> {
    format: QuantFormat,
    weights: &'a [u8],
    row_bytes: usize,
    n: usize,
    out: Out,
}

/// Where a product goes. Tasks write disjoint columns of it.
#[derive(Clone, Copy)]
struct Out {
    at: *mut f32,
    n: usize,
}

// SAFETY: the pointer comes from a unique borrow that outlives the region, and each column is
// written by the one task that owns its weight row.
unsafe impl Send for Out {}
// SAFETY: as above.
unsafe impl Sync for Out {}

impl Out {
    /// # Safety
    /// `row < m` and `col < n`.
    unsafe fn at(self, row: usize, col: usize) -> *mut f32 {
        debug_assert!(col < self.n);
        // SAFETY: in range by the contract.
        unsafe { self.at.add(row * self.n + col) }
    }
    /// # Safety
    /// `row < m`, `col < n`, and the caller owns the column.
    unsafe fn put(self, row: usize, col: usize, v: f32) {
        // SAFETY: in range by the contract.
        unsafe { *self.at(row, col) = v }
    }
}

impl<'a> Job<'a> {
    fn check(p: &'a mut Product<'_>, k: usize, m: usize) -> Result<Job<'a>> {
        let row_bytes = row_bytes(p.format, k)?;
        let (n, name) = (p.n, p.format.name());
        if n.checked_mul(row_bytes) != Some(p.weights.len()) {
            let have = p.weights.len();
            return Err(Error::value(format!(
                "[qmatmul] {name} weights have {have} bytes, expected {n} rows of {row_bytes}"
            )));
        }
        if m.checked_mul(n) != Some(p.out.len()) {
            return Err(Error::value(format!("[qmatmul] out has {} elements, expected {m}x{n}", p.out.len())));
        }
        Ok(Job { format: p.format, weights: p.weights, row_bytes, n, out: Out { at: p.out.as_mut_ptr(), n } })
    }

    fn row(&self, r: usize) -> &'a [u8] {
        &self.weights[r * self.row_bytes..][..self.row_bytes]
    }
}

/// A run of rows of one job.
struct Chunk {
    job: usize,
    start: usize,
    end: usize,
}

/// Bytes of weights below which a further task costs more than it brings.
const GRAIN_BYTES: usize = 16 << 10;

/// Splits all rows into tasks of whole multiples of `step` rows.
fn chunks(jobs: &[Job<'_>], threads: usize, step: usize) -> Vec<Chunk> {
    let total: usize = jobs.iter().map(|j| j.weights.len()).sum();
    let target = if threads == 1 { usize::MAX } else { (total / (threads * 4)).max(GRAIN_BYTES) };
    let mut list = Vec::new();
    for (job, j) in jobs.iter().enumerate() {
        let rows = (target / j.row_bytes.max(1)).clamp(1, j.n.max(1)).next_multiple_of(step);
        let starts = (0..j.n).step_by(rows);
        list.extend(starts.map(|start| Chunk { job, start, end: j.n.min(start + rows) }));
    }
    list
}

/// Each weight row at once with all rows of activations.
fn by_rows(
    pool: &Pool,
    isa: Isa,
    kernel: unsafe fn(&rows::RowTask<'_>),
    jobs: &[Job<'_>],
    k: usize,
    x: &[f32],
    m: usize,
) {
    let kinds: Vec<Kind> = jobs.iter().map(|j| Kind::of(j.format)).collect();
    let levels = kinds.iter().any(|k| *k != Kind::Plain);
    let mut quantized = levels.then(|| Quantized::new(isa, x, k));
    let quantized = quantized.as_mut().map(Quantized::rows);
    // One layout per kind; `place` is the first job of the kind.
    let place: Vec<usize> = kinds.iter().map(|k| kinds.iter().position(|o| o == k).unwrap_or(0)).collect();
    let mut layouts: Vec<Layout> = (0..jobs.len())
        .map(|i| if place[i] == i { Layout::new(kinds[i], quantized, k, m) } else { Layout::Plain })
        .collect();
    let views: Vec<_> = layouts.iter_mut().map(Layout::view).collect();
    let list = chunks(jobs, pool.threads(), 8);
    pool.run(list.len(), &|i| {
        let c = &list[i];
        let j = &jobs[c.job];
        let task = rows::RowTask {
            format: j.format,
            weights: j.weights,
            row_bytes: j.row_bytes,
            k,
            rows: c.start..c.end,
            view: views[place[c.job]],
            x,
            m,
            out: j.out,
        };
        // SAFETY: the level is the machine's, the job was checked, and chunks share no rows.
        unsafe { kernel(&task) };
    });
}

/// Any format, any machine.
fn portable(pool: &Pool, isa: Isa, jobs: &[Job<'_>], k: usize, x: &[f32], m: usize) {
    thread_local! {
        static ROW: RefCell<scalar::Row> = RefCell::default();
    }
    let levels = jobs.iter().any(|j| Levels::of(j.format).is_some());
    let mut quantized = levels.then(|| Quantized::new(isa, x, k));
    let quantized = quantized.as_mut().map(Quantized::rows);
    let list = chunks(jobs, pool.threads(), 1);
    pool.run(list.len(), &|i| {
        let c = &list[i];
        let j = &jobs[c.job];
        ROW.with_borrow_mut(|row| {
            for r in c.start..c.end {
                row.load(j.format, j.row(r), k);
                for i in 0..m {
                    let v = match (Levels::of(j.format), quantized) {
                        (Some(l), Some(q)) => row.dot_levels(l, q.q(i), q.scale(i)),
                        _ => row.dot_floats(&x[i * k..][..k]),
                    };
                    // SAFETY: `i < m`, and row `r` belongs to this task.
                    unsafe { j.out.put(i, r, v) };
                }
            }
        });
    });
}
