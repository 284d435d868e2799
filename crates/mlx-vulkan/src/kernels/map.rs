//! Elementwise work: a tape becomes a shader of its own; copies are tapes that do nothing.

use super::Kernel;
use crate::Caps;
use crate::emit::{self, Cells, Folding, Gathering, Halves, Moving, Place, Updating};
use crate::hash::Quick;
use crate::record::{Bound, Cx, Dispatch, PUSH_WORDS};
use mlx_ir::desc::collapse;
use mlx_ir::op::Map;
use mlx_ir::{DType, Desc, Operand, QuantFormat, Result, Tape};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{OnceLock, RwLock};

/// Invocations of a workgroup.
pub(crate) const GROUP: u32 = 128;
/// Words that an invocation computes where there are many, and how many that is; longer tapes have enough to do.
const TIMES: u32 = 4;
pub(super) const MANY: usize = 1 << 20;
const SHORT: usize = 12;
/// Bytes of a request of memory by one invocation, requests of inputs that it should have under way, those of a block at
/// most, and functions that it computes at most.
const REQUEST: usize = 16;
const UNDER_WAY: usize = 4;
const MOST: usize = 12;
const FUNCTIONS: usize = 128;

/// What a shader of a tape depends on.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct MapKey {
    pub tape: Tape,
    places: SmallVec<[Place; 4]>,
    out: Place,
    dims: usize,
    work: Work,
}

/// What an invocation computes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Work {
    /// So many words.
    Words(u32),
    /// So many blocks, each of so many elements: [`emit::vectors`].
    Blocks { each: u32, times: u32 },
}

/// A shader that is made at run time.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    /// Elementwise.
    Map(MapKey),
    /// A reduction.
    Fold(Folding),
    /// Rows of a matrix of blocks: all, or those named by indices of this dtype.
    Rows(QuantFormat, Option<DType>),
    /// Evenly spaced values of this dtype.
    Arange(DType),
    /// Random words for keys in so many dimensions.
    Random(usize),
    /// A copy of a box whose start is computed.
    Moving(Moving),
    /// A copy of elements at indices.
    Gather(Gathering),
    /// Which elements updates are for.
    Cells(Cells),
    /// Which update of an element is the last.
    Claim,
    /// Updates of elements.
    Update(Updating),
}

impl From<MapKey> for Key {
    fn from(k: MapKey) -> Key {
        Key::Map(k)
    }
}
impl From<Folding> for Key {
    fn from(k: Folding) -> Key {
        Key::Fold(k)
    }
}

impl Key {
    /// The SPIR-V; none if a function that it needs has none.
    pub fn emit(&self, halves: Halves) -> Option<Vec<u32>> {
        match self {
            Key::Map(k) => match k.work {
                Work::Words(times) => emit::map(&k.tape, &k.places, k.out, k.dims, times, halves),
                Work::Blocks { each, times } => emit::vectors(&k.tape, &k.places, each, times, halves),
            },
            Key::Fold(k) => emit::fold(k, halves),
            Key::Rows(format, indices) => emit::rows(*format, *indices),
            Key::Arange(d) => emit::arange(*d),
            Key::Random(dims) => Some(emit::random(*dims)),
            Key::Moving(m) => emit::moving(m),
            Key::Gather(g) => emit::gather(g),
            Key::Cells(s) => emit::cells(s),
            Key::Claim => Some(emit::claim()),
            Key::Update(s) => emit::update(s),
        }
    }
    /// For messages.
    pub fn name(&self) -> String {
        match self {
            Key::Map(k) => match k.tape.as_single() {
                Some(f) => format!("map {} {}", f.name(), k.tape.dtype()),
                None => format!("map of {} steps, {}", k.tape.instrs().len(), k.tape.dtype()),
            },
            Key::Fold(k) => format!("{:?} {}", k.fold, k.out),
            Key::Rows(format, _) => format!("rows of {}", format.name()),
            Key::Arange(d) => format!("arange {d}"),
            Key::Random(_) => "random bits".into(),
            Key::Moving(m) => format!("box of {}", m.dtype),
            Key::Gather(g) => format!("gather {}", g.dtype),
            Key::Cells(_) => "updated elements".into(),
            Key::Claim => "last updates".into(),
            Key::Update(s) => format!("scatter {}", s.dtype),
        }
    }
    /// Whether it needs 64-bit integers.
    fn wide(&self) -> bool {
        let wide = |d: DType| matches!(d, DType::U64 | DType::I64);
        let tape = match self {
            Key::Map(k) => &k.tape,
            Key::Fold(k) => &k.tape,
            Key::Rows(_, indices) => return indices.is_some_and(wide),
            Key::Arange(d) => return wide(*d),
            Key::Update(s) => return s.meets.is_some() && wide(s.dtype),
            Key::Random(_) | Key::Moving(_) | Key::Gather(_) | Key::Cells(_) | Key::Claim => return false,
        };
        tape.inputs().iter().copied().chain(tape.instrs().iter().map(|i| i.dtype)).any(wide)
    }
}

/// Whether the shader can be written for the device; remembered, since it takes writing it.
pub(super) fn known(key: Key, caps: &Caps) -> bool {
    static KNOWN: OnceLock<RwLock<HashMap<Key, bool, Quick>>> = OnceLock::new();
    let known = KNOWN.get_or_init(RwLock::default);
    if key.wide() && !caps.int64 {
        return false;
    }
    if let Some(&a) = known.read().unwrap_or_else(|e| e.into_inner()).get(&key) {
        return a;
    }
    // Which shaders there are does not depend on how f16 are converted.
    let a = key.emit(Halves::Integers).is_some();
    known.write().unwrap_or_else(|e| e.into_inner()).insert(key, a);
    a
}

/// Whether the tape's functions can be written. Each thread remembers what it asked last, so that most answers need
/// neither a lock nor a copy.
fn able(tape: &Tape, caps: &Caps) -> bool {
    type Asked = Vec<(Tape, bool, bool)>;
    thread_local!(static ASKED: RefCell<Asked> = const { RefCell::new(Vec::new()) });
    ASKED.with_borrow_mut(|asked| {
        if let Some(a) = asked.iter().find(|a| a.1 == caps.int64 && a.0 == *tape) {
            return a.2;
        }
        let able = written(tape, caps);
        if asked.len() == 8 {
            asked.remove(0);
        }
        asked.push((tape.clone(), caps.int64, able));
        able
    })
}

fn written(tape: &Tape, caps: &Caps) -> bool {
    let places = smallvec::smallvec![Place::Flat; tape.inputs().len()];
    known(MapKey { tape: tape.clone(), places, out: Place::Flat, dims: 1, work: Work::Words(1) }.into(), caps)
}

/// Workgroups across and down for so many invocations.
pub(super) fn grid(caps: &Caps, invocations: usize) -> (u32, u32) {
    let groups = invocations.div_ceil(GROUP as usize);
    let across = groups.min(caps.workgroup_count[0] as usize).clamp(1, 65535);
    (across as u32, groups.div_ceil(across) as u32)
}

/// How operands are walked: collapsed dimensions, the places of the inputs and of the output.
struct Plan {
    shape: SmallVec<[usize; 6]>,
    /// Of the output, then of the inputs; none if all are flat.
    strides: SmallVec<[SmallVec<[isize; 6]>; 4]>,
    places: SmallVec<[Place; 4]>,
    out: Place,
}

impl Plan {
    fn new(ins: &[&Desc], out: &Desc, scattered: bool) -> Plan {
        // Most work is of arrays that lie as they are counted: what follows would find one dimension.
        let n = out.size();
        let same = |d: &&Desc| d.strides == out.strides && d.shape == out.shape;
        if !scattered && n > 1 && out.is_contiguous() && ins.iter().all(same) {
            return Plan {
                shape: smallvec::smallvec![n],
                strides: SmallVec::new(),
                places: smallvec::smallvec![Place::Flat; ins.len()],
                out: Place::Flat,
            };
        }
        let mut strides: SmallVec<[&[isize]; 8]> = smallvec::smallvec![&out.strides[..]];
        strides.extend(ins.iter().map(|i| &i.strides[..]));
        let walk = collapse(&out.shape, &strides);
        let flat: SmallVec<[isize; 6]> = mlx_ir::desc::row_major(&walk.shape).iter().copied().collect();
        let places = walk.strides[1..]
            .iter()
            .map(|s| match () {
                () if s.iter().all(|&s| s == 0) => Place::Scalar,
                () if s[..] == flat[..] => Place::Flat,
                () => Place::Strided,
            })
            .collect();
        let out = if scattered { Place::Strided } else { Place::Flat };
        let copy = |s: &[isize]| s.iter().copied().collect();
        Plan {
            shape: walk.shape.iter().copied().collect(),
            strides: walk.strides.iter().map(|s| copy(s)).collect(),
            places,
            out,
        }
    }

    /// Words of push constants.
    fn words(&self) -> usize {
        let strided =
            self.places.iter().filter(|&&p| p == Place::Strided).count() + (self.out == Place::Strided) as usize;
        let dims = self.shape.len();
        3 + self.places.len() + if strided > 0 { dims - 1 + strided * dims } else { 0 }
    }
}

/// Whether a tape over such operands has a kernel.
pub(super) fn supports(tape: &Tape, caps: &Caps, ins: &[&Desc], out: &Desc, scattered: bool) -> bool {
    ins.len() < caps.storage_buffers.min(crate::hal::device::MAX_BINDINGS as u32) as usize
        && out.size() < u32::MAX as usize
        // An output of narrow elements may turn out to begin inside a word.
        && (out.size() == 0 || Plan::new(ins, out, scattered || out.dtype.size() < 4).words() <= PUSH_WORDS)
        && able(tape, caps)
}

/// Records a tape. With `scattered` the output is written by its strides, and what lies between is left alone.
pub(super) fn record(
    cx: &mut Cx<'_>,
    tape: &Tape,
    ins: &[(&Desc, Bound)],
    out: (&Desc, Bound),
    scattered: bool,
) -> Result<()> {
    let n = out.0.size();
    if n == 0 {
        return Ok(());
    }
    let scattered = scattered || !out.1.first.is_multiple_of(4);
    let descs: SmallVec<[&Desc; 4]> = ins.iter().map(|i| i.0).collect();
    let plan = Plan::new(&descs, out.0, scattered);
    let size = out.0.dtype.size();
    let each = if scattered { 1 } else { (4 / size).max(1) };
    let many = !scattered && n.div_ceil(each) >= MANY;
    if let Some(blocks) = blocks(tape, &plan, ins, &out.1).filter(|_| many) {
        return record_blocks(cx, tape, ins, out, plan, blocks);
    }
    let times = if many && tape.instrs().len() <= SHORT { TIMES } else { 1 };
    record_words(cx, tape, ins, out, plan, times)
}

/// The blocks of elements that an invocation computes where all lies as it is counted, and begins where requests do; none
/// elsewhere, and for tapes that have enough to do.
fn blocks(tape: &Tape, plan: &Plan, ins: &[(&Desc, Bound)], out: &Bound) -> Option<[usize; 2]> {
    let lie = plan.out == Place::Flat && !plan.places.contains(&Place::Strided);
    let flat = || ins.iter().zip(&plan.places).filter(|(_, p)| **p == Place::Flat).map(|(i, _)| i);
    let begin = flat().map(|i| &i.1).chain([out]).all(|b| b.first.is_multiple_of(REQUEST as u32));
    let least = flat().map(|i| i.0.dtype.size()).chain([tape.dtype().size()]).min()?;
    let each = REQUEST / least;
    let requests: usize = flat().map(|i| each * i.0.dtype.size() / REQUEST).sum();
    let times = (UNDER_WAY / requests.max(1)).max(1).min(FUNCTIONS / (each * tape.instrs().len()).max(1));
    (lie && begin && requests <= MOST && times > 0).then_some([each, times])
}

/// Records whole blocks, and what is left of them.
fn record_blocks(
    cx: &mut Cx<'_>,
    tape: &Tape,
    ins: &[(&Desc, Bound)],
    out: (&Desc, Bound),
    plan: Plan,
    [each, times]: [usize; 2],
) -> Result<()> {
    let n = out.0.size();
    let (count, rest) = (n / each, n % each);
    let (across, down) = grid(cx.caps, count.div_ceil(times));
    let unit = |place: Place, d: &Desc| if place == Place::Flat { REQUEST } else { d.dtype.size() } as u32;
    let mut push: SmallVec<[u32; PUSH_WORDS]> =
        smallvec::smallvec![count as u32, across * GROUP, out.1.first / REQUEST as u32];
    push.extend(ins.iter().zip(&plan.places).map(|((d, b), &p)| b.first / unit(p, d)));
    let work = Work::Blocks { each: each as u32, times: times as u32 };
    let key = MapKey { tape: tape.clone(), places: plan.places.clone(), out: Place::Flat, dims: 1, work };
    let shader = cx.emitted(key)?;
    let mut bind: SmallVec<[&Bound; 8]> = ins.iter().map(|i| &i.1).collect();
    bind.push(&out.1);
    cx.dispatch(&Dispatch { shader: &shader, spec: &[GROUP], bind: &bind, push: &push, groups: [across, down, 1] })?;
    if rest == 0 {
        return Ok(());
    }
    let after = |d: &Desc, b: &Bound| b.clone().skip((n - rest) * d.dtype.size());
    let ins: SmallVec<[(&Desc, Bound); 4]> = ins
        .iter()
        .zip(&plan.places)
        .map(|((d, b), &p)| (*d, if p == Place::Flat { after(d, b) } else { b.clone() }))
        .collect();
    let end = Desc::contiguous(&[rest], out.0.dtype);
    let to = after(out.0, &out.1);
    let plan = Plan { shape: smallvec::smallvec![rest], strides: SmallVec::new(), ..plan };
    record_words(cx, tape, &ins, (&end, to), plan, 1)
}

/// Records words, so many for each invocation.
fn record_words(
    cx: &mut Cx<'_>,
    tape: &Tape,
    ins: &[(&Desc, Bound)],
    out: (&Desc, Bound),
    plan: Plan,
    times: u32,
) -> Result<()> {
    let (n, size) = (out.0.size(), out.0.dtype.size());
    let scattered = plan.out == Place::Strided;
    let each = if scattered { 1 } else { (4 / size).max(1) };
    let invocations = n.div_ceil(each).div_ceil(times as usize);
    let (across, down) = grid(cx.caps, invocations);
    let unit = if scattered { size } else { 4 } as u32;
    let mut push: SmallVec<[u32; PUSH_WORDS]> = smallvec::smallvec![n as u32, across * GROUP, out.1.first / unit];
    push.extend(ins.iter().map(|(d, b)| b.first / d.dtype.size() as u32));
    if plan.out == Place::Strided || plan.places.contains(&Place::Strided) {
        push.extend(plan.shape[1..].iter().map(|&d| d as u32));
        for (place, strides) in plan.places.iter().zip(&plan.strides[1..]) {
            if *place == Place::Strided {
                push.extend(strides.iter().map(|&s| s as u32));
            }
        }
        if plan.out == Place::Strided {
            push.extend(plan.strides[0].iter().map(|&s| s as u32));
        }
    }
    let key = MapKey {
        tape: tape.clone(),
        places: plan.places,
        out: plan.out,
        dims: plan.shape.len(),
        work: Work::Words(times),
    };
    let shader = cx.emitted(key)?;
    let mut bind: SmallVec<[&Bound; 8]> = ins.iter().map(|i| &i.1).collect();
    bind.push(&out.1);
    cx.dispatch(&Dispatch { shader: &shader, spec: &[GROUP], bind: &bind, push: &push, groups: [across, down, 1] })
}

impl Kernel for Map {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        supports(&self.tape, caps, &ins.iter().collect::<SmallVec<[&Desc; 4]>>(), &outs[0], false)
    }

    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let mut bound: SmallVec<[(&Desc, Bound); 4]> = SmallVec::new();
        for i in ins {
            bound.push((&i.desc, cx.input(i)?));
        }
        let out = cx.output(&outs[0])?;
        record(cx, &self.tape, &bound, (&outs[0].desc, out), false)
    }
}

/// The tape that copies elements of this size bit by bit, and the dtype in which it sees them.
pub(super) fn mover(dtype: DType) -> (Tape, DType) {
    let carrier = match dtype.size() {
        1 => DType::U8,
        2 => DType::U16,
        4 => DType::U32,
        _ => DType::C64,
    };
    (Tape::convert(carrier, carrier), carrier)
}
