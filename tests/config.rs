//! Configurations as whoever writes them meets them, through the real binary: each kind of mistake and its message,
//! what is printed, and that no secret is in it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says what it saw by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A folder with a configuration file in it.
struct Given {
    folder: TempDir,
}

impl Given {
    fn file(text: &str) -> Given {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.toml"), text).unwrap();
        Given { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a.toml")
    }

    fn other(&self, name: &str, text: &str) -> &Given {
        fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    /// Runs `crsocket` in the folder with nothing else in its environment.
    fn run(&self, args: &[&str], environment: &[(&str, &str)]) -> Said {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_crsocket"))
            .args(args)
            .env_clear()
            .envs(environment.iter().copied())
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: status.code(), out: text(stdout), err: text(stderr) }
    }

    fn check(&self) -> Said {
        self.run(&["check-config", "a.toml"], &[])
    }
}

/// What came of it.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    #[track_caller]
    fn refused(&self, parts: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (Some(2), ""), "{}", self.err);
        assert!(self.err.starts_with("crsocket: "), "{}", self.err);
        for part in parts {
            assert!(self.err.contains(part), "{part:?} is missing in: {}", self.err);
        }
    }

    #[track_caller]
    fn accepted(&self) -> &str {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        &self.out
    }
}

/// The whole message about the one mistake in a file.
#[track_caller]
fn told(text: &str) -> String {
    let said = Given::file(text).check();
    said.refused(&[]);
    said.err.strip_prefix("crsocket: ").unwrap().trim_end().to_owned()
}

#[test]
fn each_kind_of_mistake_names_key_value_place_and_what_is_accepted() {
    for (text, expected) in [
        (
            "[server]\nworkers = 0",
            "server.workers = 0 (line 2 of a.toml) is refused; accepted: a whole number from 1 to 1024",
        ),
        (
            "[server]\n\nworkers = \"4\"",
            "server.workers = \"4\" (line 3 of a.toml) is refused; accepted: a whole number from 1 to 1024",
        ),
        (
            "server.workers = 99999999999999999999",
            "server.workers = 1e20 (line 1 of a.toml) is refused; accepted: a whole number from 1 to 1024",
        ),
        ("server.any_app = 1", "server.any_app = 1 (line 1 of a.toml) is refused; accepted: true or false"),
        (
            "server.web_root = 2026-01-01",
            "server.web_root = a date (line 1 of a.toml) is refused; accepted: a path, or \"\" for none",
        ),
        (
            "server.data_dir = { a = 1 }",
            "server.data_dir = a table (line 1 of a.toml) is refused; accepted: a path, or \"\" for none",
        ),
        (
            "[server]\ntrusted_proxies = [\"10.0.0.0/8\",\n\"10.0.0.0/33\"]",
            "server.trusted_proxies[1] = \"10.0.0.0/33\" (line 3 of a.toml) is refused; accepted: an IP address or \
             a network such as \"10.0.0.0/8\"",
        ),
        (
            "server.bind = []",
            "server.bind = [] (line 1 of a.toml) is refused; accepted: at least one address, unless [tls] has one",
        ),
        (
            "server.bind = [\"[::1]:80\", \"[::1]:80\"]",
            "server.bind = \"[::1]:80\" (line 1 of a.toml) names an address once more: server.bind = \"[::1]:80\" \
             (line 1 of a.toml)",
        ),
        (
            "[tls]\nbind = \"127.0.0.1:8080\"\ncertificate_file = \"c\"\nprivate_key_file = \"k\"",
            "tls.bind = \"127.0.0.1:8080\" (line 2 of a.toml) names an address once more: server.bind = \
             \"127.0.0.1:8080\" (the default)",
        ),
        (
            "tls.certificate_file = \"c\"",
            "tls.private_key_file is missing: TLS needs a certificate and its key",
        ),
        (
            "[timing]\nsearching_max_event_out_dt_ms = 30_000",
            "timing.searching_max_event_out_dt_ms = 30000 (line 2 of a.toml) must be shorter than \
             timing.partner_active_max_event_in_dt_ms = 25000 (the default)",
        ),
        (
            "[timing]\nmax_prev_alive_dt_ms = 20000\nevent_source_send_alive_dt_ms = 10001",
            "timing.event_source_send_alive_dt_ms = 10001 (line 3 of a.toml) must be at most half of \
             timing.max_prev_alive_dt_ms = 20000 (line 2 of a.toml)",
        ),
        (
            "timing.hello_max_dt_ms = 0",
            "timing.hello_max_dt_ms = 0 (line 1 of a.toml) is refused; accepted: at least 1",
        ),
        (
            "timing.max_event_data_length = 100",
            "timing.max_event_data_length = 100 (line 1 of a.toml) is refused; accepted: at least 128",
        ),
        (
            "limits.send_rate_burst = 0",
            "limits.send_rate_burst = 0 (line 1 of a.toml) is refused; accepted: at least 1: nothing at all would \
             be let through",
        ),
        (
            "limits.line_events = 1",
            "limits.line_events = 1 (line 1 of a.toml) is refused; accepted: at least 2: a sender may hold as much \
             as it leaves free, so it must hold the longest crEvent twice",
        ),
        (
            "limits.bind_client_ids = true",
            "limits.bind_client_ids = true (line 1 of a.toml) is not a setting; [limits] has output_frames, \
             output_bytes, all_outputs_bytes, line_events, all_lines_bytes, send_rate_per_second, send_rate_burst, \
             client_id_rate_per_second, client_id_rate_burst, streams",
        ),
        (
            "bind = \"127.0.0.1:80\"",
            "bind (line 1 of a.toml) is not a setting; the sections are server, tls, admin, timing, limits, apps, hosted",
        ),
        ("server = 3", "server (line 1 of a.toml) is refused; accepted: a section, such as [server]"),
        ("[server\n", "a.toml, line 1, column 8, is not TOML: unclosed table, expected `]`"),
        (
            "[apps.\"a b\"]",
            "apps.\"a b\" (an empty table) is refused; accepted: an appId is 1 to 64 characters of 0-9, A-Z, a-z, _ \
             and -",
        ),
        ("apps.demo = true", "apps.demo (line 1 of a.toml) is refused; accepted: a section, [apps.demo]"),
        (
            "apps.demo.access = \"all\"",
            "apps.demo.access = \"all\" (line 1 of a.toml) is refused; accepted: \"any\" or \"list\"",
        ),
        (
            "apps.demo.access = \"list\"",
            "apps.demo.tokens is missing: access = \"list\" needs tokens or a token_file; tokens = [] admits nobody",
        ),
        (
            "apps.demo.token_file = \"t\"",
            "apps.demo.token_file = \"t\" (line 1 of a.toml) counts for nothing without access = \"list\"",
        ),
        (
            "apps.demo.pairing = \"same\"",
            "apps.demo.pairing = \"same\" (line 1 of a.toml) is refused; accepted: \"any\" or \"same-user\" (also \
             written \"same-token\")",
        ),
        (
            "apps.demo.token_pattern = \"a)|(b\"",
            "apps.demo.token_pattern = \"a)|(b\" (line 1 of a.toml) is refused; accepted: a regular expression for \
             whole tokens, or \"\" for none (this one: found closing ')' without matching '(')",
        ),
        (
            "apps.demo.cors_origins = \"https://example.org/\"",
            "apps.demo.cors_origins = \"https://example.org/\" (line 1 of a.toml) is refused; accepted: an origin \
             without a path such as \"https://example.org\" or \"http://localhost:3000\", or \"*\", or a list of such",
        ),
        (
            "apps.demo.cors_origins = [\"https://example.org\", \"*\"]",
            "apps.demo.cors_origins = a list (line 1 of a.toml) is refused; accepted: \"*\" alone, or origins without \
             it",
        ),
        (
            "[apps.demo]\naccess = \"list\"\ntoken_pattern = \"[a-z]+\"\ntokens = [\n\"alice\",\n\"Bob\"]",
            "apps.demo.tokens[1] (line 6 of a.toml) does not match apps.demo.token_pattern = \"[a-z]+\" (line 3 of a.toml)",
        ),
        (
            "[apps.demo]\naccess = \"list\"\ntokens = [\n\"alice\",\n{ token = \"alice\", roles = [\"responder\"] }]",
            "apps.demo.tokens[1] (line 5 of a.toml) is the same token in other roles as apps.demo.tokens[0] (line 4 of \
             a.toml)",
        ),
        ("hosted = 3", "hosted (line 1 of a.toml) is refused; accepted: sections, [[hosted]]"),
        ("[hosted]", "hosted (an empty table) is refused; accepted: sections, [[hosted]]"),
        (
            "[apps.demo]\n[[hosted]]\naccess_token = \"a\"\npairs = 1",
            "hosted[0].app is missing: hosted clients belong to an app",
        ),
        (
            "[apps.demo]\n[[hosted]]\napp = \"demo\"",
            "hosted[0].access_token is missing: hosted clients take part for a user",
        ),
        (
            "[apps.demo]\n[[hosted]]\napp = \"demo\"\naccess_token = \"s e c r e t\"",
            "hosted[0].access_token (line 4 of a.toml) is refused; accepted: an accessToken is one or more printable \
             ASCII characters without a space",
        ),
        (
            "[apps.demo]\n[[hosted]]\napp = \"demo\"\naccess_token = \"a\"\n[[hosted]]\napp = \"other\"\n\
             access_token = \"a\"",
            "hosted[1].app = \"other\" (line 6 of a.toml) is refused; accepted: an app that is served: one of [apps], or \
             any with server.any_app",
        ),
        (
            "[apps.demo]\n[[hosted]]\napp = \"demo\"\naccess_token = \"a\"\nbehaviour = \"parrot\"",
            "hosted[0].behaviour = \"parrot\" (line 5 of a.toml) is refused; accepted: \"idle\" or \"echo\"",
        ),
        (
            "[apps.demo]\n[[hosted]]\napp = \"demo\"\naccess_token = \"a\"\nclient_ids = [\"123456\", \"12345\"]",
            "hosted[0].client_ids[1] = \"12345\" (line 5 of a.toml) is refused; accepted: six digits, such as \"482913\"",
        ),
        (
            "[apps.demo]\n[[hosted]]\napp = \"demo\"\naccess_token = \"a\"\nclient_ids = [\"123456\", \"123456\"]",
            "hosted[0].client_ids = \"123456\" once more (line 5 of a.toml) is refused; accepted: each clientId once",
        ),
        (
            "[apps.demo]\n[[hosted]]\napp = \"demo\"\naccess_token = \"a\"\npairs = 500001",
            "hosted = 1000002 clients (line 2 of a.toml) is refused; accepted: as many clients as there are clientIds, \
             a million",
        ),
    ] {
        assert_eq!(told(text), expected, "of:\n{text}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let said = told("[server]\nworkers = 0\nbacklog = 0\n[apps.demo]\npairing = 1");
    let keys: Vec<&str> = said.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(keys, ["server.workers", "server.backlog", "apps.demo.pairing"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let given = Given::file("");
    given.run(&["check-config", "nowhere.toml"], &[]).refused(&["nowhere.toml", "No such file"]);
    given.run(&["check-config", "."], &[]).refused(&["the configuration .", "directory"]);
    fs::write(given.path(), b"[server]\nworkers = \xff").unwrap();
    given.check().refused(&["a.toml", "UTF-8"]);
}

#[test]
fn the_environment_goes_before_the_file_and_flags_before_both() {
    let given = Given::file("[server]\nweb_root = \"file\"\ndata_dir = \"file\"\nbacklog = 7\nworkers = 7");
    let environment = [
        ("CRSOCKET__SERVER__WEB_ROOT", "environment"),
        ("CRSOCKET__SERVER__DATA_DIR", ""),
        ("CRSOCKET__SERVER__BACKLOG", "8"),
        ("CRSOCKET__SERVER__BIND", "127.0.0.1:1, [::1]:2"),
        ("CRSOCKET__SERVER__ANY_APP", "true"),
        ("CRSOCKET__SERVER__TRUSTED_PROXIES", ""),
        ("CRSOCKET__TIMING__RELEASE_DT_MS", "9"),
        ("CRSOCKET_OTHER", "is nothing of ours"),
    ];
    let all = [
        "print-config",
        "--config",
        "a.toml",
        "--web-root",
        "flag",
        "--bind",
        "[::1]:3",
        "--bind",
        "[::1]:4",
    ];
    for (args, lines) in [
        (
            &all[..1],
            [
                "web_root = \"environment\"",
                "data_dir = \"\"",
                "workers = 1",
                "bind = [\"127.0.0.1:1\", \"[::1]:2\"]",
            ],
        ),
        (
            &all[..3],
            [
                "web_root = \"environment\"",
                "data_dir = \"\"",
                "workers = 7",
                "bind = [\"127.0.0.1:1\", \"[::1]:2\"]",
            ],
        ),
        (
            &all[..],
            ["web_root = \"flag\"", "data_dir = \"\"", "workers = 7", "bind = [\"[::1]:3\", \"[::1]:4\"]"],
        ),
    ] {
        let said = given.run(args, &environment);
        let printed: Vec<&str> = said.accepted().lines().collect();
        for line in lines.into_iter().chain(["backlog = 8", "any_app = true", "release_dt_ms = 9"]) {
            assert!(printed.contains(&line), "{line} is missing in: {}", said.out);
        }
    }
}

#[test]
fn localhost_is_this_machine() {
    let said =
        Given::file("server.bind = \"localhost:81\"").run(&["print-config", "--config", "a.toml"], &[]);
    let bind = said.accepted().lines().find(|line| line.starts_with("bind = ")).unwrap();
    let addresses = bind.strip_prefix("bind = [").unwrap().strip_suffix(']').unwrap();
    assert!(
        addresses.split(", ").all(|address| ["\"127.0.0.1:81\"", "\"[::1]:81\""].contains(&address)),
        "{bind}"
    );
}

#[test]
fn mistakes_in_environment_and_flags_name_them() {
    let given = Given::file("");
    for (name, value, expected) in [
        (
            "CRSOCKET__SERVER__WORKERS",
            "many",
            "server.workers = \"many\" (environment variable CRSOCKET__SERVER__WORKERS)",
        ),
        ("CRSOCKET__SERVER__WORKERS", "", "accepted: a whole number from 1 to 1024"),
        (
            "CRSOCKET__SERVER__ANY_APP",
            "yes",
            "server.any_app = \"yes\" (environment variable CRSOCKET__SERVER__ANY_APP)",
        ),
        (
            "CRSOCKET__SERVER__BINDS",
            "x",
            "server.binds = \"x\" (environment variable CRSOCKET__SERVER__BINDS) is not a setting",
        ),
        ("CRSOCKET__SERVER", "x", "environment variable CRSOCKET__SERVER: no setting has this name"),
        ("CRSOCKET__SERVER__BIND[0]", "x", "environment variable CRSOCKET__SERVER__BIND[0]"),
        (
            "CRSOCKET__LOGGING__LEVEL",
            "x",
            "environment variable CRSOCKET__LOGGING__LEVEL: no setting has this name",
        ),
        (
            "CRSOCKET__APPS__DEMO__ACCESS",
            "any",
            "CRSOCKET__APPS__DEMO__ACCESS: apps are configured in the file alone",
        ),
        (
            "CRSOCKET__TIMING__HELLO_MAX_DT_MS",
            "0",
            "timing.hello_max_dt_ms = 0 (environment variable CRSOCKET__TIMING__HELLO_MAX_DT_MS) is refused",
        ),
    ] {
        let said = given.run(&["check-config", "a.toml"], &[(name, value)]);
        said.refused(&[expected]);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
    let bind = ["print-config", "--bind", "127.0.0.1:80", "--bind", "example.org:80"];
    given
        .run(&bind, &[])
        .refused(&["server.bind[1] = \"example.org:80\" (flag --bind) is refused", "localhost:8080"]);
}

#[test]
fn a_good_file_is_called_good_and_its_apps_named() {
    let given = Given::file("[apps.demo]\n[apps.Comm-Test_2]\nmore = 1");
    given.check().refused(&["apps.Comm-Test_2.more"]);
    for (text, expected) in [
        ("[apps.demo]\n[apps.Comm-Test_2]", "the apps are Comm-Test_2, demo."),
        ("server.any_app = true\n[apps.demo]", "the apps are demo, and any other is served."),
        ("server.any_app = true", "any app is served."),
        ("", "no app is configured"),
    ] {
        let said = Given::file(text).check();
        assert!(said.accepted().starts_with("a.toml can be served: "), "{}", said.out);
        assert!(said.out.contains(expected), "{}", said.out);
    }
}

#[test]
fn token_files_are_checked_too() {
    let given = Given::file("[apps.demo]\naccess = \"list\"\ntoken_file = \"tokens\"");
    given.check().refused(&["apps.demo.token_file: cannot read tokens: No such file"]);
    given.other("tokens", "alice\n\n  # nobody\nbob contoller\n").check().refused(&["tokens, line 4: "]);
    given.other("tokens", "alice\nbob controller\n").check().accepted();
}

/// What is printed says the same as what was given, but for the tokens.
#[test]
fn what_is_printed_can_be_checked_and_prints_the_same() {
    let text = format!(
        "{}\n[apps.open]\ncors_origins = \"*\"\n",
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("config/crsocket.toml"))
            .unwrap()
            .lines()
            .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
            .collect::<Vec<_>>()
            .join("\n")
    );
    // The example's certificate is on nobody's machine.
    let text = text
        .replace("/etc/letsencrypt/live/example.org/fullchain.pem", "certificate.pem")
        .replace("/etc/letsencrypt/live/example.org/privkey.pem", "key.pem");
    let given = Given::file(&text);
    given.other("demo-tokens.txt", "carol responder\n");
    let web_root = "a \"b\" \\ ü";
    let first = given.run(&["print-config", "--config", "a.toml", "--web-root", web_root], &[]);
    let printed = first.accepted().to_owned();
    let masks = " # 2 not shown: ***, *** (controller)";
    for part in
        ["[tls]", "token_pattern = \"[a-z]+\"", "cors_origins = [\"*\"]", &format!("tokens = []{masks}")]
    {
        assert!(printed.contains(part), "{part:?} is missing in: {printed}");
    }
    let table: toml::Table = printed.parse().unwrap();
    let written = table.get("server").and_then(|server| server.get("web_root"));
    assert_eq!(written.and_then(toml::Value::as_str), Some(web_root));
    // Whoever has the token fills it in.
    let unsaid = "#access_token is not shown\n";
    assert!(printed.contains(unsaid), "{printed}");
    given.other("b.toml", &printed.replace(unsaid, "access_token = \"alice\"\n"));
    given.run(&["check-config", "b.toml"], &[]).refused(&["the web root"]);
    fs::create_dir(given.folder.path().join(web_root)).unwrap();
    given.run(&["check-config", "b.toml"], &[]).refused(&["tls.certificate_file"]);
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    given.other("certificate.pem", &certified.cert.pem());
    given.other("key.pem", &certified.signing_key.serialize_pem());
    given.run(&["check-config", "b.toml"], &[]).accepted();
    let second = given.run(&["print-config", "--config", "b.toml"], &[]);
    assert_eq!(second.accepted(), printed.replace(masks, ""));
}

/// Places where a secret may stand, by mistake or not: `S` is it.
const SECRETS: [&str; 32] = [
    "[apps.demo]\naccess = \"list\"\ntokens = [\"S\", { token = \"S2\", roles = [\"controller\"] }]",
    "[apps.demo]\naccess = \"list\"\ntokens = \"S\"",
    "[apps.demo]\naccess = \"list\"\ntokens = { S = true }",
    "[apps.demo]\naccess = \"list\"\ntokens = [[\"S\"]]",
    "[apps.demo]\naccess = \"list\"\ntokens = [\"S with a space\"]",
    "[apps.demo]\naccess = \"list\"\ntokens = [{ S = \"alice\" }]",
    "[apps.demo]\naccess = \"list\"\ntokens = [{ token = [\"S\"] }]",
    "[apps.demo]\naccess = \"list\"\ntokens = [{ token = { S = 1 } }]",
    "[apps.demo]\naccess = \"list\"\ntokens = [{ token = \"S\", roles = \"S\" }]",
    "[apps.demo]\naccess = \"list\"\ntokens = [{ token = \"alice\", roles = [\"S\"] }]",
    "[apps.demo]\naccess = \"list\"\ntokens = [{ token = \"alice\", S = 1 }]",
    "[apps.demo]\naccess = \"list\"\ntokens = [\"S\", { token = \"S\", roles = [\"controller\"] }]",
    "[apps.demo]\naccess = \"list\"\ntoken_pattern = \"x\"\ntokens = [\"S\"]",
    "[apps.demo]\naccess = \"any\"\ntokens = [\"S\"]",
    "[apps.demo]\ntokens = [\"S\"]\nnonsense = 1",
    "[apps.demo]\ntoken = \"S\"",
    "[apps.demo]\nkey = \"S\"",
    "[apps.demo.key]\na = \"S\"",
    "[apps.demo]\ntokns = \"S\"",
    "[apps]\ntokens = [\"S\"]",
    "[apps]\ndemo = [\"S\"]",
    "[[apps.demo.tokens]]\ntoken = \"S\"\nrole = \"controller\"",
    "[server]\ntoken = \"S\"",
    "[server.tokens]\nS = \"S\"",
    "[tls]\nkey = \"S\"",
    "tokens = [\"S\"]",
    "token = \"S\"",
    "[key]\na = \"S\"",
    "[apps.demo]\naccess = \"list\"\ntokens = [\"S\" \"S\"]",
    "[apps.demo]\naccess = \"list\"\ntokens = [\"S]",
    "[apps.demo]\naccess = \"list\"\ntokens = [S]",
    "[apps.demo]\ntokens = [\"S\"]\ntokens = [\"S\"]",
];

#[test]
fn no_secret_is_in_any_output() {
    const SECRET: &str = "zwGH81-geheim";
    for place in SECRETS {
        let given = Given::file(&place.replace('S', SECRET));
        let environment = [("RUST_LOG", "trace"), ("RUST_BACKTRACE", "1")];
        for args in [&["check-config", "a.toml"][..], &["print-config", "--config", "a.toml"]] {
            let said = given.run(args, &environment);
            assert!(said.code == Some(0) || said.code == Some(2), "{said:?}");
            assert!(!format!("{}{}", said.out, said.err).contains(SECRET), "{args:?} of\n{place}\n{said:?}");
            assert!(
                said.code == Some(0) || said.err.contains("line ") || said.err.contains("is missing"),
                "{said:?}"
            );
        }
    }
}

#[test]
fn no_secret_of_a_token_file_or_a_variable_is_in_any_output() {
    const SECRET: &str = "zwGH81-geheim";
    let given = Given::file("[apps.demo]\naccess = \"list\"\ntokens = [\"alice\"]\ntoken_file = \"tokens\"");
    for line in ["S", "S S", "S controller S", "Sü", "S\nS controller", "S\0", "alice controller # S"] {
        given.other("tokens", &line.replace('S', SECRET));
        let said = given.check();
        assert!(!format!("{said:?}").contains(SECRET), "{line:?}: {said:?}");
    }
    for name in
        ["CRSOCKET__SERVER__TOKEN", "CRSOCKET__TOKENS", "CRSOCKET__APPS__DEMO__TOKENS", "CRSOCKET__TLS__KEY"]
    {
        let said = given.run(&["check-config", "a.toml"], &[(name, SECRET)]);
        said.refused(&[name]);
        assert!(!said.err.contains(SECRET), "{name}: {said:?}");
    }
}
