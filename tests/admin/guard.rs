//! Who may ask: Host, Origin, and what else a browser says of where a request comes from.

use std::process::{Command, Stdio};

use serde_json::json;

use crate::client::Answer;
use crate::live_client;
use crate::process::{Server, command};
use crate::rig::Admin;

const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// Something of everything that is served.
const TARGETS: [&str; 11] = [
    "/",
    "/admin/",
    "/admin/api/sockets",
    "/admin/api/sockets/0",
    "/admin/api/sessions/000001",
    "/admin/api/openapi.json",
    "/admin/docs/",
    "/admin/live",
    "/admin/login",
    "/metrics",
    "/healthz",
];

fn start() -> (Server, Admin) {
    let server = Server::with_admin("[apps.demo]\n");
    let admin = Admin::of(&server);
    (server, admin)
}

/// Every method at every target; the body is that of an answer to `HEAD` where there is none.
fn refused_everywhere(admin: &Admin, head: &str, detail: &str) {
    for method in METHODS {
        for target in TARGETS {
            let answer = match method {
                "HEAD" => {
                    let answer = admin.head(target, head);
                    assert_eq!(answer.status, 403, "{method} {target} with {head}");
                    continue;
                }
                method => admin.raw(method, target, head, b""),
            };
            assert_eq!(answer.status, 403, "{method} {target} with {head}: {}", answer.text());
            assert_eq!(answer.problem()["detail"], detail, "{method} {target}");
        }
    }
}

#[test]
fn a_host_that_is_not_this_machine_is_refused_whatever_is_asked() {
    let (_server, admin) = start();
    for host in [
        "evil.example",
        "evil.example:8081",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1:80@evil.example",
        "192.168.0.7",
        "[2001:db8::1]:8081",
        "0.0.0.0",
        "127.1",
        "",
    ] {
        let accepted = "accepted without admin.token: localhost, 127.0.0.1, [::1]";
        let detail = format!("Host = {host:?} is not this machine; {accepted}");
        let answer = admin.raw("GET", "/admin/api/stats", &format!("Host: {host}\r\n"), b"");
        assert_eq!((answer.status, &answer.problem()["detail"]), (403, &json!(detail)), "{host}");
    }
    let accepted = "accepted without admin.token: localhost, 127.0.0.1, [::1]";
    let detail = format!("Host = \"evil.example\" is not this machine; {accepted}");
    refused_everywhere(&admin, "Host: evil.example\r\n", &detail);
    // Nothing was done.
    assert_eq!(admin.get("/admin/api/sockets")["total"], 0);
}

#[test]
fn this_machine_is_accepted_by_its_names() {
    let (_server, admin) = start();
    let port = admin.address.port();
    for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.0.0.9", "[::1]", "[::ffff:127.0.0.1]"] {
        for host in [host.to_owned(), format!("{host}:{port}")] {
            let answer = admin.raw("GET", "/admin/api/stats", &format!("Host: {host}\r\n"), b"");
            assert_eq!(answer.status, 200, "{host}: {}", answer.text());
        }
    }
}

#[test]
fn requests_of_other_sites_are_refused_whatever_they_ask() {
    let (_server, admin) = start();
    let own = admin.address;
    for origin in [
        "https://evil.example".to_owned(),
        "null".to_owned(),
        format!("http://evil.example:{}", own.port()),
        // Another port of this machine is another site's page, too.
        "http://127.0.0.1:1".to_owned(),
        "http://localhost".to_owned(),
        format!("http://{own}.evil.example"),
        String::new(),
        own.to_string(),
    ] {
        let head = format!("Host: {own}\r\nOrigin: {origin}\r\n");
        let answer = admin.raw("POST", "/admin/api/sockets", &head, b"{}");
        let detail = format!("Origin = {origin:?}: requests of other sites are refused");
        assert_eq!((answer.status, &answer.problem()["detail"]), (403, &json!(detail)), "{origin}");
    }
    for (head, detail) in [
        ("Origin: null", "Origin = \"null\": requests of other sites are refused"),
        (
            "Origin: http://evil.example",
            "Origin = \"http://evil.example\": requests of other sites are refused",
        ),
        (
            "Sec-Fetch-Site: cross-site",
            "Sec-Fetch-Site = \"cross-site\": requests of other sites are refused",
        ),
        ("Sec-Fetch-Site: same-site", "Sec-Fetch-Site = \"same-site\": requests of other sites are refused"),
    ] {
        refused_everywhere(&admin, &format!("Host: {own}\r\n{head}\r\n"), detail);
    }
    assert_eq!(admin.get("/admin/api/sockets")["total"], 0);
}

#[test]
fn the_page_itself_and_links_to_it_are_accepted() {
    let (_server, admin) = start();
    let own = admin.address;
    let spawn = json!({ "app": "demo", "accessToken": "a", "role": "controller" }).to_string();
    let head = format!(
        "Host: {own}\r\nOrigin: http://{own}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n"
    );
    assert_eq!(admin.raw("POST", "/admin/api/sockets", &head, spawn.as_bytes()).status, 201);
    let typed = format!("Host: {own}\r\nSec-Fetch-Site: none\r\n");
    assert_eq!(admin.raw("GET", "/admin/api/stats", &typed, b"").status, 200);
    let link = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest";
    assert_eq!(
        admin.raw("GET", "/healthz", &format!("Host: {own}\r\n{link}: document\r\n"), b"").status,
        200
    );
    // In a frame of another site it is no link; nor is what changes something.
    assert_eq!(admin.raw("GET", "/healthz", &format!("Host: {own}\r\n{link}: iframe\r\n"), b"").status, 403);
    let form = format!("Host: {own}\r\n{link}: document\r\nContent-Type: application/json\r\n");
    assert_eq!(admin.raw("POST", "/admin/api/sockets", &form, spawn.as_bytes()).status, 403);
    assert_eq!(admin.get("/admin/api/sockets")["total"], 1);
}

/// A WebSocket is not under the same-origin policy of browsers: the server must refuse it.
#[test]
fn a_websocket_of_another_site_is_refused() {
    let (_server, admin) = start();
    let own = admin.address.to_string();
    let port = admin.address.port();
    for headers in [
        &[("Origin", "https://evil.example")][..],
        &[("Origin", "null")],
        &[("Host", "evil.example")],
        &[("Host", "evil.example"), ("Origin", "http://evil.example")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Origin", &format!("http://localhost:{port}"))],
    ] {
        assert_eq!(live_client::open(admin.address, headers).err(), Some(403), "{headers:?}");
    }
    let of_the_page = [("Origin", &*format!("http://{own}")), ("Sec-Fetch-Site", "same-origin")];
    assert!(live_client::open(admin.address, &of_the_page).is_ok());
    assert!(live_client::open(admin.address, &[]).is_ok(), "a program says no Origin");
}

/// No page of another site reads an answer: none is offered to it.
#[test]
fn no_answer_is_offered_to_other_origins() {
    let (_server, admin) = start();
    let own = admin.address;
    let head = format!("Host: {own}\r\nOrigin: http://{own}\r\nAccess-Control-Request-Method: POST\r\n");
    for (method, target) in
        [("GET", "/admin/api/stats"), ("OPTIONS", "/admin/api/sockets"), ("GET", "/healthz")]
    {
        let answer: Answer = admin.raw(method, target, &head, b"");
        assert_eq!(answer.header("access-control-allow-origin"), None, "{method} {target}: {answer:?}");
    }
}

#[test]
fn where_other_machines_reach_it_it_does_not_start_without_a_token() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "10.1.2.3:8081"] {
        let folder = tempfile::tempdir().unwrap();
        let output = command(folder.path(), "[apps.demo]\n")
            .args(["--bind", "127.0.0.1:0", "--admin-bind", address])
            .stdout(Stdio::piped())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{address}: {said}");
        assert!(
            said.contains("admin.token is missing") && said.contains("other machines reach"),
            "{address}: {said}"
        );
    }
}

#[test]
fn a_token_that_is_too_short_is_refused_and_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let config = "[apps.demo]\n[admin]\ntoken = \"fifteen-letters\"\n";
    let mut command: Command = command(folder.path(), config);
    let output = command.args(["--bind", "127.0.0.1:0"]).stdout(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("16 to 256 visible ASCII characters"), "{said}");
    assert!(!said.contains("fifteen-letters"), "{said}");
}
