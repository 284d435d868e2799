//! Orders of quantized activations for the row kernels: what a vector of unpacked weights meets
//! lies in one vector of activations, beside the sums and scales that belong to it.

use super::acts::{Aligned, BLOCK, Plain, Rows};
use super::unpack::Levels;
use mlx_ir::QuantFormat;
use mlx_ir::quant::SUPER;

/// Four blocks of 32, for the formats with blocks of 32.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Quad {
    /// The first 16 of each of the four blocks, then the last 16 of each.
    pub q: [i8; 128],
    /// Lane `4 * block + j`: -offset · Σ of the elements 4j.. and 16+4j.. of the block.
    pub start: [i32; 16],
    /// The scale of each block, four times.
    pub scale: [f32; 16],
    /// Like `start`, but scale · Σ: what a minimum is multiplied by.
    pub sum: [f32; 16],
}

/// A super-block of 256 for Q4_K and Q5_K.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Super {
    /// Runs of 32 in the order 0 2 1 3 4 6 5 7: the low nibbles of 64 bytes are runs 0 and 2 …
    pub q: [i8; 256],
    /// The scale of each run, then -scale · Σ of each run.
    pub scale: [f32; 16],
}

/// A super-block of 256 for Q6_K.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Super6 {
    pub q: [i8; 256],
    /// The scale of each 16.
    pub scale: [f32; 16],
    /// -32 · scale · Σ of each 16.
    pub start: [f32; 16],
}

impl Plain for Quad {}
impl Plain for Super {}
impl Plain for Super6 {}

/// Where run `j` of a [`Super`] lies.
pub(super) const fn run_place(j: usize) -> usize {
    (j & !3) + [0, 2, 1, 3][j & 3]
}

/// The activations of all rows in the order of one format.
pub(super) enum Layout {
    Quads(Aligned<Quad>),
    Supers(Aligned<Super>),
    Supers6(Aligned<Super6>),
    /// f32 as they are.
    Plain,
}

/// [`Layout`] to share between threads: the records of one row follow each other.
#[derive(Clone, Copy)]
pub(super) enum View<'a> {
    Quads(&'a [Quad]),
    Supers(&'a [Super]),
    Supers6(&'a [Super6]),
    Plain,
}

/// Which record a format reads, and with what offset.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Quad(u8),
    Super,
    Super6,
    Plain,
}

impl Kind {
    pub fn of(f: QuantFormat) -> Kind {
        match (f, Levels::of(f)) {
            (_, None) => Kind::Plain,
            (QuantFormat::Q4_K | QuantFormat::Q5_K, _) => Kind::Super,
            (QuantFormat::Q6_K, _) => Kind::Super6,
            (_, Some(l)) => Kind::Quad(l.offset),
        }
    }
}

impl Layout {
    /// Arranges the first `m` rows, `k` elements each before padding.
    pub fn new(kind: Kind, rows: Option<Rows<'_>>, k: usize, m: usize) -> Layout {
        let Some(rows) = rows else { return Layout::Plain };
        let supers = k.div_ceil(SUPER);
        match kind {
            Kind::Quad(offset) => {
                let quads = k.div_ceil(4 * BLOCK);
                let mut a = Aligned::<Quad>::zeroed(m * quads);
                for (i, out) in a.slice().chunks_exact_mut(quads).enumerate() {
                    let blocks = rows.q(i).chunks_exact(4 * BLOCK).zip(rows.scale(i).chunks_exact(4));
                    for (o, (q, s)) in out.iter_mut().zip(blocks) {
                        quad(o, q, s, offset as i32);
                    }
                }
                Layout::Quads(a)
            }
            Kind::Super => {
                let mut a = Aligned::<Super>::zeroed(m * supers);
                for (i, out) in a.slice().chunks_exact_mut(supers).enumerate() {
                    let blocks = rows.q(i).chunks_exact(SUPER).zip(rows.scale(i).chunks_exact(8));
                    for (o, (q, s)) in out.iter_mut().zip(blocks) {
                        for (j, (run, s)) in q.chunks_exact(BLOCK).zip(s).enumerate() {
                            o.q[run_place(j) * BLOCK..][..BLOCK].copy_from_slice(run);
                            o.scale[j] = *s;
                            o.scale[8 + j] = -s * sum(run) as f32;
                        }
                    }
                }
                Layout::Supers(a)
            }
            Kind::Super6 => {
                let mut a = Aligned::<Super6>::zeroed(m * supers);
                for (i, out) in a.slice().chunks_exact_mut(supers).enumerate() {
                    let blocks = rows.q(i).chunks_exact(SUPER).zip(rows.scale(i).chunks_exact(8));
                    for (o, (q, s)) in out.iter_mut().zip(blocks) {
                        o.q.copy_from_slice(q);
                        for (j, run) in q.chunks_exact(16).enumerate() {
                            o.scale[j] = s[j / 2];
                            o.start[j] = -32.0 * s[j / 2] * sum(run) as f32;
                        }
                    }
                }
                Layout::Supers6(a)
            }
            Kind::Plain => Layout::Plain,
        }
    }

    pub fn view(&mut self) -> View<'_> {
        match self {
            Layout::Quads(a) => View::Quads(a.slice()),
            Layout::Supers(a) => View::Supers(a.slice()),
            Layout::Supers6(a) => View::Supers6(a.slice()),
            Layout::Plain => View::Plain,
        }
    }
}

fn sum(q: &[i8]) -> i32 {
    q.iter().map(|v| *v as i32).sum()
}

fn quad(o: &mut Quad, q: &[i8], scale: &[f32], offset: i32) {
    for (b, (q, s)) in q.chunks_exact(BLOCK).zip(scale).enumerate() {
        o.q[b * 16..][..16].copy_from_slice(&q[..16]);
        o.q[64 + b * 16..][..16].copy_from_slice(&q[16..]);
        for j in 0..4 {
            let total = sum(&q[4 * j..4 * j + 4]) + sum(&q[16 + 4 * j..20 + 4 * j]);
            o.start[4 * b + j] = -offset * total;
            o.scale[4 * b + j] = *s;
            o.sum[4 * b + j] = s * total as f32;
        }
    }
}
