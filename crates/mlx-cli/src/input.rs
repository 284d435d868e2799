//! What the user gives: a model name, a text.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use mlx_hub::{KNOWN, Store};

use crate::failure::Failure;

/// The longest text that is read from standard input.
const MAX_TEXT: u64 = 64 << 20;

/// The model of a command.
#[derive(clap::Args)]
pub struct ModelArg {
    /// Model: a path, a short name (smollm2, gemma3-270m) or a hub repository `user/repo[:quant]`
    #[arg(long, value_name = "MODEL")]
    pub model: Option<String>,
}

impl ModelArg {
    /// The name given, or that of the default model.
    pub fn name(&self) -> &str {
        self.model.as_deref().unwrap_or(KNOWN[0].alias)
    }

    /// Where it lies. It is never downloaded here.
    pub fn path(&self) -> Result<PathBuf, Failure> {
        Ok(Store::open()?.resolve(self.name())?)
    }
}

/// The text of an argument; `-` stands for standard input, and so does nothing where input is piped in.
pub fn text(argument: Option<&str>) -> Result<String, Failure> {
    match argument {
        Some("-") => read_stdin(),
        Some(text) => Ok(text.to_owned()),
        None if !std::io::stdin().is_terminal() => read_stdin(),
        None => Err(Failure::input("a text is needed (or - for standard input)")),
    }
}

fn read_stdin() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().lock().take(MAX_TEXT + 1).read_to_end(&mut bytes);
    read.map_err(|e| Failure::surroundings(format!("cannot read standard input: {e}")))?;
    if bytes.len() as u64 > MAX_TEXT {
        return Err(Failure::input(format!("the text on standard input is longer than {} MiB", MAX_TEXT >> 20)));
    }
    String::from_utf8(bytes).map_err(|e| {
        Failure::input(format!("standard input is not UTF-8 text (byte {})", e.utf8_error().valid_up_to()))
    })
}
