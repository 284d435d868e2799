//! Shapes, strides and the arithmetic on them: broadcasting, contiguity, views, dimension collapsing.

use crate::{DType, Error, Result};
use smallvec::SmallVec;

/// Sizes of the dimensions, outermost first. Inline up to four dimensions.
pub type Shape = SmallVec<[usize; 4]>;
/// Distance in elements between neighbours along each dimension; may be zero (broadcast) or negative (reversed).
pub type Strides = SmallVec<[isize; 4]>;
/// A list of axes or axis permutation.
pub type Axes = SmallVec<[usize; 4]>;

/// What is known of an array before it is computed: shape and dtype.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Aval {
    /// Sizes of the dimensions.
    pub shape: Shape,
    /// Element type.
    pub dtype: DType,
}

impl Aval {
    /// Shape and dtype together.
    pub fn new(shape: impl Into<Shape>, dtype: DType) -> Self {
        Self { shape: shape.into(), dtype }
    }
    /// Number of elements.
    pub fn size(&self) -> usize {
        size_of_shape(&self.shape)
    }
    /// Number of dimensions.
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }
    /// Bytes of a contiguous array of this shape and dtype.
    pub fn nbytes(&self) -> usize {
        self.size() * self.dtype.size()
    }
}

/// Where the elements of an array lie in its buffer: shape, strides in elements, dtype.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Desc {
    /// Sizes of the dimensions.
    pub shape: Shape,
    /// Strides in elements.
    pub strides: Strides,
    /// Element type.
    pub dtype: DType,
}

impl Desc {
    /// A row-major contiguous description.
    pub fn contiguous(shape: &[usize], dtype: DType) -> Self {
        Self { shape: shape.into(), strides: row_major(shape), dtype }
    }
    /// Number of elements.
    pub fn size(&self) -> usize {
        size_of_shape(&self.shape)
    }
    /// Number of dimensions.
    pub fn ndim(&self) -> usize {
        self.shape.len()
    }
    /// True when the elements lie in row-major order without gaps.
    pub fn is_contiguous(&self) -> bool {
        is_row_major(&self.shape, &self.strides)
    }
}

/// Product of the dimensions (1 for a 0-d shape).
pub fn size_of_shape(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Product of the dimensions, or an error when the number of bytes overflows `isize`.
pub fn checked_size(op: &str, shape: &[usize], dtype: DType) -> Result<usize> {
    shape
        .iter()
        .try_fold(1usize, |n, &d| n.checked_mul(d))
        .filter(|n| n.checked_mul(dtype.size()).is_some_and(|b| b <= isize::MAX as usize))
        .ok_or_else(|| Error::value(format!("[{op}] shape {shape:?} of {dtype} is too large to address")))
}

/// Row-major strides of a shape.
pub fn row_major(shape: &[usize]) -> Strides {
    let mut s: Strides = smallvec::smallvec![1; shape.len()];
    let mut n = 1isize;
    for i in (0..shape.len()).rev() {
        s[i] = n;
        n = n.wrapping_mul(shape[i].max(1) as isize);
    }
    s
}

/// True when `strides` are row-major for `shape`, ignoring dimensions of size one; empty arrays are contiguous.
pub fn is_row_major(shape: &[usize], strides: &[isize]) -> bool {
    let mut n = 1isize;
    for i in (0..shape.len()).rev() {
        if shape[i] == 0 {
            return true;
        }
        if shape[i] != 1 {
            if strides[i] != n {
                return false;
            }
            n *= shape[i] as isize;
        }
    }
    true
}

/// The common shape of broadcasting two shapes together, or `None`.
pub fn broadcast_shapes(a: &[usize], b: &[usize]) -> Option<Shape> {
    let n = a.len().max(b.len());
    let mut out: Shape = smallvec::smallvec![0; n];
    for i in 0..n {
        let x = if i + a.len() >= n { a[i + a.len() - n] } else { 1 };
        let y = if i + b.len() >= n { b[i + b.len() - n] } else { 1 };
        out[i] = if x == y || y == 1 {
            x
        } else if x == 1 {
            y
        } else {
            return None;
        };
    }
    Some(out)
}

/// Strides that show an array of `shape`/`strides` as the larger `to` (which must be a valid broadcast of `shape`).
pub fn broadcast_strides(shape: &[usize], strides: &[isize], to: &[usize]) -> Strides {
    let lead = to.len() - shape.len();
    (0..to.len())
        .map(|i| if i < lead || (shape[i - lead] == 1 && to[i] != 1) { 0 } else { strides[i - lead] })
        .collect()
}

/// Strides of the same elements seen under `to`, without moving any, or `None` when a copy is needed.
/// Both shapes must have the same number of elements.
pub fn reshape_strides(shape: &[usize], strides: &[isize], to: &[usize]) -> Option<Strides> {
    if size_of_shape(to) == 0 || is_row_major(shape, strides) {
        return Some(row_major(to));
    }
    // Groups of old dimensions that step evenly, outermost first; size-one dimensions carry no information.
    let old: SmallVec<[(usize, isize); 4]> =
        shape.iter().zip(strides).filter(|(d, _)| **d != 1).map(|(d, s)| (*d, *s)).collect();
    let mut out: Strides = smallvec::smallvec![1; to.len()];
    let (mut i, mut j) = (0, 0);
    while i < old.len() && j < to.len() {
        let (mut a, mut b) = (old[i].0, to[j]);
        let (i0, j0) = (i, j);
        while a != b {
            if a < b {
                i += 1;
                a *= old.get(i)?.0;
            } else {
                j += 1;
                b *= *to.get(j)?;
            }
        }
        for k in i0..i {
            if old[k].1 != old[k + 1].1 * old[k + 1].0 as isize {
                return None;
            }
        }
        let mut s = old[i].1;
        for k in (j0..=j).rev() {
            out[k] = s;
            s *= to[k] as isize;
        }
        i += 1;
        j += 1;
    }
    Some(out)
}

/// A set of operands walked together with adjacent dimensions merged where every operand allows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collapsed {
    /// Merged sizes, outermost first; never empty (a 0-d walk is `[1]`).
    pub shape: Shape,
    /// One list of strides an operand.
    pub strides: SmallVec<[Strides; 4]>,
}

/// Merges adjacent dimensions of operands that share `shape`.
pub fn collapse(shape: &[usize], strides: &[&[isize]]) -> Collapsed {
    let mut out_shape: Shape = Shape::new();
    let mut out: SmallVec<[Strides; 4]> = strides.iter().map(|_| Strides::new()).collect();
    for i in 0..shape.len() {
        if shape[i] == 1 {
            continue;
        }
        let merges = !out_shape.is_empty()
            && out.iter().zip(strides).all(|(o, s)| *o.last().expect("same length") == s[i] * shape[i] as isize);
        if merges {
            *out_shape.last_mut().expect("not empty") *= shape[i];
            for (o, s) in out.iter_mut().zip(strides) {
                *o.last_mut().expect("not empty") = s[i];
            }
        } else {
            out_shape.push(shape[i]);
            for (o, s) in out.iter_mut().zip(strides) {
                o.push(s[i]);
            }
        }
    }
    if out_shape.is_empty() {
        out_shape.push(1);
        for o in &mut out {
            o.push(0);
        }
    }
    Collapsed { shape: out_shape, strides: out }
}

/// Turns a possibly negative axis into an index, as MLX does; out of range is an `Index` error.
pub fn normalize_axis(op: &str, axis: i64, ndim: usize) -> Result<usize> {
    let n = ndim as i64;
    if axis < -n || axis >= n {
        return Err(Error::index(format!("[{op}] Axis {axis} is out of bounds for array with {ndim} dimensions.")));
    }
    Ok(if axis < 0 { axis + n } else { axis } as usize)
}

/// Normalizes a list of axes, sorts it and refuses duplicates. An empty list stays empty.
pub fn normalize_axes(op: &str, axes: &[i64], ndim: usize) -> Result<Axes> {
    let mut out = axes.iter().map(|&a| normalize_axis(op, a, ndim)).collect::<Result<Axes>>()?;
    out.sort_unstable();
    if out.windows(2).any(|w| w[0] == w[1]) {
        return Err(Error::value(format!("[{op}] Received duplicate axes {axes:?}.")));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reshape_keeps_views_where_it_can() {
        // 2x3x4 transposed to 4x2x3 (strides 1,12,4): the last two merge, the first does not.
        assert_eq!(reshape_strides(&[4, 2, 3], &[1, 12, 4], &[4, 6]).as_deref(), Some(&[1isize, 4][..]));
        assert_eq!(reshape_strides(&[4, 2, 3], &[1, 12, 4], &[8, 3]), None);
        assert_eq!(reshape_strides(&[4, 6], &[1, 4], &[2, 2, 1, 3, 2]).as_deref(), Some(&[2isize, 1, 24, 8, 4][..]));
        assert_eq!(reshape_strides(&[3], &[0], &[3, 1]).as_deref(), Some(&[0isize, 1][..]));
        assert_eq!(reshape_strides(&[4], &[-1], &[2, 2]).as_deref(), Some(&[-2isize, -1][..]));
        assert!(reshape_strides(&[0, 3], &[3, 1], &[3, 0]).is_some());
        assert_eq!(reshape_strides(&[2, 1], &[5, 7], &[1, 2]).as_deref(), Some(&[10isize, 5][..]));
    }

    #[test]
    fn collapse_merges_only_common_runs() {
        let c = collapse(&[2, 3, 4], &[&[12, 4, 1], &[12, 4, 1]]);
        assert_eq!(c.shape.as_slice(), &[24]);
        let c = collapse(&[2, 3, 4], &[&[12, 4, 1], &[0, 4, 1]]);
        assert_eq!(c.shape.as_slice(), &[2, 12]);
        assert_eq!(collapse(&[], &[&[]]).shape.as_slice(), &[1]);
    }

    #[test]
    fn broadcast_follows_numpy() {
        assert_eq!(broadcast_shapes(&[3, 1], &[4]).as_deref(), Some(&[3usize, 4][..]));
        assert_eq!(broadcast_shapes(&[0, 1], &[4]).as_deref(), Some(&[0usize, 4][..]));
        assert_eq!(broadcast_shapes(&[3], &[4]), None);
    }
}
