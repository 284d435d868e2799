//! The op table: every operation that a graph can hold, as plain data. Operands stand beside an op, never in it.
//!
//! Families:
//! * *view*: another description of the same elements; the scheduler resolves it, back ends never see it;
//! * *core*: has an exact meaning of its own (the oracle) and may have kernels;
//! * *fused*: a promise backed by an expansion into other ops, which is its meaning, gradient and batching; back ends
//!   may supply a kernel or decline.
//!
//! A row here is demanded everywhere it matters: the array library's rule for it, and one arm in each back end.

use crate::desc::{Axes, Shape, Strides};
use crate::program::GpuProgram;
use crate::quant::QuantFormat;
use crate::stored::{Reader, Stored, put_name};
use crate::tape::{Tape, TapeBuilder};
use crate::{DType, Error, Func, Result, desc};
use smallvec::SmallVec;
use std::sync::Arc;

/// An f64 parameter of an op, compared and hashed by its bits so that ops can be keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Real(u64);

impl Real {
    /// Wraps a number.
    pub fn new(x: f64) -> Self {
        Real(x.to_bits())
    }
    /// The number.
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
    /// The number as f32.
    pub fn f32(self) -> f32 {
        self.get() as f32
    }
}

impl std::fmt::Debug for Real {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.get().fmt(f)
    }
}

/// What a reduction computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReduceKind {
    /// Sum; 0 of nothing.
    Sum,
    /// Product; 1 of nothing.
    Prod,
    /// Smallest; NaN if any is.
    Min,
    /// Largest; NaN if any is.
    Max,
    /// True if all are nonzero; bool result.
    And,
    /// True if any is nonzero; bool result.
    Or,
}

/// Which position an arg-reduction returns: the first of equals; that of the first NaN if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ArgKind {
    /// Position of the smallest.
    Min,
    /// Position of the largest.
    Max,
}

/// What a cumulative operation computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScanKind {
    /// Running sum.
    Sum,
    /// Running product.
    Prod,
    /// Running minimum.
    Min,
    /// Running maximum.
    Max,
    /// Running ln Σ e^x.
    Logaddexp,
}

/// How an update meets what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UpdateMode {
    /// Replace; of duplicate indices the last wins.
    Assign,
    /// Add.
    Sum,
    /// Multiply.
    Prod,
    /// Keep the smaller.
    Min,
    /// Keep the larger.
    Max,
}

/// MLX's affine quantization of the last axis: groups of `group_size` values share a scale and a bias.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Affine {
    /// 32, 64 or 128.
    pub group_size: u16,
    /// 1, 2, 3, 4, 5, 6 or 8.
    pub bits: u8,
}

/// An activation of the first of two factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gate {
    /// `x · sigmoid(x)`.
    Silu,
    /// GELU by its tanh approximation, `0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))` (Hendrycks and Gimpel, 2016).
    GeluTanh,
}

impl Gate {
    /// All of them.
    pub const ALL: [Gate; 2] = [Gate::Silu, Gate::GeluTanh];
    /// The factor of x² and the summand in `sigmoid(x·(…))`, by which the tanh is written.
    pub const GELU_TANH: [f32; 2] = [2.0 * 0.797_884_6 * 0.044_715, 2.0 * 0.797_884_6];

    /// `gate(a) · b` for f32 a and b as one elementwise program.
    ///
    /// # Errors
    /// None that a caller could cause.
    pub fn tape(self) -> Result<Tape> {
        let mut t = TapeBuilder::new(&[DType::F32, DType::F32]);
        let inner = match self {
            Gate::Silu => 0,
            Gate::GeluTanh => {
                let square = t.call(Func::Square, &[0])?;
                let c = t.constant(Self::GELU_TANH[0])?;
                let cubic = t.call(Func::Multiply, &[square, c])?;
                let c = t.constant(Self::GELU_TANH[1])?;
                let sum = t.call(Func::Add, &[cubic, c])?;
                t.call(Func::Multiply, &[0, sum])?
            }
        };
        let s = t.call(Func::Sigmoid, &[inner])?;
        let a = t.call(Func::Multiply, &[0, s])?;
        t.call(Func::Multiply, &[a, 1])?;
        Ok(t.finish())
    }
}

/// Settings of a convolution, one number for each axis of space.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ConvSpec {
    /// Distance of places.
    pub stride: Axes,
    /// Zeros before.
    pub low: Axes,
    /// Zeros after.
    pub high: Axes,
    /// Distance of the kernel's elements.
    pub kernel_dilation: Axes,
    /// Distance of the input's elements, with zeros between.
    pub input_dilation: Axes,
    /// Parts of the channels that are convolved apart.
    pub groups: usize,
    /// Whether the kernel is read backwards.
    pub flip: bool,
}

/// What is computed of matrices, those of the last two axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinalgKind {
    /// Q (M, K) and R (K, N) with K = min(M, N).
    Qr,
    /// U (M, M), the singular values (K) in descending order, and Vᵀ (N, N).
    Svd,
    /// The singular values alone.
    SingularValues,
    /// The triangular factor of a positive definite matrix: L with L Lᵀ, or U with Uᵀ U.
    Cholesky {
        /// The upper one.
        upper: bool,
    },
    /// The inverse.
    Inverse,
    /// The inverse of a triangular matrix; the other triangle is not read.
    TriangularInverse {
        /// The upper triangle is read.
        upper: bool,
    },
    /// Row order u32 (M), L (M, K) and U (K, N) with rows in that order.
    Lu,
    /// L and U in one matrix, and the row exchanged with each, u32 (K).
    LuFactor,
    /// Eigenvalues in ascending order, and eigenvectors as columns, of a symmetric matrix.
    Eigh {
        /// The upper triangle is read.
        upper: bool,
    },
    /// Eigenvalues and eigenvectors as columns, complex64, of any square matrix (also complex64).
    Eig,
    /// Sign and ln of the size of the determinant.
    SlogDet,
    /// x with A x = b. Inputs: A, b (N, K).
    Solve,
    /// x with A x = b for triangular A; the other triangle is not read.
    SolveTriangular {
        /// The upper triangle is read.
        upper: bool,
    },
}

/// Something of the array library's or its front ends' that only they understand; equal to itself alone.
#[derive(Clone)]
pub struct Opaque(pub Arc<dyn std::any::Any + Send + Sync>);

impl PartialEq for Opaque {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
impl Eq for Opaque {}
impl std::hash::Hash for Opaque {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).cast::<()>().hash(state);
    }
}
impl std::fmt::Debug for Opaque {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opaque")
    }
}

/// Calls a macro with the name of every row by family.
#[macro_export]
macro_rules! op_table {
    ($m:ident) => {
        $m! {
            view { Broadcast, Reshape, Transpose, Slice, AsStrided, Bitcast, StopGradient }
            core {
                Map, Contiguous, Arange, Reduce, ArgReduce, Scan, Sort, ArgSort, Partition, ArgPartition,
                Gather, GatherAxis, Scatter, ScatterAxis, SliceUpdate, DynamicSlice, DynamicSliceUpdate,
                Concatenate, Pad, Matmul, RandomBits, Quantize, Dequantize, BlockDequantize, Fft, Linalg,
                GpuKernel
            }
            fused {
                AddMM, Softmax, LogSumExp, CrossEntropy, RmsNorm, LayerNorm, Rope, Sdpa, QuantizedMatmul, BlockMatmul, BlockRows,
                GatherMM, GatherQMM, BlockProject, PackRows, UnpackRows, CacheUpdate, ReduceMap, Custom, Depends, Conv
            }
        }
    };
}

macro_rules! op_rows {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $ty:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, PartialEq, Eq, Hash)]
            pub struct $name { $($(#[$fdoc])* pub $field: $ty),* }
            impl From<$name> for Op {
                fn from(x: $name) -> Op { Op::$name(x) }
            }
        )*
        /// One operation.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Op {
            /// Data that was given, not computed.
            Leaf,
            /// A stand-in for an input while a function is traced; it has no value.
            Hole,
            $($(#[$doc])* $name($name),)*
        }
        impl Op {
            /// The row's name.
            pub fn name(&self) -> &'static str {
                match self { Op::Leaf => "Leaf", Op::Hole => "Hole", $(Op::$name(_) => stringify!($name),)* }
            }
            /// Names of all rows.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];
            /// Writes the row's name and its parameters.
            ///
            /// # Errors
            /// `Unsupported` for rows that hold more than plain data.
            pub fn store(&self, out: &mut Vec<u8>) -> Result<()> {
                put_name(self.name(), out);
                match self { Op::Leaf | Op::Hole => Ok(()), $(Op::$name(x) => x.store(out),)* }
            }
            /// Reads what [`Op::store`] wrote. Numbers are read as they are: the row's rule checks what they mean.
            ///
            /// # Errors
            /// `Value` for other bytes, and for rows that are not computed.
            pub fn load(r: &mut Reader<'_>) -> Result<Op> {
                match r.name()? {
                    $(stringify!($name) => Ok(Op::$name(Stored::load(r)?)),)*
                    other => Err(Error::value(format!("[load] unknown operation {other:?}"))),
                }
            }
        }
        $(impl Stored for $name {
            fn store(&self, _out: &mut Vec<u8>) -> Result<()> {
                $(self.$field.store(_out)?;)*
                Ok(())
            }
            fn load(_r: &mut Reader<'_>) -> Result<Self> {
                Ok($name { $($field: Stored::load(_r)?),* })
            }
        })*
    };
}

op_rows! {
    // ---- views ----
    /// Repeats dimensions of size one (stride 0). Input: x.
    Broadcast {
        /// Resulting shape.
        shape: Shape,
    }
    /// The same elements in row-major order under another shape; copies only if no strides fit. Input: x.
    Reshape {
        /// Resulting shape.
        shape: Shape,
    }
    /// Permutes the axes. Input: x.
    Transpose {
        /// Axis `i` of the result is axis `axes[i]` of the input.
        axes: Axes,
    }
    /// Every `stride`-th element from `start`, `shape` of them, along each axis. Input: x.
    Slice {
        /// First element along each axis.
        start: Axes,
        /// Step along each axis, not 0.
        strides: Strides,
        /// Resulting shape.
        shape: Shape,
    }
    /// Arbitrary strides over the row-major elements of the input. Input: x (made contiguous).
    AsStrided {
        /// Resulting shape.
        shape: Shape,
        /// Strides in elements.
        strides: Strides,
        /// First element.
        offset: usize,
    }
    /// The same bytes read as another dtype (`mx.view`); the last axis scales by the ratio of sizes. Input: x.
    Bitcast {
        /// New dtype.
        dtype: DType,
    }
    /// The same value, through which no gradient flows. Input: x.
    StopGradient {}

    // ---- core ----
    /// An elementwise program; inputs all have the result's shape.
    Map {
        /// The program.
        tape: Arc<Tape>,
    }
    /// The same elements in row-major order. Input: x.
    Contiguous {}
    /// `start + i·step`. No inputs.
    Arange {
        /// First value.
        start: Real,
        /// Step.
        step: Real,
        /// Number of elements.
        len: usize,
        /// Dtype.
        dtype: DType,
    }
    /// Reduction over `axes`, which stay with size one. Input: x (sums and products in the accumulation dtype).
    Reduce {
        /// What to compute.
        kind: ReduceKind,
        /// Sorted axes.
        axes: Axes,
    }
    /// Position of the extreme along `axis`, which stays with size one; u32. Input: x.
    ArgReduce {
        /// Which extreme.
        kind: ArgKind,
        /// Axis.
        axis: usize,
    }
    /// Cumulative operation along `axis`. Input: x.
    Scan {
        /// What to compute.
        kind: ScanKind,
        /// Axis.
        axis: usize,
        /// From the end.
        reverse: bool,
        /// Include the element itself.
        inclusive: bool,
    }
    /// Ascending sort along `axis`, NaN last. Input: x.
    Sort {
        /// Axis.
        axis: usize,
    }
    /// Stable positions that would sort; u32. Input: x.
    ArgSort {
        /// Axis.
        axis: usize,
    }
    /// The element of rank `kth` at its place, none larger before it, none smaller after. Input: x.
    Partition {
        /// Rank.
        kth: usize,
        /// Axis.
        axis: usize,
    }
    /// Positions of a partition; u32. Input: x.
    ArgPartition {
        /// Rank.
        kth: usize,
        /// Axis.
        axis: usize,
    }
    /// Slices of x at index tuples. Inputs: x, one integer array for each of `axes` (equal shapes).
    /// Result shape: index shape + `slice_sizes`. Negative indices count from the end; out of range is clamped.
    Gather {
        /// Indexed axes.
        axes: Axes,
        /// Size of the slice along every axis of x.
        slice_sizes: Shape,
    }
    /// `take_along_axis`. Inputs: x, indices (same shape as x except along `axis`).
    GatherAxis {
        /// Axis.
        axis: usize,
    }
    /// x with slices at index tuples updated. Inputs: x, indices…, updates (index shape + slice shape).
    /// Out-of-range updates are dropped.
    Scatter {
        /// Indexed axes.
        axes: Axes,
        /// How to update.
        mode: UpdateMode,
    }
    /// `put_along_axis` / `scatter_add_axis`. Inputs: x, indices, updates (shape of indices).
    ScatterAxis {
        /// Axis.
        axis: usize,
        /// How to update.
        mode: UpdateMode,
    }
    /// x with a strided box updated. Inputs: x, update (shape of the box).
    SliceUpdate {
        /// First element along each axis.
        start: Axes,
        /// Step along each axis.
        strides: Strides,
        /// How to update.
        mode: UpdateMode,
    }
    /// A box whose start is an array. Inputs: x, start (integers, one for each of `axes`; clamped into range).
    DynamicSlice {
        /// Axes to which the starts belong.
        axes: Axes,
        /// Resulting shape.
        shape: Shape,
    }
    /// x with a box at a computed start replaced. Inputs: x, update, start.
    DynamicSliceUpdate {
        /// Axes to which the starts belong.
        axes: Axes,
    }
    /// Inputs one after another along `axis`.
    Concatenate {
        /// Axis.
        axis: usize,
    }
    /// x surrounded by a value. Inputs: x, value (0-d).
    Pad {
        /// Elements before, for each axis.
        low: Shape,
        /// Elements after, for each axis.
        high: Shape,
    }
    /// Batched matrix product of the last two axes. Inputs: a (…, M, K), b (…, K, N), equal batch shapes.
    Matmul {}
    /// Discrete Fourier transform of the last axis, complex64; the inverse is divided by its length.
    Fft {
        /// Whether it is the inverse.
        inverse: bool,
    }
    /// Decompositions and solutions of f32 and f64 matrices.
    Linalg {
        /// Which.
        kind: LinalgKind,
    }
    /// A kernel that a user wrote for GPUs. Inputs: its own, then one value (0-d) an output if these are filled.
    GpuKernel {
        /// The kernel with what this call fixes.
        program: Arc<GpuProgram>,
    }
    /// Threefry-2x32 bits. Input: keys (…, 2) u32. Result: (…, `shape`) of u8, u16 or u32.
    RandomBits {
        /// Shape drawn for each key.
        shape: Shape,
        /// Bytes of one element: 1, 2 or 4.
        width: u8,
    }
    /// MLX affine quantization. Input: w (…, K). Outputs: codes u32 (…, K·bits/32), scales, biases (…, K/group).
    Quantize {
        /// Group size and bits.
        affine: Affine,
    }
    /// Inverse of `Quantize`. Inputs: codes, scales, biases. Output dtype: that of scales.
    Dequantize {
        /// Group size and bits.
        affine: Affine,
    }
    /// Weights as they lie in a GGUF file, to f32. Input: bytes u8 (N, row bytes). Output: (N, `k`).
    BlockDequantize {
        /// Block format.
        format: QuantFormat,
        /// Elements of a row.
        k: usize,
    }

    // ---- fused ----
    /// `beta·c + alpha·(a @ b)`. Inputs: c, a, b, with the product's shape for c.
    AddMM {
        /// Factor of the product.
        alpha: Real,
        /// Factor of c.
        beta: Real,
    }
    /// Softmax over the last axis. Input: x.
    Softmax {
        /// Accumulate half types in f32.
        precise: bool,
    }
    /// ln Σ e^x over the last axis, which stays with size one. Input: x.
    LogSumExp {}
    /// ln Σ e^x over the last axis less the element of the target there, in f32. Inputs: x, integer targets of x's
    /// shape without its last axis.
    CrossEntropy {}
    /// Root-mean-square norm of the last axis in f32, then times the weight. Inputs: x, and a weight or none.
    RmsNorm {
        /// Added to the mean square.
        eps: Real,
    }
    /// Layer norm of the last axis in f32. Inputs: x, then weight and bias as flagged.
    LayerNorm {
        /// Added to the variance.
        eps: Real,
        /// A weight follows x.
        weight: bool,
        /// A bias follows.
        bias: bool,
    }
    /// Rotary position embedding of the first `dims` of the last axis. Inputs: x (B, …, T, D), offset (0-d or (B,)),
    /// and freqs (dims/2) without a base.
    Rope {
        /// Rotated features.
        dims: usize,
        /// Neighbouring pairs instead of halves.
        traditional: bool,
        /// Angular base, or none when freqs are given.
        base: Option<Real>,
        /// Factor of the positions.
        scale: Real,
        /// Rotate the other way (the gradient).
        inverse: bool,
    }
    /// Attention. Inputs: q (B, H, L, D), k (B, G, S, D), v (B, G, S, E), then mask, sinks (H) and the number of
    /// keys as flagged. D is that of the queries.
    Sdpa {
        /// Factor of q·k.
        scale: Real,
        /// Query `i` sees keys up to `i + S − L`.
        causal: bool,
        /// With a window w, query `i` sees only the last w of them.
        window: Option<usize>,
        /// A bool or additive mask follows, broadcast to (B, H, L, S).
        mask: bool,
        /// A logit for each head that takes part in the softmax without a value follows.
        sinks: bool,
        /// How many of the keys are there follows, one i32 (clamped to 1…S) that takes the place of S; the keys after
        /// them are not looked at.
        held: bool,
        /// Keys and values are rows of [`crate::packed`].
        packed: bool,
    }
    /// Product with an affine-quantized matrix. Inputs: x (…, M, K), codes, scales, biases.
    QuantizedMatmul {
        /// Group size and bits.
        affine: Affine,
        /// The matrix is (N, K) and used transposed; otherwise (K, N).
        transpose: bool,
    }
    /// Products of matrices that indices choose. Inputs: a, b, then the indices as flagged, integers of one shape S. A
    /// factor with indices is a stack, (A, M, K) or (B, K, N); one without is S + (M, K) or S + (K, N). Result:
    /// S + (M, N). Negative indices count from the end; out of range is clamped.
    GatherMM {
        /// Indices choose the first factor.
        left: bool,
        /// Indices choose the second factor.
        right: bool,
        /// Those of the second factor ascend; a matter of speed alone.
        sorted: bool,
    }
    /// [`GatherMM`] with a second factor in affine quantization. Inputs: x, codes, scales, biases, indices.
    GatherQMM {
        /// Group size and bits.
        affine: Affine,
        /// The matrices are (N, K) and used transposed; otherwise (K, N).
        transpose: bool,
        /// Indices choose x.
        left: bool,
        /// Indices choose the encoded matrix.
        right: bool,
        /// Those of the encoded matrix ascend; a matter of speed alone.
        sorted: bool,
    }
    /// Products of one x with several GGUF-block matrices (N_i, K), each used transposed; one f32 output (…, N_i)
    /// for each. Inputs: x (…, K), then the bytes of each matrix u8 (N_i, row bytes).
    BlockMatmul {
        /// Format of each matrix.
        formats: SmallVec<[QuantFormat; 3]>,
        /// x stays f32. Otherwise it may be rounded to 8 bits in runs of 32, or to f16.
        exact: bool,
    }
    /// [`BlockMatmul`] with what stands around it in a transformer. Inputs: x (…, K), then the weight (K) of an RMS
    /// norm of x if there is an `eps`, the matrices, and what is added to the (single) result if `add`.
    BlockProject {
        /// Format of each matrix.
        formats: SmallVec<[QuantFormat; 3]>,
        /// Added to the mean square of x, which is normalised first.
        eps: Option<Real>,
        /// Of two matrices of one size the result is `gate(first) · second`.
        gate: Option<Gate>,
        /// The last input is added.
        add: bool,
        /// As in [`BlockMatmul`].
        exact: bool,
    }
    /// Rows of the last axis as [`crate::packed`] has them. Input: x (…, D). Output: u32 (…, words).
    PackRows {}
    /// Inverse of `PackRows`, to f32. Input: rows u32 (…, words).
    UnpackRows {}
    /// x with the box of the update's shape at `start` replaced by the update, rotated if so given and converted to
    /// x's dtype. Inputs: x, update, then those of the rotation, then the start along `axis`.
    CacheUpdate {
        /// First element along each axis; 0 along `axis`.
        start: Axes,
        /// The axis along which the first element is an input: one i32, clamped so that the update fits.
        axis: Option<usize>,
        /// Rotation of the update.
        rope: Option<Rope>,
        /// x is rows of [`crate::packed`], and so becomes the update: instead of being converted.
        packed: bool,
    }
    /// Reduction over `axes`, which stay with size one, of what an elementwise program gives, rounded to its dtype. Inputs:
    /// those of the program, all of one shape.
    ReduceMap {
        /// The program.
        tape: Arc<Tape>,
        /// What to compute.
        kind: ReduceKind,
        /// Sorted axes.
        axes: Axes,
    }
    /// Convolution. Inputs: x (N, space…, C), weight (O, kernel…, C / groups). Result: (N, places…, O).
    Conv {
        /// Its settings.
        spec: Arc<ConvSpec>,
    }
    /// Results of a function whose author gives its derivatives or batching. Inputs: its arguments, then its results.
    Custom {
        /// The author's rules.
        rule: Opaque,
        /// Number of arguments.
        args: usize,
    }
    /// The first inputs, once the others are computed.
    Depends {
        /// How many inputs are results.
        results: usize,
    }
    /// Rows of a GGUF-block matrix as f32. Inputs: bytes u8 (N, row bytes), indices (any shape, integer).
    BlockRows {
        /// Block format.
        format: QuantFormat,
        /// Elements of a row.
        k: usize,
    }
}

impl Op {
    /// Inputs over whose buffer the (first) output may be written when it dies here: for elementwise work any input,
    /// for updates the array that is updated.
    pub fn may_overwrite(&self, input: usize) -> bool {
        match self {
            Op::Map(_) => true,
            Op::SliceUpdate(_)
            | Op::CacheUpdate(_)
            | Op::Scatter(_)
            | Op::ScatterAxis(_)
            | Op::DynamicSliceUpdate(_) => input == 0,
            Op::Contiguous(_) => false,
            _ => false,
        }
    }

    /// Shape helper for rows that keep reduced axes: `shape` with `axes` set to one.
    pub fn kept_shape(shape: &[usize], axes: &[usize]) -> Shape {
        let mut s: desc::Shape = shape.into();
        for &a in axes {
            s[a] = 1;
        }
        s
    }
}

const _: () = assert!(size_of::<Op>() <= 160, "ops are stored in every node: keep them small");
