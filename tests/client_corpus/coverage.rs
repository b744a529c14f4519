//! What occurs in the corpus.

use std::collections::BTreeMap;

use crsocket::protocol::action::{Message, Notice, Outcome, Post};
use crsocket::protocol::ids::Assigned;
use crsocket::protocol::receiver::{self, StreamEnd};
use crsocket::protocol::time::{TimerKind, Timing};
use crsocket::protocol::wire::{AbortReason, Frame};
use crsocket::protocol::wired::{Effect, Input, WiredSocket};
use crsocket::protocol::{send_line, socket};
use serde_json::Value;

use super::json;
use super::required::required;

/// How often each thing occurs.
#[derive(Clone, Debug, Default)]
pub struct Coverage(BTreeMap<String, usize>);

/// How often everything must occur.
const LEAST: usize = 3;
/// A timer this late means that the device slept (section 5, "Waking").
const ASLEEP: i64 = 5_000;

impl Coverage {
    /// What must occur, and does not or hardly does.
    pub fn missing(&self) -> Vec<String> {
        let count = |what: String| (self.0.get(&what).copied().unwrap_or(0), what);
        let counted = required().into_iter().map(count).filter(|(count, _)| *count < LEAST);
        counted.map(|(count, what)| format!("{what}: {count} times")).collect()
    }

    pub(super) fn add(&mut self, other: Coverage) {
        for (what, count) in other.0 {
            *self.0.entry(what).or_default() += count;
        }
    }

    pub(super) fn note(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }

    pub(super) fn note_state(&mut self, machine: &str, state: &Value) {
        let text = |place: usize| state[place].as_str().unwrap_or_default();
        self.note(format!("{machine}: {} {}", text(0), text(1)));
    }

    pub(super) fn note_effects(
        &mut self,
        timing: &Timing,
        before: &socket::State,
        input: &Input,
        effects: &[Effect],
    ) {
        for effect in effects {
            self.note(effect_name(effect));
        }
        self.note_row(timing, input, effects);
        let partner_set = matches!(input, Input::Socket(socket::Input::Partner(_)));
        if partner_set && sent(effects).any(|name| name == "unassign") {
            self.note(format!("section 7: unassign in {}", before.as_str()));
        }
    }

    /// The row of section 7's table of effects, where a step is of one.
    fn note_row(&mut self, timing: &Timing, input: &Input, effects: &[Effect]) {
        let changes: Vec<_> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::Notify(Notice::State { from, to }) => Some((from.as_str(), to.as_str())),
                _ => None,
            })
            .filter(|(from, to)| from != to)
            .collect();
        for (from, to) in &changes {
            self.note(arrow(from, to));
        }
        // What several changes led to cannot be told apart.
        let [(from, to)] = changes[..] else { return };
        let says = |what| sent(effects).any(|name| name == what);
        let paces = |length| effects.contains(&Effect::SetTimer { timer: TimerKind::Ping, after: length });
        let stops = effects.contains(&Effect::CancelTimer(TimerKind::Ping));
        let fast = paces(timing.interacting_max_event_out_dt);
        let slow = paces(timing.searching_max_event_out_dt);
        let paces_for = |state: &str| if state == "interacting" { fast } else { slow };
        let inactive = says("inactive");
        let row = match (from, to) {
            ("readyToPair" | "connecting", "searching" | "interacting") if says("ping") && paces_for(to) => {
                "ping, schedule starts"
            }
            ("searching", "interacting") if says("ping") && fast => "ping, interacting pace",
            ("interacting", "searching") if slow => "searching pace",
            ("searching" | "interacting", "readyToPair") if stops => "timers stop",
            ("searching" | "interacting", "passive") if stops && inactive => "timers stop, inactive",
            ("connecting", "passive") => {
                if inactive {
                    "inactive"
                } else {
                    "nothing to say"
                }
            }
            ("searching" | "interacting", "readyToConnect" | "connecting") if stops => {
                match (inactive, cause(input)) {
                    (true, Some(cause @ ("token taken away" | "token changed"))) => {
                        return self.note(row_name(from, to, &format!("{cause}: inactive")));
                    }
                    (false, Some(cause)) => {
                        return self.note(row_name(from, to, &format!("{cause}: nothing to say")));
                    }
                    _ => return,
                }
            }
            _ => return,
        };
        self.note(row_name(from, to, row));
    }

    pub(super) fn note_input(
        &mut self,
        machines: &WiredSocket,
        timers: &BTreeMap<TimerKind, i64>,
        now: i64,
        input: &Input,
    ) {
        let what = match input {
            Input::Socket(input) => socket_input(machines, input),
            Input::Receiver(receiver::Input::Frame { stream, frame }) => {
                let is_old = *stream != machines.receiver.stream_number();
                if let Frame::Aborted { reason, .. } = frame {
                    self.note(format!("aborted: {}", known(reason)));
                }
                format!("frame: {}{}", frame.name(), if is_old { ", old stream" } else { "" })
            }
            Input::Receiver(receiver::Input::Ended { how, .. }) => match how {
                StreamEnd::Status(429 | 500..=599) => "ended: a status that will pass".into(),
                StreamEnd::Status(_) => "ended: a status".into(),
                how => format!("ended: {how:?}"),
            },
            Input::Receiver(_) => "input: retry".into(),
            Input::SendLine(send_line::Input::Answer { outcome, .. }) => {
                format!("outcome: {}", outcome_name(outcome))
            }
            Input::SendLine(_) => return,
            Input::Timer(timer) => {
                let late = timers.get(timer).map(|due| now - due);
                let when = match late {
                    None => "not armed",
                    Some(..0) => "early",
                    Some(0) => "on time",
                    Some(1..=ASLEEP) => "late",
                    Some(_) => "after a sleep",
                };
                format!("timer: {}, {when}", timer.as_str())
            }
        };
        self.note(what);
    }
}

fn socket_input(machines: &WiredSocket, input: &socket::Input) -> String {
    let facts = machines.socket.client();
    let partner = &machines.socket.sender().partner;
    match input {
        socket::Input::Visible(is) => format!("input: visible {is}"),
        socket::Input::Online(is) => format!("input: online {is}"),
        socket::Input::Paused(is) => format!("input: paused {is}"),
        socket::Input::Unloading(is) => format!("input: unloading {is}"),
        socket::Input::ClientId(id) => format!("input: clientId {}", assigned(&facts.client_id, id)),
        socket::Input::AccessToken(token) => {
            format!("input: accessToken {}", assigned(&facts.access_token, token))
        }
        socket::Input::Partner(id) => format!("input: partnerClientId {}", assigned(partner, id)),
        socket::Input::Send { .. } => "input: send".into(),
        socket::Input::ClientIdAnswer(None) => "input: clientIdAnswer none".into(),
        socket::Input::ClientIdAnswer(Some(_)) => "input: clientIdAnswer".into(),
        other => panic!("no input of an enclosing client: {other:?}"),
    }
}

pub(super) const ASSIGNED: [&str; 5] = ["nothing", "invalid", "valid", "another one", "the same again"];

fn assigned<T: PartialEq>(before: &Assigned<T>, now: &Assigned<T>) -> &'static str {
    match (before, now) {
        (_, Assigned::Nothing) => ASSIGNED[0],
        (_, Assigned::Invalid) => ASSIGNED[1],
        (Assigned::Nothing | Assigned::Invalid, Assigned::Valid(_)) => ASSIGNED[2],
        (Assigned::Valid(before), Assigned::Valid(now)) if before != now => ASSIGNED[3],
        (Assigned::Valid(_), Assigned::Valid(_)) => ASSIGNED[4],
    }
}

fn outcome_name(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Understood => "understood".into(),
        Outcome::NoConnection => "noConnection".into(),
        Outcome::NoAnswer => "noAnswer".into(),
        Outcome::Refused { status, .. } => status.to_string(),
    }
}

fn known(reason: &AbortReason) -> &str {
    match reason {
        AbortReason::Other(_) => "an unknown reason",
        known => known.as_str(),
    }
}

/// What led to a stream's end, where it matters for the goodbye.
fn cause(input: &Input) -> Option<&'static str> {
    match input {
        Input::Socket(socket::Input::AccessToken(Assigned::Valid(_))) => Some("token changed"),
        Input::Socket(socket::Input::AccessToken(_)) => Some("token taken away"),
        Input::Receiver(receiver::Input::Ended { .. }) => Some("broke"),
        Input::Receiver(receiver::Input::Frame { frame: Frame::Aborted { .. }, .. }) => Some("aborted"),
        Input::Receiver(receiver::Input::Frame { frame: Frame::Shutdown { .. }, .. }) => Some("recycled"),
        _ => None,
    }
}

/// The types of the msgEvents that leave.
fn sent(effects: &[Effect]) -> impl Iterator<Item = &str> {
    effects.iter().filter_map(|effect| match effect {
        Effect::Send { post: Post { message, .. }, .. } => Some(match message {
            Message::CrEvent(event) => &*event.event_type,
            Message::Alive(_) => "alive",
            Message::Close(_) => "close",
        }),
        _ => None,
    })
}

fn effect_name(effect: &Effect) -> String {
    match effect {
        Effect::Open { resume, .. } => format!("open, resume {resume}"),
        Effect::Drop { .. } => "drop".into(),
        Effect::Send { .. } => {
            let name = sent(std::slice::from_ref(effect)).next().unwrap_or_default();
            match name {
                "ping" | "inactive" | "unassign" | "reject" | "alive" | "close" => format!("send: {name}"),
                _ => "send: an ordinary crEvent".into(),
            }
        }
        Effect::RequestClientId => "requestClientId".into(),
        Effect::SetTimer { timer, .. } => format!("setTimer: {}", timer.as_str()),
        Effect::CancelTimer(timer) => format!("cancelTimer: {}", timer.as_str()),
        Effect::Notify(Notice::State { .. }) => "state".into(),
        Effect::Notify(Notice::ClientId(_)) => "clientId".into(),
        Effect::Notify(Notice::Partner(None)) => "partnerClientId: none".into(),
        Effect::Notify(Notice::Partner(Some(_))) => "partnerClientId".into(),
        Effect::Notify(Notice::CrEvent(_)) => "crEvent".into(),
        Effect::Notify(Notice::Fate { fate, .. }) => {
            let (name, why) = json::fate(fate);
            let why = match &why {
                Value::Object(refused) => refused["status"].to_string(),
                Value::String(why) => why.clone(),
                _ => String::new(),
            };
            format!("fate: {name} {why}")
        }
    }
}

pub(super) fn arrow(from: &str, to: &str) -> String {
    format!("section 7: {from} to {to}")
}

pub(super) fn row_name(from: &str, to: &str, effect: &str) -> String {
    format!("{}: {effect}", arrow(from, to))
}
