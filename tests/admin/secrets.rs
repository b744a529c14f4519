//! No accessToken, no param and no admin token in anything that is said: each is a text that occurs nowhere else.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::live_client::open;
use crate::process::Server;
use crate::rig::{Admin, until};

/// In every secret.
const MARK: &str = "Pst7Kq";
const ADMIN: &str = "Pst7Kq-admin-token";
const LISTED: &str = "Pst7Kq-listed";
const HOSTED: &str = "Pst7Kq-hosted";
const SPAWNED: &str = "Pst7Kq-spawned";
const BROWSER: &str = "Pst7Kq-browser";
const PARAM: &str = "Pst7Kq param";

/// Asks with the token, and keeps all that came back.
struct Listener {
    admin: Admin,
    heard: Vec<(String, String)>,
}

impl Listener {
    fn ask(&mut self, method: &str, target: &str, body: Option<&Value>) -> Answer {
        let head = format!(
            "Host: {}\r\nAuthorization: Bearer {ADMIN}\r\nContent-Type: application/json\r\n",
            self.admin.address
        );
        let body = body.map(Value::to_string).unwrap_or_default();
        let answer = self.admin.raw(method, target, &head, body.as_bytes());
        self.heard.push((format!("{method} {target} {body}"), format!("{answer:?}\n{}", answer.text())));
        answer
    }

    fn get(&mut self, target: &str) -> Value {
        let answer = self.ask("GET", target, None);
        serde_json::from_slice(&answer.body).unwrap_or(Value::Null)
    }

    fn spawn(&mut self, body: &Value) -> Vec<u64> {
        let answer = self.ask("POST", "/admin/api/sockets", Some(body));
        assert_eq!(answer.status, 201, "{}", answer.text());
        crate::rig::ids(&serde_json::from_slice(&answer.body).unwrap())
    }
}

#[test]
fn no_secret_is_in_anything_that_is_said() {
    let mut server = Server::with_admin(&format!(
        "[apps.demo]\n[apps.listed]\naccess = \"list\"\ntokens = [\"{LISTED}\"]\n[admin]\ntoken = \"{ADMIN}\"\n\
         show_params = true\n[timing]\nmin_cr_event_dt_ms = 0\n\
         [[hosted]]\napp = \"demo\"\naccess_token = \"{HOSTED}\"\npairs = 1\nbehaviour = \"echo\"\n"
    ));
    let mut listener = Listener { admin: Admin::of(&server), heard: Vec::new() };
    let bearer = format!("Bearer {ADMIN}");
    let mut watcher = open(listener.admin.address, &[("Authorization", &bearer)]).unwrap();
    // All of it, but for the params.
    let all = json!({ "subscribe": ["transitions", "events", "sessions", "stats"] });
    watcher.send(tungstenite::Message::text(all.to_string())).unwrap();

    let pair = listener.spawn(&json!({ "app": "demo", "accessToken": SPAWNED, "pairs": 1 }));
    let pairing = |listener: &mut Listener| listener.get(&format!("/admin/api/sockets/{}", pair[0]));
    until("a pair", || match pairing(&mut listener) {
        socket if socket["state"] == "interacting" => Ok(()),
        other => Err(other.to_string()),
    });
    everything_is_sent(&mut listener, pair[0]);
    browsers_speak(&server, &mut listener, pair[1]);
    what_is_wrong_is_sent(&mut listener, pair[0]);
    everything_is_asked_for(&mut listener, pair[0]);

    let texts = watched(&mut watcher);
    assert!(texts.iter().any(|text| text.contains("\"question\"")), "the events were told: {texts:?}");
    listener.heard.extend(texts.into_iter().map(|text| ("live".to_owned(), text)));
    assert!(server.stop().success());
    listener.heard.push(("the log".to_owned(), server.log().text()));
    assert!(listener.heard.len() > 60, "{} answers", listener.heard.len());
    for (asked, heard) in &listener.heard {
        if let Some(place) = heard.find(MARK) {
            let shown: String = heard.chars().skip(place.saturating_sub(200)).take(400).collect();
            panic!("a secret is in the answer to {asked}: ...{shown}...");
        }
    }
}

/// Params leave, wait, are kept, refused and dropped.
fn everything_is_sent(listener: &mut Listener, id: u64) {
    let (socket, events) = (format!("/admin/api/sockets/{id}"), format!("/admin/api/sockets/{id}/events"));
    let event = |buffered| json!({ "eventType": "question", "eventSubType": "sub", "buffered": buffered, "logged": true, "params": [PARAM, PARAM] });
    listener.ask("POST", &events, Some(&event(false)));
    listener.ask("PATCH", &socket, Some(&json!({ "online": false })));
    listener.ask("POST", &events, Some(&event(true)));
    listener.ask("POST", &events, Some(&event(false)));
    listener.ask("GET", &socket, None);
    listener.ask("PATCH", &socket, Some(&json!({ "online": true, "accessToken": null })));
    listener.ask("PATCH", &socket, Some(&json!({ "accessToken": SPAWNED })));
    listener.ask("POST", &events, Some(&json!({ "eventType": "ping", "params": [PARAM] })));
    listener.ask("POST", &events, Some(&json!({ "eventType": "long", "params": [PARAM.repeat(2_000)] })));
}

fn browsers_speak(server: &Server, listener: &mut Listener, id: u64) {
    let hosted = listener.get(&format!("/admin/api/sockets/{id}"))["clientId"].as_str().unwrap().to_owned();
    let browser = Client::controller(server.address, "000001").with_token(BROWSER);
    let (_stream, _) = browser.connected();
    let says = |event_type: &str| {
        let data = format!("{event_type},,false,false,true,1,NaN,000001,{PARAM}");
        browser.send(&hosted, "crEvent", &data).status
    };
    assert_eq!((says("ping"), says("remark")), (204, 204));
    // Refused, rejected, contested: all of it is logged, and none with a token.
    for other in [browser.clone().with_token(LISTED), browser.clone().in_app("listed")] {
        let _ = other.stream();
        assert_ne!(other.send_event(&hosted, "remark"), 0);
    }
    listener.get("/admin/api/sessions");
    listener.get(&format!("/admin/api/explain?controller=000001&responder={hosted}"));
}

/// What is refused is not repeated where it may be a secret, even in the wrong place or of the wrong kind.
fn what_is_wrong_is_sent(listener: &mut Listener, id: u64) {
    let (socket, events) = (format!("/admin/api/sockets/{id}"), format!("/admin/api/sockets/{id}/events"));
    let spaced = format!("{MARK} is not accepted");
    for body in [
        json!({ "app": "demo", "accessToken": spaced, "pairs": 1 }),
        json!({ "app": "demo", "accessToken": [SPAWNED], "pairs": 1 }),
        json!({ "app": "demo", "accessToken": SPAWNED, "pairs": SPAWNED }),
        json!({ "app": "demo", "accessToken": SPAWNED, "role": "boss" }),
        json!({ "app": "nobody", "accessToken": SPAWNED, "pairs": 1 }),
        json!(SPAWNED),
    ] {
        assert_eq!(listener.ask("POST", "/admin/api/sockets", Some(&body)).status, 400, "{body}");
    }
    for facts in [
        json!({ "accessToken": spaced }),
        json!({ "visible": SPAWNED }),
        json!({ "accessToken": { "a": SPAWNED } }),
    ] {
        assert_eq!(listener.ask("PATCH", &socket, Some(&facts)).status, 400, "{facts}");
    }
    for event in [
        json!({ "eventType": "a", "params": [format!("{PARAM},")] }),
        json!({ "eventType": "a", "params": PARAM }),
        json!({ "eventType": "a", "buffered": PARAM }),
    ] {
        assert_eq!(listener.ask("POST", &events, Some(&event)).status, 400, "{event}");
    }
    for login in
        [json!({ "token": format!("{MARK}-wrong") }), json!({ "token": [ADMIN] }), json!({ "token": ADMIN })]
    {
        listener.ask("POST", "/admin/login", Some(&login));
    }
    for target in ["/admin/api/sockets", "/admin/api/sessions", "/admin/nothing"] {
        listener.ask("GET", target, None);
    }
}

fn everything_is_asked_for(listener: &mut Listener, id: u64) {
    for target in [
        "/admin/api/sockets?limit=1000",
        "/admin/api/sessions?limit=1000",
        "/admin/api/stats",
        "/admin/api/config",
        "/admin/api/openapi.json",
        "/admin/docs/",
        "/admin/",
        "/metrics",
        "/healthz",
        "/readyz",
    ] {
        listener.get(target);
    }
    for id in 0..=id + 2 {
        listener.get(&format!("/admin/api/sockets/{id}"));
    }
    listener.ask("POST", &format!("/admin/api/sockets/{id}/clear-client-id"), None);
    let sessions = listener.get("/admin/api/sessions?limit=1000");
    for session in sessions["sessions"].as_array().unwrap() {
        let id = session["clientId"].as_str().unwrap();
        listener.ask("DELETE", &format!("/admin/api/sessions/{id}?abort"), None);
    }
    listener.get("/admin/api/sockets");
    for id in 0..=id + 2 {
        listener.get(&format!("/admin/api/sockets/{id}"));
    }
    listener.ask("DELETE", &format!("/admin/api/sockets/{id}"), None);
}

/// All that a watcher was told so far.
fn watched(watcher: &mut tungstenite::WebSocket<std::net::TcpStream>) -> Vec<String> {
    let mut texts = Vec::new();
    let mut stats = 0;
    while stats < 3 {
        if let tungstenite::Message::Text(text) = watcher.read().unwrap() {
            stats += usize::from(text.starts_with("{\"stats\"") || text.contains("\"type\":\"stats\""));
            texts.push(text.as_str().to_owned());
        }
    }
    texts
}
