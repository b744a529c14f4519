//! Apps as they are configured: who is admitted, what a token file may hold, and what happens when it changes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it saw by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use crsocket::apps::AppTable;
use crsocket::config::{Overrides, Settings};
use crsocket::protocol::ids::{AccessToken, AppId, Role, User};
use crsocket::protocol::policy::{Denied, Pairing};
use tempfile::TempDir;

/// A folder with settings in it, and token files.
struct Lab {
    folder: TempDir,
    settings: Settings,
}

impl Lab {
    /// `DIR` in the text is the folder.
    fn new(text: &str, files: &[(&str, &str)]) -> Lab {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let path = folder.path().join("crsocket.toml");
        fs::write(&path, text.replace("DIR", folder.path().to_str().unwrap())).unwrap();
        let settings = Settings::from_sources(Some(&path), [], &Overrides::default()).unwrap();
        Lab { folder, settings }
    }

    /// A list of the tokens of one file.
    fn with_file(text: &str) -> Lab {
        Lab::new("[apps.a]\naccess = \"list\"\ntoken_file = \"DIR/tokens\"", &[("tokens", text)])
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn build(&self) -> AppTable {
        AppTable::build(&self.settings).unwrap()
    }

    #[track_caller]
    fn refusal(&self) -> String {
        AppTable::build(&self.settings).unwrap_err().to_string()
    }
}

fn id(app: &str) -> AppId {
    AppId::parse(app).unwrap()
}

/// Whether an app admits a token as a controller, and as a responder.
fn admits(table: &AppTable, app: &str, token: &str) -> [Result<(), Denied>; 2] {
    let policy = table.apps.get(&id(app)).unwrap();
    let token = AccessToken::parse(token).unwrap();
    [Role::Controller, Role::Responder].map(|role| {
        policy
            .access
            .admit(&token, role)
            .map(|user| assert_eq!(user, User::Token(token.clone()), "each is its own user"))
    })
}

const BOTH: [Result<(), Denied>; 2] = [Ok(()), Ok(())];
const NEITHER: [Result<(), Denied>; 2] = [Err(Denied::NotAuthorized), Err(Denied::NotAuthorized)];
const INVALID: [Result<(), Denied>; 2] = [Err(Denied::InvalidToken), Err(Denied::InvalidToken)];
const CONTROLLER: [Result<(), Denied>; 2] = [Ok(()), Err(Denied::NotAuthorized)];
const RESPONDER: [Result<(), Denied>; 2] = [Err(Denied::NotAuthorized), Ok(())];

#[test]
fn section_1_a_list_admits_its_tokens_in_their_roles() {
    let table = Lab::new(
        "[apps.a]\naccess = \"list\"\ntoken_file = \"DIR/tokens\"\ntokens = [\"alice\", { token = \"bob\", roles = \
         [\"controller\"] }, { token = \"carol\", roles = [\"responder\", \"controller\"] }, { token = \"dave\" }]\n\
         [apps.none]\naccess = \"list\"\ntokens = []",
        &[("tokens", "erin\nfrank responder\n")],
    )
    .build();
    for (token, expected) in [
        ("alice", BOTH),
        ("bob", CONTROLLER),
        ("carol", BOTH),
        ("dave", BOTH),
        ("erin", BOTH),
        ("frank", RESPONDER),
        ("ALICE", NEITHER),
        ("alic", NEITHER),
        ("alicee", NEITHER),
        ("controller", NEITHER),
    ] {
        assert_eq!(admits(&table, "a", token), expected, "{token}");
    }
    assert_eq!(admits(&table, "none", "alice"), NEITHER);
}

#[test]
fn section_1_what_does_not_match_the_pattern_is_invalid_before_it_is_unauthorized() {
    let table = Lab::new(
        "[apps.a]\ntoken_pattern = \"a|ab|[0-9]{4}\"\n[apps.b]\naccess = \"list\"\ntoken_pattern = \"[a-z]+\"\n\
         tokens = [\"alice\"]\n",
        &[],
    )
    .build();
    for (app, token, expected) in [
        ("a", "a", BOTH),
        ("a", "ab", BOTH),
        ("a", "1234", BOTH),
        ("a", "abc", INVALID),
        ("a", "xab", INVALID),
        ("a", "12345", INVALID),
        ("b", "alice", BOTH),
        ("b", "bob", NEITHER),
        ("b", "alice1", INVALID),
    ] {
        assert_eq!(admits(&table, app, token), expected, "{app} {token}");
    }
}

#[test]
fn section_3_apps_that_are_not_listed_are_unknown_unless_any_is_served() {
    let listed = "[apps.a]\npairing = \"same-token\"";
    let table = Lab::new(listed, &[]).build();
    assert_eq!(table.names, [id("a")]);
    assert_eq!(table.apps.get(&id("a")).unwrap().pairing, Pairing::SameUser);
    assert!(table.apps.get(&id("b")).is_none());

    let table = Lab::new(&format!("server.any_app = true\n{listed}"), &[]).build();
    assert_eq!(table.names, [id("a")]);
    assert_eq!(table.apps.get(&id("a")).unwrap().pairing, Pairing::SameUser);
    assert_eq!(table.apps.get(&id("b")).unwrap().pairing, Pairing::Any);
    assert_eq!(admits(&table, "b", "anybody"), BOTH);
}

#[test]
fn origins_are_allowed_app_by_app() {
    let table = Lab::new(
        "server.any_app = true\n[apps.none]\n[apps.all]\ncors_origins = \"*\"\n[apps.some]\ncors_origins = \
         [\"https://Example.org:443\", \"http://localhost:3000\", \"http://[::1]:80\", \"capacitor://localhost\"]",
        &[],
    )
    .build();
    for (app, origin, expected) in [
        ("all", "https://anything.example", true),
        ("some", "https://example.org", true),
        ("some", "http://localhost:3000", true),
        ("some", "http://[::1]", true),
        ("some", "capacitor://localhost", true),
        ("some", "http://example.org", false),
        ("some", "https://example.org:8443", false),
        ("some", "https://sub.example.org", false),
        ("some", "http://localhost", false),
        ("some", "null", false),
        ("none", "https://example.org", false),
        ("other", "https://example.org", false),
    ] {
        assert_eq!(table.allows_origin(&id(app), origin), expected, "{app} {origin}");
    }
}

#[test]
fn a_token_file_has_comments_empty_lines_and_any_line_ends() {
    let table = Lab::with_file(
        "\u{feff}alice\r\n\r\n# nobody\n  bob\tcontroller  # since May\ncarol #x\n a#b responder",
    )
    .build();
    for (token, expected) in [
        ("alice", BOTH),
        ("bob", CONTROLLER),
        ("carol", BOTH),
        ("a#b", RESPONDER),
        ("nobody", NEITHER),
        ("#", NEITHER),
    ] {
        assert_eq!(admits(&table, "a", token), expected, "{token}");
    }
    let repeated =
        Lab::with_file("alice\nbob controller\nalice\nbob controller\ncarol\ncarol responder controller");
    assert_eq!(admits(&repeated.build(), "a", "bob"), CONTROLLER, "the same once more is no contradiction");
    assert_eq!(admits(&Lab::with_file("").build(), "a", "alice"), NEITHER);
}

#[test]
fn a_line_that_is_not_understood_is_named_without_what_stands_there() {
    for (text, line, expected) in [
        ("alice\nbob contoller", 2, "controller or responder"),
        ("alice\n\n# x\nal\u{e9}ice", 4, "printable ASCII"),
        ("alice\nbob\nalice controller", 3, "other roles in line 1"),
        ("alice\nx\u{0}y", 2, "printable ASCII"),
    ] {
        let lab = Lab::with_file(text);
        let told = lab.refusal();
        let place = format!("apps.a.token_file: {}, line {line}: ", lab.path("tokens").display());
        assert!(told.starts_with(&place) && told.contains(expected), "{told}");
        for word in ["alice", "bob", "contoller", "ice"] {
            let said = told.strip_prefix(&place).unwrap();
            assert!(!said.contains(word), "{word} is in: {said}");
        }
    }
    let lab = Lab::with_file("");
    fs::write(lab.path("tokens"), b"alice\n\xff\n").unwrap();
    assert!(lab.refusal().ends_with("line 2: not UTF-8"), "{}", lab.refusal());

    let settings = "[apps.a]\naccess = \"list\"\ntoken_file = \"DIR/tokens\"\n";
    let tokens = "tokens = [{ token = \"alice\", roles = [\"controller\"] }]";
    let lab = Lab::new(&format!("{settings}{tokens}"), &[("tokens", "bob\nalice")]);
    assert!(
        lab.refusal().ends_with("line 2: the same token has other roles in the app's tokens"),
        "{}",
        lab.refusal()
    );
    let lab = Lab::new(&format!("{settings}token_pattern = \"[a-z]+\""), &[("tokens", "bob\nALICE")]);
    assert!(
        lab.refusal().ends_with("line 2: the token does not match the app's token_pattern"),
        "{}",
        lab.refusal()
    );
}

#[test]
fn a_token_file_that_cannot_be_read_refuses_the_start() {
    let lab = Lab::with_file("");
    fs::remove_file(lab.path("tokens")).unwrap();
    assert!(lab.refusal().contains("No such file"), "{}", lab.refusal());
    fs::create_dir(lab.path("tokens")).unwrap();
    assert!(lab.refusal().contains("not a regular file"), "{}", lab.refusal());
}

/// Puts a new file in the place of an old one, as editors do.
fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::rename(&new, path).unwrap();
}

#[test]
fn a_token_file_that_changed_is_noticed() {
    let lab = Lab::with_file("alice\n");
    let path = lab.path("tokens");
    let table = lab.build();
    assert!(!table.token_files().changed());
    fs::write(&path, "alice\nbob\n").unwrap();
    assert!(table.token_files().changed(), "written to");

    let table = lab.build();
    assert!(!table.token_files().changed());
    replace(&path, "alice\nbib\n");
    assert!(table.token_files().changed(), "another file of the same length in its place");

    let table = lab.build();
    fs::remove_file(&path).unwrap();
    assert!(table.token_files().changed(), "removed");
    assert!(!Lab::new("[apps.a]", &[]).build().token_files().changed(), "there is none");
}

#[test]
fn a_change_is_taken_over_and_a_slip_leaves_the_old_list() {
    let lab = Lab::new(
        "[apps.a]\naccess = \"list\"\ntoken_file = \"DIR/one\"\n[apps.b]\naccess = \"list\"\ntoken_file = \"DIR/two\"",
        &[("one", "alice\n"), ("two", "bob\n")],
    );
    let table = lab.build();
    replace(&lab.path("one"), "carol\n");
    replace(&lab.path("two"), "bob\ndave nonsense\n");
    let (table, faults) = table.rebuild(&lab.settings).unwrap();
    assert_eq!([admits(&table, "a", "alice"), admits(&table, "a", "carol")], [NEITHER, BOTH]);
    assert_eq!(
        [admits(&table, "b", "bob"), admits(&table, "b", "dave")],
        [BOTH, NEITHER],
        "the old list stays"
    );
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(
        matches!(told.as_slice(), [one] if one.contains("apps.b.token_file") && one.contains("two, line 2")),
        "{told:?}"
    );
    assert!(!table.token_files().changed(), "a slip is told once");

    fs::remove_file(lab.path("two")).unwrap();
    assert!(table.token_files().changed());
    let (table, faults) = table.rebuild(&lab.settings).unwrap();
    assert_eq!(faults.len(), 1);
    assert_eq!(admits(&table, "b", "bob"), BOTH, "nobody is cut off while an editor replaces the file");
    assert!(!table.token_files().changed());

    replace(&lab.path("two"), "dave\n");
    assert!(table.token_files().changed());
    let (table, faults) = table.rebuild(&lab.settings).unwrap();
    assert_eq!(faults.len(), 0);
    assert_eq!([admits(&table, "b", "bob"), admits(&table, "b", "dave")], [NEITHER, BOTH]);
}

#[test]
fn a_long_list_is_a_list() {
    let text: String = (0..20_000).map(|number| format!("token{number}\n")).collect();
    let table = Lab::with_file(&text).build();
    for number in 0..20_000 {
        assert_eq!(admits(&table, "a", &format!("token{number}")), BOTH);
    }
    assert_eq!(admits(&table, "a", "token20000"), NEITHER);
}

#[test]
fn no_token_is_in_what_is_printed_for_a_debugger() {
    let lab = Lab::new(
        "[apps.a]\naccess = \"list\"\ntoken_file = \"DIR/tokens\"\ntokens = [\"geheim\"]",
        &[("tokens", "heimlich\n")],
    );
    let printed = format!("{:?} {:?}", lab.settings, lab.build());
    assert!(!printed.contains("geheim") && !printed.contains("heimlich"), "{printed}");
}
