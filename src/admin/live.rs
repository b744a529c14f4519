//! `/admin/live`: what happens, as it happens, by WebSocket.
//!
//! A watcher is an actor that is run by its connection: while its client reads nothing the connection asks it for nothing, so
//! that it sends nothing, and nothing piles up. What it misses meanwhile it is told as a number.

use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, AsyncContext, StreamHandler};
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};
use actix_web_actors::ws::{self, Message, ProtocolError, WebsocketContext};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::extractors::without_values;
use super::views::{StateView, json, shown};
use super::{Admin, asked};
use crate::actors::board::SocketId;
use crate::actors::counted::Counted;
use crate::actors::feed::{EventPassed, SessionChange, SessionChanged, Transition, Watched, Watcher, Who};
use crate::problem::Problem;
use crate::protocol::ids::{AppId, ClientId};
use crate::protocol::sessions::Ended;
use crate::protocol::socket::State;

/// How often what happened is sent.
const SEND_DT: Duration = Duration::from_millis(100);

/// How many happenings of a kind are sent at once at most.
const BATCH: usize = 1_000;

/// How many are looked through for them.
const LOOKED_AT: usize = 8_192;

/// After so long without a sign of life a client counts as gone; it is pinged twice as often.
const SILENT_DT: Duration = Duration::from_secs(60);

/// The longest message that is read, in bytes.
const LONGEST: usize = 4 * 1024;

/// How many watchers there may be.
const WATCHERS: usize = 64;

/// A client that watches.
struct Live {
    admin: Data<Admin>,
    wanted: Wanted,
    transitions: Option<Watcher<Transition>>,
    events: Option<Watcher<EventPassed>>,
    sessions: Option<Watcher<SessionChanged>>,
    /// When the stats were that were sent last; none are where they are not watched.
    stats: Option<i64>,
    params: Option<Counted>,
    last_heard: Instant,
    _counted: Counted,
}

/// What it watches.
#[derive(Debug, Default)]
struct Wanted {
    app: Option<AppId>,
    socket: Option<SocketId>,
    client_id: Option<ClientId>,
    state: Option<&'static str>,
}

/// What a client says: it replaces what it said before.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Subscription {
    subscribe: Vec<Kind>,
    app: Option<String>,
    socket_id: Option<u32>,
    client_id: Option<String>,
    state: Option<String>,
    #[serde(default)]
    params: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Kind {
    Transitions,
    Events,
    Sessions,
    Stats,
}

/// Begins to serve a watcher.
pub(super) async fn answer(
    admin: Data<Admin>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let counted = Counted::below(&admin.watchers, WATCHERS)
        .ok_or_else(|| Problem::not_now(format!("{WATCHERS} watch already, and no more may"), 10))?;
    let live = Live {
        admin,
        wanted: Wanted::default(),
        transitions: None,
        events: None,
        sessions: None,
        stats: None,
        params: None,
        last_heard: Instant::now(),
        _counted: counted,
    };
    ws::WsResponseBuilder::new(live, &request, payload).frame_size(LONGEST).start()
}

impl Live {
    fn subscribe(&mut self, text: &str) -> Result<Value, Problem> {
        let asked: Subscription = serde_json::from_str(text).map_err(|error| {
            let why = without_values(&error);
            Problem::bad_request(format!("the message cannot be understood: {why}"))
        })?;
        let state = match asked.state.as_deref() {
            None | Some("") => None,
            Some(text) => Some(asked::one_of("state", text, &State::NAMES)?),
        };
        if asked.params && !self.admin.parts.settings.admin.show_params {
            return Err(Problem::bad_request("params are shown only where admin.show_params allows it"));
        }
        self.wanted = Wanted {
            app: asked::app(asked.app.as_deref())?,
            socket: asked.socket_id.map(SocketId),
            client_id: asked::client_id("clientId", asked.client_id.as_deref())?,
            state,
        };
        let feed = &self.admin.parts.published.feed;
        let wants = |kind: Kind| asked.subscribe.contains(&kind);
        self.transitions = wants(Kind::Transitions).then(|| feed.watch_transitions());
        self.events = wants(Kind::Events).then(|| feed.watch_events());
        self.sessions = wants(Kind::Sessions).then(|| feed.watch_sessions());
        self.stats = wants(Kind::Stats).then_some(0);
        self.params = (asked.params && wants(Kind::Events)).then(|| feed.watch_params());
        Ok(json!({ "type": "subscribed", "to": asked.subscribe }))
    }

    /// All there is to send now.
    fn batches(&mut self) -> Vec<Value> {
        let mut batches = Vec::new();
        let (admin, wanted) = (&self.admin, &self.wanted);
        if let Some(watcher) = &mut self.transitions {
            drain("transitions", watcher, &mut batches, |seen| wanted.transition(&seen));
        }
        let shows_params = self.params.is_some();
        if let Some(watcher) = &mut self.events {
            drain("events", watcher, &mut batches, |seen| wanted.event(&seen, shows_params));
        }
        if let Some(watcher) = &mut self.sessions {
            drain("sessions", watcher, &mut batches, |seen| wanted.session(&seen, admin));
        }
        if let Some(sent) = &mut self.stats {
            let stats = admin.stats.load();
            if stats.at != *sent {
                *sent = stats.at;
                batches.push(json!({ "type": "stats", "stats": json(&**stats) }));
            }
        }
        batches
    }
}

/// What a watcher finds, as it is sent; what was missed, too.
fn drain<T: Clone>(
    kind: &'static str,
    watcher: &mut Watcher<T>,
    batches: &mut Vec<Value>,
    mut view: impl FnMut(T) -> Option<Value>,
) {
    let (mut items, mut missed) = (Vec::new(), 0_u64);
    for _ in 0..LOOKED_AT {
        match watcher.look() {
            Watched::Next(_) if items.len() >= BATCH => missed = missed.saturating_add(1),
            Watched::Next(seen) => items.extend(view(seen)),
            Watched::Missed(more) => missed = missed.saturating_add(more),
            Watched::Nothing => break,
        }
    }
    if missed > 0 {
        batches.push(json!({ "type": "lagged", "of": kind, "missed": missed }));
    }
    if !items.is_empty() {
        batches.push(json!({ "type": kind, "items": items }));
    }
}

impl Wanted {
    fn wants(&self, socket: SocketId, who: &Who) -> bool {
        self.socket.is_none_or(|wanted| wanted == socket)
            && self.app.as_ref().is_none_or(|app| *app == who.app)
            && self.client_id.is_none_or(|id| who.client_id == Some(id))
    }

    fn transition(&self, seen: &Transition) -> Option<Value> {
        let Transition { at, socket, who, from, to } = seen;
        let is_wanted =
            |state: &'static str| [from, to].into_iter().flatten().any(|side| side.state() == state);
        if !self.state.is_none_or(is_wanted) || !self.wants(*socket, who) {
            return None;
        }
        Some(json!({
            "at": at,
            "socketId": socket.0,
            "app": who.app.as_str(),
            "role": who.role.as_str(),
            "clientId": who.client_id.map(shown),
            "partnerClientId": who.partner.map(shown),
            "from": from.map(StateView::of),
            "to": to.map(StateView::of),
        }))
    }

    fn event(&self, seen: &EventPassed, shows_params: bool) -> Option<Value> {
        let in_state = |state: &str| seen.who.state.state() == state;
        if !self.state.is_none_or(in_state) || !self.wants(seen.socket, &seen.who) {
            return None;
        }
        let mut view = json!({
            "at": seen.at,
            "socketId": seen.socket.0,
            "direction": if seen.came { "in" } else { "out" },
            "eventType": seen.event_type.as_str(),
        });
        if let (true, Some(params), Some(view)) = (shows_params, &seen.params, view.as_object_mut()) {
            view.insert("params".to_owned(), json(params));
        }
        Some(view)
    }

    /// A session has no state; that of a crSocket is the one of its clientId.
    fn session(&self, seen: &SessionChanged, admin: &Admin) -> Option<Value> {
        let of_socket = |socket: SocketId| {
            let summary = admin.parts.published.board.get(socket);
            summary.is_some_and(|summary| summary.client_id == Some(seen.client_id))
        };
        let is_wanted = self.state.is_none()
            && self.client_id.is_none_or(|id| id == seen.client_id)
            && self.app.as_ref().is_none_or(|app| seen.app.as_ref() == Some(app))
            && self.socket.is_none_or(of_socket);
        if !is_wanted {
            return None;
        }
        let (what, why) = match &seen.what {
            SessionChange::Began => ("began", None),
            SessionChange::Contested => ("contested", None),
            SessionChange::Defended => ("defended", None),
            SessionChange::Ended(why) => ("ended", Some(ended(why))),
        };
        Some(json!({
            "at": seen.at,
            "what": what,
            "clientId": shown(seen.client_id),
            "pid": seen.pid.to_string(),
            "app": seen.app.as_ref().map(AppId::as_str),
            "why": why,
        }))
    }
}

fn ended(why: &Ended) -> String {
    match why {
        Ended::Closed => "closed".to_owned(),
        Ended::Released { .. } => "released".to_owned(),
        Ended::Silent => "silent".to_owned(),
        Ended::Ghost => "ghost".to_owned(),
        Ended::Contested => "contested".to_owned(),
        Ended::Broken => "broken".to_owned(),
        Ended::Stalled => "stalled".to_owned(),
        Ended::Recycled => "recycled".to_owned(),
        Ended::Aborted(reason) => format!("aborted: {}", reason.as_str()),
        Ended::Stopped => "stopped".to_owned(),
    }
}

impl Actor for Live {
    type Context = WebsocketContext<Live>;

    fn started(&mut self, context: &mut WebsocketContext<Live>) {
        context.run_interval(SEND_DT, |live, context| {
            live.batches().into_iter().for_each(|batch| context.text(batch.to_string()));
        });
        context.run_interval(SILENT_DT / 2, |live, context| {
            if live.last_heard.elapsed() > SILENT_DT {
                return context.stop();
            }
            context.ping(b"");
        });
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for Live {
    fn handle(&mut self, message: Result<Message, ProtocolError>, context: &mut WebsocketContext<Live>) {
        self.last_heard = Instant::now();
        match message {
            Ok(Message::Text(text)) => {
                let answer = self
                    .subscribe(&text)
                    .unwrap_or_else(|problem| json!({ "type": "error", "detail": problem.to_string() }));
                context.text(answer.to_string());
            }
            Ok(Message::Ping(bytes)) => context.pong(&bytes),
            Ok(Message::Pong(_)) => {}
            Ok(Message::Binary(_) | Message::Continuation(_) | Message::Nop) => {
                let detail = "only text messages of one piece are understood";
                context.text(json!({ "type": "error", "detail": detail }).to_string());
            }
            Ok(Message::Close(reason)) => {
                context.close(reason);
                context.stop();
            }
            Err(_) => context.stop(),
        }
    }
}
