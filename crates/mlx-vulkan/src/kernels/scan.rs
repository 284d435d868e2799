//! Cumulative operations along an axis. Short lines and those that lie side by side have an invocation each; of others
//! chunks are scanned in shared memory, and if there are few lines the totals of chunks are carried on in between.

use super::Kernel;
use super::lines::{Lines, each, folded};
use super::map::{self, GROUP};
use crate::Caps;
use crate::record::{Bound, Cx, Dispatch, PUSH_WORDS, Shader};
use crate::shaders;
use mlx_ir::op::{Scan, ScanKind};
use mlx_ir::{DType, Desc, Operand, Result, Tape};
use smallvec::{SmallVec, smallvec};

/// Elements of a chunk.
const CHUNK: usize = 4096;
/// Lines that are enough for a device without cutting them.
const LINES: usize = 256;
/// Lines side by side that are enough for a device with an invocation each.
const SIDE_BY_SIDE: usize = 2048;
/// Elements of a line that an invocation scans alone, however lines lie.
const SHORT: usize = 32;

/// How a dtype is scanned.
struct Kind {
    /// Chunks of lines, and a line for each invocation.
    shaders: [&'static Shader; 2],
    /// How elements are stored, as the shaders count it, and whether they have a sign.
    format: [u32; 2],
    /// What the result is written as; another dtype than its own is converted afterwards.
    wide: DType,
    /// What precedes the first element.
    start: u64,
}

fn kind(op: ScanKind, d: DType) -> Option<Kind> {
    use shaders::{SCAN_COMPLEX, SCAN_FLOAT, SCAN_LINES_COMPLEX, SCAN_LINES_FLOAT};
    use shaders::{SCAN_LINES_LONG, SCAN_LINES_WORD, SCAN_LONG, SCAN_WORD};
    let (shaders, format, wide) = match d {
        DType::F32 => ([&SCAN_FLOAT, &SCAN_LINES_FLOAT], [0, 0], d),
        DType::F16 => ([&SCAN_FLOAT, &SCAN_LINES_FLOAT], [1, 0], DType::F32),
        DType::BF16 => ([&SCAN_FLOAT, &SCAN_LINES_FLOAT], [2, 0], DType::F32),
        // Sums of them are of another dtype.
        DType::Bool if !matches!(op, ScanKind::Min | ScanKind::Max) => return None,
        DType::Bool => ([&SCAN_WORD, &SCAN_LINES_WORD], [0, 0], DType::U32),
        DType::U8 | DType::U16 | DType::U32 => ([&SCAN_WORD, &SCAN_LINES_WORD], [d.size() as u32, 0], DType::U32),
        DType::I8 | DType::I16 | DType::I32 => ([&SCAN_WORD, &SCAN_LINES_WORD], [d.size() as u32, 1], DType::I32),
        DType::U64 => ([&SCAN_LONG, &SCAN_LINES_LONG], [8, 0], d),
        DType::I64 => ([&SCAN_LONG, &SCAN_LINES_LONG], [8, 1], d),
        DType::C64 => ([&SCAN_COMPLEX, &SCAN_LINES_COMPLEX], [8, 0], d),
        DType::F64 => return None,
    };
    let float = |x: f32| u64::from(x.to_bits());
    let twice = |x: u64| x << 32 | x;
    let top = 1u64 << (8 * d.size() - 1);
    let start = match (op, d) {
        (ScanKind::Logaddexp, d) if !d.is_float() => return None,
        (ScanKind::Sum, _) => 0,
        (ScanKind::Prod, d) if d.is_float() || d == DType::C64 => float(1.0),
        (ScanKind::Prod, _) => 1,
        (ScanKind::Min, DType::C64) => twice(float(f32::INFINITY)),
        (ScanKind::Max, DType::C64) => twice(float(f32::NEG_INFINITY)),
        (ScanKind::Min, d) if d.is_float() => float(f32::INFINITY),
        (ScanKind::Max | ScanKind::Logaddexp, d) if d.is_float() => float(f32::NEG_INFINITY),
        (ScanKind::Min, DType::Bool) => 1,
        (ScanKind::Min, _) if format[1] == 1 => top - 1,
        (ScanKind::Min, _) => top - 1 + top,
        // The least, its sign extended.
        (_, _) if format[1] == 1 => top.wrapping_neg(),
        (_, _) => 0,
    };
    Some(Kind { shaders, format, wide, start })
}

/// Whether lines are scanned by an invocation each. By the shape alone, so that sums are made in the same order on every
/// device.
fn alone(lines: &Lines) -> bool {
    lines.n <= SHORT || (lines.inner > 1 && lines.count >= SIDE_BY_SIDE)
}

/// Chunks of a line.
fn chunks(lines: &Lines) -> usize {
    if alone(lines) || lines.count >= LINES || lines.n < 2 * CHUNK { 1 } else { lines.n.div_ceil(CHUNK) }
}

/// What the result of a narrow dtype is converted by.
fn narrowing(k: &Kind, out: &Desc) -> Option<(Tape, Desc)> {
    (k.wide != out.dtype).then(|| (Tape::convert(k.wide, out.dtype), Desc { dtype: k.wide, ..out.clone() }))
}

const REVERSE: u32 = 1;
const INCLUSIVE: u32 = 2;
const TOTALS: u32 = 4;
const CARRIED: u32 = 8;

/// One dispatch over chunks of lines, or over lines.
struct Step<'a> {
    kind: &'a Kind,
    op: ScanKind,
    flags: u32,
    /// How what is read is stored.
    format: [u32; 2],
    size: usize,
}

impl Step<'_> {
    fn record(&self, cx: &mut Cx<'_>, lines: &Lines, chunks: usize, bind: [&Bound; 3]) -> Result<()> {
        let (alone, k) = (chunks == 1 && alone(lines), self.kind);
        let chunk = if chunks == 1 { lines.n } else { CHUNK };
        let mut push: SmallVec<[u32; PUSH_WORDS]> = smallvec![
            self.flags,
            lines.count as u32,
            lines.n as u32,
            lines.inner as u32,
            chunk as u32,
            chunks as u32,
            bind[2].first / 4,
            k.start as u32,
            (k.start >> 32) as u32
        ];
        push.extend(lines.push(bind[0], self.size));
        let groups = if alone { each(cx.caps, lines.count) } else { folded(cx.caps, lines.count * chunks) };
        let spec = [GROUP, self.op as u32, self.format[0], self.format[1]];
        let shader = k.shaders[usize::from(alone)];
        cx.dispatch(&Dispatch { shader, spec: &spec, bind: &bind, push: &push, groups })
    }
}

impl Kernel for Scan {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let (x, out) = (&ins[0], &outs[0]);
        let Some(k) = kind(self.kind, x.dtype) else { return false };
        let bytes = out.size().saturating_mul(k.wide.size()) as u64;
        self.axis < x.ndim()
            && out.dtype == x.dtype
            && Lines::new(x, self.axis).fit()
            && bytes + 256 <= caps.storage_range.min(1 << 32)
            && narrowing(&k, out).is_none_or(|(tape, wide)| map::supports(&tape, caps, &[&wide], out, false))
    }

    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let (d, out) = (ins[0].desc.dtype, &outs[0]);
        let Some(k) = kind(self.kind, d) else { return Ok(()) };
        let lines = Lines::new(&ins[0].desc, self.axis);
        let (x, to) = (cx.input(&ins[0])?, cx.output(out)?);
        let narrow = narrowing(&k, &out.desc);
        let written = if narrow.is_some() { cx.scratch(out.desc.size() * k.wide.size())? } else { to.clone() };
        let flags = if self.reverse { REVERSE } else { 0 } | if self.inclusive { INCLUSIVE } else { 0 };
        let step = Step { kind: &k, op: self.kind, flags, format: k.format, size: d.size() };
        let chunks = chunks(&lines);
        if chunks == 1 {
            step.record(cx, &lines, 1, [&x, &x, &written])?;
        } else {
            let of_chunks = Lines::rows(lines.count, chunks);
            let bytes = lines.count * chunks * k.wide.size();
            let (totals, carries) = (cx.scratch(bytes)?, cx.scratch(bytes)?);
            Step { flags: flags | TOTALS, ..step }.record(cx, &lines, chunks, [&x, &x, &totals])?;
            // Totals are wide.
            let format = [if k.wide == DType::F32 { 0 } else { k.wide.size() as u32 }, k.format[1]];
            let on = Step { kind: &k, op: self.kind, flags: 0, format, size: k.wide.size() };
            on.record(cx, &of_chunks, 1, [&totals, &totals, &carries])?;
            let step = Step { flags: flags | CARRIED, ..on };
            Step { format: k.format, size: d.size(), ..step }.record(cx, &lines, chunks, [&x, &carries, &written])?;
        }
        match narrow {
            Some((tape, wide)) => map::record(cx, &tape, &[(&wide, written)], (&out.desc, to), false),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{compare, host_array};
    use half::{bf16, f16};
    use mlx_ir::{C64, Element};

    const KINDS: [ScanKind; 5] = [ScanKind::Sum, ScanKind::Prod, ScanKind::Min, ScanKind::Max, ScanKind::Logaddexp];

    fn in_every_way(x: &Operand, kinds: &[ScanKind], axis: usize, tolerance: f64) {
        let out = [Desc::contiguous(&x.desc.shape, x.desc.dtype)];
        for &kind in kinds {
            for (reverse, inclusive) in [(false, true), (true, true), (false, false), (true, false)] {
                compare(Scan { kind, axis, reverse, inclusive }, std::slice::from_ref(x), &out, tolerance);
            }
        }
    }

    fn every<T: Element>(kinds: &[ScanKind], tolerance: f64, make: impl Fn(usize) -> T) {
        let of = |shape: &[usize]| {
            let n: usize = shape.iter().product();
            host_array(shape, &(0..n).map(|i| make(i * 7919 % 101)).collect::<Vec<T>>())
        };
        let x = of(&[3, 37, 5]);
        let mut turned = x.clone();
        turned.desc.shape.reverse();
        turned.desc.strides.reverse();
        let mut backwards = x.clone();
        backwards.offset += 36 * 5 * T::DTYPE.size();
        backwards.desc.strides[1] = -5;
        in_every_way(&x, kinds, 1, tolerance);
        for axis in [0, 2] {
            in_every_way(&x, &kinds[..1], axis, tolerance);
        }
        in_every_way(&turned, &kinds[..1], 1, tolerance);
        in_every_way(&backwards, &kinds[..1], 1, tolerance);
        let mut same = of(&[7]);
        same.desc = Desc { shape: [3, 7].into_iter().collect(), strides: [0, 1].into_iter().collect(), ..same.desc };
        in_every_way(&same, &kinds[..1], 0, tolerance);
        in_every_way(&of(&[1]), &kinds[..1], 0, tolerance);
        // Several tiles; several chunks.
        in_every_way(&of(&[2, 1037]), &kinds[..1], 1, tolerance);
        in_every_way(&of(&[2, 9001]), &kinds[..1], 1, tolerance * 10.0);
        in_every_way(&of(&[9001, 1]), &kinds[kinds.len() - 1..], 0, tolerance * 10.0);
    }

    #[test]
    fn integers_and_truth() {
        every(&KINDS[..4], 0.0, |i| i as u8);
        every(&KINDS[..4], 0.0, |i| i as i8 - 50);
        every(&KINDS[..4], 0.0, |i| i as u16 * 601);
        every(&KINDS[..4], 0.0, |i| i as i16 * 301 - 15_000);
        every(&KINDS[..4], 0.0, |i| i as u32 * 0x0123_4567 % 0xffff_fff1);
        every(&KINDS[..4], 0.0, |i| (i as i32 - 50) << 24);
        every(&KINDS[..4], 0.0, |i| i as u64 * 0x0012_3456_789a_bcdf + 1);
        every(&KINDS[..4], 0.0, |i| (i as i64 - 50) * 0x0012_3456_789a_bcdf);
        every(&KINDS[2..4], 0.0, |i| i % 9 == 0);
        every(&KINDS[2..4], 0.0, |i| i % 9 != 0);
    }

    #[test]
    fn floats() {
        let float = |i: usize| (i as f32 * 0.37 - 18.1) * 0.1;
        let near = |i: usize| 1.0 + (i as f32 - 50.0) * 1e-3;
        every(&[ScanKind::Sum, ScanKind::Min, ScanKind::Max, ScanKind::Logaddexp], 1e-5, float);
        every(&[ScanKind::Prod], 1e-5, near);
        // Halves are added in f32 and rounded once.
        every(&[ScanKind::Sum, ScanKind::Min, ScanKind::Max, ScanKind::Logaddexp], 1e-5, |i| f16::from_f32(float(i)));
        every(&[ScanKind::Sum, ScanKind::Prod, ScanKind::Logaddexp], 1e-5, |i| bf16::from_f32(near(i) * 0.01 + 0.99));
        every(&KINDS[..4], 1e-5, |i| C64::new(near(i), (i as f32 - 50.0) * 1e-3));
        // NaN and infinities.
        let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0];
        for s in special {
            let x: Vec<f32> = (0..90).map(|i| if i % 43 == 40 { s } else { 1.0 + i as f32 * 1e-3 }).collect();
            let z: Vec<C64> = x.iter().map(|&v| C64::new(1.0, v)).collect();
            in_every_way(&host_array(&[90], &x), &KINDS, 0, 1e-5);
            in_every_way(&host_array(&[90], &z), &KINDS[2..4], 0, 0.0);
        }
    }

    #[test]
    fn many_lines_side_by_side() {
        let x: Vec<f32> = (0..40 * 2100).map(|i| (i * 7919 % 101) as f32 * 0.01).collect();
        in_every_way(&host_array(&[40, 2100], &x), &KINDS[..1], 0, 0.0);
        in_every_way(&host_array(&[300, 280], &x), &KINDS[..1], 1, 1e-5);
    }
}
