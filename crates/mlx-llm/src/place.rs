//! Where prompts are processed and tokens generated: on the processor or the GPU, as a short measurement of this model
//! on this machine says. Verdicts are kept on disk for each model's shape, GPU, driver and processor.
//!
//! The GPU is measured only if its logits are the processor's. A driver that crashes meanwhile is not tried again for
//! that model: a note on disk says that it was being tried.

use mlx::{Device, Result};
use std::fmt;
use std::path::{Path, PathBuf};

/// Where a model may run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// On the processor.
    #[default]
    Cpu,
    /// On the GPU.
    Gpu,
    /// Where it is faster, prompts and generation each.
    Measured,
}

/// Tokens per second on a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Of a prompt.
    pub prompt: f64,
    /// Generated.
    pub generation: f64,
}

/// Where a model runs, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Where prompts are processed.
    pub prompt: Device,
    /// Where tokens are generated.
    pub generation: Device,
    /// Rates of the processor and the GPU, where they were measured.
    pub rates: Option<[Rates; 2]>,
    /// Why the GPU is not used, if it cannot be.
    pub refused: Option<String>,
}

impl Verdict {
    /// Everything on one device.
    pub fn on(device: Device) -> Verdict {
        Verdict { prompt: device, generation: device, rates: None, refused: None }
    }
    /// Everything on the processor, since the GPU cannot be used.
    pub fn refused(why: impl Into<String>) -> Verdict {
        Verdict { refused: Some(why.into()), ..Verdict::on(Device::Cpu) }
    }
    /// What the rates of processor and GPU say.
    pub fn of(rates: [Rates; 2]) -> Verdict {
        let [cpu, gpu] = rates;
        let faster = |cpu: f64, gpu: f64| if gpu > cpu { Device::Gpu } else { Device::Cpu };
        Verdict {
            prompt: faster(cpu.prompt, gpu.prompt),
            generation: faster(cpu.generation, gpu.generation),
            rates: Some(rates),
            refused: None,
        }
    }
    /// Whether anything runs there.
    pub fn uses(&self, device: Device) -> bool {
        self.prompt == device || self.generation == device
    }
}

/// `cpu`, `gpu`, or `gpu for prompts, cpu for generation`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prompt == self.generation {
            write!(f, "{}", self.prompt)
        } else {
            write!(f, "{} for prompts, {} for generation", self.prompt, self.generation)
        }
    }
}

/// Verdicts on disk: lines of a key and a verdict.
pub(crate) struct Verdicts {
    path: Option<PathBuf>,
}

/// Files larger than this are not read, and no lines added beyond so many.
const MOST_BYTES: u64 = 1 << 20;
const MOST_LINES: usize = 1000;
/// What stands for a verdict while the GPU is tried.
const TRYING: &str = "trying";

impl Verdicts {
    /// Those of this user; none are kept where there is no folder for them.
    pub fn of_user() -> Verdicts {
        Verdicts::in_folder(mlx_ir::home::folder().as_deref())
    }

    fn in_folder(folder: Option<&Path>) -> Verdicts {
        Verdicts { path: folder.map(|f| f.join("places.txt")) }
    }

    fn lines(&self) -> Vec<(String, String)> {
        let small = |p: &PathBuf| std::fs::metadata(p).is_ok_and(|m| m.len() <= MOST_BYTES);
        let text = self.path.as_ref().filter(|p| small(p)).and_then(|p| std::fs::read_to_string(p).ok());
        let pair = |l: &str| l.split_once('\t').map(|(k, v)| (k.to_string(), v.to_string()));
        text.unwrap_or_default().lines().filter_map(pair).collect()
    }

    /// What is known; unreadable lines count as unknown.
    pub fn get(&self, key: &str) -> Option<Verdict> {
        let (_, value) = self.lines().into_iter().find(|(k, _)| k == key)?;
        if value == TRYING {
            return Some(Verdict::refused("the program ended while the GPU was tried with this model"));
        }
        let n: Vec<f64> = value.split(' ').map(|w| w.parse().ok().filter(|x: &f64| *x > 0.0)).collect::<Option<_>>()?;
        let &[a, b, c, d] = &n[..] else { return None };
        Some(Verdict::of([Rates { prompt: a, generation: b }, Rates { prompt: c, generation: d }]))
    }

    /// The GPU is about to be tried. Says whether that is noted, without which it should not be.
    pub fn try_out(&self, key: &str) -> bool {
        self.put(key, Some(TRYING))
    }

    /// Keeps the rates measured; with none forgets that the GPU was tried.
    pub fn keep(&self, key: &str, rates: Option<[Rates; 2]>) -> bool {
        let text = rates.map(|[a, b]| format!("{} {} {} {}", a.prompt, a.generation, b.prompt, b.generation));
        self.put(key, text.as_deref())
    }

    fn put(&self, key: &str, value: Option<&str>) -> bool {
        let Some(path) = &self.path else { return false };
        let mut lines = self.lines();
        lines.retain(|(k, _)| k != key);
        lines.truncate(MOST_LINES - 1);
        lines.extend(value.map(|v| (key.to_string(), v.to_string())));
        let text: String = lines.iter().map(|(k, v)| format!("{k}\t{v}\n")).collect();
        // Replaced as a whole, so that nobody reads half of it.
        let new = path.with_extension(format!("{}.new", std::process::id()));
        let written = path.parent().is_some_and(|f| std::fs::create_dir_all(f).is_ok())
            && std::fs::write(&new, text).is_ok()
            && std::fs::rename(&new, path).is_ok();
        if !written {
            let _ = std::fs::remove_file(&new);
        }
        written
    }
}

/// Whether two devices' logits are the same but for rounding: the cosine between them, each about its mean.
pub(crate) fn agree(a: &[f32], b: &[f32]) -> bool {
    let mean = |x: &[f32]| x.iter().map(|&v| f64::from(v)).sum::<f64>() / x.len().max(1) as f64;
    let (ma, mb) = (mean(a), mean(b));
    let dot = |x: &[f32], mx: f64, y: &[f32], my: f64| -> f64 {
        x.iter().zip(y).map(|(&p, &q)| (f64::from(p) - mx) * (f64::from(q) - my)).sum()
    };
    let size = (dot(a, ma, a, ma) * dot(b, mb, b, mb)).sqrt();
    a.len() == b.len() && size.is_finite() && dot(a, ma, b, mb) >= 0.99 * size
}

/// The median time of some runs of `f`, in seconds, after one that is not counted.
///
/// # Errors
/// Those of `f`.
pub(crate) fn median(runs: usize, mut f: impl FnMut() -> Result<std::time::Duration>) -> Result<f64> {
    f()?;
    let mut times = (0..runs).map(|_| f()).collect::<Result<Vec<_>>>()?;
    times.sort();
    Ok(times.get(runs / 2).map_or(0.0, |t| t.as_secs_f64()).max(1e-9))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CPU_FASTER: Rates = Rates { prompt: 10.0, generation: 9.0 };
    const GPU_FASTER: Rates = Rates { prompt: 100.0, generation: 8.5 };

    #[test]
    fn each_goes_where_it_is_faster() {
        let v = Verdict::of([CPU_FASTER, GPU_FASTER]);
        assert_eq!((v.prompt, v.generation), (Device::Gpu, Device::Cpu));
        assert_eq!(v.to_string(), "gpu for prompts, cpu for generation");
        assert!(v.uses(Device::Cpu) && v.uses(Device::Gpu));
        assert_eq!(Verdict::on(Device::Gpu).to_string(), "gpu");
    }

    #[test]
    fn verdicts_are_kept_and_a_crash_is_remembered() {
        let folder = std::env::temp_dir().join(format!("mlx-arm-places-{}", std::process::id()));
        let v = Verdicts::in_folder(Some(&folder));
        assert_eq!(v.get("a"), None);
        assert!(v.try_out("a"));
        assert!(v.get("a").is_some_and(|x| x.refused.is_some() && !x.uses(Device::Gpu)));
        assert!(v.keep("a", Some([CPU_FASTER, GPU_FASTER])) && v.keep("b", Some([GPU_FASTER, CPU_FASTER])));
        assert_eq!(v.get("a"), Some(Verdict::of([CPU_FASTER, GPU_FASTER])));
        assert!(v.keep("a", None));
        assert_eq!((v.get("a"), v.get("b").is_some()), (None, true));
        for bad in ["", "1 2 3", "1 2 3 4 5", "1 2 3 x", "1 2 3 -4", "1 2 3 NaN"] {
            std::fs::write(folder.join("places.txt"), format!("c\t{bad}\nnonsense\n")).unwrap();
            assert_eq!(v.get("c"), None, "{bad}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(!Verdicts::in_folder(None).try_out("a"));
    }

    #[test]
    fn wrong_numbers_are_noticed() {
        let x: Vec<f32> = (0..100).map(|i| ((i * 37) % 11) as f32).collect();
        let near: Vec<f32> = x.iter().map(|v| v * 1.001 + 0.01).collect();
        assert!(agree(&x, &near));
        let mut other = x.clone();
        other.rotate_left(1);
        assert!(!agree(&x, &other) && !agree(&x, &x[1..]) && !agree(&x, &[f32::NAN; 100]) && agree(&x, &x));
        assert!(!agree(&x, &vec![f32::INFINITY; 100]));
    }
}
