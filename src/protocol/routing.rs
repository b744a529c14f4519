//! Who may send, who may reach whom, and what interceptors make of it: the decisions of section 4 that need no table.

use std::sync::Arc;

use super::event::{CrEvent, EventKind, Rejection, is_sub_type};
use super::ids::{AppId, ClientId, Role, User};
use super::line::Sender;
use super::policy::{App, Content, Interceptor, Pairing, Passing, Verdict};
use super::time::Timing;
use super::wire::EventData;

/// A client as policies see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party<'a> {
    /// Its app.
    pub app: &'a AppId,
    /// Its role.
    pub role: Role,
    /// On whose behalf.
    pub user: &'a User,
}

/// Rule 3 of Arrival: whether a crEvent of this sender reaches this session.
///
/// # Errors
/// Why it is blocked, the subType of the `reject` that answers a `ping`.
pub fn may_reach(sender: Party<'_>, session: Party<'_>, pairing: Pairing) -> Result<(), Rejection> {
    if sender.app != session.app {
        Err(Rejection::AppIdMismatch)
    } else if sender.role != session.role.partner() {
        Err(Rejection::InvalidPartnerRole)
    } else if !pairing.allows(sender.user, session.user) {
        Err(Rejection::AccessTokenMismatch)
    } else {
        Ok(())
    }
}

/// What interceptors made of a crEvent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intercepted {
    /// The crEvent they left, or why they dropped it.
    pub event: Result<EventData, Rejection>,
    /// CrEvents to its sender, in the name of the recipient; `None` for what could be no crEvent.
    pub replies: Vec<Option<EventData>>,
}

/// Whether interceptors see this crEvent: never a `reject`, and nothing that is not interceptable (rule 4).
pub fn is_seen(event: &EventData, kind: EventKind, interceptors: &[Arc<dyn Interceptor>]) -> bool {
    !interceptors.is_empty() && kind != EventKind::Reject && event.interceptable()
}

/// Shows a crEvent to interceptors, one after the other, until one drops it.
///
/// Content that no crEvent may have, or that is too long, drops the event: an interceptor is no way around section 2.
pub fn intercept(
    interceptors: &[Arc<dyn Interceptor>],
    event: EventData,
    sender: &Sender,
    recipient: ClientId,
    timing: &Timing,
) -> Intercepted {
    let mut result = Intercepted { event: Ok(event), replies: Vec::new() };
    for interceptor in interceptors {
        let Ok(event) = &result.event else { break };
        if event.kind() == EventKind::Reject {
            break; // an interceptor made it one, and none ever sees a reject
        }
        let seen = event.to_event();
        let passing = Passing {
            app: &sender.app,
            event: &seen,
            sender: sender.client_id,
            sender_role: sender.role,
            sender_user: &sender.user,
            recipient,
        };
        let interception = interceptor.intercept(&passing);
        result.replies.extend(interception.replies.iter().map(|reply| reply_data(reply, recipient, timing)));
        match interception.verdict {
            Verdict::Accept => {}
            Verdict::Change(content) => result.event = changed(event, &content, timing),
            Verdict::Drop { sub_type } => result.event = Err(drop_reason(sub_type.as_deref())),
        }
    }
    result
}

impl Sender {
    /// The sender as policies see it.
    pub fn party(&self) -> Party<'_> {
        Party { app: &self.app, role: self.role, user: &self.user }
    }
}

/// Rule 3 under the policies of the session's app; an app that is gone pairs nobody.
pub(crate) fn may_reach_in(
    app: Option<&App>,
    sender: Party<'_>,
    session: Party<'_>,
) -> Result<(), Rejection> {
    let pairing = app.ok_or(Rejection::AppIdMismatch)?.pairing;
    may_reach(sender, session, pairing)
}

fn changed(event: &EventData, content: &Content, timing: &Timing) -> Result<EventData, Rejection> {
    let allowed = is_sub_type(&content.sub_type);
    let event = event.with_content(&content.event_type, &content.sub_type, &content.params);
    event
        .ok()
        .filter(|event| allowed && event.len() <= timing.max_event_data_length)
        .ok_or(Rejection::Blocked)
}

fn reply_data(reply: &CrEvent, recipient: ClientId, timing: &Timing) -> Option<EventData> {
    reply.check().ok()?;
    let event = EventData::from_event(reply, recipient).ok()?;
    (event.len() <= timing.max_event_data_length).then_some(event)
}

fn drop_reason(sub_type: Option<&str>) -> Rejection {
    match sub_type {
        Some(text) if is_sub_type(text) && !text.is_empty() => Rejection::from_sub_type(text),
        Some(_) | None => Rejection::Blocked,
    }
}
