//! `/admin/api/sockets`: the crSockets of this process, as lists.

#![allow(unused_qualifications, reason = "the macro of the OpenAPI document writes whole paths")]

use std::cmp::{Ordering, Reverse};
use std::ops::ControlFlow;

use actix_web::get;
use actix_web::web::{Data, Json, Query};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::asked::{self, refused};
use super::cursor::{Cursor, Key};
use super::views::SocketView;
use super::{Admin, openapi};
use crate::actors::board::{SocketId, Summary};
use crate::problem::Problem;
use crate::protocol::ids::{AppId, ClientId, Role};
use crate::protocol::socket::State;

/// The metastates that are asked for.
const METASTATES: [&str; 3] = ["active", "connected", "paired"];

/// Which crSockets, in which order.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
pub(super) struct ListQuery {
    /// Those of this app.
    app: Option<String>,
    /// `controller` or `responder`.
    role: Option<String>,
    /// Those in this published state; with `!` in front of it, those in any other.
    state: Option<String>,
    /// Those to which this metastate applies: `active`, `connected` or `paired`.
    metastate: Option<String>,
    /// Those with this subState.
    sub_state: Option<String>,
    /// The one with this clientId.
    client_id: Option<String>,
    /// Those with this partner.
    partner_client_id: Option<String>,
    /// `socketId` (the default), `since`, `notInteractingSince`, `state`, `app` or `clientId`.
    sort: Option<String>,
    /// `asc` (the default) or `desc`.
    order: Option<String>,
    /// At most so many, 1 to 1000; 100 unless something else is said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// The `next` of the page before.
    cursor: Option<String>,
}

/// A page of crSockets.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SocketList {
    sockets: Vec<SocketView>,
    /// How many match in all.
    total: usize,
    /// With it as `cursor` the next page is asked for; none where this is the last.
    next: Option<String>,
}

/// Lists crSockets of this process.
///
/// Pages go on behind the last one shown: who comes and goes meanwhile shifts nothing. Who changes what the list is sorted by
/// may be seen twice, or not at all.
#[utoipa::path(operation_id = "listSockets", params(ListQuery), tag = openapi::SOCKETS, responses(
    (status = 200, description = "A page of the list.", body = SocketList),
    (status = 400, response = openapi::ProblemResponse),
))]
#[get("/sockets")]
pub(super) async fn list(admin: Data<Admin>, query: Query<ListQuery>) -> Result<Json<SocketList>, Problem> {
    let filter = Filter::read(&query)?;
    let order = Order::read(&query)?;
    let limit = asked::limit(query.limit.as_deref())?;
    let board = &admin.parts.published.board;
    let (mut total, mut found) = (0_usize, Vec::new());
    board.look(SocketId(0), |summary| {
        if filter.matches(&summary) {
            total += 1;
            let place = Cursor { key: order.by.key(&summary), id: summary.id.0 };
            if order.is_behind(&place) {
                found.push(place);
            }
        }
        ControlFlow::<()>::Continue(())
    });
    if found.len() > limit {
        found.select_nth_unstable_by(limit, |one, other| order.compare(one, other));
        found.truncate(limit.saturating_add(1));
    }
    found.sort_unstable_by(|one, other| order.compare(one, other));
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(Cursor::to_string);
    let sockets = found.iter().filter_map(|place| board.get(SocketId(place.id)));
    let sockets = sockets.map(|summary| SocketView::of(&summary)).collect();
    Ok(Json(SocketList { sockets, total, next }))
}

/// What all that are shown have in common.
#[derive(Debug, Default)]
struct Filter {
    app: Option<AppId>,
    role: Option<Role>,
    state: Option<&'static str>,
    /// It is any state but that one.
    but_state: bool,
    metastate: Option<&'static str>,
    sub_state: Option<Box<str>>,
    client_id: Option<ClientId>,
    partner: Option<ClientId>,
}

impl Filter {
    fn read(query: &ListQuery) -> Result<Filter, Problem> {
        let state = query.state.as_deref().filter(|text| !text.is_empty());
        let (but_state, state) = match state.and_then(|text| text.strip_prefix('!')) {
            Some(but) => (true, Some(but)),
            None => (false, state),
        };
        Ok(Filter {
            app: asked::app(query.app.as_deref())?,
            role: asked::role(query.role.as_deref())?,
            state: state.map(|text| asked::one_of("state", text, &State::NAMES)).transpose()?,
            but_state,
            metastate: match query.metastate.as_deref() {
                None | Some("") => None,
                Some(text) => Some(asked::one_of("metastate", text, &METASTATES)?),
            },
            sub_state: query.sub_state.as_deref().filter(|text| !text.is_empty()).map(Box::from),
            client_id: asked::client_id("clientId", query.client_id.as_deref())?,
            partner: asked::client_id("partnerClientId", query.partner_client_id.as_deref())?,
        })
    }

    fn matches(&self, summary: &Summary<&AppId>) -> bool {
        let state = summary.state;
        self.app.as_ref().is_none_or(|app| app == summary.app)
            && self.role.is_none_or(|role| role == summary.role)
            && self.state.is_none_or(|wanted| (wanted == state.state()) != self.but_state)
            && self.metastate.is_none_or(|wanted| state.metastates().contains(&wanted))
            && self.sub_state.as_deref().is_none_or(|wanted| wanted == state.sub_state())
            && self.client_id.is_none_or(|id| Some(id) == summary.client_id)
            && self.partner.is_none_or(|id| Some(id) == summary.partner)
    }
}

/// In which order they are shown, and from where on.
#[derive(Debug)]
struct Order {
    by: By,
    descending: bool,
    behind: Option<Cursor>,
}

#[derive(Clone, Copy, Debug)]
enum By {
    SocketId,
    Since,
    /// Those that are interacting come last.
    NotInteractingSince,
    State,
    App,
    ClientId,
}

impl Order {
    fn read(query: &ListQuery) -> Result<Order, Problem> {
        let by = match query.sort.as_deref() {
            None | Some("" | "socketId") => By::SocketId,
            Some("since") => By::Since,
            Some("notInteractingSince") => By::NotInteractingSince,
            Some("state") => By::State,
            Some("app") => By::App,
            Some("clientId") => By::ClientId,
            Some(text) => {
                return Err(refused(
                    "sort",
                    text,
                    "socketId, since, notInteractingSince, state, app, clientId",
                ));
            }
        };
        let descending = match query.order.as_deref() {
            None | Some("" | "asc") => false,
            Some("desc") => true,
            Some(text) => return Err(refused("order", text, "asc, desc")),
        };
        let behind = match query.cursor.as_deref() {
            None | Some("") => None,
            Some(text) => {
                let read = Cursor::read(text).filter(|cursor| by.fits(&cursor.key));
                Some(read.ok_or_else(|| refused("cursor", text, "the next of a page in the same order"))?)
            }
        };
        Ok(Order { by, descending, behind })
    }

    fn compare(&self, one: &Cursor, other: &Cursor) -> Ordering {
        if self.descending { Reverse(one).cmp(&Reverse(other)) } else { one.cmp(other) }
    }

    fn is_behind(&self, place: &Cursor) -> bool {
        self.behind.as_ref().is_none_or(|behind| self.compare(behind, place) == Ordering::Less)
    }
}

impl By {
    fn key(self, summary: &Summary<&AppId>) -> Key {
        match self {
            By::SocketId => Key::Number(0),
            By::Since => Key::Number(summary.since),
            By::NotInteractingSince => Key::Number(summary.apart_since.unwrap_or(i64::MAX)),
            By::State => {
                let place = State::NAMES.iter().position(|state| *state == summary.state.state());
                Key::Number(place.and_then(|place| i64::try_from(place).ok()).unwrap_or(i64::MAX))
            }
            By::App => Key::Text(summary.app.as_str().into()),
            By::ClientId => Key::Number(summary.client_id.map_or(-1, |id| i64::from(id.number()))),
        }
    }

    fn fits(self, key: &Key) -> bool {
        matches!((self, key), (By::App, Key::Text(_)))
            || matches!(
                (self, key),
                (
                    By::SocketId | By::Since | By::NotInteractingSince | By::State | By::ClientId,
                    Key::Number(_)
                )
            )
    }
}
