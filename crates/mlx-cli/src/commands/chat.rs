//! `mlx-arm chat`: a conversation. Ctrl-C stops the answer; twice at the prompt, the program.

use std::io::{BufRead, IsTerminal};
use std::sync::{Arc, Mutex, PoisonError};

use mlx_llm::engine::{CancelToken, Engine, FinishReason, GenerateOptions, Session};
use mlx_llm::sample::SampleOptions;
use mlx_llm::template::Message;
use rustyline::error::ReadlineError;

use crate::failure::{Failure, one_line};
use crate::output::emit;
use crate::runtime::{RunArgs, SamplingArgs, chat_tokens, parse_threads};

/// Talk with a model
///
/// One line is one message. /reset forgets the conversation, /exit ends, /help lists the commands. Where input is
/// not a terminal every line is answered, up to the end of input.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    run: RunArgs,
    /// Most tokens of an answer
    #[arg(short, long, default_value_t = 1024, value_name = "N")]
    max_tokens: usize,
    #[command(flatten)]
    sampling: SamplingArgs,
    /// Instructions ahead of the conversation
    #[arg(long, value_name = "TEXT")]
    system_prompt: Option<String>,
    /// Threads [default: one for each core]
    #[arg(short, long, value_parser = parse_threads)]
    threads: Option<usize>,
}

const HELP: &str =
    "/reset  forget the conversation\n/exit   end (as does Ctrl-D)\n/help   this list\nCtrl-C stops an answer\n";

pub fn run(args: &Args) -> Result<(), Failure> {
    let engine = args.run.load(args.threads)?;
    let mut chat = Chat::new(args, &engine);
    // Told before the first message is typed: a base model cannot chat.
    chat_tokens(&engine, &[Message::new("user", "")], "")?;
    let answering: Answering = Arc::default();
    let handler = Arc::clone(&answering);
    ctrlc::set_handler(move || match &*handler.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(token) => token.cancel(),
        None => std::process::exit(130),
    })
    .map_err(|e| Failure::surroundings(format!("cannot catch Ctrl-C: {e}")))?;
    if std::io::stdin().is_terminal() { on_terminal(&mut chat, &answering) } else { on_pipe(&mut chat, &answering) }
}

/// The answer under way, for the Ctrl-C handler.
type Answering = Arc<Mutex<Option<CancelToken>>>;

fn on_terminal(chat: &mut Chat<'_>, answering: &Answering) -> Result<(), Failure> {
    let failed = |e: ReadlineError| Failure::surroundings(format!("cannot read from the terminal: {e}"));
    let mut editor = rustyline::DefaultEditor::new().map_err(failed)?;
    emit("Type a message, or /help.\n")?;
    let mut interrupted = false;
    loop {
        match editor.readline("> ") {
            Ok(line) => {
                interrupted = false;
                if !line.trim().is_empty() {
                    // A line that cannot be remembered is still a message.
                    let _ = editor.add_history_entry(line.as_str());
                }
                if chat.line(&line, answering)?.ends() {
                    return Ok(());
                }
            }
            Err(ReadlineError::Interrupted) if !interrupted => {
                interrupted = true;
                emit("(Ctrl-C once more, or /exit, to leave)\n")?;
            }
            Err(ReadlineError::Interrupted | ReadlineError::Eof) => return Ok(()),
            Err(e) => return Err(failed(e)),
        }
    }
}

fn on_pipe(chat: &mut Chat<'_>, answering: &Answering) -> Result<(), Failure> {
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|e| Failure::input(format!("cannot read standard input: {e}")))?;
        if chat.line(&line, answering)?.ends() {
            break;
        }
    }
    Ok(())
}

/// Whether the conversation goes on.
#[derive(PartialEq)]
enum Next {
    Line,
    End,
}

impl Next {
    fn ends(&self) -> bool {
        *self == Next::End
    }
}

struct Chat<'a> {
    engine: &'a Engine,
    session: Session<'a>,
    system: Option<Message>,
    messages: Vec<Message>,
    max_tokens: usize,
    sampling: SampleOptions,
    stop: Vec<String>,
}

impl<'a> Chat<'a> {
    fn new(args: &Args, engine: &'a Engine) -> Chat<'a> {
        let system = args.system_prompt.as_ref().map(|s| Message::new("system", s));
        Chat {
            engine,
            session: engine.session(),
            messages: system.iter().cloned().collect(),
            system,
            max_tokens: args.max_tokens,
            sampling: args.sampling.options(),
            stop: args.sampling.stop.clone(),
        }
    }

    fn line(&mut self, line: &str, answering: &Answering) -> Result<Next, Failure> {
        match line.trim() {
            "" => {}
            "/exit" | "/quit" => return Ok(Next::End),
            "/help" => emit(HELP)?,
            "/reset" => {
                self.messages = self.system.iter().cloned().collect();
                emit("The conversation is forgotten.\n")?;
            }
            command if command.starts_with('/') && !command[1..].contains(['/', ' ']) => {
                eprintln!("there is no command {}; /help lists them", one_line(command));
            }
            message => self.answer(message, answering)?,
        }
        Ok(Next::Line)
    }

    /// One turn. What goes wrong with it is told, and the conversation stays as it was.
    fn answer(&mut self, message: &str, answering: &Answering) -> Result<(), Failure> {
        let before = self.messages.len();
        self.messages.push(Message::new("user", message));
        let cancel = CancelToken::new();
        let set = |token| *answering.lock().unwrap_or_else(PoisonError::into_inner) = token;
        set(Some(cancel.clone()));
        let result = self.stream(cancel);
        set(None);
        match result {
            Ok(text) => {
                self.messages.push(Message::new("assistant", text));
                // Another answer should not repeat the draws of this one.
                self.sampling.seed = self.sampling.seed.wrapping_add(1);
                Ok(())
            }
            Err(f) if f.code == 2 => {
                self.messages.truncate(before);
                eprintln!("error: {} (/reset starts over)", one_line(&f.message));
                Ok(())
            }
            Err(f) => Err(f),
        }
    }

    fn stream(&mut self, cancel: CancelToken) -> Result<String, Failure> {
        let tokens = chat_tokens(self.engine, &self.messages, "")?;
        let options = GenerateOptions {
            max_tokens: self.max_tokens,
            sampling: self.sampling.clone(),
            stop: self.stop.clone(),
            cancel,
            ..GenerateOptions::default()
        };
        let mut text = String::new();
        let mut finish = None;
        for step in self.session.generate(&tokens, options)? {
            let step = step?;
            emit(&step.text)?;
            text.push_str(&step.text);
            finish = step.finish;
        }
        emit("\n")?;
        match finish {
            Some(FinishReason::Cancelled) => eprintln!("(stopped)"),
            Some(FinishReason::Length) => eprintln!("(cut off: the most tokens of an answer, or the context, is full)"),
            _ => {}
        }
        Ok(text)
    }
}
