//! Random numbers: the same key, the same numbers as the official wheel.

use super::elementwise::python_name;
use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::DType;
use mlx::ops::random;

pub fn add(c: &mut List) {
    case!(c, "key", Fixed, Exact, [], d[], |_x| random::key(0x1234_5678_9abc), "mx.random.key(0x123456789abc)");
    case!(c, "split_key", Fixed, Exact, [bits(&[2])], d[], |x| random::split_key(&x[0], 5), "mx.random.split(x0, 5)");
    case!(c, "seed", Fixed, Exact, [], d[], |_x| { random::seed(7)?; Ok::<_, mlx::Error>((random::uniform(0.0, 1.0, &[5], DType::F32, None)?, random::uniform(0.0, 1.0, &[3], DType::F32, None)?)) }, "(mx.random.seed(7), [mx.random.uniform(shape=(5,)), mx.random.uniform(shape=(3,))])[1]");
    for w in [1, 2, 4] {
        for n in [0, 1, 2, 3, 5, 1037] {
            case!(c, format!("bits/{w}"), Fixed, Exact, [bits(&[2])], d[], |x| random::bits(&[n], w, Some(&x[0])), "");
        }
        case!(c, format!("bits/keys/{w}"), Fixed, Exact, [bits(&[3, 2])], d[], |x| random::bits(&[3, 5], w, Some(&x[0])), "");
    }
    for d in [DType::F32, DType::F16, DType::BF16] {
        let p = python_name(d);
        case!(c, format!("uniform/{d}"), Fixed, Exact, [bits(&[2])], d[], |x| random::uniform(-2.0, 3.0, &[5, 67], d, Some(&x[0])), format!("mx.random.uniform(-2.0, 3.0, (5, 67), mx.{p}, key=x0)"));
        case!(c, format!("normal/{d}"), Fixed, Ulp(4), [bits(&[2])], d[], |x| random::normal(&[5, 67], d, None, None, Some(&x[0])), format!("mx.random.normal((5, 67), mx.{p}, key=x0)"));
        case!(c, format!("normal/scaled/{d}"), Fixed, Accumulate(8), [bits(&[2]), normal(&[67]).of(d), positive(&[67]).of(d)], d[], |x| random::normal(&[5, 67], d, Some(&x[1]), Some(&x[2]), Some(&x[0])), format!("mx.random.normal((5, 67), mx.{p}, loc=x1, scale=x2, key=x0)"));
        case!(c, format!("truncated_normal/{d}"), Fixed, Accumulate(16), [bits(&[2]), given(&[-1.0], &[]).of(d), given(&[2.0], &[]).of(d)], d[], |x| random::truncated_normal(&x[1], &x[2], Some(&[5, 67]), d, Some(&x[0])), format!("mx.random.truncated_normal(x1, x2, (5, 67), mx.{p}, key=x0)"));
        case!(c, format!("gumbel/{d}"), Fixed, Accumulate(16), [bits(&[2])], d[], |x| random::gumbel(&[5, 67], d, Some(&x[0])), format!("mx.random.gumbel((5, 67), mx.{p}, key=x0)"));
        case!(c, format!("laplace/{d}"), Fixed, Accumulate(16), [bits(&[2])], d[], |x| random::laplace(&[5, 67], d, 1.0, 2.0, Some(&x[0])), format!("mx.random.laplace((5, 67), mx.{p}, loc=1.0, scale=2.0, key=x0)"));
    }
    case!(c, "normal/grad", Fixed, Accumulate(8), [bits(&[2]), normal(&[67]).of(DType::F32), positive(&[67]).of(DType::F32)], d[1, 2], |x| random::normal(&[5, 67], DType::F32, Some(&x[1]), Some(&x[2]), Some(&x[0])), "");
    case!(c, "multivariate_normal", Fixed, Accumulate(16), [bits(&[2]), normal(&[2]).of(DType::F32), given(&[2.0, 0.0, 0.0, 0.5], &[2, 2]).of(DType::F32)], d[], |x| random::multivariate_normal(&x[1], &x[2], &[5], DType::F32, Some(&x[0])), "mx.random.multivariate_normal(x1, x2, (5,), key=x0, stream=mx.cpu)");
    case!(c, "normal/complex64", Fixed, Ulp(4), [bits(&[2])], d[], |x| random::normal(&[5, 7], DType::C64, None, None, Some(&x[0])), "mx.random.normal((5, 7), mx.complex64, key=x0)");
    case!(c, "uniform/bounds", Fixed, Ulp(2), [bits(&[2]), unit(&[7]).of(DType::F32), positive(&[5, 1]).of(DType::F32)], d[1, 2], |x| random::uniform(&x[1], &x[2], &[5, 7], DType::F32, Some(&x[0])), "mx.random.uniform(x1, x2, (5, 7), mx.float32, key=x0)");
    for d in DType::ALL.into_iter().filter(|d| d.is_integer()) {
        case!(c, format!("randint/{d}"), Fixed, Exact, [bits(&[2])], d[], |x| random::randint(3, 90, &[5, 67], d, Some(&x[0])), format!("mx.random.randint(3, 90, (5, 67), mx.{}, key=x0)", python_name(d)));
    }
    case!(c, "bernoulli", Fixed, Exact, [bits(&[2]), given(&[0.0, 0.25, 0.5, 1.0], &[4]).of(DType::F32)], d[], |x| random::bernoulli(&x[1], Some(&[50, 4]), Some(&x[0])), "mx.random.bernoulli(x1, (50, 4), key=x0)");
    case!(c, "permutation", All, Exact, [normal(&[3, 17]), bits(&[2])], d[0], |x| random::permutation(&x[0], 1, Some(&x[1])), "mx.random.permutation(x0, axis=1, key=x1)");
    case!(c, "permutation_of", Fixed, Exact, [bits(&[2])], d[], |x| random::permutation_of(37, Some(&x[0])), "mx.random.permutation(37, key=x0)");
    case!(c, "categorical", Float, Exact, [normal(&[5, 17]), bits(&[2])], d[], |x| random::categorical(&x[0], -1, None, None, Some(&x[1])), "mx.random.categorical(x0, key=x1)");
    case!(c, "categorical/samples", Float, Exact, [normal(&[5, 17]), bits(&[2])], d[], |x| random::categorical(&x[0], 1, None, Some(9), Some(&x[1])), "mx.random.categorical(x0, axis=1, num_samples=9, key=x1)");
    case!(c, "categorical/shape", Float, Exact, [normal(&[17, 5]), bits(&[2])], d[], |x| random::categorical(&x[0], 0, Some(&[3, 5]), None, Some(&x[1])), "mx.random.categorical(x0, axis=0, shape=(3, 5), key=x1)");
    case!(c, "categorical/one", Fixed, Exact, [normal(&[1, 17]).of(DType::F32), bits(&[2])], d[], |x| random::categorical(&x[0], -1, None, None, Some(&x[1])), "mx.random.categorical(x0, key=x1)");
    case!(c, "categorical/one_many", Fixed, Exact, [normal(&[17]).of(DType::F32), bits(&[2])], d[], |x| random::categorical(&x[0], -1, None, Some(25), Some(&x[1])), "mx.random.categorical(x0, num_samples=25, key=x1)");
}
