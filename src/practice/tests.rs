//! Practice partners over a Registry of their own, in time that passes only when nothing else is to be done.

use std::sync::Arc;
use std::time::Duration;

use actix::System;
use tokio::time::{Instant, sleep};

use super::*;
use crate::actors::board::SocketId;
use crate::actors::host::CrSocketBuilder;
use crate::actors::host::Published;
use crate::actors::registry::RegistrySettings;
use crate::client_id_store::ephemeral;
use crate::metrics::Counter;
use crate::protocol::ids::{ClientId, Role};
use crate::protocol::policy::{App, Apps};

/// Nobody has this one.
const NOBODY: u32 = 777;

struct Lab {
    practice: Practice,
    counters: Arc<Counters>,
    start: Instant,
}

fn settings(counters: &Arc<Counters>) -> (PracticeSettings, Addr<Registry>) {
    let app = AppId::parse("demo").unwrap();
    let registry = Registry::start(RegistrySettings {
        counters: Arc::clone(counters),
        ..RegistrySettings::new(Apps::new().with(app.clone(), App::default()), ephemeral().unwrap())
    });
    let settings = PracticeSettings {
        app,
        access_token: AccessToken::parse("demo").unwrap(),
        timing: Timing::default(),
        client_ids: Arc::new(ClientIds::new(None)),
        counters: Arc::clone(counters),
        published: Published::default(),
    };
    (settings, registry)
}

impl Lab {
    fn new() -> Lab {
        let counters = Arc::<Counters>::default();
        let (settings, registry) = settings(&counters);
        Lab { practice: Practice::start(settings, registry), counters, start: Instant::now() }
    }

    async fn lend(&self, wanted: Wanted) -> Result<ClientId, NoPartner> {
        self.practice.lender().send(Lend(wanted)).await.unwrap()
    }

    /// Waits until so many are left, and says when that was.
    async fn left(&self, count: usize) -> Duration {
        while self.practice.host.len() != count {
            assert!(
                self.start.elapsed() < Duration::from_secs(3_600),
                "{} are left",
                self.practice.host.len()
            );
            sleep(Duration::from_millis(50)).await;
        }
        self.start.elapsed()
    }

    /// How many crEvents this one sent, and how many it got, pings too.
    fn counted(&self, client_id: ClientId) -> Option<(u32, u32)> {
        let all = self.practice.host.board().list(SocketId(0), 100);
        let found = all.iter().find(|one| one.client_id == Some(client_id))?;
        Some((found.sent, found.received))
    }
}

fn run(test: impl Future<Output = ()>) {
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    System::with_tokio_rt(runtime).block_on(test);
}

fn seconds(length: Duration) -> f64 {
    length.as_secs_f64()
}

/// The two kinds with each other: ten trials, and both are gone.
#[test]
fn a_controller_runs_its_ten_trials_with_a_responder_and_both_are_free_again() {
    run(async {
        let lab = Lab::new();
        let responder = lab.lend(Wanted::Responder).await.unwrap();
        let controller = lab.lend(Wanted::Controller { partner: responder }).await.unwrap();
        let mut last = None;
        while lab.practice.host.len() == 2 {
            last = lab.counted(controller).or(last);
            sleep(Duration::from_millis(20)).await;
        }
        let (sent, received) = last.unwrap();
        assert!(sent >= 11, "ten stimuli and the end are sent: {sent}");
        assert!(received >= 10, "ten reactions came: {received}");
        // A trial takes 700 to 2,000 ms, a reaction, and 1 to 2 s; nobody waited for a reaction in vain.
        let all = seconds(lab.left(0).await);
        assert!((18.0..60.0).contains(&all), "after {all} s");
        assert_eq!(lab.counters.get(Counter::PartnersLent), 2);
        assert_eq!(lab.counters.get(Counter::SocketsDied), 0);
    });
}

#[test]
fn a_partner_to_whom_nobody_comes_is_free_again() {
    run(async {
        let lab = Lab::new();
        let nobody = ClientId::from_number(NOBODY).unwrap();
        lab.lend(Wanted::Responder).await.unwrap();
        lab.lend(Wanted::Controller { partner: nobody }).await.unwrap();
        let gone = seconds(lab.left(0).await);
        assert!((30.0..33.0).contains(&gone), "after {gone} s");
    });
}

/// A controller that is there, but answers nothing, is asked ten times; then it is let go of.
#[test]
fn a_controller_does_not_wait_for_ever_for_reactions() {
    run(async {
        let lab = Lab::new();
        let mute = ClientId::from_number(NOBODY).unwrap();
        let builder = CrSocketBuilder::new(AppId::parse("demo").unwrap(), Role::Responder)
            .client_id(mute)
            .access_token(AccessToken::parse("demo").unwrap());
        let socket = lab.practice.host.spawn(builder);
        lab.lend(Wanted::Controller { partner: mute }).await.unwrap();
        let gone = seconds(lab.left(1).await);
        assert!((61.0..66.0).contains(&gone), "after {gone} s");
        assert!(socket.summary().unwrap().partner.is_none(), "it was let go of");
    });
}

/// A controller that goes away without a word is waited for, and then its responder is free.
#[test]
fn a_responder_is_free_again_when_its_controller_stays_away() {
    run(async {
        let lab = Lab::new();
        let responder = lab.lend(Wanted::Responder).await.unwrap();
        let builder = CrSocketBuilder::new(AppId::parse("demo").unwrap(), Role::Controller)
            .access_token(AccessToken::parse("demo").unwrap())
            .partner(responder);
        let controller = lab.practice.host.spawn(builder);
        while controller.summary().unwrap().state.state() != "interacting" {
            sleep(Duration::from_millis(50)).await;
        }
        sleep(Duration::from_secs(100)).await;
        assert_eq!(lab.practice.host.len(), 2, "while the controller is there it stays");
        let left = lab.start.elapsed();
        // It says `inactive`, and nothing more.
        controller.remove();
        let gone = seconds(lab.left(0).await - left);
        assert!((20.0..23.0).contains(&gone), "after {gone} s: releaseDt");
    });
}

#[test]
fn so_many_of_each_role_are_lent_at_once() {
    run(async {
        let lab = Lab::new();
        let partner = ClientId::from_number(NOBODY).unwrap();
        for wanted in [Wanted::Responder, Wanted::Controller { partner }] {
            for _ in 0..MOST {
                lab.lend(wanted).await.unwrap();
            }
            assert!(matches!(lab.lend(wanted).await, Err(NoPartner::AllTaken { .. })), "{wanted:?}");
        }
        lab.left(0).await;
        lab.lend(Wanted::Responder).await.unwrap();
        assert_eq!(lab.counters.get(Counter::PartnersLent), 33);
        assert_eq!(lab.counters.get(Counter::PartnersAllTaken), 2);
    });
}

/// A clientId is used up each time: however soon one is free again, only so many are.
#[test]
fn so_many_are_lent_in_so_much_time() {
    run(async {
        let lab = Lab::new();
        let (settings, registry) = settings(&lab.counters);
        let mut lender = Lender::new(settings, registry, Rc::clone(&lab.practice.host));
        for _ in 0..RATE.burst {
            lender.admit(Role::Responder).unwrap();
        }
        let refused = lender.admit(Role::Controller).unwrap_err();
        assert_eq!(refused, NoPartner::TooOften { wait: Millis(500) });
        assert_eq!(lab.counters.get(Counter::PartnersTooOften), 1);
        sleep(Duration::from_millis(500)).await;
        lender.admit(Role::Controller).unwrap();
    });
}

#[test]
fn a_practice_that_stops_lends_nothing_more() {
    run(async {
        let lab = Lab::new();
        lab.lend(Wanted::Responder).await.unwrap();
        let lender = lab.practice.lender().clone();
        assert_eq!(lab.practice.stop(Duration::from_secs(5)).await, 0);
        assert_eq!(lender.send(Lend(Wanted::Responder)).await.unwrap(), Err(NoPartner::Closed));
    });
}
