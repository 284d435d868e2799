//! One file over HTTP: resumed, verified, put in place in one step.
//!
//! While it is incomplete the file is `NAME.part`, and `NAME.part.json` says which version of the remote
//! file it is the beginning of. A beginning of another version is thrown away.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mlx_ir::Error;
use serde::{Deserialize, Serialize};

use crate::client::{Client, Failure, Reply};
use crate::hash::{Digest, Hasher};
use crate::{Event, Progress};

/// A file to have.
pub(crate) struct Want {
    pub url: String,
    /// Where it goes.
    pub dest: PathBuf,
    /// Its name for the user.
    pub label: String,
    pub size: Option<u64>,
    pub digest: Option<Digest>,
}

/// A file that is in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Got {
    pub size: u64,
    pub sha256: String,
}

/// Which version of the remote file the part belongs to.
#[derive(Serialize, Deserialize, Default)]
struct PartInfo {
    identity: Option<String>,
    size: Option<u64>,
}

/// Space that is left free on the disk.
const SPACE_MARGIN: u64 = 32 << 20;
const CHUNK: usize = 256 << 10;
const REPORT_EVERY: Duration = Duration::from_millis(100);

pub(crate) fn io_error(what: &str, path: &Path, e: &std::io::Error) -> Error {
    Error::io(format!("[pull] cannot {what} {}: {e}", path.display()))
}

/// Fails unless `bytes` more fit beside `dir`.
pub(crate) fn check_space(dir: &Path, bytes: u64) -> Result<(), Failure> {
    let free = fs4::available_space(dir).map_err(|e| io_error("ask for the free space of", dir, &e))?;
    if free < bytes.saturating_add(SPACE_MARGIN) {
        return Err(Failure::Local(Error::io(format!(
            "[pull] {} has {} MB free, and {} MB more are needed; MLX_ARM_HOME moves the store elsewhere",
            dir.display(),
            free / 1_000_000,
            bytes.div_ceil(1_000_000),
        ))));
    }
    Ok(())
}

/// Brings the file into place, whatever is there already: complete, a part, or nothing.
pub(crate) fn fetch(client: &Client, want: &Want, progress: &mut Progress<'_>) -> Result<Got, Failure> {
    if let Some(got) = already_there(want, progress)? {
        return Ok(got);
    }
    if let Some(dir) = want.dest.parent() {
        fs::create_dir_all(dir).map_err(|e| io_error("make the folder", dir, &e))?;
    }
    let mut delay = client.config.retry_delay;
    let mut tries_left = client.config.retries;
    let mut reached = false;
    loop {
        let before = part_len(want);
        let failure = match attempt(client, want, progress) {
            Ok(got) => return Ok(got),
            Err(f) => f,
        };
        let after = part_len(want);
        reached |= after > 0 || matches!(failure, Failure::Transient(_));
        let again = match &failure {
            Failure::Transient(_) => true,
            Failure::Unreachable(_) => reached,
            _ => false,
        };
        // A transfer that moves on is not failing: only the tries without progress are counted.
        if after > before {
            tries_left = client.config.retries;
            delay = client.config.retry_delay;
        }
        if !again || tries_left == 0 {
            return Err(failure);
        }
        tries_left -= 1;
        progress(Event::Note(&format!("{}; trying again in {:.0} s", failure.message(), delay.as_secs_f64().ceil())));
        std::thread::sleep(delay);
        delay = delay.saturating_mul(2).min(Duration::from_secs(30));
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn part_path(want: &Want) -> PathBuf {
    with_suffix(&want.dest, ".part")
}

fn info_path(want: &Want) -> PathBuf {
    with_suffix(&want.dest, ".part.json")
}

fn part_len(want: &Want) -> u64 {
    fs::metadata(part_path(want)).map_or(0, |m| m.len())
}

/// The finished file, if it is there and is the one wanted. Without anything to compare it is fetched again.
fn already_there(want: &Want, progress: &mut Progress<'_>) -> Result<Option<Got>, Failure> {
    let Ok(meta) = fs::metadata(&want.dest) else { return Ok(None) };
    if !meta.is_file() || want.size.is_some_and(|s| s != meta.len()) {
        return Ok(None);
    }
    let Some(digest) = &want.digest else { return Ok(None) };
    let mut hasher = Hasher::new(matches!(digest, Digest::GitBlob(_)).then_some(meta.len()));
    hash_file(&want.dest, &mut hasher)?;
    let hashes = hasher.finish();
    if hashes.check(digest).is_err() {
        return Ok(None);
    }
    progress(Event::Done { file: &want.label, bytes: meta.len() });
    Ok(Some(Got { size: meta.len(), sha256: hashes.sha256 }))
}

/// Feeds a file to the hasher; returns its length.
pub(crate) fn hash_file(path: &Path, hasher: &mut Hasher) -> Result<u64, Error> {
    let mut file = File::open(path).map_err(|e| io_error("open", path, &e))?;
    let mut buffer = vec![0; CHUNK];
    let mut total = 0;
    loop {
        let n = file.read(&mut buffer).map_err(|e| io_error("read", path, &e))?;
        if n == 0 {
            return Ok(total);
        }
        hasher.update(&buffer[..n]);
        total += n as u64;
    }
}

pub(crate) fn forget_part(want: &Want) -> Result<(), Failure> {
    for path in [part_path(want), info_path(want)] {
        match fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(io_error("remove", &path, &e).into()),
            _ => {}
        }
    }
    Ok(())
}

/// One request, from where the part ends.
fn attempt(client: &Client, want: &Want, progress: &mut Progress<'_>) -> Result<Got, Failure> {
    let known: Option<PartInfo> =
        fs::read(info_path(want)).ok().and_then(|b| serde_json::from_slice(&b).ok()).filter(|_| part_len(want) > 0);
    let mut offset = if known.is_some() { part_len(want) } else { 0 };
    let info = known.unwrap_or_default();
    let total = want.size.or(info.size);
    if total.is_some_and(|t| offset > t) {
        forget_part(want)?;
        offset = 0;
    }
    if offset > 0 && total == Some(offset) {
        return finish(want, Hasher::new(total), total, true, info.identity.as_deref(), progress);
    }

    let reply = client.get(&want.url, offset)?;
    match reply.status {
        200 | 206 => {}
        416 if offset > 0 => {
            forget_part(want)?;
            return Err(Failure::Transient(format!("{}: the server refuses to continue, starting over", want.label)));
        }
        status => return Err(refusal(client, want, status)),
    }
    if offset > 0 && info.identity.as_deref() != reply.identity() {
        forget_part(want)?;
        if reply.status == 206 {
            return Err(Failure::Transient(format!("{}: the file changed on the server, starting over", want.label)));
        }
    }
    let start = if reply.status == 206 { offset } else { 0 };
    let size = announced_size(want, &reply, start)?;
    if let (Some(Digest::Sha256(pinned)), Some(linked)) = (&want.digest, &reply.linked_etag)
        && Digest::sha256(linked).is_some_and(|d| d != Digest::Sha256(pinned.clone()))
    {
        return Err(Failure::Corrupt(format!("{}: the server has another file (its SHA-256 is {linked})", want.label)));
    }
    if let (Some(size), Some(dir)) = (size, want.dest.parent()) {
        check_space(dir, size - start)?;
    }
    let identity = reply.identity().map(str::to_owned);
    let info = serde_json::to_vec(&PartInfo { identity: identity.clone(), size })
        .map_err(|e| Error::io(format!("[pull] {e}")))?;
    fs::write(info_path(want), info).map_err(|e| io_error("write", &info_path(want), &e))?;

    let mut hasher = Hasher::new(size);
    if start > 0 {
        hash_file(&part_path(want), &mut hasher)?;
    }
    let hasher = receive(want, reply, start, size, hasher, progress)?;
    finish_hashed(want, hasher, size, start > 0, identity.as_deref(), progress)
}

/// The size of the whole file by every header that tells it; they have to agree.
fn announced_size(want: &Want, reply: &Reply, start: u64) -> Result<Option<u64>, Failure> {
    let refused = |why: String| Failure::Corrupt(format!("{}: {why}", want.label));
    let mut size = want.size;
    let mut agree = |new: Option<u64>, what: &str| match (size, new) {
        (Some(a), Some(b)) if a != b => Err(refused(format!("{what} says {b} bytes, {a} were expected"))),
        (None, Some(b)) => {
            size = Some(b);
            Ok(())
        }
        _ => Ok(()),
    };
    agree(reply.linked_size, "x-linked-size")?;
    if reply.status == 206 {
        let text = reply.content_range.as_deref().unwrap_or("");
        let (first, whole) = parse_content_range(text).ok_or_else(|| refused(format!("bad Content-Range '{text}'")))?;
        if first != start {
            return Err(refused(format!("asked for bytes from {start}, got them from {first}")));
        }
        agree(whole, "Content-Range")?;
    } else {
        agree(reply.body.content_length(), "Content-Length")?;
    }
    match size {
        Some(s) if s < start => Err(refused(format!("{s} bytes in all, but {start} are here already"))),
        _ => Ok(size),
    }
}

/// `bytes FIRST-LAST/WHOLE`, where WHOLE may be `*`.
fn parse_content_range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, whole) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, last) = (first.trim().parse::<u64>().ok()?, last.trim().parse::<u64>().ok()?);
    let whole = match whole.trim() {
        "*" => None,
        w => Some(w.parse::<u64>().ok().filter(|&w| w > last)?),
    };
    (first <= last).then_some((first, whole))
}

fn refusal(client: &Client, want: &Want, status: u16) -> Failure {
    let label = &want.label;
    match status {
        401 | 403 => Failure::Refused(format!(
            "{label}: access denied (HTTP {status}). {}",
            if client.config.token.is_some() {
                "Does the token in HF_TOKEN have access, and are the model's terms accepted on its page?"
            } else {
                "The model is private, gated or does not exist: accept its terms on its page and set HF_TOKEN."
            }
        )),
        404 | 410 => Failure::Refused(format!("{label}: not there (HTTP {status}): {}", want.url)),
        408 | 425 | 429 | 500..=599 => Failure::Transient(format!("{label}: the server answers HTTP {status}")),
        _ => Failure::Refused(format!("{label}: unexpected answer HTTP {status} from {}", want.url)),
    }
}

/// Appends the body to the part.
fn receive(
    want: &Want,
    reply: Reply,
    start: u64,
    size: Option<u64>,
    mut hasher: Hasher,
    progress: &mut Progress<'_>,
) -> Result<Hasher, Failure> {
    let path = part_path(want);
    let mut file = OpenOptions::new()
        .create(true)
        .write(true)
        .append(start > 0)
        .truncate(start == 0)
        .open(&path)
        .map_err(|e| io_error("open", &path, &e))?;
    let mut body = reply.body.into_reader();
    let mut buffer = vec![0; CHUNK];
    let mut done = start;
    let mut reported: Option<Instant> = None;
    loop {
        let n = body.read(&mut buffer).map_err(|e| Failure::Transient(format!("{}: {e}", want.label)))?;
        if n == 0 {
            break;
        }
        done += n as u64;
        if size.is_some_and(|s| done > s) {
            drop(file);
            forget_part(want)?;
            return Err(Failure::Corrupt(format!("{}: the server sends more than it announced", want.label)));
        }
        file.write_all(&buffer[..n]).map_err(|e| io_error("write", &path, &e))?;
        hasher.update(&buffer[..n]);
        if reported.is_none_or(|t| t.elapsed() >= REPORT_EVERY) {
            progress(Event::Progress { file: &want.label, done, total: size });
            reported = Some(Instant::now());
        }
    }
    file.sync_all().map_err(|e| io_error("flush", &path, &e))?;
    match size {
        Some(s) if done < s => {
            Err(Failure::Transient(format!("{}: the connection ended at {done} of {s} bytes", want.label)))
        }
        _ => Ok(hasher),
    }
}

fn finish(
    want: &Want,
    mut hasher: Hasher,
    size: Option<u64>,
    resumed: bool,
    identity: Option<&str>,
    progress: &mut Progress<'_>,
) -> Result<Got, Failure> {
    hash_file(&part_path(want), &mut hasher)?;
    finish_hashed(want, hasher, size, resumed, identity, progress)
}

/// Verifies the complete part and gives it its name.
fn finish_hashed(
    want: &Want,
    hasher: Hasher,
    size: Option<u64>,
    resumed: bool,
    identity: Option<&str>,
    progress: &mut Progress<'_>,
) -> Result<Got, Failure> {
    let len = part_len(want);
    // An ETag of 64 hex digits is the SHA-256 wherever the hub or a mirror of it is asked.
    let digest = want.digest.clone().or_else(|| identity.and_then(Digest::sha256));
    let hashes = hasher.finish();
    if let Some(digest) = &digest
        && let Err(have) = match digest {
            // The git hash starts with the length, which has to be known when the hashing starts.
            Digest::GitBlob(_) if size.is_none() => git_check(want, len, digest),
            _ => hashes.check(digest).map_err(str::to_owned),
        }
    {
        forget_part(want)?;
        let message = format!("{}: wrong checksum ({have}); the download was thrown away", want.label);
        // What was resumed may have been damaged on this side: from the start once more.
        return Err(if resumed { Failure::Transient(message) } else { Failure::Corrupt(message) });
    }
    fs::rename(part_path(want), &want.dest).map_err(|e| io_error("put in place", &want.dest, &e))?;
    forget_part(want)?;
    progress(Event::Progress { file: &want.label, done: len, total: Some(len) });
    progress(Event::Done { file: &want.label, bytes: len });
    Ok(Got { size: len, sha256: hashes.sha256 })
}

fn git_check(want: &Want, len: u64, digest: &Digest) -> Result<(), String> {
    let mut hasher = Hasher::new(Some(len));
    hash_file(&part_path(want), &mut hasher).map_err(|e| e.message)?;
    hasher.finish().check(digest).map_err(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_ranges() {
        assert_eq!(parse_content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(parse_content_range("bytes 5-9/*"), Some((5, None)));
        for bad in ["", "bytes", "bytes 5-9", "bytes 9-5/10", "bytes 5-9/9", "bytes -9/10", "items 1-2/3"] {
            assert_eq!(parse_content_range(bad), None, "{bad}");
        }
    }

    #[test]
    fn no_disk_is_that_large() {
        let dir = tempfile::tempdir().unwrap();
        assert!(check_space(dir.path(), 1).is_ok());
        let e = check_space(dir.path(), u64::MAX).unwrap_err();
        assert!(e.message().contains("MB free"), "{}", e.message());
    }
}
