//! Kernels that users wrote.

use super::{Kernel, copy};
use crate::Caps;
use crate::glsl::check::check;
use crate::record::{Bound, Cx, Dispatch, Shader};
use mlx_ir::op::GpuKernel;
use mlx_ir::{Desc, Operand, Result};
use smallvec::SmallVec;
use std::borrow::Cow;

/// Tells these shaders from all others.
const USERS: u64 = 0x7573_6572_0000_0001;

/// Whether the source can reach every element by its strides: indices are not negative there.
fn reachable(d: &Desc) -> bool {
    d.shape.iter().zip(&d.strides).all(|(&n, &s)| i32::try_from(n).is_ok() && (0..=i32::MAX as isize).contains(&s))
}

/// One value as every element of `to`.
fn spread(to: &Desc) -> Desc {
    Desc { strides: to.strides.iter().map(|_| 0).collect(), ..to.clone() }
}

impl Kernel for GpuKernel {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let (own, values) = ins.split_at(self.program.inputs());
        let shaped = own.iter().zip(&self.program.described);
        check(caps, &self.program).is_ok()
            && own.iter().all(|d| reachable(d) && (!self.program.row_contiguous || d.is_contiguous()))
            // Shapes and strides travel inside a batch.
            && shaped.map(|(d, &s)| if s { 2 * d.shape.len().max(1) } else { 0 }).sum::<usize>() <= 1024
            && values.iter().zip(outs).all(|(_, o)| copy::can(caps, &spread(o), o, false))
    }

    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let p = &self.program;
        let (own, values) = ins.split_at(p.inputs());
        let mut bound: SmallVec<[Bound; 8]> = SmallVec::new();
        let mut words: Vec<u32> = Vec::new();
        for (o, &described) in own.iter().zip(&p.described) {
            let mut desc = o.desc.clone();
            let mut b = cx.input(o)?;
            if b.first != 0 {
                // Its first element is not where a binding may begin.
                desc = Desc::contiguous(&desc.shape, desc.dtype);
                let dense = cx.scratch(desc.size() * desc.dtype.size())?;
                copy::copy(cx, (&o.desc, b), (&desc, &dense), 0, false)?;
                b = dense.for_reading();
            }
            bound.push(b);
            if described {
                let padded = |v: Vec<u32>| if v.is_empty() { vec![0] } else { v };
                words.extend(padded(desc.shape.iter().map(|&n| n as u32).collect()));
                words.extend(padded(desc.strides.iter().map(|&s| s as u32).collect()));
            }
        }
        for (i, o) in outs.iter().enumerate() {
            let b = cx.output(o)?;
            if let Some(v) = values.get(i).filter(|_| o.desc.size() > 0) {
                let value = cx.input(v)?;
                copy::copy(cx, (&spread(&o.desc), value), (&o.desc, &b), 0, false)?;
            }
            bound.push(b);
        }
        if !words.is_empty() {
            bound.push(cx.words(&words)?);
        }
        let shader = Shader {
            name: Cow::Owned(format!("vulkan_kernel {}", p.name)),
            id: crate::record::fingerprint(&p.code) ^ USERS,
            code: Cow::Owned(p.code.clone()),
        };
        let bind: SmallVec<[&Bound; 8]> = bound.iter().collect();
        cx.dispatch_foreign(&Dispatch { shader: &shader, spec: &[], bind: &bind, push: &p.grid, groups: p.groups() })
    }
}
