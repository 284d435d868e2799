//! Random numbers, bit-identical to MLX for equal keys: Threefry-2x32 bits (the row `RandomBits`) and distributions
//! made of them. The implicit state is per thread, seeded from the clock.

use crate::array::{Array, Inputs, Outs};
use crate::ops::{self, Arg};
use crate::reference::{Num, Tensor};
use crate::rules::{Batched, BatchedOut, Core, Grads, Rule, Vjp, again};
use mlx_ir::op::RandomBits;
use mlx_ir::{Aval, DType, Error, Result, Shape, desc};
use smallvec::smallvec;
use std::cell::RefCell;

/// One block of Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
fn threefry(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    const ROTATIONS: [[u32; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];
    let ks = [key[0], key[1], key[0] ^ key[1] ^ 0x1BD1_1BDA];
    let (mut a, mut b) = (counter[0].wrapping_add(ks[0]), counter[1].wrapping_add(ks[1]));
    for i in 0..5 {
        for r in ROTATIONS[i % 2] {
            a = a.wrapping_add(b);
            b = b.rotate_left(r) ^ a;
        }
        a = a.wrapping_add(ks[(i + 1) % 3]);
        b = b.wrapping_add(ks[(i + 2) % 3]).wrapping_add(i as u32 + 1);
    }
    [a, b]
}

/// `bytes` random bytes of one key, in MLX's order: the first words come from the first outputs of the blocks, the
/// rest from the second.
fn random_bytes(key: [u32; 2], bytes: usize) -> Vec<u8> {
    let words = bytes.div_ceil(4);
    let (half, odd) = (words / 2, words % 2);
    let mut out = vec![0u32; words];
    for i in 0..half {
        let [a, b] = threefry(key, [i as u32, (i + half + odd) as u32]);
        out[i] = a;
        out[half + odd + i] = b;
    }
    if odd == 1 {
        out[half] = threefry(key, [half as u32, 0])[0];
    }
    let mut b: Vec<u8> = out.into_iter().flat_map(u32::to_le_bytes).collect();
    b.truncate(bytes);
    b
}

impl Rule for RandomBits {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let k = inputs[0];
        if k.dtype != DType::U32 || k.shape.last() != Some(&2) {
            return Err(Error::value(format!(
                "[bits] Expected a key of shape (..., 2) and uint32, got {:?} of {}.",
                k.shape, k.dtype
            )));
        }
        let dtype = match self.width {
            1 => DType::U8,
            2 => DType::U16,
            4 => DType::U32,
            w => return Err(Error::value(format!("[bits] Bit width must be 1, 2 or 4 bytes but got {w}."))),
        };
        let mut shape: Shape = k.shape[..k.ndim() - 1].into();
        shape.extend_from_slice(&self.shape);
        Ok(smallvec![Aval { shape, dtype }])
    }
    fn vjp(&self, v: &Vjp<'_>) -> Result<Grads> {
        Ok(vec![None; v.primals.len()])
    }
    fn jvp(&self, _: &[Array], _: &[Array], _: &[Option<Array>]) -> Result<Grads> {
        Ok(vec![None])
    }
    fn vmap(&self, b: &Batched<'_>) -> Result<BatchedOut> {
        Ok((again(self.clone(), &ops::all_in_front(b)?)?, vec![Some(0)]))
    }
}

impl Core for RandomBits {
    fn exact(&self, inputs: &[&Tensor], outs: &[Aval]) -> Result<Vec<Tensor>> {
        let keys = inputs[0];
        let each = desc::size_of_shape(&self.shape);
        let width = self.width as usize;
        let streams: Vec<Vec<u8>> = (0..keys.size() / 2)
            .map(|k| random_bytes([keys.get(2 * k).int() as u32, keys.get(2 * k + 1).int() as u32], each * width))
            .collect();
        Ok(vec![Tensor::build(&outs[0].shape, outs[0].dtype, |i| {
            let b = &streams[i / each][(i % each) * width..][..width];
            Num::Int(b.iter().rev().fold(0i128, |n, &x| n << 8 | x as i128))
        })])
    }
}

// ---- keys ----

thread_local! {
    static STATE: RefCell<Option<Array>> = const { RefCell::new(None) };
}

/// A key (2) of u32 from a seed.
///
/// # Errors
/// None but what recording an op can report.
pub fn key(seed: u64) -> Result<Array> {
    Array::from_slice(&[(seed >> 32) as u32, seed as u32], &[2])
}

/// `n` keys (n, 2) from one.
///
/// # Errors
/// `Value` if it is not a key.
pub fn split_key(key: &Array, n: usize) -> Result<Array> {
    Array::record1(RandomBits { shape: smallvec![n, 2], width: 4 }, Inputs::from_iter([key.clone()]))
}

/// Seeds this thread's implicit state.
///
/// # Errors
/// None but what recording an op can report.
pub fn seed(seed: u64) -> Result<()> {
    set_state(key(seed)?);
    Ok(())
}

/// This thread's implicit state: a key, made from the clock if it was never seeded.
///
/// # Errors
/// None but what recording an op can report.
pub fn state() -> Result<Array> {
    if let Some(k) = STATE.with(|s| s.borrow().clone()) {
        return Ok(k);
    }
    let ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_millis());
    let k = key(ms as u64)?;
    set_state(k.clone());
    Ok(k)
}

/// Replaces this thread's implicit state by a key.
pub fn set_state(key: Array) {
    STATE.with(|s| *s.borrow_mut() = Some(key));
}

/// The given key, or the next from this thread's state: the state moves to the first half of its split, the second is
/// used.
fn next(given: Option<&Array>) -> Result<Array> {
    if let Some(k) = given {
        return Ok(k.clone());
    }
    let state = state()?;
    let both = split_key(&state, 2)?;
    let row = |i| ops::squeeze(&ops::slice_axis(&both, 0, i, i + 1)?, Some(&[0]));
    let (new, used) = (row(0)?, row(1)?);
    set_state(new);
    Ok(used)
}

// ---- distributions ----

/// Random bits of `width` bytes (1, 2 or 4).
///
/// # Errors
/// `Value` for other widths or a bad key.
pub fn bits(shape: &[usize], width: u8, key: Option<&Array>) -> Result<Array> {
    Array::record1(RandomBits { shape: shape.into(), width }, Inputs::from_iter([next(key)?]))
}

fn float_only(name: &str, dtype: DType) -> Result<()> {
    match dtype {
        DType::F32 | DType::F16 | DType::BF16 => Ok(()),
        d => Err(Error::value(format!("[{name}] can only generate float32, float16 or bfloat16, got {d}."))),
    }
}

/// Uniform in [low, high); bounds broadcast to `shape`.
///
/// # Errors
/// `Value` for other dtypes than f32, f16, bf16, or bounds that do not broadcast.
pub fn uniform(low: impl Arg, high: impl Arg, shape: &[usize], dtype: DType, key: Option<&Array>) -> Result<Array> {
    float_only("uniform", dtype)?;
    let as_dtype = |a: &dyn Arg| match a.array() {
        Some(x) => ops::astype(x, dtype),
        None => ops::full(&[], a, Some(dtype)),
    };
    let (lo, hi) = (as_dtype(&low)?, as_dtype(&high)?);
    let range = ops::subtract(&hi, &lo)?;
    if mlx_ir::desc::broadcast_shapes(range.shape(), shape).as_deref() != Some(shape) {
        return Err(Error::value(format!(
            "[uniform] Cannot generate random values of shape {shape:?} from broadcasted shape {:?}.",
            range.shape()
        )));
    }
    // The largest value below one, so that rounding never reaches the upper bound.
    let below_one = match dtype {
        DType::F16 => 1.0 - 1.0 / 2048.0,
        DType::BF16 => 1.0 - 1.0 / 256.0,
        _ => 1.0 - 1.0 / 16_777_216.0,
    };
    let u = ops::divide(&ops::astype(&bits(shape, 4, key)?, DType::F32)?, 4_294_967_296.0)?;
    let f = ops::astype(&ops::minimum(&u, below_one)?, dtype)?;
    ops::add(&ops::multiply(&range, &f)?, &lo)
}

/// Uniform on (−1, 1) as the transforms of normals want it.
fn symmetric(shape: &[usize], key: Option<&Array>) -> Result<Array> {
    uniform((-1.0f32).next_up(), 1.0, shape, DType::F32, key)
}

/// Normal with mean `loc` and standard deviation `scale`. complex64 has independent parts.
///
/// # Errors
/// `Value` for other dtypes than f32, f16, bf16, complex64.
pub fn normal(
    shape: &[usize],
    dtype: DType,
    loc: Option<&Array>,
    scale: Option<&Array>,
    key: Option<&Array>,
) -> Result<Array> {
    let mut x = if dtype == DType::C64 {
        let mut parts = shape.to_vec();
        parts.push(2);
        let z = ops::erfinv(&symmetric(&parts, key)?)?;
        ops::squeeze(&ops::view(&ops::contiguous(&z)?, DType::C64)?, Some(&[-1]))?
    } else {
        float_only("normal", dtype)?;
        let e = ops::astype(&ops::erfinv(&symmetric(shape, key)?)?, dtype)?;
        ops::multiply(&ops::full(&[], std::f64::consts::SQRT_2, Some(dtype))?, &e)?
    };
    if let Some(s) = scale {
        x = ops::multiply(&x, &ops::astype(s, dtype)?)?;
    }
    if let Some(m) = loc {
        x = ops::add(&x, &ops::astype(m, dtype)?)?;
    }
    Ok(x)
}

/// Integers in [low, high); bounds broadcast to `shape`.
///
/// # Errors
/// `Value` for dtypes that are not integers, or bounds that do not broadcast.
pub fn randint(low: impl Arg, high: impl Arg, shape: &[usize], dtype: DType, key: Option<&Array>) -> Result<Array> {
    if !dtype.is_integer() {
        return Err(Error::value("[randint] randint only accepts integer dtypes and bool."));
    }
    let f32_of = |a: &dyn Arg| match a.array() {
        Some(x) => ops::astype(x, DType::F32),
        None => ops::full(&[], a, Some(DType::F32)),
    };
    let u = uniform(&f32_of(&low)?, &f32_of(&high)?, shape, DType::F32, key)?;
    let x = ops::astype(&ops::floor(&u)?, dtype)?;
    let bound = |a: &dyn Arg| match a.array() {
        Some(x) => ops::astype(x, dtype),
        None => ops::full(&[], a, Some(dtype)),
    };
    ops::maximum(&ops::minimum(&x, &ops::subtract(&bound(&high)?, 1)?)?, &bound(&low)?)
}

/// True with probability `p`, which broadcasts to `shape` (its own shape without).
///
/// # Errors
/// `Value` if p is not a float or does not broadcast.
pub fn bernoulli(p: &Array, shape: Option<&[usize]>, key: Option<&Array>) -> Result<Array> {
    if !p.dtype().is_float() {
        return Err(Error::value("[bernoulli] bernoulli probability `p` must be a float type."));
    }
    let shape = shape.unwrap_or(p.shape());
    if mlx_ir::desc::broadcast_shapes(p.shape(), shape).as_deref() != Some(shape) {
        return Err(Error::value(format!("[bernoulli] shape {shape:?} does not fit p of shape {:?}.", p.shape())));
    }
    let u = ops::astype(&bits(shape, 4, key)?, DType::F32)?;
    let upper = 4_294_967_296f32.next_up() as f64;
    ops::less(&u, &ops::multiply(&ops::astype(p, DType::F32)?, upper)?)
}

/// Normal truncated to (lower, upper).
///
/// # Errors
/// `Value` for other dtypes than f32, f16, bf16, or bounds that do not broadcast.
pub fn truncated_normal(
    lower: &Array,
    upper: &Array,
    shape: Option<&[usize]>,
    dtype: DType,
    key: Option<&Array>,
) -> Result<Array> {
    float_only("trunc_normal", dtype)?;
    let sqrt2 = ops::full(&[], std::f64::consts::SQRT_2, Some(dtype))?;
    let (lo, hi) = (ops::astype(lower, dtype)?, ops::astype(upper, dtype)?);
    let own = ops::common_shape("truncated_normal", &[lo.clone(), hi.clone()])?;
    let shape = shape.unwrap_or(&own);
    let (a, b) = (ops::erf(&ops::divide(&lo, &sqrt2)?)?, ops::erf(&ops::divide(&hi, &sqrt2)?)?);
    let u = uniform(&a, &b, shape, dtype, key)?;
    let x = ops::multiply(&sqrt2, &ops::erfinv(&u)?)?;
    ops::maximum(&ops::minimum(&x, &hi)?, &lo)
}

/// Standard Gumbel.
///
/// # Errors
/// `Value` for other dtypes than f32, f16, bf16.
pub fn gumbel(shape: &[usize], dtype: DType, key: Option<&Array>) -> Result<Array> {
    let u = uniform(0.0, 1.0, shape, dtype, key)?;
    ops::negative(&ops::log(&ops::negative(&ops::log(&u)?)?)?)
}

/// Laplace with mean `loc` and scale `scale`.
///
/// # Errors
/// `Value` for other dtypes than f32, f16, bf16.
pub fn laplace(shape: &[usize], dtype: DType, loc: f64, scale: f64, key: Option<&Array>) -> Result<Array> {
    float_only("laplace", dtype)?;
    let u = ops::astype(&symmetric(shape, key)?, dtype)?;
    let tail = ops::log1p(&ops::negative(&ops::abs(&u)?)?)?;
    let mut x = ops::multiply(&ops::sign(&u)?, &tail)?;
    if scale != 1.0 {
        x = ops::multiply(&x, scale)?;
    }
    if loc != 0.0 {
        x = ops::add(&x, loc)?;
    }
    Ok(x)
}

/// `0 … n − 1` in random order, or the slices of an array along an axis.
///
/// # Errors
/// `Index` for an axis out of range.
pub fn permutation(x: &Array, axis: i64, key: Option<&Array>) -> Result<Array> {
    let axis = desc::normalize_axis("permutation", axis, x.ndim())?;
    ops::take(x, &permutation_of(x.shape()[axis], key)?, Some(axis as i64))
}

/// `0 … n − 1` in random order; u32.
///
/// # Errors
/// `Value` for a bad key.
pub fn permutation_of(n: usize, key: Option<&Array>) -> Result<Array> {
    ops::argsort(&bits(&[n], 4, key)?, Some(-1))
}

/// Positions drawn with probability softmax(logits) along an axis; u32. `shape` is that of the result (by default that
/// of the logits without the axis, to which it must broadcast), or `samples` draws for each distribution in a new last
/// axis.
///
/// # Errors
/// `Index` for an axis out of range, `Value` for shapes that do not fit.
pub fn categorical(
    logits: &Array,
    axis: i64,
    shape: Option<&[usize]>,
    samples: Option<usize>,
    key: Option<&Array>,
) -> Result<Array> {
    let axis = desc::normalize_axis("categorical", axis, logits.ndim())?;
    let n = logits.shape()[axis];
    let mut reduced: Vec<usize> = logits.shape().to_vec();
    reduced.remove(axis);
    let shape: Vec<usize> = match (shape, samples) {
        (Some(_), Some(_)) => {
            return Err(Error::value("[categorical] At most one of shape or num_samples can be specified."));
        }
        (Some(s), None) => {
            if mlx_ir::desc::broadcast_shapes(&reduced, s).as_deref() != Some(s) {
                return Err(Error::value(format!(
                    "[categorical] Requested shape {s:?} is not broadcast compatible with reduced logits shape {reduced:?}."
                )));
            }
            s.to_vec()
        }
        (None, Some(k)) => {
            let mut s = reduced.clone();
            s.push(k);
            s
        }
        (None, None) => reduced.clone(),
    };
    if logits.size() == n && !shape.is_empty() {
        // One distribution: invert its cumulative sum.
        let x = ops::reshape_to(logits, &[n])?;
        let e = ops::exp(&ops::subtract(&x, &ops::max(&x, None, false)?)?)?;
        let before = ops::cumsum(&e, Some(0), false, false)?;
        let total = ops::sum(&e, None, false)?;
        let u = uniform(0.0, 1.0, &shape, DType::F32, key)?;
        let at = ops::expand_dims(&ops::multiply(&u, &ops::astype(&total, DType::F32)?)?, &[-1])?;
        let below = ops::less_equal(&ops::astype(&before, DType::F32)?, &at)?;
        let count = ops::sum(&ops::astype(&below, DType::U32)?, Some(&[-1]), false)?;
        return ops::subtract(&ops::maximum(&count, 1)?, 1);
    }
    // The largest of logits plus Gumbel noise.
    let mut wide = logits.clone();
    let mut noise = shape.clone();
    let offset = shape.len() - reduced.len();
    let at = if samples.is_some() {
        wide = ops::expand_dims(&wide, &[-1])?;
        noise.insert(axis, n);
        axis
    } else {
        noise.insert(offset + axis, n);
        offset + axis
    };
    let g = gumbel(&noise, DType::F32, key)?;
    let d = logits.dtype().promote(DType::F32);
    wide = ops::astype(&wide, d)?;
    ops::argmax(&ops::add(&g, &wide)?, Some(at as i64), false)
}

/// Jointly normal vectors (…, n) with mean (…, n) and covariance (…, n, n), f32. Without a shape the leading axes of both
/// meet; otherwise they broadcast to it.
///
/// # Errors
/// `Value` for other dtypes than f32, and shapes that do not fit.
pub fn multivariate_normal(
    mean: &Array,
    cov: &Array,
    shape: &[usize],
    dtype: DType,
    key: Option<&Array>,
) -> Result<Array> {
    let bad = |what: &str| Error::value(format!("[multivariate_normal] {what}"));
    if dtype != DType::F32 {
        return Err(bad("dtype must be float32."));
    }
    let Some((&n, lead)) = mean.shape().split_last() else {
        return Err(bad("mean must have at least one dimension."));
    };
    if cov.ndim() < 2 {
        return Err(bad("cov must have at least two dimensions."));
    }
    if cov.dim(-1) != n || cov.dim(-2) != n {
        return Err(bad("mean and cov must have compatible shapes."));
    }
    let mut out: Vec<usize> = shape.to_vec();
    for part in [lead, &cov.shape()[..cov.ndim() - 2]] {
        out = mlx_ir::desc::broadcast_shapes(&out, part)
            .ok_or_else(|| {
                Error::value(format!("[broadcast_shapes] Shapes {out:?} and {part:?} cannot be broadcast."))
            })?
            .to_vec();
    }
    out.push(n);
    // The symmetric root of the covariance: singular values may be zero.
    let (u, s, vt) = ops::linalg::svd(&ops::astype(cov, DType::F32)?)?;
    let root = ops::multiply(&u, &ops::expand_dims(&ops::sqrt(&s)?, &[-2])?)?;
    let z = ops::expand_dims(&normal(&out, dtype, None, None, key)?, &[-2])?;
    let x = ops::squeeze(&ops::matmul(&ops::matmul(&z, &root)?, &vt)?, Some(&[-2]))?;
    ops::add(&x, &ops::astype(mean, DType::F32)?)
}
