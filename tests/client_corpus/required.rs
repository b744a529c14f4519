//! What must occur in the corpus: all of section 7, and every word of the machines.

use crsocket::protocol::time::TimerKind;

use super::coverage::{ASSIGNED, arrow, row_name};

/// Everything that must occur.
pub(super) fn required() -> Vec<String> {
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

/// Section 7, "Arrows": from each state to each other one, but to the connected ones only from these and connecting.
fn arrows() -> Vec<String> {
    let leads =
        |from: &str, to: &str| from != to && !(STATES[..2].contains(&from) && STATES[3..].contains(&to));
    let all = STATES.iter().flat_map(|from| STATES.iter().map(move |to| (*from, *to)));
    all.filter(|(from, to)| leads(from, to)).map(|(from, to)| arrow(from, to)).collect()
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
        let name = timer.as_str();
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
