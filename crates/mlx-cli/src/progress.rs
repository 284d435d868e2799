//! The progress of a download: a bar on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mlx_hub::Event;

use crate::failure::one_line;
use crate::output;

/// Shows the events of one pull on standard error.
pub struct Display {
    quiet: bool,
    bar: Option<ProgressBar>,
    file: String,
}

impl Display {
    pub fn new(quiet: bool) -> Display {
        let terminal = !quiet && io::stderr().is_terminal();
        let bar = terminal.then(|| ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()));
        Display { quiet, bar, file: String::new() }
    }

    pub fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Note(text) => self.line(&one_line(text)),
            Event::Progress { file, done, total } => {
                let Some(bar) = &self.bar else { return };
                if self.file != file {
                    self.file = file.to_owned();
                    bar.reset();
                    bar.set_position(done);
                    bar.reset_eta();
                    bar.set_style(style(total.is_some()));
                    bar.set_message(one_line(file));
                }
                if let Some(total) = total {
                    bar.set_length(total);
                }
                bar.set_position(done);
            }
            Event::Done { file, bytes } => {
                self.file.clear();
                self.line(&format!("{} ({}), checksum verified", one_line(file), output::bytes(bytes)));
            }
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(sized: bool) -> ProgressStyle {
    let template = if sized {
        "{msg} [{bar:30}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta}"
    } else {
        "{spinner} {msg} {decimal_bytes} {decimal_bytes_per_sec}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("=> ")
}
