//! Hosts many crSockets in one process, spread over threads.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use actix::{Actor, Addr, Arbiter, Recipient};
use actix_rt::ArbiterHandle;
use tokio::sync::oneshot;

use super::board::{Board, SocketId, Summary};
use super::client_ids::ClientIds;
use super::clock::unix_millis;
use super::counted::Counted;
use super::details::SocketDetails;
use super::feed::Feed;
use super::link::http::HttpLink;
use super::link::http::server::HttpServer;
use super::link::local::LocalLink;
use super::link::{Link, PortNo};
use super::messages::{GetDetails, Remove, SendCrEvent, SendInPlace, SetFact, SocketEvent, Vanish};
use super::recent::Recent;
use super::registry::Registry;
use super::shared::{HostWide, Shared};
use super::socket::{Birth, CrSocket, Facts};
use crate::metrics::Counters;
use crate::protocol::action::{Fate, Ticket};
use crate::protocol::event::CrEvent;
use crate::protocol::ids::{AccessToken, AppId, Assigned, ClientId, Role};
use crate::protocol::time::{Millis, Timing};

/// How many happenings are kept unless something else is said.
const RECENT: usize = 131_072;

/// How often it is looked whether all crSockets are gone.
const LOOK_DT: Duration = Duration::from_millis(5);

/// What a host is made with.
#[derive(Debug)]
pub struct HostSettings {
    /// The timings of the rules. Those of the server should be the same.
    pub timing: Timing,
    /// Where its crSockets live.
    pub threads: Threads,
    /// The server they speak with.
    pub server: Server,
    /// Who gives out the clientIds of a server of this process, where they are kept on disk. Without it the Registry is
    /// asked itself.
    pub client_ids: Option<Arc<ClientIds>>,
    /// Where its crSockets publish what they are and what happens. Hosts may share it: their numbers are then one sequence.
    pub published: Published,
    /// Where everything is counted.
    pub counters: Arc<Counters>,
    /// Where randomness comes from.
    pub random: fn() -> u64,
    /// Calendar time, in milliseconds since 1970.
    pub calendar: fn() -> Option<i64>,
}

/// What crSockets publish of themselves.
#[derive(Clone, Debug)]
pub struct Published {
    /// What each of them is.
    pub board: Arc<Board>,
    /// What happened last.
    pub recent: Arc<Recent>,
    /// Who watches what happens.
    pub feed: Arc<Feed>,
}

impl Default for Published {
    fn default() -> Published {
        Published { board: Arc::default(), recent: Arc::new(Recent::new(RECENT)), feed: Arc::default() }
    }
}

/// Where the crSockets of a host live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// On the thread that makes the host.
    Here,
    /// On so many threads of their own; none counts as one.
    Own(usize),
}

/// A server, as a host's crSockets reach it.
#[derive(Clone, Debug)]
pub enum Server {
    /// The Registry of this process.
    Local(Addr<Registry>),
    /// Any CRSocket server over HTTP.
    Http(HttpServer),
}

/// Hosts crSockets. They live until they are removed, or the host is stopped: dropping it stops nothing.
#[derive(Debug)]
pub struct Host {
    wide: Arc<HostWide>,
    key: u64,
    server: Server,
    threads: Vec<ArbiterHandle>,
    /// Those that are its own.
    arbiters: Vec<Arbiter>,
    /// The thread of the next pair or single crSocket.
    next: AtomicUsize,
}

/// A crSocket that is to be.
#[derive(Debug)]
pub struct CrSocketBuilder {
    app: AppId,
    role: Role,
    facts: Facts,
    observer: Option<Recipient<SocketEvent>>,
    tells_pings: bool,
    thread: Option<usize>,
}

/// A hosted crSocket. It lives until it is removed, or its host stops; clones are handles of the same one.
#[derive(Clone, Debug)]
pub struct SocketHandle {
    id: SocketId,
    address: Addr<CrSocket>,
    board: Arc<Board>,
    tickets: Arc<AtomicU64>,
    thread: usize,
}

/// A hosted crSocket that was found on its board: inspected and steered in the place of its enclosing client.
#[derive(Clone, Debug)]
pub struct FoundSocket {
    id: SocketId,
    address: Addr<CrSocket>,
    board: Arc<Board>,
}

impl HostSettings {
    /// The defaults, with this server.
    pub fn new(server: Server) -> HostSettings {
        HostSettings {
            timing: Timing::default(),
            threads: Threads::Own(std::thread::available_parallelism().map_or(1, usize::from)),
            server,
            client_ids: None,
            published: Published::default(),
            counters: Arc::default(),
            random: || fastrand::u64(..),
            calendar: unix_millis,
        }
    }
}

impl Host {
    /// Starts its threads. The timings are used as they are; [`Timing::check`] says whether they make sense.
    ///
    /// # Panics
    /// Where no actix system runs.
    pub fn start(settings: HostSettings) -> Host {
        static HOSTS: AtomicU64 = AtomicU64::new(0);
        let key = HOSTS.fetch_add(1, Ordering::Relaxed);
        let wide = Arc::new(HostWide {
            timing: settings.timing,
            random: settings.random,
            calendar: settings.calendar,
            board: settings.published.board,
            recent: settings.published.recent,
            feed: settings.published.feed,
            counters: settings.counters,
            live: Arc::default(),
            client_ids: settings.client_ids.unwrap_or_else(|| Arc::new(ClientIds::new(None))),
            latest_timer: AtomicI64::new(0),
            latest_timer_ever: AtomicI64::new(0),
        });
        let arbiters: Vec<Arbiter> = match settings.threads {
            Threads::Here => Vec::new(),
            Threads::Own(count) => (0..count.max(1)).map(|_| Arbiter::new()).collect(),
        };
        let mut threads: Vec<ArbiterHandle> = arbiters.iter().map(Arbiter::handle).collect();
        if threads.is_empty() {
            threads.push(Arbiter::current());
        }
        Host { wide, key, server: settings.server, threads, arbiters, next: AtomicUsize::new(0) }
    }

    /// Spawns a crSocket.
    pub fn spawn(&self, builder: CrSocketBuilder) -> SocketHandle {
        let thread = builder.thread.unwrap_or_else(|| self.next.fetch_add(1, Ordering::Relaxed));
        let thread = thread % self.threads.len().max(1);
        let place = self.wide.board.enter(&builder.app, builder.role);
        let id = place.id();
        let CrSocketBuilder { app, role, facts, observer, tells_pings, .. } = builder;
        let counted = Counted::new(&self.wide.live);
        let birth = Birth { place, app, role, facts, observer, tells_pings, counted };
        let (key, wide, server) = (self.key, Arc::clone(&self.wide), self.server.clone());
        let make = move |context: &mut actix::Context<CrSocket>| {
            let home = Home::find(key).unwrap_or_else(|| Home::settle(key, &wide, server));
            CrSocket::new(birth, &home.link, &home.shared, context)
        };
        let address = match self.threads.get(thread) {
            Some(handle) if !self.arbiters.is_empty() => CrSocket::start_in_arbiter(handle, make),
            _ => CrSocket::create(make),
        };
        self.wide.board.note_address(id, &address);
        SocketHandle { id, address, board: Arc::clone(&self.wide.board), tickets: Arc::default(), thread }
    }

    /// Spawns two crSockets on one thread, so that what they send each other stays there.
    pub fn spawn_pair(&self, one: CrSocketBuilder, other: CrSocketBuilder) -> (SocketHandle, SocketHandle) {
        let one = self.spawn(one);
        let other = self.spawn(other.beside(&one));
        (one, other)
    }

    /// How many threads its crSockets live on.
    pub fn threads(&self) -> usize {
        self.threads.len()
    }

    /// Does something on one of its threads, such as starting the actor that observes the crSockets there. Whether that
    /// thread is there.
    pub fn run_on(&self, thread: usize, run: impl FnOnce() + Send + 'static) -> bool {
        self.threads.get(thread).is_some_and(|handle| handle.spawn_fn(run))
    }

    /// What its crSockets publish of themselves.
    pub fn board(&self) -> &Arc<Board> {
        &self.wide.board
    }

    /// What happened last.
    pub fn recent(&self) -> &Arc<Recent> {
        &self.wide.recent
    }

    /// How many crSockets live, those included that are on their way in or out.
    pub fn len(&self) -> usize {
        self.wide.live.load(Ordering::Relaxed)
    }

    /// Whether none lives.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How late the latest timer of its crSockets was since this was asked last: more than a few milliseconds say that its
    /// threads have too much to do.
    pub fn latest_timer(&self) -> Millis {
        Millis(self.wide.latest_timer.swap(0, Ordering::Relaxed))
    }

    /// The same, since the host was started.
    pub fn latest_timer_ever(&self) -> Millis {
        Millis(self.wide.latest_timer_ever.load(Ordering::Relaxed))
    }

    /// Removes all crSockets, waits until they are gone, at most for this long, and stops its threads. How many were
    /// not gone by then.
    pub async fn stop(&self, within: Duration) -> usize {
        let key = self.key;
        for thread in &self.threads {
            let _ = thread.spawn_fn(move || Home::leave(key));
        }
        let deadline = tokio::time::Instant::now() + within;
        while !self.is_empty() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(LOOK_DT).await;
        }
        let left = self.len();
        for thread in &self.threads {
            let _ = thread.spawn_fn(move || Home::give_up(key));
        }
        for arbiter in &self.arbiters {
            arbiter.stop();
        }
        left
    }
}

/// What a host has on one thread.
#[derive(Clone)]
struct Home {
    key: u64,
    shared: Rc<Shared>,
    link: Link,
}

thread_local! {
    static HOMES: RefCell<Vec<Home>> = const { RefCell::new(Vec::new()) };
}

impl Home {
    fn settle(key: u64, wide: &Arc<HostWide>, server: Server) -> Home {
        static PORTS: AtomicUsize = AtomicUsize::new(0);
        let link = match server {
            Server::Local(registry) => {
                let port = PortNo(PORTS.fetch_add(1, Ordering::Relaxed));
                Link::Local(LocalLink::open_port(port, registry, Arc::clone(&wide.client_ids)))
            }
            Server::Http(server) => Link::Http(HttpLink::new(server, &wide.timing)),
        };
        let shared = Rc::new(Shared::new(Arc::clone(wide)));
        let home = Home { key, shared, link };
        HOMES.with_borrow_mut(|homes| homes.push(home.clone()));
        home
    }

    fn find(key: u64) -> Option<Home> {
        HOMES.with_borrow(|homes| homes.iter().find(|home| home.key == key).cloned())
    }

    /// All crSockets of this thread are removed.
    fn leave(key: u64) {
        if let Some(home) = Home::find(key) {
            home.link.remove_all();
        }
    }

    /// The thread is given up.
    fn give_up(key: u64) {
        if let Some(home) = Home::find(key) {
            home.link.close();
        }
        HOMES.with_borrow_mut(|homes| homes.retain(|home| home.key != key));
    }
}

impl CrSocketBuilder {
    /// A crSocket of this app in this role: visible, online, not paused.
    pub fn new(app: AppId, role: Role) -> CrSocketBuilder {
        let mut facts = Facts::default();
        facts.client.visible = true;
        facts.client.online = true;
        CrSocketBuilder { app, role, facts, observer: None, tells_pings: true, thread: None }
    }

    /// With this clientId; without one it asks its server for one.
    #[must_use]
    pub fn client_id(self, id: ClientId) -> CrSocketBuilder {
        self.with(SetFact::ClientId(Assigned::Valid(id)))
    }

    /// With this accessToken; without one it opens no stream.
    #[must_use]
    pub fn access_token(self, token: AccessToken) -> CrSocketBuilder {
        self.with(SetFact::AccessToken(Assigned::Valid(token)))
    }

    /// With this partner. A responder may also wait until a controller pings it.
    #[must_use]
    pub fn partner(self, partner: ClientId) -> CrSocketBuilder {
        self.with(SetFact::Partner(Assigned::Valid(partner)))
    }

    /// With this fact.
    #[must_use]
    pub fn with(mut self, fact: SetFact) -> CrSocketBuilder {
        self.facts.set(fact);
        self
    }

    /// Whom it tells what happens. These messages pass the bound of the observer's mailbox: nothing is lost, and whoever is
    /// slow holds what waits. SocketIds are the host's: crSockets of two hosts need two observers.
    #[must_use]
    pub fn observer(mut self, observer: Recipient<SocketEvent>) -> CrSocketBuilder {
        self.observer = Some(observer);
        self
    }

    /// Its observer is not told of the partner's pings: they are most of what an idle crSocket hears.
    #[must_use]
    pub fn without_pings(mut self) -> CrSocketBuilder {
        self.tells_pings = false;
        self
    }

    /// On this thread of its host, counted from zero; they are taken in turn where nothing is said.
    #[must_use]
    pub fn on_thread(mut self, thread: usize) -> CrSocketBuilder {
        self.thread = Some(thread);
        self
    }

    /// On the thread of this one.
    #[must_use]
    pub fn beside(mut self, other: &SocketHandle) -> CrSocketBuilder {
        self.thread = Some(other.thread);
        self
    }
}

impl SocketHandle {
    /// Its number on its board.
    pub fn id(&self) -> SocketId {
        self.id
    }

    /// Sets a fact.
    pub fn set(&self, fact: SetFact) {
        self.address.do_send(fact);
    }

    /// Sends a crEvent to the partner. What becomes of it is told to the observer under the ticket returned, up to a fate that
    /// is final; once the crSocket is gone, nothing is ([`News::Removed`](super::messages::News) was the last word).
    pub fn send(&self, event: CrEvent) -> Ticket {
        let ticket = Ticket(self.tickets.fetch_add(1, Ordering::Relaxed));
        self.address.do_send(SendCrEvent { ticket, event });
        ticket
    }

    /// What it publishes of itself; nothing once it is gone.
    pub fn summary(&self) -> Option<Summary> {
        self.board.get(self.id)
    }

    /// It says its goodbyes, closes its stream and stops.
    pub fn remove(&self) {
        self.address.do_send(Remove);
    }

    /// It is gone at once, without a word, as when its device loses power: its connection breaks.
    pub fn vanish(&self) {
        self.address.do_send(Vanish);
    }
}

impl FoundSocket {
    /// One that is on this board, if it is there.
    pub fn find(board: &Arc<Board>, id: SocketId) -> Option<FoundSocket> {
        Some(FoundSocket { id, address: board.address(id)?, board: Arc::clone(board) })
    }

    /// What it publishes of itself; nothing once it is gone.
    pub fn summary(&self) -> Option<Summary> {
        self.board.get(self.id)
    }

    /// All there is to know of it; nothing once it is gone.
    pub async fn details(&self) -> Option<SocketDetails> {
        self.address.send(GetDetails).await.ok()?
    }

    /// Sets a fact.
    pub fn set(&self, fact: SetFact) {
        self.address.do_send(fact);
    }

    /// Sends a crEvent, and says what becomes of it at first; nothing where the crSocket died with it.
    pub async fn send(&self, event: CrEvent) -> Option<Fate> {
        let (tell, told) = oneshot::channel();
        self.address.send(SendInPlace { event, tell }).await.ok()?;
        told.await.ok()
    }

    /// It says its goodbyes, closes its stream and stops.
    pub fn remove(&self) {
        self.address.do_send(Remove);
    }
}
