//! Indexing by arrays. Reads clamp their indices into range and writes outside are dropped, so no index reaches
//! memory outside an array.

mod gather;
mod scatter;

#[cfg(test)]
mod tests;

use mlx_ir::desc::row_major;
use mlx_ir::{Desc, Shape};
use smallvec::SmallVec;

/// Whether these are index arrays.
fn integers(ins: &[Desc]) -> bool {
    ins.iter().all(|x| x.dtype.is_integer())
}

/// Position of a row-major count within a shape.
fn unflat(shape: &[usize], mut i: usize) -> SmallVec<[usize; 6]> {
    let mut at: SmallVec<[usize; 6]> = smallvec::smallvec![0; shape.len()];
    for d in (0..shape.len()).rev() {
        let n = shape[d].max(1);
        at[d] = i % n;
        i /= n;
    }
    at
}

/// Offset of a position.
fn offset(at: &[usize], strides: &[isize]) -> isize {
    at.iter().zip(strides).map(|(a, s)| *a as isize * s).sum()
}

/// Trailing dimensions of a box that lie without gaps in a row-major array of `shape`, as (elements, dimensions that
/// remain).
fn run_length(sizes: &[usize], shape: &[usize], strides: &[isize]) -> (usize, usize) {
    let whole = row_major(shape);
    let (mut n, mut d) = (1, sizes.len());
    while d > 0 && (sizes[d - 1] == 1 || strides[d - 1] == whole[d - 1]) {
        n *= sizes[d - 1];
        d -= 1;
        if sizes[d] != shape[d] {
            break;
        }
    }
    (n, d)
}

/// `shape` cut to its first `n` dimensions.
fn lead(shape: &[usize], n: usize) -> Shape {
    shape[..n].into()
}
