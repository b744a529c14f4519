//! What is due when, for all clients of a thread: one alarm rings for the next.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use actix::{AsyncContext, Context, SpawnHandle};

use super::Crowd;
use crate::simulate::time::Micros;

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
    alarm: Option<(Micros, SpawnHandle)>,
}

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

    /// Lets the alarm ring for what is due next.
    pub(super) fn arm(&mut self, now: Micros, context: &mut Context<Crowd>) {
        let Some(Reverse((at, _))) = self.entries.peek().copied() else { return };
        if let Some((armed, handle)) = self.alarm {
            if armed <= at {
                return;
            }
            context.cancel_future(handle);
        }
        let handle = context.run_later(at.since(now), Crowd::alarm);
        self.alarm = Some((at, handle));
    }

    /// The alarm has rung.
    pub(super) fn rang(&mut self) {
        self.alarm = None;
    }
}
