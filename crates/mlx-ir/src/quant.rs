//! Block formats of quantized weights, as they lie in GGUF files.
//!
//! A format is one row of `QuantFormat::row` plus its exact meaning: one arm in `decode` and one
//! in `encode`.

mod decode;
mod encode;

use crate::error::{Error, Result};

/// Elements of a super-block of the K formats.
pub const SUPER: usize = 256;

/// A weight format: rows of blocks of a fixed number of elements and bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(non_camel_case_types, reason = "the names of the GGUF formats")]
pub enum QuantFormat {
    /// Plain f32.
    F32,
    /// Plain f16.
    F16,
    /// Plain bf16.
    BF16,
    /// 32 × 4 bits, f16 scale, offset 8.
    Q4_0,
    /// 32 × 4 bits, f16 scale and minimum.
    Q4_1,
    /// 32 × 5 bits, f16 scale, offset 16.
    Q5_0,
    /// 32 × 8 bits, f16 scale.
    Q8_0,
    /// 256 × 4 bits, eight 6-bit scales and minima.
    Q4_K,
    /// 256 × 5 bits, eight 6-bit scales and minima.
    Q5_K,
    /// 256 × 6 bits, sixteen 8-bit scales.
    Q6_K,
}

impl QuantFormat {
    /// Every format.
    pub const ALL: [QuantFormat; 10] = [
        QuantFormat::F32,
        QuantFormat::F16,
        QuantFormat::BF16,
        QuantFormat::Q4_0,
        QuantFormat::Q4_1,
        QuantFormat::Q5_0,
        QuantFormat::Q8_0,
        QuantFormat::Q4_K,
        QuantFormat::Q5_K,
        QuantFormat::Q6_K,
    ];

    /// Name, elements of a block, bytes of a block.
    const fn row(self) -> (&'static str, usize, usize) {
        match self {
            QuantFormat::F32 => ("F32", 1, 4),
            QuantFormat::F16 => ("F16", 1, 2),
            QuantFormat::BF16 => ("BF16", 1, 2),
            QuantFormat::Q4_0 => ("Q4_0", 32, 18),
            QuantFormat::Q4_1 => ("Q4_1", 32, 20),
            QuantFormat::Q5_0 => ("Q5_0", 32, 22),
            QuantFormat::Q8_0 => ("Q8_0", 32, 34),
            QuantFormat::Q4_K => ("Q4_K", 256, 144),
            QuantFormat::Q5_K => ("Q5_K", 256, 176),
            QuantFormat::Q6_K => ("Q6_K", 256, 210),
        }
    }
    /// The name that GGUF tools use.
    pub const fn name(self) -> &'static str {
        self.row().0
    }
    /// Elements of a block.
    pub const fn block_elements(self) -> usize {
        self.row().1
    }
    /// Bytes of a block.
    pub const fn block_bytes(self) -> usize {
        self.row().2
    }
    /// Bytes of a row of `k` elements, or `None` when `k` is not a whole number of blocks or the size overflows.
    pub const fn row_bytes(self, k: usize) -> Option<usize> {
        if !k.is_multiple_of(self.block_elements()) {
            return None;
        }
        (k / self.block_elements()).checked_mul(self.block_bytes())
    }

    /// The format that GGUF tools call `name`.
    pub fn from_name(name: &str) -> Option<QuantFormat> {
        QuantFormat::ALL.into_iter().find(|f| f.name() == name)
    }

    /// The exact values of one block.
    ///
    /// # Panics
    /// If `block` is not [`block_bytes`](Self::block_bytes) or `out` not
    /// [`block_elements`](Self::block_elements) long.
    pub fn decode_block(self, block: &[u8], out: &mut [f32]) {
        assert_eq!((block.len(), out.len()), (self.block_bytes(), self.block_elements()), "{}", self.name());
        decode::block(self, block, out);
    }

    /// The exact values of a row of blocks: `out.len()` elements.
    ///
    /// # Errors
    /// `Value` when `out` is not a whole number of blocks or `row` has another size than that takes.
    pub fn decode_row(self, row: &[u8], out: &mut [f32]) -> Result<()> {
        if self.row_bytes(out.len()) != Some(row.len()) {
            return Err(self.size_error("decode", out.len(), row.len()));
        }
        for (b, o) in row.chunks_exact(self.block_bytes()).zip(out.chunks_exact_mut(self.block_elements())) {
            decode::block(self, b, o);
        }
        Ok(())
    }

    /// Quantizes `row` into blocks. Q4_0, Q4_1, Q5_0 and Q8_0 give the bytes that the `gguf` Python
    /// package gives; the K formats search for the scales with the least squared error.
    ///
    /// # Errors
    /// `Value` when the row is not a whole number of blocks, when `out` has another size than the
    /// row takes, and when a block format meets a number that is not finite.
    pub fn encode_row(self, row: &[f32], out: &mut [u8]) -> Result<()> {
        if self.row_bytes(row.len()) != Some(out.len()) {
            return Err(self.size_error("encode", row.len(), out.len()));
        }
        if self.block_elements() > 1
            && let Some(i) = row.iter().position(|v| !v.is_finite())
        {
            return Err(Error::value(format!("[quantize] {}: element {i} is {}", self.name(), row[i])));
        }
        for (b, x) in out.chunks_exact_mut(self.block_bytes()).zip(row.chunks_exact(self.block_elements())) {
            encode::block(self, x, b);
        }
        Ok(())
    }

    fn size_error(self, what: &str, elements: usize, bytes: usize) -> Error {
        let (name, per_block, block_bytes) = self.row();
        Error::value(format!(
            "[{what}] {name}: {elements} elements do not fit {bytes} bytes (blocks of {per_block} in {block_bytes} bytes)"
        ))
    }
}

/// The 6-bit scale and minimum of sub-block `j` (0 to 7) of a Q4_K or Q5_K block, from its 12 packed bytes.
pub fn k_scale_min(packed: &[u8; 12], j: usize) -> (u8, u8) {
    if j < 4 {
        (packed[j] & 63, packed[j + 4] & 63)
    } else {
        let low = packed[j + 4];
        ((low & 15) | ((packed[j - 4] >> 6) << 4), (low >> 4) | ((packed[j] >> 6) << 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, seed: u32) -> Vec<f32> {
        let mut s = seed;
        let mut next = || {
            s = s.wrapping_mul(1664525).wrapping_add(1013904223);
            (s >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..n).map(|_| next() + next() + next()).collect()
    }

    fn rms_error(f: QuantFormat, x: &[f32]) -> f64 {
        let mut bytes = vec![0; f.row_bytes(x.len()).unwrap()];
        let mut back = vec![0.0; x.len()];
        f.encode_row(x, &mut bytes).unwrap();
        f.decode_row(&bytes, &mut back).unwrap();
        let e: f64 = x.iter().zip(&back).map(|(a, b)| ((a - b) as f64).powi(2)).sum();
        let n: f64 = x.iter().map(|a| (*a as f64).powi(2)).sum();
        (e / n).sqrt()
    }

    #[test]
    fn round_trip_errors_are_those_of_the_bit_width() {
        let x = noise(8192, 7);
        let limit = |f| match f {
            QuantFormat::F32 => 0.0,
            QuantFormat::F16 => 3e-4,
            QuantFormat::BF16 => 2.5e-3,
            QuantFormat::Q8_0 => 7e-3,
            QuantFormat::Q6_K => 2.5e-2,
            QuantFormat::Q5_0 | QuantFormat::Q5_K => 5e-2,
            QuantFormat::Q4_0 | QuantFormat::Q4_1 | QuantFormat::Q4_K => 1e-1,
        };
        for f in QuantFormat::ALL {
            let e = rms_error(f, &x);
            assert!(e <= limit(f), "{}: {e}", f.name());
        }
        // The search must beat the plain formats of the same width.
        assert!(rms_error(QuantFormat::Q4_K, &x) < rms_error(QuantFormat::Q4_0, &x));
        assert!(rms_error(QuantFormat::Q5_K, &x) < rms_error(QuantFormat::Q5_0, &x));
    }

    #[test]
    fn decoded_values_are_fixed_points() {
        let x = noise(1024, 3);
        for f in [QuantFormat::F32, QuantFormat::F16, QuantFormat::BF16, QuantFormat::Q8_0] {
            let mut bytes = vec![0; f.row_bytes(x.len()).unwrap()];
            let mut once = vec![0.0; x.len()];
            f.encode_row(&x, &mut bytes).unwrap();
            f.decode_row(&bytes, &mut once).unwrap();
            let mut twice = vec![0.0; x.len()];
            f.encode_row(&once, &mut bytes).unwrap();
            f.decode_row(&bytes, &mut twice).unwrap();
            let worst = once.iter().zip(&twice).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(worst <= 1e-3 * 1.5, "{}: {worst}", f.name());
        }
    }

    #[test]
    fn zeros_and_constants_survive() {
        for f in QuantFormat::ALL {
            assert!(rms_error(f, &[1.0; 256]) < 0.02, "{}", f.name());
            let mut bytes = vec![0; f.row_bytes(256).unwrap()];
            let mut back = vec![1.0; 256];
            f.encode_row(&[0.0; 256], &mut bytes).unwrap();
            f.decode_row(&bytes, &mut back).unwrap();
            assert!(back.iter().all(|v| *v == 0.0), "{}", f.name());
        }
    }

    #[test]
    fn wrong_sizes_and_values_are_refused() {
        for f in QuantFormat::ALL {
            let (e, b) = (f.block_elements(), f.block_bytes());
            assert!(f.decode_row(&vec![0; b + 1], &mut vec![0.0; e]).is_err());
            assert!(f.encode_row(&vec![0.0; e], &mut vec![0; b - 1]).is_err());
            assert_eq!(f.row_bytes(2 * e), Some(2 * b));
            assert_eq!(QuantFormat::from_name(f.name()), Some(f));
            assert!(e == 1 || b <= e || f.row_bytes(usize::MAX / 256 * 256).is_none());
            if e > 1 {
                assert_eq!(f.row_bytes(e + 1), None);
                assert!(f.encode_row(&vec![f32::NAN; e], &mut vec![0; b]).is_err());
            }
        }
    }
}
