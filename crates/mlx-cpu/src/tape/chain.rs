//! Neighbouring steps of cheap functions of f32 as one loop. A loop for each function reads and writes a tile every time;
//! here a few vectors stay in registers from one function to the next, and only what is needed later is written.

use super::plan::Place;
use crate::Isa;
use crate::kernels::simd::{Body, Simd, dispatch};
use half::{bf16, f16};
use mlx_ir::Func;
use smallvec::SmallVec;

/// What happens to the value in the registers; the operand, where there is one, is read from memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Act {
    Load,
    Keep,
    Add,
    /// value + value
    Double,
    Subtract,
    /// operand - value
    SubtractFrom,
    Multiply,
    Square,
    Divide,
    /// operand / value
    DivideInto,
    Maximum,
    /// The value is the second argument, which matters for zeros.
    MaximumOf,
    Minimum,
    MinimumOf,
    Abs,
    Negative,
    /// Of the two operands that follow the first if the value is greater than its operand, else the second.
    PickGreater,
    PickGreaterEqual,
    PickEqual,
    /// Another operand of the act before.
    Operand,
    RoundF16,
    RoundBf16,
}

/// Acts with their operands.
pub(super) type Chain = SmallVec<[(Act, Place); 8]>;

/// A step that may be part of a chain.
#[derive(Clone, Copy)]
pub(super) struct Link {
    pub f: Func,
    /// Arguments, in memory or made by a step before.
    pub args: [Place; 2],
    /// What is chosen from, where `f` compares.
    pub picked: Option<[Place; 2]>,
    pub out: Place,
    /// Rounded afterwards to bf16 (true) or f16.
    pub round: Option<bool>,
    /// The last instruction that reads the result, and its own.
    pub end: usize,
    pub at: usize,
}

/// Whether a function of f32 is cheap enough to gain.
pub(super) fn is_cheap(f: Func) -> bool {
    use Func::*;
    matches!(f, Add | Subtract | Multiply | Divide | Maximum | Minimum | Abs | Negative | Square)
}

/// A comparison of f32 and a choice by it as a link's function, arguments and choices.
pub(super) fn pick(f: Func, [a, b]: [Place; 2], [x, y]: [Place; 2]) -> Option<(Func, [Place; 2], [Place; 2])> {
    use Func::*;
    Some(match f {
        Greater | GreaterEqual | Equal => (f, [a, b], [x, y]),
        Less => (Greater, [b, a], [x, y]),
        LessEqual => (GreaterEqual, [b, a], [x, y]),
        NotEqual => (Equal, [a, b], [y, x]),
        _ => return None,
    })
}

/// The function applied to the value in the registers, which is its first or second argument or both; none if it must be
/// read from memory a second time.
fn act(f: Func, first: bool, second: bool) -> Option<Act> {
    Some(match (f, first, second) {
        (Func::Add, true, true) => Act::Double,
        (Func::Multiply, true, true) | (Func::Square, ..) => Act::Square,
        (Func::Abs, ..) => Act::Abs,
        (Func::Negative, ..) => Act::Negative,
        (_, true, true) => return None,
        (Func::Add, ..) => Act::Add,
        (Func::Multiply, ..) => Act::Multiply,
        (Func::Subtract, true, _) => Act::Subtract,
        (Func::Subtract, ..) => Act::SubtractFrom,
        (Func::Divide, true, _) => Act::Divide,
        (Func::Divide, ..) => Act::DivideInto,
        (Func::Maximum, true, _) => Act::Maximum,
        (Func::Maximum, ..) => Act::MaximumOf,
        (Func::Minimum, true, _) => Act::Minimum,
        _ => Act::MinimumOf,
    })
}

/// Acts of one link.
type Own = SmallVec<[(Act, Place); 4]>;

/// With the rounding that a link asks for.
fn rounded(mut acts: Own, link: &Link) -> Own {
    if let Some(brain) = link.round {
        acts.push((if brain { Act::RoundBf16 } else { Act::RoundF16 }, link.out));
    }
    acts
}

/// The chain of these neighbouring steps. The last one's result stays in the registers.
pub(super) fn chain(links: &[Link]) -> Chain {
    let until = links.last().map_or(0, |l| l.at);
    let mut acts: Vec<Own> = Vec::with_capacity(links.len());
    let mut keep: Vec<bool> = links.iter().map(|l| l.end > until).collect();
    for (i, l) in links.iter().enumerate() {
        let mut own = Own::new();
        let mut read = |p: Place| {
            if let Some(made) = links[..i].iter().rposition(|m| m.out == p) {
                keep[made] = true;
            }
            p
        };
        let held = |p: Place| i > 0 && links[i - 1].out == p;
        if let Some([x, y]) = l.picked {
            if !held(l.args[0]) {
                own.push((Act::Load, read(l.args[0])));
            }
            let act = match l.f {
                Func::Greater => Act::PickGreater,
                Func::GreaterEqual => Act::PickGreaterEqual,
                _ => Act::PickEqual,
            };
            own.extend([(act, read(l.args[1])), (Act::Operand, read(x)), (Act::Operand, read(y))]);
            acts.push(rounded(own, l));
            continue;
        }
        let one = l.f.arity() == 1;
        let (mut first, mut second) = (held(l.args[0]), !one && held(l.args[1]));
        if !first && !second {
            own.push((Act::Load, read(l.args[0])));
            (first, second) = (true, !one && l.args[0] == l.args[1]);
        }
        if l.f != Func::Convert {
            let (a, p) = match act(l.f, first, second) {
                Some(a @ (Act::Double | Act::Square | Act::Abs | Act::Negative)) => (a, l.args[0]),
                Some(a) => (a, read(l.args[first as usize])),
                // The same argument twice, of a function for which that is no function of its own.
                None => (act(l.f, true, false).unwrap_or(Act::Load), read(l.args[1])),
            };
            own.push((a, p));
        }
        acts.push(rounded(own, l));
    }
    let mut all = Chain::new();
    for (i, own) in acts.into_iter().enumerate() {
        all.extend(own);
        if keep[i] && i + 1 < links.len() {
            all.push((Act::Keep, links[i].out));
        }
    }
    all
}

/// An operand in memory: its first element, and 1, or 0 where all elements are the same; then only the first [`BLOCK`] are
/// read.
#[derive(Clone, Copy)]
pub(super) struct Source {
    pub first: *mut f32,
    pub step: usize,
}

/// Elements ahead that are asked for when some are read: the processor sees no further than the block at hand.
const AHEAD: usize = 2 * BLOCK;

/// Elements that are worked on together at most.
pub(super) const BLOCK: usize = WIDE * 16;

/// Runs a chain over `n` elements and writes what is left in the registers, with `past` past the caches (then
/// [`crate::stream::fence`] must follow).
///
/// # Safety
/// `n` elements of f32 at every operand; `out` may be one of them, and overlaps no other. With `past`, `out` is aligned to
/// a line.
pub(super) unsafe fn run(isa: Isa, acts: &[(Act, Source)], out: *mut f32, n: usize, past: bool) {
    dispatch(isa, Run { acts, out, n, past })
}

struct Run<'a> {
    acts: &'a [(Act, Source)],
    out: *mut f32,
    n: usize,
    past: bool,
}

/// Vectors that are worked on together, where the processor holds so many and some more. Looking up what is to be done takes
/// as long as doing it with a few.
const WIDE: usize = 16;

impl Body for Run<'_> {
    type Out = ();
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let mut i = 0;
        // SAFETY: within `n`; what is streamed starts at whole vectors from an aligned address.
        unsafe {
            if S::REGISTERS > WIDE {
                self.blocks::<S, WIDE>(&mut i);
                self.blocks::<S, { WIDE / 4 }>(&mut i);
            } else {
                self.blocks::<S, { WIDE / 2 }>(&mut i);
            }
            self.blocks::<S, 1>(&mut i);
            if i < self.n {
                block::<S, 1, true>(self.acts, self.out, i, self.n - i, false);
            }
        }
    }
}

impl Run<'_> {
    /// Blocks of `W` vectors from element `i` on, as many as there are.
    ///
    /// # Safety
    /// As [`run`].
    #[inline(always)]
    unsafe fn blocks<S: Simd, const W: usize>(&self, i: &mut usize) {
        while *i + W * S::N <= self.n {
            // SAFETY: passed on.
            unsafe { block::<S, W, false>(self.acts, self.out, *i, 0, self.past) };
            *i += W * S::N;
        }
    }
}

/// `W` vectors from element `i` on, or, with `PART`, `rest` elements, which are never written past the caches.
///
/// # Safety
/// As [`run`], with the elements at hand.
#[inline(always)]
unsafe fn block<S: Simd, const W: usize, const PART: bool>(
    acts: &[(Act, Source)],
    out: *mut f32,
    i: usize,
    rest: usize,
    past: bool,
) {
    // SAFETY: the level's features are there.
    let mut v = [unsafe { S::zero() }; W];
    macro_rules! each {
        (|$x:ident| $e:expr) => {
            for j in 0..W {
                let $x = v[j];
                v[j] = $e;
            }
        };
        (|$x:ident, $y:ident| $e:expr, $p:expr, $step:expr) => {
            if $step == 0 {
                // One element for all is read once.
                let $y = if PART { S::load_part($p, rest) } else { S::load($p) };
                for j in 0..W {
                    let $x = v[j];
                    v[j] = $e;
                }
            } else {
                for j in 0..W {
                    let $x = v[j];
                    let $y = if PART { S::load_part($p, rest) } else { S::load($p.add(j * S::N)) };
                    v[j] = $e;
                }
            }
        };
    }
    let put = |p: *mut f32, v: &[S::F; W]| {
        for j in 0..W {
            // SAFETY: as below.
            unsafe { if PART { S::store_part(p, v[j], rest) } else { S::store(p.add(j * S::N), v[j]) } }
        }
    };
    macro_rules! pick {
        ($k:ident, $p:ident, $step:expr, $pick:ident) => {{
            let one = |p: *const f32, step: usize, j: usize| {
                if PART { S::load_part(p, rest) } else { S::load(p.add(j * S::N * step)) }
            };
            let ((_, x), (_, y)) = (acts[$k + 1], acts[$k + 2]);
            let (xs, ys) = (x.first.add(i * x.step), y.first.add(i * y.step));
            if W > 1 && $step != 0 {
                for j in 0..W {
                    S::prefetch($p.wrapping_add(AHEAD + j * S::N));
                }
            }
            for j in 0..W {
                v[j] = S::$pick(v[j], one($p, $step, j), one(xs, x.step, j), one(ys, y.step, j));
            }
        }};
    }
    for (k, &(act, from)) in acts.iter().enumerate() {
        // SAFETY: the caller's promise; the level's features are there.
        unsafe {
            let p = from.first.add(i * from.step);
            match act {
                Act::Load => {
                    if W > 1 && from.step != 0 {
                        for j in 0..W {
                            S::prefetch(p.wrapping_add(AHEAD + j * S::N));
                        }
                    }
                    each!(|_x, y| y, p, from.step)
                }
                Act::Keep => put(p, &v),
                Act::Add => each!(|x, y| S::add(x, y), p, from.step),
                Act::Double => each!(|x| S::add(x, x)),
                Act::Subtract => each!(|x, y| S::sub(x, y), p, from.step),
                Act::SubtractFrom => each!(|x, y| S::sub(y, x), p, from.step),
                Act::Multiply => each!(|x, y| S::mul(x, y), p, from.step),
                Act::Square => each!(|x| S::mul(x, x)),
                Act::Divide => each!(|x, y| S::div(x, y), p, from.step),
                Act::DivideInto => each!(|x, y| S::div(y, x), p, from.step),
                Act::Maximum => each!(|x, y| S::larger(x, y), p, from.step),
                Act::MaximumOf => each!(|x, y| S::larger(y, x), p, from.step),
                Act::Minimum => each!(|x, y| S::smaller(x, y), p, from.step),
                Act::MinimumOf => each!(|x, y| S::smaller(y, x), p, from.step),
                Act::Abs => each!(|x| S::abs(x)),
                Act::Negative => each!(|x| S::neg(x)),
                Act::PickGreater => pick!(k, p, from.step, pick_gt),
                Act::PickGreaterEqual => pick!(k, p, from.step, pick_ge),
                Act::PickEqual => pick!(k, p, from.step, pick_eq),
                Act::Operand => {}
                Act::RoundF16 => each!(|x| {
                    let mut t = [f16::ZERO; 16];
                    S::store_f16(t.as_mut_ptr(), x);
                    S::load_f16(t.as_ptr())
                }),
                Act::RoundBf16 => each!(|x| {
                    let mut t = [bf16::ZERO; 16];
                    S::store_bf16(t.as_mut_ptr(), x);
                    S::load_bf16(t.as_ptr())
                }),
            }
        }
    }
    // SAFETY: as above.
    unsafe {
        let p = out.add(i);
        if past && !PART {
            for j in 0..W {
                S::stream(p.add(j * S::N), v[j]);
            }
        } else {
            put(p, &v);
        }
    }
}
