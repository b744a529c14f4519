//! Texts of clients, script among them, are texts in everything that is said.

use serde_json::json;

use crate::client::{Client, encode, raw};
use crate::live_client::Live;
use crate::process::Server;
use crate::rig::{Admin, SHORT, until};
use crate::sessions::browser;

const SCRIPT: &str = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>";

#[test]
fn script_in_texts_of_clients_is_text_in_json() {
    let server = Server::with_admin(&format!("[apps.demo]\n[admin]\nshow_params = true\n{SHORT}"));
    let admin = Admin::of(&server);
    let here = Client::responder(server.address, "000002");
    let (_stream, _) = browser(&here, SCRIPT);
    let seen = admin.session("000002").unwrap();
    assert_eq!(seen["userAgent"], SCRIPT);

    let hosted =
        admin.spawn_one("demo", "controller", &json!({ "clientId": "000001", "partnerClientId": "000002" }));
    assert_eq!(here.send_event("000001", "ping"), 204);
    admin.wait_for(hosted, "interacting");
    let watched = json!({ "subscribe": ["events"], "params": true });
    let mut live = Live::watching(admin.address, &watched);
    let data = format!("remark,,false,false,true,1,NaN,000002,{SCRIPT}");
    assert_eq!(here.send("000001", "crEvent", &data).status, 204);
    let item = live.item("events", |item| item["eventType"] == "remark");
    assert_eq!(item["params"], json!([SCRIPT]));

    // A reason of its own making.
    let script = SCRIPT.replace(',', "");
    let data = format!("reject,{script},false,false,true,1,NaN,000002");
    assert_eq!(here.send("000001", "crEvent", &data).status, 204);
    let socket = until("the rejection", || {
        let socket = admin.socket(hosted);
        if socket["rejection"].is_null() { Err(socket.to_string()) } else { Ok(socket) }
    });
    assert_eq!(socket["rejection"], json!({ "by": "000002", "reason": script }));
    assert_eq!(socket["why"], format!("readyToPair: it was rejected, and 000002 says why: {script}"));
    assert_eq!(socket["subState"], "other", "what is nobody's published word is no state");
    assert_eq!(admin.session("000001").unwrap()["lastReject"]["reason"], script);
    let explained = admin.get("/admin/api/explain?controller=000001&responder=000002");
    assert!(
        explained["sentence"].as_str().unwrap().ends_with(&format!("and 000002 says why: {script}")),
        "{explained}"
    );
    for target in
        ["/admin/api/sockets", "/admin/api/sessions", "/admin/api/explain?controller=000001&responder=000002"]
    {
        let answer = admin.ask("GET", target, None);
        assert_eq!(answer.header("content-type"), Some("application/json"), "{target}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{target}");
    }
}

/// Of no eventType anything but letters and digits gets in.
#[test]
fn an_event_type_is_never_script() {
    let server = Server::with_admin(&format!("[apps.demo]\n{SHORT}"));
    let admin = Admin::of(&server);
    let (hosted, here) = ("000001", Client::responder(server.address, "000002"));
    let (_stream, _) = here.connected();
    let id =
        admin.spawn_one("demo", "controller", &json!({ "clientId": hosted, "partnerClientId": "000002" }));
    let sent = here.send(hosted, "crEvent", "<script>,,false,false,true,1,NaN,000002");
    assert_eq!(sent.status, 400, "{}", sent.text());
    let target = format!(
        "/crsocket/demo/sendevent/?{}&recipientClientId={hosted}&eventType={}",
        here.credentials(),
        encode("<b>")
    );
    let head = format!("POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(raw(server.address, head.as_bytes()).status, 400);
    let long = "L".repeat(200);
    assert_eq!(here.send_event(hosted, &long), 204);
    let socket = until("the event", || {
        let socket = admin.socket(id);
        let is_there =
            socket["recent"].as_array().unwrap().iter().any(|happening| happening["what"] == "received");
        if is_there { Ok(socket) } else { Err(socket.to_string()) }
    });
    let last = socket["recent"].as_array().unwrap().iter().rfind(|happening| happening["what"] == "received");
    assert_eq!(last.unwrap()["eventType"], long[..22]);
}

/// What an address says is repeated in JSON alone, whatever it is.
#[test]
fn script_in_an_address_comes_back_as_json() {
    let server = Server::with_admin("[apps.demo]\n");
    let admin = Admin::of(&server);
    for target in [
        format!("/admin/{}", encode(SCRIPT)),
        format!("/admin/api/sockets?state={}", encode(SCRIPT)),
        format!("/admin/api/sockets?{}=1", encode(SCRIPT)),
        format!("/admin/api/sockets/{}", encode(SCRIPT)),
        format!("/admin/api/sessions?cursor={}", encode(SCRIPT)),
        format!("/admin/api/explain?controller={0}&responder={0}", encode(SCRIPT)),
    ] {
        let answer = admin.ask("GET", &target, None);
        assert!([400, 404].contains(&answer.status), "{target}: {}", answer.text());
        let problem = answer.problem();
        assert!(problem["detail"].as_str().unwrap().len() < 1_000, "{problem}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{target}");
    }
}

/// Pages load what comes from here and nothing else; what is no page may do nothing at all.
#[test]
fn every_answer_says_what_it_is_and_what_it_may_do() {
    let server = Server::with_admin("[apps.demo]\n");
    let admin = Admin::of(&server);
    for (target, content_type) in [
        ("/admin/api/sockets", "application/json"),
        ("/admin/api/stats", "application/json"),
        ("/admin/api/config", "application/json"),
        ("/admin/api/openapi.json", "application/json"),
        ("/admin/api/nothing", "application/problem+json"),
        ("/metrics", "text/plain; version=0.0.4; charset=utf-8"),
        ("/healthz", "text/plain; charset=utf-8"),
    ] {
        let answer = admin.ask("GET", target, None);
        assert_eq!(answer.header("content-type"), Some(content_type), "{target}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{target}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{target}");
        let policy = answer.header("content-security-policy");
        assert_eq!(policy, Some("default-src 'none'; frame-ancestors 'none'"), "{target}");
    }
    let pages =
        crsocket::web::paths().filter_map(|path| Some(format!("/admin/{}", path.strip_prefix("admin/")?)));
    for target in pages.chain(["/admin/docs/".to_owned(), "/admin/docs/index.html".to_owned()]) {
        let answer = admin.ask("GET", &target, None);
        assert_eq!(answer.status, 200, "{target}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{target}");
        let policy = answer
            .header("content-security-policy")
            .unwrap_or_else(|| panic!("{target}: {:?}", answer.headers));
        for rule in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.split("; ").any(|part| part == rule), "{target}: {rule} in {policy}");
        }
    }
}
