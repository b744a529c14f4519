//! `/admin/api/sessions`: every event stream of this server, and the clientIds that are reserved.

#![allow(unused_qualifications, reason = "the macro of the OpenAPI document writes whole paths")]

use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Path, Query};
use actix_web::{HttpResponse, Responder, delete, get};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::asked::{self, refused};
use super::views::{SessionView, shown};
use super::{Admin, openapi};
use crate::actors::inspection::{EndSession, ListSessions, Wanted};
use crate::problem::Problem;

/// Which clientIds in use.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(super) struct ListQuery {
    /// Sessions of this app.
    app: Option<String>,
    /// Sessions of this role: `controller` or `responder`.
    role: Option<String>,
    /// This clientId alone.
    client_id: Option<String>,
    /// `session` or `reserved`.
    standing: Option<String>,
    /// `true`: crSockets of this process; `false`: all other clients.
    hosted: Option<String>,
    /// At most so many, 1 to 1000; 100 unless something else is said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// A page of clientIds in use, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionPage {
    sessions: Vec<SessionView>,
    /// How many match in all.
    total: usize,
    /// With it as `cursor` the next page is asked for; none where this is the last.
    next: Option<String>,
}

/// How a session is ended.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EndQuery {
    /// With it, whatever its value but `false`, the session is given up for good; without, its client opens it again.
    abort: Option<String>,
}

/// Lists sessions, browsers too, and reserved clientIds.
#[utoipa::path(operation_id = "listSessions", params(ListQuery), tag = openapi::SESSIONS, responses(
    (status = 200, description = "A page of the list.", body = SessionPage),
    (status = 400, response = openapi::ProblemResponse),
))]
#[get("/sessions")]
pub(super) async fn list(admin: Data<Admin>, query: Query<ListQuery>) -> Result<Json<SessionPage>, Problem> {
    let wanted = wanted(&query)?;
    let after = asked::client_id("cursor", query.cursor.as_deref())?;
    let most = asked::limit(query.limit.as_deref())?;
    let mut asked = ListSessions { after, most, looked: None, wanted };
    let mut list = admin.ask(asked.clone()).await?;
    while list.looked.is_some() {
        asked.looked = list.looked;
        asked.most = most.saturating_sub(list.found.len());
        let more = admin.ask(asked.clone()).await?;
        list.found.extend(more.found);
        list.total = list.total.saturating_add(more.total);
        list.has_more |= more.has_more;
        list.looked = more.looked;
    }
    let next = list.found.last().filter(|_| list.has_more).map(|last| shown(last.client_id));
    let sessions = list.found.iter().map(SessionView::of).collect();
    Ok(Json(SessionPage { sessions, total: list.total, next }))
}

fn wanted(query: &ListQuery) -> Result<Wanted, Problem> {
    Ok(Wanted {
        client_id: asked::client_id("clientId", query.client_id.as_deref())?,
        app: asked::app(query.app.as_deref())?,
        role: asked::role(query.role.as_deref())?,
        has_session: match query.standing.as_deref() {
            None | Some("") => None,
            Some("session") => Some(true),
            Some("reserved") => Some(false),
            Some(text) => return Err(refused("standing", text, "session, reserved")),
        },
        hosted: match query.hosted.as_deref() {
            None | Some("") => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(text) => return Err(refused("hosted", text, "true, false")),
        },
    })
}

/// Ends a session: its client opens it again, unless it is aborted.
#[utoipa::path(operation_id = "endSession", tag = openapi::SESSIONS, params(("clientId" = String, Path, example = "482913"), EndQuery), responses(
    (status = 204, description = "It has ended."),
    (status = 400, response = openapi::ProblemResponse),
    (status = 404, response = openapi::ProblemResponse),
))]
#[delete("/sessions/{clientId}")]
pub(super) async fn end(
    admin: Data<Admin>,
    id: Path<String>,
    query: Query<EndQuery>,
) -> Result<impl Responder, Problem> {
    let client_id = asked::needed_client_id("clientId", &id)?;
    let for_good = query.abort.as_deref().is_some_and(|text| text != "false");
    if admin.ask(EndSession { client_id, for_good }).await? {
        return Ok(HttpResponse::NoContent());
    }
    Err(Problem::new(StatusCode::NOT_FOUND, format!("{client_id} has no session")))
}
