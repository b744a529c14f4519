//! Tells a crSocket when one of its children is gone. The Supervisor restarts an actor that stopped, not one that
//! panicked; what is dropped with an actor is dropped in either case.

use actix::Addr;

use super::messages::{ChildGone, Life};
use super::socket::CrSocket;

/// Dropped with the child that holds it, it tells the parent.
#[derive(Debug)]
pub(super) struct Guard {
    parent: Addr<CrSocket>,
    gone: ChildGone,
}

impl Guard {
    pub(super) fn new(parent: Addr<CrSocket>, child: &'static str, life: Life) -> Guard {
        Guard { parent, gone: ChildGone { life, child, was_told: false } }
    }

    /// From now on the child is gone because it was told to stop.
    pub(super) fn stops_as_told(&mut self) {
        self.gone.was_told = true;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.parent.do_send(self.gone);
    }
}
