//! Updates at indices, with the results of making them one after another in the order of the indices.

use super::Kernel;
use super::copy::{meets, start_from};
use super::gather::MOST;
use super::lines::Lines;
use super::map::{GROUP, Key, grid, known, mover};
use super::sort::{sortable, sorted};
use crate::Caps;
use crate::emit::{Cells, Updating};
use crate::hal::device::MAX_BINDINGS;
use crate::record::{Bound, Cx, Dispatch, PUSH_WORDS};
use mlx_ir::desc::{collapse, row_major};
use mlx_ir::op::{Contiguous, Scatter, ScatterAxis, UpdateMode};
use mlx_ir::{DType, Desc, Operand, Result};
use smallvec::{SmallVec, smallvec};

type Dims<T> = SmallVec<[T; 6]>;
type Push = SmallVec<[u32; PUSH_WORDS]>;

/// Dimensions with the strides of several operands over them.
struct Walked {
    shape: Dims<usize>,
    strides: SmallVec<[Dims<isize>; 4]>,
}

impl Walked {
    fn new(shape: &[usize], strides: &[&[isize]]) -> Walked {
        let walk = collapse(shape, strides);
        Walked {
            shape: walk.shape.iter().copied().collect(),
            strides: walk.strides.iter().map(|s| s.iter().copied().collect()).collect(),
        }
    }
    fn words(&self) -> usize {
        self.shape.len() - 1 + self.shape.len() * self.strides.len()
    }
    fn push(&self, to: &mut Push) {
        to.extend(self.shape[1..].iter().map(|&s| s as u32));
        to.extend(self.strides.iter().flatten().map(|&s| s as u32));
    }
}

/// What updates go where.
struct Plan {
    /// Updates, elements that each brings, and cells of the result.
    count: usize,
    each: usize,
    cells: usize,
    /// The updates with the strides of the indices, then those of the cells if based.
    indices: Walked,
    based: bool,
    /// For each indexed axis the dimension of the updates that extends along it.
    extents: SmallVec<[Option<usize>; 4]>,
    /// For each indexed axis its size and the cells from one place to the next.
    axes: SmallVec<[(usize, isize); 3]>,
    /// Where the updates lie, what each brings (with the strides of the result too), and where the cells lie.
    lead: Walked,
    part: Walked,
    cell: Walked,
}

fn lists(all: &[Dims<isize>]) -> SmallVec<[&[isize]; 6]> {
    all.iter().map(|s| &s[..]).collect()
}

impl Plan {
    /// Updates of single elements. `based` are the cells' strides over the updates, `steps` those along indexed axes.
    fn elements(
        update: &Desc,
        out: &Desc,
        mut indices: Vec<Dims<isize>>,
        based: Dims<isize>,
        steps: Vec<Dims<isize>>,
        axes: SmallVec<[(usize, isize); 3]>,
    ) -> Plan {
        indices.push(based);
        let without_steps = indices.len();
        let none = (0..axes.len() - steps.len()).map(|_| None);
        // They keep the dimensions of indexed axes apart.
        indices.extend(steps);
        let mut indices = Walked::new(&update.shape, &lists(&indices));
        let dimension = |s: Dims<isize>| s.iter().position(|&s| s != 0);
        let extents = indices.strides.drain(without_steps..).map(dimension).chain(none).collect();
        Plan {
            count: update.size(),
            each: 1,
            cells: out.size(),
            indices,
            based: true,
            extents,
            axes,
            lead: Walked::new(&update.shape, &[&update.strides]),
            part: Walked::new(&[], &[&[], &[]]),
            cell: Walked::new(&[out.size()], &[&[1]]),
        }
    }

    fn slices(op: &Scatter, ins: &[Desc], out: &Desc) -> Plan {
        let update = &ins[ins.len() - 1];
        let indices = &ins[1..ins.len() - 1];
        let lead = update.ndim() - out.ndim();
        let (tuples, sizes) = update.shape.split_at(lead);
        if op.axes.iter().any(|&a| sizes[a] != 1) {
            // Slices may overlap: each element goes its own way.
            let over = |i: &Desc| i.strides.iter().copied().chain(sizes.iter().map(|_| 0)).collect();
            let within = |s: &mut dyn Iterator<Item = isize>| (0..lead).map(|_| 0).chain(s).collect();
            let steps = op.axes.iter().map(|&a| within(&mut (0..out.ndim()).map(|d| isize::from(d == a)))).collect();
            return Plan::elements(
                update,
                out,
                indices.iter().map(over).collect(),
                within(&mut out.strides.iter().copied()),
                steps,
                op.axes.iter().map(|&a| (out.shape[a], out.strides[a])).collect(),
            );
        }
        let own: Vec<Dims<isize>> = indices.iter().map(|i| i.strides.iter().copied().collect()).collect();
        let of_cells: Dims<usize> = op.axes.iter().map(|&a| out.shape[a]).collect();
        let to_cells: Dims<isize> = op.axes.iter().map(|&a| out.strides[a]).collect();
        let (u_lead, u_part) = update.strides.split_at(lead);
        let cells = row_major(&of_cells);
        Plan {
            count: tuples.iter().product(),
            each: sizes.iter().product(),
            cells: of_cells.iter().product(),
            indices: Walked::new(tuples, &lists(&own)),
            based: false,
            extents: indices.iter().map(|_| None).collect(),
            axes: of_cells.iter().copied().zip(cells.iter().copied()).collect(),
            lead: Walked::new(tuples, &[u_lead]),
            part: Walked::new(sizes, &[u_part, &out.strides]),
            cell: Walked::new(&of_cells, &[&to_cells]),
        }
    }

    fn along(axis: usize, ins: &[Desc], out: &Desc) -> Plan {
        let mut based: Dims<isize> = out.strides.iter().copied().collect();
        based[axis] = 0;
        let indices = vec![ins[1].strides.iter().copied().collect()];
        Plan::elements(&ins[2], out, indices, based, Vec::new(), smallvec![(out.shape[axis], out.strides[axis])])
    }

    fn finding(&self, indices: &[Desc], owned: bool) -> Cells {
        Cells {
            indices: indices.iter().map(|i| i.dtype).collect(),
            dims: self.indices.shape.len(),
            based: self.based,
            extents: self.extents.clone(),
            owned,
        }
    }

    fn updating(&self, mode: UpdateMode, dtype: DType) -> Updating {
        let meets = meets(mode);
        let dtype = if meets.is_some() { dtype } else { mover(dtype).1 };
        Updating { dtype, meets, dims: [&self.lead, &self.part, &self.cell].map(|w| w.shape.len()) }
    }

    fn supports(&self, caps: &Caps, mode: UpdateMode, ins: &[Desc], out: &Desc) -> bool {
        let (indices, d) = (&ins[1..ins.len() - 1], out.dtype);
        let owned = mode == UpdateMode::Assign;
        let bindings = caps.storage_buffers.min(MAX_BINDINGS as u32) as usize;
        let room = |elements: usize| elements < (caps.storage_range / 4).min(u64::from(u32::MAX)) as usize - 64;
        indices.len() + 2 <= bindings
            && indices.iter().all(|i| i.dtype.is_integer())
            && ins[0].dtype == d
            && ins[ins.len() - 1].dtype == d
            && out.shape.iter().all(|&n| n <= MOST / 2)
            && room(self.count)
            && self.count.saturating_mul(self.each) < u32::MAX as usize
            && if owned { room(self.cells) } else { sortable(caps, DType::U32, &Lines::rows(1, self.count)) }
            && 2 + indices.len() + self.indices.words() + 2 * self.axes.len() <= PUSH_WORDS
            && 6 + self.lead.words() + self.part.words() + self.cell.words() <= PUSH_WORDS
            && Kernel::supports(&Contiguous {}, caps, &ins[..1], std::slice::from_ref(out))
            && known(Key::Cells(self.finding(indices, owned)), caps)
            && known(Key::Update(self.updating(mode, d)), caps)
    }

    fn record(&self, cx: &mut Cx<'_>, mode: UpdateMode, ins: &[Operand], out: &Operand) -> Result<()> {
        let (updates, indices) = (&ins[ins.len() - 1], &ins[1..ins.len() - 1]);
        let to = cx.output(out)?;
        start_from(cx, &ins[0], out, &to)?;
        if self.count * self.each == 0 {
            return Ok(());
        }
        let mut bound: SmallVec<[Bound; 4]> = SmallVec::new();
        for i in indices {
            bound.push(cx.input(i)?);
        }
        let from = cx.input(updates)?;
        let cells = cx.scratch(self.count * 4)?;
        let owners = if mode == UpdateMode::Assign { Some(cx.scratch(self.cells * 4)?) } else { None };

        let (across, down) = grid(cx.caps, self.count);
        let mut push: Push = smallvec![self.count as u32, across * GROUP];
        push.extend(bound.iter().zip(indices).map(|(b, i)| b.first / i.desc.dtype.size() as u32));
        self.indices.push(&mut push);
        push.extend(self.axes.iter().flat_map(|&(n, stride)| [n as u32, stride as u32]));
        let descs: SmallVec<[Desc; 4]> = indices.iter().map(|i| i.desc.clone()).collect();
        let shader = cx.emitted(Key::Cells(self.finding(&descs, owners.is_some())))?;
        let mut bind: SmallVec<[&Bound; 6]> = bound.iter().collect();
        bind.push(&cells);
        bind.extend(&owners);
        let groups = [across, down, 1];
        cx.dispatch(&Dispatch { shader: &shader, spec: &[GROUP], bind: &bind, push: &push, groups })?;

        let order;
        let mut bind: SmallVec<[&Bound; 4]> = smallvec![&from];
        match &owners {
            Some(owners) => {
                let shader = cx.emitted(Key::Claim)?;
                let push = [self.count as u32, across * GROUP];
                cx.dispatch(&Dispatch {
                    shader: &shader,
                    spec: &[GROUP],
                    bind: &[&cells, owners],
                    push: &push,
                    groups,
                })?;
                bind.extend([&cells, owners]);
            }
            None => {
                order = sorted(cx, &cells, DType::U32, &Lines::rows(1, self.count), true)?;
                bind.push(&order);
            }
        }
        bind.push(&to);
        let n = self.count * self.each;
        let (across, down) = grid(cx.caps, n);
        let size = out.desc.dtype.size() as u32;
        let mut push: Push = smallvec![
            n as u32,
            across * GROUP,
            to.first / size,
            from.first / size,
            self.each as u32,
            self.count as u32
        ];
        for walked in [&self.lead, &self.part, &self.cell] {
            walked.push(&mut push);
        }
        let shader = cx.emitted(Key::Update(self.updating(mode, out.desc.dtype)))?;
        cx.dispatch(&Dispatch { shader: &shader, spec: &[GROUP], bind: &bind, push: &push, groups: [across, down, 1] })
    }
}

fn descs(ins: &[Operand]) -> SmallVec<[Desc; 4]> {
    ins.iter().map(|i| i.desc.clone()).collect()
}

impl Kernel for Scatter {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let update = &ins[ins.len() - 1];
        let lead = update.ndim().wrapping_sub(outs[0].ndim());
        ins.len() == 2 + self.axes.len()
            && lead <= update.ndim()
            && update.shape[lead..].iter().zip(&outs[0].shape).all(|(s, n)| s <= n)
            && Plan::slices(self, ins, &outs[0]).supports(caps, self.mode, ins, &outs[0])
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        Plan::slices(self, &descs(ins), &outs[0].desc).record(cx, self.mode, ins, &outs[0])
    }
}

impl Kernel for ScatterAxis {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        ins.len() == 3 && Plan::along(self.axis, ins, &outs[0]).supports(caps, self.mode, ins, &outs[0])
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        Plan::along(self.axis, &descs(ins), &outs[0].desc).record(cx, self.mode, ins, &outs[0])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{compare, host_array};
    use half::{bf16, f16};
    use mlx_ir::{C64, Element};

    const MODES: [UpdateMode; 5] =
        [UpdateMode::Assign, UpdateMode::Sum, UpdateMode::Prod, UpdateMode::Min, UpdateMode::Max];

    fn turned(o: &Operand) -> Operand {
        let mut t = o.clone();
        t.desc.shape.reverse();
        t.desc.strides.reverse();
        t
    }

    fn every<T: Element>(modes: &[UpdateMode], make: impl Fn(usize) -> T) {
        let of = |shape: &[usize], from: usize| {
            let n: usize = shape.iter().product();
            host_array(shape, &(0..n).map(|i| make((i + from) * 7919 % 101)).collect::<Vec<T>>())
        };
        let x = of(&[7, 5, 6], 0);
        let other = turned(&of(&[6, 5, 7], 3));
        let first = host_array(&[4, 3], &[0i32, -1, 6, 3, -7, -8, 7, 100, 0, i32::MIN, i32::MAX, 0]);
        let second =
            turned(&host_array(&[3, 4], &[0i64, 1, -1, i64::MIN, i64::MAX, 4, 5, 1 << 32, -5, 0, -1 << 32, 2]));
        let mut all = first.clone();
        all.desc.strides = smallvec![0, 0];
        let cases: [(&[&Operand], &[usize], [usize; 3]); 7] = [
            (&[&first], &[0], [1, 5, 6]),
            (&[&first], &[0], [1, 2, 3]),
            // Slices that overlap, some of them in part outside.
            (&[&first], &[0], [3, 5, 2]),
            (&[&first, &second], &[0, 2], [1, 5, 1]),
            (&[&first, &second], &[0, 1], [2, 2, 6]),
            (&[&second, &first, &second], &[2, 0, 1], [1, 1, 1]),
            (&[&all], &[1], [7, 1, 6]),
        ];
        for &mode in modes {
            for x in [&x, &other] {
                for (indices, axes, sizes) in cases {
                    let shape: Vec<usize> = [4, 3].iter().chain(&sizes).copied().collect();
                    let update = of(&shape, 50);
                    let mut ins = vec![x.clone()];
                    ins.extend(indices.iter().map(|&i| i.clone()));
                    ins.push(update);
                    let op = Scatter { axes: axes.iter().copied().collect(), mode };
                    compare(op, &ins, &[Desc::contiguous(&x.desc.shape, T::DTYPE)], 0.0);
                }
                for axis in 0..3 {
                    let mut shape = [7usize, 5, 6];
                    shape[axis] = 9;
                    let n = shape.iter().product();
                    let at = host_array(&shape, &(0..n).map(|i| (i * 37 % 17) as i16 - 9).collect::<Vec<i16>>());
                    let mut update = of(&shape, 70);
                    // The last line along the first axis for all.
                    update.offset += (shape[0] - 1) * shape[1] * shape[2] * T::DTYPE.size();
                    update.desc.strides[0] = 0;
                    let out = [Desc::contiguous(&x.desc.shape, T::DTYPE)];
                    compare(ScatterAxis { axis, mode }, &[x.clone(), at, update], &out, 0.0);
                }
            }
        }
    }

    #[test]
    fn integers_and_truth_in_every_mode() {
        every(&MODES, |i| (i * 5) as u8);
        every(&MODES, |i| i as i8);
        every(&MODES, |i| i as u16 * 601);
        every(&MODES, |i| i as i16 * 31 - 400);
        every(&MODES, |i| i as u32);
        every(&MODES, |i| i as i32 - 50);
        every(&MODES, |i| (i as u64) << 31);
        every(&MODES, |i| (i as i64 - 50) << 31);
        every(&MODES, |i| i % 3 == 0);
    }

    #[test]
    fn floats_have_the_bits_of_updates_in_order() {
        let float = |i: usize| if i == 77 { f32::NAN } else { i as f32 * 0.37 - 18.1 };
        every(&MODES, float);
        every(&MODES, |i| f16::from_f32(float(i)));
        every(&MODES, |i| bf16::from_f32(float(i)));
        every(&[UpdateMode::Assign, UpdateMode::Sum, UpdateMode::Min, UpdateMode::Max], |i| {
            C64::new(float(i), float(i / 3))
        });
        every(&MODES[..1], |i| i as f64);
        // Sums of f64 are left to the processor.
        if let Some(gpu) = crate::testing::backend() {
            let d = Desc::contiguous(&[3, 2], DType::F64);
            let ins = [d.clone(), Desc::contiguous(&[3, 2], DType::I32), d.clone()];
            for mode in MODES {
                let op = ScatterAxis { axis: 0, mode };
                assert_eq!(Kernel::supports(&op, gpu.caps(), &ins, &ins[..1]), mode == UpdateMode::Assign);
            }
        }
    }

    #[test]
    fn many_updates_of_few_elements_and_none() {
        let n = 5000;
        let at = host_array(&[n], &(0..n).map(|i| (i * 7919 % 13) as u32).collect::<Vec<u32>>());
        let update: Vec<f32> = (0..3 * n).map(|i| (i % 101) as f32 * 1e-3).collect();
        let x = host_array(&[10, 3], &[0.5f32; 30]);
        let out = [x.desc.clone()];
        for mode in MODES {
            let op = Scatter { axes: [0].into_iter().collect(), mode };
            compare(op.clone(), &[x.clone(), at.clone(), host_array(&[n, 1, 3], &update)], &out, 0.0);
            let (none, nothing) = (host_array::<i32>(&[0], &[]), host_array::<f32>(&[0, 1, 3], &[]));
            compare(op, &[x.clone(), none, nothing], &out, 0.0);
            let op = Scatter { axes: [].into_iter().collect(), mode };
            compare(op, &[x.clone(), host_array(&[4, 3], &update[..12])], &out, 0.0);
        }
    }
}
