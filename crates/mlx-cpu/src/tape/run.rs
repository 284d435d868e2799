//! Runs a prepared tape over its operands.

use super::Reg;
use super::chain::{self, Act};
use super::plan::{Place, Plan, TILE};
use crate::backend::Cx;
use crate::kernels::copy::Move;
use crate::kernels::scratch::Scratch;
use crate::stream;
use crate::view::{Ptr, ptr};
use mlx_ir::desc::{Collapsed, collapse};
use mlx_ir::tape::Tape;
use mlx_ir::{Operand, Result, desc};
use smallvec::SmallVec;
use std::mem::MaybeUninit;

/// Work (in additions) below which one thread is faster than two.
const PARALLEL: usize = 96 << 10;
/// Work per element from which the processor reads too little ahead by itself.
const SLOW: usize = 4;
/// Rows at least this long are worked on one by one; shorter ones are gathered many to a tile.
const LONG_ROW: usize = 96;
/// Bytes of transposed inputs that are turned at a time.
const TURN: usize = 2 << 20;
/// Registers that fit in the scratch memory on the stack.
const ON_STACK: usize = 8;

/// How an input lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// One element for all.
    Scalar,
    /// As the output.
    Flat,
    Strided,
}

struct Source {
    base: Ptr<u8>,
    /// Size of an element in memory.
    size: usize,
    reg: Reg,
    layout: Layout,
}

struct Job<'a> {
    plan: Plan,
    sources: SmallVec<[Source; 4]>,
    walk: &'a Collapsed,
    out: Ptr<u8>,
    out_size: usize,
    /// The output lies over an input, so a tile is written only when all of it is computed.
    aliased: bool,
    stream: bool,
}

pub(super) fn map(cx: &Cx<'_>, tape: &Tape, ins: &[Operand], out: &Operand) -> Result<()> {
    let n = out.desc.size();
    if n == 0 {
        return Ok(());
    }
    let mut strides: SmallVec<[&[isize]; 8]> = smallvec::smallvec![&out.desc.strides[..]];
    strides.extend(ins.iter().map(|i| &i.desc.strides[..]));
    let walk = collapse(&out.desc.shape, &strides);
    let sources: SmallVec<[Source; 4]> = ins
        .iter()
        .enumerate()
        .map(|(k, i)| {
            let s = &walk.strides[k + 1];
            let layout = if s.iter().all(|&s| s == 0) {
                Layout::Scalar
            } else if *s == walk.strides[0] {
                Layout::Flat
            } else {
                Layout::Strided
            };
            Source { base: ptr::<u8>(i), size: i.desc.dtype.size(), reg: Reg::of(i.desc.dtype), layout }
        })
        .collect();
    let aliased = ins.iter().any(|i| i.buffer.same(&out.buffer));
    let out_size = out.desc.dtype.size();
    let stream = cfg!(target_arch = "x86_64") && !aliased && n * out_size >= stream::LARGE;
    let plan = Plan::new(tape, cx.isa);
    let (tile, cost) = (plan.tile, plan.cost);
    let mut job = Job { plan, sources, walk: &walk, out: ptr(out), out_size, aliased, stream };
    let run = |job: &Job<'_>, start: usize, end: usize| {
        let n = end - start;
        if cx.pool.threads() == 1 || n * cost < PARALLEL {
            return job.range(start, end);
        }
        // Whole tiles, so that ranges start at aligned addresses.
        let tiles = n.div_ceil(tile);
        let grain = (PARALLEL / 2 / cost / tile).max(1);
        cx.pool.run_ranges(tiles, grain, &|a, b| job.range(start + a * tile, (start + b * tile).min(end)));
    };
    let outer = walk.shape[0];
    let inner = n / outer;
    let turned: SmallVec<[usize; 2]> = (0..ins.len()).filter(|&k| is_turned(&walk, k + 1)).collect();
    let bytes: usize = turned.iter().map(|&k| job.sources[k].size).sum();
    if n * bytes < TURN / 8 || inner * bytes > TURN {
        run(&job, 0, n);
        return Ok(());
    }
    // Reading an input across its lines is slow, so some rows at a time are turned first.
    let rows = (TURN / (inner * bytes)).max(1);
    let mut scratch: SmallVec<[Scratch<u64>; 2]> =
        turned.iter().map(|&k| Scratch::new((rows * inner * job.sources[k].size).div_ceil(8))).collect();
    let mut shape = walk.shape.clone();
    let to = desc::row_major(&shape);
    for first in (0..outer).step_by(rows) {
        let count = rows.min(outer - first);
        shape[0] = count;
        for (&k, s) in turned.iter().zip(&mut scratch) {
            let (size, strides) = (job.sources[k].size as isize, &walk.strides[k + 1]);
            let from = ptr::<u8>(&ins[k]).get().wrapping_offset(first as isize * strides[0] * size);
            let turn = Move {
                shape: &shape,
                from: Ptr::new(from),
                from_strides: strides,
                to: Ptr::new(s.ptr().cast()),
                to_strides: &to,
                size: size as usize,
            };
            // SAFETY: rows of the operand, and scratch with room for them.
            unsafe { turn.run(cx) };
            // The rows as a part of an array of the output's layout.
            job.sources[k].base = Ptr::new(s.ptr().cast::<u8>().wrapping_offset(-((first * inner) as isize * size)));
            job.sources[k].layout = Layout::Flat;
        }
        run(&job, first * inner, (first + count) * inner);
    }
    Ok(())
}

/// Whether operand `k` steps over its lines along the last dimension and along them in another.
fn is_turned(walk: &Collapsed, k: usize) -> bool {
    let s = &walk.strides[k];
    let last = s.len() - 1;
    s[last].unsigned_abs() > 1 && walk.shape[last] >= 16 && (0..last).any(|d| s[d] == 1 && walk.shape[d] >= 4)
}

#[repr(C, align(64))]
struct Tile(MaybeUninit<[u8; TILE]>);

impl Job<'_> {
    /// Computes elements `start..end` of the output.
    fn range(&self, start: usize, end: usize) {
        // One register for each input, one for raw elements, then the plan's.
        let regs = self.sources.len() + 1 + self.plan.regs;
        if regs <= ON_STACK {
            let mut stack = [const { Tile(MaybeUninit::uninit()) }; ON_STACK];
            self.tiles(start, end, stack.as_mut_ptr().cast());
        } else {
            let mut heap: Vec<Tile> = Vec::with_capacity(regs);
            self.tiles(start, end, heap.spare_capacity_mut().as_mut_ptr().cast());
        }
    }

    fn tiles(&self, start: usize, end: usize, scratch: *mut u8) {
        let inputs = self.sources.len();
        // SAFETY: `scratch` holds a tile for every register index used below.
        let reg = |r: usize| unsafe { scratch.add(r * self.plan.room) };
        let raw = reg(inputs);
        let own = |r: u8| reg(inputs + 1 + r as usize);
        let tile = self.plan.tile.min(end - start);
        let mut at: SmallVec<[*const u8; 4]> = smallvec::smallvec![std::ptr::null(); inputs];
        for &(r, bits, size) in &self.plan.consts {
            // SAFETY: a register holds a tile of the widest type.
            unsafe { splat(own(r), bits, size as usize, tile) };
        }
        for (k, s) in self.sources.iter().enumerate() {
            if s.layout == Layout::Scalar {
                // SAFETY: the element is described; registers hold a tile.
                unsafe {
                    let mut bits = 0u64;
                    std::ptr::copy_nonoverlapping(s.base.get(), (&raw mut bits).cast(), s.size);
                    if let Some(load) = self.plan.loads[k] {
                        let mut held = 0u64;
                        load([(&raw const bits).cast(), raw, raw], (&raw mut held).cast(), 1);
                        bits = held;
                    }
                    splat(reg(k), bits, s.reg.size(), tile);
                }
                at[k] = reg(k);
            }
        }
        let strided = self.sources.iter().any(|s| s.layout == Layout::Strided);
        let row = *self.walk.shape.last().expect("a walk has a dimension");
        let by_rows = strided && row >= LONG_ROW;
        let mut pos = start;
        while pos < end {
            let mut len = tile.min(end - pos);
            if by_rows {
                len = len.min(row - pos % row);
            }
            for (k, s) in self.sources.iter().enumerate() {
                // SAFETY: the positions lie in the operand; registers hold a tile and overlap nothing.
                unsafe {
                    let (p, lies) = match s.layout {
                        Layout::Scalar => continue,
                        // A turned part begins before its scratch memory, so the sum may wrap.
                        Layout::Flat => {
                            let p = s.base.get().wrapping_add(pos * s.size).cast_const();
                            // What comes next arrives while this tile is worked on.
                            if self.plan.cost >= SLOW {
                                stream::ask(p.wrapping_add(len * s.size), len * s.size);
                            }
                            (p, true)
                        }
                        Layout::Strided => {
                            let strides = &self.walk.strides[k + 1];
                            if by_rows && strides[strides.len() - 1] == 1 {
                                let o = offset(&self.walk.shape, strides, pos);
                                (s.base.get().offset(o * s.size as isize).cast_const(), true)
                            } else {
                                let to = if self.plan.loads[k].is_some() { raw } else { reg(k) };
                                gather(s, &self.walk.shape, strides, pos, len, to);
                                (to.cast_const(), self.plan.loads[k].is_some())
                            }
                        }
                    };
                    at[k] = match self.plan.loads[k] {
                        Some(load) if lies => {
                            load([p, p, p], reg(k), len);
                            reg(k)
                        }
                        _ => p,
                    };
                }
            }
            self.tile(pos, len, &at, &own, raw);
            pos += len;
        }
        if self.stream {
            stream::fence();
        }
    }

    /// Runs the steps on one tile whose inputs are at `at` and stores the result.
    fn tile(&self, pos: usize, len: usize, at: &[*const u8], own: &dyn Fn(u8) -> *mut u8, raw: *mut u8) {
        let find = |p: Place| match p {
            Place::Input(i) => at[i as usize],
            Place::Reg(r) => own(r).cast_const(),
        };
        // SAFETY: the output's elements from `pos` on belong to this task.
        let out = unsafe { self.out.get().add(pos * self.out_size) };
        let last = self.plan.steps.len().wrapping_sub(1);
        // A chain streams what it holds, where the address allows.
        let streams = self.stream
            && (out as usize).is_multiple_of(stream::LINE)
            && self.plan.steps.last().is_some_and(|s| s.chain.is_some());
        let direct =
            self.plan.result_of_last_step && self.plan.store.is_none() && !self.aliased && (!self.stream || streams);
        for (k, s) in self.plan.steps.iter().enumerate() {
            let Place::Reg(r) = s.out else { continue };
            let to = if direct && k == last { out } else { own(r) };
            if let Some(chain) = &s.chain {
                let step = |p: Place| match p {
                    Place::Input(i) => (self.sources[i as usize].layout != Layout::Scalar) as usize,
                    Place::Reg(r) => self.plan.consts.iter().all(|c| c.0 != r) as usize,
                };
                let source = |p: Place| chain::Source { first: find(p).cast::<f32>().cast_mut(), step: step(p) };
                let acts: SmallVec<[(Act, chain::Source); 16]> =
                    chain.iter().map(|&(act, p)| (act, source(p))).collect();
                // SAFETY: as below; a chain reads and writes element by element, and writes registers of its own only.
                unsafe { chain::run(self.plan.isa, &acts, to.cast(), len, direct && k == last && streams) };
                continue;
            }
            // SAFETY: inputs and registers hold `len` elements of the loop's types; a step's register is none of its
            // arguments' (they are freed after it), and the output is written directly only if it overlaps no input.
            unsafe {
                (s.run)([find(s.args[0]), find(s.args[1]), find(s.args[2])], to, len);
                if let Some(round) = s.round {
                    // Rounding goes through a small buffer of its own or element by element, so it may be in place.
                    round([to, to, to], to, len);
                }
            }
        }
        if direct {
            return;
        }
        let from = find(self.plan.result);
        let bytes = len * self.out_size;
        // SAFETY: as above. `raw` is free now. An aliased tile is exactly the one just read, so a copy onto itself is
        // possible and `copy` allows it.
        unsafe {
            match self.plan.store {
                Some(store) if self.stream || self.aliased => {
                    store([from, from, from], raw, len);
                    stream::copy(raw, out, bytes, self.stream);
                }
                Some(store) => store([from, from, from], out, len),
                None => stream::copy(from, out, bytes, self.stream),
            }
        }
    }
}

/// Fills `n` elements with the low bytes of `bits`.
///
/// # Safety
/// Room for `n` elements of `size` bytes, aligned.
unsafe fn splat(to: *mut u8, bits: u64, size: usize, n: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        match size {
            1 => to.write_bytes(bits as u8, n),
            2 => std::slice::from_raw_parts_mut(to.cast::<MaybeUninit<u16>>(), n).fill(MaybeUninit::new(bits as u16)),
            4 => std::slice::from_raw_parts_mut(to.cast::<MaybeUninit<u32>>(), n).fill(MaybeUninit::new(bits as u32)),
            _ => std::slice::from_raw_parts_mut(to.cast::<MaybeUninit<u64>>(), n).fill(MaybeUninit::new(bits)),
        }
    }
}

/// Offset in elements of the `pos`-th position.
fn offset(shape: &[usize], strides: &[isize], mut pos: usize) -> isize {
    let mut o = 0;
    for d in (0..shape.len()).rev() {
        o += (pos % shape[d]) as isize * strides[d];
        pos /= shape[d];
    }
    o
}

/// Copies the elements at positions `pos..pos + len` one after another.
///
/// # Safety
/// The positions lie in the operand, `to` has room.
unsafe fn gather(s: &Source, shape: &[usize], strides: &[isize], pos: usize, len: usize, to: *mut u8) {
    let last = shape.len() - 1;
    let (row, step) = (shape[last], strides[last]);
    let mut at: SmallVec<[usize; 6]> = smallvec::smallvec![0; shape.len()];
    let mut rest = pos;
    for d in (0..shape.len()).rev() {
        at[d] = rest % shape[d];
        rest /= shape[d];
    }
    let mut from = offset(shape, strides, pos);
    let mut done = 0;
    while done < len {
        let run = (row - at[last]).min(len - done);
        // SAFETY: the caller's promise.
        unsafe {
            let (p, t) = (s.base.get().offset(from * s.size as isize), to.add(done * s.size));
            match s.size {
                1 => copy_run::<u8>(p, step, t, run),
                2 => copy_run::<u16>(p, step, t, run),
                4 => copy_run::<u32>(p, step, t, run),
                _ => copy_run::<u64>(p, step, t, run),
            }
        }
        done += run;
        from += (run as isize) * step;
        at[last] += run;
        for d in (1..=last).rev() {
            if at[d] < shape[d] {
                break;
            }
            at[d] = 0;
            at[d - 1] += 1;
            from += strides[d - 1] - strides[d] * shape[d] as isize;
        }
    }
}

/// # Safety
/// `n` elements from `from` with the step, room for them at `to`.
#[inline(always)]
unsafe fn copy_run<T: Copy>(from: *const u8, step: isize, to: *mut u8, n: usize) {
    let (from, to) = (from.cast::<T>(), to.cast::<T>());
    // SAFETY: the caller's promise.
    unsafe {
        match step {
            1 => std::ptr::copy_nonoverlapping(from, to, n),
            0 => std::slice::from_raw_parts_mut(to.cast::<MaybeUninit<T>>(), n).fill(MaybeUninit::new(*from)),
            _ => {
                for i in 0..n {
                    *to.add(i) = *from.offset(i as isize * step);
                }
            }
        }
    }
}
