//! The OpenAPI document: valid, in step with the routes, and true of what is answered.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::process::Server;
use crate::python_tools;
use crate::rig::{Admin, SHORT};

const DOCUMENT: &str = "/admin/api/openapi.json";

fn start() -> (Server, Admin) {
    let server = Server::with_admin(&format!("[apps.demo]\n[apps.other]\n{SHORT}"));
    let admin = Admin::of(&server);
    (server, admin)
}

#[test]
fn the_document_is_valid() {
    let (_server, admin) = start();
    let answer = admin.ask("GET", DOCUMENT, None);
    let output = python_tools::run("openapi.py", &answer.body);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let broken = answer.text().replace("\"responses\":", "\"replies\":");
    assert!(!python_tools::run("openapi.py", broken.as_bytes()).status.success(), "what is wrong is found");
}

/// Every operation is there, and every operation that is there is in it.
#[test]
fn the_document_is_in_step_with_the_routes() {
    let (_server, admin) = start();
    let document = admin.get(DOCUMENT);
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut described: Vec<String> = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            described.push(format!("{} {path}", method.to_uppercase()));
            assert!(
                operation["summary"].as_str().is_some_and(|summary| !summary.is_empty()),
                "{method} {path}"
            );
            let target = path.replace("{socketId}", "0").replace("{clientId}", "000000");
            let answer = admin.ask(&method.to_uppercase(), &target, None);
            assert_ne!(answer.status, 405, "{method} {path}");
            assert!(!answer.text().contains("there is nothing at"), "{method} {path}: {}", answer.text());
            let status = answer.status.to_string();
            assert!(
                operation["responses"].get(&status).is_some(),
                "{method} {path} answers {status}: {operation}"
            );
        }
    }
    described.sort_unstable();
    let expected = [
        "DELETE /admin/api/sessions/{clientId}",
        "DELETE /admin/api/sockets/{socketId}",
        "GET /admin/api/config",
        "GET /admin/api/explain",
        "GET /admin/api/sessions",
        "GET /admin/api/sockets",
        "GET /admin/api/sockets/{socketId}",
        "GET /admin/api/stats",
        "PATCH /admin/api/sockets/{socketId}",
        "POST /admin/api/sockets",
        "POST /admin/api/sockets/{socketId}/clear-client-id",
        "POST /admin/api/sockets/{socketId}/events",
    ];
    assert_eq!(described, expected);
}

/// It works offline: all that the page loads comes from here.
#[test]
fn its_page_works_offline() {
    let (_server, admin) = start();
    let page = admin.ask("GET", "/admin/docs/", None);
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")), "{page:?}");
    let text = page.text();
    let links: Vec<&str> =
        text.split(['"', '\'']).filter(|part| part.ends_with(".js") || part.ends_with(".css")).collect();
    assert!(links.len() >= 3, "{text}");
    let mut scripts = String::new();
    for link in links {
        assert!(!link.contains("://") && !link.starts_with("//"), "{link}");
        let loaded = admin.ask("GET", &format!("/admin/docs/{}", link.trim_start_matches("./")), None);
        assert_eq!(loaded.status, 200, "{link}");
        if link.contains("initializer") {
            scripts = loaded.text();
        }
    }
    assert!(scripts.contains(DOCUMENT), "the page shows this document: {scripts}");
}

/// Schemathesis asks for everything that the document allows, and much that it does not: no 5xx, and every answer is one
/// that the document describes.
#[test]
fn nothing_that_is_asked_breaks_it_and_every_answer_is_described() {
    let (server, admin) = start();
    for id in ["000001", "000002"] {
        admin.spawn_one("demo", "controller", &json!({ "clientId": id, "partnerClientId": "000003" }));
    }
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(python_tools::program("st"))
        .arg("run")
        .arg(format!("http://{}{DOCUMENT}", admin.address))
        .args(["--checks", CHECKS, "--max-examples", "25", "--seed", "8", "--no-color", "--workers", "1"])
        .args(["--max-time", "45", "--request-timeout", "10", "--continue-on-failure", "--warnings", "off"])
        .args(["--suppress-health-check", "all", "--phases", "examples,coverage,fuzzing"])
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", python_tools::file(""))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{error}");
    let stats: Value = admin.get("/admin/api/stats");
    assert!(stats["sockets"]["total"].as_u64().is_some(), "it is as before: {stats}");
    assert!(!server.log().text().contains("panicked"), "{}", server.log().text());
    println!("{said}");
}

const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
    response_schema_conformance,unsupported_method,allow_header_conformance";
