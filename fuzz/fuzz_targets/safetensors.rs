//! Any bytes: the safetensors parser; what it accepts is written again and read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlx_io::SafeTensors;
use mlx_io::safetensors::{Tensor, write_to};

fuzz_target!(|data: &[u8]| {
    let Ok(st) = SafeTensors::parse(data) else { return };
    let tensors: Vec<Tensor<'_>> = st
        .tensors()
        .iter()
        .map(|t| Tensor { name: t.name(), dtype: t.dtype(), shape: t.shape(), data: st.data(t) })
        .collect();
    let total: usize = tensors.iter().map(|t| t.data.len()).sum();
    assert!(total + 10 <= data.len(), "every byte of data belongs to one tensor");
    let copy = write_to(Vec::new(), &tensors, st.metadata()).expect("what was read can be written");
    let back = SafeTensors::parse(&copy).expect("what was written can be read");
    assert_eq!(back.metadata(), st.metadata());
    for t in &tensors {
        let b = back.tensor(t.name).expect("the tensor is there");
        assert_eq!((b.dtype(), b.shape(), back.data(b)), (t.dtype, t.shape, t.data));
    }
});
