//! Matrices larger than what a shader of the device can see: products with a range of their rows at a time, each of which
//! is a part of the results.

use super::copy::{copy, part};
use crate::Caps;
use crate::record::{Cx, fits, span};
use mlx_ir::{Desc, Op, Operand, Result};
use std::ops::Range;

/// Rows of a range are a multiple of it, so that what follows begins where kernels want it.
const UNIT: usize = 64;

/// Whether products can be made with ranges of an input.
pub(crate) fn divides(op: &Op, input: usize) -> bool {
    match op {
        Op::BlockMatmul(_) => input > 0,
        Op::BlockProject(p) => super::block::matrices(p).contains(&input),
        Op::QuantizedMatmul(q) => q.transpose && (1..4).contains(&input),
        Op::Matmul(_) => input == 1,
        Op::AddMM(_) => input == 2,
        _ => false,
    }
}

/// Whether all can be seen as they are.
pub(super) fn whole(caps: &Caps, all: &[Desc]) -> bool {
    all.iter().all(|d| fits(caps, d))
}

/// How many rows of some matrices, counted along an axis of each, can be seen at a time: all or ranges of about the same
/// length. None if even a few are too many.
pub(super) fn step(caps: &Caps, matrices: &[(&Desc, usize)]) -> Option<usize> {
    let (first, axis) = matrices.first()?;
    let rows = first.shape[*axis];
    let mut most = usize::MAX;
    for (d, axis) in matrices {
        if fits(caps, d) {
            continue;
        }
        let one = span(&cut_desc(d, *axis, 1));
        // Allocations are rounded up.
        let room = caps.storage_range.min(caps.allocation_size.saturating_sub(16 << 10));
        let room = room.saturating_sub(2 * caps.storage_alignment.max(64)) as usize;
        let more = room.checked_sub((one.end - one.start) as usize)?;
        most = most.min(1 + more / (d.strides[*axis].unsigned_abs() * d.dtype.size()).max(1));
    }
    let step = if most >= rows {
        rows
    } else {
        let most = (most / UNIT * UNIT).max(UNIT);
        rows.div_ceil(rows.div_ceil(most)).next_multiple_of(UNIT)
    };
    matrices.iter().all(|(d, axis)| fits(caps, &cut_desc(d, *axis, step))).then_some(step)
}

/// So many rows of a matrix.
pub(super) fn cut_desc(d: &Desc, axis: usize, rows: usize) -> Desc {
    let mut d = d.clone();
    d.shape[axis] = rows;
    d
}

fn cut(o: &Operand, axis: usize, rows: &Range<usize>) -> Operand {
    let far = o.desc.strides[axis] * (rows.start * o.desc.dtype.size()) as isize;
    Operand {
        desc: cut_desc(&o.desc, axis, rows.len()),
        buffer: o.buffer.clone(),
        offset: o.offset.wrapping_add_signed(far),
    }
}

/// Records a product with ranges of matrices, which gives these results.
type Work<'a> = dyn FnMut(&mut Cx<'_>, &[Operand], &Operand) -> Result<()> + 'a;

/// Does `work` for each range of rows of the matrices, counted along an axis of each, which give as many columns of `out`.
///
/// # Errors
/// Those of `work`, and of the device.
pub(super) fn each(cx: &mut Cx<'_>, matrices: &[(&Operand, usize)], out: &Operand, work: &mut Work<'_>) -> Result<()> {
    let descs: Vec<(&Desc, usize)> = matrices.iter().map(|(o, axis)| (&o.desc, *axis)).collect();
    let Some(step) = step(cx.caps, &descs) else { return Ok(()) };
    let last = out.desc.ndim() - 1;
    let n = out.desc.shape[last];
    for start in (0..n).step_by(step.max(1)) {
        let rows = start..n.min(start + step);
        let ranges: Vec<Operand> = matrices.iter().map(|(o, axis)| cut(o, *axis, &rows)).collect();
        let columns = cut(out, last, &rows);
        let plain = Desc::contiguous(&columns.desc.shape, columns.desc.dtype);
        if out.desc.size() == n || rows.len() == n {
            work(cx, &ranges, &Operand { desc: plain, ..columns })?;
            continue;
        }
        // Kernels write rows one after another.
        let aside = cx.temporary(&plain)?;
        work(cx, &ranges, &aside)?;
        let (from, to) = (cx.input(&aside)?, cx.output(out)?);
        let steps = vec![1; last + 1];
        let there = part(&out.desc, &plain.shape, &steps);
        copy(cx, (&plain, from), (&there, &to), start as isize, true)?;
    }
    Ok(())
}
