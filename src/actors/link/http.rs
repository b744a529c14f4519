//! The link to any CRSocket server over HTTP, with or without TLS: server-sent events in, sendevents out.
//!
//! HTTP/1.1 alone: each stream has a connection of its own, so that no bound on streams of one connection limits how many
//! crSockets a process hosts.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use actix::Addr;
use reqwest::header::HeaderValue;
use reqwest::{Client, Response, StatusCode, header};
use slotmap::SlotMap;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use self::server::HttpServer;
use super::{Ends, EndsKey};
use crate::actors::clock::duration;
use crate::actors::messages::{Remove, Told};
use crate::actors::receiver::EventReceiver;
use crate::protocol::action::{Message, Outcome, Post, RequestNo, StreamNo};
use crate::protocol::ids::{AppId, ClientId, Credentials, Role};
use crate::protocol::receiver::{self, StreamEnd};
use crate::protocol::time::Timing;
use crate::protocol::wire::{
    FrameReader, Outgoing, StreamItem, eventsource_query, read_client_id_answer, sendevent_query,
};
use crate::protocol::{send_line, socket};

pub mod server;

/// The longest answer that is read, in bytes: a clientId, or what is wrong.
const LONGEST_ANSWER: usize = 16 * 1024;

/// The longest id that is sent back as Last-Event-ID, in bytes.
const LONGEST_ID: usize = 256;

/// What is told of a refusal, in characters.
const LONGEST_DETAIL: usize = 200;

/// The way of one thread's crSockets to a server.
#[derive(Clone)]
pub(in crate::actors) struct HttpLink(Rc<Inner>);

struct Inner {
    /// For streams and clientIds.
    client: Client,
    /// For sendevents: what cannot be connected is known well before the answer would be given up.
    poster: Client,
    server: HttpServer,
    /// Longest wait for the answer to a sendevent.
    answer_within: Duration,
    attached: RefCell<SlotMap<EndsKey, Attached>>,
    /// What was last said of the server that does not serve; empty while it does.
    said: RefCell<String>,
}

struct Attached {
    ends: Rc<Ends>,
    /// Whose turn it is to post: in the order in which they asked, one at a time.
    turn: Rc<Mutex<()>>,
    stream: Option<(StreamNo, JoinHandle<()>)>,
    /// The id of the last frame that had one.
    last_event_id: Option<HeaderValue>,
}

impl HttpLink {
    pub(in crate::actors) fn new(server: HttpServer, timing: &Timing) -> HttpLink {
        let client = server.client(duration(timing.hello_max_dt));
        let answer_within = duration(timing.send_answer_dt);
        let poster = server.client(answer_within / 2);
        let (attached, said) = (RefCell::default(), RefCell::default());
        HttpLink(Rc::new(Inner { client, poster, server, answer_within, attached, said }))
    }

    pub(super) fn attach(&self, ends: Rc<Ends>) -> EndsKey {
        let turn = Rc::default();
        self.0.attached.borrow_mut().insert(Attached { ends, turn, stream: None, last_event_id: None })
    }

    pub(super) fn detach(&self, key: EndsKey) {
        // A panic may have come from in here.
        let Ok(mut attached) = self.0.attached.try_borrow_mut() else { return };
        if let Some((_, stream)) = attached.remove(key).and_then(|gone| gone.stream) {
            stream.abort();
        }
    }

    pub(super) fn open(&self, key: EndsKey, stream: StreamNo, credentials: &Credentials, resume: bool) {
        let mut attached = self.0.attached.borrow_mut();
        let Some(one) = attached.get_mut(key) else { return };
        let wanted = Wanted {
            key,
            stream,
            url: self.0.server.url(
                &one.ends.app,
                "eventsource",
                &eventsource_query(credentials, one.ends.role),
            ),
            last_event_id: one.last_event_id.clone().filter(|_| resume),
            receiver: one.ends.receiver.clone(),
        };
        let link = self.clone();
        let task = actix::spawn(async move {
            let how = link.read(&wanted).await;
            let ended = receiver::Input::Ended { stream: wanted.stream, how };
            wanted.receiver.do_send(ended);
        });
        if let Some((_, former)) = one.stream.replace((stream, task)) {
            former.abort();
        }
    }

    pub(super) fn drop_stream(&self, key: EndsKey, stream: StreamNo) {
        let mut attached = self.0.attached.borrow_mut();
        let Some(one) = attached.get_mut(key) else { return };
        if let Some((_, task)) = one.stream.take_if(|(number, _)| *number == stream) {
            task.abort();
        }
    }

    pub(super) fn send(&self, key: EndsKey, number: RequestNo, post: &Post) {
        let attached = self.0.attached.borrow();
        let Some(Attached { ends, turn, .. }) = attached.get(key) else { return };
        let url = self.0.server.url(&ends.app, "sendevent", &query_of(post, ends.role));
        let (link, sender, turn) = (self.clone(), ends.sender.clone(), Rc::clone(turn));
        actix::spawn(async move {
            let _turn = turn.lock().await;
            let outcome = link.post(&url).await;
            sender.do_send(send_line::Input::Answer { number, outcome });
        });
    }

    pub(super) fn request_client_id(&self, key: EndsKey) {
        let attached = self.0.attached.borrow();
        let Some(Attached { ends, .. }) = attached.get(key) else { return };
        let (app, socket, life) = (ends.app.clone(), ends.socket.clone(), ends.life);
        let link = self.clone();
        actix::spawn(async move {
            let input = socket::Input::ClientIdAnswer(link.client_id(&app).await);
            socket.do_send(Told { life, input });
        });
    }

    pub(super) fn remove_all(&self) {
        for (_, one) in self.0.attached.borrow().iter() {
            one.ends.socket.do_send(Remove);
        }
    }

    /// Reads a stream to its end.
    async fn read(&self, wanted: &Wanted) -> StreamEnd {
        let mut request = self
            .0
            .client
            .get(&wanted.url)
            .header(header::ACCEPT, "text/event-stream")
            .header(header::CACHE_CONTROL, "no-store");
        if let Some(id) = &wanted.last_event_id {
            request = request.header("Last-Event-ID", id);
        }
        let mut response = match request.send().await {
            Ok(response) => response,
            Err(error) => {
                self.say(&described(&error));
                return StreamEnd::NoConnection;
            }
        };
        self.0.said.borrow_mut().clear();
        if response.status() != StatusCode::OK {
            return StreamEnd::Status(response.status().as_u16());
        }
        if !is_event_stream(&response) {
            return StreamEnd::NotEventStream;
        }
        let (mut reader, mut items) = (FrameReader::default(), Vec::new());
        // What ends it makes no difference: a stream that ends has broken.
        while let Ok(Some(piece)) = response.chunk().await {
            let read = reader.feed(&piece, &mut items);
            for item in items.drain(..) {
                if !self.hear(wanted, item).await {
                    return StreamEnd::Broken;
                }
            }
            if let Err(error) = read {
                log::warn!("an event stream is given up: {error}");
                break;
            }
        }
        StreamEnd::Broken
    }

    /// Hands an item over, and waits until it was taken: what is not taken stays with the server. Whether anybody is there.
    async fn hear(&self, wanted: &Wanted, item: StreamItem) -> bool {
        let stream = wanted.stream;
        let input = match item {
            StreamItem::Frame(frame) => receiver::Input::Frame { stream, frame },
            StreamItem::Retry(after) => receiver::Input::Retry { stream, after },
            StreamItem::Id(id) => {
                if let Some(one) = self.0.attached.borrow_mut().get_mut(wanted.key) {
                    one.last_event_id = header_value(&id);
                }
                return true;
            }
            StreamItem::Unreadable(unreadable) => {
                log::debug!("on an event stream: {unreadable}");
                return true;
            }
        };
        wanted.receiver.send(input).await.is_ok()
    }

    /// Says why the server does not serve: as a warning what is new.
    fn say(&self, why: &str) {
        let mut said = self.0.said.borrow_mut();
        let level = if *said == why { log::Level::Debug } else { log::Level::Warn };
        log::log!(level, "no connection to {:?}: {why}", self.0.server);
        why.clone_into(&mut said);
    }

    /// Posts, since nobody on the way repeats a POST.
    async fn post(&self, url: &str) -> Outcome {
        let sent = self.0.poster.post(url).timeout(self.0.answer_within).send().await;
        let response = match sent {
            Ok(response) => response,
            Err(error) => {
                log::debug!("no answer to a sendevent: {}", described(&error));
                // Where a request was written, nobody knows whether it arrived.
                let never_left = error.is_connect() || error.is_builder();
                return if never_left { Outcome::NoConnection } else { Outcome::NoAnswer };
            }
        };
        let status = response.status();
        if status.is_success() {
            return Outcome::Understood;
        }
        let said = body(response).await.and_then(|body| detail_in(&body));
        let detail = said.unwrap_or_else(|| status.canonical_reason().unwrap_or_default().into());
        Outcome::Refused { status: status.as_u16(), detail }
    }

    async fn client_id(&self, app: &AppId) -> Option<ClientId> {
        let url = self.0.server.url(app, "clientid", "");
        let sent = self.0.client.get(&url).timeout(self.0.answer_within).send().await;
        let response = sent.inspect_err(|error| self.say(&described(error))).ok()?;
        if response.status() != StatusCode::OK {
            return None;
        }
        read_client_id_answer(&String::from_utf8_lossy(&body(response).await?))
    }
}

/// A stream that is to be read.
struct Wanted {
    key: EndsKey,
    stream: StreamNo,
    url: String,
    last_event_id: Option<HeaderValue>,
    receiver: Addr<EventReceiver>,
}

impl fmt::Debug for HttpLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpLink").field("server", &self.0.server).finish_non_exhaustive()
    }
}

fn query_of(post: &Post, role: Role) -> String {
    let Post { credentials, recipient, message, .. } = post;
    match message {
        Message::CrEvent(event) => {
            let text = event.to_event_data(credentials.client_id);
            sendevent_query(credentials, role, *recipient, Outgoing::CrEvent(&text))
        }
        Message::Alive(pid) => sendevent_query(credentials, role, *recipient, Outgoing::Alive(*pid)),
        Message::Close(pid) => sendevent_query(credentials, role, *recipient, Outgoing::Close(*pid)),
    }
}

/// An id as it is sent back; none where it could not be, or is longer than anybody needs.
fn header_value(id: &str) -> Option<HeaderValue> {
    let fits = !id.is_empty() && id.len() <= LONGEST_ID;
    fits.then(|| HeaderValue::from_str(id).ok()).flatten()
}

/// What went wrong, without the address: an accessToken stands in it.
fn described(error: &reqwest::Error) -> String {
    let mut text = if error.is_timeout() { "it took too long".to_owned() } else { "it failed".to_owned() };
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn is_event_stream(response: &Response) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|text| text.split(';').next());
    media_type.is_some_and(|text| text.trim().eq_ignore_ascii_case("text/event-stream"))
}

/// A whole body, if it is not too long.
async fn body(mut response: Response) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.ok()? {
        if body.len() + piece.len() > LONGEST_ANSWER {
            return None;
        }
        body.extend_from_slice(&piece);
    }
    Some(body)
}

/// What a problem+json says.
fn detail_in(body: &[u8]) -> Option<Box<str>> {
    let problem: serde_json::Value = serde_json::from_slice(body).ok()?;
    let detail = problem.get("detail")?.as_str()?;
    Some(detail.chars().take(LONGEST_DETAIL).collect::<String>().into())
}
