//! A quick hasher for tables that are looked into at every dispatch. Their keys come from the program itself, so nobody
//! gains by making them collide.

use std::hash::{BuildHasherDefault, Hasher};

/// What tables are made with.
pub(crate) type Quick = BuildHasherDefault<Spread>;

/// Multiplies each word in (Fibonacci hashing), which spreads it over the high bits, and turns those down.
#[derive(Default)]
pub(crate) struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        // Tables look at the lowest bits and at the highest.
        self.0 ^ (self.0 >> 32)
    }
    fn write(&mut self, bytes: &[u8]) {
        for word in bytes.chunks(8) {
            let mut w = [0; 8];
            w[..word.len()].copy_from_slice(word);
            self.write_u64(u64::from_ne_bytes(w));
        }
    }
    fn write_u8(&mut self, x: u8) {
        self.write_u64(u64::from(x));
    }
    fn write_u32(&mut self, x: u32) {
        self.write_u64(u64::from(x));
    }
    fn write_u64(&mut self, x: u64) {
        self.0 = (self.0.rotate_left(23) ^ x).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    fn write_usize(&mut self, x: usize) {
        self.write_u64(x as u64);
    }
}
