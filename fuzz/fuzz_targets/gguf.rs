//! Any bytes: the GGUF parser and everything that reads what it accepted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mlx_io::gguf::Value;
use mlx_io::{Gguf, GgufWriter};

fn visit(v: &Value<'_>) -> usize {
    match v {
        Value::Array(a) => a.iter().map(|v| visit(&v)).sum(),
        Value::Str(s) => s.len(),
        _ => 1,
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(g) = Gguf::parse(data) else { return };
    let m = g.metadata();
    let mut w = GgufWriter::new();
    for (key, v) in m.iter() {
        visit(&v);
        let _ = (m.get_u32(key), m.get_f32(key), m.get_bool(key), m.get_str(key));
        let _ = (m.get_i32_array(key), m.get_f32_array(key), m.opt_u32_per_layer(key, 3));
        if let Ok(s) = m.get_str_array(key) {
            assert_eq!(s.iter().count(), s.len());
        }
        // The writer wants the alignment as uint32; the reader takes any integer.
        if key != "general.alignment" {
            w.set(key, v).expect("what was read can be written");
        }
    }
    for t in g.tensors() {
        assert_eq!(g.data(t).len(), t.byte_len());
        assert_eq!(
            w.add_tensor(t.name(), t.ggml_type(), t.dims()).expect("what was read can be written"),
            t.byte_len()
        );
    }
    let mut out = w.start(Vec::new()).expect("the header is written");
    for t in g.tensors() {
        out.write(g.data(t)).expect("the data is written");
    }
    let copy = out.finish().expect("all data is written");
    let back = Gguf::parse(&copy).expect("what was written can be read");
    assert_eq!(back.tensors().len(), g.tensors().len());
    for t in g.tensors() {
        assert_eq!(back.data(back.tensor(t.name()).expect("the tensor is there")), g.data(t));
    }
});
