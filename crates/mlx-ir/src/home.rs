//! Where the project keeps files of a user: downloaded models, compiled kernels, verdicts on devices.

use std::path::PathBuf;

/// `$MLX_ARM_HOME`, or `mlx-arm` in the platform's cache folder (`$XDG_CACHE_HOME` or `~/.cache`; `~/Library/Caches` on
/// macOS; `%LOCALAPPDATA%` on Windows). None where there is no such folder.
pub fn folder() -> Option<PathBuf> {
    let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(home) = var("MLX_ARM_HOME") {
        return Some(home);
    }
    let cache = if cfg!(windows) {
        var("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        std::env::home_dir().map(|h| h.join("Library/Caches"))
    } else {
        // The standard says that a relative path here is to be ignored.
        var("XDG_CACHE_HOME")
            .filter(|p| p.is_absolute())
            .or_else(|| std::env::home_dir().filter(|h| !h.as_os_str().is_empty()).map(|h| h.join(".cache")))
    };
    Some(cache?.join("mlx-arm"))
}
