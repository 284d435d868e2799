//! Public elementwise functions and the rules by which their arguments meet: promotion, weak scalars, broadcasting.

use crate::array::Array;
use crate::ops::map;
use mlx_ir::{C64, DType, Error, Func, Kind, Result, Tape, desc};
use std::sync::Arc;

/// A Python-like scalar: weakly typed, it adapts to the array it meets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A complex number.
    Complex(C64),
}

impl Scalar {
    fn kind(self) -> Kind {
        match self {
            Scalar::Bool(_) => Kind::Bool,
            Scalar::Int(_) => Kind::Signed,
            Scalar::Float(_) => Kind::Float,
            Scalar::Complex(_) => Kind::Complex,
        }
    }

    /// The dtype of an array made of it alone: i32 (i64 when it does not fit), f32, bool or complex64.
    pub fn default_dtype(self) -> DType {
        match self {
            Scalar::Bool(_) => DType::Bool,
            Scalar::Int(i) if i32::try_from(i).is_ok() => DType::I32,
            Scalar::Int(_) => DType::I64,
            Scalar::Float(_) => DType::F32,
            Scalar::Complex(_) => DType::C64,
        }
    }

    /// A 0-d array of it.
    ///
    /// # Errors
    /// `Value` if an integer does not fit an integer dtype of at most 32 bits.
    pub fn to_array(self, dtype: DType) -> Result<Array> {
        if let (Scalar::Int(i), true) = (self, dtype.is_integer() && dtype.size() < 8) {
            let bits = dtype.size() as u32 * 8;
            let (lo, hi) = if dtype.is_unsigned() {
                (0, (1i64 << bits) - 1)
            } else {
                (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1)
            };
            if i < lo || i > hi {
                return Err(Error::value(format!("Converting {i} to {dtype} would result in overflow.")));
            }
        }
        let f = match self {
            Scalar::Bool(b) => f64::from(b),
            Scalar::Int(i) => i as f64,
            Scalar::Float(f) => f,
            Scalar::Complex(c) => c.re as f64,
        };
        let i = match self {
            Scalar::Int(i) => i,
            Scalar::Bool(b) => i64::from(b),
            _ => f as i64,
        };
        match dtype {
            DType::Bool => Array::scalar(f != 0.0),
            DType::U8 => Array::scalar(i as u8),
            DType::U16 => Array::scalar(i as u16),
            DType::U32 => Array::scalar(i as u32),
            DType::U64 => Array::scalar(i as u64),
            DType::I8 => Array::scalar(i as i8),
            DType::I16 => Array::scalar(i as i16),
            DType::I32 => Array::scalar(i as i32),
            DType::I64 => Array::scalar(i),
            DType::F16 => Array::scalar(mlx_ir::dtype::f16_of(f)),
            DType::BF16 => Array::scalar(mlx_ir::dtype::bf16_of(f)),
            DType::F32 => Array::scalar(f as f32),
            DType::F64 => Array::scalar(f),
            DType::C64 => Array::scalar(match self {
                Scalar::Complex(c) => c,
                _ => C64::new(f as f32, 0.0),
            }),
        }
    }
}

/// What an operation takes where MLX takes "array or scalar".
pub trait Arg {
    /// The array, if it is one.
    fn array(&self) -> Option<&Array>;
    /// The scalar, if it is one.
    fn scalar(&self) -> Option<Scalar>;
}

impl Arg for Array {
    fn array(&self) -> Option<&Array> {
        Some(self)
    }
    fn scalar(&self) -> Option<Scalar> {
        None
    }
}

impl<T: Arg + ?Sized> Arg for &T {
    fn array(&self) -> Option<&Array> {
        (**self).array()
    }
    fn scalar(&self) -> Option<Scalar> {
        (**self).scalar()
    }
}

macro_rules! scalar_args {
    ($($t:ty => $f:expr),* $(,)?) => {$(
        impl Arg for $t {
            fn array(&self) -> Option<&Array> { None }
            fn scalar(&self) -> Option<Scalar> { Some($f(*self)) }
        }
    )*};
}
scalar_args!(
    Scalar => |s| s,
    bool => Scalar::Bool,
    i32 => |i| Scalar::Int(i as i64),
    i64 => Scalar::Int,
    f32 => |f| Scalar::Float(f as f64),
    f64 => Scalar::Float,
    C64 => Scalar::Complex,
);

/// Common dtype of arguments by MLX's rules.
fn meet(args: &[&dyn Arg]) -> DType {
    let strong = args.iter().filter_map(|a| a.array()).map(Array::dtype).reduce(DType::promote);
    match strong {
        Some(d) => args.iter().filter_map(|a| a.scalar()).fold(d, |d, s| d.promote_weak(s.kind())),
        None => args
            .iter()
            .filter_map(|a| a.scalar())
            .map(Scalar::default_dtype)
            .reduce(DType::promote)
            .unwrap_or(DType::F32),
    }
}

fn enter(a: &dyn Arg, dtype: DType) -> Result<Array> {
    match (a.array(), a.scalar()) {
        (Some(x), _) => astype(x, dtype),
        (None, Some(s)) => s.to_array(dtype),
        (None, None) => Err(Error::type_("an argument is neither an array nor a scalar")),
    }
}

/// The arguments as arrays of their common dtype.
///
/// # Errors
/// `Value` if a scalar does not fit.
pub fn promote(args: &[&dyn Arg]) -> Result<Vec<Array>> {
    let d = meet(args);
    args.iter().map(|a| enter(*a, d)).collect()
}

/// A function over arguments that are promoted and broadcast together.
pub(crate) fn apply(f: Func, args: &[&dyn Arg]) -> Result<Array> {
    let common = meet(args);
    let (enter_as, result) = f.types(common)?;
    let mut xs = smallvec::SmallVec::<[Array; 2]>::new();
    for a in args {
        // A scalar first meets the common dtype, so that one which does not fit is refused.
        let x = match a.scalar() {
            Some(s) => s.to_array(common)?,
            None => enter(*a, common)?,
        };
        xs.push(astype(&x, enter_as)?);
    }
    map::map(Arc::new(Tape::single(f, enter_as, result)), &xs)
}

/// The array converted to `dtype`; itself if it has it already.
///
/// # Errors
/// None but what recording an op can report.
pub fn astype(a: &Array, dtype: DType) -> Result<Array> {
    if a.dtype() == dtype {
        return Ok(a.clone());
    }
    map::map(Arc::new(Tape::convert(a.dtype(), dtype)), std::slice::from_ref(a))
}

/// `condition ? x : y`, broadcast together.
///
/// # Errors
/// `Value` if the shapes do not broadcast.
pub fn where_(condition: &Array, x: impl Arg, y: impl Arg) -> Result<Array> {
    let d = meet(&[&x, &y]);
    let c = astype(condition, DType::Bool)?;
    map::map(Arc::new(Tape::single(Func::Select, d, d)), &[c, enter(&x, d)?, enter(&y, d)?])
}

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident => $f:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// `Value` for dtypes for which it is not defined.
        pub fn $name(a: impl Arg) -> Result<Array> {
            apply(Func::$f, &[&a])
        }
    )*};
}

unary! {
    /// Absolute value; of complex numbers the modulus, as f32.
    abs => Abs;
    /// `-a`.
    negative => Negative;
    /// Sign: −1, 0 or 1.
    sign => Sign;
    /// Largest integer not above each element.
    floor => Floor;
    /// Nearest integer towards zero of each element.
    trunc => Trunc;
    /// Smallest integer not below each element.
    ceil => Ceil;
    /// Square.
    square => Square;
    /// Square root; integers give f32.
    sqrt => Sqrt;
    /// Reciprocal square root; integers give f32.
    rsqrt => Rsqrt;
    /// e^a; integers give f32.
    exp => Exp;
    /// e^a − 1.
    expm1 => Expm1;
    /// Natural logarithm.
    log => Log;
    /// Base-2 logarithm.
    log2 => Log2;
    /// Base-10 logarithm.
    log10 => Log10;
    /// ln(1 + a).
    log1p => Log1p;
    /// Sine.
    sin => Sin;
    /// Cosine.
    cos => Cos;
    /// Tangent.
    tan => Tan;
    /// Inverse sine.
    arcsin => Arcsin;
    /// Inverse cosine.
    arccos => Arccos;
    /// Inverse tangent.
    arctan => Arctan;
    /// Hyperbolic sine.
    sinh => Sinh;
    /// Hyperbolic cosine.
    cosh => Cosh;
    /// Hyperbolic tangent.
    tanh => Tanh;
    /// Inverse hyperbolic sine.
    arcsinh => Arcsinh;
    /// Inverse hyperbolic cosine.
    arccosh => Arccosh;
    /// Inverse hyperbolic tangent.
    arctanh => Arctanh;
    /// Error function.
    erf => Erf;
    /// Inverse error function.
    erfinv => Erfinv;
    /// Logistic function.
    sigmoid => Sigmoid;
    /// True where zero.
    logical_not => LogicalNot;
    /// Bitwise complement of integers, logical of bool.
    bitwise_invert => BitwiseInvert;
    /// Real part.
    real => Real;
    /// Imaginary part.
    imag => Imag;
    /// Complex conjugate.
    conjugate => Conjugate;
}

macro_rules! binary {
    ($($doc:literal $name:ident => $f:ident;)*) => {$(
        #[doc = $doc]
        ///
        /// Arguments are promoted and broadcast together.
        ///
        /// # Errors
        /// `Value` if the shapes do not broadcast, a scalar does not fit, or the dtype has no such operation.
        pub fn $name(a: impl Arg, b: impl Arg) -> Result<Array> {
            apply(Func::$f, &[&a, &b])
        }
    )*};
}

binary! {
    "Sum." add => Add;
    "Difference." subtract => Subtract;
    "Product." multiply => Multiply;
    "True quotient; integers give f32." divide => Divide;
    "Quotient rounded down." floor_divide => FloorDivide;
    "Remainder with the divisor's sign." remainder => Remainder;
    "Power." power => Power;
    "Larger of the two; NaN if either is." maximum => Maximum;
    "Smaller of the two; NaN if either is." minimum => Minimum;
    "Angle of the point (y = a, x = b)." arctan2 => Arctan2;
    "ln(e^a + e^b)." logaddexp => Logaddexp;
    "a == b." equal => Equal;
    "a != b." not_equal => NotEqual;
    "a < b." less => Less;
    "a <= b." less_equal => LessEqual;
    "a > b." greater => Greater;
    "a >= b." greater_equal => GreaterEqual;
    "Both nonzero." logical_and => LogicalAnd;
    "Either nonzero." logical_or => LogicalOr;
    "Bitwise and." bitwise_and => BitwiseAnd;
    "Bitwise or." bitwise_or => BitwiseOr;
    "Bitwise exclusive or." bitwise_xor => BitwiseXor;
    "a shifted left by b bits." left_shift => LeftShift;
    "a shifted right by b bits." right_shift => RightShift;
}

/// Rounds halves to even, to `decimals` places. Integers stay as they are for `decimals >= 0`.
///
/// # Errors
/// `Value` for dtypes for which it is not defined.
pub fn round(a: &Array, decimals: i32) -> Result<Array> {
    if decimals == 0 {
        return apply(Func::Round, &[a]);
    }
    let scale = 10f64.powi(decimals.abs());
    if a.dtype().is_inexact() || decimals < 0 {
        let back = a.dtype();
        let x = if decimals > 0 { multiply(a, scale)? } else { divide(a, scale)? };
        let r = apply(Func::Round, &[&x])?;
        return astype(&(if decimals > 0 { divide(&r, scale)? } else { multiply(&r, scale)? }), back);
    }
    Ok(a.clone())
}

/// `1 / a`.
///
/// # Errors
/// `Value` for dtypes for which it is not defined.
pub fn reciprocal(a: &Array) -> Result<Array> {
    divide(1.0, a)
}

/// Radians to degrees.
///
/// # Errors
/// None but what recording an op can report.
pub fn degrees(a: &Array) -> Result<Array> {
    multiply(a, 180.0 / std::f64::consts::PI)
}

/// Degrees to radians.
///
/// # Errors
/// None but what recording an op can report.
pub fn radians(a: &Array) -> Result<Array> {
    multiply(a, std::f64::consts::PI / 180.0)
}

/// True where NaN.
///
/// # Errors
/// None but what recording an op can report.
pub fn isnan(a: &Array) -> Result<Array> {
    if a.dtype().is_inexact() { not_equal(a, a) } else { super::zeros(a.shape(), DType::Bool) }
}

/// True where +∞ or −∞.
///
/// # Errors
/// None but what recording an op can report.
pub fn isinf(a: &Array) -> Result<Array> {
    if a.dtype().is_complex() {
        return logical_or(&isinf(&real(a)?)?, &isinf(&imag(a)?)?);
    }
    if a.dtype().is_inexact() { equal(&abs(a)?, f64::INFINITY) } else { super::zeros(a.shape(), DType::Bool) }
}

/// True where −∞.
///
/// # Errors
/// None but what recording an op can report.
pub fn isneginf(a: &Array) -> Result<Array> {
    if a.dtype().is_inexact() { equal(a, f64::NEG_INFINITY) } else { super::zeros(a.shape(), DType::Bool) }
}

/// True where +∞.
///
/// # Errors
/// None but what recording an op can report.
pub fn isposinf(a: &Array) -> Result<Array> {
    if a.dtype().is_inexact() { equal(a, f64::INFINITY) } else { super::zeros(a.shape(), DType::Bool) }
}

/// True where neither infinite nor NaN.
///
/// # Errors
/// None but what recording an op can report.
pub fn isfinite(a: &Array) -> Result<Array> {
    logical_not(&logical_or(&isinf(a)?, &isnan(a)?)?)
}

/// NaN replaced by `nan`, infinities by the given values or the dtype's extremes.
///
/// # Errors
/// `Value` if a replacement does not fit.
pub fn nan_to_num(a: &Array, nan: f64, posinf: Option<f64>, neginf: Option<f64>) -> Result<Array> {
    if !a.dtype().is_float() {
        return Ok(a.clone());
    }
    let max = match a.dtype() {
        DType::F16 => half::f16::MAX.to_f64(),
        DType::BF16 => half::bf16::MAX.to_f64(),
        DType::F64 => f64::MAX,
        _ => f32::MAX as f64,
    };
    let r = where_(&isnan(a)?, nan, a)?;
    let r = where_(&isposinf(a)?, posinf.unwrap_or(max), &r)?;
    where_(&isneginf(a)?, neginf.unwrap_or(-max), &r)
}

/// Elements held within `[min, max]`, either of which may be absent.
///
/// # Errors
/// `Value` if both are absent or shapes do not broadcast.
pub fn clip(a: &Array, min: Option<&dyn Arg>, max: Option<&dyn Arg>) -> Result<Array> {
    if min.is_none() && max.is_none() {
        return Err(Error::value("[clip] At least one of a_min and a_max must be given."));
    }
    let mut x = a.clone();
    if let Some(m) = min {
        x = apply(Func::Maximum, &[&x, &m])?;
    }
    if let Some(m) = max {
        x = apply(Func::Minimum, &[&x, &m])?;
    }
    Ok(x)
}

/// Quotient rounded down and remainder.
///
/// # Errors
/// As [`floor_divide`].
pub fn divmod(a: impl Arg, b: impl Arg) -> Result<(Array, Array)> {
    Ok((apply(Func::FloorDivide, &[&a, &b])?, apply(Func::Remainder, &[&a, &b])?))
}

/// Shape to which all arrays broadcast.
pub(crate) fn common_shape(op: &str, arrays: &[Array]) -> Result<mlx_ir::Shape> {
    let mut shape: mlx_ir::Shape = arrays[0].shape().into();
    for a in &arrays[1..] {
        shape = desc::broadcast_shapes(&shape, a.shape()).ok_or_else(|| {
            Error::value(format!("[{op}] Shapes {:?} and {:?} cannot be broadcast.", shape, a.shape()))
        })?;
    }
    Ok(shape)
}

/// 0-d bool: same shape and all elements equal (NaN equal to NaN with `equal_nan`).
///
/// # Errors
/// None but what recording an op can report.
pub fn array_equal(a: &Array, b: &Array, equal_nan: bool) -> Result<Array> {
    if a.shape() != b.shape() {
        return Array::scalar(false);
    }
    let same = if equal_nan && a.dtype().promote(b.dtype()).is_inexact() {
        apply(Func::NanEqual, &[a, b])?
    } else {
        equal(a, b)?
    };
    super::all(&same, None, false)
}

/// `|a − b| ≤ atol + rtol·|b|`, equal infinities being close, and NaN to NaN with `equal_nan`.
///
/// # Errors
/// `Value` if the shapes do not broadcast.
pub fn isclose(a: &Array, b: &Array, rtol: f64, atol: f64, equal_nan: bool) -> Result<Array> {
    let bound = add(&multiply(&abs(b)?, rtol)?, atol)?;
    let near = less_equal(&abs(&subtract(a, b)?)?, &bound)?;
    let infinite = logical_or(&isinf(a)?, &isinf(b)?)?;
    let same_infinity = logical_and(&logical_and(&isinf(a)?, &isinf(b)?)?, &equal(a, b)?)?;
    let close = logical_or(&logical_and(&near, &logical_not(&infinite)?)?, &same_infinity)?;
    if equal_nan { logical_or(&close, &logical_and(&isnan(a)?, &isnan(b)?)?) } else { Ok(close) }
}

/// 0-d bool: all elements [`isclose`].
///
/// # Errors
/// `Value` if the shapes do not broadcast.
pub fn allclose(a: &Array, b: &Array, rtol: f64, atol: f64, equal_nan: bool) -> Result<Array> {
    super::all(&isclose(a, b, rtol, atol, equal_nan)?, None, false)
}
