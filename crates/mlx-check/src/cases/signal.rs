//! Short-time Fourier transforms, small-float quantization, the gated delta rule: made of other functions.

use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::DType;
use mlx::ops::{self, Both, FftNorm, FramePad, Frames, SmallFloat};

fn frames(size: usize, hop: usize, center: bool) -> Frames {
    Frames { size, hop, window: None, width: size, center }
}

pub fn add(c: &mut List) {
    for (name, format) in [("mxfp4", SmallFloat::Mxfp4), ("mxfp8", SmallFloat::Mxfp8), ("nvfp4", SmallFloat::Nvfp4)] {
        let (words, groups) = (64 * format.bits() / 32, 64 / format.group_size());
        case!(c, format!("quantize_small/{name}"), Fixed, Exact, [normal(&[3, 64]).of(DType::F32)], d[], |x| ops::quantize_small(&x[0], format, None), format!("mx.quantize(x0, mode='{name}')"));
        case!(c, format!("dequantize_small/{name}"), Fixed, Exact, [bits(&[3, words]), given(&[100.0, 110.0], &[3, groups]).of(DType::U8)], d[], |x| ops::dequantize_small(&x[0], &x[1], format, None), format!("mx.dequantize(x0, x1, mode='{name}', dtype=mx.float32)"));
        case!(c, format!("quantized_matmul_small/{name}"), Fixed, Accumulate(64), [normal(&[3, 64]).of(DType::F32), normal(&[5, 64]).of(DType::F32)], d[0], |x| { let (w, s) = ops::quantize_small(&x[1], format, None)?; ops::quantized_matmul_small(&x[0], &w, &s, true, format) }, format!("mx.quantized_matmul(x0, *mx.quantize(x1, mode='{name}'), mode='{name}')"));
        case!(c, format!("qqmm/{name}"), Fixed, Accumulate(64), [normal(&[3, 64]).of(DType::F32), normal(&[5, 64]).of(DType::F32)], d[], |x| ops::qqmm(&x[0], &x[1], None, Both::Small(format), (None, None)), "");
        case!(c, format!("gather_qmm_small/{name}"), Fixed, Accumulate(64), [normal(&[2, 1, 64]).of(DType::F32), normal(&[3, 32, 64]).of(DType::F32), whole(0, 2, &[2]).of(DType::U32)], d[0], |x| { let (w, s) = ops::quantize_small(&x[1], format, None)?; ops::gather_qmm_small(&x[0], &w, &s, None, Some(&x[2]), true, format, None) }, format!("mx.gather_qmm(x0, *mx.quantize(x1, mode='{name}'), rhs_indices=x2, mode='{name}')"));
        case!(c, format!("gather_qqmm/{name}"), Fixed, Accumulate(64), [normal(&[2, 1, 64]).of(DType::F32), normal(&[3, 32, 64]).of(DType::F32), whole(0, 2, &[2]).of(DType::U32)], d[], |x| ops::gather_qqmm(&x[0], &x[1], None, None, Some(&x[2]), Both::Small(format), (None, None), false), "");
    }
    case!(c, "stft", Fixed, Accumulate(8), [normal(&[2, 16]).of(DType::F32)], d[0], |x| ops::stft(&x[0], &frames(8, 2, true), FramePad::Reflect, FftNorm::Backward, None), "mx.fft.stft(x0, 8)");
    case!(c, "stft/edge", Fixed, Accumulate(8), [normal(&[17]).of(DType::F32)], d[0], |x| ops::stft(&x[0], &frames(7, 3, true), FramePad::Edge, FftNorm::Ortho, Some(false)), "mx.fft.stft(x0, 7, 3, pad_mode='edge', norm='ortho', onesided=False)");
    case!(c, "istft", Fixed, Accumulate(16), [normal(&[2, 16]).of(DType::F32)], d[0], |x| ops::istft(&ops::stft(&x[0], &frames(8, 2, true), FramePad::Reflect, FftNorm::Backward, None)?, &frames(8, 2, true), FftNorm::Backward, true, Some(18)), "mx.fft.istft(mx.fft.stft(x0, 8), 8, length=18)");
    case!(c, "gated_delta_update", Fixed, Accumulate(32), [normal(&[2, 3, 1, 4]).of(DType::F32), unit(&[2, 3, 1, 4]).of(DType::F32), normal(&[2, 3, 2, 5]).of(DType::F32), unit(&[2, 3, 2]).of(DType::F32), unit(&[2, 3, 2]).of(DType::F32)], d[0, 1, 2, 3, 4], |x| ops::gated_delta_update(&x[0], &x[1], &x[2], &x[3], &x[4], None, None), "mx.fast.gated_delta_update(x0, x1, x2, x3, x4)");
    case!(c, "logcumsumexp_complex", Fixed, Accumulate(8), [normal(&[3, 5]).of(DType::C64)], d[], |x| ops::logcumsumexp_complex(&x[0], Some(1), false, true), "");
    case!(c, "eig", Fixed, Accumulate(64), [given(&[2.0, 0.0, 0.0, 3.0], &[2, 2]).of(DType::F32)], d[], |x| ops::linalg::eig(&x[0]), "");
}
