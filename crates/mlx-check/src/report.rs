//! Counting what passed and failed, with the known deviations.

use crate::skips::{Mode, SKIPS, Skip};
use mlx::DType;

/// The tally of a run.
#[derive(Default)]
pub struct Report {
    /// Checks that held.
    pub passed: usize,
    /// What did not hold, by name.
    pub failed: Vec<String>,
    /// Checks that failed as a skip says.
    pub skipped: usize,
    /// How often each skip was met, and how often it was needed.
    met: Vec<(usize, usize)>,
    skips: Vec<Skip>,
}

impl Report {
    /// With the known deviations of the project.
    pub fn new() -> Report {
        Report::with(SKIPS.to_vec())
    }

    /// With these known deviations.
    pub fn with(skips: Vec<Skip>) -> Report {
        Report { met: vec![(0, 0); skips.len()], skips, ..Report::default() }
    }

    /// Counts one check of a case.
    pub fn add(&mut self, mode: Mode, case: &str, dtype: DType, what: &str, result: Result<(), String>) {
        let skip = self.skips.iter().position(|s| s.mode == mode && s.covers(case, dtype));
        if let Some(i) = skip {
            self.met[i].0 += 1;
            self.met[i].1 += result.is_err() as usize;
        }
        match (result, skip) {
            (Ok(()), _) => self.passed += 1,
            (Err(_), Some(_)) => self.skipped += 1,
            (Err(e), None) => {
                let text = format!("{case} {dtype} {what}: {e}");
                println!("FAILED {text}");
                self.failed.push(text);
            }
        }
    }

    /// Checks the skips of a mode: each must have been needed, and with `whole` (no filter) met.
    pub fn close(&mut self, mode: Mode, whole: bool) {
        for (s, (met, needed)) in self.skips.iter().zip(&self.met) {
            if s.mode == mode && ((*met > 0 && *needed == 0) || (*met == 0 && whole)) {
                let text = format!("skip of {} ({:?}) is no longer needed: {}", s.case, s.mode, s.reason);
                println!("FAILED {text}");
                self.failed.push(text);
            }
        }
    }

    /// The closing line.
    pub fn summary(&self) -> String {
        format!("{} passed, {} failed, {} known deviations", self.passed, self.failed.len(), self.skipped)
    }
}
