//! The Python package's `mlx.core`: arrays, functions and transforms of the library `mlx` as Python sees them.
//!
//! Functions of arrays are made from their description in `python/api` (see `scripts/bindings.py`); what is irregular
//! is written by hand here. Unsafe code is in `buffer.rs` and `dlpack.rs` only.

mod array;
mod buffer;
mod compile;
mod conv;
mod convert;
mod create;
mod dlpack;
mod dtype;
mod error;
mod export;
mod fft;
mod functions;
mod index;
mod io;
mod kernel;
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
    export::register(m)?;
    submodule(m, "random", |r| {
        random_state::register(r)?;
        functions::random::register(r)
    })?;
    submodule(m, "fast", |f| {
        functions::fast::register(f)?;
        misc::kernels(f)?;
        kernel::register(f)
    })?;
    submodule(m, "linalg", |l| {
        functions::linalg::register(l)?;
        // A second name, with the default over the whole array.
        m.add("matrix_norm", l.getattr("norm")?)
    })?;
    submodule(m, "fft", functions::fft::register)?;
    submodule(m, "metal", |x| misc::metal(m, x))?;
    submodule(m, "cuda", misc::cuda)?;
    submodule(m, "distributed", misc::distributed)
}
