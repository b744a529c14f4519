//! The life of one pair, told message by message: what a newcomer can learn the protocol from.

use super::client::Client;
use super::network::Network;
use super::world::World;
use crate::protocol::action::{Message, Notice, Ticket};
use crate::protocol::event::CrEvent;
use crate::protocol::ids::{AccessToken, AppId, Assigned, InvalidId, Role};
use crate::protocol::limits::Limits;
use crate::protocol::policy::{App, Apps};
use crate::protocol::socket::{Input, State};
use crate::protocol::time::{Millis, Timing};

/// Width of the columns of the two clients' states.
const STATE_WIDTH: usize = 28;
/// Width of the column of what is said between them.
const SAID_WIDTH: usize = 25;

/// One thing that happened.
struct Row {
    at: Millis,
    role: Role,
    what: What,
}

enum What {
    State(State),
    Said(String),
}

/// The life of a pair, as lines of text: they find each other, work, one goes away and comes back, they part.
///
/// # Errors
/// None in practice: the names it is told with are valid.
pub fn pair_life(seed: u64) -> Result<Vec<String>, InvalidId> {
    let app = AppId::parse("demo")?;
    let token = AccessToken::parse("guest")?;
    let apps = Apps::new().with(app.clone(), App::default());
    let mut world = World::new(Timing::default(), Limits::default(), apps, seed);
    let controller = world.add_client(&app, Role::Controller, &token, None);
    let responder = world.add_client(&app, Role::Responder, &token, None);
    let mut lines = vec!["Both pages open; each is given a clientId and opens its event stream.".to_owned()];
    lines.push(header());
    let mut told = 0;
    let mut act = |world: &mut World, seconds: i64, title: &str| {
        world.run_for(Millis::from_secs(seconds));
        let rows = rows(world, controller, responder);
        lines.extend(rows.iter().skip(told).map(line));
        told = rows.len();
        lines.push(String::new());
        lines.push(title.to_owned());
    };

    act(&mut world, 2, "The tester enters the responder's clientId.");
    let partner = world.client_id(responder);
    world.tell(controller, Input::Partner(partner.into()));
    act(&mut world, 14, "The tester starts a trial; the responder answers.");
    say(&mut world, controller, "start");
    act(&mut world, 1, "");
    say(&mut world, responder, "touched");
    act(&mut world, 2, "The responder's page is hidden.");
    world.tell(responder, Input::Visible(false));
    act(&mut world, 12, "It is visible again.");
    world.tell(responder, Input::Visible(true));
    act(&mut world, 3, "The responder's device loses its network without a word.");
    *world.network(responder) = Network { connects: false, frames_arrive: false, ..Default::default() };
    act(&mut world, 50, "The network is back.");
    *world.network(responder) = Network::default();
    act(&mut world, 30, "The tester clears the partner's clientId.");
    world.tell(controller, Input::Partner(Assigned::Nothing));
    act(&mut world, 2, "");
    Ok(lines)
}

fn say(world: &mut World, client: usize, event_type: &str) {
    if let Ok(event) = CrEvent::new(event_type, "") {
        world.tell(client, Input::Send { ticket: Ticket(0), event });
    }
}

/// All that happened so far, in order.
fn rows(world: &World, controller: usize, responder: usize) -> Vec<Row> {
    let mut rows = rows_of(world.client(controller), Role::Controller);
    rows.extend(rows_of(world.client(responder), Role::Responder));
    rows.sort_by_key(|row| row.at);
    rows
}

fn rows_of(client: &Client, role: Role) -> Vec<Row> {
    let states = client.notices.iter().filter_map(|(at, notice)| match notice {
        Notice::State { to, .. } => Some(Row { at: *at, role, what: What::State(to.clone()) }),
        Notice::ClientId(_) | Notice::Partner(_) | Notice::CrEvent(_) | Notice::Fate { .. } => None,
    });
    let said = client.sent.iter().filter_map(|(at, post)| match &post.message {
        Message::CrEvent(event) => {
            let sub_type = if event.sub_type.is_empty() { "" } else { " " };
            let said = format!("{}{sub_type}{}", event.event_type, event.sub_type);
            Some(Row { at: *at, role, what: What::Said(said) })
        }
        Message::Alive(_) | Message::Close(_) => None,
    });
    let mut rows: Vec<Row> = states.chain(said).collect();
    rows.sort_by_key(|row| row.at);
    rows
}

fn header() -> String {
    format!("{:>9}  {:<STATE_WIDTH$}{:<SAID_WIDTH$}{}", "", "controller", "", "responder")
}

fn line(row: &Row) -> String {
    let (mut left, mut middle, mut right) = (String::new(), String::new(), String::new());
    match (&row.what, row.role) {
        (What::State(state), Role::Controller) => left = state_text(state),
        (What::State(state), Role::Responder) => right = state_text(state),
        (What::Said(said), Role::Controller) => middle = format!("{said} -->"),
        (What::Said(said), Role::Responder) => middle = format!("<-- {said}"),
    }
    let time = format!("{}.{:03} s", row.at.0 / 1000, row.at.0 % 1000);
    format!("{time:>9}  {left:<STATE_WIDTH$}{middle:<SAID_WIDTH$}{right}").trim_end().to_owned()
}

fn state_text(state: &State) -> String {
    match state.sub_state() {
        "" => state.as_str().to_owned(),
        sub_state => format!("{} ({sub_state})", state.as_str()),
    }
}
