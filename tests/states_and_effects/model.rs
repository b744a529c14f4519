//! Sections 5 to 7 once more, naively: every fact is a field, every rule a few lines, nothing is clever.
//!
//! The model is told the same inputs as the crSocket, and which streams were opened. It says the state, the reports, and
//! which sendevents must leave now.

use std::collections::VecDeque;

use crsocket::protocol::action::{StreamNo, Ticket};
use crsocket::protocol::event::{CrEvent, EventKind, Rejection};
use crsocket::protocol::ids::{AccessToken, Assigned, ClientId, Credentials, Pid, Role};
use crsocket::protocol::receiver::{self, StreamEnd};
use crsocket::protocol::socket;
use crsocket::protocol::time::{TimerKind, Timing};
use crsocket::protocol::wire::Frame;
use crsocket::protocol::wired::Input;

use super::predicates::{self, Facts, IdFact, ReceiverFact, SenderFact, TextFact};

/// What a sendevent says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Ping,
    Inactive,
    Unassign,
    Reject(Rejection),
    Alive(Pid),
    Close(Pid),
    Ordinary(Ticket),
}

/// A sendevent.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) what: What,
    pub(crate) to: ClientId,
    pub(crate) credentials: Credentials,
}

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Credentials { client_id, access_token } = &self.credentials;
        write!(f, "{:?} to {} as {client_id}/{}", self.what, self.to, access_token.as_str())
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stream {
    None,
    /// Openable, no `hello` yet; the number once it was asked for.
    Opening(Option<StreamNo>, Option<Credentials>),
    Open(StreamNo, Pid, Credentials),
    Closing(StreamNo, Pid, Credentials, &'static str),
    Aborted(String),
}

#[derive(Clone, Debug)]
struct Heard {
    from: ClientId,
    at: i64,
    /// Neither `inactive`, `reject` nor `unassign`.
    friendly: bool,
}

/// What held when the last change was over.
#[derive(Clone, Debug)]
struct Before {
    state: &'static str,
    sender_ready: bool,
    credentials: Option<Credentials>,
    partner: Option<ClientId>,
    /// What the sender's rejection depends on.
    client: (bool, Option<ClientId>, Assigned<AccessToken>),
}

#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    sent: Sent,
    logged: bool,
    buffered: bool,
}

/// An `unassign` that is kept, or repeated.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) sent: Sent,
    pub(crate) since: i64,
    /// It was kept offline, and the client is online now.
    pub(crate) online_since: Option<i64>,
    /// It left once, and may be repeated: its answer did not come, or nobody waited for it.
    pub(crate) optional: bool,
}

pub(crate) struct Model {
    role: Role,
    timing: Timing,
    pub(crate) now: i64,
    visible: bool,
    pub(crate) online: bool,
    paused: bool,
    pub(crate) unloading: bool,
    id: Assigned<ClientId>,
    token: Assigned<AccessToken>,
    pub(crate) partner: Assigned<ClientId>,
    pub(crate) asked: bool,
    stream: Stream,
    rejection: Option<Rejection>,
    pub(crate) ping_left: bool,
    /// When pings leave is not for the model to say: the world tells it.
    pub(crate) watches_pings: bool,
    heard: Option<Heard>,
    assigned_by_ping: bool,
    searching_since: i64,
    before: Before,
    /// The credentials under which the partner knows this client, once others or none count.
    former: Option<Credentials>,
    strangers: VecDeque<(ClientId, i64)>,
    last_in: i64,
    last_out: i64,
    /// An `alive` left, and no frame came since.
    unechoed: bool,
    /// The device slept: until then, or until the echo of an `alive`, what comes may be as old as the sleep.
    stale_until: Option<i64>,
    /// The timer that fires was more than 5 s late.
    pub(crate) late: bool,
    last_hello: i64,
    queue: VecDeque<Waiting>,
    /// Kept while offline.
    kept: VecDeque<Waiting>,
    pub(crate) ping_waits: bool,
    spaced_until: i64,
    pub(crate) ping_due: Option<i64>,
    pub(crate) unassigns: Vec<Pending>,
    /// Of these, what this input took away; it may have left before.
    pub(crate) withdrawn: Vec<Pending>,
    /// What this input brings about.
    pub(crate) reports: Vec<&'static str>,
    pub(crate) partners: Vec<Option<ClientId>>,
    pub(crate) forwarded: Vec<CrEvent>,
    pub(crate) wants: Vec<Sent>,
    pub(crate) refused: Vec<Ticket>,
    pub(crate) accepted: Vec<(Ticket, Sent)>,
}

impl Model {
    pub(crate) fn new(role: Role, timing: Timing) -> Model {
        Model {
            role,
            timing,
            now: 0,
            visible: false,
            online: false,
            paused: false,
            unloading: false,
            id: Assigned::Nothing,
            token: Assigned::Nothing,
            partner: Assigned::Nothing,
            asked: false,
            stream: Stream::None,
            rejection: None,
            ping_left: false,
            watches_pings: false,
            heard: None,
            assigned_by_ping: false,
            searching_since: 0,
            before: Before {
                state: "passive",
                sender_ready: false,
                credentials: None,
                partner: None,
                client: (false, None, Assigned::Nothing),
            },
            former: None,
            strangers: VecDeque::new(),
            last_in: 0,
            last_out: 0,
            unechoed: false,
            stale_until: None,
            late: false,
            last_hello: i64::MIN / 2,
            queue: VecDeque::new(),
            kept: VecDeque::new(),
            ping_waits: false,
            spaced_until: i64::MIN,
            ping_due: None,
            unassigns: Vec::new(),
            withdrawn: Vec::new(),
            reports: Vec::new(),
            partners: Vec::new(),
            forwarded: Vec::new(),
            wants: Vec::new(),
            refused: Vec::new(),
            accepted: Vec::new(),
        }
    }

    // Facts.

    fn client_active(&self) -> bool {
        self.visible && self.online && !self.paused && !self.unloading
    }

    /// The credentials of the stream that has not ended: another value than these does not count yet.
    fn unended(&self) -> Option<&Credentials> {
        match &self.stream {
            Stream::Open(_, _, credentials) | Stream::Closing(_, _, credentials, _) => Some(credentials),
            Stream::None | Stream::Opening(..) | Stream::Aborted(_) => None,
        }
    }

    fn counted_id(&self) -> Option<ClientId> {
        let id = self.id.valid().copied()?;
        self.unended().is_none_or(|old| old.client_id == id).then_some(id)
    }

    fn counted_token(&self) -> Assigned<AccessToken> {
        match (&self.token, self.unended()) {
            (Assigned::Valid(token), Some(old)) if old.access_token != *token => Assigned::Nothing,
            (token, _) => token.clone(),
        }
    }

    pub(crate) fn credentials(&self) -> Option<Credentials> {
        let access_token = self.counted_token().valid()?.clone();
        Some(Credentials { client_id: self.counted_id()?, access_token })
    }

    fn why_not_openable(&self) -> Option<&'static str> {
        let token = text_fact(&self.counted_token());
        predicates::why_not_openable(self.client_active(), self.counted_id().is_some(), token)
    }

    fn partner_active(&self) -> bool {
        let length = self.timing.partner_active_max_event_in_dt.0;
        self.heard.as_ref().is_some_and(|heard| {
            self.partner.valid() == Some(&heard.from) && heard.friendly && self.now - heard.at < length
        })
    }

    pub(crate) fn facts(&self) -> Facts {
        let id = match (&self.id, self.counted_id()) {
            (Assigned::Nothing, _) => IdFact::Missing,
            (Assigned::Invalid, _) => IdFact::Invalid,
            (Assigned::Valid(_), None) => IdFact::NotCounted,
            (Assigned::Valid(_), Some(_)) => IdFact::Counted,
        };
        let receiver = match &self.stream {
            Stream::None => ReceiverFact::Closed(self.why_not_openable().unwrap_or("nothing")),
            Stream::Opening(..) => ReceiverFact::Opening,
            Stream::Open(..) => ReceiverFact::Open,
            Stream::Closing(_, _, _, why) => ReceiverFact::Closing(why),
            Stream::Aborted(why) => ReceiverFact::Aborted(why.clone()),
        };
        let sender = predicates::sender(
            self.client_active(),
            self.counted_id().is_some(),
            text_fact(&self.counted_token()),
            text_fact(&self.partner),
            self.rejection.as_ref().map(Rejection::as_str),
        );
        Facts {
            visible: self.visible,
            online: self.online,
            paused: self.paused,
            unloading: self.unloading,
            id,
            receiver,
            sender,
            partner_active: self.partner_active(),
        }
    }

    fn sender_ready(&self) -> bool {
        matches!(self.facts().sender, SenderFact::Ready { .. })
    }

    pub(crate) fn is_paired(&self) -> bool {
        is_paired(self.before.state)
    }

    /// Under which number frames arrive.
    pub(crate) fn stream_no(&self) -> Option<StreamNo> {
        match &self.stream {
            Stream::Opening(number, _) => *number,
            Stream::Open(number, ..) | Stream::Closing(number, ..) => Some(*number),
            Stream::None | Stream::Aborted(_) => None,
        }
    }

    /// Whether a stream must be asked for in a while: there is none to wait for.
    pub(crate) fn must_try_again(&self) -> bool {
        match &self.stream {
            Stream::Opening(None, _) => true,
            Stream::Aborted(why) => ["clientNotAlive", "error", "clientIdInUse"].contains(&why.as_str()),
            _ => false,
        }
    }

    /// After which time a stream may be asked for again.
    pub(crate) fn reopens_within(&self) -> Option<std::ops::RangeInclusive<i64>> {
        let range = match &self.stream {
            Stream::Opening(None, _) => 375..=18_750,
            Stream::Aborted(why) if why == "clientNotAlive" => 375..=18_750,
            Stream::Aborted(why) if why == "error" || why == "clientIdInUse" => 15_000..=60_000,
            Stream::Aborted(why) if why == "releasedByOther" && self.now - self.last_hello <= 10_000 => {
                1_000..=1_000
            }
            _ => return None,
        };
        Some(range)
    }

    /// The earliest moment at which something of the model's own is overdue.
    pub(crate) fn next_due(&self) -> Option<(i64, &'static str)> {
        let ping = self.ping_due.filter(|_| self.is_paired() && !self.ping_waits).map(|at| (at, "ping"));
        let partner = (self.before.state == "interacting")
            .then(|| self.heard.as_ref().map(|heard| heard.at + self.timing.partner_active_max_event_in_dt.0))
            .flatten()
            .map(|at| (at, "partner timeout"));
        let waits = self.ping_waits || !self.queue.is_empty() && self.kept.is_empty();
        let pace = waits.then_some((self.spaced_until, "queue"));
        let alive = matches!(self.stream, Stream::Open(..))
            .then(|| (self.last_in.min(self.last_out) + self.timing.event_source_send_alive_dt.0, "alive"));
        let release = self.release_due().map(|at| (at, "release"));
        let unassign = self
            .unassigns
            .iter()
            .filter(|pending| !pending.optional)
            .filter_map(|pending| Some((pending.online_since? + self.timing.send_answer_dt.0, pending.since)))
            .filter(|(at, since)| at - since < self.timing.unassign_wait_dt.0)
            .map(|(at, _)| (at, "unassign"));
        [ping, partner, pace, alive, release].into_iter().flatten().chain(unassign).min()
    }

    fn release_due(&self) -> Option<i64> {
        let on = self.timing.release_dt.0 > 0 && self.assigned_by_ping && self.before.state == "searching";
        on.then_some(self.searching_since + self.timing.release_dt.0)
    }

    // What happens.

    /// Forgets what the last input brought about.
    pub(crate) fn begin(&mut self, now: i64) {
        self.now = now;
        self.reports.clear();
        self.partners.clear();
        self.forwarded.clear();
        self.wants.clear();
        self.refused.clear();
        if !self.watches_pings {
            self.withdrawn.clear();
        }
        self.accepted.clear();
    }

    pub(crate) fn handle(&mut self, input: &Input) {
        match input {
            Input::Socket(input) => self.handle_socket(input),
            Input::Receiver(input) => self.handle_receiver(input),
            Input::SendLine(_) => {}
            Input::Timer(timer) => self.handle_timer(*timer),
        }
    }

    fn handle_socket(&mut self, input: &socket::Input) {
        match input {
            socket::Input::Visible(visible) => {
                self.visible = *visible;
                self.changed(true, false);
            }
            socket::Input::Online(online) => {
                self.online = *online;
                for pending in &mut self.unassigns {
                    pending.online_since = online.then_some(pending.online_since.unwrap_or(self.now));
                }
                self.changed(true, false);
                self.leave_in_turn();
            }
            socket::Input::Paused(paused) => {
                self.paused = *paused;
                self.changed(true, false);
            }
            socket::Input::Unloading(unloading) => {
                self.unloading = *unloading;
                self.changed(true, false);
            }
            socket::Input::ClientId(id) => {
                self.asked &= *id == Assigned::Nothing;
                self.set_id(id.clone());
            }
            socket::Input::ClientIdAnswer(answer) => {
                // An answer to an earlier request is as good.
                if let (Some(id), Assigned::Nothing) = (answer, &self.id) {
                    self.asked = false;
                    self.set_id(Assigned::Valid(*id));
                }
            }
            socket::Input::AccessToken(token) => {
                let replaced =
                    self.token.valid().is_some() && token.valid().is_some() && self.token != *token;
                if replaced {
                    self.token = Assigned::Nothing;
                    self.changed(true, true);
                }
                let gone = self.token.valid().is_some() && self.token != *token;
                self.token = token.clone();
                self.changed(true, gone);
            }
            socket::Input::Partner(partner) => {
                self.assigned_by_ping = false;
                self.assign(partner.clone());
            }
            socket::Input::Send { ticket, event } => self.send(*ticket, event),
            other => panic!("{other:?} does not come from the world"),
        }
    }

    /// "Clearing or changing it: first the goodbye with the old id (a controller unassigns its partner; a paired
    /// responder says `inactive` and lets go), then the stream closes, then the new id counts".
    fn set_id(&mut self, id: Assigned<ClientId>) {
        if self.id.valid().is_some() && self.id != id {
            if self.role == Role::Controller {
                if self.partner != Assigned::Nothing {
                    self.let_go();
                }
                self.id = if id.valid().is_some() { Assigned::Nothing } else { id.clone() };
                self.heard = None;
                self.changed(true, false);
            } else {
                let paired = self.is_paired();
                self.id = if id.valid().is_some() { Assigned::Nothing } else { id.clone() };
                self.heard = None;
                self.changed(true, false);
                if paired {
                    self.let_go();
                }
            }
        }
        self.id = id;
        self.changed(true, false);
    }

    /// The partner is assigned no more.
    fn let_go(&mut self) {
        if self.role == Role::Controller
            && let Some(partner) = self.partner.valid().copied()
        {
            self.unassign(partner);
        }
        if self.partner.valid().is_some() {
            self.partners.push(None);
        }
        self.partner = Assigned::Nothing;
        self.former = None;
        self.new_partner();
    }

    fn new_partner(&mut self) {
        self.ping_waits = false;
        self.rejection = None;
        self.ping_left = false;
        self.changed(false, false);
    }

    fn assign(&mut self, partner: Assigned<ClientId>) {
        if partner == self.partner && self.rejection.is_none() {
            return;
        }
        if self.partner.valid().is_some() && partner != self.partner {
            self.let_go();
        }
        if let Some(partner) = partner.valid() {
            let partner = *partner;
            self.withdraw(partner);
        }
        if partner != self.partner && partner.valid().is_some() {
            self.partners.push(partner.valid().copied());
        }
        if partner != self.partner {
            self.former = None;
        }
        self.partner = partner;
        self.new_partner();
    }

    /// A kept `unassign` is not repeated once that partner is assigned again.
    fn withdraw(&mut self, partner: ClientId) {
        let (gone, kept) = self.unassigns.drain(..).partition(|pending| pending.sent.to == partner);
        self.unassigns = kept;
        self.withdrawn.extend::<Vec<_>>(gone);
    }

    /// "Before `unassign`, what is queued for that partner and buffered or logged leaves so, the rest is dropped".
    fn unassign(&mut self, partner: ClientId) {
        self.ping_waits = false;
        if self.heard.as_ref().is_some_and(|heard| heard.from == partner) {
            self.heard = None;
        }
        self.leave_kept_for(partner);
        for waiting in std::mem::take(&mut self.queue) {
            if waiting.sent.to != partner {
                self.queue.push_back(waiting);
            } else if waiting.logged || waiting.buffered {
                self.leave(waiting);
            }
        }
        // While none count, "with the former credentials, under which the partner knows this client".
        if let Some(credentials) = self.credentials().or_else(|| self.former.clone()) {
            let sent = Sent { what: What::Unassign, to: partner, credentials };
            if self.online {
                self.say_pending();
                self.wants.push(sent);
            } else {
                self.unassigns.push(Pending { sent, since: self.now, online_since: None, optional: false });
            }
        }
    }

    fn leave_kept_for(&mut self, partner: ClientId) {
        for waiting in std::mem::take(&mut self.kept) {
            if waiting.sent.to == partner {
                self.leave(waiting);
            } else {
                self.kept.push_back(waiting);
            }
        }
    }

    /// An `unassign` that was kept leaves, and before it what was kept for that partner. Where answers are late or
    /// missing, which ones leave is not for the model to say.
    fn say_pending(&mut self) {
        if !self.online || self.watches_pings {
            return;
        }
        for pending in std::mem::take(&mut self.unassigns) {
            if self.now - pending.since < self.timing.unassign_wait_dt.0 {
                self.leave_kept_for(pending.sent.to);
                self.wants.push(pending.sent);
            }
        }
    }

    fn send(&mut self, ticket: Ticket, event: &CrEvent) {
        let (Some(credentials), Some(partner), true) =
            (self.credentials(), self.partner.valid(), self.sender_ready())
        else {
            self.refused.push(ticket);
            return;
        };
        let sent = Sent { what: What::Ordinary(ticket), to: *partner, credentials };
        self.accepted.push((ticket, sent.clone()));
        self.queue.push_back(Waiting { sent, logged: event.logged, buffered: event.buffered });
        self.leave_in_turn();
    }

    /// An ordinary crEvent leaves, or is dropped because the client is offline.
    fn leave(&mut self, waiting: Waiting) {
        if self.online {
            self.spaced_until = self.now + self.timing.min_cr_event_dt.0;
            self.wants.push(waiting.sent);
        } else if waiting.buffered {
            self.kept.push_back(waiting);
        }
    }

    /// What is queued leaves, at least minCrEventDt apart, a ping first.
    fn leave_in_turn(&mut self) {
        while self.now >= self.spaced_until {
            if self.ping_waits {
                self.ping_waits = false;
                let (Some(credentials), Some(partner)) = (self.credentials(), self.partner.valid()) else {
                    continue;
                };
                let to = *partner;
                let sent = Sent { what: What::Ping, to, credentials };
                self.leave(Waiting { sent, logged: false, buffered: false });
                if self.online {
                    // "right behind its `ping`, unspaced, in order, before the queue"
                    for waiting in std::mem::take(&mut self.kept) {
                        self.leave(waiting);
                    }
                    self.ping_left |= !self.watches_pings;
                    self.ping_due = self.pace().map(|pace| self.now + pace);
                }
            } else if self.online && !self.kept.is_empty() {
                // What is kept goes before the queue, and not before the two are paired again.
                return;
            } else if let Some(waiting) = self.queue.pop_front() {
                self.leave(waiting);
            } else {
                return;
            }
        }
    }

    fn pace(&self) -> Option<i64> {
        match self.before.state {
            "interacting" => Some(self.timing.interacting_max_event_out_dt.0),
            "searching" => Some(self.timing.searching_max_event_out_dt.0),
            _ => None,
        }
    }

    /// "what is queued leaves at once, unspaced, in order"
    fn flush(&mut self) {
        self.ping_waits = false;
        let kept = std::mem::take(&mut self.kept);
        for waiting in kept.into_iter().chain(std::mem::take(&mut self.queue)) {
            self.leave(waiting);
        }
    }

    /// A fact changed: the stream, the state and the effects follow.
    fn changed(&mut self, set_anew: bool, token_gone: bool) {
        let client = (self.client_active(), self.counted_id(), self.counted_token());
        if client != self.before.client {
            self.rejection = None;
            self.ping_left = false;
        }
        let waited = self.ping_waits;
        let close = self.settle_stream(set_anew);
        let state = self.facts().state();
        if state != self.before.state {
            self.effects(state, token_gone);
        }
        let credentials = self.credentials();
        let others_count = (&client.1, &client.2) != (&self.before.client.1, &self.before.client.2);
        if others_count && self.before.credentials.is_some() {
            self.flush();
            self.former = self.before.credentials.take().filter(|_| self.partner.valid().is_some());
        }
        self.wants.extend(close);
        self.before = Before {
            state,
            sender_ready: self.sender_ready(),
            credentials,
            partner: self.partner.valid().copied(),
            client: (self.client_active(), self.counted_id(), self.counted_token()),
        };
        if self.ping_waits && !waited {
            self.leave_in_turn();
        }
    }

    /// The table of section 5.
    fn settle_stream(&mut self, set_anew: bool) -> Option<Sent> {
        let why = self.why_not_openable();
        let (stream, close) = match (self.stream.clone(), why) {
            (Stream::None, None) => (Stream::Opening(None, None), None),
            (Stream::Opening(..) | Stream::Aborted(_), Some(_)) => (Stream::None, None),
            (Stream::Open(number, pid, credentials), Some(why)) => {
                let to = credentials.client_id;
                let close = Sent { what: What::Close(pid), to, credentials: credentials.clone() };
                (Stream::Closing(number, pid, credentials, why), Some(close))
            }
            (Stream::Closing(number, pid, credentials, _), Some(why)) => {
                (Stream::Closing(number, pid, credentials, why), None)
            }
            (Stream::Aborted(_), None) if set_anew => (Stream::Opening(None, None), None),
            (stream, _) => (stream, None),
        };
        self.stream = stream;
        close
    }

    /// The table of section 7.
    fn effects(&mut self, to: &'static str, token_gone: bool) {
        let from = self.before.state;
        self.reports.push(to);
        self.before.state = to;
        match to {
            "searching" | "interacting" if !is_paired(from) => self.ping_waits = true,
            "interacting" => self.ping_waits = true,
            "searching" => self.ping_due = Some(self.now + self.timing.searching_max_event_out_dt.0),
            "passive" if (is_paired(from) || from == "connecting") && self.before.sender_ready => {
                self.say_inactive();
            }
            "readyToConnect" | "connecting" if is_paired(from) && token_gone => self.say_inactive(),
            _ => {}
        }
        if to == "searching" {
            self.searching_since = self.now;
        }
        if !is_paired(to) {
            self.ping_due = None;
            // "Will be sent [...] when the sender is paired"
            self.ping_waits = false;
        }
    }

    fn say_inactive(&mut self) {
        self.flush();
        if let (Some(credentials), Some(to), true) =
            (&self.before.credentials, self.before.partner, self.online)
        {
            let credentials = credentials.clone();
            self.wants.push(Sent { what: What::Inactive, to, credentials });
        }
    }

    fn handle_receiver(&mut self, input: &receiver::Input) {
        match input {
            receiver::Input::Frame { stream, frame } => {
                if self.stream_no() == Some(*stream) {
                    self.handle_frame(*stream, frame);
                }
            }
            receiver::Input::Ended { stream, how } => {
                if self.stream_no() == Some(*stream) {
                    self.handle_end(*how);
                }
            }
            receiver::Input::Retry { .. } => {}
            other => panic!("{other:?} does not come from the world"),
        }
    }

    /// The old stream is over; what holds now counts.
    fn ended(&mut self) {
        self.stream = Stream::None;
        self.changed(false, false);
    }

    fn reopening(&mut self) {
        self.stream = Stream::Opening(None, None);
        self.changed(false, false);
    }

    fn handle_end(&mut self, how: StreamEnd) {
        let is_closing = matches!(self.stream, Stream::Closing(..));
        match how {
            _ if is_closing => self.ended(),
            StreamEnd::NoConnection | StreamEnd::Broken | StreamEnd::Status(429 | 500..=599) => {
                self.reopening();
            }
            StreamEnd::Status(_) | StreamEnd::NotEventStream => {
                self.stream = Stream::Aborted("error".into());
                self.changed(false, false);
            }
        }
    }

    fn handle_frame(&mut self, number: StreamNo, frame: &Frame) {
        let pid = frame.pid();
        let current = match &self.stream {
            Stream::Open(_, pid, _) => Some(*pid),
            _ => None,
        };
        let echoed = match &self.stream {
            Stream::Open(_, pid, _) | Stream::Closing(_, pid, ..) => Some(*pid),
            _ => None,
        };
        // What is ignored, because its pid is another one, is no sign of life either.
        self.unechoed &= pid.is_some() && pid != current && !matches!(frame, Frame::Hello { .. });
        let is_fresh = match frame {
            Frame::Hello { .. } => matches!(self.stream, Stream::Opening(..)) || pid == current,
            Frame::Alive { .. } => pid == echoed,
            _ => false,
        };
        if is_fresh {
            self.stale_until = None;
        }
        match (self.stream.clone(), frame) {
            (Stream::Opening(_, credentials), Frame::Hello { pid }) => {
                self.stream = Stream::Open(number, *pid, credentials.unwrap());
                self.last_in = self.now;
                self.last_out = self.now;
                self.last_hello = self.now;
                self.changed(false, false);
            }
            (Stream::Open(number, _, credentials), Frame::Hello { pid }) => {
                self.stream = Stream::Open(number, *pid, credentials);
                self.last_in = self.now;
                self.last_out = self.now;
                self.last_hello = self.now;
            }
            (Stream::Opening(..), Frame::Aborted { reason, .. }) => {
                self.stream = Stream::Aborted(reason.as_str().into());
                self.changed(false, false);
            }
            (Stream::Open(_, current, _), Frame::Aborted { reason, .. }) if pid == Some(current) => {
                self.stream = Stream::Aborted(reason.as_str().into());
                self.changed(false, false);
            }
            (Stream::Open(_, current, _), Frame::Shutdown { .. } | Frame::Closed { .. })
                if pid == Some(current) =>
            {
                self.reopening();
            }
            (
                Stream::Closing(_, current, _, _),
                Frame::Aborted { .. } | Frame::Shutdown { .. } | Frame::Closed { .. },
            ) if pid == Some(current) => self.ended(),
            (
                Stream::Open(_, _, credentials) | Stream::Closing(_, _, credentials, _),
                Frame::CrEvent(text),
            ) => {
                self.last_in = self.now;
                self.received(&CrEvent::from_event_data(text), credentials);
            }
            _ => {}
        }
    }

    /// "A crEvent arrives from S".
    fn received(&mut self, event: &CrEvent, credentials: Credentials) {
        let Some(from) = event.sender else { return };
        let kind = event.kind();
        let is_partner = self.partner.valid() == Some(&from);
        let ready_to_pair = self.before.state == "readyToPair";
        let is_free = self.role == Role::Responder && ready_to_pair;
        if is_partner || (is_free && kind == EventKind::Ping) {
            self.received_from_partner(from, credentials.client_id, kind, event, ready_to_pair);
            self.forwarded.push(event.clone());
        } else if kind == EventKind::Ping {
            let rejection = match (self.role, self.partner.valid()) {
                (Role::Controller, Some(_)) => Some(Rejection::AssignedToOther),
                (Role::Controller, None) => Some(Rejection::NotPaired),
                (Role::Responder, Some(_)) => self.rejection.is_none().then_some(Rejection::AssignedToOther),
                (Role::Responder, None) => None,
            };
            if let Some(rejection) = rejection {
                self.reject(from, rejection, credentials);
            }
        }
    }

    fn received_from_partner(
        &mut self,
        from: ClientId,
        to: ClientId,
        kind: EventKind,
        event: &CrEvent,
        ready_to_pair: bool,
    ) {
        let friendly = !matches!(kind, EventKind::Inactive | EventKind::Reject | EventKind::Unassign);
        // What comes on the stream of an old clientId was not said to the present one.
        let is_old = self.id.valid() != Some(&to);
        let stale = is_old || self.stale_until.is_some_and(|until| self.now < until);
        // Activity first, so that one change is one step.
        let heard = match friendly && stale {
            true => self.heard.clone(),
            false => Some(Heard { from, at: self.now, friendly }),
        };
        match kind {
            EventKind::Ping if ready_to_pair => {
                if self.partner.valid() == Some(&from) {
                    self.heard = heard;
                    self.new_partner();
                } else {
                    if self.partner.valid().is_some() {
                        self.let_go();
                    }
                    self.withdraw(from);
                    self.partner = Assigned::Valid(from);
                    self.former = None;
                    self.partners.push(Some(from));
                    self.assigned_by_ping = true;
                    self.heard = heard;
                    self.new_partner();
                }
            }
            EventKind::Unassign if self.role == Role::Responder => {
                self.heard = heard;
                self.let_go();
            }
            EventKind::Reject => {
                self.heard = heard;
                if self.ping_left {
                    self.rejection = Some(Rejection::from_sub_type(&event.sub_type));
                    self.ping_waits = false;
                }
                self.changed(false, false);
            }
            EventKind::Ping | EventKind::Inactive | EventKind::Unassign | EventKind::Ordinary => {
                self.heard = heard;
                self.changed(false, false);
            }
        }
    }

    /// "`reject` at most once in minCrEventDt to the same stranger (the last eight are remembered)".
    fn reject(&mut self, to: ClientId, rejection: Rejection, credentials: Credentials) {
        let too_soon = self
            .strangers
            .iter()
            .any(|(stranger, at)| *stranger == to && self.now - at < self.timing.min_cr_event_dt.0);
        if !self.online || too_soon {
            return;
        }
        self.strangers.retain(|(stranger, _)| *stranger != to);
        self.strangers.push_back((to, self.now));
        if self.strangers.len() > 8 {
            self.strangers.pop_front();
        }
        self.wants.push(Sent { what: What::Reject(rejection), to, credentials });
    }

    fn handle_timer(&mut self, timer: TimerKind) {
        if self.late && matches!(self.stream, Stream::Open(..)) {
            // An `alive` leaves at once.
            self.stale_until = Some(self.now + self.timing.send_answer_dt.0);
            self.unechoed = true;
            self.last_in = self.now;
            self.last_out = self.now;
        }
        match timer {
            TimerKind::Ping => {
                if self.is_paired() && !self.ping_waits && self.ping_due.is_some_and(|due| due <= self.now) {
                    self.ping_waits = true;
                    self.leave_in_turn();
                }
            }
            TimerKind::Partner => self.changed(false, false),
            TimerKind::Pace => self.leave_in_turn(),
            TimerKind::Alive => self.alive_due(),
            TimerKind::Close => {
                if matches!(self.stream, Stream::Closing(..)) {
                    self.ended();
                }
            }
            TimerKind::Hello => {
                if matches!(self.stream, Stream::Opening(Some(_), _)) {
                    self.reopening();
                }
            }
            TimerKind::Reopen => {
                if let Stream::Aborted(why) = &self.stream {
                    let heals = ["clientNotAlive", "error", "clientIdInUse", "releasedByOther"];
                    assert!(
                        heals.contains(&why.as_str()),
                        "a receiver aborted for {why} must wait for its user"
                    );
                    self.reopening();
                }
            }
            TimerKind::Release => {
                if self.release_due().is_some_and(|due| due <= self.now) {
                    self.let_go();
                }
            }
            TimerKind::Unassign => {
                self.say_pending();
                self.leave_in_turn();
            }
            TimerKind::Answer | TimerKind::ClientId => {}
        }
    }

    /// "after every eventSourceSendAliveDt without a `hello` or crEvent, or without a sendevent of one's own, send
    /// `alive`", "No frame at all between an `alive` and the next one due means a broken stream".
    fn alive_due(&mut self) {
        let Stream::Open(_, pid, credentials) = self.stream.clone() else { return };
        if self.last_in.min(self.last_out) + self.timing.event_source_send_alive_dt.0 > self.now {
            return;
        }
        if self.unechoed {
            self.reopening();
            return;
        }
        self.unechoed = true;
        self.last_in = self.now;
        self.last_out = self.now;
        self.wants.push(Sent { what: What::Alive(pid), to: credentials.client_id, credentials });
    }

    // What the world saw.

    /// A stream was asked for.
    pub(crate) fn opened(&mut self, number: StreamNo, credentials: &Credentials) -> Result<(), String> {
        if !matches!(self.stream, Stream::Opening(None, _)) {
            return Err(format!("{number:?} is opened while {:?}", self.stream));
        }
        if Some(credentials) != self.credentials().as_ref() {
            return Err(format!("{number:?} is opened as {credentials:?}, not as {:?}", self.credentials()));
        }
        self.unechoed = false;
        self.stream = Stream::Opening(Some(number), Some(credentials.clone()));
        Ok(())
    }

    /// A sendevent left.
    pub(crate) fn left(&mut self, sent: &Sent) {
        if self.watches_pings && sent.what == What::Ping && self.partner.valid() == Some(&sent.to) {
            self.ping_left = true;
        }
        self.last_out = self.now;
    }

    pub(crate) fn id(&self) -> &Assigned<ClientId> {
        &self.id
    }
}

fn is_paired(state: &str) -> bool {
    state == "searching" || state == "interacting"
}

fn text_fact<T>(assigned: &Assigned<T>) -> TextFact {
    match assigned {
        Assigned::Nothing => TextFact::Missing,
        Assigned::Invalid => TextFact::Invalid,
        Assigned::Valid(_) => TextFact::Valid,
    }
}
