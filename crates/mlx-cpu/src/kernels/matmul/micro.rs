//! Register tiles: an MR×NR block of the product from packed panels.

use crate::Isa;
use crate::kernels::simd::{Body, Simd, dispatch};

/// A number type that the blocked product can accumulate in.
pub(crate) trait Real: Copy + Default + Send + Sync + std::ops::AddAssign + 'static {
    /// The tile for a level.
    fn micro(isa: Isa) -> Micro<Self>;
}

/// A register tile: `run(k, a, b, c, ldc, first)` computes `c (+)= a·b` with `a` packed as k×mr, `b` as k×nr and `c`
/// row-major with row length `ldc`; `first` overwrites.
#[derive(Clone, Copy)]
pub(crate) struct Micro<T> {
    /// Rows.
    pub mr: usize,
    /// Columns.
    pub nr: usize,
    /// The function. Panels hold `k` steps, `c` an mr×nr tile.
    pub run: unsafe fn(usize, *const T, *const T, *mut T, usize, bool),
}

struct Tile<const MR: usize, const NV: usize> {
    k: usize,
    a: *const f32,
    b: *const f32,
    c: *mut f32,
    ldc: usize,
    first: bool,
}

impl<const MR: usize, const NV: usize> Body for Tile<MR, NV> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the caller of `Micro::run` vouches for the panels and the tile.
        unsafe {
            let (mut a, mut b) = (self.a, self.b);
            // The tile's lines come while the sums are made.
            for i in 0..MR {
                S::prefetch(self.c.wrapping_add(i * self.ldc));
                S::prefetch(self.c.wrapping_add(i * self.ldc + NV * S::N - 1));
            }
            let mut acc = [[S::zero(); NV]; MR];
            for _ in 0..self.k {
                let mut bv = [S::zero(); NV];
                for j in 0..NV {
                    bv[j] = S::load(b.add(j * S::N));
                }
                for i in 0..MR {
                    let x = S::splat(*a.add(i));
                    for j in 0..NV {
                        acc[i][j] = S::fma(x, bv[j], acc[i][j]);
                    }
                }
                a = a.add(MR);
                b = b.add(NV * S::N);
            }
            for i in 0..MR {
                let row = self.c.add(i * self.ldc);
                for j in 0..NV {
                    let p = row.add(j * S::N);
                    let v = if self.first { acc[i][j] } else { S::add(S::load(p), acc[i][j]) };
                    S::store(p, v);
                }
            }
        }
    }
}

/// As [`Tile`], with the left operand in lines of `k` steps, `lda` apart, instead of packed.
struct Lines<const MR: usize, const NV: usize> {
    k: usize,
    a: *const f32,
    lda: usize,
    b: *const f32,
    c: *mut f32,
    ldc: usize,
    first: bool,
}

impl<const MR: usize, const NV: usize> Body for Lines<MR, NV> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the caller of `LineMicro::run` vouches for the lines, the panel and the tile.
        unsafe {
            for i in 0..MR {
                S::prefetch(self.c.wrapping_add(i * self.ldc));
                S::prefetch(self.c.wrapping_add(i * self.ldc + NV * S::N - 1));
            }
            let mut b = self.b;
            let rows: [*const f32; MR] = std::array::from_fn(|i| self.a.add(i * self.lda));
            let mut acc = [[S::zero(); NV]; MR];
            for p in 0..self.k {
                let mut bv = [S::zero(); NV];
                for j in 0..NV {
                    bv[j] = S::load(b.add(j * S::N));
                }
                for i in 0..MR {
                    let x = S::splat(*rows[i].add(p));
                    for j in 0..NV {
                        acc[i][j] = S::fma(x, bv[j], acc[i][j]);
                    }
                }
                b = b.add(NV * S::N);
            }
            for i in 0..MR {
                let row = self.c.add(i * self.ldc);
                for j in 0..NV {
                    let p = row.add(j * S::N);
                    let v = if self.first { acc[i][j] } else { S::add(S::load(p), acc[i][j]) };
                    S::store(p, v);
                }
            }
        }
    }
}

/// A register tile whose left operand lies in lines: `run(k, a, lda, b, c, ldc, first)`, otherwise as [`Micro`].
#[derive(Clone, Copy)]
pub(crate) struct LineMicro {
    /// Rows.
    pub mr: usize,
    /// Columns.
    pub nr: usize,
    /// The function. Lines and the panel hold `k` steps, `c` an mr×nr tile.
    pub run: unsafe fn(usize, *const f32, usize, *const f32, *mut f32, usize, bool),
}

impl LineMicro {
    /// The tile for a level.
    pub fn of(isa: Isa) -> LineMicro {
        macro_rules! lines {
            ($isa:expr, $mr:literal, $n:literal, $nr:literal) => {{
                unsafe fn run(
                    k: usize,
                    a: *const f32,
                    lda: usize,
                    b: *const f32,
                    c: *mut f32,
                    ldc: usize,
                    first: bool,
                ) {
                    dispatch($isa, Lines::<$mr, $n> { k, a, lda, b, c, ldc, first })
                }
                LineMicro { mr: $mr, nr: $nr, run }
            }};
        }
        match isa {
            Isa::Scalar => lines!(Isa::Scalar, 4, 2, 8),
            Isa::Avx2 => lines!(Isa::Avx2, 6, 2, 16),
            Isa::Avx512 => lines!(Isa::Avx512, 14, 2, 32),
            Isa::Neon | Isa::DotProd | Isa::I8mm | Isa::Sve2 => lines!(Isa::Neon, 8, 3, 12),
        }
    }
}

/// Plain code for f64: the compiler vectorizes the rows of a tile.
struct Wide<const MR: usize, const NR: usize> {
    k: usize,
    a: *const f64,
    b: *const f64,
    c: *mut f64,
    ldc: usize,
    first: bool,
}

impl<const MR: usize, const NR: usize> Body for Wide<MR, NR> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        // SAFETY: the caller of `Micro::run` vouches for the panels and the tile.
        unsafe {
            let mut acc = [[0f64; NR]; MR];
            for p in 0..self.k {
                let b = &*self.b.add(p * NR).cast::<[f64; NR]>();
                for i in 0..MR {
                    let x = *self.a.add(p * MR + i);
                    for j in 0..NR {
                        acc[i][j] = if S::FUSED { x.mul_add(b[j], acc[i][j]) } else { x * b[j] + acc[i][j] };
                    }
                }
            }
            for i in 0..MR {
                for j in 0..NR {
                    let p = self.c.add(i * self.ldc + j);
                    *p = if self.first { acc[i][j] } else { *p + acc[i][j] };
                }
            }
        }
    }
}

macro_rules! micro {
    ($tile:ident, $t:ty, $isa:expr, $mr:literal, $n:literal, $nr:literal) => {{
        unsafe fn run(k: usize, a: *const $t, b: *const $t, c: *mut $t, ldc: usize, first: bool) {
            dispatch($isa, $tile::<$mr, $n> { k, a, b, c, ldc, first })
        }
        Micro { mr: $mr, nr: $nr, run }
    }};
}

impl Real for f32 {
    fn micro(isa: Isa) -> Micro<f32> {
        match isa {
            Isa::Scalar => micro!(Tile, f32, Isa::Scalar, 4, 2, 8),
            Isa::Avx2 => micro!(Tile, f32, Isa::Avx2, 6, 2, 16),
            Isa::Avx512 => micro!(Tile, f32, Isa::Avx512, 14, 2, 32),
            Isa::Neon | Isa::DotProd | Isa::I8mm | Isa::Sve2 => micro!(Tile, f32, Isa::Neon, 8, 3, 12),
        }
    }
}

impl Real for f64 {
    fn micro(isa: Isa) -> Micro<f64> {
        match isa {
            Isa::Scalar => micro!(Wide, f64, Isa::Scalar, 4, 4, 4),
            Isa::Avx2 => micro!(Wide, f64, Isa::Avx2, 4, 8, 8),
            Isa::Avx512 => micro!(Wide, f64, Isa::Avx512, 8, 16, 16),
            Isa::Neon | Isa::DotProd | Isa::I8mm | Isa::Sve2 => micro!(Wide, f64, Isa::Neon, 4, 8, 8),
        }
    }
}
