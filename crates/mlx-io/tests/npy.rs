//! npy: round trips, foreign layouts, and one line per way a file can be wrong.

use mlx_io::Npy;
use mlx_io::npy::write;
use mlx_ir::{DType, ErrorKind};

/// A version 1 file of this header text and data.
fn raw(header: &str, data: &[u8]) -> Vec<u8> {
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(data);
    out
}

fn file(descr: &str, fortran: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    raw(&format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n"), data)
}

#[track_caller]
fn fails(file: &[u8], parts: &[&str]) {
    let e = match Npy::parse(file) {
        Ok(a) => panic!("accepted: {a:?}"),
        Err(e) => e,
    };
    for p in parts {
        assert!(e.message.contains(p), "message {:?} does not say {p:?}", e.message);
    }
    assert!(e.message.starts_with("[npy] byte "), "{e}");
}

#[test]
fn malformed() {
    fails(b"", &["byte 0, magic", "truncated: 6 bytes needed, 0 left"]);
    fails(b"\x93NUMPX\x01\x00\x00\x00", &["byte 0, magic", "not an npy file"]);
    fails(b"\x93NUMPY\x01", &["byte 6, version", "truncated"]);
    fails(b"\x93NUMPY\x04\x00\x00\x00", &["byte 6, version", "4.0 is unknown"]);
    fails(b"\x93NUMPY\x01\x01\x00\x00", &["byte 6, version", "1.1 is unknown"]);
    fails(b"\x93NUMPY\x01\x00\x05", &["byte 8, header length", "truncated"]);
    fails(b"\x93NUMPY\x02\x00\x05\x00", &["byte 8, header length", "truncated"]);
    fails(b"\x93NUMPY\x02\x00\xff\xff\xff\xff", &["byte 8, header length", "4294967295 bytes, at most 65536"]);
    fails(b"\x93NUMPY\x01\x00\x05\x00{}", &["byte 10, header", "truncated: 5 bytes needed, 2 left"]);
    fails(&raw("", &[]), &["byte 10, header", "\"{\" expected", "the end"]);
    fails(&raw("{}", &[]), &["byte 10, header", "key \"descr\" is missing"]);
    fails(&raw("{'descr':'<f4'}", &[]), &["header", "key \"fortran_order\" is missing"]);
    fails(&raw("{'descr':'<f4','fortran_order':False}", &[]), &["header", "key \"shape\" is missing"]);
    fails(&raw("{'descr':'<f4','descr':'<f4'}", &[]), &["byte 25, header key", "duplicate key \"descr\""]);
    fails(&raw("{'x':1}", &[]), &["byte 11, header key", "unknown key \"x\""]);
    fails(&raw("{'descr' '<f4'}", &[]), &["byte 19, header", "\":\" expected"]);
    fails(&raw("{'descr':'<f4", &[]), &["byte 19, descr", "without an end"]);
    fails(&raw("{'descr':3}", &[]), &["byte 19, descr", "a string expected, found '3'"]);
    fails(&raw("{'fortran_order':0}", &[]), &["byte 27, fortran_order", "\"False\" expected"]);
    fails(&raw("{'descr':'<f4'} x", &[]), &["byte 26, header", "nothing more expected, found 'x'"]);
    fails(&raw("{'shape':[1]}", &[]), &["byte 19, shape", "\"(\" expected"]);
    fails(&raw("{'shape':(1)}", &[]), &["byte 21, shape", "\",\" expected"]);
    fails(&raw("{'shape':(-1,)}", &[]), &["byte 20, shape", "a size expected, found '-'"]);
    fails(&raw("{'shape':(1, 2", &[]), &["byte 24, shape", "\")\" expected, found the end"]);
    fails(&raw("{'shape':(99999999999999999999,)}", &[]), &["byte 20, shape", "a size overflows"]);
    fails(&raw(&format!("{{'shape':({})}}", "1,".repeat(65)), &[]), &["shape", "more than 64 dimensions"]);
    let huge = "(4294967296, 4294967296)";
    fails(&file("|u1", "False", huge, &[]), &["byte 60, shape", "overflows"]);
    fails(&file("|u1", "False", "(4294967296, 4294967296, 0)", &[]), &["shape", "overflows"]);
    fails(&file("<f4", "False", "(3,)", &[0; 11]), &["byte 68, data", "truncated: 12 bytes needed, 11 left"]);
    for (descr, why) in [
        ("<c16", "complex128"),
        ("|O", "pickled"),
        ("<U4", "not supported"),
        ("<f16", "not supported"),
        ("<M8[ns]", "not supported"),
        ("=f4", "has to start with"),
        ("f4", "has to start with"),
        ("", "has to start with"),
        ("|f4", "byte order is missing"),
        ("é", "has to start with"),
    ] {
        let f = file(descr, "False", "()", &[0; 16]);
        fails(&f, &["byte 20, descr", "is not supported", why, &format!("{descr:?}")]);
        assert_eq!(Npy::parse(&f).unwrap_err().kind, ErrorKind::Unsupported);
    }
    fails(&raw("{'descr': [('a', '<f4')]}", &[]), &["byte 20, descr", "structured dtypes"]);
}

#[test]
fn round_trip_of_every_dtype_and_shape() {
    let data: Vec<u8> = (0..255).collect();
    for d in DType::ALL {
        for shape in [&[][..], &[0], &[5], &[2, 3], &[1, 3, 2], &[2, 0, 3]] {
            let n = shape.iter().product::<usize>() * d.size();
            let mut f = vec![];
            write(&mut f, d, shape, &data[..n]).unwrap();
            assert_eq!((f.len() - n) % 64, 0);
            let a = Npy::parse(&f).unwrap();
            assert_eq!((a.dtype(), a.shape(), a.bytes()), (d, shape, &data[..n]));
            assert!(a.region().unwrap().is_aligned(64), "little-endian rows stay in the map");
            for cut in 0..f.len() {
                assert!(Npy::parse(&f[..cut]).is_err(), "cut at {cut}");
            }
        }
    }
    let e = write(&mut vec![], DType::F32, &[2], &[0; 7]).unwrap_err();
    assert!(e.message.contains("7 bytes given for float32 [2]"), "{e}");
    assert!(write(&mut vec![], DType::U8, &[1; 65], &[0]).unwrap_err().message.contains("65 dimensions"));
}

#[test]
fn fortran_order_and_big_endian() {
    // 2 × 3 in columns: 0 3 | 1 4 | 2 5.
    let a = Npy::parse(&file("|u1", "True", "(2, 3)", &[0, 3, 1, 4, 2, 5])).unwrap();
    assert_eq!(a.bytes(), [0, 1, 2, 3, 4, 5]);
    assert!(a.region().is_none());
    let a = Npy::parse(&file(">u2", "True", "(2, 2)", &[0, 1, 0, 3, 0, 2, 0, 4])).unwrap();
    assert_eq!(a.bytes(), [1, 0, 2, 0, 3, 0, 4, 0]);
    // One dimension has no order to change: it stays in the map.
    assert!(Npy::parse(&file("|u1", "True", "(1, 3, 1)", &[1, 2, 3])).unwrap().region().is_some());
    let a = Npy::parse(&file(">c8", "False", "(1,)", &[1, 2, 3, 4, 5, 6, 7, 8])).unwrap();
    assert_eq!((a.dtype(), a.bytes()), (DType::C64, &[4, 3, 2, 1, 8, 7, 6, 5][..]));
    let a = Npy::parse(&file(">V2", "False", "()", &[0x3f, 0x80])).unwrap();
    assert_eq!((a.dtype(), a.bytes()), (DType::BF16, &[0x80, 0x3f][..]));
    let a = Npy::parse(&file(">f8", "True", "(0, 4294967296)", &[])).unwrap();
    assert_eq!((a.shape(), a.bytes().len()), (&[0, 4294967296][..], 0));
}

#[test]
fn other_spellings() {
    for header in [
        "{'descr': '<i2', 'fortran_order': False, 'shape': (2L,), }",
        "{\"shape\":(2,),\"fortran_order\":False,\"descr\":\"<i2\"}",
        " { 'descr' : '<i2' , 'fortran_order' : False , 'shape' : ( 2 , ) } \n",
    ] {
        let a = Npy::parse(&raw(header, &[1, 0, 2, 0, 99])).unwrap();
        assert_eq!((a.dtype(), a.shape(), a.bytes()), (DType::I16, &[2][..], &[1, 0, 2, 0][..]), "{header}");
    }
    for major in [2u8, 3] {
        let header = "{'descr': '|b1', 'fortran_order': False, 'shape': ()}";
        let mut f = vec![0x93, b'N', b'U', b'M', b'P', b'Y', major, 0];
        f.extend((header.len() as u32).to_le_bytes());
        f.extend(header.as_bytes());
        f.push(1);
        assert_eq!(Npy::parse(&f).unwrap().bytes(), [1]);
    }
}

#[test]
fn open_names_the_path() {
    let tmp = tempfile::tempdir().unwrap();
    let path = tmp.path().join("x.npy");
    std::fs::write(&path, b"abc").unwrap();
    assert!(Npy::open(&path).unwrap_err().message.contains("x.npy: byte 0, magic"));
    let mut out = std::fs::File::create(&path).unwrap();
    write(&mut out, DType::U8, &[3], b"abc").unwrap();
    assert_eq!(Npy::open(&path).unwrap().bytes(), b"abc");
}
