use proptest::prelude::*;

use super::*;
use crate::protocol::event::Rejection;
use crate::protocol::receiver::{WhyAborted, WhyClosed};
use crate::protocol::sender::WhyNotReady;
use crate::protocol::socket::{WhyPassive, WhyUnconnected, WhyUnpaired};
use crate::protocol::wire::AbortReason;

fn app(name: &str) -> AppId {
    AppId::parse(name).unwrap()
}

fn id(number: u32) -> ClientId {
    ClientId::from_number(number).unwrap()
}

fn board() -> Arc<Board> {
    Arc::default()
}

fn aborted(reason: AbortReason) -> State {
    State::ReadyToConnect(WhyUnconnected::Aborted(WhyAborted::Server(reason)))
}

fn pages(board: &Board) -> usize {
    board.inner.read().unwrap().pages.iter().flatten().count()
}

fn ids(list: &[Summary]) -> Vec<u32> {
    list.iter().map(|summary| summary.id.0).collect()
}

proptest! {
    #[test]
    fn a_word_holds_what_was_put_in(
        number in 0..=32_u8,
        is_responder: bool,
        app: u16,
        partner in prop::option::of(0..1_000_000_u32),
    ) {
        let word = Word {
            state: StateName::from_number(number),
            role: if is_responder { Role::Responder } else { Role::Controller },
            app,
            partner: partner.map(id),
        };
        prop_assert_eq!(Word::unpack(word.pack()), Some(word));
        prop_assert!(word.pack() != 0 && word.pack() >> 44 == 0, "{:x}", word.pack());
    }

    /// Whoever comes and goes in which order, the board says exactly who is there.
    #[test]
    fn who_is_there_is_listed(steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..60)) {
        let board = board();
        let mut there: Vec<Place> = Vec::new();
        for (comes, which) in steps {
            if comes || there.is_empty() {
                there.push(board.enter(&app("lab"), Role::Controller));
            } else {
                there.swap_remove(which.index(there.len()));
            }
            let mut expected: Vec<u32> = there.iter().map(|place| place.id().0).collect();
            expected.sort_unstable();
            prop_assert_eq!(ids(&board.list(SocketId(0), usize::MAX)), expected);
            prop_assert_eq!(board.len(), there.len());
        }
    }
}

#[test]
fn an_empty_word_is_nobody() {
    assert_eq!(Word::unpack(0), None);
}

#[test]
fn every_state_has_its_published_names() {
    let states = [
        (State::Passive(WhyPassive::NotVisible), "passive/notVisible"),
        (State::Passive(WhyPassive::Unloading), "passive/unloading"),
        (
            State::ReadyToConnect(WhyUnconnected::Closed(WhyClosed::NoAccessToken)),
            "readyToConnect/noAccessToken",
        ),
        (aborted(AbortReason::ReleasedByOther), "readyToConnect/releasedByOther"),
        (aborted(AbortReason::Other("word".into())), "readyToConnect/other"),
        (State::Connecting, "connecting"),
        (
            State::ReadyToPair(WhyUnpaired::NotReady(WhyNotReady::NoPartnerClientId)),
            "readyToPair/noPartnerClientId",
        ),
        (State::ReadyToPair(WhyUnpaired::Rejected(Rejection::NotPaired)), "readyToPair/notPaired"),
        (State::ReadyToPair(WhyUnpaired::Rejected(Rejection::Other("word".into()))), "readyToPair/other"),
        (State::Searching, "searching/partnerInactive"),
        (State::Interacting, "interacting"),
    ];
    for (state, names) in states {
        let name = StateName::of(&state);
        assert_eq!(name.to_string(), names);
        assert_eq!(StateName::from_number(name.number()), name);
    }
}

#[test]
fn a_crsocket_publishes_itself() {
    let board = board();
    let place = board.enter(&app("lab"), Role::Responder);
    let other = board.enter(&app("ward"), Role::Controller);
    place.publish(&State::Interacting, Some(id(999_999)));
    place.publish_client_id(Some(id(0)));
    place.count_sent();
    place.count_sent();
    place.count_received();
    place.count_reset();
    let expected = Summary {
        id: place.id(),
        app: app("lab"),
        role: Role::Responder,
        state: StateName::of(&State::Interacting),
        since: 0,
        apart_since: None,
        partner: Some(id(999_999)),
        client_id: Some(id(0)),
        sent: 2,
        received: 1,
        resets: 1,
    };
    assert_eq!(board.get(place.id()), Some(expected));
    let other = board.get(other.id()).unwrap();
    assert_eq!((other.app, other.partner, other.client_id, other.sent), (app("ward"), None, None, 0));
    place.publish_client_id(None);
    assert_eq!(board.get(place.id()).unwrap().client_id, None);
    let number = place.id();
    drop(place);
    assert_eq!(board.get(number), None);
    assert_ne!(board.enter(&app("lab"), Role::Responder).id(), number, "a number is never given again");
}

#[test]
fn lists_are_in_order_and_counts_are_by_state() {
    let board = board();
    let places: Vec<Place> = (0..2 * PAGE + 10).map(|_| board.enter(&app("lab"), Role::Controller)).collect();
    for place in places.iter().step_by(3) {
        place.publish(&State::Interacting, None);
    }
    assert_eq!(ids(&board.list(SocketId(PAGE - 2), 5)), [PAGE - 2, PAGE - 1, PAGE, PAGE + 1, PAGE + 2]);
    assert_eq!(ids(&board.list(SocketId(2 * PAGE + 8), 5)), [2 * PAGE + 8, 2 * PAGE + 9]);
    assert_eq!(board.list(SocketId(5 * PAGE), 5), []);
    assert_eq!(board.list(SocketId(u32::MAX), 5), []);
    let counts = board.count_by_state();
    let interacting = places.len().div_ceil(3);
    assert_eq!(counts.get("interacting"), Some(&interacting));
    assert_eq!(counts.get("passive"), Some(&(places.len() - interacting)));
    assert_eq!(board.len(), places.len());
    drop(places);
    assert!(board.is_empty() && board.count_by_state().is_empty());
}

#[test]
fn a_page_goes_when_all_have_left_it() {
    let board = board();
    let mut places: Vec<Place> = (0..3 * PAGE).map(|_| board.enter(&app("lab"), Role::Controller)).collect();
    assert_eq!(pages(&board), 3);
    let kept = places.remove(5);
    places.retain(|place| place.id().0 >= PAGE);
    assert_eq!(pages(&board), 3, "somebody is there still");
    assert_eq!(ids(&board.list(SocketId(0), 2)), [5, PAGE]);
    drop(kept);
    assert_eq!(pages(&board), 2);
    assert_eq!(board.get(SocketId(5)), None);
    drop(places);
    assert_eq!(pages(&board), 0);
}

#[test]
fn ten_thousand_that_come_and_go_one_after_the_other_leave_no_page() {
    let board = board();
    for turn in 0..10 * PAGE {
        let place = board.enter(&app("lab"), Role::Controller);
        assert_eq!(place.id(), SocketId(turn));
        drop(place);
        assert!(pages(&board) <= 1, "turn {turn}: the page that is not full yet");
    }
    assert_eq!(pages(&board), 0);
    assert!(board.is_empty());
}

#[test]
fn those_that_are_alike_are_counted_together() {
    let board = board();
    let of = |name: &str, role: Role, state: &State| {
        let place = board.enter(&app(name), role);
        place.publish(state, None);
        place.publish_since(7);
        place
    };
    let rejected = State::ReadyToPair(WhyUnpaired::Rejected(Rejection::Blocked));
    let places = [
        of("lab", Role::Controller, &State::Interacting),
        of("ward", Role::Responder, &State::Searching),
        of("lab", Role::Controller, &State::Interacting),
        of("lab", Role::Responder, &State::Interacting),
        of("lab", Role::Controller, &rejected),
    ];
    let count = |name: &str, role: Role, state: &State, count: usize| Count {
        app: app(name),
        role,
        state: StateName::of(state),
        count,
    };
    let expected = [
        count("lab", Role::Controller, &rejected, 1),
        count("lab", Role::Controller, &State::Interacting, 2),
        count("lab", Role::Responder, &State::Interacting, 1),
        count("ward", Role::Responder, &State::Searching, 1),
    ];
    assert_eq!(board.count(), expected);
    assert!(board.list(SocketId(0), 9).iter().all(|summary| summary.since == 7));
    drop(places);
    assert_eq!(board.count(), []);
}

#[test]
fn metastates_are_those_of_the_state() {
    let passive = State::Passive(WhyPassive::Paused);
    let aborted = aborted(AbortReason::NotAuthorized);
    let unpaired = State::ReadyToPair(WhyUnpaired::NotReady(WhyNotReady::NoPartnerClientId));
    for state in [passive, aborted, State::Connecting, unpaired, State::Searching, State::Interacting] {
        let holding = [
            ("active", state.is_active()),
            ("connected", state.is_connected()),
            ("paired", state.is_paired()),
        ];
        let expected: Vec<&str> =
            holding.into_iter().filter(|(_, holds)| *holds).map(|(name, _)| name).collect();
        assert_eq!(StateName::of(&state).metastates(), expected, "{state:?}");
    }
}
