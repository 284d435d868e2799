//! Models split over several files: `name-00001-of-00003.gguf`, …

use super::value::Metadata;
use super::{Gguf, MAX_TENSORS};
use crate::map::MappedFile;
use mlx_ir::{Error, Result};
use std::path::{Path, PathBuf};

const COUNT: &str = "split.count";
const NUMBER: &str = "split.no";
const TENSORS: &str = "split.tensors.count";

/// How many files the model has, if the file says.
pub(super) fn split_count(metadata: &Metadata) -> Result<Option<u32>> {
    metadata.opt_u32(COUNT)
}

/// Opens a file and, if it is a part, all parts.
pub(super) fn open(path: &Path) -> Result<Gguf> {
    let first = open_one(path)?;
    let count = at(path, split_count(&first.metadata))?;
    match count {
        None | Some(0 | 1) => Ok(first),
        Some(count) => open_parts(path, first, count),
    }
}

fn open_one(path: &Path) -> Result<Gguf> {
    at(path, Gguf::from_file(MappedFile::open(path)?))
}

/// Puts the path into a message.
fn at<T>(path: &Path, result: Result<T>) -> Result<T> {
    result.map_err(|e| {
        let what = e.message.strip_prefix("[gguf] ").unwrap_or(&e.message);
        Error::new(e.kind, format!("[gguf] {}: {what}", path.display()))
    })
}

/// `name-00002-of-00003.gguf` as `("name", 2, 3)`.
fn split_name(file_name: &str) -> Option<(&str, u32, u32)> {
    let stem = file_name.strip_suffix(".gguf")?;
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (prefix, number) = rest.rsplit_once('-')?;
    let parse = |s: &str| {
        let digits = s.len() == 5 && s.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| s.parse().ok()).flatten()
    };
    Some((prefix, parse(number)?, parse(count)?))
}

fn open_parts(path: &Path, opened: Gguf, count: u32) -> Result<Gguf> {
    let fail = |path: &Path, what: String| Err(Error::io(format!("[gguf] {}: {what}", path.display())));
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let Some((prefix, number, named_count)) = split_name(name) else {
        return fail(path, format!("{COUNT} is {count}, but the name does not end in -00001-of-{count:05}.gguf"));
    };
    if named_count != count || number == 0 || number > count {
        return fail(path, format!("{COUNT} is {count}, which does not fit the file's name"));
    }
    let sibling = |n: u32| -> PathBuf { path.with_file_name(format!("{prefix}-{n:05}-of-{count:05}.gguf")) };

    let mut opened = Some(opened);
    let mut whole: Option<Gguf> = None;
    let mut expected = 0;
    for n in 1..=count {
        let part_path = sibling(n);
        let part = match opened.take_if(|_| n == number) {
            Some(part) => part,
            None => open_one(&part_path)?,
        };
        let said = at(&part_path, part.metadata.get_u32(NUMBER))?;
        if said != n - 1 {
            return fail(&part_path, format!("{NUMBER} is {said}, expected {}", n - 1));
        }
        let said = at(&part_path, part.metadata.get_u32(COUNT))?;
        if said != count {
            return fail(&part_path, format!("{COUNT} is {said}, the other files say {count}"));
        }
        let said = at(&part_path, part.metadata.get_usize(TENSORS))?;
        match &mut whole {
            None => {
                expected = said;
                whole = Some(part);
            }
            Some(_) if said != expected => {
                return fail(&part_path, format!("{TENSORS} is {said}, the first file says {expected}"));
            }
            Some(whole) => append(whole, part, &part_path)?,
        }
    }
    // `count` is at least 2 here, so the loop ran.
    let Some(whole) = whole else {
        return fail(path, format!("{COUNT} is zero"));
    };
    if whole.tensors.len() != expected {
        return fail(
            path,
            format!("{TENSORS} is {expected}, but the {count} files hold {} tensors", whole.tensors.len()),
        );
    }
    Ok(whole)
}

fn append(whole: &mut Gguf, part: Gguf, part_path: &Path) -> Result<()> {
    let fail = |what: String| Err(Error::io(format!("[gguf] {}: {what}", part_path.display())));
    // `split_name` takes five digits, so a part number can be above what `u16` holds.
    let Ok(number) = u16::try_from(whole.files.len()) else {
        return fail(format!("more than {} files", u16::MAX));
    };
    if whole.tensors.len() + part.tensors.len() > MAX_TENSORS {
        return fail(format!("more than {MAX_TENSORS} tensors in all files"));
    }
    for mut tensor in part.tensors {
        tensor.part = number;
        if whole.by_name.insert(tensor.name.clone(), whole.tensors.len()).is_some() {
            return fail(format!("duplicate tensor {:?}, also in an earlier file", tensor.name));
        }
        whole.tensors.push(tensor);
    }
    whole.files.extend(part.files);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::split_name;

    #[test]
    fn names() {
        assert_eq!(split_name("a-b-00002-of-00003.gguf"), Some(("a-b", 2, 3)));
        for wrong in
            ["a.gguf", "a-2-of-3.gguf", "a-00002-of-00003.bin", "a-0000x-of-00003.gguf", "a-+0001-of-00003.gguf"]
        {
            assert_eq!(split_name(wrong), None, "{wrong}");
        }
    }
}
