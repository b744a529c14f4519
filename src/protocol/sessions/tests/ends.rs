//! Section 4, Ends.

use super::super::*;
use super::world::*;
use crate::protocol::wire::AbortReason;

#[test]
fn section_4_ends_after_max_prev_alive_dt_without_arrivals() {
    let mut world = World::new();
    let pid = world.hello(R);
    world.pass(10_000);
    world.alive(R, pid);
    world.log();
    world.pass(24_999);
    assert!(world.has_session(R));
    world.pass(1);
    assert_eq!(world.log(), [format!("2 shutdown {pid}"), format!("2 end {pid}")]);
    assert_eq!(world.table.reserved_until(id(2)), Some(world.now + Millis(50_000)));
    assert!(world.notes().iter().any(|note| matches!(note, Note::Ended { why: Ended::Silent, .. })));
}

#[test]
fn section_4_ends_a_ghost_after_twice_as_long_though_others_keep_sending() {
    let mut world = World::new();
    let pid = world.hello(R);
    for _ in 0..49 {
        world.pass(1_000);
        world.send(C, 2, "x");
    }
    world.log();
    world.pass(999);
    assert!(world.has_session(R));
    world.pass(1);
    assert_eq!(world.log(), [format!("2 shutdown {pid}"), format!("2 end {pid}")]);
    assert!(world.notes().iter().any(|note| matches!(note, Note::Ended { why: Ended::Ghost, .. })));
}

#[test]
fn section_4_ends_do_not_depend_on_when_the_sweep_comes() {
    let mut world = World::new();
    let pid = world.hello(R);
    world.sleep(25_000);
    assert_eq!(world.alive(R, pid), SendAnswer::Accepted(Effect::Nothing(WhyNothing::NoSession)), "too late");
    assert_eq!(world.send(C, 2, "x"), SendAnswer::Accepted(Effect::Waits));
}

#[test]
fn section_4_ends_count_for_sender_and_recipient_also_before_the_sweep() {
    let mut world = World::new();
    world.hello(C);
    world.sleep(25_000);
    world.hello(R);
    let absent = Effect::Nothing(WhyNothing::Dropped(Dropped::SenderAbsent));
    assert_eq!(world.send(C, 2, "ping"), SendAnswer::Accepted(absent));
    world.sleep(25_000);
    assert_eq!(world.send(C, 2, "x"), SendAnswer::Accepted(Effect::Waits));
    assert!(!world.has_session(R));
}

#[test]
fn section_4_ends_a_broken_connection_ends_its_session_at_once() {
    let mut world = World::new();
    world.reading = false;
    let pid = world.hello(R);
    world.pass(200);
    world.send(C, 2, "x");
    world.log();
    world.broken(R, pid);
    assert_eq!(world.log(), [""; 0]);
    assert!(!world.has_session(R));
    assert!(world.notes().contains(&Note::Ended { client_id: id(2), pid, why: Ended::Broken, lost: 1 }));
    assert_eq!(world.table.output_bytes(), 0);
    world.broken(R, pid);
    assert_eq!(world.notes(), [], "a second report means nothing");
}

#[test]
fn section_4_ends_a_late_report_of_an_old_stream_does_not_end_the_new_one() {
    let mut world = World::new();
    let old = world.hello(R);
    world.hello(R);
    world.broken(R, old);
    world.taken(R, old, 5);
    assert!(world.has_session(R));
}

#[test]
fn section_4_ends_when_nothing_could_be_written_for_max_prev_alive_dt() {
    let mut world = World::new();
    world.reading = false;
    let pid = world.hello(R);
    for _ in 0..2 {
        world.pass(10_000);
        world.alive(R, pid);
    }
    world.log();
    world.pass(4_999);
    assert!(world.has_session(R));
    world.pass(1);
    assert_eq!(world.log(), [format!("2 cut {pid}")], "dropped at once: it reads nothing");
    assert_eq!(world.table.reservation_count(), 1);

    let pid = world.hello(R);
    for _ in 0..6 {
        world.pass(10_000);
        world.alive(R, pid);
        world.taken(R, pid, 1);
    }
    assert!(world.has_session(R), "who takes a little lives");
}

#[test]
fn an_ending_that_nobody_reads_is_cut_and_counts_until_then() {
    let mut world = World::new();
    world.reading = false;
    let pid = world.hello(R);
    world.pass(200);
    world.send(C, 2, "x");
    let bytes = world.table.output_bytes();
    assert!(bytes > 0);
    world.close(R, pid);
    assert_eq!((world.table.output_bytes(), world.table.ending_count()), (bytes, 1));
    world.log();
    world.pass(10_000);
    world.taken(R, pid, 1);
    world.pass(24_999);
    assert_eq!(world.log(), [""; 0]);
    world.pass(1);
    assert_eq!(world.log(), [format!("2 cut {pid}")]);
    assert_eq!((world.table.output_bytes(), world.table.ending_count()), (0, 0));
    assert!(world.notes().contains(&Note::LeftUnread { client_id: id(2), pid, lost: 1 }));
}

#[test]
fn an_ending_is_forgotten_once_it_is_read_or_broken() {
    for broken in [false, true] {
        let mut world = World::new();
        world.reading = false;
        let pid = world.hello(R);
        world.close(R, pid);
        if broken {
            world.broken(R, pid);
        } else {
            world.taken(R, pid, 2);
        }
        assert_eq!(world.table.ending_count(), 0);
        world.pass(100_000);
        assert!(!world.log().contains(&format!("2 cut {pid}")));
        assert_eq!(world.table.next_due(), None);
    }
}

#[test]
fn section_4_graceful_stop() {
    let mut world = World::new();
    world.settled(&[C]);
    world.hello(R);
    world.send(C, 2, "x");
    world.send(C, 9, "y");
    world.log();
    world.step(SessionTable::stop);
    assert_eq!(
        world.log(),
        ["1 shutdown 1", "1 end 1", "2 x from 1", "2 shutdown 2", "2 end 2"],
        "accepted events are handed over, every stream gets shutdown and ends"
    );
    assert!(world.notes().iter().any(|note| matches!(note, Note::Dropped { why: Dropped::Stopping, .. })));
    assert_eq!((world.table.session_count(), world.table.line_bytes()), (0, 0));
    assert_eq!(world.send(C, 2, "x"), SendAnswer::Stopping);
    assert_eq!(opening(&world.open(C)), "retry");
    world.step(SessionTable::stop);
    assert_eq!(world.log(), [""; 0]);
}

#[test]
fn an_administrator_recycles_and_aborts() {
    let mut world = World::new();
    world.settled(&[C, R]);
    assert!(world.step(|table, step, actions| table.recycle(id(1), step, actions)));
    let reason = AbortReason::Other("maintenance".into());
    assert!(world.step(|table, step, actions| table.abort(id(2), reason, step, actions)));
    assert_eq!(world.log(), ["1 shutdown 1", "1 end 1", "2 aborted 2 maintenance 0", "2 end 2"]);
    assert!(!world.step(|table, step, actions| table.recycle(id(1), step, actions)));
    assert_eq!(world.table.reservation_count(), 2, "both ended without close");
}

#[test]
fn section_4_the_session_ends_when_the_token_does() {
    let mut world = World::new();
    let member = Who(1, 'c', "ann", "people");
    world.settled(&[member, R]);
    world.step(SessionTable::recheck_access);
    assert_eq!(world.log(), [""; 0]);
    let only_app = Apps::new().with(app("app"), crate::protocol::policy::App::default());
    let any = only_app.clone().with(app("people"), crate::protocol::policy::App::default());
    for apps in [any, only_app] {
        let table = world.table.clone();
        let mut world = World::new();
        (world.table, world.apps) = (table, apps);
        world.step(SessionTable::recheck_access);
        assert_eq!(
            world.log(),
            ["1 aborted 1 notAuthorized 0", "1 end 1"],
            "another user, or no app any more"
        );
    }
}

#[test]
fn a_table_at_rest_has_nothing_due_and_nothing_left() {
    let mut world = World::new();
    let pids = world.settled(&[C, R]);
    world.send(C, 2, "ping");
    world.send(C, 3, "x");
    world.close(C, pids[0]);
    world.close(R, pids[1]);
    world.pass(100_000);
    assert_eq!(world.table.next_due(), None);
    assert!(world.table.slots.is_empty());
}
