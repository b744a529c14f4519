//! `/admin/live`: what happens, as it happens.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::Message;

use crate::client::Client;
use crate::live_client::{Live, open};
use crate::process::Server;
use crate::rig::{Admin, SHORT, frame, until};

/// Two batches long: what does not come by then does not come.
const QUIET: Duration = Duration::from_millis(300);

fn start() -> (Server, Admin) {
    start_with("")
}

fn start_with(admin: &str) -> (Server, Admin) {
    let server = Server::with_admin(&format!("[apps.demo]\n[apps.other]\n[admin]\n{admin}\n{SHORT}"));
    let admin = Admin::of(&server);
    (server, admin)
}

fn pair(admin: &Admin) -> (u64, u64) {
    let ids = admin.spawn(&json!({ "app": "demo", "accessToken": "alice", "pairs": 1 }));
    admin.wait_for(ids[0], "interacting");
    admin.wait_for(ids[1], "interacting");
    (ids[0], ids[1])
}

#[test]
fn transitions_are_told_from_the_first_to_the_last() {
    let (_server, admin) = start();
    let mut live = Live::watching(admin.address, &json!({ "subscribe": ["transitions"] }));
    let id =
        admin.spawn_one("demo", "controller", &json!({ "clientId": "000001", "partnerClientId": "000002" }));
    admin.wait_for(id, "searching/partnerInactive");
    admin.ask("DELETE", &format!("/admin/api/sockets/{id}"), None);
    let items = live.items_until("transitions", |item| item["to"].is_null());
    assert_eq!(items[0]["from"], Value::Null, "it came to be: {items:?}");
    for step in items.windows(2) {
        assert_eq!(step[0]["to"], step[1]["from"], "{items:?}");
        assert!(step[0]["at"].as_i64() <= step[1]["at"].as_i64(), "{items:?}");
    }
    let searching = items.iter().find(|item| item["to"]["state"] == "searching").unwrap();
    for (name, value) in [
        ("socketId", json!(id)),
        ("app", json!("demo")),
        ("role", json!("controller")),
        ("clientId", json!("000001")),
        ("partnerClientId", json!("000002")),
        ("to", json!({ "state": "searching", "subState": "partnerInactive" })),
    ] {
        assert_eq!(searching[name], value, "{name} of {searching}");
    }
}

#[test]
fn events_are_told_with_their_way_and_type_and_without_pings_and_params() {
    let (_server, admin) = start_with("show_params = true");
    let (controller, responder) = pair(&admin);
    let mut live = Live::watching(admin.address, &json!({ "subscribe": ["events"] }));
    let mut with_params = Live::watching(admin.address, &json!({ "subscribe": ["events"], "params": true }));
    admin.send(controller, &json!({ "eventType": "question", "params": ["a", "", "ü"] }));
    let items = live.items_until("events", |item| item["direction"] == "in");
    for (item, direction, id) in [(&items[0], "out", controller), (&items[1], "in", responder)] {
        let at = item["at"].as_i64().unwrap();
        let expected = json!({ "at": at, "socketId": id, "direction": direction, "eventType": "question" });
        assert_eq!(*item, expected);
    }
    let told = with_params.items_until("events", |item| item["direction"] == "in");
    assert_eq!(told.len(), 2, "{told:?}");
    for item in told {
        assert_eq!(item["params"], json!(["a", "", "ü"]), "{item}");
    }
    assert!(
        live.texts.iter().all(|text| !text.contains("params") && !text.contains("ping")),
        "{:?}",
        live.texts
    );
}

#[test]
fn params_are_refused_where_the_settings_do_not_allow_them() {
    let (_server, admin) = start();
    let mut live = Live::open(admin.address);
    let detail = live.error(&json!({ "subscribe": ["events"], "params": true }).to_string());
    assert_eq!(detail, "params are shown only where admin.show_params allows it");
    // A subscription that is refused changes nothing.
    let (controller, _) = pair(&admin);
    admin.send(controller, &json!({ "eventType": "question", "params": ["x"] }));
    assert_eq!(live.next_within(QUIET), None);
}

#[test]
fn sessions_are_told_browsers_too_with_why_they_end() {
    let (server, admin) = start();
    let mut live = Live::watching(admin.address, &json!({ "subscribe": ["sessions"] }));
    let client = Client::controller(server.address, "000001");
    let (mut stream, pid) = client.connected();
    let is = |what: &'static str| move |item: &Value| item["what"] == what;
    let began = live.item("sessions", is("began"));
    assert_eq!(
        (&began["clientId"], &began["pid"], &began["why"]),
        (&json!("000001"), &json!(pid.to_string()), &Value::Null)
    );
    drop(client.clone().with_token("bob").stream());
    assert_eq!(live.item("sessions", is("contested"))["clientId"], "000001");
    assert_eq!(client.send_event("000009", "here"), 204);
    assert_eq!(live.item("sessions", is("defended"))["clientId"], "000001");
    admin.ask("DELETE", "/admin/api/sessions/000001?abort", None);
    frame(&mut stream, "aborted");
    let ended = live.item("sessions", is("ended"));
    assert_eq!((&ended["pid"], &ended["why"]), (&json!(pid.to_string()), &json!("aborted: endedByAdmin")));
    drop(client.connected());
    assert_eq!(live.item("sessions", is("ended"))["why"], "broken");
}

#[test]
fn stats_come_each_second() {
    let (_server, admin) = start();
    let mut live = Live::watching(admin.address, &json!({ "subscribe": ["stats"] }));
    let times: Vec<i64> = (0..3).map(|_| live.next_of("stats")["stats"]["at"].as_i64().unwrap()).collect();
    assert!(times.windows(2).all(|two| (500..3_000).contains(&(two[1] - two[0]))), "{times:?}");
    let id = admin.spawn_one("demo", "controller", &json!({}));
    admin.wait_for(id, "readyToPair/noPartnerClientId");
    until("its count", || {
        let stats = live.next_of("stats");
        if stats["stats"]["sockets"]["byState"]["readyToPair"] == 1 { Ok(()) } else { Err(stats.to_string()) }
    });
}

/// What a filter lets through is all told, and nothing else.
#[test]
fn a_watcher_is_told_what_it_asked_for_and_nothing_else() {
    let (_server, admin) = start();
    let (controller, responder) = pair(&admin);
    let other = admin.spawn_one("other", "controller", &json!({}));
    admin.wait_for(other, "readyToPair/noPartnerClientId");
    let client_id = admin.socket(controller)["clientId"].clone();
    let all = json!(["transitions", "events"]);
    let mut watchers = [
        (json!({ "subscribe": all }), vec![controller, responder, other]),
        (json!({ "subscribe": all, "app": "demo" }), vec![controller, responder]),
        (json!({ "subscribe": all, "app": "other" }), vec![other]),
        (json!({ "subscribe": all, "app": "nobody" }), vec![]),
        (json!({ "subscribe": all, "socketId": responder }), vec![responder]),
        (json!({ "subscribe": all, "clientId": client_id }), vec![controller]),
        (json!({ "subscribe": all, "app": "other", "socketId": controller }), vec![]),
        (json!({ "subscribe": ["transitions"], "state": "passive" }), vec![controller, other]),
        (json!({ "subscribe": ["transitions"], "state": "connecting", "app": "other" }), vec![]),
        (json!({ "subscribe": ["events"], "state": "interacting" }), vec![controller, responder]),
        (json!({ "subscribe": [], "app": "demo" }), vec![]),
    ]
    .map(|(subscription, expected)| (Live::watching(admin.address, &subscription), subscription, expected));
    admin.send(controller, &json!({ "eventType": "question" }));
    until("the event", || {
        let socket = admin.socket(responder);
        if socket["eventsByType"]["in"]["other"] == 1 { Ok(()) } else { Err(socket.to_string()) }
    });
    sleep(QUIET);
    for id in [controller, other] {
        admin.set(id, &json!({ "paused": true }));
        admin.wait_for(id, "passive/paused");
    }
    admin.wait_for(responder, "searching/partnerInactive");
    for (live, subscription, expected) in &mut watchers {
        let mut told = Vec::new();
        while let Some(batch) = live.next_within(QUIET) {
            let item_ids = batch["items"].as_array().unwrap_or_else(|| panic!("{batch}")).iter();
            told.extend(item_ids.map(|item| item["socketId"].as_u64().unwrap()));
        }
        told.sort_unstable();
        told.dedup();
        expected.sort_unstable();
        assert_eq!(told, *expected, "{subscription}: {:?}", live.texts);
    }
}

#[test]
fn sessions_are_filtered_by_client_id_and_app() {
    let (server, admin) = start();
    let mut by_id =
        Live::watching(admin.address, &json!({ "subscribe": ["sessions"], "clientId": "000002" }));
    let _one = Client::controller(server.address, "000001").connected();
    let _two = Client::controller(server.address, "000002").connected();
    assert_eq!(by_id.item("sessions", |_| true)["clientId"], "000002");
    assert!(by_id.texts.iter().all(|text| !text.contains("000001")), "{:?}", by_id.texts);

    let mut of_other = Live::watching(admin.address, &json!({ "subscribe": ["sessions"], "app": "other" }));
    let _three = Client::controller(server.address, "000003").connected();
    let hosted = admin.spawn_one("other", "controller", &json!({ "clientId": "000004" }));
    let began = of_other.item("sessions", |_| true);
    assert_eq!((&began["clientId"], &began["app"]), (&json!("000004"), &json!("other")));
    admin.wait_for(hosted, "readyToPair/noPartnerClientId");
    let mut of_one = Live::watching(admin.address, &json!({ "subscribe": ["sessions"], "socketId": hosted }));
    let _five = Client::controller(server.address, "000005").connected();
    assert_eq!(admin.ask("DELETE", "/admin/api/sessions/000004", None).status, 204);
    let ended = of_one.item("sessions", |_| true);
    assert_eq!((&ended["clientId"], &ended["what"]), (&json!("000004"), &json!("ended")));
}

/// What is said anew replaces what was said before.
#[test]
fn a_subscription_replaces_the_one_before() {
    let (_server, admin) = start();
    let id = admin.spawn_one("demo", "controller", &json!({}));
    admin.wait_for(id, "readyToPair/noPartnerClientId");
    let mut live = Live::watching(admin.address, &json!({ "subscribe": ["transitions", "stats"] }));
    live.next_of("stats");
    live.say(&json!({ "subscribe": ["transitions"], "app": "other" }).to_string());
    live.next_of("subscribed");
    admin.set(id, &json!({ "paused": true }));
    admin.wait_for(id, "passive/paused");
    assert_eq!(live.next_within(Duration::from_millis(1_500)), None, "no stats, and nothing of demo");
    live.say(&json!({ "subscribe": ["transitions"] }).to_string());
    live.next_of("subscribed");
    admin.set(id, &json!({ "paused": false }));
    assert_eq!(live.item("transitions", |_| true)["socketId"], id);
}

#[test]
fn what_cannot_be_understood_is_answered_and_the_watcher_stays() {
    let (_server, admin) = start();
    let mut live = Live::watching(admin.address, &json!({ "subscribe": ["stats"] }));
    let states = "passive, readyToConnect, connecting, readyToPair, searching, interacting";
    for (said, detail) in [
        (
            json!({ "subscribe": [], "state": "busy" }),
            format!("state = \"busy\" is not accepted; accepted: {states}"),
        ),
        (
            json!({ "subscribe": [], "clientId": "1" }),
            "clientId = \"1\" is not accepted; accepted: a clientId of six digits".to_owned(),
        ),
        (
            json!({ "subscribe": [], "app": "a/b" }),
            "app = \"a/b\" is not accepted; accepted: an appId".to_owned(),
        ),
    ] {
        assert_eq!(live.error(&said.to_string()), detail);
    }
    for (said, part) in [
        ("", "EOF"),
        ("nonsense", "expected"),
        ("[]", "expected struct Subscription"),
        ("{}", "missing field `subscribe`"),
        ("{\"subscribe\":\"stats\"}", "invalid type: string, expected a sequence"),
        ("{\"subscribe\":[\"gossip\"]}", "unknown variant `gossip`, expected one of"),
        ("{\"subscribe\":[],\"token\":\"x\"}", "unknown field `token`"),
        ("{\"subscribe\":[],\"socketId\":-1}", "invalid value: integer, expected u32"),
        ("\u{0}\u{1}", "expected value"),
    ] {
        let detail = live.error(said);
        assert!(
            detail.starts_with("the message cannot be understood: ") && detail.contains(part),
            "{said}: {detail}"
        );
    }
    live.send(Message::binary(vec![1, 2, 3]));
    assert_eq!(live.next_of("error")["detail"], "only text messages of one piece are understood");
    live.send(Message::Ping(vec![7].into()));
    live.next_of("stats");
}

#[test]
fn a_request_that_is_no_websocket_is_refused() {
    let (_server, admin) = start();
    let answer = admin.ask("GET", "/admin/live", None);
    assert!((400..500).contains(&answer.status), "{answer:?}");
    assert_eq!(admin.refused(405, "POST", "/admin/live", None), "POST is not accepted here; accepted: GET");
}

/// Sixty-four watch; the next one may once one of them has gone.
#[test]
fn there_are_at_most_64_watchers() {
    let (_server, admin) = start();
    let mut watchers: Vec<Live> = (0..64).map(|_| Live::open(admin.address)).collect();
    assert_eq!(open(admin.address, &[]).err(), Some(503));
    drop(watchers.pop());
    let another = until("room", || open(admin.address, &[]).map_err(|status| status.to_string()));
    assert_eq!(open(admin.address, &[]).err(), Some(503));
    drop(another);
    watchers[0].say("{\"subscribe\":[]}");
    watchers[0].next_of("subscribed");
}

/// It reads nothing: what it missed it is told as a number, in place of it, and nobody waited for it.
#[test]
fn a_watcher_that_reads_nothing_misses_and_holds_up_nobody() {
    let many = "[limits]\nclient_id_rate_per_second = 100000\nclient_id_rate_burst = 100000\n";
    let server = Server::with_admin(&format!("[apps.demo]\n{many}"));
    let admin = Admin::of(&server);
    let (controller, responder) = pair(&admin);
    let mut asleep = Live::open(admin.address);
    asleep.say(&json!({ "subscribe": ["transitions"] }).to_string());
    asleep.next_of("subscribed");
    let mut awake = Live::watching(admin.address, &json!({ "subscribe": ["transitions"] }));
    // More than what its connection and its channel hold, in batches that one who reads can take.
    let (mut told, mut slowest) = (0, Duration::ZERO);
    let crowd = json!({ "app": "demo", "accessToken": "alice", "role": "controller", "count": 250 });
    while told < 25_000 {
        admin.spawn(&crowd);
        let begun = Instant::now();
        admin.send(controller, &json!({ "eventType": "still" }));
        assert_eq!(admin.socket(responder)["partnerClientId"], admin.socket(controller)["clientId"]);
        slowest = slowest.max(begun.elapsed());
        while let Some(batch) = awake.next_within(Duration::from_millis(120)) {
            told += batch["items"].as_array().map_or(0, Vec::len);
        }
    }
    assert!(slowest < Duration::from_secs(5), "who asked waited {slowest:?}");
    let missed: u64 = asleep.next_of("lagged")["missed"].as_u64().unwrap();
    assert!(missed > 1_000, "{missed} missed of {told}");
    let lagged: Value = serde_json::from_str(asleep.texts.last().unwrap()).unwrap();
    assert_eq!(lagged, json!({ "type": "lagged", "of": "transitions", "missed": missed }));
}
