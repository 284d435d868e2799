//! Dense matrices of f64 and what is computed of them: textbook algorithms (Golub and Van Loan, "Matrix Computations"),
//! written to be right; sizes are those of host work.

use mlx_ir::{Error, Result};

/// A row-major matrix.
#[derive(Clone, Debug)]
pub struct Matrix {
    pub rows: usize,
    pub cols: usize,
    pub data: Vec<f64>,
}

impl std::ops::Index<(usize, usize)> for Matrix {
    type Output = f64;
    fn index(&self, (i, j): (usize, usize)) -> &f64 {
        &self.data[i * self.cols + j]
    }
}
impl std::ops::IndexMut<(usize, usize)> for Matrix {
    fn index_mut(&mut self, (i, j): (usize, usize)) -> &mut f64 {
        &mut self.data[i * self.cols + j]
    }
}

impl Matrix {
    pub fn zeros(rows: usize, cols: usize) -> Matrix {
        Matrix { rows, cols, data: vec![0.0; rows * cols] }
    }
    pub fn identity(n: usize) -> Matrix {
        let mut m = Matrix::zeros(n, n);
        (0..n).for_each(|i| m[(i, i)] = 1.0);
        m
    }
    pub fn transposed(&self) -> Matrix {
        let mut t = Matrix::zeros(self.cols, self.rows);
        for i in 0..self.rows {
            for j in 0..self.cols {
                t[(j, i)] = self[(i, j)];
            }
        }
        t
    }
    fn swap_rows(&mut self, a: usize, b: usize) {
        if a != b {
            (0..self.cols).for_each(|j| self.data.swap(a * self.cols + j, b * self.cols + j));
        }
    }
    /// The first columns.
    pub fn columns(&self, n: usize) -> Matrix {
        let mut m = Matrix::zeros(self.rows, n);
        for i in 0..self.rows {
            for j in 0..n {
                m[(i, j)] = self[(i, j)];
            }
        }
        m
    }
}

/// Reflections that make a matrix upper triangular: the full orthogonal factor and the triangle. Diagonal elements have
/// the sign that LAPACK gives them.
pub fn qr(a: &Matrix) -> (Matrix, Matrix) {
    let (m, n) = (a.rows, a.cols);
    let (mut r, mut q) = (a.clone(), Matrix::identity(m));
    for k in 0..m.min(n) {
        let below: f64 = (k + 1..m).map(|i| r[(i, k)] * r[(i, k)]).sum();
        if below == 0.0 {
            continue;
        }
        let norm = (r[(k, k)] * r[(k, k)] + below).sqrt();
        let beta = if r[(k, k)] >= 0.0 { -norm } else { norm };
        let mut v: Vec<f64> = (k..m).map(|i| r[(i, k)]).collect();
        v[0] -= beta;
        let scale = 2.0 / v.iter().map(|x| x * x).sum::<f64>();
        for j in k..n {
            let dot: f64 = (k..m).map(|i| v[i - k] * r[(i, j)]).sum::<f64>() * scale;
            (k..m).for_each(|i| r[(i, j)] -= dot * v[i - k]);
        }
        (k + 1..m).for_each(|i| r[(i, k)] = 0.0);
        for i in 0..m {
            let dot: f64 = (k..m).map(|j| q[(i, j)] * v[j - k]).sum::<f64>() * scale;
            (k..m).for_each(|j| q[(i, j)] -= dot * v[j - k]);
        }
    }
    (q, r)
}

/// Gaussian elimination with row exchanges: both factors in one matrix, the rows exchanged, and the sign of all
/// exchanges.
pub fn lu(a: &Matrix) -> (Matrix, Vec<usize>, f64) {
    let (m, n) = (a.rows, a.cols);
    let (mut f, mut pivots, mut sign) = (a.clone(), Vec::new(), 1.0);
    for k in 0..m.min(n) {
        let mut p = k;
        for i in k + 1..m {
            if f[(i, k)].abs() > f[(p, k)].abs() {
                p = i;
            }
        }
        pivots.push(p);
        if p != k {
            f.swap_rows(p, k);
            sign = -sign;
        }
        let d = f[(k, k)];
        if d == 0.0 {
            continue;
        }
        for i in k + 1..m {
            let l = f[(i, k)] / d;
            f[(i, k)] = l;
            (k + 1..n).for_each(|j| f[(i, j)] -= l * f[(k, j)]);
        }
    }
    (f, pivots, sign)
}

/// x with T x = b for a triangle of `t`; `unit` for ones on the diagonal.
pub fn solve_triangular(t: &Matrix, b: &Matrix, upper: bool, unit: bool) -> Result<Matrix> {
    let n = t.rows;
    let mut x = b.clone();
    for step in 0..n {
        let i = if upper { n - 1 - step } else { step };
        if !unit && t[(i, i)] == 0.0 {
            return Err(Error::runtime("[linalg] the matrix is singular"));
        }
        let others = if upper { i + 1..n } else { 0..i };
        for c in 0..x.cols {
            let known: f64 = others.clone().map(|j| t[(i, j)] * x[(j, c)]).sum();
            x[(i, c)] = (x[(i, c)] - known) / if unit { 1.0 } else { t[(i, i)] };
        }
    }
    Ok(x)
}

/// x with A x = b.
pub fn solve(a: &Matrix, b: &Matrix) -> Result<Matrix> {
    let (f, pivots, _) = lu(a);
    let mut x = b.clone();
    for (k, &p) in pivots.iter().enumerate() {
        x.swap_rows(k, p);
    }
    solve_triangular(&f, &solve_triangular(&f, &x, false, true)?, true, false)
}

/// L with L Lᵀ = A, of which the lower triangle is read.
pub fn cholesky(a: &Matrix) -> Result<Matrix> {
    let n = a.rows;
    let mut l = Matrix::zeros(n, n);
    for j in 0..n {
        for i in j..n {
            let known: f64 = (0..j).map(|k| l[(i, k)] * l[(j, k)]).sum();
            let rest = a[(i, j)] - known;
            if i == j {
                if rest <= 0.0 || rest.is_nan() {
                    return Err(Error::runtime("[linalg::cholesky] the matrix is not positive definite"));
                }
                l[(j, j)] = rest.sqrt();
            } else {
                l[(i, j)] = rest / l[(j, j)];
            }
        }
    }
    Ok(l)
}

/// Sweeps after which rotations that do not converge are given up.
const SWEEPS: usize = 60;

/// Eigenvalues in ascending order and eigenvectors as columns of a symmetric matrix, by Jacobi's rotations. The last
/// element of each vector that is not small is positive or not as it comes.
pub fn eigh(a: &Matrix) -> (Vec<f64>, Matrix) {
    let n = a.rows;
    let (mut a, mut v) = (a.clone(), Matrix::identity(n));
    for _ in 0..SWEEPS {
        let off: f64 = (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|p| a[p] * a[p]).sum();
        let on: f64 = (0..n).map(|i| a[(i, i)] * a[(i, i)]).sum();
        if off == 0.0 || off <= 1e-32 * on {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if a[(p, q)] == 0.0 {
                    continue;
                }
                let theta = (a[(q, q)] - a[(p, p)]) / (2.0 * a[(p, q)]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for k in 0..n {
                    let (x, y) = (a[(k, p)], a[(k, q)]);
                    (a[(k, p)], a[(k, q)]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..n {
                    let (x, y) = (a[(p, k)], a[(q, k)]);
                    (a[(p, k)], a[(q, k)]) = (c * x - s * y, s * x + c * y);
                    let (x, y) = (v[(k, p)], v[(k, q)]);
                    (v[(k, p)], v[(k, q)]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| a[(i, i)].total_cmp(&a[(j, j)]));
    let mut sorted = Matrix::zeros(n, n);
    for (to, &from) in order.iter().enumerate() {
        (0..n).for_each(|k| sorted[(k, to)] = v[(k, from)]);
    }
    (order.iter().map(|&i| a[(i, i)]).collect(), sorted)
}

/// Full U, the singular values in descending order, and V as columns, by rotations of columns (one-sided Jacobi).
pub fn svd(a: &Matrix) -> (Matrix, Vec<f64>, Matrix) {
    if a.rows < a.cols {
        let (u, s, v) = svd(&a.transposed());
        return (v, s, u);
    }
    let (m, n) = (a.rows, a.cols);
    let (mut w, mut v) = (a.clone(), Matrix::identity(n));
    for _ in 0..SWEEPS {
        let mut turned = false;
        for p in 0..n {
            for q in p + 1..n {
                let (mut x, mut y, mut z) = (0.0, 0.0, 0.0);
                for k in 0..m {
                    x += w[(k, p)] * w[(k, p)];
                    y += w[(k, q)] * w[(k, q)];
                    z += w[(k, p)] * w[(k, q)];
                }
                if z == 0.0 || z.abs() <= 1e-16 * (x * y).sqrt() {
                    continue;
                }
                turned = true;
                let theta = (y - x) / (2.0 * z);
                let t = if theta == 0.0 { 1.0 } else { theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt()) };
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for k in 0..m {
                    let (x, y) = (w[(k, p)], w[(k, q)]);
                    (w[(k, p)], w[(k, q)]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..n {
                    let (x, y) = (v[(k, p)], v[(k, q)]);
                    (v[(k, p)], v[(k, q)]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
        if !turned {
            break;
        }
    }
    let length = |j: usize| (0..m).map(|k| w[(k, j)] * w[(k, j)]).sum::<f64>().sqrt();
    let lengths: Vec<f64> = (0..n).map(length).collect();
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| lengths[j].total_cmp(&lengths[i]));
    let (mut u, mut right) = (Matrix::zeros(m, n), Matrix::zeros(n, n));
    let largest = order.first().map_or(0.0, |&i| lengths[i]);
    let mut rank = 0;
    for (to, &from) in order.iter().enumerate() {
        (0..n).for_each(|k| right[(k, to)] = v[(k, from)]);
        if lengths[from] > largest * 1e-15 {
            (0..m).for_each(|k| u[(k, to)] = w[(k, from)] / lengths[from]);
            rank += 1;
        }
    }
    (completed(&u.columns(rank)), order.iter().map(|&i| lengths[i]).collect(), right)
}

/// Orthonormal columns, and after them others that complete them to a basis.
fn completed(u: &Matrix) -> Matrix {
    let (q, r) = qr(u);
    let mut out = q;
    // The first columns of the factor are those given, up to their signs.
    for j in 0..u.cols {
        if r[(j, j)] < 0.0 {
            (0..out.rows).for_each(|i| out[(i, j)] = -out[(i, j)]);
        }
    }
    out
}
