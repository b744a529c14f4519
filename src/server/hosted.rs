//! The clients that a server hosts itself, by its configuration.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr};
use actix_rt::task::JoinHandle;
use tokio::time::sleep;

use crate::actors::client_ids::ClientIds;
use crate::actors::clock::duration;
use crate::actors::echo::{Echo, Observes};
use crate::actors::host::{CrSocketBuilder, Host, HostSettings, Published, Server, SocketHandle};
use crate::actors::registry::Registry;
use crate::config::{Behaviour, HostedSettings, Settings};
use crate::metrics::Counters;
use crate::protocol::ids::{AppId, ClientId, Role};
use crate::protocol::time::Millis;

/// When a hosted responder lets a partner go that stays away, where releaseDt is off: nobody sits at it who would.
const RELEASE: Millis = Millis::from_secs(60);

/// How many are named in the log one by one.
const NAMED: usize = 10;

/// How often it is looked how they are.
const LOOK_DT: Duration = Duration::from_secs(1);

/// How long it takes at least until a clientId that cannot be given is asked for again.
const RETRY: Duration = Duration::from_secs(1);

/// Hosted clients, and what watches over them.
pub(super) struct Hosted {
    host: Arc<Host>,
    task: JoinHandle<()>,
}

/// What is needed to spawn them.
struct Nursery {
    host: Arc<Host>,
    registry: Addr<Registry>,
    client_ids: Arc<ClientIds>,
    echo: Addr<Echo>,
    named: Vec<Named>,
    /// ClientIds that were configured and are not taken yet.
    configured: std::vec::IntoIter<ClientId>,
    /// It was said that clientIds are waited for.
    said_why: bool,
}

/// Some that are told about in the log.
struct Named {
    app: AppId,
    who: Who,
    /// What was said last of them.
    said: String,
}

enum Who {
    Pair { controller: SocketHandle, responder: SocketHandle },
    Single(SocketHandle),
}

impl Hosted {
    /// Begins to host what the settings ask for. Nothing where they ask for nothing, and nobody can ask for more: there
    /// is no admin part.
    pub(super) fn start(
        settings: &Settings,
        registry: Addr<Registry>,
        client_ids: &Arc<ClientIds>,
        counters: &Arc<Counters>,
        published: &Published,
    ) -> Option<Hosted> {
        let asks_for_none = settings.hosted.iter().all(|hosted| hosted.sockets() == 0);
        if asks_for_none && settings.admin.bind.is_empty() {
            return None;
        }
        let mut timing = settings.timing.clone();
        if timing.release_dt == Millis::ZERO {
            timing.release_dt = RELEASE;
        }
        let host = Arc::new(Host::start(HostSettings {
            timing,
            client_ids: Some(Arc::clone(client_ids)),
            counters: Arc::clone(counters),
            published: published.clone(),
            ..HostSettings::new(Server::Local(registry.clone()))
        }));
        let nursery = Nursery {
            host: Arc::clone(&host),
            registry,
            client_ids: Arc::clone(client_ids),
            echo: Echo::default().start(),
            named: Vec::new(),
            configured: Vec::new().into_iter(),
            said_why: false,
        };
        let hosted = settings.hosted.clone();
        let task = actix_rt::spawn(async move { nursery.run(&hosted).await });
        Some(Hosted { host, task })
    }

    /// Where they live.
    pub(super) fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// They say goodbye and stop.
    pub(super) async fn stop(self, within: Millis) {
        self.task.abort();
        let left = self.host.stop(duration(within)).await;
        if left > 0 {
            log::warn!("{left} hosted clients did not stop in time");
        }
    }
}

impl Nursery {
    async fn run(mut self, hosted: &[HostedSettings]) {
        for settings in hosted {
            self.spawn(settings).await;
        }
        let mut counted = String::new();
        loop {
            sleep(LOOK_DT).await;
            self.named.iter_mut().for_each(Named::tell);
            if self.host.len() <= NAMED {
                continue;
            }
            let counts = self.host.board().count_by_state();
            let now: Vec<String> = counts.iter().map(|(state, count)| format!("{count} {state}")).collect();
            let now = now.join(", ");
            if now != counted {
                log::info!("hosted clients: {now}");
            }
            counted = now;
        }
    }

    async fn spawn(&mut self, settings: &HostedSettings) {
        let echoes = settings.behaviour == Behaviour::Echo;
        self.configured = settings.client_ids.clone().into_iter();
        for _ in 0..settings.pairs {
            let (controller, responder) = (self.client_id().await, self.client_id().await);
            let first = build(settings, Role::Controller, controller).partner(responder);
            let first = self.host.spawn(first);
            let second = build(settings, Role::Responder, responder).beside(&first);
            let second = self.hatch(second, echoes);
            self.name(settings, Who::Pair { controller: first, responder: second });
        }
        for (count, role) in
            [(settings.controllers, Role::Controller), (settings.responders, Role::Responder)]
        {
            for _ in 0..count {
                let id = self.client_id().await;
                let single = self.hatch(build(settings, role, id), echoes);
                self.name(settings, Who::Single(single));
            }
        }
    }

    fn hatch(&self, builder: CrSocketBuilder, echoes: bool) -> SocketHandle {
        if !echoes {
            return self.host.spawn(builder);
        }
        let handle = self.host.spawn(builder.observer(self.echo.clone().recipient()));
        self.echo.do_send(Observes(handle.clone()));
        handle
    }

    fn name(&mut self, settings: &HostedSettings, who: Who) {
        if self.named.len() < NAMED {
            self.named.push(Named { app: settings.app.clone(), who, said: String::new() });
        }
    }

    /// The next clientId: one that was configured, or a new one; waits as long as none is given.
    async fn client_id(&mut self) -> ClientId {
        if let Some(id) = self.configured.next() {
            return id;
        }
        loop {
            let why = match self.client_ids.give_own(&self.registry).await {
                Ok(id) => return id,
                Err(why) => why,
            };
            let wait = why.retry_after().map_or(RETRY, duration);
            let level = if self.said_why { log::Level::Debug } else { log::Level::Warn };
            self.said_why = true;
            log::log!(level, "hosted clients wait for clientIds: {why}");
            sleep(wait.max(Duration::from_millis(10))).await;
        }
    }
}

fn build(settings: &HostedSettings, role: Role, id: ClientId) -> CrSocketBuilder {
    CrSocketBuilder::new(settings.app.clone(), role).client_id(id).access_token(settings.access_token.clone())
}

impl Named {
    /// Says how they are, if that has changed.
    fn tell(&mut self) {
        let told = match &self.who {
            Who::Pair { controller, responder } => {
                let (Some(one), Some(other)) = (controller.summary(), responder.summary()) else { return };
                let interacts = one.state.state() == "interacting" && other.state.state() == "interacting";
                let ids = format!("controller {} and responder {}", id(one.client_id), id(other.client_id));
                let how = if interacts {
                    "are interacting".to_owned()
                } else {
                    format!("are {} and {}", one.state, other.state)
                };
                format!("{ids}, both hosted here, {how}")
            }
            Who::Single(single) => {
                let Some(one) = single.summary() else { return };
                let state = one.state.state();
                let how = match (state, one.role, one.partner) {
                    ("readyToPair", Role::Responder, None) => "waits for a controller".to_owned(),
                    (_, _, Some(partner)) => format!("is {state} with {partner}"),
                    (_, _, None) => format!("is {}", one.state),
                };
                format!("{} {}, hosted here, {how}", one.role, id(one.client_id))
            }
        };
        if self.said != told {
            log::info!("app {}: {told}", self.app);
            self.said = told;
        }
    }
}

fn id(id: Option<ClientId>) -> String {
    id.map_or_else(|| "without a clientId".to_owned(), |id| id.to_string())
}
