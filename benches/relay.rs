//! What it costs to relay a crEvent from socket to socket, beside a bare relay of four actors that do nothing else.
//!
//! Closed loops: each receiver lets its sender send the next event. `cargo bench --bench relay`

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench has nobody to hand an error to")]

use std::ops::Range;
use std::sync::Arc;

use actix::{Actor, Addr, Arbiter, ArbiterHandle, Context, Handler, Message, Recipient, System};
use crsocket::actors::host::{CrSocketBuilder, Host, HostSettings, Server, SocketHandle, Threads};
use crsocket::actors::messages::{News, SocketEvent};
use crsocket::actors::registry::{Registry, RegistrySettings};
use crsocket::client_id_store::ephemeral;
use crsocket::protocol::action::Notice;
use crsocket::protocol::event::{CrEvent, EventKind};
use crsocket::protocol::ids::{AccessToken, AppId, ClientId, Role};
use crsocket::protocol::limits::Limits;
use crsocket::protocol::policy::{App, Apps};
use crsocket::protocol::rate::RateLimit;
use crsocket::protocol::socket::State;
use crsocket::protocol::time::{Millis, Timing};
use divan::counter::ItemsCount;
use divan::{Bencher, main as run_benches};
use tokio::sync::oneshot;

/// How many pairs relay at once.
const PAIRS: u32 = 500;
/// How many events are relayed in one round, all pairs together.
const EVENTS: u32 = 50_000;

fn main() {
    run_benches();
}

/// Where the relay lives. A pair is always on one thread, and counts its rounds there.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// All of it on one thread.
    OneThread,
    /// The middle, the Registry's place, on a thread of its own.
    RegistryApart,
    /// Half of the pairs on the thread of the middle, the others on a second.
    PairsOnBoth,
}

const LAYOUTS: [Layout; 3] = [Layout::OneThread, Layout::RegistryApart, Layout::PairsOnBoth];

impl Layout {
    /// The threads of the pairs; the first one is where this is asked. Each has as many of them.
    fn threads(self) -> Vec<ArbiterHandle> {
        let here = Arbiter::current();
        match self {
            Layout::OneThread | Layout::RegistryApart => vec![here],
            Layout::PairsOnBoth => vec![here, Arbiter::new().handle()],
        }
    }

    /// Starts the middle.
    async fn start_middle<A: Actor>(self, start: impl FnOnce() -> Addr<A> + Send + 'static) -> Addr<A> {
        match self {
            Layout::OneThread | Layout::PairsOnBoth => start(),
            Layout::RegistryApart => on(&Arbiter::new().handle(), start).await,
        }
    }
}

/// What this makes on that thread.
async fn on<T: Send + 'static>(thread: &ArbiterHandle, make: impl FnOnce() -> T + Send + 'static) -> T {
    let (tell, told) = oneshot::channel();
    thread.spawn_fn(move || assert!(tell.send(make()).is_ok()));
    told.await.unwrap()
}

/// The pairs of one thread: what counts their rounds, and what lets each of them send.
struct Team {
    round: Addr<Round>,
    senders: Vec<Recipient<Next>>,
}

/// A round of all teams.
async fn relay(teams: &[Team]) {
    let mut ends = Vec::new();
    for Team { round, senders } in teams {
        let (done, ended) = oneshot::channel();
        let pairs = u32::try_from(senders.len()).unwrap();
        round.send(Begin { events: EVENTS / PAIRS * pairs, pairs, done }).await.unwrap();
        ends.push(ended);
    }
    for sender in teams.iter().flat_map(|team| &team.senders) {
        sender.do_send(Next);
    }
    for ended in ends {
        ended.await.unwrap();
    }
}

/// Counts down to the end of a round.
#[derive(Default)]
struct Round {
    left: u32,
    pairs: u32,
    done: Option<oneshot::Sender<()>>,
}

/// One more event has arrived. Whether another one is to be sent.
#[derive(Message)]
#[rtype(result = "()")]
struct Arrived(Recipient<Next>);

#[derive(Message)]
#[rtype(result = "()")]
struct Next;

#[derive(Message)]
#[rtype(result = "()")]
struct Begin {
    events: u32,
    pairs: u32,
    done: oneshot::Sender<()>,
}

impl Actor for Round {
    type Context = Context<Round>;
}

impl Handler<Begin> for Round {
    type Result = ();

    fn handle(&mut self, Begin { events, pairs, done }: Begin, _: &mut Context<Round>) {
        *self = Round { left: events, pairs, done: Some(done) };
    }
}

impl Handler<Arrived> for Round {
    type Result = ();

    fn handle(&mut self, Arrived(sender): Arrived, _: &mut Context<Round>) {
        self.left = self.left.saturating_sub(1);
        match self.left {
            0 => {
                if let Some(done) = self.done.take() {
                    done.send(()).unwrap();
                }
            }
            // The last of each pair are on their way.
            left if left < self.pairs => {}
            _ => sender.do_send(Next),
        }
    }
}

mod bare {
    //! Four actors that hand an event on.

    use super::*;

    /// An event, and whose it is.
    #[derive(Message)]
    #[rtype(result = "()")]
    pub(super) struct Relayed {
        pub(super) pair: usize,
        pub(super) text: Arc<str>,
    }

    /// Hands on to one other.
    pub(super) struct Hop(pub(super) Recipient<Relayed>);

    /// Hands on to the receiver of the pair.
    pub(super) struct Router(pub(super) Vec<Addr<Hop>>);

    /// The end: the receiving socket.
    pub(super) struct End {
        pub(super) round: Addr<Round>,
        pub(super) sender: Recipient<Next>,
    }

    /// The beginning: the sending socket.
    pub(super) struct Begins {
        pub(super) pair: usize,
        pub(super) next: Addr<Hop>,
    }

    /// The pairs of this thread, and their receivers.
    pub(super) fn team(router: &Recipient<Relayed>, pairs: Range<u32>) -> (Team, Vec<Addr<Hop>>) {
        let round = Round::default().start();
        let (mut senders, mut receivers) = (Vec::new(), Vec::new());
        for pair in pairs {
            let next = Hop(router.clone()).start();
            let sender = Begins { pair: usize::try_from(pair).unwrap(), next }.start().recipient();
            let end = End { round: round.clone(), sender: sender.clone() }.start();
            receivers.push(Hop(end.recipient()).start());
            senders.push(sender);
        }
        (Team { round, senders }, receivers)
    }

    #[derive(Message)]
    #[rtype(result = "()")]
    pub(super) struct SetReceivers(pub(super) Vec<Addr<Hop>>);

    impl Actor for Hop {
        type Context = Context<Hop>;
    }
    impl Actor for Router {
        type Context = Context<Router>;
    }
    impl Actor for End {
        type Context = Context<End>;
    }
    impl Actor for Begins {
        type Context = Context<Begins>;
    }

    impl Handler<Next> for Begins {
        type Result = ();

        fn handle(&mut self, _: Next, _: &mut Context<Begins>) {
            let text = format!("show,word,false,false,true,1234567890123,NaN,{:06},house", self.pair);
            self.next.do_send(Relayed { pair: self.pair, text: text.into() });
        }
    }

    impl Handler<Relayed> for Hop {
        type Result = ();

        fn handle(&mut self, event: Relayed, _: &mut Context<Hop>) {
            self.0.do_send(event);
        }
    }

    impl Handler<SetReceivers> for Router {
        type Result = ();

        fn handle(&mut self, SetReceivers(receivers): SetReceivers, _: &mut Context<Router>) {
            self.0 = receivers;
        }
    }

    impl Handler<Relayed> for Router {
        type Result = ();

        fn handle(&mut self, event: Relayed, _: &mut Context<Router>) {
            self.0[event.pair].do_send(event);
        }
    }

    impl Handler<Relayed> for End {
        type Result = ();

        fn handle(&mut self, event: Relayed, _: &mut Context<End>) {
            divan::black_box(event.text);
            self.round.do_send(Arrived(self.sender.clone()));
        }
    }
}

/// A round of the bare relay: socket, sender, router, receiver, socket.
#[divan::bench(args = LAYOUTS, sample_count = 20, sample_size = 1)]
fn bare_four_hops(bencher: Bencher<'_, '_>, layout: Layout) {
    use bare::{Router, SetReceivers};
    let system = System::new();
    let teams = system.block_on(async {
        let router = layout.start_middle(|| Router(Vec::new()).start()).await;
        let threads = layout.threads();
        let (mut teams, mut receivers) = (Vec::new(), Vec::new());
        for (thread, pairs) in threads.iter().zip(shares(threads.len())) {
            let router = router.clone().recipient();
            let (team, theirs) = on(thread, move || bare::team(&router, pairs)).await;
            teams.push(team);
            receivers.extend(theirs);
        }
        router.send(SetReceivers(receivers)).await.unwrap();
        teams
    });
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| system.block_on(relay(&teams)));
}

/// The numbers of the pairs on each of so many threads.
fn shares(threads: usize) -> impl Iterator<Item = Range<u32>> {
    let threads = u32::try_from(threads).unwrap();
    (0..threads).map(move |thread| PAIRS * thread / threads..PAIRS * (thread + 1) / threads)
}

/// The enclosing client of both ends of a pair: sends when it is told to, and says when an event has arrived.
struct Pair {
    round: Addr<Round>,
    controller: Option<SocketHandle>,
    interacting: u8,
    paired: Option<oneshot::Sender<()>>,
    me: Recipient<Next>,
}

#[derive(Message)]
#[rtype(result = "()")]
struct Controller(SocketHandle);

impl Actor for Pair {
    type Context = Context<Pair>;
}

impl Handler<Controller> for Pair {
    type Result = ();

    fn handle(&mut self, Controller(controller): Controller, _: &mut Context<Pair>) {
        self.controller = Some(controller);
    }
}

impl Handler<Next> for Pair {
    type Result = ();

    fn handle(&mut self, _: Next, _: &mut Context<Pair>) {
        if let Some(controller) = &self.controller {
            controller.send(CrEvent::new("show", "word").unwrap().with_params(["house"]).unwrap());
        }
    }
}

impl Handler<SocketEvent> for Pair {
    type Result = ();

    fn handle(&mut self, event: SocketEvent, _: &mut Context<Pair>) {
        match event.news {
            News::Notice(Notice::CrEvent(event)) if event.kind() == EventKind::Ordinary => {
                divan::black_box(event);
                self.round.do_send(Arrived(self.me.clone()));
            }
            News::Notice(Notice::State { to: State::Interacting, .. }) => {
                self.interacting += 1;
                if let Some(paired) = self.paired.take_if(|_| self.interacting == 2) {
                    paired.send(()).unwrap();
                }
            }
            News::Notice(_) | News::Reset | News::Removed { .. } => {}
        }
    }
}

fn registry_settings() -> RegistrySettings {
    let apps = Apps::new().with(AppId::parse("demo").unwrap(), App::default());
    let mut settings = RegistrySettings::new(apps, ephemeral().unwrap());
    settings.limits =
        Limits { send_rate: RateLimit { per_second: 1_000_000, burst: 1_000_000 }, ..Limits::default() };
    settings
}

/// A round of crEvents between hosted crSockets, unspaced, every fate told.
#[divan::bench(args = LAYOUTS, sample_count = 20, sample_size = 1)]
fn socket_to_socket(bencher: Bencher<'_, '_>, layout: Layout) {
    let system = System::new();
    let teams = system.block_on(async {
        let settings = registry_settings();
        let registry = layout.start_middle(|| Registry::start(settings)).await;
        let threads = layout.threads();
        let mut teams = Vec::new();
        for (thread, pairs) in threads.iter().zip(shares(threads.len())) {
            let registry = registry.clone();
            let (team, paired) = on(thread, move || team(registry, pairs)).await;
            teams.push(team);
            for is_paired in paired {
                is_paired.await.unwrap();
            }
        }
        teams
    });
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| system.block_on(relay(&teams)));
}

/// The pairs of this thread, and what tells when each of them is interacting.
fn team(registry: Addr<Registry>, pairs: Range<u32>) -> (Team, Vec<oneshot::Receiver<()>>) {
    let timing = Timing { min_cr_event_dt: Millis::ZERO, ..Timing::default() };
    let settings = HostSettings::new(Server::Local(registry));
    // CrSockets live until they are removed, with a host or without.
    let host = Host::start(HostSettings { timing, threads: Threads::Here, ..settings });
    let round = Round::default().start();
    let (senders, paired) = pairs.map(|pair| spawn_pair(&host, &round, pair)).unzip();
    (Team { round, senders }, paired)
}

/// A pair, and what tells when both are interacting.
fn spawn_pair(host: &Host, round: &Addr<Round>, pair: u32) -> (Recipient<Next>, oneshot::Receiver<()>) {
    let (paired, is_paired) = oneshot::channel();
    let round = round.clone();
    let address = Pair::create(|context| Pair {
        round,
        controller: None,
        interacting: 0,
        paired: Some(paired),
        me: actix::AsyncContext::address(context).recipient(),
    });
    let id = |number| ClientId::from_number(number).unwrap();
    let build = |role, own| {
        CrSocketBuilder::new(AppId::parse("demo").unwrap(), role)
            .client_id(id(own))
            .access_token(AccessToken::parse("team").unwrap())
            .observer(address.clone().recipient())
    };
    let (controller, _) = host.spawn_pair(
        build(Role::Controller, 2 * pair).partner(id(2 * pair + 1)),
        build(Role::Responder, 2 * pair + 1),
    );
    address.do_send(Controller(controller));
    (address.recipient(), is_paired)
}
