//! Section 4, Bounds.

use super::super::session::Slot;
use super::super::*;
use super::world::*;
use crate::protocol::line::Line;

/// Sends until something else than a 204 comes. Returns how many were accepted, and the answer that ended it.
fn flood(world: &mut World, who: Who, to: u32) -> (usize, SendAnswer) {
    for count in 0.. {
        match world.send(who, to, "x") {
            SendAnswer::Accepted(Effect::Forwarded | Effect::Waits) => {}
            other => return (count, other),
        }
    }
    unreachable!()
}

const D: Who = Who(3, 'c', "dan", "app");

fn frame_bytes() -> usize {
    event(1, "x").frame_len()
}

#[test]
fn section_4_bounds_a_flood_into_a_stalled_output_gets_429_and_loses_nothing_accepted() {
    let mut world = World::new();
    world.limits.output_frames = 20;
    world.reading = false;
    let pid = world.settled(&[R])[0];
    assert_eq!(flood(&mut world, C, 2), (10, SendAnswer::TooMany(Bound::Output)));
    assert_eq!(flood(&mut world, D, 2).0, 5, "one sender holds at most as much as it leaves free");
    assert_eq!(world.log().len(), 15);
    let refused = |note: &Note| matches!(note, Note::Refused { why: Refused::Full(Bound::Output), .. });
    assert_eq!(world.notes().iter().filter(|note| refused(note)).count(), 2, "refused and counted");
    world.taken(R, pid, 16);
    assert_eq!(world.table.output_bytes(), 0);
    assert_eq!(flood(&mut world, C, 2).0, 10);
    assert!(world.notes().iter().all(|note| !matches!(note, Note::Dropped { .. } | Note::Ended { .. })));
}

#[test]
fn section_4_bounds_output_bytes() {
    let mut world = World::new();
    world.limits.output_bytes = 20 * frame_bytes();
    world.reading = false;
    world.settled(&[R]);
    assert_eq!(flood(&mut world, C, 2), (10, SendAnswer::TooMany(Bound::Output)));
}

#[test]
fn section_4_bounds_all_outputs_together() {
    let mut world = World::new();
    world.limits.all_outputs_bytes = 20 * frame_bytes();
    world.reading = false;
    let other = Who(4, 'r', "t", "app");
    let pid = world.settled(&[R, other])[0];
    assert_eq!(flood(&mut world, C, 2), (10, SendAnswer::TooMany(Bound::AllOutputs)));
    assert_eq!(
        flood(&mut world, C, 4),
        (0, SendAnswer::TooMany(Bound::AllOutputs)),
        "a sender's share is of all"
    );
    assert_eq!(flood(&mut world, D, 4), (5, SendAnswer::TooMany(Bound::AllOutputs)));
    world.close(R, pid);
    assert_eq!(
        flood(&mut world, C, 4),
        (0, SendAnswer::TooMany(Bound::AllOutputs)),
        "an unread ending counts"
    );
    world.broken(R, pid);
    assert_eq!(flood(&mut world, C, 4).0, 7);
}

#[test]
fn section_4_bounds_a_line() {
    let mut world = World::new();
    world.limits.line_events = 8;
    assert_eq!(flood(&mut world, C, 2), (4, SendAnswer::TooMany(Bound::Line)));
    assert_eq!(flood(&mut world, D, 2).0, 2);
    assert_eq!(flood(&mut world, C, 5).0, 4, "each recipient has its own");
    world.settled(&[R]);
    assert_eq!(world.table.line_bytes(), 4 * Line::weight(event(1, "x").len()), "those for 5");
}

#[test]
fn section_4_bounds_all_lines_together() {
    let mut world = World::new();
    world.limits.all_lines_bytes = 20 * Line::weight(event(1, "x").len());
    let mut accepted = 0;
    for recipient in 10..20 {
        for _ in 0..5 {
            accepted += usize::from(world.send(C, recipient, "x") == SendAnswer::Accepted(Effect::Waits));
        }
    }
    assert_eq!(accepted, 10);
    assert_eq!(world.send(C, 20, "x"), SendAnswer::TooMany(Bound::AllLines));
    assert_eq!(world.send(D, 20, "x"), SendAnswer::Accepted(Effect::Waits));
    world.pass(4_000);
    assert_eq!(world.table.line_bytes(), 0);
    assert_eq!(world.send(C, 20, "x"), SendAnswer::Accepted(Effect::Waits));
}

#[test]
fn section_4_bounds_a_line_drains_in_order_as_its_output_has_room() {
    let mut world = World::new();
    world.limits.output_frames = 6;
    world.limits.line_events = 20;
    world.reading = false;
    let pid = world.hello(R);
    assert_eq!(flood(&mut world, C, 2).0, 10);
    assert_eq!(world.send(D, 2, "y"), SendAnswer::Accepted(Effect::Waits));
    world.log();
    world.pass(200);
    assert_eq!(world.log(), vec!["2 x from 1"; 3], "as far as there is room");
    assert_eq!(world.send(D, 2, "z"), SendAnswer::Accepted(Effect::Waits), "newer ones go behind");
    world.taken(R, pid, 2);
    assert_eq!(world.log(), ["2 x from 1"], "hello and one x were taken");
    for _ in 0..8 {
        world.taken(R, pid, 1);
    }
    let rest = world.log();
    assert_eq!(rest[..6], vec!["2 x from 1"; 6][..]);
    assert_eq!(rest[6..], ["2 y from 3", "2 z from 3"]);
    assert_eq!(world.table.line_bytes(), 0);
}

#[test]
fn section_4_bounds_a_line_that_waits_for_room_in_all_outputs_goes_on_when_there_is_some() {
    for newer in [false, true] {
        let mut world = World::new();
        world.limits.all_outputs_bytes = 4 * frame_bytes();
        let other = Who(4, 'r', "t", "app");
        let pid = world.settled(&[other])[0];
        world.reading = false;
        assert_eq!(flood(&mut world, C, 4).0, 2);
        let pid_of_r = world.hello(R);
        world.taken(R, pid_of_r, 1);
        assert_eq!(world.send(C, 2, "a"), SendAnswer::Accepted(Effect::Waits));
        world.pass(1_000);
        assert_eq!(world.table.waiting_for(id(2)), 1);
        world.log();
        world.taken(other, pid, 2);
        if newer {
            assert_eq!(world.send(C, 2, "b"), SendAnswer::Accepted(Effect::Forwarded));
            assert_eq!(world.log(), ["2 a from 1", "2 b from 1"]);
        } else {
            world.pass(200);
            assert_eq!(world.log(), ["2 a from 1"]);
        }
    }
}

#[test]
fn section_4_bounds_room_is_kept_for_control_frames() {
    let mut world = World::new();
    world.limits.output_frames = 2;
    world.limits.all_outputs_bytes = 2 * frame_bytes();
    world.reading = false;
    let pid = world.settled(&[R])[0];
    flood(&mut world, C, 2);
    world.log();
    assert_eq!(world.alive(R, pid), SendAnswer::Accepted(Effect::Echoed));
    assert_eq!(world.alive(R, pid), SendAnswer::Accepted(Effect::Echoed));
    assert_eq!(world.log(), [format!("2 alive {pid}")], "one echo answers both, or echoes would grow memory");
    let newer = world.hello(R);
    assert_eq!(
        world.log(),
        [
            format!("2 aborted {pid} releasedByOther {newer}"),
            format!("2 end {pid}"),
            format!("2 hello {newer}")
        ]
    );
    world.close(R, newer);
    assert_eq!(world.log(), [format!("2 closed {newer}"), format!("2 end {newer}")]);
}

#[test]
fn section_4_bounds_a_servers_reject_counts_for_who_pinged() {
    let mut world = World::new();
    world.limits.output_frames = 8;
    world.reading = false;
    let sender = Who(1, 'r', "t", "app");
    let pids = world.settled(&[sender, R]);
    for _ in 0..6 {
        assert_eq!(status(&world.send(sender, 2, "ping")), 204);
    }
    assert_eq!(world.log().len(), 4);
    let lost = Note::ReplyLost { client_id: id(1), why: ReplyLost::Full(Bound::Output) };
    assert_eq!(world.notes().iter().filter(|note| **note == lost).count(), 2);
    assert_eq!(status(&world.send(Who(5, 'c', "t", "app"), 1, "x")), 204, "others still reach it");
    world.taken(sender, pids[0], 100);
    assert_eq!(world.table.output_bytes(), 0);
}

#[test]
fn section_4_bounds_what_is_refused_leaves_no_trace() {
    let mut world = World::new();
    world.limits.line_events = 2;
    world.settled(&[C]);
    world.send(C, 2, "x");
    world.pass(10);
    let before = world.table.session(id(1)).cloned();
    assert_eq!(world.send(C, 2, "x"), SendAnswer::TooMany(Bound::Line));
    assert_eq!(world.table.session(id(1)).cloned(), before);
}

#[test]
fn a_million_sessions_cost_nothing_per_arrival() {
    let mut world = World::new();
    let pid = world.settled(&[C, R])[1];
    let queued = world.table.due.clone();
    world.pass(1_000);
    for _ in 0..100 {
        world.send(C, 2, "x");
        world.alive(R, pid);
    }
    assert_eq!(world.table.due, queued, "one entry for each, looked at only when it comes up");
}

#[test]
fn slots_are_small() {
    assert!(size_of::<Slot>() <= 384, "{}", size_of::<Slot>());
}
