//! Section 4 over the wire: who reaches whom, what waits, who owns a clientId.

use std::time::{Duration, Instant};

use crate::client::{Client, Said, fields};
use crate::process::Server;

/// A few hundred milliseconds in which nothing may come.
const QUIET: Duration = Duration::from_millis(400);

const TWO_APPS: &str = "[apps.demo]\n[apps.other]\n[apps.users]\npairing = \"same-user\"\n";

#[test]
fn section_4_rule_3_each_blocking_rule_and_its_reject() {
    let server = Server::configured(TWO_APPS);
    let address = server.address;
    for (sender, recipient, reason) in [
        (
            Client::controller(address, "100001"),
            Client::responder(address, "100002").in_app("other"),
            "appIdMismatch",
        ),
        (Client::controller(address, "100003"), Client::controller(address, "100004"), "invalidPartnerRole"),
        (
            Client::controller(address, "100005").in_app("users"),
            Client::responder(address, "100006").in_app("users").with_token("bob"),
            "accessTokenMismatch",
        ),
    ] {
        let (mut recipients, _) = recipient.connected();
        let (mut senders, _) = sender.connected();
        assert_eq!(sender.send_event(recipient.id, "ordinary"), 204, "{reason}");
        assert_eq!(sender.send_event(recipient.id, "unassign"), 204, "{reason}");
        assert_eq!(sender.send_event(recipient.id, "ping"), 204, "{reason}");
        let (name, data) = senders.frame();
        assert_eq!(name, "crEvent");
        assert_eq!(data, format!("reject%2C{reason}%2Cfalse%2Cfalse%2Ctrue%2CNaN%2CNaN%2C{}", recipient.id));
        assert_eq!(recipients.next_within(QUIET), None, "{reason}");
        assert_eq!(senders.next_within(Duration::from_millis(10)), None, "only a ping is answered");
    }
    let mut server = server;
    server.stop();
    for reason in ["appIdMismatch", "invalidPartnerRole", "accessTokenMismatch"] {
        assert_eq!(server.counted(&format!("events_dropped.{reason}")), 3, "{reason}");
        let line = server.log().wait_for(&reason[1..]);
        assert!(line.contains("DEBUG") && line.contains("10000"), "both clientIds at debug: {line}");
    }
}

#[test]
fn section_3_the_recorded_reject_of_the_same_role() {
    let server = Server::start();
    let sender = Client::controller(server.address, "700011");
    let (_other, _) = Client::controller(server.address, "700012").connected();
    let (mut stream, _) = sender.connected();
    assert_eq!(sender.send_event("700012", "ping"), 204);
    stream.frame();
    let recorded: serde_json::Value = serde_json::from_str(include_str!("../data/vectors.json")).unwrap();
    let frame = recorded["frames"][1]["frame"].as_str().unwrap();
    assert!(String::from_utf8_lossy(&stream.seen).ends_with(frame));
}

#[test]
fn rejects_of_clients_pass() {
    let server = Server::start();
    let controller = Client::controller(server.address, "111111");
    let responder = Client::responder(server.address, "222222");
    let (mut controllers, _) = controller.connected();
    let (_responders, _) = responder.connected();
    assert_eq!(
        responder.send("111111", "crEvent", "reject,assignedToOther,false,false,true,1,NaN,222222").status,
        204
    );
    assert_eq!(fields(&controllers.frame().1)[..2], ["reject", "assignedToOther"]);
}

#[test]
fn section_2_nobody_signs_for_another() {
    let server = Server::start();
    let (mut stream, _) = Client::responder(server.address, "222222").connected();
    let sender = Client::controller(server.address, "111111");
    let answer = sender.send("222222", "crEvent", "a,,false,false,true,1,NaN,999999,x");
    assert_eq!(answer.status, 204);
    assert_eq!(fields(&stream.frame().1)[7], "111111");
}

#[test]
fn section_4_the_waiting_line_crevents_for_an_absent_recipient_come_in_order_behind_hello() {
    let server = Server::start();
    let sender = Client::controller(server.address, "111111");
    let (_stream, _) = sender.connected();
    let types = ["ping", "a", "b", "c", "inactive"];
    for event_type in types {
        assert_eq!(sender.send_event("222222", event_type), 204);
    }
    let mut stream = Client::responder(server.address, "222222").stream();
    let hello = {
        stream.hello();
        Instant::now()
    };
    for event_type in types {
        assert_eq!(fields(&stream.frame().1)[0], event_type);
    }
    let settled = hello.elapsed();
    assert!(settled >= Duration::from_millis(150), "helloSettleDt: only {settled:?} after hello");
}

#[test]
fn section_4_the_waiting_line_crevents_are_dropped_after_recipient_wait_dt() {
    let mut server = Server::configured("[apps.demo]\n[timing]\nrecipient_wait_dt_ms = 200\n");
    let sender = Client::controller(server.address, "111111");
    assert_eq!(sender.send_event("222222", "late"), 204);
    server.log().wait_for("dropped: Expired");
    assert_eq!(sender.send_event("222222", "unassign"), 204);
    std::thread::sleep(QUIET);
    let (mut stream, _) = Client::responder(server.address, "222222").connected();
    assert_eq!(fields(&stream.frame().1)[0], "unassign", "an unassign waits for longer");
    server.stop();
    assert_eq!(server.counted("events_dropped.expired"), 1);
}

#[test]
fn a_ping_without_a_session_of_its_sender_goes_nowhere() {
    let server = Server::start();
    let (mut stream, _) = Client::responder(server.address, "222222").connected();
    let sender = Client::controller(server.address, "111111");
    assert_eq!(sender.send_event("222222", "ping"), 204);
    assert_eq!(sender.send_event("222222", "reject"), 204);
    assert_eq!(sender.send_event("222222", "after"), 204);
    assert_eq!(fields(&stream.frame().1)[0], "after");
}

#[test]
fn section_4_a_stranger_does_not_take_a_living_client_over() {
    let server = Server::start();
    let owner = Client::responder(server.address, "111111");
    let stranger = owner.clone().with_token("mallory");
    let (mut stream, pid) = owner.connected();
    let mut knock = stranger.stream();
    match knock.next() {
        Said::Retry(retry) => assert!((500..=2_000).contains(&retry), "{retry}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(knock.next(), Said::End, "the retry answer has no frame");
    assert_eq!(owner.send("111111", "alive", &pid.to_string()).status, 204);
    assert_eq!(stream.next(), Said::frame("alive", pid));
    let (name, data) = stranger.stream().frame();
    assert_eq!(name, "aborted");
    assert!(data.ends_with("%2CclientIdInUse%2C0"), "{data}");
    assert_eq!(owner.send("111111", "alive", &pid.to_string()).status, 204);
    assert_eq!(stream.next(), Said::frame("alive", pid), "the owner's stream goes on");
}

#[test]
fn section_4_a_contested_session_that_does_not_show_life_ends_and_its_owner_comes_back() {
    let server = Server::configured(
        "[apps.demo]\n[timing]\nmax_prev_alive_dt_ms = 1000\nevent_source_send_alive_dt_ms = 500\n",
    );
    let owner = Client::responder(server.address, "111111");
    let stranger = owner.clone().with_token("mallory");
    let (mut stream, pid) = owner.connected();
    assert_eq!(stranger.stream().rest(), (vec![], true));
    assert_eq!(stream.rest(), (vec![("shutdown".to_owned(), pid.to_string())], true));
    let (_stream, newer) = owner.connected();
    assert!(newer > pid);
}

#[test]
fn section_4_who_speaks_for_another_gets_403() {
    let server = Server::configured(TWO_APPS);
    let owner = Client::responder(server.address, "111111");
    let (stream, _) = owner.connected();
    for impostor in [
        owner.clone().with_token("mallory"),
        Client::controller(server.address, "111111"),
        owner.clone().in_app("other"),
    ] {
        let answer = impostor.send("222222", "crEvent", "a,,false,false,true,1,NaN,111111");
        assert_eq!(answer.status, 403, "{} {} {}", impostor.app, impostor.role, impostor.token);
        let problem = answer.problem();
        assert!(!problem.to_string().contains("mallory"), "{problem}");
    }
    assert_eq!(owner.send_event("222222", "a"), 204);
    // A broken connection leaves a reservation for its user.
    drop(stream);
    server.log().wait_for("session of 111111 ended");
    assert_eq!(owner.clone().with_token("mallory").send_event("222222", "a"), 403);
    assert_eq!(owner.send_event("222222", "a"), 204);
    assert_eq!(owner.clone().with_token("mallory").stream().rest(), (vec![], true), "the retry answer");
}

#[test]
fn bind_client_ids_false_switches_back_to_plain_takeover() {
    let server = Server::configured("[server]\nbind_client_ids = false\n[apps.demo]\n");
    let owner = Client::responder(server.address, "111111");
    let (mut stream, pid) = owner.connected();
    let (_newer, newer) = owner.clone().with_token("bob").connected();
    assert_eq!(stream.frame(), ("aborted".to_owned(), format!("{pid}%2CreleasedByOther%2C{newer}")));
}

#[test]
fn section_4_ends_a_silent_session_gets_shutdown_a_comment_comes_before() {
    let server = Server::configured(
        "[server]\nheartbeat_ms = 300\n[apps.demo]\n[timing]\nmax_prev_alive_dt_ms = 1200\n\
         event_source_send_alive_dt_ms = 600\n",
    );
    let (mut stream, pid) = Client::responder(server.address, "111111").connected();
    let begun = Instant::now();
    assert_eq!(stream.next(), Said::Comment);
    assert!(begun.elapsed() >= Duration::from_millis(200));
    let mut comments = 1;
    loop {
        match stream.next() {
            Said::Comment => comments += 1,
            other => {
                assert_eq!(other, Said::frame("shutdown", pid));
                break;
            }
        }
    }
    assert_eq!(stream.next(), Said::End);
    assert!((1..=4).contains(&comments), "{comments} comments in 1.2 s");
    let silent = begun.elapsed();
    assert!(silent >= Duration::from_millis(1_150), "{silent:?}");
}

#[test]
fn section_4_any_arrival_is_a_sign_of_life() {
    let server = Server::configured(
        "[apps.demo]\n[timing]\nmax_prev_alive_dt_ms = 3000\nevent_source_send_alive_dt_ms = 1500\n",
    );
    let client = Client::responder(server.address, "111111");
    let (mut stream, pid) = client.connected();
    for _ in 0..8 {
        assert_eq!(stream.next_within(Duration::from_millis(500)), None);
        assert_eq!(client.send_event("222222", "a"), 204);
    }
    assert_eq!(stream.frame(), ("shutdown".to_owned(), pid.to_string()));
}

#[test]
fn a_token_that_is_struck_off_the_list_is_out_within_two_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    std::fs::write(&tokens, "alice\nbob\n").unwrap();
    let config = format!("[apps.demo]\naccess = \"list\"\ntoken_file = {tokens:?}\n");
    let server = Server::configured(&config);
    let (mut alice, pid) = Client::responder(server.address, "111111").connected();
    let (mut bob, _) = Client::controller(server.address, "222222").with_token("bob").connected();
    std::fs::write(&tokens, "bob\n").unwrap();
    let struck = Instant::now();
    assert_eq!(alice.rest(), (vec![("aborted".to_owned(), format!("{pid}%2CnotAuthorized%2C0"))], true));
    let within = struck.elapsed();
    assert!(within < Duration::from_secs(2), "{within:?}");
    assert_eq!(Client::responder(server.address, "111111").send_event("222222", "a"), 403);
    assert_eq!(bob.next_within(QUIET), None);

    // A list that cannot be read changes nothing.
    std::fs::write(&tokens, "bob nobody\n").unwrap();
    server.log().wait_for("the former list stays in force");
    let (_again, _) = Client::controller(server.address, "222222").with_token("bob").connected();
    assert!(!server.log().text().contains("alice"), "a token in the log:\n{}", server.log().text());
}

#[test]
fn nothing_secret_reaches_the_log() {
    let server = Server::start();
    let client = Client::responder(server.address, "111111").with_token("s3cret-token");
    let (mut stream, pid) = client.connected();
    client.send("111111", "crEvent", "a,,false,false,true,1,NaN,111111,s3cret-param");
    client.send("111111", "crEvent", "s3cret-param");
    client.send("11", "crEvent", "s3cret-param");
    client.send("111111", "close", &pid.to_string());
    stream.rest();
    server.log().wait_for("Closed");
    assert!(!server.log().text().contains("s3cret"), "{}", server.log().text());
}
