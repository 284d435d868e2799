//! The exact meaning of each block format. Written to be read; the kernels are tested against it.

use super::{QuantFormat, k_scale_min};
use half::{bf16, f16};

/// The f16 at byte `at`, widened.
fn half_at(b: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([b[at], b[at + 1]]).to_f32()
}

/// Writes the low nibbles of `qs` to the first half of `out` and the high ones to the second.
fn nibbles(qs: &[u8], out: &mut [f32], value: impl Fn(usize, u8) -> f32) {
    let half = qs.len();
    for (i, q) in qs.iter().enumerate() {
        out[i] = value(i, q & 15);
        out[i + half] = value(i + half, q >> 4);
    }
}

pub(super) fn block(f: QuantFormat, b: &[u8], out: &mut [f32]) {
    match f {
        QuantFormat::F32 => out[0] = f32::from_le_bytes([b[0], b[1], b[2], b[3]]),
        QuantFormat::F16 => out[0] = half_at(b, 0),
        QuantFormat::BF16 => out[0] = bf16::from_le_bytes([b[0], b[1]]).to_f32(),
        QuantFormat::Q4_0 => {
            let d = half_at(b, 0);
            nibbles(&b[2..], out, |_, q| d * (q as f32 - 8.0));
        }
        QuantFormat::Q4_1 => {
            let (d, m) = (half_at(b, 0), half_at(b, 2));
            nibbles(&b[4..], out, |_, q| d * q as f32 + m);
        }
        QuantFormat::Q5_0 => {
            let d = half_at(b, 0);
            let high = u32::from_le_bytes([b[2], b[3], b[4], b[5]]);
            nibbles(&b[6..], out, |i, q| d * ((q | ((high >> i & 1) as u8) << 4) as f32 - 16.0));
        }
        QuantFormat::Q8_0 => {
            let d = half_at(b, 0);
            for (o, q) in out.iter_mut().zip(&b[2..]) {
                *o = *q as i8 as f32 * d;
            }
        }
        QuantFormat::Q4_K => k_nibbles(b, &b[16..], None, out),
        QuantFormat::Q5_K => k_nibbles(b, &b[48..], Some(&b[16..48]), out),
        QuantFormat::Q6_K => q6_k(b, out),
    }
}

/// Q4_K and Q5_K: `qs` holds 4 bits of each element, `high` the fifth.
fn k_nibbles(b: &[u8], qs: &[u8], high: Option<&[u8]>, out: &mut [f32]) {
    let (d, dmin) = (half_at(b, 0), half_at(b, 2));
    let mut packed = [0u8; 12];
    packed.copy_from_slice(&b[4..16]);
    for (j, o) in out.chunks_exact_mut(32).enumerate() {
        let (scale, min) = k_scale_min(&packed, j);
        let (d, m) = (d * scale as f32, dmin * min as f32);
        for (i, o) in o.iter_mut().enumerate() {
            let byte = qs[j / 2 * 32 + i];
            let low = if j % 2 == 0 { byte & 15 } else { byte >> 4 };
            let fifth = high.map_or(0, |h| (h[i] >> j & 1) << 4);
            *o = d * (low | fifth) as f32 - m;
        }
    }
}

fn q6_k(b: &[u8], out: &mut [f32]) {
    let d = half_at(b, 208);
    for (i, o) in out.iter_mut().enumerate() {
        // Each half of 128: four runs of 32; runs 0 and 2 share 32 low bytes, 1 and 3 the next.
        let (half, run, l) = (i / 128, i / 32 % 4, i % 32);
        let low = b[half * 64 + (run & 1) * 32 + l];
        let low = if run < 2 { low & 15 } else { low >> 4 };
        let high = b[128 + half * 32 + l] >> (2 * run) & 3;
        let scale = b[192 + i / 16] as i8;
        *o = d * scale as f32 * ((low | high << 4) as f32 - 32.0);
    }
}
