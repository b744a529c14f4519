//! Where a token is needed: `Authorization: Bearer`, the login of the page, and too many wrong ones.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::Answer;
use crate::live_client;
use crate::process::Server;
use crate::rig::{Admin, until};

pub const TOKEN: &str = "a-token-of-some-length";
const CONFIG: &str = "[apps.demo]\n[admin]\ntoken = \"a-token-of-some-length\"\n";

/// Everything that says or does something.
const CLOSED: [(&str, &str); 17] = [
    ("GET", "/admin/api/sockets"),
    ("POST", "/admin/api/sockets"),
    ("GET", "/admin/api/sockets/0"),
    ("PATCH", "/admin/api/sockets/0"),
    ("DELETE", "/admin/api/sockets/0"),
    ("POST", "/admin/api/sockets/0/events"),
    ("POST", "/admin/api/sockets/0/clear-client-id"),
    ("GET", "/admin/api/sessions"),
    ("DELETE", "/admin/api/sessions/000001"),
    ("GET", "/admin/api/explain?controller=000001&responder=000002"),
    ("GET", "/admin/api/stats"),
    ("GET", "/admin/api/config"),
    ("GET", "/admin/api/openapi.json"),
    ("GET", "/admin/docs/"),
    ("GET", "/admin/live"),
    ("GET", "/metrics"),
    ("POST", "/admin/logout"),
];

fn start() -> (Server, Admin) {
    let server = Server::with_admin(CONFIG);
    let admin = Admin::of(&server);
    (server, admin)
}

fn with(admin: &Admin, method: &str, target: &str, head: &str) -> Answer {
    admin.raw(method, target, &format!("Host: {}\r\n{head}", admin.address), b"")
}

fn log_in(admin: &Admin, token: &str) -> Answer {
    admin.ask("POST", "/admin/login", Some(&json!({ "token": token })))
}

/// What a browser would send back.
fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie").unwrap_or_else(|| panic!("no cookie in {answer:?}"));
    format!("Cookie: {}\r\n", set.split(';').next().unwrap())
}

#[test]
fn without_it_nothing_is_said_or_done_but_whether_the_server_lives() {
    let (_server, admin) = start();
    for (method, target) in CLOSED {
        let answer = with(&admin, method, target, "");
        assert_eq!(answer.status, 401, "{method} {target}: {}", answer.text());
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{method} {target}");
        assert_eq!(answer.problem()["detail"], "a token is needed (Authorization: Bearer)");
    }
    for target in ["/healthz", "/readyz"] {
        assert_eq!(with(&admin, "GET", target, "").status, 200, "{target}");
    }
    // The page's files say nothing, and have the form to log in.
    assert_eq!(with(&admin, "GET", "/", "").status, 303);
    assert_ne!(with(&admin, "GET", "/admin/", "").status, 401);
    for path in
        crsocket::web::paths().filter_map(|path| Some(format!("/admin/{}", path.strip_prefix("admin/")?)))
    {
        assert_eq!(with(&admin, "GET", &path, "").status, 200, "{path}");
        assert_eq!(with(&admin, "POST", &path, "").status, 401, "{path}");
    }
    for path in ["/admin/../metrics", "/admin//api/stats", "/admin/%61pi/stats", "/admin/./live", "//metrics"]
    {
        let answer = with(&admin, "GET", path, "");
        assert!([400, 401].contains(&answer.status), "{path}: {}", answer.text());
    }
}

#[test]
fn the_right_token_opens_everything_and_a_wrong_one_nothing() {
    let (_server, admin) = start();
    let bearer =
        |token: &str| with(&admin, "GET", "/admin/api/stats", &format!("Authorization: Bearer {token}\r\n"));
    assert_eq!(bearer(TOKEN).status, 200);
    assert_eq!(bearer("").problem()["detail"], "a token is needed (Authorization: Bearer)");
    let small = format!("authorization: bearer {TOKEN}\r\n");
    assert_eq!(with(&admin, "GET", "/admin/api/stats", &small).status, 200, "schemes have no case");
    for wrong in ["a-token-of-some-lengt", "a-token-of-some-length-", "A-TOKEN-OF-SOME-LENGTH", "null"] {
        let answer = bearer(wrong);
        assert_eq!(answer.status, 401, "{wrong}");
        assert_eq!(answer.problem()["detail"], "the token is wrong");
    }
    let basic = with(&admin, "GET", "/admin/api/stats", "Authorization: Basic YTpiCg==\r\n");
    assert_eq!(basic.status, 401);
    let bare = with(&admin, "GET", "/admin/api/stats", &format!("Authorization: {TOKEN}\r\n"));
    assert_eq!(bare.status, 401);
    let of_the_query = with(&admin, "GET", &format!("/admin/api/config?token={TOKEN}"), "");
    assert_eq!(of_the_query.status, 401, "a token in an address would be in histories and logs");
    let metrics = with(&admin, "GET", "/metrics", &format!("Authorization: Bearer {TOKEN}\r\n"));
    assert_eq!(metrics.status, 200, "Prometheus shows it so");
    let bearer = format!("Bearer {TOKEN}");
    assert!(live_client::open(admin.address, &[("Authorization", &bearer)]).is_ok());
    assert_eq!(live_client::open(admin.address, &[]).err(), Some(401));
    assert_eq!(live_client::open(admin.address, &[("Authorization", "Bearer x")]).err(), Some(401));
}

/// It needs it on a loopback address too, once there is one; then any Host is good: only who has the token gets in.
#[test]
fn with_a_token_other_machines_may_ask_but_no_other_site() {
    let server = Server::in_folder(tempfile::tempdir().unwrap(), CONFIG, |command| {
        command.args(["--admin-bind", "0.0.0.0:0"]);
    });
    let admin = Admin { address: ([127, 0, 0, 1], server.admin().port()).into() };
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    let named = |more: &str| {
        admin.raw("GET", "/admin/api/stats", &format!("Host: lab.example\r\n{bearer}{more}"), b"")
    };
    assert_eq!(named("").status, 200);
    assert_eq!(named("Origin: http://lab.example\r\n").status, 200);
    assert_eq!(named("Origin: https://evil.example\r\n").status, 403);
    assert_eq!(named("Sec-Fetch-Site: cross-site\r\n").status, 403);
    assert_eq!(admin.raw("GET", "/admin/api/stats", "Host: lab.example\r\n", b"").status, 401);
}

#[test]
fn the_page_logs_in_with_a_cookie_that_no_script_and_no_other_site_can_use() {
    let (_server, admin) = start();
    let answer = log_in(&admin, TOKEN);
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    let set = answer.header("set-cookie").unwrap();
    let parts: Vec<&str> = set.split("; ").collect();
    let (name, secret) = parts[0].split_once('=').unwrap();
    assert_eq!((name, secret.len()), ("crsocket-admin", 64), "{set}");
    assert!(!set.contains(TOKEN), "{set}");
    let mut flags = parts[1..].to_vec();
    flags.sort_unstable();
    assert_eq!(flags, ["HttpOnly", "Max-Age=43200", "Path=/", "SameSite=Strict"], "{set}");

    let shown = cookie(&answer);
    let stats = |cookie: &str| with(&admin, "GET", "/admin/api/stats", cookie).status;
    assert_eq!(stats(&shown), 200);
    let pair = shown.trim_start_matches("Cookie: ").trim_end();
    assert!(live_client::open(admin.address, &[("Cookie", pair)]).is_ok());
    // A cookie goes along with what other sites ask, where a browser knows no SameSite.
    assert_eq!(stats(&format!("{shown}Origin: https://evil.example\r\n")), 403);
    let other = cookie(&log_in(&admin, TOKEN));
    assert_ne!(other, shown, "each login has a secret of its own");

    let out = with(&admin, "POST", "/admin/logout", &shown);
    assert_eq!(out.status, 204);
    let gone = out.header("set-cookie").unwrap();
    assert!(gone.starts_with("crsocket-admin=;") && gone.contains("Max-Age=0"), "{gone}");
    assert_eq!((stats(&shown), stats(&other)), (401, 200), "only this one was logged out");
    for wrong in ["", "x", &"0".repeat(64), &"\u{e9}".repeat(32), TOKEN] {
        assert_eq!(stats(&format!("Cookie: crsocket-admin={wrong}\r\n")), 401, "{wrong}");
    }
}

#[test]
fn a_login_that_is_wrong_is_refused() {
    let (_server, admin) = start();
    let answer = log_in(&admin, "not-the-token-that-it-is");
    assert_eq!((answer.status, answer.header("set-cookie")), (401, None));
    assert_eq!(answer.problem()["detail"], "the token is wrong");
    for body in [
        json!({}),
        json!({ "token": 4_711_471_147_114_711_u64 }),
        json!({ "token": "x", "more": 1 }),
        json!(null),
    ] {
        let detail = admin.refused(400, "POST", "/admin/login", Some(&body));
        assert!(!detail.contains("4711"), "{detail}");
    }
}

/// Without a token there is nothing to log in to, and the page need not know.
#[test]
fn where_no_token_is_needed_any_login_is_good() {
    let server = Server::with_admin("[apps.demo]\n");
    let answer = log_in(&Admin::of(&server), "whatever it is");
    assert_eq!((answer.status, answer.header("set-cookie")), (204, None));
}

/// Ten wrong ones at once; from then on not even the right one is looked at, until Retry-After has passed.
#[test]
fn too_many_wrong_tokens_are_answered_with_patience() {
    let (server, admin) = start();
    let logged_in = cookie(&log_in(&admin, TOKEN));
    let bearer =
        |token: &str| with(&admin, "GET", "/admin/api/stats", &format!("Authorization: Bearer {token}\r\n"));
    let begun = Instant::now();
    for number in 0..10 {
        let answer =
            if number % 2 == 0 { bearer("wrong-token-of-that-length") } else { log_in(&admin, "wrong") };
        assert_eq!(answer.status, 401, "the {number}th: {}", answer.text());
    }
    let answer = bearer("wrong-token-of-that-length");
    if begun.elapsed() < Duration::from_secs(5) {
        assert_eq!(answer.status, 429, "{}", answer.text());
        let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=7).contains(&seconds), "{seconds}");
        let detail = answer.problem()["detail"].as_str().unwrap().to_owned();
        assert_eq!(detail, format!("too many wrong tokens; try again in {seconds} s"));
    }
    assert_eq!((bearer(TOKEN).status, log_in(&admin, TOKEN).status), (429, 429), "the right one, too");
    assert_eq!(with(&admin, "GET", "/admin/api/stats", &logged_in).status, 200, "who is in stays in");
    assert_eq!(with(&admin, "GET", "/healthz", "").status, 200);
    server.log().wait_for("too many wrong admin tokens from 127.0.0.1");
    until("the end of it", || match bearer(TOKEN).status {
        200 => Ok(()),
        status => Err(status.to_string()),
    });
}
