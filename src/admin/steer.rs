//! Steering hosted crSockets in the place of their enclosing clients: spawn, set facts, send, remove.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpResponse, Responder, delete, patch, post};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::asked::{self, refused};
use super::socket::{SocketFullView, full};
use super::views::SocketView;
use super::{Admin, openapi};
use crate::actors::host::{CrSocketBuilder, FoundSocket, SocketHandle};
use crate::actors::messages::SetFact;
use crate::problem::Problem;
use crate::protocol::action::{Fate, Outcome, Refusal, WhyDropped};
use crate::protocol::event::CrEvent;
use crate::protocol::ids::{AccessToken, AppId, Assigned, ClientId, Role};

/// How many may be spawned at once.
const MOST_AT_ONCE: usize = 10_000;

/// Which crSockets are to be spawned.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SpawnBody {
    #[schema(example = "demo")]
    app: String,
    #[schema(example = "demo")]
    access_token: String,
    /// So many pairs that are each other's partners; nothing but app and accessToken goes with it.
    #[schema(minimum = 1, maximum = 10_000)]
    pairs: Option<usize>,
    /// `controller` or `responder`, where no pairs are asked for.
    role: Option<String>,
    partner_client_id: Option<String>,
    /// Its clientId; without one it gets one of the server. For one crSocket alone.
    client_id: Option<String>,
    /// So many like this; one unless something else is said.
    #[schema(minimum = 1, maximum = 10_000)]
    count: Option<usize>,
}

/// The crSockets that were spawned.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Spawned {
    sockets: Vec<SocketView>,
}

/// Which facts are set. What is left out stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FactsBody {
    visible: Option<bool>,
    online: Option<bool>,
    paused: Option<bool>,
    /// `null` takes it away.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    access_token: Option<Option<String>>,
    /// `null` unassigns the partner.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    partner_client_id: Option<Option<String>>,
}

/// A crEvent to the partner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct EventBody {
    #[schema(example = "answer")]
    event_type: String,
    #[serde(default)]
    event_sub_type: String,
    /// Kept while offline instead of dropped.
    #[serde(default)]
    buffered: bool,
    /// To be kept by the server, once servers keep events.
    #[serde(default)]
    logged: bool,
    #[serde(default)]
    params: Vec<String>,
}

/// What became of a crEvent at first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FateView {
    /// `sent`, `queued`, `buffered`, `refused` or `dropped`.
    fate: &'static str,
    /// Why it was refused or dropped, or where it waits.
    why: Option<String>,
}

/// Tells what is left out from `null`.
fn nullable<'de, D: Deserializer<'de>>(value: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(value).map(Some)
}

/// Spawns crSockets: pairs, or one or some of a kind.
#[utoipa::path(operation_id = "spawnSockets", tag = openapi::SOCKETS, request_body = SpawnBody, responses(
    (status = 201, description = "They were spawned.", body = Spawned),
    (status = 400, response = openapi::ProblemResponse),
    (status = 413, response = openapi::ProblemResponse),
    (status = 415, response = openapi::ProblemResponse),
    (status = 503, response = openapi::ProblemResponse),
))]
#[post("/sockets")]
pub(super) async fn spawn(admin: Data<Admin>, body: Json<SpawnBody>) -> Result<impl Responder, Problem> {
    if admin.is_stopping() {
        return Err(Problem::not_now("the server stops", 1));
    }
    let body = body.into_inner();
    let wanted = Wanted::read(&body, &admin)?;
    let spawned = match body.pairs {
        Some(_) if body.has_more_than_pairs() => {
            return Err(Problem::bad_request(
                "pairs go with app and accessToken alone: leave out pairs, or role, partnerClientId, clientId and count",
            ));
        }
        Some(pairs) => pairs_of(&admin, &wanted, how_many("pairs", pairs)?).await?,
        None => {
            let role = asked::role(body.role.as_deref())?;
            let role = role.ok_or_else(|| Problem::bad_request("role or pairs is missing"))?;
            let count = how_many("count", body.count.unwrap_or(1))?;
            singles(&admin, &wanted, &body, (role, count))?
        }
    };
    let mut sockets = Vec::with_capacity(spawned.len());
    for socket in &spawned {
        // It has taken its facts once it answers.
        if let Some(found) = FoundSocket::find(&admin.parts.published.board, socket.id()) {
            found.details().await;
        }
        sockets.extend(socket.summary().map(|summary| SocketView::of(&summary)));
    }
    Ok(HttpResponse::Created().json(Spawned { sockets }))
}

impl SpawnBody {
    fn has_more_than_pairs(&self) -> bool {
        let is_given = |text: &Option<String>| text.is_some();
        [&self.role, &self.partner_client_id, &self.client_id].into_iter().any(is_given)
            || self.count.is_some()
    }
}

/// In which app, on whose behalf.
struct Wanted {
    app: AppId,
    access_token: AccessToken,
}

impl Wanted {
    fn read(body: &SpawnBody, admin: &Admin) -> Result<Wanted, Problem> {
        let settings = &admin.parts.settings;
        let app = AppId::parse(&body.app).map_err(|_| refused("app", &body.app, "an appId"))?;
        if !settings.server.any_app && !settings.apps.contains_key(&app) {
            let names: Vec<&str> = settings.apps.keys().map(AppId::as_str).collect();
            return Err(refused("app", &body.app, format!("an app of this server: {}", names.join(", "))));
        }
        Ok(Wanted { app, access_token: asked::access_token(&body.access_token)? })
    }

    fn builder(&self, role: Role) -> CrSocketBuilder {
        CrSocketBuilder::new(self.app.clone(), role).access_token(self.access_token.clone())
    }
}

fn how_many(what: &str, count: usize) -> Result<usize, Problem> {
    if (1..=MOST_AT_ONCE).contains(&count) {
        return Ok(count);
    }
    Err(refused(what, &count.to_string(), format!("1 to {MOST_AT_ONCE}")))
}

async fn pairs_of(admin: &Admin, wanted: &Wanted, pairs: usize) -> Result<Vec<SocketHandle>, Problem> {
    let mut spawned = Vec::with_capacity(pairs.saturating_mul(2));
    for _ in 0..pairs {
        let ids =
            async { Ok::<_, Problem>((new_client_id(admin).await?, new_client_id(admin).await?)) }.await;
        let (controller, responder) = match ids {
            Ok(ids) => ids,
            // What was asked for is done wholly or not at all.
            Err(problem) => {
                spawned.iter().for_each(SocketHandle::remove);
                return Err(problem);
            }
        };
        let one = wanted.builder(Role::Controller).client_id(controller).partner(responder);
        let other = wanted.builder(Role::Responder).client_id(responder);
        let (one, other) = admin.parts.host.spawn_pair(one, other);
        spawned.extend([one, other]);
    }
    Ok(spawned)
}

async fn new_client_id(admin: &Admin) -> Result<ClientId, Problem> {
    let given = admin.parts.client_ids.give_own(&admin.parts.registry).await;
    given.map_err(|why| {
        let after = why.retry_after().map_or(1, |after| after.0 / 1_000);
        Problem::not_now(format!("no clientId: {why}"), after)
    })
}

fn singles(
    admin: &Admin,
    wanted: &Wanted,
    body: &SpawnBody,
    (role, count): (Role, usize),
) -> Result<Vec<SocketHandle>, Problem> {
    let partner = asked::client_id("partnerClientId", body.partner_client_id.as_deref())?;
    let client_id = asked::client_id("clientId", body.client_id.as_deref())?;
    if client_id.is_some() && count > 1 {
        return Err(Problem::bad_request(
            "one clientId can be that of one crSocket alone: leave out clientId or count",
        ));
    }
    let build = |()| {
        let builder = wanted.builder(role);
        let builder = partner.map_or_else(|| wanted.builder(role), |partner| builder.partner(partner));
        match client_id {
            Some(id) => builder.client_id(id),
            None => builder,
        }
    };
    Ok((0..count).map(|_| admin.parts.host.spawn(build(()))).collect())
}

/// Sets facts of a crSocket: `null` unassigns its partner, or takes its accessToken away.
#[utoipa::path(operation_id = "setFacts", tag = openapi::SOCKETS, params(("socketId" = u32, Path)), request_body = FactsBody, responses(
    (status = 200, description = "As it is now.", body = SocketFullView),
    (status = 400, response = openapi::ProblemResponse),
    (status = 404, response = openapi::ProblemResponse),
    (status = 413, response = openapi::ProblemResponse),
    (status = 415, response = openapi::ProblemResponse),
))]
#[patch("/sockets/{socketId}")]
pub(super) async fn set(
    admin: Data<Admin>,
    id: Path<u32>,
    body: Json<FactsBody>,
) -> Result<Json<SocketFullView>, Problem> {
    let socket = asked::socket(&admin, *id)?;
    let facts = facts(&body)?;
    facts.into_iter().for_each(|fact| socket.set(fact));
    Ok(Json(full(&admin, *id).await?))
}

/// All are read before one is set.
fn facts(body: &FactsBody) -> Result<Vec<SetFact>, Problem> {
    let mut facts = Vec::new();
    if let Some(token) = &body.access_token {
        let token = token.as_deref().map(asked::access_token).transpose()?;
        facts.push(SetFact::AccessToken(token.map_or(Assigned::Nothing, Assigned::Valid)));
    }
    if let Some(partner) = &body.partner_client_id {
        let partner = partner.as_deref().map(|text| asked::needed_client_id("partnerClientId", text));
        facts.push(SetFact::Partner(partner.transpose()?.map_or(Assigned::Nothing, Assigned::Valid)));
    }
    facts.extend(body.paused.map(SetFact::Paused));
    facts.extend(body.online.map(SetFact::Online));
    facts.extend(body.visible.map(SetFact::Visible));
    Ok(facts)
}

/// Removes a crSocket: it says its goodbyes, closes its stream and is gone.
#[utoipa::path(operation_id = "removeSocket", tag = openapi::SOCKETS, params(("socketId" = u32, Path)), responses(
    (status = 204, description = "It says its goodbyes."),
    (status = 404, response = openapi::ProblemResponse),
))]
#[delete("/sockets/{socketId}")]
pub(super) async fn remove(admin: Data<Admin>, id: Path<u32>) -> Result<impl Responder, Problem> {
    asked::socket(&admin, *id)?.remove();
    Ok(HttpResponse::NoContent())
}

/// Takes a crSocket's clientId away; it asks for another one.
#[utoipa::path(operation_id = "clearClientId", tag = openapi::SOCKETS, params(("socketId" = u32, Path)), responses(
    (status = 200, description = "As it is now.", body = SocketFullView),
    (status = 404, response = openapi::ProblemResponse),
))]
#[post("/sockets/{socketId}/clear-client-id")]
pub(super) async fn clear_client_id(
    admin: Data<Admin>,
    id: Path<u32>,
) -> Result<Json<SocketFullView>, Problem> {
    asked::socket(&admin, *id)?.set(SetFact::ClientId(Assigned::Nothing));
    Ok(Json(full(&admin, *id).await?))
}

/// Sends a crEvent to the partner, as the enclosing client would, and says what becomes of it at first.
#[utoipa::path(operation_id = "sendEvent", tag = openapi::SOCKETS, params(("socketId" = u32, Path)), request_body = EventBody, responses(
    (status = 200, description = "What becomes of it at first.", body = FateView),
    (status = 400, response = openapi::ProblemResponse),
    (status = 404, response = openapi::ProblemResponse),
    (status = 413, response = openapi::ProblemResponse),
    (status = 415, response = openapi::ProblemResponse),
))]
#[post("/sockets/{socketId}/events")]
pub(super) async fn send(
    admin: Data<Admin>,
    id: Path<u32>,
    body: Json<EventBody>,
) -> Result<Json<FateView>, Problem> {
    let socket = asked::socket(&admin, *id)?;
    let EventBody { event_type, event_sub_type, buffered, logged, params } = body.into_inner();
    let event = CrEvent::new(&event_type, &event_sub_type).and_then(|event| event.with_params(&params));
    let mut event = event.map_err(|why| Problem::bad_request(why.to_string()))?;
    (event.buffered, event.logged) = (buffered, logged);
    let fate = socket.send(event).await.ok_or_else(|| asked::no_socket(*id))?;
    Ok(Json(FateView::of(&fate)))
}

impl FateView {
    fn of(fate: &Fate) -> FateView {
        let (fate, why) = match fate {
            Fate::Sent | Fate::Understood | Fate::Unconfirmed => ("sent", None),
            Fate::Queued => ("queued", Some("it waits for its turn".to_owned())),
            Fate::Buffered => ("buffered", Some("it is kept until it can leave".to_owned())),
            Fate::Refused(why) => ("refused", Some(refusal(why))),
            Fate::Dropped(why) => ("dropped", Some(dropped(*why).to_owned())),
            Fate::Lost(outcome) => ("dropped", Some(lost(outcome))),
        };
        FateView { fate, why }
    }
}

fn refusal(why: &Refusal) -> String {
    match why {
        Refusal::NotReady(why) => format!("its EventSender is not ready: {}", why.as_str()),
        Refusal::PartnerRejected(why) => format!("its partner rejected it: {}", why.as_str()),
        Refusal::Invalid(why) => why.to_string(),
        Refusal::Reserved => "only crSockets themselves send events of this type".to_owned(),
        Refusal::TooLong { length, max } => format!("it is {length} bytes long, and {max} are accepted"),
        Refusal::QueueFull { max } => format!("{max} events wait already"),
    }
}

fn dropped(why: WhyDropped) -> &'static str {
    match why {
        WhyDropped::Offline => "it is offline, and the event is not to be buffered",
        WhyDropped::BufferFull => "as many events are kept as may be",
        WhyDropped::Unassigned => "its recipient is not the partner any more",
        WhyDropped::Reset => "a part of the crSocket died",
        WhyDropped::Removed => "the crSocket was removed",
    }
}

fn lost(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Refused { status, detail } => format!("the server refused it with {status}: {detail}"),
        Outcome::NoConnection => "no connection to the server could be made".to_owned(),
        Outcome::NoAnswer => "the server did not answer".to_owned(),
        Outcome::Understood => "nothing".to_owned(),
    }
}
