//! Serving until a signal says stop, and stopping in order (section 4, Ends).
//!
//! Every stream gets `shutdown` and ends; meanwhile whoever asks for a stream is told to come again. Then nothing more is
//! accepted: with a socket that was handed over, clients wait in its backlog for the next run. What is under way is
//! finished, as far as the time allows.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::Addr;
use actix_server::{Server, ServerHandle};
use actix_web::web;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};

use super::Store;
use super::error::ServerError;
use super::files_changed::{LOOK_DT, Watched};
use super::hosted::Hosted;
use super::listen::AdminListeners;
use crate::actors::clock::duration;
use crate::actors::host::Published;
use crate::actors::messages::{GetLoad, Stop};
use crate::actors::registry::Registry;
use crate::admin::{self, Admin, AdminParts};
use crate::config::Settings;
use crate::http::connection::OpenConnections;
use crate::http::site::Site;
use crate::practice::{Practice, PracticeSettings};
use crate::protocol::time::Millis;

/// How often it is looked whether everything is said.
const DRAIN_DT: Duration = Duration::from_millis(10);

/// How long a connection that was accepted may take to its first request, when nothing more is accepted.
const ASK_DT: Duration = Duration::from_millis(500);

/// How long the hosted clients may take to say goodbye.
const GOODBYE_DT: Millis = Millis(2_000);

/// How long a client that was told `shutdown`, and opens again at once, is still told when to come back.
const REOPEN_DT: Duration = Duration::from_millis(200);

/// The signals that a server listens for.
pub(super) struct Signals {
    stop: StopSignals,
    hang_up: Signal,
}

struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Signals, ServerError> {
        let listen = |kind| signal(kind).map_err(ServerError::Signals);
        let stop = StopSignals {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        };
        Ok(Signals { stop, hang_up: listen(SignalKind::hangup())? })
    }
}

impl StopSignals {
    /// Waits for SIGINT or SIGTERM.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// A server that has been started.
pub(super) struct Running {
    pub(super) site: web::Data<Site>,
    pub(super) open: OpenConnections,
    pub(super) store: Store,
    /// Tells when the Registry has died.
    pub(super) died: oneshot::Receiver<()>,
    /// Tells when the Registry has been started.
    pub(super) registry: oneshot::Receiver<Addr<Registry>>,
    /// The sockets of the admin part.
    pub(super) admin: AdminListeners,
    /// By the crSockets of this process.
    pub(super) published: Published,
    pub(super) settings: Settings,
}

impl Running {
    /// Serves until SIGINT or SIGTERM, then stops in order; a second signal ends it at once.
    pub(super) async fn serve_until_told(
        mut self,
        server: Server,
        mut signals: Signals,
        mut watched: Watched,
    ) -> Result<(), ServerError> {
        let handle = server.handle();
        let mut server = std::pin::pin!(server);
        let mut look = interval(LOOK_DT);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut hosted, mut practice, mut admin, mut has_begun) = (None, None, None, false);
        let told = loop {
            tokio::select! {
                ended = &mut server => return ended.map_err(ServerError::Serve),
                _ = &mut self.died => return Err(ServerError::RegistryDied),
                registry = &mut self.registry, if !has_begun => {
                    has_begun = true;
                    if let Ok(registry) = registry {
                        practice = self.practise(registry.clone());
                        hosted = self.host(registry.clone());
                        admin = self.administer(registry, hosted.as_ref())?;
                    }
                }
                told = signals.stop.next() => break told,
                _ = signals.hang_up.recv() => watched.read_all().await,
                _ = look.tick() => watched.look().await,
            }
        };
        let within = self.settings.server.shutdown_timeout;
        log::info!("{told}: stopping within {within}");
        if let Some((admin, _)) = &admin {
            admin.stops();
        }
        tokio::select! {
            () = stop(&self, hosted, practice, &handle) => {}
            _ = &mut server => {}
            told = signals.stop.next() => log::warn!("{told} again: ending at once"),
        }
        if let Some((_, handle)) = admin {
            handle.stop(false).await;
        }
        tell_counts(&self.site);
        Ok(())
    }

    /// Serves the admin part, where it is on.
    fn administer(
        &mut self,
        registry: Addr<Registry>,
        hosted: Option<&Hosted>,
    ) -> Result<Option<(Arc<Admin>, ServerHandle)>, ServerError> {
        let listeners = std::mem::take(&mut self.admin.0);
        let Some(hosted) = hosted.filter(|_| !listeners.is_empty()) else { return Ok(None) };
        let admin = Admin::new(AdminParts {
            registry,
            host: Arc::clone(hosted.host()),
            published: self.published.clone(),
            client_ids: Arc::clone(&self.site.client_ids),
            counters: Arc::clone(&self.site.counters),
            settings: self.settings.clone(),
        });
        let handle = admin::serve(&admin, listeners).map_err(ServerError::Serve)?;
        Ok(Some((admin, handle)))
    }

    fn host(&self, registry: Addr<Registry>) -> Option<Hosted> {
        let Site { client_ids, counters, .. } = &**self.site;
        Hosted::start(&self.settings, registry, client_ids, counters, &self.published)
    }

    /// Partners to practise with, where the demo is on.
    fn practise(&self, registry: Addr<Registry>) -> Option<Practice> {
        let demo = self.settings.demo.clone()?;
        let settings = PracticeSettings {
            app: demo.app,
            access_token: demo.access_token,
            timing: self.settings.timing.clone(),
            client_ids: Arc::clone(&self.site.client_ids),
            counters: Arc::clone(&self.site.counters),
            published: self.published.clone(),
        };
        let practice = Practice::start(settings, registry);
        if let Some(demo) = &self.site.demo {
            // Nobody else sets it.
            let _ = demo.lender.set(practice.lender().clone());
        }
        Some(practice)
    }
}

async fn stop(running: &Running, hosted: Option<Hosted>, practice: Option<Practice>, handle: &ServerHandle) {
    let Running { site, open, store, .. } = running;
    let within = running.settings.server.shutdown_timeout;
    let deadline = Instant::now() + duration(within);
    if let Some(hosted) = hosted {
        hosted.stop(GOODBYE_DT.min(within)).await;
    }
    if let Some(practice) = practice {
        practice.stop(duration(GOODBYE_DT.min(within))).await;
    }
    site.stopping.store(true, Ordering::Relaxed);
    if timeout_at(deadline, say_goodbye(site, open)).await.is_err() {
        log::warn!("not everybody took the end of their stream in time");
    }
    // Not `stop`: what waits in the backlog must stay there for the next run.
    let _ = timeout_at(deadline, handle.pause()).await;
    // Whoever was accepted until now is about to ask; who only holds a connection is not waited for.
    sleep(DRAIN_DT).await;
    let _ = timeout_at(deadline.min(Instant::now() + ASK_DT), until(|| open.not_asked() == 0)).await;
    site.client_ids.close();
    if timeout_at(deadline, until(|| site.requests.count() == 0)).await.is_ok() {
        give_client_ids_back(site, store).await;
    }
    let _ = timeout_at(deadline, handle.stop(false)).await;
}

/// Every stream gets `shutdown`, and its end is read.
async fn say_goodbye(site: &Site, open: &OpenConnections) {
    if site.ask(Stop).await.is_err() {
        return;
    }
    loop {
        match site.ask(GetLoad).await {
            Ok(load) if load.streams == 0 && load.endings == 0 => break,
            Ok(_) => sleep(DRAIN_DT).await,
            Err(_) => return,
        }
    }
    // What the streams' connections have taken is on its way when they are closed.
    until(|| open.with_streams() == 0).await;
    sleep(REOPEN_DT).await;
}

/// Nobody asks for clientIds any more: those that are reserved and were not given are for the next run.
async fn give_client_ids_back(site: &Site, store: &Store) {
    let Ok(load) = site.ask(GetLoad).await else { return };
    let Some(Ok(mut store)) = store.as_ref().map(|store| store.lock()) else { return };
    if let Err(error) = store.finish(load.client_ids_consumed) {
        log::warn!("some clientIds are skipped until all were given once: {error}");
    }
}

async fn until(mut holds: impl FnMut() -> bool) {
    while !holds() {
        sleep(DRAIN_DT).await;
    }
}

/// What was counted, for the log.
fn tell_counts(site: &Site) {
    let counts: Vec<String> = site
        .counters
        .nonzero()
        .map(|(counter, count)| match counter.reason() {
            "" => format!("{} {count}", counter.family()),
            reason => format!("{}.{reason} {count}", counter.family()),
        })
        .collect();
    log::info!("stopped; counted: {}", if counts.is_empty() { "nothing".into() } else { counts.join(", ") });
}
