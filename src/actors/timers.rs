//! [`TimerKind`] -> armed actor timer: the only place that touches the timers of contexts.

use std::time::Duration;

use actix::{Actor, AsyncContext, Context, SpawnHandle};
use smallvec::SmallVec;

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
pub(super) struct Timers(SmallVec<[(TimerKind, SpawnHandle); 2]>);

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
        let after = Duration::from_millis(u64::try_from(after.0).unwrap_or(0));
        let handle = context.run_later(after, move |actor, context| {
            actor.timers().take(timer);
            actor.shared().note_late(due);
            actor.timer_fired(timer, context);
        });
        actor.timers().0.push((timer, handle));
    }

    /// Disarms a timer of this actor, if it is armed.
    pub(super) fn cancel<A: HasTimers>(actor: &mut A, timer: TimerKind, context: &mut Context<A>) {
        if let Some(handle) = actor.timers().take(timer) {
            context.cancel_future(handle);
        }
    }

    /// Disarms all timers of this actor.
    pub(super) fn cancel_all<A: HasTimers>(actor: &mut A, context: &mut Context<A>) {
        for (_, handle) in std::mem::take(&mut actor.timers().0) {
            context.cancel_future(handle);
        }
    }

    fn take(&mut self, timer: TimerKind) -> Option<SpawnHandle> {
        let place = self.0.iter().position(|(armed, _)| *armed == timer)?;
        Some(self.0.swap_remove(place).1)
    }
}
