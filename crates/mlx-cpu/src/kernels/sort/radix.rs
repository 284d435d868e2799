//! Sorting of keys: by digits when there are many, by comparison when there are few.

use super::keys::Item;
use crate::Pool;
use crate::kernels::scratch::Scratch;
use crate::view::Ptr;

/// Items below which comparisons win.
const FEW: usize = 1500;
/// Items above which one line is worth several threads.
const MANY: usize = 1 << 16;
/// Bits of a digit.
const DIGIT: u32 = 11;
const BUCKETS: usize = 1 << DIGIT;

/// Sorts by the bits from `low` up to `high`, stably. Bits below `low` must rise with the position (packed positions)
/// or not exist; those above `high` are zero.
pub(super) fn sort<T: Item>(pool: Option<&Pool>, items: &mut [T], low: u32, high: u32) {
    if items.len() < FEW {
        return items.sort_unstable();
    }
    let parts = match pool {
        Some(p) if items.len() >= MANY => p.threads(),
        _ => 1,
    };
    let n = items.len();
    let chunk = n.div_ceil(parts);
    let mut other = Scratch::<T>::new(n);
    let (mut from, mut to) = (Ptr::new(items.as_mut_ptr()), Ptr::new(other.ptr()));
    let mut counts = vec![[0u32; BUCKETS]; parts];
    let mut swapped = false;
    for shift in (low..high).step_by(DIGIT as usize) {
        let digit = |x: T| x.digit(shift, DIGIT) % BUCKETS;
        let range = |c: usize| c * chunk..n.min((c + 1) * chunk);
        let table = Ptr::new(counts.as_mut_ptr());
        run(pool, parts, &|c| {
            // SAFETY: chunk c of the items is only read, table c is this task's.
            let (count, all) = unsafe { (&mut *table.get().add(c), std::slice::from_raw_parts(from.get(), n)) };
            // Two tables, because neighbours often share a digit and would wait for each other.
            let mut other = [0u32; BUCKETS];
            count.fill(0);
            let pairs = all[range(c)].chunks_exact(2);
            for x in pairs.remainder() {
                count[digit(*x)] += 1;
            }
            for q in pairs {
                count[digit(q[0])] += 1;
                other[digit(q[1])] += 1;
            }
            for b in 0..BUCKETS {
                count[b] += other[b];
            }
        });
        // All in one bucket: this digit says nothing.
        let first = (0..BUCKETS).find(|&b| counts.iter().any(|c| c[b] > 0)).unwrap_or(0);
        if counts.iter().map(|c| c[first] as usize).sum::<usize>() == n {
            continue;
        }
        let mut next = 0u32;
        for b in 0..BUCKETS {
            for c in &mut counts {
                next += std::mem::replace(&mut c[b], next);
            }
        }
        let table = Ptr::new(counts.as_mut_ptr());
        run(pool, parts, &|c| {
            // SAFETY: each item has a place of its own, counted before; table c is this task's.
            unsafe {
                let at = &mut *table.get().add(c);
                for x in &std::slice::from_raw_parts(from.get(), n)[range(c)] {
                    let place = &mut at[digit(*x)];
                    *to.get().add(*place as usize) = *x;
                    *place += 1;
                }
            }
        });
        std::mem::swap(&mut from, &mut to);
        swapped = !swapped;
    }
    if swapped {
        // SAFETY: `from` is the scratch with all n items now.
        items.copy_from_slice(unsafe { std::slice::from_raw_parts(from.get(), n) });
    }
}

fn run(pool: Option<&Pool>, tasks: usize, f: &(dyn Fn(usize) + Sync)) {
    match pool {
        Some(p) => p.run(tasks, f),
        None => (0..tasks).for_each(f),
    }
}
