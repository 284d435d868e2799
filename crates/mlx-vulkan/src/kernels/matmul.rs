//! Matrix products of floats: which kernel computes one, and its dispatches.
//!
//! A product is described once ([`Product`]), a [`Plan`] says how it is computed, [`choose`] picks the plan from shapes
//! and capabilities alone. What no plan fits is a fold of products (`reduce`), which takes any layout.

use super::Kernel;
use super::picks::{add_up, pick};
use super::reduce::{naive, naive_supports};
use super::rows::element;
use super::split;
use super::tiles::{COOP_TILES, Coop, HIGH, LOW, MIDDLE, TILES, Tile, UNROLLED};
use super::wide::{self, Results, WIDES, Wide};
use crate::Caps;
use crate::record::{Bound, Cx, Dispatch, fits};
use mlx_ir::desc::collapse;
use mlx_ir::op::{AddMM, Affine, Matmul};
use mlx_ir::{DType, Desc, Operand, Result};
use smallvec::SmallVec;

/// Most rows (or columns) for which the other factor is read once, without tiles.
const FEW: usize = 8;
/// Terms of a part are a multiple of it: whole steps of every kernel.
const STEP: usize = 128;

pub(super) type Steps = SmallVec<[isize; 6]>;

/// Matrices from which indices choose a factor: how many, and the step between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stack {
    pub count: usize,
    pub step: isize,
}

/// out = a·b for a (m, k) and b (k, n) in batches, with steps between elements.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Product {
    pub dtype: DType,
    pub m: usize,
    pub n: usize,
    pub k: usize,
    /// Sizes of the batch, outermost first, and the steps of a, b and the addend over it; those of the indices where a
    /// factor is chosen.
    pub batch: [usize; 3],
    pub over: [[isize; 3]; 3],
    /// Steps of a along m and k, of b along n and k, of the addend and the result along m and n.
    pub a: [isize; 2],
    pub b: [isize; 2],
    pub c: [isize; 2],
    pub out: [isize; 2],
    /// Whether there is an addend.
    pub added: bool,
    /// Which of a and b are chosen by indices.
    pub chosen: [Option<Stack>; 2],
    /// Each row of a has a matrix of its own, rows with the same one beside each other: b is chosen by row.
    pub runs: bool,
}

impl Product {
    /// None for other dtypes than f32, f16 and bf16, and for batches that do not merge into three dimensions.
    pub fn new(a: &Desc, b: &Desc, c: Option<&Desc>) -> Option<Product> {
        let (dtype, nd) = (a.dtype, a.ndim());
        let floats = matches!(dtype, DType::F32 | DType::F16 | DType::BF16);
        if !floats || b.dtype != dtype || c.is_some_and(|c| c.dtype != dtype) || nd < 2 {
            return None;
        }
        let (n, k) = (b.shape[nd - 1], a.shape[nd - 1]);
        let mut over_b: Steps = b.strides[..nd - 2].iter().copied().collect();
        over_b.push(0);
        let none: Steps = smallvec::smallvec![0; nd - 1];
        let over_c = c.map_or(&none[..], |c| &c.strides[..nd - 1]);
        let p = Product::over(dtype, &a.shape[..nd - 1], [&a.strides[..nd - 1], &over_b, over_c])?;
        Some(Product {
            n,
            k,
            a: [p.a[0], a.strides[nd - 1]],
            b: [b.strides[nd - 1], b.strides[nd - 2]],
            c: [p.c[0], c.map_or(0, |c| c.strides[nd - 1])],
            out: [n as isize, 1],
            added: c.is_some(),
            ..p
        })
    }

    /// The product of x (…, M, K) with a matrix in MLX's affine quantization: (N, K), or (K, N) unless `transpose`. Steps
    /// of b count its rows. None for layouts other than rows one after another.
    pub fn quantized(x: &Desc, [w, s, b]: [&Desc; 3], affine: Affine, transpose: bool, n: usize) -> Option<Product> {
        let (lead, dims) = (x.ndim() - 1, w.ndim());
        let k = x.shape[lead];
        let over_w = encoded_rows([w, s, b])?;
        let mut over_b: Steps = smallvec::smallvec![0; lead];
        if dims > 2 {
            over_b[..dims - 2].copy_from_slice(&over_w);
        }
        let none: Steps = smallvec::smallvec![0; lead];
        let p = Product::over(x.dtype, &x.shape[..lead], [&x.strides[..lead], &over_b, &none])?;
        let whole = [n, k].map(|d| d.is_multiple_of(affine.group_size as usize));
        whole[usize::from(transpose)].then(|| Product {
            n,
            k,
            a: [p.a[0], x.strides[lead]],
            b: if transpose { [k as isize, 1] } else { [1, n as isize] },
            out: [n as isize, 1],
            ..p
        })
    }

    /// Batches and rows, with the steps of the operands over them.
    fn over(dtype: DType, lead: &[usize], steps: [&[isize]; 3]) -> Option<Product> {
        Product::batched(dtype, lead, steps, true)
    }

    /// As [`Product::over`]; with `merge` batches that share b are more rows of a.
    pub fn batched(dtype: DType, lead: &[usize], steps: [&[isize]; 3], merge: bool) -> Option<Product> {
        let walk = collapse(lead, &steps);
        let [mut sa, mut sb, mut sc] = [0, 1, 2].map(|i: usize| walk.strides[i].iter().copied().collect::<Steps>());
        let (mut sizes, mut m, mut rows) = (walk.shape, 1, [0; 2]);
        if merge && sb.last() == Some(&0) {
            sb.pop();
            m = sizes.pop().unwrap_or(1);
            rows = [sa.pop().unwrap_or(0), sc.pop().unwrap_or(0)];
        }
        if sizes.len() > 3 {
            return None;
        }
        let skip = 3 - sizes.len();
        let mut p = Product {
            dtype,
            m,
            n: 0,
            k: 0,
            batch: [1; 3],
            over: [[0; 3]; 3],
            a: [rows[0], 0],
            b: [0; 2],
            c: [rows[1], 0],
            out: [0; 2],
            added: false,
            chosen: [None; 2],
            runs: false,
        };
        p.batch[skip..].copy_from_slice(&sizes);
        for (to, from) in p.over.iter_mut().zip([&sa, &sb, &sc]) {
            to[skip..].copy_from_slice(from);
        }
        Some(p)
    }

    /// The transposed product: bᵀ·aᵀ.
    fn flipped(&self) -> Product {
        let [a, b, c] = self.over;
        Product {
            m: self.n,
            n: self.m,
            a: self.b,
            b: self.a,
            c: [self.c[1], self.c[0]],
            out: [self.out[1], self.out[0]],
            over: [b, a, c],
            ..self.clone()
        }
    }

    /// Whether the factors lie along the summed dimension.
    pub fn along(&self) -> [bool; 2] {
        [0, 1].map(|side| self.chunks(side, 0).0)
    }
    pub fn batches(&self) -> usize {
        self.batch.iter().product()
    }
    /// Rows with one matrix, on the average.
    fn run(&self) -> usize {
        match self.chosen[1] {
            Some(stack) if self.runs => self.m / stack.count.max(1),
            _ => self.m,
        }
    }
    pub fn outputs(&self) -> usize {
        self.batches() * self.m * self.n
    }
    /// Elements of a chunk of 16 bytes.
    pub fn chunk(&self) -> usize {
        16 / self.dtype.size()
    }
    /// Whether results can be stored in whole words.
    pub fn whole_words(&self) -> bool {
        self.dtype.size() == 4 || (self.out[1] == 1 && (self.n.is_multiple_of(2) || self.batches() * self.m == 1))
    }

    /// The sizes for kernels that want rows of both factors at multiples of eight elements; none if they are not.
    fn wide(&self) -> Option<wide::Sizes> {
        let even = |s: isize, n: usize| n <= 1 || (s >= 0 && (s as usize).is_multiple_of(wide::ALIGNED));
        let along = self.b[1] == 1;
        let row = if along { self.b[0] } else { self.b[1] };
        let rows = if along { self.n } else { self.k };
        let fits = self.a[1] == 1
            && (along || self.b[0] == 1)
            && even(self.a[0], self.m)
            && even(row, rows)
            && self.over[..2].iter().all(|o| o.iter().zip(&self.batch).all(|(&s, &n)| even(s, n)))
            && self.out == [self.n as isize, 1]
            && self.m > 1
            && !self.added
            && self.chosen == [None; 2];
        // A row alone has any step.
        let step = |s: isize, n: usize, least: usize| if n <= 1 { least.next_multiple_of(8) } else { s as usize };
        fits.then(|| wide::Sizes {
            m: self.m,
            n: self.n,
            k: self.k,
            batch: self.batch,
            over: [0, 1].map(|i| [0, 1, 2].map(|j| if self.batch[j] > 1 { self.over[i][j] } else { 0 })),
            rows: [step(self.a[0], self.m, self.k), step(row, rows, if along { self.k } else { self.n })],
            along,
            padded: false,
        })
    }

    /// Whether chunks of a factor (0: a, 1: b) run along k, and whether they are whole runs of 16 bytes. `first` is its
    /// first byte, or 0 if that is not known yet.
    fn chunks(&self, side: usize, first: u32) -> (bool, bool) {
        let (steps, free, over) = ([self.a, self.b][side], [self.m, self.n][side], &self.over[side]);
        let along = steps[1] == 1 || self.k <= 1 || (steps[0] != 1 && steps[1].abs() <= steps[0].abs());
        let (step, run, other, others) =
            if along { (steps[1], self.k, steps[0], free) } else { (steps[0], free, steps[1], self.k) };
        let aligned = |s: isize, n: usize| n <= 1 || (s >= 0 && (s as usize * self.dtype.size()).is_multiple_of(16));
        let wide = (step == 1 || run <= 1)
            && first.is_multiple_of(16)
            && run.is_multiple_of(self.chunk())
            && aligned(other, others)
            && match self.chosen[side] {
                Some(stack) => aligned(stack.step, stack.count),
                None => over.iter().zip(&self.batch).all(|(&s, &n)| aligned(s, n)),
            };
        (along, wide)
    }
}

/// Which kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Variant {
    /// A matrix in tiles.
    Tile(Tile),
    /// A matrix in tiles of cooperative matrices.
    Coop(Coop),
    /// A matrix in tiles that are cooperative matrices of a workgroup each.
    Wide(Wide),
    /// Few rows: a workgroup of this size for two columns of the other factor.
    Rows(u32),
    /// Few rows: a workgroup for 128 columns of the other factor, which lie side by side.
    Columns,
}

/// Steps over the leading dimensions of encoded matrices, in rows of them. None for layouts other than rows one after
/// another in each.
pub(super) fn encoded_rows([w, s, b]: [&Desc; 3]) -> Option<Steps> {
    let lead = w.ndim().checked_sub(2)?;
    let [words, groups] = [w, s].map(|d| d.shape[lead + 1] as isize);
    let inside = |d: &Desc, run: isize| {
        d.ndim() == lead + 2
            && (d.strides[lead + 1] == 1 || d.shape[lead + 1] <= 1)
            && (d.strides[lead] == run || d.shape[lead] <= 1)
    };
    if !inside(w, words) || !inside(s, groups) || !inside(b, groups) || words == 0 {
        return None;
    }
    let steps = (0..lead).map(|i| {
        // A matrix begins with a row of codes and of both sides.
        let rows = w.strides[i] / words;
        let same = w.strides[i] == rows * words && [s, b].iter().all(|d| d.strides[i] == rows * groups);
        (w.shape[i] <= 1).then_some(0).or(same.then_some(rows))
    });
    steps.collect()
}

/// How a product is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Plan {
    pub variant: Variant,
    /// The transposed product is computed.
    pub flip: bool,
    /// Parts of the summed dimension.
    pub parts: usize,
}

/// Where one kernel gives way to another.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rules {
    /// Workgroups that keep a device busy: with fewer, sums are split.
    pub busy: usize,
    /// Terms below which a part is not worth its sum.
    pub part: usize,
    /// Workgroups of the largest tiles from which on they pay.
    pub many: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Rules { busy: 256, part: 512, many: 96 }
    }
}

/// Invocations of the workgroups of kernels that have no size of their own.
pub(super) const COLUMNS_GROUP: u32 = 128;

impl Plan {
    /// Workgroups of a part.
    pub fn groups(&self, p: &Product) -> usize {
        let (m, n) = if self.flip { (p.n, p.m) } else { (p.m, p.n) };
        p.batches()
            * match self.variant {
                Variant::Tile(t) | Variant::Coop(Coop { tile: t, .. }) => {
                    m.div_ceil(t.rows as usize) * n.div_ceil(t.columns as usize)
                }
                Variant::Wide(w) => w.groups(m, n),
                Variant::Rows(_) => n.div_ceil(2),
                Variant::Columns => n.div_ceil(COLUMNS_GROUP as usize),
            }
    }
    /// Split so that the device is busy, as far as that pays.
    pub fn split(self, p: &Product, rules: &Rules) -> Plan {
        let most = (p.k / rules.part).max(1);
        let parts = (rules.busy / self.groups(p).max(1)).clamp(1, most).min(64);
        Plan { parts, ..self }
    }
    /// Terms of a part; the parts may turn out to be fewer.
    pub fn terms(&self, p: &Product) -> usize {
        if self.parts <= 1 { p.k.max(1) } else { p.k.div_ceil(self.parts).next_multiple_of(STEP) }
    }
    /// Whether the kernel takes the shape and layout.
    pub fn suits(&self, p: &Product) -> bool {
        let (m, b) = if self.flip { (p.n, p.a) } else { (p.m, p.b) };
        match self.variant {
            Variant::Tile(_) | Variant::Coop(_) => true,
            Variant::Wide(_) => !self.flip && p.wide().is_some_and(|s| s.in_parts(self.parts).is_some()),
            Variant::Rows(_) => m <= FEW,
            Variant::Columns => m <= FEW && b[1] != 1 && b[0] == 1 && p.k > 1,
        }
    }
    /// In words without spaces, by which it is known on disk.
    pub fn name(&self) -> String {
        let tile = |t: Tile| {
            let stages = if t.stages > 1 { "/twice" } else { "" };
            let unrolled = if t.unrolled { "/unrolled" } else { "" };
            format!("{}x{}x{}/{}x{}{stages}{unrolled}", t.rows, t.columns, t.step, t.down, t.across)
        };
        let variant = match self.variant {
            Variant::Tile(t) => format!("tile/{}", tile(t)),
            Variant::Coop(c) => format!("coop/{}", tile(c.tile)),
            Variant::Wide(w) => format!("wide/{}", w.name()),
            Variant::Rows(group) => format!("rows/{group}"),
            Variant::Columns => "columns".to_owned(),
        };
        format!("{variant}/{}{}", self.parts, if self.flip { "/flip" } else { "" })
    }
    /// Whether the device can.
    pub fn fits(&self, p: &Product, caps: &Caps) -> bool {
        let groups = self.groups(p).saturating_mul(self.parts) as u64;
        let sums = p.outputs().saturating_mul(self.parts).saturating_mul(4) as u64;
        let able = match self.variant {
            Variant::Tile(t) => t.fits(caps) && t.whole(p.chunk()),
            Variant::Coop(c) => Coop::new(c.tile, p.dtype, caps) == Some(c),
            Variant::Wide(_) => Wide::able(caps, p.dtype),
            Variant::Rows(group) => group <= caps.workgroup_invocations,
            Variant::Columns => true,
        };
        able && groups <= u64::from(caps.workgroup_count[0]) * u64::from(caps.workgroup_count[1])
            && sums + caps.storage_alignment.max(64) <= caps.storage_range
    }
}

/// The plan for a product by its shape and the device's capabilities; none if no kernel takes it.
pub(super) fn choose(p: &Product, quantized: bool, caps: &Caps, rules: &Rules) -> Option<Plan> {
    let plan = |variant, flip| Plan { variant, flip, parts: 1 };
    // A quantized factor is never the one of few rows, and its columns side by side are read in tiles. Nor is a product
    // with chosen factors turned round; runs of rows are for tiles.
    let fixed = quantized || p.chosen != [None; 2];
    let few = match fixed {
        true => p.m <= FEW && !p.runs && (!quantized || p.b[1] == 1),
        false => p.m.min(p.n) <= FEW,
    };
    let first = if few {
        let flip = !fixed && p.m > p.n;
        let q = if flip { p.flipped() } else { p.clone() };
        // Columns side by side are read by neighbours; any other layout by runs of k.
        match q.b[1] != 1 && q.b[0] == 1 && q.k > 1 {
            true => plan(Variant::Columns, flip),
            false => plan(Variant::Rows(if q.k >= 1024 { 128 } else { 64 }), flip),
        }
    } else if let Some(plan) = coop_plan(p, caps, rules) {
        plan
    } else if p.run() <= 32 {
        plan(Variant::Tile(LOW), false)
    } else {
        let high = plan(Variant::Tile(HIGH), false);
        if high.groups(p) >= rules.many && !p.runs && high.fits(p, caps) {
            high
        } else {
            plan(Variant::Tile(MIDDLE), false)
        }
    };
    [first.split(p, rules), first].into_iter().find(|plan| plan.fits(p, caps))
}

/// The plan with cooperative matrices: the largest tiles that keep the device busy.
pub(super) fn coop_plan(p: &Product, caps: &Caps, rules: &Rules) -> Option<Plan> {
    let plans = COOP_TILES.iter().filter_map(|&t| Coop::new(t, p.dtype, caps)).map(|c| Plan {
        variant: Variant::Coop(c),
        flip: false,
        parts: 1,
    });
    let mut best = None;
    for plan in plans {
        // Of a tile the rows of one run are computed at a time.
        let short = p.runs && matches!(plan.variant, Variant::Coop(c) if c.tile.rows as usize > p.run());
        if best.is_none() || (plan.groups(p) >= rules.many && !short) {
            best = Some(plan);
        }
    }
    best
}

/// The plans worth measuring, the default first.
pub(super) fn candidates(p: &Product, quantized: bool, caps: &Caps, default: Plan) -> Vec<Plan> {
    let mut variants: Vec<Variant> = TILES.map(Variant::Tile).into();
    let coop: Vec<_> = COOP_TILES.iter().filter_map(|&t| Coop::new(t, p.dtype, caps)).map(Variant::Coop).collect();
    if coop.is_empty() && p.m.min(p.n) > 64 {
        variants.extend(UNROLLED.map(Variant::Tile));
    }
    variants.extend(coop);
    if !quantized {
        variants.extend(WIDES.map(Variant::Wide));
    }
    let few = matches!(default.variant, Variant::Rows(_) | Variant::Columns);
    if few {
        // One row is never worth a tile.
        if p.m.min(p.n) <= 2 {
            variants.clear();
        }
        variants.extend([32, 64, 128, 256].map(Variant::Rows));
        variants.push(Variant::Columns);
    }
    let mut list = vec![default];
    for variant in variants {
        let tiles = matches!(variant, Variant::Tile(_) | Variant::Coop(_) | Variant::Wide(_));
        for parts in [1, 2, 4, 8, 16] {
            let plan = Plan { variant, flip: default.flip && !tiles, parts };
            let able = (parts == 1 || p.k / parts >= 2 * STEP)
                && plan.suits(p)
                && plan.fits(p, caps)
                && (pick(variant, p.dtype, quantized, false).is_some() || matches!(variant, Variant::Wide(_)))
                && !(quantized && matches!(variant, Variant::Rows(_)) && p.b[1] != 1);
            // Parts that would be more workgroups than any device is short of.
            let busy = if matches!(variant, Variant::Wide(_)) { 512 } else { 2048 };
            if able && (parts == 1 || plan.groups(p) * parts <= busy) && !list.contains(&plan) {
                list.push(plan);
            }
        }
    }
    list
}

/// Workgroups across and down.
pub(super) fn spread(caps: &Caps, groups: usize) -> [u32; 3] {
    let across = groups.clamp(1, caps.workgroup_count[0] as usize);
    [across as u32, groups.div_ceil(across) as u32, 1]
}

/// The addend of a product with the factors of both.
#[derive(Clone, Copy)]
pub(super) struct Addend<'a> {
    pub c: &'a Bound,
    pub alpha: f32,
    pub beta: f32,
}

/// Scales and biases of a quantized factor.
#[derive(Clone, Copy)]
pub(super) struct Sides<'a> {
    pub scales: &'a Bound,
    pub biases: &'a Bound,
    pub affine: Affine,
}

/// Indices of the factors that are chosen, and whether they may be negative.
#[derive(Clone, Copy, Default)]
pub(super) struct Indices<'a> {
    pub of: [Option<&'a Bound>; 2],
    pub signed: [bool; 2],
}

/// What a product has besides its factors.
#[derive(Clone, Copy, Default)]
pub(super) struct More<'a> {
    pub add: Option<Addend<'a>>,
    pub sides: Option<Sides<'a>>,
    pub indices: Indices<'a>,
}

/// Records a product by a plan.
///
/// # Errors
/// As [`Cx::dispatch`].
pub(super) fn record(
    cx: &mut Cx<'_>,
    p: &Product,
    plan: Plan,
    ins: [&Bound; 2],
    more: More<'_>,
    out: &Bound,
) -> Result<()> {
    let More { add, sides, indices } = more;
    let chosen = p.chosen != [None; 2];
    let aligned = [ins[0], ins[1]].iter().all(|b| b.first.is_multiple_of(16));
    let plan = match (plan.variant, p.wide()) {
        (Variant::Wide(w), Some(s)) if aligned => {
            return w.record_in_parts(cx, p.dtype, &s, plan.parts, ins, out, Results::Rounded);
        }
        // Factors that begin elsewhere are read by others.
        (Variant::Wide(_), _) => match choose(p, sides.is_some(), cx.caps, &Rules::default()) {
            Some(other) => other,
            None => return Ok(()),
        },
        _ => plan,
    };
    let Some(shader) = pick(plan.variant, p.dtype, sides.is_some(), chosen) else { return Ok(()) };
    let ([a, b], q) = if plan.flip { ([ins[1], ins[0]], p.flipped()) } else { (ins, p.clone()) };
    let terms = plan.terms(p);
    let parts = p.k.div_ceil(terms).max(1);
    let direct = parts == 1 && q.whole_words();
    let few = matches!(plan.variant, Variant::Rows(_) | Variant::Columns);
    let rows = matches!(plan.variant, Variant::Rows(_));
    let (a_along, a_wide) = q.chunks(0, a.first);
    let (b_along, b_wide) = q.chunks(1, b.first);
    // Kernels for few rows read along k, but for the matrix whose columns lie side by side.
    let (a_along, a_wide) = if few { (true, a_wide && a_along) } else { (a_along, a_wide) };
    let (b_along, mut b_wide) = if rows { (true, b_wide && b_along) } else { (b_along, b_wide) };
    if sides.is_some() {
        // Codes are words, and rows whole groups of them.
        b_wide = b.first.is_multiple_of(16);
    }
    let mut spec: SmallVec<[u32; 16]> = smallvec::smallvec![
        COLUMNS_GROUP,
        a_along.into(),
        a_wide.into(),
        b_along.into(),
        b_wide.into(),
        (direct && add.is_some()).into(),
        (!direct).into(),
        cx.caps.fp16.into(),
    ];
    let mut lanes = 0;
    match plan.variant {
        Variant::Tile(t) => {
            spec[0] = t.group();
            spec.extend(t.spec());
        }
        Variant::Coop(c) => {
            spec[0] = c.group();
            lanes = c.lanes;
            spec.extend([c.tile.rows, c.tile.columns, c.tile.step, c.tile.down, c.tile.across]);
            spec.extend(c.matrix);
        }
        Variant::Wide(_) => {}
        Variant::Rows(group) => {
            spec[0] = group;
            spec.extend([2, q.m as u32]);
        }
        Variant::Columns => spec.push(q.m as u32),
    }
    if let Some(s) = sides {
        // By number: they come after the constants of all kernels.
        spec.resize(16, 0);
        spec.extend([s.affine.bits.into(), s.affine.group_size.into()]);
    }
    if lanes > 0 {
        spec.resize(18, 0);
        spec.push(lanes);
    }
    if chosen {
        spec.resize(19, 0);
        spec.extend(p.chosen.map(|c| u32::from(c.is_some())));
        spec.extend(indices.signed.map(u32::from));
        spec.push(p.runs.into());
    }
    let target = if direct { out.clone() } else { cx.scratch(p.outputs() * parts * 4)? };
    let factors = add.map_or([1.0, 0.0], |x| [x.alpha, x.beta]).map(f32::to_bits);
    let c = add.map_or(a, |x| x.c);
    let (mut first_c, mut steps_c, mut first_b) = (add.map_or(0, |x| element(x.c, p.dtype)), q.c, b.first / 4);
    match sides {
        Some(s) => {
            first_c = element(s.scales, p.dtype);
            steps_c[0] = element(s.biases, p.dtype) as isize;
        }
        None => first_b = element(b, p.dtype),
    }
    let first_out = if direct { element(&target, p.dtype) } else { target.first / 4 };
    let mut push: SmallVec<[u32; 32]> = smallvec::smallvec![q.m as u32, q.n as u32, q.k as u32];
    push.extend([element(a, p.dtype), first_b, first_c, first_out]);
    push.extend([q.a, q.b, steps_c, q.out].iter().flatten().map(|&s| s as u32));
    // Without an addend its places hold what is known of chosen factors.
    let first_index = indices.of.map(|i| i.map_or(0, |i| i.first / 4));
    let stacks = p.chosen.map(|c| c.unwrap_or(Stack { count: 1, step: 0 }));
    push.extend(if chosen { first_index } else { factors });
    push.extend([p.batches(), p.batch[1], p.batch[2]].map(|n| n as u32));
    push.extend(q.over[..2].iter().flatten().map(|&s| s as u32));
    if chosen {
        push.extend([stacks[0].count as u32, stacks[1].count as u32, stacks[0].step as u32]);
    } else {
        push.extend(q.over[2].map(|s| s as u32));
    }
    push.extend([terms as u32, parts as u32]);
    push.extend(chosen.then_some(stacks[1].step as u32));
    let groups = spread(cx.caps, plan.groups(p) * parts);
    let mut bind: SmallVec<[&Bound; 7]> = smallvec::smallvec![a, b];
    match &sides {
        Some(s) => bind.extend([s.scales, s.biases]),
        None => bind.push(c),
    }
    bind.push(&target);
    if chosen {
        bind.extend(indices.of.map(|i| i.unwrap_or(a)));
    }
    cx.dispatch_by(&Dispatch { shader, spec: &spec, bind: &bind, push: &push, groups }, lanes)?;
    if direct {
        return Ok(());
    }
    add_up(cx, p, parts, &target, add, out)
}

fn plan(a: &Desc, b: &Desc, c: Option<&Desc>, caps: &Caps) -> Option<(Product, Plan)> {
    let p = Product::new(a, b, c)?;
    let plan = choose(&p, false, caps, &Rules::default())?;
    (p.outputs() < u32::MAX as usize && p.k < u32::MAX as usize / 2).then_some((p, plan))
}

/// Whether one second factor for all batches, which is too large, can be taken a range of its columns at a time.
fn in_ranges(a: &Desc, b: &Desc, c: Option<&Desc>, caps: &Caps) -> bool {
    let last = b.ndim() - 1;
    let one = b.shape[..last - 1].iter().zip(&b.strides).all(|(&n, &s)| n <= 1 || s == 0);
    let cut = |step| (split::cut_desc(b, last, step), c.map(|c| split::cut_desc(c, last, step)));
    one && split::step(caps, &[(b, last)])
        .map(cut)
        .is_some_and(|(b, c)| split::whole(caps, std::slice::from_ref(&b)) && plan(a, &b, c.as_ref(), caps).is_some())
}

impl Kernel for Matmul {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        if !split::whole(caps, ins) {
            return in_ranges(&ins[0], &ins[1], None, caps);
        }
        plan(&ins[0], &ins[1], None, caps).is_some() || naive_supports(caps, ins, &outs[0])
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        if !fits(cx.caps, &ins[1].desc) {
            let axis = ins[1].desc.ndim() - 1;
            return split::each(cx, &[(&ins[1], axis)], &outs[0], &mut |cx, columns, out| {
                self.record(cx, &[ins[0].clone(), columns[0].clone()], std::slice::from_ref(out))
            });
        }
        let Some((p, plan)) = plan(&ins[0].desc, &ins[1].desc, None, cx.caps) else { return naive(cx, ins, &outs[0]) };
        let (a, b, out) = (cx.input(&ins[0])?, cx.input(&ins[1])?, cx.output(&outs[0])?);
        let run = |cx: &mut Cx<'_>, plan| record(cx, &p, plan, [&a, &b], More::default(), &out);
        let plan = cx.tuner().plan(cx, &p, (0, 0), plan, &run)?;
        run(cx, plan)
    }
}

impl Kernel for AddMM {
    fn supports(&self, caps: &Caps, ins: &[Desc], _: &[Desc]) -> bool {
        if !split::whole(caps, ins) {
            return in_ranges(&ins[1], &ins[2], Some(&ins[0]), caps);
        }
        plan(&ins[1], &ins[2], Some(&ins[0]), caps).is_some()
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        if !fits(cx.caps, &ins[2].desc) {
            let axis = ins[2].desc.ndim() - 1;
            return split::each(cx, &[(&ins[2], axis), (&ins[0], axis)], &outs[0], &mut |cx, columns, out| {
                let given = [columns[1].clone(), ins[1].clone(), columns[0].clone()];
                self.record(cx, &given, std::slice::from_ref(out))
            });
        }
        let Some((p, plan)) = plan(&ins[1].desc, &ins[2].desc, Some(&ins[0].desc), cx.caps) else { return Ok(()) };
        let (a, b, c) = (cx.input(&ins[1])?, cx.input(&ins[2])?, cx.input(&ins[0])?);
        let out = cx.output(&outs[0])?;
        let add = Addend { c: &c, alpha: self.alpha.f32(), beta: self.beta.f32() };
        let more = More { add: Some(add), ..More::default() };
        let run = |cx: &mut Cx<'_>, plan| record(cx, &p, plan, [&a, &b], more, &out);
        let plan = cx.tuner().plan(cx, &p, (0, 0), plan, &run)?;
        run(cx, plan)
    }
}

/// Records a product by a plan, if the device can.
#[cfg(test)]
pub(super) fn record_for_test(cx: &mut Cx<'_>, p: &Product, plan: Plan, ins: [&Operand; 2], out: &Operand) -> bool {
    if !plan.fits(p, cx.caps) {
        return false;
    }
    let [a, b] = ins.map(|i| cx.input(i).expect("an operand"));
    let out = cx.output(out).expect("a result");
    record(cx, p, plan, [&a, &b], More::default(), &out).expect("a dispatch");
    true
}
