//! The vocabulary of MLX-ARM: plain data and tables, no execution and no unsafe code.
//!
//! * [`dtype`]: the dtypes and MLX's promotion rules.
//! * [`desc`]: shapes, strides and the arithmetic on them.
//! * [`scalar`] and [`tape`]: elementwise functions and programs of them.
//! * [`op`]: the table of operations; [`stored`]: its rows as bytes.
//! * [`packed`]: rows in 8 bits, as key-value caches hold them.
//! * [`program`]: kernels of users, compiled.
//! * [`quant`]: block formats of quantized weights.
//! * [`backend`]: what the library asks of a device.
//! * [`error`]: the one error type.
#![forbid(unsafe_code)]

pub mod backend;
pub mod desc;
pub mod dtype;
pub mod error;
pub mod home;
pub mod op;
pub mod packed;
pub mod program;
pub mod quant;
pub mod scalar;
pub mod stored;
pub mod tape;

pub use backend::{Backend, Buffer, Launch, Memory, MemoryInfo, Operand, Pages};
pub use desc::{Aval, Axes, Desc, Shape, Strides};
pub use dtype::{C64, DType, Element, Kind};
pub use error::{Error, ErrorKind, Result};
pub use op::Op;
pub use program::{GpuProgram, TemplateValue};
pub use quant::QuantFormat;
pub use scalar::Func;
pub use tape::{Tape, TapeBuilder};
