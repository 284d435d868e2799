//! Lines along an axis, as the kernels that work on lines read them.

use super::map::GROUP;
use crate::Caps;
use crate::record::Bound;
use mlx_ir::Desc;
use mlx_ir::desc::{collapse, row_major};
use smallvec::SmallVec;

/// Dimensions beside the axis that the shaders can walk.
const DIMS: usize = 6;

/// Lines of an array, in the row-major order of the other dimensions.
pub(super) struct Lines {
    /// How many there are.
    pub count: usize,
    /// Elements of a line.
    pub n: usize,
    /// Lines that lie side by side in a row-major array: the elements of the dimensions after the axis.
    pub inner: usize,
    step: isize,
    shape: SmallVec<[usize; 6]>,
    strides: SmallVec<[isize; 6]>,
}

impl Lines {
    pub fn new(x: &Desc, axis: usize) -> Lines {
        let without = |s: &[isize]| -> SmallVec<[isize; 6]> {
            s.iter().enumerate().filter(|&(d, _)| d != axis).map(|(_, &s)| s).collect()
        };
        let mut rest: SmallVec<[usize; 6]> = x.shape.iter().copied().collect();
        rest.remove(axis);
        let own = row_major(&rest);
        let walk = collapse(&rest, &[&without(&x.strides), &own]);
        Lines {
            count: rest.iter().product(),
            n: x.shape[axis],
            inner: x.shape[axis + 1..].iter().product(),
            step: x.strides[axis],
            shape: walk.shape.iter().copied().collect(),
            strides: walk.strides[0].iter().copied().collect(),
        }
    }

    /// Rows of a row-major matrix.
    pub fn rows(count: usize, n: usize) -> Lines {
        let (shape, strides) = (smallvec::smallvec![count], smallvec::smallvec![n as isize]);
        Lines { count, n, inner: 1, step: 1, shape, strides }
    }

    /// Whether the shaders can walk them.
    pub fn fit(&self) -> bool {
        self.shape.len() <= DIMS && self.count.saturating_mul(self.n) < (u32::MAX / 4) as usize
    }

    /// What the shaders are told of an array of these lines: its first element, the step, the other dimensions.
    pub fn push(&self, x: &Bound, size: usize) -> SmallVec<[u32; 16]> {
        let mut words: SmallVec<[u32; 16]> =
            smallvec::smallvec![x.first / size as u32, self.step as u32, self.shape.len() as u32];
        let padded = |n: usize| std::iter::repeat_n(0, DIMS - n);
        words.extend(self.shape.iter().map(|&s| s as u32).chain(padded(self.shape.len())));
        words.extend(self.strides.iter().map(|&s| s as u32).chain(padded(self.strides.len())));
        words
    }
}

/// Workgroups across and down.
pub(super) fn folded(caps: &Caps, groups: usize) -> [u32; 3] {
    let across = groups.min(caps.workgroup_count[0] as usize).clamp(1, 65535);
    [across as u32, groups.div_ceil(across) as u32, 1]
}

/// Workgroups for so many invocations of their own.
pub(super) fn each(caps: &Caps, invocations: usize) -> [u32; 3] {
    folded(caps, invocations.div_ceil(GROUP as usize))
}
