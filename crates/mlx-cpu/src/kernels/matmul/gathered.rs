//! Products of matrices that indices choose, read where they lie.

use super::{One, one_complex, one_f64, one_float};
use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::ints::Ints;
use crate::kernels::matmul::Strided;
use crate::kernels::pairs::{Factor, jobs, run};
use crate::view;
use half::{bf16, f16};
use mlx_ir::{C64, DType, Desc, Operand, Result, op};

impl Kernel for op::GatherMM {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        let d = outs[0].dtype;
        d.is_inexact() && ins[..2].iter().all(|x| x.dtype == d) && ins[2..].iter().all(|i| i.dtype.is_integer())
    }
    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        match outs[0].desc.dtype {
            DType::F32 => products::<f32>(cx, self, ins, &outs[0], one_float::<f32>),
            DType::F16 => products::<f16>(cx, self, ins, &outs[0], one_float::<f16>),
            DType::BF16 => products::<bf16>(cx, self, ins, &outs[0], one_float::<bf16>),
            DType::F64 => products::<f64>(cx, self, ins, &outs[0], one_f64),
            DType::C64 => products::<C64>(cx, self, ins, &outs[0], one_complex),
            _ => unreachable!("declined by supports"),
        }
        Ok(())
    }
}

fn products<E: Copy + Send + Sync>(cx: &Cx<'_>, op: &op::GatherMM, ins: &[Operand], out: &Operand, one: One<E>) {
    let (a, b) = (&ins[0].desc, &ins[1].desc);
    let lead = out.desc.ndim() - 2;
    let (m, n, k) = (out.desc.shape[lead], out.desc.shape[lead + 1], a.shape[a.ndim() - 1]);
    if out.desc.size() == 0 {
        return;
    }
    let indices: Vec<Ints> = ins[2..].iter().map(Ints::new).collect();
    let left = match indices.first().filter(|_| op.left) {
        Some(i) => Factor::Chosen(i, a.shape[0], a.strides[0]),
        None => Factor::Each(&a.strides[..lead]),
    };
    let right = match indices.last().filter(|_| op.right) {
        Some(i) => Factor::Chosen(i, b.shape[0], b.strides[0]),
        None => Factor::Each(&b.strides[..lead]),
    };
    let [a_row, a_step] = [a.ndim() - 2, a.ndim() - 1].map(|i| a.strides[i]);
    let [b_row, b_step] = [b.ndim() - 2, b.ndim() - 1].map(|i| b.strides[i]);
    let (ap, bp, to) = (view::ptr::<E>(&ins[0]), view::ptr::<E>(&ins[1]), view::ptr::<E>(out));
    let list = jobs(&out.desc.shape[..lead], &[left, right], m, a_row);
    run(cx, &list, m * n * k, &|j| {
        // SAFETY: offsets of matrices of the operands; the results of these pairs are this product's alone.
        unsafe {
            let x = Strided { ptr: ap.at(j.at[0]).cast_const(), sw: j.row, sk: a_step };
            let y = Strided { ptr: bp.at(j.at[1]).cast_const(), sw: b_step, sk: b_row };
            one(cx, [m * j.pairs, n, k], x, y, None, to.get().add(j.first * m * n));
        }
    });
}
