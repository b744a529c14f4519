//! Every dependency can be used under a permissive licence.

// A test says what it saw by panicking and printing, helpers included.
#![allow(clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::process::{Command, Output};

use serde_json::Value;

/// What we accept: permissive, and compatible with MIT OR Apache-2.0.
const ALLOWED: [&str; 16] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];

#[test]
fn every_dependency_has_a_licence_we_accept() {
    let packages = packages();
    assert!(packages.iter().any(|package| package.name == "thiserror"), "the dependencies were not found");
    let refused: Vec<String> = packages.iter().filter_map(Package::objection).collect();
    assert!(refused.is_empty(), "\n{}\n", refused.join("\n"));
}

/// A resolved package, ours included.
struct Package {
    name: String,
    version: String,
    licence: Option<String>,
}

impl Package {
    /// What speaks against it.
    fn objection(&self) -> Option<String> {
        let Package { name, version, licence } = self;
        let Some(licence) = licence else {
            return Some(format!("{name} {version} declares no licence"));
        };
        match satisfiable(licence) {
            Ok(true) => None,
            Ok(false) => Some(format!("{name} {version}: {licence:?} needs a licence that we do not accept")),
            Err(fault) => Some(format!("{name} {version}: {licence:?} cannot be read: {fault}")),
        }
    }
}

/// All packages that the lock file names: for every platform where they were all fetched (`cargo fetch`), else for this
/// one. It never uses the network.
fn packages() -> Vec<Package> {
    let everywhere = metadata(&[]);
    let output = if everywhere.status.success() {
        everywhere
    } else {
        println!(
            "note: only packages of this platform are checked; `cargo fetch` brings those of the others"
        );
        metadata(&["--filter-platform", &host()])
    };
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata failed: {error}");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let packages = metadata.get("packages").and_then(Value::as_array).expect("a list of packages");
    let text = |package: &Value, key| package.get(key).and_then(Value::as_str).map(str::to_owned);
    packages
        .iter()
        .map(|package| Package {
            name: text(package, "name").expect("a name"),
            version: text(package, "version").expect("a version"),
            licence: text(package, "license"),
        })
        .collect()
}

fn metadata(more: &[&str]) -> Output {
    Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(more)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs")
}

/// The platform of this machine, as the compiler names it.
fn host() -> String {
    let version = Command::new("rustc").arg("-vV").output().expect("rustc runs");
    let text = String::from_utf8_lossy(&version.stdout);
    text.lines().find_map(|line| line.strip_prefix("host: ")).expect("rustc names its host").to_owned()
}

/// Whether an SPDX expression can be satisfied with accepted licences alone.
///
/// An old `/` is an OR. AND binds closer than OR, WITH closer than both.
fn satisfiable(expression: &str) -> Result<bool, String> {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words: Vec<&str> = spaced.split_whitespace().rev().collect();
    let accepted = any_of(&mut words)?;
    match words.last() {
        None => Ok(accepted),
        Some(word) => Err(format!("unexpected {word:?}")),
    }
}

/// The words that are left are a stack: the next one is on top.
fn any_of(words: &mut Vec<&str>) -> Result<bool, String> {
    let mut accepted = all_of(words)?;
    while words.pop_if(|word| *word == "OR").is_some() {
        accepted |= all_of(words)?;
    }
    Ok(accepted)
}

fn all_of(words: &mut Vec<&str>) -> Result<bool, String> {
    let mut accepted = one(words)?;
    while words.pop_if(|word| *word == "AND").is_some() {
        accepted &= one(words)?;
    }
    Ok(accepted)
}

fn one(words: &mut Vec<&str>) -> Result<bool, String> {
    match words.pop() {
        Some("(") => {
            let accepted = any_of(words)?;
            match words.pop() {
                Some(")") => Ok(accepted),
                _ => Err("a parenthesis is not closed".to_owned()),
            }
        }
        Some(word @ (")" | "AND" | "OR" | "WITH")) => Err(format!("unexpected {word:?}")),
        Some(licence) if words.pop_if(|word| *word == "WITH").is_some() => {
            let exception = words.pop().ok_or("WITH what?")?;
            Ok(ALLOWED.contains(&format!("{licence} WITH {exception}").as_str()))
        }
        Some(licence) => Ok(ALLOWED.contains(&licence)),
        None => Err("a licence is missing".to_owned()),
    }
}

#[test]
fn expressions_are_understood() {
    for (expression, expected) in [
        ("MIT", true),
        ("MIT OR Apache-2.0", true),
        ("Apache-2.0/MIT", true),
        ("MIT / Apache-2.0", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0/MIT", true),
        ("MPL-2.0 OR LGPL-3.0-only", false),
        ("MIT AND GPL-2.0-only", false),
        ("MIT AND BSD-3-Clause", true),
        ("MIT OR Apache-2.0 AND GPL-3.0-only", true),
        ("GPL-3.0-only AND MIT OR Zlib", true),
        ("GPL-3.0-only AND (MIT OR Zlib)", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("((MIT))", true),
        ("(GPL-3.0-only OR (MPL-2.0 AND MIT)) AND ISC", false),
        ("Apache-2.0 WITH LLVM-exception OR MIT", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("GPL-2.0-only WITH Classpath-exception-2.0", false),
        ("MIT WITH Classpath-exception-2.0", false),
        ("mit", false),
    ] {
        assert_eq!(satisfiable(expression), Ok(expected), "{expression}");
    }
}

#[test]
fn what_is_no_expression_is_refused() {
    for text in
        ["", "MIT Apache-2.0", "MIT OR", "AND MIT", "(MIT", "MIT)", "()", "MIT WITH", "MIT OR OR ISC", "/"]
    {
        assert!(satisfiable(text).is_err(), "{text:?}");
    }
}

#[test]
fn an_objection_names_package_and_licence() {
    let package = |licence: Option<&str>| Package {
        name: "viral".to_owned(),
        version: "1.2.3".to_owned(),
        licence: licence.map(str::to_owned),
    };
    assert_eq!(package(Some("MIT")).objection(), None);
    for (licence, parts) in [
        (Some("AGPL-3.0-only"), ["viral 1.2.3", "AGPL-3.0-only"]),
        (Some("MIT OR"), ["viral 1.2.3", "MIT OR"]),
        (None, ["viral 1.2.3", "no licence"]),
    ] {
        let objection = package(licence).objection().expect("an objection");
        assert!(parts.into_iter().all(|part| objection.contains(part)), "{objection}");
    }
}
