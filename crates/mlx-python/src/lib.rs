//! The Python package's `mlx.core`: arrays, functions and transforms of the library `mlx` as Python sees them.
//!
//! Functions of arrays are made from their description in `python/api` (see `scripts/bindings.py`); what is irregular
//! is written by hand here. Unsafe code is in `buffer.rs` and `dlpack.rs` only.

mod array;
mod buffer;
mod compile;
mod convert;
mod create;
mod dlpack;
mod dtype;
mod error;
mod functions;
mod index;
mod io;
mod misc;
mod print;
mod quantize;
mod random_state;
mod stream;
mod transforms;
mod tree;

use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Adds a submodule under its full name, so that `import mlx.core.NAME` finds it.
fn submodule<'py>(
    parent: &Bound<'py, PyModule>,
    name: &str,
    fill: impl FnOnce(&Bound<'py, PyModule>) -> PyResult<()>,
) -> PyResult<()> {
    let py = parent.py();
    let full = format!("mlx.core.{name}");
    let m = PyModule::new(py, &full)?;
    fill(&m)?;
    parent.add(name, &m)?;
    py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?.set_item(full, m)
}

/// Functions of the official package that are not there yet.
const MISSING: &[&str] = &[
    "block_masked_mm",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_general",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "convolve",
    "export_function",
    "export_to_dot",
    "exporter",
    "FunctionExporter",
    "from_fp8",
    "gather_mm",
    "gather_qmm",
    "gather_qqmm",
    "hadamard_transform",
    "import_function",
    "matrix_norm",
    "qqmm",
    "segmented_mm",
    "to_fp8",
];
const MISSING_LINALG: &[&str] = &[
    "cholesky",
    "cholesky_inv",
    "cross",
    "det",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "lu",
    "lu_factor",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
    "tri_inv",
];
const MISSING_FFT: &[&str] = &[
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "irfft",
    "irfft2",
    "irfftn",
    "istft",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
    "stft",
];

#[pymodule]
fn core(m: &Bound<'_, PyModule>) -> PyResult<()> {
    dtype::register(m)?;
    stream::register(m)?;
    array::register(m)?;
    create::register(m)?;
    misc::register(m)?;
    io::register(m)?;
    transforms::register(m)?;
    compile::register(m)?;
    functions::core::register(m)?;
    misc::missing(m, MISSING)?;
    submodule(m, "random", |r| {
        random_state::register(r)?;
        functions::random::register(r)?;
        misc::missing(r, &["multivariate_normal"])
    })?;
    submodule(m, "fast", |f| {
        functions::fast::register(f)?;
        misc::kernels(f)?;
        misc::missing(f, &["gated_delta_update"])
    })?;
    submodule(m, "linalg", |l| misc::missing(l, MISSING_LINALG))?;
    submodule(m, "fft", |f| misc::missing(f, MISSING_FFT))?;
    submodule(m, "metal", |x| misc::metal(m, x))?;
    submodule(m, "cuda", misc::cuda)?;
    submodule(m, "distributed", misc::distributed)
}
