//! A server in the same process: a Registry that nobody else reaches.

use std::sync::Arc;

use actix::{Addr, Arbiter};
use thiserror::Error;
use tokio::sync::oneshot;

use crate::actors::clock::unix_seconds;
use crate::actors::feed::Feed;
use crate::actors::registry::{Registry, RegistrySettings};
use crate::metrics::Counters;
use crate::protocol::client_id::ClientIdSequence;
use crate::protocol::ids::AppId;
use crate::protocol::limits::Limits;
use crate::protocol::policy::{App, Apps};
use crate::protocol::rate::RateLimit;
use crate::protocol::sessions::PidSequence;
use crate::protocol::time::Timing;

/// What a server in this process is made with.
#[derive(Debug)]
pub struct Here {
    /// The app that it serves: anybody may take part, anybody may pair.
    pub app: AppId,
    /// The timings of the rules.
    pub timing: Timing,
    /// Whose clientIds are given out on demand: others than the simulation takes itself.
    pub client_ids: ClientIdSequence,
    /// How many events a second one client sends at most; the bound of the rules where that is more.
    pub rate: f64,
    /// Where everything is counted.
    pub counters: Arc<Counters>,
    /// Who watches what happens.
    pub feed: Arc<Feed>,
}

/// The thread of the Registry could not be started.
#[derive(Clone, Copy, Debug, Error)]
#[error("the thread of the Registry could not be started")]
pub struct NoRegistry;

/// Starts it on a thread of its own.
///
/// # Errors
/// [`NoRegistry`].
pub async fn start(here: Here) -> Result<Addr<Registry>, NoRegistry> {
    let (tell, told) = oneshot::channel();
    let settings = settings(here);
    let arbiter = Arbiter::new();
    arbiter.spawn_fn(move || {
        // Whoever asked waits for it.
        let _ = tell.send(Registry::start(settings));
    });
    told.await.map_err(|_| NoRegistry)
}

fn settings(here: Here) -> RegistrySettings {
    let Here { app, timing, client_ids, rate, counters, feed } = here;
    let mut limits = Limits::default();
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what is out of bounds becomes the bound"
    )]
    let wanted = (rate * 2.0) as u32;
    let most = limits.send_rate.per_second.max(wanted);
    limits.send_rate = RateLimit { per_second: most, burst: most };
    RegistrySettings {
        apps: Arc::new(Apps::new().with(app, App::default())),
        timing,
        limits,
        client_ids,
        pids: PidSequence::starting_at(unix_seconds()),
        counters,
        feed,
        died: None,
    }
}
