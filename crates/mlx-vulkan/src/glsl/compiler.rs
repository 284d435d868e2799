//! The Khronos compiler, kept at a distance: its own thread with a deep stack, one at a time.

use super::{expansion, wrong};
use glslang::{
    Compiler, CompilerOptions, ShaderInput, ShaderMessage, ShaderSource, ShaderStage, SourceLanguage, SpirvVersion,
    Target, VulkanVersion,
};
use mlx_ir::{Error, Result};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

/// Compiled texts that are kept; with more all are forgotten.
const KEPT: usize = 512;
/// The compiler walks expressions recursively, so long ones need much. Only what is used takes memory.
const STACK: usize = 256 << 20;

static COMPILED: LazyLock<Mutex<HashMap<String, Arc<[u32]>>>> = LazyLock::new(Mutex::default);

pub fn compile(name: &str, text: &str) -> Result<Vec<u32>> {
    // The lock is held meanwhile: the same kernel is compiled once, and one compiler runs at a time.
    let mut kept = COMPILED.lock().unwrap_or_else(|e| e.into_inner());
    if let Some(code) = kept.get(text) {
        return Ok(code.to_vec());
    }
    expansion::check(text).map_err(|e| wrong(name, e))?;
    let owned = text.to_owned();
    let thread = std::thread::Builder::new().name("mlx-glsl".into()).stack_size(STACK);
    let running = thread
        .spawn(move || run(owned))
        .map_err(|e| Error::runtime(format!("[vulkan_kernel] {name}: no thread for the compiler: {e}")))?;
    // A panic of the bindings ends their thread only.
    let done = running.join().unwrap_or_else(|_| Err("the compiler failed".into()));
    let code = done.map_err(|e| wrong(name, format_args!("the kernel does not compile.\n{e}")))?;
    if kept.len() >= KEPT {
        kept.clear();
    }
    kept.insert(text.to_owned(), code.clone().into());
    Ok(code)
}

fn run(text: String) -> std::result::Result<Vec<u32>, String> {
    let compiler = Compiler::acquire().ok_or("the compiler does not start")?;
    let options = CompilerOptions {
        source_language: SourceLanguage::GLSL,
        target: Target::Vulkan { version: VulkanVersion::Vulkan1_1, spirv_version: SpirvVersion::SPIRV1_3 },
        version_profile: None,
        messages: ShaderMessage::DEFAULT,
    };
    let source = ShaderSource::from(text);
    let none: Option<&[(&str, Option<&str>)]> = None;
    let input = ShaderInput::new(&source, ShaderStage::Compute, &options, none, None).map_err(|e| e.to_string())?;
    let shader = compiler.create_shader(input).map_err(|e| errors(&e.to_string()))?;
    shader.compile().map_err(|e| errors(&e.to_string()))
}

/// The compiler's messages without what says nothing.
fn errors(log: &str) -> String {
    let lines: Vec<&str> = log
        .lines()
        .filter_map(|l| l.split_once("ERROR: ").map(|(_, text)| text.trim_end()))
        .filter(|l| !l.contains("compilation errors.") && !l.ends_with("compilation terminated"))
        .take(20)
        .collect();
    if lines.is_empty() { log.trim().to_owned() } else { lines.join("\n") }
}
