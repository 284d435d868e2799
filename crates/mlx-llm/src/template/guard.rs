//! Filters that look at the whole of a value, with a price on its real size.
//!
//! The engine charges for the slots of a list, not for what they hold: a list of a hundred thousand times the
//! same long string is cheap until it becomes text. These filters are charged for all of it beforehand.

use minijinja::value::{Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, ErrorKind, State, Value};

/// Deepest nesting a guarded filter takes.
const DEPTH: usize = 64;

/// Filters that turn values into text or compare them.
const GUARDED: &[&str] = &[
    "string",
    "join",
    "trim",
    "upper",
    "lower",
    "title",
    "capitalize",
    "replace",
    "indent",
    "escape",
    "e",
    "safe",
    "split",
    "lines",
    "format",
    "sort",
    "unique",
    "min",
    "max",
    "groupby",
    "dictsort",
    "sum",
];

/// Replaces the filters by guarded ones.
pub(super) fn install(env: &mut Environment<'_>) {
    for &name in GUARDED {
        env.add_filter(name, move |state: &State, args: Rest<ValueOrKwargs>| {
            let args = args.into_values();
            for arg in &args {
                weigh(state, arg, 0)?;
            }
            // The engine's own filter, in an engine of its own with the fuel that is left.
            let mut plain = Environment::new();
            plain.set_fuel(state.fuel_levels().map(|(_, left)| left));
            let mut inner = plain.empty_state();
            let result = inner.apply_filter(name, &args);
            if let Some((used, _)) = inner.fuel_levels() {
                state.consume_fuel(used)?;
            }
            result
        });
    }
}

/// Charges for a value and all that is in it.
pub(super) fn weigh(state: &State, value: &Value, depth: usize) -> Result<(), Error> {
    if depth > DEPTH {
        return Err(Error::new(ErrorKind::InvalidOperation, format!("a value of more than {DEPTH} levels")));
    }
    state.consume_fuel(1 + value.as_str().map_or(0, str::len) as u64 / 64)?;
    match value.kind() {
        ValueKind::Map => {
            for key in value.try_iter()? {
                weigh(state, &key, depth + 1)?;
                weigh(state, &value.get_item(&key)?, depth + 1)?;
            }
        }
        ValueKind::Seq | ValueKind::Iterable => {
            for item in value.try_iter()? {
                weigh(state, &item, depth + 1)?;
            }
        }
        _ => {}
    }
    Ok(())
}
