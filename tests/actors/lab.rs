//! A Registry and a host on the test's own thread, and somebody who writes down what crSockets tell.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, Recipient, System};
use crsocket::actors::host::{CrSocketBuilder, Host, HostSettings, Server, SocketHandle, Threads};
use crsocket::actors::messages::{GetLoad, Load, News, SetFact, SocketEvent};
use crsocket::actors::registry::{Registry, RegistrySettings};
use crsocket::metrics::{Counter, Counters};
use crsocket::protocol::action::{Fate, Notice, Ticket};
use crsocket::protocol::client_id::ClientIdSequence;
use crsocket::protocol::event::CrEvent;
use crsocket::protocol::ids::{AccessToken, AppId, Assigned, ClientId, Role};
use crsocket::protocol::limits::Limits;
use crsocket::protocol::policy::{App, Apps, Pairing};
use crsocket::protocol::sessions::PidSequence;
use crsocket::protocol::socket::State;
use crsocket::protocol::time::Timing;
use tokio::time::Instant;

pub const CONTROLLER: u32 = 482_913;
pub const RESPONDER: u32 = 155_608;
pub const OTHER: u32 = 700_002;

/// What the calendar says at the beginning.
pub const CALENDAR: i64 = 1_700_000_000_000;

/// How late a timer may be, in milliseconds.
pub const LATE: i64 = 2;

/// A Registry, a host, and what was told.
pub struct Lab {
    pub registry: Addr<Registry>,
    pub host: Host,
    pub counters: Arc<Counters>,
    pub app: AppId,
    pub timing: Timing,
    pub recorder: Recipient<SocketEvent>,
    start: Instant,
    told: Rc<RefCell<Vec<Told>>>,
}

/// Something a crSocket told.
#[derive(Clone, Debug)]
pub struct Told {
    /// When, in milliseconds since the beginning.
    pub at: i64,
    pub event: SocketEvent,
}

/// What a lab is made with.
pub struct Wishes {
    pub timing: Timing,
    pub limits: Limits,
    pub apps: Apps,
    /// How many positions of the clientId sequence are reserved.
    pub client_ids_reserved: u64,
}

impl Default for Wishes {
    fn default() -> Wishes {
        Wishes {
            timing: Timing::default(),
            limits: Limits::default(),
            apps: apps(App::default()),
            client_ids_reserved: u64::MAX,
        }
    }
}

/// Writes down what it is told.
struct Recorder {
    start: Instant,
    told: Rc<RefCell<Vec<Told>>>,
}

impl Actor for Recorder {
    type Context = Context<Recorder>;

    fn started(&mut self, context: &mut Context<Recorder>) {
        context.set_mailbox_capacity(1_000_000);
    }
}

impl Handler<SocketEvent> for Recorder {
    type Result = ();

    fn handle(&mut self, event: SocketEvent, _: &mut Context<Recorder>) {
        self.told.borrow_mut().push(Told { at: since(self.start), event });
    }
}

/// Runs a test where time passes only when nothing else is to be done, in whole milliseconds.
pub fn run(test: impl Future<Output = ()>) {
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    System::with_tokio_rt(runtime).block_on(test);
}

thread_local! {
    static CALENDAR_START: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Calendar time, as it passes in the test.
pub fn calendar() -> Option<i64> {
    CALENDAR_START.get().map(|start| CALENDAR + since(start))
}

fn since(start: Instant) -> i64 {
    i64::try_from(start.elapsed().as_millis()).unwrap()
}

pub fn apps(policies: App) -> Apps {
    Apps::new().with(AppId::parse("lab").unwrap(), policies)
}

impl Lab {
    pub fn new() -> Lab {
        Lab::with(Wishes::default())
    }

    pub fn same_user() -> Lab {
        Lab::with(Wishes {
            apps: apps(App { pairing: Pairing::SameUser, ..App::default() }),
            ..Wishes::default()
        })
    }

    pub fn with(wishes: Wishes) -> Lab {
        let counters = Arc::<Counters>::default();
        let registry = Registry::start(RegistrySettings {
            apps: Arc::new(wishes.apps),
            timing: wishes.timing.clone(),
            limits: wishes.limits,
            client_ids: ClientIdSequence::new([7; 16], 0, wishes.client_ids_reserved),
            pids: PidSequence::starting_at(1),
            counters: Arc::clone(&counters),
            feed: Arc::default(),
            died: None,
        });
        let start = Instant::now();
        CALENDAR_START.set(Some(start));
        let told = Rc::<RefCell<Vec<Told>>>::default();
        let recorder = Recorder { start, told: Rc::clone(&told) }.start().recipient();
        let app = AppId::parse("lab").unwrap();
        let host = Host::start(host_settings(&registry, &wishes.timing, &counters, || 42));
        Lab { registry, host, counters, app, timing: wishes.timing, recorder, start, told }
    }

    /// Another host, whose crSockets take their random numbers from here.
    pub fn another_host(&self, random: fn() -> u64) -> Host {
        Host::start(host_settings(&self.registry, &self.timing, &self.counters, random))
    }

    pub fn build(&self, role: Role, id: Option<u32>, user: &str) -> CrSocketBuilder {
        CrSocketBuilder::new(self.app.clone(), role)
            .access_token(token(user))
            .with(SetFact::ClientId(id.and_then(ClientId::from_number).into()))
            .observer(self.recorder.clone())
    }

    pub fn add(&self, role: Role, id: u32) -> SocketHandle {
        self.add_as(role, id, "guest")
    }

    pub fn add_as(&self, role: Role, id: u32, user: &str) -> SocketHandle {
        self.host.spawn(self.build(role, Some(id), user))
    }

    pub fn controller(&self) -> SocketHandle {
        self.add(Role::Controller, CONTROLLER)
    }

    pub fn responder(&self) -> SocketHandle {
        self.add(Role::Responder, RESPONDER)
    }

    /// A controller and a responder, interacting for five seconds.
    pub async fn interacting_pair(&self) -> (SocketHandle, SocketHandle) {
        let (controller, responder) = (self.controller(), self.responder());
        self.pair(&controller, &responder).await;
        (controller, responder)
    }

    /// Lets these two pair; they have interacted for five seconds then.
    pub async fn pair(&self, controller: &SocketHandle, responder: &SocketHandle) {
        self.run(2_000).await;
        self.assign(controller, responder.summary().unwrap().client_id.unwrap().number());
        self.run(5_000).await;
        self.expect(controller, "interacting", "");
        self.expect(responder, "interacting", "");
    }

    pub fn assign(&self, socket: &SocketHandle, partner: u32) {
        socket.set(SetFact::Partner(ClientId::from_number(partner).into()));
    }

    /// Lets time pass, in milliseconds, and all be done that is due by then.
    pub async fn run(&self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        self.settle().await;
    }

    /// Lets all be done that is due now.
    pub async fn settle(&self) {
        for _ in 0..30 {
            tokio::task::yield_now().await;
        }
    }

    /// Now, in milliseconds since the beginning.
    pub fn now(&self) -> i64 {
        since(self.start)
    }

    #[track_caller]
    pub fn expect(&self, socket: &SocketHandle, state: &str, sub_state: &str) {
        let seen = socket.summary().expect("it is gone").state;
        assert_eq!(
            (seen.state(), seen.sub_state()),
            (state, sub_state),
            "crSocket {} at {} ms; it told {:#?}",
            socket.id(),
            self.now(),
            self.last_told(socket)
        );
    }

    fn last_told(&self, socket: &SocketHandle) -> Vec<Told> {
        let mut told: Vec<Told> = self.told_since(socket, 0);
        told.split_off(told.len().saturating_sub(12))
    }

    /// What a crSocket told since a moment.
    pub fn told_since(&self, socket: &SocketHandle, since: i64) -> Vec<Told> {
        let told = self.told.borrow();
        told.iter().filter(|told| told.event.socket == socket.id() && told.at >= since).cloned().collect()
    }

    /// What it told of what the rules say.
    pub fn notices_since(&self, socket: &SocketHandle, since: i64) -> Vec<(i64, Notice)> {
        let told = self.told_since(socket, since).into_iter();
        told.filter_map(|told| match told.event.news {
            News::Notice(notice) => Some((told.at, notice)),
            News::Reset | News::Removed { .. } => None,
        })
        .collect()
    }

    /// What it told of itself.
    pub fn lives_since(&self, socket: &SocketHandle, since: i64) -> Vec<(i64, News)> {
        let told = self.told_since(socket, since).into_iter();
        told.filter(|told| !matches!(told.event.news, News::Notice(_)))
            .map(|told| (told.at, told.event.news))
            .collect()
    }

    /// The states it reported, with their times.
    pub fn states_since(&self, socket: &SocketHandle, since: i64) -> Vec<(i64, State)> {
        let notices = self.notices_since(socket, since).into_iter();
        notices
            .filter_map(|(at, notice)| match notice {
                Notice::State { to, .. } => Some((at, to)),
                _ => None,
            })
            .collect()
    }

    /// The crEvents it got, with their times.
    pub fn events_since(&self, socket: &SocketHandle, since: i64) -> Vec<(i64, CrEvent)> {
        let notices = self.notices_since(socket, since).into_iter();
        notices
            .filter_map(|(at, notice)| match notice {
                Notice::CrEvent(event) => Some((at, event)),
                _ => None,
            })
            .collect()
    }

    /// The types of the crEvents it got.
    pub fn got_since(&self, socket: &SocketHandle, since: i64) -> Vec<String> {
        self.events_since(socket, since).into_iter().map(|(_, event)| event.event_type.into()).collect()
    }

    /// The partners it reported.
    pub fn partners_since(&self, socket: &SocketHandle, since: i64) -> Vec<Option<u32>> {
        let notices = self.notices_since(socket, since).into_iter();
        notices
            .filter_map(|(_, notice)| match notice {
                Notice::Partner(partner) => Some(partner.map(ClientId::number)),
                _ => None,
            })
            .collect()
    }

    /// What became of a crEvent, with the times.
    pub fn timed_fates(&self, socket: &SocketHandle, ticket: Ticket) -> Vec<(i64, Fate)> {
        let notices = self.notices_since(socket, 0).into_iter();
        notices
            .filter_map(|(at, notice)| match notice {
                Notice::Fate { ticket: of, fate } if of == ticket => Some((at, fate)),
                _ => None,
            })
            .collect()
    }

    /// What became of a crEvent.
    pub fn fates(&self, socket: &SocketHandle, ticket: Ticket) -> Vec<Fate> {
        self.timed_fates(socket, ticket).into_iter().map(|(_, fate)| fate).collect()
    }

    /// Nothing that was told is needed any more.
    pub fn forget(&self) {
        self.told.borrow_mut().clear();
    }

    pub fn count(&self, counter: Counter) -> u64 {
        self.counters.get(counter)
    }

    pub async fn load(&self) -> Load {
        self.settle().await;
        self.registry.send(GetLoad).await.unwrap()
    }
}

fn host_settings(
    registry: &Addr<Registry>,
    timing: &Timing,
    counters: &Arc<Counters>,
    random: fn() -> u64,
) -> HostSettings {
    HostSettings {
        threads: Threads::Here,
        timing: timing.clone(),
        counters: Arc::clone(counters),
        random,
        calendar,
        ..HostSettings::new(Server::Local(registry.clone()))
    }
}

pub fn id(number: u32) -> ClientId {
    ClientId::from_number(number).unwrap()
}

pub fn token(text: &str) -> AccessToken {
    AccessToken::parse(text).unwrap()
}

pub fn nobody() -> SetFact {
    SetFact::Partner(Assigned::Nothing)
}

pub fn event(event_type: &str) -> CrEvent {
    CrEvent::new(event_type, "").unwrap()
}

pub fn names(states: &[(i64, State)]) -> Vec<&'static str> {
    states.iter().map(|(_, state)| state.as_str()).collect()
}

/// How far apart moments are.
pub fn apart(times: impl IntoIterator<Item = i64>) -> Vec<i64> {
    let times: Vec<i64> = times.into_iter().collect();
    times.windows(2).map(|two| two[1] - two[0]).collect()
}

#[track_caller]
pub fn expect_about(seen: &[i64], expected: i64, count: usize, what: &str) {
    let is_about = |seen: &i64| (expected..=expected + LATE).contains(seen);
    assert!(
        seen.len() == count && seen.iter().all(is_about),
        "{what}: expected {count} times {expected}, saw {seen:?}"
    );
}
