//! Matrix products: the row `Matmul`, the fused row `AddMM`, and what is composed of them.

use crate::array::{Array, Inputs, Outs};
use crate::ops;
use crate::reference::{Num, Tensor, flat, unflat};
use crate::rules::{Batched, BatchedOut, Core, Fused, Grads, Rule, Vjp, again};
use mlx_ir::op::{AddMM, Matmul, Real};
use mlx_ir::{Aval, Error, Result, Shape};
use smallvec::smallvec;

impl Rule for Matmul {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let (a, b) = (inputs[0], inputs[1]);
        let n = a.ndim();
        let fits = n >= 2
            && b.ndim() == n
            && a.dtype == b.dtype
            && a.dtype.is_inexact()
            && a.shape[n - 1] == b.shape[n - 2]
            && a.shape[..n - 2] == b.shape[..n - 2];
        if !fits {
            return Err(Error::value(format!(
                "[matmul] operands {:?} {} and {:?} {} do not fit.",
                a.shape, a.dtype, b.shape, b.dtype
            )));
        }
        let mut shape: Shape = a.shape.clone();
        shape[n - 1] = b.shape[n - 1];
        Ok(smallvec![Aval::new(shape, a.dtype)])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        let (a, b, ct) = (&v.primals[0], &v.primals[1], &v.cotangents[0]);
        let t = |x: &Array| ops::swapaxes(x, -1, -2);
        Ok(vec![
            if v.wanted[0] { Some(product(ct, &t(b)?)?) } else { None },
            if v.wanted[1] { Some(product(&t(a)?, ct)?) } else { None },
        ])
    }
    fn jvp(&self, primals: &[Array], _: &[Array], tangents: &[Option<Array>]) -> Result<Grads> {
        let left = tangents[0].as_ref().map(|t| product(t, &primals[1])).transpose()?;
        let right = tangents[1].as_ref().map(|t| product(&primals[0], t)).transpose()?;
        Ok(vec![match (left, right) {
            (Some(l), Some(r)) => Some(ops::add(&l, &r)?),
            (l, r) => l.or(r),
        }])
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        Ok((again(self.clone(), &ops::all_in_front(b)?)?, vec![Some(0)]))
    }
}

impl Core for Matmul {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let (a, b) = (inputs[0], inputs[1]);
        let n = a.shape.len();
        let k = a.shape[n - 1];
        Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| {
            let at = unflat(&outs[0].shape, i);
            let (mut p, mut q) = (at.clone(), at);
            let (mut re, mut im) = (0.0, 0.0);
            for j in 0..k {
                p[n - 1] = j;
                q[n - 2] = j;
                let (x, y) = (a.get(flat(&a.shape, &p)).complex(), b.get(flat(&b.shape, &q)).complex());
                if a.dtype.is_complex() {
                    re += x.0 * y.0 - x.1 * y.1;
                    im += x.0 * y.1 + x.1 * y.0;
                } else {
                    re += x.0 * y.0;
                }
            }
            Num::Complex(re, im)
        })])
    }
}

fn product(a: &Array, b: &Array) -> Result<Array> {
    Array::record1(Matmul {}, Inputs::from_iter([a.clone(), b.clone()]))
}

/// Both operands with at least two dimensions, a common floating dtype and common batch dimensions, and which of the
/// added dimensions the result must lose.
fn prepare(name: &str, a: &Array, b: &Array) -> Result<(Array, Array, bool, bool)> {
    if a.ndim() == 0 || b.ndim() == 0 {
        return Err(Error::value(format!("[{name}] Got 0 dimension input. Inputs must have at least one dimension.")));
    }
    let (row, col) = (a.ndim() == 1, b.ndim() == 1);
    let a = if row { ops::reshape_to(a, &[1, a.size()])? } else { a.clone() };
    let b = if col { ops::reshape_to(b, &[b.size(), 1])? } else { b.clone() };
    if a.dim(-1) != b.dim(-2) {
        return Err(Error::value(format!(
            "[{name}] Last dimension of first input with shape {:?} must match second to last dimension of second input with shape {:?}.",
            a.shape(),
            b.shape()
        )));
    }
    let d = a.dtype().promote(b.dtype());
    if !d.is_inexact() {
        return Err(Error::value(format!(
            "[{name}] Only inexact types are supported but {} and {} were provided which results in {d}, which is not a real floating point type.",
            a.dtype(),
            b.dtype()
        )));
    }
    let (a, b) = (ops::astype(&a, d)?, ops::astype(&b, d)?);
    let (ab, bb) = (&a.shape()[..a.ndim() - 2], &b.shape()[..b.ndim() - 2]);
    let batch = mlx_ir::desc::broadcast_shapes(ab, bb).ok_or_else(|| {
        Error::value(format!("[{name}] Shapes {:?} and {:?} cannot be broadcast.", a.shape(), b.shape()))
    })?;
    let wide = |x: &Array| {
        let mut s = batch.to_vec();
        s.extend(&x.shape()[x.ndim() - 2..]);
        ops::broadcast_to(x, &s)
    };
    Ok((wide(&a)?, wide(&b)?, row, col))
}

fn drop_added(x: &Array, row: bool, col: bool) -> Result<Array> {
    let mut s = x.shape().to_vec();
    if col {
        s.pop();
    }
    if row {
        s.remove(s.len() - if col { 1 } else { 2 });
    }
    ops::reshape_to(x, &s)
}

/// Matrix product of the last two axes; leading axes broadcast; a 1-d operand is a row or column and loses that axis.
///
/// # Errors
/// `Value` for 0-d operands, shapes that do not fit, and integer dtypes.
pub fn matmul(a: &Array, b: &Array) -> Result<Array> {
    let (a, b, row, col) = prepare("matmul", a, b)?;
    let x = product(&a, &b)?;
    drop_added(&x, row, col)
}

impl Fused for AddMM {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let out = Matmul {}.infer(&inputs[1..])?;
        if inputs[0].shape != out[0].shape || inputs[0].dtype != out[0].dtype {
            return Err(Error::value(format!(
                "[addmm] c of shape {:?} does not fit a product of shape {:?}.",
                inputs[0].shape, out[0].shape
            )));
        }
        Ok(out)
    }
    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let ab = product(&inputs[1], &inputs[2])?;
        let x = ops::multiply(&ab, self.alpha.get())?;
        Ok(vec![ops::add(&x, &ops::multiply(&inputs[0], self.beta.get())?)?])
    }
    fn custom_vjp(&self, _: &Vjp<'_>) -> Option<Result<Grads>> {
        None
    }
    fn custom_vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        Some(ops::all_in_front(b).and_then(|x| Ok((again(self.clone(), &x)?, vec![Some(0)]))))
    }
}

/// `beta·c + alpha·(a @ b)`; c broadcasts to the product.
///
/// # Errors
/// As [`matmul`], and `Value` if c does not broadcast.
pub fn addmm(c: &Array, a: &Array, b: &Array, alpha: f64, beta: f64) -> Result<Array> {
    let d = c.dtype().promote(a.dtype()).promote(b.dtype());
    let (a, b, row, col) = prepare("addmm", &ops::astype(a, d)?, &ops::astype(b, d)?)?;
    let mut shape = a.shape().to_vec();
    let n = shape.len();
    shape[n - 1] = b.dim(-1);
    let mut c = ops::astype(c, d)?;
    if col {
        c = ops::expand_dims(&c, &[-1])?;
    }
    if row && c.ndim() > 1 {
        c = ops::expand_dims(&c, &[-2])?;
    }
    let c = ops::broadcast_to(&c, &shape)?;
    let op = AddMM { alpha: Real::new(alpha), beta: Real::new(beta) };
    drop_added(&Array::record1(op, Inputs::from_iter([c, a, b]))?, row, col)
}

/// Sum of products over the last axis of both.
///
/// # Errors
/// `Value` if the last axes differ.
pub fn inner(a: &Array, b: &Array) -> Result<Array> {
    if a.ndim() == 0 || b.ndim() == 0 {
        return ops::multiply(a, b);
    }
    if a.dim(-1) != b.dim(-1) {
        return Err(Error::value("[inner] a and b must have the same last dimension."));
    }
    tensordot(a, b, &[-1], &[-1])
}

/// All products of an element of a and one of b, both flattened.
///
/// # Errors
/// None but what recording an op can report.
pub fn outer(a: &Array, b: &Array) -> Result<Array> {
    ops::multiply(&ops::reshape_to(a, &[a.size(), 1])?, &ops::reshape_to(b, &[1, b.size()])?)
}

/// Sum of products over the paired axes; the others of a come first, then those of b.
///
/// # Errors
/// `Index` for axes out of range, `Value` if paired sizes differ or dtypes are integers.
pub fn tensordot(a: &Array, b: &Array, axes_a: &[i64], axes_b: &[i64]) -> Result<Array> {
    if axes_a.len() != axes_b.len() {
        return Err(Error::value("[tensordot] axes must have the same size."));
    }
    let norm = |x: &Array, ax: &[i64]| {
        ax.iter().map(|&i| mlx_ir::desc::normalize_axis("tensordot", i, x.ndim())).collect::<Result<Vec<_>>>()
    };
    let (ca, cb) = (norm(a, axes_a)?, norm(b, axes_b)?);
    for (&i, &j) in ca.iter().zip(&cb) {
        if a.shape()[i] != b.shape()[j] {
            return Err(Error::value("[tensordot] a and b must have the same shape on the contracted axes."));
        }
    }
    let free = |x: &Array, c: &[usize]| (0..x.ndim()).filter(|d| !c.contains(d)).collect::<Vec<_>>();
    let (fa, fb) = (free(a, &ca), free(b, &cb));
    let sizes = |x: &Array, ax: &[usize]| ax.iter().map(|&d| x.shape()[d]).collect::<Vec<_>>();
    let order = |p: &[usize], q: &[usize]| p.iter().chain(q).map(|&d| d as i64).collect::<Vec<_>>();
    let k: usize = sizes(a, &ca).iter().product();
    let (m, n): (usize, usize) = (sizes(a, &fa).iter().product(), sizes(b, &fb).iter().product());
    let left = ops::reshape_to(&ops::transpose(a, Some(&order(&fa, &ca)))?, &[m, k])?;
    let right = ops::reshape_to(&ops::transpose(b, Some(&order(&cb, &fb)))?, &[k, n])?;
    let mut shape = sizes(a, &fa);
    shape.extend(sizes(b, &fb));
    ops::reshape_to(&matmul(&left, &right)?, &shape)
}
