//! The gated delta rule of linear attention, step by step: made of other functions.

use crate::array::Array;
use crate::ops;
use mlx_ir::{DType, Error, Result};

/// Outputs (B, T, H, E) and the final state f32 (B, H, E, D) of the gated delta rule, with D the last axis of q and k
/// and E that of v. In each step the state is scaled by gamma; what it holds for k moves by the share beta towards v; the
/// output is what it then holds for q. q and k (B, T, G, D) serve H / G heads of v (B, T, H, E); gamma is (B, T, H) or
/// (B, T, H, D), beta (B, T, H). Where the mask (B, T) is zero the state stays and the output is zero.
///
/// # Errors
/// `Value` for shapes that do not fit; `Index` for too few dimensions.
pub fn gated_delta_update(
    q: &Array,
    k: &Array,
    v: &Array,
    gamma: &Array,
    beta: &Array,
    state: Option<&Array>,
    mask: Option<&Array>,
) -> Result<Vec<Array>> {
    let op = "gated_delta_update";
    if [q, k, v].iter().any(|a| a.ndim() != 4) || !(3..=4).contains(&gamma.ndim()) || beta.ndim() != 3 {
        return Err(Error::index(format!(
            "[{op}] q, k and v must have 4 dimensions, gamma 3 or 4 and beta 3, got {:?}, {:?}, {:?}, {:?} and {:?}.",
            q.shape(),
            k.shape(),
            v.shape(),
            gamma.shape(),
            beta.shape()
        )));
    }
    if mask.is_some_and(|m| m.ndim() != 2) {
        return Err(Error::index(format!("[{op}] The mask must have 2 dimensions.")));
    }
    let (steps, heads) = (v.dim(1), v.dim(2));
    if steps == 0 || k.dim(2) == 0 || q.dim(2) == 0 {
        return Err(Error::value(format!("[{op}] There must be at least one step and one head.")));
    }
    let dtype = q.dtype().promote(k.dtype()).promote(v.dtype());
    let dtype = if dtype.is_float() { dtype } else { DType::F32 };
    let wide = |a: &Array| ops::astype(a, DType::F32);
    let spread = |a: &Array| ops::repeat(&wide(a)?, (heads / a.dim(2)).max(1), Some(2));
    let (q, k, v, beta) = (spread(q)?, spread(k)?, wide(v)?, ops::expand_dims(&wide(beta)?, &[-1])?);
    let gamma = if gamma.ndim() == 3 { ops::expand_dims(&wide(gamma)?, &[-1])? } else { wide(gamma)? };
    let mut state = match state {
        Some(s) => wide(s)?,
        None => ops::zeros(&[v.dim(0), heads, v.dim(3), q.dim(3)], DType::F32)?,
    };
    let at = |a: &Array, t: usize| ops::squeeze(&ops::slice_axis(a, 1, t as i64, t as i64 + 1)?, Some(&[1]));
    let row = |a: &Array| ops::expand_dims(a, &[-2]);
    let mut outputs = Vec::with_capacity(steps);
    for t in 0..steps {
        let k = row(&at(&k, t)?)?;
        let faded = ops::multiply(&state, &row(&at(&gamma, t)?)?)?;
        let held = ops::sum(&ops::multiply(&faded, &k)?, Some(&[-1]), false)?;
        let change = ops::multiply(&ops::subtract(&at(&v, t)?, &held)?, &at(&beta, t)?)?;
        let mut next = ops::add(&faded, &ops::multiply(&k, &ops::expand_dims(&change, &[-1])?)?)?;
        let mut y = ops::sum(&ops::multiply(&next, &row(&at(&q, t)?)?)?, Some(&[-1]), false)?;
        if let Some(m) = mask {
            let m = ops::astype(&ops::expand_dims(&at(m, t)?, &[-1, -2])?, DType::Bool)?;
            y = ops::where_(&m, &y, &ops::zeros(&[], DType::F32)?)?;
            next = ops::where_(&ops::expand_dims(&m, &[-1])?, &next, &state)?;
        }
        state = next;
        outputs.push(y);
    }
    Ok(vec![ops::astype(&ops::stack(&outputs, 1)?, dtype)?, state])
}
