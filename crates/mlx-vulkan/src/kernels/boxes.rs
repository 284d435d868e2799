//! Boxes whose start is an array: read on the device, so that nothing waits for it.

use super::Kernel;
use super::copy::{part, start_from};
use super::map::{GROUP, Key, grid, known, mover};
use crate::Caps;
use crate::emit::Moving;
use crate::record::{Bound, Cx, Dispatch, PUSH_WORDS};
use mlx_ir::desc::{Collapsed, collapse};
use mlx_ir::op::{Contiguous, DynamicSlice, DynamicSliceUpdate};
use mlx_ir::{DType, Desc, Operand, Result};
use smallvec::SmallVec;

/// A box in a larger array, and the dense array that it is copied to or from.
struct Plan {
    walk: Collapsed,
    key: Moving,
    /// For each axis that has a start, the largest one and the stride.
    limits: SmallVec<[u32; 8]>,
}

/// `inner` is the array of the box's shape, `outer` the larger one.
fn plan(inner: &Desc, outer: &Desc, starts: DType, axes: &[usize], write: bool) -> Plan {
    let steps: SmallVec<[isize; 6]> = smallvec::smallvec![1; outer.ndim()];
    let within = part(outer, &inner.shape, &steps);
    let (from, to) = if write { (inner, &within) } else { (&within, inner) };
    let walk = collapse(&inner.shape, &[&from.strides, &to.strides]);
    let limit = |&a: &usize| [(outer.shape[a] - inner.shape[a]) as u32, outer.strides[a] as u32];
    let key = Moving { dtype: mover(inner.dtype).1, starts, axes: axes.len(), dims: walk.shape.len(), write };
    Plan { walk, key, limits: axes.iter().flat_map(limit).collect() }
}

impl Plan {
    fn supports(&self, caps: &Caps, inner: &Desc) -> bool {
        let dims = self.walk.shape.len();
        let words = 5 + dims * if self.key.write { 3 } else { 2 } + self.limits.len();
        words <= PUSH_WORDS
            && self.key.starts.is_integer()
            && self.key.starts != DType::Bool
            && inner.size() < u32::MAX as usize
            // They are compared as signed words.
            && self.limits.chunks_exact(2).all(|l| l[0] <= i32::MAX as u32)
            && known(Key::Moving(self.key.clone()), caps)
    }

    fn record(&self, cx: &mut Cx<'_>, from: &Bound, starts: (&Operand, &Bound), to: &Bound) -> Result<()> {
        let n: usize = self.walk.shape.iter().product();
        if n == 0 {
            return Ok(());
        }
        let size = self.key.dtype.size();
        let (each, unit) = if self.key.write { (1, size) } else { ((4 / size).max(1), 4) };
        let (across, down) = grid(cx.caps, n.div_ceil(each));
        let d = &starts.0.desc;
        let mut push: SmallVec<[u32; PUSH_WORDS]> = smallvec::smallvec![
            n as u32,
            across * GROUP,
            to.first / unit as u32,
            from.first / size as u32,
            starts.1.first / d.dtype.size() as u32,
            d.strides.first().copied().unwrap_or(0) as u32
        ];
        push.extend(self.walk.shape[1..].iter().map(|&s| s as u32));
        for strides in &self.walk.strides[..if self.key.write { 2 } else { 1 }] {
            push.extend(strides.iter().map(|&s| s as u32));
        }
        push.extend(self.limits.iter().copied());
        let shader = cx.emitted(Key::Moving(self.key.clone()))?;
        cx.dispatch(&Dispatch {
            shader: &shader,
            spec: &[GROUP],
            bind: &[from, starts.1, to],
            push: &push,
            groups: [across, down, 1],
        })
    }
}

impl Kernel for DynamicSlice {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        plan(&outs[0], &ins[0], ins[1].dtype, &self.axes, false).supports(caps, &outs[0])
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let plan = plan(&outs[0].desc, &ins[0].desc, ins[1].desc.dtype, &self.axes, false);
        let (from, starts, to) = (cx.input(&ins[0])?, cx.input(&ins[1])?, cx.output(&outs[0])?);
        plan.record(cx, &from, (&ins[1], &starts), &to)
    }
}

impl Kernel for DynamicSliceUpdate {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        Kernel::supports(&Contiguous {}, caps, &ins[..1], outs)
            && plan(&ins[1], &outs[0], ins[2].dtype, &self.axes, true).supports(caps, &ins[1])
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let plan = plan(&ins[1].desc, &outs[0].desc, ins[2].desc.dtype, &self.axes, true);
        let to = cx.output(&outs[0])?;
        start_from(cx, &ins[0], &outs[0], &to)?;
        let (from, starts) = (cx.input(&ins[1])?, cx.input(&ins[2])?);
        plan.record(cx, &from, (&ins[2], &starts), &to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{compare, host_array};
    use half::f16;
    use mlx_ir::op::{SliceUpdate, UpdateMode};
    use mlx_ir::{C64, Element};

    fn with<T: Element>(make: impl Fn(usize) -> T) {
        let data: Vec<T> = (0..5 * 6 * 7).map(&make).collect();
        let x = host_array(&[5, 6, 7], &data);
        let mut turned = x.clone();
        turned.desc.shape.reverse();
        turned.desc.strides.reverse();
        let update = host_array(&[2, 3, 3], &(0..18).map(|i| make(i + 100)).collect::<Vec<T>>());
        let axes: mlx_ir::Axes = [0, 2].into_iter().collect();
        let starts = [
            host_array(&[2], &[1i32, 2]),
            host_array(&[2], &[-5i8, 100]),
            host_array(&[2], &[3u64 << 40, 1]),
            host_array(&[2], &[-1i64, i64::MAX]),
            host_array(&[2], &[60_000u16, 0]),
        ];
        for at in starts {
            for x in [&x, &turned] {
                let shape = [2, 3, 3];
                let op = DynamicSlice { axes: axes.clone(), shape: shape.into_iter().collect() };
                compare(op, &[x.clone(), at.clone()], &[Desc::contiguous(&shape, T::DTYPE)], 0.0);
                let op = DynamicSliceUpdate { axes: axes.clone() };
                let same = Desc::contiguous(&x.desc.shape, T::DTYPE);
                compare(op, &[x.clone(), update.clone(), at.clone()], &[same], 0.0);
            }
        }
    }

    #[test]
    fn boxes_at_computed_places() {
        with(|i| i as u8);
        with(|i| i as i16);
        with(|i| f16::from_f32(i as f32));
        with(|i| i as f32);
        with(|i| i as i64);
        with(|i| C64::new(i as f32, -1.0));
        with(|i| i % 3 == 0);
    }

    #[test]
    fn updates_meet_what_is_there() {
        fn each<T: Element>(modes: &[UpdateMode], make: impl Fn(usize) -> T) {
            let x = host_array(&[5, 7], &(0..35).map(&make).collect::<Vec<T>>());
            let update = host_array(&[2, 3], &(0..6).map(|i| make(7 * i + 3)).collect::<Vec<T>>());
            for &mode in modes {
                let op =
                    SliceUpdate { start: [3, 0].into_iter().collect(), strides: [-2, 3].into_iter().collect(), mode };
                let same = x.desc.clone();
                compare(op, &[x.clone(), update.clone()], &[same], 1e-6);
            }
        }
        let modes = [UpdateMode::Sum, UpdateMode::Prod, UpdateMode::Min, UpdateMode::Max];
        each(&modes, |i| (i * 37) as u8);
        each(&modes, |i| i as i16 * 31 - 400);
        each(&modes, |i| if i % 5 == 0 { f32::NAN } else { i as f32 - 15.5 });
        each(&modes, |i| f16::from_f32(i as f32 * 0.3));
        each(&modes, |i| i as i64 - 9);
        each(&modes, |i| i % 3 == 0);
        each(&modes[..1], |i| C64::new(i as f32, 0.5));
    }
}
