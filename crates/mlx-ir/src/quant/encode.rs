//! Quantizers. The plain formats follow the `gguf` Python package's arithmetic step by step (f32
//! throughout), so that both give the same bytes; the K formats have a search of their own.

use super::{QuantFormat, SUPER};
use half::{bf16, f16};

pub(super) fn block(f: QuantFormat, x: &[f32], b: &mut [u8]) {
    match f {
        QuantFormat::F32 => b.copy_from_slice(&x[0].to_le_bytes()),
        QuantFormat::F16 => b.copy_from_slice(&f16::from_f32(x[0]).to_le_bytes()),
        QuantFormat::BF16 => b.copy_from_slice(&bf16::from_f32(x[0]).to_le_bytes()),
        QuantFormat::Q4_0 => {
            let q = offset_levels(x, 8.0, b);
            pack_nibbles(&q, &mut b[2..]);
        }
        QuantFormat::Q4_1 => q4_1(x, b),
        QuantFormat::Q5_0 => {
            let q = offset_levels(x, 16.0, b);
            pack_nibbles(&q, &mut b[6..]);
            let high = q.iter().enumerate().fold(0u32, |h, (i, q)| h | ((q >> 4) as u32) << i);
            b[2..6].copy_from_slice(&high.to_le_bytes());
        }
        QuantFormat::Q8_0 => q8_0(x, b),
        QuantFormat::Q4_K => k_levels(x, b, 15),
        QuantFormat::Q5_K => k_levels(x, b, 31),
        QuantFormat::Q6_K => q6_k(x, b),
    }
}

fn put_half(b: &mut [u8], at: usize, v: f32) -> f32 {
    let h = f16::from_f32(v);
    b[at..at + 2].copy_from_slice(&h.to_le_bytes());
    h.to_f32()
}

fn inverse(d: f32) -> f32 {
    if d == 0.0 { 0.0 } else { 1.0 / d }
}

fn pack_nibbles(q: &[u8; 32], out: &mut [u8]) {
    for i in 0..16 {
        out[i] = (q[i] & 15) | (q[i + 16] << 4);
    }
}

/// Levels 0 to `2 * offset - 1` around `offset`; the element of the largest magnitude becomes level 0.
fn offset_levels(x: &[f32], offset: f32, b: &mut [u8]) -> [u8; 32] {
    let mut peak = 0.0f32;
    for v in x {
        if v.abs() > peak.abs() {
            peak = *v;
        }
    }
    let d = peak / -offset;
    let id = inverse(d);
    put_half(b, 0, d);
    std::array::from_fn(|i| ((x[i] * id + (offset + 0.5)) as u8).min(2 * offset as u8 - 1))
}

fn q4_1(x: &[f32], b: &mut [u8]) {
    let (min, max) = range(x);
    let d = (max - min) / 15.0;
    let id = inverse(d);
    put_half(b, 0, d);
    put_half(b, 2, min);
    let q = std::array::from_fn(|i| (((x[i] - min) * id + 0.5) as u8).min(15));
    pack_nibbles(&q, &mut b[4..]);
}

fn q8_0(x: &[f32], b: &mut [u8]) {
    let d = x.iter().fold(0.0f32, |m, v| m.max(v.abs())) / 127.0;
    let id = inverse(d);
    put_half(b, 0, d);
    for (o, v) in b[2..].iter_mut().zip(x) {
        *o = (v * id).round() as i8 as u8;
    }
}

fn range(x: &[f32]) -> (f32, f32) {
    x.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(lo, hi), v| (lo.min(*v), hi.max(*v)))
}

/// The (scale, minimum) with the least squared error of `scale * q - minimum`, q in 0..=levels, minimum >= 0.
fn fit_affine(x: &[f32], levels: u8) -> (f32, f32) {
    let (min, max) = range(x);
    let min = min.min(0.0);
    if max <= min {
        return (0.0, -min);
    }
    let top = levels as f32;
    let mut best = ((max - min) / top, -min);
    let mut least = affine_error(x, best.0, best.1, levels);
    for step in -8..=8 {
        let inverse = (top + step as f32 * 0.125) / (max - min);
        // With the levels held, the best scale and minimum are a linear regression.
        let (mut sq, mut sqq, mut sx, mut sqx) = (0.0f64, 0.0f64, 0.0f64, 0.0f64);
        for v in x {
            let q = ((v - min) * inverse).round().clamp(0.0, top) as f64;
            sq += q;
            sqq += q * q;
            sx += *v as f64;
            sqx += q * *v as f64;
        }
        let n = x.len() as f64;
        let det = n * sqq - sq * sq;
        if det <= 0.0 {
            continue;
        }
        let mut scale = (n * sqx - sq * sx) / det;
        let mut m = -(sx - scale * sq) / n;
        if m < 0.0 {
            m = 0.0;
            scale = sqx / sqq;
        }
        let (scale, m) = (scale as f32, m as f32);
        let error = affine_error(x, scale, m, levels);
        if scale > 0.0 && error < least {
            (least, best) = (error, (scale, m));
        }
    }
    best
}

fn affine_error(x: &[f32], scale: f32, m: f32, levels: u8) -> f32 {
    x.iter().map(|v| (scale * affine_level(*v, scale, m, levels) as f32 - m - v).powi(2)).sum()
}

fn affine_level(v: f32, scale: f32, m: f32, levels: u8) -> u8 {
    if scale == 0.0 { 0 } else { ((v + m) / scale).round().clamp(0.0, levels as f32) as u8 }
}

/// Q4_K (levels 15) and Q5_K (levels 31).
fn k_levels(x: &[f32], b: &mut [u8], levels: u8) {
    let fits: [(f32, f32); 8] = std::array::from_fn(|j| fit_affine(&x[j * 32..][..32], levels));
    let top = fits.iter().fold((0.0f32, 0.0f32), |t, f| (t.0.max(f.0), t.1.max(f.1)));
    let d = put_half(b, 0, top.0 / 63.0);
    let dmin = put_half(b, 2, top.1 / 63.0);
    let (id, idmin) = (inverse(d), inverse(dmin));
    let (packed, rest) = b[4..].split_at_mut(12);
    packed.fill(0);
    let (high, qs) = rest.split_at_mut(if levels == 31 { 32 } else { 0 });
    high.fill(0);
    qs.fill(0);
    for (j, fit) in fits.iter().enumerate() {
        let scale = (fit.0 * id).round().clamp(0.0, 63.0) as u8;
        let min = (fit.1 * idmin).round().clamp(0.0, 63.0) as u8;
        if j < 4 {
            packed[j] |= scale;
            packed[j + 4] |= min;
        } else {
            packed[j + 4] = (scale & 15) | (min & 15) << 4;
            packed[j - 4] |= scale >> 4 << 6;
            packed[j] |= min >> 4 << 6;
        }
        let (s, m) = (d * scale as f32, dmin * min as f32);
        for i in 0..32 {
            let q = affine_level(x[j * 32 + i], s, m, levels);
            qs[j / 2 * 32 + i] |= (q & 15) << (4 * (j % 2));
            if levels == 31 {
                high[i] |= (q >> 4) << j;
            }
        }
    }
}

/// The scale with the least squared error of `scale * q`, q in -32..=31.
fn fit_symmetric(x: &[f32]) -> f32 {
    let peak = x.iter().fold(0.0f32, |p, v| if v.abs() > p.abs() { *v } else { p });
    if peak == 0.0 {
        return 0.0;
    }
    let (mut best, mut most) = (peak / -32.0, 0.0f64);
    for step in -9..=9 {
        let inverse = -(32.0 + step as f32 * 0.1) / peak;
        let (mut sqx, mut sqq) = (0.0f64, 0.0f64);
        for v in x {
            let q = (v * inverse).round().clamp(-32.0, 31.0) as f64;
            sqx += q * *v as f64;
            sqq += q * q;
        }
        // The error with the best scale sqx / sqq is Σx² - sqx² / sqq.
        if sqq > 0.0 && sqx * sqx / sqq > most {
            (most, best) = (sqx * sqx / sqq, (sqx / sqq) as f32);
        }
    }
    best
}

fn q6_k(x: &[f32], b: &mut [u8]) {
    let scales: [f32; SUPER / 16] = std::array::from_fn(|j| fit_symmetric(&x[j * 16..][..16]));
    let peak = scales.iter().fold(0.0f32, |p, v| if v.abs() > p.abs() { *v } else { p });
    b.fill(0);
    let d = put_half(b, 208, peak / -128.0);
    let id = inverse(d);
    for (j, s) in scales.iter().enumerate() {
        let scale = (s * id).round().clamp(-128.0, 127.0) as i8;
        b[192 + j] = scale as u8;
        let inverse = inverse(d * scale as f32);
        for i in j * 16..j * 16 + 16 {
            let q = ((x[i] * inverse).round().clamp(-32.0, 31.0) as i32 + 32) as u8;
            let (half, run, l) = (i / 128, i / 32 % 4, i % 32);
            b[half * 64 + (run & 1) * 32 + l] |= (q & 15) << (4 * (run / 2));
            b[128 + half * 32 + l] |= (q >> 4) << (2 * run);
        }
    }
}
