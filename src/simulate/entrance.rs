//! How clients come: each at its time, with its clientId.

use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use tokio::time::sleep;

use super::crowd::Crowd;
use super::crowd::messages::{Enter, Newcomer};
use super::run::{ClientIds, RunError};
use super::world::World;
use crate::protocol::ids::{ClientId, Role};

/// How often it is looked who is to come.
const ENTER_DT: Duration = Duration::from_millis(10);

/// How many come in one message.
const BATCH: usize = 200;

/// Gives out clientIds; none where the server is to be asked.
#[derive(Debug)]
pub(super) struct Ids(ClientIds);

impl Ids {
    pub(super) fn of(ids: ClientIds, clients: u64) -> Result<Ids, RunError> {
        let there = match &ids {
            ClientIds::Asked => u64::MAX,
            ClientIds::Range(range) => u64::from(range.end().saturating_sub(*range.start())) + 1,
            ClientIds::Sequence(_) => u64::from(ClientId::COUNT),
        };
        if clients > there {
            return Err(RunError::TooFewClientIds { clients, there });
        }
        Ok(Ids(ids))
    }

    /// The range of which they are, if they are of one.
    pub(super) fn range(&self) -> Option<std::ops::RangeInclusive<u32>> {
        match &self.0 {
            ClientIds::Range(range) => Some(range.clone()),
            ClientIds::Asked | ClientIds::Sequence(_) => None,
        }
    }

    fn next(&mut self) -> Option<ClientId> {
        match &mut self.0 {
            ClientIds::Asked => None,
            ClientIds::Range(range) => range.next().and_then(ClientId::from_number),
            ClientIds::Sequence(sequence) => sequence.next(|_| false).ok(),
        }
    }
}

/// Lets clients in, each at its time.
pub(super) struct Entrance {
    pub(super) world: Arc<World>,
    pub(super) crowds: Vec<Addr<Crowd>>,
    pub(super) ids: Ids,
}

impl Entrance {
    pub(super) async fn let_in(mut self, pairs: u32, singles: [(Role, u32); 2]) {
        let mut number = pairs;
        for (role, count) in singles {
            for _ in 0..count {
                // Their plan is that of a pair without its other half.
                let plan = Box::new(self.world.plan.pair(number));
                let single = Newcomer::Single { plan, role, id: self.ids.next() };
                self.enter(vec![(number, single)]).await;
                number = number.saturating_add(1);
            }
        }
        let mut pair = 0;
        while pair < pairs {
            let now = self.world.clock.now();
            let mut batch = Vec::new();
            while pair < pairs && batch.len() < BATCH && self.world.plan.begins(pair) <= now {
                let ids = self.ids.next().and_then(|one| Some((one, self.ids.next()?)));
                batch.push((pair, Newcomer::Pair { plan: Box::new(self.world.plan.pair(pair)), ids }));
                pair += 1;
            }
            if batch.is_empty() {
                sleep(ENTER_DT).await;
            } else {
                self.enter(batch).await;
            }
        }
    }

    /// Waits until they are in.
    async fn enter(&self, newcomers: Vec<(u32, Newcomer)>) {
        let mut shares: Vec<Vec<Newcomer>> = self.crowds.iter().map(|_| Vec::new()).collect();
        for (number, newcomer) in newcomers {
            let crowd = usize::try_from(number % self.world.crowds.max(1)).unwrap_or(0);
            if let Some(share) = shares.get_mut(crowd) {
                share.push(newcomer);
            }
        }
        let sent: Vec<_> =
            self.crowds.iter().zip(shares).map(|(crowd, share)| crowd.send(Enter(share))).collect();
        for entered in sent {
            // The next look at a thread that has died says so.
            let _ = entered.await;
        }
    }
}
