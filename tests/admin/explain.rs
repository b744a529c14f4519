//! `GET explain`: what stands between two clients, browsers both, produced for real.

use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Client, EventStream, stalled};
use crate::process::Server;
use crate::rig::{Admin, until, untimed};

/// Clients are silent after 0.9 s, inactive after 2 s, and gone after 20 s.
const TIMING: &str = "[timing]\nmin_cr_event_dt_ms = 0\ninteracting_max_event_out_dt_ms = 300\n\
    searching_max_event_out_dt_ms = 150\npartner_active_max_event_in_dt_ms = 2000\n\
    event_source_send_alive_dt_ms = 400\nmax_prev_alive_dt_ms = 20000\nhello_settle_dt_ms = 20\n\
    send_answer_dt_ms = 500\n";
const APPS: &str = "[apps.demo]\n[apps.other]\n[apps.own]\npairing = \"same-user\"\n";

/// A controller and a responder that are connected, and can be asked about.
struct Two {
    admin: Admin,
    controller: Client,
    responder: Client,
    streams: Vec<EventStream>,
    server: Server,
}

impl Two {
    fn new(change: impl FnOnce(Client, Client) -> (Client, Client)) -> Two {
        Two::at(TIMING, change)
    }

    /// With these timings; with none, nobody falls silent while a test looks on.
    fn at(timing: &str, change: impl FnOnce(Client, Client) -> (Client, Client)) -> Two {
        let server = Server::with_admin(&format!("{APPS}{timing}"));
        let (controller, responder) =
            (Client::controller(server.address, "000001"), Client::responder(server.address, "000002"));
        let (controller, responder) = change(controller, responder);
        let streams = vec![controller.connected().0, responder.connected().0];
        Two { admin: Admin::of(&server), controller, responder, streams, server }
    }

    fn pings(&self, from: &Client, to: &str) {
        assert_eq!(from.send_event(to, "ping"), 204);
    }

    fn both_ping(&self) {
        self.pings(&self.controller, self.responder.id);
        self.pings(&self.responder, self.controller.id);
    }

    fn explained(&self) -> Explained {
        explained(&self.admin)
    }
}

/// Whether they interact, the sentence, and the obstacles; times are left out.
#[derive(Debug, PartialEq)]
struct Explained {
    interacting: bool,
    sentence: String,
    obstacles: Vec<(String, String, String)>,
}

fn explained(admin: &Admin) -> Explained {
    let told = admin.get("/admin/api/explain?controller=000001&responder=000002");
    let text = |value: &Value| untimed(value.as_str().unwrap());
    let obstacle = |obstacle: &Value| {
        let code = obstacle["code"].as_str().unwrap().to_owned();
        (code, obstacle["clientId"].as_str().unwrap().to_owned(), text(&obstacle["text"]))
    };
    let obstacles: Vec<_> = told["obstacles"].as_array().unwrap().iter().map(obstacle).collect();
    let sentence = text(&told["sentence"]);
    assert!(obstacles.first().is_none_or(|(_, _, first)| *first == sentence), "{told}");
    Explained { interacting: told["interacting"].as_bool().unwrap(), sentence, obstacles }
}

fn obstacle(code: &str, client_id: &str, text: &str) -> (String, String, String) {
    (code.to_owned(), client_id.to_owned(), text.to_owned())
}

/// Waits until exactly these stand between them.
fn wait_for(admin: &Admin, expected: &[(String, String, String)]) {
    until("the obstacles", || {
        let seen = explained(admin);
        assert_eq!(seen.interacting, seen.obstacles.is_empty(), "{seen:?}");
        if seen.obstacles == expected { Ok(()) } else { Err(format!("{seen:#?}")) }
    });
}

#[test]
fn who_pings_each_other_has_nothing_in_between() {
    let two = Two::new(|one, other| (one, other));
    two.both_ping();
    let expected = Explained {
        interacting: true,
        sentence: "000001 and 000002 ping each other: nothing is seen that stands between them".to_owned(),
        obstacles: vec![],
    };
    assert_eq!(two.explained(), expected);
    let told = two.admin.get("/admin/api/explain?controller=000001&responder=000002");
    for (side, id, other) in [("controller", "000001", "000002"), ("responder", "000002", "000001")] {
        assert_eq!((&told[side]["clientId"], &told[side]["role"]), (&json!(id), &json!(side)), "{told}");
        assert_eq!(told[side]["lastPinged"]["clientId"], other, "{told}");
    }
}

#[test]
fn no_session_and_a_reservation_are_told() {
    let server = Server::with_admin(&format!("{APPS}{TIMING}"));
    let admin = Admin::of(&server);
    let none = |id: &str| {
        let text = format!("{id} has no session on this server: no client of that clientId is connected");
        obstacle("noSession", id, &text)
    };
    wait_for(&admin, &[none("000001"), none("000002")]);
    drop(Client::responder(server.address, "000002").connected());
    let reserved = "000002 has no session: its stream ended without a goodbye, and the clientId is kept for its user \
        for N s more";
    wait_for(&admin, &[none("000001"), obstacle("reserved", "000002", reserved)]);
    let told = admin.get("/admin/api/explain?controller=000001&responder=000002");
    assert_eq!((&told["controller"], &told["responder"]["standing"]), (&Value::Null, &json!("reserved")));
}

#[test]
fn one_client_cannot_be_two() {
    let server = Server::with_admin(APPS);
    let told = Admin::of(&server).get("/admin/api/explain?controller=000001&responder=000001");
    assert_eq!(
        (&told["interacting"], &told["sentence"]),
        (&json!(false), &json!("000001 cannot be its own partner"))
    );
    assert_eq!(told["obstacles"][0]["code"], "sameClient");
}

#[test]
fn the_same_role_on_both_sides_is_told() {
    let two = Two::new(|one, other| (one, Client { role: "controller", ..other }));
    two.both_ping();
    let seen = two.explained();
    assert_eq!(seen.obstacles[0], obstacle("wrongRole", "000002", "000002 is a controller, not a responder"));
    // The server rejects their pings.
    let rejected = |id: &str, by: &str| {
        let text = format!("{id} was rejected N s ago, since {by} has the same role (invalidPartnerRole)");
        obstacle("rejected", id, &text)
    };
    wait_for(
        &two.admin,
        &[seen.obstacles[0].clone(), rejected("000001", "000002"), rejected("000002", "000001")],
    );
}

#[test]
fn another_app_is_told() {
    let two = Two::new(|one, other| (one, other.in_app("other")));
    two.pings(&two.controller, "000002");
    let app = obstacle("otherApp", "000002", "000001 belongs to the app demo, 000002 to other");
    let rejected = "000001 was rejected N s ago, since 000002 belongs to another app (appIdMismatch)";
    let none = "000002 has pinged nobody: it is not active, or has no partner";
    wait_for(
        &two.admin,
        &[app, obstacle("rejected", "000001", rejected), obstacle("notPinging", "000002", none)],
    );
}

#[test]
fn another_user_is_told_where_only_those_of_one_pair() {
    let two = Two::new(|one, other| (one.in_app("own"), other.in_app("own").with_token("bob")));
    two.both_ping();
    let text = "000001 and 000002 belong to different users, and the app own pairs only clients of one";
    let rejected = |id: &str, by: &str| {
        let text =
            format!("{id} was rejected N s ago, since {by} belongs to another user (accessTokenMismatch)");
        obstacle("rejected", id, &text)
    };
    wait_for(
        &two.admin,
        &[obstacle("otherUser", "000002", text), rejected("000001", "000002"), rejected("000002", "000001")],
    );
    // Where any pair, the same two have nothing in between.
    let free = Two::new(|one, other| (one, other.with_token("bob")));
    free.both_ping();
    assert_eq!(free.explained().obstacles, []);
}

#[test]
fn a_client_id_that_another_user_asks_for_is_told_until_its_client_shows() {
    let two = Two::new(|one, other| (one, other));
    two.both_ping();
    drop(two.responder.clone().with_token("bob").stream());
    let text = "another user asks for 000002, which has not shown yet that it lives";
    wait_for(&two.admin, &[obstacle("contested", "000002", text)]);
    two.both_ping();
    wait_for(&two.admin, &[]);
}

#[test]
fn who_has_fallen_silent_is_told() {
    let two = Two::new(|one, other| (one, other));
    two.both_ping();
    until("silence", || {
        two.pings(&two.controller, "000002");
        let expected = [obstacle("silent", "000002", "nothing has come from 000002 for N s")];
        let seen = two.explained();
        if seen.obstacles == expected { Ok(()) } else { Err(format!("{seen:?}")) }
    });
    // And after partnerActiveMaxEventInDt it is not active any more, either.
    until("inactivity", || {
        two.pings(&two.controller, "000002");
        let expected = [
            obstacle("silent", "000002", "nothing has come from 000002 for N s"),
            obstacle("notPinging", "000002", "000002 pinged 000001 last N s ago: it is not active any more"),
        ];
        let seen = two.explained();
        if seen.obstacles == expected { Ok(()) } else { Err(format!("{seen:?}")) }
    });
}

#[test]
fn who_does_not_read_is_told() {
    let server = Server::with_admin(&format!("{APPS}{TIMING}"));
    let admin = Admin::of(&server);
    let controller = Client::controller(server.address, "000001");
    let (_stream, _) = controller.connected();
    let responder = Client::responder(server.address, "000002");
    let _stalled = stalled(&responder);
    assert_eq!(responder.send_event("000001", "ping"), 204);
    let seen = explained(&admin);
    let text = &seen.obstacles[0].2;
    let frames = text.split(' ').rev().nth(2).unwrap();
    assert!(frames.parse::<usize>().unwrap() > 1, "{text}");
    let expected = format!("000002 does not take what is sent to it: {frames} frames wait");
    assert_eq!(seen.obstacles[0], obstacle("notReading", "000002", &expected));
}

#[test]
fn each_rejection_is_told_with_its_reason_until_it_is_over() {
    let mut two = Two::at("", |one, other| (one, other));
    for (reason, text) in [
        ("assignedToOther", "since 000002 has another partner (assignedToOther)"),
        ("notPaired", "since 000002 has no partner, and takes none that pings it (notPaired)"),
        ("blocked", "since the server's policies do not let it through (blocked)"),
        ("outForLunch", "and 000002 says why: outForLunch"),
    ] {
        two.both_ping();
        wait_for(&two.admin, &[]);
        // What comes later than a ping answers it.
        sleep(Duration::from_millis(5));
        let data = format!("reject,{reason},false,false,true,1,NaN,000002");
        assert_eq!(two.responder.send("000001", "crEvent", &data).status, 204);
        let text = format!("000001 was rejected N s ago, {text}");
        wait_for(&two.admin, &[obstacle("rejected", "000001", &text)]);
        two.streams[0].frame();
        // And what comes later than that is another chance.
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn who_has_said_goodbye_pings_nobody_any_more_until_the_next_ping() {
    let two = Two::at("", |one, other| (one, other));
    for goodbye in ["inactive", "unassign"] {
        two.both_ping();
        wait_for(&two.admin, &[]);
        sleep(Duration::from_millis(5));
        let data = format!("{goodbye},,false,false,true,1,NaN,000001");
        assert_eq!(two.controller.send("000002", "crEvent", &data).status, 204);
        let text = "000001 said goodbye to 000002 N s ago: it is not active, or has let go";
        wait_for(&two.admin, &[obstacle("notPinging", "000001", text)]);
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn who_pings_somebody_else_or_nobody_is_told() {
    let two = Two::new(|one, other| (one, other));
    let nobody = |id: &str| {
        obstacle("notPinging", id, &format!("{id} has pinged nobody: it is not active, or has no partner"))
    };
    wait_for(&two.admin, &[nobody("000001"), nobody("000002")]);
    two.pings(&two.responder, "000003");
    wait_for(
        &two.admin,
        &[nobody("000001"), obstacle("pingsOther", "000002", "000002 pings 000003, last N s ago")],
    );
    assert!(two.server.pid() > 0);
}

#[test]
fn what_cannot_be_asked_for_is_refused_with_what_can() {
    let server = Server::with_admin(APPS);
    let admin = Admin::of(&server);
    for (query, detail) in [
        (
            "controller=x&responder=000001",
            "controller = \"x\" is not accepted; accepted: a clientId of six digits",
        ),
        (
            "controller=000001&responder=",
            "responder = \"\" is not accepted; accepted: a clientId of six digits",
        ),
        (
            "controller=0000011&responder=1",
            "controller = \"0000011\" is not accepted; accepted: a clientId of six digits",
        ),
    ] {
        assert_eq!(admin.refused(400, "GET", &format!("/admin/api/explain?{query}"), None), detail);
    }
    for (query, part) in [
        ("", "missing field `controller`"),
        ("controller=000001", "missing field `responder`"),
        ("controller=000001&responder=000002&app=demo", "unknown field `app`"),
    ] {
        let detail = admin.refused(400, "GET", &format!("/admin/api/explain?{query}"), None);
        assert!(detail.contains(part), "{detail}");
    }
}
