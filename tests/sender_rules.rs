//! The EventSender and its SendLine, sentence by sentence of section 6 of the specification.

#![allow(clippy::unwrap_used)] // clippy's exemption of tests leaves out their helpers

mod support;

use crsocket::protocol::action::Ticket;
use crsocket::protocol::event::{CrEvent, Rejection};
use crsocket::protocol::sender::{Input, MAX_QUEUED, State, WhyNotReady};
use crsocket::protocol::time::{Millis, TimerKind};
use support::line::LineRig;
use support::sender_rig::SenderRig;
use support::{Rig, Row, run};

const REJECTED: &str = "ping; answer 204; rejected blocked";
/// One event is on its way, and two wait.
const BUSY: &str = "send 1 x; send 2 y; send 3 z";

/// Rows for a sender that is online and ready: clientId 1, accessToken a, partner 2.
fn check(rows: &[Row<'_>]) {
    support::check(rows, SenderRig::ready);
}

#[test]
fn section_6_states_and_sub_states_on_the_wire() {
    for (why, name) in [
        (WhyNotReady::NoClientId, "noClientId"),
        (WhyNotReady::NoAccessToken, "noAccessToken"),
        (WhyNotReady::InvalidAccessToken, "invalidAccessToken"),
        (WhyNotReady::NoPartnerClientId, "noPartnerClientId"),
        (WhyNotReady::InvalidPartnerClientId, "invalidPartnerClientId"),
    ] {
        let state = State::NotReady(why);
        assert_eq!((state.as_str(), state.sub_state(), state.is_ready()), ("notReady", name, false));
    }
    for reason in [
        "assignedToOther",
        "notPaired",
        "appIdMismatch",
        "invalidPartnerRole",
        "accessTokenMismatch",
        "blocked",
        "somethingNew",
    ] {
        let state = State::PartnerRejected(Rejection::from_sub_type(reason));
        assert_eq!((state.as_str(), state.sub_state(), state.is_ready()), ("partnerRejected", reason, false));
    }
    for (client_active, sub_state) in [(true, ""), (false, "clientNotActive")] {
        let state = State::Ready { client_active };
        assert_eq!((state.as_str(), state.sub_state(), state.is_ready()), ("ready", sub_state, true));
    }
}

#[test]
fn section_6_table_of_states() {
    let rows: [Row<'_>; 12] = [
        ("6 notReady: at first", "", "state", "notReady/noClientId"),
        ("6 notReady: noClientId comes first", "set active - !; partner !", "state", "notReady/noClientId"),
        (
            "6 notReady: noAccessToken before the partner",
            "set active 1 -; partner !",
            "state",
            "notReady/noAccessToken",
        ),
        (
            "6 notReady: invalidAccessToken before the partner",
            "set active 1 !",
            "state",
            "notReady/invalidAccessToken",
        ),
        ("6 notReady: noPartnerClientId", "set active 1 a", "state", "notReady/noPartnerClientId"),
        (
            "6 notReady: invalidPartnerClientId",
            "set active 1 a; partner !",
            "state",
            "notReady/invalidPartnerClientId",
        ),
        ("6 ready: all assigned", "set active 1 a; partner 2", "state", "ready"),
        ("6 ready: clientNotActive", "set idle 1 a; partner 2", "state", "ready/clientNotActive"),
        ("6 ready: whether online or not", "set active 1 a; partner 2; offline", "state", "ready"),
        (
            "6 partnerRejected: the reject event's subType",
            "online; set active 1 a; partner 2; ping",
            "rejected assignedToOther; state",
            "partnerRejected/assignedToOther",
        ),
        (
            "6 partnerRejected: the newest",
            "online; set active 1 a; partner 2; ping; rejected notPaired",
            "rejected blocked; state",
            "partnerRejected/blocked",
        ),
        (
            "6 notReady: something missing counts before a rejection",
            "online; set active 1 a; partner 2; ping; rejected notPaired",
            "set active 1 -; state",
            "notReady/noAccessToken",
        ),
    ];
    support::check(&rows, SenderRig::new);
}

#[test]
fn section_6_rejected_flag() {
    check(&[
        ("6 reject D: flags nothing before a ping left", "", "rejected blocked; state", "ready"),
        ("6 reject D: a ping that waits has not left", "send 1 x", "ping; rejected blocked; state", "ready"),
        (
            "6 reject D: a ping that was not sent, offline, has not left",
            "offline",
            "ping; rejected blocked; state",
            "ready",
        ),
        (
            "6 reject D: a ping that left need not be answered",
            "ping",
            "rejected blocked; state",
            "partnerRejected/blocked",
        ),
        (
            "6 reject D: a ping that stands in the line has not left",
            "stuck; ping",
            "rejected blocked; state; left; rejected blocked; state",
            "ready; partnerRejected/blocked",
        ),
        (
            "6 reject D: a ping that stood in the line was not meant for who was assigned since",
            "stuck; ping; partner 3",
            "left; rejected blocked; state",
            "ready",
        ),
        (
            "6 reject D: nor with credentials that changed since",
            "stuck; ping; set active 1 b",
            "left; rejected blocked; state",
            "ready",
        ),
        (
            "6 reject D: a ping that never left the line",
            "stuck; ping; answer noconn",
            "left; rejected blocked; state",
            "ready",
        ),
        (
            "6 reject D: a late one after another accessToken",
            "ping; answer 204; set active 1 b",
            "rejected blocked; state",
            "ready",
        ),
        (
            "6 reject D: a late one after a change of activity",
            "ping; answer 204; set idle 1 a; set active 1 a",
            "rejected blocked; state",
            "ready",
        ),
        (
            "6 reject D: a late one after another partner",
            "ping; answer 204; partner 3",
            "rejected blocked; state",
            "ready",
        ),
        ("6 flag: cleared when clientId changes", REJECTED, "set active 9 a; state", "ready"),
        ("6 flag D: cleared when accessToken changes", REJECTED, "set active 1 b; state", "ready"),
        (
            "6 flag D: cleared when clientActive changes",
            REJECTED,
            "set idle 1 a; state; set active 1 a; state",
            "ready/clientNotActive; ready",
        ),
        (
            "6 flag: not cleared when nothing changes",
            REJECTED,
            "set active 1 a; state",
            "partnerRejected/blocked",
        ),
        ("6 flag: not cleared by online", REJECTED, "offline; online; state", "partnerRejected/blocked"),
        ("6 flag: cleared when another partner is assigned", REJECTED, "partner 3; state", "ready"),
        ("6 flag D: cleared when the same partner is assigned again", REJECTED, "partner 2; state", "ready"),
        (
            "6 flag D: then a late reject counts nothing",
            "ping; answer 204; rejected blocked; partner 2",
            "rejected blocked; state",
            "ready",
        ),
        (
            "6 flag: the same partner assigned again while not rejected changes nothing",
            "ping; answer 204",
            "partner 2; rejected blocked; state",
            "partnerRejected/blocked",
        ),
    ]);
}

#[test]
fn section_6_acceptance() {
    check(&[
        (
            "6 accepted: whenever ready",
            "",
            "verbose; send 1 x; answer 204",
            "1 queued; x to 2 as 1/a; 1 sent; 1 understood",
        ),
        ("6 accepted: while the client is not active", "set idle 1 a", "send 1 x", "x to 2 as 1/a"),
        (
            "6 refused: with the subState, nothing is queued",
            "partner -",
            "send 1 x; queued",
            "1 refused noPartnerClientId; 0 queued, 0 kept",
        ),
        ("6 refused: noClientId", "set active - a", "send 1 x", "1 refused noClientId"),
        ("6 refused: noAccessToken", "set active 1 -", "send 1 x", "1 refused noAccessToken"),
        ("6 refused: invalidAccessToken", "set active 1 !", "send 1 x", "1 refused invalidAccessToken"),
        ("6 refused: invalidPartnerClientId", "partner !", "send 1 x", "1 refused invalidPartnerClientId"),
        ("6 refused: rejected", REJECTED, "send 1 x buffered; queued", "1 refused blocked; 0 queued, 0 kept"),
        (
            "6 refused: what only the crSocket says",
            "",
            "send 1 ping; send 2 unassign; send 3 inactive; send 4 reject",
            "1 refused reserved; 2 refused reserved; 3 refused reserved; 4 refused reserved",
        ),
        (
            "6 keeps the recipient it was made with",
            BUSY,
            "partner 3; answer 204; +1000",
            "1 understood; @1000 y to 2 as 1/a",
        ),
        (
            "6 keeps the clientId and accessToken it was made with",
            BUSY,
            "set active 9 b",
            "y to 2 as 1/a; z to 2 as 1/a",
        ),
        (
            "6 unassign, inactive need clientId and accessToken",
            "set active - a; partner 3; set active 1 -",
            "inactive; unassign; timers",
            "no timers",
        ),
        (
            "6 unassign leaves with the credentials under which the partner knows this client",
            "set active 1 -",
            "inactive; unassign; timers",
            "unassign/notPaired to 2 as 1/a; Unassign 5000",
        ),
        (
            "6 unassign, inactive need only those: while rejected",
            REJECTED,
            "inactive; unassign",
            "inactive to 2 as 1/a; unassign/notPaired to 2 as 1/a",
        ),
        (
            "6 unassign, inactive need only those: while not active",
            "set idle 1 a",
            "inactive; unassign",
            "inactive to 2 as 1/a; unassign/notPaired to 2 as 1/a",
        ),
        ("6 reject needs no partner", "partner -", "reject 5 notPaired", "reject/notPaired to 5 as 1/s"),
    ]);
}

#[test]
fn section_2_content_that_is_refused() {
    let mut with_comma = CrEvent::new("x", "").unwrap();
    with_comma.params = ["a".into(), "b,c".into()].into();
    let mut with_space = CrEvent::new("x", "").unwrap();
    with_space.sub_type = "a b".into();
    let mut nameless = CrEvent::new("x", "").unwrap();
    nameless.event_type = "".into();
    let long = CrEvent::new("x", "").unwrap().with_params(["ä".repeat(4096)]).unwrap();
    for (event, then) in [
        (with_comma, "1 refused Param { index: 1 }"),
        (with_space, "1 refused SubType"),
        (nameless, "1 refused EventType"),
        (long, "1 refused tooLong"),
    ] {
        let mut rig = SenderRig::ready();
        rig.give(Input::Send { ticket: Ticket(1), event });
        assert_eq!(rig.clock.log, [then], "section 2");
    }
}

#[test]
fn section_6_order_spacing_one_at_a_time() {
    check(&[
        (
            "6 order: minCrEventDt apart",
            "",
            "send 1 x; send 2 y; send 3 z; answer 204; +1000; answer 204; +1000",
            "x to 2 as 1/a; 1 understood; @1000 y to 2 as 1/a; 2 understood; @2000 z to 2 as 1/a",
        ),
        ("6 order: not earlier", "send 1 x; send 2 y; answer 204", "+999; timers", "Pace 1"),
        (
            "6 order: not before the last one was answered",
            "send 1 x; send 2 y",
            "+4000; answer 204",
            "1 understood; y to 2 as 1/a",
        ),
        (
            "6 order: or five seconds passed",
            "send 1 x; send 2 y",
            "+5000; answer noanswer",
            "1 unconfirmed; y to 2 as 1/a",
        ),
        ("6 order: at once after a long silence", "send 1 x; answer 204; +1000", "send 2 y", "y to 2 as 1/a"),
        ("6 order: a ping is spaced too", "send 1 x; answer 204", "ping; +1000", "@1000 ping to 2 as 1/a"),
        ("6 order: and spaces too", "ping; answer 204", "send 1 x; +1000", "@1000 x to 2 as 1/a"),
        (
            "6 order: and waits for an answer too",
            "send 1 x; +3000",
            "ping; answer 204",
            "1 understood; ping to 2 as 1/a",
        ),
        ("6 order: and is waited for too", "ping; +3000", "send 1 x; answer 503", "x to 2 as 1/a"),
        (
            "6 ping D: at most one waits, at the head",
            BUSY,
            "ping; ping; answer 204; +1000; answer 204; +1000; answer 204; +1000",
            "1 understood; @1000 ping to 2 as 1/a; @2000 y to 2 as 1/a; 2 understood; @3000 z to 2 as 1/a",
        ),
        ("6 ping: not while the client is not active", "set idle 1 a", "ping; +60000", ""),
        ("6 ping: not while rejected", REJECTED, "ping; +60000", ""),
        (
            "6 unassign, inactive, reject leave at once",
            "send 1 x",
            "reject 5 blocked; inactive; unassign",
            "reject/blocked to 5 as 1/s; inactive to 2 as 1/a; unassign/notPaired to 2 as 1/a",
        ),
        (
            "6 unassign, inactive, reject do not count for the spacing",
            "reject 5 blocked; inactive; unassign",
            "send 1 x",
            "x to 2 as 1/a",
        ),
        (
            "6 pace: no timer is left when nothing waits",
            "send 1 x; send 2 y; answer 204; +1000; answer 204",
            "+1000; timers",
            "no timers",
        ),
        (
            "5 waking: the pace timer was late",
            "send 1 x; send 2 y; answer 204",
            "sleep 6001",
            "Woke; y to 2 as 1/a",
        ),
        ("5 waking: not that late", "send 1 x; send 2 y; answer 204", "sleep 6000", "y to 2 as 1/a"),
        (
            "5 waking: the unassign timer was late",
            "offline; unassign; partner -; online",
            "sleep 10001",
            "Woke; unassign/notPaired to 2 as 1/a",
        ),
        (
            "5 waking: the unassign timer was not that late",
            "offline; unassign; partner -; online",
            "sleep 10000",
            "unassign/notPaired to 2 as 1/a",
        ),
    ]);
}

#[test]
fn section_8_no_spacing_with_min_cr_event_dt_zero() {
    let unspaced = || {
        let mut rig = SenderRig::ready();
        rig.clock.timing.min_cr_event_dt = Millis::ZERO;
        rig
    };
    let rows: [Row<'_>; 2] = [
        (
            "8 minCrEventDt 0: no spacing",
            "send 1 x; send 2 y",
            "answer 204; answer 204; timers",
            "1 understood; y to 2 as 1/a; 2 understood; no timers",
        ),
        (
            "8 minCrEventDt 0: nor of rejects",
            "reject 5 blocked",
            "reject 5 blocked",
            "reject/blocked to 5 as 1/s",
        ),
    ];
    support::check(&rows, unspaced);
}

#[test]
fn section_6_bounded_queues() {
    let full = "send 1 x; many 2 1001 y";
    check(&[
        ("6 queue D: holds 1,000", full, "queued", "1000 queued, 0 kept"),
        (
            "6 queue D: a full one refuses",
            full,
            "send 1002 z; queued",
            "1002 refused queueFull 1000; 1000 queued, 0 kept",
        ),
        (
            "6 queue D: and accepts again",
            full,
            "answer 204; +1000; send 1002 z; queued",
            "1 understood; @1000 y to 2 as 1/a; 1000 queued, 0 kept",
        ),
        (
            "6 queue D: what may come back counts",
            "send 1 x buffered; many 2 1000 y",
            "send 1001 z; queued",
            "1001 refused queueFull 1000; 999 queued, 0 kept",
        ),
        (
            "6 kept: bounded likewise",
            "offline; many 1 1000 x buffered",
            "send 1001 y buffered; queued",
            "1001 dropped bufferFull; 0 queued, 1000 kept",
        ),
        (
            "6 kept: what was kept leaves room in the queue",
            "offline; many 1 1000 x buffered; online; ping; answer 204",
            "send 1001 y; queued",
            "1 queued, 999 kept",
        ),
        (
            "6 kept: what is behind the ping counts as kept",
            "offline; many 1 1000 x buffered; online; many 1001 2000 y; ping",
            "queued; send 2001 y",
            "1000 queued, 1000 kept; 2001 refused queueFull 1000",
        ),
        (
            "6 kept: what comes back to a full buffer still has its place",
            "offline; many 1 1000 x buffered; online; ping; answer 204; send 1001 y buffered; offline; inactive",
            "answer noconn; queued",
            "1 buffered; 0 queued, 1000 kept",
        ),
    ]);
}

#[test]
fn section_6_reject_storms() {
    let nine = "reject 10 blocked; reject 11 blocked; reject 12 blocked; reject 13 blocked; reject 14 blocked; reject 15 blocked; reject 16 blocked; reject 17 blocked; reject 18 blocked";
    check(&[
        (
            "6 reject D: at most once in minCrEventDt to the same stranger",
            "reject 5 blocked",
            "+999; reject 5 notPaired; +1; reject 5 blocked",
            "reject/blocked to 5 as 1/s",
        ),
        (
            "6 reject D: a refused one does not prolong it",
            "reject 5 blocked; +900; reject 5 blocked",
            "+100; reject 5 blocked",
            "reject/blocked to 5 as 1/s",
        ),
        (
            "6 reject D: another stranger's at once",
            "reject 5 blocked",
            "reject 6 blocked",
            "reject/blocked to 6 as 1/s",
        ),
        ("6 reject D: the last eight are remembered", nine, "reject 11 blocked; reject 18 blocked", ""),
        ("6 reject D: the ninth last is not", nine, "reject 10 blocked", "reject/blocked to 10 as 1/s"),
        ("6 reject: never kept", "offline", "reject 5 blocked; online; +10000", ""),
    ]);
}

#[test]
fn section_6_goodbyes_are_not_overtaken() {
    check(&[
        (
            "6 goodbye: before inactive what is queued leaves at once, in order",
            BUSY,
            "inactive; queued",
            "y to 2 as 1/a; z to 2 as 1/a; inactive to 2 as 1/a; 0 queued, 0 kept",
        ),
        ("6 goodbye: before another clientId", BUSY, "set active 9 a", "y to 2 as 1/a; z to 2 as 1/a"),
        ("6 goodbye: before another accessToken", BUSY, "set active 1 b", "y to 2 as 1/a; z to 2 as 1/a"),
        (
            "6 goodbye: before the accessToken is taken away",
            BUSY,
            "set active 1 -",
            "y to 2 as 1/a; z to 2 as 1/a",
        ),
        ("6 goodbye: the same credentials are none", BUSY, "set active 1 a; queued", "2 queued, 0 kept"),
        (
            "6 goodbye: offline nothing leaves, what is buffered is kept",
            "send 1 x; send 2 y; send 3 z buffered; offline",
            "inactive; queued",
            "2 dropped offline; 3 buffered; 0 queued, 1 kept",
        ),
        (
            "6 goodbye: before unassign what is buffered or logged leaves, the rest is dropped and reported",
            "send 1 v; send 2 w; send 3 x buffered; send 4 y logged; send 5 z",
            "unassign; queued",
            "2 dropped unassigned; x to 2 as 1/a; y to 2 as 1/a; 5 dropped unassigned; unassign/notPaired to 2 as 1/a; 0 queued, 0 kept",
        ),
        (
            "6 goodbye: before unassign only what is queued for that partner",
            "send 1 x; send 2 y; partner 3; send 3 z",
            "unassign; queued",
            "3 dropped unassigned; unassign/notPaired to 3 as 1/a; 1 queued, 0 kept",
        ),
        (
            "6 goodbye: before unassign what was kept for that partner leaves too",
            "offline; send 1 x buffered; online",
            "unassign",
            "x to 2 as 1/a; unassign/notPaired to 2 as 1/a",
        ),
        (
            "6 goodbye: a queued ping is dropped with inactive",
            "send 1 x; ping",
            "inactive; answer 204; +10000",
            "inactive to 2 as 1/a; 1 understood",
        ),
        (
            "6 goodbye: a queued ping is dropped with unassign",
            "send 1 x; ping",
            "unassign; answer 204; answer 204; +10000",
            "unassign/notPaired to 2 as 1/a; 1 understood",
        ),
        (
            "6 goodbye: a queued ping is dropped with a change of accessToken",
            "send 1 x; ping",
            "set active 1 b; answer 204; +10000",
            "1 understood",
        ),
        (
            "6 goodbye: a queued ping is dropped with a rejection",
            "ping; answer 204; ping",
            "rejected blocked; +10000",
            "",
        ),
        (
            "6 goodbye: a queued ping is dropped with a change of partner",
            "send 1 x; ping",
            "partner 3; answer 204; +10000",
            "1 understood",
        ),
        (
            "6 ping: one that waits does not leave once the sender is no longer paired",
            "send 1 x; ping",
            "cancel; answer 204; +10000",
            "1 understood",
        ),
        (
            "6 goodbye: a queued ping stays with the same partner",
            "send 1 x; ping",
            "partner 2; answer 204; +1000",
            "1 understood; @1000 ping to 2 as 1/a",
        ),
    ]);
}

#[test]
fn section_6_repeated_unassign() {
    let offline = "offline; unassign; partner -";
    let then = "@5000 unassign/notPaired to 2 as 1/a";
    check(&[
        ("6 unassign: subType notPaired, to the partner", "", "unassign", "unassign/notPaired to 2 as 1/a"),
        ("6 unassign: no partner, nobody to say it to", "partner -", "unassign; timers", "no timers"),
        (
            "6 unassign: offline it is repeated every sendAnswerDt",
            offline,
            "+5000; online; +4999; timers; +1",
            "Unassign 1; @10000 unassign/notPaired to 2 as 1/a",
        ),
        (
            "6 unassign: no connection, repeated",
            "unassign; answer noconn",
            "+5000; answer noconn; +5000",
            "@5000 unassign/notPaired to 2 as 1/a; @10000 unassign/notPaired to 2 as 1/a",
        ),
        (
            "6 unassign: unanswered, repeated after sendAnswerDt",
            "unassign; partner -",
            "+5000; answer noanswer; +4000; +1000; answer noanswer",
            "unassign/notPaired to 2 as 1/a; unassign/notPaired to 2 as 1/a",
        ),
        (
            "6 unassign: unanswered, and told so early (unloading): not before sendAnswerDt",
            "unassign; partner -; +100; answer noanswer",
            "+4900",
            "@4900 unassign/notPaired to 2 as 1/a",
        ),
        ("6 unassign: not while a request is under way", "unassign", "+5000; +5000", ""),
        (
            "6 unassign: with its old credentials",
            "offline; unassign; partner -; set active 9 b; online",
            "+5000",
            then,
        ),
        (
            "6 unassign: also while not active and without a token",
            "offline; unassign; partner -; set idle 1 -; online",
            "+5000",
            then,
        ),
        ("6 unassign: until it is answered: 204", "unassign; answer 204", "timers; +60000", "no timers"),
        ("6 unassign: until it is answered: 403", "unassign; answer 403", "timers; +60000", "no timers"),
        ("6 unassign: until it is answered: 400", "unassign; answer 400", "timers; +60000", "no timers"),
        ("6 unassign: a 503 asks for another try", "unassign; answer 503", "+5000", then),
        (
            "6 unassign: until that partner is assigned again",
            "offline; unassign; partner -; partner 2; online",
            "timers; +60000",
            "no timers",
        ),
        (
            "6 unassign: not when another is assigned",
            "offline; unassign; partner -; partner 3; online",
            "+5000",
            then,
        ),
        (
            "6 unassign: for unassignWaitDt at most",
            "offline; unassign; partner -; +594000; online",
            "+1000; answer noconn; +5000; timers",
            "@1000 unassign/notPaired to 2 as 1/a; no timers",
        ),
        (
            "6 unassign: given up after unassignWaitDt",
            "offline; unassign; partner -; +600000; online",
            "timers; +60000",
            "no timers",
        ),
        (
            "6 unassign: unanswered when the time is over, given up",
            "unassign; partner -; +599000",
            "+1000; answer noanswer; timers; +60000",
            "no timers",
        ),
        (
            "6 unassign: of several partners",
            "offline; unassign; partner 3; unassign; partner -; online",
            "+5000",
            "@5000 unassign/notPaired to 2 as 1/a; @5000 unassign/notPaired to 3 as 1/a",
        ),
        (
            "6 unassign: the same partner's newest counts",
            "offline; unassign; partner -; partner 2; unassign; partner -; online",
            "+5000; answer 204; timers",
            "@5000 unassign/notPaired to 2 as 1/a; no timers",
        ),
    ]);
}

#[test]
fn section_6_offline() {
    let kept = "offline; send 1 x buffered; send 2 y buffered; online; send 3 z";
    check(&[
        (
            "6 offline: buffered ones are kept",
            "offline",
            "send 1 x buffered; queued",
            "1 buffered; 0 queued, 1 kept",
        ),
        (
            "6 offline: others are dropped and reported",
            "offline",
            "send 1 x; send 2 y logged; queued",
            "1 dropped offline; 2 dropped offline; 0 queued, 0 kept",
        ),
        (
            "6 offline: judged when the turn comes: offline then",
            "send 1 x; send 2 y; offline",
            "answer 204; +1000",
            "1 understood; @1000 2 dropped offline",
        ),
        (
            "6 offline: judged when the turn comes: online then",
            "send 1 x; offline; send 2 y; online",
            "answer 204; +1000",
            "1 understood; @1000 y to 2 as 1/a",
        ),
        ("6 kept: wait for the ping, the queue behind them", kept, "+60000; queued", "1 queued, 2 kept"),
        (
            "6 kept: right behind the ping, unspaced, in order, before the queue",
            kept,
            "ping; answer 204; answer 204; answer 204; +1000",
            "ping to 2 as 1/a; x to 2 as 1/a; 1 understood; y to 2 as 1/a; 2 understood; @1000 z to 2 as 1/a",
        ),
        ("6 kept: one request at a time", kept, "ping; queued", "ping to 2 as 1/a; 1 queued, 2 kept"),
        (
            "6 kept: offline again they are kept again",
            kept,
            "ping; offline; answer 204; queued",
            "ping to 2 as 1/a; 1 buffered; 2 buffered; 1 queued, 2 kept",
        ),
        (
            "6 kept: with the credentials and the recipient they were made with",
            "offline; send 1 x buffered; partner 3; online",
            "ping; answer 204",
            "ping to 3 as 1/a; x to 2 as 1/a",
        ),
        ("6 never kept: ping", "offline; ping; online", "+10000; queued", "0 queued, 0 kept"),
        ("6 never kept: inactive", "offline; inactive; online", "+10000; ping", "ping to 2 as 1/a"),
    ]);
}

#[test]
fn section_6_outcomes() {
    let sent = "send 1 x buffered; send 2 y; +2000";
    let again = "1 buffered; @500 x to 2 as 1/a";
    check(&[
        ("6 outcome: 204", "send 1 x", "answer 204", "1 understood"),
        (
            "6 outcome: no connection, buffered: back to the head, with backoff",
            sent,
            "answer noconn; +500",
            again,
        ),
        ("6 outcome: 429, buffered: back to the head, with backoff", sent, "answer 429; +500", again),
        ("6 outcome: 503, buffered: back to the head, with backoff", sent, "answer 503; +500", again),
        (
            "6 outcome: the backoff doubles",
            "send 1 x buffered; +2000; answer 503; +2000",
            "answer 503; +999; +1",
            "1 buffered; @1000 x to 2 as 1/a",
        ),
        (
            "6 outcome: the backoff starts anew once one was understood",
            "send 1 x buffered; +2000; answer 503; +2000; answer 204; send 2 y buffered; +2000",
            "answer 503; +500",
            "2 buffered; @500 y to 2 as 1/a",
        ),
        (
            "6 outcome: the backoff has a jitter",
            "random 0; send 1 x buffered; +2000; answer 503",
            "+375",
            "@375 x to 2 as 1/a",
        ),
        (
            "6 outcome: the next one waits behind it",
            sent,
            "answer 503; +500; answer 204; +1000",
            "1 buffered; @500 x to 2 as 1/a; 1 understood; @1500 y to 2 as 1/a",
        ),
        (
            "6 outcome: a ping need not wait for the backoff",
            "send 1 x buffered; +2000; answer 503",
            "ping; answer 204; +1000",
            "ping to 2 as 1/a; @1000 x to 2 as 1/a",
        ),
        ("6 outcome: not delivered, not buffered: lost", "send 1 x", "answer noconn", "1 lost NoConnection"),
        ("6 outcome: 429, not buffered: lost", "send 1 x", "answer 429", "1 lost 429 why"),
        ("6 outcome: 503, not buffered: lost", "send 1 x", "answer 503", "1 lost 503 why"),
        ("6 outcome: not buffered though logged: lost", "send 1 x logged", "answer 503", "1 lost 503 why"),
        (
            "6 outcome: a later one has followed already: lost",
            "send 1 x buffered; send 2 y buffered; set active 1 b",
            "answer 503; queued",
            "1 lost 503 why; 0 queued, 0 kept",
        ),
        (
            "6 outcome: inactive has followed already: lost",
            "send 1 x buffered; inactive",
            "answer noconn; queued",
            "1 lost NoConnection; 0 queued, 0 kept",
        ),
        (
            "6 outcome: unassign has followed already: lost",
            "send 1 x buffered; unassign",
            "answer noconn; queued",
            "1 lost NoConnection; 0 queued, 0 kept",
        ),
        (
            "6 outcome: inactive that did not leave, offline, has not followed",
            "send 1 x buffered; offline; inactive",
            "answer noconn; +1000; queued",
            "1 buffered; @1000 1 buffered; 0 queued, 1 kept",
        ),
        (
            "6 outcome: sent but no answer: unconfirmed, never again",
            "send 1 x buffered",
            "answer noanswer; +60000; queued",
            "1 unconfirmed; 0 queued, 0 kept",
        ),
        (
            "6 outcome: another refusal, with what the server said: 403",
            "send 1 x buffered",
            "answer 403; +60000",
            "1 lost 403 why",
        ),
        ("6 outcome: another refusal: 400", "send 1 x", "answer 400", "1 lost 400 why"),
        ("6 outcome: another refusal: 413", "send 1 x buffered", "answer 413", "1 lost 413 why"),
        ("6 outcome: another refusal: 500", "send 1 x buffered", "answer 500", "1 lost 500 why"),
        ("6 outcome: of a ping: it is not repeated by itself", "ping", "answer 503; +60000", ""),
        (
            "6 outcome: what was kept goes back before what was kept behind it",
            "offline; send 1 x buffered; send 2 y buffered; online; ping; answer 204",
            "answer 503; +500; answer 204",
            "1 buffered; @500 x to 2 as 1/a; 1 understood; y to 2 as 1/a",
        ),
        (
            "6 outcome: back while offline: kept in its order",
            "send 1 x buffered; send 2 y buffered; +2000; offline; inactive",
            "answer noconn; online; ping; answer 204; +500; answer 204",
            "1 buffered; ping to 2 as 1/a; @500 x to 2 as 1/a; 1 understood; y to 2 as 1/a",
        ),
    ]);
}

#[test]
fn section_6_outcomes_of_unknown_requests_do_nothing() {
    let mut rig = SenderRig::ready();
    run(&mut rig, BUSY);
    let before = rig.sender.clone();
    for request in [0, 2, 77, u32::MAX] {
        let outcome = support::outcome_of("204");
        rig.give(Input::Outcome { request: crsocket::protocol::action::RequestNo(request), outcome });
        assert_eq!(rig.sender, before, "request {request}");
    }
}

#[test]
fn section_6_send_line() {
    let rows: [Row<'_>; 22] = [
        ("6 line: one request at a time", "", "post 1; post 2; post 3", "sends 1"),
        (
            "6 line: the next after the answer, in order",
            "post 1; post 2; post 3",
            "answer 204; answer 403",
            "1 Understood; sends 2; 2 Refused { status: 403, detail: \"why\" }; sends 3",
        ),
        ("6 line: or after sendAnswerDt", "post 1; post 2", "+4999; +1", "@5000 1 NoAnswer; @5000 sends 2"),
        (
            "6 line: sendAnswerDt counts from the leaving of each",
            "post 1; post 2; +4000; answer 204",
            "+4999; +1",
            "@5000 2 NoAnswer",
        ),
        (
            "6 line: an answer that comes too late is nobody's",
            "post 1; post 2; +5000",
            "stale 204; answer 204",
            "2 Understood",
        ),
        (
            "6 line: an answer that comes twice counts once",
            "post 1; post 2; answer 204; answer 204",
            "answer 204; timers",
            "no timers",
        ),
        (
            "6 line: close comes after the goodbye",
            "post 1; post 2; close",
            "answer 204; answer 204",
            "1 Understood; sends 2; 2 Understood; sends close",
        ),
        ("6 line: close is answered to nobody", "close; post 1", "answer 204", "sends 1"),
        (
            "6 line: at once while unloading",
            "unloading",
            "post 1; post 2; close",
            "sends 1; sends 2; sends close",
        ),
        (
            "6 line: unloading lets go what waits",
            "post 1; post 2; close",
            "unloading",
            "sends 2; sends close",
        ),
        (
            "6 line: answers count while unloading, also to what others followed",
            "unloading; post 1; unassign 2",
            "stale 204; answer 403; timers",
            "1 Understood; 2 Refused { status: 403, detail: \"why\" }; no timers",
        ),
        (
            "6 line: answers while unloading, in any order, once",
            "unloading; post 1; post 2",
            "answer 204; stale 204; stale 204; answer 204; timers",
            "2 Understood; 1 Understood; no timers",
        ),
        (
            "6 line: sendAnswerDt counts from the leaving of each, while unloading too",
            "unloading; post 1; +1000; post 2",
            "timers; +4000; timers; +1000; timers",
            "Answer 4000; @4000 1 NoAnswer; Answer 1000; @5000 2 NoAnswer; no timers",
        ),
        (
            "6 line: the timer is that of the oldest request without an answer",
            "unloading; post 1; +1000; post 2",
            "stale 204; timers",
            "1 Understood; Answer 5000",
        ),
        (
            "6 line: an answer that comes too late is nobody's, while unloading too",
            "unloading; post 1; +1000; post 2; +4000",
            "stale 204; answer 204",
            "2 Understood",
        ),
        (
            "6 line: brought back, answers to what was overtaken count still",
            "unloading; post 1; post 2; loaded; post 3",
            "stale 204; answer 204",
            "1 Understood; 2 Understood; sends 3",
        ),
        (
            "5 waking: the answer timer was late, of several",
            "unloading; post 1; +1000; post 2",
            "sleep 20000; timers",
            "Woke; 1 NoAnswer; 2 NoAnswer; no timers",
        ),
        (
            "6 line: brought back, one at a time again",
            "unloading; post 1; loaded",
            "post 2; answer 204",
            "1 Understood; sends 2",
        ),
        (
            "6 line: no timer without a request",
            "post 1",
            "timers; answer 204; timers",
            "Answer 5000; 1 Understood; no timers",
        ),
        (
            "6 line: no timer stays after unloading",
            "unloading; post 1; post 2",
            "+5000; timers",
            "@5000 1 NoAnswer; @5000 2 NoAnswer; no timers",
        ),
        ("5 waking: the answer timer was late", "post 1", "sleep 10001", "Woke; 1 NoAnswer"),
        ("5 waking: not that late", "post 1", "sleep 10000", "1 NoAnswer"),
    ];
    support::check(&rows, LineRig::new);
}

#[test]
fn section_6_a_full_line_takes_nothing_more() {
    let mut rig = LineRig::new();
    for request in 0..=crsocket::protocol::send_line::MAX_WAITING {
        run(&mut rig, &format!("post {request}"));
    }
    assert_eq!(rig.line.waiting(), crsocket::protocol::send_line::MAX_WAITING);
    rig.clock.begin();
    run(&mut rig, "post 77777; close");
    assert_eq!(rig.clock.log, ["77777 NoConnection"]);
    assert_eq!(rig.line.waiting(), crsocket::protocol::send_line::MAX_WAITING);
    assert_eq!(MAX_QUEUED, 1_000, "section 6: default 1,000");
}

#[test]
fn timers_that_were_never_armed_or_fire_early_do_nothing() {
    for timer in TimerKind::ALL {
        let unassigned = "offline; unassign; partner -; online; +4999";
        for given in ["", BUSY, "offline; send 1 x buffered", "ping; send 1 x", unassigned] {
            let mut rig = SenderRig::ready();
            run(&mut rig, given);
            let before = rig.sender.clone();
            rig.fire(timer);
            assert_eq!(rig.sender, before, "{timer:?} after {given:?}");
        }
        let mut rig = LineRig::new();
        run(&mut rig, "post 1; post 2");
        let before = rig.line.clone();
        rig.fire(timer);
        assert_eq!(rig.line, before, "{timer:?}");
    }
}
