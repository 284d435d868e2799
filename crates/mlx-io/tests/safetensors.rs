//! safetensors: round trips, shards, and one line per way a file can be wrong.

use mlx_io::SafeTensors;
use mlx_io::safetensors::{StoredType, Tensor, write, write_to};
use mlx_ir::{DType, ErrorKind};
use std::collections::BTreeMap;

/// A file of this header text and `data` bytes of data.
fn raw(header: &str, data: usize) -> Vec<u8> {
    let mut out = (header.len() as u64).to_le_bytes().to_vec();
    out.extend(header.as_bytes());
    out.extend(std::iter::repeat_n(1, data));
    out
}

/// A file of one tensor entry.
fn one(entry: &str, data: usize) -> Vec<u8> {
    raw(&format!("{{\"t\":{entry}}}"), data)
}

#[track_caller]
fn fails(file: &[u8], parts: &[&str]) {
    let e = match SafeTensors::parse(file) {
        Ok(st) => panic!("accepted: {st:?}"),
        Err(e) => e,
    };
    for p in parts {
        assert!(e.message.contains(p), "message {:?} does not say {p:?}", e.message);
    }
    assert!(e.message.starts_with("[safetensors] byte "), "{e}");
}

#[test]
fn malformed() {
    fails(b"", &["byte 0, header length", "truncated"]);
    fails(&[0; 7], &["byte 0, header length", "truncated", "7 in the file"]);
    fails(&[0xff; 8], &["byte 0, header length", "18446744073709551615 bytes, at most 100000000"]);
    fails(&raw("{}", 0)[..9], &["byte 0, header length", "truncated", "2 bytes, 1 left"]);
    fails(&raw("", 0), &["byte 8, header", "not a JSON object"]);
    fails(&raw(" {}", 0), &["byte 8, header", "not a JSON object"]);
    fails(&raw("[]", 0), &["byte 8, header", "not a JSON object"]);
    fails(&raw("{", 0), &["byte 8, header", "EOF"]);
    fails(&raw("{}}", 0), &["byte 10, header", "trailing"]);
    fails(&raw("{\n \n ,}", 0), &["byte 13, header", "key must be a string"]);
    fails(&raw("{}", 3), &["byte 10, data", "3 bytes belong to no tensor"]);
    fails(&raw(&"{\"a\":".repeat(200), 0), &["byte 1007, header", "EOF"]);
    fails(&raw(&format!("{{\"a\":{{\"x\":{}", "[".repeat(200)), 0), &["header", "EOF"]);
    fails(&raw("{\"__metadata__\":{\"a\":1}}", 0), &["byte 29, header", "expected a string"]);
    fails(&raw("{\"__metadata__\":7}", 0), &["header", "__metadata__: an object of strings"]);
    fails(&raw("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0), &["header", "duplicate key in __metadata__"]);
    fails(&raw("{\"\u{e9}\":{}}", 0), &["header", "missing field `dtype`"]);

    fails(&one("3", 0), &["byte 13, header", "an object of dtype, shape and data_offsets"]);
    fails(&one("{\"shape\":[],\"data_offsets\":[0,1]}", 1), &["header", "missing field `dtype`"]);
    fails(&one("{\"dtype\":\"U8\",\"data_offsets\":[0,1]}", 1), &["header", "missing field `shape`"]);
    fails(&one("{\"dtype\":\"U8\",\"shape\":[]}", 1), &["header", "missing field `data_offsets`"]);
    fails(&one("{\"dtype\":\"U8\",\"dtype\":\"U8\"}", 1), &["header", "duplicate field dtype"]);
    fails(&one("{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}", 1), &["header", "-1"]);
    fails(&one("{\"dtype\":\"U8\",\"shape\":[1.5],\"data_offsets\":[0,1]}", 1), &["header", "1.5"]);
    fails(&one("{\"dtype\":\"U8\",\"shape\":[18446744073709551616],\"data_offsets\":[0,1]}", 1), &["header"]);
    let many = format!("{{\"dtype\":\"U8\",\"shape\":[{}1]}}", "1,".repeat(32));
    fails(&one(&many, 1), &["header", "more than 32 numbers"]);

    let st = |dtype: &str, shape: &str, offsets: &str, data| {
        one(&format!("{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":{offsets}}}"), data)
    };
    assert!(SafeTensors::parse(&st("F32", "[2]", "[0,8]", 8)).is_ok());
    fails(&st("F32", "[2]", "[0,8]", 7), &["byte 9, tensor \"t\" data_offsets", "truncated", "7 bytes of data"]);
    fails(&st("F32", "[2]", "[8,0]", 8), &["byte 9, tensor \"t\" data_offsets", "8 is after 0"]);
    fails(&st("F32", "[2]", "[0,4]", 4), &["byte 9, tensor \"t\" data_offsets", "4 bytes, but F32 [2] has 8"]);
    fails(&st("F32", "[2]", "[0]", 8), &["byte 9, tensor \"t\" data_offsets", "1 numbers, expected 2"]);
    fails(&st("F32", "[2]", "[0,8,9]", 8), &["byte 9, tensor \"t\" data_offsets", "3 numbers, expected 2"]);
    fails(&st("F32", "[2]", "[4,12]", 12), &["tensor \"t\" data_offsets", "gap after 0"]);
    fails(&st("F32", "[2]", "[0,8]", 9), &["data", "1 bytes belong to no tensor"]);
    fails(&st("U8", "[4294967296,4294967296]", "[0,0]", 0), &["byte 9, tensor \"t\" shape", "overflows"]);
    fails(&st("U8", "[4294967296,4294967296,0]", "[0,0]", 0), &["byte 9, tensor \"t\" shape", "overflows"]);
    fails(&st("F64", "[4611686018427387904]", "[0,0]", 0), &["byte 9, tensor \"t\" shape", "overflows"]);
    fails(&st("F8_E5M2", "[1]", "[0,1]", 1), &["byte 9, tensor \"t\" dtype", "F8_E5M2 is not supported"]);
    fails(&st("F4", "[2]", "[0,1]", 1), &["byte 9, tensor \"t\" dtype", "F4 is not supported"]);
    fails(&st("f32", "[1]", "[0,4]", 4), &["byte 9, tensor \"t\" dtype", "unknown dtype \"f32\""]);

    let two = |a: &str, b: &str, data| {
        let entry = |o: &str| format!("{{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":{o}}}");
        raw(&format!("{{\"a\":{},\"b\":{}}}", entry(a), entry(b)), data)
    };
    assert!(SafeTensors::parse(&two("[4,8]", "[0,4]", 8)).is_ok());
    fails(&two("[0,4]", "[2,6]", 6), &["tensor \"b\" data_offsets", "data at 2 overlaps", "ends at 4"]);
    fails(&two("[0,4]", "[0,4]", 4), &["data_offsets", "overlaps"]);
    fails(&two("[0,4]", "[5,9]", 9), &["tensor \"b\" data_offsets", "data at 5 leaves a gap after 4"]);
    let same = one("{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"t\":{}", 1);
    fails(&same, &["header", "duplicate key \"t\""]);
    assert_eq!(SafeTensors::parse(&st("F4", "[2]", "[0,1]", 1)).unwrap_err().kind, ErrorKind::Unsupported);
}

#[test]
fn accepted_oddities() {
    // What MLX writes when there is no metadata, unknown fields, trailing space, an empty tensor between others.
    let st = SafeTensors::parse(&raw("{\"__metadata__\":null}  ", 0)).unwrap();
    assert!(st.metadata().is_empty() && st.tensors().is_empty());
    let st = SafeTensors::parse(&one("{\"x\":[{}],\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}", 1)).unwrap();
    assert_eq!(st.tensors()[0].shape(), [0usize; 0]);
    let entry = |n: u32, o: &str| format!("{{\"dtype\":\"U8\",\"shape\":[{n}],\"data_offsets\":{o}}}");
    let header = format!("{{\"a\":{},\"e\":{},\"b\":{}}}", entry(2, "[0,2]"), entry(0, "[2,2]"), entry(1, "[2,3]"));
    let st = SafeTensors::parse(&raw(&header, 3)).unwrap();
    assert_eq!(st.tensor("e").unwrap().byte_len(), 0);
    assert!(st.data(st.tensor("e").unwrap()).is_empty());
}

#[test]
fn every_dtype_is_read_as_documented() {
    for &t in StoredType::ALL {
        let n = t.dtype().size();
        let file = one(&format!("{{\"dtype\":\"{t}\",\"shape\":[1],\"data_offsets\":[0,{n}]}}"), n);
        let st = SafeTensors::parse(&file).unwrap();
        assert_eq!((st.tensors()[0].stored_type(), st.tensors()[0].dtype()), (t, t.dtype()));
    }
    assert_eq!(StoredType::F8_E4M3.dtype(), DType::U8);
    assert_eq!(StoredType::F8_E8M0.dtype(), DType::U8);
    for d in DType::ALL {
        assert_eq!(StoredType::of(d).dtype(), d);
    }
}

#[test]
fn round_trip() {
    let data: Vec<u8> = (0..240).collect();
    let shape = |d: DType, n: usize| [n, 3, d.size()];
    let names: Vec<String> = DType::ALL.iter().map(|d| format!("\"{d}\"\n/é")).collect();
    let shapes: Vec<[usize; 3]> = DType::ALL.iter().enumerate().map(|(i, &d)| shape(d, i % 3)).collect();
    let tensors: Vec<Tensor<'_>> = DType::ALL
        .iter()
        .enumerate()
        .map(|(i, &dtype)| {
            let bytes = shapes[i].iter().product::<usize>() * dtype.size();
            let (name, shape) = (names[i].as_str(), &shapes[i][..]);
            Tensor { name, dtype, shape, data: &data.repeat(2).leak()[..bytes] }
        })
        .collect();
    let metadata = BTreeMap::from([("format".to_string(), "mlx".to_string()), ("a\"".into(), "".into())]);
    let file = write_to(Vec::new(), &tensors, &metadata).unwrap();
    let st = SafeTensors::parse(&file).unwrap();
    assert_eq!(st.metadata(), &metadata);
    assert_eq!(st.tensors().len(), tensors.len());
    for t in &tensors {
        let i = st.tensor(t.name).unwrap();
        assert_eq!((i.dtype(), i.shape(), st.data(i)), (t.dtype, t.shape, t.data));
        let region = st.region(i).unwrap();
        assert!(region.bytes() == t.data && region.is_aligned(t.dtype.size()), "{}", t.name);
    }
    // Header keys are sorted.
    let len = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let text = std::str::from_utf8(&file[8..8 + len]).unwrap();
    let mut sorted = names.clone();
    sorted.push("__metadata__".into());
    sorted.sort();
    let places: Vec<usize> = sorted.iter().map(|n| text.find(&serde_json::json!(n).to_string()).unwrap()).collect();
    assert!(places.is_sorted(), "{text}");
    for n in 0..file.len() {
        assert!(SafeTensors::parse(&file[..n]).is_err(), "cut at {n}");
    }
    assert!(st.tensor("x").unwrap_err().message.contains("\"x\" is missing"));
}

#[test]
fn the_writer_refuses() {
    let t = |name, shape| Tensor { name, dtype: DType::F32, shape, data: &[0; 8] };
    let none = BTreeMap::new();
    for (tensors, what) in [
        (vec![t("a", &[3])], "8 bytes given for float32 [3]"),
        (vec![t("a", &[2]), t("a", &[2])], "given twice"),
        (vec![t("__metadata__", &[2])], "reserved"),
        (vec![t("a", &[usize::MAX, 4])], "8 bytes given"),
        (vec![t("a", &[1; 33])], "33 dimensions"),
    ] {
        let e = write_to(Vec::new(), &tensors, &none).unwrap_err();
        assert!(e.message.contains(what), "{e}");
    }
}

#[test]
fn files_folders_and_shards() {
    let tmp = tempfile::tempdir().unwrap();
    let dir = tmp.path();
    let none = BTreeMap::new();
    let put = |file: &str, name: &str| {
        let t = Tensor { name, dtype: DType::U8, shape: &[3], data: &[name.as_bytes()[0]; 3] };
        write(dir.join(file), &[t], &none).unwrap();
    };
    let says = |r: Result<SafeTensors, mlx_ir::Error>, parts: &[&str]| {
        let e = r.unwrap_err();
        for p in parts {
            assert!(e.message.contains(p), "{e} does not say {p}");
        }
    };
    let names = |st: SafeTensors| -> Vec<String> {
        assert!(st.tensors().iter().all(|t| st.data(t) == [t.name().as_bytes()[0]; 3]));
        st.tensors().iter().map(|t| t.name().to_string()).collect()
    };
    says(SafeTensors::open(dir), &["no model.safetensors.index.json, model.safetensors or model*.safetensors"]);
    put("model-b.safetensors", "b");
    put("model-a.safetensors", "a");
    put("other.safetensors", "o");
    assert_eq!(names(SafeTensors::open(dir).unwrap()), ["a", "b"]);
    put("model-c.safetensors", "a");
    says(SafeTensors::open(dir), &["model-c.safetensors", "duplicate tensor \"a\"", "model-a.safetensors"]);
    put("model.safetensors", "m");
    assert_eq!(names(SafeTensors::open(dir).unwrap()), ["m"]);
    assert_eq!(names(SafeTensors::open(dir.join("other.safetensors")).unwrap()), ["o"]);

    let index = dir.join("model.safetensors.index.json");
    let put_index = |map: &[(&str, &str)]| {
        let map: BTreeMap<_, _> = map.iter().copied().collect();
        let text = serde_json::json!({"metadata": {"total_size": 6}, "weight_map": map}).to_string();
        std::fs::write(&index, text).unwrap();
    };
    put_index(&[("a", "model-a.safetensors"), ("b", "model-b.safetensors")]);
    assert_eq!(names(SafeTensors::open(dir).unwrap()), ["a", "b"]);
    assert_eq!(names(SafeTensors::open(&index).unwrap()), ["a", "b"]);
    put_index(&[("a", "model-a.safetensors"), ("x", "model-b.safetensors")]);
    says(SafeTensors::open(dir), &["index.json", "tensor \"x\" should be in model-b", "no such tensor"]);
    put_index(&[("a", "model-b.safetensors"), ("b", "model-a.safetensors")]);
    says(SafeTensors::open(dir), &["tensor \"a\" should be in model-b", "it is in model-a"]);
    put_index(&[("a", "model-none.safetensors")]);
    says(SafeTensors::open(dir), &["model-none.safetensors", "No such file"]);
    put_index(&[("a", "../model-a.safetensors")]);
    says(SafeTensors::open(dir), &["index.json", "\"../model-a.safetensors\"", "not a plain name"]);
    std::fs::write(dir.join("broken.safetensors"), [1; 8]).unwrap();
    says(SafeTensors::open(dir.join("broken.safetensors")), &["broken.safetensors: byte 0, header length"]);
}
