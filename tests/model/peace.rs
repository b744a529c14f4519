//! Section 10: left to themselves, willing pairs interact again, and go on doing so.

use std::collections::HashMap;

use crsocket::protocol::ids::{ClientId, Role};
use crsocket::protocol::policy::Pairing;
use crsocket::protocol::receiver;
use crsocket::protocol::socket::State;
use crsocket::protocol::time::{Millis, TimerKind};

use crate::lab::{Happening, Lab};
use crate::setup::{Client, Deed};
use crate::shared::hash_of;
use crate::situation::{Budget, Page, Situation};

/// How long it takes from a situation to lasting peace, if nobody does anything and nothing goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// It is there, and stays.
    Now,
    /// It comes after this time.
    In(i32),
    /// It never comes.
    Never,
}

/// What is known of the situations that were looked at.
#[derive(Debug, Default)]
pub struct Peace {
    known: HashMap<u64, Until>,
    /// The longest time that was seen.
    pub longest: i32,
}

/// A situation in a run.
struct Visited {
    key: u64,
    is_peace: bool,
    /// How long until the next one.
    wait: i32,
}

impl Lab {
    /// Follows the one run in which nobody does anything and nothing goes wrong: what is under way arrives before time
    /// passes. It ends in a circle; the peace must last there.
    pub fn until_peace(&self, situation: &Situation) -> Until {
        let mut run: Vec<Visited> = Vec::new();
        let mut places = HashMap::new();
        let mut now = situation.clone();
        let end = loop {
            let key = key_of(self, &now);
            if let Some(known) = self.peace.lock().unwrap().known.get(&key) {
                break *known;
            }
            if let Some(place) = places.insert(key, run.len()) {
                let circle: &[Visited] = &run[place..];
                break if circle.iter().all(|visited| visited.is_peace) { Until::Now } else { Until::Never };
            }
            let mut happenings = Vec::new();
            self.by_itself(&now, &mut happenings);
            let Some(first) = happenings.first() else {
                let end = if self.is_peace(&now) { Until::Now } else { Until::Never };
                run.push(Visited { key, is_peace: end == Until::Now, wait: 0 });
                break end;
            };
            let next = self.after(&now, first);
            let wait = match first {
                Happening::Pass(time) => i32::try_from(time.0).unwrap(),
                _ => 0,
            };
            run.push(Visited { key, is_peace: self.is_peace(&now), wait });
            now = next;
        };
        self.remember(run, end)
    }

    fn remember(&self, run: Vec<Visited>, end: Until) -> Until {
        let mut peace = self.peace.lock().unwrap();
        let mut until = end;
        for visited in run.into_iter().rev() {
            until = match until {
                Until::Now if visited.is_peace => Until::Now,
                Until::Now => Until::In(visited.wait),
                Until::In(time) => Until::In(time + visited.wait),
                Until::Never => Until::Never,
            };
            if let Until::In(time) = until {
                peace.longest = peace.longest.max(time);
            }
            peace.known.insert(visited.key, until);
        }
        until
    }

    /// Every willing pair interacts, nobody interacts alone, and no responder is kept by who let it go. Among harmonious
    /// clients each responder that is wanted has somebody.
    fn is_peace(&self, now: &Situation) -> bool {
        let faultless = is_faultless(self, now);
        let responders = now.pages.iter().enumerate().filter(|(_, page)| role_of(page) == Role::Responder);
        responders.into_iter().all(|(place, responder)| {
            let controllers = || self.controllers_for(now, place);
            let together = |controller: &Page| interact(controller, responder);
            let willing = controllers().all(|one| !is_willing(one, responder) || together(one));
            let has_somebody = !self.setup.harmonious
                || !controllers().any(|one| wants(one, responder))
                || controllers().any(together);
            willing && has_somebody && !(faultless && is_kept(now, responder))
        }) && now.pages.iter().all(|page| !interacts(page) || (is_answered(now, page) && holds_nothing(page)))
    }

    /// The controllers that this client may pair with, and that bear clientIds of their own.
    fn controllers_for<'a>(&'a self, now: &'a Situation, client: usize) -> impl Iterator<Item = &'a Page> {
        let responder = &self.setup.clients[client];
        let clients = self.setup.clients.iter().zip(&now.pages);
        let any_user = self.setup.pairing == Pairing::Any;
        clients
            .filter(move |(client, _)| client.role == Role::Controller && client.app == responder.app)
            .filter(move |(client, _)| !client.is_thief && (any_user || client.token == responder.token))
            .map(|(_, page)| &**page)
    }
}

/// What a run depends on: not on what might have happened.
fn key_of(lab: &Lab, now: &Situation) -> u64 {
    let faultless = is_faultless(lab, now);
    hash_of(&(&now.pages, &now.server, &now.streams, &now.under_way, faultless))
}

/// Nothing went wrong so far. Who lets go while offline, and does not come back, cannot say so.
fn is_faultless(lab: &Lab, now: &Situation) -> bool {
    let goes_offline = |client: &Client| client.deeds.contains(&Deed::Online(false));
    let Budget { deeds: _, lost, cut, late, events: _ } = lab.setup.budget;
    (now.budget.lost, now.budget.cut, now.budget.late) == (lost, cut, late)
        && !lab.setup.clients.iter().any(goes_offline)
}

fn role_of(page: &Page) -> Role {
    page.machines.socket.role()
}

fn id_of(page: &Page) -> Option<ClientId> {
    page.machines.socket.client().client_id.valid().copied()
}

fn interacts(page: &Page) -> bool {
    *page.machines.socket.state() == State::Interacting
}

fn interact(controller: &Page, responder: &Page) -> bool {
    interacts(controller) && interacts(responder) && responder.machines.socket.partner() == id_of(controller)
}

/// Who says that it interacts has a partner that says so, too.
fn is_answered(now: &Situation, page: &Page) -> bool {
    let partner = page.machines.socket.partner();
    now.pages.iter().any(|other| id_of(other) == partner && interacts(other))
}

/// The crEvents of who interacts leave.
fn holds_nothing(page: &Page) -> bool {
    page.machines.sender.queued() == (0, 0)
}

/// Section 10: both active, neither aborted for a reason that waits for the user; the controller assigned to the
/// responder and not rejected by it; the responder's partner that controller or none.
fn is_willing(controller: &Page, responder: &Page) -> bool {
    let partner = responder.machines.socket.partner();
    wants(controller, responder)
        && controller.machines.sender.facts().rejection.is_none()
        && (partner.is_none() || partner == id_of(controller))
}

/// Both are there, and the controller is assigned to the responder.
fn wants(controller: &Page, responder: &Page) -> bool {
    let assigned = controller.machines.socket.partner() == id_of(responder);
    assigned && is_there(controller) && is_there(responder)
}

fn is_there(page: &Page) -> bool {
    let client = page.machines.socket.client();
    let is_aborted = matches!(page.machines.receiver.state(), receiver::State::Aborted(_));
    let heals = page.timer(TimerKind::Reopen).is_some();
    client.is_client_active() && client.client_id.valid().is_some() && (heals || !is_aborted)
}

/// A responder has a partner that is not assigned to it, and does not know it.
fn is_kept(now: &Situation, responder: &Page) -> bool {
    let facts = responder.machines.sender.facts();
    let (Some(partner), None) = (facts.partner.valid(), &facts.rejection) else { return false };
    is_there(responder)
        && !now
            .pages
            .iter()
            .any(|page| id_of(page) == Some(*partner) && page.machines.socket.partner() == id_of(responder))
}

/// The bound of section 10 without delays, for a clientId that was contested or reserved for another user meanwhile.
pub fn longest_allowed(lab: &Lab) -> Millis {
    let timing = &lab.setup.timing;
    let silence = timing.event_source_send_alive_dt.times(2) + Millis(500);
    let opening = timing.hello_max_dt + Millis(15_000);
    let settled = timing.hello_settle_dt + timing.interacting_max_event_out_dt + timing.min_cr_event_dt;
    let is_contested = lab.setup.clients.iter().any(|client| client.deeds.iter().any(Deed::changes_user));
    let contested =
        if is_contested { timing.max_prev_alive_dt.times(2) + Millis(15_000) } else { Millis::ZERO };
    silence.max(opening) + settled + contested
}
