//! Damaged files: valid files of every format, changed thousands of times from a fixed seed. No parser may panic,
//! and none may ask for much more memory than the file has bytes.

use mlx_io::gguf::{MetaValue, Value, ValueType};
use mlx_io::safetensors::{Tensor, write_to};
use mlx_io::{GgmlType, Gguf, GgufWriter, Npy, SafeTensors};
use mlx_ir::DType;
use peak_alloc::PeakAlloc;
use std::collections::BTreeMap;
use std::sync::Mutex;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// The heap is counted for the whole process, so one test runs at a time.
static ONE: Mutex<()> = Mutex::new(());

struct XorShift(u64);

impl XorShift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Changes a few places: bits, bytes, whole counts, pieces taken out or put in, the end cut off.
fn damage(rng: &mut XorShift, file: &[u8]) -> Vec<u8> {
    const COUNTS: [u64; 10] = [0, 1, 5, 0xff, 0xffff, 0xffff_ffff, 1 << 32, 1 << 61, i64::MAX as u64, u64::MAX];
    let mut out = file.to_vec();
    for _ in 0..1 + rng.below(4) {
        if out.is_empty() {
            break;
        }
        let at = rng.below(out.len());
        match rng.below(8) {
            0..=2 => out[at] ^= 1 << rng.below(8),
            3 => out[at] = rng.next() as u8,
            4 => {
                let count = COUNTS[rng.below(COUNTS.len())].to_le_bytes();
                let n = [4, 8][rng.below(2)].min(out.len() - at);
                out[at..at + n].copy_from_slice(&count[..n]);
            }
            5 => {
                let n = rng.below(40).min(out.len() - at);
                out.drain(at..at + n);
            }
            6 => {
                let n = rng.below(40).min(out.len() - at);
                let piece = out[at..at + n].to_vec();
                let to = rng.below(out.len());
                out.splice(to..to, piece);
            }
            _ => out.truncate(at),
        }
    }
    out
}

/// Runs `parse` over damaged copies; returns how many were accepted.
fn mutate(file: &[u8], rounds: usize, factor: usize, parse: impl Fn(&[u8]) -> bool) -> usize {
    let _one = ONE.lock().unwrap_or_else(|e| e.into_inner());
    assert!(parse(file), "the file itself is valid");
    let mut rng = XorShift(0x9e37_79b9_7f4a_7c15);
    let mut accepted = 0;
    for round in 0..rounds {
        let damaged = damage(&mut rng, file);
        HEAP.reset_peak_usage();
        let before = HEAP.current_usage();
        accepted += usize::from(parse(&damaged));
        let grown = HEAP.peak_usage().saturating_sub(before);
        let limit = factor * damaged.len() + (256 << 10);
        assert!(grown <= limit, "round {round}: {grown} bytes of heap for a file of {}", damaged.len());
    }
    accepted
}

fn gguf_file() -> Vec<u8> {
    let mut w = GgufWriter::new();
    w.set("general.architecture", "llama").unwrap();
    w.set("general.alignment", 16u32).unwrap();
    w.set("b", true).unwrap();
    w.set("f", 0.5f32).unwrap();
    w.set("tokens", (0..40).map(|i| format!("töken {i}")).collect::<Vec<_>>()).unwrap();
    w.set("scores", vec![1.0f32; 30]).unwrap();
    let nested = MetaValue::Array(ValueType::Array, vec![vec![true].into(), vec![String::from("x")].into()]);
    w.set("nested", nested).unwrap();
    for (i, t) in [GgmlType::F32, GgmlType::Q4_K, GgmlType::Q8_0, GgmlType::I8].into_iter().enumerate() {
        w.add_tensor(&format!("blk.{i}"), t, &[t.block_len(), 2]).unwrap();
    }
    let mut out = w.start(vec![]).unwrap();
    for t in [GgmlType::F32, GgmlType::Q4_K, GgmlType::Q8_0, GgmlType::I8] {
        out.write(&vec![1; 2 * t.block_bytes()]).unwrap();
    }
    out.finish().unwrap()
}

/// Parses and then touches everything that was read.
fn gguf_parse(file: &[u8]) -> bool {
    fn walk(v: &Value<'_>) -> usize {
        match v {
            Value::Array(a) => a.iter().map(|v| walk(&v)).sum(),
            Value::Str(s) => s.len(),
            _ => 1,
        }
    }
    let Ok(g) = Gguf::parse(file) else { return false };
    for (key, v) in g.metadata().iter() {
        assert!(!key.is_empty() && g.metadata().contains(key));
        walk(&v);
        let _ = (g.metadata().get_u32(key), g.metadata().get_f32_array(key), g.metadata().get_i32_array(key));
        if let Ok(s) = g.metadata().get_str_array(key) {
            assert_eq!(s.iter().count(), s.len());
        }
    }
    for t in g.tensors() {
        assert_eq!(g.data(t).len(), t.byte_len());
        assert_eq!(g.region(t).unwrap().len(), t.byte_len());
    }
    true
}

#[test]
fn gguf() {
    let n = mutate(&gguf_file(), 20_000, 16, gguf_parse);
    assert!((500..19_500).contains(&n), "{n} accepted: the damage is too strong or too weak");
}

fn safetensors_file() -> Vec<u8> {
    let t = |name, dtype, shape, data| Tensor { name, dtype, shape, data };
    let tensors = [
        t("a.weight", DType::F32, &[2, 3][..], &[1; 24][..]),
        t("b\"é", DType::BF16, &[], &[1; 2]),
        t("empty", DType::I64, &[4, 0], &[]),
        t("c", DType::Bool, &[5], &[1; 5]),
    ];
    let metadata = BTreeMap::from([("format".to_string(), "pt".to_string())]);
    write_to(vec![], &tensors, &metadata).unwrap()
}

fn safetensors_parse(file: &[u8]) -> bool {
    let Ok(st) = SafeTensors::parse(file) else { return false };
    let mut total = 0;
    for t in st.tensors() {
        assert_eq!(st.data(t).len(), t.shape().iter().product::<usize>() * t.dtype().size());
        total += st.data(t).len();
    }
    assert!(total <= file.len());
    true
}

#[test]
fn safetensors() {
    let n = mutate(&safetensors_file(), 20_000, 16, safetensors_parse);
    assert!((500..19_500).contains(&n), "{n} accepted: the damage is too strong or too weak");
}

fn npy_parse(file: &[u8]) -> bool {
    let Ok(a) = Npy::parse(file) else { return false };
    assert_eq!(a.bytes().len(), a.shape().iter().product::<usize>() * a.dtype().size());
    true
}

#[test]
fn npy() {
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    let header = "{'descr': '>f4', 'fortran_order': True, 'shape': (3, 4, 2), }\n";
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend([7; 96]);
    let n = mutate(&file, 20_000, 4, npy_parse);
    assert!((500..19_500).contains(&n), "{n} accepted: the damage is too strong or too weak");
}

/// Files whose counts promise far more than is there: refused without asking for the memory.
#[test]
fn promised_counts_are_not_allocated() {
    let _one = ONE.lock().unwrap_or_else(|e| e.into_inner());
    let mut cases: Vec<Vec<u8>> = vec![];
    for count in [1u64 << 18, 1 << 32, 1 << 60, u64::MAX] {
        for (tensors, keys) in [(count, 0), (0, count)] {
            let mut f = b"GGUF\x03\0\0\0".to_vec();
            f.extend(tensors.to_le_bytes());
            f.extend(keys.to_le_bytes());
            f.resize(1 << 20, 0);
            cases.push(f);
        }
        for elem in [0u32, 8, 9] {
            let mut f = b"GGUF\x03\0\0\0".to_vec();
            f.extend(0u64.to_le_bytes());
            f.extend(1u64.to_le_bytes());
            f.extend(1u64.to_le_bytes());
            f.push(b'k');
            f.extend(9u32.to_le_bytes());
            f.extend(elem.to_le_bytes());
            f.extend(count.to_le_bytes());
            f.resize(1 << 16, 0xff);
            cases.push(f);
        }
    }
    for f in &cases {
        HEAP.reset_peak_usage();
        let before = HEAP.current_usage();
        assert!(Gguf::parse(f).is_err());
        let grown = HEAP.peak_usage().saturating_sub(before);
        assert!(grown < 512 << 10, "{grown} bytes for a refused file of {}", f.len());
    }
    // A header of 100 MB is promised, 2 bytes are there.
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let mut f = 100_000_000u64.to_le_bytes().to_vec();
    f.extend(b"{}");
    assert!(SafeTensors::parse(&f).is_err());
    assert!(HEAP.peak_usage().saturating_sub(before) < 64 << 10);
}
