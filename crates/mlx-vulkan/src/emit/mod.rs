//! SPIR-V made at run time, without a compiler: one compute shader for each tape and layout of its operands.
//!
//! `code` is the layer over the instructions, `expr` that for formulas; `memory` loads and stores elements of every dtype; `float`, `integer`,
//! `convert` and `complex` hold the functions, a row each, `blocks` the formats of quantized weights; `map`, `vectors`,
//! `reduce`, `create`, `boxes`, `gather` and `scatter` put shaders together.

mod blocks;
mod boxes;
mod code;
mod complex;
mod convert;
mod create;
mod expr;
mod float;
mod gather;
mod integer;
mod map;
mod memory;
mod reduce;
mod scatter;
mod vectors;

pub(crate) use blocks::rows;
pub(crate) use boxes::{Moving, moving};
pub(crate) use code::Halves;
pub(crate) use create::{arange, random};
pub(crate) use gather::{Gathering, gather};
pub(crate) use map::{Place, map};
pub(crate) use reduce::{Fold, Folding, Parts, fold};
pub(crate) use scatter::{Cells, Updating, cells, claim, update};
pub(crate) use vectors::vectors;
