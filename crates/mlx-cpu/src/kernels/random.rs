//! Random bits: Threefry-2x32 with 20 rounds over counters, in upstream's order.

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::simd::{Body, Simd, dispatch};
use crate::view::{self, Walk};
use mlx_ir::{DType, Desc, Operand, Result, op};

impl Kernel for op::RandomBits {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        ins[0].dtype == DType::U32
            && ins[0].shape.last() == Some(&2)
            && outs[0].dtype.size() == self.width as usize
            && matches!(self.width, 1 | 2 | 4)
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let bytes = self.shape.iter().product::<usize>() * self.width as usize;
        if outs[0].desc.size() == 0 {
            return Ok(());
        }
        let (keys, nd) = (view::ptr::<u32>(&ins[0]), ins[0].desc.ndim());
        let (lead, step) = (&ins[0].desc.shape[..nd - 1], ins[0].desc.strides[nd - 1]);
        let out = view::ptr::<u8>(&outs[0]);
        // Words come in pairs from one counter; an odd number of words leaves one pair half used.
        let words = bytes.div_ceil(4);
        let (pairs, odd) = (words / 2, words % 2);
        const CHUNK: usize = 4096;
        let chunks = (pairs + odd).div_ceil(CHUNK);
        let count: usize = lead.iter().product();
        let one = |t: usize| {
            let (k, c) = (t / chunks, t % chunks);
            let walk = Walk::new(lead, [&ins[0].desc.strides[..nd - 1]], k);
            // SAFETY: key k has two words; the words of this chunk of counters belong to this task.
            unsafe {
                let key = [*keys.at(walk.offsets[0]), *keys.at(walk.offsets[0] + step)];
                let to = out.get().add(k * bytes);
                let (from, until) = (c * CHUNK, (pairs + odd).min((c + 1) * CHUNK));
                dispatch(cx.isa, Counters { key, from, until, pairs, odd, bytes, to });
            }
        };
        if count * bytes < 1 << 14 {
            (0..count * chunks).for_each(one);
        } else {
            cx.pool.run(count * chunks, &one);
        }
        Ok(())
    }
}

/// Lanes that are hashed together: two vectors of the widest level.
const LANES: usize = 32;

#[inline(always)]
fn threefry(key: [u32; 2], x: &mut [u32; LANES], y: &mut [u32; LANES]) {
    let ks = [key[0], key[1], key[0] ^ key[1] ^ 0x1BD1_1BDA];
    let rounds = [[13, 15, 26, 6], [17, 29, 16, 24]];
    for l in 0..LANES {
        x[l] = x[l].wrapping_add(ks[0]);
        y[l] = y[l].wrapping_add(ks[1]);
    }
    for i in 0..5 {
        for r in rounds[i % 2] {
            for l in 0..LANES {
                x[l] = x[l].wrapping_add(y[l]);
                y[l] = y[l].rotate_left(r) ^ x[l];
            }
        }
        let (a, b) = (ks[(i + 1) % 3], ks[(i + 2) % 3].wrapping_add(i as u32 + 1));
        for l in 0..LANES {
            x[l] = x[l].wrapping_add(a);
            y[l] = y[l].wrapping_add(b);
        }
    }
}

struct Counters {
    key: [u32; 2],
    from: usize,
    until: usize,
    pairs: usize,
    odd: usize,
    bytes: usize,
    to: *mut u8,
}

impl Body for Counters {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let half = self.pairs + self.odd;
        let mut i = self.from;
        while i < self.until {
            let (mut x, mut y) = ([0u32; LANES], [0u32; LANES]);
            for l in 0..LANES {
                x[l] = (i + l) as u32;
                y[l] = (i + l + half) as u32;
            }
            // The counter of the word without a partner is (pairs, 0).
            if self.odd == 1 && (i..i + LANES).contains(&self.pairs) {
                y[self.pairs - i] = 0;
            }
            threefry(self.key, &mut x, &mut y);
            let n = LANES.min(self.until - i);
            // SAFETY: words i.. and half + i.. are inside the key's bytes but for what `put` cuts.
            unsafe {
                self.put(i, &x[..n]);
                self.put(half + i, &y[..n.min(self.pairs.saturating_sub(i))]);
            }
            i += LANES;
        }
    }
}

impl Counters {
    /// Writes words from word `at` on, as far as there are bytes.
    #[inline(always)]
    unsafe fn put(&self, at: usize, words: &[u32]) {
        let room = self.bytes.saturating_sub(at * 4).min(words.len() * 4);
        // Little-endian words, as every machine with a kernel has them.
        // SAFETY: `room` bytes are left.
        unsafe { std::ptr::copy_nonoverlapping(words.as_ptr().cast::<u8>(), self.to.wrapping_add(at * 4), room) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Case, pools};

    /// One block, from the definition.
    fn block(key: [u32; 2], c: [u32; 2]) -> [u32; 2] {
        let ks = [key[0], key[1], key[0] ^ key[1] ^ 0x1BD1_1BDA];
        let mut x = [c[0].wrapping_add(ks[0]), c[1].wrapping_add(ks[1])];
        for i in 0..20 {
            x[0] = x[0].wrapping_add(x[1]);
            x[1] = x[1].rotate_left([13, 15, 26, 6, 17, 29, 16, 24][i % 8]) ^ x[0];
            if i % 4 == 3 {
                let j = i / 4 + 1;
                x[0] = x[0].wrapping_add(ks[j % 3]);
                x[1] = x[1].wrapping_add(ks[(j + 1) % 3]).wrapping_add(j as u32);
            }
        }
        x
    }

    fn bytes(key: [u32; 2], n: usize) -> Vec<u8> {
        let words = n.div_ceil(4);
        let (h, odd) = (words / 2, words % 2);
        let mut w = vec![0u32; words];
        for i in 0..h {
            [w[i], w[i + h + odd]] = block(key, [i as u32, (i + h + odd) as u32]);
        }
        if odd == 1 {
            w[h] = block(key, [h as u32, 0])[0];
        }
        w.iter().flat_map(|x| x.to_le_bytes()).take(n).collect()
    }

    #[test]
    fn upstream_splits() {
        // Recorded from mlx 0.32.4: split(key(0), 2), split(key(0), 3), split(key(42), 2).
        let golden: [(u32, usize, &[u32]); 3] = [
            (0, 2, &[0xf71f_4ea9, 0x39a4_05d9, 0xa20e_4081, 0x4bdf_ae2f]),
            (0, 3, &[0x9312_778b, 0x1985_0714, 0xbdf1_7afd, 0xe4e8_dfbe, 0x98b8_9669, 0x7408_518d]),
            (42, 2, &[0x92fb_20ea, 0xdb4c_98db, 0x0f38_d913, 0x0ff6_8959]),
        ];
        for (pool, isa) in pools() {
            let cx = Cx { pool: &pool, isa };
            for (seed, n, want) in golden {
                let out = Case::output(&[n, 2], DType::U32);
                let op = op::RandomBits { shape: [n, 2][..].into(), width: 4 };
                op.run(&cx, &[Case::of(&[2], &[0, seed]).op()], &[out.op()]).unwrap();
                assert_eq!(out.read::<u32>(), want, "{isa}");
            }
        }
    }

    #[test]
    fn every_length_width_and_key() {
        for (pool, isa) in pools() {
            let cx = Cx { pool: &pool, isa };
            for width in [1u8, 2, 4] {
                for n in [1, 2, 3, 5, 31, 64, 129, 9001, 40_000] {
                    let keys = [[1u32, 2], [u32::MAX, 7], [0, 0]];
                    // Keys as columns: a strided operand.
                    let k = Case::of(&[2, 3], &[1u32, u32::MAX, 0, 2, 7, 0]).swapped(0, 1);
                    let dtype = [DType::U8, DType::U16, DType::U32][width as usize / 2];
                    let out = Case::output(&[3, n], dtype);
                    let op = op::RandomBits { shape: [n][..].into(), width };
                    assert!(op.supports(&[k.op().desc], &[out.op().desc]));
                    op.run(&cx, &[k.op()], &[out.op()]).unwrap();
                    out.check_guards();
                    let got = out.values();
                    for (q, key) in keys.into_iter().enumerate() {
                        let b = bytes(key, n * width as usize);
                        for i in 0..n {
                            let v = b[i * width as usize..][..width as usize].iter().rev();
                            let v = v.fold(0u64, |a, x| a << 8 | *x as u64);
                            assert_eq!(got[q * n + i], v as f64, "{isa} {width} {n}");
                        }
                    }
                }
            }
        }
    }
}
