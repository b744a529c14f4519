//! The life of one pair, told message by message: what a newcomer can learn the protocol from.

use super::network::Network;
use super::world::{ClientEvent, Entry, Event, Lost, World};
use crate::protocol::action::{Message, Notice, Post, Ticket};
use crate::protocol::event::CrEvent;
use crate::protocol::ids::{AccessToken, AppId, Assigned, InvalidId, Role};
use crate::protocol::limits::Limits;
use crate::protocol::policy::{App, Apps};
use crate::protocol::receiver::StreamEnd;
use crate::protocol::sessions::{Note, ServerAction};
use crate::protocol::socket::{Input, State};
use crate::protocol::time::{Millis, Timing};
use crate::protocol::wire::Frame;

/// Width of the column of the controller's states.
const STATE_WIDTH: usize = 34;
/// Width of the columns between a client and the server.
const SAID_WIDTH: usize = 24;

/// The life of a pair at the default timings, as lines of text: they find each other, work, one goes away and comes
/// back, they part.
///
/// # Errors
/// None in practice: the names it is told with are valid.
pub fn pair_life(seed: u64) -> Result<Vec<String>, InvalidId> {
    pair_life_with(seed, &Timing::default())
}

/// The same at other timings.
///
/// # Errors
/// None in practice: the names it is told with are valid.
pub fn pair_life_with(seed: u64, timing: &Timing) -> Result<Vec<String>, InvalidId> {
    let app = AppId::parse("demo")?;
    let token = AccessToken::parse("guest")?;
    let apps = Apps::new().with(app.clone(), App::default());
    let mut world = World::new(timing.clone(), Limits::default(), apps, seed);
    world.recording = true;
    let controller = world.add_client(&app, Role::Controller, &token, None);
    let responder = world.add_client(&app, Role::Responder, &token, None);
    let mut lines = introduction();
    let mut told = 0;
    let mut act = |world: &mut World, length: Millis, title: &str| {
        world.run_for(length);
        lines.extend(world.log.iter().skip(told).filter_map(line));
        told = world.log.len();
        if !title.is_empty() {
            lines.push(String::new());
            lines.push(title.to_owned());
        }
    };
    let seconds = Millis::from_secs;
    // Long enough for what each part is about, whatever the timings are.
    let ping = timing.interacting_max_event_out_dt;
    let inactive = timing.partner_active_max_event_in_dt;
    let alive = timing.event_source_send_alive_dt;

    act(&mut world, alive + seconds(2), "The tester enters the responder's clientId.");
    let partner = world.client_id(responder);
    world.tell(controller, Input::Partner(partner.into()));
    act(&mut world, ping + seconds(4), "The tester starts a trial; the responder answers.");
    say(&mut world, controller, "start");
    act(&mut world, timing.min_cr_event_dt, "");
    say(&mut world, responder, "touched");
    act(&mut world, timing.min_cr_event_dt + seconds(1), "The responder's page is hidden.");
    world.tell(responder, Input::Visible(false));
    act(&mut world, alive, "It is visible again.");
    world.tell(responder, Input::Visible(true));
    act(&mut world, seconds(3), "The responder's device loses its network without a word.");
    *world.network(responder) = Network { connects: false, frames_arrive: false, ..Default::default() };
    act(&mut world, inactive.max(alive.times(2)) + seconds(15), "The network is back.");
    *world.network(responder) = Network::default();
    act(&mut world, seconds(30), "The tester clears the partner's clientId.");
    world.tell(controller, Input::Partner(Assigned::Nothing));
    act(&mut world, seconds(2), "The tester closes his page.");
    world.tell(controller, Input::Unloading(true));
    act(&mut world, seconds(2), "");
    Ok(lines)
}

fn say(world: &mut World, client: usize, event_type: &str) {
    if let Ok(event) = CrEvent::new(event_type, "") {
        world.tell(client, Input::Send { ticket: Ticket(0), event });
    }
}

fn introduction() -> Vec<String> {
    [
        "Left and right: the states of the two pages' crSockets, and with a star the partner, when it changes. Between",
        "them, with the server in the middle, what they say: requests when they leave (`clientid`, `eventsource` and",
        "`sendevent`, of which the event is shown), and what comes on their event streams when it comes. An x is what was",
        "lost on the way.",
        "",
        "Both pages open; each is given a clientId and opens its event stream.",
        &columns("", "controller", "ser", "ver", "responder").replace("ser | ver", "  server"),
    ]
    .map(str::to_owned)
    .to_vec()
}

fn columns(time: &str, left: &str, left_said: &str, right_said: &str, right: &str) -> String {
    format!("{time:>9}  {left:<STATE_WIDTH$}{left_said:>SAID_WIDTH$} | {right_said:<SAID_WIDTH$}{right}")
        .trim_end()
        .to_owned()
}

fn line(entry: &Entry) -> Option<String> {
    let (client, event) = match &entry.event {
        Event::Client(client, event) => (client, event),
        Event::Server(ServerAction::Note(Note::Dropped { kind, .. })) => {
            let dropped = format!("x {} dropped", format!("{kind:?}").to_lowercase());
            return Some(columns(&time(entry.at), "", "", &dropped, ""));
        }
        Event::Server(_) | Event::Told(_) => return None,
    };
    let time = time(entry.at);
    if let ClientEvent::Notice(Notice::State { to, .. }) = event {
        let state = state_text(to);
        let (left, right) = if *client == 0 { (state.as_str(), "") } else { ("", state.as_str()) };
        return Some(columns(&time, left, "", "", right));
    }
    if let ClientEvent::Notice(Notice::Partner(partner)) = event {
        let partner = partner.map_or("* no partner".to_owned(), |partner| format!("* partner {partner}"));
        let (left, right) = if *client == 0 { (partner.as_str(), "") } else { ("", partner.as_str()) };
        return Some(columns(&time, left, "", "", right));
    }
    // The server is to the right of the controller, and to the left of the responder.
    let said = if *client == 0 { said(event, "-->", "<--")? } else { said(event, "<--", "-->")? };
    let (left, right) = if *client == 0 { (said.as_str(), "") } else { ("", said.as_str()) };
    Some(columns(&time, "", left, right, ""))
}

fn time(at: Millis) -> String {
    format!("{}.{:03} s", at.0 / 1000, at.0 % 1000)
}

/// What is said, with an arrow to the server or from it.
fn said(event: &ClientEvent, to: &str, from: &str) -> Option<String> {
    let (text, arrow) = match event {
        ClientEvent::AsksForId => ("clientid".to_owned(), to.to_owned()),
        ClientEvent::Opens(..) => ("eventsource".to_owned(), to.to_owned()),
        ClientEvent::Sends(_, post) => (post_text(post), to.to_owned()),
        ClientEvent::Id(id) => (id.map_or("nothing".to_owned(), |id| id.to_string()), from.to_owned()),
        ClientEvent::Gets(frame) => (frame_text(frame), from.to_owned()),
        ClientEvent::Ended(StreamEnd::NoConnection) => ("no connection".to_owned(), from.to_owned()),
        ClientEvent::Ended(_) => ("the stream ends".to_owned(), from.to_owned()),
        ClientEvent::RequestLost(lost) => (lost_text(lost), to.replace("--", "-x")),
        ClientEvent::AnswerLost(lost) => (lost_text(lost), from.replace("--", "x-")),
        ClientEvent::FrameLost(frame) => (frame_text(frame), from.replace("--", "x-")),
        ClientEvent::Notice(_) | ClientEvent::Drops(_) | ClientEvent::Answered(..) => return None,
    };
    // The arrow stands on the side to which it points.
    Some(if arrow.ends_with('>') { format!("{text} {arrow}") } else { format!("{arrow} {text}") })
}

fn frame_text(frame: &Frame) -> String {
    match frame {
        Frame::CrEvent(text) => event_text(&CrEvent::from_event_data(text)),
        Frame::Hello { .. }
        | Frame::Alive { .. }
        | Frame::Closed { .. }
        | Frame::Aborted { .. }
        | Frame::Shutdown { .. } => frame.name().to_owned(),
    }
}

fn post_text(post: &Post) -> String {
    match &post.message {
        Message::CrEvent(event) => event_text(event),
        Message::Alive(_) => "alive".into(),
        Message::Close(_) => "close".into(),
    }
}

fn lost_text(lost: &Lost) -> String {
    match lost {
        Lost::Stream => "eventsource".into(),
        Lost::Id => "clientid".into(),
        Lost::Post(post) => post_text(post),
    }
}

fn event_text(event: &CrEvent) -> String {
    let sub_type = if event.sub_type.is_empty() { "" } else { " " };
    format!("{}{sub_type}{}", event.event_type, event.sub_type)
}

fn state_text(state: &State) -> String {
    match state.sub_state() {
        "" => state.as_str().to_owned(),
        sub_state => format!("{} ({sub_state})", state.as_str()),
    }
}
