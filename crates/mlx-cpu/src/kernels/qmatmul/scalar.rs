//! The portable kernel: one weight row against one row of activations.

use super::acts::BLOCK;
use super::unpack::{self, Levels};
use mlx_ir::QuantFormat;

/// A weight row unpacked once and used for every row of activations.
#[derive(Default)]
pub(super) struct Row {
    levels: Vec<u8>,
    scale: Vec<f32>,
    min: Vec<f32>,
    floats: Vec<f32>,
}

impl Row {
    /// Unpacks a row of `k` elements.
    pub fn load(&mut self, f: QuantFormat, row: &[u8], k: usize) {
        match Levels::of(f) {
            Some(l) => {
                self.levels.resize(k, 0);
                self.scale.resize(k / l.sub, 0.0);
                self.min.resize(k / BLOCK, 0.0);
                unpack::row::<true>(f, row, &mut self.levels, &mut self.scale, &mut self.min);
            }
            None => {
                self.floats.resize(k, 0.0);
                unpack::floats(f, row, &mut self.floats);
            }
        }
    }

    /// The product with quantized activations.
    pub fn dot_levels(&self, l: Levels, q: &[i8], scale: &[f32]) -> f32 {
        let mut sum = 0.0;
        for (b, d) in scale.iter().enumerate().take(self.levels.len() / BLOCK) {
            let mut block = 0.0;
            for s in b * BLOCK / l.sub..(b + 1) * BLOCK / l.sub {
                let run = s * l.sub..(s + 1) * l.sub;
                let dot: i32 =
                    self.levels[run.clone()].iter().zip(&q[run]).map(|(w, x)| *w as i8 as i32 * *x as i32).sum();
                block += self.scale[s] * dot as f32;
            }
            if l.mins {
                let total: i32 = q[b * BLOCK..(b + 1) * BLOCK].iter().map(|x| *x as i32).sum();
                block -= self.min[b] * total as f32;
            }
            sum += d * block;
        }
        sum
    }

    /// The product with float activations.
    pub fn dot_floats(&self, x: &[f32]) -> f32 {
        let mut sums = [0.0f32; 8];
        for (w, x) in self.floats.chunks(8).zip(x.chunks(8)) {
            for (s, (w, x)) in sums.iter_mut().zip(w.iter().zip(x)) {
                *s += w * x;
            }
        }
        sums.iter().sum()
    }
}
