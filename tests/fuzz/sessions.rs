//! Sequences of inputs to the server's session table (sections 3 and 4): a few clients, users and apps, honest or not.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crsocket::protocol::client_id::ClientIdSequence;
use crsocket::protocol::event::CrEvent;
use crsocket::protocol::ids::{AccessToken, AppId, ClientId, Pid, Role, User};
use crsocket::protocol::limits::Limits;
use crsocket::protocol::policy::{
    App, Apps, Content, Interception, Interceptor, ListAccess, Pairing, Passing, Verdict,
};
use crsocket::protocol::rate::RateLimit;
use crsocket::protocol::sessions::{
    Effect, Note, Opened, PidSequence, SendAnswer, ServerAction, ServerStep, Session, SessionTable,
};
use crsocket::protocol::time::{Millis, Timing};
use crsocket::protocol::wire::{
    AbortReason, EventData, EventSourceParams, Frame, MsgEvent, SendEvent, same_token,
};

use crate::bytes::Bytes;
use crate::people;

pub(crate) fn run(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let mut shell = Shell::new(&mut bytes);
    while !bytes.is_empty() {
        shell.next(&mut bytes);
        shell.check();
    }
    shell.come_to_rest();
}

struct Shell {
    table: SessionTable,
    timing: Timing,
    limits: Limits,
    apps: Apps,
    now: Millis,
    random: u64,
    streams: BTreeMap<Pid, Stream>,
    last_pid: Option<Pid>,
    /// How many events were sent: each carries its number.
    sent: u64,
    /// Those that may still be delivered, from one clientId to another, in the order of acceptance.
    accepted: BTreeMap<(ClientId, ClientId), VecDeque<Accepted>>,
    tally: Tally,
}

/// What became of crEvents.
#[derive(Default)]
struct Tally {
    accepted: u64,
    delivered: u64,
    dropped: u64,
}

/// A stream as its reader sees it.
struct Stream {
    client_id: ClientId,
    app: AppId,
    role: Role,
    user: User,
    opened: Millis,
    /// Frames that the transport has not taken.
    waiting: usize,
    /// Its last frame was written.
    last_words: bool,
    ended: bool,
}

struct Accepted {
    number: u64,
    app: AppId,
    role: Role,
    /// Whom its accessToken may stand for.
    users: Vec<User>,
}

impl Shell {
    fn new(bytes: &mut Bytes<'_>) -> Shell {
        let (mut timing, mut limits) = (Timing::default(), Limits::default());
        if bytes.flag() {
            timing.max_event_data_length = 128;
            limits = Limits {
                output_frames: 6,
                output_bytes: 4_096,
                all_outputs_bytes: 6_000,
                line_events: 5,
                all_lines_bytes: 3_000,
                send_rate: RateLimit { per_second: 2, burst: 20 },
                client_id_rate: RateLimit { per_second: 1, burst: 2 },
                streams: 4,
                ..limits
            };
        }
        limits.bind_client_ids = !bytes.rarely(4);
        assert_eq!((timing.check(), limits.check(&timing)), (Ok(()), Ok(())));
        let client_ids = ClientIdSequence::new([7; 16], 0, u64::MAX);
        Shell {
            table: SessionTable::new(PidSequence::starting_at(0), client_ids),
            timing,
            limits,
            apps: apps(true),
            now: Millis::ZERO,
            random: 0,
            streams: BTreeMap::new(),
            last_pid: None,
            sent: 0,
            accepted: BTreeMap::new(),
            tally: Tally::default(),
        }
    }

    fn next(&mut self, bytes: &mut Bytes<'_>) {
        match bytes.byte() % 16 {
            0..=2 => self.open(bytes),
            3..=9 => self.send(bytes),
            10 => self.take(bytes),
            11 => self.break_one(bytes),
            12 => self.administrate(bytes),
            _ => {
                let due = self.table.next_due().filter(|_| bytes.flag());
                self.now = due.map_or_else(|| self.now + bytes.wait(), |due| due.max(self.now));
                self.random = bytes.number();
                // Who sweeps late must fare no worse.
                if !bytes.rarely(4) {
                    self.sweep();
                }
            }
        }
    }

    fn open(&mut self, bytes: &mut Bytes<'_>) {
        let (client_id, role, app) = (people::client_id(bytes), people::role(bytes), app(bytes));
        let (token, bad) = (people::token(bytes), bytes.byte());
        let params = EventSourceParams {
            client_id: (bad != 1).then(|| if bad == 2 { "12".into() } else { client_id.to_string().into() }),
            client_role: (bad != 3).then(|| role.as_str().into()),
            access_token: (bad != 4).then(|| token.as_str().into()),
        };
        let owner = self.table.session(client_id).map(|session| session.user().clone());
        match self.serve(|table, step, actions| table.open(&app, &params, step, actions)) {
            Opened::Stream { pid, retry, .. } => {
                assert!((500..=5_000).contains(&retry.0));
                let session = self.table.session(client_id).unwrap();
                assert_eq!((session.pid(), session.role(), session.app()), (pid, role, &app));
                let is_owner = owner.is_none_or(|owner| owner == *session.user());
                assert!(is_owner || !self.limits.bind_client_ids, "a stranger took {client_id} over");
            }
            Opened::Aborted { pid, .. } => self.is_new(pid),
            Opened::Retry { retry } => assert!((500..=5_000).contains(&retry.0)),
            Opened::UnknownApp => assert!(self.apps.get(&app).is_none()),
        }
    }

    fn send(&mut self, bytes: &mut Bytes<'_>) {
        let (client_id, recipient) = (people::client_id(bytes), people::client_id(bytes));
        let own = self.table.session(client_id).filter(|_| !bytes.rarely(8));
        let (app, role) = match own {
            Some(session) => (session.app().clone(), session.role()),
            None => (app(bytes), people::role(bytes)),
        };
        let access_token = people::token(bytes);
        let users = self.may_stand_for(client_id, &access_token);
        self.sent += 1;
        let number = self.sent;
        let event = self.event(bytes, client_id);
        let is_cr_event = matches!(event, MsgEvent::CrEvent(_));
        let own_pid = self.table.session(recipient).map(Session::pid).filter(|_| client_id == recipient);
        let shows_own = matches!(event, MsgEvent::Alive(shown) | MsgEvent::Close(shown) if shown == own_pid);
        let entry = Accepted { number, app: app.clone(), role, users: users.clone() };
        self.accepted.entry((client_id, recipient)).or_default().push_back(entry);
        let message = SendEvent { client_id, role, access_token, recipient, event };
        let answer = self.serve(|table, step, actions| table.send(&app, message, step, actions));
        match answer {
            SendAnswer::Accepted(effect) => {
                self.tally.accepted += u64::from(is_cr_event);
                let session =
                    self.table.session(client_id).filter(|_| is_cr_event && self.limits.bind_client_ids);
                if let Some(session) = session {
                    assert_eq!((session.app(), session.role()), (&app, role), "spoke for another");
                    assert!(users.contains(session.user()), "spoke for another user");
                }
                let counts_as_own = matches!(effect, Effect::Echoed | Effect::Closed);
                assert!(!counts_as_own || (own_pid.is_some() && shows_own), "{effect:?} for a stranger");
                assert!(effect != Effect::Closed || self.table.session(recipient).is_none());
            }
            SendAnswer::UnknownApp
            | SendAnswer::InvalidToken
            | SendAnswer::Forbidden
            | SendAnswer::TooMany(_)
            | SendAnswer::Stopping => {
                let order = self.accepted.entry((client_id, recipient)).or_default();
                let last = order.pop_back().map(|entry| entry.number);
                assert_eq!(last, Some(number), "delivered, and yet {answer:?}");
            }
        }
    }

    /// The token itself, and the user of one's own session if it is recognised as that session's.
    fn may_stand_for(&self, client_id: ClientId, shown: &AccessToken) -> Vec<User> {
        let own = self.table.session(client_id).map(|session| session.user().clone());
        let own = own.filter(|user| matches!(user, User::Token(token) if same_token(shown, token)));
        [User::Token(shown.clone())].into_iter().chain(own).collect()
    }

    fn event(&self, bytes: &mut Bytes<'_>, sender: ClientId) -> MsgEvent {
        const TYPES: [&str; 10] =
            ["ping", "custom", "unassign", "inactive", "reject", "drop", "change", "answer", "turn", "swell"];
        let pid = self.table.session(sender).map(Session::pid).filter(|_| !bytes.rarely(8));
        match bytes.byte() % 16 {
            0 | 1 => MsgEvent::Alive(pid),
            2 => MsgEvent::Close(pid),
            3 => MsgEvent::Other,
            _ => {
                let (event_type, interceptable) = (bytes.pick(&TYPES), !bytes.rarely(8));
                let text = format!("{event_type},,false,false,{interceptable},NaN,NaN,,{}", self.sent);
                let room = self.timing.max_event_data_length - text.len() - 7;
                let padding = bytes.pick(&[0, 0, 40, room]);
                let text =
                    if padding == 0 { text } else { format!("{text},{}", "%".repeat(padding.min(room))) };
                MsgEvent::CrEvent(EventData::accept(&text, sender).unwrap())
            }
        }
    }

    /// The transport takes some of what was written to a stream.
    fn take(&mut self, bytes: &mut Bytes<'_>) {
        let Some(pid) = self.some_stream(bytes) else { return };
        let stream = self.streams.get_mut(&pid).unwrap();
        let frames = usize::from(bytes.byte()).min(stream.waiting);
        stream.waiting -= frames;
        let client_id = stream.client_id;
        if stream.ended && stream.waiting == 0 {
            self.streams.remove(&pid);
        }
        self.serve(|table, step, actions| table.taken(client_id, pid, frames, step, actions));
    }

    /// The connection of a stream is gone.
    fn break_one(&mut self, bytes: &mut Bytes<'_>) {
        let Some(pid) = self.some_stream(bytes) else { return };
        self.break_stream(pid);
    }

    fn break_stream(&mut self, pid: Pid) {
        let Some(stream) = self.streams.remove(&pid) else { return };
        self.serve(|table, step, actions| table.broken(stream.client_id, pid, step, actions));
    }

    fn some_stream(&self, bytes: &mut Bytes<'_>) -> Option<Pid> {
        let pids: Vec<Pid> = self.streams.keys().copied().collect();
        (!pids.is_empty()).then(|| bytes.pick(&pids))
    }

    fn administrate(&mut self, bytes: &mut Bytes<'_>) {
        let client_id = people::client_id(bytes);
        match bytes.byte() % 8 {
            0 if bytes.rarely(8) => {
                self.serve(SessionTable::stop);
                assert_eq!(self.table.session_count(), 0);
            }
            0 | 1 => {
                let had = self.table.session(client_id).is_some();
                assert_eq!(self.serve(|table, step, actions| table.recycle(client_id, step, actions)), had);
            }
            2 => {
                let reason = AbortReason::NotAuthorized;
                self.serve(|table, step, actions| table.abort(client_id, reason, step, actions));
                assert!(self.table.session(client_id).is_none());
            }
            3 | 4 => {
                self.apps = apps(bytes.flag());
                self.serve(SessionTable::recheck_access);
            }
            _ => {
                let given = self.serve(|table, step, _| table.give_client_id(step));
                if let Ok(given) = given {
                    assert!(
                        self.table.session(given).is_none() && self.table.reserved_until(given).is_none()
                    );
                }
            }
        }
    }

    fn sweep(&mut self) {
        self.serve(SessionTable::sweep);
        let next = self.table.next_due();
        assert!(next.is_none_or(|due| due > self.now), "swept at {}, and again at {next:?}", self.now);
    }

    /// The table takes an input, and what it asks for is done.
    fn serve<T>(
        &mut self,
        input: impl FnOnce(&mut SessionTable, &ServerStep<'_>, &mut Vec<ServerAction>) -> T,
    ) -> T {
        let mut actions = Vec::new();
        let step = ServerStep {
            now: self.now,
            random: self.random,
            timing: &self.timing,
            limits: &self.limits,
            apps: &self.apps,
        };
        let answer = input(&mut self.table, &step, &mut actions);
        for action in actions {
            match action {
                ServerAction::Write { client_id, pid, frame, .. } => self.write(client_id, pid, &frame),
                ServerAction::End { client_id, pid } => {
                    let stream = self.streams.get_mut(&pid).unwrap();
                    assert!(stream.client_id == client_id && stream.last_words && !stream.ended);
                    stream.ended = true;
                }
                ServerAction::Cut { client_id, pid } => {
                    assert_eq!(self.streams.remove(&pid).map(|stream| stream.client_id), Some(client_id));
                }
                ServerAction::Note(Note::Dropped { .. }) => self.tally.dropped += 1,
                ServerAction::Note(_) => {}
            }
        }
        answer
    }

    /// `hello` comes first, and nothing behind the last words.
    fn write(&mut self, client_id: ClientId, pid: Pid, frame: &Frame) {
        assert!(frame.pid().is_none_or(|named| named == pid));
        if matches!(frame, Frame::Hello { .. }) {
            self.is_new(pid);
            let session = self.table.session(client_id).filter(|session| session.pid() == pid).unwrap();
            let stream = Stream {
                client_id,
                app: session.app().clone(),
                role: session.role(),
                user: session.user().clone(),
                opened: self.now,
                waiting: 0,
                last_words: false,
                ended: false,
            };
            self.streams.insert(pid, stream);
        }
        let stream =
            self.streams.get_mut(&pid).unwrap_or_else(|| panic!("{frame:?} to a stream that is gone"));
        assert!(stream.client_id == client_id && !stream.last_words, "{frame:?} behind the end");
        stream.waiting += 1;
        stream.last_words = match frame {
            Frame::Closed { .. } | Frame::Aborted { .. } | Frame::Shutdown { .. } => true,
            Frame::Hello { .. } | Frame::Alive { .. } | Frame::CrEvent(_) => false,
        };
        if let Frame::CrEvent(text) = frame {
            let settled = stream.opened + self.timing.hello_settle_dt <= self.now;
            assert!(settled || self.table.is_stopping(), "{frame:?} too close behind hello");
            self.delivered(pid, &CrEvent::from_event_data(text));
        }
    }

    /// Pids grow.
    fn is_new(&mut self, pid: Pid) {
        assert!(self.last_pid.is_none_or(|last| last < pid), "{pid} comes again");
        self.last_pid = Some(pid);
    }

    /// In the order of acceptance, each at most once, and not across apps, roles or, where the policy says so, users.
    fn delivered(&mut self, pid: Pid, event: &CrEvent) {
        // What the server itself says carries no number.
        let Some(number) = people::number_of(event) else { return };
        let to = &self.streams[&pid];
        let order = self.accepted.entry((event.sender.unwrap(), to.client_id)).or_default();
        let place = order.iter().position(|entry| entry.number == number);
        let place = place.unwrap_or_else(|| panic!("event {number} comes a second time, or too late"));
        let origin = order.drain(..=place).next_back().unwrap();
        self.tally.delivered += 1;
        assert_eq!((&origin.app, origin.role.partner()), (&to.app, to.role));
        let pairing = self.apps.get(&to.app).unwrap().pairing;
        assert!(pairing == Pairing::Any || origin.users.contains(&to.user), "event {number} crossed users");
    }

    fn check(&self) {
        let (table, limits) = (&self.table, &self.limits);
        assert!(
            table.line_bytes() <= limits.all_lines_bytes && table.output_bytes() <= limits.all_outputs_bytes
        );
        let sessions = people::client_ids().filter_map(|id| Some((id, table.session(id)?)));
        let (mut live, mut written) = (0, 0);
        for (client_id, session) in sessions {
            let output = session.output();
            assert!(output.events() <= limits.output_frames && output.bytes() <= limits.output_bytes);
            (live, written) = (live + 1, written + output.bytes());
            assert_eq!(table.reserved_until(client_id), None, "a session and a reservation");
            let silent = session.last_arrival() + self.timing.max_prev_alive_dt;
            assert!(table.next_due().is_some_and(|due| due <= silent), "{client_id} would be forgotten");
            let stream = self.streams.get(&session.pid());
            assert!(stream.is_some_and(|stream| stream.client_id == client_id && !stream.ended));
        }
        assert!(live == table.session_count() && written <= table.output_bytes());
        assert!(live + table.ending_count() <= limits.streams, "more streams than there may be");
        let ended = self.streams.values().filter(|stream| stream.ended).count();
        assert_eq!(
            (self.streams.len() - ended, ended),
            (live, table.ending_count()),
            "streams that nobody knows"
        );

        let reserved = people::client_ids().filter_map(|id| table.reserved_until(id));
        assert_eq!(reserved.clone().count(), table.reservation_count());
        assert!(reserved.clone().all(|until| table.next_due().is_some_and(|due| due <= until)));
        assert!(people::client_ids().all(|id| table.waiting_for(id) <= limits.line_events));
    }

    /// Once all connections are gone and time has passed, nothing is left of anybody.
    fn come_to_rest(&mut self) {
        let pids: Vec<Pid> = self.streams.keys().copied().collect();
        for pid in pids {
            self.break_stream(pid);
        }
        for _ in 0..10_000 {
            self.check();
            let Some(due) = self.table.next_due() else { break };
            self.now = due.max(self.now);
            self.sweep();
        }
        let table = &self.table;
        assert_eq!((table.next_due(), table.sessions().count()), (None, 0));
        assert_eq!((table.session_count(), table.reservation_count(), table.ending_count()), (0, 0, 0));
        assert_eq!((table.line_bytes(), table.output_bytes()), (0, 0));
        let Tally { accepted, delivered, dropped } = self.tally;
        assert_eq!(accepted, delivered + dropped, "what is accepted is delivered, or its end is noted once");
        assert!(format!("{table:?}").contains("slots: {}"), "{table:?}");
    }
}

fn app(bytes: &mut Bytes<'_>) -> AppId {
    app_id(bytes.pick(&["open", "open", "own", "own", "meddled", "unknown"]))
}

fn app_id(text: &str) -> AppId {
    AppId::parse(text).unwrap()
}

/// An app for anybody, one in which users pair with themselves only, one with interceptors.
fn apps(admits_b: bool) -> Apps {
    let token = |text| AccessToken::parse(text).unwrap();
    let listed = ListAccess::new().with(token("a"), None).with(token("a&c"), Some(Role::Controller));
    let listed = if admits_b { listed.with(token("b"), None) } else { listed };
    let own = App { access: Arc::new(listed), pairing: Pairing::SameUser, ..App::default() };
    let meddler: Vec<Arc<dyn Interceptor>> = vec![Arc::new(Meddler)];
    let meddled =
        App { sender_interceptors: meddler.clone(), recipient_interceptors: meddler, ..App::default() };
    Apps::new().with(app_id("open"), App::default()).with(app_id("own"), own).with(app_id("meddled"), meddled)
}

/// Does what the type of an event asks for.
#[derive(Debug)]
struct Meddler;

impl Interceptor for Meddler {
    fn intercept(&self, passing: &Passing<'_>) -> Interception {
        let event = passing.event;
        assert_ne!(&*event.event_type, "reject", "it is never shown a reject");
        let changed = |event_type: &str, more: &[&str]| {
            let more = more.iter().map(|param| Box::from(*param));
            let params = event.params.iter().cloned().chain(more).collect();
            Verdict::Change(Content { event_type: event_type.into(), sub_type: "".into(), params })
        };
        let verdict = match &*event.event_type {
            "drop" => Verdict::Drop { sub_type: Some("tired".into()) },
            "change" => changed("custom", &["more", "and more"]),
            "turn" if passing.sender_role == Role::Controller => changed("unassign", &[]),
            "turn" => changed("reject", &[]),
            "swell" => changed("ping", &[&"%".repeat(60)]),
            "inactive" => changed("custom", &["a,b"]),
            _ => Verdict::Accept,
        };
        let answers = match &*event.event_type {
            "answer" | "drop" => 2,
            _ => 0,
        };
        let reply = CrEvent::new("custom", "answer").unwrap();
        Interception { verdict, replies: vec![reply; answers] }
    }
}
