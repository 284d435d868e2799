//! Arguments of Fourier transforms.

use crate::error::{R, value};
use mlx::Array;
use mlx::ops::{self, FftKind};

fn size(n: i64) -> R<usize> {
    usize::try_from(n).map_err(|_| value(format!("[fftn] Invalid FFT output size requested ({n})")))
}

/// A transform of one axis.
pub fn one(a: &Array, n: Option<i64>, axis: i64, norm: &str, kind: FftKind, inverse: bool) -> R<Array> {
    let n = n.map(size).transpose()?;
    Ok(ops::fftn(a, n.as_ref().map(std::slice::from_ref), Some(&[axis]), kind, inverse, norm.parse()?)?)
}

/// A transform of several axes.
pub fn several(
    a: &Array,
    sizes: Option<&[i64]>,
    axes: Option<&[i64]>,
    norm: &str,
    kind: FftKind,
    inverse: bool,
) -> R<Array> {
    let sizes = sizes.map(|s| s.iter().map(|&n| size(n)).collect::<R<Vec<_>>>()).transpose()?;
    Ok(ops::fftn(a, sizes.as_deref(), axes, kind, inverse, norm.parse()?)?)
}
