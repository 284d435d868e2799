//! Which op has a kernel for which dtype, as the back end says of the operands of the cases.

use crate::case::Case;
use crate::data::Layout;
use crate::{meta, value};
use mlx::rules::{self, Row};
use mlx::{DType, Result};
use mlx_cpu::CpuBackend;
use mlx_ir::{Aval, Backend, Desc};
use std::collections::BTreeMap;

/// The tables of the book's page on operations, as Markdown: for each op and dtype of its first inexact or else first input (without inputs: of its
/// output) whether a kernel takes it: `✓` always, `~` for some operands, `–` never (then the expansion or the exact
/// evaluator computes it), blank where no case has it.
///
/// # Errors
/// If a back end cannot be made.
pub fn table(cases: &[Case]) -> Result<String> {
    let backend = CpuBackend::new(1, mlx::isa())?;
    let mut seen: BTreeMap<(&str, DType), (usize, usize)> = BTreeMap::new();
    for case in cases {
        for dtype in case.family.dtypes() {
            let Ok((inputs, _)) = value::inputs(case, dtype, Layout::Contiguous) else { continue };
            let Ok(outs) = (case.run)(&inputs) else { continue };
            for a in meta::nodes(&outs) {
                if matches!(rules::row(a.op()), Row::View(_) | Row::Source) {
                    continue;
                }
                let desc = |a: &Aval| Desc::contiguous(&a.shape, a.dtype);
                let ins: Vec<Desc> = a.inputs().iter().map(|i| desc(i.aval())).collect();
                let made: Vec<Desc> = a.siblings().iter().map(|o| desc(o.aval())).collect();
                let key = ins.iter().map(|d| d.dtype).find(|d| d.is_inexact()).or(ins.first().map(|d| d.dtype));
                let entry = seen.entry((a.op().name(), key.unwrap_or(a.dtype()))).or_default();
                entry.0 += 1;
                entry.1 += backend.supports(a.op(), &ins, &made) as usize;
            }
        }
    }
    let mut text = String::new();
    for (family, title) in [(1, "Core"), (2, "Fused")] {
        text += &format!("**{title} operations**\n\n| op |");
        for d in DType::ALL {
            text += &format!(" {d} |");
        }
        text += &format!("\n|---|{}\n", "---|".repeat(DType::ALL.len()));
        for row in rules::FAMILIES[family] {
            text += &format!("| {row} |");
            for d in DType::ALL {
                let mark = match seen.get(&(*row, d)) {
                    None => "",
                    Some((n, k)) if n == k => "✓",
                    Some((_, 0)) => "–",
                    Some(_) => "~",
                };
                text += &format!(" {mark} |");
            }
            text += "\n";
        }
        text += "\n";
    }
    Ok(text)
}
