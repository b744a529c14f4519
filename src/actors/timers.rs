//! [`TimerKind`] -> actor timer: the only place that touches the timers of contexts.
//!
//! Timers are put off and disarmed far more often than they fire. So an actor has one alarm for all of its timers, and
//! leaves it where it is: one that rings before anything is due is set again, for what is due then.

use std::pin::Pin;
use std::task::{self, Poll, ready};
use std::time::Duration;

use actix::fut::ActorFuture;
use actix::{Actor, AsyncContext, Context, SpawnHandle};
use pin_project_lite::pin_project;
use smallvec::SmallVec;
use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, Sleep, sleep};

use super::clock::until;
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
pub(super) struct Timers {
    armed: SmallVec<[Armed; 2]>,
    /// It rings no later than any of them is due.
    alarm: Option<Alarm>,
}

#[derive(Clone, Copy, Debug)]
struct Armed {
    timer: TimerKind,
    due: Millis,
}

#[derive(Debug)]
struct Alarm {
    rings: Millis,
    /// Of its [`Bell`].
    handle: SpawnHandle,
}

pin_project! {
    /// What rings, in the context of its actor.
    struct Bell {
        #[pin]
        sleep: Sleep,
        // The actor is woken when it is time.
        is_wound: bool,
    }
}

impl Timers {
    /// Arms a timer of this actor; one of this kind that is armed is replaced.
    pub(super) fn set<A: HasTimers>(
        actor: &mut A,
        timer: TimerKind,
        after: Millis,
        now: Millis,
        context: &mut Context<A>,
    ) {
        let timers = actor.timers();
        timers.cancel(timer);
        timers.armed.push(Armed { timer, due: now + after.at_least_zero() });
        timers.set_alarm(now, context);
    }

    /// Disarms a timer, if it is armed.
    pub(super) fn cancel(&mut self, timer: TimerKind) {
        if let Some(place) = self.armed.iter().position(|armed| armed.timer == timer) {
            self.armed.swap_remove(place);
        }
    }

    /// Those that are armed, and in how long they are due.
    pub(super) fn due_in(&self, now: Millis) -> Vec<(TimerKind, Millis)> {
        self.armed.iter().map(|armed| (armed.timer, armed.due - now)).collect()
    }

    /// Disarms all of them.
    pub(super) fn cancel_all(&mut self) {
        self.armed.clear();
    }

    /// Sets the alarm for what is due next, unless it rings before that anyway.
    fn set_alarm<A: HasTimers>(&mut self, now: Millis, context: &mut Context<A>) {
        let Some(due) = self.next_due() else { return };
        if let Some(alarm) = &self.alarm {
            if alarm.rings <= due {
                return;
            }
            context.cancel_future(alarm.handle);
        }
        let bell = Bell { sleep: sleep(until(due, now)), is_wound: false };
        let handle = context.spawn(bell);
        self.alarm = Some(Alarm { rings: due, handle });
    }

    /// The alarm rings: what is due fires. After what time it is to ring again, if it is.
    fn ring<A: HasTimers>(actor: &mut A, context: &mut Context<A>) -> Option<Duration> {
        // A context still polls what was cancelled in the same turn.
        actor.timers().alarm.as_ref().filter(|alarm| alarm.handle == context.handle())?;
        let now = actor.shared().now();
        // So many can be due at most. What is set meanwhile has its turn when the alarm rings next.
        for _ in 0..actor.timers().armed.len() {
            // One that fires may disarm another.
            let Some(Armed { timer, due }) = actor.timers().take_due(now) else { break };
            actor.shared().note_late(due, now);
            #[cfg(test)]
            super::tests::tape::timer_fires(timer);
            actor.timer_fired(timer, context);
        }
        let timers = actor.timers();
        let next = timers.next_due();
        timers.alarm = timers.alarm.take().zip(next).map(|(alarm, rings)| Alarm { rings, ..alarm });
        next.map(|next| until(next, now))
    }

    fn next_due(&self) -> Option<Millis> {
        self.armed.iter().map(|armed| armed.due).min()
    }

    /// What is due first, if it is due by now.
    fn take_due(&mut self, now: Millis) -> Option<Armed> {
        let due = self.armed.iter().enumerate().filter(|(_, armed)| armed.due <= now);
        let (place, _) = due.min_by_key(|(_, armed)| armed.due)?;
        Some(self.armed.swap_remove(place))
    }
}

impl<A: HasTimers> ActorFuture<A> for Bell {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        actor: &mut A,
        context: &mut Context<A>,
        task: &mut task::Context<'_>,
    ) -> Poll<()> {
        let mut bell = self.project();
        // A context asks after each message: it is to cost nothing before it is time.
        while !*bell.is_wound || bell.sleep.is_elapsed() {
            // A task that has used up its budget is asked again, and woken by nothing else until then.
            *bell.is_wound = has_budget_remaining();
            ready!(bell.sleep.as_mut().poll(task));
            let Some(after) = Timers::ring(actor, context) else { return Poll::Ready(()) };
            bell.sleep.as_mut().reset(Instant::now() + after);
            *bell.is_wound = false;
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
