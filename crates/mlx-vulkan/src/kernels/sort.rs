//! Sorting along an axis, NaN last, stable: blocks in shared memory, then merges. A partition is sorted whole.

use super::Kernel;
use super::lines::{Lines, each, folded};
use super::map::GROUP;
use crate::Caps;
use crate::record::{Bound, Cx, Dispatch, PUSH_WORDS};
use crate::shaders;
use mlx_ir::op::{ArgPartition, ArgSort, Partition, Sort};
use mlx_ir::{DType, Desc, Operand, Result};
use smallvec::{SmallVec, smallvec};

/// What the shaders know of a dtype.
#[derive(Clone, Copy)]
struct Keys {
    /// Words of a key.
    words: usize,
    /// Bytes of an element.
    size: usize,
    /// Kind of numbers, as `common/keys.glsl` counts them.
    class: u32,
    /// The bits of infinity.
    infinite: u32,
}

fn keys(d: DType) -> Option<Keys> {
    let (class, infinite) = match d {
        DType::Bool | DType::U8 | DType::U16 | DType::U32 | DType::U64 => (0, 0),
        DType::I8 | DType::I16 | DType::I32 | DType::I64 => (1, 0),
        DType::F16 => (2, 0x7c00),
        DType::BF16 => (2, 0x7f80),
        DType::F32 => (2, 0x7f80_0000),
        DType::C64 => (3, 0x7f80_0000),
        DType::F64 => return None,
    };
    let size = d.size();
    Some(Keys { words: if size == 8 { 2 } else { 1 }, size, class, infinite })
}

/// What is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gives {
    Places,
    Values,
    /// The elements at the places: of complex numbers, whose keys do not give them back.
    Elements,
}

fn gives(d: DType, places: bool) -> Gives {
    match d {
        _ if places => Gives::Places,
        DType::C64 => Gives::Elements,
        _ => Gives::Values,
    }
}

/// The largest power of two that is not above it.
fn power_below(x: u32) -> u32 {
    1 << x.max(1).ilog2()
}

/// Bytes of the entries of all lines.
fn entry_bytes(lines: &Lines, words: usize) -> usize {
    lines.count.saturating_mul(lines.n).saturating_mul(4 * words)
}

/// Whether lines of this dtype can be sorted.
pub(super) fn sortable(caps: &Caps, d: DType, lines: &Lines) -> bool {
    let Some(k) = keys(d) else { return false };
    let bytes = entry_bytes(lines, k.words + 1);
    lines.fit() && bytes as u64 + 256 <= caps.storage_range.min(1 << 32)
}

/// Sorts lines of a dtype that is [`sortable`]. Gives their entries, line after line: the words of the key, the high one
/// first, then, with `places`, the place in the line; those of equal keys rise.
pub(super) fn sorted(cx: &mut Cx<'_>, x: &Bound, d: DType, lines: &Lines, places: bool) -> Result<Bound> {
    let Some(k) = keys(d) else {
        return Err(mlx_ir::Error::unsupported(format!("[sort] no keys of {d} on the gpu")));
    };
    let words = k.words + usize::from(places);
    let kind = [k.words as u32, u32::from(places)];
    let count = lines.count * lines.n;
    let mut from = cx.scratch(entry_bytes(lines, words))?;

    let group = power_below(cx.caps.workgroup_invocations.min(256));
    let slots = power_below(cx.caps.shared_memory / 4 / words as u32).min(2048);
    let span = (lines.n.next_power_of_two() as u32).min(slots);
    let blocks = lines.n.div_ceil(span as usize);
    let mut push: SmallVec<[u32; PUSH_WORDS]> = smallvec![lines.count as u32, lines.n as u32, span, blocks as u32];
    push.extend(lines.push(x, k.size));
    let groups = folded(cx.caps, (lines.count * blocks).div_ceil((slots / span) as usize));
    cx.dispatch(&Dispatch {
        shader: &shaders::SORT_BLOCKS,
        spec: &[group, kind[0], kind[1], k.size as u32, k.class, k.infinite, slots],
        bind: &[x, &from],
        push: &push,
        groups,
    })?;

    let mut run = span as usize;
    if run < lines.n {
        let mut to = cx.scratch(entry_bytes(lines, words))?;
        while run < lines.n {
            cx.dispatch(&Dispatch {
                shader: &shaders::SORT_MERGE,
                spec: &[GROUP, kind[0], kind[1]],
                bind: &[&from, &to],
                push: &[count as u32, lines.n as u32, run as u32],
                groups: each(cx.caps, count),
            })?;
            std::mem::swap(&mut from, &mut to);
            run *= 2;
        }
    }
    Ok(from)
}

fn supports(caps: &Caps, x: &Desc, axis: usize, out: &Desc, places: bool) -> bool {
    let dtype = if places { DType::U32 } else { x.dtype };
    axis < x.ndim() && out.dtype == dtype && sortable(caps, x.dtype, &Lines::new(x, axis))
}

fn record(cx: &mut Cx<'_>, x: &Operand, axis: usize, out: &Operand, places: bool) -> Result<()> {
    let (d, lines) = (x.desc.dtype, Lines::new(&x.desc, axis));
    let Some(k) = keys(d) else { return Ok(()) };
    let (x, out) = (cx.input(x)?, cx.output(out)?);
    let gives = gives(d, places);
    let with_places = gives != Gives::Values;
    let entries = sorted(cx, &x, d, &lines, with_places)?;
    let count = lines.count * lines.n;
    let mut push: SmallVec<[u32; PUSH_WORDS]> =
        smallvec![count as u32, lines.n as u32, lines.inner as u32, out.first / 4];
    push.extend(lines.push(&x, k.size));
    let in_word = if places { 1 } else { (4 / k.size).max(1) };
    // The elements are read again only if they are written.
    let source = if gives == Gives::Elements { &x } else { &entries };
    cx.dispatch(&Dispatch {
        shader: &shaders::SORT_OUT,
        spec: &[GROUP, k.words as u32, u32::from(with_places), k.size as u32, k.class, k.infinite, gives as u32],
        bind: &[&entries, source, &out],
        push: &push,
        groups: each(cx.caps, count.div_ceil(in_word)),
    })
}

macro_rules! rows {
    ($($row:ident: $places:literal),*) => {$(
        impl Kernel for $row {
            fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
                supports(caps, &ins[0], self.axis, &outs[0], $places)
            }
            fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
                record(cx, &ins[0], self.axis, &outs[0], $places)
            }
        }
    )*};
}
rows!(Sort: false, ArgSort: true, Partition: false, ArgPartition: true);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{compare, host_array};
    use half::{bf16, f16};
    use mlx_ir::{C64, Element};

    fn both(x: &Operand, axis: usize) {
        let shape = &x.desc.shape;
        compare(Sort { axis }, std::slice::from_ref(x), &[Desc::contiguous(shape, x.desc.dtype)], 0.0);
        compare(ArgSort { axis }, std::slice::from_ref(x), &[Desc::contiguous(shape, DType::U32)], 0.0);
    }

    /// Numbers without order, many of them more than once.
    fn mixed(i: usize) -> u32 {
        (i as u32).wrapping_mul(2_654_435_761) >> 12
    }

    fn every<T: Element>(make: impl Fn(u32) -> T) {
        let of = |shape: &[usize]| {
            let n: usize = shape.iter().product();
            host_array(shape, &(0..n).map(|i| make(mixed(i))).collect::<Vec<T>>())
        };
        let x = of(&[3, 7, 5]);
        let mut turned = x.clone();
        turned.desc.shape.reverse();
        turned.desc.strides.reverse();
        let mut backwards = x.clone();
        backwards.offset += 6 * 5 * T::DTYPE.size();
        backwards.desc.strides[1] = -5;
        let mut same = of(&[7]);
        same.desc = Desc { shape: [3, 7].into_iter().collect(), strides: [0, 1].into_iter().collect(), ..same.desc };
        for axis in 0..3 {
            both(&x, axis);
            both(&turned, axis);
            both(&backwards, axis);
        }
        both(&same, 0);
        both(&same, 1);
        both(&of(&[1]), 0);
        both(&of(&[2049]), 0);
    }

    #[test]
    fn every_dtype_axis_and_layout() {
        every(|i| i as u8);
        every(|i| i as i8);
        every(|i| i as u16);
        every(|i| i as i16);
        every(|i| i % 997);
        every(|i| i as i32 % 997 - 500);
        every(|i| u64::from(i % 50) << 31);
        every(|i| (i64::from(i % 50) - 25) << 31);
        every(|i| i % 3 == 0);
        const SPECIAL: [f32; 6] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, -f32::NAN];
        let float =
            |i: u32| if i.is_multiple_of(5) { SPECIAL[i as usize / 5 % 6] } else { (i % 400) as f32 / 4.0 - 50.0 };
        every(float);
        every(|i| f16::from_f32(float(i)));
        every(|i| bf16::from_f32(float(i)));
        every(|i| C64::new(float(i), float(i / 7)));
    }

    #[test]
    fn long_lines_are_merged() {
        for (shape, axis) in [([3, 5000], 1), ([5000, 3], 0), ([1, 40_001], 1)] {
            let n = shape.iter().product();
            let x: Vec<f32> = (0..n).map(|i| if i % 900 == 7 { f32::NAN } else { (mixed(i) % 9000) as f32 }).collect();
            both(&host_array(&shape, &x), axis);
            both(&host_array(&shape, &(0..n).map(|i| (mixed(i) % 251) as u8).collect::<Vec<u8>>()), axis);
        }
    }

    #[test]
    fn a_partition_has_its_element_in_place() {
        let x: Vec<i32> = (0..3 * 137).map(|i| mixed(i) as i32 % 50).collect();
        let x = host_array(&[3, 137], &x);
        let Some(gpu) = crate::testing::backend() else { return };
        let sorted = crate::testing::run(
            crate::testing::cpu(),
            &Sort { axis: 1 }.into(),
            std::slice::from_ref(&x),
            std::slice::from_ref(&x.desc),
        );
        let want: Vec<i32> = mlx_cpu::host::to_vec(&sorted.expect("a kernel")[0]);
        for kth in [0, 70, 136] {
            let op = Partition { kth, axis: 1 };
            let got = crate::testing::run(gpu, &op.into(), std::slice::from_ref(&x), std::slice::from_ref(&x.desc));
            let got: Vec<i32> = mlx_cpu::host::to_vec(&got.expect("a kernel")[0]);
            let places = Desc::contiguous(&[3, 137], DType::U32);
            let at =
                crate::testing::run(gpu, &ArgPartition { kth, axis: 1 }.into(), std::slice::from_ref(&x), &[places]);
            let at: Vec<u32> = mlx_cpu::host::to_vec(&at.expect("a kernel")[0]);
            let data: Vec<i32> = mlx_cpu::host::to_vec(&x);
            for (row, line) in got.chunks(137).enumerate() {
                let pivot = want[row * 137 + kth];
                assert_eq!(line[kth], pivot);
                assert!(line[..kth].iter().all(|&v| v <= pivot) && line[kth..].iter().all(|&v| v >= pivot));
                let named: Vec<i32> = at[row * 137..][..137].iter().map(|&i| data[row * 137 + i as usize]).collect();
                assert_eq!(named[kth], pivot);
                assert!(named[..kth].iter().all(|&v| v <= pivot) && named[kth..].iter().all(|&v| v >= pivot));
            }
        }
    }
}
