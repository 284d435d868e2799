//! Attention, over keys and values as they are or as rows in 8 bits ([`mlx_ir::packed`]), and these rows. Each is defined
//! by its expansion; half types are computed in f32 and rounded once.

use super::fast::{in_front, wide};
use crate::array::{Array, Inputs, Outs};
use crate::ops;
use crate::rules::{Batched, BatchedOut, Fused, Grads, Vjp, again};
use mlx_ir::op::{PackRows, Real, Sdpa, UnpackRows};
use mlx_ir::{Aval, DType, Error, Result, packed};
use smallvec::smallvec;

impl Fused for Sdpa {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let bad = |what: String| Err(Error::value(format!("[scaled_dot_product_attention] {what}")));
        if inputs.len() != 3 + self.mask as usize + self.sinks as usize + self.held as usize {
            return bad("wrong number of inputs".into());
        }
        let (q, k, v) = (inputs[0], inputs[1], inputs[2]);
        if q.ndim() != 4 || k.ndim() != 4 || v.ndim() != 4 {
            return bad("queries, keys and values must have 4 dimensions".into());
        }
        let stored = if self.packed { k.dtype == DType::U32 } else { k.dtype.is_float() };
        if !q.dtype.is_float() || k.dtype != v.dtype || !stored {
            return bad(format!("unsupported dtypes {}, {} and {}", q.dtype, k.dtype, v.dtype));
        }
        let features = |x: &Aval| if self.packed { packed::numbers(x.shape[3]) } else { Some(x.shape[3]) };
        let Some(value) = features(v) else {
            return bad(format!("no row in 8 bits has the {} words of values {:?}", v.shape[3], v.shape));
        };
        let fits = q.shape[0] == k.shape[0]
            && features(k) == Some(q.shape[3])
            && k.shape[..3] == v.shape[..3]
            && k.shape[1] > 0
            && q.shape[1].is_multiple_of(k.shape[1]);
        if !fits {
            return bad(format!(
                "queries {:?}, keys {:?} and values {:?} do not fit; the number of query heads must be a multiple of that of key heads",
                q.shape, k.shape, v.shape
            ));
        }
        if self.mask {
            let m = inputs[3];
            let full = [q.shape[0], q.shape[1], q.shape[2], k.shape[2]];
            if m.ndim() > 4 || mlx_ir::desc::broadcast_shapes(&m.shape, &full).as_deref() != Some(&full[..]) {
                return bad(format!("mask {:?} does not broadcast to {full:?}", m.shape));
            }
            if m.dtype != DType::Bool && m.dtype != q.dtype {
                return bad(format!("mask must be bool or {}, got {}", q.dtype, m.dtype));
            }
        }
        if self.sinks {
            let s = inputs[3 + self.mask as usize];
            if s.ndim() != 1 || s.shape[0] != q.shape[1] || !s.dtype.is_float() {
                return bad(format!("sinks must be one number for each of {} heads, got {:?}", q.shape[1], s.shape));
            }
        }
        if self.held {
            let n = inputs[inputs.len() - 1];
            if n.dtype != DType::I32 || n.size() != 1 || n.ndim() > 1 || k.shape[2] == 0 {
                return bad(format!("the number of keys must be one int32, got {:?} of {}", n.shape, n.dtype));
            }
        }
        let mut shape = q.shape.clone();
        shape[3] = value;
        Ok(smallvec![Aval::new(shape, q.dtype)])
    }

    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        if self.packed {
            let mut all = inputs.to_vec();
            for x in &mut all[1..3] {
                *x = unpack_rows(x)?;
            }
            return again(Sdpa { packed: false, ..self.clone() }, &all);
        }
        let (q, k, v) = (&inputs[0], &inputs[1], &inputs[2]);
        let d = q.dtype();
        let w = wide(d);
        let (b, h, l, g, s) = (q.dim(0), q.dim(1), q.dim(2), k.dim(1), k.dim(2));
        let groups = |x: &Array, heads: usize| {
            let x = ops::astype(x, w)?;
            ops::reshape_to(&x, &[b, g, heads / g, x.dim(2), x.dim(3)])
        };
        let queries = ops::multiply(&groups(q, h)?, self.scale.get())?;
        let (keys, values) = (groups(k, g)?, groups(v, g)?);
        let mut scores = ops::matmul(&queries, &ops::swapaxes(&keys, -1, -2)?)?;
        let lowest = if w == DType::F64 { f64::MIN } else { f32::MIN as f64 };
        let there = match self.held.then(|| &inputs[inputs.len() - 1]) {
            Some(n) => Some(ops::clip(&ops::reshape_to(n, &[])?, Some(&1), Some(&(s as i64)))?),
            None => None,
        };
        let cols = ops::reshape_to(&ops::arange_int(s)?, &[1, s])?;
        if self.causal || self.window.is_some() {
            let rows = ops::reshape_to(&ops::arange_int(l)?, &[l, 1])?;
            let last = match &there {
                Some(n) => ops::add(&rows, &ops::subtract(n, l as i64)?)?,
                None => ops::add(&rows, s as i64 - l as i64)?,
            };
            if self.causal {
                scores = ops::where_(&ops::less_equal(&cols, &last)?, &scores, lowest)?;
            }
            if let Some(n) = self.window {
                let first = ops::subtract(&last, n as i64)?;
                scores = ops::where_(&ops::greater(&cols, &first)?, &scores, lowest)?;
            }
        }
        if self.mask {
            let m = ops::broadcast_to(&inputs[3], &[b, h, l, s])?;
            let m = ops::reshape_to(&m, &[b, g, h / g, l, s])?;
            scores = if m.dtype() == DType::Bool {
                ops::where_(&m, &scores, lowest)?
            } else {
                ops::add(&scores, &ops::astype(&m, w)?)?
            };
        }
        if let Some(n) = &there {
            scores = ops::where_(&ops::less(&cols, n)?, &scores, f64::NEG_INFINITY)?;
        }
        let weights = if self.sinks {
            let sinks = ops::astype(&inputs[3 + self.mask as usize], w)?;
            let sinks = ops::broadcast_to(&ops::reshape_to(&sinks, &[1, g, h / g, 1, 1])?, &[b, g, h / g, l, 1])?;
            let all = ops::concatenate(&[sinks, scores], -1)?;
            ops::slice_axis(&ops::softmax(&all, Some(&[-1]), true)?, -1, 1, s as i64 + 1)?
        } else {
            ops::softmax(&scores, Some(&[-1]), true)?
        };
        let out = ops::matmul(&weights, &values)?;
        Ok(vec![ops::astype(&ops::reshape_to(&out, &[b, h, l, v.dim(3)])?, d)?])
    }

    fn custom_vjp(&self, _: &Vjp<'_>) -> Option<Result<Grads>> {
        None
    }

    fn custom_vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        // Without mask, sinks and number the mapped axis merges with the batch.
        if self.mask || self.sinks || self.held {
            return None;
        }
        let f = || {
            let xs = ops::all_in_front(b)?;
            let merged = xs.iter().map(|x| ops::flatten(x, 0, 1)).collect::<Result<Vec<_>>>()?;
            let out = again(self.clone(), &merged)?.remove(0);
            Ok((vec![ops::unflatten(&out, 0, &[b.size as i64, -1])?], vec![Some(0)]))
        };
        if b.size == 0 { None } else { Some(f()) }
    }
}

/// Which keys a query of [`scaled_dot_product_attention`] sees.
#[derive(Clone, Copy, Debug, Default)]
pub enum Mask<'a> {
    /// All.
    #[default]
    None,
    /// Those up to its own position, the last query being at the last key.
    Causal,
    /// As causal, but only the last so many.
    SlidingWindow(usize),
    /// Bool: where true. Float: added to the scores. Broadcast to (B, H, L, S).
    Array(&'a Array),
}

/// `softmax(scale · q kᵀ + mask) v` with queries (B, H, L, D), keys (B, G, S, D) and values (B, G, S, E); each key head
/// serves H / G query heads. `sinks` (H) are logits that take part in the softmax without a value. The full score
/// matrix is never stored. Where nothing is visible to a query the result is the mean of the values.
///
/// # Errors
/// `Value` for shapes and dtypes that do not fit.
pub fn scaled_dot_product_attention(
    q: &Array,
    k: &Array,
    v: &Array,
    scale: f64,
    mask: Mask<'_>,
    sinks: Option<&Array>,
) -> Result<Array> {
    let d = q.dtype().promote(k.dtype()).promote(v.dtype());
    let mut inputs = Inputs::from_iter([ops::astype(q, d)?, ops::astype(k, d)?, ops::astype(v, d)?]);
    let (causal, window) = sight(mask);
    if let Mask::Array(m) = mask {
        inputs.push(shown(m, q, k, d)?);
    }
    if let Some(s) = sinks {
        inputs.push(ops::astype(s, d)?);
    }
    let (mask, sinks) = (matches!(mask, Mask::Array(_)), sinks.is_some());
    let scale = Real::new(scale);
    Array::record1(Sdpa { scale, causal, window, mask, sinks, held: false, packed: false }, inputs)
}

/// Whether a mask is causal, and its window.
fn sight(mask: Mask<'_>) -> (bool, Option<usize>) {
    match mask {
        Mask::Causal => (true, None),
        Mask::SlidingWindow(n) => (true, Some(n)),
        Mask::None | Mask::Array(_) => (false, None),
    }
}

/// A mask shown in full (by strides of zero), as kernels read it, for an output of dtype d; one that does not fit is
/// refused by `infer`.
fn shown(m: &Array, q: &Array, k: &Array, d: DType) -> Result<Array> {
    let full = [q, k].iter().all(|x| x.ndim() == 4).then(|| [q.dim(0), q.dim(1), q.dim(2), k.dim(2)]);
    let show = |m: &Array| match full {
        Some(s) if mlx_ir::desc::broadcast_shapes(m.shape(), &s).as_deref() == Some(&s[..]) => ops::broadcast_to(m, &s),
        _ => Ok(m.clone()),
    };
    if m.dtype() == DType::Bool {
        return show(m);
    }
    if m.dtype().promote(d) == d {
        return show(&ops::astype(m, d)?);
    }
    Err(Error::value(format!(
        "[scaled_dot_product_attention] Mask type must promote to output type {d}, got {}.",
        m.dtype()
    )))
}

/// As [`scaled_dot_product_attention`] but with f32 queries over keys and values of a narrower type, as key-value
/// caches hold them: nothing is converted up front. With `held`, one i32, only so many keys (at least one) are there,
/// the last query being at the last of them; what comes after them is not looked at.
///
/// # Errors
/// `Value` for shapes and dtypes that do not fit, `Unsupported` for array masks.
pub fn cached_attention(
    q: &Array,
    k: &Array,
    v: &Array,
    scale: f64,
    mask: Mask<'_>,
    held: Option<&Array>,
) -> Result<Array> {
    if matches!(mask, Mask::Array(_)) {
        return Err(Error::unsupported("[cached_attention] array masks are not supported"));
    }
    let (causal, window) = sight(mask);
    let (scale, held_too) = (Real::new(scale), held.is_some());
    let op = Sdpa { scale, causal, window, mask: false, sinks: false, held: held_too, packed: false };
    Array::record1(op, [q, k, v].into_iter().chain(held).cloned().collect::<Inputs>())
}

/// [`scaled_dot_product_attention`] over keys and values in 8 bits, rows of [`pack_rows`]: (B, G, S, words) each. The
/// result is that over [`unpack_rows`] of them, which are never stored as a whole. `held` is as in [`cached_attention`].
///
/// # Errors
/// `Value` for shapes and dtypes that do not fit.
pub fn packed_attention(
    q: &Array,
    k: &Array,
    v: &Array,
    scale: f64,
    mask: Mask<'_>,
    sinks: Option<&Array>,
    held: Option<&Array>,
) -> Result<Array> {
    let d = q.dtype();
    let mut inputs = Inputs::from_iter([q.clone(), k.clone(), v.clone()]);
    if let Mask::Array(m) = mask {
        inputs.push(shown(m, q, k, d)?);
    }
    if let Some(s) = sinks {
        inputs.push(ops::astype(s, d)?);
    }
    inputs.extend(held.cloned());
    let (causal, window) = sight(mask);
    let (mask, sinks, held) = (matches!(mask, Mask::Array(_)), sinks.is_some(), held.is_some());
    Array::record1(Sdpa { scale: Real::new(scale), causal, window, mask, sinks, held, packed: true }, inputs)
}

// ---- rows in 8 bits ----

impl Fused for PackRows {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let x = inputs[0];
        if !x.dtype.is_float() {
            return Err(Error::value(format!("[pack_rows] Received unsupported type {}.", x.dtype)));
        }
        let row = x.shape.last().and_then(|&n| packed::words(n)).ok_or_else(|| {
            Error::value(format!("[pack_rows] rows of {:?} are not of a multiple of four numbers", x.shape))
        })?;
        let mut shape = x.shape.clone();
        let last = shape.len() - 1;
        shape[last] = row;
        Ok(smallvec![Aval::new(shape, DType::U32)])
    }

    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let x = ops::astype(&inputs[0], DType::F32)?;
        let (axis, n) = (x.ndim() - 1, x.dim(-1));
        let pairs = n.div_ceil(2 * packed::BLOCK);
        let mut room = vec![(0, 0); x.ndim()];
        room[axis].1 = pairs * 2 * packed::BLOCK - n;
        let blocks = ops::pad(&x, &room, ops::PadMode::Constant, 0.0)?;
        let blocks = ops::unflatten(&blocks, axis as i64, &[2 * pairs as i64, packed::BLOCK as i64])?;
        let scales = ops::astype(&ops::max(&ops::abs(&blocks)?, Some(&[-1]), true)?, DType::F16)?;
        let m = ops::astype(&scales, DType::F32)?;
        let zero = Array::scalar(0f32)?;
        let inverse = ops::where_(&ops::equal(&m, &zero)?, &zero, &ops::divide(&Array::scalar(packed::MOST)?, &m)?)?;
        let codes = ops::round(&ops::multiply(&blocks, &inverse)?, 0)?;
        let codes = ops::where_(&ops::isnan(&codes)?, &zero, &codes)?;
        let codes = ops::clip(&codes, Some(&-packed::MOST), Some(&packed::MOST))?;
        let codes = ops::flatten(&ops::astype(&codes, DType::I8)?, axis as i64, -1)?;
        let codes = ops::view(&ops::slice_axis(&codes, axis as i64, 0, n as i64)?, DType::U32)?;
        let scales = ops::view(&ops::squeeze(&scales, Some(&[-1]))?, DType::U32)?;
        Ok(vec![ops::concatenate(&[codes, scales], axis as i64)?])
    }

    fn custom_vjp(&self, _: &Vjp<'_>) -> Option<Result<Grads>> {
        None
    }
    fn custom_vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        in_front(self.clone(), b)
    }
}

impl Fused for UnpackRows {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let p = inputs[0];
        let n =
            p.shape.last().and_then(|&w| packed::numbers(w)).filter(|_| p.dtype == DType::U32).ok_or_else(|| {
                Error::value(format!("[unpack_rows] {:?} of {} are not rows in 8 bits", p.shape, p.dtype))
            })?;
        let mut shape = p.shape.clone();
        let last = shape.len() - 1;
        shape[last] = n;
        Ok(smallvec![Aval::new(shape, DType::F32)])
    }

    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let p = &inputs[0];
        let (axis, row) = (p.ndim() as i64 - 1, p.dim(-1) as i64);
        let n = packed::numbers(p.dim(-1)).unwrap_or_default() as i64;
        let codes = ops::view(&ops::slice_axis(p, axis, 0, n / 4)?, DType::I8)?;
        let scales = ops::view(&ops::slice_axis(p, axis, n / 4, row)?, DType::F16)?;
        let scales = ops::multiply(&ops::astype(&scales, DType::F32)?, &Array::scalar(packed::UNIT)?)?;
        let scales = ops::slice_axis(&ops::repeat(&scales, packed::BLOCK, Some(axis))?, axis, 0, n)?;
        Ok(vec![ops::multiply(&ops::astype(&codes, DType::F32)?, &scales)?])
    }

    fn custom_vjp(&self, _: &Vjp<'_>) -> Option<Result<Grads>> {
        None
    }
    fn custom_vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        in_front(self.clone(), b)
    }
}

/// Rows of x (…, D) in 8 bits, as key-value caches hold them ([`mlx_ir::packed`]): u32 (…, words). A little more than half
/// the memory of f16.
///
/// # Errors
/// `Value` if D is not a multiple of four, or x not of floats.
pub fn pack_rows(x: &Array) -> Result<Array> {
    Array::record1(PackRows {}, Inputs::from_iter([x.clone()]))
}

/// The f32 numbers (…, D) of rows in 8 bits (…, words).
///
/// # Errors
/// `Value` if no row has so many words, or they are not u32.
pub fn unpack_rows(rows: &Array) -> Result<Array> {
    Array::record1(UnpackRows {}, Inputs::from_iter([rows.clone()]))
}
