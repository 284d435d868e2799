//! Runs a prepared tape over its operands.

use super::Reg;
use super::chain::{self, Act};
use super::plan::{Place, Plan, TILE};
use crate::backend::Cx;
use crate::kernels::copy::{self, Move};
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
/// Bytes of a transposed input from which on it is turned, a block at a time, and of such a block (no more than what a copy
/// leaves to one thread), whose rows have so many elements.
const TURN: usize = 256 << 10;
const BLOCK: usize = copy::PARALLEL / 4 * 3;
const ACROSS: usize = 512;
/// Elements of a piece where no register bounds it.
const THROUGH: usize = 1 << 14;
/// Registers that fit in the scratch memory on the stack.
const ON_STACK: usize = 8;

/// How an input lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// One element for all.
    Scalar,
    /// One element for all of a row, of rows that are worked on one by one.
    Row,
    /// As the output.
    Flat,
    /// Across its lines: blocks are turned before they are used.
    Turned,
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
    /// All steps are chains, which of an element for all read only the first [`chain::BLOCK`].
    chained: bool,
    /// One chain goes from the inputs to the output and uses no register, so none bounds what is done at a time.
    through: bool,
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
            } else if s.last() == Some(&0) && walk.shape[s.len() - 1] >= LONG_ROW {
                Layout::Row
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
    let chained = matches!(plan.result, Place::Reg(_)) && plan.steps.iter().all(|s| s.chain.is_some());
    let sources_lie = sources.iter().zip(&plan.loads).all(|(s, load)| match s.layout {
        Layout::Flat => load.is_none(),
        Layout::Scalar | Layout::Row => true,
        Layout::Turned | Layout::Strided => false,
    });
    let row = walk.shape.last().map_or(1, |n| n * out_size);
    let by_rows = sources.iter().any(|s| s.layout == Layout::Row);
    let lines =
        (ptr::<u8>(out).get() as usize).is_multiple_of(stream::LINE) && (!by_rows || row.is_multiple_of(stream::LINE));
    let through = chained
        && plan.steps.len() == 1
        && plan.result_of_last_step
        && plan.store.is_none()
        && plan.steps[0].chain.iter().flatten().all(|c| c.0 != Act::Keep)
        && sources_lie
        && !aliased
        && (!stream || lines);
    let mut job = Job { plan, sources, walk: &walk, out: ptr(out), out_size, chained, through, aliased, stream };
    // Reading an input across its lines is slow, so it is turned first.
    let turned = (0..ins.len()).filter(|&k| n * job.sources[k].size >= TURN && along(&walk, k + 1).is_some());
    let turned: SmallVec<[usize; 2]> = turned.collect();
    if let Some(down) = turned.first().and_then(|&k| along(&walk, k + 1)) {
        turned.iter().for_each(|&k| job.sources[k].layout = Layout::Turned);
        let blocks = job.blocks(down);
        cx.pool.run_ranges(blocks.count, 1, &|a, b| job.turned(cx, &blocks, a, b));
    } else if cx.pool.threads() == 1 || n * cost < PARALLEL {
        job.range(0, n);
    } else {
        // Whole tiles, so that ranges start at aligned addresses.
        let grain = (PARALLEL / 2 / cost / tile).max(1);
        cx.pool.run_ranges(n.div_ceil(tile), grain, &|a, b| job.range(a * tile, (b * tile).min(n)));
    }
    Ok(())
}

/// The dimension along which operand `k` goes along its lines, if it steps over them along the last one. Rows of the output
/// are long then, or the dimension is the one before.
fn along(walk: &Collapsed, k: usize) -> Option<usize> {
    let s = &walk.strides[k];
    let last = s.len() - 1;
    let down = (0..last).find(|&d| s[d] == 1 && walk.shape[d] >= 4)?;
    let long = walk.shape[last] >= LONG_ROW || (down + 1 == last && walk.shape[last] >= 16);
    (s[last].unsigned_abs() > 1 && long).then_some(down)
}

#[repr(C, align(64))]
struct Tile(MaybeUninit<[u8; TILE]>);

/// How an output is cut where inputs are turned: blocks of `high` by `wide` elements along `down` and the last dimension.
struct Blocks {
    down: usize,
    high: usize,
    wide: usize,
    /// How many there are, in each of the two, and in all.
    rows: usize,
    columns: usize,
    count: usize,
}

/// Working memory of a task: one register for each input, one for raw elements, then the plan's.
struct Registers {
    memory: *mut u8,
    room: usize,
    inputs: usize,
}

impl Registers {
    fn input(&self, k: usize) -> *mut u8 {
        // SAFETY: there is a register for every input, and for raw elements after them.
        unsafe { self.memory.add(k * self.room) }
    }
    fn raw(&self) -> *mut u8 {
        self.input(self.inputs)
    }
    fn own(&self, r: u8) -> *mut u8 {
        // SAFETY: the plan has so many registers.
        unsafe { self.memory.add((self.inputs + 1 + r as usize) * self.room) }
    }
}

impl Job<'_> {
    /// Computes elements `start..end` of the output.
    fn range(&self, start: usize, end: usize) {
        let strided = self.sources.iter().any(|s| matches!(s.layout, Layout::Strided | Layout::Row));
        let row = *self.walk.shape.last().expect("a walk has a dimension");
        let by_rows = strided && row >= LONG_ROW;
        let tile = self.plan.tile.min(end - start);
        let most = if self.through { THROUGH } else { tile };
        self.with_registers(tile, |regs, at| {
            let mut pos = start;
            while pos < end {
                let mut len = most.min(end - pos);
                if by_rows {
                    len = len.min(row - pos % row);
                }
                self.piece(regs, at, pos, len, by_rows, &[]);
                pos += len;
            }
        });
    }

    /// The blocks of the output along dimension `down`.
    fn blocks(&self, down: usize) -> Blocks {
        let shape = &self.walk.shape;
        let last = shape.len() - 1;
        let size = self.sources.iter().filter(|s| s.layout == Layout::Turned).map(|s| s.size).max().unwrap_or(1);
        let wide = shape[last].min(ACROSS);
        let high = (BLOCK / (wide * size)).clamp(1, shape[down]);
        let (rows, columns) = (shape[down].div_ceil(high), shape[last].div_ceil(wide));
        let others = shape.iter().product::<usize>() / shape[down] / shape[last];
        Blocks { down, high, wide, rows, columns, count: others * rows * columns }
    }

    /// Computes blocks `first..end`.
    fn turned(&self, cx: &Cx<'_>, blocks: &Blocks, first: usize, end: usize) {
        let (shape, last) = (&self.walk.shape, self.walk.shape.len() - 1);
        let Blocks { down, high, wide, .. } = *blocks;
        let to = desc::row_major(shape);
        let is_turned = |s: &Source| s.layout == Layout::Turned;
        let mut scratch: SmallVec<[Option<Scratch<u64>>; 4]> = self
            .sources
            .iter()
            .map(|s| is_turned(s).then(|| Scratch::new((high * wide * s.size).div_ceil(8))))
            .collect();
        let start: SmallVec<[*mut u8; 4]> =
            scratch.iter_mut().map(|s| s.as_mut().map_or(std::ptr::null_mut(), |s| s.ptr().cast())).collect();
        // Whole rows one after another are as one.
        let joined = wide == shape[last] && down + 1 == last;
        let by_rows = !joined || wide >= LONG_ROW;
        let tile = self.plan.tile.min(if by_rows { wide } else { high * wide });
        self.with_registers(tile, |regs, at| {
            for i in first..end {
                // Where the block begins in every dimension.
                let mut at_block: SmallVec<[usize; 6]> = smallvec::smallvec![0; shape.len()];
                at_block[last] = i % blocks.columns * wide;
                at_block[down] = i / blocks.columns % blocks.rows * high;
                let mut rest = i / blocks.columns / blocks.rows;
                for d in (0..last).rev().filter(|&d| d != down) {
                    at_block[d] = rest % shape[d];
                    rest /= shape[d];
                }
                let place = |s: &[isize]| at_block.iter().zip(s).map(|(&i, &s)| i as isize * s).sum::<isize>();
                let (rows, columns) = (high.min(shape[down] - at_block[down]), wide.min(shape[last] - at_block[last]));
                for (k, s) in self.sources.iter().enumerate().filter(|(_, s)| is_turned(s)) {
                    let strides = &self.walk.strides[k + 1];
                    let turn = Move {
                        shape: &[rows, columns],
                        from: Ptr::new(s.base.get().wrapping_offset(place(strides) * s.size as isize)),
                        from_strides: &[strides[down], strides[last]],
                        to: Ptr::new(start[k]),
                        to_strides: &[columns as isize, 1],
                        size: s.size,
                    };
                    // SAFETY: a block of the operand, and scratch with room for it.
                    unsafe { turn.run(cx) };
                }
                let begin = place(&to) as usize;
                let (rows, columns) = if by_rows { (rows, columns) } else { (1, rows * columns) };
                for r in 0..rows {
                    for c in (0..columns).step_by(tile) {
                        let lines: SmallVec<[*const u8; 4]> = (0..self.sources.len())
                            .map(|k| start[k].wrapping_add((r * columns + c) * self.sources[k].size).cast_const())
                            .collect();
                        let pos = begin + r * to[down] as usize + c;
                        self.piece(regs, at, pos, tile.min(columns - c), by_rows, &lines);
                    }
                }
            }
        });
    }

    /// Calls `f` with working memory, and where the inputs lie as far as that is known: constants and single elements are
    /// there `tile` times.
    fn with_registers(&self, tile: usize, f: impl FnOnce(&Registers, &mut [*const u8])) {
        let inputs = self.sources.len();
        let count = inputs + 1 + self.plan.regs;
        let mut stack = [const { Tile(MaybeUninit::uninit()) }; ON_STACK];
        let mut heap: Vec<Tile> = Vec::new();
        let memory = if count <= ON_STACK {
            stack.as_mut_ptr()
        } else {
            heap.reserve_exact(count);
            heap.spare_capacity_mut().as_mut_ptr().cast()
        };
        let regs = Registers { memory: memory.cast(), room: self.plan.room, inputs };
        let mut at: SmallVec<[*const u8; 4]> = smallvec::smallvec![std::ptr::null(); inputs];
        for &(r, bits, size) in &self.plan.consts {
            // SAFETY: a register holds a tile of the widest type.
            unsafe { splat(regs.own(r), bits, size as usize, tile) };
        }
        for (k, s) in self.sources.iter().enumerate().filter(|(_, s)| s.layout == Layout::Scalar) {
            // SAFETY: the element is described; registers hold a tile.
            unsafe { self.fill(&regs, k, s.base.get(), tile) };
            at[k] = regs.input(k);
        }
        f(&regs, &mut at);
        if self.stream {
            stream::fence();
        }
    }

    /// Fills the register of input `k` with `n` times the element at `from`.
    ///
    /// # Safety
    /// The element is described, and `n` at most a tile.
    unsafe fn fill(&self, regs: &Registers, k: usize, from: *const u8, n: usize) {
        let s = &self.sources[k];
        // SAFETY: the caller's promise; registers hold a tile.
        unsafe {
            let mut bits = 0u64;
            std::ptr::copy_nonoverlapping(from, (&raw mut bits).cast(), s.size);
            if let Some(load) = self.plan.loads[k] {
                let mut held = 0u64;
                load([(&raw const bits).cast(), regs.raw(), regs.raw()], (&raw mut held).cast(), 1);
                bits = held;
            }
            splat(regs.input(k), bits, s.reg.size(), n);
        }
    }

    /// Computes `len` elements from `pos` on, at most a tile. `by_rows`: they are in one row. Turned inputs lie at `lines`.
    fn piece(
        &self,
        regs: &Registers,
        at: &mut [*const u8],
        pos: usize,
        len: usize,
        by_rows: bool,
        lines: &[*const u8],
    ) {
        let raw = regs.raw();
        for (k, s) in self.sources.iter().enumerate() {
            // SAFETY: the positions lie in the operand; registers hold a tile and overlap nothing.
            unsafe {
                let (p, lies) = match s.layout {
                    Layout::Scalar => continue,
                    Layout::Row => {
                        let o = offset(&self.walk.shape, &self.walk.strides[k + 1], pos);
                        let n = if self.chained { len.min(chain::BLOCK) } else { len };
                        self.fill(regs, k, s.base.get().offset(o * s.size as isize), n);
                        at[k] = regs.input(k);
                        continue;
                    }
                    Layout::Turned => (lines[k], true),
                    Layout::Flat => {
                        let p = s.base.get().add(pos * s.size).cast_const();
                        // What comes next arrives while this tile is worked on; a chain asks by itself.
                        if self.plan.cost >= SLOW && !self.through {
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
                            let to = if self.plan.loads[k].is_some() { raw } else { regs.input(k) };
                            gather(s, &self.walk.shape, strides, pos, len, to);
                            (to.cast_const(), self.plan.loads[k].is_some())
                        }
                    }
                };
                at[k] = match self.plan.loads[k] {
                    Some(load) if lies => {
                        load([p, p, p], regs.input(k), len);
                        regs.input(k)
                    }
                    _ => p,
                };
            }
        }
        self.tile(pos, len, at, &|r| regs.own(r), raw);
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
        let direct = self.through
            || self.plan.result_of_last_step && self.plan.store.is_none() && !self.aliased && (!self.stream || streams);
        for (k, s) in self.plan.steps.iter().enumerate() {
            let Place::Reg(r) = s.out else { continue };
            let to = if direct && k == last { out } else { own(r) };
            if let Some(chain) = &s.chain {
                let step = |p: Place| match p {
                    Place::Input(i) => {
                        !matches!(self.sources[i as usize].layout, Layout::Scalar | Layout::Row) as usize
                    }
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
