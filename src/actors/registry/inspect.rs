//! Answers to whoever inspects sessions, or ends them.

use actix::{Context, Handler, MessageResult};

use super::{Registry, Stream, Writer};
use crate::actors::inspection::{
    Both, ENDED_BY_ADMIN, EndSession, GetBoth, InUse, ListSessions, RejectSeen, Seen, SessionDetails,
    SessionList, UsedBy,
};
use crate::protocol::event::{CrEvent, EventKind, Rejection};
use crate::protocol::ids::ClientId;
use crate::protocol::routing::may_reach_in;
use crate::protocol::sessions::{Holder, Session};
use crate::protocol::time::Millis;
use crate::protocol::wire::{AbortReason, Frame, MsgEvent, SendEvent};

/// How many are looked at in one message: a fraction of a millisecond.
const LOOKED_AT: usize = 2_000;

impl Registry {
    /// Everything that is due or was reported is done first.
    fn settle(&mut self, context: &mut Context<Registry>) {
        self.step(context, |_, _, _| ());
    }

    /// All that are in use: what is not shown is not looked at.
    fn everybody(&self, asked: &ListSessions) -> SessionList {
        let mut behind = self.table.holders_behind(asked.after);
        let found = behind.by_ref().take(asked.most);
        let found = found.map(|(client_id, holder)| self.described(client_id, holder)).collect();
        let total = self.table.session_count() + self.table.reservation_count();
        SessionList { found, total, has_more: behind.next().is_some(), looked: None }
    }

    /// The one that is asked for, if it matches.
    fn one(&self, client_id: ClientId, asked: &ListSessions) -> SessionList {
        let holder = self.table.holder(client_id).filter(|holder| self.matches(client_id, *holder, asked));
        let is_behind = asked.after.is_none_or(|after| client_id > after);
        let total = usize::from(holder.is_some());
        let found = holder.filter(|_| is_behind).map(|holder| self.described(client_id, holder));
        SessionList { found: found.into_iter().collect(), total, has_more: false, looked: None }
    }

    /// All that match, of as many as are looked at in one message: everybody is to be looked at, to count them.
    fn some(&self, asked: &ListSessions) -> SessionList {
        let mut list = SessionList::default();
        let mut behind = self.table.holders_behind(asked.looked).peekable();
        for _ in 0..LOOKED_AT {
            let Some((client_id, holder)) = behind.next() else { break };
            list.looked = behind.peek().map(|_| client_id);
            if !self.matches(client_id, holder, asked) {
                continue;
            }
            list.total += 1;
            if asked.after.is_some_and(|after| client_id <= after) {
                continue;
            }
            if list.found.len() < asked.most {
                list.found.push(self.described(client_id, holder));
            } else {
                list.has_more = true;
            }
        }
        list
    }

    fn matches(&self, client_id: ClientId, holder: Holder<'_>, asked: &ListSessions) -> bool {
        let session = match holder {
            Holder::Session(session) => Some(session),
            Holder::Reserved { .. } => None,
        };
        // Asked for seldom, and a look into another table.
        let hosted = |session: &Session| {
            asked.wanted.hosted.is_some() && self.streams.get(&session.pid()).is_some_and(Stream::is_local)
        };
        let session = session.map(|session| (session.app(), session.role(), hosted(session)));
        asked.wanted.matches(client_id, session)
    }

    fn in_use(&self, client_id: ClientId) -> Option<InUse> {
        Some(self.described(client_id, self.table.holder(client_id)?))
    }

    fn described(&self, client_id: ClientId, holder: Holder<'_>) -> InUse {
        let by = match holder {
            Holder::Session(session) => UsedBy::Session(Box::new(self.details(session))),
            Holder::Reserved { until } => UsedBy::Reserved { left: (until - self.now).at_least_zero() },
        };
        InUse { client_id, by, waiting: self.table.waiting_for(client_id) }
    }

    fn details(&self, session: &Session) -> SessionDetails {
        let stream = self.streams.get(&session.pid());
        SessionDetails {
            app: session.app().clone(),
            role: session.role(),
            pid: session.pid(),
            hosted: stream.is_some_and(Stream::is_local),
            open_for: self.now - session.opened(),
            silent_for: self.now - session.last_arrival(),
            own_silent_for: self.now - session.last_own_arrival(),
            contest: session.contest(),
            queued_frames: session.output().frames(),
            queued_events: session.output().events(),
            queued_bytes: session.output().bytes(),
            seen: stream.map_or_else(Seen::default, |stream| stream.seen.as_of(self.now)),
        }
    }
}

impl Stream {
    pub(super) fn is_local(&self) -> bool {
        match self.writer {
            Writer::Local(_) => true,
            Writer::Response(_) => false,
        }
    }
}

/// Times in here are those of the rules' clock.
impl Seen {
    /// A frame was written.
    pub(super) fn note_written(&mut self, frame: &Frame, bytes: usize, now: Millis) {
        self.frames += 1;
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        if let Frame::CrEvent(text) = frame
            && is_reject(text)
        {
            let reject = CrEvent::from_event_data(text);
            let reason = Rejection::from_sub_type(&reject.sub_type);
            self.last_reject = Some(Box::new(RejectSeen { by: reject.sender, reason, ago: now }));
        }
    }

    fn as_of(&self, now: Millis) -> Seen {
        let mut seen = self.clone();
        for (_, at) in [&mut seen.last_pinged, &mut seen.last_goodbye].into_iter().flatten() {
            *at = now - *at;
        }
        if let Some(reject) = &mut seen.last_reject {
            reject.ago = now - reject.ago;
        }
        seen
    }
}

fn is_reject(event_data: &str) -> bool {
    event_data.split(',').next().is_some_and(|event_type| EventKind::of(event_type) == EventKind::Reject)
}

/// What is remembered of what a client says: who, to whom, and whether it is a goodbye; else it is a ping.
pub(super) fn remembered(event: &SendEvent) -> Option<(ClientId, ClientId, bool)> {
    let MsgEvent::CrEvent(data) = &event.event else { return None };
    let is_goodbye = match data.kind() {
        EventKind::Ping => false,
        EventKind::Inactive | EventKind::Unassign => true,
        EventKind::Reject | EventKind::Ordinary => return None,
    };
    Some((event.client_id, event.recipient, is_goodbye))
}

impl Handler<ListSessions> for Registry {
    type Result = MessageResult<ListSessions>;

    fn handle(&mut self, asked: ListSessions, context: &mut Context<Registry>) -> Self::Result {
        self.settle(context);
        MessageResult(match asked.wanted.client_id {
            Some(client_id) => self.one(client_id, &asked),
            None if asked.wanted.is_everybody() => self.everybody(&asked),
            None => self.some(&asked),
        })
    }
}

impl Handler<GetBoth> for Registry {
    type Result = MessageResult<GetBoth>;

    fn handle(&mut self, asked: GetBoth, context: &mut Context<Registry>) -> Self::Result {
        self.settle(context);
        let GetBoth { controller, responder } = asked;
        let sessions = self.table.session(controller).zip(self.table.session(responder));
        let reach = sessions.map(|(one, other)| {
            [(one, other), (other, one)]
                .map(|(from, to)| may_reach_in(self.apps.get(to.app()), from.party(), to.party()))
        });
        MessageResult(Both { controller: self.in_use(controller), responder: self.in_use(responder), reach })
    }
}

impl Handler<EndSession> for Registry {
    type Result = bool;

    fn handle(&mut self, asked: EndSession, context: &mut Context<Registry>) -> bool {
        let EndSession { client_id, for_good } = asked;
        self.step(context, |table, step, actions| match for_good {
            true => table.abort(client_id, AbortReason::Other(ENDED_BY_ADMIN.into()), step, actions),
            false => table.recycle(client_id, step, actions),
        })
    }
}
