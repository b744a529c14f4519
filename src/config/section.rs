//! Reads one section: each key by its kind, and whatever is left over is unknown.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use config::{Map, Value, ValueKind};

use super::mistake::{Given, Mistake, is_secret, may_be_secret};
use super::source::{is_text, place};

/// How much of a value is shown.
const SHOWN: usize = 80;

/// A section that is being read.
pub(super) struct Section<'a> {
    /// Its whole name.
    name: String,
    /// Whether its values and its unknown keys must not be shown.
    secret: bool,
    values: Option<&'a Map<String, Value>>,
    known: Vec<&'static str>,
    mistakes: &'a mut Vec<Mistake>,
}

impl<'a> Section<'a> {
    pub(super) fn new(
        name: impl Into<String>,
        values: Option<&'a Map<String, Value>>,
        mistakes: &'a mut Vec<Mistake>,
    ) -> Section<'a> {
        Section { name: name.into(), secret: false, values, known: Vec::new(), mistakes }
    }

    /// The same, with values that must not be shown.
    pub(super) fn secret(
        name: String,
        values: &'a Map<String, Value>,
        mistakes: &'a mut Vec<Mistake>,
    ) -> Section<'a> {
        Section { name, secret: true, values: Some(values), known: Vec::new(), mistakes }
    }

    /// A key of this section, whole.
    pub(super) fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    /// The value of a key, if it was given. From here on the key is a known one.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.push(key);
        self.values?.get(key)
    }

    /// Whether a key was given.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.values.is_some_and(|values| values.contains_key(key))
    }

    /// Says that a key, if it was given, changes nothing.
    pub(super) fn useless(&mut self, key: &str, without: &'static str) {
        if let Some(value) = self.values.and_then(|values| values.get(key)) {
            let given = self.given(key, value);
            self.mistakes.push(Mistake::Useless { given, without });
        }
    }

    /// A key and its value as they are shown.
    pub(super) fn given(&self, key: &str, value: &Value) -> Given {
        // `tokens[2]` is named after `tokens`.
        let name = key.split('[').next().unwrap_or(key);
        let hidden = self.secret || is_secret(name);
        Given { key: self.key(key), value: if hidden { None } else { shown(value) }, place: place(value) }
    }

    /// Says that a value is refused.
    pub(super) fn refuse(&mut self, key: &str, value: &Value, accepted: impl Into<String>) {
        let given = self.given(key, value);
        self.mistakes.push(Mistake::Refused { given, accepted: accepted.into() });
    }

    /// Says that something is wrong with what was given.
    pub(super) fn mistake(&mut self, mistake: Mistake) {
        self.mistakes.push(mistake);
    }

    /// The place where mistakes are written down.
    pub(super) fn mistakes(&mut self) -> &mut Vec<Mistake> {
        self.mistakes
    }

    /// A value that `read` understands, or the default.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        default: T,
        accepted: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> T {
        let Some(value) = self.value(key) else { return default };
        read(value).unwrap_or_else(|| {
            self.refuse(key, value, accepted);
            default
        })
    }

    /// A whole number within a range.
    pub(super) fn whole<N>(&mut self, key: &'static str, default: N, range: RangeInclusive<N>) -> N
    where
        N: TryFrom<i64> + PartialOrd + Display + Copy,
    {
        let accepted = format!("a whole number from {} to {}", range.start(), range.end());
        self.read(key, default, &accepted, |value| {
            let number = match &value.kind {
                ValueKind::I64(number) => Some(*number),
                ValueKind::String(text) if is_text(value) => text.parse().ok(),
                _ => None,
            };
            number.and_then(|number| N::try_from(number).ok()).filter(|number| range.contains(number))
        })
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, key: &'static str, default: bool) -> bool {
        self.read(key, default, "true or false", |value| match &value.kind {
            ValueKind::Boolean(truth) => Some(*truth),
            ValueKind::String(text) if is_text(value) => text.parse().ok(),
            _ => None,
        })
    }

    /// A text that `parse` understands.
    pub(super) fn text<T>(
        &mut self,
        key: &'static str,
        default: T,
        accepted: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        self.read(key, default, accepted, |value| match &value.kind {
            ValueKind::String(text) => parse(text),
            _ => None,
        })
    }

    /// A path; an empty one is none.
    pub(super) fn path(&mut self, key: &'static str, default: Option<PathBuf>) -> Option<PathBuf> {
        self.text(key, default, "a path, or \"\" for none", |text| {
            Some((!text.is_empty()).then(|| PathBuf::from(text)))
        })
    }

    /// A list of texts, or a single one; from text without types, with commas between them.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        default: Vec<T>,
        accepted: &str,
        parse: impl Fn(&str) -> Option<Vec<T>>,
    ) -> Vec<T> {
        let Some(value) = self.value(key) else { return default };
        match &value.kind {
            ValueKind::Array(items) => {
                let mut list = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let parsed = match &item.kind {
                        ValueKind::String(text) => parse(text),
                        _ => None,
                    };
                    match parsed {
                        Some(parsed) => list.extend(parsed),
                        None => self.refuse(&format!("{key}[{index}]"), item, accepted),
                    }
                }
                list
            }
            ValueKind::String(text) => {
                let texts = if is_text(value) { text.split(',').collect() } else { vec![text.as_str()] };
                let parsed: Option<Vec<Vec<T>>> = texts.into_iter().map(|text| parse(text.trim())).collect();
                parsed.map_or_else(
                    || {
                        self.refuse(key, value, format!("{accepted}, or a list of such"));
                        default
                    },
                    |lists| lists.into_iter().flatten().collect(),
                )
            }
            _ => {
                self.refuse(key, value, format!("{accepted}, or a list of such"));
                default
            }
        }
    }

    /// Refuses the keys that nobody asked for.
    pub(super) fn close(self) {
        let mut unknown: Vec<(&String, &Value)> = self
            .values
            .into_iter()
            .flatten()
            .filter(|(key, _)| !self.known.contains(&key.as_str()))
            .collect();
        unknown.sort_by_key(|(key, _)| *key);
        let known = format!("[{}] has {}", self.name, self.known.join(", "));
        for (key, value) in unknown {
            // Below `tokens` the name of a key may be a token that was put into the wrong place.
            let named = if self.secret { format!("a key of {}", self.name) } else { self.key(key) };
            let value_shown = if self.secret || may_be_secret(key) { None } else { shown(value) };
            let given = Given { key: named, value: value_shown, place: place(value) };
            self.mistakes.push(Mistake::Unknown { given, known: known.clone() });
        }
    }
}

/// A value as it is written in TOML, shortened; nothing where it has parts, among which secrets may be.
fn shown(value: &Value) -> Option<String> {
    let text = match &value.kind {
        ValueKind::Nil => "a date".to_owned(),
        ValueKind::Boolean(truth) => truth.to_string(),
        ValueKind::I64(number) => number.to_string(),
        ValueKind::Float(number) => format!("{number:?}"),
        ValueKind::String(text) => toml::Value::String(text.clone()).to_string(),
        ValueKind::Array(_) => return Some("a list".to_owned()),
        ValueKind::Table(_) => return Some("a table".to_owned()),
        ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => return None,
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Some(format!("{}…", text.get(..end)?)),
        None => Some(text),
    }
}
