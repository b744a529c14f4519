//! What happened in a life, to be read: a column for each client, what the server did and troubles across.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::life::Life;
use super::plan::{APPS, Plan, Room};
use super::watch::Violation;
use super::world::{ClientEvent, Event, Lost};
use crate::protocol::action::{Fate, Message, Notice, Outcome, Post};
use crate::protocol::event::CrEvent;
use crate::protocol::ids::InvalidId;
use crate::protocol::sessions::{Note, ServerAction};
use crate::protocol::socket::State;
use crate::protocol::time::{Millis, Timing};
use crate::protocol::wire::Frame;

/// Width of a client's column.
const WIDTH: usize = 34;

/// The life of a plan, line by line, up to the violation if there is one.
///
/// # Errors
/// None in practice: names are made here, and are valid.
pub fn trace(plan: &Plan, timing: &Timing) -> Result<Vec<String>, InvalidId> {
    let mut lines = heading(plan);
    // One that ends in a panic before it begins has no more to tell.
    let Ok(life) = catch_unwind(AssertUnwindSafe(|| Life::new(plan, timing, true))) else { return Ok(lines) };
    let mut life = life?;
    let violation = life.live().err();
    let people = plan.browsers.len();
    let mut numbers = BTreeMap::new();
    for entry in &life.world.log {
        note_numbers(&entry.event, people, &mut numbers);
        lines.extend(line(entry.at, &entry.event, people).map(|line| with_numbers(&line, &numbers)));
    }
    lines.extend(violation.iter().flat_map(describe));
    Ok(lines)
}

/// A violation in words.
pub fn describe(violation: &Violation) -> Vec<String> {
    let client = violation.client.map_or(String::new(), |client| format!(" by client {client}"));
    vec![
        format!("{:?} violated at {}{client}", violation.invariant, time(violation.at)),
        format!("  rule: {}", violation.invariant.sentence()),
        format!("  seen: {}", violation.seen),
    ]
}

/// Who takes part, what the signs mean, and the heads of the columns.
fn heading(plan: &Plan) -> Vec<String> {
    let mut lines = vec![format!(
        "seed {}, {} troubles, ways up to {}, responders {}, {}",
        plan.scenario.seed,
        plan.trouble_count(),
        plan.delay,
        match plan.release_dt {
            Millis::ZERO => "never let go by themselves".to_owned(),
            after => format!("let go after {after}"),
        },
        match plan.room {
            Room::Usual => "room as usual",
            Room::ShortQueues => "short queues, lines and outputs",
            Room::ShortOfAll => "little room in all lines and all outputs together",
        },
    )];
    if plan.unbound {
        lines.push("  anybody may take any clientId over (bind_client_ids = false)".into());
    }
    let mut names = format!("{:>12}  ", "");
    for (client, browser) in plan.browsers.iter().enumerate() {
        let role = if client % 2 == 0 { "controller" } else { "responder" };
        let kind = if *browser { ", an existing client" } else { "" };
        let app = plan.apps.get(client / 2).copied().unwrap_or(0);
        let policy = if plan.same_user.get(app) == Some(&true) { "same-user" } else { "any" };
        lines.push(format!("  client {client}: {role} of app {app} ({policy}){kind}"));
        names += &format!("{:<WIDTH$}", format!("{client}: {role}"));
    }
    let others = if plan.stranger { 2 * APPS } else { 0 };
    if others > 0 {
        let first = plan.browsers.len();
        lines.push(format!("  clients {first} to {}: a stranger, in each app and role", first + others - 1));
    }
    lines.push("  others: second tabs".into());
    lines.push("  behind the slash of a clientId: the client that last opened a stream with it".into());
    lines.push(
        "  =: state; >: leaves; <: comes; x: lost; #: number of a request; !: what the enclosing client is told"
            .into(),
    );
    lines.push((names + "others").trim_end().to_owned());
    lines
}

/// Whose clientIds are known from when they open a stream.
fn note_numbers(event: &Event, people: usize, numbers: &mut BTreeMap<String, usize>) {
    if let Event::Client(client, ClientEvent::Opens(_, credentials)) = event
        && *client < people
    {
        numbers.insert(credentials.client_id.to_string(), *client);
    }
}

/// The line with the number of its client behind each clientId that is known.
fn with_numbers(line: &str, numbers: &BTreeMap<String, usize>) -> String {
    let mut told = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(from) = rest.find(|sign: char| sign.is_ascii_digit()) {
        let (before, digits) = rest.split_at(from);
        let to = digits.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(digits.len());
        let (number, after) = digits.split_at(to);
        told = told + before + number;
        if let Some(client) = numbers.get(number) {
            told += &format!("/{client}");
        }
        rest = after;
    }
    told + rest
}

fn line(at: Millis, event: &Event, people: usize) -> Option<String> {
    let (column, text) = match event {
        Event::Client(client, event) if *client < people => (*client, client_text(event)?),
        Event::Client(client, event) => (people, format!("{client}: {}", client_text(event)?)),
        Event::Server(action) => return Some(format!("{:>12}  ... {}", time(at), server_text(action)?)),
        Event::Told(told) => return Some(format!("{:>12}  --- {told}", time(at))),
    };
    Some(format!("{:>12}  {:indent$}{text}", time(at), "", indent = column * WIDTH))
}

fn client_text(event: &ClientEvent) -> Option<String> {
    Some(match event {
        ClientEvent::Notice(Notice::State { to, .. }) => state_text(to),
        ClientEvent::Notice(Notice::ClientId(id)) => format!("! clientId {id}"),
        ClientEvent::Notice(Notice::Partner(Some(partner))) => format!("! partner {partner}"),
        ClientEvent::Notice(Notice::Partner(None)) => "! no partner".into(),
        ClientEvent::Notice(Notice::CrEvent(event)) => format!("! {}", event_text(event)),
        ClientEvent::Notice(Notice::Fate { ticket, fate }) => match fate {
            Fate::Queued | Fate::Sent | Fate::Understood => return None,
            Fate::Buffered | Fate::Refused(_) | Fate::Dropped(_) | Fate::Lost(_) | Fate::Unconfirmed => {
                format!("! event {}: {fate:?}", ticket.0)
            }
        },
        ClientEvent::Opens(stream, credentials) => {
            format!("> opens {} ({})", stream.0, credentials.client_id)
        }
        ClientEvent::Drops(stream) => format!("> drops {}", stream.0),
        ClientEvent::AsksForId => "> asks for a clientId".into(),
        ClientEvent::Id(Some(id)) => format!("< clientId {id}"),
        ClientEvent::Id(None) => "< no clientId".into(),
        ClientEvent::Sends(number, post) => format!("> #{} {}", number.0, post_text(post)),
        ClientEvent::Answered(_, Outcome::Understood) => return None,
        ClientEvent::Answered(number, outcome) => format!("< #{} {outcome:?}", number.0),
        ClientEvent::Gets(frame) => format!("< {}", frame_text(frame)),
        ClientEvent::Ended(how) => format!("< the stream ends: {how:?}"),
        ClientEvent::RequestLost(lost) => format!("x lost: {}", lost_text(lost)),
        ClientEvent::AnswerLost(lost) => format!("x answer lost: {}", lost_text(lost)),
        ClientEvent::FrameLost(frame) => format!("x frame lost: {}", frame_text(frame)),
    })
}

/// What the server tells nobody; what it writes shows where it comes or is lost.
fn server_text(action: &ServerAction) -> Option<String> {
    let ServerAction::Note(note) = action else { return None };
    Some(match note {
        Note::Dropped { sender, recipient, kind, why } => {
            format!("{kind:?} ({sender}) -> {recipient} goes no further: {why:?}")
        }
        Note::Refused { sender, recipient, why } => format!("refused: ({sender}) -> {recipient}: {why:?}"),
        Note::NotOpened { client_id: Some(id), why } => format!("no stream for {id}: {why:?}"),
        Note::NotOpened { client_id: None, why } => format!("no stream: {why:?}"),
        Note::Contested { client_id, .. } => format!("{client_id} is contested"),
        Note::Defended { client_id, .. } => format!("{client_id} is defended"),
        Note::Ended { client_id, why, lost, .. } => {
            format!("the session of {client_id} ends: {why:?}, {lost} events lost")
        }
        Note::LeftUnread { client_id, lost, .. } => format!("{lost} events were never read by {client_id}"),
        Note::ReplyLost { client_id, why } => format!("an answer to {client_id} is lost: {why:?}"),
        Note::Began { .. } => return None,
    })
}

fn frame_text(frame: &Frame) -> String {
    match frame {
        Frame::CrEvent(text) => {
            let event = CrEvent::from_event_data(text);
            let sender = event.sender.map_or("nobody".to_owned(), |sender| sender.to_string());
            format!("{} from {sender}", event_text(&event))
        }
        Frame::Aborted { reason, .. } => format!("aborted {}", reason.as_str()),
        Frame::Hello { .. } | Frame::Alive { .. } | Frame::Closed { .. } | Frame::Shutdown { .. } => {
            frame.name().to_owned()
        }
    }
}

fn lost_text(lost: &Lost) -> String {
    match lost {
        Lost::Stream => "request for a stream".into(),
        Lost::Id => "request for a clientId".into(),
        Lost::Post(post) => post_text(post),
    }
}

/// An event's type, its subType, and its first param.
fn event_text(event: &CrEvent) -> String {
    let mut text = event.event_type.to_string();
    for more in [Some(&event.sub_type), event.params.first()].into_iter().flatten() {
        if !more.is_empty() {
            text = text + " " + more;
        }
    }
    text
}

fn state_text(state: &State) -> String {
    match state.sub_state() {
        "" => format!("= {}", state.as_str()),
        sub_state => format!("= {} ({sub_state})", state.as_str()),
    }
}

fn post_text(post: &Post) -> String {
    let from = post.credentials.client_id;
    match &post.message {
        Message::Alive(_) => format!("alive ({from})"),
        Message::Close(_) => format!("close ({from})"),
        Message::CrEvent(event) => format!("{} ({from}) -> {}", event_text(event), post.recipient),
    }
}

fn time(at: Millis) -> String {
    format!("{}.{:03} s", at.0 / 1000, at.0 % 1000)
}
