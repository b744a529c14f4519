//! What is due when, for all clients of a thread: one alarm rings for the next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use actix::{Addr, AsyncContext, Context, Handler, Message};

use super::Crowd;
use super::alarm::Alarm;
use crate::simulate::time::{Micros, RunClock};

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// This client's persona.
    Persona(usize),
    /// What happens to this pair.
    Incident(usize),
    /// This client comes back.
    Return(usize),
}

/// What is due when. Whoever waits for something else meanwhile ignores it.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    entries: BinaryHeap<Reverse<(Micros, Due)>>,
    /// Started when it is needed first.
    alarm: Option<Alarm>,
    /// What it is set to.
    armed: Option<Micros>,
}

/// The alarm rings.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
struct Rings;

impl Agenda {
    pub(super) fn add(&mut self, at: Micros, due: Due) {
        self.entries.push(Reverse((at, due)));
    }

    /// What is due by now, the earliest first.
    pub(super) fn next(&mut self, now: Micros) -> Option<(Micros, Due)> {
        let Reverse((at, _)) = self.entries.peek()?;
        if *at > now {
            return None;
        }
        self.entries.pop().map(|Reverse(entry)| entry)
    }

    /// Sets the alarm to what is due next.
    pub(super) fn arm(&mut self, clock: RunClock, context: &mut Context<Crowd>) {
        let Some(Reverse((at, _))) = self.entries.peek().copied() else { return };
        if self.armed.is_some_and(|armed| armed <= at) {
            return;
        }
        self.armed = Some(at);
        if self.alarm.is_none() {
            self.alarm = alarm(context.address());
        }
        match &self.alarm {
            Some(alarm) => alarm.set(clock.instant(at)),
            // There are no more threads: the runtime's timers are better than none.
            None => {
                context.run_later(at.since(clock.now()), Crowd::alarm);
            }
        }
    }

    /// The alarm has rung.
    pub(super) fn rang(&mut self) {
        self.armed = None;
    }
}

fn alarm(crowd: Addr<Crowd>) -> Option<Alarm> {
    let started = Alarm::start(move || crowd.do_send(Rings));
    started.inspect_err(|error| log::warn!("clients act with the grain of a millisecond: {error}")).ok()
}

impl Handler<Rings> for Crowd {
    type Result = ();

    fn handle(&mut self, _: Rings, context: &mut Context<Crowd>) {
        self.alarm(context);
    }
}
