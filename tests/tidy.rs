//! Holds the sources to the rules of the house: who may import whom, a pure protocol layer, nothing left undone.

// A test says what it saw by panicking and printing, helpers included.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

#[path = "tidy/source.rs"]
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use source::{Token, functions, lengths, names_at_root, tokens};

/// Who may import whom: a module of the crate's root, and the others it may name. `main` is the binary.
///
/// `cli` names what its arguments are made of: kinds of faults, times. `check_command` is what the binary does for
/// `check`: it turns those arguments into a campaign, so that `main` only calls it. `config_command` is the same for
/// `check-config` and `print-config`; `demo` for no command at all. `top` sees a server from outside: it knows arguments only.
///
/// `lib.rs` declares them all and is free. A module that is not in this table is a finding, too.
const MAY_IMPORT: [(&str, &[&str]); 26] = [
    ("protocol", &[]),
    ("check", &["protocol"]),
    ("config", &["protocol"]),
    ("metrics", &["protocol"]),
    ("journal", &["config", "protocol", "metrics"]),
    ("apps", &["config", "file_watch", "protocol", "metrics"]),
    ("actors", &["protocol", "metrics", "config"]),
    ("practice", &["actors", "client_id_store", "protocol", "metrics"]),
    ("simulate", &["actors", "protocol", "config", "metrics"]),
    ("load", &["simulate", "web", "actors", "protocol", "config", "metrics"]),
    (
        "http",
        &[
            "actors",
            "apps",
            "client_id_store",
            "journal",
            "metrics",
            "config",
            "problem",
            "protocol",
            "practice",
            "web",
        ],
    ),
    ("admin", &["actors", "apps", "journal", "metrics", "config", "problem", "protocol", "web"]),
    ("problem", &[]),
    (
        "server",
        &[
            "protocol",
            "config",
            "metrics",
            "journal",
            "apps",
            "client_id_store",
            "file_watch",
            "actors",
            "practice",
            "http",
            "admin",
            "open_files",
            "web",
        ],
    ),
    (
        "main",
        &[
            "check_command",
            "cli",
            "config",
            "config_command",
            "demo",
            "server",
            "simulate_command",
            "load_command",
            "check",
            "top",
        ],
    ),
    (
        "simulate_command",
        &["simulate", "load", "cli", "server", "open_files", "actors", "protocol", "metrics"],
    ),
    ("load_command", &["load", "simulate", "simulate_command", "cli", "open_files", "actors", "protocol"]),
    ("open_files", &[]),
    ("check_command", &["check", "cli", "protocol"]),
    ("demo", &["cli", "config", "protocol", "server"]),
    ("client_id_store", &["protocol"]),
    ("file_watch", &[]),
    ("config_command", &["cli", "config", "protocol", "server"]),
    ("cli", &["check", "config", "protocol"]),
    ("top", &["cli"]),
    ("web", &[]),
];

/// Modules of the standard library that reach out of the process, or ask it for the time.
const IMPURE_STD: [&str; 8] = ["env", "fs", "io", "net", "os", "process", "thread", "time"];

/// Other words that have no place in the pure layer: clocks, randomness, output, logging, containers without an order,
/// actors.
const IMPURE_WORDS: [&str; 20] = [
    "Instant",
    "SystemTime",
    "RandomState",
    "HashMap",
    "HashSet",
    "rand",
    "fastrand",
    "getrandom",
    "thread_rng",
    "thread_local",
    "print",
    "println",
    "eprint",
    "eprintln",
    "dbg",
    "tracing",
    "tokio",
    "actix",
    "actix_rt",
    "actix_web",
];

/// Words that one file of the pure layer may use all the same, and why. One that is no longer used is a finding.
const EXCEPTIONS: [(&str, &str, &str); 1] = [(
    "src/protocol/wire/frame.rs",
    "io",
    "io::Write formats into a Vec without a copy; nothing leaves the process",
)];

/// Put together from halves, so that this file does not find itself.
const UNDONE: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X"), concat!("dbg", "!")];

/// From here on a file or a function is listed, as a hint to look for the piece that wants a name of its own.
const LONG_FILE: usize = 400;
const LONG_FUNCTION: usize = 70;

#[test]
fn modules_import_only_what_they_may() {
    none(files(&["src"]).flat_map(|(path, text)| foreign_imports(&path, &text)));
}

#[test]
fn the_protocol_layer_is_pure() {
    let protocol = files(&["src/protocol"]).filter(|(path, _)| is_rust(path) && !is_test_file(path));
    let impurities = protocol.flat_map(|(path, text)| impurities(&path, &text)).collect();
    none(without_exceptions(impurities, &EXCEPTIONS).into_iter());
}

#[test]
fn nothing_is_left_undone() {
    let all = files(&["src", "tests", "benches", "config", ".ci"]);
    none(all.flat_map(|(path, text)| undone(&path, &text)));
}

/// Never fails: sizes are for the eye of whoever reads the output.
#[test]
fn long_files_and_functions_are_listed() {
    for (path, text) in files(&["src"]) {
        for hint in long_pieces(&path, &text) {
            println!("hint: {hint}");
        }
    }
}

/// The imports of a file that the table does not allow. The tests of anything may be held to the simulation.
fn foreign_imports(path: &str, text: &str) -> Vec<String> {
    let Some(file) = Module::of(path) else { return Vec::new() };
    if file.top == "lib" {
        return Vec::new();
    }
    let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == file.top) else {
        return vec![format!("{path}: the module {} is not in the table of imports", file.top)];
    };
    let all = tokens(text);
    let imports = (0..all.len()).flat_map(|at| crate_path(&all, at, &file));
    imports
        .filter(|import| import.text != file.top && !allowed.contains(&import.text.as_str()))
        .filter(|import| !(is_test_file(path) && import.text == "check"))
        .map(|import| format!("{path}:{}: {} may not import {}", import.line, file.top, import.text))
        .collect()
}

/// The modules of the crate's root that the path at this token leads to, if one starts here.
fn crate_path<'a>(tokens: &'a [Token], at: usize, file: &Module) -> Vec<&'a Token> {
    let goes_on = tokens.get(at + 1).is_some_and(|next| next.text == "::");
    let starts = at == 0 || tokens[at - 1].text != "::";
    if !goes_on || !starts {
        return Vec::new();
    }
    let depth = file.depth + tokens[at].mods;
    let rest = &tokens[at + 2..];
    match tokens[at].text.as_str() {
        "crate" => names_at_root(rest, 0),
        // The binary sees the library as a crate of its own.
        "crsocket" if file.top == "main" => names_at_root(rest, 0),
        "super" => names_at_root(rest, depth.saturating_sub(1)),
        "self" => names_at_root(rest, depth),
        _ => Vec::new(),
    }
}

/// What a file of the protocol layer uses outside its tests, and must not.
fn impurities(path: &str, text: &str) -> Vec<String> {
    let all = tokens(text);
    let found = all.iter().enumerate().filter(|(_, token)| !token.in_test).flat_map(|(at, token)| {
        let is_path = all.get(at + 1).is_some_and(|next| next.text == "::");
        match token.text.as_str() {
            "std" | "core" if is_path => {
                let mut names = names_at_root(&all[at + 2..], 0);
                names.retain(|name| IMPURE_STD.contains(&name.text.as_str()));
                names
            }
            "log" if is_path => vec![token],
            word if IMPURE_WORDS.contains(&word) => vec![token],
            _ => Vec::new(),
        }
    });
    found.map(|token| format!("{path}:{}: {} is not for the pure layer", token.line, token.text)).collect()
}

/// The findings that are not excepted, and the exceptions for which there is no finding.
fn without_exceptions(mut findings: Vec<String>, exceptions: &[(&str, &str, &str)]) -> Vec<String> {
    for (path, word, reason) in exceptions {
        let before = findings.len();
        let excepted = |finding: &String| {
            finding.starts_with(&format!("{path}:")) && finding.contains(&format!(" {word} is not"))
        };
        findings.retain(|finding| !excepted(finding));
        if findings.len() == before {
            findings.push(format!("{path}: the exception for {word} ({reason}) is not needed"));
        }
    }
    findings
}

/// The marks of unfinished work in a file, comments included.
fn undone(path: &str, text: &str) -> Vec<String> {
    let lines = (1..).zip(text.lines());
    let marks = lines.flat_map(|(line, text)| {
        UNDONE.into_iter().filter(|mark| has_word(text, mark)).map(move |mark| (line, mark))
    });
    marks.map(|(line, mark)| format!("{path}:{line}: {mark}")).collect()
}

/// Whether a text has this word, not as part of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + word.len()..]);
        !before.ends_with(in_word) && !after.starts_with(in_word)
    })
}

/// The file, if it is long, and its long functions.
fn long_pieces(path: &str, text: &str) -> Vec<String> {
    if !is_rust(path) {
        return Vec::new();
    }
    let (code, tests) = lengths(text);
    let file = (code > LONG_FILE).then(|| format!("{path} has {code} lines, and {tests} of tests"));
    let long = functions(&tokens(text)).into_iter().filter(|function| function.lines > LONG_FUNCTION);
    let functions = long
        .map(|function| format!("{path}:{}: {} has {} lines", function.line, function.name, function.lines));
    file.into_iter().chain(functions).collect()
}

/// Where a source file stands in the tree of modules.
#[derive(Debug, PartialEq, Eq)]
struct Module {
    /// The module at the crate's root that it belongs to, or `lib`, or `main`.
    top: String,
    /// How many modules deep it is; 0 is the root.
    depth: usize,
}

impl Module {
    /// `src/a.rs` and `src/a/mod.rs` are a; `src/a/b.rs` is b in a.
    fn of(path: &str) -> Option<Module> {
        let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
        let names: Vec<&str> = inside.split('/').filter(|name| *name != "mod").collect();
        let top = (*names.first()?).to_owned();
        let depth = if inside == "lib" || inside == "main" { 0 } else { names.len() };
        Some(Module { top, depth })
    }
}

fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Every text file below these folders, in order: its path from the package's folder, and its text.
fn files(folders: &[&str]) -> impl Iterator<Item = (String, String)> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<PathBuf> = folders.iter().flat_map(|folder| below(&package.join(folder))).collect();
    paths.sort();
    paths.into_iter().filter_map(move |path| {
        let name = path.strip_prefix(package).ok()?.to_str()?.replace('\\', "/");
        Some((name, fs::read_to_string(&path).ok()?))
    })
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    paths.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect()
}

fn none(findings: impl Iterator<Item = String>) {
    let findings: Vec<String> = findings.collect();
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// The checkers, held to samples that they must find, and to others that they must not.
mod checkers {
    use super::*;

    /// The names that the findings end with.
    fn imports(path: &str, text: &str) -> Vec<String> {
        let findings = foreign_imports(path, text);
        findings.iter().filter_map(|finding| Some(finding.split_once("import ")?.1.to_owned())).collect()
    }

    fn words(text: &str) -> Vec<String> {
        let findings = impurities("src/protocol/x.rs", text);
        findings.iter().filter_map(|finding| finding.split(' ').nth(1).map(str::to_owned)).collect()
    }

    #[test]
    fn files_are_found() {
        let paths: Vec<String> = files(&["src", "tests"]).map(|(path, _)| path).collect();
        for path in ["src/lib.rs", "src/protocol/ids.rs", "tests/tidy.rs", "tests/tidy/source.rs"] {
            assert!(paths.iter().any(|found| found == path), "{path} is not among {paths:?}");
        }
        let own = files(&["src"]).filter(|(path, _)| is_rust(path)).map(|(path, _)| Module::of(&path));
        assert!(own.into_iter().all(|module| module.is_some()));
    }

    #[test]
    fn foreign_imports_are_found() {
        let cases: [(&str, &str, &[&str]); 16] = [
            ("src/protocol/ids.rs", "use crate::config::Config;", &["config"]),
            ("src/protocol/ids.rs", "fn f() { crate::metrics::count() }", &["metrics"]),
            ("src/protocol/ids.rs", "use super::super::actors::Hub;", &["actors"]),
            ("src/protocol/ids.rs", "use self::super::super::actors::Hub;", &["actors"]),
            ("src/protocol/mod.rs", "use super::http;", &["http"]),
            ("src/protocol/mod.rs", "mod a { mod b { use super::super::super::http::X; } }", &["http"]),
            ("src/protocol/mod.rs", "#[cfg(test)] mod tests { use crate::load::X; }", &["load"]),
            ("src/config.rs", "use super::{protocol::X, server, web::{a, b}};", &["server", "web"]),
            (
                "src/config.rs",
                "use crate::{metrics::{self, X}, protocol::{a::b, c}, top::*};",
                &["metrics", "top"],
            ),
            ("src/actors/link/http.rs", "use super::{super::{super::http::X, board}, local};", &["http"]),
            ("src/check/mod.rs", "use {crate::simulate::X, crate::protocol::Y};", &["simulate"]),
            ("src/load/run.rs", "pub use crate::server;", &["server"]),
            ("src/server.rs", "use crate::{load, check, cli};", &["load", "check", "cli"]),
            ("src/http/error.rs", "use crate::*;", &["*"]),
            ("src/http/error.rs", "use crate::Reexported;", &["Reexported"]),
            (
                "src/main.rs",
                "use crsocket::{cli, protocol::ids}; fn f() { crsocket::actors::x() }",
                &["protocol", "actors"],
            ),
        ];
        for (path, text, expected) in cases {
            assert_eq!(imports(path, text), expected, "{path}: {text}");
        }
    }

    #[test]
    fn allowed_imports_are_not_found() {
        let cases = [
            (
                "src/protocol/ids.rs",
                "use super::time::Millis; use crate::protocol::wire; pub(crate) fn f() {}",
            ),
            ("src/protocol/ids.rs", "mod tests { use super::*; use super::super::time::X; }"),
            (
                "src/protocol/ids.rs",
                "/// [`crate::config`]\n// use crate::config\nconst A: &str = \"crate::config\";",
            ),
            ("src/config.rs", "mod tests { use super::*; }"),
            ("src/load/plan.rs", "use crate::{actors, simulate::{scenario, persona}, web};"),
            (
                "src/main.rs",
                "use crsocket::{cli::Cli, config, server, simulate_command, load_command, check, top};",
            ),
            ("src/lib.rs", "pub use crate::server::run;"),
            ("src/web/app.js", "crate::config"),
        ];
        for (path, text) in cases {
            assert_eq!(foreign_imports(path, text), Vec::<String>::new(), "{path}: {text}");
        }
    }

    #[test]
    fn an_unknown_module_is_found() {
        let findings = foreign_imports("src/sundry/mod.rs", "");
        assert_eq!(findings, ["src/sundry/mod.rs: the module sundry is not in the table of imports"]);
    }

    #[test]
    fn a_finding_names_file_line_and_word() {
        let imports = foreign_imports("src/protocol/a.rs", "//!\n\nuse crate::{\n    config,\n};");
        assert_eq!(imports, ["src/protocol/a.rs:4: protocol may not import config"]);
        let impure = impurities("src/protocol/a.rs", "\nuse std::collections::HashMap;");
        assert_eq!(impure, ["src/protocol/a.rs:2: HashMap is not for the pure layer"]);
        let text = format!("a\n// {}: b", UNDONE[0]);
        assert_eq!(undone("src/a.rs", &text), [format!("src/a.rs:2: {}", UNDONE[0])]);
    }

    #[test]
    fn impurities_are_found() {
        let cases: [(&str, &[&str]); 12] = [
            ("use std::time::Duration;", &["time"]),
            ("let now = std::time::Instant::now();", &["time", "Instant"]),
            ("fn f(at: SystemTime) {}", &["SystemTime"]),
            ("use std::{fmt, fs, io::{self, Read}, net::IpAddr};", &["fs", "io", "net"]),
            ("use std::{collections::{BTreeMap, HashSet}, hash::RandomState};", &["HashSet", "RandomState"]),
            ("use core::time::Duration;", &["time"]),
            ("use ::std::env;", &["env"]),
            (
                "println!(\"x\"); eprintln!(); print!(); eprint!();",
                &["println", "eprintln", "print", "eprint"],
            ),
            ("log::info!(\"x\"); tracing::debug!();", &["log", "tracing"]),
            ("let x: u8 = rand::random();", &["rand"]),
            ("std::thread::spawn(f);", &["thread"]),
            ("use actix::Actor; tokio::spawn(f);", &["actix", "tokio"]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text), expected, "{text}");
        }
        for word in IMPURE_WORDS {
            assert_eq!(words(word), [word]);
        }
        for module in IMPURE_STD {
            assert_eq!(words(&format!("use std::{module};")), [module]);
        }
    }

    #[test]
    fn an_exception_holds_for_one_word_of_one_file() {
        let exceptions = [("src/a.rs", "io", "because")];
        let found = |path: &str, text: &str| without_exceptions(impurities(path, text), &exceptions);
        assert_eq!(found("src/a.rs", "use std::io;"), Vec::<String>::new());
        assert_eq!(found("src/a.rs", "use std::{fs, io};"), ["src/a.rs:1: fs is not for the pure layer"]);
        assert_eq!(
            found("src/b.rs", "use std::io;").len(),
            2,
            "the finding, and the exception that is not needed"
        );
        assert_eq!(found("src/a.rs", ""), ["src/a.rs: the exception for io (because) is not needed"]);
    }

    #[test]
    fn pure_code_is_not_found() {
        for text in [
            "//! Uses no HashMap.\n/// std::time, println!\n/* rand */ // log::info",
            "const A: &str = \"HashMap\"; const B: &str = r#\"std::fs \"Instant\"\"#;",
            "use super::time::Millis; use std::{collections::BTreeMap, fmt, hash::Hash};",
            "fn f(x: f64, random: u64) -> f64 { x.log(2.0) }",
            "#[cfg(test)] mod tests { use std::collections::HashSet; }",
            "let a = 'r'; let b: &'static str = \"\\\"rand\";",
        ] {
            assert_eq!(words(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn marks_of_unfinished_work_are_found() {
        for mark in UNDONE {
            for text in [format!("// {mark}: later"), format!("{mark}(x);"), format!("x ({mark})")] {
                assert_eq!(undone("a.rs", &text).len(), 1, "{text}");
            }
            assert_eq!(undone("a.rs", &format!("a{mark}")), Vec::<String>::new());
        }
        assert_eq!(undone("a.rs", "percent %XX, XXXX, to do, dbg"), Vec::<String>::new());
    }

    #[test]
    fn long_pieces_are_found() {
        let long_function = format!("fn long() {{\n{}}}\n", "    x();\n".repeat(LONG_FUNCTION - 1));
        assert_eq!(long_pieces("a.rs", &long_function), ["a.rs:1: long has 71 lines"]);
        let fits = format!("fn fits() {{\n{}}}\n", "    x();\n".repeat(LONG_FUNCTION - 2));
        assert_eq!(long_pieces("a.rs", &fits), Vec::<String>::new());

        let code = "x();\n".repeat(LONG_FILE);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "y();\n".repeat(500));
        assert_eq!(long_pieces("a.rs", &code), Vec::<String>::new());
        assert_eq!(long_pieces("a.rs", &format!("{code}{tests}")), ["a.rs has 401 lines, and 502 of tests"]);
        assert_eq!(long_pieces("a.js", &format!("{code}{tests}")), Vec::<String>::new());
    }

    #[test]
    fn the_table_of_imports_has_no_cycle() {
        // Whatever imports nothing that is left can go; a cycle would stay.
        let mut left: Vec<(&str, &[&str])> = MAY_IMPORT.to_vec();
        while !left.is_empty() {
            let names: Vec<&str> = left.iter().map(|(name, _)| *name).collect();
            left.retain(|(_, imports)| imports.iter().any(|import| names.contains(import)));
            assert!(left.len() < names.len(), "a cycle among {names:?}");
        }
    }
}
