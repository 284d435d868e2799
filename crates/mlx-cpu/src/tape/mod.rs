//! Elementwise work: a tiled interpreter of tapes. A tile of each value fits in the first-level cache; every
//! instruction is one vector loop over it.
//!
//! Values of half types are held as f32 and rounded after each instruction; everything else is held as it is stored.
//! Inputs that lie contiguously are read in place, and the last instruction writes straight to the output unless the
//! output lies over an input or is so large that it is better streamed past the caches.

mod chain;
mod complex;
mod convert;
mod double;
mod integer;
mod plan;
mod run;
mod single;
#[cfg(test)]
mod tests;

use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::level::Loop;
use mlx_ir::op::Map;
use mlx_ir::{DType, Desc, Func, Operand, Result};

/// How values of a dtype are held in a tile.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reg {
    /// Bytes 0 and 1.
    Bool,
    U8,
    U16,
    U32,
    U64,
    I8,
    I16,
    I32,
    I64,
    /// f16, bf16 and f32.
    F32,
    F64,
    C64,
}

impl Reg {
    const fn of(d: DType) -> Reg {
        match d {
            DType::Bool => Reg::Bool,
            DType::U8 => Reg::U8,
            DType::U16 => Reg::U16,
            DType::U32 => Reg::U32,
            DType::U64 => Reg::U64,
            DType::I8 => Reg::I8,
            DType::I16 => Reg::I16,
            DType::I32 => Reg::I32,
            DType::I64 => Reg::I64,
            DType::F16 | DType::BF16 | DType::F32 => Reg::F32,
            DType::F64 => Reg::F64,
            DType::C64 => Reg::C64,
        }
    }
    const fn size(self) -> usize {
        match self {
            Reg::Bool | Reg::U8 | Reg::I8 => 1,
            Reg::U16 | Reg::I16 => 2,
            Reg::U32 | Reg::I32 | Reg::F32 => 4,
            Reg::U64 | Reg::I64 | Reg::F64 | Reg::C64 => 8,
        }
    }
}

/// The loop of a function whose (data) arguments have dtype `at`; `to` is the result's dtype, which matters to
/// conversions only. None where MLX does not define the function.
fn select(f: Func, at: DType, to: DType, isa: crate::Isa) -> Option<Loop> {
    if f == Func::Convert {
        return Some(convert::convert(Reg::of(at), Reg::of(to), isa));
    }
    if f == Func::Select {
        return Some(integer::select(Reg::of(at).size(), isa));
    }
    if f.types(at).ok()?.0 != at {
        return None;
    }
    match Reg::of(at) {
        Reg::F32 => single::function(f, isa),
        Reg::F64 => double::function(f),
        Reg::C64 => complex::function(f),
        Reg::Bool => integer::bool_function(f, isa),
        r => integer::function(f, r, isa),
    }
}

impl Kernel for Map {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        let t = &self.tape;
        ins.len() == t.inputs().len() && outs.len() == 1 && plan::is_known(t)
    }

    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        run::map(cx, &self.tape, ins, &outs[0])
    }
}
