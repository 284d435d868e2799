//! The self-test of a GPU and its driver: each family of kernels against the processor, several times over.
//!
//! It runs once for each device, driver version and build of the kernels, when the device is first used; the verdicts
//! are kept on disk, and a family that fails is not used: the processor computes its ops. A program that says how
//! ([`run_in`]) has it done in a process of its own, so that a driver which crashes or hangs does not take the program
//! with it; elsewhere a note on disk tells the next start on which family the process ended.

mod cases;
mod notes;

use crate::runtime::{self, Device, Stream};
use crate::{Array, DType, Error, Result, ops};
use cases::{CASES, Case};
use mlx_vulkan::{FAMILIES, VulkanBackend};
use notes::{Notes, Taken};
use std::cell::Cell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

pub use notes::Outcome;

/// How often each case runs: some faults show in one run of eight.
const REPEATS: usize = 16;

/// How long a family may take in a process of its own.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the self-test says of a family of kernels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The family.
    pub family: &'static str,
    /// What it showed.
    pub outcome: Outcome,
}

/// A program that runs [`here`], with its arguments.
static PROGRAM: Mutex<Option<(PathBuf, Vec<OsString>)>> = Mutex::new(None);

static VERDICTS: OnceLock<Result<Vec<Verdict>>> = OnceLock::new();

thread_local! {
    /// This thread is testing: it uses the device as it is.
    static TESTING: Cell<bool> = const { Cell::new(false) };
}

/// Lets the self-test run in a process of its own: `program` with `arguments`, which calls [`here`]. To be called before
/// the GPU is used.
pub fn run_in(program: PathBuf, arguments: Vec<OsString>) {
    *PROGRAM.lock().unwrap_or_else(|e| e.into_inner()) = Some((program, arguments));
}

/// The verdicts on the GPU in use, which is opened and tested if need be. Empty where `MLX_VULKAN_SELFTEST` is 0.
///
/// # Errors
/// `Device` if there is no GPU or it was lost during the test.
pub fn verdicts() -> Result<Vec<Verdict>> {
    runtime::vulkan()?;
    VERDICTS.get().cloned().unwrap_or_else(|| Ok(Vec::new()))
}

/// Tests the GPU in this process and keeps the verdicts: what the process of [`run_in`] does.
///
/// # Errors
/// `Device` if there is no GPU or it was lost during the test.
pub fn here() -> Result<()> {
    *PROGRAM.lock().unwrap_or_else(|e| e.into_inner()) = None;
    verdicts().map(|_| ())
}

/// Sees to it that the device's kernels are tested, and switches off what failed.
pub(crate) fn trust(gpu: &'static VulkanBackend) -> Result<()> {
    // Asked at every evaluation: the answer is there but for the first time.
    if VERDICTS.get().is_none() && TESTING.get() {
        return Ok(());
    }
    let all = VERDICTS.get_or_init(|| {
        let all = match std::env::var("MLX_VULKAN_SELFTEST").ok().and_then(|v| v.parse().ok()) {
            Some(0) => return Ok(Vec::new()),
            // What is asked for is done, here and now.
            Some(repeats) => in_process(gpu, &Notes::new(None, gpu), repeats)?,
            None => {
                let folder = mlx_ir::home::folder().map(|f| f.join("vulkan"));
                judge(gpu, &Notes::new(folder.as_deref(), gpu))?
            }
        };
        all.iter().filter(|v| v.outcome.is_fault()).for_each(|v| gpu.switch_off(v.family));
        Ok(all)
    });
    all.as_ref().map(|_| ()).map_err(Clone::clone)
}

fn judge(gpu: &'static VulkanBackend, notes: &Notes) -> Result<Vec<Verdict>> {
    if let Some(all) = notes.complete() {
        return Ok(all);
    }
    let program = PROGRAM.lock().unwrap_or_else(|e| e.into_inner()).clone();
    if let Some((program, arguments)) = program {
        // A crash costs a process and decides one family.
        for _ in 0..=FAMILIES.len() {
            let before = notes.read();
            if !watched(Command::new(&program).args(&arguments), notes, PATIENCE) {
                break;
            }
            if let Some(all) = notes.complete() {
                return Ok(all);
            }
            if notes.read() == before {
                break;
            }
        }
    }
    in_process(gpu, notes, REPEATS)
}

/// Runs the command to its end, or to that of our patience with it. False if it cannot be run.
fn watched(command: &mut Command, notes: &Notes, patience: Duration) -> bool {
    let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let Ok(mut child) = quiet.spawn() else { return false };
    let (mut progress, mut since) = (notes.size(), Instant::now());
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return true,
            Ok(None) => {}
            Err(_) => return false,
        }
        let now = notes.size();
        if now != progress {
            (progress, since) = (now, Instant::now());
        }
        if since.elapsed() > patience {
            // It may have ended meanwhile.
            let _ = child.kill();
            let _ = child.wait();
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Tests, in this process, the families on which there is no verdict.
fn in_process(gpu: &'static VulkanBackend, notes: &Notes, repeats: usize) -> Result<Vec<Verdict>> {
    struct Done;
    impl Drop for Done {
        fn drop(&mut self) {
            TESTING.set(false);
        }
    }
    TESTING.set(true);
    let _done = Done;
    // Another process may be at it: then its verdicts are waited for.
    let Taken { known, mut file } = notes.take();
    let mut all = Vec::new();
    for &family in FAMILIES {
        let outcome = match known.iter().find(|(f, _)| f == family) {
            Some((_, outcome)) => outcome.clone(),
            None if gpu.switched_off().contains(&family) => Outcome::Off,
            None => {
                file.begin(family);
                let outcome = test(family, repeats);
                file.end(family, &outcome);
                outcome
            }
        };
        if outcome.is_fault() {
            gpu.switch_off(family);
        }
        all.push(Verdict { family, outcome });
    }
    Ok(all)
}

fn test(family: &str, repeats: usize) -> Outcome {
    for case in CASES.iter().filter(|c| c.family == family) {
        match fault(case, repeats, || run(case, Device::Gpu)) {
            Ok(None) => {}
            Ok(Some(what)) => return Outcome::Wrong(format!("{}: {what}", case.name)),
            Err(e) => return Outcome::Wrong(format!("{}: {}", case.name, e.message)),
        }
    }
    Outcome::Passed
}

/// The results of a case, by value.
fn run(case: &Case, device: Device) -> Result<Vec<Array>> {
    let stream = Stream { device, index: 0 };
    runtime::on(stream, || {
        let all = (case.make)()?;
        crate::eval(&all)?;
        all.iter().map(|a| Array::from_bytes(&a.to_bytes()?, a.shape(), a.dtype())).collect()
    })
}

/// What is wrong with the results of `device`, if anything is.
fn fault(case: &Case, repeats: usize, mut device: impl FnMut() -> Result<Vec<Array>>) -> Result<Option<String>> {
    let want = run(case, Device::Cpu)?;
    let first = device()?;
    if first.len() != want.len() {
        return Err(Error::runtime("another number of results"));
    }
    for (i, (w, g)) in want.iter().zip(&first).enumerate() {
        let off = difference(w, g)?;
        if off.is_nan() || off > case.within {
            return Ok(Some(format!("result {i} is off by {off:.1e} of the largest, more than {:.0e}", case.within)));
        }
    }
    let bytes = |all: &[Array]| all.iter().map(Array::to_bytes).collect::<Result<Vec<_>>>();
    let once = bytes(&first)?;
    for n in 1..repeats {
        if bytes(&device()?)? != once {
            return Ok(Some(format!("run {} differs from the first", n + 1)));
        }
    }
    Ok(None)
}

/// The largest difference by the largest of the values wanted; infinite where shapes or dtypes differ.
fn difference(want: &Array, got: &Array) -> Result<f64> {
    if want.shape() != got.shape() || want.dtype() != got.dtype() {
        return Ok(f64::INFINITY);
    }
    if !want.dtype().is_inexact() {
        return Ok(if want.to_bytes()? == got.to_bytes()? { 0.0 } else { f64::INFINITY });
    }
    let stream = Stream { device: Device::Cpu, index: 0 };
    let values = |a: &Array| runtime::on(stream, || ops::astype(a, DType::F32)?.to_vec::<f32>());
    let (want, got) = (values(want)?, values(got)?);
    let largest = want.iter().fold(0f64, |m, &w| m.max(f64::from(w).abs()));
    // Not `max`, which passes NaN over.
    let far = want.iter().zip(&got).map(|(&w, &g)| (f64::from(w) - f64::from(g)).abs());
    let most = far.fold(0.0, |m: f64, d| if d.is_nan() || d > m { d } else { m });
    Ok(if most == 0.0 { 0.0 } else { most / largest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_has_a_case_and_every_case_a_family() {
        for f in FAMILIES {
            assert!(CASES.iter().any(|c| c.family == *f), "{f}");
        }
        for c in CASES {
            assert!(FAMILIES.contains(&c.family), "{}", c.family);
        }
    }

    #[test]
    fn the_processor_agrees_with_itself() {
        for c in CASES {
            assert_eq!(fault(c, REPEATS, || run(c, Device::Cpu)).unwrap(), None, "{} {}", c.family, c.name);
        }
    }

    fn case(within: f64) -> Case {
        Case { family: "map", name: "a", within, make: || Ok(vec![Array::from_slice(&[1.0f32, -2.0, 4.0], &[3])?]) }
    }

    fn answer(v: &[f32]) -> Result<Vec<Array>> {
        Ok(vec![Array::from_slice(v, &[v.len()])?])
    }

    #[test]
    fn wrong_results_are_noticed() {
        let c = case(1e-3);
        let fault = |v: &[f32]| fault(&c, REPEATS, || answer(v)).unwrap();
        assert_eq!(fault(&[1.0, -2.0, 4.0]), None);
        assert_eq!(fault(&[1.003, -2.0, 4.0]), None);
        for bad in [[1.0, -2.0, 4.01], [1.0, f32::NAN, 4.0], [f32::NAN; 3], [1.0, -2.0, f32::INFINITY], [0.0; 3]] {
            assert!(fault(&bad).is_some_and(|w| w.contains("result 0")), "{bad:?}");
        }
        assert!(fault(&[1.0, -2.0]).is_some());
    }

    #[test]
    #[cfg(unix)]
    fn a_process_that_hangs_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let notes = Notes::for_test(dir.path());
        let watch = |program: &str, arguments: &[&str], patience| {
            watched(Command::new(program).args(arguments), &notes, Duration::from_millis(patience))
        };
        let start = Instant::now();
        assert!(watch("sleep", &["1000"], 30));
        assert!(start.elapsed() < Duration::from_secs(500));
        assert!(watch("false", &[], 100_000));
        assert!(!watch("/no/such/program", &[], 100_000));
    }

    #[test]
    fn results_that_change_are_noticed() {
        let (c, mut n) = (case(1e-3), 0);
        let last = |turn: usize| REPEATS - 1 == turn;
        let got = fault(&c, REPEATS, || {
            n += 1;
            answer(&[1.0, -2.0, if last(n - 1) { 4.0001 } else { 4.0 }])
        });
        assert!(got.unwrap().is_some_and(|w| w.contains("differs from the first")));
        assert_eq!(n, REPEATS);
    }

    #[test]
    fn what_does_not_run_is_at_fault() {
        assert!(fault(&case(0.0), REPEATS, || Err(Error::device("lost"))).is_err());
        assert!(fault(&case(0.0), REPEATS, || Ok(Vec::new())).is_err());
    }
}
