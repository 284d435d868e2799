//! What a primitive's state is made of, as bytes.

use mlx_ir::stored::{Reader, put_text, put_u64};
use mlx_ir::{Aval, DType, Error, Result, Shape, desc};

pub(super) fn bad(what: impl Into<String>) -> Error {
    Error::value(format!("[import_function] {}", what.into()))
}

/// The kind of one part of a state.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Int,
    Flag,
    Float,
    Double,
    Size,
    Ints,
    Longs,
    Dtype,
    Text,
}

/// One part of a state.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Int(i32),
    Flag(bool),
    Float(f32),
    Double(f64),
    Size(u64),
    Ints(Vec<i32>),
    Longs(Vec<i64>),
    Dtype(DType),
    Text(&'static str),
}

pub(super) fn int(r: &mut Reader<'_>) -> Result<i32> {
    let b = r.take(4)?;
    Ok(i32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

pub(super) fn flag(r: &mut Reader<'_>) -> Result<bool> {
    match r.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        n => Err(bad(format!("A flag has the value {n}."))),
    }
}

/// A list whose entries take at least `each` bytes.
pub(super) fn list<'a, T>(
    r: &mut Reader<'a>,
    each: usize,
    read: impl Fn(&mut Reader<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    (0..r.count(each)?).map(|_| read(r)).collect()
}

/// Its number is its place in [`DType::ALL`], which has the official package's order.
pub(super) fn dtype(r: &mut Reader<'_>) -> Result<DType> {
    let (number, size) = (int(r)?, r.u8()?);
    let known = usize::try_from(number).ok().and_then(|n| DType::ALL.get(n));
    known.copied().filter(|d| d.size() == size as usize).ok_or_else(|| bad(format!("Unknown dtype {number}.")))
}

pub(super) fn shape(r: &mut Reader<'_>) -> Result<Shape> {
    (0..r.count(4)?).map(|_| usize::try_from(int(r)?).map_err(|_| bad("A size is negative."))).collect()
}

pub(super) fn aval(r: &mut Reader<'_>) -> Result<Aval> {
    let (shape, dtype) = (shape(r)?, dtype(r)?);
    desc::checked_size("import_function", &shape, dtype)?;
    Ok(Aval::new(shape, dtype))
}

/// A size as the number that it is in such files.
///
/// # Errors
/// `Unsupported` beyond 31 bits.
pub(super) fn narrow(n: usize) -> Result<i32> {
    i32::try_from(n).map_err(|_| Error::unsupported(format!("[export_function] A size of {n} is beyond 31 bits.")))
}

pub(super) fn put_dtype(d: DType, out: &mut Vec<u8>) {
    let number = DType::ALL.iter().position(|&x| x == d).unwrap_or_default();
    out.extend_from_slice(&(number as i32).to_le_bytes());
    out.push(d.size() as u8);
}

pub(super) fn put_shape(shape: &[usize], out: &mut Vec<u8>) -> Result<()> {
    put_u64(shape.len(), out);
    for &d in shape {
        out.extend_from_slice(&narrow(d)?.to_le_bytes());
    }
    Ok(())
}

pub(super) fn put_aval(a: &Aval, out: &mut Vec<u8>) -> Result<()> {
    put_shape(&a.shape, out)?;
    put_dtype(a.dtype, out);
    Ok(())
}

impl Value {
    pub(super) fn read(kind: Kind, r: &mut Reader<'_>) -> Result<Value> {
        Ok(match kind {
            Kind::Int => Value::Int(int(r)?),
            Kind::Flag => Value::Flag(flag(r)?),
            Kind::Float => Value::Float(f32::from_bits(int(r)? as u32)),
            Kind::Double => Value::Double(f64::from_bits(r.u64()?)),
            Kind::Size => Value::Size(r.u64()?),
            Kind::Ints => Value::Ints(list(r, 4, int)?),
            Kind::Longs => Value::Longs(list(r, 8, |r| Ok(r.u64()? as i64))?),
            Kind::Dtype => Value::Dtype(dtype(r)?),
            // The only one says which triangle of a matrix is read.
            Kind::Text => Value::Text(match r.text()? {
                "L" => "L",
                "U" => "U",
                other => return Err(bad(format!("Expected a triangle L or U, got {other:?}."))),
            }),
        })
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Value::Int(i) => out.extend_from_slice(&i.to_le_bytes()),
            Value::Flag(f) => out.push(u8::from(*f)),
            Value::Float(x) => out.extend_from_slice(&x.to_le_bytes()),
            Value::Double(x) => out.extend_from_slice(&x.to_le_bytes()),
            Value::Size(n) => out.extend_from_slice(&n.to_le_bytes()),
            Value::Ints(all) => {
                put_u64(all.len(), out);
                all.iter().for_each(|i| out.extend_from_slice(&i.to_le_bytes()));
            }
            Value::Longs(all) => {
                put_u64(all.len(), out);
                all.iter().for_each(|i| out.extend_from_slice(&i.to_le_bytes()));
            }
            Value::Dtype(d) => put_dtype(*d, out),
            Value::Text(t) => put_text(t, out),
        }
    }
}
