//! The server itself: counts, settings in force, health.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::client::Client;
use crate::process::Server;
use crate::rig::{Admin, until};

/// From the moment when it is told to stop: clients that it hosts say goodbye first, for up to two seconds.
#[test]
fn who_stops_is_not_ready_and_spawns_nobody() {
    let server = Server::with_admin(
        "[apps.demo]\n[[hosted]]\napp = \"demo\"\naccess_token = \"alice\"\npairs = 300\n",
    );
    let admin = Admin::of(&server);
    assert_eq!(admin.ask("GET", "/readyz", None).status, 200);
    server.signal(Signal::TERM);
    server.log().wait_for("stopping within");
    let body = json!({ "app": "demo", "accessToken": "alice", "pairs": 1 });
    for (method, target, body) in [("GET", "/readyz", None), ("POST", "/admin/api/sockets", Some(&body))] {
        let refused = admin.refused(503, method, target, body);
        assert_eq!(refused, "the server stops", "{target}");
    }
}

#[test]
fn stats_count_what_happened() {
    // Stats are those of the last second: sessions and reservations must last for longer.
    let server = Server::with_admin("[apps.demo]\n[apps.other]\n");
    let admin = Admin::of(&server);
    let pair = admin.spawn(&json!({ "app": "demo", "accessToken": "alice", "pairs": 1 }));
    admin.wait_for(pair[0], "interacting");
    admin.wait_for(pair[1], "interacting");
    let idle = admin.spawn_one("other", "controller", &json!({}));
    admin.set(idle, &json!({ "paused": true }));
    admin.wait_for(idle, "passive/paused");
    let (_stream, _) = Client::controller(server.address, "000001").connected();
    drop(Client::controller(server.address, "000002").connected());
    let responder = Client::responder(server.address, "000003");
    let (_responder, _) = responder.connected();
    // What is no partner is blocked, and counted.
    assert_eq!(responder.send_event("000003", "toMyself"), 204);
    let stats = until("the counts", || {
        let stats = admin.get("/admin/api/stats");
        let sessions = &stats["sessions"];
        let are_there = sessions["total"] == 4 && sessions["reserved"] == 1 && stats["latency"]["count"] != 0;
        if are_there && stats["sockets"]["byState"]["passive"] == 1 {
            Ok(stats)
        } else {
            Err(stats.to_string())
        }
    });
    let by_state = json!({
        "passive": 1, "readyToConnect": 0, "connecting": 0, "readyToPair": 0, "searching": 0, "interacting": 2,
    });
    assert_eq!(stats["sockets"]["byState"], by_state);
    assert_eq!(stats["sockets"]["total"], 3);
    let mut by_app: Vec<String> =
        stats["sockets"]["byApp"].as_array().unwrap().iter().map(Value::to_string).collect();
    by_app.sort();
    let expected = [
        json!({ "app": "demo", "role": "controller", "state": "interacting", "count": 1 }).to_string(),
        json!({ "app": "demo", "role": "responder", "state": "interacting", "count": 1 }).to_string(),
        json!({ "app": "other", "role": "controller", "state": "passive", "count": 1 }).to_string(),
    ];
    assert_eq!(by_app, expected);
    assert_eq!(
        (&stats["sessions"]["hosted"], &stats["version"]),
        (&json!(2), &json!(env!("CARGO_PKG_VERSION")))
    );
    let counted = |family: &str, reason: &str| {
        let counters = stats["counters"].as_array().unwrap();
        let is_it = |counter: &&Value| counter["family"] == family && counter["reason"] == reason;
        counters.iter().find(is_it).map_or(0, |counter| counter["count"].as_u64().unwrap())
    };
    assert!(counted("sessions_began", "") >= 5, "{stats}");
    let accepted = counted("events_accepted", "forwarded") + counted("events_accepted", "waits");
    assert!(accepted >= 3, "{stats}");
    assert_eq!(counted("events_dropped", "invalidPartnerRole"), 1, "{stats}");
    assert_eq!((counted("sessions_ended", "broken"), counted("client_ids_given", "")), (1, 3), "{stats}");
    assert!(stats["counters"].as_array().unwrap().iter().all(|counter| counter["count"] != 0), "{stats}");
    let process = &stats["process"];
    assert!(process["memoryBytes"].as_u64() > Some(1_000_000), "{stats}");
    for (number, least) in [("openFiles", 3.0), ("threads", 1.0), ("cpuSeconds", 0.0), ("cpuCores", 0.0)] {
        assert!(process[number].as_f64().unwrap() >= least, "{number}: {stats}");
    }
    let latency: Vec<u64> = ["p50Us", "p90Us", "p99Us", "p999Us", "maxUs"]
        .map(|name| stats["latency"][name].as_u64().unwrap())
        .into();
    assert!(latency.is_sorted() && latency[4] > 0, "{stats}");
    let (at, started, uptime) = (&stats["at"], &stats["startedAt"], &stats["uptimeMs"]);
    let off = at.as_i64().unwrap() - started.as_i64().unwrap() - uptime.as_i64().unwrap();
    assert!(off.abs() < 1_000, "{at} {started} {uptime}");
}

#[test]
fn rates_are_those_of_the_last_second() {
    let server = Server::with_admin("[apps.demo]\n[timing]\nmin_cr_event_dt_ms = 0\n");
    let admin = Admin::of(&server);
    let pair = admin.spawn(&json!({ "app": "demo", "accessToken": "alice", "pairs": 1 }));
    admin.wait_for(pair[0], "interacting");
    admin.wait_for(pair[1], "interacting");
    let rate = |name: &str| admin.get("/admin/api/stats")["rates"][name].as_f64().unwrap();
    until("a rate of events", || {
        admin.send(pair[0], &json!({ "eventType": "a" }));
        if rate("eventsAccepted") > 5.0 { Ok(()) } else { Err(rate("eventsAccepted").to_string()) }
    });
    until("no events any more", || match rate("eventsAccepted") {
        quiet if quiet < 3.0 => Ok(()),
        busy => Err(busy.to_string()),
    });
    until("a rate of transitions", || {
        admin.set(pair[0], &json!({ "paused": true }));
        admin.set(pair[0], &json!({ "paused": false }));
        if rate("transitions") > 1.0 { Ok(()) } else { Err(rate("transitions").to_string()) }
    });
}

/// The settings in force, as a file from which the same server can be started; secrets are masked.
#[test]
fn the_settings_in_force_are_told_without_secrets() {
    let server = Server::with_admin(
        "[apps.demo]\n[apps.listed]\naccess = \"list\"\ntokens = [\"SecretOfBob\"]\n\
         [[hosted]]\napp = \"demo\"\naccess_token = \"SecretOfAlice\"\npairs = 1\n",
    );
    let config = Admin::of(&server).get("/admin/api/config");
    let text = config["toml"].as_str().unwrap();
    assert!(!text.contains("Secret"), "{text}");
    let file: toml::Value = toml::from_str(text).unwrap();
    assert_eq!(file["apps"]["listed"]["access"].as_str(), Some("list"));
    assert_eq!(file["admin"]["show_params"].as_bool(), Some(false));
    assert!(text.contains("***"), "what is masked is shown as masked: {text}");
}

#[test]
fn a_server_that_lives_says_so_and_is_ready() {
    let server = Server::with_admin("[apps.demo]\n");
    let admin = Admin::of(&server);
    for (target, said) in [("/healthz", "alive\n"), ("/readyz", "ready\n")] {
        let answer = admin.ask("GET", target, None);
        assert_eq!((answer.status, answer.text().as_str()), (200, said));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
}

/// The public listener knows nothing of it.
#[test]
fn the_public_listener_serves_nothing_of_it() {
    let server = Server::with_admin("[apps.demo]\n");
    for target in
        ["/admin/", "/admin/api/stats", "/admin/live", "/metrics", "/healthz", "/readyz", "/admin/docs/"]
    {
        assert_eq!(crate::client::get(server.address, target).status, 404, "{target}");
    }
}
