//! What one client does, step by step: what it sends, what it hears, what it says of itself.

use std::collections::VecDeque;

use super::facts::{check_children, check_connections, check_timers};
use super::goodbyes::{Before, Goodbyes, described};
use super::invariant::{Broken, Invariant};
use super::order::Left;
use super::told::{Counted, Told};
use crate::check::client::Client;
use crate::protocol::action::{Fate, Message, Notice, Post, Refusal};
use crate::protocol::event::{CrEvent, EventKind};
use crate::protocol::ids::{ClientId, Credentials, Role};
use crate::protocol::receiver;
use crate::protocol::send_line::most_waiting;
use crate::protocol::socket::{self, State};
use crate::protocol::time::{Millis, Step};
use crate::protocol::wired::{Effect, Input, WiredSocket};

/// How much clocks differ at most in a life of an hour or two.
const CLOCKS: Millis = Millis(120_000);

/// How many pairs of credentials and partner, and how many credentials, are remembered.
const REMEMBERED: usize = 64;

/// What is remembered of one client.
#[derive(Debug, Default)]
pub(super) struct Watched {
    told: Told,
    goodbyes: Goodbyes,
    /// What was true when the step began.
    before: Before,
    was_paired: bool,
    /// Something was asked for in this step, or a timer fired: what stands or is armed may be wrong now.
    is_changed: bool,
    /// The stream of the frame that is handed over in this step was given up.
    is_stray: bool,
    /// Credentials and partners that held together, newest last.
    held: VecDeque<(Credentials, ClientId)>,
    /// Credentials under which a stream was opened, newest last.
    opened: VecDeque<Credentials>,
    /// The enclosing client's events that were accepted and are not settled, and what they were made with.
    made: VecDeque<Made>,
    /// Its events that left.
    left: Left,
    /// Its device slept or read slowly: what it hears until then may be old.
    pub(super) disturbed_until: Option<Millis>,
    /// A partner and the clientId to which it said something active, and when, as it was last looked for.
    pub(super) partner_said: Option<((ClientId, ClientId), Millis)>,
    /// When it was last kept from its clientId.
    pub(super) kept_out: Option<Millis>,
    /// It is interacting, and nothing happens that could part it.
    pub(super) must_stay: bool,
}

#[derive(Debug)]
struct Made {
    ticket: u64,
    credentials: Credentials,
    recipient: ClientId,
    /// What was last said of it.
    stands: Stands,
}

/// Where an event of the enclosing client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// It waits for its turn.
    InQueue,
    /// Its turn came while offline.
    Kept,
    /// It left, and its outcome is not known.
    Sent,
    /// It left, was not taken, and will be sent again.
    PutBack,
}

impl Watched {
    /// The page is loaded anew. Tags go on growing over reloads.
    pub(super) fn reloaded(&mut self) {
        let left = std::mem::take(&mut self.left).reloaded();
        let Watched { disturbed_until, kept_out, .. } = *self;
        *self = Watched { left, disturbed_until, kept_out, ..Watched::default() };
    }

    pub(super) fn before(&mut self, page: &Client, input: &Input, step: &Step<'_>) {
        let Some(ours) = page.machines.as_ours() else {
            self.is_changed = true;
            return;
        };
        let state = ours.socket.state();
        self.was_paired = state.is_paired();
        self.before = Before {
            partner: self.told.partner.valid().copied(),
            was_ready: self.told.is_ready(),
            sets_token: matches!(input, Input::Socket(socket::Input::AccessToken(_))),
            ..Before::default()
        };
        self.is_stray = match input {
            Input::Receiver(receiver::Input::Frame { stream, .. }) => !page.has_connection(*stream),
            Input::Socket(_) | Input::Receiver(_) | Input::SendLine(_) | Input::Timer(_) => false,
        };
        let pings = if ours.line.waiting() == 0 { 0 } else { self.note_waiting(ours) };
        self.told.take(input, state, pings);
        self.goodbyes.take(input, step.now, step.timing.send_answer_dt);
        self.is_changed = matches!(input, Input::Timer(_)) || self.told.is_touched;
    }

    /// What is on its way to the link. Gives out how many of it are pings.
    fn note_waiting(&mut self, ours: &WiredSocket) -> usize {
        let posts = || ours.line.posts();
        self.before.last_posted = posts().filter_map(|post| post.request).last();
        self.before.closes_waiting = posts().filter(|post| matches!(post.message, Message::Close(_))).count();
        posts().filter(|post| is_ping(post)).count()
    }

    /// It has taken an input, and asks for these effects. `is_late` where its device slept.
    pub(super) fn after(
        &mut self,
        ours: &WiredSocket,
        effects: &[Effect],
        is_late: bool,
        step: &Step<'_>,
    ) -> Result<(), Broken> {
        let role = ours.socket.role();
        self.is_changed = self.is_changed || !effects.is_empty();
        let is_news =
            |effect: &Effect| matches!(effect, Effect::Notify(Notice::State { .. } | Notice::Partner(_)));
        if effects.iter().any(is_news) {
            self.goodbyes.become_due(effects, self.before, &self.told, role, step);
        }
        for effect in effects {
            self.told.note(effect, role, step);
        }
        let counted_before = self.told.settle()?;
        if self.told.is_touched {
            self.remember_held();
        }
        for effect in effects {
            self.check_effect(ours, effect, step)?;
        }
        // By clocks that differ by less than that.
        let late_until = self.disturbed_until.filter(|_| is_late).map(|until| step.now.max(until) + CLOCKS);
        let in_front = ours.line.waiting() + self.made.len();
        self.goodbyes.check(&self.told, in_front, late_until, step)?;
        self.check_goodbye(ours, counted_before.as_ref())?;
        if ours.sender.facts().rejection != self.told.rejection {
            let seen = format!("{:?}: {:?}", ours.sender.facts().rejection, self.told);
            return Err((Invariant::RejectNeedsPing, seen));
        }
        self.told.check_state(ours.socket.state(), is_late, step)?;
        check_children(ours)?;
        self.check_queues(ours, step)
    }

    /// What it asked for is done: its timers are armed.
    pub(super) fn settled(&mut self, page: &Client, step: &Step<'_>) -> Result<(), Broken> {
        if !std::mem::take(&mut self.is_changed) {
            return Ok(());
        }
        check_connections(page)?;
        if page.machines.as_ours().is_none() {
            return Ok(());
        }
        let waits =
            if self.made.iter().all(|made| made.stands == Stands::InQueue) { self.made.len() } else { 0 };
        check_timers(&self.told, &self.goodbyes, waits, page, step)
    }

    fn remember_held(&mut self) {
        let counted = &self.told.counted;
        let (Some(id), Some(token), Some(partner)) =
            (counted.client_id, counted.access_token.valid(), self.told.partner.valid())
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

    /// Counted by what the enclosing client was told of its events.
    fn check_queues(&self, ours: &WiredSocket, step: &Step<'_>) -> Result<(), Broken> {
        let (max, waiting) = (step.timing.max_queued, ours.line.waiting());
        if waiting > most_waiting(max) {
            return Err((Invariant::Bounds, format!("{waiting} sendevents wait in the line")));
        }
        if self.made.len() <= max {
            return Ok(());
        }
        let count = |stands: Stands| self.made.iter().filter(|made| made.stands == stands).count();
        let (queued, kept, put_back) = (count(Stands::InQueue), count(Stands::Kept), count(Stands::PutBack));
        if queued > max || kept > max || queued + kept + put_back > 2 * max {
            let seen = format!("{queued} queued, {kept} kept, {put_back} put back, where {max} may be");
            return Err((Invariant::Bounds, seen));
        }
        Ok(())
    }

    fn check_effect(&mut self, ours: &WiredSocket, effect: &Effect, step: &Step<'_>) -> Result<(), Broken> {
        match effect {
            Effect::Open { credentials, .. } => remember(&mut self.opened, credentials.clone()),
            Effect::Send { number, post } => {
                self.goodbyes.leaves(*number, post, step.now)?;
                self.check_post(post)?;
            }
            Effect::Notify(notice) if self.is_stray => {
                return Err((Invariant::OneStream, format!("a frame of a stream given up: {notice:?}")));
            }
            Effect::Notify(Notice::CrEvent(event)) => self.check_heard(ours, event)?,
            Effect::Notify(Notice::Fate { ticket, fate }) => {
                self.note_fate(ticket.0, fate, step)?;
            }
            Effect::Notify(Notice::State { .. } | Notice::ClientId(_) | Notice::Partner(_))
            | Effect::Drop { .. }
            | Effect::RequestClientId
            | Effect::SetTimer { .. }
            | Effect::CancelTimer(_) => {}
        }
        Ok(())
    }

    fn note_fate(&mut self, ticket: u64, fate: &Fate, step: &Step<'_>) -> Result<(), Broken> {
        let place = self.made.iter().position(|made| made.ticket == ticket);
        let stands = match fate {
            Fate::Queued => {
                let credentials = self.told.counted.credentials();
                if let Some((credentials, recipient)) = credentials.zip(self.told.partner.valid().copied()) {
                    self.made.push_back(Made { ticket, credentials, recipient, stands: Stands::InQueue });
                }
                return Ok(());
            }
            Fate::Buffered => {
                self.left.put_back(ticket);
                let had_left = place.and_then(|place| self.made.get(place)).map(|made| made.stands);
                if had_left == Some(Stands::Sent) { Stands::PutBack } else { Stands::Kept }
            }
            Fate::Sent => {
                self.check_turn(ticket)?;
                Stands::Sent
            }
            Fate::Refused(Refusal::QueueFull { max }) if self.made.len() < step.timing.max_queued => {
                let seen = format!("refused, where {} of {max} wait", self.made.len());
                return Err((Invariant::Bounds, seen));
            }
            Fate::Understood | Fate::Unconfirmed | Fate::Lost(_) | Fate::Dropped(_) | Fate::Refused(_) => {
                if let Some(place) = place {
                    self.made.remove(place);
                }
                return Ok(());
            }
        };
        if let Some(made) = place.and_then(|place| self.made.get_mut(place)) {
            made.stands = stands;
        }
        Ok(())
    }

    /// Nothing leaves while something older waits, whoever it is for; but for what was kept, and for what an `unassign`
    /// to its recipient lets leave.
    fn check_turn(&self, ticket: u64) -> Result<(), Broken> {
        let Some(made) = self.made.iter().find(|made| made.ticket == ticket) else { return Ok(()) };
        let is_let_go =
            self.before.partner == Some(made.recipient) && self.told.partner.valid() != Some(&made.recipient);
        if made.stands != Stands::InQueue || is_let_go {
            return Ok(());
        }
        let is_older = |other: &&Made| other.ticket < ticket && other.stands != Stands::Sent;
        match self.made.iter().find(is_older) {
            Some(older) => {
                let seen =
                    format!("event {ticket} leaves, and event {} waits: {:?}", older.ticket, older.stands);
                Err((Invariant::OrderAtTheLink, seen))
            }
            None => Ok(()),
        }
    }

    fn check_post(&mut self, post: &Post) -> Result<(), Broken> {
        let Message::CrEvent(event) = &post.message else {
            let own = post.recipient == post.credentials.client_id;
            return if own { self.check_opened(post) } else { Err(own_credentials(post)) };
        };
        match event.kind() {
            // See `goodbyes`.
            EventKind::Inactive | EventKind::Unassign => {}
            EventKind::Ping => {
                if !self.has_held(post) {
                    return Err(own_credentials(post));
                }
            }
            EventKind::Reject => self.check_opened(post)?,
            EventKind::Ordinary => {
                if let Some(tag) = tag_of(event) {
                    self.check_made(tag, post)?;
                    self.left.leaves(tag, post.recipient)?;
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

    fn check_heard(&mut self, ours: &WiredSocket, event: &CrEvent) -> Result<(), Broken> {
        let Some(sender) = event.sender else {
            return Err((Invariant::OnlyThePartner, "an event of nobody was forwarded".into()));
        };
        let partner = self.told.partner.valid().copied();
        if self.before.partner != Some(sender) && partner != Some(sender) {
            return Err((Invariant::OnlyThePartner, format!("{event:?} while the partner is {partner:?}")));
        }
        let is_unassign = event.kind() == EventKind::Unassign;
        if is_unassign && ours.socket.role() == Role::Responder && partner.is_some() {
            return Err((
                Invariant::UnassignFrees,
                format!("unassigned by {sender}, assigned to {partner:?}"),
            ));
        }
        Ok(())
    }

    /// In the step in which a goodbye is due, everything that waited leaves, is kept or is reported.
    fn check_goodbye(&self, ours: &WiredSocket, counted_before: Option<&Counted>) -> Result<(), Broken> {
        let Some(made) = self.made.iter().find(|made| made.stands == Stands::InQueue) else { return Ok(()) };
        let changes = counted_before.is_some_and(|before| {
            let counted = &self.told.counted;
            before.credentials().is_some()
                && (before.client_id != counted.client_id || before.access_token != counted.access_token)
        });
        let parts = self.was_paired && matches!(ours.socket.state(), State::Passive(_));
        let unassigns = ours.socket.role() == Role::Controller
            && self.before.partner.is_some()
            && self.before.partner.as_ref() != self.told.partner.valid();
        if changes || parts || unassigns {
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

fn is_ping(post: &Post) -> bool {
    matches!(&post.message, Message::CrEvent(event) if event.kind() == EventKind::Ping)
}

/// The tag by which the simulation follows an ordinary event at its client: its first param.
fn tag_of(event: &CrEvent) -> Option<u64> {
    event.params.first()?.parse().ok()
}
