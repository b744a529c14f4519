//! The admin part over crSockets and a Registry that are not this server's: those of a simulation.

use std::net::SocketAddr;
use std::sync::Arc;

use actix::Addr;
use actix_server::ServerHandle;

use super::error::ServerError;
use super::listen::AdminListeners;
use crate::actors::client_ids::ClientIds;
use crate::actors::host::{Host, Published};
use crate::actors::registry::Registry;
use crate::admin::{self, Admin, AdminParts};
use crate::config::{AppSettings, Overrides, Settings};
use crate::metrics::Counters;
use crate::protocol::ids::AppId;
use crate::protocol::time::Timing;

/// What it is served over.
#[derive(Debug)]
pub struct Over {
    /// The Registry.
    pub registry: Addr<Registry>,
    /// Where the crSockets live.
    pub host: Arc<Host>,
    /// What they publish.
    pub published: Published,
    /// Where everything is counted.
    pub counters: Arc<Counters>,
    /// The timings of the rules.
    pub timing: Timing,
    /// The app.
    pub app: AppId,
}

/// An admin part that is served until it is stopped.
#[derive(Debug)]
pub struct OverAdmin {
    handle: ServerHandle,
    addresses: Vec<SocketAddr>,
}

impl OverAdmin {
    /// Serves it at these addresses. Its token comes from the environment, as a server's.
    ///
    /// # Errors
    /// [`ServerError`].
    pub fn serve(over: Over, bind: &[String]) -> Result<OverAdmin, ServerError> {
        let overrides = Overrides { admin_bind: bind.to_vec(), ..Overrides::default() };
        let mut settings = Settings::load(None, &overrides)?;
        let Over { registry, host, published, counters, timing, app } = over;
        settings.timing = timing;
        settings.server.any_app = false;
        settings.server.data_dir = None;
        settings.apps.insert(app, AppSettings::default());
        let listeners = AdminListeners::open(&settings)?;
        let addresses = listeners.0.iter().filter_map(|listener| listener.local_addr().ok()).collect();
        let client_ids = Arc::new(ClientIds::new(None));
        let admin = Admin::new(AdminParts { registry, host, published, client_ids, counters, settings });
        let handle = admin::serve(&admin, listeners.0).map_err(ServerError::Serve)?;
        Ok(OverAdmin { handle, addresses })
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// It stops.
    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}
