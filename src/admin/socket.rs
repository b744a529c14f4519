//! `/admin/api/sockets/{socketId}`: one crSocket in full.

use actix_web::get;
use actix_web::web::{Data, Json, Path};
use serde::Serialize;
use utoipa::ToSchema;

use super::explain::obstacles;
use super::views::{HappeningView, KindCountsView, SocketView, not_empty, shown};
use super::why::why;
use super::{Admin, asked, openapi};
use crate::actors::board::{SocketId, StateName, Summary};
use crate::actors::clock::unix_millis;
use crate::actors::details::{LastError, SocketDetails};
use crate::actors::host::FoundSocket;
use crate::actors::inspection::GetBoth;
use crate::problem::Problem;
use crate::protocol::ids::{Assigned, ClientId, Role};
use crate::protocol::time::{Millis, TimerKind};

/// How many happenings are shown.
const RECENT: usize = 100;

/// How often one that changes just now is asked again.
const TRIES: usize = 5;

/// One crSocket in full.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SocketFullView {
    #[serde(flatten)]
    summary: SocketView,
    /// What it is waiting for, in one sentence.
    #[schema(
        example = "searching: 482913 has not answered for 12.4 s; it has no session on this server: no client of that clientId is connected"
    )]
    why: String,
    facts: FactsView,
    rejection: Option<RejectionView>,
    receiver: ReceiverView,
    sender: SenderView,
    /// Its armed timers, the next one first.
    timers: Vec<TimerView>,
    events_by_type: EventsByTypeView,
    last_error: Option<ErrorView>,
    /// What happened to it, the oldest first: at most 100, and what is still remembered.
    recent: Vec<HappeningView>,
}

/// What its enclosing client set. The accessToken itself is never shown.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FactsView {
    visible: bool,
    online: bool,
    paused: bool,
    unloading: bool,
    client_id: Option<String>,
    client_id_valid: bool,
    has_access_token: bool,
    access_token_valid: bool,
    partner_client_id: Option<String>,
    partner_valid: bool,
}

/// Why the partner rejected it.
#[derive(Debug, Serialize, ToSchema)]
struct RejectionView {
    by: Option<String>,
    reason: String,
}

/// Its EventReceiver.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReceiverView {
    state: &'static str,
    sub_state: Option<String>,
    stream: Option<StreamView>,
}

/// The stream of an EventReceiver.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct StreamView {
    /// Whose it is.
    client_id: String,
    /// The server's name for it.
    pid: String,
    /// How long it has been open; none where it closes.
    since_ms: Option<i64>,
}

/// Its EventSender.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SenderView {
    state: &'static str,
    sub_state: Option<String>,
    /// CrEvents that wait for their turn.
    queued: usize,
    /// CrEvents that are kept while offline, or until the server takes them.
    buffered: usize,
    /// Requests that wait for the one before them.
    in_line: usize,
    awaits_answer: bool,
}

/// An armed timer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TimerView {
    /// `crSocket`, `eventReceiver` or `eventSender`.
    actor: &'static str,
    timer: String,
    due_in_ms: i64,
}

/// How many msgEvents left and came.
#[derive(Debug, Serialize, ToSchema)]
struct EventsByTypeView {
    out: KindCountsView,
    r#in: KindCountsView,
}

/// Something that went wrong.
#[derive(Debug, Serialize, ToSchema)]
struct ErrorView {
    /// When, in milliseconds since 1970.
    at: i64,
    what: String,
}

/// One crSocket in full, and what it is waiting for.
#[utoipa::path(operation_id = "getSocket", tag = openapi::SOCKETS, params(("socketId" = u32, Path)), responses(
    (status = 200, description = "As it is now.", body = SocketFullView),
    (status = 404, response = openapi::ProblemResponse),
))]
#[get("/sockets/{socketId}")]
pub(super) async fn get(admin: Data<Admin>, id: Path<u32>) -> Result<Json<SocketFullView>, Problem> {
    Ok(Json(full(&admin, *id).await?))
}

/// The crSocket of this number as it is now: after all that it was told before.
pub(super) async fn full(admin: &Admin, id: u32) -> Result<SocketFullView, Problem> {
    let socket = asked::socket(admin, id)?;
    let (details, summary) = at_once(&socket).await.ok_or_else(|| asked::no_socket(id))?;
    let pair = pair(&summary);
    let both = match (pair, summary.client_id) {
        (Some((controller, responder)), _) => Some(admin.ask(GetBoth { controller, responder }).await?),
        (None, Some(own)) => Some(admin.ask(GetBoth { controller: own, responder: own }).await?),
        (None, None) => None,
    };
    let obstacles = match (pair, &both) {
        (Some((controller, responder)), Some(both)) => {
            obstacles(controller, responder, both, &admin.parts.settings.timing)
        }
        _ => Vec::new(),
    };
    let own = both.as_ref().and_then(|both| match summary.role {
        Role::Controller => both.controller.as_ref(),
        Role::Responder => both.responder.as_ref(),
    });
    let why = why(&details, in_state_for(summary.since), &obstacles, own);
    let recent = admin.parts.published.recent.last(RECENT, Some(SocketId(id)));
    Ok(view(&summary, details, why, recent.iter().map(HappeningView::from).collect()))
}

/// What it says of itself, and what it publishes, of one moment: it may go on between the two.
async fn at_once(socket: &FoundSocket) -> Option<(SocketDetails, Summary)> {
    let mut tries = 0..TRIES;
    loop {
        let (details, summary) = (socket.details().await?, socket.summary()?);
        let is_one_moment = summary.state == StateName::of(&details.state)
            && summary.client_id == details.client.client_id.valid().copied()
            && summary.partner == details.partner.valid().copied();
        if is_one_moment || tries.next().is_none() {
            return Some((details, summary));
        }
    }
}

/// It and its partner, if there is one.
fn pair(summary: &Summary) -> Option<(ClientId, ClientId)> {
    let (own, partner) = (summary.client_id?, summary.partner?);
    Some(match summary.role {
        Role::Controller => (own, partner),
        Role::Responder => (partner, own),
    })
}

fn in_state_for(since: i64) -> Millis {
    let now = unix_millis().unwrap_or(since);
    Millis(now.saturating_sub(since)).at_least_zero()
}

fn view(
    summary: &Summary,
    details: SocketDetails,
    why: String,
    recent: Vec<HappeningView>,
) -> SocketFullView {
    let SocketDetails { client, partner, rejection, timers, receiver, sender, .. } = details;
    let by = partner.valid().copied().map(shown);
    let mut timers: Vec<TimerView> =
        [("crSocket", timers), ("eventReceiver", receiver.timers), ("eventSender", sender.timers)]
            .into_iter()
            .flat_map(|(actor, timers)| {
                timers.into_iter().map(move |(timer, due)| timer_view(actor, timer, due))
            })
            .collect();
    timers.sort_by_key(|timer| timer.due_in_ms);
    SocketFullView {
        summary: SocketView::of(summary),
        why,
        facts: FactsView {
            visible: client.visible,
            online: client.online,
            paused: client.paused,
            unloading: client.unloading,
            client_id: client.client_id.valid().copied().map(shown),
            client_id_valid: client.client_id != Assigned::Invalid,
            has_access_token: client.access_token != Assigned::Nothing,
            access_token_valid: client.access_token != Assigned::Invalid,
            partner_client_id: by.clone(),
            partner_valid: partner != Assigned::Invalid,
        },
        rejection: rejection.map(|reason| RejectionView { by, reason: reason.as_str().to_owned() }),
        receiver: ReceiverView {
            state: receiver.state.as_str(),
            sub_state: not_empty(receiver.state.sub_state()).map(str::to_owned),
            stream: receiver.stream.map(|(client_id, pid)| StreamView {
                client_id: shown(client_id),
                pid: pid.to_string(),
                since_ms: receiver.open_for.map(|length| length.0),
            }),
        },
        sender: SenderView {
            state: sender.state.as_str(),
            sub_state: not_empty(sender.state.sub_state()).map(str::to_owned),
            queued: sender.queued,
            buffered: sender.kept,
            in_line: sender.in_line,
            awaits_answer: sender.awaits_answer,
        },
        timers,
        events_by_type: EventsByTypeView { out: sender.counts.into(), r#in: receiver.counts.into() },
        last_error: [receiver.last_error, sender.last_error]
            .into_iter()
            .flatten()
            .max_by_key(|error| error.at)
            .map(|LastError { at, what }| ErrorView { at, what: what.into() }),
        recent,
    }
}

fn timer_view(actor: &'static str, timer: TimerKind, Millis(due_in_ms): Millis) -> TimerView {
    TimerView { actor, timer: timer.as_str().to_owned(), due_in_ms }
}
