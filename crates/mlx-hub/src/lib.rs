//! Models on disk: their names, the folder they are kept in, and how they get there.
//!
//! A model is named by a path, by an alias ([`KNOWN`]) or by a hub repository `user/repo[:quant]`
//! ([`ModelName`]). [`Store`] keeps the pulled ones, one folder each, complete exactly when the folder
//! holds `model.json`; [`Store::pull`] fetches, [`Store::resolve`] answers where a model lies.
//!
//! Downloads are resumed from `FILE.part`, verified (size, and SHA-256 or the git blob hash that the hub
//! announces), flushed and renamed into place, under a lock file per model. Nothing that comes over the
//! wire is used as a path without a check, and nothing is executed.
//!
//! HTTP: `ureq` with `rustls` on `ring`. The `hf-hub` crate brings either an async runtime or the same
//! `ureq`, keeps another cache layout, and does not verify checksums. `ring` needs a C compiler but neither
//! CMake nor bindgen (as `aws-lc-rs` may): Debian's aarch64 cross gcc builds it as it is. The whole crate with
//! what it stands on costs some three CPU minutes to build. `native-tls` would need OpenSSL headers
//! for each target. Pure-Rust providers either lack an audit or need the AES instructions that the
//! Raspberry Pi 4 does not have. Certificates: the system's (`SSL_CERT_FILE` is honoured), and the bundled
//! Mozilla list where the system has none.
#![forbid(unsafe_code)]

mod choose;
mod client;
mod fetch;
mod hash;
mod hub;
mod known;
mod name;
mod store;
mod wheel;

pub use client::HubConfig;
pub use known::{HubFile, KNOWN, Known, Package};
pub use name::ModelName;
pub use store::{Entry, Kind, PullOptions, Store};

/// What a pull reports while it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A sentence for the user: which source is used, licence terms, why another source is tried.
    Note(&'a str),
    /// Bytes of one file so far. `total` is `None` while the size is unknown.
    Progress {
        /// File name within the model.
        file: &'a str,
        /// Bytes present, those of an earlier attempt included.
        done: u64,
        /// Bytes when complete.
        total: Option<u64>,
    },
    /// The file is complete and verified.
    Done {
        /// File name within the model.
        file: &'a str,
        /// Its size in bytes.
        bytes: u64,
    },
}

/// Receives the [`Event`]s of a pull.
pub type Progress<'p> = dyn FnMut(Event<'_>) + 'p;
