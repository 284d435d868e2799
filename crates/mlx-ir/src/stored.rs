//! Parameters of ops as bytes, little-endian, for graphs in files. What is read may come from anywhere: lengths are
//! checked against what is there before room is made, and a tape is built anew by the rules.

use crate::op::*;
use crate::program::GpuProgram;
use crate::tape::{self, Step};
use crate::{DType, Error, Func, QuantFormat, Result, Tape, TapeBuilder};
use smallvec::{Array, SmallVec};
use std::sync::Arc;

/// Bytes that are read from the front.
pub struct Reader<'a> {
    rest: &'a [u8],
}

fn bad(what: &str) -> Error {
    Error::value(format!("[load] {what}"))
}

impl<'a> Reader<'a> {
    /// Reads these.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }
    /// How many are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }
    /// The next `n` bytes.
    ///
    /// # Errors
    /// `Value` if there are fewer.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(n).ok_or_else(|| bad("the file ends too early"))?;
        self.rest = rest;
        Ok(head)
    }
    /// The next number.
    ///
    /// # Errors
    /// `Value` at the end.
    pub fn u64(&mut self) -> Result<u64> {
        let b = self.take(8)?;
        Ok(u64::from_le_bytes(b.try_into().map_err(|_| bad("eight bytes"))?))
    }
    /// The next byte.
    ///
    /// # Errors
    /// `Value` at the end.
    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }
    /// A number of things that take at least `each` bytes.
    ///
    /// # Errors
    /// `Value` if so many cannot follow.
    pub fn count(&mut self, each: usize) -> Result<usize> {
        let n = self.u64()?;
        let most = (self.left() / each.max(1)) as u64;
        if n > most {
            return Err(bad(&format!("{n} entries where at most {most} fit")));
        }
        Ok(n as usize)
    }
    /// A string.
    ///
    /// # Errors
    /// `Value` if it is not one.
    pub fn text(&mut self) -> Result<&'a str> {
        let n = self.count(1)?;
        std::str::from_utf8(self.take(n)?).map_err(|_| bad("a string that is not UTF-8"))
    }
    /// A short string.
    pub(crate) fn name(&mut self) -> Result<&'a str> {
        let n = self.u8()? as usize;
        std::str::from_utf8(self.take(n)?).map_err(|_| bad("a name that is not UTF-8"))
    }
}

/// Writes a short string: a name of this crate, far below 256 bytes.
pub(crate) fn put_name(name: &str, out: &mut Vec<u8>) {
    out.push(name.len() as u8);
    out.extend_from_slice(name.as_bytes());
}

/// Writes a string.
pub fn put_text(text: &str, out: &mut Vec<u8>) {
    put_u64(text.len(), out);
    out.extend_from_slice(text.as_bytes());
}

/// Writes a number.
pub fn put_u64(n: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&(n as u64).to_le_bytes());
}

/// What can be a parameter.
pub trait Stored: Sized {
    /// Writes it.
    ///
    /// # Errors
    /// `Unsupported` for what is more than plain data.
    fn store(&self, out: &mut Vec<u8>) -> Result<()>;
    /// Reads it.
    ///
    /// # Errors
    /// `Value` for bytes that are none.
    fn load(r: &mut Reader<'_>) -> Result<Self>;
}

impl Stored for usize {
    fn store(&self, out: &mut Vec<u8>) -> Result<()> {
        put_u64(*self, out);
        Ok(())
    }
    fn load(r: &mut Reader<'_>) -> Result<Self> {
        usize::try_from(r.u64()?).map_err(|_| bad("a size beyond this machine"))
    }
}

impl Stored for isize {
    fn store(&self, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(&(*self as i64).to_le_bytes());
        Ok(())
    }
    fn load(r: &mut Reader<'_>) -> Result<Self> {
        isize::try_from(r.u64()? as i64).map_err(|_| bad("a stride beyond this machine"))
    }
}

impl Stored for u8 {
    fn store(&self, out: &mut Vec<u8>) -> Result<()> {
        out.push(*self);
        Ok(())
    }
    fn load(r: &mut Reader<'_>) -> Result<Self> {
        r.u8()
    }
}

impl Stored for bool {
    fn store(&self, out: &mut Vec<u8>) -> Result<()> {
        out.push(u8::from(*self));
        Ok(())
    }
    fn load(r: &mut Reader<'_>) -> Result<Self> {
        match r.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(bad("a flag that is neither 0 nor 1")),
        }
    }
}

impl Stored for Real {
    fn store(&self, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(&self.get().to_bits().to_le_bytes());
        Ok(())
    }
    fn load(r: &mut Reader<'_>) -> Result<Self> {
        Ok(Real::new(f64::from_bits(r.u64()?)))
    }
}

impl<T: Stored> Stored for Option<T> {
    fn store(&self, out: &mut Vec<u8>) -> Result<()> {
        self.is_some().store(out)?;
        self.as_ref().map_or(Ok(()), |x| x.store(out))
    }
    fn load(r: &mut Reader<'_>) -> Result<Self> {
        Ok(if bool::load(r)? { Some(T::load(r)?) } else { None })
    }
}

impl<A: Array> Stored for SmallVec<A>
where
    A::Item: Stored,
{
    fn store(&self, out: &mut Vec<u8>) -> Result<()> {
        put_u64(self.len(), out);
        self.iter().try_for_each(|x| x.store(out))
    }
    fn load(r: &mut Reader<'_>) -> Result<Self> {
        let n = r.count(1)?;
        (0..n).map(|_| A::Item::load(r)).collect()
    }
}

/// Parameters that are one of a list.
macro_rules! listed {
    ($($ty:ty: $all:expr;)*) => {
        $(impl Stored for $ty {
            fn store(&self, out: &mut Vec<u8>) -> Result<()> {
                let all: &[$ty] = &$all;
                let at = all.iter().position(|x| x == self).ok_or_else(|| bad("a value outside its list"))?;
                out.push(at as u8);
                Ok(())
            }
            fn load(r: &mut Reader<'_>) -> Result<Self> {
                let all: &[$ty] = &$all;
                all.get(r.u8()? as usize).copied().ok_or_else(|| bad(concat!("no such ", stringify!($ty))))
            }
        })*
    };
}

listed! {
    ReduceKind: [ReduceKind::Sum, ReduceKind::Prod, ReduceKind::Min, ReduceKind::Max, ReduceKind::And, ReduceKind::Or];
    ArgKind: [ArgKind::Min, ArgKind::Max];
    ScanKind: [ScanKind::Sum, ScanKind::Prod, ScanKind::Min, ScanKind::Max, ScanKind::Logaddexp];
    UpdateMode: [UpdateMode::Assign, UpdateMode::Sum, UpdateMode::Prod, UpdateMode::Min, UpdateMode::Max];
    Gate: Gate::ALL;
    QuantFormat: QuantFormat::ALL;
    LinalgKind: [
        LinalgKind::Qr, LinalgKind::Svd, LinalgKind::SingularValues, LinalgKind::Cholesky { upper: false },
        LinalgKind::Cholesky { upper: true }, LinalgKind::Inverse, LinalgKind::TriangularInverse { upper: false },
        LinalgKind::TriangularInverse { upper: true }, LinalgKind::Lu, LinalgKind::LuFactor,
        LinalgKind::Eigh { upper: false }, LinalgKind::Eigh { upper: true }, LinalgKind::Eig, LinalgKind::SlogDet,
        LinalgKind::Solve, LinalgKind::SolveTriangular { upper: false }, LinalgKind::SolveTriangular { upper: true }
    ];
}

impl Stored for DType {
    fn store(&self, out: &mut Vec<u8>) -> Result<()> {
        put_name(self.name(), out);
        Ok(())
    }
    fn load(r: &mut Reader<'_>) -> Result<Self> {
        DType::from_name(r.name()?).ok_or_else(|| bad("no such dtype"))
    }
}

impl Stored for Affine {
    fn store(&self, out: &mut Vec<u8>) -> Result<()> {
        (self.group_size as usize).store(out)?;
        self.bits.store(out)
    }
    fn load(r: &mut Reader<'_>) -> Result<Self> {
        let group_size = u16::try_from(r.u64()?).map_err(|_| bad("a group size out of range"))?;
        Ok(Affine { group_size, bits: r.u8()? })
    }
}

impl Stored for Arc<ConvSpec> {
    fn store(&self, out: &mut Vec<u8>) -> Result<()> {
        for x in [&self.stride, &self.low, &self.high, &self.kernel_dilation, &self.input_dilation] {
            x.store(out)?;
        }
        self.groups.store(out)?;
        self.flip.store(out)
    }
    fn load(r: &mut Reader<'_>) -> Result<Self> {
        Ok(Arc::new(ConvSpec {
            stride: Stored::load(r)?,
            low: Stored::load(r)?,
            high: Stored::load(r)?,
            kernel_dilation: Stored::load(r)?,
            input_dilation: Stored::load(r)?,
            groups: Stored::load(r)?,
            flip: Stored::load(r)?,
        }))
    }
}

impl Stored for Opaque {
    fn store(&self, _: &mut Vec<u8>) -> Result<()> {
        Err(Error::unsupported(
            "[store] a function with rules of its own (custom_function, checkpoint) cannot be stored",
        ))
    }
    fn load(_: &mut Reader<'_>) -> Result<Self> {
        Err(bad("a function with rules of its own cannot be loaded"))
    }
}

impl Stored for Arc<GpuProgram> {
    fn store(&self, _: &mut Vec<u8>) -> Result<()> {
        Err(Error::unsupported(format!("[store] {}: a kernel written for a GPU cannot be stored", self.name)))
    }
    fn load(_: &mut Reader<'_>) -> Result<Self> {
        Err(bad("a kernel written for a GPU cannot be loaded"))
    }
}

impl Stored for Arc<Tape> {
    fn store(&self, out: &mut Vec<u8>) -> Result<()> {
        out.push(self.inputs().len() as u8);
        self.inputs().iter().try_for_each(|d| d.store(out))?;
        out.push(self.instrs().len() as u8);
        for i in self.instrs() {
            i.dtype.store(out)?;
            match i.step {
                Step::Const(bits) => {
                    put_name("", out);
                    out.extend_from_slice(&bits.to_le_bytes());
                }
                Step::Call(f, args) => {
                    put_name(f.name(), out);
                    out.extend_from_slice(&args);
                }
            }
        }
        Ok(())
    }
    fn load(r: &mut Reader<'_>) -> Result<Self> {
        let inputs = r.u8()? as usize;
        if inputs == 0 || inputs > tape::MAX_INPUTS {
            return Err(bad("a tape with too many inputs or none"));
        }
        let inputs: Vec<DType> = (0..inputs).map(|_| DType::load(r)).collect::<Result<_>>()?;
        let mut built = TapeBuilder::new(&inputs);
        let steps = r.u8()? as usize;
        for at in inputs.len()..inputs.len() + steps {
            let dtype = DType::load(r)?;
            let made = match r.name()? {
                "" => built.constant_bits(r.u64()?, dtype)?,
                name => {
                    let f = *Func::ALL.iter().find(|f| f.name() == name).ok_or_else(|| bad("no such function"))?;
                    let args = r.take(3)?;
                    let (used, unused) = args.split_at_checked(f.arity()).ok_or_else(|| bad("too many arguments"))?;
                    if used.iter().any(|&a| a as usize >= at) || unused.iter().any(|&a| a != 0) {
                        return Err(bad("a tape whose arguments are not earlier values"));
                    }
                    if f == Func::Convert { built.convert(used[0], dtype)? } else { built.call(f, used)? }
                }
            };
            // A step that needed conversions would be another than the one that was stored.
            if made as usize != at || built.dtype_of(made) != dtype {
                return Err(bad("a tape whose dtypes do not fit"));
            }
        }
        Ok(Arc::new(built.finish()))
    }
}
