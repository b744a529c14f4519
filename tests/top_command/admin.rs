//! A server that answers as the admin interface does, or otherwise.

use std::future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use actix_web::dev::ServerHandle;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

const STATS: &str = include_str!("../data/top/stats.json");
const SOCKETS: &str = include_str!("../data/top/sockets.json");

/// What it does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As the contract says, to anybody.
    Open,
    /// The same, with this token only.
    Guarded(&'static str),
    /// A page of something else.
    Page,
    /// The fields of another version.
    OtherVersion,
    /// It does not know how to leave a state out.
    OtherFilters,
    /// It never ends its answer.
    Endless,
    /// It never answers.
    Mute,
}

/// What it knows of itself.
#[derive(Clone)]
struct Shared {
    manner: Arc<Mutex<Manner>>,
    seen: Arc<Mutex<Vec<String>>>,
}

/// A running server. It stops when it is dropped.
pub(crate) struct Admin {
    pub(crate) address: SocketAddr,
    shared: Shared,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Admin {
    /// On a free port.
    pub(crate) fn start(manner: Manner) -> Admin {
        Admin::at((Ipv4Addr::LOCALHOST, 0).into(), manner)
    }

    pub(crate) fn at(address: SocketAddr, manner: Manner) -> Admin {
        let shared = Shared { manner: Arc::new(Mutex::new(manner)), seen: Arc::default() };
        let (sender, receiver) = channel();
        let of_server = shared.clone();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let server = HttpServer::new(move || {
                    let shared = of_server.clone();
                    App::new().default_service(web::to(move |request| answer(request, shared.clone())))
                });
                let server = server.workers(1).disable_signals().bind(address).unwrap();
                let address = server.addrs()[0];
                let server = server.run();
                sender.send((address, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (address, handle) = receiver.recv().unwrap();
        Admin { address, shared, handle, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn becomes(&self, manner: Manner) {
        *self.shared.manner.lock().unwrap() = manner;
    }

    /// What it was asked so far: method, target, authorization.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.shared.seen.lock().unwrap().clone()
    }
}

impl Drop for Admin {
    /// At once: whoever is connected is cut off.
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || thread::panicking(), "the server of the test panicked");
    }
}

async fn answer(request: HttpRequest, shared: Shared) -> HttpResponse {
    let authorization = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    let seen = format!("{} {} {}", request.method(), request.uri(), authorization.as_deref().unwrap_or("-"));
    shared.seen.lock().unwrap().push(seen);
    let is_stats = request.path() == "/admin/api/stats";
    let manner = *shared.manner.lock().unwrap();
    match manner {
        Manner::Guarded(token) if authorization.as_deref() != Some(&format!("Bearer {token}")) => {
            problem(HttpResponse::Unauthorized(), "a token is needed")
        }
        Manner::Page => {
            HttpResponse::Ok().content_type("text/html").body("<!doctype html><title>Printer</title>")
        }
        Manner::OtherVersion => json(&STATS.replace("uptimeMs", "upSinceMs").replace("0.1.0", "9.9.9")),
        Manner::OtherFilters if !is_stats => {
            problem(HttpResponse::BadRequest(), "state: \"!interacting\" is none; accepted: passive, ...")
        }
        Manner::Endless => {
            let endless =
                std::iter::repeat_with(|| Ok::<_, std::io::Error>(web::Bytes::from_static(&[b' '; 65536])));
            HttpResponse::Ok().content_type("application/json").streaming(Endless(Box::new(endless)))
        }
        Manner::Mute => future::pending().await,
        Manner::Open | Manner::Guarded(_) | Manner::OtherFilters if is_stats => json(STATS),
        Manner::Open | Manner::Guarded(_) if request.path() == "/admin/api/sockets" => json(SOCKETS),
        Manner::Open | Manner::Guarded(_) | Manner::OtherFilters => {
            problem(HttpResponse::NotFound(), "no such page")
        }
    }
}

fn json(text: &str) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(text.to_owned())
}

fn problem(mut response: actix_web::HttpResponseBuilder, detail: &str) -> HttpResponse {
    let body = serde_json::json!({ "title": "Problem", "detail": detail }).to_string();
    response.content_type("application/problem+json").body(body)
}

/// An iterator as the body of an answer.
struct Endless(Box<dyn Iterator<Item = Result<web::Bytes, std::io::Error>>>);

impl futures_core::Stream for Endless {
    type Item = Result<web::Bytes, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}
