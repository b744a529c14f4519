//! A session table with a transport and a clock, and what it does as text.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use super::super::*;
use crate::protocol::ids::{AccessToken, AppId, Pid, Role, User};
use crate::protocol::policy::{Access, App, Denied, Pairing};
use crate::protocol::wire::{AbortReason, EventData, EventSourceParams, Frame, MsgEvent, SendEvent};

/// A table at time 0, with the apps `app`, `other` (any tokens), `same` (same-user), `people` ([`People`]).
pub(super) struct World {
    pub(super) table: SessionTable,
    pub(super) now: Millis,
    pub(super) random: u64,
    pub(super) timing: Timing,
    pub(super) limits: Limits,
    pub(super) apps: Apps,
    /// Whether the transport takes what is written at once.
    pub(super) reading: bool,
    log: Vec<String>,
    notes: Vec<Note>,
}

/// Tokens are `USER` or `USER.anything`, and stand for USER; `bad…` does not match the pattern, `out…` may not take part.
#[derive(Debug)]
struct People;

impl Access for People {
    fn admit(&self, token: &AccessToken, _role: Role) -> Result<User, Denied> {
        let user = token.as_str().split('.').next().unwrap_or_default();
        match user {
            _ if user.starts_with("bad") => Err(Denied::InvalidToken),
            _ if user.starts_with("out") => Err(Denied::NotAuthorized),
            _ => Ok(User::Claim { issuer: "people".into(), value: user.into() }),
        }
    }
}

pub(super) fn app(name: &str) -> AppId {
    AppId::parse(name).unwrap()
}

pub(super) fn id(number: u32) -> ClientId {
    ClientId::from_number(number).unwrap()
}

pub(super) fn pid(number: u64) -> Pid {
    Pid::from_number(number).unwrap()
}

pub(super) fn params<'a>(client_id: &'a str, role: &'a str, token: &'a str) -> EventSourceParams<'a> {
    let some = |text: &'a str| if text == "-" { None } else { Some(Cow::Borrowed(text)) };
    EventSourceParams { client_id: some(client_id), client_role: some(role), access_token: some(token) }
}

/// `crEvent` data with this type; with a `!` in front it is not interceptable.
pub(super) fn event(sender: u32, event_type: &str) -> EventData {
    let (interceptable, event_type) = match event_type.strip_prefix('!') {
        Some(rest) => (false, rest),
        None => (true, event_type),
    };
    let text = format!("{event_type},,false,false,{interceptable},NaN,NaN,");
    EventData::accept(&text, id(sender)).unwrap()
}

/// Who sends: a clientId, `c` or `r` for its role, its token, its app.
#[derive(Clone, Copy)]
pub(super) struct Who(pub(super) u32, pub(super) char, pub(super) &'static str, pub(super) &'static str);

impl Who {
    pub(super) fn role(self) -> Role {
        if self.1 == 'c' { Role::Controller } else { Role::Responder }
    }
}

/// The usual pair.
pub(super) const C: Who = Who(1, 'c', "ann", "app");
pub(super) const R: Who = Who(2, 'r', "bob", "app");

impl World {
    pub(super) fn new() -> World {
        let same = App { pairing: Pairing::SameUser, ..App::default() };
        let people = App { access: Arc::new(People), ..App::default() };
        World {
            table: SessionTable::new(
                PidSequence::starting_at(0),
                ClientIdSequence::new([7; 16], 0, u64::MAX),
            ),
            now: Millis(0),
            random: 0,
            timing: Timing::default(),
            limits: Limits::default(),
            apps: Apps::new()
                .with(app("app"), App::default())
                .with(app("other"), App::default())
                .with(app("same"), same)
                .with(app("people"), people),
            reading: true,
            log: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// One step on the table, its actions performed.
    pub(super) fn step<T>(
        &mut self,
        input: impl FnOnce(&mut SessionTable, &ServerStep<'_>, &mut Vec<ServerAction>) -> T,
    ) -> T {
        let step = ServerStep {
            now: self.now,
            random: self.random,
            timing: &self.timing,
            limits: &self.limits,
            apps: &self.apps,
        };
        let mut actions = Vec::new();
        let answer = input(&mut self.table, &step, &mut actions);
        let mut todo: VecDeque<ServerAction> = actions.into();
        while let Some(action) = todo.pop_front() {
            self.log.extend(text_of(&action));
            match action {
                ServerAction::Write { client_id, pid, .. } if self.reading => {
                    let mut more = Vec::new();
                    self.table.taken(client_id, pid, 1, &step, &mut more);
                    todo.extend(more);
                }
                ServerAction::Note(note) => self.notes.push(note),
                ServerAction::Write { .. } | ServerAction::End { .. } | ServerAction::Cut { .. } => {}
            }
        }
        super::random::check(&self.table, &self.limits);
        answer
    }

    pub(super) fn open_raw(&mut self, app: &str, params: &EventSourceParams<'_>) -> Opened {
        let app = AppId::parse(app).unwrap();
        self.step(|table, step, actions| table.open(&app, params, step, actions))
    }

    pub(super) fn open(&mut self, who: Who) -> Opened {
        let client_id = id(who.0).to_string();
        self.open_raw(who.3, &params(&client_id, who.role().as_str(), who.2))
    }

    /// Opens a stream that must be served.
    pub(super) fn hello(&mut self, who: Who) -> Pid {
        match self.open(who) {
            Opened::Stream { pid, .. } => pid,
            other => panic!("no stream: {other:?}"),
        }
    }

    /// Opens streams, lets them settle, and forgets what was said.
    pub(super) fn settled(&mut self, all: &[Who]) -> Vec<Pid> {
        let pids = all.iter().map(|who| self.hello(*who)).collect();
        self.pass(200);
        self.log();
        self.notes();
        pids
    }

    pub(super) fn message(&mut self, who: Who, to: u32, event: MsgEvent) -> SendAnswer {
        let message = SendEvent {
            client_id: id(who.0),
            role: who.role(),
            access_token: AccessToken::parse(who.2).unwrap(),
            recipient: id(to),
            event,
        };
        let app = AppId::parse(who.3).unwrap();
        self.step(|table, step, actions| table.send(&app, message, step, actions))
    }

    pub(super) fn send(&mut self, who: Who, to: u32, event_type: &str) -> SendAnswer {
        self.message(who, to, MsgEvent::CrEvent(event(who.0, event_type)))
    }

    pub(super) fn alive(&mut self, who: Who, pid: Pid) -> SendAnswer {
        self.message(who, who.0, MsgEvent::Alive(Some(pid)))
    }

    pub(super) fn close(&mut self, who: Who, pid: Pid) -> SendAnswer {
        self.message(who, who.0, MsgEvent::Close(Some(pid)))
    }

    pub(super) fn broken(&mut self, who: Who, pid: Pid) {
        self.step(|table, step, actions| table.broken(id(who.0), pid, step, actions));
    }

    pub(super) fn taken(&mut self, who: Who, pid: Pid, frames: usize) {
        self.step(|table, step, actions| table.taken(id(who.0), pid, frames, step, actions));
    }

    /// Lets time pass, with a sweep whenever one is due.
    pub(super) fn pass(&mut self, millis: i64) {
        let end = self.now + Millis(millis);
        while let Some(at) = self.table.next_due().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.step(SessionTable::sweep);
        }
        self.now = end;
    }

    /// Lets time pass without a sweep: a shell that is late.
    pub(super) fn sleep(&mut self, millis: i64) {
        self.now += Millis(millis);
    }

    /// What was said since the last call.
    pub(super) fn log(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    pub(super) fn notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    pub(super) fn has_session(&self, who: Who) -> bool {
        self.table.session(id(who.0)).is_some()
    }
}

/// `CLIENT FRAME`, `CLIENT end PID`, `CLIENT cut PID`; clients and pids are small numbers here.
fn text_of(action: &ServerAction) -> Option<String> {
    match action {
        ServerAction::Write { client_id, pid, frame, .. } => {
            let text = frame_text(frame);
            assert!(frame.pid().is_none_or(|named| named == *pid), "a frame names its own stream");
            Some(format!("{} {text}", client_id.number()))
        }
        ServerAction::End { client_id, pid } => Some(format!("{} end {pid}", client_id.number())),
        ServerAction::Cut { client_id, pid } => Some(format!("{} cut {pid}", client_id.number())),
        ServerAction::Note(_) => None,
    }
}

fn frame_text(frame: &Frame) -> String {
    match frame {
        Frame::CrEvent(text) => {
            let event = crate::protocol::event::CrEvent::from_event_data(text);
            let sender = event.sender.unwrap().number();
            let sub_type =
                if event.sub_type.is_empty() { String::new() } else { format!("/{}", event.sub_type) };
            format!("{}{sub_type} from {sender}", event.event_type)
        }
        Frame::Aborted { pid, reason, releaser } => {
            format!("aborted {pid} {} {}", reason.as_str(), releaser.map_or(0, Pid::number))
        }
        Frame::Hello { pid } | Frame::Alive { pid } | Frame::Closed { pid } | Frame::Shutdown { pid } => {
            format!("{} {pid}", frame.name())
        }
    }
}

/// What was answered to an opening, without what is random.
pub(super) fn opening(opened: &Opened) -> &'static str {
    match opened {
        Opened::Stream { .. } => "hello",
        Opened::Retry { .. } => "retry",
        Opened::UnknownApp => "404",
        Opened::Aborted { reason, .. } => match reason {
            AbortReason::InvalidRole => "invalidRole",
            AbortReason::InvalidClientId => "invalidClientId",
            AbortReason::InvalidAccessToken => "invalidAccessToken",
            AbortReason::NotAuthorized => "notAuthorized",
            AbortReason::ClientIdInUse => "clientIdInUse",
            AbortReason::ReleasedByOther | AbortReason::ClientNotAlive | AbortReason::Other(_) => "?",
        },
    }
}

/// The status of an answer.
pub(super) fn status(answer: &SendAnswer) -> u16 {
    answer.status()
}
