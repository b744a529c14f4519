//! The whole pairing life: crSockets and the server's rules, wired together in a plain loop of virtual time.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "a test says what it saw by panicking, and looks for one thing among many"
)]

use crsocket::check::network::Network;
use crsocket::check::world::World;
use crsocket::protocol::action::{Fate, Message, Notice, Post, Ticket, WhyDropped};
use crsocket::protocol::event::CrEvent;
use crsocket::protocol::ids::{AccessToken, AppId, Assigned, ClientId, Role};
use crsocket::protocol::limits::Limits;
use crsocket::protocol::policy::{App, Apps, Pairing};
use crsocket::protocol::socket::{Input, State};
use crsocket::protocol::time::{Millis, Timing};

const CONTROLLER_ID: u32 = 482_913;
const RESPONDER_ID: u32 = 155_608;
const OTHER_ID: u32 = 700_002;

/// A world with one app, and what happens most in it.
struct Lab {
    world: World,
    app: AppId,
}

impl Lab {
    fn new() -> Lab {
        Lab::with(Timing::default(), Pairing::Any)
    }

    fn with(timing: Timing, pairing: Pairing) -> Lab {
        let app = AppId::parse("lab").unwrap();
        let policies = App { pairing, ..App::default() };
        let apps = Apps::new().with(app.clone(), policies);
        Lab { world: World::new(timing, Limits::default(), apps, 1), app }
    }

    fn add(&mut self, role: Role, id: u32, token: &str) -> usize {
        let token = AccessToken::parse(token).unwrap();
        self.world.add_client(&self.app.clone(), role, &token, ClientId::from_number(id))
    }

    fn controller(&mut self) -> usize {
        self.add(Role::Controller, CONTROLLER_ID, "guest")
    }

    fn responder(&mut self) -> usize {
        self.add(Role::Responder, RESPONDER_ID, "guest")
    }

    /// A controller and a responder, interacting for five seconds.
    fn interacting_pair(&mut self) -> (usize, usize) {
        let (controller, responder) = (self.controller(), self.responder());
        self.run(2_000);
        self.assign(controller, RESPONDER_ID);
        self.run(5_000);
        self.expect(controller, "interacting", "");
        self.expect(responder, "interacting", "");
        (controller, responder)
    }

    fn run(&mut self, millis: i64) {
        self.world.run_for(Millis(millis));
    }

    fn assign(&mut self, client: usize, partner: u32) {
        self.world.tell(client, Input::Partner(id(partner).into()));
    }

    #[track_caller]
    fn expect(&self, client: usize, state: &str, sub_state: &str) {
        let seen = self.world.state(client);
        assert_eq!(
            (seen.as_str(), seen.sub_state()),
            (state, sub_state),
            "client {client} at {}",
            self.world.now()
        );
    }

    /// Sends an event, and says under which ticket.
    fn send(&mut self, client: usize, event: CrEvent) -> Ticket {
        let ticket =
            Ticket(self.world.now().0.unsigned_abs() * 100 + self.world.notices(client).count() as u64);
        self.world.tell(client, Input::Send { ticket, event });
        ticket
    }

    fn fates(&self, client: usize, ticket: Ticket) -> Vec<Fate> {
        let told = self.world.notices(client);
        told.filter_map(|(_, notice)| match notice {
            Notice::Fate { ticket: of, fate } if *of == ticket => Some(fate.clone()),
            _ => None,
        })
        .collect()
    }

    /// The types of the crEvents that a client sent since a moment, with their times.
    fn sent_since(&self, client: usize, since: Millis) -> Vec<(i64, String)> {
        let sent = self.world.sent(client).filter(|(at, _)| *at >= since);
        sent.filter_map(|(at, post)| event_of(post).map(|event| (at.0, event.event_type.to_string())))
            .collect()
    }

    /// The types of the crEvents that a client's enclosing client got since a moment.
    fn got_since(&self, client: usize, since: Millis) -> Vec<String> {
        let told = self.world.notices(client).filter(|(at, _)| *at >= since);
        told.filter_map(|(_, notice)| match notice {
            Notice::CrEvent(event) => Some(event.event_type.to_string()),
            _ => None,
        })
        .collect()
    }

    /// The states a client reported since a moment, with their times.
    fn states_since(&self, client: usize, since: Millis) -> Vec<(i64, State)> {
        let told = self.world.notices(client).filter(|(at, _)| *at >= since);
        told.filter_map(|(at, notice)| match notice {
            Notice::State { to, .. } => Some((at.0, to.clone())),
            _ => None,
        })
        .collect()
    }
}

fn id(number: u32) -> Option<ClientId> {
    ClientId::from_number(number)
}

fn event(event_type: &str) -> CrEvent {
    CrEvent::new(event_type, "").unwrap()
}

fn event_of(post: &Post) -> Option<&CrEvent> {
    match &post.message {
        Message::CrEvent(event) => Some(event),
        Message::Alive(_) | Message::Close(_) => None,
    }
}

fn names(states: &[(i64, State)]) -> Vec<&'static str> {
    states.iter().map(|(_, state)| state.as_str()).collect()
}

#[test]
fn from_passive_to_interacting() {
    let mut lab = Lab::new();
    let (controller, responder) = (lab.controller(), lab.responder());
    lab.expect(controller, "connecting", "");
    lab.run(2_000);
    lab.expect(controller, "readyToPair", "noPartnerClientId");
    lab.expect(responder, "readyToPair", "noPartnerClientId");
    lab.assign(controller, RESPONDER_ID);
    lab.expect(controller, "searching", "partnerInactive");
    lab.run(100);
    lab.expect(controller, "interacting", "");
    lab.expect(responder, "interacting", "");
    assert_eq!(lab.world.client(responder).machines.partner(), id(CONTROLLER_ID), "7: a ping assigns");
    let states = lab.states_since(responder, Millis::ZERO);
    assert_eq!(names(&states), ["passive", "passive", "connecting", "readyToPair", "interacting"]);
}

#[test]
fn a_clientid_is_asked_for_where_there_is_none() {
    let mut lab = Lab::new();
    let token = AccessToken::parse("guest").unwrap();
    let app = lab.app.clone();
    let client = lab.world.add_client(&app, Role::Responder, &token, None);
    lab.expect(client, "passive", "noClientId");
    lab.run(1_000);
    lab.expect(client, "readyToPair", "noPartnerClientId");
    let own = lab.world.client_id(client).unwrap();
    let told = lab.world.notices(client).any(|(_, notice)| *notice == Notice::ClientId(own));
    assert!(told, "7: the enclosing client keeps its clientId");
}

#[test]
fn pings_are_10_s_apart_while_interacting_and_5_s_while_searching() {
    let mut lab = Lab::new();
    let (controller, responder) = lab.interacting_pair();
    let start = lab.world.now();
    lab.run(60_000);
    for client in [controller, responder] {
        let pings = lab.sent_since(client, start);
        assert!(pings.iter().all(|(_, kind)| kind == "ping"), "7: nothing but pings, saw {pings:?}");
        let apart: Vec<i64> = pings.windows(2).map(|two| two[1].0 - two[0].0).collect();
        assert_eq!(apart, [10_000; 5], "7, 8: interactingMaxEventOutDt of client {client}");
    }
    *lab.world.network(responder) =
        Network { connects: false, requests_arrive: false, frames_arrive: false, ..Network::default() };
    lab.run(30_000);
    lab.expect(controller, "searching", "partnerInactive");
    let start = lab.world.now();
    lab.run(60_000);
    let apart: Vec<i64> =
        lab.sent_since(controller, start).windows(2).map(|two| two[1].0 - two[0].0).collect();
    // A ping may wait for the answer to an `alive`: one request at a time (section 6).
    let round_trip = 40;
    assert!(
        apart.len() == 11 && apart.iter().all(|apart| (apart - 5_000).abs() <= round_trip),
        "7, 8: searchingMaxEventOutDt, saw {apart:?}"
    );
}

#[test]
fn the_partner_times_out_after_exactly_25_s_of_silence() {
    let mut lab = Lab::new();
    let (controller, responder) = lab.interacting_pair();
    let last = lab
        .world
        .notices(controller)
        .rev()
        .find(|(_, notice)| matches!(notice, Notice::CrEvent(_)))
        .map(|(at, _)| at)
        .unwrap();
    *lab.world.network(responder) = Network { requests_arrive: false, ..Network::default() };
    let start = lab.world.now();
    lab.run(40_000);
    let states = lab.states_since(controller, start);
    assert_eq!(states, [(last.0 + 25_000, State::Searching)], "7, 8: partnerActiveMaxEventInDt");
}

#[test]
fn a_hidden_partner_is_searched_for_at_once_and_found_when_it_is_back() {
    let mut lab = Lab::new();
    let (controller, responder) = lab.interacting_pair();
    let start = lab.world.now();
    lab.world.tell(responder, Input::Visible(false));
    lab.expect(responder, "passive", "notVisible");
    lab.run(100);
    lab.expect(controller, "searching", "partnerInactive");
    assert_eq!(lab.got_since(controller, start), ["inactive"], "7: inactive on becoming passive");
    lab.run(60_000);
    lab.expect(controller, "searching", "partnerInactive");
    lab.world.tell(responder, Input::Visible(true));
    lab.run(7_000);
    lab.expect(controller, "interacting", "");
    lab.expect(responder, "interacting", "");
}

#[test]
fn an_unassigned_responder_is_free_again() {
    let mut lab = Lab::new();
    let (controller, responder) = lab.interacting_pair();
    let start = lab.world.now();
    lab.world.tell(controller, Input::Partner(Assigned::Nothing));
    lab.run(100);
    lab.expect(controller, "readyToPair", "noPartnerClientId");
    lab.expect(responder, "readyToPair", "noPartnerClientId");
    assert_eq!(lab.sent_since(responder, start), [], "7: a responder that was let go says nothing");
    let unassign = &lab.sent_since(controller, start)[0].1;
    assert_eq!(unassign, "unassign", "page: it must send an unassign event");
}

#[test]
fn a_responder_is_told_also_while_the_old_stream_of_another_token_closes() {
    let mut lab = Lab::new();
    let (controller, responder) = lab.interacting_pair();
    let start = lab.world.now();
    let token = AccessToken::parse("another").unwrap();
    lab.world.tell(controller, Input::AccessToken(Assigned::Valid(token)));
    lab.world.tell(controller, Input::Partner(Assigned::Nothing));
    lab.world.tell(controller, Input::Visible(false));
    lab.run(500);
    let said: Vec<String> = lab.sent_since(controller, start).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(said, ["inactive", "unassign"], "7: in every state, with the credentials that held before");
    lab.expect(responder, "readyToPair", "noPartnerClientId");
}

#[test]
fn a_taken_responder_rejects_another_controller_until_it_is_free() {
    let mut lab = Lab::new();
    let (controller, responder) = lab.interacting_pair();
    let rival = lab.add(Role::Controller, OTHER_ID, "guest");
    lab.run(1_000);
    lab.assign(rival, RESPONDER_ID);
    lab.run(1_000);
    lab.expect(rival, "readyToPair", "assignedToOther");
    lab.expect(controller, "interacting", "");
    let start = lab.world.now();
    lab.run(30_000);
    assert_eq!(lab.sent_since(rival, start), [], "page: a rejection stops the pings");
    lab.world.tell(controller, Input::Partner(Assigned::Nothing));
    lab.assign(rival, RESPONDER_ID);
    lab.run(2_000);
    lab.expect(rival, "interacting", "");
    lab.expect(responder, "interacting", "");
}

#[test]
fn the_server_rejects_the_ping_of_a_client_of_the_same_role() {
    let mut lab = Lab::new();
    let (controller, _) = (lab.controller(), lab.add(Role::Controller, OTHER_ID, "guest"));
    lab.run(1_000);
    lab.assign(controller, OTHER_ID);
    lab.run(1_000);
    lab.expect(controller, "readyToPair", "invalidPartnerRole");
}

#[test]
fn same_user_pairing_rejects_another_user() {
    let mut lab = Lab::with(Timing::default(), Pairing::SameUser);
    let (controller, _) = (lab.controller(), lab.add(Role::Responder, RESPONDER_ID, "somebody"));
    lab.run(1_000);
    lab.assign(controller, RESPONDER_ID);
    lab.run(1_000);
    lab.expect(controller, "readyToPair", "accessTokenMismatch");
}

#[test]
fn buffered_events_wait_while_offline_and_leave_behind_the_ping() {
    let mut lab = Lab::new();
    let (controller, responder) = lab.interacting_pair();
    lab.world.tell(controller, Input::Online(false));
    lab.expect(controller, "passive", "notOnline");
    let kept = lab.send(controller, event("kept").buffered());
    let dropped = lab.send(controller, event("dropped"));
    lab.run(3_000);
    assert_eq!(lab.fates(controller, kept).last(), Some(&Fate::Buffered), "6: kept while offline");
    let fate = Fate::Dropped(WhyDropped::Offline);
    assert_eq!(lab.fates(controller, dropped).last(), Some(&fate), "6: others are dropped and reported");
    let start = lab.world.now();
    lab.world.tell(controller, Input::Online(true));
    lab.run(5_000);
    assert_eq!(lab.fates(controller, kept).last(), Some(&Fate::Understood));
    let sent: Vec<String> = lab.sent_since(controller, start).into_iter().map(|(_, kind)| kind).collect();
    assert_eq!(sent[..2], ["ping", "kept"], "6: right behind its ping");
    let got = lab.got_since(responder, start);
    assert!(got.contains(&"kept".to_owned()), "saw {got:?}");
}

#[test]
fn events_of_the_enclosing_client_arrive_in_order_a_second_apart() {
    let mut lab = Lab::new();
    let (controller, responder) = lab.interacting_pair();
    let start = lab.world.now();
    for name in ["a", "b", "c"] {
        lab.send(controller, event(name));
    }
    lab.run(5_000);
    let sent: Vec<(i64, String)> =
        lab.sent_since(controller, start).into_iter().filter(|(_, kind)| kind != "ping").collect();
    let apart: Vec<i64> = sent.windows(2).map(|two| two[1].0 - two[0].0).collect();
    assert_eq!(apart, [1_000, 1_000], "6: minCrEventDt");
    let got: Vec<String> =
        lab.got_since(responder, start).into_iter().filter(|kind| kind != "ping").collect();
    assert_eq!(got, ["a", "b", "c"], "4: order");
}

#[test]
fn a_changed_clientid_says_goodbye_with_the_old_one_and_counts_when_the_stream_has_ended() {
    let mut lab = Lab::new();
    let (controller, responder) = lab.interacting_pair();
    let start = lab.world.now();
    lab.world.tell(responder, Input::ClientId(id(OTHER_ID).into()));
    lab.expect(responder, "passive", "noClientId");
    lab.run(300);
    lab.expect(responder, "readyToPair", "noPartnerClientId");
    lab.expect(controller, "searching", "partnerInactive");
    let goodbye = lab.world.sent(responder).find(|(at, _)| *at >= start).unwrap().1.clone();
    assert_eq!(event_of(&goodbye).map(|event| event.event_type.to_string()), Some("inactive".into()));
    assert_eq!(Some(goodbye.credentials.client_id), id(RESPONDER_ID), "7: with the old id");
    lab.assign(controller, OTHER_ID);
    lab.run(2_000);
    lab.expect(controller, "interacting", "");
    lab.expect(responder, "interacting", "");
}

#[test]
fn a_changed_token_of_the_same_policy_pairs_again_by_itself() {
    let mut lab = Lab::new();
    let (controller, responder) = lab.interacting_pair();
    let start = lab.world.now();
    lab.world.tell(controller, Input::AccessToken(Assigned::Valid(AccessToken::parse("renewed").unwrap())));
    lab.expect(controller, "readyToConnect", "noAccessToken");
    lab.run(10_000);
    lab.expect(controller, "interacting", "");
    lab.expect(responder, "interacting", "");
    let sent = lab.world.sent(controller).filter(|(at, _)| *at >= start);
    let told: Vec<(String, String)> = sent
        .map(|(_, post)| {
            let kind = event_of(post).map_or("close".into(), |event| event.event_type.to_string());
            (kind, post.credentials.access_token.as_str().to_owned())
        })
        .collect();
    let expected = [("inactive", "guest"), ("close", "guest"), ("ping", "renewed")];
    let expected = expected.map(|(kind, token)| (kind.to_owned(), token.to_owned()));
    assert_eq!(told[..3], expected, "7: goodbyes carry what held before");
}

#[test]
fn a_second_stream_of_the_same_user_takes_over() {
    let mut lab = Lab::new();
    let (controller, first) = lab.interacting_pair();
    // Longer than helloMaxDt after its own hello, so that the first one does not take itself for overtaken.
    lab.run(20_000);
    let second = lab.responder();
    lab.run(1_000);
    lab.expect(first, "readyToConnect", "releasedByOther");
    lab.run(20_000);
    lab.expect(controller, "interacting", "");
    lab.expect(second, "interacting", "");
    lab.world.tell(first, Input::Visible(true));
    lab.run(20_000);
    lab.expect(first, "interacting", "");
}

#[test]
fn a_stranger_cannot_take_a_clientid_over() {
    let mut lab = Lab::new();
    let (controller, responder) = lab.interacting_pair();
    let stranger = lab.add(Role::Responder, RESPONDER_ID, "stranger");
    lab.run(15_000);
    lab.expect(responder, "interacting", "");
    lab.run(30_000);
    lab.expect(responder, "interacting", "");
    lab.expect(controller, "interacting", "");
    lab.expect(stranger, "readyToConnect", "clientIdInUse");
    let start = lab.world.now();
    lab.world.tell(responder, Input::Visible(false));
    lab.world.tell(controller, Input::Visible(false));
    lab.run(70_000);
    assert_eq!(lab.got_since(stranger, start), [] as [String; 0]);
    lab.expect(stranger, "readyToPair", "noPartnerClientId");
}

#[test]
fn an_overtaken_opening_request_does_not_lose_the_stream_for_good() {
    let mut lab = Lab::new();
    let client = lab.responder();
    lab.run(2_000);
    // The request for the next stream takes longer than helloMaxDt; the one after it is fast.
    lab.world.network(client).opening_delay = Some(Millis(18_000));
    lab.world.cut_stream(client);
    lab.run(10_400);
    lab.world.network(client).opening_delay = None;
    lab.run(20_000);
    lab.expect(client, "readyToPair", "noPartnerClientId");
    let states = names(&lab.states_since(client, Millis(2_000)));
    assert!(states.contains(&"readyToConnect"), "5: released by its own overtaken request, saw {states:?}");
}

#[test]
fn a_ping_waits_for_a_recipient_that_is_just_coming() {
    let mut lab = Lab::new();
    let controller = lab.controller();
    lab.run(2_000);
    lab.assign(controller, RESPONDER_ID);
    lab.run(1_000);
    lab.expect(controller, "searching", "partnerInactive");
    let start = lab.world.now();
    let responder = lab.responder();
    lab.run(1_000);
    lab.expect(responder, "interacting", "");
    assert_eq!(lab.got_since(responder, start)[0], "ping", "4: it waited, and for helloSettleDt");
    let first = lab.world.notices(responder).find(|(_, n)| matches!(n, Notice::CrEvent(_)));
    assert_eq!(first.map(|(at, _)| at.0 - start.0), Some(20 + 200 + 20), "4: helloSettleDt after hello");
}

#[test]
fn an_event_for_an_absent_recipient_is_dropped_after_4_s() {
    let mut lab = Lab::new();
    let controller = lab.controller();
    lab.run(2_000);
    lab.assign(controller, RESPONDER_ID);
    lab.run(1_500);
    lab.send(controller, event("early"));
    lab.run(4_300);
    let start = lab.world.now();
    let responder = lab.responder();
    lab.run(1_000);
    let got = lab.got_since(responder, start);
    assert!(!got.contains(&"early".to_owned()), "4: recipientWaitDt, saw {got:?}");
}

#[test]
fn a_sendevent_without_an_answer_is_unconfirmed_and_never_sent_again() {
    let mut lab = Lab::new();
    let (controller, responder) = lab.interacting_pair();
    lab.world.network(controller).answers_arrive = false;
    let start = lab.world.now();
    let ticket = lab.send(controller, event("once").buffered());
    lab.run(8_000);
    assert_eq!(
        lab.fates(controller, ticket),
        [Fate::Queued, Fate::Sent, Fate::Unconfirmed],
        "6: at most once"
    );
    lab.world.network(controller).answers_arrive = true;
    lab.run(30_000);
    let got = lab.got_since(responder, start).into_iter().filter(|kind| kind == "once").count();
    assert_eq!(got, 1);
    lab.expect(controller, "interacting", "");
}

#[test]
fn an_event_that_found_no_connection_is_tried_again_if_buffered_and_lost_if_not() {
    let mut lab = Lab::new();
    let (controller, responder) = lab.interacting_pair();
    let start = lab.world.now();
    lab.world.network(controller).connects = false;
    let kept = lab.send(controller, event("kept").buffered());
    lab.run(1_200);
    let lost = lab.send(controller, event("lost"));
    lab.run(3_000);
    lab.world.network(controller).connects = true;
    lab.run(20_000);
    assert_eq!(lab.fates(controller, kept).last(), Some(&Fate::Understood), "6: back to the head");
    assert_eq!(lab.fates(controller, lost).last(), Some(&Fate::Understood), "6: it waited behind");
    let got: Vec<String> =
        lab.got_since(responder, start).into_iter().filter(|kind| kind != "ping").collect();
    assert_eq!(got, ["kept", "lost"], "4: order");
}

#[test]
fn a_silent_half_open_stream_is_given_up_and_both_find_each_other_again() {
    let mut lab = Lab::new();
    let (controller, responder) = lab.interacting_pair();
    lab.world.network(responder).frames_arrive = false;
    lab.run(26_000);
    lab.world.network(responder).frames_arrive = true;
    lab.run(41_500);
    lab.expect(controller, "interacting", "");
    lab.expect(responder, "interacting", "");
}

#[test]
fn a_broken_stream_says_nothing_to_the_partner_and_comes_back() {
    let mut lab = Lab::new();
    let (controller, responder) = lab.interacting_pair();
    let start = lab.world.now();
    lab.world.cut_stream(responder);
    lab.expect(responder, "connecting", "");
    lab.run(5_000);
    lab.expect(responder, "interacting", "");
    assert_eq!(lab.states_since(controller, start), [], "7: nothing if the stream broke");
}

#[test]
fn hours_of_it_are_quiet() {
    let mut lab = Lab::new();
    let (controller, responder) = lab.interacting_pair();
    let start = lab.world.now();
    lab.run(3 * 3_600_000);
    for client in [controller, responder] {
        assert_eq!(lab.states_since(client, start), [], "client {client} never left interacting");
        assert_eq!(lab.sent_since(client, start).len(), 1_080, "8: a ping each 10 s");
    }
}
