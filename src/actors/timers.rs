//! [`TimerKind`] -> armed actor timer: the only place that touches the timers of contexts.

use actix::{Actor, AsyncContext, Context, SpawnHandle};
use smallvec::SmallVec;

use super::clock::duration;
use super::shared::Shared;
use crate::protocol::time::{Millis, TimerKind};

/// An actor around machines that have timers.
pub(super) trait HasTimers: Actor<Context = Context<Self>> {
    /// Its armed timers.
    fn timers(&mut self) -> &mut Timers;

    /// What it shares with the others of its thread.
    fn shared(&self) -> &Shared;

    /// One of them fired.
    fn timer_fired(&mut self, timer: TimerKind, context: &mut Context<Self>);
}

/// The armed timers of one actor, at most one of each kind.
#[derive(Debug, Default)]
pub(super) struct Timers(SmallVec<[Armed; 2]>);

#[derive(Debug)]
struct Armed {
    timer: TimerKind,
    /// Tells it from one of its kind that was armed before, see [`name`].
    name: u32,
    handle: SpawnHandle,
}

impl Timers {
    /// Arms a timer of this actor; one of this kind that is armed is replaced.
    pub(super) fn set<A: HasTimers>(
        actor: &mut A,
        timer: TimerKind,
        after: Millis,
        context: &mut Context<A>,
    ) {
        Timers::cancel(actor, timer, context);
        let due = actor.shared().now() + after;
        let handle = context.run_later(duration(after), move |actor, context| {
            // Of timers that come in one turn, one may disarm another: its context polls it all the same.
            if actor.timers().take(|armed| armed.timer == timer && armed.name == name(due)).is_none() {
                return;
            }
            actor.shared().note_late(due);
            #[cfg(test)]
            super::tests::tape::timer_fires(timer);
            actor.timer_fired(timer, context);
        });
        actor.timers().0.push(Armed { timer, name: name(due), handle });
    }

    /// Disarms a timer of this actor, if it is armed.
    pub(super) fn cancel<A: HasTimers>(actor: &mut A, timer: TimerKind, context: &mut Context<A>) {
        if let Some(armed) = actor.timers().take(|armed| armed.timer == timer) {
            context.cancel_future(armed.handle);
        }
    }

    /// Disarms all timers of this actor.
    pub(super) fn cancel_all<A: HasTimers>(actor: &mut A, context: &mut Context<A>) {
        for armed in std::mem::take(&mut actor.timers().0) {
            context.cancel_future(armed.handle);
        }
    }

    fn take(&mut self, is_it: impl FnMut(&Armed) -> bool) -> Option<Armed> {
        let place = self.0.iter().position(is_it)?;
        Some(self.0.swap_remove(place))
    }
}

/// A short name for a timer by when it is due: those of one kind have different ones for weeks.
fn name(due: Millis) -> u32 {
    let [a, b, c, d, ..] = due.0.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
