//! Copies: to row-major order, side by side, into boxes.

use super::Kernel;
use super::map::{self, mover};
use crate::Caps;
use crate::record::{Bound, Cx};
use mlx_ir::op::{Concatenate, Contiguous, Pad, SliceUpdate, UpdateMode};
use mlx_ir::{Desc, Func, Operand, Result, Tape};
use smallvec::SmallVec;

fn carried(d: &Desc) -> Desc {
    Desc { dtype: mover(d.dtype).1, ..d.clone() }
}

pub(super) fn can(caps: &Caps, from: &Desc, to: &Desc, scattered: bool) -> bool {
    map::supports(&mover(to.dtype).0, caps, &[&carried(from)], &carried(to), scattered)
}

/// Copies elements to where `to` describes them, `skip` elements after its first.
pub(super) fn copy(
    cx: &mut Cx<'_>,
    from: (&Desc, Bound),
    to: (&Desc, &Bound),
    skip: isize,
    scattered: bool,
) -> Result<()> {
    let mut target = to.1.clone();
    target.first = target.first.wrapping_add_signed((skip * to.0.dtype.size() as isize) as i32);
    map::record(cx, &mover(to.0.dtype).0, &[(&carried(from.0), from.1)], (&carried(to.0), target), scattered)
}

impl Kernel for Contiguous {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        can(caps, &ins[0], &outs[0], false)
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let (from, to) = (cx.input(&ins[0])?, cx.output(&outs[0])?);
        copy(cx, (&ins[0].desc, from), (&outs[0].desc, &to), 0, false)
    }
}

/// A box of `whole`: sizes `shape`, every `steps`-th element.
pub(super) fn part(whole: &Desc, shape: &[usize], steps: &[isize]) -> Desc {
    let strides = whole.strides.iter().zip(steps).map(|(&s, &k)| s * k).collect();
    Desc { shape: shape.iter().copied().collect(), strides, dtype: whole.dtype }
}

impl Kernel for Concatenate {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let steps = vec![1; outs[0].shape.len()];
        ins.iter().all(|i| can(caps, i, &part(&outs[0], &i.shape, &steps), true))
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let whole = &outs[0].desc;
        let to = cx.output(&outs[0])?;
        let steps: SmallVec<[isize; 6]> = smallvec::smallvec![1; whole.shape.len()];
        let mut at = 0;
        for i in ins {
            let from = cx.input(i)?;
            let skip = at as isize * whole.strides[self.axis];
            copy(cx, (&i.desc, from), (&part(whole, &i.desc.shape, &steps), &to), skip, true)?;
            at += i.desc.shape[self.axis];
        }
        Ok(())
    }
}

impl Kernel for Pad {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let steps = vec![1; outs[0].shape.len()];
        can(caps, &ins[0], &part(&outs[0], &ins[0].shape, &steps), true)
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let whole = &outs[0].desc;
        let to = cx.output(&outs[0])?;
        let value = cx.input(&ins[1])?;
        let all =
            Desc { shape: whole.shape.clone(), strides: whole.strides.iter().map(|_| 0).collect(), dtype: whole.dtype };
        copy(cx, (&all, value), (whole, &to), 0, false)?;
        let from = cx.input(&ins[0])?;
        let steps: SmallVec<[isize; 6]> = smallvec::smallvec![1; whole.shape.len()];
        let skip = self.low.iter().zip(&whole.strides).map(|(&l, &s)| l as isize * s).sum();
        copy(cx, (&ins[0].desc, from), (&part(whole, &ins[0].desc.shape, &steps), &to), skip, true)
    }
}

/// The function of an update and what is there; none for replacing it.
pub(super) fn meets(mode: UpdateMode) -> Option<Func> {
    match mode {
        UpdateMode::Assign => None,
        UpdateMode::Sum => Some(Func::Add),
        UpdateMode::Prod => Some(Func::Multiply),
        UpdateMode::Min => Some(Func::Minimum),
        UpdateMode::Max => Some(Func::Maximum),
    }
}

/// Sees that the output holds what `x` holds: nothing to do where it was donated.
pub(super) fn start_from(cx: &mut Cx<'_>, x: &Operand, out: &Operand, to: &Bound) -> Result<()> {
    if x.buffer.same(&out.buffer) {
        return Ok(());
    }
    let from = cx.input(x)?;
    copy(cx, (&x.desc, from), (&out.desc, to), 0, false)
}

impl Kernel for SliceUpdate {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let there = part(&outs[0], &ins[1].shape, &self.strides);
        can(caps, &ins[0], &outs[0], false)
            && match meets(self.mode) {
                None => can(caps, &ins[1], &there, true),
                Some(f) => {
                    let tape = Tape::single(f, there.dtype, there.dtype);
                    map::supports(&tape, caps, &[&ins[1], &there], &there, true)
                }
            }
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let whole = &outs[0].desc;
        let to = cx.output(&outs[0])?;
        start_from(cx, &ins[0], &outs[0], &to)?;
        let update = &ins[1].desc;
        let from = cx.input(&ins[1])?;
        let there = part(whole, &update.shape, &self.strides);
        let skip = self.start.iter().zip(&whole.strides).map(|(&a, &s)| a as isize * s).sum();
        match meets(self.mode) {
            None => copy(cx, (update, from), (&there, &to), skip, true),
            Some(f) => {
                let tape = Tape::single(f, there.dtype, there.dtype);
                let mut target = to.clone();
                target.first = target.first.wrapping_add_signed((skip * there.dtype.size() as isize) as i32);
                // The update first: of equal ones the second, what is there, is kept.
                map::record(cx, &tape, &[(update, from), (&there, target.clone())], (&there, target), true)
            }
        }
    }
}
