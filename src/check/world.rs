//! The loop: virtual time, happenings in order, clients with their networks, one server.

use std::collections::{BTreeMap, VecDeque};

use self::restart::new_server;
use super::client::{Client, Machines};
use super::network::Network;
use super::queue::{Next, Queue};
use super::random::Random;
use super::watch::{Rules, Watch};
use crate::protocol::action::{Post, RequestNo, StreamNo};
use crate::protocol::ids::{AccessToken, AppId, Assigned, ClientId, Credentials, Pid, Role};
use crate::protocol::limits::Limits;
use crate::protocol::policy::Apps;
use crate::protocol::receiver::{self, StreamEnd};
use crate::protocol::sessions::{ServerAction, SessionTable};
use crate::protocol::socket::{self, State};
use crate::protocol::time::{Millis, TimerKind, Timing};
use crate::protocol::wire::Frame;
use crate::protocol::wired::{Effect, Input, Scratch};

mod alarms;
mod client_side;
mod log;
mod moments;
mod restart;
mod server_side;

pub use log::{ClientEvent, Entry, Event, Lost, Taken};

/// The number of a request whose maker does not ask what became of it.
const NOBODY_ASKS: RequestNo = RequestNo(0);

/// All of it.
#[derive(Debug)]
pub struct World {
    /// The timings of clients and server.
    pub timing: Timing,
    /// The server's bounds.
    pub limits: Limits,
    /// The server's apps.
    pub apps: Apps,
    /// The server's rules.
    pub server: SessionTable,
    /// Whether what happens is kept.
    pub recording: bool,
    /// What happened so far, in its order; only while recording.
    pub log: Vec<Entry>,
    /// What clients took, in its order; only while recording.
    pub taken: Vec<Taken>,
    /// What clients use for randomness instead of fresh numbers, where it is to be the same for all of them.
    pub client_random: Option<u64>,
    /// What must hold, checked after every step.
    pub watch: Watch,
    clients: Vec<Client>,
    now: Millis,
    random: Random,
    happenings: Queue<Alarm, Happening>,
    happened: u64,
    /// How often somebody took something at this very moment.
    at_once: usize,
    /// The streams that are served.
    streams: BTreeMap<Pid, Served>,
    /// When the server sweeps next.
    sweep_at: Option<Millis>,
    /// Until when the server is down.
    down_until: Option<Millis>,
    /// When the server exits, once it is stopping.
    exits_at: Option<Millis>,
    /// Room for what machines say, effects and actions, used again and again.
    scratch: Scratch,
    spare_effects: Vec<Vec<Effect>>,
    spare_actions: Vec<Vec<ServerAction>>,
    /// What the server asked for and is not done yet.
    to_perform: VecDeque<ServerAction>,
    is_performing: bool,
}

/// A stream that the server serves.
#[derive(Debug)]
struct Served {
    client: usize,
    epoch: u32,
    stream: StreamNo,
    client_id: ClientId,
    /// A frame was lost: nothing comes through any more.
    dead: bool,
    /// What a client that does not read has not taken.
    unread: VecDeque<Frame>,
    /// Its last words are among that: it ends when they are taken.
    has_ended: bool,
}

/// A client's timer fires.
#[derive(Clone, Copy, Debug)]
struct Alarm {
    client: u32,
    epoch: u32,
    timer: TimerKind,
}

#[derive(Debug)]
enum Happening {
    ClientGets {
        client: usize,
        epoch: u32,
        input: Input,
    },
    ServerGets {
        client: usize,
        epoch: u32,
        number: RequestNo,
        post: Post,
    },
    ServerOpens {
        client: usize,
        epoch: u32,
        stream: StreamNo,
        credentials: Credentials,
    },
    ServerGivesClientId {
        client: usize,
        epoch: u32,
    },
    ServerLoses {
        client_id: ClientId,
        pid: Pid,
    },
    ServerSweeps,
    /// A server that was stopping exits; a new one is there after this time.
    ServerExits {
        down_for: Millis,
    },
}

impl World {
    /// A server with these apps, and nobody there yet.
    pub fn new(timing: Timing, limits: Limits, apps: Apps, seed: u64) -> World {
        World {
            timing,
            limits,
            apps,
            server: new_server(Millis::ZERO, seed),
            recording: true,
            log: Vec::new(),
            taken: Vec::new(),
            client_random: None,
            watch: Watch::default(),
            clients: Vec::new(),
            now: Millis::ZERO,
            random: Random::new(seed),
            happenings: Queue::new(),
            happened: 0,
            at_once: 0,
            streams: BTreeMap::new(),
            sweep_at: None,
            down_until: None,
            exits_at: None,
            scratch: Scratch::default(),
            spare_effects: Vec::new(),
            spare_actions: Vec::new(),
            to_perform: VecDeque::new(),
            is_performing: false,
        }
    }

    /// Now.
    pub fn now(&self) -> Millis {
        self.now
    }

    /// How many happenings there were.
    pub fn happened(&self) -> u64 {
        self.happened
    }

    /// A client of this project that is visible and online, and has an accessToken. It is known by the number returned.
    pub fn add_client(
        &mut self,
        app: &AppId,
        role: Role,
        token: &AccessToken,
        id: Option<ClientId>,
    ) -> usize {
        let client = self.add(app, Machines::ours(role));
        self.tell(client, socket::Input::ClientId(id.into()));
        self.tell(client, socket::Input::AccessToken(Assigned::Valid(token.clone())));
        self.tell(client, socket::Input::Visible(true));
        self.tell(client, socket::Input::Online(true));
        client
    }

    /// A client that has been told nothing yet.
    pub fn add(&mut self, app: &AppId, machines: Machines) -> usize {
        self.clients.push(Client::new(app.clone(), machines));
        self.watch.add_client();
        self.clients.len() - 1
    }

    /// How many clients there are.
    pub fn client_count(&self) -> usize {
        self.clients.len()
    }

    /// A client.
    ///
    /// # Panics
    /// If there is none of this number.
    #[allow(clippy::indexing_slicing, reason = "numbers are given out by `add`")]
    pub fn client(&self, client: usize) -> &Client {
        &self.clients[client]
    }

    /// A client, to be changed.
    ///
    /// # Panics
    /// If there is none of this number.
    #[allow(clippy::indexing_slicing, reason = "numbers are given out by `add`")]
    pub fn client_mut(&mut self, client: usize) -> &mut Client {
        &mut self.clients[client]
    }

    /// What lies between a client and the server, to be changed.
    ///
    /// # Panics
    /// If there is no client of this number.
    pub fn network(&mut self, client: usize) -> &mut Network {
        &mut self.client_mut(client).network
    }

    /// The state of a client's crSocket.
    pub fn state(&self, client: usize) -> &State {
        self.client(client).machines.state()
    }

    /// A client's clientId, if it has one.
    pub fn client_id(&self, client: usize) -> Option<ClientId> {
        self.client(client).machines.client_id()
    }

    /// The enclosing client says something to its crSocket.
    pub fn tell(&mut self, client: usize, input: socket::Input) {
        self.feed(client, Input::Socket(input));
    }

    /// Lets all happen that happens within this time, or until something that must hold does not.
    pub fn run_for(&mut self, length: Millis) {
        let until = self.now + length;
        while self.watch.violation().is_none() {
            let Some((at, order, next)) = self.happenings.pop_until(until) else { break };
            self.time_is(at);
            match next {
                Next::Alarm(alarm) => self.alarm_rings(alarm, order),
                Next::Happening(happening) => {
                    self.happened += 1;
                    self.happen(happening);
                }
            }
        }
        self.time_is(until);
    }

    /// Cuts a client's event stream: both ends notice.
    pub fn cut_stream(&mut self, client: usize) {
        let Some(stream) = self.client(client).stream else { return };
        if self.is_asleep(client) {
            self.server_loses(client, stream, Millis::ZERO);
            self.stream_ends(client, stream, Millis::ZERO, StreamEnd::Broken);
            return;
        }
        self.client_mut(client).disconnected(stream);
        self.server_loses(client, stream, Millis::ZERO);
        self.feed(client, Input::Receiver(receiver::Input::Ended { stream, how: StreamEnd::Broken }));
    }

    /// Whether nothing will ever come on the stream that a client has or is opening.
    pub fn is_deaf(&self, client: usize) -> bool {
        let page = self.client(client);
        let Some(stream) = page.stream else { return false };
        let is_it =
            |served: &Served| (served.client, served.epoch, served.stream) == (client, page.epoch, stream);
        !self.streams.values().any(|served| is_it(served) && !served.dead)
    }

    /// A client's device sleeps, and wakes after this time: nothing fires and nothing is heard meanwhile.
    pub fn sleep(&mut self, client: usize, length: Millis) {
        let until = Some(self.now + length);
        let page = self.client_mut(client);
        page.asleep_until = page.asleep_until.max(until);
    }

    /// Whether a client's device sleeps now.
    pub fn is_asleep(&self, client: usize) -> bool {
        self.client(client).asleep_until.is_some_and(|until| self.now < until)
    }

    /// The page of a client is loaded anew: what was under way to the old one is lost. The new one has been told
    /// nothing yet.
    pub fn reload(&mut self, client: usize, machines: Machines) {
        if let Some(stream) = self.client_mut(client).stream.take() {
            let delay = self.way(client);
            self.server_loses(client, stream, delay);
        }
        let page = self.client_mut(client);
        page.machines = machines;
        page.epoch += 1;
        page.timers = Default::default();
        page.connections.clear();
        self.watch.reloaded(client);
    }

    /// A request that no crSocket asked for: somebody's own sendevent.
    pub fn request(&mut self, client: usize, post: Post) {
        self.send(client, NOBODY_ASKS, post);
    }

    /// A request that no crSocket asked for: somebody's own stream.
    pub fn request_stream(&mut self, client: usize, stream: StreamNo, credentials: Credentials) {
        self.open(client, stream, credentials);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::ClientGets { client, epoch, input } => {
                if let Some(at) = self.wakes(client) {
                    // Streams stay in order.
                    let at = at.max(self.client(client).last_frame);
                    self.client_mut(client).last_frame = at;
                    self.happenings.push(at, Happening::ClientGets { client, epoch, input });
                } else if self.client(client).epoch == epoch {
                    self.client_gets(client, input);
                }
            }
            Happening::ServerGets { client, epoch, number, post } => {
                self.server_gets(client, epoch, number, &post);
            }
            Happening::ServerOpens { client, epoch, stream, credentials } => {
                self.server_opens(client, epoch, stream, &credentials);
            }
            Happening::ServerGivesClientId { client, epoch } => self.server_gives_client_id(client, epoch),
            Happening::ServerLoses { client_id, pid } => {
                self.streams.remove(&pid);
                let rules = Rules { timing: &self.timing, limits: &self.limits, now: self.now };
                self.watch.connection_gone(client_id, pid, rules);
                self.serve(|server, step, actions| server.broken(client_id, pid, step, actions));
            }
            Happening::ServerExits { down_for } => {
                if self.exits_at == Some(self.now) {
                    self.restart_server(down_for);
                }
            }
            Happening::ServerSweeps => {
                if self.sweep_at == Some(self.now) {
                    self.sweep_at = None;
                    self.serve(SessionTable::sweep);
                }
            }
        }
    }

    /// What a sleeping device would have got, it gets after waking: timers and frames in any order between them.
    fn wakes(&mut self, client: usize) -> Option<Millis> {
        let until = self.client(client).asleep_until.filter(|until| *until > self.now)?;
        Some(until + self.random.between(Millis::ZERO, Millis(50)))
    }

    /// How long something takes from one end of a client's network to the other.
    fn way(&mut self, client: usize) -> Millis {
        let network = &self.client(client).network;
        let (delay, jitter) = (network.delay, network.jitter);
        let more = if jitter == Millis::ZERO { jitter } else { self.random.between(Millis::ZERO, jitter) };
        let page = self.client_mut(client);
        page.longest_way = page.longest_way.max(delay + more);
        delay + more
    }

    fn schedule(&mut self, after: Millis, happening: Happening) -> u64 {
        self.happenings.push(self.now + after, happening)
    }
}
