//! Fused ops of neural networks.

use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::DType;
use mlx::ops::{self, Mask};

pub fn add(c: &mut List) {
    for s in [&[7][..], &[1], &[3, 5], &[2, 1037], &[2, 3, 1, 5, 2], &[3, 0], &[0, 3]] {
        case!(c, "softmax", All, Ulp(32), [normal(s)], d[0], |x| ops::softmax(&x[0], Some(&[-1]), false), "mx.softmax(x0, axis=-1)");
        case!(c, "softmax/precise", Float, Ulp(32), [normal(s)], d[0], |x| ops::softmax(&x[0], Some(&[-1]), true), "mx.softmax(x0, axis=-1, precise=True)");
    }
    for s in [&[7][..], &[1], &[3, 5], &[2, 1037], &[2, 3, 1, 5, 2]] {
        case!(c, "logsumexp", All, Accumulate(8), [normal(s)], d[0], |x| ops::logsumexp(&x[0], Some(&[-1]), false), "mx.logsumexp(x0, axis=-1)");
        case!(c, "logsumexp/keepdims", Float, Accumulate(8), [normal(s)], d[0], |x| ops::logsumexp(&x[0], Some(&[-1]), true), "mx.logsumexp(x0, axis=-1, keepdims=True)");
    }
    for s in [&[7][..], &[3, 5], &[2, 3, 1037]] {
        let rows = &s[..s.len() - 1];
        // The wheel's processor path computes in the logits' dtype, and says so; ours in f32 like its GPU path.
        case!(c, "cross_entropy", Float, Accumulate(8), [normal(s), whole(0, 4, rows).of(DType::I32)], d[0], |x| ops::cross_entropy(&x[0], &x[1]), "mx.fast.cross_entropy(x0.astype(mx.float32), x1)");
        case!(c, "cross_entropy/unsigned", Float, Accumulate(8), [normal(s), whole(0, 4, rows).of(DType::U8)], d[0], |x| ops::cross_entropy(&x[0], &x[1]), "mx.fast.cross_entropy(x0.astype(mx.float32), x1)");
        case!(c, "cross_entropy/negative", Float, Accumulate(8), [normal(s), whole(-5, -1, rows).of(DType::I64)], d[0], |x| ops::cross_entropy(&x[0], &x[1]), "mx.fast.cross_entropy(x0.astype(mx.float32), x1)");
    }
    case!(c, "softmax/first", All, Ulp(8), [normal(&[5, 3])], d[0], |x| ops::softmax(&x[0], Some(&[0]), false), "mx.softmax(x0, axis=0)");
    case!(c, "softmax/all", All, Ulp(8), [normal(&[5, 3])], d[0], |x| ops::softmax(&x[0], None, false), "mx.softmax(x0)");
    case!(c, "softmax/large", Float, Ulp(16), [whole(-300, 300, &[5, 33])], d[], |x| ops::softmax(&x[0], Some(&[-1]), false), "mx.softmax(x0, axis=-1)");
    case!(c, "softmax/masked", Float, Ulp(8), [given(&[f64::NEG_INFINITY, 1.0, 2.0, f64::NEG_INFINITY, 0.5], &[4, 5])], d[], |x| ops::softmax(&x[0], Some(&[-1]), false), "mx.softmax(x0, axis=-1)");
    case!(c, "logsumexp/all", All, Accumulate(8), [normal(&[5, 3])], d[0], |x| ops::logsumexp(&x[0], None, false), "mx.logsumexp(x0)");
    case!(c, "logsumexp/first", All, Accumulate(8), [normal(&[5, 3])], d[0], |x| ops::logsumexp(&x[0], Some(&[0]), true), "mx.logsumexp(x0, axis=0, keepdims=True)");
    case!(c, "logsumexp/infinite", Float, Accumulate(8), [given(&[f64::NEG_INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY, f64::INFINITY, 0.5, 1.0], &[3, 2])], d[], |x| ops::logsumexp(&x[0], Some(&[-1]), false), "mx.logsumexp(x0, axis=-1)");
    for s in [&[5][..], &[3, 67], &[2, 2, 1037], &[1, 1], &[0, 8]] {
        let n = &s[s.len() - 1..];
        case!(c, "rms_norm", Float, Accumulate(8), [normal(s), normal(n)], d[0, 1], |x| ops::rms_norm(&x[0], Some(&x[1]), 1e-5), "mx.fast.rms_norm(x0, x1, 1e-5)");
        case!(c, "rms_norm/plain", Float, Accumulate(8), [normal(s)], d[0], |x| ops::rms_norm(&x[0], None, 1e-5), "mx.fast.rms_norm(x0, None, 1e-5)");
        case!(c, "layer_norm", Float, Accumulate(16), [normal(s), normal(n), normal(n)], d[0, 1, 2], |x| ops::layer_norm(&x[0], Some(&x[1]), Some(&x[2]), 1e-3), "mx.fast.layer_norm(x0, x1, x2, 1e-3)");
        case!(c, "layer_norm/weight", Float, Accumulate(16), [normal(s), normal(n)], d[0, 1], |x| ops::layer_norm(&x[0], Some(&x[1]), None, 1e-3), "mx.fast.layer_norm(x0, x1, None, 1e-3)");
        case!(c, "layer_norm/bias", Float, Accumulate(16), [normal(s), normal(n)], d[0, 1], |x| ops::layer_norm(&x[0], None, Some(&x[1]), 1e-3), "mx.fast.layer_norm(x0, None, x1, 1e-3)");
        case!(c, "layer_norm/plain", Float, Accumulate(16), [normal(s)], d[0], |x| ops::layer_norm(&x[0], None, None, 1e-3), "mx.fast.layer_norm(x0, None, None, 1e-3)");
    }
    for (t, tn) in [(false, "False"), (true, "True")] {
        for (s, dims) in [(&[2, 3, 5, 8][..], 8), (&[2, 1, 7, 12], 8), (&[1, 5, 66], 64), (&[3, 2, 1, 4, 6], 4)] {
            case!(c, format!("rope/{tn}/{dims}"), Storable, Accumulate(8), [normal(s), given(&[3.0], &[]).of(DType::I32)], d[0], |x| ops::rope(&x[0], dims, t, Some(10000.0), 1.0, &x[1], None), format!("mx.fast.rope(x0, {dims}, traditional={tn}, base=10000.0, scale=1.0, offset=x1)"));
        }
        case!(c, format!("rope/offsets/{tn}"), Storable, Accumulate(8), [normal(&[3, 2, 5, 8]), given(&[3.0, 0.0, 11.0], &[3]).of(DType::I32)], d[0], |x| ops::rope(&x[0], 8, t, Some(500.0), 0.5, &x[1], None), format!("mx.fast.rope(x0, 8, traditional={tn}, base=500.0, scale=0.5, offset=x1)"));
        case!(c, format!("rope/freqs/{tn}"), Storable, Accumulate(8), [normal(&[2, 3, 5, 10]), given(&[2.0], &[]).of(DType::I32), positive(&[4]).of(DType::F32)], d[0], |x| ops::rope(&x[0], 8, t, None, 2.0, &x[1], Some(&x[2])), format!("mx.fast.rope(x0, 8, traditional={tn}, base=None, scale=2.0, offset=x1, freqs=x2)"));
    }
    // Angles are f32 whatever the dtype, so f64 is no more exact; but its derivative can be measured.
    case!(c, "rope/f64", Fixed, Within(1e-6), [normal(&[2, 3, 5, 8]).of(DType::F64), given(&[3.0], &[]).of(DType::I32)], d[0], |x| ops::rope(&x[0], 6, true, Some(10000.0), 1.0, &x[1], None), "mx.fast.rope(x0, 6, traditional=True, base=10000.0, scale=1.0, offset=x1)");
    case!(c, "rope/f64/halves", Fixed, Within(1e-6), [normal(&[2, 3, 5, 8]).of(DType::F64), given(&[3.0], &[]).of(DType::I32)], d[0], |x| ops::rope(&x[0], 6, false, Some(10000.0), 1.0, &x[1], None), "mx.fast.rope(x0, 6, traditional=False, base=10000.0, scale=1.0, offset=x1)");
    let sdpa = |q: &'static [usize], k: &'static [usize], v: &'static [usize]| [normal(q), normal(k), normal(v)];
    for (q, k, v) in [(&[2, 4, 5, 8][..], &[2, 4, 5, 8][..], &[2, 4, 5, 8][..]), (&[1, 4, 3, 8], &[1, 2, 7, 8], &[1, 2, 7, 5]), (&[1, 6, 1, 16], &[1, 2, 67, 16], &[1, 2, 67, 16]), (&[1, 2, 9, 64], &[1, 1, 9, 64], &[1, 1, 9, 64]), (&[1, 1, 1, 1], &[1, 1, 1, 1], &[1, 1, 1, 1])] {
        let [a, b, d] = sdpa(q, k, v);
        case!(c, "scaled_dot_product_attention", Float, Accumulate(16), [a.clone(), b.clone(), d.clone()], d[0, 1, 2], |x| ops::scaled_dot_product_attention(&x[0], &x[1], &x[2], 0.3, Mask::None, None), "mx.fast.scaled_dot_product_attention(x0, x1, x2, scale=0.3)");
        case!(c, "scaled_dot_product_attention/causal", Float, Accumulate(16), [a.clone(), b.clone(), d.clone()], d[0, 1, 2], |x| ops::scaled_dot_product_attention(&x[0], &x[1], &x[2], 0.3, Mask::Causal, None), "mx.fast.scaled_dot_product_attention(x0, x1, x2, scale=0.3, mask='causal')");
        case!(c, "scaled_dot_product_attention/window", Float, Accumulate(16), [a.clone(), b.clone(), d.clone()], d[0, 1, 2], |x| ops::scaled_dot_product_attention(&x[0], &x[1], &x[2], 0.3, Mask::SlidingWindow(3), None), "");
        case!(c, "scaled_dot_product_attention/sinks", Float, Accumulate(16), [a, b, d, normal(&q[1..2])], d[0, 1, 2, 3], |x| ops::scaled_dot_product_attention(&x[0], &x[1], &x[2], 0.3, Mask::Causal, Some(&x[3])), "mx.fast.scaled_dot_product_attention(x0, x1, x2, scale=0.3, mask='causal', sinks=x3)");
    }
    for m in [&[5, 7][..], &[1, 7], &[1, 4, 5, 7], &[2, 1, 5, 7]] {
        case!(c, "scaled_dot_product_attention/bool", Float, Accumulate(16), [normal(&[2, 4, 5, 8]), normal(&[2, 2, 7, 8]), normal(&[2, 2, 7, 8]), bools(m)], d[0, 1, 2], |x| ops::scaled_dot_product_attention(&x[0], &x[1], &x[2], 0.3, Mask::Array(&x[3]), None), "mx.fast.scaled_dot_product_attention(x0, x1, x2, scale=0.3, mask=x3)");
        case!(c, "scaled_dot_product_attention/added", Float, Accumulate(16), [normal(&[2, 4, 5, 8]), normal(&[2, 2, 7, 8]), normal(&[2, 2, 7, 8]), normal(m)], d[0, 1, 2, 3], |x| ops::scaled_dot_product_attention(&x[0], &x[1], &x[2], 0.3, Mask::Array(&x[3]), None), "mx.fast.scaled_dot_product_attention(x0, x1, x2, scale=0.3, mask=x3)");
    }
    for d in [DType::F16, DType::BF16, DType::F32] {
        for (queries, held) in [(1, 33.0), (3, 70.0), (40, 50.0), (1, -4.0), (2, 1000.0)] {
            case!(c, format!("cached_attention/held/{queries}/{d}"), Fixed, Accumulate(16), [normal(&[1, 4, queries, 8]).of(DType::F32), normal(&[1, 2, 70, 8]).of(d), normal(&[1, 2, 70, 8]).of(d), given(&[held], &[]).of(DType::I32)], d[0], |x| ops::cached_attention(&x[0], &x[1], &x[2], 0.3, Mask::SlidingWindow(20), Some(&x[3])), "");
        }
        case!(c, format!("cached_attention/{d}"), Fixed, Accumulate(16), [normal(&[1, 4, 3, 8]).of(DType::F32), normal(&[1, 2, 70, 8]).of(d), normal(&[1, 2, 70, 8]).of(d)], d[0], |x| ops::cached_attention(&x[0], &x[1], &x[2], 0.3, Mask::Causal, None), "");
        case!(c, format!("cached_attention/window/{d}"), Fixed, Accumulate(16), [normal(&[1, 4, 1, 8]).of(DType::F32), normal(&[1, 2, 70, 8]).of(d), normal(&[1, 2, 70, 8]).of(d)], d[0], |x| ops::cached_attention(&x[0], &x[1], &x[2], 0.3, Mask::SlidingWindow(9), None), "");
    }
    for shape in [&[2, 3, 64][..], &[5, 36], &[1, 2, 3, 128], &[80], &[70, 4]] {
        let name = format!("{shape:?}");
        case!(c, format!("pack_rows/{name}"), Storable, Exact, [normal(shape)], d[], |x| ops::pack_rows(&x[0]), "");
        case!(c, format!("unpack_rows/{name}"), Storable, Ulp(1), [normal(shape)], d[], |x| ops::unpack_rows(&ops::pack_rows(&x[0])?), "");
    }
    case!(c, "pack_rows/flat", Storable, Exact, [given(&[0.0], &[3, 64])], d[], |x| ops::pack_rows(&x[0]), "");
    case!(c, "unpack_rows/special", Storable, Ulp(1), [special(&[4, 96])], d[], |x| ops::unpack_rows(&ops::pack_rows(&x[0])?), "");
    for l in [1, 3, 20] {
        let (q, k, v) = ([2, 4, l, 36], [2, 2, 70, 36], [2, 2, 70, 20]);
        let (a, b, d) = (normal(&q), normal(&k).of(DType::F32), normal(&v).of(DType::F32));
        for (name, mask) in [("plain", Mask::None), ("causal", Mask::Causal), ("window", Mask::SlidingWindow(9))] {
            case!(c, format!("packed_attention/{name}/{l}"), Storable, Accumulate(16), [a.clone(), b.clone(), d.clone()], d[0], |x| ops::packed_attention(&x[0], &ops::pack_rows(&x[1])?, &ops::pack_rows(&x[2])?, 0.3, mask, None, None), "");
        }
        case!(c, format!("packed_attention/mask/{l}"), Storable, Accumulate(16), [a.clone(), b.clone(), d.clone(), bools(&[4, l, 70])], d[0], |x| ops::packed_attention(&x[0], &ops::pack_rows(&x[1])?, &ops::pack_rows(&x[2])?, 0.3, Mask::Array(&x[3]), None, None), "");
        case!(c, format!("packed_attention/sinks/{l}"), Storable, Accumulate(16), [a.clone(), b.clone(), d.clone(), normal(&[4])], d[0, 3], |x| ops::packed_attention(&x[0], &ops::pack_rows(&x[1])?, &ops::pack_rows(&x[2])?, 0.3, Mask::Causal, Some(&x[3]), None), "");
        for held in [33.0, 70.0, -4.0, 1000.0] {
            case!(c, format!("packed_attention/held {held}/{l}"), Storable, Accumulate(16), [a.clone(), b.clone(), d.clone(), given(&[held], &[]).of(DType::I32)], d[0], |x| ops::packed_attention(&x[0], &ops::pack_rows(&x[1])?, &ops::pack_rows(&x[2])?, 0.3, Mask::SlidingWindow(20), None, Some(&x[3])), "");
        }
    }
    case!(c, "softmax/bench", Storable, Ulp(8), [normal(&[8, 8])], d[], |x| ops::softmax(&x[0], Some(&[-1]), true), "mx.softmax(x0, axis=-1)").bench(&[&[4096, 4096]], 0.0);
    case!(c, "rms_norm/bench", Storable, Accumulate(8), [normal(&[8, 8]), normal(&[8])], d[], |x| ops::rms_norm(&x[0], Some(&x[1]), 1e-5), "mx.fast.rms_norm(x0, x1, 1e-5)").bench(&[&[4096, 4096], &[4096]], 0.0);
    case!(c, "layer_norm/bench", Storable, Accumulate(16), [normal(&[8, 8]), normal(&[8])], d[], |x| ops::layer_norm(&x[0], Some(&x[1]), Some(&x[1]), 1e-5), "mx.fast.layer_norm(x0, x1, x1, 1e-5)").bench(&[&[4096, 4096], &[4096]], 0.0);
    case!(c, "scaled_dot_product_attention/bench", Storable, Accumulate(16), [normal(&[1, 9, 4, 64]), normal(&[1, 3, 4, 64]), normal(&[1, 3, 4, 64])], d[], |x| ops::scaled_dot_product_attention(&x[0], &x[1], &x[2], 0.125, Mask::Causal, None), "mx.fast.scaled_dot_product_attention(x0, x1, x2, scale=0.125, mask='causal')").bench(&[&[1, 9, 512, 64], &[1, 3, 512, 64], &[1, 3, 512, 64]], 2.0 * 9.0 * 512.0 * 512.0 * 64.0).bench(&[&[1, 9, 1, 64], &[1, 3, 4096, 64], &[1, 3, 4096, 64]], 4.0 * 9.0 * 4096.0 * 64.0);
}
