//! What one client was told, and what its streams said to it. From this alone follows what its state must be (sections
//! 5 to 7), in words of their own: nothing here looks into the machines or uses their functions.

use super::invariant::{Broken, Invariant};
use super::text::{head_of, sender_of};
use crate::protocol::action::{Message, Notice, StreamNo};
use crate::protocol::event::{CrEvent, EventKind, Rejection};
use crate::protocol::ids::{AccessToken, Assigned, ClientId, Credentials, Pid, Role};
use crate::protocol::receiver::{self, StreamEnd, WhyAborted, WhyClosed};
use crate::protocol::sender::WhyNotReady;
use crate::protocol::socket::{self, ClientFacts, State, WhyPassive, WhyUnconnected, WhyUnpaired};
use crate::protocol::time::{Millis, Step};
use crate::protocol::wire::Frame;
use crate::protocol::wired::{Effect, Input};

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// What the enclosing client set, or was told to be its clientId.
    pub(super) client: ClientFacts,
    /// The partner that it set, or was told of.
    pub(super) partner: Assigned<ClientId>,
    /// That was assigned by a ping.
    pub(super) assigned_by_ping: bool,
    /// What the partner rejected this client with.
    pub(super) rejection: Option<Rejection>,
    /// The partner for whom a ping left since the rejection was last cleared.
    pinged: Option<ClientId>,
    /// So many pings were on their way to the link when it was: these do not count.
    late_pings: usize,
    /// So many were when this step began, and have not left since.
    pings_waiting: usize,
    /// The partner that the enclosing client sets in this step.
    setting: Option<Assigned<ClientId>>,
    /// The last event of the partner.
    heard: Option<Heard>,
    /// Its connection to an event stream.
    pub(super) stream: Option<Stream>,
    /// The server gave its stream up, and nothing was set anew since.
    pub(super) aborted: Option<WhyAborted>,
    /// Who it counts as, at the end of the last step.
    pub(super) counted: Counted,
    /// Something in this step may change that, or the partner.
    pub(super) is_touched: bool,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    from: ClientId,
    at: Millis,
    active: bool,
}

/// A connection that was opened, and neither dropped nor ended.
#[derive(Debug)]
pub(super) struct Stream {
    number: StreamNo,
    pub(super) credentials: Credentials,
    /// From its `hello` on.
    pub(super) pid: Option<Pid>,
    /// Why it is closing.
    pub(super) closing: Option<WhyClosed>,
}

/// Section 5: another clientId or accessToken than the open stream's counts as missing until that has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    active: bool,
    pub(super) client_id: Option<ClientId>,
    pub(super) access_token: Assigned<AccessToken>,
}

impl Counted {
    pub(super) fn credentials(&self) -> Option<Credentials> {
        let (client_id, token) = self.client_id.zip(self.access_token.valid())?;
        Some(Credentials { client_id, access_token: token.clone() })
    }

    /// The first that applies, in this order.
    fn why_not_openable(&self) -> Option<WhyClosed> {
        match (self.active, self.client_id, &self.access_token) {
            (false, _, _) => Some(WhyClosed::ClientNotActive),
            (true, None, _) => Some(WhyClosed::NoClientId),
            (true, Some(_), Assigned::Nothing) => Some(WhyClosed::NoAccessToken),
            (true, Some(_), Assigned::Invalid) => Some(WhyClosed::InvalidAccessToken),
            (true, Some(_), Assigned::Valid(_)) => None,
        }
    }
}

impl Told {
    /// It is handed an input. `pings_waiting` are on their way to the link.
    pub(super) fn take(&mut self, input: &Input, state: &State, pings_waiting: usize) {
        self.pings_waiting = pings_waiting;
        self.is_touched = match input {
            Input::Socket(socket::Input::Send { .. }) | Input::SendLine(_) | Input::Timer(_) => false,
            Input::Receiver(receiver::Input::Frame { frame, .. }) => !matches!(frame, Frame::CrEvent(_)),
            Input::Socket(_) | Input::Receiver(_) => true,
        };
        match input {
            Input::Socket(input) => self.take_from_client(input),
            Input::Receiver(input) => self.take_from_stream(input, state),
            Input::SendLine(_) | Input::Timer(_) => {}
        }
    }

    fn take_from_client(&mut self, input: &socket::Input) {
        match input {
            socket::Input::Visible(visible) => self.client.visible = *visible,
            socket::Input::Online(online) => self.client.online = *online,
            socket::Input::Paused(paused) => self.client.paused = *paused,
            socket::Input::Unloading(unloading) => self.client.unloading = *unloading,
            socket::Input::AccessToken(token) => self.client.access_token = token.clone(),
            socket::Input::ClientId(id) => {
                if self.client.client_id.valid().is_some() && self.client.client_id != *id {
                    self.heard = None;
                }
                self.client.client_id = id.clone();
            }
            socket::Input::Partner(partner) => {
                if self.rejection.is_some() && self.partner == *partner {
                    self.clear_rejection();
                }
                self.setting = Some(partner.clone());
                return;
            }
            socket::Input::ClientIdAnswer(_)
            | socket::Input::Send { .. }
            | socket::Input::ReceiverReport { .. }
            | socket::Input::Received { .. }
            | socket::Input::PingLeft { .. }
            | socket::Input::Woke
            | socket::Input::Timer(_) => return,
        }
        // Something was set anew.
        self.aborted = None;
    }

    fn take_from_stream(&mut self, input: &receiver::Input, state: &State) {
        let Some(stream) = &mut self.stream else { return };
        match input {
            receiver::Input::Frame { stream: number, frame } if *number == stream.number => match frame {
                Frame::Hello { pid } if stream.closing.is_none() => stream.pid = Some(*pid),
                Frame::Aborted { pid, reason, .. } if stream.closing.is_none() => {
                    if stream.pid.is_none_or(|own| own == *pid) {
                        self.aborted = Some(WhyAborted::Server(reason.clone()));
                    }
                }
                Frame::CrEvent(text) if self.rejection.is_some() => {
                    // A ping of the partner in readyToPair assigns it once more.
                    if matches!(state, State::ReadyToPair(_))
                        && head_of(text) == "ping"
                        && sender_of(text).as_ref() == self.partner.valid()
                    {
                        self.clear_rejection();
                    }
                }
                Frame::Hello { .. }
                | Frame::Aborted { .. }
                | Frame::CrEvent(_)
                | Frame::Alive { .. }
                | Frame::Closed { .. }
                | Frame::Shutdown { .. } => {}
            },
            receiver::Input::Ended { stream: number, how } if *number == stream.number => {
                let is_error = match how {
                    StreamEnd::Status(status) => !matches!(status, 429 | 500..=599),
                    StreamEnd::NotEventStream => true,
                    StreamEnd::NoConnection | StreamEnd::Broken => false,
                };
                if is_error && stream.pid.is_none() {
                    self.aborted = Some(WhyAborted::Error);
                }
                self.stream = None;
            }
            receiver::Input::Frame { .. }
            | receiver::Input::Ended { .. }
            | receiver::Input::Retry { .. }
            | receiver::Input::Set { .. }
            | receiver::Input::Sent
            | receiver::Input::Woke
            | receiver::Input::Timer(_) => {}
        }
    }

    /// It asks for this.
    pub(super) fn note(&mut self, effect: &Effect, role: Role, step: &Step<'_>) {
        match effect {
            Effect::Open { stream, credentials, .. } => {
                self.is_touched = true;
                let (number, credentials) = (*stream, credentials.clone());
                self.stream = Some(Stream { number, credentials, pid: None, closing: None });
                self.aborted = None;
            }
            Effect::Drop { stream } => {
                self.is_touched = true;
                self.stream.take_if(|standing| standing.number == *stream);
            }
            Effect::Send { post, .. } => {
                if let Message::CrEvent(event) = &post.message
                    && event.kind() == EventKind::Ping
                {
                    self.pings_waiting = self.pings_waiting.saturating_sub(1);
                    if self.late_pings > 0 {
                        self.late_pings -= 1;
                    } else {
                        self.pinged = Some(post.recipient);
                    }
                }
            }
            Effect::Notify(Notice::Partner(partner)) => self.told_of_partner(*partner, role),
            Effect::Notify(Notice::ClientId(id)) => {
                self.client.client_id = Assigned::Valid(*id);
                self.aborted = None;
                self.is_touched = true;
            }
            Effect::Notify(Notice::CrEvent(event)) => self.hear(event, step),
            Effect::Notify(Notice::State { .. } | Notice::Fate { .. })
            | Effect::RequestClientId
            | Effect::SetTimer { .. }
            | Effect::CancelTimer(_) => {}
        }
    }

    /// Another partner comes in two steps, each of which the enclosing client is told of.
    fn told_of_partner(&mut self, partner: Option<ClientId>, role: Role) {
        // Who lets its partner go says so, and forgets what it heard of it; a responder does not.
        if role == Role::Controller {
            self.heard.take_if(|heard| partner.is_none() && self.partner.valid() == Some(&heard.from));
        }
        self.assigned_by_ping = partner.is_some() && self.setting.is_none();
        self.partner = partner.into();
        self.is_touched = true;
        self.clear_rejection();
    }

    fn hear(&mut self, event: &CrEvent, step: &Step<'_>) {
        let Some(from) = event.sender else { return };
        let kind = event.kind();
        let active = matches!(kind, EventKind::Ping | EventKind::Ordinary);
        // What comes on the stream of an old clientId was not said to the present one.
        let meant_for_other = self
            .stream
            .as_ref()
            .is_some_and(|stream| self.client.client_id.valid() != Some(&stream.credentials.client_id));
        if !(active && meant_for_other) {
            self.heard = Some(Heard { from, at: step.now, active });
        }
        if kind == EventKind::Reject && self.partner.valid() == Some(&from) && self.pinged == Some(from) {
            self.rejection = Some(Rejection::from_sub_type(&event.sub_type));
        }
    }

    fn clear_rejection(&mut self) {
        self.rejection = None;
        self.pinged = None;
        self.late_pings = self.pings_waiting;
    }

    /// All effects of a step are noted. Gives out what counted before, where that has changed.
    pub(super) fn settle(&mut self) -> Result<Option<Counted>, Broken> {
        if !self.is_touched {
            return Ok(None);
        }
        if let Some(set) = self.setting.take() {
            if self.partner.valid() != set.valid() {
                let seen = format!("{set:?} was assigned, and {:?} told", self.partner);
                return Err((Invariant::StateFollowsFacts, seen));
            }
            self.partner = set;
            self.assigned_by_ping = false;
        }
        let counted = self.count();
        let mut before = None;
        if counted != self.counted {
            before = Some(std::mem::replace(&mut self.counted, counted));
            self.clear_rejection();
        }
        if let Some(stream) = self.stream.as_mut().filter(|stream| stream.pid.is_some()) {
            stream.closing = self.counted.why_not_openable().or(stream.closing);
        }
        Ok(before)
    }

    fn count(&self) -> Counted {
        let client = &self.client;
        let active = client.visible && client.online && !(client.paused || client.unloading);
        let mut client_id = client.client_id.valid().copied();
        let mut access_token = client.access_token.clone();
        if let Some(Stream { credentials, pid: Some(_), .. }) = &self.stream {
            client_id = client_id.filter(|id| *id == credentials.client_id);
            if access_token.valid().is_some_and(|token| *token != credentials.access_token) {
                access_token = Assigned::Nothing;
            }
        }
        Counted { active, client_id, access_token }
    }

    /// Section 6: all assigned, not rejected.
    pub(super) fn is_ready(&self) -> bool {
        let Counted { client_id, access_token, .. } = &self.counted;
        client_id.is_some()
            && access_token.valid().is_some()
            && self.partner.valid().is_some()
            && self.rejection.is_none()
    }

    /// Section 7: the state is a function of the facts. `is_late` where the device slept: its timers are late, and what
    /// it hears may be old.
    pub(super) fn check_state(&self, state: &State, is_late: bool, step: &Step<'_>) -> Result<(), Broken> {
        let holds = match (self.why_passive(), &self.stream) {
            (Some(why), _) => *state == State::Passive(why),
            (None, Some(Stream { pid: None, .. })) => *state == State::Connecting,
            (None, Some(Stream { closing: Some(why), .. })) => {
                *state == State::ReadyToConnect(WhyUnconnected::Closed(*why))
            }
            (None, Some(Stream { closing: None, .. })) => self.is_right_connected(state, is_late, step),
            (None, None) => self.is_right_without_stream(state),
        };
        if holds {
            return Ok(());
        }
        Err((Invariant::StateFollowsFacts, format!("{state:?}: {self:?}")))
    }

    fn why_passive(&self) -> Option<WhyPassive> {
        let ClientFacts { visible, online, paused, unloading, ref client_id, .. } = self.client;
        match (client_id, self.counted.client_id) {
            (Assigned::Invalid, _) => Some(WhyPassive::InvalidClientId),
            (Assigned::Nothing, _) | (Assigned::Valid(_), None) => Some(WhyPassive::NoClientId),
            _ if !visible => Some(WhyPassive::NotVisible),
            _ if !online => Some(WhyPassive::NotOnline),
            _ if paused => Some(WhyPassive::Paused),
            _ if unloading => Some(WhyPassive::Unloading),
            _ => None,
        }
    }

    fn is_right_without_stream(&self, state: &State) -> bool {
        match (self.counted.why_not_openable(), &self.aborted, state) {
            (Some(why), _, State::ReadyToConnect(WhyUnconnected::Closed(seen))) => *seen == why,
            (None, Some(why), State::ReadyToConnect(WhyUnconnected::Aborted(seen))) => seen == why,
            (None, None, State::Connecting) => true,
            _ => false,
        }
    }

    fn is_right_connected(&self, state: &State, is_late: bool, step: &Step<'_>) -> bool {
        let why = match (&self.partner, &self.rejection) {
            (Assigned::Nothing, _) => WhyUnpaired::NotReady(WhyNotReady::NoPartnerClientId),
            (Assigned::Invalid, _) => WhyUnpaired::NotReady(WhyNotReady::InvalidPartnerClientId),
            (Assigned::Valid(_), Some(rejection)) => WhyUnpaired::Rejected(rejection.clone()),
            (Assigned::Valid(_), None) if is_late => {
                return matches!(state, State::Searching | State::Interacting);
            }
            (Assigned::Valid(partner), None) => return self.is_right_paired(*partner, state, step),
        };
        *state == State::ReadyToPair(why)
    }

    /// Both ways: interacting if and only if the partner is active.
    fn is_right_paired(&self, partner: ClientId, state: &State, step: &Step<'_>) -> bool {
        let limit = step.timing.partner_active_max_event_in_dt;
        let age = match &self.heard {
            Some(Heard { from, at, active: true }) if *from == partner => step.now - *at,
            _ => Millis::MAX,
        };
        match state {
            // At the very moment, the timer may be the next to fire.
            State::Interacting => age <= limit,
            State::Searching => age >= limit,
            State::Passive(_) | State::ReadyToConnect(_) | State::Connecting | State::ReadyToPair(_) => false,
        }
    }
}
