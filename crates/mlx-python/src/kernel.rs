//! `mlx.core.fast.vulkan_kernel`: kernels that users write in GLSL, called as `metal_kernel` is.

use crate::array::PyArray;
use crate::convert::{ShapeSeq, implicit};
use crate::dtype::{Dt, PyDtype};
use crate::error::{R, type_};
use crate::stream::{self, StreamArg};
use mlx::DType;
use mlx::ops::{KernelCall, TemplateValue, VulkanKernel};
use pyo3::prelude::*;
use pyo3::types::PyBool;

/// A kernel to call.
#[pyclass(name = "VulkanKernel", module = "mlx.core.fast", frozen)]
struct PyVulkanKernel {
    kernel: VulkanKernel,
    name: String,
}

/// A value that a name in the source stands for.
fn template(kernel: &str, name: &str, v: &Bound<'_, PyAny>) -> R<TemplateValue> {
    if let Ok(b) = v.cast::<PyBool>() {
        return Ok(TemplateValue::Bool(b.is_true()));
    }
    if let Ok(d) = v.cast::<PyDtype>() {
        return Ok(TemplateValue::DType(d.get().0));
    }
    match v.extract::<i64>() {
        Ok(i) => Ok(TemplateValue::Int(i)),
        Err(_) => Err(type_(format!(
            "[vulkan_kernel] {kernel}: template value {name} must be a bool, an int of 64 bits or a Dtype, not {}.",
            v.get_type().name()?
        ))),
    }
}

#[pymethods]
impl PyVulkanKernel {
    /// Records a call; returns the list of outputs.
    #[pyo3(signature = (*, inputs, output_shapes, output_dtypes, grid, threadgroup, template = None, init_value = None, verbose = false, stream = None))]
    fn __call__(
        &self,
        py: Python<'_>,
        inputs: Vec<Bound<'_, PyAny>>,
        output_shapes: Vec<ShapeSeq>,
        output_dtypes: Vec<Dt>,
        grid: (u32, u32, u32),
        threadgroup: (u32, u32, u32),
        template: Option<Vec<(String, Bound<'_, PyAny>)>>,
        init_value: Option<f64>,
        verbose: bool,
        stream: Option<StreamArg>,
    ) -> R<Vec<PyArray>> {
        let inputs = inputs.iter().map(implicit).collect::<R<Vec<_>>>()?;
        let template = template.unwrap_or_default();
        let call = KernelCall {
            output_shapes: output_shapes.into_iter().map(|s| s.0.iter().copied().collect()).collect(),
            output_dtypes: output_dtypes.into_iter().map(|d| d.0).collect::<Vec<DType>>(),
            grid: grid.into(),
            threadgroup: threadgroup.into(),
            template: template
                .iter()
                .map(|(n, v)| Ok((n.clone(), self::template(&self.name, n, v)?)))
                .collect::<R<Vec<_>>>()?,
            init_value,
        };
        stream::on(stream, || {
            if verbose {
                self.print(py, &inputs, &call)?;
            }
            // Compiling takes milliseconds.
            Ok(py.detach(|| self.kernel.call(&inputs, &call))?.into_iter().map(PyArray::new).collect())
        })
    }
}

impl PyVulkanKernel {
    /// Prints the whole text, as Python prints.
    fn print(&self, py: Python<'_>, inputs: &[mlx::Array], call: &KernelCall) -> R<()> {
        #[cfg(feature = "vulkan")]
        {
            let text = format!("Generated source code for `{}`:\n{}", self.name, self.kernel.text(inputs, call)?);
            py.import("builtins")?.getattr("print")?.call1((text,))?;
        }
        #[cfg(not(feature = "vulkan"))]
        let _ = (py, inputs, call);
        Ok(())
    }
}

/// A kernel in GLSL for the Vulkan device. `source` is the body of a function that each thread of a call's grid runs;
/// inputs and outputs are arrays there. The call's arguments are those of metal_kernel: inputs, output_shapes,
/// output_dtypes, grid, threadgroup, template, init_value, verbose, stream.
#[pyfunction]
#[pyo3(signature = (name, input_names, output_names, source, header = "", ensure_row_contiguous = true, atomic_outputs = false))]
fn vulkan_kernel(
    name: String,
    input_names: Vec<String>,
    output_names: Vec<String>,
    source: &str,
    header: &str,
    ensure_row_contiguous: bool,
    atomic_outputs: bool,
) -> PyVulkanKernel {
    fn names(list: &[String]) -> Vec<&str> {
        list.iter().map(String::as_str).collect()
    }
    let kernel = VulkanKernel::new(&name, &names(&input_names), &names(&output_names), source)
        .header(header)
        .ensure_row_contiguous(ensure_row_contiguous)
        .atomic_outputs(atomic_outputs);
    PyVulkanKernel { kernel, name }
}

/// Adds what is here to `mlx.core.fast`.
pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {
    m.add_class::<PyVulkanKernel>()?;
    m.add_function(wrap_pyfunction!(vulkan_kernel, m)?)
}
