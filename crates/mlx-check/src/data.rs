//! Inputs of cases: seeded values of several kinds, and the memory layouts in which they are given.

use mlx::ops;
use mlx::reference::{Num, Tensor, flat, unflat};
use mlx::{Array, DType, Result};
use mlx_ir::QuantFormat;

/// Kinds of values.
#[derive(Clone, Debug)]
pub enum Data {
    /// Normally distributed; integers −100 to 100 (unsigned 0 to 100).
    Normal,
    /// 0.1 to 4; integers 1 to 100.
    Positive,
    /// −0.98 to 0.98.
    Unit,
    /// Whole numbers in a range, both ends included (unsigned dtypes cut off below 0).
    Whole(i64, i64),
    /// A shuffled run of different numbers with gaps of 0.1 (1 for integers, as far as the dtype reaches).
    Distinct,
    /// NaN, infinities, zeros of both signs, denormals, extremes, halves; extremes of integers.
    Special,
    /// All bits random: keys, codes.
    Bits,
    /// Rows of blocks of a GGUF format, encoded from normal values; the shape is (rows, elements of a row).
    Blocks(QuantFormat),
    /// These numbers, over and over.
    Given(Vec<f64>),
}

/// One input of a case.
#[derive(Clone, Debug)]
pub struct Input {
    /// Kind of values.
    pub data: Data,
    /// Shape (of blocks: the decoded shape).
    pub shape: Vec<usize>,
    /// A dtype of its own.
    pub dtype: Option<DType>,
}

fn input(data: Data, shape: &[usize], dtype: Option<DType>) -> Input {
    Input { data, shape: shape.to_vec(), dtype }
}

/// Normally distributed values.
pub fn normal(shape: &[usize]) -> Input {
    input(Data::Normal, shape, None)
}
/// Positive values.
pub fn positive(shape: &[usize]) -> Input {
    input(Data::Positive, shape, None)
}
/// Values between −1 and 1.
pub fn unit(shape: &[usize]) -> Input {
    input(Data::Unit, shape, None)
}
/// Whole numbers in a range.
pub fn whole(lo: i64, hi: i64, shape: &[usize]) -> Input {
    input(Data::Whole(lo, hi), shape, None)
}
/// Different values.
pub fn distinct(shape: &[usize]) -> Input {
    input(Data::Distinct, shape, None)
}
/// Special values.
pub fn special(shape: &[usize]) -> Input {
    input(Data::Special, shape, None)
}
/// Given values, over and over.
pub fn given(values: &[f64], shape: &[usize]) -> Input {
    input(Data::Given(values.to_vec()), shape, None)
}
/// i32 positions in `[-n, n)`.
pub fn index(n: usize, shape: &[usize]) -> Input {
    input(Data::Whole(-(n as i64), n as i64 - 1), shape, Some(DType::I32))
}
/// Truth values.
pub fn bools(shape: &[usize]) -> Input {
    input(Data::Bits, shape, Some(DType::Bool))
}
/// Random u32: keys and codes.
pub fn bits(shape: &[usize]) -> Input {
    input(Data::Bits, shape, Some(DType::U32))
}
/// Rows of GGUF blocks.
pub fn blocks(format: QuantFormat, rows: usize, k: usize) -> Input {
    input(Data::Blocks(format), &[rows, k], Some(DType::U8))
}

impl Input {
    /// With a dtype of its own.
    pub fn of(mut self, dtype: DType) -> Input {
        self.dtype = Some(dtype);
        self
    }

    /// The values, by a seed; `dtype` is that of the case.
    pub fn build(&self, dtype: DType, seed: u64) -> Tensor {
        let dtype = self.dtype.unwrap_or(dtype);
        let mut rng = Rng::new(seed);
        let unsigned = dtype.is_unsigned() || dtype == DType::Bool;
        let float = dtype.is_inexact();
        let shape = &self.shape;
        match &self.data {
            Data::Blocks(format) => encoded(*format, shape[0], shape[1], &mut rng),
            Data::Distinct => {
                let n: usize = shape.iter().product();
                let mut p: Vec<usize> = (0..n).collect();
                for i in (1..n).rev() {
                    p.swap(i, rng.below(i as u64 + 1) as usize);
                }
                let middle = n as f64 / 2.0;
                Tensor::build(shape, dtype, |i| {
                    let x = p[i] as f64;
                    if float {
                        Num::Complex((x - middle) * 0.1, 0.1 * rng.unit())
                    } else if unsigned {
                        Num::Int((p[i] % 256) as i128)
                    } else {
                        Num::Int((p[i] % 256) as i128 - 128)
                    }
                })
            }
            Data::Special => {
                let s = specials(dtype);
                Tensor::build(shape, dtype, |_| s[rng.below(s.len() as u64) as usize])
            }
            Data::Given(v) => Tensor::build(shape, dtype, |i| Num::Float(v[i % v.len()])),
            Data::Bits => Tensor::build(shape, dtype, |_| {
                Num::Int((rng.next() >> 20 & 0xffff_ffff) as i128 % if dtype == DType::Bool { 2 } else { 1 << 32 })
            }),
            Data::Whole(lo, hi) => {
                let lo = if unsigned { (*lo).max(0) } else { *lo };
                Tensor::build(shape, dtype, |_| Num::Int((lo + rng.below((hi - lo) as u64 + 1) as i64) as i128))
            }
            Data::Normal if float => Tensor::build(shape, dtype, |_| Num::Complex(rng.normal(), rng.normal())),
            Data::Positive if float => {
                Tensor::build(shape, dtype, |_| Num::Complex(2.05 + 1.95 * rng.unit(), rng.unit()))
            }
            Data::Unit if float => Tensor::build(shape, dtype, |_| Num::Complex(0.98 * rng.unit(), 0.98 * rng.unit())),
            Data::Normal => Tensor::build(shape, dtype, |_| {
                Num::Int(if unsigned { rng.below(101) as i128 } else { rng.below(201) as i128 - 100 })
            }),
            Data::Positive => Tensor::build(shape, dtype, |_| Num::Int(rng.below(100) as i128 + 1)),
            Data::Unit => Tensor::build(shape, dtype, |_| {
                Num::Int(if unsigned { rng.below(2) as i128 } else { rng.below(3) as i128 - 1 })
            }),
        }
    }
}

fn encoded(format: QuantFormat, rows: usize, k: usize, rng: &mut Rng) -> Tensor {
    let bytes = format.row_bytes(k).expect("cases name whole blocks");
    let mut all = Vec::with_capacity(rows * bytes);
    let mut out = vec![0u8; bytes];
    for _ in 0..rows {
        let row: Vec<f32> = (0..k).map(|_| rng.normal() as f32).collect();
        format.encode_row(&row, &mut out).expect("cases use formats that can be encoded");
        all.extend_from_slice(&out);
    }
    Tensor::build(&[rows, bytes], DType::U8, |i| Num::Int(all[i] as i128))
}

fn specials(dtype: DType) -> Vec<Num> {
    if !dtype.is_inexact() {
        let bits = 8 * dtype.size() as u32;
        let (lo, hi) = match dtype {
            DType::Bool => (0, 1),
            d if d.is_unsigned() => (0, (1i128 << bits) - 1),
            _ => (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1),
        };
        return [lo, lo + 1, 0, 1, hi / 2, hi - 1, hi].map(|i| Num::Int(i.clamp(lo, hi))).to_vec();
    }
    let (tiny, least, huge) = match dtype {
        DType::F16 => (6.104e-5, 5.97e-8, 65504.0),
        DType::F64 => (f64::MIN_POSITIVE, 5e-324, f64::MAX),
        DType::BF16 => (f32::MIN_POSITIVE as f64, 9.2e-41, 3.3895314e38),
        _ => (f32::MIN_POSITIVE as f64, 1.5e-45, f32::MAX as f64),
    };
    let reals = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -0.0,
        tiny,
        -tiny,
        tiny / 4.0,
        least,
        huge,
        -huge,
        1.0,
        -1.0,
        0.5,
        -0.5,
        1.5,
        2.5,
        -2.5,
        3.0,
        1e-3,
        100.0,
        -100.0,
    ];
    if dtype.is_complex() {
        let parts = [0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -3.0];
        return parts.iter().flat_map(|&r| parts.map(|i| Num::Complex(r, i))).collect();
    }
    reals.map(Num::Float).to_vec()
}

/// How an input lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Row-major.
    Contiguous,
    /// The last two axes exchanged.
    Transposed,
    /// Inside a larger array, from an offset, every second element of the last axis.
    Sliced,
    /// The first axis longer than one repeated with stride 0.
    Broadcast,
    /// All axes backwards.
    Negative,
    /// Every input in another of these.
    Mixed,
}

impl Layout {
    /// All layouts.
    pub const ALL: [Layout; 6] =
        [Layout::Contiguous, Layout::Transposed, Layout::Sliced, Layout::Broadcast, Layout::Negative, Layout::Mixed];
    /// Lower-case name.
    pub fn name(self) -> &'static str {
        match self {
            Layout::Contiguous => "contiguous",
            Layout::Transposed => "transposed",
            Layout::Sliced => "sliced",
            Layout::Broadcast => "broadcast",
            Layout::Negative => "negative",
            Layout::Mixed => "mixed",
        }
    }
    /// The layout of input `i`.
    pub fn of_input(self, i: usize) -> Layout {
        match self {
            Layout::Mixed => Layout::ALL[[2, 0, 1, 4, 3][i % 5]],
            l => l,
        }
    }
    /// Whether some input of these shapes lies otherwise than in a simpler layout.
    pub fn applies(self, shapes: &[&[usize]]) -> bool {
        let long = |s: &&[usize]| s.iter().any(|&d| d > 1) && s.iter().all(|&d| d > 0);
        match self {
            Layout::Contiguous => true,
            Layout::Transposed => shapes.iter().any(|s| s.len() > 1),
            Layout::Sliced | Layout::Broadcast | Layout::Negative => shapes.iter().any(long),
            Layout::Mixed => shapes.iter().filter(|s| long(s)).count() > 1,
        }
    }
}

fn remapped(t: &Tensor, shape: &[usize], f: impl Fn(&[usize]) -> Option<Vec<usize>>) -> Tensor {
    // Between the elements lies what would be noticed: NaN, or an odd number.
    Tensor::build(shape, t.dtype, |i| match f(&unflat(shape, i)) {
        Some(at) => t.get(flat(&t.shape, &at)),
        None if t.dtype.is_inexact() => Num::Complex(f64::NAN, f64::NAN),
        None => Num::Int(if t.dtype == DType::Bool { 1 } else { 113 }),
    })
}

/// An array with the values of `t` in a layout, and the values it really shows (repeats change them).
pub fn lay_out(t: &Tensor, layout: Layout) -> Result<(Array, Tensor)> {
    let n = t.shape.len();
    let shape = t.shape.to_vec();
    let (a, shown) = match layout {
        Layout::Transposed if n > 1 => {
            let mut s = shape.clone();
            s.swap(n - 1, n - 2);
            let stored = remapped(t, &s, |at| {
                let mut at = at.to_vec();
                at.swap(n - 1, n - 2);
                Some(at)
            });
            (ops::swapaxes(&stored.to_array()?, -1, -2)?, t.clone())
        }
        Layout::Sliced if n > 0 && t.size() > 0 => {
            let mut s: Vec<usize> = shape.iter().map(|d| d + 2).collect();
            s[n - 1] = 2 * shape[n - 1] + 3;
            let stored = remapped(t, &s, |at| {
                let mut at = at.to_vec();
                at[n - 1] = if at[n - 1] % 2 == 1 { at[n - 1] / 2 + 1 } else { 0 };
                at.iter().zip(&shape).map(|(&p, &d)| p.checked_sub(1).filter(|&p| p < d)).collect()
            });
            let mut stop: Vec<i64> = shape.iter().map(|&d| d as i64 + 1).collect();
            stop[n - 1] = 2 * shape[n - 1] as i64 + 1;
            let mut step = vec![1; n];
            step[n - 1] = 2;
            (ops::slice(&stored.to_array()?, &vec![1; n], &stop, &step)?, t.clone())
        }
        Layout::Broadcast => match shape.iter().position(|&d| d > 1).filter(|_| t.size() > 0) {
            Some(axis) => {
                let first = |at: &[usize]| {
                    let mut at = at.to_vec();
                    at[axis] = 0;
                    Some(at)
                };
                let mut s = shape.clone();
                s[axis] = 1;
                let shown = remapped(t, &shape, first);
                (ops::broadcast_to(&remapped(t, &s, first).to_array()?, &shape)?, shown)
            }
            None => (t.to_array()?, t.clone()),
        },
        Layout::Negative if n > 0 => {
            let back = |at: &[usize]| Some(at.iter().zip(&shape).map(|(&p, &d)| d - 1 - p).collect());
            (ops::flip(&remapped(t, &shape, back).to_array()?, None)?, t.clone())
        }
        _ => (t.to_array()?, t.clone()),
    };
    a.eval()?;
    Ok((a, shown))
}

/// A small generator (SplitMix64).
pub struct Rng(u64);

impl Rng {
    /// From a seed.
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }
    /// From a text: the same text, the same numbers.
    pub fn seed_of(text: &str) -> u64 {
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ b as u64).wrapping_mul(0x0100_0000_01b3))
    }
    /// 64 random bits.
    #[allow(clippy::should_implement_trait, reason = "it never ends, so it is no iterator")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
    /// Below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        ((self.next() as u128 * n as u128) >> 64) as u64
    }
    /// In [−1, 1).
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
    /// Normally distributed.
    pub fn normal(&mut self) -> f64 {
        let r = (1.0 - (self.unit() + 1.0) / 2.0).max(1e-300);
        (-2.0 * r.ln()).sqrt() * (self.unit() * std::f64::consts::PI).cos()
    }
}
