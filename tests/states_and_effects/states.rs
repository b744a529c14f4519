//! Every combination of facts, judged by the published page's own words (sections 5 to 7).

use crsocket::protocol::event::Rejection;
use crsocket::protocol::ids::{AccessToken, Assigned, ClientId, Credentials};
use crsocket::protocol::receiver::{self, WhyAborted, WhyClosed};
use crsocket::protocol::sender::{self, WhyNotReady};
use crsocket::protocol::socket::{self, ClientFacts};
use crsocket::protocol::wire::AbortReason;

use super::predicates::{self, Facts, IdFact, ReceiverFact, SenderFact, TextFact};

const BOTH: [bool; 2] = [false, true];
const TEXTS: [TextFact; 3] = [TextFact::Missing, TextFact::Invalid, TextFact::Valid];

fn id(number: u32) -> ClientId {
    ClientId::from_number(number).unwrap()
}

fn token(text: &str) -> AccessToken {
    AccessToken::parse(text).unwrap()
}

fn assigned<T>(fact: TextFact, value: T) -> Assigned<T> {
    match fact {
        TextFact::Missing => Assigned::Nothing,
        TextFact::Invalid => Assigned::Invalid,
        TextFact::Valid => Assigned::Valid(value),
    }
}

fn whys_closed() -> [(&'static str, WhyClosed); 4] {
    [
        ("clientNotActive", WhyClosed::ClientNotActive),
        ("noClientId", WhyClosed::NoClientId),
        ("noAccessToken", WhyClosed::NoAccessToken),
        ("invalidAccessToken", WhyClosed::InvalidAccessToken),
    ]
}

fn whys_aborted() -> Vec<(&'static str, WhyAborted)> {
    let server = [
        ("invalidRole", AbortReason::InvalidRole),
        ("invalidClientId", AbortReason::InvalidClientId),
        ("invalidAccessToken", AbortReason::InvalidAccessToken),
        ("notAuthorized", AbortReason::NotAuthorized),
        ("releasedByOther", AbortReason::ReleasedByOther),
        ("clientNotAlive", AbortReason::ClientNotAlive),
        ("clientIdInUse", AbortReason::ClientIdInUse),
        ("tooManyMoons", AbortReason::Other("tooManyMoons".into())),
    ];
    let server = server.into_iter().map(|(name, reason)| (name, WhyAborted::Server(reason)));
    server.chain([("error", WhyAborted::Error)]).collect()
}

fn rejections() -> [(&'static str, Rejection); 7] {
    [
        ("assignedToOther", Rejection::AssignedToOther),
        ("notPaired", Rejection::NotPaired),
        ("appIdMismatch", Rejection::AppIdMismatch),
        ("invalidPartnerRole", Rejection::InvalidPartnerRole),
        ("accessTokenMismatch", Rejection::AccessTokenMismatch),
        ("blocked", Rejection::Blocked),
        ("tooLate", Rejection::Other("tooLate".into())),
    ]
}

/// Every state a receiver can be in: as a fact, and as the library says it.
fn receivers() -> Vec<(ReceiverFact, receiver::State)> {
    let closed = whys_closed().map(|(name, why)| (ReceiverFact::Closed(name), receiver::State::Closed(why)));
    let closing =
        whys_closed().map(|(name, why)| (ReceiverFact::Closing(name), receiver::State::Closing(why)));
    let aborted = whys_aborted()
        .into_iter()
        .map(|(name, why)| (ReceiverFact::Aborted(name.into()), receiver::State::Aborted(why)));
    let others =
        [(ReceiverFact::Opening, receiver::State::Opening), (ReceiverFact::Open, receiver::State::Open)];
    closed.into_iter().chain(closing).chain(aborted).chain(others).collect()
}

/// Every state a sender can be in, likewise.
fn senders() -> Vec<(SenderFact, sender::State)> {
    let not_ready = [
        ("noClientId", WhyNotReady::NoClientId),
        ("noAccessToken", WhyNotReady::NoAccessToken),
        ("invalidAccessToken", WhyNotReady::InvalidAccessToken),
        ("noPartnerClientId", WhyNotReady::NoPartnerClientId),
        ("invalidPartnerClientId", WhyNotReady::InvalidPartnerClientId),
    ]
    .map(|(name, why)| (SenderFact::NotReady(name), sender::State::NotReady(why)));
    let rejected = rejections()
        .map(|(name, why)| (SenderFact::PartnerRejected(name.into()), sender::State::PartnerRejected(why)));
    let ready = BOTH
        .map(|client_active| (SenderFact::Ready { client_active }, sender::State::Ready { client_active }));
    not_ready.into_iter().chain(rejected).chain(ready).collect()
}

/// Every way to be visible, online, paused and unloading.
fn clients() -> impl Iterator<Item = [bool; 4]> {
    (0..16_u8).map(|bits| [bits & 1 > 0, bits & 2 > 0, bits & 4 > 0, bits & 8 > 0])
}

#[test]
fn all_combinations_of_facts_give_exactly_one_state() {
    let (receivers, senders) = (receivers(), senders());
    let mut combinations = 0;
    for [visible, online, paused, unloading] in clients() {
        for id_fact in [IdFact::Missing, IdFact::Invalid, IdFact::NotCounted, IdFact::Counted] {
            let client_id = match id_fact {
                IdFact::Missing => Assigned::Nothing,
                IdFact::Invalid => Assigned::Invalid,
                IdFact::NotCounted | IdFact::Counted => Assigned::Valid(id(731_247)),
            };
            let counted = (id_fact == IdFact::Counted).then(|| id(731_247));
            let client = ClientFacts {
                visible,
                online,
                paused,
                unloading,
                client_id,
                access_token: Assigned::Valid(token("t")),
            };
            let client_active = visible && online && !paused && !unloading;
            assert_eq!(client.is_client_active(), client_active, "{client:?}");
            for (receiver_fact, receiver) in &receivers {
                for (sender_fact, sender) in &senders {
                    for partner_active in BOTH {
                        let facts = Facts {
                            visible,
                            online,
                            paused,
                            unloading,
                            id: id_fact,
                            receiver: receiver_fact.clone(),
                            sender: sender_fact.clone(),
                            partner_active,
                        };
                        let state = socket::state(&client, counted, receiver, sender, partner_active);
                        judge(&facts, &state);
                        combinations += 1;
                    }
                }
            }
        }
    }
    assert_eq!(combinations, 16 * 4 * 19 * 14 * 2);
}

fn judge(facts: &Facts, state: &socket::State) {
    let holding = facts.holding();
    assert_eq!(holding, [state.as_str()], "states that hold, and the one said, with {facts:?}");
    assert_eq!(state.sub_state(), facts.sub_state(), "subState of {state:?} with {facts:?}");
    let said = [state.is_active(), state.is_connected(), state.is_paired()];
    assert_eq!(
        said,
        [facts.active(), facts.connected(), facts.paired()],
        "metastates of {state:?} with {facts:?}"
    );
}

#[test]
fn receivers_and_senders_say_their_states_by_the_published_names() {
    for (fact, state) in receivers() {
        let expected = match fact {
            ReceiverFact::Closed(why) => ("closed", why.to_owned()),
            ReceiverFact::Opening => ("opening", String::new()),
            ReceiverFact::Open => ("open", String::new()),
            ReceiverFact::Closing(why) => ("closing", why.to_owned()),
            ReceiverFact::Aborted(why) => ("aborted", why),
        };
        assert_eq!((state.as_str(), state.sub_state().to_owned()), expected, "{state:?}");
    }
    for (fact, state) in senders() {
        assert_eq!((state.as_str(), state.sub_state().to_owned()), sender_names(fact), "{state:?}");
    }
}

fn sender_names(fact: SenderFact) -> (&'static str, String) {
    match fact {
        SenderFact::NotReady(why) => ("notReady", why.to_owned()),
        SenderFact::PartnerRejected(why) => ("partnerRejected", why),
        SenderFact::Ready { client_active: true } => ("ready", String::new()),
        SenderFact::Ready { client_active: false } => ("ready", "clientNotActive".to_owned()),
    }
}

#[test]
fn all_combinations_of_a_senders_facts_give_the_state_of_its_table() {
    let rejections: Vec<_> = rejections().into_iter().map(Some).chain([None]).collect();
    for client_active in BOTH {
        for has_id in BOTH {
            for token_fact in TEXTS {
                for partner_fact in TEXTS {
                    for rejection in &rejections {
                        for ping_left in BOTH {
                            let facts = sender::Facts {
                                client_active,
                                client_id: has_id.then(|| id(1)),
                                access_token: assigned(token_fact, token("t")),
                                partner: assigned(partner_fact, id(2)),
                                rejection: rejection.as_ref().map(|(_, why)| why.clone()),
                                ping_left,
                                clearings: 7,
                            };
                            let name = rejection.as_ref().map(|(name, _)| *name);
                            let expected =
                                predicates::sender(client_active, has_id, token_fact, partner_fact, name);
                            let state = facts.state();
                            assert_eq!(
                                state.is_ready(),
                                matches!(expected, SenderFact::Ready { .. }),
                                "{facts:?}"
                            );
                            let said = (state.as_str(), state.sub_state().to_owned());
                            assert_eq!(said, sender_names(expected), "{facts:?}");
                            let has_credentials = has_id && token_fact == TextFact::Valid;
                            assert_eq!(facts.credentials().is_some(), has_credentials, "{facts:?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn all_combinations_of_a_receivers_facts_give_the_first_reason_that_applies() {
    for client_active in BOTH {
        for own_id in [None, Some(1), Some(2)] {
            for (token_fact, text) in
                TEXTS.into_iter().map(|fact| (fact, "t")).chain([(TextFact::Valid, "u")])
            {
                let facts = receiver::Facts {
                    client_active,
                    client_id: own_id.map(id),
                    access_token: assigned(token_fact, token(text)),
                };
                let why = facts.why_not_openable().map(WhyClosed::as_str);
                let expected = predicates::why_not_openable(client_active, own_id.is_some(), token_fact);
                assert_eq!(why, expected, "{facts:?}");
            }
        }
    }
}

/// "Changing clientId or accessToken from one value to another counts as `noClientId` or `noAccessToken` until the old
/// stream has ended", and the subState is the first that applies.
#[test]
fn another_client_id_counts_as_none_whatever_the_access_token_is() {
    for token_fact in [TextFact::Missing, TextFact::Invalid] {
        why_a_stream_must_not_stay(true, Some(2), token_fact, "t");
    }
}

#[test]
fn all_combinations_of_a_receivers_facts_give_the_first_reason_why_a_stream_must_not_stay() {
    for client_active in BOTH {
        for own_id in [None, Some(1), Some(2)] {
            for (token_fact, text) in
                TEXTS.into_iter().map(|fact| (fact, "t")).chain([(TextFact::Valid, "u")])
            {
                why_a_stream_must_not_stay(client_active, own_id, token_fact, text);
            }
        }
    }
}

/// Compares the reason why a stream of 000001 with the accessToken `t` must not stay open.
fn why_a_stream_must_not_stay(client_active: bool, own_id: Option<u32>, token_fact: TextFact, text: &str) {
    let stream = Credentials { client_id: id(1), access_token: token("t") };
    let facts = receiver::Facts {
        client_active,
        client_id: own_id.map(id),
        access_token: assigned(token_fact, token(text)),
    };
    let counted = if text == "t" { token_fact } else { TextFact::Missing };
    let why = facts.why_not_this(&stream).map(WhyClosed::as_str);
    let expected = predicates::why_not_openable(client_active, own_id == Some(1), counted);
    assert_eq!(why, expected, "{facts:?} with a stream of 000001 (accessToken given: {text})");
}

/// "A `reject` flags the partner only if a `ping` left for it since the flag was last cleared. The flag is cleared when
/// clientId, accessToken or clientActive changes, and when partnerClientId is assigned, another one or the same one
/// again. (The same partner assigned again while not rejected changes nothing.)"
#[test]
fn a_senders_rejection_comes_and_goes_as_section_6_says() {
    for seed in 0..200_u64 {
        let mut random = seed;
        let mut below = |limit: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % limit
        };
        let mut facts = sender::Facts::default();
        let (mut client, mut partner) = ((false, None, Assigned::Nothing), Assigned::Nothing);
        let (mut rejection, mut ping_left) = (None, false);
        for step in 0..100 {
            match below(5) {
                0 => {
                    let own = (below(4) > 0).then(|| id(u32::try_from(below(2)).unwrap()));
                    let access = assigned(TEXTS[usize::try_from(below(3)).unwrap()], token("t"));
                    let set = (below(2) > 0, own, access);
                    facts.set_client(set.0, set.1, set.2.clone());
                    if set != client {
                        (rejection, ping_left) = (None, false);
                    }
                    client = set;
                }
                1 => {
                    let number = id(10 + u32::try_from(below(2)).unwrap());
                    let set = assigned(TEXTS[usize::try_from(below(3)).unwrap()], number);
                    facts.assign_partner(set.clone());
                    if set != partner || rejection.is_some() {
                        (rejection, ping_left) = (None, false);
                    }
                    partner = set;
                }
                2 | 3 => {
                    facts.note_ping_left();
                    ping_left = true;
                }
                _ => {
                    facts.reject(Rejection::Blocked);
                    if ping_left {
                        rejection = Some(Rejection::Blocked);
                    }
                }
            }
            let seen = (facts.rejection.clone(), facts.ping_left);
            assert_eq!(seen, (rejection.clone(), ping_left), "seed {seed}, step {step}: {facts:?}");
        }
    }
}
