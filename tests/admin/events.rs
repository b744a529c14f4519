//! CrEvents that hosted crSockets send in the place of their enclosing clients: each fate, and why.

use serde_json::{Value, json};

use crate::process::Server;
use crate::rig::{Admin, SHORT, until};
use crate::steer::pair;

const SOCKETS: &str = "/admin/api/sockets";

fn start() -> (Server, Admin) {
    let server = Server::with_admin(&format!("[apps.demo]\n{SHORT}"));
    let admin = Admin::of(&server);
    (server, admin)
}

#[test]
fn an_event_that_must_wait_is_queued_and_one_that_may_not_go_is_refused() {
    let server = Server::with_admin(
        "[apps.demo]\n[timing]\nmin_cr_event_dt_ms = 20000\nsearching_max_event_out_dt_ms = 200\n",
    );
    let admin = Admin::of(&server);
    let (controller, _) = pair(&admin);
    let told = |event: Value| {
        let answer = admin.send(controller, &event);
        (answer["fate"].as_str().unwrap().to_owned(), answer["why"].as_str().map(str::to_owned))
    };
    let fate = |fate: &str, why: &str| (fate.to_owned(), (!why.is_empty()).then(|| why.to_owned()));
    // It follows a ping too soon.
    assert_eq!(told(json!({ "eventType": "second" })), fate("queued", "it waits for its turn"));
    assert_eq!(
        told(json!({ "eventType": "third", "eventSubType": "x", "logged": true, "params": ["a", ""] })),
        fate("queued", "it waits for its turn")
    );
    for own in ["ping", "inactive", "unassign", "reject"] {
        assert_eq!(
            told(json!({ "eventType": own })),
            fate("refused", "only crSockets themselves send events of this type")
        );
    }
    let (refused, why) = told(json!({ "eventType": "long", "params": ["x".repeat(9_000)] }));
    let why = why.unwrap();
    assert!(refused == "refused" && why.ends_with(" bytes long, and 8192 are accepted"), "{refused}: {why}");
    let socket = admin.socket(controller);
    assert_eq!(socket["sender"]["queued"], 2, "{socket}");
}

#[test]
fn an_event_that_need_not_wait_is_sent() {
    let server = Server::with_admin("[apps.demo]\n[timing]\nmin_cr_event_dt_ms = 0\n");
    let admin = Admin::of(&server);
    let (controller, responder) = pair(&admin);
    for number in 1..4 {
        let event = json!({ "eventType": "a", "eventSubType": "b", "params": ["x"] });
        assert_eq!(admin.send(controller, &event), json!({ "fate": "sent", "why": null }));
        until("the event", || {
            let socket = admin.socket(responder);
            if socket["eventsByType"]["in"]["other"] == number { Ok(()) } else { Err(socket.to_string()) }
        });
    }
}

#[test]
fn an_event_of_somebody_offline_is_buffered_or_dropped_and_without_a_partner_refused() {
    let server = Server::with_admin("[apps.demo]\n[timing]\nmin_cr_event_dt_ms = 0\n");
    let admin = Admin::of(&server);
    let (controller, _) = pair(&admin);
    let told = |event: Value| admin.send(controller, &event);
    let fate = |fate: &str, why: &str| json!({ "fate": fate, "why": why });
    admin.set(controller, &json!({ "online": false }));
    let kept = told(json!({ "eventType": "kept", "buffered": true }));
    assert_eq!(kept, fate("buffered", "it is kept until it can leave"));
    assert_eq!(admin.socket(controller)["sender"]["buffered"], 1);
    let lost = told(json!({ "eventType": "lost" }));
    assert_eq!(lost, fate("dropped", "it is offline, and the event is not to be buffered"));
    admin.set(controller, &json!({ "online": true, "partnerClientId": null }));
    let nobody = told(json!({ "eventType": "nobody" }));
    assert_eq!(nobody, fate("refused", "its EventSender is not ready: noPartnerClientId"));
    admin.set(controller, &json!({ "accessToken": null }));
    let nobody = told(json!({ "eventType": "nobody" }));
    assert_eq!(nobody, fate("refused", "its EventSender is not ready: noAccessToken"));
}

#[test]
fn an_event_to_a_partner_that_rejects_is_refused_with_its_reason() {
    let (_server, admin) = start();
    let (_, responder) = pair(&admin);
    let taken = admin.socket(responder)["clientId"].clone();
    let other = admin.spawn_one("demo", "controller", &json!({ "partnerClientId": taken }));
    admin.wait_for(other, "readyToPair/assignedToOther");
    let answer = admin.send(other, &json!({ "eventType": "hello" }));
    assert_eq!(answer, json!({ "fate": "refused", "why": "its partner rejected it: assignedToOther" }));
}

#[test]
fn a_full_queue_refuses() {
    let server = Server::with_admin(
        "[apps.demo]\n[timing]\nmin_cr_event_dt_ms = 20000\nsearching_max_event_out_dt_ms = 200\n",
    );
    let admin = Admin::of(&server);
    let (controller, _) = pair(&admin);
    let refused = (0..2_000).find_map(|_| {
        let answer = admin.send(controller, &json!({ "eventType": "more" }));
        (answer["fate"] == "refused").then_some(answer)
    });
    let why = refused.expect("a queue is bounded")["why"].as_str().unwrap().to_owned();
    let number: String = why.chars().take_while(char::is_ascii_digit).collect();
    assert_eq!(why, format!("{number} events wait already"));
    assert_eq!(admin.socket(controller)["sender"]["queued"].to_string(), number);
}

#[test]
fn an_event_that_cannot_be_one_is_refused() {
    let (_server, admin) = start();
    let (controller, _) = pair(&admin);
    let target = format!("{SOCKETS}/{controller}/events");
    for (event, detail) in [
        (json!({ "eventType": "" }), "an eventType is one or more characters of 0-9, A-Z and a-z"),
        (json!({ "eventType": "<script>" }), "an eventType is one or more characters of 0-9, A-Z and a-z"),
        (
            json!({ "eventType": "a", "eventSubType": "b-c" }),
            "an eventSubType is characters of 0-9, A-Z and a-z, or empty",
        ),
        (
            json!({ "eventType": "a", "params": ["one", "two,three"] }),
            "eventParam 1 contains a comma, which separates params",
        ),
    ] {
        assert_eq!(admin.refused(400, "POST", &target, Some(&event)), detail, "{event}");
    }
    for (event, part) in [
        (json!({}), "missing field `eventType`"),
        (json!({ "eventType": "a", "params": "secret text" }), "invalid type: string, expected a sequence"),
        (json!({ "eventType": "a", "interceptable": false }), "unknown field `interceptable`"),
    ] {
        let detail = admin.refused(400, "POST", &target, Some(&event));
        assert!(detail.contains(part) && !detail.contains("secret"), "{detail}");
    }
}
