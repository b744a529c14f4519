//! The loop: virtual time, happenings in order, clients with their networks, one server.

use std::collections::BTreeMap;

use crate::protocol::action::{Message, Notice, Outcome, Post, RequestNo, StreamNo};
use crate::protocol::client_id::ClientIdSequence;
use crate::protocol::ids::{AccessToken, AppId, Assigned, ClientId, Credentials, Pid, Role};
use crate::protocol::limits::Limits;
use crate::protocol::policy::Apps;
use crate::protocol::receiver::{self, StreamEnd};
use crate::protocol::send_line;
use crate::protocol::sessions::{Opened, PidSequence, SendAnswer, ServerAction, ServerStep, SessionTable};
use crate::protocol::socket::{self, State};
use crate::protocol::time::{Millis, Step, TimerKind, Timing};
use crate::protocol::wire::{EventData, EventSourceParams, Frame, MsgEvent, SendEvent};
use crate::protocol::wired::{Effect, Input, WiredSocket};

/// Calendar time at the zero of virtual time: 2026-11-18, in milliseconds since 1970.
const CALENDAR_ZERO: i64 = 1_795_000_000_000;

/// What lies between a client and the server. A test changes it whenever it likes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// How long anything takes from one end to the other.
    pub delay: Millis,
    /// How long a request for a stream takes to the server.
    pub opening_delay: Millis,
    /// Whether connections can be made; where not, the client knows at once.
    pub connects: bool,
    /// Whether requests that were made reach the server; where not, nobody knows.
    pub requests_arrive: bool,
    /// Whether answers to requests come back.
    pub answers_arrive: bool,
    /// Whether frames come through; where not, the stream is half open.
    pub frames_arrive: bool,
}

impl Default for Network {
    fn default() -> Network {
        Network {
            delay: Millis(20),
            opening_delay: Millis(20),
            connects: true,
            requests_arrive: true,
            answers_arrive: true,
            frames_arrive: true,
        }
    }
}

/// One client: its machines, its network, and what it was told.
#[derive(Debug)]
pub struct Client {
    /// Which app it is a page of.
    pub app: AppId,
    /// Its crSocket.
    pub machines: WiredSocket,
    /// What lies between it and the server.
    pub network: Network,
    /// What its enclosing client was told, and when.
    pub notices: Vec<(Millis, Notice)>,
    /// What left it, and when.
    pub sent: Vec<(Millis, Post)>,
    timers: BTreeMap<TimerKind, Timer>,
    stream: Option<StreamNo>,
}

/// An armed timer: its place in the order of happenings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Timer {
    due: Millis,
    order: u64,
}

/// Whose stream it is that the server serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Served {
    client: usize,
    stream: StreamNo,
    client_id: ClientId,
}

#[derive(Debug)]
enum Happening {
    TimerFires { client: usize, timer: TimerKind },
    ClientGets { client: usize, input: Box<Input> },
    ServerGets { client: usize, number: RequestNo, post: Post },
    ServerOpens { client: usize, stream: StreamNo, credentials: Credentials },
    ServerLoses { client_id: ClientId, pid: Pid },
    ServerSweeps,
}

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
    /// Every server action that was performed, and when.
    pub server_log: Vec<(Millis, ServerAction)>,
    clients: Vec<Client>,
    now: Millis,
    order: u64,
    random: u64,
    happenings: BTreeMap<(Millis, u64), Happening>,
    /// The streams that are served.
    streams: BTreeMap<Pid, Served>,
    /// When the server sweeps next.
    sweep_at: Option<Millis>,
}

impl World {
    /// A server with these apps, and nobody there yet.
    pub fn new(timing: Timing, limits: Limits, apps: Apps, seed: u64) -> World {
        World {
            timing,
            limits,
            apps,
            server: SessionTable::new(
                PidSequence::starting_at(CALENDAR_ZERO.unsigned_abs() / 1000),
                ClientIdSequence::new(u128::from(seed).to_le_bytes(), 0, u64::MAX),
            ),
            server_log: Vec::new(),
            clients: Vec::new(),
            now: Millis::ZERO,
            order: 0,
            random: seed,
            happenings: BTreeMap::new(),
            streams: BTreeMap::new(),
            sweep_at: None,
        }
    }

    /// Now.
    pub fn now(&self) -> Millis {
        self.now
    }

    /// A client that is visible and online, and has an accessToken. It is known by the number returned.
    pub fn add_client(
        &mut self,
        app: &AppId,
        role: Role,
        token: &AccessToken,
        id: Option<ClientId>,
    ) -> usize {
        let client = self.clients.len();
        self.clients.push(Client {
            app: app.clone(),
            machines: WiredSocket::new(role),
            network: Network::default(),
            notices: Vec::new(),
            sent: Vec::new(),
            timers: BTreeMap::new(),
            stream: None,
        });
        self.tell(client, socket::Input::ClientId(id.into()));
        self.tell(client, socket::Input::AccessToken(Assigned::Valid(token.clone())));
        self.tell(client, socket::Input::Visible(true));
        self.tell(client, socket::Input::Online(true));
        client
    }

    /// A client.
    ///
    /// # Panics
    /// If there is none of this number.
    #[allow(clippy::indexing_slicing)] // numbers are given out by `add_client`
    pub fn client(&self, client: usize) -> &Client {
        &self.clients[client]
    }

    /// What lies between a client and the server, to be changed.
    ///
    /// # Panics
    /// If there is no client of this number.
    pub fn network(&mut self, client: usize) -> &mut Network {
        &mut self.client_mut(client).network
    }

    #[allow(clippy::indexing_slicing)] // numbers are given out by `add_client`
    fn client_mut(&mut self, client: usize) -> &mut Client {
        &mut self.clients[client]
    }

    /// The state of a client's crSocket.
    pub fn state(&self, client: usize) -> &State {
        self.client(client).machines.socket.state()
    }

    /// A client's clientId, if it has one.
    pub fn client_id(&self, client: usize) -> Option<ClientId> {
        self.client(client).machines.socket.client().client_id.valid().copied()
    }

    /// The enclosing client says something to its crSocket.
    pub fn tell(&mut self, client: usize, input: socket::Input) {
        self.feed(client, Input::Socket(input));
    }

    /// Lets all happen that happens within this time.
    pub fn run_for(&mut self, length: Millis) {
        let until = self.now + length;
        while let Some(entry) = self.happenings.first_entry().filter(|entry| entry.key().0 <= until) {
            let ((at, order), happening) = entry.remove_entry();
            self.now = self.now.max(at);
            self.happen(happening, order);
        }
        self.now = until;
    }

    /// Cuts a client's event stream: both ends notice.
    pub fn cut_stream(&mut self, client: usize) {
        let Some(stream) = self.client_mut(client).stream.take() else { return };
        self.server_loses(client, stream, Millis::ZERO);
        self.feed(client, Input::Receiver(receiver::Input::Ended { stream, how: StreamEnd::Broken }));
    }

    fn happen(&mut self, happening: Happening, order: u64) {
        match happening {
            Happening::TimerFires { client, timer } => {
                let timers = &mut self.client_mut(client).timers;
                if timers.get(&timer).is_some_and(|armed| armed.order == order) {
                    timers.remove(&timer);
                    self.feed(client, Input::Timer(timer));
                }
            }
            Happening::ClientGets { client, input } => self.client_gets(client, *input),
            Happening::ServerGets { client, number, post } => self.server_gets(client, number, post),
            Happening::ServerOpens { client, stream, credentials } => {
                self.server_opens(client, stream, &credentials);
            }
            Happening::ServerLoses { client_id, pid } => {
                self.streams.remove(&pid);
                self.serve(|server, step, actions| server.broken(client_id, pid, step, actions));
            }
            Happening::ServerSweeps => {
                if self.sweep_at == Some(self.now) {
                    self.sweep_at = None;
                    self.serve(SessionTable::sweep);
                }
            }
        }
    }

    fn client_gets(&mut self, client: usize, input: Input) {
        if let Input::Receiver(receiver::Input::Ended { stream, .. }) = &input
            && self.client(client).stream == Some(*stream)
        {
            self.client_mut(client).stream = None;
        }
        self.feed(client, input);
    }

    /// A client takes an input, and what it asks for is done.
    fn feed(&mut self, client: usize, input: Input) {
        let step = Step { now: self.now, random: next_random(&mut self.random), timing: &self.timing };
        let calendar = Some(CALENDAR_ZERO + self.now.0);
        let mut effects = Vec::new();
        #[allow(clippy::indexing_slicing)] // numbers are given out by `add_client`
        self.clients[client].machines.handle(input, &step, calendar, &mut effects);
        for effect in effects {
            self.perform(client, effect);
        }
    }

    fn perform(&mut self, client: usize, effect: Effect) {
        match effect {
            Effect::Open { stream, credentials, resume: _ } => self.open(client, stream, credentials),
            Effect::Drop { stream } => {
                if self.client(client).stream == Some(stream) {
                    self.client_mut(client).stream = None;
                }
                let delay = self.client(client).network.delay;
                self.server_loses(client, stream, delay);
            }
            Effect::Send { number, post } => self.send(client, number, post),
            Effect::RequestClientId => self.ask_client_id(client),
            Effect::SetTimer { timer, after } => {
                let due = self.now + after;
                let order = self.schedule(after, Happening::TimerFires { client, timer });
                self.client_mut(client).timers.insert(timer, Timer { due, order });
            }
            Effect::CancelTimer(timer) => {
                if let Some(timer) = self.client_mut(client).timers.remove(&timer) {
                    self.happenings.remove(&(timer.due, timer.order));
                }
            }
            Effect::Notify(notice) => {
                let now = self.now;
                self.client_mut(client).notices.push((now, notice));
            }
        }
    }

    fn open(&mut self, client: usize, stream: StreamNo, credentials: Credentials) {
        let network = self.client(client).network.clone();
        if !network.connects {
            let ended = receiver::Input::Ended { stream, how: StreamEnd::NoConnection };
            self.client_gets_later(client, Millis::ZERO, Input::Receiver(ended));
            return;
        }
        self.client_mut(client).stream = Some(stream);
        if network.requests_arrive {
            self.schedule(network.opening_delay, Happening::ServerOpens { client, stream, credentials });
        }
    }

    fn send(&mut self, client: usize, number: RequestNo, post: Post) {
        let now = self.now;
        let network = self.client(client).network.clone();
        self.client_mut(client).sent.push((now, post.clone()));
        if !network.connects {
            self.answer(client, Millis::ZERO, number, Outcome::NoConnection);
        } else if network.requests_arrive {
            self.schedule(network.delay, Happening::ServerGets { client, number, post });
        }
    }

    fn ask_client_id(&mut self, client: usize) {
        let network = self.client(client).network.clone();
        let reachable = network.connects && network.requests_arrive && network.answers_arrive;
        let mut id = None;
        if reachable {
            self.serve(|server, step, _| id = server.give_client_id(step).ok());
        }
        let answer = socket::Input::ClientIdAnswer(id);
        self.client_gets_later(client, network.delay.times(2), Input::Socket(answer));
    }

    fn answer(&mut self, client: usize, delay: Millis, number: RequestNo, outcome: Outcome) {
        let answer = send_line::Input::Answer { number, outcome };
        self.client_gets_later(client, delay, Input::SendLine(answer));
    }

    fn client_gets_later(&mut self, client: usize, delay: Millis, input: Input) {
        self.schedule(delay, Happening::ClientGets { client, input: Box::new(input) });
    }

    /// The server notices that a client's connection is gone, if a stream of that number was served.
    fn server_loses(&mut self, client: usize, stream: StreamNo, delay: Millis) {
        let ours = |served: &Served| served.client == client && served.stream == stream;
        let Some((&pid, &Served { client_id, .. })) = self.streams.iter().find(|(_, served)| ours(served))
        else {
            return;
        };
        if self.client(client).network.frames_arrive {
            self.schedule(delay, Happening::ServerLoses { client_id, pid });
        }
    }

    fn server_opens(&mut self, client: usize, stream: StreamNo, credentials: &Credentials) {
        let app = self.client(client).app.clone();
        let role = self.client(client).machines.socket.role();
        let client_id = credentials.client_id.to_string();
        let params = EventSourceParams {
            client_id: Some(client_id.into()),
            client_role: Some(role.as_str().into()),
            access_token: Some(credentials.access_token.as_str().into()),
        };
        let delay = self.client(client).network.delay;
        let mut opened = None;
        let mut actions = Vec::new();
        self.step_server(&mut actions, |server, step, actions| {
            opened = Some(server.open(&app, &params, step, actions));
        });
        match opened {
            Some(Opened::Stream { pid, retry }) => {
                let client_id = credentials.client_id;
                self.streams.insert(pid, Served { client, stream, client_id });
                self.client_gets_stream(client, delay, receiver::Input::Retry { stream, after: retry });
                if self.client(client).stream != Some(stream) {
                    // The client gave it up before the server saw it: the connection is gone already.
                    self.schedule(delay, Happening::ServerLoses { client_id, pid });
                }
            }
            Some(Opened::Aborted { pid, reason }) => {
                let frame = Frame::Aborted { pid, reason, releaser: None };
                self.client_gets_stream(client, delay, receiver::Input::Frame { stream, frame });
                self.stream_ends(client, stream, delay, StreamEnd::Broken);
            }
            Some(Opened::Retry { retry }) => {
                self.client_gets_stream(client, delay, receiver::Input::Retry { stream, after: retry });
                self.stream_ends(client, stream, delay, StreamEnd::Broken);
            }
            Some(Opened::UnknownApp) | None => {
                self.stream_ends(client, stream, delay, StreamEnd::Status(404));
            }
        }
        self.perform_server(actions);
    }

    fn client_gets_stream(&mut self, client: usize, delay: Millis, input: receiver::Input) {
        if self.client(client).network.frames_arrive {
            self.client_gets_later(client, delay, Input::Receiver(input));
        }
    }

    fn stream_ends(&mut self, client: usize, stream: StreamNo, delay: Millis, how: StreamEnd) {
        self.client_gets_stream(client, delay, receiver::Input::Ended { stream, how });
    }

    fn server_gets(&mut self, client: usize, number: RequestNo, post: Post) {
        let sender = self.client(client);
        let (app, role) = (sender.app.clone(), sender.machines.socket.role());
        let delay = sender.network.delay;
        let answers = sender.network.answers_arrive;
        let event = match &post.message {
            Message::Alive(pid) => MsgEvent::Alive(Some(*pid)),
            Message::Close(pid) => MsgEvent::Close(Some(*pid)),
            Message::CrEvent(event) => {
                let id = post.credentials.client_id;
                match EventData::accept(&event.to_event_data(id), id) {
                    Ok(data) => MsgEvent::CrEvent(data),
                    Err(_) => MsgEvent::Other,
                }
            }
        };
        let send = SendEvent {
            client_id: post.credentials.client_id,
            role,
            access_token: post.credentials.access_token,
            recipient: post.recipient,
            event,
        };
        let mut outcome = Outcome::Understood;
        self.serve(|server, step, actions| {
            outcome = outcome_of(&server.send(&app, send, step, actions));
        });
        if answers {
            self.answer(client, delay, number, outcome);
        }
    }

    /// The server takes an input, and what it asks for is done.
    fn serve(&mut self, input: impl FnOnce(&mut SessionTable, &ServerStep<'_>, &mut Vec<ServerAction>)) {
        let mut actions = Vec::new();
        self.step_server(&mut actions, input);
        self.perform_server(actions);
    }

    fn step_server(
        &mut self,
        actions: &mut Vec<ServerAction>,
        input: impl FnOnce(&mut SessionTable, &ServerStep<'_>, &mut Vec<ServerAction>),
    ) {
        let step = ServerStep {
            now: self.now,
            random: next_random(&mut self.random),
            timing: &self.timing,
            limits: &self.limits,
            apps: &self.apps,
        };
        input(&mut self.server, &step, actions);
    }

    fn perform_server(&mut self, actions: Vec<ServerAction>) {
        for action in actions {
            self.server_log.push((self.now, action.clone()));
            match action {
                ServerAction::Write { client_id, pid, frame } => self.write(client_id, pid, frame),
                ServerAction::End { pid, .. } | ServerAction::Cut { pid, .. } => {
                    if let Some(Served { client, stream, .. }) = self.streams.remove(&pid) {
                        let delay = self.client(client).network.delay;
                        self.stream_ends(client, stream, delay, StreamEnd::Broken);
                    }
                }
                ServerAction::Note(_) => {}
            }
        }
        self.schedule_sweep();
    }

    fn schedule_sweep(&mut self) {
        let Some(due) = self.server.next_due().map(|due| due.max(self.now)) else { return };
        if self.sweep_at.is_none_or(|at| due < at) {
            self.sweep_at = Some(due);
            self.schedule(due - self.now, Happening::ServerSweeps);
        }
    }

    /// The transport takes every frame at once: slow readers are for tests of the rules alone.
    fn write(&mut self, client_id: ClientId, pid: Pid, frame: Frame) {
        if let Some(&Served { client, stream, .. }) = self.streams.get(&pid) {
            let delay = self.client(client).network.delay;
            self.client_gets_stream(client, delay, receiver::Input::Frame { stream, frame });
        }
        self.serve(|server, step, actions| server.taken(client_id, pid, 1, step, actions));
    }

    fn schedule(&mut self, after: Millis, happening: Happening) -> u64 {
        self.order += 1;
        self.happenings.insert((self.now + after, self.order), happening);
        self.order
    }
}

fn outcome_of(answer: &SendAnswer) -> Outcome {
    match answer.status() {
        204 => Outcome::Understood,
        status => Outcome::Refused { status, detail: format!("{answer:?}").into() },
    }
}

/// SplitMix64: small, and the same on every machine.
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
