//! Eigenvalues and eigenvectors of any square matrix: a unitary reduction to Hessenberg form, QR steps with Wilkinson's
//! shift down to a triangle, and back substitution.

use std::ops::{Add, Mul, Sub};

/// A complex number in double precision.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Z {
    pub re: f64,
    pub im: f64,
}

impl Z {
    pub fn new(re: f64, im: f64) -> Z {
        Z { re, im }
    }
    fn conj(self) -> Z {
        Z::new(self.re, -self.im)
    }
    fn size(self) -> f64 {
        self.re.hypot(self.im)
    }
    fn scaled(self, s: f64) -> Z {
        Z::new(self.re * s, self.im * s)
    }
    fn over(self, d: Z) -> Z {
        let n = d.size();
        let d = d.scaled(1.0 / n);
        (self * d.conj()).scaled(1.0 / n)
    }
    fn root(self) -> Z {
        let n = self.size();
        let re = ((n + self.re.abs()) / 2.0).sqrt();
        if re == 0.0 {
            return Z::default();
        }
        let im = self.im / (2.0 * re);
        if self.re >= 0.0 { Z::new(re, im) } else { Z::new(im.abs(), re.copysign(self.im)) }
    }
}

impl Add for Z {
    type Output = Z;
    fn add(self, o: Z) -> Z {
        Z::new(self.re + o.re, self.im + o.im)
    }
}
impl Sub for Z {
    type Output = Z;
    fn sub(self, o: Z) -> Z {
        Z::new(self.re - o.re, self.im - o.im)
    }
}
impl Mul for Z {
    type Output = Z;
    fn mul(self, o: Z) -> Z {
        Z::new(self.re * o.re - self.im * o.im, self.re * o.im + self.im * o.re)
    }
}

/// A rotation (c, s) that takes (a, b) to (r, 0): `c a + s b = r`, `−s̄ a + c b = 0` with real c.
fn rotation(a: Z, b: Z) -> (f64, Z) {
    if b == Z::default() {
        return (1.0, Z::default());
    }
    let n = a.size().hypot(b.size());
    if a == Z::default() {
        return (0.0, b.conj().scaled(1.0 / b.size()));
    }
    let c = a.size() / n;
    (c, (a.scaled(1.0 / a.size()) * b.conj()).scaled(1.0 / n))
}

struct Square {
    n: usize,
    data: Vec<Z>,
}

impl Square {
    fn at(&self, i: usize, j: usize) -> Z {
        self.data[i * self.n + j]
    }
    fn set(&mut self, i: usize, j: usize, x: Z) {
        self.data[i * self.n + j] = x;
    }
    /// Rows p and q rotated, from column `from` on.
    fn rows(&mut self, p: usize, q: usize, (c, s): (f64, Z), from: usize) {
        for j in from..self.n {
            let (a, b) = (self.at(p, j), self.at(q, j));
            self.set(p, j, a.scaled(c) + s * b);
            self.set(q, j, b.scaled(c) - s.conj() * a);
        }
    }
    /// Columns p and q rotated by the conjugate transpose, down to row `to`.
    fn columns(&mut self, p: usize, q: usize, (c, s): (f64, Z), to: usize) {
        for i in 0..to {
            let (a, b) = (self.at(i, p), self.at(i, q));
            self.set(i, p, a.scaled(c) + s.conj() * b);
            self.set(i, q, b.scaled(c) - s * a);
        }
    }
}

/// The eigenvalue of the last 2×2 block of the window that is nearer to its corner.
fn shift(t: &Square, hi: usize) -> Z {
    let (a, b, c, d) = (t.at(hi - 1, hi - 1), t.at(hi - 1, hi), t.at(hi, hi - 1), t.at(hi, hi));
    let half = (a - d).scaled(0.5);
    let root = (half * half + b * c).root();
    let (p, q) = (half + root, half - root);
    d + if p.size() < q.size() { p } else { q }
}

/// Eigenvalues, and eigenvectors of length one as columns (row-major), of an n×n matrix. With `real` the matrix is real:
/// its eigenvalues come as real numbers or pairs, that with the positive imaginary part first. A vector's largest
/// component is real. None if the iteration does not converge (numbers that are not finite).
pub fn eig(n: usize, a: Vec<Z>, real: bool) -> Option<(Vec<Z>, Vec<Z>)> {
    if a.iter().any(|z| !z.re.is_finite() || !z.im.is_finite()) {
        return None;
    }
    let norm = a.iter().map(|z| z.size()).fold(0.0, f64::max);
    let mut t = Square { n, data: a };
    let mut q = Square { n, data: vec![Z::default(); n * n] };
    (0..n).for_each(|i| q.set(i, i, Z::new(1.0, 0.0)));
    for k in 0..n.saturating_sub(2) {
        for i in (k + 2..n).rev() {
            let r = rotation(t.at(i - 1, k), t.at(i, k));
            t.rows(i - 1, i, r, 0);
            t.columns(i - 1, i, r, n);
            q.columns(i - 1, i, r, n);
            t.set(i, k, Z::default());
        }
    }
    let (mut hi, mut tries) = (n.saturating_sub(1), 0);
    while hi > 0 {
        let small = |t: &Square, i: usize| {
            let near = t.at(i, i).size() + t.at(i - 1, i - 1).size();
            t.at(i, i - 1).size() <= f64::EPSILON * if near > 0.0 { near } else { norm }
        };
        let lo = (1..=hi).rev().find(|&i| small(&t, i)).unwrap_or(0);
        if lo > 0 {
            t.set(lo, lo - 1, Z::default());
        }
        if lo == hi {
            (hi, tries) = (hi - 1, 0);
            continue;
        }
        tries += 1;
        if tries > 300 {
            return None;
        }
        // Now and then another shift, so that no symmetric matrix keeps turning in place.
        let s = if tries % 11 == 10 { t.at(hi, hi) + Z::new(t.at(hi, hi - 1).size(), 0.0) } else { shift(&t, hi) };
        (0..n).for_each(|i| t.set(i, i, t.at(i, i) - s));
        let turns: Vec<_> = (lo..hi)
            .map(|i| {
                let r = rotation(t.at(i, i), t.at(i + 1, i));
                t.rows(i, i + 1, r, i);
                r
            })
            .collect();
        for (i, &r) in (lo..hi).zip(&turns) {
            t.columns(i, i + 1, r, (i + 2).min(n));
            q.columns(i, i + 1, r, n);
        }
        (0..n).for_each(|i| t.set(i, i, t.at(i, i) + s));
    }
    let mut values: Vec<Z> = (0..n).map(|i| t.at(i, i)).collect();
    let mut vectors: Vec<Vec<Z>> = (0..n).map(|k| vector(&t, &q, k, norm)).collect();
    if real {
        let tiny = norm * f64::EPSILON * 8.0 * n as f64;
        let mut i = 0;
        while i < n {
            if values[i].im.abs() <= tiny {
                values[i].im = 0.0;
                vectors[i].iter_mut().for_each(|z| z.im = 0.0);
                i += 1;
                continue;
            }
            // Its conjugate is the nearest of those behind it.
            let Some(j) = (i + 1..n).min_by(|&x, &y| {
                let d = |k: usize| (values[k] - values[i].conj()).size();
                d(x).total_cmp(&d(y))
            }) else {
                break;
            };
            values.swap(i + 1, j);
            vectors.swap(i + 1, j);
            if values[i].im < 0.0 {
                values.swap(i, i + 1);
                vectors.swap(i, i + 1);
            }
            values[i + 1] = values[i].conj();
            vectors[i + 1] = vectors[i].iter().map(|z| z.conj()).collect();
            i += 2;
        }
    }
    let columns = (0..n * n).map(|at| vectors[at % n][at / n]).collect();
    Some((values, columns))
}

/// The eigenvector of eigenvalue k.
fn vector(t: &Square, q: &Square, k: usize, norm: f64) -> Vec<Z> {
    let n = t.n;
    let mut x = vec![Z::default(); n];
    x[k] = Z::new(1.0, 0.0);
    for i in (0..k).rev() {
        let sum = (i + 1..=k).fold(Z::default(), |s, j| s + t.at(i, j) * x[j]);
        let mut d = t.at(k, k) - t.at(i, i);
        if d.size() < f64::EPSILON * norm {
            d = Z::new(f64::EPSILON * norm, 0.0);
        }
        x[i] = if sum == Z::default() { sum } else { sum.over(d) };
        let top = x[i].size();
        if top > 1e100 {
            x.iter_mut().for_each(|z| *z = z.scaled(1.0 / top));
        }
    }
    let mut v: Vec<Z> = (0..n).map(|i| (0..=k).fold(Z::default(), |s, j| s + q.at(i, j) * x[j])).collect();
    let length = v.iter().map(|z| z.size()).fold(0.0, f64::hypot);
    let largest = v.iter().copied().max_by(|a, b| a.size().total_cmp(&b.size())).unwrap_or_default();
    if length > 0.0 {
        let turn = largest.conj().scaled(1.0 / (largest.size() * length));
        v.iter_mut().for_each(|z| *z = *z * turn);
    }
    v
}
