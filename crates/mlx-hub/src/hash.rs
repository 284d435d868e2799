//! File hashes: SHA-256 for large files, git's blob hash for the small ones that the hub keeps in git.

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// The hash that a file must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Digest {
    /// SHA-256 of the contents, lower-case hex.
    Sha256(String),
    /// SHA-1 of `blob LENGTH\0` and the contents, lower-case hex.
    GitBlob(String),
}

impl Digest {
    /// A SHA-256 from text that should be 64 hex digits.
    pub fn sha256(text: &str) -> Option<Digest> {
        is_hex(text, 64).then(|| Digest::Sha256(text.to_ascii_lowercase()))
    }

    /// A git blob hash from text that should be 40 hex digits.
    pub fn git_blob(text: &str) -> Option<Digest> {
        is_hex(text, 40).then(|| Digest::GitBlob(text.to_ascii_lowercase()))
    }
}

fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Hashes a file as it arrives. The SHA-256 is always taken, for the manifest.
pub(crate) struct Hasher {
    sha256: Sha256,
    git: Option<Sha1>,
}

/// The hashes of a complete file, lower-case hex.
pub(crate) struct Hashes {
    pub sha256: String,
    git: Option<String>,
}

impl Hasher {
    /// `git_len`: the length of the file, where its git blob hash will be asked for.
    pub fn new(git_len: Option<u64>) -> Hasher {
        let git = git_len.map(|len| {
            let mut h = Sha1::new();
            h.update(format!("blob {len}\0"));
            h
        });
        Hasher { sha256: Sha256::new(), git }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(git) = &mut self.git {
            git.update(bytes);
        }
    }

    pub fn finish(self) -> Hashes {
        Hashes { sha256: hex(&self.sha256.finalize()), git: self.git.map(|g| hex(&g.finalize())) }
    }
}

impl Hashes {
    /// Whether the file has this hash. `Err` holds the hash that it has instead.
    pub fn check(&self, want: &Digest) -> Result<(), &str> {
        let (have, want) = match want {
            Digest::Sha256(w) => (Some(&self.sha256), w),
            Digest::GitBlob(w) => (self.git.as_ref(), w),
        };
        match have {
            Some(h) if h == want => Ok(()),
            Some(h) => Err(h),
            None => Err("(not computed)"),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_values() {
        let mut h = Hasher::new(Some(3));
        h.update(b"a");
        h.update(b"bc");
        let h = h.finish();
        let sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(h.sha256, sha);
        // `printf abc | git hash-object --stdin`
        let blob = "f2ba8f84ab5c1bce84a7b441cb1959cfc7093b7f";
        assert_eq!(h.check(&Digest::git_blob(blob).unwrap()), Ok(()));
        assert_eq!(h.check(&Digest::sha256(&sha.to_uppercase()).unwrap()), Ok(()));
        assert_eq!(h.check(&Digest::Sha256("0".repeat(64))), Err(sha));
    }

    #[test]
    fn only_hex_of_the_right_length() {
        assert_eq!(Digest::sha256("abc"), None);
        assert_eq!(Digest::sha256(&"g".repeat(64)), None);
        assert_eq!(Digest::git_blob(&"a".repeat(64)), None);
    }
}
