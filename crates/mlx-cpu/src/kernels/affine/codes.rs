//! The bit stream of codes: 32 of them fill `bits` whole words, whatever the width.

/// Codes handled together.
pub(super) const UNIT: usize = 32;

/// Reads 32 codes from `4·bits` bytes.
///
/// # Safety
/// The bytes are readable; `bits` is 1, 2, 3, 4, 5, 6 or 8.
#[inline(always)]
pub(super) unsafe fn unpack(bits: usize, p: *const u8, out: &mut [u8; UNIT]) {
    // SAFETY: 4·bits bytes are readable.
    unsafe {
        match bits {
            8 => *out = p.cast::<[u8; 32]>().read_unaligned(),
            4 => {
                let b = p.cast::<[u8; 16]>().read_unaligned();
                for i in 0..16 {
                    out[2 * i] = b[i] & 15;
                    out[2 * i + 1] = b[i] >> 4;
                }
            }
            2 => {
                let b = p.cast::<[u8; 8]>().read_unaligned();
                for i in 0..32 {
                    out[i] = b[i / 4] >> (2 * (i % 4)) & 3;
                }
            }
            1 => {
                let b = p.cast::<[u8; 4]>().read_unaligned();
                for i in 0..32 {
                    out[i] = b[i / 8] >> (i % 8) & 1;
                }
            }
            3 => eights::<3>(p, out),
            5 => eights::<5>(p, out),
            _ => eights::<6>(p, out),
        }
    }
}

/// Widths that straddle bytes: eight codes are B whole bytes.
#[inline(always)]
unsafe fn eights<const B: usize>(p: *const u8, out: &mut [u8; UNIT]) {
    for g in 0..4 {
        let mut v = [0u8; 8];
        // SAFETY: group g is bytes g·B….
        v[..B].copy_from_slice(unsafe { &*p.add(g * B).cast::<[u8; B]>() });
        let v = u64::from_le_bytes(v);
        for j in 0..8 {
            out[8 * g + j] = (v >> (j * B)) as u8 & ((1 << B) - 1);
        }
    }
}

/// Writes 32 codes as `bits` words.
///
/// # Safety
/// The words are writable.
#[inline(always)]
pub(super) unsafe fn pack(bits: usize, codes: &[u8; UNIT], p: *mut u32) {
    if bits == 4 {
        let b: [u8; 16] = std::array::from_fn(|i| codes[2 * i] | codes[2 * i + 1] << 4);
        // SAFETY: four words; the stream is of little-endian words.
        return (0..4).for_each(|w| unsafe {
            *p.add(w) = u32::from_le_bytes([b[4 * w], b[4 * w + 1], b[4 * w + 2], b[4 * w + 3]])
        });
    }
    if bits == 8 {
        for (w, b) in codes.chunks_exact(4).enumerate() {
            // SAFETY: eight words.
            unsafe { *p.add(w) = u32::from_le_bytes([b[0], b[1], b[2], b[3]]) };
        }
        return;
    }
    let (mut held, mut have, mut w) = (0u64, 0, 0);
    for c in codes {
        held |= (*c as u64) << have;
        have += bits;
        if have >= 32 {
            // SAFETY: 32 codes are exactly `bits` words.
            unsafe { *p.add(w) = held as u32 };
            w += 1;
            held >>= 32;
            have -= 32;
        }
    }
}
