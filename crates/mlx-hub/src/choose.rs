//! Which files of a repository make the model that was asked for.

use mlx_ir::{Error, Result};

use crate::hub::{Listing, RemoteFile};
use crate::store::Kind;

/// The files of one model.
#[derive(Debug)]
pub(crate) struct Choice<'a> {
    pub kind: Kind,
    /// Folder name within the repository's folder: the quantization, or `mlx`.
    pub tag: String,
    /// In order; the first is the one that is opened.
    pub files: Vec<&'a RemoteFile>,
}

/// Taken in this order where the user names none.
const PREFERRED: &[&str] = &["Q4_K_M", "Q4_0", "Q4_1", "Q4_K_S", "Q5_K_M", "Q8_0"];

/// Chooses by quantization or file name, or the preferred one.
pub(crate) fn choose<'a>(repo: &str, listing: &'a Listing, quant: Option<&str>) -> Result<Choice<'a>> {
    let groups = gguf_groups(&listing.files);
    if groups.is_empty() {
        return match quant {
            None => choose_folder(repo, &listing.files),
            Some(q) => Err(Error::value(format!("[pull] {repo} has no GGUF files, so there is no '{q}' in it"))),
        };
    }
    let names = || {
        let list: Vec<_> = groups.iter().map(|g| g.name.as_str()).collect();
        list.join(", ")
    };
    let group = match quant {
        Some(q) => {
            let exact = groups.iter().find(|g| g.name == q || g.files.iter().any(|f| f.path == q));
            let mut by_tag = groups.iter().filter(|g| matches_quant(&g.name, q));
            match (exact, by_tag.next(), by_tag.next()) {
                (Some(g), _, _) | (None, Some(g), None) => g,
                (None, None, _) => {
                    return Err(Error::value(format!("[pull] {repo} has no '{q}'; it has: {}", names())));
                }
                (None, Some(_), Some(_)) => {
                    return Err(Error::value(format!(
                        "[pull] several files of {repo} are '{q}': name the file, as in {repo}:FILE; it has: {}",
                        names()
                    )));
                }
            }
        }
        None if groups.len() == 1 => &groups[0],
        None => {
            let preferred = PREFERRED.iter().find_map(|p| groups.iter().find(|g| tag_of(&g.name) == *p));
            preferred.ok_or_else(|| {
                Error::value(format!("[pull] which file of {repo}? Add :QUANT or :FILE; it has: {}", names()))
            })?
        }
    };
    if let Some(missing) = group.missing() {
        return Err(Error::io(format!("[pull] {repo}: part {missing} of {} is not in the repository", group.name)));
    }
    Ok(Choice { kind: Kind::Gguf, tag: tag_of(&group.name), files: group.files.clone() })
}

/// A GGUF file, or the parts of a split one.
struct Group<'a> {
    /// Path of the file; of a split one, of its first part.
    name: String,
    parts: usize,
    files: Vec<&'a RemoteFile>,
}

impl Group<'_> {
    fn missing(&self) -> Option<usize> {
        let have = |n: usize| self.files.iter().any(|f| split_part(&f.path).is_none_or(|(_, i, _)| i == n));
        (1..=self.parts).find(|&n| !have(n))
    }
}

/// `NAME-00002-of-00005.gguf` → (`NAME`, 2, 5).
fn split_part(path: &str) -> Option<(&str, usize, usize)> {
    let stem = strip_gguf(path)?;
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (name, index) = rest.rsplit_once('-')?;
    let number = |s: &str| (s.len() == 5).then(|| s.parse::<usize>().ok()).flatten();
    let (index, count) = (number(index)?, number(count)?);
    (index >= 1 && index <= count).then_some((name, index, count))
}

fn strip_gguf(path: &str) -> Option<&str> {
    let at = path.len().checked_sub(5)?;
    path.get(at..)?.eq_ignore_ascii_case(".gguf").then(|| &path[..at])
}

/// The GGUF models among the files. Vision projectors and importance matrices are no models.
fn gguf_groups(files: &[RemoteFile]) -> Vec<Group<'_>> {
    let mut groups: Vec<(String, Group<'_>)> = Vec::new();
    let mut sorted: Vec<_> = files.iter().filter(|f| strip_gguf(&f.path).is_some()).collect();
    sorted.sort_by(|a, b| a.path.cmp(&b.path));
    for f in sorted {
        let base = f.path.rsplit('/').next().unwrap_or(&f.path).to_ascii_lowercase();
        if base.starts_with("mmproj") || base.contains("imatrix") {
            continue;
        }
        let (key, parts) = match split_part(&f.path) {
            Some((name, _, count)) => (format!("{name}/{count}"), count),
            None => (f.path.clone(), 1),
        };
        match groups.iter_mut().find(|(k, _)| *k == key) {
            Some((_, g)) => g.files.push(f),
            None => groups.push((key, Group { name: f.path.clone(), parts, files: vec![f] })),
        }
    }
    groups.into_iter().map(|(_, g)| g).collect()
}

/// Whether the path names this quantization: as a whole word, so `Q4_K` is not `Q4_K_M`.
pub(crate) fn matches_quant(path: &str, quant: &str) -> bool {
    let (path, quant) = (path.to_ascii_lowercase(), quant.to_ascii_lowercase());
    if quant.is_empty() {
        return false;
    }
    let inside = |c: char| c.is_ascii_alphanumeric();
    path.match_indices(&quant).any(|(at, _)| {
        let before = path[..at].chars().next_back();
        let after = path[at + quant.len()..].chars().next();
        !before.is_some_and(inside) && !after.is_some_and(|c| inside(c) || c == '_')
    })
}

/// The quantization in a file name, upper case; the file's stem if it has none.
pub(crate) fn tag_of(path: &str) -> String {
    let stem = match split_part(path) {
        Some((name, _, _)) => name,
        None => strip_gguf(path).unwrap_or(path),
    };
    let base = stem.rsplit('/').next().unwrap_or(stem);
    let upper = base.to_ascii_uppercase();
    let mut words: Vec<&str> = upper.split(['-', '.']).collect();
    words.reverse();
    for (i, word) in words.iter().enumerate() {
        // `model_q4_k_m` is one word: what follows each `_` may be the start.
        let starts = std::iter::once(0).chain(word.match_indices('_').map(|(at, _)| at + 1));
        if let Some(quant) = starts.map(|at| &word[at..]).find(|w| is_quant(w)) {
            let dynamic = words.get(i + 1).is_some_and(|&w| w == "UD") && quant == *word;
            return if dynamic { format!("UD-{quant}") } else { quant.to_owned() };
        }
    }
    base.to_owned()
}

fn is_quant(word: &str) -> bool {
    if matches!(word, "F32" | "F16" | "BF16" | "FP16" | "FP32" | "MXFP4" | "MXFP4_MOE" | "NVFP4") {
        return true;
    }
    let rest = ["IQ", "TQ", "Q"].iter().find_map(|p| word.strip_prefix(p));
    rest.is_some_and(|r| {
        r.starts_with(|c: char| c.is_ascii_digit())
            && r.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && r.split('_').all(|p| p.len() <= 3 && !p.is_empty())
    })
}

/// A folder of safetensors as mlx_lm uses it.
fn choose_folder<'a>(repo: &str, files: &'a [RemoteFile]) -> Result<Choice<'a>> {
    let top = |f: &&RemoteFile| !f.path.contains('/');
    let is_weight = |f: &&RemoteFile| f.path.ends_with(".safetensors");
    let mut weights: Vec<_> = files.iter().filter(top).filter(is_weight).collect();
    // Some repositories hold the same weights twice, in the original layout as well.
    if weights.iter().any(|f| f.path.starts_with("model")) {
        weights.retain(|f| f.path.starts_with("model"));
    }
    if weights.is_empty() || !files.iter().any(|f| f.path == "config.json") {
        return Err(Error::value(format!("[pull] {repo} holds neither GGUF files nor config.json with *.safetensors")));
    }
    let is_text = |f: &&RemoteFile| {
        let p = f.path.as_str();
        p.ends_with(".json") || p.ends_with(".jinja") || p == "tokenizer.model" || p == "merges.txt" || p == "vocab.txt"
    };
    let mut chosen: Vec<_> = files.iter().filter(top).filter(is_text).collect();
    chosen.sort_by_key(|f| (f.path != "config.json", &f.path));
    weights.sort_by(|a, b| a.path.cmp(&b.path));
    chosen.extend(weights);
    Ok(Choice { kind: Kind::Mlx, tag: "mlx".into(), files: chosen })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(paths: &[&str]) -> Listing {
        let files = paths.iter().map(|p| RemoteFile { path: (*p).into(), size: None, digest: None }).collect();
        Listing { commit: "c".into(), files, licence: None }
    }

    fn chosen(paths: &[&str], quant: Option<&str>) -> Result<(String, Vec<String>), String> {
        let l = listing(paths);
        let c = choose("u/r", &l, quant).map_err(|e| e.message)?;
        Ok((c.tag, c.files.iter().map(|f| f.path.clone()).collect()))
    }

    #[test]
    fn tags() {
        for (path, tag) in [
            ("Model-1B-Instruct-Q4_K_M.gguf", "Q4_K_M"),
            ("SmolLM2-135M-Instruct.Q4_1.gguf", "Q4_1"),
            ("gemma-3-270m-q4_k_m.gguf", "Q4_K_M"),
            ("model_q8_0.GGUF", "Q8_0"),
            ("Q8_0/Big-Q8_0-00001-of-00003.gguf", "Q8_0"),
            ("x-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
            ("x-IQ2_XXS.gguf", "IQ2_XXS"),
            ("x-bf16.gguf", "BF16"),
            ("Qwen3-4B.gguf", "Qwen3-4B"),
            ("plain.gguf", "plain"),
        ] {
            assert_eq!(tag_of(path), tag, "{path}");
        }
    }

    #[test]
    fn a_quantization_is_a_whole_word() {
        assert!(matches_quant("m-Q4_K_M.gguf", "q4_k_m"));
        assert!(!matches_quant("m-Q4_K_M.gguf", "Q4_K"));
        assert!(!matches_quant("m-IQ4_XS.gguf", "Q4_XS"));
        assert!(!matches_quant("m-Q4_0_4_4.gguf", "Q4_0"));
        assert!(matches_quant("Q8_0/m-00001-of-00002.gguf", "Q8_0"));
        assert!(!matches_quant("m.gguf", ""));
    }

    #[test]
    fn gguf_by_quantization_preference_and_name() {
        let repo = ["m-Q8_0.gguf", "m-Q4_K_M.gguf", "m-Q4_K_S.gguf", "mmproj-F16.gguf", "m.imatrix.gguf", "README.md"];
        assert_eq!(chosen(&repo, None).unwrap(), ("Q4_K_M".into(), vec!["m-Q4_K_M.gguf".into()]));
        assert_eq!(chosen(&repo, Some("q8_0")).unwrap().1, ["m-Q8_0.gguf"]);
        assert_eq!(chosen(&repo, Some("m-Q4_K_S.gguf")).unwrap().0, "Q4_K_S");
        assert!(chosen(&repo, Some("Q2_K")).unwrap_err().contains("it has: m-Q4_K_M.gguf, m-Q4_K_S.gguf, m-Q8_0.gguf"));
        assert!(chosen(&["a-Q3_K.gguf", "b-Q3_K.gguf"], Some("Q3_K")).unwrap_err().contains("name the file"));
        assert!(chosen(&["a-Q3_K.gguf", "b-Q2_K.gguf"], None).unwrap_err().contains("which file"));
        assert_eq!(chosen(&["odd.gguf"], None).unwrap().0, "odd");
    }

    #[test]
    fn split_files_come_whole_or_not_at_all() {
        let parts = ["m-Q8_0-00002-of-00002.gguf", "m-Q8_0-00001-of-00002.gguf"];
        let (tag, files) = chosen(&parts, Some("Q8_0")).unwrap();
        assert_eq!((tag.as_str(), files), ("Q8_0", vec![parts[1].to_owned(), parts[0].to_owned()]));
        assert!(chosen(&parts[..1], None).unwrap_err().contains("part 1 of"));
    }

    #[test]
    fn safetensors_folders() {
        let repo = [
            "model.safetensors.index.json",
            "model-00001-of-00001.safetensors",
            "consolidated.safetensors",
            "config.json",
            "tokenizer.json",
            "README.md",
            "onnx/model.onnx",
            "sub/config.json",
            "chat_template.jinja",
        ];
        let (tag, files) = chosen(&repo, None).unwrap();
        assert_eq!(tag, "mlx");
        let want = [
            "config.json",
            "chat_template.jinja",
            "model.safetensors.index.json",
            "tokenizer.json",
            "model-00001-of-00001.safetensors",
        ];
        assert_eq!(files, want);
        assert!(chosen(&repo, Some("Q4_0")).unwrap_err().contains("no GGUF"));
        assert!(chosen(&["README.md"], None).unwrap_err().contains("neither GGUF"));
    }
}
