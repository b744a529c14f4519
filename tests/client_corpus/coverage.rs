//! What occurs in the corpus, and what must.

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

/// How often each thing occurs.
#[derive(Clone, Debug, Default)]
pub struct Coverage(BTreeMap<String, usize>);

/// How often everything must occur.
const LEAST: usize = 5;
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
                format!("timer: {}, {when}", json::timer_name(*timer))
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

const ASSIGNED: [&str; 5] = ["nothing", "invalid", "valid", "another one", "the same again"];

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
        Effect::SetTimer { timer, .. } => format!("setTimer: {}", json::timer_name(*timer)),
        Effect::CancelTimer(timer) => format!("cancelTimer: {}", json::timer_name(*timer)),
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

fn arrow(from: &str, to: &str) -> String {
    format!("section 7: {from} to {to}")
}

fn row_name(from: &str, to: &str, effect: &str) -> String {
    format!("{}: {effect}", arrow(from, to))
}

/// Everything that must occur.
fn required() -> Vec<String> {
    [
        arrows(),
        rows(),
        inputs(),
        effects(),
        fates(),
        timers(),
        states(),
        listed("aborted", &[ABORT_REASONS.as_slice(), &["an unknown reason"]].concat()),
        listed("outcome", &["understood", "noConnection", "noAnswer", "400", "403", "404", "429", "503"]),
    ]
    .concat()
}

fn listed(what: &str, names: &[impl AsRef<str>]) -> Vec<String> {
    names.iter().map(|name| format!("{what}: {}", name.as_ref())).collect()
}

const STATES: [&str; 6] =
    ["passive", "readyToConnect", "connecting", "readyToPair", "searching", "interacting"];

/// Section 7, "Arrows".
fn arrows() -> Vec<String> {
    let all = STATES.iter().flat_map(|from| STATES.iter().map(move |to| (*from, *to)));
    let none = |from: &str, to: &str| {
        // What is not connected leads to what is only from connecting.
        let connected = |state| STATES[3..].contains(&state);
        from == to || (!connected(from) && connected(to) && from != "connecting")
    };
    let connected_again = |from: &str, to: &str| from != "connecting" && to == "connecting" && from == to;
    all.filter(|(from, to)| !none(from, to) && !connected_again(from, to))
        .map(|(from, to)| arrow(from, to))
        .collect()
}

/// Section 7, the table of effects, and the `unassign` that is due in every state.
fn rows() -> Vec<String> {
    let mut rows = listed("section 7", &STATES.map(|state| format!("unassign in {state}")));
    for from in ["readyToPair", "connecting"] {
        rows.push(row_name(from, "searching", "ping, schedule starts"));
        rows.push(row_name(from, "interacting", "ping, schedule starts"));
    }
    rows.push(row_name("searching", "interacting", "ping, interacting pace"));
    rows.push(row_name("interacting", "searching", "searching pace"));
    rows.push(row_name("connecting", "passive", "inactive"));
    rows.push(row_name("connecting", "passive", "nothing to say"));
    for from in ["searching", "interacting"] {
        rows.push(row_name(from, "readyToPair", "timers stop"));
        rows.push(row_name(from, "passive", "timers stop, inactive"));
        rows.push(row_name(from, "readyToConnect", "token taken away: inactive"));
        rows.push(row_name(from, "readyToConnect", "token changed: inactive"));
        rows.push(row_name(from, "readyToConnect", "aborted: nothing to say"));
        rows.push(row_name(from, "connecting", "broke: nothing to say"));
        rows.push(row_name(from, "connecting", "recycled: nothing to say"));
    }
    rows
}

fn inputs() -> Vec<String> {
    let mut names = listed("input", &["send", "clientIdAnswer", "clientIdAnswer none", "retry"]);
    names.push("input: an unreadable frame".into());
    for fact in ["visible", "online", "paused", "unloading"] {
        names.extend(listed("input", &[format!("{fact} true"), format!("{fact} false")]));
    }
    for what in ["clientId", "accessToken", "partnerClientId"] {
        names.extend(listed("input", &ASSIGNED.map(|value| format!("{what} {value}"))));
    }
    for name in ["hello", "alive", "crEvent", "closed", "aborted", "shutdown"] {
        names.extend(listed("frame", &[name.to_owned(), format!("{name}, old stream")]));
    }
    let ends = ["NoConnection", "Broken", "NotEventStream", "a status", "a status that will pass"];
    names.extend(listed("ended", &ends));
    names
}

fn effects() -> Vec<String> {
    let plain = ["open, resume false", "open, resume true", "drop", "requestClientId", "state", "clientId"];
    let more = ["partnerClientId", "partnerClientId: none", "crEvent"];
    let mut names: Vec<String> = plain.iter().chain(&more).map(|name| (*name).to_owned()).collect();
    let messages = ["ping", "inactive", "unassign", "reject", "alive", "close", "an ordinary crEvent"];
    names.extend(listed("send", &messages));
    names
}

fn fates() -> Vec<String> {
    let plain = ["queued", "buffered", "sent", "understood", "unconfirmed"].map(|name| format!("{name} "));
    let dropped = ["offline", "bufferFull", "unassigned"].map(|why| format!("dropped {why}"));
    let lost = ["noConnection", "400", "403", "404", "429", "503"].map(|why| format!("lost {why}"));
    let own = ["eventType", "eventSubType", "eventParams", "reserved", "tooLong", "queueFull"];
    let refused = [&NOT_READY[..], &REJECTIONS, &UNKNOWN, &own].concat();
    let refused: Vec<String> = refused.iter().map(|why| format!("refused {why}")).collect();
    [listed("fate", &plain), listed("fate", &dropped), listed("fate", &lost), listed("fate", &refused)]
        .concat()
}

fn timers() -> Vec<String> {
    let mut names = Vec::new();
    for timer in TimerKind::ALL {
        let name = json::timer_name(timer);
        names.push(format!("setTimer: {name}"));
        // The spacing of events is waited for to its end.
        if timer != TimerKind::Pace {
            names.push(format!("cancelTimer: {name}"));
        }
        let whens = ["not armed", "early", "on time", "late", "after a sleep"];
        names.extend(listed("timer", &whens.map(|when| format!("{name}, {when}"))));
    }
    names
}

const NOT_READY: [&str; 5] =
    ["noClientId", "noAccessToken", "invalidAccessToken", "noPartnerClientId", "invalidPartnerClientId"];
const CLOSED: [&str; 4] = ["clientNotActive", "noClientId", "noAccessToken", "invalidAccessToken"];
const PASSIVE: [&str; 6] =
    ["noClientId", "invalidClientId", "notVisible", "notOnline", "paused", "unloading"];
const REJECTIONS: [&str; 6] =
    ["assignedToOther", "notPaired", "appIdMismatch", "invalidPartnerRole", "accessTokenMismatch", "blocked"];
const ABORT_REASONS: [&str; 7] = [
    "invalidRole",
    "invalidClientId",
    "invalidAccessToken",
    "notAuthorized",
    "releasedByOther",
    "clientNotAlive",
    "clientIdInUse",
];
/// Of rejections and reasons for an abort.
const UNKNOWN: [&str; 2] = ["tooManyMoons", "constructor"];

/// Every state and subState of the three machines.
fn states() -> Vec<String> {
    let mut names = Vec::new();
    let mut add = |machine: &str, state: &str, sub_states: &[&str]| {
        names.extend(sub_states.iter().map(|sub_state| format!("{machine}: {state} {sub_state}")));
    };
    let aborted = [&ABORT_REASONS[..], &["error"], &UNKNOWN].concat();
    let rejected = [&REJECTIONS[..], &UNKNOWN].concat();
    add("crSocket", "passive", &PASSIVE);
    add("crSocket", "readyToConnect", &CLOSED);
    add("crSocket", "readyToConnect", &aborted);
    add("crSocket", "connecting", &[""]);
    // With an open stream, clientId and accessToken count.
    add("crSocket", "readyToPair", &["noPartnerClientId", "invalidPartnerClientId"]);
    add("crSocket", "readyToPair", &rejected);
    add("crSocket", "searching", &["partnerInactive"]);
    add("crSocket", "interacting", &[""]);
    add("receiver", "closed", &CLOSED);
    add("receiver", "closing", &CLOSED);
    add("receiver", "opening", &[""]);
    add("receiver", "open", &[""]);
    add("receiver", "aborted", &aborted);
    add("sender", "notReady", &NOT_READY);
    add("sender", "partnerRejected", &rejected);
    add("sender", "ready", &["", "clientNotActive"]);
    names
}
