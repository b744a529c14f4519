//! The EventSender (section 6): sends crEvents in order and spaced, keeps them while offline, says goodbye.

use super::action::{Fate, Message, Outcome, Post, Refusal, RequestNo, SenderAction, Ticket, WhyDropped};
use super::event::{CrEvent, EventKind, Rejection};
use super::ids::{AccessToken, Assigned, ClientId, Credentials};
use super::receiver::{ASLEEP, Backoff};
use super::socket;
pub use super::time::MAX_QUEUED;
use super::time::{Millis, Step, TimerKind};

mod aged;
mod goodbye;
mod queues;
mod state;

pub use state::{Facts, State, WhyNotReady};

use queues::{InFlight, Queued, Queues};

/// What an EventSender is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// Whether the client is online. Comes before the goodbye that follows from it.
    Online(bool),
    /// Who the client is, and whether it is active. Comes after the goodbye that follows from it.
    Set {
        /// Visible, online, not paused and not unloading.
        client_active: bool,
        /// The clientId that counts.
        client_id: Option<ClientId>,
        /// The accessToken that counts.
        access_token: Assigned<AccessToken>,
    },
    /// A partner is assigned, the same one again, or none. An [`Input::Unassign`] comes before it, where one is due.
    Partner(Assigned<ClientId>),
    /// The partner sent a `reject`.
    Rejected(Rejection),
    /// The enclosing client sends a crEvent to the partner.
    Send {
        /// The enclosing client's number for it.
        ticket: Ticket,
        /// The event.
        event: CrEvent,
    },
    /// Send a `ping` to the partner.
    Ping,
    /// No longer paired: a ping that still waits is not sent.
    CancelPing,
    /// A ping left the line.
    PingLeft {
        /// Its number.
        request: RequestNo,
    },
    /// Send an `inactive` to the partner: the client stops being active for it.
    Inactive,
    /// Send an `unassign` to the partner, which will be assigned no more.
    Unassign,
    /// Send a `reject` to a stranger.
    Reject {
        /// To whom.
        to: ClientId,
        /// Why.
        rejection: Rejection,
        /// The credentials of the stream on which the stranger's ping came.
        credentials: Credentials,
    },
    /// What became of a sendevent.
    Outcome {
        /// Its number.
        request: RequestNo,
        /// What became of it.
        outcome: Outcome,
    },
    /// A timer fired.
    Timer(TimerKind),
}

/// The EventSender's machine.
///
/// ```text
///                all assigned                     rejected by the partner
///   notReady ------------------------> ready --------------------------------> partnerRejected
///      ^                                 | ^                                       |     |
///      |        something is missing     | |   clientId, accessToken, activity     |     |
///      +---------------------------------+ |   or partner set                      |     |
///      |                                   +---------------------------------------+     |
///      +---------------------------------------------------------------------------------+
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sender {
    facts: Facts,
    online: bool,
    /// A ping waits at the head of the queue.
    ping_waits: bool,
    /// The ping whose outcome is not known yet.
    ping_in_flight: Option<RequestNo>,
    /// [`Facts::clearings`] when that ping was handed over.
    ping_clearings: u32,
    last_request: RequestNo,
    /// Before this moment nothing ordinary leaves (minCrEventDt).
    spaced_until: Millis,
    /// Before this moment the event that failed, and what is behind it, is not tried again.
    retry_at: Millis,
    /// When the armed [`TimerKind::Pace`] is due.
    pace_due: Option<Millis>,
    backoff: Backoff,
    /// The credentials under which the partner knows this client, if others or none count by now.
    former: Option<Box<Credentials>>,
    /// Most crSockets, most of the time, hold nothing.
    queues: Option<Box<Queues>>,
}

impl Sender {
    /// A sender that has been given nothing yet.
    pub fn new() -> Sender {
        Sender {
            facts: Facts::default(),
            online: false,
            ping_waits: false,
            ping_in_flight: None,
            ping_clearings: 0,
            last_request: RequestNo(0),
            spaced_until: Millis::MIN,
            retry_at: Millis::MIN,
            pace_due: None,
            backoff: Backoff::default(),
            former: None,
            queues: None,
        }
    }

    /// What its state follows from.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Its state.
    pub fn state(&self) -> State {
        self.facts.state()
    }

    /// How many crEvents wait for their turn, and how many were kept while offline and have not left yet.
    pub fn queued(&self) -> (usize, usize) {
        self.queues.as_ref().map_or((0, 0), |queues| queues.lengths())
    }

    /// Takes one input and asks for what follows from it.
    pub fn handle(&mut self, input: Input, step: &Step<'_>, actions: &mut Vec<SenderAction>) {
        match input {
            Input::Online(online) => self.online = online,
            Input::Set { client_active, client_id, access_token } => {
                self.set_client(client_active, client_id, access_token, step, actions);
            }
            Input::Partner(partner) => self.assign_partner(partner, actions),
            Input::Rejected(rejection) => self.rejected(rejection),
            Input::Send { ticket, event } => self.accept(ticket, event, step, actions),
            Input::Ping => self.ping_waits = self.state() == State::Ready { client_active: true },
            Input::CancelPing => self.ping_waits = false,
            Input::PingLeft { request } => self.ping_left(request, actions),
            Input::Inactive => self.say_inactive(step, actions),
            Input::Unassign => self.say_unassign(step, actions),
            Input::Reject { to, rejection, credentials } => {
                self.say_reject(to, &rejection, credentials, step, actions);
            }
            Input::Outcome { request, outcome } => self.outcome(request, outcome, step, actions),
            Input::Timer(TimerKind::Pace) => self.pace_fired(step, actions),
            Input::Timer(TimerKind::Unassign) => self.unassign_fired(step, actions),
            Input::Timer(_) => {}
        }
        self.pump(step, actions);
        self.forget_empty_queues(step);
    }

    fn set_client(
        &mut self,
        active: bool,
        id: Option<ClientId>,
        token: Assigned<AccessToken>,
        step: &Step<'_>,
        actions: &mut Vec<SenderAction>,
    ) {
        let changes = self.facts.client_id != id || self.facts.access_token != token;
        if let Some(former) = self.facts.credentials().filter(|_| changes) {
            // It would leave in another client's or user's name afterwards.
            self.flush(step, actions);
            self.former = self.facts.partner.valid().map(|_| Box::new(former));
        }
        self.facts.set_client(active, id, token);
    }

    fn assign_partner(&mut self, partner: Assigned<ClientId>, actions: &mut Vec<SenderAction>) {
        if self.facts.partner != partner {
            self.ping_waits = false;
            self.former = None;
        }
        if let (Some(partner), Some(queues)) = (partner.valid(), &mut self.queues)
            && queues.stop_unassigning(*partner)
        {
            actions.push(SenderAction::CancelTimer(TimerKind::Unassign));
        }
        self.facts.assign_partner(partner);
    }

    fn rejected(&mut self, rejection: Rejection) {
        self.facts.reject(rejection);
        if self.facts.rejection.is_some() {
            self.ping_waits = false;
        }
    }

    fn accept(&mut self, ticket: Ticket, event: CrEvent, step: &Step<'_>, actions: &mut Vec<SenderAction>) {
        let addressed = self
            .recipient()
            .and_then(|(credentials, recipient)| self.check(&event, step).map(|()| (credentials, recipient)));
        match addressed {
            Err(refusal) => actions.push(SenderAction::Fate { ticket, fate: Fate::Refused(refusal) }),
            Ok((credentials, recipient)) => {
                actions.push(SenderAction::Fate { ticket, fate: Fate::Queued });
                let event = Queued { ticket, event, credentials, recipient, was_kept: false };
                self.queues_mut().push(event);
            }
        }
    }

    /// In whose name and to whom events go now.
    fn recipient(&self) -> Result<(Credentials, ClientId), Refusal> {
        match self.state() {
            State::NotReady(why) => Err(Refusal::NotReady(why)),
            State::PartnerRejected(rejection) => Err(Refusal::PartnerRejected(rejection)),
            State::Ready { .. } => self
                .facts
                .credentials()
                .zip(self.facts.partner.valid().copied())
                .ok_or(Refusal::NotReady(WhyNotReady::NoClientId)),
        }
    }

    fn check(&self, event: &CrEvent, step: &Step<'_>) -> Result<(), Refusal> {
        event.check().map_err(Refusal::Invalid)?;
        match event.kind() {
            EventKind::Ping | EventKind::Inactive | EventKind::Unassign | EventKind::Reject => {
                return Err(Refusal::Reserved);
            }
            EventKind::Ordinary => {}
        }
        let (length, max) = (event.event_data_len(), step.timing.max_event_data_length);
        if length > max {
            return Err(Refusal::TooLong { length, max });
        }
        let max = step.timing.max_queued;
        if self.queues.as_ref().is_some_and(|queues| queues.is_queue_full(max)) {
            return Err(Refusal::QueueFull { max });
        }
        Ok(())
    }

    /// Lets leave what may: the waiting ping first, then what was kept, then the queue.
    fn pump(&mut self, step: &Step<'_>, actions: &mut Vec<SenderAction>) {
        while let Some(turn) = self.next_turn() {
            let wait = self.free_at(turn) - step.now;
            if wait > Millis::ZERO {
                self.set_pace(wait, step, actions);
                return;
            }
            match turn {
                Turn::Ping => self.send_ping(step, actions),
                Turn::Kept | Turn::Queued => {
                    if let Some(event) = self.queues_mut().queue.pop_front() {
                        self.take_turn(event, step, actions);
                    }
                }
            }
        }
    }

    /// Whose turn it is; nobody's while an answer is awaited.
    fn next_turn(&self) -> Option<Turn> {
        let queues = self.queues.as_ref();
        if self.ping_in_flight.is_some() || queues.is_some_and(|queues| !queues.in_flight.is_empty()) {
            return None;
        }
        if self.ping_waits {
            return Some(Turn::Ping);
        }
        let queues = queues?;
        let head = queues.queue.front()?;
        if head.was_kept {
            Some(Turn::Kept)
        } else if self.online && !queues.kept.is_empty() {
            // What is kept leaves before the queue, and behind a ping.
            None
        } else {
            Some(Turn::Queued)
        }
    }

    fn free_at(&self, turn: Turn) -> Millis {
        match turn {
            Turn::Ping => self.spaced_until,
            Turn::Kept => self.retry_at,
            Turn::Queued => self.spaced_until.max(self.retry_at),
        }
    }

    fn send_ping(&mut self, step: &Step<'_>, actions: &mut Vec<SenderAction>) {
        self.ping_waits = false;
        let Some((credentials, recipient)) =
            self.facts.credentials().zip(self.facts.partner.valid().copied())
        else {
            return;
        };
        if !self.online {
            return;
        }
        let request = self.next_request();
        self.ping_in_flight = Some(request);
        self.ping_clearings = self.facts.clearings;
        self.spaced_until = step.now + step.timing.min_cr_event_dt;
        actions.push(SenderAction::Post(Post {
            credentials,
            recipient,
            message: Message::CrEvent(CrEvent::ping()),
            request: Some(request),
        }));
    }

    /// The ping left. Who was assigned or rejected since it was handed over, it was not meant for.
    fn ping_left(&mut self, request: RequestNo, actions: &mut Vec<SenderAction>) {
        let clearings = self.facts.clearings;
        if self.ping_in_flight == Some(request) && self.ping_clearings == clearings {
            self.facts.note_ping_left();
            actions.push(SenderAction::Socket(socket::Input::PingLeft { clearings }));
        }
    }

    /// An event's turn has come: online it leaves; offline it is kept or dropped.
    fn take_turn(&mut self, event: Queued, step: &Step<'_>, actions: &mut Vec<SenderAction>) {
        if self.online {
            self.leave(event, step, actions);
            return;
        }
        let ticket = event.ticket;
        let fate = if !event.event.buffered {
            Fate::Dropped(WhyDropped::Offline)
        } else if self.queues_mut().is_kept_full(step.timing.max_queued) {
            Fate::Dropped(WhyDropped::BufferFull)
        } else {
            self.queues_mut().kept.push_back(event);
            Fate::Buffered
        };
        actions.push(SenderAction::Fate { ticket, fate });
    }

    fn leave(&mut self, event: Queued, step: &Step<'_>, actions: &mut Vec<SenderAction>) {
        self.spaced_until = step.now + step.timing.min_cr_event_dt;
        let request = self.next_request();
        let again = event.event.buffered.then(|| Box::new(event.clone()));
        let Queued { ticket, event, credentials, recipient, .. } = event;
        let message = Message::CrEvent(event);
        let post = Post { credentials, recipient, message, request: Some(request) };
        let queues = self.queues_mut();
        queues.mark_followed();
        queues.in_flight.push_back(InFlight { request, ticket, again });
        actions.push(SenderAction::Post(post));
        actions.push(SenderAction::Fate { ticket, fate: Fate::Sent });
    }

    fn outcome(
        &mut self,
        request: RequestNo,
        outcome: Outcome,
        step: &Step<'_>,
        actions: &mut Vec<SenderAction>,
    ) {
        if self.ping_in_flight == Some(request) {
            self.ping_in_flight = None;
            // Where the ping did not arrive, what was kept would be dropped by a partner that was reloaded.
            if let Some(queues) = self.queues.as_mut().filter(|_| may_have_arrived(&outcome)) {
                queues.release_kept();
            }
            return;
        }
        let Some(queues) = &mut self.queues else { return };
        if let Some(position) = queues.in_flight.iter().position(|sent| sent.request == request) {
            if let Some(sent) = queues.in_flight.remove(position) {
                self.settled(sent, outcome, step, actions);
            }
        } else if queues.unassign_outcome(request, &outcome, step.now) {
            actions.push(SenderAction::CancelTimer(TimerKind::Unassign));
        } else {
            // The timer found the request under way still.
            self.post_unassigns(step.timing.send_answer_dt, step, actions);
        }
    }

    /// The outcome of an event that left.
    fn settled(
        &mut self,
        sent: InFlight,
        outcome: Outcome,
        step: &Step<'_>,
        actions: &mut Vec<SenderAction>,
    ) {
        let fate = match (outcome, sent.again) {
            (Outcome::Understood, _) => {
                self.backoff.reset();
                Fate::Understood
            }
            (Outcome::NoAnswer, _) => Fate::Unconfirmed,
            (outcome, Some(event)) if outcome.is_worth_another_try() => {
                self.retry_at = step.now + self.backoff.next(step.random);
                self.queues_mut().put_back(*event);
                Fate::Buffered
            }
            (outcome @ (Outcome::NoConnection | Outcome::Refused { .. }), _) => Fate::Lost(outcome),
        };
        actions.push(SenderAction::Fate { ticket: sent.ticket, fate });
    }

    fn set_pace(&mut self, wait: Millis, step: &Step<'_>, actions: &mut Vec<SenderAction>) {
        let due = step.now + wait;
        if self.pace_due != Some(due) {
            self.pace_due = Some(due);
            actions.push(SenderAction::SetTimer { timer: TimerKind::Pace, after: wait });
        }
    }

    fn pace_fired(&mut self, step: &Step<'_>, actions: &mut Vec<SenderAction>) {
        let Some(due) = self.pace_due.take_if(|due| *due <= step.now) else { return };
        notice_sleep(due, step, actions);
    }

    fn next_request(&mut self) -> RequestNo {
        self.last_request = self.last_request.next();
        self.last_request
    }

    fn queues_mut(&mut self) -> &mut Queues {
        self.queues.get_or_insert_default()
    }

    fn forget_empty_queues(&mut self, step: &Step<'_>) {
        if self.queues.as_ref().is_some_and(|queues| queues.is_empty(step.now, step.timing.min_cr_event_dt)) {
            self.queues = None;
        }
    }
}

impl Default for Sender {
    fn default() -> Sender {
        Sender::new()
    }
}

/// A timer this late means that the device slept: what arrives now may be old (section 5, "Waking").
fn notice_sleep(due: Millis, step: &Step<'_>, actions: &mut Vec<SenderAction>) {
    if step.now - due > ASLEEP {
        actions.push(SenderAction::Socket(socket::Input::Woke));
    }
}

fn may_have_arrived(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Understood | Outcome::NoAnswer => true,
        Outcome::NoConnection | Outcome::Refused { .. } => false,
    }
}

/// Whose turn it is to leave.
#[derive(Clone, Copy)]
enum Turn {
    /// The waiting ping: spaced.
    Ping,
    /// An event that was kept while offline: unspaced, right behind the ping.
    Kept,
    /// The head of the queue: spaced.
    Queued,
}
