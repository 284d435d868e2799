//! Every scalar function with every dtype in every layout, against the processor.

use crate::testing::{backend, compare, cpu, host_array, run, without};
use half::f16;
use mlx_ir::dtype::{bf16_of, f16_of};
use mlx_ir::op::Map;
use mlx_ir::{Backend, C64, DType, Desc, Element, Func, Op, Operand, Tape, TapeBuilder};
use std::sync::Arc;

/// The elements of `x` in an order for each argument, so that pairs differ.
fn operand(d: DType, len: usize, turn: usize) -> Operand {
    const REALS: [f64; 24] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        2.5,
        -2.5,
        0.98,
        -0.3,
        1e-3,
        3.0,
        -7.0,
        40.0,
        100.0,
        -100.0,
        0.125,
        1.5,
        6.25,
        -0.7,
        12.0,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    const WHOLE: [i64; 14] = [0, 1, 2, 3, 5, 7, 8, 15, 31, 63, 100, -1, -2, -100];
    const TOPS: [i64; 6] = [127, 255, 32767, 65535, i32::MAX as i64, i64::MAX];
    let at = |i: usize, n: usize| (i * [1, 7, 11][turn] + i / n * (turn + 1) + turn) % n;
    let real = |i: usize| REALS[at(i, REALS.len())];
    let whole = |i: usize| {
        let k = at(i, WHOLE.len() + TOPS.len());
        if k < WHOLE.len() { WHOLE[k] } else { TOPS[k - WHOLE.len()] }
    };
    macro_rules! ints {
        ($t:ty) => {
            host_array(&[len], &(0..len).map(|i| whole(i) as $t).collect::<Vec<$t>>())
        };
    }
    match d {
        DType::Bool => host_array(&[len], &(0..len).map(|i| at(i, 5) % 2 == 0).collect::<Vec<bool>>()),
        DType::U8 => ints!(u8),
        DType::U16 => ints!(u16),
        DType::U32 => ints!(u32),
        DType::U64 => ints!(u64),
        DType::I8 => ints!(i8),
        DType::I16 => ints!(i16),
        DType::I32 => ints!(i32),
        DType::I64 => ints!(i64),
        DType::F16 => host_array(&[len], &(0..len).map(|i| f16_of(real(i))).collect::<Vec<_>>()),
        DType::BF16 => host_array(&[len], &(0..len).map(|i| bf16_of(real(i))).collect::<Vec<_>>()),
        DType::F32 => host_array(&[len], &(0..len).map(|i| real(i) as f32).collect::<Vec<_>>()),
        DType::F64 => host_array(&[len], &(0..len).map(real).collect::<Vec<_>>()),
        DType::C64 => {
            let value = |i: usize| C64::new(real(i) as f32, real(i / 3 + 5) as f32);
            host_array(&[len], &(0..len).map(value).collect::<Vec<_>>())
        }
    }
}

/// Ways in which `m`·`n` elements are shown as (m, n).
#[derive(Clone, Copy, Debug)]
enum Layout {
    Flat,
    Offset,
    Transposed,
    Row,
    Backwards,
    One,
}

fn lay_out(o: &Operand, m: usize, n: usize, layout: Layout) -> Operand {
    let (rows, columns, size) = (m as isize, n as isize, o.desc.dtype.size());
    let (strides, first) = match layout {
        Layout::Flat => ([columns, 1], 0),
        Layout::Offset => ([columns, 1], 3),
        Layout::Transposed => ([1, rows], 0),
        Layout::Row => ([0, 1], 1),
        Layout::Backwards => ([-columns, -1], m * n - 1),
        Layout::One => ([0, 0], 2),
    };
    let desc =
        Desc { shape: [m, n].into_iter().collect(), strides: strides.into_iter().collect(), dtype: o.desc.dtype };
    Operand { desc, buffer: o.buffer.clone(), offset: first * size }
}

/// Layouts of the arguments of a call.
const LAYOUTS: [[Layout; 3]; 5] = [
    [Layout::Flat, Layout::Flat, Layout::Flat],
    [Layout::Offset, Layout::One, Layout::Offset],
    [Layout::Transposed, Layout::Row, Layout::Flat],
    [Layout::Backwards, Layout::Transposed, Layout::One],
    [Layout::Row, Layout::Backwards, Layout::Transposed],
];

/// How far the results of f32 arithmetic may be off, relative to the larger of the result and 1.
fn tolerance(f: Func) -> f64 {
    match f {
        Func::Tan | Func::Power | Func::Erfinv => 1e-6,
        Func::Floor | Func::Ceil | Func::Trunc | Func::Round | Func::Remainder | Func::FloorDivide => 0.0,
        _ => 5e-7,
    }
}

fn check(tape: Tape, at: DType, tolerance: f64) -> bool {
    let Some(gpu) = backend() else { return true };
    // An odd count, so that narrow elements end inside a word.
    let (m, n) = (7, 43);
    let bases: Vec<Operand> = tape.inputs().iter().enumerate().map(|(j, &d)| operand(d, m * n + 3, j)).collect();
    let out = Desc::contiguous(&[m, n], tape.dtype());
    let op: Op = Map { tape: Arc::new(tape) }.into();
    // What is compared with the processor's values must be equal where nothing is rounded.
    let tolerance = if at.is_inexact() { tolerance } else { 0.0 };
    for layouts in LAYOUTS {
        let ins: Vec<Operand> = bases.iter().zip(layouts).map(|(o, l)| lay_out(o, m, n, l)).collect();
        let descs: Vec<Desc> = ins.iter().map(|o| o.desc.clone()).collect();
        if !gpu.supports(&op, &descs, std::slice::from_ref(&out)) {
            return false;
        }
        compare(op.clone(), &ins, std::slice::from_ref(&out), tolerance);
    }
    true
}

/// Whether the device has no integers of this width.
fn lacks(d: DType) -> bool {
    matches!(d, DType::U64 | DType::I64) && backend().is_some_and(|b| !b.caps().int64)
}

#[test]
fn functions_of_every_dtype_and_layout() {
    let mut declined = Vec::new();
    for &f in Func::ALL {
        if f == Func::Convert {
            continue;
        }
        for d in DType::ALL {
            let Ok((enter, result)) = f.types(d) else { continue };
            if enter != d || d == DType::F64 {
                continue;
            }
            if !check(Tape::single(f, d, result), d, tolerance(f)) {
                declined.push((f, d));
            }
        }
    }
    // Only functions of complex numbers are left to the processor, and 64-bit integers where the device has none.
    assert!(declined.iter().all(|&(_, d)| d == DType::C64 || lacks(d)), "{declined:?}");
}

#[test]
fn conversions_between_all_dtypes() {
    for from in DType::ALL {
        for to in DType::ALL {
            if from != DType::F64 && to != DType::F64 {
                let made = check(Tape::convert(from, to), from, 0.0);
                assert!(made || lacks(from) || lacks(to), "{from} to {to} is declined");
            }
        }
    }
}

#[test]
fn arrays_of_many_words_end_where_they_should() {
    let Some(gpu) = backend() else { return };
    for d in [DType::U8, DType::F16, DType::F32, DType::C64] {
        let each = (4 / d.size()).max(1);
        // Words enough for invocations that compute several, a workgroup that lacks some, and a word that is not whole.
        let n = each * (super::map::MANY + 700) + each / 2;
        let (a, b) = (operand(d, n + 3, 0), operand(d, n + 3, 1));
        let (out, tape) = (Desc::contiguous(&[n], d), Tape::single(Func::Add, d, d));
        for layouts in [
            [Layout::Flat, Layout::Flat],
            [Layout::One, Layout::Flat],
            [Layout::Offset, Layout::One],
            [Layout::Backwards, Layout::Flat],
        ] {
            let shown = |o: &Operand, l| {
                let mut o = lay_out(o, 1, n, l);
                (o.desc.shape, o.desc.strides) =
                    ([n].into_iter().collect(), o.desc.strides[1..].iter().copied().collect());
                o
            };
            let ins = [shown(&a, layouts[0]), shown(&b, layouts[1])];
            let op: Op = Map { tape: Arc::new(tape.clone()) }.into();
            assert!(gpu.supports(&op, &[ins[0].desc.clone(), ins[1].desc.clone()], std::slice::from_ref(&out)), "{d}");
            compare(op, &ins, std::slice::from_ref(&out), if d.is_inexact() { 1e-6 } else { 0.0 });
        }
    }
}

#[test]
fn many_elements_of_several_widths() {
    let d = DType::F32;
    let tapes = [
        Tape::single(Func::Select, d, d),
        Tape::single(Func::Less, d, DType::Bool),
        Tape::convert(DType::F16, d),
        Tape::convert(d, DType::BF16),
        Tape::convert(DType::U8, DType::C64),
        Tape::convert(DType::C64, DType::F16),
    ];
    for tape in tapes {
        // Words enough of any of them, and some elements after the last block.
        let n = 4 * super::map::MANY + 11;
        let ins: Vec<Operand> = tape.inputs().iter().enumerate().map(|(j, &d)| operand(d, n, j)).collect();
        let out = Desc::contiguous(&[n], tape.dtype());
        compare(Map { tape: Arc::new(tape) }, &ins, std::slice::from_ref(&out), 1e-6);
    }
}

/// Bits of the only output, on the device as it is and where it converts no f16 itself.
fn converted<T: Element>(op: &Map, x: &Operand, bits: impl Fn(&T) -> u32) -> Option<Vec<Vec<u32>>> {
    let gpu = backend()?;
    let plain = without("half_rounds").expect("it opened before");
    let out = [Desc::contiguous(&x.desc.shape, T::DTYPE)];
    let devices: [&dyn Backend; 3] = [cpu(), gpu, &plain];
    let read = |b: &dyn Backend| {
        let made = run(b, &op.clone().into(), std::slice::from_ref(x), &out).expect("a kernel");
        mlx_cpu::host::to_vec::<T>(&made[0]).iter().map(&bits).collect()
    };
    Some(devices.into_iter().map(read).collect())
}

/// Sees that all have the same bits, or are no numbers.
fn alike(all: &[Vec<u32>], is_nan: impl Fn(u32) -> bool, what: &str) {
    for other in &all[1..] {
        for (i, (x, y)) in all[0].iter().zip(other).enumerate() {
            assert!(x == y || (is_nan(*x) && is_nan(*y)), "{what} {i}: {y:#x}, the processor's is {x:#x}");
        }
    }
}

fn no_half(h: u32) -> bool {
    h & 0x7fff > 0x7c00
}

#[test]
fn every_f16_is_converted_exactly() {
    let all: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).collect();
    let x = host_array(&[all.len()], &all);
    let op = Map { tape: Arc::new(Tape::convert(DType::F16, DType::F32)) };
    let Some(found) = converted::<f32>(&op, &x, |v| v.to_bits()) else { return };
    alike(&found, |u| f32::from_bits(u).is_nan(), "f16");
}

#[test]
fn f32_become_the_nearest_f16() {
    // Every f16 below infinity, the middle between it and the next, and its neighbours.
    let mut v: Vec<f32> = Vec::new();
    for h in 0..0x7c00u16 {
        let (x, next) =
            (f16::from_bits(h).to_f32(), if h == 0x7bff { 65536.0 } else { f16::from_bits(h + 1).to_f32() });
        let middle = x / 2.0 + next / 2.0;
        v.extend([x, middle, f32::from_bits(middle.to_bits() - 1), f32::from_bits(middle.to_bits() + 1)]);
    }
    v.extend([f32::INFINITY, f32::NAN, 1e38, f32::MIN_POSITIVE, 1e-40]);
    let v: Vec<f32> = v.iter().flat_map(|&x| [x, -x]).collect();
    let x = host_array(&[v.len()], &v);
    let op = Map { tape: Arc::new(Tape::convert(DType::F32, DType::F16)) };
    let Some(found) = converted::<f16>(&op, &x, |v| v.to_bits().into()) else { return };
    alike(&found, no_half, "f32");
    assert_eq!(found[1], found[2]);
}

#[test]
fn every_step_of_a_chain_is_rounded_to_f16() {
    let all: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).collect();
    let x = host_array(&[all.len()], &all);
    for factor in [0.37, 1.0 / 3000.0, 700.0] {
        let mut t = TapeBuilder::new(&[DType::F16]);
        let c = t.constant(f16::from_f32(factor)).expect("a constant");
        let y = t.call(Func::Multiply, &[0, c]).expect("a function");
        let z = t.call(Func::Multiply, &[y, c]).expect("a function");
        t.call(Func::Add, &[z, y]).expect("a function");
        let op = Map { tape: Arc::new(t.finish()) };
        let Some(found) = converted::<f16>(&op, &x, |v| v.to_bits().into()) else { return };
        alike(&found, no_half, "element");
        assert_eq!(found[1], found[2]);
    }
}

#[test]
fn shaders_ask_for_what_the_device_promises() {
    use crate::emit::{Halves, Place, map};
    // Capabilities of SPIR-V: rounding to the nearest, infinities, subnormal numbers, f16.
    const ALL: [u32; 4] = [4467, 4466, 4464, 9];
    let asked = |from, to, halves| -> Vec<u32> {
        let code = map(&Tape::convert(from, to), &[Place::Flat], Place::Flat, 1, 1, halves).expect("a shader");
        let (mut at, mut found) = (5, Vec::new());
        while at < code.len() {
            if code[at] & 0xffff == 17 {
                found.push(code[at + 1]);
            }
            at += (code[at] >> 16) as usize;
        }
        ALL.into_iter().filter(|c| found.contains(c)).collect()
    };
    assert_eq!(asked(DType::F32, DType::F16, Halves::All), ALL);
    assert_eq!(asked(DType::F16, DType::F32, Halves::Normal), [4467, 4466, 9]);
    assert_eq!(asked(DType::F16, DType::F32, Halves::Integers), [0; 0]);
    assert_eq!(asked(DType::F32, DType::BF16, Halves::All), [0; 0]);
    let caps =
        |fp16, half_rounds, half_subnormals| crate::Caps { fp16, half_rounds, half_subnormals, ..Default::default() };
    assert_eq!(Halves::of(&caps(true, true, true)), Halves::All);
    assert_eq!(Halves::of(&caps(true, true, false)), Halves::Normal);
    assert_eq!(Halves::of(&caps(true, false, true)), Halves::Integers);
    assert_eq!(Halves::of(&caps(false, true, true)), Halves::Integers);
}
