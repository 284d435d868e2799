//! Python's methods, with a price on those whose cost could run away.

use minijinja::value::{ValueKind, from_args};
use minijinja::{Error, ErrorKind, State, Value};
use minijinja_contrib::pycompat::unknown_method_callback;

/// Bytes that one step pays for.
const STEP: usize = 64;

pub(super) fn call(state: &mut State, value: &Value, method: &str, args: &[Value]) -> Result<Value, Error> {
    if let Some(text) = value.as_str() {
        if method == "join" {
            return join(state, text, args);
        }
        let pay = |bytes: usize| state.consume_fuel((bytes / STEP) as u64 + 1);
        let arg = |i: usize| args.get(i).and_then(Value::as_str);
        pay(text.len())?;
        match (method, arg(0)) {
            ("format", _) => return Err(Error::from(ErrorKind::UnknownMethod)),
            ("replace", Some(old)) => {
                let found = if old.is_empty() { text.len() + 1 } else { text.matches(old).count() };
                pay(found.saturating_mul(arg(1).map_or(0, str::len)))?;
            }
            // A list has about a step's worth of data per item.
            ("split", Some(by)) if !by.is_empty() => pay(text.matches(by).count().saturating_mul(STEP))?,
            ("split", _) => pay(text.split_whitespace().count().saturating_mul(STEP))?,
            ("splitlines", _) => pay(text.lines().count().saturating_mul(STEP))?,
            ("strip" | "lstrip" | "rstrip", Some(chars)) => pay(text.len().saturating_mul(chars.len()))?,
            ("startswith" | "endswith", None) => {
                let count = args.first().and_then(Value::len).unwrap_or(0);
                pay(count.saturating_mul(text.len().max(STEP)))?;
            }
            _ => {}
        }
    }
    unknown_method_callback(state, value, method, args)
}

/// `str.join`: strings only, as in Python.
fn join(state: &State, separator: &str, args: &[Value]) -> Result<Value, Error> {
    let (items,): (&Value,) = from_args(args)?;
    let mut out = String::new();
    for (i, item) in items.try_iter()?.enumerate() {
        let text = match item.kind() {
            ValueKind::String => item.as_str().unwrap_or_default(),
            other => {
                return Err(Error::new(
                    ErrorKind::InvalidOperation,
                    format!("join: item {i} is {other}, not a string"),
                ));
            }
        };
        state.consume_fuel(((separator.len() + text.len()) / STEP) as u64 + 1)?;
        if i > 0 {
            out.push_str(separator);
        }
        out.push_str(text);
    }
    Ok(Value::from(out))
}
