//! Functions of complex64. Those that need more than f32 to be right (the CPU back end computes them in f64) are not
//! here and are left to the processor.

use super::expr::{X, f, sel};
use mlx_ir::Func;

/// What a function gives.
pub(super) enum Out {
    Complex(X, X),
    Float(X),
    Truth(X),
}

/// The value of a function of complex numbers, or none where there is none here.
pub(super) fn function(which: Func, a: &[[X; 2]]) -> Option<Out> {
    let [xr, xi] = &a[0];
    let [yr, yi] = a.get(1).unwrap_or(&a[0]);
    let nan = |r: &X, i: &X| r.is_nan() | i.is_nan();
    // MLX's order: by real part, then by imaginary part.
    let less = |ar: &X, ai: &X, br: &X, bi: &X| ar.lt(br) | (ar.eq(br) & ai.lt(bi));
    let equal = || xr.eq(yr) & xi.eq(yi);
    let nonzero = |r: &X, i: &X| r.ne(0.0) | i.ne(0.0);
    Some(match which {
        Func::Real => Out::Float(xr.clone()),
        Func::Imag => Out::Float(xi.clone()),
        Func::Conjugate => Out::Complex(xr.clone(), -xi),
        Func::Negative => Out::Complex(-xr, -xi),
        Func::Round => Out::Complex(super::float::round(xr), super::float::round(xi)),
        Func::Add => Out::Complex(xr + yr, xi + yi),
        Func::Subtract => Out::Complex(xr - yr, xi - yi),
        Func::Maximum => {
            let first = nan(xr, xi) | (!nan(yr, yi) & !less(xr, xi, yr, yi));
            Out::Complex(sel(&first, xr, yr), sel(&first, xi, yi))
        }
        Func::Minimum => {
            let first = nan(xr, xi) | (!nan(yr, yi) & less(xr, xi, yr, yi));
            Out::Complex(sel(&first, xr, yr), sel(&first, xi, yi))
        }
        Func::Equal => Out::Truth(equal()),
        Func::NanEqual => Out::Truth(equal() | (nan(xr, xi) & nan(yr, yi))),
        Func::NotEqual => Out::Truth(!equal()),
        Func::Less => Out::Truth(less(xr, xi, yr, yi)),
        Func::LessEqual => Out::Truth(less(xr, xi, yr, yi) | equal()),
        Func::Greater => Out::Truth(less(yr, yi, xr, xi)),
        Func::GreaterEqual => Out::Truth(less(yr, yi, xr, xi) | equal()),
        Func::LogicalNot => Out::Truth(!nonzero(xr, xi)),
        Func::LogicalAnd => Out::Truth(nonzero(xr, xi) & nonzero(yr, yi)),
        Func::LogicalOr => Out::Truth(nonzero(xr, xi) | nonzero(yr, yi)),
        _ => return None,
    })
}

/// A real number as a complex one.
pub(super) fn of_real(x: X) -> [X; 2] {
    [x, f(0.0)]
}
