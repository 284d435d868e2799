//! Any bytes: the npy parser; what it accepts is written again and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlx_io::{Npy, npy};

fuzz_target!(|data: &[u8]| {
    let Ok(a) = Npy::parse(data) else { return };
    let mut copy = Vec::new();
    npy::write(&mut copy, a.dtype(), a.shape(), a.bytes()).expect("what was read can be written");
    let back = Npy::parse(&copy).expect("what was written can be read");
    assert_eq!((back.dtype(), back.shape(), back.bytes()), (a.dtype(), a.shape(), a.bytes()));
});
