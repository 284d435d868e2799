//! Products with matrices that indices choose: the rows `GatherMM` and `GatherQMM`, which read the matrices in place. What
//! masks choose and 8-bit floats are made of other functions.

use super::quantize::decoded;
use crate::array::{Array, Inputs, Outs};
use crate::ops;
use crate::rules::{Batched, BatchedOut, Fused, Grads, Vjp, again};
use mlx_ir::op::{Affine, GatherMM, GatherQMM, QuantizedMatmul};
use mlx_ir::{Aval, DType, Error, Op, Result, Shape, desc};
use smallvec::smallvec;

/// Positions over the leading axes of a stack of matrices, in the shape of those axes.
fn counted(op: &str, a: &Array) -> Result<Array> {
    let Some(lead) = a.ndim().checked_sub(2) else {
        return Err(Error::value(format!("[{op}] Matrices are needed, got shape {:?}.", a.shape())));
    };
    let shape = &a.shape()[..lead];
    let n = desc::size_of_shape(shape);
    ops::reshape_to(&ops::arange(0.0, n as f64, 1.0, DType::U32)?, shape)
}

/// The matrices of a stack at positions over its leading axes.
pub(super) fn chosen(op: &str, a: &Array, indices: Option<&Array>, shape: &[usize]) -> Result<Array> {
    let own = counted(op, a)?;
    let i = ops::broadcast_to(indices.unwrap_or(&own), shape)?;
    let last = &a.shape()[a.ndim() - 2..];
    let flat = ops::reshape_to(a, &[own.size(), last[0], last[1]])?;
    ops::take(&flat, &i, Some(0))
}

/// The common shape of the positions of two stacks of matrices.
pub(super) fn meeting(
    op: &str,
    a: &Array,
    b: &Array,
    left: Option<&Array>,
    right: Option<&Array>,
) -> Result<Vec<usize>> {
    let of = |a: &Array, i: Option<&Array>| -> Result<Array> {
        match i {
            Some(i) if !i.dtype().is_integer() => {
                Err(Error::value(format!("[{op}] Indices must be integers, got {}.", i.dtype())))
            }
            Some(i) => Ok(i.clone()),
            None => counted(op, a),
        }
    };
    let (l, r) = (of(a, left)?, of(b, right)?);
    let shape = desc::broadcast_shapes(l.shape(), r.shape()).ok_or_else(|| {
        Error::value(format!("[{op}] Indices of shapes {:?} and {:?} do not broadcast.", l.shape(), r.shape()))
    })?;
    Ok(shape.to_vec())
}

/// Which inputs of a product by index are factors with indices, in their order: `parts` arrays make up the second.
struct Sides<'a, T> {
    /// The first factor, then the parts of the second.
    factors: &'a [T],
    left: Option<&'a T>,
    right: Option<&'a T>,
}

fn sides<'a, T>(op: &str, inputs: &'a [T], parts: usize, left: bool, right: bool) -> Result<Sides<'a, T>> {
    let n = 1 + parts;
    if inputs.len() != n + usize::from(left) + usize::from(right) || !(left || right) {
        return Err(Error::value(format!("[{op}] got {} inputs", inputs.len())));
    }
    let (factors, indices) = inputs.split_at(n);
    let second = usize::from(left);
    Ok(Sides { factors, left: indices.first().filter(|_| left), right: indices.get(second).filter(|_| right) })
}

/// Shape of the indices, checked, and those of the two matrices. `b` is the shape of the second factor.
fn places(op: &str, s: &Sides<'_, &Aval>, b: &[usize]) -> Result<(Shape, [[usize; 2]; 2])> {
    let refuse = |what: &str| Err(Error::value(format!("[{op}] {what}")));
    let Some(first) = s.left.or(s.right) else { return refuse("Indices are needed.") };
    if [s.left, s.right].iter().flatten().any(|i| !i.dtype.is_integer() || i.shape != first.shape) {
        return refuse("Indices must be integers of one shape.");
    }
    let matrix = |shape: &[usize], chosen: bool| -> Result<[usize; 2]> {
        let Some(lead) = shape.len().checked_sub(2) else {
            return Err(Error::value(format!("[{op}] Matrices are needed, got shape {shape:?}.")));
        };
        let fits = if chosen { lead == 1 } else { shape[..lead] == first.shape[..] };
        if !fits {
            return Err(Error::value(format!("[{op}] {shape:?} does not fit indices {:?}.", first.shape)));
        }
        if chosen && shape[0] == 0 && first.size() > 0 {
            return Err(Error::value(format!("[{op}] Nothing can be chosen of {shape:?}.")));
        }
        Ok([shape[lead], shape[lead + 1]])
    };
    let both = [matrix(&s.factors[0].shape, s.left.is_some())?, matrix(b, s.right.is_some())?];
    Ok((first.shape.clone(), both))
}

/// The chosen matrices, copied: the meaning of a product by index.
fn copied(x: &Array, indices: Option<&Array>) -> Result<Array> {
    indices.map_or_else(|| Ok(x.clone()), |i| ops::take(x, i, Some(0)))
}

/// Batching without copies: stacks that are chosen from stay as they are, everything else gets the axis in front. None if
/// a stack is mapped.
fn batched(op: impl Into<Op>, b: &Batched<'_>, parts: usize, left: bool, right: bool) -> Option<Result<BatchedOut>> {
    let stack = |i: usize| if i == 0 { left } else { right && i <= parts };
    if (0..b.inputs.len()).any(|i| stack(i) && b.axes[i].is_some()) {
        return None;
    }
    let all = ops::all_in_front(b).and_then(|mut all| {
        (0..all.len()).filter(|&i| stack(i)).for_each(|i| all[i] = b.inputs[i].clone());
        Ok((again(op, &all)?, vec![Some(0)]))
    });
    Some(all)
}

impl Fused for GatherMM {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let s = sides("gather_mm", inputs, 1, self.left, self.right)?;
        let (a, b) = (inputs[0], inputs[1]);
        let (mut shape, [[m, k], [inner, n]]) = places("gather_mm", &s, &b.shape)?;
        if k != inner || a.dtype != b.dtype || !a.dtype.is_inexact() {
            return Err(Error::value(format!(
                "[gather_mm] operands {:?} {} and {:?} {} do not fit.",
                a.shape, a.dtype, b.shape, b.dtype
            )));
        }
        shape.extend([m, n]);
        Ok(smallvec![Aval::new(shape, a.dtype)])
    }
    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let s = sides("gather_mm", inputs, 1, self.left, self.right)?;
        Ok(vec![ops::matmul(&copied(&s.factors[0], s.left)?, &copied(&s.factors[1], s.right)?)?])
    }
    fn custom_vjp(&self, v: &Vjp<'_>) -> Option<Result<Grads>> {
        // That of a factor without indices is a product by index again.
        if self.left || v.wanted[1..].iter().any(|&w| w) {
            return None;
        }
        let f = || {
            let b = ops::swapaxes(&v.primals[1], -1, -2)?;
            let inputs = [v.cotangents[0].clone(), b, v.primals[2].clone()];
            let mut grads: Grads = vec![None; v.primals.len()];
            grads[0] = again(self.clone(), &inputs)?.pop();
            Ok(grads)
        };
        Some(f())
    }
    fn custom_vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        batched(self.clone(), b, 1, self.left, self.right)
    }
}

impl Fused for GatherQMM {
    fn infer(&self, inputs: &[&Aval]) -> Result<Outs> {
        let op = "gather_qmm";
        let s = sides(op, inputs, 3, self.left, self.right)?;
        let x = inputs[0];
        let w = decoded(op, self.affine, inputs[1], inputs[2], inputs[3])?;
        let (mut shape, [[m, k], [rows, columns]]) = places(op, &s, &w)?;
        let (inner, n) = if self.transpose { (columns, rows) } else { (rows, columns) };
        if k != inner || x.dtype != inputs[2].dtype {
            return Err(Error::value(format!(
                "[{op}] The last dimension of x {:?} does not match the quantized matrices {w:?} used with transpose={}.",
                x.shape, self.transpose
            )));
        }
        shape.extend([m, n]);
        Ok(smallvec![Aval::new(shape, x.dtype)])
    }
    fn expand(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let s = sides("gather_qmm", inputs, 3, self.left, self.right)?;
        let mut all = vec![copied(&s.factors[0], s.left)?];
        for part in &s.factors[1..] {
            all.push(copied(part, s.right)?);
        }
        again(QuantizedMatmul { affine: self.affine, transpose: self.transpose }, &all)
    }
    fn custom_vjp(&self, v: &Vjp<'_>) -> Option<Result<Grads>> {
        if self.left || v.wanted[1..].iter().any(|&w| w) {
            return None;
        }
        let f = || {
            let mut inputs = v.primals.to_vec();
            inputs[0] = v.cotangents[0].clone();
            let mut grads: Grads = vec![None; v.primals.len()];
            grads[0] = again(GatherQMM { transpose: !self.transpose, ..self.clone() }, &inputs)?.pop();
            Ok(grads)
        };
        Some(f())
    }
    fn custom_vmap(&self, b: &Batched<'_>) -> Option<Result<BatchedOut>> {
        batched(self.clone(), b, 3, self.left, self.right)
    }
}

/// Indices as kernels take them: of 32 bits, in the common shape.
fn narrowed(i: &Array, shape: &[usize]) -> Result<Array> {
    let i = match i.dtype() {
        DType::I32 | DType::U32 => i.clone(),
        DType::I64 => {
            let near = ops::clip(i, Some(&i64::from(i32::MIN)), Some(&i64::from(i32::MAX)))?;
            ops::astype(&near, DType::I32)?
        }
        DType::U64 => ops::astype(&ops::minimum(i, i64::from(u32::MAX))?, DType::U32)?,
        _ => ops::astype(i, DType::I32)?,
    };
    ops::broadcast_to(&i, shape)
}

/// A factor as its op takes it: a stack of matrices to choose from, or a matrix for each place.
fn factor(x: &Array, indices: Option<&Array>, shape: &[usize]) -> Result<Array> {
    let (lead, last) = x.shape().split_at(x.ndim() - 2);
    match indices {
        Some(_) => ops::reshape_to(x, &[&[desc::size_of_shape(lead)], last].concat()),
        None => ops::broadcast_to(x, &[shape, last].concat()),
    }
}

/// Products of matrices chosen by positions over the leading axes of both stacks (by default all in order). Negative
/// positions count from the end, those out of range are clamped. `sorted` promises that `right` ascends, which makes
/// single rows faster.
///
/// # Errors
/// `Value` for shapes that do not fit, indices that are not integers, and integer matrices.
pub fn gather_mm(a: &Array, b: &Array, left: Option<&Array>, right: Option<&Array>, sorted: bool) -> Result<Array> {
    let op = "gather_mm";
    if left.is_none() && right.is_none() {
        return ops::matmul(a, b);
    }
    let shape = meeting(op, a, b, left, right)?;
    let d = a.dtype().promote(b.dtype());
    let mut inputs = Inputs::new();
    for (x, i) in [(a, left), (b, right)] {
        if x.ndim() < 2 {
            return Err(Error::value(format!("[{op}] Matrices are needed, got shape {:?}.", x.shape())));
        }
        inputs.push(factor(&ops::astype(x, d)?, i, &shape)?);
    }
    for i in [left, right].into_iter().flatten() {
        inputs.push(narrowed(i, &shape)?);
    }
    Array::record1(GatherMM { left: left.is_some(), right: right.is_some(), sorted }, inputs)
}

/// As [`gather_mm`], with affine-quantized second matrices; see [`ops::quantized_matmul`].
///
/// # Errors
/// As [`gather_mm`] and [`ops::quantized_matmul`].
pub fn gather_qmm(
    x: &Array,
    w: &Array,
    scales: &Array,
    biases: &Array,
    left: Option<&Array>,
    right: Option<&Array>,
    transpose: bool,
    group_size: u16,
    bits: u8,
    sorted: bool,
) -> Result<Array> {
    let op = "gather_qmm";
    if left.is_none() && right.is_none() {
        return ops::quantized_matmul(x, w, scales, biases, transpose, group_size, bits);
    }
    let shape = meeting(op, x, w, left, right)?;
    let d = x.dtype().promote(scales.dtype());
    if !d.is_float() {
        return Err(Error::value(format!("[{op}] Only real floating types are supported.")));
    }
    let mut inputs = Inputs::new();
    let (scales, biases) = (ops::astype(scales, d)?, ops::astype(biases, d)?);
    for (a, i) in [(&ops::astype(x, d)?, left), (w, right), (&scales, right), (&biases, right)] {
        if a.ndim() < 2 {
            return Err(Error::value(format!("[{op}] Matrices are needed, got shape {:?}.", a.shape())));
        }
        inputs.push(factor(a, i, &shape)?);
    }
    for i in [left, right].into_iter().flatten() {
        inputs.push(narrowed(i, &shape)?);
    }
    let affine = Affine { group_size, bits };
    Array::record1(GatherQMM { affine, transpose, left: left.is_some(), right: right.is_some(), sorted }, inputs)
}

/// Products over parts of the inner axis: a (M, K), b (K, N) and segments (…, 2) of [start, stop) give (…, M, N).
///
/// # Errors
/// `Value` for shapes that do not fit.
pub fn segmented_mm(a: &Array, b: &Array, segments: &Array) -> Result<Array> {
    if a.ndim() != 2 || b.ndim() != 2 {
        return Err(Error::value("[segmented_mm] Batched matrix multiplication not supported"));
    }
    if segments.ndim() == 0 || segments.shape()[segments.ndim() - 1] != 2 || !segments.dtype().is_integer() {
        return Err(Error::value(format!(
            "[segmented_mm] Segments must be integers of shape (..., 2), got {:?} of {}.",
            segments.shape(),
            segments.dtype()
        )));
    }
    let s = ops::astype(segments, DType::I64)?;
    let end = |i: i64| ops::expand_dims(&ops::slice_axis(&s, -1, i, i + 1)?, &[-1]);
    let k = ops::arange(0.0, a.shape()[1] as f64, 1.0, DType::I64)?;
    let inside = ops::logical_and(&ops::greater_equal(&k, &end(0)?)?, &ops::less(&k, &end(1)?)?)?;
    ops::matmul(&ops::where_(&inside, a, &ops::zeros(&[], a.dtype())?)?, b)
}

/// Product of matrices whose blocks are masked: a mask has an element for each block, of the result, of a or of b; bool
/// masks keep or clear, others scale.
///
/// # Errors
/// `Value` for block sizes other than 32 and 64, and masks that do not fit.
pub fn block_masked_mm(
    a: &Array,
    b: &Array,
    block: usize,
    out: Option<&Array>,
    left: Option<&Array>,
    right: Option<&Array>,
) -> Result<Array> {
    if [out, left, right].iter().all(Option::is_none) {
        return ops::matmul(a, b);
    }
    if block != 32 && block != 64 {
        return Err(Error::value(format!(
            "[block_masked_mm] Only block_sizes 32, 64 are supported. Got block size {block}."
        )));
    }
    let masked = |x: &Array, mask: Option<&Array>| -> Result<Array> {
        let Some(m) = mask else { return Ok(x.clone()) };
        if m.ndim() < 2 || x.ndim() < 2 {
            return Err(Error::value("[block_masked_mm] Masks and matrices must have at least two dimensions."));
        }
        let (rows, cols) = (x.dim(-2), x.dim(-1));
        if m.dim(-2) != rows.div_ceil(block) || m.dim(-1) != cols.div_ceil(block) {
            return Err(Error::value(format!(
                "[block_masked_mm] A mask of shape {:?} does not fit blocks of {block} of shape {:?}.",
                m.shape(),
                x.shape()
            )));
        }
        let spread = ops::repeat(&ops::repeat(m, block, Some(-2))?, block, Some(-1))?;
        let spread = ops::slice_axis(&ops::slice_axis(&spread, -2, 0, rows as i64)?, -1, 0, cols as i64)?;
        if m.dtype() == DType::Bool {
            return ops::where_(&spread, x, &ops::zeros(&[], x.dtype())?);
        }
        ops::multiply(x, &ops::astype(&spread, x.dtype())?)
    };
    masked(&ops::matmul(&masked(a, left)?, &masked(b, right)?)?, out)
}

/// Paley's second construction over the residues modulo 5 (Paley 1933): of the symmetric conference matrix C of order 6,
/// with a one in front and then the quadratic character of differences, each ±1 is ±[[1, 1], [1, −1]], each zero
/// [[1, −1], [−1, −1]].
fn paley_12(row: usize, column: usize) -> bool {
    let (i, j) = (row / 2, column / 2);
    let second = (row % 2 == 1, column % 2 == 1);
    if i == j {
        return second != (false, false);
    }
    let residue = i == 0 || j == 0 || matches!(i.abs_diff(j), 1 | 4);
    residue == (second == (true, true))
}

/// Williamson's array (Williamson 1944) of four symmetric circulant matrices, A to D, given by their first rows: bit `i`
/// is set where element `i` is −1.
fn williamson<const N: usize>(first: [u32; 4], row: usize, column: usize) -> bool {
    // Which matrix stands in a block, and whether it is negated.
    const BLOCKS: [[(usize, bool); 4]; 4] = [
        [(0, false), (1, false), (2, false), (3, false)],
        [(1, true), (0, false), (3, true), (2, false)],
        [(2, true), (3, false), (0, false), (1, true)],
        [(3, true), (2, true), (1, false), (0, false)],
    ];
    let (which, negated) = BLOCKS[row / N][column / N];
    let at = (N + column % N - row % N) % N;
    ((first[which] >> at) & 1 == 1) != negated
}

/// The Hadamard matrix of order 12, 20 or 28, whose signs are those of Sloane's library (had.12.pal2, had.20.will,
/// had.28.will).
fn hadamard_matrix(m: usize) -> Result<Array> {
    let minus = |i: usize, j: usize| match m {
        12 => paley_12(i, j),
        20 => williamson::<5>([0b11110, 0b11110, 0b01100, 0b10010], i, j),
        _ => williamson::<7>([0b1111110, 0b0111100, 0b1011010, 0b1100110], i, j),
    };
    let signs: Vec<f32> = (0..m * m).map(|at| if minus(at / m, at % m) { -1.0 } else { 1.0 }).collect();
    Array::from_slice(&signs, &[m, m])
}

/// Hadamard transform of the last axis times `scale` (1 / √n by default). Its size n is a power of two, or 12, 20 or 28
/// times one: then it is the product of that matrix, as the left factor, and the power's.
///
/// # Errors
/// `Value` for dtypes that are not floats, and other sizes.
pub fn hadamard_transform(a: &Array, scale: Option<f64>) -> Result<Array> {
    let Some(&n) = a.shape().last() else {
        return Err(Error::value("[hadamard] An array with at least one dimension is needed."));
    };
    let Some(m) = [1, 12, 20, 28].into_iter().find(|m| n % m == 0 && (n / m).is_power_of_two()) else {
        let text = format!("[hadamard] Only sizes of 1, 12, 20 or 28 times a power of two are supported, got {n}.");
        return Err(Error::value(text));
    };
    let own = a.dtype().to_inexact();
    let wide = if own == DType::F64 { own } else { DType::F32 };
    let mut x = ops::astype(a, wide)?;
    let lead: Vec<usize> = a.shape()[..a.ndim() - 1].to_vec();
    let mut half = 1;
    while half < n / m {
        let shape = [&lead[..], &[n / (2 * half), 2, half]].concat();
        let pairs = ops::reshape_to(&x, &shape)?;
        let (p, q) = (ops::slice_axis(&pairs, -2, 0, 1)?, ops::slice_axis(&pairs, -2, 1, 2)?);
        x = ops::concatenate(&[ops::add(&p, &q)?, ops::subtract(&p, &q)?], -2)?;
        half *= 2;
    }
    if m > 1 {
        let matrix = ops::astype(&hadamard_matrix(m)?, wide)?;
        x = ops::matmul(&matrix, &ops::reshape_to(&x, &[&lead[..], &[m, n / m]].concat())?)?;
    }
    let x = ops::reshape_to(&x, a.shape())?;
    ops::astype(&ops::multiply(&x, scale.unwrap_or(1.0 / (n as f64).sqrt()))?, own)
}

/// The largest value of an 8-bit float (four bits of exponent, three of mantissa).
const LARGEST: f64 = 448.0;

/// 8-bit floats (E4M3) nearest to the elements, as bytes; beyond the largest, and for NaN, the largest.
///
/// # Errors
/// `Value` for dtypes that are not floats.
pub fn to_fp8(x: &Array) -> Result<Array> {
    if !x.dtype().is_float() {
        return Err(Error::value(format!("[to_fp8] Floats are needed, got {}.", x.dtype())));
    }
    let x = ops::astype(x, DType::F32)?;
    let negative = ops::right_shift(&ops::view(&x, DType::U32)?, 31)?;
    let size = ops::abs(&x)?;
    let size = ops::where_(&ops::isnan(&size)?, LARGEST, &ops::minimum(&size, LARGEST)?)?;
    // The exponent from the bits, not below that of the smallest normal; then halves are rounded to even.
    let exponent = ops::maximum(&ops::right_shift(&ops::view(&size, DType::U32)?, 23)?, 127 - 6)?;
    let unit = ops::view(&ops::left_shift(&ops::subtract(&exponent, 3)?, 23)?, DType::F32)?;
    let mantissa = ops::astype(&ops::round(&ops::divide(&size, &unit)?, 0)?, DType::U32)?;
    let code = ops::add(&ops::multiply(&ops::subtract(&exponent, 127 - 6)?, 8)?, &mantissa)?;
    ops::astype(&ops::bitwise_or(&code, &ops::left_shift(&negative, 7)?)?, DType::U8)
}

/// The values of 8-bit floats (E4M3) given as bytes.
///
/// # Errors
/// `Value` if they are not bytes, or the dtype is no float.
pub fn from_fp8(x: &Array, dtype: DType) -> Result<Array> {
    if x.dtype() != DType::U8 {
        return Err(Error::value(format!("[from_fp8] Input must have type uint8 but got {}.", x.dtype())));
    }
    if !dtype.is_float() {
        return Err(Error::value(format!("[from_fp8] Only real floating types are supported but got {dtype}.")));
    }
    let x = ops::astype(x, DType::U32)?;
    let exponent = ops::bitwise_and(&ops::right_shift(&x, 3)?, 15)?;
    let fraction = ops::bitwise_and(&x, 7)?;
    let normal = ops::greater(&exponent, 0)?;
    let mantissa = ops::add(&fraction, &ops::where_(&normal, ops::Scalar::Int(8), ops::Scalar::Int(0))?)?;
    // The value of a unit of the mantissa is 2^(e − 10), and 2^−9 below the normal numbers.
    let unit = ops::left_shift(&ops::add(&ops::maximum(&exponent, 1)?, 127 - 10)?, 23)?;
    let size = ops::multiply(&ops::astype(&mantissa, DType::F32)?, &ops::view(&unit, DType::F32)?)?;
    let size = ops::where_(&ops::equal(&ops::bitwise_and(&x, 127)?, 127)?, f64::NAN, &size)?;
    let negative = ops::greater(&x, 127)?;
    ops::astype(&ops::where_(&negative, &ops::negative(&size)?, &size)?, dtype)
}
