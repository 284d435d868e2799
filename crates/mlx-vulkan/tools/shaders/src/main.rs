//! Compiles the GLSL of mlx-vulkan to SPIR-V, as `shaders/kernels.toml` lists it.
//!
//! `mlx-vulkan-shaders FOLDER` writes `FOLDER/shaders/bundle/*.spv` and `FOLDER/src/shaders/table.rs`;
//! `mlx-vulkan-shaders FOLDER --check` compares instead and exits with 1 if something differs.

use glslang::include::{IncludeHandler, IncludeResult, IncludeType};
use glslang::{
    Compiler, CompilerOptions, ShaderInput, ShaderMessage, ShaderSource, ShaderStage, SourceLanguage, SpirvVersion,
    Target, VulkanVersion,
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    shader: Vec<Row>,
}

/// One source with its variants.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    source: String,
    /// Name of the result; `{}` stands for each value of `each`.
    name: String,
    #[serde(default)]
    each: Vec<String>,
    /// Macros defined before the source; `{}` as in `name`.
    #[serde(default)]
    defines: BTreeMap<String, String>,
    #[serde(default = "oldest")]
    target: String,
}

fn oldest() -> String {
    "vulkan1.1".to_owned()
}

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn target(name: &str) -> Result<Target> {
    let (version, spirv_version) = match name {
        "vulkan1.1" => (VulkanVersion::Vulkan1_1, SpirvVersion::SPIRV1_3),
        "vulkan1.2" => (VulkanVersion::Vulkan1_2, SpirvVersion::SPIRV1_5),
        "vulkan1.3" => (VulkanVersion::Vulkan1_3, SpirvVersion::SPIRV1_6),
        _ => return Err(format!("target {name:?} is none of vulkan1.1, vulkan1.2, vulkan1.3").into()),
    };
    Ok(Target::Vulkan { version, spirv_version })
}

/// Finds what `#include "…"` names: beside the file that includes it, or from the folder of the shaders.
struct Includes<'a> {
    root: &'a Path,
}

/// The path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for c in path.components() {
        match c {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            c => out.push(c),
        }
    }
    out
}

impl IncludeHandler for Includes<'_> {
    fn include(&mut self, _: IncludeType, header: &str, includer: &str, depth: usize) -> Option<IncludeResult> {
        if depth > 16 {
            return None;
        }
        let beside = Path::new(includer).parent().map(|p| plain(&p.join(header)));
        [beside, Some(PathBuf::from(header))].into_iter().flatten().find_map(|p| {
            let data = fs::read_to_string(self.root.join(&p)).ok()?;
            Some(IncludeResult { name: p.to_str()?.to_owned(), data })
        })
    }
}

/// Without names, lines and sources, which no driver needs.
fn strip(code: &[u32]) -> Result<Vec<u32>> {
    const NAMES_AND_LINES: [u32; 9] = [2, 3, 4, 5, 6, 7, 8, 317, 330];
    let (head, mut rest) = code.split_at_checked(5).ok_or("the result has no header")?;
    let mut out = head.to_vec();
    while let Some(&first) = rest.first() {
        let words = (first >> 16) as usize;
        let (op, after) = rest.split_at_checked(words.max(1)).ok_or("an instruction is cut off")?;
        if !NAMES_AND_LINES.contains(&(first & 0xffff)) {
            out.extend(op);
        }
        rest = after;
    }
    Ok(out)
}

fn compile(root: &Path, row: &Row, value: &str) -> Result<Vec<u32>> {
    let compiler = Compiler::acquire().ok_or("the compiler does not start")?;
    let mut text = fs::read_to_string(root.join(&row.source))?;
    let mut defines = String::new();
    for (macro_name, of) in &row.defines {
        let of = of.replace("{}", value);
        // The compiler does not expand macros there.
        text = text.replace(&format!("#include {macro_name}\n"), &format!("#include {of}\n"));
        defines += &format!("#define {macro_name} {of}\n");
    }
    // After the version and the extensions, which come first.
    let at =
        text.find("#extension GL_GOOGLE_include_directive").ok_or("GL_GOOGLE_include_directive is not asked for")?;
    let (version, body) = text.split_at(at);
    let line = version.lines().count() + 1;
    let text = format!("{version}{defines}#line {line}\n{body}");
    let options = CompilerOptions {
        source_language: SourceLanguage::GLSL,
        target: target(&row.target)?,
        version_profile: None,
        messages: ShaderMessage::DEFAULT,
    };
    let mut includes = Includes { root };
    let source = ShaderSource::from(text);
    let none: Option<&[(&str, Option<&str>)]> = None;
    let input = ShaderInput::new(&source, ShaderStage::Compute, &options, none, Some(&mut includes))?;
    strip(&compiler.create_shader(input)?.compile()?)
}

/// The contents of every file that is made, by path from the crate's folder.
fn build(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let root = folder.join("shaders");
    let manifest: Manifest = toml::from_str(&fs::read_to_string(root.join("kernels.toml"))?)?;
    let mut files = BTreeMap::new();
    let mut names = BTreeSet::new();
    let mut failures = Vec::new();
    for row in &manifest.shader {
        let once = [String::new()];
        let values = if row.each.is_empty() { &once[..] } else { &row.each[..] };
        for value in values {
            let name = row.name.replace("{}", value);
            if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
                return Err(format!("{name:?}: a name is made of a-z, 0-9 and _").into());
            }
            match compile(&root, row, value) {
                Ok(words) => {
                    let bytes = words.iter().flat_map(|w| w.to_le_bytes()).collect();
                    files.insert(format!("shaders/bundle/{name}.spv").into(), bytes);
                }
                Err(e) => failures.push(format!("{} ({name}): {e}", row.source)),
            }
            if !names.insert(name.clone()) {
                return Err(format!("{name} is made twice").into());
            }
        }
    }
    if !failures.is_empty() {
        return Err(failures.join("\n").into());
    }
    let mut table = String::from("// Made by scripts/shaders.sh from shaders/kernels.toml.\nshaders! {\n");
    for n in &names {
        table += &format!("    {} = {n:?},\n", n.to_uppercase());
    }
    table += "}\n";
    files.insert("src/shaders/table.rs".into(), table.into_bytes());
    Ok(files)
}

/// Files of the bundle that no row makes any more.
fn stale(folder: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) -> Result<Vec<PathBuf>> {
    let bundle = folder.join("shaders/bundle");
    let mut out = Vec::new();
    if bundle.is_dir() {
        for entry in fs::read_dir(bundle)? {
            let path = Path::new("shaders/bundle").join(entry?.file_name());
            if !files.contains_key(&path) {
                out.push(path);
            }
        }
    }
    Ok(out)
}

fn run() -> Result<bool> {
    let args: Vec<String> = env::args().skip(1).collect();
    let (folder, check) = match &args[..] {
        [f] => (Path::new(f), false),
        [f, flag] if flag == "--check" => (Path::new(f), true),
        _ => return Err("usage: mlx-vulkan-shaders FOLDER [--check]".into()),
    };
    let files = build(folder)?;
    let stale = stale(folder, &files)?;
    if check {
        let differing = files.iter().filter(|(p, data)| fs::read(folder.join(p)).ok().as_ref() != Some(data));
        let wrong: Vec<&PathBuf> = differing.map(|(p, _)| p).chain(&stale).collect();
        for p in &wrong {
            eprintln!("{} is not what the sources make; run scripts/shaders.sh", p.display());
        }
        println!("{} files, {} not current", files.len(), wrong.len());
        return Ok(wrong.is_empty());
    }
    fs::create_dir_all(folder.join("shaders/bundle"))?;
    fs::create_dir_all(folder.join("src/shaders"))?;
    let mut written = 0;
    for (p, data) in &files {
        if fs::read(folder.join(p)).ok().as_ref() != Some(data) {
            fs::write(folder.join(p), data)?;
            written += 1;
        }
    }
    for p in &stale {
        fs::remove_file(folder.join(p))?;
    }
    println!("{} files, {written} written, {} removed", files.len(), stale.len());
    Ok(true)
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}
