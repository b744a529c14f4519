//! Section 4, Arrival.

use super::super::*;
use super::world::*;
use crate::protocol::event::Rejection;
use crate::protocol::wire::MsgEvent;

/// A recipient 2, responder of user bob in app `same`, and who reaches it.
#[test]
fn section_4_arrival_rule_3_table() {
    let recipient = Who(2, 'r', "bob", "same");
    for (sender, why, rule) in [
        (Who(1, 'c', "bob", "same"), None, "partner role, same user: reaches it"),
        (Who(1, 'c', "bob", "app"), Some(Rejection::AppIdMismatch), "(a) another app"),
        (Who(1, 'r', "ann", "app"), Some(Rejection::AppIdMismatch), "(a) before (b)"),
        (Who(1, 'r', "bob", "same"), Some(Rejection::InvalidPartnerRole), "(b) the same role"),
        (Who(1, 'r', "ann", "same"), Some(Rejection::InvalidPartnerRole), "(b) before (c)"),
        (Who(1, 'c', "ann", "same"), Some(Rejection::AccessTokenMismatch), "(c) another user"),
    ] {
        for event_type in ["ping", "x", "!ping", "!x", "inactive", "unassign", "reject"] {
            let mut world = World::new();
            world.settled(&[sender, recipient]);
            let answer = world.send(sender, 2, event_type);
            assert_eq!(status(&answer), 204, "{rule}: {event_type}");
            let name = event_type.trim_start_matches('!');
            let expected = match &why {
                None => vec![format!("2 {name} from 1")],
                Some(why) if name == "ping" => vec![format!("1 reject/{} from 2", why.as_str())],
                Some(_) => vec![],
            };
            assert_eq!(world.log(), expected, "4 Arrival 3: {rule}: {event_type}");
            let blocked = |note: &Note| matches!(note, Note::Dropped { why: Dropped::Blocked(_), .. });
            assert_eq!(world.notes().iter().filter(|note| blocked(note)).count(), usize::from(why.is_some()));
        }
    }
}

#[test]
fn section_4_arrival_a_servers_reject_has_exactly_the_published_data() {
    let mut world = World::new();
    let sender = Who(700_001, 'r', "t", "app");
    world.settled(&[sender, R]);
    let mut actions = Vec::new();
    let message = crate::protocol::wire::SendEvent {
        client_id: id(700_001),
        role: sender.role(),
        access_token: crate::protocol::ids::AccessToken::parse("t").unwrap(),
        recipient: id(2),
        event: MsgEvent::CrEvent(event(700_001, "ping")),
    };
    world.step(|table, step, _| table.send(&app("app"), message, step, &mut actions));
    let data = actions.iter().find_map(|action| match action {
        ServerAction::Write { frame: crate::protocol::wire::Frame::CrEvent(text), .. } => {
            Some(text.to_string())
        }
        ServerAction::Write { .. }
        | ServerAction::End { .. }
        | ServerAction::Cut { .. }
        | ServerAction::Note(_) => None,
    });
    assert_eq!(data.as_deref(), Some("reject,invalidPartnerRole,false,false,true,NaN,NaN,000002"));
}

#[test]
fn section_4_arrival_rule_1_any_msg_event_is_a_sign_of_life() {
    for what in ["x", "ping", "blocked", "alive of another", "while it settles"] {
        let mut world = World::new();
        let pid = world.hello(R);
        let other = Who(3, 'r', "t", "other");
        world.hello(other);
        world.hello(C);
        world.pass(if what == "while it settles" { 100 } else { 20_000 });
        match what {
            "blocked" => world.send(other, 2, "x"),
            "alive of another" => world.message(other, 2, MsgEvent::Alive(Some(pid))),
            "ping" => world.send(C, 2, "ping"),
            _ => world.send(C, 2, "x"),
        };
        let session = world.table.session(id(2)).unwrap();
        assert_eq!(session.last_arrival(), world.now, "4 Arrival 1: {what}");
        assert_eq!(session.last_own_arrival(), Millis(0), "4 Arrival 1: {what} is not its client's own");
    }
}

#[test]
fn section_4_arrival_rule_2_alive_and_close_at_once_with_the_current_pid() {
    let mut world = World::new();
    let pid = world.hello(R);
    world.log();
    assert_eq!(world.alive(R, pid), SendAnswer::Accepted(Effect::Echoed), "also while it settles");
    assert_eq!(world.log(), [format!("2 alive {pid}")]);
    let newer = world.hello(R);
    world.log();
    world.pass(1_000);
    assert_eq!(world.alive(R, pid), SendAnswer::Accepted(Effect::Nothing(WhyNothing::NotOwn)), "an old pid");
    assert_eq!(world.close(R, pid), SendAnswer::Accepted(Effect::Nothing(WhyNothing::NotOwn)), "an old pid");
    let session = world.table.session(id(2)).unwrap();
    assert_eq!(session.last_own_arrival(), Millis(0), "no sign of its own");
    assert_eq!(session.last_arrival(), Millis(1_000), "but a sign of life");
    assert_eq!(world.log(), [""; 0]);
    assert_eq!(world.close(R, newer), SendAnswer::Accepted(Effect::Closed));
    assert_eq!(world.log(), [format!("2 closed {newer}"), format!("2 end {newer}")]);
}

#[test]
fn section_4_arrival_alive_of_another_app_is_not_its_own() {
    let mut world = World::new();
    world.limits.bind_client_ids = false;
    let pid = world.settled(&[R])[0];
    let stranger = Who(2, 'r', "bob", "other");
    assert_eq!(world.alive(stranger, pid), SendAnswer::Accepted(Effect::Nothing(WhyNothing::NotOwn)));
}

#[test]
fn section_4_arrival_a_blocked_ping_to_a_contested_session_gets_no_reject() {
    let mut world = World::new();
    let pid = world.settled(&[Who(1, 'r', "t", "app"), R])[1];
    let sender = Who(1, 'r', "t", "app");
    world.open(Who(2, 'r', "eve", "app"));
    world.send(sender, 2, "ping");
    assert_eq!(world.log(), [""; 0]);
    world.alive(R, pid);
    world.log();
    world.send(sender, 2, "ping");
    assert_eq!(world.log(), ["1 reject/invalidPartnerRole from 2"], "once it is defended, it does");
}

#[test]
fn section_4_arrival_a_servers_reject_waits_for_nothing_but_the_settling_of_its_pid() {
    let sender = Who(1, 'r', "t", "app");
    let mut world = World::new();
    world.settled(&[R]);
    let pid = world.hello(sender);
    world.log();
    world.send(sender, 2, "ping");
    assert_eq!(world.log(), [""; 0], "it waits for helloSettleDt");
    world.pass(199);
    assert_eq!(world.log(), [""; 0]);
    world.pass(1);
    assert_eq!(world.log(), ["1 reject/invalidPartnerRole from 2"]);

    world.broken(sender, pid);
    world.hello(sender);
    world.send(sender, 2, "ping");
    world.hello(sender);
    world.log();
    world.pass(1_000);
    assert_eq!(world.log(), [""; 0], "it goes to the very session that sent the ping");
    let lost = Note::ReplyLost { client_id: id(1), why: ReplyLost::SessionGone };
    assert!(world.notes().contains(&lost));
}

#[test]
fn section_4_arrival_a_ping_blocked_on_leaving_the_line_is_rejected_to_the_pid_that_sent_it() {
    let sender = Who(1, 'r', "t", "app");
    for reopened in [false, true] {
        let mut world = World::new();
        world.settled(&[sender]);
        world.hello(R);
        world.log();
        assert_eq!(world.send(sender, 2, "ping"), SendAnswer::Accepted(Effect::Waits));
        if reopened {
            world.hello(sender);
            world.log();
        }
        world.pass(500);
        let expected: &[&str] = if reopened { &[] } else { &["1 reject/invalidPartnerRole from 2"] };
        assert_eq!(world.log(), expected);
    }
}

#[test]
fn section_4_arrival_to_oneself_is_an_invalid_partner_role() {
    let mut world = World::new();
    world.settled(&[C]);
    world.send(C, 1, "ping");
    assert_eq!(world.log(), ["1 reject/invalidPartnerRole from 1"]);
}

#[test]
fn an_app_that_is_gone_pairs_nobody() {
    let mut world = World::new();
    world.settled(&[C]);
    world.hello(R);
    world.send(C, 2, "x");
    world.apps = Apps::new();
    world.log();
    world.pass(500);
    assert_eq!(world.log(), [""; 0]);
}
