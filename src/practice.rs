//! Partners to practise the demo's task with, for whoever has no second device: crSockets hosted on demand, lent, and removed
//! when they are done.

mod lender;
mod partner;
pub mod task;
#[cfg(test)]
mod tests;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr};

pub use self::lender::{Lend, Lender, MOST, NoPartner, RATE, Wanted};
use crate::actors::client_ids::ClientIds;
use crate::actors::host::{Host, HostSettings, Published, Server, Threads};
use crate::actors::registry::Registry;
use crate::metrics::Counters;
use crate::protocol::ids::{AccessToken, AppId};
use crate::protocol::time::{Millis, Timing};

/// When a practice responder lets a controller go that it is searching for: another one may want it.
const RELEASE: Millis = Millis::from_secs(20);

/// What practice partners are hosted with.
#[derive(Debug)]
pub struct PracticeSettings {
    /// In which app.
    pub app: AppId,
    /// On whose behalf.
    pub access_token: AccessToken,
    /// The timings of the rules; theirs differ in releaseDt.
    pub timing: Timing,
    /// Who gives out their clientIds.
    pub client_ids: Arc<ClientIds>,
    /// Where everything is counted.
    pub counters: Arc<Counters>,
    /// Where they publish what they are.
    pub published: Published,
}

/// Practice partners, hosted on this thread.
#[derive(Debug)]
pub struct Practice {
    lender: Addr<Lender>,
    host: Rc<Host>,
}

impl Practice {
    /// Begins to lend partners that speak with this Registry.
    pub fn start(settings: PracticeSettings, registry: Addr<Registry>) -> Practice {
        let host = Rc::new(Host::start(HostSettings {
            timing: Timing { release_dt: RELEASE, ..settings.timing.clone() },
            threads: Threads::Here,
            client_ids: Some(Arc::clone(&settings.client_ids)),
            counters: Arc::clone(&settings.counters),
            published: settings.published.clone(),
            ..HostSettings::new(Server::Local(registry.clone()))
        }));
        let lender = Lender::new(settings, registry, Rc::clone(&host)).start();
        Practice { lender, host }
    }

    /// Who lends them.
    pub fn lender(&self) -> &Addr<Lender> {
        &self.lender
    }

    /// None is lent any more; all say goodbye. How many were not gone within this time.
    pub async fn stop(self, within: Duration) -> usize {
        // Where it is gone, it lends nothing.
        let _ = self.lender.send(lender::Close).await;
        self.host.stop(within).await
    }
}
