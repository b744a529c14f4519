//! `/admin/api/explain`: what stands between two clients and interacting, browsers included, as far as a server sees it.

#![allow(unused_qualifications, reason = "the macro of the OpenAPI document writes whole paths")]

use actix_web::get;
use actix_web::web::{Data, Json, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::views::{SessionView, shown};
use super::{Admin, asked, openapi};
use crate::actors::inspection::{Both, GetBoth, InUse, SessionDetails, UsedBy};
use crate::problem::Problem;
use crate::protocol::event::Rejection;
use crate::protocol::ids::{ClientId, Role};
use crate::protocol::sessions::Contest;
use crate::protocol::time::{Millis, Timing};

/// Whom it is about.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ExplainQuery {
    /// The clientId of the controller.
    #[param(example = "119283")]
    controller: String,
    /// The clientId of the responder.
    #[param(example = "482913")]
    responder: String,
}

/// What stands between two clients.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Explanation {
    /// Whether nothing is seen that does.
    interacting: bool,
    /// The first of the obstacles, in words.
    sentence: String,
    /// All that was found, the first that is to be seen to first.
    obstacles: Vec<Obstacle>,
    /// The controller's session.
    controller: Option<SessionView>,
    /// The responder's.
    responder: Option<SessionView>,
}

/// Something that keeps two clients from interacting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Obstacle {
    /// What kind of.
    pub(super) code: Code,
    /// At whom.
    pub(super) client_id: String,
    /// In words.
    pub(super) text: String,
}

/// Kinds of obstacles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Code {
    /// It is one client that should be two.
    SameClient,
    /// It has no session on this server.
    NoSession,
    /// Its stream is gone, and its clientId is kept for its user.
    Reserved,
    /// It is no controller, or no responder.
    WrongRole,
    /// It belongs to another app.
    OtherApp,
    /// It belongs to another user, and the app pairs only clients of one.
    OtherUser,
    /// Another user wants its clientId.
    Contested,
    /// Nothing has come from it for too long.
    Silent,
    /// It does not take what is sent to it.
    NotReading,
    /// The other one rejected it.
    Rejected,
    /// It pings somebody else.
    PingsOther,
    /// It pings nobody.
    NotPinging,
}

/// Explains what stands between two clients and interacting.
#[utoipa::path(operation_id = "explain", params(ExplainQuery), tag = openapi::SESSIONS, responses(
    (status = 200, description = "What stands between them.", body = Explanation),
    (status = 400, response = openapi::ProblemResponse),
))]
#[get("/explain")]
pub(super) async fn answer(
    admin: Data<Admin>,
    query: Query<ExplainQuery>,
) -> Result<Json<Explanation>, Problem> {
    let controller = asked::needed_client_id("controller", &query.controller)?;
    let responder = asked::needed_client_id("responder", &query.responder)?;
    let both = admin.ask(GetBoth { controller, responder }).await?;
    let obstacles = obstacles(controller, responder, &both, &admin.parts.settings.timing);
    let sentence = match obstacles.first() {
        Some(first) => first.text.clone(),
        None => {
            format!("{controller} and {responder} ping each other: nothing is seen that stands between them")
        }
    };
    Ok(Json(Explanation {
        interacting: obstacles.is_empty(),
        sentence,
        obstacles,
        controller: both.controller.as_ref().map(SessionView::of),
        responder: both.responder.as_ref().map(SessionView::of),
    }))
}

/// What stands between them, as far as the server sees it: first whether they are there, then whether they may, then whether
/// they do.
pub(super) fn obstacles(
    controller: ClientId,
    responder: ClientId,
    both: &Both,
    timing: &Timing,
) -> Vec<Obstacle> {
    let mut found = Found(Vec::new());
    if controller == responder {
        found.add(Code::SameClient, controller, format!("{controller} cannot be its own partner"));
        return found.0;
    }
    let sides =
        [(Role::Controller, controller, &both.controller), (Role::Responder, responder, &both.responder)];
    for (role, id, in_use) in sides {
        found.presence(role, id, in_use.as_ref());
    }
    if let (Some(one), Some(other)) = (session(both.controller.as_ref()), session(both.responder.as_ref())) {
        found.policies(controller, responder, both.reach.as_ref(), (one, other));
    }
    for (_, id, in_use) in sides {
        if let Some(session) = session(in_use.as_ref()) {
            found.activity(id, session, timing);
        }
    }
    for (_, id, in_use) in sides {
        let partner = if id == controller { responder } else { controller };
        if let Some(session) = session(in_use.as_ref()) {
            found.pairing(id, partner, session, timing);
        }
    }
    found.0
}

fn session(in_use: Option<&InUse>) -> Option<&SessionDetails> {
    match &in_use?.by {
        UsedBy::Session(session) => Some(session),
        UsedBy::Reserved { .. } => None,
    }
}

/// A length of time, as people say it.
pub(super) fn said(length: Millis) -> String {
    let tenths = length.at_least_zero().0 / 100;
    match (tenths / 10, tenths % 10) {
        (seconds, tenth) if seconds < 60 => format!("{seconds}.{tenth} s"),
        (seconds, _) if seconds < 3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        (seconds, _) => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

struct Found(Vec<Obstacle>);

impl Found {
    fn add(&mut self, code: Code, id: ClientId, text: String) {
        self.0.push(Obstacle { code, client_id: shown(id), text });
    }

    fn presence(&mut self, role: Role, id: ClientId, in_use: Option<&InUse>) {
        match in_use.map(|in_use| &in_use.by) {
            None => {
                let text =
                    format!("{id} has no session on this server: no client of that clientId is connected");
                self.add(Code::NoSession, id, text);
            }
            Some(UsedBy::Reserved { left }) => {
                let text = format!(
                    "{id} has no session: its stream ended without a goodbye, and the clientId is kept for its user for \
                     {} more",
                    said(*left)
                );
                self.add(Code::Reserved, id, text);
            }
            Some(UsedBy::Session(session)) if session.role != role => {
                let text = format!("{id} is a {}, not a {role}", session.role);
                self.add(Code::WrongRole, id, text);
            }
            Some(UsedBy::Session(_)) => {}
        }
    }

    fn policies(
        &mut self,
        controller: ClientId,
        responder: ClientId,
        reach: Option<&[Result<(), Rejection>; 2]>,
        (one, other): (&SessionDetails, &SessionDetails),
    ) {
        if one.app != other.app {
            let text = format!("{controller} belongs to the app {}, {responder} to {}", one.app, other.app);
            return self.add(Code::OtherApp, responder, text);
        }
        let blocked = |rejection: &Rejection| {
            reach.is_some_and(|ways| ways.iter().any(|way| way.as_ref().err() == Some(rejection)))
        };
        if blocked(&Rejection::AccessTokenMismatch) {
            let text = format!(
                "{controller} and {responder} belong to different users, and the app {} pairs only clients of one",
                one.app
            );
            self.add(Code::OtherUser, responder, text);
        }
    }

    fn activity(&mut self, id: ClientId, session: &SessionDetails, timing: &Timing) {
        if let Contest::Contested { .. } = session.contest {
            let text = format!("another user asks for {id}, which has not shown yet that it lives");
            self.add(Code::Contested, id, text);
        }
        // Every client says something of its own at least so often.
        let longest = timing.event_source_send_alive_dt + timing.send_answer_dt;
        if session.own_silent_for > longest {
            let text = format!("nothing has come from {id} for {}", said(session.own_silent_for));
            self.add(Code::Silent, id, text);
        }
        if session.queued_events > 0 && session.queued_frames > 1 {
            let text =
                format!("{id} does not take what is sent to it: {} frames wait", session.queued_frames);
            self.add(Code::NotReading, id, text);
        }
    }

    fn pairing(&mut self, id: ClientId, partner: ClientId, session: &SessionDetails, timing: &Timing) {
        let pinged = session.seen.last_pinged;
        let reject = session.seen.last_reject.as_deref().filter(|reject| {
            let is_answered = pinged.is_none_or(|(_, ago)| ago >= reject.ago);
            reject.by == Some(partner) && is_answered
        });
        if let Some(reject) = reject {
            let text =
                format!("{id} was rejected {} ago, {}", said(reject.ago), meaning(&reject.reason, partner));
            return self.add(Code::Rejected, id, text);
        }
        // What it said last counts.
        let goodbye = session
            .seen
            .last_goodbye
            .filter(|(to, ago)| *to == partner && pinged.is_none_or(|(_, pinged)| *ago <= pinged));
        if let Some((_, ago)) = goodbye {
            let text =
                format!("{id} said goodbye to {partner} {} ago: it is not active, or has let go", said(ago));
            return self.add(Code::NotPinging, id, text);
        }
        match pinged {
            None => {
                let text = format!("{id} has pinged nobody: it is not active, or has no partner");
                self.add(Code::NotPinging, id, text);
            }
            Some((other, ago)) if other != partner => {
                let text = format!("{id} pings {other}, last {} ago", said(ago));
                self.add(Code::PingsOther, id, text);
            }
            Some((_, ago)) if ago > timing.partner_active_max_event_in_dt => {
                let text = format!("{id} pinged {partner} last {} ago: it is not active any more", said(ago));
                self.add(Code::NotPinging, id, text);
            }
            Some(_) => {}
        }
    }
}

/// What a rejection means, for people: goes on behind "rejected, ".
pub(super) fn meaning(rejection: &Rejection, partner: ClientId) -> String {
    match rejection {
        Rejection::AssignedToOther => format!("since {partner} has another partner (assignedToOther)"),
        Rejection::AppIdMismatch => format!("since {partner} belongs to another app (appIdMismatch)"),
        Rejection::InvalidPartnerRole => format!("since {partner} has the same role (invalidPartnerRole)"),
        Rejection::AccessTokenMismatch => {
            format!("since {partner} belongs to another user (accessTokenMismatch)")
        }
        Rejection::NotPaired => {
            format!("since {partner} has no partner, and takes none that pings it (notPaired)")
        }
        Rejection::Blocked => "since the server's policies do not let it through (blocked)".to_owned(),
        Rejection::Other(reason) => format!("and {partner} says why: {reason}"),
    }
}
