//! The key-value cache: f16, grown in steps, written in place.

use mlx::{Array, DType, Error, Result, ops};
use mlx_ir::op::UpdateMode;

/// Positions by which a cache grows.
const STEP: usize = 256;

/// Keys and values of one layer: (1, heads, capacity, features) each.
#[derive(Default)]
pub struct LayerCache {
    keys: Option<Array>,
    values: Option<Array>,
    len: usize,
}

impl LayerCache {
    /// Positions held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds keys and values (1, heads, T, features) and returns views of all that are held then.
    ///
    /// # Errors
    /// `Memory` if it cannot grow.
    pub fn append(&mut self, k: &Array, v: &Array) -> Result<(Array, Array)> {
        let end = self.len.checked_add(k.dim(2)).ok_or_else(|| Error::memory("[cache] too many positions"))?;
        let add = |held: &mut Option<Array>, new: &Array| -> Result<Array> {
            let room = held.as_ref().map_or(0, |h| h.dim(2));
            let mut whole = match held.take() {
                Some(h) if end <= room => h,
                old => {
                    let mut shape = new.shape().to_vec();
                    shape[2] = end.div_ceil(STEP) * STEP;
                    let wide = ops::contiguous(&ops::zeros(&shape, DType::F16)?)?;
                    match old {
                        Some(o) => write(&wide, &ops::slice_axis(&o, 2, 0, self.len as i64)?, 0)?,
                        None => wide,
                    }
                }
            };
            whole = write(&whole, &ops::astype(new, DType::F16)?, self.len)?;
            let view = ops::slice_axis(&whole, 2, 0, end as i64)?;
            *held = Some(whole);
            Ok(view)
        };
        let keys = add(&mut self.keys, k)?;
        let values = add(&mut self.values, v)?;
        self.len = end;
        Ok((keys, values))
    }

    /// Forgets the positions from `len` on.
    pub fn trim(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// The arrays held, to be evaluated so that no graph is kept alive.
    pub fn arrays(&self) -> impl Iterator<Item = &Array> {
        self.keys.iter().chain(&self.values)
    }
}

/// `whole` with positions from `at` replaced, in place where nobody else holds it.
fn write(whole: &Array, part: &Array, at: usize) -> Result<Array> {
    let from = [0, 0, at as i64, 0];
    let mut to: Vec<i64> = whole.shape().iter().map(|&d| d as i64).collect();
    to[2] = (at + part.dim(2)) as i64;
    ops::slice_update(whole, part, &from, &to, &[1, 1, 1, 1], UpdateMode::Assign)
}

/// The caches of all layers.
#[derive(Default)]
pub struct Cache {
    layers: Vec<LayerCache>,
}

impl Cache {
    /// Empty caches for a number of layers.
    pub fn new(layers: usize) -> Self {
        Self { layers: (0..layers).map(|_| LayerCache::default()).collect() }
    }

    /// Positions held.
    pub fn len(&self) -> usize {
        self.layers.first().map_or(0, LayerCache::len)
    }

    /// True if nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cache of a layer.
    ///
    /// # Panics
    /// If there is no such layer.
    pub fn layer(&mut self, i: usize) -> &mut LayerCache {
        &mut self.layers[i]
    }

    /// Forgets the positions from `len` on.
    pub fn trim(&mut self, len: usize) {
        self.layers.iter_mut().for_each(|l| l.trim(len));
    }

    /// All arrays held.
    pub fn arrays(&self) -> Vec<Array> {
        self.layers.iter().flat_map(|l| l.arrays().cloned()).collect()
    }
}
