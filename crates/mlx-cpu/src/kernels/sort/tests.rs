use super::*;
use crate::kernels::testing::{Case, Rng, pools};
use std::cmp::Ordering;

/// Order of two elements (pairs when complex), NaN last.
fn order(a: &[f64], b: &[f64]) -> Ordering {
    let nan = |x: &[f64]| x.iter().any(|v| v.is_nan());
    nan(a).cmp(&nan(b)).then_with(|| if nan(a) { Ordering::Equal } else { a.partial_cmp(b).unwrap() })
}

fn values(rng: &mut Rng, n: usize, d: DType) -> Vec<f64> {
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, -f64::NAN];
    let count = if d.is_complex() { 2 * n } else { n };
    (0..count)
        .map(|_| match d {
            DType::Bool => rng.below(2) as f64,
            d if d.is_inexact() && rng.below(6) == 0 => special[rng.below(6)],
            d if d.is_inexact() => (rng.unit() * 50.0).round() / 4.0,
            d if d.is_unsigned() => rng.below(250) as f64,
            _ => rng.below(250) as f64 - 125.0,
        })
        .collect()
}

#[test]
fn every_dtype_axis_and_layout() {
    let mut rng = Rng::new(31);
    let (pool, isa) = pools().pop().unwrap();
    let cx = Cx { pool: &pool, isa };
    for d in DType::ALL {
        let c = if d.is_complex() { 2 } else { 1 };
        for (shape, axis) in [
            (vec![3, 7, 5], 0),
            (vec![3, 7, 5], 1),
            (vec![3, 7, 5], 2),
            (vec![5000], 0),
            (vec![70_001], 0),
            (vec![5, 1600], 1),
        ] {
            for layout in 0..3 {
                let n: usize = shape.iter().product();
                if n > 10_000 && (layout > 0 || d.size() == 2) {
                    continue;
                }
                let x = Case::layout(&shape, d, &values(&mut rng, n, d), layout);
                let (sorted, args) = (Case::output(&shape, d), Case::output(&shape, DType::U32));
                op::Sort { axis }.run(&cx, &[x.op()], &[sorted.op()]).unwrap();
                op::ArgSort { axis }.run(&cx, &[x.op()], &[args.op()]).unwrap();
                let kth = shape[axis] / 3;
                let (part, arg_part) = (Case::output(&shape, d), Case::output(&shape, DType::U32));
                op::Partition { axis, kth }.run(&cx, &[x.op()], &[part.op()]).unwrap();
                op::ArgPartition { axis, kth }.run(&cx, &[x.op()], &[arg_part.op()]).unwrap();
                for o in [&sorted, &args, &part, &arg_part] {
                    o.check_guards();
                }
                let (xv, sv, av, pv, qv) =
                    (x.values(), sorted.values(), args.values(), part.values(), arg_part.values());
                let inner: usize = shape[axis + 1..].iter().product();
                let len = shape[axis];
                for l in 0..n / len {
                    let at = |i: usize| (l / inner * len + i) * inner + l % inner;
                    let get = |v: &[f64], i: usize| v[at(i) * c..at(i) * c + c].to_vec();
                    let mut want: Vec<usize> = (0..len).collect();
                    want.sort_by(|&a, &b| order(&get(&xv, a), &get(&xv, b)));
                    let mut seen = vec![false; len];
                    let (pivot, arg_pivot) = (get(&pv, kth), get(&xv, qv[at(kth)] as usize));
                    for i in 0..len {
                        assert_eq!(av[at(i)] as usize, want[i], "{d} {shape:?} {axis} {layout}");
                        assert_eq!(order(&get(&sv, i), &get(&xv, want[i])), Ordering::Equal, "{d}");
                        let q = qv[at(i)] as usize;
                        assert!(!std::mem::replace(&mut seen[q], true));
                        let side = |o: Ordering| if i < kth { o.is_le() } else { o.is_ge() };
                        assert!(side(order(&get(&pv, i), &pivot)) && side(order(&get(&xv, q), &arg_pivot)), "{d}");
                    }
                    assert_eq!(order(&pivot, &get(&sv, kth)), Ordering::Equal);
                    let mut multiset: Vec<Vec<f64>> = (0..len).map(|i| get(&pv, i)).collect();
                    multiset.sort_by(|a, b| order(a, b));
                    assert!((0..len).all(|i| order(&multiset[i], &get(&sv, i)) == Ordering::Equal));
                }
            }
        }
    }
}

#[test]
fn lines_of_nothing_and_of_one() {
    let (pool, isa) = pools().pop().unwrap();
    let cx = Cx { pool: &pool, isa };
    let (x, out) = (Case::output(&[0, 4], DType::F32), Case::output(&[0, 4], DType::F32));
    op::Sort { axis: 0 }.run(&cx, &[x.op()], &[out.op()]).unwrap();
    let (x, out) = (Case::f32(&[3, 1], &[2.0, f32::NAN, -1.0]), Case::output(&[3, 1], DType::F32));
    op::Sort { axis: 1 }.run(&cx, &[x.op()], &[out.op()]).unwrap();
    let v = out.values();
    assert!(v[0] == 2.0 && v[1].is_nan() && v[2] == -1.0);
}
