//! The hub's listing of a repository.

use std::io::Read;

use mlx_ir::Error;
use serde::Deserialize;

use crate::client::{Client, Failure, encode_path};
use crate::hash::Digest;

/// What a repository holds at one commit.
#[derive(Debug)]
pub(crate) struct Listing {
    pub commit: String,
    pub files: Vec<RemoteFile>,
    pub licence: Option<String>,
}

/// One file of a repository.
#[derive(Clone, Debug)]
pub(crate) struct RemoteFile {
    /// Relative path: no `..`, no root, no drive, no backslash.
    pub path: String,
    pub size: Option<u64>,
    pub digest: Option<Digest>,
}

#[derive(Deserialize)]
struct ModelInfo {
    sha: String,
    siblings: Vec<Sibling>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sibling {
    rfilename: String,
    size: Option<u64>,
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    sha256: String,
    size: u64,
}

/// A listing of the largest repositories is some megabytes.
const MAX_LISTING: u64 = 64 << 20;

/// Asks for the files of a repository.
pub(crate) fn list(client: &Client, repo: &str, revision: &str) -> Result<Listing, Failure> {
    let endpoint = &client.config.endpoint;
    let url = format!("{endpoint}/api/models/{repo}/revision/{}?blobs=true", encode_path(revision));
    let reply = client.get(&url, 0)?;
    match reply.status {
        200 => {}
        401 | 403 => {
            return Err(Failure::Refused(format!(
                "{repo}: no access (HTTP {}): the repository does not exist, is private, or its terms must be \
                 accepted on its page; HF_TOKEN gives access",
                reply.status
            )));
        }
        404 => return Err(Failure::Refused(format!("{repo}: no such repository or revision '{revision}'"))),
        408 | 429 | 500..=599 => {
            return Err(Failure::Transient(format!("{repo}: the hub answers HTTP {}", reply.status)));
        }
        status => return Err(Failure::Refused(format!("{repo}: unexpected answer HTTP {status}"))),
    }
    let mut text = Vec::new();
    let read = reply.body.into_reader().take(MAX_LISTING + 1).read_to_end(&mut text);
    read.map_err(|e| Failure::Transient(format!("{repo}: {e}")))?;
    if text.len() as u64 > MAX_LISTING {
        return Err(Failure::Refused(format!("{repo}: the listing is larger than {} MB", MAX_LISTING >> 20)));
    }
    parse_listing(repo, &text)
}

fn parse_listing(repo: &str, text: &[u8]) -> Result<Listing, Failure> {
    let info: ModelInfo = serde_json::from_slice(text)
        .map_err(|e| Failure::Refused(format!("{repo}: the listing cannot be understood: {e}")))?;
    if info.sha.is_empty() || info.sha.len() > 64 || !info.sha.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(Failure::Refused(format!("{repo}: the listing names no commit")));
    }
    let files = info
        .siblings
        .into_iter()
        // Names that could leave the folder are no model files.
        .filter(|s| is_safe_path(&s.rfilename))
        .map(|s| match s.lfs {
            Some(lfs) => RemoteFile { path: s.rfilename, size: Some(lfs.size), digest: Digest::sha256(&lfs.sha256) },
            None => {
                let digest = s.blob_id.as_deref().and_then(Digest::git_blob);
                RemoteFile { path: s.rfilename, size: s.size, digest }
            }
        })
        .collect();
    let licence = info.tags.iter().find_map(|t| t.strip_prefix("license:")).map(str::to_owned);
    Ok(Listing { commit: info.sha, files, licence })
}

/// The address of a file.
pub(crate) fn file_url(client: &Client, repo: &str, revision: &str, path: &str) -> String {
    format!("{}/{repo}/resolve/{}/{}", client.config.endpoint, encode_path(revision), encode_path(path))
}

/// Whether a name from outside may be joined to a folder, on every platform.
pub(crate) fn is_safe_path(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= 512
        && path.split('/').all(|part| {
            !part.is_empty()
                && part.len() <= 200
                && !part.ends_with(['.', ' '])
                && !part.starts_with("..")
                && !part.chars().any(|c| c.is_control() || "\\:*?\"<>|".contains(c))
                && !is_windows_device(part)
        })
}

/// Windows takes these names for devices, whatever follows the dot.
fn is_windows_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or("").to_ascii_uppercase();
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")))
            && stem.ends_with(|c: char| c.is_ascii_digit())
}

/// Like [`is_safe_path`], as an error.
pub(crate) fn require_safe_path(path: &str) -> Result<(), Error> {
    match is_safe_path(path) {
        true => Ok(()),
        false => Err(Error::io(format!("[pull] '{path}' is not a safe file name"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside() {
        for good in ["a.gguf", "dir/sub/a-00001-of-00002.gguf", "tokenizer.json", ".gitattributes", "ü.gguf"] {
            assert!(is_safe_path(good), "{good}");
        }
        for bad in [
            "",
            "/",
            "/etc/passwd",
            "a//b",
            "../a",
            "a/../b",
            "a/..",
            "..",
            ".",
            "a/.",
            "a\\b",
            "c:x",
            "C:/x",
            "a\nb",
            "a\0b",
            "con",
            "NUL.gguf",
            "dir/com1.txt",
            "a ",
            "a.",
            "...",
        ] {
            assert!(!is_safe_path(bad), "{bad:?}");
            assert!(require_safe_path(bad).is_err());
        }
    }

    #[test]
    fn listings() {
        let sha = "a".repeat(64);
        let blob = "b".repeat(40);
        let text = format!(
            r#"{{"sha":"abc123","tags":["gguf","license:mit"],"siblings":[
                {{"rfilename":"x.gguf","size":5,"blobId":"{blob}","lfs":{{"sha256":"{sha}","size":7,"pointerSize":1}}}},
                {{"rfilename":"config.json","size":3,"blobId":"{blob}"}},
                {{"rfilename":"../../evil.gguf"}}]}}"#
        );
        let l = parse_listing("u/r", text.as_bytes()).unwrap();
        assert_eq!((l.commit.as_str(), l.licence.as_deref(), l.files.len()), ("abc123", Some("mit"), 2));
        assert_eq!((l.files[0].size, &l.files[0].digest), (Some(7), &Some(Digest::Sha256(sha))));
        assert_eq!((l.files[1].size, &l.files[1].digest), (Some(3), &Some(Digest::GitBlob(blob))));
        for bad in ["", "{}", "[]", r#"{"sha":"../x","siblings":[]}"#, r#"{"sha":"a","siblings":[{}]}"#] {
            assert!(parse_listing("u/r", bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
