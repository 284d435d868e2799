//! Matrix products.

use crate::case;
use crate::case::{Family::*, List, Tol::*};
use crate::data::*;
use mlx::DType;
use mlx::ops;

pub fn add(c: &mut List) {
    for (s, t) in [(&[3, 5][..], &[5, 4][..]), (&[1, 67], &[67, 33]), (&[33, 67], &[67, 1]), (&[17, 259], &[259, 37]), (&[5], &[5]), (&[5], &[5, 3]), (&[3, 5], &[5]), (&[2, 3, 5], &[5, 4]), (&[2, 1, 3, 5], &[4, 5, 2]), (&[0, 5], &[5, 3]), (&[3, 0], &[0, 4]), (&[1, 1], &[1, 1])] {
        case!(c, "matmul", Inexact, Accumulate(16), [normal(s), normal(t)], d[0, 1], |x| ops::matmul(&x[0], &x[1]), "mx.matmul(x0, x1)");
    }
    // Transposed operands are read as they lie.
    case!(c, "matmul/transposed", Inexact, Accumulate(16), [normal(&[5, 3]), normal(&[4, 5])], d[0, 1], |x| ops::matmul(&ops::transpose(&x[0], None)?, &ops::transpose(&x[1], None)?), "x0.T @ x1.T").copies(0);
    case!(c, "matmul/promoted", Storable, Accumulate(16), [normal(&[3, 5]), normal(&[5, 2]).of(DType::F32)], d[], |x| ops::matmul(&x[0], &x[1]), "x0 @ x1");
    case!(c, "addmm", Inexact, Accumulate(16), [normal(&[4]), normal(&[3, 5]), normal(&[5, 4])], d[0, 1, 2], |x| ops::addmm(&x[0], &x[1], &x[2], 0.5, 2.0), "mx.addmm(x0, x1, x2, alpha=0.5, beta=2.0)");
    case!(c, "addmm/plain", Inexact, Accumulate(16), [normal(&[2, 3, 4]), normal(&[2, 3, 67]), normal(&[67, 4])], d[0, 1, 2], |x| ops::addmm(&x[0], &x[1], &x[2], 1.0, 1.0), "mx.addmm(x0, x1, x2)");
    case!(c, "addmm/row", Inexact, Accumulate(16), [normal(&[4]), normal(&[5]), normal(&[5, 4])], d[0, 1, 2], |x| ops::addmm(&x[0], &x[1], &x[2], 1.0, 1.0), "mx.addmm(x0, x1, x2)");
    case!(c, "addmm/column", Inexact, Accumulate(16), [normal(&[3]), normal(&[3, 5]), normal(&[5])], d[0, 1, 2], |x| ops::addmm(&x[0], &x[1], &x[2], 1.0, 1.0), "mx.addmm(x0, x1, x2)");
    case!(c, "addmm/empty", Inexact, Accumulate(16), [normal(&[3, 4]), normal(&[3, 0]), normal(&[0, 4])], d[0], |x| ops::addmm(&x[0], &x[1], &x[2], 1.0, 2.0), "mx.addmm(x0, x1, x2, alpha=1.0, beta=2.0)");
    case!(c, "inner", Inexact, Accumulate(16), [normal(&[3, 5]), normal(&[2, 5])], d[0, 1], |x| ops::inner(&x[0], &x[1]), "mx.inner(x0, x1)");
    case!(c, "inner/scalar", All, Ulp(2), [normal(&[3, 5]), normal(&[])], d[0, 1], |x| ops::inner(&x[0], &x[1]), "mx.inner(x0, x1)");
    case!(c, "outer", All, Ulp(2), [normal(&[7]), normal(&[2, 3])], d[0, 1], |x| ops::outer(&x[0], &x[1]), "mx.outer(x0, x1)");
    case!(c, "tensordot", Inexact, Accumulate(16), [normal(&[3, 4, 5]), normal(&[5, 2, 4])], d[0, 1], |x| ops::tensordot(&x[0], &x[1], &[1, 2], &[2, 0]), "mx.tensordot(x0, x1, [[1, 2], [2, 0]])");
    case!(c, "tensordot/none", Inexact, Accumulate(16), [normal(&[3]), normal(&[4])], d[0, 1], |x| ops::tensordot(&x[0], &x[1], &[], &[]), "mx.tensordot(x0, x1, [[], []])");
    case!(c, "matmul/bench", Storable, Accumulate(64), [normal(&[8, 8]), normal(&[8, 8])], d[], |x| ops::matmul(&x[0], &x[1]), "x0 @ x1").bench(&[&[1024, 1024], &[1024, 1024]], 2.0 * 1024f64.powi(3)).bench(&[&[512, 576], &[576, 1536]], 2.0 * 512.0 * 576.0 * 1536.0).bench(&[&[1, 4096], &[4096, 4096]], 2.0 * 4096.0 * 4096.0);
    case!(c, "matmul/transposed/bench", Storable, Accumulate(64), [normal(&[8, 8]), normal(&[8, 8])], d[], |x| ops::matmul(&x[0], &ops::transpose(&x[1], None)?), "x0 @ x1.T").bench(&[&[1024, 1024], &[1024, 1024]], 2.0 * 1024f64.powi(3)).bench(&[&[1, 4096], &[4096, 4096]], 2.0 * 4096.0 * 4096.0);
}
