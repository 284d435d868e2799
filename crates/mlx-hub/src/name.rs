//! How a model is named on the command line.

use std::path::{Path, PathBuf};

use mlx_ir::{Error, Result};

use crate::known::{self, KNOWN, Known};

/// What a model name means.
#[derive(Clone, Debug)]
pub enum ModelName {
    /// A file or folder that exists.
    Path(PathBuf),
    /// A short name of the table.
    Known(&'static Known),
    /// A repository on the hub.
    Repo {
        /// `user/repo`.
        repo: String,
        /// The quantization or file asked for, after the colon.
        quant: Option<String>,
    },
}

impl ModelName {
    /// Understands a name: an alias, else an existing path, else `user/repo[:quant]`.
    /// A file that is called like an alias is reached as `./NAME`.
    ///
    /// # Errors
    /// `Value` if it is none of them; the message lists the aliases. `Io` if it can only be a path and nothing
    /// is there.
    pub fn parse(name: &str) -> Result<ModelName> {
        if let Some(k) = known::find(name) {
            return Ok(ModelName::Known(k));
        }
        if name.is_empty() {
            return Err(Error::value("[model] the name is empty"));
        }
        if Path::new(name).exists() {
            return Ok(ModelName::Path(PathBuf::from(name)));
        }
        if let Some((repo, quant)) = parse_repo(name) {
            return Ok(ModelName::Repo { repo: repo.to_owned(), quant: quant.map(str::to_owned) });
        }
        if looks_like_path(name) {
            return Err(Error::io(format!("[model] no such file or folder: {name}")));
        }
        let aliases: Vec<_> = KNOWN.iter().map(|k| k.alias).collect();
        Err(Error::value(format!(
            "[model] '{name}' is not a file, not user/repo[:quant], and not one of the short names: {}",
            aliases.join(", ")
        )))
    }
}

impl std::fmt::Display for ModelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ModelName::Path(p) => write!(f, "{}", p.display()),
            ModelName::Known(k) => f.write_str(k.alias),
            ModelName::Repo { repo, quant: None } => f.write_str(repo),
            ModelName::Repo { repo, quant: Some(q) } => write!(f, "{repo}:{q}"),
        }
    }
}

fn looks_like_path(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    name.starts_with(['.', '/', '~'])
        || name.contains('\\')
        || name.matches('/').count() > 1
        || [".gguf", ".safetensors"].iter().any(|e| lower.ends_with(e))
}

/// Splits `user/repo[:quant]`, by the hub's own rules for names: letters, digits, `-`, `_`, `.`, no `--` or `..`,
/// at most 96 characters. So neither part can be a step out of the store.
fn parse_repo(name: &str) -> Option<(&str, Option<&str>)> {
    let (repo, quant) = match name.split_once(':') {
        Some((r, q)) => (r, Some(q)),
        None => (name, None),
    };
    let (user, model) = repo.split_once('/')?;
    let word = |s: &str| {
        !s.is_empty()
            && s.len() <= 96
            && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            && !s.starts_with(['-', '.'])
            && !s.ends_with(['-', '.'])
            && !s.contains("--")
            && !s.contains("..")
    };
    let quant_ok = quant.is_none_or(|q| {
        !q.is_empty()
            && q.len() <= 200
            && q.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
            && q.split('/').all(|s| !s.is_empty() && !s.starts_with('.'))
    });
    // `./x.gguf`, `models/x.gguf` are meant as paths: no repository of the hub is called like a model file.
    (word(user) && word(model) && quant_ok && !(quant.is_none() && model.to_ascii_lowercase().ends_with(".gguf")))
        .then_some((repo, quant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_paths_and_repositories() {
        assert!(matches!(ModelName::parse("smollm2"), Ok(ModelName::Known(k)) if k.alias == "smollm2"));
        assert!(matches!(ModelName::parse("Cargo.toml"), Ok(ModelName::Path(_))));
        let repo = ModelName::parse("bartowski/Llama-3.2-1B-Instruct-GGUF:Q4_K_M").unwrap();
        let ModelName::Repo { repo, quant } = repo else { panic!() };
        assert_eq!((repo.as_str(), quant.as_deref()), ("bartowski/Llama-3.2-1B-Instruct-GGUF", Some("Q4_K_M")));
        assert!(matches!(ModelName::parse("a/b:sub/x.gguf"), Ok(ModelName::Repo { quant: Some(_), .. })));
    }

    #[test]
    fn what_is_no_name_says_so() {
        for (name, part) in [
            ("", "empty"),
            ("nonsense", "smollm2, gemma3-270m"),
            ("./missing.gguf", "no such file"),
            ("models/missing.gguf", "no such file"),
            ("/etc/nothing-here", "no such file"),
            ("../..", "user/repo"),
            ("a/..", "user/repo"),
            ("a/b:", "user/repo"),
            ("a/b:../../c", "no such file"),
            ("a/b c", "user/repo"),
            ("a/b--c", "user/repo"),
            ("C:\\x\\y.gguf", "no such file"),
        ] {
            match ModelName::parse(name) {
                Ok(ModelName::Path(_)) if name == "../.." => {}
                Ok(other) => panic!("{name}: {other:?}"),
                Err(e) => assert!(e.message.contains(part), "{name}: {}", e.message),
            }
        }
    }
}
