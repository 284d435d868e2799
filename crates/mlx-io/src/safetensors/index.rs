//! Which files a path stands for: one file, an index with its shards, or a folder.

use super::header::{byte_of, json_message};
use super::{MAX_HEADER, SafeTensors, at};
use crate::map::MappedFile;
use mlx_ir::{Error, Result};
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

const INDEX: &str = "model.safetensors.index.json";
const SINGLE: &str = "model.safetensors";

pub(super) fn open(path: &Path) -> Result<SafeTensors> {
    if path.is_dir() {
        return open_folder(path);
    }
    let is_index = path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.ends_with(".json"));
    if is_index { open_index(path) } else { open_files(&[path.to_path_buf()]) }
}

fn open_files(paths: &[PathBuf]) -> Result<SafeTensors> {
    let files: Result<Vec<MappedFile>> = paths.iter().map(MappedFile::open).collect();
    SafeTensors::from_files(files?, true)
}

fn open_folder(folder: &Path) -> Result<SafeTensors> {
    for (name, open) in [(INDEX, open_index as fn(&Path) -> Result<SafeTensors>), (SINGLE, open)] {
        let path = folder.join(name);
        if path.exists() {
            return open(&path);
        }
    }
    let fail = |e: std::io::Error| Error::io(format!("[safetensors] {}: {e}", folder.display()));
    let mut shards = vec![];
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if name.starts_with("model") && name.ends_with(".safetensors") {
            shards.push(path);
        }
    }
    if shards.is_empty() {
        let folder = folder.display();
        return Err(Error::io(format!("[safetensors] {folder}: no {INDEX}, {SINGLE} or model*.safetensors in it")));
    }
    shards.sort();
    open_files(&shards)
}

/// Tensor names and the file of each.
struct WeightMap(BTreeMap<String, String>);

struct Index {
    weight_map: WeightMap,
}

fn open_index(path: &Path) -> Result<SafeTensors> {
    let file = MappedFile::open(path)?;
    let index = parse_index(file.bytes()).map_err(|e| at(path, e))?;
    let mut names: Vec<&str> = index.values().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let paths: Vec<PathBuf> = names.iter().map(|n| path.with_file_name(n)).collect();
    let st = open_files(&paths)?;
    for (tensor, shard) in &index {
        let found = st.find(tensor).map(|t| names[t.part()]);
        if found != Some(shard.as_str()) {
            let what = match found {
                Some(other) => format!("it is in {other}"),
                None => "no such tensor is there".into(),
            };
            return Err(at(path, Error::io(format!("weight_map: tensor {tensor:?} should be in {shard}, but {what}"))));
        }
    }
    Ok(st)
}

/// The weight map of an index, its file names checked.
pub(super) fn parse_index(bytes: &[u8]) -> Result<BTreeMap<String, String>> {
    if bytes.len() > MAX_HEADER {
        let n = bytes.len();
        return Err(Error::io(format!("[safetensors] an index of {n} bytes, at most {MAX_HEADER} are allowed")));
    }
    let index: Index = serde_json::from_slice(bytes).map_err(|e| {
        let byte = byte_of(bytes, e.line(), e.column());
        Error::io(format!("[safetensors] byte {byte}, index: {}", json_message(&e)))
    })?;
    let map = index.weight_map.0;
    for (tensor, name) in &map {
        if !is_plain_name(name) {
            return Err(Error::io(format!(
                "[safetensors] weight_map: tensor {tensor:?} in {name:?}, which is not a plain name of a .safetensors file"
            )));
        }
    }
    if map.is_empty() {
        return Err(Error::io("[safetensors] weight_map: it names no tensor"));
    }
    Ok(map)
}

/// A name that can only be a file beside the index, on every system.
fn is_plain_name(name: &str) -> bool {
    let forbidden = |c: char| matches!(c, '/' | '\\' | ':') || c.is_control();
    name.ends_with(".safetensors") && !name.starts_with('.') && !name.contains(forbidden)
}

impl<'de> Deserialize<'de> for Index {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Index, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Index;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a weight_map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Index, A::Error> {
                let mut weight_map = None;
                while let Some(key) = map.next_key::<String>()? {
                    if key != "weight_map" {
                        map.next_value::<IgnoredAny>()?;
                    } else if weight_map.replace(map.next_value()?).is_some() {
                        return Err(A::Error::custom("duplicate key weight_map"));
                    }
                }
                Ok(Index { weight_map: weight_map.ok_or_else(|| A::Error::missing_field("weight_map"))? })
            }
        }
        d.deserialize_map(V)
    }
}

impl<'de> Deserialize<'de> for WeightMap {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<WeightMap, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = WeightMap;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("weight_map: an object of file names")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WeightMap, A::Error> {
                let mut out = BTreeMap::new();
                while let Some((k, v)) = map.next_entry::<String, String>()? {
                    if out.insert(k.clone(), v).is_some() {
                        return Err(A::Error::custom(format_args!("duplicate tensor {k:?} in weight_map")));
                    }
                }
                Ok(WeightMap(out))
            }
        }
        d.deserialize_map(V)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shard_names_stay_in_the_folder() {
        let index = |name: &str| format!("{{\"metadata\":{{}},\"weight_map\":{{\"t\":{}}}}}", serde_json::json!(name));
        assert!(parse_index(index("model-00001-of-00002.safetensors").as_bytes()).is_ok());
        for name in [
            "../x.safetensors",
            "a/x.safetensors",
            "/x.safetensors",
            "a\\x.safetensors",
            "C:x.safetensors",
            "..",
            ".safetensors",
            "",
            "x.bin",
            "x\0.safetensors",
        ] {
            let e = parse_index(index(name).as_bytes()).unwrap_err();
            assert!(e.message.contains("weight_map") && e.message.contains("not a plain name"), "{name:?}: {e}");
        }
    }

    #[test]
    fn malformed_indexes() {
        for (text, parts) in [
            ("", ["byte 0, index", "EOF"]),
            ("[]", ["byte 0, index", "an object with a weight_map"]),
            ("{}", ["byte 1, index", "missing field `weight_map`"]),
            ("{\"weight_map\":{}}", ["weight_map", "names no tensor"]),
            ("{\"weight_map\":[]}", ["byte 13, index", "an object of file names"]),
            ("{\"weight_map\":{\"a\":1}}", ["byte 19, index", "expected a string"]),
            ("{\"weight_map\":{\"a\":\"x\",\"a\":\"y\"}}", ["index", "duplicate tensor \"a\""]),
            ("{\"weight_map\":{},\n\"weight_map\":{}}", ["index", "duplicate key weight_map"]),
        ] {
            let e = parse_index(text.as_bytes()).unwrap_err();
            for p in parts {
                assert!(e.message.contains(p), "{text}: {e} does not say {p}");
            }
        }
        let deep = format!("{{\"x\":{}", "[".repeat(100_000));
        assert!(parse_index(deep.as_bytes()).unwrap_err().message.contains("EOF"));
    }
}
