//! The resource `eventsource`: a client's event stream (section 3).

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::{Version, header};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;

use super::connection::Cutter;
use super::site::Site;
use crate::actors::messages::{OpenAnswer, OpenStream};
use crate::actors::output::{Connection, StreamCut, StreamReader};
use crate::problem::Problem;
use crate::protocol::ids::AppId;
use crate::protocol::time::Millis;
use crate::protocol::wire::{EventSourceParams, Query, write_retry};

/// When a client tries again if the Registry is gone: by then another process may serve.
const RETRY: Millis = Millis(5_000);

/// How much of what a client says it is, is kept.
const LONGEST_USER_AGENT: usize = 160;

/// Answers the resource.
pub(super) async fn answer(site: &Site, app: AppId, request: &HttpRequest) -> HttpResponse {
    let cutter = request.conn_data::<Arc<Cutter>>().map(Arc::clone);
    let is_shared = request.version() == Version::HTTP_2;
    let heartbeat = if is_shared { site.heartbeat_http2 } else { site.heartbeat };
    if let Some(cutter) = cutter.as_ref().filter(|_| !is_shared) {
        cutter.carries_stream();
    }
    let is_http_1_0 = request.version() < Version::HTTP_11;
    let name = app.clone();
    let asked = OpenStream {
        params: EventSourceParams::read(Query::new(request.query_string())).into_owned(),
        connection: cutter.map(|cutter| cutter as Arc<dyn Connection>),
        remote: site.client_address(request),
        user_agent: user_agent(request),
        heartbeat,
        app,
    };
    let body = match site.ask(asked).await {
        Ok(OpenAnswer::Stream(reader)) => EventStream::Open(reader),
        Ok(OpenAnswer::Aborted(bytes) | OpenAnswer::Retry(bytes)) => {
            EventStream::Said(Some(Bytes::from(bytes)))
        }
        Ok(OpenAnswer::UnknownApp) => return Problem::unknown_app(name.as_str()).response(),
        // Existing clients never come back from anything but 200.
        Err(_) => EventStream::Said(Some(retry_answer())),
    };
    let mut response = event_stream(body);
    if is_http_1_0 {
        response.head_mut().no_chunking(true);
    }
    response
}

/// What the client says it is, as far as it is text.
fn user_agent(request: &HttpRequest) -> Option<Box<str>> {
    let said = request.headers().get(header::USER_AGENT)?.to_str().ok()?;
    Some(said.chars().take(LONGEST_USER_AGENT).collect::<String>().into())
}

/// The retry answer where the Registry cannot give one.
fn retry_answer() -> Bytes {
    let mut bytes = Vec::new();
    write_retry(RETRY, &mut bytes);
    bytes.into()
}

fn event_stream(body: EventStream) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("X-Accel-Buffering", "no"))
        // Nothing is asked for on this connection afterwards; HTTP/2 goes on.
        .force_close()
        .body(body)
}

/// The body of the answer: it has no length, and ends properly.
#[derive(Debug)]
enum EventStream {
    /// A stream that is served.
    Open(StreamReader),
    /// All there is to say.
    Said(Option<Bytes>),
}

impl MessageBody for EventStream {
    type Error = StreamCut;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamCut>>> {
        match self.get_mut() {
            EventStream::Open(reader) => reader.poll_next(context),
            EventStream::Said(bytes) => Poll::Ready(bytes.take().map(Ok)),
        }
    }
}
