//! Any bytes: a file of recorded functions; what it accepts is written again and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlx::{read_functions, write_functions};

fuzz_target!(|data: &[u8]| {
    let Ok(f) = read_functions(data) else { return };
    // Graphs without a written form, as of rows over the bytes of model files, are refused when read.
    let copy = match write_functions(&f.calls, f.shapeless, &f.metadata) {
        Ok(copy) => copy,
        // Constants of the official package's files are computed to be written, which may fail.
        Err(_) if !data.starts_with(b"MLX-ARM") => return,
        Err(e) => panic!("what was read cannot be written: {e}"),
    };
    let back = read_functions(&copy).expect("what was written can be read");
    assert_eq!(write_functions(&back.calls, back.shapeless, &back.metadata).expect("once more"), copy);
});
