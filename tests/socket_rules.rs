//! The crSocket with its children, sentence by sentence of section 7 of the specification; the timings of section 8.

#![allow(clippy::unwrap_used)] // clippy's exemption of tests leaves out their helpers

mod support;

use crsocket::protocol::action::{SocketAction, Ticket};
use crsocket::protocol::event::{CrEvent, Rejection};
use crsocket::protocol::ids::{Assigned, Role};
use crsocket::protocol::receiver::{self, WhyAborted, WhyClosed};
use crsocket::protocol::send_line::MAX_WAITING;
use crsocket::protocol::sender::{self, WhyNotReady};
use crsocket::protocol::socket::{
    ClientFacts, Socket, State, WhyPassive, WhyUnconnected, WhyUnpaired, state,
};
use crsocket::protocol::time::{Millis, TimerKind, Timing, TimingError};
use crsocket::protocol::wire::AbortReason;
use support::world::World;
use support::{Clock, Rig, Row, id, run, token};

const PASSIVE: &str = "id 1; token a; online";
const CONNECTING: &str = "id 1; token a; online; visible";
const READY_TO_CONNECT: &str = "id 1; online; visible";
const READY_TO_PAIR: &str = "id 1; token a; online; visible; hello 7";
const SEARCHING: &str = "id 1; token a; online; visible; hello 7; partner 2; +2000";
const INTERACTING: &str = "id 1; token a; online; visible; hello 7; partner 2; from 2 ping; +2000";
const REJECTED: &str = "id 1; token a; online; visible; hello 7; partner 2; from 2 reject/blocked; +2000";

fn controllers(rows: &[Row<'_>]) {
    support::check(rows, World::controller);
}

fn responders(rows: &[Row<'_>]) {
    support::check(rows, World::responder);
}

fn both(rows: &[Row<'_>]) {
    controllers(rows);
    responders(rows);
}

/// All assigned, visible and online.
fn willing() -> ClientFacts {
    ClientFacts {
        visible: true,
        online: true,
        paused: false,
        unloading: false,
        client_id: Assigned::Valid(id(1)),
        access_token: Assigned::Valid(token("a")),
    }
}

#[test]
fn section_7_table_of_states() {
    let ready = sender::State::Ready { client_active: true };
    let rejected = sender::State::PartnerRejected(Rejection::Blocked);
    let aborted = |reason| receiver::State::Aborted(WhyAborted::Server(reason));
    let closed = receiver::State::Closed;
    let rows = [
        (closed(WhyClosed::NoAccessToken), &ready, false, "readyToConnect", "noAccessToken"),
        (closed(WhyClosed::InvalidAccessToken), &ready, true, "readyToConnect", "invalidAccessToken"),
        (receiver::State::Closing(WhyClosed::NoAccessToken), &ready, true, "readyToConnect", "noAccessToken"),
        (aborted(AbortReason::NotAuthorized), &ready, true, "readyToConnect", "notAuthorized"),
        (receiver::State::Aborted(WhyAborted::Error), &ready, true, "readyToConnect", "error"),
        (receiver::State::Opening, &ready, true, "connecting", ""),
        (receiver::State::Opening, &rejected, false, "connecting", ""),
        (
            receiver::State::Open,
            &sender::State::NotReady(WhyNotReady::NoPartnerClientId),
            true,
            "readyToPair",
            "noPartnerClientId",
        ),
        (
            receiver::State::Open,
            &sender::State::NotReady(WhyNotReady::InvalidPartnerClientId),
            true,
            "readyToPair",
            "invalidPartnerClientId",
        ),
        (receiver::State::Open, &rejected, true, "readyToPair", "blocked"),
        (receiver::State::Open, &ready, false, "searching", "partnerInactive"),
        (receiver::State::Open, &ready, true, "interacting", ""),
    ];
    for (receiver, sender, partner_active, name, sub_state) in rows {
        let seen = state(&willing(), Some(id(1)), &receiver, sender, partner_active);
        assert_eq!((seen.as_str(), seen.sub_state()), (name, sub_state), "7: {receiver:?}, {sender:?}");
    }
}

#[test]
fn section_7_passive_says_the_first_reason_that_applies() {
    // Each row takes one more obstacle away.
    let mut client = ClientFacts { unloading: true, paused: true, ..ClientFacts::default() };
    let seen = |client: &ClientFacts| {
        let counted = client.client_id.valid().copied();
        let sender = sender::State::Ready { client_active: true };
        state(client, counted, &receiver::State::Open, &sender, true).sub_state().to_owned()
    };
    assert_eq!(seen(&client), "noClientId");
    client.client_id = Assigned::Invalid;
    assert_eq!(seen(&client), "invalidClientId");
    client.client_id = Assigned::Valid(id(1));
    assert_eq!(seen(&client), "notVisible");
    client.visible = true;
    assert_eq!(seen(&client), "notOnline");
    client.online = true;
    assert_eq!(seen(&client), "paused");
    client.paused = false;
    assert_eq!(seen(&client), "unloading");
    client.unloading = false;
    assert_eq!(seen(&client), "", "no obstacle is left: interacting");
}

#[test]
fn section_7_metastates() {
    let passive = State::Passive(WhyPassive::Paused);
    let unconnected = State::ReadyToConnect(WhyUnconnected::Closed(WhyClosed::NoAccessToken));
    let unpaired = State::ReadyToPair(WhyUnpaired::NotReady(WhyNotReady::NoPartnerClientId));
    for (state, active, connected, paired) in [
        (passive, false, false, false),
        (unconnected, true, false, false),
        (State::Connecting, true, false, false),
        (unpaired, true, true, false),
        (State::Searching, true, true, true),
        (State::Interacting, true, true, true),
    ] {
        let seen = (state.is_active(), state.is_connected(), state.is_paired());
        assert_eq!(seen, (active, connected, paired), "7 metastates: {state:?}");
    }
}

#[test]
fn section_7_states_as_they_are_reached() {
    both(&[
        ("7 passive: at first", "", "state", "passive/noClientId"),
        ("7 passive: invalidClientId", "id 1", "id !", "=> passive/noClientId; => passive/invalidClientId"),
        ("7 passive: notVisible", "", "id 1", "=> passive/notVisible"),
        ("7 passive: notOnline", "id 1", "visible", "=> passive/notOnline"),
        ("7 passive: paused", "id 1; visible; paused", "online", "=> passive/paused"),
        ("7 passive: unloading", "id 1; visible; unloading", "online", "=> passive/unloading"),
        ("7 readyToConnect: no accessToken", PASSIVE, "token -; visible", "=> readyToConnect/noAccessToken"),
        (
            "7 readyToConnect: invalid accessToken",
            PASSIVE,
            "token !; visible",
            "=> readyToConnect/invalidAccessToken",
        ),
        (
            "7 readyToConnect: aborted",
            CONNECTING,
            "aborted 3 notAuthorized",
            "=> readyToConnect/notAuthorized",
        ),
        ("7 connecting: receiver opening", PASSIVE, "visible", "open as 1/a; => connecting"),
        ("7 connecting: also while it waits to open again", READY_TO_PAIR, "end broken", "=> connecting"),
        ("7 readyToPair: no partner", CONNECTING, "hello 7", "=> readyToPair/noPartnerClientId"),
        (
            "7 readyToPair: invalid partner",
            READY_TO_PAIR,
            "partner !",
            "=> readyToPair/invalidPartnerClientId",
        ),
        (
            "7 readyToPair: rejected",
            SEARCHING,
            "from 2 reject/notPaired",
            "=> readyToPair/notPaired; got reject/notPaired",
        ),
        (
            "7 searching: partner not active",
            READY_TO_PAIR,
            "partner 2",
            "ping to 2 as 1/a; partner 2; => searching/partnerInactive",
        ),
        ("7 interacting: partner active", SEARCHING, "from 2 x", "ping to 2 as 1/a; => interacting; got x"),
    ]);
}

#[test]
fn section_7_arrows() {
    both(&[
        ("7 arrow: passive to readyToConnect", "id 1; online", "visible", "=> readyToConnect/noAccessToken"),
        ("7 arrow: passive to connecting", PASSIVE, "visible", "open as 1/a; => connecting"),
        ("7 arrow: readyToConnect to passive", READY_TO_CONNECT, "hidden", "=> passive/notVisible"),
        ("7 arrow: readyToConnect to connecting", READY_TO_CONNECT, "token a", "open as 1/a; => connecting"),
        ("7 arrow: connecting to passive", CONNECTING, "hidden", "=> passive/notVisible"),
        ("7 arrow: connecting to readyToConnect", CONNECTING, "token -", "=> readyToConnect/noAccessToken"),
        ("7 arrow: connecting to readyToPair", CONNECTING, "hello 7", "=> readyToPair/noPartnerClientId"),
        (
            "7 arrow: connecting to searching",
            "id 1; token a; partner 2; online; visible",
            "hello 7",
            "ping to 2 as 1/a; => searching/partnerInactive",
        ),
        (
            "7 arrow: connecting to interacting, the partner being remembered",
            &format!("{INTERACTING}; end broken; +500"),
            "hello 8",
            "ping to 2 as 1/a; => interacting",
        ),
        (
            "7 arrow: readyToPair to searching",
            READY_TO_PAIR,
            "partner 2",
            "ping to 2 as 1/a; partner 2; => searching/partnerInactive",
        ),
        (
            "7 arrow: readyToPair to interacting",
            REJECTED,
            "from 2 ping",
            "ping to 2 as 1/a; => interacting; got ping",
        ),
        (
            "7 arrow: readyToPair to readyToConnect",
            READY_TO_PAIR,
            "token -",
            "close 7 as 1/a; => readyToConnect/noAccessToken",
        ),
        ("7 arrow: readyToPair to passive", READY_TO_PAIR, "paused", "close 7 as 1/a; => passive/paused"),
        (
            "7 arrow D: readyToPair to connecting",
            READY_TO_PAIR,
            "+10000; shutdown 7",
            "open as 1/a; => connecting",
        ),
        (
            "7 arrow: searching to interacting",
            SEARCHING,
            "from 2 x",
            "ping to 2 as 1/a; => interacting; got x",
        ),
        (
            "7 arrow: searching to readyToPair",
            SEARCHING,
            "from 2 reject/blocked",
            "=> readyToPair/blocked; got reject/blocked",
        ),
        (
            "7 arrow: searching to readyToConnect",
            SEARCHING,
            "aborted 7 notAuthorized",
            "=> readyToConnect/notAuthorized",
        ),
        ("7 arrow D: searching to connecting", SEARCHING, "end broken", "=> connecting"),
        (
            "7 arrow: interacting to searching",
            INTERACTING,
            "from 2 inactive",
            "=> searching/partnerInactive; got inactive",
        ),
        (
            "7 arrow: interacting to readyToPair",
            INTERACTING,
            "from 2 reject/blocked",
            "=> readyToPair/blocked; got reject/blocked",
        ),
        ("7 arrow D: interacting to connecting", INTERACTING, "end broken", "=> connecting"),
    ]);
}

#[test]
fn section_7_table_of_effects() {
    let remembered = format!("{INTERACTING}; end broken; +500");
    let silent = "id 1; token a; online; visible; hello 7; partner 2; from 2 ping; +9000; from 2 inactive";
    both(&[
        (
            "7 effect: to searching from readyToPair: ping, schedule",
            READY_TO_PAIR,
            "partner 2; timers",
            "ping to 2 as 1/a; partner 2; => searching/partnerInactive; Alive 12000, Ping 5000",
        ),
        (
            "7 effect: to searching from connecting: ping, schedule",
            "id 1; token a; partner 2; online; visible",
            "hello 7; timers",
            "ping to 2 as 1/a; => searching/partnerInactive; Alive 12000, Ping 5000",
        ),
        (
            "7 effect: to interacting from readyToPair: ping, schedule",
            REJECTED,
            "from 2 ping; timers",
            "ping to 2 as 1/a; => interacting; got ping; Alive 10000, Ping 10000, Partner 25000",
        ),
        (
            "7 effect: to interacting from connecting: ping, schedule",
            &remembered,
            "hello 8; timers",
            "ping to 2 as 1/a; => interacting; Alive 12000, Ping 10000, Partner 22500",
        ),
        (
            "7 effect: to interacting from searching: ping, the interacting pace",
            SEARCHING,
            "from 2 x; timers",
            "ping to 2 as 1/a; => interacting; got x; Alive 10000, Ping 10000, Partner 25000",
        ),
        (
            "7 effect: to searching from interacting: the searching pace, the first one after searchingMaxEventOutDt",
            silent,
            "timers; +4999; +1",
            "Alive 3000, Ping 5000; @4000 alive 7 as 1/a; @5000 ping to 2 as 1/a",
        ),
        (
            "7 effect: to readyToPair from paired: stops the timers",
            INTERACTING,
            "from 2 reject/blocked; timers",
            "=> readyToPair/blocked; got reject/blocked; Alive 10000",
        ),
        (
            "7 effect: to passive from interacting: inactive, stops the timers",
            INTERACTING,
            "hidden; closed 7; timers",
            "inactive to 2 as 1/a; => passive/notVisible; close 7 as 1/a; no timers",
        ),
        (
            "7 effect: to passive from searching: inactive, stops the timers",
            SEARCHING,
            "paused; closed 7; timers",
            "inactive to 2 as 1/a; => passive/paused; close 7 as 1/a; no timers",
        ),
        (
            "7 effect: to passive from connecting: inactive if the sender was ready before",
            "id 1; token a; partner 2; online; visible",
            "hidden; timers",
            "inactive to 2 as 1/a; => passive/notVisible; no timers",
        ),
        (
            "7 effect: to passive from connecting: nothing if the sender was not ready",
            CONNECTING,
            "hidden",
            "=> passive/notVisible",
        ),
        (
            "7 effect: to passive from readyToPair: nothing",
            REJECTED,
            "hidden",
            "close 7 as 1/a; => passive/notVisible",
        ),
        (
            "7 effect: to passive from readyToConnect: nothing",
            "id 1; token a; partner 2; online; visible; aborted 3 notAuthorized",
            "hidden",
            "=> passive/notVisible",
        ),
        (
            "7 effect: to passive, offline: inactive is not kept",
            INTERACTING,
            "offline; closed 7; timers; online",
            "close 7 as 1/a; => passive/notOnline; no timers; open as 1/a; => connecting",
        ),
        (
            "7 effect: to passive, unloading: the goodbye, then close",
            INTERACTING,
            "unloading",
            "inactive to 2 as 1/a; close 7 as 1/a; => passive/unloading",
        ),
        (
            "7 effect: to readyToConnect from paired: inactive if the accessToken was taken away",
            INTERACTING,
            "token -; closed 7; timers",
            "inactive to 2 as 1/a; => readyToConnect/noAccessToken; close 7 as 1/a; no timers",
        ),
        (
            "7 effect: to readyToConnect from paired: inactive if the accessToken was made invalid",
            INTERACTING,
            "token !",
            "inactive to 2 as 1/a; => readyToConnect/invalidAccessToken; close 7 as 1/a",
        ),
        (
            "7 effect: to readyToConnect from paired: inactive if the accessToken was changed",
            INTERACTING,
            "token b; closed 7; hello 8",
            "inactive to 2 as 1/a; => readyToConnect/noAccessToken; close 7 as 1/a; open as 1/b; => connecting; ping to 2 as 1/b; => interacting",
        ),
        (
            "7 effect: to readyToConnect from paired: nothing if the server aborted it",
            INTERACTING,
            "aborted 7 releasedByOther; +60000",
            "=> readyToConnect/releasedByOther; @1000 open as 1/a; @1000 => connecting; @11500 open as 1/a; @22500 open as 1/a; @34500 open as 1/a; @48500 open as 1/a",
        ),
        (
            "7 effect: to connecting from paired: nothing if the stream broke",
            INTERACTING,
            "end broken; timers",
            "=> connecting; Reopen 500",
        ),
        (
            "7 effect: to connecting from paired: nothing if the server recycled it",
            SEARCHING,
            "+9000; shutdown 7; timers",
            "@3000 ping to 2 as 1/a; @8000 ping to 2 as 1/a; open as 1/a; => connecting; Hello 10000",
        ),
        (
            "7 effect: the same state again has none",
            INTERACTING,
            "visible; online; resumed; token a; partner 2; id 1",
            "",
        ),
    ]);
}

#[test]
fn section_7_ping_schedule() {
    both(&[
        (
            "7 ping: while searching every searchingMaxEventOutDt",
            "id 1; token a; online; visible; hello 7; partner 2",
            "+15000",
            "@5000 ping to 2 as 1/a; @10000 ping to 2 as 1/a; @12000 alive 7 as 1/a; @15000 ping to 2 as 1/a",
        ),
        (
            "7 ping: while interacting every interactingMaxEventOutDt",
            "id 1; token a; online; visible; hello 7; partner 2; +2000; from 2 ping",
            "+10000; from 2 ping; alive 7; +10000",
            "@10000 ping to 2 as 1/a; got ping; @20000 ping to 2 as 1/a",
        ),
        (
            "7 ping: not put off by other events",
            "id 1; token a; online; visible; hello 7; partner 2",
            "+2000; send 1 x; +2000; send 2 y; +1000",
            "x to 2 as 1/a; 1 understood; y to 2 as 1/a; 2 understood; @5000 ping to 2 as 1/a",
        ),
        (
            "7 ping: counted from when it left, not from when it was due",
            "id 1; token a; online; visible; hello 7; partner 2; +4500; send 1 x",
            "+10000",
            "@1000 ping to 2 as 1/a; @6000 ping to 2 as 1/a; @7500 alive 7 as 1/a",
        ),
        ("7 ping: not while connecting", "id 1; token a; partner 2; online; visible", "+9999", ""),
        ("7 ping: not while rejected", REJECTED, "+9000", ""),
        (
            "7 partner assigned while not active is kept; the ping leaves on entering searching",
            PASSIVE,
            "partner 2; visible; hello 7",
            "partner 2; open as 1/a; => connecting; ping to 2 as 1/a; => searching/partnerInactive",
        ),
    ]);
}

#[test]
fn section_7_pings_go_on_where_one_did_not_leave() {
    // The first is rejected at once, and its answer does not come; the others fill the line.
    let strangers = 100..=100 + u32::try_from(MAX_WAITING).unwrap();
    let flood: String = strangers.map(|stranger| format!("from {stranger} ping; ")).collect();
    let found_no_room = format!(
        "id 1; token a; online; visible; hello 7; partner 2; manual; {flood} +5000; auto; answer 204"
    );
    both(&[(
        "7 ping: one that found no room in the line is not sent, and the next one is due after searchingMaxEventOutDt",
        &found_no_room,
        "+10000",
        "@5000 ping to 2 as 1/a; @7000 alive 7 as 1/a; @10000 ping to 2 as 1/a",
    )]);
}

#[test]
fn section_7_partner_activity() {
    // 22.6 s after the partner's last event.
    let broken = &format!("{INTERACTING}; end broken; +20600; end 503");
    let entered = "id 1; token a; online; visible; hello 7; partner 2; +2000; from 2 x; alive 7";
    both(&[
        (
            "7 partner timer: less than partnerActiveMaxEventInDt",
            entered,
            "+12000; alive 7; +12000; alive 7; +999; state; +1; state",
            "@10000 ping to 2 as 1/a; @12000 alive 7 as 1/a; @20000 ping to 2 as 1/a; @24000 alive 7 as 1/a; interacting; @25000 => searching/partnerInactive; searching/partnerInactive",
        ),
        (
            "7 partner timer: every event from the partner sets it",
            entered,
            "+5000; from 2 y; timers",
            "got y; Alive 5000, Ping 5000, Partner 25000",
        ),
        (
            "7 partner timer: not by a stranger's event",
            entered,
            "+5000; from 3 y; timers",
            "Alive 5000, Ping 5000, Partner 20000",
        ),
        (
            "7 partner timer: runs only while interacting",
            entered,
            "from 2 inactive; timers",
            "=> searching/partnerInactive; got inactive; Alive 10000, Ping 5000",
        ),
        (
            "7 partner timer: on every entry to the same moment",
            &format!("{entered}; +5000; end broken; +500"),
            "hello 8; timers",
            "ping to 2 as 1/a; => interacting; Alive 12000, Ping 10000, Partner 19500",
        ),
        (
            "7 partner: not active after inactive",
            INTERACTING,
            "from 2 inactive; state",
            "=> searching/partnerInactive; got inactive; searching/partnerInactive",
        ),
        (
            "7 partner: any event makes it active again",
            &format!("{INTERACTING}; from 2 inactive"),
            "from 2 x",
            "ping to 2 as 1/a; => interacting; got x",
        ),
        (
            "7 partner: a silence of less than partnerActiveMaxEventInDt while not connected",
            broken,
            "+2399; hello 8",
            "@2000 open as 1/a resume; ping to 2 as 1/a; => interacting",
        ),
        (
            "7 partner: a silence of partnerActiveMaxEventInDt while not connected",
            broken,
            "+2400; hello 8",
            "@2000 open as 1/a resume; ping to 2 as 1/a; => searching/partnerInactive",
        ),
        (
            "5 waking: what may be old does not make the partner active",
            &format!("{SEARCHING}; sleep 60000"),
            "from 2 x; alive 7; from 2 y",
            "got x; => interacting; got y",
        ),
        (
            "5 waking: one alive for one sleep",
            INTERACTING,
            "sleep 17000; alive 7",
            "alive 7 as 1/a; ping to 2 as 1/a",
        ),
        (
            "5 waking: but it is handled: inactive",
            &format!("{INTERACTING}; sleep 12000"),
            "from 2 inactive",
            "=> searching/partnerInactive; got inactive",
        ),
    ]);
    controllers(&[
        (
            "7 memory: the same partner assigned again by a controller is forgotten with its unassign",
            INTERACTING,
            "partner -; partner 2",
            "unassign/notPaired to 2 as 1/a; no partner; => readyToPair/noPartnerClientId; ping to 2 as 1/a; partner 2; => searching/partnerInactive",
        ),
        (
            "7 partner D: an unassign from the partner clears nothing at a controller, but it is not active",
            INTERACTING,
            "from 2 unassign",
            "=> searching/partnerInactive; got unassign",
        ),
    ]);
    responders(&[
        (
            "7 memory: the same partner assigned again in time is active at once",
            INTERACTING,
            "partner -; partner 2",
            "no partner; => readyToPair/noPartnerClientId; ping to 2 as 1/a; partner 2; => interacting",
        ),
        (
            "7 memory: also after another one that said nothing",
            INTERACTING,
            "partner 3; +2000; partner 2",
            "ping to 3 as 1/a; no partner; => readyToPair/noPartnerClientId; partner 3; => searching/partnerInactive; ping to 2 as 1/a; no partner; => readyToPair/noPartnerClientId; partner 2; => interacting",
        ),
        (
            "7 memory: one is remembered",
            INTERACTING,
            "partner 3; from 3 x; +2000; partner 2; state",
            "ping to 3 as 1/a; no partner; => readyToPair/noPartnerClientId; partner 3; => searching/partnerInactive; => interacting; got x; @1000 ping to 3 as 1/a; ping to 2 as 1/a; no partner; => readyToPair/noPartnerClientId; partner 2; => searching/partnerInactive; searching/partnerInactive",
        ),
        (
            "7 memory: not after that time",
            INTERACTING,
            "partner -; +10000; alive 7; +13000; partner 2",
            "no partner; => readyToPair/noPartnerClientId; @10000 alive 7 as 1/a; @22000 alive 7 as 1/a; ping to 2 as 1/a; partner 2; => searching/partnerInactive",
        ),
        (
            "7 memory: a change of clientId forgets it",
            &format!("{INTERACTING}; id 9; closed 7; hello 8"),
            "partner 2",
            "ping to 2 as 9/a; partner 2; => searching/partnerInactive",
        ),
    ]);
}

#[test]
fn section_7_cr_events_arrive_at_both_roles() {
    both(&[
        (
            "7 arrives: from the partner, to the enclosing client",
            INTERACTING,
            "from 2 answer/yes",
            "got answer/yes",
        ),
        (
            "7 arrives: reject flags the partner, with the event's subType",
            INTERACTING,
            "from 2 reject/somethingNew; state",
            "=> readyToPair/somethingNew; got reject/somethingNew; readyToPair/somethingNew",
        ),
        (
            "7 arrives D: reject without a ping that left flags nothing, but the partner is not active",
            &format!("{INTERACTING}; manual; send 1 x; from 2 reject/blocked; partner 2; from 2 y"),
            "from 2 reject/blocked",
            "=> searching/partnerInactive; got reject/blocked",
        ),
        (
            "7 arrives: a ping of the assigned partner in readyToPair lifts the rejection",
            REJECTED,
            "from 2 ping",
            "ping to 2 as 1/a; => interacting; got ping",
        ),
        ("7 arrives: another event of a partner that rejected lifts nothing", REJECTED, "from 2 x", "got x"),
        (
            "7 stranger: ping, a partner is assigned: assignedToOther",
            INTERACTING,
            "from 3 ping",
            "reject/assignedToOther to 3 as 1/a",
        ),
        ("7 stranger: ping while searching", SEARCHING, "from 3 ping", "reject/assignedToOther to 3 as 1/a"),
        (
            "7 stranger: any other event is dropped without an answer",
            INTERACTING,
            "from 3 x; from 3 inactive; from 3 unassign; from 3 reject/blocked; state",
            "interacting",
        ),
        (
            "7 stranger: any other event is dropped, readyToPair",
            READY_TO_PAIR,
            "from 3 x; from 3 inactive; from 3 unassign; from 3 reject/blocked; state",
            "readyToPair/noPartnerClientId",
        ),
        (
            "7 stranger: while closing, a ping is answered with the stream's credentials",
            &format!("{INTERACTING}; token b"),
            "from 3 ping",
            "reject/assignedToOther to 3 as 1/a",
        ),
        (
            "5 closing: events of the partner are handled",
            &format!("{INTERACTING}; hidden"),
            "from 2 x",
            "got x",
        ),
        (
            "7 one's own clientId as partner is nothing special",
            READY_TO_PAIR,
            "partner 1",
            "ping to 1 as 1/a; partner 1; => searching/partnerInactive",
        ),
    ]);
}

#[test]
fn section_7_cr_events_arrive_at_a_controller() {
    controllers(&[
        (
            "7 stranger: ping to an unassigned controller: notPaired",
            READY_TO_PAIR,
            "from 3 ping",
            "reject/notPaired to 3 as 1/a",
        ),
        (
            "7 stranger: ping to a controller whose partner is invalid: notPaired",
            &format!("{READY_TO_PAIR}; partner !"),
            "from 3 ping",
            "reject/notPaired to 3 as 1/a",
        ),
        (
            "7 stranger: ping to a controller that was rejected: assignedToOther",
            REJECTED,
            "from 3 ping",
            "reject/assignedToOther to 3 as 1/a",
        ),
        (
            "7 stranger: ping to a controller that is closing: notPaired",
            &format!("{READY_TO_PAIR}; hidden"),
            "from 3 ping",
            "reject/notPaired to 3 as 1/a",
        ),
        (
            "7 arrives: unassign clears no controller's partner",
            INTERACTING,
            "from 2 unassign; state",
            "=> searching/partnerInactive; got unassign; searching/partnerInactive",
        ),
    ]);
}

#[test]
fn section_7_cr_events_arrive_at_a_responder() {
    responders(&[
        (
            "7 arrives: a ping in readyToPair assigns its sender",
            READY_TO_PAIR,
            "from 3 ping",
            "ping to 3 as 1/a; partner 3; => interacting; got ping",
        ),
        ("7 arrives: only a ping does", READY_TO_PAIR, "from 3 x; state", "readyToPair/noPartnerClientId"),
        (
            "7 arrives: a ping in readyToPair replaces an invalid partner",
            &format!("{READY_TO_PAIR}; partner !"),
            "from 3 ping",
            "ping to 3 as 1/a; partner 3; => interacting; got ping",
        ),
        (
            "7 arrives D: a rejected responder counts as free",
            REJECTED,
            "from 3 ping",
            "ping to 3 as 1/a; no partner; => readyToPair/noPartnerClientId; partner 3; => interacting; got ping",
        ),
        (
            "7 arrives: the first one; the next is a stranger",
            READY_TO_PAIR,
            "from 3 ping; from 4 ping",
            "ping to 3 as 1/a; partner 3; => interacting; got ping; reject/assignedToOther to 4 as 1/a",
        ),
        (
            "7 arrives: unassign clears the partner",
            INTERACTING,
            "from 2 unassign/notPaired",
            "no partner; => readyToPair/noPartnerClientId; got unassign/notPaired",
        ),
        (
            "7 arrives: unassign, then anybody's ping",
            INTERACTING,
            "from 2 unassign; from 3 ping",
            "no partner; => readyToPair/noPartnerClientId; got unassign; ping to 3 as 1/a; partner 3; => interacting; got ping",
        ),
        (
            "7 arrives: unassign, then assigned again: not active",
            INTERACTING,
            "from 2 unassign; partner 2",
            "no partner; => readyToPair/noPartnerClientId; got unassign; ping to 2 as 1/a; partner 2; => searching/partnerInactive",
        ),
        (
            "7 stranger: a responder that is not readyToPair and has no partner stays silent",
            &format!("{READY_TO_PAIR}; hidden"),
            "from 3 ping; state",
            "passive/notVisible",
        ),
        (
            "7 stranger: nor does it get assigned",
            &format!("{READY_TO_PAIR}; token b"),
            "from 3 ping; state",
            "readyToConnect/noAccessToken",
        ),
        (
            "7 a stranger's ping that may be old assigns, but is no sign of life",
            &format!("{READY_TO_PAIR}; sleep 60000"),
            "from 3 ping",
            "ping to 3 as 1/a; partner 3; => searching/partnerInactive; got ping",
        ),
    ]);
}

#[test]
fn section_7_controllers_unassign_in_every_state() {
    let told = "unassign/notPaired to 2 as 1/a; no partner";
    let rows = [
        ("searching", SEARCHING.into(), format!("{told}; => readyToPair/noPartnerClientId")),
        ("interacting", INTERACTING.into(), format!("{told}; => readyToPair/noPartnerClientId")),
        ("rejected", REJECTED.into(), format!("{told}; => readyToPair/noPartnerClientId")),
        ("passive", format!("{INTERACTING}; hidden; closed 7"), told.into()),
        ("passive, still closing", format!("{INTERACTING}; paused"), told.into()),
        ("connecting", format!("{INTERACTING}; end broken"), told.into()),
        ("connecting, never connected", format!("{CONNECTING}; partner 2"), told.into()),
        ("readyToConnect, aborted", format!("{INTERACTING}; aborted 7 notAuthorized"), told.into()),
    ];
    for (name, given, then) in &rows {
        controllers(&[
            (&format!("7 unassign: {name}: cleared"), given, "partner -", then),
            (&format!("7 unassign: {name}: made invalid"), given, "partner !; partner -", &then.replace("=> readyToPair/noPartnerClientId", "=> readyToPair/noPartnerClientId; => readyToPair/invalidPartnerClientId; => readyToPair/noPartnerClientId")),
        ]);
        let silent = then.replace("unassign/notPaired to 2 as 1/a; ", "");
        responders(&[(&format!("7 responders let go in silence: {name}"), given, "partner -", &silent)]);
    }
    controllers(&[
        (
            "7 unassign: replaced: several changes in a row",
            INTERACTING,
            "partner 3",
            "unassign/notPaired to 2 as 1/a; no partner; => readyToPair/noPartnerClientId; partner 3; => searching/partnerInactive; ping to 3 as 1/a",
        ),
        (
            "7 unassign: offline, kept for later",
            &format!("{INTERACTING}; offline; closed 7"),
            "partner -; online; +5000",
            "no partner; open as 1/a; => connecting; @5000 unassign/notPaired to 2 as 1/a",
        ),
        ("7 unassign: the same partner again is none", INTERACTING, "partner 2", ""),
    ]);
}

#[test]
fn section_6_unassign_through_the_line() {
    controllers(&[
        (
            "6 unassign: unanswered, repeated every sendAnswerDt",
            &format!("{CONNECTING}; hidden; partner 2; manual"),
            "partner -; +15000; answer 204; +60000; timers",
            "unassign/notPaired to 2 as 1/a; no partner; @5000 unassign/notPaired to 2 as 1/a; @10000 unassign/notPaired to 2 as 1/a; @15000 unassign/notPaired to 2 as 1/a; no timers",
        ),
        (
            "6 unassign: unanswered, for unassignWaitDt at most",
            &format!("{CONNECTING}; hidden; partner 2; manual; partner -; +594000"),
            "+5999; +60000; timers",
            "@1000 unassign/notPaired to 2 as 1/a; no timers",
        ),
        (
            "6 unassign: while unloading it does not turn in circles",
            &format!("{INTERACTING}; manual"),
            "unloading; partner -; timers",
            "inactive to 2 as 1/a; close 7 as 1/a; => passive/unloading; unassign/notPaired to 2 as 1/a; no partner; Close 1000, Unassign 5000, Answer 5000",
        ),
        (
            "7 unassign: the goodbye is not overtaken by close",
            &format!("{INTERACTING}; manual"),
            "id 9; answer 204; answer 204",
            "unassign/notPaired to 2 as 1/a; no partner; => readyToPair/noPartnerClientId; => passive/noClientId; close 7 as 1/a",
        ),
    ]);
}

#[test]
fn section_7_client_id() {
    both(&[
        ("7 clientId: asked for if there is none", "", "visible", "asks"),
        ("7 clientId: once", "visible", "online; token a", ""),
        (
            "7 clientId: retry every invalidClientIdRetryDt",
            "visible; online; token a",
            "given -; +5000; +5000",
            "@5000 asks; @10000 asks",
        ),
        (
            "7 clientId: given, kept by the enclosing client",
            "visible; online; token a",
            "given 77; timers",
            "open as 77/a; is 77; => connecting; Hello 10000",
        ),
        (
            "7 clientId: given late, when there is one already, counts nothing",
            "visible; id 1",
            "given 77; state",
            "passive/notOnline",
        ),
        (
            "7 clientId: set by the enclosing client, no longer asked for",
            "visible",
            "id 1; timers",
            "=> passive/notOnline; no timers",
        ),
        ("7 clientId: an invalid one is not asked for", "id !", "visible; +60000", ""),
        ("7 clientId: not asked for while unloading", "visible", "unloading; +60000; timers", "no timers"),
        ("7 clientId: asked again when brought back", "visible; unloading", "loaded", "asks"),
        (
            "7 clientId: cleared: closes first, then a new one is asked for",
            READY_TO_PAIR,
            "id -; +500; closed 7; given 9",
            "close 7 as 1/a; => passive/noClientId; asks; open as 9/a; is 9; => connecting",
        ),
        (
            "7 clientId: cleared: asked for without `closed` too",
            READY_TO_PAIR,
            "id -; +1000",
            "close 7 as 1/a; => passive/noClientId; @1000 asks",
        ),
        (
            "7 clientId: changed: closes first, then the new id counts",
            READY_TO_PAIR,
            "id 9; state; closed 7",
            "close 7 as 1/a; => passive/noClientId; passive/noClientId; open as 9/a; => connecting",
        ),
        (
            "7 clientId: changed: the values of that moment count",
            READY_TO_PAIR,
            "id 9; id 8; closed 7",
            "close 7 as 1/a; => passive/noClientId; open as 8/a; => connecting",
        ),
        (
            "7 clientId: changed and back",
            READY_TO_PAIR,
            "id 9; id 1; closed 7; hello 8",
            "close 7 as 1/a; => passive/noClientId; => readyToConnect/noClientId; open as 1/a; => connecting; => readyToPair/noPartnerClientId",
        ),
        (
            "7 clientId: changed before hello",
            CONNECTING,
            "id 9",
            "open as 9/a; => passive/noClientId; => connecting",
        ),
        ("7 clientId: set to the same value changes nothing", INTERACTING, "id 1", ""),
        (
            "5 aborted: clientId set anew, also to the same value",
            &format!("{READY_TO_PAIR}; aborted 7 notAuthorized"),
            "id 1",
            "open as 1/a; => connecting",
        ),
    ]);
    controllers(&[
        (
            "7 clientId: changed: a controller unassigns its partner by the old id",
            INTERACTING,
            "id 9; closed 7; hello 8",
            "unassign/notPaired to 2 as 1/a; no partner; => readyToPair/noPartnerClientId; => passive/noClientId; close 7 as 1/a; open as 9/a; => connecting; => readyToPair/noPartnerClientId",
        ),
        (
            "7 clientId: cleared: likewise, also when not connected",
            &format!("{INTERACTING}; end broken"),
            "id -",
            "asks; unassign/notPaired to 2 as 1/a; no partner; => passive/noClientId",
        ),
    ]);
    responders(&[
        (
            "7 clientId D: changed: a paired responder says inactive by the old id and lets go",
            INTERACTING,
            "id 9; closed 7; hello 8",
            "inactive to 2 as 1/a; => passive/noClientId; no partner; close 7 as 1/a; open as 9/a; => connecting; => readyToPair/noPartnerClientId",
        ),
        (
            "7 clientId D: cleared: likewise",
            INTERACTING,
            "id -; closed 7",
            "inactive to 2 as 1/a; => passive/noClientId; no partner; close 7 as 1/a; asks",
        ),
    ]);
}

#[test]
fn section_5_and_7_the_receiver_is_set_anew() {
    let aborted = format!("{READY_TO_PAIR}; +20000; alive 7; aborted 7 releasedByOther");
    let again = "open as 1/a; => connecting";
    both(&[
        ("5 aborted: visible set anew, to the same value", &aborted, "visible", again),
        ("5 aborted: online set anew", &aborted, "online", again),
        ("5 aborted: pause set anew", &aborted, "resumed", again),
        ("5 aborted: accessToken set anew", &aborted, "token a", again),
        (
            "5 aborted: another accessToken",
            &aborted,
            "token b",
            "open as 1/b; => readyToConnect/noAccessToken; => connecting",
        ),
        (
            "5 aborted: a partner is nothing of the receiver's",
            &aborted,
            "partner 2; state",
            "partner 2; readyToConnect/releasedByOther",
        ),
        (
            "5 aborted: visible again after having been hidden",
            &aborted,
            "hidden; visible",
            "=> passive/notVisible; open as 1/a; => connecting",
        ),
        (
            "5 closing: hidden and visible again",
            READY_TO_PAIR,
            "hidden; visible; closed 7",
            "close 7 as 1/a; => passive/notVisible; => readyToConnect/clientNotActive; open as 1/a; => connecting",
        ),
        (
            "5 change: accessToken, the values of that moment count",
            READY_TO_PAIR,
            "token b; token c; +1000",
            "close 7 as 1/a; => readyToConnect/noAccessToken; @1000 open as 1/c; @1000 => connecting",
        ),
        (
            "6 change: until then the sender misses it too",
            INTERACTING,
            "token b; send 1 x",
            "inactive to 2 as 1/a; => readyToConnect/noAccessToken; close 7 as 1/a; 1 refused noAccessToken",
        ),
    ]);
}

#[test]
fn section_7_release() {
    let released =
        || World::with(Role::Responder, Timing { release_dt: Millis(60_000), ..Timing::default() });
    let by_ping = format!("{READY_TO_PAIR}; from 2 ping; from 2 inactive");
    let steady = "alive 7; +10000; alive 7; +10000; alive 7; +10000; alive 7; +10000; alive 7; +10000; alive 7; +9999; alive 7";
    let quiet = |then: &str| then.to_owned();
    let rows = [
        (
            "7 releaseDt D: a partner assigned by a ping is let go",
            by_ping.as_str(),
            "timers",
            quiet("Alive 12000, Ping 5000, Release 60000"),
        ),
        (
            "7 releaseDt D: not while interacting",
            &format!("{by_ping}; from 2 x"),
            "timers",
            quiet("Alive 12000, Pace 1000, Ping 10000, Partner 25000"),
        ),
        (
            "7 releaseDt D: not one that the enclosing client assigned",
            &format!("{READY_TO_PAIR}; partner 2"),
            "timers",
            quiet("Alive 12000, Ping 5000"),
        ),
    ];
    for (rule, given, when, then) in &rows {
        support::check(&[(rule, given, when, then)], released);
    }
    let mut world = released();
    run(&mut world, &by_ping);
    run(&mut world, steady);
    assert_eq!(world.wired.socket.partner(), Some(id(2)), "7 releaseDt: not before");
    run(&mut world, "+1");
    assert_eq!(world.wired.socket.partner(), None, "7 releaseDt: let go; seen {:?}", world.clock.log);
    let mut off = World::responder();
    run(&mut off, &by_ping);
    run(&mut off, steady);
    run(&mut off, steady);
    assert_eq!(off.wired.socket.partner(), Some(id(2)), "7 releaseDt: off by default");
}

#[test]
fn section_7_release_needs_searching_without_a_break() {
    let mut world = World::with(Role::Responder, Timing { release_dt: Millis(8_000), ..Timing::default() });
    run(
        &mut world,
        &format!("{READY_TO_PAIR}; from 2 ping; from 2 inactive; +5000; from 2 x; from 2 inactive; +7999"),
    );
    assert_eq!(world.wired.socket.partner(), Some(id(2)), "7 releaseDt: the break began it anew");
    run(&mut world, "+1");
    assert_eq!(world.wired.socket.partner(), None, "7 releaseDt: seen {:?}", world.clock.log);
    run(&mut world, "from 2 ping; from 2 inactive; partner 2; +20000");
    assert_eq!(
        world.wired.socket.partner(),
        Some(id(2)),
        "7 releaseDt: assigned by the enclosing client meanwhile"
    );
}

#[test]
fn section_6_through_the_whole_crsocket() {
    both(&[
        (
            "6 goodbye: queued events leave before inactive, and close comes last",
            &format!("{INTERACTING}; send 1 x; send 2 y; send 3 z"),
            "hidden",
            "y to 2 as 1/a; => passive/notVisible; z to 2 as 1/a; 2 understood; inactive to 2 as 1/a; 3 understood; close 7 as 1/a",
        ),
        (
            "6 goodbye: one request at a time",
            &format!("{INTERACTING}; manual; send 1 x; send 2 y"),
            "hidden; answer 204; answer 204; answer 204",
            "=> passive/notVisible; y to 2 as 1/a; 1 understood; inactive to 2 as 1/a; 2 understood; close 7 as 1/a",
        ),
        (
            "6 goodbye: at once while unloading",
            &format!("{INTERACTING}; manual; send 1 x; send 2 y"),
            "unloading; answers 204",
            "y to 2 as 1/a; inactive to 2 as 1/a; close 7 as 1/a; => passive/unloading; 1 understood; 2 understood",
        ),
        (
            "6 goodbye: unanswered while unloading",
            &format!("{INTERACTING}; manual; send 1 x; send 2 y"),
            "unloading; +5000",
            "y to 2 as 1/a; inactive to 2 as 1/a; close 7 as 1/a; => passive/unloading; @5000 1 unconfirmed; @5000 2 unconfirmed",
        ),
        (
            "6 offline: kept, and released behind the ping when paired again",
            &format!("{INTERACTING}; offline; send 1 x buffered; send 2 y; closed 7"),
            "online; +400; hello 8",
            "open as 1/a; => connecting; ping to 2 as 1/a; => interacting; x to 2 as 1/a; 1 understood",
        ),
        (
            "6 accepted: while connecting",
            &format!("{SEARCHING}; end broken"),
            "send 1 x",
            "x to 2 as 1/a; 1 understood",
        ),
        ("6 refused: with the sender's subState", READY_TO_PAIR, "send 1 x", "1 refused noPartnerClientId"),
        (
            "5 alive: sendevents put off one of both waits only",
            &format!("{INTERACTING}; from 2 x; +5000; send 1 y"),
            "+7000",
            "@4000 ping to 2 as 1/a; @7000 alive 7 as 1/a",
        ),
    ]);
}

#[test]
fn section_5_reports_that_were_overtaken_count_nothing() {
    let mut socket = Socket::new(Role::Controller);
    let clock = Clock::new(Timing::default());
    let mut give = |input| {
        let mut actions: Vec<SocketAction> = Vec::new();
        socket.handle(input, &clock.step(), &mut actions);
        socket.state().clone()
    };
    use crsocket::protocol::socket::Input;
    give(Input::ClientId(Assigned::Valid(id(1))));
    give(Input::AccessToken(Assigned::Valid(token("a"))));
    give(Input::Online(true));
    assert_eq!(give(Input::Visible(true)), State::Connecting);
    let open = receiver::View { state: receiver::State::Open, stream: Some(support::creds(1, "a")) };
    let late = Input::ReceiverReport { view: open.clone(), revision: 3 };
    assert_eq!(give(late), State::Connecting, "7 one step: a report from before the last input");
    let unpaired = State::ReadyToPair(WhyUnpaired::NotReady(WhyNotReady::NoPartnerClientId));
    assert_eq!(give(Input::ReceiverReport { view: open, revision: 4 }), unpaired);
}

#[test]
fn section_7_an_event_without_a_sender_is_nobodys() {
    let mut world = World::responder();
    run(&mut world, READY_TO_PAIR);
    let before = world.wired.socket.clone();
    let input = crsocket::protocol::socket::Input::Received {
        event: CrEvent::ping(),
        credentials: support::creds(1, "a"),
        stale: false,
    };
    world.give(crsocket::protocol::wired::Input::Socket(input));
    assert_eq!(world.wired.socket, before);
    assert_eq!(Ticket(0), Ticket::default());
}

/// No whole crSocket gets there: while its stream is not open no frame comes, or the rejection is lifted already.
#[test]
fn section_7_a_rejected_responder_that_is_not_ready_to_pair_stays_silent() {
    for (partner, answers) in [("", false), ("; from 2 ping", true)] {
        let mut world = World::responder();
        run(&mut world, &format!("{REJECTED}{partner}; end broken; +2000"));
        let before = world.wired.sender.clone();
        let event = CrEvent { sender: Some(id(3)), ..CrEvent::ping() };
        let credentials = support::creds(1, "a");
        let input = crsocket::protocol::socket::Input::Received { event, credentials, stale: false };
        world.give(crsocket::protocol::wired::Input::Socket(input));
        assert_eq!(world.wired.sender != before, answers, "a reject to a stranger, after {partner:?}");
    }
}

#[test]
fn section_7_timers_that_fire_early_do_nothing() {
    for timer in [TimerKind::Ping, TimerKind::Partner] {
        for given in [READY_TO_PAIR, SEARCHING, INTERACTING] {
            let mut world = World::responder();
            run(&mut world, given);
            let before = world.wired.clone();
            world.fire(timer);
            assert_eq!(world.wired, before, "{timer:?} after {given:?}");
        }
    }
}

#[test]
fn section_8_table_of_timings() {
    let timing = Timing::default();
    for (name, length, default) in [
        ("serverInteractionCompleteDt", timing.server_interaction_complete_dt, 1_000),
        ("minCrEventDt", timing.min_cr_event_dt, 1_000),
        ("interactingMaxEventOutDt", timing.interacting_max_event_out_dt, 10_000),
        ("searchingMaxEventOutDt", timing.searching_max_event_out_dt, 5_000),
        ("partnerActiveMaxEventInDt", timing.partner_active_max_event_in_dt, 25_000),
        ("invalidClientIdRetryDt", timing.invalid_client_id_retry_dt, 5_000),
        ("eventSourceSendAliveDt", timing.event_source_send_alive_dt, 12_000),
        ("maxPrevAliveDt", timing.max_prev_alive_dt, 25_000),
        ("recipientWaitDt", timing.recipient_wait_dt, 4_000),
        ("helloSettleDt", timing.hello_settle_dt, 200),
        ("sendAnswerDt", timing.send_answer_dt, 5_000),
        ("helloMaxDt", timing.hello_max_dt, 10_000),
        ("unassignWaitDt", timing.unassign_wait_dt, 600_000),
        ("releaseDt", timing.release_dt, 0),
    ] {
        assert_eq!(length, Millis(default), "section 8: {name}");
    }
    assert_eq!(timing.max_event_data_length, 8_192, "section 8: maxEventDataLength");
    assert_eq!(timing.check(), Ok(()), "section 8: the defaults");
}

#[test]
fn section_8_contradictions_name_both_keys() {
    let default = Timing::default;
    let ms = Millis;
    for (timing, keys) in [
        (
            Timing { searching_max_event_out_dt: ms(25_000), ..default() },
            ["searching_max_event_out_dt", "partner_active_max_event_in_dt"],
        ),
        (
            Timing { interacting_max_event_out_dt: ms(25_000), ..default() },
            ["interacting_max_event_out_dt", "partner_active_max_event_in_dt"],
        ),
        (
            Timing { event_source_send_alive_dt: ms(12_501), ..default() },
            ["event_source_send_alive_dt", "max_prev_alive_dt"],
        ),
    ] {
        let error = timing.check().unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, TimingError::Contradiction { .. }), "section 8: {said}");
        assert!(keys.iter().all(|key| said.contains(key)), "section 8: {keys:?} in {said:?}");
    }
    for timing in [
        Timing { searching_max_event_out_dt: ms(24_999), ..default() },
        Timing { interacting_max_event_out_dt: ms(24_999), ..default() },
        Timing { event_source_send_alive_dt: ms(12_500), ..default() },
    ] {
        assert_eq!(timing.check(), Ok(()), "section 8");
    }
}

/// What a crSocket that was brought this far asks for when a timer of its own fires after so long a time.
fn fires_after(given: &str, timer: TimerKind, length: i64) -> (Vec<SocketAction>, bool) {
    let timing = Timing { release_dt: Millis(60_000), ..Timing::default() };
    let mut world = World::with(Role::Responder, timing);
    run(&mut world, given);
    world.clock.now += Millis(length);
    let before = world.wired.socket.clone();
    let mut actions = Vec::new();
    let timer = crsocket::protocol::socket::Input::Timer(timer);
    world.wired.socket.handle(timer, &world.clock.step(), &mut actions);
    (actions, world.wired.socket != before)
}

#[test]
fn section_5_and_7_timers_of_the_crsocket_that_are_late_early_or_not_armed() {
    let released = format!("{READY_TO_PAIR}; from 2 ping; from 2 inactive");
    let searching = format!("{READY_TO_PAIR}; partner 2");
    let woke = SocketAction::Receiver(receiver::Input::Woke);
    let armed: [(&str, TimerKind, i64); 4] = [
        (&released, TimerKind::Release, 60_000),
        ("visible", TimerKind::ClientId, 5_000),
        (INTERACTING, TimerKind::Partner, 23_000),
        (&searching, TimerKind::Ping, 5_000),
    ];
    for (given, timer, after) in armed {
        assert_eq!(fires_after(given, timer, after - 1), (vec![], false), "{timer:?}: early");
        let (on_time, acts) = fires_after(given, timer, after);
        assert!(acts || !on_time.is_empty(), "{timer:?}: on time");
        assert!(!on_time.contains(&woke), "{timer:?}: on time");
        assert!(!fires_after(given, timer, after + 5_000).0.contains(&woke), "{timer:?}: 5 s late");
        let (late, _) = fires_after(given, timer, after + 5_001);
        assert_eq!(late.first(), Some(&woke), "5 waking: {timer:?}");
    }
    let stray = [
        (INTERACTING, TimerKind::Release),
        (INTERACTING, TimerKind::ClientId),
        (&searching, TimerKind::Release),
        (&searching, TimerKind::Partner),
        (READY_TO_PAIR, TimerKind::Ping),
        ("visible", TimerKind::Release),
    ];
    for (given, timer) in stray {
        assert_eq!(fires_after(given, timer, 600_000), (vec![], false), "{timer:?} after {given}: not armed");
    }
}

/// What leaves for a partner that is let go, whatever the credentials and the connection are meanwhile.
#[test]
fn section_6_goodbyes_after_changes_of_credentials_and_offline() {
    controllers(&[
        (
            "6 unassign: while the accessToken changes, with the former one",
            INTERACTING,
            "token b; partner 3; +1000; hello 8",
            "inactive to 2 as 1/a; => readyToConnect/noAccessToken; close 7 as 1/a; unassign/notPaired to 2 as 1/a; no partner; partner 3; @1000 open as 1/b; @1000 => connecting; ping to 3 as 1/b; => searching/partnerInactive",
        ),
        (
            "6 unassign: once the new accessToken counts, with that one",
            INTERACTING,
            "token b; +1000; hello 8; partner 3",
            "inactive to 2 as 1/a; => readyToConnect/noAccessToken; close 7 as 1/a; @1000 open as 1/b; @1000 => connecting; ping to 2 as 1/b; => interacting; unassign/notPaired to 2 as 1/b; no partner; => readyToPair/noPartnerClientId; partner 3; => searching/partnerInactive",
        ),
        (
            "6 unassign: while the accessToken is missing, with the former one",
            INTERACTING,
            "token -; closed 7; partner -; token a; hello 8; +20000",
            "inactive to 2 as 1/a; => readyToConnect/noAccessToken; close 7 as 1/a; unassign/notPaired to 2 as 1/a; no partner; open as 1/a; => connecting; => readyToPair/noPartnerClientId; @12000 alive 8 as 1/a",
        ),
        (
            "6 unassign: a partner that was assigned without an accessToken never knew the former one",
            INTERACTING,
            "token -; closed 7; partner 3; partner -",
            "inactive to 2 as 1/a; => readyToConnect/noAccessToken; close 7 as 1/a; unassign/notPaired to 2 as 1/a; no partner; partner 3; no partner",
        ),
        (
            "6 unassign: what was kept for that partner is not overtaken",
            &format!("{INTERACTING}; +2000; offline; send 1 x buffered; partner 3; +3000"),
            "online; +2500; hello 8; +5000",
            "open as 1/a; => connecting; @2000 x to 2 as 1/a; @2000 unassign/notPaired to 2 as 1/a; @2000 1 understood; => searching/partnerInactive; @3000 ping to 3 as 1/a",
        ),
    ]);
    both(&[
        (
            "6 kept: an accessToken that comes back is no goodbye",
            &format!("{INTERACTING}; +2000; offline; +1000; send 1 x buffered; token -; online"),
            "token a; +500; hello 8",
            "open as 1/a; => connecting; ping to 2 as 1/a; => interacting; x to 2 as 1/a; 1 understood",
        ),
        (
            "6 kept: not released behind a ping that did not arrive",
            &format!("{INTERACTING}; +2000; offline; +1000; send 1 x buffered; manual; online; hello 8"),
            "answer noconn; +10000; answer 204",
            "@10000 ping to 2 as 1/a; x to 2 as 1/a",
        ),
        (
            "6 kept: not released behind a ping that was refused",
            &format!("{INTERACTING}; +2000; offline; +1000; send 1 x buffered; manual; online; hello 8"),
            "answer 503; +10000; answer 204",
            "@10000 ping to 2 as 1/a; x to 2 as 1/a",
        ),
        (
            "6 kept: released behind a ping that was understood",
            &format!("{INTERACTING}; +2000; offline; +1000; send 1 x buffered; manual; online; hello 8"),
            "answer 204",
            "x to 2 as 1/a",
        ),
        (
            "6 kept: released behind a ping that may have arrived",
            &format!("{INTERACTING}; +2000; offline; +1000; send 1 x buffered; manual; online; hello 8"),
            "+5000",
            "@5000 x to 2 as 1/a",
        ),
    ]);
}

/// "Waking (a timer more than 5 s late: the device slept)": also if an event comes before that timer.
#[test]
fn section_5_waking_is_noticed_by_an_event_that_comes_before_the_late_timer() {
    both(&[
        (
            "5 waking D: the ping's timer is overdue",
            SEARCHING,
            "doze 8001; from 2 ping",
            "alive 7 as 1/a; got ping",
        ),
        (
            "5 waking D: not by more than 5 s",
            SEARCHING,
            "doze 8000; from 2 ping",
            "ping to 2 as 1/a; => interacting; got ping",
        ),
        (
            "5 waking D: the echo ends it",
            SEARCHING,
            "doze 8001; from 2 ping; sleep 0; alive 7; from 2 ping",
            "alive 7 as 1/a; got ping; ping to 2 as 1/a; => interacting; got ping",
        ),
        (
            "5 waking D: nothing is armed",
            READY_TO_PAIR,
            "doze 8001; from 2 x; state",
            "readyToPair/noPartnerClientId",
        ),
    ]);
}
