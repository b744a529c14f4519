//! Properties of the settings over many inputs: which source counts, and what a message may show.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it saw by panicking")]

use std::fs;
use std::path::PathBuf;

use crsocket::config::{Overrides, Settings};
use proptest::prelude::*;
use tempfile::TempDir;
use toml::{Table, Value};

/// A setting with a value, of a kind that goes with every other value of another setting here.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    section: &'static str,
    key: &'static str,
    value: Value,
}

impl Said {
    /// As a whole file.
    fn file(&self) -> String {
        format!("[{}]\n{} = {}\n", self.section, self.key, self.value)
    }

    /// As an environment variable.
    fn variable(&self) -> (String, String) {
        let name = format!("CRSOCKET__{}__{}", self.section, self.key).to_uppercase();
        (name, self.text())
    }

    /// As it is written where there are no types.
    fn text(&self) -> String {
        self.value.as_str().map_or_else(|| self.value.to_string(), str::to_owned)
    }

    fn flags(&self) -> Overrides {
        let mut flags = Overrides::default();
        match self.key {
            "bind" => flags.bind = vec![self.text()],
            "web_root" => flags.web_root = Some(self.text()),
            "data_dir" => flags.data_dir = Some(self.text()),
            key => panic!("{key} has no flag"),
        }
        flags
    }

    /// The value as it is printed: a list, where one may be given.
    fn printed(&self) -> Value {
        if self.key == "bind" { Value::Array(vec![self.value.clone()]) } else { self.value.clone() }
    }
}

fn of(
    section: &'static str,
    key: &'static str,
    value: impl Strategy<Value = Value> + 'static,
) -> BoxedStrategy<Said> {
    value.prop_map(move |value| Said { section, key, value }).boxed()
}

fn number(section: &'static str, key: &'static str, range: std::ops::Range<i64>) -> BoxedStrategy<Said> {
    of(section, key, range.prop_map(Value::Integer))
}

fn truth(key: &'static str) -> BoxedStrategy<Said> {
    of("server", key, any::<bool>().prop_map(Value::Boolean))
}

fn with_a_flag() -> impl Strategy<Value = Said> {
    prop_oneof![
        of("server", "bind", (1..9_999_u16).prop_map(|port| Value::String(format!("127.0.0.1:{port}")))),
        of("server", "web_root", "[a-z/ ]{0,12}".prop_map(Value::String)),
        of("server", "data_dir", "[a-z0-9/.,]{0,12}".prop_map(Value::String)),
    ]
}

fn with_a_variable() -> impl Strategy<Value = Said> {
    prop_oneof![
        3 => with_a_flag(),
        1 => truth("any_app"),
        1 => truth("bind_client_ids"),
        1 => number("server", "workers", 1..1_024),
        1 => number("server", "backlog", 1..65_535),
        1 => number("server", "keep_alive_ms", 0..100_000),
        1 => number("timing", "hello_max_dt_ms", 1..100_000),
        1 => number("timing", "max_event_data_length", 128..8_192),
        1 => number("limits", "streams", 1..1_000_000),
        1 => number("limits", "client_id_rate_burst", 1..10_000),
    ]
}

/// A file with this text, and its folder.
fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn printed(settings: &Settings) -> Table {
    settings.to_toml().parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Flags before environment before file before defaults, whichever of them say something.
    #[test]
    fn the_source_that_goes_first_counts(
        in_file in prop::option::of(with_a_variable()),
        in_environment in prop::option::of(with_a_variable()),
        in_flags in prop::option::of(with_a_flag()),
    ) {
        let (_folder, path) = file(&in_file.as_ref().map_or_else(String::new, Said::file));
        let settings = Settings::from_sources(
            in_file.is_some().then_some(path.as_path()),
            in_environment.iter().map(Said::variable).map(|(name, text)| (name.into(), text.into())),
            &in_flags.as_ref().map_or_else(Overrides::default, Said::flags),
        );
        let seen = printed(&settings.unwrap());
        let mut expected = printed(&Settings::default());
        for said in [&in_file, &in_environment, &in_flags].into_iter().flatten() {
            let section = expected.get_mut(said.section).and_then(Value::as_table_mut).unwrap();
            section.insert(said.key.to_owned(), said.printed());
        }
        prop_assert_eq!(seen, expected);
    }

    /// What is printed can be given as a file.
    #[test]
    fn what_is_printed_means_the_same(said in with_a_variable()) {
        let (_folder, path) = file(&said.file());
        let settings = Settings::from_sources(Some(&path), [], &Overrides::default()).unwrap();
        let (_folder, path) = file(&settings.to_toml());
        prop_assert_eq!(&Settings::from_sources(Some(&path), [], &Overrides::default()).unwrap(), &settings);
        let table = printed(&settings);
        let value = table.get(said.section).and_then(|section| section.get(said.key));
        prop_assert_eq!(value, Some(&said.printed()));
    }

    /// However what stands below `tokens` is mistyped, no token is told.
    #[test]
    fn no_mistyped_list_of_tokens_shows_one(
        slips in prop::collection::vec((0..1_000_usize, 0..3_u8, "[\"'\\[\\]{}=,#\\\\ .x1ü\n-]"), 1..5)
    ) {
        const SECRET: char = '§';
        let mut list: Vec<char> =
            "[\"§\", { token = \"§\", roles = [\"controller\"] }, { token = \"§\" }]".chars().collect();
        for (at, kind, slip) in slips {
            let at = at % list.len();
            let slip = slip.chars().next().unwrap();
            match kind {
                0 => list.insert(at, slip),
                1 if list[at] != SECRET => list[at] = slip,
                _ if list[at] != SECRET => { list.remove(at); }
                _ => {}
            }
        }
        let list: String = list.into_iter().collect();
        let (_folder, path) = file(&format!("[apps.demo]\naccess = \"list\"\ntokens = {}\n", list.replace(SECRET, "zwGH81-geheim")));
        let told = match Settings::from_sources(Some(&path), [], &Overrides::default()) {
            Ok(settings) => format!("{settings:?} {}", settings.to_toml()),
            Err(error) => format!("{error} {error:?}"),
        };
        prop_assert!(!told.contains("zwGH81"), "{} told as {}", list, told);
    }

    /// Any text at all is taken or refused, never more.
    #[test]
    fn no_file_makes_it_panic(text in "(\\[?\\[?[a-z.\"]{1,9}\\]?\\]?( = )?[0-9a-z\"'\\[{,.:=#\\\\-]{0,9}\n){0,6}") {
        let (_folder, path) = file(&text);
        if let Err(error) = Settings::from_sources(Some(&path), [], &Overrides::default()) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
