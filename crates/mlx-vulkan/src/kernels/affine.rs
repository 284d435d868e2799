//! MLX's affine quantization: encoding and decoding bit for bit as the processor, products with an encoded matrix.

use super::Kernel;
use super::matmul::{More, Product, Rules, Sides, choose, record, spread};
use super::rows::{by_dtype, element, per_word};
use super::split;
use crate::Caps;
use crate::record::{Cx, Dispatch, fits};
use crate::shaders::*;
use mlx_ir::op::{Affine, Dequantize, Quantize, QuantizedMatmul};
use mlx_ir::{DType, Desc, Operand, Result};

const GROUP: u32 = 64;

pub(super) fn known(a: Affine, d: DType) -> bool {
    [32, 64, 128].contains(&a.group_size)
        && [1, 2, 3, 4, 5, 6, 8].contains(&a.bits)
        && matches!(d, DType::F32 | DType::F16 | DType::BF16)
}

fn dense(all: &[Desc]) -> bool {
    all.iter().all(|d| d.is_contiguous() && d.size() < u32::MAX as usize / 2)
}

impl Kernel for Quantize {
    fn supports(&self, _: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let d = ins[0].dtype;
        known(self.affine, d)
            && ins[0].shape.last().is_some_and(|k| k.is_multiple_of(self.affine.group_size as usize))
            && outs[0].dtype == DType::U32
            && outs[1..].iter().all(|o| o.dtype == d)
            && dense(ins)
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let d = ins[0].desc.dtype;
        let Some(shader) = by_dtype(d, [&AFFINE_QUANTIZE_F32, &AFFINE_QUANTIZE_F16, &AFFINE_QUANTIZE_BF16]) else {
            return Ok(());
        };
        let x = cx.input(&ins[0])?;
        let (codes, scales, biases) = (cx.output(&outs[0])?, cx.output(&outs[1])?, cx.output(&outs[2])?);
        let groups = ins[0].desc.size() / self.affine.group_size as usize;
        let push = [groups as u32, element(&x, d), codes.first / 4, scales.first / 4, biases.first / 4];
        let spec = [GROUP, self.affine.bits.into(), self.affine.group_size.into()];
        let groups = spread(cx.caps, groups.div_ceil(per_word(d)).div_ceil(GROUP as usize));
        cx.dispatch(&Dispatch { shader, spec: &spec, bind: &[&x, &codes, &scales, &biases], push: &push, groups })
    }
}

impl Kernel for Dequantize {
    fn supports(&self, _: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        let d = outs[0].dtype;
        known(self.affine, d)
            && ins[0].dtype == DType::U32
            && ins[1..].iter().all(|x| x.dtype == d)
            && dense(ins)
            && dense(outs)
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let d = outs[0].desc.dtype;
        let Some(shader) = by_dtype(d, [&AFFINE_DEQUANTIZE_F32, &AFFINE_DEQUANTIZE_F16, &AFFINE_DEQUANTIZE_BF16])
        else {
            return Ok(());
        };
        let (codes, scales, biases) = (cx.input(&ins[0])?, cx.input(&ins[1])?, cx.input(&ins[2])?);
        let out = cx.output(&outs[0])?;
        let n = outs[0].desc.size();
        let push = [n as u32, codes.first / 4, out.first / 4, element(&scales, d), element(&biases, d)];
        let spec = [GROUP, self.affine.bits.into(), self.affine.group_size.into()];
        let groups = spread(cx.caps, n.div_ceil(8).div_ceil(GROUP as usize));
        cx.dispatch(&Dispatch { shader, spec: &spec, bind: &[&codes, &scales, &biases, &out], push: &push, groups })
    }
}

/// The product as the kernels see it; none if they do not take it.
fn product(op: &QuantizedMatmul, caps: &Caps, ins: &[Desc], out: &Desc) -> Option<Product> {
    let d = out.dtype;
    let typed = known(op.affine, d)
        && ins[0].dtype == d
        && ins[1].dtype == DType::U32
        && ins[2..].iter().all(|x| x.dtype == d)
        && ins[0].ndim() >= 1
        && ins[1].ndim() >= 2
        && caps.storage_buffers >= 5;
    let n = out.shape.last().copied().unwrap_or(0);
    let small = ins.iter().all(|i| i.size() < u32::MAX as usize / 8) && fits(caps, out);
    if typed && small {
        Product::quantized(&ins[0], [&ins[1], &ins[2], &ins[3]], op.affine, op.transpose, n)
    } else {
        None
    }
}

/// Descriptions of a range of the rows of an encoded matrix that is too large; none if it cannot be cut.
fn ranges(op: &QuantizedMatmul, caps: &Caps, ins: &[Desc], out: &Desc) -> Option<(Vec<Desc>, Desc)> {
    if !op.transpose || ins[1].ndim() != 2 {
        return None;
    }
    let step = split::step(caps, &[(&ins[1], 0), (&ins[2], 0), (&ins[3], 0)])?;
    let cut = ins.iter().enumerate().map(|(i, d)| if i == 0 { d.clone() } else { split::cut_desc(d, 0, step) });
    let mut columns = out.shape.clone();
    *columns.last_mut()? = step;
    Some((cut.collect(), Desc::contiguous(&columns, out.dtype)))
}

impl Kernel for QuantizedMatmul {
    fn supports(&self, caps: &Caps, ins: &[Desc], outs: &[Desc]) -> bool {
        if !split::whole(caps, &ins[1..]) {
            return ranges(self, caps, ins, &outs[0]).is_some_and(|(ins, out)| self.supports(caps, &ins, &[out]));
        }
        product(self, caps, ins, &outs[0]).is_some_and(|p| choose(&p, true, caps, &Rules::default()).is_some())
    }
    fn record(&self, cx: &mut Cx<'_>, ins: &[Operand], outs: &[Operand]) -> Result<()> {
        let descs: smallvec::SmallVec<[Desc; 4]> = ins.iter().map(|o| o.desc.clone()).collect();
        if !split::whole(cx.caps, &descs[1..]) {
            return split::each(cx, &[(&ins[1], 0), (&ins[2], 0), (&ins[3], 0)], &outs[0], &mut |cx, rows, out| {
                let given = [&ins[..1], rows].concat();
                self.record(cx, &given, std::slice::from_ref(out))
            });
        }
        let Some(p) = product(self, cx.caps, &descs, &outs[0].desc) else { return Ok(()) };
        let Some(plan) = choose(&p, true, cx.caps, &Rules::default()) else { return Ok(()) };
        let (x, codes, scales, biases) =
            (cx.input(&ins[0])?, cx.input(&ins[1])?, cx.input(&ins[2])?, cx.input(&ins[3])?);
        let out = cx.output(&outs[0])?;
        let sides = Sides { scales: &scales, biases: &biases, affine: self.affine };
        let more = More { sides: Some(sides), ..More::default() };
        let run = |cx: &mut Cx<'_>, plan| record(cx, &p, plan, [&x, &codes], more, &out);
        let plan = cx.tuner().plan(cx, &p, (self.affine.bits, self.affine.group_size), plan, &run)?;
        run(cx, plan)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tiles::{COOP_TILES, Coop};
    use super::*;
    use crate::testing::{backend, compare, cpu, host_array, run};
    use half::{bf16, f16};

    fn values(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 7919 % 2003) as f32 / 1001.5 - 1.0) * if i % 97 < 40 { 0.1 } else { 1.0 }).collect()
    }

    fn array(shape: &[usize], d: DType) -> Operand {
        let mut x = values(shape.iter().product());
        // Groups of zeros, of one value, without a negative one.
        let special = x.len().min(128);
        x[..special].iter_mut().enumerate().for_each(|(i, v)| *v = [0.0, 0.25, v.abs() + 0.5, *v][i / 32]);
        match d {
            DType::F16 => host_array(shape, &x.iter().map(|&v| f16::from_f32(v)).collect::<Vec<_>>()),
            DType::BF16 => host_array(shape, &x.iter().map(|&v| bf16::from_f32(v)).collect::<Vec<_>>()),
            _ => host_array(shape, &x),
        }
    }

    /// The matrix as the processor encodes it.
    fn encoded(w: &Operand, affine: Affine) -> Vec<Operand> {
        let (rows, k) = (w.desc.shape[0], w.desc.shape[1]);
        run(cpu(), &Quantize { affine }.into(), std::slice::from_ref(w), &descs(rows, k, affine, w.desc.dtype))
            .expect("the processor has it")
    }

    fn descs(rows: usize, k: usize, a: Affine, d: DType) -> [Desc; 3] {
        let (words, groups) = (k * a.bits as usize / 32, k / a.group_size as usize);
        [
            Desc::contiguous(&[rows, words], DType::U32),
            Desc::contiguous(&[rows, groups], d),
            Desc::contiguous(&[rows, groups], d),
        ]
    }

    const FLOATS: [DType; 3] = [DType::F32, DType::F16, DType::BF16];

    fn every() -> impl Iterator<Item = (Affine, DType)> {
        let bits = [2u8, 3, 4, 5, 6, 8];
        bits.into_iter().enumerate().flat_map(|(i, bits)| {
            FLOATS
                .into_iter()
                .enumerate()
                .map(move |(j, d)| (Affine { group_size: [32, 64, 128][(i + j) % 3], bits }, d))
        })
    }

    #[test]
    fn codes_scales_and_values_are_those_of_the_processor() {
        for (affine, d) in every() {
            // One group and an odd number of them.
            for (rows, k) in [(1, affine.group_size as usize), (3, 3 * affine.group_size as usize), (70, 128)] {
                let w = array(&[rows, k], d);
                compare(Quantize { affine }, std::slice::from_ref(&w), &descs(rows, k, affine, d), 0.0);
                let codes = encoded(&w, affine);
                compare(Dequantize { affine }, &codes, std::slice::from_ref(&w.desc), 0.0);
            }
        }
    }

    /// How near products of many rows must be: cooperative matrices take the weights rounded to the type of x.
    fn near(m: usize, d: DType) -> f64 {
        let rounded = backend().is_some_and(|gpu| COOP_TILES.iter().any(|&t| Coop::new(t, d, gpu.caps()).is_some()));
        match d {
            DType::F16 if rounded && m > 8 => 4e-3,
            DType::BF16 if rounded && m > 8 => 3e-2,
            _ => 3e-4,
        }
    }

    #[test]
    fn products_with_few_and_many_rows() {
        for (i, (affine, d)) in every().enumerate() {
            let (k, n) = (256, [65, 66][i % 2]);
            let codes = encoded(&array(&[n, k], d), affine);
            for m in [1, [3, 8][i % 2], [9, 33, 65][i % 3]] {
                let x = array(&[m, k], d);
                let ins: Vec<Operand> = std::iter::once(x).chain(codes.iter().cloned()).collect();
                let out = Desc::contiguous(&[m, n], d);
                compare(QuantizedMatmul { affine, transpose: true }, &ins, &[out], near(m, d));
            }
        }
    }

    #[test]
    fn products_across_the_codes() {
        for (affine, d) in every().step_by(2) {
            let (k, n) = (65, 256);
            let codes = encoded(&array(&[k, n], d), affine);
            // In tiles, a row alone too.
            for m in [1, 35] {
                let x = array(&[m, k], d);
                let ins: Vec<Operand> = std::iter::once(x).chain(codes.iter().cloned()).collect();
                let out = Desc::contiguous(&[m, n], d);
                compare(QuantizedMatmul { affine, transpose: false }, &ins, &[out], near(m.max(9), d));
            }
        }
    }

    #[test]
    fn one_matrix_for_many_batches_and_a_matrix_for_each() {
        if backend().is_none() {
            return;
        }
        let affine = Affine { group_size: 64, bits: 4 };
        let (n, k) = (34, 1024);
        let codes = encoded(&array(&[3 * n, k], DType::F16), affine);
        for m in [1, 12] {
            let x = array(&[3, m, k], DType::F16);
            let out = Desc::contiguous(&[3, m, n], DType::F16);
            let op = QuantizedMatmul { affine, transpose: true };
            // Rows of x that are far apart.
            let mut apart = array(&[3, m, 2 * k], DType::F16);
            apart.desc.shape[2] = k;
            for x in [x, apart] {
                let each = codes.iter().map(|o| {
                    let run = o.desc.shape[1];
                    Operand { desc: Desc::contiguous(&[3, n, run], o.desc.dtype), ..o.clone() }
                });
                let ins: Vec<Operand> = std::iter::once(x.clone()).chain(each).collect();
                compare(op.clone(), &ins, std::slice::from_ref(&out), near(m, DType::F16).max(2e-3));
                let one = codes.iter().map(|o| {
                    let run = o.desc.shape[1];
                    Operand { desc: Desc::contiguous(&[n, run], o.desc.dtype), ..o.clone() }
                });
                let ins: Vec<Operand> = std::iter::once(x).chain(one).collect();
                compare(op.clone(), &ins, std::slice::from_ref(&out), near(m, DType::F16).max(2e-3));
            }
        }
    }
}
