//! What this crate reads from model files, as JSON lines, and files written anew from what was read: the
//! counterpart of `tests/oracle/formats.py`, which compares both with the reference readers.
//!
//! `dump_formats PATH…` prints for each path a line `{"file": …}`, one line per metadata key and one per tensor
//! (name, type, shape, FNV-1a of the bytes). A file that is refused gives `{"error": …}`.
//! `dump_formats --copy FROM TO` reads FROM and writes its content to TO in the same format.

use mlx_io::gguf::Value;
use mlx_io::safetensors::Tensor;
use mlx_io::{Gguf, GgufWriter, Npy, SafeTensors, npy, safetensors};
use mlx_ir::{Error, Result};
use serde_json::{Value as Json, json};
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let done = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--copy", from, to] => copy(Path::new(from), Path::new(to)),
        [] => Err(Error::value("usage: dump_formats PATH… | --copy FROM TO")),
        _ => {
            for path in &args {
                println!("{}", json!({"file": path}));
                if let Err(e) = dump(Path::new(path)) {
                    println!("{}", json!({"error": e.message}));
                }
            }
            Ok(())
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::from(2)
        }
    }
}

/// FNV-1a, 64 bits.
fn checksum(data: &[u8]) -> String {
    let step = |h: u64, &b: &u8| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", data.iter().fold(0xcbf2_9ce4_8422_2325, step))
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|e| e.to_str()).unwrap_or_default()
}

fn value(v: &Value<'_>) -> Json {
    match *v {
        Value::Bool(b) => json!(b),
        Value::Str(s) => json!(s),
        // As bits, so that every value can be compared.
        Value::F32(f) => json!(format!("f32:{:08x}", f.to_bits())),
        Value::F64(f) => json!(format!("f64:{:016x}", f.to_bits())),
        Value::U64(i) => json!(i),
        Value::Array(a) => Json::Array(a.iter().map(|v| value(&v)).collect()),
        ref v => json!(v.as_int().and_then(|i| i64::try_from(i).ok())),
    }
}

fn print_tensor(name: &str, dtype: &str, shape: &[usize], data: &[u8]) {
    println!("{}", json!({"tensor": name, "dtype": dtype, "shape": shape, "sum": checksum(data)}));
}

fn dump(path: &Path) -> Result<()> {
    match extension(path) {
        "gguf" => {
            let g = Gguf::open(path)?;
            for (k, v) in g.metadata().iter() {
                println!("{}", json!({"key": k, "type": v.value_type().name(), "value": value(&v)}));
            }
            for t in g.tensors() {
                print_tensor(t.name(), t.ggml_type().name(), &t.shape(), g.data(t));
            }
        }
        "npy" => {
            let a = Npy::open(path)?;
            print_tensor("", a.dtype().name(), a.shape(), a.bytes());
        }
        _ => {
            let st = SafeTensors::open(path)?;
            for (k, v) in st.metadata() {
                println!("{}", json!({"key": k, "value": v}));
            }
            for t in st.tensors() {
                print_tensor(t.name(), t.dtype().name(), t.shape(), st.data(t));
            }
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    match extension(from) {
        "gguf" => {
            let g = Gguf::open(from)?;
            let mut w = GgufWriter::new();
            for (k, v) in g.metadata().iter() {
                w.set(k, v)?;
            }
            for t in g.tensors() {
                w.add_tensor(t.name(), t.ggml_type(), t.dims())?;
            }
            let mut out = w.start(BufWriter::new(File::create(to)?))?;
            for t in g.tensors() {
                out.write(g.data(t))?;
            }
            out.finish()?;
        }
        "npy" => {
            let a = Npy::open(from)?;
            npy::write(&mut File::create(to)?, a.dtype(), a.shape(), a.bytes())?;
        }
        _ => {
            let st = SafeTensors::open(from)?;
            let tensors: Vec<Tensor<'_>> = st
                .tensors()
                .iter()
                .map(|t| Tensor { name: t.name(), dtype: t.dtype(), shape: t.shape(), data: st.data(t) })
                .collect();
            safetensors::write(to, &tensors, st.metadata())?;
        }
    }
    Ok(())
}
