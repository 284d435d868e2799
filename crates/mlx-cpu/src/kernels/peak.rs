//! What the machine's vector units can do at most: the ceiling beside which rates are reported.

use super::simd::{Body, Simd, dispatch};
use crate::Isa;
use std::hint::black_box;

/// Chains that do not wait for each other: enough to fill two units of five stages.
const CHAINS: usize = 12;

struct Chains(usize);

impl Body for Chains {
    type Out = f32;
    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> f32 {
        // SAFETY: entered with the level's features; registers only.
        unsafe {
            let (a, b) = (S::splat(black_box(0.999)), S::splat(black_box(0.001)));
            let mut x = [S::zero(); CHAINS];
            for _ in 0..self.0 {
                for v in &mut x {
                    *v = S::fma(*v, a, b);
                }
            }
            let mut sum = S::zero();
            for v in x {
                sum = S::add(sum, v);
            }
            S::sum(sum)
        }
    }
}

struct Lanes;

impl Body for Lanes {
    type Out = usize;
    #[inline(always)]
    unsafe fn run<S: Simd>(self) -> usize {
        S::N
    }
}

/// `rounds` rounds of independent multiply-adds on this thread; the result keeps them from being left out.
pub fn multiply_add(isa: Isa, rounds: usize) -> f32 {
    dispatch(isa, Chains(rounds))
}

/// Multiplications and additions in so many rounds.
pub fn operations(isa: Isa, rounds: usize) -> f64 {
    (2 * CHAINS * dispatch(isa, Lanes)) as f64 * rounds as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_computes_the_same_series() {
        for isa in Isa::available() {
            let sum = multiply_add(isa, 20_000);
            let n = operations(isa, 1) / 2.0;
            assert!((sum as f64 / n - 1.0).abs() < 1e-3, "{isa}: {sum}");
        }
    }
}
