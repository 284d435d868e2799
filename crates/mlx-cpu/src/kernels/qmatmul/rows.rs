//! Few rows of activations: each weight row is read once, from where it lies, and multiplied with
//! up to four rows of activations at a time.

use super::Out;
use super::layout::View;
use crate::isa::Isa;
use mlx_ir::QuantFormat;
use std::ops::Range;

#[cfg(target_arch = "aarch64")]
use super::neon;
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Rows of activations that one pass over a weight row serves.
pub(super) const PASS: usize = 4;

/// A run of weight rows against all rows of activations.
pub(super) struct RowTask<'a> {
    pub format: QuantFormat,
    /// The whole matrix.
    pub weights: &'a [u8],
    pub row_bytes: usize,
    pub k: usize,
    pub rows: Range<usize>,
    pub view: View<'a>,
    /// The activations as f32, `m` rows of `k`.
    pub x: &'a [f32],
    pub m: usize,
    pub out: Out,
}

impl RowTask<'_> {
    /// Rows to read at the same time, far apart: the memory system follows several streams better
    /// than one (measured: 1.6 times the bandwidth of one core). Returns the distance of the
    /// `streams` rows that go together (so rows `r`, `r + apart`, … for the first `apart` rows),
    /// and the rows left over. Only for one row of activations: more would not fit the registers.
    pub fn streams(&self, activations: usize, streams: usize) -> (usize, Range<usize>) {
        let apart = if activations == 1 { self.rows.len() / streams } else { 0 };
        (apart, self.rows.start + apart * streams..self.rows.end)
    }
}

/// The row kernel of a level, if it has one.
///
/// # Safety
/// To call it: the level is one of this machine; the weights hold all `rows`; `view` is the
/// layout of `format` for `m` rows of `k`; nobody else writes these columns of `out`.
pub(super) fn kernel(isa: Isa) -> Option<unsafe fn(&RowTask<'_>)> {
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2 => Some(avx2::run),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512 => Some(avx512::run),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => Some(neon::plain::run),
        #[cfg(target_arch = "aarch64")]
        Isa::DotProd | Isa::I8mm | Isa::Sve2 => Some(neon::dotprod::run),
        _ => None,
    }
}
