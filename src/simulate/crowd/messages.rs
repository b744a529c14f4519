//! What the enclosing clients of a thread are told and asked.

use actix::Message;

use crate::protocol::ids::{ClientId, Role};
use crate::simulate::ledger::Missing;
use crate::simulate::meter::Tally;
use crate::simulate::plan::PairPlan;

/// Newcomers.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(in crate::simulate) struct Enter(pub(in crate::simulate) Vec<Newcomer>);

/// Who comes.
#[derive(Debug)]
pub(in crate::simulate) enum Newcomer {
    /// A pair, with its clientIds if the server is not to be asked.
    Pair { plan: Box<PairPlan>, ids: Option<(ClientId, ClientId)> },
    /// Somebody without a partner.
    Single { plan: Box<PairPlan>, role: Role, id: Option<ClientId> },
}

/// Asks what was seen since it was asked last.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Tally")]
pub(in crate::simulate) struct Collect {
    /// Whether it is to be counted what is on its way: everybody is looked at for it.
    pub(in crate::simulate) on_their_way: bool,
}

/// From now on it is measured, or not any more.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(in crate::simulate) struct Measure(pub(in crate::simulate) bool);

/// Nobody does anything any more, and nothing happens to anybody.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(in crate::simulate) struct Rest;

/// Nothing more is waited for: what has not arrived is counted.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Missing")]
pub(in crate::simulate) struct Reckon;
