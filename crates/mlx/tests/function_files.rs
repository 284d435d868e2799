//! Damaged files of functions: valid ones, changed thousands of times from a fixed seed. Reading may not panic, hang or ask
//! for much more memory than the file has bytes; what is accepted must be a function that can be listed and computed.

use mlx::ops::{self, PadMode};
use mlx::{Array, DType, ErrorKind, FunctionFile, Graph, RecordedCall, Result, eval, read_functions, write_functions};
use mlx_ir::{Aval, Shape};
use peak_alloc::PeakAlloc;
use std::sync::{Mutex, MutexGuard};

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// The heap is counted for the whole process, so one test runs at a time.
static ONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ONE.lock().unwrap_or_else(|e| e.into_inner())
}

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

/// How long the beginning is that names the format: without it nothing is read.
fn head(file: &[u8]) -> usize {
    if file.starts_with(b"MLX-ARM") { file.iter().position(|&b| b == b'\n').map_or(0, |i| i + 1) } else { 14 }
}

/// Changes a few places: bits, bytes, whole counts, pieces taken out or put in, the end cut off.
fn damage(rng: &mut XorShift, file: &[u8]) -> Vec<u8> {
    const COUNTS: [u64; 10] = [0, 1, 5, 0xff, 0xffff, 0xffff_ffff, 1 << 32, 1 << 61, i64::MAX as u64, u64::MAX];
    let head = head(file);
    let mut out = file.to_vec();
    for _ in 0..1 + rng.below(3) {
        if out.len() <= head {
            break;
        }
        let at = head + rng.below(out.len() - head);
        match rng.below(8) {
            0..=2 => out[at] ^= 1 << rng.below(8),
            3 => out[at] = rng.next() as u8,
            4 => {
                let count = COUNTS[rng.below(COUNTS.len())].to_le_bytes();
                let n = 8.min(out.len() - at);
                out[at..at + n].copy_from_slice(&count[..n]);
            }
            5 => {
                let n = rng.below(40).min(out.len() - at);
                out.drain(at..at + n);
            }
            6 => {
                let n = rng.below(40).min(out.len() - at);
                let piece = out[at..at + n].to_vec();
                let to = head + rng.below(out.len() - head);
                out.splice(to..to, piece);
            }
            _ => out.truncate(at),
        }
    }
    out
}

/// The file's functions, computed where they are small; none if the bytes are refused.
fn used(file: &[u8]) -> Option<()> {
    let f = match read_functions(file) {
        Ok(f) => f,
        Err(e) => {
            assert!(!matches!(e.kind, ErrorKind::Memory | ErrorKind::Io), "{e}");
            assert!(e.message.len() > 10, "says only '{e}'");
            return None;
        }
    };
    for c in &f.calls {
        let Ok(listing) = c.graph.listing() else { continue };
        let sizes = listing.values.iter().map(|a| a.shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d)));
        if sizes.map(|n| n.unwrap_or(usize::MAX)).any(|n| n > 4096) {
            continue;
        }
        let inputs: Vec<Array> =
            c.graph.inputs().iter().map(|a| ops::ones(&a.shape, a.dtype)).collect::<Result<_>>().expect("small inputs");
        for outs in [c.graph.replay(&inputs), c.graph.replay_shapeless(&inputs)].into_iter().flatten() {
            let _ = eval(&outs);
        }
        // What was read can be written, and read again.
        let bytes =
            write_functions(std::slice::from_ref(c), f.shapeless, &f.metadata).expect("what was read can be written");
        let back = read_functions(&bytes).expect("what was written can be read");
        let again = write_functions(&back.calls, back.shapeless, &back.metadata).expect("once more");
        assert!(again == bytes, "written in another way");
    }
    Some(())
}

fn mutate(file: &[u8], rounds: usize) -> usize {
    assert!(
        used(file).is_some(),
        "the file itself is valid: {}",
        read_functions(file).err().map_or(String::new(), |e| e.message)
    );
    let mut rng = XorShift(0x9e37_79b9_7f4a_7c15);
    let mut accepted = 0;
    for round in 0..rounds {
        let damaged = damage(&mut rng, file);
        HEAP.reset_peak_usage();
        let before = HEAP.current_usage();
        let read = read_functions(&damaged).is_ok();
        let grown = HEAP.peak_usage().saturating_sub(before);
        let limit = 64 * damaged.len() + (256 << 10);
        assert!(grown <= limit, "round {round}: {grown} bytes of heap for a file of {}", damaged.len());
        assert_eq!(used(&damaged).is_some(), read);
        accepted += usize::from(read);
    }
    accepted
}

/// A file in our format: the official one has no running ln Σ e^x.
fn file(avals: &[Aval], names: &[&str], f: impl FnOnce(&[Array]) -> Result<Vec<Array>>) -> Result<Vec<u8>> {
    let with = |x: &[Array]| Ok([f(x)?, vec![ops::logcumsumexp(&x[0], Some(0), false, true)?]].concat());
    let graph = Graph::record(avals, with)?.with_sources();
    let call = RecordedCall { names: names.iter().map(|n| n.to_string()).collect(), graph };
    write_functions(&[call], true, "metadata")
}

fn f32s(shape: &[usize]) -> Aval {
    Aval::new(Shape::from_slice(shape), DType::F32)
}

#[test]
fn elementwise() -> Result<()> {
    let _one = alone();
    let bytes = file(&[f32s(&[3, 4]), f32s(&[4])], &["b"], |x| {
        let y = ops::multiply(&ops::exp(&x[0])?, &x[1])?;
        let y = ops::where_(&ops::greater(&y, 1)?, &y, &ops::add(&y, 2.5)?)?;
        Ok(vec![ops::astype(&y, DType::F16)?, ops::softmax(&y, Some(&[-1]), false)?, ops::sum(&y, Some(&[0]), true)?])
    })?;
    let accepted = mutate(&bytes, 3000);
    // Values of constants and parameters may be anything that fits.
    assert!(accepted > 20 && accepted < 1000, "{accepted}");
    Ok(())
}

#[test]
fn shapes() -> Result<()> {
    let _one = alone();
    let bytes = file(&[f32s(&[2, 3, 4])], &[], |x| {
        let a = ops::transpose(&x[0], Some(&[2, 0, 1]))?;
        let b = ops::slice(&x[0], &[0, 1, 0], &[2, 3, 4], &[1, 1, 2])?;
        let c = ops::concatenate(&[ops::reshape(&a, &[8, 3])?, ops::ones(&[1, 3], DType::F32)?], 0)?;
        let d = ops::pad(&b, &[(1, 0), (0, 2), (1, 1)], PadMode::Constant, 1.5)?;
        let e = ops::as_strided(&x[0], Some(&[2, 2]), Some(&[1, 3]), 4)?;
        Ok(vec![
            c,
            d,
            e,
            ops::sort(&a, Some(0))?,
            ops::cumsum(&b, Some(1), true, false)?,
            ops::argmax(&a, Some(1), false)?,
        ])
    })?;
    mutate(&bytes, 3000);
    Ok(())
}

#[test]
fn products_and_indices() -> Result<()> {
    let _one = alone();
    let bytes = file(&[f32s(&[4, 64]), Aval::new(Shape::from_slice(&[3]), DType::I32)], &["a", "b"], |x| {
        let w = Array::from_slice(&(0..32 * 64).map(|i| (i % 13) as f32 - 6.0).collect::<Vec<_>>(), &[32, 64])?;
        let (q, scales, biases) = ops::quantize(&w, 64, 4)?;
        let y = ops::quantized_matmul(&x[0], &q, &scales, &biases, true, 64, 4)?;
        let taken = ops::take(&x[0], &x[1], Some(0))?;
        let placed =
            ops::put_along_axis(&x[0], &ops::zeros(&[4, 1], DType::I32)?, &ops::ones(&[4, 1], DType::F32)?, Some(1))?;
        let n = ops::rms_norm(&x[0], Some(&ops::ones(&[64], DType::F32)?), 1e-5)?;
        Ok(vec![
            ops::matmul(&taken, &ops::transpose(&w, None)?)?,
            y,
            placed,
            n,
            ops::fftn(&x[0], None, Some(&[-1]), ops::FftKind::Complex, false, ops::FftNorm::Backward)?,
        ])
    })?;
    mutate(&bytes, 3000);
    Ok(())
}

/// Every length, one after the other.
#[test]
fn truncated() -> Result<()> {
    let _one = alone();
    let bytes = file(&[f32s(&[2])], &["x"], |x| Ok(vec![ops::add(&ops::sin(&x[0])?, 1)?]))?;
    for n in 0..bytes.len() {
        assert_eq!(read_functions(&bytes[..n]).err().map(|e| e.kind), Some(ErrorKind::Value), "{n} bytes");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(read_functions(&longer).is_err());
    assert!(read_functions(&bytes).is_ok());
    Ok(())
}

const OFFICIAL: [(&str, &[u8]); 5] = [
    ("elementwise", include_bytes!("../../../tests/golden/functions/elementwise.mlxfn")),
    ("shapes", include_bytes!("../../../tests/golden/functions/shapes.mlxfn")),
    ("indices", include_bytes!("../../../tests/golden/functions/indices.mlxfn")),
    ("products", include_bytes!("../../../tests/golden/functions/products.mlxfn")),
    ("sizes", include_bytes!("../../../tests/golden/functions/sizes.mlxfn")),
];

/// What a file's only function gives for the inputs of `tests/golden/functions/take.py`.
fn computed(name: &str, f: &FunctionFile) -> Result<Vec<Vec<f32>>> {
    let input = |a: &Aval| {
        let n = a.shape.iter().product::<usize>();
        let whole = a.dtype.is_integer();
        let x: Vec<f32> = (0..n).map(|i| if whole { (i % 2) as f32 } else { i as f32 / 7.0 }).collect();
        ops::astype(&Array::from_slice(&x, &a.shape)?, a.dtype)
    };
    let [call] = &f.calls[..] else { panic!("{name} holds {} functions", f.calls.len()) };
    let inputs = call.graph.inputs().iter().map(input).collect::<Result<Vec<_>>>()?;
    let outs = call.graph.replay(&inputs)?;
    outs.iter().map(|a| ops::astype(a, DType::F32)?.to_vec::<f32>()).collect()
}

/// Files that the official package wrote, with what it computed as their metadata; and what we write of them.
#[test]
fn of_the_official_package() -> Result<()> {
    let _one = alone();
    for (name, bytes) in OFFICIAL {
        let f = read_functions(bytes)?;
        let again = write_functions(&f.calls, f.shapeless, &f.metadata)?;
        assert!(again[8..].starts_with(b"0.32.4"), "{name} is written in another format");
        let wanted = f.metadata.split(';').map(|a| a.split(' ').map(|x| x.parse().expect("a number")).collect());
        let wanted: Vec<Vec<f32>> = wanted.collect();
        for f in [f, read_functions(&again)?] {
            let got = computed(name, &f)?;
            assert_eq!(got.len(), wanted.len(), "{name}");
            for (i, (g, w)) in got.iter().zip(&wanted).enumerate() {
                let near = g.len() == w.len() && g.iter().zip(w).all(|(a, b)| (a - b).abs() <= 1e-4 * b.abs().max(1.0));
                assert!(near, "{name}, output {i}: {g:?} instead of {w:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn of_the_official_package_damaged() -> Result<()> {
    let _one = alone();
    for (_, bytes) in OFFICIAL {
        mutate(bytes, 1500);
        let f = read_functions(bytes)?;
        mutate(&write_functions(&f.calls, false, "")?, 500);
    }
    let (_, bytes) = OFFICIAL[0];
    for n in 0..bytes.len() {
        assert_eq!(read_functions(&bytes[..n]).err().map(|e| e.kind), Some(ErrorKind::Value), "{n} bytes");
    }
    let longer = [bytes, &[0]].concat();
    assert!(read_functions(&longer).is_err());
    Ok(())
}

/// Steps without a counterpart are refused by name.
#[test]
fn unknown_primitives() {
    let (_, bytes) = OFFICIAL[0];
    let at = bytes.windows(6).position(|w| w == b"DivMod").expect("a step of that name");
    let mut other = bytes.to_vec();
    other[at..at + 6].copy_from_slice(b"DivMud");
    let e = read_functions(&other).err().expect("refused");
    assert!(e.kind == ErrorKind::Unsupported && e.message.contains("\"DivMud\""), "{e}");
}

/// What the official package cannot compute is written in our format.
#[test]
fn formats() -> Result<()> {
    let _one = alone();
    let written = |f: fn(&Array) -> Result<Array>, shapeless| {
        let graph = Graph::record_shapeless(&[f32s(&[3, 3])], |x| Ok(vec![f(&x[0])?]))?.with_sources();
        write_functions(&[RecordedCall { names: vec![], graph }], shapeless, "")
    };
    let ours = b"MLX-ARM functions 1\n";
    assert!(!written(|x| ops::exp(x), false)?.starts_with(ours));
    assert!(!written(|x| ops::add(&ops::exp(x)?, &ops::mean(x, Some(&[0]), false)?), true)?.starts_with(ours));
    assert!(written(|x| ops::slice_axis(x, 0, 1, 3), true)?.starts_with(ours));
    assert!(written(|x| ops::broadcast_to(x, &[2, 3, 3]), true)?.starts_with(ours));
    assert!(written(|x| ops::exp(&ops::broadcast_to(x, &[2, 3, 3])?), true)?.starts_with(ours));
    assert!(written(|x| ops::reshape(x, &[3, 3, -1]), false).is_ok());
    assert!(written(|x| Ok(ops::linalg::lu_factor(x)?.0), false)?.starts_with(ours));
    assert!(!written(|x| ops::rms_norm(x, None, 1e-5), false)?.starts_with(ours));
    Ok(())
}

/// Means and variances of other sizes than those recorded.
#[test]
fn varying_sizes() -> Result<()> {
    let _one = alone();
    let f = |x: &[Array]| {
        let y = ops::subtract(&x[0], &ops::mean(&x[0], Some(&[0]), true)?)?;
        Ok(vec![
            ops::mean(&x[0], None, false)?,
            ops::var(&x[0], Some(&[1]), false, 1)?,
            ops::softmax(&y, Some(&[0]), false)?,
        ])
    };
    let graph = Graph::record_shapeless(&[f32s(&[3, 4])], f)?.with_sources();
    let x = Array::from_slice(&(0..10).map(|i| (i * i) as f32).collect::<Vec<_>>(), &[2, 5])?;
    let bytes = write_functions(&[RecordedCall { names: vec![], graph }], true, "")?;
    let outs = read_functions(&bytes)?.calls[0].graph.replay_shapeless(std::slice::from_ref(&x))?;
    for (a, e) in outs.iter().zip(f(&[x])?) {
        assert_eq!(a.aval(), e.aval());
        let near = a.to_vec::<f32>()?.iter().zip(e.to_vec::<f32>()?).all(|(a, b)| (a - b).abs() <= 1e-5 * b.abs());
        assert!(near, "{:?} instead of {:?}", a.to_vec::<f32>()?, e.to_vec::<f32>()?);
    }
    Ok(())
}
