//! Whatever happens in whatever order: what always holds.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::due::Due;
use super::super::*;
use super::world::{app, id};
use crate::protocol::event::CrEvent;
use crate::protocol::ids::{AccessToken, Role};
use crate::protocol::limits::Share;
use crate::protocol::output::Output;
use crate::protocol::policy::{App, Pairing};
use crate::protocol::rate::RateLimit;
use crate::protocol::wire::{EventData, EventSourceParams, Frame, MsgEvent, SendEvent};

/// What holds of every table at every moment.
pub(super) fn check(table: &SessionTable, limits: &Limits) {
    check_counts(table);
    check_bounds(table, limits);
    check_due(table);
}

fn check_counts(table: &SessionTable) {
    assert_eq!(table.sessions, table.sessions().count());
    let reserved = table.slots.iter().filter(|(id, _)| table.reserved_until(*id).is_some()).count();
    assert_eq!(table.reservations, reserved);
    let mut lines: BTreeMap<ClientId, usize> = BTreeMap::new();
    let mut add = |share: Share| *lines.entry(share.holder).or_default() += share.bytes;
    table.slots.iter().for_each(|(id, slot)| slot.line.shares(id).for_each(&mut add));
    assert_eq!(table.line_bytes, lines.values().sum::<usize>(), "the total equals the sum");
    let of_sessions = table.sessions().map(|(_, session)| &session.output);
    let outputs = of_sessions.chain(table.endings.values().map(|ending| &ending.output));
    assert_eq!(table.output_bytes, outputs.map(Output::bytes).sum::<usize>());
    let held = |id: ClientId| table.slots.get(id).map_or(0, |slot| slot.held.line_bytes);
    assert!(lines.iter().all(|(id, bytes)| held(*id) == *bytes), "each holder's share equals its sum");
    let all_held: usize = table.slots.iter().map(|(_, slot)| slot.held.line_bytes).sum();
    assert_eq!(all_held, table.line_bytes);
    let all_held: usize = table.slots.iter().map(|(_, slot)| slot.held.output_bytes).sum();
    assert_eq!(all_held, table.output_bytes);
    assert!(table.endings.values().all(|ending| !ending.output.is_empty()));
}

fn check_bounds(table: &SessionTable, limits: &Limits) {
    // A test may narrow the limits under a table that is full; the random worlds never do.
    for (_, session) in table.sessions() {
        let frames = session.output.events();
        assert!(frames <= limits.output_frames && session.output.bytes() <= limits.output_bytes);
    }
    assert!(table.output_bytes <= limits.all_outputs_bytes);
    assert!(table.line_bytes <= limits.all_lines_bytes);
    assert!(table.slots.iter().all(|(_, slot)| slot.line.len() <= limits.line_events));
}

/// Each slot and ending has at most one entry, the one it says.
fn check_due(table: &SessionTable) {
    let slots = table.slots.iter().filter_map(|(id, slot)| Some((slot.queued?, Due::Slot(id))));
    let endings = table.endings.iter().map(|(pid, ending)| (ending.queued, Due::Ending(*pid)));
    assert_eq!(table.due, slots.chain(endings).collect::<BTreeSet<_>>());
}

/// Nothing is due earlier than it is looked at.
fn check_queued(table: &SessionTable, now: Millis, timing: &Timing) {
    for (id, slot) in table.slots.iter() {
        let has_nothing = !slot.is_in_use() && slot.line.is_empty() && slot.held.is_nothing();
        if has_nothing {
            assert!(slot.queued.is_some(), "{id} is never forgotten");
        } else if let Some(due) = slot.due(now, timing) {
            assert!(
                slot.queued.is_some_and(|queued| queued <= due.max(now + Millis(1))),
                "{id}: due at {due}"
            );
        }
    }
    for ending in table.endings.values() {
        assert!(ending.queued <= ending.due(timing));
    }
}

const APPS: [&str; 2] = ["app", "same"];
const TOKENS: [&str; 3] = ["ann", "bob", "eve"];
const TYPES: [&str; 7] = ["x", "y", "ping", "reject", "unassign", "inactive", "long"];

#[derive(Clone, Debug)]
enum Op {
    Open {
        id: u32,
        role: bool,
        user: usize,
        app: usize,
    },
    Send {
        id: u32,
        role: bool,
        user: usize,
        app: usize,
        to: u32,
        event: usize,
    },
    /// Of the session that is there, by itself.
    Own {
        id: u32,
        to: u32,
        event: usize,
    },
    Alive {
        id: u32,
        right: bool,
    },
    Close {
        id: u32,
        right: bool,
    },
    Taken {
        id: u32,
        frames: usize,
    },
    Broken {
        stream: usize,
    },
    Pass {
        millis: i64,
        sweep: bool,
    },
    Recycle {
        id: u32,
    },
    Abort {
        id: u32,
    },
    Recheck,
    Give,
    Stop,
}

fn any_op() -> impl Strategy<Value = Op> {
    let id = || 0..5u32;
    prop_oneof![
        8 => (id(), any::<bool>(), 0..3usize, 0..8usize)
            .prop_map(|(id, role, user, app)| Op::Open { id, role, user, app: usize::from(app == 0) }),
        10 => (id(), any::<bool>(), 0..3usize, 0..8usize, id(), 0..TYPES.len()).prop_map(|(id, role, user, app, to, event)| {
            Op::Send { id, role, user, app: usize::from(app == 0), to, event }
        }),
        30 => (id(), id(), 0..TYPES.len()).prop_map(|(id, to, event)| Op::Own { id, to, event }),
        6 => (id(), any::<bool>()).prop_map(|(id, right)| Op::Alive { id, right }),
        2 => (id(), any::<bool>()).prop_map(|(id, right)| Op::Close { id, right }),
        8 => (id(), 0..4usize).prop_map(|(id, frames)| Op::Taken { id, frames }),
        2 => (0..8usize).prop_map(|stream| Op::Broken { stream }),
        12 => (prop_oneof![0..50i64, 0..400i64, 0..5_000i64, 0..30_000i64], any::<bool>())
            .prop_map(|(millis, sweep)| Op::Pass { millis, sweep }),
        1 => id().prop_map(|id| Op::Recycle { id }),
        1 => id().prop_map(|id| Op::Abort { id }),
        1 => Just(Op::Recheck),
        1 => Just(Op::Give),
        1 => (0..40u8).prop_map(|dice| if dice == 0 { Op::Stop } else { Op::Recheck }),
    ]
}

/// What the shell knows of a stream.
#[derive(Default)]
struct Stream {
    client: u32,
    ended: bool,
    gone: bool,
    untaken: usize,
}

/// A shell that checks every action it is asked for.
struct Shell {
    table: SessionTable,
    now: Millis,
    timing: Timing,
    limits: Limits,
    apps: Apps,
    streams: BTreeMap<Pid, Stream>,
    /// The number of the next event; each carries its own as its param.
    next: usize,
    /// Of each sender and recipient, the last event that was delivered.
    delivered: BTreeMap<(ClientId, ClientId), usize>,
    accepted: BTreeSet<usize>,
}

impl Shell {
    fn new(bind_client_ids: bool) -> Shell {
        let limits = Limits {
            output_frames: 8,
            output_bytes: 1_000,
            all_outputs_bytes: 1_400,
            line_events: 6,
            all_lines_bytes: 1_600,
            send_rate: RateLimit { per_second: 10, burst: 10 },
            client_id_rate: RateLimit { per_second: 100, burst: 3 },
            streams: 6,
            bind_client_ids,
        };
        let pids = PidSequence::starting_at(1);
        let same = App { pairing: Pairing::SameUser, ..App::default() };
        Shell {
            table: SessionTable::new(pids, ClientIdSequence::new([1; 16], 0, u64::MAX)),
            now: Millis(-5_000),
            timing: Timing::default(),
            limits,
            apps: Apps::new().with(app(APPS[0]), App::default()).with(app(APPS[1]), same),
            streams: BTreeMap::new(),
            next: 0,
            delivered: BTreeMap::new(),
            accepted: BTreeSet::new(),
        }
    }

    fn step<T>(
        &mut self,
        input: impl FnOnce(&mut SessionTable, &ServerStep<'_>, &mut Vec<ServerAction>) -> T,
    ) -> (T, Vec<ServerAction>) {
        let step = ServerStep {
            now: self.now,
            random: 1,
            timing: &self.timing,
            limits: &self.limits,
            apps: &self.apps,
        };
        let mut actions = Vec::new();
        let answer = input(&mut self.table, &step, &mut actions);
        check(&self.table, &self.limits);
        check_queued(&self.table, self.now, &self.timing);
        (answer, actions)
    }

    fn run(&mut self, op: &Op) {
        match *op {
            Op::Open { id, role, user, app } => self.open(id, role, user, app),
            Op::Send { id, role, user, app: in_app, to, event } => {
                let role = if role { Role::Controller } else { Role::Responder };
                self.send(id, role, TOKENS[user], APPS[in_app], to, event);
            }
            Op::Own { id: sender, to, event } => {
                if let Some(session) = self.table.session(id(sender)).cloned() {
                    self.send(sender, session.role, session.token.as_str(), session.app.as_str(), to, event);
                }
            }
            Op::Alive { id, right } => self.message_own(id, right, MsgEvent::Alive),
            Op::Close { id, right } => self.message_own(id, right, MsgEvent::Close),
            Op::Taken { id, frames } => self.taken(id, frames),
            Op::Broken { stream } => self.broken(stream),
            Op::Pass { millis, sweep } => self.pass(millis, sweep),
            Op::Recycle { id: client } => {
                let (_, actions) = self.step(|table, step, actions| table.recycle(id(client), step, actions));
                self.perform(actions);
            }
            Op::Abort { id: client } => {
                let reason = crate::protocol::wire::AbortReason::NotAuthorized;
                let (_, actions) =
                    self.step(|table, step, actions| table.abort(id(client), reason, step, actions));
                self.perform(actions);
            }
            Op::Recheck => {
                let ((), actions) = self.step(SessionTable::recheck_access);
                assert_eq!(actions, [], "all are still admitted");
            }
            Op::Give => {
                let (given, _) = self.step(|table, step, _| table.give_client_id(step));
                assert!(given.is_err() || self.table.session(given.unwrap()).is_none());
            }
            Op::Stop => {
                let ((), actions) = self.step(SessionTable::stop);
                self.perform(actions);
                assert_eq!((self.table.sessions, self.table.line_bytes), (0, 0));
            }
        }
    }

    fn open(&mut self, client: u32, role: bool, user: usize, in_app: usize) {
        let params = EventSourceParams {
            client_id: Some(id(client).to_string().into()),
            client_role: Some(if role { "controller" } else { "responder" }.into()),
            access_token: Some(TOKENS[user].into()),
        };
        let before = self.table.session(id(client)).map(Session::pid);
        let (opened, actions) =
            self.step(|table, step, actions| table.open(&app(APPS[in_app]), &params, step, actions));
        match opened {
            Opened::Stream { pid, .. } => {
                let fresh = self.streams.insert(pid, Stream { client, ..Stream::default() });
                assert!(fresh.is_none(), "a pid is never reused");
                assert_eq!(self.table.session(id(client)).unwrap().pid(), pid);
            }
            Opened::Aborted { .. } | Opened::Retry { .. } | Opened::UnknownApp => {
                let ended =
                    actions.iter().any(|action| matches!(action, ServerAction::Note(Note::Ended { .. })));
                let after = self.table.session(id(client)).map(Session::pid);
                assert!(ended || after == before, "a stranger parts nobody");
            }
        }
        self.perform(actions);
    }

    fn send(&mut self, sender: u32, role: Role, token: &str, in_app: &str, to: u32, event: usize) {
        let number = self.next;
        self.next += 1;
        let padding = if TYPES[event] == "long" { "z".repeat(300) } else { String::new() };
        let text = format!("{},,false,false,true,NaN,NaN,,{number},{padding}", TYPES[event]);
        let message = SendEvent {
            client_id: id(sender),
            role,
            access_token: AccessToken::parse(token).unwrap(),
            recipient: id(to),
            event: MsgEvent::CrEvent(EventData::accept(&text, id(sender)).unwrap()),
        };
        let (answer, actions) =
            self.step(|table, step, actions| table.send(&app(in_app), message, step, actions));
        if let SendAnswer::Accepted(Effect::Forwarded | Effect::Waits) = answer {
            self.accepted.insert(number);
        }
        self.perform(actions);
    }

    fn message_own(&mut self, client: u32, right: bool, event: fn(Option<Pid>) -> MsgEvent) {
        let Some(session) = self.table.session(id(client)).cloned() else { return };
        let message = SendEvent {
            client_id: id(client),
            role: session.role,
            access_token: session.token.clone(),
            recipient: id(client),
            event: event(Some(session.pid).filter(|_| right)),
        };
        let (answer, actions) =
            self.step(|table, step, actions| table.send(&session.app, message, step, actions));
        assert!(!matches!(answer, SendAnswer::Forbidden | SendAnswer::InvalidToken));
        self.perform(actions);
    }

    fn taken(&mut self, client: u32, frames: usize) {
        let of_client = |(_, stream): &(&Pid, &mut Stream)| stream.client == client && !stream.gone;
        let Some((pid, stream)) = self.streams.iter_mut().filter(|entry| of_client(entry)).last() else {
            return;
        };
        let frames = frames.min(stream.untaken);
        stream.untaken -= frames;
        let pid = *pid;
        let ((), actions) =
            self.step(|table, step, actions| table.taken(id(client), pid, frames, step, actions));
        self.perform(actions);
    }

    /// Of the younger streams one breaks, ended or not.
    fn broken(&mut self, index: usize) {
        let Some((pid, stream)) = self.streams.iter_mut().rev().nth(index) else { return };
        stream.gone = true;
        let (pid, client) = (*pid, stream.client);
        let ((), actions) = self.step(|table, step, actions| table.broken(id(client), pid, step, actions));
        self.perform(actions);
        assert!(self.table.session(id(client)).is_none_or(|session| session.pid() != pid));
    }

    fn pass(&mut self, millis: i64, sweep: bool) {
        self.now += Millis(millis);
        if !sweep {
            return;
        }
        let ((), actions) = self.step(SessionTable::sweep);
        self.perform(actions);
        assert!(self.table.next_due().is_none_or(|at| at > self.now), "a sweep leaves nothing that is due");
        for (_, session) in self.table.sessions() {
            assert!(session.end(&self.timing).0 > self.now, "nobody lives longer than the rules say");
        }
    }

    fn perform(&mut self, actions: Vec<ServerAction>) {
        for action in actions {
            match action {
                ServerAction::Write { client_id, pid, frame, .. } => self.written(client_id, pid, &frame),
                ServerAction::End { pid, .. } => {
                    let stream = self.streams.get_mut(&pid).unwrap();
                    assert!(!stream.ended && !stream.gone, "a stream ends once");
                    stream.ended = true;
                }
                ServerAction::Cut { pid, .. } => {
                    let stream = self.streams.get_mut(&pid).unwrap();
                    assert!(!stream.gone, "what is gone is not cut");
                    stream.gone = true;
                }
                ServerAction::Note(_) => {}
            }
        }
    }

    fn written(&mut self, client_id: ClientId, pid: Pid, frame: &Frame) {
        let stream = self.streams.get_mut(&pid).unwrap();
        assert!(!stream.ended && !stream.gone, "nothing is written behind the end");
        assert_eq!(id(stream.client), client_id);
        stream.untaken += 1;
        let Frame::CrEvent(text) = frame else { return };
        let event = CrEvent::from_event_data(text);
        let Some(number) = event.params.first().and_then(|param| param.parse::<usize>().ok()) else {
            assert_eq!(&*event.event_type, "reject", "only rejects are made here");
            return;
        };
        assert!(
            self.accepted.contains(&number) || number + 1 == self.next,
            "only what was accepted is delivered"
        );
        let last = self.delivered.insert((event.sender.unwrap(), client_id), number);
        assert!(last.is_none_or(|last| last < number), "in the order of acceptance, each at most once");
    }
}

/// A hundred, or as many as the environment asks for.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").map_or(100, |cases| cases.parse().expect("PROPTEST_CASES is a number"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn whatever_happens_the_rules_hold(
        ops in prop::collection::vec(any_op(), 1..400),
        bind_client_ids in prop::bool::weighted(0.8),
    ) {
        let mut shell = Shell::new(bind_client_ids);
        for op in &ops {
            shell.run(op);
        }
        // Left alone, everything ends, and nothing is left.
        while let Some(at) = shell.table.next_due() {
            assert!(at - shell.now < Millis(700_000));
            shell.now = shell.now.max(at);
            let ((), actions) = shell.step(SessionTable::sweep);
            shell.perform(actions);
        }
        prop_assert!(shell.table.slots.is_empty() && shell.table.endings.is_empty());
        prop_assert!(shell.streams.values().all(|stream| stream.gone || stream.untaken == 0 || stream.ended));
    }
}
