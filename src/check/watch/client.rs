//! What one client does, step by step: what it sends, what it hears, what it says of itself.

use std::collections::{BTreeSet, VecDeque};

use super::facts::{check_bounds, check_children, check_state};
use super::invariant::{Broken, Invariant};
use crate::check::client::Client;
use crate::protocol::action::{Fate, Message, Notice, Post};
use crate::protocol::event::{CrEvent, EventKind};
use crate::protocol::ids::{ClientId, Credentials, Role};
use crate::protocol::receiver;
use crate::protocol::sender;
use crate::protocol::socket::State;
use crate::protocol::time::{Millis, Step};
use crate::protocol::wired::{Effect, Input, WiredSocket};

/// How many pairs of credentials and partner, and how many credentials, are remembered.
const REMEMBERED: usize = 64;

/// What is remembered of one client.
#[derive(Debug, Default)]
pub(super) struct Watched {
    partner_before: Option<ClientId>,
    /// The sender's facts when the step began; of this project's clients only.
    facts_before: Option<sender::Facts>,
    was_paired: bool,
    /// The stream of the frame that is handed over in this step was given up.
    is_stray: bool,
    /// Credentials and partners that held together, newest last.
    held: VecDeque<(Credentials, ClientId)>,
    /// Credentials under which a stream was opened, newest last.
    opened: VecDeque<Credentials>,
    /// The enclosing client's events that were accepted, and what they were made with.
    made: VecDeque<Made>,
    /// The last ordinary event that left for each recipient.
    left: Vec<(ClientId, u64)>,
    /// Events that are kept, or were put back after they had left: these may leave once more.
    put_back: BTreeSet<u64>,
    heard: Option<(ClientId, Millis, bool)>,
    /// The partner for whom a ping left since its rejection was last cleared.
    pinged: Option<ClientId>,
    /// Its device slept or read slowly: what it hears until then may be old.
    pub(super) disturbed_until: Option<Millis>,
    /// It is interacting, and nothing happens that could part it.
    pub(super) must_stay: bool,
}

#[derive(Debug)]
struct Made {
    ticket: u64,
    credentials: Credentials,
    recipient: ClientId,
    /// It has not left, and nothing was said of it since it was accepted.
    waits: bool,
}

impl Watched {
    /// The page is loaded anew. Tags go on growing over reloads.
    pub(super) fn reloaded(&mut self) {
        let left = std::mem::take(&mut self.left);
        *self = Watched { left, disturbed_until: self.disturbed_until, ..Watched::default() };
    }

    pub(super) fn before(&mut self, page: &Client, input: &Input) {
        self.partner_before = page.machines.partner();
        self.was_paired = page.machines.state().is_paired();
        self.facts_before = page.machines.as_ours().map(|ours| ours.sender.facts().clone());
        self.is_stray = match input {
            Input::Receiver(receiver::Input::Frame { stream, .. }) => !page.has_connection(*stream),
            Input::Socket(_) | Input::Receiver(_) | Input::SendLine(_) | Input::Timer(_) => false,
        };
    }

    /// It has taken an input, and asks for these effects.
    pub(super) fn after(
        &mut self,
        ours: &WiredSocket,
        page: &Client,
        effects: &[Effect],
        step: &Step<'_>,
    ) -> Result<(), Broken> {
        self.remember_held(ours.sender.facts());
        self.clear_pinged(ours.sender.facts());
        for effect in effects {
            self.check_effect(ours, page, effect, step)?;
        }
        self.check_goodbye(ours)?;
        self.check_rejection(ours)?;
        check_state(ours, self.heard, self.disturbed_until, step)?;
        check_children(ours)?;
        check_bounds(ours)
    }

    fn remember_held(&mut self, facts: &sender::Facts) {
        let (Some(id), Some(token), Some(partner)) =
            (facts.client_id, facts.access_token.valid(), facts.partner.valid())
        else {
            return;
        };
        let is_newest = self.held.back().is_some_and(|(credentials, recipient)| {
            recipient == partner && credentials.client_id == id && credentials.access_token == *token
        });
        if !is_newest {
            let credentials = Credentials { client_id: id, access_token: token.clone() };
            remember(&mut self.held, (credentials, *partner));
        }
    }

    /// What clears the flag of a rejected partner forgets its pings (section 6).
    fn clear_pinged(&mut self, facts: &sender::Facts) {
        let Some(before) = &self.facts_before else { return };
        let changed = before.client_active != facts.client_active
            || before.client_id != facts.client_id
            || before.access_token != facts.access_token
            || before.partner != facts.partner
            || (before.rejection.is_some() && facts.rejection.is_none());
        if changed {
            self.pinged = None;
        }
    }

    fn check_rejection(&self, ours: &WiredSocket) -> Result<(), Broken> {
        let facts = ours.sender.facts();
        if facts.rejection.is_some() && self.pinged != ours.socket.partner() {
            let seen = format!("{facts:?}, where a ping left for {:?} alone", self.pinged);
            return Err((Invariant::RejectNeedsPing, seen));
        }
        Ok(())
    }

    fn check_effect(
        &mut self,
        ours: &WiredSocket,
        page: &Client,
        effect: &Effect,
        step: &Step<'_>,
    ) -> Result<(), Broken> {
        match effect {
            Effect::Open { credentials, .. } => remember(&mut self.opened, credentials.clone()),
            Effect::Send { post, .. } => self.check_post(post)?,
            Effect::Notify(notice) if self.is_stray => {
                return Err((Invariant::OneStream, format!("a frame of a stream given up: {notice:?}")));
            }
            Effect::Notify(Notice::CrEvent(event)) => self.check_heard(ours, page, event, step)?,
            Effect::Notify(Notice::Fate { ticket, fate }) => self.note_fate(ticket.0, fate),
            Effect::Notify(Notice::State { .. } | Notice::ClientId(_) | Notice::Partner(_))
            | Effect::Drop { .. }
            | Effect::RequestClientId
            | Effect::SetTimer { .. }
            | Effect::CancelTimer(_) => {}
        }
        Ok(())
    }

    fn note_fate(&mut self, ticket: u64, fate: &Fate) {
        let waits = match fate {
            Fate::Queued => {
                let facts = self.facts_before.as_ref();
                let with = facts.and_then(|facts| facts.credentials().zip(facts.partner.valid().copied()));
                if let Some((credentials, recipient)) = with {
                    self.made.push_back(Made { ticket, credentials, recipient, waits: true });
                }
                return;
            }
            Fate::Buffered => {
                self.put_back.insert(ticket);
                true
            }
            Fate::Sent => true,
            Fate::Understood | Fate::Unconfirmed | Fate::Lost(_) | Fate::Dropped(_) | Fate::Refused(_) => {
                false
            }
        };
        let Some(place) = self.made.iter().position(|made| made.ticket == ticket) else { return };
        if waits {
            if let Some(made) = self.made.get_mut(place) {
                made.waits = false;
            }
        } else {
            self.made.remove(place);
        }
    }

    fn check_post(&mut self, post: &Post) -> Result<(), Broken> {
        let Message::CrEvent(event) = &post.message else {
            let own = post.recipient == post.credentials.client_id;
            return if own { self.check_opened(post) } else { Err(own_credentials(post)) };
        };
        match event.kind() {
            EventKind::Inactive | EventKind::Unassign => {
                if !self.has_held(post) {
                    return Err((Invariant::GoodbyeCredentials, described(post)));
                }
            }
            EventKind::Ping => {
                if !self.has_held(post) {
                    return Err(own_credentials(post));
                }
                self.pinged = Some(post.recipient);
            }
            EventKind::Reject => self.check_opened(post)?,
            EventKind::Ordinary => {
                if let Some(tag) = tag_of(event) {
                    self.check_made(tag, post)?;
                    self.check_order(tag, post.recipient)?;
                }
            }
        }
        Ok(())
    }

    fn has_held(&self, post: &Post) -> bool {
        let is_it = |(credentials, recipient): &(Credentials, ClientId)| {
            *recipient == post.recipient && *credentials == post.credentials
        };
        // The newest first: it nearly always is.
        self.held.iter().rev().any(is_it)
    }

    fn check_opened(&self, post: &Post) -> Result<(), Broken> {
        let opened = self.opened.iter().rev().any(|credentials| *credentials == post.credentials);
        if opened { Ok(()) } else { Err(own_credentials(post)) }
    }

    fn check_made(&self, tag: u64, post: &Post) -> Result<(), Broken> {
        let made = self.made.iter().find(|made| made.ticket == tag);
        let as_made = |made: &Made| made.recipient == post.recipient && made.credentials == post.credentials;
        if made.is_none_or(as_made) { Ok(()) } else { Err(own_credentials(post)) }
    }

    fn check_order(&mut self, tag: u64, recipient: ClientId) -> Result<(), Broken> {
        let last = match self.left.iter_mut().find(|(other, _)| *other == recipient) {
            Some((_, last)) => last,
            None => {
                self.left.push((recipient, 0));
                let Some((_, last)) = self.left.last_mut() else { return Ok(()) };
                last
            }
        };
        let again = self.put_back.remove(&tag) && tag == *last;
        if tag <= *last && !again {
            let seen = format!("event {tag} leaves for {recipient} behind event {last}");
            return Err((Invariant::OrderAtTheLink, seen));
        }
        *last = tag;
        Ok(())
    }

    fn check_heard(
        &mut self,
        ours: &WiredSocket,
        page: &Client,
        event: &CrEvent,
        step: &Step<'_>,
    ) -> Result<(), Broken> {
        let Some(sender) = event.sender else {
            return Err((Invariant::OnlyThePartner, "an event of nobody was forwarded".into()));
        };
        let partner = page.machines.partner();
        if self.partner_before != Some(sender) && partner != Some(sender) {
            return Err((Invariant::OnlyThePartner, format!("{event:?} while the partner is {partner:?}")));
        }
        let kind = event.kind();
        if kind == EventKind::Unassign && ours.socket.role() == Role::Responder && partner.is_some() {
            return Err((
                Invariant::UnassignFrees,
                format!("unassigned by {sender}, assigned to {partner:?}"),
            ));
        }
        let active = matches!(kind, EventKind::Ping | EventKind::Ordinary);
        self.heard = Some((sender, step.now, active));
        Ok(())
    }

    /// In the step in which a goodbye is due, everything that waited leaves, is kept or is reported.
    fn check_goodbye(&self, ours: &WiredSocket) -> Result<(), Broken> {
        if self.made.is_empty() {
            return Ok(());
        }
        let Some(before) = &self.facts_before else { return Ok(()) };
        let facts = ours.sender.facts();
        let changes = before.credentials().is_some()
            && (before.client_id != facts.client_id || before.access_token != facts.access_token);
        let parts = self.was_paired && matches!(ours.socket.state(), State::Passive(_));
        let unassigns = ours.socket.role() == Role::Controller
            && before.partner.valid().is_some()
            && before.partner != facts.partner;
        let left = self.made.iter().find(|made| made.waits);
        if let Some(made) = left.filter(|_| changes || parts || unassigns) {
            let seen = format!("event {} for {} still waits", made.ticket, made.recipient);
            return Err((Invariant::NothingBehindAGoodbye, seen));
        }
        Ok(())
    }
}

fn remember<T>(newest_last: &mut VecDeque<T>, new: T) {
    if newest_last.len() == REMEMBERED {
        newest_last.pop_front();
    }
    newest_last.push_back(new);
}

fn own_credentials(post: &Post) -> Broken {
    (Invariant::OwnCredentials, described(post))
}

fn described(post: &Post) -> String {
    format!("{:?} to {} by {}", post.message, post.recipient, post.credentials.client_id)
}

/// The tag by which the simulation follows an ordinary event at its client: its first param.
fn tag_of(event: &CrEvent) -> Option<u64> {
    event.params.first()?.parse().ok()
}
