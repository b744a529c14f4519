//! What dies is reset, or gone, and nothing else is touched.

use crsocket::actors::host::{Host, SocketHandle};
use crsocket::actors::messages::{News, SetFact};
use crsocket::metrics::Counter;
use crsocket::protocol::action::{Fate, Ticket, WhyDropped};
use crsocket::protocol::ids::{Assigned, Role};
use crsocket::protocol::time::{Millis, Timing};

use crate::lab::{CONTROLLER, LATE, Lab, OTHER, RESPONDER, Wishes, event, expect_about, id, names, run};
use crate::logs;
use crate::saboteur::{self, Part};

/// A pair of which one is to suffer, and another pair of its host's thread.
struct Ward {
    lab: Lab,
    host: Host,
    victim: SocketHandle,
    partner: SocketHandle,
    bystanders: [SocketHandle; 2],
}

impl Ward {
    async fn new(role: Role) -> Ward {
        Ward::with(role, Timing::default()).await
    }

    async fn with(role: Role, timing: Timing) -> Ward {
        logs::keep();
        saboteur::forget();
        let lab = Lab::with(Wishes { timing, ..Wishes::default() });
        // Hosts count for themselves: nobody else has the victim's number.
        lab.add(role, OTHER).remove();
        let host = lab.another_host(saboteur::random);
        let (own, other) = match role {
            Role::Controller => (CONTROLLER, RESPONDER),
            Role::Responder => (RESPONDER, CONTROLLER),
        };
        let victim = host.spawn(lab.build(role, Some(own), "guest"));
        let partner = lab.add(role.partner(), other);
        assert_ne!(victim.id(), partner.id());
        let bystanders = [lab.add(Role::Controller, 1), lab.add(Role::Responder, 2)];
        lab.assign(&bystanders[0], 2);
        match role {
            Role::Controller => lab.pair(&victim, &partner).await,
            Role::Responder => lab.pair(&partner, &victim).await,
        }
        Ward { lab, host, victim, partner, bystanders }
    }

    /// The bystanders interact, and exchange something; nobody told them anything since.
    async fn expect_untouched(&self, since: i64) {
        let [one, other] = &self.bystanders;
        for socket in [one, other] {
            assert_eq!(self.lab.states_since(socket, since), [], "a bystander");
            assert_eq!(self.lab.lives_since(socket, since), [], "a bystander");
        }
        let before = self.lab.now();
        let ticket = one.send(event("hello"));
        self.lab.run(1_500).await;
        assert_eq!(self.lab.fates(one, ticket), [Fate::Queued, Fate::Sent, Fate::Understood]);
        assert!(self.lab.got_since(other, before).contains(&"hello".to_owned()));
    }

    /// What was accepted under this ticket has exactly one final fate.
    #[track_caller]
    fn final_fate(&self, ticket: Ticket) -> Fate {
        let fates = self.lab.fates(&self.victim, ticket);
        let ends: Vec<Fate> = fates.iter().filter(|fate| fate.is_final()).cloned().collect();
        assert_eq!(ends.len(), 1, "one final fate, and nothing behind it: {fates:?}");
        assert!(fates.last().unwrap().is_final(), "nothing follows a final fate: {fates:?}");
        ends[0].clone()
    }
}

#[test]
fn a_receiver_that_panics_resets_its_crsocket_and_nothing_else() {
    for role in [Role::Controller, Role::Responder] {
        run(async {
            let ward = Ward::new(role).await;
            let Ward { lab, victim, partner, .. } = &ward;
            let [first, second, third] = ["a", "b", "c"].map(|name| victim.send(event(name)));
            lab.run(500).await;
            let start = lab.now();
            saboteur::plan(Part::Receiver, 0);
            partner.send(event("x"));
            lab.run(100).await;
            assert!(saboteur::leave_alone(), "nobody panicked");
            let expected =
                format!("the EventReceiver of crSocket {} died; the crSocket is reset", victim.id());
            assert_eq!(logs::errors(), [expected]);
            assert_eq!(lab.count(Counter::SocketsReset), 1);
            assert_eq!(lab.count(Counter::SocketsDied), 0);
            assert_eq!(victim.summary().unwrap().resets, 1);
            lab.expect(victim, "passive", "noClientId");
            assert_eq!(
                lab.lives_since(victim, start).iter().map(|(_, news)| news).collect::<Vec<_>>(),
                [&News::Reset]
            );
            assert_eq!(ward.final_fate(first), Fate::Understood);
            assert_eq!(ward.final_fate(second), Fate::Dropped(WhyDropped::Reset));
            assert_eq!(ward.final_fate(third), Fate::Dropped(WhyDropped::Reset));
            lab.run(11_000).await;
            lab.expect(victim, "interacting", "");
            lab.expect(partner, "interacting", "");
            assert_eq!(
                lab.states_since(partner, start),
                [],
                "7: nothing for a partner that is silent for a moment"
            );
            let before = lab.now();
            victim.send(event("again"));
            lab.run(2_000).await;
            assert!(lab.got_since(partner, before).contains(&"again".to_owned()));
            ward.expect_untouched(start).await;
            let load = lab.load().await;
            assert_eq!((load.sessions, load.streams, load.endings), (4, 4, 0), "its old stream is gone");
            assert_eq!(lab.counters.get(Counter::SocketsReset), 1, "once");
        });
    }
}

/// Wherever it dies on the way of an event to the server and back, one final fate is told, and both find back.
#[test]
fn whichever_step_a_child_dies_in_each_event_has_one_fate_and_the_pair_finds_back() {
    for part in [Part::Sender, Part::Receiver] {
        let mut came_true = 0;
        for spared in 0..40 {
            run(async {
                let ward = Ward::new(Role::Controller).await;
                let Ward { lab, victim, partner, .. } = &ward;
                let start = lab.now();
                saboteur::plan(part, spared);
                let tickets = ["a", "b", "c"].map(|name| victim.send(event(name)));
                partner.send(event("x"));
                lab.run(60_000).await;
                let panicked = saboteur::leave_alone();
                came_true += u32::from(panicked);
                assert_eq!(lab.count(Counter::SocketsReset), u64::from(panicked), "{part:?} {spared}");
                for ticket in tickets {
                    let fate = ward.final_fate(ticket);
                    let is_right = match fate {
                        Fate::Understood => true,
                        Fate::Unconfirmed | Fate::Dropped(WhyDropped::Reset) | Fate::Refused(_) => panicked,
                        _ => false,
                    };
                    assert!(is_right, "{part:?} {spared}: {fate:?}");
                    let got = lab.got_since(partner, start);
                    if fate == Fate::Dropped(WhyDropped::Reset) {
                        let name = ["a", "b", "c"][usize::try_from(ticket.0).unwrap()];
                        assert!(!got.contains(&name.to_owned()), "{name} left, {got:?}");
                    }
                }
                // It may have died late; its partner pings each 10 s.
                lab.run(12_000).await;
                lab.expect(victim, "interacting", "");
                lab.expect(partner, "interacting", "");
                assert_eq!(names(&lab.states_since(partner, start)), [] as [&str; 0], "{part:?} {spared}");
                ward.expect_untouched(start).await;
            });
        }
        assert!(came_true >= 10, "{part:?}: {came_true}");
    }
}

#[test]
fn an_event_that_left_when_its_sender_died_is_unconfirmed() {
    let mut unconfirmed = 0;
    for spared in 0..8 {
        run(async {
            let ward = Ward::new(Role::Controller).await;
            saboteur::plan(Part::Sender, spared);
            let ticket = ward.victim.send(event("a"));
            ward.lab.run(100).await;
            let fate = ward.final_fate(ticket);
            let arrived = ward.lab.got_since(&ward.partner, 7_000).contains(&"a".to_owned());
            match fate {
                // The EventSender may also die between saying that it left and letting it.
                Fate::Unconfirmed => unconfirmed += u32::from(arrived),
                Fate::Dropped(_) => assert!(!arrived, "it did not leave"),
                other => assert_eq!(other, Fate::Understood),
            }
        });
    }
    assert!(unconfirmed > 0);
}

/// It was not set by anybody: after a reset it is as after a page was loaded anew.
#[test]
fn a_reset_responder_keeps_a_partner_that_was_set_and_forgets_one_that_pinged() {
    for was_set in [false, true] {
        run(async {
            let timing = Timing { release_dt: Millis(20_000), ..Timing::default() };
            let ward = Ward::with(Role::Responder, timing).await;
            let Ward { lab, victim, partner, .. } = &ward;
            if was_set {
                victim.set(SetFact::Partner(Assigned::Valid(id(CONTROLLER))));
            }
            let start = lab.now();
            saboteur::plan(Part::Receiver, 0);
            partner.send(event("x"));
            lab.run(12_000).await;
            assert!(saboteur::leave_alone());
            lab.expect(victim, "interacting", "");
            assert_eq!(lab.partners_since(victim, start), [None, Some(CONTROLLER)]);
            partner.set(SetFact::Visible(false));
            lab.run(60_000).await;
            if was_set {
                lab.expect(victim, "searching", "partnerInactive");
            } else {
                lab.expect(victim, "readyToPair", "noPartnerClientId");
            }
        });
    }
}

#[test]
fn facts_that_are_set_while_it_starts_anew_count() {
    run(async {
        let ward = Ward::new(Role::Controller).await;
        let Ward { lab, victim, partner, .. } = &ward;
        let other = lab.add(Role::Responder, OTHER);
        saboteur::plan(Part::Receiver, 0);
        partner.send(event("x"));
        lab.run(100).await;
        assert_eq!(victim.summary().unwrap().resets, 1);
        let early = victim.send(event("early"));
        lab.assign(victim, OTHER);
        lab.run(10_000).await;
        lab.expect(victim, "interacting", "");
        lab.expect(&other, "interacting", "");
        assert!(matches!(ward.final_fate(early), Fate::Refused(_)), "{:?}", lab.fates(victim, early));
    });
}

/// What an enclosing client sends meanwhile reaches the new EventSender, which can die as well.
#[test]
fn a_child_that_dies_before_its_crsocket_has_started_anew_takes_no_facts_with_it() {
    run(async {
        let ward = Ward::new(Role::Controller).await;
        let Ward { lab, victim, partner, .. } = &ward;
        saboteur::plan(Part::Receiver, 0);
        partner.send(event("x"));
        lab.run(100).await;
        assert_eq!(victim.summary().unwrap().resets, 1);
        lab.run(700).await;
        saboteur::plan(Part::AnyChild, 0);
        victim.send(event("early"));
        lab.run(100).await;
        assert!(saboteur::leave_alone());
        assert_eq!(victim.summary().unwrap().resets, 2);
        let second = lab.now();
        lab.run(800).await;
        lab.expect(victim, "passive", "noClientId");
        lab.run(10_000).await;
        lab.expect(victim, "interacting", "");
        lab.expect(partner, "interacting", "");
        let begun = lab.notices_since(victim, second).into_iter().map(|(at, _)| at).next();
        assert!(
            begun.is_some_and(|at| at >= 850),
            "a second after the second death, not the first: {begun:?}"
        );
    });
}

#[test]
fn a_child_that_panics_over_and_over_does_not_spin() {
    run(async {
        let ward = Ward::new(Role::Controller).await;
        let Ward { lab, victim, partner, .. } = &ward;
        let start = lab.now();
        let steps = saboteur::steps();
        saboteur::plan_always(Part::AnyChild);
        partner.send(event("x"));
        lab.run(60_000).await;
        assert!(saboteur::leave_alone());
        let resets = lab.count(Counter::SocketsReset);
        assert!((50..=61).contains(&resets), "once a second, saw {resets}");
        assert_eq!(u64::from(victim.summary().unwrap().resets), resets);
        let steps = saboteur::steps() - steps;
        assert!(steps < 61 * 30, "{steps} steps for {resets} resets");
        lab.run(8_000).await;
        lab.expect(victim, "interacting", "");
        lab.expect(partner, "interacting", "");
        ward.expect_untouched(start).await;
        let load = lab.load().await;
        assert_eq!((load.sessions, load.streams, load.endings), (4, 4, 0));
    });
}

#[test]
fn a_crsocket_that_panics_is_gone_with_its_children_and_its_partner_notices_after_25_s() {
    run(async {
        let ward = Ward::new(Role::Responder).await;
        let Ward { lab, victim, partner, .. } = &ward;
        let open = ["a", "b"].map(|name| victim.send(event(name)));
        lab.run(500).await;
        let last = lab.events_since(partner, 0).last().unwrap().0;
        let start = lab.now();
        saboteur::plan(Part::Socket, 0);
        victim.set(SetFact::Paused(false));
        lab.run(100).await;
        assert!(saboteur::leave_alone());
        assert_eq!(logs::errors(), [format!("crSocket {} died", victim.id())]);
        assert_eq!((lab.count(Counter::SocketsDied), lab.count(Counter::SocketsReset)), (1, 0));
        assert_eq!(
            lab.lives_since(victim, start).iter().map(|(_, news)| news).collect::<Vec<_>>(),
            [&News::Removed { as_told: false }]
        );
        assert_eq!(ward.final_fate(open[0]), Fate::Understood);
        assert_eq!(ward.final_fate(open[1]), Fate::Dropped(WhyDropped::Reset));
        assert_eq!((victim.summary(), ward.host.len()), (None, 0), "its place on the board is free");
        let steps = saboteur::steps();
        lab.run(40_000).await;
        assert_eq!(saboteur::steps(), steps, "no child is left that does anything");
        let lost: Vec<i64> = lab.states_since(partner, start).iter().map(|(at, _)| *at - last).collect();
        expect_about(&lost, 25_000, 1, "7, 8: partnerActiveMaxEventInDt");
        let load = lab.load().await;
        assert_eq!((load.sessions, load.streams, load.endings), (3, 3, 0), "its session is gone");
        let again = lab.responder();
        lab.run(6_000).await;
        lab.expect(&again, "interacting", "");
        lab.expect(partner, "interacting", "");
        ward.expect_untouched(start).await;
    });
}

/// Whatever dies while a crSocket leaves, it is gone soon, and as it was told.
#[test]
fn a_child_that_dies_while_its_crsocket_leaves_does_not_keep_it() {
    for part in [Part::Sender, Part::Receiver] {
        let mut came_true = 0;
        for spared in 0..8 {
            run(async {
                let ward = Ward::new(Role::Controller).await;
                let Ward { lab, victim, host, .. } = &ward;
                let start = lab.now();
                saboteur::plan(part, spared);
                victim.remove();
                lab.run(7_000).await;
                came_true += u32::from(saboteur::leave_alone());
                let lives = lab.lives_since(victim, start);
                assert_eq!(lives.len(), 1, "{part:?} {spared}: {lives:?}");
                assert_eq!(lives[0].1, News::Removed { as_told: true });
                assert_eq!((host.len(), victim.summary()), (0, None));
                lab.run(30_000).await;
                assert_eq!(lab.load().await.streams, 3, "{part:?} {spared}");
                ward.expect_untouched(start).await;
            });
        }
        assert!(came_true > 0, "{part:?}");
    }
}

#[test]
fn a_reset_crsocket_can_be_removed_before_it_starts_anew() {
    run(async {
        let ward = Ward::new(Role::Controller).await;
        let Ward { lab, victim, host, partner, .. } = &ward;
        saboteur::plan(Part::Receiver, 0);
        partner.send(event("x"));
        lab.run(100).await;
        assert!(saboteur::leave_alone());
        let start = lab.now();
        victim.remove();
        lab.run(100).await;
        assert_eq!(host.len(), 0);
        let lives = lab.lives_since(victim, start);
        assert_eq!(
            lives.iter().map(|(_, news)| news).collect::<Vec<_>>(),
            [&News::Removed { as_told: true }]
        );
        assert!(lives[0].0 - start <= LATE);
        lab.run(30_000).await;
        assert_eq!(lab.load().await.sessions, 3);
    });
}
