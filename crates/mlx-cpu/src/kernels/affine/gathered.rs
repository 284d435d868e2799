//! Products with encoded matrices that indices choose, read where they lie.

use super::product::{Codes, multiply};
use super::{known, rows_contiguous};
use crate::backend::Cx;
use crate::kernels::Kernel;
use crate::kernels::ints::Ints;
use crate::kernels::matmul::Strided;
use crate::kernels::pairs::{Factor, jobs, run};
use crate::kernels::simd::Elem;
use crate::view::{self, Ptr};
use half::{bf16, f16};
use mlx_ir::{DType, Desc, Operand, Result, op};

impl Kernel for op::GatherQMM {
    fn supports(&self, ins: &[Desc], outs: &[Desc]) -> bool {
        let d = outs[0].dtype;
        known(self.affine, d)
            && [0, 2, 3].iter().all(|&i| ins[i].dtype == d)
            && ins[1].dtype == DType::U32
            && ins[4..].iter().all(|i| i.dtype.is_integer())
            && rows_contiguous(&ins[1..4])
    }
    fn run(&self, cx: &Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        match outs[0].desc.dtype {
            DType::F16 => products::<f16>(cx, self, ins, &outs[0]),
            DType::BF16 => products::<bf16>(cx, self, ins, &outs[0]),
            _ => products::<f32>(cx, self, ins, &outs[0]),
        }
        Ok(())
    }
}

fn products<E: Elem>(cx: &Cx<'_>, op: &op::GatherQMM, ins: &[Operand], out: &Operand) {
    let x = &ins[0].desc;
    let parts = [1, 2, 3].map(|i| &ins[i].desc);
    let lead = out.desc.ndim() - 2;
    let (m, n, k) = (out.desc.shape[lead], out.desc.shape[lead + 1], x.shape[x.ndim() - 1]);
    if out.desc.size() == 0 {
        return;
    }
    let indices: Vec<Ints> = ins[4..].iter().map(Ints::new).collect();
    let left = match indices.first().filter(|_| op.left) {
        Some(i) => Factor::Chosen(i, x.shape[0], x.strides[0]),
        None => Factor::Each(&x.strides[..lead]),
    };
    let [w, s, b] = parts.map(|d| match indices.last().filter(|_| op.right) {
        Some(i) => Factor::Chosen(i, d.shape[0], d.strides[0]),
        None => Factor::Each(&d.strides[..lead]),
    });
    let rows = parts.map(|d| d.strides[d.ndim() - 2]);
    let (x_row, x_step) = (x.strides[x.ndim() - 2], x.strides[x.ndim() - 1]);
    let (xp, to) = (view::ptr::<E>(&ins[0]), view::ptr::<E>(out));
    let (wp, sp, bp) = (view::ptr::<u32>(&ins[1]), view::ptr::<E>(&ins[2]), view::ptr::<E>(&ins[3]));
    let list = jobs(&out.desc.shape[..lead], &[left, w, s, b], m, x_row);
    run(cx, &list, m * n * k, &|j| {
        // SAFETY: offsets of matrices of the operands; the results of these pairs are this product's alone.
        unsafe {
            let a = Strided { ptr: xp.at(j.at[0]).cast_const(), sw: j.row, sk: x_step };
            let codes = Codes {
                w: wp.at(j.at[1]).cast::<u8>().cast_const(),
                s: sp.at(j.at[2]).cast_const(),
                b: bp.at(j.at[3]).cast_const(),
                steps: [rows[0] * 4, rows[1], rows[2]],
                group: op.affine.group_size as usize,
                bits: op.affine.bits as usize,
                transpose: op.transpose,
            };
            let out = Ptr::new(to.get().add(j.first * m * n));
            multiply(cx.pool, cx.isa, [m * j.pairs, n, k], a, &codes, out);
        }
    });
}
