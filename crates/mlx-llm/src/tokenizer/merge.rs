//! The merge loop of both kinds of tokenizer: a linked list of symbols and a heap of candidate pairs,
//! O(n log n) whatever the text.

use std::collections::BinaryHeap;

/// Marks a symbol that has no token, and the ends of the list.
pub(super) const NONE: u32 = u32::MAX;

/// A stretch of the text that is one token so far, or part of one that was merged to its left (`len` 0).
#[derive(Clone, Copy, Debug)]
pub(super) struct Symbol {
    pub(super) start: u32,
    pub(super) len: u32,
    pub(super) id: u32,
    prev: u32,
    next: u32,
}

/// A pair that may be merged; the greatest is merged first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate<K> {
    key: K,
    /// Of equal keys the leftmost goes first.
    left: std::cmp::Reverse<u32>,
    right: u32,
    /// Length of the pair: the symbols have moved on when theirs differs.
    len: u32,
    id: u32,
}

/// Working space, reused from piece to piece.
#[derive(Debug)]
pub(super) struct Merger<K: Ord> {
    symbols: Vec<Symbol>,
    heap: BinaryHeap<Candidate<K>>,
}

impl<K: Ord + Copy> Merger<K> {
    pub(super) fn new() -> Self {
        Self { symbols: Vec::new(), heap: BinaryHeap::new() }
    }

    /// Empties the list for the next piece.
    pub(super) fn clear(&mut self) {
        self.symbols.clear();
        self.heap.clear();
    }

    /// Appends a symbol of `len` bytes.
    pub(super) fn push(&mut self, len: u32, id: u32) {
        let index = self.symbols.len() as u32;
        let (start, prev) = match self.symbols.last_mut() {
            Some(last) => {
                last.next = index;
                (last.start + last.len, index - 1)
            }
            None => (0, NONE),
        };
        self.symbols.push(Symbol { start, len, id, prev, next: NONE });
    }

    /// Merges until `pair` has nothing to offer. `pair` gets two neighbours and says how urgent their merge is
    /// (greater first) and which token results.
    pub(super) fn run(&mut self, mut pair: impl FnMut(&Symbol, &Symbol) -> Option<(K, u32)>) {
        for right in 1..self.symbols.len() as u32 {
            self.offer(right - 1, right, &mut pair);
        }
        while let Some(best) = self.heap.pop() {
            let (l, r) = (best.left.0 as usize, best.right as usize);
            let (left, right) = (self.symbols[l], self.symbols[r]);
            if left.len == 0 || right.len == 0 || left.len + right.len != best.len {
                continue;
            }
            self.symbols[r].len = 0;
            self.symbols[l] = Symbol { len: best.len, id: best.id, next: right.next, ..left };
            if right.next != NONE {
                self.symbols[right.next as usize].prev = l as u32;
            }
            if left.prev != NONE {
                self.offer(left.prev, l as u32, &mut pair);
            }
            if right.next != NONE {
                self.offer(l as u32, right.next, &mut pair);
            }
        }
    }

    fn offer(&mut self, left: u32, right: u32, pair: &mut impl FnMut(&Symbol, &Symbol) -> Option<(K, u32)>) {
        let (l, r) = (&self.symbols[left as usize], &self.symbols[right as usize]);
        if let Some((key, id)) = pair(l, r) {
            let len = l.len + r.len;
            self.heap.push(Candidate { key, left: std::cmp::Reverse(left), right, len, id });
        }
    }

    /// What is left, in order.
    pub(super) fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        self.symbols.iter().filter(|s| s.len > 0)
    }
}
