//! The scalar functions: one row each. A row's exact meaning is in the array library's `ops/map` (oracle and
//! derivative), its vector loop in the CPU back end's `tape`, its instruction in the GPU back end.

use crate::{DType, Error, ErrorKind, Result};

/// How the result dtype follows from the argument dtype.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TypeRule {
    /// The arguments' own dtype.
    Same,
    /// The arguments' dtype if inexact, else f32 (arguments are converted first).
    Inexact,
    /// Always bool.
    Bool,
    /// Integers and bool only; the arguments' dtype.
    Integral,
    /// Complex gives f32, others their own dtype.
    RealPart,
}

macro_rules! scalar_table {
    ($($(#[$doc:meta])* $name:ident, $text:literal, $arity:literal, $rule:ident;)*) => {
        /// A scalar function. Arguments of one call share a dtype (except `Select`'s condition).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Func {
            $($(#[$doc])* $name,)*
        }
        impl Func {
            /// Every scalar function.
            pub const ALL: &'static [Func] = &[$(Func::$name),*];
            /// MLX's name of the operation.
            pub const fn name(self) -> &'static str {
                match self { $(Func::$name => $text,)* }
            }
            /// Number of arguments.
            #[inline]
            pub const fn arity(self) -> usize {
                match self { $(Func::$name => $arity,)* }
            }
            /// Result dtype rule.
            pub const fn rule(self) -> TypeRule {
                match self { $(Func::$name => TypeRule::$rule,)* }
            }
        }
    };
}

scalar_table! {
    /// Conversion to the instruction's dtype, as MLX's `astype`.
    Convert, "astype", 1, Same;
    /// Absolute value; of a complex its modulus, as f32.
    Abs, "abs", 1, RealPart;
    /// `-x`; unsigned integers wrap.
    Negative, "negative", 1, Same;
    /// -1, 0 or 1 (of NaN 0); of a complex `z / |z|`, 0 at 0.
    Sign, "sign", 1, Same;
    /// Largest integer not above x.
    Floor, "floor", 1, Same;
    /// Smallest integer not below x.
    Ceil, "ceil", 1, Same;
    /// Nearest integer towards zero.
    Trunc, "trunc", 1, Same;
    /// Nearest integer, halves to even.
    Round, "round", 1, Same;
    /// x².
    Square, "square", 1, Same;
    /// Square root.
    Sqrt, "sqrt", 1, Inexact;
    /// `1 / sqrt(x)`.
    Rsqrt, "rsqrt", 1, Inexact;
    /// e^x.
    Exp, "exp", 1, Inexact;
    /// e^x − 1, accurate near 0.
    Expm1, "expm1", 1, Inexact;
    /// Natural logarithm.
    Log, "log", 1, Inexact;
    /// Base-2 logarithm.
    Log2, "log2", 1, Inexact;
    /// Base-10 logarithm.
    Log10, "log10", 1, Inexact;
    /// ln(1 + x), accurate near 0.
    Log1p, "log1p", 1, Inexact;
    /// Sine.
    Sin, "sin", 1, Inexact;
    /// Cosine.
    Cos, "cos", 1, Inexact;
    /// Tangent.
    Tan, "tan", 1, Inexact;
    /// Inverse sine.
    Arcsin, "arcsin", 1, Inexact;
    /// Inverse cosine.
    Arccos, "arccos", 1, Inexact;
    /// Inverse tangent.
    Arctan, "arctan", 1, Inexact;
    /// Hyperbolic sine.
    Sinh, "sinh", 1, Inexact;
    /// Hyperbolic cosine.
    Cosh, "cosh", 1, Inexact;
    /// Hyperbolic tangent.
    Tanh, "tanh", 1, Inexact;
    /// Inverse hyperbolic sine.
    Arcsinh, "arcsinh", 1, Inexact;
    /// Inverse hyperbolic cosine.
    Arccosh, "arccosh", 1, Inexact;
    /// Inverse hyperbolic tangent.
    Arctanh, "arctanh", 1, Inexact;
    /// Error function (real dtypes).
    Erf, "erf", 1, Inexact;
    /// Inverse error function (real dtypes), MLX's polynomial.
    Erfinv, "erfinv", 1, Inexact;
    /// `1 / (1 + e^-x)`.
    Sigmoid, "sigmoid", 1, Inexact;
    /// `x == 0`.
    LogicalNot, "logical_not", 1, Bool;
    /// Bitwise complement; of bool the logical one.
    BitwiseInvert, "bitwise_invert", 1, Integral;
    /// Real part of a complex.
    Real, "real", 1, RealPart;
    /// Imaginary part of a complex (0 of a real).
    Imag, "imag", 1, RealPart;
    /// Complex conjugate.
    Conjugate, "conjugate", 1, Same;
    /// x + y; of bool the logical or.
    Add, "add", 2, Same;
    /// x − y.
    Subtract, "subtract", 2, Same;
    /// x · y.
    Multiply, "multiply", 2, Same;
    /// x / y.
    Divide, "divide", 2, Inexact;
    /// Quotient (of floats: as rounded to f32, or f64) rounded down (Python `//`); integer division by zero gives 0.
    FloorDivide, "floor_divide", 2, Same;
    /// Remainder with the divisor's sign (Python `%`); integer remainder by zero gives x.
    Remainder, "remainder", 2, Same;
    /// x^y; integers by repeated squaring (negative exponents give 0).
    Power, "power", 2, Same;
    /// Larger of the two; NaN if either is.
    Maximum, "maximum", 2, Same;
    /// Smaller of the two; NaN if either is.
    Minimum, "minimum", 2, Same;
    /// Angle of the point (y, x), arguments in that order.
    Arctan2, "arctan2", 2, Inexact;
    /// ln(e^x + e^y).
    Logaddexp, "logaddexp", 2, Inexact;
    /// x == y.
    Equal, "equal", 2, Bool;
    /// x == y, or both NaN.
    NanEqual, "nan_equal", 2, Bool;
    /// x != y.
    NotEqual, "not_equal", 2, Bool;
    /// x < y; complex numbers compare by real, then imaginary part.
    Less, "less", 2, Bool;
    /// x <= y.
    LessEqual, "less_equal", 2, Bool;
    /// x > y.
    Greater, "greater", 2, Bool;
    /// x >= y.
    GreaterEqual, "greater_equal", 2, Bool;
    /// Both nonzero.
    LogicalAnd, "logical_and", 2, Bool;
    /// Either nonzero.
    LogicalOr, "logical_or", 2, Bool;
    /// Bitwise and.
    BitwiseAnd, "bitwise_and", 2, Integral;
    /// Bitwise or.
    BitwiseOr, "bitwise_or", 2, Integral;
    /// Bitwise exclusive or.
    BitwiseXor, "bitwise_xor", 2, Integral;
    /// x · 2^y (bool as u8); shifts by the width or more give 0.
    LeftShift, "left_shift", 2, Integral;
    /// x shifted right, arithmetic for signed; shifts by the width or more give 0 or −1.
    RightShift, "right_shift", 2, Integral;
    /// `condition ? x : y`; the first argument is bool.
    Select, "where", 3, Same;
}

impl Func {
    /// The dtype in which the (already promoted) arguments enter, and the dtype of the result.
    /// Refuses dtypes for which MLX does not define the function.
    pub fn types(self, arg: DType) -> Result<(DType, DType)> {
        let bad = || Err(Error::value(format!("[{}] Not supported for {arg}.", self.name())));
        let complex_ok = !matches!(
            self,
            Func::Floor
                | Func::Ceil
                | Func::Trunc
                | Func::Erf
                | Func::Erfinv
                | Func::Expm1
                | Func::Sigmoid
                | Func::Arctan2
                | Func::FloorDivide
                | Func::Remainder
        );
        if arg.is_complex() && !complex_ok {
            return bad();
        }
        match self.rule() {
            TypeRule::Same => {
                if arg == DType::Bool && matches!(self, Func::Negative) {
                    return bad();
                }
                Ok((arg, arg))
            }
            TypeRule::Inexact => Ok((arg.to_inexact(), arg.to_inexact())),
            TypeRule::Bool => Ok((arg, DType::Bool)),
            TypeRule::Integral => {
                if arg.is_inexact() {
                    let text = format!("[{}] Only allowed on integer or boolean types but got {arg}.", self.name());
                    let kind = if self == Func::BitwiseInvert { ErrorKind::Value } else { ErrorKind::Runtime };
                    return Err(Error::new(kind, text));
                }
                if arg == DType::Bool && matches!(self, Func::LeftShift | Func::RightShift) {
                    return Ok((DType::U8, DType::U8));
                }
                Ok((arg, arg))
            }
            TypeRule::RealPart => Ok((arg, if arg.is_complex() { DType::F32 } else { arg })),
        }
    }
}
