//! From nobody to hours of interacting, and what interrupts it.

use crsocket::actors::messages::{ClientIdsReserved, News, SetFact, Stop};
use crsocket::protocol::action::Notice;
use crsocket::protocol::ids::Role;
use crsocket::protocol::time::{Millis, Timing};

use crate::lab::{
    CALENDAR, CONTROLLER, LATE, Lab, OTHER, RESPONDER, Wishes, apart, event, expect_about, id, names, run,
};

#[test]
fn from_passive_to_interacting() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = (lab.controller(), lab.responder());
        lab.run(2_000).await;
        lab.expect(&controller, "readyToPair", "noPartnerClientId");
        lab.expect(&responder, "readyToPair", "noPartnerClientId");
        lab.assign(&controller, RESPONDER);
        lab.run(100).await;
        lab.expect(&controller, "interacting", "");
        lab.expect(&responder, "interacting", "");
        let summary = responder.summary().unwrap();
        assert_eq!(summary.partner, Some(id(CONTROLLER)), "7: a ping assigns");
        assert_eq!(summary.client_id, Some(id(RESPONDER)));
        let states = lab.states_since(&responder, 0);
        assert_eq!(names(&states).last_chunk(), Some(&["connecting", "readyToPair", "interacting"]));
        assert_eq!(names(&lab.states_since(&controller, 1_000)), ["searching", "interacting"]);
        let load = lab.load().await;
        assert_eq!((load.sessions, load.streams, load.endings), (2, 2, 0));
    });
}

#[test]
fn both_may_know_each_other_before_they_connect() {
    run(async {
        let lab = Lab::new();
        let build = |role, own| lab.build(role, Some(own), "guest");
        let (controller, responder) = lab.host.spawn_pair(
            build(Role::Controller, CONTROLLER).partner(id(RESPONDER)),
            build(Role::Responder, RESPONDER).partner(id(CONTROLLER)),
        );
        lab.run(500).await;
        lab.expect(&controller, "interacting", "");
        lab.expect(&responder, "interacting", "");
    });
}

#[test]
fn a_clientid_is_asked_for_where_there_is_none() {
    run(async {
        let lab = Lab::new();
        let socket = lab.host.spawn(lab.build(Role::Responder, None, "guest"));
        lab.run(1_000).await;
        lab.expect(&socket, "readyToPair", "noPartnerClientId");
        let own = socket.summary().unwrap().client_id.expect("it has none");
        let told = lab.notices_since(&socket, 0).into_iter().any(|(_, told)| told == Notice::ClientId(own));
        assert!(told, "7: the enclosing client keeps its clientId");
    });
}

#[test]
fn a_clientid_that_cannot_be_given_is_asked_for_again_after_5_s() {
    run(async {
        let lab = Lab::with(Wishes { client_ids_reserved: 1, ..Wishes::default() });
        let sockets = [(); 2].map(|()| lab.host.spawn(lab.build(Role::Responder, None, "guest")));
        lab.run(4_900).await;
        let without: Vec<_> =
            sockets.iter().filter(|socket| socket.summary().unwrap().client_id.is_none()).collect();
        assert_eq!(without.len(), 1, "one is reserved");
        lab.expect(without[0], "passive", "noClientId");
        lab.registry.send(ClientIdsReserved(2)).await.unwrap();
        lab.run(200).await;
        let given = lab.notices_since(without[0], 0).into_iter();
        let given: Vec<i64> =
            given.filter(|(_, told)| matches!(told, Notice::ClientId(_))).map(|(at, _)| at).collect();
        expect_about(&given, 5_000, 1, "7, 8: invalidClientIdRetryDt");
        lab.run(500).await;
        lab.expect(without[0], "readyToPair", "noPartnerClientId");
    });
}

#[test]
fn pings_are_10_s_apart_while_interacting_and_5_s_while_searching() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        let start = lab.now();
        lab.run(60_000).await;
        for (socket, partner) in [(&controller, &responder), (&responder, &controller)] {
            let got = lab.events_since(partner, start);
            assert!(
                got.iter().all(|(_, event)| &*event.event_type == "ping"),
                "7: nothing but pings: {got:?}"
            );
            let sent = apart(got.iter().map(|(_, event)| event.send_ct.unwrap() - CALENDAR));
            expect_about(&sent, 10_000, 5, &format!("7, 8: interactingMaxEventOutDt of {}", socket.id()));
        }
        responder.set(SetFact::Visible(false));
        lab.run(30_000).await;
        lab.expect(&controller, "searching", "partnerInactive");
        // Nobody is there to hear them: the board counts what leaves.
        let mut leave = Vec::new();
        let mut sent = controller.summary().unwrap().sent;
        for _ in 0..600 {
            lab.run(100).await;
            let now = controller.summary().unwrap().sent;
            if now != sent {
                leave.push(lab.now());
            }
            sent = now;
        }
        let apart = apart(leave);
        let is_right = |apart: &i64| (4_900..=5_100).contains(apart);
        assert!(
            apart.len() == 11 && apart.iter().all(is_right),
            "7, 8: searchingMaxEventOutDt, saw {apart:?}"
        );
    });
}

#[test]
fn a_hidden_paused_or_offline_partner_is_searched_for_at_once_and_found_when_it_is_back() {
    let ways: [(&str, SetFact, SetFact); 4] = [
        ("notVisible", SetFact::Visible(false), SetFact::Visible(true)),
        ("notOnline", SetFact::Online(false), SetFact::Online(true)),
        ("paused", SetFact::Paused(true), SetFact::Paused(false)),
        ("unloading", SetFact::Unloading(true), SetFact::Unloading(false)),
    ];
    for (why, leaves, comes_back) in ways {
        for who in [Role::Responder, Role::Controller] {
            run(async {
                let lab = Lab::new();
                let (controller, responder) = lab.interacting_pair().await;
                let (one, other) = match who {
                    Role::Responder => (&responder, &controller),
                    Role::Controller => (&controller, &responder),
                };
                let start = lab.now();
                one.set(leaves.clone());
                lab.run(100).await;
                lab.expect(one, "passive", why);
                if why == "notOnline" {
                    // Its goodbye cannot leave.
                    lab.run(26_000).await;
                    let states = lab.states_since(other, start);
                    assert_eq!(names(&states), ["searching"], "7: after 25 s of silence");
                } else {
                    assert_eq!(lab.got_since(other, start), ["inactive"], "7: inactive on becoming passive");
                }
                lab.expect(other, "searching", "partnerInactive");
                lab.run(60_000).await;
                lab.expect(other, "searching", "partnerInactive");
                one.set(comes_back.clone());
                lab.run(7_000).await;
                lab.expect(one, "interacting", "");
                lab.expect(other, "interacting", "");
            });
        }
    }
}

#[test]
fn a_page_that_is_loaded_anew_finds_its_partner_again() {
    run(async {
        let lab = Lab::new();
        let (mut controller, mut responder) = lab.interacting_pair().await;
        for turn in 0..6 {
            let reloaded = lab.now();
            if turn % 2 == 0 {
                responder.remove();
                responder = lab.responder();
            } else {
                controller.remove();
                let again = lab.build(Role::Controller, Some(CONTROLLER), "guest").partner(id(RESPONDER));
                controller = lab.host.spawn(again);
            }
            lab.run(6_000).await;
            lab.expect(&controller, "interacting", "");
            lab.expect(&responder, "interacting", "");
            assert_eq!(lab.host.len(), 2, "who was removed at {reloaded} ms is gone");
            let load = lab.load().await;
            assert_eq!((load.sessions, load.streams, load.endings), (2, 2, 0), "turn {turn}");
            lab.run(20_000).await;
        }
    });
}

#[test]
fn a_removed_crsocket_says_goodbye_and_is_told_gone_once() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        let start = lab.now();
        let other = responder.clone();
        responder.remove();
        responder.remove();
        lab.run(100).await;
        other.remove();
        lab.run(60_000).await;
        assert_eq!(lab.got_since(&controller, start), ["inactive"]);
        let lives = lab.lives_since(&responder, 0);
        assert_eq!(lives.len(), 1, "{lives:?}");
        assert_eq!(lives[0].1, News::Removed { as_told: true });
        assert!(lives[0].0 - start <= LATE, "nothing had to be waited for: {lives:?}");
        assert_eq!(responder.summary(), None, "its place on the board is free");
        assert_eq!(lab.load().await.streams, 1);
    });
}

#[test]
fn a_ping_waits_for_a_recipient_that_is_just_coming() {
    run(async {
        let lab = Lab::new();
        let controller = lab.controller();
        lab.run(2_000).await;
        lab.assign(&controller, RESPONDER);
        lab.run(1_000).await;
        lab.expect(&controller, "searching", "partnerInactive");
        let start = lab.now();
        let responder = lab.responder();
        lab.run(1_000).await;
        lab.expect(&responder, "interacting", "");
        let (at, first) = lab.events_since(&responder, start)[0].clone();
        assert_eq!(&*first.event_type, "ping", "4: it waited");
        expect_about(&[at - start], 200, 1, "4: helloSettleDt after hello");
    });
}

#[test]
fn an_event_for_an_absent_recipient_is_dropped_after_4_s() {
    run(async {
        let lab = Lab::new();
        let controller = lab.controller();
        lab.run(2_000).await;
        lab.assign(&controller, RESPONDER);
        lab.run(1_500).await;
        controller.send(event("early"));
        lab.run(4_300).await;
        let start = lab.now();
        let responder = lab.responder();
        lab.run(1_000).await;
        let got = lab.got_since(&responder, start);
        assert!(!got.contains(&"early".to_owned()), "4: recipientWaitDt, saw {got:?}");
    });
}

#[test]
fn a_responder_lets_go_of_who_does_not_answer_after_its_release_dt() {
    run(async {
        let timing = Timing { release_dt: Millis(20_000), ..Timing::default() };
        let lab = Lab::with(Wishes { timing, ..Wishes::default() });
        let (controller, responder) = lab.interacting_pair().await;
        let start = lab.now();
        controller.set(SetFact::Visible(false));
        lab.run(19_900).await;
        lab.expect(&responder, "searching", "partnerInactive");
        lab.run(200).await;
        lab.expect(&responder, "readyToPair", "noPartnerClientId");
        let states: Vec<i64> = lab.states_since(&responder, start).iter().map(|(at, _)| *at).collect();
        expect_about(&apart(states), 20_000, 1, "8: releaseDt");
        assert_eq!(lab.partners_since(&responder, start), [None]);
        let rival = lab.add(Role::Controller, OTHER);
        lab.assign(&rival, RESPONDER);
        lab.run(1_000).await;
        lab.expect(&rival, "interacting", "");
        lab.expect(&responder, "interacting", "");
    });
}

#[test]
fn a_server_that_stops_ends_every_stream_and_nobody_says_goodbye() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        let start = lab.now();
        lab.run(20_000).await;
        lab.registry.send(Stop).await.unwrap();
        lab.run(1_000).await;
        for socket in [&controller, &responder] {
            lab.expect(socket, "connecting", "");
            assert_eq!(names(&lab.states_since(socket, start)), ["connecting"], "5: shutdown");
        }
        lab.run(600_000).await;
        for socket in [&controller, &responder] {
            assert_eq!(names(&lab.states_since(socket, start)), ["connecting"], "it goes on trying");
            socket.remove();
        }
        lab.run(100).await;
        assert_eq!(lab.host.len(), 0, "who has no stream has nothing to wait for");
        let load = lab.load().await;
        assert_eq!((load.sessions, load.streams, load.endings), (0, 0, 0));
    });
}

#[test]
fn hours_of_it_are_quiet() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        let start = lab.now();
        lab.run(3 * 3_600_000).await;
        for socket in [&controller, &responder] {
            assert_eq!(lab.states_since(socket, start), [], "{} never left interacting", socket.id());
            assert_eq!(lab.events_since(socket, start).len(), 1_080, "8: a ping each 10 s");
        }
        let late = lab.host.latest_timer();
        assert!(late.0 <= LATE, "timers were up to {late} late");
    });
}

#[test]
fn a_day_of_interruptions_always_ends_with_both_together() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        let mut random = fastrand::Rng::with_seed(7);
        let begin = lab.now();
        let mut turns = 0;
        while lab.now() - begin < 12 * 3_600_000 {
            turns += 1;
            let socket = if random.bool() { &controller } else { &responder };
            let (leaves, comes_back) = match random.u8(0..4) {
                0 => (SetFact::Visible(false), SetFact::Visible(true)),
                1 => (SetFact::Online(false), SetFact::Online(true)),
                2 => (SetFact::Paused(true), SetFact::Paused(false)),
                _ => (SetFact::Unloading(true), SetFact::Unloading(false)),
            };
            socket.set(leaves);
            // Often back before the stream has closed or the partner has noticed.
            let away = if random.bool() { random.u64(0..1_500) } else { random.u64(0..90_000) };
            lab.run(away).await;
            socket.set(comes_back);
            lab.run(7_000).await;
            lab.expect(&controller, "interacting", "");
            lab.expect(&responder, "interacting", "");
            lab.run(random.u64(0..60_000)).await;
        }
        assert!(turns > 500, "{turns}");
        let load = lab.load().await;
        assert_eq!((load.sessions, load.streams, load.endings), (2, 2, 0));
    });
}

/// Nobody tells its partner: it learns by silence, and the server by the broken connection.
#[test]
fn who_vanishes_says_no_goodbye() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        let gone = lab.now();
        responder.vanish();
        lab.run(1_000).await;
        assert_eq!(responder.summary(), None);
        let told = lab.lives_since(&responder, gone);
        assert_eq!(
            told.last().map(|(_, news)| news.clone()),
            Some(News::Removed { as_told: true }),
            "{told:?}"
        );
        lab.expect(&controller, "interacting", "");
        let load = lab.load().await;
        assert_eq!(load.streams, 1, "its connection broke");
        lab.run(26_000).await;
        lab.expect(&controller, "searching", "partnerInactive");
        let again = lab.responder();
        lab.run(6_000).await;
        lab.expect(&again, "interacting", "");
        lab.expect(&controller, "interacting", "");
    });
}

#[test]
fn an_observer_without_pings_is_told_all_else() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) =
            (lab.controller(), lab.build(Role::Responder, Some(RESPONDER), "guest"));
        let responder = lab.host.spawn(responder.without_pings());
        lab.pair(&controller, &responder).await;
        let start = lab.now();
        controller.send(event("show"));
        lab.run(30_000).await;
        let heard = |socket| {
            let notices = lab.notices_since(socket, 0).into_iter();
            notices.filter(|(_, notice)| matches!(notice, Notice::CrEvent(_))).count()
        };
        assert_eq!(heard(&responder), 1, "since {start}");
        assert!(heard(&controller) > 2, "the other one hears pings");
        assert!(responder.summary().unwrap().received > 2, "they are counted all the same");
    });
}
