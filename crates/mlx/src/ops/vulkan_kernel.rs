//! Kernels that users write in GLSL, the row `GpuKernel`.

use crate::array::{Array, Inputs, Outs};
use crate::reference::Tensor;
use crate::rules::{Batched, BatchedOut, Core, Grads, Rule, Vjp};
use crate::{Device, ops, runtime};
use mlx_ir::op::GpuKernel;
use mlx_ir::{Aval, DType, Error, Result, Shape};
use std::sync::Arc;

pub use mlx_ir::TemplateValue;

/// A kernel in GLSL for the Vulkan device, the counterpart of MLX's `metal_kernel`.
///
/// `source` is the body of a function that every thread of the grid runs. Inputs and outputs are arrays under their
/// names, outputs are written by `out[i] = …`; an input without dimensions is its element. A thread finds its place in
/// `gl_GlobalInvocationID` (or `thread_position_in_grid`, …). Where the source mentions `NAME_shape`, `NAME_strides` or
/// `NAME_ndim` of an input, these are there. The book's page on Vulkan has all of it.
///
/// A call is recorded like any operation, on a GPU stream. It has no derivative and no batching: [`ops::custom`] gives
/// it some. Outputs hold anything where the kernel does not write, unless they are filled ([`KernelCall::init_value`]).
///
/// ```no_run
/// use mlx::ops::{KernelCall, VulkanKernel};
/// # fn main() -> mlx::Result<()> {
/// let twice = VulkanKernel::new("twice", &["a"], &["out"], "uint i = gl_GlobalInvocationID.x; out[i] = 2.0 * a[i];");
/// let gpu = mlx::Stream::default_of(mlx::Device::Gpu)?;
/// let a = mlx::Array::from_slice(&[1f32, 2.0, 3.0], &[3])?;
/// let y = mlx::on(gpu, || twice.call(&[a], &KernelCall::like(&[3], mlx::DType::F32)))?;
/// assert_eq!(y[0].to_vec::<f32>()?, [2.0, 4.0, 6.0]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct VulkanKernel {
    name: String,
    input_names: Vec<String>,
    output_names: Vec<String>,
    source: String,
    header: String,
    row_contiguous: bool,
    atomic_outputs: bool,
}

/// What one call of a [`VulkanKernel`] fixes beside its inputs.
#[derive(Clone, Debug)]
pub struct KernelCall {
    /// Shape of each output.
    pub output_shapes: Vec<Shape>,
    /// Dtype of each output.
    pub output_dtypes: Vec<DType>,
    /// Threads along x, y, z: the source runs for exactly these.
    pub grid: [u32; 3],
    /// Threads of a workgroup along x, y, z; never more than the grid's.
    pub threadgroup: [u32; 3],
    /// Names that stand for values in source and header.
    pub template: Vec<(String, TemplateValue)>,
    /// What outputs hold before the kernel runs.
    pub init_value: Option<f64>,
}

impl KernelCall {
    /// One output, and one thread for each of its elements in workgroups of 256.
    pub fn like(shape: &[usize], dtype: DType) -> Self {
        let n = shape.iter().product::<usize>().clamp(1, u32::MAX as usize) as u32;
        Self {
            output_shapes: vec![shape.into()],
            output_dtypes: vec![dtype],
            grid: [n, 1, 1],
            threadgroup: [256, 1, 1],
            template: Vec::new(),
            init_value: None,
        }
    }
}

impl VulkanKernel {
    /// A kernel of this name (for messages and profiles) with named inputs and outputs. Nothing is compiled yet.
    pub fn new(name: &str, input_names: &[&str], output_names: &[&str], source: &str) -> Self {
        let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
        Self {
            name: name.to_owned(),
            input_names: owned(input_names),
            output_names: owned(output_names),
            source: source.to_owned(),
            header: String::new(),
            row_contiguous: true,
            atomic_outputs: false,
        }
    }
    /// Text before the body: functions, macros, shared variables. It does not see inputs and outputs.
    #[must_use]
    pub fn header(self, header: &str) -> Self {
        Self { header: header.to_owned(), ..self }
    }
    /// Whether inputs are copied into row-major order first if they do not lie so (true unless set). Without, the source
    /// reads them by `NAME_strides`; such with negative strides, or that begin where the device cannot bind them, are
    /// copied all the same.
    #[must_use]
    pub fn ensure_row_contiguous(self, yes: bool) -> Self {
        Self { row_contiguous: yes, ..self }
    }
    /// Whether threads change the same elements of outputs, by GLSL's atomic functions; 32-bit dtypes only.
    #[must_use]
    pub fn atomic_outputs(self, yes: bool) -> Self {
        Self { atomic_outputs: yes, ..self }
    }

    /// Records a call; the kernel is compiled now, or found compiled. Returns the outputs.
    ///
    /// # Errors
    /// `Value` if inputs, outputs, names or sizes do not fit, if the stream is not the GPU's, or if the source does not
    /// compile (with lines of `source` and `header`); `Type` for dtypes that kernels do not take; `Unsupported` for what
    /// the device lacks, and in builds without the feature `glsl`; `Device` without a device.
    pub fn call(&self, inputs: &[Array], call: &KernelCall) -> Result<Vec<Array>> {
        self.check(inputs, call)?;
        let program = self.program(inputs, call)?;
        let mut all: Inputs = inputs.iter().cloned().collect();
        if let Some(value) = call.init_value {
            for &d in &call.output_dtypes {
                all.push(ops::full(&[], value, Some(d))?);
            }
        }
        Ok(Array::record(GpuKernel { program: Arc::new(program) }, all)?.into_vec())
    }

    fn wrong(&self, what: impl std::fmt::Display) -> Error {
        Error::value(format!("[vulkan_kernel] {}: {what}", self.name))
    }

    fn check(&self, inputs: &[Array], call: &KernelCall) -> Result<()> {
        if runtime::current_stream().device != Device::Gpu {
            return Err(
                self.wrong("runs on the GPU only, and the current stream is the processor's; give a GPU stream.")
            );
        }
        if inputs.len() != self.input_names.len() {
            return Err(self.wrong(format_args!("{} inputs for {} names.", inputs.len(), self.input_names.len())));
        }
        let names = self.output_names.len();
        if call.output_shapes.len() != names || call.output_dtypes.len() != names || names == 0 {
            return Err(self.wrong(format_args!(
                "{} shapes and {} dtypes for {names} names of outputs; at least one output is needed.",
                call.output_shapes.len(),
                call.output_dtypes.len()
            )));
        }
        if call.grid.contains(&0) || call.threadgroup.contains(&0) {
            return Err(self
                .wrong(format_args!("grid {:?} and threadgroup {:?} must be positive.", call.grid, call.threadgroup)));
        }
        Ok(())
    }

    /// The whole text that is compiled for such a call.
    ///
    /// # Errors
    /// Those of [`VulkanKernel::call`] that come before compiling.
    #[cfg(feature = "vulkan")]
    pub fn text(&self, inputs: &[Array], call: &KernelCall) -> Result<String> {
        self.check(inputs, call)?;
        Ok(self.build(inputs, call)?.0)
    }

    #[cfg(feature = "vulkan")]
    fn build(&self, inputs: &[Array], call: &KernelCall) -> Result<(String, Vec<bool>, Vec<Aval>)> {
        let ins: Vec<Aval> = inputs.iter().map(|a| a.aval().clone()).collect();
        let outs: Vec<Aval> =
            call.output_shapes.iter().zip(&call.output_dtypes).map(|(s, &d)| Aval::new(s.clone(), d)).collect();
        let (text, described) = mlx_vulkan::glsl::KernelText {
            name: &self.name,
            input_names: &self.input_names,
            inputs: &ins,
            output_names: &self.output_names,
            outputs: &outs,
            source: &self.source,
            header: &self.header,
            template: &call.template,
            atomic_outputs: self.atomic_outputs,
            grid: call.grid,
            group: group(call),
        }
        .build()?;
        Ok((text, described, outs))
    }

    #[cfg(feature = "vulkan")]
    fn program(&self, inputs: &[Array], call: &KernelCall) -> Result<mlx_ir::GpuProgram> {
        let (text, described, outputs) = self.build(inputs, call)?;
        let gpu = runtime::vulkan()?;
        let mut program = mlx_ir::GpuProgram {
            name: self.name.clone(),
            code: Vec::new(),
            described,
            row_contiguous: self.row_contiguous,
            outputs,
            filled: call.init_value.is_some(),
            grid: call.grid,
            group: group(call),
        };
        gpu.check_sizes(&program)?;
        program.code = mlx_vulkan::glsl::compile(&self.name, &text)?;
        gpu.check_program(&program)?;
        Ok(program)
    }

    #[cfg(not(feature = "vulkan"))]
    fn program(&self, _: &[Array], _: &KernelCall) -> Result<mlx_ir::GpuProgram> {
        let _ = (&self.source, &self.header, self.row_contiguous, self.atomic_outputs);
        Err(Error::unsupported(format!("[vulkan_kernel] {}: this build has no Vulkan back end.", self.name)))
    }
}

/// As in MLX a workgroup is no larger than the grid.
#[cfg(feature = "vulkan")]
fn group(call: &KernelCall) -> [u32; 3] {
    std::array::from_fn(|i| call.threadgroup[i].min(call.grid[i]))
}

fn lacks(op: &GpuKernel, what: &str) -> Error {
    Error::value(format!("[vulkan_kernel] {}: {what}", op.program.name))
}

impl Rule for GpuKernel {
    fn infer(&self, _: &[&Aval]) -> Result<Outs> {
        Ok(self.program.outputs.iter().cloned().collect())
    }
    fn vjp(&self, _: &Vjp<'_>) -> Result<Grads> {
        Err(lacks(self, "Not implemented for vjp. A custom function gives a kernel a gradient."))
    }
    fn jvp(&self, _: &[Array], _: &[Array], _: &[Option<Array>]) -> Result<Grads> {
        Err(lacks(self, "Not implemented for jvp. A custom function gives a kernel a derivative."))
    }
    fn vmap(&self, _: &Batched<'_>) -> Result<BatchedOut> {
        Err(lacks(self, "Not implemented for vmap. A custom function gives a kernel its batching."))
    }
}

impl Core for GpuKernel {
    fn exact(&self, _: &[&Tensor], _: &[Aval]) -> Result<Vec<Tensor>> {
        Err(lacks(
            self,
            "only a GPU runs it: the stream is the processor's, or the device cannot hold or bind its arrays.",
        ))
    }
}
