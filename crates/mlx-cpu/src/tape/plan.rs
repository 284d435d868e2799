//! A tape prepared for running: a loop for every instruction, and a register (a tile in scratch memory) for every
//! value that needs one.

use super::chain::{self, Chain, Link};
use super::{Reg, convert, select};
use crate::Isa;
use crate::level::Loop;
use mlx_ir::tape::{Step as Source, Tape};
use mlx_ir::{DType, Func};
use smallvec::SmallVec;

/// Most bytes of a register.
pub(super) const TILE: usize = 4096;
/// Bytes that all registers of a tape take together at most, as long as one has at least a quarter of [`TILE`]: they are
/// read and written again and again, so they should stay in the nearest cache.
const NEAR: usize = 24 << 10;

/// Registers are multiples of this many bytes.
const ROUND: usize = chain::BLOCK * 4;

/// Where a value is found while a tile is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Input(u8),
    Reg(u8),
}

/// One loop.
pub(super) struct Step {
    pub run: Loop,
    pub args: [Place; 3],
    /// None: the result of the tape, not needed in a register otherwise.
    pub out: Place,
    /// Rounds the result to a half type, in place of `out`.
    pub round: Option<Loop>,
    /// Takes the place of `run` and `round`, and of the steps that were before this one.
    pub chain: Option<Chain>,
}

/// How a value goes to or comes from memory when it is held differently there.
pub(super) type Transfer = Option<Loop>;

pub(super) struct Plan {
    pub steps: SmallVec<[Step; 4]>,
    /// Constants: register, bits, size of the element.
    pub consts: SmallVec<[(u8, u64, u8); 2]>,
    /// Where the result is; if it is the last step's register, the step may write to memory instead.
    pub result: Place,
    pub result_of_last_step: bool,
    /// Conversion of each input on loading.
    pub loads: SmallVec<[Transfer; 3]>,
    pub store: Transfer,
    /// Registers used, not counting those of inputs.
    pub regs: usize,
    /// Bytes from one register to the next.
    pub room: usize,
    /// Elements of a tile.
    pub tile: usize,
    /// Rough work per element, an addition being 1.
    pub cost: usize,
    pub isa: Isa,
}

/// Whether every function of the tape has a loop.
pub(super) fn is_known(t: &Tape) -> bool {
    let n = t.inputs().len();
    n > 0
        && !t.instrs().is_empty()
        && t.instrs().iter().enumerate().all(|(k, i)| match i.step {
            Source::Const(_) => true,
            Source::Call(f, args) => {
                args[..f.arity()].iter().all(|&a| (a as usize) < n + k)
                    && select(f, t.value_dtype(args[f.arity() - 1]), i.dtype, Isa::Scalar).is_some()
            }
        })
}

fn brain(d: DType) -> bool {
    d == DType::BF16
}
fn is_half(d: DType) -> bool {
    matches!(d, DType::F16 | DType::BF16)
}

fn weight(f: Func, at: DType) -> usize {
    let w = match f {
        Func::Exp | Func::Expm1 | Func::Log | Func::Log2 | Func::Log10 | Func::Log1p | Func::Sigmoid => 6,
        Func::Sin | Func::Cos | Func::Tan | Func::Arcsin | Func::Arccos | Func::Arctan | Func::Sinh => 6,
        Func::Cosh | Func::Tanh | Func::Arcsinh | Func::Arccosh | Func::Arctanh | Func::Erf | Func::Arctan2 => 8,
        Func::Logaddexp | Func::Remainder | Func::FloorDivide => 8,
        Func::Power | Func::Erfinv => 16,
        Func::Divide | Func::Sqrt | Func::Rsqrt => 2,
        _ => 1,
    };
    match at {
        DType::F64 if w > 2 => 2 * w,
        DType::C64 => 4 * w,
        _ => w,
    }
}

impl Plan {
    /// Prepares a tape that [`is_known`].
    pub fn new(t: &Tape, isa: Isa) -> Plan {
        let n = t.inputs().len();
        let instrs = t.instrs();
        let last = n + instrs.len() - 1;
        let mut widest = 1;
        for v in 0..=last {
            widest = widest.max(Reg::of(t.value_dtype(v as u8)).size());
        }
        let loads = t
            .inputs()
            .iter()
            .map(|&d| match d {
                DType::Bool => Some(convert::normalize_bool(isa)),
                DType::F16 | DType::BF16 => Some(convert::widen(brain(d), isa)),
                _ => None,
            })
            .collect();
        let out = t.dtype();
        let mut p = Plan {
            steps: SmallVec::new(),
            consts: SmallVec::new(),
            result: Place::Input(0),
            result_of_last_step: false,
            loads,
            store: is_half(out).then(|| convert::narrow(brain(out), isa)),
            regs: 0,
            room: TILE,
            tile: 0,
            cost: 0,
            isa,
        };
        // By step: what a chain must know, where it may be part of one.
        let mut links: SmallVec<[Option<Link>; 4]> = SmallVec::new();
        // The last step, if it compares f32: its value, and what a choice by it must know.
        let mut compared: Option<(usize, Func, [Place; 2])> = None;
        let mut places: SmallVec<[Place; 8]> = (0..n).map(|i| Place::Input(i as u8)).collect();
        // The last instruction that reads each value; the result is needed after all of them.
        let mut ends: SmallVec<[usize; 64]> = smallvec::smallvec![0; last + 1];
        for (k, i) in instrs.iter().enumerate() {
            if let Source::Call(f, args) = i.step {
                args[..f.arity()].iter().for_each(|&a| ends[a as usize] = k);
            }
        }
        ends[last] = usize::MAX;
        // By register: the last instruction that reads it. Those that are free, or hold constants, never become free.
        let mut until: SmallVec<[usize; 16]> = SmallVec::new();
        let mut free: SmallVec<[u8; 8]> = SmallVec::new();
        for (k, i) in instrs.iter().enumerate() {
            let v = n + k;
            let place = match i.step {
                Source::Const(bits) => {
                    let (bits, size) = const_bits(bits, i.dtype);
                    let r = p.regs as u8;
                    p.regs += 1;
                    p.consts.push((r, bits, size));
                    Place::Reg(r)
                }
                Source::Call(f, args) => {
                    let at = t.value_dtype(args[f.arity() - 1]);
                    let mut a = [Place::Input(0); 3];
                    for j in 0..f.arity() {
                        a[j] = places[args[j] as usize];
                    }
                    let same = f == Func::Convert && Reg::of(at) == Reg::of(i.dtype);
                    // Held alike; rounding to a half type is left to the store when nobody else looks.
                    if same && (!is_half(i.dtype) || at == i.dtype || v == last) {
                        p.cost += 1;
                        // The mask of a comparison may have a second name now.
                        compared = None;
                        if let Some(l) = links.iter_mut().flatten().rev().find(|l| l.out == a[0]) {
                            l.end = l.end.max(ends[v]);
                        }
                        a[0]
                    } else {
                        p.cost += weight(f, at);
                        let r = free.pop().unwrap_or_else(|| {
                            p.regs += 1;
                            (p.regs - 1) as u8
                        });
                        if let Some(end) = until.get_mut(r as usize) {
                            *end = 0;
                        }
                        let round = is_half(i.dtype).then(|| convert::round(brain(i.dtype), isa));
                        let run = match (same, round) {
                            (true, Some(round)) => round,
                            _ => select(f, at, i.dtype, isa).expect("asked by is_known"),
                        };
                        let rounds = round.is_some() && (same || v != last);
                        let round = if same || v == last { None } else { round };
                        let floats = Reg::of(at) == Reg::F32 && Reg::of(i.dtype) == Reg::F32;
                        let link = Link {
                            f,
                            args: [a[0], a[1]],
                            picked: None,
                            out: Place::Reg(r),
                            round: rounds.then(|| brain(i.dtype)),
                            end: ends[v],
                            at: k,
                        };
                        // A comparison that only this choice asks for needs no mask in memory. Its arguments' registers may
                        // be free by now, and this step's among them, which a chain allows.
                        let pick = compared
                            .take_if(|c| floats && f == Func::Select && c.0 == args[0] as usize && ends[c.0] == k)
                            .and_then(|c| chain::pick(c.1, c.2, [a[1], a[2]]));
                        if let Some((f, args, picked)) = pick {
                            p.steps.pop();
                            links.pop();
                            links.push(Some(Link { f, args, picked: Some(picked), ..link }));
                        } else {
                            links.push((floats && (chain::is_cheap(f) || same)).then_some(link));
                        }
                        compared = (Reg::of(at) == Reg::F32 && i.dtype == DType::Bool).then_some((v, f, [a[0], a[1]]));
                        p.steps.push(Step { run, args: a, out: Place::Reg(r), round, chain: None });
                        p.result_of_last_step = v == last;
                        Place::Reg(r)
                    }
                }
            };
            places.push(place);
            // A register is free once no later instruction reads a value that it holds.
            if let Place::Reg(r) = place {
                until.resize(p.regs, 0);
                let end = if matches!(i.step, Source::Const(_)) { usize::MAX } else { ends[v] };
                until[r as usize] = until[r as usize].max(end);
            }
            for (r, end) in until.iter_mut().enumerate() {
                if *end <= k {
                    *end = usize::MAX;
                    free.push(r as u8);
                }
            }
        }
        p.result = places[last];
        p.steps = joined(p.steps, &links);
        // One for each input and one for raw elements as well; of constants a chain reads a little only. Whole blocks of
        // chains.
        let chained = p.steps.iter().any(|s| s.chain.is_some());
        let used = n + 1 + p.regs - if chained { p.consts.len() } else { 0 };
        p.room = (NEAR / used).clamp(TILE / 4, TILE) / ROUND * ROUND;
        p.tile = p.room / widest;
        p
    }
}

/// The steps with neighbours that can be chained made one.
fn joined(steps: SmallVec<[Step; 4]>, links: &[Option<Link>]) -> SmallVec<[Step; 4]> {
    let mut all = SmallVec::new();
    let mut run: SmallVec<[Link; 8]> = SmallVec::new();
    for (k, mut step) in steps.into_iter().enumerate() {
        let Some(link) = links[k] else {
            all.push(step);
            continue;
        };
        run.push(link);
        let more = links.get(k + 1).is_some_and(Option::is_some);
        if !more {
            if run.len() > 1 || link.f != Func::Convert {
                all.truncate(all.len() + 1 - run.len());
                step.chain = Some(chain::chain(&run));
            }
            run.clear();
        }
        all.push(step);
    }
    all
}

/// A constant's bits as its register holds it, and their size.
fn const_bits(bits: u64, d: DType) -> (u64, u8) {
    let (bits, size) = match d {
        DType::F16 => (crate::level::half_to_f32(bits as u16).to_bits() as u64, 4),
        DType::BF16 => (crate::level::brain_to_f32(bits as u16).to_bits() as u64, 4),
        DType::Bool => ((bits & 0xff != 0) as u64, 1),
        d => (bits, d.size()),
    };
    (bits, size as u8)
}
