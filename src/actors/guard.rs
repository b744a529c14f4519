//! What the three actors of one crSocket share, and how it learns that one of its children is gone. The Supervisor restarts
//! an actor that stopped, not one that panicked; what is dropped with an actor is dropped in either case.

use std::cell::Cell;
use std::rc::Rc;

use super::link::{Ends, EndsKey, Link};
use super::messages::ChildGone;
use super::outlet::Outlet;
use super::shared::Shared;
use crate::protocol::time::Millis;

/// What the three actors of one crSocket share.
#[derive(Debug)]
pub(super) struct Family {
    /// Themselves, as their link knows them too.
    pub(super) ends: Rc<Ends>,
    /// Under which name.
    pub(super) key: EndsKey,
    pub(super) link: Link,
    pub(super) shared: Rc<Shared>,
    /// Where they say what they have to say.
    pub(super) outlet: Rc<Outlet>,
    /// When something was last sent, if the EventReceiver has not heard it yet: it hears it before anything else, and needs no
    /// message for each.
    pub(super) sent_at: Cell<Option<Millis>>,
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
        let Ends { life, socket, .. } = &*self.family.ends;
        let (life, child, was_told) = (*life, self.child, self.was_told);
        socket.do_send(ChildGone { life, child, was_told });
    }
}
