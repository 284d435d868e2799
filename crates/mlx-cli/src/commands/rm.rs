//! `mlx-arm rm`: deletes models from the store.

use mlx_hub::Store;

use crate::failure::Failure;
use crate::output::{bytes, emit};

/// Delete downloaded models
#[derive(clap::Args)]
pub struct Args {
    /// Names as `mlx-arm ls` prints them
    #[arg(required = true)]
    names: Vec<String>,
}

pub fn run(args: &Args) -> Result<(), Failure> {
    let store = Store::open()?;
    for name in &args.names {
        let entry = store.remove(name)?;
        emit(&format!("{} deleted, {} freed\n", entry.name, bytes(entry.bytes)))?;
    }
    Ok(())
}
