//! What the three actors of one crSocket share, and how it learns that one of its children is gone. The Supervisor restarts
//! an actor that stopped, not one that panicked; what is dropped with an actor is dropped in either case.

use std::rc::Rc;

use actix::Addr;

use super::link::{EndsKey, Link};
use super::messages::{ChildGone, Life};
use super::receiver::EventReceiver;
use super::sender::EventSender;
use super::shared::Shared;
use super::socket::CrSocket;

/// What the three actors of one crSocket share.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) socket: Addr<CrSocket>,
    pub(super) receiver: Addr<EventReceiver>,
    pub(super) sender: Addr<EventSender>,
    pub(super) link: Link,
    pub(super) ends: EndsKey,
    pub(super) life: Life,
    pub(super) shared: Rc<Shared>,
}

/// A child of a crSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Child {
    EventReceiver,
    EventSender,
}

/// A child's way to its family. Dropped with the child, it tells the parent.
#[derive(Debug)]
pub(super) struct Guard {
    pub(super) family: Rc<Family>,
    child: Child,
    was_told: bool,
}

impl Guard {
    pub(super) fn new(family: &Rc<Family>, child: Child) -> Guard {
        Guard { family: Rc::clone(family), child, was_told: false }
    }

    /// From now on the child is gone because it was told to stop.
    pub(super) fn stops_as_told(&mut self) {
        self.was_told = true;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let (life, child, was_told) = (self.family.life, self.child, self.was_told);
        self.family.socket.do_send(ChildGone { life, child, was_told });
    }
}
