//! Rows of numbers in 8 bits, as key-value caches hold them.
//!
//! A row of n numbers, n a multiple of four, is an array's row of u32 words: first n / 4 words of codes, four signed
//! bytes in each, the first in the low bits; then the words of the scales, two f16 in each, the first in the low bits (an
//! odd one stands beside a zero). Every [`BLOCK`] numbers share a scale, the last ones too if they are fewer.
//!
//! A scale m is the largest magnitude of its numbers, rounded to f16. With i = 127 / m in f32 (0 for m = 0) the code of x
//! is x·i rounded to the nearest whole number, of two the even one, and brought into ±127; what is not a number has the
//! code 0, and a scale that is none. A code c stands for c · (m · (1 / 127)) in f32.

/// Numbers that share a scale.
pub const BLOCK: usize = 32;
/// The largest code.
pub const MOST: f32 = 127.0;
/// What a scale is multiplied by where codes are read.
pub const UNIT: f32 = 1.0 / MOST;
/// Numbers whose codes go with one word of scales.
const PAIR: usize = 2 * BLOCK;

/// Words of a row of n numbers; none unless n is a multiple of four, and not 0.
pub fn words(n: usize) -> Option<usize> {
    (n > 0 && n.is_multiple_of(4)).then(|| n / 4 + n.div_ceil(PAIR))
}

/// Numbers in a row of so many words; none if no row is that long.
pub fn numbers(row: usize) -> Option<usize> {
    let n = row.checked_sub(row.div_ceil(PAIR / 4 + 1))?.checked_mul(4)?;
    (words(n) == Some(row)).then_some(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_go_both_ways() {
        for n in (4..2000).step_by(4) {
            assert_eq!(numbers(words(n).unwrap()), Some(n));
        }
        assert_eq!([16, 32, 64, 80, 128, 256].map(words), [5, 9, 17, 22, 34, 68].map(Some));
        for n in [0, 1, 2, 3, 5, 66, 127] {
            assert_eq!(words(n), None, "{n}");
        }
        // A word of codes needs one of scales.
        for row in [0, 1, 18, 35] {
            assert_eq!(numbers(row), None, "{row}");
        }
        assert_eq!(numbers(usize::MAX), None);
    }
}
