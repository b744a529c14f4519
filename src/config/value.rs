//! One value: of which kind it is, where it came from, how it is shown.

use config::{Map, Value, ValueKind};

/// How much of a value is shown, in characters.
const SHOWN: usize = 80;

/// What the origins of values without a type begin with.
pub(super) const VARIABLE: &str = "environment variable ";
/// The same for flags.
pub(super) const FLAG: &str = "flag ";

/// Where it came from. A table, laid together from several sources, has no place but those of its parts.
pub(super) fn place(value: &Value) -> String {
    match (table(value), value.origin()) {
        (_, Some(place)) => place.to_owned(),
        (Some(table), None) => {
            let parts = table.values().map(place);
            // Of two line numbers the shorter one is the smaller one.
            let first = parts.min_by_key(|place| (place.len(), place.clone()));
            first.unwrap_or_else(|| "an empty table".to_owned())
        }
        (None, None) => "the default".to_owned(),
    }
}

/// A text.
pub(super) fn text(value: &Value) -> Option<&str> {
    if let ValueKind::String(text) = &value.kind { Some(text) } else { None }
}

/// A text that may stand for something else: it was given where there are no types.
pub(super) fn untyped(value: &Value) -> Option<&str> {
    let origin = value.origin()?;
    text(value).filter(|_| origin.starts_with(VARIABLE) || origin.starts_with(FLAG))
}

/// A whole number.
pub(super) fn whole(value: &Value) -> Option<i64> {
    if let ValueKind::I64(number) = &value.kind { Some(*number) } else { untyped(value)?.parse().ok() }
}

/// `true` or `false`.
pub(super) fn truth(value: &Value) -> Option<bool> {
    if let ValueKind::Boolean(truth) = &value.kind { Some(*truth) } else { untyped(value)?.parse().ok() }
}

/// A list.
pub(super) fn list(value: &Value) -> Option<&[Value]> {
    if let ValueKind::Array(items) = &value.kind { Some(items) } else { None }
}

/// A table.
pub(super) fn table(value: &Value) -> Option<&Map<String, Value>> {
    if let ValueKind::Table(table) = &value.kind { Some(table) } else { None }
}

/// As it is written in TOML, shortened; of a list or a table only that it is one: secrets may be in it.
pub(super) fn shown(value: &Value) -> Option<String> {
    let text = match &value.kind {
        ValueKind::Nil => "a date".to_owned(),
        ValueKind::Boolean(truth) => truth.to_string(),
        ValueKind::I64(number) => number.to_string(),
        ValueKind::Float(number) => format!("{number:?}"),
        ValueKind::String(text) => toml::Value::String(text.clone()).to_string(),
        ValueKind::Array(_) => "a list".to_owned(),
        ValueKind::Table(_) => "a table".to_owned(),
        ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => return None,
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Some(format!("{}…", text.get(..end)?)),
        None => Some(text),
    }
}
