//! Goodbyes: each that is due is said, and each carries the credentials and the partner that held when it became due
//! (sections 6 and 7).

use std::collections::VecDeque;
use std::fmt::Debug;

use super::invariant::{Broken, Invariant};
use super::told::Told;
use crate::protocol::action::{Message, Notice, Post, RequestNo};
use crate::protocol::event::EventKind;
use crate::protocol::ids::{ClientId, Credentials, Role};
use crate::protocol::send_line;
use crate::protocol::socket::State;
use crate::protocol::time::{Millis, Step, TimerKind};
use crate::protocol::wired::{Effect, Input};

/// How many `unassign` are repeated: the oldest gives way ("Where the specification left a choice").
const REPEATED: usize = 8;
/// How many that are repeated no more may still leave the line.
const FORMER: usize = 16;
/// How much later than its time a goodbye may leave.
const MARGIN: Millis = Millis(1_000);

/// What is to be said, and what was said.
#[derive(Debug, Default)]
pub(super) struct Goodbyes {
    /// `inactive` that are due and have not left.
    inactive: VecDeque<Due>,
    /// So many `close` of earlier streams were on their way to the link when the last `inactive` became due.
    earlier_closes: usize,
    /// `unassign` that are repeated until they are answered.
    unassigns: VecDeque<Unassign>,
    /// `unassign` that are repeated no more; one may be on its way to the link.
    former: VecDeque<(Credentials, ClientId)>,
    /// How many `unassign` became due: each has its number.
    last: u64,
    /// The sender's number for the last of its requests that left.
    last_left: RequestNo,
    /// As whom the present partner knows this client.
    known_as: Option<(ClientId, Credentials)>,
    /// Requests that are not answered, oldest first.
    asked: VecDeque<Asked>,
}

#[derive(Debug)]
struct Due {
    credentials: Credentials,
    partner: ClientId,
    /// When it must have left.
    by: Millis,
}

#[derive(Debug)]
struct Unassign {
    number: u64,
    /// What has no higher number of the sender was posted before it.
    posted_after: RequestNo,
    credentials: Credentials,
    partner: ClientId,
    /// When it is given up.
    until: Millis,
    /// When it must have left for the first time; not while offline.
    by: Option<Millis>,
    said: bool,
}

#[derive(Debug)]
struct Asked {
    request: RequestNo,
    at: Millis,
    /// The `unassign` that it carries.
    unassign: Option<u64>,
}

/// What was true when a step began.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Before {
    pub(super) partner: Option<ClientId>,
    /// Section 6: all assigned, not rejected.
    pub(super) was_ready: bool,
    /// The enclosing client sets its accessToken in this step.
    pub(super) sets_token: bool,
    /// So many `close` are on their way to the link.
    pub(super) closes_waiting: usize,
    /// The sender's number for the last of its requests on their way to the link.
    pub(super) last_posted: Option<RequestNo>,
}

impl Goodbyes {
    /// An answer came, or will never come.
    pub(super) fn take(&mut self, input: &Input, now: Millis, longest: Millis) {
        match input {
            Input::SendLine(send_line::Input::Answer { number, outcome }) => {
                let place = self.asked.iter().position(|asked| asked.request == *number);
                if let Some(asked) = place.and_then(|place| self.asked.remove(place)) {
                    let again = outcome.is_worth_another_try();
                    self.answered(&asked, again, now);
                }
            }
            Input::Timer(TimerKind::Answer) => {
                while self.asked.front().is_some_and(|asked| now - asked.at >= longest)
                    && let Some(asked) = self.asked.pop_front()
                {
                    self.answered(&asked, true, now);
                }
            }
            Input::SendLine(_) | Input::Timer(_) | Input::Socket(_) | Input::Receiver(_) => {}
        }
    }

    fn answered(&mut self, asked: &Asked, again: bool, now: Millis) {
        self.end(|unassign| Some(unassign.number) == asked.unassign && (!again || now >= unassign.until));
    }

    fn end(&mut self, ends: impl Fn(&Unassign) -> bool) {
        let Some(place) = self.unassigns.iter().position(ends) else { return };
        let Some(Unassign { credentials, partner, .. }) = self.unassigns.remove(place) else { return };
        if self.former.len() == FORMER {
            self.former.pop_front();
        }
        self.former.push_back((credentials, partner));
    }

    /// Which goodbyes become due in this step. What `told` counts is what counted before.
    pub(super) fn become_due(
        &mut self,
        effects: &[Effect],
        before: Before,
        told: &Told,
        role: Role,
        step: &Step<'_>,
    ) {
        let mut partner = before.partner;
        for effect in effects {
            match effect {
                Effect::Notify(Notice::State { from, to }) => {
                    if before.was_ready && told.client.online && parts(from, to, before.sets_token) {
                        self.owe_inactive(partner, told);
                        self.earlier_closes = before.closes_waiting;
                    }
                }
                Effect::Notify(Notice::Partner(now)) => {
                    if let Some(old) =
                        std::mem::replace(&mut partner, *now).filter(|_| role == Role::Controller)
                    {
                        self.owe_unassign(old, before, told, step);
                    }
                    self.end(|unassign| Some(unassign.partner) == *now);
                }
                Effect::Notify(Notice::ClientId(_) | Notice::CrEvent(_) | Notice::Fate { .. })
                | Effect::Open { .. }
                | Effect::Drop { .. }
                | Effect::Send { .. }
                | Effect::RequestClientId
                | Effect::SetTimer { .. }
                | Effect::CancelTimer(_) => {}
            }
        }
    }

    fn owe_inactive(&mut self, partner: Option<ClientId>, told: &Told) {
        if let Some((credentials, partner)) = told.counted.credentials().zip(partner) {
            self.inactive.push_back(Due { credentials, partner, by: Millis::MAX });
        }
    }

    fn owe_unassign(&mut self, partner: ClientId, before: Before, told: &Told, step: &Step<'_>) {
        let known_as = self.known_as.as_ref().filter(|(to, _)| *to == partner);
        let known_as = || known_as.map(|(_, credentials)| credentials.clone());
        let Some(credentials) = told.counted.credentials().or_else(known_as) else { return };
        self.end(|unassign| unassign.partner == partner);
        if self.unassigns.len() == REPEATED {
            let oldest = self.unassigns.front().map(|unassign| unassign.number);
            self.end(|unassign| Some(unassign.number) == oldest);
        }
        self.last += 1;
        let until = step.now + step.timing.unassign_wait_dt;
        self.unassigns.push_back(Unassign {
            number: self.last,
            posted_after: before.last_posted.unwrap_or_default().max(self.last_left),
            credentials,
            partner,
            until,
            by: None,
            said: false,
        });
    }

    /// A request leaves.
    pub(super) fn leaves(&mut self, request: RequestNo, post: &Post, now: Millis) -> Result<(), Broken> {
        let mut unassign = None;
        match &post.message {
            Message::CrEvent(event) => match event.kind() {
                EventKind::Inactive => self.inactive_leaves(post)?,
                EventKind::Unassign => unassign = self.unassign_leaves(post)?,
                EventKind::Ping | EventKind::Reject | EventKind::Ordinary => {}
            },
            Message::Close(_) if self.earlier_closes > 0 => self.earlier_closes -= 1,
            Message::Close(_) if !self.inactive.is_empty() => {
                let seen = format!("close leaves before {:?}", self.inactive);
                return Err((Invariant::NothingBehindAGoodbye, seen));
            }
            Message::Close(_) | Message::Alive(_) => {}
        }
        self.last_left = post.request.unwrap_or_default().max(self.last_left);
        self.asked.push_back(Asked { request, at: now, unassign });
        Ok(())
    }

    fn inactive_leaves(&mut self, post: &Post) -> Result<(), Broken> {
        let is_it = |due: &Due| due.partner == post.recipient && due.credentials == post.credentials;
        match self.inactive.iter().position(is_it) {
            Some(place) => {
                self.inactive.remove(place);
                Ok(())
            }
            None => Err(wrong(post, &self.inactive)),
        }
    }

    fn unassign_leaves(&mut self, post: &Post) -> Result<Option<u64>, Broken> {
        let is_it = |credentials: &Credentials, partner: ClientId| {
            partner == post.recipient && *credentials == post.credentials
        };
        let posted = post.request.unwrap_or_default();
        let present =
            self.unassigns.iter_mut().find(|due| posted > due.posted_after && due.partner == post.recipient);
        if let Some(due) = present.filter(|due| is_it(&due.credentials, due.partner)) {
            due.said = true;
            return Ok(Some(due.number));
        }
        if self.former.iter().any(|(credentials, partner)| is_it(credentials, *partner)) {
            return Ok(None);
        }
        Err(wrong(post, &self.unassigns))
    }

    /// Everything of this step has left; so many requests may be `in_front` of a goodbye, in the line or kept while
    /// offline. Says what should have left by now.
    ///
    /// `late_until` is when a device that slept is on time again.
    pub(super) fn check(
        &mut self,
        told: &Told,
        in_front: usize,
        late_until: Option<Millis>,
        step: &Step<'_>,
    ) -> Result<(), Broken> {
        if !self.inactive.is_empty() || self.unassigns.iter().any(|unassign| !unassign.said) {
            self.check_said(told, in_front, late_until, step)?;
        }
        if told.is_touched {
            self.remember_known(told);
        }
        Ok(())
    }

    /// As whom the partner knows this client.
    fn remember_known(&mut self, told: &Told) {
        let Some(partner) = told.partner.valid() else {
            self.known_as = None;
            return;
        };
        let is_known = |(to, credentials): &(ClientId, Credentials)| {
            to == partner
                && Some(credentials.client_id) == told.counted.client_id
                && Some(&credentials.access_token) == told.counted.access_token.valid()
        };
        if !self.known_as.as_ref().is_some_and(is_known) {
            self.known_as.take_if(|(to, _)| to != partner);
            if let Some(credentials) = told.counted.credentials() {
                self.known_as = Some((*partner, credentials));
            }
        }
    }

    fn check_said(
        &mut self,
        told: &Told,
        in_front: usize,
        late_until: Option<Millis>,
        step: &Step<'_>,
    ) -> Result<(), Broken> {
        // One after the other, each after the answer to the one before it.
        let way = |posts: usize| {
            let posts = i64::try_from(posts).unwrap_or(i64::MAX);
            step.timing.send_answer_dt.times(posts) + MARGIN
        };
        // All that are repeated at once may stand in front of the last of them.
        let repeated = way(in_front.saturating_add(self.unassigns.len()));
        let way = way(in_front.saturating_add(1));
        let from = late_until.map_or(step.now, |until| until.max(step.now));
        for due in &mut self.inactive {
            if due.by == Millis::MAX || from > step.now {
                due.by = from + way;
            }
            if told.client.unloading || step.now > due.by {
                let seen = format!("inactive to {} has not left", due.partner);
                return Err((Invariant::GoodbyeSaid, seen));
            }
        }
        for due in self.unassigns.iter_mut().filter(|due| !due.said) {
            if !told.client.online || step.now >= due.until {
                due.by = None;
                continue;
            }
            // Who comes back online says it when it is repeated.
            let by = due.by.get_or_insert(from + step.timing.send_answer_dt + repeated);
            if from > step.now {
                *by = from + step.timing.send_answer_dt + repeated;
            }
            if step.now > *by {
                let seen = format!("unassign to {} has not left", due.partner);
                return Err((Invariant::GoodbyeSaid, seen));
            }
        }
        Ok(())
    }

    /// Whether an answer is awaited.
    pub(super) fn awaits_answer(&self) -> bool {
        !self.asked.is_empty()
    }

    /// Whether an `unassign` is repeated: none if it cannot be, some if it may be, true if it must be.
    pub(super) fn repeats(&self, now: Millis) -> Option<bool> {
        let last = self.unassigns.iter().map(|unassign| unassign.until).max()?;
        Some(now < last)
    }
}

/// Whether a change of state is one that is told to the partner (the table of section 7).
fn parts(from: &State, to: &State, sets_token: bool) -> bool {
    match to {
        State::Passive(_) => matches!(from, State::Searching | State::Interacting | State::Connecting),
        State::ReadyToConnect(_) | State::Connecting => {
            sets_token && matches!(from, State::Searching | State::Interacting)
        }
        State::ReadyToPair(_) | State::Searching | State::Interacting => false,
    }
}

fn wrong(post: &Post, due: &impl Debug) -> Broken {
    (Invariant::GoodbyeCredentials, format!("{} where {due:?} is due", described(post)))
}

/// A sendevent in words.
pub(super) fn described(post: &Post) -> String {
    format!("{:?} to {} by {}", post.message, post.recipient, post.credentials.client_id)
}
