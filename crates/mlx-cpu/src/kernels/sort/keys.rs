//! Order-preserving unsigned keys: NaN is the largest, and a key with its position packed beneath it sorts stably.

use half::{bf16, f16};
use mlx_ir::C64;

/// What is sorted: a key, or a key above a position.
pub(super) trait Item: Copy + Ord + Default + Send + Sync {
    /// `bits` bits from bit `shift` on.
    fn digit(self, shift: u32, bits: u32) -> usize;
    /// The lowest 32 bits: the position of a packed item.
    fn position(self) -> u32;
}

macro_rules! items {
    ($($t:ty),*) => {$(
        impl Item for $t {
            #[inline(always)]
            fn digit(self, shift: u32, bits: u32) -> usize {
                (self >> shift) as usize & ((1 << bits) - 1)
            }
            #[inline(always)]
            fn position(self) -> u32 {
                self as u32
            }
        }
    )*};
}
items!(u8, u16, u32, u64, u128);

/// An unsigned key.
pub(super) trait Key: Item {
    /// Bits.
    const BITS: u32;
    /// Key and position.
    type Packed: Item;
    /// Packs a position beneath the key.
    fn with(self, position: u32) -> Self::Packed;
}

macro_rules! keys {
    ($($t:ty => $p:ty),*) => {$(
        impl Key for $t {
            const BITS: u32 = <$t>::BITS;
            type Packed = $p;
            #[inline(always)]
            fn with(self, position: u32) -> $p {
                (self as $p) << 32 | position as $p
            }
        }
    )*};
}
keys!(u8 => u64, u16 => u64, u32 => u64, u64 => u128);

/// An element that has a key.
pub(super) trait Sortable: Copy + Send + Sync {
    /// Its key type.
    type K: Key;
    /// Whether `value` gives back what `key` took.
    const WHOLE: bool = true;
    /// Keys compare as elements do; equal elements (the two zeros too) have equal keys.
    fn key(self) -> Self::K;
    /// The element of a key (of NaN, some NaN; of zero, the positive one).
    fn value(k: Self::K) -> Self;
}

macro_rules! integers {
    ($($t:ty, $k:ty, $flip:expr);*) => {$(
        impl Sortable for $t {
            type K = $k;
            #[inline(always)]
            fn key(self) -> $k {
                self as $k ^ $flip
            }
            #[inline(always)]
            fn value(k: $k) -> $t {
                (k ^ $flip) as $t
            }
        }
    )*};
}
integers!(u8, u8, 0; u16, u16, 0; u32, u32, 0; u64, u64, 0;
          i8, u8, 1 << 7; i16, u16, 1 << 15; i32, u32, 1 << 31; i64, u64, 1 << 63);

macro_rules! floats {
    ($($t:ty, $k:ty, $inf:expr);*) => {$(
        impl Sortable for $t {
            type K = $k;
            #[inline(always)]
            fn key(self) -> $k {
                const SIGN: $k = 1 << (<$k>::BITS - 1);
                let b = self.to_bits();
                let size = b & !SIGN;
                // A negative zero counts as zero.
                let k = if b > SIGN { !b } else { size | SIGN };
                if size > $inf { <$k>::MAX } else { k }
            }
            #[inline(always)]
            fn value(k: $k) -> $t {
                const SIGN: $k = 1 << (<$k>::BITS - 1);
                <$t>::from_bits(if k & SIGN != 0 { k & !SIGN } else { !k })
            }
        }
    )*};
}
floats!(f16, u16, 0x7c00; bf16, u16, 0x7f80; f32, u32, 0x7f80_0000; f64, u64, 0x7ff0_0000_0000_0000);

impl Sortable for C64 {
    type K = u64;
    const WHOLE: bool = false;
    #[inline(always)]
    fn key(self) -> u64 {
        if self.re.is_nan() || self.im.is_nan() {
            u64::MAX
        } else {
            (self.re.key() as u64) << 32 | self.im.key() as u64
        }
    }
    fn value(k: u64) -> C64 {
        C64::new(f32::value((k >> 32) as u32), f32::value(k as u32))
    }
}
