//! Few rows of activations: each weight row is read once, from where it lies, and multiplied with
//! up to four rows of activations at a time.

use super::Out;
use super::layout::View;
use crate::isa::Isa;
use mlx_ir::QuantFormat;
use std::ops::Range;

#[cfg(target_arch = "x86_64")]
use super::avx512;

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

/// Whether the level has row kernels.
pub(super) fn has_kernels(isa: Isa) -> bool {
    matches!(isa, Isa::Avx512)
}

/// Runs a task.
///
/// # Safety
/// `isa` is a level of this machine with row kernels; the weights hold all `rows`; `view` is the
/// layout of `format` for `m` rows of `k`; nobody else writes these columns of `out`.
pub(super) unsafe fn run(isa: Isa, t: &RowTask<'_>) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the contract is passed on.
        Isa::Avx512 => unsafe { avx512::run(t) },
        _ => unreachable!("no row kernels for {isa}"),
    }
}
