//! The dtypes, their properties and the promotion rules of MLX.

use half::{bf16, f16};
use std::fmt;

/// Element type of an array. The order is MLX's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum DType {
    /// One byte, 0 or 1.
    Bool,
    /// Unsigned 8-bit.
    U8,
    /// Unsigned 16-bit.
    U16,
    /// Unsigned 32-bit.
    U32,
    /// Unsigned 64-bit.
    U64,
    /// Signed 8-bit.
    I8,
    /// Signed 16-bit.
    I16,
    /// Signed 32-bit.
    I32,
    /// Signed 64-bit.
    I64,
    /// IEEE half precision.
    F16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
    /// Brain float: the upper half of an f32.
    BF16,
    /// Complex number of two f32.
    C64,
}

/// Broad class of a dtype.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `bool`.
    Bool,
    /// Unsigned integers.
    Unsigned,
    /// Signed integers.
    Signed,
    /// f16, bf16, f32, f64.
    Float,
    /// complex64.
    Complex,
}

/// An f64 as f16, by f32 as MLX rounds. What `half` has for it differs by machine: without instructions of its own it
/// leaves out the number's last 32 bits, and so takes some for ties that are none.
pub fn f16_of(x: f64) -> f16 {
    f16::from_f32(x as f32)
}

/// An f64 as bf16, as [`f16_of`].
pub fn bf16_of(x: f64) -> bf16 {
    bf16::from_f32(x as f32)
}

impl DType {
    /// All dtypes in MLX's order.
    pub const ALL: [DType; 14] = [
        DType::Bool,
        DType::U8,
        DType::U16,
        DType::U32,
        DType::U64,
        DType::I8,
        DType::I16,
        DType::I32,
        DType::I64,
        DType::F16,
        DType::F32,
        DType::F64,
        DType::BF16,
        DType::C64,
    ];

    /// Size of an element in bytes.
    pub const fn size(self) -> usize {
        match self {
            DType::Bool | DType::U8 | DType::I8 => 1,
            DType::U16 | DType::I16 | DType::F16 | DType::BF16 => 2,
            DType::U32 | DType::I32 | DType::F32 => 4,
            DType::U64 | DType::I64 | DType::F64 | DType::C64 => 8,
        }
    }

    /// MLX's (and numpy's) name: `float32`, `bool`, `bfloat16`, …
    pub const fn name(self) -> &'static str {
        match self {
            DType::Bool => "bool",
            DType::U8 => "uint8",
            DType::U16 => "uint16",
            DType::U32 => "uint32",
            DType::U64 => "uint64",
            DType::I8 => "int8",
            DType::I16 => "int16",
            DType::I32 => "int32",
            DType::I64 => "int64",
            DType::F16 => "float16",
            DType::F32 => "float32",
            DType::F64 => "float64",
            DType::BF16 => "bfloat16",
            DType::C64 => "complex64",
        }
    }

    /// The dtype with this MLX name.
    pub fn from_name(name: &str) -> Option<DType> {
        DType::ALL.into_iter().find(|d| d.name() == name)
    }

    /// Broad class.
    pub const fn kind(self) -> Kind {
        match self {
            DType::Bool => Kind::Bool,
            DType::U8 | DType::U16 | DType::U32 | DType::U64 => Kind::Unsigned,
            DType::I8 | DType::I16 | DType::I32 | DType::I64 => Kind::Signed,
            DType::F16 | DType::F32 | DType::F64 | DType::BF16 => Kind::Float,
            DType::C64 => Kind::Complex,
        }
    }

    /// f16, bf16, f32 or f64.
    pub const fn is_float(self) -> bool {
        matches!(self.kind(), Kind::Float)
    }
    /// complex64.
    pub const fn is_complex(self) -> bool {
        matches!(self, DType::C64)
    }
    /// Float or complex.
    pub const fn is_inexact(self) -> bool {
        matches!(self.kind(), Kind::Float | Kind::Complex)
    }
    /// Signed or unsigned integer (not bool).
    pub const fn is_integer(self) -> bool {
        matches!(self.kind(), Kind::Signed | Kind::Unsigned)
    }
    /// Unsigned integer.
    pub const fn is_unsigned(self) -> bool {
        matches!(self.kind(), Kind::Unsigned)
    }

    /// Result dtype of combining two arrays (`mx.result_type`), MLX's lattice.
    pub fn promote(self, other: DType) -> DType {
        use DType::*;
        let (a, b) = if self <= other { (self, other) } else { (other, self) };
        if a == b {
            return a;
        }
        if self.is_complex() || other.is_complex() {
            return C64;
        }
        match (a.kind(), b.kind()) {
            (Kind::Bool, _) => b,
            (_, Kind::Bool) => a,
            (Kind::Float, Kind::Float) => match (a, b) {
                (F64, _) | (_, F64) => F64,
                // f16 with bf16, or either with f32: nothing narrower holds both.
                _ => F32,
            },
            (Kind::Float, _) => a,
            (_, Kind::Float) => b,
            (Kind::Unsigned, Kind::Unsigned) | (Kind::Signed, Kind::Signed) => {
                if a.size() >= b.size() {
                    a
                } else {
                    b
                }
            }
            // Unsigned (a, the smaller in order) with signed (b).
            (Kind::Unsigned, Kind::Signed) => {
                if b.size() > a.size() {
                    b
                } else {
                    match a {
                        U8 => I16,
                        U16 => I32,
                        U32 => I64,
                        _ => F32,
                    }
                }
            }
            (Kind::Signed, Kind::Unsigned) | (Kind::Complex, _) | (_, Kind::Complex) => {
                unreachable!("pairs are ordered and complex is handled above")
            }
        }
    }

    /// Result dtype with a weakly typed Python scalar of class `scalar`
    /// (`Kind::Signed` for an int): an int keeps the array's dtype except for bool arrays,
    /// a float keeps floating dtypes and turns integers into f32, a complex gives complex64.
    pub fn promote_weak(self, scalar: Kind) -> DType {
        match scalar {
            Kind::Bool => self,
            Kind::Signed | Kind::Unsigned => {
                if self == DType::Bool {
                    DType::I32
                } else {
                    self
                }
            }
            Kind::Float => {
                if self.is_inexact() {
                    self
                } else {
                    DType::F32
                }
            }
            Kind::Complex => DType::C64,
        }
    }

    /// The floating dtype in which `sqrt`, `exp`, `mean`, … of this dtype are computed: itself if inexact, else f32.
    pub fn to_inexact(self) -> DType {
        if self.is_inexact() { self } else { DType::F32 }
    }

    /// Result dtype of `sum` and `prod`.
    pub fn accumulate(self) -> DType {
        match self {
            DType::Bool | DType::I8 | DType::I16 => DType::I32,
            DType::U8 | DType::U16 => DType::U32,
            d => d,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Complex number of two f32, stored as MLX stores complex64.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
#[repr(C)]
pub struct C64 {
    /// Real part.
    pub re: f32,
    /// Imaginary part.
    pub im: f32,
}

impl C64 {
    /// `re + im·i`.
    pub const fn new(re: f32, im: f32) -> Self {
        Self { re, im }
    }
}

/// A Rust type that is the element of an array. Sealed: exactly one per dtype.
pub trait Element: Copy + Send + Sync + 'static + sealed::Sealed {
    /// Its dtype.
    const DTYPE: DType;
    /// Reads one element from little-endian bytes of length `DTYPE.size()`.
    fn read_le(bytes: &[u8]) -> Self;
    /// Appends the little-endian bytes.
    fn put_le(self, out: &mut Vec<u8>);
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! elements {
    ($($t:ty => $d:ident),*) => {$(
        impl sealed::Sealed for $t {}
        impl Element for $t {
            const DTYPE: DType = DType::$d;
            fn read_le(bytes: &[u8]) -> Self {
                let mut b = [0u8; size_of::<$t>()];
                b.copy_from_slice(bytes);
                <$t>::from_le_bytes(b)
            }
            fn put_le(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}
elements!(u8 => U8, u16 => U16, u32 => U32, u64 => U64, i8 => I8, i16 => I16, i32 => I32, i64 => I64,
          f16 => F16, f32 => F32, f64 => F64, bf16 => BF16);

impl sealed::Sealed for bool {}
impl Element for bool {
    const DTYPE: DType = DType::Bool;
    fn read_le(bytes: &[u8]) -> Self {
        bytes[0] != 0
    }
    fn put_le(self, out: &mut Vec<u8>) {
        out.push(self as u8);
    }
}
impl sealed::Sealed for C64 {}
impl Element for C64 {
    const DTYPE: DType = DType::C64;
    fn read_le(bytes: &[u8]) -> Self {
        C64 { re: f32::read_le(&bytes[..4]), im: f32::read_le(&bytes[4..]) }
    }
    fn put_le(self, out: &mut Vec<u8>) {
        self.re.put_le(out);
        self.im.put_le(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_just_above_a_tie_is_rounded_up() {
        let tie = |bits: i32| 1.0 + 2f64.powi(-bits - 1);
        let above = |bits: i32| tie(bits) + 2f64.powi(-22);
        assert_eq!([tie(10), above(10)].map(|x| f16_of(x).to_f64()), [1.0, 1.0 + 2f64.powi(-10)]);
        assert_eq!([tie(7), above(7)].map(|x| bf16_of(x).to_f64()), [1.0, 1.0 + 2f64.powi(-7)]);
    }
}
