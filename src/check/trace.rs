//! What happened in a life, to be read: a column for each client, troubles across.

use super::client::Client;
use super::life::Life;
use super::plan::Plan;
use super::watch::Violation;
use crate::protocol::action::{Message, Notice, Post};
use crate::protocol::ids::InvalidId;
use crate::protocol::socket::State;
use crate::protocol::time::{Millis, Timing};

/// Width of a client's column.
const WIDTH: usize = 34;

enum Cell {
    Of(usize, String),
    Across(String),
}

/// The life of a plan, line by line, up to the violation if there is one.
///
/// # Errors
/// None in practice: names are made here, and are valid.
pub fn trace(plan: &Plan, timing: &Timing) -> Result<Vec<String>, InvalidId> {
    let mut life = Life::new(plan, timing, true)?;
    let violation = life.live().err();
    let mut cells: Vec<(Millis, Cell)> =
        life.told.iter().map(|(at, told)| (*at, Cell::Across(told.clone()))).collect();
    let clients = life.world.client_count();
    for client in 0..clients {
        cells.extend(cells_of(client, life.world.client(client)));
    }
    cells.sort_by_key(|(at, _)| *at);
    let mut lines = heading(plan, clients);
    lines.extend(cells.iter().map(|(at, cell)| line(*at, cell)));
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

fn heading(plan: &Plan, clients: usize) -> Vec<String> {
    let mut names = format!("{:>12}  ", "");
    for client in 0..clients {
        let kind = match plan.browsers.get(client) {
            Some(true) => ", an existing client",
            Some(false) => "",
            None => ", a stranger or a second tab",
        };
        let role = if client % 2 == 0 { "controller" } else { "responder" };
        let role = if client < plan.browsers.len() { role } else { "client" };
        names += &format!("{:<WIDTH$}", format!("{client}: {role}{kind}"));
    }
    vec![
        format!(
            "seed {}, {} pairs, {} troubles, way {}, stranger {}",
            plan.scenario.seed,
            plan.scenario.pairs,
            plan.trouble_count(),
            plan.delay,
            plan.stranger
        ),
        names.trim_end().to_owned(),
    ]
}

fn cells_of(client: usize, page: &Client) -> impl Iterator<Item = (Millis, Cell)> + '_ {
    let told = page.notices.iter().filter_map(move |(at, notice)| match notice {
        Notice::State { to, .. } => Some((*at, Cell::Of(client, state_text(to)))),
        Notice::ClientId(id) => Some((*at, Cell::Of(client, format!("is given clientId {id}")))),
        Notice::Partner(Some(partner)) => Some((*at, Cell::Of(client, format!("partner {partner}")))),
        Notice::Partner(None) => Some((*at, Cell::Of(client, "no partner".into()))),
        Notice::CrEvent(_) | Notice::Fate { .. } => None,
    });
    let sent = page.sent.iter().map(move |(at, post)| (*at, Cell::Of(client, post_text(post))));
    told.chain(sent)
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
        Message::CrEvent(event) => {
            let sub_type = if event.sub_type.is_empty() { "" } else { " " };
            format!("{}{sub_type}{} ({from}) -> {}", event.event_type, event.sub_type, post.recipient)
        }
    }
}

fn line(at: Millis, cell: &Cell) -> String {
    match cell {
        Cell::Of(client, text) => {
            format!("{:>12}  {:indent$}{text}", time(at), "", indent = client * WIDTH)
        }
        Cell::Across(text) => format!("{:>12}  --- {text}", time(at)),
    }
}

fn time(at: Millis) -> String {
    format!("{}.{:03} s", at.0 / 1000, at.0 % 1000)
}
