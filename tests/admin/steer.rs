//! Hosted crSockets are spawned, set, made to send, and removed.

use serde_json::{Value, json};

use crate::process::Server;
use crate::rig::{Admin, SHORT, ids, state_of, until};

const SOCKETS: &str = "/admin/api/sockets";

fn start() -> (Server, Admin) {
    let server = Server::with_admin(&format!(
        "[apps.demo]\n[apps.listed]\naccess = \"list\"\ntokens = [\"bob\"]\n{SHORT}"
    ));
    let admin = Admin::of(&server);
    (server, admin)
}

/// A hosted pair that interacts: controller and responder.
pub fn pair(admin: &Admin) -> (u64, u64) {
    let ids = admin.spawn(&json!({ "app": "demo", "accessToken": "alice", "pairs": 1 }));
    admin.wait_for(ids[0], "interacting");
    admin.wait_for(ids[1], "interacting");
    (ids[0], ids[1])
}

#[test]
fn what_was_spawned_is_told_with_its_client_ids() {
    let server = Server::with_admin("[apps.demo]\n");
    let admin = Admin::of(&server);
    let pair = json!({ "app": "demo", "accessToken": "alice", "pairs": 1 });
    let told = admin.told(201, "POST", "/admin/api/sockets", Some(&pair));
    let (one, other) = (&told["sockets"][0], &told["sockets"][1]);
    assert!(one["clientId"].is_string() && one["partnerClientId"] == other["clientId"], "{told}");
}

#[test]
fn one_or_many_or_pairs_are_spawned_as_they_are_asked_for() {
    let (_server, admin) = start();
    let one = json!({
        "app": "demo", "accessToken": "alice", "role": "responder", "clientId": "000007", "partnerClientId": "000008",
    });
    let spawned = admin.told(201, "POST", SOCKETS, Some(&one));
    let item = &spawned["sockets"][0];
    assert_eq!((&item["app"], &item["role"]), (&json!("demo"), &json!("responder")));
    let socket = admin.wait_for(ids(&spawned)[0], "searching/partnerInactive");
    assert_eq!((&socket["clientId"], &socket["partnerClientId"]), (&json!("000007"), &json!("000008")));

    let three =
        admin.spawn(&json!({ "app": "demo", "accessToken": "alice", "role": "controller", "count": 3 }));
    assert_eq!(three.len(), 3);
    let pairs = admin.spawn(&json!({ "app": "demo", "accessToken": "alice", "pairs": 4 }));
    assert_eq!(pairs.len(), 8);
    for both in pairs.chunks(2) {
        let (one, other) = (admin.wait_for(both[0], "interacting"), admin.wait_for(both[1], "interacting"));
        assert_eq!(one["partnerClientId"], other["clientId"]);
        assert_eq!(other["partnerClientId"], one["clientId"]);
        assert_eq!((&one["role"], &other["role"]), (&json!("controller"), &json!("responder")));
    }
    let partnered = json!({
        "app": "demo", "accessToken": "alice", "role": "controller", "count": 2, "partnerClientId": "000007",
    });
    for id in admin.spawn(&partnered) {
        assert_eq!(admin.socket(id)["partnerClientId"], "000007");
    }
    assert_eq!(admin.get(SOCKETS)["total"], 14);
}

#[test]
fn what_cannot_be_spawned_is_refused_with_what_can_and_nothing_is_spawned() {
    let (_server, admin) = start();
    let with = |more: &Value| {
        let mut body = json!({ "app": "demo", "accessToken": "alice" });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body
    };
    for (more, detail) in [
        (json!({}), "role or pairs is missing"),
        (json!({ "role": "boss" }), "role = \"boss\" is not accepted; accepted: controller or responder"),
        (
            json!({ "app": "nobody", "pairs": 1 }),
            "app = \"nobody\" is not accepted; accepted: an app of this server: demo, listed",
        ),
        (json!({ "app": "<b>", "pairs": 1 }), "app = \"<b>\" is not accepted; accepted: an appId"),
        (json!({ "pairs": 0 }), "pairs = \"0\" is not accepted; accepted: 1 to 10000"),
        (json!({ "pairs": 10_001 }), "pairs = \"10001\" is not accepted; accepted: 1 to 10000"),
        (json!({ "role": "controller", "count": 0 }), "count = \"0\" is not accepted; accepted: 1 to 10000"),
        (
            json!({ "role": "controller", "count": 10_001 }),
            "count = \"10001\" is not accepted; accepted: 1 to 10000",
        ),
        (
            json!({ "role": "controller", "clientId": "1" }),
            "clientId = \"1\" is not accepted; accepted: a clientId of six digits",
        ),
        (
            json!({ "role": "controller", "partnerClientId": "12345x" }),
            "partnerClientId = \"12345x\" is not accepted; accepted: a clientId of six digits",
        ),
        (
            json!({ "role": "controller", "clientId": "000001", "count": 2 }),
            "one clientId can be that of one crSocket alone: leave out clientId or count",
        ),
        (
            json!({ "pairs": 2, "role": "controller" }),
            "pairs go with app and accessToken alone: leave out pairs, or role, partnerClientId, clientId and count",
        ),
    ] {
        assert_eq!(admin.refused(400, "POST", SOCKETS, Some(&with(&more))), detail, "{more}");
    }
    let secret =
        admin.refused(400, "POST", SOCKETS, Some(&with(&json!({ "accessToken": "gar geheim", "pairs": 1 }))));
    assert!(
        secret.starts_with("the accessToken is not accepted: ") && !secret.contains("geheim"),
        "{secret}"
    );
    for (more, part) in [
        (json!({ "colour": "red" }), "unknown field `colour`, expected one of"),
        (json!({ "pairs": "two" }), "invalid type: string, expected usize"),
        (json!({ "pairs": -1 }), "invalid value: integer, expected usize"),
        (json!({ "accessToken": 4711 }), "invalid type: integer, expected a string"),
        (json!({ "accessToken": null }), "invalid type: null, expected a string"),
    ] {
        let detail = admin.refused(400, "POST", SOCKETS, Some(&with(&more)));
        assert!(detail.starts_with("the body cannot be understood: ") && detail.contains(part), "{detail}");
    }
    assert_eq!(admin.get(SOCKETS)["total"], 0);
}

#[test]
fn a_body_that_is_no_json_is_refused() {
    let (_server, admin) = start();
    let host = format!("Host: {}\r\n", admin.address);
    let json = host.clone() + "Content-Type: application/json\r\n";
    let long = format!("{{\"app\":\"{}\"}}", "x".repeat(70_000));
    for (head, body, status) in [
        (&json, "", 400),
        (&json, "{", 400),
        (&json, "[]", 400),
        (&json, "\u{fffd}", 400),
        (&host, "{}", 415),
        (&json, &long, 413),
    ] {
        let answer = admin.raw("POST", SOCKETS, head, body.as_bytes());
        assert_eq!(answer.status, status, "{} for {body:.60}", answer.text());
        let detail = answer.problem()["detail"].as_str().unwrap().to_owned();
        assert!(detail.starts_with("the body cannot be understood: "), "{detail}");
    }
}

#[test]
fn each_fact_is_set_and_null_takes_away() {
    let (_server, admin) = start();
    let id = admin.spawn_one("demo", "controller", &json!({}));
    admin.wait_for(id, "readyToPair/noPartnerClientId");
    for (facts, state) in [
        (json!({ "paused": true }), "passive/paused"),
        (json!({ "paused": false }), "readyToPair/noPartnerClientId"),
        (json!({ "online": false }), "passive/notOnline"),
        (json!({ "online": true }), "readyToPair/noPartnerClientId"),
        (json!({ "visible": false }), "passive/notVisible"),
        (json!({ "visible": true }), "readyToPair/noPartnerClientId"),
        (json!({ "accessToken": null }), "readyToConnect/noAccessToken"),
        (json!({ "accessToken": "alice" }), "readyToPair/noPartnerClientId"),
        (json!({ "partnerClientId": "777777" }), "searching/partnerInactive"),
        (json!({ "partnerClientId": null }), "readyToPair/noPartnerClientId"),
        (json!({ "paused": true, "visible": false, "online": false }), "passive/notVisible"),
        (json!({ "paused": false, "visible": true, "online": true }), "readyToPair/noPartnerClientId"),
        (json!({}), "readyToPair/noPartnerClientId"),
    ] {
        let set = admin.set(id, &facts);
        for (fact, value) in facts.as_object().unwrap() {
            match fact.as_str() {
                "accessToken" => {
                    assert_eq!(set["facts"]["hasAccessToken"], json!(!value.is_null()), "{facts}");
                }
                fact => assert_eq!(set["facts"][fact], *value, "{facts}"),
            }
        }
        admin.wait_for(id, state);
    }
}

#[test]
fn a_fact_that_cannot_be_set_is_refused_and_none_is_set() {
    let (_server, admin) = start();
    let id = admin.spawn_one("demo", "controller", &json!({}));
    admin.wait_for(id, "readyToPair/noPartnerClientId");
    let target = format!("{SOCKETS}/{id}");
    let detail =
        admin.refused(400, "PATCH", &target, Some(&json!({ "paused": true, "partnerClientId": "7" })));
    assert_eq!(detail, "partnerClientId = \"7\" is not accepted; accepted: a clientId of six digits");
    let detail =
        admin.refused(400, "PATCH", &target, Some(&json!({ "paused": true, "accessToken": "ganz geheim" })));
    assert!(
        detail.starts_with("the accessToken is not accepted: ") && !detail.contains("geheim"),
        "{detail}"
    );
    for (facts, part) in [
        (json!({ "paused": "yes" }), "invalid type: string, expected a boolean"),
        (json!({ "paused": true, "clientId": "000001" }), "unknown field `clientId`"),
        (json!([]), "expected struct FactsBody"),
    ] {
        let detail = admin.refused(400, "PATCH", &target, Some(&facts));
        assert!(detail.contains(part), "{detail}");
    }
    let socket = admin.socket(id);
    assert_eq!(state_of(&socket), "readyToPair/noPartnerClientId");
    assert_eq!(socket["facts"]["paused"], false);
}

#[test]
fn what_is_not_there_is_not_found() {
    let (_server, admin) = start();
    let body = json!({});
    let event = json!({ "eventType": "a" });
    for (method, tail, body) in [
        ("GET", "", None),
        ("PATCH", "", Some(&body)),
        ("DELETE", "", None),
        ("POST", "/events", Some(&event)),
        ("POST", "/clear-client-id", None),
    ] {
        let detail = admin.refused(404, method, &format!("{SOCKETS}/4711{tail}"), body);
        assert_eq!(detail, "there is no crSocket 4711; it may have been removed", "{method} {tail}");
        for id in ["x", "-1", "4294967296", "%00"] {
            let detail = admin.refused(404, method, &format!("{SOCKETS}/{id}{tail}"), body);
            assert!(detail.starts_with("there is nothing at /admin/api/sockets/"), "{detail}");
        }
    }
    for target in
        ["/admin/api/", "/admin/api/nothing", "/nothing", "/admin/api/sockets/1/nothing", "/admin/nothing"]
    {
        let detail = admin.refused(404, "GET", target, None);
        assert_eq!(
            detail,
            format!("there is nothing at {target}; the page is at /admin/, its API below /admin/api/")
        );
    }
}

#[test]
fn a_method_that_is_not_accepted_is_refused_with_those_that_are() {
    let (_server, admin) = start();
    for (method, target, allowed) in [
        ("PUT", "/admin/api/sockets", "GET, POST"),
        ("DELETE", "/admin/api/sockets", "GET, POST"),
        ("POST", "/admin/api/sockets/1", "DELETE, GET, PATCH"),
        ("GET", "/admin/api/sockets/1/events", "POST"),
        ("GET", "/admin/api/sockets/1/clear-client-id", "POST"),
        ("POST", "/admin/api/sessions", "GET"),
        ("GET", "/admin/api/sessions/000001", "DELETE"),
        ("POST", "/admin/api/explain", "GET"),
        ("POST", "/admin/api/stats", "GET"),
        ("DELETE", "/admin/api/config", "GET"),
        ("PATCH", "/admin/api/openapi.json", "GET"),
        ("POST", "/metrics", "GET"),
        ("POST", "/healthz", "GET"),
        ("POST", "/readyz", "GET"),
        ("GET", "/admin/login", "POST"),
        ("GET", "/admin/logout", "POST"),
    ] {
        let answer = admin.ask(method, target, None);
        assert_eq!(answer.status, 405, "{method} {target}: {}", answer.text());
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {target}");
        let detail = answer.problem()["detail"].clone();
        assert_eq!(detail, format!("{method} is not accepted here; accepted: {allowed}"));
    }
}

#[test]
fn one_that_is_removed_is_gone_and_its_partner_knows() {
    let (_server, admin) = start();
    let (controller, responder) = pair(&admin);
    let answer = admin.ask("DELETE", &format!("{SOCKETS}/{controller}"), None);
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    until("its removal", || match admin.ask("GET", &format!("{SOCKETS}/{controller}"), None).status {
        404 => Ok(()),
        other => Err(other.to_string()),
    });
    let socket = admin.wait_for(responder, "searching/partnerInactive");
    assert_eq!(socket["eventsByType"]["in"]["inactive"], 1, "it said goodbye: {socket}");
    assert_eq!(
        admin.refused(404, "DELETE", &format!("{SOCKETS}/{controller}"), None),
        format!("there is no crSocket {controller}; it may have been removed")
    );
    assert_eq!(ids(&admin.get(SOCKETS)), [responder]);
}

#[test]
fn a_client_id_that_is_taken_away_is_followed_by_another_one() {
    let (_server, admin) = start();
    let id = admin.spawn_one("demo", "controller", &json!({}));
    let before = admin.wait_for(id, "readyToPair/noPartnerClientId")["clientId"].clone();
    admin.told(200, "POST", &format!("{SOCKETS}/{id}/clear-client-id"), None);
    let after = until("another clientId", || {
        let socket = admin.socket(id);
        let is_other = socket["clientId"].is_string() && socket["clientId"] != before;
        if is_other && state_of(&socket).starts_with("readyToPair") {
            Ok(socket)
        } else {
            Err(socket.to_string())
        }
    });
    let client_id = after["clientId"].as_str().unwrap();
    assert!(admin.session(client_id).is_some());
    until("the end of the session before", || match admin.session(before.as_str().unwrap()) {
        None => Ok(()),
        Some(session) => Err(session.to_string()),
    });
}

/// What a crSocket says of itself in full, with its history.
#[test]
fn one_in_full_has_its_facts_parts_timers_counts_and_history() {
    let (_server, admin) = start();
    let (controller, responder) = pair(&admin);
    admin.send(controller, &json!({ "eventType": "question", "params": ["x"] }));
    let other = until("the event", || {
        let socket = admin.socket(responder);
        if socket["eventsByType"]["in"]["other"] == 1 { Ok(socket) } else { Err(socket.to_string()) }
    });
    let one = admin.socket(controller);
    let expected = json!({
        "visible": true, "online": true, "paused": false, "unloading": false, "clientId": one["clientId"],
        "clientIdValid": true, "hasAccessToken": true, "accessTokenValid": true,
        "partnerClientId": other["clientId"], "partnerValid": true,
    });
    assert_eq!(one["facts"], expected);
    assert_eq!((&one["rejection"], &one["lastError"]), (&Value::Null, &Value::Null));
    assert_eq!((&one["receiver"]["state"], &one["sender"]["state"]), (&json!("open"), &json!("ready")));
    let session = admin.session(one["clientId"].as_str().unwrap()).unwrap();
    assert_eq!(one["receiver"]["stream"]["pid"], session["pid"]);
    assert!(one["eventsByType"]["out"]["ping"].as_u64() > Some(0), "{one}");
    assert_eq!(one["eventsByType"]["out"]["other"], 1, "{one}");
    let timers = one["timers"].as_array().unwrap();
    assert!(!timers.is_empty(), "{one}");
    assert!(timers.is_sorted_by_key(|timer| timer["dueInMs"].as_i64().unwrap()), "{timers:?}");
    for timer in timers {
        let actor = timer["actor"].as_str().unwrap();
        assert!(["crSocket", "eventReceiver", "eventSender"].contains(&actor), "{timer}");
    }
    let recent = one["recent"].as_array().unwrap();
    assert_eq!(recent[0]["what"], "spawned");
    assert!(recent.is_sorted_by_key(|happening| happening["at"].as_i64().unwrap()), "{recent:?}");
    let has = |what: &str| recent.iter().filter(|happening| happening["what"] == what).collect::<Vec<_>>();
    assert_eq!(has("sent").last().unwrap()["eventType"], "question");
    let transitions = has("transition");
    assert_eq!(
        transitions[0]["from"],
        json!({ "state": "passive", "subState": "noClientId" }),
        "{transitions:?}"
    );
    assert_eq!(transitions.last().unwrap()["to"], json!({ "state": "interacting", "subState": null }));
    let steps = transitions.windows(2);
    steps.for_each(|step| assert_eq!(step[0]["to"], step[1]["from"], "{transitions:?}"));
    let got = other["recent"].as_array().unwrap().last().unwrap();
    assert_eq!((&got["what"], &got["eventType"]), (&json!("received"), &json!("question")), "{other}");
}
