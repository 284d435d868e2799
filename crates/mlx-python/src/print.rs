//! Arrays as text.

use crate::error::R;
use half::{bf16, f16};
use mlx::ops::{self};
use mlx::{Array, C64, DType};
use std::fmt::Write;
use std::sync::atomic::{AtomicI32, Ordering};

/// Decimals of printed floats; negative: six significant digits.
static PRECISION: AtomicI32 = AtomicI32::new(-1);

/// Sets the decimals of printed floats; negative: six significant digits.
pub fn set_precision(decimals: i32) {
    PRECISION.store(decimals, Ordering::Relaxed);
}

fn float(x: f64) -> String {
    match usize::try_from(PRECISION.load(Ordering::Relaxed)) {
        Ok(decimals) if x.is_finite() => format!("{x:.decimals$}"),
        _ => general(x, 6),
    }
}

/// An axis longer than this is shortened.
const LONG: usize = 6;
/// Elements left at each end of a shortened axis.
const EDGE: usize = 3;

/// A number with so many significant digits, in C's `%g` form.
pub fn general(x: f64, digits: u32) -> String {
    if x.is_nan() {
        return if x.is_sign_negative() { "-nan".into() } else { "nan".into() };
    }
    if x.is_infinite() {
        return if x > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let digits = digits.max(1) as usize;
    let scientific = format!("{:.*e}", digits - 1, x);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let e: i32 = exponent.parse().unwrap_or(0);
    let trim = |s: &str| -> String {
        if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.').to_owned() } else { s.to_owned() }
    };
    if e < -4 || e >= digits as i32 {
        let sign = if e < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", trim(mantissa), e.abs());
    }
    trim(&format!("{:.*}", (digits as i32 - 1 - e).max(0) as usize, x))
}

/// One element of each dtype as text.
enum Text {
    Bool(Vec<bool>),
    Int(Vec<i128>),
    Float(Vec<f64>),
    Complex(Vec<C64>),
}

impl Text {
    fn put(&self, out: &mut String, i: usize) {
        let _ = match self {
            Text::Bool(v) => out.write_str(if v[i] { "True" } else { "False" }),
            Text::Int(v) => write!(out, "{}", v[i]),
            Text::Float(v) => out.write_str(&float(v[i])),
            Text::Complex(v) => {
                let im = v[i].im;
                let sign = if im >= 0.0 || im.is_nan() { "+" } else { "" };
                write!(out, "{}{sign}{}j", float(v[i].re as f64), float(im as f64))
            }
        };
    }
}

fn values(a: &Array) -> R<Text> {
    macro_rules! ints {
        ($t:ty) => {
            Text::Int(a.to_vec::<$t>()?.into_iter().map(|x| x as i128).collect())
        };
    }
    Ok(match a.dtype() {
        DType::Bool => Text::Bool(a.to_vec::<bool>()?),
        DType::U8 => ints!(u8),
        DType::U16 => ints!(u16),
        DType::U32 => ints!(u32),
        DType::U64 => ints!(u64),
        DType::I8 => ints!(i8),
        DType::I16 => ints!(i16),
        DType::I32 => ints!(i32),
        DType::I64 => ints!(i64),
        DType::F16 => Text::Float(a.to_vec::<f16>()?.into_iter().map(f16::to_f64).collect()),
        DType::BF16 => Text::Float(a.to_vec::<bf16>()?.into_iter().map(bf16::to_f64).collect()),
        DType::F32 => Text::Float(a.to_vec::<f32>()?.into_iter().map(f64::from).collect()),
        DType::F64 => Text::Float(a.to_vec::<f64>()?),
        DType::C64 => Text::Complex(a.to_vec::<C64>()?),
    })
}

/// The corners of a large array: at most [`LONG`] elements an axis are read.
fn corners(a: &Array) -> R<Array> {
    let mut x = a.clone();
    for axis in 0..a.ndim() {
        let n = a.shape()[axis];
        if n > LONG {
            let ax = axis as i64;
            let (head, tail) =
                (ops::slice_axis(&x, ax, 0, EDGE as i64)?, ops::slice_axis(&x, ax, (n - EDGE) as i64, n as i64)?);
            x = ops::concatenate(&[head, tail], ax)?;
        }
    }
    Ok(x)
}

/// As `repr` shows it. The array must be computed.
pub fn array(a: &Array) -> R<String> {
    let mut out = String::from("array(");
    let small = corners(a)?;
    small.eval()?;
    let text = values(&small)?;
    if a.ndim() == 0 {
        text.put(&mut out, 0);
    } else {
        let mut next = 0;
        level(&mut out, &text, a.shape(), 0, &mut next);
    }
    let _ = write!(out, ", dtype={})", a.dtype());
    Ok(out)
}

fn level(out: &mut String, text: &Text, shape: &[usize], depth: usize, next: &mut usize) {
    let n = shape[depth];
    let last = depth + 1 == shape.len();
    let shown = n.min(LONG);
    out.push('[');
    for i in 0..shown {
        if i > 0 {
            separate(out, last, depth);
        }
        if n > LONG && i == EDGE {
            out.push_str("...");
            separate(out, last, depth);
        }
        if last {
            text.put(out, *next);
            *next += 1;
        } else {
            level(out, text, shape, depth + 1, next);
        }
    }
    out.push(']');
}

fn separate(out: &mut String, last: bool, depth: usize) {
    if last {
        out.push_str(", ");
    } else {
        let _ = write!(out, ",\n{:1$}", "", depth + "array([".len());
    }
}
