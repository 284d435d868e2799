//! Block formats of quantized weights, as they lie in GGUF files.

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
}
