//! `tojson` as Python's `json.dumps(value, ensure_ascii=False)` writes it.

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};
use std::fmt::Write;

/// Deepest nesting.
const DEPTH: usize = 64;

/// Widest indentation.
const INDENT: usize = 16;

pub(super) fn tojson(state: &State, value: &Value, options: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = options.get("indent")?;
    for known in ["ensure_ascii", "separators", "sort_keys"] {
        // Accepted where they ask for what is done anyway.
        let option: Option<Value> = options.get(known)?;
        if option.is_some_and(|v| v.is_true()) {
            return Err(invalid(format!("tojson: {known} is not supported")));
        }
    }
    options.assert_all_used()?;
    if indent.is_some_and(|n| n > INDENT) {
        return Err(invalid(format!("tojson: an indentation over {INDENT}")));
    }
    let mut writer = Writer { state, out: String::new(), charged: 0, indent };
    writer.value(value, 0)?;
    Ok(Value::from(writer.out))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

struct Writer<'a, 'b, 'c> {
    state: &'a State<'b, 'c>,
    out: String,
    /// Bytes of `out` that are paid for.
    charged: usize,
    indent: Option<usize>,
}

impl Writer<'_, '_, '_> {
    /// Pays for what was written, and one step.
    fn pay(&mut self) -> Result<(), Error> {
        let bytes = self.out.len() - self.charged;
        self.charged = self.out.len();
        self.state.consume_fuel(1 + bytes as u64 / 64)
    }

    fn line(&mut self, depth: usize) {
        if let Some(indent) = self.indent {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', indent * depth));
        }
    }

    fn value(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > DEPTH {
            return Err(invalid(format!("tojson: more than {DEPTH} levels")));
        }
        self.pay()?;
        match value.kind() {
            ValueKind::None => self.out.push_str("null"),
            ValueKind::Bool => self.out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => {
                let _ = write!(self.out, "{value}");
            }
            ValueKind::String => self.string(value.as_str().unwrap_or_default())?,
            ValueKind::Map => self.list('{', '}', value, depth)?,
            ValueKind::Seq | ValueKind::Iterable => self.list('[', ']', value, depth)?,
            other => return Err(invalid(format!("tojson: {other} is not JSON"))),
        }
        self.pay()
    }

    /// The items of a sequence or, in braces, the entries of a map.
    fn list(&mut self, open: char, close: char, value: &Value, depth: usize) -> Result<(), Error> {
        self.out.push(open);
        let mut first = true;
        for item in value.try_iter()? {
            if !std::mem::take(&mut first) {
                self.out.push_str(if self.indent.is_some() { "," } else { ", " });
            }
            self.line(depth + 1);
            if open == '{' {
                match item.as_str() {
                    Some(key) => self.string(key)?,
                    None => return Err(invalid("tojson: a key is not a string")),
                }
                self.out.push_str(": ");
                self.value(&value.get_item(&item)?, depth + 1)?;
            } else {
                self.value(&item, depth + 1)?;
            }
        }
        if !first {
            self.line(depth);
        }
        self.out.push(close);
        Ok(())
    }

    fn string(&mut self, text: &str) -> Result<(), Error> {
        self.state.consume_fuel(text.len() as u64 / 64)?;
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{c}' => self.out.push_str("\\f"),
                c if c < ' ' => {
                    let _ = write!(self.out, "\\u{:04x}", c as u32);
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
        Ok(())
    }
}
