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
        let client_id = self.give_own_client_id(step)?;
        self.client_id_rate = rate;
        Ok(client_id)
    }

    /// The same for a client of the server's own process, which is bounded by what hosts it, and takes nothing from what is
    /// given to others.
    ///
    /// # Errors
    /// As [`SessionTable::give_client_id`], but for the rate.
    pub fn give_own_client_id(&mut self, step: &ServerStep<'_>) -> Result<ClientId, NoClientIdNow> {
        let all_in_use = NoClientIdNow::AllInUse { retry_after: step.timing.invalid_client_id_retry_dt };
        if self.sessions + self.reservations >= ClientId::COUNT as usize {
            return Err(all_in_use);
        }
        let slots = &self.slots;
        let given = self.client_ids.next(|id| slots.get(id).is_some_and(Slot::is_in_use));
        given.map_err(|why| match why {
            NoClientId::AllInUse => all_in_use,
            NoClientId::NotReserved { needed, .. } => NoClientIdNow::NotReserved { needed },
        })
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
