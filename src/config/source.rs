//! Where settings come from: file, environment, flags, laid over each other in this order.
//!
//! Each value keeps where it came from; a file's values keep their line.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use config::{Config, Environment, Map, Source, Value, ValueKind};
use toml::de::{DeInteger, DeTable, DeValue};

use super::Overrides;
use super::mistake::{self, ConfigError, Mistake};
use super::value::{FLAG, VARIABLE};

/// The sections that there are.
pub(super) const SECTIONS: [&str; 7] = ["server", "tls", "admin", "timing", "limits", "apps", LISTED];

/// The section of which there are as many as needed, `[[hosted]]`.
const LISTED: &str = "hosted";

const PREFIX: &str = "CRSOCKET";
const SEPARATOR: &str = "__";
/// What was given, the stronger over the weaker, and what is wrong with where it stands.
pub(super) fn merge(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    flags: &Overrides,
) -> Result<(Map<String, Value>, Vec<Mistake>), ConfigError> {
    let mut mistakes = Vec::new();
    let mut builder = Config::builder();
    if let Some(path) = file {
        builder = builder.add_source(Given(from_file(path, &mut mistakes)?));
    }
    let layered = builder
        .add_source(Given(from_environment(environment, &mut mistakes)))
        .add_source(Given(from_flags(flags)))
        .build();
    // Sources that are plain values cannot fail.
    let tree = layered.and_then(|config| config.collect()).unwrap_or_default();
    Ok((tree, mistakes))
}

/// Values that were read already.
#[derive(Clone, Debug)]
struct Given(Map<String, Value>);

impl Source for Given {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.clone())
    }
}

fn from_file(path: &Path, mistakes: &mut Vec<Mistake>) -> Result<Map<String, Value>, ConfigError> {
    let text =
        fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let parsed = DeTable::parse(text).map_err(|error| {
        let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        ConfigError::Syntax {
            path: path.to_owned(),
            line: line_of(text, before.len()),
            column: before.chars().count() - before.get(..line_start).map_or(0, |text| text.chars().count())
                + 1,
            what: error.message().to_owned(),
        }
    })?;
    let file = File { path, text };
    let mut sections = Map::new();
    for (name, value) in parsed.into_inner() {
        let place = file.place(name.span().start);
        let name = name.into_inner().into_owned();
        if !SECTIONS.contains(&name.as_str()) {
            let given = mistake::Given { key: name, value: None, place };
            mistakes
                .push(Mistake::Unknown { given, known: format!("the sections are {}", SECTIONS.join(", ")) });
        } else if name == LISTED || matches!(value.get_ref(), DeValue::Table(_)) {
            sections.insert(name, file.value(value.get_ref(), value.span().start));
        } else {
            let given = mistake::Given { key: name, value: None, place };
            mistakes.push(Mistake::Refused { given, accepted: "a section, such as [server]".to_owned() });
        }
    }
    Ok(sections)
}

fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// A file that is being read.
struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn place(&self, at: usize) -> String {
        format!("line {} of {}", line_of(self.text, at), self.path.display())
    }

    fn value(&self, value: &DeValue<'_>, at: usize) -> Value {
        let kind = match value {
            DeValue::String(text) => ValueKind::String(text.clone().into_owned()),
            DeValue::Integer(number) => whole(number),
            DeValue::Float(number) => ValueKind::Float(number.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(truth) => ValueKind::Boolean(*truth),
            // No setting is a date, and there is no kind for one.
            DeValue::Datetime(_) => ValueKind::Nil,
            DeValue::Array(items) => ValueKind::Array(
                items.iter().map(|item| self.value(item.get_ref(), item.span().start)).collect(),
            ),
            DeValue::Table(table) => ValueKind::Table(
                table
                    .iter()
                    .map(|(key, value)| {
                        let name = key.get_ref().clone().into_owned();
                        (name, self.value(value.get_ref(), key.span().start))
                    })
                    .collect(),
            ),
        };
        Value::new(Some(&self.place(at)), kind)
    }
}

/// A number of any size: what is too long for one becomes about as large.
fn whole(number: &DeInteger<'_>) -> ValueKind {
    i64::from_str_radix(number.as_str(), number.radix())
        .map_or_else(|_| ValueKind::Float(number.as_str().parse().unwrap_or(f64::INFINITY)), ValueKind::I64)
}

fn from_environment(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    mistakes: &mut Vec<Mistake>,
) -> Map<String, Value> {
    let mut variables = Map::new();
    for (name, value) in environment {
        let name = name.to_string_lossy().to_uppercase();
        if !name.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with(SEPARATOR)) {
            continue;
        }
        match value.into_string() {
            Ok(value) => {
                variables.insert(name, value);
            }
            Err(_) => mistakes.push(Mistake::Variable { name, because: "its value is not UTF-8" }),
        }
    }
    let environment = Environment::with_prefix(PREFIX).separator(SEPARATOR).source(Some(variables)).collect();
    let mut keys: Vec<(String, Value)> = environment.unwrap_or_default().into_iter().collect();
    keys.sort_by(|one, other| one.0.cmp(&other.0));
    let mut given = Map::new();
    for (path, value) in keys {
        let name = format!("{PREFIX}{SEPARATOR}{}", path.replace('.', SEPARATOR).to_uppercase());
        match section_and_key(&path) {
            Ok((section, key)) => {
                let value = Value::new(Some(&format!("{VARIABLE}{name}")), value.kind);
                put(&mut given, section, key, value);
            }
            Err(because) => mistakes.push(Mistake::Variable { name, because }),
        }
    }
    given
}

/// The setting that an environment variable names, or what speaks against it.
fn section_and_key(path: &str) -> Result<(&str, &str), &'static str> {
    match path.split('.').collect::<Vec<_>>().as_slice() {
        ["apps", ..] => {
            Err("apps are configured in the file alone: the name of a variable has no case and no \
                             hyphen, so it could not name every app")
        }
        [LISTED, ..] => Err("hosted clients are configured in the file alone"),
        [section, key] if SECTIONS.contains(section) => Ok((section, key)),
        _ => {
            Err("no setting has this name; accepted: CRSOCKET__SECTION__KEY, where SECTION is SERVER, TLS, \
                  ADMIN, TIMING or LIMITS")
        }
    }
}

fn put(sections: &mut Map<String, Value>, section: &str, key: &str, value: Value) {
    let table =
        sections.entry(section.to_owned()).or_insert_with(|| Value::new(None, Map::<String, Value>::new()));
    if let ValueKind::Table(table) = &mut table.kind {
        table.insert(key.to_owned(), value);
    }
}

fn from_flags(flags: &Overrides) -> Map<String, Value> {
    let text = |flag: &str, text: &str| {
        Value::new(Some(&format!("{FLAG}{flag}")), ValueKind::String(text.to_owned()))
    };
    let mut given = Map::new();
    for (section, flag, addresses) in
        [("server", "--bind", &flags.bind), ("admin", "--admin-bind", &flags.admin_bind)]
    {
        // An empty one is none at all.
        let items = addresses.iter().filter(|address| !address.is_empty());
        let items = items.map(|address| text(flag, address)).collect();
        if !addresses.is_empty() {
            let list = Value::new(Some(&format!("{FLAG}{flag}")), ValueKind::Array(items));
            put(&mut given, section, "bind", list);
        }
    }
    for (key, flag, value) in
        [("web_root", "--web-root", &flags.web_root), ("data_dir", "--data-dir", &flags.data_dir)]
    {
        if let Some(value) = value {
            put(&mut given, "server", key, text(flag, value));
        }
    }
    given
}
