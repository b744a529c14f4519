//! `config/crsocket.toml` says what the code holds: every setting, with its default and a reason.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says what it saw by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crsocket::apps::AppTable;
use crsocket::config::{AccessSettings, Mistake, Overrides, Settings};
use toml::Table;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/config/crsocket.toml");

fn text() -> String {
    fs::read_to_string(FILE).unwrap()
}

/// The file with its examples in force: the lines that begin with # and no space.
fn with_examples() -> String {
    let line = |line: &str| {
        let example = line.strip_prefix('#').filter(|rest| !rest.is_empty() && !rest.starts_with(' '));
        example.unwrap_or(line).to_owned() + "\n"
    };
    text().lines().map(line).collect()
}

fn load(text: &str) -> Result<Settings, crsocket::config::ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crsocket.toml");
    fs::write(&path, text).unwrap();
    Settings::from_sources(Some(&path), [], &Overrides::default())
}

/// The keys of each section, in the order of the file.
fn keys(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut keys = BTreeMap::<String, Vec<String>>::new();
    let mut section = String::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if line == "[[hosted]]" {
            // As the first of them is called in messages.
            section = "hosted[0]".to_owned();
        } else if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.to_owned();
        } else if let Some((key, _)) = line.split_once(" = ") {
            keys.entry(section.clone()).or_default().push(key.to_owned());
        }
    }
    keys
}

#[test]
fn the_file_has_the_defaults() {
    let settings = load(&text()).unwrap();
    assert_eq!(settings, Settings::default());
    assert_eq!(settings, load("").unwrap());
}

/// What the code takes in each section, as it says itself where a key is not known.
#[test]
fn the_file_has_every_setting_and_no_other() {
    let with_examples = with_examples();
    let written = keys(&with_examples);
    let sections: Vec<&str> = written.keys().map(String::as_str).collect();
    assert_eq!(sections, ["admin", "apps.demo", "hosted[0]", "limits", "server", "timing", "tls"]);
    for (section, mut written) in written {
        let header =
            if section == "hosted[0]" { "[[hosted]]\n".to_owned() } else { format!("[{section}]\n") };
        let probed = with_examples.replace(&header, &format!("{header}nonsense = 1\n"));
        let error = load(&probed).unwrap_err();
        let crsocket::config::ConfigError::Mistakes(mistakes) = error else { panic!("{error}") };
        let [Mistake::Unknown { known, .. }] = mistakes.as_slice() else { panic!("{mistakes:?}") };
        let known = known.strip_prefix(&format!("[{section}] has ")).unwrap_or_else(|| panic!("{known}"));
        let mut known: Vec<&str> = known.split(", ").collect();
        known.sort_unstable();
        written.sort_unstable();
        assert_eq!(written, known, "[{section}]");
    }
}

#[test]
fn every_setting_has_a_reason_above_it() {
    let mut explained = false;
    for line in text().lines() {
        let setting = line.trim_start_matches('#').split_once(" = ").filter(|_| !line.starts_with("# "));
        // A rate is two settings with one reason.
        let is_second = setting.is_some_and(|(key, _)| key.ends_with("_rate_burst"));
        assert!(setting.is_none() || explained || is_second, "{line} has no reason above it");
        explained = line.starts_with("# ");
    }
}

#[test]
fn the_examples_are_good() {
    let settings = load(&with_examples()).unwrap();
    let tls = settings.tls.unwrap();
    assert_eq!(tls.bind, crsocket::config::TlsSettings::default_bind(), "the default of [tls] bind");
    assert!(Path::new(&tls.private_key_file).ends_with("privkey.pem"));
    let app = settings.apps.values().next().unwrap();
    let AccessSettings::List { tokens, token_file } = &app.access else { panic!("{app:?}") };
    assert_eq!((tokens.len(), token_file.is_some()), (2, true));
    assert!(app.token_pattern.is_some());
    assert!(app.cors_origins.allows("https://example.org"));
}

#[test]
fn the_defaults_of_an_app_are_those_that_the_examples_name() {
    let settings = load("[apps.demo]").unwrap();
    let same = "[apps.demo]\naccess = \"any\"\ntoken_pattern = \"\"\npairing = \"any\"\ncors_origins = []\n";
    assert_eq!(settings, load(same).unwrap());
    assert!(AppTable::build(&settings).is_ok());
}

#[test]
fn what_is_printed_is_a_file_with_the_same_keys() {
    let printed = Settings::default().to_toml();
    assert_eq!(load(&printed).unwrap(), Settings::default());
    let sorted = |text: &str| -> BTreeMap<String, Vec<String>> {
        let table: Table = text.parse().unwrap();
        let section = |value: &toml::Value| value.as_table().unwrap().keys().cloned().collect();
        table.iter().map(|(name, value)| (name.clone(), section(value))).collect()
    };
    assert_eq!(sorted(&printed), sorted(&text()));
}
