//! Holds the list of `.ci/mutations` to the source: each change still applies, in one place. Whether something notices
//! it, the script tries.

#![allow(clippy::unwrap_used, reason = "a test says what it saw by panicking, helpers included")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A rule broken by one change.
#[derive(Debug, Default)]
struct Entry {
    name: String,
    rule: String,
    file: String,
    before: Vec<String>,
    after: Vec<String>,
}

fn entries() -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in include_str!("mutations/rules.txt").lines() {
        if let Some(name) = line.strip_prefix("== ") {
            entries.push(Entry { name: name.to_owned(), ..Entry::default() });
            continue;
        }
        let Some(entry) = entries.last_mut() else {
            assert!(line.is_empty() || line.starts_with('#'), "before the first entry: {line}");
            continue;
        };
        let content =
            |sign| Some(line.strip_prefix(sign)?).map(|rest| rest.strip_prefix(' ').unwrap_or(rest));
        if let Some(rule) = line.strip_prefix("rule ") {
            entry.rule = rule.to_owned();
        } else if let Some(file) = line.strip_prefix("file ") {
            entry.file = file.to_owned();
        } else if let Some(property) = line.strip_prefix("model ") {
            assert!(!property.is_empty(), "{}: which property?", entry.name);
        } else if let Some(before) = content('-') {
            assert!(entry.after.is_empty(), "{}: a - behind a +", entry.name);
            entry.before.push(before.to_owned());
        } else if let Some(after) = content('+') {
            entry.after.push(after.to_owned());
        } else {
            assert!(line.is_empty(), "{}: what is this? {line}", entry.name);
        }
    }
    entries
}

#[test]
fn each_mutation_applies_to_the_source_in_one_place() {
    for Entry { name, file, before, after, .. } in entries() {
        assert!(file.starts_with("src/protocol/"), "{name}: {file} holds no rules");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {file}: {error}"));
        let (before, after) = (before.join("\n"), after.join("\n"));
        assert!(!before.trim().is_empty() && before != after, "{name} changes nothing");
        let times = text.matches(&before).count();
        assert_eq!(times, 1, "{name}: this stands in {file} {times} times, not once:\n{before}");
    }
}

#[test]
fn each_mutation_has_a_name_of_its_own_and_a_rule() {
    let mut names = BTreeSet::new();
    for Entry { name, rule, .. } in entries() {
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        assert!(is_plain && !name.is_empty(), "{name} is no name");
        // The section of the specification first.
        assert!(
            rule.contains(": ") && rule.starts_with(|first: char| first.is_ascii_digit()),
            "{name}: {rule}"
        );
        // They become cells of a table.
        assert!(!rule.contains('|'), "{name}: {rule}");
        assert!(names.insert(name.clone()), "{name} is there twice");
    }
}

#[test]
fn mutations_reach_every_machine_and_the_server() {
    let files: BTreeSet<String> = entries().into_iter().map(|entry| entry.file).collect();
    for part in
        ["socket", "receiver", "sender", "send_line", "sessions", "routing", "line", "output", "limits"]
    {
        let is_reached = files.iter().any(|file| file.contains(&format!("protocol/{part}")));
        assert!(is_reached, "no change breaks {part}");
    }
}
