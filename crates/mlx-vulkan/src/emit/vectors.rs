//! A tape over much memory that lies as it is counted: each invocation computes blocks of elements that are whole vectors of
//! four words in every operand, so that a request of memory is as large as a device has one.
//!
//! Push constants: blocks; invocations of a row of the grid; the output's first vector; of each input its first vector, or
//! its only element.

use super::code::{Code, Halves, Id};
use super::map::{Place, of_group, pack, run};
use super::memory::{Value, load, stored, value};
use crate::kernels::map::GROUP;
use mlx_ir::DType;
use mlx_ir::tape::Tape;
use rspirv::spirv::Op;

/// Words of a vector.
const VECTOR: u32 = 4;

/// The shader, or none if a function of the tape has none here. A block has `each` elements. An invocation computes `times`
/// of the blocks of its workgroup, [`GROUP`] apart; all are read before one is written, so that the reads are under way
/// together.
///
/// [`GROUP`]: crate::kernels::map::GROUP
pub(crate) fn vectors(tape: &Tape, places: &[Place], each: u32, times: u32, halves: Halves) -> Option<Vec<u32>> {
    let (inputs, out) = (tape.inputs(), tape.dtype());
    if inputs.iter().chain(tape.instrs().iter().map(|i| &i.dtype)).any(|&d| d == DType::F64) {
        return None;
    }
    let lists: Vec<bool> = places.iter().map(|&p| p == Place::Flat).chain([true]).collect();
    let mut c = Code::over(&lists, 0).convert_halves(halves);
    let [blocks, row, first] = [0, 1, 2].map(|i| c.pushed(i));
    let starts: Vec<Id> = (0..inputs.len()).map(|j| c.pushed(3 + j)).collect();
    let ones: Vec<Option<Value>> =
        (0..inputs.len()).map(|j| (!lists[j]).then(|| load(&mut c, j, inputs[j], starts[j]))).collect();
    // The first vector of a block in an operand of this size, and how many these are.
    let place = |c: &mut Code, start: Id, number: Id, size: usize| {
        let count = each * size as u32 / (4 * VECTOR);
        let at = c.word_op(Op::IMul, number, count);
        (c.op(Op::IAdd, c.u32, &[start, at]), count)
    };
    // The words of a block in each input.
    let read = |c: &mut Code, number: Id| -> Vec<Vec<Id>> {
        let words = |j: usize| {
            if !lists[j] {
                return Vec::new();
            }
            let (first, count) = place(c, starts[j], number, inputs[j].size());
            (0..count)
                .flat_map(|i| {
                    let at = if i == 0 { first } else { c.word_op(Op::IAdd, first, i) };
                    c.load_vector(j, at)
                })
                .collect()
        };
        (0..inputs.len()).map(words).collect()
    };
    let mut made = true;
    // Computes and writes a block.
    let mut write = |c: &mut Code, number: Id, words: Vec<Vec<Id>>| {
        let mut results: Vec<Id> = Vec::new();
        let mut word: Option<[Id; 2]> = None;
        let per_word = (4 / out.size()).max(1) as u32;
        for k in 0..each {
            let values = (0..inputs.len()).map(|j| match ones[j] {
                Some(v) => v,
                None => element(c, inputs[j], &words[j], k),
            });
            let values = values.collect();
            let Some(result) = run(c, tape, values) else {
                made = false;
                return;
            };
            let w = stored(c, out, result);
            let joined = pack(c, word.take(), k % per_word, out, w);
            if k % per_word + 1 == per_word {
                results.extend(if out.size() == 8 { &joined[..] } else { &joined[..1] });
            } else {
                word = Some(joined);
            }
        }
        let (first, _) = place(c, first, number, out.size());
        for (i, v) in (0u32..).zip(results.chunks_exact(VECTOR as usize)) {
            let at = if i == 0 { first } else { c.word_op(Op::IAdd, first, i) };
            c.store_vector(inputs.len(), at, [v[0], v[1], v[2], v[3]]);
        }
    };
    let number = c.number(row);
    let (base, mine) = of_group(&mut c, number, times);
    // Most workgroups have all their blocks.
    let end = c.word_op(Op::IAdd, base, times * GROUP);
    let together = c.op(Op::ULessThanEqual, c.bool, &[end, blocks]);
    c.when(together, |c| {
        let words: Vec<Vec<Vec<Id>>> = mine.iter().map(|&number| read(c, number)).collect();
        for (&number, words) in mine.iter().zip(words) {
            write(c, number, words);
        }
    });
    let apart = c.op(Op::LogicalNot, c.bool, &[together]);
    c.when(apart, |c| {
        for &number in &mine {
            let inside = c.op(Op::ULessThan, c.bool, &[number, blocks]);
            c.when(inside, |c| {
                let words = read(c, number);
                write(c, number, words);
            });
        }
    });
    made.then(|| c.finish())
}

/// Element `k` of a block.
fn element(c: &mut Code, dtype: DType, words: &[Id], k: u32) -> Value {
    let at = k as usize * dtype.size() / 4;
    let pair = match dtype.size() {
        8 => [words[at], words[at + 1]],
        4 => [words[at]; 2],
        size => {
            let shift = 8 * size as u32 * (k % (4 / size as u32));
            [if shift == 0 { words[at] } else { c.word_op(Op::ShiftRightLogical, words[at], shift) }; 2]
        }
    };
    value(c, dtype, pair)
}
