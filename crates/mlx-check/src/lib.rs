//! The case list, and what is asked of every case.
//!
//! A case is one line: a name, inputs, dtypes, a tolerance, the differentiable inputs, a call of the library and the
//! same call in Python for the official wheel. From that line follow:
//! * [`value`]: the computed values against the exact ones, for every dtype and memory layout, with guards around
//!   every buffer and counted copies;
//! * [`grad`]: derivatives against central differences, forward against reverse mode, batching against a loop;
//! * [`export`]: inputs and exact outputs for the comparison with the official wheel;
//! * [`perf`]: the rate at benchmark shapes beside the machine's measured ceilings;
//! * [`support`]: which op has a kernel for which dtype.
//!
//! [`meta`] demands that no op, scalar function or public function is without a case.
#![forbid(unsafe_code)]

pub mod case;
pub mod cases;
pub mod compare;
pub mod data;
pub mod errors;
pub mod export;
pub mod grad;
pub mod meta;
pub mod perf;
pub mod report;
pub mod skips;
pub mod support;
pub mod value;
