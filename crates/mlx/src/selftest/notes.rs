//! The verdicts on disk: a text for each device and driver, a line for what was begun and what was found, in turn.
//!
//! Whoever tests holds a lock on the file, which the system takes back when his process ends. So a family that was
//! begun and not ended, in a file that nobody holds, is one on which a process ended.

use super::Verdict;
use mlx_vulkan::{FAMILIES, VulkanBackend};
use std::fmt;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What a family of kernels showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The processor's results, the same in each run.
    Passed,
    /// Not tested, since a known fault of the driver or a setting takes it away.
    Off,
    /// Other results, or an error: what was seen.
    Wrong(String),
    /// The process ended, or did not go on, while it was tested.
    Crashed,
}

impl Outcome {
    /// Whether the family must not be used.
    pub fn is_fault(&self) -> bool {
        matches!(self, Outcome::Wrong(_) | Outcome::Crashed)
    }

    fn parse(text: &str) -> Option<Outcome> {
        match text.split_once(' ') {
            None if text == "passed" => Some(Outcome::Passed),
            None if text == "off" => Some(Outcome::Off),
            None if text == "crashed" || text == BEGUN => Some(Outcome::Crashed),
            Some(("wrong", what)) => Some(Outcome::Wrong(what.to_string())),
            _ => None,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Passed => f.write_str("passed"),
            Outcome::Off => f.write_str("off"),
            Outcome::Wrong(what) => write!(f, "wrong {}", what.replace(['\n', '\t'], " ")),
            Outcome::Crashed => f.write_str("crashed"),
        }
    }
}

const BEGUN: &str = "begun";

/// Files larger than this are not read.
const MOST: u64 = 1 << 16;

/// Where verdicts on a device are kept.
pub(super) struct Notes {
    path: Option<PathBuf>,
    /// The first line: what must be equal for the rest to count.
    stamp: String,
}

/// The right to add to the notes, and what they say.
pub(super) struct Taken {
    pub known: Vec<(String, Outcome)>,
    pub file: Open,
}

/// A file of notes, locked; none where there is no room for one.
pub(super) struct Open(Option<File>);

impl Open {
    /// The family is about to be tested.
    pub fn begin(&mut self, family: &str) {
        self.line(family, BEGUN);
    }
    /// What it showed.
    pub fn end(&mut self, family: &str, outcome: &Outcome) {
        self.line(family, &outcome.to_string());
    }
    fn line(&mut self, family: &str, what: &str) {
        let line = format!("{family}\t{what}\n");
        // Where it cannot be kept, the test is done again at the next start.
        if self.0.as_mut().is_some_and(|f| f.write_all(line.as_bytes()).and_then(|()| f.sync_data()).is_err()) {
            self.0 = None;
        }
    }
}

impl Notes {
    pub fn new(folder: Option<&Path>, gpu: &VulkanBackend) -> Notes {
        let a = gpu.adapter();
        let taken = std::env::var("MLX_VULKAN_DISABLE").unwrap_or_default();
        let stamp = format!(
            "mlx-arm {} kernels {:016x} on {:04x}:{:04x} {} driver {:08x} without [{taken}]",
            env!("CARGO_PKG_VERSION"),
            mlx_vulkan::kernels_id(),
            a.vendor,
            a.device,
            a.name,
            a.driver_version
        );
        let name = format!("selftest-{:04x}-{:04x}-{:08x}.txt", a.vendor, a.device, a.driver_version);
        Notes { path: folder.map(|f| f.join(name)), stamp: stamp.replace('\n', " ") }
    }

    #[cfg(test)]
    pub fn for_test(folder: &Path) -> Notes {
        Notes { path: Some(folder.join("selftest.txt")), stamp: "a device".to_string() }
    }

    /// What is known by now, in the order in which it was found; None if the file is of another device or build.
    pub fn read(&self) -> Option<Vec<(String, Outcome)>> {
        let path = self.path.as_ref()?;
        if fs::metadata(path).ok()?.len() > MOST {
            return None;
        }
        let text = fs::read_to_string(path).ok()?;
        let (first, rest) = text.split_once('\n')?;
        if first != self.stamp {
            return None;
        }
        let mut known: Vec<(String, Outcome)> = Vec::new();
        for line in rest.lines() {
            let Some((family, what)) = line.split_once('\t') else { continue };
            let Some(outcome) = Outcome::parse(what) else { continue };
            known.retain(|(f, _)| f != family);
            known.push((family.to_string(), outcome));
        }
        Some(known)
    }

    /// All verdicts, if the test has been through; those of a test that is being done do not count.
    pub fn complete(&self) -> Option<Vec<Verdict>> {
        // A shared lock waits for whoever is testing.
        let held = File::open(self.path.as_ref()?).ok()?;
        let _ = held.lock_shared();
        let known = self.read()?;
        let verdict = |&family: &&'static str| {
            let (_, outcome) = known.iter().find(|(f, _)| f == family)?;
            Some(Verdict { family, outcome: outcome.clone() })
        };
        FAMILIES.iter().map(verdict).collect()
    }

    /// Bytes written so far.
    pub fn size(&self) -> u64 {
        self.path.as_ref().and_then(|p| fs::metadata(p).ok()).map_or(0, |m| m.len())
    }

    /// Waits for others who are testing, and takes the notes over.
    pub fn take(&self) -> Taken {
        let open = || -> Option<File> {
            let path = self.path.as_ref()?;
            fs::create_dir_all(path.parent()?).ok()?;
            let file = File::options().read(true).append(true).create(true).open(path).ok()?;
            // Without locks two processes may test at once, which costs time only.
            let _ = file.lock();
            Some(file)
        };
        let mut file = open();
        let known = self.read();
        if let (None, Some(f)) = (&known, &mut file) {
            let begun = f.set_len(0).and_then(|()| f.write_all(format!("{}\n", self.stamp).as_bytes()));
            if begun.is_err() {
                file = None;
            }
        }
        Taken { known: known.unwrap_or_default(), file: Open(file) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes(folder: &Path, stamp: &str) -> Notes {
        Notes { stamp: stamp.to_string(), ..Notes::for_test(folder) }
    }

    #[test]
    fn what_was_begun_and_not_ended_crashed() {
        let dir = tempfile::tempdir().unwrap();
        let n = notes(dir.path(), "a device");
        assert_eq!((n.read(), n.complete(), n.size()), (None, None, 0));
        let mut taken = n.take();
        assert!(taken.known.is_empty());
        taken.file.begin("map");
        taken.file.end("map", &Outcome::Passed);
        taken.file.begin("copy");
        taken.file.end("copy", &Outcome::Wrong("f32: two\nlines".into()));
        taken.file.begin("reduce");
        drop(taken);
        let known = n.take().known;
        let expected = [
            ("map".to_string(), Outcome::Passed),
            ("copy".to_string(), Outcome::Wrong("f32: two lines".into())),
            ("reduce".to_string(), Outcome::Crashed),
        ];
        assert_eq!(known, expected);
        assert_eq!(n.complete(), None);
        let mut taken = n.take();
        FAMILIES.iter().for_each(|f| taken.file.end(f, &Outcome::Off));
        drop(taken);
        assert_eq!(n.complete().map(|v| v.len()), Some(FAMILIES.len()));
        // Another driver, another file.
        let other = notes(dir.path(), "another");
        assert_eq!(other.complete(), None);
        assert!(other.take().known.is_empty());
        assert_eq!(n.read(), None);
    }

    #[test]
    fn nonsense_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let n = notes(dir.path(), "a device");
        for (text, known) in [
            ("", None),
            ("a device", None),
            ("a device\nmap", Some(0)),
            ("a device\nmap\t\ncopy\tpassed or not\nrows\twrong\n", Some(0)),
            ("a device\nmap\tpassed\nmap\twrong f32\n", Some(1)),
        ] {
            fs::write(n.path.as_ref().unwrap(), text).unwrap();
            assert_eq!(n.read().map(|k| k.len()), known, "{text}");
        }
        fs::write(n.path.as_ref().unwrap(), [0xff, 0xfe, 0x00]).unwrap();
        assert_eq!(n.read(), None);
        fs::write(n.path.as_ref().unwrap(), format!("a device\n{}", "x".repeat(MOST as usize))).unwrap();
        assert_eq!(n.read(), None);
        assert_eq!(Notes { path: None, stamp: String::new() }.take().known.len(), 0);
    }
}
