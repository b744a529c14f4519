//! `why`: what a hosted crSocket waits for, in exact words, produced for real.

use serde_json::json;

use crate::client::{Client, EventStream, stalled};
use crate::process::Server;
use crate::rig::{Admin, SHORT, state_of, until, untimed};

const APPS: &str = "[apps.demo]\n[apps.other]\n[apps.own]\npairing = \"same-user\"\n\
    [apps.listed]\naccess = \"list\"\ntokens = [\"bob\"]\n[apps.narrow]\ntoken_pattern = \"[a-z]+\"\n";

fn start() -> (Server, Admin) {
    start_with(SHORT)
}

fn start_with(timing: &str) -> (Server, Admin) {
    let server = Server::with_admin(&format!("{APPS}{timing}"));
    let admin = Admin::of(&server);
    (server, admin)
}

/// Waits until it says this; times are left out.
fn wait_for(admin: &Admin, id: u64, sentence: &str) {
    until(&format!("{sentence:?}"), || {
        let socket = admin.socket(id);
        let why = untimed(socket["why"].as_str().unwrap());
        assert!(why.starts_with(socket["state"].as_str().unwrap()), "{socket}");
        if why == sentence { Ok(()) } else { Err(format!("{why:?} ({})", state_of(&socket))) }
    });
}

/// A hosted controller 000001 of 000002.
fn controller(admin: &Admin) -> u64 {
    admin.spawn_one("demo", "controller", &json!({ "clientId": "000001", "partnerClientId": "000002" }))
}

fn responder_of(server: &Server) -> (Client, EventStream) {
    let client = Client::responder(server.address, "000002");
    let (stream, _) = client.connected();
    (client, stream)
}

#[test]
fn who_is_passive_says_why() {
    let (_server, admin) = start();
    let id = controller(&admin);
    for (facts, sentence) in [
        (json!({ "paused": true }), "passive: it is paused"),
        (json!({ "online": false }), "passive: it is not online"),
        (json!({ "visible": false }), "passive: it is not visible"),
    ] {
        admin.set(id, &facts);
        wait_for(&admin, id, sentence);
        // The strongest reason is told first, so each is taken back before the next.
        let fact = facts.as_object().unwrap().keys().next().unwrap().clone();
        admin.set(id, &json!({ (&fact): fact != "paused" }));
    }
}

#[test]
fn who_may_not_connect_says_why() {
    let (server, admin) = start();
    let id = admin.spawn_one("demo", "controller", &json!({}));
    admin.set(id, &json!({ "accessToken": null }));
    wait_for(&admin, id, "readyToConnect: it has no accessToken");
    let id = admin.spawn_one("listed", "responder", &json!({}));
    wait_for(
        &admin,
        id,
        "readyToConnect: its accessToken may not take part in this app and role; it stays so until it gets another accessToken",
    );
    admin.set(id, &json!({ "accessToken": "bob" }));
    admin.wait_for(id, "readyToPair/noPartnerClientId");
    let id = admin.spawn_one("narrow", "responder", &json!({ "accessToken": "ALICE" }));
    wait_for(
        &admin,
        id,
        "readyToConnect: the server does not accept its accessToken; it stays so until it gets another accessToken",
    );
    assert!(!server.log().text().contains("ALICE"));
}

#[test]
fn who_was_taken_over_says_so_and_what_helps_helps() {
    let (server, admin) = start();
    let id = admin.spawn_one("demo", "controller", &json!({ "clientId": "000001" }));
    admin.wait_for(id, "readyToPair/noPartnerClientId");
    // Before helloMaxDt it takes that for a request of its own that came late, and tries again.
    until("a stream of some age", || match admin.session("000001").unwrap()["openForMs"].as_i64() {
        Some(age) if age > 800 => Ok(()),
        age => Err(format!("{age:?}")),
    });
    let (stream, _) = Client::controller(server.address, "000001").connected();
    wait_for(
        &admin,
        id,
        "readyToConnect: another client has taken its clientId over; it stays so until it is set visible or online anew",
    );
    drop(stream);
    admin.set(id, &json!({ "visible": false }));
    admin.set(id, &json!({ "visible": true }));
    admin.wait_for(id, "readyToPair/noPartnerClientId");
}

#[test]
fn who_was_ended_by_an_administrator_says_so_and_what_helps_helps() {
    let (_server, admin) = start();
    let id = admin.spawn_one("demo", "controller", &json!({ "clientId": "000001" }));
    admin.wait_for(id, "readyToPair/noPartnerClientId");
    assert_eq!(admin.ask("DELETE", "/admin/api/sessions/000001?abort", None).status, 204);
    wait_for(
        &admin,
        id,
        "readyToConnect: an administrator ended its session; it stays so until it is set visible or online anew",
    );
    assert_eq!(admin.socket(id)["lastError"]["what"], "the server gave the stream up: endedByAdmin");
    admin.set(id, &json!({ "online": false }));
    admin.set(id, &json!({ "online": true }));
    admin.wait_for(id, "readyToPair/noPartnerClientId");
}

/// A stranger's clientId: first its client is asked whether it lives, and once it shows, that is that.
#[test]
fn whose_client_id_is_in_use_says_so() {
    let (server, admin) = start();
    let owner = Client::controller(server.address, "000001").with_token("bob");
    let (_stream, _) = owner.connected();
    let id = admin.spawn_one("demo", "controller", &json!({ "clientId": "000001" }));
    wait_for(
        &admin,
        id,
        "connecting: its stream is opened again in N s; its clientId has a session of another user, who may show to be there",
    );
    until("its end", || {
        owner.send_event("000009", "sign of life");
        owner.send_event("000009", "signOfLife");
        let socket = admin.socket(id);
        if socket["state"] == "readyToConnect" { Ok(()) } else { Err(socket.to_string()) }
    });
    wait_for(
        &admin,
        id,
        "readyToConnect: its clientId belongs to a living client of another user; it tries again in N s",
    );
    admin.told(200, "POST", &format!("/admin/api/sockets/{id}/clear-client-id"), None);
    admin.wait_for(id, "readyToPair/noPartnerClientId");
}

#[test]
fn whose_client_id_is_kept_for_another_user_says_so() {
    let (server, admin) = start_with("");
    drop(Client::controller(server.address, "000001").with_token("bob").connected());
    let id = admin.spawn_one("demo", "controller", &json!({ "clientId": "000001" }));
    wait_for(
        &admin,
        id,
        "connecting: its stream is opened again in N s; its clientId is kept for the user of its last session for N s more",
    );
}

#[test]
fn who_has_no_partner_says_so() {
    let (_server, admin) = start();
    let one = admin.spawn_one("demo", "controller", &json!({}));
    wait_for(&admin, one, "readyToPair: no partner is assigned to it");
    let other = admin.spawn_one("demo", "responder", &json!({}));
    wait_for(&admin, other, "readyToPair: it waits for a controller to ping it");
}

/// Of a responder that has a partner; of a controller that has none.
#[test]
fn who_is_rejected_by_its_partner_says_why() {
    let (_server, admin) = start();
    let taken = admin.spawn_one("demo", "responder", &json!({ "clientId": "000002" }));
    let first = controller(&admin);
    admin.wait_for(taken, "interacting");
    let second = admin.spawn_one("demo", "controller", &json!({ "partnerClientId": "000002" }));
    wait_for(
        &admin,
        second,
        "readyToPair: it was rejected, since 000002 has another partner (assignedToOther)",
    );
    // What it is told of the pair agrees.
    let own = admin.socket(second)["clientId"].as_str().unwrap().to_owned();
    let told = admin.get(&format!("/admin/api/explain?controller={own}&responder=000002"));
    assert_eq!(
        (&told["obstacles"][0]["code"], &told["obstacles"][0]["clientId"]),
        (&json!("rejected"), &json!(own))
    );
    assert_eq!(told["obstacles"][1]["code"], "pingsOther");

    admin.set(first, &json!({ "partnerClientId": null }));
    admin.wait_for(first, "readyToPair/noPartnerClientId");
    let late = admin.spawn_one("demo", "responder", &json!({ "partnerClientId": "000001" }));
    wait_for(
        &admin,
        late,
        "readyToPair: it was rejected, since 000001 has no partner, and takes none that pings it (notPaired)",
    );
}

#[test]
fn who_is_rejected_by_the_server_says_why() {
    let (server, admin) = start();
    let (_responder, _stream) = responder_of(&server);
    let (_other, _) = Client::responder(server.address, "000003").in_app("own").with_token("bob").connected();
    for (app, role, partner, sentence) in [
        (
            "other",
            "controller",
            "000002",
            "readyToPair: it was rejected, since 000002 belongs to another app (appIdMismatch)",
        ),
        (
            "demo",
            "responder",
            "000002",
            "readyToPair: it was rejected, since 000002 has the same role (invalidPartnerRole)",
        ),
        (
            "own",
            "controller",
            "000003",
            "readyToPair: it was rejected, since 000003 belongs to another user (accessTokenMismatch)",
        ),
    ] {
        let id = admin.spawn_one(app, role, &json!({ "partnerClientId": partner }));
        wait_for(&admin, id, sentence);
    }
}

#[test]
fn who_searches_says_whether_its_partner_is_there() {
    let (server, admin) = start();
    let id = controller(&admin);
    wait_for(
        &admin,
        id,
        "searching: 000002 has not answered for N s; it has no session on this server: no client of that clientId is connected",
    );
    let (client, stream) = responder_of(&server);
    wait_for(
        &admin,
        id,
        "searching: 000002 has not answered for N s; it has pinged nobody: it is not active, or has no partner",
    );
    until("a pair", || {
        client.send_event("000001", "ping");
        match state_of(&admin.socket(id)) {
            state if state == "interacting" => Ok(()),
            state => Err(state),
        }
    });
    let why = untimed(admin.socket(id)["why"].as_str().unwrap());
    assert!(["interacting: with 000002, last heard of N s ago"].contains(&&*why), "{why}");
    drop(stream);
    wait_for(
        &admin,
        id,
        "searching: 000002 has not answered for N s; it has no session: its stream ended without a goodbye, and the \
         clientId is kept for its user for N s more",
    );
}

#[test]
fn whose_partner_pings_another_says_so() {
    let (server, admin) = start();
    let (client, _stream) = responder_of(&server);
    let id = controller(&admin);
    assert_eq!(client.send_event("000003", "ping"), 204);
    wait_for(&admin, id, "searching: 000002 has not answered for N s; it pings 000003, last N s ago");
}

/// A browser whose page sleeps: its stream stands, and nothing comes from it.
#[test]
fn whose_partner_fell_silent_says_so() {
    let timing = SHORT.replace("max_prev_alive_dt_ms = 1000", "max_prev_alive_dt_ms = 20000");
    let (server, admin) = start_with(&timing);
    let (client, _stream) = responder_of(&server);
    let id = controller(&admin);
    assert_eq!(client.send_event("000001", "ping"), 204);
    admin.wait_for(id, "interacting");
    wait_for(&admin, id, "searching: 000002 has not answered for N s; nothing has come from 000002 for N s");
}

#[test]
fn whose_partner_does_not_read_says_so() {
    let (server, admin) = start_with("");
    let responder = Client::responder(server.address, "000002");
    let _stalled = stalled(&responder);
    let id = controller(&admin);
    until("the sentence", || {
        let why = untimed(admin.socket(id)["why"].as_str().unwrap());
        let begin = "searching: 000002 has not answered for N s; it does not take what is sent to it: ";
        match why.strip_prefix(begin).and_then(|rest| rest.strip_suffix(" frames wait")) {
            Some(frames) if frames.parse::<usize>().is_ok() => Ok(()),
            _ => Err(why),
        }
    });
}

/// Each way in which a hosted partner is away: its stream is closed, and its clientId free.
#[test]
fn whose_hosted_partner_is_away_says_so() {
    let (_server, admin) = start();
    let responder = admin.spawn_one("demo", "responder", &json!({ "clientId": "000002" }));
    let id = controller(&admin);
    for (away, back) in [
        (json!({ "paused": true }), json!({ "paused": false })),
        (json!({ "visible": false }), json!({ "visible": true })),
        (json!({ "accessToken": null }), json!({ "accessToken": "alice" })),
    ] {
        admin.wait_for(id, "interacting");
        wait_for(&admin, responder, "interacting: with 000001, last heard of N s ago");
        admin.set(responder, &away);
        wait_for(
            &admin,
            id,
            "searching: 000002 has not answered for N s; it has no session on this server: no client of that clientId is connected",
        );
        admin.set(responder, &back);
    }
}
