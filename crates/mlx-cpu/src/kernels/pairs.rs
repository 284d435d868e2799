//! Products by index: pairs of matrices, which indices choose from stacks. Those that follow each other with the same
//! second factor are one product of more rows.

use crate::backend::Cx;
use crate::kernels::ints::{Ints, wrap};
use crate::kernels::matmul::SERIAL;
use crate::view::Walk;

/// Where the matrices of a factor lie.
pub(crate) enum Factor<'a> {
    /// One for each place, with steps over their shape.
    Each(&'a [isize]),
    /// Indices choose from so many, with a step between them.
    Chosen(&'a Ints, usize, isize),
}

/// Pairs that follow each other and are one product.
pub(crate) struct Job<const N: usize> {
    /// Offsets of the factors.
    pub at: [isize; N],
    /// Step between rows of the first.
    pub row: isize,
    /// The first pair, and how many.
    pub first: usize,
    pub pairs: usize,
}

/// The products of all places of `shape`: the first factor has `m` rows with a step of `row` between them.
pub(crate) fn jobs<const N: usize>(shape: &[usize], factors: &[Factor<'_>; N], m: usize, row: isize) -> Vec<Job<N>> {
    let steps = std::array::from_fn(|q| match &factors[q] {
        Factor::Each(s) => s,
        Factor::Chosen(i, ..) => &i.strides[..],
    });
    let mut walk: Walk<'_, N> = Walk::new(shape, steps, 0);
    let mut list: Vec<Job<N>> = Vec::new();
    for i in 0..shape.iter().product() {
        let at: [isize; N] = std::array::from_fn(|q| match &factors[q] {
            Factor::Each(_) => walk.offsets[q],
            Factor::Chosen(indices, n, step) => {
                // SAFETY: a place of the indices, whose shape this is.
                let number = unsafe { indices.get(walk.offsets[q]) };
                wrap(number, *n).clamp(0, *n as i64 - 1) as isize * step
            }
        });
        walk.step();
        if let Some(j) = list.last_mut().filter(|j| j.at[1..] == at[1..]) {
            let far = at[0] - j.at[0];
            // Single rows may be any distance apart, as long as it is always the same.
            let begins = m == 1 && j.pairs == 1;
            if begins || far == (j.pairs * m) as isize * j.row {
                j.row = if begins { far } else { j.row };
                j.pairs += 1;
                continue;
            }
        }
        list.push(Job { at, row, first: i, pairs: 1 });
    }
    list
}

/// Runs the products; `work` is the multiply-adds of a pair.
pub(crate) fn run<const N: usize>(cx: &Cx<'_>, jobs: &[Job<N>], work: usize, one: &(dyn Fn(&Job<N>) + Sync)) {
    let pairs: usize = jobs.iter().map(|j| j.pairs).sum();
    // Many products keep the threads busy by themselves; the nested regions then run inline.
    let small = work.saturating_mul(pairs / jobs.len().max(1)) < 1 << 20;
    let many = jobs.len() >= cx.pool.threads() * 4;
    if jobs.len() > 1 && (many || small) && work.saturating_mul(pairs) >= SERIAL {
        cx.pool.run(jobs.len(), &|i| one(&jobs[i]));
    } else {
        jobs.iter().for_each(one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlx_ir::DType;

    #[test]
    fn neighbours_with_one_matrix_are_one_product() {
        let numbers: Vec<f64> = vec![1.0, 1.0, 1.0, -1.0, 9.0, 0.0];
        let held = crate::kernels::testing::Case::layout(&[6], DType::I32, &numbers, 0);
        let ints = Ints::new(&held.op());
        // Of three matrices of 100 elements; rows of the first factor are 10 apart.
        let found = |m: usize, steps: &[isize]| -> Vec<(isize, isize, isize, usize, usize)> {
            let list = jobs(&[6], &[Factor::Each(steps), Factor::Chosen(&ints, 3, 100)], m, 10);
            list.iter().map(|j| (j.at[0], j.at[1], j.row, j.first, j.pairs)).collect()
        };
        // −1 is the last, as is what lies beyond it.
        assert_eq!(found(1, &[7]), [(0, 100, 7, 0, 3), (21, 200, 7, 3, 2), (35, 0, 10, 5, 1)]);
        assert_eq!(found(2, &[20]), [(0, 100, 10, 0, 3), (60, 200, 10, 3, 2), (100, 0, 10, 5, 1)]);
        // Rows of a pair that do not go on in the next.
        assert_eq!(found(2, &[30]).len(), 6);
    }
}
