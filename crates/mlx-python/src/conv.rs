//! Settings of convolutions.

use crate::convert::Padding;
use crate::error::{R, value};
use mlx::Array;
use mlx::ops;
use mlx_ir::Axes;
use mlx_ir::op::ConvSpec;

/// One number for each of `n` axes, from one for all or one each.
fn each(what: &str, n: usize, x: &[i64]) -> R<Axes> {
    let sizes = x
        .iter()
        .map(|&i| usize::try_from(i).map_err(|_| value(format!("[conv] Invalid {what} {i}: it must not be negative."))))
        .collect::<R<Axes>>()?;
    match sizes.len() {
        1 => Ok(smallvec::smallvec![sizes[0]; n]),
        k if k == n => Ok(sizes),
        k => Err(value(format!("[conv] Invalid {what}: {k} numbers for {n} axes of space."))),
    }
}

/// As [`each`], for padding: where it is negative that many elements are cut off and none are added.
fn margins(n: usize, x: &Array, low: &[i64], high: &[i64]) -> R<(Array, Axes, Axes)> {
    let all = |p: &[i64]| -> R<Vec<i64>> {
        match p.len() {
            1 => Ok(vec![p[0]; n]),
            k if k == n => Ok(p.to_vec()),
            k => Err(value(format!("[conv] Invalid padding: {k} numbers for {n} axes of space."))),
        }
    };
    let (low, high) = (all(low)?, all(high)?);
    let mut x = x.clone();
    for i in 0..n.min(x.ndim().saturating_sub(1)) {
        let (cut, end) = (low[i].min(0).saturating_neg(), high[i].min(0));
        if cut > 0 || end < 0 {
            let size = x.shape()[i + 1] as i64;
            let stop = size.saturating_add(end).max(0);
            x = ops::slice_axis(&x, i as i64 + 1, cut.min(stop), stop)?;
        }
    }
    let added = |p: &[i64]| p.iter().map(|&v| usize::try_from(v.max(0)).unwrap_or(usize::MAX)).collect();
    Ok((x, added(&low), added(&high)))
}

fn groups(g: i64) -> R<usize> {
    usize::try_from(g).map_err(|_| value(format!("[conv] Invalid groups {g}.")))
}

/// A convolution over `n` axes of space.
pub fn plain(n: usize, x: &Array, w: &Array, stride: &[i64], padding: &[i64], dilation: &[i64], g: i64) -> R<Array> {
    let (s, d) = (each("stride", n, stride)?, each("dilation", n, dilation)?);
    let (x, p, _) = margins(n, x, padding, padding)?;
    Ok(ops::conv(&x, w, &s, &p, &d, groups(g)?)?)
}

/// A transposed convolution over `n` axes of space.
pub fn transposed(
    n: usize,
    x: &Array,
    w: &Array,
    stride: &[i64],
    padding: &[i64],
    dilation: &[i64],
    output_padding: &[i64],
    g: i64,
) -> R<Array> {
    let (s, p, d) = (each("stride", n, stride)?, each("padding", n, padding)?, each("dilation", n, dilation)?);
    Ok(ops::conv_transpose(x, w, &s, &p, &d, &each("output padding", n, output_padding)?, groups(g)?)?)
}

/// See `mx.conv_general`.
pub fn general(
    x: &Array,
    w: &Array,
    stride: &[i64],
    padding: &Padding,
    kernel_dilation: &[i64],
    input_dilation: &[i64],
    g: i64,
    flip: bool,
) -> R<Array> {
    let n = x.ndim().saturating_sub(2);
    let spread = input_dilation.iter().any(|&d| d != 1);
    let ends = match padding {
        Padding::Both(p) => [&p.0, &p.0],
        Padding::Ends(l, h) => [&l.0, &h.0],
    };
    if spread && ends.iter().any(|p| p.iter().any(|&v| v < 0)) {
        return Err(value("[conv] Negative padding of a dilated input is not supported."));
    }
    let (x, low, high) = margins(n, x, ends[0], ends[1])?;
    let spec = ConvSpec {
        stride: each("stride", n, stride)?,
        low,
        high,
        kernel_dilation: each("dilation", n, kernel_dilation)?,
        input_dilation: each("dilation", n, input_dilation)?,
        groups: groups(g)?,
        flip,
    };
    Ok(ops::conv_general(&x, w, spec)?)
}
