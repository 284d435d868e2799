//! Weights by name, checked for shape, as layers want them. Layers never see how a matrix is stored.

use crate::layers::{Embedding, Linear, Norm};
use mlx::{Array, DType, Error, Result, ops};
use mlx_io::gguf::{GgmlType, Gguf, Metadata, TensorInfo};
use mlx_ir::QuantFormat;

/// The tensors and metadata of a model file.
pub struct Weights<'a> {
    gguf: &'a Gguf,
    arch: String,
    prefix: String,
    exact: bool,
}

/// Largest sizes taken seriously: anything above is a damaged or hostile file.
const MAX_LAYERS: usize = 1024;
const MAX_DIM: usize = 1 << 22;

impl<'a> Weights<'a> {
    /// The weights of a file, with the architecture it names.
    ///
    /// # Errors
    /// `Io` if the file does not name one.
    pub fn new(gguf: &'a Gguf) -> Result<Self> {
        let arch = gguf.metadata().get_str("general.architecture")?.to_string();
        Ok(Self { gguf, arch, prefix: String::new(), exact: false })
    }

    /// Products with these weights take their activations in f32, or rounded where that is faster.
    pub fn exact(mut self, exact: bool) -> Self {
        self.exact = exact;
        self
    }

    /// Name of the architecture.
    pub fn arch(&self) -> &str {
        &self.arch
    }

    /// The metadata of the file.
    pub fn metadata(&self) -> &Metadata {
        self.gguf.metadata()
    }

    /// The weights below `name` (`blk.3`, say).
    pub fn below(&self, name: &str) -> Weights<'a> {
        let prefix = format!("{}{name}.", self.prefix);
        Weights { gguf: self.gguf, arch: self.arch.clone(), prefix, exact: self.exact }
    }

    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.arch)
    }

    /// A size from the architecture's metadata, within `1..=max`.
    fn bounded(&self, name: &str, value: Option<usize>, max: usize) -> Result<Option<usize>> {
        match value {
            Some(n) if n == 0 || n > max => {
                Err(Error::io(format!("[model] metadata '{}' is {n}, expected 1 to {max}", self.key(name))))
            }
            v => Ok(v),
        }
    }

    /// A dimension that must be there.
    ///
    /// # Errors
    /// `Io` if it is missing, zero or absurd.
    pub fn dim(&self, name: &str) -> Result<usize> {
        let n = self.metadata().get_usize(&self.key(name))?;
        Ok(self.bounded(name, Some(n), MAX_DIM)?.unwrap_or(n))
    }

    /// A dimension that may be missing.
    ///
    /// # Errors
    /// `Io` if it is zero or absurd.
    pub fn opt_dim(&self, name: &str) -> Result<Option<usize>> {
        let n = self.metadata().opt_usize(&self.key(name))?;
        self.bounded(name, n, MAX_DIM)
    }

    /// The number of layers.
    ///
    /// # Errors
    /// `Io` if it is missing, zero or absurd.
    pub fn layers(&self) -> Result<usize> {
        let n = self.metadata().get_usize(&self.key("block_count"))?;
        Ok(self.bounded("block_count", Some(n), MAX_LAYERS)?.unwrap_or(n))
    }

    /// A finite positive float that may be missing.
    ///
    /// # Errors
    /// `Io` if it is not finite and positive.
    pub fn opt_positive(&self, name: &str) -> Result<Option<f64>> {
        match self.metadata().opt_f32(&self.key(name))? {
            Some(x) if !x.is_finite() || x <= 0.0 => {
                Err(Error::io(format!("[model] metadata '{}' is {x}, expected a positive number", self.key(name))))
            }
            v => Ok(v.map(f64::from)),
        }
    }

    /// A string that may be missing.
    ///
    /// # Errors
    /// `Io` if it is of another type.
    pub fn opt_str(&self, name: &str) -> Result<Option<&str>> {
        self.gguf.metadata().opt_str(&self.key(name))
    }

    fn find(&self, name: &str) -> Option<&'a TensorInfo> {
        self.gguf.find(&format!("{}{name}", self.prefix))
    }

    /// True if there is such a tensor.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Result<&'a TensorInfo> {
        let full = format!("{}{name}", self.prefix);
        let t = self.gguf.tensor(&full)?;
        let have: Vec<usize> = t.shape().to_vec();
        if have != shape {
            return Err(Error::io(format!("[model] tensor '{full}' has shape {have:?}, expected {shape:?}")));
        }
        Ok(t)
    }

    fn format(&self, t: &TensorInfo) -> Result<QuantFormat> {
        t.ggml_type().quant_format().ok_or_else(|| {
            Error::unsupported(format!(
                "[model] tensor '{}' is {}, which is not supported yet; supported are {}",
                t.name(),
                t.ggml_type().name(),
                QuantFormat::ALL.map(QuantFormat::name).join(", ")
            ))
        })
    }

    /// The bytes of a matrix (n, k) where they lie, and their format.
    fn matrix(&self, name: &str, n: usize, k: usize) -> Result<(QuantFormat, Array)> {
        let t = self.tensor(name, &[n, k])?;
        let format = self.format(t)?;
        let row = format.row_bytes(k).ok_or_else(|| {
            Error::io(format!("[model] rows of {k} of '{}' are not whole {} blocks", t.name(), format.name()))
        })?;
        Ok((format, mlx::io::mapped(self.gguf.region(t)?, &[n, row], DType::U8)?))
    }

    /// A projection from `k` to `n` features, with a bias where the file has one.
    ///
    /// # Errors
    /// `Io` for a missing tensor or wrong shape, `Unsupported` for a format without kernels.
    pub fn linear(&self, name: &str, n: usize, k: usize) -> Result<Linear> {
        let (format, bytes) = self.matrix(&format!("{name}.weight"), n, k)?;
        let bias = format!("{name}.bias");
        let bias = if self.has(&bias) { Some(self.vector(&bias, n)?) } else { None };
        Ok(Linear::new(format, bytes, bias).exact(self.exact))
    }

    /// The token embedding (`vocab` rows of `dim`).
    ///
    /// # Errors
    /// As [`Weights::linear`].
    pub fn embedding(&self, name: &str, vocab: usize, dim: usize) -> Result<Embedding> {
        let (format, bytes) = self.matrix(&format!("{name}.weight"), vocab, dim)?;
        Ok(Embedding::new(format, bytes, dim).exact(self.exact))
    }

    /// Rows of a two-dimensional tensor, whatever they are.
    ///
    /// # Errors
    /// `Io` if there is no such matrix.
    pub fn rows(&self, name: &str) -> Result<usize> {
        let t = self.gguf.tensor(&format!("{}{name}", self.prefix))?;
        match t.shape() {
            s if s.len() == 2 => Ok(s[0]),
            s => Err(Error::io(format!("[model] tensor '{}' has shape {s:?}, expected a matrix", t.name()))),
        }
    }

    /// A vector as f32.
    ///
    /// # Errors
    /// `Io` for a missing tensor or wrong shape, `Unsupported` for a dtype that is not a float.
    pub fn vector(&self, name: &str, n: usize) -> Result<Array> {
        let t = self.tensor(name, &[n])?;
        let dtype = match t.ggml_type() {
            GgmlType::F32 => DType::F32,
            GgmlType::F16 => DType::F16,
            GgmlType::BF16 => DType::BF16,
            other => {
                return Err(Error::unsupported(format!(
                    "[model] vector '{}' is {}, expected F32, F16 or BF16",
                    t.name(),
                    other.name()
                )));
            }
        };
        ops::astype(&mlx::io::mapped(self.gguf.region(t)?, &[n], dtype)?, DType::F32)
    }

    /// A root-mean-square norm of `n` features.
    ///
    /// # Errors
    /// As [`Weights::vector`].
    pub fn norm(&self, name: &str, n: usize, eps: f64) -> Result<Norm> {
        Ok(Norm::new(self.vector(&format!("{name}.weight"), n)?, eps))
    }
}
