//! What must hold, checked after every step: of each client (`client`, `facts`), and of the server as its streams show
//! it (`streams`, `room`, `takeover`, `access`, `dropped`). [`Invariant`] names each with the sentence it comes from.

mod access;
mod client;
mod dropped;
mod facts;
mod goodbyes;
mod invariant;
mod order;
mod room;
mod streams;
mod takeover;
mod text;
mod told;

use std::collections::BTreeMap;
use std::rc::Rc;

pub use invariant::{Invariant, Violation};
pub(super) use streams::{Acceptance, Party, Rules};

use self::client::Watched;
use self::invariant::Broken;
use self::streams::Streams;
use self::text::{head_of, sender_of};
use super::client::Client;
use crate::protocol::event::EventKind;
use crate::protocol::ids::{AccessToken, ClientId, Credentials, Pid, User};
use crate::protocol::policy::Pairing;
use crate::protocol::sessions::{self, Opened, SendAnswer, ServerAction};
use crate::protocol::socket::State;
use crate::protocol::time::{Millis, Step};
use crate::protocol::wire::Frame;
use crate::protocol::wired::{Effect, Input};

/// Watches every step.
#[derive(Debug, Default)]
pub struct Watch {
    clients: Vec<Watched>,
    streams: Streams,
    /// When something active of the first clientId was last accepted for the second.
    last_said: BTreeMap<(ClientId, ClientId), Millis>,
    /// When something of a clientId was last accepted, for whomever, that existing clients take for a sign of activity: also
    /// what was said to a clientId that they had before (section 9). An `unassign`, too, when it is written.
    last_heard_of: BTreeMap<ClientId, Millis>,
    /// How long a partner may have been gone, at most, while one says interacting; the way to it comes on top.
    pub longest_gone: Option<Millis>,
    violation: Option<Violation>,
}

impl Watch {
    /// What did not hold, if anything.
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// Reports that something did not hold; the first report stays.
    pub fn report(&mut self, invariant: Invariant, at: Millis, client: Option<usize>, seen: String) {
        self.violation.get_or_insert(Violation { invariant, at, client, seen });
    }

    fn expect(&mut self, held: Result<(), Broken>, at: Millis, client: Option<usize>) {
        if let Err((invariant, seen)) = held {
            self.report(invariant, at, client, seen);
        }
    }

    /// What this client hears until then may be old: its device slept, or it read slowly.
    pub fn disturb(&mut self, client: usize, until: Millis) {
        if let Some(watched) = self.clients.get_mut(client) {
            watched.disturbed_until = watched.disturbed_until.max(Some(until));
        }
    }

    /// These clients are interacting, and are left in peace from now on, or no longer.
    pub fn must_stay(&mut self, clients: &[usize], must_stay: bool) {
        for client in clients {
            if let Some(watched) = self.clients.get_mut(*client) {
                watched.must_stay = must_stay;
            }
        }
    }

    pub(super) fn add_client(&mut self) {
        self.clients.push(Watched::default());
    }

    pub(super) fn reloaded(&mut self, client: usize) {
        if let Some(watched) = self.clients.get_mut(client) {
            watched.reloaded();
        }
    }

    pub(super) fn server_restarted(&mut self) {
        self.streams.server_restarted();
    }

    /// The server is to stop.
    pub(super) fn server_stops(&mut self) {
        self.streams.stopping = true;
    }

    /// All that followed from it is done.
    pub(super) fn server_stopped(&mut self, at: Millis) {
        let held = self.streams.check_stopped();
        self.expect(held, at, None);
    }

    pub(super) fn before(&mut self, client: usize, page: &Client, input: &Input, step: &Step<'_>) {
        if let Some(watched) = self.clients.get_mut(client) {
            watched.before(page, input, step);
        }
    }

    /// A client has taken an input, and asks for these effects.
    pub(super) fn after(
        &mut self,
        client: usize,
        page: &Client,
        effects: &[Effect],
        step: &Step<'_>,
        at: Millis,
    ) {
        let Some(watched) = self.clients.get_mut(client) else { return };
        let mut held = Ok(());
        if let Some(ours) = page.machines.as_ours() {
            let is_late = watched.disturbed_until.is_some_and(|until| at < until);
            held = watched.after(ours, effects, is_late, step);
        }
        if watched.must_stay && !is_interacting(page) {
            let state = page.machines.state();
            held = held.and(Err((Invariant::PairsStay, format!("{state:?}, left in peace"))));
        }
        let held = held.and_then(|()| {
            if is_interacting(page) { self.check_partner_is_there(client, page, at) } else { Ok(()) }
        });
        self.expect(held, at, Some(client));
    }

    /// What the client asked for in this step is done.
    pub(super) fn settled(&mut self, client: usize, page: &Client, step: &Step<'_>, at: Millis) {
        if let Some(watched) = self.clients.get_mut(client) {
            let held = watched.settled(page, step);
            self.expect(held, at, Some(client));
        }
    }

    /// To whom a clientId belongs now, if to anybody, by what its streams were told.
    pub fn owner(&self, client_id: ClientId, now: Millis) -> Option<&User> {
        self.streams.owner(client_id, now)
    }

    /// A client was kept from its clientId: another user's session or reservation stood there.
    pub(super) fn kept_out(&mut self, client: usize, client_id: ClientId, user: &User, at: Millis) {
        if self.streams.owner(client_id, at) == Some(user) {
            let seen = format!("{client_id} belongs to the user who was kept from it");
            self.report(Invariant::OwnersComeIn, at, Some(client), seen);
        }
        if let Some(watched) = self.clients.get_mut(client) {
            watched.kept_out = Some(at);
        }
    }

    /// A client asked for a stream, and the server answered like this; none of the actions is performed yet.
    pub(super) fn answered(
        &mut self,
        client: usize,
        credentials: &Credentials,
        opened: &Opened,
        is_kept_out: bool,
        actions: &[ServerAction],
        rules: Rules<'_>,
    ) {
        let held = access::check_opened(&credentials.access_token, opened);
        self.expect(held, rules.now, Some(client));
        let held = self.streams.check_takeover(credentials.client_id, opened, is_kept_out, actions, rules);
        self.expect(held, rules.now, Some(client));
    }

    /// A client sent something with this accessToken, and the server answered like this.
    pub(super) fn answered_event(
        &mut self,
        client: usize,
        token: &AccessToken,
        answer: &SendAnswer,
        at: Millis,
    ) {
        self.expect(access::check_answer(token, answer), at, Some(client));
    }

    /// Whether a client was kept from its clientId since then.
    pub fn was_kept_out(&self, client: usize, since: Millis) -> bool {
        let kept_out = self.clients.get(client).and_then(|watched| watched.kept_out);
        kept_out.is_some_and(|at| at >= since)
    }

    /// Who is interacting has a partner of which something was accepted not long ago.
    fn check_partner_is_there(&mut self, client: usize, page: &Client, at: Millis) -> Result<(), Broken> {
        let Some(longest) = self.longest_gone else { return Ok(()) };
        let Some(watched) = self.clients.get_mut(client) else { return Ok(()) };
        let (Some(own), Some(partner)) = (page.machines.client_id(), page.machines.partner()) else {
            return Ok(());
        };
        if watched.disturbed_until.is_some_and(|until| at < until) {
            return Ok(());
        }
        // What was accepted then will not be undone, so that nobody need look for something newer yet.
        if watched.partner_said.is_some_and(|(pair, said)| pair == (partner, own) && at - said <= longest) {
            return Ok(());
        }
        let mut said = self.last_said.get(&(partner, own));
        if page.machines.as_ours().is_none() {
            said = said.max(self.last_heard_of.get(&partner));
        }
        watched.partner_said = said.map(|said| ((partner, own), *said));
        let said = said.copied().unwrap_or(Millis::MIN);
        let by_its_clock = page.clock.when(longest).max(longest) + Millis(1);
        if at - said > by_its_clock + page.longest_way {
            let seen = format!("interacting with {partner}, of which nothing was accepted since {said}");
            return Err((Invariant::NoGhostPartner, seen));
        }
        Ok(())
    }

    /// The server has answered a sendevent of a client with 204. `event` is it, if it is a crEvent.
    pub(super) fn let_speak(
        &mut self,
        client: usize,
        sender: ClientId,
        origin: &Party,
        event: Option<Acceptance<'_>>,
        actions: &[ServerAction],
        rules: Rules<'_>,
    ) {
        let held = self.streams.check_speaker(sender, origin, actions, rules);
        self.expect(held, rules.now, Some(client));
        let held = self.streams.check_not_stopping("a sendevent was accepted");
        self.expect(held, rules.now, Some(client));
        if let Some(event) = event {
            let held = self.streams.check_dropped(&event, actions);
            self.expect(held, rules.now, Some(client));
            self.streams.accepted(&event, rules.now);
            let goes_on = matches!(event.effect, sessions::Effect::Forwarded | sessions::Effect::Waits);
            if goes_on {
                self.note_said(&event, rules.now);
            }
            let held = Streams::check_forwarded(&event, actions);
            self.expect(held, rules.now, Some(client));
        }
    }

    fn note_said(&mut self, event: &Acceptance<'_>, now: Millis) {
        match EventKind::of(head_of(event.text)) {
            EventKind::Ping | EventKind::Ordinary => {
                self.last_said.insert((event.sender, event.recipient), now);
                self.last_heard_of.insert(event.sender, now);
            }
            EventKind::Unassign | EventKind::Inactive | EventKind::Reject => {}
        }
    }

    /// The same, once all that followed from it is done.
    pub(super) fn check_line(&mut self, recipient: ClientId, sender: ClientId, rules: Rules<'_>) {
        let held = self.streams.check_line(recipient, sender, rules.limits);
        self.expect(held, rules.now, None);
    }

    /// The stream that says `hello` next was asked for by this client.
    pub(super) fn stream_asked(&mut self, pid: Pid, party: Rc<Party>, pairing: Pairing) {
        self.streams.asked(pid, party, pairing);
    }

    /// The server does something.
    pub(super) fn performed(&mut self, action: &ServerAction, rules: Rules<'_>) {
        if let ServerAction::Write { frame: Frame::CrEvent(text), .. } = action
            && text.starts_with("unassign,")
            && let Some(sender) = sender_of(text)
        {
            // It may have waited for long.
            self.last_heard_of.insert(sender, rules.now);
        }
        let held = self.streams.performed(action, rules);
        self.expect(held, rules.now, None);
    }

    /// The connection of a stream is gone, and the server knows.
    pub(super) fn connection_gone(&mut self, client_id: ClientId, pid: Pid, rules: Rules<'_>) {
        self.streams.connection_gone(client_id, pid, rules);
    }

    /// A frame stays unread in an output.
    pub(super) fn unread(&mut self, client_id: ClientId, pid: Pid, frame: &Frame, rules: Rules<'_>) {
        let held = self.streams.unread(client_id, pid, frame, rules.limits);
        self.expect(held, rules.now, None);
    }

    /// The oldest frame that was not read is read.
    pub(super) fn taken(&mut self, pid: Pid) {
        self.streams.taken(pid);
    }

    /// All that the server asked for is done: nothing waits too long, and what it counts as unread is what is.
    pub(super) fn performed_all(&mut self, output_bytes: usize, rules: Rules<'_>) {
        let held = self.streams.check_waits(rules).and_then(|()| self.streams.check_unread(output_bytes));
        self.expect(held, rules.now, None);
    }
}

fn is_interacting(page: &Client) -> bool {
    matches!(page.machines.state(), State::Interacting)
}
