//! The checker checked: nothing is without a case, and what is wrong is found.

use mlx::{Array, DType, Result, ops};
use mlx_check::case;
use mlx_check::case::{Case, Family, List, Tol};
use mlx_check::data::{Layout, normal};
use mlx_check::report::Report;
use mlx_check::skips::{Mode, Skip};
use mlx_check::{cases, errors, grad, meta, value};

fn public_functions() -> Vec<String> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../mlx/src/ops");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let path = if path.is_dir() { path.join("mod.rs") } else { path };
        names.extend(meta::public_functions(&std::fs::read_to_string(path).unwrap()));
    }
    names
}

#[test]
fn every_row_and_scalar_function_has_a_case() {
    assert_eq!(meta::rows_without_case(&cases::all()), Vec::<String>::new());
}

#[test]
fn every_public_function_has_a_case() {
    let names = public_functions();
    assert!(names.len() > 150, "the scan finds only {} functions", names.len());
    assert_eq!(meta::functions_without_case(&names, &cases::all()), Vec::<String>::new());
}

#[test]
fn a_forgotten_case_is_named() {
    let without = |what: &str| cases::all().into_iter().filter(|c| !c.source.contains(what)).collect::<Vec<Case>>();
    assert_eq!(meta::rows_without_case(&without("ops::rms_norm")), ["RmsNorm"]);
    assert_eq!(meta::rows_without_case(&without("ops::log10(")), ["Log10"]);
    let names = public_functions();
    assert_eq!(meta::functions_without_case(&names, &without("ops::tile(")), ["tile"]);
    assert_eq!(meta::functions_without_case(&names, &without("random::laplace(")), ["laplace"]);
}

#[test]
fn names_are_unique_where_shapes_are() {
    let mut titles: Vec<String> = cases::all().iter().map(|c| format!("{} {}", c.title(), c.python)).collect();
    titles.sort();
    let twice: Vec<_> = titles.windows(2).filter(|w| w[0] == w[1] && !w[0].ends_with(' ')).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
fn a_wrong_kernel_is_caught() {
    let all = cases::all();
    let mut tried = 0;
    for name in ["softmax", "matmul", "add", "sort", "sum", "take", "quantize/4/64", "argmax", "cumsum", "transpose"] {
        let case = all.iter().find(|c| c.name == name).unwrap();
        for dtype in case.family.dtypes() {
            assert_eq!(value::check(case, dtype, Layout::Contiguous, &value::honest), Ok(()));
            // The last element a little off, by more than rounding: as a kernel that mishandles its tail.
            let off = value::check(case, dtype, Layout::Contiguous, &|outs| {
                let t = &outs[0];
                let last = t.size() - 1;
                outs[0] = mlx::reference::Tensor::build(&t.shape, t.dtype, |i| match (i == last, t.get(i)) {
                    (false, n) => n,
                    (true, mlx::reference::Num::Int(n)) => mlx::reference::Num::Int(if n == 0 { 1 } else { n - 1 }),
                    (true, n) => {
                        let (r, j) = n.complex();
                        mlx::reference::Num::Complex(r * 1.25 + 0.5, j)
                    }
                });
            });
            assert!(off.is_err(), "{name} {dtype}");
            tried += 1;
        }
    }
    assert!(tried > 60);
}

fn one(build: impl FnOnce(&mut List)) -> Case {
    let mut list = List::default();
    build(&mut list);
    list.0.remove(0)
}

/// x² whose gradient is that of x: the rest is hidden from derivatives.
fn wrong_square(x: &Array) -> Result<Array> {
    let rest = ops::subtract(ops::square(x)?, x)?;
    ops::add(x, ops::stop_gradient(&rest)?)
}

#[test]
fn a_wrong_derivative_is_caught() {
    let right = one(|c| {
        case!(c, "right", Family::Float, Tol::Ulp(8), [normal(&[7])], d[0], |x| ops::square(&x[0]), "");
    });
    let found = grad::derivatives(&right, DType::F64).unwrap();
    assert_eq!((found.jvp, found.vjp), (Ok(()), Ok(())));
    let wrong = one(|c| {
        case!(c, "wrong", Family::Float, Tol::Ulp(8), [normal(&[7])], d[0], |x| wrong_square(&x[0]), "");
    });
    // Its values are right …
    assert_eq!(value::check(&wrong, DType::F64, Layout::Contiguous, &value::honest), Ok(()));
    // … its derivatives are not.
    let found = grad::derivatives(&wrong, DType::F64).unwrap();
    assert!(found.jvp.is_err() && found.vjp.is_err());
}

#[test]
fn a_wrong_batching_is_caught() {
    // A function that looks at its neighbours' number: the batched call sees other shapes than the loop.
    let wrong = one(|c| {
        case!(c, "wrong", Family::Float, Tol::Ulp(8), [normal(&[4])], d[], |x| {
            use std::sync::atomic::{AtomicUsize, Ordering};
            static CALLS: AtomicUsize = AtomicUsize::new(0);
            ops::add(&x[0], CALLS.fetch_add(1, Ordering::Relaxed) as i32)
        }, "");
    });
    assert!(grad::batching(&wrong, DType::F32).is_err());
}

#[test]
fn a_broken_promise_of_copies_is_caught() {
    let case = one(|c| {
        case!(c, "copies", Family::Float, Tol::Exact, [normal(&[3, 4])], d[], |x| ops::reshape(&ops::transpose(&x[0], None)?, &[12]), "").copies(0);
    });
    let e = value::check(&case, DType::F32, Layout::Contiguous, &value::honest).unwrap_err();
    assert!(e.contains("copies"), "{e}");
}

#[test]
fn skips_count_only_while_they_are_needed() {
    let skip = |case| Skip { case, dtype: None, mode: Mode::Value, reason: "a test" };
    let mut r = Report::with(vec![skip("a*"), skip("b")]);
    r.add(Mode::Value, "abc", DType::F32, "", Err("off".into()));
    r.add(Mode::Value, "b", DType::F32, "", Ok(()));
    assert_eq!((r.passed, r.failed.len(), r.skipped), (1, 0, 1));
    r.close(Mode::Value, true);
    assert_eq!(r.failed.len(), 1, "the skip of b is not needed");
    let mut r = Report::with(vec![skip("never")]);
    r.close(Mode::Value, true);
    assert_eq!(r.failed.len(), 1, "a skip that nothing meets");
    let mut r = Report::with(vec![skip("abc")]);
    r.add(Mode::Jvp, "abc", DType::F32, "", Err("off".into()));
    assert_eq!(r.failed.len(), 1, "a skip is of one kind of check");
}

#[test]
fn bad_arguments_are_refused_with_their_kind() {
    for (name, result) in errors::run("") {
        assert_eq!(result, Ok(()), "{name}");
    }
}

#[test]
fn the_scan_of_sources_reads_functions_and_tables() {
    let source = "pub fn one(\npub(crate) fn two(\n    pub fn method(\n    /// x\n    abs => Abs;\n    \"Sum.\" add => Add;\n        x => Some(x);\n#[cfg(test)]\npub fn three(";
    assert_eq!(meta::public_functions(source), ["one", "abs", "add"]);
}
