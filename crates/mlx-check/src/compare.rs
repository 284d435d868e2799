//! Comparing computed with exact values.

use crate::case::Tol;
use mlx::DType;
use mlx::reference::{Num, Tensor};

/// Distance from 1 to the next larger value, and the smallest positive value.
pub fn precision(dtype: DType) -> (f64, f64) {
    match dtype {
        DType::F16 => (2f64.powi(-10), 2f64.powi(-24)),
        DType::BF16 => (2f64.powi(-7), 2f64.powi(-133)),
        DType::F32 | DType::C64 => (2f64.powi(-23), 2f64.powi(-149)),
        DType::F64 => (2f64.powi(-52), 5e-324),
        _ => (0.0, 0.0),
    }
}

fn parts(n: Num) -> [f64; 2] {
    let (r, i) = n.complex();
    [r, i]
}

fn same(a: f64, b: f64, signed_zero: bool) -> bool {
    (a.is_nan() && b.is_nan()) || (a == b && (!signed_zero || a != 0.0 || a.is_sign_negative() == b.is_sign_negative()))
}

/// Whether one number is near enough; `largest` is the largest finite magnitude among the exact values.
fn near(got: Num, want: Num, dtype: DType, tol: Tol, largest: f64) -> bool {
    if let (Num::Int(a), Num::Int(b)) = (got, want) {
        return a == b;
    }
    let (g, w) = (parts(got), parts(want));
    if g.iter().zip(&w).all(|(&a, &b)| same(a, b, tol == Tol::Exact)) {
        return true;
    }
    let (eps, least) = precision(dtype);
    let size = w[0].hypot(w[1]);
    if !size.is_finite() {
        // Of a complex infinity or NaN the parts are not told apart; a real one is equal or not.
        let nan = |v: [f64; 2]| v[0].is_nan() || v[1].is_nan();
        let alike = if nan(w) { nan(g) } else { g[0].is_infinite() || g[1].is_infinite() };
        return dtype.is_complex() && tol != Tol::Exact && alike;
    }
    let room = match tol {
        Tol::Exact => return false,
        Tol::Ulp(n) => n as f64 * (eps * size).max(least),
        // The exact values of f64 are sums in f64 themselves.
        Tol::Accumulate(n) if dtype == DType::F64 => 16.0 * n as f64 * (eps * size.max(largest)).max(least),
        Tol::Accumulate(n) => n as f64 * (eps * size.max(largest)).max(least),
        Tol::Within(f) => f * largest,
    };
    (g[0] - w[0]).hypot(g[1] - w[1]) <= room
}

/// Compares; the message names the first element that is off and how many there are.
pub fn tensors(got: &Tensor, want: &Tensor, tol: Tol) -> Result<(), String> {
    tensors_from(got, want, tol, 0.0)
}

/// How large a running sum of the inputs typically gets: what the rounding of an accumulation is relative to, also
/// where the terms cancel.
pub fn running_size(inputs: &[Tensor]) -> f64 {
    inputs
        .iter()
        .map(|t| {
            let largest = (0..t.size()).map(|i| parts(t.get(i))).map(|p| p[0].hypot(p[1])).filter(|x| x.is_finite());
            largest.fold(0.0, f64::max) * (t.size() as f64).sqrt() / 4.0
        })
        .fold(0.0, f64::max)
}

fn has_range_of_f32(dtype: DType) -> bool {
    matches!(dtype, DType::F32 | DType::BF16 | DType::C64)
}

/// Whether a float's dtype has the range of f32, and a part of it is smaller than the normal numbers are.
pub fn is_subnormal(n: Num, dtype: DType) -> bool {
    let least = f64::from(f32::MIN_POSITIVE);
    has_range_of_f32(dtype) && parts(n).iter().any(|x| *x != 0.0 && x.abs() < least)
}

/// As [`tensors_from`] for a device that takes subnormal numbers for 0, where it likes: `other` is what is exact for
/// inputs without any, and what is within the smallest normal number of either is right.
pub fn tensors_without_subnormals(
    got: &Tensor,
    want: &Tensor,
    other: &Tensor,
    tol: Tol,
    running: f64,
) -> Result<(), String> {
    let small_range = has_range_of_f32(got.dtype);
    if got.shape != other.shape || got.dtype != other.dtype {
        return tensors_from(got, want, tol, running);
    }
    // Each element as one of the two has it; a result that is subnormal may be 0.
    let nearer = Tensor::build(&got.shape, got.dtype, |i| {
        let (g, w, o) = (got.get(i), want.get(i), other.get(i));
        let room = if small_range { f64::from(f32::MIN_POSITIVE) } else { 0.0 };
        let far = |x: Num| (parts(g)[0] - parts(x)[0]).hypot(parts(g)[1] - parts(x)[1]);
        let nan = |x: Num| parts(x).iter().any(|p| p.is_nan());
        if far(w) <= room || far(o) <= room || (nan(g) && nan(o)) || parts(g) == parts(o) {
            g
        } else if far(o) < far(w) {
            o
        } else {
            w
        }
    });
    tensors_from(got, &nearer, tol, running)
}

/// As [`tensors`], with accumulations allowed errors relative to `running` as well.
pub fn tensors_from(got: &Tensor, want: &Tensor, tol: Tol, running: f64) -> Result<(), String> {
    if got.dtype != want.dtype || got.shape != want.shape {
        return Err(format!("{:?} of {} instead of {:?} of {}", got.shape, got.dtype, want.shape, want.dtype));
    }
    let largest = (0..want.size())
        .map(|i| parts(want.get(i)))
        .map(|p| p[0].hypot(p[1]))
        .filter(|x| x.is_finite())
        .fold(0.0, f64::max);
    let largest = match tol {
        Tol::Accumulate(_) => largest.max(running),
        // Outputs that are all one value come of broadcast inputs: its terms may cancel, and nothing near it shows of
        // what size they are.
        Tol::Within(_) if want.size() > 1 && (1..want.size()).all(|i| parts(want.get(i)) == parts(want.get(0))) => {
            largest.max(1.0)
        }
        _ => largest,
    };
    let off: Vec<usize> =
        (0..want.size()).filter(|&i| !near(got.get(i), want.get(i), want.dtype, tol, largest)).collect();
    match off.first() {
        None => Ok(()),
        Some(&i) => Err(format!(
            "{} of {} elements off by more than {tol:?}; at {:?} got {:?}, exact is {:?}",
            off.len(),
            want.size(),
            mlx::reference::unflat(&want.shape, i).as_slice(),
            got.get(i),
            want.get(i)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(v: &[f64], dtype: DType) -> Tensor {
        Tensor::build(&[v.len()], dtype, |i| Num::Float(v[i]))
    }

    #[test]
    fn only_subnormal_numbers_may_be_zero() {
        let f = DType::F32;
        let check = |got: f64, want: f64, other: f64| {
            tensors_without_subnormals(&t(&[got, 1.0], f), &t(&[want, 1.0], f), &t(&[other, 1.0], f), Tol::Exact, 0.0)
        };
        assert!(check(0.0, 1e-39, 1e-39).is_ok());
        assert!(check(-0.0, -1e-39, -1e-39).is_ok());
        assert!(check(1.0, 2.0, 1.0).is_ok());
        assert!(check(2.0, 2.0, 1.0).is_ok());
        assert!(check(f64::INFINITY, 3.0, f64::INFINITY).is_ok());
        assert!(check(f64::NAN, 3.0, f64::NAN).is_ok());
        assert!(check(1e-39, 2e-39, 2e-39).is_ok());
        assert!(check(0.0, 1e-37, 1e-37).is_err());
        assert!(check(1.5, 2.0, 1.0).is_err());
        assert!(check(f64::NAN, 3.0, 1.0).is_err());
    }

    #[test]
    fn classes_are_as_strict_as_they_say() {
        let f = DType::F32;
        let one = t(&[1.0, 100.0], f);
        let up = t(&[1.0f32.next_up() as f64, 100.0], f);
        assert!(tensors(&up, &one, Tol::Exact).is_err());
        assert!(tensors(&up, &one, Tol::Ulp(0)).is_err());
        assert!(tensors(&up, &one, Tol::Ulp(1)).is_ok());
        let off = t(&[1.00001, 100.0], f);
        assert!(tensors(&off, &one, Tol::Ulp(4)).is_err());
        assert!(tensors(&off, &one, Tol::Accumulate(1)).is_ok());
        assert!(tensors(&t(&[-0.0], f), &t(&[0.0], f), Tol::Exact).is_err());
        assert!(tensors(&t(&[-0.0], f), &t(&[0.0], f), Tol::Ulp(0)).is_ok());
        assert!(tensors(&t(&[f64::NAN], f), &t(&[f64::NAN], f), Tol::Exact).is_ok());
        assert!(tensors(&t(&[f64::NAN], f), &t(&[1.0], f), Tol::Accumulate(1000)).is_err());
        assert!(tensors(&t(&[f64::INFINITY], f), &t(&[1.0], f), Tol::Accumulate(1000)).is_err());
        assert!(tensors(&t(&[3.0], f), &t(&[f64::INFINITY], f), Tol::Accumulate(1000)).is_err());
        assert!(tensors(&t(&[1.0], f), &t(&[1.0], DType::F64), Tol::Ulp(9)).is_err());
        assert!(tensors(&t(&[2.0], DType::I32), &t(&[1.0], DType::I32), Tol::Ulp(9)).is_err());
    }
}
