//! Section 4: interceptors, at acceptance and at arrival (rule 4).

use std::sync::Arc;

use super::super::*;
use super::world::*;
use crate::protocol::event::CrEvent;
use crate::protocol::policy::{App, Content, Interception, Interceptor, Passing, Verdict};

/// Does what the eventType says, `at` its own end: drops `drop…`, changes `change…`, answers `ask…`.
#[derive(Debug)]
struct Obeys;

impl Interceptor for Obeys {
    fn intercept(&self, passing: &Passing<'_>) -> Interception {
        let event_type = &*passing.event.event_type;
        assert_ne!(event_type, "reject", "an interceptor never sees a reject");
        assert_eq!(passing.event.sender, Some(passing.sender));
        let content = |event_type: &str, param: &str| {
            Verdict::Change(Content {
                event_type: event_type.into(),
                sub_type: "s".into(),
                params: vec![param.into()],
            })
        };
        let verdict = match event_type {
            "drop" => Verdict::Drop { sub_type: None },
            "ping" => Verdict::Drop { sub_type: Some("closedToday".into()) },
            "pang" => content("ping", ""),
            "change" => content("changed", "p"),
            "toReject" => content("reject", ""),
            "comma" => content("x", "a,b"),
            "grow" => content("x", &"x".repeat(10_000)),
            _ => Verdict::Accept,
        };
        let reply = |text: &str| CrEvent::new(text, "").unwrap();
        let mut bad = reply("bad");
        bad.params = ["a,b".into()].into();
        let replies = match event_type {
            "ask" => vec![reply("answer"), bad],
            _ => vec![],
        };
        Interception { verdict, replies }
    }
}

fn world(sender_side: bool) -> World {
    let mut world = World::new();
    let one: Vec<Arc<dyn Interceptor>> = vec![Arc::new(Obeys)];
    let mut policies = App::default();
    if sender_side {
        policies.sender_interceptors = one;
    } else {
        policies.recipient_interceptors = one;
    }
    world.apps = Apps::new().with(app("app"), policies);
    world
}

#[test]
fn section_4_arrival_rule_4_table() {
    for sender_side in [false, true] {
        for (event_type, said, rule) in [
            ("x", &["2 x from 1"][..], "accept"),
            ("drop", &[], "drop"),
            (
                "ping",
                &["1 reject/closedToday from 2"],
                "a dropped ping is answered with the interceptor's subType",
            ),
            ("!ping", &["2 ping from 1"], "interceptable = false goes past"),
            ("!drop", &["2 drop from 1"], "interceptable = false goes past"),
            ("reject", &["2 reject from 1"], "it never sees reject"),
            ("change", &["2 changed/s from 1"], "change content"),
            ("toReject", &["2 reject/s from 1"], "change content"),
            ("comma", &[], "content that no crEvent may have drops it"),
            ("grow", &[], "content that is too long drops it"),
            ("ask", &["2 ask from 1", "1 answer from 2"], "reply with crEvents to the sender"),
        ] {
            let mut world = world(sender_side);
            world.settled(&[C, R]);
            assert_eq!(status(&world.send(C, 2, event_type)), 204, "{rule}");
            assert_eq!(world.log(), said, "4 Arrival 4: {rule}: {event_type}, sender side: {sender_side}");
            let lost = Note::ReplyLost { client_id: id(1), why: ReplyLost::Malformed };
            assert_eq!(world.notes().contains(&lost), event_type == "ask");
        }
    }
}

#[test]
fn section_4_arrival_rule_4_on_leaving_the_line() {
    let mut world = world(false);
    world.settled(&[C]);
    for event_type in ["ping", "change", "ask"] {
        assert_eq!(world.send(C, 2, event_type), SendAnswer::Accepted(Effect::Waits));
    }
    world.hello(R);
    world.log();
    world.pass(200);
    let said = ["1 reject/closedToday from 2", "2 changed/s from 1", "2 ask from 1", "1 answer from 2"];
    assert_eq!(world.log(), said);
}

#[test]
fn section_4_acceptance_sender_side_interceptors_come_before_the_line() {
    let mut world = world(true);
    world.settled(&[C]);
    world.send(C, 2, "drop");
    assert_eq!(world.table.waiting_for(id(2)), 0);
    world.send(C, 2, "toReject");
    assert_eq!(world.table.waiting_for(id(2)), 0, "what it became does not wait");
    world.send(C, 2, "change");
    assert_eq!(world.table.waiting_for(id(2)), 1);
    let session = world.table.session(id(1)).unwrap();
    assert_eq!(session.last_own_arrival(), world.now);
}

#[test]
fn section_4_arrival_rule_4_no_interceptor_sees_what_another_made_a_reject() {
    let mut world = world(false);
    let policies = App { recipient_interceptors: vec![Arc::new(Obeys), Arc::new(Obeys)], ..App::default() };
    world.apps = Apps::new().with(app("app"), policies);
    world.settled(&[C, R]);
    world.send(C, 2, "toReject");
    assert_eq!(world.log(), ["2 reject/s from 1"]);
}

#[test]
fn section_4_acceptance_what_an_interceptor_drops_is_an_arrival_at_ones_own_session() {
    let mut world = world(true);
    world.settled(&[C, R]);
    world.pass(1_000);
    world.send(C, 2, "drop");
    assert_eq!(world.table.session(id(1)).unwrap().last_own_arrival(), world.now);
}

#[test]
fn section_4_policies_are_not_interceptors() {
    for sender_side in [false, true] {
        let mut world = world(sender_side);
        let same_role = Who(1, 'r', "t", "app");
        world.settled(&[same_role, R]);
        world.send(same_role, 2, "!ping");
        assert_eq!(
            world.log(),
            ["1 reject/invalidPartnerRole from 2"],
            "interceptable = false does not get around"
        );
        if sender_side {
            world.send(same_role, 2, "pang");
            assert_eq!(
                world.log(),
                ["1 reject/invalidPartnerRole from 2"],
                "what it became is a blocked ping"
            );
        }
    }
}

#[test]
fn section_4_bounds_an_interceptor_finds_room_for_the_longest_event() {
    let mut world = world(false);
    world.reading = false;
    world.settled(&[C, R]);
    let longest = 3 * world.timing.max_event_data_length;
    world.limits.output_bytes = 2 * longest;
    assert_eq!(world.send(C, 2, "x"), SendAnswer::TooMany(Bound::Output));
    assert_eq!(world.send(C, 2, "!x"), SendAnswer::Accepted(Effect::Forwarded));
    world.limits.output_bytes = 2 * longest + 1_000;
    assert_eq!(world.send(C, 2, "x"), SendAnswer::Accepted(Effect::Forwarded));
}

#[test]
fn interceptors_of_an_app_follow_each_other() {
    #[derive(Debug)]
    struct Rename(&'static str, &'static str);
    impl Interceptor for Rename {
        fn intercept(&self, passing: &Passing<'_>) -> Interception {
            assert_eq!(&*passing.event.event_type, self.0);
            let content = Content { event_type: self.1.into(), sub_type: "".into(), params: vec![] };
            Interception { verdict: Verdict::Change(content), replies: vec![] }
        }
    }
    let mut world = World::new();
    let policies = App {
        sender_interceptors: vec![Arc::new(Rename("a", "b")), Arc::new(Rename("b", "c"))],
        recipient_interceptors: vec![Arc::new(Rename("c", "d"))],
        ..App::default()
    };
    world.apps = Apps::new().with(app("app"), policies);
    world.settled(&[C, R]);
    world.send(C, 2, "a");
    assert_eq!(world.log(), ["2 d from 1"]);
}

/// A policy may have blocked it because a ghost stands in the way; an interceptor means the ping itself.
#[test]
fn section_4_arrival_rule_4_a_dropped_ping_is_answered_also_while_the_recipient_is_contested() {
    for sender_side in [false, true] {
        let mut world = world(sender_side);
        world.settled(&[C, R]);
        world.open(Who(2, 'r', "eve", "app"));
        world.send(C, 2, "ping");
        assert_eq!(world.log(), ["1 reject/closedToday from 2"]);
    }
}
