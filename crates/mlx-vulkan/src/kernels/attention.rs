//! Attention: few queries over keys split among workgroups, many queries with a running softmax.

use super::rows::{by_dtype, element, per_word};
use super::wide::Wide;
use super::{Kernel, copy, rope};
use crate::record::{Bound, Cx, Dispatch, Shader};
use crate::{Caps, Number, shaders};
use mlx_ir::desc::row_major;
use mlx_ir::op::Sdpa;
use mlx_ir::{DType, Desc, Operand, Result, packed};
use smallvec::SmallVec;

/// Invocations of a workgroup.
const GROUP: usize = 128;
/// Most queries of a workgroup, and bytes of shared memory that they may take with what is known about them.
const ROWS: usize = 8;
const SHARED: usize = 16 << 10;
/// Storage buffers that the shader binds.
const BUFFERS: u32 = 7;
/// Workgroups that keep a device busy.
const BUSY: usize = 256;
/// Workgroups of queries alone from which keys are scored by one invocation each.
const MANY: usize = 64;
/// Flags of the shader.
const CAUSAL: u32 = 1;
const MASK_BOOL: u32 = 2;
const MASK_ADDED: u32 = 4;
const SINKS: u32 = 8;
const PARTS: u32 = 16;
const HELD: u32 = 32;
const WINDOW: u32 = 64;

fn shader(q: DType, k: DType) -> Option<&'static Shader> {
    match (q, k) {
        (_, DType::U32) => by_dtype(q, [&shaders::ATTEND_F32_Q8, &shaders::ATTEND_F16_Q8, &shaders::ATTEND_BF16_Q8]),
        (DType::F32, DType::F16) => Some(&shaders::ATTEND_F32_F16),
        (DType::F32, DType::BF16) => Some(&shaders::ATTEND_F32_BF16),
        _ if q == k => by_dtype(q, [&shaders::ATTEND_F32, &shaders::ATTEND_F16, &shaders::ATTEND_BF16]),
        _ => None,
    }
}

/// As [`shader`] for few queries.
fn few_shader(q: DType, k: DType) -> Option<&'static Shader> {
    match (q, k) {
        (_, DType::U32) => {
            by_dtype(q, [&shaders::ATTEND_FEW_F32_Q8, &shaders::ATTEND_FEW_F16_Q8, &shaders::ATTEND_FEW_BF16_Q8])
        }
        (DType::F32, DType::F16) => Some(&shaders::ATTEND_FEW_F32_F16),
        (DType::F32, DType::BF16) => Some(&shaders::ATTEND_FEW_F32_BF16),
        _ if q == k => by_dtype(q, [&shaders::ATTEND_FEW_F32, &shaders::ATTEND_FEW_F16, &shaders::ATTEND_FEW_BF16]),
        _ => None,
    }
}

fn join(d: DType) -> Option<&'static Shader> {
    by_dtype(d, [&shaders::ATTEND_JOIN_F32, &shaders::ATTEND_JOIN_F16, &shaders::ATTEND_JOIN_BF16])
}

/// How the work is cut. By the shapes alone, so that sums are made in the same order on every device.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cut {
    /// Queries of a workgroup.
    rows: usize,
    /// Keys at a time.
    chunk: usize,
    /// Invocations that share a key.
    lanes: usize,
    /// Workgroups of queries: along the queries of a key head, key heads.
    blocks: usize,
    groups: usize,
    /// Workgroups that share the keys.
    splits: usize,
}

impl Cut {
    fn new(q: &Desc, k: &Desc) -> Cut {
        let (features, keys) = (q.shape[3], k.shape[2]);
        let queries = q.shape[1] / k.shape[1] * q.shape[2];
        let groups = q.shape[0] * k.shape[1];
        let most = |lanes: usize| if lanes == 1 { GROUP } else { 2 * GROUP / lanes };
        let bytes = |rows: usize, lanes: usize| rows * (features + most(lanes) + 3) * 4 + GROUP * rows.max(4) * 4;
        let lanes = if queries.div_ceil(ROWS) * groups >= MANY { 1 } else { 4 };
        let mut rows = ROWS.min(queries.next_power_of_two());
        while rows > 1 && bytes(rows, lanes) > SHARED {
            rows /= 2;
        }
        let blocks = queries.div_ceil(rows);
        let chunk = most(lanes);
        let splits = (BUSY / (blocks * groups).max(1)).clamp(1, keys.div_ceil(chunk).max(1));
        Cut { rows, chunk, lanes, blocks, groups, splits }
    }
}

/// Of the kernel for few queries: lanes that score a key together, keys of a step, and those that a subgroup takes at
/// least if the keys are split.
const TOGETHER: usize = 8;
const STEP: usize = 8;
const KEYS: usize = 32;

/// How the work of few queries is cut: all queries of a key head in a workgroup.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Few {
    /// Queries of a key head.
    rows: usize,
    /// Subgroups of a workgroup and their lanes.
    teams: usize,
    lanes: usize,
    /// Keys of a step of a subgroup in so many passes.
    passes: usize,
    /// Key heads, and workgroups that share the keys of one.
    groups: usize,
    splits: usize,
}

impl Few {
    /// None for more than a few queries, and where subgroups cannot what they must.
    fn new(caps: &Caps, q: &Desc, k: &Desc, out: &Desc) -> Option<Few> {
        let rows = q.shape[1] / k.shape[1] * q.shape[2];
        let s = caps.subgroups;
        let lanes = if s.size_control { 32.clamp(s.range.0, s.range.1) } else { s.size } as usize;
        let known =
            s.arithmetic && s.shuffle && (s.size_control || s.range.0 == s.range.1) && lanes.is_multiple_of(TOGETHER);
        if !known || rows > ROWS || rows == 0 {
            return None;
        }
        let room = (caps.shared_memory as usize).min(2 * SHARED);
        let most = caps.workgroup_of(lanes as u32) as usize;
        let fits = |teams: usize| {
            teams * lanes <= most && rows * q.shape[3] * 4 + teams * rows * (out.shape[3] * 4 + 8) <= room
        };
        let teams = [8, 4, 2, 1].into_iter().find(|&t| fits(t))?;
        let groups = q.shape[0] * k.shape[1];
        let passes = (STEP / (lanes / TOGETHER)).clamp(1, TOGETHER);
        // Another dispatch to add up the shares takes as long as a few steps.
        let share = KEYS * teams;
        let shares = if k.shape[2] <= 2 * share { 1 } else { k.shape[2].div_ceil(share) };
        let splits = (BUSY / groups.max(1)).clamp(1, shares);
        Some(Few { rows, teams, lanes, passes, groups, splits })
    }
}

/// As [`shader`] by cooperative matrices.
fn many_shader(q: DType, k: DType) -> Option<&'static Shader> {
    match (q, k) {
        (DType::F32, DType::F16) => Some(&shaders::ATTEND_COOP_F32_F16),
        (DType::F16, DType::F16) => Some(&shaders::ATTEND_COOP_F16_F16),
        (DType::F32, DType::BF16) => Some(&shaders::ATTEND_COOP_F32_BF16),
        (DType::BF16, DType::BF16) => Some(&shaders::ATTEND_COOP_BF16_BF16),
        _ => None,
    }
}

/// How the work of many queries is cut for cooperative matrices.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Many {
    /// Subgroups of a workgroup and their lanes.
    teams: usize,
    lanes: usize,
    /// Rows, columns and terms of the matrices; a subgroup takes as many queries as rows.
    sides: [usize; 3],
    /// Workgroups of queries, key heads.
    blocks: usize,
    groups: usize,
}

/// Keys that the kernel reads at a time: there must be as many.
const CHUNK: usize = 64;
/// Queries of a key head from which on matrices pay.
const MATRIX_QUERIES: usize = 32;

impl Many {
    /// None for few queries, and where the device or the layout cannot.
    fn new(caps: &Caps, q: &Desc, k: &Desc, v: &Desc, held: bool) -> Option<Many> {
        let (d, e) = (k.shape[3], v.shape[3]);
        let queries = q.shape[1] / k.shape[1] * q.shape[2];
        let factor = if k.dtype == DType::BF16 { Number::Bf16 } else { Number::F16 };
        let able = if k.dtype == DType::BF16 { caps.bf16 } else { caps.fp16 };
        let s = caps.subgroups;
        let lanes = if s.size_control { 32.clamp(s.range.0, s.range.1) } else { s.size } as usize;
        let known = able && s.vote && s.shuffle && (s.size_control || s.range.0 == s.range.1);
        if !known
            || held
            || many_shader(q.dtype, k.dtype).is_none()
            || queries < MATRIX_QUERIES
            || k.shape[2] < CHUNK
            || !eights(k)
            || !eights(v)
            || d > 256
            || e > 256
        {
            return None;
        }
        let divides = |of: usize, side: usize| side > 0 && of.is_multiple_of(side);
        let sides = caps
            .matrices
            .iter()
            .filter(|x| x.factor == factor && x.sum == Number::F32)
            .map(|x| [x.m as usize, x.n as usize, x.k as usize])
            .filter(|&[m, n, t]| {
                let share = lanes / m.max(1);
                divides(lanes, m)
                    && divides(CHUNK, n)
                    && divides(CHUNK, t)
                    && t.is_multiple_of(8)
                    && divides(d, t)
                    && d.is_multiple_of(8)
                    && divides(e, n)
                    && n.is_multiple_of(4)
                    && divides(CHUNK / 8, share)
            })
            .max_by_key(|&[m, n, t]| (m * n * t, m))?;
        let m = sides[0];
        // Queries, and an area of scores for each subgroup.
        let bytes = |teams: usize| teams * m * (d / 8 + 1) * 16 + teams * m * (CHUNK / 4 + 1) * 16;
        let most = caps.workgroup_of(lanes as u32) as usize;
        let teams = [4, 2, 1].into_iter().find(|&t| t * lanes <= most && bytes(t) <= caps.shared_memory as usize)?;
        Some(Many { teams, lanes, sides, blocks: queries.div_ceil(teams * m), groups: q.shape[0] * k.shape[1] })
    }
}

/// As [`shader`] by cooperative matrices of a workgroup.
fn wide_shader(q: DType, k: DType) -> Option<&'static Shader> {
    match (q, k) {
        (DType::F32, DType::F16) => Some(&shaders::ATTEND_COOP2_F32_F16),
        (DType::F16, DType::F16) => Some(&shaders::ATTEND_COOP2_F16_F16),
        (DType::F32, DType::BF16) => Some(&shaders::ATTEND_COOP2_F32_BF16),
        (DType::BF16, DType::BF16) => Some(&shaders::ATTEND_COOP2_BF16_BF16),
        _ => None,
    }
}

/// Invocations of a workgroup for matrices of a workgroup, and its queries: of 32, 64 and 128 these were the fastest, with
/// [`CHUNK`] keys at a time, and are multiples of what drivers with the extension compute by.
const WHOLE_GROUP: usize = 128;
const WHOLE_ROWS: usize = 32;

/// How the work of many queries is cut for cooperative matrices of a workgroup, which takes queries of one head.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Whole {
    /// Workgroups: query heads, blocks of queries.
    heads: usize,
    blocks: usize,
}

impl Whole {
    /// None for few queries, and where the device or the layout cannot.
    fn new(caps: &Caps, q: &Desc, k: &Desc, v: &Desc, held: bool) -> Option<Whole> {
        let (l, d, e) = (q.shape[2], k.shape[3], v.shape[3]);
        let known = wide_shader(q.dtype, k.dtype).is_some() && Wide::able(caps, k.dtype);
        let sides = |n: usize| n.is_multiple_of(16) && n <= 256;
        let (heads, blocks) = (q.shape[0] * q.shape[1], l.div_ceil(WHOLE_ROWS));
        let [across, down, _] = caps.workgroup_count.map(|n| n as usize);
        let able = known
            && !held
            && l >= MATRIX_QUERIES
            && [q, k, v].iter().all(|x| eights(x))
            && sides(d)
            && sides(e)
            && heads <= across
            && blocks <= down;
        able.then_some(Whole { heads, blocks })
    }
}

/// Whether rows lie one after another, each beginning at a multiple of eight elements.
fn eights(x: &Desc) -> bool {
    x.strides[2] > 0 && x.strides[2] % 8 == 0 && (0..2).all(|i| x.shape[i] <= 1 || x.strides[i] % 8 == 0)
}

/// The kernel that an attention is computed by.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Whole(Whole),
    Many(Many),
    Few(Few),
    Any(Cut),
}

impl Way {
    /// For queries, keys and values whose first elements are multiples of eight, or not.
    fn new(caps: &Caps, [q, k, v]: [&Desc; 3], out: &Desc, held: bool, eighths: [bool; 3]) -> Way {
        if let Some(few) = Few::new(caps, q, k, out) {
            return Way::Few(few);
        }
        let [queries, keys, values] = eighths;
        let whole = || Whole::new(caps, q, k, v, held).filter(|_| queries && keys && values);
        let many = || Many::new(caps, q, k, v, held).filter(|_| keys && values);
        match whole() {
            Some(w) => Way::Whole(w),
            None => many().map_or_else(|| Way::Any(Cut::new(q, k)), Way::Many),
        }
    }
    /// Whether keys and values are factors of cooperative matrices.
    fn by_matrices(&self) -> bool {
        matches!(self, Way::Whole(_) | Way::Many(_))
    }
    fn shader(&self, q: DType, k: DType) -> Option<&'static Shader> {
        match self {
            Way::Whole(_) => wide_shader(q, k),
            Way::Many(_) => many_shader(q, k),
            Way::Few(_) => few_shader(q, k),
            Way::Any(_) => shader(q, k),
        }
    }
    /// Workgroups in each direction; the last share the keys.
    fn workgroups(&self) -> [usize; 3] {
        match self {
            Way::Whole(w) => [w.heads, w.blocks, 1],
            Way::Many(m) => [m.blocks, m.groups, 1],
            Way::Few(f) => [1, f.groups, f.splits],
            Way::Any(c) => [c.blocks, c.groups, c.splits],
        }
    }
    /// Lanes that subgroups must have; 0 for any number.
    fn lanes(&self) -> usize {
        match self {
            Way::Many(m) => m.lanes,
            Way::Few(f) => f.lanes,
            Way::Whole(_) | Way::Any(_) => 0,
        }
    }
    /// Elements of keys and values that the shader counts by.
    fn unit(&self, k: DType) -> usize {
        if matches!(self, Way::Whole(_)) || k == DType::U32 { 1 } else { 4 }
    }
    /// Specialization constants, of features of keys and values in fours, flags, and whether there is one query a head.
    fn spec(&self, [d4, e4]: [usize; 2], flags: u32, one: bool) -> SmallVec<[u32; 10]> {
        let (first, more) = match self {
            Way::Whole(_) => ([WHOLE_GROUP, WHOLE_ROWS, d4, e4, CHUNK, 0], None),
            Way::Many(m) => ([m.teams * m.lanes, m.teams, d4, e4, m.lanes, m.sides[0]], Some([m.sides[1], m.sides[2]])),
            Way::Few(f) => ([f.teams * f.lanes, f.rows, d4, e4, f.lanes, f.passes], None),
            Way::Any(c) => ([GROUP, c.rows, d4, e4, c.chunk, c.lanes], None),
        };
        let mut spec: SmallVec<[u32; 10]> = first.iter().map(|&x| x as u32).collect();
        spec.extend([flags, one.into()]);
        spec.extend(more.into_iter().flatten().map(|x| x as u32));
        spec
    }
}

/// Whether rows can be read in fours, of `n` numbers each; rows in 8 bits have a word for four.
fn fours(x: &Desc, n: usize) -> bool {
    let words = x.dtype == DType::U32;
    n.is_multiple_of(4)
        && (x.shape[3] == 0 || x.strides[3] == 1)
        && (words || (0..3).all(|i| x.shape[i] <= 1 || x.strides[i] % 4 == 0))
        && n <= 4 * GROUP
}

/// What is known of rows in 8 bits as f16, as which they are unpacked for matrices.
fn as_halves(x: &Desc) -> Option<Desc> {
    let mut shape = x.shape.clone();
    shape[3] = packed::numbers(shape[3])?;
    Some(Desc::contiguous(&shape, DType::F16))
}

/// Keys or values by which a kernel reads them: as halves if there is such a description, else where they lie.
fn resident(cx: &mut Cx<'_>, x: &Operand, halves: Option<Desc>) -> Result<(Bound, Desc)> {
    let Some(halves) = halves else { return aligned(cx, x) };
    let from = cx.input(x)?;
    let to = cx.scratch(halves.size() * halves.dtype.size())?;
    rope::unpack(cx, (&x.desc, &from), (halves.dtype, &to))?;
    Ok((to, halves))
}

/// The operand with its first element at a multiple of four, copied if need be, and its strides.
fn aligned(cx: &mut Cx<'_>, x: &Operand) -> Result<(Bound, Desc)> {
    let b = cx.input(x)?;
    if x.desc.dtype == DType::U32 || element(&b, x.desc.dtype).is_multiple_of(4) {
        return Ok((b, x.desc.clone()));
    }
    let packed = Desc { strides: row_major(&x.desc.shape), ..x.desc.clone() };
    let to = cx.scratch(packed.size() * packed.dtype.size())?;
    copy::copy(cx, (&x.desc, b), (&packed, &to), 0, false)?;
    Ok((to, packed))
}

impl Kernel for Sdpa {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let (q, k, v) = (&ins[0], &ins[1], &ins[2]);
        let q_words = q.shape[3] == 0 || q.strides[3] == 1;
        let few = |n: usize| n < (i32::MAX / 2) as usize;
        let fits = shader(q.dtype, k.dtype).is_some()
            && k.dtype == v.dtype
            && (k.dtype == DType::U32) == self.packed
            && q_words
            && fours(k, q.shape[3])
            && fours(v, outs[0].shape[3])
            && k.shape[2] > 0
            && v.shape[3] > 0
            && caps.storage_buffers >= BUFFERS
            && few(outs[0].size())
            && few(k.shape[2] + q.shape[2])
            && few(self.window.unwrap_or(0));
        let mask =
            !self.mask || (ins[3].ndim() == 4 && matches!(ins[3].dtype, DType::Bool) | (ins[3].dtype == q.dtype));
        let sinks = !self.sinks
            || ins
                .get(3 + usize::from(self.mask))
                .is_some_and(|s| s.dtype == q.dtype && s.ndim() == 1 && s.is_contiguous());
        let held = !self.held || ins.last().is_some_and(|n| n.dtype == DType::I32 && n.size() == 1);
        if !(fits && mask && sinks && held) {
            return false;
        }
        let cut = Cut::new(q, k);
        let count = caps.workgroup_count;
        cut.blocks <= count[0] as usize
            && cut.groups <= count[1] as usize
            && cut.splits <= count[2] as usize
            && (q.size() / q.shape[3].max(1)) as u64 <= u64::from(count[0]) * u64::from(count[1])
            // Features are read by copies too.
            && copy::can(caps, k, &Desc::contiguous(&k.shape, k.dtype), false)
            && copy::can(caps, v, &Desc::contiguous(&v.shape, v.dtype), false)
    }

    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let (q, k) = (&ins[0].desc, &ins[1].desc);
        let (queries, out) = (cx.input(&ins[0])?, cx.output(&outs[0])?);
        let way =
            |k: &Desc, v: &Desc, eighths: [bool; 3]| Way::new(cx.caps, [q, k, v], &outs[0].desc, self.held, eighths);
        let at_eight = |b: &Bound, d: DType| element(b, d).is_multiple_of(8);
        let q_at_eight = at_eight(&queries, q.dtype);
        // Many queries by matrices pay for unpacking rows in 8 bits.
        let halves = match [k, &ins[2].desc].map(|x| if self.packed { as_halves(x) } else { None }) {
            [Some(k), Some(v)] if way(&k, &v, [q_at_eight, true, true]).by_matrices() => [Some(k), Some(v)],
            _ => [None, None],
        };
        let [half_keys, half_values] = halves;
        let (keys, k) = resident(cx, &ins[1], half_keys)?;
        let (values, v) = resident(cx, &ins[2], half_values)?;
        let way = way(&k, &v, [q_at_eight, at_eight(&keys, k.dtype), at_eight(&values, v.dtype)]);
        let (Some(shader), Some(join)) = (way.shader(q.dtype, k.dtype), join(q.dtype)) else { return Ok(()) };
        let workgroups = way.workgroups();
        let splits = workgroups[2];
        let groups = q.shape[0] * k.shape[1];
        let mask = if self.mask { Some((cx.input(&ins[3])?, &ins[3].desc)) } else { None };
        let sinks = if self.sinks { Some(cx.input(&ins[3 + usize::from(self.mask)])?) } else { None };
        let held = if self.held { Some(cx.input(&ins[ins.len() - 1])?) } else { None };
        let (rep, l, s, e) = (q.shape[1] / k.shape[1], q.shape[2], k.shape[2], outs[0].desc.shape[3]);
        let rows = rep * l;
        let parted = splits > 1;
        let to = if parted { cx.scratch(groups * rows * splits * (e + 2) * 4)? } else { out.clone() };
        let mask_flag = match &mask {
            None => 0,
            Some((_, d)) if d.dtype == DType::Bool => MASK_BOOL,
            Some(_) => MASK_ADDED,
        };
        let on = |yes: bool, flag: u32| if yes { flag } else { 0 };
        let flags = on(self.causal, CAUSAL)
            | mask_flag
            | on(self.sinks, SINKS)
            | on(parted, PARTS)
            | on(self.held, HELD)
            | on(self.window.is_some_and(|w| w > 0), WINDOW);
        let mut push = [0u32; 28];
        push[..8].copy_from_slice(&[
            rows as u32,
            l as u32,
            s as u32,
            rep as u32,
            k.shape[1] as u32,
            self.scale.f32().to_bits(),
            self.window.unwrap_or(0) as u32,
            splits as u32,
        ]);
        let strides = |x: &Desc, by: usize| [0, 1, 2].map(|i| (x.strides[i] / by as isize) as u32);
        let by = way.unit(k.dtype);
        push[8] = element(&queries, q.dtype);
        push[9..12].copy_from_slice(&strides(q, 1));
        push[12] = element(&keys, k.dtype) / by as u32;
        push[13..16].copy_from_slice(&strides(&k, by));
        push[16] = element(&values, v.dtype) / by as u32;
        push[17..20].copy_from_slice(&strides(&v, by));
        if let Some((b, d)) = &mask {
            push[20] = element(b, d.dtype);
            push[21..24].copy_from_slice(&strides(d, 1));
            push[24] = d.strides[3] as u32;
        }
        push[25] = sinks.as_ref().map_or(0, |b| element(b, q.dtype));
        push[26] = to.first / 4;
        push[27] = held.as_ref().map_or(0, |b| b.first / 4);
        let spec = way.spec([q.shape[3] / 4, e / 4], flags, l == 1);
        let none = &queries;
        let (mask, sinks, held) = (mask.as_ref().map(|m| &m.0), sinks.as_ref(), held.as_ref());
        let bind = [&queries, &keys, &values, mask.unwrap_or(none), sinks.unwrap_or(none), &to, held.unwrap_or(none)];
        let workgroups = workgroups.map(|n| n as u32);
        let d = Dispatch { shader, spec: &spec, bind: &bind, push: &push, groups: workgroups };
        cx.dispatch_by(&d, way.lanes() as u32)?;
        if !parted {
            return Ok(());
        }
        let all = groups * rows;
        let across = all.min(cx.caps.workgroup_count[0] as usize);
        let push = [all as u32, splits as u32, e as u32, to.first / 4, out.first / 4];
        let size = (e / per_word(q.dtype)).next_power_of_two().clamp(32, GROUP) as u32;
        let groups = [across as u32, all.div_ceil(across) as u32, 1];
        cx.dispatch(&Dispatch { shader: join, spec: &[size], bind: &[&to, &out], push: &push, groups })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;
    use crate::testing::{backend, compare, host_array, on_processor};
    use half::{bf16, f16};
    use mlx_ir::op::{PackRows, Real};

    fn values(n: usize, seed: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919 + seed * 613) % 2003) as f32 / 1001.5 - 1.0).collect()
    }

    fn of(d: DType, shape: &[usize], x: &[f32]) -> Operand {
        match d {
            DType::F16 => host_array(shape, &x.iter().map(|&v| f16::from_f32(v)).collect::<Vec<_>>()),
            DType::BF16 => host_array(shape, &x.iter().map(|&v| bf16::from_f32(v)).collect::<Vec<_>>()),
            _ => host_array(shape, x),
        }
    }

    /// Positions `skip` to the end along axis 2, as a cache's keys are seen.
    fn from_position(mut o: Operand, skip: usize) -> Operand {
        o.offset += skip * o.desc.strides[2] as usize * o.desc.dtype.size();
        o.desc.shape[2] -= skip;
        o
    }

    /// Drivers that compute on the processor take minutes to compile a kernel for every flag of every shape: there some
    /// have them all, and all have some.
    fn is_slow() -> bool {
        backend().is_some_and(|gpu| gpu.adapter().kind == Kind::Cpu)
    }

    #[test]
    fn masks_shapes_and_types() {
        // (B, H, G, L, S, D, E)
        let shapes = [
            (1, 4, 2, 1, 1, 16, 16),
            (2, 6, 2, 1, 300, 24, 20),
            (1, 4, 1, 3, 215, 64, 64),
            (2, 4, 2, 35, 50, 40, 24),
            (1, 2, 2, 140, 260, 16, 16),
            (1, 3, 1, 30, 10, 32, 4),
            (1, 2, 1, 5, 40, 256, 256),
            (2, 4, 2, 40, 130, 64, 64),
            (1, 2, 1, 70, 70, 128, 128),
            (1, 8, 2, 33, 97, 32, 48),
            (1, 2, 1, 40, 100, 256, 256),
        ];
        let types = [
            (DType::F32, DType::F32),
            (DType::F32, DType::F16),
            (DType::F16, DType::F16),
            (DType::BF16, DType::BF16),
            (DType::F32, DType::BF16),
        ];
        let slow = is_slow();
        for (n, &(b, h, g, l, s, d, e)) in shapes.iter().enumerate() {
            let count = match n {
                0..7 => 1,
                _ if slow => 2,
                _ => types.len(),
            };
            for (dq, dk) in (n..n + count).map(|i| types[i % types.len()]) {
                let q = of(dq, &[b, h, l, d], &values(b * h * l * d, 1));
                let k = from_position(of(dk, &[b, g, s + 3, d], &values(b * g * (s + 3) * d, 2)), 3);
                let v = from_position(of(dk, &[b, g, s + 3, e], &values(b * g * (s + 3) * e, 3)), 3);
                let sinks = of(dq, &[h], &values(h, 4));
                let seen: Vec<bool> = (0..l * s).map(|i| i * 37 % 11 < 7).collect();
                let seen = host_array(&[l, s], &seen);
                let shown = |m: &Operand| {
                    let mut m = m.clone();
                    m.desc.shape = [b, h, l, s].into_iter().collect();
                    m.desc.strides = [0, 0, s as isize, 1].into_iter().collect();
                    m
                };
                let added = of(dq, &[l, s], &values(l * s, 5));
                let out = [Desc::contiguous(&[b, h, l, e], dq)];
                // Matrices of 16 bits round queries and weights.
                let by_matrices = backend().is_some_and(|gpu| {
                    Way::new(gpu.caps(), [&q.desc, &k.desc, &v.desc], &out[0], false, [true; 3]).by_matrices()
                });
                if by_matrices && slow && d > 64 {
                    eprintln!("not tested: {d} features by matrices");
                    continue;
                }
                let near = match dk {
                    // Scores of many features are large, and so are the errors of their exponentials.
                    _ if !by_matrices => 1e-5 * (d as f64 / 64.0).max(1.0),
                    DType::BF16 => 1e-2,
                    _ => 1e-3,
                };
                let plain = Sdpa {
                    scale: Real::new(0.6),
                    causal: false,
                    window: None,
                    mask: false,
                    sinks: false,
                    held: false,
                    packed: false,
                };
                let qkv = [q, k, v];
                let with = |more: &[&Operand]| qkv.iter().chain(more.iter().copied()).cloned().collect::<Vec<_>>();
                compare(Sdpa { causal: true, window: Some(7), ..plain.clone() }, &qkv, &out, near);
                compare(Sdpa { mask: true, ..plain.clone() }, &with(&[&shown(&seen)]), &out, near);
                if slow && n > 3 {
                    continue;
                }
                compare(plain.clone(), &qkv, &out, near);
                compare(Sdpa { causal: true, ..plain.clone() }, &qkv, &out, near);
                compare(Sdpa { causal: true, sinks: true, ..plain.clone() }, &with(&[&sinks]), &out, near);
                compare(Sdpa { mask: true, sinks: true, ..plain }, &with(&[&shown(&added), &sinks]), &out, near);
            }
        }
    }

    #[test]
    fn keys_and_values_in_8_bits() {
        // (B, H, G, L, S, D, E)
        let shapes = [
            (1, 4, 2, 1, 1, 16, 16),
            (2, 6, 2, 1, 300, 96, 80),
            (1, 4, 1, 3, 215, 64, 64),
            (1, 9, 3, 1, 700, 64, 64),
            (2, 4, 2, 35, 50, 36, 24),
            (1, 2, 1, 5, 40, 256, 256),
            (2, 4, 2, 40, 130, 64, 64),
        ];
        let slow = is_slow();
        for (n, &(b, h, g, l, s, d, e)) in shapes.iter().enumerate() {
            let dq = [DType::F32, DType::F16, DType::BF16][n % 3];
            for dq in if n == 1 && !slow { vec![DType::F32, DType::F16, DType::BF16] } else { vec![dq] } {
                let q = of(dq, &[b, h, l, d], &values(b * h * l * d, 1));
                let rows = |n: usize, seed: usize| {
                    let x = of(DType::F32, &[b, g, s + 3, n], &values(b * g * (s + 3) * n, seed));
                    let words = packed::words(n).expect("a multiple of four");
                    let made = on_processor(PackRows {}, &[x], &[Desc::contiguous(&[b, g, s + 3, words], DType::U32)]);
                    from_position(made[0].clone(), 3)
                };
                let (k, v) = (rows(d, 2), rows(e, 3));
                let out = [Desc::contiguous(&[b, h, l, e], dq)];
                let by_matrices = backend().is_some_and(|gpu| {
                    let [k, v] = [&k, &v].map(|x| as_halves(&x.desc).expect("rows"));
                    Way::new(gpu.caps(), [&q.desc, &k, &v], &out[0], false, [true; 3]).by_matrices()
                });
                let near = if by_matrices { 1e-3 } else { 1e-5 };
                let sinks = of(dq, &[h], &values(h, 4));
                let mut seen = host_array(&[l, s], &(0..l * s).map(|i| i * 37 % 11 < 7).collect::<Vec<bool>>());
                seen.desc.shape = [b, h, l, s].into_iter().collect();
                seen.desc.strides = [0, 0, s as isize, 1].into_iter().collect();
                let plain = Sdpa {
                    scale: Real::new(0.6),
                    causal: false,
                    window: None,
                    mask: false,
                    sinks: false,
                    held: false,
                    packed: true,
                };
                let qkv = [q, k, v];
                let with = |more: &[&Operand]| qkv.iter().chain(more.iter().copied()).cloned().collect::<Vec<_>>();
                compare(Sdpa { causal: true, window: Some(7), ..plain.clone() }, &qkv, &out, near);
                compare(Sdpa { mask: true, ..plain.clone() }, &with(&[&seen]), &out, near);
                if slow && n > 3 {
                    continue;
                }
                compare(plain.clone(), &qkv, &out, near);
                compare(Sdpa { causal: true, ..plain.clone() }, &qkv, &out, near);
                compare(Sdpa { causal: true, sinks: true, ..plain }, &with(&[&sinks]), &out, near);
            }
        }
    }

    #[test]
    fn keys_that_begin_anywhere_are_copied() {
        let q = host_array(&[1, 1, 1, 4], &values(4, 1));
        let mut k = host_array(&[4 * 9 + 1], &values(37, 2));
        k.desc = Desc::contiguous(&[1, 1, 9, 4], DType::F32);
        k.offset = 4;
        let op = Sdpa {
            scale: Real::new(1.0),
            causal: false,
            window: None,
            mask: false,
            sinks: false,
            held: false,
            packed: false,
        };
        let out = q.desc.clone();
        compare(op, &[q, k.clone(), k], &[out], 1e-6);
    }

    #[test]
    fn work_is_cut_by_shape() {
        let of = |l: usize, s: usize, d: usize| {
            let (q, k) = (Desc::contiguous(&[1, 32, l, d], DType::F32), Desc::contiguous(&[1, 8, s, d], DType::F16));
            Cut::new(&q, &k)
        };
        assert_eq!(of(1, 130, 128), Cut { rows: 4, chunk: 64, lanes: 4, blocks: 1, groups: 8, splits: 3 });
        assert_eq!(of(512, 512, 128), Cut { rows: 8, chunk: 128, lanes: 1, blocks: 256, groups: 8, splits: 1 });
        // Long features take fewer queries.
        assert_eq!(of(512, 512, 512).rows, 4);
    }
}
