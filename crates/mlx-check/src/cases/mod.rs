//! The cases, one file a family of operations, one line a case.

use crate::case::{Case, List};

#[rustfmt::skip]
mod block;
#[rustfmt::skip]
mod compose;
#[rustfmt::skip]
mod copy;
#[rustfmt::skip]
mod create;
#[rustfmt::skip]
mod elementwise;
#[rustfmt::skip]
mod fast;
#[rustfmt::skip]
mod index;
#[rustfmt::skip]
mod matmul;
#[rustfmt::skip]
mod quantize;
#[rustfmt::skip]
mod random;
#[rustfmt::skip]
mod reduce;
#[rustfmt::skip]
mod scan;
#[rustfmt::skip]
mod signal;
#[rustfmt::skip]
mod sort;
#[rustfmt::skip]
mod view;

/// Every case.
pub fn all() -> Vec<Case> {
    let mut list = List::default();
    for add in [
        elementwise::add,
        create::add,
        view::add,
        copy::add,
        index::add,
        reduce::add,
        scan::add,
        sort::add,
        matmul::add,
        random::add,
        fast::add,
        quantize::add,
        block::add,
        compose::add,
        signal::add,
    ] {
        add(&mut list);
    }
    list.0
}
