//! Section 4, The waiting line.

use super::super::*;
use super::world::*;

#[test]
fn section_4_line_crevents_wait_for_a_session_and_until_it_settled_in_order() {
    let mut world = World::new();
    world.settled(&[C]);
    for event_type in ["a", "b"] {
        assert_eq!(world.send(C, 2, event_type), SendAnswer::Accepted(Effect::Waits));
    }
    world.pass(3_000);
    world.hello(R);
    assert_eq!(world.send(C, 2, "c"), SendAnswer::Accepted(Effect::Waits));
    world.pass(199);
    assert_eq!(world.log(), ["2 hello 2"]);
    world.pass(1);
    assert_eq!(world.log(), ["2 a from 1", "2 b from 1", "2 c from 1"]);
    assert_eq!(world.send(C, 2, "d"), SendAnswer::Accepted(Effect::Forwarded));
}

#[test]
fn section_4_line_goes_before_anything_newer_also_when_the_sweep_is_late() {
    let mut world = World::new();
    world.settled(&[C]);
    world.hello(R);
    world.send(C, 2, "a");
    world.log();
    world.sleep(10_000);
    assert_eq!(world.send(C, 2, "b"), SendAnswer::Accepted(Effect::Forwarded));
    assert_eq!(world.log(), ["2 a from 1", "2 b from 1"]);
}

#[test]
fn section_4_line_waits_up_to_recipient_wait_dt() {
    for (event_type, wait) in [("x", 4_000), ("ping", 4_000), ("inactive", 4_000), ("unassign", 600_000)] {
        for late in [false, true] {
            let mut world = World::new();
            let sent = world.settled(&[C])[0];
            assert_eq!(world.send(C, 2, event_type), SendAnswer::Accepted(Effect::Waits));
            world.close(C, sent);
            world.log();
            world.pass(wait - if late { 0 } else { 1 });
            world.hello(R);
            world.pass(5_000);
            let arrived = world.log().contains(&format!("2 {event_type} from 1"));
            assert_eq!(arrived, !late, "4 line: {event_type} waits {wait} ms");
            let expired = |note: &Note| matches!(note, Note::Dropped { why: Dropped::Expired, .. });
            assert_eq!(world.notes().iter().any(expired), late, "dropped and counted");
        }
    }
}

#[test]
fn section_4_line_expiry_does_not_depend_on_the_sweep() {
    let mut world = World::new();
    world.settled(&[C]);
    world.send(C, 2, "x");
    world.sleep(4_000);
    world.hello(R);
    world.pass(1_000);
    assert_eq!(world.log(), ["2 hello 2"]);
}

#[test]
fn section_4_line_what_is_in_it_at_a_hello_no_longer_expires_unless_that_session_ends() {
    let mut world = World::new();
    world.timing.hello_settle_dt = Millis(10_000);
    world.hello(C);
    world.send(C, 2, "x");
    world.pass(3_999);
    let pid = world.hello(R);
    world.pass(5_000);
    assert_eq!(world.table.waiting_for(id(2)), 1, "it no longer expires");
    world.broken(R, pid);
    assert_eq!(world.table.waiting_for(id(2)), 0, "the rest expires by its acceptance time");

    world.hello(R);
    world.pass(2_000);
    world.send(C, 2, "y");
    world.pass(1_000);
    let pid = world.table.session(id(2)).unwrap().pid();
    world.broken(R, pid);
    world.pass(2_999);
    assert_eq!(world.table.waiting_for(id(2)), 1);
    world.pass(1);
    assert_eq!(world.table.waiting_for(id(2)), 0, "4 s after acceptance, not after the end");
}

#[test]
fn section_4_line_a_takeover_keeps_what_waits() {
    let mut world = World::new();
    world.timing.hello_settle_dt = Millis(6_000);
    world.hello(C);
    world.hello(R);
    world.send(C, 2, "x");
    world.pass(5_000);
    world.hello(R);
    world.log();
    world.pass(6_000);
    assert_eq!(world.log(), ["2 x from 1"]);
}

#[test]
fn section_4_line_the_newest_unassign_of_each_sender_waits() {
    let mut world = World::new();
    let other = Who(3, 'c', "eve", "app");
    world.settled(&[C, other]);
    world.send(C, 2, "unassign");
    world.send(other, 2, "unassign");
    world.pass(60_000);
    world.send(C, 2, "unassign");
    assert_eq!(world.table.waiting_for(id(2)), 2);
    assert!(world.notes().iter().any(|note| matches!(note, Note::Dropped { why: Dropped::Replaced, .. })));
    world.log();
    world.hello(R);
    world.pass(200);
    assert_eq!(world.log()[1..], ["2 unassign from 3", "2 unassign from 1"]);
}

#[test]
fn section_4_line_a_reject_does_not_wait_without_a_session() {
    let mut world = World::new();
    world.settled(&[C]);
    assert_eq!(
        world.send(C, 2, "reject"),
        SendAnswer::Accepted(Effect::Nothing(WhyNothing::Dropped(Dropped::RecipientAbsent)))
    );
    let pid = world.hello(R);
    assert_eq!(
        world.send(C, 2, "reject"),
        SendAnswer::Accepted(Effect::Waits),
        "for a session that settles it does"
    );
    world.broken(R, pid);
    assert_eq!(world.table.waiting_for(id(2)), 0);
}

#[test]
fn section_4_line_rule_3_counts_when_an_event_leaves_it() {
    let mut world = World::new();
    world.settled(&[C]);
    world.send(C, 2, "x");
    world.send(C, 2, "ping");
    world.hello(Who(2, 'c', "bob", "app"));
    world.log();
    world.pass(200);
    assert_eq!(world.log(), ["1 reject/invalidPartnerRole from 2"]);
}

#[test]
fn section_4_line_rules_1_and_2_apply_at_once() {
    let mut world = World::new();
    world.settled(&[C]);
    let pid = world.hello(R);
    world.pass(100);
    world.send(C, 2, "x");
    assert_eq!(world.table.session(id(2)).unwrap().last_arrival(), world.now);
    world.log();
    world.alive(R, pid);
    assert_eq!(world.log(), [format!("2 alive {pid}")], "alive overtakes what waits");
    world.close(R, pid);
    assert_eq!(world.log(), [format!("2 closed {pid}"), format!("2 end {pid}")]);
}

#[test]
fn section_4_hello_settle_dt_zero_waits_for_nothing() {
    let mut world = World::new();
    world.timing.hello_settle_dt = Millis::ZERO;
    world.hello(C);
    world.send(C, 2, "x");
    world.log();
    world.hello(R);
    assert_eq!(world.log(), ["2 hello 2", "2 x from 1"]);
    assert_eq!(world.send(C, 2, "y"), SendAnswer::Accepted(Effect::Forwarded));
}
