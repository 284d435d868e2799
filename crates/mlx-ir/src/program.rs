//! Kernels that users write for a GPU, compiled.

use crate::desc::Aval;
use crate::dtype::DType;

/// What a name in the source of a kernel stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TemplateValue {
    /// `true` or `false`.
    Bool(bool),
    /// A number of 32 bits, with or without sign.
    Int(i64),
    /// The type of the dtype's elements.
    DType(DType),
}

/// A compute shader with everything that one call of it fixes. Its buffers are bound in this order: inputs, outputs,
/// then, if an input is described, one of i32 that holds shape and strides (each padded to one number) of each of these.
/// Its push constants are the three sizes of the grid.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GpuProgram {
    /// The user's name of it.
    pub name: String,
    /// SPIR-V with the entry point `main`.
    pub code: Vec<u32>,
    /// For each input whether the shader reads its shape and strides.
    pub described: Vec<bool>,
    /// Whether inputs are made row-major first.
    pub row_contiguous: bool,
    /// Shapes and dtypes of the results.
    pub outputs: Vec<Aval>,
    /// Whether results hold given values before the kernel runs: one 0-d input more for each of them.
    pub filled: bool,
    /// Threads along x, y, z.
    pub grid: [u32; 3],
    /// Threads of a workgroup along x, y, z.
    pub group: [u32; 3],
}

impl GpuProgram {
    /// Number of the kernel's own inputs.
    pub fn inputs(&self) -> usize {
        self.described.len()
    }
    /// Workgroups along x, y, z.
    pub fn groups(&self) -> [u32; 3] {
        std::array::from_fn(|i| self.grid[i].div_ceil(self.group[i]))
    }
}
