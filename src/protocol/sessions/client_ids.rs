//! Giving out clientIds (section 3, "clientid").

use super::session::Slot;
use super::{NoClientIdNow, ServerStep, SessionTable};
use crate::protocol::client_id::{ClientIdSequence, NoClientId};
use crate::protocol::ids::ClientId;

impl SessionTable {
    /// Gives the next clientId that has neither a session nor a reservation.
    ///
    /// # Errors
    /// [`NoClientIdNow`]: a `503` with Retry-After, or more positions must be reserved on disk first.
    pub fn give_client_id(&mut self, step: &ServerStep<'_>) -> Result<ClientId, NoClientIdNow> {
        let all_in_use = NoClientIdNow::AllInUse { retry_after: step.timing.invalid_client_id_retry_dt };
        if self.sessions + self.reservations >= ClientId::COUNT as usize {
            return Err(all_in_use);
        }
        let mut rate = self.client_id_rate;
        rate.admit(&step.limits.client_id_rate, step.now)
            .map_err(|retry_after| NoClientIdNow::TooMany { retry_after })?;
        let slots = &self.slots;
        let given = self.client_ids.next(|id| slots.get(id).is_some_and(Slot::is_in_use));
        match given {
            Ok(client_id) => {
                self.client_id_rate = rate;
                Ok(client_id)
            }
            Err(NoClientId::AllInUse) => Err(all_in_use),
            Err(NoClientId::NotReserved { needed, .. }) => Err(NoClientIdNow::NotReserved { needed }),
        }
    }

    /// The sequence of clientIds, for the shell that keeps its position.
    pub fn client_ids(&self) -> &ClientIdSequence {
        &self.client_ids
    }

    /// Positions of the sequence below this one are reserved on disk.
    pub fn reserve_client_ids(&mut self, bound: u64) {
        self.client_ids.reserve_until(bound);
    }
}
