//! Short-time Fourier transforms: made of other functions.

use crate::array::Array;
use crate::ops::{self, FftKind, FftNorm, PadMode};
use mlx_ir::{DType, Error, Result};

/// With what a signal is continued so that frames are centred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FramePad {
    /// Zeros.
    Constant,
    /// The nearest edge element.
    Edge,
    /// The signal in a mirror that stands on the edge element.
    Reflect,
    /// The signal in a mirror that stands behind the edge element.
    Symmetric,
}

/// How a signal is cut into frames.
#[derive(Clone, Debug)]
pub struct Frames {
    /// Elements of a frame.
    pub size: usize,
    /// Elements from frame to frame.
    pub hop: usize,
    /// Factors of the elements: of one dimension, at most `size` of them, in the middle of the frame.
    pub window: Option<Array>,
    /// Without a window so many ones are one.
    pub width: usize,
    /// The signal is padded so that frames are centred.
    pub center: bool,
}

impl Frames {
    /// The window with zeros around it, checked.
    fn window(&self, op: &str) -> Result<Array> {
        let bad = |what: &str| Error::value(format!("[{op}] {what}"));
        if self.size == 0 {
            return Err(bad("n_fft must be positive."));
        }
        if self.hop == 0 {
            return Err(bad("hop_length must be positive."));
        }
        let w = match &self.window {
            Some(w) if w.ndim() != 1 => return Err(bad("window must be a one-dimensional array.")),
            Some(w) => w.clone(),
            None => ops::ones(&[self.width], DType::F32)?,
        };
        let n = w.dim(0);
        if n > self.size {
            return Err(bad("window length must not exceed n_fft."));
        }
        let before = (self.size - n) / 2;
        ops::pad(&w, &[(before, self.size - n - before)], PadMode::Constant, 0)
    }

    /// Where the elements of all frames lie, u32 (frames, size).
    fn places(&self, frames: usize) -> Result<Array> {
        let from = ops::arange(0.0, (frames * self.hop) as f64, self.hop as f64, DType::U32)?;
        let inside = ops::arange(0.0, self.size as f64, 1.0, DType::U32)?;
        ops::add(&ops::expand_dims(&from, &[-1])?, &inside)
    }
}

/// Transforms of windowed frames of the last axis: complex64 (…, frequencies, frames). With `onesided`, by default for
/// real signals, only of the nonnegative frequencies of the real part.
///
/// # Errors
/// `Value` for settings or signals that do not fit.
pub fn stft(x: &Array, frames: &Frames, pad: FramePad, norm: FftNorm, onesided: Option<bool>) -> Result<Array> {
    if x.ndim() == 0 {
        return Err(Error::value("[stft] Input must have at least one dimension."));
    }
    let window = frames.window("stft")?;
    let mut signal = if x.dtype().is_complex() { x.clone() } else { ops::astype(x, DType::F32)? };
    if frames.center {
        let mut widths = vec![(0, 0); x.ndim()];
        widths[x.ndim() - 1] = (frames.size / 2, frames.size / 2);
        signal = match pad {
            FramePad::Constant => ops::pad(&signal, &widths, PadMode::Constant, 0)?,
            FramePad::Edge => ops::pad(&signal, &widths, PadMode::Edge, 0)?,
            FramePad::Reflect => ops::pad_mirrored(&signal, &widths, false)?,
            FramePad::Symmetric => ops::pad_mirrored(&signal, &widths, true)?,
        };
    }
    let n = signal.dim(-1);
    if n < frames.size {
        return Err(Error::value("[stft] Input is too short for the given n_fft."));
    }
    let cut = ops::take(&signal, &frames.places((n - frames.size) / frames.hop + 1)?, Some(-1))?;
    let cut = ops::multiply(&cut, &window)?;
    let kind = if onesided.unwrap_or(!x.dtype().is_complex()) { FftKind::Real } else { FftKind::Complex };
    ops::swapaxes(&ops::fftn(&cut, None, Some(&[-1]), kind, false, norm)?, -1, -2)
}

/// Signals f32 from their transforms (…, frequencies, frames): windowed frames are added up and divided by the sum of the
/// squares of the windows. With a length the result is cut off or continued with zeros.
///
/// # Errors
/// `Value` for settings or transforms that do not fit.
pub fn istft(z: &Array, frames: &Frames, norm: FftNorm, onesided: bool, length: Option<usize>) -> Result<Array> {
    if z.ndim() < 2 {
        return Err(Error::value("[istft] Input must have at least two dimensions (freq, frames)."));
    }
    let window = frames.window("istft")?;
    let count = z.dim(-1);
    if count == 0 {
        return Err(Error::value("[istft] There must be at least one frame."));
    }
    let kind = if onesided { FftKind::Real } else { FftKind::Complex };
    let parts = ops::fftn(&ops::swapaxes(z, -1, -2)?, Some(&[frames.size]), Some(&[-1]), kind, true, norm)?;
    let window = ops::real(&window)?;
    let parts = ops::multiply(&ops::real(&parts)?, &window)?;
    let total = frames.size + (count - 1) * frames.hop;
    let places = ops::reshape_to(&frames.places(count)?, &[count * frames.size])?;
    let gathered = |values: &Array| -> Result<Array> {
        let lead = &values.shape()[..values.ndim() - 2];
        let shape = [lead, &[count * frames.size]].concat();
        let values = ops::reshape_to(values, &shape)?;
        let zeros = ops::zeros(&[lead, &[total]].concat(), DType::F32)?;
        ops::scatter_add_axis(&zeros, &ops::broadcast_to(&places, &shape)?, &values, -1)
    };
    let sum = gathered(&ops::astype(&parts, DType::F32)?)?;
    let square = ops::broadcast_to(&ops::astype(&ops::square(&window)?, DType::F32)?, &[count, frames.size])?;
    let weight = gathered(&square)?;
    // Where no window reaches there is nothing to divide by.
    let reached = ops::greater(&weight, 1e-10)?;
    let y = ops::divide(&sum, &ops::where_(&reached, &weight, &ops::ones(&[], DType::F32)?)?)?;
    let start = if frames.center { frames.size / 2 } else { 0 };
    let end = match length {
        Some(n) => total.min(start.saturating_add(n)),
        None => total - start,
    };
    let end = end.max(start).min(total);
    let y = ops::slice_axis(&y, -1, start.min(end) as i64, end as i64)?;
    let have = y.dim(-1);
    match length {
        Some(n) if n > have => {
            let mut widths = vec![(0, 0); y.ndim()];
            widths[y.ndim() - 1] = (0, n - have);
            ops::pad(&y, &widths, PadMode::Constant, 0)
        }
        _ => Ok(y),
    }
}
