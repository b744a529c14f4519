//! Sections 3 (sendevent: the order of refusals) and 4 (who may send, Acceptance).

use super::super::*;
use super::world::*;
use crate::protocol::event::EventKind;
use crate::protocol::rate::RateLimit;
use crate::protocol::wire::MsgEvent;

fn stopped(world: &mut World) {
    world.step(SessionTable::stop);
}

fn no_rate(world: &mut World) {
    world.limits.send_rate = RateLimit { per_second: 1, burst: 0 };
}

#[test]
fn section_3_refusals_come_in_order() {
    for (who, spoil, expected, rule) in [
        (Who(1, 'c', "bad", "nobody"), true, 404, "404 before 400"),
        (Who(1, 'c', "bad", "people"), true, 400, "400 (the app's token_pattern) before 403"),
        (Who(1, 'c', "out", "people"), true, 403, "403 before 429"),
        (Who(1, 'c', "ann", "people"), true, 429, "429 before 503"),
        (Who(1, 'c', "ann", "people"), false, 503, "503 while stopping"),
    ] {
        let mut world = World::new();
        stopped(&mut world);
        if spoil {
            no_rate(&mut world);
        }
        assert_eq!(status(&world.send(who, 2, "x")), expected, "3 sendevent: {rule}");
        assert_eq!(world.table.waiting_for(id(2)), 0, "{rule}");
    }
}

#[test]
fn section_3_what_is_understood_but_not_effective_is_204() {
    let mut world = World::new();
    let pids = world.settled(&[C, R]);
    let absent = Who(7, 'c', "t", "app");
    for (who, to, event, why, rule) in [
        (C, 2, MsgEvent::Other, WhyNothing::UnknownType, "another eventType"),
        (C, 2, MsgEvent::Alive(Some(pids[1])), WhyNothing::NotOwn, "an alive that is not one's own"),
        (C, 1, MsgEvent::Alive(None), WhyNothing::NotOwn, "an alive without a pid"),
        (C, 1, MsgEvent::Close(Some(pids[1])), WhyNothing::NotOwn, "a close with another pid"),
        (C, 2, MsgEvent::Close(Some(pids[1])), WhyNothing::NotOwn, "a close that is not one's own"),
        (absent, 7, MsgEvent::Alive(Some(pids[0])), WhyNothing::NoSession, "an alive without a session"),
        (
            C,
            9,
            MsgEvent::CrEvent(event(1, "reject")),
            WhyNothing::Dropped(Dropped::RecipientAbsent),
            "4 line: a reject to an absent recipient does not wait",
        ),
    ] {
        assert_eq!(world.message(who, to, event), SendAnswer::Accepted(Effect::Nothing(why)), "3: {rule}");
    }
    assert_eq!(world.log(), [""; 0]);
    assert_eq!(world.send(C, 9, "x"), SendAnswer::Accepted(Effect::Waits), "an absent recipient");
}

#[test]
fn section_4_a_sender_must_be_whom_its_client_id_belongs_to() {
    let session = Who(1, 'c', "ann.1", "people");
    for (reserved, who, expected, rule) in [
        (false, session, 204, "the session's own"),
        (false, Who(1, 'c', "ann.2", "people"), 204, "another token of the same user"),
        (false, Who(1, 'r', "ann.1", "people"), 403, "another role"),
        (false, Who(1, 'c', "ann.1", "app"), 403, "another app"),
        (false, Who(1, 'c', "bob", "people"), 403, "another user"),
        (true, session, 204, "reservation: its user"),
        (true, Who(1, 'r', "ann.9", "people"), 204, "reservation: its user, in any role"),
        (true, Who(1, 'c', "bob", "people"), 403, "reservation: another user"),
        (true, Who(1, 'c', "ann.1", "app"), 403, "reservation: a token user never equals a claim"),
        (false, Who(5, 'c', "bob", "people"), 204, "a clientId that belongs to nobody"),
    ] {
        let mut world = World::new();
        let pid = world.settled(&[session])[0];
        if reserved {
            world.broken(session, pid);
        }
        assert_eq!(status(&world.send(who, 2, "x")), expected, "4: {rule}");
        let noted = world
            .notes()
            .iter()
            .any(|note| matches!(note, Note::Refused { why: Refused::NotAuthorized, .. }));
        assert_eq!(noted, expected == 403, "{rule}");
    }
}

#[test]
fn section_4_the_token_of_ones_own_session_is_not_verified_again() {
    let mut world = World::new();
    let who = Who(1, 'c', "ann", "people");
    world.settled(&[who]);
    world.apps = Apps::new().with(
        app("people"),
        crate::protocol::policy::App {
            access: std::sync::Arc::new(crate::protocol::policy::ListAccess::new()),
            ..Default::default()
        },
    );
    assert_eq!(status(&world.send(who, 2, "x")), 204);
    assert_eq!(status(&world.send(Who(1, 'c', "ann.2", "people"), 2, "x")), 403);
    world.step(SessionTable::recheck_access);
    assert_eq!(status(&world.send(who, 2, "x")), 403, "the session ended with the token");
}

#[test]
fn section_4_a_token_cut_in_the_url_is_recognised() {
    for (shown, own) in [("ann&more", "ann"), ("ann#more", "ann"), ("a%41n", "aAn"), ("a%2Fb&c#d", "a/b")] {
        let mut world = World::new();
        world.settled(&[Who(1, 'c', own, "app")]);
        let shown = Who(1, 'c', Box::leak(shown.to_owned().into_boxed_str()), "app");
        assert_eq!(status(&world.send(shown, 2, "x")), 204);
        assert_eq!(status(&world.send(Who(1, 'c', "a", "app"), 2, "x")), 403);
    }
}

#[test]
fn section_4_a_ping_or_reject_whose_sender_has_no_session_is_dropped() {
    for (event_type, dropped) in
        [("ping", true), ("reject", true), ("x", false), ("inactive", false), ("unassign", false)]
    {
        let mut world = World::new();
        world.settled(&[R]);
        let answer = world.send(C, 2, event_type);
        assert_eq!(status(&answer), 204, "{event_type}");
        assert_eq!(world.log().is_empty(), dropped, "{event_type}");
        let noted =
            world.notes().iter().any(|note| matches!(note, Note::Dropped { why: Dropped::SenderAbsent, .. }));
        assert_eq!(noted, dropped, "{event_type} is counted");
    }
}

#[test]
fn section_4_what_is_dropped_before_it_arrives_is_no_sign_of_life() {
    let mut world = World::new();
    world.settled(&[R]);
    world.pass(24_000);
    world.send(C, 2, "ping");
    world.pass(800);
    assert!(!world.has_session(R));
}

#[test]
fn section_4_whatever_is_accepted_is_an_arrival_at_ones_own_session() {
    for (to, event_type) in [(2, "x"), (9, "x"), (1, "x"), (9, "reject"), (2, "ping")] {
        let mut world = World::new();
        world.settled(&[C]);
        world.pass(24_799);
        assert_eq!(status(&world.send(C, to, event_type)), 204);
        let session = world.table.session(id(1)).unwrap();
        assert_eq!(
            (session.last_arrival(), session.last_own_arrival()),
            (world.now, world.now),
            "{to} {event_type}"
        );
    }
}

#[test]
fn section_3_a_rate_counts_only_what_was_admitted() {
    let mut world = World::new();
    world.limits.send_rate = RateLimit { per_second: 1_000, burst: 2 };
    world.settled(&[C, R]);
    for _ in 0..10 {
        assert_eq!(status(&world.send(Who(1, 'c', "mallory", "app"), 2, "x")), 403);
    }
    assert_eq!(status(&world.send(C, 2, "x")), 204);
    assert_eq!(status(&world.send(C, 2, "x")), 204);
    assert_eq!(world.send(C, 2, "x"), SendAnswer::TooMany(Bound::Rate));
    assert_eq!(status(&world.send(R, 1, "x")), 204, "each clientId has its own");
    world.pass(1);
    assert_eq!(status(&world.send(C, 2, "x")), 204);
    assert_eq!(world.log().len(), 4);
}

#[test]
fn section_3_no_limit_below_a_thousand_a_second_by_default() {
    let mut world = World::new();
    world.settled(&[C, R]);
    for _ in 0..1_000 {
        assert_eq!(status(&world.send(C, 2, "x")), 204);
    }
    assert_eq!(status(&world.send(C, 2, "x")), 429);
}

#[test]
fn senders_without_a_session_are_forgotten() {
    let mut world = World::new();
    world.settled(&[R]);
    world.send(C, 2, "x");
    assert_eq!(world.table.slots.len(), 2);
    world.pass(2_000);
    assert_eq!(world.table.slots.len(), 1);
    assert!(
        world.notes().iter().all(|note| !matches!(note, Note::Dropped { kind: EventKind::Ordinary, .. }))
    );
}
