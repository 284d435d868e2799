//! Chat templates: the Jinja text in a model file that turns messages into a prompt.
//!
//! Templates come from strangers. They run without access to files, other templates or the environment, with a
//! budget of steps and memory, a limit on the output and on nesting. What they may use is what Hugging Face's
//! `apply_chat_template` offers: `trim_blocks` and `lstrip_blocks`, `break` and `continue`, namespaces and macros,
//! `raise_exception`, `strftime_now` (in UTC), `tojson` as Python's `json.dumps` writes it, Python's methods of
//! strings, lists and dictionaries, and `{% generation %}` marks, which do nothing here.
//!
//! A base model has no template: callers hold an `Option<ChatTemplate>`, see [`ChatTemplate::from_gguf`].

mod date;
mod guard;
mod json;
mod methods;
#[cfg(test)]
mod tests;

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error as JinjaError, ErrorKind, Value, context};
use mlx_io::gguf::Gguf;
use mlx_ir::{Error, Result};
use std::io::{self, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Most bytes of a template; real ones have up to some 30,000.
pub const MAX_SOURCE: usize = 1 << 17;

/// Stack for compiling each byte: two can nest an expression one deeper.
const STACK_PER_BYTE: u64 = 2048;

/// Most bytes a template may write beyond eight times its input.
const OUTPUT: usize = 4 << 20;

/// Steps for a template and for each message; each is about an instruction or 64 bytes of data.
const FUEL: u64 = 100_000;
const FUEL_PER_MESSAGE: u64 = 2_000;
const MAX_FUEL: u64 = 1_000_000;

/// Stack for each step: a template can nest a list one deeper with each, and dropping, comparing and printing
/// such a list recurses. It is address space only, until used.
const STACK_PER_FUEL: u64 = 640;
const STACK: u64 = 8 << 20;

/// Longest a template may take. Comparing or joining (`==`, `~`) lists that hold themselves many times over is
/// work that the engine does not count; the thread that does it is left behind then.
const TIME: Duration = Duration::from_secs(10);

/// Deepest nesting of blocks and macros (a macro counts several).
const RECURSION: usize = 128;

/// One message of a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// `system`, `user`, `assistant` or what else the template knows.
    pub role: String,
    /// The text.
    pub content: String,
}

impl Message {
    /// A message.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Self {
        Self { role: role.into(), content: content.into() }
    }
}

/// A compiled chat template. It doesn't change after it is made, and threads may share it.
#[derive(Debug)]
pub struct ChatTemplate {
    env: Environment<'static>,
    bos: String,
    eos: String,
}

const NAME: &str = "chat";

impl ChatTemplate {
    /// Compiles a template; `bos` and `eos` are what it sees as `bos_token` and `eos_token` (empty for none).
    /// Errors (`Value`) give the line of what isn't valid, and name a source over [`MAX_SOURCE`] bytes.
    pub fn new(source: &str, bos: &str, eos: &str) -> Result<Self> {
        if source.len() > MAX_SOURCE {
            return Err(Error::value(format!(
                "[chat template] a template of {} bytes is too long; at most {MAX_SOURCE}",
                source.len()
            )));
        }
        let mut env = Environment::new();
        let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build().map_err(failed)?;
        env.set_syntax(syntax);
        env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        env.set_recursion_limit(RECURSION);
        env.set_unknown_method_callback(methods::call);
        env.add_function("raise_exception", |message: &str| -> Result<Value, JinjaError> {
            Err(JinjaError::new(ErrorKind::InvalidOperation, message.to_owned()))
        });
        env.add_function("strftime_now", |format: &str| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
            date::strftime(format, now).map_err(|e| JinjaError::new(ErrorKind::InvalidOperation, e))
        });
        env.add_filter("tojson", json::tojson);
        guard::install(&mut env);
        // Cubic in the nesting of its value.
        env.remove_filter("pprint");
        let source = without_generation_marks(source);
        let stack = STACK + STACK_PER_BYTE * source.len() as u64;
        let env = in_time(stack, move || {
            env.add_template_owned(NAME, source).map_err(failed)?;
            Ok(env)
        })?;
        Ok(Self { env, bos: bos.to_owned(), eos: eos.to_owned() })
    }

    /// The template of a model file (`tokenizer.chat_template`), or `None` for a base model, for which a chat has
    /// no meaning and a program should say so. Errors as [`ChatTemplate::new`].
    pub fn from_gguf(gguf: &Gguf, bos: &str, eos: &str) -> Result<Option<Self>> {
        let source = gguf.metadata().opt_str("tokenizer.chat_template")?;
        source.map(|source| Self::new(source, bos, eos)).transpose()
    }

    /// The prompt for a chat. `add_generation_prompt` ends it where the assistant's answer begins. The text
    /// contains the model's control tokens, spelled: encode it with `parse_special` and without `add_special`.
    ///
    /// Errors (`Value`): what the template raises or gets wrong, with its line; no end within its budget.
    pub fn render(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String> {
        let bytes: usize = messages.iter().map(|m| m.role.len() + m.content.len()).sum();
        // Every part of the text may be looked at some eight times.
        let fuel = FUEL + FUEL_PER_MESSAGE * messages.len() as u64 + bytes as u64 / 8;
        let fuel = fuel.min(MAX_FUEL);
        let stack = STACK + STACK_PER_FUEL * fuel;
        let list: Vec<Value> =
            messages.iter().map(|m| context! { role => m.role.as_str(), content => m.content.as_str() }).collect();
        let input = context! {
            messages => list,
            add_generation_prompt,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
            tools => (),
            documents => (),
        };
        let mut env = self.env.clone();
        env.set_fuel(Some(fuel));
        let most = OUTPUT + 8 * bytes;
        in_time(stack, move || render(&env, input, most))
    }
}

/// Runs `work` on a thread of its own, with a stack of that many bytes, for at most [`TIME`].
fn in_time<T: Send + 'static>(stack: u64, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let (sender, receiver) = mpsc::channel();
    let work = move || {
        // The receiver is gone when the time was over.
        let _ = sender.send(work());
    };
    let thread = std::thread::Builder::new().name("chat template".into()).stack_size(stack as usize);
    thread
        .spawn(work)
        .map_err(|e| Error::memory(format!("[chat template] no thread with a stack of {stack} bytes: {e}")))?;
    receiver.recv_timeout(TIME).map_err(|e| match e {
        RecvTimeoutError::Timeout => {
            Error::value(format!("[chat template] the template does not end in {} seconds", TIME.as_secs()))
        }
        RecvTimeoutError::Disconnected => Error::runtime("[chat template] the template engine failed"),
    })?
}

fn render(env: &Environment<'_>, input: Value, most: usize) -> Result<String> {
    let mut out = Bounded { bytes: Vec::new(), most };
    let template = env.get_template(NAME).map_err(failed)?;
    template.render_captured_to(input, &mut out).map_err(failed)?;
    String::from_utf8(out.bytes).map_err(|_| Error::runtime("[chat template] the output is not UTF-8"))
}

/// A writer with an end.
struct Bounded {
    bytes: Vec<u8>,
    most: usize,
}

impl Write for Bounded {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if data.len() > self.most - self.bytes.len() {
            return Err(io::Error::other(format!("the output passes {} bytes", self.most)));
        }
        self.bytes.extend_from_slice(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A message at a length fit for one line of output.
fn clipped(text: &str) -> String {
    const MOST: usize = 300;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The crate's error with what went wrong and the line in the template.
fn failed(e: JinjaError) -> Error {
    let what = match e.kind() {
        ErrorKind::OutOfFuel => "the template does not end within its budget of steps".to_owned(),
        ErrorKind::WriteFailure => std::error::Error::source(&e).map_or("can't write".to_owned(), |s| s.to_string()),
        kind => match (e.detail(), std::error::Error::source(&e)) {
            (Some(detail), _) => clipped(detail),
            (None, Some(source)) => clipped(&source.to_string()),
            (None, None) => kind.to_string(),
        },
    };
    let line = e.line().map_or(String::new(), |line| format!(" (line {line})"));
    Error::value(format!("[chat template] {what}{line}"))
}

/// Turns `{% generation %}` … `{% endgeneration %}`, which mark the assistant's text for training, into blocks
/// that do nothing.
fn without_generation_marks(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find("{%") {
        let (before, tag) = rest.split_at(start + 2);
        out.push_str(before);
        let inner = tag.find("%}").map_or("", |end| &tag[..end]);
        rest = match inner.trim_matches(['-', '+']).trim() {
            word @ ("generation" | "endgeneration") => {
                let block = if word == "generation" { "if true" } else { "endif" };
                out.push_str(&inner.replacen(word, block, 1));
                &tag[inner.len()..]
            }
            _ => tag,
        };
    }
    out + rest
}
