//! Products by cooperative matrices of a whole workgroup, whose factors the driver brings (`VK_NV_cooperative_matrix2`).

use super::matmul::spread;
use super::picks::sum_of_parts;
use super::rows::element;
use crate::Caps;
use crate::record::{Bound, Cx, Dispatch, Shader};
use crate::shaders;
use mlx_ir::{DType, Result};

/// Rows and columns of a workgroup's tile, terms of a step, and invocations. All are multiples of what drivers with the
/// extension compute by, for workgroups of this size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Wide {
    pub rows: u32,
    pub columns: u32,
    pub step: u32,
    pub group: u32,
}

/// The largest first.
pub(super) const WIDES: [Wide; 4] = [
    Wide { rows: 128, columns: 128, step: 64, group: 128 },
    Wide { rows: 256, columns: 64, step: 64, group: 128 },
    Wide { rows: 128, columns: 64, step: 64, group: 128 },
    Wide { rows: 64, columns: 64, step: 64, group: 64 },
];
/// Rows of the highest tile that [`Wide::of`] gives.
pub(super) const ROWS: usize = 128;
/// Elements of which rows and first places of the factors are multiples.
pub(super) const ALIGNED: usize = 8;

/// Results of a product.
#[derive(Clone, Copy)]
pub(super) enum Results<'a> {
    /// Of the factors' type.
    Rounded,
    /// Of f32.
    Sums,
    /// Of f32, each row multiplied by its factor.
    Scaled(&'a Bound),
}

/// A product (m, n) of rows of k terms; batches of them, with steps of the factors over three dimensions.
#[derive(Clone)]
pub(super) struct Sizes {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub batch: [usize; 3],
    pub over: [[isize; 3]; 2],
    /// From one row of a factor to the next.
    pub rows: [usize; 2],
    /// Whether rows of the second factor run along k, else along the columns.
    pub along: bool,
    /// Whether memory of the first factor goes on to a multiple of [`ROWS`] rows; what is there does not matter.
    pub padded: bool,
}

/// Workgroups that keep a device busy: with fewer, sums are split. Most parts, and terms below which a part is not worth
/// its sum.
const BUSY: usize = 256;
const PARTS: usize = 8;
const TERMS: usize = 256;

fn most_parts(k: usize) -> usize {
    (k / TERMS).clamp(1, PARTS)
}

impl Sizes {
    /// One product as a batch of the products of parts of the terms, whose sum it is; none if it cannot be cut so.
    pub fn in_parts(&self, parts: usize) -> Option<Sizes> {
        if parts == 1 {
            return Some(self.clone());
        }
        let k = self.k / parts;
        let whole = self.batch == [1; 3] && self.k == k * parts && k.is_multiple_of(ALIGNED * 4);
        let second = if self.along { k } else { k * self.rows[1] };
        let over = [[0, 0, k as isize], [0, 0, second as isize]];
        whole.then_some(Sizes { k, batch: [1, 1, parts], over, ..*self })
    }
}

impl Wide {
    /// Into how many parts the terms of a product that is measured by nobody are cut.
    pub fn parts(self, s: &Sizes) -> usize {
        let most = (BUSY / self.groups(s.m, s.n).max(1)).clamp(1, most_parts(s.k));
        // Of whole steps, since every tile looks for what is absent where the last is none.
        let whole = |cut: Sizes| cut.k.is_multiple_of(self.step as usize);
        (1..=most).rev().find(|&parts| s.in_parts(parts).is_some_and(whole)).unwrap_or(1)
    }
    /// Whether the device computes products of this type so.
    pub fn able(caps: &Caps, d: DType) -> bool {
        let known = match d {
            DType::F16 => caps.fp16,
            DType::BF16 => caps.bf16,
            _ => false,
        };
        known && caps.matrix2 && !caps.matrices.is_empty() && caps.storage16
    }
    pub fn groups(self, m: usize, n: usize) -> usize {
        m.div_ceil(self.rows as usize) * n.div_ceil(self.columns as usize)
    }
    /// In words without spaces.
    pub fn name(self) -> String {
        format!("{}x{}x{}/{}", self.rows, self.columns, self.step, self.group)
    }
    /// For a product that is measured by nobody: the largest tile that keeps the device busy, in parts if need be.
    pub fn of([m, n, k]: [usize; 3], busy: usize) -> Wide {
        // Less than half of a tile is empty.
        let fits = |w: &Wide| w.rows as usize <= m.next_multiple_of(64).min(ROWS);
        WIDES.into_iter().filter(fits).find(|w| w.groups(m, n) * most_parts(k) >= busy).unwrap_or(WIDES[3])
    }

    /// Records the product. Factors begin at multiples of [`ALIGNED`] elements, as their rows do.
    ///
    /// # Errors
    /// As [`Cx::dispatch`].
    fn record(
        self,
        cx: &mut Cx<'_>,
        d: DType,
        s: &Sizes,
        [a, b]: [&Bound; 2],
        out: &Bound,
        results: Results<'_>,
    ) -> Result<()> {
        let shader: &Shader = match (results, d) {
            (Results::Scaled(_), _) => &shaders::BLOCK_COOP2,
            (Results::Sums, DType::BF16) => &shaders::MATMUL_COOP2_BF16_F32,
            (Results::Sums, _) => &shaders::MATMUL_COOP2_F16_F32,
            (Results::Rounded, DType::BF16) => &shaders::MATMUL_COOP2_BF16,
            (Results::Rounded, _) => &shaders::MATMUL_COOP2_F16,
        };
        let rows = s.m.is_multiple_of(self.rows as usize);
        let columns = s.n.is_multiple_of(self.columns as usize);
        let whole = (rows || s.padded) && columns && s.k.is_multiple_of(self.step as usize);
        let rounded = matches!(results, Results::Rounded);
        let scales = if let Results::Scaled(scales) = results { Some(scales) } else { None };
        let first_out = if rounded { element(out, d) } else { out.first / 4 };
        let even = s.n.is_multiple_of(ALIGNED) && (first_out as usize).is_multiple_of(ALIGNED);
        let [along, edges, out_edges, padded, even] =
            [s.along, !whole, !(rows && columns), s.padded, even].map(u32::from);
        let spec = [self.group, self.rows, self.columns, self.step, along, edges, out_edges, padded, even];
        let mut push = [0u32; 18];
        push[..3].copy_from_slice(&[s.m, s.n, s.k].map(|x| x as u32));
        push[3..6].copy_from_slice(&[element(a, d), element(b, d), first_out]);
        push[6..8].copy_from_slice(&s.rows.map(|x| x as u32));
        push[8] = scales.map_or(0, |b| b.first / 4);
        push[9..11].copy_from_slice(&[s.batch[1], s.batch[2]].map(|x| x as u32));
        push[11..14].copy_from_slice(&s.over[0].map(|x| x as u32));
        push[14..17].copy_from_slice(&s.over[1].map(|x| x as u32));
        let all = self.groups(s.m, s.n) * s.batch.iter().product::<usize>();
        push[17] = all as u32;
        let groups = spread(cx.caps, all);
        let four = [a, b, out, scales.unwrap_or(a)];
        let bind = if scales.is_some() { &four[..] } else { &four[..3] };
        cx.dispatch(&Dispatch { shader, spec: &spec, bind, push: &push, groups })
    }

    /// Records the product; in more than one part, the products of parts of its terms and their sum.
    ///
    /// # Errors
    /// As [`Cx::dispatch`].
    pub fn record_in_parts(
        self,
        cx: &mut Cx<'_>,
        d: DType,
        s: &Sizes,
        parts: usize,
        factors: [&Bound; 2],
        out: &Bound,
        results: Results<'_>,
    ) -> Result<()> {
        let (Some(cut), true) = (s.in_parts(parts), parts > 1) else {
            return self.record(cx, d, s, factors, out, results);
        };
        let sums = cx.scratch(s.m * s.n * parts * 4)?;
        let (of_parts, d_out) = match results {
            Results::Rounded => (Results::Sums, d),
            sums => (sums, DType::F32),
        };
        self.record(cx, d, &cut, factors, &sums, of_parts)?;
        sum_of_parts(cx, d_out, s.m * s.n, parts, &sums, out)
    }
}
