//! `sessions`: every event stream, browsers too, and how they are ended.

use serde_json::{Value, json};

use crate::client::{Client, EventStream, Said, connect};
use crate::process::Server;
use crate::rig::{Admin, SHORT, frame, until};

const SESSIONS: &str = "/admin/api/sessions";

/// A browser's stream, with what it says it is.
pub fn browser(client: &Client, user_agent: &str) -> (EventStream, u64) {
    let head = format!("User-Agent: {user_agent}\r\n");
    let mut stream = EventStream::with_headers(connect(client.address), &client.eventsource(), &head);
    let pid = stream.hello();
    (stream, pid)
}

fn names(list: &Value) -> Vec<String> {
    let sessions = list["sessions"].as_array().unwrap();
    sessions.iter().map(|session| session["clientId"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn browsers_hosted_crsockets_and_reserved_client_ids_are_listed_with_what_is_known() {
    let server = Server::with_admin("[apps.demo]\n[apps.other]\n");
    let admin = Admin::of(&server);
    let here = Client::responder(server.address, "000002");
    let (_stream, pid) = browser(&here, "Mozilla/5.0 (Tablet)");
    let gone = Client::controller(server.address, "000003").in_app("other");
    drop(browser(&gone, "Mozilla/5.0 (Gone)"));
    let hosted =
        admin.spawn_one("demo", "controller", &json!({ "clientId": "000001", "partnerClientId": "000002" }));
    admin.wait_for(hosted, "searching/partnerInactive");
    until("a ping", || match admin.session("000001").unwrap()["lastPinged"].as_object() {
        Some(_) => Ok(()),
        None => Err("none".to_owned()),
    });
    let reserved = until("the reservation", || match admin.session("000003") {
        Some(session) if session["standing"] == "reserved" => Ok(session),
        other => Err(format!("{other:?}")),
    });
    // 2 x maxPrevAliveDt.
    let left = reserved["reservedForMs"].as_i64().unwrap();
    assert!((1..=50_000).contains(&left), "{reserved}");
    for (name, value) in reserved.as_object().unwrap() {
        let known = ["clientId", "standing", "reservedForMs", "waiting"].contains(&name.as_str());
        assert_eq!(!value.is_null(), known, "{name} of a reserved clientId: {reserved}");
    }

    let seen = admin.session("000002").unwrap();
    for (name, value) in [
        ("standing", json!("session")),
        ("app", json!("demo")),
        ("role", json!("responder")),
        ("pid", json!(pid.to_string())),
        ("hosted", json!(false)),
        ("contest", json!("quiet")),
        ("reservedForMs", Value::Null),
        ("remoteAddress", json!("127.0.0.1")),
        ("userAgent", json!("Mozilla/5.0 (Tablet)")),
        ("lastPinged", Value::Null),
        ("lastReject", Value::Null),
    ] {
        assert_eq!(seen[name], value, "{name} of {seen}");
    }
    for age in ["openForMs", "silentForMs", "ownSilentForMs"] {
        assert!((0..30_000).contains(&seen[age].as_i64().unwrap()), "{age} of {seen}");
    }
    let frames = until("its frames", || {
        let seen = admin.session("000002").unwrap();
        if seen["framesOut"].as_u64() >= Some(2) { Ok(seen) } else { Err(seen.to_string()) }
    });
    assert!(frames["bytesOut"].as_u64() > Some(50), "hello and a ping: {frames}");
    assert_eq!(frames["queue"], json!({ "frames": 0, "events": 0, "bytes": 0 }));

    let own = admin.session("000001").unwrap();
    assert_eq!(
        (&own["hosted"], &own["userAgent"], &own["remoteAddress"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
    assert_eq!(own["lastPinged"]["clientId"], "000002");
    assert!(own["lastPinged"]["agoMs"].as_i64() >= Some(0), "{own}");
}

#[test]
fn each_filter_shows_all_that_match_and_nothing_else() {
    let server = Server::with_admin("[apps.demo]\n[apps.other]\n");
    let admin = Admin::of(&server);
    let _one = Client::responder(server.address, "000002").connected();
    let _two = Client::controller(server.address, "000003").in_app("other").connected();
    drop(Client::controller(server.address, "000004").connected());
    for (id, app, role) in [("000001", "demo", "controller"), ("000005", "other", "responder")] {
        let hosted = admin.spawn_one(app, role, &json!({ "clientId": id }));
        admin.wait_for(hosted, "readyToPair/noPartnerClientId");
    }
    until("the reservation", || match admin.session("000004") {
        Some(session) if session["standing"] == "reserved" => Ok(()),
        other => Err(format!("{other:?}")),
    });
    let cases: &[(&str, &[&str])] = &[
        ("", &["000001", "000002", "000003", "000004", "000005"]),
        (
            "app=&role=&clientId=&standing=&hosted=&limit=&cursor=",
            &["000001", "000002", "000003", "000004", "000005"],
        ),
        ("app=demo", &["000001", "000002"]),
        ("app=nobody", &[]),
        ("role=controller", &["000001", "000003"]),
        ("role=responder", &["000002", "000005"]),
        ("clientId=000004", &["000004"]),
        ("clientId=999999", &[]),
        ("standing=session", &["000001", "000002", "000003", "000005"]),
        ("standing=reserved", &["000004"]),
        ("hosted=true", &["000001", "000005"]),
        ("hosted=false", &["000002", "000003"]),
        ("app=other&hosted=true&role=responder&standing=session", &["000005"]),
        ("app=other&standing=reserved", &[]),
        ("cursor=000002", &["000003", "000004", "000005"]),
        ("cursor=000002&limit=1", &["000003"]),
    ];
    for (query, expected) in cases {
        let list = admin.get(&format!("{SESSIONS}?{query}"));
        assert_eq!(names(&list), *expected, "{query}");
        if !query.contains("cursor=0") {
            assert_eq!(list["total"], expected.len(), "{query}");
        }
    }
    let page = admin.get(&format!("{SESSIONS}?limit=2"));
    assert_eq!((&page["total"], &page["next"]), (&json!(5), &json!("000002")));
    assert_eq!(admin.get(&format!("{SESSIONS}?limit=5"))["next"], Value::Null);
    for (query, detail) in [
        ("app=%2F", "app = \"/\" is not accepted; accepted: an appId"),
        ("role=x", "role = \"x\" is not accepted; accepted: controller or responder"),
        ("clientId=1", "clientId = \"1\" is not accepted; accepted: a clientId of six digits"),
        ("standing=x", "standing = \"x\" is not accepted; accepted: session, reserved"),
        ("hosted=1", "hosted = \"1\" is not accepted; accepted: true, false"),
        ("limit=0", "limit = \"0\" is not accepted; accepted: 1 to 1000"),
        ("limit=1001", "limit = \"1001\" is not accepted; accepted: 1 to 1000"),
        ("cursor=x", "cursor = \"x\" is not accepted; accepted: a clientId of six digits"),
    ] {
        assert_eq!(admin.refused(400, "GET", &format!("{SESSIONS}?{query}"), None), detail, "{query}");
    }
    assert!(
        admin.refused(400, "GET", &format!("{SESSIONS}?state=x"), None).contains("unknown field `state`")
    );
}

/// Its client opens it again: it gets `shutdown`, and its stream ends.
#[test]
fn a_session_that_is_recycled_is_opened_again() {
    let server = Server::with_admin("[apps.demo]\n");
    let admin = Admin::of(&server);
    let client = Client::controller(server.address, "000001");
    let (mut stream, pid) = client.connected();
    let answer = admin.ask("DELETE", &format!("{SESSIONS}/000001"), None);
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(stream.rest(), (vec![("shutdown".to_owned(), pid.to_string())], true));
    let (_stream, again) = client.connected();
    assert!(again > pid);
    assert_eq!(admin.session("000001").unwrap()["pid"], again.to_string());
}

/// Its client stays down: it gets `aborted` with the reason, and its stream ends.
#[test]
fn a_session_that_is_aborted_is_given_up_for_good() {
    let server = Server::with_admin(&format!("[apps.demo]\n{SHORT}"));
    let admin = Admin::of(&server);
    for (query, name) in [("?abort", "aborted"), ("?abort=true", "aborted"), ("?abort=false", "shutdown")] {
        let (mut stream, pid) = Client::controller(server.address, "000001").connected();
        assert_eq!(admin.ask("DELETE", &format!("{SESSIONS}/000001{query}"), None).status, 204, "{query}");
        let data = if name == "aborted" { format!("{pid}%2CendedByAdmin%2C0") } else { pid.to_string() };
        assert_eq!(stream.rest(), (vec![(name.to_owned(), data)], true), "{query}");
    }
    let hosted = admin.spawn_one("demo", "responder", &json!({ "clientId": "000002" }));
    admin.wait_for(hosted, "readyToPair/noPartnerClientId");
    assert_eq!(admin.ask("DELETE", &format!("{SESSIONS}/000002"), None).status, 204);
    let back = until("another stream", || match admin.session("000002") {
        Some(session) if session["standing"] == "session" => Ok(session),
        other => Err(format!("{other:?}")),
    });
    assert_eq!(back["hosted"], true);
    admin.wait_for(hosted, "readyToPair/noPartnerClientId");
    assert_eq!(admin.ask("DELETE", &format!("{SESSIONS}/000002?abort"), None).status, 204);
    let socket = until("its end", || {
        let socket = admin.socket(hosted);
        if socket["state"] == "readyToConnect" { Ok(socket) } else { Err(socket.to_string()) }
    });
    assert_eq!(socket["receiver"]["state"], "aborted");
}

#[test]
fn a_session_that_is_not_there_is_not_found() {
    let server = Server::with_admin("[apps.demo]\n");
    let admin = Admin::of(&server);
    for query in ["", "?abort"] {
        let detail = admin.refused(404, "DELETE", &format!("{SESSIONS}/000001{query}"), None);
        assert_eq!(detail, "000001 has no session");
    }
    drop(Client::controller(server.address, "000001").connected());
    until("the reservation", || match admin.session("000001") {
        Some(session) if session["standing"] == "reserved" => Ok(()),
        other => Err(format!("{other:?}")),
    });
    assert_eq!(admin.refused(404, "DELETE", &format!("{SESSIONS}/000001"), None), "000001 has no session");
    let detail = admin.refused(400, "DELETE", &format!("{SESSIONS}/x"), None);
    assert_eq!(detail, "clientId = \"x\" is not accepted; accepted: a clientId of six digits");
    assert!(
        admin
            .refused(400, "DELETE", &format!("{SESSIONS}/000001?force"), None)
            .contains("unknown field `force`")
    );
}

/// Whoever rejects is remembered at the session that was rejected.
#[test]
fn the_last_reject_is_seen() {
    let server = Server::with_admin(&format!("[apps.demo]\n{SHORT}"));
    let admin = Admin::of(&server);
    let (mut stream, _) = Client::controller(server.address, "000001").connected();
    let responder = Client::responder(server.address, "000002");
    let _responder = responder.connected();
    let reject = "reject,assignedToOther,false,false,true,1,NaN,000002";
    assert_eq!(responder.send("000001", "crEvent", reject).status, 204);
    assert!(frame(&mut stream, "crEvent").starts_with("reject%2CassignedToOther"));
    let reject = admin.session("000001").unwrap()["lastReject"].clone();
    assert_eq!((&reject["by"], &reject["reason"]), (&json!("000002"), &json!("assignedToOther")));
    assert!(reject["agoMs"].as_i64() >= Some(0), "{reject}");
    assert_eq!(stream.next_within(std::time::Duration::ZERO).filter(|said| *said == Said::End), None);
}
