//! Reads one section: each key by its kind, and whatever is left over is unknown.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use config::{Map, Value};

use super::mistake::{Given, Mistake, is_secret, may_be_secret};
use super::value::{self, place, shown};

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

    /// Says that a value that was read already is refused after all.
    pub(super) fn refuse_again(&mut self, key: &str, accepted: &str) {
        if let Some(value) = self.values.and_then(|values| values.get(key)) {
            self.refuse(key, value, accepted);
        }
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

    /// A value that `read` understands, and without which nothing goes.
    pub(super) fn needed<T>(
        &mut self,
        key: &'static str,
        because: &'static str,
        accepted: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let Some(value) = self.value(key) else {
            self.mistakes.push(Mistake::Missing { key: self.key(key), because });
            return None;
        };
        let understood = value::text(value).and_then(read);
        if understood.is_none() {
            self.refuse(key, value, accepted);
        }
        understood
    }

    /// A whole number within a range.
    pub(super) fn whole<N>(&mut self, key: &'static str, default: N, range: RangeInclusive<N>) -> N
    where
        N: TryFrom<i64> + PartialOrd + Display + Copy,
    {
        let accepted = format!("a whole number from {} to {}", range.start(), range.end());
        self.read(key, default, &accepted, |value| {
            N::try_from(value::whole(value)?).ok().filter(|number| range.contains(number))
        })
    }

    /// `true` or `false`.
    pub(super) fn truth(&mut self, key: &'static str, default: bool) -> bool {
        self.read(key, default, "true or false", value::truth)
    }

    /// A text that `parse` understands.
    pub(super) fn text<T>(
        &mut self,
        key: &'static str,
        default: T,
        accepted: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        self.read(key, default, accepted, |value| parse(value::text(value)?))
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
        let Some(items) = value::list(value) else {
            let parsed = value::text(value).and_then(|text| {
                let texts = match value::untyped(value) {
                    Some("") => Vec::new(),
                    Some(text) => text.split(',').collect(),
                    None => vec![text],
                };
                texts.into_iter().map(|text| parse(text.trim())).collect::<Option<Vec<_>>>()
            });
            return parsed.map_or_else(
                || {
                    self.refuse(key, value, format!("{accepted}, or a list of such"));
                    default
                },
                |lists| lists.into_iter().flatten().collect(),
            );
        };
        let mut list = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match value::text(item).and_then(&parse) {
                Some(parsed) => list.extend(parsed),
                None => self.refuse(&format!("{key}[{index}]"), item, accepted),
            }
        }
        list
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
