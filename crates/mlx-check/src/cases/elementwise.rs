//! Elementwise functions.

use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::DType;
use mlx::ops::{self, Arg, Scalar};

/// One element, none, 0-d, odd sizes, more than one tile, five axes.
const SHAPES: [&[usize]; 7] = [&[7], &[1], &[0], &[], &[1037], &[3, 5], &[2, 3, 1, 5, 2]];
/// Pairs that broadcast.
const PAIRS: [(&[usize], &[usize]); 7] = [(&[7], &[7]), (&[1037], &[1037]), (&[3, 5], &[5]), (&[3, 1], &[1, 5]), (&[], &[4]), (&[0], &[1]), (&[2, 1, 3, 1, 2], &[4, 1, 5, 2])];
const BIG: &[usize] = &[4096, 4096];

pub fn add(c: &mut List) {
    for s in SHAPES {
        case!(c, "abs", All, Ulp(2), [normal(s)], d[0], |x| ops::abs(&x[0]), "mx.abs(x0)");
        case!(c, "negative", Numeric, Exact, [normal(s)], d[0], |x| ops::negative(&x[0]), "mx.negative(x0)");
        case!(c, "sign", All, Ulp(2), [normal(s)], d[], |x| ops::sign(&x[0]), "mx.sign(x0)");
        case!(c, "trunc", Real, Exact, [normal(s)], d[0], |x| ops::trunc(&x[0]), "mx.trunc(x0)");
        case!(c, "floor", Real, Exact, [normal(s)], d[0], |x| ops::floor(&x[0]), "mx.floor(x0)");
        case!(c, "ceil", Real, Exact, [normal(s)], d[0], |x| ops::ceil(&x[0]), "mx.ceil(x0)");
        case!(c, "square", All, Ulp(2), [normal(s)], d[0], |x| ops::square(&x[0]), "mx.square(x0)");
        case!(c, "sqrt", All, Ulp(4), [positive(s)], d[0], |x| ops::sqrt(&x[0]), "mx.sqrt(x0)");
        case!(c, "rsqrt", All, Ulp(4), [positive(s)], d[0], |x| ops::rsqrt(&x[0]), "mx.rsqrt(x0)");
        case!(c, "exp", All, Ulp(4), [normal(s)], d[0], |x| ops::exp(&x[0]), "mx.exp(x0)");
        case!(c, "expm1", Real, Ulp(4), [normal(s)], d[0], |x| ops::expm1(&x[0]), "mx.expm1(x0)");
        case!(c, "log", All, Accumulate(4), [positive(s)], d[0], |x| ops::log(&x[0]), "mx.log(x0)");
        case!(c, "log2", All, Accumulate(4), [positive(s)], d[0], |x| ops::log2(&x[0]), "mx.log2(x0)");
        case!(c, "log10", All, Accumulate(4), [positive(s)], d[0], |x| ops::log10(&x[0]), "mx.log10(x0)");
        case!(c, "log1p", All, Accumulate(4), [positive(s)], d[0], |x| ops::log1p(&x[0]), "mx.log1p(x0)");
        case!(c, "sin", All, Accumulate(4), [normal(s)], d[0], |x| ops::sin(&x[0]), "mx.sin(x0)");
        case!(c, "cos", All, Accumulate(4), [normal(s)], d[0], |x| ops::cos(&x[0]), "mx.cos(x0)");
        case!(c, "tan", All, Ulp(16), [unit(s)], d[0], |x| ops::tan(&x[0]), "mx.tan(x0)");
        case!(c, "arcsin", All, Ulp(8), [unit(s)], d[0], |x| ops::arcsin(&x[0]), "mx.arcsin(x0)");
        case!(c, "arccos", All, Accumulate(8), [unit(s)], d[0], |x| ops::arccos(&x[0]), "mx.arccos(x0)");
        case!(c, "arctan", All, Ulp(8), [unit(s)], d[0], |x| ops::arctan(&x[0]), "mx.arctan(x0)");
        case!(c, "sinh", All, Ulp(8), [unit(s)], d[0], |x| ops::sinh(&x[0]), "mx.sinh(x0)");
        case!(c, "cosh", All, Ulp(8), [unit(s)], d[0], |x| ops::cosh(&x[0]), "mx.cosh(x0)");
        case!(c, "tanh", All, Ulp(8), [unit(s)], d[0], |x| ops::tanh(&x[0]), "mx.tanh(x0)");
        case!(c, "arcsinh", All, Ulp(8), [normal(s)], d[0], |x| ops::arcsinh(&x[0]), "mx.arcsinh(x0)");
        case!(c, "arccosh", All, Accumulate(8), [positive(s)], d[], |x| ops::arccosh(&x[0]), "mx.arccosh(x0)");
        case!(c, "arctanh", All, Ulp(8), [unit(s)], d[0], |x| ops::arctanh(&x[0]), "mx.arctanh(x0)");
        case!(c, "erf", Real, Ulp(8), [unit(s)], d[0], |x| ops::erf(&x[0]), "mx.erf(x0)");
        case!(c, "erfinv", Real, Ulp(16), [unit(s)], d[0], |x| ops::erfinv(&x[0]), "mx.erfinv(x0)");
        case!(c, "sigmoid", Real, Ulp(8), [normal(s)], d[0], |x| ops::sigmoid(&x[0]), "mx.sigmoid(x0)");
        case!(c, "logical_not", All, Exact, [unit(s)], d[], |x| ops::logical_not(&x[0]), "mx.logical_not(x0)");
        case!(c, "bitwise_invert", Integral, Exact, [normal(s)], d[], |x| ops::bitwise_invert(&x[0]), "mx.bitwise_invert(x0)");
        case!(c, "real", All, Exact, [normal(s)], d[0], |x| ops::real(&x[0]), "mx.real(x0)");
        case!(c, "imag", All, Exact, [normal(s)], d[], |x| ops::imag(&x[0]), "mx.imag(x0)");
        case!(c, "conjugate", All, Exact, [normal(s)], d[0], |x| ops::conjugate(&x[0]), "mx.conjugate(x0)");
        case!(c, "round", All, Exact, [normal(s)], d[0], |x| ops::round(&x[0], 0), "mx.round(x0)");
        case!(c, "reciprocal", All, Ulp(4), [positive(s)], d[0], |x| ops::reciprocal(&x[0]), "mx.reciprocal(x0)");
        case!(c, "isnan", All, Exact, [normal(s)], d[], |x| ops::isnan(&x[0]), "mx.isnan(x0)");
        case!(c, "isinf", All, Exact, [normal(s)], d[], |x| ops::isinf(&x[0]), "mx.isinf(x0)");
        case!(c, "astype/f32", All, Exact, [normal(s)], d[0], |x| ops::astype(&x[0], DType::F32), "x0.astype(mx.float32)");
        case!(c, "where_", All, Exact, [bools(s), normal(s), normal(s)], d[1, 2], |x| ops::where_(&x[0], &x[1], &x[2]), "mx.where(x0, x1, x2)");
    }
    for (s, t) in PAIRS {
        case!(c, "add", All, Ulp(1), [normal(s), normal(t)], d[0, 1], |x| ops::add(&x[0], &x[1]), "mx.add(x0, x1)");
        case!(c, "subtract", All, Ulp(1), [normal(s), normal(t)], d[0, 1], |x| ops::subtract(&x[0], &x[1]), "mx.subtract(x0, x1)");
        case!(c, "multiply", All, Ulp(2), [normal(s), normal(t)], d[0, 1], |x| ops::multiply(&x[0], &x[1]), "mx.multiply(x0, x1)");
        case!(c, "divide", All, Ulp(8), [normal(s), positive(t)], d[0, 1], |x| ops::divide(&x[0], &x[1]), "mx.divide(x0, x1)");
        case!(c, "floor_divide", RealNumeric, Exact, [normal(s), positive(t)], d[0], |x| ops::floor_divide(&x[0], &x[1]), "mx.floor_divide(x0, x1)");
        case!(c, "floor_divide/signs", RealNumeric, Exact, [whole(-20, 20, s), whole(-5, 5, t)], d[], |x| ops::floor_divide(&x[0], &ops::where_(&ops::equal(&x[1], 0)?, 3, &x[1])?), "mx.floor_divide(x0, mx.where(mx.equal(x1, 0), 3, x1))");
        case!(c, "remainder", RealNumeric, Exact, [normal(s), positive(t)], d[0, 1], |x| ops::remainder(&x[0], &x[1]), "mx.remainder(x0, x1)");
        case!(c, "remainder/signs", RealNumeric, Ulp(0), [whole(-20, 20, s), whole(-5, 5, t)], d[], |x| ops::remainder(&x[0], &ops::where_(&ops::equal(&x[1], 0)?, 3, &x[1])?), "mx.remainder(x0, mx.where(mx.equal(x1, 0), 3, x1))");
        case!(c, "divmod", RealNumeric, Ulp(0), [normal(s), positive(t)], d[], |x| ops::divmod(&x[0], &x[1]), "mx.divmod(x0, x1)");
        case!(c, "power", All, Ulp(16), [positive(s), whole(0, 3, t)], d[0], |x| ops::power(&x[0], &x[1]), "mx.power(x0, x1)");
        case!(c, "power/real", Inexact, Ulp(32), [positive(s), unit(t)], d[0, 1], |x| ops::power(&x[0], &x[1]), "mx.power(x0, x1)");
        case!(c, "maximum", All, Exact, [normal(s), normal(t)], d[0, 1], |x| ops::maximum(&x[0], &x[1]), "mx.maximum(x0, x1)");
        case!(c, "minimum", All, Exact, [normal(s), normal(t)], d[0, 1], |x| ops::minimum(&x[0], &x[1]), "mx.minimum(x0, x1)");
        case!(c, "arctan2", Real, Ulp(8), [normal(s), positive(t)], d[0, 1], |x| ops::arctan2(&x[0], &x[1]), "mx.arctan2(x0, x1)");
        case!(c, "logaddexp", All, Accumulate(16), [normal(s), unit(t)], d[0, 1], |x| ops::logaddexp(&x[0], &x[1]), "mx.logaddexp(x0, x1)");
        case!(c, "equal", All, Exact, [whole(-1, 1, s), whole(-1, 1, t)], d[], |x| ops::equal(&x[0], &x[1]), "mx.equal(x0, x1)");
        case!(c, "not_equal", All, Exact, [whole(-1, 1, s), whole(-1, 1, t)], d[], |x| ops::not_equal(&x[0], &x[1]), "mx.not_equal(x0, x1)");
        case!(c, "less", All, Exact, [whole(-1, 1, s), whole(-1, 1, t)], d[], |x| ops::less(&x[0], &x[1]), "mx.less(x0, x1)");
        case!(c, "less_equal", All, Exact, [whole(-1, 1, s), whole(-1, 1, t)], d[], |x| ops::less_equal(&x[0], &x[1]), "mx.less_equal(x0, x1)");
        case!(c, "greater", All, Exact, [whole(-1, 1, s), whole(-1, 1, t)], d[], |x| ops::greater(&x[0], &x[1]), "mx.greater(x0, x1)");
        case!(c, "greater_equal", All, Exact, [whole(-1, 1, s), whole(-1, 1, t)], d[], |x| ops::greater_equal(&x[0], &x[1]), "mx.greater_equal(x0, x1)");
        case!(c, "logical_and", All, Exact, [whole(-1, 1, s), whole(-1, 1, t)], d[], |x| ops::logical_and(&x[0], &x[1]), "mx.logical_and(x0, x1)");
        case!(c, "logical_or", All, Exact, [whole(-1, 1, s), whole(-1, 1, t)], d[], |x| ops::logical_or(&x[0], &x[1]), "mx.logical_or(x0, x1)");
        case!(c, "bitwise_and", Integral, Exact, [normal(s), normal(t)], d[], |x| ops::bitwise_and(&x[0], &x[1]), "mx.bitwise_and(x0, x1)");
        case!(c, "bitwise_or", Integral, Exact, [normal(s), normal(t)], d[], |x| ops::bitwise_or(&x[0], &x[1]), "mx.bitwise_or(x0, x1)");
        case!(c, "bitwise_xor", Integral, Exact, [normal(s), normal(t)], d[], |x| ops::bitwise_xor(&x[0], &x[1]), "mx.bitwise_xor(x0, x1)");
        case!(c, "left_shift", Integral, Exact, [normal(s), whole(0, 7, t)], d[], |x| ops::left_shift(&x[0], &x[1]), "mx.left_shift(x0, x1)");
        case!(c, "right_shift", Integral, Exact, [normal(s), whole(0, 7, t)], d[], |x| ops::right_shift(&x[0], &x[1]), "mx.right_shift(x0, x1)");
        case!(c, "isclose", All, Exact, [whole(0, 1, s), whole(0, 1, t)], d[], |x| ops::isclose(&x[0], &x[1], 1e-5, 1e-8, false), "mx.isclose(x0, x1)");
        case!(c, "allclose", All, Exact, [whole(0, 1, s), whole(0, 1, t)], d[], |x| ops::allclose(&x[0], &x[1], 0.5, 2.0, true), "mx.allclose(x0, x1, rtol=0.5, atol=2.0, equal_nan=True)");
        case!(c, "promote", All, Exact, [normal(s), normal(t).of(DType::F16)], d[], |x| ops::promote(&[&x[0], &x[1], &2i32]), "");
    }
    // Values at the edges of the formats.
    let s = &[3, 211][..];
    case!(c, "abs/special", All, Ulp(2), [special(s)], d[], |x| ops::abs(&x[0]), "mx.abs(x0)");
    case!(c, "negative/special", Numeric, Exact, [special(s)], d[], |x| ops::negative(&x[0]), "mx.negative(x0)");
    case!(c, "sign/special", All, Ulp(2), [special(s)], d[], |x| ops::sign(&x[0]), "mx.sign(x0)");
    case!(c, "trunc/special", Real, Exact, [special(s)], d[], |x| ops::trunc(&x[0]), "mx.trunc(x0)");
    case!(c, "floor/special", Real, Exact, [special(s)], d[], |x| ops::floor(&x[0]), "mx.floor(x0)");
    case!(c, "ceil/special", Real, Exact, [special(s)], d[], |x| ops::ceil(&x[0]), "mx.ceil(x0)");
    case!(c, "round/special", Numeric, Exact, [special(s)], d[], |x| ops::round(&x[0], 0), "mx.round(x0)");
    case!(c, "square/special", Real, Ulp(2), [special(s)], d[], |x| ops::square(&x[0]), "mx.square(x0)");
    case!(c, "sqrt/special", Float, Ulp(4), [special(s)], d[], |x| ops::sqrt(&x[0]), "mx.sqrt(x0)");
    case!(c, "rsqrt/special", Float, Ulp(4), [special(s)], d[], |x| ops::rsqrt(&x[0]), "mx.rsqrt(x0)");
    case!(c, "exp/special", Float, Ulp(4), [special(s)], d[], |x| ops::exp(&x[0]), "mx.exp(x0)");
    case!(c, "expm1/special", Float, Ulp(4), [special(s)], d[], |x| ops::expm1(&x[0]), "mx.expm1(x0)");
    case!(c, "log/special", Float, Ulp(4), [special(s)], d[], |x| ops::log(&x[0]), "mx.log(x0)");
    case!(c, "log2/special", Float, Ulp(4), [special(s)], d[], |x| ops::log2(&x[0]), "mx.log2(x0)");
    case!(c, "log10/special", Float, Ulp(4), [special(s)], d[], |x| ops::log10(&x[0]), "mx.log10(x0)");
    case!(c, "log1p/special", Float, Ulp(4), [special(s)], d[], |x| ops::log1p(&x[0]), "mx.log1p(x0)");
    case!(c, "tanh/special", Float, Ulp(8), [special(s)], d[], |x| ops::tanh(&x[0]), "mx.tanh(x0)");
    case!(c, "erf/special", Float, Ulp(8), [special(s)], d[], |x| ops::erf(&x[0]), "mx.erf(x0)");
    case!(c, "sigmoid/special", Float, Ulp(8), [special(s)], d[], |x| ops::sigmoid(&x[0]), "mx.sigmoid(x0)");
    case!(c, "arctan/special", Float, Ulp(8), [special(s)], d[], |x| ops::arctan(&x[0]), "mx.arctan(x0)");
    case!(c, "sin/large", Float, Accumulate(4), [whole(-1000, 1000, s)], d[], |x| ops::sin(&x[0]), "mx.sin(x0)");
    case!(c, "cos/large", Float, Accumulate(4), [whole(-1000, 1000, s)], d[], |x| ops::cos(&x[0]), "mx.cos(x0)");
    case!(c, "exp/range", Float, Ulp(4), [whole(-95, 87, s)], d[], |x| ops::exp(&x[0]), "mx.exp(x0)");
    case!(c, "erf/range", Float, Ulp(8), [whole(-40, 40, s)], d[], |x| ops::erf(ops::multiply(&x[0], 0.125)?), "mx.erf(x0 * 0.125)");
    case!(c, "add/special", Real, Ulp(1), [special(s), special(s)], d[], |x| ops::add(&x[0], &x[1]), "mx.add(x0, x1)");
    case!(c, "multiply/special", Real, Ulp(2), [special(s), special(s)], d[], |x| ops::multiply(&x[0], &x[1]), "mx.multiply(x0, x1)");
    case!(c, "divide/special", Float, Ulp(4), [special(s), special(s)], d[], |x| ops::divide(&x[0], &x[1]), "mx.divide(x0, x1)");
    case!(c, "maximum/special", Real, Ulp(0), [special(s), special(s)], d[], |x| ops::maximum(&x[0], &x[1]), "mx.maximum(x0, x1)");
    case!(c, "minimum/special", Real, Ulp(0), [special(s), special(s)], d[], |x| ops::minimum(&x[0], &x[1]), "mx.minimum(x0, x1)");
    case!(c, "equal/special", All, Exact, [special(s), special(s)], d[], |x| ops::equal(&x[0], &x[1]), "mx.equal(x0, x1)");
    case!(c, "less/special", All, Exact, [special(s), special(s)], d[], |x| ops::less(&x[0], &x[1]), "mx.less(x0, x1)");
    case!(c, "greater_equal/special", All, Exact, [special(s), special(s)], d[], |x| ops::greater_equal(&x[0], &x[1]), "mx.greater_equal(x0, x1)");
    case!(c, "logaddexp/special", Float, Ulp(4), [special(s), special(s)], d[], |x| ops::logaddexp(&x[0], &x[1]), "mx.logaddexp(x0, x1)");
    case!(c, "isnan/special", All, Exact, [special(s)], d[], |x| ops::isnan(&x[0]), "mx.isnan(x0)");
    case!(c, "isinf/special", All, Exact, [special(s)], d[], |x| ops::isinf(&x[0]), "mx.isinf(x0)");
    case!(c, "isneginf", All, Exact, [special(s)], d[], |x| ops::isneginf(&x[0]), "mx.isneginf(x0)");
    case!(c, "isposinf", All, Exact, [special(s)], d[], |x| ops::isposinf(&x[0]), "mx.isposinf(x0)");
    case!(c, "isfinite", All, Exact, [special(s)], d[], |x| ops::isfinite(&x[0]), "mx.isfinite(x0)");
    case!(c, "nan_to_num", All, Exact, [special(s)], d[], |x| ops::nan_to_num(&x[0], 0.0, None, None), "mx.nan_to_num(x0)");
    case!(c, "nan_to_num/given", Float, Exact, [special(s)], d[], |x| ops::nan_to_num(&x[0], 1.5, Some(7.0), Some(-9.0)), "mx.nan_to_num(x0, nan=1.5, posinf=7.0, neginf=-9.0)");
    case!(c, "array_equal/same", All, Exact, [whole(1, 1, s), whole(1, 1, s)], d[], |x| ops::array_equal(&x[0], &x[1], false), "mx.array_equal(x0, x1)");
    case!(c, "array_equal/nan", Inexact, Exact, [special(s)], d[], |x| ops::array_equal(&x[0], &x[0], true), "mx.array_equal(x0, x0, equal_nan=True)");
    case!(c, "array_equal/shape", All, Exact, [normal(&[3]), normal(&[4])], d[], |x| ops::array_equal(&x[0], &x[1], false), "mx.array_equal(x0, x1)");
    // Parameters.
    let s = &[5, 67][..];
    case!(c, "round/decimals", Float, Ulp(4), [normal(s)], d[], |x| ops::round(&x[0], 2), "mx.round(x0, 2)");
    case!(c, "round/tens", Float, Ulp(4), [whole(-500, 500, s)], d[], |x| ops::round(&x[0], -1), "mx.round(x0, -1)");
    case!(c, "degrees", All, Ulp(4), [normal(s)], d[0], |x| ops::degrees(&x[0]), "mx.degrees(x0)");
    case!(c, "radians", All, Ulp(4), [normal(s)], d[0], |x| ops::radians(&x[0]), "mx.radians(x0)");
    case!(c, "clip", RealNumeric, Exact, [normal(s)], d[0], |x| ops::clip(&x[0], Some(&1), Some(&3)), "mx.clip(x0, 1, 3)");
    case!(c, "clip/array", RealNumeric, Exact, [normal(s), unit(&[67])], d[0, 1], |x| ops::clip(&x[0], Some(&x[1] as &dyn Arg), None), "mx.clip(x0, x1, None)");
    case!(c, "clip/above", RealNumeric, Exact, [normal(s)], d[], |x| ops::clip(&x[0], None, Some(&2)), "mx.clip(x0, None, 2)");
    case!(c, "add/weak", All, Ulp(1), [normal(s)], d[0], |x| ops::add(&x[0], 2), "x0 + 2");
    case!(c, "multiply/weak", All, Ulp(2), [normal(s)], d[0], |x| ops::multiply(0.5, &x[0]), "0.5 * x0");
    case!(c, "add/weak_bool", All, Ulp(1), [normal(s)], d[], |x| ops::add(&x[0], Scalar::Bool(true)), "x0 + True");
    case!(c, "power/negative", Int, Exact, [whole(-3, 3, s), whole(-2, 4, s)], d[], |x| ops::power(&x[0], &x[1]), "mx.power(x0, x1)");
    case!(c, "where_/broadcast", All, Exact, [bools(&[5, 1]), normal(&[67]), normal(&[])], d[1, 2], |x| ops::where_(&x[0], &x[1], &x[2]), "mx.where(x0, x1, x2)");
    case!(c, "map", Fixed, Ulp(8), [normal(s).of(DType::F32), normal(s).of(DType::F32)], d[0, 1], |x| ops::map(silu_times(), x), "x0 * mx.sigmoid(x0) * x1");
    case!(c, "remainder/zero", Integral, Exact, [normal(s), whole(0, 1, s)], d[], |x| ops::remainder(&x[0], &x[1]), "mx.remainder(x0, x1)");
    case!(c, "floor_divide/zero", Integral, Exact, [normal(s), whole(0, 1, s)], d[], |x| ops::floor_divide(&x[0], &x[1]), "mx.floor_divide(x0, x1)");
    case!(c, "floor_divide/tenths", Float, Exact, [whole(0, 40, s), given(&[0.1, 0.2, 0.3, 0.7], s)], d[], |x| ops::floor_divide(&x[0], &x[1]), "mx.floor_divide(x0, x1)");
    // Every pair of dtypes.
    for to in DType::ALL {
        case!(c, format!("astype/{to}"), All, Exact, [whole(0, 100, &[3, 37])], d[], |x| ops::astype(&x[0], to), format!("x0.astype(mx.{})", python_name(to)));
        case!(c, format!("astype/{to}/fraction"), Inexact, Exact, [positive(&[3, 37])], d[], |x| ops::astype(&x[0], to), format!("x0.astype(mx.{})", python_name(to)));
        case!(c, format!("add/promoted/{to}"), All, Ulp(1), [whole(0, 50, &[37]), whole(0, 50, &[37]).of(to)], d[], |x| ops::add(&x[0], &x[1]), "x0 + x1");
        case!(c, format!("astype/{to}/negative"), Int, Exact, [whole(-100, 100, &[3, 37])], d[], |x| ops::astype(&x[0], to), format!("x0.astype(mx.{})", python_name(to)));
    }
    case!(c, "astype/halves", Float, Exact, [special(&[3, 211])], d[], |x| Ok::<_, mlx::Error>(vec![ops::astype(&x[0], DType::F16)?, ops::astype(&x[0], DType::BF16)?, ops::astype(&x[0], DType::F64)?]), "[x0.astype(mx.float16), x0.astype(mx.bfloat16), x0.astype(mx.float64)]");
    // Views feed elementwise work without copies.
    case!(c, "add/no_copies", All, Ulp(1), [normal(&[4, 9]), normal(&[4, 9])], d[], |x| ops::add(&ops::transpose(&x[0], None)?, &ops::transpose(&x[1], None)?), "x0.T + x1.T").copies(0);
    // Benchmarks.
    case!(c, "add/bench", Storable, Ulp(1), [normal(&[8]), normal(&[8])], d[], |x| ops::add(&x[0], &x[1]), "x0 + x1").bench(&[BIG, BIG], 0.0);
    case!(c, "exp/bench", Storable, Ulp(4), [normal(&[8])], d[], |x| ops::exp(&x[0]), "mx.exp(x0)").bench(&[BIG], 0.0);
    case!(c, "tanh/bench", Storable, Ulp(8), [normal(&[8])], d[], |x| ops::tanh(&x[0]), "mx.tanh(x0)").bench(&[BIG], 0.0);
    case!(c, "erf/bench", Storable, Ulp(8), [normal(&[8])], d[], |x| ops::erf(&x[0]), "mx.erf(x0)").bench(&[BIG], 0.0);
    case!(c, "sin/bench", Storable, Accumulate(4), [normal(&[8])], d[], |x| ops::sin(&x[0]), "mx.sin(x0)").bench(&[BIG], 0.0);
    case!(c, "add/rows/bench", Storable, Ulp(1), [normal(&[2, 8]), normal(&[8])], d[], |x| ops::add(&x[0], &x[1]), "x0 + x1").bench(&[BIG, &[4096]], 0.0);
    case!(c, "add/transposed/bench", Storable, Ulp(1), [normal(&[8, 8]), normal(&[8, 8])], d[], |x| ops::add(&x[0], &ops::transpose(&x[1], None)?), "x0 + x1.T").bench(&[BIG, BIG], 0.0);
}

/// `x · sigmoid(x) · y` as one tape.
fn silu_times() -> std::sync::Arc<mlx_ir::Tape> {
    use mlx_ir::Func;
    let mut t = mlx_ir::TapeBuilder::new(&[DType::F32, DType::F32]);
    let steps = t.call(Func::Sigmoid, &[0]).and_then(|s| t.call(Func::Multiply, &[0, s])).and_then(|y| t.call(Func::Multiply, &[y, 1]));
    steps.expect("a tape of three calls");
    std::sync::Arc::new(t.finish())
}

/// Name of a dtype in `mlx.core`.
pub(crate) fn python_name(d: DType) -> &'static str {
    match d {
        DType::Bool => "bool_",
        d => d.name(),
    }
}
