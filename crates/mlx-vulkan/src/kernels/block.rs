//! Weights as they lie in GGUF files: products with them, rows of them.

use super::Kernel;
use super::map::{GROUP, Key, grid, known};
use super::picks::sum_of_parts;
use super::split;
use super::wide::{self, Results, Wide};
use crate::record::{self, Bound, Cx, Dispatch};
use crate::shaders;
use crate::{Caps, Number};
use mlx_ir::op::{BlockDequantize, BlockMatmul, BlockProject, BlockRows, Gate};
use mlx_ir::{DType, Desc, Operand, QuantFormat, Result};
use smallvec::SmallVec;

fn dense(ins: &[Desc]) -> bool {
    ins.iter().all(Desc::is_contiguous)
}

/// Most rows of activations that the kernel for few takes, matrices of one dispatch, and buffers that it binds.
const FEW: usize = 8;
const MATRICES: usize = 3;
const BUFFERS: u32 = 9;
/// Invocations of a workgroup, and rows and columns of the product that one computes in the matrix-matrix kernel.
const PRODUCT_GROUP: u32 = 128;
const TILE: u32 = 64;
/// Of the kernel that packs a row of activations.
const PACK_GROUP: u32 = 256;
/// Invocations of a workgroup of the kernel in integers; activations that share a scale.
const DOT_GROUP: u32 = 512;
/// Of these a multiprocessor's share, beyond which a workgroup computes several groups of rows: rounding the activations
/// once for all of them is worth more than what others could do meanwhile.
const DOT_SHARE: u32 = 1024;
const RUN: usize = 32;

/// Rows of x and their length.
fn rows_of(x: &Desc) -> (usize, usize) {
    let (&k, rows) = x.shape.split_last().unwrap_or((&0, &[]));
    (rows.iter().product(), k)
}

/// Workgroups in a row and rows of them.
fn across(caps: &Caps, groups: usize) -> [u32; 3] {
    let across = groups.min(caps.workgroup_count[0] as usize);
    [across as u32, groups.div_ceil(across.max(1)) as u32, 1]
}

fn fits(caps: &Caps, groups: usize) -> bool {
    groups as u64 <= u64::from(caps.workgroup_count[0]) * u64::from(caps.workgroup_count[1])
}

fn few(caps: &Caps, m: usize) -> bool {
    m <= FEW && caps.storage_buffers >= BUFFERS
}

/// What stands around products of a few rows.
#[derive(Clone, Copy, Default)]
struct Around<'a> {
    norm: Option<(&'a Operand, f32)>,
    gate: Option<Gate>,
    added: Option<&'a Operand>,
    /// Activations stay f32.
    exact: bool,
}

/// Which kernel computes products of a few rows, and in which shape.
#[derive(Clone, Copy)]
struct Form {
    /// Activations rounded to 8 bits, products in integers; teams are subgroups.
    dot: bool,
    /// Invocations of a workgroup, and of each of its teams.
    group: u32,
    lanes: u32,
    /// Weight rows of a team.
    rows: u32,
}

impl Form {
    /// The form for `m` rows of `k` activations and matrices of `n` rows in all; `pairs` for a gate, `aligned` if the
    /// weights lie as the kernel in integers needs.
    fn of(caps: &Caps, format: QuantFormat, m: usize, k: usize, n: usize, around: &Around<'_>, aligned: bool) -> Form {
        let s = caps.subgroups;
        let able =
            !around.exact && caps.int_dot && s.arithmetic && s.shuffle && (s.size_control || s.range.0 == s.range.1);
        // Lanes of a team: neither so few that sums take long nor more than short rows have blocks.
        let lanes = if s.size_control { 32.clamp(s.range.0, s.range.1) } else { s.size };
        let group = DOT_GROUP.min(caps.workgroup_of(lanes));
        let pairs = 1 + usize::from(around.gate.is_some());
        // The largest matrices have workgroups enough for two rows of each team.
        let rows = if n >= 32768 && m <= 2 && pairs == 1 { 2 } else { 1 };
        // Rounded activations with their scales, and the squares of each team.
        let shared = m * (k / RUN * 40 + 32 + (group / lanes.max(1)) as usize * 4);
        let fits = shared <= caps.shared_memory as usize && lanes >= 4 && group.is_multiple_of(lanes);
        if able && aligned && k > 0 && fits && shaders::block_dot(format).is_some() {
            return Form { dot: true, group, lanes, rows: rows as u32 };
        }
        Form { dot: false, group: PRODUCT_GROUP, lanes: PRODUCT_GROUP, rows: if around.gate.is_some() { 1 } else { 2 } }
    }
    fn group_rows(self) -> usize {
        (self.group / self.lanes * self.rows) as usize
    }
    /// How many workgroups compute so many groups of rows, each about as many of them.
    fn workgroups(self, caps: &Caps, groups: usize) -> usize {
        let most = (caps.cores.saturating_mul(DOT_SHARE) / self.group).max(1) as usize;
        if !self.dot || caps.cores == 0 || groups <= most { groups } else { groups.div_ceil(groups.div_ceil(most)) }
    }
}

/// Whether all rows of a matrix begin where kernels that read whole words need it.
fn aligned(format: QuantFormat, w: &Operand, at: &Bound) -> bool {
    let to = match format {
        QuantFormat::F32 | QuantFormat::F16 | QuantFormat::BF16 | QuantFormat::Q4_K | QuantFormat::Q5_K => 16,
        QuantFormat::Q4_1 => 4,
        QuantFormat::Q4_0 | QuantFormat::Q5_0 | QuantFormat::Q8_0 | QuantFormat::Q6_K => 2,
    };
    w.desc.shape[1].is_multiple_of(to) && at.first.is_multiple_of(to as u32)
}

/// Whether all pairs of blocks begin at whole words, as the kernel in integers reads those of a half and words.
fn pairs_lie_whole(format: QuantFormat, w: &Operand, at: &Bound) -> bool {
    let read = matches!(format, QuantFormat::Q4_0 | QuantFormat::Q5_0 | QuantFormat::Q8_0);
    !read || (w.desc.shape[1].is_multiple_of(4) && at.first.is_multiple_of(4))
}

/// Products of a few rows with up to [`MATRICES`] matrices of one format.
fn project(
    cx: &mut Cx<'_>,
    format: QuantFormat,
    x: &Operand,
    matrices: &[Operand],
    outs: &[Operand],
    around: Around<'_>,
) -> Result<()> {
    let (m, k) = rows_of(&x.desc);
    let from = cx.input(x)?;
    let weights: SmallVec<[Bound; 3]> = matrices.iter().map(|w| cx.input(w)).collect::<Result<_>>()?;
    let to: SmallVec<[Bound; 3]> = outs.iter().map(|o| cx.output(o)).collect::<Result<_>>()?;
    let norm = around.norm.map(|(w, _)| cx.input(w)).transpose()?;
    let added = around.added.map(|a| cx.input(a)).transpose()?;
    let mut push = [0u32; 16];
    for (i, (w, b)) in matrices.iter().zip(&weights).enumerate() {
        push[i] = b.first;
        push[3 + i] = w.desc.shape[0] as u32;
    }
    for (i, b) in to.iter().enumerate() {
        push[6 + i] = b.first / 4;
    }
    push[9] = from.first / 4;
    push[10] = norm.as_ref().map_or(0, |b| b.first / 4);
    push[11] = added.as_ref().map_or(0, |b| b.first / 4);
    push[12] = matrices[0].desc.shape[1] as u32;
    push[13] = k as u32;
    push[14] = around.norm.map_or(0, |(_, eps)| eps.to_bits());
    let gate = match around.gate {
        None => 0,
        Some(Gate::Silu) => 1,
        Some(Gate::GeluTanh) => 2,
    };
    let row_bytes = matrices[0].desc.shape[1];
    let wide_weights = row_bytes.is_multiple_of(16) && weights.iter().all(|w| w.first.is_multiple_of(16));
    let counted = if gate == 0 { matrices } else { &matrices[..1] };
    let n = counted.iter().map(|w| w.desc.shape[0]).sum();
    let whole = matrices.iter().zip(&weights).all(|(w, b)| aligned(format, w, b) && pairs_lie_whole(format, w, b));
    let form = Form::of(cx.caps, format, m, k, n, &around, whole);
    let wide = k.is_multiple_of(4) && [Some(&from), norm.as_ref()].iter().flatten().all(|b| b.first.is_multiple_of(16));
    let spec = [
        form.group,
        form.rows,
        m as u32,
        matrices.len() as u32,
        gate,
        u32::from(norm.is_some()),
        u32::from(added.is_some()),
        form.lanes,
        u32::from(wide),
        u32::from(wide_weights),
        u32::from(cx.caps.fp16),
        (k / RUN) as u32,
    ];
    // The number of runs is a constant of the kernel in integers only.
    let spec = if form.dot { &spec[..] } else { &spec[..11] };
    let groups = counted.iter().map(|w| w.desc.shape[0].div_ceil(form.group_rows())).sum();
    push[15] = groups as u32;
    let workgroups = form.workgroups(cx.caps, groups);
    let weight = |i: usize| weights.get(i).unwrap_or(&weights[0]);
    let out = |i: usize| to.get(i).unwrap_or(&to[0]);
    let bind = [
        weight(0),
        weight(1),
        weight(2),
        &from,
        norm.as_ref().unwrap_or(&from),
        added.as_ref().unwrap_or(&from),
        out(0),
        out(1),
        out(2),
    ];
    let dot = shaders::block_dot(format).filter(|_| form.dot);
    let shader = dot.unwrap_or_else(|| shaders::block_project(format));
    let lanes = if form.dot { form.lanes } else { 0 };
    let d = Dispatch { shader, spec, bind: &bind, push: &push, groups: across(cx.caps, workgroups) };
    cx.dispatch_by(&d, lanes)
}

/// As [`project`] for matrices of any formats: neighbours of one format share a dispatch.
fn project_all(
    cx: &mut Cx<'_>,
    formats: &[QuantFormat],
    x: &Operand,
    matrices: &[Operand],
    outs: &[Operand],
    around: Around<'_>,
) -> Result<()> {
    let mut at = 0;
    while at < formats.len() {
        let alike = formats[at..].iter().take(MATRICES).take_while(|f| **f == formats[at]).count();
        let end = at + alike;
        let outs = if around.gate.is_some() { outs } else { &outs[at..end] };
        project(cx, formats[at], x, &matrices[at..end], outs, around)?;
        at = end;
    }
    Ok(())
}

/// Whether x is f32 rows, and products with matrices of so many rows fit.
fn acceptable(x: &Desc, matrices: &[Desc], outs: &[Desc]) -> bool {
    x.dtype == DType::F32
        && x.is_contiguous()
        && dense(matrices)
        && outs.iter().all(|o| o.dtype == DType::F32 && o.size() < u32::MAX as usize)
}

impl Kernel for BlockMatmul {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let (m, _) = rows_of(&ins[0]);
        let tiles = |n: usize| n.div_ceil(TILE as usize) * m.div_ceil(TILE as usize);
        let groups = |n: usize| if few(caps, m) { MATRICES * n } else { tiles(n) };
        let seen = |w: &Desc| fits(caps, groups(w.shape[0])) && split::step(caps, &[(w, 0)]).is_some();
        acceptable(&ins[0], &ins[1..], outs) && ins[1..].iter().all(seen)
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let (m, k) = rows_of(&ins[0].desc);
        if !ins[1..].iter().all(|w| record::fits(cx.caps, &w.desc)) {
            for ((&format, w), out) in self.formats.iter().zip(&ins[1..]).zip(outs) {
                let one = BlockMatmul { formats: smallvec::smallvec![format], exact: self.exact };
                split::each(cx, &[(w, 0)], out, &mut |cx, rows, out| {
                    one.record(cx, &[ins[0].clone(), rows[0].clone()], std::slice::from_ref(out))
                })?;
            }
            return Ok(());
        }
        if few(cx.caps, m) {
            return project_all(
                cx,
                &self.formats,
                &ins[0],
                &ins[1..],
                outs,
                Around { exact: self.exact, ..Around::default() },
            );
        }
        let x = cx.input(&ins[0])?;
        let mut packed = None;
        let mut room = None;
        for ((&format, w), out) in self.formats.iter().zip(&ins[1..]).zip(outs) {
            let n = w.desc.shape[0];
            let weights = cx.input(w)?;
            if !self.exact && m >= wide_from(format) && wide_can(cx.caps, format, k, w, &weights) {
                let rows = match packed.take() {
                    Some(p) => p,
                    None => pack(cx, &x, m, k)?,
                };
                wide_product(cx, format, [m, k], &rows, (w, &weights), &mut room, out)?;
                packed = Some(rows);
                continue;
            }
            if let Some(c) = Coop::of(cx.caps, format, m, n).filter(|_| !self.exact && aligned(format, w, &weights)) {
                let rows = match packed.take() {
                    Some(p) => p,
                    None => pack(cx, &x, m, k)?,
                };
                coop(cx, c, format, [m, k], &rows, (w, &weights), out)?;
                packed = Some(rows);
                continue;
            }
            let to = cx.output(out)?;
            let row = w.desc.shape[1] as u32;
            let push = [weights.first, row, x.first / 4, to.first / 4, k as u32, n as u32, m as u32];
            cx.dispatch(&Dispatch {
                shader: shaders::block_matmul(format),
                spec: &[PRODUCT_GROUP],
                bind: &[&weights, &x, &to],
                push: &push,
                groups: across(cx.caps, n.div_ceil(TILE as usize) * m.div_ceil(TILE as usize)),
            })?;
        }
        Ok(())
    }
}

/// How cooperative matrices compute a product: `rows` weight rows by `columns` rows of activations in a workgroup, a
/// part of them in each subgroup.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Coop {
    rows: u32,
    columns: u32,
    down: u32,
    across: u32,
    lanes: u32,
    /// Rows, columns and terms of a matrix.
    sides: [u32; 3],
}

/// Activations that the kernel brings at a time, in each row.
const COOP_STEP: usize = 64;
/// Workgroups of large tiles from which on they pay.
const COOP_MANY: usize = 96;
/// Workgroups that a multiprocessor holds: as many are made of a small product by parts of its terms.
const COOP_EACH: usize = 4;
/// Steps that are the least of a part, and most parts.
const COOP_LEAST: usize = 4;
const COOP_PARTS: usize = 16;

impl Coop {
    /// The tiles for a product of `n` weight rows and `m` rows; none if the device cannot, or not in f16.
    fn of(caps: &Caps, format: QuantFormat, m: usize, n: usize) -> Option<Coop> {
        shaders::block_coop(format)?;
        let s = caps.subgroups;
        let lanes = if s.size_control { 32.clamp(s.range.0, s.range.1) } else { s.size };
        let sides = caps
            .matrices
            .iter()
            .filter(|x| x.factor == Number::F16 && x.sum == Number::F32)
            .filter(|x| [x.m, x.n].iter().all(|d| 32u32.is_multiple_of(*d)) && x.k.is_multiple_of(8))
            .filter(|x| COOP_STEP.is_multiple_of(x.k as usize))
            .max_by_key(|x| (x.m * x.n * x.k, x.m))
            .map(|x| [x.m, x.n, x.k])?;
        let coop = |rows, columns, down, across| Coop { rows, columns, down, across, lanes, sides };
        let (large, small) = (coop(128, 128, 64, 32), coop(64, 64, 32, 32));
        let able = caps.fp16 && (s.size_control || s.range.0 == s.range.1);
        let fits = |c: &Coop| {
            let group = c.group();
            able && group <= caps.workgroup_of(c.lanes)
                && (c.rows * 2).is_multiple_of(group)
                && c.shared() <= caps.shared_memory
                && fits(caps, c.groups(m, n))
        };
        [large, small].into_iter().find(|c| (c.rows == 64 || c.groups(m, n) >= COOP_MANY) && fits(c))
    }
    fn group(&self) -> u32 {
        self.rows / self.down * (self.columns / self.across) * self.lanes
    }
    fn groups(&self, m: usize, n: usize) -> usize {
        n.div_ceil(self.rows as usize) * m.div_ceil(self.columns as usize)
    }
    /// Steps of a part of the sums, and how many parts there are: as many as keep the device busy, of a few steps each.
    fn parts(&self, caps: &Caps, [m, n, k]: [usize; 3]) -> (usize, usize) {
        let busy = if caps.cores > 0 { caps.cores as usize * COOP_EACH } else { COOP_MANY };
        let steps = k.div_ceil(COOP_STEP).max(1);
        let room = usize::try_from(caps.storage_range).unwrap_or(usize::MAX) / (m * n * 4).max(1);
        let most = (steps / COOP_LEAST).min(room).clamp(1, COOP_PARTS);
        let each = steps.div_ceil((busy / self.groups(m, n).max(1)).clamp(1, most));
        (each, steps.div_ceil(each))
    }
    /// Bytes of shared memory.
    fn shared(&self) -> u32 {
        (self.rows + self.columns) * (COOP_STEP as u32 / 8 + 1) * 16
            + 4 * (self.sides[0] * self.columns).max(self.group() / self.lanes * self.sides[0] * self.sides[1])
    }
}

/// Rows of activations as f16 with what they are to be multiplied with afterwards.
struct Packed {
    rows: Bound,
    scales: Bound,
    /// Elements of a row.
    stride: usize,
    /// Whether memory goes on to a multiple of [`wide::ROWS`] rows.
    padded: bool,
}

fn pack(cx: &mut Cx<'_>, x: &Bound, m: usize, k: usize) -> Result<Packed> {
    let stride = k.next_multiple_of(COOP_STEP);
    // Matrices of a workgroup read whole tiles then.
    let whole = m.next_multiple_of(wide::ROWS) * stride * 2;
    let padded = whole as u64 <= cx.caps.storage_range;
    let (rows, scales) = (cx.scratch(if padded { whole } else { m * stride * 2 })?, cx.scratch(m * 4)?);
    let push = [x.first / 4, rows.first / 4, scales.first / 4, k as u32, stride as u32, m as u32];
    let wide = k.is_multiple_of(4) && x.first.is_multiple_of(16) && rows.first.is_multiple_of(8);
    let group = PACK_GROUP.min(cx.caps.workgroup_invocations);
    cx.dispatch(&Dispatch {
        shader: &shaders::PACK,
        spec: &[group, wide.into()],
        bind: &[x, &rows, &scales],
        push: &push,
        groups: across(cx.caps, m),
    })?;
    Ok(Packed { rows, scales, stride, padded })
}

/// The product of packed rows with a matrix by cooperative matrices.
fn coop(
    cx: &mut Cx<'_>,
    c: Coop,
    format: QuantFormat,
    [m, k]: [usize; 2],
    x: &Packed,
    (w, weights): (&Operand, &Bound),
    out: &Operand,
) -> Result<()> {
    let Some(shader) = shaders::block_coop(format) else { return Ok(()) };
    let [n, row] = [w.desc.shape[0], w.desc.shape[1]];
    let to = cx.output(out)?;
    let (steps, parts) = c.parts(cx.caps, [m, n, k]);
    let sums = if parts > 1 { cx.scratch(parts * m * n * 4)? } else { to.clone() };
    let [side_n, side_m, side_k] = c.sides;
    let spec = [c.group(), c.rows, c.columns, c.down, c.across, c.lanes, side_n, side_m, side_k];
    let push = [
        weights.first,
        row as u32,
        x.rows.first / 16,
        (x.stride / 8) as u32,
        x.scales.first / 4,
        sums.first / 4,
        k as u32,
        n as u32,
        m as u32,
        steps as u32,
    ];
    let groups = across(cx.caps, c.groups(m, n) * parts);
    let d = Dispatch { shader, spec: &spec, bind: &[weights, &x.rows, &x.scales, &sums], push: &push, groups };
    cx.dispatch_by(&d, c.lanes)?;
    if parts > 1 { sum_of_parts(cx, DType::F32, m * n, parts, &sums, &to) } else { Ok(()) }
}

/// Rows of activations from which on matrices of a workgroup pay, with unpacking of weights that are not f16.
fn wide_from(format: QuantFormat) -> usize {
    if format == QuantFormat::F16 { 64 } else { 129 }
}

/// Workgroups of the largest tiles that keep a device busy.
const WIDE_BUSY: usize = 192;

fn wide_can(caps: &Caps, format: QuantFormat, k: usize, w: &Operand, weights: &Bound) -> bool {
    let n = w.desc.shape[0];
    // Unpacked weights are scratch memory.
    let unpacked = (n * k * 2) as u64;
    let readable = match format {
        QuantFormat::F16 => k.is_multiple_of(wide::ALIGNED),
        _ => {
            shaders::unpack(format).is_some()
                && k.is_multiple_of(RUN)
                && unpacked <= caps.storage_range.min(caps.allocation_size) / 2
                && fits(caps, (n * k / RUN).div_ceil(PRODUCT_GROUP as usize))
        }
    };
    n > 0 && k > 0 && readable && Wide::able(caps, DType::F16) && aligned(format, w, weights)
}

/// Memory that weights are unpacked to, and how many bytes it has.
type Room = (Bound, usize);

/// The product of packed rows with a matrix by cooperative matrices of a workgroup: weights are unpacked first, which
/// costs less than decoding them for every tile. Matrices of one op share the room for it: rooms of their own would be
/// several hundredths of a small model's memory.
fn wide_product(
    cx: &mut Cx<'_>,
    format: QuantFormat,
    [m, k]: [usize; 2],
    x: &Packed,
    (w, weights): (&Operand, &Bound),
    room: &mut Option<Room>,
    out: &Operand,
) -> Result<()> {
    let [n, row] = [w.desc.shape[0], w.desc.shape[1]];
    let to = cx.output(out)?;
    let unpacked = match shaders::unpack(format) {
        None => None,
        Some(shader) => {
            let bytes = n * k * 2;
            let plain = match room.take().filter(|r| r.1 >= bytes) {
                Some(r) => room.insert(r).0.clone(),
                None => room.insert((cx.scratch(bytes)?, bytes)).0.clone(),
            };
            let runs = k / RUN;
            let push = [weights.first, row as u32, plain.first / 16, runs as u32, n as u32];
            let spec = [PRODUCT_GROUP, 0, 0, 0, 0, 0, 0, 0, 0, u32::from(true), u32::from(cx.caps.fp16)];
            let groups = across(cx.caps, (n * runs).div_ceil(PRODUCT_GROUP as usize));
            cx.dispatch(&Dispatch { shader, spec: &spec, bind: &[weights, &plain], push: &push, groups })?;
            Some(plain)
        }
    };
    let sizes =
        wide::Sizes { m, n, k, batch: [1; 3], over: [[0; 3]; 2], rows: [x.stride, k], along: true, padded: x.padded };
    let unpacked = unpacked.map(Bound::for_reading);
    let factors = [&x.rows, unpacked.as_ref().unwrap_or(weights)];
    let wide = Wide::of([m, n, k], WIDE_BUSY);
    wide.record_in_parts(cx, DType::F16, &sizes, wide.parts(&sizes), factors, &to, Results::Scaled(&x.scales))
}

/// Where the matrices begin and end among the inputs.
pub(super) fn matrices(op: &BlockProject) -> std::ops::Range<usize> {
    let first = 1 + usize::from(op.eps.is_some());
    first..first + op.formats.len()
}

impl Kernel for BlockProject {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let matrices = matrices(self);
        let (m, _) = rows_of(&ins[0]);
        let alike = self.formats.iter().all(|f| *f == self.formats[0]);
        // A range of the rows gives a range of the results of one row.
        let seen = |w: &Desc| record::fits(caps, w) || (m == 1 && split::step(caps, &[(w, 0)]).is_some());
        few(caps, m)
            && m > 0
            && ins[matrices.clone()].iter().all(seen)
            && (self.gate.is_none() || alike)
            && acceptable(&ins[0], &ins[matrices.clone()], outs)
            && ins.iter().all(Desc::is_contiguous)
            && ins[matrices].iter().all(|w| fits(caps, MATRICES * w.shape[0]))
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let matrices = matrices(self);
        let around = Around {
            norm: self.eps.map(|e| (&ins[1], e.f32())),
            gate: self.gate,
            added: if self.add { ins.get(matrices.end) } else { None },
            exact: self.exact,
        };
        if !ins[matrices.clone()].iter().all(|w| record::fits(cx.caps, &w.desc)) {
            return in_ranges(self, cx, ins, outs, &around);
        }
        project_all(cx, &self.formats, &ins[0], &ins[matrices], outs, around)
    }
}

/// As [`BlockProject::record`] for one row of activations, with ranges of the rows of the matrices.
fn in_ranges(op: &BlockProject, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand], around: &Around<'_>) -> Result<()> {
    let matrices = matrices(op);
    let together = if op.gate.is_some() { 2 } else { 1 };
    for (i, out) in outs.iter().enumerate() {
        let at = matrices.start + i;
        let mut cut: Vec<(&Operand, usize)> = ins[at..at + together].iter().map(|w| (w, 0)).collect();
        cut.extend(around.added.map(|a| (a, a.desc.ndim() - 1)));
        let one = BlockProject { formats: op.formats[i..i + together].into(), ..op.clone() };
        split::each(cx, &cut, out, &mut |cx, rows, out| {
            let given: Vec<Operand> = ins[..matrices.start].iter().chain(rows).cloned().collect();
            one.record(cx, &given, std::slice::from_ref(out))
        })?;
    }
    Ok(())
}

/// Records the unpacking of rows of `w`: those that `indices` name, or all.
fn rows(
    cx: &mut Cx<'_>,
    format: QuantFormat,
    k: usize,
    w: &Operand,
    indices: Option<&Operand>,
    out: &Operand,
) -> Result<()> {
    let n = out.desc.size();
    let (matrix, to) = (cx.input(w)?, cx.output(out)?);
    let index: Option<Bound> = indices.map(|i| cx.input(i)).transpose()?;
    let (across, down) = grid(cx.caps, n);
    let first_index = match (indices, &index) {
        (Some(i), Some(b)) => b.first / i.desc.dtype.size() as u32,
        _ => 0,
    };
    let (count, bytes) = (w.desc.shape[0] as u32, w.desc.shape[1] as u32);
    let push = [n as u32, across * GROUP, to.first / 4, matrix.first, k as u32, bytes, count, first_index];
    let shader = cx.emitted(Key::Rows(format, indices.map(|i| i.desc.dtype)))?;
    let mut bind: SmallVec<[&Bound; 3]> = smallvec::smallvec![&matrix];
    bind.extend(&index);
    bind.push(&to);
    cx.dispatch(&Dispatch { shader: &shader, spec: &[GROUP], bind: &bind, push: &push, groups: [across, down, 1] })
}

impl Kernel for BlockRows {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let d = ins[1].dtype;
        let narrow = d.is_integer() && d.size() <= 4 && d != DType::Bool;
        dense(ins)
            && narrow
            && outs[0].size() < u32::MAX as usize
            && ins[0].shape[0] > 0
            && known(Key::Rows(self.format, Some(d)), caps)
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        rows(cx, self.format, self.k, &ins[0], Some(&ins[1]), &outs[0])
    }
}

impl Kernel for BlockDequantize {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        dense(ins) && outs[0].size() < u32::MAX as usize && known(Key::Rows(self.format, None), caps)
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        rows(cx, self.format, self.k, &ins[0], None, &outs[0])
    }
}
