//! What an event stream costs in actix-web alone: every request gets `hello` and an open stream, or `204`. To be measured
//! beside the server (ARCHITECTURE.md, "Performance of the server"). The argument is where to listen.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;

/// Says `hello`, and nothing more.
struct Stream(Option<Bytes>);

impl MessageBody for Stream {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        match self.0.take() {
            Some(bytes) => Poll::Ready(Some(Ok(bytes))),
            None => Poll::Pending,
        }
    }
}

async fn answer(request: HttpRequest) -> HttpResponse {
    if request.path().contains("eventsource") {
        let hello = Bytes::from_static(b"event: hello\ndata: 1\n\n");
        HttpResponse::Ok().content_type("text/event-stream").body(Stream(Some(hello)))
    } else {
        HttpResponse::NoContent().finish()
    }
}

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8090".to_owned());
    actix_rt::System::new().block_on(async {
        HttpServer::new(|| App::new().default_service(web::to(answer))).workers(1).bind(address)?.run().await
    })
}
