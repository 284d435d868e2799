//! Expressions: formulas written as in Rust, turned into instructions afterwards.

use super::code::{Code, Id};
use rspirv::spirv::Op;
use std::collections::HashMap;
use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Neg, Not, Sub};
use std::rc::Rc;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bool,
    Word,
    Long,
    Float,
}

enum Node {
    Made(Id),
    Word(u32),
    Long(u64),
    Float(f32),
    Op(Op, Vec<X>),
    Sqrt(X),
}

/// A truth value, an integer of 32 or 64 bits, or an f32. Operators on floats are float arithmetic, on integers wrapping
/// arithmetic, on truth values logic.
#[derive(Clone)]
pub(super) struct X(Rc<(Kind, Node)>);

/// A float.
pub(super) fn f(x: f32) -> X {
    X(Rc::new((Kind::Float, Node::Float(x))))
}
/// A word.
pub(super) fn u(x: u32) -> X {
    X(Rc::new((Kind::Word, Node::Word(x))))
}
/// `c ? x : y`.
pub(super) fn sel(c: &X, x: impl Into<X>, y: impl Into<X>) -> X {
    let (x, y) = (x.into(), y.into());
    X::op(Op::Select, x.kind(), &[c, &x, &y])
}

impl From<&X> for X {
    fn from(x: &X) -> X {
        x.clone()
    }
}
impl From<f32> for X {
    fn from(x: f32) -> X {
        f(x)
    }
}
impl From<u32> for X {
    fn from(x: u32) -> X {
        u(x)
    }
}

impl X {
    pub fn float(id: Id) -> X {
        X(Rc::new((Kind::Float, Node::Made(id))))
    }
    pub fn word(id: Id) -> X {
        X(Rc::new((Kind::Word, Node::Made(id))))
    }
    pub fn long(id: Id) -> X {
        X(Rc::new((Kind::Long, Node::Made(id))))
    }
    pub fn truth(id: Id) -> X {
        X(Rc::new((Kind::Bool, Node::Made(id))))
    }
    /// An integer of the same width.
    pub fn same(&self, x: u64) -> X {
        match self.kind() {
            Kind::Long => X(Rc::new((Kind::Long, Node::Long(x)))),
            _ => u(x as u32),
        }
    }
    fn kind(&self) -> Kind {
        self.0.0
    }
    fn op(op: Op, kind: Kind, args: &[&X]) -> X {
        X(Rc::new((kind, Node::Op(op, args.iter().map(|&a| a.clone()).collect()))))
    }
    fn compare(&self, float: Op, word: Op, y: impl Into<X>) -> X {
        X::op(if self.kind() == Kind::Float { float } else { word }, Kind::Bool, &[self, &y.into()])
    }

    // Comparisons; false with NaN. Words compare without sign.
    pub fn lt(&self, y: impl Into<X>) -> X {
        self.compare(Op::FOrdLessThan, Op::ULessThan, y)
    }
    pub fn le(&self, y: impl Into<X>) -> X {
        self.compare(Op::FOrdLessThanEqual, Op::ULessThanEqual, y)
    }
    pub fn gt(&self, y: impl Into<X>) -> X {
        self.compare(Op::FOrdGreaterThan, Op::UGreaterThan, y)
    }
    pub fn ge(&self, y: impl Into<X>) -> X {
        self.compare(Op::FOrdGreaterThanEqual, Op::UGreaterThanEqual, y)
    }
    pub fn eq(&self, y: impl Into<X>) -> X {
        self.compare(Op::FOrdEqual, Op::IEqual, y)
    }
    /// True with NaN.
    pub fn ne(&self, y: impl Into<X>) -> X {
        self.compare(Op::FUnordNotEqual, Op::INotEqual, y)
    }
    /// Words as signed numbers.
    pub fn slt(&self, y: impl Into<X>) -> X {
        X::op(Op::SLessThan, Kind::Bool, &[self, &y.into()])
    }
    pub fn sgt(&self, y: impl Into<X>) -> X {
        X::op(Op::SGreaterThan, Kind::Bool, &[self, &y.into()])
    }

    pub fn shl(&self, y: impl Into<X>) -> X {
        X::op(Op::ShiftLeftLogical, self.kind(), &[self, &y.into()])
    }
    pub fn shr(&self, y: impl Into<X>) -> X {
        X::op(Op::ShiftRightLogical, self.kind(), &[self, &y.into()])
    }
    /// Keeps the sign.
    pub fn sar(&self, y: impl Into<X>) -> X {
        X::op(Op::ShiftRightArithmetic, self.kind(), &[self, &y.into()])
    }
    /// Quotient of words without sign; the divisor is not 0.
    pub fn udiv(&self, y: impl Into<X>) -> X {
        X::op(Op::UDiv, self.kind(), &[self, &y.into()])
    }
    /// Quotient of signed integers, truncated; the divisor is neither 0 nor -1.
    pub fn sdiv(&self, y: impl Into<X>) -> X {
        X::op(Op::SDiv, self.kind(), &[self, &y.into()])
    }
    /// The low half of a 64-bit integer.
    pub fn low(&self) -> X {
        X::op(Op::UConvert, Kind::Word, &[self])
    }
    /// A word as a 64-bit integer, without or with its sign.
    pub fn wide(&self, signed: bool) -> X {
        X::op(if signed { Op::SConvert } else { Op::UConvert }, Kind::Long, &[self])
    }
    /// A float in the range of i64, truncated.
    pub fn to_signed_long(&self) -> X {
        X::op(Op::ConvertFToS, Kind::Long, &[self])
    }

    /// The bits of a float.
    pub fn bits(&self) -> X {
        X::op(Op::Bitcast, Kind::Word, &[self])
    }
    /// The bits of a word as a float.
    pub fn as_float(&self) -> X {
        X::op(Op::Bitcast, Kind::Float, &[self])
    }
    /// A signed word as a float.
    pub fn signed_to_float(&self) -> X {
        X::op(Op::ConvertSToF, Kind::Float, &[self])
    }
    /// An unsigned word as a float.
    pub fn unsigned_to_float(&self) -> X {
        X::op(Op::ConvertUToF, Kind::Float, &[self])
    }
    /// A float in the range of i32, truncated.
    pub fn to_signed(&self) -> X {
        X::op(Op::ConvertFToS, Kind::Word, &[self])
    }
    pub fn sqrt(&self) -> X {
        X(Rc::new((Kind::Float, Node::Sqrt(self.clone()))))
    }
    pub fn abs(&self) -> X {
        (self.bits() & u(0x7fff_ffff)).as_float()
    }
    /// This size with the sign of `y`.
    pub fn copysign(&self, y: &X) -> X {
        ((self.bits() & u(0x7fff_ffff)) | (y.bits() & u(1 << 31))).as_float()
    }
    /// By the bits: comparisons of a value with itself may be folded away.
    pub fn is_nan(&self) -> X {
        (self.bits() & u(0x7fff_ffff)).gt(0x7f80_0000)
    }

    /// Writes the instructions.
    pub fn build(&self, c: &mut Code) -> Id {
        Self::lower(self, c, &mut HashMap::new())
    }
    /// As [`X::build`]; what they share is written once.
    pub fn build_all<const N: usize>(xs: [&X; N], c: &mut Code) -> [Id; N] {
        let mut done = HashMap::new();
        xs.map(|x| Self::lower(x, c, &mut done))
    }

    fn lower(x: &X, c: &mut Code, done: &mut HashMap<*const (Kind, Node), Id>) -> Id {
        let key = Rc::as_ptr(&x.0);
        if let Some(&id) = done.get(&key) {
            return id;
        }
        let id = match &x.0.1 {
            Node::Made(id) => *id,
            Node::Word(w) => c.u(*w),
            Node::Long(w) => c.long(*w),
            Node::Float(v) => c.f(*v),
            Node::Op(op, args) => {
                let ids: Vec<Id> = args.iter().map(|a| Self::lower(a, c, done)).collect();
                let kind = match x.kind() {
                    Kind::Bool => c.bool,
                    Kind::Word => c.u32,
                    Kind::Long => c.u64(),
                    Kind::Float => c.f32,
                };
                c.op(*op, kind, &ids)
            }
            Node::Sqrt(a) => {
                let a = Self::lower(a, c, done);
                c.sqrt(a)
            }
        };
        done.insert(key, id);
        id
    }
}

macro_rules! operators {
    ($($name:ident $method:ident: $float:expr, $word:expr, $truth:expr;)*) => {$(
        impl<R: Into<X>> $name<R> for X {
            type Output = X;
            fn $method(self, y: R) -> X {
                (&self).$method(y)
            }
        }
        impl<R: Into<X>> $name<R> for &X {
            type Output = X;
            fn $method(self, y: R) -> X {
                let op: Option<Op> = match self.kind() {
                    Kind::Float => $float,
                    Kind::Word | Kind::Long => $word,
                    Kind::Bool => $truth,
                };
                X::op(op.expect("an operator of the type"), self.kind(), &[self, &y.into()])
            }
        }
    )*};
}
operators! {
    Add add: Some(Op::FAdd), Some(Op::IAdd), None;
    Sub sub: Some(Op::FSub), Some(Op::ISub), None;
    Mul mul: Some(Op::FMul), Some(Op::IMul), None;
    Div div: Some(Op::FDiv), None, None;
    BitAnd bitand: None, Some(Op::BitwiseAnd), Some(Op::LogicalAnd);
    BitOr bitor: None, Some(Op::BitwiseOr), Some(Op::LogicalOr);
    BitXor bitxor: None, Some(Op::BitwiseXor), Some(Op::LogicalNotEqual);
}

impl Neg for &X {
    type Output = X;
    fn neg(self) -> X {
        match self.kind() {
            // By the bits, so that zeros and NaN keep what they are.
            Kind::Float => (self.bits() ^ u(1 << 31)).as_float(),
            _ => self.same(0) - self,
        }
    }
}
impl Neg for X {
    type Output = X;
    fn neg(self) -> X {
        -&self
    }
}
impl Not for &X {
    type Output = X;
    fn not(self) -> X {
        match self.kind() {
            Kind::Bool => X::op(Op::LogicalNot, Kind::Bool, &[self]),
            k => X::op(Op::Not, k, &[self]),
        }
    }
}
impl Not for X {
    type Output = X;
    fn not(self) -> X {
        !&self
    }
}
