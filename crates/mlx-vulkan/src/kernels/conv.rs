//! Convolutions of floats: products of the weights with what the places of the result see, a batch for each group of
//! channels. What a place sees is read from the input while a tile is loaded (`shaders/common/conv.glsl`).

use super::Kernel;
use super::matmul::{COLUMNS_GROUP, Plan, Product, Rules, Variant, coop_plan, spread};
use super::picks::sum_of_parts;
use super::rows::{by_dtype, element};
use super::tiles::{HIGH, LOW, MIDDLE, Tile};
use crate::Caps;
use crate::record::{Bound, Cx, Dispatch, Shader, fits};
use crate::shaders;
use mlx_ir::op::{Conv, ConvSpec};
use mlx_ir::{DType, Desc, Operand, Result};
use smallvec::SmallVec;

/// Axes of space that the shaders know.
const AXES: usize = 3;
/// Features of a group below which each result is computed by itself: a tile would be nearly empty.
const FEW: usize = 8;
/// Places whose results an invocation computes then.
const PLACES: usize = 4;
/// The tile for few features.
pub(super) const NARROW: Tile = Tile::of(64, 32, 32, 4, 4);

/// What a kernel is told of the axes of space, those that are not there in front.
#[derive(Clone, Debug, PartialEq)]
struct Space {
    places: [i32; AXES],
    stride: [i32; AXES],
    low: [i32; AXES],
    /// From one element of the kernel to the next.
    pace: [i32; AXES],
    /// From one element of the input to the next.
    spread: [i32; AXES],
    size: [i32; AXES],
    kernel: [i32; AXES],
}

impl Space {
    /// None for more axes, and for numbers beyond what shaders count with.
    fn new(s: &ConvSpec, x: &Desc, w: &Desc, out: &Desc) -> Option<Space> {
        let n = s.stride.len();
        let skip = AXES.checked_sub(n)?;
        let mut o = Space {
            places: [1; AXES],
            stride: [1; AXES],
            low: [0; AXES],
            pace: [1; AXES],
            spread: [1; AXES],
            size: [1; AXES],
            kernel: [1; AXES],
        };
        // Sums of a few of them are numbers too.
        let number = |v: usize| i32::try_from(v).ok().filter(|&v| v < i32::MAX / 4);
        for i in 0..n {
            let (size, kernel, places) = (x.shape[i + 1], w.shape[i + 1], out.shape[i + 1]);
            let d = skip + i;
            // A distance counts only where there are two.
            let apart = |of: usize, distance: usize| if of > 1 { number(distance) } else { Some(1) };
            o.size[d] = number(size)?;
            o.kernel[d] = number(kernel)?;
            o.places[d] = number(places)?;
            o.stride[d] = apart(places, s.stride[i])?;
            o.pace[d] = apart(kernel, s.kernel_dilation[i])?;
            o.spread[d] = apart(size, s.input_dilation[i])?;
            o.low[d] = number(s.low[i])?;
            let reach = (kernel - 1).checked_mul(o.pace[d] as usize).and_then(number)?;
            size.checked_mul(o.spread[d] as usize).and_then(number)?;
            places.checked_mul(o.stride[d] as usize).and_then(number)?;
            if s.flip {
                o.low[d] -= reach;
                o.pace[d] = -o.pace[d];
            }
        }
        Some(o)
    }
}

/// Which kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Way {
    /// Each result by itself.
    Each,
    Tiles(Plan),
}

/// A convolution, as a product for each group.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    space: Space,
    channels: usize,
    pub product: Product,
}

/// Whether the expansion is one product of matrices, without copies.
fn is_product(s: &ConvSpec, w: &Desc) -> bool {
    let one = |a: &[usize]| a.iter().all(|&v| v == 1);
    s.groups == 1
        && one(&w.shape[1..w.ndim() - 1])
        && one(&s.stride)
        && one(&s.input_dilation)
        && s.low.iter().chain(&s.high).all(|&p| p == 0)
}

impl Windows {
    pub fn new(s: &ConvSpec, ins: &[Desc], out: &Desc) -> Option<Windows> {
        let (x, w, last) = (&ins[0], &ins[1], out.ndim() - 1);
        let d = out.dtype;
        let able = matches!(d, DType::F32 | DType::F16 | DType::BF16)
            && ins.iter().all(|i| i.dtype == d && i.is_contiguous())
            && !is_product(s, w);
        let (channels, features) = (w.shape[last], out.shape[last]);
        let (n, k) = (features / s.groups, w.shape[1..].iter().product());
        let m = out.shape[..last].iter().product();
        // Steps beyond the end are counted as well.
        let counted = [m, k, features, x.size(), w.size(), out.size()].iter().all(|&v| v < (i32::MAX / 2) as usize);
        if !able || !counted || k == 0 {
            return None;
        }
        let along = [k as isize, 1];
        let product = Product {
            dtype: d,
            m,
            n,
            k,
            batch: [1, 1, s.groups],
            over: [[0; 3]; 3],
            a: along,
            b: along,
            c: [0; 2],
            out: [features as isize, 1],
            added: false,
            chosen: [None; 2],
            runs: false,
        };
        Some(Windows { space: Space::new(s, x, w, out)?, channels, product })
    }

    /// Invocations where each result is computed by itself, `width` neighbours at a time.
    fn items(&self, width: usize) -> usize {
        let words = self.product.batches() * self.product.n / width;
        // As the shader divides them.
        let beside = (32 / words).max(1);
        self.product.m.div_ceil(beside * PLACES) * beside * words
    }
    /// Whether results can be stored in whole words.
    fn whole_words(&self, way: Way) -> bool {
        match way {
            // A word may hold features of two groups.
            Way::Each => (self.product.batches() * self.product.n * self.product.dtype.size()).is_multiple_of(4),
            Way::Tiles(_) => self.product.whole_words(),
        }
    }
    /// Results of an invocation that stand side by side, where each is computed by itself.
    fn width(&self) -> usize {
        if self.whole_words(Way::Each) { 4 / self.product.dtype.size() } else { 1 }
    }

    /// Whether a device can go this way.
    pub fn fits(&self, way: Way, caps: &Caps) -> bool {
        let p = &self.product;
        match way {
            Way::Each => {
                let groups = self.items(self.width()).div_ceil(COLUMNS_GROUP as usize) as u64;
                let sums = p.outputs() as u64 * 4;
                groups <= u64::from(caps.workgroup_count[0]) * u64::from(caps.workgroup_count[1])
                    && sums + caps.storage_alignment.max(64) <= caps.storage_range
            }
            Way::Tiles(plan) => {
                // An invocation has the same terms of all rows that it loads.
                let same = |group: u32, step: u32| group.is_multiple_of(step / p.chunk() as u32);
                let able = match plan.variant {
                    Variant::Tile(t) => same(t.group(), t.step),
                    Variant::Coop(c) => same(c.group(), c.tile.step),
                    Variant::Wide(_) | Variant::Rows(_) | Variant::Columns => false,
                };
                able && !plan.flip && plan.fits(p, caps)
            }
        }
    }

    /// The way by shape and capabilities alone; none if the device can go none.
    fn choose(&self, caps: &Caps) -> Option<Way> {
        let p = &self.product;
        let rules = Rules::default();
        let tiles = |t| Plan { variant: Variant::Tile(t), flip: false, parts: 1 };
        let first = if p.n < FEW {
            None
        } else if let Some(plan) = coop_plan(p, caps, &rules) {
            Some(plan)
        } else if p.n <= NARROW.columns as usize {
            Some(tiles(NARROW))
        } else if p.m <= LOW.rows as usize {
            Some(tiles(LOW))
        } else {
            Some(tiles(HIGH)).filter(|high| high.groups(p) >= rules.many)
        };
        let middle = (p.n >= FEW).then_some(tiles(MIDDLE));
        let plans = [first, middle].into_iter().flatten().flat_map(|plan| [plan.split(p, &rules), plan]);
        plans.map(Way::Tiles).chain([Way::Each]).find(|&way| self.fits(way, caps))
    }

    fn shader(&self, way: Way) -> Option<&'static Shader> {
        use shaders::*;
        let d = self.product.dtype;
        match way {
            Way::Each => by_dtype(d, [&CONV_EACH_F32, &CONV_EACH_F16, &CONV_EACH_BF16]),
            Way::Tiles(Plan { variant: Variant::Coop(_), .. }) => match d {
                DType::F16 => Some(&CONV_COOP_F16),
                DType::BF16 => Some(&CONV_COOP_BF16),
                _ => None,
            },
            Way::Tiles(_) => by_dtype(d, [&CONV_TILE_F32, &CONV_TILE_F16, &CONV_TILE_BF16]),
        }
    }

    /// Records it.
    ///
    /// # Errors
    /// As [`Cx::dispatch`].
    fn record(&self, cx: &mut Cx<'_>, way: Way, [x, w]: [&Bound; 2], out: &Bound) -> Result<()> {
        let Some(shader) = self.shader(way) else { return Ok(()) };
        let (p, s) = (&self.product, &self.space);
        let (terms, groups, lanes) = match way {
            Way::Each => (p.k, self.items(self.width()).div_ceil(COLUMNS_GROUP as usize), 0),
            Way::Tiles(plan) => {
                let lanes = if let Variant::Coop(c) = plan.variant { c.lanes } else { 0 };
                (plan.terms(p), plan.groups(p), lanes)
            }
        };
        let parts = p.k.div_ceil(terms);
        let direct = parts == 1 && self.whole_words(way);
        let wide = |b: &Bound, run: usize| u32::from(b.first.is_multiple_of(16) && run.is_multiple_of(p.chunk()));
        let mut spec: SmallVec<[u32; 24]> = smallvec::smallvec![
            COLUMNS_GROUP,
            1,
            wide(x, self.channels),
            1,
            wide(w, p.k),
            s.spread.iter().any(|&v| v > 1).into(),
            (!direct).into(),
            cx.caps.fp16.into(),
        ];
        match way {
            Way::Each => spec.push(PLACES as u32),
            Way::Tiles(plan) => match plan.variant {
                Variant::Coop(c) => {
                    spec[0] = c.group();
                    spec.extend([c.tile.rows, c.tile.columns, c.tile.step, c.tile.down, c.tile.across]);
                    spec.extend(c.matrix);
                    // By number, as in all products.
                    spec.resize(18, 0);
                    spec.push(lanes);
                }
                Variant::Tile(t) => {
                    spec[0] = t.group();
                    spec.extend(t.spec());
                }
                Variant::Wide(_) | Variant::Rows(_) | Variant::Columns => {}
            },
        }
        let target = if direct { out.clone() } else { cx.scratch(p.outputs() * parts * 4)? };
        let first_out = if direct { element(&target, p.dtype) } else { target.first / 4 };
        let mut push: SmallVec<[u32; 32]> = smallvec::smallvec![p.m as u32, p.n as u32, p.k as u32];
        push.extend([element(x, p.dtype), element(w, p.dtype), first_out]);
        push.extend([p.batches(), terms, parts, self.channels].map(|v| v as u32));
        push.extend(s.kernel[1..].iter().map(|&v| v as u32));
        push.extend([s.places, s.stride, s.low, s.pace, s.spread, s.size].iter().flatten().map(|&v| v as u32));
        let groups = spread(cx.caps, groups * parts);
        cx.dispatch_by(&Dispatch { shader, spec: &spec, bind: &[x, w, &target], push: &push, groups }, lanes)?;
        if direct { Ok(()) } else { sum_of_parts(cx, p.dtype, p.outputs(), parts, &target, out) }
    }
}

/// The convolution and its way; none if there is no kernel for it.
fn plan(s: &ConvSpec, ins: &[Desc], out: &Desc, caps: &Caps) -> Option<(Windows, Way)> {
    let windows = Windows::new(s, ins, out)?;
    let way = windows.choose(caps)?;
    Some((windows, way))
}

impl Kernel for Conv {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let whole = ins.iter().chain(outs).all(|d| fits(caps, d));
        whole && (outs[0].size() == 0 || plan(&self.spec, ins, &outs[0], caps).is_some())
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let descs = [ins[0].desc.clone(), ins[1].desc.clone()];
        let Some((windows, way)) = plan(&self.spec, &descs, &outs[0].desc, cx.caps) else { return Ok(()) };
        let (x, w, out) = (cx.input(&ins[0])?, cx.input(&ins[1])?, cx.output(&outs[0])?);
        windows.record(cx, way, [&x, &w], &out)
    }
}

/// Records a convolution by a way, if the device can.
#[cfg(test)]
pub(super) fn record_for_test(cx: &mut Cx<'_>, windows: &Windows, way: Way, ins: [&Operand; 2], out: &Operand) -> bool {
    if !windows.fits(way, cx.caps) {
        return false;
    }
    let [x, w] = ins.map(|i| cx.input(i).expect("an operand"));
    let out = cx.output(out).expect("a result");
    windows.record(cx, way, [&x, &w], &out).expect("a dispatch");
    true
}
