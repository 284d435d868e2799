//! Kernels that users write: GLSL to SPIR-V at run time, and what of it a device is given.
//!
//! What comes out of the compiler is not trusted: `check` sees that a shader touches nothing but its own buffers,
//! needs nothing that the device lacks, and keeps its limits.

pub(crate) mod check;
#[cfg(feature = "glsl")]
mod compiler;
#[cfg(feature = "glsl")]
mod expansion;
mod text;

pub use text::KernelText;

use mlx_ir::{Error, Result};

/// Most bytes of header and source together.
pub const MOST_TEXT: usize = 64 << 10;

/// Whether this build has the compiler (the feature `glsl`).
pub const AVAILABLE: bool = cfg!(feature = "glsl");

/// What went wrong with the user's kernel `name`.
pub(crate) fn wrong(name: &str, what: impl std::fmt::Display) -> Error {
    Error::value(format!("[vulkan_kernel] {name}: {what}"))
}

/// Compiles the text of a kernel, or finds it compiled before.
///
/// # Errors
/// `Value` with the compiler's messages, which name lines of `source` and `header`; `Unsupported` in a build without
/// the compiler.
pub fn compile(name: &str, text: &str) -> Result<Vec<u32>> {
    #[cfg(feature = "glsl")]
    return compiler::compile(name, text);
    #[cfg(not(feature = "glsl"))]
    {
        let _ = text;
        Err(Error::unsupported(format!(
            "[vulkan_kernel] {name}: this build has no GLSL compiler. Build with the feature glsl (cargo build --features \
             glsl); scripts/wheel.sh does so unless MLX_ARM_GLSL=0."
        )))
    }
}
