//! Weight rows unpacked to plain bytes with f32 scales: what the tiled product and the portable
//! kernel work on. Plain loops, compiled once per level by their callers.

use super::acts::BLOCK;
use mlx_ir::QuantFormat;
use mlx_ir::quant::{SUPER, k_scale_min};

/// How a block format's levels turn into values: `scale * (level - offset) - min`.
#[derive(Clone, Copy)]
pub(super) struct Levels {
    /// Elements that share a scale: 32, or 16 for Q6_K.
    pub sub: usize,
    /// What to subtract from the unsigned level (a power of two, or 0).
    pub offset: u8,
    /// Whether there are minima (one per 32).
    pub mins: bool,
}

impl Levels {
    /// `None` for the plain float formats.
    pub const fn of(f: QuantFormat) -> Option<Levels> {
        let (sub, offset, mins) = match f {
            QuantFormat::F32 | QuantFormat::F16 | QuantFormat::BF16 => return None,
            QuantFormat::Q4_0 => (32, 8, false),
            QuantFormat::Q5_0 => (32, 16, false),
            QuantFormat::Q8_0 => (32, 128, false),
            QuantFormat::Q4_1 | QuantFormat::Q4_K | QuantFormat::Q5_K => (32, 0, true),
            QuantFormat::Q6_K => (16, 32, false),
        };
        Some(Levels { sub, offset, mins })
    }
}

/// f16 bits to f32, exactly, without branches (so that loops over it vectorise).
#[inline(always)]
pub(super) fn half_to_f32(h: u16) -> f32 {
    let magnitude = ((h & 0x7FFF) as u32) << 13;
    // The exponent bias differs by 112; the product is exact and normalises subnormals.
    let finite = (f32::from_bits(magnitude) * f32::from_bits(0x7780_0000)).to_bits();
    let special = if h & 0x7C00 == 0x7C00 { 0x7F80_0000 } else { 0 };
    f32::from_bits(finite | special | ((h & 0x8000) as u32) << 16)
}

#[inline(always)]
pub(super) fn half_at(b: &[u8], at: usize) -> f32 {
    half_to_f32(u16::from_le_bytes([b[at], b[at + 1]]))
}

/// Unpacks one row. `levels` gets one byte an element: the level itself, or with `SIGNED` the
/// level minus the offset. `scale` gets one value per sub-block, `min` one per 32 (the value to
/// subtract; untouched for formats without minima).
#[inline(always)]
pub(super) fn row<const SIGNED: bool>(
    f: QuantFormat,
    row: &[u8],
    levels: &mut [u8],
    scale: &mut [f32],
    min: &mut [f32],
) {
    let less = if SIGNED { Levels::of(f).map_or(0, |l| l.offset) } else { 0 };
    match f {
        QuantFormat::Q4_0 => {
            for ((b, o), s) in row.chunks_exact(18).zip(levels.chunks_exact_mut(BLOCK)).zip(scale) {
                *s = half_at(b, 0);
                nibbles(&b[2..18], o, less);
            }
        }
        QuantFormat::Q4_1 => {
            let out = levels.chunks_exact_mut(BLOCK).zip(scale).zip(min);
            for (b, ((o, s), m)) in row.chunks_exact(20).zip(out) {
                *s = half_at(b, 0);
                *m = -half_at(b, 2);
                nibbles(&b[4..20], o, 0);
            }
        }
        QuantFormat::Q5_0 => {
            for ((b, o), s) in row.chunks_exact(22).zip(levels.chunks_exact_mut(BLOCK)).zip(scale) {
                *s = half_at(b, 0);
                let high = u32::from_le_bytes([b[2], b[3], b[4], b[5]]);
                nibbles(&b[6..22], o, 0);
                for (i, o) in o.iter_mut().enumerate() {
                    *o = (*o | ((high >> i & 1) as u8) << 4).wrapping_sub(less);
                }
            }
        }
        QuantFormat::Q8_0 => {
            for ((b, o), s) in row.chunks_exact(34).zip(levels.chunks_exact_mut(BLOCK)).zip(scale) {
                *s = half_at(b, 0);
                for (o, q) in o.iter_mut().zip(&b[2..34]) {
                    *o = (q ^ 0x80).wrapping_sub(less);
                }
            }
        }
        QuantFormat::Q4_K => {
            let out = levels.chunks_exact_mut(SUPER).zip(scale.chunks_exact_mut(8)).zip(min.chunks_exact_mut(8));
            for (b, ((o, s), m)) in row.chunks_exact(144).zip(out) {
                k_scales(b, s, m);
                for (qs, o) in b[16..144].chunks_exact(32).zip(o.chunks_exact_mut(64)) {
                    nibbles(qs, o, 0);
                }
            }
        }
        QuantFormat::Q5_K => {
            let out = levels.chunks_exact_mut(SUPER).zip(scale.chunks_exact_mut(8)).zip(min.chunks_exact_mut(8));
            for (b, ((o, s), m)) in row.chunks_exact(176).zip(out) {
                k_scales(b, s, m);
                for (qs, o) in b[48..176].chunks_exact(32).zip(o.chunks_exact_mut(64)) {
                    nibbles(qs, o, 0);
                }
                for (j, o) in o.chunks_exact_mut(32).enumerate() {
                    for (o, h) in o.iter_mut().zip(&b[16..48]) {
                        *o |= (h >> j & 1) << 4;
                    }
                }
            }
        }
        QuantFormat::Q6_K => {
            let out = levels.chunks_exact_mut(SUPER).zip(scale.chunks_exact_mut(16));
            for (b, (o, s)) in row.chunks_exact(210).zip(out) {
                let d = half_at(b, 208);
                for (s, q) in s.iter_mut().zip(&b[192..208]) {
                    *s = d * *q as i8 as f32;
                }
                for (half, o) in o.chunks_exact_mut(128).enumerate() {
                    nibbles(&b[half * 64..][..64], o, 0);
                    for (run, o) in o.chunks_exact_mut(32).enumerate() {
                        for (o, h) in o.iter_mut().zip(&b[128 + half * 32..][..32]) {
                            *o = (*o | (h >> (2 * run) & 3) << 4).wrapping_sub(less);
                        }
                    }
                }
            }
        }
        QuantFormat::F32 | QuantFormat::F16 | QuantFormat::BF16 => unreachable!("plain formats have no levels"),
    }
}

/// Low nibbles to the first half of `out`, high ones to the second.
#[inline(always)]
fn nibbles(qs: &[u8], out: &mut [u8], less: u8) {
    let (low, high) = out.split_at_mut(qs.len());
    for ((l, h), q) in low.iter_mut().zip(high).zip(qs) {
        *l = (q & 15).wrapping_sub(less);
        *h = (q >> 4).wrapping_sub(less);
    }
}

#[inline(always)]
fn k_scales(b: &[u8], scale: &mut [f32], min: &mut [f32]) {
    let (d, dmin) = (half_at(b, 0), half_at(b, 2));
    let mut packed = [0; 12];
    packed.copy_from_slice(&b[4..16]);
    for j in 0..8 {
        let (s, m) = k_scale_min(&packed, j);
        scale[j] = d * s as f32;
        min[j] = dmin * m as f32;
    }
}

/// Widens a row of a plain format to f32.
#[inline(always)]
pub(super) fn floats(f: QuantFormat, row: &[u8], out: &mut [f32]) {
    match f {
        QuantFormat::F32 => {
            for (o, b) in out.iter_mut().zip(row.chunks_exact(4)) {
                *o = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
            }
        }
        QuantFormat::F16 => {
            for (o, b) in out.iter_mut().zip(row.chunks_exact(2)) {
                *o = half_at(b, 0);
            }
        }
        _ => {
            for (o, b) in out.iter_mut().zip(row.chunks_exact(2)) {
                *o = f32::from_bits((u16::from_le_bytes([b[0], b[1]]) as u32) << 16);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_widens_exactly() {
        for h in 0..=u16::MAX {
            let (a, b) = (half_to_f32(h), half::f16::from_bits(h).to_f32());
            assert!(a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()), "{h:#x}");
        }
    }

    #[test]
    fn unpacked_rows_decode_exactly() {
        let mut seed = 1u32;
        for f in QuantFormat::ALL {
            let Some(l) = Levels::of(f) else { continue };
            let k = 512;
            let mut bytes: Vec<u8> = (0..f.row_bytes(k).unwrap())
                .map(|_| {
                    seed = seed.wrapping_mul(1664525).wrapping_add(1013904223);
                    (seed >> 24) as u8
                })
                .collect();
            // Small exponents in the scales, so that the comparison has no NaN.
            for b in bytes.chunks_exact_mut(f.block_bytes()) {
                let last = b.len() - 1;
                for at in [1, 3, last] {
                    b[at] &= 0x3F;
                }
            }
            let mut want = vec![0.0; k];
            f.decode_row(&bytes, &mut want).unwrap();
            let (mut u, mut s, mut m) = (vec![0; k], vec![0.0; k / l.sub], vec![0.0; k / BLOCK]);
            for signed in [false, true] {
                match signed {
                    false => row::<false>(f, &bytes, &mut u, &mut s, &mut m),
                    true => row::<true>(f, &bytes, &mut u, &mut s, &mut m),
                }
                for i in 0..k {
                    let level = if signed { u[i] as i8 as i32 } else { u[i] as i32 - l.offset as i32 };
                    let level = if l.offset == 0 { u[i] as i32 } else { level };
                    let min = if l.mins { m[i / BLOCK] } else { 0.0 };
                    assert_eq!(s[i / l.sub] * level as f32 - min, want[i], "{} {i}", f.name());
                }
            }
        }
    }
}
