//! Arguments of Fourier transforms.

use crate::error::{R, value};
use mlx::Array;
use mlx::ops::{self, FftKind, FftNorm, FramePad, Frames};

fn size(n: i64) -> R<usize> {
    usize::try_from(n).map_err(|_| value(format!("[fftn] Invalid FFT output size requested ({n})")))
}

/// A transform of one axis.
pub fn one(a: &Array, n: Option<i64>, axis: i64, norm: &str, kind: FftKind, inverse: bool) -> R<Array> {
    let n = n.map(size).transpose()?;
    Ok(ops::fftn(a, n.as_ref().map(std::slice::from_ref), Some(&[axis]), kind, inverse, norm.parse()?)?)
}

/// A transform of several axes.
pub fn several(
    a: &Array,
    sizes: Option<&[i64]>,
    axes: Option<&[i64]>,
    norm: &str,
    kind: FftKind,
    inverse: bool,
) -> R<Array> {
    let sizes = sizes.map(|s| s.iter().map(|&n| size(n)).collect::<R<Vec<_>>>()).transpose()?;
    Ok(ops::fftn(a, sizes.as_deref(), axes, kind, inverse, norm.parse()?)?)
}

fn positive(op: &str, what: &str, n: i64) -> R<usize> {
    usize::try_from(n).ok().filter(|&n| n > 0).ok_or_else(|| value(format!("[{op}] {what} must be positive.")))
}

fn scaling(op: &str, norm: &str) -> R<FftNorm> {
    norm.parse().map_err(|_| value(format!("[{op}] Invalid norm. Expected one of {{'backward', 'ortho', 'forward'}}.")))
}

fn frames(
    op: &str,
    n_fft: i64,
    hop: Option<i64>,
    width: Option<i64>,
    window: Option<&Array>,
    center: bool,
) -> R<Frames> {
    let size = positive(op, "n_fft", n_fft)?;
    let hop = positive(op, "hop_length", hop.unwrap_or(n_fft / 4))?;
    let width = width.unwrap_or(n_fft);
    let width = usize::try_from(width).map_err(|_| value(format!("[{op}] win_length must not be negative.")))?;
    Ok(Frames { size, hop, window: window.cloned(), width, center })
}

/// See `mx.fft.stft`.
pub fn stft(
    x: &Array,
    n_fft: i64,
    hop: Option<i64>,
    width: Option<i64>,
    window: Option<&Array>,
    center: bool,
    pad_mode: &str,
    norm: &str,
    onesided: Option<bool>,
) -> R<Array> {
    if x.ndim() == 0 {
        return Err(value("[stft] Input must have at least one dimension."));
    }
    let frames = frames("stft", n_fft, hop, width, window, center)?;
    let pad = match pad_mode {
        "constant" => FramePad::Constant,
        "edge" => FramePad::Edge,
        "reflect" => FramePad::Reflect,
        "symmetric" => FramePad::Symmetric,
        _ => return Err(value(format!("Invalid padding mode ({pad_mode}) passed to pad"))),
    };
    Ok(ops::stft(x, &frames, pad, scaling("stft", norm)?, onesided)?)
}

/// See `mx.fft.istft`.
pub fn istft(
    z: &Array,
    n_fft: Option<i64>,
    hop: Option<i64>,
    width: Option<i64>,
    window: Option<&Array>,
    center: bool,
    norm: &str,
    onesided: Option<bool>,
    length: Option<i64>,
) -> R<Array> {
    if z.ndim() < 2 {
        return Err(value("[istft] Input must have at least two dimensions (freq, frames)."));
    }
    let onesided = onesided.unwrap_or(true);
    let bins = z.dim(-2) as i64;
    let n_fft = n_fft.unwrap_or(if onesided { 2 * (bins - 1) } else { bins });
    let frames = frames("istft", n_fft, hop, width, window, center)?;
    // A negative length leaves nothing.
    let length = length.map(|n| usize::try_from(n).unwrap_or(0));
    Ok(ops::istft(z, &frames, scaling("istft", norm)?, onesided, length)?)
}
