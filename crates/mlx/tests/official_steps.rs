//! Steps of the official package's files, made byte by byte: those that only its GPU builds write, and those that are
//! refused.

use mlx::ops::{self, Mask, SmallFloat};
use mlx::{Array, DType, ErrorKind, Result, read_functions};

/// The bytes of a file, part by part.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn put(mut self, bytes: &[u8]) -> Bytes {
        self.0.extend_from_slice(bytes);
        self
    }
    fn int(self, i: i32) -> Bytes {
        self.put(&i.to_le_bytes())
    }
    fn float(self, x: f32) -> Bytes {
        self.put(&x.to_le_bytes())
    }
    fn count(self, n: usize) -> Bytes {
        self.put(&(n as u64).to_le_bytes())
    }
    fn flag(self, f: bool) -> Bytes {
        self.put(&[u8::from(f)])
    }
    fn text(self, t: &str) -> Bytes {
        self.count(t.len()).put(t.as_bytes())
    }
    fn ids(self, ids: &[usize]) -> Bytes {
        ids.iter().fold(self.count(ids.len()), |b, &i| b.count(i))
    }
    fn dtype(self, d: DType) -> Bytes {
        let number = match d {
            DType::Bool => 0,
            DType::U8 => 1,
            DType::U32 => 3,
            DType::I32 => 7,
            DType::F16 => 9,
            DType::F32 => 10,
            other => panic!("{other} is in no file here"),
        };
        self.int(number).put(&[d.size() as u8])
    }
    fn shape(self, shape: &[usize]) -> Bytes {
        shape.iter().fold(self.count(shape.len()), |b, &d| b.int(d as i32))
    }
    fn aval(self, a: &Array) -> Bytes {
        self.shape(a.shape()).dtype(a.dtype())
    }
}

/// A file with a function of these inputs that is one step, whose outputs are like these. Inputs have ids from 1, outputs
/// from 100.
fn file(name: &str, state: Bytes, inputs: &[Array], outs: &[Array]) -> Vec<u8> {
    let ids: Vec<usize> = (1..=inputs.len()).collect();
    let made: Vec<usize> = (100..100 + outs.len()).collect();
    let b = Bytes::default().text("0.32.4").int(1).flag(false).text("").count(0).ids(&ids).count(ids.len());
    let b = inputs.iter().fold(b, Bytes::aval).ids(&made).count(ids.len() + 1);
    let b = ids.iter().fold(b, |b, &i| b.count(i).flag(false).flag(false));
    let b = b.count(100).flag(true).ids(&ids).int(0).int(0).int(0).text(name).put(&state.0).count(outs.len() - 1);
    match outs {
        [only] => b.aval(only).0,
        _ => {
            let b = outs.iter().fold(b.ids(&made).count(outs.len()), |b, a| b.shape(a.shape()));
            outs.iter().fold(b.count(outs.len()), |b, a| b.dtype(a.dtype())).0
        }
    }
}

/// The step must give what is expected, to the bit.
fn gives(name: &str, state: Bytes, inputs: &[Array], expected: &[Array]) -> Result<()> {
    let f = read_functions(&file(name, state, inputs, expected))?;
    let outs = f.calls[0].graph.replay(inputs)?;
    assert_eq!(outs.len(), expected.len(), "{name}");
    for (a, e) in outs.iter().zip(expected) {
        assert_eq!(a.aval(), e.aval(), "{name}");
        assert_eq!(a.to_bytes()?, e.to_bytes()?, "{name}");
    }
    Ok(())
}

/// The step is refused, with such an error.
fn refused(kind: ErrorKind, says: &str, name: &str, state: Bytes, inputs: &[Array], outs: &[Array]) {
    let e = read_functions(&file(name, state, inputs, outs)).err().expect("refused");
    assert!(e.kind == kind && e.message.contains(says), "{name}: {e}");
}

fn waves(shape: &[usize]) -> Result<Array> {
    let n = shape.iter().product::<usize>();
    Array::from_slice(&(0..n).map(|i| (i as f32 * 12.9898).sin()).collect::<Vec<_>>(), shape)
}

fn empty() -> Bytes {
    Bytes::default()
}

#[test]
fn norms() -> Result<()> {
    let (x, w, b, none) = (waves(&[3, 8])?, waves(&[8])?, ops::ones(&[8], DType::F32)?, Array::scalar(1f32)?);
    let eps = || empty().float(1e-5);
    let wide = f64::from(1e-5f32);
    gives("RMSNorm", eps(), &[x.clone(), w.clone()], &[ops::rms_norm(&x, Some(&w), wide)?])?;
    gives("RMSNorm", eps(), &[x.clone(), none.clone()], &[ops::rms_norm(&x, None, wide)?])?;
    gives("LayerNorm", eps(), &[x.clone(), w.clone(), b.clone()], &[ops::layer_norm(&x, Some(&w), Some(&b), wide)?])?;
    gives("LayerNorm", eps(), &[x.clone(), w.clone(), none.clone()], &[ops::layer_norm(&x, Some(&w), None, wide)?])?;
    gives("LayerNorm", eps(), &[x.clone(), none.clone(), none], &[ops::layer_norm(&x, None, None, wide)?])
}

#[test]
fn rotary_embedding() -> Result<()> {
    let (x, offset, freqs) = (waves(&[1, 2, 3, 8])?, Array::scalar(5i32)?, Array::from_slice(&[1.0f32, 10.0], &[2])?);
    let state = |traditional, base, forward| empty().int(4).flag(traditional).float(base).float(0.5).flag(forward);
    let turned = ops::rope(&x, 4, false, Some(1e4), 0.5, &offset, None)?;
    gives("RoPE", state(false, 1e4, true), &[x.clone(), offset.clone()], std::slice::from_ref(&turned))?;
    let by_freqs = ops::rope(&x, 4, true, None, 0.5, &offset, Some(&freqs))?;
    gives("RoPE", state(true, 1.0, true), &[x.clone(), offset.clone(), freqs], &[by_freqs])?;
    // Backwards it undoes the rotation.
    let f = read_functions(&file(
        "RoPE",
        state(false, 1e4, false),
        &[turned.clone(), offset.clone()],
        std::slice::from_ref(&x),
    ))?;
    let back = f.calls[0].graph.replay(&[turned, offset])?;
    let near = back[0].to_vec::<f32>()?.iter().zip(x.to_vec::<f32>()?).all(|(a, b)| (a - b).abs() < 1e-5);
    assert!(near, "{:?} and {:?}", back[0].to_vec::<f32>()?, x.to_vec::<f32>()?);
    Ok(())
}

#[test]
fn attention() -> Result<()> {
    let (q, k) = (waves(&[1, 4, 3, 8])?, waves(&[1, 2, 5, 8])?);
    let (mask, sinks) = (waves(&[3, 5])?, waves(&[4])?);
    let name = "ScaledDotProductAttention";
    let state = |causal, sinks, sums| empty().float(0.25).flag(causal).flag(sinks).flag(sums).flag(false);
    let made = |mask, sinks| ops::scaled_dot_product_attention(&q, &k, &k, 0.25, mask, sinks);
    let all = |more: &[&Array]| [&q, &k, &k].into_iter().chain(more.iter().copied()).cloned().collect::<Vec<_>>();
    gives(name, state(false, false, false), &all(&[]), &[made(Mask::None, None)?])?;
    gives(name, state(true, false, false), &all(&[]), &[made(Mask::Causal, None)?])?;
    gives(name, state(false, false, false), &all(&[&mask]), &[made(Mask::Array(&mask), None)?])?;
    gives(name, state(true, true, false), &all(&[&sinks]), &[made(Mask::Causal, Some(&sinks))?])?;
    gives(name, state(false, true, false), &all(&[&mask, &sinks]), &[made(Mask::Array(&mask), Some(&sinks))?])?;
    let outs = [q.clone(), waves(&[1, 4, 3, 1])?];
    refused(ErrorKind::Unsupported, "logarithms of sums", name, state(false, false, true), &all(&[]), &outs);
    refused(ErrorKind::Value, "4 inputs", name, state(true, false, false), &all(&[&mask]), &[q]);
    Ok(())
}

#[test]
fn quantization() -> Result<()> {
    let w = waves(&[4, 64])?;
    let state = |bits, mode, back| empty().int(32).int(bits).int(mode).flag(back);
    let (codes, scales) = ops::quantize_small(&w, SmallFloat::Mxfp4, None)?;
    gives("Quantize", state(4, 1, false), std::slice::from_ref(&w), &[codes.clone(), scales.clone()])?;
    let back = ops::astype(&ops::dequantize_small(&codes, &scales, SmallFloat::Mxfp4, None)?, DType::F16)?;
    gives("Quantize", state(4, 1, true), &[codes.clone(), scales.clone()], std::slice::from_ref(&back))?;
    refused(ErrorKind::Value, "no groups of 32 in 8 bits", "Quantize", state(8, 1, true), &[codes, scales], &[back]);
    let (codes, scales, biases) = ops::quantize(&w, 32, 8)?;
    let back = ops::dequantize(&codes, &scales, &biases, 32, 8)?;
    gives("Quantize", state(8, 0, true), &[codes, scales, biases], &[back])
}

#[test]
fn refusals() -> Result<()> {
    let x = waves(&[3, 8])?;
    let one = std::slice::from_ref(&x);
    for name in ["CustomKernel", "RMSNormVJP", "LayerNormVJP", "Load", "exp", ""] {
        refused(ErrorKind::Unsupported, &format!("{name:?}"), name, empty(), one, one);
    }
    refused(ErrorKind::Value, "the file states [3, 7]", "Exp", empty(), one, &[waves(&[3, 7])?]);
    refused(ErrorKind::Value, "Exp does not take 2 inputs", "Exp", empty(), &[x.clone(), x.clone()], one);
    refused(ErrorKind::Value, "no variant 9", "Log", empty().int(9), one, one);
    let batch = |shape: &[usize], d| ops::zeros(shape, d);
    let masked = [waves(&[2, 3])?, batch(&[2, 3], DType::Bool)?, waves(&[2, 3])?];
    refused(ErrorKind::Unsupported, "MaskedScatter", "MaskedScatter", empty(), &masked, &masked[..1]);
    Ok(())
}

/// Ids that are not there, or twice.
#[test]
fn ids() -> Result<()> {
    let x = waves(&[2])?;
    let good = file("Exp", empty(), std::slice::from_ref(&x), std::slice::from_ref(&x));
    assert!(read_functions(&good).is_ok());
    let at = |id: u64| good.windows(8).enumerate().filter(move |(_, w)| **w == id.to_le_bytes()).map(|(i, _)| i);
    let changed = |place: usize, id: u64| {
        let mut bytes = good.clone();
        bytes[place..place + 8].copy_from_slice(&id.to_le_bytes());
        read_functions(&bytes).err().expect("refused").message
    };
    // The output, where it is named and where it is made; a step that uses its own result.
    let outputs: Vec<usize> = at(100).collect();
    assert_eq!(outputs.len(), 2);
    assert!(changed(outputs[0], 7).contains("before it is defined"));
    assert!(changed(outputs[1], 1).contains("defined twice"));
    let step_input = outputs[1] + 8 + 1 + 8;
    assert!(changed(step_input, 100).contains("before it is defined"));
    Ok(())
}
