//! Linear algebra: the row `Linalg`, computed in double precision, and what is made of it. The matrices are those of the
//! last two axes, of f32 or f64.

mod eig;
mod matrix;
mod norm;

pub use norm::{Order, cross, norm};

use crate::array::{Array, Inputs, Outs};
use crate::ops;
use crate::reference::{Num, Tensor};
use crate::rules::{Batched, BatchedOut, Core, Grads, Rule, Vjp, again};
use matrix::Matrix;
use mlx_ir::op::{Linalg, LinalgKind};
use mlx_ir::{Aval, DType, Error, Result, Shape};
use smallvec::smallvec;

fn name(kind: LinalgKind) -> &'static str {
    match kind {
        LinalgKind::Qr => "qr",
        LinalgKind::Svd | LinalgKind::SingularValues => "svd",
        LinalgKind::Cholesky { .. } => "cholesky",
        LinalgKind::Inverse => "inv",
        LinalgKind::TriangularInverse { .. } => "tri_inv",
        LinalgKind::Lu => "lu",
        LinalgKind::LuFactor => "lu_factor",
        LinalgKind::Eigh { .. } => "eigh",
        LinalgKind::Eig => "eig",
        LinalgKind::SlogDet => "slogdet",
        LinalgKind::Solve => "solve",
        LinalgKind::SolveTriangular { .. } => "solve_triangular",
    }
}

impl Rule for Linalg {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let (a, op) = (inputs[0], name(self.kind));
        let bad = |what: String| Error::value(format!("[linalg::{op}] {what}"));
        let complex = self.kind == LinalgKind::Eig && a.dtype == DType::C64;
        if inputs.iter().any(|x| x.dtype != a.dtype) || !(complex || matches!(a.dtype, DType::F32 | DType::F64)) {
            let or = if self.kind == LinalgKind::Eig { "float32, float64 or complex64" } else { "float32 or float64" };
            return Err(bad(format!("Arrays must have type {or}. Received array with type {}.", a.dtype)));
        }
        if a.ndim() < 2 {
            return Err(bad(format!("Arrays must have >= 2 dimensions. Received array with {} dimensions.", a.ndim())));
        }
        let (m, n) = (a.shape[a.ndim() - 2], a.shape[a.ndim() - 1]);
        let k = m.min(n);
        let general = matches!(
            self.kind,
            LinalgKind::Qr | LinalgKind::Svd | LinalgKind::SingularValues | LinalgKind::Lu | LinalgKind::LuFactor
        );
        if !general && m != n {
            return Err(bad(format!("Only square matrices are possible, got shape {:?}.", a.shape)));
        }
        let of = |tail: &[usize], dtype: DType| {
            let mut shape: Shape = a.shape[..a.ndim() - 2].into();
            shape.extend_from_slice(tail);
            Aval { shape, dtype }
        };
        let d = a.dtype;
        Ok(match self.kind {
            LinalgKind::Qr => smallvec![of(&[m, k], d), of(&[k, n], d)],
            LinalgKind::Svd => smallvec![of(&[m, m], d), of(&[k], d), of(&[n, n], d)],
            LinalgKind::SingularValues => smallvec![of(&[k], d)],
            LinalgKind::Cholesky { .. } | LinalgKind::Inverse | LinalgKind::TriangularInverse { .. } => {
                smallvec![of(&[n, n], d)]
            }
            LinalgKind::Lu => smallvec![of(&[m], DType::U32), of(&[m, k], d), of(&[k, n], d)],
            LinalgKind::LuFactor => smallvec![of(&[m, n], d), of(&[k], DType::U32)],
            LinalgKind::Eigh { .. } => smallvec![of(&[n], d), of(&[n, n], d)],
            LinalgKind::Eig => smallvec![of(&[n], DType::C64), of(&[n, n], DType::C64)],
            LinalgKind::SlogDet => smallvec![of(&[], d), of(&[], d)],
            LinalgKind::Solve | LinalgKind::SolveTriangular { .. } => {
                let b = inputs[1];
                if b.ndim() != a.ndim()
                    || b.shape[..a.ndim() - 2] != a.shape[..a.ndim() - 2]
                    || b.shape[a.ndim() - 2] != n
                {
                    return Err(bad(format!("Shapes {:?} and {:?} do not fit.", a.shape, b.shape)));
                }
                smallvec![b.clone()]
            }
        })
    }
    fn vjp(&self, _: &Vjp<'_>) -> Result<Grads> {
        Err(Error::value(format!("[linalg::{}] Not implemented for vjp.", name(self.kind))))
    }
    fn jvp(&self, _: &[Array], _: &[Array], _: &[Option<Array>]) -> Result<Grads> {
        Err(Error::value(format!("[linalg::{}] Not implemented for jvp.", name(self.kind))))
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        let out = again(self.clone(), &ops::all_in_front(b)?)?;
        let n = out.len();
        Ok((out, vec![Some(0); n]))
    }
}

/// The triangle that is not to be read replaced: by the other, mirrored, or by zeros.
fn one_triangle(a: &Matrix, upper: bool, mirrored: bool) -> Matrix {
    let mut out = a.clone();
    for i in 0..a.rows {
        for j in 0..a.cols {
            if (upper && i > j) || (!upper && i < j) {
                out[(i, j)] = if mirrored { a[(j, i)] } else { 0.0 };
            }
        }
    }
    out
}

/// The results for one matrix, one after another.
fn compute(kind: LinalgKind, a: &Matrix, b: Option<&Matrix>) -> Result<Vec<Vec<f64>>> {
    let k = a.rows.min(a.cols);
    Ok(match kind {
        LinalgKind::Qr => {
            let (q, mut r) = matrix::qr(a);
            r.data.truncate(k * r.cols);
            vec![q.columns(k).data, r.data]
        }
        LinalgKind::Svd => {
            let (u, s, v) = matrix::svd(a);
            vec![u.data, s, v.transposed().data]
        }
        LinalgKind::SingularValues => vec![matrix::svd(a).1],
        LinalgKind::Cholesky { upper } => {
            let l = matrix::cholesky(&one_triangle(a, upper, true))?;
            vec![if upper { l.transposed().data } else { l.data }]
        }
        LinalgKind::Inverse => vec![matrix::solve(a, &Matrix::identity(a.rows))?.data],
        LinalgKind::TriangularInverse { upper } => {
            vec![matrix::solve_triangular(a, &Matrix::identity(a.rows), upper, false)?.data]
        }
        LinalgKind::Lu | LinalgKind::LuFactor => {
            let (f, pivots, _) = matrix::lu(a);
            if kind == LinalgKind::LuFactor {
                return Ok(vec![f.data, pivots.iter().map(|&p| p as f64).collect()]);
            }
            let mut order: Vec<f64> = (0..a.rows).map(|i| i as f64).collect();
            // The exchanges undone, from the last: where each row of the product comes from.
            for (i, &p) in pivots.iter().enumerate().rev() {
                order.swap(i, p);
            }
            let mut l = one_triangle(&f, false, false).columns(k);
            (0..k).for_each(|i| l[(i, i)] = 1.0);
            let mut u = one_triangle(&f, true, false);
            u.data.truncate(k * a.cols);
            vec![order, l.data, u.data]
        }
        LinalgKind::Eigh { upper } => {
            let (w, v) = matrix::eigh(&one_triangle(a, upper, true));
            vec![w, v.data]
        }
        LinalgKind::Eig => return Err(Error::runtime("[linalg::eig] complex results are computed apart")),
        LinalgKind::SlogDet => {
            let (f, _, mut sign) = matrix::lu(a);
            let mut log = 0.0;
            for i in 0..k {
                sign *= if f[(i, i)] == 0.0 { 0.0 } else { f[(i, i)].signum() };
                log += f[(i, i)].abs().ln();
            }
            vec![vec![sign], vec![log]]
        }
        LinalgKind::Solve | LinalgKind::SolveTriangular { .. } => {
            let b = b.ok_or_else(|| Error::runtime("[linalg] no right side"))?;
            vec![match kind {
                LinalgKind::SolveTriangular { upper } => matrix::solve_triangular(a, b, upper, false)?.data,
                _ => matrix::solve(a, b)?.data,
            }]
        }
    })
}

/// Eigenvalues and eigenvectors of all matrices; NaN for those that have none.
fn eigen(a: &Tensor, count: usize, outs: &[Aval]) -> Vec<Tensor> {
    let n = a.shape[a.shape.len() - 1];
    let real = !a.dtype.is_complex();
    let (mut w, mut v) = (Vec::new(), Vec::new());
    for i in 0..count {
        let z = (i * n * n..(i + 1) * n * n)
            .map(|j| {
                let (re, im) = if real { (a.get(j).f64(), 0.0) } else { a.get(j).complex() };
                eig::Z::new(re, im)
            })
            .collect();
        let nan = eig::Z::new(f64::NAN, f64::NAN);
        let (values, vectors) = eig::eig(n, z, real).unwrap_or_else(|| (vec![nan; n], vec![nan; n * n]));
        w.extend(values);
        v.extend(vectors);
    }
    let tensor = |x: &[eig::Z], o: &Aval| Tensor::build(&o.shape, o.dtype, |i| Num::Complex(x[i].re, x[i].im));
    vec![tensor(&w, &outs[0]), tensor(&v, &outs[1])]
}

impl Core for Linalg {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let shape = |t: &Tensor| (t.shape[t.shape.len() - 2], t.shape[t.shape.len() - 1]);
        let of = |t: &Tensor, i: usize| -> Matrix {
            let (rows, cols) = shape(t);
            let n = rows * cols;
            Matrix { rows, cols, data: (i * n..(i + 1) * n).map(|j| t.get(j).f64()).collect() }
        };
        let lead = &inputs[0].shape[..inputs[0].shape.len() - 2];
        let count: usize = lead.iter().product();
        if self.kind == LinalgKind::Eig {
            return Ok(eigen(inputs[0], count, outs));
        }
        let mut all: Vec<Vec<f64>> = vec![Vec::new(); outs.len()];
        for i in 0..count {
            let b = inputs.get(1).map(|t| of(t, i));
            for (out, part) in all.iter_mut().zip(compute(self.kind, &of(inputs[0], i), b.as_ref())?) {
                out.extend(part);
            }
        }
        Ok(all
            .into_iter()
            .zip(outs)
            .map(|(v, o)| {
                Tensor::build(&o.shape, o.dtype, |i| {
                    if o.dtype.is_integer() { Num::Int(v[i] as i128) } else { Num::Float(v[i]) }
                })
            })
            .collect())
    }
}

fn record(kind: LinalgKind, inputs: &[&Array]) -> Result<Vec<Array>> {
    let inputs: Inputs = inputs.iter().map(|&a| a.clone()).collect();
    Ok(Array::record(Linalg { kind }, inputs)?.into_vec())
}

fn one(kind: LinalgKind, a: &Array) -> Result<Array> {
    Ok(record(kind, &[a])?.remove(0))
}

fn two(kind: LinalgKind, a: &Array) -> Result<(Array, Array)> {
    let mut v = record(kind, &[a])?;
    let second = v.remove(1);
    Ok((v.remove(0), second))
}

fn three(kind: LinalgKind, a: &Array) -> Result<(Array, Array, Array)> {
    let mut v = record(kind, &[a])?;
    let third = v.remove(2);
    let second = v.remove(1);
    Ok((v.remove(0), second, third))
}

/// Orthonormal columns Q (M, K) and a triangle R (K, N) whose product is a, K = min(M, N).
///
/// # Errors
/// `Value` for other dtypes than f32 and f64 and fewer than two dimensions; so with all functions here.
pub fn qr(a: &Array) -> Result<(Array, Array)> {
    two(LinalgKind::Qr, a)
}

/// U (M, M), the singular values in descending order, and Vᵀ (N, N).
///
/// # Errors
/// As [`qr`].
pub fn svd(a: &Array) -> Result<(Array, Array, Array)> {
    three(LinalgKind::Svd, a)
}

/// The singular values in descending order.
///
/// # Errors
/// As [`qr`].
pub fn singular_values(a: &Array) -> Result<Array> {
    one(LinalgKind::SingularValues, a)
}

/// The lower (or upper) triangular factor of positive definite matrices.
///
/// # Errors
/// As [`qr`], and `Value` for matrices that are not square; `Runtime`, when computed, for others than positive definite.
pub fn cholesky(a: &Array, upper: bool) -> Result<Array> {
    one(LinalgKind::Cholesky { upper }, a)
}

/// The inverse.
///
/// # Errors
/// As [`qr`], and `Value` for matrices that are not square; `Runtime`, when computed, for singular ones.
pub fn inv(a: &Array) -> Result<Array> {
    one(LinalgKind::Inverse, a)
}

/// The inverse of lower (or upper) triangular matrices.
///
/// # Errors
/// As [`inv`].
pub fn tri_inv(a: &Array, upper: bool) -> Result<Array> {
    one(LinalgKind::TriangularInverse { upper }, a)
}

/// The inverse of the matrices whose Cholesky factors are given.
///
/// # Errors
/// As [`inv`].
pub fn cholesky_inv(factor: &Array, upper: bool) -> Result<Array> {
    let t = tri_inv(factor, upper)?;
    let other = ops::swapaxes(&t, -1, -2)?;
    if upper { ops::matmul(&t, &other) } else { ops::matmul(&other, &t) }
}

/// The pseudo-inverse; singular values below 10 max(M, N) ε of the largest count as zero.
///
/// # Errors
/// As [`qr`].
pub fn pinv(a: &Array) -> Result<Array> {
    let (u, s, vt) = svd(a)?;
    let (m, n) = (a.dim(-2), a.dim(-1));
    let k = m.min(n) as i64;
    let epsilon = if a.dtype() == DType::F64 { f64::EPSILON } else { f64::from(f32::EPSILON) };
    let least = ops::multiply(&ops::max(&s, Some(&[-1]), true)?, 10.0 * m.max(n) as f64 * epsilon)?;
    let inverse = ops::where_(&ops::greater(&s, &least)?, &ops::reciprocal(&s)?, &ops::zeros(&[], s.dtype())?)?;
    let v = ops::swapaxes(&ops::slice_axis(&vt, -2, 0, k)?, -1, -2)?;
    let ut = ops::swapaxes(&ops::slice_axis(&u, -1, 0, k)?, -1, -2)?;
    ops::matmul(&ops::multiply(&v, &ops::expand_dims(&inverse, &[-2])?)?, &ut)
}

/// P (u32), L and U: a is L with its rows in the order P, times U.
///
/// # Errors
/// As [`qr`].
pub fn lu(a: &Array) -> Result<(Array, Array, Array)> {
    three(LinalgKind::Lu, a)
}

/// L and U in one matrix, and for each row the one with which it was exchanged (u32).
///
/// # Errors
/// As [`qr`].
pub fn lu_factor(a: &Array) -> Result<(Array, Array)> {
    two(LinalgKind::LuFactor, a)
}

/// Eigenvalues in ascending order and eigenvectors as columns of symmetric matrices, of which one triangle is read.
///
/// # Errors
/// As [`qr`], and `Value` for matrices that are not square.
pub fn eigh(a: &Array, upper: bool) -> Result<(Array, Array)> {
    two(LinalgKind::Eigh { upper }, a)
}

/// Eigenvalues and eigenvectors of length one as columns of square matrices, complex64.
///
/// # Errors
/// As [`qr`], where complex64 is possible as well, and `Value` for matrices that are not square.
pub fn eig(a: &Array) -> Result<(Array, Array)> {
    two(LinalgKind::Eig, a)
}

fn sides(op: &str, a: &Array, b: &Array) -> Result<(Array, Array, bool)> {
    if a.ndim() < 2 || b.ndim() == 0 {
        return Err(Error::value(format!("[linalg::{op}] A matrix and a right side are needed.")));
    }
    let vector = b.ndim() == 1 || b.ndim() + 1 == a.ndim() && b.shape() == &a.shape()[..b.ndim()];
    let b = if vector { ops::expand_dims(b, &[-1])? } else { b.clone() };
    let lead = |x: &Array| x.shape()[..x.ndim() - 2].to_vec();
    let common = mlx_ir::desc::broadcast_shapes(&lead(a), &lead(&b)).ok_or_else(|| {
        Error::value(format!("[linalg::{op}] Shapes {:?} and {:?} do not fit.", a.shape(), b.shape()))
    })?;
    let d = a.dtype().promote(b.dtype());
    let wide = |x: &Array| {
        let shape = [&common[..], &x.shape()[x.ndim() - 2..]].concat();
        ops::broadcast_to(&ops::astype(x, d)?, &shape)
    };
    Ok((wide(a)?, wide(&b)?, vector))
}

/// x with a x = b, for a vector or the columns of a matrix.
///
/// # Errors
/// As [`inv`], and `Value` for shapes that do not fit.
pub fn solve(a: &Array, b: &Array) -> Result<Array> {
    let (a, b, vector) = sides("solve", a, b)?;
    let x = record(LinalgKind::Solve, &[&a, &b])?.remove(0);
    if vector { ops::squeeze(&x, Some(&[-1])) } else { Ok(x) }
}

/// As [`solve`] with a lower (or upper) triangular matrix.
///
/// # Errors
/// As [`solve`].
pub fn solve_triangular(a: &Array, b: &Array, upper: bool) -> Result<Array> {
    let (a, b, vector) = sides("solve_triangular", a, b)?;
    let x = record(LinalgKind::SolveTriangular { upper }, &[&a, &b])?.remove(0);
    if vector { ops::squeeze(&x, Some(&[-1])) } else { Ok(x) }
}

/// Determinants; those of up to three rows by their formula, through which gradients flow.
///
/// # Errors
/// As [`qr`], and `Value` for matrices that are not square.
pub fn det(a: &Array) -> Result<Array> {
    if a.ndim() < 2 || a.dim(-1) != a.dim(-2) || a.dim(-1) > 3 || !matches!(a.dtype(), DType::F32 | DType::F64) {
        let (sign, log) = slogdet_by_lu(a)?;
        return ops::multiply(&sign, &ops::exp(&log)?);
    }
    let at = |i: i64, j: i64| -> Result<Array> {
        let x = ops::slice_axis(&ops::slice_axis(a, -2, i, i + 1)?, -1, j, j + 1)?;
        ops::squeeze(&x, Some(&[-2, -1]))
    };
    let minor = |i: [i64; 2], j: [i64; 2]| -> Result<Array> {
        let product = |p: i64, q: i64| ops::multiply(&at(i[0], j[p as usize])?, &at(i[1], j[q as usize])?);
        ops::subtract(&product(0, 1)?, &product(1, 0)?)
    };
    match a.dim(-1) {
        0 => ops::ones(&a.shape()[..a.ndim() - 2], a.dtype()),
        1 => at(0, 0),
        2 => minor([0, 1], [0, 1]),
        _ => {
            let part = |c: i64, j: [i64; 2]| ops::multiply(&at(0, c)?, &minor([1, 2], j)?);
            ops::add(&ops::subtract(&part(0, [1, 2])?, &part(1, [0, 2])?)?, &part(2, [0, 1])?)
        }
    }
}

fn slogdet_by_lu(a: &Array) -> Result<(Array, Array)> {
    two(LinalgKind::SlogDet, a)
}

/// Sign of the determinants and ln of their size.
///
/// # Errors
/// As [`det`].
pub fn slogdet(a: &Array) -> Result<(Array, Array)> {
    if a.ndim() >= 2 && a.dim(-1) == a.dim(-2) && a.dim(-1) <= 3 {
        let d = det(a)?;
        return Ok((ops::sign(&d)?, ops::log(&ops::abs(&d)?)?));
    }
    slogdet_by_lu(a)
}
