//! Elements read at indices: slices at tuples of them, and one for each place of a line.

use super::Kernel;
use super::map::{GROUP, Key, grid, known, mover};
use crate::Caps;
use crate::emit::Gathering;
use crate::hal::device::MAX_BINDINGS;
use crate::record::{Bound, Cx, Dispatch, PUSH_WORDS};
use mlx_ir::desc::collapse;
use mlx_ir::op::{Gather, GatherAxis};
use mlx_ir::{DType, Desc, Operand, Result};
use smallvec::{SmallVec, smallvec};

type Dims<T> = SmallVec<[T; 6]>;

/// An indexed axis, in elements of the source.
#[derive(Clone, Copy)]
struct Axis {
    size: usize,
    /// The last place where what is read begins.
    last: usize,
    stride: isize,
}

/// The result's dimensions with the strides of the source and of each array of indices over them.
struct Plan {
    shape: Dims<usize>,
    from: Dims<isize>,
    indices: SmallVec<[Dims<isize>; 3]>,
    axes: SmallVec<[Axis; 3]>,
    /// Bytes of an element.
    size: usize,
}

/// Arrays of indices count in 32 bits.
pub(super) const MOST: usize = i32::MAX as usize;

impl Plan {
    fn new(out: &Desc, from: &[isize], indices: &[Dims<isize>], axes: SmallVec<[Axis; 3]>) -> Plan {
        let mut lists: SmallVec<[&[isize]; 4]> = smallvec![from];
        lists.extend(indices.iter().map(|i| &i[..]));
        let walk = collapse(&out.shape, &lists);
        let mut strides = walk.strides.iter().map(|s| s.iter().copied().collect());
        Plan {
            shape: walk.shape.iter().copied().collect(),
            from: strides.next().unwrap_or_default(),
            indices: strides.collect(),
            axes,
            size: out.dtype.size(),
        }
    }

    fn slices(op: &Gather, ins: &[Desc], out: &Desc) -> Plan {
        let x = &ins[0];
        let lead = out.ndim() - x.ndim();
        let mut from: Dims<isize> = smallvec![0; lead];
        from.extend(x.strides.iter().copied());
        let over = |i: &Desc| i.strides.iter().copied().chain((0..x.ndim()).map(|_| 0)).collect();
        let axis = |&a: &usize| Axis { size: x.shape[a], last: x.shape[a] - op.slice_sizes[a], stride: x.strides[a] };
        Plan::new(out, &from, &ins[1..].iter().map(over).collect::<Vec<_>>(), op.axes.iter().map(axis).collect())
    }

    fn along(axis: usize, ins: &[Desc], out: &Desc) -> Plan {
        let x = &ins[0];
        let mut from: Dims<isize> = x.strides.iter().copied().collect();
        from[axis] = 0;
        let size = x.shape[axis];
        let axes = smallvec![Axis { size, last: size.saturating_sub(1), stride: x.strides[axis] }];
        Plan::new(out, &from, &[ins[1].strides.iter().copied().collect()], axes)
    }

    fn words(&self) -> usize {
        let k = self.indices.len();
        4 + k + self.shape.len() - 1 + (1 + k) * self.shape.len() + 3 * k
    }

    fn supports(&self, caps: &Caps, ins: &[Desc], out: &Desc) -> bool {
        ins.len() < caps.storage_buffers.min(MAX_BINDINGS as u32) as usize
            && out.dtype == ins[0].dtype
            && ins[1..].iter().all(|i| i.dtype.is_integer())
            && self.axes.iter().all(|a| a.size <= MOST)
            && out.size() < u32::MAX as usize
            && self.words() <= PUSH_WORDS
            && known(Key::Gather(self.key(mover(out.dtype).1, &ins[1..])), caps)
    }

    fn key(&self, dtype: DType, indices: &[Desc]) -> Gathering {
        Gathering { dtype, indices: indices.iter().map(|i| i.dtype).collect(), dims: self.shape.len() }
    }

    /// Whether narrow elements move together in words: runs of them begin and end with words on both sides.
    fn widen(&mut self, first: u32) -> bool {
        let each = 4 / self.size.min(4);
        let inner = self.shape.len() - 1;
        let by = |s: isize| s % each as isize == 0;
        let whole = each > 1
            && first.is_multiple_of(4)
            && self.shape[inner].is_multiple_of(each)
            && self.from[inner] == 1
            && self.indices.iter().all(|i| i[inner] == 0)
            && self.from[..inner].iter().all(|&s| by(s))
            && self.axes.iter().all(|a| by(a.stride));
        if whole {
            self.shape[inner] /= each;
            self.from[..inner].iter_mut().for_each(|s| *s /= each as isize);
            self.axes.iter_mut().for_each(|a| a.stride /= each as isize);
            self.size = 4;
        }
        whole
    }

    fn record(mut self, cx: &mut Cx<'_>, ins: &[Operand], out: &Operand) -> Result<()> {
        let mut bound: SmallVec<[Bound; 4]> = SmallVec::new();
        for i in ins {
            bound.push(cx.input(i)?);
        }
        let to = cx.output(out)?;
        let descs: SmallVec<[Desc; 4]> = ins.iter().map(|i| i.desc.clone()).collect();
        let dtype = if self.widen(bound[0].first) { DType::U32 } else { mover(out.desc.dtype).1 };
        let n: usize = self.shape.iter().product();
        let (across, down) = grid(cx.caps, n.div_ceil((4 / self.size).max(1)));
        let mut push: SmallVec<[u32; PUSH_WORDS]> =
            smallvec![n as u32, across * GROUP, to.first / 4, bound[0].first / self.size as u32];
        push.extend(bound[1..].iter().zip(&descs[1..]).map(|(b, d)| b.first / d.dtype.size() as u32));
        push.extend(self.shape[1..].iter().map(|&s| s as u32));
        push.extend(self.from.iter().chain(self.indices.iter().flatten()).map(|&s| s as u32));
        push.extend(self.axes.iter().flat_map(|a| [a.size as u32, a.last as u32, a.stride as u32]));
        let shader = cx.emitted(Key::Gather(self.key(dtype, &descs[1..])))?;
        let mut bind: SmallVec<[&Bound; 5]> = bound.iter().collect();
        bind.push(&to);
        cx.dispatch(&Dispatch { shader: &shader, spec: &[GROUP], bind: &bind, push: &push, groups: [across, down, 1] })
    }
}

fn descs(ins: &[Operand]) -> SmallVec<[Desc; 4]> {
    ins.iter().map(|i| i.desc.clone()).collect()
}

impl Kernel for Gather {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        ins.len() == 1 + self.axes.len()
            && self.slice_sizes.iter().zip(&ins[0].shape).all(|(s, n)| s <= n)
            && Plan::slices(self, ins, &outs[0]).supports(caps, ins, &outs[0])
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        Plan::slices(self, &descs(ins), &outs[0].desc).record(cx, ins, &outs[0])
    }
}

impl Kernel for GatherAxis {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let possible = ins[0].shape[self.axis] > 0 || outs[0].size() == 0;
        possible && Plan::along(self.axis, ins, &outs[0]).supports(caps, ins, &outs[0])
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        Plan::along(self.axis, &descs(ins), &outs[0].desc).record(cx, ins, &outs[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{compare, host_array};
    use half::{bf16, f16};
    use mlx_ir::{C64, Element};

    /// The same elements read backwards along an axis.
    fn reversed(o: &Operand, axis: usize) -> Operand {
        let mut r = o.clone();
        let skip = (o.desc.shape[axis] as isize - 1) * o.desc.strides[axis];
        r.offset = r.offset.wrapping_add_signed(skip * o.desc.dtype.size() as isize);
        r.desc.strides[axis] = -o.desc.strides[axis];
        r
    }

    fn turned(o: &Operand) -> Operand {
        let mut t = o.clone();
        t.desc.shape.reverse();
        t.desc.strides.reverse();
        t
    }

    fn slices(x: &Operand, indices: &[Operand], axes: &[usize], sizes: &[usize]) {
        let mut shape: Vec<usize> = indices[0].desc.shape.to_vec();
        shape.extend(sizes);
        let mut ins = vec![x.clone()];
        ins.extend(indices.iter().cloned());
        let op = Gather { axes: axes.iter().copied().collect(), slice_sizes: sizes.iter().copied().collect() };
        compare(op, &ins, &[Desc::contiguous(&shape, x.desc.dtype)], 0.0);
    }

    fn every<T: Element>(make: impl Fn(usize) -> T) {
        let x = host_array(&[7, 5, 6], &(0..210).map(&make).collect::<Vec<T>>());
        let mut whole = turned(&host_array(&[6, 5, 7], &(0..210).map(&make).collect::<Vec<T>>()));
        whole = reversed(&whole, 1);
        let first = host_array(&[4, 3], &[0i32, -1, 6, 3, -7, -8, 7, 100, 2, i32::MIN, i32::MAX, 5]);
        let second = host_array(&[3, 4], &[0i64, 1, -1, i64::MIN, i64::MAX, 4, 5, 1 << 32, -5, -6, -1 << 32, 2]);
        let third = host_array(&[4, 3], &[0u8, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1]);
        for x in [&x, &whole] {
            slices(x, std::slice::from_ref(&first), &[0], &[1, 5, 6]);
            slices(x, std::slice::from_ref(&first), &[0], &[3, 2, 4]);
            slices(x, &[first.clone(), turned(&second)], &[0, 1], &[1, 1, 6]);
            slices(x, &[turned(&second), reversed(&third, 0)], &[1, 2], &[7, 2, 3]);
            slices(x, std::slice::from_ref(&third), &[2], &[7, 5, 1]);
        }
        for axis in 0..3 {
            let mut shape = [7usize, 5, 6];
            shape[axis] = 9;
            let n = shape.iter().product();
            let at = host_array(&shape, &(0..n).map(|i| (i * 37 % 23) as i16 - 11).collect::<Vec<i16>>());
            let out = [Desc::contiguous(&shape, T::DTYPE)];
            for x in [&x, &whole] {
                compare(GatherAxis { axis }, &[x.clone(), at.clone()], &out, 0.0);
                compare(GatherAxis { axis }, &[x.clone(), reversed(&at, 1)], &out, 0.0);
            }
        }
    }

    #[test]
    fn elements_at_indices_of_every_dtype() {
        every(|i| i as u8);
        every(|i| i as i8);
        every(|i| i as u16);
        every(|i| i as i16);
        every(|i| i as u32);
        every(|i| i as i32);
        every(|i| i as u64 * 0x1_0000_0001);
        every(|i| -(i as i64));
        every(|i| f16::from_f32(i as f32));
        every(|i| bf16::from_f32(i as f32));
        every(|i| i as f32);
        every(|i| i as f64);
        every(|i| C64::new(i as f32, -1.0));
        every(|i| i % 3 == 0);
    }

    #[test]
    fn indices_of_every_dtype_and_none() {
        let x = host_array(&[9, 2], &(0..18).map(|i| i as f32).collect::<Vec<f32>>());
        fn by<T: Element>(x: &Operand, all: &[T]) {
            slices(x, &[host_array(&[all.len()], all)], &[0], &[1, 2]);
        }
        by(&x, &[0u8, 8, 9, 255]);
        by(&x, &[0i8, 8, -9, -10, 127, -128]);
        by(&x, &[0u16, 8, 9, 65535]);
        by(&x, &[0i16, 8, -9, -10, 32767, -32768]);
        by(&x, &[0u32, 8, 9, 1 << 31, u32::MAX]);
        by(&x, &[0i32, 8, -9, -10, i32::MAX, i32::MIN]);
        by(&x, &[0u64, 8, 9, 1 << 31, 1 << 32, u64::MAX]);
        by(&x, &[0i64, 8, -9, -10, -1 << 31, (-1 << 31) - 1, 1 << 31, (1 << 32) - 1, -1 << 32, i64::MAX, i64::MIN]);
        by::<i32>(&x, &[]);
        // Bytes that move in words.
        let bytes = host_array(&[5, 8], &(0..40).map(|i| i as u8).collect::<Vec<u8>>());
        slices(&bytes, &[host_array(&[3], &[4i32, -4, 2])], &[0], &[1, 8]);
        slices(&bytes, &[host_array(&[3], &[4i32, -4, 2])], &[0], &[2, 4]);
        let mut one = host_array(&[], &[-3i32]);
        slices(&x, std::slice::from_ref(&one), &[0], &[1, 2]);
        // One index for all places.
        one.desc = Desc { shape: [1000, 2].into_iter().collect(), strides: [0, 0].into_iter().collect(), ..one.desc };
        compare(GatherAxis { axis: 0 }, &[x, one], &[Desc::contiguous(&[1000, 2], DType::F32)], 0.0);
    }
}
