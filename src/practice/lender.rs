//! Lends practice partners: so many of each role at once, and so many in so much time.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use actix::fut::WrapFuture;
use actix::{Actor, ActorFutureExt, Addr, Context, Handler, Message, ResponseActFuture};

use super::PracticeSettings;
use super::partner::Partner;
use super::task::Task;
use crate::actors::client_ids::NoClientId;
use crate::actors::clock::Clock;
use crate::actors::host::{CrSocketBuilder, Host};
use crate::actors::registry::Registry;
use crate::metrics::Counter;
use crate::protocol::ids::{ClientId, Role};
use crate::protocol::rate::{RateLimit, RateState};
use crate::protocol::time::Millis;

/// How many of each role are lent at most.
pub const MOST: usize = 16;

/// How often one is lent at most, to all together. A clientId is used up each time.
pub const RATE: RateLimit = RateLimit { per_second: 2, burst: 40 };

/// Lends practice partners.
#[derive(Debug)]
pub struct Lender {
    settings: PracticeSettings,
    registry: Addr<Registry>,
    host: Rc<Host>,
    controllers: Slots,
    responders: Slots,
    rate: RateState,
    clock: Clock,
    is_closed: bool,
}

/// Somebody asks for a practice partner; the answer is its clientId.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "Result<ClientId, NoPartner>")]
pub struct Lend(pub Wanted);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A responder, which waits for a controller.
    Responder,
    /// A controller, which assigns itself to this responder.
    Controller {
        /// To which.
        partner: ClientId,
    },
}

/// Why none is lent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPartner {
    /// As many as may be are lent.
    #[error("all {MOST} practice {role}s are lent; one is free again within a minute or two")]
    AllTaken {
        /// In this role.
        role: Role,
    },
    /// Too many were asked for.
    #[error("practice partners are asked for too often")]
    TooOften {
        /// When the next one is lent.
        wait: Millis,
    },
    /// The server stops.
    #[error("the server stops")]
    Closed,
    /// There is no clientId for it.
    #[error("there is no clientId for a practice partner: {0}")]
    NoClientId(NoClientId),
}

/// None is lent any more.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Close;

/// How many of a kind are taken.
#[derive(Clone, Debug, Default)]
struct Slots(Rc<Cell<usize>>);

/// One of them; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Slot(Slots);

impl Slots {
    fn take(&self) -> Option<Slot> {
        let taken = self.0.get();
        (taken < MOST).then(|| {
            self.0.set(taken + 1);
            Slot(self.clone())
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.0.set(self.0.0.get().saturating_sub(1));
    }
}

impl Wanted {
    fn role(self) -> Role {
        match self {
            Wanted::Responder => Role::Responder,
            Wanted::Controller { .. } => Role::Controller,
        }
    }
}

impl Lender {
    pub(super) fn new(settings: PracticeSettings, registry: Addr<Registry>, host: Rc<Host>) -> Lender {
        Lender {
            settings,
            registry,
            host,
            controllers: Slots::default(),
            responders: Slots::default(),
            rate: RateState::default(),
            clock: Clock::default(),
            is_closed: false,
        }
    }

    /// A place for one more.
    pub(super) fn admit(&mut self, role: Role) -> Result<Slot, NoPartner> {
        if self.is_closed {
            return Err(NoPartner::Closed);
        }
        let slots = match role {
            Role::Controller => &self.controllers,
            Role::Responder => &self.responders,
        };
        let slot = slots.take().ok_or(NoPartner::AllTaken { role });
        let counters = &self.settings.counters;
        let slot = slot.inspect_err(|_| counters.count(Counter::PartnersAllTaken))?;
        match self.rate.admit(&RATE, self.clock.now()) {
            Ok(()) => Ok(slot),
            Err(wait) => {
                counters.count(Counter::PartnersTooOften);
                Err(NoPartner::TooOften { wait })
            }
        }
    }

    fn lend(&self, wanted: Wanted, slot: Slot, client_id: ClientId) {
        let PracticeSettings { app, access_token, counters, .. } = &self.settings;
        let builder = CrSocketBuilder::new(app.clone(), wanted.role())
            .client_id(client_id)
            .access_token(access_token.clone());
        let (task, builder) = match wanted {
            Wanted::Responder => (Task::responder(), builder),
            Wanted::Controller { partner } => (Task::controller(), builder.partner(partner)),
        };
        counters.count(Counter::PartnersLent);
        log::debug!("app {app}: the practice {} {client_id} is lent", wanted.role());
        Partner::lend(task, builder, &self.host, slot);
    }
}

impl Actor for Lender {
    type Context = Context<Lender>;
}

impl Handler<Lend> for Lender {
    type Result = ResponseActFuture<Lender, Result<ClientId, NoPartner>>;

    fn handle(&mut self, Lend(wanted): Lend, _: &mut Context<Lender>) -> Self::Result {
        let slot = match self.admit(wanted.role()) {
            Ok(slot) => slot,
            Err(why) => return Box::pin(actix::fut::ready(Err(why))),
        };
        let (client_ids, registry) = (Arc::clone(&self.settings.client_ids), self.registry.clone());
        let given = async move { client_ids.give_own(&registry).await };
        Box::pin(given.into_actor(self).map(move |given, lender, _| {
            let client_id = given.map_err(NoPartner::NoClientId)?;
            if lender.is_closed {
                return Err(NoPartner::Closed);
            }
            lender.lend(wanted, slot, client_id);
            Ok(client_id)
        }))
    }
}

impl Handler<Close> for Lender {
    type Result = ();

    fn handle(&mut self, _: Close, _: &mut Context<Lender>) {
        self.is_closed = true;
    }
}
