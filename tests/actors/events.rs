//! The crEvents of enclosing clients: their order, their spacing, their fates.

use crsocket::actors::messages::SetFact;
use crsocket::protocol::action::{Fate, Outcome, Refusal, WhyDropped};
use crsocket::protocol::event::CrEvent;
use crsocket::protocol::ids::Role;
use crsocket::protocol::limits::Limits;
use crsocket::protocol::rate::RateLimit;
use crsocket::protocol::sender::{MAX_QUEUED, WhyNotReady};

use crate::lab::{CALENDAR, Lab, OTHER, RESPONDER, Wishes, apart, event, expect_about, nobody, run};

/// Params that a page may well send.
const AWKWARD: [&str; 6] = ["", "100 %", "a&b=c", "naïve 漢字 🙂", "line\nbreak", "%2C \"quoted\" ; \\"];

#[test]
fn events_of_both_enclosing_clients_arrive_in_order_a_second_apart() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        let start = lab.now();
        let mut tickets = Vec::new();
        for name in ["a", "b", "c", "d"] {
            tickets.push((&controller, controller.send(event(name))));
            tickets.push((&responder, responder.send(event(name))));
        }
        lab.run(6_000).await;
        for (socket, partner) in [(&controller, &responder), (&responder, &controller)] {
            let got: Vec<(i64, CrEvent)> = lab
                .events_since(partner, start)
                .into_iter()
                .filter(|(_, event)| &*event.event_type != "ping")
                .collect();
            let names: Vec<&str> = got.iter().map(|(_, event)| &*event.event_type).collect();
            assert_eq!(names, ["a", "b", "c", "d"], "4: order");
            let sent = apart(got.iter().map(|(_, event)| event.send_ct.unwrap() - CALENDAR));
            expect_about(&sent, 1_000, 3, "6: minCrEventDt");
            for (at, event) in &got {
                assert_eq!(event.receive_ct, Some(CALENDAR + at), "stamped when it comes");
                assert_eq!(event.sender, socket.summary().unwrap().client_id, "the server names the sender");
            }
        }
        for (socket, ticket) in tickets {
            let fates = lab.fates(socket, ticket);
            assert_eq!(
                fates,
                [Fate::Queued, Fate::Sent, Fate::Understood],
                "of {ticket:?} of {}",
                socket.id()
            );
        }
    });
}

#[test]
fn awkward_text_arrives_as_it_was_sent() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        let start = lab.now();
        let long = "x".repeat(4_000);
        let params: Vec<&str> = AWKWARD.into_iter().chain([long.as_str()]).collect();
        let sent = CrEvent::new("text", "sub").unwrap().with_params(params.clone()).unwrap().logged();
        for socket in [&controller, &responder] {
            socket.send(sent.clone());
        }
        lab.run(1_500).await;
        for socket in [&controller, &responder] {
            let got = lab.events_since(socket, start).into_iter().map(|(_, event)| event);
            let got: Vec<CrEvent> = got.filter(|event| &*event.event_type == "text").collect();
            assert_eq!(got.len(), 1, "{got:?}");
            assert_eq!(got[0].params.iter().map(|param| &**param).collect::<Vec<_>>(), params);
            assert_eq!((&*got[0].sub_type, got[0].logged, got[0].buffered), ("sub", true, false));
        }
    });
}

#[test]
fn buffered_events_wait_while_offline_and_leave_behind_the_ping() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        controller.set(SetFact::Online(false));
        lab.run(10).await;
        lab.expect(&controller, "passive", "notOnline");
        let kept = controller.send(event("kept").buffered());
        let dropped = controller.send(event("dropped"));
        lab.run(3_000).await;
        assert_eq!(lab.fates(&controller, kept).last(), Some(&Fate::Buffered), "6: kept while offline");
        let fate = Fate::Dropped(WhyDropped::Offline);
        assert_eq!(lab.fates(&controller, dropped).last(), Some(&fate), "6: others are dropped and reported");
        let start = lab.now();
        controller.set(SetFact::Online(true));
        lab.run(5_000).await;
        assert_eq!(lab.fates(&controller, kept).last(), Some(&Fate::Understood));
        let got = lab.got_since(&responder, start);
        assert_eq!(got[..2], ["ping", "kept"], "6: right behind its ping");
        assert!(!got.contains(&"dropped".to_owned()), "{got:?}");
    });
}

#[test]
fn what_is_not_accepted_is_refused_with_the_reason() {
    run(async {
        let lab = Lab::new();
        let lonely = lab.add(Role::Responder, OTHER);
        let (controller, _responder) = lab.interacting_pair().await;
        let early = lonely.send(event("early"));
        let reserved = controller.send(CrEvent::ping());
        let endless = "x".repeat(9_000);
        let long = controller.send(event("long").with_params([endless]).unwrap());
        lab.run(100).await;
        let refused = |socket, ticket| match lab.fates(socket, ticket).as_slice() {
            [Fate::Refused(why)] => why.clone(),
            other => panic!("not refused but {other:?}"),
        };
        assert_eq!(refused(&lonely, early), Refusal::NotReady(WhyNotReady::NoPartnerClientId));
        assert_eq!(refused(&controller, reserved), Refusal::Reserved);
        let why = refused(&controller, long);
        assert!(matches!(why, Refusal::TooLong { max: 8_192, .. }), "{why:?}");
        let tickets: Vec<_> = (0..MAX_QUEUED + 2).map(|_| controller.send(event("many"))).collect();
        lab.run(100).await;
        let accepted = tickets.iter().filter(|ticket| lab.fates(&controller, **ticket)[0] == Fate::Queued);
        assert_eq!(accepted.count(), MAX_QUEUED + 1, "one leaves at once");
        let full = refused(&controller, tickets[MAX_QUEUED + 1]);
        assert_eq!(full, Refusal::QueueFull { max: MAX_QUEUED });
    });
}

#[test]
fn what_waits_for_a_partner_that_is_let_go_is_dropped() {
    run(async {
        let lab = Lab::new();
        let (controller, responder) = lab.interacting_pair().await;
        let start = lab.now();
        let tickets = ["a", "b", "c"].map(|name| controller.send(event(name)));
        lab.run(500).await;
        controller.set(nobody());
        lab.run(5_000).await;
        let ends = tickets.map(|ticket| lab.fates(&controller, ticket).last().cloned());
        let dropped = Some(Fate::Dropped(WhyDropped::Unassigned));
        assert_eq!(ends, [Some(Fate::Understood), dropped.clone(), dropped]);
        assert_eq!(lab.got_since(&responder, start), ["a", "unassign"]);
    });
}

#[test]
fn what_the_server_has_no_room_for_is_lost_or_if_buffered_tried_again() {
    run(async {
        let send_rate = RateLimit { per_second: 1, burst: 3 };
        let timing = crsocket::protocol::time::Timing {
            min_cr_event_dt: crsocket::protocol::time::Millis(100),
            ..Default::default()
        };
        let limits = Limits { send_rate, ..Limits::default() };
        let lab = Lab::with(Wishes { limits, timing, ..Wishes::default() });
        let (controller, responder) = lab.interacting_pair().await;
        let start = lab.now();
        let tickets: Vec<_> = (0..8).map(|_| controller.send(event("many"))).collect();
        let kept = controller.send(event("kept").buffered());
        lab.run(60_000).await;
        let ends: Vec<Fate> =
            tickets.iter().map(|ticket| lab.fates(&controller, *ticket).last().cloned().unwrap()).collect();
        let lost = |fate: &&Fate| matches!(fate, Fate::Lost(Outcome::Refused { status: 429, .. }));
        let understood = |fate: &&Fate| **fate == Fate::Understood;
        let (lost, understood) = (ends.iter().filter(lost).count(), ends.iter().filter(understood).count());
        assert!(lost > 0 && understood >= 2 && lost + understood == 8, "{ends:?}");
        let fates = lab.fates(&controller, kept);
        assert_eq!(fates.last(), Some(&Fate::Understood), "{fates:?}");
        let got = lab.got_since(&responder, start);
        assert_eq!(got.iter().filter(|kind| *kind == "many").count(), understood, "{got:?}");
        assert_eq!(got.iter().filter(|kind| *kind == "kept").count(), 1, "{got:?}");
    });
}

#[test]
fn an_event_leaves_for_who_was_the_partner_when_it_was_sent() {
    run(async {
        let lab = Lab::new();
        let (controller, first) = lab.interacting_pair().await;
        let second = lab.add(Role::Responder, OTHER);
        lab.run(1_000).await;
        let start = lab.now();
        controller.send(event("a"));
        controller.send(event("b"));
        lab.assign(&controller, OTHER);
        controller.send(event("c"));
        lab.run(10_000).await;
        let ordinary = |socket| -> Vec<String> {
            let got = lab.got_since(socket, start).into_iter();
            got.filter(|kind| kind.len() == 1).collect()
        };
        assert_eq!(ordinary(&first), ["a"]);
        assert_eq!(ordinary(&second), ["c"]);
        assert_eq!(first.summary().unwrap().client_id.unwrap().number(), RESPONDER);
    });
}
