//! What can hardly be produced between two answers, and every word of it.

use super::*;
use crate::actors::details::{KindCounts, LastError, ReceiverDetails, SenderDetails};
use crate::actors::inspection::SessionDetails;
use crate::admin::explain::Code;
use crate::protocol::event::Rejection;
use crate::protocol::ids::{AccessToken, AppId, Pid};
use crate::protocol::socket::ClientFacts;
use crate::protocol::{receiver, sender};

fn id(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

fn socket(state: State) -> SocketDetails {
    SocketDetails {
        role: Role::Controller,
        client: ClientFacts { client_id: Assigned::Valid(id("000001")), ..ClientFacts::default() },
        partner: Assigned::Valid(id("000002")),
        rejection: None,
        state,
        partner_silent: None,
        timers: Vec::new(),
        receiver: ReceiverDetails {
            state: receiver::State::Opening,
            stream: None,
            open_for: None,
            timers: Vec::new(),
            counts: KindCounts::default(),
            last_error: None,
        },
        sender: SenderDetails {
            state: sender::State::NotReady(WhyNotReady::NoClientId),
            queued: 0,
            kept: 0,
            in_line: 0,
            awaits_answer: false,
            timers: Vec::new(),
            counts: KindCounts::default(),
            last_error: None,
        },
    }
}

fn said_of(socket: &SocketDetails) -> String {
    why(socket, Millis(2_000), &[], None)
}

#[test]
fn each_reason_to_be_passive_is_told() {
    for (reason, said) in [
        (WhyPassive::NoClientId, "its clientId 000001 counts once the stream of the one before has ended"),
        (WhyPassive::InvalidClientId, "its clientId is not six digits"),
        (WhyPassive::NotVisible, "it is not visible"),
        (WhyPassive::NotOnline, "it is not online"),
        (WhyPassive::Paused, "it is paused"),
        (WhyPassive::Unloading, "it is going away"),
    ] {
        assert_eq!(said_of(&socket(State::Passive(reason))), format!("passive: {said}"));
    }
    let mut none = socket(State::Passive(WhyPassive::NoClientId));
    none.client.client_id = Assigned::Nothing;
    assert_eq!(said_of(&none), "passive: it has no clientId yet; the server has been asked for one");
}

#[test]
fn each_reason_not_to_connect_is_told() {
    for (reason, said) in [
        (WhyClosed::NoAccessToken, "it has no accessToken"),
        (WhyClosed::InvalidAccessToken, "its accessToken does not match the pattern of accessTokens"),
        (WhyClosed::NoClientId, "its clientId counts once the stream of the one before has ended"),
        (WhyClosed::ClientNotActive, "its stream from before is still closing"),
    ] {
        let state = State::ReadyToConnect(WhyUnconnected::Closed(reason));
        assert_eq!(said_of(&socket(state)), format!("readyToConnect: {said}"));
    }
    let mut later = socket(State::ReadyToConnect(WhyUnconnected::Closed(WhyClosed::NoAccessToken)));
    later.client.access_token = Assigned::Valid(AccessToken::parse("secret").unwrap());
    let said = "readyToConnect: its accessToken counts once the stream of the one before has ended";
    assert_eq!(said_of(&later), said);
}

#[test]
fn each_reason_of_an_abort_is_told_with_what_helps() {
    let server = |reason| WhyAborted::Server(reason);
    for (reason, said) in [
        (WhyAborted::Error, "the server does not serve its stream; it stays so until its facts are set anew"),
        (
            server(AbortReason::InvalidRole),
            "the server does not accept its role; it stays so until it is made anew",
        ),
        (
            server(AbortReason::InvalidClientId),
            "the server does not accept its clientId; it stays so until it gets another clientId",
        ),
        (
            server(AbortReason::ClientNotAlive),
            "the server had heard nothing from it for too long; it stays so until it is set visible or online anew",
        ),
        (
            server(AbortReason::Other("closedForToday".into())),
            "the server gave its stream up (closedForToday); it stays so until it is set visible or online anew",
        ),
    ] {
        let state = State::ReadyToConnect(WhyUnconnected::Aborted(reason));
        assert_eq!(said_of(&socket(state)), format!("readyToConnect: {said}"));
    }
    let mut again =
        socket(State::ReadyToConnect(WhyUnconnected::Aborted(server(AbortReason::ClientNotAlive))));
    again.receiver.timers = vec![(TimerKind::Reopen, Millis(1_550))];
    let said = "readyToConnect: the server had heard nothing from it for too long; it tries again in 1.5 s";
    assert_eq!(said_of(&again), said);
}

#[test]
fn who_connects_says_when_and_why_not_yet() {
    let mut connecting = socket(State::Connecting);
    assert_eq!(
        said_of(&connecting),
        "connecting: its stream is being opened; the server has not said hello yet"
    );
    connecting.receiver.timers = vec![(TimerKind::Reopen, Millis(90_000))];
    assert_eq!(said_of(&connecting), "connecting: its stream is opened again in 1 min 30 s");
    connecting.receiver.last_error = Some(LastError { at: 0, what: "the stream ended".into() });
    assert_eq!(
        said_of(&connecting),
        "connecting: its stream is opened again in 1 min 30 s (the stream ended)"
    );
    let used = |by| InUse { client_id: id("000001"), by, waiting: 0 };
    let kept = used(UsedBy::Reserved { left: Millis(7_300) });
    assert_eq!(
        why(&connecting, Millis::ZERO, &[], Some(&kept)),
        "connecting: its stream is opened again in 1 min 30 s; its clientId is kept for the user of its last session for 7.3 s more"
    );
    let session = |contest| {
        used(UsedBy::Session(Box::new(SessionDetails {
            app: AppId::parse("demo").unwrap(),
            role: Role::Controller,
            pid: Pid::from_number(1).unwrap(),
            hosted: false,
            open_for: Millis::ZERO,
            silent_for: Millis::ZERO,
            own_silent_for: Millis::ZERO,
            contest,
            queued_frames: 0,
            queued_events: 0,
            queued_bytes: 0,
            seen: crate::actors::inspection::Seen::default(),
        })))
    };
    assert_eq!(
        why(&connecting, Millis::ZERO, &[], Some(&session(Contest::Defended))),
        "connecting: its stream is opened again in 1 min 30 s; its clientId has a session of another user, who may show to be there"
    );
    let own = why(&connecting, Millis::ZERO, &[], Some(&session(Contest::Quiet)));
    assert_eq!(own, "connecting: its stream is opened again in 1 min 30 s (the stream ended)");
}

#[test]
fn each_reason_not_to_pair_is_told() {
    for (reason, said) in [
        (WhyUnpaired::NotReady(WhyNotReady::NoPartnerClientId), "no partner is assigned to it"),
        (
            WhyUnpaired::NotReady(WhyNotReady::InvalidPartnerClientId),
            "its partner's clientId is not six digits",
        ),
        (
            WhyUnpaired::NotReady(WhyNotReady::NoAccessToken),
            "something it needs does not count yet (noAccessToken)",
        ),
        (
            WhyUnpaired::Rejected(Rejection::Blocked),
            "it was rejected, since the server's policies do not let it through (blocked)",
        ),
        (
            WhyUnpaired::Rejected(Rejection::Other("busy".into())),
            "it was rejected, and 000002 says why: busy",
        ),
    ] {
        assert_eq!(said_of(&socket(State::ReadyToPair(reason))), format!("readyToPair: {said}"));
    }
    let mut nobody = socket(State::ReadyToPair(WhyUnpaired::Rejected(Rejection::NotPaired)));
    nobody.partner = Assigned::Nothing;
    assert_eq!(said_of(&nobody), "readyToPair: it was rejected (notPaired)");
}

#[test]
fn who_searches_tells_what_concerns_its_partner_first() {
    let mut searching = socket(State::Searching);
    assert_eq!(said_of(&searching), "searching: 000002 has not answered for 2.0 s");
    searching.partner_silent = Some(Millis(3_723_000));
    let obstacle = |client_id: &str, text: &str| Obstacle {
        code: Code::NotPinging,
        client_id: client_id.to_owned(),
        text: text.to_owned(),
    };
    let both = [obstacle("000001", "000001 is asleep"), obstacle("000002", "000002 is away")];
    let said = why(&searching, Millis::ZERO, &both, None);
    assert_eq!(said, "searching: 000002 has not answered for 1 h 2 min; it is away");
    let said = why(&searching, Millis::ZERO, &both[..1], None);
    assert_eq!(said, "searching: 000002 has not answered for 1 h 2 min; 000001 is asleep");
}

#[test]
fn who_interacts_says_with_whom() {
    let mut interacting = socket(State::Interacting);
    assert_eq!(said_of(&interacting), "interacting: with 000002");
    interacting.partner_silent = Some(Millis(480));
    assert_eq!(said_of(&interacting), "interacting: with 000002, last heard of 0.4 s ago");
}
