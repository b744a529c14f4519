//! Sections 3 (eventsource, clientid) and 4 (Opening a stream).

use super::super::*;
use super::world::*;
use crate::protocol::client_id::ClientIdSequence;
use crate::protocol::rate::RateLimit;

const A: Who = Who(1, 'c', "ann.1", "people");
const A_AGAIN: Who = Who(1, 'c', "ann.2", "people");
const A_RESPONDER: Who = Who(1, 'r', "ann.3", "people");
const B: Who = Who(1, 'c', "bob", "people");

#[test]
fn section_3_credentials_are_checked_in_order() {
    for (client_id, role, token, expected, rule) in [
        ("x", "x", " ", "invalidRole", "3 aborted: invalidRole first"),
        ("x", "-", "-", "invalidRole", "3 aborted: a value that is missing is an invalid one"),
        ("x", "controller", " ", "invalidClientId", "3 aborted: invalidClientId next"),
        ("12345", "responder", "t", "invalidClientId", "3 aborted: six digits"),
        ("-", "responder", "t", "invalidClientId", "3 aborted: missing"),
        ("000001", "controller", "a b", "invalidAccessToken", "3 aborted: invalidAccessToken next"),
        ("000001", "controller", "-", "invalidAccessToken", "3 aborted: missing"),
        (
            "000001",
            "controller",
            "bad",
            "invalidAccessToken",
            "1 token_pattern: what does not match is invalid",
        ),
        ("000001", "controller", "out", "notAuthorized", "1 token_pattern: matches, but is not admitted"),
        ("000001", "controller", "ann", "hello", "3 hello"),
    ] {
        let mut world = World::new();
        let opened = world.open_raw("people", &params(client_id, role, token));
        assert_eq!(opening(&opened), expected, "{rule}");
        if expected != "hello" {
            assert_eq!(world.log(), [""; 0], "{rule}: comes without a hello");
            assert!(
                matches!(opened, Opened::Aborted { pid, .. } if pid == super::world::pid(1)),
                "{rule}: its pid is given"
            );
            assert_eq!(world.table.session_count(), 0, "{rule}");
        }
    }
    assert_eq!(World::new().open(Who(1, 'c', "t", "nobody")), Opened::UnknownApp);
}

#[test]
fn section_3_retry_is_random_and_longer_under_overload() {
    let mut world = World::new();
    let mut seen = Vec::new();
    for (random, limit) in [(0, 10), (1_500, 10), (1_501, 10), (0, 3), (3_000, 3)] {
        world.random = random;
        world.limits.streams = limit;
        match world.open(C) {
            Opened::Stream { retry, .. } | Opened::Retry { retry } => seen.push(retry.0),
            other => panic!("{other:?}"),
        }
        world.limits.streams = 10;
        world.hello(Who(7, 'c', "t", "app"));
        world.hello(Who(8, 'c', "t", "app"));
    }
    assert_eq!(seen, [500, 2_000, 500, 2_000, 5_000]);
}

#[test]
fn section_3_outputs_that_nobody_reads_are_overload() {
    let mut world = World::new();
    world.reading = false;
    world.settled(&[R]);
    world.limits.all_outputs_bytes = 2 * event(3, "x").frame_len();
    for (sent, expected) in [(false, 500), (true, 500), (true, 2_000)] {
        if sent {
            world.send(Who(3, 'c', "t", "app"), 2, "x");
            world.limits.all_outputs_bytes -= usize::from(expected == 2_000);
        }
        let opened = world.open(C);
        assert!(matches!(opened, Opened::Stream { retry, .. } if retry == Millis(expected)), "{opened:?}");
    }
}

/// The table of section 4, "Opening a stream".
#[test]
fn section_4_opening_table() {
    let nothing: fn(&mut World) = |_| {};
    let session = |world: &mut World| {
        world.hello(A);
    };
    let reservation = |world: &mut World| {
        let pid = world.hello(A);
        world.broken(A, pid);
    };
    let defended = |world: &mut World| {
        let pid = world.hello(A);
        world.open(B);
        world.alive(A, pid);
    };
    let contested = |world: &mut World| {
        world.hello(A);
        world.open(B);
    };
    for (has, newcomer, expected, said, rule) in [
        (nothing, A, "hello", &["1 hello 1"][..], "4 Opening: nothing -> hello"),
        (reservation, A, "hello", &["1 hello 2"], "4 Opening: a reservation for the same user -> hello"),
        (
            reservation,
            A_AGAIN,
            "hello",
            &["1 hello 2"],
            "4 Opening: a reservation goes by user, not by token",
        ),
        (
            session,
            A,
            "hello",
            &["1 aborted 1 releasedByOther 2", "1 end 1", "1 hello 2"],
            "4 Opening: a session of the same user -> hello, and the old one is aborted with the newcomer's pid",
        ),
        (
            session,
            A_RESPONDER,
            "hello",
            &["1 aborted 1 releasedByOther 2", "1 end 1", "1 hello 2"],
            "4 Opening: whatever their roles",
        ),
        (
            contested,
            A_AGAIN,
            "hello",
            &["1 aborted 1 releasedByOther 2", "1 end 1", "1 hello 2"],
            "4 Opening: the owner takes over also while it is contested",
        ),
        (session, B, "retry", &[], "4 Opening: a session of another user -> retry answer, and it stays"),
        (contested, B, "retry", &[], "4 Opening: contested -> retry answer"),
        (defended, B, "clientIdInUse", &[], "4 Opening: defended -> aborted clientIdInUse"),
        (reservation, B, "retry", &[], "4 Opening: a reservation for another user -> retry answer"),
    ] {
        let mut world = World::new();
        has(&mut world);
        let before = world.has_session(A);
        world.log();
        let opened = world.open(newcomer);
        assert_eq!(opening(&opened), expected, "{rule}");
        assert_eq!(world.log(), said, "{rule}");
        if expected != "hello" {
            assert_eq!(world.has_session(A), before, "{rule}");
        }
    }
}

#[test]
fn section_4_opening_takes_over_across_apps() {
    let mut world = World::new();
    world.hello(Who(1, 'c', "ann", "app"));
    world.log();
    world.hello(Who(1, 'r', "ann", "other"));
    assert_eq!(world.log(), ["1 aborted 1 releasedByOther 2", "1 end 1", "1 hello 2"]);
    assert_eq!(world.table.session_count(), 1);
}

#[test]
fn section_4_opening_a_contested_session_ends_after_max_prev_alive_dt() {
    let mut world = World::new();
    let first = world.settled(&[A, R])[0];
    world.pass(1_000);
    world.open(B);
    // Others keep it from falling silent, but they cannot defend it.
    for _ in 0..24 {
        world.pass(1_000);
        world.send(R, 1, "x");
        world.open(B);
    }
    world.log();
    world.pass(999);
    assert!(world.has_session(A));
    world.pass(1);
    assert_eq!(world.log(), [format!("1 shutdown {first}"), format!("1 end {first}")]);
    assert_eq!(
        world.table.reserved_until(id(1)),
        Some(world.now + Millis(5_000)),
        "4: 5 s if it ended contested"
    );
    assert_eq!(opening(&world.open(B)), "retry");
    world.pass(4_999);
    assert_eq!(opening(&world.open(B)), "retry");
    world.pass(1);
    assert_eq!(opening(&world.open(B)), "hello");
}

#[test]
fn section_4_opening_what_defends_a_contested_session() {
    for (defends, what) in [
        (true, "alive"),
        (false, "old alive"),
        (true, "event"),
        (true, "ping that is blocked"),
        (false, "others"),
        (false, "other alive"),
        (false, "unknown"),
        (false, "stranger"),
    ] {
        let mut world = World::new();
        let pid = world.settled(&[A, R])[0];
        world.open(B);
        let answer = match what {
            "alive" => world.alive(A, pid),
            "old alive" => world.alive(A, super::world::pid(9)),
            "event" => world.send(A, 3, "x"),
            "ping that is blocked" => world.send(A, 1, "ping"),
            "others" => world.send(R, 1, "x"),
            "other alive" => world.message(R, 1, crate::protocol::wire::MsgEvent::Alive(Some(pid))),
            "unknown" => world.message(A, 1, crate::protocol::wire::MsgEvent::Other),
            _ => world.send(B, 3, "x"),
        };
        assert_eq!(status(&answer), if what == "stranger" { 403 } else { 204 }, "{what}");
        let expected = if defends { "clientIdInUse" } else { "retry" };
        assert_eq!(opening(&world.open(B)), expected, "4 Opening: {what}");
    }
}

#[test]
fn section_4_opening_reservations_last_twice_max_prev_alive_dt() {
    let mut world = World::new();
    let pid = world.hello(A);
    world.pass(10);
    world.broken(A, pid);
    world.pass(49_999);
    assert_eq!(opening(&world.open(B)), "retry");
    assert_eq!(world.table.reservation_count(), 1);
    world.pass(1);
    assert_eq!(world.table.reservation_count(), 0);
    assert_eq!(opening(&world.open(B)), "hello");
}

#[test]
fn section_4_who_closes_in_peace_gives_the_id_up() {
    let mut world = World::new();
    let pid = world.hello(A);
    world.close(A, pid);
    assert_eq!(world.table.reservation_count(), 0);
    assert_eq!(opening(&world.open(B)), "hello");
}

#[test]
fn section_4_opening_without_bound_client_ids_is_plain_takeover() {
    let mut world = World::new();
    world.limits.bind_client_ids = false;
    let first = world.hello(A);
    world.log();
    assert_eq!(opening(&world.open(B)), "hello");
    assert_eq!(
        world.log(),
        [format!("1 aborted {first} releasedByOther 2"), "1 end 1".into(), "1 hello 2".into()]
    );
    assert_eq!(status(&world.send(A, 2, "x")), 204, "no 403 by session");
    world.broken(B, pid(2));
    assert_eq!(world.table.reservation_count(), 0, "no reservations");
    assert_eq!(
        opening(&world.open(Who(1, 'c', "out", "people"))),
        "notAuthorized",
        "access is still checked"
    );
}

#[test]
fn section_3_while_stopping_or_at_the_limit_there_is_the_retry_answer() {
    let mut world = World::new();
    world.limits.streams = 2;
    world.reading = false;
    let first = world.hello(C);
    world.close(C, first);
    world.hello(R);
    assert_eq!(opening(&world.open(Who(3, 'c', "t", "app"))), "retry", "an ending that nobody reads counts");
    assert_eq!(opening(&world.open(Who(3, 'x', "", "app"))), "invalidAccessToken", "credentials come first");
    world.taken(C, first, 2);
    assert_eq!(opening(&world.open(Who(3, 'c', "t", "app"))), "hello");
    world.step(SessionTable::stop);
    world.limits.streams = 10;
    assert_eq!(
        opening(&world.open(Who(4, 'c', "t", "app"))),
        "retry",
        "3: no new one is served while stopping"
    );
}

#[test]
fn section_3_pids_are_never_reused() {
    let mut world = World::new();
    let mut seen = BTreeSet::new();
    for token in ["ann", "out", "bob", "ann", "bad"] {
        match world.open(Who(1, 'c', token, "people")) {
            Opened::Stream { pid, .. } | Opened::Aborted { pid, .. } => assert!(seen.insert(pid)),
            Opened::Retry { .. } => {}
            Opened::UnknownApp => panic!(),
        }
    }
    assert_eq!(seen.len(), 4);
}

#[test]
fn section_3_client_ids_in_use_or_reserved_are_skipped() {
    let give = |world: &mut World| world.step(|table, step, _| table.give_client_id(step));
    let mut untouched = World::new();
    let order: Vec<ClientId> = (0..4).map(|_| give(&mut untouched).unwrap()).collect();
    let mut world = World::new();
    let who = |index: usize| Who(order[index].number(), 'c', "t", "app");
    world.hello(who(0));
    let broken = world.hello(who(1));
    world.broken(who(1), broken);
    let closed = world.hello(who(2));
    world.close(who(2), closed);
    assert_eq!(give(&mut world), Ok(order[2]), "skipped: a session, and a reservation");
}

#[test]
fn section_3_client_ids_are_given_at_a_bounded_rate() {
    let mut world = World::new();
    world.limits.client_id_rate = RateLimit { per_second: 100, burst: 2 };
    let give = |world: &mut World| world.step(|table, step, _| table.give_client_id(step));
    assert!(give(&mut world).is_ok() && give(&mut world).is_ok());
    assert_eq!(give(&mut world), Err(NoClientIdNow::TooMany { retry_after: Millis(10) }));
    world.pass(10);
    assert!(give(&mut world).is_ok());
}

#[test]
fn section_3_client_ids_wait_until_they_are_reserved_on_disk() {
    let mut world = World::new();
    world.table = SessionTable::new(PidSequence::starting_at(0), ClientIdSequence::new([7; 16], 0, 0));
    let give = |world: &mut World| world.step(|table, step, _| table.give_client_id(step));
    assert_eq!(give(&mut world), Err(NoClientIdNow::NotReserved { needed: 1 }));
    world.table.reserve_client_ids(1);
    assert!(give(&mut world).is_ok());
    assert_eq!(world.table.client_ids().position(), 1);
}
