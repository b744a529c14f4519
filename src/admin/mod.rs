//! The admin part: inspects and steers every crSocket and session over HTTP, on a listener of its own.
//!
//! ```text
//!   guard.rs      Host, Origin, token: before everything else
//!   sockets.rs    ┐                     ┌─► Board, Recent    what crSockets publish: lists and counts ask nobody
//!   sessions.rs   │                     ├─► CrSocket         one, for its details, or to steer it
//!   explain.rs    ├─ views.rs, why.rs ──┤
//!   stats.rs      │                     └─► Registry         what it knows of sessions
//!   live.rs       ┘  the same, as it happens, by WebSocket
//!   metrics.rs, health.rs   for machines          page.rs, openapi.rs   for people
//! ```

mod asked;
mod cursor;
mod explain;
mod extractors;
mod guard;
mod health;
mod live;
mod metrics;
mod openapi;
mod page;
mod process;
mod sessions;
mod settings;
mod socket;
mod sockets;
mod stats;
mod steer;
mod views;
mod why;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use actix::dev::{MessageResponse, ToEnvelope};
use actix::{Actor, Addr, Handler, Message};
use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpServer, web};
use arc_swap::ArcSwap;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use utoipa_actix_web::AppExt;

use self::guard::Guard;
use self::stats::{Sampler, Stats};
use crate::actors::client_ids::ClientIds;
use crate::actors::host::{Host, Published};
use crate::actors::registry::Registry;
use crate::config::Settings;
use crate::metrics::Counters;
use crate::problem::Problem;

/// How many connections there may be.
const CONNECTIONS: usize = 512;

/// How long a connection stays open for a next request.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// The longest time to the end of a request's head.
const HEAD_DT: Duration = Duration::from_secs(10);

/// How long a request may take, its body included.
const REQUEST_DT: Duration = Duration::from_secs(20);

/// How long the Registry may take to answer.
const ANSWER_DT: Duration = Duration::from_secs(5);

/// After how long a peer that confirms nothing counts as gone.
#[cfg(target_os = "linux")]
const CONFIRM_DT: Duration = Duration::from_secs(60);

/// What the admin part is made of.
#[derive(Debug)]
pub struct AdminParts {
    /// The server's Registry.
    pub registry: Addr<Registry>,
    /// Where crSockets are spawned.
    pub host: Arc<Host>,
    /// What all crSockets of this process publish.
    pub published: Published,
    /// Gives out clientIds.
    pub client_ids: Arc<ClientIds>,
    /// Where everything is counted.
    pub counters: Arc<Counters>,
    /// The settings in force.
    pub settings: Settings,
}

/// What all its handlers share.
#[derive(Debug)]
pub struct Admin {
    parts: AdminParts,
    guard: Guard,
    /// As of the last second.
    stats: ArcSwap<Stats>,
    /// How many watch what happens.
    watchers: Arc<AtomicUsize>,
    /// Whether the server stops.
    stopping: AtomicBool,
}

impl Admin {
    /// From these parts.
    pub fn new(parts: AdminParts) -> Arc<Admin> {
        let guard = Guard::new(parts.settings.admin.token.clone());
        Arc::new(Admin {
            parts,
            guard,
            stats: ArcSwap::default(),
            watchers: Arc::default(),
            stopping: AtomicBool::new(false),
        })
    }

    /// The server stops: it is not ready any more, and nothing new is spawned.
    pub fn stops(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Asks the Registry, and waits for its answer.
    async fn ask<M>(&self, message: M) -> Result<M::Result, Problem>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        Registry: Handler<M>,
        <Registry as Actor>::Context: ToEnvelope<Registry, M>,
        <Registry as Handler<M>>::Result: MessageResponse<Registry, M>,
    {
        let asked = self.parts.registry.send(message);
        let answered = tokio::time::timeout(ANSWER_DT, asked).await.map_err(|_| {
            Problem::not_now(format!("the Registry has not answered for {} s", ANSWER_DT.as_secs()), 1)
        })?;
        answered.map_err(|_| Problem::not_now("the server is not ready", 1))
    }
}

/// Serves the admin part on these sockets, on a thread of its own, until what is returned says stop.
///
/// # Errors
/// The sockets cannot be listened on.
pub fn serve(admin: &Arc<Admin>, listeners: Vec<TcpListener>) -> io::Result<ServerHandle> {
    let addresses: Vec<String> = listeners
        .iter()
        .filter_map(|socket| Some(format!("http://{}/admin/", socket.local_addr().ok()?)))
        .collect();
    actix_rt::spawn(Sampler::new(admin).run());
    let data = web::Data::from(Arc::clone(admin));
    let mut server = HttpServer::new(move || {
        let (app, api) = App::new()
            .into_utoipa_app()
            .openapi(openapi::document())
            .configure(openapi::routes)
            .split_for_parts();
        app.app_data(data.clone())
            .app_data(extractors::json())
            .app_data(extractors::query())
            .app_data(extractors::path())
            .app_data(openapi::Methods::of(&api))
            .app_data(web::Data::new(api.clone()))
            .configure(|config| openapi::serve(config, api))
            .route("/metrics", web::get().to(metrics::answer))
            .route("/healthz", web::get().to(health::alive))
            .route("/healthz", web::head().to(health::alive))
            .route("/readyz", web::get().to(health::ready))
            .route("/readyz", web::head().to(health::ready))
            .route("/admin/live", web::get().to(live::answer))
            .route("/admin/login", web::post().to(guard::log_in))
            .route("/admin/logout", web::post().to(guard::log_out))
            .default_service(web::to(page::answer))
            .wrap(from_fn(guard::check))
            .wrap(guard::headers())
    })
    .workers(1)
    .max_connections(CONNECTIONS)
    .keep_alive(KEEP_ALIVE)
    .client_request_timeout(HEAD_DT)
    .on_connect(|io, _| {
        // A watcher that reads nothing keeps its place no longer than that.
        #[cfg(target_os = "linux")]
        if let Some(tcp) = io.downcast_ref::<actix_rt::net::TcpStream>() {
            let _ = SockRef::from(tcp).set_tcp_user_timeout(Some(CONFIRM_DT));
        }
    })
    .shutdown_timeout(1)
    .disable_signals();
    for socket in listeners {
        server = server.listen(socket)?;
    }
    let server = server.run();
    let handle = server.handle();
    actix_rt::spawn(async move {
        if let Err(error) = server.await {
            log::error!("the admin part has ended: {error}");
        }
    });
    log::info!("admin at {}", addresses.join(", "));
    Ok(handle)
}
