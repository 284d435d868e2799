//! Matrices as they lie in GGUF files: rows of blocks, used without unpacking. The rows `BlockDequantize`,
//! `BlockMatmul` and `BlockRows`. A matrix (N, K) is a u8 array (N, bytes of a row) and its format.

use crate::array::{Array, Inputs, Outs};
use crate::ops;
use crate::reference::{Num, Tensor};
use crate::rules::{Batched, BatchedOut, Core, Fused, Grads, Rule, Vjp, again};
use mlx_ir::op::{BlockDequantize, BlockMatmul, BlockRows};
use mlx_ir::{Aval, DType, Error, QuantFormat, Result, Shape};
use smallvec::{SmallVec, smallvec};

fn check(name: &str, format: QuantFormat, k: usize, w: &Aval) -> Result<()> {
    let bytes = format.row_bytes(k);
    if w.dtype != DType::U8 || w.ndim() != 2 || bytes != Some(w.shape[1]) {
        return Err(Error::value(format!(
            "[{name}] a {} matrix with rows of {k} must be uint8 (N, {}), got {:?} of {}.",
            format.name(),
            bytes.map_or_else(|| "not a whole number of blocks".into(), |b| b.to_string()),
            w.shape,
            w.dtype
        )));
    }
    Ok(())
}

impl Rule for BlockDequantize {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        check("block_dequantize", self.format, self.k, inputs[0])?;
        Ok(smallvec![Aval::new(Shape::from_slice(&[inputs[0].shape[0], self.k]), DType::F32)])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        Ok(vec![None; v.primals.len()])
    }
    fn jvp(&self, _: &[Array], _: &[Array], _: &[Option<Array>]) -> Result<Grads> {
        Ok(vec![None])
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let x = ops::all_in_front(b)?.remove(0);
        let rows = ops::flatten(&x, 0, 1)?;
        let y = again(self.clone(), &[rows])?.remove(0);
        Ok((vec![ops::reshape_to(&y, &[b.size, x.dim(1), self.k])?], vec![Some(0)]))
    }
}

impl Core for BlockDequantize {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let w = inputs[0];
        let (n, bytes) = (self.format.block_elements(), self.format.block_bytes());
        let raw: Vec<u8> = (0..w.size()).map(|i| w.get(i).int() as u8).collect();
        let mut values = vec![0f32; outs[0].size()];
        for (block, out) in raw.chunks_exact(bytes).zip(values.chunks_exact_mut(n)) {
            self.format.decode_block(block, out);
        }
        Ok(vec![Tensor::build(&outs[0].shape, DType::F32, |i| Num::Float(values[i] as f64))])
    }
}

/// The matrix as f32 (N, k).
///
/// # Errors
/// `Value` if the bytes are not (N, bytes of a row of `k`).
pub fn block_dequantize(w: &Array, format: QuantFormat, k: usize) -> Result<Array> {
    Array::record1(BlockDequantize { format, k }, Inputs::from_iter([w.clone()]))
}

impl Fused for BlockMatmul {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        if x.dtype != DType::F32 || x.ndim() == 0 || inputs.len() != 1 + self.formats.len() {
            return Err(Error::value(format!(
                "[block_matmul] takes float32 x with at least one dimension and {} matrices, got {:?} of {} and {}.",
                self.formats.len(),
                x.shape,
                x.dtype,
                inputs.len().saturating_sub(1)
            )));
        }
        let k = x.shape[x.ndim() - 1];
        self.formats
            .iter()
            .zip(&inputs[1..])
            .map(|(&f, w)| {
                check("block_matmul", f, k, w)?;
                let mut shape = x.shape.clone();
                shape[x.ndim() - 1] = w.shape[0];
                Ok(Aval::new(shape, DType::F32))
            })
            .collect()
    }
    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let x = &inputs[0];
        self.formats
            .iter()
            .zip(&inputs[1..])
            .map(|(&f, w)| {
                let w = block_dequantize(w, f, x.dim(-1))?;
                ops::matmul(x, &ops::transpose(&w, None)?)
            })
            .collect()
    }
    fn custom_vjp(&self, _: &Vjp<'_>) -> Option<Result<Grads>> {
        None
    }
    fn custom_vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        if b.axes[1..].iter().any(Option::is_some) {
            return None;
        }
        let axis = b.axes[0]?;
        let f = || {
            let mut xs = b.inputs.to_vec();
            xs[0] = ops::moveaxis(&xs[0], axis as i64, 0)?;
            Ok((again(self.clone(), &xs)?, vec![Some(0); self.formats.len()]))
        };
        Some(f())
    }
}

/// `x · Wᵀ` for several matrices at once, so that x is prepared once: one f32 (…, N) for each (format, bytes).
///
/// # Errors
/// `Value` for shapes that do not fit or x that is not f32.
pub fn block_matmul(x: &Array, matrices: &[(QuantFormat, &Array)]) -> Result<SmallVec<[Array; 1]>> {
    product(x, matrices, false)
}

/// [`block_matmul`] without rounding x: block formats are otherwise multiplied with x in 8 bits or f16, which is faster
/// and changes results by about one part in a hundred.
///
/// # Errors
/// As [`block_matmul`].
pub fn block_matmul_exact(x: &Array, matrices: &[(QuantFormat, &Array)]) -> Result<SmallVec<[Array; 1]>> {
    product(x, matrices, true)
}

fn product(x: &Array, matrices: &[(QuantFormat, &Array)], exact: bool) -> Result<SmallVec<[Array; 1]>> {
    let mut inputs = Inputs::from_iter([x.clone()]);
    inputs.extend(matrices.iter().map(|(_, w)| (*w).clone()));
    Array::record(BlockMatmul { formats: matrices.iter().map(|(f, _)| *f).collect(), exact }, inputs)
}

impl Fused for BlockRows {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        check("block_rows", self.format, self.k, inputs[0])?;
        let i = inputs[1];
        if !i.dtype.is_integer() {
            return Err(Error::value(format!("[block_rows] Indices must be integral, got {}.", i.dtype)));
        }
        if i.size() > 0 && inputs[0].shape[0] == 0 {
            return Err(Error::value("[block_rows] Cannot take rows of an empty matrix."));
        }
        let mut shape = i.shape.clone();
        shape.push(self.k);
        Ok(smallvec![Aval::new(shape, DType::F32)])
    }
    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        // Only the rows that are asked for are decoded.
        let (w, i) = (&inputs[0], &inputs[1]);
        let rows = ops::take(w, &ops::reshape_to(i, &[i.size()])?, Some(0))?;
        let mut shape = i.shape().to_vec();
        shape.push(self.k);
        Ok(vec![ops::reshape_to(&block_dequantize(&rows, self.format, self.k)?, &shape)?])
    }
    fn custom_vjp(&self, _: &Vjp<'_>) -> Option<Result<Grads>> {
        None
    }
    fn custom_vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        let (None, Some(axis)) = (b.axes[0], b.axes[1]) else { return None };
        let f = || {
            let i = ops::moveaxis(&b.inputs[1], axis as i64, 0)?;
            Ok((again(self.clone(), &[b.inputs[0].clone(), i])?, vec![Some(0)]))
        };
        Some(f())
    }
}

/// Rows of the matrix as f32: index shape + (k). Negative indices count from the end, out of range is clamped.
///
/// # Errors
/// `Value` for shapes that do not fit or indices that are not integers.
pub fn block_rows(w: &Array, format: QuantFormat, k: usize, indices: &Array) -> Result<Array> {
    Array::record1(BlockRows { format, k }, Inputs::from_iter([w.clone(), indices.clone()]))
}
