//! `config/crsocket.toml` says what the code holds: every setting, with its default.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it saw by panicking")]

use std::collections::BTreeMap;
use std::fs;

use crsocket::protocol::limits::Limits;
use crsocket::protocol::time::{Millis, Timing};

/// The settings of the file, as `section.key`, each with a comment above it.
fn settings() -> BTreeMap<String, String> {
    let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/crsocket.toml")).unwrap();
    let (mut section, mut explained) = (String::new(), false);
    let mut settings = BTreeMap::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.to_owned();
        } else if let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            assert!(explained, "{section}.{key} has no reason above it");
            settings.insert(format!("{section}.{key}"), value.to_owned());
        } else {
            explained = line.starts_with('#');
        }
    }
    settings
}

#[test]
fn the_file_has_every_setting_and_its_default() {
    let timing = Timing::default();
    let limits = Limits::default();
    let mut expected = BTreeMap::from([
        ("timing.max_event_data_length".to_owned(), timing.max_event_data_length.to_string()),
        ("limits.output_frames".to_owned(), limits.output_frames.to_string()),
        ("limits.output_bytes".to_owned(), limits.output_bytes.to_string()),
        ("limits.all_outputs_bytes".to_owned(), limits.all_outputs_bytes.to_string()),
        ("limits.line_events".to_owned(), limits.line_events.to_string()),
        ("limits.all_lines_bytes".to_owned(), limits.all_lines_bytes.to_string()),
        ("limits.send_rate_per_second".to_owned(), limits.send_rate.per_second.to_string()),
        ("limits.send_rate_burst".to_owned(), limits.send_rate.burst.to_string()),
        ("limits.client_id_rate_per_second".to_owned(), limits.client_id_rate.per_second.to_string()),
        ("limits.client_id_rate_burst".to_owned(), limits.client_id_rate.burst.to_string()),
        ("limits.streams".to_owned(), limits.streams.to_string()),
        ("limits.bind_client_ids".to_owned(), limits.bind_client_ids.to_string()),
    ]);
    for name in Timing::NAMES {
        expected.insert(format!("timing.{name}_ms"), default_of(name, &timing).0.to_string());
    }
    assert_eq!(settings(), expected);
}

/// The default of a timing: the one value that can be set without changing anything.
fn default_of(name: &str, timing: &Timing) -> Millis {
    let candidates = settings();
    let written = candidates.get(&format!("timing.{name}_ms")).unwrap_or_else(|| panic!("{name} is missing"));
    let written = Millis(written.parse().unwrap());
    let mut set = timing.clone();
    set.set(name, written).unwrap();
    assert_eq!(set, *timing, "{name} is not {written} by default");
    written
}
