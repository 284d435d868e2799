//! Known deviations, as data. A skip that is no longer needed is a failure.

use mlx::DType;

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Values.
    Value,
    /// Forward derivatives against differences.
    Jvp,
    /// Reverse derivatives against differences.
    Vjp,
    /// Batching.
    Vmap,
}

/// A known deviation.
#[derive(Clone, Debug)]
pub struct Skip {
    /// Name of a case, or `prefix*`.
    pub case: &'static str,
    /// Of one dtype only.
    pub dtype: Option<DType>,
    /// In which check.
    pub mode: Mode,
    /// Why.
    pub reason: &'static str,
}

impl Skip {
    /// Whether it is about this case and dtype.
    pub fn covers(&self, case: &str, dtype: DType) -> bool {
        let named = match self.case.strip_suffix('*') {
            Some(prefix) => case.starts_with(prefix),
            None => case == self.case,
        };
        named && self.dtype.is_none_or(|d| d == dtype)
    }
}

const fn skip(case: &'static str, dtype: Option<DType>, mode: Mode, reason: &'static str) -> Skip {
    Skip { case, dtype, mode, reason }
}

/// The list.
pub const SKIPS: &[Skip] = &[
    skip("scatter/prod", None, Mode::Jvp, "forward derivatives of scattered products are refused by name"),
    skip("scatter/max", None, Mode::Jvp, "forward derivatives of scattered extremes are refused by name"),
    skip("scatter/min", None, Mode::Jvp, "forward derivatives of scattered extremes are refused by name"),
];
