//! Shaders compiled from `shaders/*.comp` as `shaders/kernels.toml` lists them (`scripts/shaders.sh`).

use crate::record::{Shader, fingerprint};
use mlx_ir::QuantFormat;
use std::borrow::Cow;

/// The words of a file of SPIR-V.
const fn words<const N: usize>(bytes: &[u8]) -> [u32; N] {
    assert!(bytes.len() == N * 4);
    let mut out = [0; N];
    let mut i = 0;
    while i < N {
        let at = i * 4;
        out[i] = u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        i += 1;
    }
    out
}

macro_rules! shaders {
    ($($id:ident = $name:literal),* $(,)?) => {
        $(pub(crate) static $id: Shader = {
            const BYTES: &[u8] = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders/bundle/", $name, ".spv"));
            const WORDS: &[u32] = &words::<{ BYTES.len() / 4 }>(BYTES);
            Shader { name: Cow::Borrowed($name), code: Cow::Borrowed(WORDS), id: fingerprint(WORDS) }
        };)*
        /// All of them.
        pub(crate) static ALL: &[&Shader] = &[$(&$id),*];
    };
}

include!("shaders/table.rs");

/// Tells one build's shaders from another's.
pub fn kernels_id() -> u64 {
    ALL.iter().fold(0, |h, s| h.rotate_left(5) ^ s.id)
}

/// Products of a few f32 rows with matrices in blocks.
pub(crate) fn block_project(format: QuantFormat) -> &'static Shader {
    match format {
        QuantFormat::F32 => &BLOCK_PROJECT_F32,
        QuantFormat::F16 => &BLOCK_PROJECT_F16,
        QuantFormat::BF16 => &BLOCK_PROJECT_BF16,
        QuantFormat::Q4_0 => &BLOCK_PROJECT_Q4_0,
        QuantFormat::Q4_1 => &BLOCK_PROJECT_Q4_1,
        QuantFormat::Q5_0 => &BLOCK_PROJECT_Q5_0,
        QuantFormat::Q8_0 => &BLOCK_PROJECT_Q8_0,
        QuantFormat::Q4_K => &BLOCK_PROJECT_Q4_K,
        QuantFormat::Q5_K => &BLOCK_PROJECT_Q5_K,
        QuantFormat::Q6_K => &BLOCK_PROJECT_Q6_K,
    }
}

/// As [`block_project`], in integers; none for formats that are not.
pub(crate) fn block_dot(format: QuantFormat) -> Option<&'static Shader> {
    match format {
        QuantFormat::F32 | QuantFormat::F16 | QuantFormat::BF16 => None,
        QuantFormat::Q4_0 => Some(&BLOCK_DOT_Q4_0),
        QuantFormat::Q4_1 => Some(&BLOCK_DOT_Q4_1),
        QuantFormat::Q5_0 => Some(&BLOCK_DOT_Q5_0),
        QuantFormat::Q8_0 => Some(&BLOCK_DOT_Q8_0),
        QuantFormat::Q4_K => Some(&BLOCK_DOT_Q4_K),
        QuantFormat::Q5_K => Some(&BLOCK_DOT_Q5_K),
        QuantFormat::Q6_K => Some(&BLOCK_DOT_Q6_K),
    }
}

/// The product of f32 rows with a matrix in blocks.
pub(crate) fn block_matmul(format: QuantFormat) -> &'static Shader {
    match format {
        QuantFormat::F32 => &BLOCK_MATMUL_F32,
        QuantFormat::F16 => &BLOCK_MATMUL_F16,
        QuantFormat::BF16 => &BLOCK_MATMUL_BF16,
        QuantFormat::Q4_0 => &BLOCK_MATMUL_Q4_0,
        QuantFormat::Q4_1 => &BLOCK_MATMUL_Q4_1,
        QuantFormat::Q5_0 => &BLOCK_MATMUL_Q5_0,
        QuantFormat::Q8_0 => &BLOCK_MATMUL_Q8_0,
        QuantFormat::Q4_K => &BLOCK_MATMUL_Q4_K,
        QuantFormat::Q5_K => &BLOCK_MATMUL_Q5_K,
        QuantFormat::Q6_K => &BLOCK_MATMUL_Q6_K,
    }
}

/// As [`block_matmul`] by cooperative matrices of f16; none for weights of more precision.
pub(crate) fn block_coop(format: QuantFormat) -> Option<&'static Shader> {
    match format {
        QuantFormat::F32 => None,
        QuantFormat::F16 => Some(&BLOCK_COOP_F16),
        QuantFormat::BF16 => Some(&BLOCK_COOP_BF16),
        QuantFormat::Q4_0 => Some(&BLOCK_COOP_Q4_0),
        QuantFormat::Q4_1 => Some(&BLOCK_COOP_Q4_1),
        QuantFormat::Q5_0 => Some(&BLOCK_COOP_Q5_0),
        QuantFormat::Q8_0 => Some(&BLOCK_COOP_Q8_0),
        QuantFormat::Q4_K => Some(&BLOCK_COOP_Q4_K),
        QuantFormat::Q5_K => Some(&BLOCK_COOP_Q5_K),
        QuantFormat::Q6_K => Some(&BLOCK_COOP_Q6_K),
    }
}

/// A shader that every device takes, for tests.
#[cfg(test)]
pub(crate) fn any_for_test() -> &'static Shader {
    // Cooperative matrices need devices with them.
    ALL.iter().find(|s| !s.name.contains("_coop")).expect("there are others")
}

/// Bindings that a shader declares.
#[cfg(test)]
pub(crate) fn bindings_for_test(code: &[u32]) -> usize {
    tests::bindings(code)
}

/// Rows of weights as f16; none for those that are, and for f32.
pub(crate) fn unpack(format: QuantFormat) -> Option<&'static Shader> {
    match format {
        QuantFormat::F32 | QuantFormat::F16 => None,
        QuantFormat::BF16 => Some(&UNPACK_BF16),
        QuantFormat::Q4_0 => Some(&UNPACK_Q4_0),
        QuantFormat::Q4_1 => Some(&UNPACK_Q4_1),
        QuantFormat::Q5_0 => Some(&UNPACK_Q5_0),
        QuantFormat::Q8_0 => Some(&UNPACK_Q8_0),
        QuantFormat::Q4_K => Some(&UNPACK_Q4_K),
        QuantFormat::Q5_K => Some(&UNPACK_Q5_K),
        QuantFormat::Q6_K => Some(&UNPACK_Q6_K),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bindings that a shader declares.
    pub fn bindings(code: &[u32]) -> usize {
        const DECORATE: u32 = 71;
        const BINDING: u32 = 33;
        let (mut at, mut most) = (5, 0);
        while at < code.len() {
            let words = (code[at] >> 16) as usize;
            if code[at] & 0xffff == DECORATE && code[at + 2] == BINDING {
                most = most.max(code[at + 3] as usize + 1);
            }
            at += words.max(1);
        }
        most
    }

    #[test]
    fn the_device_takes_every_shader() {
        let Some(b) = crate::testing::backend() else { return };
        // Matrices need their shapes: they are tested with them.
        for s in ALL.iter().filter(|s| !s.name.contains("_coop")) {
            assert_eq!(s.code[0], 0x0723_0203, "{}", s.name);
            let made = b.pipeline_for_test(s, &[64], bindings(&s.code));
            assert!(made.is_ok(), "{}: {made:?}", s.name);
        }
        let ids: std::collections::HashSet<u64> = ALL.iter().map(|s| s.id).collect();
        assert_eq!(ids.len(), ALL.len());
    }
}
