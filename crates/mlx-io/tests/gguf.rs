//! GGUF: round trips, and one line per way a file can be wrong.

use mlx_io::gguf::{MAX_KEYS, MetaValue, Value, ValueType};
use mlx_io::{GgmlType, Gguf, GgufWriter};
use mlx_ir::ErrorKind;

/// Bytes of a file, put together by hand so that anything can be wrong.
#[derive(Clone, Default)]
struct Raw(Vec<u8>);

impl Raw {
    /// Magic, version 3 and the two counts.
    fn head(tensors: u64, keys: u64) -> Raw {
        Raw::default().bytes(b"GGUF").u32(3).u64(tensors).u64(keys)
    }
    fn bytes(mut self, b: &[u8]) -> Raw {
        self.0.extend_from_slice(b);
        self
    }
    fn u32(self, v: u32) -> Raw {
        self.bytes(&v.to_le_bytes())
    }
    fn u64(self, v: u64) -> Raw {
        self.bytes(&v.to_le_bytes())
    }
    fn str(self, s: &str) -> Raw {
        self.u64(s.len() as u64).bytes(s.as_bytes())
    }
    /// A key, its type tag and the raw value.
    fn key(self, key: &str, ty: u32, value: &[u8]) -> Raw {
        self.str(key).u32(ty).bytes(value)
    }
    fn tensor(mut self, name: &str, dims: &[u64], ty: u32, offset: u64) -> Raw {
        self = self.str(name).u32(dims.len() as u32);
        for &d in dims {
            self = self.u64(d);
        }
        self.u32(ty).u64(offset)
    }
    /// Pads to 32 and appends `n` bytes of data.
    fn data(mut self, n: usize) -> Vec<u8> {
        let start = self.0.len().next_multiple_of(32);
        self.0.resize(start + n, 7);
        self.0
    }
}

#[track_caller]
fn fails(file: &[u8], parts: &[&str]) {
    let e = match Gguf::parse(file) {
        Ok(g) => panic!("accepted: {g:?}"),
        Err(e) => e,
    };
    for p in parts {
        assert!(e.message.contains(p), "message {:?} does not say {p:?}", e.message);
    }
    assert!(e.message.starts_with("[gguf] byte "), "{e}");
}

#[test]
fn malformed_headers() {
    fails(b"", &["byte 0, magic", "truncated"]);
    fails(b"GGU", &["byte 0, magic", "truncated"]);
    fails(b"ABCDEFGH", &["byte 0, magic", "not a GGUF file", "ABCD"]);
    fails(b"lmggxxxx", &["byte 0, magic", "legacy GGML"]);
    fails(b"tjggxxxx", &["byte 0, magic", "legacy GGJT"]);
    fails(b"fmggxxxx", &["byte 0, magic", "legacy GGMF"]);
    fails(b"alggxxxx", &["byte 0, magic", "legacy GGLA"]);
    fails(b"FUGGxxxx", &["byte 0, magic", "big endian"]);
    fails(b"PK\x03\x04xxxx", &["byte 0, magic", "zip"]);
    fails(b"version https://git-lfs.github.com/spec/v1\n", &["byte 0, magic", "git-lfs pointer"]);
    fails(b"GGUF\x03\x00", &["byte 4, version", "truncated"]);
    fails(b"GGUF\x01\x00\x00\x00", &["byte 4, version", "version 1"]);
    fails(b"GGUF\x00\x00\x00\x03", &["byte 4, version", "big endian", "version 3"]);
    fails(b"GGUF\x04\x00\x00\x00", &["byte 4, version", "version 4"]);
    fails(b"GGUF\x00\x00\x00\x00", &["byte 4, version", "version 0"]);
    fails(&Raw::default().bytes(b"GGUF").u32(3).0, &["byte 8, tensor count", "truncated"]);
    fails(&Raw::head(1, 0).0, &["byte 8, tensor count", "absurd count 1", "hold at most 0"]);
    fails(&Raw::head(u64::MAX, 0).0, &["byte 8, tensor count", "absurd count 18446744073709551615"]);
    fails(&Raw::head(0, u64::MAX).0, &["byte 16, metadata count", "absurd count 18446744073709551615"]);
    let many = MAX_KEYS as u64 + 1;
    fails(&Raw::head(0, many).bytes(&vec![0; 14 << 17]).0, &["byte 16, metadata count", "at most 65536"]);
    for n in 0..24 {
        assert!(Gguf::parse(&Raw::head(0, 0).0[..n]).is_err(), "cut at {n}");
    }
    assert!(Gguf::parse(&Raw::head(0, 0).0).is_ok());
}

#[test]
fn malformed_metadata() {
    let one = |key: &str, ty: u32, value: &[u8]| Raw::head(0, 1).key(key, ty, value).bytes(&[0; 0]).0;
    let arr = |elem: u32, n: u64, data: &[u8]| Raw::default().u32(elem).u64(n).bytes(data).0;
    let k = "metadata \"k\"";
    fails(&one("", 4, &[0; 9]), &["byte 24, metadata[0] key", "empty"]);
    fails(&one(&"k".repeat(70_000), 4, &[0; 4]), &["byte 24, metadata[0] key", "70000 bytes long"]);
    fails(&Raw::head(0, 1).u64(1 << 40).bytes(&[0; 9]).0, &["byte 24, metadata[0] key", "truncated", "1099511627776"]);
    fails(&Raw::head(0, 1).u64(2).bytes(b"\xff\xffxxxxxxx").0, &["byte 32, metadata[0] key", "invalid UTF-8"]);
    fails(&one("k", 13, &[0; 4]), &["byte 33, metadata \"k\" type", "unknown metadata type 13"]);
    fails(&one("kk", 4, &[0; 3]), &["byte 38, metadata \"kk\"", "truncated: 4 bytes needed, 3 left"]);
    fails(&one("k", 7, &[2]), &["byte 37", k, "bool is 2"]);
    fails(&one("k", 8, &[9, 0, 0, 0, 0, 0, 0, 0, 1]), &["byte 37", k, "truncated", "9 bytes, 1 left"]);
    fails(&one("k", 8, b"\x02\0\0\0\0\0\0\0a\xc3"), &["byte 46", k, "invalid UTF-8"]);
    fails(&one("k", 9, &arr(13, 0, &[])), &["byte 37", k, "element type", "unknown metadata type 13"]);
    fails(&one("k", 9, &arr(4, 2, &[0; 4])), &["byte 41", k, "array length", "absurd count 2", "hold at most 1"]);
    fails(&one("k", 9, &arr(10, u64::MAX, &[0; 4])), &["byte 41", k, "array length", "absurd count"]);
    fails(&one("k", 9, &arr(8, 1 << 61, &[0; 64])), &["byte 41", k, "array length", "absurd count"]);
    fails(&one("k", 9, &arr(7, 3, &[0, 1, 9])), &["byte 51", k, "bool is 9"]);
    fails(&one("k", 9, &arr(8, 2, &Raw::default().str("ab").u64(5).0)), &["byte 59", k, "element 1", "truncated"]);
    let mut deep = arr(4, 0, &[]);
    for _ in 0..4 {
        deep = arr(9, 1, &deep);
    }
    fails(&one("k", 9, &deep), &["byte 85", k, "nested more than 4 deep"]);
    let twice = Raw::head(0, 2).key("k", 0, &[1]).key("k", 4, &[0; 4]).0;
    fails(&twice, &["byte 38, metadata[1] key", "duplicate key \"k\""]);

    let align = |ty: u32, value: &[u8]| one("general.alignment", ty, value);
    let a = "byte 53, metadata \"general.alignment\"";
    fails(&align(4, &[0; 4]), &[a, "is zero"]);
    fails(&align(4, &[24, 0, 0, 0]), &[a, "24 is not a power of two"]);
    fails(&align(5, &[0, 0, 0, 0x80]), &[a, "is negative"]);
    fails(&align(6, &[0, 0, 0, 0x42]), &[a, "float32, expected an integer"]);
    fails(&align(8, &[0; 8]), &[a, "string, expected an integer"]);
    assert_eq!(Gguf::parse(&align(10, &[64, 0, 0, 0, 0, 0, 0, 0])).unwrap().alignment(), 64);
    let huge = align(10, &[0, 0, 0, 0, 0, 0, 0, 0x80]);
    assert!(Gguf::parse(&huge).is_ok(), "no data, so the huge alignment asks for nothing");
}

#[test]
fn malformed_tensors() {
    let one =
        |dims: &[u64], ty: u32, offset: u64, data: usize| Raw::head(1, 0).tensor("t", dims, ty, offset).data(data);
    assert!(Gguf::parse(&one(&[8], 0, 0, 32)).is_ok());
    fails(&one(&[8], 0, 0, 31), &["byte 49, tensor \"t\" offset", "truncated", "64 to 96", "95 bytes"]);
    fails(&one(&[8], 0, 32, 32), &["byte 49, tensor \"t\" offset", "truncated", "96 to 128"]);
    fails(&one(&[8], 0, 16, 99), &["byte 49, tensor \"t\" offset", "16 is not a multiple of the alignment 32"]);
    fails(&one(&[8], 0, u64::MAX - 31, 32), &["byte 49, tensor \"t\" offset", "overflow"]);
    fails(&one(&[0], 0, 0, 32), &["byte 37, tensor \"t\" dims[0]", "zero dimension"]);
    fails(&one(&[4, 0], 0, 0, 32), &["byte 45, tensor \"t\" dims[1]", "zero dimension"]);
    fails(&one(&[1, 1, 1, 1, 1], 0, 0, 32), &["byte 33, tensor \"t\" n_dims", "5 dimensions, at most 4"]);
    fails(&one(&[u64::MAX], 0, 0, 32), &["byte 37, tensor \"t\" dims[0]", "overflows"]);
    fails(&one(&[1 << 32, 1 << 32], 0, 0, 32), &["byte 45, tensor \"t\" dims[1]", "overflows"]);
    fails(&one(&[1 << 62], 0, 0, 32), &["byte 45, tensor \"t\" type", "overflows"]);
    fails(&one(&[31], 2, 0, 32), &["byte 45, tensor \"t\" type", "31 elements", "Q4_0 block of 32"]);
    fails(&one(&[], 2, 0, 32), &["byte 37, tensor \"t\" type", "Q4_0 block of 32"]);
    fails(&one(&[128, 2], 12, 0, 144), &["byte 53, tensor \"t\" type", "128 elements", "Q4_K block of 256"]);
    fails(&one(&[8], 99, 0, 32), &["byte 45, tensor \"t\" type", "unknown tensor type 99"]);
    fails(&one(&[8], 31, 0, 32), &["byte 45, tensor \"t\" type", "31 (Q4_0_4_4)", "withdrawn"]);
    fails(&Raw::head(1, 0).tensor("", &[8], 0, 0).data(32), &["byte 24, tensor[0] name", "empty"]);
    fails(&Raw::head(1, 0).str("tensor name").u32(1).u64(8).0, &["byte 55, tensor \"tensor name\" type", "truncated"]);

    let two = |b: &str, offset: u64| Raw::head(2, 0).tensor("a", &[9], 0, 0).tensor(b, &[8], 0, offset).data(128);
    assert!(Gguf::parse(&two("b", 64)).is_ok());
    fails(&two("a", 64), &["byte 57, tensor[1] name", "duplicate tensor \"a\""]);
    fails(&two("b", 32), &["byte 82, tensor \"b\" offset", "overlaps tensor \"a\"", "ends at byte 132"]);
    fails(&two("b", 0), &["overlaps tensor"]);
}

#[test]
fn unsupported_is_a_kind_of_its_own() {
    for file in [&b"GGUF\x01\0\0\0"[..], b"GGUF\0\0\0\x03", b"tjgg\x01\0\0\0"] {
        assert_eq!(Gguf::parse(file).unwrap_err().kind, ErrorKind::Unsupported);
    }
    let unknown = Raw::head(1, 0).tensor("t", &[8], 43, 0).data(32);
    assert_eq!(Gguf::parse(&unknown).unwrap_err().kind, ErrorKind::Unsupported);
    assert_eq!(Gguf::parse(b"junk").unwrap_err().kind, ErrorKind::Io);
}

fn values() -> Vec<(&'static str, MetaValue)> {
    vec![
        ("u8", 200u8.into()),
        ("i8", (-100i8).into()),
        ("u16", 60_000u16.into()),
        ("i16", (-30_000i16).into()),
        ("u32", 4_000_000_000u32.into()),
        ("i32", (-2_000_000_000i32).into()),
        ("f32", 1.5f32.into()),
        ("yes", true.into()),
        ("no", false.into()),
        ("text", "héllo\n".into()),
        ("empty", "".into()),
        ("u64", u64::MAX.into()),
        ("i64", i64::MIN.into()),
        ("f64", 1e300f64.into()),
        ("ints", vec![1i32, -2, 3].into()),
        ("floats", vec![0.5f32, -1.0].into()),
        ("bools", vec![true, false].into()),
        ("words", vec!["a".to_string(), "".into(), "ßü".into()].into()),
        ("none", Vec::<String>::new().into()),
        (
            "nested",
            MetaValue::Array(
                ValueType::Array,
                vec![vec![1u8, 2].into(), Vec::<String>::new().into(), vec![1.5f64].into()],
            ),
        ),
    ]
}

fn sample() -> Vec<u8> {
    let mut w = GgufWriter::new();
    for (k, v) in values() {
        w.set(k, v).unwrap();
    }
    let mut sizes = vec![];
    for &t in GgmlType::ALL {
        sizes.push(w.add_tensor(&format!("t.{t}"), t, &[t.block_len() * 3, 2]).unwrap());
    }
    sizes.push(w.add_tensor("scalar", GgmlType::F32, &[]).unwrap());
    let mut out = w.start(Vec::new()).unwrap();
    for (i, n) in sizes.into_iter().enumerate() {
        // In two pieces, so that streaming within a tensor is covered.
        let data = vec![i as u8; n];
        out.write(&data[..n / 2]).unwrap();
        out.write(&data[n / 2..]).unwrap();
    }
    out.finish().unwrap()
}

#[test]
fn round_trip() {
    let file = sample();
    for version in [3u8, 2] {
        let mut file = file.clone();
        file[4] = version;
        let g = Gguf::parse(&file).unwrap();
        assert_eq!((g.version(), g.alignment()), (version.into(), 32));
        let back: Vec<(String, MetaValue)> = g.metadata().iter().map(|(k, v)| (k.into(), v.into())).collect();
        let want: Vec<(String, MetaValue)> = values().into_iter().map(|(k, v)| (k.into(), v)).collect();
        assert_eq!(back, want);
        assert_eq!(g.tensors().len(), GgmlType::ALL.len() + 1);
        for (i, t) in g.tensors().iter().enumerate() {
            assert!(g.data(t).iter().all(|&b| b == i as u8) && !g.data(t).is_empty());
            assert_eq!(g.region(t).unwrap().bytes(), g.data(t));
            assert!(g.region(t).unwrap().is_aligned(32));
            assert_eq!(g.tensor(t.name()).unwrap().offset(), t.offset());
            if let Some(ty) = t.name().strip_prefix("t.") {
                let ty = GgmlType::from_name(ty).unwrap();
                assert_eq!(t.ggml_type(), ty);
                assert_eq!((t.dims(), t.shape()), (&[ty.block_len() * 3, 2][..], vec![2, ty.block_len() * 3]));
                assert_eq!(t.byte_len(), 6 * ty.block_bytes());
                assert_eq!(t.elements(), 6 * ty.block_len());
            }
        }
        assert!(g.tensor("absent").unwrap_err().message.contains("\"absent\" is missing"));
    }
}

#[test]
fn a_copy_of_the_metadata_is_identical() {
    let file = sample();
    let g = Gguf::parse(&file).unwrap();
    let mut w = GgufWriter::new();
    for (k, v) in g.metadata().iter() {
        w.set(k, v).unwrap();
    }
    for t in g.tensors() {
        w.add_tensor(t.name(), t.ggml_type(), t.dims()).unwrap();
    }
    let mut out = w.start(Vec::new()).unwrap();
    for t in g.tensors() {
        out.write(g.data(t)).unwrap();
    }
    assert!(out.finish().unwrap() == file);
}

#[test]
fn every_truncation_of_a_valid_file_is_an_error() {
    let file = sample();
    let g = Gguf::parse(&file).unwrap();
    let end = g.tensors().iter().map(|t| t.offset() + t.byte_len()).max().unwrap();
    for n in 0..end {
        assert!(Gguf::parse(&file[..n]).is_err(), "cut at {n}");
    }
    assert!(Gguf::parse(&file[..end]).is_ok(), "padding after the last tensor may be missing");
}

#[test]
fn typed_getters() {
    let file = sample();
    let g = Gguf::parse(&file).unwrap();
    let m = g.metadata();
    // Any integer width that fits.
    assert_eq!((m.get_u32("u8").unwrap(), m.get_u32("u16").unwrap()), (200, 60_000));
    assert_eq!((m.get_i64("i8").unwrap(), m.get_i32("u16").unwrap()), (-100, 60_000));
    assert_eq!(m.get_u64("u64").unwrap(), u64::MAX);
    assert_eq!((m.get_f32("f32").unwrap(), m.get_f64("f64").unwrap()), (1.5, 1e300));
    assert_eq!(m.get_f32("u8").unwrap(), 200.0);
    assert_eq!((m.get_bool("yes").unwrap(), m.get_bool("no").unwrap()), (true, false));
    assert_eq!(m.get_str("text").unwrap(), "héllo\n");
    assert_eq!(m.get_i32_array("ints").unwrap(), [1, -2, 3]);
    assert_eq!(m.get_f32_array("floats").unwrap(), [0.5, -1.0]);
    assert_eq!(m.get_bool_array("bools").unwrap(), [true, false]);
    let words = m.get_str_array("words").unwrap();
    assert_eq!(words.iter().collect::<Vec<_>>(), ["a", "", "ßü"]);
    assert_eq!((words.get(2), words.get(3), words.len()), (Some("ßü"), None, 3));
    assert!(m.get_str_array("none").unwrap().is_empty());
    assert_eq!(m.opt_u32("absent").unwrap(), None);
    assert_eq!(m.opt_u32_per_layer("u8", 2).unwrap(), Some(vec![200, 200]));
    let two = m.opt_u32_per_layer("floats", 1).unwrap_err();
    assert!(two.message.contains("\"floats\" is an array of 2 float32"), "{two}");
    let short = m.opt_u32_per_layer("none", 1).unwrap_err();
    assert!(short.message.contains("\"none\" has 0 elements for 1 layers"), "{short}");
    let per = m.opt_u32_per_layer("ints", 3).unwrap_err();
    assert!(per.message.contains("\"ints\""), "{per}");
    let Some(Value::Array(nested)) = m.get("nested") else { panic!() };
    assert_eq!(nested.iter().count(), 3);

    let says = |e: mlx_ir::Error, parts: &[&str]| {
        for p in parts {
            assert!(e.message.contains(p), "{e} does not say {p}");
        }
    };
    says(m.get_u32("absent").unwrap_err(), &["\"absent\" is missing"]);
    says(m.get_u32("i8").unwrap_err(), &["\"i8\" is int8 -100", "fits uint32"]);
    says(m.get_i32("u64").unwrap_err(), &["\"u64\"", "18446744073709551615", "fits int32"]);
    says(m.get_u32("text").unwrap_err(), &["\"text\" is a string", "integer"]);
    says(m.get_u32("f32").unwrap_err(), &["\"f32\" is a float32", "integer"]);
    says(m.get_str("u8").unwrap_err(), &["\"u8\" is uint8 200", "a string"]);
    says(m.get_bool("u8").unwrap_err(), &["\"u8\"", "a bool"]);
    says(m.get_f32("text").unwrap_err(), &["\"text\" is a string", "a number"]);
    says(m.get_str_array("ints").unwrap_err(), &["\"ints\" is an array of 3 int32", "array of strings"]);
    says(m.get_u32_array("ints").unwrap_err(), &["\"ints\" is an array of 3 int32", "fits uint32"]);
    says(m.get_i32_array("i32").unwrap_err(), &["\"i32\"", "an array"]);
    says(m.opt_u32("text").unwrap_err(), &["\"text\" is a string"]);
}

#[test]
fn the_writer_refuses() {
    let says = |r: Result<(), mlx_ir::Error>, what: &str| {
        let e = r.unwrap_err();
        assert!(e.message.contains(what), "{e} does not say {what}");
    };
    let mut w = GgufWriter::new();
    w.set("k", 1u8).unwrap();
    says(w.set("k", 1u8), "set twice");
    says(w.set("", 1u8), "1 to 65535 bytes");
    says(w.set("general.alignment", 24u32), "power of two");
    says(w.set("general.alignment", 32u64), "type uint32");
    says(w.set("general.alignment", 1u32 << 21), "up to 1048576");
    says(w.set("m", MetaValue::Array(ValueType::U8, vec![1u16.into()])), "a uint16 in an array of uint8");
    let mut deep = MetaValue::from(vec![1u8]);
    for _ in 0..4 {
        deep = MetaValue::Array(ValueType::Array, vec![deep]);
    }
    says(w.set("d", deep), "nested more than 4");
    let mut add = |n: &str, t, d: &[usize]| w.add_tensor(n, t, d).map(|_| ());
    add("t", GgmlType::I8, &[4]).unwrap();
    says(add("t", GgmlType::I8, &[4]), "declared twice");
    says(add("u", GgmlType::I8, &[0]), "zero");
    says(add("u", GgmlType::I8, &[1; 5]), "at most 4 dimensions");
    says(add("u", GgmlType::Q4_K, &[128, 2]), "block of 256");
    says(add("u", GgmlType::F32, &[usize::MAX, 2]), "overflows");
    let mut out = w.start(Vec::new()).unwrap();
    says(out.write(&[0; 5]), "5 bytes given, 4 of 4 expected");
    out.write(&[0; 3]).unwrap();
    let rest = out.finish();
    says(rest.map(|_| ()), "3 of 4 bytes given");
}

#[test]
fn alignment_is_kept() {
    let mut w = GgufWriter::new();
    w.set("general.alignment", 256u32).unwrap();
    for n in ["a", "b"] {
        w.add_tensor(n, GgmlType::I8, &[5]).unwrap();
    }
    let mut out = w.start(Vec::new()).unwrap();
    out.write(&[1; 5]).unwrap();
    out.write(&[2; 5]).unwrap();
    let file = out.finish().unwrap();
    let g = Gguf::parse(&file).unwrap();
    assert_eq!(g.alignment(), 256);
    assert!(g.tensors().iter().all(|t| t.offset() % 256 == 0));
    assert_eq!(g.data(g.tensor("b").unwrap()), [2; 5]);
}

/// Writes part `no` of `count` with the given tensors.
fn part(dir: &std::path::Path, name: &str, no: u16, count: u16, total: i32, tensors: &[&str]) {
    let mut w = GgufWriter::new();
    if no == 0 {
        w.set("general.name", "split model").unwrap();
    }
    w.set("split.no", no).unwrap();
    w.set("split.count", count).unwrap();
    w.set("split.tensors.count", total).unwrap();
    for t in tensors {
        w.add_tensor(t, GgmlType::I8, &[4]).unwrap();
    }
    let mut out = w.start(std::fs::File::create(dir.join(name)).unwrap()).unwrap();
    for t in tensors {
        out.write(&[t.as_bytes()[0]; 4]).unwrap();
    }
    out.finish().unwrap();
}

#[test]
fn split_files() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path();
    let names = ["m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"];
    let write = |tensors: [&[&str]; 3], total: i32| {
        for (i, t) in tensors.iter().enumerate() {
            part(dir, names[i], i as u16, 3, total, t);
        }
    };
    write([&["a", "b"], &["c"], &["d"]], 4);
    for open in names {
        let g = Gguf::open(dir.join(open)).unwrap();
        assert_eq!(g.metadata().get_str("general.name").unwrap(), "split model");
        assert_eq!(g.tensors().iter().map(|t| t.name()).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        assert_eq!(g.files().len(), 3);
        for t in g.tensors() {
            assert_eq!(g.data(t), [t.name().as_bytes()[0]; 4]);
            assert_eq!(g.region(t).unwrap().file().path(), g.files()[t.part()].path());
        }
    }

    let fails = |parts: &[&str]| {
        let e = Gguf::open(dir.join(names[0])).unwrap_err();
        for p in parts {
            assert!(e.message.contains(p), "{e} does not say {p}");
        }
    };
    write([&["a", "b"], &["c"], &["d"]], 5);
    fails(&["split.tensors.count is 5", "hold 4 tensors"]);
    write([&["a", "b"], &["c"], &["b"]], 4);
    fails(&[names[2], "duplicate tensor \"b\""]);
    write([&["a", "b"], &["c"], &["d"]], 4);
    part(dir, names[1], 2, 3, 4, &["c"]);
    fails(&[names[1], "split.no is 2, expected 1"]);
    part(dir, names[1], 1, 2, 4, &["c"]);
    fails(&[names[1], "split.count is 2", "say 3"]);
    part(dir, names[1], 1, 3, 9, &["c"]);
    fails(&[names[1], "split.tensors.count is 9", "says 4"]);
    std::fs::remove_file(dir.join(names[1])).unwrap();
    fails(&[names[1], "No such file"]);
    part(dir, "other.gguf", 0, 3, 4, &["c"]);
    let e = Gguf::open(dir.join("other.gguf")).unwrap_err();
    assert!(e.message.contains("does not end in -00001-of-00003.gguf"), "{e}");
    let bytes = std::fs::read(dir.join(names[0])).unwrap();
    assert!(Gguf::parse(&bytes).unwrap_err().message.contains("split in 3 files"));
}

#[test]
fn open_names_the_path() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("broken.gguf");
    std::fs::write(&path, b"GGUF\x03\0\0\0").unwrap();
    let e = Gguf::open(&path).unwrap_err();
    assert!(e.message.contains("broken.gguf: byte 8, tensor count"), "{e}");
}
