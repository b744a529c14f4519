//! A `sendevent`: its refusals in the order of section 3, and the acceptance of crEvents (section 4).

use super::action::{Bound, Dropped, Effect, Note, Refused, SendAnswer, ServerAction, WhyNothing};
use super::session::Standing;
use super::{ServerStep, SessionTable};
use crate::protocol::event::EventKind;
use crate::protocol::ids::{AppId, ClientId, Pid, User};
use crate::protocol::line::{Sender, Waiting};
use crate::protocol::policy::{App, Denied};
use crate::protocol::routing::{intercept, is_seen};
use crate::protocol::wire::{EventData, MsgEvent, SendEvent, same_token};

impl SessionTable {
    /// A client sends an event. The request is well-formed, and its eventData not too long.
    pub fn send(
        &mut self,
        app: &AppId,
        message: SendEvent,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> SendAnswer {
        let Some(policies) = step.apps.get(app) else { return SendAnswer::UnknownApp };
        self.catch_up(message.client_id, step, actions);
        self.catch_up(message.recipient, step, actions);
        let refused = |why, answer, actions: &mut Vec<ServerAction>| {
            let (sender, recipient) = (message.client_id, message.recipient);
            actions.push(ServerAction::Note(Note::Refused { sender, recipient, why }));
            answer
        };
        let sender = match self.identify(app, policies, &message, step) {
            Ok(sender) => sender,
            Err(Denied::InvalidToken) => {
                return refused(Refused::InvalidToken, SendAnswer::InvalidToken, actions);
            }
            Err(Denied::NotAuthorized) => {
                return refused(Refused::NotAuthorized, SendAnswer::Forbidden, actions);
            }
        };
        let SendEvent { client_id, recipient, event, .. } = message;
        let answer = self.admit_rate(client_id, step).and_then(|()| {
            if self.stopping {
                Ok(None)
            } else {
                self.dispatch(sender, recipient, event, policies, step, actions).map(Some)
            }
        });
        match answer {
            Ok(Some(effect)) => SendAnswer::Accepted(effect),
            Ok(None) => refused(Refused::Stopping, SendAnswer::Stopping, actions),
            Err(bound) => refused(Refused::Full(bound), SendAnswer::TooMany(bound), actions),
        }
    }

    /// Who sends. The token of one's own session is not verified again; whoever else speaks for a clientId that has a
    /// session or a reservation must be whom it belongs to.
    fn identify(
        &self,
        app: &AppId,
        policies: &App,
        message: &SendEvent,
        step: &ServerStep<'_>,
    ) -> Result<Sender, Denied> {
        let client_id = message.client_id;
        let session = self.session(client_id).filter(|session| session.app == *app);
        let sender = |user: User, pid: Option<Pid>| Sender {
            client_id,
            app: app.clone(),
            role: message.role,
            user,
            pid,
        };
        if let Some(session) = session {
            let is_own = session.role == message.role && same_token(&message.access_token, &session.token);
            if is_own {
                return Ok(sender(session.user.clone(), Some(session.pid)));
            }
        }
        let user = policies.access.admit(&message.access_token, message.role)?;
        let standing = self.slots.get(client_id).map(|slot| &slot.standing);
        let belongs = match standing {
            Some(_) if !step.limits.bind_client_ids => true,
            Some(Standing::Session(session)) => {
                session.app == *app && session.role == message.role && session.user == user
            }
            Some(Standing::Reserved { user: owner, .. }) => *owner == user,
            Some(Standing::Free) | None => true,
        };
        if !belongs {
            return Err(Denied::NotAuthorized);
        }
        Ok(sender(user, session.map(|session| session.pid)))
    }

    fn admit_rate(&mut self, client_id: ClientId, step: &ServerStep<'_>) -> Result<(), Bound> {
        let slot = self.slots.get_or_insert_with(client_id, Default::default);
        let admitted = slot.rate.admit(&step.limits.send_rate, step.now);
        if !slot.is_in_use() {
            self.reschedule(client_id, step);
        }
        admitted.map_err(|_| Bound::Rate)
    }

    fn dispatch(
        &mut self,
        sender: Sender,
        recipient: ClientId,
        event: MsgEvent,
        policies: &App,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> Result<Effect, Bound> {
        match event {
            MsgEvent::CrEvent(event) => self.accept(sender, recipient, event, policies, step, actions),
            MsgEvent::Alive(shown) => Ok(self.alive(&sender, recipient, shown, step, actions)),
            MsgEvent::Close(shown) => Ok(self.close(&sender, recipient, shown, step, actions)),
            MsgEvent::Other => Ok(Effect::Nothing(WhyNothing::UnknownType)),
        }
    }

    /// Acceptance of a crEvent. What finds no room is not accepted; interceptors may have seen it all the same.
    ///
    /// (Keeping comes first of all, as the event was sent: action `Commit`, and what follows here happens at the input
    /// `Committed`, while later crEvents of this clientId wait behind it in a bounded line; the sign of life counts at
    /// once.)
    fn accept(
        &mut self,
        sender: Sender,
        recipient: ClientId,
        event: EventData,
        policies: &App,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> Result<Effect, Bound> {
        let kind = event.kind();
        let waiting = Waiting { sender, event, kind, accepted: step.now };
        if needs_session(kind) && waiting.sender.pid.is_none() {
            return Ok(self.block(&waiting, recipient, Dropped::SenderAbsent, step, actions));
        }
        self.drain(recipient, step, actions);
        let way = self.way(&waiting.sender, recipient, kind, step);
        self.room(&way, &waiting, recipient, step)?;
        if is_seen(&waiting.event, kind, &policies.sender_interceptors) {
            return self.accept_intercepted(waiting, recipient, policies, step, actions);
        }
        self.arrive_sent(&waiting.sender, step, actions);
        self.arrive(recipient, step);
        Ok(self.go(way, waiting, recipient, step, actions))
    }

    /// The same, once the sender-side interceptors have seen it: another content may have another way, and need more
    /// room.
    fn accept_intercepted(
        &mut self,
        mut waiting: Waiting,
        recipient: ClientId,
        policies: &App,
        step: &ServerStep<'_>,
        actions: &mut Vec<ServerAction>,
    ) -> Result<Effect, Bound> {
        let interceptors = &policies.sender_interceptors;
        let result = intercept(interceptors, waiting.event.clone(), &waiting.sender, recipient, step.timing);
        let to = waiting.sender.clone();
        let effect = match result.event {
            Ok(event) => {
                waiting.kind = event.kind();
                waiting.event = event;
                let way = self.way(&to, recipient, waiting.kind, step);
                self.room(&way, &waiting, recipient, step)?;
                self.arrive_sent(&to, step, actions);
                self.arrive(recipient, step);
                self.go(way, waiting, recipient, step, actions)
            }
            Err(why) => {
                self.arrive_sent(&to, step, actions);
                self.block(&waiting, recipient, Dropped::Intercepted(why), step, actions)
            }
        };
        self.reply_all(&to, result.replies, step, actions);
        Ok(effect)
    }

    /// Whatever is accepted from a client is an arrival of its own at its own session.
    fn arrive_sent(&mut self, sender: &Sender, step: &ServerStep<'_>, actions: &mut Vec<ServerAction>) {
        if let Some(pid) = sender.pid {
            self.arrive_own(sender.client_id, pid, step, actions);
        }
    }
}

/// Who has no session cannot be answered, and is nobody's partner.
fn needs_session(kind: EventKind) -> bool {
    match kind {
        EventKind::Ping | EventKind::Reject => true,
        EventKind::Inactive | EventKind::Unassign | EventKind::Ordinary => false,
    }
}
