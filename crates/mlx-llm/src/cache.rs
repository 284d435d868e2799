//! The key-value cache: f16 or rows in 8 bits ([`mlx_ir::packed`]), grown in steps, written in place.

use mlx::{Array, DType, Error, Result, ops};
use mlx_ir::op::UpdateMode;
use mlx_ir::packed;

/// Positions by which a cache grows.
const STEP: usize = 256;

/// Where new positions begin: after what the caches hold.
pub struct Offset {
    /// Their number, one i32.
    pub at: Array,
    /// How many there are with the new ones, one i32, where both are read on the device: then nothing of a graph
    /// depends on them, and the keys are all for which there is room.
    pub held: Option<Array>,
}

/// What a cache holds keys and values as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KvBits {
    /// Numbers of f16.
    #[default]
    Sixteen,
    /// Rows in 8 bits, for heads whose features are a multiple of four.
    Eight,
}

impl KvBits {
    /// Bits of a number.
    pub fn bits(self) -> usize {
        match self {
            KvBits::Sixteen => 16,
            KvBits::Eight => 8,
        }
    }

    /// Bytes of a head's row of so many features; none if it cannot be stored.
    pub fn row_bytes(self, features: usize) -> Option<usize> {
        match self {
            KvBits::Sixteen => features.checked_mul(2),
            KvBits::Eight => packed::words(features)?.checked_mul(4),
        }
    }

    /// Rows as they are stored.
    fn stored(self, x: &Array) -> Result<Array> {
        match self {
            KvBits::Sixteen => ops::astype(x, DType::F16),
            KvBits::Eight => ops::pack_rows(x),
        }
    }
}

/// Keys and values of one layer: (1, heads, capacity, features), or words in place of features, each.
pub struct LayerCache {
    bits: KvBits,
    keys: Option<Array>,
    values: Option<Array>,
    len: usize,
}

impl LayerCache {
    fn new(bits: KvBits) -> Self {
        Self { bits, keys: None, values: None, len: 0 }
    }

    /// What it holds keys and values as.
    pub fn bits(&self) -> KvBits {
        self.bits
    }

    /// Positions held.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True if it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Positions for which there is room.
    pub fn room(&self) -> usize {
        self.keys.as_ref().map_or(0, |k| k.dim(2))
    }

    /// Adds keys and values (1, heads, T, features) and returns views of all that are held then, or all there is room
    /// for if `offset` says how many are held; as they are stored.
    ///
    /// # Errors
    /// `Memory` if it cannot grow, `Value` for features that cannot be stored so, and if it would have to where the offset is read on the device.
    pub fn append(&mut self, k: &Array, v: &Array, offset: &Offset) -> Result<(Array, Array)> {
        if offset.held.is_some() {
            return self.append_at(k, v, &offset.at);
        }
        let end = self.len.checked_add(k.dim(2)).ok_or_else(|| Error::memory("[cache] too many positions"))?;
        let bits = self.bits;
        let add = |held: &mut Option<Array>, new: &Array| -> Result<Array> {
            let new = bits.stored(new)?;
            let room = held.as_ref().map_or(0, |h| h.dim(2));
            let mut whole = match held.take() {
                Some(h) if end <= room => h,
                old => {
                    let mut shape = new.shape().to_vec();
                    shape[2] = end.div_ceil(STEP) * STEP;
                    let wide = ops::contiguous(&ops::zeros(&shape, new.dtype())?)?;
                    match old {
                        Some(o) => write(&wide, &ops::slice_axis(&o, 2, 0, self.len as i64)?, 0)?,
                        None => wide,
                    }
                }
            };
            whole = write(&whole, &new, self.len)?;
            let view = ops::slice_axis(&whole, 2, 0, end as i64)?;
            *held = Some(whole);
            Ok(view)
        };
        let keys = add(&mut self.keys, k)?;
        let values = add(&mut self.values, v)?;
        self.len = end;
        Ok((keys, values))
    }

    fn append_at(&mut self, k: &Array, v: &Array, at: &Array) -> Result<(Array, Array)> {
        let end = self.len.saturating_add(k.dim(2));
        let (Some(keys), Some(values)) = (self.keys.take(), self.values.take()) else {
            return Err(Error::value("[cache] there is no room yet"));
        };
        if end > keys.dim(2) {
            return Err(Error::value(format!("[cache] {end} positions are more than there is room for")));
        }
        let at = ops::reshape(at, &[1])?;
        let add = |whole: &Array, new: &Array| ops::dynamic_slice_update(whole, &self.bits.stored(new)?, &at, &[2]);
        let (keys, values) = (add(&keys, k)?, add(&values, v)?);
        (self.keys, self.values) = (Some(keys.clone()), Some(values.clone()));
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
pub struct Cache {
    layers: Vec<LayerCache>,
}

impl Cache {
    /// Empty caches for a number of layers.
    pub fn new(layers: usize, bits: KvBits) -> Self {
        Self { layers: (0..layers).map(|_| LayerCache::new(bits)).collect() }
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

    /// Positions for which there is room.
    pub fn room(&self) -> usize {
        self.layers.iter().map(LayerCache::room).min().unwrap_or(0)
    }

    /// The next positions, as the processor knows them.
    ///
    /// # Errors
    /// `Value` for more positions than are counted.
    pub fn offset(&self) -> Result<Offset> {
        let at = i32::try_from(self.len()).map_err(|_| Error::value("[cache] too many positions"))?;
        Ok(Offset { at: Array::scalar(at)?, held: None })
    }

    /// So many positions were added by work that runs again.
    pub fn advance(&mut self, by: usize) {
        self.layers.iter_mut().for_each(|l| l.len += by);
    }

    /// All arrays held.
    pub fn arrays(&self) -> Vec<Array> {
        self.layers.iter().flat_map(|l| l.arrays().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_take_the_bytes_that_they_should() {
        let bytes = |bits: KvBits| [16, 64, 80, 128, 256].map(|n| bits.row_bytes(n).unwrap());
        assert_eq!(bytes(KvBits::Sixteen), [32, 128, 160, 256, 512]);
        assert_eq!(bytes(KvBits::Eight), [20, 68, 88, 136, 272]);
        assert_eq!(KvBits::Eight.row_bytes(66), None);
        assert_eq!(KvBits::Eight.row_bytes(0), None);
        assert_eq!(KvBits::Sixteen.row_bytes(usize::MAX), None);
    }

    #[test]
    fn rows_in_8_bits_are_kept_while_it_grows_and_is_trimmed() {
        let mut cache = Cache::new(1, KvBits::Eight);
        let rows = |from: usize, n: usize| {
            let x: Vec<f32> = (0..n * 12).map(|i| ((from * 12 + i) as f32 * 0.7).sin()).collect();
            ops::swapaxes(&Array::from_slice(&x, &[1, n, 2, 6]).unwrap(), 1, 2).unwrap()
        };
        // Heads of 6 features cannot be stored, and of 4 can.
        let offset = cache.offset().unwrap();
        assert!(cache.layer(0).append(&rows(0, 1), &rows(0, 1), &offset).is_err());
        let four = |from: usize, n: usize| ops::slice_axis(&rows(from, n), 3, 1, 5).unwrap();
        let mut cache = Cache::new(1, KvBits::Eight);
        for (from, n) in [(0, 250), (250, 5), (255, 300), (400, 7)] {
            cache.trim(from);
            let offset = cache.offset().unwrap();
            let (k, v) = cache.layer(0).append(&four(from, n), &four(from + 1, n), &offset).unwrap();
            assert_eq!((k.shape(), k.dtype(), cache.len()), (&[1, 2, from + n, 2][..], DType::U32, from + n));
            for (held, at) in [(k, 0), (v, 1)] {
                let got = ops::unpack_rows(&held).unwrap().to_vec::<f32>().unwrap();
                let want = four(at, from + n).to_vec::<f32>().unwrap();
                assert!(got.iter().zip(&want).all(|(a, b)| (a - b).abs() < 0.005), "{from} {n} {at}");
            }
        }
        assert_eq!(cache.room(), 768);
    }
}
