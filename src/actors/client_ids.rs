//! Gives out clientIds (section 3), and has more of them reserved on disk where they are kept there.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix::Addr;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

use super::messages::{ClientIdsReserved, GiveClientId};
use super::registry::Registry;
use crate::protocol::ids::ClientId;
use crate::protocol::sessions::NoClientIdNow;
use crate::protocol::time::Millis;

/// Reserves positions of the sequence so that all below the number given may be given out, and returns the new bound once
/// it is on disk, which may take milliseconds; or says why it cannot.
pub type Reserve = dyn Fn(u64) -> Result<u64, String> + Send + Sync;

/// Whom everybody asks who needs a clientId of this process's server.
pub struct ClientIds {
    /// Whoever reserves holds the lock meanwhile.
    reserve: Mutex<Option<Arc<Reserve>>>,
    /// Whether none is given any more: what is reserved goes back.
    closed: AtomicBool,
}

/// Why no clientId is given.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoClientId {
    /// The Registry is not there.
    #[error("the server is not ready")]
    Gone,
    /// The server stops.
    #[error("the server stops")]
    Closed,
    /// They cannot be kept on disk.
    #[error("clientIds cannot be kept: {0}")]
    NotStored(String),
    /// The rules say so.
    #[error("{}", .0.detail())]
    NotNow(NoClientIdNow),
}

impl NoClientId {
    /// When to ask again, where that is known.
    pub fn retry_after(&self) -> Option<Millis> {
        match self {
            NoClientId::NotNow(why) => why.retry_after(),
            NoClientId::Gone | NoClientId::Closed | NoClientId::NotStored(_) => None,
        }
    }
}

impl ClientIds {
    /// With these, of which more are reserved so; without, those that the Registry has are all there are.
    pub fn new(reserve: Option<Arc<Reserve>>) -> ClientIds {
        ClientIds { reserve: Mutex::new(reserve), closed: AtomicBool::new(false) }
    }

    /// The next clientId.
    ///
    /// # Errors
    /// [`NoClientId`].
    pub async fn give(&self, registry: &Addr<Registry>) -> Result<ClientId, NoClientId> {
        self.give_one(registry, GiveClientId { own: false }).await
    }

    /// The next clientId, for a client of this process.
    ///
    /// # Errors
    /// [`NoClientId`].
    pub async fn give_own(&self, registry: &Addr<Registry>) -> Result<ClientId, NoClientId> {
        self.give_one(registry, GiveClientId { own: true }).await
    }

    async fn give_one(&self, registry: &Addr<Registry>, one: GiveClientId) -> Result<ClientId, NoClientId> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(NoClientId::Closed);
        }
        match ask(registry, one).await? {
            Ok(client_id) => return Ok(client_id),
            Err(NoClientIdNow::NotReserved { .. }) => {}
            Err(why) => return Err(NoClientId::NotNow(why)),
        }
        // One at a time: whoever waited here finds what another one reserved.
        let reserve = self.reserve.lock().await;
        loop {
            let needed = match ask(registry, one).await? {
                Ok(client_id) => return Ok(client_id),
                Err(NoClientIdNow::NotReserved { needed }) => needed,
                Err(why) => return Err(NoClientId::NotNow(why)),
            };
            let nowhere = || NoClientId::NotStored("there is nowhere to reserve more".to_owned());
            let reserve = reserve.clone().ok_or_else(nowhere)?;
            let reserved = spawn_blocking(move || reserve(needed)).await;
            let bound = match reserved {
                Ok(reserved) => reserved.map_err(NoClientId::NotStored)?,
                Err(error) => return Err(NoClientId::NotStored(error.to_string())),
            };
            registry.send(ClientIdsReserved(bound)).await.map_err(|_| NoClientId::Gone)?;
        }
    }

    /// From now on none is given.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }
}

async fn ask(
    registry: &Addr<Registry>,
    one: GiveClientId,
) -> Result<Result<ClientId, NoClientIdNow>, NoClientId> {
    registry.send(one).await.map_err(|_| NoClientId::Gone)
}

impl fmt::Debug for ClientIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIds").field("closed", &self.closed).finish_non_exhaustive()
    }
}
