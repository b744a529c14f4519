//! A running server: its parts are put together once, it serves until it is told to stop, and stops in order.

mod error;
mod files_changed;
mod hosted;
mod listen;
mod over;
mod stop;
mod tls;

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, OnceLock};

use actix::Addr;
use actix_server::Server;
use actix_web::web;
use arc_swap::ArcSwap;
use tokio::sync::oneshot;

pub use self::error::ServerError;
use self::files_changed::Watched;
use self::listen::{AdminListeners, Listeners};
pub use self::over::{Over, OverAdmin};
use self::stop::Signals;
use self::tls::Certificates;
use crate::actors::client_ids::{ClientIds, Reserve};
use crate::actors::clock::{duration, unix_seconds};
use crate::actors::host::Published;
use crate::actors::registry::{Registry, RegistrySettings};
use crate::apps::AppTable;
use crate::client_id_store::{ClientIdStore, ephemeral};
use crate::config::{AccessSettings, CorsOrigins, Settings};
use crate::http::connection::OpenConnections;
use crate::http::demo::Demo;
use crate::http::files::WebRoot;
use crate::http::listener::Listener;
pub use crate::http::reach::Reach;
use crate::http::site::{Requests, Site};
use crate::metrics::Counters;
use crate::open_files;
use crate::protocol::client_id::ClientIdSequence;
use crate::protocol::ids::AppId;
use crate::protocol::sessions::PidSequence;

/// Serves until a signal says stop. `started` is called once it listens, with where it does.
///
/// # Errors
/// [`ServerError`]: it could not start, or had to give up.
pub fn run(settings: Settings, started: impl FnOnce(&Reach)) -> Result<(), ServerError> {
    open_files::raise();
    actix::System::new().block_on(serve(settings, started))
}

async fn serve(settings: Settings, started: impl FnOnce(&Reach)) -> Result<(), ServerError> {
    let parts = Parts::prepare(&settings)?;
    let listeners = Listeners::open(&settings)?;
    let admin = AdminListeners::open(&settings)?;
    let signals = Signals::listen()?;
    let reach = listeners.reach()?;
    if let Some(demo) = &parts.site.demo {
        // Nobody else sets it.
        let _ = demo.reach.set(reach.clone());
    }
    let apps = described(&settings);
    let open = OpenConnections::default();
    let watched = Watched::new(&settings, &parts.site, parts.certificates.clone());
    let site = parts.site.clone();
    let (tell_registry, registry) = oneshot::channel();
    let first = FirstWorker { registry: parts.registry, started: tell_registry };
    let server = start(&settings, listeners, parts.site, parts.certificates, first, &open)?;
    log::info!("crsocket {} serves {reach}, {apps}", env!("CARGO_PKG_VERSION"));
    started(&reach);
    let (store, died, published) = (parts.store, parts.died, parts.published);
    let running = stop::Running { site, open, store, died, registry, admin, published, settings };
    running.serve_until_told(server, signals, watched).await
}

/// Opens what a server would open at its start, without listening or touching its data.
///
/// # Errors
/// [`ServerError`]: what could not be opened.
pub fn check(settings: &Settings) -> Result<(), ServerError> {
    settings.server.web_root.as_deref().map(WebRoot::open).transpose()?;
    AppTable::build(settings)?;
    settings.tls.as_ref().map(Certificates::read).transpose()?;
    Ok(())
}

/// What is made once, before anything is served.
struct Parts {
    site: web::Data<Site>,
    registry: RegistrySettings,
    /// By the crSockets of this process.
    published: Published,
    certificates: Option<Arc<Certificates>>,
    store: Store,
    /// Tells when the Registry has died.
    died: oneshot::Receiver<()>,
}

impl Parts {
    fn prepare(settings: &Settings) -> Result<Parts, ServerError> {
        let server = &settings.server;
        let web_root = server.web_root.as_deref().map(WebRoot::open).transpose()?;
        let apps = AppTable::build(settings)?;
        let certificates = settings.tls.as_ref().map(Certificates::read).transpose()?.map(Arc::new);
        let (store, client_ids, start) = open_client_ids(settings)?;
        let counters = Arc::<Counters>::default();
        let published = Published::default();
        let (tell_death, died) = oneshot::channel();
        let registry = RegistrySettings {
            apps: Arc::new(apps.apps.clone()),
            timing: settings.timing.clone(),
            limits: settings.limits.clone(),
            client_ids,
            pids: PidSequence::starting_at(start),
            counters: Arc::clone(&counters),
            feed: Arc::clone(&published.feed),
            died: Some(tell_death),
        };
        let site = web::Data::new(Site {
            registry: OnceLock::new(),
            apps: ArcSwap::from_pointee(apps),
            has_cors: settings.apps.values().any(|app| app.cors_origins != CorsOrigins::default()),
            web_root: web_root.map(|root| root.without(private_files(settings))),
            demo: settings.demo.is_some().then(Demo::default),
            client_ids: Arc::new(ClientIds::new(store.clone().map(reserve_in))),
            trusted_proxies: server.trusted_proxies.clone(),
            max_event_data_length: settings.timing.max_event_data_length,
            heartbeat: server.heartbeat,
            heartbeat_http2: server.heartbeat_http2,
            counters,
            requests: Requests::default(),
            stopping: AtomicBool::new(false),
        });
        Ok(Parts { site, registry, published, certificates, store, died })
    }
}

/// What must not be served though somebody puts it into the web root.
fn private_files(settings: &Settings) -> Vec<PathBuf> {
    let token_files = settings.apps.values().filter_map(|app| match &app.access {
        AccessSettings::List { token_file, .. } => token_file.clone(),
        AccessSettings::Any => None,
    });
    let key = settings.tls.iter().map(|tls| tls.private_key_file.clone());
    settings.server.data_dir.iter().cloned().chain(token_files).chain(key).collect()
}

/// Where clientIds are kept, if they are.
type Store = Option<Arc<Mutex<ClientIdStore>>>;

/// How more clientIds are reserved in a store.
fn reserve_in(store: Arc<Mutex<ClientIdStore>>) -> Arc<Reserve> {
    Arc::new(move |needed| {
        let mut store = store.lock().map_err(|_| "the thread that reserved them has died".to_owned())?;
        store.reserve(needed).map_err(|error| error.to_string())
    })
}

/// The store, if there is one, the sequence of clientIds, and when this run starts, in seconds of Unix time.
fn open_client_ids(settings: &Settings) -> Result<(Store, ClientIdSequence, u64), ServerError> {
    match &settings.server.data_dir {
        Some(data_dir) => {
            let (store, sequence) = ClientIdStore::open(data_dir)?;
            let start = store.next_start(unix_seconds())?;
            Ok((Some(Arc::new(Mutex::new(store))), sequence, start))
        }
        None => {
            log::warn!("without a data_dir clientIds may be given again by the next run");
            Ok((None, ephemeral()?, unix_seconds()))
        }
    }
}

/// Starts the HTTP workers. The first of them starts the Registry, on its own thread: the usual way of a crEvent then stays
/// there.
fn start(
    settings: &Settings,
    listeners: Listeners,
    site: web::Data<Site>,
    certificates: Option<Arc<Certificates>>,
    first: FirstWorker,
    open: &OpenConnections,
) -> Result<Server, ServerError> {
    let workers = settings.server.workers.get();
    // Handshakes are bounded by the connections and their time; with a bound of their own, a few silent clients would stop
    // every listener.
    actix_tls::accept::max_concurrent_tls_connect(settings.server.max_connections);
    let mut builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(settings.server.max_connections.div_ceil(workers))
        .disable_signals();
    let listener = Listener {
        site,
        open: open.clone(),
        max_connections: settings.server.max_connections,
        keep_alive: duration(settings.server.keep_alive),
        user_timeout: duration(settings.timing.max_prev_alive_dt),
    };
    let registry = Arc::new(Mutex::new(Some(first)));
    for socket in listeners.cleartext {
        let (listener, registry) = (listener.clone(), Arc::clone(&registry));
        let factory = move || {
            start_registry(&listener.site, &registry);
            listener.cleartext()
        };
        builder = builder.listen("cleartext", socket, factory).map_err(ServerError::Serve)?;
    }
    if let Some(certificates) = certificates {
        let config = certificates.server_config()?;
        for socket in listeners.tls {
            let (listener, registry, config) = (listener.clone(), Arc::clone(&registry), Arc::clone(&config));
            let factory = move || {
                start_registry(&listener.site, &registry);
                listener.tls(&config)
            };
            builder = builder.listen("tls", socket, factory).map_err(ServerError::Serve)?;
        }
    }
    Ok(builder.run())
}

/// Starts the Registry on this thread, unless another worker has done so.
fn start_registry(site: &Site, first: &Mutex<Option<FirstWorker>>) {
    let mut first = first.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(FirstWorker { registry, started }) = first.take() {
        let registry = Registry::start(registry);
        // It is the first: the settings are taken only once.
        let _ = site.registry.set(registry.clone());
        // Where nobody waits for it, the server has stopped already.
        let _ = started.send(registry);
    }
}

/// What the first worker starts.
struct FirstWorker {
    registry: RegistrySettings,
    /// Told when it has.
    started: oneshot::Sender<Addr<Registry>>,
}

/// Which apps are served, in words.
fn described(settings: &Settings) -> String {
    let names: Vec<&str> = settings.apps.keys().map(AppId::as_str).collect();
    match (names.as_slice(), settings.server.any_app) {
        ([], true) => "any app".to_owned(),
        ([], false) => "no app yet: name one in the configuration, or set server.any_app".to_owned(),
        (names, false) => format!("the apps {}", names.join(", ")),
        (names, true) => format!("the apps {} and any other", names.join(", ")),
    }
}
