//! npy: one array of a file, read as numpy reads it (versions 1 to 3, Fortran order, either byte order) and
//! written as numpy writes it.
//!
//! numpy has no bfloat16; MLX and `ml_dtypes` store it as two-byte voids, `<V2`.

use crate::map::{MappedFile, Region};
use mlx_ir::{DType, Error, Result};
use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

/// Dimensions an array can have; numpy's own limit.
pub const MAX_DIMS: usize = 64;
/// Bytes of a header; a real one has about a hundred.
pub const MAX_HEADER: usize = 1 << 16;

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// What the header says, checked against the length of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Element type.
    pub dtype: DType,
    /// Whether elements are stored with the most significant byte first.
    pub big_endian: bool,
    /// Whether the first dimension is the contiguous one.
    pub fortran_order: bool,
    /// Sizes; a size may be zero.
    pub shape: Vec<usize>,
    /// First byte of the data.
    pub offset: usize,
    /// Bytes of the data.
    pub byte_len: usize,
}

/// An array read from a file. Bytes that lie as arrays need them (row-major, little endian) stay in the map.
#[derive(Clone, Debug)]
pub struct Npy {
    header: Header,
    data: Data,
}

#[derive(Clone, Debug)]
enum Data {
    Mapped(Region),
    Converted(Vec<u8>),
}

impl Npy {
    /// Maps and checks a file. Bytes after the array are left alone, as numpy does.
    /// Errors: `Io`, naming path, byte offset and field; `Unsupported` for a dtype without an array dtype.
    pub fn open(path: impl AsRef<Path>) -> Result<Npy> {
        let path = path.as_ref();
        Npy::from_file(&MappedFile::open(path)?).map_err(|e| {
            let what = e.message.strip_prefix("[npy] ").unwrap_or(&e.message);
            Error::new(e.kind, format!("[npy] {}: {what}", path.display()))
        })
    }

    /// Reads a whole file given as bytes (copied). Errors: as [`Npy::open`].
    pub fn parse(bytes: &[u8]) -> Result<Npy> {
        Npy::from_file(&MappedFile::from_bytes(bytes, "bytes in memory")?)
    }

    fn from_file(file: &MappedFile) -> Result<Npy> {
        let header = parse_header(file.bytes())?;
        let region = file.region(header.offset, header.byte_len)?;
        let flat = header.shape.iter().filter(|&&n| n > 1).count() <= 1;
        let data = if header.big_endian || (header.fortran_order && !flat) {
            Data::Converted(convert(&header, region.bytes()))
        } else {
            Data::Mapped(region)
        };
        Ok(Npy { header, data })
    }

    /// Element type.
    pub fn dtype(&self) -> DType {
        self.header.dtype
    }

    /// Sizes, row-major.
    pub fn shape(&self) -> &[usize] {
        &self.header.shape
    }

    /// What the file's header says.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The elements: row-major, little endian.
    pub fn bytes(&self) -> &[u8] {
        match &self.data {
            Data::Mapped(r) => r.bytes(),
            Data::Converted(v) => v,
        }
    }

    /// Where [`Npy::bytes`] lie in the file; `None` if they had to be converted.
    pub fn region(&self) -> Option<&Region> {
        match &self.data {
            Data::Mapped(r) => Some(r),
            Data::Converted(_) => None,
        }
    }
}

fn bad(at: usize, field: &str, what: impl std::fmt::Display) -> Error {
    Error::io(format!("[npy] byte {at}, {field}: {what}"))
}

/// Reads and checks the header of a file.
pub fn parse_header(bytes: &[u8]) -> Result<Header> {
    let truncated = |at: usize, field: &str, n: usize| {
        let left = bytes.len().saturating_sub(at);
        bad(at, field, format_args!("truncated: {n} bytes needed, {left} left in the file"))
    };
    let magic = bytes.first_chunk::<6>().ok_or_else(|| truncated(0, "magic", 6))?;
    if magic != MAGIC {
        return Err(bad(0, "magic", "not an npy file"));
    }
    let &[major, minor] = bytes[6..].first_chunk::<2>().ok_or_else(|| truncated(6, "version", 2))?;
    let (len, start) = match (major, minor) {
        (1, 0) => {
            let n = bytes[8..].first_chunk::<2>().ok_or_else(|| truncated(8, "header length", 2))?;
            (u16::from_le_bytes(*n) as usize, 10)
        }
        (2 | 3, 0) => {
            let n = bytes[8..].first_chunk::<4>().ok_or_else(|| truncated(8, "header length", 4))?;
            // A length that does not even fit a usize is over the limit below as well.
            (usize::try_from(u32::from_le_bytes(*n)).unwrap_or(usize::MAX), 12)
        }
        _ => return Err(bad(6, "version", format_args!("{major}.{minor} is unknown (1.0, 2.0 and 3.0 are known)"))),
    };
    if len > MAX_HEADER {
        return Err(bad(8, "header length", format_args!("{len} bytes, at most {MAX_HEADER} are allowed")));
    }
    let text = bytes[start..].get(..len).ok_or_else(|| truncated(start, "header", len))?;
    let dict = Literal { text, pos: 0, start }.dict()?;

    let (descr, descr_at) = dict.descr;
    let (dtype, big_endian) = parse_descr(&descr, descr_at)?;
    let (shape, shape_at) = dict.shape;
    // A zero must not hide that the other sizes overflow together.
    let extent = shape.iter().filter(|&&n| n != 0).try_fold(dtype.size(), |p, &n| p.checked_mul(n));
    let Some(extent) = extent else {
        return Err(bad(shape_at, "shape", format_args!("the size of {dtype} {shape:?} overflows")));
    };
    let byte_len = if shape.contains(&0) { 0 } else { extent };
    let offset = start + len;
    if bytes.len() - offset < byte_len {
        return Err(truncated(offset, "data", byte_len));
    }
    Ok(Header { dtype, big_endian, fortran_order: dict.fortran_order, shape, offset, byte_len })
}

/// `<f4` and the like.
fn parse_descr(descr: &str, at: usize) -> Result<(DType, bool)> {
    let unsupported =
        |why: &str| Err(Error::unsupported(format!("[npy] byte {at}, descr: dtype {descr:?} is not supported{why}")));
    let (order, code) = match descr.as_bytes().first() {
        Some(b'<' | b'|' | b'>') => descr.split_at(1),
        // `=` and a missing sign mean the byte order of the machine that wrote the file, which is unknown.
        _ => return unsupported(" (it has to start with '<', '>' or '|')"),
    };
    let dtype = match code {
        "b1" => DType::Bool,
        "u1" => DType::U8,
        "u2" => DType::U16,
        "u4" => DType::U32,
        "u8" => DType::U64,
        "i1" => DType::I8,
        "i2" => DType::I16,
        "i4" => DType::I32,
        "i8" => DType::I64,
        "f2" => DType::F16,
        "f4" => DType::F32,
        "f8" => DType::F64,
        "V2" => DType::BF16,
        "c8" => DType::C64,
        "c16" => return unsupported(": complex128 has no array dtype"),
        "O" => return unsupported(": Python objects are pickled, which can run code"),
        _ => return unsupported(""),
    };
    if order == "|" && dtype.size() > 1 && dtype != DType::BF16 {
        return unsupported(" (the byte order is missing)");
    }
    Ok((dtype, order == ">"))
}

/// The header's dictionary, each value with the byte where it stands.
struct Dict {
    descr: (String, usize),
    fortran_order: bool,
    shape: (Vec<usize>, usize),
}

/// Reads the few Python literals that headers consist of.
struct Literal<'a> {
    text: &'a [u8],
    pos: usize,
    /// Byte of the file where `text` starts.
    start: usize,
}

impl Literal<'_> {
    fn at(&self) -> usize {
        self.start + self.pos
    }

    fn bad(&self, field: &str, what: &str) -> Error {
        let found = match self.text.get(self.pos) {
            Some(&b) => format!("{:?}", char::from(b)),
            None => "the end of the header".into(),
        };
        bad(self.at(), field, format_args!("{what}, found {found}"))
    }

    fn skip_space(&mut self) {
        while self.text.get(self.pos).is_some_and(u8::is_ascii_whitespace) {
            self.pos += 1;
        }
    }

    /// Whether `token` comes next; then it is stepped over.
    fn eat(&mut self, token: &str) -> bool {
        self.skip_space();
        let found = self.text[self.pos..].starts_with(token.as_bytes());
        if found {
            self.pos += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str, field: &str) -> Result<()> {
        if self.eat(token) { Ok(()) } else { Err(self.bad(field, &format!("{token:?} expected"))) }
    }

    fn string(&mut self, field: &str) -> Result<String> {
        self.skip_space();
        let quote = match self.text.get(self.pos) {
            Some(&q @ (b'\'' | b'"')) => q,
            _ => return Err(self.bad(field, "a string expected")),
        };
        let body = &self.text[self.pos + 1..];
        let Some(n) = body.iter().position(|&b| b == quote) else {
            return Err(self.bad(field, "a string without an end"));
        };
        // Accepted values are plain ASCII; anything else is shown as it is in the message that refuses it.
        let s = String::from_utf8_lossy(&body[..n]).into_owned();
        self.pos += n + 2;
        Ok(s)
    }

    fn shape(&mut self) -> Result<Vec<usize>> {
        const FIELD: &str = "shape";
        self.expect("(", FIELD)?;
        let mut out = Vec::new();
        while !self.eat(")") {
            self.skip_space();
            let digits = self.text[self.pos..].iter().take_while(|b| b.is_ascii_digit()).count();
            if digits == 0 {
                return Err(self.bad(FIELD, "a size expected"));
            }
            let text = &self.text[self.pos..self.pos + digits];
            let value = text.iter().try_fold(0usize, |v, &b| v.checked_mul(10)?.checked_add((b - b'0').into()));
            let Some(value) = value else {
                return Err(bad(self.at(), FIELD, "a size overflows"));
            };
            if out.len() == MAX_DIMS {
                return Err(bad(self.at(), FIELD, format_args!("more than {MAX_DIMS} dimensions")));
            }
            out.push(value);
            self.pos += digits;
            // Python 2 wrote long integers so.
            self.eat("L");
            if !self.eat(",") {
                // `(3)` is a number, not a tuple.
                if out.len() == 1 {
                    return Err(self.bad(FIELD, "\",\" expected"));
                }
                self.expect(")", FIELD)?;
                break;
            }
        }
        Ok(out)
    }

    fn dict(mut self) -> Result<Dict> {
        let (mut descr, mut fortran, mut shape) = (None, None, None);
        self.expect("{", "header")?;
        while !self.eat("}") {
            self.skip_space();
            let key_at = self.at();
            let key = self.string("header key")?;
            self.expect(":", "header")?;
            self.skip_space();
            let at = self.at();
            let twice = match key.as_str() {
                "descr" if self.text.get(self.pos) == Some(&b'[') => {
                    let what = format!("[npy] byte {at}, descr: structured dtypes are not supported");
                    return Err(Error::unsupported(what));
                }
                "descr" => descr.replace((self.string("descr")?, at)).is_some(),
                "fortran_order" => {
                    let value = self.eat("True");
                    if !value {
                        self.expect("False", "fortran_order")?;
                    }
                    fortran.replace(value).is_some()
                }
                "shape" => shape.replace((self.shape()?, at)).is_some(),
                _ => return Err(bad(key_at, "header key", format_args!("unknown key {key:?}"))),
            };
            if twice {
                return Err(bad(key_at, "header key", format_args!("duplicate key {key:?}")));
            }
            if !self.eat(",") {
                self.expect("}", "header")?;
                break;
            }
        }
        self.skip_space();
        if self.pos != self.text.len() {
            return Err(self.bad("header", "nothing more expected"));
        }
        let missing = |key: &str| bad(self.start, "header", format_args!("key {key:?} is missing"));
        Ok(Dict {
            descr: descr.ok_or_else(|| missing("descr"))?,
            fortran_order: fortran.ok_or_else(|| missing("fortran_order"))?,
            shape: shape.ok_or_else(|| missing("shape"))?,
        })
    }
}

/// Row-major little-endian copy. `data` has exactly `header.byte_len` bytes.
fn convert(header: &Header, data: &[u8]) -> Vec<u8> {
    let size = header.dtype.size();
    // Complex numbers swap each of their two halves.
    let word = if header.dtype == DType::C64 { 4 } else { size };
    let mut out = if header.fortran_order { to_row_major(&header.shape, size, data) } else { data.to_vec() };
    if header.big_endian && word > 1 {
        out.chunks_exact_mut(word).for_each(<[u8]>::reverse);
    }
    out
}

/// Elements of `size` bytes from column-major to row-major order.
fn to_row_major(shape: &[usize], size: usize, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len());
    if data.is_empty() {
        return out;
    }
    // Strides of the source in bytes; no overflow, their products are at most `data.len()`.
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = size;
    for &n in shape {
        strides.push(stride);
        stride *= n;
    }
    let mut index = vec![0usize; shape.len()];
    let mut at = 0;
    loop {
        out.extend_from_slice(&data[at..at + size]);
        // The next index, the last dimension running fastest.
        let mut d = shape.len();
        loop {
            let Some(lower) = d.checked_sub(1) else { return out };
            d = lower;
            index[d] += 1;
            at += strides[d];
            if index[d] < shape[d] {
                break;
            }
            at -= strides[d] * shape[d];
            index[d] = 0;
        }
    }
}

/// The `descr` numpy writes for a dtype.
const fn descr(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "|b1",
        DType::U8 => "|u1",
        DType::U16 => "<u2",
        DType::U32 => "<u4",
        DType::U64 => "<u8",
        DType::I8 => "|i1",
        DType::I16 => "<i2",
        DType::I32 => "<i4",
        DType::I64 => "<i8",
        DType::F16 => "<f2",
        DType::F32 => "<f4",
        DType::F64 => "<f8",
        DType::BF16 => "<V2",
        DType::C64 => "<c8",
    }
}

/// Writes an array of little-endian, row-major bytes, byte for byte as `numpy.save` does.
/// Errors: `Value` if the bytes do not fit dtype and shape, or for too many dimensions; `Io` from the writer.
pub fn write(w: &mut impl Write, dtype: DType, shape: &[usize], data: &[u8]) -> Result<()> {
    if shape.len() > MAX_DIMS {
        return Err(Error::value(format!("[npy] write: {} dimensions, at most {MAX_DIMS} are allowed", shape.len())));
    }
    if shape.iter().try_fold(dtype.size(), |p, &n| p.checked_mul(n)) != Some(data.len()) {
        return Err(Error::value(format!("[npy] write: {} bytes given for {dtype} {shape:?}", data.len())));
    }
    let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
    let shape_text: Cow<'_, str> = match &sizes[..] {
        [] => "()".into(),
        [one] => format!("({one},)").into(),
        many => format!("({})", many.join(", ")).into(),
    };
    let mut text = format!("{{'descr': '{}', 'fortran_order': False, 'shape': {shape_text}, }}", descr(dtype));
    // numpy leaves room for the first size to grow to 21 digits when the file is appended to.
    if let Some(first) = sizes.first() {
        text.extend(std::iter::repeat_n(' ', 21usize.saturating_sub(first.len())));
    }
    // Magic, version and length are 10 bytes, and a newline ends the header; the data starts at a multiple of 64,
    // with at least one space of padding. The longest header, 64 sizes of 20 digits, stays below the 65,535
    // bytes of version 1.
    let end = ((text.len() + 11) / 64 + 1) * 64;
    text.extend(std::iter::repeat_n(' ', end - 11 - text.len()));
    text.push('\n');
    w.write_all(MAGIC)?;
    w.write_all(&[1, 0])?;
    w.write_all(&(text.len() as u16).to_le_bytes())?;
    w.write_all(text.as_bytes())?;
    w.write_all(data)?;
    Ok(())
}
