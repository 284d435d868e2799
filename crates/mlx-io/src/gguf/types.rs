//! The tensor types of ggml: one row each.

use mlx_ir::{DType, Error, QuantFormat, Result};
use std::fmt;

macro_rules! ggml_types {
    ($($variant:ident = $id:literal, $name:literal, $block:literal, $bytes:literal, $dtype:expr;)*) => {
        /// Type of a tensor in a GGUF file. The names and ids are ggml's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u32)]
        #[allow(non_camel_case_types)]
        pub enum GgmlType {
            $(
                #[doc = concat!("`", $name, "`: blocks of ", stringify!($block), " elements in ", stringify!($bytes), " bytes.")]
                $variant = $id,
            )*
        }

        impl GgmlType {
            /// Every type, by id.
            pub const ALL: &'static [GgmlType] = &[$(GgmlType::$variant),*];

            /// Name as ggml prints it: `F32`, `Q4_K`, `IQ2_XXS`, …
            pub const fn name(self) -> &'static str {
                match self { $(GgmlType::$variant => $name),* }
            }
            /// Elements of a block; 1 for plain types. A row is a whole number of blocks.
            pub const fn block_len(self) -> usize {
                match self { $(GgmlType::$variant => $block),* }
            }
            /// Bytes of a block.
            pub const fn block_bytes(self) -> usize {
                match self { $(GgmlType::$variant => $bytes),* }
            }
            /// The array dtype with the same bytes, for plain types.
            pub const fn dtype(self) -> Option<DType> {
                match self { $(GgmlType::$variant => $dtype),* }
            }
        }
    };
}

ggml_types! {
    F32 = 0, "F32", 1, 4, Some(DType::F32);
    F16 = 1, "F16", 1, 2, Some(DType::F16);
    Q4_0 = 2, "Q4_0", 32, 18, None;
    Q4_1 = 3, "Q4_1", 32, 20, None;
    Q5_0 = 6, "Q5_0", 32, 22, None;
    Q5_1 = 7, "Q5_1", 32, 24, None;
    Q8_0 = 8, "Q8_0", 32, 34, None;
    Q8_1 = 9, "Q8_1", 32, 36, None;
    Q2_K = 10, "Q2_K", 256, 84, None;
    Q3_K = 11, "Q3_K", 256, 110, None;
    Q4_K = 12, "Q4_K", 256, 144, None;
    Q5_K = 13, "Q5_K", 256, 176, None;
    Q6_K = 14, "Q6_K", 256, 210, None;
    Q8_K = 15, "Q8_K", 256, 292, None;
    IQ2_XXS = 16, "IQ2_XXS", 256, 66, None;
    IQ2_XS = 17, "IQ2_XS", 256, 74, None;
    IQ3_XXS = 18, "IQ3_XXS", 256, 98, None;
    IQ1_S = 19, "IQ1_S", 256, 50, None;
    IQ4_NL = 20, "IQ4_NL", 32, 18, None;
    IQ3_S = 21, "IQ3_S", 256, 110, None;
    IQ2_S = 22, "IQ2_S", 256, 82, None;
    IQ4_XS = 23, "IQ4_XS", 256, 136, None;
    I8 = 24, "I8", 1, 1, Some(DType::I8);
    I16 = 25, "I16", 1, 2, Some(DType::I16);
    I32 = 26, "I32", 1, 4, Some(DType::I32);
    I64 = 27, "I64", 1, 8, Some(DType::I64);
    F64 = 28, "F64", 1, 8, Some(DType::F64);
    IQ1_M = 29, "IQ1_M", 256, 56, None;
    BF16 = 30, "BF16", 1, 2, Some(DType::BF16);
    TQ1_0 = 34, "TQ1_0", 256, 54, None;
    TQ2_0 = 35, "TQ2_0", 256, 66, None;
    MXFP4 = 39, "MXFP4", 32, 17, None;
    NVFP4 = 40, "NVFP4", 64, 36, None;
    Q1_0 = 41, "Q1_0", 128, 18, None;
    Q2_0 = 42, "Q2_0", 64, 18, None;
}

/// Ids that ggml has withdrawn, with their last names.
const REMOVED: [(u32, &str); 8] = [
    (4, "Q4_2"),
    (5, "Q4_3"),
    (31, "Q4_0_4_4"),
    (32, "Q4_0_4_8"),
    (33, "Q4_0_8_8"),
    (36, "IQ4_NL_4_4"),
    (37, "IQ4_NL_4_8"),
    (38, "IQ4_NL_8_8"),
];

impl GgmlType {
    /// The type with this id. Errors: `Unsupported`, naming the number (and the name of a withdrawn type).
    pub fn from_id(id: u32) -> Result<GgmlType> {
        if let Some(&t) = GgmlType::ALL.iter().find(|t| t.id() == id) {
            return Ok(t);
        }
        Err(match REMOVED.iter().find(|r| r.0 == id) {
            Some((_, name)) => {
                Error::unsupported(format!("[gguf] tensor type {id} ({name}) was withdrawn from the format"))
            }
            None => Error::unsupported(format!("[gguf] unknown tensor type {id}")),
        })
    }

    /// The type with this name, in any case (`q4_k`).
    pub fn from_name(name: &str) -> Option<GgmlType> {
        GgmlType::ALL.iter().copied().find(|t| t.name().eq_ignore_ascii_case(name))
    }

    /// Its number in files.
    pub const fn id(self) -> u32 {
        self as u32
    }

    /// Whether elements are packed in blocks with shared scales.
    pub const fn is_quantized(self) -> bool {
        self.block_len() > 1
    }

    /// The format in which weights of this type are computed with as they lie; `None` for types without kernels.
    pub fn quant_format(self) -> Option<QuantFormat> {
        // The names of both tables are those of the format; a test holds the sizes together.
        QuantFormat::ALL.into_iter().find(|q| q.name() == self.name())
    }

    /// Bytes of a row of `elements`; `None` if it is not a whole number of blocks or overflows.
    pub const fn row_bytes(self, elements: usize) -> Option<usize> {
        if !elements.is_multiple_of(self.block_len()) {
            return None;
        }
        (elements / self.block_len()).checked_mul(self.block_bytes())
    }
}

impl fmt::Display for GgmlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_are_unique_and_found() {
        for t in GgmlType::ALL {
            assert_eq!(GgmlType::from_id(t.id()).unwrap(), *t);
            assert_eq!(GgmlType::from_name(&t.name().to_lowercase()), Some(*t));
            if let Some(d) = t.dtype() {
                assert_eq!((t.block_len(), t.block_bytes()), (1, d.size()), "{t}");
            } else {
                assert!(t.is_quantized());
            }
        }
        assert_eq!(GgmlType::ALL.len() + REMOVED.len(), 43, "ids 0 to 42 are all known");
    }

    #[test]
    fn unknown_and_withdrawn_ids_are_named() {
        assert!(GgmlType::from_id(43).unwrap_err().message.contains("unknown tensor type 43"));
        assert!(GgmlType::from_id(31).unwrap_err().message.contains("31 (Q4_0_4_4)"));
    }

    #[test]
    fn every_quant_format_has_its_type() {
        for q in QuantFormat::ALL {
            let t = GgmlType::from_name(q.name()).unwrap();
            assert_eq!(t.quant_format(), Some(q));
            assert_eq!((t.block_len(), t.block_bytes()), (q.block_elements(), q.block_bytes()), "{t}");
        }
        assert_eq!(GgmlType::IQ1_S.quant_format(), None);
    }

    #[test]
    fn row_bytes() {
        assert_eq!(GgmlType::Q4_K.row_bytes(512), Some(288));
        assert_eq!(GgmlType::Q4_K.row_bytes(128), None);
        assert_eq!(GgmlType::F64.row_bytes(usize::MAX), None);
    }
}
